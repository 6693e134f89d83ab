/*
 * The one way to have a thread: items go in, results come out, both in order, and the loop is
 * woken for results. The wake is armed before the first thread starts, so that none is lost; the
 * end waits for what runs, but not longer than it is told to.
 *
 * worker_submit(), worker_next(), worker_cancel(), worker_give_up() and worker_stop() are the
 * loop thread's; opts.work runs on a thread of the worker and may call worker_is_stopping(),
 * worker_is_cancelled() and worker_has_waiting(). Signals are blocked on the threads.
 */
#ifndef OPSDECK_BASE_WORKER_H
#define OPSDECK_BASE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "opsdeck/base/require.h"

struct err;
struct ev_loop;
struct worker;

enum {
    WORKER_THREADS_MAX = 8
};

struct worker_opts {
    const char *what;     /* for errors: "the thread that writes the cache"; outlives the worker */
    unsigned threads;     /* started as items come; 1 to WORKER_THREADS_MAX */
    unsigned give_ups;    /* so many threads that hang are replaced; then items are refused */
    size_t max_waiting;   /* more items are refused; 1 and up */
    struct ev_loop *loop; /* NULL: nobody is woken, worker_wait() is used */
    void (*ready)(void *ready_ctx); /* on the loop: results wait; may be NULL without a loop */
    void *ready_ctx;
    void *ctx; /* of all that follow */

    /* The result of an item, which it frees or takes. Never NULL. */
    void *(*work)(void *ctx, void *item);
    /* The result of an item that is not done: the queue is full, or no thread is left. Loop thread.
     */
    void *(*refuse)(void *ctx, void *item, const struct err *why);
    void (*free_item)(void *ctx, void *item);
    void (*free_result)(void *ctx, void *result);
    /* An item that waits when the end comes: true, it is still done. NULL: none is. Any thread. */
    bool (*is_for_the_end)(const void *item);
    /* Closes what the threads worked with, on the last of them, inside the limit of worker_stop().
     * NULL: nothing to close. */
    void (*finish)(void *ctx);
};

/* False when a thread cannot be started: of several, the first must be. Copies *o. */
MUST_CHECK bool worker_new(const struct worker_opts *o, struct worker **out, struct err *e);
/* Takes the item. It is done, refused or, after worker_stop(), freed; a refused one gives a result.
 */
void worker_submit(struct worker *w, void *item);
/* The oldest result, now the caller's; NULL when there is none. */
void *worker_next(struct worker *w);
/* Without a loop: blocks until there is a result or nothing is left to do. */
void *worker_wait(struct worker *w);

/*
 * Forget the items and results that match: those that wait are freed, one that runs is marked and
 * its result freed when it comes.
 */
void worker_cancel(struct worker *w, bool (*is_item)(const void *item, const void *arg),
                   bool (*is_result)(const void *result, const void *arg), const void *arg);
/*
 * The thread that does the matching item hangs: it is left alone (whatever it does in the end is
 * freed) and another takes its place while give_ups last. False: no such item runs.
 */
bool worker_give_up(struct worker *w, bool (*is_item)(const void *item, const void *arg),
                    const void *arg);

/* For opts.work. */
bool worker_is_stopping(struct worker *w);
bool worker_is_cancelled(struct worker *w, const void *item); /* the item being done */
bool worker_has_waiting(struct worker *w);

/*
 * The end: items that wait are freed but for those that are for the end, what runs is waited for,
 * at most `limit_ms` (-1: however long). True: all threads are gone, opts.ctx may be freed. False:
 * a thread hangs; whatever opts.ctx points to must stay. `w` is gone either way; NULL is fine.
 */
bool worker_stop(struct worker *w, int limit_ms);

#endif
