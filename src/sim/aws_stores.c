/* Parameters (SSM), tables (DynamoDB), topics (SNS) and rules (EventBridge). */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"

enum {
    NAMES_MAX = 10,
    LOCKS = 12,
    SCAN_PAGE = 5 /* small, so that a scan of a handful has pages */
};

static const struct aws_paging HISTORY_PAGES = { "NextToken", "MaxResults", "NextToken",
                                                 50,          50,           "InvalidNextToken" };
static const struct aws_paging TOPIC_PAGES = { "NextToken", NULL, "NextToken",
                                               100,         100,  "InvalidParameter" };
static const struct aws_paging RULE_PAGES = { "NextToken", "Limit", "NextToken",
                                              100,         100,     "ValidationException" };

/* ---- SSM */

static const char NEW_VERSION[] = "uec-dos-int-dev-blue-green-deployment-new-version";

static bool is_parameter(const struct aws_call *c, const char *name)
{
    return strcmp(name, NEW_VERSION) == 0 && c->account == AWS_MGMT &&
           strcmp(c->region, "eu-west-2") == 0;
}

static void put_version(const struct aws_call *c, cJSON *o, const struct aws_version *v)
{
    aws_put(o, "Name", NEW_VERSION);
    aws_put(o, "Type", "String");
    aws_put(o, "Value", v->value);
    aws_put_int(o, "Version", v->number);
    aws_put_time(c, o, "LastModifiedDate", v->modified);
    aws_put(o, "DataType", "text");
}

static bool put_parameter(const struct aws_call *c, cJSON *o, const char *name)
{
    char arn[200];

    if (!is_parameter(c, name))
        return false;
    put_version(c, o, &c->es->versions[AWS_VERSIONS - 1]);
    aws_arn(c, arn, sizeof arn, "ssm", "parameter/%s", name);
    aws_put(o, "ARN", arn);
    return true;
}

/* Oldest first. */
void aws_ssm_history(struct aws_call *c)
{
    const char *name = aws_need(c, "Name");
    cJSON *all;

    if (!name)
        return;
    if (!is_parameter(c, name)) {
        aws_fail(c, 400, "ParameterNotFound", "%s", "");
        return;
    }
    all = cJSON_CreateArray();
    for (size_t i = 0; i < AWS_VERSIONS; i++) {
        cJSON *o = aws_put_object(all, NULL);
        put_version(c, o, &c->es->versions[i]);
        aws_putf(o, "LastModifiedUser",
                 "arn:aws:sts::%s:assumed-role/UECDoSINTPipelineRole/AWSCodeBuild",
                 aws_account_ids[AWS_MGMT]);
        aws_put(o, "Tier", "Standard");
        aws_put_array(o, "Labels");
        aws_put_array(o, "Policies");
    }
    aws_put_page(c, "Parameters", all, &HISTORY_PAGES);
}

void aws_ssm_get(struct aws_call *c)
{
    const char *name = aws_need(c, "Name");

    if (name && !put_parameter(c, aws_put_object(c->out, "Parameter"), name))
        aws_fail(c, 400, "ParameterNotFound", "%s", "");
}

void aws_ssm_get_many(struct aws_call *c)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(c->in, "Names"), *name;
    int n = cJSON_GetArraySize(names);

    if (n < 1 || n > NAMES_MAX) {
        aws_fail(c, 400, "ValidationException", "Names: 1 to 10 are needed");
        return;
    }
    cJSON *good = aws_put_array(c->out, "Parameters");
    cJSON *bad = aws_put_array(c->out, "InvalidParameters");
    cJSON_ArrayForEach (name, names) {
        cJSON *o = cJSON_CreateObject();
        const char *text = cJSON_IsString(name) ? name->valuestring : "";
        if (put_parameter(c, o, text)) {
            cJSON_AddItemToArray(good, o);
            continue;
        }
        cJSON_Delete(o);
        aws_put(bad, NULL, text);
    }
}

/* ---- DynamoDB: the table of change events, and Terraform's lock table */

static const char *lock_table(const struct aws_call *c)
{
    static const char *const names[AWS_ACCOUNTS] = {
        "uec-dos-int-terraform-state-lock",
        "nhsd-texasplatform-terraform-service-state-lock-texas-lk8s-nonprod",
        "nhsd-texasplatform-terraform-service-state-lock-texas-lk8s-prod",
    };

    return names[c->account];
}

static const struct aws_shared *table_owner(const struct aws_call *c, const char *table)
{
    char name[128];

    for (size_t i = 0; i < c->es->nshared; i++) {
        snprintf(name, sizeof name, "uec-dos-int-%s-change-events", c->es->shared[i].name);
        if (c->es->shared[i].account == c->account && strcmp(name, table) == 0)
            return &c->es->shared[i];
    }
    return NULL;
}

