/*
 * One row of a mapping SELECT as a row to stage: canonical columns checked and cleaned, all
 * other columns and the source's labels as one JSON object, and the two hashes that tell
 * whether anything changed.
 */
#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/json_text.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"
#include "opsdeck/decode/decode.h"
#include "opsdeck/model/status.h"

#include "fn_priv.h"

enum {
    KEY_BYTES_MAX = 4 * 1024,
    ATTRS_BYTES_MAX = 16 << 20,
    COLUMN_NAME_MAX = 128,
    SUBTYPE_JSON = 'J'
};

enum role {
    ROLE_KEY,
    ROLE_NAME,
    ROLE_STATUS,
    ROLE_SUMMARY,
    ROLE_SINCE,
    ROLE_PARENT,
    ROLE_URL,
    ROLE_RANK,
    ROLE_ATTR
};

static const char *const role_names[] = { "key",   "name",   "status", "summary",
                                          "since", "parent", "url",    "rank" };
_Static_assert(ARRAY_LEN(role_names) == ROLE_ATTR, "every role but attributes has its column");

struct column {
    const char *name;
    size_t len;
    enum role role;
    bool is_volatile;
};

struct row_shape {
    const struct map_rows *rows;
    struct column *cols;
    int ncols;
};

/* ---- the shape */

static enum role role_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(role_names); i++)
        if (!strcmp(role_names[i], name))
            return (enum role)i;
    return ROLE_ATTR;
}

/* An expression without AS has itself as its name, which nobody wants to see as an attribute. */
static bool check_name(const struct map_sql *sql, const struct row_shape *s, int i, struct err *e)
{
    const char *name = s->cols[i].name;

    if (!*name || strlen(name) > COLUMN_NAME_MAX || strpbrk(name, "'()|") || strstr(name, "->"))
        return map_fail(sql, -1, e, "column %d has no name of its own: write %.60s AS name", i + 1,
                        *name ? name : "it");
    if (!utf8_is_clean(name, strlen(name), UTF8_LINE))
        return map_fail(sql, -1, e, "the name of column %d has control characters", i + 1);
    for (int k = 0; k < i; k++)
        if (!strcmp(s->cols[k].name, name))
            return map_fail(sql, -1, e, "two columns are named %s", name);
    return true;
}

static bool mark_volatile(struct row_shape *s, struct err *e)
{
    for (const char *const *v = s->rows->volatile_cols; v && *v; v++) {
        int i = 0;
        while (i < s->ncols && strcmp(s->cols[i].name, *v) != 0)
            i++;
        if (i == s->ncols)
            return map_fail(&s->rows->sql, -1, e, "volatile names %s, which is no column", *v);
        if (s->cols[i].role == ROLE_KEY || s->cols[i].role == ROLE_STATUS)
            return map_fail(&s->rows->sql, -1, e, "%s cannot be volatile", *v);
        s->cols[i].is_volatile = true;
    }
    return true;
}

struct row_shape *row_shape_new(struct arena *mem, sqlite3_stmt *st, const struct map_rows *rows,
                                struct err *e)
{
    require(mem && st && rows);
    struct row_shape *s = arena_alloc(mem, sizeof *s);
    bool has_key = false;

    s->rows = rows;
    s->ncols = sqlite3_column_count(st);
    s->cols = arena_array(mem, (size_t)s->ncols, sizeof *s->cols);
    for (int i = 0; i < s->ncols; i++) {
        struct column *c = &s->cols[i];
        c->name = arena_strdup(mem, db_column(st, i));
        c->len = strlen(c->name);
        c->role = role_of(c->name);
        has_key = has_key || c->role == ROLE_KEY;
        if (!check_name(&rows->sql, s, i, e))
            return NULL;
    }
    if (!has_key) {
        map_fail(&rows->sql, -1, e, "there is no column `key`, by which a row is known again");
        return NULL;
    }
    return mark_volatile(s, e) ? s : NULL;
}

/* ---- labels */

