/*
 * One request of a step, from its body SQL to its last page: turn of the governor, secret,
 * answer, retry, map, next page. run_fail_step() and run_item_done() are the last thing a function
 * here does.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/retry.h"

#include "engine_priv.h"

enum {
    TRIES = 3,
    BACKOFF_BASE_MS = 500,
    BACKOFF_CAP_MS = 8000,
    AWS_THROTTLE_MS = 1000,
    AWS_BURST = 10,
    THROTTLE_PATIENCE_MS = 65000
};

static void item_send(struct item *it);

static struct engine *engine_of(const struct item *it)
{
    return it->run->slot->en;
}

static void give_turn_back(struct item *it, const struct governor_news *news)
{
    if (!it->has_turn)
        return;
    it->has_turn = false;
    governor_done(engine_of(it)->governor, it->run->host, news);
}

void item_stop(struct item *it)
{
    require(it && it->run);
    struct engine *en = engine_of(it);

    if (it->state == ITEM_ACTIVE) {
        tokens_cancel(en->tokens, it);
        aws_send_cancel(it);
        if (it->http_id)
            http_cancel(en->http, it->http_id);
        file_read_cancel(it->file);
        it->file = NULL;
        ev_timer_stop(en->o.loop, &it->retry);
        it->state = ITEM_DONE;
        give_turn_back(it, NULL);
    }
    arena_free(it->mem);
    it->mem = NULL;
    free(it->next);
    free(it->seen_next);
    free(it->link);
    free(it->key_id);
    it->next = it->seen_next = it->link = it->key_id = NULL;
}

static void item_fail(struct item *it, struct err *e)
{
    struct err copy = *e;

    if (it->plan.transport == TRANSPORT_HTTP && it->plan.http.url)
        err_ctx(&copy, "%s %s", it->plan.http.method, it->plan.http.url);
    else if (it->plan.transport == TRANSPORT_AWS &&
             (copy.code == ERR_NET || copy.code == ERR_TIMEOUT))
        err_ctx(&copy, "%s %s", it->plan.aws.service, it->plan.aws.operation);
    run_fail_step(it->run, &copy);
}

static void item_finished(struct item *it)
{
    struct run *run = it->run;

    item_stop(it);
    run_item_done(run);
}

/* ---- answers to rows */

static char *headers_json(const struct http_response *r)
{
    cJSON *o = cJSON_CreateObject();

    for (size_t i = 0; r && i < r->nheaders; i++)
        if (!cJSON_GetObjectItemCaseSensitive(o, r->headers[i].name))
            cJSON_AddStringToObject(o, r->headers[i].name, r->headers[i].value);
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    return text;
}

static const char *kept_name(const struct item *it, struct arena *mem)
{
    return it->page ? arena_printf(mem, "%s#%d", it->name, it->page + 1)
                    : arena_strdup(mem, it->name);
}

static struct bind *copy_binds(struct arena *mem, const struct bind *v, size_t n)
{
    struct bind *out = arena_array(mem, n, sizeof *out);

    for (size_t i = 0; i < n; i++) {
        out[i] = v[i];
        out[i].name = arena_strdup(mem, v[i].name);
        out[i].text = arena_strdup(mem, v[i].text);
    }
    return out;
}

static struct ingest_job *map_job(struct item *it)
{
    struct run *run = it->run;
    struct ingest_job *job = job_new(run, INGEST_MAP);

    job->step = &run_source(run)->steps[run->step];
    job->extra = copy_binds(job->mem, it->extra, it->nextra);
    job->nextra = it->nextra;
    job->item = kept_name(it, job->mem);
    return job;
}

static const struct page_def *page_of(const struct item *it)
{
    return &run_step(it->run)->page;
}

/* What the next page is, from the mapped one. False: there is none. */
static bool next_page(struct item *it, struct ingest_result *r)
{
    const struct page_def *pg = page_of(it);

    free(it->seen_next);
    it->seen_next = it->next;
    it->next = NULL;
    switch (pg->kind) {
    case PAGE_LINK:
        it->next = it->link;
        it->link = NULL;
        break;
    case PAGE_NEXT_QUERY:
    case PAGE_NEXT_BODY:
        it->next = r->next;
        r->next = NULL;
        break;
    case PAGE_OFFSET:
        it->offset += pg->size;
        return r->total < 0 ? r->staged >= pg->size : it->offset < r->total;
    case PAGE_NONE:
        break;
    }
    return it->next != NULL;
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop;
    (void)revents;
    item_send(w->data);
}

