/* Workers: order, wakes, refusals, cancels, threads that hang, and an end that does not wait for
 * them. */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <ev.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/worker.h"

#include "../trips.h"

/* An item: a number; a negative one waits for the gate before it is done. */
struct bench {
    sem_t gate, begun;
    atomic_int items, results, finished; /* alive; ended threads' finish calls */
    struct worker *worker;
    struct ev_loop *loop;
    int woken;
    int seen[64];
    size_t nseen;
    int until; /* ev_break when this was seen */
};

struct item {
    int n;
};

struct result {
    int n;
    enum err_code code;
};

static struct item *item(struct bench *b, int n)
{
    struct item *it = xcalloc(1, sizeof *it);

    it->n = n;
    atomic_fetch_add(&b->items, 1);
    return it;
}

static void free_item(void *ctx, void *it)
{
    struct bench *b = ctx;

    atomic_fetch_sub(&b->items, 1);
    free(it);
}

static void free_result(void *ctx, void *r)
{
    struct bench *b = ctx;

    atomic_fetch_sub(&b->results, 1);
    free(r);
}

static struct result *result(struct bench *b, int n, enum err_code code)
{
    struct result *r = xcalloc(1, sizeof *r);

    atomic_fetch_add(&b->results, 1);
    r->n = n;
    r->code = code;
    return r;
}

static void *work(void *ctx, void *it)
{
    struct bench *b = ctx;
    int n = ((struct item *)it)->n;

    if (n < 0) {
        sem_post(&b->begun);
        sem_wait(&b->gate);
    }
    free_item(ctx, it);
    return result(b, n, ERR_NONE);
}

static void *refuse(void *ctx, void *it, const struct err *why)
{
    int n = ((struct item *)it)->n;

    free_item(ctx, it);
    return result(ctx, n, why->code);
}

static void finish(void *ctx)
{
    atomic_fetch_add(&((struct bench *)ctx)->finished, 1);
}

static bool is_even(const void *it)
{
    return ((const struct item *)it)->n % 2 == 0;
}

static void ready(void *ctx)
{
    struct bench *b = ctx;
    struct result *r;

    b->woken++;
    while ((r = worker_next(b->worker))) {
        if (b->nseen < ARRAY_LEN(b->seen))
            b->seen[b->nseen++] = r->n;
        if (r->n == b->until)
            ev_break(b->loop, EVBREAK_ALL);
        free_result(b, r);
    }
}

static struct worker_opts opts(struct bench *b)
{
    sem_init(&b->gate, 0, 0);
    sem_init(&b->begun, 0, 0);
    return (struct worker_opts){ .what = "a thread of the test",
                                 .threads = 1,
                                 .max_waiting = 10,
                                 .ctx = b,
                                 .ready_ctx = b,
                                 .work = work,
                                 .refuse = refuse,
                                 .free_item = free_item,
                                 .free_result = free_result,
                                 .finish = finish };
}

static void start(struct bench *b, const struct worker_opts *o)
{
    struct err e = { 0 };

    if (!worker_new(o, &b->worker, &e))
        fail_msg("%s", e.text);
}

static void results_that_come_before_the_loop_listens_are_not_lost(void **state)
{
    (void)state;
    struct bench b = { .loop = ev_loop_new(EVFLAG_AUTO), .until = 3 };
    struct worker_opts o = opts(&b);

    o.loop = b.loop;
    o.ready = ready;
    start(&b, &o);
    for (int i = 1; i <= 3; i++)
        worker_submit(b.worker, item(&b, i));
    while (atomic_load(&b.results) < 3) /* all are there before the loop runs at all */
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    ev_run(b.loop, 0);
    assert_int_equal(b.nseen, 3);
    assert_int_equal(b.seen[0], 1);
    assert_int_equal(b.seen[2], 3);
    assert_true(worker_stop(b.worker, -1));
    assert_int_equal(b.items + b.results, 0);
    ev_loop_destroy(b.loop);
}

static int wait_for(struct bench *b, enum err_code *code)
{
    struct result *r = worker_wait(b->worker);
    int n = r ? r->n : 0;

    if (!r)
        return 0;
    *code = r->code;
    free_result(b, r);
    return n;
}

static void a_full_queue_refuses_with_a_result(void **state)
{
    (void)state;
    struct bench b = { 0 };
    struct worker_opts o = opts(&b);
    enum err_code code;
    int refused = 0, done = 0;

    o.max_waiting = 2;
    start(&b, &o);
    worker_submit(b.worker, item(&b, -1));
    sem_wait(&b.begun);
    for (int i = 1; i <= 5; i++)
        worker_submit(b.worker, item(&b, i));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wait_for(&b, &code), 3 + i);
        assert_int_equal(code, ERR_LIMIT);
        refused++;
    }
    sem_post(&b.gate);
    while (wait_for(&b, &code)) {
        assert_int_equal(code, ERR_NONE);
        done++;
    }
    assert_int_equal(refused + done, 6);
    assert_true(worker_stop(b.worker, -1));
    assert_int_equal(b.items + b.results, 0);
}

