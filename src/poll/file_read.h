/*
 * Files off the loop: a hung network file system must not stop keys or other sources, so
 * each read has a short-lived thread of its own. Loop thread only.
 */
#ifndef OPSDECK_POLL_FILE_READ_H
#define OPSDECK_POLL_FILE_READ_H

#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/err.h"

struct ev_loop;
struct file_read;

struct file_body {
    char *path;
    char *bytes; /* malloc'd; a receiver that takes it sets NULL here */
    size_t len;
    int64_t mtime_ms;
};

struct file_bodies {
    struct err err;
    struct file_body *v;
    size_t n;
};

enum {
    FILE_READ_MAX_FILES = 500
};

/* `done` is called from the loop; the bodies are good during the call. `pattern` may be a glob. */
typedef void file_read_fn(void *ctx, struct file_bodies *bodies);
struct file_read *file_read_start(struct ev_loop *loop, const char *pattern, size_t max_bytes,
                                  file_read_fn *done, void *ctx);
void file_read_cancel(struct file_read *fr); /* no callback any more */

#endif
