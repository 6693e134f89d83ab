/*
 * One step of a generation against the cache, in one transaction: rows that changed close their
 * version and open the next, rows that a complete list no longer names end, and the time of
 * observation moves on. Unchanged rows write nothing. Called on the ingest thread only.
 */
#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

struct commit {
    struct ingest_db *in;
    const struct commit_request *rq;
    struct ingest_result *out;
    int64_t now, observed, last_seen; /* last_seen: by this step before, 0: never */
};

static const char *source_of(const struct commit *c)
{
    return c->rq->step->source;
}

static const char sql_open[] =
    "INSERT INTO version(entity, valid_from, name, status, summary, since, parent, url, attrs, "
    "hash, vhash, open_after, cause, seal) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
    "nullif(?12, 0), 'poll', row_seal(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11))";
static const char sql_refresh[] =
    "UPDATE version SET name = ?3, status = ?4, summary = ?5, since = ?6, parent = ?7, url = ?8, "
    "attrs = ?9, hash = ?10, vhash = ?11, seal = row_seal(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
    "?11) WHERE entity = ?1 AND valid_from = ?2";
static const char sql_close[] =
    "UPDATE version SET valid_to = ?3, close_after = nullif(?4, 0) WHERE entity = ?1 AND "
    "valid_from = ?2";

