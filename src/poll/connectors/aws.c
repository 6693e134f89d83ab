/*
 * connector aws: a step is one operation of one service. The three ways of asking (JSON target,
 * query action, REST path) become one request without host and signature; those come when it is
 * sent, with the keys of that moment (src/poll/aws_send.c). An answer is judged by its error code.
 */
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/config/recipe.h"
#include "opsdeck/net/aws_error.h"
#include "opsdeck/net/aws_sign.h"
#include "opsdeck/poll/connector.h"
#include "opsdeck/poll/plan.h"
#include "opsdeck/store/ingest.h"

#include "parts.h"

enum {
    QUERY_MAX_BYTES = 64 * 1024,
    FORM_DEPTH = 8
};

static bool aws_check(const struct plan_source *src, struct err *e)
{
    if (src->cfg->url)
        return err_set(e, ERR_CONFIG, 0,
                       "recipe %s asks AWS: in place of url: write aws: {profile: NAME, region: "
                       "NAME, endpoint_url: URL}",
                       src->recipe->name);
    if (src->cfg->auth.kind != AUTH_NONE)
        return err_set(e, ERR_CONFIG, 0,
                       "recipe %s asks AWS: credentials come from aws: {profile: NAME}, not auth:",
                       src->recipe->name);
    return true;
}

/* ---- members of a query request */

static void form_pair(struct arena *mem, struct sbuf *form, const char *name, const char *value)
{
    part_add_pair(form, aws_encode(mem, name, strlen(name), false),
                  aws_encode(mem, value, strlen(value), false));
}

/* AWS query protocol: lists are Name.member.N, structures Name.Member, members in between. */
static void form_json(struct arena *mem, struct sbuf *form, const char *name, const cJSON *v,
                      int depth)
{
    const cJSON *child;
    int n = 0;

    if (depth > FORM_DEPTH || cJSON_IsNull(v) || !strcasecmp(name, "Action") ||
        !strcasecmp(name, "Version")) /* the operation is the one the loader looked at */
        return;
    if (cJSON_IsArray(v) || cJSON_IsObject(v)) {
        cJSON_ArrayForEach (child, v) {
            n++;
            const char *sub = cJSON_IsArray(v) ? arena_printf(mem, "%s.member.%d", name, n)
                              : *name          ? arena_printf(mem, "%s.%s", name, child->string)
                                               : child->string;
            form_json(mem, form, sub, child, depth + 1);
        }
        return;
    }
    char *text = cJSON_IsString(v) ? NULL : cJSON_PrintUnformatted(v);
    form_pair(mem, form, name, text ? text : v->valuestring);
    cJSON_free(text);
}

static bool add_members(struct arena *mem, const char *body, struct sbuf *form, struct err *e)
{
    cJSON *doc = cJSON_Parse(body);
    bool ok = cJSON_IsObject(doc);

    if (ok)
        form_json(mem, form, "", doc, 0);
    cJSON_Delete(doc);
    return ok || err_set(e, ERR_CONFIG, 0, "the body of a query request must be one JSON object");
}

/* The pairs of `query:` and the paging token; where they go is the caller's business. */
static bool add_pairs(struct arena *mem, const struct plan_source *src, const struct step_def *step,
                      const struct request_item *item, struct sbuf *out, struct err *e)
{
    const struct request_def *rq = &step->request;

    for (size_t i = 0; i < rq->nquery; i++) {
        char *value;
        if (!part_expand(mem, src, item, rq->query[i].value, false, &value, e))
            return err_ctx(e, "query %s", rq->query[i].name);
        form_pair(mem, out, rq->query[i].name, value);
    }
    if (step->page.kind == PAGE_NEXT_QUERY && item->next)
        form_pair(mem, out, step->page.into, item->next);
    return !out->is_full ||
           err_set(e, ERR_LIMIT, 0, "the query is longer than %d bytes", QUERY_MAX_BYTES);
}

/* ---- the request */

struct build {
    struct arena *mem;
    const struct plan_source *src;
    const struct step_def *step;
    const struct request_item *item;
    struct request_plan *out;
    const char *body; /* evaluated or expanded; NULL: none */
};

