/*
 * Whether the cache file is sound. It is checked after an unclean end and whenever somebody has
 * seen damage in it: that one leaves a mark, an empty file beside it, which only who has checked
 * takes away. Nothing is moved aside for one failed read: store_open_writer() looks twice.
 */
#include "store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

enum {
    FULL_CHECK_BYTES = 64 << 20,   /* up to here each index is held against its table */
    QUICK_CHECK_BYTES = 256 << 20, /* larger files would make the start wait for seconds */
    READ_BYTES = 1 << 20
};

static char *mark_path(const char *path)
{
    size_t n = strlen(path) + sizeof "-suspect";
    char *mark = xmalloc(n);

    snprintf(mark, n, "%s-suspect", path);
    return mark;
}

void health_suspect(const char *path)
{
    require(path);
    char *mark = mark_path(path);
    int fd = open(mark, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);

    if (fd >= 0)
        close(fd);
    free(mark);
}

bool health_is_suspect(const char *path)
{
    require(path);
    char *mark = mark_path(path);
    bool is_there = access(mark, F_OK) == 0;

    free(mark);
    return is_there;
}

void health_forget(const char *path)
{
    require(path);
    char *mark = mark_path(path);

    unlink(mark);
    free(mark);
}

bool health_can_read(const char *path, struct err *e)
{
    require(path);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char *buf = xmalloc(READ_BYTES);
    ssize_t n = -1;

    while (fd >= 0 && ((n = read(fd, buf, READ_BYTES)) > 0 || (n < 0 && errno == EINTR)))
        ;
    int error = errno;
    if (fd >= 0)
        close(fd);
    free(buf);
    return n == 0 || err_set(e, ERR_STORE, SQLITE_IOERR_READ,
                             "read %s: %s; the disk refuses, see the kernel's log (dmesg)", path,
                             strerror(error));
}

/* Rows whose content is not what was written say so, until their next poll. */
static bool expose_broken_rows(struct db *db, struct err *e)
{
    if (!db_do(db, e,
               "UPDATE version SET status = 'unknown', summary = 'damaged in the cache: not what "
               "was stored', attrs = CASE WHEN json_valid(attrs) THEN attrs ELSE '{}' END, seal = "
               "NULL WHERE seal IS NOT NULL AND seal IS NOT " SEAL_OF_ROW,
               ""))
        return false;
    int n = sqlite3_changes(db->h);
    if (n)
        log_add(LOG_WARN, "store", "%d rows of the cache were damaged: unknown until polled again",
                n);
    return true;
}

static bool check_pages(struct db *db, bool is_small, struct err *e)
{
    sqlite3_stmt *st = is_small ? db_query(db, e, "PRAGMA integrity_check(1)", "")
                                : db_query(db, e, "PRAGMA quick_check(1)", "");

    if (!st || db_step(db, st, e) != 1)
        return false;
    bool is_good = !strcmp(db_text(st, 0), "ok");
    if (!is_good)
        err_set(e, ERR_STORE, SQLITE_CORRUPT, "%s: %s", db->path, db_text(st, 0));
    sqlite3_reset(st);
    return is_good;
}

static bool check(struct db *db, int64_t bytes, struct err *e)
{
    unsigned char key[16];

    if (!check_pages(db, bytes <= FULL_CHECK_BYTES, e) || !seal_load_key(db, key, e) ||
        !seal_register(db, key, e))
        return false;
    bool ok = expose_broken_rows(db, e);
    /* The key goes with this function. */
    sqlite3_create_function_v2(db->h, "row_seal", -1, SQLITE_UTF8, NULL, NULL, NULL, NULL, NULL);
    return ok;
}

bool health_check(struct db *db, struct err *e)
{
    require(db && db->h && db->path);
    int64_t is_clean, pages, size, has_key;
    bool is_suspect = health_is_suspect(db->path);

    if (!db_int(db, e, &is_clean, 0, "SELECT value FROM meta WHERE name = 'clean'", "") ||
        !db_int(db, e, &has_key, 0,
                "SELECT typeof(value) = 'blob' AND length(value) = 16 FROM meta WHERE name = "
                "'hash_key'",
                "") ||
        !db_int(db, e, &pages, 0, "PRAGMA page_count", "") ||
        !db_int(db, e, &size, 0, "PRAGMA page_size", ""))
        return false;
    if (!has_key)
        return err_set(e, ERR_STORE, SQLITE_CORRUPT, "%s has lost its hash key", db->path);
    if (!is_suspect && (is_clean == 1 || pages * size > QUICK_CHECK_BYTES))
        return true;
    if (!check(db, pages * size, e))
        return false;
    health_forget(db->path);
    return true;
}
