/*
 * AssumeRole with another source's keys, with a person's MFA code where the profile wants one, and
 * AssumeRoleWithWebIdentity with a token file. The keys that sign come from the manager like
 * anybody's, so a chain of roles is a chain of cached sets.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/json_text.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/decode/decode.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/aws_error.h"
#include "opsdeck/net/aws_sign.h"

#include "aws_cred_priv.h"

/* Outlives the job: the person may answer when nobody waits any more. */
struct cred_mfa {
    struct cred_job *job;
};

static void get_source(struct cred_job *job);

static const char *own(const struct cred_job *job, const char *key)
{
    return aws_config_get(job->o.config, job->profile, key);
}

static const char *role_of(const struct cred_job *job)
{
    return job->plan.is_web_from_env ? aws_config_env(job->o.config, "AWS_ROLE_ARN")
                                     : own(job, "role_arn");
}

static const char *session_name_of(const struct cred_job *job)
{
    return job->plan.is_web_from_env ? aws_config_env(job->o.config, "AWS_ROLE_SESSION_NAME")
                                     : own(job, "role_session_name");
}

/* False: absent, or nothing the CLI would send. */
static bool duration_of(const struct cred_job *job, int64_t *seconds)
{
    const char *s = own(job, "duration_seconds");

    return s && str_to_i64(s, 1, 1000000, seconds);
}

/* STS is regional; without any region the first one of the role's partition will do. */
static const char *region_of(const struct cred_job *job)
{
    const char *role = role_of(job);

    return job->region                                 ? job->region
           : strncmp(role, "arn:aws-cn:", 11) == 0     ? "cn-north-1"
           : strncmp(role, "arn:aws-us-gov:", 15) == 0 ? "us-gov-west-1"
                                                       : "us-east-1";
}

/* ---- the CLI's cache: named by the digest of its arguments as Python writes them */

static void add_member(struct sbuf *sb, const char *name, const char *value)
{
    if (!value)
        return;
    sbuf_addf(sb, "%s\"%s\": ", sb->len > 1 ? ", " : "", name);
    json_put_ascii(sb, value, strlen(value));
}

static char *cache_path(const struct cred_job *job)
{
    struct sbuf sb;
    int64_t seconds;
    char hex[41];

    sbuf_init(&sb, 16 * 1024);
    sbuf_addc(&sb, '{');
    if (duration_of(job, &seconds))
        sbuf_addf(&sb, "\"DurationSeconds\": %lld", (long long)seconds);
    add_member(&sb, "ExternalId", own(job, "external_id"));
    add_member(&sb, "RoleArn", role_of(job));
    add_member(&sb, "RoleSessionName", session_name_of(job));
    add_member(&sb, "SerialNumber", own(job, "mfa_serial"));
    sbuf_addc(&sb, '}');
    cred_sha1_hex(sb.buf, hex);
    sbuf_release(&sb);
    return cred_cache_path(job->o.config, ".aws/cli/cache", hex);
}

/* ---- answers */

static const cJSON *member(const cJSON *json, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(json, name);
}

static cJSON *read_xml(const struct http_response *r, struct err *e)
{
    struct sbuf sb;
    cJSON *json = NULL;

    sbuf_init(&sb, 4 * (size_t)CRED_FILE_MAX);
    if (xml_to_json(r->body, r->body_len, &sb, e)) {
        json = cred_json_parse(sb.buf, sb.len);
        if (!json)
            err_set(e, ERR_PARSE, 0, "the answer cannot be read");
    }
    explicit_bzero(sb.buf, sb.cap);
    sbuf_release(&sb);
    return json;
}

static struct cred_set *read_session(struct cred_job *job, const struct http_response *r,
                                     const char *action, struct err *e)
{
    cJSON *json = read_xml(r, e);
    const cJSON *answer = member(json, arena_printf(job->mem, "%sResponse", action));
    const cJSON *result = member(answer, arena_printf(job->mem, "%sResult", action));
    const cJSON *keys = member(result, "Credentials"), *user = member(result, "AssumedRoleUser");
    const char *arn = cred_json_text(user, "Arn");
    struct cred_fields f = { cred_json_text(keys, "AccessKeyId"),
                             cred_json_text(keys, "SecretAccessKey"),
                             cred_json_text(keys, "SessionToken"),
                             aws_arn_account(job->mem, arn ? arn : role_of(job)),
                             cred_json_text(keys, "Expiration") };
    struct cred_set *set = NULL;

    if (json && (!f.token || !f.expiration))
        err_set(e, ERR_PARSE, 0, "the answer has no session: is this really STS?");
    else if (json)
        set = cred_set_new(job, &f, e);
    if (set && job->plan.kind == CRED_ROLE && job->file)
        cred_cli_cache_put(job->file, &f, NULL, user);
    if (set)
        set->role_arn = xstrdup(role_of(job));
    else
        err_ctx(e, "%s", job->url);
    cred_json_free(json);
    return set;
}

