/* The next steps: every command of the runbook as it must read, and when none is given. */
#include "bluegreen_fixture.h"

static const char *command(const struct fx *x, const char *step, const char *target)
{
    const struct bg_step *s = fx_step(x, step, target);

    if (!s->command)
        fail_msg("no command for %s of %s: %s", step, target ? target : "anybody", s->reason);
    return s->command;
}

static void expect(const struct fx *x, const char *step, const char *env, const char *want)
{
    assert_string_equal(command(x, step, env), want);
}

static void expect_linked_commands(struct fx *x, const char *p, const char *s)
{
    fx_judge(x);
    expect(x, "deploy", NULL,
           arena_printf(x->mem,
                        "make deploy-blue-green-environment PROFILE=%s ENVIRONMENT=1a2b3c4%s "
                        "SHARED_ENVIRONMENT=live BLUE_GREEN_ENVIRONMENT=1a2b3c4%s VERSION=wG.8_x-y",
                        p, s, s));
    expect(x, "unlink", NULL,
           arena_printf(x->mem,
                        "make unlink-blue-green-environment PROFILE=%s ENVIRONMENT=live "
                        "SHARED_ENVIRONMENT=live BLUE_GREEN_ENVIRONMENT=9f3c1ab%s",
                        p, s));
    expect(x, "start-deploy", NULL,
           "make tag-commit-to-deploy-blue-green-environment COMMIT=1a2b3c4");
    expect(x, "start-shared", NULL, "make tag-commit-to-deploy-shared-resources COMMIT=1a2b3c4");
    expect(x, "rollback", NULL,
           arena_printf(x->mem,
                        "make tag-commit-to-rollback-blue-green-environment PROFILE=%s "
                        "SHARED_ENVIRONMENT=live COMMIT=5e20d84",
                        p));
    expect(x, "undeploy", arena_printf(x->mem, "71be55f%s", s),
           arena_printf(x->mem,
                        "make undeploy-blue-green-environment PROFILE=%s ENVIRONMENT=71be55f%s "
                        "SHARED_ENVIRONMENT=live BLUE_GREEN_ENVIRONMENT=71be55f%s",
                        p, s, s));
}

static void expect_unlinked_commands(struct fx *x, const char *p, const char *s)
{
    fx_unlink(x);
    fx_judge(x);
    expect(x, "link", arena_printf(x->mem, "9f3c1ab%s", s),
           arena_printf(x->mem,
                        "make link-blue-green-environment PROFILE=%s ENVIRONMENT=live "
                        "SHARED_ENVIRONMENT=live BLUE_GREEN_ENVIRONMENT=9f3c1ab%s "
                        "TF_VAR_previous_blue_green_environment=5e20d84%s",
                        p, s, s));
    expect(x, "link", arena_printf(x->mem, "4d7e02c%s", s),
           arena_printf(x->mem,
                        "make link-blue-green-environment PROFILE=%s ENVIRONMENT=live "
                        "SHARED_ENVIRONMENT=live BLUE_GREEN_ENVIRONMENT=4d7e02c%s "
                        "TF_VAR_previous_blue_green_environment=9f3c1ab%s",
                        p, s, s));
    expect(x, "update-shared", NULL,
           arena_printf(x->mem,
                        "make deploy-shared-resources PROFILE=%s ENVIRONMENT=live "
                        "SHARED_ENVIRONMENT=live",
                        p));
}

static void every_command_reads_as_it_must_for_each_profile(void **state)
{
    static const char *const profiles[] = { "dev",   "demo", "live",  "perf",
                                            "perf2", "pen",  "tools", "local" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
        const char *suffix = i < 3 ? profiles[i] : NULL;
        struct fx x = { 0 };

        fx_ready(&x, profiles[i]);
        suffix = suffix ? arena_printf(x.mem, "-%s", suffix) : "";
        expect_linked_commands(&x, profiles[i], suffix);
        expect_unlinked_commands(&x, profiles[i], suffix);
        fx_done(&x);
    }
}

