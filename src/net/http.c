/*
 * The HTTP client's requests from http_send() to the callback: a queue, a limit on what runs
 * at once, one curl multi handle a credential group, and delivery outside of every curl call.
 * The libev side is http_loop.c, what goes into a curl handle http_request.c.
 */
#include "opsdeck/net/http.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "net_priv.h"

static void list_add(struct request_list *l, struct request *r)
{
    r->prev = l->tail;
    r->next = NULL;
    if (l->tail)
        l->tail->next = r;
    else
        l->head = r;
    l->tail = r;
    l->n++;
    r->list = l;
}

static void list_remove(struct request *r)
{
    struct request_list *l = r->list;

    if (r->prev)
        r->prev->next = r->next;
    else
        l->head = r->next;
    if (r->next)
        r->next->prev = r->prev;
    else
        l->tail = r->prev;
    l->n--;
    r->list = NULL;
}

struct http *http_new(const struct http_opts *opts, struct err *e)
{
    require(opts && opts->loop);
    CURLcode rc = http_global_init();

    if (rc != CURLE_OK) {
        err_set(e, ERR_NET, (int)rc, "starting libcurl: %s", curl_easy_strerror(rc));
        return NULL;
    }
    struct http *h = xcalloc(1, sizeof *h);
    h->loop = opts->loop;
    h->running_max = opts->max_connections > 0 ? (size_t)opts->max_connections : 16;
    h->user_agent = xstrdup(opts->user_agent ? opts->user_agent : "opsdeck/" OPSDECK_VERSION);
    return h;
}

static void free_list(struct request_list *l)
{
    while (l->head) {
        struct request *r = l->head;
        list_remove(r);
        if (r->group)
            http_group_stop(r);
        http_request_free(r);
    }
}

void http_free(struct http *h)
{
    if (!h)
        return;
    if (h->is_delivering)
        bug("http_free() from inside an answer's callback");
    free_list(&h->queued);
    free_list(&h->running);
    free_list(&h->finished);
    while (h->groups) {
        struct group *g = h->groups;
        h->groups = g->next;
        http_group_free(g);
    }
    free(h->socks);
    free(h->user_agent);
    free(h);
}

static struct group *group_find(struct http *h, const char *name, struct err *e)
{
    for (struct group *g = h->groups; g; g = g->next) {
        if (g->is_retired || !g->name != !name)
            continue;
        if (!name || strcmp(g->name, name) == 0)
            return g;
    }
    struct group *g = http_group_new(h, name, e);
    if (g) {
        g->next = h->groups;
        h->groups = g;
    }
    return g;
}

static bool start(struct http *h, struct request *r, struct err *e)
{
    struct group *g = group_find(h, r->group_name, e);

    if (!g || !http_group_start(g, r, e))
        return false;
    list_add(&h->running, r);
    return true;
}

static void start_queued(struct http *h)
{
    while (h->queued.head && h->running.n < h->running_max) {
        struct request *r = h->queued.head;
        list_remove(r);
        if (!start(h, r, NULL)) {
            r->rc = CURLE_FAILED_INIT;
            list_add(&h->finished, r);
        }
    }
}

uint64_t http_send(struct http *h, const struct http_request *req, http_done_fn *done, void *ctx,
                   struct err *e)
{
    require(h && req && done);
    struct request *r = http_request_new(h, req, e);

    if (!r)
        return 0;
    r->done = done;
    r->ctx = ctx;
    r->id = ++h->last_id;
    if (h->running.n >= h->running_max || h->queued.head) {
        list_add(&h->queued, r);
    } else if (!start(h, r, e)) {
        err_ctx(e, "%s", r->place);
        http_request_free(r);
        return 0;
    }
    return r->id;
}

static struct request *find(const struct http *h, uint64_t id)
{
    const struct request_list *lists[] = { &h->queued, &h->running, &h->finished };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (struct request *r = lists[i]->head; r; r = r->next)
            if (r->id == id)
                return r;
    return NULL;
}

static void sweep_groups(struct http *h)
{
    for (struct group **at = &h->groups; *at;) {
        struct group *g = *at;
        if (!g->is_retired || g->nrunning) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        http_group_free(g);
    }
}

void http_cancel(struct http *h, uint64_t id)
{
    require(h);
    struct request *r = id ? find(h, id) : NULL;

    if (!r)
        return;
    list_remove(r);
    if (r->group)
        http_group_stop(r);
    http_request_free(r);
    start_queued(h);
    sweep_groups(h);
}

size_t http_in_flight(const struct http *h)
{
    require(h);
    return h->queued.n + h->running.n + h->finished.n;
}

/*
 * libcurl 7.88 cannot close idle connections alone, so a group takes its leave with them:
 * what runs in it runs to its end, the next request starts a new group of the same name.
 */
void http_drop_connections(struct http *h)
{
    require(h);
    for (struct group *g = h->groups; g; g = g->next)
        g->is_retired = true;
    sweep_groups(h);
}

void http_finished(struct http *h, struct request *r, CURLcode rc)
{
    require(h && r);
    list_remove(r);
    r->rc = rc;
    list_add(&h->finished, r);
}

void http_turn(struct http *h)
{
    start_queued(h);
    if (h->is_delivering)
        return;
    h->is_delivering = true;
    while (h->finished.head) {
        struct request *r = h->finished.head;
        http_done_fn *done = r->done;
        void *ctx = r->ctx;
        list_remove(r);
        struct http_response *resp = http_response_build(r);
        http_request_free(r);
        done(ctx, resp);
        start_queued(h);
    }
    h->is_delivering = false;
    sweep_groups(h);
}
