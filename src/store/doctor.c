/*
 * What `opsdeck doctor` can say of the store: place, identity, soundness, size and room left.
 * Opens read-only and changes nothing.
 */
#include "store_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

enum {
    CHECK_BYTES_MAX = 256 << 20, /* reading more would make the doctor slow */
    ROOM_LEAST = 64 << 20
};

static void add(struct row_set *rs, const char *name, bool ok, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void add(struct row_set *rs, const char *name, bool ok, const char *fmt, ...)
{
    va_list ap;
    struct cell *c = row_set_add(rs);

    cell_set_text(&c[0], rs, name);
    cell_set_int(&c[1], rs, ok);
    va_start(ap, fmt);
    cell_set_text(&c[2], rs, arena_vprintf(rs->mem, fmt, ap));
    va_end(ap);
}

static void check_room(struct row_set *rs, const struct store_opts *o)
{
    struct statvfs fs;
    char room[TIME_TEXT_MAX];

    if (statvfs(o->dir, &fs) != 0)
        return; /* not there yet: the file's check says so */
    int64_t bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    add(rs, "store room", bytes >= ROOM_LEAST, "%s free in %s%s", size_format(bytes, room), o->dir,
        bytes >= ROOM_LEAST ? "" : ": free some, or give another place with --store DIR");
}

static void check_dir(struct row_set *rs, const struct store_opts *o)
{
    struct stat st;

    if (stat(o->dir, &st) != 0) {
        bool is_absent = errno == ENOENT;
        add(rs, "store directory", is_absent, "%s: %s", o->dir,
            is_absent ? "not there yet, the first poll makes it" : strerror(errno));
        return;
    }
    bool ok = S_ISDIR(st.st_mode) && (o->is_shared || !(st.st_mode & 022));
    add(rs, "store directory", ok, "%s, mode %04o%s", o->dir, (unsigned)(st.st_mode & 07777),
        ok ? "" : ": others may write there; run chmod 700 on it");
}

static void check_content(struct row_set *rs, struct db *db)
{
    struct err e = { 0 };
    int64_t open, all, sources, failing, steps;

    if (!db_int(db, &e, &open, 0, "SELECT count(*) FROM version WHERE valid_to IS NULL", "") ||
        !db_int(db, &e, &all, 0, "SELECT count(*) FROM version", "") ||
        !db_int(db, &e, &sources, 0, "SELECT count(*) FROM source", "") ||
        !db_int(db, &e, &failing, 0, "SELECT count(*) FROM source WHERE is_failing", "") ||
        !db_int(db, &e, &steps, 0,
                "SELECT count(DISTINCT l.source || ' ' || l.step) FROM look l JOIN source s ON "
                "s.name = l.source WHERE l.outcome = 'failed' AND l.to_ms >= s.attempt_from",
                ""))
        add(rs, "store content", false, "%s", e.text);
    else
        add(rs, "store content", true,
            "%lld rows now, %lld versions in all, %lld sources (%lld failing; %lld steps failed "
            "when "
            "last asked)",
            (long long)open, (long long)all, (long long)sources, (long long)failing,
            (long long)steps);
}

static void check_pages(struct row_set *rs, struct db *db, const struct store_opts *o)
{
    struct err e = { 0 };
    int64_t pages, page;
    char size[TIME_TEXT_MAX], most[TIME_TEXT_MAX];

    if (!db_int(db, &e, &pages, 0, "PRAGMA page_count", "") ||
        !db_int(db, &e, &page, 0, "PRAGMA page_size", "")) {
        add(rs, "store size", false, "%s", e.text);
        return;
    }
    bool fits = o->max_bytes <= 0 || pages * page <= o->max_bytes;
    add(rs, "store size", fits, "%s of at most %s", size_format(pages * page, size),
        o->max_bytes > 0 ? size_format(o->max_bytes, most) : "any size");
    if (pages * page > CHECK_BYTES_MAX) {
        add(rs, "store soundness", true, "not looked at: larger than %d MiB",
            CHECK_BYTES_MAX >> 20);
        return;
    }
    sqlite3_stmt *st = db_query(db, &e, "PRAGMA quick_check(1)", "");
    if (!st || db_step(db, st, &e) != 1) {
        add(rs, "store soundness", false, "%s", e.text);
        return;
    }
    bool ok = !strcmp(db_text(st, 0), "ok");
    add(rs, "store soundness", ok, "%s%s", db_text(st, 0),
        ok ? "" : ": the next start moves the cache aside and begins afresh");
    sqlite3_reset(st);
}

static void check_schema(struct row_set *rs, struct db *db)
{
    struct err e = { 0 };
    int64_t version;
    bool is_ours = false;

    if (!db_int(db, &e, &version, 0, "PRAGMA user_version", "") || !schema_check(db, &is_ours, &e))
        add(rs, "store schema", false, "%s", e.text);
    else
        add(rs, "store schema", is_ours, "version %lld%s", (long long)version,
            is_ours ? "" : ", but its tables are not those of opsdeck");
}

struct row_set *store_doctor(const struct store_opts *o)
{
    require(o && o->dir && o->clock);
    static const char *const cols[] = { "name", "ok", "detail" };
    struct row_set *rs = row_set_new(cols, ARRAY_LEN(cols));
    struct db db = { 0 };
    struct err e = { 0 };
    bool is_missing;

    check_dir(rs, o);
    check_room(rs, o);
    if (!store_open_reader(o, &db, &is_missing, &e)) {
        add(rs, "store file", false, "%s", e.text);
    } else if (is_missing) {
        add(rs, "store file", true, "not there yet, the first poll makes it");
    } else {
        add(rs, "store file", true, "%s opens", db.path);
        check_schema(rs, &db);
        check_pages(rs, &db, o);
        check_content(rs, &db);
    }
    db_close(&db);
    return rs;
}
