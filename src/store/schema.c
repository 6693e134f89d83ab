/*
 * The tables of opsdeck.db and how a file of an earlier version becomes one of this version:
 * one transaction a step, its number in user_version.
 */
#include "store_priv.h"

#include <string.h>

#include "opsdeck/base/mem.h"

/* clang-format off */
static const char schema_1[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE source(name TEXT PRIMARY KEY, pos INTEGER NOT NULL, recipe TEXT, url TEXT, labels TEXT, every_ms INTEGER NOT NULL,"
    "  last_attempt INTEGER, last_success INTEGER, is_failing INTEGER NOT NULL DEFAULT 0, failing_since INTEGER,"
    "  error TEXT, error_code TEXT, warning TEXT, latency_ms INTEGER, wire_bytes INTEGER, requests INTEGER,"
    "  not_modified INTEGER, next_due INTEGER, budget_left INTEGER) WITHOUT ROWID;"
    "CREATE TABLE entity_id(id INTEGER PRIMARY KEY, source TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,"
    "  step TEXT NOT NULL, UNIQUE(source, kind, key));"
    /* open_after and close_after: when it was last seen to be otherwise, the other end of the interval in which it changed. */
    "CREATE TABLE version(entity INTEGER NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER, name TEXT, status TEXT NOT NULL,"
    "  summary TEXT, since INTEGER, parent TEXT, url TEXT, attrs TEXT NOT NULL, hash INTEGER NOT NULL, vhash INTEGER NOT NULL,"
    "  open_after INTEGER, close_after INTEGER, cause TEXT, PRIMARY KEY(entity, valid_from)) WITHOUT ROWID;"
    "CREATE INDEX version_open ON version(entity) WHERE valid_to IS NULL;"
    "CREATE INDEX version_closed ON version(valid_to) WHERE valid_to IS NOT NULL;"
    "CREATE INDEX version_from ON version(valid_from);"
    "CREATE INDEX version_parent ON version(parent) WHERE valid_to IS NULL AND parent IS NOT NULL;"
    "CREATE TABLE observed(source TEXT NOT NULL, step TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(source, step, from_ms)) WITHOUT ROWID;"
    "CREATE TABLE answer(id INTEGER PRIMARY KEY, source TEXT NOT NULL, step TEXT NOT NULL, item TEXT NOT NULL, at INTEGER NOT NULL,"
    "  seen INTEGER NOT NULL, etag TEXT, last_modified TEXT, fingerprint INTEGER NOT NULL, content_type TEXT,"
    "  http_status INTEGER NOT NULL, headers TEXT, bytes INTEGER NOT NULL, body_hash INTEGER NOT NULL, UNIQUE(source, step, item));"
    "CREATE TABLE answer_body(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
    "CREATE TABLE doubt(source TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(source, kind)) WITHOUT ROWID;"
    "CREATE TABLE lease(source TEXT PRIMARY KEY, holder TEXT NOT NULL, epoch INTEGER NOT NULL, until_ms INTEGER NOT NULL,"
    "  boot_id TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE request(source TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('hash_key', randomblob(16));";
/* clang-format on */

static const char *const steps[] = { schema_1 };
_Static_assert(ARRAY_LEN(steps) == STORE_SCHEMA_VERSION, "one step a schema version");

static bool migrate_one(struct db *db, int64_t from, struct err *e)
{
    char pragma[64];
    int64_t now;

    if (!db_begin(db, e))
        return false;
    /* Another process may have been faster. */
    if (!db_int(db, e, &now, 0, "PRAGMA user_version", ""))
        goto fail;
    if (now == from) {
        sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA user_version = %d", (int)from + 1);
        if (!db_exec(db, steps[from], e) || !db_exec(db, pragma, e))
            goto fail;
        sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA application_id = %d", STORE_APPLICATION_ID);
        if (!db_exec(db, pragma, e))
            goto fail;
    }
    if (db_commit(db, e))
        return true;
fail:
    db_rollback(db);
    return err_ctx(e, "bring the cache to schema version %d", (int)from + 1);
}

bool schema_migrate(struct db *db, struct err *e)
{
    int64_t version;

    for (;;) {
        if (!db_int(db, e, &version, 0, "PRAGMA user_version", ""))
            return false;
        if (version >= STORE_SCHEMA_VERSION)
            return true;
        if (!migrate_one(db, version, e))
            return false;
    }
}

static const char sql_schema[] = "SELECT coalesce(group_concat(type || ' ' || name || ' ' || "
                                 "coalesce(sql, ''), char(10)), '') FROM "
                                 "(SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE "
                                 "'sqlite_stat%' ORDER BY type, name)";

bool schema_check(struct db *db, bool *is_ours, struct err *e)
{
    struct db fresh = { 0 };
    sqlite3_stmt *have, *want;
    bool ok = false;

    *is_ours = false;
    if (sqlite3_open_v2(":memory:", &fresh.h,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        db_fail(&fresh, e, "open a database in memory");
        goto out;
    }
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (!db_exec(&fresh, steps[i], e))
            goto out;
    if (!(have = db_query(db, e, sql_schema, "")) || db_step(db, have, e) != 1)
        goto out;
    if ((want = db_query(&fresh, e, sql_schema, "")) && db_step(&fresh, want, e) == 1) {
        *is_ours = !strcmp(db_text(have, 0), db_text(want, 0));
        ok = true;
        sqlite3_reset(want);
    }
    sqlite3_reset(have);
out:
    db_close(&fresh);
    return ok;
}
