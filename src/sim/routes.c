/* Routes of opsdeck-sim. See routes.h. */
#include "routes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"

#include "pages.h"

enum {
    TROUBLE_FIRST_S = 90,
    TROUBLE_EVERY_S = 170,
    LIMIT_A_MINUTE = 100,
    LIMIT_A_SECOND = 10
};

static const char HTML[] = "text/html; charset=utf-8";
static const char JSON[] = "application/json";

struct call {
    struct sim *sim;
    const struct sim_request *rq;
    const char *rest; /* of the path behind the route's prefix */
    struct sim_reply *out;
};

static void error(struct sim_reply *out, int status)
{
    out->status = status;
    out->content_type = HTML;
    sbuf_reset(&out->body);
    page_error(status, &out->body);
}

static void bare_error(struct sim_reply *out, int status)
{
    out->status = status;
    out->content_type = "text/html; charset=utf-8";
    sbuf_reset(&out->body);
    page_bare_error(status, &out->body);
}

static void redirect(struct sim_reply *out, const char *to)
{
    out->status = 302;
    out->location = to;
}

static void on_totals(struct call *c)
{
    page_totals(&c->sim->estate, &c->out->body);
}

static void on_all(struct call *c)
{
    page_list(&c->sim->estate, PAGE_ALL, &c->out->body);
}

static void on_compliant(struct call *c)
{
    page_list(&c->sim->estate, PAGE_COMPLIANT, &c->out->body);
}

static void on_non_compliant(struct call *c)
{
    page_list(&c->sim->estate, PAGE_NON_COMPLIANT, &c->out->body);
}

/* Upstream this page does not look at the visibility, so neither does it here. */
static void on_report(struct call *c)
{
    const struct sim_repo *r = estate_find(&c->sim->estate, c->rest);

    if (c->sim->is_successor)
        redirect(c->out, "/repository-standards/");
    else if (r)
        page_report(r, &c->out->body);
    else
        error(c->out, 404);
}

static void on_search(struct call *c)
{
    if (c->rq->q)
        page_search(&c->sim->estate, c->rq->q, &c->out->body);
    else
        error(c->out, 500);
}

static void on_search_page(struct call *c)
{
    page_search(&c->sim->estate, c->rq->q ? c->rq->q : "\n", &c->out->body);
}

static void on_badge(struct call *c)
{
    const struct sim_repo *r = estate_find(&c->sim->estate, c->rest);
    const char *dialect = c->rq->dialect;
    bool is_new = dialect ? strcmp(dialect, "flask") != 0 : c->sim->is_successor;

    c->out->content_type = JSON;
    if (is_new)
        badge_successor(r, &c->out->body);
    else if (!r)
        error(c->out, strlen(c->rest) > 2048 ? 500 : 404);
    else if (r->is_private)
        error(c->out, 403);
    else
        badge_flask(r, &c->out->body);
}

static void on_bulk(struct call *c)
{
    const char *type = c->rq->content_type;

    if (c->sim->is_successor) {
        error(c->out, 404);
        return;
    }
    if (!type || strncmp(type, JSON, sizeof JSON - 1) != 0) {
        bare_error(c->out, 415);
        return;
    }
    c->out->content_type = JSON;
    int status = bulk_answer(&c->sim->estate, c->rq->body, c->rq->body_len, &c->out->body);
    if (status == 400)
        bare_error(c->out, status);
    else if (status != 200)
        error(c->out, status);
}

static void on_private(struct call *c)
{
    redirect(c->out, "/index");
}

struct route {
    const char *path; /* ends in "/": a prefix, the rest must be one non-empty segment */
    const char *method;
    void (*answer)(struct call *c);
};

static const struct route ROUTES[] = {
    { "/", "GET", on_totals },
    { "/home", "GET", on_totals },
    { "/index", "GET", on_totals },
    { "/public-github-repositories.html", "GET", on_totals },
    { "/all-public-repositories.html", "GET", on_all },
    { "/compliant-public-repositories.html", "GET", on_compliant },
    { "/non-compliant-public-repositories.html", "GET", on_non_compliant },
    { "/public-report/", "GET", on_report },
    { "/search-public-repositories", "GET", on_search },
    { "/search-results-public", "GET", on_search_page },
    { "/api/public-compliance-report", "POST", on_bulk },
    { "/api/v2/compliant-repository/", "GET", on_badge },
    { "/api/v1/compliant_public_repositories/endpoint/", "GET", on_badge },
    { "/api/v1/compliant_public_repositories/", "GET", on_badge },
    { "/private-github-repositories.html", "GET", on_private },
    { "/all-private-repositories.html", "GET", on_private },
    { "/private-report/", "GET", on_private },
};

