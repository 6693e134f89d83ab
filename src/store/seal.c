/*
 * The seal of a stored row: a keyed sum over what one version says, so that a bit which the disk
 * or the memory has turned is found although SQLite sees nothing wrong. Set with each write,
 * looked at by each commit that meets the row again and by the check of the file.
 */
#include "store_priv.h"

#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

/* Type, length and bytes of each argument, so that NULL, '' and 0 differ. */
static bool add_value(struct siphash *h, sqlite3_value *v)
{
    int type = sqlite3_value_type(v);
    int64_t number = type == SQLITE_INTEGER ? sqlite3_value_int64(v) : 0;

    siphash_add(h, &type, sizeof type);
    siphash_add(h, &number, sizeof number);
    if (type == SQLITE_INTEGER || type == SQLITE_NULL)
        return true;
    const void *bytes = sqlite3_value_blob(v);
    int n = sqlite3_value_bytes(v);
    siphash_add(h, &n, sizeof n);
    if (bytes)
        siphash_add(h, bytes, (size_t)n);
    return bytes || n == 0;
}

static void call_seal(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct siphash h;

    siphash_init(&h, sqlite3_user_data(ctx));
    for (int i = 0; i < n; i++) {
        if (!add_value(&h, v[i])) {
            sqlite3_result_error_nomem(ctx);
            return;
        }
    }
    sqlite3_result_int64(ctx, (int64_t)siphash_end(&h));
}

bool seal_register(struct db *db, const unsigned char key[16], struct err *e)
{
    require(db && db->h && key);
    return sqlite3_create_function_v2(db->h, "row_seal", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                      (void *)(uintptr_t)key, call_seal, NULL, NULL,
                                      NULL) == SQLITE_OK ||
           db_fail(db, e, "add function row_seal");
}

bool seal_load_key(struct db *db, unsigned char key[16], struct err *e)
{
    require(db && key);
    sqlite3_stmt *st = db_query(db, e, "SELECT value FROM meta WHERE name = 'hash_key'", "");
    int rc = st ? db_step(db, st, e) : -1;
    bool ok = rc == 1 && sqlite3_column_type(st, 0) == SQLITE_BLOB &&
              sqlite3_column_bytes(st, 0) == 16 && sqlite3_column_blob(st, 0);

    if (ok)
        memcpy(key, sqlite3_column_blob(st, 0), 16);
    if (rc == 1)
        sqlite3_reset(st);
    return ok || (rc >= 0 && err_set(e, ERR_STORE, SQLITE_CORRUPT, "the cache has no hash key"));
}

bool seal_count_broken(struct db *db, int64_t *n, struct err *e)
{
    require(db && n);
    return db_int(
        db, e, n, 0,
        "SELECT count(*) FROM version WHERE seal IS NOT NULL AND seal IS NOT " SEAL_OF_ROW, "");
}
