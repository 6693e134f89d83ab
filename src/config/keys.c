/*
 * Key tables at work: a file is checked against rows of (path, type, limits), and values are
 * stored from the same rows. Nothing here knows a single key; the tables are in settings_keys.c,
 * recipe_keys.c and beside the loaders of panes, themes and keymaps.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"

#include "config_priv.h"

enum {
    PATH_LEN_MAX = 160,
    CANDIDATES_MAX = 64
};

/* A value as it is stored. */
struct value {
    int64_t i;
    const char *text;
};

const char *key_leaf(const struct key_def *k)
{
    const char *dot = strrchr(k->path, '.');

    return dot ? dot + 1 : k->path;
}

bool key_is_child(const struct key_def *k, const char *prefix)
{
    size_t n = strlen(prefix);
    const char *leaf = k->path;

    if (n) {
        if (strncmp(k->path, prefix, n) || k->path[n] != '.')
            return false;
        leaf += n + 1;
    }
    return !strchr(leaf, '.');
}

const struct key_def *key_child(const struct key_table *t, const char *prefix, const char *key)
{
    const struct key_def *any = NULL;

    for (size_t i = 0; i < t->n; i++) {
        if (!key_is_child(&t->v[i], prefix))
            continue;
        if (!strcmp(key_leaf(&t->v[i]), key))
            return &t->v[i];
        if (!strcmp(key_leaf(&t->v[i]), "*"))
            any = &t->v[i];
    }
    return any;
}

const struct key_def *key_find(const struct key_table *t, const char *path)
{
    char plain[PATH_LEN_MAX];
    size_t n = 0;
    const struct key_def *k = NULL;

    for (const char *p = path; *p; p++) {
        if (*p == '[') {
            p = strchr(p, ']');
            if (!p)
                return NULL;
            continue;
        }
        if (n + 1 == sizeof plain)
            return NULL;
        plain[n++] = *p;
    }
    plain[n] = 0;
    for (char *from = plain; from;) {
        char *dot = strchr(from, '.');

        if (dot)
            *dot = 0;
        k = key_child(t, k ? k->path : "", from);
        from = dot && k ? dot + 1 : NULL;
        if (!k)
            return NULL;
    }
    return k;
}

/* ---- words for messages */

static const struct {
    const char *name, *wanted;
} type_words[] = {
    [KEY_TEXT] = { "text", "text" },
    [KEY_NAME] = { "name", "a name of letters, digits, '.', '_' and '-', at most 64 long" },
    [KEY_BOOL] = { "true or false", "true or false" },
    [KEY_INT] = { "whole number", "a whole number" },
    [KEY_INT64] = { "whole number", "a whole number" },
    [KEY_DURATION] = { "duration", "a duration with its unit, such as 30s, 5m or 1h30m" },
    [KEY_SIZE] = { "size", "a size with its unit, such as 64KiB, 8MiB or 2GiB" },
    [KEY_CHOICE] = { "choice", "" },
    [KEY_CHOICE_NO] = { "choice", "" },
    [KEY_PATH] = { "path", "a path" },
    [KEY_URL] = { "URL", "a URL" },
    [KEY_TEXTS] = { "list of text", "a list" },
    [KEY_MAP] = { "map", "a map (indented keys below it)" },
    [KEY_MAPS] = { "list of maps", "a list (lines that begin with \"- \")" },
    [KEY_ANY] = { "any", "" },
};

const char *key_type_name(enum key_type t)
{
    return type_words[t].name;
}

static const char *number_text(const struct key_def *k, int64_t v, struct arena *mem)
{
    char text[TIME_TEXT_MAX];

    if (k->type == KEY_DURATION)
        return arena_strdup(mem, dur_format(v, text));
    if (k->type == KEY_SIZE)
        return arena_strdup(mem, size_format(v, text));
    return arena_printf(mem, "%" PRId64, v);
}

const char *key_limits(const struct key_def *k, struct arena *mem)
{
    struct sbuf sb;

    if (!k->choices)
        return k->min || k->max ? arena_printf(mem, "%s to %s", number_text(k, k->min, mem),
                                               number_text(k, k->max, mem))
                                : "";
    sbuf_init(&sb, 1000);
    for (size_t i = 0; k->choices[i]; i++)
        sbuf_addf(&sb, "%s%s", i == 0 ? "" : k->choices[i + 1] ? ", " : " or ", k->choices[i]);
    const char *text = arena_strdup(mem, sb.buf);
    sbuf_release(&sb);
    return text;
}

