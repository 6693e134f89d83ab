/*
 * The pre-flight checks C1 to C17 (docs/blue-green.md) as a table. A check passes only by facts
 * that are all fresh; otherwise it is unknown and names the call that would settle it.
 */
#include "opsdeck/model/bluegreen.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "bluegreen_priv.h"

#define F(family) (1U << (family))

static const char *const calls[BG_FAMILIES] = {
    [BG_MAPPINGS] = "lambda ListEventSourceMappings",
    [BG_FUNCTIONS] = "lambda ListFunctions",
    [BG_QUEUES] = "sqs GetQueueAttributes",
    [BG_DASHBOARD] = "cloudwatch GetDashboard",
    [BG_ALARMS] = "cloudwatch DescribeAlarms",
    [BG_SUBSCRIPTIONS] = "sns ListSubscriptionsByTopic",
    [BG_PIPELINES] = "codepipeline ListPipelineExecutions",
    [BG_BUILDS] = "codebuild BatchGetBuilds",
    [BG_PARAMETER] = "ssm GetParameter",
    [BG_LOCKS] = "dynamodb GetItem (lock table)",
    [BG_RULES] = "events ListRules",
    [BG_TABLE] = "dynamodb DescribeTable",
    [BG_IMAGES] = "ecr DescribeImages",
    [BG_SECRETS] = "secretsmanager DescribeSecret",
    [BG_STAGE] = "apigateway GetStages",
    [BG_METRICS] = "cloudwatch GetMetricData",
};

void bg_check_say(const struct bg_case *c, struct bg_check *k, enum bg_check_result result,
                  const char *fmt, ...)
{
    require(c && k && fmt);
    va_list ap;

    va_start(ap, fmt);
    k->detail = arena_vprintf(c->mem, fmt, ap);
    va_end(ap);
    k->result = result;
}

bool bg_check_needs(const struct bg_case *c, struct bg_check *k, unsigned set)
{
    require(c && k);
    require(set < 1U << BG_FAMILIES);
    for (int i = 0; i < BG_FAMILIES; i++) {
        const struct bg_known *known = &c->f->known[i];
        int64_t age = bg_age_s(c->f, (enum bg_family)i);
        bool is_known = i == BG_LOCKS ? bg_has_locks(c->f) : bg_is_fresh(c->f, (enum bg_family)i);

        if (!(set & F(i)))
            continue;
        if (age > k->age_s)
            k->age_s = age;
        if (is_known)
            continue;
        if (known->why && !known->is_known)
            bg_check_say(c, k, BG_CHECK_UNKNOWN, "needs %s: %s", calls[i], known->why);
        else if (age >= 0 && known->is_known)
            bg_check_say(c, k, BG_CHECK_UNKNOWN, "needs %s: last read %s ago", calls[i],
                         bg_ago(c, known->read_ms));
        else
            bg_check_say(c, k, BG_CHECK_UNKNOWN, "needs %s: not read", calls[i]);
        return false;
    }
    return true;
}

/* ---- the checks */

static void c1_shared(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    (void)a;
    if (!bg_find_queue(c, c->queue))
        bg_check_say(c, k, BG_CHECK_FAIL, "no queue %s", c->queue);
    else if (!bg_find_queue(c, c->dlq))
        bg_check_say(c, k, BG_CHECK_FAIL, "no queue %s", c->dlq);
    else if (!c->f->has_table)
        bg_check_say(c, k, BG_CHECK_FAIL, "the table or the key alias is missing");
    else
        bg_check_say(c, k, BG_CHECK_PASS, "queue, DLQ, table and key alias exist");
}

static void c5_images(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    (void)a;
    if (!c->f->images) {
        bg_check_say(c, k, BG_CHECK_UNKNOWN, "needs ecr DescribeImages of the tag");
        return;
    }
    for (size_t i = 0; i < BG_FUNCTIONS_EACH; i++) {
        bool is_there = false;

        for (size_t n = 0; c->f->images[n]; n++) {
            const char *end = strrchr(c->f->images[n], '/');

            is_there |= bg_same(end ? end + 1 : c->f->images[n], bg_function_names[i]);
        }
        if (!is_there) {
            bg_check_say(c, k, BG_CHECK_FAIL, "no such image of %s", bg_function_names[i]);
            return;
        }
    }
    bg_check_say(c, k, BG_CHECK_PASS, "the tag is in all %d repositories", BG_FUNCTIONS_EACH);
}

