/* The text door: hostile bytes in, nothing that moves a cursor out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

static void expect_clean(const char *in, size_t n, unsigned flags, const char *want)
{
    struct sbuf sb;

    sbuf_init(&sb, 4096);
    assert_true(utf8_clean(&sb, in, n, flags));
    assert_string_equal(sb.buf, want);
    assert_true(utf8_is_clean(sb.buf, sb.len, flags));
    sbuf_release(&sb);
}

#define CLEAN(in, want) expect_clean(in, sizeof(in) - 1, UTF8_LINE, want)
#define FFFD "\xef\xbf\xbd"

static void controls_and_c1_become_one_visible_mark(void **state)
{
    (void)state;
    CLEAN("a\x1b]52;c;x\x07z", "a" FFFD "]52;c;x" FFFD "z");
    CLEAN("a\0b\x7f", "a" FFFD "b" FFFD);
    CLEAN("\xc2\x9b\x33\x31m", FFFD "31m"); /* CSI as UTF-8 */
    CLEAN("\x9b\x33\x31m", FFFD "31m");     /* and as a raw byte */
}

static void line_breaks_and_tabs_are_spaces_or_kept(void **state)
{
    (void)state;
    CLEAN("a\tb\r\nc", "a b  c");
    expect_clean("a\tb\r\nc", 6, UTF8_KEEP_LF, "a b\nc");
}

static void bidi_is_replaced_and_invisible_dropped(void **state)
{
    (void)state;
    CLEAN("a\xe2\x80\xae"
          "b",
          "a" FFFD "b");
    CLEAN("O\xe2\x80\x8bK", "OK");
    CLEAN("x\xf3\xa0\x81\x81y", "xy"); /* a tag character */
    CLEAN("\xef\xbb\xbfx", "x");
}

static void invalid_bytes_follow_the_maximal_subpart_rule(void **state)
{
    (void)state;
    CLEAN("\xc0\xaf", FFFD FFFD);
    CLEAN("\xe2\x82", FFFD);
    CLEAN("\xed\xa0\x80", FFFD FFFD FFFD); /* a surrogate */
    CLEAN("\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD);
    CLEAN("\xf0\x9f\x98"
          "a",
          FFFD "a");
}

static void a_flood_of_marks_is_cut_and_a_leading_one_gets_a_base(void **state)
{
    (void)state;
    CLEAN("e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81");
    CLEAN("\xcc\x81x", "\xe2\x97\x8c\xcc\x81x");
}

static void random_strings_come_out_clean_and_stay_so(void **state)
{
    (void)state;
    uint32_t x = 12345;
    struct sbuf once, twice;

    sbuf_init(&once, 4096);
    sbuf_init(&twice, 4096);
    for (int i = 0; i < 200000; i++) {
        char in[24];
        size_t n = 0;
        x = x * 1664525 + 1013904223;
        size_t want = 1 + (x >> 28);
        while (n < want) {
            x = x * 1664525 + 1013904223;
            uint32_t cp = (x >> 8) % 0x2100;
            if (x & 1)
                in[n++] = (char)(x >> 16);
            else if (n + 4 < sizeof in)
                n += utf8_encode(cp, in + n);
            else
                break;
        }
        sbuf_reset(&once);
        sbuf_reset(&twice);
        assert_true(utf8_clean(&once, in, n, UTF8_LINE));
        assert_true(utf8_is_valid(once.buf, once.len));
        for (size_t k = 0; k < once.len; k++) {
            assert_true((unsigned char)once.buf[k] >= 0x20);
            assert_true(once.buf[k] != 0x7f);
        }
        assert_true(utf8_clean(&twice, once.buf, once.len, UTF8_LINE));
        assert_int_equal(once.len, twice.len);
        assert_memory_equal(once.buf, twice.buf, once.len);
    }
    sbuf_release(&once);
    sbuf_release(&twice);
}

static void widths_are_a_cluster_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(utf8_width("abc"), 3);
    assert_int_equal(utf8_width("\xe6\x97\xa5\xe6\x9c\xac"), 4); /* two wide ideographs */
    assert_int_equal(utf8_width("e\xcc\x81"), 1);
    assert_int_equal(utf8_width("\xf0\x9f\x87\xac\xf0\x9f\x87\xa7"), 2); /* a flag */
    int used;
    assert_int_equal(utf8_prefix("a\xe6\x97\xa5"
                                 "b",
                                 2, &used),
                     1); /* the wide one does not fit */
    assert_int_equal(used, 1);
}

static void a_cut_copy_ends_in_an_ellipsis_on_a_boundary(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const char *long_text = "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9";
    char *s = utf8_clean_dup(a, long_text, 10, 8, UTF8_LINE);

    assert_true(strlen(s) <= 8);
    assert_true(utf8_is_valid(s, strlen(s)));
    assert_string_equal(s + strlen(s) - 3, "\xe2\x80\xa6");
    assert_string_equal(utf8_clean_dup(a, "abc", 3, 8, UTF8_LINE), "abc");
    assert_string_equal(utf8_clean_dup(a, "a long run of ASCII", 19, 9, UTF8_LINE),
                        "a long\xe2\x80\xa6");
    assert_string_equal(utf8_fold(a, "ABC\xc3\x89"), "abc\xc3\xa9");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(controls_and_c1_become_one_visible_mark),
        cmocka_unit_test(line_breaks_and_tabs_are_spaces_or_kept),
        cmocka_unit_test(bidi_is_replaced_and_invisible_dropped),
        cmocka_unit_test(invalid_bytes_follow_the_maximal_subpart_rule),
        cmocka_unit_test(a_flood_of_marks_is_cut_and_a_leading_one_gets_a_base),
        cmocka_unit_test(random_strings_come_out_clean_and_stay_so),
        cmocka_unit_test(widths_are_a_cluster_at_a_time),
        cmocka_unit_test(a_cut_copy_ends_in_an_ellipsis_on_a_boundary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
