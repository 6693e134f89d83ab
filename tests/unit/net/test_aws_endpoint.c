/* Where services are: botocore's own rules as a table, what a person sets, how it is signed. */
#include "net_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "opsdeck/net/aws_config.h"

#define CASES "tests/unit/net/aws_endpoint_cases.txt"

struct var {
    const char *name, *value;
};

static char home[] = "/tmp/opsdeck-awsendpoint-XXXXXX";
static struct var vars[16];
static size_t nvars;
static struct aws_config *c;
static struct arena *mem;
static struct aws_endpoint ep;

static const char *fake_env(void *ctx, const char *name)
{
    (void)ctx;
    for (size_t i = 0; i < nvars; i++)
        if (strcmp(vars[i].name, name) == 0)
            return vars[i].value;
    return NULL;
}

static void set(const char *name, const char *value)
{
    assert_true(nvars < ARRAY_LEN(vars));
    vars[nvars++] = (struct var){ name, value };
}

static const char *config_path(void)
{
    return arena_printf(mem, "%s/config", home);
}

static void load_config(const char *text)
{
    int fd = open(config_path(), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    aws_config_free(c);
    c = aws_config_load(fake_env, NULL);
}

static int start_all(void **state)
{
    (void)state;
    return mkdtemp(home) ? 0 : -1;
}

static int end_all(void **state)
{
    (void)state;
    return rmdir(home);
}

static int set_up(void **state)
{
    (void)state;
    mem = arena_new();
    nvars = 0;
    set("HOME", home);
    set("AWS_CONFIG_FILE", config_path());
    c = NULL;
    load_config("");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aws_config_free(c);
    unlink(config_path());
    arena_free(mem);
    return 0;
}

static void find(const char *service, const char *region, const char *own_url)
{
    struct err e = { 0 };

    if (!aws_endpoint_find(c, "live", service, region, own_url, mem, &ep, &e))
        fail_msg("%s", e.text);
}

static void url_is(const char *service, const char *region, const char *want)
{
    find(service, region, NULL);
    assert_string_equal(ep.url, want);
}

static void refused(const char *service, const char *region, const char *own_url, const char *part)
{
    struct err e = { 0 };

    if (aws_endpoint_find(c, "live", service, region, own_url, mem, &ep, &e))
        fail_msg("%s %s is %s", service, region ? region : "-", ep.url);
    assert_int_equal(e.code, ERR_CONFIG);
    if (!strstr(e.text, part))
        fail_msg("\"%s\" lacks \"%s\"", e.text, part);
}

/* ---- the rules */

struct wanted {
    char service[64], region[64], variant[16], url[256], signing[64], sign_region[64];
};

static void set_variant(const char *variant)
{
    bool is_both = strcmp(variant, "both") == 0;

    nvars = 2;
    if (is_both || strcmp(variant, "fips") == 0)
        set("AWS_USE_FIPS_ENDPOINT", "true");
    if (is_both || strcmp(variant, "dual") == 0)
        set("AWS_USE_DUALSTACK_ENDPOINT", "true");
}

static int differs(const struct wanted *w)
{
    struct err e = { 0 };
    bool is_none = strcmp(w->url, "none") == 0;

    set_variant(w->variant);
    if (!aws_endpoint_find(c, "live", w->service, w->region, NULL, mem, &ep, &e)) {
        if (is_none)
            return 0;
        print_error("%s %s %s: %s\n", w->service, w->region, w->variant, e.text);
        return 1;
    }
    if (strcmp(ep.url, w->url) == 0 && strcmp(ep.signing_name, w->signing) == 0 &&
        strcmp(ep.region, w->sign_region) == 0)
        return 0;
    print_error("%s %s %s: %s %s %s, botocore has %s %s %s\n", w->service, w->region, w->variant,
                ep.url, ep.signing_name, ep.region, w->url, w->signing, w->sign_region);
    return 1;
}

static void every_row_agrees_with_botocore(void **state)
{
    char line[512];
    int rows = 0, bad = 0;
    FILE *f = fopen(CASES, "r");

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        struct wanted w;

        if (*line == '#')
            continue;
        assert_int_equal(sscanf(line, "%63s %63s %15s %255s %63s %63s", w.service, w.region,
                                w.variant, w.url, w.signing, w.sign_region),
                         6);
        bad += differs(&w);
        rows++;
    }
    fclose(f);
    assert_true(rows > 1000);
    assert_int_equal(bad, 0);
}

