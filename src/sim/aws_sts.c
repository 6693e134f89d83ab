/* STS: who one is, and sessions of the reading role in another account. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/clock.h"

#include "aws_call.h"
#include "aws_ops.h"

enum {
    SHORTEST_S = 900,
    LONGEST_S = 43200,
    LONGEST_CHAINED_S = 3600
};

void aws_sts_identity(struct aws_call *c)
{
    const struct aws_key *key = c->who.key;

    aws_put(c->out, "Arn", key->arn);
    aws_putf(c->out, "UserId", "%s%s", key->token ? "AROADEMOREADONLY00001:" : "AIDADEMO",
             key->token ? strrchr(key->arn, '/') + 1 : aws_account_ids[key->account]);
    aws_put(c->out, "Account", aws_account_ids[key->account]);
}

/* The account of the one role that may be taken on; AWS_ACCOUNTS: another role. */
static enum aws_account role_account(const char *arn)
{
    char want[80];

    for (enum aws_account a = AWS_MGMT; a < AWS_ACCOUNTS; a++) {
        snprintf(want, sizeof want, "arn:aws:iam::%s:role/opsdeck-readonly", aws_account_ids[a]);
        if (strcmp(arn, want) == 0)
            return a;
    }
    return AWS_ACCOUNTS;
}

static bool is_session_name(const char *s)
{
    size_t n = strlen(s);

    return n >= 2 && n <= 64 &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=,.@-") == n;
}

void aws_sts_assume_role(struct aws_call *c)
{
    const char *role = aws_need(c, "RoleArn"), *name = role ? aws_need(c, "RoleSessionName") : NULL;
    int64_t lasts = aws_in_int(c, "DurationSeconds", 3600);
    bool is_chained = c->who.key->token != NULL;
    char text[48];

    if (!name)
        return;
    if (!is_session_name(name) || lasts < SHORTEST_S || lasts > LONGEST_S ||
        (is_chained && lasts > LONGEST_CHAINED_S)) {
        aws_fail(c, 400, "ValidationError",
                 is_chained && lasts > LONGEST_CHAINED_S
                     ? "The requested DurationSeconds exceeds the 1 hour session limit for roles "
                       "assumed by role chaining"
                     : "1 validation error detected: RoleSessionName or DurationSeconds");
        return;
    }
    enum aws_account account = role_account(role);
    if (account == AWS_ACCOUNTS) {
        aws_fail(c, 403, "AccessDenied",
                 "User: %s is not authorized to perform: sts:AssumeRole on resource: %s",
                 c->who.key->arn, role);
        return;
    }
    const struct aws_key *key =
        aws_keys_session(c->keys, account, name, c->now_s + lasts, c->keys->nsessions);
    cJSON *cred = aws_put_object(c->out, "Credentials");
    aws_put(cred, "AccessKeyId", key->id);
    aws_put(cred, "SecretAccessKey", key->secret);
    aws_put(cred, "SessionToken", key->token);
    aws_put(cred, "Expiration", time_iso(key->expires_s * 1000, text));
    cJSON *user = aws_put_object(c->out, "AssumedRoleUser");
    aws_putf(user, "AssumedRoleId", "AROADEMOREADONLY00001:%s", name);
    aws_put(user, "Arn", key->arn);
}
