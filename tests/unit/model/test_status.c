/* The status lattice, freshness, foreign words and the order of problems, as tables. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/model/status.h"

static void words_go_both_ways_and_no_other_word_is_a_status(void **state)
{
    static const char *const words[] = { "ok", "info", "warn", "unknown", "crit" };
    static const char *const others[] = { "OK", "", "critical", "ok ", "o", "Warn" };
    enum status s;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        assert_true(status_parse(words[i], &s));
        assert_int_equal(s, i);
        assert_string_equal(status_word(s), words[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(status_parse(others[i], &s));
    assert_false(status_parse(NULL, &s));
    assert_string_equal(status_word((enum status)77), "unknown");
}

static void the_worst_is_crit_then_unknown_then_warn(void **state)
{
    (void)state;
    assert_int_equal(status_worst(STATUS_WARN, STATUS_UNKNOWN), STATUS_UNKNOWN);
    assert_int_equal(status_worst(STATUS_CRIT, STATUS_UNKNOWN), STATUS_CRIT);
    assert_int_equal(status_worst(STATUS_OK, STATUS_INFO), STATUS_INFO);
}

struct age_case {
    int64_t observed, every, now;
    bool has_failed;
    enum freshness want;
};

static void facts_age_by_their_interval(void **state)
{
    static const struct age_case cases[] = {
        { 1000, 10, 1000, false, FRESH },
        { 1000, 10, 1020, false, FRESH },
        { 1000, 10, 1021, false, STALE },
        { 1000, 10, 1050, false, STALE },
        { 1000, 10, 1051, false, LOST },
        { 1000, 10, 1000, true, LOST },
        { 0, 10, 5, false, LOST },
        { -1, 10, 5, false, LOST },
        { 1000, 10, 500, false, FRESH },
        { 1000, 0, 1000, false, LOST },
        { 1, INT64_MAX, INT64_MAX, false, FRESH },
        { 1, INT64_MAX / 3, INT64_MAX, false, STALE },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fact_age f = { .observed_ms = cases[i].observed,
                              .every_ms = cases[i].every,
                              .now_ms = cases[i].now,
                              .has_failed = cases[i].has_failed };
        if (freshness_of(&f) != cases[i].want)
            fail_msg("case %zu: %d", i, (int)freshness_of(&f));
    }
}

static void a_lost_fact_is_unknown_and_never_green(void **state)
{
    (void)state;
    for (enum status s = STATUS_OK; s <= STATUS_CRIT; s++) {
        assert_int_equal(status_effective(s, FRESH), s);
        assert_int_equal(status_effective(s, STALE), s);
        assert_int_equal(status_effective(s, LOST), STATUS_UNKNOWN);
    }
}

static void foreign_words_are_known_or_unknown_never_guessed(void **state)
{
    (void)state;
    assert_int_equal(status_from_severity("Critical"), STATUS_CRIT);
    assert_int_equal(status_from_severity("warning"), STATUS_WARN);
    assert_int_equal(status_from_severity("low"), STATUS_INFO);
    assert_int_equal(status_from_severity("none"), STATUS_OK);
    assert_int_equal(status_from_severity("banana"), STATUS_UNKNOWN);
    assert_int_equal(status_from_severity(NULL), STATUS_UNKNOWN);
    assert_int_equal(status_from_word("PASS"), STATUS_OK);
    assert_int_equal(status_from_word("failed"), STATUS_CRIT);
    assert_int_equal(status_from_word("degraded"), STATUS_WARN);
    assert_int_equal(status_from_word("unpassed"), STATUS_UNKNOWN);
    assert_int_equal(status_from_word(""), STATUS_UNKNOWN);
    assert_int_equal(status_from_word(NULL), STATUS_UNKNOWN);
}

static void levels_know_both_directions(void **state)
{
    (void)state;
    assert_int_equal(status_from_level(1, 5, 10), STATUS_OK);
    assert_int_equal(status_from_level(5, 5, 10), STATUS_WARN);
    assert_int_equal(status_from_level(10, 5, 10), STATUS_CRIT);
    assert_int_equal(status_from_level(50, 20, 10), STATUS_OK);
    assert_int_equal(status_from_level(20, 20, 10), STATUS_WARN);
    assert_int_equal(status_from_level(5, 20, 10), STATUS_CRIT);
    assert_int_equal(status_from_level(5, 5, 5), STATUS_CRIT);
    assert_int_equal(status_from_level((double)NAN, 5, 10), STATUS_UNKNOWN);
    assert_int_equal(status_from_level((double)NAN, 10, 5), STATUS_UNKNOWN);
}

/* From the most to the least urgent. */
static const struct problem_rank order[] = {
    { STATUS_UNKNOWN, STATUS_CRIT, true, false, 900, 1000, 0,
      false }, /* a lost crit stays on top */
    { STATUS_CRIT, STATUS_CRIT, true, false, 800, 1000, 5, true },
    { STATUS_CRIT, STATUS_CRIT, true, false, 800, 1000, 5, false },
    { STATUS_CRIT, STATUS_CRIT, true, false, 800, 1000, 4, true },
    { STATUS_CRIT, STATUS_CRIT, true, false, 0, 1000, 9, true },
    { STATUS_CRIT, STATUS_CRIT, false, false, 999, 1000, 9, true },
    { STATUS_UNKNOWN, STATUS_OK, true, false, 999, 1000, 9, true },
    { STATUS_WARN, STATUS_WARN, true, false, 5000, 1000, 0,
      false }, /* a start in the future counts as now */
    { STATUS_WARN, STATUS_WARN, true, false, 999, 1000, 9, true },
    { STATUS_CRIT, STATUS_CRIT, true, true, 999, 1000, 9, true }, /* acked ones sink */
};

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static void problems_are_ordered_and_their_keys_agree(void **state)
{
    char a[PROBLEM_KEY_MAX], b[PROBLEM_KEY_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        for (size_t k = 0; k < ARRAY_LEN(order); k++) {
            int want = i < k ? -1 : i > k;
            if (problem_compare(&order[i], &order[k]) != want)
                fail_msg("%zu and %zu", i, k);
            assert_int_equal(sign(strcmp(problem_key(&order[i], a), problem_key(&order[k], b))),
                             want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_go_both_ways_and_no_other_word_is_a_status),
        cmocka_unit_test(the_worst_is_crit_then_unknown_then_warn),
        cmocka_unit_test(facts_age_by_their_interval),
        cmocka_unit_test(a_lost_fact_is_unknown_and_never_green),
        cmocka_unit_test(foreign_words_are_known_or_unknown_never_guessed),
        cmocka_unit_test(levels_know_both_directions),
        cmocka_unit_test(problems_are_ordered_and_their_keys_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
