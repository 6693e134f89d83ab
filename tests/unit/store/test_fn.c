/* SQL functions of recipes: one SELECT a line, and what it must give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/store/sandbox.h"

#include "../../../src/store/store_priv.h"

static const int64_t now = 1795226683000;

/* The value as text, "NULL", or "! error". */
static char *eval(struct sandbox *sb, const char *expr)
{
    struct arena *mem = arena_new();
    const struct sandbox_input in = { .source = "s", .now_ms = now };
    const struct map_sql sql = { arena_printf(mem, "SELECT %s AS x", expr), "f.yaml", 3, 5 };
    struct row_set *rs;
    struct err e = { 0 };
    char *got;

    if (sandbox_rows(sb, &sql, &in, &rs, &e)) {
        const struct cell *c = row_set_at(rs, 0, 0);
        got = xstrdup(c->type == CELL_NULL ? "NULL" : c->text);
        row_set_free(rs);
    } else {
        size_t n = strlen(e.text) + 3;
        got = xmalloc(n);
        snprintf(got, n, "! %s", e.text);
    }
    arena_free(mem);
    return got;
}

struct want {
    const char *expr, *want; /* "! part of an error" */
};

static void check(const struct want *w, size_t n)
{
    struct sandbox *sb = sandbox_new();

    for (size_t i = 0; i < n; i++) {
        char *got = eval(sb, w[i].expr);
        int ok = w[i].want[0] == '!' ? got[0] == '!' && strstr(got, w[i].want + 2)
                                     : !strcmp(got, w[i].want);
        if (!ok)
            fail_msg("%s gave %s, expected %s", w[i].expr, got, w[i].want);
        free(got);
    }
    sandbox_free(sb);
}

static void times_are_utc_milliseconds_or_null(void **state)
{
    static const struct want w[] = {
        { "time_iso('2026-11-21T03:04:43Z')", "1795230283000" },
        { "time_iso('2026-11-21T03:04:43')", "1795230283000" },
        { "time_iso('2026-11-21 03:04:43.1239+01:00')", "1795226683123" },
        { "time_iso('2026-11-21T03:04:43-0530')", "1795250083000" },
        { "time_iso('2026-11-21T03:04:43+02')", "1795223083000" },
        { "time_iso('20261121T030443Z')", "1795230283000" },
        { "time_iso('2026-11-21 03:04:43 +0000 UTC')", "1795230283000" },
        { "time_iso('2026-11-21')", "1795219200000" },
        { "time_iso('0001-01-01T00:00:00Z')", "NULL" },
        { "time_iso('1969-12-31T23:59:59Z')", "NULL" },
        { "time_iso('2026-13-01')", "NULL" },
        { "time_iso('2025-02-29')", "NULL" },
        { "time_iso('2026-11-21T03:04:43Zx')", "NULL" },
        { "time_iso(NULL)", "NULL" },
        { "time_iso('')", "NULL" },
        { "time_dmy('21-11-2026 03:04:43')", "1795230283000" },
        { "time_dmy('2026-11-21 03:04:43')", "NULL" },
        { "time_epoch(1795230283)", "1795230283000" },
        { "time_epoch('1795230283.5')", "1795230283500" },
        { "time_epoch(0)", "NULL" },
        { "time_epoch(9e18)", "NULL" },
        { "time_ms(1795230283123)", "1795230283123" },
        { "time_ms(-62135596800000)", "NULL" },
        { "time_auto(1795230283)", "1795230283000" },
        { "time_auto(1795230283123)", "1795230283123" },
        { "time_auto('1795230283123')", "1795230283123" },
        { "time_auto('2026-11-21T03:04:43Z')", "1795230283000" },
        { "time_auto('21-11-2026 03:04:43')", "1795230283000" },
        { "time_auto('Sat, 21 Nov 2026 03:04:43 GMT')", "1795230283000" },
        { "time_auto('2026-11-21T03:04:43+0200')", "1795223083000" },
        { "time_auto('soon')", "NULL" },
        { "time_auto(x'ff00ff')", "NULL" },
        { "age(1795226682000)", "1000" },
        { "age(1795226699000)", "0" },
        { "age(NULL)", "NULL" },
        { "dur('1h30m')", "5400000" },
        { "dur('1.5h')", "5400000" },
        { "dur('250ms')", "250" },
        { "dur('PT1H30M')", "5400000" },
        { "dur('P1DT1S')", "86401000" },
        { "dur('01:30:00')", "5400000" },
        { "dur(90)", "90000" },
        { "dur('-5m')", "-300000" },
        { "dur('5 parsecs')", "NULL" },
        { "dur('P1M')", "NULL" },
        { "dur('PT')", "NULL" },
        { "dur('')", "NULL" },
    };
    (void)state;
    check(w, ARRAY_LEN(w));
}