static const char *advice(const struct cred_job *job, const struct aws_error *ae)
{
    bool is_web = job->plan.kind == CRED_WEB;

    switch (ae->fault) {
    case AWS_DENIED:
        return is_web             ? "look at the role's trust policy"
               : job->token.bytes ? "look at the code, the role's trust policy and external_id"
                                  : "look at the role's trust policy, external_id and mfa_serial";
    case AWS_EXPIRED:
        return is_web ? "the token file holds an old token" : "get new keys for its source";
    case AWS_BAD_KEYS:
        return is_web ? "the token is not one for this account"
                      : "write working keys for its source";
    case AWS_SKEWED:
        return "look at this machine's clock, or the secret key of its source is wrong";
    case AWS_UNAVAILABLE:
        return "set a region whose STS is turned on";
    default:
        return "it is asked again in a minute";
    }
}

static void end(struct cred_job *job, struct http_response *r, const char *action)
{
    struct aws_error ae = { 0 };
    struct err e = { 0 }, told;
    struct cred_set *set = NULL;

    if (cred_answer_ok(job, r, &ae, &e))
        set = read_session(job, r, action, &e);
    cred_response_free(r);
    if (set) {
        cred_job_done(job, set);
        return;
    }
    err_set(&told, e.code, e.detail, "%.280s; %s", e.text, advice(job, &ae));
    cred_job_fail(job, &told);
}

/* ---- requests */

static void add_param(struct cred_job *job, struct sbuf *body, const char *name, const char *value)
{
    if (value)
        sbuf_addf(body, "&%s=%s", name, aws_encode(job->mem, value, strlen(value), false));
}

static void add_role(struct cred_job *job, struct sbuf *body, const char *action)
{
    char generated[64];
    const char *name = session_name_of(job);
    int64_t seconds;

    snprintf(generated, sizeof generated, "opsdeck-%lld", (long long)(cred_now(job) / 1000));
    sbuf_addf(body, "Action=%s&Version=2011-06-15", action);
    add_param(job, body, "RoleArn", role_of(job));
    add_param(job, body, "RoleSessionName", name ? name : generated);
    if (duration_of(job, &seconds))
        sbuf_addf(body, "&DurationSeconds=%lld", (long long)seconds);
}

/* The path of an absolute URL. */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://"), *slash = host ? strchr(host + 3, '/') : NULL;

    return slash ? slash : "/";
}

static void on_role(struct cred_job *job, struct http_response *r)
{
    struct aws_error ae;
    bool ok = cred_answer_ok(job, r, &ae, NULL);
    bool is_again = !ok && r->err.code == ERR_NONE && !job->is_second_try &&
                    (ae.fault == AWS_EXPIRED || (ae.fault == AWS_SKEWED && job->is_clock_changed));

    if (!is_again) {
        end(job, r, "AssumeRole");
        return;
    }
    cred_response_free(r);
    job->is_second_try = true;
    if (ae.fault == AWS_EXPIRED)
        cred_drop(job->c, job->plan.source_want, job->plan.source_profile, job->source_id);
    get_source(job);
}

