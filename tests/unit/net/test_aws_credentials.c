/* Written keys; caching, refresh ahead, one flight, expiry, clocks. */
#include "aws_cred_test.h"

/* ---- written keys */

static void keys_of_the_environment_come_first_without_a_profile(void **state)
{
    (void)state;
    set_var("AWS_ACCESS_KEY_ID", "AKIAENV");
    set_var("AWS_SECRET_ACCESS_KEY", "env-secret");
    set_var("AWS_SECURITY_TOKEN", "env-token");
    begin("", "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = file-secret\n");
    struct got g = good(NULL, "AKIAENV");
    assert_string_equal(g.secret, "env-secret");
    assert_string_equal(g.token, "env-token");
    assert_int_equal(g.expires_ms, 0);
    good("default", "AKIAFILE"); /* a profile that is asked for beats them */
}

static void a_key_id_without_its_secret_is_an_error(void **state)
{
    (void)state;
    set_var("AWS_ACCESS_KEY_ID", "AKIAENV");
    begin("", "[half]\naws_access_key_id = AKIAHALF\n");
    bad(NULL, "environment", "AWS_SECRET_ACCESS_KEY is not");
    bad("half", ".aws/credentials", "aws_secret_access_key is not");
}

static void keys_of_the_environment_that_have_ended_are_named(void **state)
{
    (void)state;
    set_var("AWS_ACCESS_KEY_ID", "AKIAENV");
    set_var("AWS_SECRET_ACCESS_KEY", "env-secret");
    set_var("AWS_CREDENTIAL_EXPIRATION", "%s", iso(T0 - MINUTE));
    begin("", "");
    bad(NULL, "ended at 2026-06-07T11:59:00Z", "export new AWS_* variables");
}

static void a_profile_that_does_not_exist_is_an_error(void **state)
{
    (void)state;
    set_var("AWS_PROFILE", "gone");
    begin("", BASE_KEYS);
    bad("bsae", "bsae", "");
    bad(NULL, "gone", "");
    assert_int_equal(asked(), 0);
}

static void keys_of_the_credentials_file_beat_those_of_the_config(void **state)
{
    (void)state;
    begin("[profile base]\naws_access_key_id = AKIACONF\naws_secret_access_key = conf-secret\n"
          "[profile only]\naws_access_key_id = AKIAONLY\naws_secret_access_key = only-secret\n"
          "aws_session_token = only-token\nregion = eu-north-1\n",
          BASE_KEYS);
    struct got g = good("base", "AKIABASE");
    assert_non_null(strstr(g.source, "profile base"));
    assert_non_null(strstr(g.source, ".aws/credentials"));
    g = good("only", "AKIAONLY");
    assert_string_equal(g.token, "only-token");
    assert_string_equal(g.region, "eu-north-1");
    assert_non_null(strstr(g.source, ".aws/config"));
}

/* ---- the cache of sets */

static void asks_at_the_same_time_share_one_request(void **state)
{
    struct got a = { 0 }, b = { 0 }, gone = { 0 };

    (void)state;
    begin(LIVE_ROLE, BASE_KEYS);
    answer_sts("AssumeRole", NULL, "ASIALIVE", T0 + 60 * MINUTE);
    aws_creds_get(creds, "live", NULL, on_keys, &a);
    aws_creds_get(creds, "live", NULL, on_keys, &gone);
    aws_creds_get(creds, "live", NULL, on_keys, &b);
    aws_creds_cancel(creds, &gone);
    assert_int_equal(a.calls + b.calls, 0);
    wait_for(&a);
    wait_for(&b);
    assert_string_equal(b.id, "ASIALIVE");
    assert_int_equal(gone.calls, 0);
    assert_int_equal(asked(), 1);
}

static void old_keys_serve_while_new_ones_are_fetched(void **state)
{
    (void)state;
    begin(LIVE_ROLE, BASE_KEYS);
    struct route *first = answer_sts("AssumeRole", NULL, "ASIAOLD", T0 + 60 * MINUTE);
    first->times = 1;
    answer_sts("AssumeRole", NULL, "ASIANEW", T0 + 120 * MINUTE);
    good("live", "ASIAOLD");
    now_ms += 46 * MINUTE;
    web_hold(true);
    good("live", "ASIAOLD");
    good("live", "ASIAOLD");
    web_hold(false);
    for (int i = 0; i < 100 && strcmp(keys_of("live").id, "ASIANEW") != 0; i++)
        run_loop(loop, 0.05);
    good("live", "ASIANEW");
    assert_int_equal(asked(), 2);
}

static void a_refresh_that_fails_early_costs_nothing_and_late_is_an_error(void **state)
{
    (void)state;
    begin(LIVE_ROLE, BASE_KEYS);
    struct route *first = answer_sts("AssumeRole", NULL, "ASIAOLD", T0 + 60 * MINUTE);
    first->times = 1;
    answer_sts_error(403, "AccessDenied", "no more");
    good("live", "ASIAOLD");
    now_ms = T0 + 46 * MINUTE;
    for (int i = 0; i < 100 && asked() < 2; i++) {
        good("live", "ASIAOLD");
        run_loop(loop, 0.05);
    }
    run_loop(loop, 0.2);
    good("live", "ASIAOLD");
    assert_int_equal(asked(), 2);
    now_ms = T0 + 51 * MINUTE;
    bad("live", "AccessDenied", "no more");
    assert_int_equal(asked(), 3);
}

