/* recipe list | show | test | new. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/store/sandbox.h"

#include "app_priv.h"
#include "recipe_case.h"

static int recipes_list(struct app *a)
{
    static const char *const names[] = { "name", "system", "connector", "every", "help", "file" };
    static const struct out_column cols[] = {
        { "name", "RECIPE", AS_TEXT },         { "system", "SYSTEM", AS_TEXT },
        { "connector", "CONNECTOR", AS_TEXT }, { "every", "EVERY", AS_TEXT },
        { "help", "HELP", AS_TEXT },
    };
    struct cfg_problems ps = { .mem = a->mem };
    struct row_set *rs = row_set_new(names, ARRAY_LEN(names));
    char **paths, every[TIME_TEXT_MAX];
    size_t n = recipe_list(a->mem, &a->dirs, &paths);

    for (size_t i = 0; i < n; i++) {
        struct recipe *r = recipe_load(a->mem, paths[i], &ps);
        if (!r)
            continue;
        struct cell *c = row_set_add(rs);
        const char *values[] = { r->name, r->system, r->connector, dur_format(r->every_ms, every),
                                 r->help, r->file };
        for (size_t k = 0; k < ARRAY_LEN(values); k++)
            cell_set_text(&c[k], rs, values[k]);
    }
    if (a->o.out == OUT_JSON) {
        out_objects(a, rs);
    } else if (a->o.out == OUT_CSV) {
        out_csv(a, rs);
    } else {
        out_table(a, rs, cols, ARRAY_LEN(cols));
    }
    app_print_problems(&ps);
    bool ok = cfg_problems_errors(&ps) == 0;
    cfg_problems_release(&ps);
    row_set_free(rs);
    return ok ? EXIT_GOOD : EXIT_CONFIG;
}

/* A name of a shipped or own recipe, or a path. */
static char *recipe_path(struct app *a, const char *what, struct err *e)
{
    char *path = strchr(what, '/') || access(what, R_OK) == 0 ? arena_strdup(a->mem, what)
                                                              : recipe_find(a->mem, &a->dirs, what);

    if (!path)
        err_set(e, ERR_NOT_FOUND, 0, "no recipe \"%s\" (opsdeck recipe list shows those there are)",
                what);
    return path;
}

static int recipe_show(struct app *a)
{
    struct err e = { 0 };
    size_t len;
    char *path = recipe_path(a, a->o.args[1], &e),
         *text = path ? read_whole_file(path, &len, &e) : NULL;

    if (!text)
        return fail(a, &e);
    if (a->o.out == OUT_JSON) {
        struct json j = out_document(&a->out);
        json_object(&j, NULL);
        json_text(&j, "file", path);
        json_text(&j, "text", text);
        json_close(&j);
        out_add(&a->out, "\n");
    } else {
        out_addf(&a->out, "# %s\n%s", path, text);
    }
    free(text);
    return EXIT_GOOD;
}

/* Where the cases of a recipe are: --fixtures, beside a recipe given as a file, or the shipped ones
 * of a build tree. */