static bool finish_headers(struct build *b, const char *type, const char *target, struct err *e)
{
    const struct request_def *rq = &b->step->request;
    struct http_request *http = &b->out->http;
    struct http_header *v = arena_array(b->mem, rq->nheaders + 3, sizeof *v);
    size_t n = 0;

    for (size_t i = 0; i < rq->nheaders; i++) {
        char *value;
        if (!part_expand(b->mem, b->src, b->item, rq->headers[i].value, false, &value, e))
            return err_ctx(e, "header %s", rq->headers[i].name);
        v[n++] = (struct http_header){ rq->headers[i].name, value };
    }
    if (type)
        v[n++] = (struct http_header){ "Content-Type", type };
    if (target)
        v[n++] = (struct http_header){ "X-Amz-Target", target };
    if (!target && !rq->action && b->step->format == FORMAT_JSON)
        v[n++] = (struct http_header){ "Accept", "application/json" };
    http->headers = v;
    http->nheaders = n;
    http->headers_are_secret = true;
    http->body = b->body;
    http->body_len = b->body ? strlen(b->body) : 0;
    return true;
}

static bool build_json(struct build *b, struct err *e)
{
    const struct request_def *rq = &b->step->request;
    const char *type = arena_printf(b->mem, "application/x-amz-json-%s", rq->json_version);

    if (!b->body || !*b->body)
        b->body = "{}";
    b->out->aws.path = "/";
    b->out->aws.operation = strrchr(rq->target, '.') ? strrchr(rq->target, '.') + 1 : rq->target;
    return finish_headers(b, type, rq->target, e);
}

static bool build_form(struct build *b, struct err *e)
{
    const struct request_def *rq = &b->step->request;
    struct sbuf form;

    sbuf_init(&form, QUERY_MAX_BYTES);
    form_pair(b->mem, &form, "Action", rq->action);
    form_pair(b->mem, &form, "Version", rq->version);
    bool ok = (!b->body || add_members(b->mem, b->body, &form, e)) &&
              add_pairs(b->mem, b->src, b->step, b->item, &form, e);
    b->body = ok ? arena_strndup(b->mem, form.buf, form.len) : NULL;
    sbuf_release(&form);
    b->out->aws.path = "/";
    b->out->aws.operation = rq->action;
    return ok && finish_headers(b, "application/x-www-form-urlencoded; charset=utf-8", NULL, e);
}

static bool build_rest(struct build *b, struct err *e)
{
    const struct request_def *rq = &b->step->request;
    struct sbuf query;
    char *path;

    if (!part_expand(b->mem, b->src, b->item, rq->path, true, &path, e))
        return err_ctx(e, "path");
    sbuf_init(&query, QUERY_MAX_BYTES);
    bool ok = add_pairs(b->mem, b->src, b->step, b->item, &query, e);
    b->out->aws.path = path;
    b->out->aws.query = query.len ? arena_strndup(b->mem, query.buf, query.len) : NULL;
    b->out->aws.operation = arena_printf(b->mem, "%s %s", rq->method, rq->path);
    sbuf_release(&query);
    return ok && finish_headers(b, b->body ? "application/json" : NULL, NULL, e);
}

/* An unsigned public answer: no credential of ours goes there. */
static bool build_public(struct build *b, struct err *e)
{
    char *url;

    if (!part_expand(b->mem, b->src, b->item, b->step->request.url, false, &url, e))
        return err_ctx(e, "url");
    b->out->transport = TRANSPORT_HTTP;
    b->out->http.url = url;
    if (!finish_headers(b, NULL, NULL, e))
        return false;
    b->out->http.headers_are_secret = false;
    return true;
}

static bool aws_prepare(struct arena *mem, const struct plan_source *src,
                        const struct step_def *step, const struct request_item *item,
                        struct request_plan *out, struct err *e)
{
    const struct request_def *rq = &step->request;
    struct build b = { mem, src, step, item, out, item->body };
    char *text;

    out->transport = TRANSPORT_AWS;
    out->http.method = rq->method;
    if (rq->url)
        return build_public(&b, e);
    out->aws.service = rq->service;
    if (rq->region) {
        if (!part_expand(mem, src, item, rq->region, false, &text, e))
            return err_ctx(e, "region");
        out->aws.region = *text ? text : NULL;
    }
    if (!b.body && rq->body_text) {
        if (!part_expand(mem, src, item, rq->body_text, false, &text, e))
            return err_ctx(e, "body");
        b.body = text;
    }
    if (step->page.kind == PAGE_NEXT_BODY && item->next &&
        !part_body_with_token(mem, &step->page, b.body, item->next, &b.body, e))
        return false;
    return rq->target ? build_json(&b, e) : rq->action ? build_form(&b, e) : build_rest(&b, e);
}

/* ---- the answer */

static const char *whose(const struct plan_source *src, struct arena *mem)
{
    return src->cfg->aws.profile ? arena_printf(mem, "profile %s", src->cfg->aws.profile)
                                 : "the default credentials";
}