static bool is_lock_read(const struct bg_case *c, const char *env, const char *stack)
{
    const char *key = arena_printf(c->mem, "%s/%s/%s/terraform.state", c->f->project, env, stack);

    for (size_t i = 0; c->f->lock_keys && c->f->lock_keys[i]; i++)
        if (bg_same(c->f->lock_keys[i], key))
            return true;
    return !c->f->lock_keys;
}

static void c6_lock(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    const char *env = a->rule->is_env_stack ? a->target : c->f->shared_env;
    const char *open = NULL;

    for (size_t i = 0; i < ARRAY_LEN(a->rule->stacks) && a->rule->stacks[i] && env; i++) {
        const struct bg_lock *l = bg_find_lock(c, env, a->rule->stacks[i]);

        if (!is_lock_read(c, env, a->rule->stacks[i]))
            open = a->rule->stacks[i];
        if (!l)
            continue;
        bg_check_say(c, k, BG_CHECK_FAIL, "%s locked for %s by %s", l->key,
                     bg_ago(c, l->created_ms), l->who ? l->who : "somebody");
        return;
    }
    if (!env)
        bg_check_say(c, k, BG_CHECK_UNKNOWN, "which environment is not known");
    else if (open)
        bg_check_say(c, k, BG_CHECK_UNKNOWN, "lock of %s not read", open);
    else
        bg_check_say(c, k, BG_CHECK_PASS, "no lock");
}

static void c7_alerts(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    (void)a;
    for (int r2 = 0; r2 < 2; r2++) {
        const char *topic = bg_shared_topic(c, r2);

        if (!bg_is_subscribed(c, topic, r2)) {
            bg_check_say(c, k, BG_CHECK_FAIL, "topic %s has no subscription", topic);
            return;
        }
    }
    bg_check_say(c, k, BG_CHECK_PASS, "both shared topics have a subscription");
}

/*
 * An approval that waits works on nothing: it blocks only the next start of its own pipeline. Which
 * environment a running execution is at is not in the facts, so it counts for all the pipelines
 * release.
 */
static const struct bg_execution *busy_execution(const struct bg_case *c, const struct bg_ask *a)
{
    static const char *const ends[] = { "-cicd-blue-green-deployment-pipeline",
                                        "-cicd-shared-resources-deployment-pipeline" };

    for (size_t i = 0; c->f->keeps_previous && i < c->f->nexecutions; i++) {
        const struct bg_execution *x = &c->f->executions[i];

        for (size_t n = 0; n < ARRAY_LEN(ends); n++) {
            bool is_this = x->pipeline && strstr(x->pipeline, ends[n]);
            bool is_busy = !x->waiting_stage || bg_same(a->rule->guard, ends[n]);

            if (is_this && is_busy &&
                (bg_same(x->status, "InProgress") || bg_same(x->status, "Stopping")))
                return x;
        }
    }
    return NULL;
}

static void c8_idle(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    const struct bg_execution *x = busy_execution(c, a);
    const struct bg_build *open = NULL;

    for (size_t i = 0; i < c->f->nbuilds; i++) {
        const struct bg_build *b = &c->f->builds[i];
        enum bg_pair touches = bg_build_touches(c->f, b, false);

        if (!bg_same(b->status, "IN_PROGRESS") || touches == BG_PAIR_NO)
            continue;
        if (touches == BG_PAIR_YES) {
            bg_check_say(c, k, BG_CHECK_FAIL, "build %s runs", b->id ? b->id : b->project);
            return;
        }
        open = b;
    }
    if (x)
        bg_check_say(c, k, BG_CHECK_FAIL, "%s %s in %s", x->id ? x->id : "an execution",
                     x->waiting_stage ? "waits for approval" : "is in progress", x->pipeline);
    else if (open)
        bg_check_say(c, k, BG_CHECK_UNKNOWN, "needs the tag of build %s",
                     open->id ? open->id : "?");
    else
        bg_check_say(c, k, BG_CHECK_PASS, "no execution or build works on %s", c->f->shared_env);
}

