/* Lambda: the functions of the estate and of its neighbours, and what feeds them. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"

enum {
    NAME_SIZE = 128
};

static const struct aws_paging FUNCTION_PAGES = { "Marker",     "MaxItems",
                                                  "NextMarker", 50,
                                                  50,           "InvalidParameterValueException" };
static const struct aws_paging MAPPING_PAGES = { "Marker",     "MaxItems",
                                                 "NextMarker", 100,
                                                 100,          "InvalidParameterValueException" };

/* Other teams' functions in the same accounts. */
static const char *const NEIGHBOURS[] = { "booking-search",   "capacity-tracker", "directory-sync",
                                          "opening-hours",    "postcode-lookup",  "referral-feed",
                                          "service-profiles", "slot-finder",      "user-audit",
                                          "waiting-times" };
static const char *const NEIGHBOUR_JOBS[] = { "api", "authoriser", "importer", "janitor",
                                              "publisher" };
static const char *const NEIGHBOUR_STAGES[AWS_ACCOUNTS][2] = { { "tools", NULL },
                                                               { "dev", "int" },
                                                               { "uat", "prod" } };

static void put_base(struct aws_call *c, cJSON *f, const char *name, int64_t modified)
{
    char arn[256], when[48];

    aws_put(f, "FunctionName", name);
    aws_arn(c, arn, sizeof arn, "lambda", "function:%s", name);
    aws_put(f, "FunctionArn", arn);
    aws_putf(f, "Role", "arn:aws:iam::%s:role/%s-role", aws_account_ids[c->account], name);
    aws_time_text(c, modified, when);
    when[strlen(when) - 1] = '\0';
    aws_putf(f, "LastModified", "%s.000+0000", when);
    aws_put(f, "Version", "$LATEST");
    cJSON *log = aws_put_object(f, "LoggingConfig");
    aws_put(log, "LogFormat", "Text");
    aws_putf(log, "LogGroup", "/aws/lambda/%s", name);
}

static const char *tag_of(const struct aws_bg *bg, const struct aws_fn *fn)
{
    return bg->send_email_tag && strcmp(fn->name, "send-email") == 0 ? bg->send_email_tag : bg->tag;
}

static void put_variables(cJSON *f, const struct aws_bg *bg, const struct aws_fn *fn)
{
    cJSON *v = aws_put_object(aws_put_object(f, "Environment"), "Variables");
    const char *profile = strstr(bg->name, "live")  ? "live"
                          : bg->account == AWS_PROD ? "demo"
                                                    : "dev";

    aws_put(v, "PROFILE", profile);
    aws_put(v, "ENVIRONMENT", bg->name);
    aws_put(v, "SHARED_ENVIRONMENT", bg->shared);
    aws_put(v, "IMAGE_VERSION", tag_of(bg, fn));
    aws_put(v, "LOG_LEVEL", strcmp(profile, "dev") == 0 ? "DEBUG" : "INFO");
    aws_putf(v, "POWERTOOLS_SERVICE_NAME", "uec-dos-integration-%s-%s", profile, bg->name);
    if (strcmp(fn->name, "slack-messenger") == 0)
        aws_put(v, "SLACK_WEBHOOK_URL", "https://chat.example.invalid/hooks/demo-secret");
}

static cJSON *make_function(struct aws_call *c, const struct aws_bg *bg, const struct aws_fn *fn)
{
    const struct aws_shared *s = aws_shared_find(c->es, bg->shared);
    cJSON *f = cJSON_CreateObject();
    char name[NAME_SIZE], arn[256];

    snprintf(name, sizeof name, "uec-dos-int-%s-%s", bg->name, fn->name);
    put_base(c, f, name, aws_later(c->es, bg->created, 1 + (fn - aws_fns)));
    aws_put(f, "PackageType", "Image");
    aws_put_int(f, "CodeSize", 0);
    aws_put_int(f, "Timeout", fn->timeout_s);
    aws_put_int(f, "MemorySize", fn->memory_mb);
    aws_put(aws_put_array(f, "Architectures"), NULL, "arm64");
    aws_put(aws_put_object(f, "TracingConfig"), "Mode", "Active");
    if (fn->in_vpc)
        aws_put(aws_put_object(f, "VpcConfig"), "VpcId", "vpc-0de0000000000001");
    if (s) {
        aws_arn(c, arn, sizeof arn, "kms", "key/%s", s->kms);
        aws_put(f, "KMSKeyArn", arn);
    }
    if (!c->es->has_no_decrypt) {
        put_variables(f, bg, fn);
        return f;
    }
    cJSON *e = aws_put_object(aws_put_object(f, "Environment"), "Error");
    aws_put(e, "ErrorCode", "AccessDeniedException");
    aws_put(e, "Message", "Lambda was unable to decrypt the environment variables: access denied");
    return f;
}