bool labels_parse(struct sandbox *sb, struct arena *mem, const char *labels_json,
                  struct labels *out, struct err *e)
{
    require(sb && mem && out);
    static const char sql[] =
        "SELECT key, CASE type WHEN 'text' THEN json_quote(value) WHEN 'true' THEN 'true' "
        "WHEN 'false' THEN 'false' ELSE value END FROM json_each(?1) WHERE type <> 'null'";
    size_t n = 0, cap = 0;
    const char **names = NULL;
    int rc;

    *out = (struct labels){ 0 };
    if (!labels_json || !*labels_json)
        return true;
    sqlite3_stmt *st = sandbox_query(sb, e, sql);
    if (!st)
        return false;
    if (sqlite3_bind_text(st, 1, labels_json, -1, SQLITE_STATIC) != SQLITE_OK)
        return db_fail(&sb->db, e, "read the labels of the source");
    while ((rc = db_step(&sb->db, st, e)) == 1) {
        if (n + 2 > cap) {
            cap = cap ? cap * 2 : 16;
            names = xreallocarray(names, cap, sizeof *names);
        }
        names[n++] = arena_strdup(mem, db_text(st, 0));
        names[n++] = arena_strdup(mem, db_text(st, 1));
    }
    sqlite3_reset(st);
    out->n = n / 2;
    out->names = arena_array(mem, out->n, sizeof *out->names);
    out->json = arena_array(mem, out->n, sizeof *out->json);
    for (size_t i = 0; i < out->n; i++) {
        out->names[i] = names[2 * i];
        out->json[i] = names[2 * i + 1];
    }
    free(names);
    return rc == 0 || err_ctx(e, "labels of the source");
}

/* ---- one row */

struct building {
    struct arena *mem;
    const struct row_shape *shape;
    sqlite3_stmt *st;
    const struct labels *labels;
    struct siphash hash, vhash;
    struct sbuf attrs;
    bool *label_is_hidden; /* a column of that name has a value */
    struct staged *out;
    struct err *e;
};

/* The length goes in too, so that ("ab", "c") and ("a", "bc") differ. */
static void hash_text(struct building *b, const struct column *c, const char *s, size_t n)
{
    struct siphash *h = c->is_volatile ? &b->vhash : &b->hash;
    uint64_t len = n;

    siphash_add(h, c->name, c->len + 1);
    siphash_add(h, &len, sizeof len);
    siphash_add(h, s, n);
}

/* NULL for SQL NULL and for ''. */
static const char *clean_text(const struct building *b, int col, size_t max, unsigned flags)
{
    if (sqlite3_column_type(b->st, col) == SQLITE_NULL)
        return NULL;
    const char *s = sqlite3_column_blob(b->st, col);
    int n = sqlite3_column_bytes(b->st, col);
    return s && n > 0 ? text_cut(b->mem, s, (size_t)n, max, flags) : NULL;
}

static bool fail_row(struct building *b, const char *what, const char *got)
{
    return map_fail(&b->shape->rows->sql, -1, b->e, "%s%s%.80s%s (kind %s%s%.80s)", what,
                    got ? ", got \"" : "", got ? got : "", got ? "\"" : "", b->shape->rows->kind,
                    b->out->key ? ", key " : "", b->out->key ? b->out->key : "");
}

static bool take_key(struct building *b, int col)
{
    const char *key = clean_text(b, col, KEY_BYTES_MAX + 8, UTF8_LINE);

    if (!key)
        return fail_row(b, "a row has no key", NULL);
    if (strlen(key) > KEY_BYTES_MAX)
        return fail_row(b, "a key is longer than 4 KiB", key);
    b->out->key = key;
    return true;
}

static bool take_status(struct building *b, int col)
{
    const char *s = clean_text(b, col, FIELD_BYTES_MAX, UTF8_LINE);
    enum status parsed;

    if (sqlite3_column_type(b->st, col) == SQLITE_NULL)
        return true; /* stays unknown */
    if (!s || !status_parse(s, &parsed))
        return fail_row(b, "status must be ok, info, warn, crit or unknown", s ? s : "");
    b->out->status = status_word(parsed);
    return true;
}

