/*
 * From rows to facts: the rows of the blue/green recipes (kinds shared-env and bg-*) become one
 * struct bg_facts per shared environment, for bg_judge(). Pure: no I/O, no clock. Any thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_MODEL_BLUEGREEN_ROWS_H
#define OPSDECK_MODEL_BLUEGREEN_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "opsdeck/model/bluegreen.h"

/*
 * One row as stored. Besides the kinds of the recipes there are three of the store's own:
 * "bg-last-link", the latest link of a shared environment that has ended (attrs project shared
 * name previous ended), "bg-source", a source whose last poll failed (attrs error), and "bg-step",
 * a step that failed in the last poll of its source (key is the step, attrs error).
 */
struct bg_row {
    const char *source, *kind, *key;
    const char *attrs;             /* JSON object; anything else counts as {} */
    int64_t observed_ms, every_ms; /* 0: not known */
};

/* The rows, understood. They and their texts must outlive it, and it the facts taken from it. */
struct bg_estate;
struct bg_estate *bg_estate_new(const struct bg_row *rows, size_t n);
void bg_estate_free(struct bg_estate *es);
size_t bg_estate_size(const struct bg_estate *es); /* shared environments, in order of rows */
const struct bg_row *bg_estate_row(const struct bg_estate *es, size_t i); /* its shared-env row */
const char *bg_estate_account(const struct bg_estate *es, size_t i);      /* NULL: not told */
/*
 * Facts of the i-th shared environment. Those of its account come from the source that has its
 * shared-env row; pipelines, builds, parameter and images from the source of the same project
 * that has read them last.
 */
void bg_estate_facts(const struct bg_estate *es, size_t i, int64_t now_ms, struct arena *mem,
                     struct bg_facts *out);

#endif
