/*
 * The estate of the DoS Integration page's section 9 as facts: fx_init() gives those of one shared
 * environment, all families fresh; a test changes what its case is about and judges.
 */
#ifndef OPSDECK_TESTS_BLUEGREEN_FIXTURE_H
#define OPSDECK_TESTS_BLUEGREEN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/model/bluegreen.h"

#include "bluegreen_estate.h"

struct fx {
    struct arena *mem;
    struct bg_facts f;
    struct bg_mapping mappings[FX_FEW];
    struct bg_queue queues[FX_QUEUES];
    struct bg_function functions[FX_FUNCTIONS];
    struct bg_alarm alarms[FX_ALARMS];
    struct bg_subscription subscriptions[FX_ALARMS];
    struct bg_build builds[FX_FEW];
    struct bg_execution executions[FX_FEW];
    struct bg_lock locks[FX_FEW];
    struct bg_secret secrets[FX_FEW];
    struct bg_runbook runbook;
    struct bg_result out;
};

/* ---- adding */

static inline void fx_add_queue(struct fx *x, const char *env, const char *name, const char *key,
                                int64_t visible, int64_t in_flight, int64_t oldest_s,
                                int64_t created_s)
{
    assert_true(x->f.nqueues < FX_QUEUES);
    x->queues[x->f.nqueues++] = (struct bg_queue){ arena_printf(x->mem, P "-%s-%s", env, name),
                                                   key,
                                                   visible,
                                                   in_flight,
                                                   oldest_s,
                                                   created_s * 1000 };
}

static inline void fx_add_subscription(struct fx *x, const char *topic_of, bool is_r2,
                                       const char *env)
{
    x->subscriptions[x->f.nsubscriptions++] = (struct bg_subscription){
        arena_printf(x->mem, P "-%s-topic-app-alerts-for-slack-%s", topic_of,
                     is_r2 ? "route53-health-check-alarm-region" : "default-region"),
        is_r2 ? "us-east-1" : "eu-west-2", arena_printf(x->mem, P "-%s-slack-messenger", env)
    };
}

static inline void fx_add_link(struct fx *x, const char *env, const char *state, int64_t at_s)
{
    x->mappings[x->f.nmappings++] =
        (struct bg_mapping){ arena_printf(x->mem, P "-%s-change-event-queue.fifo", x->f.shared_env),
                             arena_printf(x->mem, P "-%s-ingest-change-event", env), state,
                             at_s * 1000, false };
}

static inline void fx_add_dlq_link(struct fx *x, const char *env, const char *state, int64_t at_s)
{
    x->mappings[x->f.nmappings++] = (struct bg_mapping){
        arena_printf(x->mem, P "-%s-change-event-dead-letter-queue.fifo", x->f.shared_env),
        arena_printf(x->mem, P "-%s-change-event-dlq-handler", env), state, at_s * 1000, false
    };
}

static inline void fx_add_build(struct fx *x, const char *project, const char *status,
                                const char *shared, const char *source, int64_t start_s,
                                int64_t end_s)
{
    x->builds[x->f.nbuilds++] = (struct bg_build){ "new", project, status,         shared,
                                                   NULL,  source,  start_s * 1000, end_s * 1000 };
}

static inline void fx_add_lock(struct fx *x, const char *env, const char *stack, int64_t created_s)
{
    x->locks[x->f.nlocks++] =
        (struct bg_lock){ arena_printf(x->mem, P "/%s/%s/terraform.state", env, stack),
                          "root@build", created_s * 1000 };
}

static inline void fx_add_alarms(struct fx *x, const char *env, const char *const *titles, int n)
{
    for (int i = 0; i < n; i++) {
        const char *title = titles ? titles[i] : arena_printf(x->mem, "Blue/green alarm %d", i);

        assert_true(x->f.nalarms < FX_ALARMS);
        x->alarms[x->f.nalarms++] =
            (struct bg_alarm){ arena_printf(x->mem, P " | %s | %s", env, title), "OK",
                               "eu-west-2" };
    }
}

