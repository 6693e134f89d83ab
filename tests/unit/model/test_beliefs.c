/* Preconditions of the room that a mistake of ours would break: each ends the program by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../trips.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/model/bluegreen.h"
#include "opsdeck/model/bluegreen_rows.h"
#include "opsdeck/model/status.h"

static void ask_a_family_that_is_none(void *arg)
{
    (void)bg_is_fresh(arg, BG_FAMILIES);
}

static void judge_without_a_name(void *arg)
{
    struct bg_result out;

    bg_judge(arena_new(), arg, NULL, &out);
}

static void rows_that_are_not_there(void *arg)
{
    bg_estate_new(arg, 3);
}

static void row_past_the_last(void *arg)
{
    (void)bg_estate_row(arg, bg_estate_size(arg));
}

static void account_past_the_last(void *arg)
{
    (void)bg_estate_account(arg, bg_estate_size(arg));
}

static void facts_past_the_last(void *arg)
{
    struct bg_facts out;

    bg_estate_facts(arg, bg_estate_size(arg), 1, arena_new(), &out);
}

static void parse_into_nothing(void *arg)
{
    status_parse("ok", arg);
}

static void age_of_nothing(void *arg)
{
    (void)freshness_of(arg);
}

static void preconditions_end_the_program_by_name(void **state)
{
    (void)state;
    struct bg_facts nameless = { .shared_env = "live" };
    struct bg_estate *none = bg_estate_new(NULL, 0);

    assert_true(trips(ask_a_family_that_is_none, &nameless, "bg_is_fresh"));
    assert_true(trips(judge_without_a_name, &nameless, "bg_judge"));
    assert_true(trips(rows_that_are_not_there, NULL, "bg_estate_new"));
    assert_true(trips(row_past_the_last, none, "bg_estate_row"));
    assert_true(trips(account_past_the_last, none, "bg_estate_account"));
    assert_true(trips(facts_past_the_last, none, "bg_estate_facts"));
    assert_true(trips(parse_into_nothing, NULL, "status_parse"));
    assert_true(trips(age_of_nothing, NULL, "freshness_of"));
    bg_estate_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preconditions_end_the_program_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
