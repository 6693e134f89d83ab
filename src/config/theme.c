/* Theme files: roles with colours, attributes and symbols. See ui_files.h. */
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/config/ui_files.h"

#include "config_priv.h"

static const char *const color_names[] = { "black", "red",     "green", "yellow",
                                           "blue",  "magenta", "cyan",  "white" };

/* default, a name (bright-NAME), 0 to 255, or #rrggbb. */
static bool parse_color(const char *s, struct theme_color *out)
{
    int64_t v;
    char *end;
    int bright = 0;

    if (!strcmp(s, "default")) {
        out->kind = THEME_DEFAULT;
        return true;
    }
    if (*s == '#' && strlen(s) == 7 && strspn(s + 1, "0123456789abcdefABCDEF") == 6) {
        unsigned long rgb = strtoul(s + 1, &end, 16);
        *out = (struct theme_color){ .kind = THEME_RGB,
                                     .r = (uint8_t)(rgb >> 16),
                                     .g = (uint8_t)(rgb >> 8),
                                     .b = (uint8_t)rgb };
        return true;
    }
    if (str_to_i64(s, 0, 255, &v)) {
        *out = (struct theme_color){ .kind = THEME_INDEX, .index = (int)v };
        return true;
    }
    if (!strncmp(s, "bright-", 7)) {
        bright = 8;
        s += 7;
    }
    for (size_t i = 0; i < ARRAY_LEN(color_names); i++) {
        if (strcmp(color_names[i], s) != 0)
            continue;
        *out = (struct theme_color){ .kind = THEME_INDEX, .index = (int)i + bright };
        return true;
    }
    return false;
}

static bool read_color(const struct cfg_node *n, const char *shown, struct theme_color *out,
                       struct cfg_problems *ps)
{
    if (!n || (n->kind == CFG_SCALAR && parse_color(n->text, out)))
        return true;
    cfg_problem_add(ps, n->pos, shown,
                    "black red green yellow blue magenta cyan white, bright-red ..., default, 0 to "
                    "255, \"#rrggbb\"",
                    "expected a colour, got %s", cfg_show(ps, n));
    return false;
}

static bool read_attrs(const struct cfg_node *n, const char *shown, struct theme_role *out,
                       struct cfg_problems *ps)
{
    static const struct {
        const char *name;
        unsigned bit;
    } words[] = { { "bold", THEME_ATTR_BOLD },
                  { "dim", THEME_ATTR_DIM },
                  { "reverse", THEME_ATTR_REVERSE },
                  { "underline", THEME_ATTR_UNDERLINE } };

    if (!n)
        return true;
    if (n->kind != CFG_SEQ) {
        cfg_problem_add(ps, n->pos, shown, NULL, "expected a list such as [bold, underline]");
        return false;
    }
    out->has_attrs = true;
    for (size_t i = 0; i < n->n; i++) {
        size_t k = 0;
        while (k < ARRAY_LEN(words) &&
               strcmp(words[k].name, n->items[i]->kind == CFG_SCALAR ? n->items[i]->text : "") != 0)
            k++;
        if (k == ARRAY_LEN(words)) {
            cfg_problem_add(ps, n->items[i]->pos, shown, "bold, dim, reverse, underline",
                            "unknown attribute");
            return false;
        }
        out->attrs |= words[k].bit;
    }
    return true;
}

/* A symbol must be one column, or rows would move. */
static bool read_symbol(const struct cfg_node *n, bool ascii, const char *shown, const char **out,
                        struct cfg_problems *ps)
{
    if (!n)
        return true;
    *out = n->kind == CFG_SCALAR ? n->text : "";
    bool ok = utf8_width(*out) == 1 && (!ascii || strlen(*out) == 1);
    if (!ok)
        cfg_problem_add(ps, n->pos, shown, NULL, "expected one character of one column%s",
                        ascii ? " in ASCII" : "");
    return ok;
}

static bool read_role(const struct cfg_node *n, const char *shown, struct theme_role *out,
                      struct cfg_problems *ps)
{
    static const char *const keys[] = { "fg", "bg", "attrs", "sym", "sym_ascii" };
    bool ok = true;

