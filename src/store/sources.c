/*
 * The source table: which sources the configuration names, and how their last attempt ended.
 * A source that is taken out of the configuration closes its rows, so that nothing of it ages
 * on the screen for ever.
 */
#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

static bool is_listed(const struct ingest_source *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list[i].name, name))
            return true;
    return false;
}

/* Written only where something differs: every start brings the same list. */
static bool put_source(struct ingest_db *in, const struct ingest_source *s, int64_t pos,
                       struct err *e)
{
    return db_do(
        &in->db, e,
        "INSERT INTO source(name, pos, recipe, url, labels, every_ms, is_on_demand) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(name) DO UPDATE SET "
        "pos = excluded.pos, recipe = excluded.recipe, url = excluded.url, "
        "labels = excluded.labels, every_ms = excluded.every_ms, "
        "is_on_demand = excluded.is_on_demand "
        "WHERE (pos, recipe, url, labels, every_ms, is_on_demand) IS NOT (excluded.pos, "
        "excluded.recipe, excluded.url, excluded.labels, excluded.every_ms, excluded.is_on_demand)",
        "sisssii", s->name, pos, s->recipe, s->url, s->labels_json, s->every_ms,
        (int64_t)s->is_on_demand);
}

static bool remove_source(struct ingest_db *in, const char *name, int64_t now, struct err *e)
{
    struct db *db = &in->db;

    return db_do(db, e,
                 "UPDATE version SET valid_to = max(?2, valid_from + 1), cause = 'config', "
                 "close_after = (SELECT max(to_ms) FROM look WHERE source = ?1 AND outcome = "
                 "'answered') "
                 "WHERE valid_to IS NULL AND entity IN (SELECT id FROM entity_id WHERE source = "
                 "?1)",
                 "si", name, now) &&
           db_do(db, e,
                 "DELETE FROM answer_body WHERE id IN (SELECT id FROM answer WHERE source = ?1)",
                 "s", name) &&
           db_do(db, e, "DELETE FROM answer WHERE source = ?1", "s", name) &&
           db_do(db, e, "DELETE FROM doubt WHERE source = ?1", "s", name) &&
           db_do(db, e, "DELETE FROM source WHERE name = ?1", "s", name);
}

/* The next name after `name` that has open rows or a row of its own; NULL in *next: none. */
static bool next_known(struct ingest_db *in, const char *name, char **next, struct err *e)
{
    sqlite3_stmt *st =
        db_query(&in->db, e,
                 "SELECT min(n) FROM (SELECT min(name) AS n FROM source WHERE name > ?1 UNION ALL "
                 "SELECT min(source) FROM entity_id WHERE source > ?1)",
                 "s", name);

    *next = NULL;
    if (!st || db_step(&in->db, st, e) != 1)
        return false;
    if (sqlite3_column_type(st, 0) != SQLITE_NULL)
        *next = xstrdup(db_text(st, 0));
    sqlite3_reset(st);
    return true;
}

static bool remove_others(struct ingest_db *in, const struct ingest_source *list, size_t n,
                          int64_t now, struct err *e)
{
    char *name = xstrdup(""), *next = NULL;
    bool ok;

    while ((ok = next_known(in, name, &next, e)) && next) {
        free(name);
        name = next;
        if (!is_listed(list, n, name) && !(ok = remove_source(in, name, now, e)))
            break;
    }
    free(name);
    return ok;
}

bool sources_set(struct ingest_db *in, const struct ingest_source *list, size_t n, struct err *e)
{
    require(in && (list || n == 0));
    bool ok = ingest_begin(in, e);

    for (size_t i = 0; i < n && ok; i++)
        ok = put_source(in, &list[i], (int64_t)i, e);
    ok = ok && remove_others(in, list, n, ingest_now(in), e) && db_commit(&in->db, e);
    if (ok)
        return true;
    db_rollback(&in->db);
    return err_ctx(e, "write down the sources of the configuration");
}

/* The columns a good attempt and a failed one set alike come first. */
static const char sql_state[] =
    "UPDATE source SET last_attempt = ?2, latency_ms = ?3, wire_bytes = ?4, requests = ?5, "
    "not_modified = ?6, next_due = nullif(?7, 0), budget_left = CASE WHEN ?8 >= 0 THEN ?8 END, "
    "pause_until = ?9, error = ?10, error_code = ?11, is_failing = NOT ?12, "
    "failing_since = CASE WHEN NOT ?12 THEN coalesce(failing_since, ?2) END, "
    "last_success = CASE WHEN ?12 THEN ?2 ELSE last_success END, attempt_from = ?13 WHERE name = "
    "?1";

bool source_set_state(struct ingest_db *in, const char *source, const struct ingest_state *s,
                      struct err *e)
{
    require(in && source && s);
    int64_t at = s->at_ms ? s->at_ms : ingest_now(in);

    if (!ingest_begin(in, e) ||
        !db_do(&in->db, e, sql_state, "siiiiiiiissii", source, at, s->latency_ms, s->wire_bytes,
               s->requests, s->not_modified, s->next_due_ms, s->budget_left, s->pause_until_ms,
               s->is_ok ? NULL : s->error, s->is_ok ? NULL : s->error_code, (int64_t)s->is_ok,
               s->from_ms ? s->from_ms : at)) {
        db_rollback(&in->db);
        return err_ctx(e, "state of %s", source);
    }
    bool is_known = sqlite3_changes(in->db.h) > 0;
    if (!db_commit(&in->db, e)) {
        db_rollback(&in->db);
        return err_ctx(e, "state of %s", source);
    }
    if (!is_known)
        return err_set(e, ERR_NOT_FOUND, 0,
                       "source %s is not in the store: another opsdeck with another configuration "
                       "uses it too; give one of them its own with --store DIR",
                       source);
    return true;
}

bool source_pause(struct ingest_db *in, const char *source, int64_t *until_ms, struct err *e)
{
    require(in && source && until_ms);
    return db_int(&in->db, e, until_ms, 0, "SELECT pause_until FROM source WHERE name = ?1", "s",
                  source);
}
