/*
 * Keys of an EC2 instance (IMDSv2): a token, the role's name, where the instance is when nothing
 * else says the region, the keys. Last in the order, so a silent address most often means that no
 * credentials are set up at all, and the text says so. Never through a proxy.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/aws_error.h"

#include "aws_cred_priv.h"

#define ROLES "/latest/meta-data/iam/security-credentials/"

static void ask_token(struct cred_job *job);

static const char *setting(const struct cred_job *job, const char *variable, const char *key)
{
    const char *value = aws_config_env(job->o.config, variable);

    return value ? value : aws_config_get(job->o.config, job->profile, key);
}

static bool is_on(const struct cred_job *job, const char *variable, const char *key)
{
    const char *value = key ? setting(job, variable, key) : aws_config_env(job->o.config, variable);

    return value && strcasecmp(value, "true") == 0;
}

static int64_t number(const struct cred_job *job, const char *variable, const char *key,
                      int64_t most)
{
    const char *value = setting(job, variable, key);
    int64_t n = 1;

    return value && str_to_i64(value, 1, most, &n) ? n : 1;
}

static char *base_url(const struct cred_job *job)
{
    const char *own =
        setting(job, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    const char *mode = setting(job, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                               "ec2_metadata_service_endpoint_mode");
    const char *base = own                                     ? own
                       : mode && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]"
                                                               : "http://169.254.169.254";
    size_t n = strlen(base);

    while (n > 0 && base[n - 1] == '/')
        n--;
    return arena_strndup(job->mem, base, n);
}

static void fail_with(struct cred_job *job, const struct err *why)
{
    struct err e;
    const char *base = base_url(job);

    if (job->want == CRED_WANT_IMDS)
        err_set(&e, why->code, why->detail, "instance metadata at %s: %s", base, why->text);
    else
        err_set(&e, ERR_AUTH, why->detail,
                "no AWS credentials: none in the environment, %.80s or %.80s, no container, and "
                "instance metadata at %s: %.120s; run: aws configure (or aws configure sso)",
                cred_file_name(job->o.config, true), cred_file_name(job->o.config, false), base,
                why->text);
    cred_job_fail(job, &e);
}

static bool send(struct cred_job *job, const char *method, const char *path,
                 void (*on_http)(struct cred_job *, struct http_response *))
{
    bool is_put = strcmp(method, "PUT") == 0;
    struct http_header headers[] = { { is_put ? "x-aws-ec2-metadata-token-ttl-seconds"
                                              : "x-aws-ec2-metadata-token",
                                       is_put ? "21600" : job->token.bytes } };
    int64_t limit_ms =
        1000 * number(job, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", 60);

    free(job->url);
    job->url = xstrdup(arena_printf(job->mem, "%s%s", base_url(job), path));
    struct http_request req = { .method = method,
                                .url = job->url,
                                .headers = headers,
                                .nheaders = is_put || job->token.bytes ? 1 : 0,
                                .timeout_ms = limit_ms,
                                .connect_timeout_ms = limit_ms,
                                .body_max = CRED_FILE_MAX };
    return cred_send(job, &req, on_http);
}

/* The first line of an answer, trimmed; NULL when there is none or it is no name. */
static char *first_word(struct cred_job *job, const struct http_response *r)
{
    size_t n = strcspn(r->body, "\r\n");

    for (size_t i = 0; i < n; i++)
        if (!isgraph((unsigned char)r->body[i]))
            return NULL;
    return n > 0 && n < 256 ? arena_strndup(job->mem, r->body, n) : NULL;
}

