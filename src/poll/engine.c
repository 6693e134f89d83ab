/* The schedule: which source is due when, and the post between the loop and the ingest. See
 * engine.h. */
#include "opsdeck/poll/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "engine_priv.h"

enum {
    RETRY_FIRST_MS = 30000, /* after a failure; doubles, never above the interval or 10 minutes */
    RETRY_CAP_MS = 600000,
    SPREAD_MS = 300, /* first polls at start */
    MAINTAIN_S = 900,
};

/* xorshift: jitter needs no more. */
double engine_random(struct engine *en)
{
    require(en);
    unsigned x = en->random;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    en->random = x;
    return (double)(x & 0xffffff) / (double)0x1000000;
}

struct ingest_job *job_new(struct run *run, enum ingest_job_type type)
{
    struct ingest_job *job = xcalloc(1, sizeof *job);

    job->type = type;
    job->mem = arena_new();
    if (run) {
        job->source = arena_strdup(job->mem, run->slot->src->cfg->name);
        job->gen = run->gen;
    }
    return job;
}

void tell_ingest(struct engine *en, struct ingest_job *job)
{
    require(en && job);
    ingest_submit(en->o.ingest, job);
}

void ask_ingest(struct run *run, struct ingest_job *job, reply_fn *reply, void *arg)
{
    require(run && job && reply);
    require(run->slot);
    struct engine *en = run->slot->en;
    struct pending *p = xcalloc(1, sizeof *p);

    p->cookie = ++*en->o.next_cookie;
    p->type = job->type;
    p->run = run;
    p->reply = reply;
    p->arg = arg;
    job->cookie = p->cookie;
    HASH_ADD(hh, en->pending, cookie, sizeof p->cookie, p);
    ingest_submit(en->o.ingest, job);
}

void engine_ingest_ready(struct engine *en)
{
    require(en);
    struct ingest_result *r;

    while ((r = ingest_next(en->o.ingest))) {
        struct pending *p = NULL;
        uint64_t cookie = r->cookie;
        if (cookie)
            HASH_FIND(hh, en->pending, &cookie, sizeof cookie, p);
        if (p)
            HASH_DEL(en->pending, p);
        if (p && p->run && p->type == r->type)
            p->reply(p->run, r, p->arg);
        else if (!cookie && r->err.code)
            log_add(LOG_ERROR, "store", "%s", r->err.text);
        ingest_result_free(r);
        free(p);
    }
}

static void activity(struct engine *en)
{
    if (en->o.hooks.activity)
        en->o.hooks.activity(en->o.hooks.ctx, engine_in_flight(en));
}

static void on_due(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct slot *sl = w->data;

    (void)loop;
    (void)revents;
    if (sl->run)
        return;
    run_start(sl);
    activity(sl->en);
}

static void schedule(struct slot *sl, int64_t in_ms)
{
    struct engine *en = sl->en;

    ev_timer_stop(en->o.loop, &sl->due);
    ev_timer_set(&sl->due, (double)in_ms / 1000.0, 0.);
    ev_timer_start(en->o.loop, &sl->due);
}

int64_t slot_pause_ms(struct slot *sl, bool has_failed, int64_t retry_after_ms)
{
    require(sl && sl->src);
    int64_t every = sl->src->every_ms;

    /* Up to 5 % later, so that sources of one interval do not march in step. */
    int64_t pause = every + (int64_t)(engine_random(sl->en) * (double)every / 20);
    if (!has_failed) {
        sl->failures = 0;
        return pause;
    }
    int64_t backoff = RETRY_FIRST_MS;
    for (int i = 0; i < sl->failures && backoff < RETRY_CAP_MS; i++)
        backoff *= 2;
    sl->failures++;
    if (backoff > RETRY_CAP_MS)
        backoff = RETRY_CAP_MS;
    if (backoff < pause)
        pause = backoff;
    return retry_after_ms > pause ? retry_after_ms : pause;
}

void slot_committed(struct slot *sl)
{
    require(sl && sl->src);
    struct engine *en = sl->en;

    if (en->o.hooks.committed)
        en->o.hooks.committed(en->o.hooks.ctx, sl->src->cfg->name);
}

/* The run has told the ingest how it ended by now; here comes what is next. */
void slot_ended(struct slot *sl, const struct poll_outcome *o, int64_t pause_ms)
{
    require(sl && o);
    struct engine *en = sl->en;

    if (!sl->src->recipe->is_on_demand)
        schedule(sl, pause_ms);
    if (o->kind == POLL_FAILED)
        log_add(LOG_WARN, "poll", "%s: %s", o->source, o->err.text);
    if (o->warning)
        log_add(LOG_WARN, "poll", "%s: %s", o->source, o->warning);
    if (en->o.hooks.ended)
        en->o.hooks.ended(en->o.hooks.ctx, o);
    activity(en);
}

