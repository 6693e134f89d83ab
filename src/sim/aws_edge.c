/* The edge: health checks, distributions, gateways, certificates; and tags. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"

static const struct aws_paging CHECK_PAGES = { "marker", "maxitems", "NextMarker",
                                               100,      100,        "InvalidInput" };
static const struct aws_paging TAG_PAGES = { "PaginationToken",
                                             "ResourcesPerPage",
                                             "PaginationToken",
                                             50,
                                             100,
                                             "PaginationTokenExpiredException" };
static const struct aws_paging CERTIFICATE_PAGES = {
    "NextToken", "MaxItems", "NextToken", 100, 1000, "ValidationException"
};
static const struct aws_paging API_PAGES = { "position", "limit", "position",
                                             25,         500,     "BadRequestException" };

static bool is_main(const struct aws_call *c)
{
    return strcmp(c->region, "eu-west-2") == 0;
}

static void domain_of(const struct aws_shared *s, char *out, size_t size)
{
    snprintf(out, size, "uec-dos-integration-%s.k8s-%s.texasplatform.uk", s->name,
             s->account == AWS_PROD ? "prod" : "nonprod");
}

/* ---- Route 53 */

void aws_route53_checks(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    char domain[128];

    for (size_t i = 0; i < c->es->nshared; i++) {
        const struct aws_shared *s = &c->es->shared[i];
        if (s->account != c->account)
            continue;
        cJSON *o = aws_put_object(all, NULL);
        aws_put(o, "Id", s->r2_kms);
        aws_putf(o, "CallerReference", "terraform-%s", s->name);
        cJSON *conf = aws_put_object(o, "HealthCheckConfig");
        domain_of(s, domain, sizeof domain);
        aws_put_int(conf, "Port", 443);
        aws_put(conf, "Type", "TCP");
        aws_put(conf, "FullyQualifiedDomainName", domain);
        aws_put_int(conf, "RequestInterval", 30);
        aws_put_int(conf, "FailureThreshold", 5);
        aws_put_int(o, "HealthCheckVersion", 1);
    }
    aws_put_page(c, "HealthChecks", all, &CHECK_PAGES);
    aws_put_bool(c->out, "IsTruncated", cJSON_HasObjectItem(c->out, "NextMarker"));
    aws_put(c->out, "Marker", aws_in(c, "marker") ? aws_in(c, "marker") : "");
    aws_put(c->out, "MaxItems", "100");
}

void aws_route53_status(struct aws_call *c)
{
    static const char *const regions[] = { "eu-west-1", "us-east-1", "ap-southeast-1" };
    const struct aws_shared *s = NULL;

    for (size_t i = 0; i < c->es->nshared; i++)
        if (c->es->shared[i].account == c->account &&
            strcmp(c->es->shared[i].r2_kms, c->args[0]) == 0)
            s = &c->es->shared[i];
    if (!s) {
        aws_fail(c, 404, "NoSuchHealthCheck", "No health check exists with the specified ID.");
        return;
    }
    cJSON *all = aws_put_array(c->out, "HealthCheckObservations");
    for (size_t i = 0; i < ARRAY_LEN(regions); i++) {
        cJSON *o = aws_put_object(all, NULL);
        aws_put(o, "Region", regions[i]);
        aws_putf(o, "IPAddress", "192.0.2.%zu", i + 10);
        cJSON *report = aws_put_object(o, "StatusReport");
        aws_put(report, "Status", "Success: TCP connection established");
        aws_put_time(c, report, "CheckedTime", aws_story_now(c) - 12 - (int64_t)i);
    }
}

/* ---- CloudFront */

