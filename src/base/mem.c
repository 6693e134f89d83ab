/* Memory that never fails, and arenas. See mem.h. */
#include "opsdeck/base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void (*last_words)(void);

void mem_set_last_words(void (*hook)(void))
{
    last_words = hook;
}

/* No heap and no stdio here: there may be neither left. */
_Noreturn void mem_exhausted(void)
{
    static const char text[] = "opsdeck: out of memory; what was stored is safe\n";

    if (last_words)
        last_words();
    ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    (void)n;
    _exit(71); /* EX_OSERR */
}

_Noreturn void bug(const char *fmt, ...)
{
    va_list ap;

    if (last_words)
        last_words();
    fputs("opsdeck: bug: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

void *xmalloc(size_t n)
{
    void *p = malloc(n ? n : 1);

    if (!p)
        mem_exhausted();
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p)
        mem_exhausted();
    return p;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
    p = reallocarray(p, n ? n : 1, size ? size : 1);
    if (!p)
        mem_exhausted();
    return p;
}

char *xstrndup(const char *s, size_t n)
{
    char *p = xmalloc(n + 1);

    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

enum {
    BLOCK_BYTES = 4096,
    BLOCK_MAX = 256 * 1024
};

struct block {
    struct block *next;
    size_t used, size;
    max_align_t data[];
};

struct arena {
    struct block *head;
    size_t bytes; /* of all blocks */
    size_t grow;  /* next ordinary block */
};

struct arena *arena_new(void)
{
    struct arena *a = xcalloc(1, sizeof *a);

    a->grow = BLOCK_BYTES;
    return a;
}

static void free_blocks(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    free_blocks(a->head);
    free(a);
}

void arena_reset(struct arena *a)
{
    struct block *keep = a->head;

    if (!keep)
        return;
    free_blocks(keep->next);
    keep->next = NULL;
    keep->used = 0;
    a->bytes = keep->size;
}

size_t arena_bytes(const struct arena *a)
{
    return a ? a->bytes : 0;
}

void *arena_alloc(struct arena *a, size_t n)
{
    const size_t align = sizeof(max_align_t);

    if (n > SIZE_MAX / 2)
        mem_exhausted();
    n = (n + align - 1) / align * align;
    struct block *b = a->head;
    if (!b || b->size - b->used < n) {
        size_t size = n > a->grow / 2 ? n : a->grow;
        struct block *fresh = xmalloc(sizeof *fresh + size);
        fresh->used = 0;
        fresh->size = size;
        a->bytes += size;
        if (size == n && b) { /* a large one of its own goes behind, the open block stays open */
            fresh->next = b->next;
            b->next = fresh;
        } else {
            fresh->next = b;
            a->head = fresh;
            if (a->grow < BLOCK_MAX)
                a->grow *= 2;
        }
        b = fresh;
    }
    void *p = (char *)b->data + b->used;
    b->used += n;
    memset(p, 0, n);
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / 2 / size)
        mem_exhausted();
    return arena_alloc(a, n * size);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *p = arena_alloc(a, n + 1);

    memcpy(p, s, n);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list copy;

    va_copy(copy, ap);
    int n = vsnprintf(NULL, 0, fmt, copy);
    va_end(copy);
    if (n < 0)
        bug("arena_vprintf: bad format");
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *p = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return p;
}
