/* The blue/green judgement in SQL: rows as the recipes write them, through the ingest into a real
 * store, and what the views bluegreen, bluegreen_fact and problem say of them, now and then. */
#include "ingest_test.h"

#include "opsdeck/base/sbuf.h"

#include "../../../src/store/store_priv.h"

#define P "uec-dos-int"
#define BLUE "9f3c1ab-live"
#define GREEN "4d7e02c-live"
#define TOPIC                                                                                      \
    ",`endpoint`:`" P "-" BLUE "-slack-messenger`,`topic`:`" P                                     \
    "-live-shared-resources-topic-app-alerts-for-slack-"
#define KEY_ID "11111111-0000-4000-8000-000000000001"

static const char *const kinds[] = {
    "shared-env",   "bg-fact",  "bg-link",         "bg-queue", "bg-function",
    "bg-dashboard", "bg-alarm", "bg-subscription", "bg-build",
};

/* ---- rows into the store */

/* Links are asked by a step of their own, so that they can be older than the rest. */
static bool is_of_step(const char *kind, const char *step)
{
    return !strcmp(kind, "bg-fact") || !strcmp(kind, "bg-link") == !strcmp(step, "links");
}

/* One statement for every kind: an attribute that a row lacks is NULL and so absent. */
/* clang-format off */
#define A(name) ", value->>'" #name "' AS " #name
static const char columns[] =
    "SELECT value->>'key' AS key, 'info' AS status, value->>'label' AS name, coalesce(value->>'project', '" P "') AS project"
    A(account) A(profile) A(region) A(is_live) A(keeps_previous) A(shared) A(function) A(queue) A(state) A(kms_key)
    A(waiting) A(in_flight) A(oldest_s) A(created) A(current) A(previous) A(version) A(topic) A(endpoint) A(modified)
    A(build_project) A(started) A(shared_env) A(last_update) " FROM json_each(:body) WHERE value->>'kind' = ";
/* clang-format on */

struct source_step {
    char sql[ARRAY_LEN(kinds)][sizeof columns + 32];
    struct map_rows rows[ARRAY_LEN(kinds)];
    struct map_step step;
};

static void step_init(struct source_step *s, const char *source, const char *name)
{
    size_t n = 0;

    *s = (struct source_step){ 0 };
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        if (!is_of_step(kinds[k], name))
            continue;
        snprintf(s->sql[k], sizeof s->sql[k], "%s'%s'", columns, kinds[k]);
        s->rows[n++] = (struct map_rows){ .kind = kinds[k],
                                          .is_complete = strcmp(kinds[k], "bg-fact") != 0,
                                          .sql = { s->sql[k], "bg.yaml", 1, 1 } };
    }
    s->step = (struct map_step){ .source = source,
                                 .step = name,
                                 .format = MAP_JSON,
                                 .expect = MAP_EXPECT_ARRAY,
                                 .rows = s->rows,
                                 .nrows = n,
                                 .body_max = 1 << 20,
                                 .fingerprint = 7 };
}

/* One poll of one step. `rows` is a list of JSON objects, each with a comma behind it and with `
 * for quotes. */
static void poll_rows(struct fix *f, const char *source, const char *step, const char *rows)
{
    struct source_step s;
    size_t n = strlen(rows);
    char *body = xcalloc(n + 3, 1);

    step_init(&s, source, step);
    snprintf(body, n + 3, "[%.*s]", (int)n - 1, rows);
    for (char *c = body; (c = strchr(c, '`'));)
        *c = '"';
    struct ingest_job jobs[] = {
        { .type = INGEST_BEGIN },
        { .type = INGEST_MAP, .item = "", .body = body, .body_len = n + 1, .http_status = 200 },
        { .type = INGEST_COMMIT, .observed_from_ms = f->now },
        { .type = INGEST_DROP },
        { .type = INGEST_STATE, .state = { .is_ok = true, .at_ms = f->now } },
    };
    f->gen++;
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        jobs[i].source = source;
        jobs[i].step = &s.step;
        fix_done(f, jobs[i]);
    }
}

static void set_sources(struct fix *f)
{
    static const struct ingest_source list[] = {
        { "prod", "dos-bluegreen", "http://x", "{}", MINUTE, false },
        { "mgmt", "dos-bluegreen-tools", "http://y", "{}", MINUTE, false },
    };

    fix_done(f, (struct ingest_job){ .type = INGEST_SOURCES, .sources = list, .nsources = 2 });
}

/* ---- the estate: shared environment live with BLUE linked and GREEN standing by */

static void add(struct sbuf *sb, const char *kind, const char *key, const char *rest)
{
    sbuf_addf(sb, "{`kind`:`%s`,`key`:`%s`%s},", kind, key, rest);
}

