/* When to try again, from answers alone. See retry.h. */
#include "opsdeck/net/retry.h"

#include <ctype.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/time_scan.h"
#include "opsdeck/base/require.h"

#include "net_priv.h"

enum {
    WAIT_MIN_MS = 1000,
    WAIT_MAX_MS = 15 * 60 * 1000,
    BACKOFF_MIN_MS = 50
};

/* Faults that the same request would meet again at once: certificates, trust, our own limits. */
static bool is_lasting(const struct err *e)
{
    static const int codes[] = { CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
                                 CURLE_SSL_CERTPROBLEM,          CURLE_SSL_CIPHER,
                                 CURLE_SSL_ISSUER_ERROR,         CURLE_SSL_PINNEDPUBKEYNOTMATCH,
                                 CURLE_SSL_INVALIDCERTSTATUS };

    if (e->code != ERR_NET && e->code != ERR_TIMEOUT)
        return true;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (e->code == ERR_NET && e->detail == codes[i])
            return true;
    return false;
}

static bool is_budget_spent(const struct http_response *r)
{
    const char *left = http_response_header(r, "x-ratelimit-remaining");
    int64_t n;

    if (!left)
        left = http_response_header(r, "ratelimit-remaining");
    return left && str_to_i64(left, 0, INT64_MAX, &n) && n == 0;
}

enum retry_class retry_class_of(const struct http_response *r)
{
    require(r);
    if (r->err.code != ERR_NONE)
        return is_lasting(&r->err) ? RETRY_NO : RETRY_BACKOFF;
    bool is_asked = http_response_header(r, "retry-after") || is_budget_spent(r);
    if (r->status == 429 || ((r->status == 403 || r->status == 503) && is_asked))
        return RETRY_THROTTLE;
    if (r->status == 408 || r->status == 425)
        return RETRY_BACKOFF;
    bool is_final = r->status == 501 || r->status == 505 || r->status == 511;
    return r->status >= 500 && !is_final ? RETRY_BACKOFF : RETRY_NO;
}

static int64_t clamp(int64_t ms)
{
    return ms < WAIT_MIN_MS ? WAIT_MIN_MS : ms > WAIT_MAX_MS ? WAIT_MAX_MS : ms;
}

/* Digits, however many; a fraction rounds up. -1 when it is anything else. */
static int64_t seconds_ms(const char *s)
{
    int64_t v = 0;

    if (!isdigit((unsigned char)*s))
        return -1;
    for (; isdigit((unsigned char)*s); s++)
        v = v > WAIT_MAX_MS ? v : v * 10 + (*s - '0');
    if (*s == '.') {
        s++;
        if (!isdigit((unsigned char)*s))
            return -1;
        bool is_more = strspn(s, "0") != strlen(s);
        while (isdigit((unsigned char)*s))
            s++;
        v += is_more ? 1 : 0;
    }
    if (*s)
        return -1;
    return v > WAIT_MAX_MS ? WAIT_MAX_MS : v * 1000;
}

/* Epoch seconds as GitHub has it, or a number of seconds as the RateLimit drafts have it. */
static int64_t reset_ms(const struct http_response *r, int64_t now_ms)
{
    const char *reset = http_response_header(r, "x-ratelimit-reset");
    int64_t v;

    if (!reset)
        reset = http_response_header(r, "ratelimit-reset");
    if (!reset || !is_budget_spent(r) || !str_to_i64(reset, 0, INT64_MAX / 1000, &v))
        return -1;
    return clamp(v < 1000000000 ? v * 1000 : v * 1000 - now_ms);
}

int64_t retry_after_ms(const struct http_response *r, int64_t now_ms)
{
    require(r);
    const char *after = http_response_header(r, "retry-after");
    /* A server's dates are compared with the server's own clock, so its skew does not matter. */
    int64_t base = r->date_ms ? r->date_ms : now_ms, at;

    if (after) {
        int64_t ms = seconds_ms(after);
        if (ms >= 0)
            return clamp(ms);
        if (time_scan(after, strlen(after), TIME_HTTP, base, &at))
            return clamp(at - base);
    }
    return reset_ms(r, base);
}

int64_t retry_backoff_ms(int attempt, int64_t base_ms, int64_t cap_ms, double random)
{
    require(cap_ms > 0);
    int64_t most = base_ms < 1 ? 1 : base_ms;

    for (int i = 0; i < attempt && most < cap_ms; i++)
        most *= 2;
    if (most > cap_ms)
        most = cap_ms;
    int64_t ms = (int64_t)((double)most * (random < 0.0 ? 0.0 : random > 1.0 ? 1.0 : random));
    return ms < BACKOFF_MIN_MS ? BACKOFF_MIN_MS : ms;
}