static cJSON *make_neighbour(struct aws_call *c, const char *name, size_t i)
{
    cJSON *f = cJSON_CreateObject();

    put_base(c, f, name, AWS_STORY_NOW - 86400 * (int64_t)(i + 3));
    aws_put(f, "PackageType", "Zip");
    aws_put(f, "Runtime", i % 3 ? "python3.12" : "nodejs20.x");
    aws_put(f, "Handler", "app.handler");
    aws_put_int(f, "CodeSize", 40000 + (int64_t)i * 977);
    aws_put_int(f, "Timeout", 30);
    aws_put_int(f, "MemorySize", 256);
    aws_put(aws_put_array(f, "Architectures"), NULL, "x86_64");
    return f;
}

static bool neighbour_name(enum aws_account account, size_t i, char name[NAME_SIZE])
{
    size_t job = i % ARRAY_LEN(NEIGHBOUR_JOBS), app = i / ARRAY_LEN(NEIGHBOUR_JOBS);
    size_t stage = app / ARRAY_LEN(NEIGHBOURS);

    if (stage > 1 || !NEIGHBOUR_STAGES[account][stage])
        return false;
    snprintf(name, NAME_SIZE, "%s-%s-%s", NEIGHBOURS[app % ARRAY_LEN(NEIGHBOURS)],
             NEIGHBOUR_STAGES[account][stage], NEIGHBOUR_JOBS[job]);
    return true;
}

void aws_lambda_functions(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    char name[NAME_SIZE];

    for (size_t i = 0; strcmp(c->region, "eu-west-2") == 0 && neighbour_name(c->account, i, name);
         i++)
        cJSON_AddItemToArray(all, make_neighbour(c, name, i));
    for (size_t i = 0; strcmp(c->region, "eu-west-2") == 0 && i < c->es->nbg; i++)
        for (unsigned k = 0; c->es->bg[i].account == c->account && k < AWS_FNS; k++)
            if (c->es->bg[i].functions & 1u << k)
                cJSON_AddItemToArray(all, make_function(c, &c->es->bg[i], &aws_fns[k]));
    aws_put_page(c, "Functions", all, &FUNCTION_PAGES);
}

/* A name, or an ARN with or without a qualifier; the bare name. */
static const char *bare_name(const char *s)
{
    const char *at = strstr(s, ":function:");

    return at ? at + strlen(":function:") : s;
}

struct found {
    const struct aws_bg *bg; /* NULL: a neighbour's */
    const struct aws_fn *fn;
    size_t neighbour;
};

static bool find_function(struct aws_call *c, const char *asked, struct found *out)
{
    char name[NAME_SIZE];

    asked = bare_name(asked);
    for (size_t i = 0; i < c->es->nbg; i++)
        for (unsigned k = 0; k < AWS_FNS; k++) {
            const struct aws_bg *bg = &c->es->bg[i];
            snprintf(name, sizeof name, "uec-dos-int-%s-%s", bg->name, aws_fns[k].name);
            if (bg->account != c->account || !(bg->functions & 1u << k) || strcmp(asked, name) != 0)
                continue;
            *out = (struct found){ .bg = bg, .fn = &aws_fns[k] };
            return true;
        }
    for (size_t i = 0; neighbour_name(c->account, i, name); i++)
        if (strcmp(asked, name) == 0) {
            *out = (struct found){ .neighbour = i };
            return true;
        }
    char arn[256];
    aws_arn(c, arn, sizeof arn, "lambda", "function:%s", asked);
    aws_fail(c, 404, "ResourceNotFoundException", "Function not found: %s", arn);
    return false;
}

static void put_tags(cJSON *out, const struct aws_bg *bg)
{
    cJSON *t = aws_put_object(out, "Tags");

    if (!bg)
        return;
    aws_put(t, "Product", "uec-dos-int");
    aws_put(t, "Environment", bg->name);
    aws_put(t, "EnvironmentType", bg->account == AWS_PROD ? "prod" : "nonprod");
    aws_put(t, "Project", "DoS Integration");
    aws_put(t, "Tool", "Terraform");
}

void aws_lambda_function(struct aws_call *c)
{
    char name[NAME_SIZE];
    struct found f;

    if (!find_function(c, c->args[0], &f))
        return;
    cJSON *code = cJSON_CreateObject();
    cJSON *conf = NULL;
    if (f.bg) {
        conf = make_function(c, f.bg, f.fn);
        aws_put(code, "RepositoryType", "ECR");
        aws_putf(code, "ImageUri", "%s.dkr.ecr.eu-west-2.amazonaws.com/uec-dos/int/%s:%s",
                 aws_account_ids[AWS_MGMT], f.fn->name, tag_of(f.bg, f.fn));
    } else {
        neighbour_name(c->account, f.neighbour, name);
        conf = make_neighbour(c, name, f.neighbour);
        aws_put(code, "RepositoryType", "S3");
    }
    aws_put(conf, "State", "Active");
    aws_put(conf, "LastUpdateStatus", "Successful");
    cJSON_AddItemToObject(c->out, "Configuration", conf);
    cJSON_AddItemToObject(c->out, "Code", code);
    put_tags(c->out, f.bg);
    if (f.bg && f.fn->reserved)
        aws_put_int(aws_put_object(c->out, "Concurrency"), "ReservedConcurrentExecutions",
                    f.bg->account == AWS_PROD ? f.fn->reserved : 20);
}

