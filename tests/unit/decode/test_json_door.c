/* The JSON door against RFC 8259, and against what hostile servers send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/decode/decode.h"

static struct sbuf out;
static struct err e;

static bool door_n(const char *s, size_t n)
{
    sbuf_release(&out);
    sbuf_init(&out, 1 << 20);
    e = (struct err){ 0 };
    return json_door(s, n, &out, &e);
}

static bool door(const char *s)
{
    return door_n(s, strlen(s));
}

#define assert_gives(in, want)                                                                     \
    do {                                                                                           \
        if (!door(in))                                                                             \
            fail_msg("%s", e.text);                                                                \
        assert_string_equal(out.buf, want);                                                        \
    } while (0)
#define assert_refused(in, why)                                                                    \
    do {                                                                                           \
        assert_false(door(in));                                                                    \
        if (!strstr(e.text, why))                                                                  \
            fail_msg("\"%s\" is not in: %s", why, e.text);                                         \
    } while (0)

static void documents_pass_without_their_white_space(void **state)
{
    (void)state;
    assert_gives(" {\"a\" : [1, 2.50, -0, 1E+3 , true,false,null] ,\n\t\"b\":{ } }\r\n",
                 "{\"a\":[1,2.50,-0,1E+3,true,false,null],\"b\":{}}");
    assert_gives("[]", "[]");
    assert_gives("\"x\"", "\"x\"");
    assert_gives("7", "7");
}

static void numbers_keep_every_digit(void **state)
{
    (void)state;
    assert_gives("[9007199254740993,0.1000000000000000055]",
                 "[9007199254740993,0.1000000000000000055]");
    /* What 64 bits with a sign cannot hold is text from here on: a float would lose its end. */
    assert_gives("[9223372036854775807,9223372036854775808]",
                 "[9223372036854775807,\"9223372036854775808\"]");
    assert_gives("[-9223372036854775808,-9223372036854775809]",
                 "[-9223372036854775808,\"-9223372036854775809\"]");
    assert_gives("{\"id\":123456789012345678901234567890}",
                 "{\"id\":\"123456789012345678901234567890\"}");
    assert_gives("[9223372036854775808.5,1e30]", "[9223372036854775808.5,1e30]");
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const bad[] = {
        "",           "  ",        "[1,]",        "{\"a\":1,}", "[1 2]",  "{a:1}",
        "{\"a\" 1}",  "[01]",      "[1.]",        "[.5]",       "[+1]",   "[NaN]",
        "[Infinity]", "[-]",       "[1e]",        "'a'",        "[tru]",  "[truex]",
        "\"a",        "\"\\x\"",   "\"\\u12g4\"", "[1]]",       "{} {}",  "[\"a\tb\"]",
        "[\"a\nb\"]", "{\"a\":}",  "[",           "{",          "{\"a\"", "[1",
        "]",          "/* c */ 1", "[1]// c",     "{1:2}",      "nul",    "--1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (door(bad[i]))
            fail_msg("accepted: %s", bad[i]);
    assert_false(door_n("[1]\0", 4));
    assert_false(door_n("[\"a\0b\"]", 7));
}

static void errors_say_where_and_what(void **state)
{
    (void)state;
    assert_refused("[1,\n 2,\n x]", "byte 9 (line 3): 'x'");
    assert_refused("<html>", "HTML page");
    assert_refused("[1", "the end of the body");
    assert_refused("", "empty body");
    assert_refused("{} x", "'x' where the end");
    assert_int_equal(e.code, ERR_PARSE);
}

static void strings_are_unescaped_cleaned_and_escaped_minimally(void **state)
{
    (void)state;
    assert_gives("[\"\\u0041\\/\\\"\\\\\\n\"]", "[\"A/\\\"\\\\\\n\"]");
    assert_gives("[\"\\ud83d\\ude00\"]", "[\"\xf0\x9f\x98\x80\"]");
    assert_gives("[\"a\\tb\"]", "[\"a b\"]");
    assert_gives("[\"\\u001b[31m\"]", "[\"\xef\xbf\xbd[31m\"]");
    assert_gives("[\"O\xe2\x80\x8bK\"]", "[\"OK\"]");
    assert_gives("[\"\x80\"]", "[\"\xef\xbf\xbd\"]");
}

