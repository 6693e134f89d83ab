/*
 * Operations whose answers are data: config/demo/answers/<service>.yaml says each as one SELECT
 * over the estate's tables (config/demo/estate.yaml, in memory). Loaded once at start; a mistake
 * names file, line and column. Afterwards called with the simulator's lock held.
 */
#ifndef OPSDECK_SIM_ANSWERS_H
#define OPSDECK_SIM_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answers;
struct aws_call;
struct aws_op;

/* NULL when the data is not there or wrong; every mistake is then told on stderr. */
struct answers *answers_load(void);
void answers_free(struct answers *a); /* NULL is fine */
/* The operations, in the order of the files; `n` becomes their number. They are the answers'. */
const struct aws_op *answers_ops(const struct answers *a, size_t *n);
/* Answer the call whose operation is `op`, one of answers_ops(). */
void answers_run(struct answers *a, struct aws_call *c, const struct aws_op *op);

#endif
