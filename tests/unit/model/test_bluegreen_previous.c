/* The environment a rollback would go back to: who it is when the dashboard is gone or is not that
 * of the link, and what is withheld while nobody knows. */
#include "bluegreen_fixture.h"

/* ---- changes */

static void unlinked(struct fx *x)
{
    fx_outage(x);
    x->f.has_dashboard = false;
    x->f.dashboard_current = x->f.dashboard_previous = NULL;
    x->f.last_invoked = "9f3c1ab-live";
}
static void seen(struct fx *x)
{
    unlinked(x);
    x->f.last_linked = "9f3c1ab-live";
    x->f.last_previous = "5e20d84-live";
}
static void seen_na(struct fx *x)
{
    seen(x);
    x->f.last_previous = "NA";
}
static void seen_half_previous(struct fx *x)
{
    seen(x);
    fx_fn(x, "5e20d84-live-send-email")->name = "gone";
}
static void seen_but_another_ran(struct fx *x)
{
    seen(x);
    x->f.last_invoked = "4d7e02c-live";
}
static void seen_dashboard_open(struct fx *x)
{
    seen(x);
    fx_stale(x, BG_DASHBOARD);
}
static void seen_dashboard_of_another(struct fx *x)
{
    seen(x);
    x->f.has_dashboard = true;
    x->f.dashboard_current = "4d7e02c-live";
    x->f.dashboard_previous = "NA";
}
static void no_key(struct fx *x, const char *env)
{
    fx_queue(x, arena_printf(x->mem, "%s-holding-queue.fifo", env))->kms_key = NULL;
    for (size_t i = 0; i < ARRAY_LEN(fx_fns); i++) {
        struct bg_function *fn = fx_fn(x, arena_printf(x->mem, "%s-%s", env, fx_fns[i]));

        fn->kms_key = NULL;
        fn->shared_env = NULL;
    }
}
static void seen_previous_unpaired(struct fx *x)
{
    seen(x);
    no_key(x, "5e20d84-live");
}
static void seen_previous_removed(struct fx *x)
{
    seen(x);
    fx_drop_env(x, "5e20d84-live");
}
static void drift(struct fx *x)
{
    x->f.dashboard_current = "4d7e02c-live";
    x->f.dashboard_previous = "NA";
}
static void drift_after(struct fx *x)
{
    drift(x);
    x->f.last_linked = "71be55f-live";
    x->f.last_previous = "5e20d84-live";
}
static void dashboard_names_nobody(struct fx *x)
{
    x->f.dashboard_current = NULL;
}
static void dashboard_gone(struct fx *x)
{
    x->f.has_dashboard = false;
}
static void dashboard_gone_relinked(struct fx *x)
{
    dashboard_gone(x);
    x->f.last_linked = "9f3c1ab-live";
    x->f.last_previous = "5e20d84-live";
}
static void conflict(struct fx *x)
{
    fx_add_link(x, "4d7e02c-live", "Enabled", NOW / 1000 - 60);
}
static void conflict_seen(struct fx *x)
{
    conflict(x);
    x->f.last_linked = "9f3c1ab-live";
    x->f.last_previous = "71be55f-live";
}
static void old_history(struct fx *x)
{
    x->f.last_linked = "5e20d84-live";
    x->f.last_previous = "71be55f-live";
}
static void older_history(struct fx *x)
{
    x->f.last_linked = "71be55f-live";
}
static void drift_against_history(struct fx *x)
{
    drift(x);
    x->f.dashboard_previous = "5e20d84-live";
    x->f.last_previous = "71be55f-live";
    fx_fn(x, "5e20d84-live-send-email")->name = "gone";
}
static void wanted_is_previous(struct fx *x)
{
    seen(x);
    x->f.new_version = "5e20d84";
}

/* ---- tests */

static void the_history_names_the_previous_where_no_dashboard_of_the_link_does(void **state)
{
    static const struct {
        const char *env;
        void (*change)(struct fx *x);
        enum bg_role role;
    } cases[] = {
        { "5e20d84-live", unlinked, BG_LEAKED },
        { "5e20d84-live", seen, BG_PREVIOUS },
        { "71be55f-live", seen, BG_LEAKED },
        { "9f3c1ab-live", seen, BG_GREEN },
        { "5e20d84-live", seen_previous_unpaired, BG_PREVIOUS },
        { "5e20d84-live", seen_previous_removed, BG_NOT_DEPLOYED },
        { "5e20d84-live", seen_dashboard_open, BG_ROLE_UNKNOWN },
        { "5e20d84-live", seen_dashboard_of_another, BG_PREVIOUS },
        { "9f3c1ab-live", seen_but_another_ran, BG_PREVIOUS },
        { "5e20d84-live", drift_after, BG_PREVIOUS },
        { "71be55f-live", drift_after, BG_PREVIOUS },
        { "71be55f-live", conflict_seen, BG_PREVIOUS },
        { "5e20d84-live", conflict_seen, BG_PREVIOUS },
        { "71be55f-live", old_history, BG_LEAKED },
        { "71be55f-live", older_history, BG_LEAKED },
        { "5e20d84-live", dashboard_gone_relinked, BG_PREVIOUS },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fx x;

        fx_init(&x, "live");
        cases[i].change(&x);
        fx_judge(&x);
        if (fx_slot(&x, cases[i].env)->role != cases[i].role)
            fail_msg("case %zu, %s: %s", i, cases[i].env,
                     bg_role_word(fx_slot(&x, cases[i].env)->role));
        fx_done(&x);
    }
}

