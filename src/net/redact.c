/*
 * Live secrets, found by value in any of their usual disguises: as they are, percent-encoded,
 * base64 at each of the three alignments (both alphabets), hex. redact_text() goes through the
 * text once; well-known shapes of secrets nobody registered are in redact_shapes.c.
 */
#include "opsdeck/net/redact.h"

#include <ctype.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/secret.h"
#include "opsdeck/base/require.h"

#include "redact_priv.h"

enum {
    SECRET_MIN = 6,
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

/* The secret at `s`, each byte as itself or as %XX (a space also as +): bytes of text, or 0. */
static size_t match_percent(const char *s, size_t n, const struct secret *secret)
{
    size_t at = 0;

    for (size_t i = 0; i < secret->len; i++) {
        char want = secret->bytes[i];
        if (at >= n)
            return 0;
        int high = s[at] == '%' && at + 2 < n ? hex_digit(s[at + 1]) : -1;
        int low = high >= 0 ? hex_digit(s[at + 2]) : -1;
        if (low >= 0 && (char)(high << 4 | low) == want)
            at += 3;
        else if (s[at] == want || (want == ' ' && s[at] == '+'))
            at++;
        else
            return 0;
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
        size_t len = match_percent(s, n, &all.v[i].plain);
        best = len > best ? len : best;
        for (size_t f = 0; f < NFORMS; f++) {
            len = match_form(s, n, &all.v[i].forms[f], f == 0);
            best = len > best ? len : best;
        }
    }
    return best;
}

/* False when nothing was found: `out` is then not filled. */
static bool hide_known(const struct sbuf *text, struct sbuf *out)
{
    size_t from = 0;
    bool found = false;

    for (size_t i = 0; i < text->len;) {
        size_t n = match_any(text->buf + i, text->len - i);
        if (n == 0) {
            i++;
            continue;
        }
        found = true;
        sbuf_add(out, text->buf + from, i - from);
        sbuf_adds(out, "***");
        from = i += n;
    }
    if (found)
        sbuf_add(out, text->buf + from, text->len - from);
    return found;
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

    sbuf_init(&out, text->len * 4 + 64);
    pthread_mutex_lock(&all.lock);
    if (all.n > 0 && hide_known(text, &out))
        replace(text, &out);
    pthread_mutex_unlock(&all.lock);
    if (redact_shapes(text, &out))
        replace(text, &out);
    sbuf_release(&out);
}
