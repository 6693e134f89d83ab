/* Retry-After in all its forms, classes of answers, and the jittered pause. */
#include "net_test.h"

#include "opsdeck/base/clock.h"
#include "opsdeck/net/retry.h"

enum {
    NONE = -1
};

/* Sun, 06 Nov 1994 08:49:37 GMT */
static const int64_t NOW = 784111777000;

static int64_t wait_of(const char *after, int64_t date_ms)
{
    struct http_header h = { "retry-after", after };
    struct http_response r = {
        .status = 429, .headers = &h, .nheaders = after ? 1 : 0, .date_ms = date_ms
    };

    return retry_after_ms(&r, NOW);
}

static void retry_after_is_read_in_seconds_and_three_date_forms(void **state)
{
    (void)state;
    static const struct {
        const char *after;
        int64_t want_ms;
    } cases[] = {
        { "1", 1000 },
        { "120", 120000 },
        { "900", 900000 },
        { "Sun, 06 Nov 1994 08:50:07 GMT", 30000 },
        { "Sunday, 06-Nov-94 08:50:07 GMT", 30000 },
        { "Sun Nov  6 08:50:07 1994", 30000 },
        { "Wed Nov 16 08:50:07 1994", 900000 },
        { "sun, 06 nov 1994 08:50:07 GMT", 30000 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (wait_of(cases[i].after, 0) != cases[i].want_ms)
            fail_msg("%s: %lld", cases[i].after, (long long)wait_of(cases[i].after, 0));
}

static void a_hostile_retry_after_is_clamped_or_ignored(void **state)
{
    (void)state;
    static const struct {
        const char *after;
        int64_t want_ms;
    } cases[] = {
        { "0", 1000 },
        { "901", 900000 },
        { "99999999999", 900000 },
        { "99999999999999999999999999999999999999", 900000 },
        { "1.5", 2000 },
        { "2.0", 2000 },
        { "0.001", 1000 },
        { "Fri, 31 Dec 9999 23:59:59 GMT", 900000 },
        { "Sun, 06 Nov 1994 08:49:36 GMT", 1000 },
        { "Thu, 01 Jan 1970 00:00:00 GMT", 1000 },
        { "-5", NONE },
        { "+5", NONE },
        { "5 s", NONE },
        { "5,6", NONE },
        { "1.", NONE },
        { ".5", NONE },
        { "1e3", NONE },
        { "0x10", NONE },
        { "", NONE },
        { " ", NONE },
        { "soon", NONE },
        { "Sun, 06 Nov 1994 08:50:07", NONE },
        { "Sun, 06 Nov 1994 08:50:07 CET", NONE },
        { "Sun, 06 Nov 1994 24:50:07 GMT", NONE },
        { "Sun, 32 Nov 1994 08:50:07 GMT", NONE },
        { "Sun, 06 Foo 1994 08:50:07 GMT", NONE },
        { "Sun, 6 Nov 1994 08:50:07 GMT", NONE },
        { "1994-11-06T08:50:07Z", NONE },
        { NULL, NONE },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (wait_of(cases[i].after, 0) != cases[i].want_ms)
            fail_msg("%s: %lld", cases[i].after ? cases[i].after : "none",
                     (long long)wait_of(cases[i].after, 0));
}

static void dates_are_compared_with_the_servers_own_clock(void **state)
{
    (void)state;
    /* The server is three hours behind us; it still means 30 s. */
    assert_int_equal(wait_of("Sun, 06 Nov 1994 05:50:07 GMT", NOW - (int64_t)3 * 3600 * 1000),
                     30000);
    assert_int_equal(wait_of("7", NOW - (int64_t)3 * 3600 * 1000), 7000);
}

static void two_digit_years_are_at_most_fifty_years_ahead(void **state)
{
    (void)state;
    /* Against a clock in 2026: 76 is 2076 minus nothing, 77 is 1977. */
    const int64_t in_2026 = 1795000000000;
    assert_int_equal(wait_of("Sunday, 06-Nov-75 08:50:07 GMT", in_2026), 900000);
    assert_int_equal(wait_of("Sunday, 06-Nov-99 08:50:07 GMT", in_2026), 1000);
}

static void a_spent_budget_waits_for_its_reset(void **state)
{
    (void)state;
    static const struct {
        const char *remaining, *reset;
        int64_t want_ms;
    } cases[] = {
        { "0", "784111837", 60000 },
        { "0", "784111700", 1000 },
        { "1", "784111837", NONE },
        { "0", "junk", NONE },
        { "junk", "784111837", NONE },
        { "0", "99999999999999999999", NONE },
        { "0", "", NONE },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_header hs[] = { { "x-ratelimit-remaining", cases[i].remaining },
                                    { "x-ratelimit-reset", cases[i].reset } };
        struct http_response r = { .status = 403, .headers = hs, .nheaders = 2 };
        /* 784111837 s is under 10^9, which is where seconds from now would end: see 2001. */
        int64_t shift = (int64_t)1000000000 * 1000, want = cases[i].want_ms;
        char reset[32];
        snprintf(reset, sizeof reset, "1%s", cases[i].reset);
        if (want != NONE)
            hs[1].value = reset; /* 1784111837: the same moment 10^9 seconds on */
        int64_t got = retry_after_ms(&r, NOW + shift);
        if (got != want)
            fail_msg("case %zu: %lld", i, (long long)got);
    }
    struct http_header delta[] = { { "ratelimit-remaining", "0" }, { "ratelimit-reset", "30" } };
    struct http_response r = { .status = 429, .headers = delta, .nheaders = 2 };
    assert_int_equal(retry_after_ms(&r, NOW), 30000);
}

static void answers_have_their_class(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *header, *value;
        enum retry_class want;
    } cases[] = {
        { 200, NULL, NULL, RETRY_NO },
        { 304, NULL, NULL, RETRY_NO },
        { 302, NULL, NULL, RETRY_NO },
        { 400, NULL, NULL, RETRY_NO },
        { 401, NULL, NULL, RETRY_NO },
        { 403, NULL, NULL, RETRY_NO },
        { 404, NULL, NULL, RETRY_NO },
        { 403, "retry-after", "5", RETRY_THROTTLE },
        { 403, "x-ratelimit-remaining", "0", RETRY_THROTTLE },
        { 403, "x-ratelimit-remaining", "17", RETRY_NO },
        { 408, NULL, NULL, RETRY_BACKOFF },
        { 429, NULL, NULL, RETRY_THROTTLE },
        { 500, NULL, NULL, RETRY_BACKOFF },
        { 501, NULL, NULL, RETRY_NO },
        { 502, NULL, NULL, RETRY_BACKOFF },
        { 503, NULL, NULL, RETRY_BACKOFF },
        { 503, "retry-after", "5", RETRY_THROTTLE },
        { 599, NULL, NULL, RETRY_BACKOFF },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_header h = { cases[i].header, cases[i].value };
        struct http_response r = { .status = cases[i].status,
                                   .headers = &h,
                                   .nheaders = cases[i].header ? 1 : 0 };
        if (retry_class_of(&r) != cases[i].want)
            fail_msg("%d %s", cases[i].status, cases[i].value ? cases[i].value : "");
    }
    struct http_response limit = { .status = 200, .err = { .code = ERR_LIMIT } };
    assert_int_equal(retry_class_of(&limit), RETRY_NO);
    struct http_response late = { .err = { .code = ERR_TIMEOUT } };
    assert_int_equal(retry_class_of(&late), RETRY_BACKOFF);
}

static void the_pause_doubles_up_to_its_cap_with_full_jitter(void **state)
{
    (void)state;
    assert_int_equal(retry_backoff_ms(0, 1000, 60000, 0.5), 500);
    assert_int_equal(retry_backoff_ms(1, 1000, 60000, 0.5), 1000);
    assert_int_equal(retry_backoff_ms(3, 1000, 60000, 0.25), 2000);
    assert_int_equal(retry_backoff_ms(6, 1000, 60000, 0.5), 30000);
    assert_int_equal(retry_backoff_ms(1000000, 1000, 60000, 0.5), 30000);
    assert_int_equal(retry_backoff_ms(0, 1000, 60000, 0.0), 50);
    assert_int_equal(retry_backoff_ms(-1, 0, 60000, 0.9), 50);
    assert_int_equal(retry_backoff_ms(5, 1000, 2000, 1.0), 2000);
    assert_int_equal(retry_backoff_ms(63, INT64_MAX / 4, INT64_MAX / 2, 0.0), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after_is_read_in_seconds_and_three_date_forms),
        cmocka_unit_test(a_hostile_retry_after_is_clamped_or_ignored),
        cmocka_unit_test(dates_are_compared_with_the_servers_own_clock),
        cmocka_unit_test(two_digit_years_are_at_most_fifty_years_ahead),
        cmocka_unit_test(a_spent_budget_waits_for_its_reset),
        cmocka_unit_test(answers_have_their_class),
        cmocka_unit_test(the_pause_doubles_up_to_its_cap_with_full_jitter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
