/*
 * The TEMP views that questions are asked of, per connection: entity, problem, change,
 * source_state, version, observed, bluegreen and bluegreen_fact, for now or for the moment in
 * temp.moment. What a status is worth is decided by functions of the model, so that command line
 * and screen agree.
 */
#include "store_priv.h"

#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/require.h"
#include "opsdeck/model/status.h"

#include "fn_priv.h"

/* ---- the model's functions in SQL */

static enum status status_of(sqlite3_value *v)
{
    enum status s;

    return status_parse((const char *)sqlite3_value_text(v), &s) ? s : STATUS_UNKNOWN;
}

/* Arguments: observed, interval, is on demand, has failed, now. NULL is never, or no interval
 * known. */
static enum freshness freshness(sqlite3_value **v)
{
    struct fact_age age = {
        .observed_ms = sqlite3_value_int64(v[0]),
        .every_ms = sqlite3_value_int64(v[1]),
        .is_on_demand = sqlite3_value_int(v[2]) != 0,
        .has_failed = sqlite3_value_int(v[3]) != 0,
        .now_ms = sqlite3_value_int64(v[4]),
    };

    return freshness_of(&age);
}

static void call_status(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    (void)n;
    enum status s = status_effective(status_of(v[0]), freshness(v + 1));

    sqlite3_result_text(ctx, status_word(s), -1, SQLITE_STATIC);
}

static void call_severity(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_int(ctx, (int)status_effective(status_of(v[0]), freshness(v + 1)));
}

static void call_stale(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_int(ctx, freshness(v) != FRESH);
}

/* Arguments: status, last status, is live, since, now, rows below it, is flapping. */
static void call_problem_key(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    char key[PROBLEM_KEY_MAX];
    struct problem_rank p = {
        .status = status_of(v[0]),
        .last = status_of(v[1]),
        .is_live = sqlite3_value_int(v[2]) != 0,
        .since_ms = sqlite3_value_int64(v[3]),
        .now_ms = sqlite3_value_int64(v[4]),
        .blast = sqlite3_value_int64(v[5]),
        .is_flapping = sqlite3_value_int(v[6]) != 0,
    };

    (void)n;
    sqlite3_result_text(ctx, problem_key(&p, key), -1, SQLITE_TRANSIENT);
}

static bool add_functions(struct db *db, struct err *e)
{
    static const struct {
        const char *name;
        int nargs;
        void (*call)(sqlite3_context *ctx, int n, sqlite3_value **v);
    } functions[] = {
        { "fact_status", 6, call_status },
        { "fact_severity", 6, call_severity },
        { "fact_stale", 5, call_stale },
        { "problem_key", 7, call_problem_key },
    };

    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (sqlite3_create_function_v2(db->h, functions[i].name, functions[i].nargs,
                                       SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
                                       functions[i].call, NULL, NULL, NULL) != SQLITE_OK)
            return db_fail(db, e, "add function %s", functions[i].name);
    return fn_bluegreen_register(db, e);
}

/* ---- the views */

/* clang-format off */
#define AT "(SELECT at FROM temp.moment)"

/* When each step was last looked at: by now, or by the moment. */
#define SEEN_NOW  "(SELECT source, step, max(to_ms) AS at FROM main.look WHERE outcome = 'answered' GROUP BY source, step)"
#define SEEN_PAST "(SELECT source, step, max(min(to_ms, " AT ")) AS at FROM main.look WHERE outcome = 'answered' AND from_ms <= " AT " GROUP BY source, step)"

/* Whether the last attempt failed is not known of the past: the age says it. */
#define AGE_NOW  "o.at, s.every_ms, s.is_on_demand, s.is_failing, " AT
#define AGE_PAST "o.at, s.every_ms, s.is_on_demand, 0, " AT

/* Four changes of status within an hour. */
#define FLAPPING \
    "CASE WHEN v.valid_from > " AT " - 3600000 THEN (SELECT count(*) FROM main.version f WHERE f.entity = v.entity" \
    " AND f.valid_from > " AT " - 3600000 AND f.valid_from <= " AT " AND f.status <> (SELECT b.status FROM main.version b" \
    " WHERE b.entity = f.entity AND b.valid_from < f.valid_from ORDER BY b.valid_from DESC LIMIT 1)) >= 4 ELSE 0 END"

