/* The ingest on real files: versions, ends, doubts, leases, kept answers, retention. */
#include "ingest_test.h"

#include <sqlite3.h>

#include <signal.h>
#include <sys/resource.h>

static void an_unchanged_row_writes_no_version_and_a_changed_one_closes_and_opens(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"s\":\"ok\"},{\"k\":\"b\",\"s\":\"ok\"}]", 2, 0, 0);
    f->now += 5 * MINUTE;
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"s\":\"ok\"},{\"k\":\"b\",\"s\":\"ok\"}]", 0, 0, 0);
    assert_string_equal(fix_ask(f, 0, "SELECT count(*) FROM version"), "2");
    f->now += 5 * MINUTE;
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"s\":\"crit\"},{\"k\":\"b\",\"s\":\"ok\"}]", 0, 1, 0);
    assert_string_equal(fix_ask(f, 0,
                                "SELECT status, valid_from, valid_to FROM version WHERE key = 'a' "
                                "ORDER BY valid_from"),
                        "ok|1780000000000|1780000600000;crit|1780000600000|");
    assert_string_equal(fix_ask(f, T0 + 6 * MINUTE, "SELECT key, status FROM entity ORDER BY key"),
                        "a|ok;b|ok");
    assert_string_equal(fix_ask(f, 0,
                                "SELECT key, what, before, after, at_from, at_to FROM change "
                                "WHERE what <> 'opened'"),
                        "a|status|ok|crit|1780000300000|1780000600000");
    assert_string_equal(fix_ask(f, T0 + 6 * MINUTE, "SELECT what, key FROM change ORDER BY key"),
                        "opened|a;opened|b");
}

static void a_volatile_column_is_refreshed_in_place(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"s\":\"ok\",\"t\":1}]", 1, 0, 0);
    f->now += MINUTE;
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"s\":\"ok\",\"t\":2}]", 0, 0, 0);
    assert_string_equal(fix_ask(f, 0,
                                "SELECT attrs->>'seen', (SELECT count(*) FROM version) FROM "
                                "entity"),
                        "2|1");
}

static void a_key_that_ends_and_comes_back_opens_anew_even_at_the_same_time(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, "[{\"k\":\"a\"},{\"k\":\"b\"}]", 2, 0, 0);
    fix_counts(f, &t.step, "[{\"k\":\"b\"}]", 0, 0, 1);
    fix_counts(f, &t.step, "[{\"k\":\"a\"},{\"k\":\"b\"}]", 1, 0, 0);
    assert_string_equal(
        fix_ask(f, 0, "SELECT what FROM change WHERE key = 'a' ORDER BY at_to, what"),
        "opened;closed;opened");
}

static char *many(int n)
{
    char *s = xcalloc(1, (size_t)n * 16 + 8), *p = s;

    *p++ = '[';
    for (int i = 0; i < n; i++)
        p += snprintf(p, 24, "%s{\"k\":\"k%d\"}", i ? "," : "", i);
    *p = ']';
    return s;
}

static void a_fall_to_none_is_believed_only_by_a_second_poll(void **state)
{
    struct fix *f = *state;
    struct thing_step t;
    char *body = many(11);

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, body, 11, 0, 0);
    f->now += MINUTE;
    struct ingest_result *r = fix_poll(f, &t.step, "[]");
    assert_true(r->commit.is_doubted);
    assert_int_equal(r->commit.closed, 0);
    ingest_result_free(r);
    /* Not by a second commit of the same poll. */
    fix_begin(f);
    ingest_result_free(fix_map(f, &t.step, body));
    ingest_result_free(fix_commit(f, &t.step));
    assert_string_equal(fix_ask(f, 0, "SELECT state FROM source_state"), "ok");
    fix_begin(f);
    ingest_result_free(fix_map(f, &t.step, "[]"));
    for (int i = 0; i < 2; i++) {
        r = fix_commit(f, &t.step);
        assert_true(r->commit.is_doubted);
        ingest_result_free(r);
    }
    assert_string_equal(fix_ask(f, 0, "SELECT state FROM source_state"), "doubtful");
    /* The doubt is in the file: another process believes. */
    ingest_free(f->in);
    f->in = fix_open(f);
    f->now += MINUTE;
    fix_counts(f, &t.step, "[]", 0, 0, 11);
    assert_string_equal(
        fix_ask(f, 0, "SELECT count(*), (SELECT state FROM source_state) FROM entity"), "0|ok");
    free(body);
}

