/*
 * Panes that are a definition only: a table, or a detail page (fields of the head row, then a
 * list). Both shipped definitions and pane files are drawn here; nothing in this file knows a
 * single kind or system.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/utf8.h"

#include "../attrs.h"
#include "../theme.h"
#include "../ui_priv.h"

enum {
    LABEL_MAX_COLS = 22,
    FIELD_MAX_BYTES = 64 * 1024,
    LINES_MAX = 5000,
    LIST_MIN_ROWS = 6
};

/* ---- the head of a detail page */

struct head_maker {
    struct pane *p;
    struct paint *pt;
    size_t cap;
    int cols;
};

static void add_line(struct head_maker *m, const char *label, const char *text, enum role role)
{
    struct pane *p = m->p;

    if (p->page.n >= LINES_MAX)
        return;
    if (p->page.n == m->cap) {
        struct head_line *v = arena_array(p->page.mem, m->cap ? m->cap * 2 : 32, sizeof *v);
        if (m->cap)
            memcpy(v, p->page.v, m->cap * sizeof *v);
        p->page.v = v;
        m->cap = m->cap ? m->cap * 2 : 32;
    }
    p->page.v[p->page.n++] = (struct head_line){ label, text, role };
}

/* One field, wrapped; the label stands on its first line only. */
static void add_field(struct head_maker *m, const char *label, const char *value, enum role role)
{
    int room = m->cols - m->p->page.label_cols - 2;
    struct arena *mem = m->p->page.mem;

    label = arena_strdup(mem, label);
    if (!value[0]) {
        add_line(m, label, "-", ROLE_DIM);
        return;
    }
    for (bool is_first = true; *value; is_first = false) {
        size_t next, len = text_wrap(value, room > 8 ? room : 8, &next);
        add_line(m, is_first ? label : "", arena_strndup(mem, value, len), role);
        value += next;
    }
}

static void add_cell(struct head_maker *m, const char *label, const struct row_set *rs, int col,
                     enum column_as as)
{
    const struct cell *v = row_set_at(rs, 0, col);
    struct sbuf sb;
    enum role role;

    sbuf_init(&sb, FIELD_MAX_BYTES);
    if (as == COL_STATUS && col >= 0 && !strcmp(rs->cols[col], "status")) {
        struct row_status st = format_row_status(rs, 0);
        role = format_status_role(&st);
        format_status_long(m->pt, rs, 0, &sb);
    } else {
        role = format_cell(m->pt, rs, 0, col, as, &sb);
        if (as == COL_STATUS)
            sbuf_addf(&sb, " %s", v->text);
    }
    if ((as == COL_TIME || as == COL_AGE) && v->type == CELL_INT) {
        char at[TIME_TEXT_MAX], age[TIME_TEXT_MAX];
        sbuf_reset(&sb);
        sbuf_adds(&sb, time_local(v->i, m->pt->now_ms, at));
        if (v->i <= m->pt->now_ms)
            sbuf_addf(&sb, " (%s)", format_age(m->pt, v->i, age));
    }
    add_field(m, label, sb.buf, role);
    sbuf_release(&sb);
}

static bool is_internal(const char *col)
{
    static const char *const names[] = {
        "attrs", "id", "severity", "stale", "last_status", "rank"
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(col, names[i]))
            return true;
    return false;
}

static bool is_moment(const char *name, const struct cell *v)
{
    size_t n = strlen(name);

    return v->type == CELL_INT && v->i > 100000000000 &&
           (!strcmp(name, "since") || (n > 3 && !strcmp(name + n - 3, "_at")));
}

/* A page without fields shows what there is: every column with a value, every attribute. */
static void add_everything(struct head_maker *m, const struct row_set *rs)
{
    const char *attrs = row_set_text(rs, 0, "attrs");
    struct sbuf key, value;

    for (size_t c = 0; c < rs->ncols; c++) {
        const struct cell *v = row_set_at(rs, 0, (int)c);
        if (is_internal(rs->cols[c]) || v->type == CELL_NULL)
            continue;
        add_cell(m, rs->cols[c], rs, (int)c,
                 !strcmp(rs->cols[c], "status") ? COL_STATUS
                 : is_moment(rs->cols[c], v)    ? COL_TIME
                                                : COL_TEXT);
    }
    sbuf_init(&key, 4096);
    sbuf_init(&value, FIELD_MAX_BYTES);
    while (attrs_next(&attrs, &key, &value))
        if (strcmp(value.buf, "null") != 0)
            add_field(m, key.buf, value.buf, ROLE_TEXT);
    sbuf_release(&key);
    sbuf_release(&value);
}

