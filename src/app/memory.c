/*
 * What libraries do without memory: cJSON leaves out what it has none for, libev aborts. Both end
 * the program as xmalloc() does instead, so that "no memory" is never read as an answer.
 */
#include <stdlib.h>

#include <cjson/cJSON.h>
#include <ev.h>

#include "opsdeck/base/mem.h"

#include "app_priv.h"

static void *reallocate(void *p, long bytes)
{
    if (bytes)
        return xreallocarray(p, (size_t)bytes, 1);
    free(p);
    return NULL;
}

void memory_policy(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){ .malloc_fn = xmalloc, .free_fn = free });
    ev_set_allocator(reallocate);
}
