/*
 * Signature Version 4: canonical request, string to sign, derived key, Authorization header or
 * query. What it signs is what is sent; the only state is a small cache of derived keys.
 */
#include "opsdeck/net/aws_sign.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "aws_sign_priv.h"

enum {
    SHA_BYTES = 32,
    CACHED_KEYS = 16,
    CANONICAL_MAX = 4 * 1024 * 1024,
    STAMP_SIZE = 17, /* 20150830T123600Z */
    DAY_BYTES = 8
};

static const char TERMINATOR[] = "aws4_request";
static const char ALGORITHM[] = "AWS4-HMAC-SHA256";
static const char UNSIGNED[] = "UNSIGNED-PAYLOAD";

struct derived {
    char *scope; /* "20150830/us-east-1/service" */
    unsigned char secret[SHA_BYTES], key[SHA_BYTES];
};

struct aws_signer {
    struct derived v[CACHED_KEYS];
    size_t next;
};

struct aws_signer *aws_signer_new(void)
{
    return xcalloc(1, sizeof(struct aws_signer));
}

static void derived_release(struct derived *d)
{
    free(d->scope);
    OPENSSL_cleanse(d, sizeof *d);
}

void aws_signer_free(struct aws_signer *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < CACHED_KEYS; i++)
        derived_release(&s->v[i]);
    free(s);
}

/* ---- bytes */

static bool sha256(const void *data, size_t n, unsigned char out[SHA_BYTES])
{
    unsigned len = 0;

    return EVP_Digest(data, n, out, &len, EVP_sha256(), NULL) == 1 && len == SHA_BYTES;
}

static bool hmac(const void *key, size_t nkey, const char *data, unsigned char out[SHA_BYTES])
{
    unsigned len = 0;

    return HMAC(EVP_sha256(), key, (int)nkey, (const unsigned char *)data, strlen(data), out,
                &len) != NULL &&
           len == SHA_BYTES;
}

static char *hex(struct arena *mem, const unsigned char *v, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    char *out = arena_alloc(mem, n * 2 + 1);

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[v[i] >> 4];
        out[2 * i + 1] = digits[v[i] & 15];
    }
    out[2 * n] = '\0';
    return out;
}

/* ---- one signature */

struct work {
    const struct aws_signing *in;
    struct arena *mem;
    char stamp[STAMP_SIZE];
    char *scope, *payload;
    struct signed_headers headers;
    char *canonical, *to_sign;
};

static bool stamp_of(int64_t ms, char out[STAMP_SIZE])
{
    char text[TIME_TEXT_MAX];
    size_t n = strlen(time_compact(ms, text));

    if (n == STAMP_SIZE - 1)
        memcpy(out, text, STAMP_SIZE);
    return n == STAMP_SIZE - 1;
}

static bool has_token(const struct aws_signing *in)
{
    return in->session_token && in->session_token->len > 0;
}

static bool sends_sha(const struct aws_signing *in)
{
    return in->has_content_sha256 || aws_is_s3(in);
}

static bool work_begin(struct work *w, const struct aws_signing *in, struct arena *mem,
                       struct err *e)
{
    unsigned char md[SHA_BYTES];

    *w = (struct work){ .in = in, .mem = mem };
    if (!in->region || !*in->region || !in->service || !*in->service)
        return err_set(e, ERR_CONFIG, 0, "signing for AWS needs a region and a service");
    if (!in->access_key_id || !*in->access_key_id || !in->secret_key || !in->secret_key->len)
        return err_set(e, ERR_AUTH, 0, "signing for AWS needs an access key and its secret");
    if (!stamp_of(in->at_ms, w->stamp))
        return err_set(e, ERR_CONFIG, 0, "the clock is outside of what AWS signatures can say");
    w->scope = arena_printf(mem, "%.*s/%s/%s", DAY_BYTES, w->stamp, in->region, in->service);
    if (!sha256(in->body ? in->body : "", in->body ? in->body_len : 0, md))
        return err_set(e, ERR_CONFIG, 0, "libcrypto has no SHA-256");
    w->payload = in->is_payload_unsigned ? arena_strdup(mem, UNSIGNED) : hex(mem, md, sizeof md);
    return true;
}

