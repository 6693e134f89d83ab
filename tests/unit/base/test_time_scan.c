/* One reader of times: what is a time to one reader of the program is a time to all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../trips.h"
#include "opsdeck/base/clock.h"
#include "opsdeck/base/err.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/time_scan.h"

#define NOW INT64_C(1795230283123) /* 2026 */

static const struct row {
    const char *text;
    unsigned forms; /* that read it */
    const char *wanted;
} rows[] = {
    { "2026-11-21T03:04:05Z", TIME_ISO, "2026-11-21T03:04:05Z" },
    { "2026-11-21t03:04:05z", TIME_ISO, "2026-11-21T03:04:05Z" },
    { "2026-11-21 03:04:05Z", TIME_ISO, "2026-11-21T03:04:05Z" },
    { "2026-11-21T03:04:05+02:00", TIME_ISO, "2026-11-21T01:04:05Z" },
    { "2026-11-21T03:04:05+0200", TIME_ISO, "2026-11-21T01:04:05Z" },
    { "2026-11-21T03:04:05+02", TIME_ISO, "2026-11-21T01:04:05Z" },
    { "2026-11-21T03:04:05-05:30", TIME_ISO, "2026-11-21T08:34:05Z" },
    { "2026-11-21 03:04:05 +0200", TIME_ISO, "2026-11-21T01:04:05Z" },
    { "2026-11-21 03:04:05 +0000 UTC", TIME_ISO, "2026-11-21T03:04:05Z" },
    { "2026-11-21T03:04:05UTC", TIME_ISO, "2026-11-21T03:04:05Z" },
    { "2026-11-21 03:04:05 GMT", TIME_ISO, "2026-11-21T03:04:05Z" },
    { "2026-11-21T03:04Z", TIME_ISO, "2026-11-21T03:04:00Z" },
    { "2026-11-21T03:04:05.1Z", TIME_ISO, "2026-11-21T03:04:05.100Z" },
    { "2026-11-21T03:04:05.123999999+01:00", TIME_ISO, "2026-11-21T02:04:05.123Z" },
    { "2026-11-21T03:04:05,5Z", TIME_ISO, "2026-11-21T03:04:05.500Z" },
    { "20261121T030405Z", TIME_ISO, "2026-11-21T03:04:05Z" },
    { "  2026-11-21T03:04:05Z\r\n", TIME_ISO, "2026-11-21T03:04:05Z" },
    { "2016-12-31T23:59:60Z", TIME_ISO, "2017-01-01T00:00:00Z" },
    { "1969-12-31T23:59:59Z", TIME_ISO, "1969-12-31T23:59:59Z" },
    { "2024-02-29T00:00:00Z", TIME_ISO, "2024-02-29T00:00:00Z" },
    { "2026-11-21T03:04:05", TIME_ISO | TIME_NO_ZONE_IS_UTC, "2026-11-21T03:04:05Z" },
    { "2026-11-21", TIME_ISO | TIME_NO_ZONE_IS_UTC, "2026-11-21T00:00:00Z" },
    { "21-11-2026 03:04:05", TIME_DMY | TIME_NO_ZONE_IS_UTC, "2026-11-21T03:04:05Z" },
    { "21/11/2026", TIME_DMY | TIME_NO_ZONE_IS_UTC, "2026-11-21T00:00:00Z" },
    { "21-11-2026 03:04:05 +0200", TIME_DMY, "2026-11-21T01:04:05Z" },
    { "Sat, 21 Nov 2026 03:04:05 GMT", TIME_HTTP, "2026-11-21T03:04:05Z" },
    { "Sat, 21 Nov 2026 03:04:05 UTC", TIME_HTTP, "2026-11-21T03:04:05Z" },
    { "Saturday, 21-Nov-26 03:04:05 GMT", TIME_HTTP, "2026-11-21T03:04:05Z" },
    { "Thursday, 29-Feb-96 08:49:37 GMT", TIME_HTTP, "1996-02-29T08:49:37Z" },
    { "Sunday, 06-Nov-94 08:49:37 GMT", TIME_HTTP, "1994-11-06T08:49:37Z" },
    { "Sun Nov  6 08:49:37 1994", TIME_HTTP, "1994-11-06T08:49:37Z" },
    { "1795230283", TIME_EPOCH, "2026-11-21T03:04:43Z" },
    { "1795230283.5", TIME_EPOCH, "2026-11-21T03:04:43.500Z" },
    { "1795230283123", TIME_EPOCH, "2026-11-21T03:04:43.123Z" },
    { "1795230283123456", TIME_EPOCH, "2026-11-21T03:04:43.123Z" },
    { "1795230283123456789", TIME_EPOCH, "2026-11-21T03:04:43.123Z" },
};

