/*
 * Where an AWS service is, what its requests are signed for, and how many of them a dashboard may
 * send. One table says what differs between the services, one where the global ones are; what
 * the person has set wins over both. Called by the aws connector and by the credential sources.
 */
#include "opsdeck/net/aws_config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "aws_ini.h"
#include "net_priv.h"

enum service_flags {
    GOV_FIPS = 1,      /* in GovCloud the plain host is the FIPS one */
    GOV_FIPS_DUAL = 2, /* the same with dual-stack */
    DUAL_IS_PLAIN = 4, /* dual-stack is on the plain host */
    GLOBAL = 8,        /* one host a partition: GLOBALS */
    NO_CN_FIPS = 16,   /* China has no FIPS host */
};

enum variant {
    PLAIN,
    FIPS,
    DUAL,
    BOTH, /* FIPS | DUAL */
};

struct service {
    const char *name, *alias;     /* the SDK's; another name people use, or NULL */
    const char *prefix, *signing; /* of the host; NULL: the name. In the signature; NULL: prefix */
    const char *id;               /* AWS_ENDPOINT_URL_<ID>; NULL: the name */
    const char *dual;             /* prefix of the dual-stack host; NULL: prefix */
    unsigned flags;
    int64_t rate; /* requests a minute: a tenth of the quota; 0: none is published */
};

/* Rates: 15/s of Lambda's control plane, 9/s DescribeAlarms, 5/s FilterLogEvents, 40/s
 * GetParameter; where nothing is published the plan is one a second. */
/* clang-format off */
static const struct service SERVICES[] = {
    { .name = "acm", .flags = GOV_FIPS },
    { .name = "apigateway", .id = "API_GATEWAY" },
    { .name = "apigatewayv2", .prefix = "apigateway", .id = "APIGATEWAYV2" },
    { .name = "application-autoscaling", .id = "APPLICATION_AUTO_SCALING", .flags = GOV_FIPS },
    { .name = "autoscaling", .id = "AUTO_SCALING", .flags = GOV_FIPS },
    { .name = "batch", .flags = GOV_FIPS },
    { .name = "ce", .id = "COST_EXPLORER", .flags = GLOBAL },
    { .name = "cloudformation", .flags = GOV_FIPS },
    { .name = "cloudfront", .flags = GLOBAL },
    { .name = "cloudtrail", .flags = GOV_FIPS },
    { .name = "cloudwatch", .alias = "monitoring", .prefix = "monitoring",
      .flags = GOV_FIPS | GOV_FIPS_DUAL, .rate = 54 },
    { .name = "codebuild", .rate = 60 },
    { .name = "codedeploy", .rate = 60 },
    { .name = "codepipeline", .rate = 60 },
    { .name = "config", .id = "CONFIG_SERVICE", .flags = GOV_FIPS },
    { .name = "dynamodb", .flags = GOV_FIPS },
    { .name = "ec2", .flags = GOV_FIPS },
    { .name = "ecr", .prefix = "api.ecr", .signing = "ecr", .dual = "ecr" },
    { .name = "ecs" },
    { .name = "efs", .alias = "elasticfilesystem", .prefix = "elasticfilesystem", .dual = "efs" },
    { .name = "eks", .flags = GOV_FIPS },
    { .name = "elasticache", .flags = GOV_FIPS },
    { .name = "elb", .prefix = "elasticloadbalancing", .id = "ELASTIC_LOAD_BALANCING",
      .flags = GOV_FIPS },
    { .name = "elbv2", .alias = "elasticloadbalancingv2", .prefix = "elasticloadbalancing",
      .id = "ELASTIC_LOAD_BALANCING_V2", .flags = GOV_FIPS },
    { .name = "events", .alias = "eventbridge", .id = "EVENTBRIDGE",
      .flags = GOV_FIPS | GOV_FIPS_DUAL },
    { .name = "guardduty", .flags = GOV_FIPS },
    { .name = "health", .flags = GLOBAL, .rate = 60 },
    { .name = "iam", .flags = GLOBAL },
    { .name = "kinesis", .flags = GOV_FIPS },
    { .name = "kms" },
    { .name = "lambda", .rate = 90 },
    { .name = "logs", .alias = "cloudwatch-logs", .id = "CLOUDWATCH_LOGS", .flags = GOV_FIPS,
      .rate = 30 },
    { .name = "opensearch", .prefix = "es", .id = "OPENSEARCH", .dual = "aos" },
    { .name = "rds", .flags = GOV_FIPS },
    { .name = "resource-groups", .flags = GOV_FIPS },
    { .name = "resourcegroupstaggingapi", .alias = "tagging", .prefix = "tagging",
      .id = "RESOURCE_GROUPS_TAGGING_API" },
    { .name = "route53", .id = "ROUTE_53", .flags = GLOBAL },
    { .name = "s3", .dual = "s3.dualstack", .flags = DUAL_IS_PLAIN | NO_CN_FIPS },
    { .name = "secretsmanager", .id = "SECRETS_MANAGER", .flags = DUAL_IS_PLAIN },
    { .name = "service-quotas", .prefix = "servicequotas", .id = "SERVICE_QUOTAS",
      .flags = GOV_FIPS },
    { .name = "ses", .prefix = "email", .signing = "ses" },
    { .name = "sesv2", .prefix = "email", .signing = "ses" },
    { .name = "sns", .flags = GOV_FIPS },
    { .name = "sqs", .flags = GOV_FIPS },
    { .name = "ssm", .flags = GOV_FIPS, .rate = 240 },
    { .name = "sso", .prefix = "portal.sso", .signing = "awsssoportal", .flags = GOV_FIPS },
    { .name = "sso-oidc", .prefix = "oidc", .signing = "sso-oauth", .flags = GOV_FIPS },
    { .name = "stepfunctions", .alias = "sfn", .prefix = "states", .id = "SFN",
      .flags = GOV_FIPS },
    { .name = "sts", .flags = GOV_FIPS },
    { .name = "wafv2" },
    { .name = "xray" },
};

