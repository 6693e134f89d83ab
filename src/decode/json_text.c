/*
 * JSON text as bytes: writing strings, measuring numbers, naming what stands somewhere.
 * No parsing of documents here; that is json_door.c. Called by all decoders of this room.
 */
#include "decode_priv.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/json_text.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

bool json_put_string(struct sbuf *out, const char *s, size_t n)
{
    struct sbuf clean;

    sbuf_init(&clean, SIZE_MAX / 4);
    bool ok = utf8_clean(&clean, s, n, UTF8_KEEP_LF) && json_put(out, clean.buf, clean.len);
    sbuf_release(&clean);
    return ok;
}

static size_t digits(const char *s, size_t n, size_t i)
{
    while (i < n && s[i] >= '0' && s[i] <= '9')
        i++;
    return i;
}

size_t json_number_len(const char *s, size_t n)
{
    size_t i = n && s[0] == '-', from = i;

    i = digits(s, n, i);
    if (i == from || (s[from] == '0' && i - from > 1))
        return 0;
    if (i < n && s[i] == '.') {
        from = i + 1;
        i = digits(s, n, from);
        if (i == from)
            return 0;
    }
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        from = i + 1;
        if (from < n && (s[from] == '+' || s[from] == '-'))
            from++;
        i = digits(s, n, from);
        if (i == from)
            return 0;
    }
    return i;
}

const char *what_stands(const char *s, size_t n, size_t at, char out[40])
{
    if (at >= n)
        snprintf(out, 40, "the end of the body");
    else if ((unsigned char)s[at] > 0x20 && (unsigned char)s[at] < 0x7f)
        snprintf(out, 40, "'%c'", s[at]);
    else
        snprintf(out, 40, "byte 0x%02x", (unsigned char)s[at]);
    return out;
}

const char *page_hint(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && (s[i] == ' ' || s[i] == '\n' || s[i] == '\r' || s[i] == '\t'))
        i++;
    return i < n && s[i] == '<' ? " (looks like an HTML page; a sign-in page?)" : "";
}

bool too_large(const struct sbuf *out, const char *what, struct err *e)
{
    return err_set(e, ERR_LIMIT, 0, "%s grows past its cap of %zu bytes when decoded", what,
                   out->max);
}