/* Ends the job, or asks once more when more tries are set. */
static void refused(struct cred_job *job, struct http_response *r, const struct err *e)
{
    struct err why = *e;

    cred_response_free(r);
    int64_t most =
        number(job, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", 10);
    if (++job->tries < most)
        ask_token(job);
    else
        fail_with(job, &why);
}

static struct cred_set *read_keys(struct cred_job *job, const struct http_response *r,
                                  struct err *e)
{
    cJSON *json = cred_json_parse(r->body, r->body_len);
    const char *code = cred_json_text(json, "Code");
    struct cred_fields f = { cred_json_text(json, "AccessKeyId"),
                             cred_json_text(json, "SecretAccessKey"), cred_json_text(json, "Token"),
                             cred_json_text(json, "AccountId"),
                             cred_json_text(json, "Expiration") };
    struct cred_set *set = NULL;

    if (!json)
        err_set(e, ERR_PARSE, 0, "the keys it gives are not a JSON object");
    else if (!code || strcmp(code, "Success") != 0)
        err_set(e, ERR_AUTH, 0, "it gives no keys: %s", code ? code : "no Code in its answer");
    else
        set = cred_set_new(job, &f, e);
    cred_json_free(json);
    return set;
}

static void on_keys(struct cred_job *job, struct http_response *r)
{
    struct aws_error ae;
    struct err e = { 0 };
    struct cred_set *set = NULL;

    if (cred_answer_ok(job, r, &ae, &e))
        set = read_keys(job, r, &e);
    if (!set) {
        refused(job, r, &e);
        return;
    }
    cred_response_free(r);
    cred_job_done(job, set);
}

static void ask_keys(struct cred_job *job)
{
    send(job, "GET", arena_printf(job->mem, ROLES "%s", job->file), on_keys);
}

/* Without an answer the keys are good all the same. */
static void on_zone(struct cred_job *job, struct http_response *r)
{
    struct aws_error ae;
    char *zone = cred_answer_ok(job, r, &ae, NULL) ? first_word(job, r) : NULL;

    if (zone && strlen(zone) > 1)
        job->found_region = xstrndup(zone, strlen(zone) - 1);
    cred_response_free(r);
    ask_keys(job);
}

static void on_role(struct cred_job *job, struct http_response *r)
{
    struct aws_error ae;
    struct err e = { 0 };

    if (!cred_answer_ok(job, r, &ae, &e)) {
        if (r->status == 404)
            err_set(&e, ERR_AUTH, 404, "this instance has no role");
        refused(job, r, &e);
        return;
    }
    free(job->file);
    job->file = cred_dup(first_word(job, r));
    if (!job->file) {
        err_set(&e, ERR_AUTH, 0, "this instance has no role");
        refused(job, r, &e);
        return;
    }
    cred_response_free(r);
    if (aws_config_region(job->o.config, job->profile) || job->found_region)
        ask_keys(job);
    else
        send(job, "GET", "/latest/meta-data/placement/availability-zone/", on_zone);
}

static void on_token(struct cred_job *job, struct http_response *r)
{
    struct aws_error ae;
    struct err e = { 0 };
    bool ok = cred_answer_ok(job, r, &ae, &e);
    char *token = ok ? r->body : NULL;
    bool is_old =
        r->err.code == ERR_NONE && (r->status == 403 || r->status == 404 || r->status == 405);

    if (token) {
        token[strcspn(token, "\r\n")] = '\0';
        cred_known(job->c, token);
        secret_set(&job->token, token, strlen(token));
    }
    if (ok && job->token.len == 0)
        err_set(&e, ERR_PARSE, 0, "its token is empty");
    if (is_old && is_on(job, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled"))
        err_set(&e, ERR_AUTH, r->status, "it knows only version 1, which is turned off here");
    else if (job->token.len > 0 || is_old)
        e = (struct err){ 0 };
    if (e.code != ERR_NONE) {
        refused(job, r, &e);
        return;
    }
    if (is_old)
        secret_release(&job->token);
    cred_response_free(r);
    send(job, "GET", ROLES, on_role);
}

static void ask_token(struct cred_job *job)
{
    secret_release(&job->token);
    send(job, "PUT", "/latest/api/token", on_token);
}

void cred_imds_start(struct cred_job *job)
{
    struct err e = { 0 };

    if (is_on(job, "AWS_EC2_METADATA_DISABLED", NULL)) {
        err_set(&e, ERR_AUTH, 0, "turned off by AWS_EC2_METADATA_DISABLED");
        fail_with(job, &e);
        return;
    }
    ask_token(job);
}