/* The table's name, when it is there. */
static const char *need_table(struct aws_call *c)
{
    const char *name = aws_need(c, "TableName");

    if (name && strcmp(c->region, "eu-west-2") == 0 &&
        (strcmp(name, lock_table(c)) == 0 || table_owner(c, name)))
        return name;
    if (name)
        aws_fail(c, 400, "ResourceNotFoundException", "Requested resource not found");
    return NULL;
}

void aws_dynamo_table(struct aws_call *c)
{
    const char *name = need_table(c);
    char arn[256];

    if (!name)
        return;
    bool is_lock = strcmp(name, lock_table(c)) == 0;
    cJSON *t = aws_put_object(c->out, "Table");
    aws_put(t, "TableName", name);
    aws_arn(c, arn, sizeof arn, "dynamodb", "table/%s", name);
    aws_put(t, "TableArn", arn);
    aws_put(t, "TableStatus", "ACTIVE");
    aws_put_int(t, "ItemCount", is_lock ? LOCKS : 184233);
    aws_put_int(t, "TableSizeBytes", is_lock ? 2200 : 512004113);
    aws_put_time(c, t, "CreationDateTime", 1650000000);
    aws_put(aws_put_object(t, "BillingModeSummary"), "BillingMode", "PAY_PER_REQUEST");
    cJSON *key = aws_put_object(aws_put_array(t, "KeySchema"), NULL);
    aws_put(key, "AttributeName", is_lock ? "LockID" : "Id");
    aws_put(key, "KeyType", "HASH");
    if (is_lock)
        return;
    cJSON *g = aws_put_object(aws_put_array(t, "GlobalSecondaryIndexes"), NULL);
    aws_put(g, "IndexName", "gsi_ods_sequence");
    aws_put(g, "IndexStatus", "ACTIVE");
}

/* The i-th lock that is held in the account; NULL past the last. */
static const struct aws_lock *lock_at(const struct aws_call *c, size_t i)
{
    for (size_t k = 0; k < c->es->nlocks; k++)
        if (c->es->locks[k].account == c->account && i-- == 0)
            return &c->es->locks[k];
    return NULL;
}

/* Row i of the lock table: the locks that are held, then digests. */
static void make_lock(const struct aws_call *c, size_t i, cJSON *item)
{
    const char *bucket = c->account == AWS_PROD
                             ? "nhsd-texasplatform-terraform-service-state-store-lk8s-prod"
                         : c->account == AWS_NONPROD
                             ? "nhsd-texasplatform-terraform-service-state-store-lk8s-nonprod"
                             : "uec-dos-int-terraform-state";
    const struct aws_lock *l = lock_at(c, i);
    char when[48], key[200];

    snprintf(key, sizeof key, "%s/uec-dos-int/%s/%s/terraform.state", bucket,
             l ? l->env : c->es->bg[i % c->es->nbg].name, l ? l->stack : "application");
    aws_putf(aws_put_object(item, "LockID"), "S", "%s%s", key, l ? "" : "-md5");
    if (!l) {
        aws_putf(aws_put_object(item, "Digest"), "S", "%016zx%016zx", i * 7919 + 1, i * 104729 + 3);
        return;
    }
    aws_time_text(c, l->created, when);
    aws_putf(aws_put_object(item, "Info"), "S",
             "{\"ID\":\"0a1b\",\"Operation\":\"OperationTypeApply\",\"Info\":\"\",\"Who\":"
             "\"root@build\",\"Version\":\"1.2.1\",\"Created\":\"%s\",\"Path\":\"%s\"}",
             when, key);
}

static const char *lock_id(const cJSON *item)
{
    return cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(item, "LockID"), "S"));
}

/* A table's events have people in them: the demo has none to give. */
void aws_dynamo_get(struct aws_call *c)
{
    const char *name = need_table(c);
    const char *id = lock_id(cJSON_GetObjectItemCaseSensitive(c->in, "Key"));

    if (!name || strcmp(name, lock_table(c)) != 0)
        return;
    if (!id) {
        aws_fail(c, 400, "ValidationException",
                 "The provided key element does not match the schema");
        return;
    }
    for (size_t i = 0; i < LOCKS; i++) {
        cJSON *item = cJSON_CreateObject();
        make_lock(c, i, item);
        if (strcmp(lock_id(item), id) == 0) {
            cJSON_AddItemToObject(c->out, "Item", item);
            return;
        }
        cJSON_Delete(item);
    }
}

