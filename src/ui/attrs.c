/* Attributes of a row and rows as JSON text. See attrs.h. */
#include "attrs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/row_set.h"
#include "opsdeck/base/json_text.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

static const char *skip_space(const char *s)
{
    while (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r')
        s++;
    return s;
}

static int hex4(const char *s)
{
    int v = 0;

    for (int i = 0; i < 4; i++) {
        char c = s[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

/* The code point of an escape at `s` (behind the backslash); *s moves behind it. */
static uint32_t read_escape(const char **s)
{
    static const char from[] = "bfnrt\"\\/", to[] = "\b\f\n\r\t\"\\/";
    const char *at = **s ? strchr(from, **s) : NULL;

    if (at) {
        (*s)++;
        return (unsigned char)to[at - from];
    }
    int hi = **s == 'u' ? hex4(*s + 1) : -1;
    if (hi < 0)
        return 0xfffd;
    *s += 5;
    if (hi >= 0xd800 && hi < 0xdc00 && (*s)[0] == '\\' && (*s)[1] == 'u') {
        int lo = hex4(*s + 2);
        if (lo >= 0xdc00 && lo < 0xe000) {
            *s += 6;
            return 0x10000 + (((uint32_t)hi - 0xd800) << 10) + ((uint32_t)lo - 0xdc00);
        }
    }
    return hi >= 0xd800 && hi < 0xe000 ? 0xfffd : (uint32_t)hi;
}

/* A JSON string at `s` (on its quote); returns what follows, NULL when it does not end. */
static const char *read_string(const char *s, struct sbuf *out)
{
    const char *run = ++s;
    bool has_escape = false;
    struct sbuf raw;

    sbuf_reset(out);
    while (*s && *s != '"') {
        has_escape |= *s == '\\';
        s += *s == '\\' && s[1] ? 2 : 1;
    }
    if (!*s)
        return NULL;
    if (!has_escape) {
        sbuf_add(out, run, (size_t)(s - run));
        return s + 1;
    }
    sbuf_init(&raw, (size_t)(s - run) + 8);
    while (run < s) {
        if (*run != '\\') {
            sbuf_addc(&raw, *run++);
            continue;
        }
        char b[4];
        run++;
        size_t nb = utf8_encode(read_escape(&run), b);
        sbuf_add(&raw, b, nb);
    }
    /* An escape can bring back what the text door took out. */
    utf8_clean(out, raw.buf, raw.len, UTF8_LINE);
    sbuf_release(&raw);
    return s + 1;
}

/* Behind the value at `s`. */
static const char *skip_value(const char *s)
{
    int depth = 0;
    bool in_string = false;

    for (; *s; s++) {
        if (in_string) {
            if (*s == '\\' && s[1])
                s++;
            else if (*s == '"')
                in_string = false;
        } else if (*s == '"') {
            in_string = true;
        } else if (*s == '{' || *s == '[') {
            depth++;
        } else if (*s == '}' || *s == ']') {
            if (depth-- == 0)
                return s;
        } else if (*s == ',' && depth == 0) {
            return s;
        }
    }
    return s;
}

bool attrs_next(const char **pos, struct sbuf *key, struct sbuf *value)
{
    require(pos && *pos && key && value);
    const char *s = skip_space(*pos);

    if (*s == '{' || *s == ',')
        s = skip_space(s + 1);
    if (*s != '"' || !(s = read_string(s, key)))
        return false;
    s = skip_space(s);
    if (*s != ':')
        return false;
    s = skip_space(s + 1);
    if (*s == '"') {
        if (!(s = read_string(s, value)))
            return false;
    } else {
        const char *end = skip_value(s);
        sbuf_reset(value);
        sbuf_add(value, s, (size_t)(end - s));
        s = end;
    }
    *pos = s;
    return true;
}

bool attrs_get(const char *json, const char *name, struct sbuf *out)
{
    require(name && out);
    struct sbuf key;
    bool found = false;

    sbuf_init(&key, 4096);
    while (!found && attrs_next(&json, &key, out))
        found = !strcmp(key.buf, name);
    sbuf_release(&key);
    return found && strcmp(out->buf, "null") != 0;
}

static void new_line(struct sbuf *out, int depth)
{
    sbuf_addc(out, '\n');
    for (int i = 0; i < depth && i < 40; i++)
        sbuf_adds(out, "  ");
}

/* Valid JSON text again, with a line for each item. */
static void add_indented(struct sbuf *out, const char *s, int depth)
{
    bool in_string = false;

    for (; *s; s++) {
        if (in_string) {
            sbuf_addc(out, *s);
            if (*s == '\\' && s[1])
                sbuf_addc(out, *++s);
            else if (*s == '"')
                in_string = false;
            continue;
        }
        if ((*s == '{' || *s == '[') && *skip_space(s + 1) != *s + 2) {
            sbuf_addc(out, *s);
            new_line(out, ++depth);
        } else if (*s == '{' || *s == '[') {
            sbuf_addc(out, *s); /* empty: both brackets on one line */
            s = skip_space(s + 1);
            sbuf_addc(out, *s);
        } else if (*s == '}' || *s == ']') {
            new_line(out, --depth);
            sbuf_addc(out, *s);
        } else if (*s == ',') {
            sbuf_addc(out, *s);
            new_line(out, depth);
        } else if (*s == ':') {
            sbuf_adds(out, ": ");
        } else if (*s != ' ' && *s != '\n' && *s != '\t' && *s != '\r') {
            in_string = *s == '"';
            sbuf_addc(out, *s);
        }
    }
}

void json_add_row(struct sbuf *out, const struct row_set *rs, size_t row)
{
    require(out && rs && row < rs->nrows);
    sbuf_adds(out, "{");
    for (size_t c = 0; c < rs->ncols; c++) {
        const struct cell *v = row_set_at(rs, row, (int)c);

        sbuf_adds(out, c ? ",\n  " : "\n  ");
        json_put(out, rs->cols[c], strlen(rs->cols[c]));
        sbuf_adds(out, ": ");
        if (v->type == CELL_NULL)
            sbuf_adds(out, "null");
        else if (v->type != CELL_TEXT)
            sbuf_adds(out, v->text);
        else if (!strcmp(rs->cols[c], "attrs") && v->text[0] == '{')
            add_indented(out, v->text, 1);
        else
            json_put(out, v->text, strlen(v->text));
    }
    sbuf_adds(out, "\n}");
}
