/* What commands print: JSON by the contract of docs/commands.md, CSV, and aligned text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/ui/filter.h"

#include "app_priv.h"

enum {
    TABLE_COLS_MAX = 8,
    CELL_COLS_MAX = 60
};

cJSON *json_time(int64_t ms)
{
    char text[TIME_TEXT_MAX];

    return ms > 0 ? cJSON_CreateString(time_iso(ms, text)) : cJSON_CreateNull();
}

/* Integers are printed raw: cJSON's doubles end at 2^53. */
cJSON *json_cell(const struct cell *c)
{
    switch (c->type) {
    case CELL_NULL:
        return cJSON_CreateNull();
    case CELL_INT:
        return cJSON_CreateRaw(c->text);
    case CELL_REAL:
        return c->d == c->d && c->d < 1e308 && c->d > -1e308 ? cJSON_CreateRaw(c->text)
                                                             : cJSON_CreateNull();
    case CELL_TEXT:
        break;
    }
    return cJSON_CreateString(c->text);
}

/* Attributes are kept as JSON text; it goes out as it is, so that numbers stay exact. */
cJSON *json_parse_or_text(const char *text)
{
    if (*text == '{' || *text == '[')
        return cJSON_CreateRaw(text);
    return *text ? cJSON_CreateString(text) : cJSON_CreateObject();
}

cJSON *json_row(const struct row_set *rs, size_t row)
{
    static const char *const texts[] = { "source", "kind", "key", "name", "status", "last_status" };
    cJSON *o = cJSON_CreateObject();
    const struct cell *c;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        cJSON_AddStringToObject(o, texts[i], row_set_text(rs, row, texts[i]));
    cJSON_AddBoolToObject(o, "stale", row_set_int(rs, row, "stale", 0) != 0);
    c = row_set_at(rs, row, row_set_col(rs, "summary"));
    cJSON_AddItemToObject(o, "summary", json_cell(c));
    cJSON_AddItemToObject(o, "since", json_time(row_set_int(rs, row, "since", 0)));
    cJSON_AddItemToObject(o, "parent", json_cell(row_set_at(rs, row, row_set_col(rs, "parent"))));
    cJSON_AddItemToObject(o, "url", json_cell(row_set_at(rs, row, row_set_col(rs, "url"))));
    cJSON_AddItemToObject(o, "attrs", json_parse_or_text(row_set_text(rs, row, "attrs")));
    cJSON_AddItemToObject(o, "observed_at", json_time(row_set_int(rs, row, "observed_at", 0)));
    return o;
}

void out_json(cJSON *doc)
{
    char *text = cJSON_Print(doc);

    puts(text ? text : "null");
    cJSON_free(text);
    cJSON_Delete(doc);
}

void out_objects(const struct row_set *rs)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < rs->nrows; i++) {
        cJSON *o = cJSON_CreateObject();
        for (size_t c = 0; c < rs->ncols; c++)
            cJSON_AddItemToObject(o, rs->cols[c], json_cell(row_set_at(rs, i, (int)c)));
        cJSON_AddItemToArray(list, o);
    }
    out_json(list);
}

/* RFC 4180; a cell that a spreadsheet would run gets a quote in front. */
static void csv_cell(const char *s, bool is_text)
{
    bool risky = is_text && *s && strchr("=+-@", *s);

    if (!risky && !strpbrk(s, ",\"\r\n")) {
        fputs(s, stdout);
        return;
    }
    putchar('"');
    if (risky)
        putchar('\'');
    for (; *s; s++) {
        if (*s == '"')
            putchar('"');
        putchar(*s);
    }
    putchar('"');
}

static bool is_time_column(const char *name)
{
    static const char *const times[] = { "since",        "observed_at", "changed_at",
                                         "at_from",      "at_to",       "last_success",
                                         "last_attempt", "next_due",    "failing_since" };

    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        if (!strcmp(times[i], name))
            return true;
    return false;
}

void out_csv(const struct row_set *rs)
{
    char at[TIME_TEXT_MAX];

    for (size_t c = 0; c < rs->ncols; c++) {
        if (c)
            putchar(',');
        csv_cell(rs->cols[c], true);
    }
    putchar('\n');
    for (size_t i = 0; i < rs->nrows; i++) {
        for (size_t c = 0; c < rs->ncols; c++) {
            const struct cell *cell = row_set_at(rs, i, (int)c);
            bool is_time = cell->type == CELL_INT && is_time_column(rs->cols[c]);
            if (c)
                putchar(',');
            csv_cell(is_time ? time_iso(cell->i, at) : cell->text, cell->type == CELL_TEXT);
        }
        putchar('\n');
    }
}

/* The text of one cell as a person reads it; `out` is scratch. */
static const char *cell_text(const struct row_set *rs, size_t row, const struct out_column *col,
                             int64_t now_ms, struct sbuf *out)
{
    const struct cell *c = row_set_at(rs, row, row_set_col(rs, col->from));
    char t[TIME_TEXT_MAX];

    sbuf_reset(out);
    if (col->as == AS_AGE && c->type == CELL_INT)
        sbuf_adds(out, time_age(now_ms - c->i, t));
    else if (col->as == AS_TIME && c->type == CELL_INT)
        sbuf_adds(out, time_local(c->i, now_ms, t));
    else
        sbuf_adds(out, c->text);
    if (col->as == AS_STATUS && row_set_int(rs, row, "stale", 0))
        sbuf_adds(out, " (stale)");
    return out->buf;
}

