/*
 * connector http: a step is one request below the source's URL. Templates are percent-encoded,
 * the next page stays on the same origin, an answer is data only with an accepted status.
 */
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/config/recipe.h"
#include "opsdeck/net/redact.h"
#include "opsdeck/poll/connector.h"
#include "opsdeck/poll/plan.h"

enum {
    URL_MAX_BYTES = 16 * 1024,
    SAID_BYTES = 160,
    SAID_LOOKED_AT = 8192
};

static bool http_check(const struct plan_source *src, struct err *e)
{
    if (!src->cfg->url)
        return err_set(e, ERR_CONFIG, 0, "recipe %s talks HTTP: this source needs url: https://...",
                       src->recipe->name);
    return true;
}

/* Expand with the `for` row first, then params. */
static bool expand(struct arena *mem, const struct plan_source *src,
                   const struct request_item *item, const char *tmpl, bool encode, char **out,
                   struct err *e)
{
    const struct bind *sets[] = { item->extra, src->params };
    const size_t counts[] = { item->nextra, src->nparams };

    return template_expand(mem, tmpl, sets, counts, 2, encode, out, e);
}

static char *percent(struct arena *mem, const char *s)
{
    struct bind one = { .name = "v", .type = CELL_TEXT, .text = s };
    const struct bind *sets[] = { &one };
    const size_t counts[] = { 1 };
    char *out = NULL;

    template_expand(mem, "{v}", sets, counts, 1, true, &out, NULL);
    return out;
}

static void add_pair(struct sbuf *q, const char *name, const char *value)
{
    sbuf_addf(q, "%s%s=%s", q->len ? "&" : "", name, value);
}

static bool build_query(struct arena *mem, const struct plan_source *src,
                        const struct step_def *step, const struct request_item *item,
                        struct sbuf *q, struct err *e)
{
    const struct request_def *rq = &step->request;
    const struct page_def *pg = &step->page;

    for (size_t i = 0; i < rq->nquery; i++) {
        char *value;
        if (!expand(mem, src, item, rq->query[i].value, true, &value, e))
            return err_ctx(e, "query %s", rq->query[i].name);
        add_pair(q, percent(mem, rq->query[i].name), value);
    }
    if (pg->kind == PAGE_OFFSET) {
        if (pg->offset_param)
            add_pair(q, pg->offset_param, arena_printf(mem, "%lld", (long long)item->offset));
        if (pg->limit_param)
            add_pair(q, pg->limit_param, arena_printf(mem, "%lld", (long long)pg->size));
    }
    if (pg->kind == PAGE_NEXT_QUERY && item->next && !item->next_is_url)
        add_pair(q, percent(mem, pg->into), percent(mem, item->next));
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
    if (!expand(mem, src, item, step->request.path, true, &path, e))
        return err_ctx(e, "path");
    sbuf_init(&q, URL_MAX_BYTES);
    bool ok = build_query(mem, src, step, item, &q, e) &&
              http_url_join(mem, src->cfg->url, path, q.len ? q.buf : NULL, url, e);
    sbuf_release(&q);
    return ok;
}

/* The token goes into the body's top object, as PAGE_NEXT_BODY says. */
static bool body_with_token(struct arena *mem, const struct page_def *pg, const char *body,
                            const char *token, const char **out, struct err *e)
{
    cJSON *doc = cJSON_Parse(body && *body ? body : "{}");

    if (!cJSON_IsObject(doc)) {
        cJSON_Delete(doc);
        return err_set(e, ERR_CONFIG, 0, "page: {body: %s} needs a JSON object as request body",
                       pg->into);
    }
    cJSON_DeleteItemFromObjectCaseSensitive(doc, pg->into);
    cJSON_AddStringToObject(doc, pg->into, token);
    char *text = cJSON_PrintUnformatted(doc);
    *out = arena_strdup(mem, text);
    cJSON_free(text);
    cJSON_Delete(doc);
    return true;
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
        if (!expand(mem, src, item, def->headers[i].value, false, &value, e))
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
        if (!expand(mem, src, item, step->request.body_text, false, &text, e))
            return err_ctx(e, "body");
        body = text;
    }
    if (step->page.kind == PAGE_NEXT_BODY && item->next &&
        !body_with_token(mem, &step->page, body, item->next, &body, e))
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

/* What the body says, in one short clean line: HTML pages are only named. */
static const char *what_it_said(struct arena *mem, const struct http_response *r)
{
    const char *s = r->body ? r->body : "";

    s += strspn(s, " \t\r\n");
    if (*s == '<')
        return "an HTML page";
    if (!*s)
        return "an empty body";
    /* Secrets go before the cut: half of one would not be known any more. */
    struct sbuf sb;
    sbuf_init(&sb, SAID_LOOKED_AT * 8);
    sbuf_add(&sb, s, strnlen(s, SAID_LOOKED_AT));
    redact_text(&sb);
    const char *said = utf8_clean_dup(mem, sb.buf, sb.len, SAID_BYTES, UTF8_LINE);
    sbuf_release(&sb);
    return said;
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
    *out = (struct verdict){ .kind = VERDICT_ERROR, .retry = retry_class_of(r) };
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
    const char *said = what_it_said(r->mem, r);
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
        int64_t wait = retry_after_ms(r, now_ms);
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
