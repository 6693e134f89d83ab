/*
 * Fact rows to the facts of one shared environment. What a row means is said once, in the table of
 * kinds and in the fill_* function of its kind; what the facts mean is decided by bg_judge()
 * alone. Called by the store's SQL aggregate bluegreen().
 */
#include "opsdeck/model/bluegreen_rows.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

enum {
    METRIC_WINDOW_MS = 31 * 60 * 1000 /* what is asked for, and the minute it begins in */
};

/* id, kind of the row, family that decides which source is asked, whether rows are those of one
 * shared environment or of the whole account */
/* clang-format off */
#define KIND_TABLE(X) \
    X(ENV,          "shared-env",      BG_MAPPINGS,      true) \
    X(FACT,         "bg-fact",         BG_MAPPINGS,      false) \
    X(LINK,         "bg-link",         BG_MAPPINGS,      true) \
    X(LAST_LINK,    "bg-last-link",    BG_MAPPINGS,      true) \
    X(QUEUE,        "bg-queue",        BG_QUEUES,        false) \
    X(FUNCTION,     "bg-function",     BG_FUNCTIONS,     false) \
    X(DASHBOARD,    "bg-dashboard",    BG_DASHBOARD,     true) \
    X(ALARM,        "bg-alarm",        BG_ALARMS,        false) \
    X(SUBSCRIPTION, "bg-subscription", BG_SUBSCRIPTIONS, false) \
    X(RULE,         "bg-rule",         BG_RULES,         false) \
    X(TABLE,        "bg-table",        BG_TABLE,         true) \
    X(LOCK,         "bg-lock",         BG_LOCKS,         false) \
    X(STAGE,        "bg-stage",        BG_STAGE,         true) \
    X(SECRET,       "bg-secret",       BG_SECRETS,       false) \
    X(EXECUTION,    "bg-execution",    BG_PIPELINES,     false) \
    X(BUILD,        "bg-build",        BG_BUILDS,        false) \
    X(PARAMETER,    "bg-parameter",    BG_PARAMETER,     false) \
    X(IMAGE,        "bg-image",        BG_IMAGES,        false) \
    X(METRIC,       "bg-metric",       BG_METRICS,       true) \
    X(SOURCE,       "bg-source",       BG_MAPPINGS,      false) \
    X(STEP,         "bg-step",         BG_MAPPINGS,      false)

#define X(id, word, family, is_shared) K_##id,
enum kind { KIND_TABLE(X) KINDS };
#undef X

static const struct {
    const char *word;
    enum bg_family family;
    bool is_shared;
} kinds[KINDS] = {
#define X(id, word, family, is_shared) { word, family, is_shared },
    KIND_TABLE(X)
#undef X
};
/* clang-format on */

static const struct {
    const char *word;
    bool is_tools; /* of the account with the pipelines: any source of the project */
} families[BG_FAMILIES] = {
    [BG_MAPPINGS] = { "mappings", false },  [BG_FUNCTIONS] = { "functions", false },
    [BG_QUEUES] = { "queues", false },      [BG_DASHBOARD] = { "dashboard", false },
    [BG_ALARMS] = { "alarms", false },      [BG_SUBSCRIPTIONS] = { "subscriptions", false },
    [BG_PIPELINES] = { "pipelines", true }, [BG_BUILDS] = { "builds", true },
    [BG_PARAMETER] = { "parameter", true }, [BG_LOCKS] = { "locks", false },
    [BG_RULES] = { "rules", false },        [BG_TABLE] = { "table", false },
    [BG_IMAGES] = { "images", true },       [BG_SECRETS] = { "secrets", false },
    [BG_STAGE] = { "stage", false },        [BG_METRICS] = { "metrics", false },
};

struct fact {
    const struct bg_row *row;
    enum kind kind;
    cJSON *attrs;        /* NULL: none */
    const char *project; /* "" when absent */
};

struct bg_estate {
    struct fact *facts;
    size_t nfacts, cap;
    size_t *envs; /* indices of the shared-env rows */
    size_t nenvs, envs_cap;
};

/* ---- one row */

static const char *text_at(const struct fact *f, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(f->attrs, name));

    return s && *s ? s : NULL;
}

/* Where the facts promise a text. */
static const char *str_at(const struct fact *f, const char *name)
{
    const char *s = text_at(f, name);

    return s ? s : "";
}

