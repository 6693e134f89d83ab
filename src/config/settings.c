/*
 * Settings: which value wins (flags, environment, user's files, site's files, defaults; what the
 * site locked before all) and where it comes from. Files are read by settings_layers.c, lists
 * by settings_sources.c.
 */
#include "opsdeck/config/settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opsdeck/base/mem.h"

#include "settings_priv.h"

/* What is being put together. */
struct loader {
    struct settings *s;
    struct cfg_problems *ps;
    const struct settings_flags *flags;
    struct layers layers;
    const struct cfg_node *locked; /* list of the site's file, or NULL */
};

static bool is_section_key(const struct key_def *k)
{
    return k->offset != KEY_NO_OFFSET && strncmp(k->path, "sources.", 8);
}

const struct cfg_node *locked_by(const struct cfg_node *locked, const char *path)
{
    for (size_t i = 0; locked && locked->kind == CFG_SEQ && i < locked->n; i++) {
        const char *lock = locked->items[i]->text;
        size_t n = strlen(lock);

        if (n && !strncmp(lock, path, n) && (!path[n] || path[n] == '.'))
            return locked->items[i];
    }
    return NULL;
}

static const struct cfg_node *lookup(const struct cfg_node *root, const struct key_def *k)
{
    const char *dot = strchr(k->path, '.');
    char section[32];
    size_t n = dot ? (size_t)(dot - k->path) : 0;

    if (!n || n >= sizeof section)
        return NULL;
    memcpy(section, k->path, n);
    section[n] = 0;
    return cfg_get(cfg_get(root, section), dot + 1);
}

static char *env_name(struct arena *mem, const char *path)
{
    char *name = arena_printf(mem, "OPSDECK_%s", path);

    for (char *c = name; *c; c++)
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    return name;
}

static const char *flag_value(const struct settings_flags *f, const char *path, const char **origin)
{
    const struct {
        const char *path, *flag, *value;
    } given[] = {
        { "store.dir", "--store", f->store_dir },
        { "ui.theme", "--theme", f->theme },
        { "ui.ascii", "--ascii", f->ascii ? "true" : NULL },
    };

    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        if (given[i].value && !strcmp(given[i].path, path)) {
            *origin = given[i].flag;
            return given[i].value;
        }
    }
    return NULL;
}

/* Take `node` as the value of `v`, unless a lock or the site-only rule forbids it. */
static void offer(struct loader *ld, struct settings_value *v, const struct cfg_node *node,
                  bool is_site)
{
    const struct cfg_node *lock = locked_by(ld->locked, v->key->path);

    if (!node)
        return;
    if (lock && !is_site) {
        cfg_problem_warn(ld->ps, node->pos, v->key->path, NULL, "ignored: locked by %s:%d",
                         lock->pos.file, lock->pos.line);
        return;
    }
    if ((v->key->flags & KEY_SITE_ONLY) && !is_site) {
        cfg_problem_add(ld->ps, node->pos, v->key->path, "remove it here",
                        "only %s/config.yaml can say this", path_etc());
        return;
    }
    if (is_site && ld->layers.is_locked_only && !lock)
        return;
    v->node = node;
    v->is_site = is_site;
}

static void offer_text(struct loader *ld, struct settings_value *v, const char *origin,
                       const char *text)
{
    const struct cfg_node *n = cfg_new_scalar(ld->s->mem, (struct cfg_pos){ origin, 0, 0 }, text);

    if (key_check_value(settings_table(), v->key, n, v->key->path, ld->ps))
        offer(ld, v, n, false);
}

static void resolve(struct loader *ld, struct settings_value *v)
{
    const char *name = env_name(ld->s->mem, v->key->path), *env = getenv(name), *origin = NULL;

    for (int site = 1; site >= 0; site--)
        for (size_t i = 0; i < ld->layers.n; i++)
            if (ld->layers.v[i].is_site == (site == 1))
                offer(ld, v, lookup(ld->layers.v[i].root, v->key), site == 1);
    if (env && *env)
        offer_text(ld, v, name, env);
    const char *flag = flag_value(ld->flags, v->key->path, &origin);
    if (flag)
        offer_text(ld, v, origin, flag);
    key_store(v->key, v->node, ld->s, ld->s->mem);
}

static void resolve_all(struct loader *ld)
{
    const struct key_table *t = settings_table();
    struct settings *s = ld->s;

    s->values = arena_array(s->mem, t->n, sizeof *s->values);
    for (size_t i = 0; i < t->n; i++) {
        if (!is_section_key(&t->v[i]))
            continue;
        s->values[s->nvalues].key = &t->v[i];
        resolve(ld, &s->values[s->nvalues++]);
    }
}

