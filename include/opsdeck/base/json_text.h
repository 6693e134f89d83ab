/*
 * JSON as text: the one writer of strings, and a writer of whole documents into an sbuf. There is
 * no tree and nothing is left out: what the buffer does not take stays in `out->is_full`, which
 * whoever sends the document looks at once, at its end. Reading JSON is not done here.
 * Any thread; a writer belongs to one thread at a time.
 */
#ifndef OPSDECK_BASE_JSON_TEXT_H
#define OPSDECK_BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sbuf;

/* Append `n` bytes of valid UTF-8 as a string in quotes, control bytes escaped. False: full. */
bool json_put(struct sbuf *out, const char *s, size_t n);
/* The same in pure ASCII: what is beyond it as \u escapes, for files that others read. */
bool json_put_ascii(struct sbuf *out, const char *s, size_t n);

enum {
    JSON_DEPTH_MAX = 16
};

struct json {
    struct sbuf *out;
    unsigned depth;
    bool is_object[JSON_DEPTH_MAX], has_items[JSON_DEPTH_MAX];
};

/* The writer of one document at the end of `out`, which outlives it. */
struct json json_into(struct sbuf *out);
/* Values. `key` names a member, and is NULL in a list and for the document itself. */
void json_object(struct json *j, const char *key); /* ends with json_close() */
void json_array(struct json *j, const char *key);
void json_close(struct json *j);
void json_text(struct json *j, const char *key, const char *s); /* NULL writes null */
void json_int(struct json *j, const char *key, int64_t v);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);
/* JSON text as it is: numbers with all their digits, attributes as they are kept. */
void json_raw(struct json *j, const char *key, const char *text);

#endif
