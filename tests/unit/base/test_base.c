/* Errors, arenas, buffers, rows, times and units. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/err.h"
#include "opsdeck/base/hide.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/secret.h"

static void context_is_put_before_the_reason(void **state)
{
    (void)state;
    struct err e = { 0 };

    assert_false(err_set(&e, ERR_HTTP, 503, "HTTP %d\x1b[31m", 503));
    assert_false(err_ctx(&e, "poll of %s", "reports"));
    assert_string_equal(e.text, "poll of reports: HTTP 503\xef\xbf\xbd[31m");
    assert_int_equal(e.detail, 503);
    assert_false(err_set(NULL, ERR_IO, 0, "nobody listens"));
    for (int i = 0; i < 100; i++)
        err_ctx(&e, "a long context of some words that is added again and again");
    assert_true(strlen(e.text) < sizeof e.text);
}

static void arenas_keep_large_and_small_apart(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char *small = arena_strdup(a, "small");
    char *large = arena_alloc(a, 1 << 20);

    memset(large, 'x', 1 << 20);
    char *more = arena_printf(a, "%d-%s", 7, "z");
    assert_string_equal(small, "small");
    assert_string_equal(more, "7-z");
    assert_true(arena_bytes(a) >= 1 << 20);
    arena_reset(a);
    assert_string_equal(arena_strdup(a, "again"), "again");
    assert_null(arena_strdup(a, NULL));
    arena_free(a);
    arena_free(NULL);
}

static void a_full_buffer_says_so_and_keeps_what_it_had(void **state)
{
    (void)state;
    struct sbuf sb;

    sbuf_init(&sb, 5);
    assert_true(sbuf_adds(&sb, "abc"));
    assert_false(sbuf_adds(&sb, "def"));
    assert_true(sb.is_full);
    assert_string_equal(sb.buf, "abc");
    sbuf_release(&sb);
    sbuf_release(NULL);
}

static void a_zeroed_buffer_takes_nothing_and_ends(void **state)
{
    (void)state;
    struct sbuf sb = { 0 };

    assert_true(sbuf_add(&sb, "", 0));
    assert_string_equal(sb.buf, "");
    assert_false(sbuf_addc(&sb, 'x'));
    assert_true(sb.is_full);
    sbuf_release(&sb);
}

static void rows_answer_for_absent_columns(void **state)
{
    (void)state;
    const char *const cols[] = { "key", "n" };
    struct row_set *rs = row_set_new(cols, 2);
    struct cell *row = row_set_add(rs);

    cell_set_text(&row[0], rs, "k");
    cell_set_int(&row[1], rs, -5);
    assert_string_equal(row_set_text(rs, 0, "key"), "k");
    assert_int_equal(row_set_int(rs, 0, "n", 0), -5);
    assert_string_equal(row_set_at(rs, 0, 1)->text, "-5");
    assert_int_equal(row_set_int(rs, 0, "absent", 42), 42);
    assert_string_equal(row_set_text(rs, 9, "key"), "");
    row_set_free(rs);
}

static void durations_carry_units(void **state)
{
    (void)state;
    int64_t ms;
    char out[TIME_TEXT_MAX];

    assert_true(dur_parse("1h30m", &ms));
    assert_int_equal(ms, 5400000);
    assert_string_equal(dur_format(ms, out), "1h30m");
    assert_true(dur_parse("250ms", &ms));
    assert_int_equal(ms, 250);
    assert_true(dur_parse("0", &ms));
    assert_false(dur_parse("30", &ms));
    assert_false(dur_parse("soon", &ms));
    assert_false(dur_parse("", &ms));
    assert_false(dur_parse("99999999999999999999s", &ms));
    assert_false(dur_parse("9223372036854775807d", &ms));
    assert_true(size_parse("2GiB", &ms));
    assert_int_equal(ms, 2147483648LL);
    assert_true(size_parse("512", &ms));
    assert_false(size_parse("2 GiB", &ms));
    assert_false(str_to_i64("12x", 0, 99, &ms));
    assert_false(str_to_i64("100", 0, 99, &ms));
    assert_true(str_to_i64("-3", -5, 5, &ms));
}

static void times_are_utc_and_strict(void **state)
{
    (void)state;
    int64_t ms;
    char out[TIME_TEXT_MAX];

    assert_true(time_parse_rfc3339("2026-11-21T03:04:05.120+01:00", &ms));
    assert_string_equal(time_iso(ms, out), "2026-11-21T02:04:05.120Z");
    assert_true(time_parse_rfc3339("2024-02-29T00:00:00Z", &ms));
    assert_false(time_parse_rfc3339("2025-02-29T00:00:00Z", &ms));
    assert_false(time_parse_rfc3339("2026-11-21T03:04:05", &ms));
    assert_false(time_parse_rfc3339("2026-11-21T24:04:05Z", &ms));
    assert_int_equal(time_from_utc(1970, 1, 1, 0, 0, 0, 0), 0);
    assert_string_equal(time_age(-5, out), "0s");
    assert_string_equal(time_age(61000, out), "1m");
    assert_string_equal(time_age(90000000, out), "25h");
}

static void moments_are_the_last_such_local_time(void **state)
{
    (void)state;
    int64_t now, ms;
    struct err e;
    char out[TIME_TEXT_MAX];

    setenv("TZ", "UTC", 1);
    tzset();
    assert_true(time_parse_rfc3339("2026-11-21T03:00:00Z", &now));
    assert_true(time_parse_moment("14:05", now, &ms, &e));
    assert_string_equal(time_iso(ms, out), "2026-11-20T14:05:00Z");
    assert_true(time_parse_moment("02:59:59", now, &ms, &e));
    assert_string_equal(time_iso(ms, out), "2026-11-21T02:59:59Z");
    assert_true(time_parse_moment("-30m", now, &ms, &e));
    assert_int_equal(now - ms, 1800000);
    assert_false(time_parse_moment("25:00", now, &ms, &e));
    assert_int_equal(e.code, ERR_USAGE);
}

/* Wanted values were counted minute by minute with Python's zoneinfo. */
static void a_time_that_comes_twice_or_not_at_all_is_the_last_one(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *now, *text, *wanted;
    } rows[] = {
        { "Europe/London", "2026-10-25T12:00:00Z", "11:30", "2026-10-25T11:30:00Z" },
        { "Europe/London", "2026-10-25T00:45:00Z", "01:30", "2026-10-25T00:30:00Z" },
        { "Europe/London", "2026-10-25T01:15:00Z", "01:30", "2026-10-25T00:30:00Z" },
        { "Europe/London", "2026-10-25T01:45:00Z", "01:30", "2026-10-25T01:30:00Z" },
        { "Europe/London", "2026-10-26T00:45:00Z", "01:30:30", "2026-10-25T01:30:30Z" },
        { "America/New_York", "2026-11-01T06:15:00Z", "01:30", "2026-11-01T05:30:00Z" },
        { "America/New_York", "2026-11-01T06:45:00Z", "01:30", "2026-11-01T06:30:00Z" },
        /* 02:30 is left out on 29 March. */
        { "Europe/Berlin", "2026-03-29T09:00:00Z", "02:30", "2026-03-28T01:30:00Z" },
        /* Half an hour back. */
        { "Australia/Lord_Howe", "2026-04-04T15:10:00Z", "01:45", "2026-04-04T14:45:00Z" },
        { "Australia/Lord_Howe", "2026-04-04T15:20:00Z", "01:45", "2026-04-04T15:15:00Z" },
        /* 30 December 2011 was left out whole. */
        { "Pacific/Apia", "2011-12-30T11:00:00Z", "23:30", "2011-12-30T09:30:00Z" },
    };
    struct err e = { 0 };
    char out[TIME_TEXT_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t now, ms = 0;
        setenv("TZ", rows[i].zone, 1);
        tzset();
        assert_true(time_parse_rfc3339(rows[i].now, &now));
        assert_true(time_parse_moment(rows[i].text, now, &ms, &e));
        assert_string_equal(time_iso(ms, out), rows[i].wanted);
    }
    setenv("TZ", "UTC", 1);
    tzset();
}

