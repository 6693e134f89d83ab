/* JSON as text: strings as bytes, documents as wholes, and that a full buffer is not forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opsdeck/base/json_text.h"
#include "opsdeck/base/sbuf.h"

#include "../trips.h"

static void puts_to(bool (*put)(struct sbuf *, const char *, size_t), const char *s, size_t n,
                    const char *want)
{
    struct sbuf sb;

    sbuf_init(&sb, 1024);
    assert_true(put(&sb, s, n));
    assert_string_equal(sb.buf, want);
    sbuf_release(&sb);
}

static void strings_are_escaped_as_little_as_may_be(void **state)
{
    (void)state;
    puts_to(json_put, "", 0, "\"\"");
    puts_to(json_put, "a\"b\\c\nd\te\0f", 11, "\"a\\\"b\\\\c\\nd\\u0009e\\u0000f\"");
    puts_to(json_put, "\xc3\xa4\xf0\x9f\x98\x80\x7f", 7, "\"\xc3\xa4\xf0\x9f\x98\x80\x7f\"");
    puts_to(json_put_ascii, "\xc3\xa4\xf0\x9f\x98\x80\x7f\xff", 8,
            "\"\\u00e4\\ud83d\\ude00\\u007f\\ufffd\"");
}

static void a_document_has_its_commas_and_names(void **state)
{
    struct sbuf sb;

    (void)state;
    sbuf_init(&sb, 1024);
    struct json j = json_into(&sb);
    json_object(&j, NULL);
    json_array(&j, "empty");
    json_close(&j);
    json_array(&j, "list");
    json_int(&j, NULL, INT64_MIN);
    json_null(&j, NULL);
    json_object(&j, NULL);
    json_close(&j);
    json_close(&j);
    json_text(&j, "none", NULL);
    json_raw(&j, "raw", "12345678901234567890");
    json_bool(&j, "is", true);
    json_close(&j);
    assert_string_equal(
        sb.buf, "{\n\t\"empty\":\t[],\n\t\"list\":\t[-9223372036854775808, null, {}],\n"
                "\t\"none\":\tnull,\n\t\"raw\":\t12345678901234567890,\n\t\"is\":\ttrue\n}");
    sbuf_release(&sb);
}

static void what_does_not_fit_stays_known(void **state)
{
    struct sbuf sb;

    (void)state;
    for (size_t max = 0; max < 40; max++) {
        sbuf_init(&sb, max);
        struct json j = json_into(&sb);
        json_array(&j, NULL);
        json_text(&j, NULL, "0123456789");
        json_text(&j, NULL, "");
        json_close(&j);
        assert_int_equal(sb.is_full, max < 18);
        sbuf_release(&sb);
    }
}

static void name_in_a_list(void *arg)
{
    struct json j = json_into(arg);

    json_array(&j, NULL);
    json_int(&j, "name", 1);
}

static void close_of_nothing(void *arg)
{
    struct json j = json_into(arg);

    json_close(&j);
}

static void a_name_stands_in_objects_only(void **state)
{
    struct sbuf sb;

    (void)state;
    sbuf_init(&sb, 1024);
    assert_true(trips(name_in_a_list, &sb, "lead"));
    assert_true(trips(close_of_nothing, &sb, "json_close"));
    sbuf_release(&sb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped_as_little_as_may_be),
        cmocka_unit_test(a_document_has_its_commas_and_names),
        cmocka_unit_test(what_does_not_fit_stays_known),
        cmocka_unit_test(a_name_stands_in_objects_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
