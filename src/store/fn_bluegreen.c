/*
 * The SQL aggregate bluegreen(source, kind, key, attrs, observed_at, every_ms,
 * now_ms, runbook_json) of readers: gathers fact rows, lets the model judge
 * each shared environment, and writes a JSON array with one element each.
 * Recipes do not have it: a judgement over several sources is none of one
 * source's business.
 */
#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/model/bluegreen_rows.h"

#include "fn_priv.h"

enum {
    ARG_SOURCE,
    ARG_KIND,
    ARG_KEY,
    ARG_ATTRS,
    ARG_OBSERVED,
    ARG_EVERY,
    ARG_NOW,
    ARG_RUNBOOK,
    ARGS
};

/* ---- the judgement as JSON */

static void put_text(cJSON *o, const char *name, const char *s)
{
    if (s)
        cJSON_AddStringToObject(o, name, s);
    else
        cJSON_AddNullToObject(o, name);
}

/* Numbers below `least` say that nothing is known. */
static void put_int(cJSON *o, const char *name, int64_t v, int64_t least)
{
    if (v >= least)
        cJSON_AddNumberToObject(o, name, (double)v);
    else
        cJSON_AddNullToObject(o, name);
}

static cJSON *new_item(cJSON *list)
{
    cJSON *o = cJSON_CreateObject();

    cJSON_AddItemToArray(list, o);
    return o;
}

static void put_word(cJSON *list, const char *word)
{
    cJSON_AddItemToArray(list, cJSON_CreateString(word));
}

static void put_flags(cJSON *o, unsigned flags)
{
    cJSON *list = cJSON_AddArrayToObject(o, "flags");

    for (unsigned i = 0; i < BG_FLAGS; i++)
        if (flags & (1U << i))
            put_word(list, bg_flag_word((enum bg_flag)(1U << i)));
}

static void put_slots(cJSON *o, const struct bg_result *r)
{
    cJSON *list = cJSON_AddArrayToObject(o, "slots");

    for (size_t i = 0; i < r->nslots; i++) {
        const struct bg_slot *s = &r->slots[i];
        cJSON *slot = new_item(list);
        put_text(slot, "name", s->name);
        put_text(slot, "role", bg_role_word(s->role));
        put_flags(slot, s->flags);
        put_text(slot, "version", s->version);
        put_int(slot, "created", s->created_ms, 1);
        put_int(slot, "functions", s->nfunctions, 0);
        put_int(slot, "queues", s->nqueues, 0);
        put_int(slot, "waiting", s->waiting, 0);
    }
}

static void put_evidence(cJSON *o, const struct bg_result *r)
{
    cJSON *list = cJSON_AddArrayToObject(o, "evidence");

    for (size_t i = 0; i < r->nevidence; i++) {
        cJSON *evidence = new_item(list);
        put_text(evidence, "fact", r->evidence[i].fact);
        put_text(evidence, "strength", r->evidence[i].strength);
        put_int(evidence, "age_s", r->evidence[i].age_s, 0);
    }
}

static void put_checks(cJSON *o, const struct bg_step *s)
{
    static const char *const results[] = {
        [BG_CHECK_FAIL] = "fail", [BG_CHECK_UNKNOWN] = "unknown", [BG_CHECK_PASS] = "pass"
    };
    _Static_assert(ARRAY_LEN(results) == BG_CHECK_PASS + 1, "a word for each");
    cJSON *list = cJSON_AddArrayToObject(o, "checks");

    for (size_t i = 0; i < s->nchecks; i++) {
        const struct bg_check *k = &s->checks[i];
        cJSON *check = new_item(list);
        put_text(check, "id", k->id);
        put_text(check, "name", k->name);
        put_text(check, "result", results[k->result]);
        cJSON_AddBoolToObject(check, "advisory", k->is_advisory);
        put_text(check, "detail", k->detail);
        put_int(check, "age_s", k->age_s, 0);
    }
}

static void put_next(cJSON *o, const struct bg_result *r)
{
    cJSON *list = cJSON_AddArrayToObject(o, "next");

    for (size_t i = 0; i < r->nsteps; i++) {
        const struct bg_step *s = &r->steps[i];
        cJSON *step = new_item(list);
        put_text(step, "step", s->step);
        put_text(step, "title", s->title);
        put_text(step, "target", s->target);
        cJSON_AddBoolToObject(step, "allowed", s->is_allowed);
        put_text(step, "reason", s->reason);
        put_text(step, "command", s->command);
        put_checks(step, s);
    }
}

static void put_state(cJSON *o, const struct bg_facts *f, const struct bg_result *r)
{
    cJSON *list;

    put_text(o, "shared_env", f->shared_env);
    cJSON_AddBoolToObject(o, "is_live", f->is_live);
    put_text(o, "state", bg_state_word(r->state));
    list = cJSON_AddArrayToObject(o, "also");
    for (unsigned s = 0; s < BG_STATES; s++)
        if (r->also & (1U << s))
            put_word(list, bg_state_word((enum bg_state)s));
    put_text(o, "severity", status_word(r->severity));
    put_text(o, "summary", r->summary);
    put_int(o, "since", r->since_ms, 1);
    put_int(o, "observed_at", f->known[BG_MAPPINGS].read_ms, 1);
    put_flags(o, r->flags);
    list = cJSON_AddArrayToObject(o, "linked");
    for (size_t i = 0; i < r->nlinked; i++)
        put_word(list, r->linked[i]);
}

