/* Clocks, and times as people write them. See clock.h. Durations and sizes: units.c. */
#include "opsdeck/base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/require.h"
#include "opsdeck/base/time_scan.h"

static int64_t read_us(clockid_t id)
{
    struct timespec ts;

    if (clock_gettime(id, &ts) != 0)
        bug("clock %d of this machine cannot be read", (int)id);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t system_wall(void *ctx)
{
    (void)ctx;
    return read_us(CLOCK_REALTIME) / 1000;
}

static int64_t system_mono(void *ctx)
{
    (void)ctx;
    return read_us(CLOCK_MONOTONIC) / 1000;
}

static int64_t pinned_wall(void *ctx)
{
    return *(const int64_t *)ctx;
}

static int64_t pin;
static const struct clock real = { system_wall, system_mono, NULL };
static const struct clock pinned = { pinned_wall, system_mono, &pin };
static const struct clock *chosen = &real;

static void choose(void)
{
    const char *text = getenv("OPSDECK_NOW");

    if (text && *text && time_parse_rfc3339(text, &pin))
        chosen = &pinned;
}

const struct clock *clock_system(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, choose);
    return chosen;
}

int64_t clock_wall_ms(const struct clock *c)
{
    require(c && c->wall_ms);
    return c->wall_ms(c->ctx);
}

int64_t clock_mono_ms(const struct clock *c)
{
    require(c && c->mono_ms);
    return c->mono_ms(c->ctx);
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_thread_us(void)
{
    return read_us(CLOCK_THREAD_CPUTIME_ID);
}

void clock_deadline(int64_t in_ms, struct timespec *out)
{
    require(in_ms >= 0 && out);
    int64_t us = read_us(CLOCK_MONOTONIC) + in_ms * 1000;

    *out = (struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

int64_t time_from_utc(int year, int month, int day, int hour, int min, int sec, int ms)
{
    return ((days_from_civil(year, month, day) * 24 + hour) * 60 + min) * 60000 +
           (int64_t)sec * 1000 + ms;
}

static bool split_ms(int64_t ms, bool local, struct tm *tm, int *rest)
{
    int64_t sec = ms / 1000;

    *rest = (int)(ms % 1000);
    if (*rest < 0) {
        *rest += 1000;
        sec--;
    }
    time_t t = (time_t)sec;
    return local ? localtime_r(&t, tm) != NULL : gmtime_r(&t, tm) != NULL;
}

const char *time_iso(int64_t ms, char out[TIME_TEXT_MAX])
{
    struct tm tm;
    int rest;

    if (!split_ms(ms, false, &tm, &rest) || tm.tm_year > 8099 || tm.tm_year < -1900) {
        snprintf(out, TIME_TEXT_MAX, "(time out of range)");
        return out;
    }
    int n = snprintf(out, TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
                     tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (rest)
        n += snprintf(out + n, TIME_TEXT_MAX - (size_t)n, ".%03d", rest);
    snprintf(out + n, TIME_TEXT_MAX - (size_t)n, "Z");
    return out;
}

const char *time_compact(int64_t ms, char out[TIME_TEXT_MAX])
{
    struct tm tm;
    int rest;

    if (!split_ms(ms, false, &tm, &rest) || tm.tm_year > 8099 || tm.tm_year < -1900 ||
        !strftime(out, TIME_TEXT_MAX, "%Y%m%dT%H%M%SZ", &tm))
        out[0] = '\0';
    return out;
}

const char *time_local(int64_t ms, int64_t now_ms, char out[TIME_TEXT_MAX])
{
    struct tm tm, now;
    int rest;

    if (!split_ms(ms, true, &tm, &rest) || !split_ms(now_ms, true, &now, &rest)) {
        snprintf(out, TIME_TEXT_MAX, "(time out of range)");
        return out;
    }
    size_t n;
    if (tm.tm_year != now.tm_year)
        n = strftime(out, TIME_TEXT_MAX, "%d %b %Y %H:%M %Z", &tm);
    else if (tm.tm_yday != now.tm_yday)
        n = strftime(out, TIME_TEXT_MAX, "%d %b %H:%M %Z", &tm);
    else
        n = strftime(out, TIME_TEXT_MAX, "%H:%M:%S %Z", &tm);
    if (!n)
        out[0] = '\0';
    return out;
}

const char *time_age(int64_t age_ms, char out[TIME_TEXT_MAX])
{
    int64_t s = age_ms < 0 ? 0 : age_ms / 1000;

    if (s < 60)
        snprintf(out, TIME_TEXT_MAX, "%llds", (long long)s);
    else if (s < 3600)
        snprintf(out, TIME_TEXT_MAX, "%lldm", (long long)(s / 60));
    else if (s < 2 * 86400)
        snprintf(out, TIME_TEXT_MAX, "%lldh", (long long)(s / 3600));
    else
        snprintf(out, TIME_TEXT_MAX, "%lldd", (long long)(s / 86400));
    return out;
}

/* `n` digits; moves *s on. */
static bool digits(const char **s, int n, int *out)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)(*s)[i]))
            return false;
        v = v * 10 + ((*s)[i] - '0');
    }
    *s += n;
    *out = v;
    return true;
}

