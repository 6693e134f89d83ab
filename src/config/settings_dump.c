/*
 * `config dump`, `config explain` and the example file, all from the key table and the values'
 * origins.
 */
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/config/settings.h"

#include "settings_priv.h"

enum {
    EXAMPLE_MAX = 64 * 1024,
    ENTRY_KEY_COLS = 18
};

static void add_row(struct row_set *rs, const char *key, const char *value, const char *origin)
{
    struct cell *c = row_set_add(rs);

    cell_set_text(&c[0], rs, key);
    cell_set_text(&c[1], rs, value);
    cell_set_text(&c[2], rs, origin);
}

static const char *origin_of(struct arena *mem, const struct cfg_node *n)
{
    if (!n)
        return "default";
    return n->pos.line ? arena_printf(mem, "%s:%d", n->pos.file, n->pos.line) : n->pos.file;
}

static const char *section_value(struct arena *mem, const struct settings_value *v)
{
    const char *text = v->node ? (v->node->is_null ? NULL : v->node->text) : v->key->dflt;
    char *path = NULL;

    if (!text)
        return "null";
    if (v->key->type != KEY_PATH)
        return text;
    const char *base = v->node && v->node->pos.line ? path_dir(mem, v->node->pos.file) : NULL;
    return path_expand(mem, text, base, &path, NULL) ? path : text;
}

/* Maps are walked, lists shown as JSON. A key that would hold a secret shows none. */
static void dump_node(struct row_set *rs, const char *path, const char *key,
                      const struct cfg_node *n)
{
    if (n->kind == CFG_MAP && n->n) {
        for (size_t i = 0; i < n->n; i++)
            dump_node(rs, arena_printf(rs->mem, "%s.%s", path, n->keys[i]), n->keys[i],
                      n->items[i]);
        return;
    }
    const char *value = n->kind == CFG_SCALAR && !n->is_null ? n->text : cfg_to_json(rs->mem, n);
    if (cfg_is_secret_key(key) || (n->kind == CFG_SCALAR && cfg_looks_secret(n->text)))
        value = "***";
    add_row(rs, path, value, origin_of(rs->mem, n));
}

struct row_set *settings_dump(const struct settings *s)
{
    static const char *const cols[] = { "key", "value", "origin" };
    struct row_set *rs = row_set_new(cols, ARRAY_LEN(cols));

    for (size_t i = 0; i < s->nvalues; i++)
        add_row(rs, s->values[i].key->path, section_value(rs->mem, &s->values[i]),
                origin_of(rs->mem, s->values[i].node));
    for (size_t i = 0; i < s->nenvironments; i++)
        add_row(rs, arena_printf(rs->mem, "environments[%s].mark", s->environments[i].name),
                s->environments[i].is_danger ? "danger" : "none",
                arena_printf(rs->mem, "%s:%d", s->environments[i].pos.file,
                             s->environments[i].pos.line));
    for (size_t i = 0; i < s->nsources; i++)
        dump_node(rs, arena_printf(rs->mem, "sources[%s]", s->sources[i].name), "",
                  s->sources[i].node);
    return rs;
}

static void explain_row(struct row_set *rs, const struct key_def *k)
{
    static const char *const reload[] = { "live", "reconnect", "restart" };
    _Static_assert(ARRAY_LEN(reload) == RELOAD_RESTART + 1, "a word for each");
    const char *cells[] = {
        k->path, key_type_name(k->type), k->dflt ? k->dflt : "", key_limits(k, rs->mem),
        k->help, reload[k->reload]
    };
    struct cell *c = row_set_add(rs);

    for (size_t i = 0; i < ARRAY_LEN(cells); i++)
        cell_set_text(&c[i], rs, cells[i]);
}

struct row_set *settings_explain(const char *key, const char **nearest)
{
    static const char *const cols[] = { "key", "type", "default", "limits", "help", "reload" };
    const struct key_table *t = settings_table();
    const struct key_def *k = key ? key_find(t, key) : NULL;
    const char *names[128];
    size_t n = 0;