static inline void fx_add_env(struct fx *x, const struct fx_env *e)
{
    static const char *const queues[] = { "holding-queue.fifo", "update-request-queue.fifo",
                                          "holding-queue-dead-letter-queue.fifo",
                                          "update-request-dead-letter-queue.fifo" };
    int nfunctions = strcmp(e->name, "ds-4020") == 0 ? 6 : 10;

    for (int i = 0; i < 4; i++)
        fx_add_queue(x, e->name, queues[i], e->key, e->depth[i], 0, -1, e->created_s);
    for (int i = 0; i < nfunctions; i++) {
        bool is_old = strcmp(e->name, "ds-4012") == 0 && strcmp(fx_fns[i], "send-email") == 0;

        assert_true(x->f.nfunctions < FX_FUNCTIONS);
        x->functions[x->f.nfunctions++] = (struct bg_function){
            .name = arena_printf(x->mem, P "-%s-%s", e->name, fx_fns[i]),
            .version = is_old ? "20260202101500-9d8e7f6a" : e->tag,
            .state = "Active",
            .last_update = "Successful",
            .shared_env = e->shared,
            .kms_key = arena_printf(x->mem, "arn:aws:kms:eu-west-2:300000000003:key/%s", e->key),
        };
    }
    for (int r2 = 0; r2 < 2; r2++)
        fx_add_subscription(x, e->name, r2, e->name);
    fx_add_alarms(x, e->name, NULL, e->nalarms);
}

static inline void fx_add_shared(struct fx *x, const struct fx_shared *s)
{
    static const char *const titles[] = { "DI 4XX Endpoint Errors",
                                          "DI 5XX Endpoint Errors",
                                          "Change Events DLQ'd",
                                          "Change Events Waiting",
                                          "DI Endpoint Route 53 Health Checks Failing",
                                          "WAF IP Allow List Blocked Requests",
                                          "WAF Rate Limit Blocked Requests",
                                          "WAF AWS Managed Rules Common Blocked Requests",
                                          "WAF Non GB Blocked Requests",
                                          "WAF AWS Managed Known Bad Inputs Blocked Requests",
                                          "WAF AWS Managed SQL Injection Blocked Requests",
                                          "WAF AWS Managed IP Reputation List Blocked Requests",
                                          "WAF Custom SQL Injection Count Requests" };

    fx_add_queue(x, s->name, "change-event-queue.fifo", s->key, s->visible, s->in_flight,
                 s->oldest_s, 1760000000);
    fx_add_queue(x, s->name, "change-event-dead-letter-queue.fifo", s->key, 0, 0, -1, 1760000000);
    fx_add_alarms(x, s->name, titles, s->has_waf ? 13 : 5);
}

static inline void fx_add_links(struct fx *x)
{
    for (size_t i = 0; i < ARRAY_LEN(fx_links); i++) {
        if (strcmp(fx_links[i].shared, x->f.shared_env) != 0)
            continue;
        fx_add_link(x, fx_links[i].env, "Enabled", fx_links[i].modified_s);
        fx_add_dlq_link(x, fx_links[i].env, "Enabled", fx_links[i].dlq_modified_s);
        for (int r2 = 0; r2 < 2; r2++)
            fx_add_subscription(x, arena_printf(x->mem, "%s-shared-resources", x->f.shared_env), r2,
                                fx_links[i].env);
    }
}

/* ---- the base */

static inline void fx_set_lists(struct fx *x)
{
    memcpy(x->builds, fx_builds, sizeof fx_builds);
    memcpy(x->executions, fx_executions, sizeof fx_executions);
    memcpy(x->secrets, fx_secrets, sizeof fx_secrets);
    x->f.nbuilds = ARRAY_LEN(fx_builds);
    x->f.nexecutions = ARRAY_LEN(fx_executions);
    x->f.nsecrets = ARRAY_LEN(fx_secrets);
    x->f.mappings = x->mappings;
    x->f.queues = x->queues;
    x->f.functions = x->functions;
    x->f.alarms = x->alarms;
    x->f.subscriptions = x->subscriptions;
    x->f.builds = x->builds;
    x->f.executions = x->executions;
    x->f.locks = x->locks;
    x->f.secrets = x->secrets;
    x->runbook = (struct bg_runbook){ fx_commands, ARRAY_LEN(fx_commands) };
}