static void hide(struct sbuf *line)
{
    char *at = strstr(line->buf, "hunter2");

    if (at)
        memcpy(at, "*******", 7);
}

static size_t hide_bytes(char *s, size_t n)
{
    struct sbuf all = { .buf = s, .len = n };

    hide(&all);
    return n;
}

static const struct hide_hooks hooks = { .values = hide_bytes, .text = hide };

static void log_lines_are_clean_and_redacted(void **state)
{
    (void)state;
    struct sbuf out;

    sbuf_init(&out, 4096);
    hide_set_hooks(&hooks);
    log_add(LOG_WARN, "net", "secret %s and \x1b]0;title\x07", "hunter2");
    log_add(LOG_DEBUG, "net", "not kept at this level");
    log_tail(10, &out);
    assert_non_null(strstr(out.buf, "warn net: secret ******* and \xef\xbf\xbd]0;title"));
    assert_null(strstr(out.buf, "not kept"));
    sbuf_release(&out);
    hide_set_hooks(NULL);
    log_close();
}

static const char token[] = "hunter2-hunter2-hunter2";

static void hide_token(struct sbuf *text)
{
    char *at = strstr(text->buf, token);

    if (at)
        memset(at, '*', strlen(token));
}

static const struct hide_hooks token_hooks = { .values = hide_bytes, .text = hide_token };

