/* One step of a recipe: request, paging, rows. Keys and types are checked by the table already. */
#include <string.h>
#include <strings.h>

#include "opsdeck/base/clock.h"

#include "recipe_priv.h"

struct reading {
    struct arena *mem;
    struct cfg_problems *ps;
    const char *shown;        /* "steps[1]" */
    const char *const *names; /* templates that are known */
    bool has_fan;             /* columns of `for` are known only when it runs */
    bool is_aws;
    bool ok;
};

static void complain(struct reading *rd, const struct cfg_node *at, const char *key,
                     const char *hint, const char *text)
{
    cfg_problem_add(rd->ps, at->pos, arena_printf(rd->ps->mem, "%s.%s", rd->shown, key), hint, "%s",
                    text);
    rd->ok = false;
}

/*
 * SQLite 3.40 reads value->>'a.b' as a path of two steps only when it begins with $; a label
 * with dots, brackets or a leading digit must be quoted inside, or it is silently NULL.
 */
static void check_labels(struct reading *rd, const struct cfg_node *n, const char *key)
{
    for (const char *s = n->text; (s = strstr(s, "->")) != NULL;) {
        const char *p = s + 2 + (s[2] == '>');
        p += strspn(p, " ");
        s = p;
        if (*p != '\'')
            continue;
        const char *end = strchr(p + 1, '\'');
        if (!end)
            return;
        size_t len = (size_t)(end - p - 1);
        s = end + 1;
        if (!len || p[1] == '$' || p[1] == '"')
            continue;
        bool is_digits = strspn(p + 1, "0123456789") >= len;
        if (!is_digits && strcspn(p + 1, ".[]") >= len && !(p[1] >= '0' && p[1] <= '9'))
            continue;
        char *label = arena_strndup(rd->ps->mem, p + 1, len);
        cfg_problem_add(rd->ps, cfg_pos_inside(n->pos, n->text, (size_t)(p + 1 - n->text)),
                        arena_printf(rd->ps->mem, "%s.%s", rd->shown, key),
                        arena_printf(rd->ps->mem, "write '\"%s\"'", label),
                        "the label '%s' must be quoted: SQLite splits it otherwise", label);
        rd->ok = false;
    }
}

static struct sql_text sql_of(struct reading *rd, const struct cfg_node *map, const char *key)
{
    const struct cfg_node *n = cfg_get(map, key);

    if (!n || n->kind != CFG_SCALAR || n->is_null)
        return (struct sql_text){ 0 };
    check_labels(rd, n, key);
    return (struct sql_text){ n->text, n->pos };
}

static void pairs(struct reading *rd, const struct cfg_node *map, const char *key,
                  struct name_value **v, size_t *n)
{
    *n = 0;
    if (!map || map->kind != CFG_MAP)
        return;
    *v = arena_array(rd->mem, map->n, sizeof **v);
    for (size_t i = 0; i < map->n; i++) {
        rd->ok &= template_check(
            map->items[i], rd->names, rd->has_fan,
            arena_printf(rd->ps->mem, "%s.request.%s.%s", rd->shown, key, map->keys[i]), rd->ps);
        (*v)[(*n)++] = (struct name_value){ map->keys[i], map->items[i]->text, map->key_pos[i] };
    }
}

static void header_names(struct reading *rd, const struct request_def *rq)
{
    static const char *const ours[] = { "host",          "content-length",
                                        "connection",    "transfer-encoding",
                                        "authorization", "cookie" };

    for (size_t i = 0; i < rq->nheaders; i++) {
        const struct cfg_node at = { .pos = rq->headers[i].pos };
        if (!cfg_is_token(rq->headers[i].name))
            complain(rd, &at, "request.headers", NULL, "not a header name");
        if (strchr(rq->headers[i].value, '\n'))
            complain(rd, &at, "request.headers", "write it in one line",
                     "a header cannot hold a line break");
        for (size_t k = 0; k < ARRAY_LEN(ours); k++)
            if (!strcasecmp(rq->headers[i].name, ours[k]))
                complain(rd, &at, "request.headers", "credentials belong to auth: of the source",
                         "this header is not a recipe's to set");
    }
}

static void accept_status(struct reading *rd, const struct cfg_node *list, struct request_def *rq)
{
    int64_t v;
    size_t n = 0;

    if (!list)
        return;
    if (list->kind != CFG_SEQ || list->n == 0 || list->n >= ARRAY_LEN(rq->accept_status)) {
        complain(rd, list, "request.accept_status", NULL,
                 "expected a list of 1 to 15 statuses such as [200, 404]");
        return;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i]->kind != CFG_SCALAR || !str_to_i64(list->items[i]->text, 200, 599, &v)) {
            complain(rd, list->items[i], "request.accept_status", NULL,
                     "expected a status from 200 to 599");
            return;
        }
        rq->accept_status[n++] = (int)v;
    }
}

