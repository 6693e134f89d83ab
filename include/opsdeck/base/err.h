/*
 * The one error idiom: whatever can fail returns bool and takes `struct err *` last.
 * Whoever fails fills it with err_set(); callers that know more add context with
 * err_ctx() on the way out, so that the text reads "outer: inner: innermost".
 * Any thread; an err belongs to one thread at a time. `e` may be NULL (text is dropped).
 */
#ifndef OPSDECK_BASE_ERR_H
#define OPSDECK_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum err_code {
    ERR_NONE,
    ERR_USAGE,     /* what a person typed is wrong */
    ERR_CONFIG,    /* a config, recipe, pane, theme or keymap file is wrong */
    ERR_IO,        /* detail: errno */
    ERR_PERM,      /* not allowed, or file modes refused; detail: errno or HTTP status */
    ERR_NET,       /* no answer; detail: CURLcode */
    ERR_TIMEOUT,   /* no answer in time; detail: CURLcode */
    ERR_HTTP,      /* an answer with a status that is no data; detail: HTTP status */
    ERR_AUTH,      /* 401, 403, or no credential; detail: HTTP status */
    ERR_THROTTLED, /* 429, or 403/503 with a rate limit; detail: HTTP status */
    ERR_PARSE,     /* the answer is not what its format promises */
    ERR_LIMIT,     /* a cap was passed */
    ERR_STORE,     /* detail: SQLite (extended) code */
    ERR_MAP,       /* a recipe's SQL failed or gave rows that break the rules */
    ERR_NOT_FOUND,
    ERR_CANCELLED,
};

struct err {
    enum err_code code;
    int detail;     /* errno, CURLcode, HTTP status or SQLite code, according to `code` */
    char text[512]; /* sanitised, fit for the status line */
};

/*
 * All return false, so that `return err_set(...)` reads as "fail". Give foreign text whole ("%s"):
 * secrets are hidden in it, and only then it is cleaned and cut.
 */
bool err_set(struct err *e, enum err_code code, int detail, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool err_setv(struct err *e, enum err_code code, int detail, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));
/* Put "fmt: " before the text that is there. */
bool err_ctx(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* ERR_IO (or ERR_PERM for EACCES/EPERM) with "fmt: strerror". */
bool err_errno(struct err *e, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Stable lower-case word for a code: "net", "http", ... as used in {"error":{"code"}}. */
const char *err_word(enum err_code code);

#endif
