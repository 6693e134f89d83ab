/*
 * The query worker: a reader on a thread of its own. Questions wait in a queue, answers come
 * back in its order. A cancelled question is taken out of the queue, or ended by the flag that
 * the reader's progress handler looks at; a late answer of it is dropped.
 */
#include "reader_priv.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"

struct asked {
    struct asked *next;
    uint64_t id;
    struct arena *mem;
    struct question q;
};

struct answered {
    struct answered *next;
    struct query_answer a;
};

struct query {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct reader *reader; /* the thread's alone */
    struct asked *asked, **asked_end;
    struct answered *answers, **answers_end;
    uint64_t last_id, running; /* running: 0 none */
    atomic_bool cancel;        /* the running one */
    bool is_stopping;
    void (*wake)(void *ctx);
    void *wake_ctx;
};

static struct asked *asked_new(const struct question *q)
{
    struct asked *a = xcalloc(1, sizeof *a);

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

static void asked_free(struct asked *a)
{
    arena_free(a->mem);
    free(a);
}

/* The next question, with the lock held; NULL: stop. */
static struct asked *take(struct query *q)
{
    while (!q->asked && !q->is_stopping)
        pthread_cond_wait(&q->cond, &q->lock);
    if (q->is_stopping)
        return NULL;
    struct asked *a = q->asked;
    q->asked = a->next;
    if (!q->asked)
        q->asked_end = &q->asked;
    q->running = a->id;
    atomic_store(&q->cancel, false);
    return a;
}

/* With the lock held. False: nobody wants it any more. */
static bool hand_over(struct query *q, struct query_answer *answer)
{
    bool is_wanted = !atomic_load(&q->cancel) && !q->is_stopping;

    q->running = 0;
    if (!is_wanted) {
        row_set_free(answer->rows);
        return false;
    }
    struct answered *a = xcalloc(1, sizeof *a);
    a->a = *answer;
    *q->answers_end = a;
    q->answers_end = &a->next;
    return true;
}

static void *work(void *arg)
{
    struct query *q = arg;
    struct asked *a;

    pthread_mutex_lock(&q->lock);
    while ((a = take(q))) {
        pthread_mutex_unlock(&q->lock);
        struct query_answer answer = { .id = a->id };
        reader_ask(q->reader, &a->q, &answer.rows, &answer.err);
        asked_free(a);
        pthread_mutex_lock(&q->lock);
        if (!hand_over(q, &answer))
            continue;
        pthread_mutex_unlock(&q->lock);
        q->wake(q->wake_ctx);
        pthread_mutex_lock(&q->lock);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

struct query *query_new(const struct store_opts *o, void (*wake)(void *ctx), void *wake_ctx,
                        struct err *e)
{
    struct query *q = xcalloc(1, sizeof *q);
    sigset_t all, before;

    q->wake = wake;
    q->wake_ctx = wake_ctx;
    q->asked_end = &q->asked;
    q->answers_end = &q->answers;
    /* Opened by the first question, on the thread: the loop makes no call that may wait. */
    q->reader = reader_new(o);
    reader_set_cancel(q->reader, &q->cancel);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->cond, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&q->thread, NULL, work, q);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return q;
    err_errno(e, rc, "start the thread for questions to the cache");
    pthread_cond_destroy(&q->cond);
    pthread_mutex_destroy(&q->lock);
    reader_free(q->reader);
    free(q);
    return NULL;
}

uint64_t query_submit(struct query *q, const struct question *question)
{
    struct asked *a = asked_new(question);

    pthread_mutex_lock(&q->lock);
    uint64_t id = a->id = ++q->last_id;
    *q->asked_end = a;
    q->asked_end = &a->next;
    pthread_cond_signal(&q->cond);
    pthread_mutex_unlock(&q->lock);
    return id;
}

static void drop_asked(struct query *q, uint64_t id)
{
    for (struct asked **p = &q->asked; *p; p = &(*p)->next) {
        struct asked *a = *p;
        if (a->id != id)
            continue;
        *p = a->next;
        if (!a->next)
            q->asked_end = p;
        asked_free(a);
        return;
    }
}

static void drop_answer(struct query *q, uint64_t id)
{
    for (struct answered **p = &q->answers; *p; p = &(*p)->next) {
        struct answered *a = *p;
        if (a->a.id != id)
            continue;
        *p = a->next;
        if (!a->next)
            q->answers_end = p;
        row_set_free(a->a.rows);
        free(a);
        return;
    }
}

void query_cancel(struct query *q, uint64_t id)
{
    pthread_mutex_lock(&q->lock);
    if (id && q->running == id)
        atomic_store(&q->cancel, true);
    drop_asked(q, id);
    drop_answer(q, id);
    pthread_mutex_unlock(&q->lock);
}

bool query_next(struct query *q, struct query_answer *out)
{
    pthread_mutex_lock(&q->lock);
    struct answered *a = q->answers;
    if (a) {
        q->answers = a->next;
        if (!q->answers)
            q->answers_end = &q->answers;
    }
    pthread_mutex_unlock(&q->lock);
    if (!a)
        return false;
    *out = a->a;
    free(a);
    return true;
}

void query_free(struct query *q)
{
    struct query_answer left;

    if (!q)
        return;
    pthread_mutex_lock(&q->lock);
    q->is_stopping = true;
    atomic_store(&q->cancel, true);
    pthread_cond_signal(&q->cond);
    pthread_mutex_unlock(&q->lock);
    pthread_join(q->thread, NULL);
    while (q->asked)
        drop_asked(q, q->asked->id);
    while (query_next(q, &left))
        row_set_free(left.rows);
    pthread_cond_destroy(&q->cond);
    pthread_mutex_destroy(&q->lock);
    reader_free(q->reader);
    free(q);
}
