/* poll: once, with a report. collect: for ever, without a screen. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"

#include "app_priv.h"
#include "poller.h"

struct report {
    struct app *app;
    struct ev_loop *loop;
    struct json *doc; /* NULL: not asked for */
    size_t left, ok, failed, unreached;
    bool is_quiet;
};

static void add_json(struct json *j, const struct poll_outcome *o)
{
    static const char *const words[] = { "ok", "not_modified", "failed", "skipped" };
    _Static_assert(ARRAY_LEN(words) == POLL_SKIPPED + 1, "a word for each");

    json_object(j, NULL);
    json_text(j, "name", o->source);
    json_text(j, "outcome", words[o->kind]);
    json_int(j, "rows", o->rows);
    json_int(j, "changed", o->changed);
    json_int(j, "closed", o->closed);
    json_text(j, "error", o->err.code ? o->err.text : o->warning);
    json_int(j, "ms", o->ms);
    json_close(j);
}

static void add_text(struct out *out, const struct poll_outcome *o)
{
    if (o->kind == POLL_FAILED || o->kind == POLL_SKIPPED)
        out_addf(out, "%s: %s: %s\n", o->source, o->kind == POLL_FAILED ? "failed" : "skipped",
                 o->err.text);
    else
        out_addf(out, "%s: ok%s, %lld rows, %lld changed, %lld closed, %lld ms%s%s\n", o->source,
                 o->kind == POLL_NOT_MODIFIED ? " (not modified)" : "", (long long)o->rows,
                 (long long)o->changed, (long long)o->closed, (long long)o->ms,
                 o->warning ? "; " : "", o->warning ? o->warning : "");
    out_flush(out); /* what was lost is told at the end */
}

static void on_ended(void *ctx, const struct poll_outcome *o)
{
    struct report *r = ctx;

    if (r->doc)
        add_json(r->doc, o);
    else if (!r->is_quiet)
        add_text(&r->app->out, o);
    else if (!r->app->o.is_demo && (o->err.code || o->warning))
        fprintf(stderr, "opsdeck: %s: %s\n", o->source, o->err.code ? o->err.text : o->warning);
    /* Who names a source wants it polled: that another process does so is no success. */
    bool is_refused = o->kind == POLL_SKIPPED && r->app->o.nsources && !r->is_quiet;
    if (o->kind == POLL_FAILED || is_refused) {
        r->failed++;
        r->unreached += !o->had_answer && (o->err.code == ERR_NET || o->err.code == ERR_TIMEOUT);
    } else {
        r->ok++;
    }
    if (--r->left == 0)
        ev_break(r->loop, EVBREAK_ALL);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
    (void)revents;
    *(int *)w->data = w->signum;
    ev_break(loop, EVBREAK_ALL);
}

/* --set holds for the sources named, or for all. */
static bool set_params(struct app *a, struct err *e)
{
    const struct options *o = &a->o;

    for (size_t i = 0; i < o->nsets; i++) {
        for (size_t k = 0; k < o->nsources; k++)
            if (!plan_set(a->plan, o->sources[k], o->sets[i], e))
                return false;
        if (!o->nsources && !plan_set(a->plan, NULL, o->sets[i], e))
            return false;
    }
    return true;
}

static bool start_polls(struct poller *p, struct report *r, struct err *e)
{
    const struct options *o = &r->app->o;

    r->left = o->nsources;
    for (size_t i = 0; !o->nsources && i < r->app->plan->nsources; i++)
        r->left += !r->app->plan->sources[i].recipe->is_on_demand;
    if (!o->nsources)
        return engine_poll_now(p->engine, NULL);
    for (size_t i = 0; i < o->nsources; i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(o->sources[i], o->sources[k]))
                return err_set(e, ERR_USAGE, 0, "--source %s stands there twice", o->sources[i]);
    for (size_t i = 0; i < o->nsources; i++)
        if (!engine_poll_now(p->engine, o->sources[i])) {
            err_set(e, ERR_USAGE, 0, "no source \"%s\" in the config; there are:", o->sources[i]);
            for (size_t k = 0; k < r->app->plan->nsources; k++) {
                size_t n = strlen(e->text);
                snprintf(e->text + n, sizeof e->text - n, " %s",
                         r->app->plan->sources[k].cfg->name);
            }
            return false;
        }
    return true;
}

static int no_sources(struct app *a)
{
    struct err e;
    char *path = settings_user_path(a->mem);

    err_set(&e, ERR_CONFIG, 0,
            "no sources to poll: opsdeck config init writes a commented %s, opsdeck --demo shows "
            "the demo estate",
            path ? path : "config.yaml");
    return fail(a, &e);
}

