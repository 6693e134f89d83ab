/*
 * regexp() and matches(): PCRE2 over texts of strangers, with patterns from recipes. Limits on
 * backtracking, heap and depth, and a callout that looks at the clock, since one call may scan
 * a large text for each of its places without ever passing a limit.
 */
#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include "opsdeck/base/hash.h"
#include "opsdeck/base/json_text.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

#include "fn_priv.h"

enum {
    PATTERN_BYTES_MAX = 256,
    PATTERNS_MAX = 64,
    MATCH_LIMIT = 1000000,
    DEPTH_LIMIT = 10000,
    HEAP_LIMIT_KIB = 20 * 1024,
    CALLOUTS_PER_LOOK = 64,
    MATCHES_MAX = 200000
};

struct pattern {
    char *text;
    pcre2_code *code;
    pcre2_match_data *data;
    UT_hash_handle hh;
};

static void pattern_free(struct pattern *p)
{
    pcre2_match_data_free(p->data);
    pcre2_code_free(p->code);
    free(p->text);
    free(p);
}

static void pattern_forget(struct fn_env *env, struct pattern *p)
{
    HASH_DEL(env->patterns, p);
    env->npatterns--;
    pattern_free(p);
}

/* The environment owns nothing but its patterns. */
void fn_env_release(struct fn_env *env)
{
    if (!env)
        return;
    while (env->patterns)
        pattern_forget(env, env->patterns);
}

static pcre2_code *compile(sqlite3_context *ctx, const char *text, size_t n)
{
    char why[128], message[400];
    int code;
    PCRE2_SIZE at;

    if (!utf8_is_valid(text, n)) {
        sqlite3_result_error(ctx, "the pattern is not UTF-8", -1);
        return NULL;
    }
    pcre2_code *re =
        pcre2_compile((PCRE2_SPTR)text, n, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT,
                      &code, &at, NULL);
    if (!re) {
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        sqlite3_snprintf(sizeof message, message, "pattern %.200Q at character %d: %s", text,
                         (int)at, why);
        sqlite3_result_error(ctx, message, -1);
    }
    return re;
}

/* Compiled once and kept; the oldest goes when there are many. NULL with the error given. */
static struct pattern *pattern_get(sqlite3_context *ctx, const char *text, size_t n)
{
    struct fn_env *env = fn_env_of(ctx);
    struct pattern *p;

    if (n > PATTERN_BYTES_MAX) {
        sqlite3_result_error(ctx, "a pattern may have at most 256 bytes", -1);
        return NULL;
    }
    HASH_FIND(hh, env->patterns, text, n, p);
    if (p)
        return p;
    pcre2_code *code = compile(ctx, text, n);
    if (!code)
        return NULL;
    if (env->npatterns >= PATTERNS_MAX)
        pattern_forget(env, env->patterns);
    p = xcalloc(1, sizeof *p);
    p->text = xstrndup(text, n);
    p->code = code;
    p->data = pcre2_match_data_create_from_pattern(code, NULL);
    if (!p->data)
        bug("out of memory for a pattern");
    HASH_ADD_KEYPTR(hh, env->patterns, p->text, n, p);
    env->npatterns++;
    return p;
}

/* One search over one text. */
struct search {
    sqlite3_context *ctx;
    const struct pattern *p;
    const char *text;
    size_t n;
    pcre2_match_context *limits;
    int64_t deadline_ms;
    unsigned callouts;
};

static int look_at_clock(pcre2_callout_block *block, void *arg)
{
    struct search *s = arg;

    (void)block;
    if (++s->callouts % CALLOUTS_PER_LOOK)
        return 0;
    return mono_now_ms() >= s->deadline_ms ? PCRE2_ERROR_CALLOUT : 0;
}

