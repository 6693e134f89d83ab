/* CodeDeploy: a neighbour switches its containers with it, and one such switch waits to be made. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"

enum {
    DEPLOYMENTS_MAX = 25
};

/* The one service; a deployment has it as its only target. */
#define TARGET "neighbours:directory-web"

static const struct aws_paging DEPLOY_PAGES = { "nextToken", NULL, "nextToken",
                                                100,         100,  "InvalidNextTokenException" };

static const struct {
    const char *id, *status;
    int64_t start, end;
} DEPLOYMENTS[] = {
    { "d-DEMO00003", "Ready", AWS_STORY_NOW - 1200, 0 },
    { "d-DEMO00002", "Succeeded", AWS_STORY_NOW - 90000, AWS_STORY_NOW - 88000 },
    { "d-DEMO00001", "Failed", AWS_STORY_NOW - 180000, AWS_STORY_NOW - 179000 },
};

static bool has_deployments(const struct aws_call *c)
{
    return strcmp(c->region, "eu-west-2") == 0 && c->account == AWS_PROD;
}

static bool is_application(struct aws_call *c, const char *name)
{
    if (has_deployments(c) && strcmp(name, "directory-web") == 0)
        return true;
    aws_fail(c, 400, "ApplicationDoesNotExistException", "No application found for name: %s", name);
    return false;
}

void aws_deploy_applications(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();

    if (has_deployments(c))
        aws_put(all, NULL, "directory-web");
    aws_put_page(c, "applications", all, &DEPLOY_PAGES);
}

void aws_deploy_groups(struct aws_call *c)
{
    const char *name = aws_need(c, "applicationName");

    if (!name || !is_application(c, name))
        return;
    cJSON *all = cJSON_CreateArray();
    aws_put(all, NULL, "directory-web-live");
    aws_put(c->out, "applicationName", name);
    aws_put_page(c, "deploymentGroups", all, &DEPLOY_PAGES);
}

void aws_deploy_list(struct aws_call *c)
{
    const char *app = aws_in(c, "applicationName"), *group = aws_in(c, "deploymentGroupName");
    const cJSON *statuses = cJSON_GetObjectItemCaseSensitive(c->in, "includeOnlyStatuses");

    if (app && !is_application(c, app))
        return;
    if (!app != !group || (group && strcmp(group, "directory-web-live") != 0)) {
        aws_fail(c, 400,
                 app && group ? "DeploymentGroupDoesNotExistException"
                              : "DeploymentGroupNameRequiredException",
                 "the application and its deployment group go together");
        return;
    }
    cJSON *all = cJSON_CreateArray();
    for (size_t i = 0; has_deployments(c) && i < ARRAY_LEN(DEPLOYMENTS); i++)
        if (aws_in_list(statuses, DEPLOYMENTS[i].status))
            aws_put(all, NULL, DEPLOYMENTS[i].id);
    aws_put_page(c, "deployments", all, &DEPLOY_PAGES);
}

static void put_deployment(const struct aws_call *c, cJSON *o, size_t i)
{
    bool is_ready = strcmp(DEPLOYMENTS[i].status, "Ready") == 0;

    aws_put(o, "applicationName", "directory-web");
    aws_put(o, "deploymentGroupName", "directory-web-live");
    aws_put(o, "deploymentId", DEPLOYMENTS[i].id);
    aws_put(o, "status", DEPLOYMENTS[i].status);
    aws_put_time(c, o, "createTime", DEPLOYMENTS[i].start);
    aws_put_time(c, o, "startTime", DEPLOYMENTS[i].start + 5);
    if (DEPLOYMENTS[i].end)
        aws_put_time(c, o, "completeTime", DEPLOYMENTS[i].end);
    cJSON *style = aws_put_object(o, "deploymentStyle");
    aws_put(style, "deploymentType", "BLUE_GREEN");
    aws_put(style, "deploymentOption", "WITH_TRAFFIC_CONTROL");
    aws_put_int(aws_put_object(o, "deploymentOverview"), is_ready ? "Ready" : "Succeeded", 1);
    aws_put(o, "computePlatform", "ECS");
    if (strcmp(DEPLOYMENTS[i].status, "Failed") != 0)
        return;
    cJSON *e = aws_put_object(o, "errorInformation");
    aws_put(e, "code", "HEALTH_CONSTRAINTS");
    aws_put(e, "message", "The green tasks did not become healthy in time.");
}