static char *fixtures_dir(struct app *a, const struct recipe *r)
{
    struct stat st;

    if (a->o.fixtures)
        return arena_strdup(a->mem, a->o.fixtures);
    char *dir = arena_strdup(a->mem, r->file), *slash = strrchr(dir, '/');
    if (slash)
        *slash = '\0';
    char *beside = arena_printf(a->mem, "%s/fixtures/%s", slash ? dir : ".", r->name);
    if (stat(beside, &st) == 0)
        return beside;
    for (size_t i = 0; i < a->dirs.n; i++) {
        char *shipped = arena_printf(a->mem, "%s/tests/fixtures/%s", a->dirs.v[i], r->name);
        if (stat(shipped, &st) == 0)
            return shipped;
    }
    return beside;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t list_cases(struct arena *mem, const char *dir, char ***out)
{
    DIR *d = opendir(dir);
    struct dirent *de;
    size_t n = 0, cap = 0;
    char **v = NULL;

    while (d && (de = readdir(d))) {
        size_t len = strlen(de->d_name);
        if (len < 6 || strcmp(de->d_name + len - 5, ".yaml") != 0)
            continue;
        VEC_GROW(v, n, cap);
        v[n++] = arena_strndup(mem, de->d_name, len - 5);
    }
    if (d)
        closedir(d);
    if (n)
        qsort(v, n, sizeof *v, by_name);
    *out = v;
    return n;
}

static int recipe_test(struct app *a)
{
    static const char *const names[] = { "name", "ok", "detail", "place" };
    struct cfg_problems ps = { .mem = a->mem };
    struct err e = { 0 };
    char *path = recipe_path(a, a->o.args[1], &e), **cases = NULL;

    if (!path)
        return fail(a, &e);
    struct recipe *r = plan_recipe(a->mem, path, &ps);
    struct row_set *rs = row_set_new(names, ARRAY_LEN(names));
    struct cell *c = row_set_add(rs);
    cell_set_text(&c[0], rs, "recipe loads and its SQL compiles");
    cell_set_int(&c[1], rs, r != NULL);
    cell_set_text(&c[2], rs, r ? "yes" : ps.n ? ps.v[0].text : "no");
    cell_set_text(&c[3], rs,
                  ps.n && ps.v[0].pos.file ? arena_printf(a->mem, "%s:%d:%d", ps.v[0].pos.file,
                                                          ps.v[0].pos.line, ps.v[0].pos.col)
                                           : path);
    char *dir = r ? fixtures_dir(a, r) : NULL;
    size_t n = r ? list_cases(a->mem, dir, &cases) : 0;
    for (size_t i = 0; i < n; i++) {
        struct err why = { 0 };
        bool ok = recipe_case_run(a->mem, r, dir, cases[i], &why);
        c = row_set_add(rs);
        cell_set_text(&c[0], rs, cases[i]);
        cell_set_int(&c[1], rs, ok);
        cell_set_text(&c[2], rs, ok ? "as expected" : why.text);
        cell_set_text(&c[3], rs, arena_printf(a->mem, "%s/%s.yaml", dir, cases[i]));
    }
    bool ok = out_checks(a, rs);
    if (r && n == 0)
        fprintf(stderr,
                "opsdeck: no cases in %s: a case is NAME.body and NAME.yaml (http_status, headers, "
                "params, now, expect_rows or expect_error)\n",
                dir);
    if (!r && a->o.out == OUT_TEXT)
        app_print_problems(&ps);
    free(cases);
    row_set_free(rs);
    cfg_problems_release(&ps);
    return ok ? EXIT_GOOD : EXIT_SOME;
}

static int recipe_new(struct app *a)
{
    const char *name = a->o.args[1];

    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name)) {
        struct err e;
        err_set(&e, ERR_USAGE, 0, "recipe names have a-z, 0-9 and - only");
        return fail(a, &e);
    }
    out_addf(
        &a->out,
        "# %s: put this below recipes/ beside your config.yaml\n"
        "recipe: %s\nsystem: The system's name\nhelp: what its rows are\nconnector: "
        "http\nevery: 1m\n"
        "params:\n  team: {type: string, default: \"\", help: only rows of this team}\n"
        "steps:\n  - name: list\n    request: {path: /api/things, query: {team: \"{team}\"}}\n  "
        "  format: json\n"
        "    expect: {path: \"$\", type: array}\n    rows:\n      - kind: thing\n        "
        "complete: true\n        sql: |\n"
        "          WITH d AS MATERIALIZED (SELECT value FROM json_each(:body))\n"
        "          SELECT value->>'id' AS key, value->>'name' AS name, std(value->>'state') AS "
        "status,\n"
        "                 value->>'message' AS summary, time_auto(value->>'changed') AS since\n "
        "         FROM d\n",
        name, name);
    return EXIT_GOOD;
}

int cmd_recipe(struct app *a)
{
    static const struct {
        const char *name;
        size_t nargs;
        int (*run)(struct app *a);
    } verbs[] = { { "list", 1, recipes_list },
                  { "show", 2, recipe_show },
                  { "test", 2, recipe_test },
                  { "new", 2, recipe_new } };
    const char *verb = a->o.nargs ? a->o.args[0] : "";
    struct err e;

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].name, verb) != 0)
            continue;
        if (a->o.nargs != verbs[i].nargs)
            break;
        int status = app_settings(a);
        return status ? status : verbs[i].run(a);
    }
    err_set(&e, ERR_USAGE, 0, "recipe %s: expected list, show NAME, test NAME|FILE or new NAME",
            verb);
    return fail(a, &e);
}
