/* What stands around the functions: containers, firewalls, costs. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"
#include "estate.h"

enum {
    SERVICES_MAX = 10
};

static const struct aws_paging ECS_PAGES = {
    "nextToken", "maxResults", "nextToken", 100, 100, "InvalidParameterException"
};
static const struct aws_paging SERVICE_PAGES = { "nextToken", "maxResults",
                                                 "nextToken", 10,
                                                 100,         "InvalidParameterException" };
static const struct aws_paging ACL_PAGES = {
    "NextMarker", "Limit", "NextMarker", 100, 100, "WAFInvalidParameterException"
};

static bool is_main(const struct aws_call *c)
{
    return strcmp(c->region, "eu-west-2") == 0;
}

/* ---- ECS */

static bool has_containers(const struct aws_call *c)
{
    return is_main(c) && c->account != AWS_MGMT;
}

static const char *const SERVICES[] = { "directory-web", "booking-api",   "referral-feed",
                                        "user-audit",    "slot-finder",   "waiting-times",
                                        "postcode-api",  "opening-hours", "capacity",
                                        "profiles",      "notifier",      "mailer" };

static void cluster_arn(const struct aws_call *c, char *out, size_t size)
{
    aws_arn(c, out, size, "ecs", "cluster/neighbours");
}

/* Name or ARN of the one cluster. */
static bool is_cluster(struct aws_call *c)
{
    const char *asked = aws_in(c, "cluster");
    char arn[200];

    cluster_arn(c, arn, sizeof arn);
    if (asked && has_containers(c) && (strcmp(asked, arn) == 0 || strcmp(asked, "neighbours") == 0))
        return true;
    aws_fail(c, 400, "ClusterNotFoundException", "Cluster not found.");
    return false;
}

void aws_ecs_clusters(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    char arn[200];

    cluster_arn(c, arn, sizeof arn);
    if (has_containers(c))
        aws_put(all, NULL, arn);
    aws_put_page(c, "clusterArns", all, &ECS_PAGES);
}

void aws_ecs_services(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    char arn[200];

    if (!is_cluster(c)) {
        cJSON_Delete(all);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(SERVICES); i++) {
        aws_arn(c, arn, sizeof arn, "ecs", "service/neighbours/%s", SERVICES[i]);
        aws_put(all, NULL, arn);
    }
    aws_put_page(c, "serviceArns", all, &SERVICE_PAGES);
}

/* Of the one service that CodeDeploy switches: the green tasks are ready, the blue ones serve. */
static void put_task_sets(const struct aws_call *c, cJSON *out)
{
    static const char *const colours[] = { "blue", "green" };
    cJSON *all = aws_put_array(out, "taskSets");
    char arn[200];

    for (size_t i = 0; i < ARRAY_LEN(colours); i++) {
        int64_t made = i ? AWS_STORY_NOW - 1150 : AWS_STORY_NOW - 90000;
        cJSON *o = aws_put_object(all, NULL);
        aws_putf(o, "id", "ecs-svc/%019zu", 102 + i);
        aws_arn(c, arn, sizeof arn, "ecs", "task-set/neighbours/%s/ecs-svc/%019zu", SERVICES[0],
                102 + i);
        aws_put(o, "taskSetArn", arn);
        aws_putf(o, "externalId", "d-DEMO0000%zu", 2 + i);
        aws_arn(c, arn, sizeof arn, "ecs", "task-definition/%s:%zu", SERVICES[0], 41 + i);
        aws_put(o, "taskDefinition", arn);
        aws_put(o, "status", i ? "ACTIVE" : "PRIMARY");
        aws_put_int(o, "computedDesiredCount", 3);
        aws_put_int(o, "runningCount", 3);
        aws_put_int(o, "pendingCount", 0);
        cJSON *scale = aws_put_object(o, "scale");
        aws_put_int(scale, "value", 100);
        aws_put(scale, "unit", "PERCENT");
        cJSON *lb = aws_put_object(aws_put_array(o, "loadBalancers"), NULL);
        aws_arn(c, arn, sizeof arn, "elasticloadbalancing", "targetgroup/%s-%s/0de000000000000%zu",
                SERVICES[0], colours[i], i + 1);
        aws_put(lb, "targetGroupArn", arn);
        aws_put(o, "stabilityStatus", "STEADY_STATE");
        aws_put_time(c, o, "createdAt", made);
        aws_put_time(c, o, "updatedAt", made + 90);
    }
}

