/* CodePipeline: states, executions and actions of the three pipelines of the tools account. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"

enum {
    CREATED = 1650000000,
    UPDATED = 1767225600
};

static const struct aws_paging LIST_PAGES = {
    "nextToken", "maxResults", "nextToken", 1000, 1000, "InvalidNextTokenException"
};
static const struct aws_paging EXECUTION_PAGES = { "nextToken", "maxResults",
                                                   "nextToken", 100,
                                                   100,         "InvalidNextTokenException" };

static bool is_here(const struct aws_call *c)
{
    return c->account == AWS_MGMT && strcmp(c->region, "eu-west-2") == 0;
}

/* The row of a pipeline; -1 and the error when there is none. */
static int find_pipeline(struct aws_call *c, const char *member)
{
    const char *name = aws_need(c, member);

    for (int i = 0; name && is_here(c) && i < AWS_PIPELINES; i++)
        if (strcmp(aws_pipelines[i].name, name) == 0)
            return i;
    if (!c->status)
        aws_fail(c, 400, "PipelineNotFoundException",
                 "Account '%s' does not have a pipeline with name '%s'",
                 aws_account_ids[c->account], name);
    return -1;
}

void aws_pipe_list(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();

    for (int i = 0; is_here(c) && i < AWS_PIPELINES; i++) {
        cJSON *p = aws_put_object(all, NULL);
        aws_put(p, "name", aws_pipelines[i].name);
        aws_put_int(p, "version", 12 + i);
        aws_put(p, "pipelineType", "V1");
        aws_put(p, "executionMode", "SUPERSEDED");
        aws_put_time(c, p, "created", CREATED);
        aws_put_time(c, p, "updated", UPDATED);
    }
    aws_put_page(c, "pipelines", all, &LIST_PAGES);
}

static const struct aws_exec *latest_in_stage(const struct aws_call *c, int pipeline, int stage)
{
    for (size_t i = 0; i < c->es->nexecs; i++)
        if (c->es->execs[i].pipeline == pipeline && c->es->execs[i].stop_stage >= stage)
            return &c->es->execs[i];
    return NULL;
}

static bool is_approval(const struct aws_action *a)
{
    return !a->project && strcmp(a->stage, "Approve") == 0;
}

static void put_build_link(const struct aws_call *c, cJSON *o, const struct aws_exec *x, size_t i)
{
    const struct aws_action *a = &aws_pipelines[x->pipeline].actions[i];
    char uuid[40];

    if (!a->project)
        return;
    aws_action_build(x, i, uuid);
    aws_putf(o, "externalExecutionId", "uec-dos-int-dev-%s:%s", a->project, uuid);
    aws_putf(o, "externalExecutionUrl",
             "https://%s.console.aws.amazon.com/codebuild/home?region=%s#/builds/"
             "uec-dos-int-dev-%s:%s/view/new",
             c->region, c->region, a->project, uuid);
}

static void put_error(cJSON *o, const char *status)
{
    if (strcmp(status, "Failed") != 0)
        return;
    cJSON *e = aws_put_object(o, "errorDetails");
    aws_put(e, "code", "JobFailed");
    aws_put(e, "message",
            "Build terminated with state: FAILED. Phase: BUILD, Code: "
            "COMMAND_EXECUTION_ERROR");
}

static void put_action_state(const struct aws_call *c, cJSON *all, const struct aws_exec *x,
                             size_t i)
{
    const struct aws_action *a = &aws_pipelines[x->pipeline].actions[i];
    cJSON *o = aws_put_object(all, NULL);
    int64_t at;
    const char *status = aws_action_status(c->es, x, i, &at);

    aws_put(o, "actionName", a->name);
    if (i == 0)
        aws_put(aws_put_object(o, "currentRevision"), "revisionId", x->revision);
    if (!status)
        return;
    cJSON *l = aws_put_object(o, "latestExecution");
    aws_putf(l, "actionExecutionId", "%.24s%012zx", x->id, i + 1);
    aws_put(l, "status", status);
    aws_put_time(c, l, "lastStatusChange", at);
    if (is_approval(a) && strcmp(status, "InProgress") == 0)
        aws_putf(l, "token", "0demo000-0000-4000-8000-%.12s", x->id + 24);
    else if (is_approval(a))
        aws_putf(l, "lastUpdatedBy", "arn:aws:iam::%s:user/release-manager",
                 aws_account_ids[AWS_MGMT]);
    put_build_link(c, l, x, i);
    put_error(l, status);
}

