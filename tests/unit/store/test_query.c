/* Readers and the query worker: the views at now and then, what may be asked, limits, cancelling.
 */
#include "ingest_test.h"

static void fill(struct fix *f)
{
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step,
               "[{\"k\":\"a\",\"s\":\"ok\",\"p\":\"thing:b\"},{\"k\":\"b\",\"s\":\"crit\",\"n\":"
               "\"bee\"},{\"k\":\"c\",\"s\":\"warn\"}]",
               3, 0, 0);
}

static void a_store_that_is_not_there_is_empty_or_not_found(void **state)
{
    struct fix *f = *state;
    struct store_opts o = f->store;
    struct reader *r = NULL;
    struct row_set *rs = NULL;
    struct err e = { 0 };
    struct question q = { .sql = "SELECT count(*) AS n FROM problem" };

    o.dir = "/tmp/opsdeck-test-not-there";
    assert_false(reader_open(&o, false, &r, &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_true(reader_open(&o, true, &r, &e));
    assert_true(reader_ask(r, &q, &rs, &e));
    assert_int_equal(row_set_int(rs, 0, "n", -1), 0);
    row_set_free(rs);
    reader_free(r);
}

static void rows_grow_stale_and_unknown_with_age(void **state)
{
    struct fix *f = *state;
    static const char sql[] = "SELECT status, last_status, stale, severity FROM entity WHERE key = "
                              "'a'";

    fill(f);
    assert_string_equal(fix_ask(f, 0, sql), "ok|ok|0|0");
    f->now += 11 * MINUTE;
    assert_string_equal(fix_ask(f, 0, sql), "ok|ok|1|0");
    f->now += 15 * MINUTE;
    assert_string_equal(fix_ask(f, 0, sql), "unknown|ok|1|3");
    assert_string_equal(fix_ask(f, T0 + 11 * MINUTE, sql), "ok|ok|1|0");
    assert_string_equal(fix_ask(f, T0 - 1, sql), "");
    assert_string_equal(fix_ask(f, 0, "SELECT state, age_ms, rows FROM source_state"),
                        "late|1560000|3");
    assert_string_equal(fix_ask(f, T0 + MINUTE, "SELECT state, age_ms, rows FROM source_state"),
                        "ok|60000|3");
    assert_string_equal(fix_ask(f, T0 - 1, "SELECT state, rows FROM source_state"), "never|0");
}

static void problems_are_ranked_and_a_failing_source_is_one(void **state)
{
    struct fix *f = *state;
    static const char sql[] = "SELECT rank, kind, key, status, last_status FROM problem ORDER BY "
                              "rank";

    fill(f);
    assert_string_equal(fix_ask(f, 0, sql), "1|thing|b|crit|crit;2|thing|c|warn|warn");
    assert_string_equal(fix_ask(f, T0 + MINUTE, sql), "1|thing|b|crit|crit;2|thing|c|warn|warn");
    f->now += MINUTE;
    fix_done(f, (struct ingest_job){
                    .type = INGEST_STATE,
                    .state = { .error = "refused", .error_code = "net", .at_ms = f->now } });
    assert_string_equal(fix_ask(f, 0, sql),
                        "1|thing|b|unknown|crit;2|source|s|unknown|unknown;3|thing|a|unknown|ok;"
                        "4|thing|c|unknown|warn");
    assert_string_equal(fix_ask(f, 0, "SELECT state, error, failing_since FROM source_state"),
                        "failing|refused|1780000060000");
}

static void a_row_that_changes_all_the_time_is_flapping(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    for (int i = 0; i < 5; i++) {
        ingest_result_free(fix_poll(
            f, &t.step, i % 2 ? "[{\"k\":\"a\",\"s\":\"ok\"}]" : "[{\"k\":\"a\",\"s\":\"crit\"}]"));
        f->now += MINUTE;
        assert_string_equal(fix_ask(f, 0, "SELECT is_flapping FROM entity"), i == 4 ? "1" : "0");
    }
    f->now += 61 * MINUTE;
    assert_string_equal(fix_ask(f, 0, "SELECT is_flapping FROM entity"), "0");
}

static void a_change_of_attributes_names_what_differs(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"v\":1}]", 1, 0, 0);
    f->now += MINUTE;
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"v\":2}]", 0, 1, 0);
    f->now += MINUTE;
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"v\":2,\"n\":\"new\"}]", 0, 1, 0);
    assert_string_equal(fix_ask(f, 0, "SELECT what, before, after FROM change ORDER BY at_to"),
                        "opened||unknown;attrs|size=1|size=2;attrs|a|new");
}

