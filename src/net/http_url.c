/*
 * Addresses: parsing by libcurl's own parser (what is checked is what is connected to), the
 * "host:port" of messages, joining of a source's base with a recipe's path, and the question
 * whether two addresses are the same origin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "net_priv.h"

char *http_url_part(CURLU *u, CURLUPart part, unsigned flags)
{
    require(u);
    char *s = NULL;

    if (curl_url_get(u, part, &s, flags) != CURLUE_OK)
        return NULL;
    char *copy = xstrdup(s);
    curl_free(s);
    return copy;
}

static bool check_parts(CURLU *u, const char *url, struct err *e)
{
    char *scheme = http_url_part(u, CURLUPART_SCHEME, 0);
    char *user = http_url_part(u, CURLUPART_USER, 0);
    char *password = http_url_part(u, CURLUPART_PASSWORD, 0);
    char *host = http_url_part(u, CURLUPART_HOST, 0);
    bool ok = true;

    (void)url; /* it may hold a password: never quoted */
    if (user || password)
        ok = err_set(e, ERR_CONFIG, 0,
                     "the address of %s holds a user or password (use auth: instead)",
                     host ? host : "a source");
    else if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        ok = err_set(e, ERR_CONFIG, 0, "\"%s://\" is not an address opsdeck asks (http or https)",
                     scheme ? scheme : "");
    else if (!host || !*host)
        ok = err_set(e, ERR_CONFIG, 0, "an address without a host");
    free(scheme);
    free(user);
    free(password);
    free(host);
    return ok;
}

CURLU *http_url_parse(const char *url, struct err *e)
{
    CURLU *u = curl_url();

    if (!u) {
        err_set(e, ERR_NET, CURLE_FAILED_INIT, "reading an address: curl_url failed");
        return NULL;
    }
    CURLUcode rc = curl_url_set(u, CURLUPART_URL, url ? url : "", CURLU_NON_SUPPORT_SCHEME);
    if (rc != CURLUE_OK)
        err_set(e, ERR_CONFIG, 0, "reading an address: %s (it looks like https://host/path)",
                curl_url_strerror(rc));
    else if (check_parts(u, url, e))
        return u;
    curl_url_cleanup(u);
    return NULL;
}

char *http_url_place(CURLU *u)
{
    char *host = http_url_part(u, CURLUPART_HOST, 0);
    char *port = http_url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT), *place = NULL;

    if (host) {
        size_t n = strlen(host) + 1 + (port ? strlen(port) : 0) + 1;
        place = xmalloc(n);
        snprintf(place, n, "%s%s%s", host, port ? ":" : "", port ? port : "");
    }
    free(host);
    free(port);
    return place;
}

bool http_url_is_loopback(const char *host)
{
    struct in_addr v4;

    if (!host)
        return false;
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
        strcmp(host, "::1") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

bool http_is_loopback(const char *url)
{
    CURLU *u = http_url_parse(url, NULL);
    char *host = u ? http_url_part(u, CURLUPART_HOST, 0) : NULL;
    bool is_local = http_url_is_loopback(host);

    free(host);
    curl_url_cleanup(u);
    return is_local;
}

bool http_url_is_metadata(const char *host)
{
    static const char *const hosts[] = { "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
                                         "fd00:ec2::23" };

    for (size_t i = 0; host && i < sizeof hosts / sizeof *hosts; i++)
        if (strcasecmp(host, hosts[i]) == 0)
            return true;
    return false;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    unsigned flags = part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0;
    char *x = http_url_part(a, part, flags), *y = http_url_part(b, part, flags);
    bool same = (!x && !y) || (x && y && strcasecmp(x, y) == 0);

    free(x);
    free(y);
    return same;
}

bool http_same_origin(const char *url_a, const char *url_b)
{
    CURLU *a = http_url_parse(url_a, NULL), *b = http_url_parse(url_b, NULL);
    bool same = a && b && same_part(a, b, CURLUPART_SCHEME) && same_part(a, b, CURLUPART_HOST) &&
                same_part(a, b, CURLUPART_ZONEID) && same_part(a, b, CURLUPART_PORT);

    curl_url_cleanup(a);
    curl_url_cleanup(b);
    return same;
}

/* Bytes of a dot at `s`: plain or percent-encoded; 0 when there is none. */
static size_t dot_len(const char *s)
{
    if (*s == '.')
        return 1;
    return strncasecmp(s, "%2e", 3) == 0 ? 3 : 0;
}

/* True when a segment of the path (before any query) is "." or "..", however it is written. */
static bool has_dot_segment(const char *path)
{
    for (const char *s = path; *s && *s != '?'; s++) {
        if (s != path && s[-1] != '/')
            continue;
        size_t n = dot_len(s);
        if (n)
            n += dot_len(s + n);
        if (n && (s[n] == '/' || s[n] == '\0' || s[n] == '?'))
            return true;
    }
    return false;
}

static bool check_join(const char *base, const char *path, const char *query, struct err *e)
{
    CURLU *u = http_url_parse(base, e);

    if (!u)
        return false;
    curl_url_cleanup(u);
    if (strchr(base, '#') || strchr(path, '#') || (query && strchr(query, '#')))
        return err_set(e, ERR_CONFIG, 0, "\"%s\" + \"%s\": an address to ask has no fragment (#)",
                       base, path);
    if (has_dot_segment(path))
        return err_set(e, ERR_CONFIG, 0, "path \"%s\": segments \".\" and \"..\" are refused",
                       path);
    if (*path && strchr(base, '?'))
        return err_set(e, ERR_CONFIG, 0, "\"%s\": a base address cannot have a query", base);
    return true;
}

bool http_url_join(struct arena *mem, const char *base, const char *path, const char *query,
                   char **out, struct err *e)
{
    require(mem && out);
    size_t n = base ? strlen(base) : 0;

    path = path ? path : "";
    if (!base || !check_join(base, path, query, e))
        return base ? false : err_set(e, ERR_CONFIG, 0, "a request without a base address");
    bool is_slash = *path && *path != '?';
    while (is_slash && n > 0 && base[n - 1] == '/')
        n--;
    path += strspn(path, "/");
    char *url = arena_printf(mem, "%.*s%s%s", (int)n, base, is_slash ? "/" : "", path);
    if (query && *query)
        url = arena_printf(mem, "%s%s%s", url, strchr(url, '?') ? "&" : "?", query);
    CURLU *u = http_url_parse(url, e);
    if (!u)
        return err_ctx(e, "joining \"%s\" and \"%s\"", base, path);
    curl_url_cleanup(u);
    *out = url;
    return true;
}
