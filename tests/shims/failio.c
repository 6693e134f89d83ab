/*
 * Preloaded into a program under test: the IO_AT-th call on a file whose path has IO_FILE in it
 * fails with EIO, or with IO_KILL set the program is killed before it. IO_READS: only reads count.
 * IO_REPORT names a file that gets a line when it came to that.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum {
    FDS = 1024
};

static atomic_bool watched[FDS];
static atomic_long seen;

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static void report(void)
{
    const char *path = getenv("IO_REPORT");
    int (*real)(const char *, int, ...);

    if (!path)
        return;
    *(void **)&real = next("open");
    int fd = real(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ssize_t (*real_write)(int, const void *, size_t);
    *(void **)&real_write = next("write");
    if (fd < 0 || real_write(fd, "hit\n", 4) != 4)
        abort();
    close(fd);
}

static int fails(int is_read)
{
    const char *at = getenv("IO_AT");

    if (!at || (getenv("IO_READS") && !is_read) || atomic_fetch_add(&seen, 1) + 1 != atol(at))
        return 0;
    report();
    if (getenv("IO_KILL"))
        kill(getpid(), SIGKILL);
    errno = EIO;
    return 1;
}

static int is_ours(const char *path)
{
    const char *file = getenv("IO_FILE");

    return file && strstr(path, file) != NULL;
}

static int fd_fails(int fd, int is_read)
{
    return fd >= 0 && fd < FDS && atomic_load(&watched[fd]) && fails(is_read);
}

static int opened(const char *name, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...);

    if (is_ours(path) && fails(0))
        return -1;
    *(void **)&real = next(name);
    int fd = real(path, flags, mode);
    if (fd >= 0 && fd < FDS)
        atomic_store(&watched[fd], is_ours(path));
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list ap;

    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return opened("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list ap;

    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return opened("open64", path, flags, mode);
}

/* Each by the name that the library calls it by. */
#define WRAP(type, name, is_read, params, args)                                                    \
    type name params                                                                               \
    {                                                                                              \
        type(*real) params;                                                                        \
        if (fd_fails(fd, is_read))                                                                 \
            return -1;                                                                             \
        *(void **)&real = next(#name);                                                             \
        return real args;                                                                          \
    }

WRAP(ssize_t, read, 1, (int fd, void *buf, size_t n), (fd, buf, n))
WRAP(ssize_t, pread, 1, (int fd, void *buf, size_t n, off_t at), (fd, buf, n, at))
WRAP(ssize_t, pread64, 1, (int fd, void *buf, size_t n, off64_t at), (fd, buf, n, at))
WRAP(ssize_t, write, 0, (int fd, const void *buf, size_t n), (fd, buf, n))
WRAP(ssize_t, pwrite, 0, (int fd, const void *buf, size_t n, off_t at), (fd, buf, n, at))
WRAP(ssize_t, pwrite64, 0, (int fd, const void *buf, size_t n, off64_t at), (fd, buf, n, at))
WRAP(int, fsync, 0, (int fd), (fd))
WRAP(int, fdatasync, 0, (int fd), (fd))
WRAP(int, ftruncate, 0, (int fd, off_t n), (fd, n))
WRAP(int, ftruncate64, 0, (int fd, off64_t n), (fd, n))

int unlink(const char *path)
{
    int (*real)(const char *);

    if (is_ours(path) && fails(0))
        return -1;
    *(void **)&real = next("unlink");
    return real(path);
}
