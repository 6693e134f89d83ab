/* The sandbox: what recipes may and may not do, and what their rows become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/store/sandbox.h"

#include "../../../src/store/store_priv.h"

static const int64_t now = 1795226683000;

struct fix {
    struct sandbox *sb;
    struct map_rows rows;
    struct map_step step;
    struct row_set *rs;
    char *next;
    int64_t total;
    struct err e;
};

static int set_up(void **state)
{
    struct fix *f = xcalloc(1, sizeof *f);

    f->sb = sandbox_new();
    f->rows =
        (struct map_rows){ .kind = "thing", .sql = { .file = "f.yaml", .line = 7, .col = 9 } };
    f->step = (struct map_step){ .source = "src", .step = "st", .rows = &f->rows, .nrows = 1 };
    *state = f;
    return 0;
}

static void forget(struct fix *f)
{
    row_set_free(f->rs);
    free(f->next);
    f->rs = NULL;
    f->next = NULL;
    f->e = (struct err){ 0 };
}

static int tear_down(void **state)
{
    struct fix *f = *state;

    forget(f);
    sandbox_free(f->sb);
    free(f);
    return 0;
}

static bool map(struct fix *f, const char *sql, const char *body)
{
    forget(f);
    f->rows.sql.sql = sql;
    return sandbox_map(f->sb, &f->step, NULL, 0, body, strlen(body), 200, NULL, NULL, now, NULL,
                       &f->rs, &f->next, &f->total, &f->e);
}

static void maps(struct fix *f, const char *sql, const char *body)
{
    if (!map(f, sql, body))
        fail_msg("%s: %s", sql, f->e.text);
}

static void refuses(struct fix *f, const char *sql, const char *body, const char *why)
{
    if (map(f, sql, body))
        fail_msg("%s was taken", sql);
    if (!strstr(f->e.text, why))
        fail_msg("%s: expected \"%s\" in: %s", sql, why, f->e.text);
}

static void what_is_not_a_plain_select_is_refused(void **state)
{
    static const struct {
        const char *sql, *why;
    } bad[] = {
        { "ATTACH ':memory:' AS x", "only one SELECT" },
        { "PRAGMA user_version", "only one SELECT" },
        { "DELETE FROM staged", "" },
        { "INSERT INTO staged(kind) VALUES('x')", "" },
        { "CREATE TABLE x(y)", "" },
        { "DROP VIEW row", "" },
        { "BEGIN", "only one SELECT" },
        { "VACUUM", "" },
        { "EXPLAIN SELECT 1 AS key", "expected a SELECT" },
        { "", "got nothing" },
        { "-- nothing", "got nothing" },
        { "SELECT 1 AS key; SELECT 2", "more behind it" },
        { "SELECT 1 AS key FROM sqlite_master", "sqlite_master" },
        { "SELECT count(*) AS key FROM sqlite_schema", "" },
        { "SELECT name AS key FROM pragma_function_list", "" },
        { "SELECT count(*) AS key FROM pragma_database_list", "" },
        { "SELECT 1 AS key FROM dbstat", "" },
        { "SELECT key AS key FROM staged", "staged" },
        { "SELECT count(*) AS key FROM staged", "staged" },
        { "WITH row AS (SELECT * FROM staged) SELECT hash AS key FROM row", "staged" },
        { "WITH \"Row\" AS (SELECT rowid AS r FROM main.staged) SELECT r AS key FROM row", "" },
        { "SELECT load_extension('x') AS key", "load_extension" },
        { "SELECT randomblob(9) AS key", "randomblob" },
        { "SELECT sqlite_version() AS key", "sqlite_version" },
        { "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS key FROM c",
          "RECURSIVE" },
        { "SELECT \"nothing\" AS key", "no such column" },
        { "SELECT ? AS key", "has no name" },
        { "SELECT @a AS key", "has no name" },
        { "SELECT :nothing AS key", "no value :nothing" },
        { "SELECT 1 AS key FROM nowhere", "no such table" },
        { "SELECT nofunc(1) AS key", "no such function" },
        { "SELECT value->>'a.b' AS key FROM json_each(:body)", "quote a label" },
        { "SELECT value->'0x' AS key FROM json_each(:body)", "quote a label" },
    };
    struct fix *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        refuses(f, bad[i].sql, "[]", bad[i].why);
        assert_int_equal(f->e.code, ERR_MAP);
        assert_int_equal(strncmp(f->e.text, "f.yaml:", 7), 0);
        assert_false(sandbox_check(f->sb, &f->rows.sql, NULL, 0, true, NULL) &&
                     !strstr(bad[i].sql, ":nothing"));
    }
    maps(f, "WITH c AS (SELECT 1) SELECT count(*) AS key FROM c -- ->>'a.b' it's", "[]");
    maps(f, "/* ->>'a.b' it's */ SELECT value->>'\"a.b\"' AS key FROM json_each(:body);",
         "[{\"a.b\":1}]");
    assert_string_equal(row_set_text(f->rs, 0, "key"), "1");
}

