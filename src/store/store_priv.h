/*
 * What the files of the store share: handles and statements (db.c), the cache file (file.c,
 * schema.c), SQL functions (fn*.c), the mapping sandbox (sandbox.c, map.c, row_build.c,
 * stage.c) and the ingest's parts (commit.c, answers.c, sources.c, lease.c, retention.c).
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_STORE_PRIV_H
#define OPSDECK_STORE_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sqlite3.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/store/ingest.h"
#include "opsdeck/store/store.h"

enum {
    STORE_APPLICATION_ID = 0x6f707364, /* "opsd" */
    STORE_BUSY_MS = 2000,
    STAGE_ROWS_MAX = 200000,
    FIELD_BYTES_MAX = 64 * 1024,
    NAME_BYTES_MAX = 4 * 1024,
    SANDBOX_LENGTH_MAX = 64 << 20,
    SANDBOX_LIMIT_MS = 2000,
    OPS_PER_LOOK = 100, /* of a statement between two looks at the clock; one may parse megabytes */
    DOUBT_ROWS = 10,    /* a fall from more rows than this to none is doubted once */
};

/* ---- db.c: one connection and its statements. One thread at a time. */

struct db_stmt;
struct db {
    sqlite3 *h;
    char *path; /* NULL: in memory */
    dev_t dev;  /* of the file when it was opened */
    ino_t ino;
    bool is_copy;          /* of a file of an earlier version, in memory */
    struct db_stmt *stmts; /* prepared ones by text */
    unsigned nstmts;
};

/* "fmt: what SQLite said", with what to do about it; ERR_STORE with the extended code. Returns
 * false. */
bool db_fail(struct db *db, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool db_fail_rc(struct db *db, int rc, struct err *e, const char *what);
/* A statement of ours, prepared once a connection, reset and unbound; NULL with *e set. */
sqlite3_stmt *db_stmt(struct db *db, const char *sql, struct err *e);
/*
 * The same with values bound from the left by `types`: i int64_t, s text or NULL, b blob
 * (pointer, size_t). Texts and blobs are not copied: they must outlive the next step.
 */
sqlite3_stmt *db_query(struct db *db, struct err *e, const char *sql, const char *types, ...);
/* 1 a row, 0 the end (reset), -1 failed (reset, *e set). */
int db_step(struct db *db, sqlite3_stmt *st, struct err *e);
/* Run to the end. */
bool db_do(struct db *db, struct err *e, const char *sql, const char *types, ...);
/* The first column of the first row as an integer; `dflt` when there is no row or it is NULL. */
bool db_int(struct db *db, struct err *e, int64_t *out, int64_t dflt, const char *sql,
            const char *types, ...);
/* Several statements without results, such as a schema. */
MUST_CHECK bool db_exec(struct db *db, const char *sql, struct err *e);
void db_close(struct db *db);
MUST_CHECK bool db_begin(struct db *db, struct err *e); /* BEGIN IMMEDIATE */
MUST_CHECK bool db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);
/* Name of a column. */
const char *db_column(sqlite3_stmt *st, int col);
/* Column text, "" for NULL; clean since everything stored is. */
const char *db_text(sqlite3_stmt *st, int col);

/* ---- file.c, memory.c and schema.c */

MUST_CHECK bool store_open_writer(const struct store_opts *o, struct db *db, char **notice,
                                  struct err *e);
/* *is_missing: there is no store (nothing opened, *e not set). */
MUST_CHECK bool store_open_reader(const struct store_opts *o, struct db *db, bool *is_missing,
                                  struct err *e);
/* The private store in memory of this process for that directory; `create` makes its schema. */
MUST_CHECK bool store_open_memory(const struct store_opts *o, bool create, struct db *db,
                                  struct err *e);
/* Copy what can still be read of a file that cannot be written. Missing or damaged: nothing is
 * copied. */
void store_copy_into_memory(const struct store_opts *o, struct db *memory);
/* Put a copy of it, brought to this program's version, in its place; not of a large file. */
MUST_CHECK bool store_copy_older(struct db *db, int64_t version, struct err *e);
/* The file at db->path is another one by now, or gone. */
bool store_is_replaced(const struct db *db);
/* Move a damaged file aside with its -wal and -shm; *moved_to on the heap. */
MUST_CHECK bool store_quarantine(const char *path, const struct clock *clock, char **moved_to,
                                 struct err *e);
bool store_is_damage(int sqlite_code);
/* ---- health.c: is the file sound? */

