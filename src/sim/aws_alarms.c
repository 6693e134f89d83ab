/* CloudWatch alarms: which ones exist follows from what is linked; their states, and history. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"

enum {
    NAME_SIZE = 160
};

static const struct aws_paging ALARM_PAGES = { "NextToken", "MaxRecords", "NextToken",
                                               50,          100,          "InvalidNextToken" };

enum kind {
    EVERY_SHARED = 1,
    WAF_ONLY = 2,
    OTHER_REGION = 4, /* us-east-1 */
    EVEN_TASKS = 8,   /* also on ds-* */
    NO_DATA = 16      /* rests in INSUFFICIENT_DATA */
};

struct alarm_kind {
    const char *title, *space, *metric, *dimension, *statistic;
    int period_s, of, needed, threshold;
    const char *compare, *missing;
    unsigned kind;
};

/* clang-format off */
#define GT "GreaterThanThreshold"
#define GE "GreaterThanOrEqualToThreshold"
#define LT "LessThanThreshold"
#define WAF(title, metric) { "WAF " title, "AWS/WAFV2", metric, "WebACL", "Sum", 60, 1, 1, 1, GT, NULL, EVERY_SHARED | WAF_ONLY }
#define RATE(fn) { fn " Error Rate", NULL, NULL, NULL, NULL, 120, 2, 2, 1, GE, "ignore", EVEN_TASKS }
#define OWN(title, metric, stat, period, needed, of, compare, threshold, missing, kind) \
    { title, "uec-dos-int", metric, "environment", stat, period, of, needed, threshold, compare, missing, kind }
static const struct alarm_kind KINDS[] = {
    { "DI 4XX Endpoint Errors", "AWS/ApiGateway", "4XXError", "Stage", "Sum", 60, 1, 1, 0, GT, "notBreaching", EVERY_SHARED },
    { "DI 5XX Endpoint Errors", "AWS/ApiGateway", "5XXError", "Stage", "Sum", 60, 1, 1, 0, GT, "notBreaching", EVERY_SHARED },
    { "Change Events DLQ'd", "AWS/SQS", "NumberOfMessagesReceived", "QueueName", "Sum", 60, 1, 1, 0, GT, NULL, EVERY_SHARED | NO_DATA },
    { "Change Events Waiting", "AWS/SQS", "ApproximateNumberOfMessagesDelayed", "QueueName", "Average", 300, 3, 2, 60000, GT, NULL, EVERY_SHARED },
    { "DI Endpoint Route 53 Health Checks Failing", "AWS/Route53", "HealthCheckStatus", "HealthCheckId", "Average", 60, 1, 1, 1, LT, NULL, EVERY_SHARED | OTHER_REGION },
    WAF("IP Allow List Blocked Requests", "BlockedRequests"),
    WAF("Rate Limit Blocked Requests", "BlockedRequests"),
    WAF("AWS Managed Rules Common Blocked Requests", "BlockedRequests"),
    WAF("Non GB Blocked Requests", "BlockedRequests"),
    WAF("AWS Managed Known Bad Inputs Blocked Requests", "BlockedRequests"),
    WAF("AWS Managed SQL Injection Blocked Requests", "BlockedRequests"),
    WAF("AWS Managed IP Reputation List Blocked Requests", "BlockedRequests"),
    WAF("Custom SQL Injection Count Requests", "CountedRequests"),
    RATE("Change Event DLQ Handler"), RATE("DoS DB Update DLQ Handler"), RATE("Event Replay"),
    RATE("Ingest Change Event"), RATE("Send Email"), RATE("Service Matcher"), RATE("Service Sync"),
    RATE("Slack Messenger"), RATE("Quality Checker"),
    OWN("Invalid Postcode", "InvalidPostcode", "Sum", 60, 1, 1, GT, 0, "notBreaching", EVEN_TASKS),
    OWN("Invalid Opening Times", "InvalidOpenTimes", "Sum", 60, 1, 1, GT, 0, "notBreaching", 0),
    { "Holding Queue Message DLQ'd", "AWS/SQS", "NumberOfMessagesReceived", "QueueName", "Sum", 60, 1, 1, 0, GT, NULL, NO_DATA },
    { "Update Requests DLQ'd", "AWS/SQS", "NumberOfMessagesReceived", "QueueName", "Sum", 60, 1, 1, 0, GT, NULL, NO_DATA },
    OWN("High Number of Change Events received", "ChangeEventReceived", "Sum", 300, 1, 3, GT, 1500, "notBreaching", 0),
    { "Update Requests Waiting", "AWS/SQS", "ApproximateNumberOfMessagesDelayed", "environment", "Average", 600, 3, 2, 30000, GT, NULL, NO_DATA },
    OWN("Failed Emails", "EmailFailed", "Sum", 120, 1, 1, GE, 1, NULL, NO_DATA),
    OWN("Average Message Latency", "QueueToDoSLatency", "Average", 300, 1, 6, GT, 120000, "notBreaching", 0),
    OWN("Maximum Message Latency", "QueueToDoSLatency", "Maximum", 300, 2, 6, GT, 120000, "notBreaching", 0),
    OWN("DoS Palliative Care Z Code Does Not Exist !!!", "DoSPalliativeCareZCodeDoesNotExist", "Maximum", 60, 1, 10, GT, 0, NULL, NO_DATA),
    OWN("DoS Blood Pressure Z Code Does Not Exist !!!", "DoSBloodPressureZCodeDoesNotExist", "Maximum", 60, 1, 10, GT, 0, NULL, NO_DATA),
    OWN("DoS Contraception Z Code Does Not Exist !!!", "DoSContraceptionZCodeDoesNotExist", "Maximum", 60, 1, 10, GT, 0, NULL, NO_DATA),
    OWN("Quality Checker Has Completed", "QualityCheckerFinished", "Sum", 60, 1, 1, LT, 1, "missing", NO_DATA),
    OWN("Quality Checker Has Errorred", "QualityCheckerErrored", "Sum", 60, 1, 1, GE, 1, "notBreaching", 0),
    { "Quality Checker Schedule Failed Invocation", "AWS/Events", "FailedInvocations", "RuleName", "Sum", 60, 1, 1, 1, GE, "notBreaching", 0 },
};
/* clang-format on */

