/*
 * One body through a step: size, charset, format, the JSON door, what the recipe expects, then
 * its SELECTs into the stage, and paging. All of it or nothing. Also the two calls that do so
 * outside of any store, for recipe tests.
 */
#include "opsdeck/store/sandbox.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/hide.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"
#include "opsdeck/decode/decode.h"

#include "store_priv.h"

#include "fn_priv.h"

enum {
    BODY_MAX_DEFAULT = 8 << 20,
    DECODED_MAX = SANDBOX_LENGTH_MAX - 1,
    SNIPPET = 160
};

/* ---- decoding */

static bool text_door(const char *s, size_t n, struct sbuf *out, struct err *e)
{
    return utf8_clean(out, s, n, UTF8_KEEP_LF) ||
           err_set(e, ERR_LIMIT, 0, "the answer grows past %d bytes when decoded", DECODED_MAX);
}

typedef bool decoder(const char *s, size_t n, struct sbuf *out, struct err *e);

static decoder *const decoders[] = {
    [MAP_JSON] = json_door,    [MAP_JSONL] = jsonl_to_json, [MAP_XML] = xml_to_json,
    [MAP_PROM] = prom_to_json, [MAP_TEXT] = text_door,
};

static bool decode(const struct map_step *step, const struct map_body *body, struct sbuf *out,
                   struct err *e)
{
    size_t max = step->body_max ? step->body_max : BODY_MAX_DEFAULT;
    struct sbuf text;

    if (body->len > max)
        return err_set(e, ERR_LIMIT, 0, "the answer has %zu bytes, more than %zu (body_max)",
                       body->len, max);
    enum map_format format = body->is_error_data ? MAP_JSON : step->format;
    sbuf_init(&text, DECODED_MAX);
    bool ok =
        charset_to_utf8(body->bytes ? body->bytes : "", body->len, body->content_type, &text, e);
    if (ok) {
        text.len = hide_values(text.buf, text.len); /* another charset than UTF-8 hid them so far */
        ok = decoders[format](text.buf, text.len, out, e);
    }
    sbuf_release(&text);
    return ok;
}

/* ---- what a whole answer looks like */

static const char ERROR_CASE_TYPE[] = "application/x-aws-error+json";

static const char *const expect_words[] = {
    [MAP_EXPECT_ANY] = "a value",      [MAP_EXPECT_ARRAY] = "an array",
    [MAP_EXPECT_OBJECT] = "an object", [MAP_EXPECT_STRING] = "a string",
    [MAP_EXPECT_NUMBER] = "a number",
};
_Static_assert(ARRAY_LEN(expect_words) == MAP_EXPECT_NUMBER + 1, "a word for each");

static const struct {
    const char *type, *words;
    enum map_expect is;
} json_types[] = {
    { "array", "an array", MAP_EXPECT_ARRAY }, { "object", "an object", MAP_EXPECT_OBJECT },
    { "text", "a string", MAP_EXPECT_STRING }, { "integer", "a number", MAP_EXPECT_NUMBER },
    { "real", "a number", MAP_EXPECT_NUMBER }, { "true", "true", MAP_EXPECT_ANY },
    { "false", "false", MAP_EXPECT_ANY },      { "null", "null", MAP_EXPECT_ANY },
};

/* The type of the document, by how clean JSON begins. */
static const char *type_of_document(const char *json)
{
    switch (*json) {
    case '[':
        return "array";
    case '{':
        return "object";
    case '"':
        return "text";
    case 't':
        return "true";
    case 'f':
        return "false";
    case 'n':
        return "null";
    default:
        return "real";
    }
}

