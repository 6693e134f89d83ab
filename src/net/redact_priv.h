/*
 * Between redact.c and redact_shapes.c: shapes of secrets that were never registered.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_REDACT_PRIV_H
#define OPSDECK_NET_REDACT_PRIV_H

#include <stdbool.h>

struct sbuf;

/* The text with what looks like a secret hidden, into `out`; false when there is none. */
bool redact_shapes(const struct sbuf *text, struct sbuf *out);

#endif