static void only_a_select_over_the_views_may_be_asked(void **state)
{
    struct fix *f = *state;
    static const char *const refused[] = {
        "DELETE FROM entity",
        "SELECT * FROM main.version",
        "SELECT body FROM main.answer_body",
        "SELECT count(*) FROM main.answer_body",
        "SELECT * FROM sqlite_schema",
        "SELECT * FROM temp.sqlite_schema",
        "PRAGMA user_version",
        "SELECT * FROM pragma_table_info('version')",
        "ATTACH '/tmp/x' AS x",
        "CREATE TEMP TABLE x(a)",
        "DROP VIEW entity",
        "SELECT load_extension('x')",
        "SELECT 1; SELECT 2",
        "BEGIN",
        "",
        "SELECT :nobody",
        "SELECT ?",
        "SELECT FROM",
    };

    fill(f);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (strncmp(fix_ask(f, 0, refused[i]), "usage: ", 7) != 0)
            fail_msg("%s -> %s", refused[i], fix_ask(f, 0, refused[i]));
    assert_string_equal(
        fix_ask(f, 0,
                "WITH c AS (SELECT key FROM entity UNION SELECT value FROM json_each('[1]')) "
                "SELECT count(*) FROM c;"),
        "4");
    static const char *const views[] = { "entity",       "problem", "change",
                                         "source_state", "version", "observed" };
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        char sql[80];
        static const char *const what[] = { "*", "count(*)", "1" };
        for (size_t k = 0; k < ARRAY_LEN(what); k++)
            for (int64_t at = 0; at <= T0; at += T0) {
                snprintf(sql, sizeof sql, "SELECT %s FROM %s", what[k], views[i]);
                if (!strncmp(fix_ask(f, at, sql), "usage", 5))
                    fail_msg("%s: %s", sql, fix_ask(f, at, sql));
            }
    }
}

static void no_name_lends_the_right_to_read_a_table(void **state)
{
    static const char *const walks[] = {
        "WITH entity AS (SELECT * FROM main.meta) SELECT hex(value) FROM entity",
        "WITH problem AS (SELECT * FROM main.answer_body) SELECT hex(body) FROM problem",
        "WITH \"Source_State\"(a) AS (SELECT holder FROM main.lease) SELECT a FROM source_state",
        "WITH x AS (WITH [change] AS (SELECT headers FROM answer) SELECT * FROM change) SELECT * "
        "FROM x",
        "WITH RECURSIVE version(v) AS (SELECT value FROM meta UNION SELECT v FROM version) SELECT "
        "* FROM version",
        "WITH observed AS MATERIALIZED (SELECT sql FROM sqlite_schema) SELECT * FROM observed",
        "WITH entity AS (SELECT sql FROM temp.sqlite_schema) SELECT * FROM entity",
        "WITH entity AS (SELECT sql FROM sqlite_temp_master) SELECT * FROM entity",
        "WITH entity AS (SELECT name FROM pragma_table_info('meta')) SELECT * FROM entity",
        "WITH bluegreen AS (SELECT hash FROM main.version) SELECT * FROM bluegreen",
        "SELECT * FROM (SELECT * FROM main.meta) AS entity",
        "SELECT (SELECT value FROM main.meta) FROM entity",
        "SELECT entity.value FROM main.meta AS entity",
        "SELECT * FROM entity JOIN main.lease AS problem",
        "SELECT count(*) FROM lease",
        "SELECT 1 FROM \"META\"",
        "SELECT count(*) FROM sqlite_schema",
        "SELECT count(*) FROM pragma_database_list",
        "SELECT rowid FROM main.answer",
        "SELECT max(rowid) FROM answer_body",
    };
    struct fix *f = *state;

    fill(f);
    for (size_t i = 0; i < ARRAY_LEN(walks); i++)
        for (int64_t at = 0; at <= T0; at += T0)
            if (strncmp(fix_ask(f, at, walks[i]), "usage: ", 7) != 0)
                fail_msg("%s -> %s", walks[i], fix_ask(f, at, walks[i]));
    /* The names themselves are free, and a view is not fooled by one. */
    assert_string_equal(fix_ask(f, 0, "WITH entity(n) AS (SELECT 7) SELECT n FROM entity"), "7");
    assert_string_equal(fix_ask(f, 0, "WITH lease(n) AS (SELECT 7) SELECT n FROM lease"), "7");
    char *problems = strdup(fix_ask(f, 0, "SELECT key FROM problem"));
    assert_true(*problems);
    assert_string_equal(
        fix_ask(f, 0, "WITH entity(n) AS (SELECT 7) SELECT p.key FROM problem p, entity"),
        problems);
    free(problems);
}

static void now_is_bound_and_text_comes_out_clean(void **state)
{
    struct fix *f = *state;

    fill(f);
    assert_string_equal(fix_ask(f, 0, "SELECT :now"), "1780000000000");
    assert_string_equal(fix_ask(f, 5, "SELECT :now"), "5");
    assert_string_equal(fix_ask(f, 0, "SELECT 'a' || char(27) || '[2J'"), "a\xef\xbf\xbd[2J");
}

