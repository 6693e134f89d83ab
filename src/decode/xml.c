/*
 * XML to JSON through expat. The document's root is the one member of the outer object; an
 * element with children or attributes is an object, a leaf a string, repeated children an
 * array; attributes are @name, text beside children is #text, prefixes are dropped. DOCTYPE
 * is refused, so that there are no entities but the five and numeric ones.
 */
#include "opsdeck/decode/decode.h"

#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"

#include "decode_priv.h"

enum {
    XML_DEPTH_MAX = 64,
    XML_NODES_MAX = 1000000,
    XML_CHUNK_BYTES = 1 << 20
};

struct attr {
    const char *name, *value;
    struct attr *next;
};

struct node {
    const char *name;
    struct attr *attrs;
    struct node *first, *last, *next; /* children in order; the next sibling */
    struct node *twin;                /* the next sibling of the same name */
    bool is_twin;                     /* not the first of its name: written with that one */
    size_t order;                     /* among its siblings */
    char *text;
    size_t ntext;
};

struct reader {
    struct arena *mem;
    XML_Parser parser;
    struct err *e;
    struct node *root, *stack[XML_DEPTH_MAX];
    struct sbuf text[XML_DEPTH_MAX];
    size_t depth, nodes;
    bool has_failed;
};

static const char *local_name(const char *name)
{
    const char *colon = strrchr(name, ':');

    return colon && colon[1] ? colon + 1 : name;
}

static void stop(struct reader *r, enum err_code code, const char *why)
{
    if (!r->has_failed)
        err_set(r->e, code, 0, "XML, line %lu: %s",
                (unsigned long)XML_GetCurrentLineNumber(r->parser), why);
    r->has_failed = true;
    XML_StopParser(r->parser, XML_FALSE);
}

static void add_attr(struct reader *r, struct node *nd, const char *name, const char *value)
{
    struct attr **at = &nd->attrs;

    if (!strcmp(name, "xmlns") || !strncmp(name, "xmlns:", 6))
        return;
    name = local_name(name);
    for (; *at; at = &(*at)->next)
        if (!strcmp((*at)->name, name))
            return; /* two prefixes, one name: the first stays */
    *at = arena_alloc(r->mem, sizeof **at);
    (*at)->name = arena_strdup(r->mem, name);
    (*at)->value = arena_strdup(r->mem, value);
    r->nodes++;
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **atts)
{
    struct reader *r = ctx;

    if (r->has_failed)
        return;
    if (r->depth == XML_DEPTH_MAX) {
        stop(r, ERR_LIMIT, "elements nested deeper than 64");
        return;
    }
    if (++r->nodes > XML_NODES_MAX) {
        stop(r, ERR_LIMIT, "more than 1,000,000 elements");
        return;
    }
    struct node *nd = arena_alloc(r->mem, sizeof *nd);
    nd->name = arena_strdup(r->mem, local_name(name));
    for (size_t i = 0; atts[i]; i += 2)
        add_attr(r, nd, atts[i], atts[i + 1]);
    if (r->depth) {
        struct node *up = r->stack[r->depth - 1];
        if (up->last)
            up->last->next = nd;
        else
            up->first = nd;
        up->last = nd;
    } else {
        r->root = nd;
    }
    sbuf_reset(&r->text[r->depth]);
    r->stack[r->depth++] = nd;
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
    struct reader *r = ctx;

    (void)name;
    if (r->has_failed || !r->depth)
        return;
    struct node *nd = r->stack[--r->depth];
    struct sbuf *text = &r->text[r->depth];
    size_t from = 0, to = text->len;
    if (nd->first) { /* text between children: the white space of the layout is none */
        while (from < to && strchr(" \t\r\n", text->buf[from]))
            from++;
        while (to > from && strchr(" \t\r\n", text->buf[to - 1]))
            to--;
    }
    nd->text = arena_strndup(r->mem, text->buf + from, to - from);
    nd->ntext = to - from;
}

static void XMLCALL on_text(void *ctx, const XML_Char *s, int len)
{
    struct reader *r = ctx;

    if (!r->has_failed && r->depth)
        sbuf_add(&r->text[r->depth - 1], s, (size_t)len);
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *sysid,
                               const XML_Char *pubid, int has_subset)
{
    (void)name, (void)sysid, (void)pubid, (void)has_subset;
    stop(ctx, ERR_PARSE, "a DOCTYPE, which is refused (an HTML page?)");
}

