/* The release of b8d41f0 on live and its roll back, as tables of seconds. See aws_story.h. */
#include "aws_story.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"

#include "aws_variants.h"

enum {
    OVER = 600, /* nothing changes any more */
    APPROVED = 60,
    APPLIED = 63, /* the first of the new environment's functions is a second later */
    DEPLOYED = 150,
    RELEASED = 152,
    BROKEN = 165, /* the new version begins to fail */
    ALARMED = 180,
    DRAINED = 265, /* what it had taken has failed */
    LINKED_AGAIN = 270,
    HEALED = 330,
    FIRST_AGE_S = 4 /* of the oldest event while all is well */
};

static const char LIVE[] = "live";
static const char OLD[] = "9f3c1ab-live";
static const char NEW[] = "b8d41f0-live";
static const char TAG[] = "tE5.zCu4Dv2wX9yA6bR0qO8nL1kJ7hWg";
static const char EXEC[] = "e2000000-0000-4000-8000-0000000b8d41";

/* clang-format off */
#define MAPPINGS_OLD { "5b1f0c9e-2d44-4c9a-9a50-0f3c1ab00001", "5b1f0c9e-2d44-4c9a-9a50-0f3c1ab00002" }
#define MAPPINGS_NEW { "d2907a15-91bb-4311-a1c7-0b8d41f00001", "d2907a15-91bb-4311-a1c7-0b8d41f00002" }
#define MAPPINGS_AGAIN { "e3a18b26-a2cc-4422-b2d8-0f3c1ab00001", "e3a18b26-a2cc-4422-b2d8-0f3c1ab00002" }

/* The link stack of live; previous NULL: no dashboard. */
static const struct link_row {
    int from;
    const char *bg, *state, *previous, *uuid[2];
} LINK_ROWS[] = {
    { 75, OLD, "Deleting", "5e20d84-live", MAPPINGS_OLD },
    { 85, NULL, NULL, NULL, { NULL, NULL } },
    { 120, NEW, "Creating", NULL, MAPPINGS_NEW },
    { 130, NEW, "Enabled", OLD, MAPPINGS_NEW },
    { 244, NEW, "Deleting", OLD, MAPPINGS_NEW },
    { 250, NULL, NULL, NULL, { NULL, NULL } },
    { 262, OLD, "Creating", NULL, MAPPINGS_AGAIN },
    { LINKED_AGAIN, OLD, "Enabled", NEW, MAPPINGS_AGAIN },
};

/* Terraform's runs: apply the application; destroy and apply the link stack, twice. */
static const struct {
    int from, to;
    const char *env, *stack;
} LOCK_ROWS[] = {
    { 62, 74, NEW, "application" },
    { 75, 88, LIVE, "blue-green-link" },
    { 92, 131, LIVE, "blue-green-link" },
    { 242, 251, LIVE, "blue-green-link" },
    { 253, 271, LIVE, "blue-green-link" },
};

/* Events wait from the first second, are worked off from the second, and all is well from the third. */
static const struct {
    int from, linked, to;
} GAPS[] = { { 85, 130, 165 }, { 250, LINKED_AGAIN, 290 } };

/* The delete job says that it has deleted the environment, which stays: nobody has told it how. */
static const struct {
    int from, to;
    struct aws_build build;
} BUILD_ROWS[] = {
    { APPROVED, DEPLOYED, { .project = "deploy-blue-green-environment-stage", .uuid = "e2l1", .profile = LIVE, .shared = LIVE } },
    { 148, 208, { .project = "delete-blue-green-environment", .uuid = "dl2", .profile = LIVE, .shared = LIVE, .bg = "5e20d84-live" } },
    { 240, 274, { .project = "blue-green-rollback-stage", .uuid = "rb3", .source = "refs/tags/20260203101850_live_live_blue_green_rollback", .resolved = "9f3c1ab0d1e2f3a4b5c6d7e8f90123456789abcd" } },
};

static const struct {
    int at;
    struct aws_change change;
} CHANGE_ROWS[] = {
    { ALARMED, { "uec-dos-int | b8d41f0-live | Service Sync Error Rate", "OK", "ALARM", AWS_PROD, 0 } },
    { HEALED, { "uec-dos-int | 9f3c1ab-live | Service Sync Error Rate", "INSUFFICIENT_DATA", "OK", AWS_PROD, 0 } },
};

