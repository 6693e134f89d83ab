/*
 * The query worker: a reader on a thread of its own. Questions wait in a queue, answers come
 * back in its order. A cancelled question is taken out of the queue, or ended by the progress
 * handler of the reader; a late answer of it is dropped.
 */
#include "reader_priv.h"

#include <stdlib.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/worker.h"
#include "opsdeck/base/require.h"

enum {
    QUESTIONS_MAX = 10000,
    END_MS = 200 /* a question that runs is ended by its progress handler */
};

struct asked {
    uint64_t id;
    struct arena *mem;
    struct question q;
};

struct query {
    struct worker *worker;
    struct reader *reader;       /* the thread's alone once it runs */
    const struct asked *running; /* the thread's */
    uint64_t last_id;
};

static struct asked *asked_new(const struct question *q, uint64_t id)
{
    struct asked *a = xcalloc(1, sizeof *a);

    a->id = id;
    a->mem = arena_new();
    a->q = *q;
    a->q.sql = arena_strdup(a->mem, q->sql);
    struct bind *binds = arena_array(a->mem, q->nbinds, sizeof *binds);
    for (size_t i = 0; i < q->nbinds; i++) {
        binds[i] = q->binds[i];
        binds[i].name = arena_strdup(a->mem, q->binds[i].name);
        binds[i].text = arena_strdup(a->mem, q->binds[i].text);
    }
    a->q.binds = binds;
    return a;
}

static void free_asked(void *ctx, void *item)
{
    struct asked *a = item;

    (void)ctx;
    arena_free(a->mem);
    free(a);
}

static void free_answer(void *ctx, void *result)
{
    struct query_answer *answer = result;

    (void)ctx;
    row_set_free(answer->rows);
    free(answer);
}

static void *answer_one(void *ctx, void *item)
{
    struct query *q = ctx;
    struct asked *a = item;
    struct query_answer *answer = xcalloc(1, sizeof *answer);

    answer->id = a->id;
    q->running = a;
    if (!reader_ask(q->reader, &a->q, &answer->rows, &answer->err) && !answer->err.code)
        err_set(&answer->err, ERR_STORE, 0, "the question failed and the cache did not say why");
    q->running = NULL;
    free_asked(NULL, a);
    return answer;
}

static void *refuse_one(void *ctx, void *item, const struct err *why)
{
    struct asked *a = item;
    struct query_answer *answer = xcalloc(1, sizeof *answer);

    (void)ctx;
    answer->id = a->id;
    answer->err = *why;
    free_asked(NULL, a);
    return answer;
}

static bool is_cancelled(void *ctx)
{
    struct query *q = ctx;

    return worker_is_cancelled(q->worker, q->running);
}

static void close_reader(void *ctx)
{
    struct query *q = ctx;

    reader_free(q->reader);
}

struct query *query_new(const struct query_opts *o, struct err *e)
{
    require(o && o->store.dir);
    require(!o->loop || o->ready);
    struct query *q = xcalloc(1, sizeof *q);
    const struct worker_opts wo = {
        .what = "the thread for questions to the cache",
        .threads = 1,
        .max_waiting = QUESTIONS_MAX,
        .loop = o->loop,
        .ready = o->ready,
        .ready_ctx = o->ready_ctx,
        .ctx = q,
        .work = answer_one,
        .refuse = refuse_one,
        .free_item = free_asked,
        .free_result = free_answer,
        .finish = close_reader,
    };

    /* Opened by the first question, on the thread: the loop makes no call that may wait. */
    q->reader = reader_new(&o->store);
    reader_set_cancel(q->reader, is_cancelled, q);
    if (worker_new(&wo, &q->worker, e))
        return q;
    reader_free(q->reader);
    free(q);
    return NULL;
}

uint64_t query_submit(struct query *q, const struct question *question)
{
    require(q && question);
    struct asked *a = asked_new(question, ++q->last_id);

    worker_submit(q->worker, a);
    return q->last_id;
}

static bool is_asked(const void *item, const void *id)
{
    return ((const struct asked *)item)->id == *(const uint64_t *)id;
}

static bool is_answer(const void *result, const void *id)
{
    return ((const struct query_answer *)result)->id == *(const uint64_t *)id;
}

void query_cancel(struct query *q, uint64_t id)
{
    require(q);
    worker_cancel(q->worker, is_asked, is_answer, &id);
}

static bool take_answer(struct query_answer *answer, struct query_answer *out)
{
    if (!answer)
        return false;
    *out = *answer;
    free(answer);
    return true;
}

bool query_next(struct query *q, struct query_answer *out)
{
    require(q && out);
    return take_answer(worker_next(q->worker), out);
}

bool query_wait(struct query *q, struct query_answer *out)
{
    require(q && out);
    return take_answer(worker_wait(q->worker), out);
}

void query_free(struct query *q)
{
    if (q && worker_stop(q->worker, END_MS))
        free(q);
}
