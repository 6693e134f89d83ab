/* Sources joined with recipes. See plan.h. */
#include "opsdeck/poll/plan.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/poll/connector.h"
#include "opsdeck/store/sandbox.h"

static struct map_sql map_sql_of(const struct sql_text *t)
{
    return (struct map_sql){
        .sql = t->sql, .file = t->pos.file, .line = t->pos.line, .col = t->pos.col
    };
}

_Static_assert((int)FORMAT_TEXT == (int)MAP_TEXT && (int)EXPECT_NUMBER == (int)MAP_EXPECT_NUMBER,
               "the words of a recipe and of the cache are the same, in the same order");

void plan_map_step(struct arena *mem, const struct recipe *r, size_t i, const char *source,
                   const char *labels_json, const struct bind *params, size_t nparams,
                   struct map_step *out)
{
    require(mem && r && out);
    require(i < r->nsteps);
    const struct step_def *st = &r->steps[i];
    struct map_rows *rows = arena_array(mem, st->nrows, sizeof *rows);

    for (size_t k = 0; k < st->nrows; k++)
        rows[k] = (struct map_rows){ .kind = st->rows[k].kind,
                                     .is_complete = st->rows[k].is_complete,
                                     .volatile_cols = st->rows[k].volatile_cols,
                                     .sql = map_sql_of(&st->rows[k].sql) };
    *out = (struct map_step){
        .source = source,
        .step = st->name,
        .format = (enum map_format)st->format,
        .expect_path = st->expect_path,
        .expect = (enum map_expect)st->expect,
        .rows = rows,
        .nrows = st->nrows,
        .next = map_sql_of(&st->page.next),
        .total = map_sql_of(&st->page.total),
        .until = map_sql_of(&st->wait_until),
        .is_sensitive = st->is_sensitive,
        .body_max = (size_t)r->body_max,
        .labels_json = labels_json,
        .params = params,
        .nparams = nparams,
        .fingerprint = r->fingerprint,
    };
}

/* A recipe's params change what its answers mean: they belong to the fingerprint (FNV-1a). */
static uint64_t fingerprint_with(uint64_t h, const struct bind *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *parts[] = { b[i].name, b[i].type == CELL_TEXT && b[i].text ? b[i].text : "" };
        for (size_t k = 0; k < ARRAY_LEN(parts); k++)
            for (const char *s = parts[k]; *s; s++)
                h = (h ^ (unsigned char)*s) * 1099511628211ULL;
        h = (h ^ (uint64_t)b[i].i) * 1099511628211ULL;
    }
    return h;
}

struct sql_check {
    struct sandbox *sb;
    struct arena *mem;
    const char **names; /* binds that are known */
    size_t nnames;
    struct cfg_problems *ps;
};

static void check_one(const struct sql_check *c, const struct sql_text *t, bool is_rows,
                      const char *path)
{
    struct map_sql m = map_sql_of(t);
    struct err e = { 0 };

    if (!t->sql || sandbox_check(c->sb, &m, c->names, c->nnames, is_rows, &e))
        return;
    /* The sandbox names the place; it stands in the problem's position already. */
    const char *text = e.text;
    const char *file = t->pos.file ? t->pos.file : "";
    if (!strncmp(text, file, strlen(file))) {
        const char *after = strstr(text, ": ");
        text = after ? after + 2 : text;
    }
    cfg_problem_add(c->ps, t->pos, path, NULL, "%s", text);
}

static void check_step(struct sql_check *c, const struct recipe *r, size_t i)
{
    const struct step_def *st = &r->steps[i];
    char *path = arena_printf(c->mem, "steps[%zu]", i);

    check_one(c, &st->when, false, path);
    check_one(c, &st->fan, false, path);
    /* Columns of `for` are binds of everything below; only running it tells their names. */
    if (!st->fan.sql) {
        check_one(c, &st->request.body_sql, false, path);
        check_one(c, &st->page.next, false, path);
        check_one(c, &st->page.total, false, path);
        check_one(c, &st->wait_until, false, path);
        for (size_t k = 0; k < st->nrows; k++)
            check_one(c, &st->rows[k].sql, true, path);
    } else {
        for (size_t k = 0; k < st->nrows; k++) {
            struct sql_check loose = *c;
            loose.names = NULL; /* any bind */
            check_one(&loose, &st->rows[k].sql, true, path);
        }
    }
}

