/* No command on facts that are stale, refused or not configured: each family in turn. */
#include "bluegreen_fixture.h"

/* Which steps fall silent when a family is not fresh. Optional and advisory ones are not here. */
struct stale_case {
    enum bg_family family;
    const char *steps; /* " deploy unlink " */
};

static const struct stale_case linked_stale[] = {
    { BG_MAPPINGS, " deploy start-deploy start-shared unlink rollback undeploy " },
    { BG_FUNCTIONS, " unlink rollback undeploy " },
    { BG_QUEUES, " deploy unlink rollback undeploy " },
    { BG_DASHBOARD, " deploy start-deploy unlink rollback undeploy " },
    { BG_ALARMS, " " },
    { BG_SUBSCRIPTIONS, " unlink rollback " },
    { BG_PIPELINES, " deploy start-deploy start-shared unlink rollback undeploy " },
    { BG_BUILDS, " deploy start-deploy start-shared unlink rollback undeploy " },
    { BG_PARAMETER, " " },
    { BG_LOCKS, " deploy unlink rollback undeploy " },
    { BG_RULES, " " },
    { BG_TABLE, " deploy " },
    { BG_IMAGES, " " },
    { BG_SECRETS, " " },
    { BG_STAGE, " " },
    { BG_METRICS, " " },
};

static const struct stale_case unlinked_stale[] = {
    { BG_MAPPINGS, " link update-shared " },
    { BG_FUNCTIONS, " link " },
    { BG_QUEUES, " link " },
    { BG_DASHBOARD, " link " },
    { BG_ALARMS, " " },
    { BG_SUBSCRIPTIONS, " link " },
    { BG_PIPELINES, " link update-shared " },
    { BG_BUILDS, " link update-shared " },
    { BG_LOCKS, " link update-shared " },
    { BG_IMAGES, " " },
    { BG_SECRETS, " " },
    { BG_STAGE, " " },
    { BG_METRICS, " " },
};

static const struct stale_case removal_stale[] = {
    { BG_MAPPINGS, " undeploy-shared " },           { BG_FUNCTIONS, " undeploy-shared " },
    { BG_QUEUES, " undeploy-shared remove-task " }, { BG_BUILDS, " undeploy-shared " },
    { BG_LOCKS, " undeploy-shared remove-task " },  { BG_DASHBOARD, " " },
};

static void expect_silent(struct fx *x, const char *const *steps, size_t n,
                          const struct stale_case *k)
{
    for (size_t i = 0; i < n; i++) {
        bool is_silent = strstr(k->steps, arena_printf(x->mem, " %s ", steps[i]));
        const char *target = strcmp(steps[i], "undeploy") == 0 ? "71be55f-live"
                             : strcmp(steps[i], "link") == 0   ? "9f3c1ab-live"
                                                               : NULL;
        const struct bg_step *s = fx_find_step(x, steps[i], target);

        if (!s) /* for whom is not even known */
            s = fx_find_step(x, steps[i], NULL);
        if (!s) {
            fail_msg("family %d: no step %s", k->family, steps[i]);
            abort(); /* not reached; the compiler does not know */
        }
        if (is_silent != !s->command || is_silent == s->is_allowed || !s->reason)
            fail_msg("family %d, step %s: %s (%s)", k->family, steps[i],
                     s->command ? s->command : "no command", s->reason);
        if (is_silent && !strstr(s->reason, "known"))
            fail_msg("family %d, step %s: the reason is %s", k->family, steps[i], s->reason);
    }
}

static void walk(const char *const *steps, size_t n, const struct stale_case *cases, size_t ncases,
                 void (*change)(struct fx *x))
{
    for (size_t i = 0; i < ncases; i++) {
        struct fx x = { 0 };

        change(&x);
        fx_judge(&x);
        expect_silent(&x, steps, n, &(struct stale_case){ BG_FAMILIES, " " });
        fx_stale(&x, cases[i].family);
        fx_judge(&x);
        expect_silent(&x, steps, n, &cases[i]);
        fx_done(&x);
    }
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

static void nothing_is_printed_on_stale_facts(void **state)
{
    static const char *const linked[] = { "deploy", "start-deploy", "start-shared",
                                          "unlink", "rollback",     "undeploy" };
    static const char *const unlinked[] = { "link", "update-shared" };
    static const char *const removal[] = { "undeploy-shared" };

    (void)state;
    walk(linked, ARRAY_LEN(linked), linked_stale, ARRAY_LEN(linked_stale), ready);
    walk(unlinked, ARRAY_LEN(unlinked), unlinked_stale, ARRAY_LEN(unlinked_stale), ready_unlinked);
    walk(removal, ARRAY_LEN(removal), removal_stale, ARRAY_LEN(removal_stale), fx_removable);
}

static void a_task_environment_is_not_removed_on_stale_facts(void **state)
{
    static const enum bg_family needed[] = { BG_MAPPINGS, BG_QUEUES, BG_LOCKS, BG_PIPELINES,
                                             BG_BUILDS };
    struct fx x;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        fx_init(&x, "ds-3987");
        fx_stale(&x, needed[i]);
        fx_judge(&x);
        assert_null(fx_step(&x, "remove-task", NULL)->command);
        assert_non_null(strstr(fx_step(&x, "remove-task", NULL)->reason, "known"));
        fx_done(&x);
    }
}

static void a_lock_table_nobody_lets_us_read_is_advice_and_a_stale_one_a_bar(void **state)
{
    struct fx x;

    (void)state;
    ready_unlinked(memset(&x, 0, sizeof x));
    x.f.has_other_locks = false;
    fx_judge(&x);
    const struct bg_step *link = fx_step(&x, "link", "9f3c1ab-live");
    assert_non_null(link->command);
    bool has_c6 = false;
    for (size_t i = 0; i < link->nchecks; i++)
        if (!strcmp(link->checks[i].id, "C6")) {
            has_c6 = true;
            assert_int_equal(link->checks[i].result, BG_CHECK_UNKNOWN);
            assert_true(link->checks[i].is_advisory);
        }
    assert_true(has_c6);
    fx_done(&x);
    ready_unlinked(memset(&x, 0, sizeof x));
    fx_stale(&x, BG_LOCKS);
    fx_judge(&x);
    assert_null(fx_step(&x, "link", "9f3c1ab-live")->command);
    assert_non_null(strstr(fx_step(&x, "link", "9f3c1ab-live")->reason, "known"));
    fx_done(&x);
}

static void without_a_profile_nothing_is_printed(void **state)
{
    struct fx x;

    (void)state;
    ready(memset(&x, 0, sizeof x));
    x.f.profile = NULL;
    fx_judge(&x);
    assert_true(x.out.nsteps > 5);
    for (size_t i = 0; i < x.out.nsteps; i++)
        assert_null(x.out.steps[i].command);
    fx_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_printed_on_stale_facts),
        cmocka_unit_test(a_task_environment_is_not_removed_on_stale_facts),
        cmocka_unit_test(a_lock_table_nobody_lets_us_read_is_advice_and_a_stale_one_a_bar),
        cmocka_unit_test(without_a_profile_nothing_is_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
