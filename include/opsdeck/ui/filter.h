/*
 * The filter language of `/`: words are substrings over all shown columns and attributes,
 * `key:value` looks into one column or attribute, `!term` inverts, "a b" keeps a space; all
 * terms must hold. Case is folded. Loop thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_FILTER_H
#define OPSDECK_UI_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct row_set;

struct filter_term {
    bool is_negated;
    const char *key;   /* NULL: a word */
    const char *value; /* folded */
};

struct filter {
    struct arena *mem;
    struct filter_term *v;
    size_t n;
};

/* Replaces what was there; any text is a filter, an empty one lets everything pass. */
void filter_set(struct filter *f, const char *text);
void filter_release(struct filter *f);
/* `folded`: what words are looked for in. */
bool filter_match(const struct filter *f, const char *folded, const struct row_set *rs, size_t row);

#endif