static void states_come_from_words_and_numbers(void **state)
{
    static const struct want w[] = {
        { "std('PASS')", "ok" },
        { "std(' healthy ')", "ok" },
        { "std('wobbly')", "unknown" },
        { "std(NULL)", "unknown" },
        { "sev('critical')", "crit" },
        { "sev('moderate')", "warn" },
        { "level(5, 1, 10)", "warn" },
        { "level('0.5', 0.9, 0.6)", "crit" },
        { "level(NULL, 1, 2)", "unknown" },
        { "level('n/a', 1, 2)", "unknown" },
        { "(SELECT worst(value) FROM json_each('[\"ok\",\"warn\",\"info\"]'))", "warn" },
        { "(SELECT worst(value) FROM json_each('[\"ok\",null]'))", "unknown" },
        { "(SELECT worst(value) FROM json_each('[]'))", "NULL" },
        { "worst_of('[\"ok\", \"crit\", \"unknown\"]')", "crit" },
        { "worst_of('[\"ok\",\"unheard of\"]')", "unknown" },
        { "worst_of('[]')", "NULL" },
        { "worst_of('[1, null ,true]')", "unknown" },
        { "worst_of('{\"a\":1}')", "! worst_of" },
        { "worst_of('[\"ok\"')", "! worst_of" },
        { "worst_of('[\"ok')", "! worst_of" },
        { "num('12')", "12" },
        { "num(' 1,234.5 ')", "1234.5" },
        { "num('85%')", "85" },
        { "num('-1e3')", "-1000" },
        { "num('9223372036854775807')", "9223372036854775807" },
        { "num('-9223372036854775808')", "-9223372036854775808" },
        { "num('12 apples')", "NULL" },
        { "num('1,23')", "NULL" },
        { "num('NaN')", "NULL" },
        { "num('1e999')", "NULL" },
        { "num('')", "NULL" },
        { "num('.')", "NULL" },
        { "num(NULL)", "NULL" },
    };
    (void)state;
    check(w, ARRAY_LEN(w));
}

static void patterns_find_every_place(void **state)
{
    static const struct want w[] = {
        { "regexp('^a+$', 'aaa')", "1" },
        { "'abc' REGEXP 'B'", "0" },
        { "'abc' REGEXP '(?i)B'", "1" },
        { "regexp(NULL, 'a')", "NULL" },
        { "matches('([a-z])(\\d)?', 'a1b')", "[[\"a1\",\"a\",\"1\"],[\"b\",\"b\",null]]" },
        { "matches('x', 'abc')", "[]" },
        { "matches('a*', 'baa')", "[[\"\"],[\"aa\"],[\"\"]]" },
        { "matches('\"', '\"')", "[[\"\\\"\"]]" },
        { "matches('.', char(233))", "[[\"\xc3\xa9\"]]" },
        { "matches('(a)(b)', 'ab ab')->1->>2", "b" },
        { "json_array(matches('a', 'a'))", "[[[\"a\"]]]" },
        { "regexp('(', 'a')", "! at character" },
        { "regexp(printf('%.300c', 'a'), 'a')", "! 256" },
        { "regexp('(((a{1,999}){1,999}){1,999})', 'a')", "! too large" },
        { "regexp('(a+)+$', printf('%.50c', 'a') || 'b')", "! pattern" },
        { "regexp('a', CAST(x'ff' AS TEXT))", "! not UTF-8" },
        { "regexp('\\C', 'a')", "! pattern" },
    };
    (void)state;
    check(w, ARRAY_LEN(w));
}

