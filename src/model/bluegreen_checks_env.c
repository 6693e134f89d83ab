/*
 * The pre-flight checks that are about one environment and its link: C2, C3, C4, C10, C11, C12 of
 * docs/blue-green.md. The table that calls them is in bluegreen_checks.c.
 */
#include "opsdeck/model/bluegreen.h"

#include <inttypes.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "bluegreen_priv.h"

/* The name of an environment that any mapping still leads to, or that is dying. */
static bool is_mapped(const struct bg_case *c, const char *env)
{
    for (size_t i = 0; i < c->f->nmappings; i++) {
        const struct bg_mapping *m = &c->f->mappings[i];

        if ((bg_same(m->queue, c->queue) || bg_same(m->queue, c->dlq)) &&
            bg_same(bg_env_of_mapping(c, m), env))
            return true;
    }
    return false;
}

static void unlinked(const struct bg_case *c, struct bg_check *k)
{
    enum bg_state s = c->out->state;

    if (s == BG_NONE_LINKED || s == BG_SHARED_ONLY || s == BG_SHARED_ABSENT) {
        /* Without these a switch that runs could not be told from an outage. */
        if (bg_check_needs(c, k, 1U << BG_BUILDS | (c->f->has_other_locks ? 1U << BG_LOCKS : 0)))
            bg_check_say(c, k, BG_CHECK_PASS, "%s", bg_state_word(s));
        return;
    }
    bg_check_say(c, k, BG_CHECK_FAIL, "%s, must be unlinked first", bg_state_word(s));
}

static void only_own(const struct bg_case *c, struct bg_check *k)
{
    for (size_t i = 0; i < c->nm; i++)
        if (!bg_same(bg_env_of_mapping(c, c->m[i]), c->f->shared_env)) {
            bg_check_say(c, k, BG_CHECK_FAIL, "%s is linked here", bg_env_of_mapping(c, c->m[i]));
            return;
        }
    bg_check_say(c, k, BG_CHECK_PASS, "no other environment is linked here");
}

void bg_c2_link(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    require(c && a && k);
    enum bg_state s = c->out->state;
    bool is_drift = s == BG_LINKED_DRIFT || (c->out->also & 1U << BG_LINKED_DRIFT);

    switch (a->rule->link) {
    case BG_MUST_BE_UNLINKED:
        unlinked(c, k);
        return;
    case BG_ONLY_OWN_IS_LINKED:
        only_own(c, k);
        return;
    case BG_TARGET_UNLINKED:
        if (!a->target)
            bg_check_say(c, k, BG_CHECK_UNKNOWN, "which environment is not known");
        else if (is_mapped(c, a->target))
            bg_check_say(c, k, BG_CHECK_FAIL, "%s is linked", a->target);
        else
            bg_check_say(c, k, BG_CHECK_PASS, "%s is not linked", a->target);
        return;
    default:
        break;
    }
    if (s == BG_STATE_UNKNOWN)
        bg_check_say(c, k, BG_CHECK_UNKNOWN, "%s", c->out->summary);
    else if (is_drift)
        bg_check_say(c, k, BG_CHECK_FAIL, "the dashboard names %s: the link has another state key",
                     c->f->dashboard_current);
    else if (bg_is_linked_state(s))
        bg_check_say(c, k, BG_CHECK_PASS, "%s to %s", bg_state_word(s),
                     bg_env_of_mapping(c, c->m[0]));
    else
        bg_check_say(c, k, BG_CHECK_FAIL, "%s, must be linked", bg_state_word(s));
}

/* The functions: those the link stack looks up, or all of them and Active. */
static bool has_functions(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    const char *const *names = a->rule->is_lookup ? bg_lookup_names : bg_function_names;
    size_t n = a->rule->is_lookup ? ARRAY_LEN(bg_lookup_names) : BG_FUNCTIONS_EACH;
    const char *open = NULL;

    for (size_t i = 0; i < n; i++) {
        const struct bg_function *fn = bg_find_function(c, a->now_needed, names[i]);

        if (!fn) {
            bg_check_say(c, k, BG_CHECK_FAIL, "%s has no %s", a->now_needed, names[i]);
            return false;
        }
        if (a->rule->is_lookup || bg_same(fn->state, "Active"))
            continue;
        if (fn->state) {
            bg_check_say(c, k, BG_CHECK_FAIL, "%s is %s", fn->name, fn->state);
            return false;
        }
        open = fn->name;
    }
    if (open)
        bg_check_say(c, k, BG_CHECK_UNKNOWN, "needs lambda GetFunction of %s", open);
    return !open;
}

