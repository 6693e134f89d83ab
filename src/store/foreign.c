/*
 * What comes from outside, before anything else is done with it on the ingest thread: live secrets
 * that a server says back are hidden, and of an answer's headers only those are kept that the
 * recipe's SQL asks for.
 */
#include "ingest_priv.h"

#include <string.h>

#include "opsdeck/base/hide.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"

#include "sandbox_rules.h"

static const char *hidden(struct arena *mem, const char *s)
{
    char *own = arena_strdup(mem, s);

    if (own)
        hide_values(own, strlen(own));
    return own;
}

void foreign_hide(struct ingest_job *job, struct arena *mem)
{
    if (job->type != INGEST_MAP)
        return;
    if (job->body)
        job->body_len = hide_values(job->body, job->body_len);
    job->headers_json = hidden(mem, job->headers_json);
    job->content_type = hidden(mem, job->content_type);
    job->etag = hidden(mem, job->etag);
    job->last_modified = hidden(mem, job->last_modified);
}

/* Each name between two LF, lower case. */
static void add_names(struct sbuf *names, const struct map_sql *sql)
{
    const char *p = sql->sql, *name;
    size_t n;

    while (p && rules_next_header(&p, &name, &n) == 1) {
        for (size_t i = 0; i < n; i++)
            sbuf_addc(names, name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i]);
        sbuf_addc(names, '\n');
    }
}

bool foreign_headers(struct ingest_db *in, const struct map_step *step, const char *headers_json,
                     char **out, struct err *e)
{
    const struct map_sql *const parts[] = { &step->next, &step->total, &step->until };
    struct sbuf names;

    *out = NULL;
    sbuf_init(&names, 64 * 1024);
    sbuf_addc(&names, '\n');
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        add_names(&names, parts[i]);
    for (size_t i = 0; i < step->nrows; i++)
        add_names(&names, &step->rows[i].sql);
    bool ok = true;
    if (names.len > 1 && headers_json) {
        sqlite3_stmt *st =
            db_query(&in->db, e,
                     "SELECT json_group_object(key, value) FROM json_each(?1) WHERE type = 'text' "
                     "AND instr(?2, char(10) || lower(key) || char(10))",
                     "ss", headers_json, names.buf);
        ok = st && db_step(&in->db, st, e) == 1;
        if (ok) {
            *out = xstrdup(db_text(st, 0));
            sqlite3_reset(st);
        }
    }
    sbuf_release(&names);
    return ok || err_ctx(e, "headers of the answer");
}
