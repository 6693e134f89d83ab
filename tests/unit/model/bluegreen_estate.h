/*
 * An estate of DoS Integration and the commands of its runbook, as C tables. Only
 * bluegreen_fixture.h reads them.
 */
#ifndef OPSDECK_TESTS_BLUEGREEN_ESTATE_H
#define OPSDECK_TESTS_BLUEGREEN_ESTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/model/bluegreen.h"

#define P "uec-dos-int"
#define NOW INT64_C(1770113700000)
#define PROD_KEY(n) "11111111-0000-4000-8000-00000000000" #n
#define NONPROD_KEY(n) "22222222-0000-4000-8000-00000000000" #n

enum {
    FX_FUNCTIONS = 160,
    FX_QUEUES = 80,
    FX_ALARMS = 120,
    FX_FEW = 32
};

struct fx_shared {
    const char *name, *profile, *key;
    bool is_prod, is_live, keeps_previous, has_waf;
    int visible, in_flight, oldest_s;
    const char *current, *previous; /* of the dashboard; NULL: none */
};

struct fx_env {
    const char *name, *key, *shared;
    bool is_prod;
    const char *tag;
    int64_t created_s;
    int depth[4]; /* holding, update, and the dead letters of both */
    int nalarms;  /* 24, 10 or 0 of the link */
};

static const struct fx_shared fx_shareds[] = {
    /* clang-format off */
    { "live",         "live", PROD_KEY(1),    true,  true,  true,  true,  3, 2, 4, "9f3c1ab-live", "5e20d84-live" },
    { "cicd-release", "demo", PROD_KEY(2),    true,  true,  true,  true,  0, 0, 0, "b8d41f0-demo", "4d7e02c-demo" },
    { "demo",         "demo", PROD_KEY(3),    true,  true,  false, true,  0, 0, 0, "demo", "NA" },
    { "cicd-test",    "dev",  NONPROD_KEY(1), false, false, true,  false, 1, 1, 12, "ds-4012", "NA" },
    { "test",         "dev",  NONPROD_KEY(2), false, false, false, false, 0, 0, 0, "test", "NA" },
    { "ds-3987",      "dev",  NONPROD_KEY(3), false, false, false, false, 0, 0, 0, "ds-3987", "NA" },
    { "ds-4012",      "dev",  NONPROD_KEY(4), false, false, false, false, 6, 0, 1640, NULL, NULL },
    { "ds-4020",      "dev",  NONPROD_KEY(5), false, false, false, false, 14, 0, 5400, NULL, NULL },
    /* clang-format on */
};

