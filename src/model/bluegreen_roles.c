/*
 * The role of every blue/green environment of one shared environment, and the flags
 * (docs/blue-green.md). Whoever is not known to be superfluous is never called so: LEAKED is what
 * people remove.
 */
#include "opsdeck/model/bluegreen.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "bluegreen_priv.h"

const struct bg_slot *bg_find_slot(const struct bg_case *c, const char *name)
{
    require(c && c->out);
    for (size_t i = 0; i < c->out->nslots; i++)
        if (bg_same(c->out->slots[i].name, name))
            return &c->out->slots[i];
    return NULL;
}

const char *bg_dashboard_previous(const struct bg_case *c)
{
    require(c && c->f);
    const struct bg_facts *f = c->f;

    return bg_is_fresh(f, BG_DASHBOARD) && f->has_dashboard && bg_is_name(f->dashboard_previous)
               ? f->dashboard_previous
               : NULL;
}

/* Who has the link, or had it last; NULL: nobody known, or several. */
static const char *link_holder(const struct bg_case *c)
{
    if (!c->nm)
        return c->last_consumer;
    return c->ntargets == 1 ? bg_env_of_mapping(c, c->m[0]) : NULL;
}

/* The dashboard was written by this very link, so that its previous is the link's, too. */
static bool has_own_dashboard(const struct bg_case *c)
{
    return bg_is_fresh(c->f, BG_DASHBOARD) && c->f->has_dashboard &&
           bg_same(c->f->dashboard_current, link_holder(c));
}

/* An unlink takes the dashboard with it: then the history tells. */
static void find_previous(struct bg_case *c)
{
    const struct bg_facts *f = c->f;
    bool is_remembered = bg_is_name(f->last_previous);

    if (has_own_dashboard(c)) {
        c->out->previous = bg_dashboard_previous(c);
        c->out->is_previous_known = true;
        return;
    }
    c->out->previous = is_remembered ? f->last_previous : bg_dashboard_previous(c);
    c->out->is_previous_known = is_remembered && bg_is_fresh(f, BG_DASHBOARD) &&
                                !f->has_dashboard && bg_same(f->last_linked, link_holder(c));
}

/* BG_ROLE_UNKNOWN: no mapping says anything about it. */
static enum bg_role role_by_mapping(const struct bg_case *c, const char *env)
{
    static const struct {
        const char *state;
        enum bg_role role;
    } words[] = {
        { "Enabled", BG_BLUE },          { "Disabled", BG_BLUE },
        { "Creating", BG_ROLE_LINKING }, { "Enabling", BG_ROLE_LINKING },
        { "Updating", BG_ROLE_LINKING }, { "Disabling", BG_ROLE_UNLINKING },
    };

    for (size_t w = 0; w < ARRAY_LEN(words); w++)
        for (size_t i = 0; i < c->nm; i++)
            if (bg_same(c->m[i]->state, words[w].state) &&
                bg_same(bg_env_of_mapping(c, c->m[i]), env))
                return words[w].role;
    if (c->deleting && bg_same(bg_env_of_mapping(c, c->deleting), env))
        return BG_ROLE_UNLINKING;
    return BG_ROLE_UNKNOWN;
}

/* Whose age divides green from leaked: the newest linked, else who is linked next or was last. */
static int64_t reference_ms(const struct bg_case *c)
{
    const struct bg_env *last = bg_find_env(c, c->last_consumer);
    int64_t newest = 0;

    for (size_t i = 0; i < c->nm; i++) {
        const struct bg_env *e = bg_find_env(c, bg_env_of_mapping(c, c->m[i]));

        if (!e || !e->created_ms)
            return 0;
        if (e->created_ms > newest)
            newest = e->created_ms;
    }
    return newest || !last ? newest : last->created_ms;
}

/* Who still works for the link that is going: not superfluous, whatever its age. */
static bool is_in_use(const struct bg_case *c, const struct bg_env *e)
{
    const struct bg_facts *f = c->f;

    return bg_same(e->name, c->last_consumer) || (c->out->state == BG_LINKING && f->has_dashboard &&
                                                  bg_same(e->name, f->dashboard_current));
}

