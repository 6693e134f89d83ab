/*
 * The dashboard: joins terminal, UI, query worker and poller on one loop. The first frame is
 * drawn before the store is opened for writing and before any request. Nothing here blocks
 * once the loop runs.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ev.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/ui/canvas.h"
#include "opsdeck/ui/term.h"
#include "opsdeck/ui/ui.h"

#include "app_priv.h"
#include "dashboard.h"
#include "poller.h"

enum {
    FRAME_MS = 50
};

static const int quit_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

struct dash {
    struct app *app;
    struct ev_loop *loop;
    struct term *term;
    struct ui *ui;
    struct canvas *canvas;
    struct query *query;
    struct poller poller;
    struct turn_watch watch;
    struct ui_port port;
    struct pane_def **panes;
    const char *runbook;
    size_t npanes;
    ev_io tty;
    ev_prepare draw;
    ev_timer frame, tick;
    ev_signal quits[ARRAY_LEN(quit_signals)], winch, tstp;
    int64_t drawn_ms;
    bool paint_all, is_open; /* is_open: the poller is */
    int status;
};

/* ---- the port: what the UI may ask of the program */

static uint64_t port_ask(void *ctx, const struct question *q)
{
    struct dash *d = ctx;

    return query_submit(d->query, q);
}

static void port_cancel(void *ctx, uint64_t id)
{
    struct dash *d = ctx;

    query_cancel(d->query, id);
}

static void port_refresh(void *ctx, const char *source)
{
    struct dash *d = ctx;

    if (d->is_open && d->poller.engine)
        engine_poll_now(d->poller.engine, source);
}

/* "name=value; name=value": values may hold spaces. */
static bool port_ask_source(void *ctx, const char *source, const char *params, struct err *e)
{
    struct dash *d = ctx;
    struct app *a = d->app;

    if (!d->is_open || !d->poller.engine)
        return err_set(e, ERR_USAGE, 0, "nothing is polled here: this screen shows the past");
    if (engine_is_polling(d->poller.engine, source))
        return err_set(e, ERR_USAGE, 0, "%s is being asked already: wait for its answer", source);
    if (!plan_is_on_demand(a->plan, source))
        return err_set(e, ERR_USAGE, 0,
                       "%s is polled on a schedule and keeps its params: :refresh %s polls it now",
                       source, source);
    for (int is_real = 0; is_real < 2; is_real++) /* all are good, or none is set */
        for (const char *p = params; *p;) {
            size_t n = strcspn(p, ";"), end = n;
            while (end > 0 && p[end - 1] == ' ')
                end--;
            char *one = arena_strndup(a->mem, p, end);
            if (end && !(is_real ? plan_set(a->plan, source, one, e)
                                 : plan_can_set(a->plan, source, one, e)))
                return false;
            p += n + strspn(p + n, "; ");
        }
    return engine_poll_now(d->poller.engine, source) ||
           err_set(e, ERR_USAGE, 0, "there is no source \"%s\"; :sources lists them", source);
}

static void port_quit(void *ctx)
{
    struct dash *d = ctx;

    ev_break(d->loop, EVBREAK_ALL);
}

static void port_redraw(void *ctx)
{
    struct dash *d = ctx;

    d->paint_all = true;
}

static void port_copy(void *ctx, const char *text)
{
    struct dash *d = ctx;

    if (!term_copy(d->term, text))
        ui_message(d->ui, true, "too long for the clipboard of a terminal: opsdeck show prints it");
}

static bool port_theme(void *ctx, const char *name, struct err *e)
{
    struct dash *d = ctx;
    struct app *a = d->app;
    struct cfg_problems ps = { .mem = a->mem };
    size_t nroles;
    const char *const *roles = ui_role_names(&nroles);
    char *path = theme_find(a->mem, &a->dirs, name);
    struct theme *theme = path ? theme_load(a->mem, path, roles, nroles, &ps) : NULL;

    if (!path)
        err_set(e, ERR_USAGE, 0, "no theme \"%s\"", name);
    else if (!theme)
        err_set(e, ERR_CONFIG, 0, "%s", ps.n ? ps.v[0].text : "the theme is wrong");
    cfg_problems_release(&ps);
    if (!theme)
        return false;
    term_set_theme(d->term, theme);
    ui_set_theme(d->ui, theme);
    d->paint_all = true;
    return true;
}

