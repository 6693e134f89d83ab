/* What the operations share: reading members, adding them, paging, time. See aws_call.h. */
#include "aws_call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"

void aws_fail(struct aws_call *c, int status, const char *code, const char *fmt, ...)
{
    va_list ap;

    c->status = status;
    snprintf(c->code, sizeof c->code, "%s", code);
    va_start(ap, fmt);
    vsnprintf(c->message, sizeof c->message, fmt, ap);
    va_end(ap);
}

const char *aws_in(const struct aws_call *c, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(c->in, name));
}

const char *aws_need(struct aws_call *c, const char *name)
{
    const char *s = aws_in(c, name);

    if (!s || !*s)
        aws_fail(c, 400, c->service->bad_request,
                 "1 validation error detected: Value null at '%s' failed to satisfy constraint: "
                 "Member must not be null",
                 name);
    return s && *s ? s : NULL;
}

int64_t aws_in_int(const struct aws_call *c, const char *name, int64_t fallback)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(c->in, name);
    int64_t n;

    if (cJSON_IsNumber(v))
        return v->valuedouble > -1e15 && v->valuedouble < 1e15 ? (int64_t)v->valuedouble : fallback;
    return cJSON_IsString(v) && str_to_i64(v->valuestring, 0, INT64_MAX, &n) ? n : fallback;
}

bool aws_in_list(const cJSON *list, const char *value)
{
    const cJSON *item;

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0)
        return true;
    cJSON_ArrayForEach (item, list)
        if (cJSON_IsString(item) && strcmp(item->valuestring, value) == 0)
            return true;
    return false;
}

bool aws_has_prefix(const char *s, const char *prefix)
{
    return !prefix || strncmp(s, prefix, strlen(prefix)) == 0;
}

static void add(cJSON *o, const char *name, cJSON *v)
{
    if (cJSON_IsArray(o))
        cJSON_AddItemToArray(o, v);
    else
        cJSON_AddItemToObject(o, name, v);
}

void aws_put(cJSON *o, const char *name, const char *value)
{
    if (value)
        add(o, name, cJSON_CreateString(value));
}

void aws_putf(cJSON *o, const char *name, const char *fmt, ...)
{
    char text[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    aws_put(o, name, text);
}

void aws_put_int(cJSON *o, const char *name, int64_t value)
{
    add(o, name, cJSON_CreateNumber((double)value));
}

void aws_put_bool(cJSON *o, const char *name, bool value)
{
    add(o, name, cJSON_CreateBool(value));
}

cJSON *aws_put_object(cJSON *o, const char *name)
{
    cJSON *v = cJSON_CreateObject();

    add(o, name, v);
    return v;
}

cJSON *aws_put_array(cJSON *o, const char *name)
{
    cJSON *v = cJSON_CreateArray();

    add(o, name, v);
    return v;
}

int64_t aws_time_ms(const struct aws_call *c, int64_t story_s)
{
    return (story_s + c->es->shift_s) * 1000;
}

int64_t aws_story_now(const struct aws_call *c)
{
    return c->now_s - c->es->shift_s;
}

const char *aws_time_text(const struct aws_call *c, int64_t story_s, char out[48])
{
    return time_iso(aws_time_ms(c, story_s), out);
}

void aws_put_time(const struct aws_call *c, cJSON *o, const char *name, int64_t story_s)
{
    char text[48];

    if (c->service->protocol == AWS_QUERY || c->service->protocol == AWS_REST_XML) {
        aws_put(o, name, aws_time_text(c, story_s, text));
        return;
    }
    if (c->service->has_e9)
        snprintf(text, sizeof text, "%.12gE9", (double)(story_s + c->es->shift_s) / 1e9);
    else
        snprintf(text, sizeof text, "%lld.0", (long long)(story_s + c->es->shift_s));
    add(o, name, cJSON_CreateRaw(text));
}

/* A token names its operation and carries bytes that must be percent-encoded in a query. */
static bool read_token(struct aws_call *c, const struct aws_paging *p, size_t n, size_t *from)
{
    const char *token = aws_in(c, p->token_in);
    char start[96];
    int64_t at = 0;

    *from = 0;
    if (!token || !*token)
        return true;
    snprintf(start, sizeof start, "demo/%s+page=", c->op);
    if (!aws_has_prefix(token, start) || !str_to_i64(token + strlen(start), 1, (int64_t)n, &at)) {
        aws_fail(c, 400, p->bad_token, "The token is not valid.");
        return false;
    }
    *from = (size_t)at;
    return true;
}

void aws_put_page(struct aws_call *c, const char *name, cJSON *all, const struct aws_paging *p)
{
    size_t n = (size_t)cJSON_GetArraySize(all), from;
    int64_t max = p->max ? aws_in_int(c, p->max, p->fallback) : p->fallback;

    if (max < 1 || !read_token(c, p, n, &from)) {
        if (!c->status)
            aws_fail(c, 400, c->service->bad_request, "%s is out of range", p->max);
        cJSON_Delete(all);
        return;
    }
    if (max > p->cap)
        max = p->cap;
    cJSON *page = aws_put_array(c->out, name), *item = all->child;
    for (size_t i = 0; item; i++) {
        cJSON *next = item->next;
        if (i >= from && i < from + (size_t)max)
            cJSON_AddItemToArray(page, cJSON_DetachItemViaPointer(all, item));
        item = next;
    }
    cJSON_Delete(all);
    if (p->token_out && from + (size_t)max < n)
        aws_putf(c->out, p->token_out, "demo/%s+page=%zu", c->op, from + (size_t)max);
}

void aws_arn(const struct aws_call *c, char *out, size_t size, const char *service, const char *fmt,
             ...)
{
    va_list ap;
    int n =
        snprintf(out, size, "arn:aws:%s:%s:%s:", service, c->region, aws_account_ids[c->account]);

    va_start(ap, fmt);
    if (n > 0 && (size_t)n < size)
        vsnprintf(out + n, size - (size_t)n, fmt, ap);
    va_end(ap);
}