/* Deployed and not linked. */
static enum bg_role role_by_age(const struct bg_case *c, const struct bg_env *e)
{
    int64_t reference = reference_ms(c);

    if (!bg_is_fresh(c->f, BG_DASHBOARD) || !bg_is_fresh(c->f, BG_QUEUES))
        return BG_ROLE_UNKNOWN;
    if (bg_same(e->name, bg_dashboard_previous(c)) || bg_same(e->name, c->out->previous))
        return BG_PREVIOUS;
    if (is_in_use(c, e))
        return c->out->state == BG_LINKING ? BG_PREVIOUS : BG_GREEN;
    if (bg_same(e->name, c->f->last_linked) && !has_own_dashboard(c))
        return BG_PREVIOUS;
    if (!e->created_ms || !reference || e->pair != BG_PAIR_YES)
        return BG_ROLE_UNKNOWN;
    return e->created_ms > reference ? BG_GREEN : BG_LEAKED;
}

static enum bg_role role_of(const struct bg_case *c, const struct bg_env *e)
{
    bool has_functions = bg_is_fresh(c->f, BG_FUNCTIONS);
    enum bg_role linked;

    if (has_functions && e->nfunctions == 0)
        return BG_NOT_DEPLOYED;
    if (has_functions && e->nfunctions < BG_FUNCTIONS_EACH)
        return BG_PARTIAL;
    if (has_functions && bg_is_fresh(c->f, BG_QUEUES) && e->nqueues < BG_QUEUES_EACH)
        return BG_PARTIAL;
    if (!bg_is_fresh(c->f, BG_MAPPINGS))
        return BG_ROLE_UNKNOWN;
    linked = role_by_mapping(c, e->name);
    if (linked || !has_functions)
        return linked;
    return role_by_age(c, e);
}

/* A build said that it removed this environment; it is there, and was there before. */
static bool is_deleted_yet_present(const struct bg_case *c, const struct bg_env *e)
{
    const struct bg_facts *f = c->f;
    const char *tag = arena_printf(c->mem, "refs/tags/%s-destroy-", e->name);

    if (!bg_is_fresh(f, BG_BUILDS) || !bg_is_fresh(f, BG_FUNCTIONS) || !e->nfunctions ||
        !e->created_ms)
        return false;
    for (size_t i = 0; i < f->nbuilds; i++) {
        const struct bg_build *b = &f->builds[i];
        bool is_named = (bg_same(b->project, "delete-blue-green-environment") &&
                         bg_same(b->environment, e->name)) ||
                        (bg_same(b->project, "destroy-nonprod-environments-stage") &&
                         b->source_version && strncmp(b->source_version, tag, strlen(tag)) == 0);

        if (is_named && bg_same(b->status, "SUCCEEDED") && b->end_ms > e->created_ms &&
            f->known[BG_FUNCTIONS].read_ms > b->end_ms)
            return true;
    }
    return false;
}

static bool is_stuck(const struct bg_case *c, const struct bg_lock *l)
{
    return l->created_ms > 0 && c->f->now_ms - l->created_ms > BG_STUCK_LOCK_S * 1000;
}

/* No way back: nothing recorded, the same name, or what is recorded does not exist. */
static bool has_no_rollback(const struct bg_case *c, const char *linked)
{
    const char *previous = bg_dashboard_previous(c);
    const struct bg_env *e = bg_find_env(c, previous);

    if (!bg_is_fresh(c->f, BG_DASHBOARD))
        return false;
    if (bg_same(linked, previous))
        return true;
    if (!c->f->keeps_previous)
        return false;
    return !previous || (bg_is_fresh(c->f, BG_FUNCTIONS) && (!e || e->nfunctions == 0));
}

