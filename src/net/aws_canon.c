/* The canonical forms of path, query and headers that Signature Version 4 hashes. Pure. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "aws_sign_priv.h"

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

char *aws_encode(struct arena *mem, const char *s, size_t n, bool keep_slash)
{
    require(mem && (s || n == 0));
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(mem, n * 3 + 1), *p = out;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (is_unreserved(c) || (keep_slash && c == '/')) {
            *p++ = (char)c;
        } else {
            *p++ = '%';
            *p++ = digits[c >> 4];
            *p++ = digits[c & 15];
        }
    }
    *p = '\0';
    return out;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %XX to bytes; a lone % stays. */
static char *decode(struct arena *mem, const char *s, size_t n, size_t *nout)
{
    char *out = arena_alloc(mem, n + 1);
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '%' && i + 2 < n && hex_value(s[i + 1]) >= 0 && hex_value(s[i + 2]) >= 0) {
            out[k++] = (char)(hex_value(s[i + 1]) * 16 + hex_value(s[i + 2]));
            i += 2;
        } else {
            out[k++] = s[i];
        }
    }
    out[k] = '\0';
    *nout = k;
    return out;
}

/* ---- canonical URI */

bool aws_is_s3(const struct aws_signing *in)
{
    require(in && in->service);
    return !strcmp(in->service, "s3") || !strcmp(in->service, "s3-express") ||
           !strcmp(in->service, "s3-outposts");
}

/* RFC 3986 5.2.4, and empty segments dropped; a slash at the end stays. */
static char *without_dots(struct arena *mem, const char *path)
{
    size_t n = strlen(path), depth = 0;
    const char **at = arena_array(mem, n + 1, sizeof *at);
    size_t *len = arena_array(mem, n + 1, sizeof *len);
    const char *p = path;
    bool ends_open = false;

    while (*p) {
        p += strspn(p, "/");
        size_t seg = strcspn(p, "/");
        ends_open = seg == 0 || p[seg] == '/';
        if (seg == 2 && !strncmp(p, "..", 2)) {
            depth -= depth > 0;
            ends_open = true;
        } else if (seg == 1 && *p == '.') {
            ends_open = true;
        } else if (seg) {
            at[depth] = p;
            len[depth++] = seg;
        }
        p += seg;
    }
    char *out = arena_alloc(mem, n + 2), *q = out;
    for (size_t i = 0; i < depth; i++) {
        *q++ = '/';
        memcpy(q, at[i], len[i]);
        q += len[i];
    }
    if (depth == 0 || (ends_open && path[n - 1] == '/'))
        *q++ = '/';
    *q = '\0';
    return out;
}

char *aws_canonical_path(const struct aws_signing *in, struct arena *mem)
{
    require(in && mem);
    const char *path = in->path && *in->path ? in->path : "/";

    if (aws_is_s3(in)) {
        size_t n;
        char *raw = decode(mem, path, strlen(path), &n);
        return aws_encode(mem, raw, n, true);
    }
    if (!in->is_path_kept)
        path = without_dots(mem, path);
    return aws_encode(mem, path, strlen(path), true);
}

/* ---- canonical query */

struct pair {
    const char *name, *value;
};

static int by_pair(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int d = strcmp(x->name, y->name);

    return d ? d : strcmp(x->value, y->value);
}

char *aws_canonical_query(const char *query, struct arena *mem)
{
    require(query && mem);
    struct pair *v = arena_array(mem, strlen(query) + 1, sizeof *v);
    size_t n = 0, len, total = 1;

    for (const char *p = query; *p; p += *p == '&') {
        size_t part = strcspn(p, "&");
        const char *eq = memchr(p, '=', part);
        size_t nname = eq ? (size_t)(eq - p) : part;
        if (part) {
            char *raw = decode(mem, p, nname, &len);
            v[n].name = aws_encode(mem, raw, len, false);
            raw = eq ? decode(mem, eq + 1, part - nname - 1, &len) : arena_strdup(mem, "");
            v[n].value = aws_encode(mem, raw, eq ? len : 0, false);
            total += strlen(v[n].name) + strlen(v[n].value) + 2;
            n++;
        }
        p += part;
    }
    if (n > 1)
        qsort(v, n, sizeof *v, by_pair);
    char *out = arena_alloc(mem, total), *q = out;
    for (size_t i = 0; i < n; i++) {
        if (i)
            *q++ = '&';
        q = stpcpy(q, v[i].name);
        *q++ = '=';
        q = stpcpy(q, v[i].value);
    }
    *q = '\0';
    return out;
}

/* ---- canonical headers */

static int by_name(const void *a, const void *b)
{
    const struct signed_header *x = a, *y = b;
    int d = strcmp(x->name, y->name);

    return d ? d : x->order < y->order ? -1 : 1;
}

static char *lower(struct arena *mem, const char *s)
{
    char *out = arena_strdup(mem, s);

    for (char *p = out; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
}

/* Outer blanks cut, inner runs made one space. */
static char *trimmed(struct arena *mem, const char *s)
{
    char *out = arena_alloc(mem, strlen(s) + 1), *q = out;

    for (; *s; s++) {
        bool is_blank = isspace((unsigned char)*s);
        if (!is_blank)
            *q++ = *s;
        else if (q > out && q[-1] != ' ')
            *q++ = ' ';
    }
    while (q > out && q[-1] == ' ')
        q--;
    *q = '\0';
    return out;
}

bool aws_is_signed_name(const char *name)
{
    require(name);
    return !strcasecmp(name, "content-type") || !strcasecmp(name, "host") ||
           !strncasecmp(name, "x-amz-", 6);
}

void aws_add_header(struct signed_headers *h, struct arena *mem, const char *name,
                    const char *value)
{
    require(h && mem);
    require(name && value);
    h->v[h->n] = (struct signed_header){ lower(mem, name), trimmed(mem, value), h->n };
    h->n++;
}

void aws_join_headers(struct signed_headers *h, struct arena *mem)
{
    require(h && mem);
    size_t lines = 1, names = 1;

    qsort(h->v, h->n, sizeof *h->v, by_name);
    for (size_t i = 0; i < h->n; i++) {
        lines += strlen(h->v[i].name) + strlen(h->v[i].value) + 2;
        names += strlen(h->v[i].name) + 1;
    }
    char *l = arena_alloc(mem, lines), *n = arena_alloc(mem, names);
    h->lines = l;
    h->names = n;
    *l = *n = '\0';
    for (size_t i = 0; i < h->n; i++) {
        bool is_twin = i > 0 && !strcmp(h->v[i].name, h->v[i - 1].name);
        if (is_twin) {
            l[-1] = ',';
        } else {
            if (i)
                *n++ = ';';
            n = stpcpy(n, h->v[i].name);
            l = stpcpy(l, h->v[i].name);
            *l++ = ':';
        }
        l = stpcpy(l, h->v[i].value);
        *l++ = '\n';
    }
    *l = '\0';
}
