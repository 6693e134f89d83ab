/*
 * Judging in SQL: std, sev, level, worst, worst_of, num. The judgements themselves are the
 * model's; here are only arguments and results. Whatever is not understood is 'unknown'.
 */
#include "store_priv.h"

#include <math.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/model/status.h"

#include "fn_priv.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Where a number is being read. */
struct cursor {
    const char *s, *end;
    double mantissa;
    int64_t whole;
    int exponent;
    bool is_whole, any;
};

static void take_digit(struct cursor *c, int digit)
{
    c->mantissa = c->mantissa * 10 + digit;
    if (c->is_whole && (__builtin_mul_overflow(c->whole, (int64_t)10, &c->whole) ||
                        __builtin_sub_overflow(c->whole, (int64_t)digit, &c->whole)))
        c->is_whole = false;
    c->any = true;
}

/* Digits, and commas that stand before exactly three more. `whole` is kept negative, since that
 * side reaches one further. */
static bool take_integer(struct cursor *c)
{
    const char *from = c->s;

    while (c->s < c->end && (is_digit(*c->s) || (*c->s == ',' && c->s > from))) {
        if (*c->s == ',') {
            for (int i = 1; i <= 3; i++)
                if (c->s + i >= c->end || !is_digit(c->s[i]))
                    return false;
            if (c->s + 4 < c->end && is_digit(c->s[4]))
                return false;
        } else {
            take_digit(c, *c->s - '0');
        }
        c->s++;
    }
    return true;
}

static void take_fraction(struct cursor *c)
{
    if (c->s >= c->end || *c->s != '.')
        return;
    c->is_whole = false;
    for (c->s++; c->s < c->end && is_digit(*c->s); c->s++) {
        take_digit(c, *c->s - '0');
        c->exponent--;
    }
}

static bool take_exponent(struct cursor *c)
{
    int sign = 1, e = 0;

    if (c->s >= c->end || (*c->s != 'e' && *c->s != 'E'))
        return true;
    c->is_whole = false;
    c->s++;
    if (c->s < c->end && (*c->s == '-' || *c->s == '+'))
        sign = *c->s++ == '-' ? -1 : 1;
    if (c->s >= c->end || !is_digit(*c->s))
        return false;
    for (; c->s < c->end && is_digit(*c->s); c->s++)
        e = e < 10000 ? e * 10 + (*c->s - '0') : e;
    c->exponent += sign * e;
    return true;
}

bool number_parse(const char *s, size_t n, struct number *out)
{
    require(out && (s || n == 0));
    struct cursor c = { .s = s, .end = s + n, .is_whole = true };
    bool is_negative = false;

    while (c.s < c.end && is_space(*c.s))
        c.s++;
    while (c.end > c.s && is_space(c.end[-1]))
        c.end--;
    if (c.end > c.s && c.end[-1] == '%')
        c.end--;
    if (c.s < c.end && (*c.s == '-' || *c.s == '+'))
        is_negative = *c.s++ == '-';
    if (!take_integer(&c))
        return false;
    take_fraction(&c);
    if (!c.any || !take_exponent(&c) || c.s != c.end)
        return false;
    if (c.is_whole && !is_negative && c.whole == INT64_MIN)
        c.is_whole = false;
    double d =
        c.exponent < 0 ? c.mantissa / pow(10, -c.exponent) : c.mantissa * pow(10, c.exponent);
    if (!isfinite(d))
        return false;
    out->is_int = c.is_whole;
    out->i = !c.is_whole ? 0 : is_negative ? c.whole : -c.whole;
    out->d = is_negative ? -d : d;
    return true;
}

/* Any SQL value as a number; false for NULL and for what is none. */
static bool number_of(sqlite3_value *v, struct number *out)
{
    size_t n;
    const char *s;

    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        *out = (struct number){ true, sqlite3_value_int64(v), sqlite3_value_double(v) };
        return true;
    case SQLITE_FLOAT:
        *out = (struct number){ false, 0, sqlite3_value_double(v) };
        return true;
    default:
        s = fn_text(v, &n);
        return s && number_parse(s, n, out);
    }
}

static void fn_num(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct number x;

    (void)n;
    if (!number_of(v[0], &x))
        return; /* NULL */
    if (x.is_int)
        sqlite3_result_int64(ctx, x.i);
    else
        sqlite3_result_double(ctx, x.d);
}

