/*
 * The user interface put together: keys in, answers in, a canvas out. Navigation, actions,
 * commands, questions and the frame around panes stand in files of their own. Called by
 * src/app on the loop thread; nothing here blocks. See ui.h.
 */
#include "opsdeck/ui/ui.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"
#include "opsdeck/ui/canvas.h"
#include "opsdeck/ui/term.h"

#include "ui_priv.h"

enum {
    ASK_AGAIN_MS = 60 * 1000, /* freshness passes with time alone, so the store is asked again */
    TICK_LEAST_MS = 1000,
    SMALL_ROWS = 10,
    SMALL_COLS = 40,
    MESSAGE_MAX_BYTES = 1024,
};

/* ---- life */

/* The first pane: its view, or one made for it. */
static bool choose_start(struct ui *ui, const char *start, struct err *e)
{
    const struct pane_def *d = ui_find_def(ui, start);

    for (size_t i = 0; i < ui->nviews; i++)
        if (!strcmp(ui->views[i].name, start)) {
            ui->view = ui->last_view = i;
            return true;
        }
    if (!d || d->is_detail || ui->nviews == VIEWS_MAX)
        return err_set(e, ERR_CONFIG, 0,
                       "ui.start: there is no list pane \"%s\"; problems is always there", start);
    ui->views[ui->nviews] = (struct view){ .name = d->name, .title = d->title };
    ui->view = ui->last_view = ui->nviews++;
    return true;
}

struct ui *ui_new(const struct ui_opts *o, struct err *e)
{
    require(o && o->clock);
    struct ui *ui = xcalloc(1, sizeof *ui);
    struct pane *first;

    ui->port = *o->port;
    ui->clock = o->clock;
    ui->mem = arena_new();
    ui->defs = o->panes;
    ui->ndefs = o->npanes;
    ui->theme = o->theme;
    ui->runbook = o->runbook;
    ui->is_ascii = o->ascii;
    ui->is_demo = o->is_demo;
    ui->at_ms = o->at_ms;
    ui->rows = 24;
    ui->cols = 80;
    ui->cancel_mono_ms = -1;
    ui->next_ms = INT64_MAX;
    ui->is_dirty = true;
    ui->counts.is_old = ui->states.is_old = true;
    if (!keymap_build(&ui->keys, o->keymap, e) || !ui_views_build(ui, e) ||
        !choose_start(ui, o->start ? o->start : "problems", e))
        goto fail;
    first = pane_new(ui, ui->views[ui->view].name, NULL, e);
    if (!first)
        goto fail;
    ui->views[ui->view].stack[0] = first;
    ui->views[ui->view].depth = 1;
    ui_show_view(ui, ui->view);
    if (o->first_line)
        ui_message(ui, false, o->first_line);
    return ui;
fail:
    ui_free(ui);
    return NULL;
}

void ui_free(struct ui *ui)
{
    if (!ui)
        return;
    for (size_t i = 0; i < ui->nviews; i++)
        for (int k = 0; k < ui->views[i].depth; k++)
            pane_free(ui->views[i].stack[k]);
    slot_release(ui, &ui->counts);
    slot_release(ui, &ui->states);
    ui_places_release(ui);
    ui_questions_release(ui);
    prompt_release(&ui->prompt);
    keymap_release(&ui->keys);
    free(ui->message);
    arena_free(ui->mem);
    free(ui);
}

void ui_set_theme(struct ui *ui, const struct theme *theme)
{
    ui->theme = theme;
    ui->is_dirty = true;
}

/* ---- messages */

void ui_message(struct ui *ui, bool is_error, const char *text)
{
    require(ui && text);
    struct sbuf sb;

    sbuf_init(&sb, MESSAGE_MAX_BYTES * 4);
    utf8_clean(&sb, text, strnlen(text, MESSAGE_MAX_BYTES), UTF8_LINE);
    free(ui->message);
    ui->message = sbuf_detach(&sb, NULL);
    ui->is_message_error = is_error;
    ui->is_dirty = true;
    sbuf_release(&sb);
}

