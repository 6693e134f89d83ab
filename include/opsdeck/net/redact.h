/*
 * What hides secrets in text: live secrets by value (also base64, percent-encoded, hex), and
 * well-known shapes (AKIA/ASIA ids keep 4 characters, ghp_..., Bearer ..., X-Amz-Security-Token,
 * ?token=). Any thread.
 */
#ifndef OPSDECK_NET_REDACT_H
#define OPSDECK_NET_REDACT_H

#include <stddef.h>

struct sbuf;

void redact_add(const char *secret, size_t len); /* under 6 bytes: ignored */
void redact_remove(const char *secret, size_t len);
void redact_text(struct sbuf *text); /* fits log_set_redactor() */

#endif
