/* Threads with a queue in and a list out. See worker.h. */
#include "opsdeck/base/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include <ev.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"

struct link {
    struct link *next;
    void *it; /* an item, or a result */
};

struct queue {
    struct link *first, **end;
    size_t n;
};

struct lane {
    struct worker *w;
    pthread_t thread;
    void *item; /* what it does now; NULL: it waits */
    bool is_cancelled, is_given_up;
};

struct worker {
    struct worker_opts o;
    pthread_mutex_t lock;
    pthread_cond_t has_items, has_changed; /* has_changed: results came, or a thread ended */
    struct queue items, results;
    struct lane **lanes; /* those not given up; the first `nlanes` run */
    unsigned nlanes, nalive, nbusy, given_up;
    ev_async ready;
    bool is_stopping, is_left; /* is_left: the owner is gone, the last thread frees */
};

/* ---- queues */

static void queue_put(struct queue *q, void *it)
{
    struct link *l = xcalloc(1, sizeof *l);

    l->it = it;
    *q->end = l;
    q->end = &l->next;
    q->n++;
}

/* Out of the middle: `at` points to the link's pointer. */
static void *queue_cut(struct queue *q, struct link **at)
{
    struct link *l = *at;
    void *it = l->it;

    *at = l->next;
    if (!l->next)
        q->end = at;
    q->n--;
    free(l);
    return it;
}

static void *queue_take(struct queue *q)
{
    return q->first ? queue_cut(q, &q->first) : NULL;
}

/* ---- threads */

static void worker_free(struct worker *w)
{
    void *it;

    while ((it = queue_take(&w->items)))
        w->o.free_item(w->o.ctx, it);
    while ((it = queue_take(&w->results)))
        w->o.free_result(w->o.ctx, it);
    for (unsigned i = 0; i < w->nlanes; i++)
        free(w->lanes[i]);
    free(w->lanes);
    pthread_cond_destroy(&w->has_items);
    pthread_cond_destroy(&w->has_changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* With the lock held: the next item to do; NULL: the end. */
static void *take_item(struct worker *w)
{
    for (;;) {
        void *item = queue_take(&w->items);
        if (item && (!w->is_stopping || (w->o.is_for_the_end && w->o.is_for_the_end(item))))
            return item;
        if (item)
            w->o.free_item(w->o.ctx, item);
        else if (w->is_stopping)
            return NULL;
        else
            pthread_cond_wait(&w->has_items, &w->lock);
    }
}

/* With the lock held. */
static void put_result(struct worker *w, void *result)
{
    queue_put(&w->results, result);
    pthread_cond_broadcast(&w->has_changed);
    if (w->o.loop && !w->is_stopping)
        ev_async_send(w->o.loop, &w->ready);
}

/* One item, with the lock held before and after. False: this thread was given up meanwhile. */
static bool do_item(struct lane *lane, void *item)
{
    struct worker *w = lane->w;

    lane->item = item;
    lane->is_cancelled = false;
    w->nbusy++;
    pthread_mutex_unlock(&w->lock);
    void *result = w->o.work(w->o.ctx, item);
    pthread_mutex_lock(&w->lock);
    lane->item = NULL;
    if (!lane->is_given_up)
        w->nbusy--;
    if (lane->is_given_up || lane->is_cancelled || w->is_left)
        w->o.free_result(w->o.ctx, result);
    else
        put_result(w, result);
    pthread_cond_broadcast(&w->has_changed);
    return !lane->is_given_up;
}

static void *run_lane(void *arg)
{
    struct lane *lane = arg;
    struct worker *w = lane->w;
    void *item;

    pthread_mutex_lock(&w->lock);
    while ((item = take_item(w)) && do_item(lane, item))
        ;
    if (w->is_stopping && w->nalive == 1 && w->o.finish) {
        pthread_mutex_unlock(&w->lock);
        w->o.finish(w->o.ctx);
        pthread_mutex_lock(&w->lock);
    }
    w->nalive--;
    bool is_last = w->is_left && w->nalive == 0, is_given_up = lane->is_given_up;
    pthread_cond_broadcast(&w->has_changed);
    pthread_mutex_unlock(&w->lock);
    if (is_given_up)
        free(lane);
    if (is_last)
        worker_free(w);
    return NULL;
}

/* With the lock held. */
static bool start_lane(struct worker *w, struct err *e)
{
    struct lane *lane = xcalloc(1, sizeof *lane);
    sigset_t all, before;

    lane->w = w;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&lane->thread, NULL, run_lane, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc) {
        free(lane);
        return err_errno(e, rc, "start %s", w->o.what);
    }
    w->lanes[w->nlanes++] = lane;
    w->nalive++;
    return true;
}

/* ---- for the loop */

static void on_ready(struct ev_loop *loop, ev_async *a, int revents)
{
    struct worker *w = a->data;

    (void)loop;
    (void)revents;
    w->o.ready(w->o.ready_ctx);
}

bool worker_new(const struct worker_opts *o, struct worker **out, struct err *e)
{
    require(o->threads >= 1 && o->threads <= WORKER_THREADS_MAX);
    require(o->max_waiting >= 1);
    require(o->work && o->refuse && o->free_item && o->free_result);
    require(!o->loop || o->ready);
    struct worker *w = xcalloc(1, sizeof *w);
    pthread_condattr_t attr;

    w->o = *o;
    w->items.end = &w->items.first;
    w->results.end = &w->results.first;
    w->lanes = xcalloc(o->threads, sizeof *w->lanes);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->has_items, NULL);
    pthread_cond_init(&w->has_changed, &attr);
    pthread_condattr_destroy(&attr);
    ev_async_init(&w->ready, on_ready);
    w->ready.data = w;
    if (o->loop) /* before the thread: libev forgets what is sent to a watcher that is not started
                  */
        ev_async_start(o->loop, &w->ready);
    pthread_mutex_lock(&w->lock);
    bool ok = start_lane(w, e);
    pthread_mutex_unlock(&w->lock);
    if (ok) {
        *out = w;
        return true;
    }
    if (o->loop)
        ev_async_stop(o->loop, &w->ready);
    worker_free(w);
    return false;
}