static void headers_are_named_in_quotes(void **state)
{
    struct fix *f = *state;
    static const char *const bad[] = { "SELECT header(:source) AS key",
                                       "SELECT header('x-' || 'y') AS key",
                                       "SELECT 'k' AS key, Header ( value ) AS h FROM "
                                       "json_each(:body)" };
    struct map_sql sql = f->rows.sql;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        sql.sql = bad[i];
        f->e = (struct err){ 0 };
        assert_false(sandbox_check(f->sb, &sql, NULL, 0, true, &f->e));
        assert_non_null(strstr(f->e.text, "one name in quotes"));
    }
    sql.sql = "SELECT header('Link') AS key, 'header(x)' AS t -- header(y)";
    assert_true(sandbox_check(f->sb, &sql, NULL, 0, true, NULL));
}

static void errors_name_the_place_in_the_file(void **state)
{
    struct fix *f = *state;

    refuses(f, "SELECT 1 AS key,\n  nofunc(2) AS x", "[]", "f.yaml:8:");
    refuses(f, "SELECT FROM", "[]", "f.yaml:7:16: near \"FROM\"");
    refuses(f, "SELECT 1 AS key, fail('what?') AS x", "[]", "f.yaml:7:9: what?");
}

static void check_compiles_and_knows_the_binds(void **state)
{
    static const char *const names[] = { "repo" };
    struct fix *f = *state;
    struct map_sql sql = { "SELECT :repo AS key, :now AS a, :other AS b", "r.yaml", 1, 1 };

    assert_false(sandbox_check(f->sb, &sql, names, 1, true, &f->e));
    assert_int_equal(strncmp(f->e.text, "r.yaml:1:33: there is no param other", 36), 0);
    assert_true(sandbox_check(f->sb, &sql, NULL, 0, true, &f->e));
    sql.sql = "SELECT :repo AS a, :body, :http_status, :source";
    assert_true(sandbox_check(f->sb, &sql, names, 1, false, &f->e));
    assert_false(sandbox_check(f->sb, &sql, names, 1, true, &f->e));
    sql.sql = "SELECT 1 AS a";
    assert_false(sandbox_check(f->sb, &sql, names, 1, true, &f->e));
    assert_non_null(strstr(f->e.text, "`key`"));
    sql.sql = "SELECT 1 AS key, 2 AS a, 3 AS a";
    assert_false(sandbox_check(f->sb, &sql, names, 1, true, &f->e));
    sql.sql = "SELECT 1 AS key, upper('a')";
    assert_false(sandbox_check(f->sb, &sql, names, 1, true, &f->e));
    for (int i = 0; i < 300; i++) { /* nothing is kept of what was only checked */
        char text[64];
        sqlite3_snprintf(sizeof text, text, "SELECT %d AS key", i);
        sql.sql = text;
        assert_true(sandbox_check(f->sb, &sql, names, 1, true, &f->e));
    }
}

