/* The invented AWS accounts: the story's first second. See aws_estate.h. */
#include "aws_estate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "estate.h"

enum {
    ALL_FNS = (1 << AWS_FNS) - 1,
    OLD_EXECS = 120, /* of the development pipeline: more than one page */
    FLIPS = 3,       /* of an alarm that is out of its rest */
    HOUR_S = 3600
};

static const char TAG_71BE[] = "pA1.vYq0Zr8sT5uW2xN6mK4jH7gF3dSc";
static const char TAG_5E20[] = "qB2.wZr1As9tU6vX3yO7nL5kI8hG4eTd";
static const char TAG_9F3C[] = "rC3.xAs2Bt0uV7wY4zP8oM6lJ9iH5fUe";
static const char TAG_4D7E[] = "sD4.yBt3Cu1vW8xZ5aQ9pN7mK0jI6gVf";
static const char TAG_B8D4[] = "tE5.zCu4Dv2wX9yA6bR0qO8nL1kJ7hWg";
static const char HEAD[] = "c0ffee1d2c3b4a5968778695a4b3c2d1e0f01234";

#define KEY_PROD(n) "11111111-0000-4000-8000-00000000000" n
#define KEY_NONPROD(n) "22222222-0000-4000-8000-00000000000" n

/* clang-format off */
static const struct aws_shared SHARED[] = {
    { "live", AWS_PROD, KEY_PROD("1"), 3, 2, 4, 0, "9f3c1ab-live", "5e20d84-live", KEY_PROD("7"), 1770046400 },
    { "cicd-release", AWS_PROD, KEY_PROD("2"), 0, 0, 0, 0, "b8d41f0-demo", "4d7e02c-demo", KEY_PROD("8"), 1770045100 },
    { "demo", AWS_PROD, KEY_PROD("3"), 0, 0, 0, 0, "demo", "NA", KEY_PROD("9"), 1768208400 },
    { "cicd-test", AWS_NONPROD, KEY_NONPROD("1"), 1, 1, 12, 0, "ds-4012", "NA", KEY_NONPROD("a"), 1770110900 },
    { "test", AWS_NONPROD, KEY_NONPROD("2"), 0, 0, 0, 0, "test", "NA", KEY_NONPROD("b"), 1768208400 },
    { "ds-3987", AWS_NONPROD, KEY_NONPROD("3"), 0, 0, 0, 0, "ds-3987", "NA", KEY_NONPROD("c"), 1769605400 },
    { "ds-4012", AWS_NONPROD, KEY_NONPROD("4"), 6, 0, 1640, 0, NULL, NULL, KEY_NONPROD("d"), 1769789400 },
    { "ds-4020", AWS_NONPROD, KEY_NONPROD("5"), 14, 0, 5400, 0, NULL, NULL, KEY_NONPROD("e"), 1770106980 },
};

static const struct aws_bg BG[] = {
    { "71be55f-live", AWS_PROD, "live", TAG_71BE, 1764670800, { 0, 0, 0, 0 }, ALL_FNS, NULL, 0 },
    { "5e20d84-live", AWS_PROD, "live", TAG_5E20, 1765444200, { 0, 0, 0, 0 }, ALL_FNS, NULL, 0 },
    { "9f3c1ab-live", AWS_PROD, "live", TAG_9F3C, 1768908000, { 1, 4, 0, 0 }, ALL_FNS, NULL, 0 },
    { "4d7e02c-live", AWS_PROD, "live", TAG_4D7E, 1770045610, { 0, 0, 0, 0 }, ALL_FNS, NULL, 0 },
    { "4d7e02c-demo", AWS_PROD, "cicd-release", TAG_4D7E, 1770040920, { 0, 0, 0, 0 }, ALL_FNS, NULL, 0 },
    { "b8d41f0-demo", AWS_PROD, "cicd-release", TAG_B8D4, 1770105720, { 0, 0, 0, 0 }, ALL_FNS, NULL, 0 },
    { "demo", AWS_PROD, "demo", HEAD, 1768208400, { 0, 0, 0, 0 }, ALL_FNS, NULL, 0 },
    { "4d7e02c-dev", AWS_NONPROD, "cicd-test", TAG_4D7E, 1770040200, { 0, 0, 0, 0 }, ALL_FNS, NULL, 0 },
    { "b8d41f0-dev", AWS_NONPROD, "cicd-test", TAG_B8D4, 1770103800, { 0, 1, 0, 0 }, ALL_FNS, NULL, 0 },
    { "test", AWS_NONPROD, "test", HEAD, 1768208400, { 0, 0, 0, 0 }, ALL_FNS, NULL, 0 },
    { "ds-3987", AWS_NONPROD, "ds-3987", "20260128124811-5a6b7c8d", 1769605500, { 0, 0, 0, 0 }, ALL_FNS, NULL, 0 },
    { "ds-4012", AWS_NONPROD, "cicd-test", "20260203093412-2c4e6a8b", 1769789520, { 0, 0, 0, 0 }, ALL_FNS, "20260202101500-9d8e7f6a", 0 },
    /* Half deployed: no service-sync, send-email, slack-messenger, quality-checker. */
    { "ds-4020", AWS_NONPROD, "ds-4020", "20260203070144-1b2c3d4e", 1770107040, { 0, 0, 0, 0 }, ALL_FNS & ~(1u << 2 | 1u << 3 | 1u << 7 | 1u << 8), NULL, 0 },
};