static void put_rule(cJSON *a, const struct alarm_kind *k, const char *env)
{
    aws_put_int(a, "EvaluationPeriods", k->of);
    aws_put_int(a, "DatapointsToAlarm", k->needed);
    aws_put_int(a, "Threshold", k->threshold);
    aws_put(a, "ComparisonOperator", k->compare);
    aws_put(a, "TreatMissingData", k->missing);
    if (k->metric) {
        aws_put(a, "MetricName", k->metric);
        aws_put(a, "Namespace", k->space);
        aws_put(a, "Statistic", k->statistic);
        aws_put_int(a, "Period", k->period_s);
        cJSON *d = aws_put_object(aws_put_array(a, "Dimensions"), NULL);
        aws_put(d, "Name", k->dimension);
        aws_put(d, "Value", env);
        return;
    }
    cJSON *m = aws_put_object(aws_put_array(a, "Metrics"), NULL);
    aws_put(m, "Id", "rate");
    aws_put(m, "Expression", "errors/invocations*100");
    aws_put(m, "Label", k->title);
    aws_put_bool(m, "ReturnData", true);
    aws_put_int(m, "Period", k->period_s);
}

static const struct aws_odd_alarm *odd(const struct aws_call *c, const char *name)
{
    for (size_t i = 0; i < c->es->nodd; i++)
        if (c->es->odd[i].account == c->account && !c->es->odd[i].is_over &&
            strcmp(c->es->odd[i].name, name) == 0)
            return &c->es->odd[i];
    return NULL;
}

