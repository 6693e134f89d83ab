/*
 * Linear mode: for screen readers, TERM=dumb and typescripts. No cursor movement, one stamped
 * line a change; a line typed on standard input is a command (p problems, s sources, q quit).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ev.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/store/query.h"

#include "app_priv.h"
#include "dashboard.h"
#include "poller.h"

static const char SQL_PROBLEMS[] =
    "SELECT source, kind, key, name, status, summary, stale FROM problem ORDER BY rank";
static const char SQL_SOURCES[] =
    "SELECT name, state, age_ms, error FROM source_state ORDER BY name";

struct linear {
    struct app *app;
    struct ev_loop *loop;
    struct query *query;
    struct poller poller;
    struct row_set *last; /* problems as told so far */
    uint64_t changes_id, list_id, sources_id;
    ev_io in;
    ev_signal quits[2];
    char line[64];
    size_t len;
};

static void stamp(const struct linear *l)
{
    int64_t now = clock_wall_ms(l->app->clock);
    char t[TIME_TEXT_MAX];

    printf("%s ", time_local(now, now, t));
}

static void say(const struct row_set *rs, size_t i, const char *word)
{
    printf("%s %s %s: %s (%s)\n", word, row_set_text(rs, i, "kind"), row_set_text(rs, i, "name"),
           row_set_text(rs, i, "summary"), row_set_text(rs, i, "source"));
}

static const char *word_of(const struct row_set *rs, size_t i)
{
    static const char *const words[][2] = { { "crit", "CRIT" },
                                            { "warn", "WARN" },
                                            { "unknown", "UNKNOWN" } };
    const char *s = row_set_text(rs, i, "status");

    for (size_t k = 0; k < ARRAY_LEN(words); k++)
        if (!strcmp(words[k][0], s))
            return words[k][1];
    return "INFO";
}

static bool find(const struct row_set *rs, const struct row_set *in, size_t row, size_t *at)
{
    static const char *const id[] = { "source", "kind", "key" };

    for (size_t i = 0; rs && i < rs->nrows; i++) {
        size_t same = 0;
        while (same < ARRAY_LEN(id) &&
               !strcmp(row_set_text(rs, i, id[same]), row_set_text(in, row, id[same])))
            same++;
        if (same == ARRAY_LEN(id)) {
            *at = i;
            return true;
        }
    }
    return false;
}

enum {
    SAY_AT_ONCE = 20
};

/* What came, changed or went since the last time. */
static void tell_changes(struct linear *l, struct row_set *now)
{
    size_t at, told = 0, more = 0;

    for (size_t i = 0; i < now->nrows; i++) {
        if (find(l->last, now, i, &at) &&
            !strcmp(row_set_text(l->last, at, "status"), row_set_text(now, i, "status")))
            continue;
        if (told++ >= SAY_AT_ONCE) {
            more++;
            continue;
        }
        stamp(l);
        say(now, i, word_of(now, i));
    }
    for (size_t i = 0; l->last && i < l->last->nrows; i++) {
        if (find(now, l->last, i, &at))
            continue;
        stamp(l);
        say(l->last, i, "OK again:");
    }
    if (more) {
        stamp(l);
        printf("and %zu more problems; p lists all\n", more);
    }
    row_set_free(l->last);
    l->last = now;
    fflush(stdout);
}

static void list_rows(const struct row_set *rs, bool is_sources)
{
    char t[TIME_TEXT_MAX];

    for (size_t i = 0; i < rs->nrows; i++) {
        printf("%zu ", i + 1);
        if (is_sources)
            printf("%s %s, last good answer %s ago %s\n", row_set_text(rs, i, "name"),
                   row_set_text(rs, i, "state"), time_age(row_set_int(rs, i, "age_ms", 0), t),
                   row_set_text(rs, i, "error"));
        else
            say(rs, i, word_of(rs, i));
    }
    printf("%zu %s\n", rs->nrows, is_sources ? "sources" : "problems");
    fflush(stdout);
}

static void on_answers(void *ctx)
{
    struct linear *l = ctx;
    struct query_answer a;

    while (query_next(l->query, &a)) {
        if (a.err.code) {
            stamp(l);
            printf("store: %s\n", a.err.text);
            fflush(stdout);
        } else if (a.id != l->list_id && a.id != l->sources_id) {
            tell_changes(l, a.rows);
            a.rows = NULL;
        } else {
            list_rows(a.rows, a.id == l->sources_id);
        }
        row_set_free(a.rows);
    }
}

static uint64_t ask(struct linear *l, const char *sql)
{
    struct question q = { .sql = sql, .at_ms = l->app->at_ms };

    return query_submit(l->query, &q);
}

static void on_ended(void *ctx, const struct poll_outcome *o)
{
    struct linear *l = ctx;

    if (o->kind == POLL_FAILED) {
        stamp(l);
        printf("source %s failed: %s\n", o->source, o->err.text);
        fflush(stdout);
    }
    l->changes_id = ask(l, SQL_PROBLEMS);
}

static void command(struct linear *l)
{
    if (!strcmp(l->line, "q"))
        ev_break(l->loop, EVBREAK_ALL);
    else if (!strcmp(l->line, "s"))
        l->sources_id = ask(l, SQL_SOURCES);
    else if (!strcmp(l->line, "p") || !*l->line)
        l->list_id = ask(l, SQL_PROBLEMS);
    else
        puts("p problems, s sources, q quit");
    fflush(stdout);
}

static void on_input(struct ev_loop *loop, ev_io *w, int revents)
{
    struct linear *l = w->data;
    char buf[256];
    ssize_t n = read(STDIN_FILENO, buf, sizeof buf);

    (void)revents;
    if (n <= 0) {
        ev_break(loop, EVBREAK_ALL);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (buf[i] == '\n' || buf[i] == '\r') {
            l->line[l->len] = '\0';
            l->len = 0;
            command(l);
        } else if (l->len < sizeof l->line - 1) {
            l->line[l->len++] = buf[i];
        }
    }
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
    (void)w;
    (void)revents;
    ev_break(loop, EVBREAK_ALL);
}

static void watch(struct linear *l)
{
    static const int numbers[] = { SIGINT, SIGTERM };

    ev_io_init(&l->in, on_input, STDIN_FILENO, EV_READ);
    l->in.data = l;
    ev_io_start(l->loop, &l->in);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        ev_signal_init(&l->quits[i], on_signal, numbers[i]);
        ev_signal_start(l->loop, &l->quits[i]);
    }
}

int run_linear(struct app *a)
{
    struct linear l = { .app = a, .loop = ev_default_loop(EVFLAG_AUTO) };
    struct engine_hooks hooks = { .ctx = &l, .ended = on_ended };
    struct err e = { 0 };
    bool polls = !a->at_ms;

    const struct query_opts qo = {
        .store = a->store, .loop = l.loop, .ready = on_answers, .ready_ctx = &l
    };
    l.query = query_new(&qo, &e);
    if (!l.query)
        return fail(a, &e);
    if (polls && !poller_open(&l.poller, a, l.loop, &hooks, true, &e)) {
        query_free(l.query);
        return fail(a, &e);
    }
    watch(&l);
    if (a->notice)
        puts(a->notice);
    puts("opsdeck: one line a change; p problems, s sources, q quit");
    fflush(stdout);
    l.changes_id = ask(&l, SQL_PROBLEMS);
    if (polls)
        engine_run(l.poller.engine);
    ev_run(l.loop, 0);
    if (polls)
        poller_close(&l.poller);
    query_free(l.query);
    row_set_free(l.last);
    return EXIT_GOOD;
}