static const struct aws_link LINKS[] = {
    { "5b1f0c9e-2d44-4c9a-9a50-0f3c1ab00001", "live", "9f3c1ab-live", false, "Enabled", 1770046480, 0 },
    { "5b1f0c9e-2d44-4c9a-9a50-0f3c1ab00002", "live", "9f3c1ab-live", true, "Enabled", 1770046482, 0 },
    { "6c2a1d0f-3e55-4dab-8b61-0b8d41f00001", "cicd-release", "b8d41f0-demo", false, "Enabled", 1770108072, 0 },
    { "6c2a1d0f-3e55-4dab-8b61-0b8d41f00002", "cicd-release", "b8d41f0-demo", true, "Enabled", 1770108072, 0 },
    { "7d3b2e10-4f66-4ebc-9c72-0de000000001", "demo", "demo", false, "Enabled", 1768208400, 0 },
    { "7d3b2e10-4f66-4ebc-9c72-0de000000002", "demo", "demo", true, "Enabled", 1768208400, 0 },
    { "8e4c3f21-5077-4fcd-8d83-0b8d41f00001", "cicd-test", "b8d41f0-dev", false, "Enabled", 1770111030, 0 },
    { "8e4c3f21-5077-4fcd-8d83-0b8d41f00002", "cicd-test", "b8d41f0-dev", true, "Enabled", 1770111032, 0 },
    { "9f5d4032-6188-40de-9e94-000000004012", "cicd-test", "ds-4012", false, "Enabled", 1770112025, 0 },
    { "9f5d4032-6188-40de-9e94-000000004013", "cicd-test", "ds-4012", true, "Enabled", 1770112025, 0 },
    { "a06e5143-7299-41ef-8fa5-000000007e57", "test", "test", false, "Enabled", 1768208400, 0 },
    { "a06e5143-7299-41ef-8fa5-000000007e58", "test", "test", true, "Enabled", 1768208400, 0 },
    { "b17f6254-83aa-4200-90b6-000000003987", "ds-3987", "ds-3987", false, "Enabled", 1769605500, 0 },
    { "b17f6254-83aa-4200-90b6-000000003988", "ds-3987", "ds-3987", true, "Enabled", 1769605500, 0 },
};

static const struct aws_odd_alarm ODD[] = {
    { "uec-dos-int | live | DI 4XX Endpoint Errors", "ALARM", AWS_PROD, 1770113460, FLIPS, false },
    { "uec-dos-int | 9f3c1ab-live | Invalid Opening Times", "ALARM", AWS_PROD, 1770113580, FLIPS, false },
    { "uec-dos-int | ds-4012 | Ingest Change Event Error Rate", "ALARM", AWS_NONPROD, 1770112800, FLIPS, false },
    { "uec-dos-int | live | DI Endpoint Route 53 Health Checks Failing", "OK", AWS_PROD, 1765444200, FLIPS, false },
};

