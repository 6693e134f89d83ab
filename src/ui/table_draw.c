/*
 * Drawing of the table widget: which columns fit, how wide they are, title line, rows. Work
 * is bound to what is on the screen. See table.h.
 */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

#include "table.h"
#include "theme.h"

enum {
    COLS_MAX = 64,
    WIDE_MAX = 240
};

struct layout {
    int width[COLS_MAX]; /* 0: not shown */
    int n;
};

static int min_width(const struct column_def *c)
{
    int title = utf8_width(c->title);
    int min = c->min > 0 ? c->min : 1;

    if (c->max > 0 && title > c->max)
        title = c->max;
    return min > title ? min : title;
}

static int total_width(const struct layout *l)
{
    int total = 0;

    for (int i = 0; i < l->n; i++)
        total += l->width[i] ? l->width[i] + 1 : 0;
    return total ? total - 1 : 0;
}

/* The columns that may go leave first; then the last one left is cut. */
static void drop_columns(const struct table *t, struct layout *l, int cols)
{
    while (total_width(l) > cols) {
        int worst = -1, shown = 0;

        for (int i = 0; i < l->n; i++) {
            if (!l->width[i])
                continue;
            shown++;
            if (t->def->cols[i].priority > 0 &&
                (worst < 0 || t->def->cols[i].priority >= t->def->cols[worst].priority))
                worst = i;
        }
        for (int i = l->n - 1; worst < 0 && i >= 0; i--)
            if (l->width[i])
                worst = i;
        int spare = cols - (total_width(l) - l->width[worst]);
        bool is_last_way = t->def->cols[worst].priority == 0;
        if (is_last_way && (spare >= 3 || shown == 1)) {
            l->width[worst] = spare > 0 ? spare : 1;
            return;
        }
        l->width[worst] = 0;
    }
}

static void grow_columns(const struct table *t, struct layout *l, int cols)
{
    for (int spare = cols - total_width(l); spare > 0;) {
        int shares = 0, given = 0;

        for (int i = 0; i < l->n; i++) {
            const struct column_def *c = &t->def->cols[i];
            if (l->width[i] && c->grow > 0 && (!c->max || l->width[i] < c->max))
                shares += c->grow;
        }
        if (!shares)
            return;
        for (int i = 0; i < l->n && given < spare; i++) {
            const struct column_def *c = &t->def->cols[i];
            if (!l->width[i] || c->grow <= 0 || (c->max && l->width[i] >= c->max))
                continue;
            int more = spare * c->grow / shares;
            more = more > 0 ? more : 1;
            if (c->max && l->width[i] + more > c->max)
                more = c->max - l->width[i];
            more = more > spare - given ? spare - given : more;
            l->width[i] += more;
            given += more;
        }
        spare -= given;
    }
}

/* Wide: every column as wide as what the page holds, from the first not scrolled away. */
static void natural_widths(const struct table *t, struct paint *pt, struct layout *l, int rows)
{
    struct sbuf sb;

    sbuf_init(&sb, 1 << 20);
    for (int i = 0; i < l->n; i++) {
        int col = row_set_col(t->rs, t->def->cols[i].from);

        if (i < t->skip_cols) {
            l->width[i] = 0;
            continue;
        }
        for (size_t k = t->top; k < t->n && k < t->top + (size_t)rows; k++) {
            sbuf_reset(&sb);
            format_cell(pt, t->rs, t->order[k], col, t->def->cols[i].as, &sb);
            int w = utf8_width(sb.buf);
            w = w > WIDE_MAX ? WIDE_MAX : w;
            l->width[i] = w > l->width[i] ? w : l->width[i];
        }
    }
    sbuf_release(&sb);
}

static void lay_out(const struct table *t, struct paint *pt, struct layout *l, int rows, int cols)
{
    l->n = (int)(t->def->ncols < COLS_MAX ? t->def->ncols : COLS_MAX);
    for (int i = 0; i < l->n; i++)
        l->width[i] = min_width(&t->def->cols[i]);
    if (t->is_wide && t->rs) {
        natural_widths(t, pt, l, rows);
        return;
    }
    drop_columns(t, l, cols);
    grow_columns(t, l, cols);
}

static void draw_titles(const struct table *t, struct paint *pt, const struct layout *l, int row,
                        int cols)
{
    struct sbuf sb;
    int x = 0;

    sbuf_init(&sb, 4096);
    for (int i = 0; i < l->n && x < cols; i++) {
        const struct column_def *c = &t->def->cols[i];
        int w = l->width[i] < cols - x ? l->width[i] : cols - x;

        if (!l->width[i])
            continue;
        sbuf_reset(&sb);
        sbuf_adds(&sb, c->title);
        if (i == t->sort_col) { /* the mark must survive a narrow column */
            const char *mark = pt->cv->ascii
                                   ? (t->is_sort_descending ? "v" : "^")
                                   : (t->is_sort_descending ? "\xe2\x86\x93" : "\xe2\x86\x91");
            sb.len = utf8_prefix(sb.buf, w - 1, NULL);
            sb.buf[sb.len] = '\0';
            sbuf_adds(&sb, mark);
        }
        canvas_field(pt->cv, row, x, w, ROLE_TITLE, sb.buf, format_is_right(c->as), false);
        x += l->width[i] + 1;
    }
    sbuf_release(&sb);
}

static void draw_row(const struct table *t, struct paint *pt, const struct layout *l, size_t at,
                     int row, int cols)
{
    struct sbuf sb;
    int x = 0;

    sbuf_init(&sb, 1 << 20);
    for (int i = 0; i < l->n && x < cols; i++) {
        const struct column_def *c = &t->def->cols[i];
        int w = l->width[i] < cols - x ? l->width[i] : cols - x;

        if (!l->width[i])
            continue;
        sbuf_reset(&sb);
        enum role role =
            format_cell(pt, t->rs, t->order[at], row_set_col(t->rs, c->from), c->as, &sb);
        canvas_field(pt->cv, row, x, w, role, sb.buf, format_is_right(c->as), c->middle_cut);
        x += l->width[i] + 1;
    }
    if (at == t->cursor)
        canvas_select(pt->cv, row, 0, cols);
    sbuf_release(&sb);
}

void table_draw(const struct table *t, struct paint *pt, int row, int rows, int cols)
{
    require(t && pt);
    struct layout l = { 0 };
    int titles = rows > 1 ? 1 : 0;

    lay_out(t, pt, &l, rows - titles, cols);
    if (titles)
        draw_titles(t, pt, &l, row, cols);
    for (int i = 0; i < rows - titles; i++)
        if (t->top + (size_t)i < t->n)
            draw_row(t, pt, &l, t->top + (size_t)i, row + titles + i, cols);
}