static void a_kind_listed_by_two_steps_ends_with_the_last_and_never_when_one_failed(void **state)
{
    struct fix *f = *state;
    struct thing_step a, b;

    thing_step_init(&a, "one");
    thing_step_init(&b, "two");
    fix_sources(f);
    for (int i = 0; i < 3; i++) {
        fix_begin(f);
        ingest_result_free(fix_map(f, &a.step, "[{\"k\":\"a\"}]"));
        ingest_result_free(fix_do(f, f->in,
                                  (struct ingest_job){ .type = INGEST_COMMIT,
                                                       .step = &a.step,
                                                       .observed_from_ms = f->now,
                                                       .is_last_of_kind_unknown = true }));
        ingest_result_free(fix_map(f, &b.step, i ? "[]" : "[{\"k\":\"b\"}]"));
        struct ingest_result *r = fix_do(f, f->in,
                                         (struct ingest_job){ .type = INGEST_COMMIT,
                                                              .step = &b.step,
                                                              .observed_from_ms = f->now,
                                                              .is_last_of_kind_unknown = i == 1 });
        assert_int_equal(r->commit.closed, i == 2);
        ingest_result_free(r);
        f->now += MINUTE;
    }
    assert_string_equal(fix_ask(f, 0, "SELECT key FROM entity"), "a");
}

static void a_dropped_generation_leaves_nothing_and_commits_no_more(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_begin(f);
    ingest_result_free(fix_map(f, &t.step, "[{\"k\":\"a\"}]"));
    fix_done(f, (struct ingest_job){ .type = INGEST_DROP });
    struct ingest_result *r = fix_commit(f, &t.step);
    assert_int_equal(r->err.code, ERR_CANCELLED);
    ingest_result_free(r);
    assert_string_equal(fix_ask(f, 0, "SELECT count(*) FROM entity"), "0");
}

static void a_kind_with_an_underscore_is_staged_but_not_kept(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    t.rows.kind = "_thing";
    fix_sources(f);
    fix_begin(f);
    ingest_result_free(fix_map(f, &t.step, "[{\"k\":\"a\"}]"));
    struct ingest_result *r = fix_do(
        f, f->in,
        (struct ingest_job){ .type = INGEST_EVAL,
                             .step = &t.step,
                             .sql = { "SELECT key FROM row WHERE kind = '_thing'", "f", 1, 1 } });
    assert_non_null(r->rows);
    assert_string_equal(row_set_text(r->rows, 0, "key"), "a");
    ingest_result_free(r);
    r = fix_commit(f, &t.step);
    assert_int_equal(r->commit.rows, 0);
    ingest_result_free(r);
    assert_string_equal(fix_ask(f, 0, "SELECT count(*) FROM entity"), "0");
}

static void a_source_out_of_the_list_closes_its_rows_with_cause_config(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, "[{\"k\":\"a\"}]", 1, 0, 0);
    f->now += MINUTE;
    fix_done(f, (struct ingest_job){ .type = INGEST_SOURCES });
    assert_string_equal(fix_ask(f, 0,
                                "SELECT what, cause, (SELECT count(*) FROM entity), (SELECT "
                                "count(*) FROM source_state) FROM change WHERE what = "
                                "'closed'"),
                        "closed|config|0|0");
}

static void a_kept_body_is_mapped_again_until_the_recipe_changes(void **state)
{
    struct fix *f = *state;
    struct thing_step t;
    struct ingest_job again = {
        .type = INGEST_MAP, .step = &t.step, .item = "", .use_kept = true, .http_status = 304
    };

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"s\":\"warn\"}]", 1, 0, 0);
    struct ingest_result *r =
        fix_do(f, f->in, (struct ingest_job){ .type = INGEST_VALIDATORS, .step = &t.step });
    assert_string_equal(row_set_text(r->rows, 0, "etag"), "\"e\"");
    ingest_result_free(r);
    f->now += MINUTE;
    fix_begin(f);
    r = fix_do(f, f->in, again);
    assert_int_equal(r->err.code, ERR_NONE);
    assert_int_equal(r->staged, 1);
    ingest_result_free(r);
    r = fix_commit(f, &t.step);
    assert_int_equal(r->commit.changed + r->commit.opened + r->commit.closed, 0);
    ingest_result_free(r);
    t.step.fingerprint++;
    fix_begin(f);
    r = fix_do(f, f->in, again);
    assert_int_equal(r->err.code, ERR_NOT_FOUND);
    ingest_result_free(r);
}

