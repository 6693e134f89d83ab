/*
 * Kept answers: the latest body of each item of a step, compressed, with its validators. They
 * are for 304 answers (mapped again), for the raw view and for provenance; sensitive steps
 * keep none.
 */
#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

enum {
    STATUS_KEPT = -1 /* the kept body was used again: what is known of it stays */
};

static char *dup_or_null(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

static int64_t hash_body(const struct ingest_db *in, const void *body, size_t n)
{
    struct siphash h;

    siphash_init(&h, in->hash_key);
    siphash_add(&h, body, n);
    return (int64_t)siphash_end(&h);
}

/* *is_kept: the store holds this very body for the item already. */
static bool has_body(struct ingest_db *in, const struct ingest_job *job, int64_t hash,
                     bool *is_kept, struct err *e)
{
    int64_t found;

    if (!db_int(&in->db, e, &found, 0,
                "SELECT 1 FROM answer JOIN answer_body USING(id) WHERE source = ?1 AND step = ?2 "
                "AND item = ?3 AND body_hash = ?4 AND bytes = ?5",
                "sssii", job->step->source, job->step->step, job->item ? job->item : "", hash,
                (int64_t)job->body_len))
        return false;
    *is_kept = found != 0;
    return true;
}

struct kept_answer *answer_new(struct ingest_db *in, const struct ingest_job *job, struct err *e)
{
    require(in && job && job->step);
    struct kept_answer *a;
    int64_t hash = 0;
    bool is_kept = true;
    char *headers;

    if (!foreign_headers(in, job->step, job->headers_json, &headers, e))
        return NULL;
    if (job->body) {
        hash = hash_body(in, job->body, job->body_len);
        if (!has_body(in, job, hash, &is_kept, e)) {
            free(headers);
            return NULL;
        }
    }
    a = xcalloc(1, sizeof *a);
    a->step = xstrdup(job->step->step);
    a->item = xstrdup(job->item ? job->item : "");
    a->etag = dup_or_null(job->etag);
    a->last_modified = dup_or_null(job->last_modified);
    a->content_type = dup_or_null(job->content_type);
    a->headers = headers;
    a->http_status = job->body ? job->http_status : STATUS_KEPT;
    a->fingerprint = job->step->fingerprint;
    a->body_hash = hash;
    a->nbody = job->body_len;
    if (!is_kept)
        a->packed = zip_pack(job->body, job->body_len, &a->npacked);
    return a;
}

void answers_free(struct kept_answer *list)
{
    while (list) {
        struct kept_answer *next = list->next;
        free(list->step);
        free(list->item);
        free(list->etag);
        free(list->last_modified);
        free(list->content_type);
        free(list->headers);
        free(list->packed);
        free(list);
        list = next;
    }
}

/* ---- writing, inside the transaction of a commit */

static bool write_used_again(struct ingest_db *in, const char *source, const struct kept_answer *a,
                             int64_t now_ms, struct err *e)
{
    return db_do(&in->db, e,
                 "UPDATE answer SET seen = ?4, etag = coalesce(?5, etag), "
                 "last_modified = coalesce(?6, last_modified) "
                 "WHERE source = ?1 AND step = ?2 AND item = ?3",
                 "sssiss", source, a->step, a->item, now_ms, a->etag, a->last_modified);
}

static bool write_one(struct ingest_db *in, const char *source, const struct kept_answer *a,
                      int64_t now_ms, struct err *e)
{
    int64_t id;

    if (a->http_status == STATUS_KEPT)
        return write_used_again(in, source, a, now_ms, e);
    sqlite3_stmt *st = db_query(
        &in->db, e,
        "INSERT INTO answer(source, step, item, at, seen, etag, last_modified, fingerprint, "
        "content_type, http_status, headers, bytes, body_hash) "
        "VALUES(?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) "
        "ON CONFLICT(source, step, item) DO UPDATE SET at = excluded.at, seen = excluded.seen, "
        "etag = excluded.etag, last_modified = excluded.last_modified, "
        "fingerprint = excluded.fingerprint, content_type = excluded.content_type, "
        "http_status = excluded.http_status, headers = excluded.headers, bytes = excluded.bytes, "
        "body_hash = excluded.body_hash RETURNING id",
        "sssissisis", source, a->step, a->item, now_ms, a->etag, a->last_modified,
        (int64_t)a->fingerprint, a->content_type, (int64_t)a->http_status, a->headers);
    if (!st)
        return false;
    sqlite3_bind_text(st, 10, a->headers, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 11, (int64_t)a->nbody);
    sqlite3_bind_int64(st, 12, a->body_hash);
    if (db_step(&in->db, st, e) != 1)
        return false;
    id = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return !a->packed || db_do(&in->db, e, "INSERT OR REPLACE INTO answer_body VALUES(?1, ?2)",
                               "ib", id, a->packed, a->npacked);
}

bool answers_write(struct ingest_db *in, const struct map_step *step,
                   const struct kept_answer *list, int64_t now_ms, struct err *e)
{
    require(in && step);
    /* A step that has become sensitive leaves nothing behind. */
    if (step->is_sensitive)
        return db_do(&in->db, e,
                     "DELETE FROM answer_body WHERE id IN (SELECT id FROM answer WHERE source = ?1 "
                     "AND step = ?2)",
                     "ss", step->source, step->step) &&
               db_do(&in->db, e, "DELETE FROM answer WHERE source = ?1 AND step = ?2", "ss",
                     step->source, step->step);
    for (const struct kept_answer *a = list; a; a = a->next)
        if (!strcmp(a->step, step->step) && !write_one(in, step->source, a, now_ms, e))
            return err_ctx(e, "keep the answer");
    return true;
}

/* ---- reading */

bool answers_validators(struct ingest_db *in, const struct map_step *step, struct row_set **out,
                        struct err *e)
{
    require(in && step && out);
    static const char *const cols[] = { "item", "etag", "last_modified" };
    struct row_set *rs = row_set_new(cols, ARRAY_LEN(cols));
    sqlite3_stmt *st = db_query(
        &in->db, e,
        "SELECT item, etag, last_modified FROM answer JOIN answer_body USING(id) WHERE source = ?1 "
        "AND step = ?2 AND fingerprint = ?3 AND (etag IS NOT NULL OR last_modified IS NOT NULL)",
        "ssi", step->source, step->step, (int64_t)step->fingerprint);
    int rc = -1;

    while (st && !step->is_sensitive && (rc = db_step(&in->db, st, e)) == 1) {
        struct cell *row = row_set_add(rs);
        for (int i = 0; i < (int)ARRAY_LEN(cols); i++)
            if (sqlite3_column_type(st, i) != SQLITE_NULL)
                cell_set_text(&row[i], rs, db_text(st, i));
    }
    if (st && step->is_sensitive)
        rc = 0;
    if (rc == 0) {
        *out = rs;
        return true;
    }
    row_set_free(rs);
    return err_ctx(e, "validators of %s, step %s", step->source, step->step);
}

static char *column_dup(sqlite3_stmt *st, int col)
{
    return sqlite3_column_type(st, col) == SQLITE_NULL ? NULL : xstrdup(db_text(st, col));
}

bool answer_load(struct ingest_db *in, const struct map_step *step, const char *item,
                 struct kept_body *out, struct err *e)
{
    require(in && step);
    require(item && out);
    sqlite3_stmt *st =
        db_query(&in->db, e,
                 "SELECT body, content_type, headers, http_status, body_hash FROM answer JOIN "
                 "answer_body USING(id) "
                 "WHERE source = ?1 AND step = ?2 AND item = ?3 AND fingerprint = ?4",
                 "sssi", step->source, step->step, item ? item : "", (int64_t)step->fingerprint);
    int rc = st ? db_step(&in->db, st, e) : -1;
    size_t max = step->body_max ? step->body_max : (size_t)SANDBOX_LENGTH_MAX;
    bool ok = false;

    *out = (struct kept_body){ 0 };
    if (rc < 0)
        return false;
    if (rc == 1) {
        const void *packed = sqlite3_column_blob(st, 0);
        ok = zip_unpack(packed, (size_t)sqlite3_column_bytes(st, 0), max, &out->body, &out->n) ==
                 ZIP_OK &&
             hash_body(in, out->body, out->n) == sqlite3_column_int64(st, 4);
        out->content_type = column_dup(st, 1);
        out->headers = column_dup(st, 2);
        out->http_status = sqlite3_column_int(st, 3);
        sqlite3_reset(st);
    }
    if (ok)
        return true;
    kept_body_release(out);
    return err_set(e, ERR_NOT_FOUND, 0, "the kept answer of %s, step %s, is gone; ask for it anew",
                   step->source, step->step);
}

void kept_body_release(struct kept_body *b)
{
    require(b);
    free(b->body);
    free(b->content_type);
    free(b->headers);
    *b = (struct kept_body){ 0 };
}