static void assume(struct cred_job *job, const struct aws_keys *keys)
{
    struct http_request req;
    struct http_header headers[1 + AWS_SIGN_HEADERS_MAX] = {
        { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" }
    };
    struct sbuf body;
    struct err e = { 0 };
    const char *region;
    size_t n = 0;

    if (!cred_endpoint(job, "sts", region_of(job), "/", &req, &region))
        return;
    sbuf_init(&body, CRED_FILE_MAX);
    add_role(job, &body, "AssumeRole");
    add_param(job, &body, "ExternalId", own(job, "external_id"));
    add_param(job, &body, "SerialNumber", own(job, "mfa_serial"));
    if (job->token.bytes)
        add_param(job, &body, "TokenCode", job->token.bytes);
    struct aws_signing in = { .method = "POST",
                              .host = job->host,
                              .path = path_of(job->url),
                              .headers = headers,
                              .nheaders = 1,
                              .body = body.buf,
                              .body_len = body.len,
                              .access_key_id = keys->access_key_id,
                              .secret_key = keys->secret_key,
                              .session_token = keys->session_token,
                              .region = region,
                              .service = "sts",
                              .at_ms = cred_now(job) + aws_clock_offset_ms(job->c, job->host) };
    bool is_signed = aws_sign(cred_signer(job->c), &in, job->mem, headers + 1, &n, &e);
    req.headers = headers;
    req.nheaders = 1 + n;
    req.body = body.buf;
    req.body_len = body.len;
    if (is_signed)
        cred_send(job, &req, on_role);
    sbuf_release(&body);
    if (!is_signed)
        cred_job_fail(job, &e);
}

/* ---- MFA */

static bool is_code(const char *s)
{
    size_t n = strspn(s, "0123456789");

    return n >= 6 && n <= 8 && s[n] == '\0';
}

static void on_code(void *ctx, const char *code)
{
    struct cred_mfa *mfa = ctx;
    struct cred_job *job = mfa->job;
    struct err e = { 0 };

    free(mfa);
    if (!job)
        return;
    job->mfa = NULL;
    if (!code || !is_code(code)) {
        err_set(&e, ERR_AUTH, 0, "%s for MFA device %s: ask again and type its 6 digits",
                code ? "that is no code" : "nobody gave the code", own(job, "mfa_serial"));
        cred_job_fail(job, &e);
        return;
    }
    secret_set(&job->token, code, strlen(code));
    get_source(job);
}

static void ask_code(struct cred_job *job)
{
    const char *serial = own(job, "mfa_serial");
    struct err e = { 0 };

    if (!job->o.ask_mfa) {
        err_set(&e, ERR_AUTH, 0,
                "it needs a code of MFA device %s and nobody can be asked here; run: aws sts "
                "get-caller-identity --profile %s (its session is then used from ~/.aws/cli/cache)",
                serial, job->profile);
        cred_job_fail(job, &e);
        return;
    }
    job->mfa = xcalloc(1, sizeof *job->mfa);
    job->mfa->job = job;
    job->o.ask_mfa(job->o.ask_ctx, job->profile, serial, on_code, job->mfa);
}

/* ---- the source's keys */

static void on_source(void *ctx, const struct aws_keys *keys, const struct err *e)
{
    struct cred_job *job = ctx;

    if (!keys) { /* its own text says where the keys come from: no room for all of ours */
        snprintf(job->what, sizeof job->what, "AWS profile %.80s", job->profile);
        cred_job_fail(job, e);
        return;
    }
    free(job->source_id);
    job->source_id = xstrdup(keys->access_key_id);
    if (!job->region && keys->region)
        job->region = xstrdup(keys->region);
    if (own(job, "mfa_serial") && !job->token.bytes)
        ask_code(job);
    else
        assume(job, keys);
}

static void get_source(struct cred_job *job)
{
    cred_get(job->c, job->plan.source_want, job->plan.source_profile, job->region, on_source, job);
}

void cred_role_start(struct cred_job *job)
{
    job->file = cache_path(job);
    struct cred_set *set = cred_cli_cache_get(job, job->file);

    if (!set) {
        get_source(job);
        return;
    }
    set->role_arn = xstrdup(role_of(job));
    if (!set->account)
        set->account = cred_dup(aws_arn_account(job->mem, role_of(job)));
    cred_job_done(job, set);
}

void cred_role_stop(struct cred_job *job)
{
    if (job->mfa)
        job->mfa->job = NULL;
}

/* ---- web identity */

static void on_web(struct cred_job *job, struct http_response *r)
{
    end(job, r, "AssumeRoleWithWebIdentity");
}

static bool read_token(struct cred_job *job, struct sbuf *token, struct err *e)
{
    const char *file = job->plan.is_web_from_env
                           ? aws_config_env(job->o.config, "AWS_WEB_IDENTITY_TOKEN_FILE")
                           : own(job, "web_identity_token_file");

    if (!role_of(job))
        return err_set(e, ERR_CONFIG, 0, "%s is set but %s is not: set both, or neither",
                       job->plan.is_web_from_env ? "AWS_WEB_IDENTITY_TOKEN_FILE"
                                                 : "web_identity_token_file",
                       job->plan.is_web_from_env ? "AWS_ROLE_ARN" : "role_arn");
    if (!cred_file_bytes(file, token, e))
        return err_ctx(e, "its web identity");
    while (token->len > 0 && strchr(" \t\r\n", token->buf[token->len - 1]))
        token->buf[--token->len] = '\0';
    cred_known(job->c, token->buf);
    return token->len > 0 || err_set(e, ERR_AUTH, 0, "web identity token file %s is empty", file);
}

/* Unsigned: the token is the credential. Not encoded in the arena, which is not wiped. */
static void send_web(struct cred_job *job, const struct sbuf *token)
{
    struct http_header header = { "Content-Type",
                                  "application/x-www-form-urlencoded; charset=utf-8" };
    struct http_request req;
    struct sbuf body;

    if (!cred_endpoint(job, "sts", region_of(job), "/", &req, NULL))
        return;
    sbuf_init(&body, 4 * (size_t)CRED_FILE_MAX);
    add_role(job, &body, "AssumeRoleWithWebIdentity");
    sbuf_adds(&body, "&WebIdentityToken=");
    for (const char *p = token->buf; *p; p++)
        if (isalnum((unsigned char)*p) || strchr("-_.~", *p))
            sbuf_addc(&body, *p);
        else
            sbuf_addf(&body, "%%%02X", (unsigned)(unsigned char)*p);
    req.headers = &header;
    req.nheaders = 1;
    req.body = body.buf;
    req.body_len = body.len;
    cred_send(job, &req, on_web);
    explicit_bzero(body.buf, body.cap);
    sbuf_release(&body);
}

void cred_web_start(struct cred_job *job)
{
    struct sbuf token;
    struct err e = { 0 };

    sbuf_init(&token, CRED_FILE_MAX);
    bool ok = read_token(job, &token, &e);
    if (ok)
        send_web(job, &token);
    else
        cred_job_fail(job, &e);
    explicit_bzero(token.buf, token.cap);
    sbuf_release(&token);
}
