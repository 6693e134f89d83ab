/*
 * The cache file opsdeck.db: where it is, how it is opened, what to say when it cannot be.
 * The writer (ingest) creates and migrates; readers open what is there.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_STORE_STORE_H
#define OPSDECK_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "opsdeck/base/err.h"

struct clock;
struct row_set;

enum {
    STORE_SCHEMA_VERSION = 2
};

struct store_opts {
    const char *dir; /* created 0700 when absent (2770 when shared) */
    bool is_shared;
    int64_t keep_ms;   /* history older than this is pruned; open versions stay */
    int64_t max_bytes; /* oldest history goes first when the file passes this */
    const struct clock *clock;
};

/* For doctor: columns name ok detail. Opens read-only; never changes the file. */
struct row_set *store_doctor(const struct store_opts *o);

#endif