struct recipe *plan_recipe(struct arena *mem, const char *path, struct cfg_problems *ps)
{
    require(mem && path && ps);
    size_t before = cfg_problems_errors(ps);
    struct recipe *r = recipe_load(mem, path, ps);

    if (!r)
        return NULL;
    const struct cfg_pos top = { r->file, 1, 1 };
    if (!connector_find(r->connector))
        cfg_problem_add(ps, top, "connector", NULL,
                        "no connector \"%s\": this build has http, file and aws", r->connector);
    struct sql_check c = { .sb = sandbox_new(), .mem = mem, .ps = ps };
    c.names = arena_array(mem, r->nparams + 1, sizeof *c.names);
    for (size_t i = 0; i < r->nparams; i++)
        c.names[c.nnames++] = r->params[i].name;
    for (size_t i = 0; i < r->nsteps; i++)
        check_step(&c, r, i);
    sandbox_free(c.sb);
    return cfg_problems_errors(ps) == before ? r : NULL;
}

struct loaded {
    const char *name;
    struct recipe *recipe; /* NULL: it was tried and is wrong */
};

static bool build_source(struct plan *p, const struct settings *s, const struct source_cfg *cfg,
                         struct recipe *r, struct plan_source *out, struct cfg_problems *ps)
{
    struct bind *params = NULL;
    struct err e = { 0 };

    if (!recipe_bind_params(p->mem, r, cfg, &params, ps))
        return false;
    struct bind *all = arena_array(p->mem, r->nparams + 1, sizeof *all);
    if (r->nparams)
        memcpy(all, params, r->nparams * sizeof *all);
    all[r->nparams] = (struct bind){ .name = "source", .type = CELL_TEXT, .text = cfg->name };
    *out = (struct plan_source){ .cfg = cfg,
                                 .recipe = r,
                                 .connector = connector_find(r->connector),
                                 .params = all,
                                 .nparams = r->nparams + 1 };
    if (!out->connector->check(out, &e)) {
        cfg_problem_add(ps, cfg->pos, arena_printf(p->mem, "source %s", cfg->name), NULL, "%s",
                        e.text);
        return false;
    }
    /* Whom is asked, and as whom: validators of another place mean nothing here. */
    const struct bind where[] = { { .name = "url", .type = CELL_TEXT, .text = cfg->url },
                                  { .name = "user", .type = CELL_TEXT, .text = cfg->auth.user },
                                  { .name = "p", .type = CELL_TEXT, .text = cfg->aws.profile },
                                  { .name = "r", .type = CELL_TEXT, .text = cfg->aws.region },
                                  { .name = "e", .type = CELL_TEXT, .text = cfg->aws.endpoint_url },
                                  { .name = "auth", .type = CELL_INT, .i = cfg->auth.kind } };
    int64_t floor_ms = (int64_t)out->connector->min_interval_s * 1000;
    out->every_ms = cfg->every_ms ? cfg->every_ms : r->every_ms;
    if (out->every_ms < floor_ms)
        out->every_ms = floor_ms;
    out->timeout_ms = cfg->timeout_ms ? cfg->timeout_ms
                      : r->timeout_ms ? r->timeout_ms
                                      : s->network.timeout_ms;
    out->steps = arena_array(p->mem, r->nsteps, sizeof *out->steps);
    for (size_t i = 0; i < r->nsteps; i++) {
        plan_map_step(p->mem, r, i, cfg->name, cfg->labels_json, all, r->nparams, &out->steps[i]);
        out->steps[i].fingerprint = fingerprint_with(
            fingerprint_with(r->fingerprint, all, r->nparams), where, ARRAY_LEN(where));
    }
    return true;
}

