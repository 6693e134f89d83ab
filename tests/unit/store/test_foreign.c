/* What a server says back of our secrets: hidden before anything is cut, hashed or kept. */
#include "ingest_test.h"

#include <sqlite3.h>

#include "opsdeck/base/hide.h"
#include "opsdeck/base/sbuf.h"

#include "../../../src/store/store_priv.h"

static const char canary[] = "CANARY-0123456789";
enum {
    SHOWN_MAX = 4 /* bytes of it that may be seen */
};

static size_t hide_canary(char *s, size_t n)
{
    char *at;

    while ((at = memmem(s, n, canary, sizeof canary - 1))) {
        size_t behind = n - (size_t)(at - s) - (sizeof canary - 1);
        memcpy(at, "***", 3);
        memmove(at + 3, at + sizeof canary - 1, behind + 1);
        n -= sizeof canary - 1 - 3;
    }
    return n;
}

static void hide_canary_text(struct sbuf *text)
{
    text->len = hide_canary(text->buf, text->len);
}

static const struct hide_hooks hooks = { .values = hide_canary, .text = hide_canary_text };

static int set_up(void **state)
{
    hide_set_hooks(&hooks);
    return fix_setup(state);
}

static int tear_down(void **state)
{
    hide_set_hooks(NULL);
    return fix_teardown(state);
}

static void shows_nothing(const char *text, size_t n, const char *where, size_t at)
{
    char part[SHOWN_MAX + 2] = { 0 };

    memcpy(part, canary, SHOWN_MAX + 1);
    if (memmem(text, n, part, SHOWN_MAX + 1))
        fail_msg("%s shows the secret at offset %zu", where, at);
}

static void in_text(const char *text, const char *where, size_t at)
{
    shows_nothing(text, strlen(text), where, at);
}

/* [{"k":"a","n":"xxx...CANARY-..."}] with `pad` letters before it. */
static char *body_with(size_t pad)
{
    struct sbuf sb;

    sbuf_init(&sb, 1 << 20);
    sbuf_adds(&sb, "[{\"k\":\"a\",\"n\":\"");
    for (size_t i = 0; i < pad; i++)
        sbuf_addc(&sb, 'x');
    sbuf_addf(&sb, "%s\",\"v\":\"%s\"}]", canary, canary);
    char *body = sbuf_detach(&sb, NULL);
    sbuf_release(&sb);
    return body;
}

static void file_shows_nothing(struct fix *f, const char *name)
{
    char path[128];
    struct sbuf sb;

    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    sbuf_init(&sb, 64 << 20);
    assert_true(sbuf_add_fd(&sb, fileno(file)));
    fclose(file);
    shows_nothing(sb.buf, sb.len, name, 0);
    sbuf_release(&sb);
}

static void check_body(struct fix *f, size_t pad)
{
    char path[128], *body;
    sqlite3 *h;
    sqlite3_stmt *st;
    size_t n;

    snprintf(path, sizeof path, "%s/opsdeck.db", f->dir);
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(h, "SELECT body FROM answer_body", -1, &st, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(zip_unpack(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0),
                                1 << 20, &body, &n),
                     ZIP_OK);
    shows_nothing(body, n, "the kept body", pad);
    assert_non_null(memmem(body, n, "***", 3));
    free(body);
    sqlite3_finalize(st);
    sqlite3_close(h);
}

static void check_kept(struct fix *f, size_t pad)
{
    struct reader *r;
    struct row_set *rs;
    struct err e = { 0 };
    struct question q = { .sql = "SELECT name, attrs FROM entity" };

    assert_true(reader_open(&f->store, false, &r, &e));
    assert_true(reader_ask(r, &q, &rs, &e));
    assert_int_equal(rs->nrows, 1);
    in_text(row_set_text(rs, 0, "name"), "name", pad);
    in_text(row_set_text(rs, 0, "attrs"), "attrs", pad);
    row_set_free(rs);
    reader_free(r);
    check_body(f, pad);
}

static void an_echo_in_the_answer_is_kept_nowhere_wherever_it_is_cut(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    fix_sources(f);
    for (size_t pad = 4096 - sizeof canary - 4; pad < 4100; pad++) {
        char *body = body_with(pad);
        ingest_result_free(fix_poll(f, &t.step, body));
        check_kept(f, pad);
        free(body);
        f->now += MINUTE;
    }
    file_shows_nothing(f, "opsdeck.db");
    file_shows_nothing(f, "opsdeck.db-wal");
}

