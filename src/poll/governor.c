/* Turns per host. See governor.h. */
#include "governor.h"

#include <stdlib.h>
#include <string.h>

#include <ev.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/http.h"
#include "opsdeck/net/retry.h"

struct waiter {
    struct waiter *next;
    struct host *host;
    int64_t gap_ms;   /* least time between two sends, from the rate */
    int64_t ahead_ms; /* how far a burst may run ahead of the rate */
    governor_go_fn *go;
    void *ctx;
};

struct host {
    struct host *next;
    char *name;
    int in_flight;
    int64_t not_before_ms; /* monotonic: the server asked for a pause */
    int64_t next_turn_ms;  /* monotonic: the rate */
    int64_t budget;
    int slow;           /* 1..16: how much longer than asked the pauses are */
    int clean;          /* polls since without a throttle */
    bool was_throttled; /* in the poll at hand */
};

struct governor {
    struct ev_loop *loop;
    const struct clock *clock;
    struct host *hosts;
    struct waiter *head, **tail;
    int in_flight, total;
    bool is_pumping;
    ev_timer timer;
};

static void pump(struct governor *g);

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop;
    (void)revents;
    pump(w->data);
}

struct governor *governor_new(struct ev_loop *loop, const struct clock *clock, int total)
{
    require(loop && clock);
    require(total > 0);
    struct governor *g = xcalloc(1, sizeof *g);

    g->loop = loop;
    g->clock = clock;
    g->total = total > 0 ? total : 16;
    g->tail = &g->head;
    ev_timer_init(&g->timer, on_timer, 0., 0.);
    g->timer.data = g;
    return g;
}

void governor_free(struct governor *g)
{
    if (!g)
        return;
    ev_timer_stop(g->loop, &g->timer);
    while (g->head) {
        struct waiter *w = g->head;
        g->head = w->next;
        free(w);
    }
    while (g->hosts) {
        struct host *h = g->hosts;
        g->hosts = h->next;
        free(h->name);
        free(h);
    }
    free(g);
}

static struct host *host_find(const struct governor *g, const char *name)
{
    for (struct host *h = g->hosts; h; h = h->next)
        if (!strcmp(h->name, name))
            return h;
    return NULL;
}

static struct host *host_get(struct governor *g, const char *name)
{
    struct host *h = host_find(g, name);

    if (h)
        return h;
    h = xcalloc(1, sizeof *h);
    h->name = xstrdup(name);
    h->budget = -1;
    h->slow = 1;
    h->next = g->hosts;
    g->hosts = h;
    return h;
}

/* The moment this waiter may go by its host's limits alone; INT64_MAX: only when another ends. */
static int64_t turn_at(const struct governor *g, const struct waiter *w)
{
    const struct host *h = w->host;

    if (h->in_flight >= GOVERNOR_PER_HOST || g->in_flight >= g->total)
        return INT64_MAX;
    int64_t at = h->not_before_ms;
    int64_t ahead = h->slow > 1 ? 0 : w->ahead_ms;
    if (w->gap_ms && h->next_turn_ms - ahead > at)
        at = h->next_turn_ms - ahead;
    return at;
}

static void take_turn(struct governor *g, struct waiter *w, int64_t now)
{
    w->host->in_flight++;
    g->in_flight++;
    if (w->gap_ms)
        w->host->next_turn_ms =
            (w->host->next_turn_ms > now ? w->host->next_turn_ms : now) + w->gap_ms * w->host->slow;
    governor_go_fn *go = w->go;
    void *ctx = w->ctx;
    free(w);
    go(ctx);
}

/* Give turns in order of asking; one that must wait does not hold back those of other hosts. */
static void pump(struct governor *g)
{
    int64_t now = clock_mono_ms(g->clock), soonest = INT64_MAX;

    if (g->is_pumping)
        return;
    g->is_pumping = true;
again:
    for (struct waiter **p = &g->head; *p; p = &(*p)->next) {
        struct waiter *w = *p;
        int64_t at = turn_at(g, w);
        if (at <= now) {
            *p = w->next;
            if (!*p)
                g->tail = p;
            take_turn(g, w, now);
            soonest = INT64_MAX;
            goto again; /* `go` may have changed the list */
        }
        if (at < soonest)
            soonest = at;
    }
    g->is_pumping = false;
    ev_timer_stop(g->loop, &g->timer);
    if (soonest != INT64_MAX) {
        ev_timer_set(&g->timer, (double)(soonest - now) / 1000.0, 0.);
        ev_timer_start(g->loop, &g->timer);
    }
}