static void removing_a_shared_environment_has_its_command_but_never_for_live(void **state)
{
    static const char *const profiles[] = {
        "dev", "demo", "perf", "perf2", "pen", "tools", "local"
    };
    struct fx x;

    (void)state;
    fx_removable(&x);
    for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
        x.f.profile = profiles[i];
        fx_judge(&x);
        expect(&x, "undeploy-shared", NULL,
               arena_printf(x.mem,
                            "make undeploy-shared-resources PROFILE=%s ENVIRONMENT=ds-3987 "
                            "SHARED_ENVIRONMENT=ds-3987",
                            profiles[i]));
    }
    x.f.profile = "live";
    fx_judge(&x);
    assert_null(fx_step(&x, "undeploy-shared", NULL)->command);
    assert_false(fx_step(&x, "undeploy-shared", NULL)->is_allowed);
    fx_done(&x);
}

static void a_task_environment_is_removed_by_its_name_and_commit(void **state)
{
    struct bg_command tag = { "remove-task", NULL,
                              "make tag-commit-to-destroy-environment ENVIRONMENT={target} "
                              "COMMIT={commit}" };
    struct fx x;

    (void)state;
    fx_init(&x, "ds-3987");
    fx_judge(&x);
    expect(&x, "remove-task", "ds-3987", "make undeploy PROFILE=dev ENVIRONMENT=ds-3987");
    x.runbook = (struct bg_runbook){ &tag, 1 };
    fx_judge(&x);
    expect(&x, "remove-task", "ds-3987",
           "make tag-commit-to-destroy-environment ENVIRONMENT=ds-3987 COMMIT=5a6b7c8d");
    fx_done(&x);
}

static void a_task_environment_that_works_for_another_is_not_removed(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "ds-4012");
    fx_judge(&x);
    assert_false(fx_step(&x, "remove-task", NULL)->is_allowed);
    assert_non_null(strstr(fx_step(&x, "remove-task", NULL)->reason, "another shared"));
    fx_done(&x);
    fx_init(&x, "test");
    fx_judge(&x);
    assert_null(fx_find_step(&x, "remove-task", NULL));
    fx_done(&x);
}

static void ready(struct fx *x)
{
    fx_ready(x, "live");
}

static void ready_unlinked(struct fx *x)
{
    ready(x);
    fx_unlink(x);
}

static void the_parameter_names_the_new_environment_and_its_pipeline_the_tag(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    fx_judge(&x);
    expect(&x, "deploy", "b8d41f0-live",
           "make deploy-blue-green-environment PROFILE=live ENVIRONMENT=b8d41f0-live "
           "SHARED_ENVIRONMENT=live BLUE_GREEN_ENVIRONMENT=b8d41f0-live "
           "VERSION=tE5.zCu4Dv2wX9yA6bR0qO8nL1kJ7hWg");
    fx_stale(&x, BG_PARAMETER);
    fx_judge(&x);
    assert_null(fx_step(&x, "deploy", NULL)->command);
    assert_non_null(strstr(fx_step(&x, "deploy", NULL)->reason, "no new version is named"));
    x.f.known[BG_PARAMETER].read_ms = NOW;
    fx_stale(&x, BG_PIPELINES);
    fx_judge(&x);
    assert_null(fx_step(&x, "deploy", NULL)->command);
    assert_non_null(strstr(fx_step(&x, "deploy", NULL)->reason, "C8 not known"));
    fx_done(&x);
}

struct refusal {
    const char *shared, *step, *target;
    void (*change)(struct fx *x);
    const char *reason;
};

static void linked_is_wanted(struct fx *x)
{
    x->f.new_version = "9f3c1ab";
}
static void half_previous(struct fx *x)
{
    fx_fn(x, "5e20d84-live-send-email")->name = "gone";
}
static void nothing_recorded(struct fx *x)
{
    fx_outage(x);
    x->f.has_dashboard = false;
    x->f.last_invoked = "9f3c1ab-live";
}
static void nobody_known(struct fx *x)
{
    fx_outage(x);
    x->f.has_dashboard = false;
    fx_drop_env(x, "71be55f-live");
    fx_drop_env(x, "5e20d84-live");
    fx_drop_env(x, "9f3c1ab-live");
    fx_drop_env(x, "4d7e02c-live");
}
static void leaked_of_another(struct fx *x)
{
    fx_queue(x, "71be55f-live-holding-queue.fifo")->kms_key = NULL;
    for (size_t i = 0; i < ARRAY_LEN(fx_fns); i++) {
        struct bg_function *fn = fx_fn(x, arena_printf(x->mem, "71be55f-live-%s", fx_fns[i]));

        fn->kms_key = NULL;
        fn->shared_env = NULL;
    }
    fx_fn(x, "71be55f-live-send-email")->name = "gone";
    x->f.last_linked = "71be55f-live";
}

