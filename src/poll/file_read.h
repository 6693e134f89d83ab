/*
 * Files off the loop: a hung network file system must not stop keys or other sources, so a few
 * threads read for all of them. A read that hangs longer than it may is told as an error and its
 * thread left alone; another takes its place, at most FILE_READ_GIVE_UPS times. Loop thread only.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_POLL_FILE_READ_H
#define OPSDECK_POLL_FILE_READ_H

#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/err.h"
#include "opsdeck/poll/engine.h"

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
    FILE_READ_MAX_FILES = 500,
    FILE_READ_THREADS = 4,
    FILE_READ_GIVE_UPS = 4
};

/* `done` is called from the loop; the bodies are good during the call. `pattern` may be a glob.
 * ERR_TIMEOUT after `timeout_ms`, counted from now: waiting behind others that hang counts, too. */
typedef void file_read_fn(void *ctx, struct file_bodies *bodies);
struct file_read *file_read_start(struct file_reader *reader, const char *pattern, size_t max_bytes,
                                  int64_t timeout_ms, file_read_fn *done, void *ctx);
void file_read_cancel(struct file_read *fr); /* no callback any more; NULL is fine */

#endif