static void send_later(struct item *it, int64_t pause_ms)
{
    ev_timer_init(&it->retry, on_retry, (double)pause_ms / 1000.0, 0.);
    it->retry.data = it;
    ev_timer_start(engine_of(it)->o.loop, &it->retry);
}

/* wait: the answer is not whole yet. */
static void ask_again(struct item *it)
{
    const struct step_def *st = run_step(it->run);
    int64_t now = clock_mono_ms(engine_of(it)->o.clock);
    struct err e = { 0 };

    if (!it->is_waiting)
        it->wait_from_ms = now;
    it->is_waiting = true;
    if (now - it->wait_from_ms + st->wait_every_ms > st->wait_limit_ms) {
        err_set(&e, ERR_TIMEOUT, 0, "the answer was not whole after %lld s (wait: limit)",
                (long long)(st->wait_limit_ms / 1000));
        item_fail(it, &e);
        return;
    }
    send_later(it, st->wait_every_ms);
}

static void on_mapped(struct run *run, struct ingest_result *r, void *arg)
{
    struct item *it = arg;

    if (r->err.code == ERR_NOT_FOUND && it->is_kept) {
        it->no_validators = true; /* the kept body is gone: ask for a whole one */
        run->not_modified--;
        item_send(it);
        return;
    }
    if (r->err.code) {
        item_fail(it, &r->err);
        return;
    }
    if (r->is_early) {
        ask_again(it);
        return;
    }
    it->is_waiting = false;
    if (!next_page(it, r)) {
        item_finished(it);
        return;
    }
    struct err e = { 0 };
    if (it->next && it->seen_next && !strcmp(it->next, it->seen_next))
        err_set(&e, ERR_PARSE, 0, "page %d names itself as the next one", it->page + 1);
    else if (it->page + 1 >= run_source(run)->recipe->page_max)
        err_set(&e, ERR_LIMIT, 0, "more than %lld pages",
                (long long)run_source(run)->recipe->page_max);
    if (e.code) {
        item_fail(it, &e);
        return;
    }
    it->page++;
    it->attempt = 0;
    item_send(it);
}

static void map_response(struct item *it, struct http_response *r, bool is_kept,
                         const char *error_body)
{
    struct ingest_job *job = map_job(it);

    it->is_kept = is_kept;
    job->use_kept = is_kept;
    job->http_status = r->status;
    if (!is_kept) {
        char *headers = headers_json(r);
        job->headers_json = arena_strdup(job->mem, headers);
        cJSON_free(headers);
        job->content_type = arena_strdup(job->mem, http_response_header(r, "content-type"));
        job->etag = arena_strdup(job->mem, http_response_header(r, "etag"));
        job->last_modified = arena_strdup(job->mem, http_response_header(r, "last-modified"));
        const char *body = error_body ? error_body : r->body ? r->body : "";
        job->body_len = error_body ? strlen(error_body) : r->body_len;
        job->body = xstrndup(body, job->body_len);
        job->is_error_data = error_body != NULL;
    }
    if (page_of(it)->kind == PAGE_LINK) {
        free(it->link);
        char *link = http_link_next(r->mem, r);
        it->link = link ? xstrdup(link) : NULL;
    }
    ask_ingest(it->run, job, on_mapped, it);
}

/* ---- files: each is one body; the item ends when all are mapped */

struct file_wait {
    struct item *it;
    size_t left;
};

static void on_file_mapped(struct run *run, struct ingest_result *r, void *arg)
{
    struct file_wait *w = arg;

    (void)run;
    if (r->err.code) {
        item_fail(w->it, &r->err);
        return;
    }
    if (--w->left == 0)
        item_finished(w->it);
}

