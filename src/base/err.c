/* The error chain. See err.h. */
#include "opsdeck/base/err.h"

#include <errno.h>
#include <string.h>

#include "opsdeck/base/hide.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

enum {
    TEXT_MAX = 64 * 1024 /* of a text before it is cut */
};

/* Error texts quote foreign bytes: secrets go, then the text door, then the cut, in this order. */
static void put_text(struct err *e, struct sbuf *raw)
{
    struct sbuf clean;

    hide_text(raw);
    sbuf_init(&clean, raw->len * 4 + 16);
    utf8_clean(&clean, raw->buf, raw->len, UTF8_LINE);
    size_t n = clean.len < sizeof e->text ? clean.len : sizeof e->text - 1;
    while (n > 0 && n < clean.len && ((unsigned char)clean.buf[n] & 0xc0) == 0x80)
        n--;
    memcpy(e->text, clean.buf, n);
    e->text[n] = '\0';
    sbuf_release(&clean);
}

bool err_setv(struct err *e, enum err_code code, int detail, const char *fmt, va_list ap)
{
    struct sbuf raw;

    if (!e)
        return false;
    sbuf_init(&raw, TEXT_MAX);
    sbuf_addv(&raw, fmt, ap);
    e->code = code;
    e->detail = detail;
    put_text(e, &raw);
    sbuf_release(&raw);
    return false;
}

bool err_set(struct err *e, enum err_code code, int detail, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    err_setv(e, code, detail, fmt, ap);
    va_end(ap);
    return false;
}

bool err_ctx(struct err *e, const char *fmt, ...)
{
    struct sbuf raw;
    va_list ap;

    if (!e)
        return false;
    sbuf_init(&raw, TEXT_MAX);
    va_start(ap, fmt);
    sbuf_addv(&raw, fmt, ap);
    va_end(ap);
    sbuf_addf(&raw, ": %s", e->text);
    put_text(e, &raw);
    sbuf_release(&raw);
    return false;
}

bool err_errno(struct err *e, int errnum, const char *fmt, ...)
{
    char reason[128];
    struct sbuf raw;
    va_list ap;

    if (!e)
        return false;
    sbuf_init(&raw, TEXT_MAX);
    va_start(ap, fmt);
    sbuf_addv(&raw, fmt, ap);
    va_end(ap);
    /* The GNU form, which may answer from a constant table. */
    sbuf_addf(&raw, ": %s", strerror_r(errnum, reason, sizeof reason));
    e->code = errnum == EACCES || errnum == EPERM ? ERR_PERM : ERR_IO;
    e->detail = errnum;
    put_text(e, &raw);
    sbuf_release(&raw);
    return false;
}

const char *err_word(enum err_code code)
{
    static const char *const words[] = {
        [ERR_NONE] = "none",           [ERR_USAGE] = "usage",
        [ERR_CONFIG] = "config",       [ERR_IO] = "io",
        [ERR_PERM] = "permission",     [ERR_NET] = "net",
        [ERR_TIMEOUT] = "timeout",     [ERR_HTTP] = "http",
        [ERR_AUTH] = "auth",           [ERR_THROTTLED] = "throttled",
        [ERR_PARSE] = "parse",         [ERR_LIMIT] = "limit",
        [ERR_STORE] = "store",         [ERR_MAP] = "map",
        [ERR_NOT_FOUND] = "not_found", [ERR_CANCELLED] = "cancelled",
    };
    _Static_assert(sizeof words / sizeof *words == ERR_CANCELLED + 1, "a word for each");
    return (unsigned)code < sizeof words / sizeof *words ? words[code] : "unknown";
}