static void put_service(const struct aws_call *c, cJSON *all, size_t i)
{
    cJSON *o = aws_put_object(all, NULL);
    bool is_short = i == 1;
    char arn[200];

    aws_arn(c, arn, sizeof arn, "ecs", "service/neighbours/%s", SERVICES[i]);
    aws_put(o, "serviceArn", arn);
    aws_put(o, "serviceName", SERVICES[i]);
    cluster_arn(c, arn, sizeof arn);
    aws_put(o, "clusterArn", arn);
    aws_put(o, "status", "ACTIVE");
    aws_put_int(o, "desiredCount", 3);
    aws_put_int(o, "runningCount", is_short ? 2 : 3);
    aws_put_int(o, "pendingCount", is_short ? 1 : 0);
    cJSON *d = aws_put_object(aws_put_array(o, "deployments"), NULL);
    aws_putf(d, "id", "ecs-svc/%019zu", i + 1);
    aws_put(d, "status", "PRIMARY");
    aws_put(d, "rolloutState", is_short ? "IN_PROGRESS" : "COMPLETED");
    aws_put_int(d, "desiredCount", 3);
    aws_put_int(d, "runningCount", is_short ? 2 : 3);
    aws_put_time(c, d, "createdAt", is_short ? AWS_STORY_NOW - 420 : AWS_STORY_NOW - 864000);
    aws_put(aws_put_object(o, "deploymentController"), "type", i ? "ECS" : "CODE_DEPLOY");
    aws_put_array(o, "events");
    if (i == 0)
        put_task_sets(c, o);
}

void aws_ecs_describe(struct aws_call *c)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(c->in, "services"), *name;
    int n = cJSON_GetArraySize(names);

    if (!is_cluster(c))
        return;
    if (n < 1 || n > SERVICES_MAX) {
        aws_fail(c, 400, "InvalidParameterException", "services: 1 to 10 are needed");
        return;
    }
    cJSON *all = aws_put_array(c->out, "services"), *bad = aws_put_array(c->out, "failures");
    cJSON_ArrayForEach (name, names) {
        const char *text = cJSON_IsString(name) ? name->valuestring : "", *slash;
        size_t i = 0;
        slash = strrchr(text, '/');
        while (i < ARRAY_LEN(SERVICES) && strcmp(SERVICES[i], slash ? slash + 1 : text) != 0)
            i++;
        if (i < ARRAY_LEN(SERVICES)) {
            put_service(c, all, i);
            continue;
        }
        cJSON *o = aws_put_object(bad, NULL);
        aws_put(o, "arn", text);
        aws_put(o, "reason", "MISSING");
    }
}

void aws_ecs_task_sets(struct aws_call *c)
{
    const char *asked = aws_need(c, "service"), *slash = asked ? strrchr(asked, '/') : NULL;

    if (!asked || !is_cluster(c))
        return;
    if (strcmp(slash ? slash + 1 : asked, SERVICES[0]) != 0) {
        aws_fail(c, 400, "ServiceNotFoundException", "Service not found.");
        return;
    }
    put_task_sets(c, c->out);
    aws_put_array(c->out, "failures");
}

/* ---- WAF */

void aws_waf_acls(struct aws_call *c)
{
    const char *scope = aws_need(c, "Scope");
    cJSON *all = cJSON_CreateArray();
    char name[80], arn[256];

    if (scope && strcmp(scope, "CLOUDFRONT") == 0 && is_main(c))
        aws_fail(c, 400, "WAFInvalidParameterException", "The scope is not valid in this region");
    for (size_t i = 0; scope && strcmp(scope, "REGIONAL") == 0 && i < c->es->nshared; i++) {
        const struct aws_shared *s = &c->es->shared[i];
        if (s->account != c->account || !aws_shared_has_waf(s) || !is_main(c))
            continue;
        cJSON *o = aws_put_object(all, NULL);
        snprintf(name, sizeof name, "uec-dos-int-%s-waf-acl", s->name);
        aws_put(o, "Name", name);
        aws_put(o, "Id", s->kms);
        aws_putf(o, "Description", "Firewall of %s", s->name);
        aws_put(o, "LockToken", "0de00000-0000-4000-8000-00000000ac10");
        aws_arn(c, arn, sizeof arn, "wafv2", "regional/webacl/%s/%s", name, s->kms);
        aws_put(o, "ARN", arn);
    }
    aws_put_page(c, "WebACLs", all, &ACL_PAGES);
}

