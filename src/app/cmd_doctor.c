/* doctor: is everything here that is needed: terminal, locale, store, TLS, clock, each source. */
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/net/http.h"
#include "opsdeck/poll/connector.h"
#include "opsdeck/ui/term.h"

#include "app_priv.h"

struct doctor {
    struct app *app;
    struct row_set *rs;
    struct ev_loop *loop;
    size_t left;
};

struct probe {
    struct doctor *d;
    const struct source_cfg *src;
};

static void add(struct doctor *d, const char *name, bool ok, const char *place, const char *fmt,
                ...) __attribute__((format(printf, 5, 6)));

static void add(struct doctor *d, const char *name, bool ok, const char *place, const char *fmt,
                ...)
{
    struct cell *c = row_set_add(d->rs);
    va_list ap;

    va_start(ap, fmt);
    char *text = arena_vprintf(d->rs->mem, fmt, ap);
    va_end(ap);
    cell_set_text(&c[0], d->rs, name);
    cell_set_int(&c[1], d->rs, ok);
    cell_set_text(&c[2], d->rs, text);
    if (place)
        cell_set_text(&c[3], d->rs, place);
}

static void check_terminal(struct doctor *d)
{
    const char *why = NULL, *term = getenv("TERM"), *no_color = getenv("NO_COLOR"),
               *color = getenv("COLORTERM");
    bool utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");

    if (!isatty(STDOUT_FILENO))
        add(d, "terminal", true, NULL,
            "output is not a terminal, so the screen is not checked (TERM=%s)", term ? term : "");
    else
        add(d, "terminal", term_is_usable(&why), NULL, "TERM=%s%s%s", term ? term : "",
            why ? ": " : "", why ? why : "");
    add(d, "locale", utf8, NULL, "%s%s", nl_langinfo(CODESET),
        utf8 ? "" : ": lines and marks are drawn in ASCII; set LANG=C.UTF-8 for more");
    add(d, "colours", true, NULL, "%s%s%s",
        no_color && *no_color ? "NO_COLOR is set: monochrome" : "by terminfo",
        color ? ", COLORTERM=" : "", color ? color : "");
}

/* tmux before 3.4 waits half a second after Esc by itself. */
static void check_tmux(struct doctor *d)
{
    if (getenv("TMUX"))
        add(d, "tmux", true, NULL,
            "inside tmux: if Esc feels slow, set -sg escape-time 10 there; q does the same as Esc");
}

static void check_store(struct doctor *d)
{
    struct row_set *rs = store_doctor(&d->app->store);

    for (size_t i = 0; i < rs->nrows; i++)
        add(d, row_set_text(rs, i, "name"), row_set_int(rs, i, "ok", 0) != 0, d->app->store.dir,
            "%s", row_set_text(rs, i, "detail"));
    row_set_free(rs);
}

static void check_clock(struct doctor *d)
{
    int64_t now = clock_wall_ms(d->app->clock);
    char t[TIME_TEXT_MAX];

    /* Older than this program: nobody has set it. */
    add(d, "clock", now > time_from_utc(2026, 1, 1, 0, 0, 0, 0), NULL, "%s, zone %s",
        time_iso(now, t), tzname[0]);
}

static void check_network(struct doctor *d)
{
    const struct settings *s = d->app->settings;
    static const char *const bundles[] = { "/etc/ssl/certs/ca-certificates.crt",
                                           "/etc/pki/tls/certs/ca-bundle.crt" };
    const char *found = s->network.ca_file;

    for (size_t i = 0; !found && i < ARRAY_LEN(bundles); i++)
        if (access(bundles[i], R_OK) == 0)
            found = bundles[i];
    add(d, "TLS", found && access(found, R_OK) == 0, found, "%s",
        found ? "trusted roots are there"
              : "no bundle of trusted roots: install ca-certificates or set network.ca_file");
    const char *env = getenv("https_proxy") ? getenv("https_proxy") : getenv("HTTPS_PROXY");
    add(d, "proxy", true, NULL, "%s%s", s->network.proxy ? s->network.proxy : "none",
        env && !s->network.proxy
            ? " (the environment names one, which is not used: set network.proxy)"
            : "");
}

