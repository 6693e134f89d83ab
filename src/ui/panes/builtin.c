/*
 * Panes that are always there, as definitions in the form of pane files: problems, sources,
 * the page of any row, why and history. A pane file of the same name wins. No code here.
 */
#include "opsdeck/base/mem.h"

#include "../ui_priv.h"
#include "panes_priv.h"

#define COLS(a) .cols = (a), .ncols = ARRAY_LEN(a)
#define FIELDS(a) .fields = (a), .nfields = ARRAY_LEN(a)

/* clang-format off */
static struct column_def problem_cols[] = {
    { .from = "status",  .title = "",        .as = COL_STATUS, .min = 2, .max = 2 },
    { .from = "name",    .title = "What",    .as = COL_TEXT,   .min = 18, .max = 44, .grow = 2 },
    { .from = "kind",    .title = "Kind",    .as = COL_TEXT,   .min = 10, .max = 14, .priority = 2 },
    { .from = "summary", .title = "Summary", .as = COL_TEXT,   .min = 20, .grow = 5 },
    { .from = "since",   .title = "Since",   .as = COL_AGE,    .min = 5,  .priority = 1 },
    { .from = "source",  .title = "Source",  .as = COL_TEXT,   .min = 10, .max = 20, .priority = 3 },
};
static const struct pane_def problems = {
    .name = "problems", .title = "Problems", .number = 1,
    .help = "Everything that is crit, unknown or warn, the most urgent first",
    .list = {
        .sql = PROBLEMS_TOP "SELECT source, kind, key, name, status, last_status, stale,"
               " CASE WHEN below THEN ifnull(summary || ' ', '') || '(' || below || ' below)' ELSE summary END AS summary,"
               " coalesce(since, changed_at) AS since, url, attrs, observed_at, severity, rank FROM top ORDER BY rank",
        COLS(problem_cols), .open = "{kind}",
        .empty = "No problems known. Sources that fail or are late would be listed here; r polls now.",
    },
};

#define SOURCE_STATUS                                                                              \
    "CASE state WHEN 'ok' THEN 'ok' WHEN 'late' THEN 'warn' WHEN 'doubtful' THEN 'warn'"           \
    " WHEN 'never' THEN 'unknown' WHEN 'idle' THEN 'info' ELSE 'crit' END AS status"

static struct column_def source_cols[] = {
    { .from = "status",       .title = "",        .as = COL_STATUS,   .min = 1, .max = 1 },
    { .from = "name",         .title = "Source",  .as = COL_TEXT,     .min = 14, .max = 30, .grow = 1 },
    { .from = "state",        .title = "State",   .as = COL_TEXT,     .min = 8, .max = 8 },
    { .from = "last_success", .title = "Age",     .as = COL_AGE,      .min = 4 },
    { .from = "next_due",     .title = "Next",    .as = COL_TIME,     .min = 12, .max = 18, .priority = 2 },
    { .from = "latency_ms",   .title = "Latency", .as = COL_DURATION, .min = 7, .priority = 4 },
    { .from = "error",        .title = "Error",   .as = COL_TEXT,     .min = 20, .grow = 4 },
    { .from = "recipe",       .title = "Recipe",  .as = COL_TEXT,     .min = 14, .max = 24, .priority = 6 },
    { .from = "requests",     .title = "Requests", .as = COL_NUMBER,  .min = 8, .priority = 5 },
    { .from = "share_304",    .title = "304 %",   .as = COL_NUMBER,   .min = 5, .priority = 7 },
    { .from = "budget_left",  .title = "Budget",  .as = COL_NUMBER,   .min = 6, .priority = 8 },
};
static const struct pane_def sources = {
    .name = "sources", .title = "Sources", .number = 3,
    .help = "Every source: when it answered last, what went wrong, when it is asked next",
    .list = {
        .sql = "SELECT 'source' AS kind, name AS source, name AS key, name, " SOURCE_STATUS ","
               " state, recipe, url, last_attempt, last_success, failing_since, error, error_code,"
               " warning, latency_ms, wire_bytes, requests, not_modified,"
               " CASE WHEN requests > 0 THEN 100 * not_modified / requests END AS share_304,"
               " next_due, budget_left, rows, labels FROM source_state",
        COLS(source_cols),
        .sort = { { "status", true }, { "name", false } }, .nsort = 2,
        .open = "source",
        .empty = "No sources are configured: opsdeck config init writes an example.",
    },
};

