/*
 * bluegreen [SHARED_ENV]: which colour is live, and which step is safe next. The facts it judges
 * are polled first (but for --at); the judgement is SQL's bluegreen(), the same as the screen's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/config/tree.h"

#include "app_priv.h"

static const char RECIPES[] = "dos-bluegreen";

static const char *text(const cJSON *o, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

    return s ? s : "";
}

static int64_t number(const cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

    return cJSON_IsNumber(v) ? (int64_t)v->valuedouble : -1;
}

static const cJSON *list_of(const cJSON *o, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(o, name);
}

/* ---- JSON: times as everywhere outside of the store */

static void time_to_text(cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);
    char text[TIME_TEXT_MAX];

    if (cJSON_IsNumber(v))
        cJSON_ReplaceItemInObjectCaseSensitive(
            o, name,
            v->valuedouble > 0 ? cJSON_CreateString(time_iso((int64_t)v->valuedouble, text))
                               : cJSON_CreateNull());
}

static void say_past(cJSON *doc)
{
    cJSON *env, *st;

    cJSON_ArrayForEach (env, doc)
        cJSON_ArrayForEach (st, cJSON_GetObjectItemCaseSensitive(env, "next"))
            if (cJSON_IsTrue(list_of(st, "allowed"))) {
                cJSON_ReplaceItemInObjectCaseSensitive(st, "allowed", cJSON_CreateFalse());
                cJSON_ReplaceItemInObjectCaseSensitive(
                    st, "reason", cJSON_CreateString("a past moment: it was allowed then"));
            }
}

static void times_to_text(cJSON *doc)
{
    cJSON *env, *slot;

    cJSON_ArrayForEach (env, doc) {
        time_to_text(env, "since");
        time_to_text(env, "observed_at");
        time_to_text(cJSON_GetObjectItemCaseSensitive(env, "blind"), "since");
        cJSON_ArrayForEach (slot, cJSON_GetObjectItemCaseSensitive(env, "slots"))
            time_to_text(slot, "created");
    }
}

/* ---- text */

static void print_flags(struct out *out, const cJSON *o)
{
    const cJSON *f;

    cJSON_ArrayForEach (f, list_of(o, "flags"))
        out_addf(out, " %s", f->valuestring);
}

static void print_slots(struct out *out, const cJSON *env, int64_t now)
{
    const cJSON *s;
    char at[TIME_TEXT_MAX];

    cJSON_ArrayForEach (s, list_of(env, "slots")) {
        int64_t created = number(s, "created"), waiting = number(s, "waiting");
        out_addf(out, "  %-12s %-16s version %s, created %s", text(s, "role"), text(s, "name"),
                 *text(s, "version") ? text(s, "version") : "not known",
                 created > 0 ? time_local(created, now, at) : "not known");
        if (waiting > 0)
            out_addf(out, ", %lld in its own queues", (long long)waiting);
        print_flags(out, s);
        out_add(out, "\n");
    }
}

static void print_steps(struct out *out, const cJSON *env)
{
    const cJSON *st, *c;

    cJSON_ArrayForEach (st, list_of(env, "next")) {
        bool is_allowed = cJSON_IsTrue(list_of(st, "allowed"));
        out_addf(out, "  %-4s %s %s%s%s\n", is_allowed ? "may" : "no", text(st, "step"),
                 text(st, "target"), *text(st, "reason") ? ": " : "", text(st, "reason"));
        if (*text(st, "command"))
            out_addf(out, "       %s\n", text(st, "command"));
        cJSON_ArrayForEach (c, list_of(st, "checks"))
            if (strcmp(text(c, "result"), "pass") != 0)
                out_addf(out, "       %s %s: %s: %s\n", text(c, "id"), text(c, "result"),
                         text(c, "name"), text(c, "detail"));
    }
}

static void print_env(struct out *out, const cJSON *env, int64_t now)
{
    const cJSON *e;
    char at[TIME_TEXT_MAX];
    int64_t since = number(env, "since");

    out_addf(out, "%s: %s (%s)%s%s: %s\n", text(env, "shared_env"), text(env, "state"),
             text(env, "severity"), since > 0 ? " since " : "",
             since > 0 ? time_local(since, now, at) : "", text(env, "summary"));
    print_slots(out, env, now);
    print_steps(out, env);
    cJSON_ArrayForEach (e, list_of(env, "evidence"))
        out_addf(out, "  %-8s %s (%lld s ago)\n", text(e, "strength"), text(e, "fact"),
                 (long long)number(e, "age_s"));
    out_add(out, "\n");
}

