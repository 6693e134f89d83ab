/* States and time: since when, how bad by now, and which builds explain a gap. */
#include "bluegreen_fixture.h"

struct state_case {
    const char *shared;
    void (*change)(struct fx *x); /* NULL: the estate as it is */
    enum bg_state state;
    enum status severity;
};

static void check_case(const struct state_case *k, size_t i)
{
    struct fx x;
    const struct bg_result *r;

    fx_init(&x, k->shared);
    if (k->change)
        k->change(&x);
    r = fx_judge(&x);
    if (r->state != k->state || r->severity != k->severity)
        fail_msg("case %zu, %s: %s %s, wanted %s %s", i, k->shared, bg_state_word(r->state),
                 status_word(r->severity), bg_state_word(k->state), status_word(k->severity));
    fx_done(&x);
}

static void check_cases(const struct state_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_case(&cases[i], i);
}

/* ---- changes */

static void denied(struct fx *x)
{
    x->f.known[BG_MAPPINGS].is_known = false;
    x->f.known[BG_MAPPINGS].why = "AccessDenied: no permission";
    fx_unlink(x);
}
static void absent(struct fx *x)
{
    fx_unlink(x);
    x->f.is_queue_absent = true;
}
static void orphan(struct fx *x)
{
    fx_drop_functions(x, "9f3c1ab-live");
}
static void set_mapping(struct fx *x, const char *state, int64_t age_s)
{
    x->mappings[0].state = state;
    x->mappings[0].modified_ms = NOW - age_s * 1000;
}
static void creating(struct fx *x)
{
    set_mapping(x, "Creating", 599);
}
static void creating_long(struct fx *x)
{
    set_mapping(x, "Creating", 600);
}
static void disabling_long(struct fx *x)
{
    set_mapping(x, "Disabling", 300);
}
static void deleting(struct fx *x)
{
    set_mapping(x, "Deleting", 299);
}
static void deleting_long(struct fx *x)
{
    set_mapping(x, "Deleting", 300);
}
static void lock_link(struct fx *x, int64_t age_s)
{
    fx_outage(x);
    fx_add_lock(x, "live", "blue-green-link", NOW / 1000 - age_s);
}
static void switching(struct fx *x)
{
    lock_link(x, 90);
    fx_add_build(x, "deploy-blue-green-environment-stage", "IN_PROGRESS", "live", NULL,
                 NOW / 1000 - 900, 0);
}
static void switching_long(struct fx *x)
{
    lock_link(x, 600);
}
static void switching_nearly_too_long(struct fx *x)
{
    lock_link(x, 1199);
}
static void switching_too_long(struct fx *x)
{
    lock_link(x, 1200);
}
static void build_at(struct fx *x, const char *project, const char *shared, const char *tag)
{
    fx_outage(x);
    fx_add_build(x, project, "IN_PROGRESS", shared, tag, NOW / 1000 - 60, 0);
}
static void switching_by_build(struct fx *x)
{
    build_at(x, "deploy-blue-green-environment-stage", "live", NULL);
}
static void rollback_of_another(struct fx *x)
{
    build_at(x, "blue-green-rollback-stage", NULL,
             "refs/tags/20260203082000_live_cicd-release_blue_green_rollback");
}
static void build_of_another(struct fx *x)
{
    build_at(x, "deploy-blue-green-environment-stage", "cicd-release", NULL);
}
static void in_place_build(struct fx *x)
{
    build_at(x, "deploy-stage", "live", NULL);
}
static void build_ended(struct fx *x)
{
    build_at(x, "deploy-blue-green-environment-stage", "live", NULL);
    x->builds[x->f.nbuilds - 1].status = "TIMED_OUT";
}
static void build_gave_up(struct fx *x)
{
    lock_link(x, 90);
    fx_add_build(x, "deploy-blue-green-environment-stage", "TIMED_OUT", "live", NULL,
                 NOW / 1000 - 900, NOW / 1000 - 30);
}
static void none_test(struct fx *x)
{
    fx_unlink(x);
}

/* ---- tests */

static void time_makes_transitions_worse(void **state)
{
    static const struct state_case cases[] = {
        { "live", creating_long, BG_LINKING, STATUS_WARN },
        { "live", disabling_long, BG_UNLINKING, STATUS_WARN },
        { "live", deleting_long, BG_UNLINKING, STATUS_WARN },
        { "live", switching_long, BG_SWITCHING, STATUS_WARN },
        { "live", switching_nearly_too_long, BG_SWITCHING, STATUS_WARN },
        { "live", switching_too_long, BG_SWITCHING, STATUS_CRIT },
        { "live", build_gave_up, BG_SWITCHING, STATUS_CRIT },
    };

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
}

static void a_build_that_is_not_about_this_link_excuses_nothing(void **state)
{
    static const struct state_case cases[] = {
        { "live", rollback_of_another, BG_NONE_LINKED, STATUS_CRIT },
        { "live", build_of_another, BG_NONE_LINKED, STATUS_CRIT },
        { "live", in_place_build, BG_NONE_LINKED, STATUS_CRIT },
        { "live", build_ended, BG_NONE_LINKED, STATUS_CRIT },
    };

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
}

static void the_clock_of_a_state_starts_where_it_began(void **state)
{
    static const struct {
        const char *shared;
        void (*change)(struct fx *x);
        int64_t since_ms;
    } cases[] = {
        { "live", NULL, 1770046480000 },
        { "cicd-test", NULL, 1770112025000 },
        { "live", switching, NOW - 90000 },
        { "live", switching_by_build, NOW - 60000 },
        { "live", fx_outage, NOW - 1260000 },
        { "live", deleting, NOW - 299000 },
        { "live", creating, NOW - 599000 },
        { "ds-4012", NULL, NOW - 1640000 },
        { "ds-4020", NULL, NOW - 5400000 },
        { "live", denied, 0 },
        { "live", absent, 0 },
        { "live", orphan, 0 },
        { "test", none_test, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fx x;

        fx_init(&x, cases[i].shared);
        if (cases[i].change)
            cases[i].change(&x);
        if (fx_judge(&x)->since_ms != cases[i].since_ms)
            fail_msg("case %zu: %lld", i, (long long)x.out.since_ms);
        fx_done(&x);
    }
}

static void a_link_seen_to_end_dates_the_gap_better_than_its_backlog(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    fx_outage(&x);
    x.f.last_linked = "9f3c1ab-live";
    x.f.last_linked_ms = NOW - 1500000;
    assert_int_equal(fx_judge(&x)->since_ms, NOW - 1500000);
    assert_int_equal(x.out.blind.since_ms, 0); /* its alarms are still there */
    fx_done(&x);
}

static void an_old_link_lock_is_stuck(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    lock_link(&x, 35 * 60);
    assert_false(fx_judge(&x)->flags & BG_STUCK_LOCK);
    x.locks[x.f.nlocks - 1].created_ms--;
    assert_true(fx_judge(&x)->flags & BG_STUCK_LOCK);
    fx_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_makes_transitions_worse),
        cmocka_unit_test(a_build_that_is_not_about_this_link_excuses_nothing),
        cmocka_unit_test(the_clock_of_a_state_starts_where_it_began),
        cmocka_unit_test(a_link_seen_to_end_dates_the_gap_better_than_its_backlog),
        cmocka_unit_test(an_old_link_lock_is_stuck),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