static void add_environment(struct sbuf *sb, const char *env, int64_t created)
{
    /* clang-format off */
    static const char *const functions[] = {
        "change-event-dlq-handler", "dos-db-handler", "dos-db-update-dlq-handler", "event-replay",
        "ingest-change-event", "quality-checker", "send-email", "service-matcher", "service-sync", "slack-messenger",
    };
    static const char *const queues[] = {
        "holding-queue", "holding-queue-dead-letter-queue", "update-request-queue", "update-request-dead-letter-queue",
    };
    /* clang-format on */

    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        sbuf_addf(sb,
                  "{`kind`:`bg-function`,`key`:`" P "-%s-%s`,`version`:`v1`,`state`:`Active`,"
                  "`last_update`:`Successful`,`shared_env`:`live`,`kms_key`:`" KEY_ID "`},",
                  env, functions[i]);
    for (size_t i = 0; i < ARRAY_LEN(queues); i++)
        sbuf_addf(sb,
                  "{`kind`:`bg-queue`,`key`:`" P "-%s-%s.fifo`,`kms_key`:`" KEY_ID
                  "`,`waiting`:0,`in_flight`:0,`created`:%lld},",
                  env, queues[i], (long long)created);
}

static void add_around(struct sbuf *sb)
{
    static const char ok[] = ",`state`:`OK`,`region`:`eu-west-2`";
    char key[80];

    add(sb, "bg-alarm", P " | live | DI 4XX Endpoint Errors", ok);
    add(sb, "bg-alarm", P " | live | DI 5XX Endpoint Errors", ok);
    add(sb, "bg-alarm", P " | live | Change Events DLQ'd", ok);
    add(sb, "bg-alarm", P " | live | Change Events Waiting", ok);
    add(sb, "bg-alarm", P " | live | DI Endpoint Route 53 Health Checks Failing", ok);
    for (int i = 0; i < 24; i++) {
        snprintf(key, sizeof key, P " | " BLUE " | Alarm %d", i);
        add(sb, "bg-alarm", key, ok);
    }
    add(sb, "bg-subscription", "t1", TOPIC "default-region`,`region`:`eu-west-2`");
    add(sb, "bg-subscription", "t2",
        TOPIC "route53-health-check-alarm-region`,`region`:`us-east-1`");
}

/* Everything but the links; the dashboard comes and goes with them. */
static void poll_around(struct fix *f, bool has_dashboard)
{
    static const char *const families[] = { "functions", "queues",        "dashboard/live",
                                            "alarms",    "subscriptions", "rules" };
    struct sbuf sb;

    sbuf_init(&sb, 1 << 20);
    add(&sb, "shared-env", "live",
        ",`profile`:`live`,`account`:`300000000003`,`region`:`eu-west-2`,`is_live`:1,"
        "`keeps_previous`:1");
    add(&sb, "bg-queue", P "-live-change-event-queue.fifo",
        ",`kms_key`:`" KEY_ID "`,`waiting`:3,`in_flight`:2,`oldest_s`:4");
    add(&sb, "bg-queue", P "-live-change-event-dead-letter-queue.fifo",
        ",`kms_key`:`" KEY_ID "`,`waiting`:1,`in_flight`:0");
    if (has_dashboard)
        add(&sb, "bg-dashboard", "live", ",`current`:`" BLUE "`,`previous`:`5e20d84-live`");
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        add(&sb, "bg-fact", families[i], "");
    add_around(&sb);
    add_environment(&sb, BLUE, T0 - 1000 * MINUTE);
    add_environment(&sb, GREEN, T0 - 100 * MINUTE);
    poll_rows(f, "prod", "rest", sb.buf);
    sbuf_release(&sb);
}

/* Links of live's two queues to each of the environments, and that they were read. */
static void poll_links(struct fix *f, const char *const *envs, size_t n)
{
    struct sbuf sb;

    sbuf_init(&sb, 1 << 16);
    add(&sb, "bg-fact", "mappings/live", "");
    for (size_t i = 0; i < 2 * n; i++)
        sbuf_addf(&sb,
                  "{`kind`:`bg-link`,`key`:`u-%s-%zu`,`label`:`%s`,`shared`:`live`,`queue`:`" P
                  "-live-change-event-%s.fifo`,`function`:`" P
                  "-%s-%s`,`state`:`Enabled`,`modified`:%lld},",
                  envs[i / 2], i % 2, envs[i / 2], i % 2 ? "dead-letter-queue" : "queue",
                  envs[i / 2], i % 2 ? "change-event-dlq-handler" : "ingest-change-event",
                  (long long)(T0 - 50 * MINUTE));
    poll_rows(f, "prod", "links", sb.buf);
    sbuf_release(&sb);
}

