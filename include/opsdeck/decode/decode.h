/*
 * Bodies to JSON text that SQLite can read: charset, then format, then the JSON door, which
 * checks size, depth, UTF-8 and completeness, un-escapes keys, passes every string through
 * the text door, and keeps numbers as they are written. Pure; any thread.
 */
#ifndef OPSDECK_DECODE_DECODE_H
#define OPSDECK_DECODE_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"

struct sbuf;

enum {
    DECODE_DEPTH_MAX = 256
};

/* JSON in, clean JSON out (strings keep LF). Errors say offset, line and what was there: "not JSON
 * at byte 0: '<' (an HTML page?)". */
MUST_CHECK bool json_door(const char *s, size_t n, struct sbuf *out, struct err *e);
/* One document a line -> a JSON array. Empty lines are skipped. */
MUST_CHECK bool jsonl_to_json(const char *s, size_t n, struct sbuf *out, struct err *e);
/* element = object, repeated child = array, leaf = string, attributes @name, text beside children
 * #text, namespaces stripped, DOCTYPE refused, depth 64 */
MUST_CHECK bool xml_to_json(const char *s, size_t n, struct sbuf *out, struct err *e);
/* Prometheus text exposition 0.0.4 -> [{name,labels{},value,ts}]; NaN and Inf as strings */
MUST_CHECK bool prom_to_json(const char *s, size_t n, struct sbuf *out, struct err *e);
/* By BOM, then the charset of Content-Type, then UTF-8; invalid bytes become U+FFFD. */
MUST_CHECK bool charset_to_utf8(const char *s, size_t n, const char *content_type, struct sbuf *out,
                                struct err *e);

#endif
