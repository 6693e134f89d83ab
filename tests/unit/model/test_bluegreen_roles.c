/* The role of every environment and its flags: the rows of docs/blue-green.md, and what is not
 * known. */
#include "bluegreen_fixture.h"

struct role_case {
    const char *shared, *env;
    void (*change)(struct fx *x);
    enum bg_role role;
    unsigned flags;
};

static void check_cases(const struct role_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct role_case *k = &cases[i];
        const struct bg_slot *s;
        struct fx x;

        fx_init(&x, k->shared);
        if (k->change)
            k->change(&x);
        fx_judge(&x);
        s = fx_slot(&x, k->env);
        if (s->role != k->role || s->flags != k->flags)
            fail_msg("case %zu, %s: %s %x, wanted %s %x", i, k->env, bg_role_word(s->role),
                     s->flags, bg_role_word(k->role), k->flags);
        fx_done(&x);
    }
}

/* ---- changes */

static void previous_gone(struct fx *x)
{
    fx_drop_env(x, "5e20d84-live");
}
static void previous_gone_in_place(struct fx *x)
{
    x->f.dashboard_previous = "5e20d84-demo";
}
static void nine_functions(struct fx *x)
{
    fx_fn(x, "4d7e02c-live-send-email")->name = "gone";
}
static void three_queues(struct fx *x)
{
    fx_queue(x, "4d7e02c-live-update-request-queue.fifo")->name = "gone";
}
static void linked_nine(struct fx *x)
{
    fx_fn(x, "9f3c1ab-live-send-email")->name = "gone";
}
static void set_state(struct fx *x, const char *s)
{
    x->mappings[0].state = s;
}
static void creating(struct fx *x)
{
    x->mappings[0].function = P "-4d7e02c-live-ingest-change-event";
    set_state(x, "Creating");
}
static void enabling(struct fx *x)
{
    set_state(x, "Enabling");
}
static void updating(struct fx *x)
{
    set_state(x, "Updating");
}
static void disabling(struct fx *x)
{
    set_state(x, "Disabling");
}
static void deleting(struct fx *x)
{
    set_state(x, "Deleting");
}
static void disabled(struct fx *x)
{
    set_state(x, "Disabled");
}
static void swapped(struct fx *x)
{
    x->mappings[0].function = P "-4d7e02c-live-ingest-change-event";
    x->mappings[1].function = P "-4d7e02c-live-change-event-dlq-handler";
    x->f.dashboard_current = "4d7e02c-live";
    x->f.dashboard_previous = "9f3c1ab-live";
}
static void rolled_back(struct fx *x)
{
    x->f.dashboard_previous = "4d7e02c-live";
}
static void two_links(struct fx *x)
{
    fx_add_link(x, "71be55f-live", "Enabled", NOW / 1000 - 60);
}
static void draining_update(struct fx *x)
{
    fx_queue(x, "5e20d84-live-update-request-queue.fifo")->visible = 7;
}
static void draining_dlq(struct fx *x)
{
    fx_queue(x, "5e20d84-live-holding-queue-dead-letter-queue.fifo")->visible = 1;
}
static void draining_in_flight(struct fx *x)
{
    fx_queue(x, "5e20d84-live-holding-queue.fifo")->in_flight = 1;
}
static void mixed(struct fx *x)
{
    fx_fn(x, "5e20d84-live-send-email")->version = "other";
}
static void error_is(struct fx *x, const char *code)
{
    fx_fn(x, "5e20d84-live-send-email")->env_error = code;
}
static void denied(struct fx *x)
{
    error_is(x, "AccessDeniedException");
}
static void kms_disabled(struct fx *x)
{
    error_is(x, "KMSDisabledException");
}
static void update_failed(struct fx *x)
{
    fx_fn(x, "5e20d84-live-send-email")->last_update = "Failed";
}
static void pending(struct fx *x)
{
    fx_fn(x, "5e20d84-live-send-email")->state = "Pending";
}
static void inactive(struct fx *x)
{
    fx_fn(x, "5e20d84-live-send-email")->state = "Inactive";
}
static void state_open(struct fx *x)
{
    fx_fn(x, "5e20d84-live-send-email")->state = NULL;
}
static void lock_at(struct fx *x, const char *env, const char *stack, int64_t age_s)
{
    fx_add_lock(x, env, stack, NOW / 1000 - age_s);
}
static void deploying(struct fx *x)
{
    lock_at(x, "5e20d84-live", "application", 35 * 60);
}
static void stuck(struct fx *x)
{
    lock_at(x, "5e20d84-live", "application", 35 * 60 + 1);
}
static void other_lock(struct fx *x)
{
    lock_at(x, "5e20d84-live", "shared-resources", 60);
}
static void same_name(struct fx *x)
{
    x->f.dashboard_previous = x->f.dashboard_current;
}
static void previous_na(struct fx *x)
{
    x->f.dashboard_previous = "NA";
}
static void previous_null(struct fx *x)
{
    x->f.dashboard_previous = NULL;
}
static void delete_failed(struct fx *x)
{
    x->builds[x->f.nbuilds - 1].status = "FAILED";
}
static void delete_of_older_reading(struct fx *x)
{
    x->builds[x->f.nbuilds - 1].end_ms = NOW - 5000;
}
static void made_again(struct fx *x)
{
    fx_queue(x, "71be55f-live-holding-queue.fifo")->created_ms = 1768909560000;
}
static void destroyed_by_tag(struct fx *x)
{
    fx_add_build(x, "destroy-nonprod-environments-stage", "SUCCEEDED", NULL,
                 "refs/tags/ds-3987-destroy-20260203", NOW / 1000 - 900, NOW / 1000 - 800);
}
static void destroyed_another(struct fx *x)
{
    fx_add_build(x, "destroy-nonprod-environments-stage", "SUCCEEDED", NULL,
                 "refs/tags/ds-398-destroy-20260203", NOW / 1000 - 900, NOW / 1000 - 800);
}
static void no_keys(struct fx *x)
{
    for (size_t i = 0; i < x->f.nqueues; i++)
        x->queues[i].kms_key = NULL;
    for (size_t i = 0; i < x->f.nfunctions; i++)
        x->functions[i].kms_key = NULL;
}
static void queue_keys_as_arns(struct fx *x)
{
    for (size_t i = 0; i < x->f.nqueues; i++)
        if (strstr(x->queues[i].name, "holding"))
            x->queues[i].kms_key =
                arena_printf(x->mem, "arn:aws:kms:eu-west-2:1:key/%s", x->queues[i].kms_key);
}
static void stale_mappings(struct fx *x)
{
    fx_stale(x, BG_MAPPINGS);
}
static void stale_functions(struct fx *x)
{
    fx_stale(x, BG_FUNCTIONS);
}
static void stale_queues(struct fx *x)
{
    fx_stale(x, BG_QUEUES);
}
static void stale_dashboard(struct fx *x)
{
    fx_stale(x, BG_DASHBOARD);
}
static void stale_locks(struct fx *x)
{
    deploying(x);
    fx_stale(x, BG_LOCKS);
}
static void age_open(struct fx *x)
{
    fx_queue(x, "71be55f-live-holding-queue.fifo")->created_ms = -1;
}

