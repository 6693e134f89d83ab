/* Rows with named columns. See row_set.h. */
#include "opsdeck/base/row_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"

struct row_set *row_set_new(const char *const *cols, size_t ncols)
{
    struct row_set *rs = xcalloc(1, sizeof *rs);

    rs->mem = arena_new();
    rs->ncols = ncols;
    rs->cols = arena_array(rs->mem, ncols, sizeof *rs->cols);
    for (size_t i = 0; i < ncols; i++)
        rs->cols[i] = arena_strdup(rs->mem, cols[i]);
    return rs;
}

void row_set_free(struct row_set *rs)
{
    if (!rs)
        return;
    free(rs->cells);
    arena_free(rs->mem);
    free(rs);
}

struct cell *row_set_add(struct row_set *rs)
{
    static const struct cell null_cell = { .type = CELL_NULL, .text = "" };
    size_t width = rs->ncols ? rs->ncols : 1;

    if (rs->nrows == rs->cap) {
        rs->cap = rs->cap ? rs->cap * 2 : 16;
        rs->cells = xreallocarray(rs->cells, rs->cap * width, sizeof *rs->cells);
    }
    struct cell *row = rs->cells + rs->nrows++ * rs->ncols;
    for (size_t i = 0; i < rs->ncols; i++)
        row[i] = null_cell;
    return row;
}

void cell_set_int(struct cell *c, struct row_set *rs, int64_t v)
{
    *c = (struct cell){ CELL_INT, v, (double)v, arena_printf(rs->mem, "%lld", (long long)v) };
}

void cell_set_real(struct cell *c, struct row_set *rs, double v)
{
    int64_t whole = v >= -9.2e18 && v <= 9.2e18 ? (int64_t)v : 0; /* NaN compares false */

    *c = (struct cell){ CELL_REAL, whole, v, arena_printf(rs->mem, "%.15g", v) };
}

void cell_set_text(struct cell *c, struct row_set *rs, const char *s)
{
    *c = (struct cell){ CELL_TEXT, 0, 0, arena_strdup(rs->mem, s ? s : "") };
}

int row_set_col(const struct row_set *rs, const char *name)
{
    for (size_t i = 0; rs && i < rs->ncols; i++)
        if (!strcmp(rs->cols[i], name))
            return (int)i;
    return -1;
}

const struct cell *row_set_at(const struct row_set *rs, size_t row, int col)
{
    static const struct cell none = { .type = CELL_NULL, .text = "" };

    if (!rs || row >= rs->nrows || col < 0 || (size_t)col >= rs->ncols)
        return &none;
    return &rs->cells[row * rs->ncols + (size_t)col];
}

const char *row_set_text(const struct row_set *rs, size_t row, const char *col)
{
    return row_set_at(rs, row, row_set_col(rs, col))->text;
}

int64_t row_set_int(const struct row_set *rs, size_t row, const char *col, int64_t dflt)
{
    const struct cell *c = row_set_at(rs, row, row_set_col(rs, col));

    return c->type == CELL_INT || c->type == CELL_REAL ? c->i : dflt;
}
