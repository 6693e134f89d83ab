/*
 * The program's own log: levels, one line an entry, a ring of the latest lines for the `@`
 * view and an optional file. Secrets are hidden in every line (hide.h) before it is cut, and it
 * passes the text door. Any thread (a lock inside); never blocks on a full file system:
 * lines that cannot be written are counted.
 */
#ifndef OPSDECK_BASE_LOG_H
#define OPSDECK_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"

struct err;
struct sbuf;

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR
};

void log_set_level(enum log_level least);
/* Append to `path` (0600, O_NOFOLLOW; rotated once at 5 MiB to path.1). NULL: no file. */
MUST_CHECK bool log_open(const char *path, struct err *e);
void log_close(void);
/* `room` is a short constant such as "poll". */
void log_add(enum log_level level, const char *room, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The newest `n` lines, oldest first, as text with LF between; appended to `out`. */
void log_tail(size_t n, struct sbuf *out);
uint64_t log_dropped(void);

#endif
