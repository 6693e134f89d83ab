/*
 * One poll of one source: lease, generation, steps in order, each with its questions and
 * requests, a commit a step, and at the end the state of the source. Every wait is a
 * callback; a function that ends the run is the last thing its caller does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/require.h"

#include "engine_priv.h"

enum {
    LEASE_SLACK_MS = 30000,
    AUTH_PAUSE_MS = 60000,
    WARNING_MAX_BYTES = 2000 /* of the failed steps told before the last */
};

static void begin_step(struct run *run);

const struct plan_source *run_source(const struct run *run)
{
    require(run && run->slot);
    return run->slot->src;
}

const struct step_def *run_step(const struct run *run)
{
    require(run && run->slot);
    require(run->step < run->slot->src->recipe->nsteps);
    return &run->slot->src->recipe->steps[run->step];
}

static const struct map_step *map_step(const struct run *run)
{
    return &run->slot->src->steps[run->step];
}

static int64_t wall(const struct run *run)
{
    return clock_wall_ms(run->slot->en->o.clock);
}

/* Answers of the ingest that are on their way to this run find nobody any more. */
static void forget_pending(struct run *run)
{
    struct pending *p, *tmp;

    HASH_ITER(hh, run->slot->en->pending, p, tmp)
    if (p->run == run)
        p->run = NULL;
}

static void free_items(struct run *run)
{
    forget_pending(run);
    /* First out of the queue, all of them: a turn given back must not start a sister. */
    for (size_t i = 0; i < run->nitems; i++)
        governor_cancel(run->slot->en->governor, &run->items[i]);
    for (size_t i = 0; i < run->nitems; i++)
        item_stop(&run->items[i]);
    free(run->items);
    run->items = NULL;
    run->nitems = run->next_item = run->active = run->done = 0;
    row_set_free(run->fan);
    run->fan = NULL;
    row_set_free(run->validators);
    run->validators = NULL;
}

void run_free(struct run *run)
{
    if (!run)
        return;
    free_items(run);
    ev_timer_stop(run->slot->en->o.loop, &run->renew);
    run->slot->run = NULL;
    arena_free(run->step_mem);
    arena_free(run->mem);
    free(run);
}

/* ---- the end */

struct ending {
    int kind;
    struct err err;
    int64_t pause_ms; /* until the next poll */
};

static void after_state(struct run *run, struct ingest_result *r, void *arg)
{
    struct ending *end = arg;
    struct slot *sl = run->slot;
    struct engine *en = sl->en;

    if (end->kind != POLL_FAILED && end->kind != POLL_SKIPPED && r->err.code) {
        end->kind = POLL_FAILED;
        end->err = r->err;
    }
    struct poll_outcome o = {
        .source = sl->src->cfg->name,
        .kind = end->kind,
        .err = end->err,
        .warning = run->warning,
        .had_answer = run->had_answer,
        .rows = run->rows,
        .changed = run->changed + run->opened,
        .closed = run->closed,
        .ms = clock_mono_ms(en->o.clock) - run->started_ms,
    };
    int64_t pause_ms = end->pause_ms;
    struct arena *keep = run->mem; /* the texts of `o` */
    run->mem = NULL;
    run_free(run);
    slot_ended(sl, &o, pause_ms);
    arena_free(keep);
}

/* A service that throttles is asked less often, until it has been quiet for some polls. */
static int run_slowness(struct run *run)
{
    if (run_source(run)->connector != &connector_aws)
        return 1; /* other servers say themselves how long to wait */
    int slow = governor_poll_ended(run->slot->en->governor, run->host);

    return run->slow > slow ? run->slow : slow;
}

/* Between polls: whoever waits for a person to ask keeps nobody else from asking. */
static bool run_keeps_lease(const struct slot *sl)
{
    return sl->en->o.keep_leases && !sl->src->recipe->is_on_demand;
}

