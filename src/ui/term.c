/*
 * The terminal: the only file that knows curses. It turns roles into attributes, keys into
 * ui_key, and gives the terminal back on every way out. initscr() is never called, since it
 * ends the process by itself for an unknown TERM; setupterm() and newterm() are asked first.
 * Loop thread, except term_panic().
 */
#include "opsdeck/ui/term.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>
#define term terminfo_term /* its tag is that of our struct term */
#include <term.h>
#undef term

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

#include "term_priv.h"
#include "theme.h"

enum {
    PASTE_MAX_BYTES = 1 << 20,
    PASTE_LOST_MS = 2000, /* no end of paste for so long: it got lost */
    SEQUENCE_MAX = 4096,
    KEY_PASTE_BEGIN = KEY_MAX + 1,
    KEY_PASTE_END,
};

struct term {
    SCREEN *screen;
    struct term_opts opts;
    char name[64], describe[200];
    int colors;
    bool is_utf8, is_open, is_mono;
    struct canvas_cell *shown; /* the last canvas, NULL: nothing known */
    int shown_rows, shown_cols;
    int pairs[ROLE_COUNT][2]; /* plain and selected; -1: not made yet */
    attr_t attrs[ROLE_COUNT][2];
    bool is_pasting;
    struct sbuf paste;
    int64_t paste_ms;
};

/* ---- which terminal is it */

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);

    return n >= k && !strcmp(s + n - k, suffix);
}

static bool has_cap(const char *cap)
{
    const char *s = tigetstr(cap);

    return s && (intptr_t)s != -1;
}

enum probe {
    PROBE_UNKNOWN,
    PROBE_NO_CURSOR,
    PROBE_GOOD
};

/* Reads a terminal description and lets it go again; newterm() reads its own. */
static enum probe probe_name(const char *name)
{
    int why = 0;

    if (!name || !name[0] || setupterm(name, STDOUT_FILENO, &why) != OK)
        return PROBE_UNKNOWN;
    enum probe p = has_cap("cup") && has_cap("clear") ? PROBE_GOOD : PROBE_NO_CURSOR;
    del_curterm(cur_term);
    return p;
}

