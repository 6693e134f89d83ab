/* Keys: names, chords, keymap files over the defaults, conflicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake.h"

static enum action meaning(const struct keymap *km, const char *view, const char *chord)
{
    const char *views[] = { view, NULL };
    struct chord c;
    enum action a;

    assert_true(chord_parse(chord, &c, NULL));
    return keymap_resolve(km, views, &c, &a) == KEYMAP_ACTION ? a : ACT_NONE;
}

static struct key_binding bind_key(const char *view, const char *action, const char *keys, int line)
{
    return (struct key_binding){ view, action, keys, { "keymaps/mine.yaml", line, 5 } };
}

static void every_default_key_has_one_meaning_and_a_name_that_reads_back(void **state)
{
    struct keymap km;
    struct err e = { 0 };

    (void)state;
    if (!keymap_build(&km, NULL, &e))
        fail_msg("%s", e.text);
    assert_true(km.n > 60);
    for (size_t i = 0; i < km.n; i++) {
        char text[KEY_TEXT_MAX];
        assert_int_equal(meaning(&km, km.v[i].view, chord_text(&km.v[i].chord, text)), km.v[i].act);
    }
    keymap_release(&km);
}

static void no_default_changes_anything_by_a_forbidden_chord(void **state)
{
    static const char *const forbidden[] = { "ctrl-s", "ctrl-q", "ctrl-a", "ctrl-h",
                                             "ctrl-i", "ctrl-j", "ctrl-m" };
    struct keymap km;

    (void)state;
    assert_true(keymap_build(&km, NULL, NULL));
    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
        assert_int_equal(meaning(&km, "problems", forbidden[i]), ACT_NONE);
    keymap_release(&km);
}

static void names_that_are_no_keys_are_refused(void **state)
{
    static const char *const bad[] = { "",    "ctrl-", "ctrl-1", "ctrl-ab", "F0",  "F13",
                                       "F1x", "xy",    "Entr",   "\x1b",    "\xff" };
    struct ui_key k;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(key_parse(bad[i], &k));
    assert_true(key_parse("é", &k));
    assert_int_equal(k.code, 0xe9);
    assert_true(key_parse("pgup", &k));
    assert_int_equal(k.code, UI_KEY_PGUP);
}

static void a_file_replaces_the_keys_of_its_actions_and_takes_keys_from_others(void **state)
{
    struct key_binding v[] = { bind_key("global", "refresh", "y", 3),
                               bind_key("global", "top", "t t", 4) };
    struct keymap_file f = { "mine", v, ARRAY_LEN(v) };
    struct keymap km;
    struct err e = { 0 };

    (void)state;
    if (!keymap_build(&km, &f, &e))
        fail_msg("%s", e.text);
    assert_int_equal(meaning(&km, "problems", "y"), ACT_REFRESH);
    assert_int_equal(meaning(&km, "problems", "r"), ACT_NONE);
    assert_int_equal(meaning(&km, "problems", "t t"), ACT_TOP);
    assert_int_equal(meaning(&km, "problems", "g"), ACT_NONE);
    keymap_release(&km);
}

static void the_beginning_of_a_chord_waits_for_the_rest(void **state)
{
    struct key_binding v[] = { bind_key("global", "top", "g g", 3) };
    struct keymap_file f = { "mine", v, ARRAY_LEN(v) };
    struct keymap km;
    struct chord c;
    enum action a;

    (void)state;
    assert_true(keymap_build(&km, &f, NULL));
    assert_true(chord_parse("g", &c, NULL));
    assert_int_equal(keymap_resolve(&km, NULL, &c, &a), KEYMAP_PREFIX);
    assert_true(chord_parse("g x", &c, NULL));
    assert_int_equal(keymap_resolve(&km, NULL, &c, &a), KEYMAP_NONE);
    keymap_release(&km);
}

static void two_actions_on_one_key_in_one_view_name_both_places(void **state)
{
    struct key_binding v[] = { bind_key("global", "refresh", "x", 3),
                               bind_key("problems", "why", "x", 4),
                               bind_key("global", "why", "x", 7) };
    struct keymap_file f = { "mine", v, ARRAY_LEN(v) };
    struct keymap km;
    struct err e = { 0 };

    (void)state;
    assert_false(keymap_build(&km, &f, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.text, "mine.yaml:3:5"));
    assert_non_null(strstr(e.text, "mine.yaml:7:5"));
    assert_non_null(strstr(e.text, "key x"));
    f.n = 2; /* in two views it is no conflict */
    assert_true(keymap_build(&km, &f, &e));
    assert_int_equal(meaning(&km, "problems", "x"), ACT_WHY);
    assert_int_equal(meaning(&km, "sources", "x"), ACT_REFRESH);
    keymap_release(&km);
}

static void a_key_that_begins_another_chord_is_a_conflict(void **state)
{
    struct key_binding v[] = { bind_key("global", "refresh", "x", 3),
                               bind_key("global", "why", "x y", 4) };
    struct keymap_file f = { "mine", v, ARRAY_LEN(v) };
    struct keymap km;
    struct err e = { 0 };

    (void)state;
    assert_false(keymap_build(&km, &f, &e));
    assert_non_null(strstr(e.text, "mine.yaml:4:5"));
}

static void a_bad_key_or_action_in_a_file_names_its_place(void **state)
{
    struct key_binding bad_key = bind_key("global", "refresh", "ctrl-!", 9);
    struct key_binding bad_action = bind_key("global", "refersh", "r", 8);
    struct keymap_file f = { "mine", &bad_key, 1 };
    struct keymap km;
    struct err e = { 0 };

    (void)state;
    assert_false(keymap_build(&km, &f, &e));
    assert_non_null(strstr(e.text, "mine.yaml:9:5"));
    assert_non_null(strstr(e.text, "ctrl-!"));
    f.v = &bad_action;
    assert_false(keymap_build(&km, &f, &e));
    assert_non_null(strstr(e.text, "refersh"));
}

static void action_names_are_unique_and_every_action_has_help(void **state)
{
    size_t n;
    const struct action_row *rows = ui_actions(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        assert_true(strlen(rows[i].help) > 3);
        assert_int_equal(action_by_name(rows[i].name), i + 1);
    }
    assert_int_equal(action_by_name("nonsense"), ACT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_key_has_one_meaning_and_a_name_that_reads_back),
        cmocka_unit_test(no_default_changes_anything_by_a_forbidden_chord),
        cmocka_unit_test(names_that_are_no_keys_are_refused),
        cmocka_unit_test(a_file_replaces_the_keys_of_its_actions_and_takes_keys_from_others),
        cmocka_unit_test(the_beginning_of_a_chord_waits_for_the_rest),
        cmocka_unit_test(two_actions_on_one_key_in_one_view_name_both_places),
        cmocka_unit_test(a_key_that_begins_another_chord_is_a_conflict),
        cmocka_unit_test(a_bad_key_or_action_in_a_file_names_its_place),
        cmocka_unit_test(action_names_are_unique_and_every_action_has_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
