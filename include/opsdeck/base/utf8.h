/*
 * The text door: every text from network, files and keyboard passes utf8_clean() once, before
 * store, log, screen, clipboard or export; after it the text is valid UTF-8 without control,
 * bidirectional, zero-width or tag characters. Columns come from utf8_width(), never strlen().
 * Widths by utf8proc (Unicode 15) a grapheme cluster at a time, at most 2 columns a cluster.
 * Any thread; no state.
 */
#ifndef OPSDECK_BASE_UTF8_H
#define OPSDECK_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct sbuf;

enum utf8_flags {
    UTF8_LINE = 0,    /* one line: LF, CR, TAB become a space */
    UTF8_KEEP_LF = 1, /* text of several lines: LF stays, TAB becomes a space, CR before LF goes */
};

/*
 * Append the clean form of `n` bytes to `out`. Controls and C1 become U+FFFD, invalid bytes
 * U+FFFD each (maximal subpart), bidi controls U+FFFD, zero-width and tag characters vanish, more
 * than 4 combining marks on a base vanish, a leading mark gets a base. Idempotent. Returns false
 * when `out` became full.
 */
bool utf8_clean(struct sbuf *out, const char *s, size_t n, unsigned flags);
/* The same into an arena, at most max_bytes (cut at a code point; a cut ends in U+2026). */
char *utf8_clean_dup(struct arena *a, const char *s, size_t n, size_t max_bytes, unsigned flags);
bool utf8_is_clean(const char *s, size_t n, unsigned flags);
/* Strict validity: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_is_valid(const char *s, size_t n);

/* Decode one code point; returns bytes used (>= 1), *cp = U+FFFD for invalid input. n > 0. */
size_t utf8_decode(const char *s, size_t n, uint32_t *cp);
/* Encode; returns bytes written (1..4). */
size_t utf8_encode(uint32_t cp, char out[4]);

/* One grapheme cluster of clean text: returns its bytes (0 at the end), *cols its columns (0..2).
 */
size_t utf8_cluster(const char *s, size_t n, int *cols);
/* Columns of clean text. */
int utf8_width(const char *s);
/* Bytes of the longest prefix that fits into max_cols columns; *used_cols may be NULL. */
size_t utf8_prefix(const char *s, int max_cols, int *used_cols);
/* Case-folded copy for filters: simple folding, code point by code point. */
char *utf8_fold(struct arena *a, const char *s);

#endif
