/*
 * Secrets in foreign text, found and hidden by a hook, since what is secret is known above base
 * (src/net). It is the first thing that happens to a text, before it is hashed, cut or kept: half
 * of a secret is not known any more. Without a hook nothing is hidden. Any thread.
 */
#ifndef OPSDECK_BASE_HIDE_H
#define OPSDECK_BASE_HIDE_H

#include <stddef.h>

struct sbuf;

struct hide_hooks {
    size_t (*values)(char *s, size_t n); /* as hide_values() */
    void (*text)(struct sbuf *text);     /* as hide_text() */
};

/* Before other threads run; NULL: none. The struct outlives its use. */
void hide_set_hooks(const struct hide_hooks *hooks);
/*
 * Data: live secrets by value, in place, each as "***". Returns the new length, which is never
 * more; s[n] must be writable and gets a NUL. What only looks like a secret stays.
 */
size_t hide_values(char *s, size_t n);
/* Text for people: live secrets and what looks like one. */
void hide_text(struct sbuf *text);

#endif
