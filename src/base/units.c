/* Numbers with units, and plain numbers, as files and people write them. See clock.h. */
#include "opsdeck/base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit time_units[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

static const struct unit size_units[] = {
    { "GiB", 1LL << 30 }, { "MiB", 1LL << 20 }, { "KiB", 1LL << 10 }, { "GB", 1000000000 },
    { "MB", 1000000 },    { "kB", 1000 },       { "B", 1 },
};

/* Digits and a unit name of letters; false on overflow or an unknown unit. */
static bool one_term(const char **s, const struct unit *units, size_t n, int64_t *out)
{
    int64_t v = 0;
    size_t len = 0;

    if (!isdigit((unsigned char)**s))
        return false;
    for (; isdigit((unsigned char)**s); ++*s)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, **s - '0', &v))
            return false;
    while (isalpha((unsigned char)(*s)[len]))
        len++;
    for (size_t i = 0; i < n; i++) {
        if (strlen(units[i].name) != len || strncmp(units[i].name, *s, len) != 0)
            continue;
        *s += len;
        return !__builtin_mul_overflow(v, units[i].factor, out);
    }
    return false;
}

bool dur_parse(const char *s, int64_t *ms)
{
    int64_t total = 0, part;

    if (!s || !*s)
        return false;
    if (!strcmp(s, "0")) {
        *ms = 0;
        return true;
    }
    while (*s)
        if (!one_term(&s, time_units, ARRAY_LEN(time_units), &part) ||
            __builtin_add_overflow(total, part, &total))
            return false;
    *ms = total;
    return true;
}

const char *dur_format(int64_t ms, char out[TIME_TEXT_MAX])
{
    int n = 0;

    if (ms <= 0) {
        snprintf(out, TIME_TEXT_MAX, "0");
        return out;
    }
    for (size_t i = 0; i < ARRAY_LEN(time_units) && n < TIME_TEXT_MAX - 1; i++) {
        int64_t v = ms / time_units[i].factor;
        ms %= time_units[i].factor;
        if (v)
            n += snprintf(out + n, TIME_TEXT_MAX - (size_t)n, "%lld%s", (long long)v,
                          time_units[i].name);
    }
    return out;
}

bool size_parse(const char *s, int64_t *bytes)
{
    if (!s || !*s)
        return false;
    if (str_to_i64(s, 0, INT64_MAX, bytes))
        return true;
    return one_term(&s, size_units, ARRAY_LEN(size_units), bytes) && !*s;
}

const char *size_format(int64_t bytes, char out[TIME_TEXT_MAX])
{
    if (bytes < 1024)
        snprintf(out, TIME_TEXT_MAX, "%lldB", (long long)bytes);
    else if (bytes < 1 << 20)
        snprintf(out, TIME_TEXT_MAX, "%.3gKiB", (double)bytes / 1024);
    else if (bytes < 1LL << 30)
        snprintf(out, TIME_TEXT_MAX, "%.3gMiB", (double)bytes / (1 << 20));
    else
        snprintf(out, TIME_TEXT_MAX, "%.3gGiB", (double)bytes / (1LL << 30));
    return out;
}

bool str_to_i64(const char *s, int64_t min, int64_t max, int64_t *out)
{
    char *end;

    if (!s || !(isdigit((unsigned char)*s) || (*s == '-' && isdigit((unsigned char)s[1]))))
        return false;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || *end || v < min || v > max)
        return false;
    *out = v;
    return true;
}
