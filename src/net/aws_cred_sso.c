/*
 * SSO (IAM Identity Center): the access token that `aws sso login` left in ~/.aws/sso/cache buys
 * the keys of one role in one account. A token near its end is renewed when the sign-in allows it;
 * a failed renewal matters only once the token has ended. Signing in itself is the CLI's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/json_text.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/aws_error.h"
#include "opsdeck/net/aws_sign.h"

#include "aws_cred_priv.h"

static void next_step(struct cred_job *job);

/* Ends the job with what a person has to run. */
static void fail_login(struct cred_job *job, const char *why)
{
    struct err e = { 0 };

    if (job->plan.sso_session)
        err_set(&e, ERR_AUTH, 401, "%.280s; run: aws sso login --sso-session %s", why,
                job->plan.sso_session);
    else
        err_set(&e, ERR_AUTH, 401, "%.280s; run: aws sso login --profile %s", why, job->profile);
    cred_job_fail(job, &e);
}

/* As Python's json.dumps writes it: the name of the cache file is a hash of these bytes. */
static void put_python(struct sbuf *sb, const char *s)
{
    json_put_ascii(sb, s, strlen(s));
}

static char *role_cache_path(const struct cred_job *job)
{
    const struct cred_plan *p = &job->plan;
    struct sbuf sb;
    char hex[41];

    sbuf_init(&sb, 16 * 1024);
    sbuf_adds(&sb, "{\"accountId\":");
    put_python(&sb, p->sso_account);
    sbuf_adds(&sb, ",\"roleName\":");
    put_python(&sb, p->sso_role);
    sbuf_adds(&sb, p->sso_session ? ",\"sessionName\":" : ",\"startUrl\":");
    put_python(&sb, p->sso_session ? p->sso_session : p->start_url);
    sbuf_addc(&sb, '}');
    cred_sha1_hex(sb.buf, hex);
    sbuf_release(&sb);
    return cred_cache_path(job->o.config, ".aws/cli/cache", hex);
}

static char *token_path(const struct cred_job *job)
{
    char hex[41];

    cred_sha1_hex(job->plan.sso_session ? job->plan.sso_session : job->plan.start_url, hex);
    return cred_cache_path(job->o.config, ".aws/sso/cache", hex);
}

static struct cred_set *keep(struct cred_job *job, const cJSON *keys, struct err *e)
{
    const cJSON *ends = cJSON_GetObjectItemCaseSensitive(keys, "expiration");
    char when[TIME_TEXT_MAX];
    struct cred_fields f = { cred_json_text(keys, "accessKeyId"),
                             cred_json_text(keys, "secretAccessKey"),
                             cred_json_text(keys, "sessionToken"), job->plan.sso_account, when };

    if (!cJSON_IsNumber(ends) || ends->valuedouble < 0 || ends->valuedouble > 1e15 || !f.token) {
        err_set(e, ERR_PARSE, 0, "%s: the answer has no session", job->url);
        return NULL;
    }
    time_iso((int64_t)ends->valuedouble / 1000 * 1000, when);
    struct cred_set *set = cred_set_new(job, &f, e);
    if (!set) {
        err_ctx(e, "%s", job->url);
        return NULL;
    }
    char *path = role_cache_path(job);
    if (path)
        cred_cli_cache_put(path, &f, "sso", NULL);
    free(path);
    return set;
}

/* ---- the keys of the role */

static void on_keys(struct cred_job *job, struct http_response *r)
{
    struct aws_error ae = { 0 };
    struct err e = { 0 };
    struct cred_set *set = NULL;
    cJSON *json = NULL;

    if (cred_answer_ok(job, r, &ae, &e)) {
        json = cred_json_parse(r->body, r->body_len);
        set = keep(job, cJSON_GetObjectItemCaseSensitive(json, "roleCredentials"), &e);
    }
    bool is_refused = r->err.code == ERR_NONE && r->status == 401;
    bool is_unknown = r->err.code == ERR_NONE && (r->status == 403 || r->status == 404);
    cred_json_free(json);
    cred_response_free(r);
    if (set)
        cred_job_done(job, set);
    else if (is_refused)
        fail_login(job, e.text);
    else if (is_unknown) {
        struct err told;
        err_set(&told, e.code, e.detail,
                "%.280s; ask for this role in this account, or correct "
                "sso_account_id and sso_role_name",
                e.text);
        cred_job_fail(job, &told);
    } else
        cred_job_fail(job, &e);
}

static void ask_keys(struct cred_job *job, const char *token)
{
    struct http_header headers[] = { { "Accept", "application/json" },
                                     { "x-amz-sso_bearer_token", token } };
    const struct cred_plan *p = &job->plan;
    struct http_request req;
    char *path = arena_printf(job->mem, "/federation/credentials?account_id=%s&role_name=%s",
                              aws_encode(job->mem, p->sso_account, strlen(p->sso_account), false),
                              aws_encode(job->mem, p->sso_role, strlen(p->sso_role), false));

    if (!cred_endpoint(job, "sso", p->sso_region, path, &req, NULL))
        return;
    req.method = "GET";
    req.headers = headers;
    req.nheaders = ARRAY_LEN(headers);
    cred_send(job, &req, on_keys);
}

/* ---- renewing the token */

