/*
 * The status lattice and freshness: pure functions. Any thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_MODEL_STATUS_H
#define OPSDECK_MODEL_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In roll-up order: the greatest wins. */
enum status {
    STATUS_OK,
    STATUS_INFO,
    STATUS_WARN,
    STATUS_UNKNOWN,
    STATUS_CRIT
};

const char *status_word(enum status s); /* "ok" "info" "warn" "unknown" "crit" */
bool status_parse(const char *s, enum status *out);
enum status status_worst(enum status a, enum status b);

/* How old a fact is against its interval. */
enum freshness {
    FRESH,
    STALE,
    LOST
};

struct fact_age {
    int64_t observed_ms; /* last time it was seen to hold; 0: never */
    int64_t every_ms;    /* the interval of its source */
    int64_t now_ms;
    bool has_failed;   /* the source's last attempt failed */
    bool is_on_demand; /* only a person asks its source: it counts as asked once a week */
};

/* Older than 2 intervals: STALE; older than 5, never seen, or failed: LOST. A clock that went back
 * counts as age 0. */
enum freshness freshness_of(const struct fact_age *f);
/* What may be shown: FRESH and STALE keep the status, LOST is unknown. */
enum status status_effective(enum status last, enum freshness f);
/* A severity from foreign words (critical, error, high, warning, ...); unknown words are
 * STATUS_UNKNOWN. */
enum status status_from_severity(const char *word);
/* A state from foreign words (pass, failed, healthy, degraded, ...); unknown words are
 * STATUS_UNKNOWN. */
enum status status_from_word(const char *word);
/* A number against two thresholds; crit < warn means that low is bad. NaN is STATUS_UNKNOWN. */
enum status status_from_level(double x, double warn, double crit);

struct problem_rank {
    enum status status, last;
    bool is_live; /* label env is live or marked danger */
    bool is_acked;
    int64_t since_ms, now_ms;
    int64_t blast; /* rows below it */
    bool is_flapping;
};
/* < 0: a before b. */
int problem_compare(const struct problem_rank *a, const struct problem_rank *b);
/* The same order as text: comparing keys by bytes is comparing problems. For SQL's ORDER BY. */
enum {
    PROBLEM_KEY_MAX = 64
};
const char *problem_key(const struct problem_rank *p, char out[PROBLEM_KEY_MAX]);

#endif
