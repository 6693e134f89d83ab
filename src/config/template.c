/* {name} in paths, queries, headers and bodies. `{{` and `}}` stand for braces. */
#include <string.h>

#include "opsdeck/base/sbuf.h"

#include "recipe_priv.h"

enum {
    NAME_MAX_BYTES = 64,
    OUT_MAX_BYTES = 1024 * 1024
};

/*
 * The next piece of *s: a literal byte (returns 1, *name NULL), a {name} (returns 2), the end (0),
 * or a brace without its partner (-1).
 */
static int next_piece(const char **s, char *byte, const char **name, size_t *len)
{
    const char *p = *s, *end;

    *name = NULL;
    if (!*p)
        return 0;
    if ((*p == '{' || *p == '}') && p[1] == *p) {
        *byte = *p;
        *s = p + 2;
        return 1;
    }
    if (*p == '}')
        return -1;
    if (*p != '{') {
        *byte = *p;
        *s = p + 1;
        return 1;
    }
    end = strchr(p, '}');
    if (!end || end == p + 1 || end - p > NAME_MAX_BYTES)
        return -1;
    *name = p + 1;
    *len = (size_t)(end - p - 1);
    *s = end + 1;
    return 2;
}

static bool is_known(const char *const *names, const char *name, size_t len)
{
    for (; names && *names; names++)
        if (strlen(*names) == len && !strncmp(*names, name, len))
            return true;
    return false;
}

bool template_check(const struct cfg_node *node, const char *const *names, bool any,
                    const char *shown, struct cfg_problems *ps)
{
    const char *s = node->text, *name, *at;
    char byte;
    size_t len = 0, n = 0;
    int kind;

    while (at = s, (kind = next_piece(&s, &byte, &name, &len)) > 0) {
        if (kind != 2 || any || is_known(names, name, len))
            continue;
        char *word = arena_strndup(ps->mem, name, len);
        while (names && names[n])
            n++;
        const char *near = cfg_nearest(word, names, n);
        cfg_problem_add(ps, cfg_pos_inside(node->pos, node->text, (size_t)(at - node->text)), shown,
                        near ? arena_printf(ps->mem, "did you mean {%s}?", near)
                             : "{{ and }} stand for braces",
                        "{%s} is no param of this recipe", word);
        return false;
    }
    if (kind == 0)
        return true;
    cfg_problem_add(ps, cfg_pos_inside(node->pos, node->text, (size_t)(at - node->text)), shown,
                    "{name} is a template, {{ and }} stand for braces",
                    "a brace without its partner");
    return false;
}

static const struct bind *find(const char *name, size_t len, const struct bind *const *sets,
                               const size_t *counts, size_t nsets)
{
    for (size_t i = 0; i < nsets; i++)
        for (size_t k = 0; k < counts[i]; k++)
            if (strlen(sets[i][k].name) == len && !strncmp(sets[i][k].name, name, len))
                return &sets[i][k];
    return NULL;
}

/* RFC 3986 2.3: unreserved characters stay. */
static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~", c) != NULL;
}

static void add_value(struct sbuf *out, const struct bind *b, bool encode)
{
    struct sbuf text;

    sbuf_init(&text, OUT_MAX_BYTES);
    if (b->type == CELL_INT)
        sbuf_addf(&text, "%lld", (long long)b->i);
    else if (b->type == CELL_REAL)
        sbuf_addf(&text, "%.15g", b->d);
    else if (b->type == CELL_TEXT && b->text)
        sbuf_adds(&text, b->text);
    /* As a whole segment of a path they would climb out of it (RFC 3986 5.2.4). */
    bool climbs = !strcmp(text.buf, ".") || !strcmp(text.buf, "..");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.buf[i];
        if (encode && (climbs || !c || !is_unreserved(c)))
            sbuf_addf(out, "%%%02X", c);
        else
            sbuf_addc(out, (char)c);
    }
    sbuf_release(&text);
}

bool template_expand(struct arena *mem, const char *tmpl, const struct bind *const *sets,
                     const size_t *counts, size_t nsets, bool encode, char **out, struct err *e)
{
    struct sbuf sb;
    const char *s = tmpl, *name;
    char byte;
    size_t len = 0;
    int kind;
    bool ok = true;

    sbuf_init(&sb, OUT_MAX_BYTES);
    while (ok && (kind = next_piece(&s, &byte, &name, &len)) != 0) {
        const struct bind *b = kind == 2 ? find(name, len, sets, counts, nsets) : NULL;
        if (kind < 0)
            ok = err_set(e, ERR_CONFIG, 0, "a brace without its partner in \"%s\"", tmpl);
        else if (kind == 1)
            sbuf_addc(&sb, byte);
        else if (b)
            add_value(&sb, b, encode);
        else
            ok = err_set(e, ERR_CONFIG, 0,
                         "{%.*s} is neither a param nor a column of for:", (int)len, name);
    }
    if (ok && sb.is_full)
        ok = err_set(e, ERR_LIMIT, 0, "\"%.60s...\" expands to more than 1 MiB", tmpl);
    if (ok)
        *out = arena_strndup(mem, sb.buf, sb.len);
    sbuf_release(&sb);
    return ok;
}
