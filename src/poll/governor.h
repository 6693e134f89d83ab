/*
 * Who may send when: per host a number of requests at once, a rate, and moments before which
 * nothing is sent because the server said so. Loop thread only.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
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
    GOVERNOR_PER_HOST = 6,
    GOVERNOR_SLOW_MAX = 16,
    GOVERNOR_CLEAN_POLLS = 3
};

/* What an answer says of limits. */
struct governor_news {
    bool is_throttled;
    int64_t wait_ms;         /* asked for; -1: it does not say */
    int64_t default_wait_ms; /* after a throttle that does not say */
    int64_t budget;          /* calls left; -1: it does not say */
};

struct governor *governor_new(struct ev_loop *loop, const struct clock *clock, int total);
void governor_free(struct governor *g);
struct governor_rate {
    int64_t per_min; /* 0: no limit */
    int64_t burst;   /* so many at once after a quiet time; 0 or 1: evenly spaced */
    bool is_free;    /* no gaps and no budget (rate: none); pauses asked for by the server hold */
};

/*
 * Ask for a turn at `host` (scheme://host:port, or "aws PROFILE SERVICE"). `go` is called from the
 * loop, or at once when there is room; every turn taken is given back with governor_done().
 */
typedef void governor_go_fn(void *ctx);
void governor_ask(struct governor *g, const char *host, struct governor_rate rate,
                  governor_go_fn *go, void *ctx);
void governor_cancel(struct governor *g, void *ctx); /* of a turn asked for and not yet given */
/* Give a turn back (nobody is started from inside this call); `news` may be NULL: no answer. */
void governor_done(struct governor *g, const char *host, const struct governor_news *news);
/* Retry-After and x-ratelimit headers of an HTTP answer. */
struct governor_news governor_read(const struct http_response *r, int64_t now_ms);
/*
 * A poll of this host has ended. Gives how many times longer than asked intervals and gaps are:
 * doubled by a poll that was throttled (at most 16), halved after three clean ones.
 */
int governor_poll_ended(struct governor *g, const char *host);
/* Calls left as the server told, or -1. */
int64_t governor_budget(const struct governor *g, const char *host);
/* ms until the host may be asked again (0: now). */
int64_t governor_wait_ms(const struct governor *g, const char *host);

#endif
