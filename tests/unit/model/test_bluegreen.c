/* The judgement as a whole: names, words, the variants of the page's 9.12, evidence, blind window.
 */
#include "bluegreen_fixture.h"

static void environments_are_read_from_names_of_functions_and_queues(void **state)
{
    static const struct {
        const char *name, *env;
        bool is_queue;
    } cases[] = {
        { P "-9f3c1ab-live-ingest-change-event", "9f3c1ab-live", false },
        { P "-ds-4012-dos-db-update-dlq-handler", "ds-4012", false },
        { P "-demo-service-sync", "demo", false },
        { P "-demo-other-function", NULL, false },
        { P "-ingest-change-event", NULL, false },
        { P "--ingest-change-event", NULL, false },
        { "other-demo-ingest-change-event", NULL, false },
        { P "-demo-xingest-change-event", NULL, false },
        { P, NULL, false },
        { "", NULL, false },
        { NULL, NULL, false },
        { P "-9f3c1ab-live-holding-queue.fifo", "9f3c1ab-live", true },
        { P "-demo-update-request-dead-letter-queue.fifo", "demo", true },
        { P "-demo-holding-queue-dead-letter-queue.fifo", "demo", true },
        { P "-live-change-event-queue.fifo", NULL, true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *env = NULL;
        size_t len = 0;
        bool is_one = cases[i].is_queue ? bg_env_of_queue(P, cases[i].name, &env, &len)
                                        : bg_env_of_function(P, cases[i].name, &env, &len);

        assert_int_equal(is_one, cases[i].env != NULL);
        if (is_one) {
            assert_int_equal(len, strlen(cases[i].env));
            assert_memory_equal(env, cases[i].env, len);
        }
    }
}

static void every_state_role_and_flag_has_its_own_word(void **state)
{
    (void)state;
    for (int i = 1; i < BG_STATES; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(bg_state_word((enum bg_state)i),
                                    bg_state_word((enum bg_state)k));
    for (int i = 1; i < BG_ROLES; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(bg_role_word((enum bg_role)i), bg_role_word((enum bg_role)k));
    assert_string_equal(bg_state_word((enum bg_state)99), "UNKNOWN");
    assert_string_equal(bg_role_word(BG_ROLE_LINKING), "LINKING");
    assert_string_equal(bg_flag_word(BG_DRAINING), "DRAINING");
    assert_string_equal(bg_flag_word(BG_STUCK_LOCK), "STUCK_LOCK");
    assert_string_equal(bg_flag_word(BG_NO_ROLLBACK), "NO_ROLLBACK");
    assert_string_equal(bg_flag_word(BG_DELETED_YET_PRESENT), "DELETED_YET_PRESENT");
}

/* ---- the variants */

static void an_outage_prints_the_link_that_restores_service(void **state)
{
    const struct bg_result *r;
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    fx_outage(&x);
    r = fx_judge(&x);
    assert_int_equal(r->state, BG_NONE_LINKED);
    assert_int_equal(r->severity, STATUS_CRIT);
    assert_string_equal(r->last_consumer, "9f3c1ab-live");
    assert_string_equal(r->summary, "no environment is linked: 240 events wait, oldest 21 min; "
                                    "last consumer 9f3c1ab-live");
    assert_int_equal(r->nlinked, 0);
    assert_string_equal(fx_step(&x, "link", "9f3c1ab-live")->command,
                        "make link-blue-green-environment PROFILE=live ENVIRONMENT=live "
                        "SHARED_ENVIRONMENT=live BLUE_GREEN_ENVIRONMENT=9f3c1ab-live "
                        "TF_VAR_previous_blue_green_environment=5e20d84-live");
    assert_int_equal(fx_check(fx_step(&x, "unlink", NULL), "C7")->result, BG_CHECK_FAIL);
    fx_done(&x);
}

static void a_switch_shows_its_clock(void **state)
{
    const struct bg_result *r;
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    fx_outage(&x);
    fx_add_lock(&x, "live", "blue-green-link", NOW / 1000 - 90);
    fx_add_build(&x, "deploy-blue-green-environment-stage", "IN_PROGRESS", "live", NULL,
                 NOW / 1000 - 600, 0);
    r = fx_judge(&x);
    assert_int_equal(r->state, BG_SWITCHING);
    assert_int_equal(r->severity, STATUS_INFO);
    assert_int_equal(NOW - r->since_ms, 90000);
    assert_non_null(strstr(r->summary, "for 90 s"));
    assert_null(fx_step(&x, "link", "9f3c1ab-live")->command);
    fx_done(&x);
}

static void access_denied_is_never_an_outage(void **state)
{
    const struct bg_result *r;
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    fx_unlink(&x);
    x.f.known[BG_MAPPINGS] =
        (struct bg_known){ false, NOW - 720000, 60000, "AccessDeniedException: no permission" };
    r = fx_judge(&x);
    assert_int_equal(r->state, BG_STATE_UNKNOWN);
    assert_int_equal(r->severity, STATUS_UNKNOWN);
    assert_null(r->last_consumer);
    assert_string_equal(r->summary, "who is linked is not known: AccessDeniedException: no "
                                    "permission; last read 12 min ago");
    fx_done(&x);
}

static void without_a_previous_there_is_no_rollback(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    fx_judge(&x);
    assert_non_null(fx_step(&x, "rollback", NULL)->command);
    x.f.dashboard_previous = "NA";
    fx_judge(&x);
    assert_true(x.out.flags & BG_NO_ROLLBACK);
    assert_null(fx_step(&x, "rollback", NULL)->command);
    fx_done(&x);
}

/* Flags apart: NO_DECRYPT is what the viewer lacks. */
static void without_decrypting_the_result_is_the_same(void **state)
{
    struct fx a, b;

    (void)state;
    for (size_t s = 0; s < ARRAY_LEN(fx_shareds); s++) {
        fx_init(&a, fx_shareds[s].name);
        fx_init(&b, fx_shareds[s].name);
        for (size_t i = 0; i < b.f.nfunctions; i++) {
            b.functions[i].shared_env = NULL;
            b.functions[i].env_error = "AccessDeniedException";
        }
        fx_judge(&a);
        fx_judge(&b);
        assert_int_equal(a.out.state, b.out.state);
        assert_string_equal(a.out.summary, b.out.summary);
        assert_int_equal(a.out.nslots, b.out.nslots);
        for (size_t i = 0; i < a.out.nslots; i++) {
            assert_string_equal(a.out.slots[i].name, b.out.slots[i].name);
            assert_int_equal(a.out.slots[i].role, b.out.slots[i].role);
            assert_int_equal(a.out.slots[i].flags | BG_NO_DECRYPT, b.out.slots[i].flags);
        }
        fx_done(&a);
        fx_done(&b);
    }
}

static void a_half_link_is_partial_and_degraded(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    x.f.nmappings--;
    for (size_t i = 0, n = 0; i < x.f.nalarms && n < 3; i++)
        if (strstr(x.alarms[i].name, "9f3c1ab-live")) {
            x.alarms[i].name = "gone";
            n++;
        }
    fx_judge(&x);
    assert_int_equal(x.out.state, BG_LINKED_PARTIAL);
    assert_int_equal(x.out.also, 1U << BG_LINKED_DEGRADED);
    assert_int_equal(x.out.blind.present, 34);
    fx_done(&x);
}

static void a_dangerous_redeploy_is_warned_of(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    x.f.new_version = "5e20d84";
    fx_judge(&x);
    assert_null(fx_step(&x, "deploy", NULL)->command);
    assert_int_equal(fx_check(fx_step(&x, "deploy", NULL), "C15")->result, BG_CHECK_FAIL);
    assert_non_null(strstr(fx_step(&x, "deploy", NULL)->reason, "would delete"));
    fx_done(&x);
}

static void a_draining_environment_is_not_removed(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    fx_queue(&x, "5e20d84-live-update-request-queue.fifo")->visible = 7;
    fx_queue(&x, "71be55f-live-update-request-queue.fifo")->visible = 7;
    fx_judge(&x);
    assert_int_equal(fx_slot(&x, "5e20d84-live")->role, BG_PREVIOUS);
    assert_true(fx_slot(&x, "5e20d84-live")->flags & BG_DRAINING);
    assert_null(fx_step(&x, "undeploy", "5e20d84-live")->command);
    assert_string_equal(fx_step(&x, "undeploy", "71be55f-live")->reason,
                        "C10 failed: 7 messages in its queues would be lost");
    fx_done(&x);
}

/* ---- blind window */

static void alarms_that_should_exist_are_counted_against_those_that_do(void **state)
{
    static const struct {
        const char *shared;
        int expected, present;
    } cases[] = {
        { "live", 37, 37 },      { "cicd-release", 37, 37 }, { "demo", 37, 37 },
        { "cicd-test", 39, 39 }, { "test", 29, 29 },         { "ds-3987", 15, 15 },
        { "ds-4012", 15, 15 },   { "ds-4020", 15, 5 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fx x;

        fx_init(&x, cases[i].shared);
        fx_judge(&x);
        assert_int_equal(x.out.blind.expected, cases[i].expected);
        assert_int_equal(x.out.blind.present, cases[i].present);
        fx_done(&x);
    }
}

static void a_blind_window_begins_with_the_gap(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "ds-4020");
    fx_judge(&x);
    assert_int_equal(x.out.blind.since_ms, NOW - 5400000);
    fx_stale(&x, BG_ALARMS);
    fx_judge(&x);
    assert_int_equal(x.out.blind.present, -1);
    assert_int_equal(x.out.blind.since_ms, 0);
    fx_done(&x);
}

static void alarms_of_one_part_do_not_stand_in_for_another(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    x.alarms[0].name = P " | 9f3c1ab-live | One more";
    fx_judge(&x);
    assert_int_equal(x.out.blind.present, 36);
    fx_done(&x);
}

static void an_absent_environment_expects_nothing(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "test");
    fx_unlink(&x);
    x.f.is_queue_absent = true;
    fx_judge(&x);
    assert_int_equal(x.out.blind.expected, 0);
    assert_string_equal(x.out.summary, "the shared environment does not exist");
    fx_done(&x);
}

/* ---- evidence and what is told */

static bool has_evidence(const struct fx *x, const char *fact, const char *strength)
{
    for (size_t i = 0; i < x->out.nevidence; i++)
        if (strcmp(x->out.evidence[i].fact, fact) == 0)
            return strcmp(x->out.evidence[i].strength, strength) == 0;
    return false;
}

static void evidence_comes_with_its_strength(void **state)
{
    static const struct {
        const char *fact, *strength;
    } cases[] = {
        { "E1: change-event queue -> 9f3c1ab-live, Enabled", "strong" },
        { "E1: change-event DLQ -> 9f3c1ab-live, Enabled", "strong" },
        { "E4: 9f3c1ab-live pairs with live by KMS key", "strong" },
        { "E3: 9f3c1ab-live runs rC3.xAs2Bt0uV7wY4zP8oM6lJ9iH5fUe", "strong" },
        { "E6: dashboard names 9f3c1ab-live, previous 5e20d84-live", "medium" },
        { "E7: 37 of 37 alarms exist", "medium" },
        { "E8: alert path connected", "medium" },
        { "E13: rule " P "-9f3c1ab-live-quality-checker-schedule exists", "medium" },
        { "E14: 9f3c1ab-live consumed last", "medium" },
        { "E11: new version is b8d41f0", "weak" },
    };
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    x.f.rule = P "-9f3c1ab-live-quality-checker-schedule";
    x.f.last_invoked = "9f3c1ab-live";
    fx_judge(&x);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (!has_evidence(&x, cases[i].fact, cases[i].strength))
            fail_msg("no %s evidence \"%s\"", cases[i].strength, cases[i].fact);
    assert_int_equal(x.out.evidence[0].age_s, 10);
    fx_done(&x);
}

static void a_gap_shows_lock_build_and_the_empty_list(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    fx_outage(&x);
    fx_add_lock(&x, "live", "blue-green-link", NOW / 1000 - 90);
    x.f.last_linked = "9f3c1ab-live";
    fx_judge(&x);
    assert_true(has_evidence(&x, "E1: no mapping on the change-event queue", "strong"));
    assert_true(has_evidence(&x, "E12: link stack locked for 90 s by root@build", "strong"));
    assert_true(has_evidence(&x, "remembered: 9f3c1ab-live was linked", "medium"));
    assert_true(has_evidence(&x, "E8: alert path broken: no subscriber", "medium"));
    fx_add_build(&x, "deploy-blue-green-environment-stage", "IN_PROGRESS", "live", NULL,
                 NOW / 1000 - 600, 0);
    fx_judge(&x);
    assert_true(
        has_evidence(&x, "E10: deploy-blue-green-environment-stage runs for 10 min", "medium"));
    fx_done(&x);
}

static void stale_families_are_no_evidence(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    x.f.last_invoked = "9f3c1ab-live";
    for (int i = 0; i < BG_FAMILIES; i++)
        fx_stale(&x, (enum bg_family)i);
    assert_int_equal(fx_judge(&x)->nevidence, 0);
    assert_int_equal(x.out.waiting, -1);
    assert_int_equal(x.out.dead, -1);
    fx_done(&x);
}

static void
the_last_consumer_is_who_ran_then_who_was_seen_then_whom_the_dashboard_names(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    assert_null(fx_judge(&x)->last_consumer);
    fx_outage(&x);
    assert_string_equal(fx_judge(&x)->last_consumer, "9f3c1ab-live");
    x.f.last_linked = "5e20d84-live";
    assert_string_equal(fx_judge(&x)->last_consumer, "5e20d84-live");
    x.f.last_invoked = "4d7e02c-live";
    assert_string_equal(fx_judge(&x)->last_consumer, "4d7e02c-live");
    fx_stale(&x, BG_METRICS);
    x.f.last_linked = NULL;
    fx_stale(&x, BG_DASHBOARD);
    assert_null(fx_judge(&x)->last_consumer);
    fx_add_link(&x, "71be55f-live", "Deleting", 1770113600);
    assert_string_equal(fx_judge(&x)->last_consumer, "71be55f-live");
    fx_done(&x);
}

static void every_state_has_its_line(void **state)
{
    static const struct {
        const char *shared, *mapping, *summary;
    } cases[] = {
        { "live", NULL, "9f3c1ab-live is linked" },
        { "cicd-test", NULL,
          "b8d41f0-dev and ds-4012 consume the same queue: events are split between them" },
        { "ds-4012", NULL,
          "no environment belongs to it (its own now belongs to another): 6 events wait, oldest 27 "
          "min" },
        { "ds-4020", NULL, "no environment is linked: 14 events wait, oldest 90 min" },
        { "live", "Disabled", "the link to 9f3c1ab-live is disabled: the queue grows" },
        { "live", "Creating", "9f3c1ab-live is being linked" },
        { "live", "Disabling", "9f3c1ab-live is being unlinked" },
        { "live", "Deleting", "9f3c1ab-live is being unlinked" },
        { "live", "Odd", "the mapping to 9f3c1ab-live is in a state not known here: Odd" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fx x;

        fx_init(&x, cases[i].shared);
        if (cases[i].mapping)
            x.mappings[0].state = cases[i].mapping;
        assert_string_equal(fx_judge(&x)->summary, cases[i].summary);
        fx_done(&x);
    }
}

static void no_facts_at_all_are_survived(void **state)
{
    struct bg_facts f = { .project = P, .shared_env = "live", .now_ms = NOW };
    struct arena *mem = arena_new();
    struct bg_result r;

    (void)state;
    bg_judge(mem, &f, NULL, &r);
    assert_int_equal(r.state, BG_STATE_UNKNOWN);
    assert_string_equal(r.summary, "who is linked is not known: never read");
    for (size_t i = 0; i < r.nsteps; i++)
        assert_false(r.steps[i].is_allowed);
    arena_free(mem);
}

static void mappings_with_missing_words_are_survived(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    x.mappings[0].function = NULL;
    x.mappings[0].state = NULL;
    x.mappings[1].queue = NULL;
    assert_int_not_equal(fx_judge(&x)->state, BG_LINKED);
    fx_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environments_are_read_from_names_of_functions_and_queues),
        cmocka_unit_test(every_state_role_and_flag_has_its_own_word),
        cmocka_unit_test(an_outage_prints_the_link_that_restores_service),
        cmocka_unit_test(a_switch_shows_its_clock),
        cmocka_unit_test(access_denied_is_never_an_outage),
        cmocka_unit_test(without_a_previous_there_is_no_rollback),
        cmocka_unit_test(without_decrypting_the_result_is_the_same),
        cmocka_unit_test(a_half_link_is_partial_and_degraded),
        cmocka_unit_test(a_dangerous_redeploy_is_warned_of),
        cmocka_unit_test(a_draining_environment_is_not_removed),
        cmocka_unit_test(alarms_that_should_exist_are_counted_against_those_that_do),
        cmocka_unit_test(a_blind_window_begins_with_the_gap),
        cmocka_unit_test(alarms_of_one_part_do_not_stand_in_for_another),
        cmocka_unit_test(an_absent_environment_expects_nothing),
        cmocka_unit_test(evidence_comes_with_its_strength),
        cmocka_unit_test(a_gap_shows_lock_build_and_the_empty_list),
        cmocka_unit_test(stale_families_are_no_evidence),
        cmocka_unit_test(
            the_last_consumer_is_who_ran_then_who_was_seen_then_whom_the_dashboard_names),
        cmocka_unit_test(every_state_has_its_line),
        cmocka_unit_test(no_facts_at_all_are_survived),
        cmocka_unit_test(mappings_with_missing_words_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
