/* The canvas: clipping, wide clusters, hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake.h"

static const char *at(const struct canvas *cv, int row, int col)
{
    return cv->cells[row * cv->cols + col].text;
}

static void text_outside_the_grid_changes_nothing(void **state)
{
    struct canvas *cv = canvas_new(2, 4, false);

    (void)state;
    canvas_text(cv, -1, 0, 10, ROLE_TEXT, "abc");
    canvas_text(cv, 2, 0, 10, ROLE_TEXT, "abc");
    canvas_text(cv, 0, 4, 10, ROLE_TEXT, "abc");
    canvas_fill(cv, 5, 0, 4, ROLE_CRIT);
    canvas_select(cv, 7, 0, 4);
    for (int i = 0; i < 8; i++)
        assert_string_equal(cv->cells[i].text, " ");
    canvas_free(cv);
}

static void a_wide_cluster_that_does_not_fit_is_not_drawn_by_half(void **state)
{
    struct canvas *cv = canvas_new(1, 3, false);

    (void)state;
    assert_int_equal(canvas_text(cv, 0, 0, 3, ROLE_TEXT, "日本"), 2);
    assert_string_equal(at(cv, 0, 0), "日");
    assert_string_equal(at(cv, 0, 1), "");
    assert_string_equal(at(cv, 0, 2), " ");
    canvas_free(cv);
}

static void writing_over_one_half_of_a_wide_cluster_blanks_the_other(void **state)
{
    struct canvas *cv = canvas_new(1, 4, false);

    (void)state;
    canvas_text(cv, 0, 0, 4, ROLE_TEXT, "日本");
    canvas_text(cv, 0, 1, 1, ROLE_TEXT, "x");
    assert_string_equal(at(cv, 0, 0), " ");
    assert_string_equal(at(cv, 0, 1), "x");
    canvas_text(cv, 0, 2, 1, ROLE_TEXT, "y");
    assert_string_equal(at(cv, 0, 2), "y");
    assert_string_equal(at(cv, 0, 3), " ");
    canvas_free(cv);
}

static void no_control_byte_reaches_a_cell(void **state)
{
    struct canvas *cv = canvas_new(1, 40, false);

    (void)state;
    canvas_text(cv, 0, 0, 40, ROLE_TEXT,
                "a\x1b]0;x\x07"
                "b\x7f\xc2\x9b"
                "c\x80\xff d");
    for (int i = 0; i < 40; i++)
        for (const char *s = at(cv, 0, i); *s; s++) {
            unsigned char c = (unsigned char)*s;
            assert_true(c >= 0x20 && c != 0x7f);
        }
    for (int i = 0; i < 40; i++)
        assert_true(utf8_is_valid(at(cv, 0, i), strlen(at(cv, 0, i))));
    assert_string_equal(at(cv, 0, 1), "\xef\xbf\xbd");
    canvas_free(cv);
}

static void a_field_is_cut_with_a_mark_or_in_the_middle(void **state)
{
    struct canvas *cv = canvas_new(1, 12, false);
    char *line;

    (void)state;
    canvas_field(cv, 0, 0, 6, ROLE_TEXT, "abcdefghij", false, false);
    canvas_field(cv, 0, 6, 6, ROLE_TEXT, "abcdefghij", false, true);
    line = fake_line(cv, 0);
    assert_string_equal(line, "abcde…abc…ij");
    free(line);
    cv->ascii = true;
    canvas_field(cv, 0, 0, 6, ROLE_TEXT, "abcdefghij", false, false);
    canvas_field(cv, 0, 6, 6, ROLE_TEXT, "7", true, false);
    line = fake_line(cv, 0);
    assert_string_equal(line, "abcde~     7");
    free(line);
    canvas_free(cv);
}

static void a_selection_covers_used_cells_only(void **state)
{
    struct canvas *cv = canvas_new(2, 10, false);

    (void)state;
    canvas_text(cv, 0, 0, 10, ROLE_TEXT, "a b");
    canvas_select(cv, 0, 0, 10);
    canvas_select(cv, 1, 0, 10);
    assert_true(cv->cells[0].is_selected && cv->cells[2].is_selected);
    assert_false(cv->cells[3].is_selected);
    assert_true(cv->cells[10].is_selected);
    canvas_free(cv);
}

static void sizes_below_one_and_above_all_are_brought_into_reach(void **state)
{
    struct canvas *cv = canvas_new(0, -5, false);

    (void)state;
    assert_int_equal(cv->rows, 1);
    assert_int_equal(cv->cols, 1);
    canvas_resize(cv, 100000, 100000);
    assert_true(cv->rows <= 2000 && cv->cols <= 2000);
    canvas_free(cv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_outside_the_grid_changes_nothing),
        cmocka_unit_test(a_wide_cluster_that_does_not_fit_is_not_drawn_by_half),
        cmocka_unit_test(writing_over_one_half_of_a_wide_cluster_blanks_the_other),
        cmocka_unit_test(no_control_byte_reaches_a_cell),
        cmocka_unit_test(a_field_is_cut_with_a_mark_or_in_the_middle),
        cmocka_unit_test(a_selection_covers_used_cells_only),
        cmocka_unit_test(sizes_below_one_and_above_all_are_brought_into_reach),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
