/*
 * Questions to the store: one slot a question, at most one under way for each slot. What
 * arrives for a question no longer waited for is dropped; data that changes while a question
 * is under way leads to exactly one more.
 */
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/require.h"

#include "ui_priv.h"

void slot_release(struct ui *ui, struct slot *s)
{
    if (s->id && ui->port.cancel)
        ui->port.cancel(ui->port.ctx, s->id);
    row_set_free(s->rows);
    *s = (struct slot){ 0 };
}

void slot_ask(struct ui *ui, struct slot *s, const char *sql, const struct bind *binds, size_t n)
{
    require(ui && s);
    struct question q = { .sql = sql, .binds = binds, .nbinds = n, .at_ms = ui->at_ms };

    if (!sql || !s->is_old || s->id || (ui->is_paused && s->has_answer))
        return;
    s->is_old = false;
    s->id = ui->port.ask(ui->port.ctx, &q);
    if (!s->id) {
        s->has_answer = true;
        err_set(&s->err, ERR_STORE, 0,
                "the store could not be asked; see the log (@), then press r to try again");
        ui->is_dirty = true;
    }
}

static bool cells_equal(const struct cell *a, const struct cell *b)
{
    return a->type == b->type && !strcmp(a->text, b->text);
}

static bool rows_equal(const struct row_set *a, const struct row_set *b)
{
    if (!a || !b || a->ncols != b->ncols || a->nrows != b->nrows ||
        a->is_truncated != b->is_truncated)
        return false;
    for (size_t i = 0; i < a->ncols; i++)
        if (strcmp(a->cols[i], b->cols[i]) != 0)
            return false;
    for (size_t i = 0; i < a->nrows * a->ncols; i++)
        if (!cells_equal(&a->cells[i], &b->cells[i]))
            return false;
    return true;
}

bool slot_answer(struct slot *s, struct query_answer *a, struct row_set **drop)
{
    require(s && a && drop);
    bool had_answer = s->has_answer;

    *drop = NULL;
    s->id = 0;
    s->has_answer = true;
    if (!a->rows) {
        bool is_new = !had_answer || strcmp(s->err.text, a->err.text) != 0;
        s->err = a->err;
        if (s->err.code == ERR_NONE)
            err_set(&s->err, ERR_STORE, 0, "the store gave no rows and no reason");
        return is_new;
    }
    bool was_bad = s->err.code != ERR_NONE;
    s->err = (struct err){ 0 };
    if (rows_equal(s->rows, a->rows)) {
        row_set_free(a->rows);
        a->rows = NULL;
        return was_bad || !had_answer;
    }
    *drop = s->rows;
    s->rows = a->rows;
    a->rows = NULL;
    return true;
}

int64_t ui_now_ms(const struct ui *ui)
{
    return ui->at_ms ? ui->at_ms : clock_wall_ms(ui->clock);
}

void ui_ask_shown(struct ui *ui)
{
    slot_ask(ui, &ui->counts, chrome_counts_sql, NULL, 0);
    slot_ask(ui, &ui->states, chrome_states_sql, NULL, 0);
    pane_ask(ui_pane(ui));
    ui->asked_mono_ms = clock_mono_ms(ui->clock);
}