static void add_alarm(struct aws_call *c, cJSON *all, const struct alarm_kind *k, const char *env,
                      int64_t made)
{
    char name[NAME_SIZE], arn[320], when[48];

    snprintf(name, sizeof name, "uec-dos-int | %s | %s", env, k->title);
    const struct aws_odd_alarm *o = odd(c, name);
    if (o && !o->state)
        return;
    const char *state = o ? o->state : k->kind & NO_DATA ? "INSUFFICIENT_DATA" : "OK";
    int64_t since = o ? o->since : made;
    if (!aws_has_prefix(name, aws_in(c, "AlarmNamePrefix")) ||
        (aws_in(c, "StateValue") && strcmp(aws_in(c, "StateValue"), state) != 0) ||
        !aws_in_list(cJSON_GetObjectItemCaseSensitive(c->in, "AlarmNames"), name))
        return;
    cJSON *a = aws_put_object(all, NULL);
    aws_put(a, "AlarmName", name);
    aws_arn(c, arn, sizeof arn, "cloudwatch", "alarm:%s", name);
    aws_put(a, "AlarmArn", arn);
    aws_putf(a, "AlarmDescription", "%s of %s", k->title, env);
    aws_put_bool(a, "ActionsEnabled", true);
    aws_put(a, "StateValue", state);
    aws_time_text(c, since, when);
    if (strcmp(state, "ALARM") == 0)
        aws_putf(a, "StateReason", "Threshold Crossed: %d datapoint was not in range.", k->needed);
    else
        aws_put(a, "StateReason",
                state[0] == 'O' ? "Threshold not crossed." : "Unchecked: Initial alarm creation");
    aws_putf(a, "StateReasonData",
             "{\"version\":\"1.0\",\"queryDate\":\"%s\",\"period\":%d,\"threshold\":%d}", when,
             k->period_s, k->threshold);
    aws_put_time(c, a, "StateUpdatedTimestamp", since);
    aws_put_time(c, a, "StateTransitionedTimestamp", since);
    put_rule(a, k, env);
}

static void add_shared(struct aws_call *c, cJSON *all, const struct aws_shared *s)
{
    bool is_other = strcmp(c->region, "us-east-1") == 0;

    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        unsigned k = KINDS[i].kind;
        if (k & EVERY_SHARED && !!(k & OTHER_REGION) == is_other &&
            (!(k & WAF_ONLY) || aws_shared_has_waf(s)))
            add_alarm(c, all, &KINDS[i], s->name, s->stage_updated);
    }
}

/* Task environments get ten of the 24. */
static void add_bg(struct aws_call *c, cJSON *all, const struct aws_bg *bg,
                   const struct aws_link *l)
{
    int64_t made = l->applied ? l->applied : l->modified;
    bool is_task = strstr(bg->name, "ds-") != NULL;

    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
        if (!(KINDS[i].kind & EVERY_SHARED) && (!is_task || KINDS[i].kind & EVEN_TASKS))
            add_alarm(c, all, &KINDS[i], bg->name, made);
}

static cJSON *metric_alarms(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    bool is_main = strcmp(c->region, "eu-west-2") == 0;

    for (size_t i = 0; i < c->es->nshared; i++)
        if (c->es->shared[i].account == c->account &&
            (is_main || strcmp(c->region, "us-east-1") == 0))
            add_shared(c, all, &c->es->shared[i]);
    for (size_t i = 0; is_main && i < c->es->nbg; i++)
        if (c->es->bg[i].account == c->account && aws_bg_link(c->es, c->es->bg[i].name))
            add_bg(c, all, &c->es->bg[i], aws_bg_link(c->es, c->es->bg[i].name));
    return all;
}