static bool is_renewable(const struct cred_job *job, const cJSON *token, int64_t now)
{
    const char *until = cred_json_text(token, "registrationExpiresAt");
    int64_t until_ms;

    return job->plan.sso_session && !job->has_tried_refresh &&
           cred_json_text(token, "refreshToken") && cred_json_text(token, "clientId") &&
           cred_json_text(token, "clientSecret") && until && cred_time(until, &until_ms) &&
           until_ms > now;
}

static void put_text(cJSON *to, const char *name, const char *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(to, name);
    if (value)
        cJSON_AddStringToObject(to, name, value);
}

/* The file keeps what else stands in it. */
static bool write_token(struct cred_job *job, const cJSON *fresh)
{
    const char *access = cred_json_text(fresh, "accessToken");
    const cJSON *life = cJSON_GetObjectItemCaseSensitive(fresh, "expiresIn");
    cJSON *token = cred_file_read(job->file, NULL);
    char when[TIME_TEXT_MAX];

    bool ok =
        token && access && cJSON_IsNumber(life) && life->valuedouble > 0 && life->valuedouble < 1e9;
    if (ok) {
        cred_known(job->c, access);
        cred_known(job->c, cred_json_text(fresh, "refreshToken"));
        int64_t ends = (cred_now(job) / 1000 + (int64_t)life->valuedouble) * 1000;
        put_text(token, "accessToken", access);
        put_text(token, "expiresAt", time_iso(ends, when));
        put_text(token, "refreshToken", cred_json_text(fresh, "refreshToken"));
        cred_file_write(job->file, token);
        secret_set(&job->token, access, strlen(access)); /* also when the file cannot be written */
    }
    cred_json_free(token);
    return ok;
}

static void on_renewed(struct cred_job *job, struct http_response *r)
{
    struct aws_error ae;
    struct err e = { 0 };
    cJSON *json = NULL;

    if (cred_answer_ok(job, r, &ae, &e)) {
        json = cred_json_parse(r->body, r->body_len);
        if (!write_token(job, json))
            err_set(&e, ERR_PARSE, 0, "%s: the answer has no token", job->url);
    }
    cred_json_free(json);
    cred_response_free(r);
    if (e.code != ERR_NONE) {
        log_add(LOG_WARN, "net", "%s: the SSO token cannot be renewed; %s", job->what, e.text);
        snprintf(job->note, sizeof job->note, " and cannot be renewed (%.100s)", e.text);
    }
    job->has_tried_refresh = true;
    cred_unpark(job);
    next_step(job);
}

static void renew(struct cred_job *job, const cJSON *token)
{
    struct http_header header = { "Content-Type", "application/json" };
    struct http_request req;
    cJSON *body;

    if (!cred_endpoint(job, "sso-oidc", job->plan.sso_region, "/token", &req, NULL))
        return;
    body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "grantType", "refresh_token");
    cJSON_AddStringToObject(body, "clientId", cred_json_text(token, "clientId"));
    cJSON_AddStringToObject(body, "clientSecret", cred_json_text(token, "clientSecret"));
    cJSON_AddStringToObject(body, "refreshToken", cred_json_text(token, "refreshToken"));
    char *text = cJSON_PrintUnformatted(body);
    req.headers = &header;
    req.nheaders = 1;
    req.body = text;
    req.body_len = text ? strlen(text) : 0;
    job->is_refreshing = true;
    cred_send(job, &req, on_renewed);
    cred_json_text_free(text);
    cred_json_free(body);
}

/* ---- the token that is there */

static void use_token(struct cred_job *job, const cJSON *token)
{
    const char *access = cred_json_text(token, "accessToken");
    const char *until = cred_json_text(token, "expiresAt");
    int64_t now = cred_now(job), until_ms = 0;
    char at[TIME_TEXT_MAX];

    if (!access || !until || !cred_time(until, &until_ms)) {
        fail_login(job, arena_printf(job->mem, "%s holds no token with an expiry", job->file));
        return;
    }
    cred_known(job->c, access);
    cred_known(job->c, cred_json_text(token, "refreshToken"));
    cred_known(job->c, cred_json_text(token, "clientSecret"));
    if (until_ms - now < CRED_FRESH_MS && is_renewable(job, token, now)) {
        if (!cred_park(job))
            renew(job, token);
    } else if (until_ms > now) {
        ask_keys(job, access);
    } else {
        fail_login(job, arena_printf(job->mem, "the SSO token in %s ended at %s%s", job->file,
                                     time_iso(until_ms, at), job->note));
    }
}

static void next_step(struct cred_job *job)
{
    struct err e = { 0 };

    if (job->token.bytes) { /* renewed just now */
        ask_keys(job, job->token.bytes);
        return;
    }
    cJSON *token = job->file ? cred_file_read(job->file, &e) : NULL;
    if (token)
        use_token(job, token);
    else if (e.code == ERR_NONE)
        fail_login(job, "there is no home directory to find ~/.aws/sso/cache in");
    else
        fail_login(job, e.code == ERR_NOT_FOUND
                            ? arena_printf(job->mem, "nobody has signed in (no %s)", job->file)
                            : arena_printf(job->mem, "%s", e.text));
    cred_json_free(token);
}

void cred_sso_start(struct cred_job *job)
{
    char *path = job->file ? NULL : role_cache_path(job); /* a job that was parked has been here */
    struct cred_set *set = path ? cred_cli_cache_get(job, path) : NULL;

    free(path);
    if (set) {
        if (!set->account)
            set->account = cred_dup(job->plan.sso_account);
        cred_job_done(job, set);
        return;
    }
    if (!job->file)
        job->file = token_path(job);
    next_step(job);
}