static const char *wanted(const struct key_def *k, struct arena *mem)
{
    const char *limits = key_limits(k, mem), *word = type_words[k->type].wanted;

    if (!*word || !*limits)
        return *word ? word : limits;
    return arena_printf(mem, "%s from %s", word, limits);
}

/* ---- one value */

static int choice_index(const struct key_def *k, const char *text)
{
    for (int i = 0; k->choices[i]; i++)
        if (!strcmp(k->choices[i], text))
            return i;
    return -1;
}

static bool in_limits(const struct key_def *k, int64_t v)
{
    return (!k->min && !k->max) || (v >= k->min && v <= k->max);
}

static bool parse_bool(const struct cfg_node *n, int64_t *out)
{
    *out = !strcmp(n->text, "true");
    return !n->is_quoted && (*out || !strcmp(n->text, "false"));
}

/* A scalar as its type; false: not of that type or out of limits. */
static bool parse_scalar(const struct key_def *k, const struct cfg_node *n, struct value *v)
{
    int index;

    v->text = n->text;
    switch (k->type) {
    case KEY_NAME:
        return cfg_is_name(n->text);
    case KEY_BOOL:
        return parse_bool(n, &v->i);
    case KEY_INT:
    case KEY_INT64:
        return !n->is_quoted && str_to_i64(n->text, INT64_MIN, INT64_MAX, &v->i) &&
               in_limits(k, v->i);
    case KEY_DURATION:
        return dur_parse(n->text, &v->i) && in_limits(k, v->i);
    case KEY_SIZE:
        return size_parse(n->text, &v->i) && in_limits(k, v->i);
    case KEY_CHOICE:
    case KEY_CHOICE_NO:
        index = choice_index(k, n->text);
        v->i = index;
        return index >= 0;
    case KEY_PATH:
    case KEY_URL:
        return n->text[0] != 0;
    default:
        return true;
    }
}

static const char *const *choice_hint(const struct key_def *k, size_t *n)
{
    *n = 0;
    while (k->choices && k->choices[*n])
        (*n)++;
    return k->choices;
}

static const char *value_hint(const struct key_table *t, const struct key_def *k,
                              const struct cfg_node *n, struct arena *mem)
{
    size_t nchoices;
    const char *const *choices = choice_hint(k, &nchoices);
    const char *near =
        choices && n->kind == CFG_SCALAR ? cfg_nearest(n->text, choices, nchoices) : NULL;
    struct value v;

    if (near)
        return arena_printf(mem, "did you mean `%s`?", near);
    if (n->kind == CFG_SCALAR && n->is_quoted &&
        (k->type == KEY_INT || k->type == KEY_INT64 || k->type == KEY_BOOL)) {
        struct cfg_node plain = *n;

        plain.is_quoted = false;
        if (parse_scalar(k, &plain, &v))
            return "remove the quotes";
    }
    int64_t bare;
    if ((k->type == KEY_DURATION || k->type == KEY_SIZE) && n->kind == CFG_SCALAR &&
        str_to_i64(n->text, 0, INT64_MAX, &bare))
        return arena_printf(mem, "add the unit: `%s%s`", n->text,
                            k->type == KEY_DURATION ? "s" : "MiB");
    return t->explain ? arena_printf(mem, "see: %s %s", t->explain, k->path) : NULL;
}

static bool is_container(const struct key_def *k)
{
    return k->type == KEY_MAP || k->type == KEY_MAPS || k->type == KEY_TEXTS || k->type == KEY_ANY;
}

/* Where a map or list is wanted a text is not repeated: `bearer: SECRET` is a common mistake. */
static const char *kind_word(const struct cfg_node *n)
{
    return n->kind == CFG_MAP   ? "a map"
           : n->kind == CFG_SEQ ? "a list"
           : n->is_null         ? "nothing"
                                : "text";
}

static bool wrong_value(const struct key_table *t, const struct key_def *k,
                        const struct cfg_node *n, const char *shown, struct cfg_problems *ps)
{
    cfg_problem_add(ps, n->pos, shown, value_hint(t, k, n, ps->mem), "expected %s, got %s",
                    wanted(k, ps->mem), is_container(k) ? kind_word(n) : cfg_show(ps, n));
    return false;
}

static bool check_texts(const struct key_table *t, const struct key_def *k,
                        const struct cfg_node *n, const char *shown, struct cfg_problems *ps)
{
    bool ok = true;

    if (n->kind != CFG_SEQ)
        return wrong_value(t, k, n, shown, ps);
    for (size_t i = 0; i < n->n; i++) {
        const struct cfg_node *item = n->items[i];

        if (item->kind == CFG_SCALAR && !item->is_null)
            continue;
        cfg_problem_add(ps, item->pos, arena_printf(ps->mem, "%s[%zu]", shown, i), NULL,
                        "expected text, got %s", cfg_show(ps, item));
        ok = false;
    }
    return ok;
}

