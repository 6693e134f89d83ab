/*
 * What a generation has staged so far: a table of the sandbox, which recipes see as `row`. It
 * holds rows until they are compared with the store; which of two rows with one key stays is
 * decided here.
 */
#include "store_priv.h"

#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

/* `row` is TEMP because views of other schemas are off (store_harden). */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS staged(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT "
    "NULL, name TEXT, status TEXT, summary TEXT, since INTEGER, parent TEXT, url TEXT, attrs TEXT, "
    "rank REAL, hash INTEGER NOT NULL, vhash INTEGER NOT NULL, source TEXT NOT NULL, step TEXT NOT "
    "NULL, is_committed INTEGER NOT NULL, UNIQUE(kind, key));"
    "CREATE TEMP VIEW IF NOT EXISTS row AS SELECT source, kind, key, name, status, parent, attrs "
    "FROM staged;"
    "DELETE FROM staged;";

bool stage_clear(struct sandbox *sb, struct err *e)
{
    return sandbox_exec(sb, schema, e) || err_ctx(e, "forget what was staged");
}

static void bind_text(sqlite3_stmt *st, int i, const char *s)
{
    sqlite3_bind_text(st, i, s, -1, SQLITE_STATIC);
}

/* ?1 kind ... ?12 vhash in the order of STAGE_*, ?13 source, ?14 step, ?15 is_committed. */
static void bind_row(sqlite3_stmt *st, const char *source, const char *step, bool is_committed,
                     const struct staged *r)
{
    bind_text(st, STAGE_KIND + 1, r->kind);
    bind_text(st, STAGE_KEY + 1, r->key);
    bind_text(st, STAGE_NAME + 1, r->name);
    bind_text(st, STAGE_STATUS + 1, r->status);
    bind_text(st, STAGE_SUMMARY + 1, r->summary);
    if (r->has_since)
        sqlite3_bind_int64(st, STAGE_SINCE + 1, r->since);
    bind_text(st, STAGE_PARENT + 1, r->parent);
    bind_text(st, STAGE_URL + 1, r->url);
    bind_text(st, STAGE_ATTRS + 1, r->attrs ? r->attrs : "{}");
    if (r->has_rank)
        sqlite3_bind_double(st, STAGE_RANK + 1, r->rank);
    sqlite3_bind_int64(st, STAGE_HASH + 1, (int64_t)r->hash);
    sqlite3_bind_int64(st, STAGE_VHASH + 1, (int64_t)r->vhash);
    bind_text(st, STAGE_VHASH + 2, source);
    bind_text(st, STAGE_VHASH + 3, step);
    sqlite3_bind_int(st, STAGE_VHASH + 4, is_committed);
}

static bool run(struct sandbox *sb, sqlite3_stmt *st, struct err *e)
{
    int rc = db_step(&sb->db, st, e);

    sqlite3_clear_bindings(st);
    return rc == 0;
}

static const char sql_insert[] =
    "INSERT INTO staged(kind, key, name, status, summary, since, parent, url, attrs, rank, hash, "
    "vhash, source, step, is_committed) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
    "?13, ?14, ?15) ON CONFLICT DO NOTHING";
static const char sql_replace[] =
    "UPDATE staged SET name = ?3, status = ?4, summary = ?5, since = ?6, parent = ?7, url = ?8, "
    "attrs = ?9, rank = ?10, hash = ?11, vhash = ?12, source = ?13, step = ?14, is_committed = ?15 "
    "WHERE kind = ?1 AND key = ?2";

/* False in *is_new when the key is there already. */
static bool insert(struct sandbox *sb, const char *source, const char *step, bool is_committed,
                   const struct staged *row, bool *is_new, struct err *e)
{
    sqlite3_stmt *st = sandbox_query(sb, e, sql_insert);

    if (!st)
        return false;
    bind_row(st, source, step, is_committed, row);
    if (!run(sb, st, e))
        return err_ctx(e, "stage a row");
    *is_new = sqlite3_changes(sb->db.h) > 0;
    return true;
}

/* The row that has the key already. */
struct rival {
    double rank;
    bool has_rank, is_of_failed_step;
};

static bool find_rival(struct sandbox *sb, const char *step, const struct staged *row,
                       struct rival *out, struct err *e)
{
    sqlite3_stmt *st = sandbox_query(
        sb, e, "SELECT rank, step, is_committed FROM staged WHERE kind = ?1 AND key = ?2");

    if (!st)
        return false;
    bind_text(st, 1, row->kind);
    bind_text(st, 2, row->key);
    if (db_step(&sb->db, st, e) != 1)
        return false;
    out->has_rank = sqlite3_column_type(st, 0) != SQLITE_NULL;
    out->rank = sqlite3_column_double(st, 0);
    /* Steps run one after the other: what another one left without a commit has failed. */
    out->is_of_failed_step = !sqlite3_column_int(st, 2) && strcmp(db_text(st, 1), step) != 0;
    sqlite3_reset(st);
    return true;
}

bool stage_add(struct sandbox *sb, const char *source, const char *step, const struct map_sql *sql,
               const struct staged *row, struct err *e)
{
    require(sb && source && step);
    require(sql && row);
    struct rival old;
    bool is_new;

    if (!insert(sb, source, step, false, row, &is_new, e))
        return false;
    if (is_new)
        return true;
    if (!find_rival(sb, step, row, &old, e))
        return false;
    if (!old.is_of_failed_step) {
        if (!old.has_rank || !row->has_rank)
            return map_fail(sql, -1, e,
                            "key \"%.80s\" of kind %s comes twice; give each row a column `rank` "
                            "(the highest stays) or another key",
                            row->key, row->kind);
        if (row->rank <= old.rank)
            return true;
    }
    sqlite3_stmt *st = sandbox_query(sb, e, sql_replace);
    if (!st)
        return false;
    bind_row(st, source, step, false, row);
    return run(sb, st, e) || err_ctx(e, "stage a row");
}

static bool one_int(struct sandbox *sb, const char *sql, const char *a, const char *b, int64_t *out,
                    struct err *e)
{
    sqlite3_stmt *st = sandbox_query(sb, e, sql);

    if (!st)
        return false;
    if (a)
        bind_text(st, 1, a);
    if (b)
        bind_text(st, 2, b);
    if (db_step(&sb->db, st, e) != 1)
        return false;
    *out = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return true;
}

bool stage_count(struct sandbox *sb, int64_t *rows, struct err *e)
{
    require(sb && rows);
    /* Single rows are never deleted, so that the ids are 1..n. */
    return one_int(sb, "SELECT coalesce(max(id), 0) FROM staged", NULL, NULL, rows, e);
}

bool stage_has(struct sandbox *sb, const char *kind, const char *key, bool *out, struct err *e)
{
    require(sb && kind && key && out);
    int64_t n = 0;
    bool ok = one_int(sb, "SELECT EXISTS(SELECT 1 FROM staged WHERE kind = ?1 AND key = ?2)", kind,
                      key, &n, e);

    *out = n != 0;
    return ok;
}

bool stage_kind_count(struct sandbox *sb, const char *kind, int64_t *rows, struct err *e)
{
    require(sb && kind && rows);
    return one_int(sb, "SELECT count(*) FROM staged WHERE kind = ?1", kind, NULL, rows, e);
}

bool stage_mark_committed(struct sandbox *sb, const char *step, struct err *e)
{
    sqlite3_stmt *st = sandbox_query(sb, e, "UPDATE staged SET is_committed = 1 WHERE step = ?1");

    if (!st)
        return false;
    bind_text(st, 1, step);
    return run(sb, st, e);
}

sqlite3_stmt *stage_rows(struct sandbox *sb, const char *step, struct err *e)
{
    require(sb && step);
    sqlite3_stmt *st = sandbox_query(
        sb, e,
        "SELECT kind, key, name, status, summary, since, parent, url, attrs, rank, hash, vhash "
        "FROM staged WHERE step = ?1 ORDER BY id");

    /* The caller steps it later and may not keep `step` that long. */
    if (st && sqlite3_bind_text(st, 1, step, -1, SQLITE_TRANSIENT) != SQLITE_OK) {
        db_fail(&sb->db, e, "read what was staged"); /* no name would find no rows */
        return NULL;
    }
    return st;
}

static const char *text_or_null(sqlite3_stmt *st, int col)
{
    return sqlite3_column_type(st, col) == SQLITE_NULL ? NULL : db_text(st, col);
}

void stage_read(sqlite3_stmt *st, struct staged *out)
{
    require(st && out);
    *out = (struct staged){
        .kind = text_or_null(st, STAGE_KIND),
        .key = text_or_null(st, STAGE_KEY),
        .name = text_or_null(st, STAGE_NAME),
        .status = text_or_null(st, STAGE_STATUS),
        .summary = text_or_null(st, STAGE_SUMMARY),
        .parent = text_or_null(st, STAGE_PARENT),
        .url = text_or_null(st, STAGE_URL),
        .attrs = text_or_null(st, STAGE_ATTRS),
        .since = sqlite3_column_int64(st, STAGE_SINCE),
        .rank = sqlite3_column_double(st, STAGE_RANK),
        .has_since = sqlite3_column_type(st, STAGE_SINCE) != SQLITE_NULL,
        .has_rank = sqlite3_column_type(st, STAGE_RANK) != SQLITE_NULL,
        .hash = (uint64_t)sqlite3_column_int64(st, STAGE_HASH),
        .vhash = (uint64_t)sqlite3_column_int64(st, STAGE_VHASH),
    };
}

/* An empty text is an absent one. */
static const char *given(const struct row_set *rs, size_t row, const char *col, const char *dflt)
{
    const char *s = row_set_text(rs, row, col);

    return *s ? s : dflt;
}

static bool fill_one(struct sandbox *sb, const struct row_set *rs, size_t i, struct err *e)
{
    const struct cell *since = row_set_at(rs, i, row_set_col(rs, "since")),
                      *rank = row_set_at(rs, i, row_set_col(rs, "rank"));
    const struct staged row = {
        .kind = given(rs, i, "kind", NULL),
        .key = given(rs, i, "key", NULL),
        .name = given(rs, i, "name", NULL),
        .status = given(rs, i, "status", "unknown"),
        .summary = given(rs, i, "summary", NULL),
        .parent = given(rs, i, "parent", NULL),
        .url = given(rs, i, "url", NULL),
        .attrs = given(rs, i, "attrs", "{}"),
        .has_since = since->type == CELL_INT,
        .since = since->i,
        .has_rank = rank->type == CELL_INT || rank->type == CELL_REAL,
        .rank = rank->d,
    };
    bool is_new;

    if (!row.kind || !row.key)
        return err_set(e, ERR_MAP, 0, "row %zu of those staged before has no kind or no key",
                       i + 1);
    if (!insert(sb, row_set_text(rs, i, "source"), row_set_text(rs, i, "step"), true, &row, &is_new,
                e))
        return false;
    return is_new || err_set(e, ERR_MAP, 0, "row %zu of those staged before: %s:%s comes twice",
                             i + 1, row.kind, row.key);
}

bool stage_fill(struct sandbox *sb, const struct row_set *rows, struct err *e)
{
    for (size_t i = 0; rows && i < rows->nrows; i++)
        if (!fill_one(sb, rows, i, e))
            return false;
    return true;
}
