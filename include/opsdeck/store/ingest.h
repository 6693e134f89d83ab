/*
 * The ingest port: the only writer of the cache, on its own thread. The loop hands over jobs,
 * each with its arena; results come back in order through ingest_next(), after `ready` was
 * called on the loop.
 *
 * One poll of a source is a generation: begin, then per step any number of evals and bodies,
 * then a commit of that step; drop forgets what is staged. Nothing is visible to readers
 * before a commit. Jobs of one source are done in the order given.
 *
 * When the file cannot be used (read-only, full, newer, locked for long) the ingest says so in
 * INGEST_OPENED or in a commit's error; with a file that cannot be opened for writing it works on a
 * private in-memory database only if opts.allow_memory, and says so.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_STORE_INGEST_H
#define OPSDECK_STORE_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/store/store.h"

struct arena;
struct ev_loop;
struct ingest;

enum {
    INGEST_END_MS = 700 /* how long the end is waited for */
};

enum map_format {
    MAP_JSON,
    MAP_JSONL,
    MAP_XML,
    MAP_PROM,
    MAP_TEXT
};
enum map_expect {
    MAP_EXPECT_ANY,
    MAP_EXPECT_ARRAY,
    MAP_EXPECT_OBJECT,
    MAP_EXPECT_STRING,
    MAP_EXPECT_NUMBER
};

/* SQL with its place, for messages: "file:line:col". Lines inside `sql` count from `line`. */
struct map_sql {
    const char *sql; /* NULL: absent */
    const char *file;
    int line, col;
};

struct map_rows {
    const char *kind;
    bool is_complete;
    const char *const *volatile_cols; /* NULL terminated, may be NULL */
    struct map_sql sql;
};

/* What the ingest must know of one step. The caller keeps it unchanged until the ingest has
 * answered all jobs that name it. */
struct map_step {
    const char *source, *step;
    enum map_format format;
    const char *expect_path; /* NULL: "$" */
    enum map_expect expect;
    const struct map_rows *rows;
    size_t nrows;
    struct map_sql next, total; /* paging, evaluated on each body */
    struct map_sql until;       /* 1: the answer is whole; else it is thrown away */
    bool is_sensitive;          /* the body is not kept */
    size_t body_max;
    const char *labels_json; /* added to every row's attrs; the row's own win */
    const struct bind *params;
    size_t nparams;
    uint64_t fingerprint; /* of recipe and params: validators of another one are not used */
};

enum ingest_job_type {
    INGEST_SOURCES, /* the config's list: sources not in it close their rows with cause config */
    INGEST_LEASE,   /* take or renew the lease of a source */
    INGEST_RELEASE,
    INGEST_VALIDATORS, /* ETag and Last-Modified kept for a source's step */
    INGEST_BEGIN,      /* a new generation of a source */
    INGEST_EVAL,       /* a sandboxed SELECT (when, for, body); rows come back */
    INGEST_MAP,        /* a body: decode, door, expect, stage rows; next and total come back */
    INGEST_COMMIT,     /* one step: diff and versions in one transaction */
    INGEST_LOOK,       /* one step was asked in vain: when and why */
    INGEST_DROP,       /* forget the generation */
    INGEST_STATE,      /* how the attempt ended: the source table */
    INGEST_MAINTAIN,   /* retention, size, optimize */
};

struct ingest_source {
    const char *name, *recipe, *url, *labels_json;
    int64_t every_ms;
    bool is_on_demand; /* only a person asks it: without an answer it is idle, never late */
};

struct ingest_job {
    enum ingest_job_type type;
    uint64_t cookie; /* comes back in the result */
    struct arena
        *mem; /* owns the job's own texts; the ingest frees it (NULL: all texts outlive the job) */
    const char *source;          /* all but INGEST_SOURCES and INGEST_MAINTAIN */
    uint64_t gen;                /* the generation, from the caller, growing per source */
    const struct map_step *step; /* EVAL, MAP, COMMIT, LOOK, VALIDATORS */

    /* INGEST_SOURCES */
    const struct ingest_source *sources;
    size_t nsources;

    /* INGEST_LEASE */
    const char *holder; /* "host:pid:start" */
    int64_t lease_ms;