/* TERM as it is, or what serves in its place; NULL when nothing does. */
static const char *choose_name(void)
{
    const char *term = getenv("TERM");
    const char *own = getenv("OPSDECK_TERM");
    const char *const names[] = {
        own && own[0] ? own : term,
        term,
        term && has_suffix(term, "-256color") ? "xterm-256color" : NULL,
        term && !strncmp(term, "xterm-", 6) ? "xterm-256color" : NULL,
        term && (!strcmp(term, "alacritty") || !strncmp(term, "foot", 4) ||
                 !strcmp(term, "wezterm") || !strcmp(term, "ghostty"))
            ? "xterm-256color"
            : NULL,
        "xterm",
        "vt100",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (probe_name(names[i]) != PROBE_UNKNOWN)
            return names[i];
    return NULL;
}

bool term_is_usable(const char **why)
{
    require(why);
    const char *term = getenv("TERM"), *name;

    *why = NULL;
    if (!isatty(STDIN_FILENO))
        *why = "standard input is not a terminal";
    else if (!isatty(STDOUT_FILENO))
        *why = "standard output is not a terminal";
    else if (!term || !term[0])
        *why = "TERM is not set";
    else if (!strcmp(term, "dumb"))
        *why = "TERM is dumb";
    else if (!(name = choose_name()))
        *why = "no terminal description is installed; the package ncurses-base has them";
    else if (probe_name(name) == PROBE_NO_CURSOR)
        *why = "the terminal cannot place its cursor";
    return *why == NULL;
}

/* ---- colours */

static int wanted_colors(enum term_color c, int have)
{
    const char *no_color = getenv("NO_COLOR");

    switch (c) {
    case TERM_COLOR_NEVER:
        return 0;
    case TERM_COLOR_16:
        return have < 16 ? have : 16;
    case TERM_COLOR_256:
        return have < 256 ? have : 256;
    case TERM_COLOR_TRUE:
        return have;
    case TERM_COLOR_AUTO:
        break;
    }
    return no_color && no_color[0] ? 0 : have;
}

static attr_t attrs_of(unsigned a)
{
    return (a & THEME_ATTR_BOLD ? A_BOLD : 0) | (a & THEME_ATTR_DIM ? A_DIM : 0) |
           (a & THEME_ATTR_REVERSE ? A_REVERSE : 0) | (a & THEME_ATTR_UNDERLINE ? A_UNDERLINE : 0);
}

/* A selected cell keeps the colour of its role over the look of the selection. */
static void make_look(struct term *t, enum role role, bool is_selected)
{
    struct style st = theme_style(t->opts.theme, role, t->is_mono);
    int fg = t->is_mono ? -1 : theme_color_index(&st.fg, t->colors);
    int bg = t->is_mono ? -1 : theme_color_index(&st.bg, t->colors);
    unsigned attrs = st.attrs;

    if (is_selected) {
        struct style sel = theme_style(t->opts.theme, ROLE_SELECTION, t->is_mono);
        int sel_fg = t->is_mono ? -1 : theme_color_index(&sel.fg, t->colors);
        int sel_bg = t->is_mono ? -1 : theme_color_index(&sel.bg, t->colors);
        fg = sel_fg >= 0 && role == ROLE_TEXT ? sel_fg : fg;
        bg = sel_bg >= 0 ? sel_bg : bg;
        /* Reverse twice would be plain again, so crit in mono keeps one and gains underline. */
        if (attrs & sel.attrs & THEME_ATTR_REVERSE)
            attrs = (attrs & ~(unsigned)THEME_ATTR_REVERSE) | THEME_ATTR_UNDERLINE;
        attrs |= sel.attrs;
    }
    t->attrs[role][is_selected] = attrs_of(attrs);
    t->pairs[role][is_selected] = 0;
    if (fg >= 0 || bg >= 0) {
        int pair = alloc_pair(fg, bg);
        t->pairs[role][is_selected] = pair > 0 ? pair : 0;
    }
}

static void looks_forget(struct term *t)
{
    for (int r = 0; r < ROLE_COUNT; r++)
        t->pairs[r][0] = t->pairs[r][1] = -1;
}

static void shown_forget(struct term *t)
{
    free(t->shown);
    t->shown = NULL;
}

void term_set_theme(struct term *t, const struct theme *theme)
{
    t->opts.theme = theme;
    looks_forget(t);
    shown_forget(t);
}

/* ---- opening and giving back */

/*
 * Keys that the line discipline would turn into signals are keys here (ctrl-c cancels, ctrl-z
 * suspends by way of the loop); quit by ctrl-\ stays with the kernel as the last resort.
 */
static void tty_modes(void)
{
    struct termios tio;

    raw();
    noecho();
    nonl();
    if (tcgetattr(STDIN_FILENO, &tio))
        return;
    tio.c_lflag |= ISIG;
    tio.c_cc[VINTR] = tio.c_cc[VSUSP] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSANOW, &tio);
    def_prog_mode();
}

static void describe(struct term *t)
{
    const char *term = getenv("TERM");
    char depth[40];

    if (t->is_mono)
        snprintf(depth, sizeof depth, "no colours");
    else
        snprintf(depth, sizeof depth, "%d colours", t->colors);
    snprintf(t->describe, sizeof t->describe, "%s, %s, %s", t->name, depth,
             t->is_utf8 ? "UTF-8" : "ASCII");
    if (term && strcmp(term, t->name) != 0) {
        size_t n = strlen(t->describe);
        snprintf(t->describe + n, sizeof t->describe - n,
                 " (TERM=%.40s has no description here: install ncurses-term)", term);
    }
}

static void curses_setup(struct term *t)
{
    set_escdelay(t->opts.escape_delay_ms > 0 ? (int)t->opts.escape_delay_ms : 50);
    tty_modes();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    scrollok(stdscr, FALSE);
    leaveok(stdscr, FALSE);
    define_key("\033[200~", KEY_PASTE_BEGIN);
    define_key("\033[201~", KEY_PASTE_END);
    if (has_colors() && start_color() == OK && use_default_colors() == OK)
        t->colors = wanted_colors(t->opts.color, COLORS);
    t->is_mono = t->colors < 8;
    tty_send("\033[?2004h"); /* pastes come marked; terminals that do not know it ignore it */
}

