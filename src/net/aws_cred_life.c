/*
 * How long a set of keys is good for: whether it may be taken at all, from when it is refreshed
 * while it still serves, and from when it is not given out any more.
 */
#include <string.h>

#include <openssl/rand.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/aws_config.h"

#include "aws_cred_priv.h"

enum {
    ADVISORY_MS = 15 * 60 * 1000,  /* refresh ahead; a failure costs nothing yet */
    STALE_IMDS_MS = 2 * 60 * 1000, /* ask again after this and up to 8 minutes more */
    MFA_MARGIN_MS = 60 * 1000
};

static const char *const ADVICE[CRED_NKINDS] = {
    [CRED_ENV] = "export new AWS_* variables and start opsdeck again",
    [CRED_ROLE] = "look at the role's trust policy and at this machine's clock",
    [CRED_WEB] = "look at this machine's clock and at the token file",
    [CRED_SSO] = "run: aws sso login",
    [CRED_FILE] = "write new keys into the file (aws configure), then :reload",
    [CRED_LOGIN] = "run: aws login",
    [CRED_PROCESS] = "run the command by hand to see what it gives",
    [CRED_CONTAINER] = "look at the task's role and its agent",
    [CRED_IMDS] = "look at the role of this instance",
};

bool cred_set_check(const struct cred_job *job, const struct cred_set *set, const char *dropped_id,
                    struct err *e)
{
    require(job && set);
    char at[TIME_TEXT_MAX];

    if (dropped_id && strcmp(dropped_id, set->access_key_id) == 0)
        return err_set(e, ERR_AUTH, 0,
                       "AWS says that these keys have expired, and there are no others: %s",
                       ADVICE[job->plan.kind]);
    if (set->expires_ms && set->expires_ms <= cred_now(job) && job->plan.kind != CRED_IMDS)
        return err_set(e, ERR_AUTH, 0, "the keys it gives ended at %s: %s",
                       time_iso(set->expires_ms, at), ADVICE[job->plan.kind]);
    return true;
}

static int64_t jitter_ms(int64_t below)
{
    uint32_t r = 0;

    if (RAND_bytes((unsigned char *)&r, sizeof r) != 1)
        return below / 2;
    return (int64_t)r % below;
}

/*
 * Half of a short session is kept for use, else every request would refresh. A session that needs
 * a person's code is used to its end.
 */
void cred_set_limits(const struct cred_job *job, const struct cred_set *set, int64_t *soft_ms,
                     int64_t *hard_ms)
{
    require(job && set && soft_ms && hard_ms);
    int64_t now = cred_now(job), end = set->expires_ms, life = end - now;
    int64_t ahead = life / 2 < ADVISORY_MS ? life / 2 : ADVISORY_MS;

    *soft_ms = *hard_ms = 0;
    if (end == 0)
        return;
    if (job->plan.kind == CRED_ROLE && aws_config_get(job->o.config, job->profile, "mfa_serial")) {
        *soft_ms = *hard_ms = end - (life / 10 < MFA_MARGIN_MS ? life / 10 : MFA_MARGIN_MS);
    } else if (job->plan.kind == CRED_IMDS) {
        /* The service renews late at times: old keys are kept in use rather than none. */
        bool is_stale = life < ADVISORY_MS;
        int64_t later = now + STALE_IMDS_MS + jitter_ms(4 * (int64_t)STALE_IMDS_MS);
        *soft_ms = is_stale ? later : end - ahead;
        *hard_ms = is_stale ? later + ADVISORY_MS : end;
    } else {
        *soft_ms = end - ahead;
        *hard_ms = end - ahead * 2 / 3; /* 10 of 15 minutes */
    }
}
