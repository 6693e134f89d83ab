/* Params of a recipe: their definitions, and the values a source gives them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"

#include "recipe_priv.h"

static bool is_number(const char *s, double *out)
{
    char *end;

    if (!*s || !strchr("-0123456789.", *s))
        return false;
    *out = strtod(s, &end);
    return !*end && isfinite(*out);
}

static bool is_bool(const char *s, int64_t *out)
{
    *out = !strcmp(s, "true");
    return *out || !strcmp(s, "false");
}

/* The node as the param binds in SQL; false when it is of another type. */
static bool value_of(struct arena *mem, const struct param_def *p, const struct cfg_node *n,
                     struct bind *out)
{
    bool is_scalar = n->kind == CFG_SCALAR;

    *out = (struct bind){ .name = p->name, .type = CELL_INT };
    if (is_scalar && n->is_null) {
        out->type = CELL_NULL;
        return !p->is_required;
    }
    switch (p->type) {
    case PARAM_STRING:
        out->type = CELL_TEXT;
        out->text = n->text;
        return is_scalar;
    case PARAM_INT:
        if (!is_scalar || n->is_quoted || !str_to_i64(n->text, INT64_MIN, INT64_MAX, &out->i))
            return false;
        break;
    case PARAM_NUMBER:
        out->type = CELL_REAL;
        return is_scalar && !n->is_quoted && is_number(n->text, &out->d);
    case PARAM_BOOL:
        if (!is_scalar || !is_bool(n->text, &out->i))
            return false;
        break;
    case PARAM_DURATION:
        if (!is_scalar || !dur_parse(n->text, &out->i))
            return false;
        break;
    case PARAM_LIST:
    case PARAM_MAP:
        out->type = CELL_TEXT;
        if (n->kind != (p->type == PARAM_LIST ? CFG_SEQ : CFG_MAP))
            return false;
        out->text = cfg_to_json_texts(mem, n);
        return true;
    }
    out->d = (double)out->i;
    return true;
}

static const char *wanted(enum param_type t)
{
    static const char *const words[] = {
        [PARAM_STRING] = "text",
        [PARAM_INT] = "a whole number",
        [PARAM_NUMBER] = "a number",
        [PARAM_BOOL] = "true or false",
        [PARAM_DURATION] = "a duration such as 30s",
        [PARAM_LIST] = "a list ([a, b])",
        [PARAM_MAP] = "a map ({a: b})",
    };
    _Static_assert(ARRAY_LEN(words) == PARAM_MAP + 1, "a word for each");
    return words[t];
}

static void default_of(struct param_def *p)
{
    static const char *const empty[] = {
        [PARAM_STRING] = "", [PARAM_LIST] = "[]", [PARAM_MAP] = "{}"
    };

    p->dflt = (struct bind){ .name = p->name, .type = CELL_INT };
    if (p->type == PARAM_STRING || p->type == PARAM_LIST || p->type == PARAM_MAP) {
        p->dflt.type = CELL_TEXT;
        p->dflt.text = empty[p->type];
    }
}

static int type_index(const struct cfg_node *type)
{
    for (int i = 0; type && recipe_param_types[i]; i++)
        if (!strcmp(recipe_param_types[i], type->text))
            return i;
    return -1;
}

static bool param_read(struct arena *mem, struct param_def *p, const char *name, struct cfg_pos pos,
                       const struct cfg_node *node, struct cfg_problems *ps)
{
    static const char *const reserved[] = { "body", "http_status", "source", "now" };
    const struct cfg_node *type = cfg_get(node, "type"), *dflt = cfg_get(node, "default"),
                          *help = cfg_get(node, "help"), *required = cfg_get(node, "required");
    const char *shown = arena_printf(ps->mem, "params.%s", name);

    *p = (struct param_def){ .name = name, .help = help ? help->text : "", .pos = pos };
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (strcmp(name, reserved[i]) != 0)
            continue;
        cfg_problem_add(ps, pos, shown, NULL,
                        "this name is always bound to something else: choose another");
        return false;
    }
    if (!cfg_is_identifier(name)) {
        cfg_problem_add(ps, pos, shown, NULL, "expected a name of letters, digits and _");
        return false;
    }
    int known = type_index(type);
    if (known < 0) {
        /* A wrong type has been told by the key table; `name:` with nothing behind it has not. */
        if (node->kind != CFG_MAP)
            cfg_problem_add(ps, pos, shown, "for example {type: string, default: \"\"}",
                            "says nothing: expected a map with type:");
        return false;
    }
    p->type = (enum param_type)known;
    p->is_required = required && !strcmp(required->text, "true");
    default_of(p);
    if (dflt && !value_of(mem, p, dflt, &p->dflt)) {
        cfg_problem_add(ps, dflt->pos, arena_printf(ps->mem, "%s.default", shown), NULL,
                        "expected %s, got %s", wanted(p->type), cfg_show(ps, dflt));
        return false;
    }
    return true;
}

bool params_read(struct arena *mem, struct recipe *r, const struct cfg_node *node,
                 struct cfg_problems *ps)
{
    bool ok = true;

