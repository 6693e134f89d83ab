/* Names that do not change in the story: accounts, functions, queues, pipeline trees. */
#include "aws_estate.h"

#include "opsdeck/base/mem.h"

const char *const aws_account_ids[AWS_ACCOUNTS] = { "100000000001", "200000000002",
                                                    "300000000003" };

const char *const aws_bg_queue_names[AWS_BG_QUEUES] = {
    "holding-queue",
    "update-request-queue",
    "holding-queue-dead-letter-queue",
    "update-request-dead-letter-queue",
};

/* clang-format off */
const struct aws_fn aws_fns[AWS_FNS] = {
    { "ingest-change-event", 30, 128, 0, false },
    { "service-matcher", 10, 192, 28, true },
    { "service-sync", 20, 512, 47, true },
    { "send-email", 30, 128, 0, false },
    { "change-event-dlq-handler", 30, 128, 0, false },
    { "dos-db-update-dlq-handler", 30, 128, 0, false },
    { "event-replay", 30, 128, 0, false },
    { "slack-messenger", 10, 128, 0, false },
    { "quality-checker", 900, 512, 0, true },
    { "dos-db-handler", 30, 128, 0, true },
};

#define BUILD(fn) { "Build", "Build_" fn, 1, "build-image-stage", NULL, NULL }
#define BUILD10 \
    BUILD("change-event-dlq-handler"), BUILD("dos-db-handler"), BUILD("dos-db-update-dlq-handler"), \
    BUILD("event-replay"), BUILD("ingest-change-event"), BUILD("quality-checker"), BUILD("send-email"), \
    BUILD("service-matcher"), BUILD("service-sync"), BUILD("slack-messenger")
#define TEST(stage, env, kind) { stage, "Integration_Test_" kind, 2, "integration-tests-" kind, "dev", env }
#define TEST5(stage, env) \
    TEST(stage, env, "general"), TEST(stage, env, "opening_times"), TEST(stage, env, "reporting"), \
    TEST(stage, env, "slack_and_infrastructure"), TEST(stage, env, "validation")

static const struct aws_action DEVELOPMENT[] = {
    { "Source", "Source", 1, NULL, NULL, NULL },
    { "Unit_Tests", "UnitTests", 1, "unit-test-stage", NULL, NULL },
    BUILD10,
    { "Deploy_Test_Environments", "Deploy_test", 1, "deploy-stage", "dev", "test" },
    TEST5("Deploy_Test_Environments", "test"),
    { "Deploy_Prod_Environments", "Deploy_Demo", 1, "deploy-stage", "demo", "demo" },
    { "Deploy_Prod_Environments", "Smoke_Test_Demo", 2, "production-smoke-test", "demo", "demo" },
};
static const struct aws_action BLUE_GREEN[] = {
    { "Source", "Source", 1, NULL, NULL, NULL },
    { "Unit_Tests", "UnitTests", 1, "unit-test-stage", NULL, NULL },
    BUILD10,
    { "Deploy_Test_Environment", "Deploy_cicd-test", 1, "deploy-blue-green-environment-stage", "dev", "cicd-test" },
    TEST5("Deploy_Test_Environment", "cicd-test"),
    { "Deploy_Cicd_Release_Environment", "Deploy_cicd-release", 1, "deploy-blue-green-environment-stage", "demo", "cicd-release" },
    { "Deploy_Cicd_Release_Environment", "Smoke_Test_Latest_Version", 2, "production-smoke-test", "demo", "cicd-release" },
    { "Deploy_Cicd_Release_Environment", "Rollback_To_Previous_Version", 3, "trigger-rollback", "demo", "cicd-release" },
    { "Deploy_Cicd_Release_Environment", "Smoke_Test_Previous_Version", 4, "production-smoke-test", "demo", "cicd-release" },
    { "Deploy_Cicd_Release_Environment", "Rollback_To_Latest_Version", 5, "trigger-rollback", "demo", "cicd-release" },
    { "Approve", "Approve_Live_Deployment", 1, NULL, NULL, NULL },
    { "Deploy_Live_Environment", "Deploy_Live", 1, "deploy-blue-green-environment-stage", "live", "live" },
};
static const struct aws_action SHARED_RESOURCES[] = {
    { "Source", "Source", 1, NULL, NULL, NULL },
    { "Deploy_Test_Environment", "Deploy_cicd-test", 1, "deploy-shared-resources-environment-stage", "dev", "cicd-test" },
    TEST5("Deploy_Test_Environment", "cicd-test"),
    { "Deploy_Cicd_Release_Environment", "Deploy_cicd-release", 1, "deploy-shared-resources-environment-stage", "demo", "cicd-release" },
    { "Deploy_Cicd_Release_Environment", "Smoke_Test_New_Version", 2, "production-smoke-test", "demo", "cicd-release" },
    { "Approve", "Approve_Live_Deployment", 1, NULL, NULL, NULL },
    { "Deploy_Live_Environment", "Deploy_Live", 1, "deploy-shared-resources-environment-stage", "live", "live" },
};

const struct aws_pipeline aws_pipelines[AWS_PIPELINES] = {
    { "uec-dos-int-dev-development-pipeline", DEVELOPMENT, ARRAY_LEN(DEVELOPMENT) },
    { "uec-dos-int-dev-cicd-blue-green-deployment-pipeline", BLUE_GREEN, ARRAY_LEN(BLUE_GREEN) },
    { "uec-dos-int-dev-cicd-shared-resources-deployment-pipeline", SHARED_RESOURCES, ARRAY_LEN(SHARED_RESOURCES) },
};
/* clang-format on */
