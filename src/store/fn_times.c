/*
 * Times in SQL: whatever upstreams write becomes integer UTC milliseconds. Year 1 and all that
 * is not after 1970 is NULL (Go writes its zero time for "never"), and so is what cannot be
 * read. No zone of this machine is ever assumed: a time without one is UTC.
 */
#include "store_priv.h"

#include <math.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"

#include "fn_priv.h"

enum {
    MS = 1000,
    MINUTE = 60 * MS,
    HOUR = 60 * MINUTE,
    DAY = 24 * HOUR
};

static const int64_t time_max = 253402300799999; /* the end of the year 9999 */

/* A slice being read from the left. */
struct scan {
    const char *s, *end;
};

static bool scan_char(struct scan *c, char ch)
{
    if (c->s >= c->end || *c->s != ch)
        return false;
    c->s++;
    return true;
}

static bool at_digit(const struct scan *c)
{
    return c->s < c->end && *c->s >= '0' && *c->s <= '9';
}

static bool scan_digits(struct scan *c, int n, int *out)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if (!at_digit(c))
            return false;
        v = v * 10 + (*c->s++ - '0');
    }
    *out = v;
    return true;
}

static bool scan_word(struct scan *c, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(c->end - c->s) < n || memcmp(c->s, word, n) != 0)
        return false;
    c->s += n;
    return true;
}

static struct scan trimmed(const char *s, size_t n)
{
    struct scan c = { s, s + n };

    while (c.s < c.end && (unsigned char)*c.s <= ' ')
        c.s++;
    while (c.end > c.s && (unsigned char)c.end[-1] <= ' ')
        c.end--;
    return c;
}

struct stamp {
    int year, month, day, hour, min, sec, ms, zone_min;
};

static bool stamp_ms(const struct stamp *t, int64_t *out)
{
    static const int lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (t->year % 4 == 0 && t->year % 100 != 0) || t->year % 400 == 0;

    if (t->month < 1 || t->month > 12 || t->day < 1 || t->day > lengths[t->month - 1] ||
        (t->month == 2 && t->day == 29 && !is_leap))
        return false;
    if (t->hour > 23 || t->min > 59 || t->sec > 60) /* 60: a leap second */
        return false;
    *out = time_from_utc(t->year, t->month, t->day, t->hour, t->min, t->sec, t->ms) -
           (int64_t)t->zone_min * MINUTE;
    return true;
}

/* Digits after the point, of which the first three count. */
static bool scan_fraction(struct scan *c, int *ms)
{
    int weight = 100;

    if (!scan_char(c, '.') && !scan_char(c, ','))
        return true;
    if (!at_digit(c))
        return false;
    for (; at_digit(c); c->s++, weight /= 10)
        *ms += (*c->s - '0') * weight;
    return true;
}

/* Hours and minutes, with or without colons and seconds. */
static bool scan_clock(struct scan *c, struct stamp *t)
{
    if (!scan_digits(c, 2, &t->hour))
        return false;
    bool has_colons = scan_char(c, ':');
    if (!scan_digits(c, 2, &t->min))
        return false;
    if (has_colons ? !scan_char(c, ':') : !at_digit(c))
        return true;
    return scan_digits(c, 2, &t->sec) && scan_fraction(c, &t->ms);
}

/* "Z", "+01:00", "+0100", "+01", "UTC", "GMT" or "+0000 UTC"; nothing is UTC. */
static bool scan_zone(struct scan *c, struct stamp *t)
{
    int h, m = 0;

    scan_char(c, ' ');
    if (scan_char(c, 'Z') || scan_char(c, 'z'))
        return c->s == c->end;
    if (c->s < c->end && (*c->s == '+' || *c->s == '-')) {
        int sign = *c->s++ == '-' ? -1 : 1;
        if (!scan_digits(c, 2, &h))
            return false;
        if ((scan_char(c, ':') || at_digit(c)) && !scan_digits(c, 2, &m))
            return false;
        if (h > 23 || m > 59)
            return false;
        t->zone_min = sign * (h * 60 + m);
        scan_char(c, ' ');
    }
    if (!scan_word(c, "UTC"))
        scan_word(c, "GMT");
    return c->s == c->end;
}

