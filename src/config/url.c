/*
 * What a base URL of a source (or a proxy) may look like. Faults never repeat the URL, since
 * the part that is wrong may be a password.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"

#include "config_priv.h"

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (!strcasecmp(host, "localhost"))
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool known_scheme(const char *scheme, const char *const *schemes)
{
    for (; schemes && *schemes; schemes++)
        if (!strcmp(scheme, *schemes))
            return true;
    return false;
}

/* host[:port] with IPv6 in brackets (RFC 3986 3.2.2). */
static const char *split_host(struct arena *mem, const char *authority, struct url_parts *out)
{
    const char *port = NULL, *end;
    int64_t n;

    if (authority[0] == '[') {
        struct in6_addr v6;

        end = strchr(authority, ']');
        if (!end)
            return "a ] is missing after the IPv6 address";
        out->host = arena_strndup(mem, authority + 1, (size_t)(end - authority - 1));
        if (inet_pton(AF_INET6, out->host, &v6) != 1)
            return "what stands in brackets is no IPv6 address";
        end++;
    } else {
        end = authority + strcspn(authority, ":");
        out->host = arena_strndup(mem, authority, (size_t)(end - authority));
    }
    if (*end && *end != ':')
        return "a colon and a port, or a slash, must follow the host";
    port = *end ? end + 1 : NULL;
    if (port && !str_to_i64(port, 1, 65535, &n))
        return "the port is not a number from 1 to 65535";
    if (!*out->host)
        return "the host is missing";
    for (const char *h = out->host; *h; h++)
        if (!isalnum((unsigned char)*h) && !strchr(".-_:", *h))
            return "the host holds a character that no host name has (write international names in "
                   "their xn-- form)";
    return NULL;
}

const char *url_fault(struct arena *mem, const char *url, const char *const *schemes,
                      struct url_parts *out)
{
    const char *colon = strstr(url, "://");

    *out = (struct url_parts){ 0 };
    for (const char *c = url; *c; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || *c == '\\')
            return "a URL has no spaces, backslashes or letters outside ASCII: percent-encode them";
    if (!colon || colon == url)
        return "not a whole URL: it begins with a scheme such as https://";
    char *scheme = arena_strndup(mem, url, (size_t)(colon - url));
    for (char *c = scheme; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (!known_scheme(scheme, schemes))
        return arena_printf(mem, "this scheme is not allowed here; allowed: %s://%s", schemes[0],
                            schemes[1] ? " and its kin (see config explain)" : "");
    out->scheme = scheme;
    const char *rest = colon + 3;
    char *authority = arena_strndup(mem, rest, strcspn(rest, "/?#"));
    if (strchr(authority, '@'))
        return "user and password in a URL are refused: they would show up in logs; use auth: "
               "{basic: "
               "{user: U, password_env: V}}";
    if (strchr(rest, '?'))
        return "a query (?...) in the URL is refused: queries belong to the recipe, secrets to "
               "auth:";
    if (strchr(rest, '#'))
        return "a fragment (#...) in the URL means nothing to a server: remove it";
    const char *fault = split_host(mem, authority, out);
    if (fault)
        return fault;
    out->is_loopback = is_loopback(out->host);
    return NULL;
}
