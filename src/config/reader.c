/*
 * YAML to plain nodes. The only file that knows libfyaml: it takes the parser's events one by
 * one, so that limits hold before anything grows, nothing is ever resolved, and duplicate keys
 * are found by a hash. The text has passed the UTF-8 door (tree.c).
 */
#include <libfyaml.h>
#include <string.h>
#include "opsdeck/base/hash.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/utf8.h"

#include "config_priv.h"

struct seen_key {
    const char *key;
    struct cfg_pos pos;
    UT_hash_handle hh;
};

/* One open map or list. */
struct level {
    struct cfg_node *node;
    size_t cap;
    struct seen_key *seen;
    bool has_key; /* map: a key waits for its value */
};

struct reader {
    struct arena *mem;
    struct cfg_problems *ps;
    const char *name, *text;
    size_t len, nnodes, depth;
    struct level levels[CFG_DEPTH_MAX];
    struct cfg_node *root;
    struct cfg_pos last; /* where we are, for values without a place of their own */
    bool has_document;
};

static bool refuse(struct reader *r, struct cfg_pos pos, const char *hint, const char *text)
{
    cfg_problem_add(r->ps, pos, "", hint, "%s", text);
    return false;
}

static struct cfg_pos event_pos(struct reader *r, struct fy_event *ev)
{
    const struct fy_mark *m = fy_event_start_mark(ev);

    if (m)
        r->last = (struct cfg_pos){ r->name, m->line + 1, m->column + 1 };
    return r->last;
}

/* libfyaml marks a block scalar at the start of its first line; people look at its text. */
static int block_col(const struct reader *r, size_t at, const char *text)
{
    size_t file = 0, own = 0;

    while (at + file < r->len && r->text[at + file] == ' ')
        file++;
    while (text[own] == ' ')
        own++;
    return file > own ? (int)(file - own) + 1 : 1;
}

static struct cfg_node *new_node(struct reader *r, enum cfg_kind kind, struct cfg_pos pos)
{
    struct cfg_node *n = arena_alloc(r->mem, sizeof *n);

    n->kind = kind;
    n->pos = pos;
    n->text = "";
    return n;
}

/* Room for one more item; old arrays stay in the arena, which doubling keeps below twice the need.
 */
static void grow(struct reader *r, struct level *l)
{
    struct cfg_node *n = l->node;

    if (n->n < l->cap)
        return;
    size_t cap = l->cap ? l->cap * 2 : 4;
    struct cfg_node **items = arena_array(r->mem, cap, sizeof *items);
    if (n->n)
        memcpy(items, n->items, n->n * sizeof *items);
    n->items = items;
    if (n->kind == CFG_MAP) {
        const char **keys = arena_array(r->mem, cap, sizeof *keys);
        struct cfg_pos *pos = arena_array(r->mem, cap, sizeof *pos);

        if (n->n) {
            memcpy(keys, n->keys, n->n * sizeof *keys);
            memcpy(pos, n->key_pos, n->n * sizeof *pos);
        }
        n->keys = keys;
        n->key_pos = pos;
    }
    l->cap = cap;
}

static bool add_key(struct reader *r, struct level *l, const struct cfg_node *key)
{
    struct seen_key *old = NULL;

    if (key->kind != CFG_SCALAR)
        return refuse(r, key->pos, NULL, "a key must be a word, not a list or map");
    if (!strcmp(key->text, "<<") && !key->is_quoted)
        return refuse(r, key->pos, "write the keys out", "merge keys (<<) are not read");
    HASH_FIND_STR(l->seen, key->text, old);
    if (old)
        cfg_problem_add(r->ps, key->pos, key->text, "remove one of the two",
                        "stands here twice, first in line %d", old->pos.line);
    grow(r, l);
    l->node->keys[l->node->n] = key->text;
    l->node->key_pos[l->node->n] = key->pos;
    l->has_key = true;
    if (old)
        return true;
    struct seen_key *s = arena_alloc(r->mem, sizeof *s);
    s->key = key->text;
    s->pos = key->pos;
    HASH_ADD_KEYPTR(hh, l->seen, s->key, strlen(s->key), s);
    return true;
}

