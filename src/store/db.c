/*
 * One SQLite connection with its prepared statements. What SQLite says is turned into an err
 * here, together with what a person can do about it. Knows nothing of the schema.
 */
#include "store_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/hash.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

enum {
    STMTS_MAX = 128
};

struct db_stmt {
    char *sql;
    sqlite3_stmt *st;
    UT_hash_handle hh;
};

struct advice {
    int code;
    const char *text;
};

static const struct advice advices[] = {
    { SQLITE_FULL, "; free disk space (or raise the file size limit), it recovers by itself" },
    { SQLITE_BUSY,
      "; another program kept the cache locked for 2 s (see `fuser` on the file), try again" },
    { SQLITE_LOCKED, "; another program kept the cache locked for 2 s, try again" },
    { SQLITE_READONLY, "; check the modes of the store's directory and file, or give --store DIR" },
    { SQLITE_PERM, "; check the modes of the store's directory and file, or give --store DIR" },
    { SQLITE_CANTOPEN, "; check the modes of the store's directory and file, or give --store DIR" },
    { SQLITE_CORRUPT, "; the cache is damaged, the next start moves it aside and begins afresh" },
    { SQLITE_NOTADB, "; the cache is damaged, the next start moves it aside and begins afresh" },
    { SQLITE_IOERR, "; the disk refuses, see the kernel's log (dmesg) and free space" },
};

bool db_fail_rc(struct db *db, int rc, struct err *e, const char *what)
{
    require(db && what);
    const char *advice = "";

    for (size_t i = 0; i < ARRAY_LEN(advices); i++)
        if (advices[i].code == (rc & 0xff))
            advice = advices[i].text;
    if (store_is_damage(rc) && db->path)
        health_suspect(db->path);
    return err_set(
        e, ERR_STORE, rc, "%s%s%s: %s%s", what, db->path ? " in " : "", db->path ? db->path : "",
        db->h && sqlite3_extended_errcode(db->h) == rc ? sqlite3_errmsg(db->h) : sqlite3_errstr(rc),
        advice);
}

