/* What stands around the functions: databases, target groups, containers, firewalls, costs. */
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

static const struct aws_paging DATABASE_PAGES = { "Marker", "MaxRecords", "Marker",
                                                  100,      100,          "InvalidParameterValue" };
static const struct aws_paging GROUP_PAGES = { "Marker", "PageSize", "NextMarker",
                                               400,      400,        "ValidationError" };
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

/* ---- RDS */

/* clang-format off */
static const struct {
    const char *name, *status;
    enum aws_account account;
} DATABASES[] = {
    { "uec-core-dos-live-cluster-14-one", "available", AWS_PROD },
    { "uec-core-dos-live-cluster-14-two", "available", AWS_PROD },
    { "uec-core-dos-put-cluster-14-one", "available", AWS_PROD },
    { "uec-core-dos-put-cluster-14-two", "backing-up", AWS_PROD },
    { "uec-core-dos-regression-cluster-14-one", "available", AWS_NONPROD },
    { "uec-core-dos-regression-cluster-14-two", "available", AWS_NONPROD },
    { "uec-core-dos-performance-cluster-14-one", "stopped", AWS_NONPROD },
    { "uec-core-dos-performance-cluster-14-two", "stopped", AWS_NONPROD },
};
/* clang-format on */

void aws_rds_instances(struct aws_call *c)
{
    const char *only = aws_in(c, "DBInstanceIdentifier");
    cJSON *all = cJSON_CreateArray();

    for (size_t i = 0; is_main(c) && i < ARRAY_LEN(DATABASES); i++) {
        const char *name = DATABASES[i].name;
        if (DATABASES[i].account != c->account || (only && strcmp(only, name) != 0))
            continue;
        cJSON *o = aws_put_object(all, NULL);
        aws_put(o, "DBInstanceIdentifier", name);
        aws_put(o, "DBInstanceClass", "db.r6g.large");
        aws_put(o, "Engine", "aurora-postgresql");
        aws_put(o, "EngineVersion", "14.9");
        aws_put(o, "DBInstanceStatus", DATABASES[i].status);
        cJSON *e = aws_put_object(o, "Endpoint");
        aws_putf(e, "Address", "%s.demo.eu-west-2.rds.amazonaws.com", name);
        aws_put_int(e, "Port", 5432);
        aws_put_time(c, o, "InstanceCreateTime", 1650000000);
        aws_put_bool(o, "MultiAZ", false);
    }
    if (only && cJSON_GetArraySize(all) == 0)
        aws_fail(c, 404, "DBInstanceNotFound", "DBInstance %s not found.", only);
    aws_put_page(c, "DBInstances", all, &DATABASE_PAGES);
}

/* ---- ELBv2 */

static const char *const GROUPS[] = { "directory-web-blue", "directory-web-green", "booking-api" };

static void group_arn(const struct aws_call *c, size_t i, char *out, size_t size)
{
    aws_arn(c, out, size, "elasticloadbalancing", "targetgroup/%s/0de000000000000%zu", GROUPS[i],
            i + 1);
}

static bool has_containers(const struct aws_call *c)
{
    return is_main(c) && c->account != AWS_MGMT;
}

void aws_elb_groups(struct aws_call *c)
{
    const char *only = aws_in(c, "Names.member.1");
    cJSON *all = cJSON_CreateArray();
    char arn[256];

    for (size_t i = 0; has_containers(c) && i < ARRAY_LEN(GROUPS); i++) {
        if (only && strcmp(only, GROUPS[i]) != 0)
            continue;
        cJSON *o = aws_put_object(all, NULL);
        group_arn(c, i, arn, sizeof arn);
        aws_put(o, "TargetGroupArn", arn);
        aws_put(o, "TargetGroupName", GROUPS[i]);
        aws_put(o, "Protocol", "HTTPS");
        aws_put_int(o, "Port", 8443);
        aws_put(o, "VpcId", "vpc-0de0000000000001");
        aws_put(o, "TargetType", "ip");
    }
    if (only && cJSON_GetArraySize(all) == 0)
        aws_fail(c, 400, "TargetGroupNotFound", "One or more target groups not found");
    aws_put_page(c, "TargetGroups", all, &GROUP_PAGES);
}

void aws_elb_health(struct aws_call *c)
{
    const char *asked = aws_need(c, "TargetGroupArn");
    char arn[256];

    for (size_t i = 0; asked && has_containers(c) && i < ARRAY_LEN(GROUPS); i++) {
        group_arn(c, i, arn, sizeof arn);
        if (strcmp(arn, asked) != 0)
            continue;
        cJSON *all = aws_put_array(c->out, "TargetHealthDescriptions");
        for (int k = 0; k < 3; k++) {
            bool is_bad = i == 2 && k == 1;
            cJSON *o = aws_put_object(all, NULL), *t = aws_put_object(o, "Target");
            aws_putf(t, "Id", "10.0.%zu.%d", i, k + 10);
            aws_put_int(t, "Port", 8443);
            cJSON *h = aws_put_object(o, "TargetHealth");
            aws_put(h, "State", is_bad ? "unhealthy" : "healthy");
            if (is_bad) {
                aws_put(h, "Reason", "Target.ResponseCodeMismatch");
                aws_put(h, "Description", "Health checks failed with these codes: [503]");
            }
        }
        return;
    }
    if (asked)
        aws_fail(c, 400, "TargetGroupNotFound", "Target group '%s' not found", asked);
}

/* ---- ECS */

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
