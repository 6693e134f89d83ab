/* What bars a step besides its checks: deploy over what is in use or runs another image, unlink
 * without the dashboard, removal of a task environment that may work elsewhere; locks not read. */
#include "bluegreen_fixture.h"

/* ---- changes */

static void only_deploy_waits(struct fx *x)
{
    x->executions[0].status = "Succeeded";
    x->executions[0].waiting_stage = NULL;
}
static void linked_half(struct fx *x)
{
    x->f.new_version = "9f3c1ab";
    fx_fn(x, "9f3c1ab-live-send-email")->name = "gone";
}
static void dlq_half(struct fx *x)
{
    x->f.wanted.env = "4d7e02c-live";
    x->f.wanted.tag = "sD4.yBt3Cu1vW8xZ5aQ9pN7mK0jI6gVf";
    fx_add_dlq_link(x, "4d7e02c-live", "Enabled", 1);
}
static void same_version(struct fx *x)
{
    x->f.wanted.env = "4d7e02c-live";
    x->f.wanted.tag = "sD4.yBt3Cu1vW8xZ5aQ9pN7mK0jI6gVf";
}
static void other_version(struct fx *x)
{
    same_version(x);
    x->f.wanted.tag = "tE5.zCu4Dv2wX9yA6bR0qO8nL1kJ7hWg";
}
static void version_open(struct fx *x)
{
    same_version(x);
    for (size_t i = 0; i < ARRAY_LEN(fx_fns); i++)
        fx_fn(x, arena_printf(x->mem, "4d7e02c-live-%s", fx_fns[i]))->version = NULL;
}
static void last_is_wanted(struct fx *x)
{
    fx_outage(x);
    x->f.has_dashboard = false;
    x->f.last_invoked = "4d7e02c-live";
    x->f.last_linked = "9f3c1ab-live";
    x->f.last_previous = "5e20d84-live";
    x->f.wanted.env = "9f3c1ab-live";
    x->f.wanted.tag = "rC3.xAs2Bt0uV7wY4zP8oM6lJ9iH5fUe";
}
static void tag_unnamed(struct fx *x)
{
    x->f.wanted.env = "1a2b3c4-live";
}
static void parameter_time_open(struct fx *x)
{
    x->f.parameter_modified_ms = 0;
}
static void parameter_at_start(struct fx *x)
{
    x->f.parameter_modified_ms = 1770103200000;
}
static void newest_is_older_than_parameter(struct fx *x)
{
    x->f.parameter_modified_ms = 1770103200001;
}
static void newest_has_no_image(struct fx *x)
{
    x->executions[0].revision = NULL;
}
static void dashboard_open(struct fx *x)
{
    fx_stale(x, BG_DASHBOARD);
}
static void dashboard_gone(struct fx *x)
{
    x->f.has_dashboard = false;
}
static void outage_dashboard_gone(struct fx *x)
{
    fx_outage(x);
    dashboard_gone(x);
    x->f.last_invoked = "9f3c1ab-live";
}
static void dashboard_names_nobody(struct fx *x)
{
    x->f.dashboard_current = NULL;
}
static void keys_gone(struct fx *x)
{
    fx_queue(x, "ds-3987-holding-queue.fifo")->kms_key = NULL;
    for (size_t i = 0; i < ARRAY_LEN(fx_fns); i++)
        fx_fn(x, arena_printf(x->mem, "ds-3987-%s", fx_fns[i]))->kms_key = NULL;
}
static void pair_open(struct fx *x)
{
    keys_gone(x);
    for (size_t i = 0; i < ARRAY_LEN(fx_fns); i++)
        fx_fn(x, arena_printf(x->mem, "ds-3987-%s", fx_fns[i]))->shared_env = NULL;
}
static void functions_of_another_key(struct fx *x)
{
    pair_open(x);
    fx_fn(x, "ds-3987-send-email")->kms_key = NONPROD_KEY(1);
}
static void application_gone(struct fx *x)
{
    fx_drop_env(x, "ds-3987");
}
static void one_says_another(struct fx *x)
{
    fx_fn(x, "ds-3987-send-email")->shared_env = "cicd-test";
}
static void keys_open_and_another(struct fx *x)
{
    keys_gone(x);
    for (size_t i = 0; i < ARRAY_LEN(fx_fns); i++)
        fx_fn(x, arena_printf(x->mem, "ds-3987-%s", fx_fns[i]))->shared_env = "test";
}
static void being_deployed(struct fx *x)
{
    fx_add_build(x, "deploy-stage", "IN_PROGRESS", NULL, NULL, NOW / 1000 - 60, 0);
    x->builds[x->f.nbuilds - 1].environment = "ds-3987";
}
static const char *const link_key[] = { P "/live/blue-green-link/terraform.state", NULL };
static const char *const no_keys[] = { NULL };

static void link_lock_read(struct fx *x)
{
    x->f.lock_keys = link_key;
}
static void no_lock_read(struct fx *x)
{
    x->f.lock_keys = no_keys;
}
static void locked_all_the_same(struct fx *x)
{
    no_lock_read(x);
    fx_add_lock(x, "live", "api-key", NOW / 1000 - 60);
}

/* ---- tests */

struct bar {
    const char *shared, *step, *target;
    void (*change)(struct fx *x);
    const char *reason; /* NULL: its command is given */
};

static void expect(const struct bar *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct bar *k = &cases[i];
        const struct bg_step *s;
        struct fx x;

        fx_init(&x, k->shared);
        if (k->change)
            k->change(&x);
        fx_judge(&x);
        s = fx_step(&x, k->step, k->target);
        if (!s->command != !!k->reason || (k->reason && !strstr(s->reason, k->reason)))
            fail_msg("case %zu, %s: %s", i, k->step, s->reason);
        fx_done(&x);
    }
}

