/*
 * Memory that never fails: out of memory ends the program cleanly (hook, one line, exit 71).
 * Arenas carry what lives and dies together: one frame, one answer, one question.
 * Any thread; an arena belongs to one thread at a time and is handed on whole.
 */
#ifndef OPSDECK_BASE_MEM_H
#define OPSDECK_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

/* No memory where nothing smaller will do: the hook, one line, exit 71. */
_Noreturn void mem_exhausted(void);
/* A broken invariant: calls the hook (which restores the terminal), prints one line, aborts. */
_Noreturn void bug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Called once before bug() or out-of-memory print; set by src/app. NULL removes it. */
void mem_set_last_words(void (*hook)(void));

struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is fine */
void arena_reset(struct arena *a);
size_t arena_bytes(const struct arena *a);
void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned for any type */
void *arena_array(struct arena *a, size_t n, size_t size);
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap);

/*
 * Room for one more item in a heap array `p` of `n` items with capacity `cap`; doubles.
 * The array belongs to the caller and is freed with free().
 */
#define VEC_GROW(p, n, cap)                                                                        \
    do {                                                                                           \
        if ((n) == (cap)) {                                                                        \
            (cap) = (cap) ? (cap)*2 : 8;                                                           \
            (p) = xreallocarray((p), (cap), sizeof *(p));                                          \
        }                                                                                          \
    } while (0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

#endif