static void link_moves_on(struct fx *x)
{
    x->mappings[0].function = P "-4d7e02c-live-ingest-change-event";
    x->mappings[0].state = "Creating";
    x->f.nmappings--;
}

static void what_no_check_sees_is_refused_by_the_step_itself(void **state)
{
    static const struct refusal cases[] = {
        { "live", "deploy", NULL, linked_is_wanted, "9f3c1ab-live is linked" },
        { "live", "undeploy", "71be55f-live", link_moves_on, "a switch is at work" },
        { "live", "deploy", NULL, link_moves_on, "a switch is at work" },
        { "live", "undeploy", "5e20d84-live", NULL, "what a rollback would go back to" },
        { "live", "undeploy", "5e20d84-live", half_previous, "what a rollback would go back to" },
        { "live", "undeploy", "9f3c1ab-live", link_moves_on, "what a rollback would go back to" },
        { "live", "undeploy", "9f3c1ab-live", NULL, "C2 failed: 9f3c1ab-live is linked" },
        { "live", "undeploy", "9f3c1ab-live", fx_outage, "was linked last" },
        { "live", "undeploy", "71be55f-live", leaked_of_another, "C4 not known" },
        { "cicd-test", "undeploy", "ds-4012", NULL, "shared environment of its own" },
        { "live", "link", "9f3c1ab-live", nothing_recorded, "no way back" },
        { "live", "link", NULL, nobody_known, "not known" },
        { "live", "link", "4d7e02c-live", NULL, "C2 failed: LINKED, must be unlinked first" },
        { "live", "update-shared", NULL, NULL, "must be unlinked first" },
        { "live", "undeploy-shared", NULL, NULL, "live is never removed" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct refusal *k = &cases[i];
        const struct bg_step *s;
        struct fx x;

        fx_init(&x, k->shared);
        if (k->change)
            k->change(&x);
        fx_judge(&x);
        s = fx_step(&x, k->step, k->target);
        if (s->is_allowed || s->command || !strstr(s->reason, k->reason))
            fail_msg("case %zu, %s: %s", i, k->step, s->reason);
        fx_done(&x);
    }
}

static void an_advisory_check_is_listed_and_withholds_nothing(void **state)
{
    const struct bg_step *s;
    struct fx x;

    (void)state;
    ready_unlinked(memset(&x, 0, sizeof x));
    x.f.drained = 0;
    fx_stale(&x, BG_SECRETS);
    fx_judge(&x);
    s = fx_step(&x, "update-shared", NULL);
    assert_non_null(s->command);
    assert_int_equal(fx_check(s, "C9")->result, BG_CHECK_FAIL);
    assert_true(fx_check(s, "C9")->is_advisory);
    assert_int_equal(fx_check(s, "C16")->result, BG_CHECK_UNKNOWN);
    assert_true(fx_check(s, "C16")->is_advisory);
    assert_true(fx_check(s, "C17")->is_advisory);
    assert_false(fx_check(s, "C6")->is_advisory);
    x.f.known[BG_SECRETS].read_ms = NOW;
    x.secrets[2].deleted_ms = NOW;
    fx_judge(&x);
    s = fx_step(&x, "update-shared", NULL);
    assert_null(s->command); /* a secret that is known to go is no matter of taste */
    assert_false(fx_check(s, "C16")->is_advisory);
    fx_done(&x);
}

static void an_image_that_is_missing_withholds_the_deployment(void **state)
{
    struct fx x;

    (void)state;
    ready(memset(&x, 0, sizeof x));
    x.f.images = fx_images + 1;
    fx_judge(&x);
    assert_null(fx_step(&x, "deploy", NULL)->command);
    fx_stale(&x, BG_IMAGES);
    fx_judge(&x);
    assert_non_null(fx_step(&x, "deploy", NULL)->command);
    fx_done(&x);
}

static void only_safe_values_get_into_a_command(void **state)
{
    static const char *const bad[] = { "a b", "a;b", "$(x)", "`x`",   "a'b",  "a\"b",
                                       "a|b", "a&b", "a\nb", "[a]",   "a\\b", "a/b",
                                       "~",   "*",   "a>b",  "{new}", "" };
    struct fx x;

    (void)state;
    ready(memset(&x, 0, sizeof x));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        x.f.wanted.tag = bad[i];
        fx_judge(&x);
        assert_null(fx_step(&x, "deploy", NULL)->command);
        assert_non_null(strstr(fx_step(&x, "deploy", NULL)->reason, "{version}"));
    }
    x.f.wanted.tag = "A-z_0.9=";
    fx_judge(&x);
    assert_non_null(fx_step(&x, "deploy", NULL)->command);
    fx_done(&x);
}

