/* Answers about one thing: a firewall with its rules, clusters by name, the mail account. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_estate.h"
#include "aws_ops.h"

/* ---- WAF: rules of dos-integration's firewall, in order of priority */

static void put_rule(cJSON *rules, const struct aws_shared *s, const char *name, int priority,
                     const char *action)
{
    cJSON *r = aws_put_object(rules, NULL), *v;

    aws_putf(r, "Name", "uec-dos-int-%s-waf-%s", s->name, name);
    aws_put_int(r, "Priority", priority);
    aws_put_object(aws_put_object(r, "Action"), action);
    v = aws_put_object(r, "VisibilityConfig");
    aws_put_bool(v, "SampledRequestsEnabled", true);
    aws_put_bool(v, "CloudWatchMetricsEnabled", true);
    aws_putf(v, "MetricName", "uec-dos-int-%s-waf-%s", s->name, name);
}

static void put_acl(struct aws_call *c, const struct aws_shared *s)
{
    static const char *const names[] = { "ip-allow-list-rule", "rate-based-rule",
                                         "custom-sqli-rule", "non-gb-rule", "aws-common-rule" };
    cJSON *acl = aws_put_object(c->out, "WebACL"), *rules;
    char arn[256], name[80];

    snprintf(name, sizeof name, "uec-dos-int-%s-waf-acl", s->name);
    aws_arn(c, arn, sizeof arn, "wafv2", "regional/webacl/%s/%s", name, s->kms);
    aws_put(acl, "Name", name);
    aws_put(acl, "Id", s->kms);
    aws_put(acl, "ARN", arn);
    aws_put_object(aws_put_object(acl, "DefaultAction"), "Allow");
    aws_put_int(acl, "Capacity", 1150);
    rules = aws_put_array(acl, "Rules");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        put_rule(rules, s, names[i], (int)i + 1, i == 2 ? "Count" : "Block");
    aws_put(c->out, "LockToken", "0de00000-0000-4000-8000-00000000ac10");
}

void aws_waf_acl(struct aws_call *c)
{
    const char *id = aws_need(c, "Id");

    for (size_t i = 0; id && i < c->es->nshared; i++) {
        const struct aws_shared *s = &c->es->shared[i];
        if (s->account != c->account || !aws_shared_has_waf(s) || strcmp(s->kms, id) != 0)
            continue;
        put_acl(c, s);
        return;
    }
    aws_fail(c, 400, "WAFNonexistentItemException", "AWS WAF couldn't perform the operation");
}

/* ---- ECS */

void aws_ecs_clusters_get(struct aws_call *c)
{
    const cJSON *asked = cJSON_GetObjectItemCaseSensitive(c->in, "clusters"), *name;
    cJSON *all = aws_put_array(c->out, "clusters"), *bad = aws_put_array(c->out, "failures");
    char arn[200];

    aws_arn(c, arn, sizeof arn, "ecs", "cluster/neighbours");
    cJSON_ArrayForEach (name, asked) {
        const char *s = cJSON_GetStringValue(name);
        bool is_known = s && (strcmp(s, arn) == 0 || strcmp(s, "neighbours") == 0);
        cJSON *o = aws_put_object(is_known ? all : bad, NULL);
        aws_put(o, is_known ? "clusterArn" : "arn", is_known ? arn : s ? s : "");
        if (!is_known) {
            aws_put(o, "reason", "MISSING");
            continue;
        }
        aws_put(o, "clusterName", "neighbours");
        aws_put(o, "status", "ACTIVE");
        aws_put_int(o, "activeServicesCount", 12);
        aws_put_int(o, "runningTasksCount", 36);
        aws_put_int(o, "pendingTasksCount", 0);
        aws_put_int(o, "registeredContainerInstancesCount", 0);
    }
}

/* ---- SES */

void aws_ses_account(struct aws_call *c)
{
    cJSON *quota = aws_put_object(c->out, "SendQuota");

    aws_put_int(quota, "Max24HourSend", 50000);
    aws_put_int(quota, "MaxSendRate", 14);
    aws_put_int(quota, "SentLast24Hours", 212);
    aws_put_bool(c->out, "SendingEnabled", true);
    aws_put_bool(c->out, "ProductionAccessEnabled", true);
    aws_put_bool(c->out, "DedicatedIpAutoWarmupEnabled", false);
    aws_put(c->out, "EnforcementStatus", "HEALTHY");
}
