/*
 * From a runbook's template to the command that is shown: every placeholder must have a value that
 * a shell takes as one plain word. Nothing is quoted: what would need quoting is not printed.
 */
#include "opsdeck/model/bluegreen.h"

#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/require.h"

#include "bluegreen_priv.h"

enum {
    COMMAND_MAX_BYTES = 2000
};

static bool value_of(const struct bg_case *c, const struct bg_ask *a, const char *name, size_t len,
                     const char **value)
{
    const struct {
        const char *name, *value;
    } values[] = {
        { "profile", c->f->profile }, { "shared", c->f->shared_env }, { "new", a->new_env },
        { "old", a->old_env },        { "previous", a->previous },    { "target", a->target },
        { "version", a->version },    { "commit", a->commit },
    };

    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (strlen(values[i].name) == len && strncmp(values[i].name, name, len) == 0) {
            *value = values[i].value;
            return true;
        }
    return false;
}

static bool add_value(const struct bg_case *c, const struct bg_ask *a, const char *name, size_t len,
                      struct sbuf *sb, const char **why)
{
    const char *value = NULL;

    if (!value_of(c, a, name, len, &value))
        *why = arena_printf(c->mem, "the runbook asks for {%.*s}, which does not exist", (int)len,
                            name);
    else if (!value || !*value)
        *why = arena_printf(c->mem, "{%.*s} has no value", (int)len, name);
    else if (!bg_is_safe(value))
        *why = arena_printf(c->mem, "the value of {%.*s} is not fit for a command", (int)len, name);
    else
        return sbuf_adds(sb, value);
    return false;
}

static bool expand(const struct bg_case *c, const struct bg_ask *a, const char *t, struct sbuf *sb,
                   const char **why)
{
    while (*t) {
        size_t n = strcspn(t, "{}");

        sbuf_add(sb, t, n);
        t += n;
        if (!*t)
            break;
        n = strcspn(t, "}");
        if (*t == '}' || !t[n]) {
            *why = "the runbook's command has an unpaired brace";
            return false;
        }
        if (!add_value(c, a, t + 1, n - 1, sb, why))
            return false;
        t += n + 1;
    }
    return true;
}

const char *bg_expand(const struct bg_case *c, const struct bg_ask *a, const char *template,
                      const char **why)
{
    require(c && a && template && why);
    const char *command = NULL;
    struct sbuf sb;

    *why = "the command is too long";
    sbuf_init(&sb, COMMAND_MAX_BYTES);
    if (expand(c, a, template, &sb, why) && !sb.is_full)
        command = arena_strdup(c->mem, sb.buf);
    sbuf_release(&sb);
    return command;
}
