/*
 * The authorizer of questions: one SELECT over the TEMP views, and nothing of the tables below
 * them but through those views. See reader_rules.h.
 */
#include "reader_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/require.h"

#include "store_priv.h"

static const char *const views[] = { "entity",         "problem",  "change", "source_state",
                                     "version",        "observed", "look",   "bluegreen",
                                     "bluegreen_fact", NULL };

static bool is_one_of(const char *s, const char *const *list)
{
    for (; s && *list; list++)
        if (!sqlite3_stricmp(s, *list))
            return true;
    return false;
}

void reader_rules_release(struct reader_rules *rules)
{
    if (!rules)
        return;
    free(rules->tables);
    *rules = (struct reader_rules){ 0 };
}

/* ---- sealing */

static bool make_owner(struct reader_rules *rules, struct err *e)
{
    uint64_t secret[2];

    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
        return err_set(e, ERR_IO, 0, "the system gives no random bytes");
    snprintf(rules->owner, sizeof rules->owner, "v%016llx%016llx_", (unsigned long long)secret[0],
             (unsigned long long)secret[1]);
    return true;
}

/* The SQL that moves every open view behind its secret name, as SQLite itself writes it. */
static bool write_seals(struct reader_rules *rules, struct db *db, struct sbuf *sql, struct err *e)
{
    sqlite3_stmt *st = db_query(
        db, e,
        "SELECT printf('DROP VIEW IF EXISTS temp.\"%w%w\";CREATE TEMP VIEW \"%w%w\" %s;"
        "DROP VIEW temp.\"%w\";CREATE TEMP VIEW \"%w\" AS SELECT * FROM temp.\"%w%w\";', ?1, name, "
        "?1, name, substr(sql, instr(sql, ' AS ')), name, name, ?1, name) FROM temp.sqlite_schema "
        "WHERE type = 'view' AND substr(name, 1, length(?1)) <> ?1",
        "s", rules->owner);
    int rc = -1;

    while (st && (rc = db_step(db, st, e)) == 1)
        sbuf_adds(sql, db_text(st, 0));
    return rc == 0;
}

static bool read_tables(struct reader_rules *rules, struct db *db, struct err *e)
{
    sqlite3_stmt *st =
        db_query(db, e,
                 "SELECT char(10) || group_concat(lower(name), char(10)) || char(10) "
                 "FROM main.sqlite_schema",
                 "");

    if (!st || db_step(db, st, e) != 1)
        return false;
    free(rules->tables);
    rules->tables = xstrdup(db_text(st, 0));
    sqlite3_reset(st);
    return true;
}

bool reader_rules_seal(struct reader_rules *rules, struct db *db, struct err *e)
{
    require(rules && db && db->h);
    struct sbuf sql;

    if ((!*rules->owner && !make_owner(rules, e)) || !read_tables(rules, db, e))
        return false;
    sbuf_init(&sql, 1 << 20);
    bool ok = write_seals(rules, db, &sql, e) && db_exec(db, sql.buf, e);
    sbuf_release(&sql);
    return ok || err_ctx(e, "close the views");
}

/* ---- what may be read */

static bool is_sealed(const struct reader_rules *rules, const char *name)
{
    return name && *rules->owner && !strncmp(name, rules->owner, strlen(rules->owner));
}

static bool is_table(const struct reader_rules *rules, const char *name)
{
    char line[256];
    int n = snprintf(line, sizeof line, "\n%s\n", name);

    for (char *c = line; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return n >= (int)sizeof line || !rules->tables || strstr(rules->tables, line) ||
           !sqlite3_strnicmp(name, "sqlite_", 7) || !sqlite3_strnicmp(name, "pragma_", 7);
}

static bool may_read(const struct reader_rules *rules, const char *table, const char *column,
                     const char *schema, const char *view)
{
    static const char *const functions[] = { "json_each", "json_tree", NULL };
    static const char *const below[] = { "entity_id", "source", "doubt", "moment", NULL };

    if (is_sealed(rules, view))
        return true;
    if (schema && !strcmp(schema, "temp") && (is_sealed(rules, table) || is_one_of(table, views)))
        return true;
    if (is_one_of(table, functions))
        return true;
    /* No column is read, as by count(*): SQLite then names the tables of a view without the view,
     * and a WITH, as any name without a schema, by its own name. */
    if (*column)
        return false;
    return is_one_of(table, views) || (schema ? is_one_of(table, below) : !is_table(rules, table));
}

int reader_rules_allow(const struct reader_rules *rules, int action, const char *a, const char *b,
                       const char *schema, const char *view)
{
    require(rules);
    static const char *const refused[] = { "load_extension", "fts3_tokenizer", "sqlite_log", NULL };

    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE: /* the time limit ends it */
        return SQLITE_OK;
    case SQLITE_READ:
        return may_read(rules, a, b ? b : "", schema, view) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
        return is_one_of(b, refused) ? SQLITE_DENY : SQLITE_OK;
    default:
        return SQLITE_DENY;
    }
}
