/*
 * The text widget: a page of text that wraps, scrolls and can be searched. Owns its text,
 * which must be clean. Loop thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_TEXT_H
#define OPSDECK_UI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions.h"
#include "format.h"

struct text_line {
    size_t at, len; /* bytes of `body` */
};

struct text {
    char *body;
    struct text_line *lines; /* as laid out for `width` */
    size_t n, cap;
    size_t top;
    int width, page, skip_cols;
    bool is_unwrapped;
    bool is_following; /* new text keeps the end in view */
    char *needle;      /* folded; NULL: no search */
    long hit;          /* line found last, -1 none */
};

void text_init(struct text *t);
void text_release(struct text *t);
void text_set(struct text *t, const char *body);
void text_layout(struct text *t, int rows, int cols);
bool text_act(struct text *t, enum action a);
/* Searches from the top of the screen on; false: not found. */
bool text_search(struct text *t, const char *needle);
void text_draw(const struct text *t, struct paint *pt, int row, int rows, int cols);

/*
 * Where a line of `s` that fits into `cols` ends, and where the next begins (behind the space
 * or LF it broke at). *next == length when that was the last.
 */
size_t text_wrap(const char *s, int cols, size_t *next);

#endif
