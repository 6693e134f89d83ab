/*
 * A reader: one read-only connection with the views, for one question at a time. Statements
 * run to their end (or to a limit) and are finalized before the rows are handed over, so that
 * no reader holds back the log. See query.h.
 */
#include "reader_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

#include "reader_rules.h"

enum {
    ROWS_MAX = 200000,
    LIMIT_MS = 10000,
    ANSWER_BYTES_MAX = 512 << 20
};

struct reader {
    struct store_opts opts;
    char *dir;
    struct db db;
    struct fn_env env;
    struct reader_rules rules;
    bool is_empty; /* there is no store yet: a private one without rows */
    bool is_past, has_views;
    bool is_sound_only; /* something in it is not JSON: the views show that as unknown */
    bool is_ours;       /* a statement of this program is being prepared */
    int64_t deadline_ms;
    bool (*cancel)(void *ctx);
    void *cancel_ctx;
    bool is_timeout, is_cancelled;
};

/* ---- what a question may do */

static int authorize(void *ctx, int action, const char *a, const char *b, const char *schema,
                     const char *view)
{
    const struct reader *r = ctx;

    return r->is_ours ? SQLITE_OK : reader_rules_allow(&r->rules, action, a, b, schema, view);
}

static int on_progress(void *ctx)
{
    struct reader *r = ctx;

    if (r->cancel && r->cancel(r->cancel_ctx))
        r->is_cancelled = true;
    else if (r->deadline_ms && mono_now_ms() > r->deadline_ms)
        r->is_timeout = true;
    return r->is_cancelled || r->is_timeout;
}

/* ---- opening */

static void close_db(struct reader *r)
{
    fn_env_release(&r->env);
    reader_rules_release(&r->rules);
    r->env = (struct fn_env){ 0 };
    db_close(&r->db);
    r->is_empty = r->has_views = r->is_sound_only = false;
}