const struct aws_step aws_steps[] = {
    { "before", 30, "9f3c1ab-live is linked, b8d41f0 waits for approval", NULL },
    { "unlinking", 80, "the mappings of 9f3c1ab-live are being deleted", NULL },
    { "gap", 100, "nothing is linked, events pile up", NULL },
    { "linking", 125, "the mappings of b8d41f0-live are being made", NULL },
    { "linked", 170, "b8d41f0-live is linked, the queue is drained", NULL },
    { "alarm", 210, "its Service Sync fails, dead letters grow", NULL },
    { "rollback-gap", 257, "nothing is linked on the way back", NULL },
    { "rolled-back", 340, "9f3c1ab-live is linked again, b8d41f0-live is its previous", NULL },
    { "V1", 0, "outage: no link on live, nobody at work on it", aws_variant_outage },
    { "V2", 0, "switching: no link, its state locked, a deploy running", aws_variant_switching },
    { "V3", 0, "unlinking: live's mappings are Deleting", aws_variant_unlinking },
    { "V4", 0, "linking: mappings to 4d7e02c-live are Creating", aws_variant_linking },
    { "V5", 0, "disabled: live's mapping is Disabled", aws_variant_disabled },
    { "V6", 0, "orphan: the functions of 9f3c1ab-live are gone", aws_variant_orphan },
    { "V7", 0, "no rollback: live has no previous environment", aws_variant_no_rollback },
    { "V8", 0, "access denied: nobody may list mappings", aws_variant_denied },
    { "V9", 0, "no decrypt: variables of functions cannot be read", aws_variant_no_decrypt },
    { "V10", 0, "partial link: no dead-letter mapping, three alarms less", aws_variant_partial },
    { "V11", 0, "dangerous redeploy: the next version is the previous one", aws_variant_redeploy },
    { "V12", 0, "draining: the previous environment still holds requests", aws_variant_draining },
};
/* clang-format on */
const size_t aws_nsteps = ARRAY_LEN(aws_steps);

const struct aws_step *aws_step_find(const char *name)
{
    for (size_t i = 0; i < aws_nsteps; i++)
        if (strcasecmp(aws_steps[i].name, name) == 0)
            return &aws_steps[i];
    return NULL;
}

static int64_t when(const struct aws_estate *es, int s)
{
    return aws_later(es, AWS_STORY_NOW, s);
}

static void tell_links(struct aws_estate *es, int s)
{
    size_t n = 0;

    while (n < ARRAY_LEN(LINK_ROWS) && LINK_ROWS[n].from <= s)
        n++;
    if (n == 0)
        return;
    const struct link_row *row = &LINK_ROWS[n - 1];
    struct aws_shared *live = aws_shared_get(es, LIVE);
    aws_links_remove(es, LIVE);
    live->current = row->previous ? row->bg : NULL;
    live->previous = row->previous;
    aws_consumed_add(es, OLD, 0, when(es, LINK_ROWS[0].from));
    for (size_t i = 1; i < n; i++)
        if (strcmp(LINK_ROWS[i].state ? LINK_ROWS[i].state : "", "Deleting") == 0)
            aws_consumed_add(es, LINK_ROWS[i].bg, when(es, LINK_ROWS[i - 1].from),
                             when(es, LINK_ROWS[i].from));
    for (int dead = 0; row->bg && dead < 2; dead++) {
        struct aws_link l = { row->uuid[dead],     LIVE, row->bg, dead != 0, row->state,
                              when(es, row->from), 0 };
        if (strcmp(row->state, "Deleting") == 0)
            l.applied = n > 1 ? when(es, LINK_ROWS[n - 2].from) : 1770046480;
        es->links[es->nlinks++] = l;
    }
}

/* What waits on live's queue, and how old the oldest of it is. */
static struct aws_depth live_depth(const struct aws_estate *es, int s)
{
    for (size_t i = 0; i < ARRAY_LEN(GAPS); i++) {
        int most = (GAPS[i].linked - GAPS[i].from) * 6 / 5;
        int left = GAPS[i].to - s, all = GAPS[i].to - GAPS[i].linked;
        if (s < GAPS[i].from || s >= GAPS[i].to)
            continue;
        if (s < GAPS[i].linked)
            return (struct aws_depth){ 3 + (s - GAPS[i].from) * 6 / 5, 0,
                                       FIRST_AGE_S + (int)(when(es, s) - when(es, GAPS[i].from)) };
        int oldest = (int)(when(es, GAPS[i].linked) - when(es, GAPS[i].from));
        return (struct aws_depth){ 3 + most * left / all, 10, FIRST_AGE_S + oldest * left / all };
    }
    return (struct aws_depth){ 3, 2, FIRST_AGE_S };
}

struct aws_depth aws_story_depth(const struct aws_estate *es, const struct aws_shared *s,
                                 int64_t ago_s)
{
    double at = es->told - (double)ago_s * es->speed;
    struct aws_depth d = { s->visible, s->in_flight, s->oldest_age_s };

    if (!es->variant && strcmp(s->name, LIVE) == 0)
        return live_depth(es, (int)at);
    d.oldest_age_s = d.oldest_age_s > ago_s ? d.oldest_age_s - (int)ago_s : 0;
    if (d.oldest_age_s == 0 && ago_s >= 60)
        d.visible = 0;
    return d;
}

/* Terraform makes the queues first and then a function a second. */
static void tell_environment(struct aws_estate *es, int s)
{
    int fns = s - APPLIED < AWS_FNS ? s - APPLIED : AWS_FNS;

    if (s < APPLIED)
        return;
    es->bg[es->nbg++] = (struct aws_bg){ .name = NEW,
                                         .account = AWS_PROD,
                                         .shared = LIVE,
                                         .tag = TAG,
                                         .created = when(es, APPLIED),
                                         .functions = (1u << fns) - 1 };
}