static int setup_filled(void **state)
{
    int rc = fix_setup(state);

    set_sources(*state);
    poll_around(*state, true);
    poll_links(*state, (const char *const[]){ BLUE }, 1);
    return rc;
}

static void poll_build(struct fix *f, const char *project)
{
    struct sbuf sb;

    sbuf_init(&sb, 1 << 16);
    sbuf_addf(&sb,
              "{`kind`:`bg-fact`,`key`:`builds`,`project`:`%s`},{`kind`:`bg-build`,`key`:`b1`,`"
              "build_project`:`deploy-blue-green-environment-stage`,`project`:`%s`,`state`:`IN_"
              "PROGRESS`,`shared_env`:`live`,`started`:%lld},",
              project, project, (long long)(f->now - MINUTE));
    poll_rows(f, "mgmt", "builds", sb.buf);
    sbuf_release(&sb);
}

/* ---- questions */

static const char state_sql[] = "SELECT source || '|' || shared_env || '|' || state || '|' || "
                                "status || '|' || severity || '|' || linked FROM bluegreen";
static const char problem_sql[] =
    "SELECT source, key, name, status, attrs->>'state', attrs->>'linked' FROM problem "
    "WHERE kind = 'bluegreen'";

#define expect(f, at, sql, want) assert_string_equal(fix_ask(f, at, sql), want)

/* ---- tests */

static void a_store_without_such_rows_has_no_judgement(void **state)
{
    struct fix *f = *state;

    expect(f, 0, "SELECT count(*) FROM bluegreen", "0");
    expect(f, 0, "SELECT bluegreen(1, 2, 3, 4, 5, 6, 7, NULL) WHERE 0", "[]");
    assert_string_equal(fix_ask(f, 0, problem_sql), "");
}

static void one_mapping_with_all_around_it_is_linked_and_no_problem(void **state)
{
    struct fix *f = *state;

    expect(f, 0, state_sql, "prod|live|LINKED|ok|0|[\"" BLUE "\"]");
    assert_string_equal(fix_ask(f, 0, problem_sql), "");
}

static void the_whole_element_has_depths_slots_and_the_blind_window(void **state)
{
    struct fix *f = *state;

    expect(f, 0,
           "SELECT json->>'account' || ' ' || (json->>'waiting') || ' ' || (json->>'oldest_s') || "
           "' ' || (json->>'dead') || ' ' || (json->'blind') FROM bluegreen",
           "300000000003 3 4 1 {\"expected\":29,\"present\":29,\"since\":null}");
    expect(f, 0,
           "SELECT group_concat(x, ' ') FROM (SELECT s.value->>'name' || '=' || (s.value->>'role') "
           "|| ':' || (s.value->>'functions') || '/' || (s.value->>'queues') || '/' || "
           "(s.value->>'version') AS x FROM bluegreen b, json_each(b.json, '$.slots') s WHERE "
           "s.value->>'role' IN ('BLUE', 'GREEN') ORDER BY 1)",
           GREEN "=GREEN:10/4/v1 " BLUE "=BLUE:10/4/v1");
}

static void two_targets_are_a_conflict_and_a_problem(void **state)
{
    struct fix *f = *state;

    poll_links(f, (const char *const[]){ BLUE, GREEN }, 2);
    expect(f, 0, state_sql, "prod|live|CONFLICT|crit|4|[\"" GREEN "\",\"" BLUE "\"]");
    assert_string_equal(fix_ask(f, 0, problem_sql),
                        "prod|live|live|crit|CONFLICT|[\"" GREEN "\",\"" BLUE "\"]");
}

/* Told as one sentence of at most 2,000 bytes, the last but one of these was not told at all. */
static void eleven_failed_steps_with_long_reasons_are_all_known_to_have_failed(void **state)
{
    static const char *const names[] = { "details", "functions", "dashboards", "rules",
                                         "aliases", "tables",    "secrets",    "apis",
                                         "stages",  "alarms",    "locks" };
    struct fix *f = *state;
    struct source_step s;
    char reason[331];

    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    f->now += MINUTE;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        step_init(&s, "prod", names[i]);
        fix_look(f, &s.step, "permission", reason, 5);
    }
    fix_done(f, (struct ingest_job){
                    .type = INGEST_STATE,
                    .source = "prod",
                    .state = { .is_ok = true, .from_ms = f->now, .at_ms = f->now + 1 } });
    expect(f, 0, "SELECT count(*) FROM bluegreen_fact WHERE kind = 'bg-step'", "11");
    expect(f, 0, "SELECT json->'blind'->>'present' FROM bluegreen", "");
    expect(f, 0, "SELECT length(warning) > 11 * 330 FROM source_state WHERE name = 'prod'", "1");

    f->now += MINUTE; /* the next attempt went well, and asked those steps not at all */
    fix_done(f, (struct ingest_job){
                    .type = INGEST_STATE,
                    .source = "prod",
                    .state = { .is_ok = true, .from_ms = f->now, .at_ms = f->now + 1 } });
    expect(f, 0, "SELECT count(*) FROM bluegreen_fact WHERE kind = 'bg-step'", "0");
    expect(f, 0, "SELECT json->'blind'->>'present' FROM bluegreen", "29");
}

