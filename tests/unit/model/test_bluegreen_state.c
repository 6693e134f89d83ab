/* The decision table of states with its severities, and what facts that are not fresh leave open.
 */
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
static void old_mappings(struct fx *x)
{
    fx_stale(x, BG_MAPPINGS);
}
static void absent(struct fx *x)
{
    fx_unlink(x);
    x->f.is_queue_absent = true;
}
static void absent_by_old_word(struct fx *x)
{
    absent(x);
    fx_stale(x, BG_QUEUES);
}
static void absent_mappings_refused(struct fx *x)
{
    absent(x);
    denied(x);
}
static void second_link(struct fx *x)
{
    fx_add_link(x, "4d7e02c-live", "Creating", NOW / 1000 - 5);
}
static void second_link_is_deleting(struct fx *x)
{
    fx_add_link(x, "4d7e02c-live", "Deleting", NOW / 1000 - 5);
}
static void second_link_is_disabled(struct fx *x)
{
    fx_add_link(x, "4d7e02c-live", "Disabled", NOW / 1000 - 5);
}
static void release_conflict(struct fx *x)
{
    fx_add_link(x, "4d7e02c-demo", "Enabled", NOW / 1000 - 5);
}
static void orphan(struct fx *x)
{
    fx_drop_functions(x, "9f3c1ab-live");
}
static void orphan_by_word(struct fx *x)
{
    x->mappings[0].is_target_missing = true;
}
static void orphan_by_old_word(struct fx *x)
{
    orphan_by_word(x);
    fx_stale(x, BG_FUNCTIONS);
}
static void younger_than_the_list(struct fx *x)
{
    orphan(x);
    x->mappings[0].modified_ms = NOW - 5000;
}
static void foreign_consumer(struct fx *x)
{
    x->mappings[0].function = "somebody-elses-reader";
}
static void foreign_consumer_gone(struct fx *x)
{
    foreign_consumer(x);
    x->mappings[0].is_target_missing = true;
}
static void disabled(struct fx *x)
{
    x->mappings[0].state = "Disabled";
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
static void enabling(struct fx *x)
{
    set_mapping(x, "Enabling", 1);
}
static void updating(struct fx *x)
{
    set_mapping(x, "Updating", 1);
}
static void disabling(struct fx *x)
{
    set_mapping(x, "Disabling", 299);
}
static void deleting(struct fx *x)
{
    set_mapping(x, "Deleting", 299);
}
static void strange(struct fx *x)
{
    set_mapping(x, "Hibernating", 1);
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
static void switching_by_lock(struct fx *x)
{
    lock_link(x, 599);
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
static void switching_by_shared_build(struct fx *x)
{
    build_at(x, "deploy-shared-resources-environment-stage", "live", NULL);
}
static void switching_by_rollback(struct fx *x)
{
    build_at(x, "blue-green-rollback-stage", NULL,
             "refs/tags/20260203082000_live_live_blue_green_rollback");
}
static void lock_of_old_reading(struct fx *x)
{
    lock_link(x, 90);
    fx_stale(x, BG_LOCKS);
}
static void lock_not_configured(struct fx *x)
{
    lock_link(x, 90);
    x->f.has_other_locks = false;
}
static void build_of_old_reading(struct fx *x)
{
    switching_by_build(x);
    fx_stale(x, BG_BUILDS);
}
static void none_test(struct fx *x)
{
    fx_unlink(x);
}
static void none_test_queues_open(struct fx *x)
{
    fx_unlink(x);
    fx_stale(x, BG_QUEUES);
}
static void only_empty(struct fx *x)
{
    fx_queue(x, "ds-4012-change-event-queue.fifo")->visible = 0;
}
static void only_but_functions_open(struct fx *x)
{
    fx_stale(x, BG_FUNCTIONS);
}
static void no_dlq_link(struct fx *x)
{
    x->f.nmappings--;
}
static void dlq_of_another(struct fx *x)
{
    x->mappings[1].function = P "-5e20d84-live-change-event-dlq-handler";
}
static void dlq_deleting(struct fx *x)
{
    x->mappings[1].state = "Deleting";
}
static void dlq_disabled(struct fx *x)
{
    x->mappings[1].state = "Disabled";
}
static void alarm_gone(struct fx *x, const char *part)
{
    for (size_t i = 0; i < x->f.nalarms; i++)
        if (strstr(x->alarms[i].name, part)) {
            x->alarms[i].name = "gone";
            return;
        }
    fail_msg("no alarm %s", part);
}
static void one_alarm_less(struct fx *x)
{
    alarm_gone(x, "| 9f3c1ab-live |");
}
static void one_shared_alarm_less(struct fx *x)
{
    alarm_gone(x, "| live | DI 5XX");
}
static void one_waf_alarm_less(struct fx *x)
{
    alarm_gone(x, "| live | WAF");
}
static void one_task_alarm_less(struct fx *x)
{
    alarm_gone(x, "| ds-3987 | Blue/green");
}
static void no_r1_topic(struct fx *x)
{
    x->subscriptions[x->f.nsubscriptions - 2].topic = "gone";
}
static void no_r2_topic(struct fx *x)
{
    x->subscriptions[x->f.nsubscriptions - 1].topic = "gone";
}
static void topic_in_wrong_region(struct fx *x)
{
    x->subscriptions[x->f.nsubscriptions - 1].region = "eu-west-2";
}
static void drift(struct fx *x)
{
    x->f.dashboard_current = "4d7e02c-live";
}
static void old_drift(struct fx *x)
{
    drift(x);
    fx_stale(x, BG_DASHBOARD);
}
static void alarms_open(struct fx *x)
{
    fx_stale(x, BG_ALARMS);
    x->f.nalarms = 0;
}
static void topics_open(struct fx *x)
{
    fx_stale(x, BG_SUBSCRIPTIONS);
    x->f.nsubscriptions = 0;
}
static void functions_open(struct fx *x)
{
    fx_stale(x, BG_FUNCTIONS);
}
static void optional_open(struct fx *x)
{
    static const enum bg_family optional[] = { BG_LOCKS,   BG_IMAGES, BG_SECRETS, BG_STAGE,
                                               BG_METRICS, BG_RULES,  BG_TABLE,   BG_PARAMETER };

    for (size_t i = 0; i < ARRAY_LEN(optional); i++)
        x->f.known[optional[i]] = (struct bg_known){ false, 0, 60000, "AccessDenied" };
}
static void partial_over_degraded(struct fx *x)
{
    no_dlq_link(x);
    one_alarm_less(x);
    drift(x);
}
static void degraded_over_drift(struct fx *x)
{
    one_alarm_less(x);
    drift(x);
}
static void no_decrypt(struct fx *x)
{
    for (size_t i = 0; i < x->f.nfunctions; i++) {
        x->functions[i].shared_env = NULL;
        x->functions[i].env_error = "AccessDeniedException";
    }
}

/* ---- tests */

static void the_estate_has_the_expected_states(void **state)
{
    static const struct state_case cases[] = {
        { "live", NULL, BG_LINKED, STATUS_OK },
        { "cicd-release", NULL, BG_LINKED, STATUS_OK },
        { "demo", NULL, BG_LINKED, STATUS_OK },
        { "cicd-test", NULL, BG_CONFLICT, STATUS_WARN },
        { "test", NULL, BG_LINKED, STATUS_OK },
        { "ds-3987", NULL, BG_LINKED, STATUS_OK },
        { "ds-4012", NULL, BG_SHARED_ONLY, STATUS_WARN },
        { "ds-4020", NULL, BG_NONE_LINKED, STATUS_WARN },
    };

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
}

static void every_row_of_the_table_is_found(void **state)
{
    static const struct state_case cases[] = {
        { "live", denied, BG_STATE_UNKNOWN, STATUS_UNKNOWN }, /* S1 */
        { "live", absent, BG_SHARED_ABSENT, STATUS_INFO },    /* S2 */
        { "live", absent_mappings_refused, BG_SHARED_ABSENT, STATUS_INFO },
        { "live", second_link, BG_CONFLICT, STATUS_CRIT }, /* S3 */
        { "cicd-release", release_conflict, BG_CONFLICT, STATUS_CRIT },
        { "live", orphan, BG_ORPHAN_LINK, STATUS_CRIT }, /* S4 */
        { "live", orphan_by_word, BG_ORPHAN_LINK, STATUS_CRIT },
        { "live", foreign_consumer_gone, BG_ORPHAN_LINK, STATUS_CRIT },
        { "live", foreign_consumer, BG_LINKED_PARTIAL, STATUS_WARN },
        { "live", disabled, BG_LINK_DISABLED, STATUS_CRIT }, /* S5 */
        { "test", disabled, BG_LINK_DISABLED, STATUS_CRIT },
        { "live", creating, BG_LINKING, STATUS_INFO }, /* S6 */
        { "live", enabling, BG_LINKING, STATUS_INFO },
        { "live", updating, BG_LINKING, STATUS_INFO },
        { "live", disabling, BG_UNLINKING, STATUS_INFO }, /* S7 */
        { "live", deleting, BG_UNLINKING, STATUS_INFO },  /* S8 */
        { "live", switching, BG_SWITCHING, STATUS_INFO }, /* S9 */
        { "live", switching_by_lock, BG_SWITCHING, STATUS_INFO },
        { "live", switching_by_build, BG_SWITCHING, STATUS_INFO },
        { "live", switching_by_shared_build, BG_SWITCHING, STATUS_INFO },
        { "live", switching_by_rollback, BG_SWITCHING, STATUS_INFO },
        { "ds-4012", only_empty, BG_SHARED_ONLY, STATUS_INFO }, /* S10 */
        { "live", fx_outage, BG_NONE_LINKED, STATUS_CRIT },     /* S11 */
        { "test", none_test, BG_NONE_LINKED, STATUS_WARN },
        { "live", no_dlq_link, BG_LINKED_PARTIAL, STATUS_WARN }, /* S12 */
        { "live", dlq_of_another, BG_LINKED_PARTIAL, STATUS_WARN },
        { "live", dlq_deleting, BG_LINKED_PARTIAL, STATUS_WARN },
        { "live", dlq_disabled, BG_LINKED_PARTIAL, STATUS_WARN },
        { "live", one_alarm_less, BG_LINKED_DEGRADED, STATUS_WARN }, /* S13 */
        { "live", one_shared_alarm_less, BG_LINKED_DEGRADED, STATUS_WARN },
        { "live", one_waf_alarm_less, BG_LINKED_DEGRADED, STATUS_WARN },
        { "ds-3987", one_task_alarm_less, BG_LINKED_DEGRADED, STATUS_WARN },
        { "live", no_r1_topic, BG_LINKED_DEGRADED, STATUS_WARN },
        { "live", no_r2_topic, BG_LINKED_DEGRADED, STATUS_WARN },
        { "live", topic_in_wrong_region, BG_LINKED_DEGRADED, STATUS_WARN },
        { "live", drift, BG_LINKED_DRIFT, STATUS_WARN }, /* S14 */
        { "live", no_decrypt, BG_LINKED, STATUS_OK },    /* S15 */
    };

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
}

static void what_is_not_fresh_is_neither_there_nor_absent(void **state)
{
    static const struct state_case cases[] = {
        { "live", old_mappings, BG_STATE_UNKNOWN, STATUS_UNKNOWN },
        { "live", absent_by_old_word, BG_NONE_LINKED, STATUS_CRIT },
        { "live", orphan_by_old_word, BG_LINKED, STATUS_UNKNOWN },
        { "live", lock_of_old_reading, BG_NONE_LINKED, STATUS_CRIT },
        { "live", lock_not_configured, BG_NONE_LINKED, STATUS_CRIT },
        { "live", build_of_old_reading, BG_NONE_LINKED, STATUS_CRIT },
        { "test", none_test_queues_open, BG_NONE_LINKED, STATUS_UNKNOWN },
        { "ds-4012", only_but_functions_open, BG_NONE_LINKED, STATUS_WARN },
        { "live", old_drift, BG_LINKED, STATUS_UNKNOWN },
        { "live", alarms_open, BG_LINKED, STATUS_UNKNOWN },
        { "live", topics_open, BG_LINKED, STATUS_UNKNOWN },
        { "live", functions_open, BG_LINKED, STATUS_UNKNOWN },
        { "live", optional_open, BG_LINKED, STATUS_OK },
        { "live", strange, BG_STATE_UNKNOWN, STATUS_UNKNOWN },
        { "live", younger_than_the_list, BG_LINKED, STATUS_OK },
    };

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
}

static void a_mapping_that_goes_or_sleeps_beside_another_is_no_conflict(void **state)
{
    static const struct state_case cases[] = {
        { "live", second_link_is_deleting, BG_LINKED, STATUS_OK },
        { "live", second_link_is_disabled, BG_LINKED, STATUS_OK },
    };
    struct fx x;

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
    fx_init(&x, "live");
    assert_false(fx_judge(&x)->flags & BG_EXTRA_DISABLED);
    second_link_is_disabled(&x);
    assert_true(fx_judge(&x)->flags & BG_EXTRA_DISABLED);
    fx_done(&x);
}

static void the_first_of_several_rows_is_the_state_and_the_rest_is_told(void **state)
{
    static const struct state_case cases[] = {
        { "live", partial_over_degraded, BG_LINKED_PARTIAL, STATUS_WARN },
        { "live", degraded_over_drift, BG_LINKED_DEGRADED, STATUS_WARN },
    };
    struct fx x;

    (void)state;
    check_cases(cases, ARRAY_LEN(cases));
    fx_init(&x, "live");
    assert_int_equal(fx_judge(&x)->also, 0);
    partial_over_degraded(&x);
    assert_int_equal(fx_judge(&x)->also, 1U << BG_LINKED_DEGRADED | 1U << BG_LINKED_DRIFT);
    fx_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_estate_has_the_expected_states),
        cmocka_unit_test(every_row_of_the_table_is_found),
        cmocka_unit_test(what_is_not_fresh_is_neither_there_nor_absent),
        cmocka_unit_test(a_mapping_that_goes_or_sleeps_beside_another_is_no_conflict),
        cmocka_unit_test(the_first_of_several_rows_is_the_state_and_the_rest_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