static int label_cols(const struct pane *p, const struct row_set *rs, int cols)
{
    int widest = 0, limit = cols / 3 < LABEL_MAX_COLS ? cols / 3 : LABEL_MAX_COLS;

    for (size_t i = 0; i < p->def->nfields; i++) {
        int w = utf8_width(p->def->fields[i].label);
        widest = w > widest ? w : widest;
    }
    if (!p->def->nfields) {
        const char *attrs = row_set_text(rs, 0, "attrs");
        struct sbuf key, value;
        for (size_t c = 0; c < rs->ncols; c++) {
            int w = is_internal(rs->cols[c]) ? 0 : utf8_width(rs->cols[c]);
            widest = w > widest ? w : widest;
        }
        sbuf_init(&key, 4096);
        sbuf_init(&value, FIELD_MAX_BYTES);
        while (attrs_next(&attrs, &key, &value)) {
            int w = utf8_width(key.buf);
            widest = w > widest ? w : widest;
        }
        sbuf_release(&key);
        sbuf_release(&value);
    }
    return widest < limit ? widest : limit;
}

static void make_head(struct pane *p, struct paint *pt, int cols)
{
    const struct row_set *rs = p->head.rows;
    struct head_maker m = { .p = p, .pt = pt, .cols = cols };
    struct sbuf gone;

    arena_free(p->page.mem);
    p->page.mem = arena_new();
    p->page.n = 0;
    if (!p->def->is_detail)
        return;
    if (!rs || !rs->nrows) {
        p->page.label_cols = 0;
        sbuf_init(&gone, 4096);
        if (!p->head.has_answer)
            sbuf_adds(&gone, "reading the store...");
        else if (p->head.err.code != ERR_NONE)
            sbuf_addf(&gone, "The store could not be read: %s", p->head.err.text);
        else
            sbuf_addf(&gone, "%s %s is no longer reported by %s: it may have ended. q goes back.",
                      p->arg.kind[0] ? p->arg.kind : "This row", p->arg.key, p->arg.source);
        add_field(&m, "", gone.buf, p->head.err.code != ERR_NONE ? ROLE_ERROR : ROLE_DIM);
        sbuf_release(&gone);
        return;
    }
    p->page.label_cols = label_cols(p, rs, cols);
    for (size_t i = 0; i < p->def->nfields; i++)
        add_cell(&m, p->def->fields[i].label, rs, row_set_col(rs, p->def->fields[i].from),
                 p->def->fields[i].as);
    if (!p->def->nfields)
        add_everything(&m, rs);
}

/* ---- layout: the head takes what the list leaves it */

static int list_wants(const struct pane *p)
{
    size_t n = p->table.n > 0 ? p->table.n : 1;

    return n + 2 > LIST_MIN_ROWS ? LIST_MIN_ROWS : (int)n + 2;
}

static void file_layout(struct pane *p, struct paint *pt, int rows, int cols)
{
    make_head(p, pt, cols);
    int head = (int)p->page.n;

    if (!pane_has_table(p)) {
        p->page.rows = rows;
    } else {
        int limit = rows - list_wants(p) - 1;
        limit = limit < rows / 2 ? rows / 2 : limit;
        p->page.rows = head < limit ? head : limit;
        /* Below the head: a blank line, the list's title, the titles of its columns. */
        int taken = p->def->is_detail ? p->page.rows + 3 : 1;
        table_layout(&p->table, rows > taken ? rows - taken : 1);
    }
    size_t last = head > p->page.rows ? (size_t)(head - p->page.rows) : 0;
    if (p->page.top > last || (pane_has_table(p) && p->def->is_detail))
        p->page.top = pane_has_table(p) ? 0 : last;
}

/* ---- drawing */

