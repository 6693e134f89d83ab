/*
 * A secret: kept once, wiped on release, printed as *** by whatever prints it.
 * Ownership: whoever has the struct. Any thread, one at a time.
 */
#ifndef OPSDECK_BASE_SECRET_H
#define OPSDECK_BASE_SECRET_H

#include <stddef.h>

struct secret {
    char *bytes; /* NUL terminated, NULL when absent */
    size_t len;
};

void secret_set(struct secret *s, const char *bytes, size_t len); /* copies; wipes what was there */
void secret_release(struct secret *s); /* wipes; NULL and zeroed are fine */

#endif
