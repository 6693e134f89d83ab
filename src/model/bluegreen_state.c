/*
 * The state of a shared environment: the decision table S1 to S15 (docs/blue-green.md), the first
 * row that holds. A row holds only by facts that are fresh; what is not known makes no row hold.
 */
#include "opsdeck/model/bluegreen.h"

#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "bluegreen_priv.h"

/* Builds that work on a shared environment. */
static const struct {
    const char *project;
    bool is_link; /* it takes the link away and makes it again */
    bool is_tag;  /* the environment stands in its tag, not in a variable */
} builds[] = {
    { "deploy-blue-green-environment-stage", true, false },
    { "deploy-shared-resources-environment-stage", true, false },
    { "blue-green-rollback-stage", true, true },
    { "trigger-rollback", false, false },
    { "deploy-stage", false, false },
};

enum bg_pair bg_build_touches(const struct bg_facts *f, const struct bg_build *b, bool is_link)
{
    require(f && b);
    bool is_known = false, is_named;

    for (size_t i = 0; i < ARRAY_LEN(builds); i++) {
        if (!bg_same(b->project, builds[i].project) || (is_link && !builds[i].is_link))
            continue;
        if (!builds[i].is_tag)
            return bg_same(b->shared_env, f->shared_env) || bg_same(b->environment, f->shared_env)
                       ? BG_PAIR_YES
                       : BG_PAIR_NO;
        is_named = bg_tag_names(b->source_version, f->shared_env, &is_known);
        return is_named ? BG_PAIR_YES : is_known ? BG_PAIR_NO : BG_PAIR_UNKNOWN;
    }
    return BG_PAIR_NO;
}

/* ---- the link */

static bool is_target_known(const struct bg_case *c, const struct bg_mapping *m, size_t upto)
{
    for (size_t i = 0; i < upto; i++)
        if (bg_same(c->m[i]->function, m->function))
            return true;
    return false;
}

static void find_mappings(struct bg_case *c)
{
    const struct bg_facts *f = c->f;
    size_t disabled = 0, n = 0;

    c->m = arena_array(c->mem, f->nmappings + 1, sizeof *c->m);
    for (size_t i = 0; i < f->nmappings; i++) {
        const struct bg_mapping *m = &f->mappings[i];

        if (!bg_same(m->queue, c->queue))
            continue;
        if (bg_same(m->state, "Deleting")) {
            c->deleting = m;
            continue;
        }
        disabled += bg_same(m->state, "Disabled");
        c->m[c->nm++] = m;
    }
    c->has_extra_disabled = disabled && disabled < c->nm;
    for (size_t i = 0; i < c->nm; i++)
        if (!c->has_extra_disabled || !bg_same(c->m[i]->state, "Disabled"))
            c->m[n++] = c->m[i];
    c->nm = n;
    for (size_t i = 0; i < c->nm; i++)
        c->ntargets += !is_target_known(c, c->m[i], i);
}

static void find_builds(struct bg_case *c)
{
    const struct bg_facts *f = c->f;

    if (!bg_is_fresh(f, BG_BUILDS))
        return;
    for (size_t i = 0; i < f->nbuilds; i++) {
        const struct bg_build *b = &f->builds[i];

        if (bg_build_touches(f, b, true) != BG_PAIR_YES)
            continue;
        if (bg_same(b->status, "IN_PROGRESS")) {
            if (!c->build || b->start_ms < c->build->start_ms)
                c->build = b;
        } else if (!c->ended || b->end_ms > c->ended->end_ms) {
            c->ended = b;
        }
    }
}

static const char *find_last_consumer(const struct bg_case *c)
{
    const struct bg_facts *f = c->f;

    if (c->deleting)
        return bg_env_of_mapping(c, c->deleting);
    if (bg_is_fresh(f, BG_METRICS) && bg_is_name(f->last_invoked))
        return f->last_invoked;
    if (bg_is_name(f->last_linked))
        return f->last_linked;
    if (bg_is_fresh(f, BG_DASHBOARD) && f->has_dashboard && bg_is_name(f->dashboard_current))
        return f->dashboard_current;
    return NULL;
}

/* What is not fresh stays empty here, so that no row below can take it for absent. */
void bg_find_link(struct bg_case *c)
{
    require(c && c->f);
    find_builds(c);
    if (bg_has_locks(c->f))
        c->lock = bg_find_lock(c, c->f->shared_env, "blue-green-link");
    if (!bg_is_fresh(c->f, BG_MAPPINGS))
        return;
    find_mappings(c);
    if (!c->nm)
        c->last_consumer = find_last_consumer(c);
}

/* ---- the rows */

static bool is_state(const struct bg_case *c, const char *state)
{
    return c->ntargets == 1 && bg_same(c->m[0]->state, state);
}

static bool is_not_known(const struct bg_case *c)
{
    return !bg_is_fresh(c->f, BG_MAPPINGS);
}