static int by_name(const void *a, const void *b)
{
    const struct node *const *x = a, *const *y = b;

    int c = strcmp((*x)->name, (*y)->name);

    return c ? c : (*x)->order < (*y)->order ? -1 : 1;
}

/* Chain the children of one name, so that writing them is one pass; order is kept. */
static void chain_twins(struct node *nd)
{
    size_t n = 0;

    for (struct node *c = nd->first; c; c = c->next)
        c->order = n++;
    if (n < 2)
        return;
    struct node **sorted = xcalloc(n, sizeof(struct node *));
    size_t i = 0;
    for (struct node *c = nd->first; c; c = c->next)
        sorted[i++] = c;
    qsort(sorted, n, sizeof(struct node *), by_name);
    for (i = 1; i < n; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) != 0)
            continue;
        sorted[i - 1]->twin = sorted[i];
        sorted[i]->is_twin = true;
    }
    free(sorted);
}

static bool put_node(struct sbuf *out, struct node *nd);

static bool put_name(struct sbuf *out, const char *prefix, const char *name, bool *is_first)
{
    struct sbuf full;

    sbuf_init(&full, strlen(name) + 4);
    sbuf_adds(&full, prefix);
    sbuf_adds(&full, name);
    bool ok = (*is_first || sbuf_addc(out, ',')) && json_put_string(out, full.buf, full.len) &&
              sbuf_addc(out, ':');
    *is_first = false;
    sbuf_release(&full);
    return ok;
}

static bool put_twins(struct sbuf *out, struct node *nd)
{
    if (!nd->twin)
        return put_node(out, nd);
    if (!sbuf_addc(out, '['))
        return false;
    for (struct node *c = nd; c; c = c->twin)
        if ((c != nd && !sbuf_addc(out, ',')) || !put_node(out, c))
            return false;
    return sbuf_addc(out, ']');
}

/* Recursion is bounded by XML_DEPTH_MAX. */
static bool put_node(struct sbuf *out, struct node *nd)
{
    bool is_first = true;

    if (!nd->attrs && !nd->first)
        return json_put_string(out, nd->text, nd->ntext);
    if (!sbuf_addc(out, '{'))
        return false;
    for (struct attr *a = nd->attrs; a; a = a->next)
        if (!put_name(out, "@", a->name, &is_first) ||
            !json_put_string(out, a->value, strlen(a->value)))
            return false;
    chain_twins(nd);
    for (struct node *c = nd->first; c; c = c->next)
        if (!c->is_twin && (!put_name(out, "", c->name, &is_first) || !put_twins(out, c)))
            return false;
    if (nd->ntext &&
        (!put_name(out, "#", "text", &is_first) || !json_put_string(out, nd->text, nd->ntext)))
        return false;
    return sbuf_addc(out, '}');
}

static bool feed(struct reader *r, const char *s, size_t n)
{
    for (size_t at = 0;; at += XML_CHUNK_BYTES) {
        size_t len = n - at < XML_CHUNK_BYTES ? n - at : XML_CHUNK_BYTES;
        bool is_last = at + len == n;
        if (XML_Parse(r->parser, s + at, (int)len, is_last) == XML_STATUS_ERROR)
            return r->has_failed
                       ? false
                       : err_set(r->e, ERR_PARSE, 0, "not XML at line %lu, column %lu: %s",
                                 (unsigned long)XML_GetCurrentLineNumber(r->parser),
                                 (unsigned long)XML_GetCurrentColumnNumber(r->parser) + 1,
                                 XML_ErrorString(XML_GetErrorCode(r->parser)));
        if (is_last)
            return true;
    }
}

bool xml_to_json(const char *s, size_t n, struct sbuf *out, struct err *e)
{
    struct reader r = { .mem = arena_new(), .e = e };

    /* The bytes are UTF-8 by now, whatever the declaration in the document says. */
    r.parser = XML_ParserCreate("UTF-8");
    if (!r.parser)
        bug("XML_ParserCreate failed");
    for (size_t i = 0; i < XML_DEPTH_MAX; i++)
        sbuf_init(&r.text[i], n);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    bool ok = feed(&r, s, n);
    bool is_first = true;
    if (ok && !(sbuf_addc(out, '{') && put_name(out, "", r.root->name, &is_first) &&
                put_node(out, r.root) && sbuf_addc(out, '}')))
        ok = too_large(out, "XML", e);
    XML_ParserFree(r.parser);
    for (size_t i = 0; i < XML_DEPTH_MAX; i++)
        sbuf_release(&r.text[i]);
    arena_free(r.mem);
    return ok;
}
