/*
 * Which source a profile means, in the order of the AWS CLI, and which combinations of keys mean
 * nothing: half a pair of static keys, two sources for one role, a loop of source profiles. Reads
 * the configuration only; what a source then says is its own file's business.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/aws_config.h"

#include "aws_cred_priv.h"

enum {
    CHAIN_MAX = 16
};

const char *cred_file_name(const struct aws_config *cfg, bool is_credentials_file)
{
    const char *name = aws_config_env(cfg, is_credentials_file ? "AWS_SHARED_CREDENTIALS_FILE"
                                                               : "AWS_CONFIG_FILE");

    return name ? name : is_credentials_file ? "~/.aws/credentials" : "~/.aws/config";
}

static bool has_role(const struct aws_config *cfg, const char *profile)
{
    return aws_config_get(cfg, profile, "role_arn") &&
           !aws_config_get(cfg, profile, "web_identity_token_file");
}

static bool has_static(const struct aws_config *cfg, const char *profile)
{
    return aws_config_get(cfg, profile, "aws_access_key_id") ||
           aws_config_get(cfg, profile, "aws_secret_access_key");
}

/* ---- role_arn */

static bool plan_credential_source(const char *name, const char *profile, struct cred_plan *out,
                                   struct err *e)
{
    static const struct {
        const char *name;
        enum cred_want want;
    } sources[] = { { "Environment", CRED_WANT_ENV },
                    { "Ec2InstanceMetadata", CRED_WANT_IMDS },
                    { "EcsContainer", CRED_WANT_CONTAINER } };

    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        if (strcasecmp(name, sources[i].name) == 0) {
            out->source_want = sources[i].want;
            out->source_name = name;
            return true;
        }
    return err_set(e, ERR_CONFIG, 0,
                   "profile %s: credential_source %s is not known: write Environment, "
                   "Ec2InstanceMetadata or EcsContainer",
                   profile, name);
}

/* From role to role until something else gives the first keys. */
static bool check_loop(const struct aws_config *cfg, const char *profile, struct err *e)
{
    const char *seen[CHAIN_MAX];
    size_t n = 0;

    for (const char *at = profile; at && has_role(cfg, at);) {
        const char *next = aws_config_get(cfg, at, "source_profile");
        if (n == CHAIN_MAX)
            return err_set(e, ERR_CONFIG, 0, "over %d source_profile steps from profile %s",
                           CHAIN_MAX, profile);
        seen[n++] = at;
        if (!next || has_static(cfg, next)) /* static keys end a chain, also one's own */
            return true;
        for (size_t i = 0; i < n; i++)
            if (strcmp(seen[i], next) == 0)
                return err_set(e, ERR_CONFIG, 0,
                               "source_profile goes round in a circle: %s names %s again; give "
                               "one of them a source of its own",
                               at, next);
        at = next;
    }
    return true;
}

static bool plan_role(const struct aws_config *cfg, const char *profile, struct cred_plan *out,
                      struct err *e)
{
    const char *from = aws_config_get(cfg, profile, "source_profile");
    const char *source = aws_config_get(cfg, profile, "credential_source");

    out->kind = CRED_ROLE;
    if (from && source)
        return err_set(e, ERR_CONFIG, 0,
                       "profile %s has both source_profile and credential_source: remove one",
                       profile);
    if (!from && !source)
        return err_set(e, ERR_CONFIG, 0,
                       "profile %s has role_arn but neither source_profile nor credential_source: "
                       "add one of them in %s",
                       profile, cred_file_name(cfg, false));
    if (source)
        return plan_credential_source(source, profile, out, e);
    if (!aws_config_has_profile(cfg, from, e))
        return err_ctx(e, "source_profile of profile %s", profile);
    out->source_want =
        has_static(cfg, from) || !has_role(cfg, from) ? CRED_AS_SOURCE : CRED_PROFILE;
    out->source_profile = out->source_name = from;
    return check_loop(cfg, profile, e);
}

/* ---- SSO */

static bool sso_key(const struct aws_config *cfg, const char *profile, const char *session,
                    const char *key, const char **out, struct err *e)
{
    const char *own = aws_config_get(cfg, profile, key);
    const char *shared = session ? aws_config_sso(cfg, session, key) : NULL;

    if (own && shared && strcmp(own, shared) != 0)
        return err_set(e, ERR_CONFIG, 0,
                       "%s differs between profile %s and [sso-session %s]: remove the former", key,
                       profile, session);
    *out = shared ? shared : own;
    return *out || err_set(e, ERR_CONFIG, 0,
                           "profile %s uses SSO but has no %s: run: aws configure sso --profile %s",
                           profile, key, profile);
}

static bool plan_sso(const struct aws_config *cfg, const char *profile, struct cred_plan *out,
                     struct err *e)
{
    const char *session = aws_config_get(cfg, profile, "sso_session");

    out->kind = CRED_SSO;
    out->sso_session = session;
    if (session && !aws_config_sso(cfg, session, "sso_start_url") &&
        !aws_config_sso(cfg, session, "sso_region"))
        return err_set(e, ERR_CONFIG, 0,
                       "profile %s names sso_session %s, but %s has no [sso-session %s] with "
                       "sso_start_url and sso_region",
                       profile, session, cred_file_name(cfg, false), session);
    return sso_key(cfg, profile, session, "sso_account_id", &out->sso_account, e) &&
           sso_key(cfg, profile, session, "sso_role_name", &out->sso_role, e) &&
           sso_key(cfg, profile, session, "sso_start_url", &out->start_url, e) &&
           sso_key(cfg, profile, session, "sso_region", &out->sso_region, e);
}

