/* The error chain. See err.h. */
#include "opsdeck/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

/* Error texts quote foreign bytes, so every one passes the text door here, once. */
static void put_text(struct err *e, const char *raw)
{
    struct sbuf sb;

    sbuf_init(&sb, sizeof e->text * 2);
    utf8_clean(&sb, raw, strlen(raw), UTF8_LINE);
    size_t n = sb.len < sizeof e->text ? sb.len : sizeof e->text - 1;
    while (n > 0 && n < sb.len && ((unsigned char)sb.buf[n] & 0xc0) == 0x80)
        n--;
    memcpy(e->text, sb.buf, n);
    e->text[n] = '\0';
    sbuf_release(&sb);
}

bool err_set(struct err *e, enum err_code code, int detail, const char *fmt, ...)
{
    char raw[sizeof e->text];
    va_list ap;

    if (!e)
        return false;
    va_start(ap, fmt);
    vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    e->code = code;
    e->detail = detail;
    put_text(e, raw);
    return false;
}

bool err_ctx(struct err *e, const char *fmt, ...)
{
    char raw[sizeof e->text * 2];
    va_list ap;
    int n;

    if (!e)
        return false;
    va_start(ap, fmt);
    n = vsnprintf(raw, sizeof raw / 2, fmt, ap);
    va_end(ap);
    if (n < 0)
        n = 0;
    if ((size_t)n >= sizeof raw / 2)
        n = (int)(sizeof raw / 2) - 1;
    snprintf(raw + n, sizeof raw - (size_t)n, ": %s", e->text);
    put_text(e, raw);
    return false;
}

bool err_errno(struct err *e, int errnum, const char *fmt, ...)
{
    char raw[sizeof e->text], reason[128];
    va_list ap;

    if (!e)
        return false;
    va_start(ap, fmt);
    vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    /* The GNU form, which may answer from a constant table. */
    const char *why = strerror_r(errnum, reason, sizeof reason);
    return err_set(e, errnum == EACCES || errnum == EPERM ? ERR_PERM : ERR_IO, errnum, "%s: %s",
                   raw, why);
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
