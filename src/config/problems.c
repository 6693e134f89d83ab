/*
 * The list of mistakes: texts, places and excerpts with a caret. Excerpts come from the texts
 * that were read (cfg_problems_know) and pass the mask, so that no secret is shown in them.
 */
#include "opsdeck/config/tree.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

#include "config_priv.h"

struct cfg_text {
    struct cfg_text *next;
    const char *name, *text;
    size_t len;
};

enum {
    EXCERPT_COLS = 90,
    SHOW_BYTES = 60
};

void cfg_problems_release(struct cfg_problems *ps)
{
    if (!ps)
        return;
    free(ps->v);
    ps->v = NULL;
    ps->n = ps->cap = 0;
    ps->texts = NULL;
}

void cfg_problems_know(struct cfg_problems *ps, const char *name, const char *text, size_t len)
{
    struct cfg_text *t = arena_alloc(ps->mem, sizeof *t);

    t->name = arena_strdup(ps->mem, name);
    t->text = arena_strndup(ps->mem, text, len);
    t->len = len;
    t->next = ps->texts;
    ps->texts = t;
}

/* Line `no` of a text, or NULL. */
static const char *find_line(const struct cfg_text *t, int no, size_t *len)
{
    const char *p = t->text, *end = t->text + t->len;

    for (int i = 1; i < no; i++) {
        p = memchr(p, '\n', (size_t)(end - p));
        if (!p)
            return NULL;
        p++;
    }
    const char *lf = memchr(p, '\n', (size_t)(end - p));
    *len = (size_t)((lf ? lf : end) - p);
    return p;
}

static size_t byte_of_col(const char *line, size_t len, int col)
{
    size_t at = 0;

    for (int i = 1; i < col && at < len; i++) {
        uint32_t cp;

        at += utf8_decode(line + at, len - at, &cp);
    }
    return at;
}

/* A window of the masked line that shows the caret, and the caret line. */
static const char *draw_excerpt(struct arena *mem, const char *line, int no, size_t caret)
{
    const char *from = line, *dots = "";
    char *head = arena_strndup(mem, line, caret);
    int col = utf8_width(head);

    if (col > EXCERPT_COLS - 20) {
        size_t skip = utf8_prefix(line, col - EXCERPT_COLS / 2, NULL);

        from = line + skip;
        dots = "...";
        head = arena_strndup(mem, from, caret - skip);
        col = utf8_width(head) + 3;
    }
    size_t fit = utf8_prefix(from, EXCERPT_COLS, NULL);
    return arena_printf(mem, "%5d | %s%.*s%s\n      | %*s^", no, dots, (int)fit, from,
                        from[fit] ? "..." : "", col, "");
}

static const char *make_excerpt(struct cfg_problems *ps, struct cfg_pos pos)
{
    const struct cfg_text *t = ps->texts;
    size_t len = 0;

    if (!pos.file || pos.line < 1)
        return NULL;
    while (t && strcmp(t->name, pos.file))
        t = t->next;
    const char *line = t ? find_line(t, pos.line, &len) : NULL;
    if (!line)
        return NULL;

    struct sbuf masked;
    size_t caret = byte_of_col(line, len, pos.col);
    sbuf_init(&masked, len * 4 + 64);
    cfg_mask_line(&masked, line, len, &caret);
    /* The door may change the number of bytes, so both sides of the caret pass it alone. */
    char *head = utf8_clean_dup(ps->mem, masked.buf, caret, masked.len * 4 + 8, UTF8_LINE);
    char *tail = utf8_clean_dup(ps->mem, masked.buf + caret, masked.len - caret, masked.len * 4 + 8,
                                UTF8_LINE);
    sbuf_release(&masked);
    return draw_excerpt(ps->mem, arena_printf(ps->mem, "%s%s", head, tail), pos.line, strlen(head));
}