static void on_files(void *ctx, struct file_bodies *b)
{
    struct item *it = ctx;
    struct run *run = it->run;

    it->file = NULL;
    run->requests++;
    if (b->err.code) {
        item_fail(it, &b->err);
        return;
    }
    run->had_answer = true;
    struct file_wait *w = arena_alloc(run->step_mem, sizeof *w);
    w->it = it;
    w->left = b->n;
    for (size_t i = 0; i < b->n; i++) {
        struct ingest_job *job = map_job(it);
        struct bind more[2] = {
            { .name = "file", .type = CELL_TEXT, .text = b->v[i].path },
            { .name = "file_mtime",
              .type = CELL_INT,
              .i = b->v[i].mtime_ms,
              .d = (double)b->v[i].mtime_ms },
        };
        job->extra = copy_binds(job->mem, more, 2);
        job->nextra = 2;
        job->item = arena_strdup(job->mem, b->v[i].path);
        job->body = b->v[i].bytes;
        job->body_len = b->v[i].len;
        run->wire_bytes += (int64_t)b->v[i].len;
        b->v[i].bytes = NULL;
        ask_ingest(run, job, on_file_mapped, w);
    }
}

/* ---- HTTP */

static bool wait_and_retry(struct item *it, const struct verdict *v, int64_t backoff_ms)
{
    if (v->retry == RETRY_NO || it->attempt + 1 >= TRIES)
        return false;
    int64_t pause = v->retry == RETRY_THROTTLE ? v->wait_ms : backoff_ms;
    if (pause < 0 && it->plan.transport == TRANSPORT_AWS)
        pause = backoff_ms; /* AWS hardly ever says; its throttles are short */
    if (pause < 0 || pause > THROTTLE_PATIENCE_MS)
        return false;
    it->attempt++;
    send_later(it, pause); /* the governor holds it back no less */
    return true;
}

static struct token_ref token_ref_of(const struct item *it)
{
    const struct secret_ref *s = &run_source(it->run)->cfg->auth.secret;

    return (struct token_ref){ .env = s->env, .file = s->file, .argv = s->argv };
}

/* A 401 may only mean that the token at hand is old: ask for it once more. */
static bool renew_token(struct item *it, const struct http_response *r)
{
    struct token_ref ref = token_ref_of(it);

    if (r->status != 401 || it->has_renewed || !ref.argv)
        return false;
    it->has_renewed = true;
    tokens_forget(engine_of(it)->tokens, &ref);
    item_send(it);
    return true;
}

/* Signed with keys that have ended, or by a clock that is wrong: mended, it may go once more. */
static bool renew_keys(struct item *it, const struct http_response *r, const struct verdict *v)
{
    if (it->plan.transport != TRANSPORT_AWS)
        return false;
    bool was_clock = r->status && aws_clock_was_wrong(it, r);
    if (v->is_skewed && was_clock && !it->has_set_clock) {
        it->has_set_clock = true;
    } else if (v->is_expired && !it->has_renewed) {
        it->has_renewed = true;
        aws_keys_ended(it);
    } else {
        return false;
    }
    item_send(it);
    return true;
}

/* A 304 means something only as the answer to our own question. */
static bool asked_conditionally(const struct item *it)
{
    const struct http_request *rq = &it->plan.http;

    for (size_t i = 0; i < rq->nheaders; i++)
        if (!strcasecmp(rq->headers[i].name, "If-None-Match") ||
            !strcasecmp(rq->headers[i].name, "If-Modified-Since"))
            return true;
    return false;
}

static int64_t backoff_of(struct item *it, const struct verdict *v)
{
    bool is_aws_throttle = it->plan.transport == TRANSPORT_AWS && v->retry == RETRY_THROTTLE;

    return retry_backoff_ms(it->attempt, is_aws_throttle ? AWS_THROTTLE_MS : BACKOFF_BASE_MS,
                            BACKOFF_CAP_MS, engine_random(engine_of(it)));
}

