/* Secrets: one copy, wiped. See secret.h. */
#include "opsdeck/base/secret.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"

void secret_release(struct secret *s)
{
    if (!s)
        return;
    if (s->bytes)
        explicit_bzero(s->bytes, s->len);
    free(s->bytes);
    *s = (struct secret){ 0 };
}

void secret_set(struct secret *s, const char *bytes, size_t len)
{
    char *copy = xstrndup(bytes, len);

    secret_release(s);
    s->bytes = copy;
    s->len = len;
}