#define ENTITY(AGE, FROM) \
    "CREATE TEMP VIEW entity AS SELECT i.source AS source, i.kind AS kind, i.key AS key, coalesce(v.name, i.key) AS name," \
    " fact_status(v.status, " AGE ") AS status, v.status AS last_status, fact_stale(" AGE ") AS stale, v.summary AS summary," \
    " v.since AS since, v.parent AS parent, v.url AS url, v.attrs AS attrs, o.at AS observed_at, v.valid_from AS changed_at," \
    " fact_severity(v.status, " AGE ") AS severity, i.step AS step, " FLAPPING " AS is_flapping, i.id AS id FROM " FROM

#define SOURCE_AND_SEEN(SEEN) \
    " LEFT JOIN main.source s ON s.name = i.source LEFT JOIN " SEEN " o ON o.source = i.source AND o.step = i.step"

/* Rows below a problem. Open ones have an index by parent, past ones are counted once for all. */
#define BELOW_NOW \
    "(SELECT count(*) FROM main.version c JOIN main.entity_id ci ON ci.id = c.entity WHERE c.parent = e.kind || ':' || e.key" \
    " AND c.parent IS NOT NULL AND c.valid_to IS NULL AND ci.source = e.source)"
#define BELOW_PAST "coalesce(b.n, 0)"
#define JOIN_BELOW_PAST \
    " LEFT JOIN (SELECT source AS of, parent AS what, count(*) AS n FROM entity WHERE parent IS NOT NULL GROUP BY source, parent) b" \
    " ON b.of = e.source AND b.what = e.kind || ':' || e.key"

#define PROBLEM_COLS \
    "source, kind, key, name, status, last_status, stale, summary, since, parent, url, attrs, observed_at, changed_at, severity," \
    " step, is_flapping, id"

/* A failing source is a problem of its own: nothing is known of what it watches. */
#define FAILING_SOURCES \
    " UNION ALL SELECT name, 'source', name, name, 'unknown', 'unknown', 0, coalesce(error, 'the last poll failed'), failing_since," \
    " NULL, url, coalesce(labels, '{}'), last_attempt, failing_since, 3, NULL, 0, NULL," \
    " problem_key('unknown', 'unknown', labels->>'env' IS 'live', failing_since, " AT "," \
    " (SELECT count(*) FROM main.entity_id ci WHERE ci.source = src.name), 0) FROM main.source src WHERE is_failing"

/* Rows the blue/green judgement is made of. By source and kind, so that it costs nothing where there
 * are none; each with the moment its step was last looked at. */
#define BG_KINDS \
    "('shared-env', 'bg-fact', 'bg-link', 'bg-queue', 'bg-function', 'bg-dashboard', 'bg-alarm', 'bg-subscription', 'bg-rule'," \
    " 'bg-table', 'bg-lock', 'bg-stage', 'bg-secret', 'bg-execution', 'bg-build', 'bg-parameter', 'bg-image', 'bg-metric')"
#define BG_SEEN_NOW "(SELECT o.to_ms FROM main.look o WHERE o.source = i.source AND o.step = i.step AND o.outcome = 'answered' ORDER BY o.from_ms DESC LIMIT 1)"
#define BG_SEEN_PAST \
    "(SELECT min(o.to_ms, " AT ") FROM main.look o WHERE o.source = i.source AND o.step = i.step AND o.outcome = 'answered' AND o.from_ms <= " AT \
    " ORDER BY o.from_ms DESC LIMIT 1)"
#define BG_IDS(KINDS) "main.source s CROSS JOIN main.entity_id i ON i.source = s.name AND i.kind IN " KINDS
#define BG_OPEN_NOW " CROSS JOIN main.version v ON v.entity = i.id AND v.valid_to IS NULL"
#define BG_OPEN_PAST \
    " CROSS JOIN main.version v ON v.entity = i.id AND v.valid_from = (SELECT max(w.valid_from) FROM main.version w" \
    " WHERE w.entity = i.id AND w.valid_from <= " AT ") AND (v.valid_to IS NULL OR v.valid_to > " AT ")"

/* Who was linked last: of the main queue's links that went away by themselves the latest, with the
 * previous environment that the dashboard told beside it. */
