/*
 * The plan: every source of the config joined with its recipe, its params bound, its SQL
 * compiled once for faults. Built at start and at reload, read-only afterwards; the ingest
 * keeps pointers into it, so an old plan is freed only when no poll of it is under way.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_POLL_PLAN_H
#define OPSDECK_POLL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"
#include "opsdeck/config/recipe.h"
#include "opsdeck/config/settings.h"
#include "opsdeck/store/ingest.h"

struct connector_ops;

struct plan_source {
    const struct source_cfg *cfg;
    const struct recipe *recipe;
    const struct connector_ops *connector;
    struct bind *params; /* recipe->nparams, then `source` */
    size_t nparams;
    struct map_step *steps; /* recipe->nsteps */
    int64_t every_ms;       /* config over recipe, never under the connector's floor */
    int64_t timeout_ms;
};

struct plan {
    struct arena *mem;
    struct plan_source *sources;
    size_t nsources;
};

/* NULL and problems when a recipe is missing or wrong, or a param does not fit. Sources with
 * `disabled` are left out. */
struct plan *plan_build(const struct settings *s, const struct data_dirs *dirs,
                        struct cfg_problems *ps);
/* Another value of a param for this process ("name=value"). `source` NULL: every source whose
 * recipe has it. False when none has. Never while a poll of it is under way: the ingest reads
 * params. */
MUST_CHECK bool plan_set(struct plan *p, const char *source, const char *assignment, struct err *e);
/* The same without doing it. */
MUST_CHECK bool plan_can_set(struct plan *p, const char *source, const char *assignment,
                             struct err *e);
/* False also when there is no such source. */
bool plan_is_on_demand(const struct plan *p, const char *source);
void plan_free(struct plan *p);
/* Load and check one recipe with its SQL, as plan_build does. */
struct recipe *plan_recipe(struct arena *mem, const char *path, struct cfg_problems *ps);
/* What the ingest must know of step `i` of a recipe. */
void plan_map_step(struct arena *mem, const struct recipe *r, size_t i, const char *source,
                   const char *labels_json, const struct bind *params, size_t nparams,
                   struct map_step *out);

#endif
