/* SQLite's text functions with a bound: they give what SQLite's give, and end in time. */
#include "ingest_test.h"

#include <sqlite3.h>

#include "../../../src/store/store_priv.h"

/* "TYPE:text" of a SELECT, or "! error". */
static char *give(sqlite3 *h, const char *expr)
{
    char *sql = sqlite3_mprintf("SELECT %s", expr), *out;
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v2(h, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
        const unsigned char *s = sqlite3_column_text(st, 0);
        out = sqlite3_mprintf("%d:%s", sqlite3_column_type(st, 0), s ? (const char *)s : "");
    } else {
        out = sqlite3_mprintf("! %s", sqlite3_errmsg(h));
    }
    sqlite3_finalize(st);
    sqlite3_free(sql);
    return out;
}

static const char *const same[] = {
    "printf('%d|%5d|%-5d|%05d|%+d|%,d', 7, 7, 7, 7, 7, 1234567)",
    "printf('%i %x %X %o %lld', 255, 255, 255, 255, -9223372036854775808)",
    "printf('%.3f|%8.2f|%-8.2f|%e|%g|%!.15g', 1.23456, 2.5, 2.5, 12345.678, 0.0001, 0.1)",
    "printf('%s|%10s|%-10s|%.2s|%z', 'abc', 'abc', 'abc', 'abc', 'z')",
    "printf('%*d|%-*d|%.*f', 6, 42, 6, 42, 2, 3.14159)",
    "printf('%*d', -6, 42)",
    "printf('%q %Q %w %Q', 'it''s', 'it''s', 'a\"b', NULL)",
    "printf('%c|%.3c|%5c|%-5c', 'xyz', 'y', 'z', 'w')",
    "printf('100%% %s')",
    "printf('%d %s %f')",
    "printf('%d', 'text')",
    "printf(NULL)",
    "printf('')",
    "printf('%s', 'ä€')",
    "format('%03d', 5)",
    "replace('aXbXc', 'X', '--')",
    "replace('abc', '', 'x')",
    "replace('abc', 'abc', '')",
    "replace('aaaa', 'aa', 'b')",
    "replace(NULL, 'a', 'b')",
    "replace('a', NULL, 'b')",
    "replace(123, 2, 'x')",
    "instr('abcabc', 'c')",
    "instr('äbc', 'c')",
    "instr('abc', 'x')",
    "instr('abc', '')",
    "instr('', 'a')",
    "instr(NULL, 'a')",
    "instr(x'0102ff', x'ff')",
    "instr(12345, 34)",
    "trim('  a b  ')",
    "trim('xxaxx', 'x')",
    "trim('yxaxy', 'xy')",
    "ltrim('  a ') || '|'",
    "rtrim('  a ') || '|'",
    "rtrim('1.5000', '0')",
    "trim('äaä', 'ä')",
    "trim(NULL)",
    "trim('a', NULL)",
    "trim('a', '')",
    "trim('', 'a')",
    "'Hello' LIKE 'h%o'",
    "'Hello' LIKE 'h_llo'",
    "'Hello' LIKE 'h_lo'",
    "'abc' LIKE '%'",
    "'' LIKE '%'",
    "'' LIKE ''",
    "'abc' LIKE ''",
    "'a%b' LIKE 'a!%b' ESCAPE '!'",
    "'axb' LIKE 'a!%b' ESCAPE '!'",
    "'äöü' LIKE '_ö_'",
    "'Ä' LIKE 'ä'",
    "'mississippi' LIKE '%iss%ppi'",
    "'mississippi' LIKE '%iss%pp'",
    "NULL LIKE 'a'",
    "'a' LIKE NULL",
    "'a' LIKE 'a' ESCAPE 'xx'",
    "123 LIKE '1%'",
    "'abc' GLOB 'a*c'",
    "'abc' GLOB 'A*'",
    "'abc' GLOB 'a[bx]c'",
    "'abc' GLOB 'a[^bx]c'",
    "'a5c' GLOB 'a[0-9]c'",
    "'a]c' GLOB 'a[]]c'",
    "'a-c' GLOB 'a[-x]c'",
    "'a-c' GLOB 'a[x-]c'",
    "'abc' GLOB 'a[b'",
    "'abc' GLOB '?b?'",
    "'xay*z' GLOB '*[*]*'",
};

static void they_give_what_sqlite_gives(void **state)
{
    struct db ours = { 0 };
    struct fn_env env = { 0 };
    struct err e = { 0 };
    sqlite3 *theirs;

    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &ours.h), SQLITE_OK);
    assert_int_equal(sqlite3_open(":memory:", &theirs), SQLITE_OK);
    assert_true(fn_register(&ours, &env, &e));
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        char *want = give(theirs, same[i]), *got = give(ours.h, same[i]);
        if (strcmp(want, got) != 0)
            fail_msg("%s gave %s, SQLite's gives %s", same[i], got, want);
        sqlite3_free(want);
        sqlite3_free(got);
    }
    sqlite3_close(theirs);
    fn_env_release(&env);
    db_close(&ours);
}

/* Each costs minutes, or gives NULL, when nothing bounds it. */
static const char *const costly[] = {
    "SELECT printf('%.*c', 2000000000, 'x')",
    "SELECT format('%2000000000c', 'x')",
    "SELECT printf('%.*d', 2000000000, 1)",
    "SELECT trim('a', hex(zeroblob(1000)))",
};

static int64_t now_ms(void)
{
    return mono_now_ms();
}

static void what_would_run_for_minutes_is_an_error_in_time(void **state)
{
    struct fix *f = *state;
    struct reader *r;
    struct err e = { 0 };

    fix_sources(f);
    assert_true(reader_open(&f->store, true, &r, &e));
    for (size_t i = 0; i < ARRAY_LEN(costly); i++) {
        struct question q = { .sql = costly[i], .limit_ms = 300 };
        struct row_set *rs = NULL;
        int64_t from = now_ms();
        if (reader_ask(r, &q, &rs, &e))
            fail_msg("%s gave %s", costly[i], row_set_at(rs, 0, 0)->text);
        if (now_ms() - from > 8000) /* the limit, on a busy machine */
            fail_msg("%s ended after %lld ms", costly[i], (long long)(now_ms() - from));
    }
    reader_free(r);
}

static void a_text_that_repeats_is_searched_in_one_pass(void **state)
{
    struct fix *f = *state;
    struct reader *r;
    struct err e = { 0 };
    struct row_set *rs = NULL;
    struct question q = { .sql =
                              "WITH t AS MATERIALIZED (SELECT hex(zeroblob(1000000)) AS s) SELECT "
                              "instr(s, substr(s, 1, 500000) || 'x') + length(replace(s, "
                              "substr(s, 1, 500000) || 'x', '')) FROM t" };

    fix_sources(f);
    assert_true(reader_open(&f->store, true, &r, &e));
    if (!reader_ask(r, &q, &rs, &e))
        fail_msg("%s", e.text);
    assert_string_equal(row_set_at(rs, 0, 0)->text, "2000000");
    row_set_free(rs);
    q.sql = "SELECT replace(hex(zeroblob(100000)), '0', 'a') LIKE '%a%a%a%a%a%a%a%a%b'";
    if (!reader_ask(r, &q, &rs, &e))
        fail_msg("%s", e.text);
    assert_string_equal(row_set_at(rs, 0, 0)->text, "0");
    row_set_free(rs);
    reader_free(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_give_what_sqlite_gives),
        T(what_would_run_for_minutes_is_an_error_in_time),
        T(a_text_that_repeats_is_searched_in_one_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
