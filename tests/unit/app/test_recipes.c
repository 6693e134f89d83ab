/*
 * The contract of every shipped recipe: it loads, its SQL compiles, its cases come out as
 * written, and whatever stands in place of an answer never becomes an "ok" row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/config/recipe.h"
#include "opsdeck/model/status.h"
#include "opsdeck/poll/plan.h"
#include "opsdeck/store/sandbox.h"

#include "../../../src/app/recipe_case.h"

struct walk {
    struct arena *mem;
    struct recipe *r;
    struct bind *params;
    size_t cases;
};

/* Calls fn for each shipped recipe; fails when there is none. */
static void each_recipe(void (*fn)(struct walk *w))
{
    struct data_dirs dirs = { .v = { "config" }, .n = 1 };
    struct arena *mem = arena_new();
    char **paths;
    size_t n = recipe_list(mem, &dirs, &paths);

    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++) {
        struct walk w = { .mem = arena_new() };
        struct cfg_problems ps = { .mem = w.mem };
        w.r = plan_recipe(w.mem, paths[i], &ps);
        for (size_t k = 0; k < ps.n; k++)
            print_message("%s:%d:%d: %s\n", ps.v[k].pos.file, ps.v[k].pos.line, ps.v[k].pos.col,
                          ps.v[k].text);
        assert_non_null(w.r);
        assert_true(recipe_bind_map(w.mem, w.r, NULL, (struct cfg_pos){ 0 }, &w.params, &ps));
        cfg_problems_release(&ps);
        fn(&w);
        arena_free(w.mem);
    }
    arena_free(mem);
}

static void run_cases(struct walk *w)
{
    char dir[256];
    struct dirent *de;
    size_t n = 0;

    snprintf(dir, sizeof dir, "tests/fixtures/%s", w->r->name);
    DIR *d = opendir(dir);
    assert_non_null(d);
    while ((de = readdir(d))) {
        struct err why = { 0 };
        size_t len = strlen(de->d_name);
        if (len < 6 || strcmp(de->d_name + len - 5, ".yaml") != 0)
            continue;
        n++;
        if (!recipe_case_run(w->mem, w->r, dir, arena_strndup(w->mem, de->d_name, len - 5), &why))
            fail_msg("%s/%s: %s", dir, de->d_name, why.text);
    }
    closedir(d);
    assert_true(n >= 3);
}

static void every_recipe_has_cases_and_they_hold(void **state)
{
    (void)state;
    each_recipe(run_cases);
}

/* Bodies that are no answer. */
static const char *const nonsense[] = {
    "",
    " ",
    "null",
    "[null]",
    "{}",
    "[]",
    "5",
    "\"text\"",
    "true",
    "{\"message\":\"rate limited\"}",
    "{\"error\":{\"code\":429}}",
    "{\"data\":null}",
    "{\"data\":5}",
    "{\"data\":[{}]}",
    "[[]]",
    "[{}]",
    "[{\"name\":5}]",
    "[{\"name\":null}]",
    "{\"a\":",
    "[1,2",
    "{\"a\":\"PASS\"",
    "<html><body>sign in</body></html>",
    "NaN",
    "{'a':1}",
    "[{\"name\":\"x\",\"status\":\"\\u0000\"}]",
    "[{\"name\":{},\"data\":[],\"report\":5}]",
    "\xff\xfe\x00\x00",
    "{\"a\":{\"b\":[[[[[[[[]]]]]]]]}}",
    "<a href=\"/public-report/",
};

static void check_rows(const struct row_set *rs, const char *what)
{
    enum status s;

    for (size_t i = 0; i < rs->nrows; i++) {
        const char *status = row_set_text(rs, i, "status");
        if (!status_parse(status, &s) || s == STATUS_OK)
            fail_msg("%s gave a row with status %s", what, status);
        for (size_t c = 0; c < rs->ncols; c++) {
            const char *t = row_set_at(rs, i, (int)c)->text;
            assert_true(utf8_is_clean(t, strlen(t), UTF8_KEEP_LF));
        }
    }
}

/* True when it mapped; rows are checked. */
static bool feed(struct walk *w, size_t step, int http_status, const char *body, size_t len)
{
    struct sandbox *sb = sandbox_new();
    struct map_step ms;
    struct row_set *rs = NULL;
    char *next = NULL;
    int64_t total;
    struct err e = { 0 };
    const struct bind extra[] = { { .name = "name", .type = CELL_TEXT, .text = "probe" },
                                  { .name = "verdict", .type = CELL_TEXT, .text = "PASS" },
                                  { .name = "id", .type = CELL_TEXT, .text = "1" } };

    plan_map_step(w->mem, w->r, step, "test", "{}", w->params, w->r->nparams, &ms);
    bool ok = sandbox_map(sb, &ms, extra, ARRAY_LEN(extra), body, len, http_status,
                          "application/json", "{}", 1795226683000, NULL, &rs, &next, &total, &e);
    if (ok)
        check_rows(rs, body);
    else
        assert_true(strlen(e.text) > 10);
    row_set_free(rs);
    free(next);
    sandbox_free(sb);
    return ok;
}

static void feed_nonsense(struct walk *w)
{
    for (size_t s = 0; s < w->r->nsteps; s++)
        for (size_t i = 0; i < ARRAY_LEN(nonsense); i++)
            feed(w, s, 200, nonsense[i], i == 26 ? 4 : strlen(nonsense[i]));
}

static void nonsense_in_place_of_an_answer_is_never_ok(void **state)
{
    (void)state;
    each_recipe(feed_nonsense);
}

/* Ten thousand children of a shape no recipe expects, and a nest deeper than any answer. */
static void feed_large(struct walk *w)
{
    struct sbuf sb;

    sbuf_init(&sb, 8 << 20);
    sbuf_addc(&sb, '[');
    for (int i = 0; i < 10000; i++)
        sbuf_addf(&sb, "%s{\"x\":{\"y\":[%d]},\"z\\u001b\":\"\\ud800\"}", i ? "," : "", i);
    sbuf_addc(&sb, ']');
    for (size_t s = 0; s < w->r->nsteps; s++)
        feed(w, s, 200, sb.buf, sb.len);
    sbuf_reset(&sb);
    for (int i = 0; i < 5000; i++)
        sbuf_addc(&sb, '[');
    for (size_t s = 0; s < w->r->nsteps; s++)
        if (w->r->steps[s].format == FORMAT_JSON)
            assert_false(feed(w, s, 200, sb.buf, sb.len));
    sbuf_release(&sb);
}

static void large_and_deep_bodies_end_in_rows_or_errors(void **state)
{
    (void)state;
    each_recipe(feed_large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recipe_has_cases_and_they_hold),
        cmocka_unit_test(nonsense_in_place_of_an_answer_is_never_ok),
        cmocka_unit_test(large_and_deep_bodies_end_in_rows_or_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