/* Tell the store how it ended and wait for its word: a one-shot poll exits after this. */
static void end_run(struct run *run, int kind, const struct err *e)
{
    struct engine *en = run->slot->en;
    struct ending *end = arena_alloc(run->mem, sizeof *end);
    struct ingest_job *job;

    free_items(run);
    ev_timer_stop(en->o.loop, &run->renew);
    end->kind = kind;
    if (e)
        end->err = *e;
    int64_t wait = governor_wait_ms(en->governor, run->host);
    if (end->err.code == ERR_AUTH && wait < AUTH_PAUSE_MS)
        wait = AUTH_PAUSE_MS;
    end->pause_ms = slot_pause_ms(run->slot, kind == POLL_FAILED, wait);
    int64_t slowed = run->slot->src->every_ms * run_slowness(run);
    if (slowed > run->slot->src->every_ms)
        end->pause_ms = slowed > wait ? slowed : wait; /* and not the back-off of a failure */
    if (run->is_leased) {
        tell_ingest(en, job_new(run, INGEST_DROP));
        if (!run_keeps_lease(run->slot)) {
            job = job_new(run, INGEST_RELEASE);
            job->holder = arena_strdup(job->mem, en->holder);
            tell_ingest(en, job);
        }
    }
    if (kind == POLL_SKIPPED) {
        struct ingest_result none = { 0 };
        after_state(run, &none, end);
        return;
    }
    job = job_new(run, INGEST_STATE);
    bool is_ok = kind != POLL_FAILED;
    job->state = (struct ingest_state){
        .is_ok = is_ok,
        .error = is_ok ? NULL : arena_strdup(job->mem, end->err.text),
        .error_code = is_ok ? NULL : err_word(end->err.code),
        .from_ms = run->started_wall_ms,
        .at_ms = wall(run),
        .latency_ms = run->requests ? run->latency_ms / run->requests : 0,
        .wire_bytes = run->wire_bytes,
        .requests = run->requests,
        .not_modified = run->not_modified,
        .next_due_ms = run->slot->src->recipe->is_on_demand ? 0 : wall(run) + end->pause_ms,
        .budget_left = governor_budget(en->governor, run->host),
    };
    ask_ingest(run, job, after_state, end);
}

/* ---- steps */

static bool lists_complete(const struct step_def *st, const char *kind)
{
    for (size_t i = 0; i < st->nrows; i++)
        if (st->rows[i].is_complete && !strcmp(st->rows[i].kind, kind))
            return true;
    return false;
}

static bool needs_step(const struct recipe *r, size_t step, size_t other)
{
    const struct step_def *st = &r->steps[step];

    if (!st->has_needs)
        return true;
    for (const char *const *name = st->needs; *name; name++)
        if (!strcmp(*name, r->steps[other].name))
            return true;
    return false;
}

/*
 * `for` and row() build on earlier steps: what one of them did not bring may only seem gone. So a
 * step is shaky when one that it needs has failed or is shaky itself.
 */
static bool is_shaky(const struct run *run)
{
    const struct recipe *r = run->slot->src->recipe;
    bool *shaky = arena_array(run->mem, run->step + 1, sizeof *shaky);

    for (size_t step = 0; step <= run->step; step++)
        for (size_t i = 0; i < step; i++)
            shaky[step] |= needs_step(r, step, i) && (!run->step_ok[i] || shaky[i]);
    return shaky[run->step];
}

/* Another step lists the same complete kind and has failed, or is still to come: rows must not end
 * yet. */
static bool must_keep_rows(const struct run *run)
{
    const struct recipe *r = run->slot->src->recipe;
    const struct step_def *st = run_step(run);

    if (is_shaky(run))
        return true;
    for (size_t k = 0; k < st->nrows; k++) {
        if (!st->rows[k].is_complete)
            continue;
        for (size_t i = 0; i < r->nsteps; i++) {
            if (i == run->step || !lists_complete(&r->steps[i], st->rows[k].kind))
                continue;
            if (i > run->step || !run->step_ok[i])
                return true;
        }
    }
    return false;
}

