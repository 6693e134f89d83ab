/*
 * HTTP dates (RFC 9110 5.6.7): IMF-fixdate, the RFC 850 form with a two-digit year, and
 * asctime. Strict on numbers, since a date from a server decides how long we wait.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/clock.h"

#include "net_priv.h"

struct fields {
    int year, month, day, hour, min, sec;
    bool is_short_year;
};

static bool digits(const char **s, int n, int *out)
{
    int v = 0;

    for (int i = 0; i < n; i++, (*s)++) {
        if (!isdigit((unsigned char)**s))
            return false;
        v = v * 10 + (**s - '0');
    }
    *out = v;
    return !isdigit((unsigned char)**s);
}

static bool literal(const char **s, const char *text)
{
    size_t n = strlen(text);

    if (strncmp(*s, text, n) != 0)
        return false;
    *s += n;
    return true;
}

static bool month(const char **s, int *out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++) {
        if (strncasecmp(*s, names + (ptrdiff_t)i * 3, 3) == 0) {
            *out = i + 1;
            *s += 3;
            return true;
        }
    }
    return false;
}

static bool clock_time(const char **s, struct fields *f)
{
    return digits(s, 2, &f->hour) && literal(s, ":") && digits(s, 2, &f->min) && literal(s, ":") &&
           digits(s, 2, &f->sec);
}

/* "06 Nov 1994 08:49:37 GMT" or "06-Nov-94 08:49:37 GMT" */
static bool after_comma(const char *s, struct fields *f)
{
    if (!digits(&s, 2, &f->day))
        return false;
    f->is_short_year = *s == '-';
    const char *sep = f->is_short_year ? "-" : " ";
    return literal(&s, sep) && month(&s, &f->month) && literal(&s, sep) &&
           digits(&s, f->is_short_year ? 2 : 4, &f->year) && literal(&s, " ") &&
           clock_time(&s, f) && (literal(&s, " GMT") || literal(&s, " UTC")) && *s == '\0';
}

/* "Nov  6 08:49:37 1994" */
static bool asctime_form(const char *s, struct fields *f)
{
    if (!month(&s, &f->month) || !literal(&s, " "))
        return false;
    bool ok = literal(&s, " ") ? digits(&s, 1, &f->day) : digits(&s, 2, &f->day);
    return ok && literal(&s, " ") && clock_time(&s, f) && literal(&s, " ") &&
           digits(&s, 4, &f->year) && *s == '\0';
}

static int64_t to_ms(const struct fields *f)
{
    return time_from_utc(f->year, f->month, f->day, f->hour, f->min, f->sec > 59 ? 59 : f->sec, 0);
}

/* A two-digit year that seems over 50 years ahead is the one that ended in the same digits. */
static int64_t short_year_ms(struct fields *f, int64_t now_ms)
{
    const int64_t year_ms = (int64_t)31556952 * 1000;
    int now_year = 1970 + (int)(now_ms / year_ms);

    f->year += now_year / 100 * 100;
    if (to_ms(f) > now_ms + 50 * year_ms)
        f->year -= 100;
    return to_ms(f);
}

bool http_date_parse(const char *s, int64_t now_ms, int64_t *ms)
{
    static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    struct fields f = { 0 };
    size_t name = 0;

    while (isalpha((unsigned char)s[name]))
        name++;
    if (name < 3)
        return false;
    bool ok = s[name] == ',' && s[name + 1] == ' ' ? after_comma(s + name + 2, &f)
              : s[name] == ' ' && name == 3        ? asctime_form(s + 4, &f)
                                                   : false;
    if (!ok || f.day < 1 || f.day > days[f.month - 1] || f.hour > 23 || f.min > 59 || f.sec > 60)
        return false;
    *ms = f.is_short_year ? short_year_ms(&f, now_ms) : to_ms(&f);
    return true;
}
