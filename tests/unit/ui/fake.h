/*
 * A program around the UI for tests: a port that answers questions from tables of rows, a
 * clock that stands still until told, a record of what was asked of the program. Header only,
 * since each test program is one file.
 */
#ifndef OPSDECK_TESTS_UI_FAKE_H
#define OPSDECK_TESTS_UI_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/ui/canvas.h"
#include "opsdeck/ui/term.h"
#include "opsdeck/ui/ui.h"

#include "../../../src/ui/keymap.h"

enum {
    FAKE_QUESTIONS = 256,
    FAKE_ANSWERS = 64
};

struct fake_answer {
    char *match, *error; /* error NULL: rows */
    struct row_set *rows;
};

struct fake {
    struct ui *ui;
    struct ui_port port;
    struct clock clock;
    int64_t wall_ms, mono_ms;
    struct fake_answer answers[FAKE_ANSWERS];
    size_t nanswers;
    struct {
        uint64_t id;
        char *sql;
    } questions[FAKE_QUESTIONS];
    size_t nquestions;
    uint64_t last_id;
    size_t asked, cancelled, refreshed, quits, copies, suspends, reloads, redraws;
    char last_copy[4096], last_refresh[128], last_sql[8192];
};

static inline uint64_t fake_ask(void *ctx, const struct question *q)
{
    struct fake *f = ctx;

    f->asked++;
    snprintf(f->last_sql, sizeof f->last_sql, "%s", q->sql);
    if (f->nquestions == FAKE_QUESTIONS)
        return 0;
    f->questions[f->nquestions].id = ++f->last_id;
    f->questions[f->nquestions++].sql = xstrdup(q->sql);
    return f->last_id;
}

static inline void fake_cancel(void *ctx, uint64_t id)
{
    struct fake *f = ctx;

    for (size_t i = 0; i < f->nquestions; i++)
        if (f->questions[i].id == id) {
            free(f->questions[i].sql);
            f->questions[i] = f->questions[--f->nquestions];
            f->cancelled++;
            return;
        }
}

static inline void fake_refresh(void *ctx, const char *source)
{
    struct fake *f = ctx;

    f->refreshed++;
    snprintf(f->last_refresh, sizeof f->last_refresh, "%s", source ? source : "(all)");
}

static inline void fake_quit(void *ctx)
{
    ((struct fake *)ctx)->quits++;
}

static inline void fake_suspend(void *ctx)
{
    ((struct fake *)ctx)->suspends++;
}

static inline bool fake_reload(void *ctx, struct err *e)
{
    ((struct fake *)ctx)->reloads++;
    return err_set(e, ERR_CONFIG, 0, "config.yaml:3:1: unknown key \"sorces\"");
}

static inline void fake_copy(void *ctx, const char *text)
{
    struct fake *f = ctx;

    f->copies++;
    snprintf(f->last_copy, sizeof f->last_copy, "%s", text);
}

static inline void fake_redraw(void *ctx)
{
    ((struct fake *)ctx)->redraws++;
}

static inline int64_t fake_wall(void *ctx)
{
    return ((struct fake *)ctx)->wall_ms;
}

static inline int64_t fake_mono(void *ctx)
{
    return ((struct fake *)ctx)->mono_ms;
}

static inline void fake_init(struct fake *f)
{
    *f = (struct fake){ 0 };
    f->wall_ms = time_from_utc(2026, 11, 21, 14, 5, 0, 0);
    f->mono_ms = 1000000;
    f->clock = (struct clock){ fake_wall, fake_mono, f };
    f->port = (struct ui_port){ .ctx = f,
                                .ask = fake_ask,
                                .cancel = fake_cancel,
                                .refresh = fake_refresh,
                                .quit = fake_quit,
                                .suspend = fake_suspend,
                                .reload = fake_reload,
                                .copy = fake_copy,
                                .redraw = fake_redraw };
}

static inline void fake_release(struct fake *f)
{
    ui_free(f->ui);
    for (size_t i = 0; i < f->nanswers; i++) {
        free(f->answers[i].match);
        free(f->answers[i].error);
        row_set_free(f->answers[i].rows);
    }
    for (size_t i = 0; i < f->nquestions; i++)
        free(f->questions[i].sql);
}

/* Later answers to the same text replace earlier ones. Takes rows. */
static inline void fake_put(struct fake *f, const char *match, struct row_set *rs,
                            const char *error)
{
    size_t i = 0;

    while (i < f->nanswers && strcmp(f->answers[i].match, match) != 0)
        i++;
    if (i == f->nanswers) {
        if (f->nanswers == FAKE_ANSWERS)
            bug("too many answers in a test");
        f->answers[f->nanswers++].match = xstrdup(match);
    }
    row_set_free(f->answers[i].rows);
    free(f->answers[i].error);
    f->answers[i].rows = rs;
    f->answers[i].error = error ? xstrdup(error) : NULL;
}

static inline struct row_set *fake_copy_rows(const struct row_set *rs)
{
    struct row_set *out = row_set_new(rs->cols, rs->ncols);

    for (size_t r = 0; r < rs->nrows; r++) {
        struct cell *c = row_set_add(out);
        for (size_t k = 0; k < rs->ncols; k++) {
            const struct cell *from = row_set_at(rs, r, (int)k);
            if (from->type == CELL_INT)
                cell_set_int(&c[k], out, from->i);
            else if (from->type == CELL_REAL)
                cell_set_real(&c[k], out, from->d);
            else if (from->type == CELL_TEXT)
                cell_set_text(&c[k], out, from->text);
        }
    }
    return out;
}