/*
 * Stop as the shell expects: the whole process group gets SIGTSTP with its default action, so
 * that a `make run` above us stops too.
 */
static void port_suspend(void *ctx)
{
    struct dash *d = ctx;

    term_suspend(d->term);
    ev_signal_stop(d->loop, &d->tstp);
    signal(SIGTSTP, SIG_DFL);
    kill(0, SIGTSTP);
    /* Continued. */
    ev_signal_start(d->loop, &d->tstp);
    term_resume(d->term);
    d->paint_all = true;
    int rows, cols;
    term_size(d->term, &rows, &cols);
    ui_resize(d->ui, rows, cols);
}

static bool port_reload(void *ctx, struct err *e)
{
    struct dash *d = ctx;
    struct app *a = d->app;
    struct cfg_problems ps = { .mem = a->mem };
    struct settings_flags flags = { .config = a->demo ? demo_config(a->demo) : a->o.config,
                                    .store_dir = a->demo ? demo_store(a->demo) : a->o.store_dir,
                                    .theme = a->o.theme,
                                    .ascii = a->o.ascii };
    struct settings *s = settings_load(&flags, &ps);
    struct plan *plan = s ? plan_build(s, &a->dirs, &ps) : NULL;

    if (plan && plan->nsources == 0 &&
        a->plan->nsources > 0) { /* an editor has the file away for a moment */
        plan_free(plan);
        settings_free(s);
        cfg_problems_release(&ps);
        return err_set(e, ERR_CONFIG, 0,
                       "the configuration names no source now: the old one stays");
    }
    if (!plan) {
        const struct cfg_problem *p = ps.n ? &ps.v[0] : NULL;
        err_set(e, ERR_CONFIG, 0, "%s:%d:%d: %s: the old configuration stays",
                p && p->pos.file ? p->pos.file : "config", p ? p->pos.line : 0, p ? p->pos.col : 0,
                p ? p->text : "wrong");
        settings_free(s);
        cfg_problems_release(&ps);
        return false;
    }
    cfg_problems_release(&ps);
    /* The ingest may still look into the old plan: it is left to the end of the process. */
    a->settings = s;
    a->plan = plan;
    if (!d->is_open)
        return true;
    if (!poller_replan(&d->poller, e))
        return false;
    ui_drop_questions(d->ui); /* those who asked went with the old engine */
    engine_run(d->poller.engine);
    return true;
}

/* ---- drawing */

static void draw_now(struct dash *d)
{
    int rows, cols;

    term_size(d->term, &rows, &cols);
    if (rows != d->canvas->rows || cols != d->canvas->cols) {
        canvas_resize(d->canvas, rows, cols);
        ui_resize(d->ui, rows, cols);
        d->paint_all = true;
    }
    ui_draw(d->ui, d->canvas);
    /* A terminal that takes nothing now gets the newest frame later; nothing waits for it. */
    d->paint_all = !term_paint(d->term, d->canvas, d->paint_all);
    d->drawn_ms = clock_mono_ms(d->app->clock);
}

static void on_frame(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop;
    (void)w;
    (void)revents; /* the prepare watcher draws */
}

/* Once a turn, at most 20 times a second; the frame timer brings what is left. */
static void on_draw(struct ev_loop *loop, ev_prepare *w, int revents)
{
    struct dash *d = w->data;
    int64_t wait;

    (void)revents;
    if (!ui_is_dirty(d->ui) && !d->paint_all)
        return;
    wait = d->drawn_ms + FRAME_MS - clock_mono_ms(d->app->clock);
    if (wait <= 0) {
        d->watch.what = "drawing";
        draw_now(d);
        ev_timer_stop(loop, &d->frame);
    } else if (!ev_is_active(&d->frame)) {
        ev_timer_set(&d->frame, (double)wait / 1000.0, 0.);
        ev_timer_start(loop, &d->frame);
    }
}