static void next_step(struct run *run)
{
    free_items(run);
    run->step++;
    if (run->step < run->slot->src->recipe->nsteps) {
        begin_step(run);
        return;
    }
    if (!run->is_any_committed && run->last_err.code) { /* nothing stood in for what failed */
        struct err e = run->last_err;
        end_run(run, POLL_FAILED, &e);
        return;
    }
    bool all_same = run->requests > 0 && run->not_modified == run->requests;
    end_run(run, all_same ? POLL_NOT_MODIFIED : POLL_OK, NULL);
}

/* When this step was asked in vain, and why: a fact of its own in the store. */
static void note_failed_look(struct run *run, const struct err *e)
{
    struct ingest_job *job = job_new(run, INGEST_LOOK);

    job->step = map_step(run);
    job->observed_from_ms = run->step_started_wall_ms;
    job->step_ms = clock_mono_ms(run->slot->en->o.clock) - run->step_started_ms;
    job->look_code = err_word(e->code);
    job->look_text = arena_strdup(job->mem, e->text);
    tell_ingest(run->slot->en, job);
}

static void on_commit(struct run *run, struct ingest_result *r, void *arg)
{
    (void)arg;
    if (r->err.code) {
        /* Another process has taken over: its word on the source counts now, not ours. */
        int kind = r->err.code == ERR_CANCELLED ? POLL_SKIPPED : POLL_FAILED;
        if (kind == POLL_FAILED)
            note_failed_look(run, &r->err);
        err_ctx(&r->err, "step %s", run_step(run)->name);
        end_run(run, kind, &r->err);
        return;
    }
    run->step_ok[run->step] = true;
    run->is_any_committed |= r->commit.rows > 0 || !run->last_err.code;
    run->rows += r->commit.rows;
    run->opened += r->commit.opened;
    run->changed += r->commit.changed;
    run->closed += r->commit.closed;
    if (r->commit.is_doubted)
        run->warning = arena_printf(
            run->mem,
            "step %s lists nothing where there were many rows: kept until the next poll agrees",
            run_step(run)->name);
    slot_committed(run->slot);
    next_step(run);
}

static void commit_step(struct run *run)
{
    struct ingest_job *job = job_new(run, INGEST_COMMIT);

    job->step = map_step(run);
    job->observed_from_ms = run->step_started_wall_ms;
    job->step_ms = clock_mono_ms(run->slot->en->o.clock) - run->step_started_ms;
    job->is_last_of_kind_unknown = must_keep_rows(run);
    ask_ingest(run, job, on_commit, NULL);
}

void run_fail_step(struct run *run, const struct err *cause)
{
    require(run && cause);
    struct err e = *cause; /* it may live in an item that goes now */
    const struct step_def *st = run_step(run);

    free_items(run);
    note_failed_look(run, &e);
    if (run->slot->src->recipe->nsteps > 1)
        err_ctx(&e, "step %s", st->name);
    if (st->on_error != STEP_NEXT) {
        end_run(run, POLL_FAILED, &e);
        return;
    }
    run->last_err = e;
    run->warning = run->warning
                       ? arena_printf(run->mem, "%.*s; %s", WARNING_MAX_BYTES, run->warning, e.text)
                       : arena_strdup(run->mem, e.text);
    next_step(run);
}

static void pump(struct run *run)
{
    int most = run->slot->src->recipe->concurrency;

    while (run->active < (size_t)(most > 0 ? most : 1) && run->next_item < run->nitems) {
        struct item *it = &run->items[run->next_item++];
        run->active++;
        /* Starting may fail the step, which frees the items: nothing is looked at after that. */
        size_t before = run->step;
        struct slot *sl = run->slot;
        item_start(it);
        if (sl->run != run || run->step != before || !run->items)
            return;
    }
}

void run_item_done(struct run *run)
{
    require(run && run->active > 0);
    require(run->done < run->nitems);
    run->active--;
    run->done++;
    if (run->done == run->nitems)
        commit_step(run);
    else
        pump(run);
}

static void on_validators(struct run *run, struct ingest_result *r, void *arg)
{
    (void)arg;
    /* Without validators the answers come whole: no reason to fail. */
    if (!r->err.code) {
        run->validators = r->rows;
        r->rows = NULL;
    }
    pump(run);
}

