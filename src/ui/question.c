/*
 * One line that a person is asked for (the code of an MFA device). A question waits until the
 * prompt is free, and is answered exactly once: by Enter, by Esc with nothing, or at the end.
 */
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "ui_priv.h"

struct question_entry {
    struct question_entry *next;
    char *label;
    ui_reply_fn *reply;
    void *ctx;
};

static void answer_first(struct ui *ui, const char *text)
{
    struct question_entry *q = ui->questions;

    ui->questions = q->next;
    q->reply(q->ctx, text);
    free(q->label);
    free(q);
}

void ui_questions_next(struct ui *ui)
{
    require(ui);
    if (!ui->questions || ui->prompt.mode != PROMPT_NONE)
        return;
    prompt_open(&ui->prompt, PROMPT_ANSWER, "");
    ui->prompt.label = ui->questions->label;
    ui->is_dirty = true;
}

void ui_questions_answer(struct ui *ui, const char *text)
{
    ui->prompt.label = NULL;
    if (ui->questions)
        answer_first(ui, text && *text ? text : NULL);
}

void ui_drop_questions(struct ui *ui)
{
    if (ui->prompt.mode == PROMPT_ANSWER)
        prompt_close(&ui->prompt);
    ui->is_dirty = true;
    ui_questions_release(ui);
}

void ui_questions_release(struct ui *ui)
{
    while (ui->questions)
        answer_first(ui, NULL);
}

void ui_ask_person(struct ui *ui, const char *label, ui_reply_fn *reply, void *ctx)
{
    require(ui && label && reply);
    struct question_entry *q = xcalloc(1, sizeof *q), **at = &ui->questions;

    q->label = xstrdup(label);
    q->reply = reply;
    q->ctx = ctx;
    while (*at)
        at = &(*at)->next;
    *at = q;
    ui_questions_next(ui);
}
