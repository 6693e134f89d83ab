/*
 * SQLite's own text functions whose cost is not that of their texts, once more and bounded: limits
 * of time are looked at between the steps of a statement, and one call of these is one step. They
 * give what SQLite's give; past a bound they are an error, never NULL. The text is searched in
 * linear time, a pattern looks at the clock on its way.
 */
#include "store_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/utf8.h"

enum {
    WIDTH_MAX = 1000000, /* of one field of printf() */
    FORMAT_MAX = 100000, /* bytes of a format */
    TRIM_MAX = 100,      /* characters that trim() takes away */
    PATTERN_MAX = 256,   /* bytes of LIKE and GLOB */
    CLOCK_EVERY = 4096   /* moves of a pattern between two looks at the clock */
};

static bool is_too_late(sqlite3_context *ctx)
{
    int64_t deadline = fn_env_of(ctx)->deadline_ms;

    return deadline && mono_now_ms() >= deadline;
}

static void fail_late(sqlite3_context *ctx)
{
    sqlite3_result_error_code(ctx, SQLITE_INTERRUPT);
}

/* ---- printf, format */

struct format {
    sqlite3_context *ctx;
    sqlite3_str *out;
    sqlite3_value **v; /* what is left of the arguments */
    int n;
};

static sqlite3_value *next_value(struct format *f)
{
    if (f->n == 0)
        return NULL;
    f->n--;
    return *f->v++;
}

static bool format_fail(struct format *f, const char *text)
{
    sqlite3_result_error(f->ctx, text, -1);
    return false;
}

/* A number of the format or, for *, of the arguments; -1 there is none. */
static bool read_size(struct format *f, const char **p, int64_t *out)
{
    *out = -1;
    if (**p == '*') {
        sqlite3_value *v = next_value(f);
        *out = v ? sqlite3_value_int64(v) : 0;
        (*p)++;
    } else if (isdigit((unsigned char)**p)) {
        for (*out = 0; isdigit((unsigned char)**p) && *out <= WIDTH_MAX; (*p)++)
            *out = *out * 10 + (**p - '0');
    }
    if (*out <= WIDTH_MAX && *out >= -WIDTH_MAX)
        return true;
    return format_fail(f, "printf(): a field is wider than 1,000,000 characters");
}

/* The first character, as often as the precision says. */
static void put_char(struct format *f, const char *spec, int64_t precision, sqlite3_value *v)
{
    const char *s = v ? (const char *)sqlite3_value_text(v) : NULL;
    uint32_t c;
    int len = s && *s ? (int)utf8_decode(s, strlen(s), &c) : 0;
    sqlite3_str *field = sqlite3_str_new(NULL);

    for (int64_t i = 0; i < (precision > 1 ? precision : 1); i++)
        sqlite3_str_append(field, s ? s : "", len);
    char *text = sqlite3_str_finish(field);
    sqlite3_str_appendf(f->out, spec, text ? text : "");
    sqlite3_free(text);
}

/* `spec` is "%", flags and sizes, without the letter. */
static bool put_field(struct format *f, char *spec, size_t n, int64_t precision, char letter)
{
    sqlite3_value *v;

    if (strchr("diuxXop", letter) && letter) {
        v = next_value(f);
        memcpy(spec + n, (char[]){ 'l', 'l', letter == 'p' ? 'X' : letter, '\0' }, 4);
        sqlite3_str_appendf(f->out, spec, v ? sqlite3_value_int64(v) : 0);
    } else if (strchr("eEfgG", letter)) {
        v = next_value(f);
        memcpy(spec + n, (char[]){ letter, '\0' }, 2);
        sqlite3_str_appendf(f->out, spec, v ? sqlite3_value_double(v) : 0.0);
    } else if (strchr("szqQw", letter)) {
        v = next_value(f);
        memcpy(spec + n, (char[]){ letter == 'z' ? 's' : letter, '\0' }, 2);
        sqlite3_str_appendf(f->out, spec, v ? sqlite3_value_text(v) : NULL);
    } else if (letter == 'c') {
        char *dot = strchr(spec, '.');
        memcpy(dot ? dot : spec + n, "s", 2);
        put_char(f, spec, precision, next_value(f));
    } else if (letter == '%') {
        sqlite3_str_appendchar(f->out, 1, '%');
    } else {
        return letter == 'n' || format_fail(f, "printf(): a letter behind % that it does not know");
    }
    return true;
}

