/* SQS: the shared queues, and the four of each blue/green environment. */
#include <stdio.h>
#include <string.h>

#include "aws_call.h"
#include "aws_ops.h"

enum {
    NAME_SIZE = 128,
    RETENTION_S = 14 * 86400
};

static const struct aws_paging QUEUE_PAGES = { "NextToken", "MaxResults", "NextToken",
                                               1000,        1000,         "InvalidAddress" };

struct queue {
    char name[NAME_SIZE], dead[NAME_SIZE]; /* dead "": none */
    const char *kms;
    int64_t created;
    int visible, in_flight, hidden_s;
};

/* The i-th queue of the estate; false past the last. `account` is set in any case. */
static bool queue_at(const struct aws_estate *es, size_t i, struct queue *q,
                     enum aws_account *account)
{
    *q = (struct queue){ .hidden_s = 30 };
    if (i < 2 * es->nshared) {
        const struct aws_shared *s = &es->shared[i / 2];
        bool is_dead = i % 2;
        snprintf(q->name, sizeof q->name, "uec-dos-int-%s-change-event-%s.fifo", s->name,
                 is_dead ? "dead-letter-queue" : "queue");
        if (!is_dead)
            snprintf(q->dead, sizeof q->dead, "uec-dos-int-%s-change-event-dead-letter-queue.fifo",
                     s->name);
        q->kms = s->kms;
        q->created = s->stage_updated - 300 * 86400;
        q->visible = is_dead ? s->dead : s->visible;
        q->in_flight = is_dead ? 0 : s->in_flight;
        *account = s->account;
        return true;
    }
    i -= 2 * es->nshared;
    if (i >= AWS_BG_QUEUES * es->nbg)
        return false;
    const struct aws_bg *bg = &es->bg[i / AWS_BG_QUEUES];
    const struct aws_shared *s = aws_shared_find(es, bg->shared);
    size_t k = i % AWS_BG_QUEUES;
    snprintf(q->name, sizeof q->name, "uec-dos-int-%s-%s.fifo", bg->name, aws_bg_queue_names[k]);
    if (k < AWS_Q_HOLDING_DEAD)
        snprintf(q->dead, sizeof q->dead, "uec-dos-int-%s-%s.fifo", bg->name,
                 aws_bg_queue_names[k + AWS_Q_HOLDING_DEAD]);
    q->kms = s ? s->kms : NULL;
    q->created = bg->created;
    q->visible = bg->depth[k];
    q->hidden_s = k == AWS_Q_HOLDING ? 10 : 30;
    *account = bg->account;
    return true;
}

static bool is_mine(const struct aws_call *c, enum aws_account account)
{
    return account == c->account && strcmp(c->region, "eu-west-2") == 0;
}

static void put_url(const struct aws_call *c, cJSON *o, const char *name)
{
    aws_putf(o, "QueueUrl", "https://sqs.%s.amazonaws.com/%s/%s", c->region,
             aws_account_ids[c->account], name);
}

void aws_sqs_queues(struct aws_call *c)
{
    const char *prefix = aws_in(c, "QueueNamePrefix");
    cJSON *all = cJSON_CreateArray();
    enum aws_account account;
    struct queue q;
    /* A token comes only to those who gave a size. */
    struct aws_paging pages = QUEUE_PAGES;

    for (size_t i = 0; queue_at(c->es, i, &q, &account); i++)
        if (is_mine(c, account) && aws_has_prefix(q.name, prefix))
            put_url(c, all, q.name);
    if (cJSON_GetArraySize(all) == 0) {
        cJSON_Delete(all); /* the member is then absent */
        return;
    }
    if (aws_in_int(c, "MaxResults", 0) == 0)
        pages.token_out = NULL;
    aws_put_page(c, "QueueUrls", all, &pages);
}

static bool find_queue(struct aws_call *c, const char *name, struct queue *q)
{
    enum aws_account account;

    for (size_t i = 0; queue_at(c->es, i, q, &account); i++)
        if (is_mine(c, account) && strcmp(q->name, name) == 0)
            return true;
    c->legacy = "AWS.SimpleQueueService.NonExistentQueue";
    aws_fail(c, 400, "QueueDoesNotExist", "The specified queue does not exist.");
    return false;
}

void aws_sqs_url(struct aws_call *c)
{
    const char *name = aws_need(c, "QueueName");
    struct queue q;

    if (name && find_queue(c, name, &q))
        put_url(c, c->out, q.name);
}

static bool is_wanted(const cJSON *names, const char *name)
{
    const cJSON *item;

    cJSON_ArrayForEach (item, names)
        if (cJSON_IsString(item) &&
            (strcmp(item->valuestring, "All") == 0 || strcmp(item->valuestring, name) == 0))
            return true;
    return false;
}

static void put_counts(const struct aws_call *c, cJSON *o, const struct queue *q)
{
    long long created = (long long)(q->created + c->es->shift_s);
    long long changed = (long long)(aws_later(c->es, q->created, 1) + c->es->shift_s);

    aws_putf(o, "ApproximateNumberOfMessages", "%d", q->visible);
    aws_putf(o, "ApproximateNumberOfMessagesNotVisible", "%d", q->in_flight);
    aws_put(o, "ApproximateNumberOfMessagesDelayed", "0");
    aws_putf(o, "CreatedTimestamp", "%lld", created);
    aws_putf(o, "LastModifiedTimestamp", "%lld", changed);
    aws_putf(o, "VisibilityTimeout", "%d", q->hidden_s);
    aws_putf(o, "MessageRetentionPeriod", "%d", RETENTION_S);
}

void aws_sqs_attributes(struct aws_call *c)
{
    const char *url = aws_need(c, "QueueUrl"), *name = url ? strrchr(url, '/') : NULL;
    const cJSON *wanted = cJSON_GetObjectItemCaseSensitive(c->in, "AttributeNames");
    char arn[256];
    struct queue q;

    if (!url || !find_queue(c, name ? name + 1 : url, &q))
        return;
    cJSON *o = aws_put_object(c->out, "Attributes");
    put_counts(c, o, &q);
    aws_arn(c, arn, sizeof arn, "sqs", "%s", q.name);
    aws_put(o, "QueueArn", arn);
    if (q.dead[0]) {
        aws_arn(c, arn, sizeof arn, "sqs", "%s", q.dead);
        aws_putf(o, "RedrivePolicy", "{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":5}", arn);
    }
    aws_put(o, "FifoQueue", "true");
    aws_put(o, "ContentBasedDeduplication", "true");
    aws_put(o, "DeduplicationScope", "messageGroup");
    aws_put(o, "FifoThroughputLimit", "perMessageGroupId");
    if (q.kms) {
        aws_arn(c, arn, sizeof arn, "kms", "key/%s", q.kms);
        aws_put(o, "KmsMasterKeyId", arn);
    }
    aws_put(o, "SqsManagedSseEnabled", "false");
    for (cJSON *item = o->child, *next; item; item = next) {
        next = item->next;
        if (!is_wanted(wanted, item->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(o, item));
    }
}