static int64_t int_at(const struct fact *f, const char *name, int64_t dflt)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(f->attrs, name);

    if (cJSON_IsBool(v))
        return cJSON_IsTrue(v);
    /* Beyond 2^53 a JSON number is no exact integer: it is none of ours. */
    if (!cJSON_IsNumber(v) || !(v->valuedouble > -9e15 && v->valuedouble < 9e15))
        return dflt;
    return (int64_t)v->valuedouble;
}

static bool kind_of(const char *word, enum kind *out)
{
    for (enum kind k = 0; k < KINDS; k++) {
        if (!strcmp(kinds[k].word, word)) {
            *out = k;
            return true;
        }
    }
    return false;
}

/* ---- the estate */

struct bg_estate *bg_estate_new(const struct bg_row *rows, size_t n)
{
    require(rows || n == 0);
    struct bg_estate *es = xcalloc(1, sizeof *es);

    for (size_t i = 0; i < n; i++) {
        struct fact f = { .row = &rows[i] };
        if (!kind_of(rows[i].kind, &f.kind))
            continue;
        f.attrs = cJSON_Parse(rows[i].attrs);
        f.project = str_at(&f, "project");
        if (f.kind == K_ENV) {
            VEC_GROW(es->envs, es->nenvs, es->envs_cap);
            es->envs[es->nenvs++] = es->nfacts;
        }
        VEC_GROW(es->facts, es->nfacts, es->cap);
        es->facts[es->nfacts++] = f;
    }
    return es;
}

void bg_estate_free(struct bg_estate *es)
{
    if (!es)
        return;
    for (size_t i = 0; i < es->nfacts; i++)
        cJSON_Delete(es->facts[i].attrs);
    free(es->facts);
    free(es->envs);
    free(es);
}

const struct bg_row *bg_estate_row(const struct bg_estate *es, size_t i)
{
    require(es && i < es->nenvs);
    return es->facts[es->envs[i]].row;
}

const char *bg_estate_account(const struct bg_estate *es, size_t i)
{
    require(es && i < es->nenvs);
    return text_at(&es->facts[es->envs[i]], "account");
}

size_t bg_estate_size(const struct bg_estate *es)
{
    require(es);
    return es->nenvs;
}

/* What is being filled, and from which source each family is taken; NULL: from none. */
struct filling {
    const struct bg_estate *es;
    const struct fact *env;
    const char *shared;
    struct arena *mem;
    struct bg_facts *out;
    const char *sources[BG_FAMILIES];
    const struct fact *images; /* its bg-fact row: it has the tag that was looked for */
};

/* "FAMILY" or "FAMILY/SHARED". */
static bool is_fact_of(const char *key, const char *family, const char *shared)
{
    size_t n = strlen(family);

    return !strncmp(key, family, n) &&
           (key[n] == '\0' || (key[n] == '/' && !strcmp(key + n + 1, shared)));
}

static void fill_known(struct filling *w, enum bg_family family)
{
    struct bg_known *known = &w->out->known[family];
    const char *own = w->env->row->source;

    if (!families[family].is_tools)
        w->sources[family] = own;
    for (size_t i = 0; i < w->es->nfacts; i++) {
        const struct fact *f = &w->es->facts[i];
        if (f->kind != K_FACT || strcmp(f->project, w->env->project) != 0 ||
            (!families[family].is_tools && strcmp(f->row->source, own) != 0) ||
            !is_fact_of(f->row->key, families[family].word, w->shared) ||
            (known->is_known && f->row->observed_ms <= known->read_ms))
            continue;
        *known = (struct bg_known){ .is_known = f->row->observed_ms > 0,
                                    .read_ms = f->row->observed_ms,
                                    .every_ms = f->row->every_ms };
        w->sources[family] = f->row->source;
        if (family == BG_IMAGES)
            w->images = f;
    }
}