static void body(struct reading *rd, const struct cfg_node *n, struct request_def *rq)
{
    if (!n)
        return;
    if (n->kind == CFG_SCALAR) {
        rd->ok &= template_check(n, rd->names, rd->has_fan,
                                 arena_printf(rd->ps->mem, "%s.request.body", rd->shown), rd->ps);
        rq->body_text = n->text;
    } else if (n->kind == CFG_MAP && n->n == 1 && cfg_get(n, "sql") &&
               cfg_get(n, "sql")->kind == CFG_SCALAR) {
        rq->body_sql = sql_of(rd, n, "sql");
    } else {
        complain(rd, n, "request.body", NULL, "expected text, or {sql: \"SELECT ...\"}");
    }
}

static void one_template(struct reading *rd, const struct cfg_node *map, const char *key)
{
    const struct cfg_node *n = cfg_get(map, key);

    if (n && n->kind == CFG_SCALAR)
        rd->ok &=
            template_check(n, rd->names, rd->has_fan,
                           arena_printf(rd->ps->mem, "%s.request.%s", rd->shown, key), rd->ps);
}

/* What only reads, by the words that AWS begins such operations with. */
static bool is_reading_operation(const char *name)
{
    static const char *const verbs[] = { "Get",    "List",       "Describe", "BatchGet",
                                         "Query",  "Scan",       "Filter",   "Lookup",
                                         "Search", "StartQuery", "StopQuery" };
    static const char *const refused[] = { "GetSecretValue",     "BatchGetSecretValue",
                                           "GetPasswordData",    "GetSessionToken",
                                           "GetFederationToken", "GetAuthorizationToken",
                                           "GetRoleCredentials", "GetQueueMessages" };

    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (!strcmp(name, refused[i]))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (!strncmp(name, verbs[i], strlen(verbs[i])))
            return true;
    return false;
}

static void aws_operation(struct reading *rd, const struct cfg_node *n, const char *key,
                          const char *name)
{
    if (!is_reading_operation(name))
        complain(rd, cfg_get(n, key), key,
                 "Get, List, Describe, BatchGet, Query, Scan and the like",
                 "opsdeck only reads: this operation may change something or take a secret");
}

/* Names that would choose another operation than the one that was looked at. */
static void aws_words(struct reading *rd, const struct cfg_node *n)
{
    static const char *const names[] = { "action", "version", "operation" };
    static const char *const maps[] = { "query", "headers" };

    for (size_t m = 0; m < ARRAY_LEN(maps); m++) {
        const struct cfg_node *map = cfg_get(n, maps[m]);
        for (size_t i = 0; map && map->kind == CFG_MAP && i < map->n; i++) {
            bool is_bad = !strncasecmp(map->keys[i], "x-amz-", 6);
            for (size_t k = 0; k < ARRAY_LEN(names); k++)
                is_bad |= !strcasecmp(map->keys[i], names[k]);
            if (is_bad)
                complain(rd, map->items[i], maps[m], "use target:, action: and version:",
                         "this name is not a recipe's to send: it could choose another operation");
        }
    }
}

/* A service with one of target, action and path; or a public url. */
static void aws_request(struct reading *rd, const struct cfg_node *n, struct request_def *rq)
{
    int ways = (rq->target != NULL) + (rq->action != NULL) + (rq->path != NULL);

    one_template(rd, n, "region");
    one_template(rd, n, "url");
    aws_words(rd, n);
    if (rq->url) {
        if (rq->service || ways || cfg_get(n, "query") || cfg_get(n, "body"))
            complain(rd, n, "request", "write the query into the url",
                     "url: stands alone, without service, path, query and body");
        return;
    }
    if (cfg_get(n, "accept_status") || cfg_get(n, "follow_redirects") || cfg_get(n, "content_type"))
        complain(rd, n, "request", "accept_error: [CODE] takes an error as data",
                 "accept_status, follow_redirects and content_type mean nothing to AWS");
    if (rq->path && strpbrk(rq->path, "?#"))
        complain(rd, cfg_get(n, "path"), "request.path", "write query: {NAME: value}",
                 "a path has no ? or #");
    if (!rq->service || ways != 1) {
        complain(rd, n, "request", "see docs/recipes.md, AWS",
                 "expected service: and one of target:, action: or path:");
        return;
    }
    if (rq->action && !rq->version)
        complain(rd, n, "request", "version: \"2015-12-01\"", "action: needs the API's version:");
    if (rq->target) {
        const char *dot = strrchr(rq->target, '.');
        aws_operation(rd, n, "target", dot ? dot + 1 : rq->target);
    }
    if (rq->action)
        aws_operation(rd, n, "action", rq->action);
    if (rq->target || rq->action) {
        rq->method = "POST";
        rq->is_read_only = true;
    }
}

