/*
 * What the actions do that every pane has: one row a function. A pane is asked first (its
 * table, text or own act), then this table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/require.h"

#include "attrs.h"
#include "ui_priv.h"

/* 74,994 bytes once encoded is what terminals take; base64 makes four of three. */
enum {
    COPY_MAX_BYTES = 74994 / 4 * 3,
    CANCEL_TWICE_MS = 2000
};

static void act_open(struct ui *ui, struct pane *p)
{
    const char *target = p->def ? p->def->list.open : NULL;

    if (target && pane_has_table(p))
        ui_open_row(ui, target);
    else
        ui_say(ui, false, "Nothing opens from here");
}

static void act_detail(struct ui *ui, struct pane *p)
{
    (void)p;
    ui_open_row(ui, "entity");
}

static void act_raw(struct ui *ui, struct pane *p)
{
    (void)p;
    ui_open_row(ui, "raw");
}

static void act_why(struct ui *ui, struct pane *p)
{
    const struct row_set *rs;
    size_t row;

    /* Of a source, the page about it is the reason. */
    bool is_source = pane_row(p, &rs, &row) && !strcmp(row_set_text(rs, row, "kind"), "source");
    ui_open_row(ui, is_source ? "source" : "why");
}

static void act_history(struct ui *ui, struct pane *p)
{
    (void)p;
    ui_open_row(ui, "history");
}

static void act_back(struct ui *ui, struct pane *p)
{
    char key[KEY_TEXT_MAX];

    (void)p;
    if (!ui_back(ui))
        ui_say(ui, false, "This is the first pane; %s leaves opsdeck",
               keymap_first_key(&ui->keys, ACT_QUIT, key) ? key : ":q");
}

static void act_back_or_quit(struct ui *ui, struct pane *p)
{
    (void)p;
    if (!ui_back(ui))
        ui->port.quit(ui->port.ctx);
}

static void act_quit(struct ui *ui, struct pane *p)
{
    (void)p;
    ui->port.quit(ui->port.ctx);
}

static void act_cancel(struct ui *ui, struct pane *p)
{
    int64_t now = clock_mono_ms(ui->clock);
    bool is_second = ui->cancel_mono_ms >= 0 && now - ui->cancel_mono_ms < CANCEL_TWICE_MS;

    ui->cancel_mono_ms = now;
    if (is_second) {
        ui->port.quit(ui->port.ctx);
        return;
    }
    if (pane_has_table(p))
        table_set_filter(&p->table, "");
    ui_say(ui, false, "Cancelled; ctrl-c again within 2 s leaves opsdeck");
}

static void step_view(struct ui *ui, int step)
{
    ui_show_view(ui, (ui->view + ui->nviews + (size_t)(step + (int)ui->nviews)) % ui->nviews);
}

static void act_next_view(struct ui *ui, struct pane *p)
{
    (void)p;
    step_view(ui, 1);
}

static void act_prev_view(struct ui *ui, struct pane *p)
{
    (void)p;
    step_view(ui, -1);
}

static void act_last_view(struct ui *ui, struct pane *p)
{
    (void)p;
    ui_show_view(ui, ui->last_view);
}

static void act_places_back(struct ui *ui, struct pane *p)
{
    (void)p;
    ui_walk_places(ui, -1);
}

static void act_places_forward(struct ui *ui, struct pane *p)
{
    (void)p;
    ui_walk_places(ui, 1);
}

static void act_filter(struct ui *ui, struct pane *p)
{
    if (!strcmp(p->ops->view_class, "text"))
        prompt_open(&ui->prompt, PROMPT_SEARCH, "");
    else if (pane_has_table(p))
        prompt_open(&ui->prompt, PROMPT_FILTER, p->table.filter_text ? p->table.filter_text : "");
    else
        ui_say(ui, false, "There is no list here to filter");
}

static void act_sort_pick(struct ui *ui, struct pane *p)
{
    if (pane_has_table(p))
        prompt_open(&ui->prompt, PROMPT_COMMAND, "sort ");
    else
        ui_say(ui, false, "There is no list here to sort");
}

static void act_command(struct ui *ui, struct pane *p)
{
    (void)p;
    prompt_open(&ui->prompt, PROMPT_COMMAND, "");
}

static void copy(struct ui *ui, const char *what, const char *text)
{
    if (!text[0])
        ui_say(ui, false, "This row has no %s to copy", what);
    else if (strlen(text) > COPY_MAX_BYTES)
        ui_say(ui, true, "The %s is %zu bytes long; a terminal takes %d at most: not copied", what,
               strlen(text), (int)COPY_MAX_BYTES);
    else {
        ui->port.copy(ui->port.ctx, text);
        ui_say(ui, false, "Copied: %.300s", text);
    }
}

static void copy_value(struct ui *ui, struct pane *p, const char *col, const char *what)
{
    const struct row_set *rs;
    size_t row;
    struct sbuf sb;

    sbuf_init(&sb, 1 << 20);
    if (pane_row(p, &rs, &row))
        row_value(rs, row, col, &sb);
    copy(ui, what, sb.buf);
    sbuf_release(&sb);
}

