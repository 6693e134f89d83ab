/*
 * Proof of possession (RFC 9449): a small token signed with the private key that a refresh token
 * is bound to, good for one POST to one URL. ES256 only, as that is what the sign-in service uses.
 */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "aws_cred_priv.h"

enum {
    COORDINATE = 32,
    POINT = 1 + 2 * COORDINATE /* 4, x, y */
};

static char *base64url(struct arena *mem, const void *bytes, size_t n)
{
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = bytes;
    char *out = arena_alloc(mem, n * 4 / 3 + 4), *p = out;

    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)in[i] << 16;
        if (i + 1 < n)
            v |= (unsigned)in[i + 1] << 8;
        if (i + 2 < n)
            v |= in[i + 2];
        *p++ = abc[v >> 18 & 63];
        *p++ = abc[v >> 12 & 63];
        if (i + 1 < n)
            *p++ = abc[v >> 6 & 63];
        if (i + 2 < n)
            *p++ = abc[v & 63];
    }
    *p = '\0';
    return out;
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    char group[64] = "";

    BIO_free(bio);
    if (key && (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1 ||
                strcmp(group, "prime256v1") != 0)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static bool public_point(EVP_PKEY *key, unsigned char point[POINT])
{
    size_t n = 0;

    return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, POINT, &n) == 1 &&
           n == POINT && point[0] == 4;
}

/* The two numbers of the signature side by side, where libcrypto has them in DER. */
static bool flatten(const unsigned char *der, size_t n, unsigned char out[2 * COORDINATE])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, COORDINATE) == COORDINATE &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + COORDINATE, COORDINATE) == COORDINATE;

    ECDSA_SIG_free(sig);
    return ok;
}

static bool sign(EVP_PKEY *key, const char *text, unsigned char out[2 * COORDINATE])
{
    unsigned char der[128];
    size_t n = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestSign(ctx, der, &n, (const unsigned char *)text, strlen(text)) == 1 &&
              flatten(der, n, out);

    EVP_MD_CTX_free(ctx);
    return ok;
}

/* A random UUID, so that no proof is taken twice. */
static bool make_id(struct arena *mem, char **out)
{
    unsigned char b[16];

    if (RAND_bytes(b, sizeof b) != 1)
        return false;
    *out = arena_printf(mem, "%02x%02x%02x%02x-%02x%02x-4%x%02x-%x%x%02x-%02x%02x%02x%02x%02x%02x",
                        b[0], b[1], b[2], b[3], b[4], b[5], b[6] & 15u, b[7], 8u | (b[8] & 3u),
                        b[8] >> 4, b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    return true;
}

char *cred_dpop(struct arena *mem, const char *pem, const char *url, int64_t at_ms)
{
    require(mem && pem && url);
    unsigned char point[POINT], sig[2 * COORDINATE];
    EVP_PKEY *key = read_key(pem);
    char *id, *proof = NULL;

    if (key && public_point(key, point) && make_id(mem, &id)) {
        char *head = arena_printf(mem,
                                  "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\","
                                  "\"x\":\"%s\",\"y\":\"%s\",\"crv\":\"P-256\"}}",
                                  base64url(mem, point + 1, COORDINATE),
                                  base64url(mem, point + 1 + COORDINATE, COORDINATE));
        /* A URL that libcurl takes holds neither quotes nor backslashes that need escaping. */
        char *body =
            arena_printf(mem, "{\"htm\":\"POST\",\"htu\":\"%s\",\"iat\":%lld,\"jti\":\"%s\"}", url,
                         (long long)(at_ms / 1000), id);
        char *text = arena_printf(mem, "%s.%s", base64url(mem, head, strlen(head)),
                                  base64url(mem, body, strlen(body)));
        if (sign(key, text, sig))
            proof = arena_printf(mem, "%s.%s", text, base64url(mem, sig, sizeof sig));
    }
    EVP_PKEY_free(key);
    return proof;
}