static const struct aws_exec EXECS[] = {
    { "e2000000-0000-4000-8000-0000000b8d41", AWS_PIPE_BLUE_GREEN, "InProgress", 1770103200, 1770108180, TAG_B8D4, 5, "Approve_Live_Deployment", "InProgress", 1770108180, 0 },
    { "e1000000-0000-4000-8000-0000004d7e02", AWS_PIPE_BLUE_GREEN, "Failed", 1770038400, 1770046260, TAG_4D7E, 6, "Deploy_Live", "Failed", 0, 0 },
    { "5a000000-0000-4000-8000-000000000002", AWS_PIPE_SHARED, "Failed", 1770110400, 1770112920, "uF6.aDv5Ew3xY0zB7cS1rP9oM2lK8iXh", 1, "Integration_Test_general", "Failed", 0, 0 },
    { "5a000000-0000-4000-8000-000000000001", AWS_PIPE_SHARED, "Succeeded", 1770033600, 1770046500, "vG7.bEw6Fx4yZ1aC8dT2sQ0pN3mL9jYi", 4, NULL, "Succeeded", 0, 0 },
    { "de000000-0000-4000-8000-00000c0ffee1", AWS_PIPE_DEVELOPMENT, "Succeeded", 1770100800, 1770105500, HEAD, 4, NULL, "Succeeded", 0, 0 },
};

static const struct aws_build BUILDS[] = {
    { "deploy-blue-green-environment-stage", "e1b1", "FAILED", 1770045300, 1770046260, NULL, NULL, "live", "live", "BUILD", "COMMAND_EXECUTION_ERROR: Error acquiring the state lock. Reason: exit status 2", NULL, 0 },
    { "deploy-shared-resources-environment-stage", "s1l1", "SUCCEEDED", 1770046110, 1770046500, NULL, NULL, "live", "live", NULL, NULL, NULL, 0 },
    { "deploy-blue-green-environment-stage", "e2r1", "SUCCEEDED", 1770105600, 1770106500, NULL, NULL, "demo", "cicd-release", NULL, NULL, NULL, 0 },
    { "trigger-rollback", "e2t1", "SUCCEEDED", 1770106800, 1770106860, NULL, NULL, "demo", "cicd-release", NULL, NULL, NULL, 0 },
    { "trigger-rollback", "e2t2", "SUCCEEDED", 1770107700, 1770107760, NULL, NULL, "demo", "cicd-release", NULL, NULL, NULL, 0 },
    { "blue-green-rollback-stage", "rb1", "SUCCEEDED", 1770106870, 1770107340, "refs/tags/20260203082000_demo_cicd-release_blue_green_rollback", "4d7e02c0a1b2c3d4e5f60718293a4b5c6d7e8f90", NULL, NULL, NULL, NULL, NULL, 0 },
    { "blue-green-rollback-stage", "rb2", "SUCCEEDED", 1770107770, 1770108100, "refs/tags/20260203083500_demo_cicd-release_blue_green_rollback", "b8d41f0b1c2d3e4f506172839405a6b7c8d9e0f1", NULL, NULL, NULL, NULL, NULL, 0 },
    { "build-cicd-blue-green-artefact", "ar1", "SUCCEEDED", 1770102900, 1770103080, "refs/tags/20260203071500-blue-green-deployment", "b8d41f0b1c2d3e4f506172839405a6b7c8d9e0f1", NULL, NULL, NULL, NULL, NULL, 0 },
    { "build-cicd-blue-green-artefact", "ar2", "FAILED", 1770112500, 1770112560, "refs/tags/20260203095500-blue-green-deployment", "c0ffee1d2c3b4a5968778695a4b3c2d1e0f01234", NULL, NULL, "PRE_BUILD", "COMMAND_EXECUTION_ERROR: the pipeline is waiting for an approval. Reason: exit status 1", NULL, 0 },
    { "delete-blue-green-environment", "dl1", "SUCCEEDED", 1768909500, 1768909560, NULL, NULL, "live", "live", NULL, NULL, "71be55f-live", 0 },
    { "task-env-deploy-and-test", "tb1", "FAILED", 1770105900, 1770108300, "refs/heads/task/DS-4020_Add_new_report", "1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e", "dev", "ds-4020", "BUILD", "COMMAND_EXECUTION_ERROR: make deploy. Reason: exit status 2", NULL, 0 },
};

