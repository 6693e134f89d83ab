/*
 * Between the ingest's queues (ingest.c) and what its jobs do on its thread (jobs.c).
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_STORE_INGEST_PRIV_H
#define OPSDECK_STORE_INGEST_PRIV_H

#include "opsdeck/base/require.h"

#include "store_priv.h"

/* What the ingest thread alone works with. */
struct writer {
    struct ingest_db in;
    struct gen_source *gens; /* by name */
    unsigned nboxes;         /* sandboxes alive */
    const atomic_bool *stop;
    bool (*is_wanted)(void *ctx); /* another job waits */
    void *wanted_ctx;
    /* The configuration's list as last told, for a store that is opened anew. */
    struct arena *sources_mem;
    struct ingest_source *sources;
    size_t nsources;
};

/* o->store.dir outlives the writer. */
MUST_CHECK bool writer_open(struct writer *w, const struct ingest_opts *o, char **notice,
                            struct err *e);
/* Fills *r, also its error. True when readers may see something new. */
bool writer_do(struct writer *w, const struct ingest_job *job, struct ingest_result *r);
void writer_close(struct writer *w);

/* foreign.c: the first thing that happens to a job; texts that change are in `mem`. */
void foreign_hide(struct ingest_job *job, struct arena *mem);

#endif