static void a_secret_is_hidden_before_an_error_or_a_line_is_cut(void **state)
{
    (void)state;
    char text[5000];
    struct sbuf out;

    hide_set_hooks(&token_hooks);
    for (size_t pad = 0; pad < 2200; pad++) {
        struct err e = { 0 };
        memset(text, 'x', pad);
        strcpy(text + pad, token);
        err_set(&e, ERR_NET, 0, "%s", text);
        assert_null(strstr(e.text, "hunte"));
        err_errno(&e, ENOENT, "open %s", text);
        assert_null(strstr(e.text, "hunte"));
        err_ctx(&e, "while %s", text);
        assert_null(strstr(e.text, "hunte"));
        log_add(LOG_WARN, "net", "%s", text);
    }
    sbuf_init(&out, 4 << 20);
    log_tail(500, &out);
    assert_null(strstr(out.buf, "hunte"));
    sbuf_release(&out);
    hide_set_hooks(NULL);
    log_close();
}

static void secrets_release_twice(void **state)
{
    (void)state;
    struct secret s = { 0 };

    secret_set(&s, "abc", 3);
    secret_set(&s, "defg", 4);
    assert_string_equal(s.bytes, "defg");
    secret_release(&s);
    secret_release(&s);
    assert_null(s.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_is_put_before_the_reason),
        cmocka_unit_test(arenas_keep_large_and_small_apart),
        cmocka_unit_test(a_full_buffer_says_so_and_keeps_what_it_had),
        cmocka_unit_test(a_zeroed_buffer_takes_nothing_and_ends),
        cmocka_unit_test(rows_answer_for_absent_columns),
        cmocka_unit_test(durations_carry_units),
        cmocka_unit_test(times_are_utc_and_strict),
        cmocka_unit_test(moments_are_the_last_such_local_time),
        cmocka_unit_test(a_time_that_comes_twice_or_not_at_all_is_the_last_one),
        cmocka_unit_test(log_lines_are_clean_and_redacted),
        cmocka_unit_test(a_secret_is_hidden_before_an_error_or_a_line_is_cut),
        cmocka_unit_test(secrets_release_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
