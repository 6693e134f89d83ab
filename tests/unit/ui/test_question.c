/* One line asked of the person: shown, answered once, never remembered; and the copy of a command.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake.h"

struct heard {
    int calls;
    char text[64];
    bool is_none;
};

static void hear(void *ctx, const char *text)
{
    struct heard *h = ctx;

    h->calls++;
    h->is_none = !text;
    snprintf(h->text, sizeof h->text, "%s", text ? text : "");
}

static void an_answer_is_given_once_and_not_remembered(void **state)
{
    struct fake f;
    struct heard h = { 0 };

    (void)state;
    fake_init(&f);
    fake_start(&f, (struct ui_opts){ 0 });
    ui_ask_person(f.ui, "MFA code of arn:aws:iam::1:mfa/me for profile live: ", hear, &h);
    assert_true(fake_screen_has(&f, 24, 80, "MFA code of arn:aws:iam::1:mfa/me"));
    assert_true(fake_screen_has(&f, 24, 80, "Enter answer"));
    fake_type(&f, "123456");
    assert_int_equal(h.calls, 0);
    fake_key(&f, "Enter");
    assert_int_equal(h.calls, 1);
    assert_string_equal(h.text, "123456");
    assert_false(fake_screen_has(&f, 24, 80, "123456"));
    ui_ask_person(f.ui, "Again: ", hear, &h);
    fake_key(&f, "Up");
    assert_false(fake_screen_has(&f, 24, 80, "123456"));
    fake_key(&f, "Esc");
    assert_int_equal(h.calls, 2);
    assert_true(h.is_none);
    fake_release(&f);
    assert_int_equal(h.calls, 2);
}

static void a_question_waits_until_the_person_has_finished_typing(void **state)
{
    struct fake f;
    struct heard a = { 0 }, b = { 0 };

    (void)state;
    fake_init(&f);
    fake_start(&f, (struct ui_opts){ 0 });
    fake_keys(&f, ":");
    fake_type(&f, "sources");
    ui_ask_person(f.ui, "First: ", hear, &a);
    ui_ask_person(f.ui, "Second: ", hear, &b);
    assert_false(fake_screen_has(&f, 24, 80, "First:"));
    fake_key(&f, "Enter");
    assert_true(fake_screen_has(&f, 24, 80, "First:"));
    fake_type(&f, "1");
    fake_key(&f, "Enter");
    assert_true(fake_screen_has(&f, 24, 80, "Second:"));
    assert_string_equal(a.text, "1");
    assert_int_equal(b.calls, 0);
    fake_release(&f); /* answers what is left with nothing */
    assert_int_equal(b.calls, 1);
    assert_true(b.is_none);
}

static void dropped_questions_are_answered_with_nothing(void **state)
{
    struct fake f;
    struct heard h = { 0 };

    (void)state;
    fake_init(&f);
    fake_start(&f, (struct ui_opts){ 0 });
    ui_ask_person(f.ui, "Code: ", hear, &h);
    ui_drop_questions(f.ui);
    assert_int_equal(h.calls, 1);
    assert_true(h.is_none);
    assert_false(fake_screen_has(&f, 24, 80, "Code:"));
    fake_release(&f);
    assert_int_equal(h.calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_given_once_and_not_remembered),
        cmocka_unit_test(a_question_waits_until_the_person_has_finished_typing),
        cmocka_unit_test(dropped_questions_are_answered_with_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
