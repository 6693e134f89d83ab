/* Recipe files: found, read, checked. See recipe.h. Steps: recipe_step.c; params: recipe_params.c.
 */
#include <string.h>

#include "recipe_priv.h"

char *recipe_find(struct arena *mem, const struct data_dirs *dirs, const char *name)
{
    return data_find(mem, dirs, "recipes", name);
}

size_t recipe_list(struct arena *mem, const struct data_dirs *dirs, char ***paths)
{
    return data_list(mem, dirs, "recipes", paths);
}

static bool read_steps(struct arena *mem, struct recipe *r, const struct cfg_node *list,
                       struct cfg_problems *ps)
{
    bool ok = true;

    if (!list || list->kind != CFG_SEQ)
        return false; /* the key table has complained */
    r->steps = arena_array(mem, list->n, sizeof *r->steps);
    for (size_t i = 0; i < list->n; i++) {
        const char *shown = arena_printf(ps->mem, "steps[%zu]", i);
        ok &= step_read(mem, r, list->items[i], shown, &r->steps[i], ps);
        for (size_t k = 0; k < i; k++) {
            if (!r->steps[i].name || !r->steps[k].name ||
                strcmp(r->steps[i].name, r->steps[k].name) != 0)
                continue;
            cfg_problem_add(ps, r->steps[i].pos, shown, NULL,
                            "a step named %s stands above already", r->steps[i].name);
            ok = false;
        }
        r->nsteps++;
    }
    if (list->n == 0)
        cfg_problem_add(ps, list->pos, "steps", NULL, "expected at least one step");
    return ok && list->n > 0;
}

/* The file is looked for by the recipe's name: the two must be the same. */
static bool check_file_name(const struct recipe *r, const struct cfg_node *root,
                            struct cfg_problems *ps)
{
    const char *base = strrchr(r->file, '/');
    size_t n = r->name ? strlen(r->name) : 0;

    if (!n || !cfg_get(root, "recipe"))
        return false;
    base = base ? base + 1 : r->file;
    if (!strncmp(base, r->name, n) && (!strcmp(base + n, ".yaml") || !strcmp(base + n, ".yml")))
        return true;
    cfg_problem_add(ps, cfg_get(root, "recipe")->pos, "recipe",
                    arena_printf(ps->mem, "call the file %s.yaml", r->name),
                    "the recipe is called %s, its file %s", r->name, base);
    return false;
}

/* FNV-1a: names a version of a file, guards nothing. */
static uint64_t fingerprint_of(const char *text, size_t len)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return h;
}

struct recipe *recipe_parse(struct arena *mem, const char *path, const char *text, size_t len,
                            struct cfg_problems *ps)
{
    struct recipe *r = arena_alloc(mem, sizeof *r);
    size_t first = ps->n;
    const struct cfg_node *root = cfg_read_data_text(mem, path, text, len, ps);

    if (!root)
        return NULL;
    r->fingerprint = fingerprint_of(text, len);
    /* What the table refuses does not hide what the readers below find: all is told at once. */
    bool ok = key_check(&recipe_table, "", root, "", ps);
    r->file = arena_strdup(mem, path);
    key_fill(&recipe_table, "", root, r, mem);
    if (!cfg_get(root, "timeout"))
        r->timeout_ms = 0;
    if (!r->help)
        r->help = "";
    ok &= check_file_name(r, root, ps);
    ok &= params_read(mem, r, cfg_get(root, "params"), ps);
    ok &= read_steps(mem, r, cfg_get(root, "steps"), ps);
    cfg_problems_sort(ps, first);
    return ok ? r : NULL;
}

struct recipe *recipe_load(struct arena *mem, const char *path, struct cfg_problems *ps)
{
    size_t len = 0;
    const char *text = cfg_slurp_data(mem, path, &len, ps);

    return text ? recipe_parse(mem, path, text, len, ps) : NULL;
}