static void on_response(void *ctx, struct http_response *r)
{
    struct item *it = ctx;
    struct run *run = it->run;
    const struct plan_source *src = run_source(run);
    int64_t now = clock_wall_ms(engine_of(it)->o.clock);
    struct verdict v;

    it->http_id = 0;
    run->requests++;
    run->latency_ms += r->total_ms;
    run->wire_bytes += r->wire_bytes;
    run->had_answer |= r->status != 0;
    src->connector->judge(src, run_step(run), r, now, &v);
    int64_t backoff_ms = backoff_of(it, &v);
    struct governor_news news = governor_read(r, now);
    if (it->plan.transport == TRANSPORT_AWS) {
        news.is_throttled = v.retry == RETRY_THROTTLE;
        news.wait_ms = v.wait_ms;
        news.default_wait_ms = backoff_ms;
    }
    give_turn_back(it, r->status ? &news : NULL);
    if (v.kind == VERDICT_NOT_MODIFIED && !asked_conditionally(it)) {
        v = (struct verdict){ .kind = VERDICT_ERROR, .retry = RETRY_NO };
        err_set(&v.err, ERR_HTTP, r->status, "HTTP 304 (not modified), which was not asked for");
    }
    if (v.kind == VERDICT_ROWS) {
        map_response(it, r, false, v.error_body);
    } else if (v.kind == VERDICT_NOT_MODIFIED) {
        run->not_modified++;
        map_response(it, r, true, NULL);
    } else if (!renew_keys(it, r, &v) && !renew_token(it, r) &&
               !wait_and_retry(it, &v, backoff_ms)) {
        item_fail(it, &v.err);
    }
    http_response_free(r);
}

bool item_may_send(const struct item *it, struct err *e)
{
    require(it && it->run);
    const struct http_request *rq = &it->plan.http;
    const struct source_cfg *cfg = run_source(it->run)->cfg;

    return cfg->rate != RATE_NONE || rq->unix_socket || http_is_loopback(rq->url) ||
           err_set(e, ERR_CONFIG, 0,
                   "not sent: source %s (%s:%d) says rate: none, which is for a server on this "
                   "machine only (127.0.0.0/8, ::1, localhost): remove it",
                   cfg->name, cfg->pos.file, cfg->pos.line);
}

static void on_token(void *ctx, const struct secret *secret, const struct err *e)
{
    static const enum http_auth_kind kinds[] = {
        [AUTH_NONE] = HTTP_AUTH_NONE,
        [AUTH_HEADER] = HTTP_AUTH_HEADER,
        [AUTH_BEARER] = HTTP_AUTH_BEARER,
        [AUTH_BASIC] = HTTP_AUTH_BASIC,
    };
    _Static_assert(ARRAY_LEN(kinds) == AUTH_BASIC + 1,
                   "each way of the config has one of the client");
    struct item *it = ctx;
    struct http_request *rq = &it->plan.http;
    const struct auth_cfg *auth = &run_source(it->run)->cfg->auth;
    struct err err = { 0 };

    if (auth->kind != AUTH_NONE && !secret) {
        err = *e;
        if (!err.code)
            err.code = ERR_AUTH;
        item_fail(it, &err);
        return;
    }
    rq->auth.kind = kinds[auth->kind];
    rq->auth.header = auth->header;
    rq->auth.user = auth->user;
    rq->auth.secret = secret;
    if (item_may_send(it, &err))
        it->http_id = http_send(engine_of(it)->http, rq, on_response, it, &err);
    rq->auth.secret = NULL;
    if (!it->http_id)
        item_fail(it, &err);
}

static void on_turn(void *ctx)
{
    struct item *it = ctx;
    struct token_ref ref = token_ref_of(it);

    it->has_turn = true;
    if (it->plan.transport == TRANSPORT_AWS)
        aws_send(it, on_response, item_fail);
    else if (run_source(it->run)->cfg->auth.kind == AUTH_NONE)
        on_token(it, NULL, NULL);
    else
        tokens_get(engine_of(it)->tokens, &ref, on_token, it);
}

/* The step's word, the recipe's, else what leaves most of the account's quota to others. */
static struct governor_rate rate_of(const struct item *it)
{
    struct governor_rate rate = { .per_min = run_step(it->run)->rate_per_min,
                                  .is_free = run_source(it->run)->cfg->rate == RATE_NONE };

    if (!rate.per_min)
        rate.per_min = run_source(it->run)->recipe->rate_per_min;
    if (!rate.per_min && it->plan.transport == TRANSPORT_AWS)
        rate.per_min = aws_service_rate(it->plan.aws.service);
    if (it->plan.transport == TRANSPORT_AWS)
        rate.burst = AWS_BURST;
    return rate;
}

