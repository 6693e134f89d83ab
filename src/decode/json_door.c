/*
 * The JSON door: one pass over a document that checks it against RFC 8259 and writes it anew
 * with clean strings. Iterative, so that nesting costs no C stack; numbers keep their text.
 * It builds no tree and knows nothing of rows; the store's mapping calls it for every answer.
 */
#include "opsdeck/decode/decode.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "opsdeck/base/json_text.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

#include "decode_priv.h"

enum {
    SMALL_OBJECT = 12 /* up to here keys are compared one by one, above by hash table */
};

/* A key as it was written: a slice of the output, and its hash. */
struct key_ref {
    size_t at;
    uint32_t len, hash;
};

struct frame {
    char close;       /* ']' or '}' */
    bool is_empty;    /* nothing in it yet */
    size_t first_key; /* its keys are keys[first_key ..] */
    uint32_t *slots;  /* hash table of key numbers + 1, once there are many */
    size_t nslots;
};

struct door {
    const char *s;
    size_t n, i;
    struct sbuf *out;
    struct err *e;
    struct sbuf raw, clean; /* one string, un-escaped; and its clean form */
    struct frame frames[DECODE_DEPTH_MAX];
    size_t depth;
    struct key_ref *keys;
    size_t nkeys, capkeys;
    uint32_t seed;
};

static size_t line_of(const struct door *d, size_t at)
{
    size_t line = 1;

    for (size_t i = 0; i < at && i < d->n; i++)
        line += d->s[i] == '\n';
    return line;
}

static bool refuse(struct door *d, size_t at, const char *wanted)
{
    char what[40];

    return err_set(
        d->e, ERR_PARSE, 0, "not JSON at byte %zu (line %zu): %s where %s was expected%s", at,
        line_of(d, at), what_stands(d->s, d->n, at, what), wanted, page_hint(d->s, d->n));
}

static bool full(struct door *d)
{
    return too_large(d->out, "JSON", d->e);
}

static void skip_space(struct door *d)
{
    while (d->i < d->n &&
           (d->s[d->i] == ' ' || d->s[d->i] == '\n' || d->s[d->i] == '\r' || d->s[d->i] == '\t'))
        d->i++;
}

static bool hex4(struct door *d, uint32_t *out)
{
    uint32_t v = 0;

    for (int k = 0; k < 4; k++, d->i++) {
        char c = d->i < d->n ? d->s[d->i] : '\0';
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit > 15)
            return refuse(d, d->i, "a hexadecimal digit");
        v = v << 4 | digit;
    }
    *out = v;
    return true;
}

/* After "\u": a code point, pairs joined; NUL and lone surrogates become U+FFFD. */
static bool unicode_escape(struct door *d)
{
    uint32_t cp, low;
    char bytes[4];

    if (!hex4(d, &cp))
        return false;
    if (cp >= 0xd800 && cp < 0xdc00 && d->i + 1 < d->n && d->s[d->i] == '\\' &&
        d->s[d->i + 1] == 'u') {
        size_t back = d->i;
        d->i += 2;
        if (!hex4(d, &low))
            return false;
        if (low >= 0xdc00 && low < 0xe000)
            cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
        else
            d->i = back; /* the second escape is a character of its own */
    }
    if (cp == 0 || (cp >= 0xd800 && cp < 0xe000))
        cp = 0xfffd;
    sbuf_add(&d->raw, bytes, utf8_encode(cp, bytes));
    return true;
}

static bool escape(struct door *d)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = ++d->i < d->n ? d->s[d->i] : '\0';
    const char *p = c ? strchr(from, c) : NULL;

    if (p) {
        sbuf_addc(&d->raw, to[p - from]);
        d->i++;
        return true;
    }
    if (c != 'u')
        return refuse(d, d->i, "an escape such as \\n or \\u0041");
    d->i++;
    return unicode_escape(d);
}

/* The rest of a string that needs more than copying: un-escape, clean, escape again. */
static bool string_slow(struct door *d, size_t start)
{
    sbuf_reset(&d->raw);
    sbuf_reset(&d->clean);
    sbuf_add(&d->raw, d->s + start, d->i - start);
    for (;;) {
        size_t run = d->i;
        while (run < d->n && d->s[run] != '"' && d->s[run] != '\\' &&
               (unsigned char)d->s[run] >= 0x20)
            run++;
        sbuf_add(&d->raw, d->s + d->i, run - d->i);
        d->i = run;
        if (run == d->n)
            return refuse(d, run, "the end of a string");
        if (d->s[run] == '"')
            break;
        if (d->s[run] != '\\')
            return refuse(d, run, "a character of a string (control characters must be escaped)");
        if (!escape(d))
            return false;
    }
    d->i++;
    utf8_clean(&d->clean, d->raw.buf, d->raw.len, UTF8_KEEP_LF);
    return json_put(d->out, d->clean.buf, d->clean.len) || full(d);
}

