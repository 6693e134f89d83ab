/* SQLite is refused one allocation after the other: what comes of it is an error or the right
 * answer, never another answer, and a sound store stays where it is. */
#include "ingest_test.h"

#include <dirent.h>
#include <sys/wait.h>

#include <sqlite3.h>

enum {
    EXIT_NO_MEMORY = 71, /* of mem_exhausted(): the program ends, and says so */
    ROWS = 30,
    REACHED = 1, /* bits of what a child found */
    WRONG = 2,
    FAILED = 4
};

static sqlite3_mem_methods real;
static _Atomic long left; /* until one is refused; 0: none is */
static _Atomic int refused;

static int refuses(void)
{
    if (left <= 0 || --left)
        return 0;
    refused = 1;
    return 1;
}

static void *refusing_malloc(int n)
{
    return refuses() ? NULL : real.xMalloc(n);
}

static void *refusing_realloc(void *p, int n)
{
    return refuses() ? NULL : real.xRealloc(p, n);
}

static void hook(void)
{
    sqlite3_mem_methods mine;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    mine = real;
    mine.xMalloc = refusing_malloc;
    mine.xRealloc = refusing_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &mine), SQLITE_OK);
}

static void make_body(char *out, size_t size, const char *status)
{
    size_t n = (size_t)snprintf(out, size, "[");

    for (int i = 0; i < ROWS; i++)
        n += (size_t)snprintf(
            out + n, size - n,
            "%s{\"k\":%d,\"n\":\"name of number %d\",\"s\":\"%s\",\"v\":[1,{\"a\":%d}],"
            "\"t\":%d.5,\"p\":\"thing:%d\"}",
            i ? "," : "", 100 + i, i, status, i, i, 100 + i / 2);
    snprintf(out + n, size - n, "]");
}

static void step_init(struct thing_step *t)
{
    static const char *const vol[] = { "seen", NULL };

    thing_step_init(t, "list");
    t->rows.volatile_cols = vol;
    t->rows.sql.sql =
        "SELECT value->>'k' AS key, value->>'n' AS name, value->>'s' AS status, "
        "value->'v' AS size, value->>'t' AS seen, value->>'p' AS parent, "
        "lower(value->>'n') || time_auto('2026-11-21T14:05:00Z') AS summary, header('x') AS h, "
        "json_object('n', value->'n') AS o FROM json_each(:body) WHERE value->>'n' REGEXP '^name'";
}

/* A poll of 30 rows of that status with the at-th allocation refused; bits of what came of it. */
static int poll_refused(struct fix *f, const char *status, long at)
{
    struct thing_step t;
    char body[8000];
    int bits = 0;

    step_init(&t);
    make_body(body, sizeof body, status);
    fix_begin(f);
    refused = 0;
    left = at;
    struct ingest_result *r = fix_do(f, f->in,
                                     (struct ingest_job){ .type = INGEST_MAP,
                                                          .step = &t.step,
                                                          .item = "",
                                                          .body = xstrdup(body),
                                                          .body_len = strlen(body),
                                                          .headers_json = "{\"x\":\"y\"}",
                                                          .http_status = 200 });
    bool failed = r->err.code != ERR_NONE;
    if (failed && !at)
        fail_msg("%s", r->err.text);
    bool is_wrong = !failed && r->staged != ROWS;
    ingest_result_free(r);
    if (!failed) {
        r = fix_commit(f, &t.step);
        failed = r->err.code != ERR_NONE;
        is_wrong |= !failed && r->commit.rows != ROWS;
        ingest_result_free(r);
    }
    left = 0;
    bits = (refused ? REACHED : 0) | (failed ? FAILED : 0) | (is_wrong ? WRONG : 0);
    return bits;
}

static const char rows_sql[] =
    "SELECT count(*), count(DISTINCT key), sum(name = 'name of number ' || (key - 100)), "
    "sum(attrs = '{\"size\":[1,{\"a\":' || (key - 100) || '}],\"seen\":' || (key - 100) || '.5,"
    "\"h\":\"y\",\"o\":{\"n\":\"name of number ' || (key - 100) || '\"}}'), "
    "sum(summary = name || '1795269900000'), sum(parent = 'thing:' || (100 + (key - 100) / 2)), "
    "max(last_status), min(last_status) FROM entity";

static const char *right(const char *status)
{
    static char text[100];

    snprintf(text, sizeof text, "30|30|30|30|30|30|%s|%s", status, status);
    return text;
}

/* Of what a child of this process did: its bits, or EXIT_NO_MEMORY. */
static int in_child(struct fix *f, int (*act)(struct fix *f, long at), long at)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(act(f, at));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status))
        fail_msg("allocation %ld: killed by signal %d", at, WTERMSIG(status));
    return WEXITSTATUS(status);
}