static unsigned flags_of(const struct bg_case *c, const struct bg_env *e)
{
    const struct bg_lock *l = bg_has_locks(c->f) ? bg_find_lock(c, e->name, "application") : NULL;
    unsigned flags = 0;

    if (e->waiting > 0)
        flags |= BG_DRAINING;
    if (e->is_mixed)
        flags |= BG_MIXED_VERSION;
    if (e->is_undecryptable)
        flags |= BG_NO_DECRYPT;
    if (e->is_unhealthy)
        flags |= BG_UNHEALTHY;
    if (l)
        flags |= is_stuck(c, l) ? BG_STUCK_LOCK : BG_DEPLOYING;
    if (e->is_foreign)
        flags |= BG_FOREIGN_PAIR;
    if (role_by_mapping(c, e->name) == BG_BLUE && has_no_rollback(c, e->name))
        flags |= BG_NO_ROLLBACK;
    if (is_deleted_yet_present(c, e))
        flags |= BG_DELETED_YET_PRESENT;
    return flags;
}

/* The previous environment is the newer one: a version that was rejected. */
static bool is_rolled_back(const struct bg_case *c)
{
    const struct bg_env *previous = bg_find_env(c, bg_dashboard_previous(c));
    const struct bg_env *e = c->out->nlinked ? bg_find_env(c, c->out->linked[0]) : NULL;
    const struct bg_slot *slot = previous ? bg_find_slot(c, previous->name) : NULL;

    return slot && slot->role == BG_PREVIOUS && e && e->created_ms &&
           previous->created_ms > e->created_ms;
}

static unsigned shared_flags(const struct bg_case *c)
{
    const struct bg_env *own = bg_find_env(c, c->f->shared_env);
    unsigned flags = 0;

    if (c->has_extra_disabled)
        flags |= BG_EXTRA_DISABLED;
    if (c->lock && is_stuck(c, c->lock))
        flags |= BG_STUCK_LOCK;
    if (own && own->is_foreign)
        flags |= BG_FOREIGN_PAIR;
    if (is_rolled_back(c))
        flags |= BG_ROLLED_BACK;
    for (size_t i = 0; i < c->out->nslots; i++)
        flags |= c->out->slots[i].flags & BG_NO_ROLLBACK;
    return flags;
}

/* What is in use first, what can go last. */
static int by_role(const void *a, const void *b)
{
    static const int order[BG_ROLES] = {
        [BG_BLUE] = 0,         [BG_ROLE_LINKING] = 1, [BG_ROLE_UNLINKING] = 2,
        [BG_PREVIOUS] = 3,     [BG_GREEN] = 4,        [BG_PARTIAL] = 5,
        [BG_ROLE_UNKNOWN] = 6, [BG_LEAKED] = 7,       [BG_NOT_DEPLOYED] = 8,
    };
    const struct bg_slot *x = a, *y = b;

    if (x->role != y->role)
        return order[x->role] - order[y->role];
    if (x->created_ms != y->created_ms)
        return x->created_ms > y->created_ms ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Its own, and who is named by its link or dashboard though nothing pairs it. */
static bool is_listed(const struct bg_case *c, const struct bg_env *e)
{
    const struct bg_facts *f = c->f;
    enum bg_pair pair = e->pair ? e->pair : e->pair_hint;

    if (role_by_mapping(c, e->name))
        return true;
    if (pair)
        return pair == BG_PAIR_YES;
    return bg_same(e->name, f->shared_env) || bg_same(e->name, f->dashboard_current) ||
           bg_same(e->name, f->dashboard_previous) || bg_same(e->name, f->last_linked) ||
           bg_same(e->name, c->out->previous);
}

void bg_find_roles(struct bg_case *c)
{
    require(c && c->out);
    struct bg_result *out = c->out;

    find_previous(c);
    out->slots = arena_array(c->mem, c->nenvs + 1, sizeof *out->slots);
    for (size_t i = 0; i < c->nenvs; i++) {
        const struct bg_env *e = &c->envs[i];
        struct bg_slot *s;

        if (!is_listed(c, e))
            continue;
        s = &out->slots[out->nslots++];
        s->name = e->name;
        s->role = role_of(c, e);
        s->flags = flags_of(c, e);
        s->version = e->version;
        s->created_ms = e->created_ms;
        s->nfunctions = e->nfunctions;
        s->nqueues = e->nqueues;
        s->waiting = e->waiting;
    }
    qsort(out->slots, out->nslots, sizeof *out->slots, by_role);
    out->flags = shared_flags(c);
}
