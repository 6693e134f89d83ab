/* C2, C3, C4, C10, C11, C12 in their three results: the link and one environment. */
#include "bluegreen_fixture.h"

/* ---- changes */

static void wanted(struct fx *x)
{
    x->f.wanted.env = "1a2b3c4-live";
    x->f.wanted.tag = "tag.1";
    x->f.wanted.commit = "1a2b3c4";
}
static void mappings_open(struct fx *x)
{
    fx_stale(x, BG_MAPPINGS);
}
static void drift(struct fx *x)
{
    x->f.dashboard_current = "4d7e02c-live";
}
static void partial_drift(struct fx *x)
{
    drift(x);
    x->f.nmappings--;
}
static void partial(struct fx *x)
{
    x->f.nmappings--;
}
static void outage_builds_open(struct fx *x)
{
    fx_outage(x);
    fx_stale(x, BG_BUILDS);
}
static void outage_locks_open(struct fx *x)
{
    fx_outage(x);
    fx_stale(x, BG_LOCKS);
}
static void outage_build(struct fx *x)
{
    fx_outage(x);
    fx_add_build(x, "deploy-blue-green-environment-stage", "IN_PROGRESS", "live", NULL,
                 NOW / 1000 - 60, 0);
}
static void nothing_to_deploy(struct fx *x)
{
    fx_stale(x, BG_PARAMETER);
}
static void deleting(struct fx *x)
{
    x->mappings[0].state = "Deleting";
}
static void leaked_has_dlq(struct fx *x)
{
    fx_add_dlq_link(x, "71be55f-live", "Disabled", 1);
}
static void foreign_here(struct fx *x)
{
    fx_add_link(x, "ds-4012", "Enabled", 1);
}
static void function_gone(struct fx *x)
{
    fx_outage(x);
    fx_fn(x, "9f3c1ab-live-event-replay")->name = "gone";
}
static void function_pending(struct fx *x)
{
    fx_outage(x);
    fx_fn(x, "9f3c1ab-live-event-replay")->state = "Pending";
}
static void function_inactive(struct fx *x)
{
    fx_outage(x);
    fx_fn(x, "9f3c1ab-live-event-replay")->state = "Inactive";
}
static void function_open(struct fx *x)
{
    fx_outage(x);
    fx_fn(x, "9f3c1ab-live-event-replay")->state = NULL;
}
static void queue_gone(struct fx *x)
{
    fx_outage(x);
    fx_queue(x, "9f3c1ab-live-update-request-queue.fifo")->name = "gone";
}
static void drop_topic(struct fx *x, const char *part)
{
    for (size_t i = 0; i < x->f.nsubscriptions; i++)
        if (strstr(x->subscriptions[i].topic, part)) {
            x->subscriptions[i].topic = "gone";
            return;
        }
    fail_msg("no topic %s", part);
}
static void r1_topic_gone(struct fx *x)
{
    fx_outage(x);
    drop_topic(x, "9f3c1ab-live-topic-app-alerts-for-slack-default");
}
static void r2_topic_gone(struct fx *x)
{
    fx_outage(x);
    drop_topic(x, "9f3c1ab-live-topic-app-alerts-for-slack-route53");
}
static void outage_functions_open(struct fx *x)
{
    fx_outage(x);
    fx_stale(x, BG_FUNCTIONS);
}
static void lookup_gone(struct fx *x)
{
    fx_fn(x, "9f3c1ab-live-quality-checker")->name = "gone";
}
static void lookup_not_gone(struct fx *x)
{
    fx_fn(x, "9f3c1ab-live-event-replay")->name = "gone";
    fx_fn(x, "9f3c1ab-live-quality-checker")->state = "Pending";
}
static void other_key(struct fx *x)
{
    fx_outage(x);
    fx_queue(x, "9f3c1ab-live-holding-queue.fifo")->kms_key = PROD_KEY(2);
}
static void no_key(struct fx *x)
{
    fx_outage(x);
    for (size_t i = 0; i < x->f.nfunctions; i++) {
        x->functions[i].kms_key = NULL;
        x->functions[i].shared_env = NULL;
    }
    fx_queue(x, "9f3c1ab-live-holding-queue.fifo")->kms_key = NULL;
}
static void outage_queues_open(struct fx *x)
{
    fx_outage(x);
    fx_stale(x, BG_QUEUES);
}
static void leaked_works(struct fx *x)
{
    fx_queue(x, "71be55f-live-holding-queue.fifo")->in_flight = 1;
}
static void leaked_depth_open(struct fx *x)
{
    fx_queue(x, "71be55f-live-holding-queue.fifo")->visible = -1;
}
static void queues_open(struct fx *x)
{
    fx_stale(x, BG_QUEUES);
}
static void previous_na(struct fx *x)
{
    x->f.dashboard_previous = "NA";
}
static void previous_same(struct fx *x)
{
    x->f.dashboard_previous = "9f3c1ab-live";
}
static void previous_pending(struct fx *x)
{
    fx_fn(x, "5e20d84-live-send-email")->state = "Pending";
}
static void dashboard_open(struct fx *x)
{
    fx_stale(x, BG_DASHBOARD);
}
static void wrong_profile(struct fx *x)
{
    x->f.profile = "demo";
}
static void no_such_profile(struct fx *x)
{
    x->f.profile = "prod";
}
static void no_profile(struct fx *x)
{
    x->f.profile = NULL;
}
static void brackets(struct fx *x)
{
    x->f.shared_env = "[live]";
}
static void wanted_is(struct fx *x, const char *env)
{
    wanted(x);
    x->f.wanted.env = env;
}
static void brackets_in_env(struct fx *x)
{
    wanted_is(x, "[1a2b3c4]-live");
}
static void eight_digits(struct fx *x)
{
    wanted_is(x, "1a2b3c4d-live");
}
static void six_digits(struct fx *x)
{
    wanted_is(x, "1a2b3c-live");
}
static void six_and_dash(struct fx *x)
{
    wanted_is(x, "1a2b3c-");
}
static void upper_case(struct fx *x)
{
    wanted_is(x, "1A2B3C4-live");
}
static void suffix_of_another(struct fx *x)
{
    wanted_is(x, "1a2b3c4-demo");
}
static void bare_hash(struct fx *x)
{
    wanted_is(x, "1a2b3c4");
}
static void perf_suffix(struct fx *x)
{
    wanted_is(x, "1a2b3c4-perf");
    x->f.profile = "perf";
}
static void bad_commit(struct fx *x)
{
    wanted(x);
    x->f.wanted.commit = "$(reboot)";
}
static void task_by_live(struct fx *x)
{
    x->f.profile = "live";
}