/* At a '"': the string goes out in quotes. Printable ASCII is copied in one piece. */
static bool string(struct door *d)
{
    size_t start = ++d->i, run = start;

    while (run < d->n && d->s[run] >= 0x20 && d->s[run] < 0x7f && d->s[run] != '"' &&
           d->s[run] != '\\')
        run++;
    d->i = run;
    if (run == d->n || d->s[run] != '"')
        return string_slow(d, start);
    d->i++;
    return sbuf_add(d->out, d->s + start - 1, run + 2 - start) || full(d);
}

static uint32_t hash_bytes(const char *s, size_t n, uint32_t seed)
{
    uint32_t h = seed ^ 2166136261u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 16777619u;
    h ^= h >> 15;
    h *= 0x2c1b3c6du ^ (seed | 1u);
    return h ^ h >> 13;
}

static bool same_key(const struct door *d, const struct key_ref *a, const struct key_ref *b)
{
    return a->hash == b->hash && a->len == b->len &&
           !memcmp(d->out->buf + a->at, d->out->buf + b->at, a->len);
}

static void slot_put(struct frame *f, uint32_t hash, size_t number)
{
    size_t at = hash & (f->nslots - 1);

    while (f->slots[at])
        at = (at + 1) & (f->nslots - 1);
    f->slots[at] = (uint32_t)number + 1;
}

static void slots_grow(const struct door *d, struct frame *f)
{
    free(f->slots);
    f->nslots = f->nslots ? f->nslots * 2 : 64;
    f->slots = xcalloc(f->nslots, sizeof *f->slots);
    for (size_t k = f->first_key; k < d->nkeys; k++)
        slot_put(f, d->keys[k].hash, k);
}

static bool has_key(const struct door *d, const struct frame *f, const struct key_ref *key)
{
    if (!f->slots) {
        for (size_t k = f->first_key; k < d->nkeys; k++)
            if (same_key(d, &d->keys[k], key))
                return true;
        return false;
    }
    for (size_t at = key->hash & (f->nslots - 1); f->slots[at]; at = (at + 1) & (f->nslots - 1))
        if (same_key(d, &d->keys[f->slots[at] - 1], key))
            return true;
    return false;
}

/* The key just written at out[at..] must be new in its object. */
static bool remember_key(struct door *d, size_t at, size_t body_at)
{
    struct frame *f = &d->frames[d->depth - 1];
    size_t len = d->out->len - at, count = d->nkeys - f->first_key;
    struct key_ref key = { at, (uint32_t)len, hash_bytes(d->out->buf + at, len, d->seed) };

    if (has_key(d, f, &key))
        return err_set(d->e, ERR_PARSE, 0,
                       "duplicate key %.*s at byte %zu (line %zu): which one counts is not defined",
                       (int)(len > 80 ? 80 : len), d->out->buf + at, body_at, line_of(d, body_at));
    VEC_GROW(d->keys, d->nkeys, d->capkeys);
    d->keys[d->nkeys++] = key;
    count++;
    if (f->slots ? count * 2 > f->nslots : count > SMALL_OBJECT)
        slots_grow(d, f);
    else if (f->slots)
        slot_put(f, key.hash, d->nkeys - 1);
    return true;
}

static bool key_and_colon(struct door *d)
{
    size_t at = d->out->len, body_at = d->i;

    if (d->i >= d->n || d->s[d->i] != '"')
        return refuse(d, d->i, "a key in quotes");
    if (!string(d) || !remember_key(d, at, body_at))
        return false;
    skip_space(d);
    if (d->i >= d->n || d->s[d->i] != ':')
        return refuse(d, d->i, "':'");
    d->i++;
    skip_space(d);
    return sbuf_addc(d->out, ':') || full(d);
}

