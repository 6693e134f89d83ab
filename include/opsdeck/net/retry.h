/*
 * When to try again: pure functions over answers (RFC 9110 10.2.3; full jitter). No clock, no I/O.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_RETRY_H
#define OPSDECK_NET_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct http_response;

enum retry_class {
    RETRY_NO,       /* the same request would fail again (4xx, bad TLS, bad content) */
    RETRY_BACKOFF,  /* try again after a jittered pause (network, 5xx) */
    RETRY_THROTTLE, /* the server said to slow down (429; 403 or 503 with a limit) */
};

enum retry_class retry_class_of(const struct http_response *r);
/*
 * How long the server asks to wait: Retry-After in seconds or as HTTP-date (relative to the
 * answer's own Date, else now_ms), or x-ratelimit-reset when remaining is 0. Clamped to
 * [1 s, 15 min]; -1 when it does not say.
 */
int64_t retry_after_ms(const struct http_response *r, int64_t now_ms);
/* Full jitter: uniform in [0, min(cap, base * 2^attempt)), never under 50 ms. `random` in [0, 1).
 */
int64_t retry_backoff_ms(int attempt, int64_t base_ms, int64_t cap_ms, double random);

#endif
