/* Files read on a few threads for all sources. See file_read.h. */
#include "file_read.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ev.h>
#include <uthash.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/worker.h"
#include "opsdeck/base/require.h"

enum {
    READS_MAX = 20000,
    END_MS = 50
};

/* What a thread works on. */
struct job {
    uint64_t id;
    char *pattern;
    size_t max_bytes;
};

struct found {
    uint64_t id;
    struct file_bodies bodies;
};

/* Who asked; kept after a cancel until the read ends or its time is over, to find threads that
 * hang. */
struct file_read {
    uint64_t id;
    struct file_reader *reader;
    ev_timer limit;
    char *pattern;
    int64_t timeout_ms;
    file_read_fn *done; /* NULL: cancelled */
    void *ctx;
    UT_hash_handle hh;
};

struct file_reader {
    struct ev_loop *loop;
    struct worker *worker; /* NULL until the first read */
    struct file_read *reads;
    uint64_t last_id;
};

/* ---- on a thread */

static bool read_all(int fd, const char *path, size_t max_bytes, struct file_body *out,
                     struct err *e)
{
    struct stat st;
    size_t cap = fstat(fd, &st) == 0 && st.st_size > 0 && (size_t)st.st_size < max_bytes
                     ? (size_t)st.st_size + 1
                     : 64 * 1024;

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

static void read_matches(const struct job *job, struct file_bodies *r)
{
    glob_t g = { 0 };
    int rc = glob(job->pattern, 0, NULL, &g);

    if (rc == GLOB_NOMATCH)
        err_set(&r->err, ERR_NOT_FOUND, 0, "no file matches %s", job->pattern);
    else if (rc)
        err_set(&r->err, ERR_IO, 0, "cannot list %s", job->pattern);
    else if (g.gl_pathc > FILE_READ_MAX_FILES)
        err_set(&r->err, ERR_LIMIT, 0, "%s matches %zu files, more than %d", job->pattern,
                g.gl_pathc, FILE_READ_MAX_FILES);
    if (!r->err.code) {
        r->v = xcalloc(g.gl_pathc, sizeof *r->v);
        for (size_t i = 0; i < g.gl_pathc && !r->err.code; i++) {
            read_one(g.gl_pathv[i], job->max_bytes, &r->v[i], &r->err);
            r->n++;
        }
    }
    globfree(&g);
}

static void free_job(void *ctx, void *item)
{
    struct job *job = item;

    (void)ctx;
    free(job->pattern);
    free(job);
}

static void free_found(void *ctx, void *result)
{
    struct found *f = result;

    (void)ctx;
    for (size_t i = 0; i < f->bodies.n; i++) {
        free(f->bodies.v[i].path);
        free(f->bodies.v[i].bytes);
    }
    free(f->bodies.v);
    free(f);
}

static void *do_job(void *ctx, void *item)
{
    struct job *job = item;
    struct found *f = xcalloc(1, sizeof *f);

    f->id = job->id;
    read_matches(job, &f->bodies);
    free_job(ctx, job);
    return f;
}

static void *refuse_job(void *ctx, void *item, const struct err *why)
{
    struct job *job = item;
    struct found *f = xcalloc(1, sizeof *f);

    f->id = job->id;
    f->bodies.err = *why;
    err_ctx(&f->bodies.err, "read %s", job->pattern);
    free_job(ctx, job);
    return f;
}

/* ---- on the loop */

static void read_free(struct file_read *fr)
{
    HASH_DEL(fr->reader->reads, fr);
    ev_timer_stop(fr->reader->loop, &fr->limit);
    free(fr->pattern);
    free(fr);
}

static void on_found(void *ctx)
{
    struct file_reader *reader = ctx;
    struct found *f;

    while (reader->worker && (f = worker_next(reader->worker))) {
        struct file_read *fr;
        HASH_FIND(hh, reader->reads, &f->id, sizeof f->id, fr);
        file_read_fn *done = fr ? fr->done : NULL;
        void *done_ctx = fr ? fr->ctx : NULL;
        if (fr)
            read_free(fr);
        if (done)
            done(done_ctx, &f->bodies);
        free_found(NULL, f);
    }
}

static bool is_job(const void *item, const void *id)
{
    return ((const struct job *)item)->id == *(const uint64_t *)id;
}

static bool is_found(const void *result, const void *id)
{
    return ((const struct found *)result)->id == *(const uint64_t *)id;
}

static void on_limit(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct file_read *fr = t->data;
    struct file_reader *reader = fr->reader;
    struct file_bodies none = { 0 };
    file_read_fn *done = fr->done;
    void *ctx = fr->ctx;

    (void)loop;
    (void)revents;
    if (worker_give_up(reader->worker, is_job, &fr->id))
        err_set(&none.err, ERR_TIMEOUT, 0,
                "%s was not read within %lld ms: a network file system that hangs? that thread is "
                "left alone",
                fr->pattern, (long long)fr->timeout_ms);
    else
        err_set(&none.err, ERR_TIMEOUT, 0,
                "%s was not begun within %lld ms: other files that hang are before it", fr->pattern,
                (long long)fr->timeout_ms);
    worker_cancel(reader->worker, is_job, is_found, &fr->id);
    read_free(fr);
    if (done)
        done(ctx, &none);
}

struct file_reader *file_reader_new(struct ev_loop *loop)
{
    require(loop);
    struct file_reader *reader = xcalloc(1, sizeof *reader);

