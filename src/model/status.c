/*
 * The status lattice, freshness and foreign severity words. Pure functions over tables; what a
 * status looks like on screen is the theme's business, not this file's.
 */
#include "opsdeck/model/status.h"

#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

static const char *const words[] = {
    [STATUS_OK] = "ok",           [STATUS_INFO] = "info", [STATUS_WARN] = "warn",
    [STATUS_UNKNOWN] = "unknown", [STATUS_CRIT] = "crit",
};
_Static_assert(ARRAY_LEN(words) == STATUS_CRIT + 1, "a word for each");

const char *status_word(enum status s)
{
    return (size_t)s < ARRAY_LEN(words) ? words[s] : words[STATUS_UNKNOWN];
}

bool status_parse(const char *s, enum status *out)
{
    require(out);
    for (size_t i = 0; s && i < ARRAY_LEN(words); i++) {
        if (!strcmp(s, words[i])) {
            *out = (enum status)i;
            return true;
        }
    }
    return false;
}

enum status status_worst(enum status a, enum status b)
{
    return a > b ? a : b;
}

/* What a person asked for does not grow stale by the minute. */
static const int64_t ON_DEMAND_EVERY_MS = INT64_C(7) * 24 * 3600 * 1000;

enum freshness freshness_of(const struct fact_age *f)
{
    require(f);
    int64_t age = f->now_ms - f->observed_ms;
    int64_t every = f->is_on_demand ? ON_DEMAND_EVERY_MS : f->every_ms;

    if (f->observed_ms <= 0 || f->has_failed || every <= 0)
        return LOST;
    if (age <= 0)
        return FRESH;
    /* Divided, not multiplied: an interval near the limit of int64 must not overflow. */
    if (age / 5 > every || (age / 5 == every && age % 5))
        return LOST;
    return age / 2 > every || (age / 2 == every && age % 2) ? STALE : FRESH;
}

enum status status_effective(enum status last, enum freshness f)
{
    return f == LOST ? STATUS_UNKNOWN : last;
}

struct word_row {
    const char *word;
    enum status status;
};

static bool find_word(const struct word_row *rows, size_t n, const char *word, enum status *out)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcasecmp(rows[i].word, word)) {
            *out = rows[i].status;
            return true;
        }
    }
    return false;
}

static const struct word_row severities[] = {
    { "critical", STATUS_CRIT },
    { "crit", STATUS_CRIT },
    { "fatal", STATUS_CRIT },
    { "emergency", STATUS_CRIT },
    { "emerg", STATUS_CRIT },
    { "alert", STATUS_CRIT },
    { "page", STATUS_CRIT },
    { "error", STATUS_CRIT },
    { "err", STATUS_CRIT },
    { "high", STATUS_CRIT },
    { "major", STATUS_CRIT },
    { "disaster", STATUS_CRIT },
    { "sev1", STATUS_CRIT },
    { "sev2", STATUS_CRIT },
    { "p1", STATUS_CRIT },
    { "p2", STATUS_CRIT },
    { "warning", STATUS_WARN },
    { "warn", STATUS_WARN },
    { "medium", STATUS_WARN },
    { "moderate", STATUS_WARN },
    { "average", STATUS_WARN },
    { "minor", STATUS_WARN },
    { "ticket", STATUS_WARN },
    { "sev3", STATUS_WARN },
    { "p3", STATUS_WARN },
    { "low", STATUS_INFO },
    { "info", STATUS_INFO },
    { "informational", STATUS_INFO },
    { "information", STATUS_INFO },
    { "notice", STATUS_INFO },
    { "note", STATUS_INFO },
    { "debug", STATUS_INFO },
    { "trivial", STATUS_INFO },
    { "sev4", STATUS_INFO },
    { "sev5", STATUS_INFO },
    { "p4", STATUS_INFO },
    { "p5", STATUS_INFO },
    { "none", STATUS_OK },
    { "ok", STATUS_OK },
};

enum status status_from_severity(const char *word)
{
    enum status s = STATUS_UNKNOWN;

    if (word)
        find_word(severities, ARRAY_LEN(severities), word, &s);
    return s;
}

static const struct word_row states[] = {
    { "ok", STATUS_OK },
    { "pass", STATUS_OK },
    { "passed", STATUS_OK },
    { "passing", STATUS_OK },
    { "success", STATUS_OK },
    { "succeeded", STATUS_OK },
    { "successful", STATUS_OK },
    { "healthy", STATUS_OK },
    { "green", STATUS_OK },
    { "up", STATUS_OK },
    { "running", STATUS_OK },
    { "active", STATUS_OK },
    { "available", STATUS_OK },
    { "ready", STATUS_OK },
    { "online", STATUS_OK },
    { "operational", STATUS_OK },
    { "complete", STATUS_OK },
    { "completed", STATUS_OK },
    { "resolved", STATUS_OK },
    { "normal", STATUS_OK },
    { "good", STATUS_OK },
    { "true", STATUS_OK },
    { "yes", STATUS_OK },
    { "info", STATUS_INFO },
    { "pending", STATUS_INFO },
    { "queued", STATUS_INFO },
    { "in_progress", STATUS_INFO },
    { "skipped", STATUS_INFO },
    { "cancelled", STATUS_INFO },
    { "canceled", STATUS_INFO },
    { "maintenance", STATUS_INFO },
    { "under_maintenance", STATUS_INFO },
    { "neutral", STATUS_INFO },
    { "warn", STATUS_WARN },
    { "warning", STATUS_WARN },
    { "yellow", STATUS_WARN },
    { "amber", STATUS_WARN },
    { "degraded", STATUS_WARN },
    { "degraded_performance", STATUS_WARN },
    { "partial", STATUS_WARN },
    { "partial_outage", STATUS_WARN },
    { "impaired", STATUS_WARN },
    { "unstable", STATUS_WARN },
    { "draining", STATUS_WARN },
    { "crit", STATUS_CRIT },
    { "critical", STATUS_CRIT },
    { "fail", STATUS_CRIT },
    { "failed", STATUS_CRIT },
    { "failing", STATUS_CRIT },
    { "failure", STATUS_CRIT },
    { "error", STATUS_CRIT },
    { "errored", STATUS_CRIT },
    { "unhealthy", STATUS_CRIT },
    { "red", STATUS_CRIT },
    { "down", STATUS_CRIT },
    { "offline", STATUS_CRIT },
    { "major_outage", STATUS_CRIT },
    { "outage", STATUS_CRIT },
    { "unavailable", STATUS_CRIT },
    { "dead", STATUS_CRIT },
    { "timed_out", STATUS_CRIT },
    { "crashed", STATUS_CRIT },
    { "false", STATUS_CRIT },
    { "no", STATUS_CRIT },
    { "bad", STATUS_CRIT },
};

enum status status_from_word(const char *word)
{
    enum status s = STATUS_UNKNOWN;

    if (word)
        find_word(states, ARRAY_LEN(states), word, &s);
    return s;
}

enum status status_from_level(double x, double warn, double crit)
{
    /* Thresholds that fall mean that low is bad: free space, healthy hosts. */
    if (crit >= warn)
        return x >= crit   ? STATUS_CRIT
               : x >= warn ? STATUS_WARN
               : x < warn  ? STATUS_OK
                           : STATUS_UNKNOWN;
    return x <= crit   ? STATUS_CRIT
           : x <= warn ? STATUS_WARN
           : x > warn  ? STATUS_OK
                       : STATUS_UNKNOWN;
}