/* ISO 8601 with or without separators, time of day and zone. */
static bool parse_iso(const char *s, size_t n, int64_t *out)
{
    struct scan c = trimmed(s, n);
    struct stamp t = { 0 };

    if (!scan_digits(&c, 4, &t.year))
        return false;
    bool has_dashes = scan_char(&c, '-');
    if (!scan_digits(&c, 2, &t.month) || (has_dashes && !scan_char(&c, '-')) ||
        !scan_digits(&c, 2, &t.day))
        return false;
    if (c.s == c.end)
        return has_dashes && stamp_ms(&t, out);
    if (!scan_char(&c, 'T') && !scan_char(&c, 't') && !scan_char(&c, ' '))
        return false;
    return scan_clock(&c, &t) && scan_zone(&c, &t) && stamp_ms(&t, out);
}

/* DD-MM-YYYY HH:MM:SS, as the reports of the MoJ write it. */
static bool parse_dmy(const char *s, size_t n, int64_t *out)
{
    struct scan c = trimmed(s, n);
    struct stamp t = { 0 };

    if (!scan_digits(&c, 2, &t.day) || (!scan_char(&c, '-') && !scan_char(&c, '/')) ||
        !scan_digits(&c, 2, &t.month) || (!scan_char(&c, '-') && !scan_char(&c, '/')) ||
        !scan_digits(&c, 4, &t.year))
        return false;
    if (c.s == c.end)
        return stamp_ms(&t, out);
    return scan_char(&c, ' ') && scan_clock(&c, &t) && scan_zone(&c, &t) && stamp_ms(&t, out);
}

/* A number of some unit since 1970; `per_ms` units make a millisecond (below 1 for seconds). */
static bool scale(const struct number *x, double ms_per_unit, int64_t *out)
{
    double ms = x->d * ms_per_unit;

    if (!(ms > 0 && ms <= (double)time_max))
        return false;
    *out = x->is_int && ms_per_unit >= 1 ? x->i * (int64_t)ms_per_unit : (int64_t)floor(ms + 0.5);
    return true;
}

/* Seconds, milliseconds, micro- or nanoseconds, by how large it is: no upstream tells times before
 * 1973 or after 5138. */
static bool scale_auto(const struct number *x, int64_t *out)
{
    return scale(x, x->d < 1e11 ? 1e3 : x->d < 1e14 ? 1 : x->d < 1e17 ? 1e-3 : 1e-6, out);
}

static bool number_of(sqlite3_value *v, struct number *out)
{
    size_t n;
    const char *s;

    if (sqlite3_value_type(v) == SQLITE_INTEGER) {
        *out = (struct number){ true, sqlite3_value_int64(v), sqlite3_value_double(v) };
        return true;
    }
    if (sqlite3_value_type(v) == SQLITE_FLOAT) {
        *out = (struct number){ false, 0, sqlite3_value_double(v) };
        return true;
    }
    s = fn_text(v, &n);
    return s && number_parse(s, n, out);
}

/* By address: arguments are evaluated in any order, and `ok` is what sets it. */
static void give_time(sqlite3_context *ctx, bool ok, const int64_t *ms)
{
    if (ok && *ms > 0 && *ms <= time_max)
        sqlite3_result_int64(ctx, *ms);
}

static bool time_of(sqlite3_value *v, int64_t *ms)
{
    struct number x;
    size_t n;

    if (number_of(v, &x))
        return scale_auto(&x, ms);
    const char *s = fn_text(v, &n);
    return s && (parse_iso(s, n, ms) || parse_dmy(s, n, ms));
}

static void fn_time_auto(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    int64_t ms = 0;

    (void)n;
    give_time(ctx, time_of(v[0], &ms), &ms);
}

static void fn_time_iso(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    int64_t ms = 0;
    size_t len;
    const char *s = fn_text(v[0], &len);

    (void)n;
    give_time(ctx, s && parse_iso(s, len, &ms), &ms);
}

static void fn_time_dmy(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    int64_t ms = 0;
    size_t len;
    const char *s = fn_text(v[0], &len);

    (void)n;
    give_time(ctx, s && parse_dmy(s, len, &ms), &ms);
}

static void fn_time_epoch(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct number x;
    int64_t ms = 0;

    (void)n;
    give_time(ctx, number_of(v[0], &x) && scale(&x, 1e3, &ms), &ms);
}

static void fn_time_ms(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct number x;
    int64_t ms = 0;

    (void)n;
    give_time(ctx, number_of(v[0], &x) && scale(&x, 1, &ms), &ms);
}

