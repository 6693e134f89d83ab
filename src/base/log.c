/* The program's own log. See log.h. */
#include "opsdeck/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/err.h"
#include "opsdeck/base/hide.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

enum {
    RING_LINES = 500,
    RAW_MAX_BYTES = 64 * 1024,
    LINE_MAX_BYTES = 2048,
    ROTATE_BYTES = 5 * 1024 * 1024
};

/* One log a process: what writes to it knows no owner, so this is the one global of base. */
static struct {
    pthread_mutex_t lock;
    char *ring[RING_LINES];
    size_t next, count;
    int fd;
    char *path;
    off_t written;
    enum log_level least;
    uint64_t dropped;
} lg = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1, .least = LOG_INFO };

void log_set_level(enum log_level least)
{
    pthread_mutex_lock(&lg.lock);
    lg.least = least;
    pthread_mutex_unlock(&lg.lock);
}

static void close_file(void)
{
    if (lg.fd >= 0)
        close(lg.fd);
    lg.fd = -1;
    free(lg.path);
    lg.path = NULL;
}

static int open_file(const char *path, off_t *size)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    *size = st.st_size;
    return fd;
}

bool log_open(const char *path, struct err *e)
{
    pthread_mutex_lock(&lg.lock);
    close_file();
    if (path) {
        lg.fd = open_file(path, &lg.written);
        if (lg.fd >= 0)
            lg.path = xstrdup(path);
    }
    int failed = path && lg.fd < 0 ? errno : 0;
    pthread_mutex_unlock(&lg.lock);
    return !failed || err_errno(e, failed, "log file %s", path);
}

void log_close(void)
{
    pthread_mutex_lock(&lg.lock);
    close_file();
    for (size_t i = 0; i < RING_LINES; i++) {
        free(lg.ring[i]);
        lg.ring[i] = NULL;
    }
    lg.next = lg.count = 0;
    pthread_mutex_unlock(&lg.lock);
}

static void rotate(void)
{
    char *old = NULL;

    if (asprintf(&old, "%s.1", lg.path) < 0)
        return;
    if (rename(lg.path, old) == 0) {
        close(lg.fd);
        lg.fd = open_file(lg.path, &lg.written);
    }
    free(old);
}

static void write_line(const char *line, size_t n)
{
    if (lg.fd < 0)
        return;
    if (lg.written > ROTATE_BYTES)
        rotate();
    if (lg.fd < 0 || write(lg.fd, line, n) != (ssize_t)n)
        lg.dropped++;
    else
        lg.written += (off_t)n;
}

void log_add(enum log_level level, const char *room, const char *fmt, ...)
{
    static const char *const words[] = { "debug", "info", "warn", "error" };
    _Static_assert(ARRAY_LEN(words) == LOG_ERROR + 1, "a word for each");
    char now[TIME_TEXT_MAX];
    struct sbuf raw, line;
    va_list ap;

    sbuf_init(&raw, RAW_MAX_BYTES);
    va_start(ap, fmt);
    sbuf_addv(&raw, fmt, ap);
    va_end(ap);
    hide_text(&raw); /* before the cut */
    if (raw.len > LINE_MAX_BYTES)
        raw.len = LINE_MAX_BYTES;
    pthread_mutex_lock(&lg.lock);
    if (level >= lg.least) {
        sbuf_init(&line, LINE_MAX_BYTES * 4);
        sbuf_addf(&line, "%s %s %s: ", time_iso(clock_wall_ms(clock_system()), now), words[level],
                  room);
        utf8_clean(&line, raw.buf, raw.len, UTF8_LINE);
        free(lg.ring[lg.next]);
        lg.ring[lg.next] = xstrdup(line.buf);
        lg.next = (lg.next + 1) % RING_LINES;
        if (lg.count < RING_LINES)
            lg.count++;
        sbuf_addc(&line, '\n');
        write_line(line.buf, line.len);
        sbuf_release(&line);
    }
    pthread_mutex_unlock(&lg.lock);
    sbuf_release(&raw);
}

void log_tail(size_t n, struct sbuf *out)
{
    pthread_mutex_lock(&lg.lock);
    if (n > lg.count)
        n = lg.count;
    for (size_t i = 0; i < n; i++) {
        sbuf_adds(out, lg.ring[(lg.next + RING_LINES - n + i) % RING_LINES]);
        sbuf_addc(out, '\n');
    }
    pthread_mutex_unlock(&lg.lock);
}

uint64_t log_dropped(void)
{
    pthread_mutex_lock(&lg.lock);
    uint64_t n = lg.dropped;
    pthread_mutex_unlock(&lg.lock);
    return n;
}
