/* Preconditions of the room that a mistake of ours would break: each ends the program by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../trips.h"
#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/ui/canvas.h"
#include "opsdeck/ui/filter.h"
#include "opsdeck/ui/ui.h"

#include "../../../src/ui/attrs.h"
#include "../../../src/ui/format.h"
#include "../../../src/ui/keymap.h"
#include "../../../src/ui/prompt.h"
#include "../../../src/ui/table.h"
#include "../../../src/ui/text.h"

static void ui_without_a_clock(void *arg)
{
    ui_new(&(struct ui_opts){ .clock = arg }, NULL);
}

static void text_that_is_not_there(void *arg)
{
    canvas_text(arg, 0, 0, 10, ROLE_TEXT, NULL);
}

static void filter_of_nothing(void *arg)
{
    filter_set(arg, NULL);
}

static void match_past_the_last_row(void *arg)
{
    struct filter f = { 0 };

    (void)filter_match(&f, "", arg, 0);
}

static void status_past_the_last_row(void *arg)
{
    (void)format_row_status(arg, 0);
}

static void json_past_the_last_row(void *arg)
{
    struct sbuf out;

    sbuf_init(&out, 100);
    json_add_row(&out, arg, 0);
}

static void key_without_a_name(void *arg)
{
    (void)key_parse(arg, &(struct ui_key){ 0 });
}

static void keys_into_no_room(void *arg)
{
    keymap_keys(arg, ACT_NONE, NULL, 0);
}

static void prompt_for_nothing(void *arg)
{
    prompt_open(arg, PROMPT_NONE, "");
}

static void table_without_a_definition(void *arg)
{
    table_init(arg, NULL);
}

static void page_without_a_text(void *arg)
{
    text_set(arg, NULL);
}

static void preconditions_end_the_program_by_name(void **state)
{
    (void)state;
    static const char *const cols[] = { "key" };
    struct row_set *none = row_set_new(cols, ARRAY_LEN(cols));
    struct canvas *cv = canvas_new(2, 10, true);

    assert_true(trips(ui_without_a_clock, NULL, "ui_new"));
    assert_true(trips(text_that_is_not_there, cv, "canvas_text"));
    assert_true(trips(filter_of_nothing, &(struct filter){ 0 }, "filter_set"));
    assert_true(trips(match_past_the_last_row, none, "filter_match"));
    assert_true(trips(status_past_the_last_row, none, "format_row_status"));
    assert_true(trips(json_past_the_last_row, none, "json_add_row"));
    assert_true(trips(key_without_a_name, NULL, "key_parse"));
    assert_true(trips(keys_into_no_room, &(struct keymap){ 0 }, "keymap_keys"));
    assert_true(trips(prompt_for_nothing, &(struct prompt){ 0 }, "prompt_open"));
    assert_true(trips(table_without_a_definition, &(struct table){ 0 }, "table_init"));
    assert_true(trips(page_without_a_text, &(struct text){ 0 }, "text_set"));
    canvas_free(cv);
    row_set_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preconditions_end_the_program_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
