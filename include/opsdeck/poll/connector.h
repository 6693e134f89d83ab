/*
 * A connector is a way of talking. It turns a step into requests ready to send and says what
 * an answer means; the engine sends, retries, pages and maps. Callbacks do no I/O, read no
 * clock and keep no globals. One file in src/poll/connectors/ and one line in the registry.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_POLL_CONNECTOR_H
#define OPSDECK_POLL_CONNECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/net/http.h"
#include "opsdeck/net/retry.h"

struct arena;
struct plan_source;
struct step_def;

enum transport {
    TRANSPORT_HTTP,
    TRANSPORT_FILE,
    TRANSPORT_AWS /* http, but host and signature come with the keys */
};

/* One request of a step: a row of `for`, a page. */
struct request_item {
    const struct bind *extra; /* columns of the `for` row */
    size_t nextra;
    const char *body; /* already evaluated or expanded; NULL: none */
    const char *next; /* value of the paging token, or the URL of the next page; NULL: first page */
    bool next_is_url;
    int64_t offset; /* PAGE_OFFSET */
    const char *etag, *last_modified;
};

struct request_plan {
    enum transport transport;
    struct http_request http; /* texts in the arena given; auth is filled in by the engine */
    const char *pattern;      /* TRANSPORT_FILE: path or glob */
    struct {
        const char *service, *region; /* SDK name; region NULL: the source's */
        const char *path, *query;     /* percent-encoded; query NULL: none */
        const char *operation;        /* for messages */
    } aws;                            /* TRANSPORT_AWS */
};

enum verdict_kind {
    VERDICT_ROWS,
    VERDICT_NOT_MODIFIED,
    VERDICT_ERROR
};

struct verdict {
    enum verdict_kind kind;
    enum retry_class retry; /* of an error */
    int64_t wait_ms;        /* the server asks for this pause; -1: it does not say */
    bool is_expired;        /* new keys, then once more */
    bool is_skewed;         /* perhaps our clock: if it proves wrong, once more */
    const char *error_body; /* VERDICT_ROWS: an error that is data, as JSON; NULL: the answer */
    struct err err;
};

struct connector_ops {
    const char *name;
    unsigned min_interval_s; /* politeness floor; config can only raise it */
    /* What a source of this connector must say in the config; false with the fault. */
    bool (*check)(const struct plan_source *src, struct err *e);
    bool (*prepare)(struct arena *mem, const struct plan_source *src, const struct step_def *step,
                    const struct request_item *item, struct request_plan *out, struct err *e);
    /* Pure. `r` is NULL for transports without an HTTP answer. */
    void (*judge)(const struct plan_source *src, const struct step_def *step,
                  const struct http_response *r, int64_t now_ms, struct verdict *out);
};

extern const struct connector_ops connector_http, connector_file, connector_aws;
const struct connector_ops *const *connectors(size_t *n);
const struct connector_ops *connector_find(const char *name);

#endif