static void many_statements_are_forgotten_in_turn(void **state)
{
    struct fix *f = *state;
    char sql[64];

    for (int i = 0; i < 400; i++) {
        sqlite3_snprintf(sizeof sql, sql, "SELECT %d AS key", i % 150);
        maps(f, sql, "[]");
        assert_int_equal(strtol(row_set_text(f->rs, 0, "key"), NULL, 10), i % 150);
    }
}

static void a_runaway_select_is_ended(void **state)
{
    static const char sql[] =
        "WITH d AS MATERIALIZED (SELECT value FROM json_each(:body)) "
        "SELECT count(*) AS key FROM d a, d b, d c, d d, d e, d f, d g, d h, d i, d j, d k, d l";
    struct fix *f = *state;
    int64_t start = mono_now_ms();

    refuses(f, sql, "[1,2,3,4,5,6,7,8,9,10]", "ended after 2000 ms");
    assert_in_range(mono_now_ms() - start, 1900, 3500);
    maps(f, "SELECT 1 AS key", "[]");
}

static void a_stop_ends_a_select_at_once(void **state)
{
    struct fix *f = *state;
    atomic_bool stop = true;

    f->sb->stop = &stop;
    refuses(f,
            "WITH d AS (SELECT value FROM json_each(:body)) SELECT count(*) AS key FROM d a, d b, "
            "d c, d d, d e, d f, d g, d h",
            "[1,2,3,4,5,6,7,8,9,10]", "ending");
    assert_int_equal(f->e.code, ERR_CANCELLED);
    f->sb->stop = NULL;
}

static void columns_become_fields_and_attributes(void **state)
{
    struct fix *f = *state;

    f->step.labels_json =
        "{\"env\":\"live\",\"size\":3,\"is\":true,\"none\":null,\"own\":\"label\"}";
    maps(f,
         "SELECT 'k' AS key, 'n' AS name, 'warn' AS status, 's' AS summary, 5 AS since, "
         "'thing:p' AS parent, 'u' AS url, 2.5 AS rank, 7 AS i, 0.1 AS d, 'q\"' AS t, NULL AS no, "
         "json('{\"a\":[1]}') AS j, '[1]' AS jt, x'ff' AS b, 'row' AS own, "
         "9223372036854775807 AS big",
         "[]");
    assert_int_equal(f->rs->nrows, 1);
    assert_string_equal(row_set_text(f->rs, 0, "kind"), "thing");
    assert_string_equal(row_set_text(f->rs, 0, "status"), "warn");
    assert_string_equal(row_set_text(f->rs, 0, "parent"), "thing:p");
    assert_int_equal(row_set_int(f->rs, 0, "since", -1), 5);
    assert_true(row_set_at(f->rs, 0, row_set_col(f->rs, "rank"))->d == 2.5);
    assert_string_equal(row_set_text(f->rs, 0, "attrs"),
                        "{\"i\":7,\"d\":0.1,\"t\":\"q\\\"\",\"j\":{\"a\":[1]},\"jt\":\"[1]\","
                        "\"b\":\"\xef\xbf\xbd\",\"own\":\"row\",\"big\":9223372036854775807,"
                        "\"env\":\"live\",\"size\":3,\"is\":true}");
    maps(f, "SELECT 'k' AS key, NULL AS status", "[]");
    assert_string_equal(row_set_text(f->rs, 0, "status"), "unknown");
    assert_string_equal(row_set_text(f->rs, 0, "name"), "k");
    assert_int_equal(row_set_at(f->rs, 0, row_set_col(f->rs, "since"))->type, CELL_NULL);
}

