/*
 * What each job of the ingest does, on the ingest thread: generations of sources with their
 * sandboxes and staged answers, and the calls into the parts that write. Queues and threads are
 * ingest.c's.
 */
#include "ingest_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/hash.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/store/sandbox.h"

enum {
    BOXES_KEPT = 16 /* sandboxes with their statements that outlive a poll */
};

struct gen_source {
    char *name;
    struct sandbox *sb; /* NULL: none now */
    uint64_t gen;       /* 0: none is open */
    struct kept_answer *answers;
    char *holder; /* of the lease, NULL: none */
    int64_t epoch;
    char **doubts; /* kinds whose fall this generation was the first to see */
    size_t ndoubts, cap_doubts;
    UT_hash_handle hh;
};

int64_t ingest_now(const struct ingest_db *in)
{
    require(in && in->opts.clock);
    return clock_wall_ms(in->opts.clock);
}

/* ---- opening */

static bool load_hash_key(struct ingest_db *in, struct err *e)
{
    return seal_load_key(&in->db, in->hash_key, e) && seal_register(&in->db, in->hash_key, e);
}

bool ingest_begin(struct ingest_db *in, struct err *e)
{
    require(in);
    int64_t version;

    if (!db_begin(&in->db, e))
        return false;
    if (!db_int(&in->db, e, &version, 0, "PRAGMA user_version", ""))
        return false;
    if (version == STORE_SCHEMA_VERSION && (in->is_memory || !store_is_replaced(&in->db)))
        return true;
    return err_set(e, ERR_STORE, SQLITE_SCHEMA,
                   "the cache was replaced or brought to schema %lld by another opsdeck meanwhile; "
                   "it is opened anew",
                   (long long)version);
}

/* Nothing that is seen from now on outlives the process; what the file holds can be looked at. */
static bool open_memory(struct ingest_db *in, char **notice, struct err *e)
{
    struct err why = *e;
    static const char text[] = "the cache cannot be written, nothing is saved: ";

    *e = (struct err){ 0 };
    db_close(&in->db);
    if (!store_open_memory(&in->opts, true, &in->db, e))
        return false;
    store_copy_into_memory(&in->opts, &in->db);
    if (!schema_migrate(&in->db, e))
        return false;
    in->is_memory = true;
    size_t n = sizeof text + strlen(why.text);
    free(*notice);
    *notice = xmalloc(n);
    snprintf(*notice, n, "%s%s", text, why.text);
    return true;
}

bool writer_open(struct writer *w, const struct ingest_opts *o, char **notice, struct err *e)
{
    require(w && o);
    struct ingest_db *in = &w->in;
    struct err mine = { 0 };

    in->opts = o->store;
    if (!in->opts.clock)
        in->opts.clock = clock_system();
    bool ok = store_open_writer(&in->opts, &in->db, notice, &mine) ||
              (o->allow_memory && open_memory(in, notice, &mine));
    ok = ok && load_hash_key(in, &mine);
    if (!ok && e)
        *e = mine;
    return ok;
}

/* Neither moved away, nor migrated by a newer program, nor seen to be damaged by anybody. */
static bool is_as_opened(struct ingest_db *in, struct err *e)
{
    int64_t version;

    return in->is_memory || (!store_is_replaced(&in->db) && !health_is_suspect(in->db.path) &&
                             db_int(&in->db, e, &version, 0, "PRAGMA user_version", "") &&
                             version == STORE_SCHEMA_VERSION);
}

/* The file is another one by now or is to be checked, or opening it again failed before. */
static bool reopen(struct writer *w, struct err *e)
{
    struct ingest_db *in = &w->in;
    char *notice = NULL;

    if (in->db.h && is_as_opened(in, e))
        return true;
    db_close(&in->db);
    bool ok = store_open_writer(&in->opts, &in->db, &notice, e) && load_hash_key(in, e);
    if (notice)
        log_add(LOG_WARN, "store", "%s", notice);
    free(notice);
    ok = ok && (!w->sources_mem || sources_set(in, w->sources, w->nsources, e));
    if (!ok) {
        db_close(&in->db);
        return err_ctx(e, "open the cache again");
    }
    /* Hashes of what is staged were made with the key of the old file. */
    for (struct gen_source *g = w->gens; g; g = g->hh.next) {
        g->gen = 0;
        if (g->sb)
            memcpy(g->sb->hash_key, in->hash_key, sizeof in->hash_key);
    }
    return true;
}

