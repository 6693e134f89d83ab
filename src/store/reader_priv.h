/*
 * What the query worker needs of a reader beyond query.h.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_STORE_READER_PRIV_H
#define OPSDECK_STORE_READER_PRIV_H

#include "store_priv.h"

#include "opsdeck/store/query.h"

/* Not opened yet: the first question does that. */
struct reader *reader_new(const struct store_opts *o);
/* A question ends with ERR_CANCELLED as soon as is_cancelled says so; looked at every few
 * thousand steps. */
void reader_set_cancel(struct reader *r, bool (*is_cancelled)(void *ctx), void *ctx);

#endif
