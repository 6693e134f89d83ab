/* JSON as text: strings, and documents indented with tabs. See json_text.h. */
#include "opsdeck/base/json_text.h"

#include <inttypes.h>
#include <string.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

/* ---- strings */

static bool put_escaped(struct sbuf *out, uint32_t c)
{
    switch (c) {
    case '"':
        return sbuf_add(out, "\\\"", 2);
    case '\\':
        return sbuf_add(out, "\\\\", 2);
    case '\n':
        return sbuf_add(out, "\\n", 2);
    default:
        if (c > 0xffff) /* a pair of surrogates */
            return sbuf_addf(out, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (c >> 10)),
                             (unsigned)(0xdc00 + (c & 0x3ff)));
        return sbuf_addf(out, "\\u%04x", (unsigned)c);
    }
}

static bool put_string(struct sbuf *out, const char *s, size_t n, bool is_ascii)
{
    size_t from = 0, used;

    if (!sbuf_addc(out, '"'))
        return false;
    for (size_t i = 0; i < n; i += used) {
        uint32_t c = (unsigned char)s[i];
        used = 1;
        if (c >= 0x20 && c != '"' && c != '\\' && (c < 0x7f || !is_ascii))
            continue;
        if (c >= 0x80)
            used = utf8_decode(s + i, n - i, &c);
        if (!sbuf_add(out, s + from, i - from) || !put_escaped(out, c))
            return false;
        from = i + used;
    }
    return sbuf_add(out, s + from, n - from) && sbuf_addc(out, '"');
}

bool json_put(struct sbuf *out, const char *s, size_t n)
{
    return put_string(out, s, n, false);
}

bool json_put_ascii(struct sbuf *out, const char *s, size_t n)
{
    return put_string(out, s, n, true);
}

/* ---- documents */

struct json json_into(struct sbuf *out)
{
    return (struct json){ .out = out };
}

static void indent(struct json *j, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        sbuf_addc(j->out, '\t');
}

/* What stands before a value: the comma, the line, the name. */
static void lead(struct json *j, const char *key)
{
    if (!j->depth) {
        require(!key);
        return;
    }
    bool is_object = j->is_object[j->depth - 1], has_items = j->has_items[j->depth - 1];

    require(is_object == (key != NULL));
    j->has_items[j->depth - 1] = true;
    if (!is_object) {
        if (has_items)
            sbuf_adds(j->out, ", ");
        return;
    }
    sbuf_adds(j->out, has_items ? ",\n" : "\n");
    indent(j, j->depth);
    json_put(j->out, key, strlen(key));
    sbuf_adds(j->out, ":\t");
}

static void open_one(struct json *j, const char *key, bool is_object)
{
    require(j->depth < JSON_DEPTH_MAX);
    lead(j, key);
    sbuf_addc(j->out, is_object ? '{' : '[');
    j->is_object[j->depth] = is_object;
    j->has_items[j->depth++] = false;
}

void json_object(struct json *j, const char *key)
{
    open_one(j, key, true);
}

void json_array(struct json *j, const char *key)
{
    open_one(j, key, false);
}

void json_close(struct json *j)
{
    require(j->depth > 0);
    bool is_object = j->is_object[--j->depth];

    if (is_object && j->has_items[j->depth]) {
        sbuf_addc(j->out, '\n');
        indent(j, j->depth);
    }
    sbuf_addc(j->out, is_object ? '}' : ']');
}

void json_raw(struct json *j, const char *key, const char *text)
{
    lead(j, key);
    sbuf_adds(j->out, text);
}

void json_text(struct json *j, const char *key, const char *s)
{
    if (!s) {
        json_raw(j, key, "null");
        return;
    }
    lead(j, key);
    json_put(j->out, s, strlen(s));
}

void json_int(struct json *j, const char *key, int64_t v)
{
    lead(j, key);
    sbuf_addf(j->out, "%" PRId64, v);
}

void json_bool(struct json *j, const char *key, bool v)
{
    json_raw(j, key, v ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
    json_raw(j, key, "null");
}