/* The type at a path; "" when there is nothing. */
static bool type_at(struct sandbox *sb, const char *path, const struct sbuf *json, char type[16],
                    struct err *e)
{
    type[0] = '\0';
    if (!strcmp(path, "$")) {
        sqlite3_snprintf(16, type, "%s", type_of_document(json->buf));
        return true;
    }
    sqlite3_stmt *st = sandbox_query(sb, e, "SELECT json_type(?1, ?2)");
    if (!st)
        return false;
    sqlite3_bind_text64(st, 1, json->buf, json->len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_text(st, 2, path, -1, SQLITE_STATIC);
    int rc = db_step(&sb->db, st, e);
    if (rc == 1)
        sqlite3_snprintf(16, type, "%s", db_text(st, 0));
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return rc == 1 || err_ctx(e, "expect: path %s", path);
}

/*
 * What stands in an answer of another shape: the names of an object's members, and the words of
 * those in which systems say what is wrong. Other values are not quoted: they may be anybody's
 * secret.
 */
static void what_it_has(struct sandbox *sb, const struct sbuf *json, char out[SNIPPET + 1])
{
    struct err ignored = { 0 }; /* it only helps the message */
    sqlite3_stmt *st =
        *json->buf != '{'
            ? NULL
            : sandbox_query(sb, &ignored,
                            "SELECT coalesce(group_concat(key || CASE WHEN type = 'text' AND "
                            "lower(key) IN ('message', 'error', 'error_message', 'detail', 'title',"
                            " 'code', 'status') THEN ' \"' || value || '\"' ELSE '' END, ', '), '')"
                            " FROM json_each(?1)");

    out[0] = '\0';
    if (!st)
        return;
    sqlite3_bind_text64(st, 1, json->buf, json->len, SQLITE_STATIC, SQLITE_UTF8);
    if (db_step(&sb->db, st, &ignored) == 1)
        sqlite3_snprintf(SNIPPET + 1, out, "%s", db_text(st, 0));
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

static bool check_expect(struct sandbox *sb, const struct map_step *step, const struct sbuf *json,
                         struct err *e)
{
    const char *path = step->expect_path ? step->expect_path : "$", *got = "nothing";
    char type[16];
    bool fits = false;

    if (step->format == MAP_TEXT || (step->expect == MAP_EXPECT_ANY && !step->expect_path))
        return true;
    if (!type_at(sb, path, json, type, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(json_types); i++) {
        if (strcmp(json_types[i].type, type) != 0)
            continue;
        got = json_types[i].words;
        fits = step->expect == MAP_EXPECT_ANY || json_types[i].is == step->expect;
    }
    if (fits)
        return true;
    char has[SNIPPET + 1] = "";
    if (!step->is_sensitive)
        what_it_has(sb, json, has);
    return err_set(e, ERR_PARSE, 0, "expected %s at %s of the answer, got %s%s%s",
                   expect_words[step->expect], path, got, *has ? "; it has " : "", has);
}

/* ---- rows */

struct mapping {
    struct sandbox *sb;
    const struct map_step *step;
    struct sandbox_input in;
    struct arena *mem; /* of one SELECT's rows */
    struct labels labels;
    int64_t before; /* rows that were staged already */
    bool is_error;  /* the body is an error that the recipe takes as data */
    struct map_result *out;
};

struct staged_list {
    struct staged *v;
    size_t n, cap;
};

static bool collect(struct mapping *m, const struct map_rows *rows, sqlite3_stmt *st,
                    struct staged_list *list, struct err *e)
{
    struct row_shape *shape = row_shape_new(m->mem, st, rows, e);
    int rc;

    if (!shape)
        return false;
    while ((rc = sandbox_step(m->sb, &rows->sql, st, e)) == 1) {
        if (m->before + m->out->staged + (int64_t)list->n >= STAGE_ROWS_MAX) {
            map_fail(&rows->sql, -1, e, "more than %d rows in one poll", STAGE_ROWS_MAX);
            if (e)
                e->code = ERR_LIMIT;
            return false;
        }
        VEC_GROW(list->v, list->n, list->cap);
        if (!row_build(m->mem, shape, st, &m->labels, m->sb->hash_key, &list->v[list->n], e))
            return false;
        list->n++;
    }
    return rc == 0;
}

/* Rows are staged after their SELECT ended: it may itself read `row`. */
static bool map_rows(struct mapping *m, const struct map_rows *rows, struct err *e)
{
    struct staged_list list = { 0 };
    sqlite3_stmt *st = sandbox_start(m->sb, &rows->sql, &m->in, e);

    if (!st)
        return false;
    bool ok = collect(m, rows, st, &list, e);
    sandbox_done(m->sb, st);
    for (size_t i = 0; ok && i < list.n; i++)
        ok = stage_add(m->sb, m->step->source, m->step->step, &rows->sql, &list.v[i], e);
    m->out->staged += (int64_t)list.n;
    free(list.v);
    return ok;
}

/* ---- paging */

/* The first column of the first row, as a cell; CELL_NULL when there is none. */
static bool first_value(struct mapping *m, const struct map_sql *sql, struct row_set **rs,
                        const struct cell **cell, struct err *e)
{
    *rs = NULL;
    if (!sql->sql)
        return true;
    if (!sandbox_rows(m->sb, sql, &m->in, rs, e))
        return false;
    *cell = row_set_at(*rs, 0, 0);
    return true;
}

/* wait: an answer that is not whole yet is thrown away; the caller asks again. */
static bool map_until(struct mapping *m, struct err *e)
{
    const struct cell *c = row_set_at(NULL, 0, 0);
    struct row_set *rs;

    if (!m->step->until.sql)
        return true;
    if (!first_value(m, &m->step->until, &rs, &c, e))
        return false;
    m->out->is_early = c->type != CELL_INT || c->i == 0;
    row_set_free(rs);
    return true;
}

static bool map_paging(struct mapping *m, struct err *e)
{
    const struct map_step *step = m->step;
    const struct cell *c = row_set_at(NULL, 0, 0);
    struct row_set *rs;
    struct number x;

    if (!first_value(m, &step->next, &rs, &c, e))
        return false;
    if (c->text[0])
        m->out->next = xstrdup(c->text);
    row_set_free(rs);
    c = row_set_at(NULL, 0, 0);
    if (!first_value(m, &step->total, &rs, &c, e))
        return false;
    bool ok = true;
    if (c->type != CELL_NULL) {
        ok = number_parse(c->text, strlen(c->text), &x) && x.is_int && x.i >= 0;
        if (ok)
            m->out->total = x.i;
        else
            map_fail(&step->total, -1, e, "total must be a whole number or NULL, got \"%.60s\"",
                     c->text);
    }
    row_set_free(rs);
    return ok;
}

/* ---- all of it */

static bool map_all(struct mapping *m, struct err *e)
{
    struct arena *mem = arena_new();
    bool ok = labels_parse(m->sb, mem, m->step->labels_json, &m->labels, e) &&
              stage_count(m->sb, &m->before, e) && (m->is_error || map_until(m, e));

    m->mem = arena_new();
    for (size_t i = 0; ok && !m->out->is_early && i < m->step->nrows; i++) {
        ok = map_rows(m, &m->step->rows[i], e);
        arena_reset(m->mem);
    }
    arena_free(m->mem);
    arena_free(mem);
    return ok && (m->is_error || m->out->is_early || map_paging(m, e));
}

bool map_body(struct sandbox *sb, const struct map_step *step, const struct bind *extra,
              size_t nextra, const struct map_body *body, struct map_result *out, struct err *e)
{
    require(sb && step && body && out);
    struct sbuf decoded;
    bool ok = false;

    *out = (struct map_result){ .total = -1 };
    sbuf_init(&decoded, DECODED_MAX);
    if (!decode(step, body, &decoded, e) ||
        (!body->is_error_data && !check_expect(sb, step, &decoded, e)) ||
        !sandbox_set_headers(sb, body->headers_json, e) || !sandbox_exec(sb, "SAVEPOINT body", e))
        goto out;
    struct mapping m = {
        .sb = sb,
        .step = step,
        .in = { .source = step->source,
                .extra = extra,
                .nextra = nextra,
                .params = step->params,
                .nparams = step->nparams,
                .body = decoded.buf,
                .body_len = decoded.len,
                .http_status = body->http_status,
                .now_ms = body->now_ms },
        .is_error = body->is_error_data,
        .out = out,
    };
    ok = map_all(&m, e);
    /* Without memory SQLite takes back all that was staged, not this body alone. */
    if (!ok && !sandbox_exec(sb, "ROLLBACK TO body", NULL))
        sb->is_lost = true;
    if (!sandbox_exec(sb, "RELEASE body", ok ? e : NULL)) {
        sb->is_lost = true;
        ok = false;
    }
out:
    sbuf_release(&decoded);
    if (!ok) {
        free(out->next);
        *out = (struct map_result){ .total = -1 };
    }
    return ok;
}

/* ---- outside of a store */

static const char *const canonical[] = { "kind",  "key",    "name", "status", "summary",
                                         "since", "parent", "url",  "attrs",  "rank" };

static void set_text(struct row_set *rs, struct cell *c, const char *s)
{
    if (s)
        cell_set_text(c, rs, s);
}

static void add_row(struct row_set *rs, const struct staged *r)
{
    const char *const texts[] = { r->kind, r->key,    r->name, r->status, r->summary,
                                  NULL,    r->parent, r->url,  r->attrs,  NULL };
    struct cell *c = row_set_add(rs);

    for (size_t i = 0; i < ARRAY_LEN(canonical); i++)
        set_text(rs, &c[i], texts[i]);
    if (r->has_since)
        cell_set_int(&c[STAGE_SINCE], rs, r->since);
    if (r->has_rank)
        cell_set_real(&c[STAGE_RANK], rs, r->rank);
}

static bool staged_rows(struct sandbox *sb, const char *step, struct row_set **out, struct err *e)
{
    sqlite3_stmt *st = stage_rows(sb, step, e);
    struct row_set *rs;
    struct staged row;
    int rc;

    if (!st)
        return false;
    rs = row_set_new(canonical, ARRAY_LEN(canonical));
    while ((rc = db_step(&sb->db, st, e)) == 1) {
        stage_read(st, &row);
        add_row(rs, &row);
    }
    if (rc < 0) {
        row_set_free(rs);
        return false;
    }
    *out = rs;
    return true;
}

bool sandbox_map(struct sandbox *sb, const struct map_step *step, const struct bind *extra,
                 size_t nextra, const char *body, size_t body_len, int http_status,
                 const char *content_type, const char *headers_json, int64_t now_ms,
                 const struct row_set *staged, struct row_set **out, char **next, int64_t *total,
                 struct err *e)
{
    require(sb && step && out);
    const struct map_body b = { .bytes = body,
                                .len = body_len,
                                .http_status = http_status,
                                /* How a test case says it. */
                                .is_error_data =
                                    content_type && !strcmp(content_type, ERROR_CASE_TYPE),
                                .content_type = content_type,
                                .headers_json = headers_json,
                                .now_ms = now_ms };
    struct map_result r;

    *out = NULL;
    if (next)
        *next = NULL;
    if (total)
        *total = -1;
    if (!stage_clear(sb, e) || !stage_fill(sb, staged, e) ||
        !map_body(sb, step, extra, nextra, &b, &r, e))
        return false;
    if (next)
        *next = r.next;
    else
        free(r.next);
    if (total)
        *total = r.total;
    if (staged_rows(sb, step->step, out, e))
        return true;
    if (next) {
        free(*next);
        *next = NULL;
    }
    return false;
}
