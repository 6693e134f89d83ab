/*
 * Texts in SQL: header(), b64d(), gunzip(), unhtml(), list() and fail(). What decoding gives is
 * text when it is valid UTF-8, else a blob; rows pass the text door later, so nothing is cleaned
 * here.
 */
#include "fn_priv.h"
#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/json_text.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

enum {
    DECODED_MAX = 8 << 20,
    RATIO_MAX = 200
};

/* Takes `bytes` (heap). */
static void give_bytes(sqlite3_context *ctx, char *bytes, size_t n)
{
    if (utf8_is_valid(bytes, n) && !memchr(bytes, '\0', n))
        sqlite3_result_text64(ctx, bytes, n, free, SQLITE_UTF8);
    else
        sqlite3_result_blob64(ctx, bytes, n, free);
}

static void fn_header(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    const struct fn_env *env = fn_env_of(ctx);
    size_t len;
    const char *name = fn_text(v[0], &len);

    (void)n;
    for (size_t i = 0; name && i < env->nheaders; i++) {
        if (!sqlite3_stricmp(env->headers[i].name, name)) {
            sqlite3_result_text(ctx, env->headers[i].value, -1, SQLITE_TRANSIENT);
            return;
        }
    }
}

static int b64_digit(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* Both alphabets of RFC 4648, white space passed over, padding optional. */
static bool b64_decode(const char *s, size_t n, char *out, size_t *nout)
{
    unsigned bits = 0, have = 0;
    size_t at = 0, digits = 0, pads = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        int d = b64_digit(c);
        if (c == '=') {
            pads++;
            continue;
        }
        if (d < 0 || pads)
            return false;
        digits++;
        bits = (bits << 6 | (unsigned)d) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[at++] = (char)(bits >> have & 0xff);
        }
    }
    *nout = at;
    return digits % 4 != 1 && pads <= 2 && (!pads || (digits + pads) % 4 == 0);
}

static void fn_b64d(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    size_t len, got;
    const char *s = fn_text(v[0], &len);

    (void)n;
    if (!s)
        return;
    if (len / 4 * 3 > DECODED_MAX) {
        sqlite3_result_error(ctx, "b64d(): the result would be larger than 8 MiB", -1);
        return;
    }
    char *out = xmalloc(len / 4 * 3 + 4);
    if (b64_decode(s, len, out, &got)) {
        give_bytes(ctx, out, got);
    } else {
        free(out);
        sqlite3_result_error(ctx, "b64d(): not base64", -1);
    }
}

static void fn_gunzip(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    const void *data = sqlite3_value_blob(v[0]);
    size_t len = (size_t)sqlite3_value_bytes(v[0]), got;
    char *out;

    (void)n;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    size_t max = len < DECODED_MAX / RATIO_MAX ? len * RATIO_MAX : DECODED_MAX;
    switch (zip_unpack(data, len, max, &out, &got)) {
    case ZIP_OK:
        give_bytes(ctx, out, got);
        break;
    case ZIP_BAD:
        sqlite3_result_error(ctx, "gunzip(): not gzip, or cut", -1);
        break;
    case ZIP_TOO_LARGE:
        sqlite3_result_error(
            ctx, "gunzip(): the result is larger than 8 MiB or 200 times its packed form", -1);
        break;
    }
}

static const struct {
    const char *name;
    char ch;
} entities[] = {
    { "amp;", '&' }, { "lt;", '<' }, { "gt;", '>' }, { "quot;", '"' }, { "apos;", '\'' },
};

