/* Keys, sessions and the check of a signature. See aws_auth.h. */
#include "aws_auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/time_scan.h"
#include "opsdeck/net/aws_sign.h"

#include "routes.h"

enum {
    WINDOW_S = 15 * 60,
    SHA_BYTES = 32,
    CANONICAL_MAX = 1024 * 1024
};

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";

/* Invented on purpose to look it: nothing outside the demo takes them. The last has run out. */
static const struct {
    const char *id, *secret, *token;
    enum aws_account account;
    const char *user;
    int64_t expires_s;
} FIXED[] = {
    { "AKIDDEMOMGMT00000001", "demo-secret-of-the-management-account-01", NULL, AWS_MGMT,
      "user/opsdeck-demo", 0 },
    { "AKIDDEMONONPROD00001", "demo-secret-of-the-nonprod-account-00001", NULL, AWS_NONPROD,
      "user/opsdeck-demo", 0 },
    { "AKIDDEMOPROD00000001", "demo-secret-of-the-production-account-01", NULL, AWS_PROD,
      "user/opsdeck-demo", 0 },
    { "ASIADEMOEXPIRED00001", "demo-secret-of-a-session-that-is-over-01",
      "demo-token-of-a-session-that-is-over", AWS_MGMT, "assumed-role/opsdeck-readonly/yesterday",
      1 },
};

void aws_keys_init(struct aws_keys *k)
{
    *k = (struct aws_keys){ .nfixed = ARRAY_LEN(FIXED) };
    for (size_t i = 0; i < ARRAY_LEN(FIXED); i++) {
        struct aws_key *key = &k->keys[i];
        snprintf(key->id, sizeof key->id, "%s", FIXED[i].id);
        snprintf(key->secret, sizeof key->secret, "%s", FIXED[i].secret);
        snprintf(key->arn, sizeof key->arn, "arn:aws:%s::%s:%s", FIXED[i].token ? "sts" : "iam",
                 aws_account_ids[FIXED[i].account], FIXED[i].user);
        key->token = FIXED[i].token ? xstrdup(FIXED[i].token) : NULL;
        key->account = FIXED[i].account;
        key->expires_s = FIXED[i].expires_s;
    }
}

void aws_keys_release(struct aws_keys *k)
{
    for (size_t i = 0; i < AWS_KEYS_MAX; i++)
        free(k->keys[i].token);
    *k = (struct aws_keys){ 0 };
}

const struct aws_key *aws_keys_session(struct aws_keys *k, enum aws_account account,
                                       const char *session, int64_t expires_s, uint64_t serial)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t room = AWS_KEYS_MAX - k->nfixed;
    struct aws_key *key = &k->keys[k->nfixed + k->nsessions++ % room];

    free(key->token);
    *key = (struct aws_key){ .account = account, .expires_s = expires_s };
    uint64_t dice = sim_hash((uint64_t)expires_s, serial);
    snprintf(key->id, sizeof key->id, "ASIADEMO%012llX",
             (unsigned long long)(dice & 0xffffffffffff));
    snprintf(key->secret, sizeof key->secret, "demo/session+secret/%016llx",
             (unsigned long long)sim_hash(dice, 1));
    snprintf(key->arn, sizeof key->arn, "arn:aws:sts::%s:assumed-role/opsdeck-readonly/%s",
             aws_account_ids[account], session);
    key->token = xmalloc(AWS_TOKEN_BYTES + 1);
    for (size_t i = 0; i < AWS_TOKEN_BYTES; i++)
        key->token[i] = letters[sim_hash(dice, i + 2) % 64];
    memcpy(key->token + AWS_TOKEN_BYTES - 2, "==", 3);
    return key;
}

/* The value of `name=` in the header, up to a comma or blank. */
static bool part(const char *header, const char *name, char *out, size_t size)
{
    const char *at = strstr(header, name);

    if (!at)
        return false;
    at += strlen(name);
    size_t n = strcspn(at, ", ");
    if (n == 0 || n >= size)
        return false;
    memcpy(out, at, n);
    out[n] = '\0';
    return true;
}

enum aws_verdict aws_caller_read(struct aws_caller *who, const struct sim_request *rq)
{
    const char *header = sim_header(rq, "Authorization");
    char credential[256], end[32] = "";