static const char *asked(const struct step_def *step, struct arena *mem)
{
    const struct request_def *rq = &step->request;
    const char *dot = rq->target ? strrchr(rq->target, '.') : NULL;

    return rq->target   ? arena_printf(mem, "%s:%s", rq->service, dot ? dot + 1 : rq->target)
           : rq->action ? arena_printf(mem, "%s:%s", rq->service, rq->action)
                        : arena_printf(mem, "%s %s", rq->service, rq->path);
}

/* "arn:aws:sts::1:assumed-role/ROLE/SESSION" -> "role ROLE"; users as they are. */
static const char *principal_words(struct arena *mem, const char *arn)
{
    static const char assumed[] = ":assumed-role/";
    const char *role = strstr(arn, assumed), *slash = strrchr(arn, ':');

    if (role) {
        role += sizeof assumed - 1;
        return arena_printf(mem, "role %.*s", (int)strcspn(role, "/"), role);
    }
    return slash ? slash + 1 : arn;
}

static void say_denied(const struct plan_source *src, const struct step_def *step,
                       const struct http_response *r, const struct aws_error *a, struct err *e)
{
    const char *who = a->principal ? principal_words(r->mem, a->principal) : "this identity";
    const char *what = a->action ? a->action : asked(step, r->mem);

    err_set(e, ERR_AUTH, r->status, "%s may not call %s in account %s (%s): %s", who, what,
            a->account ? a->account : "?", whose(src, r->mem), a->code);
}

static const char *said(const struct http_response *r, const struct aws_error *a)
{
    return *a->message ? arena_printf(r->mem, "%s: %s", a->code, a->message) : a->code;
}

static void say(const struct plan_source *src, const struct step_def *step,
                const struct http_response *r, const struct aws_error *a, struct err *e)
{
    const char *what = asked(step, r->mem), *words = said(r, a);

    switch (a->fault) {
    case AWS_DENIED:
        say_denied(src, step, r, a, e);
        break;
    case AWS_THROTTLED:
        err_set(e, ERR_THROTTLED, r->status, "%s is asked too often by this account: %s", what,
                words);
        break;
    case AWS_EXPIRED:
        err_set(e, ERR_AUTH, r->status, "%s: the session of %s has ended: %s", what,
                whose(src, r->mem), words);
        break;
    case AWS_SKEWED:
        err_set(e, ERR_AUTH, r->status,
                "%s: the signature of %s is refused: %s. Check its secret access key and this "
                "machine's clock",
                what, whose(src, r->mem), words);
        break;
    case AWS_BAD_KEYS:
        err_set(e, ERR_AUTH, r->status,
                "%s: the access key of %s is not known there: %s. Check the key, the partition and "
                "that the region is enabled",
                what, whose(src, r->mem), words);
        break;
    default:
        err_set(e, ERR_HTTP, r->status, "%s: %s", what, words);
    }
}

static bool is_accepted_error(const struct step_def *step, const struct aws_error *a)
{
    for (const char *const *c = step->request.accept_error; c && *c; c++)
        if (!strcmp(*c, a->code) || (a->legacy && !strcmp(*c, a->legacy)))
            return true;
    return false;
}

static const char *error_body(struct arena *mem, const struct aws_error *a)
{
    cJSON *doc = cJSON_CreateObject(), *err = cJSON_AddObjectToObject(doc, "error");

    cJSON_AddStringToObject(err, "code", a->code);
    cJSON_AddStringToObject(err, "message", a->message);
    char *text = cJSON_PrintUnformatted(doc);
    const char *out = arena_strdup(mem, text);
    cJSON_free(text);
    cJSON_Delete(doc);
    return out;
}

static void aws_judge(const struct plan_source *src, const struct step_def *step,
                      const struct http_response *r, int64_t now_ms, struct verdict *out)
{
    struct aws_error a;

    if (step->request.url) {
        connector_http.judge(src, step, r, now_ms, out);
        return;
    }
    aws_error_read(r->mem, r, &a);
    *out = (struct verdict){ .kind = VERDICT_ERROR,
                             .retry = aws_retry_class(a.fault),
                             .wait_ms = aws_retry_after_ms(r, now_ms),
                             .is_expired = a.fault == AWS_EXPIRED,
                             .is_skewed = a.fault == AWS_SKEWED || a.fault == AWS_DENIED };
    if (a.fault == AWS_FINE)
        out->kind = VERDICT_ROWS;
    else if (r->err.code)
        out->err = r->err;
    else if (is_accepted_error(step, &a)) {
        out->kind = VERDICT_ROWS;
        out->error_body = error_body(r->mem, &a);
    } else {
        say(src, step, r, &a, &out->err);
    }
}

const struct connector_ops connector_aws = {
    .name = "aws",
    .min_interval_s = 10,
    .check = aws_check,
    .prepare = aws_prepare,
    .judge = aws_judge,
};
