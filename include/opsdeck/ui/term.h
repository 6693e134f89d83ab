/*
 * The only file that knows curses. Loop thread. Restores the terminal on every way out.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_TERM_H
#define OPSDECK_UI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"
#include "opsdeck/config/ui_files.h"
#include "opsdeck/ui/canvas.h"

struct term;

enum term_color {
    TERM_COLOR_AUTO,
    TERM_COLOR_NEVER,
    TERM_COLOR_16,
    TERM_COLOR_256,
    TERM_COLOR_TRUE
};

struct term_opts {
    const struct theme *theme; /* NULL: built-in */
    enum term_color color;
    int64_t escape_delay_ms;
    bool ascii; /* forced */
};

/* Keys: a code point, or one of these. */
enum {
    UI_KEY_NONE = 0,
    UI_KEY_UP = 0x110000,
    UI_KEY_DOWN,
    UI_KEY_LEFT,
    UI_KEY_RIGHT,
    UI_KEY_SLEFT,
    UI_KEY_SRIGHT,
    UI_KEY_PGUP,
    UI_KEY_PGDN,
    UI_KEY_HOME,
    UI_KEY_END,
    UI_KEY_ENTER,
    UI_KEY_ESC,
    UI_KEY_TAB,
    UI_KEY_BTAB,
    UI_KEY_BACKSPACE,
    UI_KEY_DELETE,
    UI_KEY_F1,
    UI_KEY_F12 = UI_KEY_F1 + 11,
    UI_KEY_OTHER
};
struct ui_key {
    uint32_t code; /* a code point (ctrl-x is 0x01..0x1a with is_ctrl and code 'x'), or UI_KEY_* */
    bool is_ctrl;
};

/* Is there a terminal we can paint on? False with *why (a constant) for TERM=dumb, no cup, not a
 * tty. */
bool term_is_usable(const char **why);
MUST_CHECK bool term_open(const struct term_opts *o, struct term **out, struct err *e);
void term_close(struct term *t); /* gives the terminal back; safe twice */
void term_panic(void);           /* async-signal-safe restore, for last words and crash handlers */
void term_suspend(struct term *t); /* give back before SIGTSTP or a child */
void term_resume(struct term *t);
void term_set_theme(struct term *t, const struct theme *theme);
int term_fd(const struct term *t);
void term_size(struct term *t, int *rows, int *cols); /* asks the kernel */
bool term_is_ascii(const struct term *t);
const char *term_describe(const struct term *t); /* "xterm-256color, 256 colours, UTF-8" */
/* Next key without waiting; false when there is none. *eof: the terminal is gone. Pastes come as
 * text. */
bool term_read(struct term *t, struct ui_key *k, char **paste, size_t *paste_len, bool *eof);
/*
 * Show the canvas: one doupdate. `all` repaints everything. False: the terminal takes nothing
 * now (its reader has stopped) and nothing was drawn; paint again later.
 */
bool term_paint(struct term *t, const struct canvas *cv, bool all);
void term_bell(struct term *t);
/* OSC 52, inside tmux passed on; sanitised by the caller. False: too long, or it cannot be written.
 */
bool term_copy(struct term *t, const char *text);

#endif
