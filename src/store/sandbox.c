/*
 * The mapping sandbox: one in-memory database in which the SELECTs of recipes run. An
 * authorizer with lists of what is allowed, limits, a clock that ends what runs too long, and
 * the statements prepared so far. What the rows mean is map.c's and row_build.c's business.
 */
#include "opsdeck/store/sandbox.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "opsdeck/base/hash.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

#include "fn_priv.h"
#include "sandbox_rules.h"
#include "store_priv.h"

enum {
    STMTS_MAX = 128,
    CELL_BYTES_MAX = 16 << 20 /* of an eval: a request body may be long */
};

struct recipe_stmt {
    char *sql;
    sqlite3_stmt *st;
    UT_hash_handle hh;
};

/* What sandbox_new() really makes; the others see the first member. */
struct box {
    struct sandbox sb;
    struct recipe_stmt *stmts; /* the one used longest ago first */
    unsigned nstmts;
    char refused[160]; /* what the authorizer said no to, in words */
};

static struct box *box_of(struct sandbox *sb)
{
    return (struct box *)sb;
}

/* ---- messages */

bool map_fail(const struct map_sql *sql, int offset, struct err *e, const char *fmt, ...)
{
    require(sql && fmt);
    int line = sql->line, col = sql->col;
    va_list ap;

    va_start(ap, fmt);
    err_setv(e, ERR_MAP, 0, fmt, ap);
    va_end(ap);
    for (int i = 0; sql->sql && i < offset && sql->sql[i]; i++) {
        if (sql->sql[i] == '\n') {
            line++;
            col = sql->col; /* a block's lines all begin where its first does */
        } else if (((unsigned char)sql->sql[i] & 0xc0) != 0x80) {
            col++;
        }
    }
    char *place = sqlite3_mprintf("%s:%d:%d", sql->file ? sql->file : "(sql)", line, col);
    err_ctx(e, "%s", place ? place : "(sql)");
    sqlite3_free(place);
    return false;
}

/* ---- the authorizer */

static int refuse(struct box *b, const char *fmt, const char *name)
{
    if (!b->refused[0])
        sqlite3_snprintf(sizeof b->refused, b->refused, fmt, name);
    return SQLITE_DENY;
}

static int authorize(void *arg, int action, const char *a, const char *c, const char *schema,
                     const char *view)
{
    struct box *b = arg;

    (void)schema;
    if (b->sb.is_ours)
        return SQLITE_OK;
    switch (action) {
    case SQLITE_SELECT:
        return SQLITE_OK;
    case SQLITE_READ:
        if (rules_may_read(a, c ? c : "", view))
            return SQLITE_OK;
        return refuse(b, "table %.60s cannot be read here (json_each, json_tree and row can)", a);
    case SQLITE_FUNCTION:
        if (rules_may_call(c))
            return SQLITE_OK;
        return refuse(b, "function %.60s() is not for recipes", c);
    case SQLITE_RECURSIVE:
        return refuse(b, "%s is not for recipes", "WITH RECURSIVE");
    default:
        return refuse(b, "only %s is for recipes", "one SELECT");
    }
}

/* ---- the clock */

static int look_at_clock(void *arg)
{
    struct sandbox *sb = arg;

    if (!sb->deadline_ms)
        return 0; /* a statement of this program */
    if (sb->stop && atomic_load(sb->stop))
        return 1;
    if (mono_now_ms() < sb->deadline_ms)
        return 0;
    sb->is_timeout = true;
    return 1;
}

/* ---- making one */

static const struct {
    int id, value;
} limits[] = {
    { SQLITE_LIMIT_LENGTH, SANDBOX_LENGTH_MAX },
    { SQLITE_LIMIT_SQL_LENGTH, 100000 },
    { SQLITE_LIMIT_COLUMN, 200 },
    { SQLITE_LIMIT_EXPR_DEPTH, 200 },
    { SQLITE_LIMIT_COMPOUND_SELECT, 50 },
    { SQLITE_LIMIT_ATTACHED, 0 },
    { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256 },
    { SQLITE_LIMIT_TRIGGER_DEPTH, 0 },
    { SQLITE_LIMIT_WORKER_THREADS, 0 },
    { SQLITE_LIMIT_VARIABLE_NUMBER, 200 },
};

