/*
 * Keys that are written down: AWS_ACCESS_KEY_ID and its companions in the environment, and
 * aws_access_key_id and its companions in one of the two files. Nothing is asked of anybody.
 */
#include <string.h>

#include "opsdeck/net/aws_config.h"

#include "aws_cred_priv.h"

static void from_env(const struct cred_job *job, struct cred_fields *f)
{
    const struct aws_config *cfg = job->o.config;

    f->id = aws_config_env(cfg, "AWS_ACCESS_KEY_ID");
    f->secret = aws_config_env(cfg, "AWS_SECRET_ACCESS_KEY");
    f->token = aws_config_env(cfg, "AWS_SESSION_TOKEN");
    if (!f->token)
        f->token = aws_config_env(cfg, "AWS_SECURITY_TOKEN");
    f->expiration = aws_config_env(cfg, "AWS_CREDENTIAL_EXPIRATION");
    f->account = aws_config_env(cfg, "AWS_ACCOUNT_ID");
}

static void from_file(const struct cred_job *job, struct cred_fields *f)
{
    const struct aws_config *cfg = job->o.config;
    bool in = job->plan.is_in_credentials_file;

    f->id = aws_config_get_in(cfg, in, job->profile, "aws_access_key_id");
    f->secret = aws_config_get_in(cfg, in, job->profile, "aws_secret_access_key");
    f->token = aws_config_get_in(cfg, in, job->profile, "aws_session_token");
    if (!f->token)
        f->token = aws_config_get_in(cfg, in, job->profile, "aws_security_token");
    f->account = aws_config_get_in(cfg, in, job->profile, "aws_account_id");
}

void cred_static_start(struct cred_job *job)
{
    bool is_env = job->plan.kind == CRED_ENV;
    const char *id_name = is_env ? "AWS_ACCESS_KEY_ID" : "aws_access_key_id";
    const char *secret_name = is_env ? "AWS_SECRET_ACCESS_KEY" : "aws_secret_access_key";
    struct cred_fields f = { 0 };
    struct err e = { 0 };

    if (is_env)
        from_env(job, &f);
    else
        from_file(job, &f);
    if (!f.id || !f.secret) {
        err_set(&e, ERR_CONFIG, 0, "%s is set but %s is not: set both, or neither",
                f.id       ? id_name
                : f.secret ? secret_name
                           : "credential_source",
                f.id ? secret_name : id_name);
        cred_job_fail(job, &e);
        return;
    }
    struct cred_set *set = cred_set_new(job, &f, &e);
    if (set)
        cred_job_done(job, set);
    else
        cred_job_fail(job, &e);
}