static void health_is_asked_in_one_region_whatever_the_source_says(void **state)
{
    (void)state;
    static const struct {
        const char *region, *variant, *url, *sign_region;
    } cases[] = {
        { NULL, "plain", "https://health.us-east-1.amazonaws.com", "us-east-1" },
        { "eu-west-2", "plain", "https://health.us-east-1.amazonaws.com", "us-east-1" },
        { "eu-west-2", "fips", "https://health-fips.us-east-2.amazonaws.com", "us-east-2" },
        { "eu-west-2", "dual", "https://health.us-east-1.api.aws", "us-east-1" },
        { "cn-north-1", "plain", "https://global.health.amazonaws.com.cn", "cn-northwest-1" },
        { "us-gov-east-1", "plain", "https://health.us-gov-west-1.amazonaws.com", "us-gov-west-1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set_variant(cases[i].variant);
        find("health", cases[i].region, NULL);
        assert_string_equal(ep.url, cases[i].url);
        assert_string_equal(ep.region, cases[i].sign_region);
        assert_string_equal(ep.signing_name, "health");
    }
}

static void fips_for_health_in_china_is_refused(void **state)
{
    (void)state;
    set("AWS_USE_FIPS_ENDPOINT", "true");
    refused("health", "cn-north-1", NULL, "no FIPS endpoint is known in partition aws-cn");
}

static void other_names_of_a_service_are_the_same_service(void **state)
{
    (void)state;
    url_is("tagging", "eu-west-2", "https://tagging.eu-west-2.amazonaws.com");
    assert_string_equal(ep.signing_name, "tagging");
    url_is("eventbridge", "eu-west-2", "https://events.eu-west-2.amazonaws.com");
    assert_string_equal(ep.signing_name, "events");
}

static void an_unknown_service_is_its_own_host_and_signing_name(void **state)
{
    (void)state;
    url_is("newthing", "eu-west-2", "https://newthing.eu-west-2.amazonaws.com");
    assert_string_equal(ep.signing_name, "newthing");
    assert_string_equal(ep.region, "eu-west-2");
    url_is("newthing", "cn-north-1", "https://newthing.cn-north-1.amazonaws.com.cn");
}

static void names_that_would_change_the_host_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "evil.example/", "a.example", "a b",  "",
                                       "EU-WEST-2",     "a\r\nX: y", "-a",   "a-",
                                       "a@b",           "a/../b",    "a%2e", "a:80" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        refused("lambda", bad[i], NULL, "is not a region");
        refused(bad[i], "eu-west-2", NULL, "is not the name of an AWS service");
    }
    refused(NULL, "eu-west-2", NULL, "is not the name of an AWS service");
}

static void a_regional_service_needs_a_region(void **state)
{
    (void)state;
    refused("lambda", NULL, NULL,
            "endpoint of lambda: no region is set: set region of the source, AWS_REGION, or "
            "region of profile \"live\"");
    refused("lambda", NULL, "http://localhost:4566", "no region is set");
}

static void partitions_follow_the_name_of_the_region(void **state)
{
    (void)state;
    assert_string_equal(aws_partition("eu-west-2"), "aws");
    assert_string_equal(aws_partition("us-gov-west-1"), "aws-us-gov");
    assert_string_equal(aws_partition("cn-northwest-1"), "aws-cn");
    assert_string_equal(aws_partition("us-isob-east-1"), "aws-iso-b");
    assert_string_equal(aws_partition("us-iso-east-1"), "aws-iso");
    assert_string_equal(aws_partition(NULL), "aws");
}

static void a_global_service_of_a_partition_not_known_is_refused(void **state)
{
    (void)state;
    refused("route53", "eusc-de-east-1", NULL, "no endpoint is known in partition aws-eusc");
}

/* ---- what a person sets */

/* From the weakest to the strongest: each is set on top of those before it. */
static void addresses_that_are_set_win_in_this_order(void **state)
{
    (void)state;
    url_is("ce", "eu-west-2", "https://ce.us-east-1.amazonaws.com");
    load_config("[profile live]\nendpoint_url = https://profile.example\n");
    url_is("ce", "eu-west-2", "https://profile.example");
    load_config("[profile live]\nendpoint_url = https://profile.example\nservices = s\n"
                "[services s]\ncost_explorer =\n  endpoint_url = https://section.example\n");
    url_is("ce", "eu-west-2", "https://section.example");
    set("AWS_ENDPOINT_URL", "https://all.example");
    url_is("ce", "eu-west-2", "https://all.example");
    set("AWS_ENDPOINT_URL_COST_EXPLORER", "https://one.example");
    url_is("ce", "eu-west-2", "https://one.example");
    find("ce", "eu-west-2", "https://own.example");
    assert_string_equal(ep.url, "https://own.example");
}

