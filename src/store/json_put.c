/*
 * JSON text as the store writes it: strings and numbers of attributes and of functions that
 * answer with arrays. Reading JSON is SQLite's business and the door's (src/decode).
 */
#include "fn_priv.h"

#include <math.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "opsdeck/base/sbuf.h"

static bool put_escaped(struct sbuf *out, unsigned char c)
{
    switch (c) {
    case '"':
        return sbuf_add(out, "\\\"", 2);
    case '\\':
        return sbuf_add(out, "\\\\", 2);
    case '\n':
        return sbuf_add(out, "\\n", 2);
    default:
        return sbuf_addf(out, "\\u%04x", c);
    }
}

bool json_put(struct sbuf *out, const char *s, size_t n)
{
    size_t from = 0;

    if (!sbuf_addc(out, '"'))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        if (!sbuf_add(out, s + from, i - from) || !put_escaped(out, c))
            return false;
        from = i + 1;
    }
    return sbuf_add(out, s + from, n - from) && sbuf_addc(out, '"');
}

bool json_put_real(struct sbuf *out, double d)
{
    char text[40];

    if (!isfinite(d))
        return sbuf_adds(out, isnan(d) ? "\"NaN\"" : d > 0 ? "\"Inf\"" : "\"-Inf\"");
    /* SQLite's printf knows no locale; "!" asks for all digits that count. */
    sqlite3_snprintf(sizeof text, text, "%!.15g", d);
    if (strtod(text, NULL) != d)
        sqlite3_snprintf(sizeof text, text, "%!.17g", d);
    return sbuf_adds(out, text);
}