/* A row may say itself what is worth copying (a command); else it is its key. */
static void act_copy(struct ui *ui, struct pane *p)
{
    const struct row_set *rs;
    size_t row;

    if (pane_row(p, &rs, &row) && *row_set_text(rs, row, "copy"))
        copy_value(ui, p, "copy", "command");
    else
        copy_value(ui, p, "key", "key");
}

static void act_copy_url(struct ui *ui, struct pane *p)
{
    copy_value(ui, p, "url", "URL");
}

static void act_copy_row(struct ui *ui, struct pane *p)
{
    const struct row_set *rs;
    size_t row;
    struct sbuf sb;

    sbuf_init(&sb, 4 << 20);
    if (pane_row(p, &rs, &row))
        json_add_row(&sb, rs, row);
    copy(ui, "row", sb.buf);
    sbuf_release(&sb);
}

/* Asked for by hand: the store is asked again too, whatever the poll brings. */
static void ask_again(struct ui *ui, struct pane *p)
{
    ui->counts.is_old = ui->states.is_old = true;
    pane_set_old(p);
    ui_ask_shown(ui);
}

static void act_refresh_all(struct ui *ui, struct pane *p)
{
    ui->port.refresh(ui->port.ctx, NULL);
    ask_again(ui, p);
    ui_say(ui, false, "Polling every source, within its budget");
}

static void act_refresh(struct ui *ui, struct pane *p)
{
    if (!p->nsources) {
        act_refresh_all(ui, p);
        return;
    }
    for (size_t i = 0; i < p->nsources; i++)
        ui->port.refresh(ui->port.ctx, p->sources[i]);
    if (p->nsources == 1)
        ui_say(ui, false, "Polling %s", p->sources[0]);
    else
        ui_say(ui, false, "Polling %zu sources", p->nsources);
    ask_again(ui, p);
}

static void act_redraw(struct ui *ui, struct pane *p)
{
    (void)p;
    ui->port.redraw(ui->port.ctx);
}

static void act_pause(struct ui *ui, struct pane *p)
{
    ui->is_paused = !ui->is_paused;
    if (!ui->is_paused)
        ask_again(ui, p);
    ui_say(ui, false,
           ui->is_paused ? "Paused: polls go on, this screen stays as it is" : "Live again");
}

static void act_help(struct ui *ui, struct pane *p)
{
    (void)p;
    ui_open_pane(ui, "help", NULL, true);
}

static void act_log(struct ui *ui, struct pane *p)
{
    (void)p;
    ui_open_pane(ui, "log", NULL, true);
}

static void act_suspend(struct ui *ui, struct pane *p)
{
    (void)p;
    ui->port.suspend(ui->port.ctx);
}

static void act_reload(struct ui *ui, struct pane *p)
{
    struct err e = { 0 };

    (void)p;
    if (ui->port.reload(ui->port.ctx, &e))
        ui_say(ui, false, "Configuration read again");
    else
        ui_say(ui, true, "The configuration stays as it was: %s", e.text);
}

static const struct {
    enum action a;
    void (*run)(struct ui *ui, struct pane *p);
} handlers[] = {
    { ACT_OPEN, act_open },
    { ACT_BACK, act_back },
    { ACT_BACK_OR_QUIT, act_back_or_quit },
    { ACT_QUIT, act_quit },
    { ACT_CANCEL, act_cancel },
    { ACT_NEXT_VIEW, act_next_view },
    { ACT_PREV_VIEW, act_prev_view },
    { ACT_LAST_VIEW, act_last_view },
    { ACT_HISTORY_BACK, act_places_back },
    { ACT_HISTORY_FORWARD, act_places_forward },
    { ACT_FILTER, act_filter },
    { ACT_SORT_PICK, act_sort_pick },
    { ACT_DETAIL, act_detail },
    { ACT_RAW, act_raw },
    { ACT_HISTORY, act_history },
    { ACT_WHY, act_why },
    { ACT_COPY, act_copy },
    { ACT_COPY_ROW, act_copy_row },
    { ACT_COPY_URL, act_copy_url },
    { ACT_REFRESH, act_refresh },
    { ACT_REFRESH_ALL, act_refresh_all },
    { ACT_REDRAW, act_redraw },
    { ACT_PAUSE, act_pause },
    { ACT_COMMAND, act_command },
    { ACT_HELP, act_help },
    { ACT_OWN_LOG, act_log },
    { ACT_RELOAD, act_reload },
    { ACT_SUSPEND, act_suspend },
};

static void show_numbered(struct ui *ui, int number)
{
    for (size_t i = 0; i < ui->nviews; i++)
        if (ui->views[i].number == number) {
            ui_goto_name(ui, ui->views[i].name);
            return;
        }
    ui_say(ui, false, "There is no view %d; a pane file gives itself one with number: %d", number,
           number);
}

void ui_act(struct ui *ui, enum action a)
{
    require(ui);
    struct pane *p = ui_pane(ui);

    ui->is_dirty = true;
    if (p->ops->act && p->ops->act(p, a))
        return;
    if (a >= ACT_VIEW_1 && a <= ACT_VIEW_9) {
        show_numbered(ui, (int)a - ACT_VIEW_1 + 1);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
        if (handlers[i].a == a) {
            handlers[i].run(ui, p);
            return;
        }
    ui_say(ui, false, "%s does nothing in this pane", action_name(a));
}
