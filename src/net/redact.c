/*
 * Live secrets, found by value in any of their usual disguises: as they are, percent-encoded, with
 * escapes of JSON, base64 at each of the three alignments (both alphabets), hex. redact_text() goes
 * through the text once; well-known shapes of secrets nobody registered are in redact_shapes.c.
 */
#include "opsdeck/net/redact.h"

#include <ctype.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/hide.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/secret.h"
#include "opsdeck/base/require.h"
#include "opsdeck/base/utf8.h"

#include "redact_priv.h"

enum {
    SECRET_MIN = 6,
    PART_BYTES = 64 * 1024,
    NFORMS = 7 /* hex, and base64 in 3 alignments times 2 alphabets */
};

struct known {
    struct secret plain;
    struct secret forms[NFORMS];
    int uses;
};

static struct {
    pthread_mutex_t lock;
    struct known *v;
    size_t n, cap;
    unsigned char starts[65536 / 8]; /* a bit for each two bytes that some disguise begins with */
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void make_hex(struct secret *out, const char *s, size_t n)
{
    static const char abc[] = "0123456789abcdef";
    char *hex = xmalloc(n * 2 + 1);

    for (size_t i = 0; i < n; i++) {
        hex[i * 2] = abc[(unsigned char)s[i] >> 4];
        hex[i * 2 + 1] = abc[(unsigned char)s[i] & 15];
    }
    secret_set(out, hex, n * 2);
    explicit_bzero(hex, n * 2);
    free(hex);
}

/*
 * The characters of base64 that depend on the secret alone when `shift` foreign bytes of the
 * same group of three stand before it: those that share bits with a neighbour are left out.
 */
static void make_base64(struct secret *out, const char *s, size_t n, unsigned shift, bool is_url)
{
    static const char std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t first = (shift * 8 + 5) / 6, last = (shift + n) * 8 / 6, len = 0;
    char *b64 = xmalloc(last - first + 1);

    for (size_t c = first; c < last; c++) {
        unsigned v = 0;
        for (size_t bit = c * 6; bit < c * 6 + 6; bit++) {
            unsigned char byte = (unsigned char)s[bit / 8 - shift];
            v = v << 1 | (byte >> (7 - bit % 8) & 1u);
        }
        b64[len++] = (is_url ? url : std)[v];
    }
    secret_set(out, b64, len);
    explicit_bzero(b64, len);
    free(b64);
}

/* ---- where one may begin: most places of a text are passed over by one look at a bit */

static void mark_start(unsigned char a, unsigned char b)
{
    unsigned pair = (unsigned)a << 8 | b;

    all.starts[pair / 8] |= (unsigned char)(1u << pair % 8);
}

static void mark_starts(const struct known *k)
{
    unsigned char a = (unsigned char)k->plain.bytes[0], b = (unsigned char)k->plain.bytes[1];
    const unsigned char first[] = { a, a == ' ' ? '+' : a }, second[] = { b, '%', '\\', '+' };

    for (size_t i = 0; i < ARRAY_LEN(first); i++)
        for (size_t j = 0; j < ARRAY_LEN(second); j++)
            mark_start(first[i], second[j]);
    for (size_t f = 0; f < NFORMS; f++) {
        const char *s = k->forms[f].bytes;
        if (k->forms[f].len < SECRET_MIN)
            continue;
        mark_start((unsigned char)s[0], (unsigned char)s[1]);
        if (f == 0) /* hex, in either case */
            for (unsigned bits = 0; bits < 4; bits++)
                mark_start((unsigned char)(bits & 1 ? toupper(s[0]) : s[0]),
                           (unsigned char)(bits & 2 ? toupper(s[1]) : s[1]));
    }
}

static void mark_all(void)
{
    memset(all.starts, 0, sizeof all.starts);
    for (size_t i = 0; i < all.n; i++)
        mark_starts(&all.v[i]);
}

static bool may_begin(const char *s, size_t n)
{
    unsigned pair = n > 1 ? (unsigned)(unsigned char)s[0] << 8 | (unsigned char)s[1] : 0;

    return s[0] == '%' || s[0] == '\\' || (all.starts[pair / 8] >> pair % 8 & 1);
}

static struct known *find(const char *secret, size_t len)
{
    for (size_t i = 0; i < all.n; i++)
        if (all.v[i].plain.len == len && memcmp(all.v[i].plain.bytes, secret, len) == 0)
            return &all.v[i];
    return NULL;
}

void redact_add(const char *secret, size_t len)
{
    if (!secret || len < SECRET_MIN)
        return;
    pthread_mutex_lock(&all.lock);
    struct known *k = find(secret, len);
    if (!k) {
        VEC_GROW(all.v, all.n, all.cap);
        k = &all.v[all.n++];
        *k = (struct known){ 0 };
        secret_set(&k->plain, secret, len);
        make_hex(&k->forms[0], secret, len);
        for (unsigned i = 0; i < 6; i++)
            make_base64(&k->forms[1 + i], secret, len, i % 3, i >= 3);
        mark_starts(k);
    }
    k->uses++;
    pthread_mutex_unlock(&all.lock);
}

void redact_remove(const char *secret, size_t len)
{
    if (!secret || len < SECRET_MIN)
        return;
    pthread_mutex_lock(&all.lock);
    struct known *k = find(secret, len);
    if (k && --k->uses == 0) {
        secret_release(&k->plain);
        for (size_t i = 0; i < NFORMS; i++)
            secret_release(&k->forms[i]);
        *k = all.v[--all.n];
        mark_all();
        if (all.n == 0) { /* nothing is left for a leak checker, or a core, to find */
            free(all.v);
            all.v = NULL;
            all.cap = 0;
        }
    }
    pthread_mutex_unlock(&all.lock);
}

static int hex_digit(char c)
{
    const char *abc = "0123456789abcdef", *at = c ? strchr(abc, tolower((unsigned char)c)) : NULL;

    return at ? (int)(at - abc) : -1;
}

static int hex_number(const char *s, size_t n)
{
    int v = 0;

    for (size_t i = 0; i < n; i++) {
        int d = hex_digit(s[i]);
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* Backslashes in front of an escape: JSON in a string of JSON has several. */
static size_t backslashes(const char *s, size_t n)
{
    size_t k = 0;

    while (k < n && k < 8 && s[k] == '\\')
        k++;
    return k;
}

/* `want` as it may be written: itself, %XX (a space also +), or an escape of JSON. Bytes, or 0. */
static size_t match_byte(const char *s, size_t n, char want)
{
    static const char names[] = "bfnrt", controls[] = "\b\f\n\r\t";
    size_t k = want == '\\' ? 0 : backslashes(s, n);

    if (n >= 3 && s[0] == '%' && hex_number(s + 1, 2) == (unsigned char)want)
        return 3;
    if (k == n)
        return 0;
    if (k && s[k]) {
        const char *name = strchr(names, s[k]);
        if (name && controls[name - names] == want)
            return k + 1;
        return s[k] == want && strchr("\"/", want) ? k + 1 : 0;
    }
    if (want == '\\' && n >= 2 && s[0] == want && s[1] == want)
        return 2;
    return s[k] == want || (want == ' ' && s[k] == '+');
}

/* The character at `want`, of *bytes, as \uXXXX: bytes of text, or 0. */
static size_t match_escape(const char *s, size_t n, const char *want, size_t nwant, size_t *bytes)
{
    size_t k = backslashes(s, n);
    uint32_t c;

    *bytes = utf8_decode(want, nwant, &c);
    return k && n >= k + 5 && s[k] == 'u' && hex_number(s + k + 1, 4) == (int)c ? k + 5 : 0;
}

/* The secret at `s`, however each of its bytes is written: bytes of text, or 0. */
static size_t match_written(const char *s, size_t n, const struct secret *secret)
{
    size_t at = 0;

    for (size_t i = 0; i < secret->len;) {
        size_t used = match_byte(s + at, n - at, secret->bytes[i]), bytes = 1;
        if (!used)
            used = match_escape(s + at, n - at, secret->bytes + i, secret->len - i, &bytes);
        if (!used)
            return 0;
        at += used;
        i += bytes;
    }
    return at;
}

static size_t match_form(const char *s, size_t n, const struct secret *form, bool ignores_case)
{
    if (form->len < SECRET_MIN || form->len > n)
        return 0;
    bool same = ignores_case ? strncasecmp(s, form->bytes, form->len) == 0
                             : memcmp(s, form->bytes, form->len) == 0;
    return same ? form->len : 0;
}

/* The longest disguise of any secret that begins at `s`. */
static size_t match_any(const char *s, size_t n)
{
    size_t best = 0;

    for (size_t i = 0; i < all.n; i++) {
        size_t len = match_written(s, n, &all.v[i].plain);
        best = len > best ? len : best;
        for (size_t f = 0; f < NFORMS; f++) {
            len = match_form(s, n, &all.v[i].forms[f], f == 0);
            best = len > best ? len : best;
        }
    }
    return best;
}

/*
 * With the lock held: the bytes from *at to `end` go to `to`, secrets as three stars. The last one
 * may reach beyond `end`. Nothing is written in front of what is still to be read: a secret has
 * six bytes at least.
 */
static char *hide_part(const char *s, size_t n, size_t *at, size_t end, char *to)
{
    size_t from = *at, i = *at;

    while (i < end) {
        size_t gone = may_begin(s + i, n - i) ? match_any(s + i, n - i) : 0;
        if (!gone) {
            i++;
            continue;
        }
        memmove(to, s + from, i - from);
        to += i - from;
        memcpy(to, "***", 3);
        to += 3;
        from = i += gone;
    }
    memmove(to, s + from, i - from);
    *at = i;
    return to + (i - from);
}

size_t redact_values(char *s, size_t n)
{
    char *to = s;

    for (size_t at = 0; at < n;) {
        size_t end = n - at < PART_BYTES ? n : at + PART_BYTES;
        /* The loop may wait to tell a secret: it waits for a part, not for megabytes. */
        pthread_mutex_lock(&all.lock);
        if (all.n > 0) {
            to = hide_part(s, n, &at, end, to);
        } else {
            memmove(to, s + at, end - at);
            to += end - at;
            at = end;
        }
        pthread_mutex_unlock(&all.lock);
    }
    size_t len = (size_t)(to - s);
    explicit_bzero(s + len, n - len);
    s[len] = '\0';
    return len;
}

/* *** may be longer than what it hides; a text at its cap then loses its end, not its whole. */
static void replace(struct sbuf *text, struct sbuf *with)
{
    explicit_bzero(text->buf, text->len);
    sbuf_reset(text);
    sbuf_add(text, with->buf, with->len < text->max ? with->len : text->max);
    explicit_bzero(with->buf, with->len);
    sbuf_reset(with);
}

void redact_text(struct sbuf *text)
{
    require(text);
    struct sbuf out;

    text->len = redact_values(text->buf, text->len);
    sbuf_init(&out, text->len * 4 + 64);
    if (redact_shapes(text, &out))
        replace(text, &out);
    sbuf_release(&out);
}

const struct hide_hooks redact_hooks = { .values = redact_values, .text = redact_text };