/* Answers kept in the file, with their bodies. */
static int count_answers(const struct fix *f)
{
    char path[128];
    sqlite3 *h;
    sqlite3_stmt *st;

    snprintf(path, sizeof path, "%s/opsdeck.db", f->dir);
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(h,
                                        "SELECT (SELECT count(*) FROM answer) + (SELECT count(*) "
                                        "FROM answer_body)",
                                        -1, &st, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int n = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(h);
    return n;
}

static void a_sensitive_step_keeps_no_answer(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, "[{\"k\":\"a\"}]", 1, 0, 0);
    assert_int_equal(count_answers(f), 2);
    t.step.is_sensitive = true;
    fix_counts(f, &t.step, "[{\"k\":\"a\"}]", 0, 0, 0);
    assert_int_equal(count_answers(f), 0);
}

static bool take_lease(struct fix *f, struct ingest *in, const char *holder)
{
    struct ingest_result *r = fix_do(
        f, in, (struct ingest_job){ .type = INGEST_LEASE, .holder = holder, .lease_ms = MINUTE });
    bool ok = r->is_lease_ours;

    assert_int_equal(r->err.code, ERR_NONE);
    ingest_result_free(r);
    return ok;
}

static void a_lease_is_one_holders_until_it_ends_and_an_old_one_cannot_commit(void **state)
{
    struct fix *f = *state;
    struct ingest *other = fix_open(f);
    struct thing_step t;
    char host[100] = "", gone[160], alive[160];

    thing_step_init(&t, "list");
    fix_sources(f);
    assert_true(take_lease(f, f->in, "h1:1:1"));
    assert_true(take_lease(f, f->in, "h1:1:1"));
    assert_false(take_lease(f, other, "h2:2:2"));
    fix_begin(f);
    ingest_result_free(fix_map(f, &t.step, "[{\"k\":\"a\"}]"));
    f->now += MINUTE;
    assert_true(take_lease(f, other, "h2:2:2"));
    struct ingest_result *r = fix_commit(f, &t.step);
    assert_int_equal(r->err.code, ERR_CANCELLED);
    ingest_result_free(r);
    ingest_result_free(
        fix_do(f, other, (struct ingest_job){ .type = INGEST_RELEASE, .holder = "h2:2:2" }));
    gethostname(host, sizeof host - 1);
    snprintf(alive, sizeof alive, "%s:%d:1", host, (int)getpid());
    snprintf(gone, sizeof gone, "%s:%d:1", host, 2147483646);
    assert_true(take_lease(f, f->in, alive));
    assert_false(take_lease(f, other, "h2:2:2"));
    ingest_result_free(
        fix_do(f, f->in, (struct ingest_job){ .type = INGEST_RELEASE, .holder = alive }));
    assert_true(take_lease(f, f->in, gone));
    assert_true(take_lease(f, other, "h2:2:2"));
    ingest_free(other);
}

static void jobs_that_others_wait_for_are_done_at_the_end(void **state)
{
    struct fix *f = *state;

    fix_sources(f);
    assert_true(take_lease(f, f->in, "h1:1:1"));
    for (int i = 0; i < 2; i++) {
        struct ingest_job *job = xcalloc(1, sizeof *job);
        job->type = i ? INGEST_STATE : INGEST_RELEASE;
        job->source = "s";
        job->holder = "h1:1:1";
        job->state = (struct ingest_state){ .error = "no", .error_code = "net", .at_ms = T0 };
        ingest_submit(f->in, job);
    }
    ingest_free(f->in);
    f->in = fix_open(f);
    assert_true(take_lease(f, f->in, "h2:2:2"));
    assert_string_equal(fix_ask(f, 0, "SELECT state, error, failing_since FROM source_state"),
                        "failing|no|1780000000000");
}

static void retention_prunes_old_history_but_no_open_row(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"s\":\"ok\"},{\"k\":\"b\"}]", 2, 0, 0);
    f->now += MINUTE;
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"s\":\"crit\"}]", 0, 1, 1);
    f->now += 31 * 24 * 60 * MINUTE;
    fix_done(f, (struct ingest_job){ .type = INGEST_MAINTAIN });
    assert_string_equal(fix_ask(f, 0, "SELECT key, last, status, valid_to FROM version"),
                        "a|crit|unknown|");
}