static void put_result(cJSON *o, const struct bg_facts *f, const struct bg_result *r)
{
    cJSON *blind;

    put_state(o, f, r);
    put_int(o, "waiting", r->waiting, 0);
    put_int(o, "oldest_s", r->oldest_s, 0);
    put_int(o, "dead", r->dead, 0);
    put_text(o, "last_consumer", r->last_consumer);
    blind = cJSON_AddObjectToObject(o, "blind");
    put_int(blind, "expected", r->blind.expected, 0);
    put_int(blind, "present", r->blind.present, 0);
    put_int(blind, "since", r->blind.since_ms, 1);
    put_slots(o, r);
    put_evidence(o, r);
    put_next(o, r);
}

/* ---- the aggregate */

struct gathered {
    struct arena *mem;
    struct bg_row *rows;
    size_t n, cap;
    int64_t now_ms;
    const char *runbook; /* NULL: none */
};

/* Texts of the steps stay in `book`. */
static bool read_runbook(struct arena *mem, const cJSON *book, struct bg_runbook *out)
{
    const cJSON *steps = cJSON_GetObjectItemCaseSensitive(book, "steps"), *s;

    if (!cJSON_IsArray(steps))
        return false;
    out->v = arena_array(mem, (size_t)cJSON_GetArraySize(steps), sizeof *out->v);
    cJSON_ArrayForEach (s, steps) {
        struct bg_command c = {
            .step = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(s, "step")),
            .title = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(s, "title")),
            .command = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(s, "command")),
        };
        if (!c.step || !c.command)
            return false;
        out->v[out->n++] = c;
    }
    return true;
}

static char *judge(const struct gathered *g, const struct bg_runbook *runbook)
{
    struct bg_estate *es = bg_estate_new(g->rows, g->n);
    cJSON *all = cJSON_CreateArray();
    char *text;

    for (size_t i = 0; i < bg_estate_size(es); i++) {
        struct bg_facts f;
        struct bg_result r;
        cJSON *o = new_item(all);
        bg_estate_facts(es, i, g->now_ms, g->mem, &f);
        bg_judge(g->mem, &f, runbook, &r);
        put_text(o, "source", bg_estate_row(es, i)->source);
        put_text(o, "account", bg_estate_account(es, i));
        put_result(o, &f, &r);
    }
    text = cJSON_PrintUnformatted(all);
    cJSON_Delete(all);
    bg_estate_free(es);
    return text;
}

static const char *keep(struct gathered *g, sqlite3_value *v)
{
    size_t n;
    const char *s = fn_text(v, &n);

    return arena_strndup(g->mem, s ? s : "", n);
}

static void bluegreen_step(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct gathered *g = sqlite3_aggregate_context(ctx, sizeof *g);

    (void)n;
    if (!g) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    if (!g->mem) {
        g->mem = arena_new();
        g->now_ms = sqlite3_value_int64(v[ARG_NOW]);
        if (sqlite3_value_type(v[ARG_RUNBOOK]) != SQLITE_NULL)
            g->runbook = keep(g, v[ARG_RUNBOOK]);
    }
    VEC_GROW(g->rows, g->n, g->cap);
    g->rows[g->n++] = (struct bg_row){
        .source = keep(g, v[ARG_SOURCE]),
        .kind = keep(g, v[ARG_KIND]),
        .key = keep(g, v[ARG_KEY]),
        .attrs = keep(g, v[ARG_ATTRS]),
        .observed_ms = sqlite3_value_int64(v[ARG_OBSERVED]),
        .every_ms = sqlite3_value_int64(v[ARG_EVERY]),
    };
}

/* Also called, without a result to give, when the statement ends early. */
static void bluegreen_final(sqlite3_context *ctx)
{
    struct gathered *g = sqlite3_aggregate_context(ctx, 0);
    struct bg_runbook runbook = { 0 };

    if (!g || !g->mem) {
        sqlite3_result_text(ctx, "[]", -1, SQLITE_STATIC);
        return;
    }
    cJSON *book = g->runbook ? cJSON_Parse(g->runbook) : NULL;
    if (g->runbook && !read_runbook(g->mem, book, &runbook))
        sqlite3_result_error(ctx,
                             "bluegreen() expects a runbook "
                             "{\"steps\":[{\"step\",\"title\",\"command\"}]}",
                             -1);
    else
        sqlite3_result_text(ctx, judge(g, g->runbook ? &runbook : NULL), -1, cJSON_free);
    cJSON_Delete(book);
    free(g->rows);
    arena_free(g->mem);
}

bool fn_bluegreen_register(struct db *db, struct err *e)
{
    require(db && db->h);
    return sqlite3_create_function_v2(db->h, "bluegreen", ARGS,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
                                      NULL, bluegreen_step, bluegreen_final, NULL) == SQLITE_OK ||
           db_fail(db, e, "add the SQL function bluegreen()");
}
