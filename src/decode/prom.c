/*
 * Prometheus text exposition format 0.0.4 to JSON: one object a sample. HELP and TYPE lines
 * and exemplars after a sample are passed over. Values keep their text where JSON can write it.
 */
#include "opsdeck/decode/decode.h"

#include <string.h>

#include "opsdeck/base/json_text.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

#include "decode_priv.h"

enum {
    LABELS_MAX = 64
};

struct line {
    const char *s;
    size_t n, i, number;
    struct sbuf *out;
    struct err *e;
};

static bool refuse(struct line *l, const char *wanted)
{
    char what[40];

    if (l->i >= l->n)
        return err_set(l->e, ERR_PARSE, 0,
                       "Prometheus text, line %zu: it ends where %s was expected", l->number,
                       wanted);
    return err_set(l->e, ERR_PARSE, 0,
                   "Prometheus text, line %zu, column %zu: %s where %s was expected%s", l->number,
                   l->i + 1, what_stands(l->s, l->n, l->i, what), wanted, page_hint(l->s, l->n));
}

static bool full(struct line *l)
{
    return too_large(l->out, "Prometheus text", l->e);
}

static void blanks(struct line *l)
{
    while (l->i < l->n && (l->s[l->i] == ' ' || l->s[l->i] == '\t'))
        l->i++;
}