void aws_lambda_tags(struct aws_call *c)
{
    struct found f;

    if (!aws_has_prefix(c->args[0], "arn:aws:lambda:"))
        aws_fail(c, 400, "InvalidParameterValueException", "%s is no ARN", c->args[0]);
    else if (find_function(c, c->args[0], &f))
        put_tags(c->out, f.bg);
}

void aws_lambda_aliases(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    struct found f;
    char arn[256];

    if (!find_function(c, c->args[0], &f)) {
        cJSON_Delete(all);
        return;
    }
    if (!f.bg) { /* of all, only the neighbours use aliases */
        cJSON *a = aws_put_object(all, NULL);
        aws_arn(c, arn, sizeof arn, "lambda", "function:%s:current", bare_name(c->args[0]));
        aws_put(a, "AliasArn", arn);
        aws_put(a, "Name", "current");
        aws_put(a, "FunctionVersion", "7");
        aws_put(a, "Description", "");
        if (f.neighbour % 10 == 0)
            cJSON_AddNumberToObject(
                aws_put_object(aws_put_object(a, "RoutingConfig"), "AdditionalVersionWeights"), "8",
                0.1);
    }
    aws_put_page(c, "Aliases", all, &FUNCTION_PAGES);
}

struct mapping {
    const char *uuid, *queue, *function, *state;
    int64_t modified;
};

/* Adds it when the call's filters let it. */
static void add_mapping(struct aws_call *c, cJSON *all, const struct mapping *m)
{
    const char *source = aws_in(c, "EventSourceArn"), *function = aws_in(c, "FunctionName");
    char queue[256], target[256], arn[256];

    aws_arn(c, queue, sizeof queue, "sqs", "%s.fifo", m->queue);
    aws_arn(c, target, sizeof target, "lambda", "function:%s", m->function);
    if ((source && strcmp(source, queue) != 0) ||
        (function && strcmp(bare_name(function), m->function) != 0))
        return;
    cJSON *o = aws_put_object(all, NULL);
    aws_put(o, "UUID", m->uuid);
    aws_arn(c, arn, sizeof arn, "lambda", "event-source-mapping:%s", m->uuid);
    aws_put(o, "EventSourceMappingArn", arn);
    aws_put_int(o, "BatchSize", 1);
    aws_put_int(o, "MaximumBatchingWindowInSeconds", 0);
    aws_put(o, "EventSourceArn", queue);
    aws_put(o, "FunctionArn", target);
    aws_put_time(c, o, "LastModified", m->modified);
    cJSON_AddNullToObject(o, "LastProcessingResult");
    aws_put(o, "State", m->state);
    aws_put(o, "StateTransitionReason", "User initiated");
    aws_put_array(o, "FunctionResponseTypes");
}

static void add_link(struct aws_call *c, cJSON *all, const struct aws_link *l)
{
    char queue[NAME_SIZE], function[NAME_SIZE];

    snprintf(queue, sizeof queue, "uec-dos-int-%s-change-event-%s", l->shared,
             l->is_dead_letter ? "dead-letter-queue" : "queue");
    snprintf(function, sizeof function, "uec-dos-int-%s-%s", l->bg,
             l->is_dead_letter ? "change-event-dlq-handler" : "ingest-change-event");
    add_mapping(c, all, &(struct mapping){ l->uuid, queue, function, l->state, l->modified });
}

/* An environment's own queues feed its own functions all the time. */
static void add_internal(struct aws_call *c, cJSON *all, size_t i)
{
    static const unsigned consumer[AWS_BG_QUEUES] = { 1, 2, 4, 5 }; /* rows of aws_fns */
    const struct aws_bg *bg = &c->es->bg[i];
    char uuid[40], queue[NAME_SIZE], function[NAME_SIZE];

    for (unsigned k = 0; k < AWS_BG_QUEUES; k++) {
        int64_t made = aws_later(c->es, bg->created, 1 + consumer[k]);
        if (!(bg->functions & 1u << consumer[k]))
            continue;
        snprintf(uuid, sizeof uuid, "c0de%04zx-0000-4000-8000-%012x", i, k + 1);
        snprintf(queue, sizeof queue, "uec-dos-int-%s-%s", bg->name, aws_bg_queue_names[k]);
        snprintf(function, sizeof function, "uec-dos-int-%s-%s", bg->name,
                 aws_fns[consumer[k]].name);
        add_mapping(c, all, &(struct mapping){ uuid, queue, function, "Enabled", made });
    }
}

void aws_lambda_mappings(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();

    for (size_t i = 0; strcmp(c->region, "eu-west-2") == 0 && i < c->es->nlinks; i++) {
        const struct aws_shared *s = aws_shared_find(c->es, c->es->links[i].shared);
        if (s && s->account == c->account)
            add_link(c, all, &c->es->links[i]);
    }
    for (size_t i = 0; strcmp(c->region, "eu-west-2") == 0 && i < c->es->nbg; i++)
        if (c->es->bg[i].account == c->account)
            add_internal(c, all, i);
    aws_put_page(c, "EventSourceMappings", all, &MAPPING_PAGES);
}