/* Hand a finished scalar, or a map or list that begins, to what is open. */
static bool attach(struct reader *r, struct cfg_node *n)
{
    struct level *l = r->depth ? &r->levels[r->depth - 1] : NULL;

    if (!l) {
        r->root = n;
        return true;
    }
    if (l->node->kind == CFG_MAP && !l->has_key)
        return add_key(r, l, n);
    grow(r, l);
    l->node->items[l->node->n++] = n;
    l->has_key = false;
    return true;
}

static bool open_level(struct reader *r, enum cfg_kind kind, struct cfg_pos pos)
{
    struct cfg_node *n = new_node(r, kind, pos);

    if (r->depth == CFG_DEPTH_MAX)
        return refuse(r, pos, NULL, "nested more than 64 deep, refused");
    if (!attach(r, n))
        return false;
    r->levels[r->depth++] = (struct level){ .node = n };
    return true;
}

static void close_level(struct reader *r)
{
    struct level *l = &r->levels[--r->depth];

    HASH_CLEAR(hh, l->seen);
}

static bool is_null_word(const char *s)
{
    return !*s || !strcmp(s, "~") || !strcmp(s, "null") || !strcmp(s, "Null") || !strcmp(s, "NULL");
}

/* Spaces that look like U+0020 and are letters to YAML: Unicode's category Zs without it. */
static bool has_odd_space(const char *s)
{
    static const char *const spaces[] = { "\u00a0", "\u1680", "\u2000", "\u2001",
                                          "\u2002", "\u2003", "\u2004", "\u2005",
                                          "\u2006", "\u2007", "\u2008", "\u2009",
                                          "\u200a", "\u202f", "\u205f", "\u3000" };

    for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
        if (strstr(s, spaces[i]))
            return true;
    return false;
}

static bool read_scalar(struct reader *r, struct fy_event *ev, struct cfg_pos pos)
{
    struct fy_token *t = ev->scalar.value;
    struct cfg_node *n = new_node(r, CFG_SCALAR, pos);
    enum fy_scalar_style style = t ? fy_token_scalar_style(t) : FYSS_PLAIN;
    size_t len = 0;
    const char *text = t ? fy_token_get_text(t, &len) : "";
    const struct fy_mark *m = fy_event_start_mark(ev);
    char *copy = arena_strndup(r->mem, text ? text : "", text ? len : 0);

    if (strlen(copy) != len)
        return refuse(r, pos, NULL, "text holds a NUL byte, refused");
    for (char *c = copy; *c; c++)
        if (*c == '\t')
            *c = ' ';
    if (!utf8_is_clean(copy, len, UTF8_KEEP_LF))
        return refuse(r, pos, "write it without control, bidirectional and invisible characters",
                      "an escape in this text gives a control or invisible character, refused");
    if (style == FYSS_PLAIN && has_odd_space(copy))
        return refuse(r, pos, "write a plain space, or quote the text if it is meant",
                      "a no-break or other space that only looks like one stands in this text");
    n->text = copy;
    n->is_quoted = style != FYSS_PLAIN;
    n->is_null = !n->is_quoted && is_null_word(copy);
    if ((style == FYSS_LITERAL || style == FYSS_FOLDED) && m)
        n->pos.col = block_col(r, m->input_pos, copy);
    return attach(r, n);
}

static bool check_anchor(struct reader *r, struct fy_token *anchor, struct fy_token *tag,
                         struct cfg_pos pos)
{
    if (anchor)
        return refuse(r, pos, "write the value where it is used", "anchors (&name) are not read");
    if (tag)
        return refuse(r, pos, "remove the tag; quote a value that shall be text",
                      "tags (!name) are not read");
    return true;
}

static bool take_event(struct reader *r, struct fy_event *ev)
{
    struct cfg_pos pos = event_pos(r, ev);

    switch (ev->type) {
    case FYET_DOCUMENT_START:
        if (r->has_document)
            return refuse(r, pos, "one file holds one document",
                          "a second document (---) begins here");
        r->has_document = true;
        return true;
    case FYET_ALIAS:
        return refuse(r, pos, "write the value where it is used", "aliases (*name) are not read");
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        close_level(r);
        return true;
    case FYET_SCALAR:
    case FYET_MAPPING_START:
    case FYET_SEQUENCE_START:
        if (++r->nnodes > CFG_NODES_MAX)
            return refuse(r, pos, "split it into several files",
                          "more than 20000 values in one file, refused");
        break;
    default:
        return true;
    }
    if (ev->type == FYET_SCALAR)
        return check_anchor(r, ev->scalar.anchor, ev->scalar.tag, pos) && read_scalar(r, ev, pos);
    if (ev->type == FYET_MAPPING_START)
        return check_anchor(r, ev->mapping_start.anchor, ev->mapping_start.tag, pos) &&
               open_level(r, CFG_MAP, pos);
    return check_anchor(r, ev->sequence_start.anchor, ev->sequence_start.tag, pos) &&
           open_level(r, CFG_SEQ, pos);
}

