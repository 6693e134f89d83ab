/*
 * The judgement of one shared environment: puts the parts in their order. The words of states,
 * roles and flags stand here, as does what "fresh" means for a family of facts.
 */
#include "opsdeck/model/bluegreen.h"

#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "bluegreen_priv.h"

static const char *const state_words[BG_STATES] = {
    [BG_STATE_UNKNOWN] = "UNKNOWN",
    [BG_SHARED_ABSENT] = "SHARED_ABSENT",
    [BG_CONFLICT] = "CONFLICT",
    [BG_ORPHAN_LINK] = "ORPHAN_LINK",
    [BG_LINK_DISABLED] = "LINK_DISABLED",
    [BG_LINKING] = "LINKING",
    [BG_UNLINKING] = "UNLINKING",
    [BG_SWITCHING] = "SWITCHING",
    [BG_SHARED_ONLY] = "SHARED_ONLY",
    [BG_NONE_LINKED] = "NONE_LINKED",
    [BG_LINKED_PARTIAL] = "LINKED_PARTIAL",
    [BG_LINKED_DEGRADED] = "LINKED_DEGRADED",
    [BG_LINKED_DRIFT] = "LINKED_DRIFT",
    [BG_LINKED] = "LINKED",
};

static const char *const role_words[BG_ROLES] = {
    [BG_ROLE_UNKNOWN] = "UNKNOWN", [BG_NOT_DEPLOYED] = "NOT_DEPLOYED",
    [BG_PARTIAL] = "PARTIAL",      [BG_BLUE] = "BLUE",
    [BG_ROLE_LINKING] = "LINKING", [BG_ROLE_UNLINKING] = "UNLINKING",
    [BG_PREVIOUS] = "PREVIOUS",    [BG_GREEN] = "GREEN",
    [BG_LEAKED] = "LEAKED",
};

static const char *const flag_words[BG_FLAGS] = {
    "DRAINING",       "MIXED_VERSION", "NO_DECRYPT",          "UNHEALTHY",
    "DEPLOYING",      "STUCK_LOCK",    "FOREIGN_PAIR",        "NO_ROLLBACK",
    "EXTRA_DISABLED", "ROLLED_BACK",   "DELETED_YET_PRESENT",
};

const char *bg_state_word(enum bg_state s)
{
    return s >= 0 && s < BG_STATES ? state_words[s] : "UNKNOWN";
}

const char *bg_role_word(enum bg_role r)
{
    return r >= 0 && r < BG_ROLES ? role_words[r] : "UNKNOWN";
}

const char *bg_flag_word(enum bg_flag f)
{
    for (int i = 0; i < BG_FLAGS; i++)
        if ((unsigned)f == 1U << i)
            return flag_words[i];
    return "UNKNOWN";
}

bool bg_is_fresh(const struct bg_facts *f, enum bg_family family)
{
    require(f && family >= 0 && family < BG_FAMILIES);
    const struct bg_known *k = &f->known[family];
    const struct fact_age age = { .observed_ms = k->read_ms,
                                  .every_ms = k->every_ms,
                                  .now_ms = f->now_ms,
                                  .has_failed = !k->is_known };

    return freshness_of(&age) == FRESH;
}

static void find_depths(struct bg_case *c)
{
    const struct bg_queue *q = bg_find_queue(c, c->queue), *dlq = bg_find_queue(c, c->dlq);
    bool is_fresh = bg_is_fresh(c->f, BG_QUEUES);

    c->out->waiting = is_fresh && q ? q->visible : -1;
    c->out->oldest_s = is_fresh && q ? q->oldest_s : -1;
    c->out->dead = is_fresh && dlq ? dlq->visible : -1;
}

static void find_linked(struct bg_case *c)
{
    c->out->linked = arena_array(c->mem, c->nm + 1, sizeof *c->out->linked);
    for (size_t i = 0; i < c->nm; i++)
        if (bg_same(c->m[i]->state, "Enabled"))
            c->out->linked[c->out->nlinked++] = bg_env_of_mapping(c, c->m[i]);
    c->out->last_consumer = c->last_consumer;
}

void bg_judge(struct arena *mem, const struct bg_facts *f, const struct bg_runbook *runbook,
              struct bg_result *out)
{
    require(mem && f && out);
    require(f->project && f->shared_env);
    struct bg_case c = { .mem = mem, .f = f, .runbook = runbook, .out = out };

    memset(out, 0, sizeof *out);
    c.queue = arena_printf(mem, "%s-%s-change-event-queue.fifo", f->project, f->shared_env);
    c.dlq =
        arena_printf(mem, "%s-%s-change-event-dead-letter-queue.fifo", f->project, f->shared_env);
    bg_find_envs(&c);
    bg_find_link(&c);
    find_depths(&c);
    find_linked(&c);
    bg_find_blind(&c);
    bg_find_state(&c);
    if (out->blind.present >= 0 && out->blind.present < out->blind.expected && !c.nm)
        out->blind.since_ms = out->since_ms;
    bg_find_roles(&c);
    bg_find_evidence(&c);
    bg_find_summary(&c);
    bg_find_steps(&c);
}