/* ---- Cost Explorer */

static bool read_day(const cJSON *period, const char *name, struct tm *tm)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(period, name));

    *tm = (struct tm){ .tm_hour = 12 };
    if (!s || strlen(s) != 10 ||
        sscanf(s, "%4d-%2d-%2d", &tm->tm_year, &tm->tm_mon, &tm->tm_mday) != 3)
        return false;
    tm->tm_year -= 1900;
    tm->tm_mon--;
    return true;
}

static void put_amounts(struct aws_call *c, cJSON *o, time_t day, unsigned salt)
{
    const cJSON *metrics = cJSON_GetObjectItemCaseSensitive(c->in, "Metrics"), *m;
    uint64_t dice = sim_hash(53 + salt, (uint64_t)(day / 86400)) % 40000;

    cJSON_ArrayForEach (m, metrics) {
        if (!cJSON_IsString(m))
            continue;
        cJSON *v = aws_put_object(o, m->valuestring);
        aws_putf(v, "Amount", "%llu.%04llu000000", (unsigned long long)(20 + dice / 1000),
                 (unsigned long long)(dice * 7 % 10000));
        aws_put(v, "Unit", "USD");
    }
}

static void put_cost_groups(struct aws_call *c, cJSON *o, time_t day)
{
    static const char *const services[] = { "AWS Lambda", "Amazon Relational Database Service",
                                            "AmazonCloudWatch" };

    cJSON *all = aws_put_array(o, "Groups");
    for (unsigned i = 0; i < ARRAY_LEN(services); i++) {
        cJSON *g = aws_put_object(all, NULL);
        aws_put(aws_put_array(g, "Keys"), NULL, services[i]);
        put_amounts(c, aws_put_object(g, "Metrics"), day, i + 1);
    }
}

void aws_ce_cost(struct aws_call *c)
{
    const cJSON *period = cJSON_GetObjectItemCaseSensitive(c->in, "TimePeriod");
    const char *step = aws_need(c, "Granularity");
    bool is_grouped = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(c->in, "GroupBy")) > 0;
    struct tm from, to;

    if (!step)
        return;
    if (!read_day(period, "Start", &from) || !read_day(period, "End", &to) ||
        timegm(&from) >= timegm(&to) ||
        cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(c->in, "Metrics")) == 0) {
        aws_fail(c, 400, "ValidationException",
                 "a TimePeriod of whole days and Metrics are needed");
        return;
    }
    cJSON *all = aws_put_array(c->out, "ResultsByTime");
    for (time_t at = timegm(&from), end = timegm(&to); at < end && cJSON_GetArraySize(all) < 400;) {
        char text[16];
        cJSON *o = aws_put_object(all, NULL), *p = aws_put_object(o, "TimePeriod");
        strftime(text, sizeof text, "%Y-%m-%d", &from);
        aws_put(p, "Start", text);
        time_t day = at;
        from.tm_mday = strcmp(step, "MONTHLY") == 0 ? 1 : from.tm_mday + 1;
        from.tm_mon += strcmp(step, "MONTHLY") == 0;
        at = timegm(&from);
        if (at > end && gmtime_r(&end, &from))
            at = end;
        strftime(text, sizeof text, "%Y-%m-%d", &from);
        aws_put(p, "End", text);
        if (is_grouped)
            put_cost_groups(c, o, day);
        else
            put_amounts(c, aws_put_object(o, "Total"), day, 0);
        aws_put_bool(o, "Estimated", day + 3 * 86400 > c->now_s);
    }
}
