/* A store that is damaged, migrated or replaced, before it is opened and while it is in use. */
#include "ingest_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "../../../src/store/store_priv.h"

static const char body[] =
    "[{\"k\":\"a\",\"n\":\"A\",\"s\":\"ok\",\"v\":1},{\"k\":\"b\",\"s\":\"warn\"}]";

static char *path_of(const struct fix *f)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/opsdeck.db", f->dir);
    return path;
}

/* By a hand that knows SQL and none of our rules. */
static void tamper(const struct fix *f, const char *sql)
{
    sqlite3 *h;

    assert_int_equal(sqlite3_open(path_of(f), &h), SQLITE_OK);
    if (sqlite3_exec(h, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(h));
    assert_int_equal(sqlite3_close(h), SQLITE_OK);
}

static int count_files(const struct fix *f, const char *part)
{
    DIR *d = opendir(f->dir);
    struct dirent *de;
    int n = 0;

    while ((de = readdir(d)))
        n += strstr(de->d_name, part) != NULL;
    closedir(d);
    return n;
}

static int teardown(void **state)
{
    struct fix *f = *state;
    char path[512];
    DIR *d = opendir(f->dir);
    struct dirent *de;

    ingest_free(f->in);
    f->in = NULL;
    while ((de = readdir(d))) {
        snprintf(path, sizeof path, "%s/%s", f->dir, de->d_name);
        unlink(path);
    }
    closedir(d);
    return fix_teardown(state);
}

/* Two rows, closed in order, with as much history that its pages are many. */
static void fill(struct fix *f, struct thing_step *t)
{
    char more[20000] = "[";

    thing_step_init(t, "list");
    fix_sources(f);
    for (int i = 0; i < 200; i++)
        snprintf(more + strlen(more), sizeof more - strlen(more),
                 "%s{\"k\":\"%03d\",\"n\":\"%040d\"}", i ? "," : "", i, i);
    strcat(more, "]");
    ingest_result_free(fix_poll(f, &t->step, more));
    f->now += MINUTE;
    ingest_result_free(fix_poll(f, &t->step, body));
    ingest_free(f->in);
    f->in = NULL;
}

static char *reopen(struct fix *f)
{
    struct ingest_opts o = { .store = f->store };
    char *notice = NULL;
    struct err e = { 0 };

    ingest_free(f->in);
    f->in = ingest_new(&o, &notice, &e);
    if (!f->in)
        fail_msg("%s", e.text);
    return notice;
}

/* Most of its pages, but for the first ones. */
static void scribble(const struct fix *f)
{
    struct stat st;
    char junk[4096];
    int fd = open(path_of(f), O_RDWR);

    memset(junk, 0x5a, sizeof junk);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = (off_t)sizeof junk * 12; at < st.st_size; at += (off_t)sizeof junk)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
    close(fd);
}

/* Errors of one poll, 0 when there was none. */
static int try_poll(struct fix *f, const struct map_step *s)
{
    struct ingest_job jobs[] = {
        { .type = INGEST_BEGIN },
        { .type = INGEST_MAP, .step = s, .item = "", .body_len = strlen(body), .http_status = 200 },
        { .type = INGEST_COMMIT, .step = s, .observed_from_ms = f->now },
        { .type = INGEST_DROP },
        { .type = INGEST_STATE, .state = { .is_ok = true, .at_ms = f->now } },
    };
    int code = 0;

    f->gen++;
    jobs[1].body = xstrdup(body);
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        struct ingest_result *r = fix_do(f, f->in, jobs[i]);
        if (r->err.code && !code)
            code = r->err.detail ? r->err.detail : -1;
        ingest_result_free(r);
    }
    return code;
}

static void expect_healed(struct fix *f, struct thing_step *t)
{
    char *notice = reopen(f);

    assert_non_null(notice);
    assert_non_null(strstr(notice, "moved to"));
    free(notice);
    assert_int_equal(count_files(f, ".bad-"), 1);
    fix_sources(f);
    fix_counts(f, &t->step, body, 2, 0, 0);
    assert_null(reopen(f));
    assert_int_equal(count_files(f, "-suspect"), 0);
}

static void what_makes_a_file_useless_is_found_when_it_is_opened_and_moved_aside(void **state)
{
    static const char *const blows[] = {
        "DELETE FROM meta WHERE name = 'hash_key'",
        "UPDATE meta SET value = 'short' WHERE name = 'hash_key'",
        "PRAGMA user_version = 0",
        "PRAGMA user_version = -3",
        "DROP TABLE look",
        "DROP INDEX version_open",
    };
    struct thing_step t;

    teardown(state);
    for (size_t i = 0; i < ARRAY_LEN(blows); i++) {
        fix_setup(state);
        struct fix *f = *state;
        fill(f, &t);
        tamper(f, blows[i]);
        expect_healed(f, &t);
        teardown(state);
    }
    fix_setup(state);
}