/* ---- tests */

enum {
    LEAK = BG_DELETED_YET_PRESENT /* a build said that 71be55f-live was removed */
};

static void the_estate_has_the_expected_roles(void **state)
{
    static const struct role_case cases[] = {
        { "live", "71be55f-live", NULL, BG_LEAKED, LEAK },
        { "live", "5e20d84-live", NULL, BG_PREVIOUS, 0 },
        { "live", "9f3c1ab-live", NULL, BG_BLUE, BG_DRAINING },
        { "live", "4d7e02c-live", NULL, BG_GREEN, 0 },
        { "cicd-release", "4d7e02c-demo", NULL, BG_PREVIOUS, 0 },
        { "cicd-release", "b8d41f0-demo", NULL, BG_BLUE, 0 },
        { "demo", "demo", NULL, BG_BLUE, 0 },
        { "cicd-test", "4d7e02c-dev", NULL, BG_LEAKED, 0 },
        { "cicd-test", "b8d41f0-dev", NULL, BG_BLUE, BG_DRAINING | BG_NO_ROLLBACK },
        { "cicd-test", "ds-4012", NULL, BG_BLUE,
          BG_MIXED_VERSION | BG_FOREIGN_PAIR | BG_NO_ROLLBACK },
        { "test", "test", NULL, BG_BLUE, 0 },
        { "ds-3987", "ds-3987", NULL, BG_BLUE, 0 },
        { "ds-4020", "ds-4020", NULL, BG_PARTIAL, BG_STUCK_LOCK },
    };

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
}

