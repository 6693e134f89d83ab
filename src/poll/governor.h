/*
 * Who may send when: per host a number of requests at once, a rate, and moments before which
 * nothing is sent because the server said so. Loop thread only.
 */
#ifndef OPSDECK_POLL_GOVERNOR_H
#define OPSDECK_POLL_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct ev_loop;
struct governor;
struct http_response;

enum {
    GOVERNOR_PER_HOST = 6
};

struct governor *governor_new(struct ev_loop *loop, const struct clock *clock, int total);
void governor_free(struct governor *g);
/*
 * Ask for a turn at `host` (scheme://host:port). `go` is called from the loop, or at once when
 * there is room; every turn taken is given back with governor_done(). rate_per_min 0: no limit.
 */
typedef void governor_go_fn(void *ctx);
void governor_ask(struct governor *g, const char *host, int64_t rate_per_min, governor_go_fn *go,
                  void *ctx);
void governor_cancel(struct governor *g, void *ctx); /* of a turn asked for and not yet given */
/* Give a turn back (nobody is started from inside this call); `r` (may be NULL) teaches limits:
 * Retry-After, x-ratelimit headers. */
void governor_done(struct governor *g, const char *host, const struct http_response *r);
/* Calls left as the server told, or -1. */
int64_t governor_budget(const struct governor *g, const char *host);
/* ms until the host may be asked again (0: now). */
int64_t governor_wait_ms(const struct governor *g, const char *host);

#endif