static void tell_sources(struct engine *en)
{
    struct ingest_job *job = job_new(NULL, INGEST_SOURCES);
    struct ingest_source *v = arena_array(job->mem, en->nslots, sizeof *v);

    for (size_t i = 0; i < en->nslots; i++) {
        const struct plan_source *src = en->slots[i].src;
        v[i] = (struct ingest_source){
            .name = arena_strdup(job->mem, src->cfg->name),
            .recipe = arena_strdup(job->mem, src->recipe->name),
            .url = arena_strdup(job->mem, src->cfg->url ? src->cfg->url : src->cfg->path),
            .labels_json = arena_strdup(job->mem, src->cfg->labels_json),
            .every_ms = src->every_ms,
            .is_on_demand = src->recipe->is_on_demand,
        };
    }
    job->sources = v;
    job->nsources = en->nslots;
    tell_ingest(en, job);
}

static void on_maintain(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop;
    (void)revents;
    tell_ingest(w->data, job_new(NULL, INGEST_MAINTAIN));
}

static bool asks_aws(const struct plan *plan)
{
    for (size_t i = 0; i < plan->nsources; i++)
        if (plan->sources[i].connector == &connector_aws)
            return true;
    return false;
}

struct engine *engine_new(const struct engine_opts *o, struct err *e)
{
    require(o && o->loop && o->settings);
    require(o->plan && o->ingest && o->next_cookie);
    struct engine *en = xcalloc(1, sizeof *en);
    struct http_opts ho = { .loop = o->loop, .max_connections = o->settings->network.concurrency };
    char host[128] = "localhost";

    en->o = *o;
    en->http = http_new(&ho, e);
    if (!en->http) {
        free(en);
        return NULL;
    }
    en->tokens = o->tokens;
    en->governor = governor_new(o->loop, o->clock, o->settings->network.concurrency);
    en->random = (unsigned)clock_mono_ms(o->clock) * 2654435761u + (unsigned)getpid();
    if (!en->random)
        en->random = 1;
    gethostname(host, sizeof host - 1);
    if (asprintf(&en->holder, "%s:%d:%lld", host, (int)getpid(),
                 (long long)clock_wall_ms(o->clock)) < 0)
        bug("asprintf");
    en->nslots = o->plan->nsources;
    en->slots = xcalloc(en->nslots, sizeof *en->slots);
    for (size_t i = 0; i < en->nslots; i++) {
        struct slot *sl = &en->slots[i];
        sl->en = en;
        sl->src = &o->plan->sources[i];
        /* Generations grow over restarts too: the clock is ahead of any count. */
        sl->gen = (uint64_t)clock_wall_ms(o->clock);
        ev_timer_init(&sl->due, on_due, 0., 0.);
        sl->due.data = sl;
    }
    if (asks_aws(o->plan))
        en->aws = aws_link_new(en);
    ev_timer_init(&en->maintain, on_maintain, 60., MAINTAIN_S);
    en->maintain.data = en;
    tell_sources(en);
    return en;
}

void engine_run(struct engine *en)
{
    require(en);
    ev_timer_start(en->o.loop, &en->maintain);
    for (size_t i = 0; i < en->nslots; i++)
        if (!en->slots[i].src->recipe->is_on_demand)
            schedule(&en->slots[i], en->nslots > 1 ? (int64_t)(engine_random(en) * SPREAD_MS) : 0);
}

bool engine_poll_now(struct engine *en, const char *source)
{
    require(en);
    bool found = !source;

    for (size_t i = 0; i < en->nslots; i++) {
        struct slot *sl = &en->slots[i];
        if (source ? strcmp(sl->src->cfg->name, source) != 0 : sl->src->recipe->is_on_demand)
            continue;
        found = true;
        if (!sl->run)
            run_start(sl);
    }
    activity(en);
    return found;
}

bool engine_is_polling(const struct engine *en, const char *source)
{
    require(en && source);
    for (size_t i = 0; i < en->nslots; i++)
        if (!strcmp(en->slots[i].src->cfg->name, source))
            return en->slots[i].run != NULL;
    return false;
}

size_t engine_in_flight(const struct engine *en)
{
    require(en);
    size_t n = 0;

    for (size_t i = 0; i < en->nslots; i++)
        n += en->slots[i].run != NULL;
    return n;
}

void engine_free(struct engine *en)
{
    struct pending *p, *tmp;

    if (!en)
        return;
    for (size_t i = 0; i < en->nslots; i++) {
        struct slot *sl = &en->slots[i];
        ev_timer_stop(en->o.loop, &sl->due);
        run_free(sl->run);
        if (en->o.keep_leases) {
            struct ingest_job *job = job_new(NULL, INGEST_RELEASE);
            job->source = arena_strdup(job->mem, sl->src->cfg->name);
            job->holder = arena_strdup(job->mem, en->holder);
            tell_ingest(en, job);
        }
    }
    HASH_ITER(hh, en->pending, p, tmp)
    {
        HASH_DEL(en->pending, p);
        free(p);
    }
    ev_timer_stop(en->o.loop, &en->maintain);
    governor_free(en->governor);
    aws_link_free(en->aws);
    http_free(en->http);
    free(en->slots);
    free(en->holder);
    free(en);
}