static bool take_since(struct building *b, int col)
{
    switch (sqlite3_column_type(b->st, col)) {
    case SQLITE_NULL:
        return true;
    case SQLITE_INTEGER:
        b->out->since = sqlite3_column_int64(b->st, col);
        b->out->has_since = true;
        return true;
    default:
        return fail_row(b, "since must be integer UTC milliseconds or NULL (see time_auto())",
                        clean_text(b, col, 80, UTF8_LINE));
    }
}

static bool take_rank(struct building *b, int col)
{
    switch (sqlite3_column_type(b->st, col)) {
    case SQLITE_NULL:
        return true;
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
        b->out->rank = sqlite3_column_double(b->st, col);
        b->out->has_rank = true;
        return true;
    default:
        return fail_row(b, "rank must be a number", clean_text(b, col, 80, UTF8_LINE));
    }
}

static bool take_parent(struct building *b, int col)
{
    const char *s = clean_text(b, col, FIELD_BYTES_MAX, UTF8_LINE);

    if (s && (s[0] == ':' || !strchr(s, ':')))
        return fail_row(b, "parent must be KIND:KEY", s);
    b->out->parent = s;
    return true;
}

/* JSON that a function marked as such stays JSON; it passes the door as all JSON does. */
static bool put_json(struct building *b, const char *s, size_t n)
{
    struct sbuf clean;
    size_t before = b->attrs.len;

    sbuf_init(&clean, FIELD_BYTES_MAX);
    bool is_json = n <= FIELD_BYTES_MAX && json_door(s, n, &clean, NULL);
    bool ok = is_json && sbuf_add(&b->attrs, clean.buf, clean.len);
    sbuf_release(&clean);
    if (is_json)
        return ok;
    b->attrs.len = before; /* too long to be kept whole: shown as a text that is cut */
    const char *text = text_cut(b->mem, s, n, FIELD_BYTES_MAX, UTF8_KEEP_LF);
    return json_put(&b->attrs, text, strlen(text));
}

static bool put_value(struct building *b, int col)
{
    const char *text, *s;
    size_t n;

    switch (sqlite3_column_type(b->st, col)) {
    case SQLITE_INTEGER:
        return sbuf_addf(&b->attrs, "%lld", (long long)sqlite3_column_int64(b->st, col));
    case SQLITE_FLOAT:
        return json_put_real(&b->attrs, sqlite3_column_double(b->st, col));
    default:
        break;
    }
    unsigned subtype = sqlite3_value_subtype(sqlite3_column_value(b->st, col));
    s = sqlite3_column_blob(b->st, col);
    n = (size_t)sqlite3_column_bytes(b->st, col);
    if (subtype == SUBTYPE_JSON && n)
        return put_json(b, s, n);
    text = text_cut(b->mem, s ? s : "", s ? n : 0, FIELD_BYTES_MAX, UTF8_KEEP_LF);
    return json_put(&b->attrs, text, strlen(text));
}

static bool put_name(struct building *b, const char *name)
{
    return (b->attrs.len == 1 || sbuf_addc(&b->attrs, ',')) &&
           json_put(&b->attrs, name, strlen(name)) && sbuf_addc(&b->attrs, ':');
}

static bool take_attr(struct building *b, const struct column *c, int col)
{
    if (sqlite3_column_type(b->st, col) == SQLITE_NULL)
        return true; /* an attribute that is NULL is not there */
    bool ok = put_name(b, c->name);
    size_t from = b->attrs.len;
    ok = ok && put_value(b, col);
    if (!ok)
        return fail_row(b, "the attributes of a row are larger than 16 MiB", NULL);
    hash_text(b, c, b->attrs.buf + from, b->attrs.len - from);
    for (size_t i = 0; i < b->labels->n; i++)
        if (!strcmp(b->labels->names[i], c->name))
            b->label_is_hidden[i] = true;
    return true;
}