static void print_padded(const char *s, int width, bool is_last)
{
    int used;
    size_t n = utf8_prefix(s, width, &used);

    printf("%.*s", (int)n, s);
    if (!is_last)
        printf("%*s", width - used + 2, "");
}

void out_table(const struct app *a, const struct row_set *rs, const struct out_column *cols,
               size_t ncols)
{
    int width[TABLE_COLS_MAX];
    int64_t now = a->at_ms ? a->at_ms : clock_wall_ms(a->clock);
    struct sbuf sb;
    bool is_tty = isatty(STDOUT_FILENO);

    sbuf_init(&sb, 1 << 20);
    for (size_t c = 0; c < ncols; c++) {
        width[c] = utf8_width(cols[c].title);
        for (size_t i = 0; i < rs->nrows; i++) {
            int w = utf8_width(cell_text(rs, i, &cols[c], now, &sb));
            if (w > width[c])
                width[c] = w;
        }
        if (is_tty && width[c] > CELL_COLS_MAX)
            width[c] = CELL_COLS_MAX;
    }
    for (size_t c = 0; c < ncols && rs->nrows; c++)
        print_padded(cols[c].title, width[c], c + 1 == ncols);
    if (rs->nrows)
        putchar('\n');
    for (size_t i = 0; i < rs->nrows; i++) {
        for (size_t c = 0; c < ncols; c++)
            print_padded(cell_text(rs, i, &cols[c], now, &sb), width[c], c + 1 == ncols);
        putchar('\n');
    }
    sbuf_release(&sb);
}

void out_rows(const struct app *a, const struct row_set *rs)
{
    static const struct out_column cols[] = {
        { "status", "STATUS", AS_STATUS }, { "kind", "KIND", AS_TEXT },
        { "key", "KEY", AS_TEXT },         { "summary", "SUMMARY", AS_TEXT },
        { "observed_at", "SEEN", AS_AGE }, { "source", "SOURCE", AS_TEXT },
    };

    if (a->o.out == OUT_CSV) {
        out_csv(rs);
        return;
    }
    if (a->o.out == OUT_TEXT) {
        out_table(a, rs, cols, ARRAY_LEN(cols));
        return;
    }
    cJSON *doc = cJSON_CreateArray();
    for (size_t i = 0; i < rs->nrows; i++)
        cJSON_AddItemToArray(doc, json_row(rs, i));
    out_json(doc);
}

bool out_checks(const struct app *a, const struct row_set *rs)
{
    bool ok = true;

    for (size_t i = 0; i < rs->nrows; i++)
        ok &= row_set_int(rs, i, "ok", 0) != 0;
    if (a->o.out == OUT_CSV) {
        out_csv(rs);
        return ok;
    }
    if (a->o.out == OUT_JSON) {
        cJSON *doc = cJSON_CreateObject();
        cJSON_AddBoolToObject(doc, "ok", ok);
        cJSON *list = cJSON_AddArrayToObject(doc, "checks");
        for (size_t i = 0; i < rs->nrows; i++) {
            cJSON *o = cJSON_CreateObject();
            cJSON_AddStringToObject(o, "name", row_set_text(rs, i, "name"));
            cJSON_AddBoolToObject(o, "ok", row_set_int(rs, i, "ok", 0) != 0);
            cJSON_AddStringToObject(o, "detail", row_set_text(rs, i, "detail"));
            cJSON_AddItemToObject(o, "place",
                                  json_cell(row_set_at(rs, i, row_set_col(rs, "place"))));
            cJSON_AddItemToArray(list, o);
        }
        out_json(doc);
        return ok;
    }
    for (size_t i = 0; i < rs->nrows; i++) {
        const char *place = row_set_text(rs, i, "place");
        printf("%-4s %s: %s%s%s%s\n", row_set_int(rs, i, "ok", 0) ? "ok" : "FAIL",
               row_set_text(rs, i, "name"), row_set_text(rs, i, "detail"), *place ? " (" : "",
               place, *place ? ")" : "");
    }
    return ok;
}

struct row_set *filter_rows(struct row_set *rs, const char *expr)
{
    struct filter f = { 0 };
    size_t kept = 0;

    if (!expr || !*expr)
        return rs;
    filter_set(&f, expr);
    for (size_t i = 0; i < rs->nrows; i++) {
        struct arena *mem = arena_new();
        struct sbuf all;
        sbuf_init(&all, 1 << 20);
        for (size_t c = 0; c < rs->ncols; c++) {
            sbuf_adds(&all, row_set_at(rs, i, (int)c)->text);
            sbuf_addc(&all, ' ');
        }
        if (filter_match(&f, utf8_fold(mem, all.buf), rs, i)) {
            memmove(&rs->cells[kept * rs->ncols], &rs->cells[i * rs->ncols],
                    rs->ncols * sizeof *rs->cells);
            kept++;
        }
        sbuf_release(&all);
        arena_free(mem);
    }
    rs->nrows = kept;
    filter_release(&f);
    return rs;
}
