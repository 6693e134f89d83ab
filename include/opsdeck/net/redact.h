/*
 * What hides secrets in text: live secrets by value (also base64, percent-encoded, hex, escaped in
 * JSON), and well-known shapes (AKIA/ASIA ids keep 4 characters, ghp_..., Bearer ...,
 * X-Amz-Security-Token, ?token=). Any thread.
 */
#ifndef OPSDECK_NET_REDACT_H
#define OPSDECK_NET_REDACT_H

#include <stddef.h>

struct hide_hooks;
struct sbuf;

void redact_add(const char *secret, size_t len); /* under 6 bytes: ignored */
void redact_remove(const char *secret, size_t len);
/* As hide_values() and hide_text() of base/hide.h, which the hooks are for. */
size_t redact_values(char *s, size_t n);
void redact_text(struct sbuf *text);
extern const struct hide_hooks redact_hooks;

#endif