    /* INGEST_EVAL: binds are the step's params, :source :now, and `extra` */
    struct map_sql sql;
    /* INGEST_EVAL, INGEST_MAP: columns of the `for` row, as binds; win over params */
    const struct bind *extra;
    size_t nextra;

    /* INGEST_MAP */
    const char
        *item; /* key of the fan-out row and page: "", "NAME", "NAME#2"; identifies the kept body */
    char *body; /* malloc'd; the ingest frees it. NULL with use_kept */
    size_t body_len;
    bool use_kept; /* 304: map the kept body again; result ERR_NOT_FOUND when it is gone */
    int http_status;
    bool is_error_data;       /* the body is an AWS error as JSON, which the recipe takes */
    const char *content_type; /* may be NULL */
    const char *headers_json; /* object, lower-case names; for header(); NULL: {} */
    const char *etag, *last_modified;

    /* INGEST_COMMIT: bodies were all read at or after this moment; INGEST_LOOK: it was asked then
     */
    int64_t observed_from_ms;
    int64_t step_ms;              /* COMMIT, LOOK: how long the step took */
    bool is_last_of_kind_unknown; /* an earlier step that lists a complete kind failed: do not end
                                     rows */

    /* INGEST_LOOK: clean, without secrets */
    const char *look_code; /* err_word() */
    const char *look_text;

    /* INGEST_STATE */
    struct ingest_state {
        bool is_ok;
        const char *error;      /* clean text, NULL when ok */
        const char *error_code; /* err_word() */
        int64_t from_ms, at_ms; /* its start and its end; looks since then are of this attempt */
        int64_t latency_ms, wire_bytes, requests, not_modified;
        int64_t next_due_ms;    /* 0: none, only a person asks */
        int64_t pause_until_ms; /* nobody may ask before; 0: at once */
        int64_t budget_left;    /* of a rate limit the server told, -1 unknown */
    } state;
};

struct ingest_result {
    enum ingest_job_type type;
    uint64_t cookie;
    uint64_t gen;
    struct err err;       /* ERR_NONE: done */
    struct row_set *rows; /* EVAL; VALIDATORS: item etag last_modified. The receiver frees it */
    int64_t staged;       /* MAP: rows staged by this body */
    char *next;    /* MAP: value of `next`, NULL when absent, '' or NULL; the receiver frees it */
    int64_t total; /* MAP: value of `total`, -1 when absent */
    bool is_early; /* MAP: `until` says that the answer is not whole yet; nothing was staged */
    bool is_lease_ours; /* LEASE */
    int64_t lease_until_ms;
    int64_t pause_until_ms; /* LEASE: as the last INGEST_STATE of any process said; 0: none */
    struct {
        int64_t rows, opened, closed, changed; /* COMMIT: rows staged; versions opened for new keys,
                                                  closed for gone ones, changed */
        bool is_doubted; /* a complete step fell from more than ten rows to none: kept until a
                            second poll agrees */
    } commit;
};

struct ingest_opts {
    struct store_opts store;
    bool allow_memory;
    struct ev_loop *loop;     /* NULL: nobody is told of results, ingest_wait() is used */
    void (*ready)(void *ctx); /* on the loop: results wait */
    void *ready_ctx;
};

/*
 * Open (create, migrate, quarantine when corrupt) and start the thread. Opening happens on
 * the calling thread, so that the error is at hand: locked 2 s, newer schema (ERR_STORE, text says
 * what to do), no permission. *notice, when not NULL on return, is one line to tell ("cache was
 * damaged; moved to ...; started afresh"); freed with free().
 */
struct ingest *ingest_new(const struct ingest_opts *o, char **notice, struct err *e);
/* Takes `job` (a heap struct from xcalloc) with its arena and body, whatever happens. */
void ingest_submit(struct ingest *in, struct ingest_job *job);
/* The oldest result, to be freed with ingest_result_free(); NULL when there is none. */
struct ingest_result *ingest_next(struct ingest *in);
void ingest_result_free(struct ingest_result *r);
/* Without a loop: blocks for the oldest result; NULL when no job is left that could give one. */
struct ingest_result *ingest_wait(struct ingest *in);
/*
 * Finishes the job at hand, gives leases back, drops the rest, checkpoints, closes. What takes
 * longer than INGEST_END_MS is left behind: the process is about to end, and SQLite's files are
 * good at any moment.
 */
void ingest_free(struct ingest *in);

#endif
