/*
 * Credentials from every place the AWS CLI knows, asynchronous on the loop: environment, shared
 * files, AssumeRole chains (with MFA), web identity, SSO, login sessions, credential_process,
 * container, IMDSv2 (AWS SDKs and Tools Reference Guide, "Standardized credential providers").
 * One cached set a profile, refreshed ahead of its expiry while the old one still serves; one
 * refresh in flight a profile; a failure is not asked anew for 60 s. Every secret obtained is known
 * to the redactor. Loop thread only.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_AWS_CREDENTIALS_H
#define OPSDECK_NET_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/secret.h"

struct aws_config;
struct aws_creds;
struct clock;
struct ev_loop;
struct http;

/* Good during the callback only. */
struct aws_keys {
    const char *access_key_id;
    const struct secret *secret_key, *session_token; /* session_token NULL: none */
    int64_t expires_ms;                              /* UTC; 0: never */
    const char *source; /* "profile live: role arn:... from profile base", for messages */
    const char *role_arn, *account; /* NULL: not known */
    const char *region;             /* of profile, environment or IMDS; NULL: none is set */
};

/* Ask a person for the code of an MFA device. `reply` is called once, later or at once, with NULL
 * when nobody answers. NULL hook: profiles with mfa_serial fail with what to do instead. */
typedef void aws_mfa_reply_fn(void *reply_ctx, const char *code);
typedef void aws_mfa_ask_fn(void *ctx, const char *profile, const char *serial,
                            aws_mfa_reply_fn *reply, void *reply_ctx);

struct aws_creds_opts {
    struct ev_loop *loop; /* libev's default loop: commands are children */
    struct http *http;
    const struct clock *clock;
    const struct aws_config *config; /* outlives this */
    aws_mfa_ask_fn *ask_mfa;
    void *ask_ctx;
    const char *ca_file, *proxy; /* of the network section; NULL: none */
};

struct aws_creds *aws_creds_new(const struct aws_creds_opts *o);
void aws_creds_free(struct aws_creds *c); /* drops what waits, wipes what is kept */
/*
 * `profile` NULL: the chain of the AWS CLI without --profile. `region`: the source's, NULL: none. A
 * source's endpoint_url is no business of STS and SSO: those obey AWS_ENDPOINT_URL and the profile.
 * `done` is called once, at once or later; keys NULL on failure: the text names the source, what
 * it said and what to do ("run: aws sso login --profile live").
 */
typedef void aws_keys_fn(void *ctx, const struct aws_keys *keys, const struct err *e);
void aws_creds_get(struct aws_creds *c, const char *profile, const char *region, aws_keys_fn *done,
                   void *ctx);
/* Calls whose `ctx` is this are dropped. */
void aws_creds_cancel(struct aws_creds *c, void *ctx);
/* The service says that these keys have expired: they are not given out again. */
void aws_creds_expired(struct aws_creds *c, const char *profile, const char *access_key_id);

/* Seconds between the server's clock and ours, by host: learned from Date headers, 0 when not
 * known. `learn` returns true when it changed by four minutes or more. */
struct http_response;
int64_t aws_clock_offset_ms(const struct aws_creds *c, const char *host);
bool aws_clock_learn(struct aws_creds *c, const char *host, const struct http_response *r,
                     int64_t now_ms);

#endif