bool db_fail(struct db *db, struct err *e, const char *fmt, ...)
{
    require(db && fmt);
    char what[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return db_fail_rc(db, sqlite3_extended_errcode(db->h), e, what);
}

static void stmts_clear(struct db *db)
{
    struct db_stmt *s, *next;

    HASH_ITER(hh, db->stmts, s, next)
    {
        HASH_DEL(db->stmts, s);
        sqlite3_finalize(s->st);
        free(s->sql);
        free(s);
    }
    db->nstmts = 0;
}

sqlite3_stmt *db_stmt(struct db *db, const char *sql, struct err *e)
{
    require(db && sql);
    struct db_stmt *s;

    HASH_FIND_STR(db->stmts, sql, s);
    if (s) {
        sqlite3_reset(s->st);
        sqlite3_clear_bindings(s->st);
        return s->st;
    }
    if (db->nstmts >= STMTS_MAX)
        bug("more than %d statements on one connection", STMTS_MAX);
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v3(db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
        db_fail(db, e, "prepare `%.60s`", sql);
        return NULL;
    }
    s = xcalloc(1, sizeof *s);
    s->sql = xstrdup(sql);
    s->st = st;
    HASH_ADD_KEYPTR(hh, db->stmts, s->sql, strlen(s->sql), s);
    db->nstmts++;
    return st;
}

static bool bind_all(sqlite3_stmt *st, const char *types, va_list ap)
{
    int rc = SQLITE_OK, i = 1;

    for (; *types && rc == SQLITE_OK; types++, i++) {
        if (*types == 'i') {
            rc = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
        } else if (*types == 's') {
            rc = sqlite3_bind_text(st, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
        } else {
            const void *p = va_arg(ap, const void *);
            rc = sqlite3_bind_blob64(st, i, p, va_arg(ap, size_t), SQLITE_STATIC);
        }
    }
    return rc == SQLITE_OK;
}

static sqlite3_stmt *query(struct db *db, struct err *e, const char *sql, const char *types,
                           va_list ap)
{
    sqlite3_stmt *st = db_stmt(db, sql, e);

    if (st && !bind_all(st, types, ap)) {
        db_fail(db, e, "bind values of `%.60s`", sql);
        return NULL;
    }
    return st;
}

sqlite3_stmt *db_query(struct db *db, struct err *e, const char *sql, const char *types, ...)
{
    require(db);
    require(sql && types);
    va_list ap;

    va_start(ap, types);
    sqlite3_stmt *st = query(db, e, sql, types, ap);
    va_end(ap);
    return st;
}

int db_step(struct db *db, sqlite3_stmt *st, struct err *e)
{
    require(db && st);
    int rc = sqlite3_step(st);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        db_fail(db, e, "run `%.60s`", sqlite3_sql(st));
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? 0 : -1;
}

static bool run(struct db *db, sqlite3_stmt *st, struct err *e)
{
    int rc;

    if (!st)
        return false;
    while ((rc = db_step(db, st, e)) == 1)
        ;
    return rc == 0;
}

bool db_do(struct db *db, struct err *e, const char *sql, const char *types, ...)
{
    require(db);
    require(sql && types);
    va_list ap;

    va_start(ap, types);
    sqlite3_stmt *st = query(db, e, sql, types, ap);
    va_end(ap);
    return run(db, st, e);
}

bool db_int(struct db *db, struct err *e, int64_t *out, int64_t dflt, const char *sql,
            const char *types, ...)
{
    require(db && out);
    require(sql && types);
    va_list ap;

    *out = dflt;
    va_start(ap, types);
    sqlite3_stmt *st = query(db, e, sql, types, ap);
    va_end(ap);
    if (!st)
        return false;
    int rc = db_step(db, st, e);
    if (rc == 1 && sqlite3_column_type(st, 0) != SQLITE_NULL)
        *out = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return rc >= 0;
}

bool db_exec(struct db *db, const char *sql, struct err *e)
{
    require(db && db->h && sql);
    while (*sql) {
        sqlite3_stmt *st = NULL;
        const char *tail = sql;
        if (sqlite3_prepare_v2(db->h, sql, -1, &st, &tail) != SQLITE_OK)
            return db_fail(db, e, "prepare `%.60s`", sql);
        bool ok = !st || run(db, st, e);
        sqlite3_finalize(st);
        if (!ok)
            return false;
        sql = tail;
    }
    return true;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    stmts_clear(db);
    if (db->h && sqlite3_close(db->h) != SQLITE_OK)
        bug("a statement was left open on the cache");
    free(db->path);
    *db = (struct db){ 0 };
}

bool db_begin(struct db *db, struct err *e)
{
    require(db);
    return db_do(db, e, "BEGIN IMMEDIATE", "") || err_ctx(e, "start writing to the cache");
}

bool db_commit(struct db *db, struct err *e)
{
    require(db);
    return db_do(db, e, "COMMIT", "") || err_ctx(e, "save to the cache");
}

void db_rollback(struct db *db)
{
    require(db);
    /* SQLite itself rolls back after a full disk and the like; then there is nothing left to do. */
    if (db->h && !sqlite3_get_autocommit(db->h))
        sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
}

const char *db_column(sqlite3_stmt *st, int col)
{
    const char *name = sqlite3_column_name(st, col);

    if (!name)
        mem_exhausted();
    return name;
}

const char *db_text(sqlite3_stmt *st, int col)
{
    require(st && col >= 0);
    int type = sqlite3_column_type(st, col);
    const unsigned char *t = sqlite3_column_text(st, col);

    if (!t && type != SQLITE_NULL && type != SQLITE_BLOB)
        mem_exhausted(); /* SQLite had no memory for it: that is not an empty text */
    return t ? (const char *)t : "";
}
