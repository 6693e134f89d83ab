/*
 * The environments of the account as functions and queues show them: how complete, how old, which
 * version, and which shared environment each belongs to. Whether they are linked is not asked here.
 */
#include "opsdeck/model/bluegreen.h"

#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "bluegreen_priv.h"

const struct bg_env *bg_find_env(const struct bg_case *c, const char *name)
{
    require(c);
    for (size_t i = 0; i < c->nenvs; i++)
        if (bg_same(c->envs[i].name, name))
            return &c->envs[i];
    return NULL;
}

static void add_env(struct bg_case *c, const char *name)
{
    if (bg_is_name(name) && !bg_find_env(c, name))
        c->envs[c->nenvs++].name = name;
}

static void add_named(struct bg_case *c)
{
    const struct bg_facts *f = c->f;
    const char *env;
    size_t len;

    for (size_t i = 0; i < f->nfunctions; i++)
        if (bg_env_of_function(f->project, f->functions[i].name, &env, &len))
            add_env(c, arena_strndup(c->mem, env, len));
    for (size_t i = 0; i < f->nqueues; i++)
        if (bg_env_of_queue(f->project, f->queues[i].name, &env, &len))
            add_env(c, arena_strndup(c->mem, env, len));
    for (size_t i = 0; i < f->nmappings; i++)
        if (bg_same(f->mappings[i].queue, c->queue) &&
            bg_env_of_function(f->project, f->mappings[i].function, &env, &len))
            add_env(c, arena_strndup(c->mem, env, len));
    if (f->has_dashboard) {
        add_env(c, f->dashboard_current);
        add_env(c, f->dashboard_previous);
    }
    add_env(c, f->last_linked);
    add_env(c, f->last_previous);
}

static bool is_access_denied(const char *code)
{
    return strcasestr(code, "AccessDenied") || strcasestr(code, "access denied");
}

static void judge_health(struct bg_env *e, const struct bg_function *fn)
{
    if (fn->env_error && is_access_denied(fn->env_error))
        e->is_undecryptable = true;
    else if (fn->env_error)
        e->is_unhealthy = true;
    if (bg_same(fn->last_update, "Failed"))
        e->is_unhealthy = true;
    if (fn->state && !bg_same(fn->state, "Active") && !bg_same(fn->state, "Inactive"))
        e->is_unhealthy = true;
}

/* The version most functions have; the first of equals. */
static void judge_functions(const struct bg_case *c, struct bg_env *e)
{
    const char *versions[BG_FUNCTIONS_EACH];
    int n = 0, most = 0;

    for (size_t i = 0; i < BG_FUNCTIONS_EACH; i++) {
        const struct bg_function *fn = bg_find_function(c, e->name, bg_function_names[i]);

        if (!fn)
            continue;
        e->nfunctions++;
        judge_health(e, fn);
        if (fn->version)
            versions[n++] = fn->version;
    }
    for (int i = 0; i < n; i++) {
        int count = 0;

        for (int k = 0; k < n; k++)
            count += bg_same(versions[i], versions[k]);
        e->is_mixed |= count < n;
        if (count > most) {
            most = count;
            e->version = versions[i];
        }
    }
}

static void judge_queues(const struct bg_case *c, struct bg_env *e)
{
    for (size_t i = 0; i < BG_QUEUES_EACH; i++) {
        const struct bg_queue *q = bg_private_queue(c, e->name, i);

        if (!q)
            continue;
        e->nqueues++;
        if (i == 0 && q->created_ms > 0)
            e->created_ms = q->created_ms;
        if (q->visible < 0 || q->in_flight < 0)
            e->waiting = -1;
        else if (e->waiting >= 0)
            e->waiting += q->visible + q->in_flight;
    }
}

/* By key of the holding queue, then of a function, then by what a function says it belongs to. */
static enum bg_pair pair_of(const struct bg_case *c, const char *env, bool use_queues,
                            bool use_functions)
{
    const struct bg_queue *shared = use_queues ? bg_find_queue(c, c->queue) : NULL;
    const struct bg_queue *own = use_queues ? bg_private_queue(c, env, 0) : NULL;
    enum bg_pair pair = bg_same_key(shared ? shared->kms_key : NULL, own ? own->kms_key : NULL);

    for (size_t i = 0; !pair && use_functions && i < BG_FUNCTIONS_EACH; i++) {
        const struct bg_function *fn = bg_find_function(c, env, bg_function_names[i]);

        if (fn)
            pair = bg_same_key(shared ? shared->kms_key : NULL, fn->kms_key);
    }
    for (size_t i = 0; !pair && use_functions && i < BG_FUNCTIONS_EACH; i++) {
        const struct bg_function *fn = bg_find_function(c, env, bg_function_names[i]);

        if (fn && fn->shared_env)
            pair = bg_same(fn->shared_env, c->f->shared_env) ? BG_PAIR_YES : BG_PAIR_NO;
    }
    return pair;
}

static bool is_foreign(const struct bg_case *c, const char *env)
{
    const struct bg_queue *shared =
        bg_find_queue(c, arena_printf(c->mem, "%s-%s-change-event-queue.fifo", c->f->project, env));
    const struct bg_queue *own = bg_private_queue(c, env, 0);

    return shared && own && bg_same_key(shared->kms_key, own->kms_key) == BG_PAIR_NO;
}

static void judge_env(const struct bg_case *c, struct bg_env *e)
{
    bool has_functions = bg_is_fresh(c->f, BG_FUNCTIONS), has_queues = bg_is_fresh(c->f, BG_QUEUES);

    e->pair = pair_of(c, e->name, has_queues, has_functions);
    e->pair_hint = pair_of(c, e->name, true, true);
    if (has_functions)
        judge_functions(c, e);
    if (has_queues) {
        judge_queues(c, e);
        e->is_foreign = is_foreign(c, e->name);
    } else {
        e->waiting = -1;
    }
}

void bg_find_envs(struct bg_case *c)
{
    require(c && c->f && c->mem);
    const struct bg_facts *f = c->f;

    c->envs = arena_array(c->mem, f->nfunctions + f->nqueues + f->nmappings + 4, sizeof *c->envs);
    add_named(c);
    for (size_t i = 0; i < c->nenvs; i++)
        judge_env(c, &c->envs[i]);
}