static bool push(struct door *d, char open)
{
    if (d->depth == DECODE_DEPTH_MAX)
        return err_set(d->e, ERR_LIMIT, 0, "JSON nested deeper than %d at byte %zu",
                       DECODE_DEPTH_MAX, d->i);
    d->frames[d->depth++] =
        (struct frame){ .close = open == '[' ? ']' : '}', .is_empty = true, .first_key = d->nkeys };
    d->i++;
    return sbuf_addc(d->out, open) || full(d);
}

static bool pop(struct door *d)
{
    struct frame *f = &d->frames[--d->depth];

    d->nkeys = f->first_key;
    free(f->slots);
    f->slots = NULL;
    d->i++;
    return sbuf_addc(d->out, f->close) || full(d);
}

static bool word(struct door *d, const char *w)
{
    size_t len = strlen(w);

    if (d->n - d->i < len || memcmp(d->s + d->i, w, len) != 0)
        return refuse(d, d->i, "a value");
    d->i += len;
    return sbuf_add(d->out, w, len) || full(d);
}

/* A whole number that 64 bits with a sign cannot hold: SQLite would round it (2^63 to 9.2e18). */
static bool is_too_long_a_whole_number(const char *s, size_t len)
{
    static const char max[] = "9223372036854775807", min[] = "9223372036854775808";
    const char *limit = *s == '-' ? min : max;

    if (memchr(s, '.', len) || memchr(s, 'e', len) || memchr(s, 'E', len))
        return false;
    if (*s == '-')
        s++, len--;
    if (len < sizeof max - 1)
        return false;
    return len > sizeof max - 1 || memcmp(s, limit, len) > 0;
}

/* Numbers keep their text; one that would lose digits further on becomes a string. */
static bool door_number(struct door *d)
{
    const char *s = d->s + d->i;
    size_t len = json_number_len(s, d->n - d->i);

    if (!len)
        return refuse(d, d->i, "a number as JSON writes them");
    bool ok = is_too_long_a_whole_number(s, len)
                  ? sbuf_addc(d->out, '"') && sbuf_add(d->out, s, len) && sbuf_addc(d->out, '"')
                  : sbuf_add(d->out, s, len);
    d->i += len;
    return ok || full(d);
}

/* One value, or the opening of one. */
static bool value(struct door *d)
{
    char c = d->i < d->n ? d->s[d->i] : '\0';

    switch (c) {
    case '"':
        return string(d);
    case '[':
    case '{':
        return push(d, c);
    case 't':
        return word(d, "true");
    case 'f':
        return word(d, "false");
    case 'n':
        return word(d, "null");
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return door_number(d);
        return refuse(d, d->i, "a value");
    }
}

/* Inside an array or object: its end, or a comma and the next member. */
static bool member(struct door *d)
{
    struct frame *f = &d->frames[d->depth - 1];
    char c = d->i < d->n ? d->s[d->i] : '\0';

    if (d->i < d->n && c == f->close)
        return pop(d);
    if (!f->is_empty) {
        if (c != ',')
            return refuse(d, d->i, f->close == ']' ? "',' or ']'" : "',' or '}'");
        d->i++;
        skip_space(d);
        if (!sbuf_addc(d->out, ','))
            return full(d);
    }
    f->is_empty = false;
    if (f->close == '}' && !key_and_colon(d))
        return false;
    return value(d);
}

static bool document(struct door *d)
{
    skip_space(d);
    if (d->i == d->n)
        return err_set(d->e, ERR_PARSE, 0, "empty body where JSON was expected");
    if (!value(d))
        return false;
    while (d->depth) {
        skip_space(d);
        if (!member(d))
            return false;
    }
    skip_space(d);
    return d->i == d->n || refuse(d, d->i, "the end after one document");
}

bool json_door(const char *s, size_t n, struct sbuf *out, struct err *e)
{
    struct door *d = xcalloc(1, sizeof *d);

    d->s = s;
    d->n = n;
    d->out = out;
    d->e = e;
    sbuf_init(&d->raw, SIZE_MAX / 4);
    sbuf_init(&d->clean, SIZE_MAX / 4);
    /* Keys come from strangers: a seed they do not know keeps the hash tables flat. */
    if (getrandom(&d->seed, sizeof d->seed, 0) != (ssize_t)sizeof d->seed)
        d->seed = (uint32_t)(uintptr_t)d;
    bool ok = document(d);
    while (d->depth)
        free(d->frames[--d->depth].slots);
    free(d->keys);
    sbuf_release(&d->raw);
    sbuf_release(&d->clean);
    free(d);
    return ok;
}
