/* Reads the estate and the answers. See answers.h; docs/simulator.md says how they are written. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/config/settings.h"
#include "opsdeck/config/tree.h"

#include "answers_priv.h"

enum {
    PROBLEMS_MAX_BYTES = 256 * 1024
};

/* Where SQLite saw the mistake, else where the name it tells stands, else the beginning. */
static void add_sql_problem(struct answers *a, const struct cfg_node *sql, size_t base,
                            const char *path, struct cfg_problems *ps)
{
    const char *text = sqlite3_errmsg(a->db), *name = strstr(text, ": ");
    const char *found = name ? strstr(sql->text + base, name + 2) : NULL;
    int off = sqlite3_error_offset(a->db);
    size_t at = base;

    if (off >= 0)
        at = base + (size_t)off;
    else if (found)
        at = (size_t)(found - sql->text);
    cfg_problem_add(ps, cfg_pos_inside(sql->pos, sql->text, at), path, NULL, "%s", text);
}

static bool is_text(const struct cfg_node *n, const char *path, struct cfg_problems *ps)
{
    if (n->kind == CFG_SCALAR && n->text[0])
        return true;
    cfg_problem_add(ps, n->pos, path, NULL, "expected a text");
    return false;
}

/* Runs every statement of a script. */
static void run_script(struct answers *a, const struct cfg_node *sql, const char *path,
                       struct cfg_problems *ps)
{
    const char *rest = sql->text;

    while (*rest) {
        size_t base = (size_t)(rest - sql->text);
        sqlite3_stmt *q = NULL;
        int rc = sqlite3_prepare_v2(a->db, rest, -1, &q, &rest);
        while (rc == SQLITE_OK && q && sqlite3_step(q) == SQLITE_ROW) {
        }
        if (rc == SQLITE_OK)
            rc = sqlite3_finalize(q);
        if (rc != SQLITE_OK) {
            add_sql_problem(a, sql, base, path, ps);
            return;
        }
    }
}

static sqlite3_stmt *prepare(struct answers *a, const struct cfg_node *sql, const char *path,
                             int least, int most, struct cfg_problems *ps)
{
    sqlite3_stmt *q = NULL;
    const char *rest;

    if (!is_text(sql, path, ps))
        return NULL;
    if (sqlite3_prepare_v2(a->db, sql->text, -1, &q, &rest) != SQLITE_OK) {
        add_sql_problem(a, sql, 0, path, ps);
        return NULL;
    }
    rest += strspn(rest, " \t\n;");
    int columns = sqlite3_column_count(q);
    if (!*rest && sqlite3_stmt_readonly(q) && columns >= least && columns <= most)
        return q;
    cfg_problem_add(ps, sql->pos, path, NULL, "expected one SELECT of %d to %d columns, got %d",
                    least, most, columns);
    sqlite3_finalize(q);
    return NULL;
}

static const char *text_of(struct answers *a, const struct cfg_node *map, const char *key)
{
    const struct cfg_node *n = cfg_get(map, key);

    return n && n->kind == CFG_SCALAR && n->text[0] ? arena_strdup(a->mem, n->text) : NULL;
}

/* Every key is one of `known` (ends with NULL). */
static void check_keys(const struct cfg_node *map, const char *const *known, const char *path,
                       struct cfg_problems *ps)
{
    size_t n = 0;

    while (known[n])
        n++;
    for (size_t i = 0; map && map->kind == CFG_MAP && i < map->n; i++) {
        size_t k = 0;
        while (k < n && strcmp(known[k], map->keys[i]) != 0)
            k++;
        const char *near = k == n ? cfg_nearest(map->keys[i], known, n) : NULL;
        if (k == n)
            cfg_problem_add(ps, map->key_pos[i],
                            arena_printf(ps->mem, "%s%s%s", path, *path ? "." : "", map->keys[i]),
                            near ? arena_printf(ps->mem, "did you mean `%s`?", near) : NULL,
                            "unknown key");
    }
}

