/*
 * What the files of this room share: the state of the user interface, panes and their
 * operations, questions under way, navigation. src/ui/panes sees only what stands here.
 * Loop thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_UI_PRIV_H
#define OPSDECK_UI_UI_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/ui/ui.h"

#include "actions.h"
#include "format.h"
#include "keymap.h"
#include "prompt.h"
#include "table.h"
#include "text.h"

struct arena;
struct pane;
struct ui;

enum {
    STACK_MAX = 12,
    PLACES_MAX = 100,
    VIEWS_MAX = 32
};

/* ---- questions (ui_ask.c) */

/* One question to the store and its latest answer. */
struct slot {
    uint64_t id;          /* under way; 0: none */
    bool is_old;          /* data has changed since the question under way (or the answer) */
    bool has_answer;      /* good or bad */
    struct row_set *rows; /* latest good answer; stays while a later one failed */
    struct err err;       /* of the latest answer; ERR_NONE when good */
};

void slot_release(struct ui *ui, struct slot *s);
/* Ask when it is old and nothing is under way. */
void slot_ask(struct ui *ui, struct slot *s, const char *sql, const struct bind *binds, size_t n);
/* Takes the rows. True when what is known has changed. `drop` is given the rows replaced, which the
 * caller frees. */
bool slot_answer(struct slot *s, struct query_answer *a, struct row_set **drop);

/* ---- panes */

/* What a pane is about: the columns of the row it was opened from. */
struct pane_arg {
    const char *source, *kind, *key, *name;
};

struct pane_ops {
    const char *name;
    const char *view_class; /* "table" or "text": a second name for key bindings */
    bool (*open)(struct pane *p, struct err *e);
    void (*rows_changed)(struct pane *p); /* keep the cursor on its entity; may be NULL */
    /* The region it will be drawn in; what depends on the size happens here. */
    void (*layout)(struct pane *p, struct paint *pt, int rows, int cols);
    void (*draw)(const struct pane *p, struct paint *pt, int row, int rows, int cols);
    /* False: not mine, try the global actions. */
    bool (*act)(struct pane *p, enum action a);
};

/* A line of a detail page. */
struct head_line {
    const char *label, *text;
    enum role role;
};

struct pane {
    const struct pane_ops *ops;
    struct ui *ui;
    const struct pane_def *def;
    struct pane_arg arg;
    struct arena *mem; /* arg, sources */
    struct slot head, list;
    const char *const *sources; /* names in the rows shown; made anew with each answer */
    size_t nsources;
    struct arena *sources_mem;
    struct table table;
    struct text text;
    struct row_set *own_rows; /* code panes that make their rows themselves */
    struct {                  /* detail pages */
        struct arena *mem;
        struct head_line *v;
        size_t n, top;
        int rows, label_cols;
        bool is_full;
    } page;
};

/* A pane written in code: its operations and the definition of its table, if it has one. */
struct code_pane {
    const struct pane_ops *ops;
    const struct pane_def *def;
};
extern const struct code_pane pane_registry[];
extern const size_t pane_registry_n;
extern const struct pane_ops pane_file_ops; /* panes that are a definition only */

struct pane *pane_new(struct ui *ui, const char *name, const struct pane_arg *arg, struct err *e);
void pane_free(struct pane *p);
void pane_ask(struct pane *p);
void pane_set_old(struct pane *p);
bool pane_answer(struct pane *p,
                 struct query_answer *a); /* true when it was one of its questions */
bool pane_has_table(const struct pane *p);
const char *pane_title(const struct pane *p);
/* The row set and row that row actions are about: the cursor's, or the head's. False: none. */
bool pane_row(const struct pane *p, const struct row_set **rs, size_t *row);
/* A column of the row or one of its attributes, into `out`. */
bool row_value(const struct row_set *rs, size_t row, const char *name, struct sbuf *out);

/* ---- the whole (ui.c and ui_nav.c) */

struct view {
    const char *name, *title;
    int number; /* 1-9, 0 none */
    struct pane *stack[STACK_MAX];
    int depth;
};

struct place {
    char *name, *source, *kind, *key, *title;
};

struct ui {
    struct ui_port port;
    const struct clock *clock;
    struct arena *mem; /* names; definitions are the caller's */
    const struct pane_def *const *defs;
    size_t ndefs;
    const struct theme *theme;
    struct keymap keys;
    struct chord pending; /* keys of a chord so far */
    const char *runbook;  /* JSON for :runbook of panes */
    struct prompt prompt;
    struct question_entry *questions; /* asked of the person, oldest first */
    struct view views[VIEWS_MAX];
    size_t nviews, view, last_view;
    struct place places[PLACES_MAX];
    size_t nplaces, place;
    struct slot counts, states; /* what the header shows */
    size_t in_flight;
    int rows, cols;
    bool is_dirty, is_paused, is_demo, is_ascii;
    int64_t at_ms;
    char *message;
    bool is_message_error;
    int64_t cancel_mono_ms; /* last ctrl-c */
    int64_t asked_mono_ms;  /* last time everything shown was asked for */
    int64_t next_ms;        /* wall time at which an age on the screen changes */
};

int64_t ui_now_ms(const struct ui *ui); /* the moment shown: --at, or now */
void ui_say(struct ui *ui, bool is_error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct pane *ui_pane(const struct ui *ui);
const struct pane_def *ui_find_def(const struct ui *ui, const char *name);
const struct pane_def *ui_def_of_kind(const struct ui *ui, const char *kind);
void ui_ask_shown(struct ui *ui);

MUST_CHECK bool ui_views_build(struct ui *ui, struct err *e);
bool ui_show_view(struct ui *ui, size_t view);
bool ui_open_pane(struct ui *ui, const char *name, const struct pane_arg *arg, bool keep_place);
void ui_open_row(struct ui *ui, const char *target);
bool ui_back(struct ui *ui);
bool ui_goto_name(struct ui *ui, const char *name); /* a view or a pane by name */
void ui_walk_places(struct ui *ui, int step);
void ui_places_release(struct ui *ui);

void ui_act(struct ui *ui, enum action a);        /* ui_act.c */
void ui_command(struct ui *ui, const char *line); /* ui_command.c */
void ui_command_complete(struct ui *ui);
bool ui_command_row(size_t i, const char **name, const char **help); /* false: past the last */
void chrome_draw(struct ui *ui, struct paint *pt);  /* chrome.c: header, crumbs, hints, message */
void chrome_small(struct ui *ui, struct paint *pt); /* too small for a pane: counts only */

extern const char chrome_counts_sql[], chrome_states_sql[];

/*
 * Problems a person reads: what is below a row that is a problem itself is counted with it, so
 * that three failing checks of one repository are one line. Defines `top`, with `below`.
 */
#define PROBLEMS_TOP                                                                               \
    "WITH p AS MATERIALIZED (SELECT * FROM problem), top AS (SELECT p.*, b.n AS below FROM p"      \
    " LEFT JOIN (SELECT source AS s, parent AS id, count(*) AS n FROM p WHERE parent IS NOT NULL"  \
    " GROUP BY 1, 2) b ON b.s = p.source AND b.id = p.kind || ':' || p.key"                        \
    " WHERE p.parent IS NULL OR (p.source, p.parent) NOT IN"                                       \
    " (SELECT source, kind || ':' || key FROM p)) "

/* question.c */
void ui_questions_next(struct ui *ui); /* opens the prompt for the oldest, when it is free */
void ui_questions_answer(struct ui *ui, const char *text); /* of the oldest; NULL: none */
void ui_questions_release(struct ui *ui);

#endif