static void damage_met_while_running_is_healed_by_the_process_that_met_it(void **state)
{
    struct fix *f = *state;
    struct thing_step t;
    int code = 0;

    fill(f, &t);
    tamper(f, "PRAGMA wal_checkpoint(TRUNCATE)");
    scribble(f);
    char *notice = reopen(f); /* it was left in order: it is not looked through */
    assert_null(notice);
    assert_int_equal(count_files(f, ".bad-"), 0);
    for (int i = 0; i < 3 && !code; i++)
        code = try_poll(f, &t.step);
    assert_true(store_is_damage(code));
    fix_sources(f);
    assert_int_equal(try_poll(f, &t.step), 0);
    assert_int_equal(count_files(f, ".bad-"), 1);
    assert_string_equal(fix_ask(f, 0, "SELECT count(*) FROM entity"), "2");
    assert_int_equal(count_files(f, "-suspect"), 0);
}

static void damage_that_only_a_reader_met_is_healed_by_the_next_start(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    fill(f, &t);
    tamper(f, "PRAGMA wal_checkpoint(TRUNCATE)");
    scribble(f);
    assert_non_null(strstr(fix_ask(f, 0, "SELECT sum(length(attrs)) FROM version"), "store: "));
    assert_int_equal(count_files(f, "-suspect"), 1);
    expect_healed(f, &t);
}

static void a_mark_on_a_sound_file_costs_a_check_and_nothing_else(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    fill(f, &t);
    health_suspect(path_of(f));
    assert_null(reopen(f));
    assert_int_equal(count_files(f, "-suspect"), 0);
    assert_int_equal(count_files(f, ".bad-"), 0);
    health_suspect(path_of(f)); /* now while it is open */
    assert_int_equal(try_poll(f, &t.step), 0);
    assert_int_equal(count_files(f, "-suspect"), 0);
    assert_string_equal(fix_ask(f, 0, "SELECT count(*) FROM version"), "202");
}

static void who_has_seen_damage_does_not_call_the_file_sound_when_it_leaves(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    fill(f, &t);
    assert_null(reopen(f));
    health_suspect(path_of(f));
    ingest_free(f->in);
    f->in = NULL;
    assert_int_equal(count_files(f, "-suspect"), 1);
    sqlite3 *h;
    assert_int_equal(sqlite3_open(path_of(f), &h), SQLITE_OK);
    sqlite3_stmt *st;
    sqlite3_prepare_v2(h, "SELECT value FROM meta WHERE name = 'clean'", -1, &st, NULL);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(st, 0), 0);
    sqlite3_finalize(st);
    sqlite3_close(h);
}

static void an_older_process_writes_nothing_into_a_file_that_a_newer_one_migrated(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    fill(f, &t);
    assert_null(reopen(f));
    assert_int_equal(try_poll(f, &t.step), 0);
    tamper(f, "PRAGMA user_version = 99; UPDATE version SET cause = 'newer'");
    f->now += MINUTE;
    assert_int_not_equal(try_poll(f, &t.step), 0);
    assert_int_not_equal(try_poll(f, &t.step), 0);
    struct reader *r;
    struct err e = { 0 };
    assert_false(reader_open(&f->store, true, &r, &e));
    assert_non_null(strstr(e.text, "newer opsdeck"));
    assert_int_equal(count_files(f, ".bad-"), 0);
    tamper(f, "PRAGMA user_version = 2"); /* the person went back */
    assert_string_equal(fix_ask(f, 0, "SELECT max(to_ms) - 1780000000000 FROM look"), "60000");
    assert_int_equal(try_poll(f, &t.step), 0);
    assert_string_equal(fix_ask(f, 0, "SELECT max(to_ms) - 1780000000000 FROM look"), "120000");
}

static void a_turned_bit_of_a_row_is_put_right_by_the_next_poll_and_is_no_change(void **state)
{
    static const char *const blows[] = {
        "UPDATE version SET name = 'B' WHERE valid_to IS NULL AND name = 'A'",
        "UPDATE version SET status = 'crit' WHERE valid_to IS NULL",
        "UPDATE version SET attrs = '{\"size\":3}' WHERE valid_to IS NULL",
        "UPDATE version SET hash = hash + 1 WHERE valid_to IS NULL",
    };
    struct fix *f = *state;
    struct thing_step t;
    static const char sql[] = "SELECT key, name, last_status, attrs FROM entity";
    char right[200];

    fill(f, &t);
    assert_null(reopen(f));
    snprintf(right, sizeof right, "%s", fix_ask(f, 0, sql));
    for (size_t i = 0; i < ARRAY_LEN(blows); i++) {
        tamper(f, blows[i]);
        f->now += MINUTE;
        fix_counts(f, &t.step, body, 0, 0, 0);
        assert_string_equal(fix_ask(f, 0, sql), right);
        assert_string_equal(fix_ask(f, 0, "SELECT count(*) FROM version"), "202");
    }
}