static bool refuse_secret(const struct cfg_node *n, struct cfg_pos pos, const char *shown,
                          struct cfg_problems *ps)
{
    pos = pos.file ? pos : n->pos;
    cfg_problem_add(
        ps, pos, shown,
        "give it as token_env: NAME (an environment variable), token_file: PATH (mode 0600) or "
        "token_cmd: [program, argument] (password_env, password_file, password_cmd for basic)",
        "a secret in plain text is refused");
    return false;
}

/* A value that stands for itself; "{token}" is filled in later. */
static bool is_literal(const struct cfg_node *n)
{
    return n->kind == CFG_SCALAR && !n->is_null && n->text[0] != '{';
}

/* Secret-looking values are refused anywhere, also below maps that nobody else looks into. */
static bool check_no_secret(const struct cfg_node *n, const char *shown, struct cfg_problems *ps)
{
    bool ok = true;

    if (n->kind == CFG_SCALAR)
        return !cfg_looks_secret(n->text) || refuse_secret(n, n->pos, shown, ps);
    for (size_t i = 0; i < n->n; i++) {
        const struct cfg_node *item = n->items[i];
        const char *path = n->kind == CFG_MAP ? arena_printf(ps->mem, "%s.%s", shown, n->keys[i])
                                              : arena_printf(ps->mem, "%s[%zu]", shown, i);

        if (n->kind == CFG_MAP && cfg_is_secret_key(n->keys[i]) && is_literal(item))
            ok &= refuse_secret(item, n->key_pos[i], path, ps);
        else
            ok &= check_no_secret(item, path, ps);
    }
    return ok;
}

static bool check_maps(const struct key_table *t, const struct key_def *k, const struct cfg_node *n,
                       const char *shown, struct cfg_problems *ps)
{
    bool ok = true;

    if (n->kind != CFG_SEQ)
        return wrong_value(t, k, n, shown, ps);
    for (size_t i = 0; i < n->n; i++)
        ok &= key_check(t, k->path, n->items[i], arena_printf(ps->mem, "%s[%zu]", shown, i), ps);
    return ok;
}

static bool check_place(const struct key_def *k, const struct cfg_node *n, const char *shown,
                        struct cfg_problems *ps)
{
    struct url_parts url;
    struct err e = { 0 };
    char *path = NULL;

    if (k->type == KEY_PATH && !path_expand(ps->mem, n->text, "/", &path, &e)) {
        cfg_problem_add(ps, n->pos, shown, NULL, "%s", e.text);
        return false;
    }
    const char *fault = k->type == KEY_URL ? url_fault(ps->mem, n->text, k->choices, &url) : NULL;
    if (fault)
        cfg_problem_add(ps, n->pos, shown, "expected something like https://host:port/path", "%s",
                        fault);
    return !fault;
}

bool key_check_value(const struct key_table *t, const struct key_def *k, const struct cfg_node *n,
                     const char *shown, struct cfg_problems *ps)
{
    struct value v;

    if (n->kind == CFG_SCALAR && n->is_null) {
        if (!(k->flags & KEY_REQUIRED) && (is_container(k) || !k->dflt))
            return true;
        cfg_problem_add(ps, n->pos, shown, "remove the key for its default, or give a value",
                        "is empty; expected %s", wanted(k, ps->mem));
        return false;
    }
    if (k->type == KEY_MAP)
        return key_check(t, k->path, n, shown, ps);
    if (k->type == KEY_MAPS)
        return check_maps(t, k, n, shown, ps);
    bool ok = check_no_secret(n, shown, ps);
    if (!ok || k->type == KEY_ANY)
        return ok;
    if (k->type == KEY_TEXTS)
        return check_texts(t, k, n, shown, ps);
    if (n->kind != CFG_SCALAR || !parse_scalar(k, n, &v))
        return wrong_value(t, k, n, shown, ps);
    return k->type != KEY_PATH && k->type != KEY_URL ? true : check_place(k, n, shown, ps);
}

/* ---- a whole map */

static const char *unknown_hint(const struct key_table *t, const char *prefix, const char *key,
                                struct arena *mem)
{
    const char *names[CANDIDATES_MAX] = { 0 };
    size_t n = 0;
    struct sbuf sb;