static void rows_that_break_the_rules_are_faults(void **state)
{
    struct fix *f = *state;

    refuses(f, "SELECT NULL AS key", "[]", "no key");
    refuses(f, "SELECT '' AS key", "[]", "no key");
    refuses(f, "SELECT 'k' AS key, 'green' AS status", "[]", "got \"green\"");
    refuses(f, "SELECT 'k' AS key, '' AS status", "[]", "status must be");
    refuses(f, "SELECT 'k' AS key, '2026-01-01' AS since", "[]", "since must be");
    refuses(f, "SELECT 'k' AS key, 1.5 AS since", "[]", "since must be");
    refuses(f, "SELECT 'k' AS key, 'x' AS parent", "[]", "KIND:KEY");
    refuses(f, "SELECT 'k' AS key, 'x' AS rank", "[]", "rank must be");
    refuses(f, "SELECT 'k' AS key FROM json_each(:body)", "[1,2]", "comes twice");
    refuses(f, "SELECT printf('%.5000c', 'x') AS key", "[]", "4 KiB");
}

static void the_highest_rank_stays(void **state)
{
    struct fix *f = *state;

    maps(f, "SELECT 'k' AS key, value AS rank, value AS v FROM json_each(:body)", "[2,9,9.5,1]");
    assert_int_equal(f->rs->nrows, 1);
    assert_string_equal(row_set_text(f->rs, 0, "attrs"), "{\"v\":9.5}");
}

static void hostile_text_is_clean_and_cut(void **state)
{
    struct fix *f = *state;

    maps(f,
         "SELECT 'a' || char(27) || '[31m' || char(8238) || char(10) || 'b' AS key, "
         "printf('%.70000c', 'n') AS name, printf('%.70000c', 's') AS summary, "
         "printf('%.70000c', 'a') AS attr, json_array(char(27)) AS j, "
         "json_quote(printf('%.70000c', 'j')) AS long",
         "[]");
    for (size_t c = 0; c < f->rs->ncols; c++) {
        const char *t = row_set_at(f->rs, 0, (int)c)->text;
        assert_true(utf8_is_clean(t, strlen(t), UTF8_KEEP_LF));
        assert_null(strchr(t, 27));
        assert_true(strlen(t) < 200000);
    }
    assert_null(strchr(row_set_text(f->rs, 0, "key"), '\n'));
    assert_int_equal(strlen(row_set_text(f->rs, 0, "name")), NAME_BYTES_MAX);
    assert_int_equal(strlen(row_set_text(f->rs, 0, "summary")), FIELD_BYTES_MAX);
    assert_non_null(strstr(row_set_text(f->rs, 0, "name"), "nn\xe2\x80\xa6"));
    assert_null(strstr(row_set_text(f->rs, 0, "attrs"), "\\u001b"));
    char *attrs = xstrdup(row_set_text(f->rs, 0, "attrs"));
    maps(f, "SELECT key FROM json_each(:body)", attrs); /* it is JSON still */
    assert_int_equal(f->rs->nrows, 3);
    free(attrs);
}

static void an_answer_must_look_as_expected(void **state)
{
    struct fix *f = *state;

    f->step.expect = MAP_EXPECT_ARRAY;
    refuses(f, "SELECT 1 AS key", "{\"error\":\"x\",\"secret\":\"canary\"}",
            "expected an array at $ of the answer, got an object; it has error \"x\", secret");
    assert_null(strstr(f->e.text, "canary")); /* values are not quoted */
    assert_int_equal(f->e.code, ERR_PARSE);
    maps(f, "SELECT 1 AS key", " [] ");
    f->step.expect_path = "$.items";
    refuses(f, "SELECT 1 AS key", "{\"data\":[]}", "got nothing");
    refuses(f, "SELECT 1 AS key", "{\"items\":null}", "got null");
    maps(f, "SELECT 1 AS key", "{\"items\":[]}");
    f->step.is_sensitive = true;
    refuses(f, "SELECT 1 AS key", "{\"items\":\"hunter2\"}", "got a string");
    assert_null(strstr(f->e.text, "hunter2"));
    f->step = (struct map_step){ .source = "s", .step = "t", .rows = &f->rows, .nrows = 1 };
    refuses(f, "SELECT 1 AS key", "<html>", "HTML");
    refuses(f, "SELECT 1 AS key", "[1,", "byte");
    f->step.body_max = 4;
    refuses(f, "SELECT 1 AS key", "[1,2]", "body_max");
    assert_int_equal(f->e.code, ERR_LIMIT);
}