void bg_c3_complete(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    require(c && a && k);
    const struct bg_env *e = bg_find_env(c, a->now_needed);
    int nqueues = e ? e->nqueues : 0;

    if (!a->now_needed) {
        bg_check_say(c, k, BG_CHECK_UNKNOWN, "which environment is not known");
        return;
    }
    if (!has_functions(c, a, k))
        return;
    if (!a->rule->is_lookup && nqueues < BG_QUEUES_EACH) {
        bg_check_say(c, k, BG_CHECK_FAIL, "%s has %d of %d queues", a->now_needed, nqueues,
                     BG_QUEUES_EACH);
        return;
    }
    for (int r2 = 0; r2 < 2; r2++) {
        const char *topic = bg_env_topic(c, a->now_needed, r2);

        if (!bg_is_subscribed(c, topic, r2)) {
            bg_check_say(c, k, BG_CHECK_FAIL, "topic %s has no subscription", topic);
            return;
        }
    }
    bg_check_say(c, k, BG_CHECK_PASS, "%s has all functions, queues and topics asked for",
                 a->now_needed);
}

void bg_c4_pair(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    require(c && a && k);
    const struct bg_env *e = bg_find_env(c, a->target);
    enum bg_pair pair = e ? e->pair : BG_PAIR_UNKNOWN;

    if (pair == BG_PAIR_YES)
        bg_check_say(c, k, BG_CHECK_PASS, "%s pairs with %s", a->target, c->f->shared_env);
    else if (pair == BG_PAIR_NO)
        bg_check_say(c, k, BG_CHECK_FAIL, "%s belongs to another shared environment", a->target);
    else
        bg_check_say(c, k, BG_CHECK_UNKNOWN, "needs sqs GetQueueAttributes: no key of both queues");
}

void bg_c10_drained(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    require(c && a && k);
    const struct bg_env *e = bg_find_env(c, a->target);

    if (!e || e->waiting < 0)
        bg_check_say(c, k, BG_CHECK_UNKNOWN, "needs sqs GetQueueAttributes of its queues");
    else if (e->waiting > 0)
        bg_check_say(c, k, BG_CHECK_FAIL, "%" PRId64 " messages in its queues would be lost",
                     e->waiting);
    else
        bg_check_say(c, k, BG_CHECK_PASS, "its queues are empty");
}

void bg_c11_previous(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    require(c && a && k);
    const char *previous = bg_dashboard_previous(c);
    struct bg_ask p = *a;

    if (!previous) {
        bg_check_say(c, k, BG_CHECK_FAIL, "no previous environment is recorded");
        return;
    }
    if (c->out->nlinked && bg_same(previous, c->out->linked[0])) {
        bg_check_say(c, k, BG_CHECK_FAIL, "the previous is the linked one, %s", previous);
        return;
    }
    p.now_needed = previous;
    bg_c3_complete(c, &p, k);
}

void bg_c12_names(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    require(c && a && k);
    const char *profile = c->f->profile, *env = a->env;
    bool is_task = bg_same(a->rule->step, "remove-task");

    if (!profile)
        bg_check_say(c, k, BG_CHECK_UNKNOWN, "needs the profile of %s in the configuration",
                     c->f->shared_env);
    else if (!bg_is_profile(profile))
        bg_check_say(c, k, BG_CHECK_FAIL, "no such profile: %s", profile);
    else if (!bg_is_shared_name(c->f->shared_env))
        bg_check_say(c, k, BG_CHECK_FAIL, "not a name of a shared environment: %s",
                     c->f->shared_env);
    else if (is_task && (!bg_is_task_name(a->target) || !bg_same(profile, "dev")))
        bg_check_say(c, k, BG_CHECK_FAIL, "%s with profile %s is no task environment", a->target,
                     profile);
    else if (a->rule->guard && !bg_is_hex(a->commit, 7, 40))
        bg_check_say(c, k, BG_CHECK_FAIL, "not a commit: %s", a->commit ? a->commit : "none");
    else if (env && !bg_is_env_name(env, profile))
        bg_check_say(c, k, BG_CHECK_FAIL, "%s is no blue/green name for profile %s", env, profile);
    else if (bg_is_name(a->old_env) && !is_task && !bg_is_env_name(a->old_env, profile))
        bg_check_say(c, k, BG_CHECK_FAIL, "%s is no blue/green name for profile %s", a->old_env,
                     profile);
    else
        bg_check_say(c, k, BG_CHECK_PASS, "names and profile %s fit", profile);
}
