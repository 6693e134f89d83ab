/* The other pre-flight checks in their three results, and what an unknown one says. */
#include "bluegreen_fixture.h"

/* ---- changes */

static void wanted(struct fx *x)
{
    x->f.wanted.env = "1a2b3c4-live";
    x->f.wanted.tag = "tag.1";
    x->f.wanted.commit = "1a2b3c4";
}
static void no_queue(struct fx *x)
{
    wanted(x);
    fx_queue(x, "live-change-event-queue.fifo")->name = "gone";
}
static void no_dlq(struct fx *x)
{
    wanted(x);
    fx_queue(x, "live-change-event-dead-letter-queue.fifo")->name = "gone";
}
static void no_table(struct fx *x)
{
    wanted(x);
    x->f.has_table = false;
}
static void table_open(struct fx *x)
{
    wanted(x);
    fx_stale(x, BG_TABLE);
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
static void image_gone(struct fx *x)
{
    wanted(x);
    x->f.images = fx_images + 1;
}
static void images_open(struct fx *x)
{
    wanted(x);
    x->f.known[BG_IMAGES] = (struct bg_known){ false, 0, 60000, "AccessDenied: ecr" };
}
static void images_not_listed(struct fx *x)
{
    wanted(x);
    x->f.images = NULL;
}
static void link_lock(struct fx *x)
{
    fx_add_lock(x, "live", "blue-green-link", NOW / 1000 - 60);
}
static void app_lock(struct fx *x)
{
    fx_add_lock(x, "71be55f-live", "application", NOW / 1000 - 60);
}
static void api_key_lock(struct fx *x)
{
    fx_add_lock(x, "live", "api-key", NOW / 1000 - 60);
}
static void locks_open(struct fx *x)
{
    fx_stale(x, BG_LOCKS);
}
static void locks_not_configured(struct fx *x)
{
    x->f.has_other_locks = false;
}
static void r1_shared_topic_gone(struct fx *x)
{
    drop_topic(x, "live-shared-resources-topic-app-alerts-for-slack-default");
}
static void r2_shared_topic_gone(struct fx *x)
{
    drop_topic(x, "live-shared-resources-topic-app-alerts-for-slack-route53");
}
static void topics_open(struct fx *x)
{
    fx_stale(x, BG_SUBSCRIPTIONS);
}
static void running(struct fx *x)
{
    x->executions[0].waiting_stage = NULL;
}
static void shared_running(struct fx *x)
{
    x->executions[2].status = "InProgress";
}
static void development_running(struct fx *x)
{
    x->executions[4].status = "InProgress";
}
static void build_runs(struct fx *x, const char *project, const char *shared, const char *tag)
{
    fx_add_build(x, project, "IN_PROGRESS", shared, tag, NOW / 1000 - 60, 0);
}
static void deploy_runs(struct fx *x)
{
    build_runs(x, "deploy-blue-green-environment-stage", "live", NULL);
}
static void in_place_runs(struct fx *x)
{
    build_runs(x, "deploy-stage", "live", NULL);
}
static void rehearsal_runs(struct fx *x)
{
    build_runs(x, "trigger-rollback", "live", NULL);
}
static void other_runs(struct fx *x)
{
    build_runs(x, "deploy-blue-green-environment-stage", "cicd-release", NULL);
}
static void rollback_runs(struct fx *x)
{
    build_runs(x, "blue-green-rollback-stage", NULL,
               "refs/tags/20260203082000_live_live_blue_green_rollback");
}
static void some_rollback_runs(struct fx *x)
{
    build_runs(x, "blue-green-rollback-stage", NULL, "4d7e02c000000000000000000000000000000000");
}
static void pipelines_open(struct fx *x)
{
    fx_stale(x, BG_PIPELINES);
}
static void builds_open(struct fx *x)
{
    fx_stale(x, BG_BUILDS);
}
static void nothing_leaves(struct fx *x)
{
    x->f.drained = 0;
}
static void rate_open(struct fx *x)
{
    x->f.drained = -1;
}
static void metrics_open(struct fx *x)
{
    fx_stale(x, BG_METRICS);
}
static void age_open(struct fx *x)
{
    x->queues[0].oldest_s = -1;
}
static void dashboard_open(struct fx *x)
{
    fx_stale(x, BG_DASHBOARD);
}
static void nobody_pairs(struct fx *x)
{
    fx_drop_env(x, "ds-3987");
}
static void pair_open(struct fx *x)
{
    nobody_pairs(x);
    for (size_t i = 0; i < x->f.nfunctions; i++) {
        x->functions[i].kms_key = NULL;
        x->functions[i].shared_env = NULL;
    }
    fx_queue(x, "test-holding-queue.fifo")->kms_key = NULL;
}
static void functions_open(struct fx *x)
{
    fx_stale(x, BG_FUNCTIONS);
}
static void one_waits(struct fx *x)
{
    fx_queue(x, "ds-3987-change-event-queue.fifo")->visible = 1;
}
static void one_in_flight(struct fx *x)
{
    fx_queue(x, "ds-3987-change-event-queue.fifo")->in_flight = 1;
}
static void one_dead(struct fx *x)
{
    fx_queue(x, "ds-3987-change-event-dead-letter-queue.fifo")->visible = 1;
}
static void depth_open(struct fx *x)
{
    fx_queue(x, "ds-3987-change-event-dead-letter-queue.fifo")->visible = -1;
}
static void redeploy(struct fx *x)
{
    x->f.new_version = "5e20d84";
}
static void release_previous(struct fx *x)
{
    wanted(x);
    x->f.wanted.commit = "5e20d84000000000000000000000000000000000";
}
static void parameter_open(struct fx *x)
{
    fx_stale(x, BG_PARAMETER);
}
static void secret_deleted(struct fx *x)
{
    x->secrets[2].deleted_ms = NOW;
}
static void secret_gone(struct fx *x)
{
    x->secrets[5].name = "gone";
}
static void secrets_open(struct fx *x)
{
    fx_stale(x, BG_SECRETS);
}
static void applied(struct fx *x)
{
    x->f.stage_updated_ms = 1770112200000;
}
static void stage_open(struct fx *x)
{
    fx_stale(x, BG_STAGE);
}
static void stage_time_open(struct fx *x)
{
    x->f.stage_updated_ms = 0;
}

/* ---- tests */

#define FAIL BG_CHECK_FAIL
#define OPEN BG_CHECK_UNKNOWN
#define PASS BG_CHECK_PASS

static void every_check_passes_fails_and_is_unknown(void **state)
{
    static const struct check_case cases[] = {
        /* clang-format off */
        { "C1", "live", "deploy", NULL, wanted, PASS, NULL },
        { "C1", "live", "deploy", NULL, no_queue, FAIL, "change-event-queue" },
        { "C1", "live", "deploy", NULL, no_dlq, FAIL, "dead-letter" },
        { "C1", "live", "deploy", NULL, no_table, FAIL, "table" },
        { "C1", "live", "deploy", NULL, table_open, OPEN, "dynamodb DescribeTable" },
        { "C5", "live", "deploy", NULL, wanted, PASS, NULL },
        { "C5", "live", "deploy", NULL, image_gone, FAIL, "ingest-change-event" },
        { "C5", "live", "deploy", NULL, images_open, OPEN, "AccessDenied: ecr" },
        { "C5", "live", "deploy", NULL, images_not_listed, OPEN, "ecr DescribeImages" },
        { "C6", "live", "unlink", NULL, NULL, PASS, NULL },
        { "C6", "live", "unlink", NULL, app_lock, PASS, NULL },
        { "C6", "live", "unlink", NULL, link_lock, FAIL, "root@build" },
        { "C6", "live", "undeploy", "71be55f-live", app_lock, FAIL, "application" },
        { "C6", "live", "undeploy", "71be55f-live", link_lock, PASS, NULL },
        { "C6", "live", "update-shared", NULL, api_key_lock, FAIL, "api-key" },
        { "C6", "live", "unlink", NULL, locks_open, OPEN, "lock table" },
        { "C6", "live", "unlink", NULL, locks_not_configured, OPEN, "lock table" },
        { "C6", "ds-4020", "remove-task", NULL, NULL, FAIL, "ds-4020/application" },
        { "C7", "live", "unlink", NULL, NULL, PASS, NULL },
        { "C7", "live", "unlink", NULL, r1_shared_topic_gone, FAIL, "default-region" },
        { "C7", "live", "unlink", NULL, r2_shared_topic_gone, FAIL, "route53" },
        { "C7", "live", "unlink", NULL, topics_open, OPEN, "ListSubscriptionsByTopic" },
        { "C8", "live", "rollback", NULL, NULL, PASS, NULL },
        { "C8", "live", "rollback", NULL, running, FAIL, "in progress" },
        { "C8", "live", "rollback", NULL, shared_running, FAIL, "shared-resources" },
        { "C8", "live", "rollback", NULL, development_running, PASS, NULL },
        { "C8", "test", "unlink", NULL, running, PASS, NULL },
        { "C8", "live", "rollback", NULL, deploy_runs, FAIL, "build new" },
        { "C8", "live", "rollback", NULL, in_place_runs, FAIL, "build new" },
        { "C8", "live", "rollback", NULL, rehearsal_runs, FAIL, "build new" },
        { "C8", "live", "rollback", NULL, rollback_runs, FAIL, "build new" },
        { "C8", "live", "rollback", NULL, other_runs, PASS, NULL },
        { "C8", "live", "rollback", NULL, some_rollback_runs, OPEN, "the tag of build" },
        { "C8", "live", "rollback", NULL, pipelines_open, OPEN, "codepipeline" },
        { "C8", "live", "rollback", NULL, builds_open, OPEN, "codebuild" },
        { "C8", "live", "start-deploy", NULL, wanted, FAIL, "waits for approval" },
        { "C8", "live", "start-shared", NULL, wanted, PASS, NULL },
        { "C9", "live", "unlink", NULL, NULL, PASS, "3 wait" },
        { "C9", "live", "unlink", NULL, nothing_leaves, FAIL, "none left" },
        { "C9", "live", "unlink", NULL, rate_open, OPEN, "GetMetricData" },
        { "C9", "live", "unlink", NULL, metrics_open, OPEN, "GetMetricData" },
        { "C9", "live", "unlink", NULL, age_open, OPEN, "GetQueueAttributes" },
        { "C13", "ds-3987", "undeploy-shared", NULL, nobody_pairs, PASS, NULL },
        { "C13", "ds-3987", "undeploy-shared", NULL, NULL, FAIL, "ds-3987 belongs" },
        { "C13", "ds-3987", "undeploy-shared", NULL, pair_open, OPEN, "where test belongs" },
        { "C13", "ds-3987", "undeploy-shared", NULL, functions_open, OPEN, "ListFunctions" },
        { "C14", "ds-3987", "undeploy-shared", NULL, NULL, PASS, NULL },
        { "C14", "ds-3987", "undeploy-shared", NULL, one_waits, FAIL, "1 messages" },
        { "C14", "ds-3987", "undeploy-shared", NULL, one_in_flight, FAIL, "1 messages" },
        { "C14", "ds-3987", "undeploy-shared", NULL, one_dead, FAIL, "dead-letter" },
        { "C14", "ds-3987", "undeploy-shared", NULL, depth_open, OPEN, "GetQueueAttributes" },
        { "C15", "live", "deploy", NULL, NULL, PASS, "b8d41f0-live" },
        { "C15", "live", "deploy", NULL, redeploy, FAIL, "would delete what it has linked" },
        { "C15", "live", "start-deploy", NULL, release_previous, FAIL, "5e20d84-live" },
        { "C15", "live", "deploy", NULL, parameter_open, OPEN, "ssm GetParameter" },
        { "C15", "live", "deploy", NULL, dashboard_open, OPEN, "GetDashboard" },
        { "C16", "live", "update-shared", NULL, NULL, PASS, NULL },
        { "C16", "live", "update-shared", NULL, secret_deleted, FAIL, "being deleted" },
        { "C16", "live", "update-shared", NULL, secret_gone, FAIL, "does not exist" },
        { "C16", "live", "update-shared", NULL, secrets_open, OPEN, "DescribeSecret" },
        { "C17", "live", "update-shared", NULL, applied, PASS, NULL },
        { "C17", "live", "update-shared", NULL, NULL, FAIL, "not applied" },
        { "C17", "cicd-release", "update-shared", NULL, NULL, PASS, NULL },
        { "C17", "cicd-test", "update-shared", NULL, NULL, PASS, NULL },
        { "C17", "live", "update-shared", NULL, stage_open, OPEN, "GetStages" },
        { "C17", "live", "update-shared", NULL, stage_time_open, OPEN, "GetStages" },
        /* clang-format on */
    };

    (void)state;
    fx_check_cases(cases, ARRAY_LEN(cases));
}

static void an_unknown_check_says_why_and_how_old_its_facts_are(void **state)
{
    const struct bg_check *c;
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    x.f.known[BG_MAPPINGS].read_ms = NOW - 720000;
    fx_judge(&x);
    c = fx_check(fx_step(&x, "unlink", NULL), "C2");
    assert_string_equal(c->detail, "needs lambda ListEventSourceMappings: last read 12 min ago");
    assert_int_equal(c->age_s, 720);
    x.f.known[BG_MAPPINGS] = (struct bg_known){ false, NOW - 720000, 60000, "AccessDenied: no" };
    fx_judge(&x);
    assert_string_equal(fx_check(fx_step(&x, "unlink", NULL), "C2")->detail,
                        "needs lambda ListEventSourceMappings: AccessDenied: no");
    x.f.known[BG_MAPPINGS] = (struct bg_known){ false, 0, 60000, NULL };
    fx_judge(&x);
    c = fx_check(fx_step(&x, "unlink", NULL), "C2");
    assert_string_equal(c->detail, "needs lambda ListEventSourceMappings: not read");
    assert_int_equal(c->age_s, -1);
    fx_done(&x);
}

static void a_check_is_as_old_as_its_oldest_fact(void **state)
{
    const struct bg_step *s;
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    x.f.known[BG_QUEUES].read_ms = NOW - 50000;
    x.f.known[BG_FUNCTIONS].read_ms = NOW - 90000;
    fx_judge(&x);
    s = fx_step(&x, "rollback", NULL);
    assert_int_equal(fx_check(s, "C3")->age_s, 90);
    assert_int_equal(fx_check(s, "C2")->age_s, 10);
    assert_int_equal(fx_check(s, "C12")->age_s, -1);
    fx_done(&x);
}

static void families_are_fresh_for_two_intervals(void **state)
{
    struct fx x;

    (void)state;
    fx_init(&x, "live");
    x.f.known[BG_QUEUES].read_ms = NOW - 120000;
    assert_true(bg_is_fresh(&x.f, BG_QUEUES));
    x.f.known[BG_QUEUES].read_ms--;
    assert_false(bg_is_fresh(&x.f, BG_QUEUES));
    x.f.known[BG_QUEUES] = (struct bg_known){ false, NOW, 60000, NULL };
    assert_false(bg_is_fresh(&x.f, BG_QUEUES));
    x.f.known[BG_QUEUES] = (struct bg_known){ true, 0, 60000, NULL };
    assert_false(bg_is_fresh(&x.f, BG_QUEUES));
    fx_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_check_passes_fails_and_is_unknown),
        cmocka_unit_test(an_unknown_check_says_why_and_how_old_its_facts_are),
        cmocka_unit_test(a_check_is_as_old_as_its_oldest_fact),
        cmocka_unit_test(families_are_fresh_for_two_intervals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