/* One composite in production: it has no state of its own to tell. */
static void put_composites(struct aws_call *c)
{
    static const char name[] = "platform-front-door";
    const cJSON *types = cJSON_GetObjectItemCaseSensitive(c->in, "AlarmTypes");
    const char *state = aws_in(c, "StateValue");
    char arn[200];
    cJSON *all = aws_put_array(c->out, "CompositeAlarms");

    if (!types || !aws_in_list(types, "CompositeAlarm") || c->account != AWS_PROD ||
        strcmp(c->region, "eu-west-2") != 0 || (state && strcmp(state, "OK") != 0) ||
        !aws_has_prefix(name, aws_in(c, "AlarmNamePrefix")) ||
        !aws_in_list(cJSON_GetObjectItemCaseSensitive(c->in, "AlarmNames"), name))
        return;
    cJSON *a = aws_put_object(all, NULL);
    aws_put(a, "AlarmName", name);
    aws_arn(c, arn, sizeof arn, "cloudwatch", "alarm:%s", name);
    aws_put(a, "AlarmArn", arn);
    aws_put(a, "AlarmRule", "ALARM(\"uec-dos-int | live | DI 5XX Endpoint Errors\")");
    aws_put_bool(a, "ActionsEnabled", false);
    aws_put(a, "StateValue", "OK");
    aws_put(a, "StateReason", "all of its alarms are OK");
    aws_put_time(c, a, "StateUpdatedTimestamp", 1768208400);
    aws_put_time(c, a, "StateTransitionedTimestamp", 1768208400);
}

void aws_cw_alarms(struct aws_call *c)
{
    const cJSON *types = cJSON_GetObjectItemCaseSensitive(c->in, "AlarmTypes");

    if (aws_in_int(c, "MaxRecords", 50) > ALARM_PAGES.cap) {
        aws_fail(c, 400, "InvalidParameterValue", "MaxRecords is at most 100");
        return;
    }
    put_composites(c);
    if (aws_in_list(types, "MetricAlarm"))
        aws_put_page(c, "MetricAlarms", metric_alarms(c), &ALARM_PAGES);
    else
        aws_put_array(c->out, "MetricAlarms");
}

static void put_change(const struct aws_call *c, cJSON *all, const struct aws_change *x)
{
    cJSON *h = aws_put_object(all, NULL);

    aws_put(h, "AlarmName", x->alarm);
    aws_put(h, "AlarmType", "MetricAlarm");
    aws_put_time(c, h, "Timestamp", x->at);
    aws_put(h, "HistoryItemType", "StateUpdate");
    aws_putf(h, "HistorySummary", "Alarm updated from %s to %s", x->from, x->to);
    aws_putf(h, "HistoryData",
             "{\"version\":\"1.0\",\"oldState\":{\"stateValue\":\"%s\"},\"newState\":"
             "{\"stateValue\":\"%s\",\"stateReason\":\"Threshold\"}}",
             x->from, x->to);
}

/* Each odd alarm went back and forth a few times before it came to where it is. */
static void add_flips(struct aws_call *c, cJSON *all, const struct aws_odd_alarm *o)
{
    for (int i = 0; i < o->flips; i++) {
        const char *to = i % 2 == 0 ? o->state : strcmp(o->state, "OK") == 0 ? "ALARM" : "OK";
        const char *from = strcmp(to, "OK") == 0 ? "ALARM" : "OK";
        put_change(c, all,
                   &(struct aws_change){ o->name, from, to, o->account, o->since - i * 5400 });
    }
}

static bool is_asked(const struct aws_call *c, const char *alarm, enum aws_account account)
{
    const char *name = aws_in(c, "AlarmName"), *type = aws_in(c, "HistoryItemType");
    bool is_other = strstr(alarm, "Route 53") != NULL;

    return account == c->account && (!name || strcmp(name, alarm) == 0) &&
           (!type || strcmp(type, "StateUpdate") == 0) &&
           strcmp(c->region, is_other ? "us-east-1" : "eu-west-2") == 0;
}

void aws_cw_history(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();

    for (size_t i = c->es->nchanges; i-- > 0;)
        if (is_asked(c, c->es->changes[i].alarm, c->es->changes[i].account))
            put_change(c, all, &c->es->changes[i]);
    for (size_t i = 0; i < c->es->nodd; i++)
        if (is_asked(c, c->es->odd[i].name, c->es->odd[i].account))
            add_flips(c, all, &c->es->odd[i]);
    aws_put_page(c, "AlarmHistoryItems", all, &ALARM_PAGES);
}
