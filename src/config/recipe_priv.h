/* What the files of the recipe reader share. */
#ifndef OPSDECK_CONFIG_RECIPE_PRIV_H
#define OPSDECK_CONFIG_RECIPE_PRIV_H

#include "opsdeck/config/recipe.h"

#include "config_priv.h"

extern const struct key_table recipe_table;
extern const char *const recipe_param_types[];

/* recipe_step.c: request, page, rows of one step. False: problems were added. */
bool step_read(struct arena *mem, const struct recipe *r, const struct cfg_node *node,
               const char *shown, struct step_def *out, struct cfg_problems *ps);
/* recipe_params.c */
bool params_read(struct arena *mem, struct recipe *r, const struct cfg_node *node,
                 struct cfg_problems *ps);
/* template.c: every {name} of `tmpl` is one of the names (NULL terminated); `any`: only its form is
 * checked. */
bool template_check(const struct cfg_node *node, const char *const *names, bool any,
                    const char *shown, struct cfg_problems *ps);

#endif