static bool is_absent(const struct bg_case *c)
{
    return bg_is_fresh(c->f, BG_QUEUES) && c->f->is_queue_absent;
}

static bool is_conflict(const struct bg_case *c)
{
    return c->ntargets >= 2;
}

/* A list of functions older than the mapping may not have the target yet; only those of the ten
 * names are listed at all. */
static bool is_orphan(const struct bg_case *c)
{
    const struct bg_facts *f = c->f;
    const char *env;
    size_t len;

    if (c->ntargets != 1 || !bg_is_fresh(f, BG_FUNCTIONS))
        return false;
    if (c->m[0]->is_target_missing)
        return true;
    if (f->known[BG_FUNCTIONS].read_ms < c->m[0]->modified_ms ||
        !bg_env_of_function(f->project, c->m[0]->function, &env, &len))
        return false;
    for (size_t i = 0; i < f->nfunctions; i++)
        if (bg_same(f->functions[i].name, c->m[0]->function))
            return false;
    return true;
}

static bool is_disabled(const struct bg_case *c)
{
    return is_state(c, "Disabled");
}

static bool is_linking(const struct bg_case *c)
{
    return is_state(c, "Creating") || is_state(c, "Enabling") || is_state(c, "Updating");
}

static bool is_disabling(const struct bg_case *c)
{
    return is_state(c, "Disabling");
}

static bool is_deleting(const struct bg_case *c)
{
    return !c->nm && c->deleting;
}

static bool is_switching(const struct bg_case *c)
{
    return !c->nm && (c->lock || c->build);
}

static bool has_no_environment(const struct bg_case *c)
{
    if (c->nm || !bg_is_fresh(c->f, BG_FUNCTIONS) || !bg_is_fresh(c->f, BG_QUEUES))
        return false;
    for (size_t i = 0; i < c->nenvs; i++)
        if ((c->envs[i].nfunctions || c->envs[i].nqueues) && c->envs[i].pair != BG_PAIR_NO)
            return false;
    return true;
}

static bool is_none(const struct bg_case *c)
{
    return !c->nm;
}

static bool is_linked(const struct bg_case *c)
{
    return is_state(c, "Enabled");
}

/* A DLQ mapping that does not consume is as good as absent. */
static bool is_partial(const struct bg_case *c)
{
    const struct bg_facts *f = c->f;

    if (!is_linked(c))
        return false;
    for (size_t i = 0; i < f->nmappings; i++) {
        const struct bg_mapping *m = &f->mappings[i];

        if (bg_same(m->queue, c->dlq) && !bg_same(m->state, "Deleting") &&
            !bg_same(m->state, "Disabled") &&
            bg_same(bg_env_of_mapping(c, m), bg_env_of_mapping(c, c->m[0])))
            return false;
    }
    return true;
}

static bool is_degraded(const struct bg_case *c)
{
    const struct bg_blind *b = &c->out->blind;

    if (!is_linked(c))
        return false;
    if (b->present >= 0 && b->present < b->expected)
        return true;
    return bg_is_fresh(c->f, BG_SUBSCRIPTIONS) &&
           (!bg_is_subscribed(c, bg_shared_topic(c, false), false) ||
            !bg_is_subscribed(c, bg_shared_topic(c, true), true));
}

static bool is_drift(const struct bg_case *c)
{
    const struct bg_facts *f = c->f;

    return is_linked(c) && bg_is_fresh(f, BG_DASHBOARD) && f->has_dashboard &&
           f->dashboard_current && !bg_same(f->dashboard_current, bg_env_of_mapping(c, c->m[0]));
}

/* In order, but S2 before S1: a queue known not to exist has no mappings to ask for. Times in
 * seconds since the state began, 0: never. */