    if (!node || node->kind != CFG_MAP)
        return true;
    r->params = arena_array(mem, node->n, sizeof *r->params);
    for (size_t i = 0; i < node->n; i++) {
        ok &= param_read(mem, &r->params[r->nparams], node->keys[i], node->key_pos[i],
                         node->items[i], ps);
        r->nparams++;
    }
    return ok;
}

static const struct param_def *find_param(const struct recipe *r, const char *name)
{
    for (size_t i = 0; i < r->nparams; i++)
        if (!strcmp(r->params[i].name, name))
            return &r->params[i];
    return NULL;
}

static bool check_names(const struct recipe *r, const struct cfg_node *map, const char *prefix,
                        struct cfg_problems *ps)
{
    const char **names = arena_array(ps->mem, r->nparams + 1, sizeof *names);
    bool ok = true;

    for (size_t i = 0; i < r->nparams; i++)
        names[i] = r->params[i].name;
    for (size_t i = 0; i < map->n; i++) {
        if (find_param(r, map->keys[i]))
            continue;
        const char *near = cfg_nearest(map->keys[i], names, r->nparams);
        cfg_problem_add(ps, map->key_pos[i], arena_printf(ps->mem, "%s.%s", prefix, map->keys[i]),
                        near ? arena_printf(ps->mem, "did you mean `%s`?", near)
                             : arena_printf(ps->mem, "see: opsdeck recipe show %s", r->name),
                        "recipe %s has no such param", r->name);
        ok = false;
    }
    return ok;
}

static bool bind_values(struct arena *mem, const struct recipe *r, const struct cfg_node *map,
                        struct cfg_pos pos, const char *prefix, struct bind **binds,
                        struct cfg_problems *ps)
{
    bool ok = true;

    if (map && map->kind != CFG_MAP) {
        cfg_problem_add(ps, map->pos, prefix, NULL, "expected a map of params");
        return false;
    }
    *binds = arena_array(mem, r->nparams, sizeof **binds);
    if (map)
        ok = check_names(r, map, prefix, ps);
    for (size_t i = 0; i < r->nparams; i++) {
        const struct param_def *p = &r->params[i];
        const struct cfg_node *n = map ? cfg_get(map, p->name) : NULL;
        (*binds)[i] = p->dflt;
        if (!n && p->is_required) {
            cfg_problem_add(ps, pos, arena_printf(ps->mem, "%s.%s", prefix, p->name), NULL,
                            "recipe %s needs this param: %s", r->name, p->help);
            ok = false;
        } else if (n && !value_of(mem, p, n, &(*binds)[i])) {
            cfg_problem_add(ps, n->pos, arena_printf(ps->mem, "%s.%s", prefix, p->name), NULL,
                            "expected %s, got %s", wanted(p->type), cfg_show(ps, n));
            ok = false;
        }
    }
    return ok;
}

bool recipe_bind_params(struct arena *mem, const struct recipe *r, const struct source_cfg *src,
                        struct bind **binds, struct cfg_problems *ps)
{
    return bind_values(mem, r, src->params, src->pos,
                       arena_printf(ps->mem, "source %s: params", src->name), binds, ps);
}

bool recipe_bind_map(struct arena *mem, const struct recipe *r, const struct cfg_node *map,
                     struct cfg_pos pos, struct bind **binds, struct cfg_problems *ps)
{
    return bind_values(mem, r, map, pos, "params", binds, ps);
}

/* "a,b" as the items of a list; anything else as one scalar. */
static struct cfg_node *node_of(struct arena *mem, enum param_type type, const char *text)
{
    struct cfg_node *n = arena_alloc(mem, sizeof *n);

    *n = (struct cfg_node){ .kind = CFG_SCALAR, .text = arena_strdup(mem, text) };
    if (type != PARAM_LIST)
        return n;
    struct cfg_node **items = arena_array(mem, strlen(text) + 1, sizeof *items);
    *n = (struct cfg_node){ .kind = CFG_SEQ, .items = items };
    for (const char *p = text; *p; p += *p == ',') {
        size_t len = strcspn(p, ",");
        if (len)
            items[n->n++] = node_of(mem, PARAM_STRING, arena_strndup(mem, p, len));
        p += len;
    }
    return n;
}

bool recipe_bind_text(struct arena *mem, const struct recipe *r, const char *name, const char *text,
                      struct bind *out, struct err *e)
{
    const struct param_def *p = find_param(r, name);
    struct bind b;

    if (!p) {
        const char **names = arena_array(mem, r->nparams + 1, sizeof *names);
        for (size_t i = 0; i < r->nparams; i++)
            names[i] = r->params[i].name;
        const char *near = cfg_nearest(name, names, r->nparams);
        return err_set(e, ERR_USAGE, 0, "recipe %s has no param %s%s%s (opsdeck recipe show %s)",
                       r->name, name, near ? ", did you mean " : "", near ? near : "", r->name);
    }
    if (p->type == PARAM_MAP || !value_of(mem, p, node_of(mem, p->type, text), &b))
        return err_set(
            e, ERR_USAGE, 0, "param %s of recipe %s: expected %s, got \"%s\"", name, r->name,
            p->type == PARAM_MAP ? "a map, which only the config can give" : wanted(p->type), text);
    *out = b;
    return true;
}