/* Which steps of the recipes a family is read by. */
static const struct {
    const char *step;
    enum bg_family family;
} steps[] = {
    { "mappings", BG_MAPPINGS },
    { "orphans", BG_MAPPINGS },
    { "functions", BG_FUNCTIONS },
    { "details", BG_FUNCTIONS },
    { "functions-undetailed", BG_FUNCTIONS },
    { "queues", BG_QUEUES },
    { "dashboards", BG_DASHBOARD },
    { "alarms", BG_ALARMS },
    { "subscriptions", BG_SUBSCRIPTIONS },
    { "pipelines", BG_PIPELINES },
    { "executions", BG_PIPELINES },
    { "state", BG_PIPELINES },
    { "build-ids", BG_BUILDS },
    { "builds", BG_BUILDS },
    { "builds-absent", BG_BUILDS },
    { "parameter", BG_PARAMETER },
    { "locks", BG_LOCKS },
    { "rules", BG_RULES },
    { "aliases", BG_TABLE },
    { "tables", BG_TABLE },
    { "images", BG_IMAGES },
    { "secrets", BG_SECRETS },
    { "apis", BG_STAGE },
    { "stages", BG_STAGE },
    { "metrics", BG_METRICS },
};

/* Of a source that failed nothing is newer than the failure. */
static bool says_failed(const struct fact *f, enum bg_family family)
{
    for (size_t i = 0; f->kind == K_STEP && i < ARRAY_LEN(steps); i++)
        if (steps[i].family == family && !strcmp(steps[i].step, f->row->key))
            return true;
    return f->kind == K_SOURCE;
}

/* What the last poll could not read is not known, however fresh the poll before left it. */
static void fill_why(struct filling *w)
{
    for (size_t i = 0; i < w->es->nfacts; i++) {
        const struct fact *f = &w->es->facts[i];
        for (size_t k = 0; k < BG_FAMILIES && (f->kind == K_SOURCE || f->kind == K_STEP); k++) {
            const char *own = w->env->row->source;
            const char *source = w->sources[k] ? w->sources[k] : families[k].is_tools ? "" : own;
            if (strcmp(source, f->row->source) != 0 || !says_failed(f, (enum bg_family)k))
                continue;
            w->out->known[k].is_known = false;
            if (!w->out->known[k].why)
                w->out->known[k].why = str_at(f, "error");
        }
    }
}

/* The stacks whose lock was asked for stand in the family's own row. */
static void fill_lock_keys(struct filling *w)
{
    for (size_t i = 0; i < w->es->nfacts; i++) {
        const struct fact *f = &w->es->facts[i];
        const cJSON *keys = cJSON_GetObjectItemCaseSensitive(f->attrs, "keys"), *key;

        if (f->kind != K_FACT || strcmp(f->row->key, "locks") != 0 || !cJSON_IsArray(keys) ||
            !w->sources[BG_LOCKS] || strcmp(f->row->source, w->sources[BG_LOCKS]) != 0)
            continue;
        const char **v = arena_array(w->mem, (size_t)cJSON_GetArraySize(keys) + 1, sizeof *v);
        size_t n = 0;
        cJSON_ArrayForEach (key, keys)
            if (cJSON_IsString(key))
                v[n++] = key->valuestring;
        w->out->lock_keys = v;
    }
}

struct picked {
    const struct fact **v;
    size_t n;
};

static bool is_wanted(const struct filling *w, const struct fact *f, enum kind kind)
{
    const char *source = w->sources[kinds[kind].family];
    const char *shared;

    if (f->kind != kind || !source || strcmp(f->row->source, source) != 0 ||
        strcmp(f->project, w->env->project) != 0)
        return false;
    if (!kinds[kind].is_shared)
        return true;
    shared = text_at(f, "shared");
    return !strcmp(shared ? shared : f->row->key, w->shared);
}

static struct picked pick(const struct filling *w, enum kind kind)
{
    struct picked p = { 0 };

    for (size_t i = 0; i < w->es->nfacts; i++)
        p.n += is_wanted(w, &w->es->facts[i], kind);
    p.v = arena_array(w->mem, p.n + 1, sizeof(*p.v));
    p.n = 0;
    for (size_t i = 0; i < w->es->nfacts; i++)
        if (is_wanted(w, &w->es->facts[i], kind))
            p.v[p.n++] = &w->es->facts[i];
    return p;
}

/* Every wanted row of a kind as one item of a list of the facts; `f` is the row. */
#define FILL_LIST(w, kind, type, list, ...)                                                        \
    do {                                                                                           \
        struct picked rows = pick(w, kind);                                                        \
        struct type *items = arena_array((w)->mem, rows.n, sizeof *items);                         \
        for (size_t i = 0; i < rows.n; i++) {                                                      \
            const struct fact *f = rows.v[i];                                                      \
            items[i] = (struct type){ __VA_ARGS__ };                                               \
        }                                                                                          \
        (w)->out->list = items;                                                                    \
        (w)->out->n##list = rows.n;                                                                \
    } while (0)