void ui_say(struct ui *ui, bool is_error, const char *fmt, ...)
{
    require(ui && fmt);
    char text[MESSAGE_MAX_BYTES];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ui_message(ui, is_error, text);
}

static void message_clear(struct ui *ui)
{
    if (!ui->message)
        return;
    free(ui->message);
    ui->message = NULL;
    ui->is_dirty = true;
}

/* ---- keys */

static void prompt_finish(struct ui *ui, enum prompt_event ev)
{
    struct prompt *pr = &ui->prompt;
    struct pane *p = ui_pane(ui);
    enum prompt_mode mode = pr->mode;
    char *text = xstrdup(ev == PROMPT_CANCELLED ? pr->before : pr->text);

    prompt_close(pr);
    if (mode == PROMPT_FILTER && pane_has_table(p))
        table_set_filter(&p->table, text);
    else if (mode == PROMPT_SEARCH && ev == PROMPT_DONE && !text_search(&p->text, text))
        ui_say(ui, false, "Not found: %s", text);
    else if (mode == PROMPT_COMMAND && ev == PROMPT_DONE)
        ui_command(ui, text);
    else if (mode == PROMPT_ANSWER)
        ui_questions_answer(ui, ev == PROMPT_DONE ? text : NULL);
    free(text);
    ui_questions_next(ui);
}

static void prompt_input(struct ui *ui, const struct ui_key *k)
{
    enum prompt_event ev = prompt_key(&ui->prompt, k);
    struct pane *p = ui_pane(ui);

    ui->is_dirty = true;
    if (ev == PROMPT_DONE || ev == PROMPT_CANCELLED)
        prompt_finish(ui, ev);
    else if (ev == PROMPT_COMPLETE && ui->prompt.mode == PROMPT_COMMAND)
        ui_command_complete(ui);
    else if (ev == PROMPT_CHANGED && ui->prompt.mode == PROMPT_FILTER && pane_has_table(p))
        table_set_filter(&p->table, ui->prompt.text);
}

static void say_unbound(struct ui *ui)
{
    char keys[KEY_TEXT_MAX];

    chord_text(&ui->pending, keys);
    ui_say(ui, false,
           "%s is not bound; to bind it write in keymaps/%s.yaml under global:  ACTION: \"%s\"",
           keys, ui->keys.name, keys);
}

void ui_key(struct ui *ui, const struct ui_key *k)
{
    require(ui && k);
    struct pane *p = ui_pane(ui);
    const char *const names[] = { p->def ? p->def->name : p->ops->name, p->ops->view_class, NULL };
    enum action a;

    message_clear(ui);
    if (ui->prompt.mode != PROMPT_NONE) {
        prompt_input(ui, k);
        return;
    }
    ui->pending.k[ui->pending.n++] = *k;
    switch (keymap_resolve(&ui->keys, names, &ui->pending, &a)) {
    case KEYMAP_ACTION:
        ui->pending.n = 0;
        ui_act(ui, a);
        return;
    case KEYMAP_PREFIX:
        ui->is_dirty = true;
        if (ui->pending.n < CHORD_MAX)
            return;
        break;
    case KEYMAP_NONE:
        break;
    }
    say_unbound(ui);
    ui->pending.n = 0;
}

void ui_paste(struct ui *ui, const char *text, size_t len)
{
    require(ui && (text || len == 0));
    struct pane *p = ui_pane(ui);

    message_clear(ui);
    ui->is_dirty = true;
    if (ui->prompt.mode == PROMPT_NONE) {
        ui_say(ui, false, "Pasted text is never run as keys: %zu bytes dropped; / or : takes text",
               len);
        return;
    }
    if (!prompt_insert(&ui->prompt, text, len))
        ui_say(ui, false, "Too long to paste here: %zu bytes", len);
    else if (ui->prompt.mode == PROMPT_FILTER && pane_has_table(p))
        table_set_filter(&p->table, ui->prompt.text);
}

