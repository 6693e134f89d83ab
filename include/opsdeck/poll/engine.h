/*
 * The recipe engine: when each source is due, its steps in order, requests through the
 * governor, answers to the ingest, pages, fan-out, commits, and the state of the source.
 * Loop thread only; never blocks. It knows nothing of a screen.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_POLL_ENGINE_H
#define OPSDECK_POLL_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/err.h"
#include "opsdeck/config/settings.h"
#include "opsdeck/net/aws_credentials.h"
#include "opsdeck/poll/plan.h"
#include "opsdeck/store/ingest.h"

struct clock;
struct engine;
struct file_reader;
struct ev_loop;
struct tokens;

/* How one poll of one source ended. Texts are good during the call. */
struct poll_outcome {
    const char *source;
    enum {
        POLL_OK,
        POLL_NOT_MODIFIED,
        POLL_FAILED,
        POLL_SKIPPED
    } kind;
    struct err err;      /* POLL_FAILED; POLL_SKIPPED: why */
    const char *warning; /* a step failed and others stood in for it; NULL: none */
    bool had_answer;     /* something answered, whatever it said */
    int64_t rows, changed, closed, ms;
};

struct engine_hooks {
    void *ctx;
    void (*committed)(void *ctx, const char *source); /* readers may look again */
    void (*ended)(void *ctx, const struct poll_outcome *o);
    void (*activity)(void *ctx, size_t in_flight); /* sources being polled now */
    /* An AWS profile wants the code of an MFA device: see aws_credentials.h. NULL: nobody to ask.
     */
    aws_mfa_ask_fn *ask_mfa;
};

struct engine_opts {
    struct ev_loop *loop;
    const struct clock *clock;
    const struct settings *settings; /* outlives the engine */
    const struct plan *plan;         /* outlives the engine */
    struct ingest *ingest;
    uint64_t *next_cookie; /* counts on from engine to engine: late answers to an old one must find
                              nobody */
    struct tokens *tokens; /* one a process: an environment variable is read once and wiped */
    struct file_reader *files; /* one a process: threads that hang outlive an engine */
    struct engine_hooks hooks;
    bool keep_leases; /* dashboard and collect: hold a source between polls, so that a second
                         process does not poll it too */
};

/* The threads that read files for all sources; started by the first read. Loop thread. */
struct file_reader *file_reader_new(struct ev_loop *loop);
/* After the engine. Reads under way are forgotten. NULL is fine. */
void file_reader_free(struct file_reader *reader);

/* Starts libcurl, tells the ingest the list of sources. Nothing is polled yet. */
struct engine *engine_new(const struct engine_opts *o, struct err *e);
/* Cancels what is under way, gives leases back. Results that still come from the ingest are dropped
 * by the caller. */
void engine_free(struct engine *en);
/* Poll every source when it is due, the first time at once (spread over a moment). */
void engine_run(struct engine *en);
/* Poll now; NULL: all but those that are polled on demand only. A source that is being polled is
 * left alone. False: no such source. */
bool engine_poll_now(struct engine *en, const char *source);
bool engine_is_polling(const struct engine *en, const char *source);
size_t engine_in_flight(const struct engine *en);
/* The app calls this when the ingest has woken the loop. */
void engine_ingest_ready(struct engine *en);

#endif
