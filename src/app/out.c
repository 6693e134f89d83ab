/* The one way to stdout of commands that answer. See out.h. */
#include "out.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opsdeck/base/mem.h"

#include "app_priv.h"

static const size_t OUT_MAX = (size_t)2 << 30;

void out_release(struct out *o)
{
    sbuf_release(&o->text);
    *o = (struct out){ 0 };
}

struct sbuf *out_buf(struct out *o)
{
    if (!o->text.buf)
        sbuf_init(&o->text, OUT_MAX);
    return &o->text;
}

void out_add(struct out *o, const char *s)
{
    sbuf_adds(out_buf(o), s);
}

void out_addf(struct out *o, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    sbuf_addv(out_buf(o), fmt, ap);
    va_end(ap);
}

struct json out_document(struct out *o)
{
    return json_into(out_buf(o));
}

void out_drop(struct out *o)
{
    sbuf_reset(out_buf(o));
}

/* 0 or errno. Whoever gave us stdout may have made it non-blocking. */
static int write_all(const char *s, size_t n)
{
    while (n) {
        ssize_t w = write(STDOUT_FILENO, s, n);
        if (w >= 0) {
            s += w;
            n -= (size_t)w;
        } else if (errno == EAGAIN) {
            struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };
            if (poll(&p, 1, -1) < 0 && errno != EINTR)
                return errno;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

bool out_flush(struct out *o)
{
    struct sbuf *sb = out_buf(o);

    if (fflush(stdout) != 0 && !o->failed)
        o->failed = errno;
    if (sb->is_full && !o->failed)
        o->failed = EFBIG; /* half a document is none */
    if (!o->failed)
        o->failed = write_all(sb->buf, sb->len);
    sbuf_reset(sb);
    return !o->failed;
}

int out_end(struct out *o, int status)
{
    if (!out_flush(o) || ferror(stdout)) {
        if (o->failed == EPIPE)
            return status;
        fprintf(stderr, "opsdeck: writing the output failed: %s\n",
                o->failed ? strerror(o->failed) : "stdout takes no more");
        return EXIT_IO;
    }
    return status;
}
