/* AWS Health: what Amazon says of its services. The management account has no support plan. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"

enum {
    OLD_EVENTS = 108, /* closed ones: more than a page */
    LAST_DETAILS = 10
};

static const struct aws_paging PAGES = { "nextToken", "maxResults", "nextToken",
                                         100,         100,          "InvalidPaginationToken" };

struct event {
    const char *service, *code, *category, *region, *status, *scope, *text;
    int64_t start, end, updated;
};

/* clang-format off */
static const struct event EVENTS[] = {
    { "LAMBDA", "AWS_LAMBDA_OPERATIONAL_ISSUE", "issue", "eu-west-2", "open", "PUBLIC",
      "[09:55 AM PST] We are investigating increased latency of asynchronous invocations in the EU-WEST-2 Region.\n\n"
      "[10:05 AM PST] We have found the cause and are rolling back a change. Queues are worked off late; nothing is lost.",
      AWS_STORY_NOW - 1500, 0, AWS_STORY_NOW - 600 },
    { "RDS", "AWS_RDS_MAINTENANCE_SCHEDULED", "scheduledChange", "eu-west-2", "upcoming", "ACCOUNT_SPECIFIC",
      "One or more of your database instances will be maintained in its next window.",
      AWS_STORY_NOW + 4 * 86400, AWS_STORY_NOW + 4 * 86400 + 7200, AWS_STORY_NOW - 86400 },
    { "ACM", "AWS_ACM_RENEWAL_STATE_CHANGE", "accountNotification", "eu-west-2", "open", "ACCOUNT_SPECIFIC",
      "A certificate could not be renewed automatically: its DNS record is not there any more.",
      AWS_STORY_NOW - 3 * 86400, 0, AWS_STORY_NOW - 3 * 86400 },
};
/* clang-format on */

static bool event_at(const struct aws_call *c, size_t i, struct event *e, char arn[200])
{
    if (i >= ARRAY_LEN(EVENTS) + OLD_EVENTS)
        return false;
    if (i < ARRAY_LEN(EVENTS)) {
        *e = EVENTS[i];
    } else {
        int64_t back = (int64_t)(i - ARRAY_LEN(EVENTS) + 1) * 60000;
        *e = (struct event){ .service = i % 2 ? "EC2" : "CLOUDFRONT",
                             .code = i % 2 ? "AWS_EC2_OPERATIONAL_ISSUE"
                                           : "AWS_CLOUDFRONT_OPERATIONAL_ISSUE",
                             .category = "issue",
                             .region = i % 2 ? "eu-west-1" : "global",
                             .status = "closed",
                             .scope = "PUBLIC",
                             .text = "The issue has been resolved and the service is operating "
                                     "normally.",
                             .start = AWS_STORY_NOW - 5 * 86400 - back,
                             .end = AWS_STORY_NOW - 5 * 86400 - back + 3600,
                             .updated = AWS_STORY_NOW - 5 * 86400 - back + 3700 };
    }
    snprintf(arn, 200, "arn:aws:health:%s::event/%s/%s/%s_%s%zu", e->region, e->service, e->code,
             e->code, c->account == AWS_PROD ? "p" : "n", i + 1);
    return true;
}

static bool is_subscribed(struct aws_call *c)
{
    if (c->account == AWS_MGMT)
        aws_fail(c, 400, "SubscriptionRequiredException", "%s", "");
    return !c->status;
}

static void put_event(const struct aws_call *c, cJSON *o, const struct event *e, const char *arn)
{
    aws_put(o, "arn", arn);
    aws_put(o, "service", e->service);
    aws_put(o, "eventTypeCode", e->code);
    aws_put(o, "eventTypeCategory", e->category);
    aws_put(o, "region", e->region);
    aws_put_time(c, o, "startTime", e->start);
    if (e->end)
        aws_put_time(c, o, "endTime", e->end);
    aws_put_time(c, o, "lastUpdatedTime", e->updated);
    aws_put(o, "statusCode", e->status);
    aws_put(o, "eventScopeCode", e->scope);
}

static const cJSON *filter_of(const struct aws_call *c, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(c->in, "filter"),
                                            name);
}

