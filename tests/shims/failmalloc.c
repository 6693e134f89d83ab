/*
 * Preloaded into a program under test: the FAIL_AT-th allocation of at least FAIL_MIN bytes fails,
 * and so do the FAIL_MORE next ones. FAIL_REPORT names a file that gets the size of each refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static atomic_long seen;
static long fail_at, fail_more;
static size_t fail_min;

static long number(const char *name)
{
    const char *s = getenv(name);

    return s ? strtol(s, NULL, 10) : 0;
}

__attribute__((constructor)) static void read_orders(void)
{
    fail_more = number("FAIL_MORE");
    fail_min = (size_t)number("FAIL_MIN");
    atomic_store(&seen, 0);
    fail_at = number("FAIL_AT");
}

static void report(size_t n)
{
    const char *path = getenv("FAIL_REPORT");
    char line[32];
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (fd < 0)
        return;
    int len = snprintf(line, sizeof line, "%zu\n", n);
    if (write(fd, line, (size_t)len) != len)
        abort();
    close(fd);
}

static int refuses(size_t n)
{
    if (!fail_at || n < fail_min)
        return 0;
    long i = atomic_fetch_add(&seen, 1) + 1;
    if (i < fail_at || i > fail_at + fail_more)
        return 0;
    report(n);
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n)
{
    return refuses(n) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return refuses(n * size) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return n && refuses(n) ? NULL : __libc_realloc(p, n);
}

void *reallocarray(void *p, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(p, bytes);
}

void *aligned_alloc(size_t align, size_t n)
{
    return refuses(n) ? NULL : __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
    if (refuses(n))
        return ENOMEM;
    *p = __libc_memalign(align, n);
    return *p ? 0 : ENOMEM;
}
