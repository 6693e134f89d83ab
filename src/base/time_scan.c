/* Times as machines write them, read from the left. See time_scan.h. */
#include "opsdeck/base/time_scan.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/require.h"

enum {
    EPOCH_DIGITS_MAX = 19
};

static const double time_max = 253402300799999; /* the end of the year 9999 */

/* What is left to read. */
struct scan {
    const char *s, *end;
};

struct stamp {
    int year, month, day, hour, min, sec, ms, zone_min;
    bool has_zone, has_short_year;
};

static bool take(struct scan *c, char ch)
{
    if (c->s >= c->end || *c->s != ch)
        return false;
    c->s++;
    return true;
}

static bool take_word(struct scan *c, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(c->end - c->s) < n || memcmp(c->s, word, n) != 0)
        return false;
    c->s += n;
    return true;
}

static bool at_digit(const struct scan *c)
{
    return c->s < c->end && *c->s >= '0' && *c->s <= '9';
}

/* Exactly `n` digits. */
static bool take_digits(struct scan *c, int n, int *out)
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

static bool is_over(const struct scan *c)
{
    return c->s == c->end;
}

static bool stamp_ms(const struct stamp *t, int64_t *ms)
{
    static const int lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (t->year % 4 == 0 && t->year % 100 != 0) || t->year % 400 == 0;

    if (t->month < 1 || t->month > 12 || t->day < 1 || t->day > lengths[t->month - 1] ||
        (t->month == 2 && t->day == 29 && !is_leap))
        return false;
    if (t->hour > 23 || t->min > 59 || t->sec > 60) /* 60: a leap second */
        return false;
    *ms = time_from_utc(t->year, t->month, t->day, t->hour, t->min, t->sec, t->ms) -
          (int64_t)t->zone_min * 60000;
    return true;
}

/* Digits after the point, of which the first three count. */
static bool take_fraction(struct scan *c, int *ms)
{
    int weight = 100;

    if (!take(c, '.') && !take(c, ','))
        return true;
    if (!at_digit(c))
        return false;
    for (; at_digit(c); c->s++, weight /= 10)
        *ms += (*c->s - '0') * weight;
    return true;
}

/* Hours and minutes, with or without colons and seconds. */
static bool take_clock(struct scan *c, struct stamp *t)
{
    if (!take_digits(c, 2, &t->hour))
        return false;
    bool has_colons = take(c, ':');
    if (!take_digits(c, 2, &t->min))
        return false;
    if (has_colons ? !take(c, ':') : !at_digit(c))
        return true;
    return take_digits(c, 2, &t->sec) && take_fraction(c, &t->ms);
}

static bool take_offset(struct scan *c, struct stamp *t)
{
    int sign = *c->s++ == '-' ? -1 : 1, h, m = 0;

    if (!take_digits(c, 2, &h) || ((take(c, ':') || at_digit(c)) && !take_digits(c, 2, &m)))
        return false;
    t->zone_min = sign * (h * 60 + m);
    return h < 24 && m < 60;
}

/* To the end of the text. */
static bool take_zone(struct scan *c, struct stamp *t)
{
    const char *from = c->s;

    take(c, ' ');
    if (!take(c, 'Z') && !take(c, 'z')) {
        if (c->s < c->end && (*c->s == '+' || *c->s == '-')) {
            if (!take_offset(c, t))
                return false;
            take(c, ' ');
        }
        if (!take_word(c, "UTC"))
            take_word(c, "GMT");
    }
    t->has_zone = c->s > from;
    return is_over(c);
}

/* What comes after the date: nothing, or the time of day and its zone. */
static bool take_rest(struct scan *c, struct stamp *t)
{
    if (is_over(c))
        return true;
    if (!take(c, 'T') && !take(c, 't') && !take(c, ' '))
        return false;
    return take_clock(c, t) && take_zone(c, t);
}

static bool scan_iso(struct scan c, struct stamp *t)
{
    if (!take_digits(&c, 4, &t->year))
        return false;
    bool has_dashes = take(&c, '-');
    if (!take_digits(&c, 2, &t->month) || (has_dashes && !take(&c, '-')) ||
        !take_digits(&c, 2, &t->day))
        return false;
    return (has_dashes || !is_over(&c)) && take_rest(&c, t);
}

static bool scan_dmy(struct scan c, struct stamp *t)
{
    return take_digits(&c, 2, &t->day) && (take(&c, '-') || take(&c, '/')) &&
           take_digits(&c, 2, &t->month) && (take(&c, '-') || take(&c, '/')) &&
           take_digits(&c, 4, &t->year) && take_rest(&c, t);
}

static bool take_month(struct scan *c, int *out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12 && c->end - c->s >= 3; i++) {
        if (strncasecmp(c->s, names + (ptrdiff_t)i * 3, 3) == 0) {
            *out = i + 1;
            c->s += 3;
            return true;
        }
    }
    return false;
}

