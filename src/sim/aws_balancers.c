/* Load balancers: which group of targets gets how much, and how the targets are. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"

static const struct aws_paging GROUP_PAGES = { "Marker", "PageSize", "NextMarker",
                                               400,      400,        "ValidationError" };

/* One balancer with one listener stands before all groups. */
#define BALANCER "loadbalancer/app/neighbours/0de0000000000001"
#define LISTENER "app/neighbours/0de0000000000001/0de0000000000002"

static bool has_containers(const struct aws_call *c)
{
    return strcmp(c->region, "eu-west-2") == 0 && c->account != AWS_MGMT;
}

static const char *const GROUPS[] = { "directory-web-blue", "directory-web-green", "booking-api",
                                      "booking-api-green" };

static void group_arn(const struct aws_call *c, size_t i, char *out, size_t size)
{
    aws_arn(c, out, size, "elasticloadbalancing", "targetgroup/%s/0de000000000000%zu", GROUPS[i],
            i + 1);
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

/* Names or ARNs of the query's list, when there is one: whether ours is its first. */
static bool is_first(struct aws_call *c, const char *member, const char *own, const char *code)
{
    const char *asked = aws_in(c, member);

    if (!asked || strcmp(asked, own) == 0)
        return true;
    aws_fail(c, 400, code, "One or more of what was asked for was not found");
    return false;
}

void aws_elb_balancers(struct aws_call *c)
{
    char arn[256];

    aws_arn(c, arn, sizeof arn, "elasticloadbalancing", BALANCER);
    if (!is_first(c, "Names.member.1", "neighbours", "LoadBalancerNotFound") ||
        !is_first(c, "LoadBalancerArns.member.1", arn, "LoadBalancerNotFound"))
        return;
    cJSON *all = cJSON_CreateArray();
    if (has_containers(c)) {
        cJSON *o = aws_put_object(all, NULL);
        aws_put(o, "LoadBalancerArn", arn);
        aws_put(o, "LoadBalancerName", "neighbours");
        aws_put(o, "DNSName", "neighbours-0000000001.eu-west-2.elb.example");
        aws_put(o, "Scheme", "internal");
        aws_put(o, "Type", "application");
        aws_put(o, "VpcId", "vpc-0de0000000000001");
        aws_put(aws_put_object(o, "State"), "Code", "active");
        aws_put_time(c, o, "CreatedTime", 1650000000);
    }
    aws_put_page(c, "LoadBalancers", all, &GROUP_PAGES);
}

/* Forwards to two groups, so many of a hundred each. */
static void put_pair(const struct aws_call *c, cJSON *actions, size_t first, int weight)
{
    cJSON *a = aws_put_object(actions, NULL);
    char arn[256];

    aws_put(a, "Type", "forward");
    cJSON *groups = aws_put_array(aws_put_object(a, "ForwardConfig"), "TargetGroups");
    for (size_t i = 0; i < 2; i++) {
        cJSON *g = aws_put_object(groups, NULL);
        group_arn(c, first + i, arn, sizeof arn);
        aws_put(g, "TargetGroupArn", arn);
        aws_put_int(g, "Weight", i ? 100 - weight : weight);
    }
}

void aws_elb_listeners(struct aws_call *c)
{
    char balancer[256], arn[256];

    aws_arn(c, balancer, sizeof balancer, "elasticloadbalancing", BALANCER);
    aws_arn(c, arn, sizeof arn, "elasticloadbalancing", "listener/" LISTENER);
    if (!is_first(c, "LoadBalancerArn", balancer, "LoadBalancerNotFound") ||
        !is_first(c, "ListenerArns.member.1", arn, "ListenerNotFound"))
        return;
    cJSON *all = cJSON_CreateArray();
    if (has_containers(c)) {
        cJSON *o = aws_put_object(all, NULL);
        aws_put(o, "ListenerArn", arn);
        aws_put(o, "LoadBalancerArn", balancer);
        aws_put_int(o, "Port", 443);
        aws_put(o, "Protocol", "HTTPS");
        put_pair(c, aws_put_array(o, "DefaultActions"), 0, 100);
    }
    aws_put_page(c, "Listeners", all, &GROUP_PAGES);
}

/* The default gives all to blue until the deployment switches; bookings try their green one. */
void aws_elb_rules(struct aws_call *c)
{
    cJSON *all;
    char arn[256];

    aws_arn(c, arn, sizeof arn, "elasticloadbalancing", "listener/" LISTENER);
    if (!has_containers(c) || !is_first(c, "ListenerArn", arn, "ListenerNotFound")) {
        if (!c->status)
            aws_fail(c, 400, "ListenerNotFound", "One or more listeners not found");
        return;
    }
    all = cJSON_CreateArray();
    for (int i = 0; i < 2; i++) {
        cJSON *o = aws_put_object(all, NULL);
        aws_arn(c, arn, sizeof arn, "elasticloadbalancing",
                "listener-rule/" LISTENER "/0de000000000001%d", i);
        aws_put(o, "RuleArn", arn);
        aws_put(o, "Priority", i ? "default" : "10");
        cJSON *conditions = aws_put_array(o, "Conditions");
        if (i == 0) {
            cJSON *k = aws_put_object(conditions, NULL);
            aws_put(k, "Field", "path-pattern");
            aws_put(aws_put_array(k, "Values"), NULL, "/booking/*");
        }
        put_pair(c, aws_put_array(o, "Actions"), i ? 0 : 2, i ? 100 : 90);
        aws_put_bool(o, "IsDefault", i == 1);
    }
    aws_put_page(c, "Rules", all, &GROUP_PAGES);
}