static int poll_twice(struct fix *f, long at)
{
    f->in = fix_open(f);
    fix_sources(f);
    int bits = poll_refused(f, "warn", at);

    if (strcmp(fix_ask(f, 0, rows_sql), right("warn")) != 0 &&
        (!(bits & FAILED) || strcmp(fix_ask(f, 0, rows_sql), right("ok")) != 0)) {
        fprintf(stderr, "allocation %ld: %s\n", at, fix_ask(f, 0, rows_sql));
        bits |= WRONG;
    }
    poll_refused(f, "ok", 0);
    ingest_free(f->in);
    return bits;
}

static void a_poll_without_memory_fails_or_is_right(void **state)
{
    struct fix *f = *state;
    int bits = 0;

    ingest_free(f->in);
    assert_int_equal(poll_twice(f, 0), 0);
    f->in = NULL;
    for (long at = 1; at < 100000; at += 1 + at / 8) {
        bits = in_child(f, poll_twice, at);
        if (bits == EXIT_NO_MEMORY)
            continue;
        if (bits & WRONG)
            fail_msg("allocation %ld: another answer", at);
        if (!(bits & REACHED))
            break;
    }
    assert_false(bits & REACHED);
}

static int count_bad(const struct fix *f)
{
    DIR *d = opendir(f->dir);
    struct dirent *de;
    int n = 0;

    while ((de = readdir(d)))
        n += strstr(de->d_name, ".bad-") != NULL;
    closedir(d);
    return n;
}

static int open_refused(struct fix *f, long at)
{
    struct ingest_opts o = { .store = f->store };
    struct err e = { 0 };

    refused = 0;
    left = at;
    struct ingest *in = ingest_new(&o, NULL, &e);
    left = 0;
    if (in) /* left unclean, so that the next one checks it */
        return refused ? REACHED : 0;
    return (refused ? REACHED : 0) | FAILED;
}

static void a_sound_store_is_not_moved_aside_for_want_of_memory(void **state)
{
    struct fix *f = *state;
    int bits = 0;

    poll_refused(f, "ok", 0);
    ingest_free(f->in);
    f->in = NULL;
    for (long at = 1; at < 100000; at += 1 + at / 8) {
        bits = in_child(f, open_refused, at);
        if (count_bad(f))
            fail_msg("allocation %ld: moved aside", at);
        if (bits != EXIT_NO_MEMORY && !(bits & REACHED))
            break;
    }
    assert_false(bits & REACHED);
    assert_string_equal(fix_ask(f, 0, "SELECT count(*) FROM entity"), "30");
}

static int ask_refused(struct fix *f, long at)
{
    static const char sql[] =
        "SELECT count(*), sum(length(attrs)), sum(attrs->>'h' = 'y'), count(summary), "
        "count(parent),"
        " max(time_auto('2026-11-21T14:05:00Z')), sum(lower(name) = name) FROM entity";
    struct reader *r = NULL;
    struct row_set *rs = NULL;
    struct err e = { 0 };
    struct question q = { .sql = sql };
    static char want[200];

    snprintf(want, sizeof want, "%s", fix_ask(f, 0, sql));
    refused = 0;
    left = at;
    bool ok = reader_open(&f->store, true, &r, &e) && reader_ask(r, &q, &rs, &e);
    left = 0;
    int bits = refused ? REACHED : 0;
    if (ok && (rs->nrows != 1 || strcmp(row_set_at(rs, 0, 0)->text, "30") != 0))
        bits |= WRONG;
    for (size_t i = 0, n = 0; ok && i < rs->ncols; i++) {
        const char *text = row_set_at(rs, 0, (int)i)->text;
        if (strncmp(want + n, text, strlen(text)) != 0)
            bits |= WRONG;
        n += strlen(text) + 1;
    }
    return bits;
}

static void a_question_without_memory_fails_or_is_answered_right(void **state)
{
    struct fix *f = *state;
    int bits = 0;

    fix_sources(f);
    poll_refused(f, "ok", 0);
    ingest_free(f->in);
    f->in = NULL;
    for (long at = 1; at < 100000; at += 1 + at / 8) {
        bits = in_child(f, ask_refused, at);
        if (bits == EXIT_NO_MEMORY)
            continue;
        if (bits & WRONG)
            fail_msg("allocation %ld: another answer", at);
        if (!(bits & REACHED))
            break;
    }
    assert_false(bits & REACHED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_poll_without_memory_fails_or_is_right),
        T(a_sound_store_is_not_moved_aside_for_want_of_memory),
        T(a_question_without_memory_fails_or_is_answered_right),
    };

    hook();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
