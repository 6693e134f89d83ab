/* The one-line editor. See prompt.h. */
#include "prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

static void set_text(struct prompt *p, const char *text)
{
    size_t n = strlen(text);

    if (n >= sizeof p->text)
        n = utf8_prefix(text, PROMPT_MAX_BYTES / 4, NULL);
    memcpy(p->text, text, n);
    p->text[n] = '\0';
    p->len = p->pos = n;
}

void prompt_open(struct prompt *p, enum prompt_mode mode, const char *text)
{
    require(p && mode != PROMPT_NONE);
    p->mode = mode;
    free(p->before);
    p->before = xstrdup(text);
    p->at = p->nhistory[mode];
    set_text(p, text);
}

static void remember(struct prompt *p)
{
    char **h = p->history[p->mode];
    size_t *n = &p->nhistory[p->mode];

    if (p->mode == PROMPT_ANSWER || !p->len || (*n && !strcmp(h[*n - 1], p->text)))
        return;
    if (*n == PROMPT_HISTORY) {
        free(h[0]);
        memmove(h, h + 1, (PROMPT_HISTORY - 1) * sizeof *h);
        (*n)--;
    }
    h[(*n)++] = xstrdup(p->text);
}

void prompt_close(struct prompt *p)
{
    p->mode = PROMPT_NONE;
    set_text(p, "");
}

void prompt_release(struct prompt *p)
{
    for (int m = 0; m < PROMPT_MODES; m++)
        for (size_t i = 0; i < p->nhistory[m]; i++)
            free(p->history[m][i]);
    free(p->before);
    *p = (struct prompt){ 0 };
}

bool prompt_insert(struct prompt *p, const char *text, size_t n)
{
    require(p && (text || n == 0));
    struct sbuf clean;
    bool fits;

    /* What cannot fit is not looked at: a paste may be a megabyte. */
    sbuf_init(&clean, PROMPT_MAX_BYTES);
    fits = n < PROMPT_MAX_BYTES && utf8_clean(&clean, text, n, UTF8_LINE) &&
           p->len + clean.len < sizeof p->text;
    if (fits) {
        memmove(p->text + p->pos + clean.len, p->text + p->pos, p->len - p->pos + 1);
        memcpy(p->text + p->pos, clean.buf, clean.len);
        p->len += clean.len;
        p->pos += clean.len;
    }
    sbuf_release(&clean);
    return fits;
}

static size_t step_left(const struct prompt *p)
{
    size_t at = 0, next = 0;
    int w;

    while (next < p->pos) {
        at = next;
        size_t n = utf8_cluster(p->text + at, p->len - at, &w);
        if (!n)
            break;
        next = at + n;
    }
    return at;
}

static size_t step_right(const struct prompt *p)
{
    int w;

    return p->pos + utf8_cluster(p->text + p->pos, p->len - p->pos, &w);
}

static enum prompt_event erase(struct prompt *p, size_t from, size_t to)
{
    if (from >= to)
        return PROMPT_NOTHING;
    memmove(p->text + from, p->text + to, p->len - to + 1);
    p->len -= to - from;
    p->pos = from;
    return PROMPT_CHANGED;
}

static size_t word_left(const struct prompt *p)
{
    size_t at = p->pos;

    while (at > 0 && p->text[at - 1] == ' ')
        at--;
    while (at > 0 && p->text[at - 1] != ' ')
        at--;
    return at;
}

static enum prompt_event walk_history(struct prompt *p, int step)
{
    size_t n = p->nhistory[p->mode];

    if ((step < 0 && p->at == 0) || (step > 0 && p->at >= n))
        return PROMPT_NOTHING;
    p->at = step < 0 ? p->at - 1 : p->at + 1;
    set_text(p, p->at < n ? p->history[p->mode][p->at] : "");
    return PROMPT_CHANGED;
}

