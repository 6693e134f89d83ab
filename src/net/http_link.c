/*
 * The Link header (RFC 8288): the target of rel=next. Several headers, several links in one,
 * quoted parameters with commas and semicolons in them; a link with an anchor speaks about
 * another page and is left out.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "net_priv.h"

static const char *skip_space(const char *s)
{
    return s + strspn(s, " \t");
}

/* A parameter's value from `s`, unquoted into `out`; returns what follows. */
static const char *read_value(const char *s, char *out, size_t size)
{
    size_t n = 0;

    if (*s != '"') {
        size_t len = strcspn(s, ",; \t");
        n = len < size ? len : size - 1;
        memcpy(out, s, n);
        out[n] = '\0';
        return s + len;
    }
    for (s++; *s && *s != '"'; s++) {
        if (*s == '\\' && s[1])
            s++;
        if (n + 1 < size)
            out[n++] = *s;
    }
    out[n] = '\0';
    return *s ? s + 1 : s;
}

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *s = words + strspn(words, " \t"); *s; s += strspn(s, " \t")) {
        size_t n = strcspn(s, " \t");
        if (n == len && strncasecmp(s, word, n) == 0)
            return true;
        s += n;
    }
    return false;
}

/* The parameters behind one <target>; says whether it is a rel=next of this page. */
static const char *read_params(const char *s, bool *is_next)
{
    bool has_rel = false, has_anchor = false;

    *is_next = false;
    for (s = skip_space(s); *s == ';'; s = skip_space(s)) {
        char value[256] = "";
        s = skip_space(s + 1);
        const char *name = s;
        size_t n = strcspn(s, "=,; \t");
        s = skip_space(s + n);
        if (*s == '=')
            s = read_value(skip_space(s + 1), value, sizeof value);
        if (n == 3 && strncasecmp(name, "rel", 3) == 0 && !has_rel) { /* only the first counts */
            has_rel = true;
            *is_next = has_word(value, "next");
        }
        has_anchor |= n == 6 && strncasecmp(name, "anchor", 6) == 0;
    }
    if (has_anchor)
        *is_next = false;
    return s;
}

static char *resolve(struct arena *mem, const char *base, const char *target, size_t n)
{
    char *ref = xstrndup(target, n), *out = NULL;
    CURLU *u = n ? http_url_parse(base, NULL) : NULL;

    if (u && curl_url_set(u, CURLUPART_URL, ref, 0) == CURLUE_OK) {
        char *url = http_url_part(u, CURLUPART_URL, 0);
        CURLU *check = url ? http_url_parse(url, NULL) : NULL;
        if (check)
            out = arena_strdup(mem, url);
        curl_url_cleanup(check);
        free(url);
    }
    curl_url_cleanup(u);
    free(ref);
    return out;
}

static char *next_of(struct arena *mem, const char *base, const char *s)
{
    while (*(s = skip_space(s)) != '\0') {
        if (*s == ',') {
            s++;
            continue;
        }
        const char *end = *s == '<' ? strchr(s, '>') : NULL;
        bool is_next;
        if (!end)
            return NULL; /* not a Link value: nothing after it can be trusted either */
        const char *target = s + 1;
        s = read_params(end + 1, &is_next);
        if (is_next)
            return resolve(mem, base, target, (size_t)(end - target));
        if (*s && *s != ',')
            return NULL;
    }
    return NULL;
}

char *http_link_next(struct arena *mem, const struct http_response *r)
{
    require(mem && r);
    for (size_t i = 0; i < r->nheaders; i++) {
        char *next = strcmp(r->headers[i].name, "link") == 0
                         ? next_of(mem, r->url, r->headers[i].value)
                         : NULL;
        if (next)
            return next;
    }
    return NULL;
}