void aws_cloudfront_list(struct aws_call *c)
{
    cJSON *all = aws_put_array(c->out, "DistributionSummaries");
    int n = c->account == AWS_MGMT ? 0 : 2;

    c->root = "DistributionList";
    for (int i = 0; i < n; i++) {
        cJSON *o = aws_put_object(all, NULL);
        aws_putf(o, "Id", "E0DEMO000000%d%d", (int)c->account, i);
        aws_putf(o, "ARN", "arn:aws:cloudfront::%s:distribution/E0DEMO000000%d%d",
                 aws_account_ids[c->account], (int)c->account, i);
        aws_put(o, "Status", i ? "InProgress" : "Deployed");
        aws_put_time(c, o, "LastModifiedTime", i ? AWS_STORY_NOW - 400 : 1768208400);
        aws_putf(o, "DomainName", "d0demo%d%d.cloudfront.example", (int)c->account, i);
        aws_put_bool(o, "Enabled", true);
        aws_put(o, "Comment", i ? "directory search & maps" : "directory pages");
    }
    aws_put(c->out, "Marker", "");
    aws_put_int(c->out, "MaxItems", 100);
    aws_put_bool(c->out, "IsTruncated", false);
    aws_put_int(c->out, "Quantity", n);
}

/* ---- tagging */

/* Every filter names a key, and values one of which must be there. */
static bool has_tags(const struct aws_call *c, const cJSON *tags)
{
    const cJSON *filter, *tag;

    cJSON_ArrayForEach (filter, cJSON_GetObjectItemCaseSensitive(c->in, "TagFilters")) {
        const char *key = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(filter, "Key"));
        const cJSON *values = cJSON_GetObjectItemCaseSensitive(filter, "Values");
        bool is_found = false;
        cJSON_ArrayForEach (tag, tags) {
            const char *k = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tag, "Key"));
            const char *v = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tag, "Value"));
            is_found |= key && k && v && strcmp(key, k) == 0 && aws_in_list(values, v);
        }
        if (!is_found)
            return false;
    }
    return true;
}

static void add_resource(const struct aws_call *c, cJSON *all, const char *type, const char *arn,
                         const char *env)
{
    const char *pairs[][2] = { { "Product", "uec-dos-int" },
                               { "Environment", env },
                               { "Project", "DoS Integration" },
                               { "Tool", "Terraform" } };
    const char *service = strchr(type, ':');
    const cJSON *wanted = cJSON_GetObjectItemCaseSensitive(c->in, "ResourceTypeFilters");
    char whole[32];

    snprintf(whole, sizeof whole, "%.*s", service ? (int)(service - type) : (int)strlen(type),
             type);
    if (!aws_in_list(wanted, type) && !aws_in_list(wanted, whole))
        return;
    cJSON *o = cJSON_CreateObject();
    aws_put(o, "ResourceARN", arn);
    cJSON *tags = aws_put_array(o, "Tags");
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        cJSON *t = aws_put_object(tags, NULL);
        aws_put(t, "Key", pairs[i][0]);
        aws_put(t, "Value", pairs[i][1]);
    }
    if (has_tags(c, tags))
        cJSON_AddItemToArray(all, o);
    else
        cJSON_Delete(o);
}

void aws_tagging_resources(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    char arn[256];

    for (size_t i = 0; is_main(c) && i < c->es->nshared; i++) {
        const char *env = c->es->shared[i].name;
        if (c->es->shared[i].account != c->account)
            continue;
        aws_arn(c, arn, sizeof arn, "sqs", "uec-dos-int-%s-change-event-queue.fifo", env);
        add_resource(c, all, "sqs", arn, env);
        aws_arn(c, arn, sizeof arn, "dynamodb", "table/uec-dos-int-%s-change-events", env);
        add_resource(c, all, "dynamodb:table", arn, env);
    }
    for (size_t i = 0; is_main(c) && i < c->es->nbg; i++)
        for (unsigned k = 0; k < AWS_FNS; k++) {
            const struct aws_bg *bg = &c->es->bg[i];
            if (bg->account != c->account || !(bg->functions & 1u << k))
                continue;
            aws_arn(c, arn, sizeof arn, "lambda", "function:uec-dos-int-%s-%s", bg->name,
                    aws_fns[k].name);
            add_resource(c, all, "lambda:function", arn, bg->name);
        }
    aws_put_page(c, "ResourceTagMappingList", all, &TAG_PAGES);
    if (!cJSON_HasObjectItem(c->out, "PaginationToken"))
        aws_put(c->out, "PaginationToken", "");
}

