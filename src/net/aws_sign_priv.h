/*
 * The canonical forms, between aws_canon.c and aws_sign.c.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_AWS_SIGN_PRIV_H
#define OPSDECK_NET_AWS_SIGN_PRIV_H

#include "opsdeck/net/aws_sign.h"

struct signed_header {
    const char *name, *value; /* lower case; trimmed */
    size_t order;
};

struct signed_headers {
    struct signed_header *v; /* has room for all that will be added */
    size_t n;
    const char *lines, *names; /* after aws_join_headers() */
};

bool aws_is_s3(const struct aws_signing *in);
char *aws_canonical_path(const struct aws_signing *in, struct arena *mem);
char *aws_canonical_query(const char *query, struct arena *mem);
bool aws_is_signed_name(const char *name);
void aws_add_header(struct signed_headers *h, struct arena *mem, const char *name,
                    const char *value);
void aws_join_headers(struct signed_headers *h, struct arena *mem);

#endif
