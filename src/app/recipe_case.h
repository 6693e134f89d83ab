/*
 * One test case of a recipe: NAME.body is an answer, NAME.yaml says what goes with it and
 * what must come out:
 *   step: NAME              the step it answers (default: the first)
 *   http_status: 200        headers: {content-type: ...}
 *   params: {...}           as in a source; for: {name: x}  the `for` row
 *   now: 2026-11-21T03:00:00Z
 *   row: [{kind, key, status, ...}]   what row() shows of earlier steps
 *   expect_rows: [{kind, key, ...}]   in this order; only the columns named are compared
 *   expect_error: text      part of the error
 *   expect_next: token
 */
#ifndef OPSDECK_APP_RECIPE_CASE_H
#define OPSDECK_APP_RECIPE_CASE_H

#include <stdbool.h>
#include <stddef.h>

#include "opsdeck/base/err.h"

struct arena;
struct recipe;

/* False: *why says what was expected and what came. */
bool recipe_case_run(struct arena *mem, const struct recipe *r, const char *dir, const char *name,
                     struct err *why);
/* malloc'd, NUL terminated; NULL and *e on failure. */
char *read_whole_file(const char *path, size_t *len, struct err *e);

#endif
