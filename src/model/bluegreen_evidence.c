/*
 * What a person is told about the state: the blind window (expected alarms against those that
 * exist), the evidence with its strength (docs/blue-green.md) and the one-line summary.
 */
#include "opsdeck/model/bluegreen.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "bluegreen_priv.h"

enum {
    ALARMS_SHARED = 5,
    ALARMS_WAF = 8,
    ALARMS_LINK = 24,
    ALARMS_LINK_TASK = 10,
    EVIDENCE_MAX = 16 /* besides one for each mapping and linked environment */
};

/* ---- blind window */

/* The link stack leaves most alarms out wherever "ds" stands in the name. */
static int expected_of(const char *env)
{
    return strstr(env, "ds") ? ALARMS_LINK_TASK : ALARMS_LINK;
}

/* A name that is shared and blue/green at once is told apart by title. */
static int count_alarms(const struct bg_case *c, const char *env, bool is_shared)
{
    int n = 0;

    for (size_t i = 0; i < c->f->nalarms; i++) {
        const char *title;
        char *of;
        bool is_waf;

        if (bg_alarm_fields(c, c->f->alarms[i].name, &of, &title) && bg_same(of, env) &&
            bg_is_shared_title(title, &is_waf) == is_shared && !(is_waf && !c->f->has_waf))
            n++;
    }
    return n;
}

static void add_alarms(struct bg_case *c, const char *env, bool is_shared, int expected)
{
    struct bg_blind *b = &c->out->blind;
    int n = count_alarms(c, env, is_shared);

    b->expected += expected;
    b->present += n < expected ? n : expected;
}

/* Before the state is known: S13 asks for it. */
void bg_find_blind(struct bg_case *c)
{
    require(c && c->f && c->out);
    const struct bg_facts *f = c->f;

    if (bg_is_fresh(f, BG_QUEUES) && f->is_queue_absent)
        return;
    add_alarms(c, f->shared_env, true, ALARMS_SHARED + (f->has_waf ? ALARMS_WAF : 0));
    for (size_t i = 0; i < c->nm; i++) {
        const char *env = bg_env_of_mapping(c, c->m[i]);

        add_alarms(c, env, false, expected_of(env));
    }
    if (!c->nm) {
        const char *env = c->last_consumer ? c->last_consumer : f->shared_env;

        add_alarms(c, env, false, expected_of(env));
    }
    if (!bg_is_fresh(f, BG_ALARMS))
        c->out->blind.present = -1;
}

/* ---- evidence */

static void add(struct bg_case *c, enum bg_family family, const char *strength, const char *fmt,
                ...) __attribute__((format(printf, 4, 5)));

static void add(struct bg_case *c, enum bg_family family, const char *strength, const char *fmt,
                ...)
{
    struct bg_evidence *e = &c->out->evidence[c->out->nevidence++];
    va_list ap;

    va_start(ap, fmt);
    e->fact = arena_vprintf(c->mem, fmt, ap);
    va_end(ap);
    e->strength = strength;
    e->age_s = bg_age_s(c->f, family);
}

static void add_mappings(struct bg_case *c)
{
    const struct bg_facts *f = c->f;
    bool has_any = false;

    for (size_t i = 0; i < f->nmappings; i++) {
        const struct bg_mapping *m = &f->mappings[i];
        bool is_main = bg_same(m->queue, c->queue);

        if (!is_main && !bg_same(m->queue, c->dlq))
            continue;
        has_any |= is_main;
        add(c, BG_MAPPINGS, "strong", "E1: change-event %s -> %s, %s", is_main ? "queue" : "DLQ",
            bg_env_of_mapping(c, m), m->state ? m->state : "state not known");
    }
    if (!has_any)
        add(c, BG_MAPPINGS, "strong", "E1: no mapping on the change-event queue");
}

static void add_slot(struct bg_case *c, const struct bg_slot *s)
{
    const struct bg_env *e = bg_find_env(c, s->name);

    if (bg_is_fresh(c->f, BG_QUEUES) && e && e->pair)
        add(c, BG_QUEUES, "strong", "E4: %s %s %s by KMS key", s->name,
            e->pair == BG_PAIR_YES ? "pairs with" : "does not pair with", c->f->shared_env);
    if (s->created_ms)
        add(c, BG_QUEUES, "strong", "E4: %s was created %s ago", s->name, bg_ago(c, s->created_ms));
    if (s->version)
        add(c, BG_FUNCTIONS, "strong", "E3: %s runs %s", s->name, s->version);
}

