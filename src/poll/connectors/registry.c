/* Every way of talking, one line each. */
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/poll/connector.h"

static const struct connector_ops *const registry[] = {
    &connector_http,
    &connector_file,
    &connector_aws,
};

const struct connector_ops *const *connectors(size_t *n)
{
    require(n);
    *n = ARRAY_LEN(registry);
    return registry;
}

const struct connector_ops *connector_find(const char *name)
{
    require(name);
    for (size_t i = 0; i < ARRAY_LEN(registry); i++)
        if (!strcmp(registry[i]->name, name))
            return registry[i];
    return NULL;
}
