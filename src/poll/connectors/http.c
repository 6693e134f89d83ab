/*
 * connector http: a step is one request below the source's URL. Templates are percent-encoded,
 * the next page stays on the same origin, an answer is data only with an accepted status.
 */
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/config/recipe.h"
#include "opsdeck/poll/connector.h"
#include "opsdeck/poll/plan.h"

#include "parts.h"

enum {
    URL_MAX_BYTES = 16 * 1024
};

static bool http_check(const struct plan_source *src, struct err *e)
{
    if (!src->cfg->url)
        return err_set(e, ERR_CONFIG, 0, "recipe %s talks HTTP: this source needs url: https://...",
                       src->recipe->name);
    return true;
}

static bool build_query(struct arena *mem, const struct plan_source *src,
                        const struct step_def *step, const struct request_item *item,
                        struct sbuf *q, struct err *e)
{
    const struct request_def *rq = &step->request;
    const struct page_def *pg = &step->page;

    for (size_t i = 0; i < rq->nquery; i++) {
        char *value;
        if (!part_expand(mem, src, item, rq->query[i].value, true, &value, e))
            return err_ctx(e, "query %s", rq->query[i].name);
        part_add_pair(q, part_percent(mem, rq->query[i].name), value);
    }
    if (pg->kind == PAGE_OFFSET) {
        if (pg->offset_param)
            part_add_pair(q, pg->offset_param, arena_printf(mem, "%lld", (long long)item->offset));
        if (pg->limit_param)
            part_add_pair(q, pg->limit_param, arena_printf(mem, "%lld", (long long)pg->size));
    }
    if (pg->kind == PAGE_NEXT_QUERY && item->next && !item->next_is_url)
        part_add_pair(q, part_percent(mem, pg->into), part_percent(mem, item->next));
    return !q->is_full ||
           err_set(e, ERR_LIMIT, 0, "the query is longer than %d bytes", URL_MAX_BYTES);
}

static bool build_url(struct arena *mem, const struct plan_source *src, const struct step_def *step,
                      const struct request_item *item, char **url, struct err *e)
{
    char *path;
    struct sbuf q;

    if (item->next && item->next_is_url) {
        /* "/path" is below our own origin by construction; a full URL must prove it. */
        bool ok = item->next[0] == '/' && item->next[1] != '/'
                      ? http_url_join(mem, src->cfg->url, item->next, NULL, url, e)
                      : (*url = arena_strdup(mem, item->next)) != NULL;
        if (!ok)
            return false;
        return http_same_origin(src->cfg->url, *url) ||
               err_set(e, ERR_PARSE, 0, "the next page %s is on another host: not followed", *url);
    }
    if (!part_expand(mem, src, item, step->request.path, true, &path, e))
        return err_ctx(e, "path");
    sbuf_init(&q, URL_MAX_BYTES);
    bool ok = build_query(mem, src, step, item, &q, e) &&
              http_url_join(mem, src->cfg->url, path, q.len ? q.buf : NULL, url, e);
    sbuf_release(&q);
    return ok;
}

static bool build_headers(struct arena *mem, const struct plan_source *src,
                          const struct step_def *step, const struct request_item *item,
                          bool has_body, struct http_request *rq, struct err *e)
{
    const struct request_def *def = &step->request;
    struct http_header *v = arena_array(mem, def->nheaders + 4, sizeof *v);
    size_t n = 0;
    bool has_accept = false, has_type = false;

    for (size_t i = 0; i < def->nheaders; i++) {
        char *value;
        if (!part_expand(mem, src, item, def->headers[i].value, false, &value, e))
            return err_ctx(e, "header %s", def->headers[i].name);
        has_accept |= !strcasecmp(def->headers[i].name, "accept");
        has_type |= !strcasecmp(def->headers[i].name, "content-type");
        v[n++] = (struct http_header){ def->headers[i].name, value };
    }
    if (!has_accept && step->format == FORMAT_JSON)
        v[n++] = (struct http_header){ "Accept", "application/json" };
    if (has_body && !has_type)
        v[n++] = (struct http_header){ "Content-Type",
                                       def->content_type ? def->content_type : "application/json" };
    if (item->etag && *item->etag)
        v[n++] = (struct http_header){ "If-None-Match", item->etag };
    else if (item->last_modified && *item->last_modified)
        v[n++] = (struct http_header){ "If-Modified-Since", item->last_modified };
    rq->headers = v;
    rq->nheaders = n;
    return true;
}