/* After "&#": the number of a character; returns bytes used with the ';', 0 when it is none. */
static size_t numeric_entity(const char *s, size_t n, uint32_t *cp)
{
    bool is_hex = n && (s[0] == 'x' || s[0] == 'X');
    size_t i = is_hex, from = i;
    uint32_t base = is_hex ? 16 : 10, value = 0;

    for (; i < n && i - from < 8; i++) {
        char c = s[i];
        uint32_t d = c >= '0' && c <= '9'             ? (uint32_t)(c - '0')
                     : is_hex && c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                     : is_hex && c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                      : 99;
        if (d == 99)
            break;
        value = value > 0x110000 ? value : value * base + d;
    }
    if (i == from || i >= n || s[i] != ';')
        return 0;
    *cp = !value || value > 0x10ffff || (value >= 0xd800 && value < 0xe000) ? 0xfffd : value;
    return i + 1;
}

/* At a '&': what it stands for goes to `out`; returns bytes used, 1 when it is a plain '&'. */
static size_t entity(const char *s, size_t n, struct sbuf *out)
{
    char bytes[4];
    uint32_t cp;

    for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
        size_t len = strlen(entities[i].name);
        if (n > len && !memcmp(s + 1, entities[i].name, len)) {
            sbuf_addc(out, entities[i].ch);
            return len + 1;
        }
    }
    size_t used = n > 2 && s[1] == '#' ? numeric_entity(s + 2, n - 2, &cp) : 0;
    if (used) {
        sbuf_add(out, bytes, utf8_encode(cp, bytes));
        return used + 2;
    }
    sbuf_addc(out, '&');
    return 1;
}

static void fn_unhtml(sqlite3_context *ctx, int argc, sqlite3_value **v)
{
    size_t n, nout;
    const char *s = fn_text(v[0], &n);
    struct sbuf out;

    (void)argc;
    if (!s)
        return;
    sbuf_init(&out, n + 4); /* an entity is never shorter than what it stands for */
    for (size_t i = 0; i < n;) {
        const char *amp = memchr(s + i, '&', n - i);
        size_t run = amp ? (size_t)(amp - s) - i : n - i;
        sbuf_add(&out, s + i, run);
        i += run;
        if (amp)
            i += entity(s + i, n - i, &out);
    }
    char *text = sbuf_detach(&out, &nout);
    sbuf_release(&out);
    sqlite3_result_text64(ctx, text, nout, free, SQLITE_UTF8);
}

/*
 * XML tells one child from a list of one by nothing: what may be a list is made one. The
 * argument is what `->` gives (JSON) or `->>` (text); nothing, null and an empty text are [].
 */
static void fn_list(sqlite3_context *ctx, int argc, sqlite3_value **v)
{
    size_t n;
    const char *s = fn_text(v[0], &n);
    struct sbuf out;

    (void)argc;
    if (!s || !n || !strcmp(s, "null") || !strcmp(s, "\"\""))
        s = "[]";
    sbuf_init(&out, n * 6 + 8);
    if (*s == '[')
        sbuf_adds(&out, s);
    else if (*s == '{' || *s == '"')
        sbuf_addf(&out, "[%s]", s);
    else if (sbuf_addc(&out, '[') && json_put(&out, s, n))
        sbuf_addc(&out, ']');
    sqlite3_result_text64(ctx, out.buf, out.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    sqlite3_result_subtype(ctx, 'J');
    sbuf_release(&out);
}

/* How a recipe says that an answer is not what it expects. */
static void fn_fail(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    size_t len;
    const char *s = fn_text(v[0], &len);

    (void)n;
    sqlite3_result_error(ctx, s && len ? s : "the recipe refused the answer", -1);
}

/* fail() is varying so that SQLite does not run it once ahead of a CASE that may not reach it. */
const struct fn_def fn_texts[] = {
    { "header", 1, fn_header, NULL, NULL, true },
    { "b64d", 1, fn_b64d, NULL, NULL, false },
    { "gunzip", 1, fn_gunzip, NULL, NULL, false },
    { "unhtml", 1, fn_unhtml, NULL, NULL, false },
    { "fail", 1, fn_fail, NULL, NULL, true },
    { "list", 1, fn_list, NULL, NULL, false },
    { 0 },
};