static void arm_tick(struct dash *d)
{
    int64_t ms = ui_tick(d->ui);

    ev_timer_stop(d->loop, &d->tick);
    ev_timer_set(&d->tick, (double)(ms < 1000 ? 1000 : ms) / 1000.0, 0.);
    ev_timer_start(d->loop, &d->tick);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct dash *d = w->data;

    (void)loop;
    (void)revents;
    d->watch.what = "tick";
    arm_tick(d);
}

/* ---- events */

static void on_tty(struct ev_loop *loop, ev_io *w, int revents)
{
    struct dash *d = w->data;
    struct ui_key k;
    char *paste = NULL;
    size_t len = 0;
    bool eof = false;

    (void)revents;
    d->watch.what = "keys";
    while (term_read(d->term, &k, &paste, &len, &eof)) {
        if (paste) {
            ui_paste(d->ui, paste, len);
            free(paste);
            paste = NULL;
        } else {
            ui_key(d->ui, &k);
        }
    }
    if (eof) { /* the terminal is gone */
        d->status = 128 + SIGHUP;
        ev_break(loop, EVBREAK_ALL);
    }
}

static void on_answers(void *ctx)
{
    struct dash *d = ctx;
    struct query_answer a;

    d->watch.what = "an answer of the store";
    while (query_next(d->query, &a))
        ui_answer(d->ui, &a);
    arm_tick(d);
}

static void on_quit_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
    struct dash *d = w->data;

    (void)revents;
    if (w->signum == SIGINT) { /* as ctrl-c typed: once cancels, twice quits */
        const struct ui_key k = { .code = 'c', .is_ctrl = true };
        ui_key(d->ui, &k);
        return;
    }
    d->status = 128 + w->signum;
    ev_break(loop, EVBREAK_ALL);
}

static void on_winch(struct ev_loop *loop, ev_signal *w, int revents)
{
    struct dash *d = w->data;

    (void)loop;
    (void)revents;
    /* Only noted: the next frame asks for the size once, however many signals came. */
    d->paint_all = true;
}

static void on_tstp(struct ev_loop *loop, ev_signal *w, int revents)
{
    (void)loop;
    (void)revents;
    port_suspend(w->data);
}

static void on_committed(void *ctx, const char *source)
{
    struct dash *d = ctx;

    ui_data_changed(d->ui, source);
}

static void on_ended(void *ctx, const struct poll_outcome *o)
{
    struct dash *d = ctx;

    ui_data_changed(d->ui, o->source);
}

static void on_activity(void *ctx, size_t in_flight)
{
    struct dash *d = ctx;

    ui_polling(d->ui, in_flight);
}

static void on_ask_mfa(void *ctx, const char *profile, const char *serial, aws_mfa_reply_fn *reply,
                       void *reply_ctx)
{
    struct dash *d = ctx;
    char label[160];

    snprintf(label, sizeof label, "MFA code of %s for profile %s: ", serial, profile);
    ui_ask_person(d->ui, label, reply, reply_ctx);
}

/* After the first frame, before the loop: the store for writing, libcurl, the first polls. */
static void open_poller(struct dash *d)
{
    struct err e = { 0 };
    struct engine_hooks hooks = { .ctx = d,
                                  .committed = on_committed,
                                  .ended = on_ended,
                                  .activity = on_activity,
                                  .ask_mfa = on_ask_mfa };

    if (d->app->at_ms)
        return; /* the past is looked at, not polled */
    d->is_open = poller_open(&d->poller, d->app, d->loop, &hooks, true, &e);
    if (!d->is_open) {
        log_add(LOG_ERROR, "store", "%s", e.text);
        ui_message(d->ui, true, e.text);
        return;
    }
    if (d->poller.notice)
        ui_message(d->ui, true, d->poller.notice);
    engine_run(d->poller.engine);
}

/* ---- opening and closing */