static void a_pattern_that_scans_for_ever_is_ended(void **state)
{
    struct sandbox *sb = sandbox_new();
    int64_t start = mono_now_ms();
    char *got = eval(sb, "regexp('a*b', printf('%.3000000c', 'a') || 'c' || printf('%.9c', 'b'))");

    (void)state;
    /* Found or ended: in either case soon. */
    assert_true(mono_now_ms() - start < 6000);
    free(got);
    start = mono_now_ms();
    got = eval(sb, "matches('a.*?b.*?c.*?d', printf('%.2000000c', 'a'))");
    assert_true(mono_now_ms() - start < 6000);
    free(got);
    sandbox_free(sb);
}

static void texts_are_decoded_within_limits(void **state)
{
    static const struct want w[] = {
        { "b64d('aGVsbG8=')", "hello" },
        { "b64d('aGVsbG8')", "hello" },
        { "b64d('aGVs\nbG8=')", "hello" },
        { "b64d('_-8')", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "typeof(b64d('_-8='))", "blob" },
        { "b64d('')", "" },
        { "b64d('a')", "! base64" },
        { "b64d('aGVsbG8==')", "! base64" },
        { "b64d('a$bc')", "! base64" },
        { "b64d(NULL)", "NULL" },
        { "gunzip(b64d('H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=='))", "hello" },
        { "gunzip(b64d('eJzLSM3JyQcABiwCFQ=='))", "hello" },
        { "gunzip(b64d('H4sIAAAAAAAAA8tIzcnJBwCGphA2BQ=='))", "! cut" },
        { "gunzip('hello')", "! gzip" },
        { "gunzip('')", "! gzip" },
        { "gunzip(NULL)", "NULL" },
        { "unhtml('a &amp;lt; b &#39;&#x27;&quot;&gt;&apos; &nbsp; &')",
          "a &lt; b ''\">' &nbsp; &" },
        { "unhtml('&#0;&#xD800;&#99999999;')", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "unhtml('&#;&#x;&#12')", "&#;&#x;&#12" },
        { "header('etag')", "NULL" },
        { "fail('no ' || 'good')", "! f.yaml:3:5: no good" },
        { "CASE WHEN 1 THEN 'ok' ELSE fail('never') END", "ok" },
        { "fail(NULL)", "! refused" },
    };
    (void)state;
    check(w, ARRAY_LEN(w));
}

static void a_zip_bomb_is_refused(void **state)
{
    static const unsigned char zeros[4 << 20];
    size_t packed, n;
    void *z = zip_pack(zeros, sizeof zeros, &packed);
    char *out;

    (void)state;
    assert_true(packed < 100000);
    assert_int_equal(zip_unpack(z, packed, sizeof zeros - 1, &out, &n), ZIP_TOO_LARGE);
    assert_null(out);
    assert_int_equal(zip_unpack(z, packed, sizeof zeros, &out, &n), ZIP_OK);
    assert_int_equal(n, sizeof zeros);
    assert_int_equal(out[n], 0);
    free(out);
    assert_int_equal(zip_unpack(z, packed - 1, sizeof zeros, &out, &n), ZIP_BAD);
    free(z);
    z = zip_pack("", 0, &packed);
    assert_int_equal(zip_unpack(z, packed, 0, &out, &n), ZIP_OK);
    assert_int_equal(n, 0);
    free(out);
    free(z);
}

/* The vectors of the paper's appendix and reference code: key and message are 00 01 02 ... */
static void siphash_gives_the_published_values(void **state)
{
    unsigned char bytes[16];
    struct siphash h;

    (void)state;
    for (int i = 0; i < 16; i++)
        bytes[i] = (unsigned char)i;
    siphash_init(&h, bytes);
    siphash_add(&h, bytes, 15);
    assert_true(siphash_end(&h) == 0xa129ca6149be45e5ULL);
    siphash_init(&h, bytes);
    assert_true(siphash_end(&h) == 0x726fdb47dd0e0e31ULL);
    siphash_init(&h, bytes);
    for (int i = 0; i < 15; i += 3)
        siphash_add(&h, bytes + i, 3);
    assert_true(siphash_end(&h) == 0xa129ca6149be45e5ULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_utc_milliseconds_or_null),
        cmocka_unit_test(states_come_from_words_and_numbers),
        cmocka_unit_test(patterns_find_every_place),
        cmocka_unit_test(a_pattern_that_scans_for_ever_is_ended),
        cmocka_unit_test(texts_are_decoded_within_limits),
        cmocka_unit_test(a_zip_bomb_is_refused),
        cmocka_unit_test(siphash_gives_the_published_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