static bool is_item_n(const void *it, const void *n)
{
    return ((const struct item *)it)->n == *(const int *)n;
}

static bool is_result_n(const void *r, const void *n)
{
    return ((const struct result *)r)->n == *(const int *)n;
}

static void what_is_cancelled_gives_no_result(void **state)
{
    (void)state;
    struct bench b = { 0 };
    struct worker_opts o = opts(&b);
    enum err_code code;
    static const int running = -1, waiting = 2, none = 9;

    start(&b, &o);
    worker_submit(b.worker, item(&b, -1));
    for (int i = 1; i <= 3; i++)
        worker_submit(b.worker, item(&b, i));
    sem_wait(&b.begun);
    worker_cancel(b.worker, is_item_n, is_result_n, &running);
    worker_cancel(b.worker, is_item_n, is_result_n, &waiting);
    worker_cancel(b.worker, is_item_n, is_result_n, &none);
    sem_post(&b.gate);
    assert_int_equal(wait_for(&b, &code), 1);
    assert_int_equal(wait_for(&b, &code), 3);
    assert_int_equal(wait_for(&b, &code), 0);
    worker_submit(b.worker, item(&b, 4));
    assert_int_equal(wait_for(&b, &code), 4);
    assert_true(worker_stop(b.worker, -1));
    assert_int_equal(b.items + b.results, 0);
}

/* Whoever hangs is replaced, so often as allowed; then it is said, and nothing waits for ever. */
static void threads_that_hang_are_replaced_and_counted(void **state)
{
    (void)state;
    struct bench b = { 0 };
    struct worker_opts o = opts(&b);
    enum err_code code;

    o.give_ups = 2;
    start(&b, &o);
    for (int i = 1; i <= 3; i++) {
        int n = -i;
        worker_submit(b.worker, item(&b, n));
        sem_wait(&b.begun);
        worker_submit(b.worker, item(&b, i));
        assert_true(worker_give_up(b.worker, is_item_n, &n));
        assert_false(worker_give_up(b.worker, is_item_n, &n));
        assert_int_equal(wait_for(&b, &code), i);
        assert_int_equal(code, i < 3 ? ERR_NONE : ERR_LIMIT);
    }
    worker_submit(b.worker, item(&b, 7));
    assert_int_equal(wait_for(&b, &code), 7);
    assert_int_equal(code, ERR_LIMIT);
    assert_false(worker_stop(b.worker, 10)); /* three hang */
    for (int i = 0; i < 3; i++)
        sem_post(&b.gate);
    while (atomic_load(&b.items) + atomic_load(&b.results)) /* they free what was theirs */
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void the_end_does_what_is_for_the_end_and_drops_the_rest(void **state)
{
    (void)state;
    struct bench b = { .loop = ev_loop_new(EVFLAG_AUTO) };
    struct worker_opts o = opts(&b);

    o.is_for_the_end = is_even;
    o.loop = b.loop;
    o.ready = ready;
    start(&b, &o);
    worker_submit(b.worker, item(&b, -1));
    sem_wait(&b.begun);
    for (int i = 1; i <= 4; i++)
        worker_submit(b.worker, item(&b, i));
    assert_int_equal(b.finished, 0);
    sem_post(&b.gate);
    assert_true(worker_stop(b.worker, -1));
    assert_int_equal(b.finished, 1);
    assert_int_equal(b.items + b.results, 0);
    assert_int_equal(b.woken, 0);
    assert_true(worker_stop(NULL, 0));
    ev_loop_destroy(b.loop);
}

static void no_threads(void *arg)
{
    struct worker_opts o = opts(arg);
    struct worker *w;
    struct err e;

    o.threads = 0;
    if (worker_new(&o, &w, &e))
        worker_stop(w, -1);
}

static void a_worker_without_threads_is_a_mistake(void **state)
{
    (void)state;
    struct bench b = { 0 };

    assert_true(trips(no_threads, &b, "worker_new"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_that_come_before_the_loop_listens_are_not_lost),
        cmocka_unit_test(a_full_queue_refuses_with_a_result),
        cmocka_unit_test(what_is_cancelled_gives_no_result),
        cmocka_unit_test(threads_that_hang_are_replaced_and_counted),
        cmocka_unit_test(the_end_does_what_is_for_the_end_and_drops_the_rest),
        cmocka_unit_test(a_worker_without_threads_is_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
