/*
 * What goes when: history older than the time it is kept, the oldest history while the file is
 * too large, answers that nothing asks for any more, and the empty pages they leave. Small
 * transactions, so that commits and readers do not wait; what is left is done next time.
 */
#include "store_priv.h"

#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

enum {
    BATCH_ROWS = 2000,
    BATCH_PAGES = 512,
    FREE_PAGES_KEPT = 1024 /* the next rows take them again */
};

static const int64_t ANSWER_GRACE_MS = 24 * 3600 * 1000;

struct retention {
    struct ingest_db *in;
    bool (*is_wanted)(void *ctx);
    void *ctx;
    int64_t now;
    bool is_stopped; /* another job waits */
    int64_t removed;
};

static bool may_go_on(struct retention *r)
{
    if (!r->is_stopped && r->is_wanted && r->is_wanted(r->ctx))
        r->is_stopped = true;
    return !r->is_stopped;
}

/* One transaction; *n rows went. */
static bool remove_batch(struct retention *r, const char *sql, int64_t a, int64_t b, int64_t *n,
                         struct err *e)
{
    if (!ingest_begin(r->in, e) || !db_do(&r->in->db, e, sql, "ii", a, b)) {
        db_rollback(&r->in->db);
        return false;
    }
    *n = sqlite3_changes(r->in->db.h);
    if (!db_commit(&r->in->db, e)) {
        db_rollback(&r->in->db);
        return false;
    }
    r->removed += *n;
    return true;
}

static bool remove_all(struct retention *r, const char *sql, int64_t a, struct err *e)
{
    int64_t n = BATCH_ROWS;

    while (n >= BATCH_ROWS && may_go_on(r))
        if (!remove_batch(r, sql, a, BATCH_ROWS, &n, e))
            return false;
    return true;
}

static const char sql_old_versions[] =
    "DELETE FROM version WHERE (entity, valid_from) IN (SELECT entity, valid_from FROM version "
    "WHERE valid_to IS NOT NULL AND valid_to < ?1 ORDER BY valid_to LIMIT ?2)";
/* The latest run of a step and outcome stays: it says when its rows were seen last. */
static const char sql_old_runs[] =
    "DELETE FROM look WHERE (source, step, from_ms) IN (SELECT source, step, from_ms FROM look AS "
    "o WHERE to_ms < ?1 AND from_ms < (SELECT max(from_ms) FROM look AS l WHERE l.source = "
    "o.source AND l.step = o.step AND l.outcome = o.outcome) LIMIT ?2)";
static const char sql_orphans[] =
    "DELETE FROM entity_id WHERE ?1 AND id IN (SELECT id FROM entity_id AS i WHERE NOT EXISTS "
    "(SELECT 1 FROM version WHERE entity = i.id) LIMIT ?2)";
/* Items that the latest polls of their step did not ask for. */
static const char sql_old_answers[] =
    "DELETE FROM answer WHERE id IN (SELECT id FROM answer AS a WHERE seen < (SELECT max(seen) "
    "FROM answer AS l WHERE l.source = a.source AND l.step = a.step) - ?1 LIMIT ?2)";
static const char sql_bodies[] =
    "DELETE FROM answer_body WHERE ?1 AND id IN (SELECT id FROM answer_body WHERE id NOT IN "
    "(SELECT id FROM answer) LIMIT ?2)";

static bool remove_old(struct retention *r, struct err *e)
{
    int64_t before = r->now - r->in->opts.keep_ms;

    if (r->in->opts.keep_ms > 0 &&
        (!remove_all(r, sql_old_versions, before, e) || !remove_all(r, sql_old_runs, before, e)))
        return false;
    return remove_all(r, sql_old_answers, ANSWER_GRACE_MS, e) && remove_all(r, sql_bodies, 1, e);
}

/* ---- size */

static bool pages(struct retention *r, int64_t *used, int64_t *unused, int64_t *size, struct err *e)
{
    int64_t all;

    if (!db_int(&r->in->db, e, &all, 0, "PRAGMA page_count", "") ||
        !db_int(&r->in->db, e, unused, 0, "PRAGMA freelist_count", "") ||
        !db_int(&r->in->db, e, size, 4096, "PRAGMA page_size", ""))
        return false;
    *used = all - *unused;
    return true;
}

static bool remove_while_large(struct retention *r, struct err *e)
{
    int64_t used, unused, size, n;

    while (r->in->opts.max_bytes > 0 && may_go_on(r)) {
        if (!pages(r, &used, &unused, &size, e))
            return false;
        if (used * size <= r->in->opts.max_bytes)
            return true;
        if (!remove_batch(r, sql_old_versions, INT64_MAX, BATCH_ROWS, &n, e))
            return false;
        if (n == 0) {
            log_add(LOG_WARN, "store",
                    "the cache uses %lld MiB without any history left, more than store.max_size; "
                    "raise it or poll less",
                    (long long)(used * size >> 20));
            return true;
        }
    }
    return true;
}

static bool give_back_pages(struct retention *r, struct err *e)
{
    int64_t used, unused, size, before = -1;
    char sql[64];

    while (may_go_on(r)) {
        if (!pages(r, &used, &unused, &size, e))
            return false;
        bool is_large = r->in->opts.max_bytes > 0 && (used + unused) * size > r->in->opts.max_bytes;
        int64_t keep = is_large ? 0 : FREE_PAGES_KEPT;
        if (unused <= keep || unused == before)
            return true;
        before = unused;
        sqlite3_snprintf(sizeof sql, sql, "PRAGMA incremental_vacuum(%d)",
                         (int)(unused - keep < BATCH_PAGES ? unused - keep : BATCH_PAGES));
        if (!db_exec(&r->in->db, sql, e))
            return false;
    }
    return true;
}

bool retention_run(struct ingest_db *in, bool (*is_wanted)(void *ctx), void *ctx, struct err *e)
{
    require(in && is_wanted);
    struct retention r = { .in = in, .is_wanted = is_wanted, .ctx = ctx, .now = ingest_now(in) };

    if (!remove_old(&r, e) || !remove_while_large(&r, e))
        return err_ctx(e, "remove old history");
    if ((r.removed && !remove_all(&r, sql_orphans, 1, e)) || !give_back_pages(&r, e))
        return err_ctx(e, "make the cache smaller");
    if (!may_go_on(&r))
        return true;
    return db_exec(&in->db, "PRAGMA optimize", e) || err_ctx(e, "tend the cache");
}
