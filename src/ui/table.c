/*
 * The table widget: what is shown in which order, and where the cursor is. Drawing stands in
 * table_draw.c. See table.h.
 */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

#include "attrs.h"

void table_init(struct table *t, const struct list_def *def)
{
    require(t && def);
    *t = (struct table){ .def = def, .sort_col = -1, .page = 1 };
}

static void fold_drop(struct table *t)
{
    arena_free(t->fold_mem);
    t->fold_mem = NULL;
    t->fold = NULL;
}

void table_release(struct table *t)
{
    free(t->order);
    free(t->cursor_id);
    free(t->filter_text);
    filter_release(&t->filter);
    fold_drop(t);
    *t = (struct table){ .sort_col = -1 };
}

/* ---- identity */

/* The cells that name a row; rows without them are named by their first cell. */
static void id_cols(const struct row_set *rs, int cols[3])
{
    cols[0] = row_set_col(rs, "source");
    cols[1] = row_set_col(rs, "kind");
    cols[2] = row_set_col(rs, "key");
    if (cols[2] < 0)
        cols[2] = 0;
}

static bool id_equals(const struct row_set *rs, size_t row, const int cols[3], const char *id)
{
    for (int i = 0; i < 3; i++) {
        const char *s = row_set_at(rs, row, cols[i])->text;
        size_t n = strlen(s);

        if (strncmp(id, s, n) != 0 || id[n] != (i < 2 ? '\x1f' : '\0'))
            return false;
        id += n + 1;
    }
    return true;
}

static void id_keep(struct table *t)
{
    long row = table_row(t);
    struct sbuf sb;
    int cols[3];

    if (row < 0)
        return; /* an empty table forgets nothing: the row may come back */
    id_cols(t->rs, cols);
    sbuf_init(&sb, 1 << 20);
    for (int i = 0; i < 3; i++) {
        sbuf_adds(&sb, row_set_at(t->rs, (size_t)row, cols[i])->text);
        if (i < 2)
            sbuf_addc(&sb, '\x1f');
    }
    free(t->cursor_id);
    t->cursor_id = sbuf_detach(&sb, NULL);
    sbuf_release(&sb);
}

/* Put the cursor on its entity; where it is gone, the cursor stays at its place. */
static void id_find(struct table *t)
{
    int cols[3];

    if (t->cursor_id && t->rs) {
        id_cols(t->rs, cols);
        for (size_t i = 0; i < t->n; i++)
            if (id_equals(t->rs, t->order[i], cols, t->cursor_id)) {
                t->cursor = i;
                return;
            }
    }
    if (t->cursor >= t->n)
        t->cursor = t->n ? t->n - 1 : 0;
}

/* ---- order */

struct sort_key {
    int col;
    bool is_status, is_descending;
};

struct sort_plan {
    const struct row_set *rs;
    struct sort_key k[4];
    size_t n;
};

static int cmp_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int status_order(const char *word)
{
    enum status s;

    return status_parse(word, &s) ? (int)s : (int)STATUS_UNKNOWN;
}

static int cmp_cell(const struct cell *a, const struct cell *b, const struct sort_key *k)
{
    bool a_num = a->type == CELL_INT || a->type == CELL_REAL;
    bool b_num = b->type == CELL_INT || b->type == CELL_REAL;
    int d;

    /* What is not there comes last in either direction. */
    if (a->type == CELL_NULL || b->type == CELL_NULL)
        return (a->type == CELL_NULL) - (b->type == CELL_NULL);
    if (k->is_status)
        d = cmp_i64(status_order(a->text), status_order(b->text));
    else if (a_num && b_num)
        d = a->type == CELL_INT && b->type == CELL_INT ? cmp_i64(a->i, b->i)
                                                       : (a->d > b->d) - (a->d < b->d);
    else if (a_num != b_num)
        d = a_num ? -1 : 1;
    else {
        d = strcasecmp(a->text, b->text);
        d = d ? d : strcmp(a->text, b->text);
    }
    return k->is_descending ? -d : d;
}

static int cmp_rows(const void *pa, const void *pb, void *ctx)
{
    const struct sort_plan *plan = ctx;
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

    for (size_t i = 0; i < plan->n; i++) {
        int d = cmp_cell(row_set_at(plan->rs, a, plan->k[i].col),
                         row_set_at(plan->rs, b, plan->k[i].col), &plan->k[i]);
        if (d)
            return d;
    }
    return cmp_i64(a, b); /* the query's own order */
}

static void plan_add(struct sort_plan *plan, const char *col, bool is_descending)
{
    int c = row_set_col(plan->rs, col);

    if (c >= 0 && plan->n < ARRAY_LEN(plan->k))
        plan->k[plan->n++] =
            (struct sort_key){ c, !strcmp(col, "status") || !strcmp(col, "last_status"),
                               is_descending };
}