static void when_nothing_is_linked_history_tells_who_was_and_since_when(void **state)
{
    struct fix *f = *state;

    f->now += MINUTE;
    poll_links(f, NULL, 0);
    f->now += MINUTE / 2;
    poll_around(f, false);
    expect(f, 0, state_sql, "prod|live|NONE_LINKED|crit|4|[]");
    expect(f, 0, "SELECT (json->>'last_consumer') || ' ' || since FROM bluegreen",
           BLUE " 1780000060000");
    expect(f, 0,
           "SELECT key || ' ' || (attrs->>'name') || ' ' || (attrs->>'previous') || ' ' || "
           "(attrs->>'ended') FROM bluegreen_fact WHERE kind = 'bg-last-link'",
           "live " BLUE " 5e20d84-live 1780000060000");
}

static void the_latest_of_several_ended_links_counts(void **state)
{
    struct fix *f = *state;

    f->now += MINUTE;
    poll_links(f, (const char *const[]){ GREEN }, 1);
    f->now += MINUTE;
    poll_around(f, true);
    poll_links(f, NULL, 0);
    expect(f, 0, "SELECT (json->>'last_consumer') || ' ' || since FROM bluegreen",
           GREEN " 1780000120000");
    expect(f, 0, "SELECT count(*) FROM bluegreen_fact WHERE kind = 'bg-last-link'", "1");
}

static void a_link_that_only_changed_has_not_ended(void **state)
{
    struct fix *f = *state;

    f->now += MINUTE;
    poll_rows(f, "prod", "links",
              "{`kind`:`bg-fact`,`key`:`mappings/live`"
              "},{`kind`:`bg-link`,`key`:`u-" BLUE "-0`,`label`:`" BLUE "`"
              ",`shared`:`live`,`queue`:`" P "-live-change-event-queue.fifo`,`function`:`" P
              "-" BLUE "-ingest-change-event`,`state`:`Disabled`},");
    expect(f, 0, "SELECT count(*) FROM bluegreen_fact WHERE kind = 'bg-last-link'", "0");
    expect(f, 0, "SELECT state FROM bluegreen", "LINK_DISABLED");
}

static void a_link_whose_source_left_the_configuration_has_not_ended(void **state)
{
    struct fix *f = *state;

    f->now += MINUTE;
    fix_done(f, (struct ingest_job){ .type = INGEST_SOURCES });
    set_sources(f);
    poll_around(f, true);
    poll_links(f, NULL, 0);
    expect(f, 0, "SELECT state FROM bluegreen", "NONE_LINKED");
    expect(f, 0, "SELECT count(*) FROM bluegreen_fact WHERE kind = 'bg-last-link'", "0");
}

static void without_the_fact_of_mappings_an_empty_list_is_unknown(void **state)
{
    struct fix *f = *state;

    set_sources(f);
    poll_around(f, true);
    expect(f, 0, state_sql, "prod|live|UNKNOWN|unknown|3|[]");
    assert_string_equal(fix_ask(f, 0, problem_sql), "prod|live|live|unknown|UNKNOWN|[]");
}

static void mappings_older_than_two_intervals_are_unknown(void **state)
{
    struct fix *f = *state;

    f->now += 2 * MINUTE;
    poll_around(f, true);
    expect(f, 0, "SELECT state FROM bluegreen", "LINKED");
    f->now += 1;
    expect(f, 0, "SELECT state FROM bluegreen", "UNKNOWN");
    expect(f, 0, "SELECT json->>'observed_at' FROM bluegreen", "1780000000000");
}

static void a_source_that_fails_tells_why(void **state)
{
    struct fix *f = *state;

    set_sources(f);
    poll_around(f, true);
    fix_done(f,
             (struct ingest_job){ .type = INGEST_STATE,
                                  .source = "prod",
                                  .state = { .error = "links: AccessDenied", .at_ms = f->now } });
    assert_non_null(strstr(fix_ask(f, 0, "SELECT summary FROM bluegreen"), "links: AccessDenied"));
}