static bool set_up(struct sandbox *sb, struct err *e)
{
    if (sqlite3_open_v2(":memory:", &sb->db.h,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return db_fail(&sb->db, e, "open a database in memory");
    if (!store_harden(&sb->db, e) || !fn_register(&sb->db, &sb->env, e) ||
        !db_exec(&sb->db, "PRAGMA journal_mode = MEMORY", e))
        return false;
    /* The virtual tables are made at their first use, which the authorizer would refuse. */
    if (!db_exec(&sb->db, "SELECT 1 FROM json_each('[]'), json_tree('[]')", e) ||
        !stage_clear(sb, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        sqlite3_limit(sb->db.h, limits[i].id, limits[i].value);
    sqlite3_set_authorizer(sb->db.h, authorize, sb);
    sqlite3_progress_handler(sb->db.h, OPS_PER_LOOK, look_at_clock, sb);
    return true;
}

struct sandbox *sandbox_new(void)
{
    struct box *b = xcalloc(1, sizeof *b);
    struct err e = { 0 };

    b->sb.headers_mem = arena_new();
    if (getrandom(b->sb.hash_key, sizeof b->sb.hash_key, 0) != (ssize_t)sizeof b->sb.hash_key)
        bug("the system gives no random bytes");
    /* Nothing but memory is needed, so only a broken build gets here. */
    if (!set_up(&b->sb, &e))
        bug("no sandbox: %s", e.text);
    return &b->sb;
}

static void stmt_forget(struct box *b, struct recipe_stmt *s)
{
    HASH_DEL(b->stmts, s);
    b->nstmts--;
    sqlite3_finalize(s->st);
    free(s->sql);
    free(s);
}

void sandbox_free(struct sandbox *sb)
{
    if (!sb)
        return;
    struct box *b = box_of(sb);
    while (b->stmts)
        stmt_forget(b, b->stmts);
    db_close(&sb->db);
    fn_env_release(&sb->env);
    arena_free(sb->headers_mem);
    free(b);
}

/* ---- our own statements */

sqlite3_stmt *sandbox_query(struct sandbox *sb, struct err *e, const char *sql)
{
    require(sb && sql);
    bool was = sb->is_ours;

    sb->is_ours = true;
    sqlite3_stmt *st = db_stmt(&sb->db, sql, e);
    sb->is_ours = was;
    return st;
}

bool sandbox_exec(struct sandbox *sb, const char *sql, struct err *e)
{
    require(sb && sql);
    bool was = sb->is_ours;

    sb->is_ours = true;
    bool ok = db_exec(&sb->db, sql, e);
    sb->is_ours = was;
    return ok;
}

/* ---- a recipe's statements */

/* Nothing but white space, comments and semicolons behind the statement. */
static bool is_tail_empty(struct sandbox *sb, const char *tail)
{
    sqlite3_stmt *more = NULL;

    while (*tail) {
        const char *from = tail;
        int rc = sqlite3_prepare_v2(sb->db.h, from, -1, &more, &tail);
        if (rc != SQLITE_OK || more) {
            sqlite3_finalize(more);
            return false;
        }
        if (tail == from)
            break;
    }
    return true;
}

/* Prepared, and a single SELECT. The caller finalizes it. */
static sqlite3_stmt *prepare(struct sandbox *sb, const struct map_sql *sql, struct err *e)
{
    struct box *b = box_of(sb);
    sqlite3_stmt *st = NULL;
    const char *tail = "";
    int at = rules_split_label(sql->sql);

    if (at >= 0) {
        map_fail(sql, at, e,
                 "quote a label with dots, brackets or a leading digit: ->>'\"a.b\"' (or write a "
                 "path: ->>'$.a.b')");
        return NULL;
    }
    b->refused[0] = '\0';
    if (sqlite3_prepare_v3(sb->db.h, sql->sql, -1, SQLITE_PREPARE_PERSISTENT, &st, &tail) !=
        SQLITE_OK) {
        map_fail(sql, sqlite3_error_offset(sb->db.h), e, "%s",
                 b->refused[0] ? b->refused : sqlite3_errmsg(sb->db.h));
        return NULL;
    }
    if (!st)
        map_fail(sql, -1, e, "expected a SELECT, got nothing");
    else if (!is_tail_empty(sb, tail))
        map_fail(sql, (int)(tail - sql->sql), e, "expected one SELECT, there is more behind it");
    else if (!sqlite3_stmt_readonly(st) || sqlite3_stmt_isexplain(st) || !sqlite3_column_count(st))
        map_fail(sql, -1, e, "expected a SELECT");
    else
        return st;
    sqlite3_finalize(st);
    return NULL;
}

/* From the cache, or into it. */
static sqlite3_stmt *stmt_of(struct sandbox *sb, const struct map_sql *sql, struct err *e)
{
    struct box *b = box_of(sb);
    struct recipe_stmt *s;

    HASH_FIND_STR(b->stmts, sql->sql, s);
    if (s) {
        HASH_DEL(b->stmts, s); /* to the end: the order is that of last use */
    } else {
        sqlite3_stmt *st = prepare(sb, sql, e);
        if (!st)
            return NULL;
        if (b->nstmts >= STMTS_MAX && !sqlite3_stmt_busy(b->stmts->st))
            stmt_forget(b, b->stmts);
        s = xcalloc(1, sizeof *s);
        s->sql = xstrdup(sql->sql);
        s->st = st;
        b->nstmts++;
    }
    HASH_ADD_KEYPTR(hh, b->stmts, s->sql, strlen(s->sql), s);
    return s->st;
}

/* ---- binds */

static const struct bind *bind_find(const struct bind *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].name && !strcmp(list[i].name, name))
            return &list[i];
    return NULL;
}

static int bind_value(sqlite3_stmt *st, int i, const struct bind *v)
{
    switch (v->type) {
    case CELL_INT:
        return sqlite3_bind_int64(st, i, v->i);
    case CELL_REAL:
        return sqlite3_bind_double(st, i, v->d);
    case CELL_TEXT:
        return sqlite3_bind_text(st, i, v->text, -1, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(st, i);
    }
}

static const char *const own_binds[] = { "body", "http_status", "source", "now" };

/* 1 bound, 0 not one of ours, -1 failed. */
static int bind_own(sqlite3_stmt *st, int i, const char *name, const struct sandbox_input *in)
{
    int rc;

    if (!strcmp(name, "body"))
        rc = sqlite3_bind_text64(st, i, in->body, in->body_len, SQLITE_STATIC, SQLITE_UTF8);
    else if (!strcmp(name, "http_status"))
        rc = in->http_status ? sqlite3_bind_int(st, i, in->http_status) : sqlite3_bind_null(st, i);
    else if (!strcmp(name, "source"))
        rc = sqlite3_bind_text(st, i, in->source, -1, SQLITE_STATIC);
    else if (!strcmp(name, "now"))
        rc = sqlite3_bind_int64(st, i, in->now_ms);
    else
        return 0;
    return rc == SQLITE_OK ? 1 : -1;
}

/* The name behind the colon; NULL with *e set for other kinds of parameters. */
static const char *bind_name(const struct map_sql *sql, sqlite3_stmt *st, int i, struct err *e)
{
    const char *name = sqlite3_bind_parameter_name(st, i);

    if (name && name[0] == ':')
        return name + 1;
    map_fail(sql, -1, e, "value %s has no name a recipe can give: write :name", name ? name : "?");
    return NULL;
}

static bool bind_all(struct sandbox *sb, const struct map_sql *sql, sqlite3_stmt *st,
                     const struct sandbox_input *in, struct err *e)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(st); i++) {
        const char *name = bind_name(sql, st, i, e);
        if (!name)
            return false;
        int done = bind_own(st, i, name, in);
        const struct bind *v = bind_find(in->extra, in->nextra, name);
        if (!v)
            v = bind_find(in->params, in->nparams, name);
        if (!done && !v)
            return map_fail(sql, -1, e,
                            "there is no value :%s (not a param, not a column of `for`)", name);
        if (!done)
            done = bind_value(st, i, v) == SQLITE_OK ? 1 : -1;
        if (done < 0)
            return map_fail(sql, -1, e, "give :%s its value: %s", name, sqlite3_errmsg(sb->db.h));
    }
    return true;
}

/* ---- running */

sqlite3_stmt *sandbox_start(struct sandbox *sb, const struct map_sql *sql,
                            const struct sandbox_input *in, struct err *e)
{
    require(sb && sql && in);
    sqlite3_stmt *st = stmt_of(sb, sql, e);

    if (!st)
        return NULL;
    if (!in->body)
        sb->env.nheaders = 0; /* header() speaks of the answer at hand */
    if (!bind_all(sb, sql, st, in, e)) {
        sandbox_done(sb, st);
        return NULL;
    }
    sb->is_timeout = false;
    sb->deadline_ms = mono_now_ms() + SANDBOX_LIMIT_MS;
    sb->env.deadline_ms = sb->deadline_ms;
    sb->env.now_ms = in->now_ms;
    return st;
}

int sandbox_step(struct sandbox *sb, const struct map_sql *sql, sqlite3_stmt *st, struct err *e)
{
    require(sb && sql && st);
    struct box *b = box_of(sb);

    b->refused[0] = '\0'; /* a step may prepare anew */
    int rc = sqlite3_step(st);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    if (sb->is_timeout)
        map_fail(sql, -1, e, "ended after %d ms, it would run too long", SANDBOX_LIMIT_MS);
    else if (rc == SQLITE_INTERRUPT && sb->stop && atomic_load(sb->stop))
        err_set(e, ERR_CANCELLED, 0, "the program is ending");
    else
        map_fail(sql, -1, e, "%s", b->refused[0] ? b->refused : sqlite3_errmsg(sb->db.h));
    return -1;
}

void sandbox_done(struct sandbox *sb, sqlite3_stmt *st)
{
    require(sb && st);
    sb->deadline_ms = 0;
    sb->env.deadline_ms = 0;
    sqlite3_reset(st);
    sqlite3_clear_bindings(st); /* they point to texts that go */
}

static void cell_from_column(struct row_set *rs, struct cell *c, sqlite3_stmt *st, int col)
{
    const char *s;

    switch (sqlite3_column_type(st, col)) {
    case SQLITE_NULL:
        break;
    case SQLITE_INTEGER:
        cell_set_int(c, rs, sqlite3_column_int64(st, col));
        break;
    case SQLITE_FLOAT:
        cell_set_real(c, rs, sqlite3_column_double(st, col));
        break;
    default:
        s = sqlite3_column_blob(st, col);
        *c = (struct cell){ .type = CELL_TEXT,
                            .text =
                                text_cut(rs->mem, s ? s : "", (size_t)sqlite3_column_bytes(st, col),
                                         CELL_BYTES_MAX, UTF8_KEEP_LF) };
    }
}

bool sandbox_rows(struct sandbox *sb, const struct map_sql *sql, const struct sandbox_input *in,
                  struct row_set **out, struct err *e)
{
    require(sb && sql && in && out);
    sqlite3_stmt *st = sandbox_start(sb, sql, in, e);
    const char *names[200]; /* SQLITE_LIMIT_COLUMN */
    int rc, ncols;

    *out = NULL;
    if (!st)
        return false;
    ncols = sqlite3_column_count(st);
    for (int i = 0; i < ncols; i++)
        names[i] = db_column(st, i);
    struct row_set *rs = row_set_new(names, (size_t)ncols);
    while ((rc = sandbox_step(sb, sql, st, e)) == 1) {
        if (rs->nrows == STAGE_ROWS_MAX) {
            rc = -1;
            map_fail(sql, -1, e, "more than %d rows", STAGE_ROWS_MAX);
            if (e)
                e->code = ERR_LIMIT;
            break;
        }
        struct cell *row = row_set_add(rs);
        for (int i = 0; i < ncols; i++)
            cell_from_column(rs, &row[i], st, i);
    }
    sandbox_done(sb, st);
    if (rc < 0) {
        row_set_free(rs);
        return false;
    }
    *out = rs;
    return true;
}

/* ---- headers */

bool sandbox_set_headers(struct sandbox *sb, const char *headers_json, struct err *e)
{
    require(sb);
    static const char sql[] =
        "SELECT lower(key), CASE type WHEN 'array' THEN (SELECT group_concat(value, ', ') FROM "
        "json_each(h.value)) ELSE value END FROM json_each(?1) AS h WHERE type <> 'null'";
    size_t cap = 0, n = 0;
    struct header_value *list = NULL;
    int rc;

    sb->env.headers = NULL;
    sb->env.nheaders = 0;
    arena_reset(sb->headers_mem);
    if (!headers_json || !*headers_json)
        return true;
    sqlite3_stmt *st = sandbox_query(sb, e, sql);
    if (!st)
        return false;
    if (sqlite3_bind_text(st, 1, headers_json, -1, SQLITE_STATIC) != SQLITE_OK)
        return db_fail(&sb->db, e, "read the headers of the answer");
    while ((rc = db_step(&sb->db, st, e)) == 1) {
        VEC_GROW(list, n, cap);
        list[n].name = arena_strdup(sb->headers_mem, db_text(st, 0));
        list[n++].value = arena_strdup(sb->headers_mem, db_text(st, 1));
    }
    sqlite3_reset(st);
    if (n && rc == 0) {
        struct header_value *kept = arena_array(sb->headers_mem, n, sizeof *kept);
        memcpy(kept, list, n * sizeof *kept);
        sb->env.headers = kept;
        sb->env.nheaders = n;
    }
    free(list);
    return rc == 0 || err_ctx(e, "headers of the answer");
}

/* ---- checking without running */

static bool check_binds(const struct map_sql *sql, sqlite3_stmt *st, const char *const *names,
                        size_t nnames, struct err *e)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(st); i++) {
        const char *name = bind_name(sql, st, i, e);
        size_t k = 0, o = 0;
        if (!name)
            return false;
        while (o < ARRAY_LEN(own_binds) && strcmp(own_binds[o], name) != 0)
            o++;
        while (names && k < nnames && strcmp(names[k], name) != 0)
            k++;
        if (names && o == ARRAY_LEN(own_binds) && k == nnames) {
            const char *at = strstr(sql->sql, sqlite3_bind_parameter_name(st, i));
            return map_fail(sql, at ? (int)(at - sql->sql) : -1, e,
                            "there is no param %s; params of the recipe, :body, :http_status, "
                            ":source and :now can be used",
                            name);
        }
    }
    return true;
}

/* Of the answer's headers only those are kept that can be named beforehand. */
static bool check_headers(const struct map_sql *sql, struct err *e)
{
    const char *p = sql->sql, *name;
    size_t n;
    int rc;

    while ((rc = rules_next_header(&p, &name, &n)) == 1)
        ;
    return rc == 0 || map_fail(sql, (int)(p - sql->sql), e,
                               "header() takes one name in quotes: header('Link')");
}

bool sandbox_check(struct sandbox *sb, const struct map_sql *sql, const char *const *names,
                   size_t nnames, bool is_rows, struct err *e)
{
    require(sb && sql);
    const struct map_rows rows = { .kind = "", .sql = *sql };

    if (!sql->sql)
        return map_fail(sql, -1, e, "expected a SELECT, got nothing");
    sqlite3_stmt *st = prepare(sb, sql, e);
    if (!st)
        return false;
    struct arena *mem = arena_new();
    bool ok = check_headers(sql, e) && check_binds(sql, st, names, nnames, e) &&
              (!is_rows || row_shape_new(mem, st, &rows, e) != NULL);
    arena_free(mem);
    sqlite3_finalize(st);
    return ok;
}