#define NOBODY_KNOWS "which environment a rollback would go back to is not known"

static void nothing_is_removed_while_the_previous_is_not_known(void **state)
{
    static const struct {
        const char *shared, *env;
        void (*change)(struct fx *x);
        const char *reason; /* NULL: its command is given */
    } cases[] = {
        { "live", "71be55f-live", NULL, NULL },
        { "live", "71be55f-live", old_history, NULL },
        { "live", "71be55f-live", seen, NULL },
        { "live", "71be55f-live", fx_outage, NULL },
        { "live", "71be55f-live", unlinked, NOBODY_KNOWS },
        { "live", "71be55f-live", seen_na, NOBODY_KNOWS },
        { "live", "71be55f-live", seen_but_another_ran, NOBODY_KNOWS },
        { "live", "71be55f-live", seen_dashboard_of_another, NOBODY_KNOWS },
        { "live", "71be55f-live", drift, NOBODY_KNOWS },
        { "live", "71be55f-live", dashboard_names_nobody, NOBODY_KNOWS },
        { "live", "71be55f-live", dashboard_gone, NOBODY_KNOWS },
        { "live", "71be55f-live", dashboard_gone_relinked, NULL },
        { "live", "71be55f-live", conflict, NOBODY_KNOWS },
        { "cicd-test", "4d7e02c-dev", NULL, NOBODY_KNOWS },
        { "live", "5e20d84-live", seen, "5e20d84-live is what a rollback would go back to" },
        { "live", "5e20d84-live", seen_half_previous, "what a rollback would go back to" },
        { "live", "9f3c1ab-live", seen, "was linked last" },
        { "live", "9f3c1ab-live", seen_but_another_ran, "what a rollback would go back to" },
        { "live", "71be55f-live", drift_after, "what a rollback would go back to" },
        { "live", "5e20d84-live", drift_against_history, "what a rollback would go back to" },
        { "live", "71be55f-live", conflict_seen, "what a rollback would go back to" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct bg_step *s;
        struct fx x;

        fx_init(&x, cases[i].shared);
        if (cases[i].change)
            cases[i].change(&x);
        fx_judge(&x);
        s = fx_step(&x, "undeploy", cases[i].env);
        if (!s->command != !!cases[i].reason ||
            (cases[i].reason && !strstr(s->reason, cases[i].reason)))
            fail_msg("case %zu, %s: %s", i, cases[i].env, s->reason);
        fx_done(&x);
    }
}

static void leaked_by_rule_is_still_what_the_page_shows(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "cicd-test");
    fx_judge(&x);
    assert_int_equal(fx_slot(&x, "4d7e02c-dev")->role, BG_LEAKED);
    assert_false(x.out.is_previous_known);
    assert_null(x.out.previous);
    fx_done(&x);
}

static void an_unlinked_previous_can_be_linked_by_what_the_history_says(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    seen(&x);
    fx_judge(&x);
    assert_string_equal(x.out.previous, "5e20d84-live");
    assert_non_null(strstr(fx_step(&x, "link", "5e20d84-live")->command,
                           "BLUE_GREEN_ENVIRONMENT=5e20d84-live "
                           "TF_VAR_previous_blue_green_environment=9f3c1ab-live"));
    assert_non_null(strstr(fx_step(&x, "link", "9f3c1ab-live")->command,
                           "BLUE_GREEN_ENVIRONMENT=9f3c1ab-live "
                           "TF_VAR_previous_blue_green_environment=5e20d84-live"));
    fx_done(&x);
}

static void a_dashboard_that_leaves_the_previous_out_does_not_hide_the_history(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    seen(&x);
    x.f.has_dashboard = true;
    x.f.dashboard_current = "9f3c1ab-live";
    fx_judge(&x);
    assert_non_null(strstr(fx_step(&x, "link", "9f3c1ab-live")->command,
                           "TF_VAR_previous_blue_green_environment=5e20d84-live"));
    fx_done(&x);
}

static void a_release_is_held_against_the_previous_of_the_history(void **state)
{
    static const struct check_case cases[] = {
        { "C15", "live", "deploy", NULL, fx_outage, BG_CHECK_PASS, NULL },
        { "C15", "live", "deploy", NULL, seen, BG_CHECK_PASS, "is not the previous one" },
        { "C15", "live", "deploy", NULL, wanted_is_previous, BG_CHECK_FAIL, "5e20d84-live" },
        { "C15", "live", "deploy", NULL, unlinked, BG_CHECK_UNKNOWN, "is not known" },
        { "C15", "live", "deploy", NULL, seen_na, BG_CHECK_UNKNOWN, "is not known" },
        { "C15", "live", "deploy", NULL, dashboard_gone, BG_CHECK_PASS, NULL },
    };

    (void)state;
    fx_check_cases(cases, ARRAY_LEN(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_history_names_the_previous_where_no_dashboard_of_the_link_does),
        cmocka_unit_test(nothing_is_removed_while_the_previous_is_not_known),
        cmocka_unit_test(leaked_by_rule_is_still_what_the_page_shows),
        cmocka_unit_test(an_unlinked_previous_can_be_linked_by_what_the_history_says),
        cmocka_unit_test(a_dashboard_that_leaves_the_previous_out_does_not_hide_the_history),
        cmocka_unit_test(a_release_is_held_against_the_previous_of_the_history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