static void add(struct cfg_problems *ps, struct cfg_pos pos, const char *path, const char *hint,
                bool is_warning, const char *text)
{
    struct cfg_problem *p;

    if (ps->n > CFG_PROBLEMS_MAX)
        return;
    VEC_GROW(ps->v, ps->n, ps->cap);
    p = &ps->v[ps->n++];
    *p = (struct cfg_problem){ .pos = pos, .is_warning = is_warning };
    p->pos.file = arena_strdup(ps->mem, pos.file);
    p->path = arena_strdup(ps->mem, path ? path : "");
    if (ps->n > CFG_PROBLEMS_MAX) {
        p->text = "there are more problems; these are the first ones";
        return;
    }
    p->text = utf8_clean_dup(ps->mem, text, strlen(text), 2000, UTF8_LINE);
    p->hint = hint ? utf8_clean_dup(ps->mem, hint, strlen(hint), 2000, UTF8_KEEP_LF) : NULL;
    p->excerpt = make_excerpt(ps, pos);
}

void cfg_problem_add(struct cfg_problems *ps, struct cfg_pos pos, const char *path,
                     const char *hint, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(ps, pos, path, hint, false, arena_vprintf(ps->mem, fmt, ap));
    va_end(ap);
}

void cfg_problem_warn(struct cfg_problems *ps, struct cfg_pos pos, const char *path,
                      const char *hint, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(ps, pos, path, hint, true, arena_vprintf(ps->mem, fmt, ap));
    va_end(ap);
}

size_t cfg_problems_errors(const struct cfg_problems *ps)
{
    size_t n = 0;

    for (size_t i = 0; i < ps->n; i++)
        n += !ps->v[i].is_warning;
    return n;
}

/* Order by place inside a file; files keep the order in which they were read. */
static bool is_after(const struct cfg_problem *a, const struct cfg_problem *b)
{
    if (!a->pos.file || !b->pos.file || strcmp(a->pos.file, b->pos.file))
        return false;
    return a->pos.line != b->pos.line ? a->pos.line > b->pos.line : a->pos.col > b->pos.col;
}

void cfg_problems_sort(struct cfg_problems *ps, size_t first)
{
    /* Insertion: stable, and there are never more than CFG_PROBLEMS_MAX + 1. */
    for (size_t i = first + 1; i < ps->n; i++) {
        struct cfg_problem p = ps->v[i];
        size_t at = i;

        for (; at > first && is_after(&ps->v[at - 1], &p); at--)
            ps->v[at] = ps->v[at - 1];
        ps->v[at] = p;
    }
}

void cfg_problem_format(const struct cfg_problem *p, struct sbuf *out)
{
    if (p->pos.file && p->pos.line > 0)
        sbuf_addf(out, "%s:%d:%d: ", p->pos.file, p->pos.line, p->pos.col);
    else if (p->pos.file)
        sbuf_addf(out, "%s: ", p->pos.file);
    if (p->is_warning)
        sbuf_adds(out, "warning: ");
    if (p->path[0])
        sbuf_addf(out, "%s: ", p->path);
    sbuf_addf(out, "%s\n", p->text);
    if (p->excerpt)
        sbuf_addf(out, "%s\n", p->excerpt);
    if (p->hint)
        sbuf_addf(out, "        %s\n", p->hint);
}

const char *cfg_show(struct cfg_problems *ps, const struct cfg_node *n)
{
    if (n->kind == CFG_SEQ)
        return "a list";
    if (n->kind == CFG_MAP)
        return "a map";
    if (n->is_null)
        return "nothing";
    if (cfg_looks_secret(n->text))
        return "***";
    return arena_printf(ps->mem, "\"%s\"",
                        utf8_clean_dup(ps->mem, n->text, strlen(n->text), SHOW_BYTES, UTF8_LINE));
}

struct cfg_pos cfg_pos_inside(struct cfg_pos start, const char *text, size_t off)
{
    size_t line = 0;

    if (start.line < 1)
        return start;
    for (size_t i = 0; i < off && text[i]; i++) {
        if (text[i] == '\n') {
            start.line++;
            line = i + 1;
        }
    }
    while (line < off && text[line]) {
        uint32_t cp;

        line += utf8_decode(text + line, off - line, &cp);
        start.col++;
    }
    return start;
}