static void every_row_of_the_roles_is_found(void **state)
{
    static const struct role_case cases[] = {
        { "live", "5e20d84-live", previous_gone, BG_NOT_DEPLOYED, 0 },
        { "live", "4d7e02c-live", nine_functions, BG_PARTIAL, 0 },
        { "live", "4d7e02c-live", three_queues, BG_PARTIAL, 0 },
        { "live", "9f3c1ab-live", linked_nine, BG_PARTIAL, BG_DRAINING },
        { "live", "4d7e02c-live", creating, BG_ROLE_LINKING, 0 },
        { "live", "9f3c1ab-live", creating, BG_PREVIOUS, BG_DRAINING },
        { "live", "9f3c1ab-live", enabling, BG_ROLE_LINKING, BG_DRAINING },
        { "live", "9f3c1ab-live", updating, BG_ROLE_LINKING, BG_DRAINING },
        { "live", "9f3c1ab-live", disabling, BG_ROLE_UNLINKING, BG_DRAINING },
        { "live", "9f3c1ab-live", deleting, BG_ROLE_UNLINKING, BG_DRAINING },
        { "live", "9f3c1ab-live", disabled, BG_BLUE, BG_DRAINING },
        { "live", "4d7e02c-live", deleting, BG_GREEN, 0 },
        { "live", "71be55f-live", deleting, BG_LEAKED, LEAK },
        { "live", "4d7e02c-live", swapped, BG_BLUE, 0 },
        { "live", "9f3c1ab-live", swapped, BG_PREVIOUS, BG_DRAINING },
        { "live", "5e20d84-live", swapped, BG_LEAKED, 0 },
        { "live", "4d7e02c-live", rolled_back, BG_PREVIOUS, 0 },
        { "live", "5e20d84-live", rolled_back, BG_LEAKED, 0 },
        { "live", "71be55f-live", two_links, BG_BLUE, LEAK },
        { "live", "4d7e02c-live", two_links, BG_GREEN, 0 },
        { "live", "5e20d84-live", two_links, BG_PREVIOUS, 0 },
        { "live", "9f3c1ab-live", fx_outage, BG_GREEN, BG_DRAINING },
        { "live", "4d7e02c-live", fx_outage, BG_GREEN, 0 },
        { "live", "71be55f-live", fx_outage, BG_LEAKED, LEAK },
    };

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
}

static void every_row_of_the_flags_is_found(void **state)
{
    static const struct role_case cases[] = {
        { "live", "5e20d84-live", draining_update, BG_PREVIOUS, BG_DRAINING },
        { "live", "5e20d84-live", draining_dlq, BG_PREVIOUS, BG_DRAINING },
        { "live", "5e20d84-live", draining_in_flight, BG_PREVIOUS, BG_DRAINING },
        { "live", "5e20d84-live", mixed, BG_PREVIOUS, BG_MIXED_VERSION },
        { "live", "5e20d84-live", denied, BG_PREVIOUS, BG_NO_DECRYPT },
        { "live", "5e20d84-live", kms_disabled, BG_PREVIOUS, BG_UNHEALTHY },
        { "live", "5e20d84-live", update_failed, BG_PREVIOUS, BG_UNHEALTHY },
        { "live", "5e20d84-live", pending, BG_PREVIOUS, BG_UNHEALTHY },
        { "live", "5e20d84-live", inactive, BG_PREVIOUS, 0 },
        { "live", "5e20d84-live", state_open, BG_PREVIOUS, 0 },
        { "live", "5e20d84-live", deploying, BG_PREVIOUS, BG_DEPLOYING },
        { "live", "5e20d84-live", stuck, BG_PREVIOUS, BG_STUCK_LOCK },
        { "live", "5e20d84-live", other_lock, BG_PREVIOUS, 0 },
        { "live", "9f3c1ab-live", same_name, BG_BLUE, BG_DRAINING | BG_NO_ROLLBACK },
        { "demo", "demo", same_name, BG_BLUE, BG_NO_ROLLBACK },
        { "live", "9f3c1ab-live", previous_na, BG_BLUE, BG_DRAINING | BG_NO_ROLLBACK },
        { "live", "9f3c1ab-live", previous_null, BG_BLUE, BG_DRAINING | BG_NO_ROLLBACK },
        { "live", "9f3c1ab-live", previous_gone, BG_BLUE, BG_DRAINING | BG_NO_ROLLBACK },
        { "demo", "demo", previous_gone_in_place, BG_BLUE, 0 },
        { "live", "71be55f-live", delete_failed, BG_LEAKED, 0 },
        { "live", "71be55f-live", delete_of_older_reading, BG_LEAKED, 0 },
        { "live", "71be55f-live", made_again, BG_GREEN, 0 },
        { "ds-3987", "ds-3987", destroyed_by_tag, BG_BLUE, BG_DELETED_YET_PRESENT },
        { "ds-3987", "ds-3987", destroyed_another, BG_BLUE, 0 },
    };

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
}

