/* Loop, ingest and engine joined. See poller.h. */
#include "poller.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/net/token.h"
#include "opsdeck/store/ingest.h"

#include "app_priv.h"

enum {
    SLOW_US = 5000
};

static void on_results(void *ctx)
{
    struct poller *p = ctx;

    if (p->engine)
        engine_ingest_ready(p->engine);
}

static bool make_engine(struct poller *p, bool keep_leases, struct err *e)
{
    struct engine_opts o = {
        .loop = p->loop,
        .clock = p->app->clock,
        .settings = p->app->settings,
        .plan = p->app->plan,
        .ingest = p->ingest,
        .tokens = p->tokens,
        .files = p->files,
        .next_cookie = &p->next_cookie,
        .hooks = p->hooks,
        .keep_leases = keep_leases,
    };

    p->engine = engine_new(&o, e);
    return p->engine != NULL;
}

bool poller_open(struct poller *p, struct app *a, struct ev_loop *loop,
                 const struct engine_hooks *hooks, bool keep_leases, struct err *e)
{
    struct ingest_opts io = {
        .store = a->store, .allow_memory = false, .loop = loop, .ready = on_results, .ready_ctx = p
    };
    char *notice = NULL;

    *p = (struct poller){ .app = a, .loop = loop, .hooks = *hooks };
    p->ingest = ingest_new(&io, &notice, e);
    if (notice) {
        log_add(LOG_WARN, "store", "%s", notice);
        p->notice = notice;
    }
    if (!p->ingest)
        return false;
    p->tokens = tokens_new(loop);
    p->files = file_reader_new(loop);
    if (make_engine(p, keep_leases, e))
        return true;
    poller_close(p);
    return false;
}

bool poller_replan(struct poller *p, struct err *e)
{
    engine_free(p->engine);
    p->engine = NULL;
    return make_engine(p, true, e);
}

void poller_close(struct poller *p)
{
    engine_free(p->engine);
    ingest_free(p->ingest);
    tokens_free(p->tokens);
    file_reader_free(p->files);
    free(p->notice);
    p->notice = NULL;
    p->engine = NULL;
    p->ingest = NULL;
    p->tokens = NULL;
    p->files = NULL;
}

/* ---- the watch over turns */

/*
 * Time spent ready to run while the kernel ran somebody else: the second figure of schedstat, in
 * nanoseconds (proc(5)). Without it 0 is said, and a busy machine may look like a slow turn.
 */
static int64_t queued_us(const struct turn_watch *t)
{
    char text[96];
    ssize_t n = t->schedstat < 0 ? -1 : pread(t->schedstat, text, sizeof text - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    const char *second = strchr(text, ' ');
    return second ? strtoll(second + 1, NULL, 10) / 1000 : 0;
}

static void on_check(struct ev_loop *loop, ev_check *w, int revents)
{
    struct turn_watch *t = w->data;

    (void)loop;
    (void)revents;
    t->wall_us = clock_mono_us();
    t->cpu_us = clock_thread_us();
    t->queued_us = queued_us(t);
    t->what = "network or timer";
    t->is_running = true;
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
    struct turn_watch *t = w->data;

    (void)loop;
    (void)revents;
    if (!t->is_running)
        return;
    t->is_running = false;
    int64_t wall = clock_mono_us() - t->wall_us, cpu = clock_thread_us() - t->cpu_us;
    if (wall <= SLOW_US)
        return;
    int64_t queued = queued_us(t) - t->queued_us;
    if (wall - queued <= SLOW_US)
        return;
    log_add(LOG_WARN, "app",
            "slow turn: %s took %.1f ms (%.1f ms of work, %.1f ms of waiting for a processor)",
            t->what, (double)wall / 1000, (double)cpu / 1000, (double)queued / 1000);
}

void turn_watch_start(struct turn_watch *t, struct ev_loop *loop)
{
    *t = (struct turn_watch){ .what = "" };
    t->schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    ev_prepare_init(&t->prepare, on_prepare);
    ev_check_init(&t->check, on_check);
    t->prepare.data = t->check.data = t;
    /* The check comes first of all after the wait, the prepare last of all before it. */
    ev_set_priority(&t->check, EV_MAXPRI);
    ev_set_priority(&t->prepare, EV_MINPRI);
    ev_prepare_start(loop, &t->prepare);
    ev_check_start(loop, &t->check);
}

void turn_watch_stop(struct turn_watch *t, struct ev_loop *loop)
{
    ev_prepare_stop(loop, &t->prepare);
    ev_check_stop(loop, &t->check);
    if (t->schedstat >= 0)
        close(t->schedstat);
}