    if (n->kind != CFG_MAP) {
        cfg_problem_add(ps, n->pos, shown, NULL, "expected a map such as {fg: red, attrs: [bold]}");
        return false;
    }
    for (size_t i = 0; i < n->n; i++) {
        size_t k = 0;
        while (k < ARRAY_LEN(keys) && strcmp(keys[k], n->keys[i]) != 0)
            k++;
        if (k < ARRAY_LEN(keys))
            continue;
        const char *near = cfg_nearest(n->keys[i], keys, ARRAY_LEN(keys));
        cfg_problem_add(ps, n->key_pos[i], shown,
                        near ? arena_printf(ps->mem, "did you mean `%s`?", near) : NULL,
                        "unknown key %s", n->keys[i]);
        ok = false;
    }
    ok &= read_color(cfg_get(n, "fg"), shown, &out->fg, ps);
    ok &= read_color(cfg_get(n, "bg"), shown, &out->bg, ps);
    ok &= read_attrs(cfg_get(n, "attrs"), shown, out, ps);
    ok &= read_symbol(cfg_get(n, "sym"), false, shown, &out->sym, ps);
    return read_symbol(cfg_get(n, "sym_ascii"), true, shown, &out->sym_ascii, ps) && ok;
}

static bool check_top(const struct cfg_node *root, const char *const *keys, size_t n,
                      struct cfg_problems *ps)
{
    bool ok = root->kind == CFG_MAP;

    if (!ok)
        cfg_problem_add(ps, root->pos, "", NULL, "expected a map");
    for (size_t i = 0; ok && i < root->n; i++) {
        size_t k = 0;
        while (k < n && strcmp(keys[k], root->keys[i]) != 0)
            k++;
        if (k < n)
            continue;
        const char *near = cfg_nearest(root->keys[i], keys, n);
        cfg_problem_add(ps, root->key_pos[i], root->keys[i],
                        near ? arena_printf(ps->mem, "did you mean `%s`?", near)
                             : "known here: theme, help, roles",
                        "unknown key");
        ok = false;
    }
    return ok;
}

struct theme *theme_load(struct arena *mem, const char *path, const char *const *role_names,
                         size_t nroles, struct cfg_problems *ps)
{
    static const char *const keys[] = { "theme", "help", "roles" };
    struct theme *t = arena_alloc(mem, sizeof *t);
    const struct cfg_node *root = cfg_read_data_file(mem, path, ps),
                          *roles = cfg_get(root, "roles");

    if (!root || !check_top(root, keys, ARRAY_LEN(keys), ps))
        return NULL;
    const struct cfg_node *name = cfg_get(root, "theme");
    bool ok = true;
    if (!name || !cfg_is_name(name->text)) {
        cfg_problem_add(ps, name ? name->pos : root->pos, "theme", "add theme: NAME",
                        "the theme does not say its name");
        ok = false;
    }
    if (!roles || roles->kind != CFG_MAP) {
        cfg_problem_add(ps, roles ? roles->pos : root->pos, "roles", NULL,
                        "expected a map of roles such as ok: {fg: green}");
        return NULL;
    }
    t->name = name ? name->text : "";
    t->nroles = nroles;
    t->roles = arena_array(mem, nroles, sizeof *t->roles);
    for (size_t i = 0; i < roles->n; i++) {
        const char *shown = arena_printf(ps->mem, "roles.%s", roles->keys[i]);
        size_t k = 0;
        while (k < nroles && strcmp(role_names[k], roles->keys[i]) != 0)
            k++;
        if (k < nroles) {
            ok &= read_role(roles->items[i], shown, &t->roles[k], ps);
            continue;
        }
        const char *near = cfg_nearest(roles->keys[i], role_names, nroles);
        cfg_problem_add(ps, roles->key_pos[i], shown,
                        near ? arena_printf(ps->mem, "did you mean `%s`?", near) : NULL,
                        "unknown role");
        ok = false;
    }
    return ok ? t : NULL;
}

char *theme_find(struct arena *mem, const struct data_dirs *dirs, const char *name)
{
    return data_find(mem, dirs, "themes", name);
}
