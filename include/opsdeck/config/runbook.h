/*
 * Runbooks: the commands that opsdeck prints for the steps of a life cycle, as files that a team
 * may edit. Read-only after loading, in the arena given. Loop thread.
 */
#ifndef OPSDECK_CONFIG_RUNBOOK_H
#define OPSDECK_CONFIG_RUNBOOK_H

#include "opsdeck/config/settings.h"
#include "opsdeck/config/tree.h"

struct runbook {
    const char *name, *help, *file;
    struct runbook_step {
        const char *step, *title, *command; /* command with {names} */
    } * steps;
    size_t nsteps;
    const char *json; /* {"steps":[{"step","title","command"}]}: what the judgement takes */
};

/* One runbook file. NULL and problems when anything is wrong (a step twice, a brace without its
 * pair, a line break in a command). */
struct runbook *runbook_load(struct arena *mem, const char *path, struct cfg_problems *ps);
/* NAME.yaml in the runbooks/ folders; NULL: not there. */
char *runbook_find(struct arena *mem, const struct data_dirs *dirs, const char *name);

#endif