static struct field_def source_fields[] = {
    { "State", "state", COL_TEXT },            { "Error", "error", COL_TEXT },
    { "What to do", "advice", COL_TEXT },      { "Failing since", "failing_since", COL_TIME },
    { "Warning", "warning", COL_TEXT },        { "Last success", "last_success", COL_TIME },
    { "Last attempt", "last_attempt", COL_TIME }, { "Next poll", "next_due", COL_TIME },
    { "Every", "every_ms", COL_DURATION },     { "Recipe", "recipe", COL_TEXT },
    { "URL", "url", COL_TEXT },                { "Latency", "latency_ms", COL_DURATION },
    { "Bytes received", "wire_bytes", COL_BYTES }, { "Requests", "requests", COL_NUMBER },
    { "Not modified (304)", "not_modified", COL_NUMBER }, { "Calls left", "budget_left", COL_NUMBER },
    { "Rows", "rows", COL_NUMBER },            { "Labels", "labels", COL_TEXT },
};
static struct column_def kind_cols[] = {
    { .from = "kind",    .title = "Kind",    .as = COL_TEXT,   .min = 16, .grow = 1 },
    { .from = "rows",    .title = "Rows",    .as = COL_NUMBER, .min = 8 },
    { .from = "crit",    .title = "Crit",    .as = COL_NUMBER, .min = 8 },
    { .from = "unknown", .title = "Unknown", .as = COL_NUMBER, .min = 8 },
    { .from = "warn",    .title = "Warn",    .as = COL_NUMBER, .min = 8 },
};
static const struct pane_def source = {
    .name = "source", .title = "Source", .is_detail = true, .kind = "source",
    .help = "One source: its error in full, and what to do about it",
    .head_sql =
        "SELECT 'source' AS kind, name AS source, name AS key, " SOURCE_STATUS ", *,"
        " CASE error_code"
        " WHEN 'auth' THEN 'The credential is missing, wrong or expired: renew it where auth: of this source points to, then press r.'"
        " WHEN 'permission' THEN 'The credential is good but may not do this: ask the owner of the system for the right named in the error.'"
        " WHEN 'net' THEN 'No connection: check the name and port in url:, DNS, proxy and firewall; opsdeck doctor tries each step.'"
        " WHEN 'timeout' THEN 'It did not answer in time: it may be overloaded; timeout: of this source gives it longer.'"
        " WHEN 'throttled' THEN 'It asks for fewer requests: opsdeck waits as long as it was told; a longer every: helps.'"
        " WHEN 'http' THEN 'The system answered, but with an error: look at its own health first.'"
        " WHEN 'parse' THEN 'The answer has another form than the recipe expects: a proxy or login page, or a new version; opsdeck recipe test tries the recipe.'"
        " WHEN 'map' THEN 'The SQL of the recipe does not fit the answer; the error names file and line.'"
        " WHEN 'limit' THEN 'The answer passes a cap named in the error; narrow the params of this source, or raise the cap in the recipe.'"
        " WHEN 'store' THEN 'The local store could not be written: check free space and rights of its folder.'"
        " WHEN 'config' THEN 'Correct the configuration named in the error, then :reload.'"
        " END AS advice FROM source_state WHERE name = :key",
    FIELDS(source_fields),
    .list = {
        .title = "Rows by kind",
        .sql = "SELECT kind, count(*) AS rows, sum(status = 'crit') AS crit,"
               " sum(status = 'unknown') AS unknown, sum(status = 'warn') AS warn"
               " FROM entity WHERE source = :key GROUP BY kind ORDER BY kind",
        COLS(kind_cols), .empty = "This source has given no rows yet.",
    },
};

static struct column_def child_cols[] = {
    { .from = "status",  .title = "",        .as = COL_STATUS, .min = 2, .max = 2 },
    { .from = "kind",    .title = "Kind",    .as = COL_TEXT,   .min = 10, .max = 16, .priority = 1 },
    { .from = "name",    .title = "Name",    .as = COL_TEXT,   .min = 18, .max = 44, .grow = 2 },
    { .from = "summary", .title = "Summary", .as = COL_TEXT,   .min = 20, .grow = 3 },
};
static const struct pane_def entity = {
    .name = "entity", .title = "Row", .is_detail = true,
    .help = "Any row: all its columns and attributes, and the rows below it",
    .head_sql = "SELECT * FROM entity WHERE source = :source AND kind = :kind AND key = :key",
    .list = {
        .title = "Rows below it",
        .sql = "SELECT source, kind, key, name, status, last_status, stale, summary, since, url, attrs,"
               " observed_at, severity FROM entity WHERE parent = :kind || ':' || :key",
        COLS(child_cols),
        .sort = { { "severity", true }, { "kind", false }, { "name", false } }, .nsort = 3,
        .open = "{kind}", .empty = "None.",
    },
};