static bool put_conversion(struct format *f, const char **p)
{
    char spec[64] = "%";
    size_t n = 1;
    int64_t width, precision = -1;

    for (; **p && strchr("-+ #!0,", **p); (*p)++)
        if (n < 16)
            spec[n++] = **p;
    if (!read_size(f, p, &width))
        return false;
    if (**p == '.') {
        (*p)++;
        if (!read_size(f, p, &precision))
            return false;
        if (precision < 0)
            precision = precision == -1 ? 0 : -precision;
    }
    while (**p == 'l')
        (*p)++;
    if (width < -1) /* of an argument: to the left */
        spec[n++] = '-';
    if (width != -1)
        n +=
            strlen(sqlite3_snprintf(24, spec + n, "%lld", (long long)(width < 0 ? -width : width)));
    if (precision >= 0)
        n += strlen(sqlite3_snprintf(24, spec + n, ".%lld", (long long)precision));
    char letter = **p;
    if (letter)
        (*p)++;
    return put_field(f, spec, n, precision, letter);
}

static void fn_printf(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct format f = { .ctx = ctx, .v = v + 1, .n = n - 1 };
    size_t len = 0;
    const char *p = n ? fn_text(v[0], &len) : NULL;
    bool ok = true;

    if (!p)
        return;
    if (len > FORMAT_MAX) {
        sqlite3_result_error(ctx, "printf(): the format is longer than 100,000 bytes", -1);
        return;
    }
    f.out = sqlite3_str_new(sqlite3_context_db_handle(ctx));
    while (ok && *p && sqlite3_str_errcode(f.out) == SQLITE_OK) {
        size_t plain = strcspn(p, "%");
        sqlite3_str_append(f.out, p, (int)plain);
        p += plain;
        if (!*p)
            break;
        p++;
        ok = put_conversion(&f, &p);
    }
    int rc = sqlite3_str_errcode(f.out), bytes = sqlite3_str_length(f.out);
    char *text = sqlite3_str_finish(f.out);
    if (ok && rc != SQLITE_OK)
        sqlite3_result_error_code(ctx, rc);
    else if (ok && text) /* nothing at all is NULL, as SQLite's gives it */
        sqlite3_result_text(ctx, text, bytes, SQLITE_TRANSIENT);
    sqlite3_free(text);
}

/* ---- replace, instr */

static void fn_replace(sqlite3_context *ctx, int argc, sqlite3_value **v)
{
    size_t n, nwhat, nwith;
    const char *s = fn_text(v[0], &n), *what = fn_text(v[1], &nwhat), *with = fn_text(v[2], &nwith);

    (void)argc;
    if (!s || !what || !with)
        return;
    if (!nwhat) {
        sqlite3_result_value(ctx, v[0]);
        return;
    }
    sqlite3_str *out = sqlite3_str_new(sqlite3_context_db_handle(ctx));
    const char *end = s + n, *at;
    while ((at = memmem(s, (size_t)(end - s), what, nwhat))) {
        sqlite3_str_append(out, s, (int)(at - s));
        sqlite3_str_append(out, with, (int)nwith);
        s = at + nwhat;
    }
    sqlite3_str_append(out, s, (int)(end - s));
    int rc = sqlite3_str_errcode(out), bytes = sqlite3_str_length(out);
    char *text = sqlite3_str_finish(out);
    if (rc != SQLITE_OK)
        sqlite3_result_error_code(ctx, rc);
    else
        sqlite3_result_text(ctx, text ? text : "", bytes, SQLITE_TRANSIENT);
    sqlite3_free(text);
}