static size_t name_len(const struct line *l)
{
    size_t i = l->i;

    for (; i < l->n; i++) {
        char c = l->s[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
        if (!is_letter && !(i > l->i && c >= '0' && c <= '9'))
            break;
    }
    return i - l->i;
}

/* At the opening quote: a label value with \\ \" and \n. */
static bool label_value(struct line *l)
{
    struct sbuf v;
    bool ok = false;

    sbuf_init(&v, l->n);
    for (l->i++; l->i < l->n && l->s[l->i] != '"'; l->i++) {
        char c = l->s[l->i];
        if (c == '\\' && l->i + 1 < l->n) {
            char next = l->s[++l->i];
            if (next != 'n' && next != '"' && next != '\\')
                sbuf_addc(&v, '\\');
            c = next == 'n' ? '\n' : next;
        }
        sbuf_addc(&v, c);
    }
    if (l->i < l->n) {
        l->i++;
        ok = json_put_string(l->out, v.buf, v.len) || full(l);
    } else {
        refuse(l, "the closing quote of a label");
    }
    sbuf_release(&v);
    return ok;
}

static bool labels(struct line *l)
{
    const char *seen[LABELS_MAX];
    size_t lens[LABELS_MAX], count = 0;

    for (l->i++;; count++) {
        blanks(l);
        if (l->i < l->n && l->s[l->i] == '}')
            break;
        size_t len = name_len(l);
        if (!len)
            return refuse(l, "a label name or '}'");
        if (count == LABELS_MAX)
            return err_set(l->e, ERR_LIMIT, 0, "Prometheus text, line %zu: more than %d labels",
                           l->number, LABELS_MAX);
        for (size_t k = 0; k < count; k++)
            if (lens[k] == len && !memcmp(seen[k], l->s + l->i, len))
                return refuse(l, "a label that was not there before");
        seen[count] = l->s + l->i;
        lens[count] = len;
        if (!sbuf_adds(l->out, count ? "," : "") || !json_put(l->out, l->s + l->i, len) ||
            !sbuf_addc(l->out, ':'))
            return full(l);
        l->i += len;
        blanks(l);
        if (l->i >= l->n || l->s[l->i] != '=')
            return refuse(l, "'='");
        l->i++;
        blanks(l);
        if (l->i >= l->n || l->s[l->i] != '"')
            return refuse(l, "a value in quotes");
        if (!label_value(l))
            return false;
        blanks(l);
        if (l->i < l->n && l->s[l->i] == ',')
            l->i++;
        else if (l->i >= l->n || l->s[l->i] != '}')
            return refuse(l, "',' or '}'");
    }
    l->i++;
    return true;
}

/* Go writes some numbers as JSON does not (+1, .5, 5., 05): the same value in JSON's words. */
static bool odd_number(const char *s, size_t n, struct sbuf *out)
{
    size_t i = 0;

    if (i < n && (s[i] == '+' || s[i] == '-'))
        sbuf_adds(out, s[i++] == '-' ? "-" : "");
    size_t from = i;
    while (i < n && s[i] >= '0' && s[i] <= '9')
        i++;
    size_t whole = i - from;
    while (whole > 1 && s[from] == '0') {
        from++;
        whole--;
    }
    sbuf_add(out, whole ? s + from : "0", whole ? whole : 1);
    size_t part = 0;
    if (i < n && s[i] == '.') {
        from = ++i;
        while (i < n && s[i] >= '0' && s[i] <= '9')
            i++;
        part = i - from;
        if (part) {
            sbuf_addc(out, '.');
            sbuf_add(out, s + from, part);
        }
    }
    sbuf_add(out, s + i, n - i);
    return (whole || part) && json_number_len(out->buf, out->len) == out->len;
}

static bool is_word(const char *s, size_t n, const char *w)
{
    return strlen(w) == n && !memcmp(s, w, n);
}

static bool sample_value(struct line *l)
{
    static const char *const words[] = { "NaN", "+Inf", "-Inf", "Inf" };
    size_t from = l->i;
    const char *s = l->s + from;
    struct sbuf odd;

    while (l->i < l->n && l->s[l->i] != ' ' && l->s[l->i] != '\t')
        l->i++;
    size_t n = l->i - from;
    for (size_t k = 0; k < ARRAY_LEN(words); k++)
        if (is_word(s, n, words[k]))
            return json_put(l->out, k == 3 ? "+Inf" : s, k == 3 ? 4 : n) || full(l);
    if (n && json_number_len(s, n) == n)
        return sbuf_add(l->out, s, n) || full(l);
    sbuf_init(&odd, n + 8);
    bool is_number = n && odd_number(s, n, &odd);
    bool fits = is_number && sbuf_add(l->out, odd.buf, odd.len);
    sbuf_release(&odd);
    if (!is_number) {
        l->i = from;
        return refuse(l, "a number");
    }
    return fits || full(l);
}

static bool sample(struct line *l)
{
    size_t len = name_len(l);

    if (!len)
        return refuse(l, "a metric name");
    if (!sbuf_adds(l->out, "{\"name\":") || !json_put(l->out, l->s + l->i, len) ||
        !sbuf_adds(l->out, ",\"labels\":{"))
        return full(l);
    l->i += len;
    blanks(l);
    if (l->i < l->n && l->s[l->i] == '{' && !labels(l))
        return false;
    blanks(l);
    if (!sbuf_adds(l->out, "},\"value\":"))
        return full(l);
    if (!sample_value(l))
        return false;
    blanks(l);
    if (!sbuf_adds(l->out, ",\"ts\":"))
        return full(l);
    size_t ts = json_number_len(l->s + l->i, l->n - l->i);
    if (!(ts ? sbuf_add(l->out, l->s + l->i, ts) : sbuf_adds(l->out, "null")) ||
        !sbuf_addc(l->out, '}'))
        return full(l);
    l->i += ts;
    blanks(l);
    return l->i == l->n || l->s[l->i] == '#' || refuse(l, "the end of the line");
}

bool prom_to_json(const char *s, size_t n, struct sbuf *out, struct err *e)
{
    struct line l = { .out = out, .e = e };
    bool is_first = true;

    if (!sbuf_addc(out, '['))
        return too_large(out, "Prometheus text", e);
    for (size_t at = 0; at < n;) {
        const char *lf = memchr(s + at, '\n', n - at);
        size_t len = lf ? (size_t)(lf - s) - at : n - at;
        l.s = s + at;
        l.n = len && s[at + len - 1] == '\r' ? len - 1 : len;
        l.i = 0;
        l.number++;
        at += len + 1;
        blanks(&l);
        if (l.i == l.n || l.s[l.i] == '#')
            continue;
        if (!is_first && !sbuf_addc(out, ','))
            return full(&l);
        is_first = false;
        if (!sample(&l))
            return false;
    }
    return sbuf_addc(out, ']') || full(&l);
}