#define BG_LAST_LINK \
    " UNION ALL SELECT source, 'bg-last-link', shared, json_object('project', project, 'shared', shared, 'name', name," \
    " 'ended', max(ended), 'previous', (SELECT d.attrs->>'previous' FROM main.entity_id t JOIN main.version d ON d.entity = t.id" \
    " WHERE t.source = l.source AND t.kind = 'bg-dashboard' AND t.key = l.shared AND d.valid_from <= l.ended" \
    " AND d.attrs->>'current' = l.name ORDER BY d.valid_from DESC LIMIT 1)), ended, every_ms FROM" \
    " (SELECT i.source AS source, v.attrs->>'project' AS project, v.attrs->>'shared' AS shared, v.name AS name, v.valid_to AS ended," \
    " s.every_ms AS every_ms FROM " BG_IDS("('bg-link')") " CROSS JOIN main.version v ON v.entity = i.id AND v.valid_to <= " AT \
    " WHERE v.cause IS NOT 'config' AND v.attrs->>'queue' = (v.attrs->>'project') || '-' || (v.attrs->>'shared') || '-change-event-queue.fifo'" \
    " AND NOT EXISTS (SELECT 1 FROM main.version n WHERE n.entity = v.entity AND n.valid_from = v.valid_to)) l" \
    " GROUP BY source, project, shared"

/* Which steps did not bring what they were asked for in the source's last attempt. */
#define FAILED_LOOKS \
    "main.source s JOIN main.look l ON l.source = s.name AND l.outcome <> 'answered' AND l.to_ms >= coalesce(s.attempt_from, 0)" \
    " AND l.from_ms = (SELECT max(m.from_ms) FROM main.look m WHERE m.source = l.source AND m.step = l.step)"
#define LOOK_TEXT \
    "'step ' || l.step || CASE l.outcome WHEN 'doubted' THEN ' lists nothing where there were many rows: kept until the next poll agrees'" \
    " ELSE ': ' || coalesce(l.text, 'failed') END"

#define IS_BLUEGREEN "EXISTS (SELECT 1 FROM main.entity_id i WHERE i.source = s.name AND i.kind = 'bg-fact')"
#define BG_ERRORS \
    " UNION ALL SELECT s.name, 'bg-source', s.name, json_object('error', s.error), s.last_attempt, s.every_ms FROM main.source s" \
    " WHERE s.is_failing AND " IS_BLUEGREEN \
    " UNION ALL SELECT s.name, 'bg-step', l.step, json_object('error', " LOOK_TEXT "), l.to_ms, s.every_ms FROM " FAILED_LOOKS \
    " WHERE l.outcome = 'failed' AND " IS_BLUEGREEN

#define BG_FACTS(SEEN, OPEN, ERRORS) \
    "SELECT i.source AS source, i.kind AS kind, i.key AS key, v.attrs AS attrs, " SEEN " AS observed_at, s.every_ms AS every_ms" \
    " FROM " BG_IDS(BG_KINDS) OPEN BG_LAST_LINK ERRORS
#define BG_FACTS_NOW  BG_FACTS(BG_SEEN_NOW, BG_OPEN_NOW, BG_ERRORS)
#define BG_FACTS_PAST BG_FACTS(BG_SEEN_PAST, BG_OPEN_PAST, "")

#define BG_SEVERITY "CASE value->>'severity' WHEN 'ok' THEN 0 WHEN 'info' THEN 1 WHEN 'warn' THEN 2 WHEN 'crit' THEN 4 ELSE 3 END"
#define BG_JUDGED(FACTS) \
    "json_each((SELECT bluegreen(source, kind, key, attrs, observed_at, every_ms, " AT ", NULL) FROM (" FACTS ")))"

#define BLUEGREEN(FACTS) \
    "CREATE TEMP VIEW bluegreen_fact AS " FACTS ";" \
    "CREATE TEMP VIEW bluegreen AS SELECT value->>'source' AS source, value->>'shared_env' AS shared_env, value->>'state' AS state," \
    " value->>'severity' AS status, " BG_SEVERITY " AS severity, value->>'summary' AS summary, value->>'since' AS since," \
    " value->'linked' AS linked, value AS json FROM " BG_JUDGED(FACTS)

