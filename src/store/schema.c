/*
 * The tables of opsdeck.db and how a file of an earlier version becomes one of this version:
 * one transaction a step, its number in user_version, so that a file is at any moment whole of one
 * version. A version this program does not know is never written. All times are ms UTC.
 *
 * meta(name, value): hash_key (16 random bytes: key of all hashes and seals; without it the file is
 *   damaged), clean (1: left in order by one who knew it to be sound; anything else: the next
 *   writer checks the file first), vacuum (1: free pages may hold what a migration emptied).
 * source: what the configuration said last (recipe, url, labels, every_ms, is_on_demand: only a
 *   person asks it, so it has no next poll and is never late) and how the last attempt went
 *   (attempt_from to last_attempt; error and error_code while is_failing, since failing_since).
 *   pause_until: it must not be asked before, whoever asks; 0: it may.
 * entity_id(id, source, kind, key, step): the name of a row; `step` staged it last.
 * version: what a row said from valid_from to valid_to (NULL: it still does). Versions of an entity
 *   do not overlap, and the next begins where the one before ends unless the row was gone. hash and
 *   vhash are of the columns as mapped (vhash: those marked volatile, which change in place), seal
 *   is of the row as stored (seal.c; NULL: of a version 1 file, not written since). attrs is one
 *   JSON object. open_after and close_after: when it was last seen to be otherwise.
 * look(source, step, from_ms, to_ms, outcome, code, text, every_ms, ms): every look at a step, as
 *   runs: looks one after the other with the same outcome, code and interval, none more than 2.5
 *   intervals after the one before, are one row. outcome: answered (not modified is answered, too),
 *   doubted (answered, but so few rows that the old ones were kept; says nothing of freshness),
 *   failed (retries spent). code and text are those of the run's first look, without secrets; ms
 *   is its longest. A look that failed at or after source.attempt_from failed in the last attempt.
 * answer, answer_body: the latest body of each item of a step, compressed, with its validators.
 * doubt(source, kind, at): a complete list fell from many rows to none; kept until a second agrees.
 * lease(source, holder, epoch, until_ms, boot_id): who polls a source; a commit under an epoch that
 *   is no longer the row's is refused.
 */
#include "store_priv.h"

#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

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
/* Version 1 had told in a sentence, "step NAME: text; step NAME: text", which steps failed: taken
 * apart here for the last time. Texts cut at 511 bytes may end within a secret: they go. */
#define FAILED_STEPS_OF_1 \
    "WITH RECURSIVE part(source, at, every, rest) AS (SELECT name, last_attempt, every_ms, warning FROM source WHERE warning IS NOT NULL" \
    " UNION ALL SELECT source, at, every, substr(rest, instr(rest, '; step ') + 2) FROM part WHERE instr(rest, '; step ') > 0)," \
    " cut(source, at, every, t) AS (SELECT source, at, every, CASE WHEN instr(rest, '; step ') > 0" \
    " THEN substr(rest, 6, instr(rest, '; step ') - 6) ELSE substr(rest, 6) END FROM part WHERE rest LIKE 'step %:%')" \
    " INSERT OR IGNORE INTO look SELECT source, substr(t, 1, instr(t, ':') - 1), at, at, 'failed', NULL," \
    " CASE WHEN length(t) < 440 THEN ltrim(substr(t, instr(t, ':') + 1)) ELSE 'failed' END, every, 0" \
    " FROM cut WHERE instr(substr(t, 1, instr(t, ':')), ' ') = 0 AND at IS NOT NULL;"

static const char schema_2[] =
    "CREATE TABLE look(source TEXT NOT NULL, step TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,"
    "  outcome TEXT NOT NULL, code TEXT, text TEXT, every_ms INTEGER NOT NULL, ms INTEGER NOT NULL,"
    "  PRIMARY KEY(source, step, from_ms)) WITHOUT ROWID;"
    "INSERT INTO look SELECT o.source, o.step, o.from_ms, o.to_ms, 'answered', NULL, NULL, coalesce(s.every_ms, 300000), 0"
    "  FROM observed o LEFT JOIN source s ON s.name = o.source;"
    FAILED_STEPS_OF_1
    "DROP TABLE observed;"
    "DROP TABLE request;"
    "ALTER TABLE source DROP COLUMN warning;"
    "ALTER TABLE source ADD COLUMN is_on_demand INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE source ADD COLUMN attempt_from INTEGER;"
    "ALTER TABLE source ADD COLUMN pause_until INTEGER NOT NULL DEFAULT 0;"
    "UPDATE source SET is_on_demand = every_ms = 604800000, attempt_from = last_attempt,"
    "  error = CASE WHEN length(error) >= 440 THEN 'failed' ELSE error END;"
    "ALTER TABLE version ADD COLUMN seal INTEGER;"
    /* What was kept of answers before had secrets in it: the next poll asks for all of them anew. */
    "CREATE TEMP TABLE kept AS SELECT id, source, step, item, at, seen, NULL, NULL, fingerprint, content_type, http_status, NULL, bytes, 0 FROM answer;"
    "DELETE FROM answer_body;"
    "DELETE FROM answer;"
    "INSERT INTO answer SELECT * FROM temp.kept;"
    "DROP TABLE temp.kept;"
    "INSERT INTO meta SELECT 'vacuum', 1 WHERE EXISTS(SELECT 1 FROM source);";
/* clang-format on */

static const char *const steps[] = { schema_1, schema_2 };
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

static bool migrate_all(struct db *db, struct err *e)
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

/* What a migration has emptied is in no page of the file either, nor in its log. */
static bool give_back_pages(struct db *db, struct err *e)
{
    int64_t is_due;

    return db_int(db, e, &is_due, 0, "SELECT 1 FROM meta WHERE name = 'vacuum'", "") &&
           (!is_due || db_exec(db,
                               "PRAGMA incremental_vacuum; DELETE FROM meta WHERE name = 'vacuum';"
                               "PRAGMA wal_checkpoint(TRUNCATE)",
                               e));
}

bool schema_migrate(struct db *db, struct err *e)
{
    require(db && db->h);
    if (!db_exec(db, "PRAGMA secure_delete = 1", e))
        return false;
    bool ok = migrate_all(db, e) && give_back_pages(db, e);
    return db_exec(db, "PRAGMA secure_delete = 0", ok ? e : NULL) && ok;
}

static const char sql_schema[] = "SELECT coalesce(group_concat(type || ' ' || name || ' ' || "
                                 "coalesce(sql, ''), char(10)), '') FROM "
                                 "(SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE "
                                 "'sqlite_stat%' ORDER BY type, name)";

bool schema_check(struct db *db, bool *is_ours, struct err *e)
{
    require(db && is_ours);
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