static bool write_row(struct commit *c, const char *sql, int64_t entity, int64_t from,
                      const struct staged *r, struct err *e)
{
    struct db *db = &c->in->db;
    sqlite3_stmt *st = db_query(db, e, sql, "iisss", entity, from, r->name, r->status, r->summary);

    if (!st)
        return false;
    if ((r->has_since && sqlite3_bind_int64(st, 6, r->since) != SQLITE_OK) ||
        sqlite3_bind_text(st, 7, r->parent, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_text(st, 8, r->url, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_text(st, 9, r->attrs ? r->attrs : "{}", -1, SQLITE_STATIC) != SQLITE_OK)
        return db_fail(db, e, "give a row its values");
    sqlite3_bind_int64(st, 10, (int64_t)r->hash);
    sqlite3_bind_int64(st, 11, (int64_t)r->vhash);
    if (sqlite3_bind_parameter_count(st) >= 12)
        sqlite3_bind_int64(st, 12, c->last_seen);
    return db_step(db, st, e) == 0;
}

static bool close_version(struct commit *c, int64_t entity, int64_t from, int64_t at, struct err *e)
{
    return db_do(&c->in->db, e, sql_close, "iiii", entity, from, at, c->last_seen);
}

/* The id of a row's key; made when new. Its step is the one that staged it last. */
static bool find_entity(struct commit *c, const struct staged *r, int64_t *id, bool *is_new,
                        struct err *e)
{
    struct db *db = &c->in->db;
    const char *step = c->rq->step->step;
    sqlite3_stmt *st = db_query(
        db, e, "SELECT id, step FROM entity_id WHERE source = ?1 AND kind = ?2 AND key = ?3", "sss",
        source_of(c), r->kind, r->key);
    int rc = st ? db_step(db, st, e) : -1;

    *is_new = rc == 0;
    if (rc < 0)
        return false;
    if (rc == 1) {
        *id = sqlite3_column_int64(st, 0);
        bool is_same = !strcmp(db_text(st, 1), step);
        sqlite3_reset(st);
        return is_same ||
               db_do(db, e, "UPDATE entity_id SET step = ?2 WHERE id = ?1", "is", *id, step);
    }
    if (!db_do(db, e, "INSERT INTO entity_id(source, kind, key, step) VALUES(?1, ?2, ?3, ?4)",
               "ssss", source_of(c), r->kind, r->key, step))
        return false;
    *id = sqlite3_last_insert_rowid(db->h);
    return true;
}

static bool open_row(struct commit *c, int64_t id, bool is_new, const struct staged *r,
                     struct err *e)
{
    int64_t last = -1;

    /* A key that comes back starts later than its end, else the two would read as one change. */
    if (!is_new &&
        !db_int(&c->in->db, e, &last, -1,
                "SELECT max(max(valid_from, coalesce(valid_to, 0))) FROM version WHERE entity = ?1",
                "i", id))
        return false;
    c->out->commit.opened++;
    return write_row(c, sql_open, id, c->now > last ? c->now : last + 1, r, e);
}

static bool store_row(struct commit *c, const struct staged *r, struct err *e)
{
    struct db *db = &c->in->db;
    int64_t id;
    bool is_new;

    if (!find_entity(c, r, &id, &is_new, e))
        return false;
    sqlite3_stmt *st = is_new ? NULL
                              : db_query(db, e,
                                         "SELECT valid_from, hash, vhash, seal IS NULL, seal IS "
                                         "NOT " SEAL_OF_ROW " FROM version WHERE entity = ?1 AND "
                                         "valid_to IS NULL",
                                         "i", id);
    int rc = is_new ? 0 : st ? db_step(db, st, e) : -1;
    if (rc <= 0)
        return rc == 0 && open_row(c, id, is_new, r, e);
    int64_t from = sqlite3_column_int64(st, 0);
    bool is_same = (uint64_t)sqlite3_column_int64(st, 1) == r->hash,
         is_same_volatile = (uint64_t)sqlite3_column_int64(st, 2) == r->vhash,
         is_unsealed = sqlite3_column_int(st, 3) != 0,
         is_broken = !is_unsealed && sqlite3_column_int(st, 4) != 0;
    sqlite3_reset(st);
    if (is_broken) { /* a bit has turned: what it says is put right, nothing has changed */
        log_add(LOG_WARN, "store", "%s/%s:%s was damaged in the cache, written anew", source_of(c),
                r->kind, r->key);
        return write_row(c, sql_refresh, id, from, r, e);
    }
    if (is_same && is_unsealed)
        return write_row(c, sql_refresh, id, from, r, e);
    if (is_same)
        return is_same_volatile || write_row(c, sql_refresh, id, from, r, e);
    int64_t at = c->now > from ? c->now : from + 1;
    c->out->commit.changed++;
    return close_version(c, id, from, at, e) && write_row(c, sql_open, id, at, r, e);
}

static bool is_passing(const char *kind)
{
    return kind[0] == '_'; /* staged for later steps, never kept */
}

static bool store_rows(struct commit *c, struct err *e)
{
    struct sandbox *sb = c->rq->sb;
    sqlite3_stmt *st = stage_rows(sb, c->rq->step->step, e);
    int rc;

    if (!st)
        return false;
    while ((rc = db_step(&sb->db, st, e)) == 1) {
        struct staged r = { 0 };
        stage_read(st, &r);
        if (is_passing(r.kind))
            continue;
        c->out->commit.rows++;
        if (!store_row(c, &r, e)) {
            sqlite3_reset(st);
            return false;
        }
    }
    return rc == 0;
}

/* ---- rows that a complete list no longer names */

struct gone {
    int64_t entity, from;
};

/* Open rows of the kind whose key no step of this generation staged; *open counts all. */
static bool find_gone(struct commit *c, const char *kind, struct gone **list, size_t *n,
                      int64_t *open, struct err *e)
{
    struct db *db = &c->in->db;
    size_t cap = 0;
    int rc;
    sqlite3_stmt *st = db_query(db, e,
                                "SELECT i.id, i.key, v.valid_from FROM entity_id i CROSS JOIN "
                                "version v ON v.entity = i.id AND v.valid_to IS NULL "
                                "WHERE i.source = ?1 AND i.kind = ?2",
                                "ss", source_of(c), kind);

    if (!st)
        return false;
    while ((rc = db_step(db, st, e)) == 1) {
        bool is_there;
        ++*open;
        if (!stage_has(c->rq->sb, kind, db_text(st, 1), &is_there, e)) {
            sqlite3_reset(st);
            return false;
        }
        if (is_there)
            continue;
        VEC_GROW(*list, *n, cap);
        (*list)[(*n)++] = (struct gone){ sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 2) };
    }
    return rc == 0;
}

/* Whether a fall to none is to be believed; a first one is written down instead. */
static bool settle_doubt(struct commit *c, size_t rule, int64_t staged, int64_t open,
                         bool *is_believed, struct err *e)
{
    struct db *db = &c->in->db;
    const char *kind = c->rq->step->rows[rule].kind;
    int64_t is_doubted;

    *is_believed = staged > 0 || open <= DOUBT_ROWS;
    if (!db_int(db, e, &is_doubted, 0, "SELECT 1 FROM doubt WHERE source = ?1 AND kind = ?2", "ss",
                source_of(c), kind))
        return false;
    if (!*is_believed && is_doubted && !c->rq->is_doubt_new[rule])
        *is_believed = true;
    if (*is_believed)
        return !is_doubted || db_do(db, e, "DELETE FROM doubt WHERE source = ?1 AND kind = ?2",
                                    "ss", source_of(c), kind);
    c->out->commit.is_doubted = true;
    c->rq->is_doubt_new[rule] = true;
    return db_do(db, e, "INSERT OR REPLACE INTO doubt VALUES(?1, ?2, ?3)", "ssi", source_of(c),
                 kind, c->now);
}

static bool end_rows(struct commit *c, size_t rule, struct err *e)
{
    const char *kind = c->rq->step->rows[rule].kind;
    struct gone *list = NULL;
    size_t n = 0;
    int64_t open = 0, staged;
    bool is_believed = true;

    bool ok = stage_kind_count(c->rq->sb, kind, &staged, e) &&
              find_gone(c, kind, &list, &n, &open, e) &&
              settle_doubt(c, rule, staged, open, &is_believed, e);
    for (size_t i = 0; i < n && ok && is_believed; i++) {
        int64_t at = c->now > list[i].from ? c->now : list[i].from + 1;
        ok = close_version(c, list[i].entity, list[i].from, at, e);
        c->out->commit.closed++;
    }
    free(list);
    return ok;
}

static bool is_listed_before(const struct map_step *s, size_t rule)
{
    for (size_t i = 0; i < rule; i++)
        if (s->rows[i].is_complete && !strcmp(s->rows[i].kind, s->rows[rule].kind))
            return true;
    return false;
}

static bool end_kinds(struct commit *c, struct err *e)
{
    const struct map_step *s = c->rq->step;

    for (size_t i = 0; i < s->nrows && c->rq->may_end_rows; i++)
        if (s->rows[i].is_complete && !is_passing(s->rows[i].kind) && !is_listed_before(s, i) &&
            !end_rows(c, i, e))
            return false;
    return true;
}

static bool note_look(struct commit *c, struct err *e)
{
    const struct look l = {
        .source = source_of(c),
        .step = c->rq->step->step,
        /* A fall that is doubted is no evidence that the rows kept still hold. */
        .outcome = c->out->commit.is_doubted ? LOOK_DOUBTED : LOOK_ANSWERED,
        .at_ms = c->observed,
        .ms = c->rq->ms,
    };

    return look_add(c->in, &l, e);
}

static bool commit_parts(struct commit *c, struct err *e)
{
    const struct commit_request *rq = c->rq;
    const char *source = rq->step->source, *step = rq->step->step;

    if ((rq->holder && !lease_check(c->in, source, rq->holder, rq->epoch, e)) ||
        !look_last_answered(c->in, source, step, &c->last_seen, e))
        return false;
    if (c->last_seen > c->now)
        c->last_seen = 0;
    return store_rows(c, e) && end_kinds(c, e) && note_look(c, e) &&
           answers_write(c->in, rq->step, rq->answers, c->now, e) && db_commit(&c->in->db, e);
}

bool commit_step(struct ingest_db *in, const struct commit_request *rq, struct ingest_result *out,
                 struct err *e)
{
    require(in && rq && out);
    require(rq->step);
    struct commit c = { .in = in, .rq = rq, .out = out, .now = ingest_now(in) };
    size_t n = rq->step->nrows;
    bool *doubts = xcalloc(n + 1, sizeof *doubts);

    c.observed = rq->observed_ms > 0 && rq->observed_ms < c.now ? rq->observed_ms : c.now;
    memcpy(doubts, rq->is_doubt_new, n * sizeof *doubts);
    bool ok = ingest_begin(in, e) && commit_parts(&c, e);
    if (!ok) {
        db_rollback(&in->db);
        memcpy(rq->is_doubt_new, doubts, n * sizeof *doubts);
        memset(&out->commit, 0, sizeof out->commit);
    }
    free(doubts);
    if (!ok)
        return err_ctx(e, "rows of %s, step %s", rq->step->source, rq->step->step);
    return stage_mark_committed(rq->sb, rq->step->step, e);
}
