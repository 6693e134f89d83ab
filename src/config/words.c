/*
 * Words people type: the nearest known one, names that are allowed, and what looks like a
 * secret and so must neither stand in a file nor be shown in a message.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/sbuf.h"

#include "config_priv.h"

enum {
    WORD_MAX = 64
};

/* Edit distance with swaps of neighbours, ASCII case ignored; limit + 1 when above `limit`. */
static unsigned edit_distance(const char *a, const char *b, unsigned limit)
{
    unsigned row[3][WORD_MAX + 1];
    size_t la = strlen(a), lb = strlen(b);

    if (la > WORD_MAX || lb > WORD_MAX || la > lb + limit || lb > la + limit)
        return limit + 1;
    for (size_t j = 0; j <= lb; j++)
        row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned *cur = row[i % 3], *prev = row[(i + 2) % 3], *prev2 = row[(i + 1) % 3];

        cur[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            unsigned best = prev[j - 1] + (ca != cb);

            if (prev[j] + 1 < best)
                best = prev[j] + 1;
            if (cur[j - 1] + 1 < best)
                best = cur[j - 1] + 1;
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
                cb == tolower((unsigned char)a[i - 2]) && prev2[j - 2] + 1 < best)
                best = prev2[j - 2] + 1;
            cur[j] = best;
        }
    }
    return row[la % 3][lb];
}

const char *cfg_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    unsigned limit = strlen(word) < 4 ? 1 : 2; /* two changes make any short word any other */

    for (size_t i = 0; i < n; i++) {
        unsigned d = edit_distance(word, candidates[i], limit);

        if (d > limit || (best && d == limit))
            continue;
        best = candidates[i];
        limit = d;
    }
    return best;
}

static bool all_of(const char *s, const char *more, size_t max)
{
    size_t n = 0;

    for (; s[n]; n++)
        if (n == max || !(isalnum((unsigned char)s[n]) || strchr(more, s[n])) || (s[n] & 0x80))
            return false;
    return n > 0;
}

bool cfg_is_name(const char *s)
{
    return s[0] != '.' && all_of(s, "._-", 64);
}

bool cfg_is_identifier(const char *s)
{
    return !isdigit((unsigned char)s[0]) && all_of(s, "_", 64);
}

bool cfg_is_token(const char *s)
{
    return all_of(s, "!#$%&'*+-.^_`|~", 128);
}

/* Published shapes of credentials: prefix, least length, what the rest is made of. */
static const struct {
    const char *prefix;
    size_t min_len;
} secret_shapes[] = {
    { "ghp_", 20 },   { "gho_", 20 },        { "ghu_", 20 },    { "ghs_", 20 },     { "ghr_", 20 },
    { "glpat-", 20 }, { "github_pat_", 20 }, { "AKIA", 20 },    { "ASIA", 20 },     { "xoxb-", 15 },
    { "xoxp-", 15 },  { "xoxa-", 15 },       { "xoxs-", 15 },   { "sk_live_", 16 }, { "AIza", 30 },
    { "npm_", 30 },   { "-----BEGIN ", 11 }, { "Bearer ", 12 }, { "Basic ", 12 },
};

static bool is_jwt(const char *s)
{
    const char *dot = strncmp(s, "eyJ", 3) ? NULL : strchr(s, '.');

    return dot && strchr(dot + 1, '.') && strlen(s) > 30;
}

bool cfg_looks_secret(const char *s)
{
    size_t len = strlen(s);

    for (size_t i = 0; i < ARRAY_LEN(secret_shapes); i++)
        if (len >= secret_shapes[i].min_len &&
            !strncmp(s, secret_shapes[i].prefix, strlen(secret_shapes[i].prefix)))
            return true;
    return is_jwt(s);
}

