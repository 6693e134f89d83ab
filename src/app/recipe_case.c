/* Running one test case of a recipe. See recipe_case.h. */
#include "recipe_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/poll/plan.h"
#include "opsdeck/store/sandbox.h"

struct test_case {
    struct arena *mem;
    const struct cfg_node *doc;
    struct map_step step;
    struct bind *params, *extra;
    size_t nextra;
    struct row_set *staged;
    int64_t now_ms, http_status;
};

static const char *text_of(const struct cfg_node *map, const char *key, const char *dflt)
{
    const struct cfg_node *n = cfg_get(map, key);

    return n && n->kind == CFG_SCALAR ? n->text : dflt;
}

static struct bind bind_of(struct arena *mem, const char *name, const struct cfg_node *n)
{
    struct bind b = { .name = name, .type = CELL_TEXT };
    int64_t v;

    if (n->kind != CFG_SCALAR) {
        b.text = cfg_to_json(mem, n);
    } else if (n->is_null) {
        b.type = CELL_NULL;
    } else if (!n->is_quoted && str_to_i64(n->text, INT64_MIN, INT64_MAX, &v)) {
        b = (struct bind){
            .name = name, .type = CELL_INT, .i = v, .d = (double)v, .text = n->text
        };
    } else {
        b.text = n->text;
    }
    return b;
}

static void read_extra(struct test_case *t)
{
    const struct cfg_node *n = cfg_get(t->doc, "for");

    if (!n || n->kind != CFG_MAP)
        return;
    t->extra = arena_array(t->mem, n->n, sizeof *t->extra);
    for (size_t i = 0; i < n->n; i++)
        t->extra[t->nextra++] = bind_of(t->mem, n->keys[i], n->items[i]);
}

static void read_staged(struct test_case *t)
{
    static const char *const cols[] = {
        "source", "kind", "key", "name", "status", "parent", "attrs"
    };
    const struct cfg_node *list = cfg_get(t->doc, "row");

    t->staged = row_set_new(cols, ARRAY_LEN(cols));
    for (size_t i = 0; list && i < list->n; i++) {
        struct cell *c = row_set_add(t->staged);
        for (size_t k = 0; k < ARRAY_LEN(cols); k++) {
            const struct cfg_node *v = cfg_get(list->items[i], cols[k]);
            cell_set_text(&c[k], t->staged,
                          v        ? v->kind == CFG_SCALAR ? v->text : cfg_to_json(t->mem, v)
                                 : k == 0 ? "test"
                                   : "");
        }
    }
}

static bool read_case(struct test_case *t, const struct recipe *r, struct err *why)
{
    const char *step = text_of(t->doc, "step", r->steps[0].name),
               *now = text_of(t->doc, "now", "2026-11-21T03:00:00Z");
    struct cfg_problems ps = { .mem = t->mem };
    size_t i = 0;

    while (i < r->nsteps && strcmp(r->steps[i].name, step) != 0)
        i++;
    if (i == r->nsteps)
        return err_set(why, ERR_CONFIG, 0, "the recipe has no step \"%s\"", step);
    if (!time_parse_rfc3339(now, &t->now_ms))
        return err_set(why, ERR_CONFIG, 0, "now: \"%s\" is not RFC 3339", now);
    if (!str_to_i64(text_of(t->doc, "http_status", "200"), 100, 599, &t->http_status))
        return err_set(why, ERR_CONFIG, 0, "http_status: expected 100 to 599");
    bool ok = recipe_bind_map(t->mem, r, cfg_get(t->doc, "params"), t->doc->pos, &t->params, &ps);
    if (!ok)
        err_set(why, ERR_CONFIG, 0, "params: %s", ps.n ? ps.v[0].text : "wrong");
    cfg_problems_release(&ps);
    if (!ok)
        return false;
    plan_map_step(t->mem, r, i, "test", "{}", t->params, r->nparams, &t->step);
    read_extra(t);
    read_staged(t);
    return true;
}

/* A named column, or an attribute; NULL when neither is there. */
static const char *value_of(const struct row_set *rs, size_t row, const char *name,
                            const cJSON *attrs, char scratch[32])
{
    int col = row_set_col(rs, name);
    const cJSON *v;

    if (col >= 0)
        return row_set_at(rs, row, col)->type == CELL_NULL ? NULL : row_set_at(rs, row, col)->text;
    v = cJSON_GetObjectItemCaseSensitive(attrs, name);
    if (cJSON_IsString(v))
        return v->valuestring;
    if (cJSON_IsNumber(v)) {
        snprintf(scratch, 32, "%.15g", v->valuedouble);
        return scratch;
    }
    return cJSON_IsTrue(v) ? "true" : cJSON_IsFalse(v) ? "false" : NULL;
}

