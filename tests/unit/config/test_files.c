/* Recipes, panes, themes, keymaps: the shipped ones load, mistakes are told with their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/config/recipe.h"
#include "opsdeck/config/ui_files.h"

struct files {
    struct arena *mem;
    struct cfg_problems ps;
    char dir[64];
};

static void begin(struct files *f)
{
    *f = (struct files){ .mem = arena_new(), .dir = "/tmp/opsdeck-unit-XXXXXX" };
    f->ps.mem = f->mem;
    assert_non_null(mkdtemp(f->dir));
}

static const char *put(struct files *f, const char *name, const char *text)
{
    char *path = arena_printf(f->mem, "%s/%s", f->dir, name);
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    chmod(path, 0600);
    return path;
}

static void end(struct files *f, const char *name)
{
    unlink(arena_printf(f->mem, "%s/%s", f->dir, name));
    rmdir(f->dir);
    cfg_problems_release(&f->ps);
    arena_free(f->mem);
}

static bool told(const struct files *f, int line, const char *word)
{
    for (size_t i = 0; i < f->ps.n; i++)
        if ((!line || f->ps.v[i].pos.line == line) &&
            (strstr(f->ps.v[i].text, word) || (f->ps.v[i].hint && strstr(f->ps.v[i].hint, word))))
            return true;
    for (size_t i = 0; i < f->ps.n; i++)
        print_message("  %d:%d %s: %s (%s)\n", f->ps.v[i].pos.line, f->ps.v[i].pos.col,
                      f->ps.v[i].path, f->ps.v[i].text, f->ps.v[i].hint ? f->ps.v[i].hint : "");
    return false;
}

static void all_shipped_files_load(void **state)
{
    (void)state;
    struct data_dirs dirs = { .v = { "config", "." }, .n = 2 };
    struct arena *mem = arena_new();
    struct cfg_problems ps = { .mem = mem };
    static const char *const roles[] = {
        "text",    "dim",  "title",  "border", "border.focus", "selection", "mark",   "header",
        "ok",      "info", "warn",   "crit",   "unknown",      "stale",     "added",  "changed",
        "removed", "link", "prompt", "error",  "env.live",     "env.demo",  "env.dev"
    };
    static const char *const themes[] = { "terminal", "terminal-hc", "mono",
                                          "dark256",  "light256",    "deutan" };
    char **paths;
    size_t n = recipe_list(mem, &dirs, &paths);

    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++)
        assert_non_null(recipe_load(mem, paths[i], &ps));
    n = pane_list(mem, &dirs, &paths);
    assert_true(n >= 3);
    for (size_t i = 0; i < n; i++)
        assert_non_null(pane_load(mem, paths[i], &ps));
    for (size_t i = 0; i < ARRAY_LEN(themes); i++) {
        char *path = theme_find(mem, &dirs, themes[i]);
        assert_non_null(path);
        assert_non_null(theme_load(mem, path, roles, ARRAY_LEN(roles), &ps));
    }
    assert_int_equal(ps.n, 0);
    cfg_problems_release(&ps);
    arena_free(mem);
}

static void a_recipe_is_read_whole(void **state)
{
    (void)state;
    struct files f;

    begin(&f);
    const char *path =
        put(&f, "r.yaml",
            "recipe: r\nsystem: S\nconnector: http\nevery: 30s\nrate_per_minute: 60\n"
            "params:\n  team: {type: string, default: a b}\n  n: {type: int, default: 3}\n  ids: "
            "{type: list, default: [1, x]}\n"
            "  wait: {type: duration, default: 2m}\n"
            "steps:\n  - name: one\n    request: {path: \"/x/{team}\", query: {n: \"{n}\"}, "
            "headers: {X-Team: \"{team}\"}, accept_status: [200, 404]}\n"
            "    page: {next: \"SELECT 1\", into: {query: token}}\n    expect: {path: $.a, type: "
            "array}\n"
            "    rows:\n      - {kind: thing, complete: true, volatile: [seen], sql: \"SELECT 1 AS "
            "key\"}\n"
            "  - name: two\n    for: SELECT 1 AS id\n    for_max: 5\n    on_error: next\n    "
            "format: text\n    request: {path: \"/y/{id}\"}\n");
    struct recipe *r = recipe_load(f.mem, path, &f.ps);
    assert_true(r || told(&f, 0, "nothing"));
    assert_int_equal(r->every_ms, 30000);
    assert_int_equal(r->timeout_ms, 0);
    assert_int_equal(r->body_max, 8 << 20);
    assert_int_equal(r->rate_per_min, 60);
    assert_int_equal(r->nsteps, 2);
    const struct step_def *one = &r->steps[0], *two = &r->steps[1];
    assert_string_equal(one->request.method, "GET");
    assert_int_equal(one->request.accept_status[1], 404);
    assert_int_equal(one->page.kind, PAGE_NEXT_QUERY);
    assert_string_equal(one->page.into, "token");
    assert_int_equal(one->expect, EXPECT_ARRAY);
    assert_string_equal(one->expect_path, "$.a");
    assert_true(one->rows[0].is_complete);
    assert_string_equal(one->rows[0].volatile_cols[0], "seen");
    assert_int_equal(two->fan_max, 5);
    assert_int_equal(two->on_error, STEP_NEXT);
    assert_int_equal(two->format, FORMAT_TEXT);
    struct bind *b;
    assert_true(recipe_bind_map(f.mem, r, NULL, (struct cfg_pos){ 0 }, &b, &f.ps));
    assert_string_equal(b[0].text, "a b");
    assert_int_equal(b[1].i, 3);
    assert_string_equal(b[2].text, "[\"1\",\"x\"]");
    assert_int_equal(b[3].i, 120000);
    const struct bind *sets[] = { b };
    const size_t counts[] = { 4 };
    char *out;
    assert_true(template_expand(f.mem, "/x/{team}/{{{n}}}", sets, counts, 1, true, &out, NULL));
    assert_string_equal(out, "/x/a%20b/{3}");
    assert_true(template_expand(f.mem, "{team}", sets, counts, 1, false, &out, NULL));
    assert_string_equal(out, "a b");
    struct err e = { 0 };
    assert_false(template_expand(f.mem, "{nobody}", sets, counts, 1, true, &out, &e));
    assert_non_null(strstr(e.text, "{nobody}"));
    end(&f, "r.yaml");
}

static void mistakes_in_a_recipe_are_told_together(void **state)
{
    (void)state;
    struct files f;

    begin(&f);
    const char *path =
        put(&f, "r.yaml",
            "recipe: r\nsystem: S\nconnector: http\nevery: 30\nsteps:\n  - name: one\n    request: "
            "{path: \"/x\"}\n"
            "    fromat: json\n    rows:\n      - {kind: t, sql: \"SELECT 1 AS key\"}\n");
    assert_null(recipe_load(f.mem, path, &f.ps));
    assert_true(told(&f, 4, "duration"));
    assert_true(told(&f, 8, "did you mean `format`?"));
    cfg_problems_release(&f.ps);
    f.ps = (struct cfg_problems){ .mem = f.mem };
    path = put(&f, "r.yaml",
               "recipe: r\nsystem: S\nconnector: http\nparams:\n  team: {type: string}\nsteps:\n  "
               "- name: one\n"
               "    request: {method: POST, path: \"x/{taem}\", headers: {Host: x}}\n    "
               "rows:\n      - kind: Thing\n        sql: |\n"
               "          SELECT value->>'app.kubernetes.io/name' AS key\n          FROM "
               "json_each(:body)\n");
    assert_null(recipe_load(f.mem, path, &f.ps));
    assert_true(told(&f, 8, "opsdeck only reads"));
    assert_true(told(&f, 8, "begin with /"));
    assert_true(told(&f, 8, "did you mean {team}?"));
    assert_true(told(&f, 8, "not a recipe's to set"));
    assert_true(told(&f, 10, "expected a name"));
    assert_true(told(&f, 12, "must be quoted"));
    end(&f, "r.yaml");
}

static void what_the_table_refuses_hides_no_other_mistake(void **state)
{
    (void)state;
    struct files f;

    begin(&f);
    const char *path =
        put(&f, "r.yaml",
            "recipe: r\nsystem: S\nconnector: http\nevery: 30\nparams:\n  team:\n  n: {type: it}\n"
            "steps:\n  - name: one\n    request: {path: \"/{taem}\", headers: {X-A: \"a\\nb\"}}\n"
            "    page: {next: SELECT 1, into: {body: token}}\n    rows:\n"
            "      - {kind: t, complete: true, sql: SELECT 1}\n"
            "      - {kind: t, complete: true, sql: SELECT 2}\n"
            "  - name: two\n    request:\n");
    assert_null(recipe_load(f.mem, path, &f.ps));
    assert_true(told(&f, 4, "add the unit"));
    assert_true(told(&f, 6, "says nothing"));
    assert_true(told(&f, 7, "did you mean `int`?"));
    assert_true(told(&f, 10, "did you mean {team}?"));
    assert_true(told(&f, 10, "cannot hold a line break"));
    assert_true(told(&f, 11, "but a GET has none"));
    assert_true(told(&f, 14, "holds all rows of this kind"));
    assert_true(told(&f, 16, "is empty"));
    end(&f, "r.yaml");
}

static void a_value_cannot_climb_out_of_its_path(void **state)
{
    (void)state;
    struct arena *mem = arena_new();
    struct bind one = { .name = "v", .type = CELL_TEXT };
    const struct bind *sets[] = { &one };
    const size_t counts[] = { 1 };
    static const struct {
        const char *value, *want;
    } cases[] = { { "..", "/a/%2E%2E/b" },      { ".", "/a/%2E/b" }, { "a.b", "/a/a.b/b" },
                  { "../x", "/a/..%2Fx/b" },    { "", "/a//b" },     { "?#%", "/a/%3F%23%25/b" },
                  { "\xc3\xa9", "/a/%C3%A9/b" } };
    char *out;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        one.text = cases[i].value;
        assert_true(template_expand(mem, "/a/{v}/b", sets, counts, 1, true, &out, NULL));
        assert_string_equal(out, cases[i].want);
    }
    arena_free(mem);
}

static void params_of_a_source_are_typed(void **state)
{
    (void)state;
    struct files f;
    struct bind *b;

    begin(&f);
    const char *path = put(&f, "r.yaml",
                           "recipe: r\nsystem: S\nconnector: http\nparams:\n  n: {type: int, "
                           "required: true}\n  ids: {type: list}\n"
                           "steps:\n  - {name: one, request: {path: /}}\n");
    struct recipe *r = recipe_load(f.mem, path, &f.ps);
    assert_non_null(r);
    const char text[] = "n: many\nidz: [1]\n";
    const struct cfg_node *map = cfg_read_text(f.mem, "c.yaml", text, sizeof text - 1, &f.ps);
    assert_false(recipe_bind_map(f.mem, r, map, map->pos, &b, &f.ps));
    assert_true(told(&f, 1, "whole number"));
    assert_true(told(&f, 2, "did you mean `ids`?"));
    assert_false(recipe_bind_map(f.mem, r, NULL, (struct cfg_pos){ "c.yaml", 9, 1 }, &b, &f.ps));
    assert_true(told(&f, 9, "needs this param"));
    end(&f, "r.yaml");
}

static void mistakes_in_panes_themes_and_keymaps_are_told(void **state)
{
    (void)state;
    struct files f;
    static const char *const names[] = { "refresh", "quit" }, *const roles[] = { "ok", "crit" };

    begin(&f);
    assert_null(pane_load(
        f.mem, put(&f, "p.yaml", "pane: p\nquery: SELECT 1\ncolumns:\n  - {from: a, as: colour}\n"),
        &f.ps));
    assert_true(told(&f, 4, "text, status"));
    assert_null(theme_load(f.mem,
                           put(&f, "p.yaml", "theme: t\nroles:\n  ok: {fg: greeen}\n  critt: {}\n"),
                           roles, 2, &f.ps));
    assert_true(told(&f, 3, "expected a colour"));
    assert_true(told(&f, 4, "did you mean `crit`?"));
    assert_null(keymap_load(f.mem, put(&f, "p.yaml", "keymap: k\nglobal:\n  refesh: [x]\n"), names,
                            2, &f.ps));
    assert_true(told(&f, 3, "did you mean `refresh`?"));
    end(&f, "p.yaml");
}

static void what_would_do_nothing_is_refused(void **state)
{
    (void)state;
    struct files f;
    static const char *const names[] = { "refresh" }, *const roles[] = { "ok" };

    begin(&f);
    assert_null(pane_load(f.mem,
                          put(&f, "p.yaml",
                              "pane: p\ntype: detail\nquery: SELECT 1\nsort: [a]\nlist:\n"
                              "  query: SELECT 1\n  columns:\n    - {from: a, min: 9, max: 3}\n"),
                          &f.ps));
    assert_true(told(&f, 4, "belongs to a table"));
    assert_true(told(&f, 8, "min: 9 is more than max: 3"));
    assert_null(pane_load(
        f.mem, put(&f, "p.yaml", "pane: p\nquery: SELECT 1\nfields: []\ncolumns: [{from: a}]\n"),
        &f.ps));
    assert_true(told(&f, 3, "belongs to a detail"));
    assert_null(theme_load(f.mem, put(&f, "p.yaml", "roles: [ok]\n"), roles, 1, &f.ps));
    assert_true(told(&f, 1, "does not say its name"));
    assert_true(told(&f, 1, "expected a map of roles"));
    assert_null(keymap_load(f.mem, put(&f, "p.yaml", "keymap: k\npanes: [x]\n"), names, 1, &f.ps));
    assert_true(told(&f, 2, "expected a map of pane"));
    end(&f, "p.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_shipped_files_load),
        cmocka_unit_test(a_recipe_is_read_whole),
        cmocka_unit_test(mistakes_in_a_recipe_are_told_together),
        cmocka_unit_test(what_the_table_refuses_hides_no_other_mistake),
        cmocka_unit_test(a_value_cannot_climb_out_of_its_path),
        cmocka_unit_test(params_of_a_source_are_typed),
        cmocka_unit_test(mistakes_in_panes_themes_and_keymaps_are_told),
        cmocka_unit_test(what_would_do_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