static int run_once(struct app *a, struct report *r)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
    struct engine_hooks hooks = { .ctx = r, .ended = on_ended };
    struct poller p;
    struct err e = { 0 };
    ev_signal sigs[2];
    static const int numbers[] = { SIGINT, SIGTERM };
    int caught = 0;

    r->app = a;
    r->loop = loop;
    if (!set_params(a, &e) || !poller_open(&p, a, loop, &hooks, false, &e))
        return fail(a, &e);
    if (p.notice)
        fprintf(stderr, "opsdeck: %s\n", p.notice);
    for (size_t i = 0; i < ARRAY_LEN(sigs); i++) {
        ev_signal_init(&sigs[i], on_signal, numbers[i]);
        sigs[i].data = &caught;
        ev_signal_start(loop, &sigs[i]);
    }
    bool ok = start_polls(&p, r, &e);
    if (ok)
        ev_run(loop, 0);
    for (size_t i = 0; i < ARRAY_LEN(sigs); i++)
        ev_signal_stop(loop, &sigs[i]);
    poller_close(&p);
    if (!ok)
        return fail(a, &e);
    if (caught)
        out_drop(&a->out); /* half a document is none */
    return caught ? 128 + caught : EXIT_GOOD;
}

int poll_quietly(struct app *a)
{
    struct report r = { .is_quiet = true };
    static bool done; /* one estate a process, polled once */
    int status = app_plan(a);

    if (status || done)
        return status;
    done = true;
    return run_once(a, &r);
}

int cmd_poll(struct app *a)
{
    struct report r = { 0 };
    int status = app_plan(a);

    if (status)
        return status;
    if (a->plan->nsources == 0)
        return no_sources(a);
    struct json doc = out_document(&a->out);
    if (a->o.out == OUT_JSON) {
        r.doc = &doc;
        json_object(&doc, NULL);
        json_time(&doc, "at", clock_wall_ms(a->clock));
        json_array(&doc, "sources");
    }
    status = run_once(a, &r);
    if (status)
        return status;
    if (r.doc) {
        json_close(&doc);
        json_close(&doc);
        out_add(&a->out, "\n");
    }
    if (r.failed == 0)
        return EXIT_GOOD;
    return r.ok == 0 && r.unreached == r.failed ? EXIT_UNREACHABLE : EXIT_SOME;
}

/* ---- collect */

static void collect_ended(void *ctx, const struct poll_outcome *o)
{
    (void)ctx;
    if (o->kind != POLL_FAILED)
        log_add(LOG_INFO, "poll", "%s: %lld rows, %lld changed, %lld closed, %lld ms", o->source,
                (long long)o->rows, (long long)o->changed, (long long)o->closed, (long long)o->ms);
}

static void on_hup(struct ev_loop *loop, ev_signal *w, int revents)
{
    struct poller *p = w->data;
    struct app *a = p->app, fresh = { .o = a->o, .clock = a->clock };
    struct err e = { 0 };

    (void)loop;
    (void)revents;
    fresh.mem = arena_new();
    if (a->demo) { /* the estate that runs is the one to go on with */
        fresh.o.is_demo = false;
        fresh.o.config = demo_config(a->demo);
        fresh.o.store_dir = demo_store(a->demo);
    }
    if (app_plan(&fresh) ||
        fresh.plan->nsources == 0) { /* mostly told on stderr; the old configuration stays */
        app_release(&fresh);
        log_add(LOG_ERROR, "config", "the new configuration is wrong, the old one stays");
        return;
    }
    /* The ingest may still look into the old plan: it is left to the end of the process. */
    a->settings = fresh.settings;
    a->plan = fresh.plan;
    a->dirs = fresh.dirs;
    if (poller_replan(p, &e)) {
        engine_run(p->engine);
        log_add(LOG_INFO, "config", "reloaded: %zu sources", a->plan->nsources);
    } else {
        log_add(LOG_ERROR, "config", "%s", e.text);
    }
}

int cmd_collect(struct app *a)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
    struct engine_hooks hooks = { .ended = collect_ended };
    struct poller p;
    struct turn_watch watch;
    struct err e = { 0 };
    ev_signal sigs[2], hup;
    static const int numbers[] = { SIGINT, SIGTERM };
    int caught = 0, status = app_plan(a);
    char *log_path;

    if (status)
        return status;
    if (a->plan->nsources == 0)
        return no_sources(a);
    if (!poller_open(&p, a, loop, &hooks, true, &e))
        return fail(a, &e);
    log_path = arena_printf(a->mem, "%s/collect.log", a->store.dir);
    if (!log_open(log_path, &e))
        fprintf(stderr, "opsdeck: %s\n", e.text);
    for (size_t i = 0; i < ARRAY_LEN(sigs); i++) {
        ev_signal_init(&sigs[i], on_signal, numbers[i]);
        sigs[i].data = &caught;
        ev_signal_start(loop, &sigs[i]);
    }
    ev_signal_init(&hup, on_hup, SIGHUP);
    hup.data = &p;
    ev_signal_start(loop, &hup);
    turn_watch_start(&watch, loop);
    fprintf(stderr, "opsdeck: collecting %zu sources into %s, log in %s\n", a->plan->nsources,
            a->store.dir, log_path);
    engine_run(p.engine);
    ev_run(loop, 0);
    turn_watch_stop(&watch, loop);
    ev_signal_stop(loop, &hup);
    for (size_t i = 0; i < ARRAY_LEN(sigs); i++)
        ev_signal_stop(loop, &sigs[i]);
    poller_close(&p);
    log_close();
    return caught == SIGTERM || caught == SIGINT ? EXIT_GOOD : 128 + caught;
}
