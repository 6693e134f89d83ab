/*
 * AWS credentials: one entry a profile with the set in use, who waits for one, the job that
 * fetches the next and the last failure. Which source a profile means is aws_cred_chain.c's; the
 * sources themselves are in the other aws_cred_*.c. Entries live until aws_creds_free().
 */
#include "opsdeck/net/aws_credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/aws_sign.h"
#include "opsdeck/net/redact.h"

#include "aws_cred_priv.h"
#include "token_priv.h"

enum {
    FAULT_KEPT_MS = 60 * 1000,
    TRY_AGAIN_MS = 60 * 1000, /* between two refreshes while the old set serves */
    KNOWN_MAX = 256
};

struct waiter {
    struct waiter *next;
    aws_keys_fn *done;
    void *ctx;
};

struct entry {
    struct entry *next;
    enum cred_want want;
    char *profile; /* NULL: none */
    struct cred_set *set;
    int64_t soft_ms, hard_ms; /* wall clock: refresh from here; not given out from here. 0: never */
    struct cred_job *job;
    struct waiter *waiters;
    struct err fault;
    int64_t fault_until_ms, try_from_ms; /* monotonic */
    char *dropped_id;
};

/* Waiters being told: cancel looks here too. */
struct delivery {
    struct delivery *outer;
    struct waiter *waiters;
};

struct aws_creds {
    struct aws_creds_opts o;
    char *ca_file, *proxy; /* of o */
    struct aws_signer *signer;
    struct entry *entries;
    struct delivery *delivery;
    struct secret *known; /* a ring: what the redactor is told for a good while */
    size_t nknown, next_known;
    struct cred_clocks *clocks;
};

struct aws_creds *aws_creds_new(const struct aws_creds_opts *o)
{
    require(o && o->http);
    struct aws_creds *c = xcalloc(1, sizeof *c);

    c->o = *o;
    c->o.ca_file = c->ca_file = cred_dup(o->ca_file);
    c->o.proxy = c->proxy = cred_dup(o->proxy);
    c->signer = aws_signer_new();
    c->clocks = cred_clocks_new();
    return c;
}

struct aws_signer *cred_signer(struct aws_creds *c)
{
    return c->signer;
}

struct cred_clocks *cred_clocks_of(const struct aws_creds *c)
{
    return c->clocks;
}

int64_t cred_now(const struct cred_job *job)
{
    return clock_wall_ms(job->o.clock);
}

void cred_known(struct aws_creds *c, const char *bytes)
{
    size_t n = bytes ? strlen(bytes) : 0;

    if (n == 0)
        return;
    for (size_t i = 0; i < c->nknown; i++)
        if (c->known[i].len == n && memcmp(c->known[i].bytes, bytes, n) == 0)
            return;
    if (!c->known)
        c->known = xcalloc(KNOWN_MAX, sizeof *c->known);
    struct secret *s = &c->known[c->next_known];
    if (s->bytes)
        redact_remove(s->bytes, s->len);
    secret_set(s, bytes, n);
    redact_add(bytes, n);
    c->next_known = (c->next_known + 1) % KNOWN_MAX;
    if (c->nknown < KNOWN_MAX)
        c->nknown++;
}

/* ---- jobs */

static void job_free(struct cred_job *job)
{
    if (!job)
        return;
    if (job->http_id)
        http_cancel(job->o.http, job->http_id);
    token_run_free(job->run);
    ev_timer_stop(job->o.loop, &job->timer);
    cred_role_stop(job);
    secret_release(&job->token);
    free(job->region);
    free(job->found_region);
    free(job->dropped_id);
    free(job->url);
    free(job->host);
    free(job->source_id);
    free(job->file);
    arena_free(job->mem);
    free(job);
}

static void free_waiters(struct waiter *w)
{
    while (w) {
        struct waiter *next = w->next;
        free(w);
        w = next;
    }
}

void aws_creds_free(struct aws_creds *c)
{
    if (!c)
        return;
    if (c->delivery)
        bug("AWS credentials freed from inside their callback");
    while (c->entries) {
        struct entry *en = c->entries;
        c->entries = en->next;
        job_free(en->job);
        free_waiters(en->waiters);
        cred_set_release(en->set);
        free(en->profile);
        free(en->dropped_id);
        free(en);
    }
    for (size_t i = 0; i < c->nknown; i++) {
        redact_remove(c->known[i].bytes, c->known[i].len);
        secret_release(&c->known[i]);
    }
    free(c->known);
    aws_signer_free(c->signer);
    cred_clocks_free(c->clocks);
    free(c->ca_file);
    free(c->proxy);
    free(c);
}

