/* What the decoders share: writing one JSON string, and looking at how a body begins. */
#ifndef OPSDECK_DECODE_PRIV_H
#define OPSDECK_DECODE_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "opsdeck/base/require.h"

struct sbuf;
struct err;

/* Append `s` as a JSON string in quotes: through the text door (LF kept), escaped minimally. */
bool json_put_string(struct sbuf *out, const char *s, size_t n);
/* Length of the JSON number at the start of s, 0 when there is none (RFC 8259 section 6). */
size_t json_number_len(const char *s, size_t n);
/* What stands at s[at], in words, for a message: "'x'", "byte 0x00", "the end of the body". */
const char *what_stands(const char *s, size_t n, size_t at, char out[40]);
/* A hint in parentheses when the body looks like a page made for people, else "". */
const char *page_hint(const char *s, size_t n);
/* ERR_LIMIT: the decoded form does not fit into `out`. */
MUST_CHECK bool too_large(const struct sbuf *out, const char *what, struct err *e);

#endif