    *who = (struct aws_caller){ 0 };
    if (!header || strncmp(header, ALGORITHM, sizeof ALGORITHM - 1) != 0)
        return AWS_UNSIGNED;
    if (!part(header, "Credential=", credential, sizeof credential) ||
        !part(header, "SignedHeaders=", who->signed_headers, sizeof who->signed_headers) ||
        !part(header, "Signature=", who->signature, sizeof who->signature) ||
        sscanf(credential, "%63[^/]/%15[0-9]/%31[^/]/%39[^/]/%31s", who->key_id, who->date,
               who->region, who->service, end) != 5 ||
        strcmp(end, "aws4_request") != 0)
        return AWS_INCOMPLETE;
    return AWS_SIGNED;
}

static const struct aws_key *find_key(const struct aws_keys *k, const char *id)
{
    for (size_t i = 0; i < AWS_KEYS_MAX; i++)
        if (k->keys[i].id[0] && strcmp(k->keys[i].id, id) == 0)
            return &k->keys[i];
    return NULL;
}

static bool is_signed(const struct aws_caller *who, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = who->signed_headers; *p; p += *p == ';') {
        size_t len = strcspn(p, ";");
        if (len == n && strncasecmp(p, name, n) == 0)
            return true;
        p += len;
    }
    return false;
}

/* Outer blanks cut, inner runs made one. */
static void add_trimmed(struct sbuf *out, const char *s)
{
    s += strspn(s, " \t");
    while (*s) {
        size_t n = strcspn(s, " \t");
        sbuf_add(out, s, n);
        s += n;
        s += strspn(s, " \t");
        if (*s)
            sbuf_addc(out, ' ');
    }
}

/* The header lines in the order the client named them; false when one of them was not sent. */
static bool add_headers(struct sbuf *out, const struct aws_caller *who,
                        const struct sim_request *rq)
{
    for (const char *p = who->signed_headers; *p; p += *p == ';') {
        size_t len = strcspn(p, ";"), found = 0;
        sbuf_add(out, p, len);
        sbuf_addc(out, ':');
        for (size_t i = 0; i < rq->nheaders; i++) {
            const struct sim_header *h = &rq->headers[i];
            if (strlen(h->name) != len || strncasecmp(h->name, p, len) != 0)
                continue;
            if (found++)
                sbuf_addc(out, ',');
            add_trimmed(out, h->value);
        }
        sbuf_addc(out, '\n');
        if (!found)
            return false;
        p += len;
    }
    return true;
}

/* host and all of x-amz-* must be among the signed ones. */
static const char *missing_header(const struct aws_caller *who, const struct sim_request *rq)
{
    if (!is_signed(who, "host"))
        return "host";
    for (size_t i = 0; i < rq->nheaders; i++)
        if (strncasecmp(rq->headers[i].name, "x-amz-", 6) == 0 &&
            !is_signed(who, rq->headers[i].name))
            return rq->headers[i].name;
    return NULL;
}

