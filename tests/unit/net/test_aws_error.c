/* Error codes in every shape AWS has for them, and what each asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/net/aws_error.h"
#include "opsdeck/net/http.h"

static struct http_response answer(int status, const char *body, const struct http_header *h,
                                   size_t n)
{
    return (struct http_response){ .status = status,
                                   .body = (char *)(uintptr_t)body,
                                   .body_len = strlen(body),
                                   .headers = h,
                                   .nheaders = n };
}

static const struct {
    const char *what;
    int status;
    const char *header, *body;
    const char *code, *message;
    enum aws_fault fault;
} shapes[] = {
    { "json 1.1", 400, NULL, "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}",
      "ThrottlingException", "Rate exceeded", AWS_THROTTLED },
    { "json 1.0 with a namespace", 400, NULL,
      "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException\",\"Message\":"
      "\"no\"}",
      "ResourceNotFoundException", "no", AWS_FINAL },
    { "rest-json header with a URL", 429,
      "TooManyRequestsException:http://internal.amazon.com/coral/",
      "{\"Type\":\"User\",\"message\":\"slow\",\"Reason\":\"CallerRateLimitExceeded\"}",
      "TooManyRequestsException", "slow", AWS_THROTTLED },
    { "the header wins over the body", 400, "A", "{\"__type\":\"B\"}", "A", "", AWS_FINAL },
    { "rest-json code member", 403, NULL,
      "{\"code\":\"ExpiredTokenException\",\"message\":\"The security token included in the "
      "request is expired\"}",
      "ExpiredTokenException", "The security token included in the request is expired",
      AWS_EXPIRED },
    { "query XML", 403, NULL,
      "<ErrorResponse "
      "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
      "<Code>SignatureDoesNotMatch</Code><Message>m &amp; "
      "n</Message></Error><RequestId>r</RequestId></ErrorResponse>",
      "SignatureDoesNotMatch", "m & n", AWS_SKEWED },
    { "EC2 XML", 503, NULL,
      "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>x</Message></Error></"
      "Errors></Response>",
      "RequestLimitExceeded", "x", AWS_THROTTLED },
    { "S3 XML", 403, NULL,
      "<?xml "
      "version=\"1.0\"?><Error><Code>RequestTimeTooSkewed</Code><Message>t</Message><HostId>h</"
      "HostId></Error>",
      "RequestTimeTooSkewed", "t", AWS_SKEWED },
    { "an HTML page", 502, NULL, "<html><body>Bad Gateway</body></html>", "HTTP 502", "",
      AWS_TRANSIENT },
    { "nothing at all", 500, NULL, "", "HTTP 500", "", AWS_TRANSIENT },
    { "a 429 without a code", 429, NULL, "", "HTTP 429", "", AWS_THROTTLED },
    { "a plain 404", 404, NULL, "{\"x\":1}", "HTTP 404", "", AWS_FINAL },
    { "JSON that is cut", 400, NULL, "{\"__type\":\"Thr", "HTTP 400", "", AWS_FINAL },
    { "no subscription", 400, NULL, "{\"__type\":\"SubscriptionRequiredException\"}",
      "SubscriptionRequiredException", "", AWS_UNAVAILABLE },
    { "unknown key id", 403, NULL,
      "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>",
      "InvalidClientTokenId", "", AWS_BAD_KEYS },
};

static void the_code_is_found_in_every_shape(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        struct arena *mem = arena_new();
        const struct http_header h = { "x-amzn-errortype", shapes[i].header };
        struct http_response r =
            answer(shapes[i].status, shapes[i].body, &h, shapes[i].header ? 1 : 0);
        struct aws_error e;

        aws_error_read(mem, &r, &e);
        if (strcmp(e.code, shapes[i].code) || strcmp(e.message, shapes[i].message) ||
            e.fault != shapes[i].fault)
            fail_msg("%s: %s, \"%s\", fault %d", shapes[i].what, e.code, e.message, (int)e.fault);
        arena_free(mem);
    }
}

static void a_good_answer_is_fine_whatever_its_body_says(void **state)
{
    struct arena *mem = arena_new();
    struct http_response r = answer(200, "{\"__type\":\"ThrottlingException\"}", NULL, 0);
    struct aws_error e;

    (void)state;
    aws_error_read(mem, &r, &e);
    assert_int_equal(e.fault, AWS_FINE);
    arena_free(mem);
}

static void the_legacy_code_of_a_query_service_is_kept_beside(void **state)
{
    static const struct http_header h = { "x-amzn-query-error",
                                          "AWS.SimpleQueueService.NonExistentQueue;Sender" };
    struct arena *mem = arena_new();
    struct http_response r =
        answer(400, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}", &h, 1);
    struct aws_error e;

    (void)state;
    aws_error_read(mem, &r, &e);
    assert_string_equal(e.code, "QueueDoesNotExist");
    assert_string_equal(e.legacy, "AWS.SimpleQueueService.NonExistentQueue");
    arena_free(mem);
}

static void a_denial_names_principal_action_and_account(void **state)
{
    static const char body[] =
        "{\"__type\":\"AccessDeniedException\",\"Message\":\"User: arn:aws:sts::300000000003:"
        "assumed-role/opsdeck-readonly/opsdeck is not authorized to perform: lambda:ListFunctions"
        " on resource: * because no identity-based policy allows the action\"}";
    struct arena *mem = arena_new();
    struct http_response r = answer(403, body, NULL, 0);
    struct aws_error e;

    (void)state;
    aws_error_read(mem, &r, &e);
    assert_int_equal(e.fault, AWS_DENIED);
    assert_string_equal(e.action, "lambda:ListFunctions");
    assert_string_equal(e.account, "300000000003");
    assert_non_null(strstr(e.principal, "opsdeck-readonly"));
    arena_free(mem);
}

static void a_message_cannot_carry_control_bytes(void **state)
{
    struct arena *mem = arena_new();
    struct http_response r = answer(
        400, "{\"__type\":\"A\\u001b[2J\",\"message\":\"b\\u001b]0;t\\u0007\\nc\"}", NULL, 0);
    struct aws_error e;

    (void)state;
    aws_error_read(mem, &r, &e);
    assert_null(strpbrk(e.code, "\x1b\a\n"));
    assert_null(strpbrk(e.message, "\x1b\a\n"));
    arena_free(mem);
}

static void the_wait_of_aws_is_in_milliseconds_and_the_common_one_in_seconds(void **state)
{
    static const struct http_header own = { "x-amz-retry-after", "1500" },
                                    common = { "retry-after", "7" };
    struct http_response r = answer(429, "", &own, 1);

    (void)state;
    assert_int_equal(aws_retry_after_ms(&r, 0), 1500);
    r = answer(429, "", &common, 1);
    assert_int_equal(aws_retry_after_ms(&r, 0), 7000);
    r = answer(429, "", NULL, 0);
    assert_int_equal(aws_retry_after_ms(&r, 0), -1);
}

static void an_account_is_the_fifth_field_of_an_arn(void **state)
{
    struct arena *mem = arena_new();

    (void)state;
    assert_string_equal(aws_arn_account(mem, "arn:aws:iam::123456789012:role/x"), "123456789012");
    assert_null(aws_arn_account(mem, "arn:aws:s3:::bucket"));
    assert_null(aws_arn_account(mem, "123456789012"));
    assert_null(aws_arn_account(mem, ""));
    assert_null(aws_arn_account(mem, NULL));
    arena_free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_code_is_found_in_every_shape),
        cmocka_unit_test(a_good_answer_is_fine_whatever_its_body_says),
        cmocka_unit_test(the_legacy_code_of_a_query_service_is_kept_beside),
        cmocka_unit_test(a_denial_names_principal_action_and_account),
        cmocka_unit_test(a_message_cannot_carry_control_bytes),
        cmocka_unit_test(the_wait_of_aws_is_in_milliseconds_and_the_common_one_in_seconds),
        cmocka_unit_test(an_account_is_the_fifth_field_of_an_arn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