static bool literal(const char **s, char c)
{
    if (**s != c)
        return false;
    ++*s;
    return true;
}

bool time_parse_rfc3339(const char *s, int64_t *ms)
{
    return time_scan(s, strlen(s), TIME_ISO, 0, ms);
}

/* Whether the local clock shows h:mi:sec at `t`. */
static bool is_local(time_t t, int h, int mi, int sec)
{
    struct tm tm;

    return localtime_r(&t, &tm) && tm.tm_hour == h && tm.tm_min == mi && tm.tm_sec == sec;
}

/*
 * The last local moment at h:mi:sec that is not after now. Every difference to UTC that held in
 * the last days is tried: a local time exists twice on the night the clocks go back and not at
 * all when they go forward, and mktime() settles that as it likes.
 */
static bool last_local(int h, int mi, int sec, int64_t now_ms, int64_t *ms)
{
    enum {
        DAY_S = 86400,
        HOURS_BACK = 72
    };
    time_t now = (time_t)(now_ms / 1000), best = 0;
    struct tm tm;

    for (int k = 0; k <= HOURS_BACK; k++) {
        time_t near = now - (time_t)k * 3600;
        if (!localtime_r(&near, &tm))
            return false;
        time_t midnight = near + tm.tm_gmtoff - (near + tm.tm_gmtoff) % DAY_S - tm.tm_gmtoff;
        time_t at = midnight + h * 3600 + mi * 60 + sec;
        if (at <= now && at > best && is_local(at, h, mi, sec))
            best = at;
    }
    *ms = (int64_t)best * 1000;
    return best > 0;
}

/* Of so many digits that no clock and no year is meant. */
static bool is_epoch(const char *text, int64_t *ms)
{
    return strspn(text, "0123456789") >= 9 && time_scan(text, strlen(text), TIME_EPOCH, 0, ms);
}

bool time_parse_moment(const char *text, int64_t now_ms, int64_t *ms, struct err *e)
{
    const char *s = text;
    int h, mi, sec = 0;
    int64_t back;

    if (*s == '-' && dur_parse(s + 1, &back)) {
        *ms = now_ms - back;
        return true;
    }
    if (time_scan(text, strlen(text), TIME_ISO | TIME_HTTP, now_ms, ms) || is_epoch(text, ms))
        return true;
    if (digits(&s, 2, &h) && literal(&s, ':') && digits(&s, 2, &mi) &&
        (!*s || (literal(&s, ':') && digits(&s, 2, &sec) && !*s)) && h < 24 && mi < 60 && sec < 60)
        return last_local(h, mi, sec, now_ms, ms) ||
               err_set(e, ERR_USAGE, 0, "%s did not come in the last three days here", text);
    return err_set(e, ERR_USAGE, 0,
                   "not a time: \"%s\" (use 14:05, 14:05:30, 2026-11-21T14:05:00Z or -30m)", text);
}