/* What is taken waits a little; what the new version cannot work off ends as dead letters. */
static void tell_depths(struct aws_estate *es, int s)
{
    struct aws_depth d = live_depth(es, s);
    struct aws_shared *live = aws_shared_get(es, LIVE);

    live->visible = d.visible;
    live->in_flight = d.in_flight;
    live->oldest_age_s = d.oldest_age_s;
    if (s >= 90 && s < LINKED_AGAIN)
        memset(aws_bg_get(es, OLD)->depth, 0, sizeof es->bg[0].depth);
    if (s < 130)
        return;
    struct aws_bg *bg = aws_bg_get(es, NEW);
    bg->depth[AWS_Q_HOLDING] = s < 252 ? 1 : 0;
    bg->depth[AWS_Q_UPDATE] = s < BROKEN ? 2 : s < 250 ? 2 + (s - BROKEN) / 3 : 0;
    if (s >= 250 && s < DRAINED)
        bg->depth[AWS_Q_UPDATE] = (DRAINED - s) * 2;
    if (s < ALARMED)
        return;
    bg->depth[AWS_Q_UPDATE_DEAD] = 1 + ((s < DRAINED ? s : DRAINED) - ALARMED) / 6;
    bg->dead_age_s = (int)(when(es, s) - when(es, ALARMED));
}

static void tell_alarms(struct aws_estate *es, int s)
{
    es->failing = (struct aws_span){ "uec-dos-int-b8d41f0-live-service-sync", when(es, BROKEN),
                                     when(es, DRAINED) };
    for (size_t i = 0; s >= LINK_ROWS[1].from && i < es->nodd; i++)
        if (strstr(es->odd[i].name, OLD))
            es->odd[i].is_over = true;
    if (s >= ALARMED)
        es->odd[es->nodd++] = (struct aws_odd_alarm){ .name = CHANGE_ROWS[0].change.alarm,
                                                      .state = "ALARM",
                                                      .account = AWS_PROD,
                                                      .since = when(es, ALARMED) };
    if (s >= LINKED_AGAIN)
        es->odd[es->nodd++] =
            (struct aws_odd_alarm){ .name = CHANGE_ROWS[1].change.alarm,
                                    .state = s < HEALED ? "INSUFFICIENT_DATA" : "OK",
                                    .account = AWS_PROD,
                                    .since = when(es, s < HEALED ? LINKED_AGAIN : HEALED) };
    for (size_t i = 0; i < ARRAY_LEN(CHANGE_ROWS) && CHANGE_ROWS[i].at <= s; i++) {
        es->changes[es->nchanges] = CHANGE_ROWS[i].change;
        es->changes[es->nchanges++].at = when(es, CHANGE_ROWS[i].at);
    }
}

static void tell_work(struct aws_estate *es, int s)
{
    for (size_t i = 0; i < ARRAY_LEN(LOCK_ROWS); i++)
        if (s >= LOCK_ROWS[i].from && s < LOCK_ROWS[i].to)
            es->locks[es->nlocks++] = (struct aws_lock){ LOCK_ROWS[i].env, LOCK_ROWS[i].stack,
                                                         AWS_PROD, when(es, LOCK_ROWS[i].from) };
    for (size_t i = 0; i < ARRAY_LEN(BUILD_ROWS); i++) {
        struct aws_build b = BUILD_ROWS[i].build;
        bool is_over = s >= BUILD_ROWS[i].to;
        if (s < BUILD_ROWS[i].from)
            continue;
        b.start = when(es, BUILD_ROWS[i].from);
        b.end = is_over ? when(es, BUILD_ROWS[i].to) : 0;
        b.status = is_over ? "SUCCEEDED" : "IN_PROGRESS";
        aws_builds_add(es, &b);
    }
    aws_builds_number(es);
}

static void tell_pipeline(struct aws_estate *es, int s)
{
    for (size_t i = 0; s >= APPROVED && i < es->nexecs; i++) {
        struct aws_exec *x = &es->execs[i];
        if (strcmp(x->id, EXEC) != 0)
            continue;
        x->approved = when(es, APPROVED);
        x->stop_stage++;
        x->stop_action = s < RELEASED ? "Deploy_Live" : NULL;
        x->status = x->stop_status = s < RELEASED ? "InProgress" : "Succeeded";
        x->end = when(es, s < RELEASED ? APPROVED : RELEASED);
    }
}

void aws_story_tell(struct aws_estate *es, double second)
{
    int s = second < OVER ? (int)second : OVER;

    if (es->told == s)
        return;
    es->told = s;
    aws_estate_reset(es);
    if (es->variant) {
        es->variant->change(es);
        return;
    }
    tell_environment(es, s);
    tell_links(es, s);
    tell_depths(es, s);
    tell_alarms(es, s);
    tell_work(es, s);
    tell_pipeline(es, s);
}