/* ---- the order */

static bool plan_file(bool is_credentials_file, struct cred_plan *out)
{
    out->kind = CRED_FILE;
    out->is_in_credentials_file = is_credentials_file;
    return true;
}

static bool plan_web(const struct aws_config *cfg, enum cred_want want, const char *profile,
                     struct cred_plan *out)
{
    out->is_web_from_env = want == CRED_CHAIN && aws_config_env(cfg, "AWS_WEB_IDENTITY_TOKEN_FILE");
    out->kind = CRED_WEB;
    return out->is_web_from_env || aws_config_get(cfg, profile, "web_identity_token_file");
}

static bool plan_last(const struct aws_config *cfg, enum cred_want want, const char *profile,
                      struct cred_plan *out, struct err *e)
{
    if (want == CRED_AS_SOURCE)
        return err_set(e, ERR_CONFIG, 0,
                       "profile %s is a source_profile but has no credentials: add keys, "
                       "sso_session or credential_process to it",
                       profile);
    out->kind = aws_config_env(cfg, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ||
                        aws_config_env(cfg, "AWS_CONTAINER_CREDENTIALS_FULL_URI")
                    ? CRED_CONTAINER
                    : CRED_IMDS;
    return true;
}

static bool plan_profile(const struct aws_config *cfg, enum cred_want want, const char *profile,
                         struct cred_plan *out, struct err *e)
{
    if (has_role(cfg, profile) && want != CRED_AS_SOURCE)
        return plan_role(cfg, profile, out, e);
    if (plan_web(cfg, want, profile, out))
        return true;
    if (aws_config_get(cfg, profile, "sso_account_id") ||
        aws_config_get(cfg, profile, "sso_role_name"))
        return plan_sso(cfg, profile, out, e);
    if (aws_config_get_in(cfg, true, profile, "aws_access_key_id"))
        return plan_file(true, out);
    out->kind = CRED_LOGIN;
    if (aws_config_get(cfg, profile, "login_session"))
        return true;
    out->kind = CRED_PROCESS;
    if (aws_config_get(cfg, profile, "credential_process"))
        return true;
    if (aws_config_get_in(cfg, false, profile, "aws_access_key_id"))
        return plan_file(false, out);
    if (has_static(cfg, profile)) /* half a pair: let the reader of files say so */
        return plan_file(aws_config_get_in(cfg, true, profile, "aws_secret_access_key"), out);
    return plan_last(cfg, want, profile, out, e);
}

bool cred_plan_make(const struct aws_config *cfg, enum cred_want want, const char *profile,
                    struct cred_plan *out, struct err *e)
{
    require(cfg && out);
    *out = (struct cred_plan){ 0 };
    if (want == CRED_WANT_CONTAINER || want == CRED_WANT_IMDS) {
        out->kind = want == CRED_WANT_IMDS ? CRED_IMDS : CRED_CONTAINER;
        return true;
    }
    out->kind = CRED_ENV;
    if (want == CRED_WANT_ENV || (want == CRED_CHAIN && aws_config_env(cfg, "AWS_ACCESS_KEY_ID")))
        return true;
    if (!aws_config_has_profile(cfg, profile, e)) {
        /* Nobody has to have a default profile; broken files are another matter. */
        bool may_lack = want == CRED_CHAIN && !aws_config_is_profile_named(cfg);
        if (!may_lack || !e || e->code != ERR_NOT_FOUND)
            return false;
        *e = (struct err){ 0 };
    }
    return plan_profile(cfg, want, profile, out, e);
}

/* ---- for messages */

void cred_plan_describe(const struct aws_config *cfg, const struct cred_plan *plan,
                        enum cred_want want, const char *profile, char out[CRED_NAME_MAX])
{
    require(cfg && plan && out);
    const char *key = NULL, *label = "";
    bool is_own;

    switch (plan->kind) {
    case CRED_ENV:
        snprintf(out, CRED_NAME_MAX, "AWS keys of the environment");
        return;
    case CRED_CONTAINER:
    case CRED_IMDS:
        is_own = want == CRED_PROFILE || want == CRED_CHAIN;
        snprintf(out, CRED_NAME_MAX, "AWS %s%s from %s", is_own ? "profile " : "keys",
                 is_own ? profile : "",
                 plan->kind == CRED_IMDS ? "instance metadata" : "the container");
        return;
    case CRED_ROLE:
        snprintf(out, CRED_NAME_MAX, "AWS profile %.80s: role %.160s from %s%.80s", profile,
                 aws_config_get(cfg, profile, "role_arn"),
                 plan->source_profile ? "profile " : "credential_source ", plan->source_name);
        return;
    case CRED_SSO:
        snprintf(out, CRED_NAME_MAX, "AWS profile %.80s: SSO role %.80s of account %.20s", profile,
                 plan->sso_role, plan->sso_account);
        return;
    case CRED_WEB:
        key = plan->is_web_from_env ? aws_config_env(cfg, "AWS_ROLE_ARN")
                                    : aws_config_get(cfg, profile, "role_arn");
        label = "web identity for role ";
        break;
    case CRED_LOGIN:
        key = aws_config_get(cfg, profile, "login_session");
        label = "login session ";
        break;
    case CRED_PROCESS:
        label = "credential_process";
        break;
    default:
        key = cred_file_name(cfg, plan->is_in_credentials_file);
        label = "keys in ";
    }
    snprintf(out, CRED_NAME_MAX, "AWS profile %.80s: %s%.160s", profile, label, key ? key : "");
}