static void give_status(sqlite3_context *ctx, enum status s)
{
    sqlite3_result_text(ctx, status_word(s), -1, SQLITE_STATIC);
}

static void fn_level(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct number x, warn, crit;

    (void)n;
    bool ok = number_of(v[0], &x) && number_of(v[1], &warn) && number_of(v[2], &crit);
    give_status(ctx, ok ? status_from_level(x.d, warn.d, crit.d) : STATUS_UNKNOWN);
}

/* The word without spaces around it, as foreign systems write it. */
static void fn_word(sqlite3_context *ctx, sqlite3_value *v, enum status (*judge)(const char *))
{
    char word[64];
    size_t n;
    const char *s = fn_text(v, &n);

    while (s && n && is_space(*s)) {
        s++;
        n--;
    }
    while (s && n && is_space(s[n - 1]))
        n--;
    if (!s || n >= sizeof word) {
        give_status(ctx, STATUS_UNKNOWN);
        return;
    }
    memcpy(word, s, n);
    word[n] = '\0';
    give_status(ctx, judge(word));
}

static void fn_std(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    (void)n;
    fn_word(ctx, v[0], status_from_word);
}

static void fn_sev(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    (void)n;
    fn_word(ctx, v[0], status_from_severity);
}

static enum status status_of(const char *word)
{
    enum status s;

    return word && status_parse(word, &s) ? s : STATUS_UNKNOWN;
}

/* What has been seen; all zero before the first row. */
struct worst_state {
    bool any;
    enum status worst;
};

static void see(struct worst_state *w, enum status s)
{
    w->worst = w->any ? status_worst(w->worst, s) : s;
    w->any = true;
}

/* A status that is absent counts as unknown: no data is not ok. */
static void worst_step(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct worst_state *w = sqlite3_aggregate_context(ctx, sizeof *w);
    size_t len;

    (void)n;
    if (!w)
        sqlite3_result_error_nomem(ctx);
    else
        see(w, status_of(fn_text(v[0], &len)));
}

static void worst_final(sqlite3_context *ctx)
{
    struct worst_state *w = sqlite3_aggregate_context(ctx, 0);

    if (w && w->any)
        give_status(ctx, w->worst);
}

static const char *skip_spaces(const char *s)
{
    while (is_space(*s))
        s++;
    return s;
}

/* One element of a flat array; NULL when it is a nested one or ends wrongly. */
static const char *element(const char *s, struct worst_state *w)
{
    char word[16] = "";
    size_t n;

    if (*s == '[' || *s == '{' || !*s)
        return NULL;
    if (*s != '"') { /* null, numbers, true and false are no statuses */
        see(w, STATUS_UNKNOWN);
        return s + strcspn(s, ",] \t\r\n");
    }
    for (n = 1; s[n] && s[n] != '"'; n++)
        if (s[n] == '\\' && s[n + 1])
            n++;
    if (!s[n])
        return NULL;
    if (n - 1 < sizeof word)
        memcpy(word, s + 1, n - 1);
    see(w, status_of(word));
    return s + n + 1;
}

static bool array_worst(const char *s, struct worst_state *w)
{
    s = skip_spaces(s);
    if (*s++ != '[')
        return false;
    s = skip_spaces(s);
    if (*s == ']')
        return true;
    for (;;) {
        s = element(skip_spaces(s), w);
        if (!s)
            return false;
        s = skip_spaces(s);
        if (*s != ',')
            return *s == ']';
        s++;
    }
}

static void fn_worst_of(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct worst_state w = { 0 };
    size_t len;
    const char *s = fn_text(v[0], &len);

    (void)n;
    if (!s)
        return;
    if (!array_worst(s, &w))
        sqlite3_result_error(ctx, "worst_of() expects a JSON array of statuses", -1);
    else if (w.any)
        give_status(ctx, w.worst);
}

const struct fn_def fn_states[] = {
    { "num", 1, fn_num, NULL, NULL, false },
    { "level", 3, fn_level, NULL, NULL, false },
    { "std", 1, fn_std, NULL, NULL, false },
    { "sev", 1, fn_sev, NULL, NULL, false },
    { "worst", 1, NULL, worst_step, worst_final, false },
    { "worst_of", 1, fn_worst_of, NULL, NULL, false },
    { 0 },
};
