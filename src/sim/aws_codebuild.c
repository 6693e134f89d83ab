/* CodeBuild: the projects of the tools account and what they have built. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"

enum {
    BATCH_MAX = 100
};

#define PREFIX "uec-dos-int-dev-"

static const struct aws_paging PAGES = { "nextToken", NULL, "nextToken",
                                         100,         100,  "InvalidInputException" };

/* clang-format off */
static const struct {
    const char *name, *group; /* group NULL: as the name */
} PROJECTS[] = {
    { "blue-green-rollback-stage", NULL },
    { "build-cicd-blue-green-artefact", "build-cicd-blue-green-artefact-stage" },
    { "build-cicd-shared-resources-artefact", "build-cicd-shared-resources-artefact-stage" },
    { "build-deploy-test-release-stage", NULL },
    { "build-image-stage", "build-stage" },
    { "build-tester-stage", "build-tester-image-stage" },
    { "delete-blue-green-environment", NULL },
    { "deploy-blue-green-environment-stage", "deploy-stage" },
    { "deploy-shared-resources-environment-stage", NULL },
    { "deploy-stage", NULL },
    { "destroy-nonprod-environment-on-pr-merged-stage", NULL },
    { "destroy-nonprod-environments-stage", NULL },
    { "integration-tests-general", "integration-test-stage" },
    { "integration-tests-opening_times", "integration-test-stage" },
    { "integration-tests-reporting", "integration-test-stage" },
    { "integration-tests-slack_and_infrastructure", "integration-test-stage" },
    { "integration-tests-validation", "integration-test-stage" },
    { "production-smoke-test", NULL },
    { "setup-dos-environment-stage", NULL },
    { "task-env-deploy-and-test", NULL },
    { "trigger-rollback", NULL },
    { "unit-test-stage", NULL },
};
/* clang-format on */

static bool is_here(const struct aws_call *c)
{
    return c->account == AWS_MGMT && strcmp(c->region, "eu-west-2") == 0;
}

static bool is_descending(const struct aws_call *c, bool fallback)
{
    const char *order = aws_in(c, "sortOrder");

    return order ? strcmp(order, "DESCENDING") == 0 : fallback;
}

void aws_build_projects(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    bool is_down = is_descending(c, false);

    for (size_t i = 0; is_here(c) && i < ARRAY_LEN(PROJECTS); i++)
        aws_putf(all, NULL, PREFIX "%s", PROJECTS[is_down ? ARRAY_LEN(PROJECTS) - 1 - i : i].name);
    aws_put_page(c, "projects", all, &PAGES);
}

static const char *group_of(const char *project)
{
    for (size_t i = 0; i < ARRAY_LEN(PROJECTS); i++)
        if (strcmp(PROJECTS[i].name, project) == 0)
            return PROJECTS[i].group ? PROJECTS[i].group : project;
    return NULL;
}

void aws_build_ids(struct aws_call *c)
{
    const char *name = aws_need(c, "projectName");
    size_t n = c->es->nbuilds;
    bool is_down = is_descending(c, true);

    if (!name)
        return;
    if (!is_here(c) || !aws_has_prefix(name, PREFIX) || !group_of(name + sizeof PREFIX - 1)) {
        aws_fail(c, 400, "ResourceNotFoundException",
                 "The provided project arn:aws:codebuild:%s:%s:"
                 "project/%s does not exist",
                 c->region, aws_account_ids[c->account], name);
        return;
    }
    cJSON *all = cJSON_CreateArray();
    for (size_t i = 0; i < n; i++) {
        const struct aws_build *b = &c->es->builds[is_down ? i : n - 1 - i];
        if (strcmp(b->project, name + sizeof PREFIX - 1) == 0)
            aws_putf(all, NULL, "%s:%s", name, b->uuid);
    }
    aws_put_page(c, "ids", all, &PAGES);
}

static void add_variable(cJSON *all, const char *name, const char *value)
{
    if (!value)
        return;
    cJSON *v = aws_put_object(all, NULL);
    aws_put(v, "name", name);
    aws_put(v, "value", value);
    aws_put(v, "type", "PLAINTEXT");
}

static void put_environment(cJSON *o, const struct aws_build *b)
{
    cJSON *all = aws_put_array(aws_put_object(o, "environment"), "environmentVariables");

    add_variable(all, "PROFILE", b->profile);
    add_variable(all, "SHARED_ENVIRONMENT", b->shared);
    add_variable(all, "BLUE_GREEN_ENVIRONMENT", b->bg);
    if (b->profile)
        add_variable(all, "AWS_ACCOUNT", strcmp(b->profile, "dev") == 0 ? "NONPROD" : "PROD");
}