static const struct aws_lock LOCKS[] = {
    { "ds-4020", "application", AWS_NONPROD, 1770107050 },
};

static const struct aws_version VERSIONS[AWS_VERSIONS] = {
    { "9f3c1ab", 25, 1768906000 },
    { "4d7e02c", 26, 1770038300 },
    { "b8d41f0", 27, 1770103070 },
};

/* Which of the builds, here or of the story, an execution started. */
static const struct {
    const char *exec, *action, *uuid;
} STARTED[] = {
    { "e1000000-0000-4000-8000-0000004d7e02", "Deploy_Live", "e1b1" },
    { "5a000000-0000-4000-8000-000000000001", "Deploy_Live", "s1l1" },
    { "e2000000-0000-4000-8000-0000000b8d41", "Deploy_cicd-release", "e2r1" },
    { "e2000000-0000-4000-8000-0000000b8d41", "Rollback_To_Previous_Version", "e2t1" },
    { "e2000000-0000-4000-8000-0000000b8d41", "Rollback_To_Latest_Version", "e2t2" },
    { "e2000000-0000-4000-8000-0000000b8d41", "Deploy_Live", "e2l1" },
};
/* clang-format on */

const struct aws_shared *aws_shared_find(const struct aws_estate *es, const char *name)
{
    for (size_t i = 0; i < es->nshared; i++)
        if (strcmp(es->shared[i].name, name) == 0)
            return &es->shared[i];
    return NULL;
}

const struct aws_bg *aws_bg_find(const struct aws_estate *es, const char *name)
{
    for (size_t i = 0; i < es->nbg; i++)
        if (strcmp(es->bg[i].name, name) == 0)
            return &es->bg[i];
    return NULL;
}

/* A mapping takes its time to come and to go; the rest of its stack is there while it is. */
const struct aws_link *aws_bg_link(const struct aws_estate *es, const char *bg)
{
    for (size_t i = 0; i < es->nlinks; i++) {
        const struct aws_link *l = &es->links[i];
        if (!l->is_dead_letter && strcmp(l->bg, bg) == 0 && strcmp(l->state, "Creating") != 0)
            return l;
    }
    return NULL;
}

bool aws_bg_consumed(const struct aws_estate *es, const char *bg, int64_t from, int64_t to)
{
    const struct aws_link *l = aws_bg_link(es, bg);

    if (l && strcmp(l->state, "Enabled") == 0 && l->modified < to)
        return true;
    for (size_t i = 0; i < es->nconsumed; i++)
        if (strcmp(es->consumed[i].what, bg) == 0 && es->consumed[i].from < to &&
            es->consumed[i].to > from)
            return true;
    return false;
}

struct aws_shared *aws_shared_get(struct aws_estate *es, const char *name)
{
    for (size_t i = 0; i < es->nshared; i++)
        if (strcmp(es->shared[i].name, name) == 0)
            return &es->shared[i];
    bug("the estate has no shared environment of that name");
}

struct aws_bg *aws_bg_get(struct aws_estate *es, const char *name)
{
    for (size_t i = 0; i < es->nbg; i++)
        if (strcmp(es->bg[i].name, name) == 0)
            return &es->bg[i];
    bug("the estate has no blue/green environment of that name");
}

void aws_links_remove(struct aws_estate *es, const char *shared)
{
    size_t n = 0;

    for (size_t i = 0; i < es->nlinks; i++)
        if (strcmp(es->links[i].shared, shared) != 0)
            es->links[n++] = es->links[i];
    es->nlinks = n;
}

void aws_consumed_add(struct aws_estate *es, const char *bg, int64_t from, int64_t to)
{
    es->consumed[es->nconsumed++] = (struct aws_span){ bg, from, to };
}

bool aws_shared_has_waf(const struct aws_shared *s)
{
    return s->account == AWS_PROD;
}

int aws_stage_of(const struct aws_pipeline *p, size_t action)
{
    int stage = 0;

    for (size_t i = 1; i <= action; i++)
        stage += strcmp(p->actions[i].stage, p->actions[i - 1].stage) != 0;
    return stage;
}

static bool is_approval(const struct aws_action *a)
{
    return !a->project && strcmp(a->stage, "Approve") == 0;
}