static void nobody_is_leaked_or_previous_by_facts_that_are_not_fresh(void **state)
{
    static const struct role_case cases[] = {
        { "live", "9f3c1ab-live", stale_mappings, BG_ROLE_UNKNOWN, BG_DRAINING },
        { "live", "71be55f-live", stale_mappings, BG_ROLE_UNKNOWN, LEAK },
        { "live", "9f3c1ab-live", stale_functions, BG_BLUE, BG_DRAINING },
        { "live", "5e20d84-live", stale_functions, BG_ROLE_UNKNOWN, 0 },
        { "live", "71be55f-live", stale_functions, BG_ROLE_UNKNOWN, 0 },
        { "live", "9f3c1ab-live", stale_queues, BG_BLUE, 0 },
        { "live", "5e20d84-live", stale_queues, BG_ROLE_UNKNOWN, 0 },
        { "live", "71be55f-live", stale_queues, BG_ROLE_UNKNOWN, 0 },
        { "live", "9f3c1ab-live", stale_dashboard, BG_BLUE, BG_DRAINING },
        { "live", "5e20d84-live", stale_dashboard, BG_ROLE_UNKNOWN, 0 },
        { "live", "4d7e02c-live", stale_dashboard, BG_ROLE_UNKNOWN, 0 },
        { "live", "71be55f-live", age_open, BG_ROLE_UNKNOWN, 0 },
        { "live", "5e20d84-live", stale_locks, BG_PREVIOUS, 0 },
    };

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
}

static void pairing_falls_back_from_queue_key_to_function_key_to_variable(void **state)
{
    static const struct role_case cases[] = {
        { "live", "4d7e02c-live", no_keys, BG_GREEN, 0 },
        { "live", "4d7e02c-live", queue_keys_as_arns, BG_GREEN, 0 },
    };
    struct fx x;

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
    fx_init(&x, "live");
    fx_judge(&x);
    assert_int_equal(x.out.nslots, 4);
    no_keys(&x);
    assert_int_equal(fx_judge(&x)->nslots, 4);
    for (size_t i = 0; i < x.f.nfunctions; i++)
        x.functions[i].shared_env = NULL;
    /* Nothing tells: only who is linked or named by the dashboard is still listed. */
    assert_int_equal(fx_judge(&x)->nslots, 2);
    fx_done(&x);
}

static void a_key_by_alias_and_one_by_id_are_not_compared(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    fx_queue(&x, "live-change-event-queue.fifo")->kms_key = "alias/uec-dos-int-live-signing-key";
    assert_int_equal(fx_judge(&x)->nslots, 4);
    fx_done(&x);
}

static void an_environment_of_another_is_not_listed(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "ds-4012");
    assert_int_equal(fx_judge(&x)->nslots, 0);
    assert_int_equal(x.out.flags, BG_FOREIGN_PAIR);
    fx_done(&x);
}

static void slots_stand_in_the_order_of_use(void **state)
{
    static const char *const want[] = { "9f3c1ab-live", "5e20d84-live", "4d7e02c-live",
                                        "71be55f-live" };
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    fx_judge(&x);
    assert_int_equal(x.out.nslots, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_string_equal(x.out.slots[i].name, want[i]);
    fx_done(&x);
}

static void a_slot_tells_version_age_parts_and_what_waits(void **state)
{
    const struct bg_slot *s;
    struct fx x;

    (void)state;
    fx_init(&x, "cicd-test");
    fx_judge(&x);
    s = fx_slot(&x, "ds-4012");
    assert_string_equal(s->version, "20260203093412-2c4e6a8b");
    assert_int_equal(s->created_ms, 1769789520000);
    assert_int_equal(s->nfunctions, 10);
    assert_int_equal(s->nqueues, 4);
    assert_int_equal(s->waiting, 0);
    fx_queue(&x, "ds-4012-holding-queue.fifo")->in_flight = -1;
    fx_judge(&x);
    assert_int_equal(fx_slot(&x, "ds-4012")->waiting, -1);
    fx_done(&x);
}

static void flags_of_the_shared_environment_are_told(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    assert_int_equal(fx_judge(&x)->flags, 0);
    rolled_back(&x);
    assert_int_equal(fx_judge(&x)->flags, BG_ROLLED_BACK);
    previous_na(&x);
    assert_int_equal(fx_judge(&x)->flags, BG_NO_ROLLBACK);
    fx_stale(&x, BG_DASHBOARD);
    assert_int_equal(fx_judge(&x)->flags, 0);
    fx_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_estate_has_the_expected_roles),
        cmocka_unit_test(every_row_of_the_roles_is_found),
        cmocka_unit_test(every_row_of_the_flags_is_found),
        cmocka_unit_test(nobody_is_leaked_or_previous_by_facts_that_are_not_fresh),
        cmocka_unit_test(pairing_falls_back_from_queue_key_to_function_key_to_variable),
        cmocka_unit_test(a_key_by_alias_and_one_by_id_are_not_compared),
        cmocka_unit_test(an_environment_of_another_is_not_listed),
        cmocka_unit_test(slots_stand_in_the_order_of_use),
        cmocka_unit_test(a_slot_tells_version_age_parts_and_what_waits),
        cmocka_unit_test(flags_of_the_shared_environment_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
