/* The runbook of the estate, for screen and command line alike. */
#include "opsdeck/config/runbook.h"

#include "app_priv.h"

static const char NAME[] = "dos-integration";

const char *app_runbook(struct app *a, struct cfg_problems *ps)
{
    struct data_dirs dirs;

    data_dirs_find(a->mem, a->settings, &dirs);
    char *path = runbook_find(a->mem, &dirs, NAME);
    struct runbook *rb = path ? runbook_load(a->mem, path, ps) : NULL;

    return rb ? rb->json : NULL;
}
