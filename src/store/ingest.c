/*
 * The ingest: a worker with one thread whose items are jobs. What a job does is jobs.c's
 * business. See ingest.h.
 */
#include "ingest_priv.h"

#include <stdlib.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/worker.h"
#include "opsdeck/base/require.h"

enum {
    JOBS_MAX = 100000 /* far above what the sources of one configuration have under way */
};

struct ingest {
    struct worker *worker;
    struct writer writer; /* the thread's alone once it runs */
    char *dir;
    atomic_bool stop;
};

static void free_job(void *ctx, void *item)
{
    struct ingest_job *job = item;

    (void)ctx;
    arena_free(job->mem);
    free(job->body);
    free(job);
}

void ingest_result_free(struct ingest_result *r)
{
    if (!r)
        return;
    row_set_free(r->rows);
    free(r->next);
    free(r);
}

static void free_result(void *ctx, void *result)
{
    (void)ctx;
    ingest_result_free(result);
}

static struct ingest_result *result_of(const struct ingest_job *job)
{
    struct ingest_result *r = xcalloc(1, sizeof *r);

    r->type = job->type;
    r->cookie = job->cookie;
    r->gen = job->gen;
    r->total = -1;
    return r;
}

static void *do_job(void *ctx, void *item)
{
    struct ingest *in = ctx;
    struct ingest_result *r = result_of(item);
    struct arena *mem = arena_new();

    foreign_hide(item, mem);
    writer_do(&in->writer, item, r);
    free_job(NULL, item);
    arena_free(mem);
    return r;
}

static void *refuse_job(void *ctx, void *item, const struct err *why)
{
    struct ingest_result *r = result_of(item);

    r->err = *why;
    free_job(ctx, item);
    return r;
}

/* What others wait for: leases given back, how it went. */
static bool is_for_the_end(const void *item)
{
    const struct ingest_job *job = item;

    return job->type == INGEST_RELEASE || job->type == INGEST_STATE || job->type == INGEST_DROP;
}

/* Another job waits, or the end has come. */
static bool is_wanted(void *ctx)
{
    struct ingest *in = ctx;

    return worker_has_waiting(in->worker);
}

static void close_writer(void *ctx)
{
    struct ingest *in = ctx;

    writer_close(&in->writer);
}

static void release(struct ingest *in)
{
    free(in->dir);
    free(in);
}

struct ingest *ingest_new(const struct ingest_opts *o, char **notice, struct err *e)
{
    require(o && o->store.dir && o->store.clock);
    require(!o->loop || o->ready);
    struct ingest *in = xcalloc(1, sizeof *in);
    struct ingest_opts mine = *o;
    char *told = NULL;
    const struct worker_opts wo = {
        .what = "the thread that writes the cache",
        .threads = 1,
        .max_waiting = JOBS_MAX,
        .loop = o->loop,
        .ready = o->ready,
        .ctx = in,
        .ready_ctx = o->ready_ctx,
        .work = do_job,
        .refuse = refuse_job,
        .free_item = free_job,
        .free_result = free_result,
        .is_for_the_end = is_for_the_end,
        .finish = close_writer,
    };

    in->dir = xstrdup(o->store.dir);
    mine.store.dir = in->dir;
    in->writer.stop = &in->stop;
    in->writer.is_wanted = is_wanted;
    in->writer.wanted_ctx = in;
    bool ok = writer_open(&in->writer, &mine, &told, e) && worker_new(&wo, &in->worker, e);
    if (notice)
        *notice = told;
    else
        free(told);
    if (ok)
        return in;
    writer_close(&in->writer);
    release(in);
    return NULL;
}

void ingest_submit(struct ingest *in, struct ingest_job *job)
{
    require(in && job);
    worker_submit(in->worker, job);
}

struct ingest_result *ingest_next(struct ingest *in)
{
    require(in);
    return worker_next(in->worker);
}

struct ingest_result *ingest_wait(struct ingest *in)
{
    require(in);
    return worker_wait(in->worker);
}

void ingest_free(struct ingest *in)
{
    if (!in)
        return;
    atomic_store(&in->stop, true);
    if (worker_stop(in->worker, INGEST_END_MS))
        release(in);
}
