/* The table look: runs of looks at a step, what they say of a source, and sources on demand. */
#include "ingest_test.h"

static const char looks_sql[] = "SELECT outcome, (from_ms - 1780000000000) / 1000, (to_ms - "
                                "1780000000000) / 1000, coalesce(code, '-'), coalesce(text, '-'), "
                                "ms FROM look ORDER BY source, step, from_ms";

static void answer(struct fix *f, const struct map_step *s)
{
    ingest_result_free(fix_poll(f, s, "[{\"k\":\"a\"}]"));
}

static void
looks_that_end_alike_are_one_run_with_the_first_reason_and_the_longest_time(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    answer(f, &t.step);
    f->now += 5 * MINUTE;
    answer(f, &t.step);
    f->now += MINUTE;
    fix_look(f, &t.step, "net", "first", 40);
    f->now += MINUTE;
    fix_look(f, &t.step, "net", "second", 70);
    f->now += MINUTE;
    fix_look(f, &t.step, "net", "third", 10);
    assert_string_equal(fix_ask(f, 0, looks_sql),
                        "answered|0|300|-|-|0;failed|360|480|net|first|70");
    f->now += MINUTE;
    fix_look(f, &t.step, "auth", "another", 1);
    f->now += MINUTE;
    answer(f, &t.step);
    assert_string_equal(fix_ask(f, 0, looks_sql),
                        "answered|0|300|-|-|0;failed|360|480|net|first|70;"
                        "failed|540|540|auth|another|1;answered|600|600|-|-|0");
    assert_string_equal(fix_ask(f, 0, "SELECT count(*) FROM observed"), "2");
    assert_string_equal(fix_ask(f, T0 + 7 * MINUTE, looks_sql),
                        "answered|0|300|-|-|0;failed|360|420|net|first|70");
}

static void a_gap_and_another_interval_begin_a_run_of_their_own(void **state)
{
    static const struct ingest_source often[] = { { "s", "r", "http://x", "{}", MINUTE, false } };
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    answer(f, &t.step);
    f->now += 13 * MINUTE; /* more than 2.5 intervals */
    answer(f, &t.step);
    fix_done(f, (struct ingest_job){ .type = INGEST_SOURCES, .sources = often, .nsources = 1 });
    f->now += MINUTE;
    answer(f, &t.step);
    assert_string_equal(
        fix_ask(f, 0, "SELECT (from_ms - 1780000000000) / 60000, every_ms FROM look"),
        "0|300000;13|300000;14|60000");
}

static void looks_of_what_is_now_the_future_are_cut_off(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    answer(f, &t.step);
    f->now += 60 * MINUTE;
    fix_look(f, &t.step, "net", "ahead", 1);
    f->now -= 58 * MINUTE;
    answer(f, &t.step);
    assert_string_equal(fix_ask(f, 0, looks_sql), "answered|0|120|-|-|0");
}

static void two_looks_in_one_millisecond_are_both_kept(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_look(f, &t.step, "net", "why", 1);
    answer(f, &t.step);
    assert_string_equal(fix_ask(f, 0, "SELECT outcome FROM look ORDER BY from_ms"),
                        "failed;answered");
}

static void a_fall_that_is_doubted_is_a_look_that_says_nothing_of_freshness(void **state)
{
    struct fix *f = *state;
    struct thing_step t;
    char body[1024] = "[";

    thing_step_init(&t, "list");
    fix_sources(f);
    for (int i = 0; i < 12; i++)
        snprintf(body + strlen(body), sizeof body - strlen(body), "%s{\"k\":\"%d\"}", i ? "," : "",
                 i);
    strcat(body, "]");
    fix_counts(f, &t.step, body, 12, 0, 0);
    f->now += 5 * MINUTE;
    fix_counts(f, &t.step, "[]", 0, 0, 0);
    assert_string_equal(fix_ask(f, 0, "SELECT outcome FROM look"), "answered;doubted");
    assert_string_equal(fix_ask(f, 0, "SELECT count(*) FROM observed"), "1");
    assert_string_equal(fix_ask(f, 0, "SELECT state, warning FROM source_state"),
                        "doubtful|step list lists nothing where there were many rows: kept until "
                        "the next poll agrees");
}

static void a_source_on_demand_is_idle_and_then_never_late(void **state)
{
    static const struct ingest_source list[] = { { "s", "r", "http://x", "{}", MINUTE, true } };
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_done(f, (struct ingest_job){ .type = INGEST_SOURCES, .sources = list, .nsources = 1 });
    assert_string_equal(fix_ask(f, 0, "SELECT state, every_ms FROM source_state"), "idle|60000");
    answer(f, &t.step);
    f->now += 24 * 60 * MINUTE;
    assert_string_equal(fix_ask(f, 0, "SELECT state FROM source_state"), "ok");
    assert_string_equal(fix_ask(f, 0, "SELECT status, stale FROM entity"), "unknown|0");
    assert_string_equal(fix_ask(f, f->now, "SELECT state FROM source_state"), "ok");
}

static void a_pause_is_told_to_the_next_process_that_takes_the_lease(void **state)
{
    struct fix *f = *state;
    struct ingest *other = fix_open(f);

    fix_sources(f);
    fix_done(f, (struct ingest_job){ .type = INGEST_STATE,
                                     .state = { .is_ok = false,
                                                .error = "429",
                                                .error_code = "throttled",
                                                .at_ms = f->now,
                                                .pause_until_ms = f->now + MINUTE } });
    struct ingest_result *r = fix_do(
        f, other, (struct ingest_job){ .type = INGEST_LEASE, .holder = "b:1:1", .lease_ms = 1000 });
    assert_true(r->is_lease_ours);
    assert_int_equal(r->pause_until_ms, T0 + MINUTE);
    ingest_result_free(r);
    ingest_free(other);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(looks_that_end_alike_are_one_run_with_the_first_reason_and_the_longest_time),
        T(a_gap_and_another_interval_begin_a_run_of_their_own),
        T(looks_of_what_is_now_the_future_are_cut_off),
        T(two_looks_in_one_millisecond_are_both_kept),
        T(a_fall_that_is_doubted_is_a_look_that_says_nothing_of_freshness),
        T(a_source_on_demand_is_idle_and_then_never_late),
        T(a_pause_is_told_to_the_next_process_that_takes_the_lease),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
