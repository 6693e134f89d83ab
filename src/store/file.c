/*
 * The cache file: finding it, refusing what is not safe to open, opening it, moving a damaged
 * one aside. A writer creates and migrates; a reader takes what is there. The rows in it are
 * the business of others.
 */
#include "store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

static const char file_name[] = "opsdeck.db";

/* ---- places and modes */

static bool make_dirs(const struct store_opts *o, struct err *e)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s", o->dir);

    if (n <= 0 || (size_t)n >= sizeof path)
        return err_set(e, ERR_IO, ENAMETOOLONG,
                       "the store's directory has an empty or too long name");
    for (char *p = path + 1;; p++) {
        if (*p && *p != '/')
            continue;
        char was = *p;
        *p = '\0';
        if (mkdir(path, was            ? 0700
                        : o->is_shared ? 02770
                                       : 0700) != 0 &&
            errno != EEXIST && errno != EROFS && errno != EACCES)
            return err_errno(e, errno, "create directory %s for the store", path);
        *p = was;
        if (!was)
            return true;
    }
}

static bool check_dir(const struct store_opts *o, const char *real, struct err *e)
{
    struct stat st;

    if (stat(real, &st) != 0)
        return err_errno(e, errno, "look at the store's directory %s", real);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_IO, ENOTDIR, "%s is not a directory; give another with --store DIR",
                       real);
    if (o->is_shared)
        return true;
    if (st.st_uid != geteuid())
        return err_set(e, ERR_PERM, EPERM,
                       "the store's directory %s belongs to user %u, not to you (%u); give another "
                       "with --store DIR",
                       real, (unsigned)st.st_uid, (unsigned)geteuid());
    if (st.st_mode & 022)
        return err_set(
            e, ERR_PERM, EPERM,
            "the store's directory %s is writable by others (mode %04o); run: chmod 700 %s", real,
            (unsigned)(st.st_mode & 07777), real);
    return true;
}

/* The directory without links in it, and the file's path; both checked. False with ENOENT in
 * e->detail when it is not there. */
static bool find_place(const struct store_opts *o, char **path, struct err *e)
{
    char *real = realpath(o->dir, NULL);

    *path = NULL;
    if (!real)
        return err_errno(e, errno, "find the store's directory %s", o->dir);
    if (check_dir(o, real, e)) {
        size_t n = strlen(real) + sizeof file_name + 1;
        *path = xmalloc(n);
        snprintf(*path, n, "%s/%s", real, file_name);
    }
    free(real);
    return *path != NULL;
}

static bool check_file(const struct store_opts *o, const char *path, struct stat *st, struct err *e)
{
    if (lstat(path, st) != 0)
        return err_errno(e, errno, "look at %s", path);
    if (!S_ISREG(st->st_mode))
        return err_set(e, ERR_PERM, EPERM,
                       "%s is not a regular file (a link or a pipe?); move it away", path);
    if (o->is_shared)
        return true;
    if (st->st_uid != geteuid())
        return err_set(
            e, ERR_PERM, EPERM,
            "%s belongs to user %u, not to you (%u); give another place with --store DIR", path,
            (unsigned)st->st_uid, (unsigned)geteuid());
    if (st->st_mode & 022)
        return err_set(
            e, ERR_PERM, EPERM,
            "%s is writable by others (mode %04o); if you trust what is in it run: chmod 600 %s",
            path, (unsigned)(st->st_mode & 07777), path);
    return true;
}

/* A file of ours exists afterwards; SQLite gives its -wal and -shm the same mode. */
static bool prepare_file(const struct store_opts *o, const char *path, struct err *e)
{
    mode_t mode = o->is_shared ? 0660 : 0600;
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

    if (fd >= 0) {
        close(fd);
        return true;
    }
    if (errno != EEXIST)
        return err_errno(e, errno, "create %s", path);
    if (!check_file(o, path, &st, e))
        return false;
    if ((st.st_mode & 077) && !o->is_shared) {
        if (chmod(path, 0600) != 0)
            return err_errno(e, errno, "make %s private (0600)", path);
        log_add(LOG_WARN, "store", "%s was readable by others (mode %04o), now 0600", path,
                (unsigned)(st.st_mode & 07777));
    }
    if (access(path, R_OK | W_OK) != 0)
        return err_errno(e, errno, "write to %s", path);
    return true;
}

/* ---- connections */