static void send_items(struct run *run)
{
    const struct step_def *st = run_step(run);
    struct ingest_job *job;

    if (run->nitems == 0) {
        commit_step(run);
        return;
    }
    if (run_source(run)->connector != &connector_http || st->page.kind != PAGE_NONE ||
        st->is_sensitive) {
        pump(run);
        return;
    }
    job = job_new(run, INGEST_VALIDATORS);
    job->step = map_step(run);
    ask_ingest(run, job, on_validators, NULL);
}

static void make_items(struct run *run, size_t n)
{
    run->items = xcalloc(n, sizeof *run->items);
    run->nitems = n;
    for (size_t i = 0; i < n; i++) {
        run->items[i].run = run;
        run->items[i].name = "";
    }
}

/* Names the kept body: two rows of `for` that differ anywhere ask different things. */
static const char *item_name(struct run *run, const struct item *it)
{
    struct sbuf sb;

    sbuf_init(&sb, 64 * 1024);
    for (size_t i = 0; i < it->nextra; i++)
        sbuf_addf(&sb, "%s%s", i ? " " : "", it->extra[i].text);
    const char *name = arena_strdup(run->step_mem, sb.buf);
    sbuf_release(&sb);
    return name;
}

static void on_fan(struct run *run, struct ingest_result *r, void *arg)
{
    const struct step_def *st = run_step(run);
    struct row_set *rs = r->rows;

    (void)arg;
    if (!r->err.code && rs->nrows > (size_t)st->fan_max)
        err_set(
            &r->err, ERR_LIMIT, 0,
            "gives %zu rows and at most %lld are asked (for_max), so none was; ask for less with "
            "params: of the source (opsdeck recipe show %s names them)",
            rs->nrows, (long long)st->fan_max, run->slot->src->recipe->name);
    if (r->err.code) {
        err_ctx(&r->err, "for:");
        run_fail_step(run, &r->err);
        return;
    }
    run->fan = rs;
    r->rows = NULL;
    make_items(run, rs->nrows);
    for (size_t i = 0; i < rs->nrows; i++) {
        struct item *it = &run->items[i];
        it->extra = arena_array(run->step_mem, rs->ncols, sizeof *it->extra);
        it->nextra = rs->ncols;
        for (size_t c = 0; c < rs->ncols; c++) {
            const struct cell *cell = row_set_at(rs, i, (int)c);
            it->extra[c] = (struct bind){ rs->cols[c], cell->type, cell->i, cell->d, cell->text };
        }
        it->name = item_name(run, it);
    }
    send_items(run);
}

static void ask_eval(struct run *run, const struct sql_text *t, reply_fn *reply)
{
    struct ingest_job *job = job_new(run, INGEST_EVAL);

    job->step = map_step(run);
    job->sql = (struct map_sql){ t->sql, t->pos.file, t->pos.line, t->pos.col };
    ask_ingest(run, job, reply, NULL);
}

static void prepare_items(struct run *run)
{
    const struct step_def *st = run_step(run);

    if (st->fan.sql) {
        ask_eval(run, &st->fan, on_fan);
        return;
    }
    make_items(run, 1);
    send_items(run);
}

/* Some step before this one has committed the same complete kind: its ends are still to be decided.
 */
static bool must_settle(const struct run *run)
{
    const struct recipe *r = run->slot->src->recipe;
    const struct step_def *st = run_step(run);

    for (size_t k = 0; k < st->nrows; k++)
        for (size_t i = 0; i < run->step; i++)
            if (st->rows[k].is_complete && run->step_ok[i] &&
                lists_complete(&r->steps[i], st->rows[k].kind))
                return true;
    return false;
}

