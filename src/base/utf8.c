/*
 * The text door and widths. See utf8.h. The door is a predicate over code points, never a
 * matcher of escape sequences, so that an unterminated or reassembled sequence cannot exist.
 */
#include "opsdeck/base/utf8.h"

#include <string.h>

#include <utf8proc.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"

enum {
    MARKS_MAX = 4,
    REPLACEMENT = 0xfffd,
    ELLIPSIS = 0x2026
};

size_t utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

/*
 * One code point by the table of well-formed byte sequences (Unicode 15, table 3-7).
 * *ok is false for ill-formed input; then the return is the maximal subpart's length.
 */
static size_t decode_strict(const unsigned char *s, size_t n, uint32_t *cp, bool *ok)
{
    unsigned char b = s[0], lo = 0x80, hi = 0xbf;
    size_t need;

    *cp = REPLACEMENT;
    *ok = false;
    if (b < 0x80) {
        *cp = b;
        *ok = true;
        return 1;
    }
    if (b < 0xc2 || b > 0xf4)
        return 1;
    need = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
    if (b == 0xe0)
        lo = 0xa0;
    else if (b == 0xed)
        hi = 0x9f;
    else if (b == 0xf0)
        lo = 0x90;
    else if (b == 0xf4)
        hi = 0x8f;
    uint32_t v = b & (0x3fu >> need);
    for (size_t i = 1; i <= need; i++) {
        if (i >= n || s[i] < lo || s[i] > hi)
            return i;
        v = v << 6 | (s[i] & 0x3f);
        lo = 0x80;
        hi = 0xbf;
    }
    *cp = v;
    *ok = true;
    return need + 1;
}

size_t utf8_decode(const char *s, size_t n, uint32_t *cp)
{
    bool ok;

    return decode_strict((const unsigned char *)s, n, cp, &ok);
}

bool utf8_is_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        bool ok;
        i += decode_strict((const unsigned char *)s + i, n - i, &cp, &ok);
        if (!ok)
            return false;
    }
    return true;
}

struct range {
    uint32_t first, last;
};

static bool in_ranges(uint32_t cp, const struct range *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cp >= r[i].first && cp <= r[i].last)
            return true;
    return false;
}

/* Shown as U+FFFD: they would move text or the cursor. */
static bool is_replaced(uint32_t cp)
{
    static const struct range bad[] = {
        { 0x00, 0x1f },     { 0x7f, 0x9f },     { 0x061c, 0x061c },
        { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
        { 0xfff9, 0xfffc }, { 0xe000, 0xf8ff }, { 0xf0000, 0x10ffff },
    };
    return in_ranges(cp, bad, ARRAY_LEN(bad)) || (cp & 0xfffe) == 0xfffe;
}

/* Dropped: they take no cell and only make two texts look alike. */
static bool is_dropped(uint32_t cp)
{
    static const struct range invisible[] = {
        { 0x00ad, 0x00ad },   { 0x034f, 0x034f },   { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },
        { 0x180b, 0x180f },   { 0x200b, 0x200d },   { 0x2060, 0x2065 },   { 0x206a, 0x206f },
        { 0x3164, 0x3164 },   { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },
        { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
    };
    return cp >= 0xad && in_ranges(cp, invisible, ARRAY_LEN(invisible));
}

static bool is_mark(uint32_t cp)
{
    if (cp < 0x300)
        return false;
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)cp);
    return p->category == UTF8PROC_CATEGORY_MN || p->category == UTF8PROC_CATEGORY_ME ||
           p->category == UTF8PROC_CATEGORY_MC;
}

enum fate {
    FATE_KEEP,
    FATE_SPACE,
    FATE_REPLACE,
    FATE_DROP
};

static enum fate fate_of(uint32_t cp, unsigned flags)
{
    if (cp == '\t')
        return FATE_SPACE;
    if (cp == '\n')
        return flags & UTF8_KEEP_LF ? FATE_KEEP : FATE_SPACE;
    if (cp == '\r')
        return flags & UTF8_KEEP_LF ? FATE_DROP : FATE_SPACE;
    if (is_replaced(cp))
        return FATE_REPLACE;
    return is_dropped(cp) ? FATE_DROP : FATE_KEEP;
}

static bool add_cp(struct sbuf *out, uint32_t cp)
{
    char b[4];

    return sbuf_add(out, b, utf8_encode(cp, b));
}