static bool http_prepare(struct arena *mem, const struct plan_source *src,
                         const struct step_def *step, const struct request_item *item,
                         struct request_plan *out, struct err *e)
{
    struct http_request *rq = &out->http;
    char *url, *text;
    const char *body = item->body;

    out->transport = TRANSPORT_HTTP;
    if (!build_url(mem, src, step, item, &url, e))
        return false;
    if (!body && step->request.body_text) {
        if (!part_expand(mem, src, item, step->request.body_text, false, &text, e))
            return err_ctx(e, "body");
        body = text;
    }
    if (step->page.kind == PAGE_NEXT_BODY && item->next &&
        !part_body_with_token(mem, &step->page, body, item->next, &body, e))
        return false;
    rq->method = step->request.method;
    rq->url = url;
    rq->body = body;
    rq->body_len = body ? strlen(body) : 0;
    rq->follow_redirects = step->request.follow_redirects;
    return build_headers(mem, src, step, item, body != NULL, rq, e);
}

static bool is_accepted(const struct step_def *step, int status)
{
    for (size_t i = 0; i < ARRAY_LEN(step->request.accept_status) && step->request.accept_status[i];
         i++)
        if (step->request.accept_status[i] == status)
            return true;
    return false;
}

static bool is_rate_limited(const struct http_response *r)
{
    return retry_class_of(r) == RETRY_THROTTLE;
}

static enum err_code code_of_status(const struct http_response *r)
{
    if (is_rate_limited(r))
        return ERR_THROTTLED;
    return r->status == 401 || r->status == 403 ? ERR_AUTH : ERR_HTTP;
}

static void http_judge(const struct plan_source *src, const struct step_def *step,
                       const struct http_response *r, int64_t now_ms, struct verdict *out)
{
    *out = (struct verdict){ .kind = VERDICT_ERROR,
                             .retry = retry_class_of(r),
                             .wait_ms = retry_after_ms(r, now_ms) };
    if (r->err.code) {
        out->err = r->err;
        return;
    }
    if (r->status == 304) {
        out->kind = VERDICT_NOT_MODIFIED;
        return;
    }
    if (is_accepted(step, r->status)) {
        out->kind = VERDICT_ROWS;
        return;
    }
    const char *said = part_what_it_said(r->mem, r);
    if (r->redirect) {
        err_set(
            &out->err, ERR_HTTP, r->status,
            "HTTP %d redirects to %s, which is not followed: set url: to where the system is now",
            r->status, r->redirect);
    } else if (r->status == 401 || (r->status == 403 && !is_rate_limited(r))) {
        err_set(&out->err, ERR_AUTH, r->status,
                "HTTP %d, not allowed (%s): check auth: of source %s", r->status, said,
                src->cfg->name);
    } else if (is_rate_limited(r)) {
        int64_t wait = out->wait_ms;
        err_set(&out->err, ERR_THROTTLED, r->status,
                "HTTP %d, asked too often (%s): next try in %lld s", r->status, said,
                (long long)((wait < 0 ? 60000 : wait) / 1000));
    } else {
        err_set(&out->err, code_of_status(r), r->status, "HTTP %d with %s", r->status, said);
    }
}

const struct connector_ops connector_http = {
    .name = "http",
    .min_interval_s = 5,
    .check = http_check,
    .prepare = http_prepare,
    .judge = http_judge,
};