static bool take_labels(struct building *b)
{
    for (size_t i = 0; i < b->labels->n; i++) {
        const struct column c = { .name = b->labels->names[i], .len = strlen(b->labels->names[i]) };
        const char *json = b->labels->json[i];
        if (b->label_is_hidden[i])
            continue;
        if (!put_name(b, c.name) || !sbuf_adds(&b->attrs, json))
            return fail_row(b, "the attributes of a row are larger than 16 MiB", NULL);
        hash_text(b, &c, json, strlen(json));
    }
    return true;
}

static bool take_column(struct building *b, const struct column *c, int col)
{
    switch (c->role) {
    case ROLE_KEY:
        return true; /* taken first, for the messages about the others */
    case ROLE_NAME:
        b->out->name = clean_text(b, col, NAME_BYTES_MAX, UTF8_LINE);
        return true;
    case ROLE_STATUS:
        return take_status(b, col);
    case ROLE_SUMMARY:
        b->out->summary = clean_text(b, col, FIELD_BYTES_MAX, UTF8_KEEP_LF);
        return true;
    case ROLE_SINCE:
        return take_since(b, col);
    case ROLE_PARENT:
        return take_parent(b, col);
    case ROLE_URL:
        b->out->url = clean_text(b, col, FIELD_BYTES_MAX, UTF8_LINE);
        return true;
    case ROLE_RANK:
        return take_rank(b, col);
    case ROLE_ATTR:
        break;
    }
    return take_attr(b, c, col);
}

/* The columns that a version keeps, as they came out. */
static void hash_canonical(struct building *b)
{
    const struct staged *o = b->out;
    const char *const texts[] = {
        [ROLE_NAME] = o->name, [ROLE_STATUS] = o->status, [ROLE_SUMMARY] = o->summary,
        [ROLE_SINCE] = NULL,   [ROLE_PARENT] = o->parent, [ROLE_URL] = o->url
    };
    struct column c = { .name = "status", .len = 6, .role = ROLE_STATUS };

    for (int i = 0; i < b->shape->ncols; i++) {
        const struct column *col = &b->shape->cols[i];
        if (col->role == ROLE_SINCE && o->has_since)
            hash_text(b, col, (const char *)&o->since, sizeof o->since);
        else if (col->role < ARRAY_LEN(texts) && col->role != ROLE_STATUS && texts[col->role])
            hash_text(b, col, texts[col->role], strlen(texts[col->role]));
    }
    hash_text(b, &c, o->status, strlen(o->status));
}

static bool build(struct building *b)
{
    const struct row_shape *s = b->shape;

    for (int i = 0; i < s->ncols; i++)
        if (s->cols[i].role == ROLE_KEY && !take_key(b, i))
            return false;
    sbuf_addc(&b->attrs, '{');
    for (int i = 0; i < s->ncols; i++)
        if (!take_column(b, &s->cols[i], i))
            return false;
    if (!take_labels(b))
        return false;
    if (!sbuf_addc(&b->attrs, '}'))
        return fail_row(b, "the attributes of a row are larger than 16 MiB", NULL);
    hash_canonical(b);
    if (!b->out->name)
        b->out->name = arena_strndup(b->mem, b->out->key, strlen(b->out->key));
    b->out->attrs = arena_strndup(b->mem, b->attrs.buf, b->attrs.len);
    b->out->hash = siphash_end(&b->hash);
    b->out->vhash = siphash_end(&b->vhash);
    return true;
}

bool row_build(struct arena *mem, const struct row_shape *shape, sqlite3_stmt *st,
               const struct labels *labels, const unsigned char key[16], struct staged *out,
               struct err *e)
{
    require(mem && shape && st);
    require(labels && key && out);
    struct building b = {
        .mem = mem, .shape = shape, .st = st, .labels = labels, .out = out, .e = e
    };

    *out = (struct staged){ .kind = shape->rows->kind, .status = status_word(STATUS_UNKNOWN) };
    siphash_init(&b.hash, key);
    siphash_init(&b.vhash, key);
    sbuf_init(&b.attrs, ATTRS_BYTES_MAX);
    b.label_is_hidden = labels->n ? arena_alloc(mem, labels->n * sizeof *b.label_is_hidden) : NULL;
    bool ok = build(&b);
    sbuf_release(&b.attrs);
    return ok;
}
