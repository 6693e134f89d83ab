/* Panes that are a page of text: opsdeck's own log, and a row or source as JSON. */
#include <string.h>

#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"

#include "../attrs.h"
#include "../ui_priv.h"
#include "panes_priv.h"

enum {
    LOG_LINES = 1000,
    TEXT_MAX_BYTES = 4 << 20
};

static void texts_draw(const struct pane *p, struct paint *pt, int row, int rows, int cols)
{
    text_draw(&p->text, pt, row, rows, cols);
}

static bool texts_act(struct pane *p, enum action a)
{
    return text_act(&p->text, a);
}

/* ---- log */

static bool log_pane_open(struct pane *p, struct err *e)
{
    (void)e;
    p->text.is_following = true;
    return true;
}

static void log_layout(struct pane *p, struct paint *pt, int rows, int cols)
{
    struct sbuf sb;

    (void)pt;
    sbuf_init(&sb, TEXT_MAX_BYTES);
    log_tail(LOG_LINES, &sb);
    text_set(&p->text, sb.len ? sb.buf : "Nothing has been logged yet.");
    sbuf_release(&sb);
    text_layout(&p->text, rows, cols);
}

const struct pane_ops pane_log_ops = {
    .name = "log",
    .view_class = "text",
    .open = log_pane_open,
    .layout = log_layout,
    .draw = texts_draw,
    .act = texts_act,
};

/* ---- JSON */

static void raw_rows_changed(struct pane *p)
{
    struct sbuf sb;

    sbuf_init(&sb, TEXT_MAX_BYTES);
    if (p->head.err.code != ERR_NONE)
        sbuf_addf(&sb, "The store could not be read: %s", p->head.err.text);
    else if (!p->head.rows || !p->head.rows->nrows)
        sbuf_addf(&sb, "%s %s is no longer reported by %s.", p->arg.kind, p->arg.key,
                  p->arg.source);
    else
        json_add_row(&sb, p->head.rows, 0);
    text_set(&p->text, sb.buf);
    sbuf_release(&sb);
}

static bool raw_open(struct pane *p, struct err *e)
{
    (void)e;
    text_set(&p->text, "reading the store...");
    return true;
}

static void raw_layout(struct pane *p, struct paint *pt, int rows, int cols)
{
    (void)pt;
    text_layout(&p->text, rows, cols);
}

#define RAW_OPS(pane_name)                                                                         \
    {                                                                                              \
        .name = (pane_name), .view_class = "text", .open = raw_open,                               \
        .rows_changed = raw_rows_changed, .layout = raw_layout, .draw = texts_draw,                \
        .act = texts_act,                                                                          \
    }

const struct pane_ops pane_raw_ops = RAW_OPS("raw");
const struct pane_ops pane_raw_source_ops = RAW_OPS("raw-source");