/* A misspelt OPSDECK_UI_THEM would otherwise do nothing and say nothing. */
static void check_environment(struct loader *ld)
{
    const char **names = arena_array(ld->s->mem, ld->s->nvalues + 1, sizeof *names);
    static const char *const sections[] = { "OPSDECK_STORE_", "OPSDECK_UI_", "OPSDECK_NETWORK_" };

    for (size_t i = 0; i < ld->s->nvalues; i++)
        names[i] = env_name(ld->s->mem, ld->s->values[i].key->path);
    for (char **e = environ; e && *e; e++) {
        size_t len = strcspn(*e, "=");
        const char *name = arena_strndup(ld->s->mem, *e, len < 80 ? len : 80);
        bool is_ours = false, is_known = false;

        for (size_t i = 0; i < ARRAY_LEN(sections); i++)
            is_ours |= !strncmp(name, sections[i], strlen(sections[i]));
        for (size_t i = 0; is_ours && i < ld->s->nvalues; i++)
            is_known |= !strcmp(name, names[i]);
        if (!is_ours || is_known)
            continue;
        const char *near = cfg_nearest(name, names, ld->s->nvalues);
        cfg_problem_warn(ld->ps, (struct cfg_pos){ name, 0, 0 }, "",
                         near ? arena_printf(ld->ps->mem, "did you mean %s?", near) : NULL,
                         "this environment variable sets no key");
    }
}

static void check_locked(struct loader *ld)
{
    for (size_t i = 0; ld->locked && ld->locked->kind == CFG_SEQ && i < ld->locked->n; i++) {
        const struct cfg_node *item = ld->locked->items[i];
        const char *path = arena_printf(ld->ps->mem, "locked[%zu]", i);

        if (item->kind != CFG_SCALAR)
            continue;
        if (!key_find(settings_table(), item->text))
            cfg_problem_add(ld->ps, item->pos, path, "see: opsdeck config explain",
                            "there is no key %s", cfg_show(ld->ps, item));
        else if (!strncmp(item->text, "sources.", 8) || !strncmp(item->text, "environments.", 13))
            cfg_problem_add(ld->ps, item->pos, path, "lock the whole list",
                            "keys of single entries cannot be locked");
    }
}

/* What is shared must be named by the same hand, or a user could point the group's data elsewhere.
 */
static void check_shared(struct loader *ld)
{
    const struct settings_value *shared = NULL, *dir = NULL;

    for (size_t i = 0; i < ld->s->nvalues; i++) {
        if (!strcmp(ld->s->values[i].key->path, "store.shared"))
            shared = &ld->s->values[i];
        if (!strcmp(ld->s->values[i].key->path, "store.dir"))
            dir = &ld->s->values[i];
    }
    if (ld->s->store.is_shared && shared && shared->node && !(dir && dir->node))
        cfg_problem_add(ld->ps, shared->node->pos, "store.shared",
                        "add dir: /var/lib/opsdeck beside it",
                        "a shared store needs its folder named in the same file");
    else if (ld->s->store.is_shared && dir && dir->node && !dir->is_site)
        ld->s->store.is_shared = false; /* somebody's own folder is his own store */
}

static bool exists(const char *path)
{
    return !access(path, F_OK);
}

static void read_files(struct loader *ld)
{
    struct settings *s = ld->s;
    const char *site = arena_printf(s->mem, "%s/config.yaml", path_etc());
    char *user = NULL;
    struct err e = { 0 };

    if (exists(site))
        layers_read(&ld->layers, s->mem, site, true, ld->ps);
    for (size_t i = 0; i < ld->layers.n && !ld->locked; i++)
        ld->locked = cfg_get(ld->layers.v[i].root, "locked");
    if (ld->flags->config) {
        ld->layers.is_locked_only = true;
        if (!path_expand(s->mem, ld->flags->config, NULL, &user, &e))
            cfg_problem_add(ld->ps, (struct cfg_pos){ "--config", 0, 0 }, "", NULL, "%s", e.text);
    } else {
        user = settings_user_path(s->mem);
        user = exists(user) ? user : NULL;
    }
    if (!user)
        return;
    s->file = user;
    layers_read(&ld->layers, s->mem, user, false, ld->ps);
}

struct settings *settings_load(const struct settings_flags *flags, struct cfg_problems *ps)
{
    static const struct settings_flags none;
    struct arena *mem = arena_new();
    struct settings *s = arena_alloc(mem, sizeof *s);
    struct loader ld = { .s = s, .ps = ps, .flags = flags ? flags : &none };
    size_t first = ps->n, before = cfg_problems_errors(ps);

    s->mem = mem;
    read_files(&ld);
    check_locked(&ld);
    resolve_all(&ld);
    check_environment(&ld);
    check_shared(&ld);
    sources_load(s, &ld.layers, ld.locked, ps);
    free(ld.layers.v);
    cfg_problems_sort(ps, first);
    if (cfg_problems_errors(ps) == before)
        return s;
    settings_free(s);
    return NULL;
}

void settings_free(struct settings *s)
{
    if (s)
        arena_free(s->mem);
}