void aws_dynamo_scan(struct aws_call *c)
{
    const char *name = need_table(c);
    const char *after = lock_id(cJSON_GetObjectItemCaseSensitive(c->in, "ExclusiveStartKey"));
    int64_t limit = aws_in_int(c, "Limit", SCAN_PAGE), n = 0;
    size_t rows = name && strcmp(name, lock_table(c)) == 0 ? LOCKS : 0;
    const char *last = NULL;
    bool is_on = !after;

    if (!name)
        return;
    if (limit > SCAN_PAGE)
        limit = SCAN_PAGE;
    cJSON *items = aws_put_array(c->out, "Items");
    for (size_t i = 0; i < rows; i++) {
        cJSON *item = cJSON_CreateObject();
        make_lock(c, i, item);
        if (is_on && n < limit) {
            cJSON_AddItemToArray(items, item);
            last = lock_id(item);
            n++;
            if (n == limit && i + 1 < rows)
                aws_put(aws_put_object(aws_put_object(c->out, "LastEvaluatedKey"), "LockID"), "S",
                        last);
            continue;
        }
        is_on = is_on || strcmp(lock_id(item), after) == 0;
        cJSON_Delete(item);
    }
    aws_put_int(c->out, "Count", n);
    aws_put_int(c->out, "ScannedCount", n);
}

/* ---- SNS */

static void add_subscription(struct aws_call *c, cJSON *all, const char *topic, const char *bg,
                             size_t i)
{
    cJSON *o = aws_put_object(all, NULL);

    aws_putf(o, "SubscriptionArn", "%s:5b5c0000-0000-4000-8000-%012zx", topic, i + 1);
    aws_put(o, "Owner", aws_account_ids[c->account]);
    aws_put(o, "Protocol", "lambda");
    aws_putf(o, "Endpoint", "arn:aws:lambda:eu-west-2:%s:function:uec-dos-int-%s-slack-messenger",
             aws_account_ids[c->account], bg);
    aws_put(o, "TopicArn", topic);
}

static const char *topic_end(const struct aws_call *c)
{
    return strcmp(c->region, "us-east-1") == 0 ? "route53-health-check-alarm-region"
                                               : "default-region";
}

void aws_sns_subscriptions(struct aws_call *c)
{
    const char *topic = aws_need(c, "TopicArn");
    cJSON *all = cJSON_CreateArray();
    bool is_found = false;
    char arn[256];

    for (size_t i = 0; topic && i < c->es->nshared; i++) {
        const struct aws_shared *s = &c->es->shared[i];
        aws_arn(c, arn, sizeof arn, "sns",
                "uec-dos-int-%s-shared-resources-topic-app-alerts-for-slack-%s", s->name,
                topic_end(c));
        if (s->account != c->account || strcmp(topic, arn) != 0)
            continue;
        is_found = true;
        for (size_t k = 0; k < c->es->nlinks; k++)
            if (!c->es->links[k].is_dead_letter && strcmp(c->es->links[k].shared, s->name) == 0 &&
                strcmp(c->es->links[k].state, "Creating") != 0)
                add_subscription(c, all, topic, c->es->links[k].bg, k);
    }
    for (size_t i = 0; topic && i < c->es->nbg; i++) {
        const struct aws_bg *bg = &c->es->bg[i];
        aws_arn(c, arn, sizeof arn, "sns", "uec-dos-int-%s-topic-app-alerts-for-slack-%s", bg->name,
                topic_end(c));
        if (bg->account != c->account || strcmp(topic, arn) != 0)
            continue;
        is_found = true;
        add_subscription(c, all, topic, bg->name, i);
    }
    if (topic && !is_found)
        aws_fail(c, 404, "NotFound", "Topic does not exist");
    aws_put_page(c, "Subscriptions", all, &TOPIC_PAGES);
}

/* ---- EventBridge */

static void add_rule(struct aws_call *c, cJSON *all, const char *name, const char *schedule)
{
    char arn[256];

    if (!aws_has_prefix(name, aws_in(c, "NamePrefix")))
        return;
    cJSON *o = aws_put_object(all, NULL);
    aws_put(o, "Name", name);
    aws_arn(c, arn, sizeof arn, "events", "rule/%s", name);
    aws_put(o, "Arn", arn);
    aws_put(o, "State", "ENABLED");
    aws_put(o, "ScheduleExpression", schedule);
    aws_put(o, "EventBusName", "default");
}

void aws_events_rules(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    bool is_main = strcmp(c->region, "eu-west-2") == 0;
    char name[128];

    for (size_t i = 0; is_main && i < c->es->nbg; i++) {
        const struct aws_bg *bg = &c->es->bg[i];
        snprintf(name, sizeof name, "uec-dos-int-%s-quality-checker-schedule", bg->name);
        if (bg->account == c->account && aws_bg_link(c->es, bg->name))
            add_rule(c, all, name, "cron(30 4 ? * MON *)");
    }
    if (is_main && c->account == AWS_MGMT)
        add_rule(c, all, "uec-dos-int-dev-setup-dos-environment-rule", "cron(0 1 ? * MON-FRI *)");
    aws_put_page(c, "Rules", all, &RULE_PAGES);
}