static bool work_canonical(struct work *w, const char *query, struct err *e)
{
    const struct aws_signing *in = w->in;
    unsigned char md[SHA_BYTES];
    const char *parts[] = {
        in->method, aws_canonical_path(in, w->mem), query, w->headers.lines, w->headers.names,
        w->payload
    };
    size_t total = 1;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        total += strlen(parts[i]) + 1;
    if (total > CANONICAL_MAX)
        return err_set(e, ERR_LIMIT, 0, "the request is too long to sign");
    char *p = w->canonical = arena_alloc(w->mem, total);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        p = stpcpy(p, parts[i]);
        *p++ = '\n';
    }
    p[-1] = '\0';
    if (!sha256(w->canonical, (size_t)(p - 1 - w->canonical), md))
        return err_set(e, ERR_CONFIG, 0, "libcrypto has no SHA-256");
    w->to_sign = arena_printf(w->mem, "%s\n%s\n%s/%s\n%s", ALGORITHM, w->stamp, w->scope,
                              TERMINATOR, hex(w->mem, md, sizeof md));
    return true;
}

static bool derive(const struct work *w, const char *secret, size_t n, unsigned char key[SHA_BYTES])
{
    size_t len = n + 4;
    char *first = xmalloc(len), day[DAY_BYTES + 1];

    memcpy(first, "AWS4", 4);
    memcpy(first + 4, secret, n);
    memcpy(day, w->stamp, DAY_BYTES);
    day[DAY_BYTES] = '\0';
    bool ok = hmac(first, len, day, key) && hmac(key, SHA_BYTES, w->in->region, key) &&
              hmac(key, SHA_BYTES, w->in->service, key) && hmac(key, SHA_BYTES, TERMINATOR, key);
    OPENSSL_cleanse(first, len);
    free(first);
    return ok;
}

/* Four HMACs are saved for each request of the same day, region, service and secret. */
static bool signing_key(struct aws_signer *s, const struct work *w, unsigned char key[SHA_BYTES])
{
    const struct secret *secret = w->in->secret_key;
    unsigned char md[SHA_BYTES];

    if (!sha256(secret->bytes, secret->len, md))
        return false;
    for (size_t i = 0; i < CACHED_KEYS; i++) {
        struct derived *d = &s->v[i];
        if (d->scope && !strcmp(d->scope, w->scope) && !CRYPTO_memcmp(d->secret, md, sizeof md)) {
            memcpy(key, d->key, SHA_BYTES);
            return true;
        }
    }
    if (!derive(w, secret->bytes, secret->len, key))
        return false;
    struct derived *d = &s->v[s->next++ % CACHED_KEYS];
    derived_release(d);
    d->scope = xstrdup(w->scope);
    memcpy(d->secret, md, SHA_BYTES);
    memcpy(d->key, key, SHA_BYTES);
    return true;
}

static char *signature(struct aws_signer *s, const struct work *w, struct err *e)
{
    unsigned char key[SHA_BYTES], md[SHA_BYTES];
    char *out = NULL;

    if (signing_key(s, w, key) && hmac(key, sizeof key, w->to_sign, md))
        out = hex(w->mem, md, sizeof md);
    else
        err_set(e, ERR_CONFIG, 0, "libcrypto has no HMAC-SHA256");
    OPENSSL_cleanse(key, sizeof key);
    return out;
}