static const struct fx_env fx_envs[] = {
    /* clang-format off */
    { "71be55f-live", PROD_KEY(1), "live", true, "pA1.vYq0Zr8sT5uW2xN6mK4jH7gF3dSc", 1764670800, { 0, 0, 0, 0 }, 0 },
    { "5e20d84-live", PROD_KEY(1), "live", true, "qB2.wZr1As9tU6vX3yO7nL5kI8hG4eTd", 1765444200, { 0, 0, 0, 0 }, 0 },
    { "9f3c1ab-live", PROD_KEY(1), "live", true, "rC3.xAs2Bt0uV7wY4zP8oM6lJ9iH5fUe", 1768908000, { 1, 4, 0, 0 }, 24 },
    { "4d7e02c-live", PROD_KEY(1), "live", true, "sD4.yBt3Cu1vW8xZ5aQ9pN7mK0jI6gVf", 1770045610, { 0, 0, 0, 0 }, 0 },
    { "4d7e02c-demo", PROD_KEY(2), "cicd-release", true, "sD4.yBt3Cu1vW8xZ5aQ9pN7mK0jI6gVf", 1770040920, { 0, 0, 0, 0 }, 0 },
    { "b8d41f0-demo", PROD_KEY(2), "cicd-release", true, "tE5.zCu4Dv2wX9yA6bR0qO8nL1kJ7hWg", 1770105720, { 0, 0, 0, 0 }, 24 },
    { "demo", PROD_KEY(3), "demo", true, "c0ffee1d2c3b4a5968778695a4b3c2d1e0f01234", 1768208400, { 0, 0, 0, 0 }, 24 },
    { "4d7e02c-dev", NONPROD_KEY(1), "cicd-test", false, "sD4.yBt3Cu1vW8xZ5aQ9pN7mK0jI6gVf", 1770040200, { 0, 0, 0, 0 }, 0 },
    { "b8d41f0-dev", NONPROD_KEY(1), "cicd-test", false, "tE5.zCu4Dv2wX9yA6bR0qO8nL1kJ7hWg", 1770103800, { 0, 1, 0, 0 }, 24 },
    { "test", NONPROD_KEY(2), "test", false, "c0ffee1d2c3b4a5968778695a4b3c2d1e0f01234", 1768208400, { 0, 0, 0, 0 }, 24 },
    { "ds-3987", NONPROD_KEY(3), "ds-3987", false, "20260128124811-5a6b7c8d", 1769605500, { 0, 0, 0, 0 }, 10 },
    { "ds-4012", NONPROD_KEY(1), "cicd-test", false, "20260203093412-2c4e6a8b", 1769789520, { 0, 0, 0, 0 }, 10 },
    { "ds-4020", NONPROD_KEY(5), "ds-4020", false, "20260203070144-1b2c3d4e", 1770107040, { 0, 0, 0, 0 }, 0 },
    /* clang-format on */
};

/* shared, environment, second of the last change; the DLQ half is made alike */
static const struct {
    const char *shared, *env;
    int64_t modified_s, dlq_modified_s;
} fx_links[] = {
    { "live", "9f3c1ab-live", 1770046480, 1770046482 },
    { "cicd-release", "b8d41f0-demo", 1770108072, 1770108072 },
    { "demo", "demo", 1768208400, 1768208400 },
    { "cicd-test", "b8d41f0-dev", 1770111030, 1770111032 },
    { "cicd-test", "ds-4012", 1770112025, 1770112025 },
    { "test", "test", 1768208400, 1768208400 },
    { "ds-3987", "ds-3987", 1769605500, 1769605500 },
};

static const char *const fx_fns[] = {
    "ingest-change-event",      "service-matcher",           "event-replay", "dos-db-handler",
    "change-event-dlq-handler", "dos-db-update-dlq-handler", "service-sync", "send-email",
    "slack-messenger",          "quality-checker",
};

static const char *const fx_images[] = {
    "uec-dos/int/ingest-change-event",
    "uec-dos/int/service-matcher",
    "uec-dos/int/event-replay",
    "uec-dos/int/dos-db-handler",
    "uec-dos/int/change-event-dlq-handler",
    "uec-dos/int/dos-db-update-dlq-handler",
    "uec-dos/int/service-sync",
    "uec-dos/int/send-email",
    "uec-dos/int/slack-messenger",
    "uec-dos/int/quality-checker",
    NULL,
};

static const struct bg_execution fx_executions[] = {
    { P "-dev-cicd-blue-green-deployment-pipeline", "e2", "InProgress",
      "tE5.zCu4Dv2wX9yA6bR0qO8nL1kJ7hWg", "Approve", 1770103200000, 1770108180000 },
    { P "-dev-cicd-blue-green-deployment-pipeline", "e1", "Failed",
      "sD4.yBt3Cu1vW8xZ5aQ9pN7mK0jI6gVf", NULL, 1770038400000, 0 },
    { P "-dev-cicd-shared-resources-deployment-pipeline", "5a2", "Failed",
      "uF6.aDv5Ew3xY0zB7cS1rP9oM2lK8iXh", NULL, 1770110400000, 0 },
    { P "-dev-cicd-shared-resources-deployment-pipeline", "5a1", "Succeeded",
      "vG7.bEw6Fx4yZ1aC8dT2sQ0pN3mL9jYi", NULL, 1770033600000, 0 },
    { P "-dev-development-pipeline", "de0", "Succeeded", "c0ffee1d2c3b4a5968778695a4b3c2d1e0f01234",
      NULL, 1770100800000, 0 },
};