/* Prefixes that follow no rule; partition and region NULL: all. */
static const struct special {
    const char *service, *partition, *region;
    enum variant variant;
    const char *prefix;
} SPECIALS[] = {
    { "batch", "aws", NULL, FIPS, "fips.batch" },
    { "eks", "aws", NULL, FIPS, "fips.eks" },
    { "opensearch", NULL, NULL, BOTH, "es-fips" },
    { "s3", NULL, NULL, BOTH, "s3-fips.dualstack" },
    { "stepfunctions", "aws-us-gov", NULL, DUAL, "states-fips" },
    { "stepfunctions", "aws-us-gov", "us-gov-east-1", FIPS, "states-fips" },
};

/* By enum variant. Health answers for all regions in one of two, the active one and
 * a passive one: its rules in the SDKs, which go by the client's region, name hosts without data. */
static const struct global {
    const char *service, *partition;
    const char *region, *fips_region; /* to sign for; fips_region NULL: the same */
    const char *host[4];
} GLOBALS[] = {
    { "ce", "aws", "us-east-1", NULL,
      { "ce.us-east-1.amazonaws.com", "ce-fips.us-east-1.amazonaws.com",
        "ce.us-east-1.api.aws", "ce-fips.us-east-1.api.aws" } },
    { "ce", "aws-cn", "cn-northwest-1", NULL,
      { "ce.cn-northwest-1.amazonaws.com.cn", "ce-fips.cn-northwest-1.amazonaws.com.cn",
        "ce.cn-northwest-1.api.amazonwebservices.com.cn",
        "ce-fips.cn-northwest-1.api.amazonwebservices.com.cn" } },
    { "ce", "aws-us-gov", "us-gov-west-1", NULL,
      { "ce.us-gov-west-1.amazonaws.com", "ce-fips.us-gov-west-1.amazonaws.com",
        "ce.us-gov-west-1.api.aws", "ce-fips.us-gov-west-1.api.aws" } },
    { "cloudfront", "aws", "us-east-1", NULL,
      { "cloudfront.amazonaws.com", "cloudfront-fips.amazonaws.com",
        "cloudfront.global.api.aws", "cloudfront-fips.global.api.aws" } },
    { "cloudfront", "aws-cn", "cn-northwest-1", NULL,
      { "cloudfront.cn-northwest-1.amazonaws.com.cn",
        "cloudfront-fips.cn-northwest-1.amazonaws.com.cn",
        "cloudfront.api.amazonwebservices.com.cn",
        "cloudfront-fips.api.amazonwebservices.com.cn" } },
    { "cloudfront", "aws-us-gov", "us-gov-west-1", NULL,
      { "cloudfront.amazonaws.com", "cloudfront-fips.amazonaws.com",
        "cloudfront.api.aws", "cloudfront-fips.api.aws" } },
    { "health", "aws", "us-east-1", "us-east-2",
      { "health.us-east-1.amazonaws.com", "health-fips.us-east-2.amazonaws.com",
        "health.us-east-1.api.aws", "health-fips.us-east-2.api.aws" } },
    { "health", "aws-cn", "cn-northwest-1", NULL,
      { "global.health.amazonaws.com.cn", NULL,
        "health.cn-northwest-1.api.amazonwebservices.com.cn", NULL } },
    { "health", "aws-us-gov", "us-gov-west-1", NULL,
      { "health.us-gov-west-1.amazonaws.com", "health-fips.us-gov-west-1.amazonaws.com",
        "health.us-gov-west-1.api.aws", "health-fips.us-gov-west-1.api.aws" } },
    { "iam", "aws", "us-east-1", NULL,
      { "iam.amazonaws.com", "iam-fips.amazonaws.com",
        "iam.global.api.aws", "iam-fips.global.api.aws" } },
    { "iam", "aws-cn", "cn-north-1", "cn-northwest-1",
      { "iam.cn-north-1.amazonaws.com.cn", "iam-fips.amazonaws.com.cn",
        "iam.global.api.amazonwebservices.com.cn", "iam-fips.api.amazonwebservices.com.cn" } },
    { "iam", "aws-us-gov", "us-gov-west-1", NULL,
      { "iam.us-gov.amazonaws.com", "iam.us-gov.amazonaws.com",
        "iam.us-gov.api.aws", "iam.us-gov.api.aws" } },
    { "route53", "aws", "us-east-1", NULL,
      { "route53.amazonaws.com", "route53-fips.amazonaws.com",
        "route53.global.api.aws", "route53-fips.global.api.aws" } },
    { "route53", "aws-cn", "cn-northwest-1", NULL,
      { "route53.amazonaws.com.cn", "route53-fips.amazonaws.com.cn",
        "route53.global.api.amazonwebservices.com.cn",
        "route53-fips.api.amazonwebservices.com.cn" } },
    { "route53", "aws-us-gov", "us-gov-west-1", NULL,
      { "route53.us-gov.amazonaws.com", "route53.us-gov.amazonaws.com",
        "route53.us-gov.api.aws", "route53.us-gov.api.aws" } },
};

