/*
 * Keys from the container's agent (ECS, EKS Pod Identity): one GET on an address that the
 * environment names. It may be plain http, so the address is checked here: this machine, the
 * two link-local agents, or https. Never through a proxy.
 */
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/aws_error.h"

#include "aws_cred_priv.h"
#include "net_priv.h"

enum {
    TIMEOUT_MS = 2000,
    TRIES = 3
};

static void ask(struct cred_job *job);

static bool check_url(const char *url, struct err *e)
{
    CURLU *u = http_url_parse(url, e);

    if (!u)
        return err_ctx(e, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    char *host = http_url_part(u, CURLUPART_HOST, 0);
    bool ok = strncmp(url, "https://", 8) == 0 || http_url_is_loopback(host) ||
              http_url_is_metadata(host);
    free(host);
    curl_url_cleanup(u);
    return ok || err_set(e, ERR_CONFIG, 0,
                         "AWS_CONTAINER_CREDENTIALS_FULL_URI is plain http to another machine: "
                         "only https, this machine or the container's agent may be asked");
}

static bool find_url(struct cred_job *job, struct err *e)
{
    const struct aws_config *cfg = job->o.config;
    const char *relative = aws_config_env(cfg, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = aws_config_env(cfg, "AWS_CONTAINER_CREDENTIALS_FULL_URI");

    if (!relative && !full)
        return err_set(e, ERR_CONFIG, 0,
                       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set: this is no container "
                       "with a role");
    if (relative && *relative != '/')
        return err_set(e, ERR_CONFIG, 0,
                       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /");
    if (!relative && !check_url(full, e))
        return false;
    job->url = relative ? xstrdup(arena_printf(job->mem, "http://169.254.170.2%s", relative))
                        : xstrdup(full);
    return true;
}

/* Read for every request: the agent replaces the file. */
static bool find_token(struct cred_job *job, struct err *e)
{
    const struct aws_config *cfg = job->o.config;
    const char *file = aws_config_env(cfg, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *value = aws_config_env(cfg, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    struct sbuf sb;

    sbuf_init(&sb, CRED_FILE_MAX);
    bool ok = !file || cred_file_bytes(file, &sb, e);
    if (ok && (file || value))
        secret_set(&job->token, file ? sb.buf : value, file ? sb.len : strlen(value));
    explicit_bzero(sb.buf, sb.cap);
    sbuf_release(&sb);
    if (!ok)
        return err_ctx(e, "the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be used");
    cred_known(job->c, job->token.bytes);
    return !job->token.bytes || !strpbrk(job->token.bytes, "\r\n") ||
           err_set(e, ERR_AUTH, 0, "the container's authorization token is more than one line");
}

static void on_again(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop;
    (void)revents;
    ask(w->data);
}

static struct cred_set *read_keys(struct cred_job *job, const struct http_response *r,
                                  struct err *e)
{
    cJSON *json = cred_json_parse(r->body, r->body_len);
    struct cred_fields f = { cred_json_text(json, "AccessKeyId"),
                             cred_json_text(json, "SecretAccessKey"), cred_json_text(json, "Token"),
                             cred_json_text(json, "AccountId"),
                             cred_json_text(json, "Expiration") };
    struct cred_set *set = NULL;

    if (json)
        set = cred_set_new(job, &f, e);
    else
        err_set(e, ERR_PARSE, 0, "the answer is not a JSON object");
    if (set)
        set->role_arn = cred_dup(cred_json_text(json, "RoleArn"));
    else
        err_ctx(e, "%s", job->url);
    cred_json_free(json);
    return set;
}

static void on_keys(struct cred_job *job, struct http_response *r)
{
    struct aws_error ae;
    struct err e = { 0 };
    struct cred_set *set = NULL;
    bool has_answer = cred_answer_ok(job, r, &ae, &e);

    if (has_answer)
        set = read_keys(job, r, &e);
    cred_response_free(r);
    if (set) {
        cred_job_done(job, set);
    } else if (!has_answer && ++job->tries < TRIES &&
               (ae.fault == AWS_TRANSIENT || ae.fault == AWS_THROTTLED)) {
        ev_timer_init(&job->timer, on_again, 1.0, 0.0);
        job->timer.data = job;
        ev_now_update(job->o.loop);
        ev_timer_start(job->o.loop, &job->timer);
    } else {
        struct err told;
        err_set(&told, e.code, e.detail,
                "%.350s; look at the task's role and at AWS_CONTAINER_CREDENTIALS_*", e.text);
        cred_job_fail(job, &told);
    }
}

static void ask(struct cred_job *job)
{
    struct err e = { 0 };

    if (!find_token(job, &e)) {
        cred_job_fail(job, &e);
        return;
    }
    struct http_header headers[] = { { "Accept", "application/json" },
                                     { "Authorization", job->token.bytes } };
    struct http_request req = { .url = job->url,
                                .headers = headers,
                                .nheaders = job->token.bytes ? 2 : 1,
                                .timeout_ms = TIMEOUT_MS,
                                .connect_timeout_ms = TIMEOUT_MS,
                                .body_max = CRED_FILE_MAX };
    cred_send(job, &req, on_keys);
}

void cred_container_start(struct cred_job *job)
{
    struct err e = { 0 };

    if (find_url(job, &e))
        ask(job);
    else
        cred_job_fail(job, &e);
}
