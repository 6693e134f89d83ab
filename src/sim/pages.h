/* The bodies the reports application answers with, written as it writes them. No I/O. */
#ifndef OPSDECK_SIM_PAGES_H
#define OPSDECK_SIM_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "estate.h"

struct sbuf;

enum {
    SIM_BODY_MAX = 8 * 1024 * 1024
};

enum page_list {
    PAGE_ALL,
    PAGE_COMPLIANT,
    PAGE_NON_COMPLIANT
};

void page_totals(const struct estate *es, struct sbuf *out);
void page_list(const struct estate *es, enum page_list which, struct sbuf *out);
void page_report(const struct sim_repo *r, struct sbuf *out);
/* `query` is matched anywhere in the name, in any case. */
void page_search(const struct estate *es, const char *query, struct sbuf *out);
/* An error inside the site's frame, and the bare one of the framework below it. */
void page_error(int status, struct sbuf *out);
void page_bare_error(int status, struct sbuf *out);
/* Badges: of the application, and of its successor (which knows no private names; NULL: unknown).
 */
void badge_flask(const struct sim_repo *r, struct sbuf *out);
void badge_successor(const struct sim_repo *r, struct sbuf *out);
/*
 * The bulk call. `body` is what was sent. Returns the HTTP status; `out` has the answer for 200.
 */
int bulk_answer(const struct estate *es, const char *body, size_t len, struct sbuf *out);

#endif
