/*
 * The table widget: columns by width and priority, order, filter, a cursor that stays on its
 * entity (source, kind, key) whatever the rows do. It borrows the row set and the list
 * definition from its pane. Loop thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_TABLE_H
#define OPSDECK_UI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/config/ui_files.h"

#include "actions.h"
#include "opsdeck/ui/filter.h"
#include "format.h"

struct table {
    const struct list_def *def;
    const struct row_set *rs; /* NULL before the first answer */
    uint32_t *order;          /* rows shown, in the order shown */
    size_t n, cap;
    size_t cursor, top; /* positions in `order` */
    char *cursor_id;    /* of the row under the cursor; NULL: none yet */
    int sort_col;       /* index into def->cols; -1: the pane's own order */
    bool is_sort_descending, is_problems_only, is_wide;
    int skip_cols; /* wide: columns scrolled away to the left */
    char *filter_text;
    struct filter filter;
    struct arena *fold_mem;
    const char **fold; /* folded text of each row, made when a filter first asks */
    int page;          /* rows on the screen at the last layout */
};

void table_init(struct table *t, const struct list_def *def);
void table_release(struct table *t);
/* New rows; the old ones may be freed afterwards. The cursor goes where its entity went. */
void table_set_rows(struct table *t, const struct row_set *rs);
void table_set_filter(struct table *t, const char *text);
bool table_sort_by(struct table *t,
                   const char *column); /* by name or title; false: no such column */
/* Moves, sorts, problems only, wide. False: not a table action. */
bool table_act(struct table *t, enum action a);
/* The row under the cursor, -1 when there is none. */
long table_row(const struct table *t);
/* Rows (without the title line) that fit; keeps the cursor on the screen. */
void table_layout(struct table *t, int rows);
/* Title line and rows into a region of the canvas. */
void table_draw(const struct table *t, struct paint *pt, int row, int rows, int cols);
/* "12/1,000", with the number of all rows behind when some are filtered out. */
const char *table_position(const struct table *t, char out[160]);

#endif
