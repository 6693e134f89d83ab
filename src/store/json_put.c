/*
 * Numbers as JSON text, for attributes; and texts cut to the length a field may have. Reading JSON
 * is SQLite's business and the door's (src/decode).
 */
#include "fn_priv.h"

#include <math.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

bool json_put_real(struct sbuf *out, double d)
{
    require(out);
    char text[40];

    if (!isfinite(d))
        return sbuf_adds(out, isnan(d) ? "\"NaN\"" : d > 0 ? "\"Inf\"" : "\"-Inf\"");
    /* SQLite's printf knows no locale; "!" asks for all digits that count. */
    sqlite3_snprintf(sizeof text, text, "%!.15g", d);
    if (strtod(text, NULL) != d)
        sqlite3_snprintf(sizeof text, text, "%!.17g", d);
    return sbuf_adds(out, text);
}

/* utf8_clean() adds runs whole or not at all, so that a buffer of just `max` would lose them. */
const char *text_cut(struct arena *mem, const char *s, size_t n, size_t max, unsigned flags)
{
    require(mem && (s || n == 0));
    require(max > 0);
    static const char dots[] = "\xe2\x80\xa6";
    struct sbuf clean;
    size_t most = 16 * max; /* nothing behind that can matter, whatever vanishes before */
    bool is_cut = n > most;

    if (n <= max / 4) /* a byte becomes three at most, and a leading mark gets a base */
        return utf8_clean_dup(mem, s, n, max, flags);
    if (is_cut)
        n = most;
    sbuf_init(&clean, n * 4 + 16);
    utf8_clean(&clean, s, n, flags);
    size_t keep = clean.len;
    if (is_cut || keep > max) {
        keep = keep < max - (sizeof dots - 1) ? keep : max - (sizeof dots - 1);
        while (keep && keep < clean.len && ((unsigned char)clean.buf[keep] & 0xc0) == 0x80)
            keep--;
        clean.len = keep;
        sbuf_adds(&clean, dots);
    }
    char *out = arena_strndup(mem, clean.buf, clean.len);
    sbuf_release(&clean);
    return out;
}