bool store_harden(struct db *db, struct err *e)
{
    require(db && db->h);
    static const struct {
        int op, value;
    } configs[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },
        { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
        { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
        { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
        { SQLITE_DBCONFIG_DQS_DML, 0 },
        { SQLITE_DBCONFIG_DQS_DDL, 0 },
    };

    sqlite3_extended_result_codes(db->h, 1);
    sqlite3_busy_timeout(db->h, STORE_BUSY_MS);
    for (size_t i = 0; i < ARRAY_LEN(configs); i++)
        if (sqlite3_db_config(db->h, configs[i].op, configs[i].value, NULL) != SQLITE_OK)
            return db_fail(db, e, "harden the connection");
    sqlite3_limit(db->h, SQLITE_LIMIT_LENGTH, SANDBOX_LENGTH_MAX);
    sqlite3_limit(db->h, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db->h, SQLITE_LIMIT_SQL_LENGTH, 100000);
    sqlite3_limit(db->h, SQLITE_LIMIT_VDBE_OP, 250000);
    return db_exec(db,
                   "PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0; PRAGMA cache_size = -2048; "
                   "PRAGMA temp_store = 2",
                   e);
}

static bool open_file(const char *path, int flags, struct db *db, struct err *e)
{
    struct stat st;

    *db = (struct db){ .path = xstrdup(path) };
    if (sqlite3_open_v2(path, &db->h, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL) !=
        SQLITE_OK) {
        db_fail(db, e, "open the cache");
        return false;
    }
    if (stat(path, &st) == 0) {
        db->dev = st.st_dev;
        db->ino = st.st_ino;
    }
    return store_harden(db, e);
}

bool store_is_replaced(const struct db *db)
{
    require(db);
    struct stat st;

    return db->path && (stat(db->path, &st) != 0 || st.st_dev != db->dev || st.st_ino != db->ino);
}

bool store_is_damage(int code)
{
    return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

bool store_quarantine(const char *path, const struct clock *clock, char **moved_to, struct err *e)
{
    require(path && clock && moved_to);
    static const char *const tails[] = { "", "-wal", "-shm" };
    size_t room = strlen(path) + 64;
    char *to = xmalloc(room), *a = xmalloc(room), *b = xmalloc(room);
    char stamp[TIME_TEXT_MAX];
    bool ok = true;

    time_compact(clock_wall_ms(clock), stamp);
    snprintf(to, room, "%s.bad-%s", path, stamp);
    for (int i = 2; access(to, F_OK) == 0 && i < 100; i++)
        snprintf(to, room, "%s.bad-%s-%d", path, stamp, i);
    for (size_t i = 0; i < ARRAY_LEN(tails) && ok; i++) {
        snprintf(a, room, "%s%s", path, tails[i]);
        snprintf(b, room, "%s%s", to, tails[i]);
        if (rename(a, b) != 0 && errno != ENOENT)
            ok = err_errno(e, errno, "move the damaged cache %s aside to %s", a, b);
    }
    free(a);
    free(b);
    health_forget(path);
    if (ok)
        *moved_to = to;
    else
        free(to);
    return ok;
}

/* Ours, and of a version this program understands? *version is user_version; 0: nothing in it. */
static bool check_identity(struct db *db, int64_t *version, struct err *e)
{
    int64_t app, tables;

    if (!db_int(db, e, version, 0, "PRAGMA user_version", "") ||
        !db_int(db, e, &app, 0, "PRAGMA application_id", "") ||
        !db_int(db, e, &tables, 0, "SELECT count(*) FROM sqlite_schema", ""))
        return false;
    if (app != STORE_APPLICATION_ID && (app || *version || tables))
        return err_set(e, ERR_STORE, 0,
                       "%s is a database of another program (application_id %lld); move it away or "
                       "give another place with --store DIR",
                       db->path, (long long)app);
    if (*version < 0 || (*version == 0 && tables))
        return err_set(e, ERR_STORE, SQLITE_CORRUPT, "%s has lost its schema version (%lld)",
                       db->path, (long long)*version);
    if (*version > STORE_SCHEMA_VERSION)
        return err_set(e, ERR_STORE, 0,
                       "%s was written by a newer opsdeck (schema %lld, this one knows %d); use "
                       "that version, or give another place with --store DIR",
                       db->path, (long long)*version, STORE_SCHEMA_VERSION);
    return true;
}

/* Journal, schema, checks of one writer's connection. Damage shows as ERR_STORE with a SQLite code
 * of damage. */
static bool set_up_writer(struct db *db, struct err *e)
{
    int64_t version;
    bool is_ours;

    if (!check_identity(db, &version, e))
        return false;
    if (!version && !db_exec(db, "PRAGMA auto_vacuum = 2", e))
        return false;
    sqlite3_stmt *st = db_query(db, e, "PRAGMA journal_mode = WAL", "");
    if (!st || db_step(db, st, e) != 1)
        return false;
    bool is_wal = !strcmp(db_text(st, 0), "wal");
    sqlite3_reset(st);
    if (!is_wal)
        return err_set(e, ERR_STORE, SQLITE_READONLY,
                       "%s cannot use a write-ahead log (a network file system?); give another "
                       "place with --store DIR",
                       db->path);
    if (!db_exec(db, "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 8388608", e) ||
        !schema_migrate(db, e) || !schema_check(db, &is_ours, e))
        return false;
    if (!is_ours)
        return err_set(e, ERR_STORE, SQLITE_CORRUPT, "%s: its tables are not those of opsdeck",
                       db->path);
    return health_check(db, e) &&
           db_do(db, e, "INSERT OR REPLACE INTO meta VALUES('clean', 0)", "");
}

/* One process at a time opens for writing, so that two do not both move a damaged file aside. */
static int lock_dir(const char *path, struct err *e)
{
    char *dir = xstrdup(path);

    *strrchr(dir, '/') = '\0';
    int fd = open(*dir ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        err_errno(e, errno, "open directory %s", dir);
    } else {
        int tries = 0;
        while (flock(fd, LOCK_EX | LOCK_NB) != 0 && tries++ < 40)
            nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
        if (tries > 40) {
            err_set(e, ERR_STORE, SQLITE_BUSY,
                    "another opsdeck has been opening the cache in %s for more than 2 s; try again",
                    dir);
            close(fd);
            fd = -1;
        }
    }
    free(dir);
    return fd;
}

static bool start_afresh(const struct store_opts *o, const char *path, struct db *db, char **notice,
                         struct err *e)
{
    char *moved = NULL, why[sizeof e->text];

    snprintf(why, sizeof why, "%s", e->text);
    db_close(db);
    if (!store_quarantine(path, o->clock, &moved, e))
        return false;
    size_t n = strlen(moved) + sizeof why + 80;
    free(*notice);
    *notice = xmalloc(n);
    snprintf(*notice, n, "the cache was damaged, moved to %s and started afresh (%s)", moved, why);
    free(moved);
    return prepare_file(o, path, e) && open_file(path, SQLITE_OPEN_READWRITE, db, e) &&
           set_up_writer(db, e);
}

static bool is_damage(const struct err *e)
{
    return e->code == ERR_STORE && store_is_damage(e->detail);
}

bool store_open_writer(const struct store_opts *o, struct db *db, char **notice, struct err *e)
{
    require(o && o->dir);
    require(db && !db->h);
    struct err mine = { 0 };
    char *path = NULL;
    int lock = -1;
    bool ok = false;

    if (!make_dirs(o, &mine) || !find_place(o, &path, &mine) || !prepare_file(o, path, &mine))
        goto out;
    lock = lock_dir(path, &mine);
    if (lock < 0)
        goto out;
    ok = open_file(path, SQLITE_OPEN_READWRITE, db, &mine) && set_up_writer(db, &mine);
    if (!ok && is_damage(&mine)) { /* one failed read is no proof: only a second look is */
        db_close(db);
        ok = health_can_read(path, &mine) && open_file(path, SQLITE_OPEN_READWRITE, db, &mine) &&
             set_up_writer(db, &mine);
        if (!ok && is_damage(&mine))
            ok = start_afresh(o, path, db, notice, &mine);
    }
    if (!ok)
        db_close(db);
out:
    if (lock >= 0)
        close(lock);
    free(path);
    if (!ok && e)
        *e = mine;
    return ok;
}

static bool identify_reader(struct db *db, bool *is_missing, struct err *e)
{
    int64_t version;

    if (!check_identity(db, &version, e))
        return false;
    *is_missing = version == 0; /* a writer is just creating it */
    return version == 0 || version == STORE_SCHEMA_VERSION || store_copy_older(db, version, e);
}

/* On a file system that cannot be written WAL needs files it cannot make; without a log there is
 * nothing to miss. */
static bool reopen_immutable(const char *path, struct db *db, struct err *e)
{
    struct stat st;
    char *wal = sqlite3_mprintf("%s-wal", path), *uri = NULL;
    bool has_log = wal && stat(wal, &st) == 0 && st.st_size > 0;

    sqlite3_free(wal);
    if (has_log)
        return false;
    uri = sqlite3_mprintf("file:%s?immutable=1", path);
    if (!uri || strpbrk(path, "?#%")) {
        sqlite3_free(uri);
        return false;
    }
    db_close(db);
    *db = (struct db){ .path = xstrdup(path) };
    bool ok = sqlite3_open_v2(uri, &db->h,
                              SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
                                  SQLITE_OPEN_URI,
                              NULL) == SQLITE_OK;
    sqlite3_free(uri);
    if (!ok)
        return db_fail(db, e, "open the cache");
    if (stat(path, &st) == 0) {
        db->dev = st.st_dev;
        db->ino = st.st_ino;
    }
    return store_harden(db, e);
}

bool store_open_reader(const struct store_opts *o, struct db *db, bool *is_missing, struct err *e)
{
    require(o && o->dir);
    require(db && !db->h);
    struct err mine = { 0 };
    char *path = NULL;
    struct stat st;
    bool ok = false;

    *is_missing = false;
    if (!find_place(o, &path, &mine) || !check_file(o, path, &st, &mine)) {
        *is_missing = mine.code == ERR_IO && mine.detail == ENOENT;
        ok = *is_missing;
    } else {
        ok = open_file(path, SQLITE_OPEN_READONLY, db, &mine) &&
             identify_reader(db, is_missing, &mine);
        int code = mine.detail & 0xff;
        if (!ok && mine.code == ERR_STORE && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY))
            ok = reopen_immutable(path, db, &mine) && identify_reader(db, is_missing, &mine);
        if (!ok || *is_missing)
            db_close(db);
    }
    free(path);
    if (!ok && e)
        *e = mine;
    return ok;
}