/* False with the error given. */
static bool search_init(struct search *s, sqlite3_context *ctx, const char *text, size_t n)
{
    int64_t deadline = fn_env_of(ctx)->deadline_ms;

    s->ctx = ctx;
    s->text = text;
    s->n = n;
    s->deadline_ms = deadline ? deadline : mono_now_ms() + SANDBOX_LIMIT_MS;
    /* Checked once here and not by each match of a long text. */
    if (!utf8_is_valid(text, n)) {
        sqlite3_result_error(ctx, "a pattern cannot be looked for in text that is not UTF-8", -1);
        return false;
    }
    s->limits = pcre2_match_context_create(NULL);
    if (!s->limits)
        bug("out of memory for a match");
    pcre2_set_match_limit(s->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(s->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(s->limits, HEAP_LIMIT_KIB);
    pcre2_set_callout(s->limits, look_at_clock, s);
    return true;
}

/* 1 found, 0 not, -1 with the error given. */
static int search_from(struct search *s, size_t from, uint32_t options)
{
    char why[128], message[512];
    int rc = pcre2_match(s->p->code, (PCRE2_SPTR)s->text, s->n, from, PCRE2_NO_UTF_CHECK | options,
                         s->p->data, s->limits);

    if (rc >= 0)
        return 1;
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    if (rc == PCRE2_ERROR_CALLOUT)
        sqlite3_snprintf(sizeof why, why, "it takes too long");
    else
        pcre2_get_error_message(rc, (PCRE2_UCHAR *)why, sizeof why);
    sqlite3_snprintf(sizeof message, message, "pattern %.256Q over %lld bytes: %s", s->p->text,
                     (long long)s->n, why);
    sqlite3_result_error(s->ctx, message, -1);
    return -1;
}

static void fn_regexp(sqlite3_context *ctx, int argc, sqlite3_value **v)
{
    struct search s = { 0 };
    size_t nre, n;
    const char *re = fn_text(v[0], &nre), *text = fn_text(v[1], &n);

    (void)argc;
    if (!re || !text || !(s.p = pattern_get(ctx, re, nre)) || !search_init(&s, ctx, text, n))
        return;
    int rc = search_from(&s, 0, 0);
    if (rc >= 0)
        sqlite3_result_int(ctx, rc);
    pcre2_match_context_free(s.limits);
}

/* [whole, capture 1, ...] of the match just found; captures that took no part are null. */
static bool put_match(const struct search *s, struct sbuf *out)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s->p->data);
    uint32_t count = pcre2_get_ovector_count(s->p->data);
    bool ok = sbuf_addc(out, '[');

    for (uint32_t i = 0; ok && i < count; i++) {
        size_t from = at[2 * i], to = at[2 * i + 1];
        if (i)
            ok = sbuf_addc(out, ',');
        if (from == PCRE2_UNSET)
            ok = ok && sbuf_adds(out, "null");
        else /* \K in a look-ahead can put the end before the start */
            ok = ok && json_put(out, s->text + from, to > from ? to - from : 0);
    }
    return ok && sbuf_addc(out, ']');
}

/* After an empty match: one that is not empty at the same place, else the next character. */
static bool find_all(struct search *s, struct sbuf *out)
{
    size_t at = 0;
    uint32_t options = 0;

    for (size_t found = 0; found <= MATCHES_MAX;) {
        int rc = search_from(s, at, options);
        if (rc < 0)
            return false;
        if (!rc && !options)
            return true;
        if (!rc) {
            uint32_t cp;
            if (at >= s->n)
                return true;
            at += utf8_decode(s->text + at, s->n - at, &cp);
            options = 0;
            continue;
        }
        const PCRE2_SIZE *span = pcre2_get_ovector_pointer(s->p->data);
        size_t end = span[1] > at ? span[1] : at;
        if ((found++ && !sbuf_addc(out, ',')) || !put_match(s, out)) {
            sqlite3_result_error_toobig(s->ctx);
            return false;
        }
        options = span[0] >= end ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
        at = end;
        if (mono_now_ms() >= s->deadline_ms) {
            sqlite3_result_error(s->ctx, "matches() takes too long", -1);
            return false;
        }
    }
    sqlite3_result_error(s->ctx, "matches() found more than 200,000 places", -1);
    return false;
}

static void fn_matches(sqlite3_context *ctx, int argc, sqlite3_value **v)
{
    struct search s = { 0 };
    size_t nre, n, nout;
    const char *re = fn_text(v[0], &nre), *text = fn_text(v[1], &n);
    struct sbuf out;

    (void)argc;
    if (!re || !text || !(s.p = pattern_get(ctx, re, nre)) || !search_init(&s, ctx, text, n))
        return;
    sbuf_init(&out, SANDBOX_LENGTH_MAX - 1);
    sbuf_addc(&out, '[');
    if (find_all(&s, &out) && sbuf_addc(&out, ']')) {
        char *json = sbuf_detach(&out, &nout);
        sqlite3_result_text64(ctx, json, nout, free, SQLITE_UTF8);
        sqlite3_result_subtype(ctx, 'J'); /* what SQLite's JSON functions mark theirs with */
    }
    sbuf_release(&out);
    pcre2_match_context_free(s.limits);
}

const struct fn_def fn_patterns[] = {
    { "regexp", 2, fn_regexp, NULL, NULL, false },
    { "matches", 2, fn_matches, NULL, NULL, false },
    { 0 },
};
