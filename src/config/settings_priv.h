/*
 * Where a setting's value comes from: shared by what settles it (settings.c) and what shows it
 * (settings_dump.c).
 */
#ifndef OPSDECK_CONFIG_SETTINGS_PRIV_H
#define OPSDECK_CONFIG_SETTINGS_PRIV_H

#include <stdbool.h>

#include "opsdeck/config/settings.h"

#include "config_priv.h"

struct settings_value {
    const struct key_def *key;
    const struct cfg_node
        *node; /* NULL: the default. pos.line 0: pos.file names flag or variable */
    bool is_site;
};

#endif