/* ---- generations */

static struct gen_source *gen_of(struct writer *w, const char *source)
{
    struct gen_source *g;

    HASH_FIND_STR(w->gens, source, g);
    if (g)
        return g;
    g = xcalloc(1, sizeof *g);
    g->name = xstrdup(source);
    HASH_ADD_KEYPTR(hh, w->gens, g->name, strlen(g->name), g);
    return g;
}

static void forget_answers(struct gen_source *g)
{
    answers_free(g->answers);
    g->answers = NULL;
}

static void forget(struct gen_source *g)
{
    forget_answers(g);
    for (size_t i = 0; i < g->ndoubts; i++)
        free(g->doubts[i]);
    g->ndoubts = 0;
    g->gen = 0;
}

static void drop_box(struct writer *w, struct gen_source *g)
{
    if (g->sb)
        w->nboxes--;
    sandbox_free(g->sb);
    g->sb = NULL;
}

/* The generation a job belongs to; NULL with *e set when it is not open any more. */
static struct gen_source *open_gen(struct writer *w, const struct ingest_job *job, struct err *e)
{
    struct gen_source *g = gen_of(w, job->source);

    if (g->gen && g->gen == job->gen && g->sb && g->sb->is_lost) {
        err_set(e, ERR_LIMIT, 0, "there was not enough memory for the rows of %s", job->source);
        return NULL;
    }
    if (g->gen && g->gen == job->gen)
        return g;
    err_set(e, ERR_CANCELLED, 0, "the poll of %s that asked has been given up", job->source);
    return NULL;
}

static bool do_begin(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    struct gen_source *g = gen_of(w, job->source);

    if (job->gen < g->gen) {
        err_set(&r->err, ERR_CANCELLED, 0, "a newer poll of %s has begun", job->source);
        return false;
    }
    forget(g);
    if (g->sb && g->sb->is_lost)
        drop_box(w, g);
    if (!g->sb) {
        g->sb = sandbox_new();
        g->sb->stop = w->stop;
        w->nboxes++;
    }
    memcpy(g->sb->hash_key, w->in.hash_key, sizeof g->sb->hash_key);
    if (stage_clear(g->sb, &r->err))
        g->gen = job->gen;
    return false;
}

/* The result tells a failure; nothing has changed that readers see. */
static bool is_told(bool ok, struct ingest_result *r)
{
    if (!ok && r->err.code == ERR_NONE)
        err_set(&r->err, ERR_STORE, 0, "a job of the cache failed and did not say why");
    return false;
}

static bool do_drop(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    struct gen_source *g = gen_of(w, job->source);

    if (g->gen > job->gen)
        return false;
    forget(g);
    if (w->nboxes > BOXES_KEPT)
        drop_box(w, g);
    else if (g->sb)
        return is_told(stage_clear(g->sb, &r->err), r);
    return false;
}

static bool do_eval(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    struct gen_source *g = open_gen(w, job, &r->err);
    const struct sandbox_input in = {
        .source = job->source,
        .extra = job->extra,
        .nextra = job->nextra,
        .params = job->step->params,
        .nparams = job->step->nparams,
        .now_ms = ingest_now(&w->in),
    };

    return is_told(g && sandbox_rows(g->sb, &job->sql, &in, &r->rows, &r->err), r);
}