static void builds_come_from_another_source_of_the_same_project(void **state)
{
    struct fix *f = *state;

    f->now += MINUTE / 2;
    poll_links(f, NULL, 0);
    poll_build(f, "another-project");
    expect(f, 0, "SELECT state FROM bluegreen", "NONE_LINKED");
    poll_build(f, P);
    expect(f, 0, "SELECT state FROM bluegreen", "SWITCHING");
}

static void a_past_moment_is_judged_by_what_was_known_then(void **state)
{
    struct fix *f = *state;

    f->now += MINUTE;
    poll_around(f, true);
    poll_links(f, (const char *const[]){ BLUE, GREEN }, 2);
    f->now += MINUTE;
    poll_links(f, NULL, 0);
    expect(f, T0, "SELECT state FROM bluegreen", "LINKED");
    expect(f, T0 + MINUTE, "SELECT state FROM bluegreen", "CONFLICT");
    expect(f, T0 + MINUTE, "SELECT json->>'last_consumer' FROM bluegreen", "");
    expect(f, 0, "SELECT state FROM bluegreen", "NONE_LINKED");
    assert_string_equal(fix_ask(f, T0, problem_sql), "");
    assert_string_equal(fix_ask(f, T0 + MINUTE, problem_sql),
                        "prod|live|live|crit|CONFLICT|[\"" GREEN "\",\"" BLUE "\"]");
}

static void a_past_moment_after_the_last_poll_is_unknown(void **state)
{
    struct fix *f = *state;

    f->now += 60 * MINUTE;
    expect(f, T0 + 2 * MINUTE, "SELECT state FROM bluegreen", "LINKED");
    expect(f, T0 + 3 * MINUTE, "SELECT state FROM bluegreen", "UNKNOWN");
}

static void a_runbook_names_the_steps(void **state)
{
    struct fix *f = *state;

    expect(
        f, 0,
        "SELECT (SELECT n.value->>'title' FROM json_each(j, '$[0].next') n WHERE n.value->>'step' "
        "= 'unlink') FROM (SELECT bluegreen(source, kind, key, attrs, observed_at, every_ms, "
        ":now, '{\"steps\":[{\"step\":\"unlink\",\"title\":\"Take it "
        "off\",\"command\":\"make x {shared}\"}]}') AS j FROM bluegreen_fact)",
        "Take it off");
}

static void a_runbook_of_another_form_is_refused(void **state)
{
    struct fix *f = *state;
    static const char *const wrong[] = { "", "[]", "{\"steps\":1}", "{\"steps\":[{}]}" };

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char sql[256];
        snprintf(sql, sizeof sql,
                 "SELECT bluegreen(source, kind, key, attrs, observed_at, every_ms, 1, '%s') FROM "
                 "bluegreen_fact",
                 wrong[i]);
        if (!strstr(fix_ask(f, 0, sql), "expects a runbook"))
            fail_msg("%s -> %s", wrong[i], fix_ask(f, 0, sql));
    }
}

static void recipes_do_not_have_the_aggregate(void **state)
{
    (void)state;
    assert_true(fn_is_ours("worst"));
    assert_false(fn_is_ours("bluegreen"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_filled, fix_teardown)
#define EMPTY(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EMPTY(a_store_without_such_rows_has_no_judgement),
        T(one_mapping_with_all_around_it_is_linked_and_no_problem),
        T(the_whole_element_has_depths_slots_and_the_blind_window),
        T(two_targets_are_a_conflict_and_a_problem),
        T(eleven_failed_steps_with_long_reasons_are_all_known_to_have_failed),
        T(when_nothing_is_linked_history_tells_who_was_and_since_when),
        T(the_latest_of_several_ended_links_counts),
        T(a_link_that_only_changed_has_not_ended),
        T(a_link_whose_source_left_the_configuration_has_not_ended),
        EMPTY(without_the_fact_of_mappings_an_empty_list_is_unknown),
        T(mappings_older_than_two_intervals_are_unknown),
        EMPTY(a_source_that_fails_tells_why),
        T(builds_come_from_another_source_of_the_same_project),
        T(a_past_moment_is_judged_by_what_was_known_then),
        T(a_past_moment_after_the_last_poll_is_unknown),
        T(a_runbook_names_the_steps),
        T(a_runbook_of_another_form_is_refused),
        cmocka_unit_test(recipes_do_not_have_the_aggregate),
    };

    return cmocka_run_group_tests_name("store/bluegreen_view", tests, NULL, NULL);
}