static void draw_head(const struct pane *p, struct paint *pt, int row, int cols)
{
    int value_at = p->page.label_cols ? p->page.label_cols + 2 : 0;
    bool is_cut = pane_has_table(p) && (size_t)p->page.rows < p->page.n;

    for (int i = 0; i < p->page.rows && p->page.top + (size_t)i < p->page.n; i++) {
        const struct head_line *l = &p->page.v[p->page.top + (size_t)i];

        if (is_cut && i == p->page.rows - 1) {
            char more[96];
            snprintf(more, sizeof more, "%zu more lines: d shows them",
                     p->page.n - (size_t)p->page.rows + 1);
            canvas_field(pt->cv, row + i, value_at, cols - value_at, ROLE_DIM, more, false, false);
            return;
        }
        if (value_at)
            canvas_field(pt->cv, row + i, 0, p->page.label_cols, ROLE_DIM, l->label, false, false);
        canvas_field(pt->cv, row + i, value_at, cols - value_at, l->role, l->text, false, false);
    }
}

/* What stands where rows would: why there are none and what to do. */
static void draw_instead(const struct pane *p, struct paint *pt, int row, int rows, int cols)
{
    char text[700];
    enum role role = ROLE_DIM;
    const char *at = text;

    if (p->list.err.code != ERR_NONE && !p->list.rows) {
        role = ROLE_ERROR;
        snprintf(text, sizeof text, "The store could not be read: %s", p->list.err.text);
    } else if (!p->table.rs) {
        snprintf(text, sizeof text, "reading the store...");
    } else if (p->table.rs->nrows) {
        snprintf(text, sizeof text, "No row matches%s%s; Esc clears it.",
                 p->table.filter_text ? " the filter " : " \"problems only\"",
                 p->table.filter_text ? p->table.filter_text : "");
    } else {
        snprintf(text, sizeof text, "%s",
                 p->def->list.empty ? p->def->list.empty : "Nothing here.");
    }
    for (int i = 0; i < rows && *at; i++) {
        size_t next, len = text_wrap(at, cols, &next);
        char *line = xstrndup(at, len);
        canvas_text(pt->cv, row + i, 0, cols, role, line);
        free(line);
        at += next;
    }
}

static void file_draw(const struct pane *p, struct paint *pt, int row, int rows, int cols)
{
    char at[160], title[256];
    int end = row + rows;

    if (p->def->is_detail) {
        draw_head(p, pt, row, cols);
        row += p->page.rows;
        if (!pane_has_table(p) || row + 2 >= end)
            return;
        snprintf(title, sizeof title, "%s  %s", p->def->list.title ? p->def->list.title : "",
                 table_position(&p->table, at));
        canvas_field(pt->cv, row + 1, 0, cols, ROLE_HEADER, title, false, false);
        row += 2;
    }
    table_draw(&p->table, pt, row, end - row, cols);
    if (!p->table.n)
        draw_instead(p, pt, end - row > 1 ? row + 1 : row, end - row - 1, cols);
}

/* ---- actions */

static bool scroll_head(struct pane *p, enum action a)
{
    int64_t page = p->page.rows > 1 ? p->page.rows - 1 : 1, top = (int64_t)p->page.top;
    int64_t last = (int64_t)p->page.n - p->page.rows;
    const struct {
        enum action a;
        int64_t to;
    } moves[] = {
        { ACT_UP, top - 1 },
        { ACT_DOWN, top + 1 },
        { ACT_PAGE_UP, top - page },
        { ACT_PAGE_DOWN, top + page },
        { ACT_HALF_UP, top - page / 2 },
        { ACT_HALF_DOWN, top + page / 2 },
        { ACT_TOP, 0 },
        { ACT_BOTTOM, last },
    };

    for (size_t i = 0; i < ARRAY_LEN(moves); i++)
        if (moves[i].a == a) {
            int64_t to = moves[i].to > last ? last : moves[i].to;
            p->page.top = to > 0 ? (size_t)to : 0;
            return true;
        }
    return false;
}

static bool file_act(struct pane *p, enum action a)
{
    if (p->def->is_detail && a == ACT_DETAIL && p->def->list.ncols) {
        p->page.is_full = !p->page.is_full;
        p->page.top = 0;
        return true;
    }
    if (pane_has_table(p) && p->table.n)
        return table_act(&p->table, a);
    if (p->def->is_detail && scroll_head(p, a))
        return true;
    return pane_has_table(p) && table_act(&p->table, a);
}

const struct pane_ops pane_file_ops = {
    .name = "",
    .view_class = "table",
    .layout = file_layout,
    .draw = file_draw,
    .act = file_act,
};