static const char *const no_times[] = {
    "",
    " ",
    "Z",
    "soon",
    "2026-11",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-11-21T24:00:00Z",
    "2026-11-21T03:60:00Z",
    "2026-11-21T03:04:61Z",
    "2026-11-21T03:04:05.Z",
    "2026-11-21T03:04:05+2",
    "2026-11-21T03:04:05+24:00",
    "2026-11-21T03:04:05+02:60",
    "2026-11-21T03:04:05+02:0",
    "2026-11-21T03:04:05Zx",
    "2026-11-21X03:04:05Z",
    "026-11-21T03:04:05Z",
    "2026-1-21T03:04:05Z",
    "+2026-11-21T03:04:05Z",
    "21-11-26 03:04:05",
    "32-01-2026",
    "Sat, 31 Feb 2026 03:04:05 GMT",
    "Sat, 21 Nov 2026 03:04:05 CET",
    "Sat, 21 Nov 2026 3:04:05 GMT",
    "Sat 21 Nov 2026",
    "Sat, 29 Feb 2025 03:04:05 GMT",
    "0",
    "-1795230283",
    "1e9",
    "1795230283.",
    ".5",
    "99999999999999999999",
    "0x6b",
    "1795230283 s",
};

static void each_form_is_read_by_its_readers_and_no_other(void **state)
{
    (void)state;
    char text[TIME_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        int64_t ms = -7, same = -7;
        if (!time_scan(r->text, strlen(r->text), r->forms, NOW, &ms))
            fail_msg("\"%s\" is no time", r->text);
        assert_string_equal(time_iso(ms, text), r->wanted);
        assert_true(time_scan(r->text, strlen(r->text), TIME_ANY, NOW, &same));
        assert_int_equal(same, ms);
        same = -7;
        if (time_scan(r->text, strlen(r->text), TIME_ANY & ~r->forms, NOW, &same))
            fail_msg("\"%s\" is a time without its form", r->text);
        assert_int_equal(same, -7);
    }
}

static void what_is_no_time_is_none_to_any_reader(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(no_times); i++) {
        int64_t ms = -7;
        if (time_scan(no_times[i], strlen(no_times[i]), TIME_ANY, NOW, &ms))
            fail_msg("\"%s\" is a time: %lld", no_times[i], (long long)ms);
        assert_int_equal(ms, -7);
    }
}

static void no_byte_past_the_length_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t n = 0; n <= strlen(rows[i].text); n++) {
            char *exact = malloc(n + 1); /* a sanitizer sees what comes after */
            int64_t ms;
            memcpy(exact, rows[i].text, n);
            time_scan(exact, n, TIME_ANY, NOW, &ms);
            free(exact);
        }
}

/* What is a time with its zone is one on the command line, in OPSDECK_NOW and to AWS, too. */
static void the_command_line_takes_what_the_others_take(void **state)
{
    (void)state;
    struct err e;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        int64_t ms = -7, moment = -7;
        bool is_one = r->forms == TIME_ISO || r->forms == TIME_HTTP || r->forms == TIME_EPOCH;
        if (time_parse_moment(r->text, NOW, &moment, &e) != is_one)
            fail_msg("\"%s\": %s", r->text, is_one ? e.text : "taken without a zone");
        assert_true(time_scan(r->text, strlen(r->text), r->forms, NOW, &ms));
        assert_int_equal(moment, is_one ? ms : -7);
        if (r->forms == TIME_ISO)
            assert_true(time_parse_rfc3339(r->text, &ms));
    }
    int64_t ms;
    assert_false(time_parse_moment("2026", NOW, &ms, &e));
    assert_false(time_parse_moment("30", NOW, &ms, &e));
}

static void compact_times_are_read_back(void **state)
{
    (void)state;
    char text[TIME_TEXT_MAX];
    int64_t ms;

    assert_string_equal(time_compact(1795230283123, text), "20261121T030443Z");
    assert_true(time_scan(text, strlen(text), TIME_ISO, NOW, &ms));
    assert_int_equal(ms, 1795230283000);
    assert_string_equal(time_compact(INT64_MAX, text), "");
}

static void scan_nothing(void *arg)
{
    time_scan(arg, 0, TIME_ANY, NOW, &(int64_t){ 0 });
}

static void wait_backwards(void *arg)
{
    clock_deadline(-1, arg);
}

static void preconditions_are_checked(void **state)
{
    (void)state;
    assert_true(trips(scan_nothing, NULL, "time_scan"));
    assert_true(trips(wait_backwards, &(struct timespec){ 0 }, "clock_deadline"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_is_read_by_its_readers_and_no_other),
        cmocka_unit_test(what_is_no_time_is_none_to_any_reader),
        cmocka_unit_test(no_byte_past_the_length_is_read),
        cmocka_unit_test(the_command_line_takes_what_the_others_take),
        cmocka_unit_test(compact_times_are_read_back),
        cmocka_unit_test(preconditions_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