static void add_dashboard(struct bg_case *c)
{
    const struct bg_facts *f = c->f;

    if (!f->has_dashboard)
        add(c, BG_DASHBOARD, "medium", "E6: no dashboard");
    else
        add(c, BG_DASHBOARD, "medium", "E6: dashboard names %s, previous %s",
            f->dashboard_current ? f->dashboard_current : "nobody",
            f->dashboard_previous ? f->dashboard_previous : "NA");
}

static void add_topics(struct bg_case *c)
{
    bool r1 = bg_is_subscribed(c, bg_shared_topic(c, false), false);
    bool r2 = bg_is_subscribed(c, bg_shared_topic(c, true), true);

    add(c, BG_SUBSCRIPTIONS, "medium", "E8: alert path %s",
        r1 && r2 ? "connected"
        : r1     ? "broken for the health check"
        : r2     ? "broken in the main region"
                 : "broken: no subscriber");
}

static void add_builds(struct bg_case *c)
{
    if (c->lock)
        add(c, BG_LOCKS, "strong", "E12: link stack locked for %s by %s",
            bg_ago(c, c->lock->created_ms), c->lock->who ? c->lock->who : "somebody");
    if (c->build)
        add(c, BG_BUILDS, "medium", "E10: %s runs for %s", c->build->project,
            bg_ago(c, c->build->start_ms));
    if (!c->build && c->ended && !bg_is_linked_state(c->out->state))
        add(c, BG_BUILDS, "medium", "E10: %s ended %s ago, %s", c->ended->project,
            bg_ago(c, c->ended->end_ms), c->ended->status ? c->ended->status : "status not known");
}

void bg_find_evidence(struct bg_case *c)
{
    require(c && c->f && c->out);
    const struct bg_facts *f = c->f;
    struct bg_result *out = c->out;

    out->evidence =
        arena_array(c->mem, EVIDENCE_MAX + f->nmappings + 3 * out->nslots, sizeof *out->evidence);
    if (bg_is_fresh(f, BG_MAPPINGS))
        add_mappings(c);
    for (size_t i = 0; i < out->nslots; i++)
        if (out->slots[i].role == BG_BLUE)
            add_slot(c, &out->slots[i]);
    if (bg_is_fresh(f, BG_DASHBOARD))
        add_dashboard(c);
    if (out->blind.present >= 0)
        add(c, BG_ALARMS, "medium", "E7: %d of %d alarms exist", out->blind.present,
            out->blind.expected);
    if (bg_is_fresh(f, BG_SUBSCRIPTIONS))
        add_topics(c);
    if (bg_is_fresh(f, BG_RULES) && f->rule)
        add(c, BG_RULES, "medium", "E13: rule %s exists", f->rule);
    if (bg_is_fresh(f, BG_METRICS) && f->last_invoked)
        add(c, BG_METRICS, "medium", "E14: %s consumed last", f->last_invoked);
    if (!c->nm && f->last_linked && bg_is_fresh(f, BG_MAPPINGS))
        add(c, BG_MAPPINGS, "medium", "remembered: %s was linked", f->last_linked);
    add_builds(c);
    if (bg_is_fresh(f, BG_PARAMETER) && f->new_version)
        add(c, BG_PARAMETER, "weak", "E11: new version is %s", f->new_version);
}

/* ---- summary */

/* "240 events wait, oldest 21 min; last consumer 9f3c1ab-live" */
static const char *held(const struct bg_case *c)
{
    const struct bg_result *out = c->out;
    const char *oldest = "", *last = "";

    if (out->oldest_s >= 0 && out->waiting > 0)
        oldest =
            arena_printf(c->mem, ", oldest %s", bg_ago(c, c->f->now_ms - out->oldest_s * 1000));
    if (out->last_consumer)
        last = arena_printf(c->mem, "; last consumer %s", out->last_consumer);
    if (out->waiting < 0)
        return arena_printf(c->mem, "how many events wait is not known%s", last);
    return arena_printf(c->mem, "%" PRId64 " event%s wait%s%s%s", out->waiting,
                        out->waiting == 1 ? "" : "s", out->waiting == 1 ? "s" : "", oldest, last);
}

static const char *targets(const struct bg_case *c)
{
    const char *list = "";

    for (size_t i = 0; i < c->nm; i++)
        list =
            arena_printf(c->mem, "%s%s%s", list, i ? " and " : "", bg_env_of_mapping(c, c->m[i]));
    return list;
}

/* The links as they were last read, however long ago. */
static const char *last_seen(const struct bg_case *c)
{
    const char *out = NULL;

    for (size_t i = 0; i < c->f->nmappings; i++) {
        const char *env = bg_same(c->f->mappings[i].queue, c->queue)
                              ? bg_env_of_mapping(c, &c->f->mappings[i])
                              : NULL;
        if (env)
            out = out ? arena_printf(c->mem, "%s and %s", out, env) : env;
    }
    return out;
}