static void c9_depth(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    const struct bg_result *out = c->out;

    (void)a;
    if (out->waiting < 0 || c->f->drained < 0 || (out->waiting > 0 && out->oldest_s < 0)) {
        bg_check_say(c, k, BG_CHECK_UNKNOWN,
                     "needs sqs GetQueueAttributes and cloudwatch GetMetricData");
        return;
    }
    if (out->waiting > 0 && c->f->drained == 0)
        bg_check_say(c, k, BG_CHECK_FAIL, "%" PRId64 " wait and none left in 5 min", out->waiting);
    else
        bg_check_say(c, k, BG_CHECK_PASS, "%" PRId64 " wait, %" PRId64 " left in 5 min",
                     out->waiting, c->f->drained);
}

static void c13_alone(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    (void)a;
    for (int pass = BG_PAIR_YES; pass >= BG_PAIR_UNKNOWN; pass -= 2)
        for (size_t i = 0; i < c->nenvs; i++) {
            const struct bg_env *e = &c->envs[i];

            if ((int)e->pair != pass || (!e->nfunctions && !e->nqueues))
                continue;
            if (pass == BG_PAIR_YES)
                bg_check_say(c, k, BG_CHECK_FAIL, "%s belongs to it", e->name);
            else
                bg_check_say(c, k, BG_CHECK_UNKNOWN,
                             "needs sqs GetQueueAttributes: where %s belongs", e->name);
            return;
        }
    bg_check_say(c, k, BG_CHECK_PASS, "no environment belongs to it");
}

static void c14_empty(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    const char *const names[] = { c->queue, c->dlq };

    (void)a;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct bg_queue *q = bg_find_queue(c, names[i]);

        if (!q || q->visible < 0 || q->in_flight < 0) {
            bg_check_say(c, k, BG_CHECK_UNKNOWN, "needs sqs GetQueueAttributes of %s", names[i]);
            return;
        }
        if (q->visible + q->in_flight > 0) {
            bg_check_say(c, k, BG_CHECK_FAIL, "%" PRId64 " messages in %s",
                         q->visible + q->in_flight, names[i]);
            return;
        }
    }
    bg_check_say(c, k, BG_CHECK_PASS, "both queues are empty");
}

static void c15_not_previous(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    const struct bg_facts *f = c->f;

    if (!a->new_env)
        bg_check_say(c, k, BG_CHECK_UNKNOWN, "needs ssm GetParameter: no new version is named");
    else if (bg_same(a->new_env, bg_dashboard_previous(c)) || bg_same(a->new_env, c->out->previous))
        bg_check_say(
            c, k, BG_CHECK_FAIL,
            "%s is the previous one: the deployment's last step would delete what it has linked",
            a->new_env);
    else if (!c->nm && !f->has_dashboard && !bg_is_name(f->last_previous))
        bg_check_say(c, k, BG_CHECK_UNKNOWN,
                     "needs a link or its dashboard: which one is the previous is not known");
    else
        bg_check_say(c, k, BG_CHECK_PASS, "%s is not the previous one", a->new_env);
}

/* Secrets are kept by group of profiles: all but these use those of dev. */
static const char *profile_group(const struct bg_case *c)
{
    const char *p = c->f->profile;

    return bg_same(p, "demo") || bg_same(p, "live") ? p : "dev";
}

static const struct bg_secret *allowlist(const struct bg_case *c)
{
    return bg_find_secret(
        c, arena_printf(c->mem, "%s-%s-ip-addresses-allowlist", c->f->project, profile_group(c)));
}

static void c16_secrets(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    const struct bg_secret *s[] = {
        bg_find_secret(c,
                       arena_printf(c->mem, "%s-%s/deployment", c->f->project, profile_group(c))),
        allowlist(c),
    };

    (void)a;
    for (size_t i = 0; i < ARRAY_LEN(s); i++) {
        if (s[i] && !s[i]->deleted_ms)
            continue;
        bg_check_say(c, k, BG_CHECK_FAIL, "the %s secret %s", i ? "allowlist" : "deployment",
                     s[i] ? "is being deleted" : "does not exist");
        return;
    }
    bg_check_say(c, k, BG_CHECK_PASS, "both secrets exist");
}