static void nothing_is_deployed_over_what_is_in_use(void **state)
{
    static const struct bar cases[] = {
        { "live", "deploy", NULL, linked_half, "9f3c1ab-live is linked: this would change it" },
        { "live", "deploy", NULL, dlq_half, "C2 failed: 4d7e02c-live is linked" },
        { "live", "deploy", NULL, last_is_wanted, "what a rollback would go back to" },
        { "live", "deploy", NULL, same_version, NULL },
        { "live", "deploy", NULL, other_version,
          "4d7e02c-live exists and runs sD4.yBt3Cu1vW8xZ5aQ9pN7mK0jI6gVf" },
        { "live", "deploy", NULL, version_open, "which version it runs is not known" },
    };

    (void)state;
    expect(cases, ARRAY_LEN(cases));
}

static void an_incomplete_linked_environment_still_has_its_way_back_judged(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    linked_half(&x);
    x.f.dashboard_previous = "NA";
    fx_judge(&x);
    assert_int_equal(fx_slot(&x, "9f3c1ab-live")->role, BG_PARTIAL);
    assert_true(fx_slot(&x, "9f3c1ab-live")->flags & BG_NO_ROLLBACK);
    assert_true(x.out.flags & BG_NO_ROLLBACK);
    assert_string_equal(x.out.linked[0], "9f3c1ab-live");
    fx_done(&x);
}

static void the_image_of_a_commit_is_that_of_the_newest_run_after_it_was_named(void **state)
{
    static const struct bar cases[] = {
        { "live", "deploy", NULL, NULL, NULL },
        { "live", "deploy", NULL, parameter_time_open, "belongs to b8d41f0 is not known" },
        { "live", "deploy", NULL, parameter_at_start, "which image belongs to b8d41f0" },
        { "live", "deploy", NULL, newest_is_older_than_parameter, "which image belongs" },
        { "live", "deploy", NULL, newest_has_no_image, "which image belongs" },
        { "live", "deploy", NULL, tag_unnamed, "which image belongs to 1a2b3c4 is not known" },
    };

    (void)state;
    expect(cases, ARRAY_LEN(cases));
}

static void a_link_is_not_taken_away_without_the_dashboard_that_names_it(void **state)
{
    static const struct bar cases[] = {
        { "live", "unlink", NULL, only_deploy_waits, NULL },
        { "live", "unlink", NULL, dashboard_open, "needs cloudwatch GetDashboard" },
        { "live", "unlink", NULL, dashboard_gone, "no dashboard names 9f3c1ab-live" },
        { "live", "unlink", NULL, dashboard_names_nobody, "another state key" },
        { "live", "unlink", NULL, outage_dashboard_gone, "C2 failed: NONE_LINKED" },
        { "live", "unlink", NULL, fx_outage, "C2 failed: NONE_LINKED" },
    };

    (void)state;
    expect(cases, ARRAY_LEN(cases));
}

static void a_task_environment_goes_only_with_an_application_known_to_be_its_own(void **state)
{
    static const struct bar cases[] = {
        { "ds-3987", "remove-task", NULL, NULL, NULL },
        { "ds-3987", "remove-task", NULL, keys_gone, NULL },
        { "ds-3987", "remove-task", NULL, pair_open, "where its application belongs is not" },
        { "ds-3987", "remove-task", NULL, functions_of_another_key, "works for another" },
        { "ds-3987", "remove-task", NULL, application_gone, "where its application belongs is" },
        { "ds-3987", "remove-task", NULL, one_says_another, "works for another" },
        { "ds-3987", "remove-task", NULL, keys_open_and_another, "works for another" },
        { "ds-3987", "remove-task", NULL, being_deployed, "C8 failed: build new runs" },
    };

    (void)state;
    expect(cases, ARRAY_LEN(cases));
}

static void a_lock_that_was_not_asked_for_is_not_known_to_be_free(void **state)
{
    static const struct check_case cases[] = {
        { "C6", "live", "unlink", NULL, link_lock_read, BG_CHECK_PASS, NULL },
        { "C6", "live", "unlink", NULL, no_lock_read, BG_CHECK_UNKNOWN,
          "lock of blue-green-link not read" },
        { "C6", "live", "update-shared", NULL, link_lock_read, BG_CHECK_UNKNOWN, "lock of" },
        { "C6", "live", "update-shared", NULL, locked_all_the_same, BG_CHECK_FAIL, "api-key" },
        { "C6", "live", "undeploy", "71be55f-live", link_lock_read, BG_CHECK_UNKNOWN,
          "lock of application not read" },
    };
    static const struct bar bars[] = {
        { "live", "unlink", NULL, link_lock_read, NULL },
        { "live", "undeploy", "71be55f-live", link_lock_read, "C6 not known" },
    };

    (void)state;
    fx_check_cases(cases, ARRAY_LEN(cases));
    expect(bars, ARRAY_LEN(bars));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_deployed_over_what_is_in_use),
        cmocka_unit_test(an_incomplete_linked_environment_still_has_its_way_back_judged),
        cmocka_unit_test(the_image_of_a_commit_is_that_of_the_newest_run_after_it_was_named),
        cmocka_unit_test(a_link_is_not_taken_away_without_the_dashboard_that_names_it),
        cmocka_unit_test(a_task_environment_goes_only_with_an_application_known_to_be_its_own),
        cmocka_unit_test(a_lock_that_was_not_asked_for_is_not_known_to_be_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