/* Somebody has seen damage in the file at `path`: the next opening for writing checks it. */
void health_suspect(const char *path);
bool health_is_suspect(const char *path);
void health_forget(const char *path);
/* Checks when it is suspect or was left unclean; what a turned bit made of a row is marked in it.
 * False with a code of damage (store_is_damage()) when the file is not to be used. */
MUST_CHECK bool health_check(struct db *db, struct err *e);
/* Every byte of it: what cannot be read is not known to be damaged. */
MUST_CHECK bool health_can_read(const char *path, struct err *e);

/* Settings every connection to the cache gets. */
MUST_CHECK bool store_harden(struct db *db, struct err *e);

MUST_CHECK bool schema_migrate(struct db *db, struct err *e);
/* False with *is_ours false when the tables are not exactly those this program makes. */
MUST_CHECK bool schema_check(struct db *db, bool *is_ours, struct err *e);

/* ---- fn*.c: SQL functions */

struct header_value {
    const char *name, *value; /* lower-case name */
};

struct pattern;
struct fn_env {
    const struct header_value *headers;
    size_t nheaders;
    int64_t now_ms;
    int64_t deadline_ms; /* monotonic; long functions look at it, 0: none */
    struct pattern *patterns;
    unsigned npatterns;
};

/* `env` outlives the connection's use of the functions. */
MUST_CHECK bool fn_register(struct db *db, struct fn_env *env, struct err *e);
void fn_env_release(struct fn_env *env);
/* Names that fn_register() adds. */
bool fn_is_ours(const char *name);

typedef void fn_call(sqlite3_context *ctx, int n, sqlite3_value **v);
struct fn_def {
    const char *name;
    int nargs;
    fn_call *call; /* scalar */
    fn_call *step; /* aggregate */
    void (*final)(sqlite3_context *ctx);
    bool is_varying; /* not the same for the same arguments */
};
/* Each ends with name NULL. */
extern const struct fn_def fn_times[], fn_patterns[], fn_texts[], fn_states[], fn_bounded[];
struct fn_env *fn_env_of(sqlite3_context *ctx);
/* Text argument, NULL for SQL NULL. */
const char *fn_text(sqlite3_value *v, size_t *n);
int64_t mono_now_ms(void);

/* ---- sandbox.c: one in-memory database a source */

struct sandbox {
    struct db db;
    struct fn_env env;
    struct arena *headers_mem;
    bool is_ours; /* a statement of this program is being prepared: no authorizer */
    bool is_lost; /* what was staged may not be whole any more: the generation cannot go on */
    int64_t deadline_ms;
    const atomic_bool *stop; /* NULL: none */
    bool is_timeout;
    unsigned char hash_key[16];
};