bool cfg_is_secret_key(const char *key)
{
    static const char *const keys[] = { "token",
                                        "password",
                                        "passwd",
                                        "secret",
                                        "api_key",
                                        "apikey",
                                        "access_key",
                                        "secret_key",
                                        "private_key",
                                        "passphrase",
                                        "auth_token",
                                        "access_token",
                                        "client_secret",
                                        "session_token",
                                        "secret_access_key",
                                        "authorization",
                                        "aws_secret_access_key" };

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *a = key, *b = keys[i];

        while (*a && *b && (tolower((unsigned char)*a) == *b || (*a == '-' && *b == '_')))
            a++, b++;
        if (!*a && !*b)
            return true;
    }
    return false;
}

/*
 * Wider than cfg_is_secret_key(): hiding a word too many in an excerpt does no harm. Also behind
 * token_env and its kin, since an excerpt is shown when something else was written there.
 */
static bool hides_value(const char *key, size_t len)
{
    static const char *const parts[] = { "tok",         "pass",       "secret", "api-key",
                                         "api_key",     "apikey",     "pwd",    "access_key",
                                         "private_key", "credential", "auth",   "bearer" };
    char word[WORD_MAX + 1];

    if (len > WORD_MAX)
        return false;
    memcpy(word, key, len);
    word[len] = 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strcasestr(word, parts[i]))
            return true;
    return false;
}

static bool is_key_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* After "key:" with a telling name: the rest of the line, or to the closing quote. */
static size_t secret_value_end(const char *line, size_t len, size_t from)
{
    char quote = line[from];

    if (quote == '{' || quote == '[' || quote == '|' || quote == '>')
        return from;
    if (quote == '"' || quote == '\'') {
        const char *close = memchr(line + from + 1, quote, len - from - 1);
        if (close)
            return (size_t)(close - line) + 1;
    }
    return len;
}

/* If a secret begins at `at`, the offset behind it, else `at`. */
static size_t secret_end(const char *line, size_t len, size_t at, size_t word_len)
{
    char word[2048];

    if (!word_len || word_len >= sizeof word)
        return at;
    memcpy(word, line + at, word_len);
    word[word_len] = 0;
    if (cfg_looks_secret(word))
        return at + word_len;
    if (at >= 7 &&
        (!strncasecmp(line + at - 7, "Bearer ", 7) || !strncasecmp(line + at - 6, "Basic ", 6)))
        return at + word_len;
    if (at >= 3 && !strncmp(line + at - 3, "://", 3) && strchr(word, '@'))
        return len;
    if (strchr(word, '?') && memmem(line, at, "://", 3))
        return len;
    return at;
}

/* The value of a telling key at `at`: its place, and its end in *end; 0 if there is none. */
static size_t secret_value(const char *line, size_t len, size_t at, size_t *end)
{
    size_t key = 0;

    while (at + key < len && is_key_byte(line[at + key]))
        key++;
    size_t colon = at + key;
    if (colon < len && (line[colon] == '"' || line[colon] == '\''))
        colon++;
    if (!key || colon + 1 >= len || line[colon] != ':' || !hides_value(line + at, key))
        return 0;
    size_t value = colon + 1;
    while (value < len && line[value] == ' ')
        value++;
    *end = value < len ? secret_value_end(line, len, value) : len;
    return *end > value ? value : 0;
}

/* One step: what is shown of line[at, at + shown) and what is hidden after it, up to *next. */
static size_t mask_step(const char *line, size_t len, size_t at, size_t *next)
{
    size_t n = 0, value = secret_value(line, len, at, next);

    if (value)
        return value - at;
    while (at + n < len && !strchr(" \t\"'{}[],/", line[at + n]))
        n++;
    *next = secret_end(line, len, at, n);
    if (*next > at)
        return 0;
    n = n ? n : 1;
    *next = at + n;
    return n;
}

void cfg_mask_line(struct sbuf *out, const char *line, size_t len, size_t *caret)
{
    size_t next = 0, new_caret = SIZE_MAX;

    for (size_t at = 0; at < len; at = next) {
        size_t shown = mask_step(line, len, at, &next);

        if (new_caret == SIZE_MAX && *caret < next)
            new_caret = out->len + (*caret - at < shown ? *caret - at : shown);
        sbuf_add(out, line + at, shown);
        if (at + shown < next)
            sbuf_adds(out, "***");
    }
    *caret = new_caret == SIZE_MAX ? out->len : new_caret;
}
