/*
 * The one-line editor at the foot of the screen: filter and search (`/`), commands (`:`).
 * It edits, remembers and completes; what a finished line means is the caller's. Loop thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_PROMPT_H
#define OPSDECK_UI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "opsdeck/ui/canvas.h"
#include "opsdeck/ui/term.h"

enum prompt_mode {
    PROMPT_NONE,
    PROMPT_FILTER,
    PROMPT_SEARCH,
    PROMPT_COMMAND,
    PROMPT_ANSWER, /* to `label`; never remembered */
    PROMPT_MODES
};
enum prompt_event {
    PROMPT_NOTHING,
    PROMPT_CHANGED,
    PROMPT_DONE,
    PROMPT_CANCELLED,
    PROMPT_COMPLETE
};

enum {
    PROMPT_MAX_BYTES = 1024,
    PROMPT_HISTORY = 50
};

struct prompt {
    enum prompt_mode mode; /* PROMPT_NONE: closed */
    char text[PROMPT_MAX_BYTES];
    size_t len, pos;
    const char *label; /* PROMPT_ANSWER: the question, the caller's */
    char *before;      /* the line when it was opened, for Esc */
    char *history[PROMPT_MODES][PROMPT_HISTORY];
    size_t nhistory[PROMPT_MODES];
    size_t at; /* in the history; nhistory: the line being typed */
};

void prompt_open(struct prompt *p, enum prompt_mode mode, const char *text);
void prompt_close(struct prompt *p);
void prompt_release(struct prompt *p);
enum prompt_event prompt_key(struct prompt *p, const struct ui_key *k);
/* Text typed or pasted: cleaned, on one line. False when it did not fit whole. */
bool prompt_insert(struct prompt *p, const char *text, size_t n);
/* Complete the word before the cursor; returns how many candidates fit it. */
size_t prompt_complete(struct prompt *p, const char *const *words, size_t n);
void prompt_draw(const struct prompt *p, struct canvas *cv, int row);

#endif