static inline void fake_give(struct fake *f, uint64_t id, const char *sql)
{
    static const char *const none[] = { "source", "kind", "key", "name", "status" };
    struct query_answer a = { .id = id };

    for (size_t i = 0; i < f->nanswers; i++)
        if (strstr(sql, f->answers[i].match)) {
            if (f->answers[i].error)
                err_set(&a.err, ERR_STORE, 0, "%s", f->answers[i].error);
            else
                a.rows = fake_copy_rows(f->answers[i].rows);
            ui_answer(f->ui, &a);
            return;
        }
    a.rows = row_set_new(none, ARRAY_LEN(none));
    ui_answer(f->ui, &a);
}

/* Answer everything asked, and what is asked upon that. */
static inline void fake_pump(struct fake *f)
{
    while (f->nquestions) {
        uint64_t id = f->questions[0].id;
        char *sql = f->questions[0].sql;

        f->nquestions--;
        memmove(f->questions, f->questions + 1, f->nquestions * sizeof *f->questions);
        fake_give(f, id, sql);
        free(sql);
    }
}

static inline void fake_start(struct fake *f, struct ui_opts o)
{
    struct err e = { 0 };

    o.port = &f->port;
    o.clock = &f->clock;
    f->ui = ui_new(&o, &e);
    if (!f->ui)
        bug("ui_new: %s", e.text);
}

static inline void fake_key(struct fake *f, const char *name)
{
    struct ui_key k;

    if (!key_parse(name, &k))
        bug("no such key in a test: %s", name);
    ui_key(f->ui, &k);
}

static inline void fake_type(struct fake *f, const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n;) {
        struct ui_key k = { 0 };
        i += utf8_decode(text + i, n - i, &k.code);
        if (k.code == '_') /* a space, since spaces part the words of a key line */
            k.code = ' ';
        ui_key(f->ui, &k);
    }
}

/* "j Enter ctrl-u 'typed_text": key names, and text to type behind a quote mark. */
static inline void fake_keys(struct fake *f, const char *keys)
{
    char *copy = xstrdup(keys), *save = NULL;

    for (char *w = strtok_r(copy, " \n", &save); w; w = strtok_r(NULL, " \n", &save)) {
        if (w[0] == '\'' && w[1])
            fake_type(f, w + 1);
        else
            fake_key(f, w);
        fake_pump(f);
    }
    free(copy);
}

static inline void fake_cell(const struct fake *f, struct cell *c, struct row_set *rs, char *s)
{
    int64_t v;

    while (*s == ' ')
        s++;
    for (size_t n = strlen(s); n > 0 && s[n - 1] == ' ';)
        s[--n] = '\0';
    if (!strcmp(s, "-"))
        return;
    if (s[0] == '@' && s[1] == '-' && dur_parse(s + 2, &v))
        cell_set_int(c, rs, f->wall_ms - v);
    else if (s[0] == '@' && s[1] == '+' && dur_parse(s + 2, &v))
        cell_set_int(c, rs, f->wall_ms + v);
    else if (str_to_i64(s, INT64_MIN, INT64_MAX, &v))
        cell_set_int(c, rs, v);
    else
        cell_set_text(c, rs, s);
}

/* Cells of a line, parted by "|"; returns how many. */
static inline size_t fake_split(char *line, char **out, size_t max)
{
    size_t n = 0;

    for (char *s = line; s && n < max; n++) {
        out[n] = s;
        s = strchr(s, '|');
        if (s)
            *s++ = '\0';
    }
    return n;
}

/* A line of names, then rows; "-" is NULL, "@-5m" a moment, digits a number. */
static inline struct row_set *fake_rows(const struct fake *f, const char *text)
{
    char *copy = xstrdup(text), *save = NULL, *cells[40];
    struct row_set *rs = NULL;

    for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        size_t n = fake_split(l, cells, ARRAY_LEN(cells));
        if (!rs) {
            for (size_t i = 0; i < n; i++) {
                cells[i] += strspn(cells[i], " ");
                cells[i][strcspn(cells[i], " ")] = '\0';
            }
            rs = row_set_new((const char *const *)cells, n);
            continue;
        }
        struct cell *c = row_set_add(rs);
        for (size_t i = 0; i < n && i < rs->ncols; i++)
            fake_cell(f, &c[i], rs, cells[i]);
    }
    free(copy);
    return rs;
}

/* One row of the canvas as text, without the blanks at its end. */
static inline char *fake_line(const struct canvas *cv, int row)
{
    char *out = xmalloc((size_t)cv->cols * sizeof cv->cells->text + 1);
    size_t n = 0;

    for (int c = 0; c < cv->cols; c++) {
        const char *s = cv->cells[(size_t)row * (size_t)cv->cols + (size_t)c].text;
        size_t len = strlen(s);
        memcpy(out + n, s, len);
        n += len;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    return out;
}

static inline bool fake_screen_has(struct fake *f, int rows, int cols, const char *text)
{
    struct canvas *cv = canvas_new(rows, cols, false);
    bool found = false;

    ui_draw(f->ui, cv);
    for (int r = 0; r < rows && !found; r++) {
        char *line = fake_line(cv, r);
        found = strstr(line, text) != NULL;
        free(line);
    }
    canvas_free(cv);
    return found;
}

#endif
