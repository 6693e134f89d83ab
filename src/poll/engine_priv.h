/*
 * What the files of the engine share: engine.c (schedule), run.c (one poll), item.c (one request).
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_POLL_ENGINE_PRIV_H
#define OPSDECK_POLL_ENGINE_PRIV_H

#include <ev.h>
#include <uthash.h>

#include "opsdeck/base/require.h"
#include "opsdeck/net/http.h"
#include "opsdeck/net/token.h"
#include "opsdeck/poll/connector.h"
#include "opsdeck/poll/engine.h"

#include "file_read.h"
#include "governor.h"

struct run;

/* A source on the schedule. */
struct slot {
    struct engine *en;
    const struct plan_source *src;
    ev_timer due;
    uint64_t gen;
    int failures;    /* in a row */
    struct run *run; /* NULL: idle */
};

/* A question to the ingest that has not been answered. */
typedef void reply_fn(struct run *run, struct ingest_result *r, void *arg);
struct pending {
    uint64_t cookie;
    struct run *run; /* NULL: nobody waits any more */
    enum ingest_job_type type;
    reply_fn *reply;
    void *arg;
    UT_hash_handle hh;
};

struct engine {
    struct engine_opts o;
    struct http *http;
    struct tokens *tokens;
    struct governor *governor;
    struct slot *slots;
    size_t nslots;
    struct pending *pending;
    struct aws_link *aws; /* NULL: no source asks AWS */
    char *holder;
    ev_timer maintain;
    unsigned random; /* state of the jitter */
};

enum item_state {
    ITEM_WAITING,
    ITEM_ACTIVE,
    ITEM_DONE
};

/* One request of a step and its pages: the step itself, or one row of its `for`. */
struct item {
    struct run *run;
    enum item_state state;
    struct bind *extra;
    size_t nextra;
    const char *name;         /* key of the kept body: "" or the first column of the `for` row */
    const char *body;         /* evaluated body SQL */
    struct arena *mem;        /* of the request at hand */
    struct request_plan plan; /* texts in mem */
    char *link;               /* PAGE_LINK: the next page the answer named */
    bool is_kept;             /* the map under way is of the kept body */
    char *next, *seen_next;   /* paging token at hand and the one before */
    int64_t offset;
    int page, attempt;
    bool no_validators;       /* the kept body was gone: ask for a whole answer */
    bool has_turn;            /* holds a turn of the governor */
    bool has_renewed;         /* a 401 was answered with a fresh token once */
    int64_t signed_offset_ms; /* of the clock this request was signed by */
    bool has_set_clock;       /* a refused signature was answered with the server's time once */
    bool is_waiting;          /* wait: the answer was not whole; started at wait_from_ms */
    int64_t wait_from_ms;
    struct aws_sending *sending; /* TRANSPORT_AWS: it waits for keys */
    char *key_id;                /* TRANSPORT_AWS: the access key this request was signed with */
    uint64_t http_id;
    struct file_read *file;
    ev_timer retry;
};

struct run {
    struct slot *slot;
    struct arena *mem;      /* of the run */
    struct arena *step_mem; /* of the step at hand */
    uint64_t gen;
    size_t step; /* index of the step at hand */
    struct item *items;
    size_t nitems, next_item, active, done;
    struct row_set *fan; /* rows of `for`; extra binds point into it */
    struct row_set *validators;
    bool is_leased;
    bool *step_ok; /* committed, by step */
    const char *warning;
    char host[300]; /* of the step at hand: scheme://host:port or "aws PROFILE SERVICE", the
                       governor's key */
    int slow;       /* how many times longer the next pause is, from the governor */
    int64_t started_ms, started_wall_ms, step_started_ms, step_started_wall_ms;
    /* what happened, for the source's state */
    int64_t requests, not_modified, wire_bytes, latency_ms, rows, opened, changed, closed;
    bool had_answer, is_any_committed;
    struct err last_err; /* of a step that others were to stand in for */
    ev_timer renew;      /* of the lease */
};

/* engine.c */
struct ingest_job *job_new(struct run *run, enum ingest_job_type type);
void ask_ingest(struct run *run, struct ingest_job *job, reply_fn *reply, void *arg);
void tell_ingest(struct engine *en, struct ingest_job *job); /* the answer is not waited for */
double engine_random(struct engine *en);                     /* [0, 1) */
/* Engine of a run's hooks: rows were committed. */
void slot_committed(struct slot *sl);
/* Until the next poll: the interval, or a growing back-off after failures in a row. Counts them. */
int64_t slot_pause_ms(struct slot *sl, bool has_failed, int64_t retry_after_ms);
void slot_ended(struct slot *sl, const struct poll_outcome *o, int64_t pause_ms);

/* run.c */
void run_start(struct slot *sl);
void run_free(struct run *run);                           /* drops what is under way */
void run_fail_step(struct run *run, const struct err *e); /* of the step at hand */
void run_item_done(struct run *run);
const struct step_def *run_step(const struct run *run);
const struct plan_source *run_source(const struct run *run);

/* aws_send.c: configuration, credentials and signer of the engine; one when a source needs it. */
struct aws_link *aws_link_new(struct engine *en);
void aws_link_free(struct aws_link *a);
/* Get keys, sign, send; `answered` is of http_send(); `failed` may be called at once. */
void aws_send(struct item *it, http_done_fn *answered, void (*failed)(struct item *, struct err *));
/* Wait until there are keys (a person may have to type a code): before a turn is asked for, so that
 * nobody else waits for them. `ready` or `failed` may be called at once. */
void aws_wait_keys(struct item *it, void (*ready)(struct item *),
                   void (*failed)(struct item *, struct err *));
void aws_send_cancel(struct item *it);
/* The answer's Date teaches the server's clock; true when a refused signature may be due to it. */
bool aws_clock_was_wrong(struct item *it, const struct http_response *r);
/* The keys of this request have ended. */
void aws_keys_ended(struct item *it);

/* item.c */
void item_start(struct item *it);
void item_stop(struct item *it); /* cancels whatever it waits for */
/* The last look before it goes, when the URL is known: `rate: none` never leaves this machine. */
MUST_CHECK bool item_may_send(const struct item *it, struct err *e);

#endif
