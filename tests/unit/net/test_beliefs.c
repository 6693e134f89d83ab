/* Preconditions of the room that a mistake of ours would break: each ends the program by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ev.h>

#include "../trips.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/aws_credentials.h"
#include "opsdeck/net/aws_sign.h"
#include "opsdeck/net/http.h"
#include "opsdeck/net/retry.h"
#include "opsdeck/net/token.h"

static void http_without_a_loop(void *arg)
{
    http_new(&(struct http_opts){ .loop = arg }, NULL);
}

static void send_without_anybody_to_tell(void *arg)
{
    http_send(arg, &(struct http_request){ .url = "http://127.0.0.1:1/" }, NULL, NULL, NULL);
}

static void cancel_of_nothing(void *arg)
{
    http_cancel(arg, 1);
}

static void header_without_a_name(void *arg)
{
    http_response_header(arg, NULL);
}

static void class_of_no_answer(void *arg)
{
    (void)retry_class_of(arg);
}

static void back_off_without_a_cap(void *arg)
{
    (void)arg;
    (void)retry_backoff_ms(1, 1000, 0, 0.5);
}

static void keys_without_a_client(void *arg)
{
    aws_creds_new(&(struct aws_creds_opts){ .http = arg });
}

static void sign_without_a_signer(void *arg)
{
    struct http_header out[8];
    size_t n;

    (void)!aws_sign(arg, &(struct aws_signing){ .service = "sqs" }, arena_new(), out, &n, NULL);
}

static void variable_without_a_name(void *arg)
{
    aws_config_get(arg, NULL, NULL);
}

static void proxy_of_no_address(void *arg)
{
    aws_config_proxy(arg, NULL);
}

static void token_for_nobody(void *arg)
{
    tokens_get(arg, &(struct token_ref){ .env = "X" }, NULL, NULL);
}

static void preconditions_end_the_program_by_name(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(0);
    struct http *h = http_new(&(struct http_opts){ .loop = loop }, NULL);
    struct http_response r = { 0 };
    struct aws_config *c = aws_config_load(NULL, NULL);
    struct tokens *t = tokens_new(loop);

    assert_true(trips(http_without_a_loop, NULL, "http_new"));
    assert_true(trips(send_without_anybody_to_tell, h, "http_send"));
    assert_true(trips(cancel_of_nothing, NULL, "http_cancel"));
    assert_true(trips(header_without_a_name, &r, "http_response_header"));
    assert_true(trips(class_of_no_answer, NULL, "retry_class_of"));
    assert_true(trips(back_off_without_a_cap, NULL, "retry_backoff_ms"));
    assert_true(trips(keys_without_a_client, NULL, "aws_creds_new"));
    assert_true(trips(sign_without_a_signer, NULL, "aws_sign"));
    assert_true(trips(variable_without_a_name, c, "aws_config_get_in"));
    assert_true(trips(proxy_of_no_address, c, "aws_config_proxy"));
    assert_true(trips(token_for_nobody, t, "tokens_get"));
    tokens_free(t);
    aws_config_free(c);
    http_free(h);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preconditions_end_the_program_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