    reader->loop = loop;
    return reader;
}

static bool start_worker(struct file_reader *reader, struct err *e)
{
    const struct worker_opts o = {
        .what = "a thread that reads files",
        .threads = FILE_READ_THREADS,
        .give_ups = FILE_READ_GIVE_UPS,
        .max_waiting = READS_MAX,
        .loop = reader->loop,
        .ready = on_found,
        .ready_ctx = reader,
        .work = do_job,
        .refuse = refuse_job,
        .free_item = free_job,
        .free_result = free_found,
    };

    return reader->worker || worker_new(&o, &reader->worker, e);
}

/* No thread could be started: told by the timer, since `done` must not be called from within. */
static void on_no_thread(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct file_read *fr = t->data;
    struct file_bodies none = { 0 };
    file_read_fn *done = fr->done;
    void *ctx = fr->ctx;

    (void)loop;
    (void)revents;
    err_set(&none.err, ERR_IO, 0, "read %s: no thread for it can be started", fr->pattern);
    read_free(fr);
    if (done)
        done(ctx, &none);
}

struct file_read *file_read_start(struct file_reader *reader, const char *pattern, size_t max_bytes,
                                  int64_t timeout_ms, file_read_fn *done, void *ctx)
{
    require(reader && pattern && done);
    require(max_bytes > 0 && timeout_ms > 0);
    struct file_read *fr = xcalloc(1, sizeof *fr);
    struct err e = { 0 };
    bool ok = start_worker(reader, &e);

    fr->id = ++reader->last_id;
    fr->reader = reader;
    fr->pattern = xstrdup(pattern);
    fr->timeout_ms = timeout_ms;
    fr->done = done;
    fr->ctx = ctx;
    HASH_ADD(hh, reader->reads, id, sizeof fr->id, fr);
    ev_timer_init(&fr->limit, ok ? on_limit : on_no_thread, ok ? (double)timeout_ms / 1000.0 : 0.,
                  0.);
    fr->limit.data = fr;
    ev_timer_start(reader->loop, &fr->limit);
    if (ok) {
        struct job *job = xcalloc(1, sizeof *job);
        job->id = fr->id;
        job->pattern = xstrdup(pattern);
        job->max_bytes = max_bytes;
        worker_submit(reader->worker, job);
    }
    return fr;
}

void file_read_cancel(struct file_read *fr)
{
    if (fr)
        fr->done = NULL;
}

void file_reader_free(struct file_reader *reader)
{
    struct file_read *fr, *tmp;

    if (!reader)
        return;
    HASH_ITER(hh, reader->reads, fr, tmp)
    {
        read_free(fr);
    }
    (void)worker_stop(reader->worker, END_MS); /* a thread that hangs has all it needs for itself */
    free(reader);
}