void governor_ask(struct governor *g, const char *host, struct governor_rate rate,
                  governor_go_fn *go, void *ctx)
{
    require(g && host && go);
    require(rate.per_min >= 0);
    struct waiter *w = xcalloc(1, sizeof *w);

    w->host = host_get(g, host);
    w->gap_ms = rate.per_min > 0 && !rate.is_free ? 60000 / rate.per_min : 0;
    w->ahead_ms = rate.burst > 1 ? (rate.burst - 1) * w->gap_ms : 0;
    w->go = go;
    w->ctx = ctx;
    *g->tail = w;
    g->tail = &w->next;
    pump(g);
}

void governor_cancel(struct governor *g, void *ctx)
{
    require(g);
    for (struct waiter **p = &g->head; *p;) {
        struct waiter *w = *p;
        if (w->ctx != ctx) {
            p = &w->next;
            continue;
        }
        *p = w->next;
        if (!*p)
            g->tail = p;
        free(w);
    }
}

static void learn(struct governor *g, struct host *h, const struct governor_news *news)
{
    int64_t wait = news->wait_ms;

    if (news->budget >= 0)
        h->budget = news->budget;
    if (!news->is_throttled && h->budget != 0)
        return;
    h->was_throttled |= news->is_throttled;
    if (wait < 0 && news->is_throttled)
        wait = news->default_wait_ms; /* told to slow down, but not for how long */
    if (wait <= 0)
        return;
    int64_t until = clock_mono_ms(g->clock) + wait;
    if (until > h->not_before_ms) {
        h->not_before_ms = until;
        log_add(LOG_WARN, "poll", "%s asks for a pause of %lld ms", h->name, (long long)wait);
    }
}

struct governor_news governor_read(const struct http_response *r, int64_t now_ms)
{
    require(r);
    const char *left = http_response_header(r, "x-ratelimit-remaining");
    struct governor_news news = { .is_throttled = retry_class_of(r) == RETRY_THROTTLE,
                                  .wait_ms = retry_after_ms(r, now_ms),
                                  .default_wait_ms = 60000,
                                  .budget = -1 };

    if (left)
        str_to_i64(left, 0, INT64_MAX, &news.budget);
    return news;
}

void governor_done(struct governor *g, const char *host, const struct governor_news *news)
{
    require(g && host);
    struct host *h = host_get(g, host);

    h->in_flight--;
    g->in_flight--;
    if (news)
        learn(g, h, news);
    /* Whoever gives a turn back is in the middle of something: the next one starts from the loop.
     */
    ev_timer_stop(g->loop, &g->timer);
    ev_timer_set(&g->timer, 0., 0.);
    ev_timer_start(g->loop, &g->timer);
}

int governor_poll_ended(struct governor *g, const char *host)
{
    require(g && host);
    struct host *h = host_get(g, host);

    if (h->was_throttled) {
        h->slow = h->slow < GOVERNOR_SLOW_MAX ? h->slow * 2 : GOVERNOR_SLOW_MAX;
        h->clean = 0;
    } else if (h->slow > 1 && ++h->clean >= GOVERNOR_CLEAN_POLLS) {
        h->slow /= 2;
        h->clean = 0;
    }
    h->was_throttled = false;
    return h->slow;
}

int64_t governor_budget(const struct governor *g, const char *host)
{
    require(g && host);
    const struct host *h = host_find(g, host);

    return h ? h->budget : -1;
}

int64_t governor_wait_ms(const struct governor *g, const char *host)
{
    require(g && host);
    const struct host *h = host_find(g, host);
    int64_t wait = h ? h->not_before_ms - clock_mono_ms(g->clock) : 0;

    return wait > 0 ? wait : 0;
}