static void a_runbook_that_asks_for_what_there_is_not_gives_no_command(void **state)
{
    static const struct {
        const char *command, *reason;
    } cases[] = {
        { "make {nonsense}", "{nonsense}" },
        { "make {shared", "brace" },
        { "make }", "brace" },
        { "make {}", "{}" },
        { "make {commit}", "{commit} has no value" },
    };
    struct bg_command row = { "unlink", "My own words", NULL };
    struct fx x;

    (void)state;
    ready(memset(&x, 0, sizeof x));
    x.runbook = (struct bg_runbook){ &row, 1 };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        row.command = cases[i].command;
        fx_judge(&x);
        assert_null(fx_step(&x, "unlink", NULL)->command);
        assert_non_null(strstr(fx_step(&x, "unlink", NULL)->reason, cases[i].reason));
        assert_string_equal(fx_step(&x, "unlink", NULL)->title, "My own words");
    }
    fx_done(&x);
}

static void without_a_runbook_steps_are_judged_all_the_same(void **state)
{
    struct fx x;

    (void)state;
    ready(memset(&x, 0, sizeof x));
    bg_judge(x.mem, &x.f, NULL, &x.out);
    assert_true(fx_step(&x, "unlink", NULL)->is_allowed);
    assert_null(fx_step(&x, "unlink", NULL)->command);
    assert_non_null(strstr(fx_step(&x, "unlink", NULL)->reason, "write down"));
    fx_done(&x);
}

static void a_link_without_a_way_back_says_so_only_where_there_was_none(void **state)
{
    struct fx x;

    (void)state;
    ready_unlinked(memset(&x, 0, sizeof x));
    x.f.dashboard_previous = "NA";
    fx_judge(&x);
    assert_non_null(
        strstr(command(&x, "link", "9f3c1ab-live"), "TF_VAR_previous_blue_green_environment=NA"));
    x.f.has_dashboard = false;
    x.f.last_linked = "9f3c1ab-live";
    fx_judge(&x);
    assert_null(fx_step(&x, "link", "9f3c1ab-live")->command);
    x.f.last_previous = "5e20d84-live";
    fx_judge(&x);
    assert_non_null(strstr(command(&x, "link", "9f3c1ab-live"),
                           "TF_VAR_previous_blue_green_environment=5e20d84-live"));
    fx_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_reads_as_it_must_for_each_profile),
        cmocka_unit_test(removing_a_shared_environment_has_its_command_but_never_for_live),
        cmocka_unit_test(a_task_environment_is_removed_by_its_name_and_commit),
        cmocka_unit_test(a_task_environment_that_works_for_another_is_not_removed),
        cmocka_unit_test(the_parameter_names_the_new_environment_and_its_pipeline_the_tag),
        cmocka_unit_test(what_no_check_sees_is_refused_by_the_step_itself),
        cmocka_unit_test(an_advisory_check_is_listed_and_withholds_nothing),
        cmocka_unit_test(an_image_that_is_missing_withholds_the_deployment),
        cmocka_unit_test(only_safe_values_get_into_a_command),
        cmocka_unit_test(a_runbook_that_asks_for_what_there_is_not_gives_no_command),
        cmocka_unit_test(without_a_runbook_steps_are_judged_all_the_same),
        cmocka_unit_test(a_link_without_a_way_back_says_so_only_where_there_was_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