/* A stage ends as its execution does when that stopped there, and else well. */
static void put_stage_state(const struct aws_call *c, cJSON *all, int pipeline, int stage)
{
    const struct aws_pipeline *p = &aws_pipelines[pipeline];
    const struct aws_exec *x = latest_in_stage(c, pipeline, stage);
    cJSON *o = aws_put_object(all, NULL), *actions = NULL;

    for (size_t i = 0; i < p->nactions; i++) {
        if (aws_stage_of(p, i) != stage)
            continue;
        if (!actions) {
            aws_put(o, "stageName", p->actions[i].stage);
            aws_put_bool(aws_put_object(o, "inboundTransitionState"), "enabled", true);
            actions = aws_put_array(o, "actionStates");
        }
        if (x)
            put_action_state(c, actions, x, i);
        else
            aws_put(aws_put_object(actions, NULL), "actionName", p->actions[i].name);
    }
    if (!x)
        return;
    cJSON *l = aws_put_object(o, "latestExecution");
    aws_put(l, "pipelineExecutionId", x->id);
    aws_put(l, "status", x->stop_stage > stage || !x->stop_action ? "Succeeded" : x->stop_status);
}

void aws_pipe_state(struct aws_call *c)
{
    int p = find_pipeline(c, "name");

    if (p < 0)
        return;
    aws_put(c->out, "pipelineName", aws_pipelines[p].name);
    aws_put_int(c->out, "pipelineVersion", 12 + p);
    aws_put_time(c, c->out, "created", CREATED);
    aws_put_time(c, c->out, "updated", UPDATED);
    cJSON *all = aws_put_array(c->out, "stageStates");
    int last = aws_stage_of(&aws_pipelines[p], aws_pipelines[p].nactions - 1);
    for (int stage = 0; stage <= last; stage++)
        put_stage_state(c, all, p, stage);
}

static void put_trigger(cJSON *o, const struct aws_exec *x)
{
    cJSON *t = aws_put_object(o, "trigger");

    if (x->pipeline == AWS_PIPE_DEVELOPMENT) {
        aws_put(t, "triggerType", "Webhook");
        aws_put(t, "triggerDetail",
                "arn:aws:codestar-connections:eu-west-2:100000000001:"
                "connection/0de00000-0000-4000-8000-000000000001");
    } else {
        aws_put(t, "triggerType", "PollForSourceChanges");
        aws_put(t, "triggerDetail", "Source");
    }
}

void aws_pipe_executions(struct aws_call *c)
{
    int p = find_pipeline(c, "pipelineName");
    cJSON *all = cJSON_CreateArray();

    for (size_t i = 0; p >= 0 && i < c->es->nexecs; i++) {
        const struct aws_exec *x = &c->es->execs[i];
        if (x->pipeline != p)
            continue;
        cJSON *o = aws_put_object(all, NULL);
        aws_put(o, "pipelineExecutionId", x->id);
        aws_put(o, "status", x->status);
        aws_put_time(c, o, "startTime", x->start);
        aws_put_time(c, o, "lastUpdateTime", x->end);
        cJSON *r = aws_put_object(aws_put_array(o, "sourceRevisions"), NULL);
        aws_put(r, "actionName", "Source");
        aws_put(r, "revisionId", x->revision);
        put_trigger(o, x);
        aws_put(o, "executionMode", "SUPERSEDED");
        aws_put(o, "executionType", "STANDARD");
    }
    if (p >= 0)
        aws_put_page(c, "pipelineExecutionSummaries", all, &EXECUTION_PAGES);
    else
        cJSON_Delete(all);
}

