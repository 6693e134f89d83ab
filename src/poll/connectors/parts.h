/*
 * Helpers of the connectors that talk HTTP. Texts in the arena given.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_POLL_PARTS_H
#define OPSDECK_POLL_PARTS_H

#include "opsdeck/base/require.h"
#include "opsdeck/poll/connector.h"

struct page_def;
struct sbuf;

/* Expand with the `for` row first, then params. */
MUST_CHECK bool part_expand(struct arena *mem, const struct plan_source *src,
                            const struct request_item *item, const char *tmpl, bool encode,
                            char **out, struct err *e);
char *part_percent(struct arena *mem, const char *s);
void part_add_pair(struct sbuf *q, const char *name, const char *value);
/* The token as a member of the body's top object, as PAGE_NEXT_BODY says. */
MUST_CHECK bool part_body_with_token(struct arena *mem, const struct page_def *pg, const char *body,
                                     const char *token, const char **out, struct err *e);
const char *part_what_it_said(struct arena *mem, const struct http_response *r);

#endif