static void a_kept_answer_with_a_turned_bit_is_asked_for_anew(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    fill(f, &t);
    tamper(f, "UPDATE answer SET body_hash = body_hash + 1");
    assert_null(reopen(f));
    fix_begin(f);
    struct ingest_result *r = fix_do(f, f->in,
                                     (struct ingest_job){ .type = INGEST_MAP,
                                                          .step = &t.step,
                                                          .item = "",
                                                          .use_kept = true,
                                                          .http_status = 304 });
    assert_int_equal(r->err.code, ERR_NOT_FOUND);
    ingest_result_free(r);
}

static void the_check_after_an_unclean_end_marks_rows_whose_bits_have_turned(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    fill(f, &t);
    tamper(f, "UPDATE version SET status = 'ok' WHERE name = 'b'; UPDATE version SET attrs = 'x' "
              "WHERE valid_to IS NOT NULL AND name = printf('%040d', 7);"
              "UPDATE meta SET value = 0 WHERE name = 'clean'");
    assert_null(reopen(f));
    assert_string_equal(fix_ask(f, 0,
                                "SELECT key, status, summary FROM version WHERE summary IS "
                                "NOT NULL ORDER BY key"),
                        "007|unknown|damaged in the cache: not what was stored;"
                        "b|unknown|damaged in the cache: not what was stored");
    fix_counts(f, &t.step, body, 0, 0, 0);
    assert_string_equal(fix_ask(f, 0, "SELECT status, summary FROM entity WHERE key = 'b'"),
                        "warn|");
}

/* SQLite ends a whole statement for one text that is not JSON. */
static void
a_row_whose_attributes_are_not_json_is_unknown_and_the_others_are_what_they_are(void **state)
{
    static const char *const texts[] = { "'x'", "''", "'{\"size\":1'", "x'00ff'", "'[1,}'" };
    struct fix *f = *state;
    struct thing_step t;
    char sql[160];

    fill(f, &t);
    assert_null(reopen(f));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        snprintf(sql, sizeof sql,
                 "UPDATE version SET attrs = %s WHERE valid_to IS NULL AND name = 'b'; UPDATE "
                 "source SET labels = %s",
                 texts[i], texts[i]);
        tamper(f, sql);
        assert_string_equal(fix_ask(f, 0, "SELECT key, status, summary FROM problem"),
                            "b|unknown|damaged in the cache: its attributes are not JSON");
        assert_string_equal(
            fix_ask(f, 0, "SELECT key, attrs->>'size', status FROM entity ORDER BY key"),
            "a|1|ok;b||unknown");
        assert_string_equal(fix_ask(f, 0, "SELECT count(*), count(before) FROM change"), "402|200");
        assert_string_equal(fix_ask(f, f->now, "SELECT key FROM problem"), "b");
        assert_string_equal(fix_ask(f, 0, "SELECT labels->>'env' FROM source_state"), "");
    }
    fix_counts(f, &t.step, body, 0, 0, 0);
    assert_string_equal(fix_ask(f, 0, "SELECT key, attrs->>'size' FROM entity ORDER BY key"),
                        "a|1;b|");
    assert_non_null(strstr(fix_ask(f, 0, "SELECT json('x')"), "malformed JSON"));
    assert_non_null(strstr(fix_ask(f, 0, "SELECT count(*) FROM version_sound"), "usage: "));
}

#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_makes_a_file_useless_is_found_when_it_is_opened_and_moved_aside),
        T(damage_met_while_running_is_healed_by_the_process_that_met_it),
        T(damage_that_only_a_reader_met_is_healed_by_the_next_start),
        T(a_mark_on_a_sound_file_costs_a_check_and_nothing_else),
        T(who_has_seen_damage_does_not_call_the_file_sound_when_it_leaves),
        T(an_older_process_writes_nothing_into_a_file_that_a_newer_one_migrated),
        T(a_turned_bit_of_a_row_is_put_right_by_the_next_poll_and_is_no_change),
        T(a_row_whose_attributes_are_not_json_is_unknown_and_the_others_are_what_they_are),
        T(a_kept_answer_with_a_turned_bit_is_asked_for_anew),
        T(the_check_after_an_unclean_end_marks_rows_whose_bits_have_turned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