/* What libfyaml's texts mean to somebody who did not read the YAML specification. */
static const struct {
    const char *has, *hint;
} syntax_hints[] = {
    { "multiline plain key", "the lines after it are indented as if they belonged to it; or a tab, "
                             "quote or comma is amiss" },
    { "cannot start with", "put the value into quotes" },
    { "wrongly indented double-quoted", "the closing \" is missing" },
    { "single-quoted", "the closing ' is missing" },
    { "double-quoted", "the closing \" is missing, or a \\ in it should be \\\\" },
    { "closing bracket", "a ] is missing" },
    { "closing brace", "a } is missing" },
    { "flow mapping", "a } or , is missing" },
    { "flow sequence", "a ] or , is missing" },
    { "alias", "put a value that begins with * into quotes" },
    { "anchor", "put a value that begins with & into quotes" },
    { "tab", "indent with spaces" },
};

static bool line_has_tab_indent(const struct reader *r, int line)
{
    const char *p = r->text;

    while (--line > 0 && (p = strchr(p, '\n')))
        p++;
    return p && p[strspn(p, " ")] == '\t';
}

static bool syntax_problem(struct reader *r, struct fy_diag *diag)
{
    void *iter = NULL;
    const struct fy_diag_error *de = fy_diag_errors_iterate(diag, &iter);
    struct cfg_pos pos = r->last;
    const char *msg = de && de->msg ? de->msg : "not valid YAML", *hint = NULL;

    if (de && de->line > 0)
        pos = (struct cfg_pos){ r->name, de->line, de->column > 0 ? de->column : 1 };
    for (int line = pos.line; line <= pos.line + 1; line++)
        if (line_has_tab_indent(r, line))
            hint = "indent with spaces: a line here begins with a tab";
    for (size_t i = 0; i < ARRAY_LEN(syntax_hints) && !hint; i++)
        if (strstr(msg, syntax_hints[i].has))
            hint = syntax_hints[i].hint;
    cfg_problem_add(r->ps, pos, "", hint, "syntax: %s", msg);
    return false;
}

static bool read_events(struct reader *r, struct fy_parser *p, struct fy_diag *diag)
{
    bool ok = true, is_done = false;

    while (ok && !is_done) {
        struct fy_event *ev = fy_parser_parse(p);

        if (!ev)
            return syntax_problem(r, diag);
        is_done = ev->type == FYET_STREAM_END;
        ok = take_event(r, ev);
        fy_parser_event_free(p, ev);
    }
    return ok;
}

struct cfg_node *cfg_parse(struct arena *mem, const char *name, const char *text, size_t len,
                           struct cfg_problems *ps)
{
    struct reader r = { .mem = mem, .ps = ps, .name = name, .text = text, .len = len };
    struct fy_diag_cfg diag_cfg;
    size_t before = cfg_problems_errors(ps);
    bool ok = false;

    r.last = (struct cfg_pos){ name, 1, 1 };
    /* Collected, never printed: a full-screen program owns the terminal. */
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    if (!diag)
        goto out;
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg cfg = {
        .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
        .diag = diag,
    };
    struct fy_parser *p = fy_parser_create(&cfg);
    ok = p && !fy_parser_set_string(p, text, len);
    if (ok)
        ok = read_events(&r, p, diag);
    else
        refuse(&r, r.last, NULL, "the YAML parser could not be started");
    if (p)
        fy_parser_destroy(p);
    while (r.depth)
        close_level(&r);
    fy_diag_destroy(diag);
out:
    if (!diag)
        refuse(&r, r.last, NULL, "the YAML parser could not be started");
    if (!ok || cfg_problems_errors(ps) > before)
        return NULL;
    return r.root && !r.root->is_null ? r.root : new_node(&r, CFG_MAP, r.last);
}