static void to_hex(const unsigned char *v, char out[2 * SHA_BYTES + 1])
{
    for (size_t i = 0; i < SHA_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", v[i]);
}

static void mac(const void *key, size_t nkey, const char *data, unsigned char out[SHA_BYTES])
{
    unsigned len = SHA_BYTES;

    if (!HMAC(EVP_sha256(), key, (int)nkey, (const unsigned char *)data, strlen(data), out, &len))
        bug("libcrypto has no HMAC-SHA256");
}

static void sign(const struct aws_caller *who, const struct aws_key *key, const char *stamp,
                 const struct sbuf *canonical, char out[2 * SHA_BYTES + 1])
{
    unsigned char md[SHA_BYTES], next[SHA_BYTES];
    char first[64], hash[2 * SHA_BYTES + 1], text[512];
    const char *scope[] = { who->date, who->region, who->service, "aws4_request" };
    unsigned len = 0;

    if (!EVP_Digest(canonical->buf, canonical->len, md, &len, EVP_sha256(), NULL))
        bug("libcrypto has no SHA-256");
    to_hex(md, hash);
    snprintf(text, sizeof text, "%s\n%s\n%s/%s/%s/aws4_request\n%s", ALGORITHM, stamp, who->date,
             who->region, who->service, hash);
    snprintf(first, sizeof first, "AWS4%s", key->secret);
    mac(first, strlen(first), scope[0], md);
    for (size_t i = 1; i < ARRAY_LEN(scope); i++) {
        mac(md, sizeof md, scope[i], next);
        memcpy(md, next, sizeof md);
    }
    mac(md, sizeof md, text, next);
    to_hex(next, out);
}

/*
 * Method, path and query lines and the body's hash as net/aws_sign.h has them, with the headers
 * that this client signed between them: other clients sign more of them than opsdeck does.
 */
static bool canonical_form(const struct aws_caller *who, const struct sim_request *rq,
                           const struct aws_key *key, struct sbuf *out)
{
    struct secret secret = { 0 };
    struct arena *mem = arena_new();
    size_t npath = strcspn(rq->target, "?");
    struct aws_signing in = { .method = rq->method,
                              .host = sim_header(rq, "Host"),
                              .path = arena_strndup(mem, rq->target, npath),
                              .query = rq->target[npath] ? rq->target + npath + 1 : NULL,
                              .body = rq->body,
                              .body_len = rq->body_len,
                              .access_key_id = who->key_id,
                              .secret_key = &secret,
                              .region = who->region,
                              .service = who->service };
    char *text = NULL, *unused = NULL;
    bool ok = in.host != NULL;

    secret_set(&secret, key->secret, strlen(key->secret));
    ok = ok && aws_canonical(&in, mem, &text, &unused, NULL);
    if (ok) {
        const char *end = text;
        for (int line = 0; line < 3; line++)
            end = strchr(end, '\n') + 1;
        sbuf_add(out, text, (size_t)(end - text));
        ok = add_headers(out, who, rq);
        sbuf_addf(out, "\n%s%s", who->signed_headers, strrchr(text, '\n'));
    }
    secret_release(&secret);
    arena_free(mem);
    return ok && !out->is_full;
}

static bool read_stamp(const char *stamp, int64_t *s)
{
    int64_t ms;

    if (!stamp || strlen(stamp) != 16 || !time_scan(stamp, 16, TIME_ISO, 0, &ms))
        return false;
    *s = ms / 1000;
    return true;
}

static bool is_in_window(const char *stamp, int64_t at_s, int64_t now_s, char *text, size_t size)
{
    char now[TIME_TEXT_MAX], edge[TIME_TEXT_MAX];
    bool is_late = at_s < now_s - WINDOW_S;

    if (!is_late && at_s <= now_s + WINDOW_S)
        return true;
    time_compact(now_s * 1000, now);
    time_compact((is_late ? now_s - WINDOW_S : now_s + WINDOW_S) * 1000, edge);
    if (is_late)
        snprintf(text, size, "Signature expired: %s is now earlier than %s (%s - 15 min.)", stamp,
                 edge, now);
    else
        snprintf(text, size, "Signature not yet current: %s is still later than %s (%s + 15 min.)",
                 stamp, edge, now);
    return false;
}

static bool is_token_good(const struct aws_key *key, const struct sim_request *rq, int64_t now_s)
{
    const char *token = sim_header(rq, "X-Amz-Security-Token");

    if (!key->token)
        return !token || !*token;
    return token && strcmp(token, key->token) == 0 &&
           (key->expires_s == 0 || now_s < key->expires_s);
}

enum aws_verdict aws_caller_check(struct aws_caller *who, const struct aws_keys *k,
                                  const struct sim_request *rq, int64_t now_s, char *text,
                                  size_t size)
{
    const char *stamp = sim_header(rq, "X-Amz-Date");
    const struct aws_key *key = find_key(k, who->key_id);
    char want[2 * SHA_BYTES + 1];
    struct sbuf canonical;
    int64_t at_s;

    snprintf(text, size, "The security token included in the request is invalid.");
    if (!key)
        return AWS_UNKNOWN_KEY;
    snprintf(text, size, "Authorization header requires existence of either a 'X-Amz-Date' header");
    if (!read_stamp(stamp, &at_s))
        return AWS_INCOMPLETE;
    if (!is_in_window(stamp, at_s, now_s, text, size))
        return AWS_SKEWED;
    snprintf(text, size, "The security token included in the request is expired");
    if (!is_token_good(key, rq, now_s))
        return AWS_EXPIRED_TOKEN;
    const char *missing = missing_header(who, rq);
    if (missing) {
        snprintf(text, size, "'%s' must be a 'SignedHeader' in the AWS Authorization.", missing);
        return AWS_MISSIGNED;
    }
    snprintf(text, size,
             "The request signature we calculated does not match the signature you provided. "
             "Check your AWS Secret Access Key and signing method.");
    if (strncmp(stamp, who->date, 8) != 0)
        return AWS_MISSIGNED;
    sbuf_init(&canonical, CANONICAL_MAX);
    bool ok = canonical_form(who, rq, key, &canonical);
    sign(who, key, stamp, &canonical, want);
    sbuf_release(&canonical);
    if (!ok || strlen(who->signature) != strlen(want) ||
        CRYPTO_memcmp(want, who->signature, strlen(want)) != 0)
        return AWS_MISSIGNED;
    who->key = key;
    return AWS_SIGNED;
}