static void collect_headers(struct work *w, bool is_query_form)
{
    const struct aws_signing *in = w->in;

    w->headers.v = arena_array(w->mem, in->nheaders + 4, sizeof *w->headers.v);
    for (size_t i = 0; i < in->nheaders; i++)
        if ((in->is_every_header_signed || aws_is_signed_name(in->headers[i].name)) &&
            strcasecmp(in->headers[i].name, "host") != 0)
            aws_add_header(&w->headers, w->mem, in->headers[i].name, in->headers[i].value);
    aws_add_header(&w->headers, w->mem, "host", in->host);
    if (!is_query_form) {
        aws_add_header(&w->headers, w->mem, "x-amz-date", w->stamp);
        if (has_token(in) && !in->is_token_unsigned)
            aws_add_header(&w->headers, w->mem, "x-amz-security-token", in->session_token->bytes);
        if (sends_sha(in))
            aws_add_header(&w->headers, w->mem, "x-amz-content-sha256", w->payload);
    }
    aws_join_headers(&w->headers, w->mem);
}

static bool prepare(struct work *w, const struct aws_signing *in, struct arena *mem, struct err *e)
{
    if (!work_begin(w, in, mem, e))
        return false;
    collect_headers(w, false);
    return work_canonical(w, aws_canonical_query(in->query ? in->query : "", mem), e);
}

bool aws_canonical(const struct aws_signing *in, struct arena *mem, char **canonical,
                   char **to_sign, struct err *e)
{
    require(in && mem && canonical && to_sign);
    struct work w;

    if (!prepare(&w, in, mem, e))
        return false;
    *canonical = w.canonical;
    *to_sign = w.to_sign;
    return true;
}

bool aws_sign(struct aws_signer *s, const struct aws_signing *in, struct arena *mem,
              struct http_header *out, size_t *nout, struct err *e)
{
    require(s && in && mem);
    require(out && nout);
    struct work w;
    char *sig;

    *nout = 0;
    if (!prepare(&w, in, mem, e) || !(sig = signature(s, &w, e)))
        return false;
    out[(*nout)++] = (struct http_header){ "X-Amz-Date", arena_strdup(mem, w.stamp) };
    if (has_token(in))
        out[(*nout)++] = (struct http_header){ "X-Amz-Security-Token",
                                               arena_strdup(mem, in->session_token->bytes) };
    if (sends_sha(in))
        out[(*nout)++] = (struct http_header){ "X-Amz-Content-SHA256", w.payload };
    out[(*nout)++] = (struct http_header){
        "Authorization",
        arena_printf(mem, "%s Credential=%s/%s/%s, SignedHeaders=%s, Signature=%s", ALGORITHM,
                     in->access_key_id, w.scope, TERMINATOR, w.headers.names, sig)
    };
    return true;
}

bool aws_presign(struct aws_signer *s, const struct aws_signing *in, int64_t expires_s,
                 struct arena *mem, char **query, struct err *e)
{
    struct work w;
    const char *own = in->query ? in->query : "";

    if (!work_begin(&w, in, mem, e))
        return false;
    if (aws_is_s3(in))
        w.payload = arena_strdup(mem, UNSIGNED);
    collect_headers(&w, true);
    char *credential = arena_printf(mem, "%s/%s/%s", in->access_key_id, w.scope, TERMINATOR);
    char *all = arena_printf(
        mem, "%s%sX-Amz-Algorithm=%s&X-Amz-Credential=%s&X-Amz-Date=%s&X-Amz-Expires=%lld", own,
        *own ? "&" : "", ALGORITHM, aws_encode(mem, credential, strlen(credential), false), w.stamp,
        (long long)expires_s);
    const char *names = aws_encode(mem, w.headers.names, strlen(w.headers.names), false);
    all = arena_printf(mem, "%s&X-Amz-SignedHeaders=%s", all, names);
    char *token = NULL;
    if (has_token(in))
        token =
            arena_printf(mem, "&X-Amz-Security-Token=%s",
                         aws_encode(mem, in->session_token->bytes, in->session_token->len, false));
    char *signed_part =
        token && !in->is_token_unsigned ? arena_printf(mem, "%s%s", all, token) : all;
    if (!work_canonical(&w, aws_canonical_query(signed_part, mem), e))
        return false;
    const char *sig = signature(s, &w, e);
    if (!sig)
        return false;
    *query = arena_printf(mem, "%s%s&X-Amz-Signature=%s", all, token ? token : "", sig);
    return true;
}
