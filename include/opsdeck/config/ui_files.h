/*
 * Panes, themes and keymaps as files. Names of actions and roles are given by the caller
 * (src/app hands over the tables of src/ui), since this room knows no UI.
 */
#ifndef OPSDECK_CONFIG_UI_FILES_H
#define OPSDECK_CONFIG_UI_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/config/recipe.h"
#include "opsdeck/config/settings.h"
#include "opsdeck/config/tree.h"

enum column_as {
    COL_TEXT,
    COL_STATUS,
    COL_AGE,
    COL_TIME,
    COL_NUMBER,
    COL_BYTES,
    COL_DURATION
};

struct column_def {
    const char *from;  /* column of the query */
    const char *title; /* "" allowed */
    enum column_as as;
    int min, max;    /* columns on screen; max 0: as wide as there is room */
    int grow;        /* share of spare room; 0 none */
    int priority;    /* 0 always shown, higher ones go first on narrow screens */
    bool middle_cut; /* cut in the middle: hashes, ARNs */
};

struct sort_def {
    const char *col;
    bool is_descending;
};

/* A list: query, columns, order, what Enter opens. */
struct list_def {
    const char *title;
    const char *sql; /* may use :source :kind :key :name of what was opened; the place for errors is
                        `pos` */
    struct cfg_pos pos;
    struct column_def *cols;
    size_t ncols;
    struct sort_def sort[4];
    size_t nsort;
    const char
        *open; /* pane that Enter opens, NULL: none. "{kind}" opens the pane of the row's kind */
    const char *empty; /* what to say when there are no rows: the next step */
};

struct field_def {
    const char *label, *from; /* from: column of the head query */
    enum column_as as;
};

/* A pane file: type table (list only), or detail (head query with fields, then the list). */
struct pane_def {
    const char *name, *title, *help;
    bool is_detail;
    int number;       /* key 1-9, 0: none */
    const char *kind; /* detail of this kind of row, or NULL */
    const char *head_sql;
    struct field_def *fields;
    size_t nfields;
    struct list_def list; /* list.sql NULL: none (detail only) */
    const char *file;
    struct cfg_pos pos;
};

/* One pane: its file, or its text, which `path` names in problems. NULL and problems on a mistake.
 */
struct pane_def *pane_load(struct arena *mem, const char *path, struct cfg_problems *ps);
struct pane_def *pane_parse(struct arena *mem, const char *path, const char *text, size_t len,
                            struct cfg_problems *ps);
size_t pane_list(struct arena *mem, const struct data_dirs *dirs, char ***paths);

enum {
    THEME_ATTR_BOLD = 1,
    THEME_ATTR_DIM = 2,
    THEME_ATTR_REVERSE = 4,
    THEME_ATTR_UNDERLINE = 8
};

struct theme_color {
    enum {
        THEME_UNSET,
        THEME_DEFAULT,
        THEME_INDEX,
        THEME_RGB
    } kind;
    int index; /* 0-255 */
    uint8_t r, g, b;
};

struct theme_role {
    struct theme_color fg, bg;
    unsigned attrs;
    bool has_attrs;
    const char *sym, *sym_ascii; /* NULL: the built-in glyph */
};

struct theme {
    const char *name;
    struct theme_role *roles; /* nroles as given to theme_load; unset ones are zero */
    size_t nroles;
};

struct theme *theme_load(struct arena *mem, const char *path, const char *const *role_names,
                         size_t nroles, struct cfg_problems *ps);
/* NAME.yaml under themes/ of the data folders, NULL if absent. */
char *theme_find(struct arena *mem, const struct data_dirs *dirs, const char *name);

/* One binding: `keys` is the text from the file ("ctrl-u", "g g"), checked for form by the keymap
 * of src/ui. */
struct key_binding {
    const char *view;   /* "global" or a pane name */
    const char *action; /* name, checked against action_names */
    const char *keys;
    struct cfg_pos pos;
};

struct keymap_file {
    const char *name;
    struct key_binding *v;
    size_t n;
};

struct keymap_file *keymap_load(struct arena *mem, const char *path,
                                const char *const *action_names, size_t nactions,
                                struct cfg_problems *ps);
char *keymap_find(struct arena *mem, const struct data_dirs *dirs, const char *name);

#endif