static void formats_are_decoded(void **state)
{
    struct fix *f = *state;

    f->step.format = MAP_TEXT;
    maps(f, "SELECT :body AS key", "x\ty");
    assert_string_equal(row_set_text(f->rs, 0, "key"), "x y");
    f->step.format = MAP_JSONL;
    maps(f, "SELECT value AS key FROM json_each(:body)", "1\n\n2\n");
    assert_int_equal(f->rs->nrows, 2);
    f->step.format = MAP_PROM;
    maps(f, "SELECT value->>'name' AS key FROM json_each(:body)", "up{a=\"b\"} 1\n");
    assert_string_equal(row_set_text(f->rs, 0, "key"), "up");
    f->step.format = MAP_XML;
    maps(f, "SELECT :body AS key", "<a><b>1</b></a>");
}

static void binds_headers_and_paging_come_through(void **state)
{
    static const struct bind params[] = {
        { .name = "p", .type = CELL_TEXT, .text = "param" },
        { .name = "list", .type = CELL_TEXT, .text = "[1,2]" },
    };
    static const struct bind extra[] = { { .name = "p", .type = CELL_INT, .i = 42 } };
    struct fix *f = *state;
    const char body[] = "{\"next\":\"/p2\",\"total\":\"17\"}";

    f->step.params = params;
    f->step.nparams = ARRAY_LEN(params);
    f->step.next = (struct map_sql){ "SELECT :body->>'next'", "f.yaml", 1, 1 };
    f->step.total = (struct map_sql){ "SELECT :body->>'total'", "f.yaml", 2, 1 };
    f->rows.sql.sql = "SELECT :p AS key, :http_status AS st, :source AS src, :now AS now, "
                      "header('ETag') AS etag, "
                      "header('link') AS link, json_array_length(:list) AS n";
    assert_true(sandbox_map(f->sb, &f->step, extra, 1, body, strlen(body), 206, "application/json",
                            "{\"etag\":\"w1\",\"link\":[\"a\",\"b\"]}", now, NULL, &f->rs, &f->next,
                            &f->total, &f->e));
    assert_string_equal(row_set_text(f->rs, 0, "attrs"),
                        "{\"st\":206,\"src\":\"src\",\"now\":1795226683000,\"etag\":\"w1\","
                        "\"link\":\"a, b\",\"n\":2}");
    assert_string_equal(row_set_text(f->rs, 0, "key"), "42");
    assert_string_equal(f->next, "/p2");
    assert_int_equal(f->total, 17);
    maps(f, "SELECT :p AS key, header('etag') AS etag", "{\"next\":\"\"}");
    assert_string_equal(row_set_text(f->rs, 0, "key"), "param");
    assert_string_equal(row_set_text(f->rs, 0, "attrs"), "{}");
    assert_null(f->next);
    assert_int_equal(f->total, -1);
    refuses(f, "SELECT 1 AS key", "{\"total\":\"many\"}", "f.yaml:2:1: total must be");
}