/* ---- telling */

static void tell(const struct waiter *w, const struct cred_set *set, const struct err *e)
{
    static const struct err fine;

    if (!set) {
        w->done(w->ctx, NULL, e);
        return;
    }
    struct aws_keys keys = { .access_key_id = set->access_key_id,
                             .secret_key = &set->secret_key,
                             .session_token = set->session_token.bytes ? &set->session_token : NULL,
                             .expires_ms = set->expires_ms,
                             .source = set->source,
                             .role_arn = set->role_arn,
                             .account = set->account,
                             .region = set->region };
    w->done(w->ctx, &keys, &fine);
}

/* The set is held meanwhile: a callback may well drop it. */
static void tell_all(struct aws_creds *c, struct entry *en, struct cred_set *set,
                     const struct err *e)
{
    struct delivery d = { .outer = c->delivery, .waiters = en->waiters };

    en->waiters = NULL;
    c->delivery = &d;
    if (set)
        cred_set_use(set);
    while (d.waiters) {
        struct waiter *w = d.waiters;
        d.waiters = w->next;
        tell(w, set, e);
        free(w);
    }
    cred_set_release(set);
    c->delivery = d.outer;
}

void cred_job_fail(struct cred_job *job, const struct err *e)
{
    require(job && job->entry && e);
    struct aws_creds *c = job->c;
    struct entry *en = job->entry;
    struct err fault = *e;

    err_ctx(&fault, "%s", job->what);
    en->fault = fault;
    en->fault_until_ms = clock_mono_ms(c->o.clock) + FAULT_KEPT_MS;
    en->job = NULL;
    cred_unpark(job);
    job_free(job);
    log_add(LOG_WARN, "net", "AWS credentials: %s", fault.text);
    tell_all(c, en, NULL, &fault);
}

void cred_job_done(struct cred_job *job, struct cred_set *set)
{
    require(job && job->entry && set);
    struct aws_creds *c = job->c;
    struct entry *en = job->entry;
    struct err e = { 0 };

    if (!cred_set_check(job, set, en->dropped_id, &e)) {
        cred_set_release(set);
        cred_job_fail(job, &e);
        return;
    }
    cred_set_release(en->set);
    en->set = set;
    cred_set_limits(job, set, &en->soft_ms, &en->hard_ms);
    en->fault = (struct err){ 0 };
    en->fault_until_ms = 0;
    free(en->dropped_id);
    en->dropped_id = NULL;
    en->job = NULL;
    cred_unpark(job);
    job_free(job);
    tell_all(c, en, set, NULL);
}

static void (*const START[CRED_NKINDS])(struct cred_job *) = {
    [CRED_ENV] = cred_static_start,      [CRED_ROLE] = cred_role_start,
    [CRED_WEB] = cred_web_start,         [CRED_SSO] = cred_sso_start,
    [CRED_FILE] = cred_static_start,     [CRED_LOGIN] = cred_login_start,
    [CRED_PROCESS] = cred_process_start, [CRED_CONTAINER] = cred_container_start,
    [CRED_IMDS] = cred_imds_start,
};

/* May end at once: the entry's job is NULL again then. */
static void start_job(struct aws_creds *c, struct entry *en, const char *region)
{
    struct cred_job *job = xcalloc(1, sizeof *job);
    struct err e = { 0 };

    job->c = c;
    job->o = c->o;
    job->entry = en;
    job->want = en->want;
    job->profile = en->profile ? en->profile : aws_config_default_profile(c->o.config);
    job->region = cred_dup(region ? region : aws_config_region(c->o.config, job->profile));
    job->dropped_id = cred_dup(en->dropped_id);
    job->mem = arena_new();
    snprintf(job->what, sizeof job->what, "AWS profile %s", job->profile);
    en->job = job;
    en->try_from_ms = clock_mono_ms(c->o.clock) + TRY_AGAIN_MS;
    if (!cred_plan_make(c->o.config, job->want, job->profile, &job->plan, &e)) {
        cred_job_fail(job, &e);
        return;
    }
    cred_plan_describe(c->o.config, &job->plan, job->want, job->profile, job->what);
    START[job->plan.kind](job);
}

