/*
 * Sign-in sessions of `aws login`: short-lived keys in ~/.aws/login/cache, renewed with a refresh
 * token that is bound to a private key in the same file, so that each renewal carries a proof
 * signed with that key. The CLI reads what is written back here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/aws_error.h"

#include "aws_cred_priv.h"

enum {
    RENEW_MS = 5 * 60 * 1000
};

static void fail_login(struct cred_job *job, const char *why)
{
    struct err e;

    err_set(&e, ERR_AUTH, 401, "%.280s; run: aws login --profile %s", why, job->profile);
    cred_job_fail(job, &e);
}

static char *token_path(const struct cred_job *job)
{
    const char *dir = aws_config_env(job->o.config, "AWS_LOGIN_CACHE_DIRECTORY");
    char hex[65];

    cred_sha256_hex(aws_config_get(job->o.config, job->profile, "login_session"), hex);
    if (dir && dir[0] == '~' && dir[1] == '/')
        dir += 2;
    return cred_cache_path(job->o.config, dir ? dir : ".aws/login/cache", hex);
}

/* Ends the job. */
static void give(struct cred_job *job, const cJSON *token)
{
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(token, "accessToken");
    struct cred_fields f = { cred_json_text(keys, "accessKeyId"),
                             cred_json_text(keys, "secretAccessKey"),
                             cred_json_text(keys, "sessionToken"),
                             cred_json_text(keys, "accountId"), cred_json_text(keys, "expiresAt") };
    struct err e = { 0 };
    struct cred_set *set = cred_set_new(job, &f, &e);

    if (set)
        cred_job_done(job, set);
    else
        fail_login(job, arena_printf(job->mem, "%s: %s", job->file, e.text));
}

/* What came is put into the file's object; the account stays as it was. */
static bool merge(struct cred_job *job, cJSON *token, const cJSON *fresh)
{
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(fresh, "accessToken");
    const cJSON *life = cJSON_GetObjectItemCaseSensitive(fresh, "expiresIn");
    cJSON *own = cJSON_GetObjectItemCaseSensitive(token, "accessToken");
    const char *refresh = cred_json_text(fresh, "refreshToken");
    static const char *const names[] = { "accessKeyId", "secretAccessKey", "sessionToken" };
    char when[TIME_TEXT_MAX];

    if (!own || !refresh || !cJSON_IsNumber(life) || life->valuedouble < 1 ||
        life->valuedouble > 1e9)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = cred_json_text(keys, names[i]);
        if (!value)
            return false;
        cJSON_ReplaceItemInObjectCaseSensitive(own, names[i], cJSON_CreateString(value));
    }
    time_iso((cred_now(job) / 1000 + (int64_t)life->valuedouble) * 1000, when);
    cJSON_ReplaceItemInObjectCaseSensitive(own, "expiresAt", cJSON_CreateString(when));
    cred_known(job->c, refresh);
    cJSON_ReplaceItemInObjectCaseSensitive(token, "refreshToken", cJSON_CreateString(refresh));
    return true;
}

static void take_renewed(struct cred_job *job, const struct http_response *r)
{
    cJSON *fresh = cred_json_parse(r->body, r->body_len);
    cJSON *token = cred_file_read(job->file, NULL);

    if (token && fresh && merge(job, token, fresh)) {
        cred_file_write(job->file, token);
        give(job, token);
    } else {
        fail_login(job, arena_printf(job->mem, "%s: the answer has no keys", job->url));
    }
    cred_json_free(fresh);
    cred_json_free(token);
}

/* Keys that still live are given all the same when a renewal fails. */
static void on_renewed(struct cred_job *job, struct http_response *r)
{
    struct aws_error ae;
    struct err e = { 0 };
    int64_t until_ms = 0;

    job->has_tried_refresh = true;
    if (cred_answer_ok(job, r, &ae, &e)) {
        take_renewed(job, r);
        cred_response_free(r);
        return;
    }
    bool is_refused = r->err.code == ERR_NONE && (r->status == 401 || r->status == 403);
    cred_response_free(r);
    cJSON *token = cred_file_read(job->file, NULL);
    const char *until =
        cred_json_text(cJSON_GetObjectItemCaseSensitive(token, "accessToken"), "expiresAt");
    if (!job->dropped_id && cred_time(until, &until_ms) && until_ms > cred_now(job))
        give(job, token);
    else if (is_refused)
        fail_login(job, arena_printf(job->mem, "the session has ended: %s", e.text));
    else
        cred_job_fail(job, &e);
    cred_json_free(token);
}

static char *refresh_body(const cJSON *token)
{
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "clientId", cred_json_text(token, "clientId"));
    cJSON_AddStringToObject(body, "refreshToken", cred_json_text(token, "refreshToken"));
    cJSON_AddStringToObject(body, "grantType", "refresh_token");
    char *text = cJSON_PrintUnformatted(body);
    cred_json_free(body);
    return text;
}

static void renew(struct cred_job *job, const cJSON *token)
{
    struct http_request req;

    if (!cred_endpoint(job, "signin", job->region ? job->region : "us-east-1", "/v1/token", &req,
                       NULL))
        return;
    int64_t at_ms = cred_now(job) + aws_clock_offset_ms(job->c, job->host);
    char *proof = cred_dpop(job->mem, cred_json_text(token, "dpopKey"), job->url, at_ms);
    if (!proof) {
        fail_login(job, arena_printf(job->mem, "%s: its dpopKey is no P-256 key", job->file));
        return;
    }
    struct http_header headers[] = { { "Content-Type", "application/json" }, { "DPoP", proof } };
    char *text = refresh_body(token);
    req.headers = headers;
    req.nheaders = ARRAY_LEN(headers);
    req.body = text;
    req.body_len = text ? strlen(text) : 0;
    job->is_refreshing = true;
    cred_send(job, &req, on_renewed);
    cred_json_text_free(text);
}

static void use_token(struct cred_job *job, const cJSON *token)
{
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(token, "accessToken");
    const char *until = cred_json_text(keys, "expiresAt"),
               *id = cred_json_text(keys, "accessKeyId");
    bool is_dropped = job->dropped_id && id && strcmp(id, job->dropped_id) == 0;
    int64_t until_ms;

    cred_known(job->c, cred_json_text(token, "refreshToken"));
    cred_known(job->c, cred_json_text(token, "dpopKey"));
    if (!cred_time(until, &until_ms) || !cred_json_text(token, "refreshToken") ||
        !cred_json_text(token, "clientId") || !cred_json_text(token, "dpopKey")) {
        fail_login(job, arena_printf(job->mem, "%s is not a whole session", job->file));
        return;
    }
    if (until_ms - cred_now(job) > RENEW_MS && !is_dropped)
        give(job, token);
    else if (job->has_tried_refresh && until_ms > cred_now(job) && !is_dropped)
        give(job, token);
    else if (job->has_tried_refresh)
        fail_login(job,
                   arena_printf(job->mem, "the session in %s could not be renewed", job->file));
    else if (!cred_park(job))
        renew(job, token);
}

void cred_login_start(struct cred_job *job)
{
    struct err e = { 0 };

    if (!job->file)
        job->file = token_path(job);
    cJSON *token = job->file ? cred_file_read(job->file, &e) : NULL;
    if (token)
        use_token(job, token);
    else
        fail_login(job, e.code == ERR_NOT_FOUND
                            ? arena_printf(job->mem, "nobody has signed in (no %s)", job->file)
                            : arena_printf(job->mem, "%s", e.text));
    cred_json_free(token);
}
