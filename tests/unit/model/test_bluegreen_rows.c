/* Fact rows become the facts of one shared environment: whose rows, from which source, and what
 * is absent, wrong or foreign. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/model/bluegreen_rows.h"

#define NOW INT64_C(1770113700000)
#define EVERY INT64_C(60000)

struct fix {
    struct arena *mem;
    struct bg_estate *es;
    struct bg_row rows[16];
    size_t n;
};

static int setup(void **state)
{
    struct fix *f = xcalloc(1, sizeof *f);

    f->mem = arena_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fix *f = *state;

    bg_estate_free(f->es);
    arena_free(f->mem);
    free(f);
    return 0;
}

static void add_at(struct fix *f, const char *source, const char *kind, const char *key,
                   const char *attrs, int64_t observed_ms)
{
    assert_true(f->n < ARRAY_LEN(f->rows));
    f->rows[f->n++] = (struct bg_row){ source, kind, key, attrs, observed_ms, EVERY };
}

static void add(struct fix *f, const char *source, const char *kind, const char *key,
                const char *attrs)
{
    add_at(f, source, kind, key, attrs, NOW);
}

static void add_live(struct fix *f)
{
    add(f, "prod", "shared-env", "live",
        "{\"project\":\"p\",\"profile\":\"live\",\"account\":\"300\",\"region\":\"eu-west-2\","
        "\"is_live\":1,\"keeps_previous\":true,\"has_waf\":0,\"is_queue_absent\":null}");
}

static struct bg_facts facts(struct fix *f)
{
    struct bg_facts out;

    bg_estate_free(f->es);
    f->es = bg_estate_new(f->rows, f->n);
    assert_true(bg_estate_size(f->es) > 0);
    bg_estate_facts(f->es, 0, NOW, f->mem, &out);
    return out;
}

static void no_rows_are_no_environments(void **state)
{
    struct fix *f = *state;

    f->es = bg_estate_new(NULL, 0);
    assert_int_equal(bg_estate_size(f->es), 0);
}

static void the_shared_environment_says_what_it_is(void **state)
{
    struct fix *f = *state;

    add_live(f);
    struct bg_facts x = facts(f);
    assert_string_equal(x.project, "p");
    assert_string_equal(x.shared_env, "live");
    assert_string_equal(x.profile, "live");
    assert_string_equal(x.region, "eu-west-2");
    assert_true(x.is_live && x.keeps_previous);
    assert_false(x.has_waf || x.is_queue_absent || x.has_other_locks);
    assert_int_equal(x.now_ms, NOW);
    assert_string_equal(bg_estate_account(f->es, 0), "300");
    assert_string_equal(bg_estate_row(f->es, 0)->source, "prod");
}

static void attributes_that_are_no_object_leave_everything_unknown(void **state)
{
    static const char *const wrong[] = {
        "", "[]", "7", "{\"project\":", "null", "{\"project\":7,\"is_live\":\"1\",\"profile\":[]}"
    };
    struct fix *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        f->n = 0;
        add(f, "prod", "shared-env", "live", wrong[i]);
        struct bg_facts x = facts(f);
        assert_string_equal(x.project, "");
        assert_null(x.profile);
        assert_false(x.is_live);
        assert_null(bg_estate_account(f->es, 0));
    }
}

static void a_family_is_known_by_its_fact_row_alone(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "prod", "bg-queue", "q", "{\"project\":\"p\",\"waiting\":3}");
    add_at(f, "prod", "bg-fact", "functions", "{\"project\":\"p\"}", NOW - 5000);
    struct bg_facts x = facts(f);
    assert_false(x.known[BG_QUEUES].is_known);
    assert_int_equal(x.nqueues, 1);
    assert_true(x.known[BG_FUNCTIONS].is_known);
    assert_int_equal(x.known[BG_FUNCTIONS].read_ms, NOW - 5000);
    assert_int_equal(x.known[BG_FUNCTIONS].every_ms, EVERY);
    assert_int_equal(x.nfunctions, 0);
}

static void a_fact_of_another_environment_project_or_source_is_none(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "prod", "bg-fact", "mappings/demo", "{\"project\":\"p\"}");
    add(f, "prod", "bg-fact", "mappings/live", "{\"project\":\"other\"}");
    add(f, "nonprod", "bg-fact", "mappings/live", "{\"project\":\"p\"}");
    add(f, "prod", "bg-fact", "mappingslive", "{\"project\":\"p\"}");
    add_at(f, "prod", "bg-fact", "alarms", "{\"project\":\"p\"}", 0);
    struct bg_facts x = facts(f);
    assert_false(x.known[BG_MAPPINGS].is_known);
    assert_false(x.known[BG_ALARMS].is_known);
}

static void links_are_those_of_this_shared_environment(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "prod", "bg-link", "u1",
        "{\"project\":\"p\",\"shared\":\"live\",\"queue\":\"q\",\"function\":\"f\","
        "\"state\":\"Enabled\",\"modified\":1770046480000,\"is_target_missing\":1}");
    add(f, "prod", "bg-link", "u2", "{\"project\":\"p\",\"shared\":\"demo\",\"queue\":\"q2\"}");
    add(f, "nonprod", "bg-link", "u3", "{\"project\":\"p\",\"shared\":\"live\"}");
    add(f, "prod", "bg-link", "u4", "{\"project\":\"p\",\"shared\":\"live\"}");
    struct bg_facts x = facts(f);
    assert_int_equal(x.nmappings, 2);
    assert_string_equal(x.mappings[0].queue, "q");
    assert_string_equal(x.mappings[0].function, "f");
    assert_string_equal(x.mappings[0].state, "Enabled");
    assert_int_equal(x.mappings[0].modified_ms, INT64_C(1770046480000));
    assert_true(x.mappings[0].is_target_missing);
    assert_string_equal(x.mappings[1].queue, "");
    assert_false(x.mappings[1].is_target_missing);
}

static void numbers_that_are_absent_or_wild_are_not_known(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "prod", "bg-queue", "q",
        "{\"project\":\"p\",\"waiting\":0,\"in_flight\":1e300,\"oldest_s\":null,"
        "\"created\":\"soon\"}");
    struct bg_facts x = facts(f);
    assert_int_equal(x.queues[0].visible, 0);
    assert_int_equal(x.queues[0].in_flight, -1);
    assert_int_equal(x.queues[0].oldest_s, -1);
    assert_int_equal(x.queues[0].created_ms, -1);
    assert_int_equal(x.drained, -1);
}

static void an_empty_text_is_absent(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "prod", "bg-function", "fn", "{\"project\":\"p\",\"version\":\"\",\"kms_key\":\"k\"}");
    struct bg_facts x = facts(f);
    assert_null(x.functions[0].version);
    assert_null(x.functions[0].env_error);
    assert_string_equal(x.functions[0].kms_key, "k");
}

static void pipelines_come_from_the_source_that_read_them_last(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add_at(f, "old", "bg-fact", "builds", "{\"project\":\"p\"}", NOW - 9000);
    add_at(f, "mgmt", "bg-fact", "builds", "{\"project\":\"p\"}", NOW - 1000);
    add_at(f, "foreign", "bg-fact", "builds", "{\"project\":\"x\"}", NOW);
    add(f, "old", "bg-build", "b:1", "{\"project\":\"p\",\"state\":\"IN_PROGRESS\"}");
    add(f, "mgmt", "bg-build", "b:2",
        "{\"project\":\"p\",\"build_project\":\"trigger-rollback\",\"state\":\"SUCCEEDED\","
        "\"ended\":5}");
    struct bg_facts x = facts(f);
    assert_int_equal(x.known[BG_BUILDS].read_ms, NOW - 1000);
    assert_int_equal(x.nbuilds, 1);
    assert_string_equal(x.builds[0].id, "b:2");
    assert_string_equal(x.builds[0].project, "trigger-rollback");
    assert_string_equal(x.builds[0].status, "SUCCEEDED");
    assert_int_equal(x.builds[0].end_ms, 5);
}

static void a_dashboard_that_is_not_there_is_told_from_one_without_previous(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "prod", "bg-dashboard", "demo", "{\"project\":\"p\",\"current\":\"demo\"}");
    assert_false(facts(f).has_dashboard);
    add(f, "prod", "bg-dashboard", "live", "{\"project\":\"p\",\"current\":\"a\"}");
    struct bg_facts x = facts(f);
    assert_true(x.has_dashboard);
    assert_string_equal(x.dashboard_current, "a");
    assert_null(x.dashboard_previous);
}

static void a_table_counts_with_its_key_alias_only(void **state)
{
    static const struct {
        const char *attrs;
        bool has_table;
    } cases[] = {
        { "{\"project\":\"p\",\"table_status\":\"ACTIVE\",\"has_kms_alias\":1}", true },
        { "{\"project\":\"p\",\"table_status\":\"ACTIVE\",\"has_kms_alias\":0}", false },
        { "{\"project\":\"p\",\"table_status\":\"DELETING\",\"has_kms_alias\":1}", false },
        { "{\"project\":\"p\",\"has_kms_alias\":1}", false },
    };
    struct fix *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        f->n = 0;
        add_live(f);
        add(f, "prod", "bg-table", "live", cases[i].attrs);
        assert_int_equal(facts(f).has_table, cases[i].has_table);
    }
}

static void the_weekly_rule_is_that_of_the_linked_environment(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "prod", "bg-rule", "p-demo-quality-checker-schedule", "{\"project\":\"p\"}");
    assert_null(facts(f).rule);
    add(f, "prod", "bg-rule", "p-9f3c1ab-live-quality-checker-schedule", "{\"project\":\"p\"}");
    add(f, "prod", "bg-link", "u1",
        "{\"project\":\"p\",\"shared\":\"live\",\"function\":\"p-9f3c1ab-live-ingest-change-"
        "event\"}");
    assert_string_equal(facts(f).rule, "p-9f3c1ab-live-quality-checker-schedule");
}

static void the_last_link_is_the_one_that_ended_last(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "prod", "bg-last-link", "live",
        "{\"project\":\"p\",\"shared\":\"live\",\"name\":\"a\",\"ended\":9,\"previous\":\"z\"}");
    add(f, "prod", "bg-last-link", "live",
        "{\"project\":\"p\",\"shared\":\"live\",\"name\":\"b\",\"ended\":5}");
    add(f, "prod", "bg-last-link", "demo",
        "{\"project\":\"p\",\"shared\":\"demo\",\"name\":\"c\",\"ended\":99}");
    struct bg_facts x = facts(f);
    assert_string_equal(x.last_linked, "a");
    assert_string_equal(x.last_previous, "z");
    assert_int_equal(x.last_linked_ms, 9);
}

static void the_error_of_a_source_is_why_its_families_are_not_known(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "prod", "bg-source", "prod", "{\"error\":\"AccessDenied\"}");
    struct bg_facts x = facts(f);
    assert_string_equal(x.known[BG_MAPPINGS].why, "AccessDenied");
    assert_false(x.known[BG_MAPPINGS].is_known);
    assert_false(x.known[BG_QUEUES].is_known);
    assert_null(x.known[BG_BUILDS].why);
}

static void a_failed_step_makes_its_own_family_unknown_and_no_other(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "prod", "bg-fact", "queues", "{\"project\":\"p\"}");
    add(f, "prod", "bg-step", "alarms", "{\"error\":\"step alarms: no, step queues: yes\"}");
    add(f, "prod", "bg-step", "mappings", "{\"error\":\"step mappings: lambda: AccessDenied\"}");
    struct bg_facts x = facts(f);
    assert_false(x.known[BG_MAPPINGS].is_known);
    assert_non_null(strstr(x.known[BG_MAPPINGS].why, "AccessDenied"));
    assert_false(x.known[BG_ALARMS].is_known);
    assert_true(x.known[BG_QUEUES].is_known);
}

static void the_stacks_whose_lock_was_asked_for_are_told(void **state)
{
    struct fix *f = *state;

    add_live(f);
    assert_null(facts(f).lock_keys);
    add(f, "prod", "bg-fact", "locks",
        "{\"project\":\"p\",\"keys\":[\"p/live/api-key/terraform.state\",5]}");
    struct bg_facts x = facts(f);
    assert_non_null(x.lock_keys);
    assert_string_equal(x.lock_keys[0], "p/live/api-key/terraform.state");
    assert_null(x.lock_keys[1]);
}

static void images_count_for_the_tag_of_the_newest_release_only(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "mgmt", "bg-fact", "images", "{\"project\":\"p\",\"tag\":\"v2\"}");
    add(f, "mgmt", "bg-fact", "pipelines", "{\"project\":\"p\"}");
    add(f, "mgmt", "bg-image", "r:v2", "{\"project\":\"p\",\"repository\":\"r\",\"tag\":\"v2\"}");
    assert_null(facts(f).images);
    add(f, "mgmt", "bg-execution", "e1",
        "{\"project\":\"p\",\"pipeline\":\"p-dev-cicd-blue-green-deployment-pipeline\","
        "\"revision\":\"v2\",\"started\":10}");
    struct bg_facts x = facts(f);
    assert_non_null(x.images);
    assert_string_equal(x.images[0], "r");
    assert_null(x.images[1]);
    add(f, "mgmt", "bg-execution", "e2",
        "{\"project\":\"p\",\"pipeline\":\"p-dev-cicd-blue-green-deployment-pipeline\","
        "\"revision\":\"v3\",\"started\":20}");
    assert_null(facts(f).images);
}

static void the_parameter_is_the_new_version(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "mgmt", "bg-parameter", "v", "{\"project\":\"p\",\"value\":\"b8d41f0\"}");
    assert_null(facts(f).new_version);
    add(f, "mgmt", "bg-fact", "parameter", "{\"project\":\"p\"}");
    assert_string_equal(facts(f).new_version, "b8d41f0");
}

static void add_invoked(struct fix *f, const char *shared, const char *env, int is_last, int64_t at)
{
    add(f, "prod", "bg-metric", env,
        arena_printf(f->mem,
                     "{\"project\":\"p\",\"what\":\"invocations\",\"shared\":\"%s\","
                     "\"env\":\"%s\",\"value\":3,\"is_last\":%d,\"at\":%" PRId64 "}",
                     shared, env, is_last, at));
}

static void add_metrics(struct fix *f)
{
    add_live(f);
    add(f, "prod", "bg-fact", "metrics", "{\"project\":\"p\"}");
}

static void metrics_are_known_by_their_fact_row(void **state)
{
    struct fix *f = *state;

    add_live(f);
    assert_false(facts(f).known[BG_METRICS].is_known);
    add(f, "prod", "bg-fact", "metrics", "{\"project\":\"p\"}");
    struct bg_facts x = facts(f);
    assert_true(x.known[BG_METRICS].is_known);
    assert_int_equal(x.drained, -1);
    assert_null(x.last_invoked);
}

static void the_drain_rate_is_that_of_the_own_queue(void **state)
{
    struct fix *f = *state;

    add_live(f);
    add(f, "prod", "bg-metric", "q0",
        "{\"project\":\"p\",\"what\":\"drained\",\"shared\":\"demo\",\"value\":7}");
    add(f, "nonprod", "bg-metric", "q1",
        "{\"project\":\"p\",\"what\":\"drained\",\"shared\":\"live\",\"value\":8}");
    add(f, "prod", "bg-metric", "q2",
        "{\"project\":\"p\",\"what\":\"invocations\",\"shared\":\"live\",\"value\":9}");
    assert_int_equal(facts(f).drained, -1);
    add(f, "prod", "bg-metric", "q3",
        "{\"project\":\"p\",\"what\":\"drained\",\"shared\":\"live\",\"value\":0}");
    assert_int_equal(facts(f).drained, 0);
}

static void a_drain_rate_that_is_no_count_is_not_known(void **state)
{
    static const char *const wrong[] = { "null", "-3", "\"12\"", "1e300", "{}" };
    struct fix *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        f->n = 0;
        add_live(f);
        add(f, "prod", "bg-metric", "q",
            arena_printf(
                f->mem, "{\"project\":\"p\",\"what\":\"drained\",\"shared\":\"live\",\"value\":%s}",
                wrong[i]));
        assert_int_equal(facts(f).drained, -1);
    }
}

static void the_last_invoked_is_who_ran_last_of_this_shared_environment(void **state)
{
    struct fix *f = *state;

    add_metrics(f);
    add_invoked(f, "demo", "d", 1, NOW - 1000);
    add_invoked(f, "live", "b", 0, NOW - 1000);
    assert_null(facts(f).last_invoked);
    add_invoked(f, "live", "a", 1, NOW - 60000);
    assert_string_equal(facts(f).last_invoked, "a");
}

static void invocations_of_nobody_known_are_those_of_no_shared_environment(void **state)
{
    struct fix *f = *state;

    add_metrics(f);
    add(f, "prod", "bg-metric", "a",
        arena_printf(f->mem,
                     "{\"project\":\"p\",\"what\":\"invocations\",\"shared\":null,"
                     "\"env\":\"a\",\"value\":3,\"is_last\":1,\"at\":%" PRId64 "}",
                     NOW));
    assert_null(facts(f).last_invoked);
}

static void of_two_that_say_they_ran_last_the_newer_counts(void **state)
{
    struct fix *f = *state;

    add_metrics(f);
    add_invoked(f, "live", "gone", 1, NOW - 600000);
    add_invoked(f, "live", "a", 1, NOW - 60000);
    add_invoked(f, "live", "gone-too", 1, NOW - 500000);
    assert_string_equal(facts(f).last_invoked, "a");
}

static void invocations_before_the_window_do_not_count(void **state)
{
    struct fix *f = *state;

    add_metrics(f);
    add_invoked(f, "live", "a", 1, NOW - 1861000);
    assert_null(facts(f).last_invoked);
    add_invoked(f, "live", "b", 1, NOW - 1800000);
    assert_string_equal(facts(f).last_invoked, "b");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(no_rows_are_no_environments),
        T(the_shared_environment_says_what_it_is),
        T(attributes_that_are_no_object_leave_everything_unknown),
        T(a_family_is_known_by_its_fact_row_alone),
        T(a_fact_of_another_environment_project_or_source_is_none),
        T(links_are_those_of_this_shared_environment),
        T(numbers_that_are_absent_or_wild_are_not_known),
        T(an_empty_text_is_absent),
        T(pipelines_come_from_the_source_that_read_them_last),
        T(a_dashboard_that_is_not_there_is_told_from_one_without_previous),
        T(a_table_counts_with_its_key_alias_only),
        T(the_weekly_rule_is_that_of_the_linked_environment),
        T(the_last_link_is_the_one_that_ended_last),
        T(the_error_of_a_source_is_why_its_families_are_not_known),
        T(a_failed_step_makes_its_own_family_unknown_and_no_other),
        T(the_stacks_whose_lock_was_asked_for_are_told),
        T(images_count_for_the_tag_of_the_newest_release_only),
        T(the_parameter_is_the_new_version),
        T(metrics_are_known_by_their_fact_row),
        T(the_drain_rate_is_that_of_the_own_queue),
        T(a_drain_rate_that_is_no_count_is_not_known),
        T(the_last_invoked_is_who_ran_last_of_this_shared_environment),
        T(invocations_of_nobody_known_are_those_of_no_shared_environment),
        T(of_two_that_say_they_ran_last_the_newer_counts),
        T(invocations_before_the_window_do_not_count),
    };

    return cmocka_run_group_tests_name("model/bluegreen_rows", tests, NULL, NULL);
}
