/*
 * Times in SQL: whatever upstreams write becomes integer UTC milliseconds (time_scan.h). Year 1 and
 * all that is not after 1970 is NULL (Go writes its zero time for "never"), and so is what cannot
 * be read. No zone of this machine is ever assumed: a time without one is UTC.
 */
#include "store_priv.h"

#include <math.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/time_scan.h"

#include "fn_priv.h"

enum {
    MS = 1000,
    MINUTE = 60 * MS,
    HOUR = 60 * MINUTE,
    DAY = 24 * HOUR
};

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

static bool scan(sqlite3_context *ctx, sqlite3_value *v, unsigned forms, int64_t *ms)
{
    size_t n;
    const char *s = fn_text(v, &n);

    return s && time_scan(s, n, forms | TIME_NO_ZONE_IS_UTC, fn_env_of(ctx)->now_ms, ms);
}

static bool time_of(sqlite3_context *ctx, sqlite3_value *v, int64_t *ms)
{
    struct number x;

    return number_of(v, &x) ? time_of_epoch(x.d, ms)
                            : scan(ctx, v, TIME_ISO | TIME_DMY | TIME_HTTP, ms);
}

static void give_time(sqlite3_context *ctx, int64_t ms)
{
    if (ms > 0)
        sqlite3_result_int64(ctx, ms);
}

static void fn_time_auto(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    int64_t ms;

    (void)n;
    if (time_of(ctx, v[0], &ms))
        give_time(ctx, ms);
}

static void fn_time_iso(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    int64_t ms;

    (void)n;
    if (scan(ctx, v[0], TIME_ISO, &ms))
        give_time(ctx, ms);
}

static void fn_time_dmy(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    int64_t ms;

    (void)n;
    if (scan(ctx, v[0], TIME_DMY, &ms))
        give_time(ctx, ms);
}

static void give_units(sqlite3_context *ctx, sqlite3_value *v, double unit_ms)
{
    struct number x;
    int64_t ms;

    if (number_of(v, &x) && time_of_units(x.d, unit_ms, &ms))
        give_time(ctx, ms);
}

static void fn_time_epoch(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    (void)n;
    give_units(ctx, v[0], 1e3);
}

static void fn_time_ms(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    (void)n;
    give_units(ctx, v[0], 1);
}

/* Milliseconds since a moment; one in the future is 0 old. */
static void fn_age(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    int64_t ms, now = fn_env_of(ctx)->now_ms;

    (void)n;
    if (time_of(ctx, v[0], &ms) && ms > 0)
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