static void on_when(struct run *run, struct ingest_result *r, void *arg)
{
    (void)arg;
    if (r->err.code) {
        err_ctx(&r->err, "when:");
        run_fail_step(run, &r->err);
        return;
    }
    const struct cell *c = row_set_at(r->rows, 0, 0);
    bool wanted =
        c->type == CELL_TEXT ? *c->text && strcmp(c->text, "0") != 0 : c->i != 0 || c->d != 0;
    if (wanted)
        prepare_items(run);
    else if (must_settle(run))
        commit_step(run);
    else {
        run->step_ok[run->step] = true;
        next_step(run);
    }
}

/* scheme://host:port of a URL, the governor's key. */
static void host_of(const char *url, char *out, size_t size)
{
    const char *host = strstr(url, "://");
    size_t n = host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : strlen(url);

    if (n >= size)
        n = size - 1;
    memcpy(out, url, n);
    out[n] = '\0';
}

/* Pages stay on one origin, and a step of AWS on one service: one key for all turns of a step. */
static void set_host(struct run *run)
{
    const struct source_cfg *cfg = run->slot->src->cfg;
    const struct request_def *rq = &run_step(run)->request;
    char host[sizeof run->host];

    if (rq->service)
        snprintf(host, sizeof host, "aws %s %s", cfg->aws.profile ? cfg->aws.profile : "",
                 rq->service);
    else
        host_of(rq->url ? rq->url : cfg->url ? cfg->url : "", host, sizeof host);
    if (!strcmp(host, run->host))
        return;
    if (*run->host)
        run->slow = run_slowness(run);
    memcpy(run->host, host, sizeof host);
}

static void begin_step(struct run *run)
{
    const struct step_def *st = run_step(run);

    arena_reset(run->step_mem);
    set_host(run);
    run->step_started_ms = clock_mono_ms(run->slot->en->o.clock);
    run->step_started_wall_ms = wall(run);
    if (st->when.sql)
        ask_eval(run, &st->when, on_when);
    else
        prepare_items(run);
}

/* ---- the start */

static void on_lease(struct run *run, struct ingest_result *r, void *arg)
{
    (void)arg;
    if (r->err.code) {
        end_run(run, POLL_FAILED, &r->err);
        return;
    }
    if (!r->is_lease_ours) {
        struct err e = { 0 };
        char until[TIME_TEXT_MAX];
        err_set(&e, ERR_CANCELLED, 0, "another opsdeck polls this source, until %s or its end",
                time_local(r->lease_until_ms, wall(run), until));
        slot_committed(run->slot); /* its rows may be news to our readers */
        end_run(run, POLL_SKIPPED, &e);
        return;
    }
    run->is_leased = true;
    ev_timer_start(run->slot->en->o.loop, &run->renew);
    tell_ingest(run->slot->en, job_new(run, INGEST_BEGIN));
    begin_step(run);
}

static struct ingest_job *lease_job(struct run *run)
{
    const struct slot *sl = run->slot;
    struct ingest_job *job = job_new(run, INGEST_LEASE);

    job->holder = arena_strdup(job->mem, sl->en->holder);
    job->lease_ms =
        (run_keeps_lease(sl) ? sl->src->every_ms : 0) + sl->src->timeout_ms + LEASE_SLACK_MS;
    return job;
}

/* A long fan-out outlives its first lease. */
static void on_renew(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct run *run = w->data;

    (void)loop;
    (void)revents;
    tell_ingest(run->slot->en, lease_job(run));
}

void run_start(struct slot *sl)
{
    require(sl && !sl->run);
    struct engine *en = sl->en;
    struct run *run = xcalloc(1, sizeof *run);

    sl->run = run;
    sl->gen++;
    run->slot = sl;
    run->gen = sl->gen;
    run->mem = arena_new();
    run->step_mem = arena_new();
    run->step_ok = arena_array(run->mem, sl->src->recipe->nsteps, sizeof *run->step_ok);
    run->started_ms = clock_mono_ms(en->o.clock);
    run->started_wall_ms = wall(run);
    ev_timer_init(&run->renew, on_renew, LEASE_SLACK_MS / 3000., LEASE_SLACK_MS / 3000.);
    run->renew.data = run;
    ask_ingest(run, lease_job(run), on_lease, NULL);
}