static void fn_instr(sqlite3_context *ctx, int argc, sqlite3_value **v)
{
    bool is_bytes =
        sqlite3_value_type(v[0]) == SQLITE_BLOB && sqlite3_value_type(v[1]) == SQLITE_BLOB;
    size_t n, nwhat;
    const char *s, *what;
    int64_t pos = 1;

    (void)argc;
    if (is_bytes) {
        s = sqlite3_value_blob(v[0]);
        what = sqlite3_value_blob(v[1]);
        n = (size_t)sqlite3_value_bytes(v[0]);
        nwhat = (size_t)sqlite3_value_bytes(v[1]);
    } else {
        s = fn_text(v[0], &n);
        what = fn_text(v[1], &nwhat);
        if (!s || !what)
            return;
    }
    const char *at = nwhat ? memmem(s ? s : "", n, what, nwhat) : s ? s : "";
    for (const char *p = s; at && p < at; p++)
        pos += is_bytes || ((unsigned char)*p & 0xc0) != 0x80;
    sqlite3_result_int64(ctx, at ? pos : 0);
}

/* ---- trim, ltrim, rtrim */

/* Bytes of the character of `set` that stands at the begin or the end of s[0..n), or 0. */
static size_t trims(const char *s, size_t n, const char *set, size_t nset, bool at_end)
{
    uint32_t c;

    for (size_t i = 0, len; i < nset; i += len) {
        len = utf8_decode(set + i, nset - i, &c);
        if (len <= n && !memcmp(at_end ? s + n - len : s, set + i, len))
            return len;
    }
    return 0;
}

static void trim(sqlite3_context *ctx, int argc, sqlite3_value **v, bool left, bool right)
{
    size_t n, nset = 1, len;
    const char *s = fn_text(v[0], &n), *set = argc > 1 ? fn_text(v[1], &nset) : " ";

    if (!s || !set)
        return;
    if (nset > TRIM_MAX) {
        sqlite3_result_error(ctx, "trim(): more than 100 bytes of characters to take away", -1);
        return;
    }
    for (; left && (len = trims(s, n, set, nset, false)); n -= len)
        s += len;
    while (right && (len = trims(s, n, set, nset, true)))
        n -= len;
    sqlite3_result_text(ctx, s, (int)n, SQLITE_TRANSIENT);
}

static void fn_trim(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    trim(ctx, n, v, true, true);
}

static void fn_ltrim(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    trim(ctx, n, v, true, false);
}

static void fn_rtrim(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    trim(ctx, n, v, false, true);
}

/* ---- LIKE, GLOB */

struct pattern_kind {
    char any, one; /* any number of characters, and one */
    bool ignores_case, has_sets;
};

static const struct pattern_kind LIKE_KIND = { '%', '_', true, false },
                                 GLOB_KIND = { '*', '?', false, true };

static uint32_t fold(const struct pattern_kind *k, uint32_t c)
{
    return k->ignores_case && c < 0x80 ? (uint32_t)tolower((int)c) : c;
}

/* A set of GLOB behind its "[": moves *p behind the "]". False: not in it, or it has no end. */
static bool in_set(const char **p, const char *end, uint32_t c)
{
    bool is_not = *p < end && **p == '^', found = false;
    uint32_t from = 0, to;

    *p += is_not;
    for (bool is_first = true; *p < end && (is_first || **p != ']'); is_first = false) {
        bool is_range = !is_first && from && **p == '-' && *p + 1 < end && (*p)[1] != ']';
        *p += is_range;
        *p += utf8_decode(*p, (size_t)(end - *p), &to);
        found |= is_range ? c >= from && c <= to : c == to;
        from = is_range ? 0 : to;
    }
    if (*p >= end)
        return false;
    (*p)++;
    return found != is_not;
}

