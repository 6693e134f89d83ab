/*
 * The loop with its ingest and engine, as poll, collect and the dashboard need it: one place
 * that joins store and poll, knows about signals of nobody, and measures how long turns take.
 */
#ifndef OPSDECK_APP_POLLER_H
#define OPSDECK_APP_POLLER_H

#include <stdbool.h>

#include <ev.h>

#include "opsdeck/base/require.h"
#include "opsdeck/poll/engine.h"

struct app;

struct poller {
    struct app *app;
    struct ev_loop *loop;
    struct ingest *ingest;
    struct engine *engine;
    struct tokens *tokens;
    struct file_reader *files;
    uint64_t next_cookie;
    char *notice; /* of opening the store, for the caller to tell; NULL: none */
    struct engine_hooks hooks;
};

/* Opens the store for writing and builds the engine; nothing is polled yet. */
MUST_CHECK bool poller_open(struct poller *p, struct app *a, struct ev_loop *loop,
                            const struct engine_hooks *hooks, bool keep_leases, struct err *e);
/* The same store, another plan: after a reload. The old plan must live on until poller_close(). */
MUST_CHECK bool poller_replan(struct poller *p, struct err *e);
void poller_close(struct poller *p);

/*
 * The watch over the loop: a turn that works or blocks for more than 5 ms is logged. Time in
 * which the kernel ran somebody else does not count.
 */
struct turn_watch {
    ev_prepare prepare;
    ev_check check;
    int64_t wall_us, cpu_us;
    int64_t queued_us; /* time this thread was ready to run and somebody else ran */
    int schedstat;     /* where the kernel tells that; -1: it does not */
    const char *what;  /* the callback at hand, for the log */
    bool is_running;
};
void turn_watch_start(struct turn_watch *t, struct ev_loop *loop);
void turn_watch_stop(struct turn_watch *t, struct ev_loop *loop);

#endif