/* ---- ACM */

/* One certificate for each shared environment; that of ds-4020 was never issued. */
static void put_certificate(const struct aws_call *c, cJSON *o, const struct aws_shared *s)
{
    bool is_waiting = strcmp(s->name, "ds-4020") == 0;
    char arn[200], domain[128];

    aws_arn(c, arn, sizeof arn, "acm", "certificate/%s", s->kms);
    aws_put(o, "CertificateArn", arn);
    domain_of(s, domain, sizeof domain);
    aws_put(o, "DomainName", domain);
    aws_put(o, "Status", is_waiting ? "PENDING_VALIDATION" : "ISSUED");
    aws_put(o, "Type", "AMAZON_ISSUED");
    if (is_waiting)
        return;
    aws_put_time(c, o, "NotBefore", s->stage_updated - 300 * 86400);
    aws_put_time(c, o, "NotAfter",
                 strcmp(s->name, "demo") == 0 ? AWS_STORY_NOW + 12 * 86400
                                              : AWS_STORY_NOW + 200 * 86400);
    aws_put(o, "RenewalEligibility", "ELIGIBLE");
}

void aws_acm_list(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();

    for (size_t i = 0; is_main(c) && i < c->es->nshared; i++)
        if (c->es->shared[i].account == c->account)
            put_certificate(c, aws_put_object(all, NULL), &c->es->shared[i]);
    aws_put_page(c, "CertificateSummaryList", all, &CERTIFICATE_PAGES);
}

void aws_acm_describe(struct aws_call *c)
{
    const char *asked = aws_need(c, "CertificateArn");
    char arn[200];

    for (size_t i = 0; asked && is_main(c) && i < c->es->nshared; i++) {
        aws_arn(c, arn, sizeof arn, "acm", "certificate/%s", c->es->shared[i].kms);
        if (c->es->shared[i].account != c->account || strcmp(arn, asked) != 0)
            continue;
        cJSON *o = aws_put_object(c->out, "Certificate");
        put_certificate(c, o, &c->es->shared[i]);
        aws_put(aws_put_array(o, "InUseBy"), NULL, "arn:aws:apigateway:eu-west-2::/domainnames/x");
        return;
    }
    if (asked)
        aws_fail(c, 400, "ResourceNotFoundException", "Could not find certificate %s.", asked);
}

/* ---- API Gateway */

void aws_api_list(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();

    for (size_t i = 0; is_main(c) && i < c->es->nshared; i++) {
        if (c->es->shared[i].account != c->account)
            continue;
        cJSON *o = aws_put_object(all, NULL);
        aws_putf(o, "id", "demoapi%03zu", i);
        aws_putf(o, "name", "uec-dos-int-%s-di-endpoint", c->es->shared[i].name);
        aws_put_time(c, o, "createdDate", c->es->shared[i].stage_updated - 300 * 86400);
        aws_put(aws_put_array(aws_put_object(o, "endpointConfiguration"), "types"), NULL,
                "REGIONAL");
    }
    aws_put_page(c, "item", all, &API_PAGES);
}

void aws_api_stages(struct aws_call *c)
{
    char id[32];

    for (size_t i = 0; is_main(c) && i < c->es->nshared; i++) {
        const struct aws_shared *s = &c->es->shared[i];
        snprintf(id, sizeof id, "demoapi%03zu", i);
        if (s->account != c->account || strcmp(id, c->args[0]) != 0)
            continue;
        cJSON *o = aws_put_object(aws_put_array(c->out, "item"), NULL);
        aws_put(o, "stageName", s->name);
        aws_putf(o, "deploymentId", "dep%03zu", i);
        aws_put_time(c, o, "createdDate", s->stage_updated - 300 * 86400);
        aws_put_time(c, o, "lastUpdatedDate", s->stage_updated);
        aws_put_bool(o, "tracingEnabled", true);
        return;
    }
    aws_fail(c, 404, "NotFoundException", "Invalid API identifier specified");
}
