/* Files read on a thread of their own. See file_read.h. */
#include "file_read.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ev.h>

#include "opsdeck/base/mem.h"

struct file_read {
    pthread_mutex_t lock;
    bool is_finished, is_abandoned; /* whoever comes second frees */
    struct ev_loop *loop;
    ev_async async;
    char *pattern;
    size_t max_bytes;
    struct file_bodies result;
    file_read_fn *done;
    void *ctx;
};

static void free_all(struct file_read *fr)
{
    for (size_t i = 0; i < fr->result.n; i++) {
        free(fr->result.v[i].path);
        free(fr->result.v[i].bytes);
    }
    free(fr->result.v);
    free(fr->pattern);
    pthread_mutex_destroy(&fr->lock);
    free(fr);
}

static bool read_all(int fd, const char *path, size_t max_bytes, struct file_body *out,
                     struct err *e)
{
    size_t cap = 64 * 1024;

    out->bytes = xmalloc(cap);
    for (;;) {
        ssize_t n = read(fd, out->bytes + out->len, cap - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, errno, "read %s", path);
        if (n == 0)
            return true;
        out->len += (size_t)n;
        if (out->len > max_bytes)
            return err_set(e, ERR_LIMIT, 0, "%s is larger than %zu bytes (body_max of the recipe)",
                           path, max_bytes);
        if (out->len == cap) {
            cap *= 2;
            out->bytes = xreallocarray(out->bytes, cap, 1);
        }
    }
}

static bool read_one(const char *path, size_t max_bytes, struct file_body *out, struct err *e)
{
    struct stat st;
    /* Not blocking: a FIFO in place of the file must not hang even this thread. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return err_errno(e, errno, "open %s", path);
    bool ok = fstat(fd, &st) == 0 || err_errno(e, errno, "stat %s", path);
    if (ok && !S_ISREG(st.st_mode))
        ok = err_set(e, ERR_IO, EINVAL, "%s is not a regular file", path);
    if (ok) {
        out->path = xstrdup(path);
        out->mtime_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
        ok = read_all(fd, path, max_bytes, out, e);
    }
    close(fd);
    return ok;
}

static void read_matches(struct file_read *fr)
{
    struct file_bodies *r = &fr->result;
    glob_t g = { 0 };
    int rc = glob(fr->pattern, 0, NULL, &g);

    if (rc == GLOB_NOMATCH)
        err_set(&r->err, ERR_NOT_FOUND, 0, "no file matches %s", fr->pattern);
    else if (rc)
        err_set(&r->err, ERR_IO, 0, "cannot list %s", fr->pattern);
    else if (g.gl_pathc > FILE_READ_MAX_FILES)
        err_set(&r->err, ERR_LIMIT, 0, "%s matches %zu files, more than %d", fr->pattern,
                g.gl_pathc, FILE_READ_MAX_FILES);
    if (!r->err.code) {
        r->v = xcalloc(g.gl_pathc, sizeof *r->v);
        for (size_t i = 0; i < g.gl_pathc && !r->err.code; i++) {
            read_one(g.gl_pathv[i], fr->max_bytes, &r->v[i], &r->err);
            r->n++;
        }
    }
    globfree(&g);
}

static void *thread_main(void *arg)
{
    struct file_read *fr = arg;

    read_matches(fr);
    pthread_mutex_lock(&fr->lock);
    fr->is_finished = true;
    bool mine = fr->is_abandoned;
    if (!mine)
        ev_async_send(fr->loop, &fr->async);
    pthread_mutex_unlock(&fr->lock);
    if (mine)
        free_all(fr);
    return NULL;
}

static void on_async(struct ev_loop *loop, ev_async *w, int revents)
{
    struct file_read *fr = w->data;

    (void)revents;
    ev_async_stop(loop, w);
    /* The thread has sent under the lock: taking it once makes sure it is out. */
    pthread_mutex_lock(&fr->lock);
    pthread_mutex_unlock(&fr->lock);
    fr->done(fr->ctx, &fr->result);
    free_all(fr);
}

struct file_read *file_read_start(struct ev_loop *loop, const char *pattern, size_t max_bytes,
                                  file_read_fn *done, void *ctx)
{
    struct file_read *fr = xcalloc(1, sizeof *fr);
    pthread_attr_t attr;
    pthread_t id;

    pthread_mutex_init(&fr->lock, NULL);
    fr->loop = loop;
    fr->pattern = xstrdup(pattern);
    fr->max_bytes = max_bytes;
    fr->done = done;
    fr->ctx = ctx;
    ev_async_init(&fr->async, on_async);
    fr->async.data = fr;
    ev_async_start(loop, &fr->async);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&id, &attr, thread_main, fr);
    pthread_attr_destroy(&attr);
    if (rc) {
        err_errno(&fr->result.err, rc, "start a thread to read %s", pattern);
        ev_async_send(loop, &fr->async);
    }
    return fr;
}

void file_read_cancel(struct file_read *fr)
{
    if (!fr)
        return;
    ev_async_stop(fr->loop, &fr->async);
    pthread_mutex_lock(&fr->lock);
    bool mine = fr->is_finished;
    fr->is_abandoned = true;
    pthread_mutex_unlock(&fr->lock);
    if (mine)
        free_all(fr);
}
