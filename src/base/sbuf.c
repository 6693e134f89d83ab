/* A growing byte buffer with a cap. See sbuf.h. */
#include "opsdeck/base/sbuf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opsdeck/base/mem.h"

void sbuf_init(struct sbuf *sb, size_t max_bytes)
{
    *sb = (struct sbuf){ .buf = xmalloc(64), .cap = 64, .max = max_bytes };
    sb->buf[0] = '\0';
}

void sbuf_release(struct sbuf *sb)
{
    if (!sb)
        return;
    free(sb->buf);
    *sb = (struct sbuf){ 0 };
}

void sbuf_reset(struct sbuf *sb)
{
    sb->len = 0;
    sb->is_full = false;
    sb->buf[0] = '\0';
}

bool sbuf_add(struct sbuf *sb, const void *data, size_t n)
{
    if (n > sb->max || sb->len > sb->max - n) {
        sb->is_full = true;
        return false;
    }
    if (sb->len + n + 1 > sb->cap) {
        size_t cap = sb->cap ? sb->cap : 64; /* a zeroed one has none yet */
        while (cap < sb->len + n + 1)
            cap *= 2;
        sb->buf = xreallocarray(sb->buf, cap, 1);
        sb->cap = cap;
    }
    if (n)
        memcpy(sb->buf + sb->len, data, n);
    sb->len += n;
    sb->buf[sb->len] = '\0';
    return true;
}

bool sbuf_adds(struct sbuf *sb, const char *s)
{
    return sbuf_add(sb, s, strlen(s));
}

bool sbuf_addc(struct sbuf *sb, char c)
{
    /* Texts are walked a byte at a time in many places: the common case costs two stores. */
    if (sb->len + 1 < sb->cap && sb->len < sb->max) {
        sb->buf[sb->len++] = c;
        sb->buf[sb->len] = '\0';
        return true;
    }
    return sbuf_add(sb, &c, 1);
}

bool sbuf_addv(struct sbuf *sb, const char *fmt, va_list ap)
{
    char small[256];
    va_list again;

    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    if (n < 0)
        bug("sbuf_addf: bad format");
    bool ok;
    if ((size_t)n < sizeof small) {
        ok = sbuf_add(sb, small, (size_t)n);
    } else {
        char *big = xmalloc((size_t)n + 1);
        vsnprintf(big, (size_t)n + 1, fmt, again);
        ok = sbuf_add(sb, big, (size_t)n);
        free(big);
    }
    va_end(again);
    return ok;
}

bool sbuf_addf(struct sbuf *sb, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    bool ok = sbuf_addv(sb, fmt, ap);
    va_end(ap);
    return ok;
}

bool sbuf_add_fd(struct sbuf *sb, int fd)
{
    char part[8192];
    ssize_t n;

    while ((n = read(fd, part, sizeof part)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || !sbuf_add(sb, part, (size_t)n))
            break;
    }
    int why = errno;
    explicit_bzero(part, sizeof part); /* it may have held a secret */
    errno = why;
    return n == 0;
}

char *sbuf_detach(struct sbuf *sb, size_t *len)
{
    char *p = sb->buf;

    if (len)
        *len = sb->len;
    sbuf_init(sb, sb->max);
    return p;
}