#define BG_PROBLEMS(FACTS) \
    " UNION ALL SELECT value->>'source', 'bluegreen', value->>'shared_env', value->>'shared_env', value->>'severity'," \
    " value->>'severity', 0, value->>'summary', value->>'since', NULL, NULL," \
    " json_object('state', value->>'state', 'linked', value->'linked'), value->>'observed_at', value->>'since', " BG_SEVERITY "," \
    " NULL, 0, NULL, problem_key(value->>'severity', value->>'severity', value->>'is_live', value->>'since', " AT ", 0, 0)" \
    " FROM " BG_JUDGED(FACTS) " WHERE value->>'severity' IN ('warn', 'unknown', 'crit')"

#define PROBLEM(BELOW, JOIN_BELOW, SOURCES) \
    "CREATE TEMP VIEW problem AS SELECT " PROBLEM_COLS ", row_number() OVER (ORDER BY urgency, source, kind, key) AS rank FROM (" \
    "SELECT e.*, problem_key(e.status, e.last_status, e.attrs->>'env' IS 'live' OR e.attrs->>'mark' IS 'danger'," \
    " coalesce(e.since, e.changed_at), " AT ", " BELOW ", e.is_flapping) AS urgency FROM entity e" JOIN_BELOW \
    " WHERE e.severity >= 2 OR e.last_status IN ('warn', 'unknown', 'crit')" SOURCES ")"

/* What differs, as words: the first of the columns, else the attributes that are not the same. */
#define DIFFERENCE(A, B) \
    "WHEN p.summary IS NOT v.summary THEN " A ".summary WHEN p.name IS NOT v.name THEN " A ".name" \
    " WHEN p.attrs IS NOT v.attrs THEN (SELECT substr(group_concat(key || '=' || coalesce(value, 'null'), ' '), 1, 400) FROM" \
    " (SELECT x.key, x.value FROM json_each(" A ".attrs) x EXCEPT SELECT y.key, y.value FROM json_each(" B ".attrs) y))" \
    " WHEN p.parent IS NOT v.parent THEN " A ".parent WHEN p.url IS NOT v.url THEN " A ".url ELSE CAST(" A ".since AS TEXT) END"

#define CHANGE(OPENED, CLOSED) \
    "CREATE TEMP VIEW change AS" \
    " SELECT v.open_after AS at_from, v.valid_from AS at_to, i.source AS source, i.kind AS kind, i.key AS key," \
    " coalesce(v.name, i.key) AS name, CASE WHEN p.entity IS NULL THEN 'opened' WHEN p.status <> v.status THEN 'status'" \
    " ELSE 'attrs' END AS what," \
    " CASE WHEN p.entity IS NULL THEN NULL WHEN p.status <> v.status THEN p.status " DIFFERENCE("p", "v") " AS before," \
    " CASE WHEN p.entity IS NULL OR p.status <> v.status THEN v.status " DIFFERENCE("v", "p") " AS after, 'poll' AS cause" \
    " FROM main.version v CROSS JOIN main.entity_id i ON i.id = v.entity LEFT JOIN main.version p ON p.entity = v.entity" \
    " AND p.valid_to = v.valid_from AND p.valid_from = (SELECT max(w.valid_from) FROM main.version w WHERE w.entity = v.entity" \
    " AND w.valid_from < v.valid_from)" OPENED \
    " UNION ALL" \
    " SELECT v.close_after, v.valid_to, i.source, i.kind, i.key, coalesce(v.name, i.key), 'closed', v.status, NULL," \
    " coalesce(v.cause, 'poll') FROM main.version v CROSS JOIN main.entity_id i ON i.id = v.entity WHERE v.valid_to IS NOT NULL" \
    " AND NOT EXISTS (SELECT 1 FROM main.version n WHERE n.entity = v.entity AND n.valid_from = v.valid_to)" CLOSED

/* `status` is what may be shown now of an open version, `last` what the source has said. */
#define VERSION(AGE, SEEN, VALID_TO, WHERE) \
    "CREATE TEMP VIEW version AS SELECT i.source AS source, i.kind AS kind, i.key AS key, v.valid_from AS valid_from, " VALID_TO \
    " AS valid_to, coalesce(v.name, i.key) AS name, CASE WHEN " VALID_TO " IS NULL THEN fact_status(v.status, " AGE ")" \
    " ELSE v.status END AS status, v.status AS last, v.summary AS summary, v.since AS since, v.parent AS parent, v.url AS url," \
    " v.attrs AS attrs, v.cause AS cause FROM main.version v JOIN main.entity_id i ON i.id = v.entity" SOURCE_AND_SEEN(SEEN) WHERE