/* ---- data */

static bool chrome_answer(struct ui *ui, struct query_answer *a)
{
    struct slot *s = ui->counts.id == a->id   ? &ui->counts
                     : ui->states.id == a->id ? &ui->states
                                              : NULL;
    struct row_set *drop;

    if (!s)
        return false;
    if (slot_answer(s, a, &drop))
        ui->is_dirty = true;
    row_set_free(drop);
    return true;
}

void ui_answer(struct ui *ui, struct query_answer *a)
{
    require(ui && a);
    bool is_ours = a->id != 0 && chrome_answer(ui, a);

    for (size_t i = 0; a->id && !is_ours && i < ui->nviews; i++)
        for (int k = 0; !is_ours && k < ui->views[i].depth; k++)
            is_ours = pane_answer(ui->views[i].stack[k], a);
    if (!is_ours) { /* a pane that has gone, or a question asked anew */
        row_set_free(a->rows);
        a->rows = NULL;
        return;
    }
    ui_ask_shown(ui);
}

void ui_data_changed(struct ui *ui, const char *source)
{
    (void)source; /* any source may show in any pane: a query is the only one to know */
    ui->counts.is_old = ui->states.is_old = true;
    for (size_t i = 0; i < ui->nviews; i++)
        for (int k = 0; k < ui->views[i].depth; k++)
            pane_set_old(ui->views[i].stack[k]);
    ui_ask_shown(ui);
}

void ui_polling(struct ui *ui, size_t in_flight)
{
    if (ui->in_flight != in_flight)
        ui->is_dirty = true;
    ui->in_flight = in_flight;
}

/* ---- time and drawing */

int64_t ui_tick(struct ui *ui)
{
    require(ui);
    int64_t mono = clock_mono_ms(ui->clock), now = ui_now_ms(ui), wait = ASK_AGAIN_MS;

    if (ui->at_ms)
        return ASK_AGAIN_MS; /* the past does not age */
    if (mono - ui->asked_mono_ms >= ASK_AGAIN_MS && !ui->is_paused) {
        ui->counts.is_old = ui->states.is_old = true;
        pane_set_old(ui_pane(ui));
        ui_ask_shown(ui);
    }
    if (now >= ui->next_ms) {
        ui->is_dirty = true;
        ui->next_ms = INT64_MAX; /* drawing finds the next one */
        return TICK_LEAST_MS;
    }
    if (!ui->is_paused && ui->asked_mono_ms + ASK_AGAIN_MS - mono < wait)
        wait = ui->asked_mono_ms + ASK_AGAIN_MS - mono;
    if (ui->next_ms - now < wait)
        wait = ui->next_ms - now;
    return wait > TICK_LEAST_MS ? wait : TICK_LEAST_MS;
}

bool ui_is_dirty(const struct ui *ui)
{
    return ui->is_dirty;
}

void ui_resize(struct ui *ui, int rows, int cols)
{
    require(ui);
    if (ui->rows != rows || ui->cols != cols)
        ui->is_dirty = true;
    ui->rows = rows;
    ui->cols = cols;
}

void ui_draw(struct ui *ui, struct canvas *cv)
{
    require(ui && cv);
    struct pane *p = ui_pane(ui);
    struct paint pt = {
        .cv = cv, .theme = ui->theme, .now_ms = ui_now_ms(ui), .next_ms = INT64_MAX
    };

    canvas_clear(cv);
    if (cv->rows < SMALL_ROWS || cv->cols < SMALL_COLS) {
        chrome_small(ui, &pt);
    } else {
        p->ops->layout(p, &pt, cv->rows - 4, cv->cols);
        p->ops->draw(p, &pt, 2, cv->rows - 4, cv->cols);
        chrome_draw(ui, &pt);
    }
    ui->next_ms = pt.next_ms;
    ui->is_dirty = false;
}
