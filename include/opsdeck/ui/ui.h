/*
 * The user interface without a terminal: keys and answers go in, a canvas comes out. src/app
 * joins it to the terminal (term.h), the query port and the poll engine through struct
 * ui_port. Loop thread only; nothing here blocks.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_UI_H
#define OPSDECK_UI_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/config/ui_files.h"
#include "opsdeck/store/query.h"

struct canvas;
struct clock;
struct ui;
struct ui_key;

/* What the UI may ask of the program. Every call returns at once. */
struct ui_port {
    void *ctx;
    uint64_t (*ask)(void *ctx, const struct question *q); /* answered by ui_answer() */
    void (*cancel)(void *ctx, uint64_t id);
    void (*refresh)(void *ctx, const char *source); /* poll now, budgeted; NULL: all */
    /* :ask SOURCE NAME=VALUE ...: poll it with these params; false: told why. NULL: not to be had.
     */
    bool (*ask_source)(void *ctx, const char *source, const char *params, struct err *e);
    void (*quit)(void *ctx);
    void (*suspend)(void *ctx);
    bool (*reload)(void *ctx, struct err *e);  /* config again */
    void (*copy)(void *ctx, const char *text); /* to the clipboard */
    void (*redraw)(void *ctx);                 /* ctrl-l: everything anew */
    /* :theme NAME; the program loads it and calls ui_set_theme(). NULL: not to be had. */
    bool (*theme)(void *ctx, const char *name, struct err *e);
};

struct ui_opts {
    const struct ui_port *port;
    const struct clock *clock;
    const struct pane_def *const *panes; /* pane files; code panes are registered inside */
    size_t npanes;
    const struct keymap_file *keymap; /* NULL: built-in defaults only */
    const char *start;                /* name of the first pane */
    bool ascii;
    bool is_demo;              /* the header says so */
    int64_t at_ms;             /* --at: 0 is live */
    const char *first_line;    /* message line at the start, or NULL ("no config; ...") */
    const struct theme *theme; /* for its symbols; NULL: built-in */
    const char *runbook;       /* JSON that panes bind as :runbook; NULL: none */
};

struct ui *ui_new(const struct ui_opts *o, struct err *e);
void ui_free(struct ui *ui);
void ui_key(struct ui *ui, const struct ui_key *k);
void ui_paste(struct ui *ui, const char *text,
              size_t len);                               /* bracketed paste: text, never commands */
void ui_answer(struct ui *ui, struct query_answer *a);   /* takes a->rows */
void ui_data_changed(struct ui *ui, const char *source); /* ask anew (coalesced by the UI) */
void ui_resize(struct ui *ui, int rows, int cols);
/*
 * Ask the person for one line, at the foot of the screen as soon as the prompt is free. `reply` is
 * called once: with the text (good during the call), or NULL after Esc and from ui_free().
 */
typedef void ui_reply_fn(void *ctx, const char *text);
void ui_ask_person(struct ui *ui, const char *label, ui_reply_fn *reply, void *ctx);
void ui_drop_questions(struct ui *ui); /* answered with NULL: whoever asked is going away */
void ui_message(struct ui *ui, bool is_error, const char *text);
/* Definitions stay the caller's and must outlive the UI. */
void ui_set_theme(struct ui *ui, const struct theme *theme);
/* A poll of this source started or ended: the header shows what is under way. */
void ui_polling(struct ui *ui, size_t in_flight);
/* Call when time passes; returns ms until the next visible change by time alone (an age, a
 * countdown), at least 1000. */
int64_t ui_tick(struct ui *ui);
bool ui_is_dirty(const struct ui *ui);
void ui_draw(struct ui *ui, struct canvas *cv); /* clears dirty */

/* Tables for the config loaders, docs and completion. */
const char *const *ui_action_names(size_t *n);
struct action_row {
    const char *id, *name, *keys, *help;
};
const struct action_row *ui_actions(size_t *n);
const char *const *ui_role_names(size_t *n);

#endif