static void each_service_has_its_variable(void **state)
{
    (void)state;
    static const char *const ids[][2] = {
        { "health", "HEALTH" },
        { "lambda", "LAMBDA" },
        { "cloudwatch", "CLOUDWATCH" },
        { "logs", "CLOUDWATCH_LOGS" },
        { "ssm", "SSM" },
        { "secretsmanager", "SECRETS_MANAGER" },
        { "dynamodb", "DYNAMODB" },
        { "sts", "STS" },
        { "sso", "SSO" },
        { "sso-oidc", "SSO_OIDC" },
        { "ce", "COST_EXPLORER" },
        { "s3", "S3" },
        { "codedeploy", "CODEDEPLOY" },
        { "ecs", "ECS" },
        { "elbv2", "ELASTIC_LOAD_BALANCING_V2" },
        { "route53", "ROUTE_53" },
        { "resourcegroupstaggingapi", "RESOURCE_GROUPS_TAGGING_API" },
        { "apigateway", "API_GATEWAY" },
        { "cloudfront", "CLOUDFRONT" },
        { "wafv2", "WAFV2" },
        { "events", "EVENTBRIDGE" },
        { "new-thing", "NEW_THING" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        nvars = 2;
        set(arena_printf(mem, "AWS_ENDPOINT_URL_%s", ids[i][1]), "http://127.0.0.1:4566");
        url_is(ids[i][0], "eu-west-2", "http://127.0.0.1:4566");
    }
}

static void addresses_that_are_set_can_be_ignored(void **state)
{
    (void)state;
    load_config("[profile live]\nendpoint_url = https://p.example\n"
                "ignore_configured_endpoint_urls = true\n");
    url_is("sqs", "eu-west-2", "https://sqs.eu-west-2.amazonaws.com");
    load_config("[profile live]\nendpoint_url = https://p.example\n");
    set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE");
    set("AWS_ENDPOINT_URL", "https://all.example");
    set("AWS_ENDPOINT_URL_SQS", "https://one.example");
    url_is("sqs", "eu-west-2", "https://sqs.eu-west-2.amazonaws.com");
    find("sqs", "eu-west-2", "https://own.example");
    assert_string_equal(ep.url, "https://own.example");
}

static void an_address_is_brought_to_the_form_that_is_signed(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "http://localhost:4566/", "http://localhost:4566" },
        { "https://h.example/a/b//", "https://h.example/a/b" },
        { "https://h.example:443/a", "https://h.example/a" },
        { "http://h.example:80", "http://h.example" },
        { "HTTPS://h.example:8443", "https://h.example:8443" },
        { "http://[::1]:4566", "http://[::1]:4566" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        find("sqs", "eu-west-2", cases[i][0]);
        assert_string_equal(ep.url, cases[i][1]);
        assert_string_equal(ep.signing_name, "sqs");
        assert_string_equal(ep.region, "eu-west-2");
    }
}

static void an_address_that_is_none_is_refused_with_who_set_it(void **state)
{
    (void)state;
    static const char *const bad[] = { "localhost",
                                       "ftp://h.example",
                                       "https://",
                                       "https://u:secret@h.example",
                                       "https://h.example?a",
                                       "https://h.example/#x",
                                       "https://h.example?",
                                       "https://h .example" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refused("sqs", "eu-west-2", bad[i], "endpoint of sqs: endpoint_url of the source: ");
    load_config("[profile live]\nendpoint_url = nonsense\n");
    refused("sqs", "eu-west-2", NULL, "endpoint_url of profile \"live\": ");
    set("AWS_ENDPOINT_URL_SQS", "nonsense");
    refused("sqs", "eu-west-2", NULL, "AWS_ENDPOINT_URL_SQS: ");
}

static void a_password_in_an_address_is_not_quoted(void **state)
{
    struct err e = { 0 };

    (void)state;
    assert_false(aws_endpoint_find(c, "live", "sqs", "eu-west-2", "https://u:hunter2@h.example",
                                   mem, &ep, &e));
    assert_null(strstr(e.text, "hunter2"));
}

static void a_services_section_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    load_config("[profile live]\nservices = gone\n");
    refused("sqs", "eu-west-2", NULL, "has no [services gone]");
}

static void an_address_of_a_global_service_keeps_its_signing_region(void **state)
{
    (void)state;
    find("route53", "eu-west-2", "http://localhost:4566");
    assert_string_equal(ep.region, "us-east-1");
    find("health", NULL, "http://localhost:4566");
    assert_string_equal(ep.region, "us-east-1");
}

