/* Keymap files: which keys do what, for all panes or one. See ui_files.h; the form of keys is
 * src/ui's to judge. */
#include <stdlib.h>
#include <string.h>

#include "opsdeck/config/ui_files.h"

#include "config_priv.h"

struct reading {
    struct keymap_file *k;
    size_t cap;
    struct arena *mem;
    const char *const *names;
    size_t nnames;
    struct cfg_problems *ps;
    bool ok;
};

static void add(struct reading *rd, const char *view, const char *action,
                const struct cfg_node *keys)
{
    struct keymap_file *k = rd->k;

    if (keys->kind != CFG_SCALAR) {
        cfg_problem_add(rd->ps, keys->pos, action, NULL,
                        "expected keys such as \"ctrl-r\" or [r, F5]");
        rd->ok = false;
        return;
    }
    if (k->n == rd->cap) {
        struct key_binding *bigger =
            arena_array(rd->mem, rd->cap ? rd->cap * 2 : 32, sizeof *bigger);
        if (k->n)
            memcpy(bigger, k->v, k->n * sizeof *bigger);
        rd->cap = rd->cap ? rd->cap * 2 : 32;
        k->v = bigger;
    }
    k->v[k->n++] = (struct key_binding){ view, action, keys->text, keys->pos };
}

static void read_view(struct reading *rd, const char *view, const struct cfg_node *map)
{
    if (map->kind != CFG_MAP) {
        cfg_problem_add(rd->ps, map->pos, view, NULL, "expected a map of action: keys");
        rd->ok = false;
        return;
    }
    for (size_t i = 0; i < map->n; i++) {
        const char *action = map->keys[i];
        const struct cfg_node *keys = map->items[i];
        size_t k = 0;
        while (k < rd->nnames && strcmp(rd->names[k], action) != 0)
            k++;
        if (k == rd->nnames) {
            const char *near = cfg_nearest(action, rd->names, rd->nnames);
            cfg_problem_add(rd->ps, map->key_pos[i],
                            arena_printf(rd->ps->mem, "%s.%s", view, action),
                            near ? arena_printf(rd->ps->mem, "did you mean `%s`?", near)
                                 : "the help screen (?) lists all actions",
                            "unknown action");
            rd->ok = false;
        } else if (keys->kind == CFG_SEQ) {
            for (size_t j = 0; j < keys->n; j++)
                add(rd, view, action, keys->items[j]);
        } else {
            add(rd, view, action, keys);
        }
    }
}

static void read_name(struct reading *rd, const struct cfg_node *n)
{
    rd->k->name = n->text;
    if (cfg_is_name(n->text))
        return;
    cfg_problem_add(rd->ps, n->pos, "keymap", "add keymap: NAME",
                    "the keymap does not say its name");
    rd->ok = false;
}

struct keymap_file *keymap_load(struct arena *mem, const char *path,
                                const char *const *action_names, size_t nactions,
                                struct cfg_problems *ps)
{
    struct keymap_file *k = arena_alloc(mem, sizeof *k);
    struct reading rd = {
        .k = k, .mem = mem, .names = action_names, .nnames = nactions, .ps = ps, .ok = true
    };
    const struct cfg_node *root = cfg_read_data_file(mem, path, ps);

    if (!root)
        return NULL;
    if (root->kind != CFG_MAP) {
        cfg_problem_add(ps, root->pos, "", NULL, "expected a map");
        return NULL;
    }
    for (size_t i = 0; i < root->n; i++) {
        const char *key = root->keys[i];
        const struct cfg_node *n = root->items[i];
        if (!strcmp(key, "keymap")) {
            read_name(&rd, n);
        } else if (!strcmp(key, "global")) {
            read_view(&rd, "global", n);
        } else if (!strcmp(key, "panes") && n->kind != CFG_MAP) {
            cfg_problem_add(ps, n->pos, key, NULL, "expected a map of pane: {action: keys}");
            rd.ok = false;
        } else if (!strcmp(key, "panes")) {
            for (size_t p = 0; p < n->n; p++)
                read_view(&rd, n->keys[p], n->items[p]);
        } else if (strcmp(key, "help") != 0) {
            cfg_problem_add(ps, root->key_pos[i], key, "known here: keymap, help, global, panes",
                            "unknown key");
            rd.ok = false;
        }
    }
    if (!cfg_get(root, "keymap"))
        read_name(&rd, root);
    return rd.ok ? k : NULL;
}

char *keymap_find(struct arena *mem, const struct data_dirs *dirs, const char *name)
{
    return data_find(mem, dirs, "keymaps", name);
}