static void a_file_that_may_not_grow_fails_clearly_and_recovers(void **state)
{
    struct fix *f = *state;
    struct thing_step t;
    struct rlimit was, small = { .rlim_cur = 64 << 10 };
    char *body = many(20000);

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, "[{\"k\":\"a\",\"s\":\"crit\"}]", 1, 0, 0);
    fix_begin(f);
    ingest_result_free(fix_map(f, &t.step, body));
    getrlimit(RLIMIT_FSIZE, &was);
    small.rlim_max = was.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    struct ingest_result *r = fix_commit(f, &t.step);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(r->err.code, ERR_STORE);
    assert_non_null(strstr(r->err.text, "free"));
    ingest_result_free(r);
    assert_string_equal(fix_ask(f, 0, "SELECT key, status FROM entity"), "a|crit");
    r = fix_commit(f, &t.step);
    assert_int_equal(r->err.code, ERR_NONE);
    assert_int_equal(r->commit.opened, 20000);
    assert_int_equal(r->commit.closed, 1);
    ingest_result_free(r);
    free(body);
}

static void a_file_moved_away_is_opened_anew_with_its_sources(void **state)
{
    struct fix *f = *state;
    struct thing_step t;
    char from[128], to[160];

    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, "[{\"k\":\"a\"}]", 1, 0, 0);
    for (int i = 0; i < 3; i++) {
        static const char *const tails[] = { "", "-wal", "-shm" };
        snprintf(from, sizeof from, "%s/opsdeck.db%s", f->dir, tails[i]);
        snprintf(to, sizeof to, "%s.gone", from);
        rename(from, to);
        unlink(to);
    }
    fix_counts(f, &t.step, "[{\"k\":\"b\"}]", 1, 0, 0);
    assert_string_equal(fix_ask(f, 0, "SELECT key, (SELECT name FROM source_state) FROM entity"),
                        "b|s");
}

static void a_file_that_cannot_be_used_leaves_memory_when_allowed_and_says_so(void **state)
{
    struct fix *f = *state;
    struct thing_step t;
    struct err e = { 0 };
    char path[128], *notice = NULL;
    struct ingest_opts o = { .store = f->store, .allow_memory = true };

    ingest_free(f->in);
    snprintf(path, sizeof path, "%s/opsdeck.db", f->dir);
    unlink(path);
    assert_int_equal(symlink("/nowhere", path), 0);
    o.allow_memory = false;
    assert_null(ingest_new(&o, NULL, &e));
    assert_int_equal(e.code, ERR_PERM);
    o.allow_memory = true;
    f->in = ingest_new(&o, &notice, &e);
    assert_non_null(f->in);
    assert_non_null(strstr(notice, "nothing is saved"));
    free(notice);
    thing_step_init(&t, "list");
    fix_sources(f);
    fix_counts(f, &t.step, "[{\"k\":\"a\"}]", 1, 0, 0);
    assert_string_equal(fix_ask(f, 0, "SELECT key FROM entity"), "a");
}

#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_unchanged_row_writes_no_version_and_a_changed_one_closes_and_opens),
        T(a_volatile_column_is_refreshed_in_place),
        T(a_key_that_ends_and_comes_back_opens_anew_even_at_the_same_time),
        T(a_fall_to_none_is_believed_only_by_a_second_poll),
        T(a_kind_listed_by_two_steps_ends_with_the_last_and_never_when_one_failed),
        T(a_dropped_generation_leaves_nothing_and_commits_no_more),
        T(a_kind_with_an_underscore_is_staged_but_not_kept),
        T(a_source_out_of_the_list_closes_its_rows_with_cause_config),
        T(a_kept_body_is_mapped_again_until_the_recipe_changes),
        T(a_sensitive_step_keeps_no_answer),
        T(a_lease_is_one_holders_until_it_ends_and_an_old_one_cannot_commit),
        T(jobs_that_others_wait_for_are_done_at_the_end),
        T(retention_prunes_old_history_but_no_open_row),
        T(a_file_that_may_not_grow_fails_clearly_and_recovers),
        T(a_file_moved_away_is_opened_anew_with_its_sources),
        T(a_file_that_cannot_be_used_leaves_memory_when_allowed_and_says_so),
    };

    return cmocka_run_group_tests_name("store/ingest", tests, NULL, NULL);
}
