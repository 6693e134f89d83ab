/*
 * The attributes of a row as the store keeps them (one JSON object as text), read a pair at a
 * time without a tree, and rows written out as JSON. Numbers are never converted, so 64-bit
 * integers stay exact. Pure.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_ATTRS_H
#define OPSDECK_UI_ATTRS_H

#include <stdbool.h>
#include <stddef.h>

struct row_set;
struct sbuf;

/*
 * The next pair of the object behind *pos (start with the whole text): `key` and `value` are
 * replaced; strings come unescaped and clean, everything else as its JSON text. False at the
 * end or where the text is no JSON.
 */
bool attrs_next(const char **pos, struct sbuf *key, struct sbuf *value);
/* One attribute's value into `out` (replaced); false when it is absent or null. */
bool attrs_get(const char *json, const char *name, struct sbuf *out);
/* One row as an indented JSON object; the column attrs becomes an object of its own. */
void json_add_row(struct sbuf *out, const struct row_set *rs, size_t row);

#endif
