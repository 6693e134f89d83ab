/* The filter language. See filter.h. */
#include "opsdeck/ui/filter.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

#include "attrs.h"

enum {
    TERM_MAX_BYTES = 1024,
    TERMS_MAX = 64
};

/* Length of the key before a colon that makes `s` a key:value term, 0 when it is a word. */
static size_t key_length(const char *s)
{
    size_t n = 0;

    while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '.' || s[n] == '-')
        n++;
    /* https://host is a word that a person has pasted. */
    return s[n] == ':' && strncmp(s + n, "://", 3) != 0 ? n : 0;
}

/* One term from *s, quotes removed; false at the end. */
static bool next_term(const char **s, struct sbuf *out)
{
    bool in_quotes = false;

    sbuf_reset(out);
    while (**s == ' ')
        (*s)++;
    if (!**s)
        return false;
    for (; **s && (in_quotes || **s != ' '); (*s)++) {
        if (**s == '"')
            in_quotes = !in_quotes;
        else
            sbuf_addc(out, **s);
    }
    return true;
}

void filter_set(struct filter *f, const char *text)
{
    require(f && text);
    struct sbuf word;

    filter_release(f);
    f->mem = arena_new();
    f->v = arena_array(f->mem, TERMS_MAX, sizeof *f->v);
    sbuf_init(&word, TERM_MAX_BYTES);
    while (f->n < TERMS_MAX && next_term(&text, &word)) {
        const char *s = word.buf;
        struct filter_term t = { 0 };

        while (*s == '!') {
            t.is_negated = !t.is_negated;
            s++;
        }
        size_t klen = key_length(s);
        if (klen) {
            t.key = arena_strndup(f->mem, s, klen);
            s += klen + 1;
        }
        /* A term still being typed ("!", "env:") lets everything pass. */
        if (!*s)
            continue;
        t.value = utf8_fold(f->mem, s);
        f->v[f->n++] = t;
    }
    sbuf_release(&word);
}

void filter_release(struct filter *f)
{
    if (!f)
        return;
    arena_free(f->mem);
    *f = (struct filter){ 0 };
}

static bool holds(const char *text, const char *folded_value)
{
    struct arena *a;
    bool found;

    for (const char *s = text;; s++) {
        if ((unsigned char)*s >= 0x80)
            break;
        if (!*s) /* plain ASCII, the usual case, needs no copy */
            return strcasestr(text, folded_value) != NULL;
    }
    a = arena_new();
    found = strstr(utf8_fold(a, text), folded_value) != NULL;
    arena_free(a);
    return found;
}

static bool key_holds(const struct filter_term *t, const struct row_set *rs, size_t row)
{
    struct sbuf value;
    bool found = false;

    for (size_t c = 0; c < rs->ncols; c++)
        if (!strcasecmp(rs->cols[c], t->key))
            return holds(row_set_at(rs, row, (int)c)->text, t->value);
    sbuf_init(&value, 64 * 1024);
    if (attrs_get(row_set_text(rs, row, "attrs"), t->key, &value))
        found = holds(value.buf, t->value);
    sbuf_release(&value);
    return found;
}

bool filter_match(const struct filter *f, const char *folded, const struct row_set *rs, size_t row)
{
    require(f && rs && row < rs->nrows);
    for (size_t i = 0; i < f->n; i++) {
        const struct filter_term *t = &f->v[i];
        bool found = t->key ? key_holds(t, rs, row) : strstr(folded, t->value) != NULL;

        if (found == t->is_negated)
            return false;
    }
    return true;
}