#define IS_LATE "(NOT is_on_demand AND coalesce(" AT " - last_success > 2 * every_ms, 0))"
#define WARNING "(SELECT group_concat(t, '; ') FROM (SELECT " LOOK_TEXT " AS t FROM " FAILED_LOOKS " WHERE s.name = src.name ORDER BY l.from_ms, l.step))"
#define AGE_MS  "CASE WHEN last_success > " AT " THEN 0 ELSE " AT " - last_success END"

static const char views_now[] =
    ENTITY(AGE_NOW, "main.version v JOIN main.entity_id i ON i.id = v.entity" SOURCE_AND_SEEN(SEEN_NOW) " WHERE v.valid_to IS NULL") ";"
    PROBLEM(BELOW_NOW, "", FAILING_SOURCES BG_PROBLEMS(BG_FACTS_NOW)) ";"
    BLUEGREEN(BG_FACTS_NOW) ";"
    CHANGE("", "") ";"
    VERSION(AGE_NOW, SEEN_NOW, "v.valid_to", "") ";"
    "CREATE TEMP VIEW observed AS SELECT source, step, from_ms, to_ms FROM main.look WHERE outcome = 'answered';"
    "CREATE TEMP VIEW source_state AS SELECT name, recipe, url,"
    " CASE WHEN is_failing THEN 'failing' WHEN last_success IS NULL AND is_on_demand THEN 'idle' WHEN last_success IS NULL THEN 'never'"
    " WHEN EXISTS (SELECT 1 FROM main.doubt d WHERE d.source = src.name) THEN 'doubtful' WHEN " IS_LATE " THEN 'late' ELSE 'ok' END AS state,"
    " every_ms, last_attempt, last_success, " AGE_MS " AS age_ms, failing_since, error, error_code, " WARNING " AS warning, latency_ms, wire_bytes,"
    " requests, not_modified, next_due, budget_left,"
    " (SELECT count(*) FROM main.entity_id i JOIN main.version v ON v.entity = i.id AND v.valid_to IS NULL WHERE i.source = src.name) AS rows,"
    " coalesce(labels, '{}') AS labels, is_on_demand, nullif(pause_until, 0) AS pause_until FROM main.source src ORDER BY pos, name;"
    "CREATE TEMP VIEW look AS SELECT source, step, from_ms, to_ms, outcome, code, text, every_ms, ms FROM main.look;";

#define VALID_PAST "(v.valid_to IS NULL OR v.valid_to > " AT ")"
#define LATEST_PAST \
    "main.entity_id i CROSS JOIN main.version v ON v.entity = i.id AND v.valid_from =" \
    " (SELECT max(w.valid_from) FROM main.version w WHERE w.entity = i.id AND w.valid_from <= " AT ")"

static const char views_past[] =
    ENTITY(AGE_PAST, LATEST_PAST SOURCE_AND_SEEN(SEEN_PAST) " WHERE " VALID_PAST) ";"
    PROBLEM(BELOW_PAST, JOIN_BELOW_PAST, BG_PROBLEMS(BG_FACTS_PAST)) ";"
    BLUEGREEN(BG_FACTS_PAST) ";"
    CHANGE(" WHERE v.valid_from <= " AT, " AND v.valid_to <= " AT) ";"
    VERSION(AGE_PAST, SEEN_PAST, "CASE WHEN v.valid_to <= " AT " THEN v.valid_to END", " WHERE v.valid_from <= " AT) ";"
    "CREATE TEMP VIEW observed AS SELECT source, step, from_ms, min(to_ms, " AT ") AS to_ms FROM main.look WHERE outcome = 'answered' AND from_ms <= " AT ";"
    "CREATE TEMP VIEW source_state AS SELECT name, recipe, url,"
    " CASE WHEN last_success IS NULL AND is_on_demand THEN 'idle' WHEN last_success IS NULL THEN 'never' WHEN " IS_LATE " THEN 'late' ELSE 'ok' END AS state,"
    " every_ms, NULL AS last_attempt, last_success, " AGE_MS " AS age_ms, NULL AS failing_since, NULL AS error, NULL AS error_code,"
    " NULL AS warning, NULL AS latency_ms, NULL AS wire_bytes, NULL AS requests, NULL AS not_modified, NULL AS next_due,"
    " NULL AS budget_left, (SELECT count(*) FROM " LATEST_PAST " WHERE i.source = s.name AND " VALID_PAST ") AS rows,"
    " coalesce(labels, '{}') AS labels, is_on_demand, NULL AS pause_until FROM (SELECT *, (SELECT max(min(to_ms, " AT ")) FROM main.look q"
    " WHERE q.source = name AND q.outcome = 'answered' AND from_ms <= " AT ") AS last_success"
    " FROM (SELECT name, recipe, url, every_ms, is_on_demand, labels, pos FROM main.source)) s ORDER BY pos, name;"
    "CREATE TEMP VIEW look AS SELECT source, step, from_ms, min(to_ms, " AT ") AS to_ms, outcome, code, text, every_ms, ms FROM main.look"
    " WHERE from_ms <= " AT ";";