/* One character of the text against the pattern at *p, which moves on. */
static bool matches_one(const struct pattern_kind *k, const char **p, const char *end, uint32_t c,
                        uint32_t escape)
{
    uint32_t want;

    if (*p >= end)
        return false;
    *p += utf8_decode(*p, (size_t)(end - *p), &want);
    if (escape && want == escape) {
        if (*p >= end)
            return false;
        *p += utf8_decode(*p, (size_t)(end - *p), &want);
    } else if (want == (uint32_t)k->one) {
        return true;
    } else if (k->has_sets && want == '[') {
        return in_set(p, end, c);
    }
    return fold(k, want) == fold(k, c);
}

/* Only the last "any" ever needs another try: n times m moves at most. -1: it took too long. */
static int matches(sqlite3_context *ctx, const struct pattern_kind *k, const char *p, size_t np,
                   const char *s, size_t n, uint32_t escape)
{
    const char *end = p + np, *send = s + n, *retry = NULL, *from = NULL;
    uint32_t c;

    for (unsigned moves = 1; s < send || p < end; moves++) {
        if (moves % CLOCK_EVERY == 0 && is_too_late(ctx))
            return -1;
        if (p < end && *p == k->any && (uint32_t)k->any != escape) {
            retry = ++p;
            from = s;
            continue;
        }
        if (s < send) {
            const char *next = s + utf8_decode(s, (size_t)(send - s), &c);
            if (matches_one(k, &p, end, c, escape)) {
                s = next;
                continue;
            }
        }
        if (!retry || from >= send)
            return 0;
        from += utf8_decode(from, (size_t)(send - from), &c);
        s = from;
        p = retry;
    }
    return 1;
}

static void match(sqlite3_context *ctx, const struct pattern_kind *k, sqlite3_value **v,
                  uint32_t escape)
{
    size_t np, n;
    const char *p = fn_text(v[0], &np), *s = fn_text(v[1], &n);

    if (p && np > PATTERN_MAX) {
        sqlite3_result_error(ctx, "LIKE or GLOB pattern too complex", -1);
        return;
    }
    if (!p || !s)
        return;
    int rc = matches(ctx, k, p, np, s, n, escape);
    if (rc < 0)
        fail_late(ctx);
    else
        sqlite3_result_int(ctx, rc);
}

static void fn_like(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    uint32_t escape = 0;
    size_t len = 0;

    if (n == 3) {
        const char *s = fn_text(v[2], &len);
        if (!s)
            return;
        if (!len || utf8_decode(s, len, &escape) != len) {
            sqlite3_result_error(ctx, "ESCAPE expression must be a single character", -1);
            return;
        }
    }
    match(ctx, &LIKE_KIND, v, escape);
}

static void fn_glob(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    (void)n;
    match(ctx, &GLOB_KIND, v, 0);
}

const struct fn_def fn_bounded[] = {
    { "printf", -1, fn_printf, NULL, NULL, false },  { "format", -1, fn_printf, NULL, NULL, false },
    { "replace", 3, fn_replace, NULL, NULL, false }, { "instr", 2, fn_instr, NULL, NULL, false },
    { "trim", 1, fn_trim, NULL, NULL, false },       { "trim", 2, fn_trim, NULL, NULL, false },
    { "ltrim", 1, fn_ltrim, NULL, NULL, false },     { "ltrim", 2, fn_ltrim, NULL, NULL, false },
    { "rtrim", 1, fn_rtrim, NULL, NULL, false },     { "rtrim", 2, fn_rtrim, NULL, NULL, false },
    { "like", 2, fn_like, NULL, NULL, false },       { "like", 3, fn_like, NULL, NULL, false },
    { "glob", 2, fn_glob, NULL, NULL, false },       { 0 },
};
