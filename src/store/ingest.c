/*
 * The ingest's thread and its two queues: jobs in, results out, both in order. What a job does
 * is jobs.c's business. See ingest.h.
 */
#include "ingest_priv.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"

struct queued_job {
    struct queued_job *next;
    struct ingest_job *job;
};

struct queued_result {
    struct queued_result *next;
    struct ingest_result *result;
};

struct ingest {
    struct worker worker; /* the thread's alone between start and join */
    char *dir;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct queued_job *jobs, **jobs_end;
    struct queued_result *results, **results_end;
    atomic_bool stop;
    atomic_uint_fast64_t generation;
    void (*wake)(void *ctx);
    void *wake_ctx;
};

static void job_free(struct ingest_job *job)
{
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

/* ---- the thread */

/* The next job; NULL when the end has come and nothing is left. */
static struct ingest_job *take(struct ingest *in)
{
    pthread_mutex_lock(&in->lock);
    while (!in->jobs && !atomic_load(&in->stop))
        pthread_cond_wait(&in->cond, &in->lock);
    struct queued_job *q = in->jobs;
    if (q) {
        in->jobs = q->next;
        if (!in->jobs)
            in->jobs_end = &in->jobs;
    }
    pthread_mutex_unlock(&in->lock);
    struct ingest_job *job = q ? q->job : NULL;
    free(q);
    return job;
}

static bool is_wanted(void *ctx)
{
    struct ingest *in = ctx;

    pthread_mutex_lock(&in->lock);
    bool waits = in->jobs != NULL;
    pthread_mutex_unlock(&in->lock);
    return waits || atomic_load(&in->stop);
}

static void give(struct ingest *in, struct ingest_result *r)
{
    struct queued_result *q = xcalloc(1, sizeof *q);

    q->result = r;
    pthread_mutex_lock(&in->lock);
    *in->results_end = q;
    in->results_end = &q->next;
    pthread_mutex_unlock(&in->lock);
    if (in->wake && !atomic_load(&in->stop))
        in->wake(in->wake_ctx);
}

/* At the end only what others wait for is still done: leases given back, how it went. */
static bool is_done_at_end(enum ingest_job_type type)
{
    return type == INGEST_RELEASE || type == INGEST_STATE || type == INGEST_DROP;
}

static void *work(void *arg)
{
    struct ingest *in = arg;
    struct ingest_job *job;

    while ((job = take(in))) {
        if (!atomic_load(&in->stop) || is_done_at_end(job->type)) {
            struct ingest_result *r = xcalloc(1, sizeof *r);
            r->type = job->type;
            r->cookie = job->cookie;
            r->gen = job->gen;
            if (worker_do(&in->worker, job, r))
                atomic_fetch_add(&in->generation, 1);
            give(in, r);
        }
        job_free(job);
    }
    return NULL;
}

/* ---- for the loop */

static bool start_thread(struct ingest *in, struct err *e)
{
    sigset_t all, before;

    /* Signals are the loop's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&in->thread, NULL, work, in);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 || err_errno(e, rc, "start the thread that writes the cache");
}

static void release(struct ingest *in)
{
    worker_close(&in->worker);
    pthread_cond_destroy(&in->cond);
    pthread_mutex_destroy(&in->lock);
    free(in->dir);
    free(in);
}

struct ingest *ingest_new(const struct ingest_opts *o, char **notice, struct err *e)
{
    struct ingest *in = xcalloc(1, sizeof *in);
    struct ingest_opts mine = *o;
    char *told = NULL;

    in->dir = xstrdup(o->store.dir);
    mine.store.dir = in->dir;
    in->wake = o->wake;
    in->wake_ctx = o->wake_ctx;
    in->jobs_end = &in->jobs;
    in->results_end = &in->results;
    in->worker.stop = &in->stop;
    in->worker.is_wanted = is_wanted;
    in->worker.wanted_ctx = in;
    pthread_mutex_init(&in->lock, NULL);
    pthread_cond_init(&in->cond, NULL);
    bool ok = worker_open(&in->worker, &mine, &told, e) && start_thread(in, e);
    if (notice)
        *notice = told;
    else
        free(told);
    if (ok)
        return in;
    release(in);
    return NULL;
}

void ingest_submit(struct ingest *in, struct ingest_job *job)
{
    struct queued_job *q = xcalloc(1, sizeof *q);

    q->job = job;
    pthread_mutex_lock(&in->lock);
    *in->jobs_end = q;
    in->jobs_end = &q->next;
    pthread_cond_signal(&in->cond);
    pthread_mutex_unlock(&in->lock);
}

struct ingest_result *ingest_next(struct ingest *in)
{
    pthread_mutex_lock(&in->lock);
    struct queued_result *q = in->results;
    if (q) {
        in->results = q->next;
        if (!in->results)
            in->results_end = &in->results;
    }
    pthread_mutex_unlock(&in->lock);
    struct ingest_result *r = q ? q->result : NULL;
    free(q);
    return r;
}

uint64_t ingest_generation(const struct ingest *in)
{
    return atomic_load(&in->generation);
}

void ingest_free(struct ingest *in)
{
    struct ingest_result *r;

    if (!in)
        return;
    pthread_mutex_lock(&in->lock);
    atomic_store(&in->stop, true);
    pthread_cond_signal(&in->cond);
    pthread_mutex_unlock(&in->lock);
    pthread_join(in->thread, NULL);
    while ((r = ingest_next(in)))
        ingest_result_free(r);
    release(in);
}