static const struct rule {
    bool (*holds)(const struct bg_case *c);
    enum bg_state state;
    enum status live, other; /* severity where is_live, and elsewhere */
    int warn_s, crit_s;
} rules[] = {
    /* clang-format off */
    { is_absent,          BG_SHARED_ABSENT,   STATUS_INFO,    STATUS_INFO,    0, 0 },       /* S2 */
    { is_not_known,       BG_STATE_UNKNOWN,   STATUS_UNKNOWN, STATUS_UNKNOWN, 0, 0 },       /* S1 */
    { is_conflict,        BG_CONFLICT,        STATUS_CRIT,    STATUS_WARN,    0, 0 },       /* S3 */
    { is_orphan,          BG_ORPHAN_LINK,     STATUS_CRIT,    STATUS_CRIT,    0, 0 },       /* S4 */
    { is_disabled,        BG_LINK_DISABLED,   STATUS_CRIT,    STATUS_CRIT,    0, 0 },       /* S5 */
    { is_linking,         BG_LINKING,         STATUS_INFO,    STATUS_INFO,    600, 0 },     /* S6 */
    { is_disabling,       BG_UNLINKING,       STATUS_INFO,    STATUS_INFO,    300, 0 },     /* S7 */
    { is_deleting,        BG_UNLINKING,       STATUS_INFO,    STATUS_INFO,    300, 0 },     /* S8 */
    { is_switching,       BG_SWITCHING,       STATUS_INFO,    STATUS_INFO,    600, 1200 },  /* S9 */
    { has_no_environment, BG_SHARED_ONLY,     STATUS_INFO,    STATUS_INFO,    0, 0 },       /* S10 */
    { is_none,            BG_NONE_LINKED,     STATUS_CRIT,    STATUS_WARN,    0, 0 },       /* S11 */
    { is_partial,         BG_LINKED_PARTIAL,  STATUS_WARN,    STATUS_WARN,    0, 0 },       /* S12 */
    { is_degraded,        BG_LINKED_DEGRADED, STATUS_WARN,    STATUS_WARN,    0, 0 },       /* S13 */
    { is_drift,           BG_LINKED_DRIFT,    STATUS_WARN,    STATUS_WARN,    0, 0 },       /* S14 */
    { is_linked,          BG_LINKED,          STATUS_OK,      STATUS_OK,      0, 0 },       /* S15 */
    /* clang-format on */
};

bool bg_is_linked_state(enum bg_state s)
{
    return s == BG_LINKED_PARTIAL || s == BG_LINKED_DEGRADED || s == BG_LINKED_DRIFT ||
           s == BG_LINKED;
}

/* ---- since when, and how bad */

/* When the gap began: as the link was seen to go, else by who took it, else by what waits. */
static int64_t gap_since(const struct bg_case *c)
{
    if (c->f->last_linked_ms > 0)
        return c->f->last_linked_ms;
    if (c->lock && c->lock->created_ms > 0)
        return c->lock->created_ms;
    if (c->build && c->build->start_ms > 0)
        return c->build->start_ms;
    if (c->out->waiting > 0 && c->out->oldest_s >= 0)
        return c->f->now_ms - c->out->oldest_s * 1000;
    return 0;
}

static int64_t since(const struct bg_case *c)
{
    enum bg_state s = c->out->state;
    int64_t newest = 0;

    if (s == BG_STATE_UNKNOWN || s == BG_SHARED_ABSENT || s == BG_ORPHAN_LINK)
        return 0;
    if (!c->nm)
        return c->deleting ? c->deleting->modified_ms : gap_since(c);
    for (size_t i = 0; i < c->nm; i++)
        if (c->m[i]->modified_ms > newest)
            newest = c->m[i]->modified_ms;
    return newest;
}

/* A build that took the link and ended without making one will not make it any more. */
static bool has_build_given_up(const struct bg_case *c)
{
    return c->out->state == BG_SWITCHING && !c->build && c->ended && c->lock &&
           c->ended->end_ms >= c->lock->created_ms;
}

/* What S15 leaves open when nobody could look: it is not greener than its evidence. */
static bool is_evidence_open(const struct bg_facts *f)
{
    return !bg_is_fresh(f, BG_ALARMS) || !bg_is_fresh(f, BG_SUBSCRIPTIONS) ||
           !bg_is_fresh(f, BG_DASHBOARD) || !bg_is_fresh(f, BG_FUNCTIONS);
}

static enum status severity(const struct bg_case *c, const struct rule *r)
{
    const struct bg_result *out = c->out;
    int64_t s = out->since_ms > 0 ? (c->f->now_ms - out->since_ms) / 1000 : 0;

    if ((r->crit_s && s >= r->crit_s) || has_build_given_up(c))
        return STATUS_CRIT;
    if (r->warn_s && s >= r->warn_s)
        return STATUS_WARN;
    if (r->state == BG_SHARED_ONLY && out->waiting > 0)
        return STATUS_WARN;
    if (r->state == BG_LINKED && is_evidence_open(c->f))
        return STATUS_UNKNOWN;
    if (r->state == BG_NONE_LINKED && !c->f->is_live && !bg_is_fresh(c->f, BG_QUEUES))
        return STATUS_UNKNOWN; /* the shared environment itself may be gone */
    return c->f->is_live ? r->live : r->other;
}

void bg_find_state(struct bg_case *c)
{
    require(c && c->out);
    static const struct rule none = {
        is_not_known, BG_STATE_UNKNOWN, STATUS_UNKNOWN, STATUS_UNKNOWN, 0, 0
    };
    const struct rule *found = NULL;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (!rules[i].holds(c))
            continue;
        if (!found)
            found = &rules[i];
        else if (bg_is_linked_state(rules[i].state) && rules[i].state != BG_LINKED &&
                 bg_is_linked_state(found->state))
            c->out->also |= 1U << rules[i].state;
    }
    found = found ? found : &none; /* a mapping in a state that AWS has not had so far */
    c->out->state = found->state;
    c->out->since_ms = since(c);
    c->out->severity = severity(c, found);
}
