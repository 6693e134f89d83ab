/* The tables made from ACTIONS and ROLES: look-up by name, rows for docs, help and loaders. */
#include "actions.h"

#include <stddef.h>
#include <string.h>

#include "opsdeck/ui/ui.h"

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/ui/canvas.h"

#define X(id, name, keys, help) { #id, name, keys, help },
static const struct action_row rows[] = { ACTIONS(X) };
#undef X

#define X(id, name, keys, help) name,
static const char *const names[] = { ACTIONS(X) };
#undef X

#define X(id, name, parent, letter) name,
static const char *const role_names[] = { ROLES(X) };
#undef X

const struct action_row *ui_actions(size_t *n)
{
    require(n);
    *n = ARRAY_LEN(rows);
    return rows;
}

const char *const *ui_action_names(size_t *n)
{
    require(n);
    *n = ARRAY_LEN(names);
    return names;
}

const char *const *ui_role_names(size_t *n)
{
    require(n);
    *n = ARRAY_LEN(role_names);
    return role_names;
}

enum action action_by_name(const char *name)
{
    require(name);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!strcmp(rows[i].name, name))
            return (enum action)(i + 1);
    return ACT_NONE;
}

static const struct action_row *row_of(enum action a)
{
    static const struct action_row none = { "NONE", "", "", "" };

    return a > ACT_NONE && a < ACT_COUNT ? &rows[a - 1] : &none;
}

const char *action_name(enum action a)
{
    return row_of(a)->name;
}

const char *action_help(enum action a)
{
    return row_of(a)->help;
}

const char *action_default_keys(enum action a)
{
    return row_of(a)->keys;
}