bool term_open(const struct term_opts *o, struct term **out, struct err *e)
{
    require(o && out);
    const char *why, *name;

    *out = NULL;
    if (!term_is_usable(&why))
        return err_set(e, ERR_USAGE, 0, "there is no screen to draw on: %s", why);
    /* LC_NUMERIC stays "C": numbers in JSON have a point. */
    setlocale(LC_CTYPE, "");
    name = choose_name();
    if (o->color == TERM_COLOR_TRUE && has_suffix(name, "256color") &&
        probe_name("xterm-direct") == PROBE_GOOD)
        name = "xterm-direct";
    struct term *t = xcalloc(1, sizeof *t);
    t->opts = *o;
    sbuf_init(&t->paste, PASTE_MAX_BYTES);
    snprintf(t->name, sizeof t->name, "%s", name);
    t->is_utf8 = !o->ascii && !strcmp(nl_langinfo(CODESET), "UTF-8");
    tty_panic_arm();
    t->screen = newterm(t->name, stdout, stdin);
    if (!t->screen) {
        tty_panic_disarm();
        sbuf_release(&t->paste);
        free(t);
        return err_set(e, ERR_IO, 0,
                       "curses cannot start on terminal \"%s\"; set TERM to a known name such as "
                       "xterm-256color",
                       name);
    }
    set_term(t->screen);
    curses_setup(t);
    t->is_open = true;
    looks_forget(t);
    describe(t);
    *out = t;
    return true;
}

static void give_back(struct term *t)
{
    if (!t->is_open)
        return;
    tty_send("\033[?2004l");
    curs_set(1);
    endwin();
    t->is_open = false;
    tty_panic_disarm();
}

void term_close(struct term *t)
{
    if (!t)
        return;
    give_back(t);
    delscreen(t->screen);
    shown_forget(t);
    sbuf_release(&t->paste);
    free(t);
}

void term_suspend(struct term *t)
{
    give_back(t);
}

void term_resume(struct term *t)
{
    if (t->is_open)
        return;
    reset_prog_mode();
    t->is_open = true;
    tty_panic_rearm();
    tty_send("\033[?2004h");
    shown_forget(t);
    clearok(curscr, TRUE);
    refresh();
}

int term_fd(const struct term *t)
{
    (void)t;
    return STDIN_FILENO;
}

void term_size(struct term *t, int *rows, int *cols)
{
    require(rows && cols);
    struct winsize ws = { 0 };

    (void)t;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) != 0 || !ws.ws_row || !ws.ws_col) {
        *rows = LINES > 0 ? LINES : 24;
        *cols = COLS > 0 ? COLS : 80;
        return;
    }
    *rows = ws.ws_row > 1000 ? 1000 : ws.ws_row;
    *cols = ws.ws_col > 1000 ? 1000 : ws.ws_col;
}

bool term_is_ascii(const struct term *t)
{
    return !t->is_utf8;
}

const char *term_describe(const struct term *t)
{
    return t->describe;
}

/* ---- keys */

static const struct {
    int curses;
    uint32_t code;
} special[] = {
    { KEY_UP, UI_KEY_UP },       { KEY_DOWN, UI_KEY_DOWN },   { KEY_LEFT, UI_KEY_LEFT },
    { KEY_RIGHT, UI_KEY_RIGHT }, { KEY_SLEFT, UI_KEY_SLEFT }, { KEY_SRIGHT, UI_KEY_SRIGHT },
    { KEY_PPAGE, UI_KEY_PGUP },  { KEY_NPAGE, UI_KEY_PGDN },  { KEY_HOME, UI_KEY_HOME },
    { KEY_END, UI_KEY_END },     { KEY_ENTER, UI_KEY_ENTER }, { KEY_BTAB, UI_KEY_BTAB },
    { KEY_A1, UI_KEY_HOME },     { KEY_A3, UI_KEY_PGUP },     { KEY_C1, UI_KEY_END },
    { KEY_C3, UI_KEY_PGDN },     { KEY_DC, UI_KEY_DELETE },   { KEY_BACKSPACE, UI_KEY_BACKSPACE },
};

static uint32_t special_key(int c)
{
    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        if (special[i].curses == c)
            return special[i].code;
    if (c >= KEY_F(1) && c <= KEY_F(12))
        return UI_KEY_F1 + (uint32_t)(c - KEY_F(1));
    return UI_KEY_OTHER;
}