static bool compare_row(const struct row_set *rs, size_t row, const struct cfg_node *want,
                        struct err *why)
{
    cJSON *attrs = cJSON_Parse(row_set_text(rs, row, "attrs"));
    char scratch[32];
    bool ok = true;

    for (size_t i = 0; ok && i < want->n; i++) {
        const struct cfg_node *w = want->items[i];
        const char *got = value_of(rs, row, want->keys[i], attrs, scratch);
        bool same = w->is_null ? !got : got && !strcmp(got, w->text);
        if (!same)
            ok = err_set(why, ERR_MAP, 0, "row %zu, %s: expected %s, got %s", row + 1,
                         want->keys[i], w->is_null ? "null" : w->text, got ? got : "null");
    }
    cJSON_Delete(attrs);
    return ok;
}

static bool compare(const struct test_case *t, const struct row_set *rs, const char *next,
                    struct err *why)
{
    const struct cfg_node *want = cfg_get(t->doc, "expect_rows");
    const char *want_next = text_of(t->doc, "expect_next", NULL);

    if (want && rs->nrows != want->n)
        return err_set(why, ERR_MAP, 0, "expected %zu rows, got %zu%s%s", want->n, rs->nrows,
                       rs->nrows ? ", the first with key " : "",
                       rs->nrows ? row_set_text(rs, 0, "key") : "");
    for (size_t i = 0; want && i < want->n; i++)
        if (!compare_row(rs, i, want->items[i], why))
            return false;
    if (want_next && (!next || strcmp(next, want_next) != 0))
        return err_set(why, ERR_MAP, 0, "expected next %s, got %s", want_next,
                       next ? next : "none");
    return true;
}

static char *headers_of(struct test_case *t)
{
    const struct cfg_node *h = cfg_get(t->doc, "headers");

    return h ? cfg_to_json(t->mem, h) : arena_strdup(t->mem, "{}");
}

static bool run_case(struct test_case *t, const char *body, size_t len, struct err *why)
{
    struct sandbox *sb = sandbox_new();
    struct row_set *rs = NULL;
    char *next = NULL;
    int64_t total = -1;
    struct err e = { 0 };
    const char *want_error = text_of(t->doc, "expect_error", NULL);

    bool mapped = sandbox_map(sb, &t->step, t->extra, t->nextra, body, len, (int)t->http_status,
                              text_of(cfg_get(t->doc, "headers"), "content-type", NULL),
                              headers_of(t), t->now_ms, t->staged, &rs, &next, &total, &e);
    bool ok;
    if (want_error)
        ok = mapped ? err_set(why, ERR_MAP, 0, "expected the error \"%s\", got %zu rows",
                              want_error, rs->nrows)
                    : strstr(e.text, want_error) ||
                          err_set(why, ERR_MAP, 0, "expected the error \"%s\", got: %s", want_error,
                                  e.text);
    else
        ok = mapped ? compare(t, rs, next, why) : err_set(why, e.code, 0, "%s", e.text);
    row_set_free(rs);
    free(next);
    sandbox_free(sb);
    return ok;
}

/* A case decides nothing at run time, so unlike a config its file may be the group's to write. */
static const struct cfg_node *read_doc(struct arena *mem, const char *path, struct err *why)
{
    struct cfg_problems ps = { .mem = mem };
    size_t len;
    char *text = read_whole_file(path, &len, why);
    const struct cfg_node *doc = text ? cfg_read_text(mem, path, text, len, &ps) : NULL;

    if (text && !doc)
        err_set(why, ERR_CONFIG, 0, "%s", ps.n ? ps.v[0].text : "cannot be read");
    free(text);
    cfg_problems_release(&ps);
    return doc;
}

bool recipe_case_run(struct arena *mem, const struct recipe *r, const char *dir, const char *name,
                     struct err *why)
{
    struct test_case t = { .mem = mem };
    size_t len = 0;
    bool ok = false;
    char *body;

    t.doc = read_doc(mem, arena_printf(mem, "%s/%s.yaml", dir, name), why);
    if (!t.doc)
        return false;
    body = read_whole_file(arena_printf(mem, "%s/%s.body", dir, name), &len, why);
    if (body)
        ok = read_case(&t, r, why) && run_case(&t, body, len, why);
    free(body);
    row_set_free(t.staged);
    return ok;
}