static void source_done(struct doctor *d)
{
    if (--d->left == 0)
        ev_break(d->loop, EVBREAK_ALL);
}

static void on_probe(void *ctx, struct http_response *r)
{
    struct probe *p = ctx;
    struct doctor *d = p->d;
    char *name = arena_printf(d->rs->mem, "source %s", p->src->name);

    if (r->err.code) {
        add(d, name, false, p->src->url, "%s", r->err.text);
    } else {
        int64_t skew = r->date_ms ? (r->date_ms - clock_wall_ms(d->app->clock)) / 1000 : 0;
        bool skewed = skew > 120 || skew < -120;
        add(d, name, !skewed, p->src->url, "answers (HTTP %d in %lld ms%s%s)%s", r->status,
            (long long)r->total_ms, r->version ? ", HTTP/" : "", r->version ? r->version : "",
            skewed ? "; its clock and ours are minutes apart" : "");
    }
    http_response_free(r);
    source_done(d);
}

/* HEAD of the base URL, without a credential: only whether something answers. */
static void probe_http(struct doctor *d, struct http *http, const struct source_cfg *src)
{
    const struct settings *s = d->app->settings;
    struct probe *p = arena_alloc(d->app->mem, sizeof *p);
    struct err e = { 0 };
    struct http_request rq = {
        .method = "HEAD",
        .url = src->url,
        .timeout_ms = 10000,
        .connect_timeout_ms = s->network.connect_timeout_ms,
        .body_max = 65536,
        .ca_file = src->ca_file ? src->ca_file : s->network.ca_file,
        .proxy = src->proxy ? src->proxy : s->network.proxy,
    };

    *p = (struct probe){ d, src };
    d->left++;
    if (!http_send(http, &rq, on_probe, p, &e)) {
        add(d, arena_printf(d->rs->mem, "source %s", src->name), false, src->url, "%s", e.text);
        d->left--;
    }
}

static void add_text(void *ctx, const char *name, bool ok, const char *text)
{
    add(ctx, name, ok, NULL, "%s", text);
}

static void check_sources(struct doctor *d)
{
    struct app *a = d->app;
    struct http_opts ho = { .loop = d->loop };
    struct err e = { 0 };
    struct http *http = http_new(&ho, &e);

    if (!http) {
        add(d, "network", false, NULL, "%s", e.text);
        return;
    }
    for (size_t i = 0; i < a->plan->nsources; i++) {
        const struct source_cfg *src = a->plan->sources[i].cfg;
        if (src->url)
            probe_http(d, http, src);
        else if (a->plan->sources[i].connector != &connector_aws)
            add(d, arena_printf(d->rs->mem, "source %s", src->name),
                !src->path || strpbrk(src->path, "*?[") || access(src->path, R_OK) == 0, src->path,
                "%s", src->path ? "file" : "no request to make");
    }
    if (d->left)
        ev_run(d->loop, 0);
    doctor_aws(a, d->loop, http, add_text, d);
    http_free(http);
}

int cmd_doctor(struct app *a)
{
    static const char *const cols[] = { "name", "ok", "detail", "place" };
    struct doctor d = { .app = a, .loop = ev_default_loop(EVFLAG_AUTO) };
    int status = app_plan(a);

    if (status)
        return status;
    d.rs = row_set_new(cols, ARRAY_LEN(cols));
    add(&d, "config", true, a->settings->file, "%s, %zu sources",
        a->settings->file ? "good" : "none: opsdeck config init writes one", a->plan->nsources);
    check_terminal(&d);
    check_tmux(&d);
    check_store(&d);
    check_clock(&d);
    check_network(&d);
    check_sources(&d);
    bool ok = out_checks(a, d.rs);
    row_set_free(d.rs);
    return ok ? EXIT_GOOD : EXIT_SOME;
}