static struct field_def why_fields[] = {
    { "Status", "status", COL_STATUS },       { "Because", "because", COL_TEXT },
    { "The source said", "last_status", COL_TEXT }, { "Summary", "summary", COL_TEXT },
    { "Last seen to hold", "observed_at", COL_TIME }, { "In force since", "changed_at", COL_TIME },
    { "Interval", "every_ms", COL_DURATION }, { "Source", "source", COL_TEXT },
    { "Source state", "state", COL_TEXT },    { "Source error", "error", COL_TEXT },
    { "Recipe, step", "rule", COL_TEXT },     { "Asked at", "base_url", COL_TEXT },
};
static struct column_def history_cols[] = {
    { .from = "status",     .title = "",        .as = COL_STATUS, .min = 1, .max = 1 },
    { .from = "valid_from", .title = "From",    .as = COL_TIME,   .min = 17, .max = 20 },
    { .from = "valid_to",   .title = "To",      .as = COL_TIME,   .min = 17, .max = 20, .priority = 2 },
    { .from = "summary",    .title = "Summary", .as = COL_TEXT,   .min = 16, .grow = 3 },
    { .from = "cause",      .title = "Cause",   .as = COL_TEXT,   .min = 8, .max = 12, .priority = 1 },
};
#define HISTORY_SQL                                                                                \
    "SELECT source, kind, key || '@' || valid_from AS key, name, status, summary, valid_from,"     \
    " valid_to, cause, attrs FROM version"                                                         \
    " WHERE source = :source AND kind = :kind AND key = :key ORDER BY valid_from DESC"
static const struct pane_def why = {
    .name = "why", .title = "Why", .is_detail = true,
    .help = "Why a row has its status: which rule, source and answer, and how old they are",
    .head_sql =
        "SELECT e.*, s.state, s.error, s.every_ms, s.url AS base_url,"
        " coalesce(s.recipe, '?') || ', ' || coalesce(e.step, '?') AS rule,"
        " CASE WHEN s.state = 'failing' AND e.status = 'unknown' THEN 'the last poll of ' || e.source ||"
        " ' failed, so what it said before is no longer believed'"
        " WHEN e.status = 'unknown' AND e.last_status <> 'unknown' THEN 'it was not seen again for over five"
        " intervals, so what was said before is no longer believed'"
        " WHEN e.stale THEN 'the recipe says so, but it was not seen again for over two intervals'"
        " ELSE 'the recipe gives this status for what the source answered' END AS because"
        " FROM entity e LEFT JOIN source_state s ON s.name = e.source"
        " WHERE e.source = :source AND e.kind = :kind AND e.key = :key",
    FIELDS(why_fields),
    .list = { .title = "What was known before", .sql = HISTORY_SQL, COLS(history_cols),
              .empty = "There is no history of this row." },
};
static const struct pane_def history = {
    .name = "history", .title = "History",
    .help = "What was known of one row, newest first",
    .list = { .sql = HISTORY_SQL, COLS(history_cols), .empty = "There is no history of this row." },
};

static struct column_def help_cols[] = {
    { .from = "keys", .title = "Keys",   .as = COL_TEXT, .min = 16, .max = 24, .grow = 1 },
    { .from = "name", .title = "Name",   .as = COL_TEXT, .min = 16, .max = 20 },
    { .from = "help", .title = "What it does", .as = COL_TEXT, .min = 20, .grow = 4 },
};
static const struct pane_def help_def = {
    .name = "help", .title = "Help", .help = "This list",
    .list = { COLS(help_cols) },
};
static const struct pane_def log_def = {
    .name = "log", .title = "Own log", .help = "opsdeck's own log, the newest line last",
};
static const struct pane_def raw_def = {
    .name = "raw", .title = "JSON", .help = "One row as JSON",
    .head_sql = "SELECT * FROM entity WHERE source = :source AND kind = :kind AND key = :key",
};
static const struct pane_def raw_source_def = {
    .name = "raw-source", .title = "JSON", .help = "One source as JSON",
    .head_sql = "SELECT * FROM source_state WHERE name = :key",
};

const struct code_pane pane_registry[] = {
    { NULL, &problems }, { NULL, &sources },      { NULL, &source },   { NULL, &entity },
    { NULL, &why },      { NULL, &history },      { &pane_help_ops, &help_def },
    { &pane_log_ops, &log_def }, { &pane_raw_ops, &raw_def }, { &pane_raw_source_ops, &raw_source_def },
};
/* clang-format on */
const size_t pane_registry_n = ARRAY_LEN(pane_registry);
