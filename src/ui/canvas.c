/*
 * A grid of cells. See canvas.h. It clips everything, keeps the two halves of wide clusters
 * together and lets no control byte into a cell, whatever it is given: this is the last door
 * before the terminal.
 */
#include "opsdeck/ui/canvas.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

enum {
    CANVAS_SIDE_MAX = 2000,
    CUT_LOOK_BYTES = 4096
};

static int clamp_side(int n)
{
    return n < 1 ? 1 : n > CANVAS_SIDE_MAX ? CANVAS_SIDE_MAX : n;
}

struct canvas *canvas_new(int rows, int cols, bool ascii)
{
    struct canvas *cv = xcalloc(1, sizeof *cv);

    cv->ascii = ascii;
    canvas_resize(cv, rows, cols);
    return cv;
}

void canvas_free(struct canvas *cv)
{
    if (!cv)
        return;
    free(cv->cells);
    free(cv);
}

void canvas_resize(struct canvas *cv, int rows, int cols)
{
    require(cv);
    cv->rows = clamp_side(rows);
    cv->cols = clamp_side(cols);
    cv->cells = xreallocarray(cv->cells, (size_t)cv->rows * (size_t)cv->cols, sizeof *cv->cells);
    canvas_clear(cv);
}

void canvas_clear(struct canvas *cv)
{
    require(cv);
    static const struct canvas_cell blank = { .text = " ", .role = ROLE_TEXT };
    size_t n = (size_t)cv->rows * (size_t)cv->cols;

    for (size_t i = 0; i < n; i++)
        cv->cells[i] = blank;
    cv->cursor_row = cv->cursor_col = -1;
}

static struct canvas_cell *cell_at(struct canvas *cv, int row, int col)
{
    return &cv->cells[(size_t)row * (size_t)cv->cols + (size_t)col];
}

/* A wide cluster that loses one half loses the other too. */
static void break_wide(struct canvas *cv, int row, int col)
{
    struct canvas_cell *c = cell_at(cv, row, col);

    if (!c->text[0] && col > 0)
        memcpy(c[-1].text, " ", 2);
    else if (col + 1 < cv->cols && !c[1].text[0])
        memcpy(c[1].text, " ", 2);
}

static bool is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
}

/* Copy one cluster; what is not fit for a cell becomes U+FFFD. */
static void cell_put(struct canvas_cell *c, const char *s, size_t n)
{
    size_t used = 0, len = 0;

    while (used < n) {
        uint32_t cp;
        char b[4];

        used += utf8_decode(s + used, n - used, &cp);
        size_t nb = utf8_encode(is_control(cp) ? 0xfffd : cp, b);
        if (len + nb >= sizeof c->text)
            break; /* marks past the cell's size are not drawn */
        memcpy(c->text + len, b, nb);
        len += nb;
    }
    c->text[len] = '\0';
}

static void put_cluster(struct canvas *cv, int row, int col, int width, enum role role,
                        const char *s, size_t n)
{
    for (int i = 0; i < width; i++) {
        break_wide(cv, row, col + i);
        struct canvas_cell *c = cell_at(cv, row, col + i);
        c->role = (uint8_t)role;
        c->is_selected = false;
        if (i == 0)
            cell_put(c, s, n);
        else
            c->text[0] = '\0';
    }
}

/* One cluster of text that may be hostile: a control byte counts as one column. */
static size_t next_cluster(const char *s, size_t n, int *width)
{
    unsigned char b = (unsigned char)s[0];

    if (b < 0x20 || b == 0x7f || (b == 0xc2 && n > 1 && (unsigned char)s[1] < 0xa0)) {
        *width = 1;
        return b == 0xc2 ? 2 : 1;
    }
    return utf8_cluster(s, n, width);
}

int canvas_text(struct canvas *cv, int row, int col, int max_cols, enum role role, const char *text)
{
    require(cv && text);
    size_t n = strlen(text), i = 0;
    int used = 0;

    if (row < 0 || row >= cv->rows)
        return 0;
    while (i < n) {
        int width;
        size_t len = next_cluster(text + i, n - i, &width);

        if (!len || used + width > max_cols || col + used + width > cv->cols)
            break;
        if (width > 0 && col + used >= 0)
            put_cluster(cv, row, col + used, width, role, text + i, len);
        used += width;
        i += len;
    }
    return used;
}

void canvas_fill(struct canvas *cv, int row, int col, int cols, enum role role)
{
    require(cv);
    if (row < 0 || row >= cv->rows)
        return;
    for (int i = col < 0 ? 0 : col; i < col + cols && i < cv->cols; i++)
        put_cluster(cv, row, i, 1, role, " ", 1);
}

/* Start of the longest tail of `s` that fits into max_cols columns. */
static const char *tail_of(const char *s, size_t n, int max_cols)
{
    size_t from = n > CUT_LOOK_BYTES ? n - CUT_LOOK_BYTES : 0;
    int total = 0, width;

    while (from < n && ((unsigned char)s[from] & 0xc0) == 0x80)
        from++;
    for (size_t i = from; i < n;) {
        size_t len = next_cluster(s + i, n - i, &width);
        if (!len)
            break;
        total += width;
        i += len;
    }
    while (from < n && total > max_cols) {
        from += next_cluster(s + from, n - from, &width);
        total -= width;
    }
    return s + from;
}

void canvas_field(struct canvas *cv, int row, int col, int cols, enum role role, const char *text,
                  bool right, bool middle_cut)
{
    require(cv && text);
    const char *dots = cv->ascii ? "~" : "\xe2\x80\xa6";
    size_t n = strlen(text);
    int width;

    if (cols <= 0)
        return;
    canvas_fill(cv, row, col, cols, role);
    if (utf8_prefix(text, cols, &width) == n) {
        canvas_text(cv, row, right ? col + cols - width : col, cols, role, text);
        return;
    }
    if (middle_cut && cols >= 5) {
        int left = cols / 2;
        int used = canvas_text(cv, row, col, left, role, text);
        used += canvas_text(cv, row, col + used, 1, role, dots);
        canvas_text(cv, row, col + used, cols - used, role, tail_of(text, n, cols - used));
        return;
    }
    int used = canvas_text(cv, row, col, cols - 1, role, text);
    canvas_text(cv, row, col + used, 1, role, dots);
}

void canvas_select(struct canvas *cv, int row, int col, int cols)
{
    require(cv);
    int last = -1;

    if (row < 0 || row >= cv->rows)
        return;
    if (col < 0)
        col = 0;
    for (int i = col; i < col + cols && i < cv->cols; i++)
        if (strcmp(cell_at(cv, row, i)->text, " ") != 0)
            last = i;
    /* An empty row still shows where the cursor is. */
    if (last < 0)
        last = col < cv->cols ? col : cv->cols - 1;
    for (int i = col; i <= last; i++)
        cell_at(cv, row, i)->is_selected = true;
}