/* Milliseconds since a moment; one in the future is 0 old. */
static void fn_age(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    int64_t ms, now = fn_env_of(ctx)->now_ms;

    (void)n;
    if (time_of(v[0], &ms) && ms > 0)
        sqlite3_result_int64(ctx, ms < now ? now - ms : 0);
}

struct unit {
    const char *name;
    double ms;
};

/* Longer names first: "ms" is not minutes. */
static const struct unit units[] = { { "ns", 1e-6 },        { "us", 1e-3 }, { "\xc2\xb5s", 1e-3 },
                                     { "\xce\xbcs", 1e-3 }, { "ms", 1 },    { "s", MS },
                                     { "m", MINUTE },       { "h", HOUR },  { "d", DAY },
                                     { "w", 7. * DAY } };
static const struct unit iso_dates[] = { { "W", 7. * DAY }, { "D", DAY } },
                         iso_times[] = { { "H", HOUR }, { "M", MINUTE }, { "S", MS } };

/* Digits with a fraction. */
static bool scan_amount(struct scan *c, double *out)
{
    const char *from = c->s;
    struct number x;

    while (at_digit(c) || (c->s < c->end && *c->s == '.'))
        c->s++;
    if (c->s == from || !number_parse(from, (size_t)(c->s - from), &x))
        return false;
    *out = x.d;
    return true;
}

/* Amounts with units up to the end, or to `stop`. At least one. */
static bool scan_parts(struct scan *c, const struct unit *list, size_t n, char stop, double *ms)
{
    bool any = false;

    while (c->s < c->end && *c->s != stop) {
        double amount;
        size_t i = 0;
        if (!scan_amount(c, &amount))
            return false;
        while (i < n && !scan_word(c, list[i].name))
            i++;
        if (i == n)
            return false;
        *ms += amount * list[i].ms;
        any = true;
        while (scan_char(c, ' '))
            ;
    }
    return any;
}

/* "P1DT2H30M": years and months have no fixed length and are refused. */
static bool parse_iso_dur(struct scan *c, double *ms)
{
    if (!scan_char(c, 'P'))
        return false;
    bool has_date = scan_parts(c, iso_dates, ARRAY_LEN(iso_dates), 'T', ms);
    if (c->s == c->end)
        return has_date;
    return scan_char(c, 'T') && scan_parts(c, iso_times, ARRAY_LEN(iso_times), '\0', ms);
}

/* "[D.]HH:MM:SS[.fff]" */
static bool parse_clock_dur(struct scan c, double *ms)
{
    double part[3];

    for (int i = 0; i < 3; i++) {
        if (!scan_amount(&c, &part[i]) || (i < 2 && !scan_char(&c, ':')))
            return false;
    }
    *ms = part[0] * HOUR + part[1] * MINUTE + part[2] * MS;
    return c.s == c.end && part[1] < 60 && part[2] < 61;
}

/* A duration in milliseconds; a bare number is seconds. */
static void fn_dur(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct number x;
    double ms = 0;
    size_t len;

    (void)n;
    if (number_of(v[0], &x)) {
        ms = x.d * MS;
    } else {
        const char *s = fn_text(v[0], &len);
        if (!s)
            return;
        struct scan c = trimmed(s, len);
        bool is_negative = scan_char(&c, '-');
        bool ok = c.s < c.end && *c.s == 'P'
                      ? parse_iso_dur(&c, &ms)
                      : parse_clock_dur(c, &ms) ||
                            (ms = 0, scan_parts(&c, units, ARRAY_LEN(units), '\0', &ms));
        if (!ok)
            return;
        if (is_negative)
            ms = -ms;
    }
    if (fabs(ms) < 9e18)
        sqlite3_result_int64(ctx, (int64_t)floor(ms + 0.5));
}

const struct fn_def fn_times[] = {
    { "time_auto", 1, fn_time_auto, NULL, NULL, false },
    { "time_iso", 1, fn_time_iso, NULL, NULL, false },
    { "time_epoch", 1, fn_time_epoch, NULL, NULL, false },
    { "time_ms", 1, fn_time_ms, NULL, NULL, false },
    { "time_dmy", 1, fn_time_dmy, NULL, NULL, false },
    { "age", 1, fn_age, NULL, NULL, true },
    { "dur", 1, fn_dur, NULL, NULL, false },
    { 0 },
};
