/* Roles to looks, the colour ladder, text wrapping, the prompt, the clipboard sequence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake.h"

#include "../../../src/ui/prompt.h"
#include "../../../src/ui/term_priv.h"
#include "../../../src/ui/text.h"
#include "../../../src/ui/theme.h"
#include "opsdeck/base/sbuf.h"

static void without_colour_every_state_differs_by_glyph_and_the_bad_ones_by_attribute(void **state)
{
    static const enum role roles[] = { ROLE_OK,      ROLE_INFO, ROLE_WARN,
                                       ROLE_UNKNOWN, ROLE_CRIT, ROLE_STALE };
    static const enum role bad[] = { ROLE_OK, ROLE_WARN, ROLE_UNKNOWN, ROLE_CRIT, ROLE_STALE };

    (void)state;
    for (int ascii = 0; ascii < 2; ascii++)
        for (size_t i = 0; i < ARRAY_LEN(roles); i++)
            for (size_t k = 0; k < i; k++)
                assert_string_not_equal(theme_glyph(NULL, roles[i], ascii),
                                        theme_glyph(NULL, roles[k], ascii));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct style a = theme_style(NULL, bad[i], true);
        assert_int_equal(a.fg.kind, THEME_DEFAULT);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(a.attrs, theme_style(NULL, bad[k], true).attrs);
    }
}

static void glyphs_take_one_column_and_ascii_ones_one_byte(void **state)
{
    (void)state;
    for (int r = 0; r < ROLE_COUNT; r++) {
        assert_int_equal(utf8_width(theme_glyph(NULL, (enum role)r, false)), 1);
        const char *s = theme_glyph(NULL, (enum role)r, true);
        assert_int_equal(strlen(s), 1);
        assert_true((unsigned char)s[0] < 0x7f);
    }
}

static void every_role_ends_at_text_by_its_parents(void **state)
{
    (void)state;
    for (int r = 0; r < ROLE_COUNT; r++) {
        enum role at = (enum role)r;
        for (int steps = 0; at != ROLE_TEXT; steps++) {
            assert_true(steps < ROLE_COUNT);
            at = theme_parent(at);
        }
    }
}

static void a_role_the_theme_leaves_out_looks_like_its_parent(void **state)
{
    struct theme_role roles[ROLE_COUNT] = { 0 };
    struct theme theme = { "t", roles, ROLE_COUNT };

    (void)state;
    roles[ROLE_CRIT].fg = (struct theme_color){ .kind = THEME_RGB, .r = 1, .g = 2, .b = 3 };
    roles[ROLE_CRIT].has_attrs = true;
    roles[ROLE_CRIT].attrs = THEME_ATTR_BOLD;
    struct style st = theme_style(&theme, ROLE_ERROR, false);
    assert_int_equal(st.fg.kind, THEME_RGB);
    assert_int_equal(st.fg.b, 3);
    assert_int_equal(st.attrs, THEME_ATTR_BOLD);
    assert_int_equal(theme_style(&theme, ROLE_OK, false).fg.kind, THEME_DEFAULT);
    assert_int_equal(theme_style(&theme, ROLE_SELECTION, false).attrs, THEME_ATTR_REVERSE);
}

static void colours_are_mapped_down_the_ladder(void **state)
{
    struct theme_color red = { .kind = THEME_RGB, .r = 255 },
                       idx = { .kind = THEME_INDEX, .index = 9 };
    struct theme_color far = { .kind = THEME_INDEX, .index = 196 },
                       none = { .kind = THEME_DEFAULT };

    (void)state;
    assert_int_equal(theme_color_index(&red, 1 << 24), 0xff0000);
    assert_int_equal(theme_color_index(&red, 256), 196);
    assert_int_equal(theme_color_index(&red, 16), 9);
    assert_int_equal(theme_color_index(&red, 8), 1);
    assert_int_equal(theme_color_index(&red, 0), -1);
    assert_int_equal(theme_color_index(&idx, 8), 1);
    assert_int_equal(theme_color_index(&idx, 256), 9);
    assert_int_equal(theme_color_index(&far, 256), 196);
    assert_int_equal(theme_color_index(&far, 16), 9);
    assert_int_equal(theme_color_index(&none, 256), -1);
}

static void text_breaks_at_spaces_and_never_inside_a_cluster(void **state)
{
    size_t next;

    (void)state;
    assert_int_equal(text_wrap("hello world", 8, &next), 5);
    assert_int_equal(next, 6);
    assert_int_equal(text_wrap("helloworld", 4, &next), 4);
    assert_int_equal(next, 4);
    assert_int_equal(text_wrap("one\ntwo", 80, &next), 3);
    assert_int_equal(next, 4);
    assert_int_equal(text_wrap("日本語", 3, &next), 3);
    assert_int_equal(text_wrap("日本語", 1, &next),
                     3); /* too narrow for any: one goes all the same */
    assert_int_equal(text_wrap("", 10, &next), 0);
}

