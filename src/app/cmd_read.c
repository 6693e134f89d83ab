/* Commands that read the store: status, list, show, changes, query. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/model/status.h"

#include "app_priv.h"

static int64_t moment(const struct app *a)
{
    return a->at_ms ? a->at_ms : clock_wall_ms(a->clock);
}

static int bad_usage(struct app *a, const char *text)
{
    struct err e;

    err_set(&e, ERR_USAGE, 0, "%s", text);
    return fail(a, &e);
}

/* ---- list */

static bool parse_limit(struct app *a, int64_t *limit, int *status)
{
    *limit = INT64_MAX;
    if (!a->o.limit || str_to_i64(a->o.limit, 0, INT64_MAX, limit))
        return true;
    *status = bad_usage(a, "--limit: expected a whole number");
    return false;
}

static void cut_rows(struct row_set *rs, int64_t limit)
{
    if ((int64_t)rs->nrows > limit)
        rs->nrows = (size_t)limit;
}

int cmd_list(struct app *a)
{
    int status;
    int64_t limit;

    if (a->o.nargs != 1)
        return bad_usage(a, "list KIND: which kind? opsdeck query 'SELECT DISTINCT kind FROM "
                            "entity' lists those there are");
    if (!parse_limit(a, &limit, &status))
        return status;
    struct bind kind = { .name = "kind", .type = CELL_TEXT, .text = a->o.args[0] };
    struct row_set *rs = app_ask(a,
                                 "SELECT source, kind, key, name, status, last_status, stale, "
                                 "summary, since, parent, url, json(attrs) AS attrs, observed_at "
                                 "FROM entity WHERE kind = :kind ORDER BY source, key",
                                 &kind, 1, &status);
    if (!rs)
        return status;
    rs = filter_rows(rs, a->o.filter);
    cut_rows(rs, limit);
    out_rows(a, rs);
    row_set_free(rs);
    return EXIT_GOOD;
}

/* ---- show */

/* [SOURCE/]KIND:KEY; a key may hold "/" and ":" itself, a kind cannot. */
static bool split_entity(struct arena *mem, const char *text, struct bind out[3])
{
    const char *colon = strchr(text, ':'),
               *slash = colon ? memchr(text, '/', (size_t)(colon - text)) : NULL;

    if (!colon || colon == text || !colon[1])
        return false;
    const char *kind = slash ? slash + 1 : text;
    out[0] = (struct bind){ .name = "source", .type = slash ? CELL_TEXT : CELL_NULL };
    if (slash)
        out[0].text = arena_strndup(mem, text, (size_t)(slash - text));
    out[1] = (struct bind){ .name = "kind",
                            .type = CELL_TEXT,
                            .text = arena_strndup(mem, kind, (size_t)(colon - kind)) };
    out[2] = (struct bind){ .name = "key", .type = CELL_TEXT, .text = colon + 1 };
    return true;
}

static void history_json(struct json *j, const struct row_set *h)
{
    json_array(j, "history");
    for (size_t i = 0; i < h->nrows; i++) {
        json_object(j, NULL);
        json_time(j, "valid_from", row_set_int(h, i, "valid_from", 0));
        json_time(j, "valid_to", row_set_int(h, i, "valid_to", 0));
        json_cell(j, "name", row_set_at(h, i, row_set_col(h, "name")));
        json_cell(j, "status", row_set_at(h, i, row_set_col(h, "status")));
        json_cell(j, "summary", row_set_at(h, i, row_set_col(h, "summary")));
        json_attrs(j, "attrs", row_set_text(h, i, "attrs"));
        json_close(j);
    }
    json_close(j);
}

static void show_json(struct app *a, const struct row_set *rs, const struct row_set *h)
{
    struct json j = out_document(&a->out);

    json_object(&j, NULL);
    json_row(&j, rs, 0);
    history_json(&j, h);
    json_object(&j, "answer");
    json_text(&j, "step", row_set_text(rs, 0, "step"));
    json_time(&j, "at", row_set_int(rs, 0, "observed_at", 0));
    json_close(&j);
    json_close(&j);
    out_add(&a->out, "\n");
}

/* One line an attribute. They are JSON by what has written them; what is not goes out as it is. */
static void show_attrs(struct out *o, const char *text)
{
    cJSON *attrs = cJSON_Parse(text), *v;

    if (!attrs && *text)
        out_addf(o, "%-12s %s\n", "attrs", text);
    cJSON_ArrayForEach (v, attrs) {
        char *value = cJSON_IsString(v) ? NULL : cJSON_PrintUnformatted(v);
        out_addf(o, "%-12s %s\n", v->string, value ? value : v->valuestring);
        cJSON_free(value);
    }
    cJSON_Delete(attrs);
}

