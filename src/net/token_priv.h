/*
 * Running a token command: what token.c asks of token_run.c. One run is one child in its own
 * session, its output capped and its time limited; it frees itself after its callback.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_TOKEN_PRIV_H
#define OPSDECK_NET_TOKEN_PRIV_H

#include <stddef.h>

#include <ev.h>

#include "opsdeck/base/err.h"

#include "net_priv.h"

enum {
    TOKEN_MAX_BYTES = 64 * 1024,
    TOKEN_RUN_S = 30,
};

struct token_run;

/* `fault->code` is ERR_NONE when the command ended well; `out` is wiped after the call. */
typedef void token_run_fn(void *ctx, const char *out, size_t len, const struct err *fault);

struct token_run *token_run_start(struct ev_loop *loop, char *const *argv, double limit_s,
                                  token_run_fn *done, void *ctx, struct err *e);
/* Kills the process group of a run under way, without its callback. NULL is fine. */
void token_run_free(struct token_run *run);

#endif
