/*
 * What the SQL functions and the row builder share: reading numbers, writing JSON strings.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_STORE_FN_PRIV_H
#define OPSDECK_STORE_FN_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"

struct sbuf;
struct arena;
struct db;
struct err;

struct number {
    bool is_int;
    int64_t i; /* when is_int */
    double d;  /* always */
};

/*
 * A decimal number with spaces around it; commas between groups of three and a percent sign
 * behind are passed over. The same in every locale. False: not a number.
 */
bool number_parse(const char *s, size_t n, struct number *out);

/* Append a finite number in its shortest exact form, else a string. */
bool json_put_real(struct sbuf *out, double d);

/* The clean form of `s` (utf8_clean) with at most `max` bytes; a cut ends in U+2026. */
const char *text_cut(struct arena *mem, const char *s, size_t n, size_t max, unsigned flags);

/* The aggregate bluegreen(), for readers only: a recipe knows one source, it needs several. */
MUST_CHECK bool fn_bluegreen_register(struct db *db, struct err *e);

#endif