static void accept_error(struct reading *rd, const struct cfg_node *list, struct request_def *rq)
{
    const char **v = arena_array(rd->mem, (list ? list->n : 0) + 1, sizeof *v);

    for (size_t i = 0; list && list->kind == CFG_SEQ && i < list->n; i++)
        v[i] = list->items[i]->text;
    rq->accept_error = v;
}

static void request(struct reading *rd, const struct cfg_node *n, struct request_def *rq)
{
    const struct cfg_node *path = cfg_get(n, "path"), *method = cfg_get(n, "method");

    key_fill(&recipe_table, "steps.request", n, rq, rd->mem);
    rq->accept_status[0] = 200;
    accept_error(rd, cfg_get(n, "accept_error"), rq);
    if (!n || n->kind != CFG_MAP)
        return; /* the key table has complained */
    if (rd->is_aws)
        aws_request(rd, n, rq);
    else if (!rq->path)
        complain(rd, n, "request", "path: /...", "the path to ask is missing");
    if (!rq->method)
        return; /* the key table has complained */
    if (rq->path && *rq->path != '/')
        complain(rd, path, "request.path", NULL,
                 "must begin with / : it is joined to the source's url");
    one_template(rd, n, "path");
    pairs(rd, cfg_get(n, "query"), "query", &rq->query, &rq->nquery);
    pairs(rd, cfg_get(n, "headers"), "headers", &rq->headers, &rq->nheaders);
    header_names(rd, rq);
    body(rd, cfg_get(n, "body"), rq);
    accept_status(rd, cfg_get(n, "accept_status"), rq);
    if (!strcmp(rq->method, "POST") && !rq->is_read_only)
        complain(rd, method, "request.method",
                 "read_only: true says that this POST changes nothing", "opsdeck only reads");
    if (!strcmp(rq->method, "GET") && (rq->body_text || rq->body_sql.sql))
        complain(rd, cfg_get(n, "body"), "request.body", "add method: POST and read_only: true",
                 "a GET has no body");
}

static const char *text_at(const struct cfg_node *map, const char *key)
{
    const struct cfg_node *n = cfg_get(map, key);

    return n && n->kind == CFG_SCALAR && !n->is_null ? n->text : NULL;
}

static void page(struct reading *rd, const struct cfg_node *n, const struct request_def *rq,
                 struct page_def *pg)
{
    const struct cfg_node *into = cfg_get(n, "into");

    if (!n)
        return;
    const char *link = text_at(n, "link"), *query = into ? text_at(into, "query") : NULL,
               *member = text_at(n, "body") ? text_at(n, "body")
                         : into             ? text_at(into, "body")
                                            : NULL;
    int ways = (link != NULL) + (text_at(n, "offset") != NULL) + (text_at(n, "next") != NULL);
    if (ways != 1) {
        complain(rd, n, "page", NULL,
                 "expected one of link: next, offset: PARAM, or next: SQL with into:");
        return;
    }
    pg->next = sql_of(rd, n, "next");
    pg->total = sql_of(rd, n, "total");
    pg->offset_param = text_at(n, "offset");
    pg->limit_param = text_at(n, "limit");
    pg->size = 100;
    if (text_at(n, "size"))
        str_to_i64(text_at(n, "size"), 1, 100000, &pg->size);
    pg->into = member ? member : query;
    pg->kind = link               ? PAGE_LINK
               : pg->offset_param ? PAGE_OFFSET
               : member           ? PAGE_NEXT_BODY
                                  : PAGE_NEXT_QUERY;
    if (rd->is_aws && (link || pg->offset_param))
        complain(rd, n, "page", "page: {next: SQL, body: NextToken}",
                 "AWS pages by tokens: link and offset mean nothing there");
    if (link && strcmp(link, "next") != 0)
        complain(rd, cfg_get(n, "link"), "page.link", NULL, "expected next");
    if (pg->kind == PAGE_NEXT_BODY && (!rq->method || strcmp(rq->method, "POST") != 0))
        complain(rd, n, "page", "write into: {query: NAME}, or ask with method: POST",
                 "the token goes into a body, but a GET has none");
    if (pg->kind == PAGE_NEXT_QUERY && !query)
        complain(rd, n, "page", "add into: {query: NAME}", "next: needs a place for its token");
}