/* With the lock held: why an item cannot be taken now. */
static bool can_take(struct worker *w, struct err *e)
{
    if (w->nlanes == w->nbusy && w->nlanes < w->o.threads && !start_lane(w, e) && w->nlanes == 0)
        return false;
    if (w->nlanes == 0)
        return err_set(e, ERR_LIMIT, 0, "%s: %u of them hang, so no more is begun", w->o.what,
                       w->given_up);
    if (w->items.n >= w->o.max_waiting)
        return err_set(e, ERR_LIMIT, 0, "%s: %zu wait already", w->o.what, w->items.n);
    return true;
}

void worker_submit(struct worker *w, void *item)
{
    require(item);
    struct err e = { 0 };

    pthread_mutex_lock(&w->lock);
    if (can_take(w, &e)) {
        queue_put(&w->items, item);
        pthread_cond_signal(&w->has_items);
    } else {
        put_result(w, w->o.refuse(w->o.ctx, item, &e));
    }
    pthread_mutex_unlock(&w->lock);
}

void *worker_next(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    void *result = queue_take(&w->results);
    pthread_mutex_unlock(&w->lock);
    return result;
}

void *worker_wait(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->results.first && (w->items.first || w->nbusy))
        pthread_cond_wait(&w->has_changed, &w->lock);
    void *result = queue_take(&w->results);
    pthread_mutex_unlock(&w->lock);
    return result;
}

void worker_cancel(struct worker *w, bool (*is_item)(const void *item, const void *arg),
                   bool (*is_result)(const void *result, const void *arg), const void *arg)
{
    struct link **p;

    pthread_mutex_lock(&w->lock);
    for (p = &w->items.first; *p;)
        if (is_item((*p)->it, arg))
            w->o.free_item(w->o.ctx, queue_cut(&w->items, p));
        else
            p = &(*p)->next;
    for (p = &w->results.first; *p;)
        if (is_result((*p)->it, arg))
            w->o.free_result(w->o.ctx, queue_cut(&w->results, p));
        else
            p = &(*p)->next;
    for (unsigned i = 0; i < w->nlanes; i++)
        if (w->lanes[i]->item && is_item(w->lanes[i]->item, arg))
            w->lanes[i]->is_cancelled = true;
    pthread_mutex_unlock(&w->lock);
}

bool worker_give_up(struct worker *w, bool (*is_item)(const void *item, const void *arg),
                    const void *arg)
{
    struct err e = { 0 };
    bool found = false;
    void *item;

    pthread_mutex_lock(&w->lock);
    for (unsigned i = 0; i < w->nlanes && !found; i++) {
        struct lane *lane = w->lanes[i];
        if (!lane->item || !is_item(lane->item, arg))
            continue;
        found = lane->is_given_up = true;
        pthread_detach(lane->thread);
        w->nbusy--;
        w->lanes[i] = w->lanes[--w->nlanes];
        if (w->given_up++ < w->o.give_ups)
            (void)start_lane(w, &e); /* later items try again */
        else
            w->o.threads = w->nlanes;
    }
    while (w->nlanes == 0 && (item = queue_take(&w->items))) {
        if (!e.code)
            err_set(&e, ERR_LIMIT, 0, "%s: %u of them hang, so no more is begun", w->o.what,
                    w->given_up);
        put_result(w, w->o.refuse(w->o.ctx, item, &e));
    }
    pthread_mutex_unlock(&w->lock);
    return found;
}

bool worker_is_stopping(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool is = w->is_stopping;
    pthread_mutex_unlock(&w->lock);
    return is;
}

bool worker_is_cancelled(struct worker *w, const void *item)
{
    bool is;

    pthread_mutex_lock(&w->lock);
    is = w->is_stopping;
    for (unsigned i = 0; i < w->nlanes; i++)
        if (w->lanes[i]->item == item)
            is |= w->lanes[i]->is_cancelled;
    pthread_mutex_unlock(&w->lock);
    return is;
}

bool worker_has_waiting(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool has = w->items.first || w->is_stopping;
    pthread_mutex_unlock(&w->lock);
    return has;
}

bool worker_stop(struct worker *w, int limit_ms)
{
    struct timespec until;
    int rc = 0;

    if (!w)
        return true;
    if (w->o.loop)
        ev_async_stop(w->o.loop, &w->ready);
    clock_deadline(limit_ms < 0 ? 0 : limit_ms, &until);
    pthread_mutex_lock(&w->lock);
    w->is_stopping = true;
    pthread_cond_broadcast(&w->has_items);
    while (w->nalive && rc == 0)
        rc = limit_ms < 0 ? pthread_cond_wait(&w->has_changed, &w->lock)
                          : pthread_cond_timedwait(&w->has_changed, &w->lock, &until);
    bool is_over = w->nalive == 0;
    w->is_left = !is_over;
    for (unsigned i = 0; !is_over && i < w->nlanes; i++)
        pthread_detach(w->lanes[i]->thread);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; is_over && i < w->nlanes; i++)
        pthread_join(w->lanes[i]->thread, NULL);
    if (is_over)
        worker_free(w);
    return is_over;
}
