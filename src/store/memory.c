/*
 * Caches in this process's memory: the one that is written when no file can be, and the copy that
 * a reader takes of a file of an earlier version, since it changes nothing itself.
 */
#include "store_priv.h"

#include <stdio.h>
#include <string.h>

#include "opsdeck/base/require.h"

enum {
    COPY_BYTES_MAX = 512 << 20 /* of a file of an earlier version, for readers */
};

static bool copy_pages(struct db *from, struct db *to, struct err *e)
{
    sqlite3_backup *b = sqlite3_backup_init(to->h, "main", from->h, "main");

    if (!b)
        return db_fail(to, e, "copy the cache");
    sqlite3_backup_step(b, -1);
    int rc = sqlite3_backup_finish(b);
    return rc == SQLITE_OK || db_fail_rc(from, rc, e, "copy the cache");
}

bool store_copy_older(struct db *db, int64_t version, struct err *e)
{
    struct db copy = { .is_copy = true };
    int64_t pages, size;

    if (!db_int(db, e, &pages, 0, "PRAGMA page_count", "") ||
        !db_int(db, e, &size, 0, "PRAGMA page_size", ""))
        return false;
    if (pages * size > COPY_BYTES_MAX)
        return err_set(e, ERR_STORE, SQLITE_SCHEMA,
                       "%s was written by an earlier opsdeck (schema %lld, this one's is %d); "
                       "opsdeck poll or the dashboard brings it up to date",
                       db->path, (long long)version, STORE_SCHEMA_VERSION);
    if (sqlite3_open_v2(":memory:", &copy.h,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        db_fail(&copy, e, "open a database in memory");
    else if (copy_pages(db, &copy, e) && store_harden(&copy, e) && schema_migrate(&copy, e)) {
        db_close(db);
        *db = copy;
        return true;
    }
    db_close(&copy);
    return false;
}

bool store_open_memory(const struct store_opts *o, bool create, struct db *db, struct err *e)
{
    require(o && db);
    static const unsigned char key[16] = "opsdeck in memo";
    struct siphash h;
    char uri[80];
    int64_t version;

    /* SQLite shares a memdb of that name between the connections of one process. */
    siphash_init(&h, key);
    siphash_add(&h, o->dir, strlen(o->dir));
    snprintf(uri, sizeof uri, "file:/opsdeck-%016llx?vfs=memdb",
             (unsigned long long)siphash_end(&h));
    *db = (struct db){ 0 };
    if (sqlite3_open_v2(uri, &db->h,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI |
                            SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return db_fail(db, e, "open a cache in memory");
    if (!store_harden(db, e) || !db_int(db, e, &version, 0, "PRAGMA user_version", ""))
        return false;
    if (create && !version)
        return schema_migrate(db, e);
    return version ? true : err_set(e, ERR_NOT_FOUND, 0, "there is no cache in memory");
}

void store_copy_into_memory(const struct store_opts *o, struct db *memory)
{
    struct db file = { 0 };
    bool is_missing;

    if (store_open_reader(o, &file, &is_missing, NULL) && !is_missing)
        copy_pages(&file, memory, NULL);
    db_close(&file);
}