static bool is_kind(const char *s)
{
    s += *s == '_';
    return *s >= 'a' && *s <= 'z' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(s) && strlen(s) <= 64;
}

/* Two lists that each claim to be whole would close each other's rows at every poll. */
static void check_complete(struct reading *rd, const struct cfg_node *at, const struct step_def *st)
{
    const struct rows_def *last = &st->rows[st->nrows - 1];

    for (size_t i = 0; i + 1 < st->nrows && last->kind && last->is_complete; i++)
        if (st->rows[i].is_complete && st->rows[i].kind && !strcmp(st->rows[i].kind, last->kind))
            complain(rd, at, "rows.complete", "join them with UNION ALL",
                     "another list of this step says that it holds all rows of this kind");
}

static void rows(struct reading *rd, const struct cfg_node *list, struct step_def *st)
{
    if (!list || list->kind != CFG_SEQ)
        return;
    st->rows = arena_array(rd->mem, list->n, sizeof *st->rows);
    for (size_t i = 0; i < list->n; i++) {
        const struct cfg_node *n = list->items[i], *vol = cfg_get(n, "volatile");
        struct rows_def *out = &st->rows[st->nrows++];
        const char **names = arena_array(rd->mem, (vol ? vol->n : 0) + 1, sizeof *names);

        for (size_t k = 0; vol && vol->kind == CFG_SEQ && k < vol->n; k++)
            names[k] = vol->items[k]->text;
        *out = (struct rows_def){ .kind = text_at(n, "kind"),
                                  .volatile_cols = names,
                                  .sql = sql_of(rd, n, "sql"),
                                  .pos = n->pos };
        const char *complete = text_at(n, "complete");
        out->is_complete = complete && !strcmp(complete, "true");
        if (out->kind && !is_kind(out->kind))
            complain(rd, cfg_get(n, "kind"), "rows.kind", NULL,
                     "expected a name of a-z, 0-9 and -, perhaps with _ in front");
        check_complete(rd, n, st);
    }
}

/* Names a template may use: params and `source`. */
static const char *const *template_names(const struct recipe *r, struct arena *mem)
{
    const char **names = arena_array(mem, r->nparams + 2, sizeof *names);

    for (size_t i = 0; i < r->nparams; i++)
        names[i] = r->params[i].name;
    names[r->nparams] = "source";
    return names;
}

/* needs: names of steps above. */
static void needs(struct reading *rd, const struct recipe *r, const struct cfg_node *list,
                  struct step_def *st)
{
    if (!list || list->kind != CFG_SEQ)
        return;
    const char **v = arena_array(rd->mem, list->n + 1, sizeof *v);
    for (size_t i = 0; i < list->n; i++) {
        bool is_above = false;
        v[i] = list->items[i]->text;
        for (size_t k = 0; k < r->nsteps; k++)
            is_above |= v[i] && r->steps[k].name && !strcmp(r->steps[k].name, v[i]);
        if (!is_above)
            complain(rd, list->items[i], "needs", NULL, "no step above has this name");
    }
    st->needs = v;
    st->has_needs = true;
}

bool step_read(struct arena *mem, const struct recipe *r, const struct cfg_node *node,
               const char *shown, struct step_def *out, struct cfg_problems *ps)
{
    struct reading rd = { .mem = mem,
                          .ps = ps,
                          .shown = shown,
                          .names = template_names(r, ps->mem),
                          .is_aws = r->connector && !strcmp(r->connector, "aws"),
                          .ok = true };
    const struct cfg_node *expect = cfg_get(node, "expect"), *wait = cfg_get(node, "wait");

    *out = (struct step_def){ .pos = node->pos, .expect_path = "$" };
    key_fill(&recipe_table, "steps", node, out, mem);
    if (expect)
        key_fill(&recipe_table, "steps.expect", expect, out, mem);
    if (wait) {
        key_fill(&recipe_table, "steps.wait", wait, out, mem);
        out->wait_until = sql_of(&rd, wait, "until");
    }
    out->when = sql_of(&rd, node, "when");
    out->fan = sql_of(&rd, node, "for");
    rd.has_fan = out->fan.sql != NULL;
    request(&rd, cfg_get(node, "request"), &out->request);
    page(&rd, cfg_get(node, "page"), &out->request, &out->page);
    rows(&rd, cfg_get(node, "rows"), out);
    needs(&rd, r, cfg_get(node, "needs"), out);
    return rd.ok;
}
