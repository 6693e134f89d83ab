/*
 * AWS Signature Version 4 (AWS General Reference, "Signature Version 4 signing process").
 * Pure but for the signer's cache of derived keys; any thread, one signer at a time.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_AWS_SIGN_H
#define OPSDECK_NET_AWS_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"
#include "opsdeck/base/secret.h"
#include "opsdeck/net/http.h"

struct arena;
struct aws_signer;

enum {
    AWS_SIGN_HEADERS_MAX = 5 /* what one signature adds */
};

/* A request as it goes on the wire. Paths and queries are percent-encoded already: wire form and
 * signed form come from the same bytes. */
struct aws_signing {
    const char *method;                /* upper case */
    const char *host;                  /* as sent: with ":port" when it is not the scheme's own */
    const char *path;                  /* begins with "/"; NULL or "": "/" */
    const char *query;                 /* without "?"; NULL: none */
    const struct http_header *headers; /* content-type and x-amz-* among them are signed; header()
                                          order does not matter */
    size_t nheaders;
    const char *body;
    size_t body_len;
    const char *access_key_id;
    const struct secret *secret_key;
    const struct secret *session_token; /* NULL or empty: none */
    const char *region, *service;       /* service: the signing name */
    int64_t at_ms;                      /* UTC, corrected for the server's clock */
    bool is_payload_unsigned;           /* S3 over https only */
    bool has_content_sha256;            /* send and sign x-amz-content-sha256 (S3 always does) */
    bool is_path_kept;                  /* no removal of dot and empty segments (S3 never does) */
    bool is_every_header_signed;        /* not only host, content-type and x-amz-* */
    bool is_token_unsigned;             /* the token is sent but not signed */
};

struct aws_signer *aws_signer_new(void);
void aws_signer_free(struct aws_signer *s); /* wipes the derived keys */
/*
 * The headers to add: X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-SHA256, Authorization.
 * out[] has room for AWS_SIGN_HEADERS_MAX; texts in `mem`, which the caller wipes or frees soon.
 */
MUST_CHECK bool aws_sign(struct aws_signer *s, const struct aws_signing *in, struct arena *mem,
                         struct http_header *out, size_t *nout, struct err *e);
/* The query form: the whole query to send, X-Amz-* included, good for `expires_s`. */
MUST_CHECK bool aws_presign(struct aws_signer *s, const struct aws_signing *in, int64_t expires_s,
                            struct arena *mem, char **query, struct err *e);
/* What was signed, for tests and for servers that check: canonical request and string to sign. */
MUST_CHECK bool aws_canonical(const struct aws_signing *in, struct arena *mem, char **canonical,
                              char **to_sign, struct err *e);
/* Percent-encode all but A-Za-z0-9-_.~ (and "/" when keep_slash). */
char *aws_encode(struct arena *mem, const char *s, size_t n, bool keep_slash);

#endif
