/* What an AWS step may say: operations that read, one way of asking, nothing that slips another in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/config/recipe.h"

/* NULL in *said: it loads. */
static bool load(const char *request, const char *more, const char **said, struct arena *mem,
                 struct recipe **out)
{
    char dir[] = "/tmp/opsdeck-unit-XXXXXX";
    struct cfg_problems ps = { .mem = mem };

    assert_non_null(mkdtemp(dir));
    char *path = arena_printf(mem, "%s/x.yaml", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "recipe: x\nsystem: X\nconnector: aws\nsteps:\n  - name: a\n    request: %s\n%s"
            "    rows:\n      - {kind: k, sql: \"SELECT 1 AS key, 'info' AS status\"}\n",
            request, more);
    fclose(f);
    chmod(path, 0600);
    *out = recipe_load(mem, path, &ps);
    *said = "";
    for (size_t i = 0; i < ps.n; i++)
        *said =
            arena_printf(mem, "%s%s (%s)\n", *said, ps.v[i].text, ps.v[i].hint ? ps.v[i].hint : "");
    unlink(path);
    rmdir(dir);
    cfg_problems_release(&ps);
    return *out != NULL;
}

static void the_three_ways_of_asking_and_a_public_url_load(void **state)
{
    static const char *const good[] = {
        "{service: lambda, path: /2015-03-31/functions, query: {MaxItems: \"50\"}}",
        "{service: sqs, target: AmazonSQS.ListQueues, json: \"1.0\"}",
        "{service: elbv2, action: DescribeTargetGroups, version: \"2015-12-01\"}",
        "{service: xray, path: /TraceSummaries, method: POST, read_only: true, body: \"{{}}\"}",
        "{service: logs, target: Logs_20140328.StartQuery, accept_error: [A, B]}",
        "{url: \"https://health.example/public?x=1\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct arena *mem = arena_new();
        const char *said;
        struct recipe *r;
        if (!load(good[i], "", &said, mem, &r))
            fail_msg("%s: %s", good[i], said);
        bool is_signed = r->steps[0].request.service != NULL;
        assert_int_equal(is_signed, i < 5);
        if (r->steps[0].request.target)
            assert_string_equal(r->steps[0].request.method, "POST");
        arena_free(mem);
    }
}

static const struct {
    const char *request, *more, *says;
} bad[] = {
    { "{service: sqs, target: AmazonSQS.DeleteQueue}", "", "only reads" },
    { "{service: sqs, target: AmazonSQS.ReceiveMessage}", "", "only reads" },
    { "{service: secretsmanager, target: secretsmanager.GetSecretValue}", "", "only reads" },
    { "{service: secretsmanager, target: secretsmanager.BatchGetSecretValue}", "", "only reads" },
    { "{service: sts, action: GetSessionToken, version: \"2011-06-15\"}", "", "only reads" },
    { "{service: codepipeline, target: CodePipeline_20150709.PutApprovalResult}", "",
      "only reads" },
    { "{service: lambda, path: /2015-03-31/functions/x/invocations, method: POST}", "",
      "only reads" },
    { "{service: ec2, path: \"/\", query: {Action: TerminateInstances}}", "", "another operation" },
    { "{service: sqs, action: ListQueues, version: \"2012-11-05\", query: {action: DeleteQueue}}",
      "", "another operation" },
    { "{service: sqs, target: AmazonSQS.ListQueues, headers: {X-Amz-Target: "
      "AmazonSQS.DeleteQueue}}",
      "", "another operation" },
    { "{service: lambda, path: \"/functions?MaxItems=5\"}", "", "no ? or #" },
    { "{service: sqs}", "", "one of target" },
    { "{path: /x}", "", "expected service" },
    { "{service: sqs, path: /x, target: AmazonSQS.ListQueues}", "", "one of target" },
    { "{service: elbv2, action: DescribeRules}", "", "version" },
    { "{url: \"https://x.example\", service: sqs}", "", "stands alone" },
    { "{url: \"https://x.example\", query: {a: b}}", "", "stands alone" },
    { "{service: sqs, target: AmazonSQS.ListQueues, accept_status: [404]}", "", "mean nothing" },
    { "{service: lambda, path: /x}", "    page: {offset: o, limit: l}\n", "pages by tokens" },
    { "{service: lambda, path: /x}", "    page: {link: next}\n", "pages by tokens" },
    { "{service: sqs, target: AmazonSQS.ListQueues, json: \"2.0\"}", "", "1.0" },
};

static void whatever_could_change_something_or_is_ignored_does_not_load(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct arena *mem = arena_new();
        const char *said;
        struct recipe *r;
        if (load(bad[i].request, bad[i].more, &said, mem, &r) || !strstr(said, bad[i].says))
            fail_msg("%s %s: \"%s\" is not said, but: %s", bad[i].request, bad[i].more, bad[i].says,
                     said);
        arena_free(mem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_ways_of_asking_and_a_public_url_load),
        cmocka_unit_test(whatever_could_change_something_or_is_ignored_does_not_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
