/*
 * The query port: read-only questions over the TEMP views entity, problem, change and
 * source_state, at now or at a past moment. A reader answers on the caller's thread (command
 * line); a query worker has a reader on a thread of its own (dashboard).
 *
 *
 * - entity: source kind key name status last_status stale(0/1) summary since parent url attrs(JSON
 *   text) observed_at changed_at(start of this version) severity(0 ok .. 4 crit, by effective
 *   status) step is_flapping id
 * - problem: entity rows whose effective or last status is crit, unknown or warn, plus `rank` (1
 *   first), and a row of kind 'source' for every failing source
 * - change: at_from at_to source kind key name what(opened|closed|status|attrs) before after cause
 * - source_state: name recipe url state(ok|failing|never|idle|late|doubtful) every_ms last_attempt
 *   last_success age_ms failing_since error error_code warning latency_ms wire_bytes requests
 *   not_modified next_due budget_left rows labels is_on_demand pause_until; `warning` is composed
 * of the looks that failed in the last attempt
 * - look: source step from_ms to_ms outcome(answered|doubted|failed) code text every_ms ms
 * - observed: source step from_ms to_ms, the looks that were answered
 * - version: (history) source kind key valid_from valid_to name status last summary since parent
 *   url attrs cause; `last` is what the source said, `status` the same except for an open version:
 *   there the effective one
 *
 * A past moment: whether a source was failing is not known of it, age alone counts; no rows of kind
 * 'source' in problem. All times integer UTC ms. `:now` is bound to the moment asked about.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_STORE_QUERY_H
#define OPSDECK_STORE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/store/store.h"

struct ev_loop;

struct question {
    const char *sql; /* one SELECT; named binds */
    const struct bind *binds;
    size_t nbinds;
    int64_t at_ms;    /* 0: now */
    size_t max_rows;  /* 0: 200,000 */
    int64_t limit_ms; /* progress handler ends it; 0: 10 s */
};

struct reader;
/* ERR_NOT_FOUND when there is no store yet: an empty in-memory one with the same views is opened
 * when `or_empty`. */
MUST_CHECK bool reader_open(const struct store_opts *o, bool or_empty, struct reader **out,
                            struct err *e);
void reader_free(struct reader *r);
/* Rows are the caller's (row_set_free). Authorizer: SELECT over those views and tables only. */
MUST_CHECK bool reader_ask(struct reader *r, const struct question *q, struct row_set **out,
                           struct err *e);

struct query;
struct query_answer {
    uint64_t id;
    struct err err;
    struct row_set *rows; /* NULL on error; the receiver frees it */
};
struct query_opts {
    struct store_opts store;
    struct ev_loop *loop;     /* NULL: nobody is told of answers, query_wait() is used */
    void (*ready)(void *ctx); /* on the loop: answers wait */
    void *ready_ctx;
};
/* Loop thread, as all that follow. The wake is armed before the thread starts. */
struct query *query_new(const struct query_opts *o, struct err *e);
/* Copies the question. Answers come in order; one that cannot be asked is answered with an error.
 */
uint64_t query_submit(struct query *q, const struct question *question);
void query_cancel(struct query *q, uint64_t id); /* no answer will come */
bool query_next(struct query *q, struct query_answer *out);
/* Without a loop: blocks for the next answer; false when no question is left. */
bool query_wait(struct query *q, struct query_answer *out);
void query_free(struct query *q);

#endif