/*
 * Actions end one after the other, spread evenly over the time the execution took; or, when
 * that is told, over the time until it asked for approval.
 */
static int64_t ended_at(const struct aws_exec *x, size_t action)
{
    const struct aws_pipeline *p = &aws_pipelines[x->pipeline];
    int64_t end = x->asked ? x->asked : x->end;
    size_t last = 0;

    if (x->approved && is_approval(&p->actions[action]))
        return x->approved;
    while (last + 1 < p->nactions && aws_stage_of(p, last + 1) <= x->stop_stage &&
           !(x->asked && is_approval(&p->actions[last])))
        last++;
    return x->start + (end - x->start) * (int64_t)(action + 1) / (int64_t)(last + 1);
}

static const struct aws_build *started_by(const struct aws_estate *es, const struct aws_exec *x,
                                          const char *action)
{
    for (size_t i = 0; i < ARRAY_LEN(STARTED); i++) {
        if (strcmp(STARTED[i].exec, x->id) != 0 || strcmp(STARTED[i].action, action) != 0)
            continue;
        for (size_t k = 0; k < es->nbuilds; k++)
            if (strcmp(es->builds[k].uuid, STARTED[i].uuid) == 0)
                return &es->builds[k];
    }
    return NULL;
}

const char *aws_action_status(const struct aws_estate *es, const struct aws_exec *x, size_t action,
                              int64_t *at)
{
    const struct aws_pipeline *p = &aws_pipelines[x->pipeline];
    const struct aws_action *a = &p->actions[action];
    int stage = aws_stage_of(p, action), stop_order = 0;
    bool is_stop = x->stop_action && stage == x->stop_stage && strcmp(a->name, x->stop_action) == 0;
    const struct aws_build *b = started_by(es, x, a->name);

    *at = is_stop ? x->end : b ? b->end : ended_at(x, action);
    if (stage < x->stop_stage || (stage == x->stop_stage && !x->stop_action))
        return "Succeeded";
    if (stage > x->stop_stage)
        return NULL;
    for (size_t i = 0; i < p->nactions; i++)
        if (aws_stage_of(p, i) == stage && strcmp(p->actions[i].name, x->stop_action) == 0)
            stop_order = p->actions[i].order;
    return is_stop ? x->stop_status : a->order <= stop_order ? "Succeeded" : NULL;
}

int64_t aws_action_began(const struct aws_estate *es, const struct aws_exec *x, size_t action,
                         int64_t at)
{
    const struct aws_action *a = &aws_pipelines[x->pipeline].actions[action];
    const struct aws_build *b = started_by(es, x, a->name);

    if (b)
        return b->start;
    return is_approval(a) && x->asked ? x->asked : at - 95;
}

void aws_action_build(const struct aws_exec *x, size_t action, char uuid[40])
{
    const char *name = aws_pipelines[x->pipeline].actions[action].name;
    uint64_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(STARTED); i++)
        if (strcmp(STARTED[i].exec, x->id) == 0 && strcmp(STARTED[i].action, name) == 0) {
            snprintf(uuid, 40, "%s", STARTED[i].uuid);
            return;
        }
    for (const char *c = x->id; *c; c++)
        n = n * 31 + (unsigned char)*c;
    uint64_t h = sim_hash(n, action), l = sim_hash(h, action);
    snprintf(uuid, 40, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(h >> 32), (unsigned)(h & 0xffff),
             (unsigned)(h >> 16 & 0xfff), (unsigned)(l >> 52),
             (unsigned long long)(l & 0xffffffffffff));
}

void aws_builds_add(struct aws_estate *es, const struct aws_build *b)
{
    VEC_GROW(es->builds, es->nbuilds, es->builds_cap);
    es->builds[es->nbuilds++] = *b;
}

static void add_builds_of(struct aws_estate *es, const struct aws_exec *x)
{
    const struct aws_pipeline *p = &aws_pipelines[x->pipeline];

    for (size_t i = 0; i < p->nactions; i++) {
        const struct aws_action *a = &p->actions[i];
        int64_t at;
        const char *status = aws_action_status(es, x, i, &at);
        if (!status || !a->project || started_by(es, x, a->name))
            continue;
        bool is_bad = strcmp(status, "Failed") == 0;
        struct aws_build b = { .project = a->project,
                               .status = is_bad ? "FAILED" : "SUCCEEDED",
                               .start = at - 95,
                               .end = at,
                               .source = x->revision,
                               .profile = a->profile,
                               .shared = a->shared,
                               .failed_phase = is_bad ? "BUILD" : NULL,
                               .note = "COMMAND_EXECUTION_ERROR: tests failed. "
                                       "Reason: exit status 1" };
        aws_action_build(x, i, b.uuid);
        aws_builds_add(es, &b);
    }
}