static struct ui_key plain_key(wint_t c)
{
    switch (c) {
    case '\r':
    case '\n':
        return (struct ui_key){ UI_KEY_ENTER, false };
    case '\t':
        return (struct ui_key){ UI_KEY_TAB, false };
    case 27:
        return (struct ui_key){ UI_KEY_ESC, false };
    case 8:
    case 127:
        return (struct ui_key){ UI_KEY_BACKSPACE, false };
    default:
        if (c >= 1 && c <= 26)
            return (struct ui_key){ 'a' + c - 1, true };
        return (struct ui_key){ c < 32 ? UI_KEY_OTHER : (uint32_t)c, false };
    }
}

/*
 * After an ESC that curses made no key of: the rest of a control sequence or control string
 * is swallowed whole, so that an answer of the terminal never runs as keys. True when it was
 * one; false leaves the input as it was, and the ESC is the key.
 */
static bool swallow_sequence(void)
{
    wint_t c, first;

    if (get_wch(&first) != OK)
        return false;
    bool is_csi = first == '[', is_ss3 = first == 'O';
    bool is_string = first != 0 && wcschr(L"]P_^X", (wchar_t)first) != NULL;
    if (!is_csi && !is_ss3 && !is_string) {
        unget_wch((wchar_t)first);
        return false;
    }
    for (int i = 0; i < SEQUENCE_MAX; i++) {
        int got = get_wch(&c);

        if (got == ERR)
            return true;
        if (got == KEY_CODE_YES)
            continue;
        if (is_ss3 || (is_csi && c >= 0x40 && c <= 0x7e))
            return true;
        if (is_string && (c == 7 || (c == '\\' && i > 0)))
            return true;
    }
    return true;
}

static void paste_add(struct term *t, wint_t c)
{
    char b[4];

    /* Past the cap the rest is dropped; nobody pastes a megabyte on purpose. */
    sbuf_add(&t->paste, b, utf8_encode(c == '\r' ? '\n' : (uint32_t)c, b));
}

static bool paste_end(struct term *t, char **paste, size_t *len)
{
    t->is_pasting = false;
    *paste = sbuf_detach(&t->paste, len);
    return true;
}

/* True when the paste is whole. */
static bool paste_read(struct term *t, char **paste, size_t *len)
{
    wint_t c;
    int got;

    while ((got = get_wch(&c)) != ERR) {
        t->paste_ms = tty_mono_ms();
        if (got == KEY_CODE_YES && c == KEY_PASTE_END)
            return paste_end(t, paste, len);
        if (got == OK)
            paste_add(t, c);
    }
    return tty_mono_ms() - t->paste_ms > PASTE_LOST_MS && paste_end(t, paste, len);
}

bool term_read(struct term *t, struct ui_key *k, char **paste, size_t *paste_len, bool *eof)
{
    require(t && k);
    wint_t c;
    int got;

    *k = (struct ui_key){ UI_KEY_NONE, false };
    *paste = NULL;
    *paste_len = 0;
    *eof = false;
    if (!t->is_open)
        return false;
    for (;;) {
        if (t->is_pasting) {
            if (paste_read(t, paste, paste_len))
                return true;
            *eof = tty_is_gone();
            return false;
        }
        got = get_wch(&c);
        if (got == ERR) {
            *eof = tty_is_gone();
            return false;
        }
        if (got == KEY_CODE_YES && c == KEY_PASTE_BEGIN) {
            t->is_pasting = true;
            t->paste_ms = tty_mono_ms();
        } else if (got == KEY_CODE_YES && c == KEY_RESIZE) {
            continue; /* the loop asks term_size() on SIGWINCH */
        } else if (got == KEY_CODE_YES) {
            k->code = special_key((int)c);
            return true;
        } else if (c != 27 || !swallow_sequence()) {
            *k = plain_key(c);
            return true;
        }
    }
}

/* ---- painting */

static bool cell_equal(const struct canvas_cell *a, const struct canvas_cell *b)
{
    return a->role == b->role && a->is_selected == b->is_selected && !strcmp(a->text, b->text);
}

