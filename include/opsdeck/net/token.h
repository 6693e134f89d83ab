/*
 * Secrets from where the config says: environment, file (mode checked), command (argv, no
 * shell, 30 s, 64 KiB, cleaned environment). Asynchronous on the loop. Every secret obtained
 * is registered with the redactor until the store of tokens is freed. A variable is wiped and
 * unset once read, and answered from memory after that. Loop thread only.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_TOKEN_H
#define OPSDECK_NET_TOKEN_H

#include <stdbool.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/secret.h"

struct ev_loop;
struct tokens;

struct token_ref {
    const char *env, *file;
    const char *const *argv;
};

/* `loop` must be libev's default loop: only that one reaps children. Keep one for the whole
 * program. */
struct tokens *tokens_new(struct ev_loop *loop);
void tokens_free(struct tokens *t);
/*
 * `done` may be called at once (env, file) or later (command; result cached 300 s).
 * `secret` is NULL on failure, and good only during the call.
 */
typedef void token_done_fn(void *ctx, const struct secret *secret, const struct err *e);
void tokens_get(struct tokens *t, const struct token_ref *ref, token_done_fn *done, void *ctx);
/* Calls whose `ctx` is this are dropped. */
void tokens_cancel(struct tokens *t, void *ctx);
/* The answer to a 401: the cached value of this reference is not used again. */
void tokens_forget(struct tokens *t, const struct token_ref *ref);

#endif