static void too_many_rows_are_cut_and_too_long_a_question_is_ended(void **state)
{
    struct fix *f = *state;
    struct reader *r;
    struct row_set *rs;
    struct err e = { 0 };
    struct question q = { .sql = "SELECT key FROM entity", .max_rows = 2 };

    fill(f);
    assert_true(reader_open(&f->store, false, &r, &e));
    assert_true(reader_ask(r, &q, &rs, &e));
    assert_int_equal(rs->nrows, 2);
    assert_true(rs->is_truncated);
    row_set_free(rs);
    q = (struct question){ .sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                  "SELECT max(i) FROM n",
                           .limit_ms = 50 };
    assert_false(reader_ask(r, &q, &rs, &e));
    assert_int_equal(e.code, ERR_TIMEOUT);
    q = (struct question){ .sql = "SELECT count(*) AS n FROM entity" };
    assert_true(reader_ask(r, &q, &rs, &e));
    assert_int_equal(row_set_int(rs, 0, "n", 0), 3);
    row_set_free(rs);
    reader_free(r);
}

static void a_reader_sees_a_store_that_comes_later_and_one_in_its_place(void **state)
{
    struct fix *f = *state;
    struct reader *r;
    struct row_set *rs;
    struct err e = { 0 };
    char path[128];
    struct question q = { .sql = "SELECT count(*) AS n FROM entity" };

    fill(f);
    assert_true(reader_open(&f->store, true, &r, &e));
    assert_true(reader_ask(r, &q, &rs, &e));
    assert_int_equal(row_set_int(rs, 0, "n", -1), 3);
    row_set_free(rs);
    ingest_free(f->in);
    snprintf(path, sizeof path, "%s/opsdeck.db", f->dir);
    unlink(path);
    assert_true(reader_ask(r, &q, &rs, &e));
    assert_int_equal(row_set_int(rs, 0, "n", -1), 0);
    row_set_free(rs);
    f->in = fix_open(f);
    fill(f);
    assert_true(reader_ask(r, &q, &rs, &e));
    assert_int_equal(row_set_int(rs, 0, "n", -1), 3);
    row_set_free(rs);
    reader_free(r);
}

static struct query_answer wait_answer(struct query *w)
{
    struct query_answer a = { 0 };

    assert_true(query_wait(w, &a));
    return a;
}

static void the_worker_answers_in_order_and_drops_what_is_cancelled(void **state)
{
    struct fix *f = *state;
    struct err e = { 0 };
    struct query_answer a;
    struct question endless = { .sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                                       "FROM n) SELECT max(i) FROM n" };
    struct bind key = { .name = "key", .type = CELL_TEXT, .text = "b" };
    struct question name = { .sql = "SELECT name FROM entity WHERE key = :key",
                             .binds = &key,
                             .nbinds = 1 };

    fill(f);
    const struct query_opts o = { .store = f->store };
    struct query *w = query_new(&o, &e);
    assert_non_null(w);
    uint64_t running = query_submit(w, &endless), queued = query_submit(w, &endless);
    uint64_t wanted = query_submit(w, &name), next = query_submit(w, &name);
    nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    query_cancel(w, running);
    query_cancel(w, queued);
    a = wait_answer(w);
    assert_int_equal(a.id, wanted);
    assert_string_equal(row_set_text(a.rows, 0, "name"), "bee");
    row_set_free(a.rows);
    a = wait_answer(w);
    assert_int_equal(a.id, next);
    row_set_free(a.rows);
    query_submit(w, &endless);
    query_free(w);
}

static void the_doctor_finds_a_sound_store(void **state)
{
    struct fix *f = *state;

    fill(f);
    struct row_set *rs = store_doctor(&f->store);
    assert_true(rs->nrows >= 6);
    for (size_t i = 0; i < rs->nrows; i++)
        if (row_set_int(rs, i, "ok", 0) != 1)
            fail_msg("%s: %s", row_set_text(rs, i, "name"), row_set_text(rs, i, "detail"));
    row_set_free(rs);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_store_that_is_not_there_is_empty_or_not_found),
        T(rows_grow_stale_and_unknown_with_age),
        T(problems_are_ranked_and_a_failing_source_is_one),
        T(a_row_that_changes_all_the_time_is_flapping),
        T(a_change_of_attributes_names_what_differs),
        T(only_a_select_over_the_views_may_be_asked),
        T(no_name_lends_the_right_to_read_a_table),
        T(now_is_bound_and_text_comes_out_clean),
        T(too_many_rows_are_cut_and_too_long_a_question_is_ended),
        T(a_reader_sees_a_store_that_comes_later_and_one_in_its_place),
        T(the_worker_answers_in_order_and_drops_what_is_cancelled),
        T(the_doctor_finds_a_sound_store),
    };

    return cmocka_run_group_tests_name("store/query", tests, NULL, NULL);
}