static const struct bg_build fx_builds[] = {
    { "e1b1", "deploy-blue-green-environment-stage", "FAILED", "live", NULL, NULL, 1770045300000,
      1770046260000 },
    { "s1l1", "deploy-shared-resources-environment-stage", "SUCCEEDED", "live", NULL, NULL,
      1770046110000, 1770046500000 },
    { "e2r1", "deploy-blue-green-environment-stage", "SUCCEEDED", "cicd-release", NULL, NULL,
      1770105600000, 1770106500000 },
    { "e2t1", "trigger-rollback", "SUCCEEDED", "cicd-release", NULL, NULL, 1770106800000,
      1770107100000 },
    { "rb1", "blue-green-rollback-stage", "SUCCEEDED", NULL, NULL,
      "refs/tags/20260203082000_demo_cicd-release_blue_green_rollback", 1770106810000,
      1770107000000 },
    { "ar2", "build-cicd-blue-green-artefact", "FAILED", NULL, NULL,
      "refs/tags/20260203095500-blue-green-deployment", 1770112500000, 1770112560000 },
    { "dl1", "delete-blue-green-environment", "SUCCEEDED", "live", "71be55f-live", NULL,
      1768909500000, 1768909560000 },
};

static const struct bg_secret fx_secrets[] = {
    { P "-dev/deployment", 1760000000000, 0 },
    { P "-demo/deployment", 1760000000000, 0 },
    { P "-live/deployment", 1760000000000, 0 },
    { P "-dev-ip-addresses-allowlist", 1760000000000, 0 },
    { P "-demo-ip-addresses-allowlist", 1760000000000, 0 },
    { P "-live-ip-addresses-allowlist", 1770112200000, 0 },
};

/* The commands of the runbook. */
static struct bg_command fx_commands[] = {
    { "deploy", NULL,
      "make deploy-blue-green-environment PROFILE={profile} ENVIRONMENT={new} "
      "SHARED_ENVIRONMENT={shared} BLUE_GREEN_ENVIRONMENT={new} VERSION={version}" },
    { "unlink", NULL,
      "make unlink-blue-green-environment PROFILE={profile} ENVIRONMENT={shared} "
      "SHARED_ENVIRONMENT={shared} BLUE_GREEN_ENVIRONMENT={old}" },
    { "link", NULL,
      "make link-blue-green-environment PROFILE={profile} ENVIRONMENT={shared} "
      "SHARED_ENVIRONMENT={shared} BLUE_GREEN_ENVIRONMENT={new} "
      "TF_VAR_previous_blue_green_environment={old}" },
    { "update-shared", NULL,
      "make deploy-shared-resources PROFILE={profile} ENVIRONMENT={shared} "
      "SHARED_ENVIRONMENT={shared}" },
    { "start-deploy", NULL, "make tag-commit-to-deploy-blue-green-environment COMMIT={commit}" },
    { "start-shared", NULL, "make tag-commit-to-deploy-shared-resources COMMIT={commit}" },
    { "rollback", NULL,
      "make tag-commit-to-rollback-blue-green-environment PROFILE={profile} "
      "SHARED_ENVIRONMENT={shared} COMMIT={commit}" },
    { "undeploy", NULL,
      "make undeploy-blue-green-environment PROFILE={profile} ENVIRONMENT={old} "
      "SHARED_ENVIRONMENT={shared} BLUE_GREEN_ENVIRONMENT={old}" },
    { "undeploy-shared", NULL,
      "make undeploy-shared-resources PROFILE={profile} ENVIRONMENT={shared} "
      "SHARED_ENVIRONMENT={shared}" },
    { "remove-task", NULL, "make undeploy PROFILE={profile} ENVIRONMENT={target}" },
};

#endif