/* ---- asking */

static int bad(struct app *a, enum err_code code, const char *before, const char *word,
               const char *after)
{
    struct err e;

    err_set(&e, code, 0, "%s%s%s", before, word, after);
    return fail(a, &e);
}

/* Only the sources whose facts are judged: the question is about now. */
static int poll_facts(struct app *a)
{
    struct options *o = &a->o;
    int status = app_plan(a);

    if (status)
        return status;
    o->nsources = 0;
    for (size_t i = 0; i < a->plan->nsources && o->nsources < SOURCES_MAX; i++)
        if (!strncmp(a->plan->sources[i].recipe->name, RECIPES, sizeof RECIPES - 1))
            o->sources[o->nsources++] = a->plan->sources[i].cfg->name;
    if (!o->nsources)
        return bad(a, ERR_CONFIG, "no source asks for blue/green facts: add one with recipe ",
                   RECIPES, " to the config");
    return poll_quietly(a);
}

/* The estate as judged, or NULL with *status. */
static cJSON *judge(struct app *a, int *status)
{
    struct cfg_problems ps = { .mem = a->mem };
    /* What was safe then is not safe now: the past prints no command. */
    const char *runbook = a->at_ms ? NULL : app_runbook(a, &ps);
    struct bind b = { .name = "runbook", .type = runbook ? CELL_TEXT : CELL_NULL, .text = runbook };

    app_print_problems(&ps);
    cfg_problems_release(&ps);
    struct row_set *rs = app_ask(a,
                                 "SELECT bluegreen(source, kind, key, attrs, observed_at, "
                                 "every_ms, :now, :runbook) AS json FROM bluegreen_fact",
                                 &b, 1, status);
    if (!rs)
        return NULL;
    const char *json = row_set_text(rs, 0, "json");
    cJSON *doc = *json ? cJSON_Parse(json) : cJSON_CreateArray();
    if (!doc)
        *status = bad(a, ERR_PARSE, "the judgement is not JSON: ", json, "");
    row_set_free(rs);
    return doc;
}

/* One shared environment of all, or all. */
static cJSON *chosen(struct app *a, cJSON *all, int *status)
{
    const char *name = a->o.nargs ? a->o.args[0] : NULL;

    if (!name)
        return all;
    cJSON *out = cJSON_CreateArray();
    for (int i = 0; i < cJSON_GetArraySize(all);) {
        if (!strcmp(text(cJSON_GetArrayItem(all, i), "shared_env"), name))
            cJSON_AddItemToArray(out, cJSON_DetachItemFromArray(all, i));
        else
            i++;
    }
    cJSON_Delete(all);
    if (cJSON_GetArraySize(out) == 0)
        *status = bad(a, ERR_NOT_FOUND, "no shared environment \"", name, "\" is known");
    return out;
}

int cmd_bluegreen(struct app *a)
{
    int status = app_settings(a);
    int64_t now = a->at_ms ? a->at_ms : clock_wall_ms(a->clock);

    if (status || (!a->at_ms && (status = poll_facts(a))))
        return status;
    cJSON *doc = judge(a, &status);
    if (!doc)
        return status;
    if (a->at_ms)
        say_past(doc);
    doc = chosen(a, doc, &status);
    if (!status && a->o.out == OUT_JSON) {
        times_to_text(doc);
        char *json = cJSON_Print(doc);
        out_addf(&a->out, "%s\n", json);
        cJSON_free(json);
        cJSON_Delete(doc);
        return EXIT_GOOD;
    }
    const cJSON *env;
    if (!status)
        cJSON_ArrayForEach (env, doc)
            print_env(&a->out, env, now);
    if (!status && cJSON_GetArraySize(doc) == 0)
        out_add(&a->out, "No shared environment is known yet.\n");
    cJSON_Delete(doc);
    return status;
}
