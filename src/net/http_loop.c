/*
 * The seam between curl multi and libev: one multi handle a group, one ev_io a socket, one
 * ev_timer a group. Curl callbacks only move watchers; finished transfers are collected after
 * curl_multi_socket_action() has returned, and delivered by http_turn().
 */
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "net_priv.h"

static void collect(struct group *g)
{
    int left;
    CURLMsg *m;

    while ((m = curl_multi_info_read(g->multi, &left))) {
        struct request *r = NULL;
        CURLcode rc = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        if (curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &r) != CURLE_OK || !r)
            bug("a curl handle without its request");
        http_group_stop(r);
        http_finished(g->http, r, rc);
    }
}

static void act(struct group *g, curl_socket_t fd, int what)
{
    struct http *h = g->http;
    int running;
    CURLMcode rc = curl_multi_socket_action(g->multi, fd, what, &running);

    if (rc != CURLM_OK)
        bug("curl_multi_socket_action: %s", curl_multi_strerror(rc));
    collect(g);
    http_turn(h); /* may free the group */
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
    const struct sock *s = w->data;
    int what = (revents & EV_READ ? CURL_CSELECT_IN : 0) |
               (revents & EV_WRITE ? CURL_CSELECT_OUT : 0) |
               (revents & EV_ERROR ? CURL_CSELECT_ERR : 0);

    (void)loop;
    act(s->group, w->fd, what);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop;
    (void)revents;
    act(w->data, CURL_SOCKET_TIMEOUT, 0);
}

static void forget_sock(struct http *h, size_t fd)
{
    if (fd >= h->nsocks || !h->socks[fd])
        return;
    ev_io_stop(h->loop, &h->socks[fd]->io);
    free(h->socks[fd]);
    h->socks[fd] = NULL;
}

static struct sock *get_sock(struct http *h, struct group *g, size_t fd)
{
    if (fd >= h->nsocks) {
        size_t n = fd + 32;
        h->socks = xreallocarray(h->socks, n, sizeof *h->socks);
        memset(h->socks + h->nsocks, 0, (n - h->nsocks) * sizeof *h->socks);
        h->nsocks = n;
    }
    if (!h->socks[fd]) {
        struct sock *s = xcalloc(1, sizeof *s);
        ev_io_init(&s->io, on_io, (int)fd, 0);
        s->io.data = s;
        h->socks[fd] = s;
    }
    h->socks[fd]->group = g;
    return h->socks[fd];
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *group, void *unused)
{
    struct group *g = group;
    struct http *h = g->http;
    int events = (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0);

    struct request *r = NULL;

    (void)unused;
    if (fd < 0)
        return 0;
    /* Only what is connected is read from; libcurl's own times do not tell this before TLS is up.
     */
    if ((what & CURL_POLL_IN) && curl_easy_getinfo(easy, CURLINFO_PRIVATE, &r) == CURLE_OK && r)
        r->is_connected = true;
    if (what == CURL_POLL_REMOVE) {
        forget_sock(h, (size_t)fd);
        return 0;
    }
    struct sock *s = get_sock(h, g, (size_t)fd);
    if (ev_is_active(&s->io))
        ev_io_stop(h->loop, &s->io);
    ev_io_set(&s->io, fd, events);
    if (events)
        ev_io_start(h->loop, &s->io);
    return 0;
}

/* Milliseconds as a double of seconds: an integer division here would be a busy loop. */
static int on_curl_timer(CURLM *multi, long timeout_ms, void *group)
{
    struct group *g = group;

    (void)multi;
    ev_timer_stop(g->http->loop, &g->timer);
    if (timeout_ms >= 0) {
        ev_timer_set(&g->timer, (double)timeout_ms / 1000.0, 0.0);
        ev_timer_start(g->http->loop, &g->timer);
    }
    return 0;
}

struct group *http_group_new(struct http *h, const char *name, struct err *e)
{
    require(h);
    CURLM *multi = curl_multi_init();

    if (!multi) {
        err_set(e, ERR_NET, CURLE_FAILED_INIT,
                "starting a connection group: curl_multi_init failed");
        return NULL;
    }
    struct group *g = xcalloc(1, sizeof *g);
    g->http = h;
    g->name = name ? xstrdup(name) : NULL;
    g->multi = multi;
    ev_timer_init(&g->timer, on_timer, 0.0, 0.0);
    g->timer.data = g;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, g);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, g);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 32L);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    return g;
}

void http_group_free(struct group *g)
{
    require(g && g->nrunning == 0);
    struct http *h = g->http;

    curl_multi_cleanup(g->multi); /* still calls back for the sockets it closes */
    for (size_t fd = 0; fd < h->nsocks; fd++)
        if (h->socks[fd] && h->socks[fd]->group == g)
            forget_sock(h, fd);
    ev_timer_stop(h->loop, &g->timer);
    free(g->name);
    free(g);
}

bool http_group_start(struct group *g, struct request *r, struct err *e)
{
    require(g && r && !r->group);
    CURLMcode rc = curl_multi_add_handle(g->multi, r->easy);

    if (rc != CURLM_OK)
        return err_set(e, ERR_NET, CURLE_FAILED_INIT, "starting the request: %s",
                       curl_multi_strerror(rc));
    r->group = g;
    g->nrunning++;
    return true;
}

void http_group_stop(struct request *r)
{
    require(r && r->group);
    struct group *g = r->group;

    curl_multi_remove_handle(g->multi, r->easy);
    g->nrunning--;
    r->group = NULL;
}