static bool load_ui_files(struct dash *d, struct theme **theme, struct keymap_file **keymap)
{
    struct app *a = d->app;
    struct cfg_problems ps = { .mem = a->mem };
    size_t nactions, nroles, n;
    char **paths;
    const char *const *actions = ui_action_names(&nactions);
    const char *const *roles = ui_role_names(&nroles);

    n = pane_list(a->mem, &a->dirs, &paths);
    d->panes = arena_array(a->mem, n, sizeof *d->panes);
    for (size_t i = 0; i < n; i++) {
        struct pane_def *p = pane_load(a->mem, paths[i], &ps);
        if (p)
            d->panes[d->npanes++] = p;
    }
    *theme = NULL;
    *keymap = NULL;
    char *path = theme_find(a->mem, &a->dirs, a->settings->ui.theme);
    if (path)
        *theme = theme_load(a->mem, path, roles, nroles, &ps);
    else
        cfg_problem_add(&ps, (struct cfg_pos){ 0 }, "ui.theme", NULL, "no theme \"%s\"",
                        a->settings->ui.theme);
    path = keymap_find(a->mem, &a->dirs, a->settings->ui.keymap);
    if (path)
        *keymap = keymap_load(a->mem, path, actions, nactions, &ps);
    else if (strcmp(a->settings->ui.keymap, "default") != 0)
        cfg_problem_add(&ps, (struct cfg_pos){ 0 }, "ui.keymap", NULL, "no keymap \"%s\"",
                        a->settings->ui.keymap);
    d->runbook = app_runbook(a, &ps);
    bool ok = cfg_problems_errors(&ps) == 0;
    app_print_problems(&ps);
    cfg_problems_release(&ps);
    return ok;
}

static enum term_color color_of(const char *word)
{
    static const struct {
        const char *word;
        enum term_color color;
    } table[] = { { "never", TERM_COLOR_NEVER },
                  { "16", TERM_COLOR_16 },
                  { "256", TERM_COLOR_256 },
                  { "true", TERM_COLOR_TRUE } };

    for (size_t i = 0; word && i < ARRAY_LEN(table); i++)
        if (!strcmp(table[i].word, word))
            return table[i].color;
    return TERM_COLOR_AUTO;
}

static bool open_screen(struct dash *d, const struct theme *theme, struct err *e)
{
    struct app *a = d->app;
    int rows, cols;
    struct term_opts to = {
        .theme = theme,
        .color = color_of(a->o.color),
        .escape_delay_ms = a->settings->ui.escape_delay_ms,
        .ascii = a->settings->ui.ascii == UI_ASCII_YES,
    };

    if (!term_open(&to, &d->term, e))
        return false;
    mem_set_last_words(term_panic);
    term_size(d->term, &rows, &cols);
    d->canvas = canvas_new(rows, cols, term_is_ascii(d->term));
    return true;
}

static bool open_ui(struct dash *d, const struct theme *theme, const struct keymap_file *keymap,
                    struct err *e)
{
    struct app *a = d->app;
    struct ui_opts uo = {
        .port = &d->port,
        .clock = a->clock,
        .panes = (const struct pane_def *const *)d->panes,
        .npanes = d->npanes,
        .keymap = keymap,
        .start = a->settings->ui.start,
        .ascii = d->canvas->ascii,
        .is_demo = a->demo != NULL,
        .at_ms = a->at_ms,
        .first_line = a->notice,
        .theme = theme,
        .runbook = d->runbook,
    };

    d->port = (struct ui_port){ .ctx = d,
                                .ask = port_ask,
                                .cancel = port_cancel,
                                .refresh = port_refresh,
                                .ask_source = port_ask_source,
                                .quit = port_quit,
                                .suspend = port_suspend,
                                .reload = port_reload,
                                .copy = port_copy,
                                .redraw = port_redraw,
                                .theme = port_theme };
    const struct query_opts qo = {
        .store = a->store, .loop = d->loop, .ready = on_answers, .ready_ctx = d
    };
    d->query = query_new(&qo, e);
    if (!d->query)
        return false;
    d->ui = ui_new(&uo, e);
    if (!d->ui)
        return false;
    ui_resize(d->ui, d->canvas->rows, d->canvas->cols);
    return true;
}