static void c17_allowlist(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k)
{
    const struct bg_secret *s = allowlist(c);

    (void)a;
    if (!s || s->changed_ms <= 0 || c->f->stage_updated_ms <= 0)
        bg_check_say(c, k, BG_CHECK_UNKNOWN,
                     "needs secretsmanager DescribeSecret and apigateway GetStages");
    else if (s->changed_ms > c->f->stage_updated_ms)
        bg_check_say(c, k, BG_CHECK_FAIL, "changed %s ago and not applied since",
                     bg_ago(c, s->changed_ms));
    else
        bg_check_say(c, k, BG_CHECK_PASS, "the allowlist is applied");
}

static const struct check_rule {
    const char *id, *name;
    unsigned needs;
    void (*run)(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k);
} rules[] = {
    /* clang-format off */
    { "C1",  "shared resources exist",             F(BG_QUEUES) | F(BG_TABLE), c1_shared },
    { "C2",  "the link is as it must be",          F(BG_MAPPINGS), bg_c2_link },
    { "C3",  "the environment is complete",        F(BG_FUNCTIONS) | F(BG_QUEUES) | F(BG_SUBSCRIPTIONS), bg_c3_complete },
    { "C4",  "it belongs to the shared environment", F(BG_QUEUES), bg_c4_pair },
    { "C5",  "the images exist",                   F(BG_IMAGES), c5_images },
    { "C6",  "no Terraform lock",                  F(BG_LOCKS), c6_lock },
    { "C7",  "alarms reach somebody",              F(BG_SUBSCRIPTIONS), c7_alerts },
    { "C8",  "no pipeline or build at work",       F(BG_PIPELINES) | F(BG_BUILDS), c8_idle },
    { "C9",  "queue depth and drain rate known",   F(BG_QUEUES) | F(BG_METRICS), c9_depth },
    { "C10", "its own queues are empty",           F(BG_QUEUES), bg_c10_drained },
    { "C11", "there is a previous to go back to",  F(BG_DASHBOARD) | F(BG_FUNCTIONS) | F(BG_QUEUES) | F(BG_SUBSCRIPTIONS), bg_c11_previous },
    { "C12", "names are sane",                     0, bg_c12_names },
    { "C13", "no environment belongs to it",       F(BG_FUNCTIONS) | F(BG_QUEUES), c13_alone },
    { "C14", "shared queues are empty",            F(BG_QUEUES), c14_empty },
    { "C15", "new version is not the previous",    F(BG_DASHBOARD), c15_not_previous },
    { "C16", "secrets exist",                      F(BG_SECRETS), c16_secrets },
    { "C17", "the IP allowlist is applied",        F(BG_SECRETS) | F(BG_STAGE), c17_allowlist },
    /* clang-format on */
};

static bool has_word(const char *list, const char *id)
{
    size_t n = strlen(id);

    for (const char *p = list; p && (p = strstr(p, id)) != NULL; p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return false;
}

/*
 * What a team has not let us read is advice, not a bar: the lock table belongs to others, and
 * Terraform refuses by itself while a lock is held.
 */
static bool is_unread_by_choice(const struct bg_case *c, const struct bg_ask *a,
                                const struct bg_check *k)
{
    /* The lock of an environment that does not exist yet cannot have been asked for. */
    bool is_new = a->rule->is_env_stack && a->target && !bg_find_slot(c, a->target);

    return k->result == BG_CHECK_UNKNOWN && !strcmp(k->id, "C6") &&
           (!c->f->has_other_locks || (is_new && bg_is_fresh(c->f, BG_LOCKS)));
}

void bg_run_checks(const struct bg_case *c, const struct bg_ask *a, struct bg_step *out)
{
    require(c && a && a->rule && out);
    out->checks = arena_array(c->mem, ARRAY_LEN(rules), sizeof *out->checks);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        struct bg_check *k = &out->checks[out->nchecks];

        if (!has_word(a->rule->checks, rules[i].id))
            continue;
        out->nchecks++;
        memcpy(k->id, rules[i].id, strlen(rules[i].id) + 1);
        k->name = rules[i].name;
        k->age_s = -1;
        if (bg_check_needs(c, k, rules[i].needs))
            rules[i].run(c, a, k);
        k->is_advisory =
            has_word(a->rule->advisory, rules[i].id) ||
            (k->result == BG_CHECK_UNKNOWN && has_word(a->rule->optional, rules[i].id)) ||
            is_unread_by_choice(c, a, k);
    }
}