/*
 * One cluster as curses wants it: a base and marks that take no column. Where the C library
 * counts other columns than the canvas does, curses would lose the line: U+FFFD instead.
 */
static void cell_chars(const struct term *t, const char *s, int cols, wchar_t out[8])
{
    size_t n = strlen(s), i = 0, k = 0;

    while (i < n && k < 5) {
        uint32_t cp;
        i += utf8_decode(s + i, n - i, &cp);
        int w = wcwidth((wchar_t)cp);
        if (k == 0 && (!t->is_utf8 ? cp >= 0x80 : w != cols)) {
            out[0] = t->is_utf8 ? 0xfffd : L'?';
            k = 1;
            break;
        }
        if (k > 0 && (w != 0 || !t->is_utf8))
            break;
        out[k++] = (wchar_t)cp;
    }
    if (k == 0)
        out[k++] = L' ';
    out[k] = 0;
}

static void paint_cell(struct term *t, const struct canvas_cell *c, int row, int col, int cols)
{
    wchar_t text[8];
    cchar_t cc;
    enum role role = c->role < ROLE_COUNT ? (enum role)c->role : ROLE_TEXT;

    if (t->pairs[role][c->is_selected] < 0)
        make_look(t, role, c->is_selected);
    int pair = t->pairs[role][c->is_selected];
    cell_chars(t, c->text, cols, text);
    if (setcchar(&cc, text, t->attrs[role][c->is_selected], 0, &pair) == OK)
        mvadd_wch(row, col, &cc);
    /* A wide cell shown by one narrow sign: its right half is blank. */
    if (cols == 2 && wcwidth(text[0]) == 1) {
        wcscpy(text, L" ");
        if (setcchar(&cc, text, t->attrs[role][c->is_selected], 0, &pair) == OK)
            mvadd_wch(row, col + 1, &cc);
    }
}

static void paint_row(struct term *t, const struct canvas *cv, int row)
{
    const struct canvas_cell *line = &cv->cells[(size_t)row * (size_t)cv->cols];

    for (int col = 0; col < cv->cols; col++) {
        bool is_wide = col + 1 < cv->cols && !line[col + 1].text[0];
        if (line[col].text[0])
            paint_cell(t, &line[col], row, col, is_wide ? 2 : 1);
    }
}

/* Rows are compared here, cells by curses. */
static bool row_changed(const struct term *t, const struct canvas *cv, int row)
{
    size_t at = (size_t)row * (size_t)cv->cols;

    for (int col = 0; col < cv->cols; col++)
        if (!cell_equal(&cv->cells[at + (size_t)col], &t->shown[at + (size_t)col]))
            return true;
    return false;
}

bool term_paint(struct term *t, const struct canvas *cv, bool all)
{
    require(t && cv);
    size_t bytes = (size_t)cv->rows * (size_t)cv->cols * sizeof *cv->cells;

    /* A reader that has stopped must not stop the loop: the newest frame is drawn later. */
    if (!t->is_open || !tty_is_writable())
        return false;
    if (LINES != cv->rows || COLS != cv->cols) {
        resizeterm(cv->rows, cv->cols);
        shown_forget(t);
    }
    if (all)
        clearok(curscr, TRUE);
    if (all || !t->shown || t->shown_rows != cv->rows || t->shown_cols != cv->cols) {
        shown_forget(t);
        erase();
    }
    for (int row = 0; row < cv->rows; row++)
        if (!t->shown || row_changed(t, cv, row))
            paint_row(t, cv, row);
    curs_set(cv->cursor_row >= 0);
    move(cv->cursor_row >= 0 ? cv->cursor_row : 0, cv->cursor_row >= 0 ? cv->cursor_col : 0);
    wnoutrefresh(stdscr);
    doupdate();
    if (!t->shown)
        t->shown = xmalloc(bytes);
    memcpy(t->shown, cv->cells, bytes);
    t->shown_rows = cv->rows;
    t->shown_cols = cv->cols;
    return true;
}

void term_bell(struct term *t)
{
    if (t->is_open)
        beep();
}

bool term_copy(struct term *t, const char *text)
{
    require(t && text);
    const char *tmux = getenv("TMUX");

    return t->is_open && clipboard_send(STDOUT_FILENO, text, tmux && tmux[0]);
}