bool utf8_clean(struct sbuf *out, const char *s, size_t n, unsigned flags)
{
    const unsigned char *u = (const unsigned char *)s;
    int marks = -1; /* marks on the current base; -1: no base yet */
    size_t i = 0;

    while (i < n) {
        size_t run = i; /* the common case: printable ASCII, copied in one piece */
        while (run < n && u[run] >= 0x20 && u[run] < 0x7f)
            run++;
        if (run > i) {
            if (!sbuf_add(out, s + i, run - i)) {
                sbuf_add(out, s + i,
                         out->max - out->len); /* what still fits, for who wants a cut */
                out->is_full = true;
                return false;
            }
            i = run;
            marks = 0;
            continue;
        }
        uint32_t cp;
        bool ok;
        i += decode_strict(u + i, n - i, &cp, &ok);
        enum fate fate = ok ? fate_of(cp, flags) : FATE_REPLACE;
        if (fate == FATE_DROP)
            continue;
        if (fate == FATE_KEEP && is_mark(cp)) {
            if (marks < 0 && !add_cp(out, 0x25cc)) /* dotted circle carries a leading mark */
                return false;
            marks = marks < 0 ? 1 : marks + 1;
            if (marks > MARKS_MAX)
                continue;
        } else {
            marks = cp == '\n' || fate == FATE_SPACE ? -1 : 0;
        }
        cp = fate == FATE_SPACE ? ' ' : fate == FATE_REPLACE ? REPLACEMENT : cp;
        if (!add_cp(out, cp))
            return false;
    }
    return true;
}

char *utf8_clean_dup(struct arena *a, const char *s, size_t n, size_t max_bytes, unsigned flags)
{
    struct sbuf sb;
    char dots[4];
    size_t ndots = utf8_encode(ELLIPSIS, dots);

    /* Only what can still fit is looked at: the clean form of a byte is at most 3 bytes long. */
    sbuf_init(&sb, max_bytes + 8);
    bool fits = utf8_clean(&sb, s, n, flags) && sb.len <= max_bytes;
    if (!fits && max_bytes >= ndots) {
        size_t keep = sb.len < max_bytes - ndots ? sb.len : max_bytes - ndots;
        while (keep > 0 && keep < sb.len && ((unsigned char)sb.buf[keep] & 0xc0) == 0x80)
            keep--;
        sb.len = keep;
        sb.buf[keep] = '\0';
        sbuf_add(&sb, dots, ndots);
    }
    char *p = arena_strndup(a, sb.buf, sb.len);
    sbuf_release(&sb);
    return p;
}

bool utf8_is_clean(const char *s, size_t n, unsigned flags)
{
    struct sbuf sb;

    for (size_t i = 0;; i++) {
        if (i == n)
            return true; /* plain ASCII needs no copy */
        unsigned char c = (unsigned char)s[i];
        if (c < 0x20 || c >= 0x7f)
            break;
    }
    sbuf_init(&sb, n * 3 + 8);
    bool same = utf8_clean(&sb, s, n, flags) && sb.len == n && !memcmp(sb.buf, s, n);
    sbuf_release(&sb);
    return same;
}

static int cp_cols(uint32_t cp)
{
    if (cp >= 0x20 && cp < 0x7f)
        return 1;
    int w = utf8proc_charwidth((utf8proc_int32_t)cp);
    return w < 0 ? 0 : w;
}

size_t utf8_cluster(const char *s, size_t n, int *cols)
{
    uint32_t cp, next;
    utf8proc_int32_t state = 0;

    *cols = 0;
    if (n == 0 || !*s)
        return 0;
    size_t used = utf8_decode(s, n, &cp);
    int width = cp_cols(cp);
    while (used < n && s[used]) {
        if ((unsigned char)s[used] < 0x7f && cp < 0x7f)
            break; /* two ASCII characters never join after the door */
        size_t more = utf8_decode(s + used, n - used, &next);
        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)cp, (utf8proc_int32_t)next, &state))
            break;
        width += cp_cols(next);
        used += more;
        cp = next;
    }
    *cols = width > 2 ? 2 : width;
    return used;
}

int utf8_width(const char *s)
{
    size_t n = strlen(s);
    int total = 0, cols;

    for (size_t i = 0; i < n;) {
        size_t used = utf8_cluster(s + i, n - i, &cols);
        if (!used)
            break;
        total += cols;
        i += used;
    }
    return total;
}

size_t utf8_prefix(const char *s, int max_cols, int *used_cols)
{
    size_t n = strlen(s), i = 0;
    int total = 0, cols;

    while (i < n) {
        size_t used = utf8_cluster(s + i, n - i, &cols);
        if (!used || total + cols > max_cols)
            break;
        total += cols;
        i += used;
    }
    if (used_cols)
        *used_cols = total;
    return i;
}

char *utf8_fold(struct arena *a, const char *s)
{
    size_t n = strlen(s);
    struct sbuf sb;

    sbuf_init(&sb, n * 4 + 8);
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        i += utf8_decode(s + i, n - i, &cp);
        if (cp < 0x80)
            sbuf_addc(&sb, (char)(cp >= 'A' && cp <= 'Z' ? cp + 32 : cp));
        else
            add_cp(&sb, (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp));
    }
    char *p = arena_strndup(a, sb.buf, sb.len);
    sbuf_release(&sb);
    return p;
}