/* "08:49:37", nothing left out. */
static bool take_full_clock(struct scan *c, struct stamp *t)
{
    return take_digits(c, 2, &t->hour) && take(c, ':') && take_digits(c, 2, &t->min) &&
           take(c, ':') && take_digits(c, 2, &t->sec);
}

/* "06 Nov 1994 08:49:37 GMT" or "06-Nov-94 08:49:37 GMT" */
static bool after_comma(struct scan c, struct stamp *t)
{
    if (!take_digits(&c, 2, &t->day))
        return false;
    t->has_short_year = c.s < c.end && *c.s == '-';
    char sep = t->has_short_year ? '-' : ' ';
    return take(&c, sep) && take_month(&c, &t->month) && take(&c, sep) &&
           take_digits(&c, t->has_short_year ? 2 : 4, &t->year) && take(&c, ' ') &&
           take_full_clock(&c, t) && (take_word(&c, " GMT") || take_word(&c, " UTC")) &&
           is_over(&c);
}

/* "Nov  6 08:49:37 1994" */
static bool after_day_name(struct scan c, struct stamp *t)
{
    if (!take_month(&c, &t->month) || !take(&c, ' '))
        return false;
    bool has_day = take(&c, ' ') ? take_digits(&c, 1, &t->day) : take_digits(&c, 2, &t->day);
    return has_day && take(&c, ' ') && take_full_clock(&c, t) && take(&c, ' ') &&
           take_digits(&c, 4, &t->year) && is_over(&c);
}

static bool scan_http(struct scan c, struct stamp *t)
{
    const char *from = c.s;

    while (c.s < c.end && ((*c.s >= 'A' && *c.s <= 'Z') || (*c.s >= 'a' && *c.s <= 'z')))
        c.s++;
    ptrdiff_t name = c.s - from;
    t->has_zone = true;
    if (name >= 3 && take_word(&c, ", "))
        return after_comma(c, t);
    return name == 3 && take(&c, ' ') && after_day_name(c, t);
}

/* A two-digit year that seems over 50 years ahead is the one that ended in the same digits. */
static bool short_year_ms(struct stamp *t, int64_t now_ms, int64_t *ms)
{
    const int64_t year_ms = (int64_t)31556952 * 1000;
    int64_t at = 0;

    t->year += (int)(1970 + now_ms / year_ms) / 100 * 100;
    bool is_date = stamp_ms(t, &at);
    if (!is_date || at > now_ms + 50 * year_ms) {
        t->year -= 100;
        is_date = stamp_ms(t, &at);
    }
    if (is_date)
        *ms = at;
    return is_date;
}

static bool scan_epoch(struct scan c, int64_t *ms)
{
    double n = 0, weight = 1;
    int digits = 0;

    for (; at_digit(&c); digits++)
        n = n * 10 + (*c.s++ - '0');
    if (digits == 0 || digits > EPOCH_DIGITS_MAX)
        return false;
    if (take(&c, '.')) {
        if (!at_digit(&c))
            return false;
        while (at_digit(&c))
            n += (*c.s++ - '0') * (weight /= 10);
    }
    return is_over(&c) && time_of_epoch(n, ms);
}

bool time_scan(const char *s, size_t len, unsigned forms, int64_t now_ms, int64_t *ms)
{
    static const struct {
        enum time_form form;
        bool (*scan)(struct scan c, struct stamp *t);
    } table[] = { { TIME_ISO, scan_iso }, { TIME_DMY, scan_dmy }, { TIME_HTTP, scan_http } };

    require(s && ms);
    struct scan c = { s, s + len };
    while (c.s < c.end && (unsigned char)*c.s <= ' ')
        c.s++;
    while (c.end > c.s && (unsigned char)c.end[-1] <= ' ')
        c.end--;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct stamp t = { 0 };
        if (!(forms & table[i].form) || !table[i].scan(c, &t))
            continue;
        if (!t.has_zone && !(forms & TIME_NO_ZONE_IS_UTC))
            return false;
        return t.has_short_year ? short_year_ms(&t, now_ms, ms) : stamp_ms(&t, ms);
    }
    return (forms & TIME_EPOCH) && scan_epoch(c, ms);
}

bool time_of_units(double n, double unit_ms, int64_t *ms)
{
    double v = n * unit_ms;

    require(unit_ms > 0 && ms);
    if (!(v > 0 && v <= time_max))
        return false;
    *ms = (int64_t)floor(v + 0.5);
    return true;
}

bool time_of_epoch(double n, int64_t *ms)
{
    return time_of_units(n, n < 1e11 ? 1e3 : n < 1e14 ? 1 : n < 1e17 ? 1e-3 : 1e-6, ms);
}