static void nul_and_lone_surrogates_become_replacement_characters(void **state)
{
    (void)state;
    assert_gives("[\"OK\\u0000DOWN\"]", "[\"OK\xef\xbf\xbd"
                                        "DOWN\"]");
    assert_gives("[\"\\ud800\"]", "[\"\xef\xbf\xbd\"]");
    assert_gives("[\"\\udc00\"]", "[\"\xef\xbf\xbd\"]");
    assert_gives("[\"\\ud800\\u0041\"]", "[\"\xef\xbf\xbd"
                                         "A\"]");
    assert_gives("[\"\\ud800\\ud83d\\ude00\"]", "[\"\xef\xbf\xbd\xf0\x9f\x98\x80\"]");
}

static void keys_are_treated_as_strings(void **state)
{
    (void)state;
    assert_gives("{\"\\u0061b\":1}", "{\"ab\":1}");
}

static void duplicate_keys_are_refused_however_they_are_written(void **state)
{
    (void)state;
    assert_refused("{\"a\":1,\"b\":2,\"a\":3}", "duplicate key \"a\"");
    assert_refused("{\"status\":1,\"st\\u0061tus\":2}", "duplicate key");
    assert_refused("{\"status\":1,\"st\xe2\x80\x8b"
                   "atus\":2}",
                   "duplicate key");
    assert_gives("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}",
                 "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}");
    assert_gives("[{\"a\":1},{\"a\":1}]", "[{\"a\":1},{\"a\":1}]");
    assert_gives("{\"a\":1,\"A\":2}", "{\"a\":1,\"A\":2}");
}

static void duplicates_are_found_among_many_keys_too(void **state)
{
    struct sbuf doc;

    (void)state;
    sbuf_init(&doc, 1 << 20);
    sbuf_addc(&doc, '{');
    for (int i = 0; i < 5000; i++)
        sbuf_addf(&doc, "\"key-%d\":{\"x\":%d},", i, i);
    size_t len = doc.len;
    sbuf_adds(&doc, "\"last\":1}");
    assert_true(door(doc.buf));
    doc.len = len;
    sbuf_adds(&doc, "\"key-2500\":1}");
    assert_refused(doc.buf, "duplicate key \"key-2500\"");
    sbuf_release(&doc);
}

static void depth_is_limited_and_costs_no_stack(void **state)
{
    char *deep = xmalloc(1000001);

    (void)state;
    memset(deep, '[', 256);
    memset(deep + 256, ']', 256);
    assert_true(door_n(deep, 512));
    memset(deep, '[', 1000000);
    assert_false(door_n(deep, 1000000));
    assert_int_equal(e.code, ERR_LIMIT);
    free(deep);
}

static void a_cut_document_is_refused_at_every_length(void **state)
{
    static const char doc[] =
        "{\"a\":[1.5e3,\"x\\u00e9\\ud83d\\ude00\",true,null],\"b\":{\"c\":-0}}";

    (void)state;
    assert_true(door(doc));
    for (size_t n = 0; n < sizeof doc - 1; n++)
        assert_false(door_n(doc, n));
}

static void the_door_is_idempotent(void **state)
{
    (void)state;
    assert_true(door("{\"a\":\"\\u001b\\ud800 \xe2\x80\xae \\n\",\"b\":[1,{\"c\":\"\\\"\"}]}"));
    char *once = xstrdup(out.buf);
    assert_gives(once, once);
    free(once);
}

static void output_over_the_cap_is_an_error(void **state)
{
    (void)state;
    sbuf_release(&out);
    sbuf_init(&out, 8);
    e = (struct err){ 0 };
    assert_false(json_door("[1,2,3,4,5,6,7]", 15, &out, &e));
    assert_int_equal(e.code, ERR_LIMIT);
}

static int release(void **state)
{
    (void)state;
    sbuf_release(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_pass_without_their_white_space),
        cmocka_unit_test(numbers_keep_every_digit),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(errors_say_where_and_what),
        cmocka_unit_test(strings_are_unescaped_cleaned_and_escaped_minimally),
        cmocka_unit_test(nul_and_lone_surrogates_become_replacement_characters),
        cmocka_unit_test(keys_are_treated_as_strings),
        cmocka_unit_test(duplicate_keys_are_refused_however_they_are_written),
        cmocka_unit_test(duplicates_are_found_among_many_keys_too),
        cmocka_unit_test(depth_is_limited_and_costs_no_stack),
        cmocka_unit_test(a_cut_document_is_refused_at_every_length),
        cmocka_unit_test(the_door_is_idempotent),
        cmocka_unit_test(output_over_the_cap_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