/* How a mapping SQL failed: "file:line:col: text", ERR_MAP. Returns false. */
bool map_fail(const struct map_sql *sql, int offset, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
struct sandbox_input {
    const char *source;
    const struct bind *extra, *params; /* in order of precedence */
    size_t nextra, nparams;
    const char *body; /* NULL binds NULL */
    size_t body_len;
    int http_status;
    int64_t now_ms;
};
/* A recipe's SELECT, prepared (or from the cache) and bound; reset it with sandbox_done(). */
sqlite3_stmt *sandbox_start(struct sandbox *sb, const struct map_sql *sql,
                            const struct sandbox_input *in, struct err *e);
int sandbox_step(struct sandbox *sb, const struct map_sql *sql, sqlite3_stmt *st, struct err *e);
void sandbox_done(struct sandbox *sb, sqlite3_stmt *st);
MUST_CHECK bool sandbox_rows(struct sandbox *sb, const struct map_sql *sql,
                             const struct sandbox_input *in, struct row_set **out, struct err *e);
MUST_CHECK bool sandbox_set_headers(struct sandbox *sb, const char *headers_json, struct err *e);
/* Our own statement in the sandbox. */
sqlite3_stmt *sandbox_query(struct sandbox *sb, struct err *e, const char *sql);
MUST_CHECK bool sandbox_exec(struct sandbox *sb, const char *sql, struct err *e);

/* ---- row_build.c: the current row of a mapping SELECT as a staged row */

struct staged {
    const char *kind, *key, *name, *status, *summary, *parent, *url, *attrs;
    int64_t since;
    double rank;
    bool has_since, has_rank;
    uint64_t hash, vhash; /* of the columns that make versions, and of the volatile ones */
};

struct row_shape; /* which column is what; one a SELECT */
struct row_shape *row_shape_new(struct arena *mem, sqlite3_stmt *st, const struct map_rows *rows,
                                struct err *e);
struct labels {
    const char **names, **json; /* values as JSON text */
    size_t n;
};
MUST_CHECK bool labels_parse(struct sandbox *sb, struct arena *mem, const char *labels_json,
                             struct labels *out, struct err *e);
MUST_CHECK bool row_build(struct arena *mem, const struct row_shape *shape, sqlite3_stmt *st,
                          const struct labels *labels, const unsigned char key[16],
                          struct staged *out, struct err *e);

/* ---- stage.c: what a generation has staged so far, as a table of the sandbox */

MUST_CHECK bool stage_clear(struct sandbox *sb, struct err *e);
MUST_CHECK bool stage_add(struct sandbox *sb, const char *source, const char *step,
                          const struct map_sql *sql, const struct staged *row, struct err *e);
MUST_CHECK bool stage_count(struct sandbox *sb, int64_t *rows, struct err *e);
MUST_CHECK bool stage_has(struct sandbox *sb, const char *kind, const char *key, bool *out,
                          struct err *e);
MUST_CHECK bool stage_kind_count(struct sandbox *sb, const char *kind, int64_t *rows,
                                 struct err *e);
MUST_CHECK bool stage_mark_committed(struct sandbox *sb, const char *step, struct err *e);
/* Rows of a step in the order staged; columns as STAGE_* below. */
sqlite3_stmt *stage_rows(struct sandbox *sb, const char *step, struct err *e);
enum {
    STAGE_KIND,
    STAGE_KEY,
    STAGE_NAME,
    STAGE_STATUS,
    STAGE_SUMMARY,
    STAGE_SINCE,
    STAGE_PARENT,
    STAGE_URL,
    STAGE_ATTRS,
    STAGE_RANK,
    STAGE_HASH,
    STAGE_VHASH
};
void stage_read(sqlite3_stmt *st, struct staged *out);
/* Rows with the columns of sandbox_map() plus source and step, as if other steps had staged them.
 */
MUST_CHECK bool stage_fill(struct sandbox *sb, const struct row_set *rows, struct err *e);

/* ---- map.c */

struct map_body {
    const char *bytes;
    size_t len;
    int http_status;
    bool is_error_data; /* JSON whatever the step's format; no expect, until and paging */
    const char *content_type, *headers_json;
    int64_t now_ms;
};
struct map_result {
    int64_t staged, total;
    char *next;    /* heap, NULL: none */
    bool is_early; /* wait: ask again */
};
/* All or nothing: a body that fails leaves no row behind. */
MUST_CHECK bool map_body(struct sandbox *sb, const struct map_step *step, const struct bind *extra,
                         size_t nextra, const struct map_body *body, struct map_result *out,
                         struct err *e);

/* ---- siphash.c */

struct siphash {
    uint64_t v[4], tail;
    size_t n;
};
void siphash_init(struct siphash *h, const unsigned char key[16]);
void siphash_add(struct siphash *h, const void *data, size_t n);
uint64_t siphash_end(struct siphash *h);

/* ---- zip.c: kept bodies, gunzip() */

/* Heap bytes. */
void *zip_pack(const void *data, size_t n, size_t *packed);
enum zip_result {
    ZIP_OK,
    ZIP_BAD,
    ZIP_TOO_LARGE
};
/* gzip or zlib; heap bytes, NUL terminated. */
enum zip_result zip_unpack(const void *data, size_t n, size_t max, char **out, size_t *nout);

/* ---- seal.c: a sum over a stored row */

#define SEAL_OF_ROW                                                                                \
    "row_seal(entity, valid_from, name, status, summary, since, parent, url, attrs, hash, vhash)"
/* `key` outlives the connection's use of row_seal(). */
MUST_CHECK bool seal_register(struct db *db, const unsigned char key[16], struct err *e);
/* SQLITE_CORRUPT when it is lost. */
MUST_CHECK bool seal_load_key(struct db *db, unsigned char key[16], struct err *e);
/* Rows that do not say what was written; needs row_seal(). */
MUST_CHECK bool seal_count_broken(struct db *db, int64_t *n, struct err *e);

/* ---- the ingest's parts */

struct kept_answer {
    struct kept_answer *next;
    char *step, *item, *etag, *last_modified, *content_type, *headers;
    int http_status;
    uint64_t fingerprint;
    int64_t body_hash;
    void *packed; /* NULL: the store has this very body already */
    size_t npacked, nbody;
};

/* One source as the ingest knows it; by name in a hash table. */
struct gen_source;

struct ingest_db {
    struct db db;
    struct store_opts opts;
    unsigned char hash_key[16];
    bool is_memory;
    bool is_suspect; /* SQLite found damage or the disk refused: to be checked before it is used on
                      */
};

int64_t ingest_now(const struct ingest_db *in);
/* Begin a transaction on a file that is still the one opened and of this program's version;
 * SQLITE_SCHEMA in e->detail when it is not: then nothing may be written. */
MUST_CHECK bool ingest_begin(struct ingest_db *in, struct err *e);

struct commit_request {
    const struct map_step *step;
    struct sandbox *sb;
    const struct kept_answer *answers;
    int64_t observed_ms, ms; /* ms: how long the step took */
    bool may_end_rows;
    bool *is_doubt_new; /* per step->rows: this generation raised the doubt itself */
    const char *holder; /* NULL: no lease held */
    int64_t epoch;
};
MUST_CHECK bool commit_step(struct ingest_db *in, const struct commit_request *rq,
                            struct ingest_result *out, struct err *e);

MUST_CHECK bool answers_write(struct ingest_db *in, const struct map_step *step,
                              const struct kept_answer *list, int64_t now_ms, struct err *e);
struct kept_answer *answer_new(struct ingest_db *in, const struct ingest_job *job, struct err *e);
void answers_free(struct kept_answer *list);
/* Of `headers_json` what header() of the step's SQL names, as JSON on the heap; NULL: none. */
MUST_CHECK bool foreign_headers(struct ingest_db *in, const struct map_step *step,
                                const char *headers_json, char **out, struct err *e);
MUST_CHECK bool answers_validators(struct ingest_db *in, const struct map_step *step,
                                   struct row_set **out, struct err *e);
struct kept_body {
    char *body, *content_type, *headers;
    size_t n;
    int http_status;
};
/* ERR_NOT_FOUND when there is none of this recipe fingerprint. */
MUST_CHECK bool answer_load(struct ingest_db *in, const struct map_step *step, const char *item,
                            struct kept_body *out, struct err *e);
void kept_body_release(struct kept_body *b);

/* ---- look.c: when steps were looked at, and how that ended */

enum look_outcome {
    LOOK_ANSWERED,
    LOOK_DOUBTED,
    LOOK_FAILED
};
struct look {
    const char *source, *step;
    enum look_outcome outcome;
    const char *code, *text; /* of a failed one: err_word(), clean text */
    int64_t at_ms, ms;
};
/* Inside a transaction. */
MUST_CHECK bool look_add(struct ingest_db *in, const struct look *l, struct err *e);
/* When a step was last answered; 0: never. */
MUST_CHECK bool look_last_answered(struct ingest_db *in, const char *source, const char *step,
                                   int64_t *at, struct err *e);
/* A transaction of its own, refused when the lease (holder NULL: none) is another's by now. */
MUST_CHECK bool look_failed(struct ingest_db *in, const struct look *l, const char *holder,
                            int64_t epoch, struct err *e);

MUST_CHECK bool sources_set(struct ingest_db *in, const struct ingest_source *list, size_t n,
                            struct err *e);
/* *until_ms: nobody may ask it before; 0: anybody may. */
MUST_CHECK bool source_pause(struct ingest_db *in, const char *source, int64_t *until_ms,
                             struct err *e);
MUST_CHECK bool source_set_state(struct ingest_db *in, const char *source,
                                 const struct ingest_state *s, struct err *e);

MUST_CHECK bool lease_take(struct ingest_db *in, const char *source, const char *holder,
                           int64_t lease_ms, bool *is_ours, int64_t *epoch, int64_t *until_ms,
                           struct err *e);
MUST_CHECK bool lease_release(struct ingest_db *in, const char *source, const char *holder,
                              struct err *e);
/* Inside a transaction: still ours? */
MUST_CHECK bool lease_check(struct ingest_db *in, const char *source, const char *holder,
                            int64_t epoch, struct err *e);

/* `is_wanted` says whether another job waits: then it stops after a small transaction. */
MUST_CHECK bool retention_run(struct ingest_db *in, bool (*is_wanted)(void *ctx), void *ctx,
                              struct err *e);

/* ---- views.c */

/* `is_sound_only`: rows whose attributes are not JSON are shown as unknown; slower. */
MUST_CHECK bool views_create(struct db *db, bool is_past, bool is_sound_only, struct err *e);

#endif