static void an_echo_in_another_charset_reaches_no_row(void **state)
{
    struct fix *f = *state;
    struct thing_step t;
    char *body = body_with(3), wide[1024] = { 0 };
    size_t n = strlen(body);

    thing_step_init(&t, "list");
    t.step.is_sensitive = true;
    fix_sources(f);
    for (size_t i = 0; i < n; i++)
        wide[2 * i] = body[i];
    char *copy = xcalloc(1, 2 * n + 1);
    memcpy(copy, wide, 2 * n);
    fix_begin(f);
    fix_done(f, (struct ingest_job){ .type = INGEST_MAP,
                                     .step = &t.step,
                                     .item = "",
                                     .body = copy,
                                     .body_len = 2 * n,
                                     .content_type = "application/json; charset=utf-16le" });
    ingest_result_free(fix_commit(f, &t.step));
    assert_non_null(strstr(fix_ask(f, 0, "SELECT name FROM entity"), "xxx***"));
    file_shows_nothing(f, "opsdeck.db-wal");
    free(body);
}

static void an_error_quotes_no_part_of_it(void **state)
{
    struct fix *f = *state;
    struct thing_step t;

    thing_step_init(&t, "list");
    t.rows.sql.sql = "SELECT 'k' AS key, fail(value->>'n') AS x FROM json_each(:body)";
    fix_sources(f);
    fix_begin(f);
    for (size_t pad = 300; pad < 530; pad++) {
        char *body = body_with(pad);
        struct ingest_result *r = fix_map(f, &t.step, body);
        assert_int_equal(r->err.code, ERR_MAP);
        in_text(r->err.text, "the error", pad);
        ingest_result_free(r);
        free(body);
    }
}

static char *kept_headers(struct fix *f)
{
    char path[128];
    sqlite3 *h;
    sqlite3_stmt *st;

    snprintf(path, sizeof path, "%s/opsdeck.db", f->dir);
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(h, "SELECT headers FROM answer", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    const char *s = (const char *)sqlite3_column_text(st, 0);
    char *out = s ? strdup(s) : NULL;
    sqlite3_finalize(st);
    sqlite3_close(h);
    return out;
}

static void poll_with_headers(struct fix *f, struct thing_step *t, const char *sql,
                              const char *next)
{
    char headers[256];

    snprintf(headers, sizeof headers, "{\"x-a\":\"1 %s\",\"x-b\":\"two\",\"x-c\":\"three\"}",
             canary);
    thing_step_init(t, "list");
    t->rows.volatile_cols = NULL;
    t->rows.sql.sql = sql;
    t->step.next.sql = next;
    fix_begin(f);
    fix_done(f, (struct ingest_job){ .type = INGEST_MAP,
                                     .step = &t->step,
                                     .item = "",
                                     .body = xstrdup("[]"),
                                     .body_len = 2,
                                     .headers_json = headers });
    ingest_result_free(fix_commit(f, &t->step));
    f->now += MINUTE;
}

static void only_headers_that_the_sql_names_are_kept(void **state)
{
    struct fix *f = *state;
    struct thing_step t;
    char *kept;

    fix_sources(f);
    poll_with_headers(f, &t, "SELECT 'k' AS key, header ( 'X-A' ) AS a, 'header(''x-b'')' AS b",
                      NULL);
    kept = kept_headers(f);
    assert_string_equal(kept, "{\"x-a\":\"1 ***\"}");
    free(kept);
    assert_string_equal(fix_ask(f, 0, "SELECT attrs->>'a' FROM entity"), "1 ***");
    poll_with_headers(f, &t, "SELECT 'k' AS key /* header('x-c') */", NULL);
    assert_null(kept_headers(f));
    poll_with_headers(f, &t, "SELECT 'k' AS key", "SELECT header('X-C')");
    kept = kept_headers(f);
    assert_string_equal(kept, "{\"x-c\":\"three\"}");
    free(kept);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(an_echo_in_the_answer_is_kept_nowhere_wherever_it_is_cut),
        T(an_echo_in_another_charset_reaches_no_row),
        T(an_error_quotes_no_part_of_it),
        T(only_headers_that_the_sql_names_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