static bool map_one(struct writer *w, struct gen_source *g, const struct ingest_job *job,
                    const struct kept_body *kept, struct ingest_result *r)
{
    struct map_body body = {
        .bytes = job->use_kept ? kept->body : job->body,
        .len = job->use_kept ? kept->n : job->body_len,
        .http_status = job->use_kept ? kept->http_status : job->http_status,
        .is_error_data = job->is_error_data,
        .content_type = job->use_kept ? kept->content_type : job->content_type,
        .headers_json = job->use_kept ? kept->headers : job->headers_json,
        .now_ms = ingest_now(&w->in),
    };
    struct map_result m;

    if (!body.headers_json)
        body.headers_json = "{}";
    if (!map_body(g->sb, job->step, job->extra, job->nextra, &body, &m, &r->err))
        return false;
    r->staged = m.staged;
    r->total = m.total;
    r->next = m.next;
    r->is_early = m.is_early;
    if (job->step->is_sensitive || m.is_early)
        return true;
    struct kept_answer *a = answer_new(&w->in, job, &r->err);
    if (!a)
        return false;
    a->next = g->answers;
    g->answers = a;
    return true;
}

static bool do_map(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    struct gen_source *g = open_gen(w, job, &r->err);
    struct kept_body kept = { 0 };

    r->total = -1;
    if (g && (!job->use_kept || answer_load(&w->in, job->step, job->item, &kept, &r->err)))
        map_one(w, g, job, &kept, r);
    kept_body_release(&kept);
    return false;
}

/* ---- commits */

static bool has_doubt(const struct gen_source *g, const char *kind)
{
    for (size_t i = 0; i < g->ndoubts; i++)
        if (!strcmp(g->doubts[i], kind))
            return true;
    return false;
}

static void note_doubts(struct gen_source *g, const struct map_step *step, const bool *is_new)
{
    for (size_t i = 0; i < step->nrows; i++) {
        if (!is_new[i] || has_doubt(g, step->rows[i].kind))
            continue;
        VEC_GROW(g->doubts, g->ndoubts, g->cap_doubts);
        g->doubts[g->ndoubts++] = xstrdup(step->rows[i].kind);
    }
}

static bool do_commit(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    struct gen_source *g = open_gen(w, job, &r->err);
    const struct map_step *step = job->step;

    if (!g)
        return false;
    bool *is_doubt_new = xcalloc(step->nrows + 1, sizeof *is_doubt_new);
    for (size_t i = 0; i < step->nrows; i++)
        is_doubt_new[i] = has_doubt(g, step->rows[i].kind);
    const struct commit_request rq = {
        .step = step,
        .sb = g->sb,
        .answers = g->answers,
        .observed_ms = job->observed_from_ms,
        .ms = job->step_ms,
        .may_end_rows = !job->is_last_of_kind_unknown,
        .is_doubt_new = is_doubt_new,
        .holder = g->holder,
        .epoch = g->epoch,
    };
    bool ok = commit_step(&w->in, &rq, r, &r->err);
    if (ok) {
        note_doubts(g, step, is_doubt_new);
        /* Steps run one after the other: these were this one's, or of one that failed. */
        forget_answers(g);
    }
    free(is_doubt_new);
    return ok;
}

static bool do_look(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    const struct gen_source *g = gen_of(w, job->source);
    const struct look l = {
        .source = job->source,
        .step = job->step->step,
        .outcome = LOOK_FAILED,
        .code = job->look_code,
        .text = job->look_text,
        .at_ms = job->observed_from_ms,
        .ms = job->step_ms,
    };

    return look_failed(&w->in, &l, g->holder, g->epoch, &r->err);
}

static bool do_validators(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    return is_told(answers_validators(&w->in, job->step, &r->rows, &r->err), r);
}

/* ---- sources and leases */

static char *dup_in(struct arena *mem, const char *s)
{
    return s ? arena_strdup(mem, s) : NULL;
}

static void remember_sources(struct writer *w, const struct ingest_job *job)
{
    arena_free(w->sources_mem);
    w->sources_mem = arena_new();
    w->nsources = job->nsources;
    w->sources = arena_array(w->sources_mem, job->nsources, sizeof *w->sources);
    for (size_t i = 0; i < job->nsources; i++) {
        const struct ingest_source *s = &job->sources[i];
        w->sources[i] = (struct ingest_source){
            .name = dup_in(w->sources_mem, s->name),
            .recipe = dup_in(w->sources_mem, s->recipe),
            .url = dup_in(w->sources_mem, s->url),
            .labels_json = dup_in(w->sources_mem, s->labels_json),
            .every_ms = s->every_ms,
            .is_on_demand = s->is_on_demand,
        };
    }
}

