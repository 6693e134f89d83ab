/* What the query worker needs of a reader beyond query.h. */
#ifndef OPSDECK_STORE_READER_PRIV_H
#define OPSDECK_STORE_READER_PRIV_H

#include "store_priv.h"

#include "opsdeck/store/query.h"

/* Not opened yet: the first question does that. */
struct reader *reader_new(const struct store_opts *o);
/* A question ends with ERR_CANCELLED as soon as *cancel is set; NULL: never. */
void reader_set_cancel(struct reader *r, const atomic_bool *cancel);

#endif