static inline void fx_set_shared(struct fx *x, const struct fx_shared *s)
{
    x->f.project = P;
    x->f.shared_env = s->name;
    x->f.profile = s->profile;
    x->f.region = "eu-west-2";
    x->f.is_live = s->is_live;
    x->f.keeps_previous = s->keeps_previous;
    x->f.has_waf = s->has_waf;
    x->f.has_other_locks = true;
    x->f.now_ms = NOW;
    x->f.has_dashboard = s->current;
    x->f.dashboard_current = s->current;
    x->f.dashboard_previous = s->previous;
    x->f.new_version = "b8d41f0";
    x->f.parameter_modified_ms = 1770103070000;
    x->f.has_table = true;
    x->f.stage_updated_ms = 1770046400000;
    x->f.images = fx_images;
    x->f.drained = 3;
    for (int i = 0; i < BG_FAMILIES; i++)
        x->f.known[i] = (struct bg_known){ true, NOW - 10000, 60000, NULL };
}

static inline void fx_init(struct fx *x, const char *shared)
{
    const struct fx_shared *s = NULL;

    memset(x, 0, sizeof *x);
    x->mem = arena_new();
    for (size_t i = 0; i < ARRAY_LEN(fx_shareds); i++)
        if (strcmp(fx_shareds[i].name, shared) == 0)
            s = &fx_shareds[i];
    assert_non_null(s);
    fx_set_shared(x, s);
    for (size_t i = 0; i < ARRAY_LEN(fx_shareds); i++)
        if (fx_shareds[i].is_prod == s->is_prod)
            fx_add_shared(x, &fx_shareds[i]);
    for (size_t i = 0; i < ARRAY_LEN(fx_envs); i++)
        if (fx_envs[i].is_prod == s->is_prod)
            fx_add_env(x, &fx_envs[i]);
    fx_add_links(x);
    fx_set_lists(x);
    if (!s->is_prod)
        fx_add_lock(x, "ds-4020", "application", 1770107050);
}

static inline void fx_done(struct fx *x)
{
    arena_free(x->mem);
}

static inline const struct bg_result *fx_judge(struct fx *x)
{
    bg_judge(x->mem, &x->f, &x->runbook, &x->out);
    return &x->out;
}

/* ---- changing */

static inline void fx_unlink(struct fx *x)
{
    x->f.nmappings = 0;
}

/* The outage of 9.12: nobody linked, 240 events wait. */
static inline void fx_outage(struct fx *x)
{
    fx_unlink(x);
    x->f.nsubscriptions -= 2;
    x->queues[0].visible = 240;
    x->queues[0].in_flight = 0;
    x->queues[0].oldest_s = 1260;
    assert_string_equal(x->queues[0].name, P "-live-change-event-queue.fifo");
}

static inline struct bg_queue *fx_queue(struct fx *x, const char *name)
{
    for (size_t i = 0; i < x->f.nqueues; i++)
        if (strcmp(x->queues[i].name, arena_printf(x->mem, P "-%s", name)) == 0)
            return &x->queues[i];
    fail_msg("no queue %s", name);
    abort();
}

static inline struct bg_function *fx_fn(struct fx *x, const char *name)
{
    for (size_t i = 0; i < x->f.nfunctions; i++)
        if (strcmp(x->functions[i].name, arena_printf(x->mem, P "-%s", name)) == 0)
            return &x->functions[i];
    fail_msg("no function %s", name);
    abort();
}

/* Functions, queues and subscriptions go out of sight by a name that no environment has. */
static inline void fx_drop_functions(struct fx *x, const char *env)
{
    for (size_t i = 0; i < ARRAY_LEN(fx_fns); i++)
        fx_fn(x, arena_printf(x->mem, "%s-%s", env, fx_fns[i]))->name = "gone";
}

static inline void fx_drop_env(struct fx *x, const char *env)
{
    const char *prefix = arena_printf(x->mem, P "-%s-", env);

    for (size_t i = 0; i < x->f.nfunctions; i++)
        if (strncmp(x->functions[i].name, prefix, strlen(prefix)) == 0)
            x->functions[i].name = "gone";
    for (size_t i = 0; i < x->f.nqueues; i++)
        if (strncmp(x->queues[i].name, prefix, strlen(prefix)) == 0 &&
            !strstr(x->queues[i].name, "change-event"))
            x->queues[i].name = "gone";
}

static inline void fx_stale(struct fx *x, enum bg_family family)
{
    x->f.known[family].read_ms = NOW - 2 * x->f.known[family].every_ms - 1;
}

/* ---- looking */

