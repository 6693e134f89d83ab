/*
 * Bytes to UTF-8: by byte order mark, then the charset parameter of Content-Type (RFC 9110
 * section 8.3), then UTF-8. Only the charsets of the table are known, since iconv would load
 * code by a name that a stranger chose.
 */
#include "opsdeck/decode/decode.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

#include "decode_priv.h"

struct charset {
    const char *name, *iconv_name; /* NULL: UTF-8 itself */
    int unit;                      /* bytes skipped after an invalid sequence */
};

static const struct charset charsets[] = {
    { "utf-8", NULL, 1 },
    { "utf8", NULL, 1 },
    { "us-ascii", NULL, 1 },
    { "ascii", NULL, 1 },
    { "iso-8859-1", "ISO-8859-1", 1 },
    { "latin1", "ISO-8859-1", 1 },
    { "iso-8859-15", "ISO-8859-15", 1 },
    { "windows-1252", "CP1252", 1 },
    { "cp1252", "CP1252", 1 },
    { "utf-16le", "UTF-16LE", 2 },
    { "utf-16be", "UTF-16BE", 2 },
    { "utf-16", "UTF-16BE", 2 }, /* without a mark: RFC 2781 section 4.3 */
    { "utf-32le", "UTF-32LE", 4 },
    { "utf-32be", "UTF-32BE", 4 },
    { "utf-32", "UTF-32BE", 4 },
};

struct mark {
    const char *bytes;
    size_t len;
    const char *charset;
};

/* UTF-32LE begins as UTF-16LE does, so the longer marks come first. */
static const struct mark marks[] = {
    { "\xff\xfe\0\0", 4, "utf-32le" }, { "\0\0\xfe\xff", 4, "utf-32be" },
    { "\xef\xbb\xbf", 3, "utf-8" },    { "\xff\xfe", 2, "utf-16le" },
    { "\xfe\xff", 2, "utf-16be" },
};

static const struct charset *charset_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(charsets); i++)
        if (strlen(charsets[i].name) == len && !strncasecmp(charsets[i].name, name, len))
            return &charsets[i];
    return NULL;
}

/* The value of the charset parameter, or length 0. */
static const char *charset_param(const char *content_type, size_t *len)
{
    static const char key[] = "charset=";

    *len = 0;
    for (const char *p = content_type; p && (p = strchr(p, ';'));) {
        p++;
        p += strspn(p, " \t");
        if (strncasecmp(p, key, sizeof key - 1) != 0)
            continue;
        p += sizeof key - 1;
        bool is_quoted = *p == '"';
        p += is_quoted;
        *len = strcspn(p, is_quoted ? "\"" : "; \t");
        return p;
    }
    return NULL;
}

static bool copy_utf8(const char *s, size_t n, struct sbuf *out)
{
    for (size_t i = 0; i < n;) {
        size_t run = i;
        while (run < n && (unsigned char)s[run] < 0x80)
            run++;
        if (run > i && !sbuf_add(out, s + i, run - i))
            return false;
        i = run;
        if (i == n)
            break;
        uint32_t cp;
        char b[4];
        i += utf8_decode(s + i, n - i, &cp);
        if (!sbuf_add(out, b, utf8_encode(cp, b)))
            return false;
    }
    return true;
}

/* False only when `out` is full. */
static bool convert(iconv_t cd, const struct charset *cs, const char *s, size_t n, struct sbuf *out)
{
    union {
        const char *in;
        char *arg; /* iconv's parameter is not const though it does not write */
    } from = { .in = s };
    char buf[4096];

    while (n) {
        char *to = buf;
        size_t room = sizeof buf;
        size_t rc = iconv(cd, &from.arg, &n, &to, &room);
        int why = errno;
        if (!sbuf_add(out, buf, sizeof buf - room))
            return false;
        if (rc != (size_t)-1 || why == E2BIG)
            continue;
        size_t skip = why == EINVAL || n < (size_t)cs->unit ? n : (size_t)cs->unit;
        from.in += skip;
        n -= skip;
        if (!sbuf_adds(out, "\xef\xbf\xbd"))
            return false;
    }
    return true;
}

bool charset_to_utf8(const char *s, size_t n, const char *content_type, struct sbuf *out,
                     struct err *e)
{
    const struct charset *cs = NULL;
    size_t len;

    for (size_t i = 0; i < ARRAY_LEN(marks) && !cs; i++) {
        if (n < marks[i].len || memcmp(s, marks[i].bytes, marks[i].len) != 0)
            continue;
        cs = charset_find(marks[i].charset, strlen(marks[i].charset));
        s += marks[i].len;
        n -= marks[i].len;
    }
    const char *name = cs ? NULL : charset_param(content_type, &len);
    if (name && !(cs = charset_find(name, len)))
        return err_set(
            e, ERR_PARSE, 0,
            "the answer is in charset '%.*s', which is not one of UTF-8, UTF-16, UTF-32, "
            "ISO-8859-1, ISO-8859-15, windows-1252",
            (int)(len > 40 ? 40 : len), name);
    if (!cs || !cs->iconv_name)
        return copy_utf8(s, n, out) || too_large(out, "the answer", e);
    iconv_t cd = iconv_open("UTF-8", cs->iconv_name);
    if (cd == (iconv_t)-1)
        return err_errno(
            e, errno, "convert the answer from %s (is libc-bin with its gconv modules installed?)",
            cs->iconv_name);
    bool ok = convert(cd, cs, s, n, out);
    iconv_close(cd);
    return ok || too_large(out, "the answer", e);
}