static void row_shows_what_was_staged_before(void **state)
{
    static const char *const cols[] = { "source", "kind", "key", "attrs" };
    struct fix *f = *state;
    struct row_set *before = row_set_new(cols, ARRAY_LEN(cols)), *rs;
    struct cell *c = row_set_add(before);
    const struct map_sql sql = { "SELECT key, status, attrs->>'a' AS a FROM row "
                                 "WHERE source = 'test' AND kind = 'repository'",
                                 "f.yaml", 1, 1 };

    cell_set_text(&c[0], before, "test");
    cell_set_text(&c[1], before, "repository");
    cell_set_text(&c[2], before, "opsdeck");
    cell_set_text(&c[3], before, "{\"a\":\"b\"}");
    const struct sandbox_input in = { .source = f->step.source, .now_ms = now };
    assert_true(stage_clear(f->sb, &f->e) && stage_fill(f->sb, before, &f->e));
    assert_true(sandbox_rows(f->sb, &sql, &in, &rs, &f->e));
    assert_int_equal(rs->nrows, 1);
    assert_string_equal(row_set_text(rs, 0, "key"), "opsdeck");
    assert_string_equal(row_set_text(rs, 0, "status"), "unknown");
    assert_string_equal(row_set_text(rs, 0, "a"), "b");
    row_set_free(rs);
    assert_true(stage_clear(f->sb, &f->e) && sandbox_rows(f->sb, &sql, &in, &rs, &f->e));
    assert_int_equal(rs->nrows, 0);
    row_set_free(rs);
    row_set_free(before);
}

static struct map_body body_of(const char *s)
{
    return (struct map_body){ .bytes = s, .len = strlen(s), .http_status = 200, .now_ms = now };
}

static void a_body_that_fails_leaves_no_row(void **state)
{
    struct fix *f = *state;
    struct map_result r;
    int64_t n;
    struct map_body b = body_of("[1,2,3]"), bad = body_of("[4,5,4]");

    f->rows.sql.sql = "SELECT value AS key FROM json_each(:body)";
    assert_true(map_body(f->sb, &f->step, NULL, 0, &b, &r, &f->e));
    assert_int_equal(r.staged, 3);
    assert_false(map_body(f->sb, &f->step, NULL, 0, &bad, &r, &f->e));
    assert_int_equal(r.staged, 0);
    assert_true(stage_count(f->sb, &n, &f->e));
    assert_int_equal(n, 3);
    bad = body_of("[6]");
    assert_true(map_body(f->sb, &f->step, NULL, 0, &bad, &r, &f->e));
    assert_true(stage_kind_count(f->sb, "thing", &n, &f->e));
    assert_int_equal(n, 4);
    bool has;
    assert_true(stage_has(f->sb, "thing", "6", &has, &f->e) && has);
    assert_true(stage_has(f->sb, "thing", "5", &has, &f->e) && !has);
}

/* A select that reads what it stages must not see its own rows. */
static void rows_are_staged_after_their_select(void **state)
{
    struct fix *f = *state;
    struct map_result r;
    struct map_body b = body_of("[1]");

    f->rows.sql.sql = "SELECT value AS key FROM json_each(:body)";
    assert_true(map_body(f->sb, &f->step, NULL, 0, &b, &r, &f->e));
    f->rows.sql.sql = "SELECT key || 'x' AS key FROM row";
    assert_true(map_body(f->sb, &f->step, NULL, 0, &b, &r, &f->e));
    assert_int_equal(r.staged, 1);
}

static void steps_share_keys_by_rank_or_after_a_failure(void **state)
{
    struct fix *f = *state;
    struct map_result r;
    struct map_body b = body_of("[1]");
    sqlite3_stmt *st;

    f->rows.sql.sql = "SELECT value AS key FROM json_each(:body)";
    assert_true(map_body(f->sb, &f->step, NULL, 0, &b, &r, &f->e));
    f->step.step = "second"; /* the first one was not committed: it failed */
    assert_true(map_body(f->sb, &f->step, NULL, 0, &b, &r, &f->e));
    assert_true(stage_mark_committed(f->sb, "second", &f->e));
    f->step.step = "third";
    assert_false(map_body(f->sb, &f->step, NULL, 0, &b, &r, &f->e));
    assert_non_null(strstr(f->e.text, "comes twice"));
    st = stage_rows(f->sb, "second", &f->e);
    assert_int_equal(db_step(&f->sb->db, st, &f->e), 1);
    struct staged row;
    stage_read(st, &row);
    assert_string_equal(row.key, "1");
    assert_string_equal(row.kind, "thing");
    assert_int_equal(db_step(&f->sb->db, st, &f->e), 0);
}