/* ---- token files that two profiles share */

bool cred_park(struct cred_job *job)
{
    for (struct entry *en = job->c->entries; en; en = en->next) {
        const struct cred_job *other = en->job;
        if (other && other != job && other->is_refreshing && other->file && job->file &&
            strcmp(other->file, job->file) == 0)
            return job->is_parked = true;
    }
    return false;
}

void cred_unpark(struct cred_job *job)
{
    struct aws_creds *c = job->c;

    if (!job->is_refreshing)
        return;
    job->is_refreshing = false;
    for (struct entry *en = c->entries; en; en = en->next) {
        struct cred_job *other = en->job;
        if (!other || !other->is_parked || strcmp(other->file, job->file) != 0)
            continue;
        other->is_parked = false;
        other->has_tried_refresh = true;
        START[other->plan.kind](other);
    }
}

/* ---- entries */

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct entry *entry_of(struct aws_creds *c, enum cred_want want, const char *profile)
{
    for (struct entry *en = c->entries; en; en = en->next)
        if (en->want == want && same(en->profile, profile))
            return en;
    struct entry *en = xcalloc(1, sizeof *en);
    en->want = want;
    en->profile = cred_dup(profile);
    en->next = c->entries;
    c->entries = en;
    return en;
}

static bool is_usable(const struct entry *en, int64_t now)
{
    return en->set && (en->hard_ms == 0 || now < en->hard_ms);
}

void cred_get(struct aws_creds *c, enum cred_want want, const char *profile, const char *region,
              aws_keys_fn *done, void *ctx)
{
    require(c && done);
    require(want != CRED_PROFILE || profile);
    struct entry *en = entry_of(c, want, profile);
    int64_t now = clock_wall_ms(c->o.clock), mono = clock_mono_ms(c->o.clock);
    struct waiter self = { .done = done, .ctx = ctx };

    if (is_usable(en, now)) {
        if (en->soft_ms && now >= en->soft_ms && !en->job && mono >= en->try_from_ms)
            start_job(c, en, region);
        if (is_usable(en, now)) {
            struct cred_set *set = cred_set_use(en->set);
            tell(&self, set, NULL);
            cred_set_release(set);
            return;
        }
    }
    if (!en->job && en->fault.code != ERR_NONE && mono < en->fault_until_ms) {
        struct err e = en->fault;
        tell(&self, NULL, &e);
        return;
    }
    struct waiter *w = xmalloc(sizeof *w), **end = &en->waiters;
    *w = self;
    while (*end)
        end = &(*end)->next;
    *end = w;
    if (!en->job)
        start_job(c, en, region);
}

void aws_creds_get(struct aws_creds *c, const char *profile, const char *region, aws_keys_fn *done,
                   void *ctx)
{
    cred_get(c, profile ? CRED_PROFILE : CRED_CHAIN, profile, region, done, ctx);
}

static void drop_waiters(struct waiter **at, const void *ctx)
{
    while (*at) {
        struct waiter *w = *at;
        if (w->ctx == ctx) {
            *at = w->next;
            free(w);
        } else {
            at = &w->next;
        }
    }
}

void aws_creds_cancel(struct aws_creds *c, void *ctx)
{
    require(c);
    for (struct entry *en = c->entries; en; en = en->next)
        drop_waiters(&en->waiters, ctx);
    for (struct delivery *d = c->delivery; d; d = d->outer)
        drop_waiters(&d->waiters, ctx);
}

static void drop_set(struct entry *en, const char *access_key_id)
{
    if (!en->set || strcmp(en->set->access_key_id, access_key_id) != 0)
        return;
    free(en->dropped_id);
    en->dropped_id = xstrdup(access_key_id);
    cred_set_release(en->set);
    en->set = NULL;
}

void cred_drop(struct aws_creds *c, enum cred_want want, const char *profile,
               const char *access_key_id)
{
    drop_set(entry_of(c, want, profile), access_key_id);
}

void aws_creds_expired(struct aws_creds *c, const char *profile, const char *access_key_id)
{
    enum cred_want want = profile ? CRED_PROFILE : CRED_CHAIN;

    for (struct entry *en = c->entries; en; en = en->next)
        if (en->want == want && same(en->profile, profile))
            drop_set(en, access_key_id);
}
