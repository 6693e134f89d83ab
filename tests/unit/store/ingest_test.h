/* A store in a directory of its own, an ingest on it and a clock by hand, for the tests of both. */
#ifndef INGEST_TEST_H
#define INGEST_TEST_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/store/ingest.h"
#include "opsdeck/store/query.h"

#define T0 INT64_C(1780000000000)
#define MINUTE INT64_C(60000)

struct fix {
    char dir[64];
    _Atomic int64_t now;
    struct clock clock;
    struct store_opts store;
    struct ingest *in;
    uint64_t gen, cookie;
};

static inline int64_t fix_wall(void *ctx)
{
    struct fix *f = ctx;

    return f->now;
}

static inline struct ingest *fix_open(struct fix *f)
{
    struct err e = { 0 };
    struct ingest_opts o = { .store = f->store };
    struct ingest *in = ingest_new(&o, NULL, &e);

    if (!in)
        fail_msg("%s", e.text);
    return in;
}

static inline int fix_setup(void **state)
{
    struct fix *f = calloc(1, sizeof *f);

    snprintf(f->dir, sizeof f->dir, "/tmp/opsdeck-test-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    f->now = T0;
    f->clock = (struct clock){ .wall_ms = fix_wall, .mono_ms = fix_wall, .ctx = f };
    f->store = (struct store_opts){
        .dir = f->dir, .keep_ms = 30 * 24 * 60 * MINUTE, .max_bytes = 1 << 30, .clock = &f->clock
    };
    f->in = fix_open(f);
    *state = f;
    return 0;
}

static inline int fix_teardown(void **state)
{
    struct fix *f = *state;
    static const char *const names[] = { "opsdeck.db", "opsdeck.db-wal", "opsdeck.db-shm" };
    char path[128];

    ingest_free(f->in);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
        unlink(path);
    }
    rmdir(f->dir);
    free(f);
    return 0;
}

/* A step of one kind, `is_complete`, from an array of objects. */
struct thing_step {
    struct map_rows rows;
    struct map_step step;
};

static inline void thing_step_init(struct thing_step *t, const char *name)
{
    static const char *const vol[] = { "seen", NULL };

    *t = (struct thing_step){ 0 };
    t->rows = (struct map_rows){
        .kind = "thing",
        .is_complete = true,
        .volatile_cols = vol,
        .sql = { .sql = "SELECT value->>'k' AS key, value->>'n' AS name, value->>'s' AS status, "
                        "value->>'v' AS size, value->>'t' AS seen, value->>'p' AS parent "
                        "FROM json_each(:body)",
                 .file = "t.yaml",
                 .line = 1,
                 .col = 1 },
    };
    t->step = (struct map_step){ .source = "s",
                                 .step = name,
                                 .format = MAP_JSON,
                                 .expect = MAP_EXPECT_ARRAY,
                                 .rows = &t->rows,
                                 .nrows = 1,
                                 .body_max = 1 << 20,
                                 .fingerprint = 7 };
}

/* Submit a copy of `proto` and wait for its result. */
static inline struct ingest_result *fix_do(struct fix *f, struct ingest *in,
                                           struct ingest_job proto)
{
    struct ingest_job *job = xcalloc(1, sizeof *job);
    struct ingest_result *r;

    *job = proto;
    job->cookie = ++f->cookie;
    if (!job->source)
        job->source = "s";
    job->gen = f->gen;
    ingest_submit(in, job);
    r = ingest_wait(in);
    assert_non_null(r);
    assert_int_equal(r->cookie, f->cookie);
    return r;
}

static inline void fix_done(struct fix *f, struct ingest_job proto)
{
    struct ingest_result *r = fix_do(f, f->in, proto);

    if (r->err.code)
        fail_msg("%s", r->err.text);
    ingest_result_free(r);
}

static inline void fix_sources(struct fix *f)
{
    static const struct ingest_source list[] = { { "s", "r", "http://x", "{\"env\":\"live\"}",
                                                   5 * MINUTE, false } };

    fix_done(f, (struct ingest_job){ .type = INGEST_SOURCES, .sources = list, .nsources = 1 });
}

static inline void fix_begin(struct fix *f)
{
    f->gen++;
    fix_done(f, (struct ingest_job){ .type = INGEST_BEGIN });
}

static inline struct ingest_result *fix_map(struct fix *f, const struct map_step *s,
                                            const char *body)
{
    return fix_do(f, f->in,
                  (struct ingest_job){ .type = INGEST_MAP,
                                       .step = s,
                                       .item = "",
                                       .body = xstrdup(body),
                                       .body_len = strlen(body),
                                       .http_status = 200,
                                       .etag = "\"e\"" });
}

static inline struct ingest_result *fix_commit(struct fix *f, const struct map_step *s)
{
    return fix_do(
        f, f->in,
        (struct ingest_job){ .type = INGEST_COMMIT, .step = s, .observed_from_ms = f->now });
}

/* One whole poll of one step; the commit's result. */
static inline struct ingest_result *fix_poll(struct fix *f, const struct map_step *s,
                                             const char *body)
{
    fix_begin(f);
    struct ingest_result *r = fix_map(f, s, body);
    if (r->err.code)
        fail_msg("%s", r->err.text);
    ingest_result_free(r);
    r = fix_commit(f, s);
    if (r->err.code)
        fail_msg("%s", r->err.text);
    fix_done(f, (struct ingest_job){ .type = INGEST_DROP });
    fix_done(f, (struct ingest_job){ .type = INGEST_STATE,
                                     .state = { .is_ok = true, .at_ms = f->now } });
    return r;
}

/* A step that was asked in vain. */
static inline void fix_look(struct fix *f, const struct map_step *s, const char *code,
                            const char *text, int64_t ms)
{
    fix_done(f, (struct ingest_job){ .type = INGEST_LOOK,
                                     .source = s->source,
                                     .step = s,
                                     .observed_from_ms = f->now,
                                     .step_ms = ms,
                                     .look_code = code,
                                     .look_text = text });
}

static inline void fix_counts(struct fix *f, const struct map_step *s, const char *body, int opened,
                              int changed, int closed)
{
    struct ingest_result *r = fix_poll(f, s, body);

    assert_int_equal(r->commit.opened, opened);
    assert_int_equal(r->commit.changed, changed);
    assert_int_equal(r->commit.closed, closed);
    ingest_result_free(r);
}

/* The answer as "a|b;c|d": columns by |, rows by ;. Freed by the next call. */
static inline const char *fix_ask(struct fix *f, int64_t at, const char *sql)
{
    static char text[4096];
    struct reader *r;
    struct row_set *rs;
    struct err e = { 0 };
    struct question q = { .sql = sql, .at_ms = at };
    size_t n = 0;

    if (!reader_open(&f->store, true, &r, &e))
        fail_msg("%s", e.text);
    text[0] = '\0';
    if (!reader_ask(r, &q, &rs, &e)) {
        snprintf(text, sizeof text, "%s: %s", err_word(e.code), e.text);
    } else {
        for (size_t i = 0; i < rs->nrows; i++)
            for (size_t c = 0; c < rs->ncols; c++)
                n += (size_t)snprintf(text + n, n < sizeof text ? sizeof text - n : 0, "%s%s",
                                      c   ? "|"
                                      : i ? ";"
                                          : "",
                                      row_set_at(rs, i, (int)c)->text);
        row_set_free(rs);
    }
    reader_free(r);
    return text;
}

#endif
