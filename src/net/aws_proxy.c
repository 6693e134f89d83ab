/*
 * The proxy that the AWS command line would use: HTTPS_PROXY, http_proxy, ALL_PROXY and NO_PROXY,
 * the lower-case names first, HTTP_PROXY never (as libcurl has it: a web server could set it).
 */
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/aws_config.h"

static const char *first_env(const struct aws_config *c, const char *a, const char *b)
{
    const char *v = aws_config_env(c, a);

    return v ? v : b ? aws_config_env(c, b) : NULL;
}

/* "example.com" and ".example.com" stand for the host and all below it. */
static bool is_listed(const char *host, size_t n, const char *entry, size_t len)
{
    if (len && *entry == '.') {
        entry++;
        len--;
    }
    if (!len || len > n || strncasecmp(host + n - len, entry, len) != 0)
        return false;
    return len == n || host[n - len - 1] == '.';
}

static bool is_exempt(const char *list, const char *host, size_t n)
{
    for (const char *p = list ? list : ""; *p;) {
        p += strspn(p, ", \t");
        size_t len = strcspn(p, ", \t");
        if ((len == 1 && *p == '*') || is_listed(host, n, p, len))
            return true;
        p += len;
    }
    return false;
}

const char *aws_config_proxy(const struct aws_config *c, const char *url)
{
    require(c && url);
    bool is_https = !strncasecmp(url, "https://", 8);
    const char *host = strstr(url, "://");
    const char *proxy =
        is_https ? first_env(c, "https_proxy", "HTTPS_PROXY") : first_env(c, "http_proxy", NULL);

    host = host ? host + 3 : url;
    size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
    if (!proxy)
        proxy = first_env(c, "all_proxy", "ALL_PROXY");
    return proxy && !is_exempt(first_env(c, "no_proxy", "NO_PROXY"), host, n) ? proxy : NULL;
}
