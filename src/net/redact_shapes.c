/*
 * Well-known shapes of secrets: prefixes of vendors (ghp_, AKIA, glpat-), scheme words
 * ("Bearer ..."), and values named as secrets in headers, queries and JSON. Tables, so that a
 * new shape is a line. Better to hide a harmless word than to show a token.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/require.h"

#include "redact_priv.h"

/* A prefix that stays, then at least `least` characters of a token that go. */
struct prefix {
    const char *text;
    size_t least, most; /* most 0: any number */
    bool is_upper;      /* A-Z and 0-9 only */
};

/* clang-format off */
static const struct prefix PREFIXES[] = {
    { "AKIA", 16, 16, true },      { "ASIA", 16, 16, true },     { "github_pat_", 20, 0, false },
    { "ghp_", 20, 0, false },      { "gho_", 20, 0, false },     { "ghu_", 20, 0, false },
    { "ghs_", 20, 0, false },      { "ghr_", 20, 0, false },     { "glpat-", 16, 0, false },
    { "xoxb-", 10, 0, false },     { "xoxp-", 10, 0, false },    { "xoxa-", 10, 0, false },
    { "xoxr-", 10, 0, false },     { "xoxs-", 10, 0, false },    { "xapp-", 10, 0, false },
    { "hvs.", 20, 0, false },      { "sk_live_", 10, 0, false }, { "eyJ", 24, 0, false },
};

/* What follows a scheme word in an Authorization header. */
static const char *const SCHEMES[] = { "Bearer", "Basic", "Token" };

/* Names whose value is a secret: `name: v`, `name=v`, `"name": "v"`, `?name=v`. Longer ones first. */
static const char *const NAMES[] = {
    "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-Credential", "Proxy-Authorization",
    "AWSSecretAccessKey", "SecretAccessKey", "aws_secret_access_key", "aws_session_token",
    "SessionToken", "client_secret", "refresh_token", "access_token", "id_token",
    "Authorization", "Private-Token", "X-Auth-Token", "X-Api-Key", "api_key", "apikey",
    "Set-Cookie", "Cookie", "password", "passwd", "Signature", "secret", "token", "sig",
};
/* clang-format on */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool is_token_char(char c)
{
    return c && (isalnum((unsigned char)c) || strchr("-._~+/=%", c) != NULL);
}

static bool at_boundary(const struct sbuf *t, size_t i)
{
    return i == 0 || !is_word(t->buf[i - 1]);
}

/* Each matcher gives the bytes that stay (`*kept`) and returns the bytes that go. */
static size_t match_prefix(const struct sbuf *t, size_t i, size_t *kept)
{
    for (size_t p = 0; p < ARRAY_LEN(PREFIXES); p++) {
        const struct prefix *x = &PREFIXES[p];
        size_t len = strlen(x->text), n = 0;
        if (strncmp(t->buf + i, x->text, len) != 0)
            continue;
        const char *s = t->buf + i + len;
        while (x->is_upper ? isupper((unsigned char)s[n]) || isdigit((unsigned char)s[n])
                           : is_token_char(s[n]) && s[n] != '%')
            n++;
        if (n < x->least || (x->most && n > x->most))
            continue;
        *kept = len;
        return n;
    }
    return 0;
}

static size_t match_scheme(const struct sbuf *t, size_t i, size_t *kept)
{
    for (size_t p = 0; p < ARRAY_LEN(SCHEMES); p++) {
        size_t len = strlen(SCHEMES[p]), n = 0;
        if (strncasecmp(t->buf + i, SCHEMES[p], len) != 0 || t->buf[i + len] != ' ')
            continue;
        while (t->buf[i + len] == ' ')
            len++;
        while (is_token_char(t->buf[i + len + n]))
            n++;
        /* "basic authentication" is prose; a token is long or has more than letters in it. */
        bool is_plain = strspn(t->buf + i + len, "abcdefghijklmnopqrstuvwxyz.") >= n;
        if (n < 8 || (is_plain && n < 20))
            continue;
        *kept = len;
        return n;
    }
    return 0;
}

static bool ends_value(char c, char quote)
{
    if (quote)
        return c == quote;
    return c == '\0' || c == '&' || c == '"' || c == '\'' || c == ',' || c == ';' || c == '}' ||
           isspace((unsigned char)c);
}

/* Behind a name: an optional quote, blanks, `=` or `:`, blanks, a quote that the value then ends
 * at. */
static size_t match_value(const char *s, size_t *kept)
{
    const char *from = s;
    char quote = '\0';

    if (*s == '"' || *s == '\'')
        s++;
    s += strspn(s, " ");
    if (strncasecmp(s, "%3d", 3) == 0)
        s += 3;
    else if (*s == '=' || *s == ':')
        s++;
    else
        return 0;
    s += strspn(s, " ");
    if (*s == '"' || *s == '\'')
        quote = *s++;
    /* "Authorization: Bearer x": the scheme stays, as it helps to see what was sent. */
    for (size_t p = 0; p < ARRAY_LEN(SCHEMES); p++) {
        size_t len = strlen(SCHEMES[p]);
        if (strncasecmp(s, SCHEMES[p], len) == 0 && s[len] == ' ')
            s += len + 1;
    }
    size_t n = 0;
    while (s[n] && !ends_value(s[n], quote))
        n++;
    *kept = (size_t)(s - from);
    return n;
}

static size_t match_name(const struct sbuf *t, size_t i, size_t *kept)
{
    for (size_t p = 0; p < ARRAY_LEN(NAMES); p++) {
        size_t len = strlen(NAMES[p]), n;
        if (strncasecmp(t->buf + i, NAMES[p], len) != 0)
            continue;
        n = match_value(t->buf + i + len, kept);
        if (n == 0 || strncmp(t->buf + i + len + *kept, "***", 3) == 0)
            continue;
        *kept += len;
        return n;
    }
    return 0;
}

bool redact_shapes(const struct sbuf *text, struct sbuf *out)
{
    require(text && out);
    size_t from = 0;

    for (size_t i = 0; i < text->len;) {
        size_t kept = 0, gone = 0;
        if (at_boundary(text, i) && isalpha((unsigned char)text->buf[i])) {
            gone = match_name(text, i, &kept);
            gone = gone ? gone : match_prefix(text, i, &kept);
            gone = gone ? gone : match_scheme(text, i, &kept);
        }
        if (gone == 0) {
            i++;
            continue;
        }
        sbuf_add(out, text->buf + from, i + kept - from);
        sbuf_adds(out, "***");
        from = i += kept + gone;
    }
    if (from > 0)
        sbuf_add(out, text->buf + from, text->len - from);
    return from > 0;
}