static struct staged hashes(struct fix *f, const char *sql)
{
    static const char *const volatile_cols[] = { "v", NULL };
    struct map_result r;
    struct map_body b = body_of("[]");
    struct staged row;
    sqlite3_stmt *st;

    assert_true(stage_clear(f->sb, &f->e));
    f->rows.volatile_cols = volatile_cols;
    f->rows.sql.sql = sql;
    if (!map_body(f->sb, &f->step, NULL, 0, &b, &r, &f->e))
        fail_msg("%s", f->e.text);
    st = stage_rows(f->sb, "st", &f->e);
    assert_int_equal(db_step(&f->sb->db, st, &f->e), 1);
    stage_read(st, &row);
    sqlite3_reset(st);
    return row; /* its texts are gone, its hashes are not */
}

static void volatile_columns_have_a_hash_of_their_own(void **state)
{
    struct fix *f = *state;
    struct staged a = hashes(f, "SELECT 'k' AS key, 1 AS x, 1 AS v"),
                  same = hashes(f, "SELECT 'k' AS key, 1 AS x, 1 AS v"),
                  v = hashes(f, "SELECT 'k' AS key, 1 AS x, 2 AS v"),
                  x = hashes(f, "SELECT 'k' AS key, 2 AS x, 1 AS v"),
                  text = hashes(f, "SELECT 'k' AS key, '1' AS x, 1 AS v"),
                  status = hashes(f, "SELECT 'k' AS key, 1 AS x, 1 AS v, 'ok' AS status");

    assert_true(a.hash == same.hash && a.vhash == same.vhash);
    assert_true(a.hash == v.hash && a.vhash != v.vhash);
    assert_true(a.hash != x.hash && a.vhash == x.vhash);
    assert_true(a.hash != text.hash);
    assert_true(a.hash != status.hash);
    f->rows.sql.sql = "SELECT 'k' AS key";
    refuses(f, "SELECT 'k' AS key", "[]", "volatile names v");
}

static void too_many_rows_are_an_error(void **state)
{
    static const char *const no_cols[] = { NULL };
    struct fix *f = *state;

    f->rows.volatile_cols = no_cols;
    refuses(f,
            "WITH d AS MATERIALIZED (SELECT key AS k FROM json_each(:body)) SELECT a.k || '.' || "
            "b.k || '.' || c.k || '.' || d.k || '.' || e.k || '.' || f.k AS key FROM d a, d b, d "
            "c, d d, d e, d f",
            "[1,2,3,4,5,6,7,8,9,10]", "");
    assert_true(f->e.code == ERR_LIMIT || strstr(f->e.text, "ended after"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_a_plain_select_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(headers_are_named_in_quotes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_name_the_place_in_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_compiles_and_knows_the_binds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_statements_are_forgotten_in_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_runaway_select_is_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_ends_a_select_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns_become_fields_and_attributes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_that_break_the_rules_are_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_highest_rank_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_text_is_clean_and_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_must_look_as_expected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(formats_are_decoded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(binds_headers_and_paging_come_through, set_up, tear_down),
        cmocka_unit_test_setup_teardown(row_shows_what_was_staged_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_body_that_fails_leaves_no_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_are_staged_after_their_select, set_up, tear_down),
        cmocka_unit_test_setup_teardown(steps_share_keys_by_rank_or_after_a_failure, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(volatile_columns_have_a_hash_of_their_own, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(too_many_rows_are_an_error, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