/* ---- facts of the account */

static void fill_links(struct filling *w)
{
    FILL_LIST(w, K_LINK, bg_mapping, mappings, .queue = str_at(f, "queue"),
              .function = str_at(f, "function"), .state = str_at(f, "state"),
              .modified_ms = int_at(f, "modified", 0),
              .is_target_missing = int_at(f, "is_target_missing", 0) != 0);
    struct picked ended = pick(w, K_LAST_LINK);
    for (size_t i = 0; i < ended.n; i++) {
        int64_t at = int_at(ended.v[i], "ended", 0);
        if (at <= w->out->last_linked_ms)
            continue;
        w->out->last_linked = text_at(ended.v[i], "name");
        w->out->last_previous = text_at(ended.v[i], "previous");
        w->out->last_linked_ms = at;
    }
}

static void fill_deployed(struct filling *w)
{
    FILL_LIST(w, K_QUEUE, bg_queue, queues, .name = f->row->key, .kms_key = text_at(f, "kms_key"),
              .visible = int_at(f, "waiting", -1), .in_flight = int_at(f, "in_flight", -1),
              .oldest_s = int_at(f, "oldest_s", -1), .created_ms = int_at(f, "created", -1));
    FILL_LIST(w, K_FUNCTION, bg_function, functions, .name = f->row->key,
              .version = text_at(f, "version"), .state = text_at(f, "state"),
              .last_update = text_at(f, "last_update"), .shared_env = text_at(f, "shared_env"),
              .env_error = text_at(f, "env_error"), .kms_key = text_at(f, "kms_key"));
}

static void fill_around(struct filling *w)
{
    FILL_LIST(w, K_ALARM, bg_alarm, alarms, .name = f->row->key, .state = str_at(f, "state"),
              .region = str_at(f, "region"));
    FILL_LIST(w, K_SUBSCRIPTION, bg_subscription, subscriptions, .topic = str_at(f, "topic"),
              .region = str_at(f, "region"), .endpoint = str_at(f, "endpoint"));
    FILL_LIST(w, K_LOCK, bg_lock, locks, .key = f->row->key, .who = text_at(f, "who"),
              .created_ms = int_at(f, "created", 0));
    FILL_LIST(w, K_SECRET, bg_secret, secrets, .name = f->row->key,
              .changed_ms = int_at(f, "changed", 0), .deleted_ms = int_at(f, "deleted", 0));
}

/* Rules are the account's: that of an environment this one's mappings or dashboard name. */
static void fill_rule(struct filling *w)
{
    struct picked rules = pick(w, K_RULE);

    for (size_t r = 0; r < rules.n; r++) {
        const char *name = rules.v[r]->row->key;
        for (size_t i = 0; i <= w->out->nmappings; i++) {
            const char *env = w->out->dashboard_current;
            size_t n = env ? strlen(env) : 0;
            if (i < w->out->nmappings &&
                !bg_env_of_function(w->env->project, w->out->mappings[i].function, &env, &n))
                continue;
            if (n && !strcmp(name, arena_printf(w->mem, "%s-%.*s-quality-checker-schedule",
                                                w->env->project, (int)n, env)))
                w->out->rule = name;
        }
    }
}

/* Single rows: the dashboard, the table with its key alias, the gateway's stage. */
static void fill_singles(struct filling *w)
{
    struct picked dashboard = pick(w, K_DASHBOARD), table = pick(w, K_TABLE);
    struct picked stage = pick(w, K_STAGE);

    if (dashboard.n) {
        w->out->has_dashboard = true;
        w->out->dashboard_current = text_at(dashboard.v[0], "current");
        w->out->dashboard_previous = text_at(dashboard.v[0], "previous");
    }
    if (table.n) {
        const char *status = text_at(table.v[0], "table_status");
        w->out->has_table = status && strcmp(status, "DELETING") != 0 &&
                            int_at(table.v[0], "has_kms_alias", 0) != 0;
    }
    if (stage.n)
        w->out->stage_updated_ms = int_at(stage.v[0], "updated", 0);
}