static bool matches(const struct route *route, const char *path, const char **rest)
{
    size_t n = strlen(route->path);

    *rest = "";
    if (n == 1 || route->path[n - 1] != '/')
        return strcmp(path, route->path) == 0;
    if (strncmp(path, route->path, n) != 0 || !path[n] || strchr(path + n, '/'))
        return false;
    *rest = path + n;
    return true;
}

static void dispatch(struct call *c)
{
    bool is_other_method = false;

    for (size_t i = 0; i < ARRAY_LEN(ROUTES); i++) {
        if (!matches(&ROUTES[i], c->rq->path, &c->rest))
            continue;
        bool is_head = strcmp(c->rq->method, "HEAD") == 0 && strcmp(ROUTES[i].method, "GET") == 0;
        if (is_head || strcmp(ROUTES[i].method, c->rq->method) == 0) {
            ROUTES[i].answer(c);
            return;
        }
        is_other_method = true;
    }
    if (is_other_method)
        bare_error(c->out, 405);
    else
        error(c->out, 404);
}

/* At most 100 requests a minute and 10 a second, over a moving window. */
static bool is_over_limit(struct sim *sim, double now_s)
{
    size_t minute = 0, second = 0, n = ARRAY_LEN(sim->recent);

    for (size_t i = 0; i < n && i < sim->nrecent; i++) {
        minute += now_s - sim->recent[i] < 60.0;
        second += now_s - sim->recent[i] < 1.0;
    }
    if (minute >= LIMIT_A_MINUTE || second >= LIMIT_A_SECOND)
        return true;
    sim->recent[sim->nrecent++ % n] = now_s;
    return false;
}

/*
 * Now and then one request meets a bad moment: the first after each such time is slow or a
 * 500, in turn. Nothing happens in the first minute and a half.
 */
static bool meets_trouble(struct sim *sim, double story_s, struct sim_reply *out)
{
    if (!sim->has_trouble || story_s < TROUBLE_FIRST_S)
        return false;
    unsigned due = (unsigned)((story_s - TROUBLE_FIRST_S) / TROUBLE_EVERY_S) + 1;
    if (due <= sim->troubles_had)
        return false;
    sim->troubles_had = due;
    if (due % 2) {
        out->delay_s = 2.5;
        return false;
    }
    error(out, 500);
    return true;
}

const char *sim_header(const struct sim_request *rq, const char *name)
{
    for (size_t i = 0; i < rq->nheaders; i++)
        if (strcasecmp(rq->headers[i].name, name) == 0)
            return rq->headers[i].value;
    return NULL;
}

void sim_reply_header(struct sim_reply *out, const char *name, const char *value)
{
    if (out->nheaders == SIM_REPLY_HEADERS_MAX)
        bug("too many headers in one answer");
    out->headers[out->nheaders].name = name;
    snprintf(out->headers[out->nheaders].value, sizeof out->headers[0].value, "%s", value);
    out->nheaders++;
}

void sim_answer(struct sim *sim, const struct sim_request *rq, double now_s, double story_s,
                int64_t wall_ms, struct sim_reply *out)
{
    struct call c = { .sim = sim, .rq = rq, .rest = "", .out = out };

    *out = (struct sim_reply){ .status = 200, .content_type = HTML };
    sbuf_init(&out->body, SIM_BODY_MAX);
    if (aws_is_request(rq)) {
        aws_answer(&sim->aws, rq, wall_ms, story_s, out);
        return;
    }
    sim_reply_header(out, "Access-Control-Allow-Origin", "*");
    estate_advance(&sim->estate, story_s);
    if (sim->is_successor && is_over_limit(sim, now_s))
        bare_error(out, 429);
    else if (!meets_trouble(sim, story_s, out))
        dispatch(&c);
}
