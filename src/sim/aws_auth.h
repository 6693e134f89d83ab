/*
 * Who signs an AWS request, and whether rightly: the demo's fixed keys and the sessions handed
 * out by sts AssumeRole. The canonical form comes from net/aws_sign.h; the headers a client
 * chose to sign and the key are worked out here, so that a signer is not checked by itself alone.
 */
#ifndef OPSDECK_SIM_AWS_AUTH_H
#define OPSDECK_SIM_AWS_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws_estate.h"

struct sim_request;

enum {
    AWS_KEYS_MAX = 64,
    AWS_TOKEN_BYTES = 1100 /* as long as real ones */
};

struct aws_key {
    char id[24], secret[44];
    char *token; /* NULL: none */
    enum aws_account account;
    char arn[160];
    int64_t expires_s; /* 0: never */
};

struct aws_keys {
    struct aws_key keys[AWS_KEYS_MAX]; /* the fixed ones first, then sessions, the oldest lost */
    size_t nfixed, nsessions;          /* sessions ever made */
};

struct aws_caller {
    char key_id[64], date[16], region[32], service[40], signed_headers[512], signature[72];
    const struct aws_key *key; /* NULL until checked */
};

enum aws_verdict {
    AWS_SIGNED,
    AWS_UNSIGNED,
    AWS_INCOMPLETE,
    AWS_UNKNOWN_KEY,
    AWS_EXPIRED_TOKEN,
    AWS_SKEWED,
    AWS_MISSIGNED
};

void aws_keys_init(struct aws_keys *k);
void aws_keys_release(struct aws_keys *k);
/* A session of that role; the keys own it. `serial` makes it differ from others. */
const struct aws_key *aws_keys_session(struct aws_keys *k, enum aws_account account,
                                       const char *session, int64_t expires_s, uint64_t serial);
/* Takes the Authorization header apart: AWS_SIGNED means that it is whole. */
enum aws_verdict aws_caller_read(struct aws_caller *who, const struct sim_request *rq);
/* `text` says why, for what the service would say. */
enum aws_verdict aws_caller_check(struct aws_caller *who, const struct aws_keys *k,
                                  const struct sim_request *rq, int64_t now_s, char *text,
                                  size_t size);

#endif