void aws_deploy_get(struct aws_call *c)
{
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(c->in, "deploymentIds"), *id;

    if (cJSON_GetArraySize(ids) < 1 || cJSON_GetArraySize(ids) > DEPLOYMENTS_MAX) {
        aws_fail(c, 400, "BatchLimitExceededException", "deploymentIds: 1 to 25 are needed");
        return;
    }
    cJSON *all = aws_put_array(c->out, "deploymentsInfo");
    cJSON_ArrayForEach (id, ids)
        for (size_t i = 0; has_deployments(c) && i < ARRAY_LEN(DEPLOYMENTS); i++)
            if (cJSON_IsString(id) && strcmp(id->valuestring, DEPLOYMENTS[i].id) == 0)
                put_deployment(c, aws_put_object(all, NULL), i);
}

/* Its row; -1 and the error when there is no such deployment. */
static int find_deployment(struct aws_call *c)
{
    const char *id = aws_need(c, "deploymentId");

    for (size_t i = 0; id && has_deployments(c) && i < ARRAY_LEN(DEPLOYMENTS); i++)
        if (strcmp(DEPLOYMENTS[i].id, id) == 0)
            return (int)i;
    if (id)
        aws_fail(c, 400, "DeploymentDoesNotExistException", "The deployment %s could not be found",
                 id);
    return -1;
}

void aws_deploy_targets(struct aws_call *c)
{
    if (find_deployment(c) >= 0)
        aws_put(aws_put_array(c->out, "targetIds"), NULL, TARGET);
}

/* What is green in one deployment is blue in the next. */
static void put_task_set(const struct aws_call *c, cJSON *all, int i, bool is_blue, bool is_over)
{
    cJSON *o = aws_put_object(all, NULL);
    bool is_bad = strcmp(DEPLOYMENTS[i].status, "Failed") == 0 && !is_blue;

    aws_putf(o, "identifer", "ecs-svc/%019d", 103 - i - is_blue); /* AWS spells it so */
    aws_put_int(o, "desiredCount", 3);
    aws_put_int(o, "runningCount", is_bad ? 1 : 3);
    aws_put_int(o, "pendingCount", is_bad ? 2 : 0);
    aws_put(o, "status", is_blue != is_over ? "PRIMARY" : "ACTIVE");
    aws_put_int(o, "trafficWeight", is_blue != is_over ? 100 : 0);
    aws_put(aws_put_object(o, "targetGroup"), "name",
            is_blue != (i % 2 != 0) ? "directory-web-blue" : "directory-web-green");
    aws_put(o, "taskSetLabel", is_blue ? "Blue" : "Green");
    aws_put_time(c, o, "createdAt", DEPLOYMENTS[i].start - (is_blue ? 88800 : -50));
}

static void put_event(const struct aws_call *c, cJSON *all, int i, const char *name,
                      const char *status)
{
    cJSON *o = aws_put_object(all, NULL);

    aws_put(o, "lifecycleEventName", name);
    aws_put(o, "status", status);
    if (strcmp(status, "Pending") != 0)
        aws_put_time(c, o, "startTime", DEPLOYMENTS[i].start + 10);
}

void aws_deploy_target_get(struct aws_call *c)
{
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(c->in, "targetIds");
    int i = find_deployment(c);
    char arn[200];

    if (i < 0)
        return;
    if (cJSON_GetArraySize(ids) != 1 || !aws_in_list(ids, TARGET)) {
        aws_fail(c, 400, "DeploymentTargetDoesNotExistException", "There is no such target");
        return;
    }
    const char *status = DEPLOYMENTS[i].status;
    bool is_over = strcmp(status, "Succeeded") == 0, is_bad = strcmp(status, "Failed") == 0;
    cJSON *all = aws_put_array(c->out, "deploymentTargets"), *o = aws_put_object(all, NULL);
    aws_put(o, "deploymentTargetType", "ECSTarget");
    cJSON *t = aws_put_object(o, "ecsTarget");
    aws_put(t, "deploymentId", DEPLOYMENTS[i].id);
    aws_put(t, "targetId", TARGET);
    aws_arn(c, arn, sizeof arn, "ecs", "service/neighbours/directory-web");
    aws_put(t, "targetArn", arn);
    aws_put(t, "status", status);
    aws_put_time(c, t, "lastUpdatedAt", DEPLOYMENTS[i].start + 120);
    cJSON *events = aws_put_array(t, "lifecycleEvents");
    put_event(c, events, i, "Install", is_bad ? "Failed" : "Succeeded");
    put_event(c, events, i, "AllowTraffic", is_over ? "Succeeded" : "Pending");
    cJSON *sets = aws_put_array(t, "taskSetsInfo");
    put_task_set(c, sets, i, true, is_over);
    put_task_set(c, sets, i, false, is_over);
}