static void healths_passive_region_is_signed_for_when_it_is_chosen(void **state)
{
    (void)state;
    find("health", "eu-west-2", "https://health.us-east-2.amazonaws.com");
    assert_string_equal(ep.region, "us-east-2");
    find("health", "eu-west-2", "https://global.health.amazonaws.com");
    assert_string_equal(ep.region, "us-east-1");
    find("health", "eu-west-2", "https://health.us-east-2.amazonaws.com.example");
    assert_string_equal(ep.region, "us-east-1");
}

static void the_profile_may_ask_for_fips_and_dual_stack(void **state)
{
    (void)state;
    load_config("[profile live]\nuse_fips_endpoint = True\nuse_dualstack_endpoint = true\n");
    url_is("kms", "us-east-1", "https://kms-fips.us-east-1.api.aws");
    set("AWS_USE_FIPS_ENDPOINT", "false");
    url_is("kms", "us-east-1", "https://kms.us-east-1.api.aws");
}

static void a_switch_that_is_neither_true_nor_false_is_an_error(void **state)
{
    (void)state;
    load_config("[profile live]\nuse_dualstack_endpoint = maybe\n");
    refused("kms", "us-east-1", NULL,
            "use_dualstack_endpoint of profile \"live\" is \"maybe\": say true or false");
    set("AWS_USE_FIPS_ENDPOINT", "yes");
    refused("kms", "us-east-1", NULL, "AWS_USE_FIPS_ENDPOINT is \"yes\": say true or false");
}

static void the_authorities_come_from_environment_then_profile(void **state)
{
    (void)state;
    find("kms", "us-east-1", NULL);
    assert_null(ep.ca_file);
    load_config("[profile live]\nca_bundle = ~/ca.pem\n");
    find("kms", "us-east-1", NULL);
    assert_string_equal(ep.ca_file, arena_printf(mem, "%s/ca.pem", home));
    set("AWS_CA_BUNDLE", "/etc/ca.pem");
    find("kms", "us-east-1", NULL);
    assert_string_equal(ep.ca_file, "/etc/ca.pem");
}

static void a_fault_of_the_files_is_a_fault_of_every_endpoint(void **state)
{
    struct err e = { 0 };

    (void)state;
    load_config("nonsense\n");
    assert_false(aws_endpoint_find(c, NULL, "kms", "us-east-1", NULL, mem, &ep, &e));
    assert_int_equal(e.code, ERR_PARSE);
    assert_non_null(strstr(e.text, "endpoint of kms: ~/config: line 1: "));
}

static void rates_leave_nine_tenths_to_others(void **state)
{
    (void)state;
    assert_int_equal(aws_service_rate("cloudwatch"), 54);
    assert_int_equal(aws_service_rate("logs"), 30);
    assert_int_equal(aws_service_rate("lambda"), 90);
    assert_int_equal(aws_service_rate("ssm"), 240);
    assert_int_equal(aws_service_rate("health"), 60);
    assert_int_equal(aws_service_rate("s3"), 0);
    assert_int_equal(aws_service_rate("newthing"), 0);
    assert_int_equal(aws_service_rate(NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_row_agrees_with_botocore),
        TEST(health_is_asked_in_one_region_whatever_the_source_says),
        TEST(fips_for_health_in_china_is_refused),
        TEST(other_names_of_a_service_are_the_same_service),
        TEST(an_unknown_service_is_its_own_host_and_signing_name),
        TEST(names_that_would_change_the_host_are_refused),
        TEST(a_regional_service_needs_a_region),
        TEST(partitions_follow_the_name_of_the_region),
        TEST(a_global_service_of_a_partition_not_known_is_refused),
        TEST(addresses_that_are_set_win_in_this_order),
        TEST(each_service_has_its_variable),
        TEST(addresses_that_are_set_can_be_ignored),
        TEST(an_address_is_brought_to_the_form_that_is_signed),
        TEST(an_address_that_is_none_is_refused_with_who_set_it),
        TEST(a_password_in_an_address_is_not_quoted),
        TEST(a_services_section_that_is_not_there_is_an_error),
        TEST(an_address_of_a_global_service_keeps_its_signing_region),
        TEST(healths_passive_region_is_signed_for_when_it_is_chosen),
        TEST(the_profile_may_ask_for_fips_and_dual_stack),
        TEST(a_switch_that_is_neither_true_nor_false_is_an_error),
        TEST(the_authorities_come_from_environment_then_profile),
        TEST(a_fault_of_the_files_is_a_fault_of_every_endpoint),
        TEST(rates_leave_nine_tenths_to_others),
    };

    return cmocka_run_group_tests(tests, start_all, end_all);
}
