/* Gives the answers that are data. See answers.h. */
#include "answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "answers_priv.h"

/* A moment of the story in an answer; how it is written depends on the protocol. */
#define MOMENT "\x02"

/* ---- what SQL may call */

static const struct answers *self(sqlite3_context *ctx)
{
    return sqlite3_user_data(ctx);
}

/* arn(service, rest): in the caller's region and account. */
static void fn_arn(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const char *service = (const char *)sqlite3_value_text(argv[0]);
    const char *rest = (const char *)sqlite3_value_text(argv[1]);
    char arn[512];

    (void)argc;
    if (!self(ctx)->call || !service || !rest)
        return;
    aws_arn(self(ctx)->call, arn, sizeof arn, service, "%s", rest);
    sqlite3_result_text(ctx, arn, -1, SQLITE_TRANSIENT);
}

/* moment(s): that second of the story as the protocol writes times. NULL stays NULL. */
static void fn_moment(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    char text[32];

    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
        return;
    snprintf(text, sizeof text, MOMENT "%lld", (long long)sqlite3_value_int64(argv[0]));
    sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

/* wall(s): that second of the story in seconds of the machine's clock. */
static void fn_wall(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (self(ctx)->call)
        sqlite3_result_int64(ctx, sqlite3_value_int64(argv[0]) + self(ctx)->call->es->shift_s);
}

/* later(from, s): so many seconds of the story after a moment. */
static void fn_later(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (self(ctx)->call)
        sqlite3_result_int64(ctx, aws_later(self(ctx)->call->es, sqlite3_value_int64(argv[0]),
                                            sqlite3_value_int64(argv[1])));
}

/* has(list, value): a JSON list has it; a list that is absent or empty has all. */
static void fn_has(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const char *list = (const char *)sqlite3_value_text(argv[0]);
    const char *value = (const char *)sqlite3_value_text(argv[1]);
    cJSON *v = list ? cJSON_Parse(list) : NULL;

    (void)argc;
    sqlite3_result_int(ctx, value && aws_in_list(v, value));
    cJSON_Delete(v);
}

/* ---- the tables of what the story changes */

static const char STORY_TABLES[] =
    "CREATE TABLE shared(name TEXT, account TEXT, kms TEXT, r2_kms TEXT, visible INT,"
    " in_flight INT, dead INT, stage_updated INT, has_waf INT);"
    "CREATE TABLE bg(name TEXT, account TEXT, shared TEXT, tag TEXT, created INT,"
    " send_email_tag TEXT, functions INT);"
    "CREATE TABLE bg_queue(bg INT, n INT, name TEXT, depth INT);"
    "CREATE TABLE fn(name TEXT);";

static const char CLEAR[] = "DELETE FROM shared; DELETE FROM bg; DELETE FROM bg_queue;";

static const char *account_of(enum aws_account account)
{
    return aws_account_ids[account];
}

static bool put(struct answers *a, char *sql)
{
    int rc = sql ? sqlite3_exec(a->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

    sqlite3_free(sql);
    return rc == SQLITE_OK;
}

static bool put_shared(struct answers *a, const struct aws_shared *s)
{
    return put(a,
               sqlite3_mprintf("INSERT INTO shared VALUES(%Q,%Q,%Q,%Q,%d,%d,%d,%lld,%d)", s->name,
                               account_of(s->account), s->kms, s->r2_kms, s->visible, s->in_flight,
                               s->dead, (long long)s->stage_updated, aws_shared_has_waf(s)));
}

static bool put_bg(struct answers *a, const struct aws_bg *bg, size_t row)
{
    bool ok = put(a, sqlite3_mprintf("INSERT INTO bg VALUES(%Q,%Q,%Q,%Q,%lld,%Q,%u)", bg->name,
                                     account_of(bg->account), bg->shared, bg->tag,
                                     (long long)bg->created, bg->send_email_tag, bg->functions));

    for (int k = 0; ok && k < AWS_BG_QUEUES; k++)
        ok = put(a, sqlite3_mprintf("INSERT INTO bg_queue VALUES(%d,%d,%Q,%d)", (int)row + 1, k,
                                    aws_bg_queue_names[k], bg->depth[k]));
    return ok;
}

void answers_tell(struct answers *a, const struct aws_estate *es)
{
    if (a->told == es->told)
        return;
    bool ok = sqlite3_exec(a->db, CLEAR, NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; ok && i < es->nshared; i++)
        ok = put_shared(a, &es->shared[i]);
    for (size_t i = 0; ok && i < es->nbg; i++)
        ok = put_bg(a, &es->bg[i], i);
    a->told = ok ? es->told : -1;
}

bool answers_open(struct answers *a)
{
    static const struct {
        const char *name;
        int nargs;
        void (*fn)(sqlite3_context *, int, sqlite3_value **);
    } fns[] = {
        { "arn", 2, fn_arn },   { "has", 2, fn_has },     { "moment", 1, fn_moment },
        { "wall", 1, fn_wall }, { "later", 2, fn_later },
    };

    if (sqlite3_open(":memory:", &a->db) != SQLITE_OK)
        return false;
    sqlite3_limit(a->db, SQLITE_LIMIT_ATTACHED, 0);
    for (size_t i = 0; i < ARRAY_LEN(fns); i++)
        if (sqlite3_create_function(a->db, fns[i].name, fns[i].nargs, SQLITE_UTF8, a, fns[i].fn,
                                    NULL, NULL) != SQLITE_OK)
            return false;
    bool ok = sqlite3_exec(a->db, STORY_TABLES, NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; ok && i < AWS_FNS; i++)
        ok = put(a, sqlite3_mprintf("INSERT INTO fn VALUES(%Q)", aws_fns[i].name));
    return ok;
}

/* ---- one call */

static void bind_text(sqlite3_stmt *q, const char *name, const char *value)
{
    int i = sqlite3_bind_parameter_index(q, name);

    if (i)
        sqlite3_bind_text(q, i, value, -1, SQLITE_TRANSIENT);
}

static void bind(sqlite3_stmt *q, const struct aws_call *c, const char *in)
{
    int now = sqlite3_bind_parameter_index(q, ":now");

    bind_text(q, ":in", in);
    bind_text(q, ":account", aws_account_ids[c->account]);
    bind_text(q, ":region", c->region);
    bind_text(q, ":arg1", c->args[0]);
    bind_text(q, ":arg2", c->args[1]);
    if (now)
        sqlite3_bind_int64(q, now, aws_story_now(c));
}

static const char *column(sqlite3_stmt *q, int i)
{
    return i < sqlite3_column_count(q) ? (const char *)sqlite3_column_text(q, i) : NULL;
}

static void run_fail(struct aws_call *c, sqlite3_stmt *q, const char *in)
{
    bind(q, c, in);
    int rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        const char *code = column(q, 0), *text = column(q, 1), *legacy = column(q, 3);
        int status = column(q, 2) ? sqlite3_column_int(q, 2) : 400;
        snprintf(c->legacy, sizeof c->legacy, "%s", legacy ? legacy : "");
        aws_fail(c, status, code ? code : "InternalFailure", "%s", text ? text : "");
    } else if (rc != SQLITE_DONE) {
        aws_fail(c, 500, "InternalFailure", "%s", sqlite3_errmsg(sqlite3_db_handle(q)));
    }
    sqlite3_reset(q);
}

static cJSON *moment_item(const struct aws_call *c, const char *text)
{
    cJSON *list = cJSON_CreateArray();

    aws_put_time(c, list, NULL, strtoll(text, NULL, 10));
    cJSON *v = cJSON_DetachItemFromArray(list, 0);
    cJSON_Delete(list);
    return v;
}

static void replace(cJSON *in, cJSON *old, cJSON *v)
{
    if (cJSON_IsObject(in))
        v->string = old->string ? strdup(old->string) : NULL;
    cJSON_ReplaceItemViaPointer(in, old, v);
}

/* Members that are NULL are left out; moments become what the protocol has for them. */
static void finish(const struct aws_call *c, cJSON *o)
{
    cJSON *item = o->child;

    while (item) {
        cJSON *next = item->next;
        const char *text = cJSON_GetStringValue(item);
        if (cJSON_IsNull(item))
            cJSON_Delete(cJSON_DetachItemViaPointer(o, item));
        else if (text && text[0] == MOMENT[0])
            replace(o, item, moment_item(c, text + 1));
        else
            finish(c, item);
        item = next;
    }
}

static void put_list(struct aws_call *c, const struct answer *an)
{
    cJSON *all = cJSON_DetachItemFromObjectCaseSensitive(c->out, an->list);
    struct aws_paging page = an->page;

    if (!all)
        return;
    if (an->is_sized && aws_in_int(c, page.max, 0) == 0)
        page.token_out = NULL;
    aws_put_page(c, an->list, all, &page);
    if (an->truncated)
        aws_put_bool(c->out, an->truncated, cJSON_HasObjectItem(c->out, page.token_out));
}

static void run_select(struct aws_call *c, const struct answer *an, const char *in)
{
    bind(an->select, c, in);
    const char *json = sqlite3_step(an->select) == SQLITE_ROW ? column(an->select, 0) : NULL;
    cJSON *out = json ? cJSON_Parse(json) : NULL;
    if (out) {
        cJSON_Delete(c->out);
        c->out = out;
        finish(c, out);
    } else {
        aws_fail(c, 500, "InternalFailure", "the demo's answer of %s: %s", c->op,
                 json ? "no JSON" : sqlite3_errmsg(sqlite3_db_handle(an->select)));
    }
    sqlite3_reset(an->select);
}

void answers_run(struct answers *a, struct aws_call *c, const struct aws_op *op)
{
    const struct answer *an = &a->answers[op - a->ops];
    char *in = cJSON_PrintUnformatted(c->in);

    a->call = c;
    answers_tell(a, c->es);
    c->root = an->root;
    for (size_t i = 0; i < an->nneeds && !c->status; i++)
        aws_need(c, an->needs[i]);
    for (size_t i = 0; i < an->nfails && !c->status; i++)
        run_fail(c, an->fails[i], in ? in : "{}");
    if (!c->status)
        run_select(c, an, in ? in : "{}");
    if (!c->status && an->list)
        put_list(c, an);
    cJSON_free(in);
    a->call = NULL;
}