static void a_short_session_is_used_for_half_its_life(void **state)
{
    (void)state;
    begin(LIVE_ROLE, BASE_KEYS);
    answer_sts("AssumeRole", NULL, "ASIASHORT", T0 + 15 * MINUTE);
    good("live", "ASIASHORT");
    now_ms += 7 * MINUTE;
    good("live", "ASIASHORT");
    run_loop(loop, 0.1);
    assert_int_equal(asked(), 1);
}

static void expired_keys_are_not_given_out_again(void **state)
{
    (void)state;
    begin(LIVE_ROLE, BASE_KEYS);
    struct route *first = answer_sts("AssumeRole", NULL, "ASIAOLD", T0 + 60 * MINUTE);
    first->times = 1;
    answer_sts("AssumeRole", NULL, "ASIANEW", T0 + 60 * MINUTE);
    good("live", "ASIAOLD");
    aws_creds_expired(creds, "live", "ASIAOTHER");
    good("live", "ASIAOLD");
    aws_creds_expired(creds, "live", "ASIAOLD");
    good("live", "ASIANEW"); /* nor from ~/.aws/cli/cache, which still has the old ones */
}

static void written_keys_that_have_expired_are_an_error(void **state)
{
    (void)state;
    begin("", BASE_KEYS);
    good("base", "AKIABASE");
    aws_creds_expired(creds, "base", "AKIABASE");
    bad("base", "have expired", "write new keys into the file");
}

static void an_endpoint_of_the_profile_holds_for_sts_too(void **state)
{
    char text[300];

    (void)state;
    vars[1][1][0] = '\0'; /* AWS_ENDPOINT_URL_STS */
    snprintf(text, sizeof text, LIVE_ROLE "endpoint_url = http://127.0.0.1:%d/prefix\n", web.port);
    begin(text, BASE_KEYS);
    answer_with("POST /prefix/ ", NULL, 503, "");
    bad("live", "503", "");
    assert_int_equal(asked(), 1);
}

static void an_sts_that_does_not_answer_is_told_and_nothing_more(void **state)
{
    (void)state;
    snprintf(vars[1][1], sizeof vars[1][1], "http://127.0.0.1:1"); /* AWS_ENDPOINT_URL_STS */
    begin(LIVE_ROLE, BASE_KEYS);
    bad("live", "AWS profile live", "127.0.0.1:1");
    assert_int_equal(asked(), 0);
}

static void what_was_obtained_is_known_to_the_redactor(void **state)
{
    struct sbuf sb;

    (void)state;
    begin(LIVE_ROLE, BASE_KEYS);
    answer_sts("AssumeRole", NULL, "ASIALIVE", T0 + 60 * MINUTE);
    good("live", "ASIALIVE");
    sbuf_init(&sb, 1024);
    sbuf_adds(&sb, "a base-secret-1 b secret-of-ASIALIVE c token-of-ASIALIVE d");
    redact_text(&sb);
    assert_string_equal(sb.buf, "a *** b *** c *** d");
    sbuf_release(&sb);
}

static void nobody_is_called_after_the_end(void **state)
{
    struct got g = { 0 };

    (void)state;
    begin(LIVE_ROLE, BASE_KEYS);
    answer_sts("AssumeRole", NULL, "ASIALIVE", T0 + 60 * MINUTE);
    aws_creds_get(creds, "live", NULL, on_keys, &g);
    stop();
    run_loop(loop, 0.1);
    assert_int_equal(g.calls, 0);
}

static void a_servers_clock_is_learned_by_host(void **state)
{
    static const struct http_header age = { "age", "12" };
    struct http_response r = { .date_ms = T0 + 10 * MINUTE };

    (void)state;
    begin("", "");
    assert_int_equal(aws_clock_offset_ms(creds, "a"), 0);
    assert_true(aws_clock_learn(creds, "a", &r, T0));
    assert_int_equal(aws_clock_offset_ms(creds, "a"), 10 * MINUTE);
    assert_int_equal(aws_clock_offset_ms(creds, "b"), 0);
    r.date_ms = T0 + 7 * MINUTE;
    assert_false(aws_clock_learn(creds, "a", &r, T0)); /* three minutes less */
    assert_int_equal(aws_clock_offset_ms(creds, "a"), 7 * MINUTE);
    r.headers = &age;
    r.nheaders = 1;
    r.date_ms = T0 + 60 * MINUTE;
    assert_false(aws_clock_learn(creds, "a", &r, T0)); /* a cached answer */
    r.nheaders = 0;
    r.date_ms = 0;
    assert_false(aws_clock_learn(creds, "a", &r, T0));
    assert_int_equal(aws_clock_offset_ms(creds, "a"), 7 * MINUTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_of_the_environment_come_first_without_a_profile),
        TEST(a_key_id_without_its_secret_is_an_error),
        TEST(keys_of_the_environment_that_have_ended_are_named),
        TEST(a_profile_that_does_not_exist_is_an_error),
        TEST(keys_of_the_credentials_file_beat_those_of_the_config),
        TEST(asks_at_the_same_time_share_one_request),
        TEST(old_keys_serve_while_new_ones_are_fetched),
        TEST(a_refresh_that_fails_early_costs_nothing_and_late_is_an_error),
        TEST(a_short_session_is_used_for_half_its_life),
        TEST(expired_keys_are_not_given_out_again),
        TEST(written_keys_that_have_expired_are_an_error),
        TEST(an_endpoint_of_the_profile_holds_for_sts_too),
        TEST(an_sts_that_does_not_answer_is_told_and_nothing_more),
        TEST(what_was_obtained_is_known_to_the_redactor),
        TEST(nobody_is_called_after_the_end),
        TEST(a_servers_clock_is_learned_by_host),
    };

    return cmocka_run_group_tests(tests, start_all, end_all);
}
