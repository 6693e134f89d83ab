/* Cells as people read them. See format.h. */
#include "format.h"

#include <stdio.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/require.h"

#include "theme.h"

enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    DAY_MS = 24 * HOUR_MS
};

/* Ages below a minute are not counted: a number that ticks is no news and costs the line. */
const char *format_age(struct paint *pt, int64_t then_ms, char out[48])
{
    require(pt && out);
    int64_t age = pt->now_ms > then_ms ? pt->now_ms - then_ms : 0;
    int64_t unit = age < HOUR_MS ? MINUTE_MS : age < 2 * DAY_MS ? HOUR_MS : DAY_MS;
    int64_t next =
        then_ms > pt->now_ms ? pt->now_ms + MINUTE_MS : then_ms + (age / unit + 1) * unit;

    if (next < pt->next_ms)
        pt->next_ms = next;
    if (age < MINUTE_MS) {
        snprintf(out, 48, "<1m");
        return out;
    }
    return time_age(age, out);
}

const char *format_count(int64_t n, char out[48])
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n);
    size_t used = 0;

    for (int i = 0; i < len && used + 2 < 48; i++) {
        if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

struct row_status format_row_status(const struct row_set *rs, size_t row)
{
    require(rs && row < rs->nrows);
    struct row_status st = { .shown = STATUS_UNKNOWN, .last = "" };
    const char *word = row_set_text(rs, row, "status");
    const char *last = row_set_text(rs, row, "last_status");

    /* A word that is none of the five is unknown, whatever it looks like. */
    if (!status_parse(word, &st.shown))
        st.shown = STATUS_UNKNOWN;
    st.is_stale = row_set_int(rs, row, "stale", 0) != 0;
    if (st.shown == STATUS_UNKNOWN && last[0] && strcmp(last, "unknown") != 0)
        st.last = last;
    return st;
}

enum role format_status_role(const struct row_status *st)
{
    require(st);
    if (st->is_stale && (st->shown == STATUS_OK || st->shown == STATUS_INFO))
        return ROLE_STALE;
    return theme_status_role(st->shown);
}

static enum role add_status(struct paint *pt, const struct row_set *rs, size_t row, int col,
                            struct sbuf *out)
{
    struct row_status st = format_row_status(rs, row);

    /* Another column holds another status: its word decides, staleness is the row's. */
    if (strcmp(rs->cols[col], "status") != 0) {
        st.last = "";
        if (!status_parse(row_set_at(rs, row, col)->text, &st.shown))
            st.shown = STATUS_UNKNOWN;
    }
    enum role role = format_status_role(&st);
    sbuf_adds(out, theme_glyph(pt->theme, role, pt->cv->ascii));
    if (st.is_stale && role != ROLE_STALE && st.shown != STATUS_UNKNOWN)
        sbuf_adds(out, theme_glyph(pt->theme, ROLE_STALE, pt->cv->ascii));
    return role;
}

void format_status_long(struct paint *pt, const struct row_set *rs, size_t row, struct sbuf *out)
{
    require(pt && rs && out);
    struct row_status st = format_row_status(rs, row);
    enum role role = format_status_role(&st);

    sbuf_addf(out, "%s %s", theme_glyph(pt->theme, role, pt->cv->ascii), status_word(st.shown));
    if (st.last[0])
        sbuf_addf(out, " (was %s)", st.last);
    if (st.is_stale)
        sbuf_adds(out, ", stale: not seen again for over two intervals");
}

static void add_text(const struct row_set *rs, size_t row, int col, struct sbuf *out)
{
    if (!strcmp(rs->cols[col], "summary")) {
        struct row_status st = format_row_status(rs, row);
        if (st.last[0] && row_set_col(rs, "status") >= 0)
            sbuf_addf(out, "(was %s) ", st.last);
    }
    sbuf_adds(out, row_set_at(rs, row, col)->text);
}

static void add_number(const struct cell *v, enum column_as as, struct sbuf *out)
{
    char text[TIME_TEXT_MAX];

    if (as == COL_BYTES)
        sbuf_adds(out, size_format(v->i, text));
    else if (as == COL_DURATION && v->i >= 1000)
        sbuf_adds(out, dur_format(v->i - v->i % 1000, text));
    else if (as == COL_DURATION)
        sbuf_addf(out, "%lldms", (long long)v->i);
    else if (v->type == CELL_INT)
        sbuf_adds(out, format_count(v->i, text));
    else
        sbuf_adds(out, v->text);
}

enum role format_cell(struct paint *pt, const struct row_set *rs, size_t row, int col,
                      enum column_as as, struct sbuf *out)
{
    require(pt && rs && out);
    const struct cell *v = row_set_at(rs, row, col);
    char text[TIME_TEXT_MAX];
    bool is_number = v->type == CELL_INT || v->type == CELL_REAL;

    if (col < 0 || (size_t)col >= rs->ncols)
        return ROLE_DIM;
    if (as == COL_STATUS)
        return add_status(pt, rs, row, col, out);
    if (as == COL_TEXT || !is_number) {
        add_text(rs, row, col, out);
        return ROLE_TEXT;
    }
    if (as == COL_AGE) {
        sbuf_adds(out, format_age(pt, v->i, text));
        return format_row_status(rs, row).is_stale ? ROLE_STALE : ROLE_TEXT;
    }
    if (as == COL_TIME)
        sbuf_adds(out, time_local(v->i, pt->now_ms, text));
    else
        add_number(v, as, out);
    return ROLE_TEXT;
}

bool format_is_right(enum column_as as)
{
    return as == COL_AGE || as == COL_NUMBER || as == COL_BYTES || as == COL_DURATION;
}