static void show_text(struct app *a, const struct row_set *rs, const struct row_set *h)
{
    static const char *const labels[] = { "source",      "kind",    "key",    "name", "status",
                                          "last_status", "summary", "parent", "url" };
    struct out *o = &a->out;
    char t[TIME_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        if (*row_set_text(rs, 0, labels[i]))
            out_addf(o, "%-12s %s\n", labels[i], row_set_text(rs, 0, labels[i]));
    out_addf(o, "%-12s %s\n", "observed",
             time_local(row_set_int(rs, 0, "observed_at", 0), moment(a), t));
    show_attrs(o, row_set_text(rs, 0, "attrs"));
    out_add(o, "\nhistory, newest first\n");
    for (size_t i = 0; i < h->nrows; i++) {
        int64_t to = row_set_int(h, i, "valid_to", 0);
        char until[TIME_TEXT_MAX] = "now";
        if (to)
            time_local(to, moment(a), until);
        out_addf(o, "  %s to %s  %s  %s\n",
                 time_local(row_set_int(h, i, "valid_from", 0), moment(a), t), until,
                 row_set_text(h, i, "status"), row_set_text(h, i, "summary"));
    }
}

int cmd_show(struct app *a)
{
    struct bind binds[3];
    struct err e = { 0 };
    int status;

    if (a->o.nargs != 1)
        return bad_usage(a, "show [SOURCE/]KIND:KEY: which row?");
    if ((status = app_settings(a))) /* binds live in its arena */
        return status;
    if (!split_entity(a->mem, a->o.args[0], binds))
        return bad_usage(
            a, "show [SOURCE/]KIND:KEY: expected for example repository:operations-engineering");
    struct row_set *rs =
        app_ask(a,
                "SELECT json(attrs), * FROM entity WHERE kind = :kind AND key = :key AND "
                "(:source IS NULL OR source = :source) ORDER BY source",
                binds, 3, &status);
    if (!rs)
        return status;
    if (rs->nrows != 1) {
        if (rs->nrows == 0) {
            err_set(&e, ERR_NOT_FOUND, 0, "no row %s", a->o.args[0]);
        } else {
            err_set(&e, ERR_USAGE, 0, "%s is in several sources: say %s/%s or one of", a->o.args[0],
                    row_set_text(rs, 0, "source"), a->o.args[0]);
            for (size_t i = 0; i < rs->nrows; i++) {
                size_t n = strlen(e.text);
                snprintf(e.text + n, sizeof e.text - n, " %s", row_set_text(rs, i, "source"));
            }
        }
        row_set_free(rs);
        return fail(a, &e);
    }
    binds[0].type = CELL_TEXT;
    binds[0].text = row_set_text(rs, 0, "source");
    struct row_set *h =
        app_ask(a,
                "SELECT valid_from, valid_to, name, status, summary, json(attrs) AS attrs, cause "
                "FROM version "
                "WHERE source = :source AND kind = :kind AND key = :key AND valid_from <= :now "
                "ORDER BY valid_from DESC",
                binds, 3, &status);
    if (h) {
        if (a->o.out == OUT_JSON)
            show_json(a, rs, h);
        else if (a->o.out == OUT_CSV)
            out_csv(a, h);
        else
            show_text(a, rs, h);
    }
    row_set_free(h);
    row_set_free(rs);
    return status;
}

/* ---- changes */

static bool change_window(const struct app *a, struct bind binds[2], struct err *e)
{
    int64_t now = moment(a), since = now - 30 * 60000, around = 0, back;
    const char *text = a->o.since;

    if (text && dur_parse(text, &back))
        since = now - back;
    else if (text && !time_parse_moment(text, now, &since, e))
        return err_ctx(e, "--since");
    if (a->o.around && !time_parse_moment(a->o.around, now, &around, e))
        return err_ctx(e, "--around");
    if (around && !text)
        since = around - 30 * 60000;
    binds[0] = (struct bind){ .name = "since", .type = CELL_INT, .i = since };
    binds[1] =
        (struct bind){ .name = "around", .type = around ? CELL_INT : CELL_NULL, .i = around };
    return true;
}

static void changes_json(struct app *a, const struct row_set *rs)
{
    static const char *const texts[] = { "source", "kind", "key", "name", "what" },
                             *const cells[] = { "before", "after", "relation" };
    struct json j = out_document(&a->out);

    json_array(&j, NULL);
    for (size_t i = 0; i < rs->nrows; i++) {
        json_object(&j, NULL);
        json_time(&j, "at_from", row_set_int(rs, i, "at_from", 0));
        json_time(&j, "at_to", row_set_int(rs, i, "at_to", 0));
        for (size_t k = 0; k < ARRAY_LEN(texts); k++)
            json_text(&j, texts[k], row_set_text(rs, i, texts[k]));
        for (size_t k = 0; k < ARRAY_LEN(cells); k++)
            json_cell(&j, cells[k], row_set_at(rs, i, row_set_col(rs, cells[k])));
        json_close(&j);
    }
    json_close(&j);
    out_add(&a->out, "\n");
}

int cmd_changes(struct app *a)
{
    static const struct out_column cols[] = {
        { "at_to", "SEEN", AS_TIME },    { "what", "WHAT", AS_TEXT },
        { "kind", "KIND", AS_TEXT },     { "key", "KEY", AS_TEXT },
        { "before", "BEFORE", AS_TEXT }, { "after", "AFTER", AS_TEXT },
        { "source", "SOURCE", AS_TEXT },
    };
    struct bind binds[2];
    struct err e = { 0 };
    int status;
    int64_t limit;

    if ((status = app_settings(a)))
        return status;
    if (!parse_limit(a, &limit, &status))
        return status;
    if (!change_window(a, binds, &e))
        return fail(a, &e);
    struct row_set *rs = app_ask(a,
                                 "SELECT at_from, at_to, source, kind, key, name, what, before, "
                                 "after, cause, cause AS relation FROM change "
                                 "WHERE at_to >= :since ORDER BY CASE WHEN :around IS NULL THEN "
                                 "-at_to ELSE abs(at_to - :around) END, source, kind, key",
                                 binds, 2, &status);
    if (!rs)
        return status;
    rs = filter_rows(rs, a->o.filter);
    cut_rows(rs, limit);
    if (a->o.out == OUT_JSON)
        changes_json(a, rs);
    else if (a->o.out == OUT_CSV)
        out_csv(a, rs);
    else
        out_table(a, rs, cols, ARRAY_LEN(cols));
    row_set_free(rs);
    return EXIT_GOOD;
}

/* ---- query */

int cmd_query(struct app *a)
{
    int status;
    int64_t limit;

    if (a->o.nargs != 1)
        return bad_usage(a, "query 'SELECT ...': one SELECT as one argument");
    if (!parse_limit(a, &limit, &status))
        return status;
    struct row_set *rs = app_ask(a, a->o.args[0], NULL, 0, &status);
    if (!rs)
        return status;
    cut_rows(rs, limit);
    if (a->o.out == OUT_CSV) {
        out_csv(a, rs);
    } else if (a->o.out == OUT_JSON) {
        out_objects(a, rs);
    } else {
        struct out_column cols[8];
        size_t n = rs->ncols < ARRAY_LEN(cols) ? rs->ncols : ARRAY_LEN(cols);
        for (size_t c = 0; c < n; c++)
            cols[c] = (struct out_column){ rs->cols[c], rs->cols[c], AS_TEXT };
        out_table(a, rs, cols, n);
        if (n < rs->ncols)
            fprintf(stderr, "opsdeck: %zu more columns: --json or --csv shows them\n",
                    rs->ncols - n);
    }
    row_set_free(rs);
    return EXIT_GOOD;
}

/* ---- status */

struct tally {
    int64_t by[5], stale;
    enum status worst;
};

/* Every row counts once by what may be shown of it; a failing source counts as unknown even without
 * rows. */
static struct tally count_rows(const struct row_set *counts, const struct row_set *sources)
{
    struct tally t = { .worst = STATUS_OK };
    enum status s;

    for (size_t i = 0; i < counts->nrows; i++) {
        int64_t n = row_set_int(counts, i, "n", 0);
        if (!status_parse(row_set_text(counts, i, "status"), &s))
            s = STATUS_UNKNOWN;
        t.by[s] += n;
        t.stale += row_set_int(counts, i, "stale", 0);
        if (n)
            t.worst = status_worst(t.worst, s);
    }
    for (size_t i = 0; i < sources->nrows; i++) {
        const char *state = row_set_text(sources, i, "state");
        if (strcmp(state, "ok") != 0 && strcmp(state, "doubtful") != 0)
            t.worst = status_worst(t.worst, STATUS_UNKNOWN);
    }
    return t;
}

static void counts_json(struct json *j, const struct tally *t)
{
    static const enum status order[] = { STATUS_CRIT, STATUS_UNKNOWN, STATUS_WARN, STATUS_INFO,
                                         STATUS_OK };

    json_object(j, "counts");
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        json_int(j, status_word(order[i]), t->by[order[i]]);
    json_int(j, "stale", t->stale);
    json_int(j, "acked", 0);
    json_int(j, "snoozed", 0);
    json_close(j);
}

static void sources_json(struct app *a, struct json *j, const struct row_set *sources)
{
    json_array(j, "sources");
    for (size_t i = 0; i < sources->nrows; i++) {
        int64_t last = row_set_int(sources, i, "last_success", 0);
        json_object(j, NULL);
        json_text(j, "name", row_set_text(sources, i, "name"));
        json_text(j, "state", row_set_text(sources, i, "state"));
        if (last)
            json_int(j, "age_s", (moment(a) - last) / 1000);
        else
            json_null(j, "age_s");
        json_cell(j, "error", row_set_at(sources, i, row_set_col(sources, "error")));
        json_close(j);
    }
    json_close(j);
}

static void status_json(struct app *a, const struct tally *t, const struct row_set *problems,
                        const struct row_set *sources)
{
    struct json j = out_document(&a->out);

    json_object(&j, NULL);
    json_time(&j, "at", moment(a));
    json_text(&j, "worst", status_word(t->worst));
    counts_json(&j, t);
    json_rows(&j, "problems", problems);
    sources_json(a, &j, sources);
    json_close(&j);
    out_add(&a->out, "\n");
}

static void status_text(struct app *a, const struct tally *t, const struct row_set *problems,
                        const struct row_set *sources)
{
    static const struct out_column cols[] = {
        { "status", "STATUS", AS_STATUS }, { "kind", "KIND", AS_TEXT },
        { "name", "NAME", AS_TEXT },       { "summary", "SUMMARY", AS_TEXT },
        { "changed_at", "FOR", AS_AGE },   { "source", "SOURCE", AS_TEXT },
    };
    struct out *o = &a->out;

    out_addf(o, "%s: %lld crit, %lld unknown, %lld warn, %lld info, %lld ok; %lld stale\n",
             status_word(t->worst), (long long)t->by[STATUS_CRIT], (long long)t->by[STATUS_UNKNOWN],
             (long long)t->by[STATUS_WARN], (long long)t->by[STATUS_INFO],
             (long long)t->by[STATUS_OK], (long long)t->stale);
    if (sources->nrows == 0)
        out_add(o, "no source was ever polled here: opsdeck poll, or opsdeck for the dashboard\n");
    for (size_t i = 0; i < sources->nrows; i++)
        if (strcmp(row_set_text(sources, i, "state"), "ok") != 0)
            out_addf(o, "source %s: %s %s\n", row_set_text(sources, i, "name"),
                     row_set_text(sources, i, "state"), row_set_text(sources, i, "error"));
    out_table(a, problems, cols, ARRAY_LEN(cols));
}

int cmd_status(struct app *a)
{
    static const int exits[] = { [STATUS_OK] = 0,
                                 [STATUS_INFO] = 0,
                                 [STATUS_WARN] = 1,
                                 [STATUS_CRIT] = 2,
                                 [STATUS_UNKNOWN] = 3 };
    _Static_assert(ARRAY_LEN(exits) == STATUS_CRIT + 1, "an exit status for each");
    int status;
    /* First what reads attributes: a row that proves to be damaged counts as unknown below, too. */
    struct row_set *problems = app_ask(a, "SELECT * FROM problem ORDER BY rank", NULL, 0, &status);
    struct row_set *counts =
        problems ? app_ask(a,
                           "SELECT status, count(*) AS n, sum(stale) AS stale FROM entity GROUP BY "
                           "status",
                           NULL, 0, &status)
                 : NULL;
    struct row_set *sources =
        counts ? app_ask(a, "SELECT * FROM source_state ORDER BY name", NULL, 0, &status) : NULL;

    if (sources) {
        struct tally t = count_rows(counts, sources);
        if (sources->nrows == 0)
            t.worst = STATUS_UNKNOWN; /* no data is not ok */
        if (a->o.out == OUT_JSON)
            status_json(a, &t, problems, sources);
        else if (a->o.out == OUT_CSV)
            out_csv(a, problems);
        else
            status_text(a, &t, problems, sources);
        status = exits[t.worst];
    }
    row_set_free(counts);
    row_set_free(problems);
    row_set_free(sources);
    return status;
}