    if (nearest)
        *nearest = NULL;
    for (; n < t->n && n < ARRAY_LEN(names); n++)
        names[n] = t->v[n].path;
    if (key && !k) {
        if (nearest)
            *nearest = cfg_nearest(key, names, n);
        return NULL;
    }
    struct row_set *rs = row_set_new(cols, ARRAY_LEN(cols));
    for (size_t i = 0; i < t->n; i++)
        if (!key || &t->v[i] == k)
            explain_row(rs, &t->v[i]);
    return rs;
}

/* ---- the example */

static void add_help(struct sbuf *sb, struct arena *mem, const struct key_def *k,
                     const char *indent)
{
    const char *limits = key_limits(k, mem);

    sbuf_addf(sb, "%s# %s", indent, k->help);
    if (*limits)
        sbuf_addf(sb, " (%s)", limits);
    sbuf_adds(sb, k->flags & KEY_SITE_ONLY ? "; only in /etc/opsdeck/config.yaml\n" : "\n");
}

static void add_section(struct sbuf *sb, struct arena *mem, const struct key_def *section)
{
    const struct key_table *t = settings_table();

    sbuf_addf(sb, "\n# %s\n%s:\n", section->help, section->path);
    for (size_t i = 0; i < t->n; i++) {
        const struct key_def *k = &t->v[i];

        if (!key_is_child(k, section->path))
            continue;
        add_help(sb, mem, k, "  ");
        sbuf_addf(sb, "  #%s: %s\n", key_leaf(k),
                  k->dflt      ? k->dflt
                  : k->example ? k->example
                               : "null");
    }
}

/* One entry of a list, commented out as a whole. */
static void add_list(struct sbuf *sb, struct arena *mem, const struct key_def *list)
{
    const struct key_table *t = settings_table();
    const char *lead = "- ";

    sbuf_addf(sb, "\n# %s\n%s:\n", list->help, list->path);
    for (size_t i = 0; i < t->n; i++) {
        const struct key_def *k = &t->v[i];
        const char *value = k->example           ? k->example
                            : k->type == KEY_MAP ? "{}"
                            : k->dflt            ? k->dflt
                                                 : "null";

        if (!key_is_child(k, list->path))
            continue;
        const char *limits = k->choices || !*key_limits(k, mem)
                                 ? ""
                                 : arena_printf(mem, " (%s)", key_limits(k, mem));
        const char *pair = arena_printf(mem, "%s: %s", key_leaf(k), value);
        sbuf_addf(sb, "  #%s%-*s # %s%s\n", lead, ENTRY_KEY_COLS, pair, k->help, limits);
        lead = "  ";
    }
}

static const char example_head[] =
    "# opsdeck: what to watch and how. All keys, with their defaults; remove the # to change one.\n"
    "# Check it with `opsdeck config check`; `opsdeck config explain KEY` tells more about a key.\n"
    "# Secrets never stand here: token_env names a variable, token_file a file, token_cmd a "
    "program.\n";

char *settings_example(struct arena *mem)
{
    const struct key_table *t = settings_table();
    struct sbuf sb;

    sbuf_init(&sb, EXAMPLE_MAX);
    sbuf_adds(&sb, example_head);
    for (size_t i = 0; i < t->n; i++) {
        const struct key_def *k = &t->v[i];

        if (!key_is_child(k, ""))
            continue;
        if (k->type == KEY_MAP) {
            add_section(&sb, mem, k);
        } else if (k->type == KEY_MAPS) {
            add_list(&sb, mem, k);
        } else {
            sbuf_addc(&sb, '\n');
            add_help(&sb, mem, k, "");
            sbuf_addf(&sb, "#%s: %s\n", k->path, k->example);
        }
    }
    char *text = arena_strndup(mem, sb.buf, sb.len);
    sbuf_release(&sb);
    return text;
}