static void read_page(struct answers *a, struct answer *an, const struct cfg_node *page,
                      const char *path, struct cfg_problems *ps)
{
    static const char *const known[] = { "in",        "out",      "max",       "size", "most",
                                         "bad_token", "is_sized", "truncated", NULL };
    const char *size = text_of(a, page, "size"), *most = text_of(a, page, "most");

    check_keys(page, known, path, ps);
    an->page = (struct aws_paging){ .token_in = text_of(a, page, "in"),
                                    .max = text_of(a, page, "max"),
                                    .token_out = text_of(a, page, "out"),
                                    .fallback = size ? strtoll(size, NULL, 10) : 0,
                                    .bad_token = text_of(a, page, "bad_token") };
    an->page.cap = most ? strtoll(most, NULL, 10) : an->page.fallback;
    an->is_sized = text_of(a, page, "is_sized") != NULL;
    an->truncated = text_of(a, page, "truncated");
    if (!an->page.token_in || !an->page.token_out || !an->page.bad_token || an->page.fallback < 1)
        cfg_problem_add(ps, page->pos, path, NULL, "needs in, out, size and bad_token");
}

/* One text, or a list of them. */
static size_t count_of(const struct cfg_node *n)
{
    return !n ? 0 : n->kind == CFG_SEQ ? n->n : 1;
}

static const struct cfg_node *item_of(const struct cfg_node *n, size_t i)
{
    return n->kind == CFG_SEQ ? n->items[i] : n;
}

static void read_checks(struct answers *a, struct answer *an, const struct cfg_node *op,
                        const char *path, struct cfg_problems *ps)
{
    const struct cfg_node *needs = cfg_get(op, "needs"), *fails = cfg_get(op, "fails");

    an->needs = arena_array(a->mem, count_of(needs) + 1, sizeof *an->needs);
    an->fails = arena_array(a->mem, count_of(fails) + 1, sizeof(sqlite3_stmt *));
    for (size_t i = 0; i < count_of(needs); i++)
        if (is_text(item_of(needs, i), path, ps))
            an->needs[an->nneeds++] = arena_strdup(a->mem, item_of(needs, i)->text);
    for (size_t i = 0; i < count_of(fails); i++) {
        const char *at = arena_printf(ps->mem, "%s.fails[%zu]", path, i);
        sqlite3_stmt *q = prepare(a, item_of(fails, i), at, 2, 4, ps);
        if (q)
            an->fails[an->nfails++] = q;
    }
}

static void read_op(struct answers *a, const char *service, const char *name,
                    const struct cfg_node *op, const struct cfg_node *page, struct cfg_problems *ps)
{
    static const char *const known[] = { "route",  "needs", "fails", "list",
                                         "answer", "page",  "root",  NULL };
    const char *path = arena_printf(ps->mem, "operations.%s", name);
    const struct cfg_node *answer = cfg_get(op, "answer");
    struct answer an = { .root = text_of(a, op, "root"), .list = text_of(a, op, "list") };

    check_keys(op, known, path, ps);
    page = cfg_get(op, "page") ? cfg_get(op, "page") : page;
    if (an.list && page)
        read_page(a, &an, page, arena_printf(ps->mem, "%s.page", path), ps);
    else if (an.list)
        cfg_problem_add(ps, op->pos, path, NULL, "a list needs a page");
    read_checks(a, &an, op, path, ps);
    if (answer)
        an.select = prepare(a, answer, arena_printf(ps->mem, "%s.answer", path), 1, 1, ps);
    else
        cfg_problem_add(ps, op->pos, path, NULL, "needs an answer");
    VEC_GROW(a->answers, a->n, a->answers_cap);
    a->answers[a->n] = an;
    VEC_GROW(a->ops, a->n, a->cap);
    a->ops[a->n++] =
        (struct aws_op){ service, arena_strdup(a->mem, name), text_of(a, op, "route"), NULL };
}

static bool is_service(const char *name)
{
    for (size_t i = 0; name && i < aws_nservices; i++)
        if (strcmp(aws_services[i].name, name) == 0)
            return true;
    return false;
}