static int by_project_and_age(const void *a, const void *b)
{
    const struct aws_build *x = a, *y = b;
    int order = strcmp(x->project, y->project);

    return order                  ? order
           : x->start != y->start ? (x->start < y->start ? 1 : -1)
                                  : strcmp(x->uuid, y->uuid);
}

void aws_builds_number(struct aws_estate *es)
{
    qsort(es->builds, es->nbuilds, sizeof *es->builds, by_project_and_age);
    for (size_t i = es->nbuilds; i-- > 0;) {
        bool is_oldest =
            i + 1 == es->nbuilds || strcmp(es->builds[i].project, es->builds[i + 1].project) != 0;
        es->builds[i].number = is_oldest ? 1 : es->builds[i + 1].number + 1;
    }
}

/* Merges to the main branch over the months before, one of them now and then a failure. */
static void add_old_execs(struct aws_estate *es)
{
    for (int i = 0; i < OLD_EXECS; i++) {
        bool is_bad = i % 9 == 4;
        struct aws_exec x = { .pipeline = AWS_PIPE_DEVELOPMENT,
                              .status = is_bad ? "Failed" : "Succeeded",
                              .start = 1770100800 - (int64_t)(i + 1) * 31 * HOUR_S,
                              .revision = "0d15ea5e0b1a5e5ca1ab1e0ddba11c0ffee0f00d",
                              .stop_stage = is_bad ? 3 : 4,
                              .stop_action = is_bad ? "Integration_Test_reporting" : NULL,
                              .stop_status = is_bad ? "Failed" : "Succeeded" };
        x.end = x.start + HOUR_S + i * 7;
        snprintf(x.id, sizeof x.id, "de000000-0000-4000-8000-%012x", OLD_EXECS - i);
        es->execs[es->nexecs++] = x;
    }
}

int64_t aws_later(const struct aws_estate *es, int64_t from, int64_t story_s)
{
    return from + (es->speed > 0 ? (int64_t)((double)story_s / es->speed) : story_s);
}

void aws_estate_reset(struct aws_estate *es)
{
    es->nshared = ARRAY_LEN(SHARED);
    es->nbg = ARRAY_LEN(BG);
    es->nlinks = ARRAY_LEN(LINKS);
    es->nodd = ARRAY_LEN(ODD);
    es->nexecs = ARRAY_LEN(EXECS);
    es->nlocks = ARRAY_LEN(LOCKS);
    es->nchanges = es->nconsumed = es->nbuilds = 0;
    es->failing = (struct aws_span){ .what = "" };
    es->denied = NULL;
    es->has_no_decrypt = false;
    memcpy(es->shared, SHARED, sizeof SHARED);
    memcpy(es->bg, BG, sizeof BG);
    memcpy(es->links, LINKS, sizeof LINKS);
    memcpy(es->odd, ODD, sizeof ODD);
    memcpy(es->execs, EXECS, sizeof EXECS);
    memcpy(es->locks, LOCKS, sizeof LOCKS);
    memcpy(es->versions, VERSIONS, sizeof VERSIONS);
    add_old_execs(es);
    for (size_t i = 0; i < ARRAY_LEN(BUILDS); i++)
        aws_builds_add(es, &BUILDS[i]);
    for (size_t i = 0; i < es->nexecs; i++)
        add_builds_of(es, &es->execs[i]);
    aws_builds_number(es);
}

void aws_estate_init(struct aws_estate *es, int64_t start_ms)
{
    *es =
        (struct aws_estate){ .shift_s = start_ms / 1000 - AWS_STORY_NOW, .speed = 1.0, .told = -1 };
    aws_estate_reset(es);
}

void aws_estate_release(struct aws_estate *es)
{
    free(es->builds);
    *es = (struct aws_estate){ 0 };
}