static bool do_sources(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    remember_sources(w, job);
    return sources_set(&w->in, job->sources, job->nsources, &r->err);
}

static void set_holder(struct gen_source *g, const char *holder, int64_t epoch)
{
    free(g->holder);
    g->holder = holder ? xstrdup(holder) : NULL;
    g->epoch = epoch;
}

static bool do_lease(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    int64_t epoch = 0;

    if (lease_take(&w->in, job->source, job->holder, job->lease_ms, &r->is_lease_ours, &epoch,
                   &r->lease_until_ms, &r->err) &&
        source_pause(&w->in, job->source, &r->pause_until_ms, &r->err))
        set_holder(gen_of(w, job->source), r->is_lease_ours ? job->holder : NULL, epoch);
    return false;
}

static bool do_release(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    struct gen_source *g = gen_of(w, job->source);
    const char *holder = job->holder ? job->holder : g->holder;

    bool ok = !holder || lease_release(&w->in, job->source, holder, &r->err);
    set_holder(g, NULL, 0);
    return is_told(ok, r);
}

static bool do_state(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    return source_set_state(&w->in, job->source, &job->state, &r->err);
}

static bool do_maintain(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    (void)job;
    return is_told(retention_run(&w->in, w->is_wanted, w->wanted_ctx, &r->err), r);
}

/* ---- all of them */

static const struct {
    bool (*run)(struct writer *w, const struct ingest_job *job, struct ingest_result *r);
    bool needs_source, needs_step, is_staging; /* is_staging: the file is not touched */
} jobs[] = {
    [INGEST_SOURCES] = { do_sources, false, false, false },
    [INGEST_LEASE] = { do_lease, true, false, false },
    [INGEST_RELEASE] = { do_release, true, false, false },
    [INGEST_VALIDATORS] = { do_validators, true, true, false },
    [INGEST_BEGIN] = { do_begin, true, false, false },
    [INGEST_EVAL] = { do_eval, true, true, true },
    [INGEST_MAP] = { do_map, true, true, false },
    [INGEST_COMMIT] = { do_commit, true, true, false },
    [INGEST_LOOK] = { do_look, true, true, false },
    [INGEST_DROP] = { do_drop, true, false, true },
    [INGEST_STATE] = { do_state, true, false, false },
    [INGEST_MAINTAIN] = { do_maintain, false, false, false },
};
_Static_assert(ARRAY_LEN(jobs) == INGEST_MAINTAIN + 1, "each kind of job is done");

bool writer_do(struct writer *w, const struct ingest_job *job, struct ingest_result *r)
{
    require(w && job && r);
    size_t type = (size_t)job->type;

    if (type >= ARRAY_LEN(jobs) || (jobs[type].needs_source && !job->source) ||
        (jobs[type].needs_step && !job->step))
        bug("ingest job %zu without what it needs", type);
    if (!jobs[type].is_staging && !reopen(w, &r->err))
        return false;
    return jobs[type].run(w, job, r);
}

static void close_file(struct ingest_db *in)
{
    struct err e = { 0 };

    if (!in->db.h || in->is_memory || !is_as_opened(in, &e))
        return; /* whoever checks it says that it is sound */
    if (!db_do(&in->db, &e, "INSERT OR REPLACE INTO meta VALUES('clean', 1)", ""))
        log_add(LOG_WARN, "store", "%s", e.text);
    /* Readers at work keep the log; then the next writer does this. */
    sqlite3_wal_checkpoint_v2(in->db.h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

void writer_close(struct writer *w)
{
    struct gen_source *g, *next;

    HASH_ITER(hh, w->gens, g, next)
    {
        HASH_DEL(w->gens, g);
        forget(g);
        free(g->doubts);
        drop_box(w, g);
        set_holder(g, NULL, 0);
        free(g->name);
        free(g);
    }
    close_file(&w->in);
    db_close(&w->in.db);
    arena_free(w->sources_mem);
}