static const struct partition {
    const char *regions; /* how their names begin; the last row takes the rest */
    const char *name, *suffix, *dual_suffix;
} PARTITIONS[] = {
    { "cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn" },
    { "us-gov-", "aws-us-gov", "amazonaws.com", "api.aws" },
    { "us-iso-", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov" },
    { "us-isob-", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud" },
    { "eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk" },
    { "us-isof-", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov" },
    { "eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu" },
    { "", "aws", "amazonaws.com", "api.aws" },
};
/* clang-format on */

/* What is asked for, with the settings that change where it is. */
struct question {
    const struct aws_config *c;
    const char *profile, *region;
    const struct service *sv;
    const struct partition *partition;
    struct arena *mem;
    enum variant variant;
};

static const struct partition *partition_of(const char *region)
{
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(PARTITIONS) &&
           (!region || strncmp(region, PARTITIONS[i].regions, strlen(PARTITIONS[i].regions)) != 0))
        i++;
    return &PARTITIONS[i];
}

const char *aws_partition(const char *region)
{
    return partition_of(region)->name;
}

static const struct service *service_find(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_LEN(SERVICES); i++)
        if (strcmp(SERVICES[i].name, name) == 0 ||
            (SERVICES[i].alias && strcmp(SERVICES[i].alias, name) == 0))
            return &SERVICES[i];
    return NULL;
}

int64_t aws_service_rate(const char *service)
{
    const struct service *sv = service_find(service);

    return sv ? sv->rate : 0;
}

/* Both become part of a host: anything but a label would send signed requests elsewhere. */
static bool is_label(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return n > 0 && n < 64 && s[n] == '\0' && s[0] != '-' && s[n - 1] != '-';
}

/* ---- settings */

static const char *profile_of(const struct question *q)
{
    return q->profile ? q->profile : aws_config_default_profile(q->c);
}

/* A word that is neither is an error: FIPS silently off is the worse surprise. */
static bool read_switch(const struct question *q, const char *variable, const char *key, bool *on,
                        struct err *e)
{
    const char *v = aws_config_env(q->c, variable), *who = variable;

    if (!v) {
        v = aws_config_get(q->c, q->profile, key);
        who = arena_printf(q->mem, "%s of profile \"%s\"", key, profile_of(q));
    }
    *on = v && strcasecmp(v, "true") == 0;
    if (!v || *on || strcasecmp(v, "false") == 0)
        return true;
    return err_set(e, ERR_CONFIG, 0, "%s is \"%s\": say true or false", who, v);
}

/* "COST_EXPLORER" in a variable, "cost_explorer" in a services section. */
static const char *service_id(const struct question *q, bool is_upper)
{
    char *id = arena_strdup(q->mem, q->sv->id ? q->sv->id : q->sv->name);

    for (char *s = id; *s; s++)
        *s = (char)(*s == '-' ? '_' : is_upper ? toupper(*s) : tolower(*s));
    return id;
}

/* The address that somebody has set, and who; *url NULL: nobody. */
static bool configured_url(const struct question *q, const char *own_url, const char **url,
                           const char **who, struct err *e)
{
    bool is_ignored;

    *url = own_url && *own_url ? own_url : NULL;
    *who = "endpoint_url of the source";
    if (*url)
        return true;
    if (!read_switch(q, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls",
                     &is_ignored, e))
        return false;
    if (is_ignored)
        return true;
    *who = arena_printf(q->mem, "AWS_ENDPOINT_URL_%s", service_id(q, true));
    *url = aws_config_env(q->c, *who);
    if (!*url) {
        *who = "AWS_ENDPOINT_URL";
        *url = aws_config_env(q->c, *who);
    }
    if (*url)
        return true;
    if (!aws_config_service_url(q->c, q->profile, service_id(q, false), url, e))
        return false;
    *who = arena_printf(q->mem, "the services section of profile \"%s\"", profile_of(q));
    if (*url)
        return true;
    *who = arena_printf(q->mem, "endpoint_url of profile \"%s\"", profile_of(q));
    *url = aws_config_get(q->c, q->profile, "endpoint_url");
    return true;
}

/* The form that is signed: no default port, no slash at the end. */
static bool clean_url(struct arena *mem, const char *raw, const char **url, struct err *e)
{
    CURLU *u = http_url_parse(raw, e);

    if (!u)
        return false;
    char *query = http_url_part(u, CURLUPART_QUERY, 0);
    char *fragment = http_url_part(u, CURLUPART_FRAGMENT, 0);
    char *all = http_url_part(u, CURLUPART_URL, CURLU_NO_DEFAULT_PORT);
    bool ok = all && !query && !fragment && !strpbrk(raw, "?#");

    if (ok) {
        size_t n = strlen(all);

        while (n > 0 && all[n - 1] == '/')
            n--;
        *url = arena_strndup(mem, all, n);
    } else {
        err_set(e, ERR_CONFIG, 0, "an endpoint has no ? and no #: delete what follows the path");
    }
    free(query);
    free(fragment);
    free(all);
    curl_url_cleanup(u);
    return ok;
}

/* ---- rules */

static const struct global *global_of(const struct question *q)
{
    for (size_t i = 0; i < ARRAY_LEN(GLOBALS); i++)
        if (strcmp(GLOBALS[i].service, q->sv->name) == 0 &&
            strcmp(GLOBALS[i].partition, q->partition->name) == 0)
            return &GLOBALS[i];
    return NULL;
}

static bool no_host(const struct question *q, struct err *e)
{
    static const char *const words[] = { "", "FIPS ", "dual-stack ", "FIPS dual-stack " };

    return err_set(e, ERR_CONFIG, 0,
                   "no %sendpoint is known in partition %s: set endpoint_url of the source",
                   words[q->variant], q->partition->name);
}

static const char *prefix_of(const struct question *q)
{
    const struct service *sv = q->sv;
    const char *plain = sv->prefix ? sv->prefix : sv->name;
    const char *prefix = (q->variant & DUAL) && sv->dual ? sv->dual : plain;
    unsigned gov = q->variant == BOTH ? GOV_FIPS_DUAL : GOV_FIPS;

    for (size_t i = 0; i < ARRAY_LEN(SPECIALS); i++) {
        const struct special *sp = &SPECIALS[i];

        if (sp->variant == q->variant && strcmp(sp->service, sv->name) == 0 &&
            (!sp->partition || strcmp(sp->partition, q->partition->name) == 0) &&
            (!sp->region || strcmp(sp->region, q->region) == 0))
            return sp->prefix;
    }
    if (!(q->variant & FIPS) ||
        ((sv->flags & gov) && strcmp(q->partition->name, "aws-us-gov") == 0))
        return prefix;
    return arena_printf(q->mem, "%s-fips", prefix);
}

static bool regional(const struct question *q, struct aws_endpoint *out, struct err *e)
{
    bool is_dual = (q->variant & DUAL) && !(q->sv->flags & DUAL_IS_PLAIN);
    const char *suffix = is_dual ? q->partition->dual_suffix : q->partition->suffix;

    if ((q->sv->flags & NO_CN_FIPS) && (q->variant & FIPS) &&
        strcmp(q->partition->name, "aws-cn") == 0)
        return no_host(q, e);
    out->url = arena_printf(q->mem, "https://%s.%s.%s", prefix_of(q), q->region, suffix);
    return true;
}

static bool global(const struct question *q, struct aws_endpoint *out, struct err *e)
{
    const struct global *g = global_of(q);

    if (!g || !g->host[q->variant])
        return no_host(q, e);
    out->url = arena_printf(q->mem, "https://%s", g->host[q->variant]);
    if ((q->variant & FIPS) && g->fips_region)
        out->region = g->fips_region;
    return true;
}

/* The region in "https://health.us-east-2.amazonaws.com": somebody chose Health's passive one,
 * which must be signed for. NULL: no host of AWS, or none in a region. */
static const char *region_of_url(const struct question *q, const char *url)
{
    const char *host = strstr(url, "://") + 3;
    size_t n = strcspn(host, "/:"), suffix = strlen(q->partition->suffix);

    if (n <= suffix + 1 || strncasecmp(host + n - suffix, q->partition->suffix, suffix) != 0 ||
        host[n - suffix - 1] != '.')
        return NULL;
    const char *end = host + n - suffix - 1, *at = end;
    while (at > host && at[-1] != '.')
        at--;
    const char *region = arena_strndup(q->mem, at, (size_t)(end - at));
    const char *dash = strrchr(region, '-');
    bool is_region = at > host && is_label(region) && dash && dash != strchr(region, '-') &&
                     strspn(dash + 1, "0123456789") == strlen(dash + 1);
    return is_region ? region : NULL;
}

/* ---- the answer */

static bool check_region(const struct question *q, struct err *e)
{
    if (q->region && !is_label(q->region))
        return err_set(e, ERR_CONFIG, 0,
                       "\"%s\" is not a region: use small letters, digits and dashes, such as "
                       "eu-west-2",
                       q->region);
    if (!q->region && !(q->sv->flags & GLOBAL))
        return err_set(e, ERR_CONFIG, 0,
                       "no region is set: set region of the source, AWS_REGION, or region of "
                       "profile \"%s\"",
                       profile_of(q));
    return true;
}

/* What requests are signed with before the address is known. */
static void signing(const struct question *q, struct aws_endpoint *out)
{
    const struct service *sv = q->sv;
    const struct global *g = (sv->flags & GLOBAL) ? global_of(q) : NULL;
    const char *ca = aws_config_env(q->c, "AWS_CA_BUNDLE");

    if (!ca)
        ca = aws_config_get(q->c, q->profile, "ca_bundle");
    *out = (struct aws_endpoint){
        .signing_name = sv->signing  ? sv->signing
                        : sv->prefix ? sv->prefix
                                     : sv->name,
        .region = g ? g->region : arena_strdup(q->mem, q->region),
        .ca_file = ca ? aws_config_path(q->c, q->mem, ca) : NULL,
    };
}

static bool answer(struct question *q, const char *own_url, struct aws_endpoint *out, struct err *e)
{
    const char *raw, *who, *region;
    bool is_fips, is_dual, is_global = q->sv->flags & GLOBAL;

    if (!aws_config_check(q->c, e) || !check_region(q, e))
        return false;
    q->partition = partition_of(q->region);
    if (!configured_url(q, own_url, &raw, &who, e))
        return false;
    signing(q, out);
    if (raw) {
        if (!clean_url(q->mem, raw, &out->url, e))
            return err_ctx(e, "%s", who);
        region = is_global ? region_of_url(q, out->url) : NULL;
        if (region)
            out->region = region;
        return true;
    }
    if (!read_switch(q, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", &is_fips, e) ||
        !read_switch(q, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint", &is_dual, e))
        return false;
    q->variant = (is_fips ? FIPS : PLAIN) | (is_dual ? DUAL : PLAIN);
    return is_global ? global(q, out, e) : regional(q, out, e);
}

bool aws_endpoint_find(const struct aws_config *c, const char *profile, const char *service,
                       const char *region, const char *own_url, struct arena *mem,
                       struct aws_endpoint *out, struct err *e)
{
    require(c && mem && out);
    struct service other = { .name = arena_strdup(mem, service) };
    struct question q = { .c = c, .profile = profile, .region = region, .mem = mem };

    *out = (struct aws_endpoint){ 0 };
    q.sv = service_find(service);
    if (!q.sv)
        q.sv = &other;
    if (!service || (q.sv == &other && !is_label(service)))
        return err_set(e, ERR_CONFIG, 0, "\"%s\" is not the name of an AWS service",
                       service ? service : "");
    return answer(&q, own_url, out, e) || err_ctx(e, "endpoint of %s", service);
}
