/*
 * Leases: which process polls a source. Time-limited, so that a process that dies blocks
 * nobody for long; the epoch grows with each new holder, and a commit that still carries an
 * old one is refused.
 */
#include "store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

enum {
    BOOT_ID_MAX = 64
};

/* Changes with each start of the machine; "" where there is none. */
static void read_boot_id(char out[BOOT_ID_MAX])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, BOOT_ID_MAX - 1) : 0;

    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

/* "host:pid:start" of this host with a process that is gone, or of before a restart. */
static bool is_holder_gone(const char *holder, const char *boot_then, const char *boot_now)
{
    char host[128] = "", pid_text[24];
    size_t n;
    int64_t pid;

    if (gethostname(host, sizeof host - 1) != 0)
        return false;
    n = strlen(host);
    if (!n || strncmp(holder, host, n) != 0 || holder[n] != ':')
        return false;
    const char *p = holder + n + 1, *end = strchr(p, ':');
    if (!end || end == p || (size_t)(end - p) >= sizeof pid_text)
        return false;
    snprintf(pid_text, sizeof pid_text, "%.*s", (int)(end - p), p);
    if (!str_to_i64(pid_text, 1, INT32_MAX, &pid))
        return false;
    if (*boot_then && *boot_now && strcmp(boot_then, boot_now) != 0)
        return true;
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static bool find_gone_holder(struct ingest_db *in, const char *source, const char *boot_id,
                             bool *is_gone, struct err *e)
{
    sqlite3_stmt *st =
        db_query(&in->db, e, "SELECT holder, boot_id FROM lease WHERE source = ?1", "s", source);
    int rc = st ? db_step(&in->db, st, e) : -1;

    *is_gone = rc == 1 && is_holder_gone(db_text(st, 0), db_text(st, 1), boot_id);
    if (rc == 1)
        sqlite3_reset(st);
    return rc >= 0;
}

static bool read_lease(struct ingest_db *in, const char *source, const char *holder, bool *is_ours,
                       int64_t *epoch, int64_t *until_ms, struct err *e)
{
    sqlite3_stmt *st =
        db_query(&in->db, e, "SELECT holder = ?2, epoch, until_ms FROM lease WHERE source = ?1",
                 "ss", source, holder);

    if (!st || db_step(&in->db, st, e) != 1)
        return false;
    *is_ours = sqlite3_column_int(st, 0) != 0;
    *epoch = sqlite3_column_int64(st, 1);
    *until_ms = sqlite3_column_int64(st, 2);
    sqlite3_reset(st);
    return true;
}

bool lease_take(struct ingest_db *in, const char *source, const char *holder, int64_t lease_ms,
                bool *is_ours, int64_t *epoch, int64_t *until_ms, struct err *e)
{
    require(in && source && holder);
    require(is_ours && epoch && until_ms);
    char boot_id[BOOT_ID_MAX];
    bool is_gone;
    int64_t now = ingest_now(in);

    *is_ours = false;
    read_boot_id(boot_id);
    if (!ingest_begin(in, e))
        goto fail;
    if (!find_gone_holder(in, source, boot_id, &is_gone, e) ||
        !db_do(&in->db, e,
               "INSERT INTO lease VALUES(?1, ?2, 1, ?3, ?4) ON CONFLICT(source) DO UPDATE SET "
               "epoch = epoch + (holder <> excluded.holder OR until_ms = 0), "
               "holder = excluded.holder, until_ms = excluded.until_ms, "
               "boot_id = excluded.boot_id "
               "WHERE holder = excluded.holder OR until_ms <= ?5 OR ?6",
               "ssisii", source, holder, now + lease_ms, boot_id, now, (int64_t)is_gone) ||
        !read_lease(in, source, holder, is_ours, epoch, until_ms, e) || !db_commit(&in->db, e))
        goto fail;
    return true;
fail:
    db_rollback(&in->db);
    *is_ours = false;
    return err_ctx(e, "take the lease of %s", source);
}

bool lease_release(struct ingest_db *in, const char *source, const char *holder, struct err *e)
{
    require(in && source && holder);
    /* The row stays: its epoch must not start again. */
    if (ingest_begin(in, e) &&
        db_do(&in->db, e, "UPDATE lease SET until_ms = 0 WHERE source = ?1 AND holder = ?2", "ss",
              source, holder) &&
        db_commit(&in->db, e))
        return true;
    db_rollback(&in->db);
    return err_ctx(e, "give back the lease of %s", source);
}

bool lease_check(struct ingest_db *in, const char *source, const char *holder, int64_t epoch,
                 struct err *e)
{
    require(in && source && holder);
    int64_t is_ours;

    if (!db_int(&in->db, e, &is_ours, 0,
                "SELECT 1 FROM lease WHERE source = ?1 AND holder = ?2 AND epoch = ?3 AND "
                "until_ms > 0",
                "ssi", source, holder, epoch))
        return false;
    return is_ours ||
           err_set(e, ERR_CANCELLED, 0, "another opsdeck has taken over polling %s", source);
}