/* The tables with what is not JSON in them shown as unknown: SQLite ends a whole question for one
 * such text. Only used when that has happened, since it costs a look at every text. */
#define SOUND "typeof(attrs) = 'text' AND json_valid(attrs)"
static const char views_sound[] =
    "CREATE TEMP VIEW version_sound AS SELECT entity, valid_from, valid_to, name, CASE WHEN " SOUND " THEN status ELSE 'unknown' END AS status,"
    " CASE WHEN " SOUND " THEN summary ELSE 'damaged in the cache: its attributes are not JSON' END AS summary, since, parent, url,"
    " CASE WHEN " SOUND " THEN attrs ELSE '{}' END AS attrs, hash, vhash, open_after, close_after, cause FROM main.version;"
    "CREATE TEMP VIEW source_sound AS SELECT name, pos, recipe, url, CASE WHEN json_valid(labels) THEN labels END AS labels, every_ms,"
    " is_on_demand, last_attempt, attempt_from, last_success, is_failing, failing_since, error, error_code, latency_ms, wire_bytes, requests,"
    " not_modified, next_due, pause_until, budget_left FROM main.source;";
/* clang-format on */

/* `views` over the tables themselves, or over what is sound of them. */
static bool create(struct db *db, const char *views, bool is_sound_only, struct err *e)
{
    static const char *const tables[] = { "main.version", "main.source" };
    struct sbuf sql;
    bool ok = !is_sound_only || db_exec(db, views_sound, e);

    sbuf_init(&sql, 1 << 20);
    while (*views && ok) {
        const char *next = NULL;
        size_t n = 0;
        for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
            const char *at = is_sound_only ? strstr(views, tables[i]) : NULL;
            if (at && (!next || at < next)) {
                next = at;
                n = strlen(tables[i]);
            }
        }
        if (!next)
            break;
        ok = sbuf_add(&sql, views, (size_t)(next - views)) &&
             sbuf_addf(&sql, "temp.%.*s_sound", (int)n - 5, next + 5);
        views = next + n;
    }
    ok = ok && sbuf_adds(&sql, views) && db_exec(db, sql.buf, e);
    sbuf_release(&sql);
    return ok;
}

bool views_create(struct db *db, bool is_past, bool is_sound_only, struct err *e)
{
    require(db && db->h);
    static const char clear[] =
        "CREATE TEMP TABLE IF NOT EXISTS moment(at INTEGER NOT NULL);"
        "DROP VIEW IF EXISTS temp.problem; DROP VIEW IF EXISTS temp.entity;"
        "DROP VIEW IF EXISTS temp.change; DROP VIEW IF EXISTS temp.version;"
        "DROP VIEW IF EXISTS temp.observed; DROP VIEW IF EXISTS temp.look; DROP VIEW IF EXISTS "
        "temp.source_state;"
        "DROP VIEW IF EXISTS temp.bluegreen; DROP VIEW IF EXISTS temp.bluegreen_fact;"
        "DROP VIEW IF EXISTS temp.version_sound; DROP VIEW IF EXISTS temp.source_sound;";

    return (add_functions(db, e) && db_exec(db, clear, e) &&
            create(db, is_past ? views_past : views_now, is_sound_only, e)) ||
           err_ctx(e, "make the views");
}