static bool open_empty(struct reader *r, struct err *e)
{
    r->db = (struct db){ 0 };
    if (sqlite3_open_v2(":memory:", &r->db.h,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return db_fail(&r->db, e, "open an empty cache");
    r->is_empty = true;
    return store_harden(&r->db, e) && schema_migrate(&r->db, e);
}

/* The store in this process's memory when there is one, else the file. */
static bool find_store(struct reader *r, bool *is_missing, struct err *e)
{
    *is_missing = false;
    if (store_open_memory(&r->opts, false, &r->db, NULL))
        return true;
    db_close(&r->db);
    return store_open_reader(&r->opts, &r->db, is_missing, e);
}

static bool set_up(struct reader *r, struct err *e)
{
    r->is_ours = true;
    /* The authorizer would refuse what the constructor of a table function declares. */
    bool ok = fn_register(&r->db, &r->env, e) &&
              db_exec(&r->db, "SELECT 1 FROM json_each('[]'), json_tree('[]')", e) &&
              views_create(&r->db, r->is_past, r->is_sound_only, e) &&
              reader_rules_seal(&r->rules, &r->db, e);
    r->is_ours = false;
    if (!ok)
        return false;
    sqlite3_set_authorizer(r->db.h, authorize, r);
    sqlite3_progress_handler(r->db.h, OPS_PER_LOOK, on_progress, r);
    r->has_views = true;
    return true;
}

static bool open_db(struct reader *r, bool or_empty, struct err *e)
{
    bool is_missing;
    bool ok = find_store(r, &is_missing, e);

    if (ok && is_missing)
        ok = or_empty ? open_empty(r, e)
                      : err_set(e, ERR_NOT_FOUND, 0,
                                "there is no cache in %s yet; opsdeck poll makes it", r->dir);
    ok = ok && set_up(r, e);
    if (!ok)
        close_db(r);
    return ok;
}

struct reader *reader_new(const struct store_opts *o)
{
    require(o && o->dir);
    struct reader *r = xcalloc(1, sizeof *r);

    r->dir = xstrdup(o->dir);
    r->opts = *o;
    r->opts.dir = r->dir;
    if (!r->opts.clock)
        r->opts.clock = clock_system();
    return r;
}

bool reader_open(const struct store_opts *o, bool or_empty, struct reader **out, struct err *e)
{
    require(o && out);
    struct reader *r = reader_new(o);

    if (!open_db(r, or_empty, e)) {
        reader_free(r);
        return false;
    }
    *out = r;
    return true;
}

void reader_set_cancel(struct reader *r, bool (*is_cancelled)(void *ctx), void *ctx)
{
    require(r);
    r->cancel = is_cancelled;
    r->cancel_ctx = ctx;
}

void reader_free(struct reader *r)
{
    if (!r)
        return;
    close_db(r);
    free(r->dir);
    free(r);
}

static bool is_as_opened(struct reader *r)
{
    int64_t version = 0;

    if (r->db.is_copy || store_is_replaced(&r->db))
        return false;
    r->is_ours = true;
    bool ok = db_int(&r->db, NULL, &version, 0, "PRAGMA user_version", "");
    r->is_ours = false;
    return ok && version == STORE_SCHEMA_VERSION;
}

/* The store may have come into being, or another file have taken its place, or been migrated. */
static bool refresh(struct reader *r, struct err *e)
{
    if (r->db.h && !r->is_empty && is_as_opened(r))
        return true;
    if (r->db.h)
        close_db(r);
    return open_db(r, true, e);
}

/* ---- one question */

static void start_clock(struct reader *r, int64_t limit_ms)
{
    r->is_timeout = r->is_cancelled = false;
    r->deadline_ms = mono_now_ms() + limit_ms;
    r->env.deadline_ms = r->deadline_ms;
}

static bool set_moment(struct reader *r, int64_t at_ms, int64_t *now, struct err *e)
{
    *now = at_ms ? at_ms : clock_wall_ms(r->opts.clock);
    r->env.now_ms = *now;
    r->is_ours = true;
    bool ok = r->has_views && r->is_past == (at_ms != 0);
    if (!ok) {
        r->is_past = at_ms != 0;
        ok = r->has_views = views_create(&r->db, r->is_past, r->is_sound_only, e) &&
                            reader_rules_seal(&r->rules, &r->db, e);
    }
    ok = ok && db_do(&r->db, e, "DELETE FROM temp.moment", "") &&
         db_do(&r->db, e, "INSERT INTO temp.moment VALUES(?1)", "i", *now);
    r->is_ours = false;
    return ok;
}

static bool fail_sql(struct reader *r, struct err *e)
{
    int rc = sqlite3_errcode(r->db.h), at = sqlite3_error_offset(r->db.h);

    if (r->is_cancelled)
        return err_set(e, ERR_CANCELLED, 0, "the question was cancelled");
    if (r->is_timeout)
        return err_set(e, ERR_TIMEOUT, 0,
                       "the question took too long and was ended; narrow it with WHERE or LIMIT");
    if (rc == SQLITE_AUTH)
        return err_set(e, ERR_USAGE, 0,
                       "%s: a question is one SELECT over entity, problem, change, source_state, "
                       "version and observed",
                       sqlite3_errmsg(r->db.h));
    if (rc != SQLITE_ERROR && rc != SQLITE_TOOBIG && rc != SQLITE_MISMATCH)
        return db_fail(&r->db, e, "answer a question");
    if (at >= 0)
        return err_set(e, ERR_USAGE, 0, "SQL, character %d: %s", at + 1, sqlite3_errmsg(r->db.h));
    return err_set(e, ERR_USAGE, 0, "SQL: %s", sqlite3_errmsg(r->db.h));
}

static sqlite3_stmt *prepare(struct reader *r, const char *sql, struct err *e)
{
    sqlite3_stmt *st = NULL;
    const char *tail = sql;

    if (sqlite3_prepare_v2(r->db.h, sql, -1, &st, &tail) != SQLITE_OK) {
        fail_sql(r, e);
        return NULL;
    }
    while (isspace((unsigned char)*tail) || *tail == ';')
        tail++;
    if (!st)
        err_set(e, ERR_USAGE, 0, "SQL: there is no SELECT in the question");
    else if (*tail)
        err_set(e, ERR_USAGE, 0, "SQL, character %d: one SELECT only", (int)(tail - sql) + 1);
    else if (!sqlite3_stmt_readonly(st) || sqlite3_column_count(st) == 0)
        err_set(e, ERR_USAGE, 0, "SQL: one SELECT only");
    else
        return st;
    sqlite3_finalize(st);
    return NULL;
}

static int bind_one(sqlite3_stmt *st, int i, const struct bind *b)
{
    switch (b->type) {
    case CELL_INT:
        return sqlite3_bind_int64(st, i, b->i);
    case CELL_REAL:
        return sqlite3_bind_double(st, i, b->d);
    case CELL_TEXT:
        return sqlite3_bind_text(st, i, b->text, -1, SQLITE_STATIC);
    case CELL_NULL:
        break;
    }
    return sqlite3_bind_null(st, i);
}

static const struct bind *find_bind(const struct question *q, const char *name)
{
    for (size_t i = 0; i < q->nbinds; i++)
        if (!strcmp(q->binds[i].name, name))
            return &q->binds[i];
    return NULL;
}

static bool bind_question(struct reader *r, sqlite3_stmt *st, const struct question *q, int64_t now,
                          struct err *e)
{
    const struct bind moment = { .name = "now", .type = CELL_INT, .i = now };

    for (int i = 1; i <= sqlite3_bind_parameter_count(st); i++) {
        const char *name = sqlite3_bind_parameter_name(st, i);
        const struct bind *b = name ? find_bind(q, name + 1) : NULL;
        if (!b && name && !strcmp(name + 1, "now"))
            b = &moment;
        if (!b)
            return err_set(e, ERR_USAGE, 0, "SQL: %s has no value here", name ? name : "a bare ?");
        if (bind_one(st, i, b) != SQLITE_OK)
            return db_fail(&r->db, e, "bind %s", name);
    }
    return true;
}

static const char *clean_text(struct row_set *rs, const char *s, size_t n, unsigned flags)
{
    if (utf8_is_clean(s, n, flags))
        return arena_strndup(rs->mem, s, n);
    return utf8_clean_dup(rs->mem, s, n, SANDBOX_LENGTH_MAX, flags);
}

static void read_cell(struct row_set *rs, struct cell *c, sqlite3_stmt *st, int col)
{
    switch (sqlite3_column_type(st, col)) {
    case SQLITE_NULL:
        return;
    case SQLITE_INTEGER:
        cell_set_int(c, rs, sqlite3_column_int64(st, col));
        return;
    case SQLITE_FLOAT:
        cell_set_real(c, rs, sqlite3_column_double(st, col));
        return;
    default: {
        const char *s = db_text(st, col);
        c->type = CELL_TEXT;
        c->text = clean_text(rs, s, (size_t)sqlite3_column_bytes(st, col), UTF8_KEEP_LF);
    }
    }
}

static struct row_set *rows_for(sqlite3_stmt *st)
{
    int n = sqlite3_column_count(st);
    const char **names = xcalloc((size_t)n, sizeof *names);
    struct arena *mem = arena_new();

    for (int i = 0; i < n; i++) {
        const char *name = db_column(st, i);
        names[i] = utf8_clean_dup(mem, name, strlen(name), NAME_BYTES_MAX, UTF8_LINE);
    }
    struct row_set *rs = row_set_new(names, (size_t)n);
    arena_free(mem);
    free(names);
    return rs;
}

static bool read_rows(struct reader *r, sqlite3_stmt *st, size_t max, struct row_set *rs,
                      struct err *e)
{
    int rc;

    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (rs->nrows >= max) {
            rs->is_truncated = true;
            return true;
        }
        struct cell *row = row_set_add(rs);
        for (size_t i = 0; i < rs->ncols; i++)
            read_cell(rs, &row[i], st, (int)i);
        if (arena_bytes(rs->mem) > ANSWER_BYTES_MAX)
            return err_set(e, ERR_LIMIT, 0,
                           "the answer is larger than %d MiB; ask for fewer columns or rows",
                           ANSWER_BYTES_MAX >> 20);
    }
    return rc == SQLITE_DONE || fail_sql(r, e);
}

static bool ask(struct reader *r, const struct question *q, struct row_set **out, struct err *e)
{
    int64_t now;
    bool ok;

    if (!refresh(r, e) || !set_moment(r, q->at_ms, &now, e))
        return false;
    sqlite3_stmt *st = prepare(r, q->sql, e);
    if (!st)
        return false;
    struct row_set *rs = rows_for(st);
    ok = bind_question(r, st, q, now, e) &&
         read_rows(r, st, q->max_rows ? q->max_rows : ROWS_MAX, rs, e);
    sqlite3_finalize(st);
    if (ok)
        *out = rs;
    else
        row_set_free(rs);
    return ok;
}

/* SQLite ends a question for one text that is not JSON: it is asked again of what is sound. */
static bool may_be_unsound(const struct reader *r, const struct err *e)
{
    return e->code == ERR_USAGE && !r->is_sound_only && strstr(e->text, "malformed JSON");
}

bool reader_ask(struct reader *r, const struct question *q, struct row_set **out, struct err *e)
{
    require(r && q && out);
    struct err mine = { 0 };

    *out = NULL;
    start_clock(r, q->limit_ms > 0 ? q->limit_ms : LIMIT_MS);
    bool ok = ask(r, q, out, &mine);
    if (!ok && may_be_unsound(r, &mine)) {
        r->is_sound_only = true;
        r->has_views = false;
        mine = (struct err){ 0 };
        ok = ask(r, q, out, &mine);
    }
    if (!ok && e)
        *e = mine;
    return ok;
}
