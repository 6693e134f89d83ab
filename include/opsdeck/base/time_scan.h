/*
 * The one reader of times as machines write them: what is a time to one reader of the program is
 * a time to all. Times as people write them ("14:05", "-30m") are time_parse_moment() of clock.h.
 * No zone of this machine is ever assumed. Pure; any thread.
 */
#ifndef OPSDECK_BASE_TIME_SCAN_H
#define OPSDECK_BASE_TIME_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ways of writing that a reader takes; or-ed. */
enum time_form {
    /*
     * 2026-11-21T03:04:05.123+02:00, a blank for the T, or compact as 20261121T030405Z. Seconds
     * and fraction may lack. Zones: Z, +02:00, +0200, +02, UTC, GMT, "+0200 UTC".
     */
    TIME_ISO = 1 << 0,
    TIME_DMY = 1 << 1,   /* 21-11-2026 03:04:05, or with slashes; zones as above */
    TIME_HTTP = 1 << 2,  /* the three of RFC 9110: Sat, 21 Nov 2026 03:04:05 GMT */
    TIME_EPOCH = 1 << 3, /* a number since 1970; its size says the unit, see time_of_epoch() */
    /* Of ISO and DMY: without a zone it is UTC, and a date alone its midnight. Else neither is
     * a time. */
    TIME_NO_ZONE_IS_UTC = 1 << 4,
    TIME_ANY = TIME_ISO | TIME_DMY | TIME_HTTP | TIME_EPOCH | TIME_NO_ZONE_IS_UTC
};

/*
 * `len` bytes of text, blanks around them aside, as UTC milliseconds since 1970 (before it:
 * negative). False, with *ms untouched, for what is none of the forms or no date of the calendar.
 * `now_ms` settles the years of two digits that HTTP still allows: at most fifty years ahead.
 */
bool time_scan(const char *s, size_t len, unsigned forms, int64_t now_ms, int64_t *ms);

/* `n` units of `unit_ms` milliseconds since 1970; false when not after it or past the year 9999. */
bool time_of_units(double n, double unit_ms, int64_t *ms);
/*
 * The same with the unit told by the size: seconds below 1e11, milliseconds below 1e14, micro-
 * seconds below 1e17, else nanoseconds. No upstream tells times before 1973 or after 5138.
 */
bool time_of_epoch(double n, int64_t *ms);

#endif
