/*
 * environments: and sources: of all layers together: who overrides whom, names used twice, and
 * what the keys of one source mean together.
 */
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/config/settings.h"

#include "config_priv.h"

/* An entry of a list of named things, with the layer it comes from. */
struct entry {
    const struct cfg_node *node;
    const char *name, *shown;
    bool is_site;
};

struct entries {
    struct entry *v;
    size_t n, cap;
};

static struct entry *find_entry(struct entries *es, const char *name)
{
    for (size_t i = 0; i < es->n; i++)
        if (!strcmp(es->v[i].name, name))
            return &es->v[i];
    return NULL;
}

static void add_entry(struct entries *es, const struct entry *e, struct cfg_problems *ps)
{
    struct entry *old = find_entry(es, e->name);

    if (!old) {
        VEC_GROW(es->v, es->n, es->cap);
        es->v[es->n++] = *e;
    } else if (old->is_site && !e->is_site) {
        *old = *e; /* the user's entry stands in place of the site's */
    } else {
        cfg_problem_add(ps, cfg_get(e->node, "name")->pos,
                        arena_printf(ps->mem, "%s.name", e->shown), "rename one of the two",
                        "the name \"%s\" is used twice, first in %s:%d", e->name,
                        old->node->pos.file, old->node->pos.line);
    }
}

/* All entries of list `key`, in the order of the layers. */
static void collect(struct entries *es, const struct layers *ls, const char *key,
                    const struct cfg_node *locked, struct cfg_problems *ps)
{
    const struct cfg_node *lock = locked_by(locked, key);

    for (size_t i = 0; i < ls->n; i++) {
        const struct cfg_node *list = cfg_get(ls->v[i].root, key);

        if (!list || list->kind != CFG_SEQ || (ls->is_locked_only && ls->v[i].is_site && !lock))
            continue;
        if (lock && !ls->v[i].is_site) {
            cfg_problem_warn(ps, cfg_key_pos(ls->v[i].root, key), key, NULL,
                             "ignored: locked by %s:%d", lock->pos.file, lock->pos.line);
            continue;
        }
        for (size_t j = 0; j < list->n; j++) {
            const struct cfg_node *name = cfg_get(list->items[j], "name");
            struct entry e = { .node = list->items[j],
                               .shown = arena_printf(ps->mem, "%s[%zu]", key, j),
                               .is_site = ls->v[i].is_site };

            if (!name || name->kind != CFG_SCALAR || !cfg_is_name(name->text))
                continue; /* the key table has complained */
            e.name = name->text;
            add_entry(es, &e, ps);
        }
    }
}

static void check_url_and_auth(const struct source_cfg *src, const char *shown,
                               struct cfg_problems *ps)
{
    static const char *const schemes[] = { "http", "https", NULL };
    const struct cfg_node *url = cfg_get(src->node, "url");
    struct url_parts parts;

    if (!url || url->kind != CFG_SCALAR || src->auth.kind == AUTH_NONE ||
        url_fault(ps->mem, url->text, schemes, &parts))
        return;
    if (!strcmp(parts.scheme, "http") && !parts.is_loopback)
        cfg_problem_add(ps, url->pos, arena_printf(ps->mem, "%s.url", shown), "use https://",
                        "refused: auth: would send the secret unencrypted to %s", parts.host);
}

/*
 * Without pauses only on this machine: production would feel them. What the configuration does not
 * name (an endpoint from the AWS files) is looked at by the engine before anything is sent.
 */
static void check_rate(const struct source_cfg *src, const struct cfg_node *url, const char *shown,
                       struct cfg_problems *ps)
{
    static const char *const schemes[] = { "http", "https", NULL };
    const struct cfg_node *rate = cfg_get(src->node, "rate");
    struct url_parts parts;

    if (src->rate != RATE_NONE || !rate || !url || url->kind != CFG_SCALAR ||
        url_fault(ps->mem, url->text, schemes, &parts) || parts.is_loopback)
        return;
    cfg_problem_add(ps, rate->pos, arena_printf(ps->mem, "%s.rate", shown),
                    "remove the line: the recipe's rate then holds",
                    "refused: none is for a server on this machine only (127.0.0.0/8, ::1, "
                    "localhost), and %s may feel requests without pauses",
                    parts.host);
}

static void load_source(struct settings *s, const struct entry *e, struct source_cfg *out,
                        struct cfg_problems *ps)
{
    const struct cfg_node *auth = cfg_get(e->node, "auth"), *params = cfg_get(e->node, "params");
    const struct cfg_node *labels = cfg_get(e->node, "labels"), *aws = cfg_get(e->node, "aws");

    key_fill(settings_table(), "sources", e->node, out, s->mem);
    if (aws && aws->kind == CFG_MAP)
        key_fill(settings_table(), "sources.aws", aws, out, s->mem);
    out->node = e->node;
    out->pos = e->node->pos;
    out->params = params && params->kind == CFG_MAP ? params : NULL;
    out->labels_json = labels && labels->kind == CFG_MAP ? cfg_to_json_texts(s->mem, labels) : "{}";
    if (auth && auth->kind == CFG_MAP)
        auth_load(&out->auth, auth, arena_printf(ps->mem, "%s.auth", e->shown), s->mem, ps);
    check_url_and_auth(out, e->shown, ps);
    check_rate(out, cfg_get(e->node, "url"), e->shown, ps);
    check_rate(out, aws ? cfg_get(aws, "endpoint_url") : NULL, e->shown, ps);
}

static void load_environments(struct settings *s, const struct layers *ls,
                              const struct cfg_node *locked, struct cfg_problems *ps)
{
    struct entries es = { 0 };

    collect(&es, ls, "environments", locked, ps);
    s->environments = arena_array(s->mem, es.n + 1, sizeof *s->environments);
    for (size_t i = 0; i < es.n; i++) {
        const struct cfg_node *mark = cfg_get(es.v[i].node, "mark");

        s->environments[i].name = es.v[i].name;
        s->environments[i].pos = es.v[i].node->pos;
        s->environments[i].is_danger = mark && !strcmp(mark->text, "danger");
    }
    s->nenvironments = es.n;
    free(es.v);
}

void sources_load(struct settings *s, const struct layers *ls, const struct cfg_node *locked,
                  struct cfg_problems *ps)
{
    struct entries es = { 0 };

    load_environments(s, ls, locked, ps);
    collect(&es, ls, "sources", locked, ps);
    s->sources = arena_array(s->mem, es.n + 1, sizeof *s->sources);
    for (size_t i = 0; i < es.n; i++)
        load_source(s, &es.v[i], &s->sources[i], ps);
    s->nsources = es.n;
    free(es.v);
}
