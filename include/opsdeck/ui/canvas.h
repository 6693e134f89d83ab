/*
 * A grid of cells with text and role: panes draw here, term.c turns it into curses, tests
 * compare it with goldens. Text given must be clean (text door). Loop thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_CANVAS_H
#define OPSDECK_UI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* id, name in themes, parent role, letter in the role plane of goldens */
#define ROLES(X)                                                                                   \
    X(TEXT, "text", TEXT, '.')                                                                     \
    X(DIM, "dim", TEXT, 'd')                                                                       \
    X(TITLE, "title", TEXT, 'T')                                                                   \
    X(BORDER, "border", DIM, 'b')                                                                  \
    X(BORDER_FOCUS, "border.focus", BORDER, 'B')                                                   \
    X(SELECTION, "selection", TEXT, 's')                                                           \
    X(MARK, "mark", TEXT, 'm')                                                                     \
    X(HEADER, "header", TITLE, 'h')                                                                \
    X(OK, "ok", TEXT, 'o')                                                                         \
    X(INFO, "info", TEXT, 'i')                                                                     \
    X(WARN, "warn", TEXT, 'w')                                                                     \
    X(CRIT, "crit", TEXT, 'c')                                                                     \
    X(UNKNOWN, "unknown", TEXT, 'u')                                                               \
    X(STALE, "stale", DIM, '~')                                                                    \
    X(ADDED, "added", OK, '+')                                                                     \
    X(CHANGED, "changed", WARN, '*')                                                               \
    X(REMOVED, "removed", CRIT, '-')                                                               \
    X(LINK, "link", TEXT, 'l')                                                                     \
    X(PROMPT, "prompt", TEXT, 'p')                                                                 \
    X(ERROR, "error", CRIT, 'e')                                                                   \
    X(ENV_LIVE, "env.live", CRIT, 'L')                                                             \
    X(ENV_DEMO, "env.demo", INFO, 'D')                                                             \
    X(ENV_DEV, "env.dev", DIM, 'v')

#define X(id, name, parent, letter) ROLE_##id,
enum role {
    ROLES(X) ROLE_COUNT
};
#undef X

struct canvas_cell {
    char text[16]; /* one grapheme cluster, NUL terminated; "" is the right half of a wide one */
    uint8_t role;
    bool is_selected; /* drawn over the role: reverse or the theme's selection */
};

struct canvas {
    int rows, cols;
    struct canvas_cell *cells;
    bool ascii;                 /* glyph choice */
    int cursor_row, cursor_col; /* -1: hidden */
};

struct canvas *canvas_new(int rows, int cols, bool ascii);
void canvas_free(struct canvas *cv);
void canvas_resize(struct canvas *cv, int rows, int cols);
void canvas_clear(struct canvas *cv);
/* Text from (row, col), at most max_cols columns, nothing outside; returns columns used. */
int canvas_text(struct canvas *cv, int row, int col, int max_cols, enum role role,
                const char *text);
/* Padded or cut to exactly `cols`; a cut shows "~" (ASCII) or U+2026. */
void canvas_field(struct canvas *cv, int row, int col, int cols, enum role role, const char *text,
                  bool right, bool middle_cut);
void canvas_fill(struct canvas *cv, int row, int col, int cols, enum role role);
void canvas_select(struct canvas *cv, int row, int col,
                   int cols); /* marks used cells of a row as selected */

#endif