static void search_goes_round_and_shows_its_hit(void **state)
{
    struct text t;
    struct sbuf sb;

    (void)state;
    text_init(&t);
    sbuf_init(&sb, 1 << 16);
    for (int i = 0; i < 100; i++)
        sbuf_addf(&sb, "line %d%s\n", i, i % 40 == 7 ? " Needle" : "");
    text_set(&t, sb.buf);
    text_layout(&t, 10, 40);
    assert_true(text_search(&t, "needle"));
    assert_int_equal(t.hit, 7);
    text_act(&t, ACT_NEXT_MATCH);
    assert_int_equal(t.hit, 47);
    assert_true(t.top <= 47 && t.top + 10 > 47);
    text_act(&t, ACT_NEXT_MATCH);
    text_act(&t, ACT_NEXT_MATCH);
    assert_int_equal(t.hit, 7);
    text_act(&t, ACT_PREV_MATCH);
    assert_int_equal(t.hit, 87);
    assert_false(text_search(&t, "absent"));
    sbuf_release(&sb);
    text_release(&t);
}

static void the_prompt_edits_by_cluster_and_remembers(void **state)
{
    struct prompt p = { 0 };
    struct ui_key left = { UI_KEY_LEFT, false }, bs = { UI_KEY_BACKSPACE, false };
    struct ui_key up = { UI_KEY_UP, false }, enter = { UI_KEY_ENTER, false };

    (void)state;
    prompt_open(&p, PROMPT_COMMAND, "");
    assert_true(prompt_insert(&p, "a日\x1b[31mb\n", 11));
    assert_null(strchr(p.text, '\x1b'));
    assert_null(strchr(p.text, '\n'));
    prompt_close(&p);
    prompt_open(&p, PROMPT_COMMAND, "x日y");
    prompt_key(&p, &left);
    prompt_key(&p, &bs);
    assert_string_equal(p.text, "xy");
    assert_int_equal(prompt_key(&p, &enter), PROMPT_DONE);
    prompt_open(&p, PROMPT_COMMAND, "");
    prompt_key(&p, &up);
    assert_string_equal(p.text, "xy");
    prompt_open(&p, PROMPT_FILTER, ""); /* another memory */
    prompt_key(&p, &up);
    assert_string_equal(p.text, "");
    char *big = xmalloc(1 << 20);
    memset(big, 'x', 1 << 20);
    assert_false(prompt_insert(&p, big, 1 << 20));
    assert_string_equal(p.text, "");
    free(big);
    prompt_release(&p);
}

static void completion_adds_what_all_candidates_share(void **state)
{
    static const char *const words[] = { "sort", "sort-next", "sources", "quit" };
    struct prompt p = { 0 };

    (void)state;
    prompt_open(&p, PROMPT_COMMAND, "s");
    assert_int_equal(prompt_complete(&p, words, 4), 3);
    assert_string_equal(p.text, "so");
    prompt_open(&p, PROMPT_COMMAND, "q");
    assert_int_equal(prompt_complete(&p, words, 4), 1);
    assert_string_equal(p.text, "quit ");
    prompt_open(&p, PROMPT_COMMAND, "zz");
    assert_int_equal(prompt_complete(&p, words, 4), 0);
    prompt_release(&p);
}

static void the_clipboard_sequence_is_osc_52_in_base64_with_a_cap(void **state)
{
    struct sbuf sb;
    char *big = xcalloc(1, 56300);

    (void)state;
    sbuf_init(&sb, OSC52_MAX_BYTES + 64);
    assert_true(clipboard_sequence(&sb, "hello", false));
    assert_string_equal(sb.buf, "\x1b]52;c;aGVsbG8=\a");
    sbuf_reset(&sb);
    assert_true(clipboard_sequence(&sb, "hell", true));
    assert_string_equal(sb.buf, "\x1bPtmux;\x1b\x1b]52;c;aGVsbA==\a\x1b\\");
    memset(big, 'x', 56245);
    sbuf_reset(&sb);
    assert_true(clipboard_sequence(&sb, big, false) == ((strlen(big) + 2) / 3 * 4 <= 74994));
    memset(big, 'x', 56299);
    sbuf_reset(&sb);
    assert_false(clipboard_sequence(&sb, big, false));
    assert_int_equal(sb.len, 0);
    free(big);
    sbuf_release(&sb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_colour_every_state_differs_by_glyph_and_the_bad_ones_by_attribute),
        cmocka_unit_test(glyphs_take_one_column_and_ascii_ones_one_byte),
        cmocka_unit_test(every_role_ends_at_text_by_its_parents),
        cmocka_unit_test(a_role_the_theme_leaves_out_looks_like_its_parent),
        cmocka_unit_test(colours_are_mapped_down_the_ladder),
        cmocka_unit_test(text_breaks_at_spaces_and_never_inside_a_cluster),
        cmocka_unit_test(search_goes_round_and_shows_its_hit),
        cmocka_unit_test(the_prompt_edits_by_cluster_and_remembers),
        cmocka_unit_test(completion_adds_what_all_candidates_share),
        cmocka_unit_test(the_clipboard_sequence_is_osc_52_in_base64_with_a_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