static inline const struct bg_slot *fx_slot(const struct fx *x, const char *name)
{
    for (size_t i = 0; i < x->out.nslots; i++)
        if (strcmp(x->out.slots[i].name, name) == 0)
            return &x->out.slots[i];
    fail_msg("no slot %s", name);
    abort();
}

static inline const struct bg_step *fx_find_step(const struct fx *x, const char *step,
                                                 const char *target)
{
    for (size_t i = 0; i < x->out.nsteps; i++) {
        const struct bg_step *s = &x->out.steps[i];

        if (strcmp(s->step, step) == 0 &&
            (!target || (s->target && strcmp(s->target, target) == 0)))
            return s;
    }
    return NULL;
}

static inline const struct bg_step *fx_step(const struct fx *x, const char *step,
                                            const char *target)
{
    const struct bg_step *s = fx_find_step(x, step, target);

    if (!s) {
        fail_msg("no step %s for %s", step, target ? target : "anybody");
        abort(); /* not reached; the compiler does not know */
    }
    return s;
}

static inline const struct bg_check *fx_check(const struct bg_step *s, const char *id)
{
    for (size_t i = 0; i < s->nchecks; i++)
        if (strcmp(s->checks[i].id, id) == 0)
            return &s->checks[i];
    fail_msg("step %s has no check %s", s->step, id);
    abort();
}

/* ---- checks as a table */

struct check_case {
    const char *id, *shared, *step, *target;
    void (*change)(struct fx *x);
    enum bg_check_result result;
    const char *detail; /* a part of it; NULL: any */
};

static inline void fx_check_cases(const struct check_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct check_case *k = &cases[i];
        const struct bg_check *c;
        struct fx x;

        fx_init(&x, k->shared);
        if (k->change)
            k->change(&x);
        fx_judge(&x);
        c = fx_check(fx_step(&x, k->step, k->target), k->id);
        if (c->result != k->result || (k->detail && !strstr(c->detail, k->detail)))
            fail_msg("case %zu, %s of %s: result %d \"%s\", wanted %d \"%s\"", i, k->id, k->step,
                     c->result, c->detail, k->result, k->detail ? k->detail : "");
        fx_done(&x);
    }
}

/* ---- an estate where everything is allowed */

/* A blue/green estate of one shared environment, with names made for `profile`. */
static inline void fx_ready(struct fx *x, const char *profile)
{
    bool has_suffix =
        strcmp(profile, "dev") == 0 || strcmp(profile, "demo") == 0 || strcmp(profile, "live") == 0;
    const char *suffix;
    const char *const old[] = { "71be55f", "5e20d84", "9f3c1ab", "4d7e02c" };
    struct fx_shared shared = { "live", profile, PROD_KEY(1), true, true, true,
                                false,  3,       2,           4,    NULL, NULL };

    x->mem = arena_new();
    suffix = has_suffix ? arena_printf(x->mem, "-%s", profile) : "";
    shared.current = arena_printf(x->mem, "9f3c1ab%s", suffix);
    shared.previous = arena_printf(x->mem, "5e20d84%s", suffix);
    fx_set_shared(x, &shared);
    fx_add_shared(x, &shared);
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        for (size_t k = 0; k < ARRAY_LEN(fx_envs); k++) {
            struct fx_env e = fx_envs[k];

            if (strcmp(e.name, arena_printf(x->mem, "%s-live", old[i])) != 0)
                continue;
            e.name = arena_printf(x->mem, "%s%s", old[i], suffix);
            fx_add_env(x, &e);
        }
    fx_add_link(x, shared.current, "Enabled", 1770046480);
    fx_add_dlq_link(x, shared.current, "Enabled", 1770046482);
    for (int r2 = 0; r2 < 2; r2++)
        fx_add_subscription(x, "live-shared-resources", r2, shared.current);
    fx_set_lists(x);
    x->executions[0].status = "Succeeded";
    x->executions[0].waiting_stage = NULL;
    x->f.wanted.env = arena_printf(x->mem, "1a2b3c4%s", suffix);
    x->f.wanted.tag = "wG.8_x-y";
    x->f.wanted.commit = "1a2b3c4";
}

static inline void fx_removable(struct fx *x)
{
    fx_init(x, "ds-3987");
    fx_drop_env(x, "ds-3987");
    fx_unlink(x);
}

#endif