static void ask_turn(struct item *it)
{
    governor_ask(engine_of(it)->governor, it->run->host, rate_of(it), on_turn, it);
}

static void fill_request(struct item *it)
{
    struct run *run = it->run;
    const struct plan_source *src = run_source(run);
    const struct settings *s = engine_of(it)->o.settings;
    struct http_request *rq = &it->plan.http;

    rq->timeout_ms = src->timeout_ms;
    rq->connect_timeout_ms = s->network.connect_timeout_ms;
    rq->body_max = (size_t)src->recipe->body_max;
    rq->ca_file = src->cfg->ca_file ? src->cfg->ca_file : s->network.ca_file;
    rq->proxy = src->cfg->proxy ? src->cfg->proxy : s->network.proxy;
    if (src->cfg->rate == RATE_NONE) /* a redirect may lead off this machine */
        rq->follow_redirects = false;
    rq->group = src->cfg->auth.kind == AUTH_NONE ? NULL : src->cfg->name;
}

static void find_validators(const struct item *it, struct request_item *ri)
{
    const struct row_set *rs = it->run->validators;

    if (it->no_validators || !rs)
        return;
    for (size_t i = 0; i < rs->nrows; i++) {
        if (strcmp(row_set_text(rs, i, "item"), it->name) != 0)
            continue;
        ri->etag = row_set_text(rs, i, "etag");
        ri->last_modified = row_set_text(rs, i, "last_modified");
    }
}

/* A Link is a URL by what it is; a token only when it says so itself ("/" may begin any base64). */
static bool is_url(const struct item *it)
{
    return page_of(it)->kind == PAGE_LINK || !strncasecmp(it->next, "http://", 7) ||
           !strncasecmp(it->next, "https://", 8);
}

static void item_send(struct item *it)
{
    struct run *run = it->run;
    const struct plan_source *src = run_source(run);
    struct request_item ri = { .extra = it->extra,
                               .nextra = it->nextra,
                               .body = it->body,
                               .next = it->next,
                               .next_is_url =
                                   it->next && is_url(it) && page_of(it)->kind != PAGE_NEXT_BODY,
                               .offset = it->offset };
    struct err e = { 0 };

    arena_free(it->mem);
    it->mem = arena_new();
    it->plan = (struct request_plan){ 0 };
    find_validators(it, &ri);
    if (!src->connector->prepare(it->mem, src, run_step(run), &ri, &it->plan, &e)) {
        item_fail(it, &e);
        return;
    }
    if (it->plan.transport == TRANSPORT_FILE) {
        it->file = file_read_start(engine_of(it)->o.files, it->plan.pattern,
                                   (size_t)src->recipe->body_max, src->timeout_ms, on_files, it);
        return;
    }
    fill_request(it);
    if (it->plan.transport == TRANSPORT_AWS)
        aws_wait_keys(it, ask_turn, item_fail);
    else
        ask_turn(it);
}

static void on_body(struct run *run, struct ingest_result *r, void *arg)
{
    struct item *it = arg;

    if (!r->err.code && r->rows->nrows != 1)
        err_set(&r->err, ERR_MAP, 0, "request body SQL gave %zu rows, expected 1", r->rows->nrows);
    if (r->err.code) {
        err_ctx(&r->err, "request body");
        run_fail_step(run, &r->err);
        return;
    }
    it->body = arena_strdup(run->step_mem, row_set_at(r->rows, 0, 0)->text);
    item_send(it);
}

void item_start(struct item *it)
{
    require(it && it->run);
    const struct sql_text *body = &run_step(it->run)->request.body_sql;

    it->state = ITEM_ACTIVE;
    if (!body->sql) {
        item_send(it);
        return;
    }
    struct ingest_job *job = job_new(it->run, INGEST_EVAL);
    job->step = &run_source(it->run)->steps[it->run->step];
    job->sql = (struct map_sql){ body->sql, body->pos.file, body->pos.line, body->pos.col };
    job->extra = copy_binds(job->mem, it->extra, it->nextra);
    job->nextra = it->nextra;
    ask_ingest(it->run, job, on_body, it);
}