static struct recipe *load_once(struct plan *p, const struct source_cfg *cfg,
                                const struct data_dirs *dirs, struct loaded *seen, size_t *nseen,
                                struct cfg_problems *ps)
{
    for (size_t i = 0; i < *nseen; i++)
        if (!strcmp(seen[i].name, cfg->recipe))
            return seen[i].recipe;
    char *path = recipe_find(p->mem, dirs, cfg->recipe);
    struct recipe *r = NULL;
    if (path) {
        r = plan_recipe(p->mem, path, ps);
    } else {
        char **paths;
        size_t n = recipe_list(p->mem, dirs, &paths);
        const char **names = arena_array(p->mem, n + 1, sizeof *names);
        for (size_t i = 0; i < n; i++) {
            const char *base = strrchr(paths[i], '/');
            base = base ? base + 1 : paths[i];
            names[i] = arena_strndup(p->mem, base, strcspn(base, "."));
        }
        const char *near = cfg_nearest(cfg->recipe, names, n);
        cfg_problem_add(ps, cfg->pos, arena_printf(p->mem, "source %s", cfg->name),
                        near ? arena_printf(p->mem, "did you mean `%s`?", near) : NULL,
                        "no recipe \"%s\" (opsdeck recipe list shows those there are)",
                        cfg->recipe);
    }
    seen[(*nseen)++] = (struct loaded){ cfg->recipe, r };
    return r;
}

struct plan *plan_build(const struct settings *s, const struct data_dirs *dirs,
                        struct cfg_problems *ps)
{
    require(s && dirs && ps);
    struct plan *p = xcalloc(1, sizeof *p);
    size_t nseen = 0, before = cfg_problems_errors(ps);

    p->mem = arena_new();
    p->sources = arena_array(p->mem, s->nsources, sizeof *p->sources);
    struct loaded *seen = arena_array(p->mem, s->nsources, sizeof *seen);
    for (size_t i = 0; i < s->nsources; i++) {
        const struct source_cfg *cfg = &s->sources[i];
        if (cfg->is_disabled)
            continue;
        struct recipe *r = load_once(p, cfg, dirs, seen, &nseen, ps);
        if (r && build_source(p, s, cfg, r, &p->sources[p->nsources], ps))
            p->nsources++;
    }
    if (cfg_problems_errors(ps) == before)
        return p;
    plan_free(p);
    return NULL;
}

static bool set_one(struct plan *p, struct plan_source *src, const char *name, const char *value,
                    bool is_real, struct err *e)
{
    struct bind b;

    if (!recipe_bind_text(p->mem, src->recipe, name, value, &b, e))
        return false;
    if (!is_real)
        return true;
    for (size_t i = 0; i < src->nparams; i++)
        if (!strcmp(src->params[i].name, name))
            src->params[i] = b;
    for (size_t i = 0; i < src->recipe->nsteps; i++)
        src->steps[i].fingerprint = fingerprint_with(src->steps[i].fingerprint, &b, 1);
    return true;
}

static bool assign(struct plan *p, const char *source, const char *assignment, bool is_real,
                   struct err *e)
{
    const char *eq = strchr(assignment, '=');
    bool is_found = false, is_set = false;

    if (!eq || eq == assignment)
        return err_set(e, ERR_USAGE, 0, "--set %s: expected NAME=VALUE", assignment);
    const char *name = arena_strndup(p->mem, assignment, (size_t)(eq - assignment));
    for (size_t i = 0; i < p->nsources; i++) {
        struct plan_source *src = &p->sources[i];
        if (source && strcmp(src->cfg->name, source) != 0)
            continue;
        is_found = true;
        if (set_one(p, src, name, eq + 1, is_real, e))
            is_set = true;
        else if (source)
            return false;
    }
    if (source && !is_found)
        return err_set(e, ERR_USAGE, 0, "no source \"%s\" in the config", source);
    if (is_set)
        *e = (struct err){ 0 }; /* others that do not have it are none the worse */
    return is_set;
}

bool plan_set(struct plan *p, const char *source, const char *assignment, struct err *e)
{
    require(p && assignment);
    return assign(p, source, assignment, true, e);
}

bool plan_can_set(struct plan *p, const char *source, const char *assignment, struct err *e)
{
    require(p && assignment);
    return assign(p, source, assignment, false, e);
}

bool plan_is_on_demand(const struct plan *p, const char *source)
{
    require(p && source);
    for (size_t i = 0; i < p->nsources; i++)
        if (!strcmp(p->sources[i].cfg->name, source))
            return p->sources[i].recipe->is_on_demand;
    return false;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    arena_free(p->mem);
    free(p);
}