/* The row that says so may be left of an environment that is gone: the newest one, in the window.
 */
static void fill_metrics(struct filling *w)
{
    struct picked rows = pick(w, K_METRIC);
    int64_t newest = w->out->known[BG_METRICS].read_ms - METRIC_WINDOW_MS;

    for (size_t i = 0; i < rows.n; i++) {
        const struct fact *f = rows.v[i];
        const char *what = str_at(f, "what");
        int64_t at = int_at(f, "at", 0), value = int_at(f, "value", -1);
        if (!strcmp(what, "drained"))
            w->out->drained = value < 0 ? -1 : value;
        if (strcmp(what, "invocations") != 0 || !int_at(f, "is_last", 0) || at <= newest)
            continue;
        w->out->last_invoked = text_at(f, "env");
        newest = at;
    }
}

/* ---- facts of the account with the pipelines */

/* Images read for another tag than the newest release's say nothing about that release. */
static void fill_images(struct filling *w)
{
    struct picked image = pick(w, K_IMAGE);
    const struct bg_execution *newest = NULL;
    const char *tag = w->images ? text_at(w->images, "tag") : NULL, **repositories;
    size_t n = 0;

    for (size_t i = 0; i < w->out->nexecutions; i++) {
        const struct bg_execution *x = &w->out->executions[i];
        if (strstr(x->pipeline, "-cicd-blue-green-deployment-pipeline") &&
            (!newest || x->start_ms > newest->start_ms))
            newest = x;
    }
    if (!tag || !newest || strcmp(newest->revision, tag) != 0)
        return;
    repositories = arena_array(w->mem, image.n + 1, sizeof *repositories);
    for (size_t i = 0; i < image.n; i++)
        if (!strcmp(str_at(image.v[i], "tag"), tag))
            repositories[n++] = str_at(image.v[i], "repository");
    w->out->images = repositories;
}

static void fill_tools(struct filling *w)
{
    struct picked parameter = pick(w, K_PARAMETER);

    FILL_LIST(w, K_BUILD, bg_build, builds, .id = f->row->key,
              .project = str_at(f, "build_project"), .status = str_at(f, "state"),
              .shared_env = text_at(f, "shared_env"), .environment = text_at(f, "env"),
              .source_version = text_at(f, "source_version"), .start_ms = int_at(f, "started", 0),
              .end_ms = int_at(f, "ended", 0));
    FILL_LIST(w, K_EXECUTION, bg_execution, executions, .pipeline = str_at(f, "pipeline"),
              .id = f->row->key, .status = str_at(f, "state"), .revision = str_at(f, "revision"),
              .waiting_stage = text_at(f, "waiting_stage"), .start_ms = int_at(f, "started", 0),
              .waiting_since_ms = int_at(f, "waiting_since", 0));
    if (parameter.n) {
        w->out->new_version = text_at(parameter.v[0], "value");
        w->out->parameter_modified_ms = int_at(parameter.v[0], "modified", 0);
    }
    fill_images(w);
}

void bg_estate_facts(const struct bg_estate *es, size_t i, int64_t now_ms, struct arena *mem,
                     struct bg_facts *out)
{
    require(es && i < es->nenvs);
    require(mem && out);
    const struct fact *env = &es->facts[es->envs[i]];
    struct filling w = { .es = es, .env = env, .shared = env->row->key, .mem = mem, .out = out };

    *out = (struct bg_facts){ .project = env->project,
                              .shared_env = env->row->key,
                              .profile = text_at(env, "profile"),
                              .region = str_at(env, "region"),
                              .is_live = int_at(env, "is_live", 0) != 0,
                              .keeps_previous = int_at(env, "keeps_previous", 0) != 0,
                              .has_waf = int_at(env, "has_waf", 0) != 0,
                              .has_other_locks = int_at(env, "has_locks", 0) != 0,
                              .is_queue_absent = int_at(env, "is_queue_absent", 0) != 0,
                              .drained = -1,
                              .now_ms = now_ms };
    for (size_t family = 0; family < BG_FAMILIES; family++)
        fill_known(&w, (enum bg_family)family);
    fill_why(&w);
    fill_lock_keys(&w);
    fill_links(&w);
    fill_deployed(&w);
    fill_around(&w);
    fill_singles(&w);
    fill_rule(&w);
    fill_metrics(&w);
    fill_tools(&w);
}
