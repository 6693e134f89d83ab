/*
 * When each step was looked at and how that ended, as runs of looks that ended alike (table look,
 * described in schema.c). Written inside the transaction of a commit, or by itself for a look that
 * failed. Freshness, gaps and what failed last are read from it by the views.
 */
#include "store_priv.h"

#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

enum {
    EVERY_DEFAULT_MS = 300000 /* of a source that the config's list does not name */
};

/* The latest run of a step. */
struct look_run {
    bool is_there;
    int64_t from, to, every_ms, ms;
    bool is_alike; /* ended as the look at hand */
};

static const char *const outcomes[] = {
    [LOOK_ANSWERED] = "answered", [LOOK_DOUBTED] = "doubted", [LOOK_FAILED] = "failed"
};
_Static_assert(ARRAY_LEN(outcomes) == LOOK_FAILED + 1, "a word for each");

static bool find_last(struct ingest_db *in, const struct look *l, struct look_run *run,
                      struct err *e)
{
    sqlite3_stmt *st = db_query(&in->db, e,
                                "SELECT from_ms, to_ms, every_ms, ms, outcome = ?3 AND code IS ?4 "
                                "FROM look WHERE source = ?1 AND step = ?2 "
                                "ORDER BY from_ms DESC LIMIT 1",
                                "ssss", l->source, l->step, outcomes[l->outcome], l->code);
    int rc = st ? db_step(&in->db, st, e) : -1;

    *run = (struct look_run){ .is_there = rc == 1 };
    if (rc == 1) {
        run->from = sqlite3_column_int64(st, 0);
        run->to = sqlite3_column_int64(st, 1);
        run->every_ms = sqlite3_column_int64(st, 2);
        run->ms = sqlite3_column_int64(st, 3);
        run->is_alike = sqlite3_column_int(st, 4) != 0;
        sqlite3_reset(st);
    }
    return rc >= 0;
}

/* The clock was ahead when this run was written: nothing was seen in what is now the future. */
static bool cut_future(struct ingest_db *in, const struct look *l, struct look_run *run,
                       struct err *e)
{
    return db_do(&in->db, e, "DELETE FROM look WHERE source = ?1 AND step = ?2 AND from_ms > ?3",
                 "ssi", l->source, l->step, l->at_ms) &&
           db_do(&in->db, e,
                 "UPDATE look SET to_ms = ?3 WHERE source = ?1 AND step = ?2 AND to_ms > ?3", "ssi",
                 l->source, l->step, l->at_ms) &&
           find_last(in, l, run, e);
}

static bool extend(struct ingest_db *in, const struct look *l, const struct look_run *run,
                   struct err *e)
{
    if (l->at_ms <= run->to && l->ms <= run->ms)
        return true;
    return db_do(&in->db, e,
                 "UPDATE look SET to_ms = max(to_ms, ?4), ms = max(ms, ?5) WHERE source = ?1 AND "
                 "step = ?2 AND from_ms = ?3",
                 "ssiii", l->source, l->step, run->from, l->at_ms, l->ms);
}

static bool begin(struct ingest_db *in, const struct look *l, const struct look_run *run,
                  int64_t every, struct err *e)
{
    int64_t from = run->is_there && l->at_ms <= run->from ? run->from + 1 : l->at_ms;

    return db_do(&in->db, e, "INSERT INTO look VALUES(?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8)",
                 "ssisssii", l->source, l->step, from, outcomes[l->outcome], l->code, l->text,
                 every, l->ms);
}

bool look_add(struct ingest_db *in, const struct look *l, struct err *e)
{
    require(in && l && l->source);
    struct look_run run;
    int64_t every;

    if (!db_int(&in->db, e, &every, 0, "SELECT every_ms FROM source WHERE name = ?1", "s",
                l->source) ||
        !find_last(in, l, &run, e) ||
        (run.is_there && run.to > ingest_now(in) && !cut_future(in, l, &run, e)))
        return false;
    if (every <= 0)
        every = EVERY_DEFAULT_MS;
    bool is_near = (double)(l->at_ms - run.to) <= 2.5 * (double)every;
    if (run.is_there && run.is_alike && run.every_ms == every && is_near)
        return extend(in, l, &run, e);
    return begin(in, l, &run, every, e);
}

bool look_last_answered(struct ingest_db *in, const char *source, const char *step, int64_t *at,
                        struct err *e)
{
    require(in && source && step && at);
    return db_int(&in->db, e, at, 0,
                  "SELECT to_ms FROM look WHERE source = ?1 AND step = ?2 AND outcome = 'answered' "
                  "ORDER BY from_ms DESC LIMIT 1",
                  "ss", source, step);
}

bool look_failed(struct ingest_db *in, const struct look *l, const char *holder, int64_t epoch,
                 struct err *e)
{
    if (ingest_begin(in, e) && (!holder || lease_check(in, l->source, holder, epoch, e)) &&
        look_add(in, l, e) && db_commit(&in->db, e))
        return true;
    db_rollback(&in->db);
    return err_ctx(e, "note that step %s of %s failed", l->step, l->source);
}