/* lastUpdatedTimes is a list of ranges; one of them must hold it. */
static bool is_updated_within(const struct aws_call *c, int64_t updated)
{
    const cJSON *ranges = filter_of(c, "lastUpdatedTimes"), *r;
    double at = (double)(updated + c->es->shift_s);

    if (cJSON_GetArraySize(ranges) == 0)
        return true;
    cJSON_ArrayForEach (r, ranges) {
        const cJSON *from = cJSON_GetObjectItemCaseSensitive(r, "from");
        const cJSON *to = cJSON_GetObjectItemCaseSensitive(r, "to");
        if ((!cJSON_IsNumber(from) || at >= from->valuedouble) &&
            (!cJSON_IsNumber(to) || at <= to->valuedouble))
            return true;
    }
    return false;
}

void aws_health_events(struct aws_call *c)
{
    char arn[200];
    struct event e;

    if (!is_subscribed(c))
        return;
    cJSON *all = cJSON_CreateArray();
    for (size_t i = 0; event_at(c, i, &e, arn); i++)
        if (aws_in_list(filter_of(c, "services"), e.service) &&
            aws_in_list(filter_of(c, "regions"), e.region) &&
            aws_in_list(filter_of(c, "eventTypeCategories"), e.category) &&
            aws_in_list(filter_of(c, "eventStatusCodes"), e.status) &&
            aws_in_list(filter_of(c, "eventArns"), arn) && is_updated_within(c, e.updated))
            put_event(c, aws_put_object(all, NULL), &e, arn);
    aws_put_page(c, "events", all, &PAGES);
}

static bool find_event(const struct aws_call *c, const char *asked, struct event *e)
{
    char arn[200];

    for (size_t i = 0; event_at(c, i, e, arn); i++)
        if (strcmp(arn, asked) == 0)
            return true;
    return false;
}

void aws_health_details(struct aws_call *c)
{
    const cJSON *arns = cJSON_GetObjectItemCaseSensitive(c->in, "eventArns"), *arn;
    int n = cJSON_GetArraySize(arns);
    struct event e;

    if (!is_subscribed(c))
        return;
    if (n < 1 || n > LAST_DETAILS) {
        aws_fail(c, 400, "ValidationException", "eventArns: 1 to 10 are needed");
        return;
    }
    cJSON *good = aws_put_array(c->out, "successfulSet"), *bad = aws_put_array(c->out, "failedSet");
    cJSON_ArrayForEach (arn, arns) {
        const char *text = cJSON_IsString(arn) ? arn->valuestring : "";
        if (!find_event(c, text, &e)) {
            cJSON *o = aws_put_object(bad, NULL);
            aws_put(o, "eventArn", text);
            aws_put(o, "errorName", "EventNotFound");
            aws_put(o, "errorMessage", "There is no such event");
            continue;
        }
        cJSON *o = aws_put_object(good, NULL);
        put_event(c, aws_put_object(o, "event"), &e, text);
        aws_put(aws_put_object(o, "eventDescription"), "latestDescription", e.text);
    }
}

static void put_entities(const struct aws_call *c, cJSON *all, const struct event *e,
                         const char *arn)
{
    static const char *const values[] = { "uec-core-dos-live-cluster-14-one",
                                          "uec-core-dos-live-cluster-14-two" };

    if (strcmp(e->scope, "PUBLIC") == 0)
        return;
    bool is_database = strcmp(e->service, "RDS") == 0;
    for (size_t i = 0; i < (is_database ? ARRAY_LEN(values) : 1); i++) {
        cJSON *o = aws_put_object(all, NULL);
        aws_putf(o, "entityArn", "arn:aws:health:%s:%s:entity/demo-%zu", e->region,
                 aws_account_ids[c->account], i + 1);
        aws_put(o, "eventArn", arn);
        aws_put(o, "entityValue", is_database ? values[i] : "AWS_ACCOUNT");
        aws_put(o, "awsAccountId", aws_account_ids[c->account]);
        aws_put_time(c, o, "lastUpdatedTime", e->updated);
        aws_put(o, "statusCode", is_database ? "PENDING" : "IMPAIRED");
    }
}

void aws_health_entities(struct aws_call *c)
{
    const cJSON *arns = filter_of(c, "eventArns"), *arn;
    struct event e;

    if (!is_subscribed(c))
        return;
    if (cJSON_GetArraySize(arns) < 1 || cJSON_GetArraySize(arns) > LAST_DETAILS) {
        aws_fail(c, 400, "ValidationException", "filter.eventArns: 1 to 10 are needed");
        return;
    }
    cJSON *all = cJSON_CreateArray();
    cJSON_ArrayForEach (arn, arns)
        if (cJSON_IsString(arn) && find_event(c, arn->valuestring, &e))
            put_entities(c, all, &e, arn->valuestring);
    aws_put_page(c, "entities", all, &PAGES);
}