static void read_service(struct answers *a, const char *file, struct cfg_problems *ps)
{
    static const char *const known[] = { "service", "page", "operations", NULL };
    const struct cfg_node *root = cfg_read_data_file(ps->mem, file, ps);
    const struct cfg_node *ops = cfg_get(root, "operations");
    const char *service = text_of(a, root, "service");

    if (!root)
        return;
    check_keys(root, known, "", ps);
    if (!is_service(service))
        cfg_problem_add(ps, root->pos, "service", NULL, "the simulator speaks no such service");
    if (!ops || ops->kind != CFG_MAP)
        cfg_problem_add(ps, root->pos, "operations", NULL, "expected operations by name");
    for (size_t i = 0; service && ops && ops->kind == CFG_MAP && i < ops->n; i++)
        read_op(a, service, ops->keys[i], ops->items[i], cfg_get(root, "page"), ps);
}

static void read_estate(struct answers *a, const char *file, struct cfg_problems *ps)
{
    static const char *const known[] = { "estate", NULL };
    const struct cfg_node *root = cfg_read_data_file(ps->mem, file, ps);
    const struct cfg_node *sql = cfg_get(root, "estate");

    if (!root)
        return;
    check_keys(root, known, "", ps);
    if (!sql)
        cfg_problem_add(ps, root->pos, "estate", NULL, "expected the estate's tables as SQL");
    else if (is_text(sql, "estate", ps))
        run_script(a, sql, "estate", ps);
}

static int is_yaml(const struct dirent *d)
{
    const char *dot = strrchr(d->d_name, '.');

    return d->d_name[0] != '.' && dot && strcmp(dot, ".yaml") == 0;
}

static void read_folder(struct answers *a, const char *dir, struct cfg_problems *ps)
{
    const char *sub = arena_printf(ps->mem, "%s/answers", dir);
    struct dirent **v = NULL;
    int n = scandir(sub, &v, is_yaml, alphasort);

    read_estate(a, arena_printf(ps->mem, "%s/estate.yaml", dir), ps);
    for (int i = 0; i < n; i++) {
        read_service(a, arena_printf(ps->mem, "%s/%s", sub, v[i]->d_name), ps);
        free(v[i]);
    }
    free(v);
}

/* The first folder of data that has a demo's answers; NULL: none. */
static const char *find_folder(struct arena *mem)
{
    struct data_dirs dirs;

    data_dirs_find(mem, NULL, &dirs);
    for (size_t i = 0; i < dirs.n; i++)
        if (access(arena_printf(mem, "%s/demo/answers", dirs.v[i]), F_OK) == 0)
            return arena_printf(mem, "%s/demo", dirs.v[i]);
    return NULL;
}

static void tell_problems(const struct cfg_problems *ps)
{
    struct sbuf text;

    sbuf_init(&text, PROBLEMS_MAX_BYTES);
    for (size_t i = 0; i < ps->n; i++)
        cfg_problem_format(&ps->v[i], &text);
    fputs(text.buf, stderr);
    sbuf_release(&text);
}

struct answers *answers_load(void)
{
    struct answers *a = xcalloc(1, sizeof *a);
    struct arena *mem = arena_new();
    struct cfg_problems ps = { .mem = mem };
    const char *dir = find_folder(mem);

    a->mem = arena_new();
    a->told = -1;
    bool ok = dir && answers_open(a);
    if (ok)
        read_folder(a, dir, &ps);
    else
        fputs("opsdeck-sim: no folder of data has demo/answers; OPSDECK_DATA names one\n", stderr);
    tell_problems(&ps);
    ok = ok && cfg_problems_errors(&ps) == 0;
    cfg_problems_release(&ps);
    arena_free(mem);
    if (ok)
        return a;
    answers_free(a);
    return NULL;
}

void answers_free(struct answers *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t k = 0; k < a->answers[i].nfails; k++)
            sqlite3_finalize(a->answers[i].fails[k]);
        sqlite3_finalize(a->answers[i].select);
    }
    sqlite3_close(a->db);
    free(a->ops);
    free(a->answers);
    arena_free(a->mem);
    free(a);
}

const struct aws_op *answers_ops(const struct answers *a, size_t *n)
{
    *n = a->n;
    return a->ops;
}
