/* The hook for secrets in foreign text. See hide.h. */
#include "opsdeck/base/hide.h"

static const struct hide_hooks *hooks;

void hide_set_hooks(const struct hide_hooks *h)
{
    hooks = h;
}

size_t hide_values(char *s, size_t n)
{
    return hooks ? hooks->values(s, n) : n;
}

void hide_text(struct sbuf *text)
{
    if (hooks)
        hooks->text(text);
}
