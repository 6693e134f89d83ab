/*
 * The mapping sandbox: recipes' SELECTs over one answer, in an in-memory database with an
 * authorizer, limits and helper functions. One thread at a time.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_STORE_SANDBOX_H
#define OPSDECK_STORE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"
#include "opsdeck/store/ingest.h"

struct sandbox;
struct sandbox *sandbox_new(void);
void sandbox_free(struct sandbox *sb);
/*
 * Compile only: syntax, functions, binds that are none of `names` (plus body http_status source
 * now), and for rows (`is_rows`) that a `key` column is there. Error text begins with
 * file:line:col.
 */
MUST_CHECK bool sandbox_check(struct sandbox *sb, const struct map_sql *sql,
                              const char *const *names, size_t nnames, bool is_rows, struct err *e);
/*
 * Map one body outside of any store, for recipe tests: all `rows` of the step in one row set with
 * the canonical columns kind key name status summary since parent url attrs rank, in the order
 * given by the SQL. `staged` (may be NULL) is what row() shows, same columns plus source.
 */
MUST_CHECK bool sandbox_map(struct sandbox *sb, const struct map_step *step,
                            const struct bind *extra, size_t nextra, const char *body,
                            size_t body_len, int http_status, const char *content_type,
                            const char *headers_json, int64_t now_ms, const struct row_set *staged,
                            struct row_set **out, char **next, int64_t *total, struct err *e);

#endif
