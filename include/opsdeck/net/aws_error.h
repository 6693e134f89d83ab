/*
 * What an AWS answer means: the error code in any of the five shapes (x-amzn-errortype, __type,
 * code, query XML, S3 XML) and what to do about it. Branches on the code, never on the status
 * alone. Pure; any thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_AWS_ERROR_H
#define OPSDECK_NET_AWS_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "opsdeck/net/retry.h"

struct arena;
struct http_response;

enum aws_fault {
    AWS_FINE,
    AWS_THROTTLED, /* slow down */
    AWS_TRANSIENT, /* try again */
    AWS_EXPIRED,   /* new credentials, then once more */
    AWS_SKEWED,    /* perhaps our clock: correct it, then once more */
    AWS_DENIED,    /* not allowed: show action, role, account */
    AWS_BAD_KEYS,  /* key id unknown, signature wrong, nothing signed */
    AWS_UNAVAILABLE /* a state to show, not to retry: no subscription, region off */,
    AWS_FINAL /* anything else */
};

struct aws_error {
    enum aws_fault fault;
    const char *code;               /* "ThrottlingException"; "HTTP 502" when the body has none */
    const char *legacy;             /* x-amzn-query-error's; NULL: none */
    const char *message;            /* clean, one line, "" when there is none */
    const char *principal, *action; /* of "User: X is not authorized to perform: Y"; NULL */
    const char *account;            /* of the principal's ARN; NULL */
};

/* AWS_FINE for 2xx with err.code ERR_NONE. Texts in `mem`. */
void aws_error_read(struct arena *mem, const struct http_response *r, struct aws_error *out);
enum retry_class aws_retry_class(enum aws_fault f);
/* x-amz-retry-after (ms), Retry-After (s); -1 when it does not say. */
int64_t aws_retry_after_ms(const struct http_response *r, int64_t now_ms);
/* The first 12-digit field of an ARN; NULL: none. */
char *aws_arn_account(struct arena *mem, const char *arn);

#endif
