/*
 * A growing byte buffer with a maximum given at init. Past the maximum nothing more is
 * added and `is_full` says so; the caller decides whether that is an error. `buf` is always
 * NUL terminated and never NULL after sbuf_init(). Heap; release with sbuf_release().
 */
#ifndef OPSDECK_BASE_SBUF_H
#define OPSDECK_BASE_SBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct sbuf {
    char *buf;
    size_t len, cap, max;
    bool is_full; /* something was not added: len would have passed max */
};

void sbuf_init(struct sbuf *sb, size_t max_bytes);
void sbuf_release(struct sbuf *sb); /* NULL and zeroed are fine */
void sbuf_reset(struct sbuf *sb);   /* empty again, capacity kept, is_full cleared */
bool sbuf_add(struct sbuf *sb, const void *data, size_t n); /* false when full: nothing added */
bool sbuf_adds(struct sbuf *sb, const char *s);
bool sbuf_addc(struct sbuf *sb, char c);
bool sbuf_addf(struct sbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool sbuf_addv(struct sbuf *sb, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* All that is left of an open file. False: errno says why it cannot be read, or `is_full`. */
bool sbuf_add_fd(struct sbuf *sb, int fd);
/* The bytes become the caller's (free()); the buffer is empty as after init. */
char *sbuf_detach(struct sbuf *sb, size_t *len);

#endif