    for (size_t i = 0; i < t->n && n < CANDIDATES_MAX; i++)
        if (key_is_child(&t->v[i], prefix) && strcmp(key_leaf(&t->v[i]), "*"))
            names[n++] = key_leaf(&t->v[i]);
    const char *near = cfg_nearest(key, names, n);
    if (near)
        return arena_printf(mem, "did you mean `%s`?", near);
    if (!n)
        return NULL;
    sbuf_init(&sb, 2000);
    for (size_t i = 0; i < n; i++)
        sbuf_addf(&sb, "%s%s", i ? ", " : "known here: ", names[i]);
    const char *hint = arena_strdup(mem, sb.buf);
    sbuf_release(&sb);
    return hint;
}

static bool check_required(const struct key_table *t, const char *prefix,
                           const struct cfg_node *map, const char *shown, struct cfg_problems *ps)
{
    bool ok = true;

    for (size_t i = 0; i < t->n; i++) {
        const struct key_def *k = &t->v[i];

        if (!(k->flags & KEY_REQUIRED) || !key_is_child(k, prefix) || cfg_get(map, key_leaf(k)))
            continue;
        cfg_problem_add(ps, map->pos, shown,
                        arena_printf(ps->mem, "add `%s:` (%s)", key_leaf(k), k->help),
                        "`%s` is missing", key_leaf(k));
        ok = false;
    }
    return ok;
}

bool key_check(const struct key_table *t, const char *prefix, const struct cfg_node *map,
               const char *shown, struct cfg_problems *ps)
{
    bool ok = true;

    if (map->kind != CFG_MAP) {
        cfg_problem_add(ps, map->pos, shown, NULL, "expected a map (key: value), got %s",
                        kind_word(map));
        return false;
    }
    for (size_t i = 0; i < map->n; i++) {
        const char *key = map->keys[i];
        const char *path = *shown ? arena_printf(ps->mem, "%s.%s", shown, key) : key;
        const struct key_def *k = key_child(t, prefix, key);
        const struct cfg_node *item = map->items[i];

        bool is_free = !k || !strcmp(key_leaf(k), "*");

        if (is_free && cfg_is_secret_key(key) && is_literal(item)) {
            ok &= refuse_secret(item, map->key_pos[i], path, ps);
        } else if (k) {
            ok &= key_check_value(t, k, item, path, ps);
        } else {
            cfg_problem_add(ps, map->key_pos[i], path, unknown_hint(t, prefix, key, ps->mem),
                            "unknown key");
            ok = false;
        }
    }
    return check_required(t, prefix, map, shown, ps) && ok;
}

/* ---- storing */

static const char *const *copy_texts(const struct cfg_node *n, struct arena *mem)
{
    const char **v = arena_array(mem, (n ? n->n : 0) + 1, sizeof *v);

    for (size_t i = 0; n && i < n->n; i++)
        v[i] = n->items[i]->text;
    return v;
}

static bool store_path(const struct cfg_node *n, void *at, struct arena *mem)
{
    char *path = NULL;
    bool ok =
        path_expand(mem, n->text, n->pos.line ? path_dir(mem, n->pos.file) : NULL, &path, NULL);

    if (ok)
        *(const char **)at = path;
    return ok;
}

bool key_store(const struct key_def *k, const struct cfg_node *node, void *base, struct arena *mem)
{
    char *at = (char *)base + k->offset;
    struct value v = { 0 };

    if (k->type == KEY_TEXTS) {
        *(const char *const **)(void *)at =
            copy_texts(node && node->kind == CFG_SEQ ? node : NULL, mem);
        return true;
    }
    if (!node || node->is_null)
        node = k->dflt ? cfg_new_scalar(mem, (struct cfg_pos){ "default", 0, 0 }, k->dflt) : NULL;
    if (!node || node->is_null)
        return true; /* zeroed: none */
    if (node->kind != CFG_SCALAR || !parse_scalar(k, node, &v))
        return false;
    switch (k->type) {
    case KEY_BOOL:
        *(bool *)at = v.i != 0;
        return true;
    case KEY_CHOICE_NO:
        *(int *)(void *)at = (int)v.i;
        return true;
    case KEY_INT:
        *(int *)(void *)at = (int)v.i;
        return true;
    case KEY_INT64:
    case KEY_DURATION:
    case KEY_SIZE:
        *(int64_t *)(void *)at = v.i;
        return true;
    case KEY_PATH:
        return store_path(node, at, mem);
    default:
        *(const char **)(void *)at = v.text;
        return true;
    }
}

void key_fill(const struct key_table *t, const char *prefix, const struct cfg_node *map, void *base,
              struct arena *mem)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].offset != KEY_NO_OFFSET && key_is_child(&t->v[i], prefix))
            key_store(&t->v[i], cfg_get(map, key_leaf(&t->v[i])), base, mem);
}