static const char *unknown_text(const struct bg_case *c)
{
    const struct bg_known *k = &c->f->known[BG_MAPPINGS];
    const char *age = k->read_ms > 0
                          ? arena_printf(c->mem, "last read %s ago", bg_ago(c, k->read_ms))
                          : "never read";

    if (c->nm)
        return arena_printf(c->mem, "the mapping to %s is in a state not known here: %s",
                            targets(c), c->m[0]->state ? c->m[0]->state : "none");
    const char *last = last_seen(c);
    return arena_printf(c->mem, "who is linked is not known: %s%s%s%s%s", k->why ? k->why : "",
                        k->why ? "; " : "", age, last ? ", then to " : "", last ? last : "");
}

static const char *degraded_text(const struct bg_case *c)
{
    const struct bg_blind *b = &c->out->blind;

    if (b->present >= 0 && b->present < b->expected)
        return arena_printf(c->mem, "%s is linked, but only %d of %d alarms exist", targets(c),
                            b->present, b->expected);
    return arena_printf(c->mem, "%s is linked, but the alert path is broken: alarms reach nobody",
                        targets(c));
}

static const char *linked_text(const struct bg_case *c)
{
    if (c->out->severity == STATUS_UNKNOWN)
        return arena_printf(c->mem,
                            "%s is linked; whether its alarms and alert path are complete "
                            "is not known",
                            targets(c));
    return arena_printf(c->mem, "%s is linked", targets(c));
}

static const char *none_text(const struct bg_case *c)
{
    const char *open = bg_is_fresh(c->f, BG_BUILDS) ? "" : "; whether a switch runs is not known";

    return arena_printf(c->mem, "no environment is linked: %s%s", held(c), open);
}

static const char *only_text(const struct bg_case *c)
{
    return arena_printf(c->mem, "no environment belongs to it%s: %s",
                        c->out->flags & BG_FOREIGN_PAIR ? " (its own now belongs to another)" : "",
                        held(c));
}

static const char *switching_text(const struct bg_case *c)
{
    return arena_printf(c->mem, "being switched%s%s: %s", c->out->since_ms ? " for " : "",
                        c->out->since_ms ? bg_ago(c, c->out->since_ms) : "", held(c));
}

static const char *drift_text(const struct bg_case *c)
{
    return arena_printf(c->mem,
                        "%s is linked, but the dashboard names %s: the link was moved from "
                        "elsewhere",
                        targets(c), c->f->dashboard_current);
}

static const char *absent_text(const struct bg_case *c)
{
    (void)c;
    return "the shared environment does not exist";
}

static const char *conflict_text(const struct bg_case *c)
{
    return arena_printf(c->mem, "%s consume the same queue: events are split between them",
                        targets(c));
}

static const char *orphan_text(const struct bg_case *c)
{
    return arena_printf(c->mem, "the link leads to %s, which does not exist: the queue grows",
                        targets(c));
}

static const char *disabled_text(const struct bg_case *c)
{
    return arena_printf(c->mem, "the link to %s is disabled: the queue grows", targets(c));
}

static const char *linking_text(const struct bg_case *c)
{
    return arena_printf(c->mem, "%s is being linked", targets(c));
}

static const char *unlinking_text(const struct bg_case *c)
{
    return arena_printf(c->mem, "%s is being unlinked", c->nm ? targets(c) : c->last_consumer);
}

static const char *partial_text(const struct bg_case *c)
{
    return arena_printf(c->mem, "%s is linked, but not to the dead-letter queue", targets(c));
}

void bg_find_summary(struct bg_case *c)
{
    require(c && c->out);
    require(c->out->state < BG_STATES);
    static const char *(*const texts[BG_STATES])(const struct bg_case *) = {
        [BG_STATE_UNKNOWN] = unknown_text,  [BG_SHARED_ABSENT] = absent_text,
        [BG_CONFLICT] = conflict_text,      [BG_ORPHAN_LINK] = orphan_text,
        [BG_LINK_DISABLED] = disabled_text, [BG_LINKING] = linking_text,
        [BG_UNLINKING] = unlinking_text,    [BG_SWITCHING] = switching_text,
        [BG_SHARED_ONLY] = only_text,       [BG_NONE_LINKED] = none_text,
        [BG_LINKED_PARTIAL] = partial_text, [BG_LINKED_DEGRADED] = degraded_text,
        [BG_LINKED_DRIFT] = drift_text,     [BG_LINKED] = linked_text,
    };

    c->out->summary = texts[c->out->state](c);
}