static enum prompt_event ctrl_key(struct prompt *p, uint32_t code)
{
    switch (code) {
    case 'c':
        return PROMPT_CANCELLED;
    case 'u':
        return erase(p, 0, p->pos);
    case 'w':
        return erase(p, word_left(p), p->pos);
    case 'k':
        return erase(p, p->pos, p->len);
    case 'e':
        p->pos = p->len;
        return PROMPT_NOTHING;
    default:
        return PROMPT_NOTHING;
    }
}

static enum prompt_event move(struct prompt *p, size_t to)
{
    p->pos = to;
    return PROMPT_NOTHING;
}

enum prompt_event prompt_key(struct prompt *p, const struct ui_key *k)
{
    require(p && k);
    char b[4];

    if (k->is_ctrl)
        return ctrl_key(p, k->code);
    switch (k->code) {
    case UI_KEY_ENTER:
        remember(p);
        return PROMPT_DONE;
    case UI_KEY_ESC:
        return PROMPT_CANCELLED;
    case UI_KEY_TAB:
        return PROMPT_COMPLETE;
    case UI_KEY_BACKSPACE:
        return p->len ? erase(p, step_left(p), p->pos) : PROMPT_CANCELLED;
    case UI_KEY_DELETE:
        return erase(p, p->pos, step_right(p));
    case UI_KEY_LEFT:
        return move(p, step_left(p));
    case UI_KEY_RIGHT:
        return move(p, step_right(p));
    case UI_KEY_HOME:
        return move(p, 0);
    case UI_KEY_END:
        return move(p, p->len);
    case UI_KEY_UP:
        return walk_history(p, -1);
    case UI_KEY_DOWN:
        return walk_history(p, 1);
    default:
        if (k->code < 0x20 || k->code >= 0x110000)
            return PROMPT_NOTHING;
        return prompt_insert(p, b, utf8_encode(k->code, b)) ? PROMPT_CHANGED : PROMPT_NOTHING;
    }
}

size_t prompt_complete(struct prompt *p, const char *const *words, size_t n)
{
    require(p && (words || n == 0));
    size_t from = word_left(p), have = p->pos - from, found = 0, common = 0;
    const char *first = NULL;

    if (p->pos > 0 && p->text[p->pos - 1] == ' ') {
        from = p->pos;
        have = 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (strncmp(words[i], p->text + from, have) != 0)
            continue;
        size_t same = first ? 0 : strlen(words[i]);
        while (first && same < common && first[same] == words[i][same])
            same++;
        common = same;
        first = first ? first : words[i];
        found++;
    }
    if (found && common > have)
        prompt_insert(p, first + have, common - have);
    if (found == 1)
        prompt_insert(p, " ", 1);
    return found;
}

void prompt_draw(const struct prompt *p, struct canvas *cv, int row)
{
    require(p && cv);
    static const char *const marks[] = { "", "/", "/", ":", "" };
    _Static_assert(ARRAY_LEN(marks) == PROMPT_MODES, "a mark for each");
    const char *mark = p->mode == PROMPT_ANSWER && p->label ? p->label : marks[p->mode];
    char left[PROMPT_MAX_BYTES];
    int before = utf8_width(mark) < cv->cols - 12 ? utf8_width(mark) : cv->cols - 12;
    int room = cv->cols - 1 - before;

    snprintf(left, sizeof left, "%.*s", (int)p->pos, p->text);
    int cursor = utf8_width(left), skip = cursor > room ? cursor - room : 0;
    canvas_fill(cv, row, 0, cv->cols, ROLE_PROMPT);
    canvas_text(cv, row, 0, before, ROLE_PROMPT, mark);
    int skipped = 0;
    size_t from = skip > 0 ? utf8_prefix(p->text, skip, &skipped) : 0;
    canvas_text(cv, row, before, cv->cols - before, ROLE_PROMPT, p->text + from);
    cv->cursor_row = row;
    int col = before + cursor - skipped;
    cv->cursor_col = col < cv->cols ? col : cv->cols - 1;
}