/* ---- tests */

#define FAIL BG_CHECK_FAIL
#define OPEN BG_CHECK_UNKNOWN
#define PASS BG_CHECK_PASS

static void every_check_passes_fails_and_is_unknown(void **state)
{
    static const struct check_case cases[] = {
        /* clang-format off */
        { "C2", "live", "unlink", NULL, NULL, PASS, "LINKED to 9f3c1ab-live" },
        { "C2", "live", "unlink", NULL, partial, PASS, NULL },
        { "C2", "live", "unlink", NULL, fx_outage, FAIL, "NONE_LINKED" },
        { "C2", "live", "unlink", NULL, drift, FAIL, "4d7e02c-live" },
        { "C2", "live", "unlink", NULL, partial_drift, FAIL, "state key" },
        { "C2", "live", "unlink", NULL, mappings_open, OPEN, "ListEventSourceMappings" },
        { "C2", "cicd-test", "unlink", NULL, NULL, FAIL, "CONFLICT" },
        { "C2", "live", "link", "9f3c1ab-live", fx_outage, PASS, "NONE_LINKED" },
        { "C2", "live", "link", NULL, NULL, FAIL, "LINKED" },
        { "C2", "live", "link", NULL, deleting, FAIL, "UNLINKING" },
        { "C2", "live", "link", NULL, outage_build, FAIL, "SWITCHING" },
        { "C2", "live", "link", NULL, outage_builds_open, OPEN, "BatchGetBuilds" },
        { "C2", "live", "link", NULL, outage_locks_open, OPEN, "lock table" },
        { "C2", "ds-4012", "update-shared", NULL, NULL, PASS, "SHARED_ONLY" },
        { "C2", "live", "undeploy", "71be55f-live", NULL, PASS, NULL },
        { "C2", "live", "undeploy", "9f3c1ab-live", NULL, FAIL, "is linked" },
        { "C2", "live", "undeploy", "9f3c1ab-live", deleting, FAIL, "is linked" },
        { "C2", "live", "undeploy", "71be55f-live", leaked_has_dlq, FAIL, "is linked" },
        { "C2", "live", "undeploy", "71be55f-live", mappings_open, OPEN, NULL },
        { "C2", "live", "deploy", NULL, wanted, PASS, "is not linked" },
        { "C2", "live", "deploy", NULL, nothing_to_deploy, OPEN, "which environment" },
        { "C2", "ds-3987", "remove-task", NULL, NULL, PASS, NULL },
        { "C2", "ds-3987", "remove-task", NULL, foreign_here, FAIL, "ds-4012" },
        { "C3", "live", "link", "9f3c1ab-live", fx_outage, PASS, NULL },
        { "C3", "live", "link", "9f3c1ab-live", function_gone, FAIL, "has no event-replay" },
        { "C3", "live", "link", "9f3c1ab-live", function_pending, FAIL, "is Pending" },
        { "C3", "live", "link", "9f3c1ab-live", function_inactive, FAIL, "is Inactive" },
        { "C3", "live", "link", "9f3c1ab-live", function_open, OPEN, "lambda GetFunction" },
        { "C3", "live", "link", "9f3c1ab-live", queue_gone, FAIL, "3 of 4 queues" },
        { "C3", "live", "link", "9f3c1ab-live", r1_topic_gone, FAIL, "default-region" },
        { "C3", "live", "link", "9f3c1ab-live", r2_topic_gone, FAIL, "route53" },
        { "C3", "live", "link", "9f3c1ab-live", outage_functions_open, OPEN, "ListFunctions" },
        { "C3", "live", "unlink", NULL, lookup_gone, FAIL, "quality-checker" },
        { "C3", "live", "unlink", NULL, lookup_not_gone, PASS, NULL },
        { "C4", "live", "link", "9f3c1ab-live", fx_outage, PASS, NULL },
        { "C4", "live", "link", "9f3c1ab-live", other_key, FAIL, "another shared" },
        { "C4", "live", "link", "9f3c1ab-live", no_key, OPEN, "GetQueueAttributes" },
        { "C4", "live", "link", "9f3c1ab-live", outage_queues_open, OPEN, "GetQueueAttributes" },
        { "C10", "live", "undeploy", "71be55f-live", NULL, PASS, NULL },
        { "C10", "live", "undeploy", "71be55f-live", leaked_works, FAIL, "1 messages" },
        { "C10", "live", "undeploy", "71be55f-live", leaked_depth_open, OPEN, NULL },
        { "C10", "live", "undeploy", "71be55f-live", queues_open, OPEN, "GetQueueAttributes" },
        { "C11", "live", "rollback", NULL, NULL, PASS, "5e20d84-live" },
        { "C11", "live", "rollback", NULL, previous_na, FAIL, "no previous" },
        { "C11", "live", "rollback", NULL, previous_same, FAIL, "the linked one" },
        { "C11", "live", "rollback", NULL, previous_pending, FAIL, "is Pending" },
        { "C11", "live", "rollback", NULL, dashboard_open, OPEN, "GetDashboard" },
        { "C12", "live", "deploy", NULL, wanted, PASS, NULL },
        { "C12", "live", "deploy", NULL, bare_hash, PASS, NULL },
        { "C12", "live", "deploy", NULL, brackets_in_env, FAIL, NULL },
        { "C12", "live", "deploy", NULL, eight_digits, FAIL, NULL },
        { "C12", "live", "deploy", NULL, six_digits, FAIL, NULL },
        { "C12", "live", "deploy", NULL, six_and_dash, FAIL, NULL },
        { "C12", "live", "deploy", NULL, upper_case, FAIL, NULL },
        { "C12", "live", "deploy", NULL, suffix_of_another, FAIL, NULL },
        { "C12", "live", "deploy", NULL, perf_suffix, FAIL, NULL },
        { "C12", "live", "unlink", NULL, wrong_profile, FAIL, "profile demo" },
        { "C12", "live", "update-shared", NULL, no_such_profile, FAIL, "prod" },
        { "C12", "live", "update-shared", NULL, brackets, FAIL, "[live]" },
        { "C12", "live", "update-shared", NULL, no_profile, OPEN, "profile" },
        { "C12", "live", "start-shared", NULL, bad_commit, FAIL, "not a commit" },
        { "C12", "ds-3987", "remove-task", NULL, NULL, PASS, NULL },
        { "C12", "ds-3987", "remove-task", NULL, task_by_live, FAIL, "no task environment" },
        /* clang-format on */
    };

    (void)state;
    fx_check_cases(cases, ARRAY_LEN(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_check_passes_fails_and_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