static cJSON *put_phase(const struct aws_call *c, cJSON *all, const char *name, int64_t at)
{
    cJSON *p = aws_put_object(all, NULL);

    aws_put(p, "phaseType", name);
    aws_put_time(c, p, "startTime", at);
    return p;
}

/*
 * Each phase takes a few seconds, the failed one or BUILD what is left; a build that runs is at
 * BUILD or before it. Returns the phase it is in.
 */
static const char *put_phases(const struct aws_call *c, cJSON *o, const struct aws_build *b)
{
    static const char *const names[] = { "SUBMITTED",       "QUEUED",     "PROVISIONING",
                                         "DOWNLOAD_SOURCE", "INSTALL",    "PRE_BUILD",
                                         "BUILD",           "POST_BUILD", "UPLOAD_ARTIFACTS",
                                         "FINALIZING" };
    cJSON *all = aws_put_array(o, "phases");
    const char *longest = b->failed_phase ? b->failed_phase : "BUILD";
    int64_t n = ARRAY_LEN(names), took = b->end - b->start, at = b->start;
    int64_t each = b->end && took < 2 * n ? took / n : 2, rest = b->end ? took - each * n : 0;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        bool is_long = strcmp(names[i], longest) == 0;
        int64_t s = each + (is_long ? rest : 0);
        bool is_bad = b->failed_phase && strcmp(names[i], b->failed_phase) == 0;
        cJSON *p = put_phase(c, all, names[i], at);
        if (!b->end && (is_long || at + s > aws_story_now(c)))
            return names[i];
        aws_put(p, "phaseStatus", is_bad ? "FAILED" : "SUCCEEDED");
        aws_put_time(c, p, "endTime", at + s);
        aws_put_int(p, "durationInSeconds", s);
        cJSON *context = aws_put_object(aws_put_array(p, "contexts"), NULL);
        aws_put(context, "statusCode", is_bad ? "COMMAND_EXECUTION_ERROR" : "");
        aws_put(context, "message", is_bad ? b->note : "");
        at += s;
    }
    put_phase(c, all, "COMPLETED", at);
    return "COMPLETED";
}

static void put_build(const struct aws_call *c, cJSON *all, const struct aws_build *b)
{
    cJSON *o = aws_put_object(all, NULL);
    const char *group = group_of(b->project);
    char arn[256];

    aws_putf(o, "id", PREFIX "%s:%s", b->project, b->uuid);
    aws_arn(c, arn, sizeof arn, "codebuild", "build/" PREFIX "%s:%s", b->project, b->uuid);
    aws_put(o, "arn", arn);
    aws_put_int(o, "buildNumber", b->number);
    aws_put_time(c, o, "startTime", b->start);
    if (b->end)
        aws_put_time(c, o, "endTime", b->end);
    aws_put(o, "buildStatus", b->status);
    aws_put(o, "sourceVersion", b->source);
    aws_put(o, "resolvedSourceVersion", b->resolved);
    aws_putf(o, "projectName", PREFIX "%s", b->project);
    aws_put_bool(o, "buildComplete", b->end != 0);
    aws_put_int(o, "timeoutInMinutes", 30);
    aws_put(o, "initiator",
            b->resolved ? "GitHub-Hookshot/demo"
                        : "codepipeline/" PREFIX "cicd-blue-green-deployment-pipeline");
    aws_put(o, "currentPhase", put_phases(c, o, b));
    put_environment(o, b);
    cJSON *logs = aws_put_object(o, "logs");
    aws_putf(logs, "groupName", "/aws/codebuild/" PREFIX "%s", group);
    aws_put(logs, "streamName", b->uuid);
    aws_putf(logs, "deepLink",
             "https://console.aws.amazon.com/cloudwatch/home?region=%s#logsV2:log-groups/",
             c->region);
}

static const struct aws_build *find_build(const struct aws_call *c, const char *id)
{
    char own[160];

    for (size_t i = 0; is_here(c) && i < c->es->nbuilds; i++) {
        const struct aws_build *b = &c->es->builds[i];
        snprintf(own, sizeof own, PREFIX "%s:%s", b->project, b->uuid);
        if (strcmp(own, id) == 0)
            return b;
    }
    return NULL;
}

void aws_build_get(struct aws_call *c)
{
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(c->in, "ids"), *id;
    int n = cJSON_GetArraySize(ids);

    if (n < 1 || n > BATCH_MAX) {
        aws_fail(c, 400, "InvalidInputException", "ids: 1 to 100 are needed");
        return;
    }
    cJSON *found = aws_put_array(c->out, "builds");
    cJSON *missing = aws_put_array(c->out, "buildsNotFound");
    cJSON_ArrayForEach (id, ids) {
        const char *text = cJSON_IsString(id) ? id->valuestring : "";
        const struct aws_build *b = find_build(c, text);
        if (b)
            put_build(c, found, b);
        else
            aws_put(missing, NULL, text);
    }
}