void aws_pipe_execution(struct aws_call *c)
{
    int p = find_pipeline(c, "pipelineName");
    const char *id = p >= 0 ? aws_need(c, "pipelineExecutionId") : NULL;

    for (size_t i = 0; id && i < c->es->nexecs; i++) {
        const struct aws_exec *x = &c->es->execs[i];
        if (x->pipeline != p || strcmp(x->id, id) != 0)
            continue;
        cJSON *o = aws_put_object(c->out, "pipelineExecution");
        aws_put(o, "pipelineName", aws_pipelines[p].name);
        aws_put_int(o, "pipelineVersion", 12 + p);
        aws_put(o, "pipelineExecutionId", x->id);
        aws_put(o, "status", x->status);
        cJSON *r = aws_put_object(aws_put_array(o, "artifactRevisions"), NULL);
        aws_put(r, "name", "source_output");
        aws_put(r, "revisionId", x->revision);
        aws_put_time(c, r, "created", x->start - 60);
        put_trigger(o, x);
        aws_put(o, "executionMode", "SUPERSEDED");
        aws_put(o, "executionType", "STANDARD");
        return;
    }
    if (id)
        aws_fail(c, 400, "PipelineExecutionNotFoundException",
                 "Pipeline '%s' does not have an execution '%s'", aws_pipelines[p].name, id);
}

static void add_action(struct aws_call *c, cJSON *all, const struct aws_exec *x, size_t i)
{
    const struct aws_action *a = &aws_pipelines[x->pipeline].actions[i];
    int64_t at;
    const char *status = aws_action_status(c->es, x, i, &at);

    if (!status)
        return;
    bool is_running = strcmp(status, "InProgress") == 0;
    cJSON *o = aws_put_object(all, NULL);
    aws_put(o, "pipelineExecutionId", x->id);
    aws_putf(o, "actionExecutionId", "%.24s%012zx", x->id, i + 1);
    aws_put_int(o, "pipelineVersion", 12 + x->pipeline);
    aws_put(o, "stageName", a->stage);
    aws_put(o, "actionName", a->name);
    aws_put(o, "status", status);
    aws_put_time(c, o, "startTime", is_running ? at : aws_action_began(c->es, x, i, at));
    aws_put_time(c, o, "lastUpdateTime", at);
    cJSON *conf = aws_put_object(aws_put_object(o, "input"), "configuration");
    if (a->project)
        aws_putf(conf, "ProjectName", "uec-dos-int-dev-%s", a->project);
    if (a->shared)
        aws_putf(conf, "EnvironmentVariables",
                 "[{\"name\":\"PROFILE\",\"value\":\"%s\"},{\"name\":\"SHARED_ENVIRONMENT\","
                 "\"value\":\"%s\"}]",
                 a->profile, a->shared);
    if (is_running && !a->project)
        return;
    cJSON *result = aws_put_object(aws_put_object(o, "output"), "executionResult");
    put_build_link(c, result, x, i);
    put_error(result, status);
}

void aws_pipe_actions(struct aws_call *c)
{
    int p = find_pipeline(c, "pipelineName");
    const cJSON *filter = cJSON_GetObjectItemCaseSensitive(c->in, "filter");
    const char *id =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(filter, "pipelineExecutionId"));
    cJSON *all = cJSON_CreateArray();

    for (size_t k = 0; p >= 0 && k < c->es->nexecs; k++) {
        const struct aws_exec *x = &c->es->execs[k];
        if (x->pipeline == p && (!id || strcmp(id, x->id) == 0))
            for (size_t i = aws_pipelines[p].nactions; i-- > 0;)
                add_action(c, all, x, i);
    }
    if (p >= 0)
        aws_put_page(c, "actionExecutionDetails", all, &EXECUTION_PAGES);
    else
        cJSON_Delete(all);
}
