/* The text widget. See text.h. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

void text_init(struct text *t)
{
    require(t);
    *t = (struct text){ .page = 1, .hit = -1 };
    t->body = xstrdup("");
}

void text_release(struct text *t)
{
    free(t->body);
    free(t->lines);
    free(t->needle);
    *t = (struct text){ 0 };
}

size_t text_wrap(const char *s, int cols, size_t *next)
{
    require(s && next);
    size_t line = strcspn(s, "\n");
    size_t fits = 0;
    int used = 0;

    while (fits < line) {
        int w;
        size_t n = utf8_cluster(s + fits, line - fits, &w);
        if (!n || (used + w > cols && fits > 0))
            break;
        used += w;
        fits += n;
    }
    if (fits == line) {
        *next = line + (s[line] == '\n');
        return line;
    }
    /* Break at the last space when that leaves at least a third of the line. */
    size_t at = fits;
    while (at > fits / 3 && s[at] != ' ')
        at--;
    if (s[at] == ' ' && at > fits / 3) {
        *next = at + 1;
        return at;
    }
    *next = fits;
    return fits;
}

static void add_line(struct text *t, size_t at, size_t len)
{
    VEC_GROW(t->lines, t->n, t->cap);
    t->lines[t->n++] = (struct text_line){ at, len };
}

static void wrap_all(struct text *t, int cols)
{
    size_t at = 0;

    t->n = 0;
    while (t->body[at]) {
        size_t next, len;

        if (t->is_unwrapped) {
            len = strcspn(t->body + at, "\n");
            next = len + (t->body[at + len] == '\n');
        } else {
            len = text_wrap(t->body + at, cols, &next);
        }
        add_line(t, at, len);
        at += next;
    }
    t->width = cols;
}

static size_t last_top(const struct text *t)
{
    return t->n > (size_t)t->page ? t->n - (size_t)t->page : 0;
}

static void go_to(struct text *t, int64_t top)
{
    int64_t last = (int64_t)last_top(t);

    t->top = (size_t)(top < 0 ? 0 : top > last ? last : top);
    t->is_following = t->top == last_top(t) && t->top > 0;
}

void text_set(struct text *t, const char *body)
{
    require(t && body);
    if (!strcmp(t->body, body))
        return;
    free(t->body);
    t->body = xstrdup(body);
    t->hit = -1;
    wrap_all(t, t->width > 0 ? t->width : 80);
    if (t->is_following || t->top > last_top(t))
        t->top = last_top(t);
}

void text_layout(struct text *t, int rows, int cols)
{
    require(t);
    t->page = rows > 0 ? rows : 1;
    if (t->width != cols) {
        /* The byte at the top stays at the top when the width changes. */
        size_t at = t->top < t->n ? t->lines[t->top].at : 0;
        wrap_all(t, cols > 0 ? cols : 1);
        for (t->top = 0; t->top + 1 < t->n && t->lines[t->top + 1].at <= at;)
            t->top++;
        t->hit = -1;
    }
    if (t->top > last_top(t) || t->is_following)
        t->top = last_top(t);
}

static bool line_has(const struct text *t, size_t i)
{
    struct arena *a = arena_new();
    char *line = arena_strndup(a, t->body + t->lines[i].at, t->lines[i].len);
    bool found = strstr(utf8_fold(a, line), t->needle) != NULL;

    arena_free(a);
    return found;
}

/* From line `from` on in direction `step`, once round. */
static bool find(struct text *t, int64_t from, int step)
{
    int64_t n = (int64_t)t->n;

    for (int64_t i = 0; i < n; i++) {
        int64_t at = ((from + i * step) % n + n) % n;

        if (line_has(t, (size_t)at)) {
            t->hit = (long)at;
            if (at < (int64_t)t->top || at >= (int64_t)t->top + t->page)
                go_to(t, at - t->page / 2);
            return true;
        }
    }
    return false;
}

bool text_search(struct text *t, const char *needle)
{
    require(t && needle);
    struct arena *a = arena_new();

    free(t->needle);
    t->needle = needle[0] ? xstrdup(utf8_fold(a, needle)) : NULL;
    arena_free(a);
    t->hit = -1;
    return !t->needle || find(t, (int64_t)t->top, 1);
}

static bool act_find(struct text *t, int step)
{
    int64_t from = t->hit >= 0 ? t->hit + step : (int64_t)t->top;

    if (t->needle && t->n)
        find(t, from, step);
    return true;
}

bool text_act(struct text *t, enum action a)
{
    int64_t top = (int64_t)t->top, page = t->page > 1 ? t->page - 1 : 1;

    switch (a) {
    case ACT_UP:
        go_to(t, top - 1);
        return true;
    case ACT_DOWN:
        go_to(t, top + 1);
        return true;
    case ACT_PAGE_UP:
        go_to(t, top - page);
        return true;
    case ACT_PAGE_DOWN:
        go_to(t, top + page);
        return true;
    case ACT_HALF_UP:
        go_to(t, top - (page + 1) / 2);
        return true;
    case ACT_HALF_DOWN:
        go_to(t, top + (page + 1) / 2);
        return true;
    case ACT_TOP:
        go_to(t, 0);
        return true;
    case ACT_BOTTOM:
        go_to(t, (int64_t)t->n);
        return true;
    case ACT_NEXT_MATCH:
    case ACT_PREV_MATCH:
        return act_find(t, a == ACT_NEXT_MATCH ? 1 : -1);
    case ACT_WIDE:
        t->is_unwrapped = !t->is_unwrapped;
        t->skip_cols = 0;
        t->width = 0;
        return true;
    case ACT_RIGHT:
        t->skip_cols += t->is_unwrapped && t->skip_cols < 10000 ? 8 : 0;
        return true;
    case ACT_LEFT:
        t->skip_cols -= t->skip_cols >= 8 ? 8 : t->skip_cols;
        return true;
    default:
        return false;
    }
}

void text_draw(const struct text *t, struct paint *pt, int row, int rows, int cols)
{
    require(t && pt);
    for (int i = 0; i < rows && t->top + (size_t)i < t->n; i++) {
        const struct text_line *l = &t->lines[t->top + (size_t)i];
        bool is_hit = (long)t->top + i == t->hit;
        char *line = xstrndup(t->body + l->at, l->len);
        size_t skip = utf8_prefix(line, t->skip_cols, NULL);

        canvas_field(pt->cv, row + i, 0, cols, is_hit ? ROLE_MARK : ROLE_TEXT, line + skip, false,
                     false);
        free(line);
    }
}
