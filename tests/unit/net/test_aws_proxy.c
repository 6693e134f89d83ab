/* Which proxy a URL goes through, by the environment's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/net/aws_config.h"

struct env {
    const char *name, *value;
};

static const char *lookup(void *ctx, const char *name)
{
    for (const struct env *v = ctx; v->name; v++)
        if (!strcmp(v->name, name))
            return v->value;
    return NULL;
}

static void check(struct env *env, const char *url, const char *want)
{
    struct aws_config *c = aws_config_load(lookup, env);
    const char *got = aws_config_proxy(c, url);

    if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0))
        fail_msg("%s: %s", url, got ? got : "none");
    aws_config_free(c);
}

static const char URL[] = "https://sqs.eu-west-2.amazonaws.com";

static void https_takes_either_case_and_http_only_the_lower(void **state)
{
    struct env upper[] = { { "HTTPS_PROXY", "http://p:1" },
                           { "HTTP_PROXY", "http://q:1" },
                           { NULL, NULL } };
    struct env lower[] = { { "https_proxy", "http://l:1" },
                           { "HTTPS_PROXY", "http://p:1" },
                           { "http_proxy", "http://h:1" },
                           { NULL, NULL } };
    struct env all[] = { { "ALL_PROXY", "http://a:1" }, { NULL, NULL } };

    (void)state;
    check(upper, URL, "http://p:1");
    check(upper, "http://x.example/", NULL);
    check(lower, URL, "http://l:1");
    check(lower, "http://x.example/", "http://h:1");
    check(all, URL, "http://a:1");
}

static void no_proxy_exempts_a_host_and_what_is_below_it(void **state)
{
    static const struct {
        const char *list, *url;
        bool is_exempt;
    } t[] = {
        { "amazonaws.com", "https://sqs.eu-west-2.amazonaws.com", true },
        { ".amazonaws.com", "https://sqs.eu-west-2.amazonaws.com:8443/x", true },
        { "a.example, AMAZONAWS.COM", "https://sqs.amazonaws.com", true },
        { "*", "https://sqs.amazonaws.com", true },
        { "notamazonaws.com", "https://sqs.amazonaws.com", false },
        { "azonaws.com", "https://sqs.amazonaws.com", false },
        { "sqs.amazonaws.com.evil", "https://sqs.amazonaws.com", false },
        { "", "https://sqs.amazonaws.com", false },
        { ",,", "https://sqs.amazonaws.com", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct env env[] = { { "HTTPS_PROXY", "http://p:1" },
                             { "NO_PROXY", t[i].list },
                             { NULL, NULL } };
        check(env, t[i].url, t[i].is_exempt ? NULL : "http://p:1");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_takes_either_case_and_http_only_the_lower),
        cmocka_unit_test(no_proxy_exempts_a_host_and_what_is_below_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