static void watch_signals(struct dash *d)
{
    for (size_t i = 0; i < ARRAY_LEN(quit_signals); i++) {
        ev_signal_init(&d->quits[i], on_quit_signal, quit_signals[i]);
        d->quits[i].data = d;
        ev_signal_start(d->loop, &d->quits[i]);
    }
    ev_signal_init(&d->winch, on_winch, SIGWINCH);
    d->winch.data = d;
    ev_signal_start(d->loop, &d->winch);
    ev_signal_init(&d->tstp, on_tstp, SIGTSTP);
    d->tstp.data = d;
    ev_signal_start(d->loop, &d->tstp);
}

static void watch_events(struct dash *d)
{
    ev_io_init(&d->tty, on_tty, term_fd(d->term), EV_READ);
    d->tty.data = d;
    ev_io_start(d->loop, &d->tty);
    ev_prepare_init(&d->draw, on_draw);
    d->draw.data = d;
    ev_prepare_start(d->loop, &d->draw);
    ev_timer_init(&d->frame, on_frame, 0., 0.);
    ev_timer_init(&d->tick, on_tick, 1., 0.);
    d->tick.data = d;
    ev_timer_start(d->loop, &d->tick);
    watch_signals(d);
    turn_watch_start(&d->watch, d->loop);
}

static void unwatch(struct dash *d)
{
    ev_io_stop(d->loop, &d->tty);
    ev_prepare_stop(d->loop, &d->draw);
    ev_timer_stop(d->loop, &d->frame);
    ev_timer_stop(d->loop, &d->tick);
    for (size_t i = 0; i < ARRAY_LEN(quit_signals); i++)
        ev_signal_stop(d->loop, &d->quits[i]);
    ev_signal_stop(d->loop, &d->winch);
    ev_signal_stop(d->loop, &d->tstp);
    turn_watch_stop(&d->watch, d->loop);
}

static void close_all(struct dash *d)
{
    term_close(d->term); /* first: the person has a terminal again while the rest closes */
    mem_set_last_words(NULL);
    ui_free(d->ui);
    if (d->is_open)
        poller_close(&d->poller);
    query_free(d->query);
    canvas_free(d->canvas);
    log_close();
}

/* No config at all: the demo estate, and one line that says so. */
static int open_settings(struct app *a)
{
    int status = app_settings(a);

    if (status || a->settings->file || a->settings->nsources || a->o.config || a->o.is_demo)
        return status;
    char *path = settings_user_path(a->mem);
    settings_free(a->settings);
    a->settings = NULL;
    a->o.is_demo = true;
    if (asprintf(&a->notice, "no config; this is the demo estate; opsdeck config init writes %s",
                 path ? path : "one") < 0)
        bug("asprintf");
    return app_settings(a);
}

static void open_log(struct app *a)
{
    struct err e = { 0 };

    /* Missing folder: the ingest creates it later; the ring serves until the next start. */
    if (access(a->store.dir, W_OK) == 0 &&
        !log_open(arena_printf(a->mem, "%s/opsdeck.log", a->store.dir), &e))
        log_add(LOG_WARN, "app", "%s", e.text);
}

int cmd_dashboard(struct app *a)
{
    struct dash d = { .app = a, .loop = ev_default_loop(EVFLAG_AUTO) };
    struct theme *theme;
    struct keymap_file *keymap;
    struct err e = { 0 };
    const char *why = NULL;
    int status = open_settings(a);

    if (status || (status = app_plan(a)))
        return status;
    if (a->o.linear || !term_is_usable(&why)) {
        if (!a->o.linear)
            fprintf(stderr, "opsdeck: no full screen here (%s)\n", why ? why : "not a terminal");
        return a->o.linear || isatty(STDIN_FILENO) ? run_linear(a) : cmd_status(a);
    }
    open_log(a);
    log_add(LOG_INFO, "app", "opsdeck %s: %zu sources", OPSDECK_VERSION, a->plan->nsources);
    if (!load_ui_files(&d, &theme, &keymap))
        return EXIT_CONFIG;
    bool ok = open_screen(&d, theme, &e) && open_ui(&d, theme, keymap, &e);
    if (ok) {
        draw_now(&d);
        watch_events(&d);
        open_poller(&d);
        ev_run(d.loop, 0);
        unwatch(&d);
    }
    close_all(&d);
    return ok ? d.status : fail(a, &e);
}