static void sort_rows(struct table *t)
{
    struct sort_plan plan = { .rs = t->rs };

    if (t->sort_col >= 0)
        plan_add(&plan, t->def->cols[t->sort_col].from, t->is_sort_descending);
    for (size_t i = 0; i < t->def->nsort && i < ARRAY_LEN(t->def->sort); i++) {
        bool desc = t->def->sort[i].is_descending;
        /* Inverting the pane's own order turns its first column round. */
        if (i == 0 && t->sort_col < 0 && t->is_sort_descending)
            desc = !desc;
        plan_add(&plan, t->def->sort[i].col, desc);
    }
    if (t->n < 2)
        return;
    if (plan.n)
        qsort_r(t->order, t->n, sizeof *t->order, cmp_rows, &plan);
    else if (t->is_sort_descending)
        for (size_t i = 0; i < t->n / 2; i++) {
            uint32_t keep = t->order[i];
            t->order[i] = t->order[t->n - 1 - i];
            t->order[t->n - 1 - i] = keep;
        }
}

/* ---- filter */

static void fold_add(struct sbuf *sb, const char *s, size_t n)
{
    size_t at = sb->len;

    if (!sbuf_add(sb, s, n))
        return;
    for (char *p = sb->buf + at; p < sb->buf + sb->len; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
    sbuf_addc(sb, '\x1f');
}

/* Columns whose text words are looked for in. Returns how many. */
static size_t fold_cols(const struct table *t, int *cols)
{
    size_t n = 0;

    for (size_t i = 0; i < t->def->ncols; i++) {
        enum column_as as = t->def->cols[i].as;
        /* Ages and times are shown in words; their milliseconds are nothing to search. */
        if (as != COL_AGE && as != COL_TIME)
            cols[n++] = row_set_col(t->rs, t->def->cols[i].from);
    }
    cols[n++] = row_set_col(t->rs, "key");
    return n;
}

static void fold_row(const struct table *t, size_t row, const int *cols, size_t ncols,
                     int attrs_col, struct sbuf bufs[3])
{
    const char *attrs = row_set_at(t->rs, row, attrs_col)->text;

    sbuf_reset(&bufs[0]);
    for (size_t i = 0; i < ncols; i++) {
        const char *text = row_set_at(t->rs, row, cols[i])->text;
        fold_add(&bufs[0], text, strlen(text));
    }
    while (attrs_next(&attrs, &bufs[1], &bufs[2]))
        fold_add(&bufs[0], bufs[2].buf, bufs[2].len);
}

static bool is_ascii(const char *s)
{
    while (*s && (unsigned char)*s < 0x80)
        s++;
    return !*s;
}

static void fold_make(struct table *t)
{
    int attrs_col = row_set_col(t->rs, "attrs");
    struct sbuf bufs[3];

    t->fold_mem = arena_new();
    int *cols = arena_array(t->fold_mem, t->def->ncols + 1, sizeof *cols);
    size_t ncols = fold_cols(t, cols);
    t->fold = arena_array(t->fold_mem, t->rs->nrows + 1, sizeof *t->fold);
    for (int i = 0; i < 3; i++)
        sbuf_init(&bufs[i], 1 << 20);
    for (size_t r = 0; r < t->rs->nrows; r++) {
        fold_row(t, r, cols, ncols, attrs_col, bufs);
        t->fold[r] = is_ascii(bufs[0].buf) ? arena_strndup(t->fold_mem, bufs[0].buf, bufs[0].len)
                                           : utf8_fold(t->fold_mem, bufs[0].buf);
    }
    for (int i = 0; i < 3; i++)
        sbuf_release(&bufs[i]);
}

static bool is_shown(struct table *t, size_t row)
{
    if (t->is_problems_only) {
        struct row_status st = format_row_status(t->rs, row);
        if ((st.shown == STATUS_OK || st.shown == STATUS_INFO) && !st.is_stale)
            return false;
    }
    if (!t->filter.n)
        return true;
    if (!t->fold)
        fold_make(t);
    return filter_match(&t->filter, t->fold[row], t->rs, row);
}

static void rebuild(struct table *t)
{
    t->n = 0;
    if (t->rs) {
        if (t->cap < t->rs->nrows) {
            t->cap = t->rs->nrows;
            t->order = xreallocarray(t->order, t->cap, sizeof *t->order);
        }
        for (size_t r = 0; r < t->rs->nrows; r++)
            if (is_shown(t, r))
                t->order[t->n++] = (uint32_t)r;
        sort_rows(t);
    }
    id_find(t);
    table_layout(t, t->page);
}

void table_set_rows(struct table *t, const struct row_set *rs)
{
    require(t);
    fold_drop(t);
    t->rs = rs;
    rebuild(t);
}

void table_set_filter(struct table *t, const char *text)
{
    require(t && text);
    if (!strcmp(t->filter_text ? t->filter_text : "", text))
        return;
    free(t->filter_text);
    t->filter_text = text[0] ? xstrdup(text) : NULL;
    filter_set(&t->filter, text);
    rebuild(t);
}

/* ---- actions */

bool table_sort_by(struct table *t, const char *column)
{
    require(t && column);
    for (size_t i = 0; i < t->def->ncols; i++)
        if (!strcasecmp(t->def->cols[i].from, column) ||
            !strcasecmp(t->def->cols[i].title, column)) {
            t->sort_col = (int)i;
            t->is_sort_descending = false;
            rebuild(t);
            return true;
        }
    return false;
}

static void move_to(struct table *t, int64_t to)
{
    int64_t last = (int64_t)t->n - 1;

    t->cursor = (size_t)(to > last ? (last < 0 ? 0 : last) : to < 0 ? 0 : to);
    id_keep(t);
    table_layout(t, t->page);
}

static void move_to_problem(struct table *t, int step)
{
    for (int64_t i = (int64_t)t->cursor + step; i >= 0 && i < (int64_t)t->n; i += step) {
        struct row_status st = format_row_status(t->rs, t->order[i]);

        if (st.shown != STATUS_OK && st.shown != STATUS_INFO) {
            move_to(t, i);
            return;
        }
    }
}

static bool act_move(struct table *t, enum action a)
{
    int64_t at = (int64_t)t->cursor, page = t->page > 1 ? t->page : 1;

    switch (a) {
    case ACT_UP:
    case ACT_PREV_MATCH:
        move_to(t, at - 1);
        return true;
    case ACT_DOWN:
    case ACT_NEXT_MATCH:
        move_to(t, at + 1);
        return true;
    case ACT_PAGE_UP:
        move_to(t, at - page);
        return true;
    case ACT_PAGE_DOWN:
        move_to(t, at + page);
        return true;
    case ACT_HALF_UP:
        move_to(t, at - (page + 1) / 2);
        return true;
    case ACT_HALF_DOWN:
        move_to(t, at + (page + 1) / 2);
        return true;
    case ACT_TOP:
        move_to(t, 0);
        return true;
    case ACT_BOTTOM:
        move_to(t, (int64_t)t->n - 1);
        return true;
    case ACT_NEXT_PROBLEM:
        move_to_problem(t, 1);
        return true;
    case ACT_PREV_PROBLEM:
        move_to_problem(t, -1);
        return true;
    default:
        return false;
    }
}

static void sort_step(struct table *t, int step)
{
    int n = (int)t->def->ncols;

    if (n == 0)
        return;
    t->sort_col = t->sort_col < 0 ? (step > 0 ? 0 : n - 1) : (t->sort_col + step + n) % n;
    t->is_sort_descending = false;
    rebuild(t);
}

bool table_act(struct table *t, enum action a)
{
    require(t);
    if (act_move(t, a))
        return true;
    switch (a) {
    case ACT_SORT_NEXT:
    case ACT_SORT_PREV:
        sort_step(t, a == ACT_SORT_NEXT ? 1 : -1);
        return true;
    case ACT_SORT_INVERT:
        t->is_sort_descending = !t->is_sort_descending;
        rebuild(t);
        return true;
    case ACT_SORT_DEFAULT:
        t->sort_col = -1;
        t->is_sort_descending = false;
        rebuild(t);
        return true;
    case ACT_PROBLEMS:
        t->is_problems_only = !t->is_problems_only;
        rebuild(t);
        return true;
    case ACT_WIDE:
        t->is_wide = !t->is_wide;
        t->skip_cols = 0;
        return true;
    case ACT_RIGHT:
        if (t->is_wide && t->skip_cols + 1 < (int)t->def->ncols)
            t->skip_cols++;
        return true;
    case ACT_LEFT:
        if (t->skip_cols > 0)
            t->skip_cols--;
        return true;
    default:
        return false;
    }
}

long table_row(const struct table *t)
{
    require(t);
    return t->rs && t->cursor < t->n ? (long)t->order[t->cursor] : -1;
}

void table_layout(struct table *t, int rows)
{
    require(t);
    size_t page = rows > 0 ? (size_t)rows : 1;

    t->page = (int)page;
    if (t->top + page > t->n)
        t->top = t->n > page ? t->n - page : 0;
    if (t->cursor < t->top)
        t->top = t->cursor;
    if (t->cursor >= t->top + page)
        t->top = t->cursor - page + 1;
}

const char *table_position(const struct table *t, char out[160])
{
    require(t && out);
    char at[48], n[48], all[48];

    if (!t->rs) {
        out[0] = '\0';
        return out;
    }
    format_count(t->n ? (int64_t)t->cursor + 1 : 0, at);
    format_count((int64_t)t->n, n);
    format_count((int64_t)t->rs->nrows, all);
    if (t->n == t->rs->nrows)
        snprintf(out, 160, "%s/%s%s", at, n, t->rs->is_truncated ? "+" : "");
    else
        snprintf(out, 160, "%s/%s of %s", at, n, all);
    return out;
}
