/*
 * Time. Wall-clock time (UTC milliseconds since 1970) is for display and the store, monotonic
 * time (milliseconds) for intervals; both come from a `struct clock`, which tests replace.
 * Durations and sizes in files carry their units. Any thread.
 */
#ifndef OPSDECK_BASE_CLOCK_H
#define OPSDECK_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"

struct err;
struct timespec;

struct clock {
    int64_t (*wall_ms)(void *ctx);
    int64_t (*mono_ms)(void *ctx);
    void *ctx;
};

/*
 * The system's clocks; OPSDECK_NOW (RFC 3339) in the environment of the first call pins the wall
 * clock, for tests. No other file reads a clock of the machine.
 */
const struct clock *clock_system(void);
/* `c` has both clocks. */
int64_t clock_wall_ms(const struct clock *c);
int64_t clock_mono_ms(const struct clock *c);
/* For measuring work, not for deciding: microseconds of the monotonic clock, and of processor
 * time of the calling thread. */
int64_t clock_mono_us(void);
int64_t clock_thread_us(void);
/* The moment `in_ms` (not negative) from now as pthread_cond_clockwait(CLOCK_MONOTONIC) wants it.
 */
void clock_deadline(int64_t in_ms, struct timespec *out);

enum {
    TIME_TEXT_MAX = 48
};
/* "2026-11-21T03:04:05Z", with ".123" when the milliseconds are not 0. */
const char *time_iso(int64_t ms, char out[TIME_TEXT_MAX]);
/* "20261121T030405Z", for names of files and signatures; "" out of the years 0 to 9999. */
const char *time_compact(int64_t ms, char out[TIME_TEXT_MAX]);
/* Local "14:02:05 GMT" of that moment, or "21 Nov 14:02 GMT" when it is another day than `now_ms`.
 */
const char *time_local(int64_t ms, int64_t now_ms, char out[TIME_TEXT_MAX]);
/* "4s" "12m" "3h" "2d": one unit, rounded down; negative ages show as "0s". */
const char *time_age(int64_t age_ms, char out[TIME_TEXT_MAX]);
/* Days from civil, Gregorian, UTC; fields are not range-checked beyond sanity. */
int64_t time_from_utc(int year, int month, int day, int hour, int min, int sec, int ms);
/* RFC 3339 and its kin, TIME_ISO of time_scan.h; the zone is needed. */
bool time_parse_rfc3339(const char *s, int64_t *ms);
/*
 * TIME of the command line: HH:MM[:SS] (last such local moment before now), -30m, RFC 3339, a date
 * as HTTP writes it, seconds or milliseconds since 1970 of nine digits or more.
 */
MUST_CHECK bool time_parse_moment(const char *s, int64_t now_ms, int64_t *ms, struct err *e);

/* "250ms" "30s" "5m" "1h" "30d" "1h30m"; a bare number is refused except 0. */
bool dur_parse(const char *s, int64_t *ms);
/* The shortest exact form: "30s", "1h30m". */
const char *dur_format(int64_t ms, char out[TIME_TEXT_MAX]);
/* "512" (bytes) "64KiB" "8MiB" "2GiB" "10kB" "5MB" "1GB". */
bool size_parse(const char *s, int64_t *bytes);
const char *size_format(int64_t bytes, char out[TIME_TEXT_MAX]);

/* Decimal integer, whole string, no sign games: false when out of [min, max] or not a number. */
bool str_to_i64(const char *s, int64_t min, int64_t max, int64_t *out);

#endif
