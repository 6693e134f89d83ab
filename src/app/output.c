/* What commands print: JSON by the contract of docs/commands.md, CSV, and aligned text. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

void json_time(struct json *j, const char *key, int64_t ms)
{
    char text[TIME_TEXT_MAX];

    json_text(j, key, ms > 0 ? time_iso(ms, text) : NULL);
}

/* Integers are printed as they came: a double ends at 2^53. */
void json_cell(struct json *j, const char *key, const struct cell *c)
{
    bool is_number = c->type == CELL_INT ||
                     (c->type == CELL_REAL && c->d == c->d && c->d < 1e308 && c->d > -1e308);

    if (is_number)
        json_raw(j, key, c->text);
    else
        json_text(j, key, c->type == CELL_TEXT ? c->text : NULL);
}

/* Attributes are kept as JSON text; it goes out as it is, so that numbers stay exact. */
void json_attrs(struct json *j, const char *key, const char *text)
{
    if (!*text)
        text = "{}";
    if (*text == '{' || *text == '[')
        json_raw(j, key, text);
    else
        json_text(j, key, text);
}

static void json_cell_of(struct json *j, const struct row_set *rs, size_t row, const char *col)
{
    json_cell(j, col, row_set_at(rs, row, row_set_col(rs, col)));
}

void json_row(struct json *j, const struct row_set *rs, size_t row)
{
    static const char *const texts[] = { "source", "kind", "key", "name", "status", "last_status" };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_text(j, texts[i], row_set_text(rs, row, texts[i]));
    json_bool(j, "stale", row_set_int(rs, row, "stale", 0) != 0);
    json_cell_of(j, rs, row, "summary");
    json_time(j, "since", row_set_int(rs, row, "since", 0));
    json_cell_of(j, rs, row, "parent");
    json_cell_of(j, rs, row, "url");
    json_attrs(j, "attrs", row_set_text(rs, row, "attrs"));
    json_time(j, "observed_at", row_set_int(rs, row, "observed_at", 0));
}

void json_rows(struct json *j, const char *key, const struct row_set *rs)
{
    json_array(j, key);
    for (size_t i = 0; i < rs->nrows; i++) {
        json_object(j, NULL);
        json_row(j, rs, i);
        json_close(j);
    }
    json_close(j);
}

void out_objects(struct app *a, const struct row_set *rs)
{
    struct json j = out_document(&a->out);

    json_array(&j, NULL);
    for (size_t i = 0; i < rs->nrows; i++) {
        json_object(&j, NULL);
        for (size_t c = 0; c < rs->ncols; c++)
            json_cell(&j, rs->cols[c], row_set_at(rs, i, (int)c));
        json_close(&j);
    }
    json_close(&j);
    out_add(&a->out, "\n");
}

/* RFC 4180; a cell that a spreadsheet would run gets a quote in front. */
static void csv_cell(struct sbuf *out, const char *s, bool is_text)
{
    bool risky = is_text && *s && strchr("=+-@", *s);

    if (!risky && !strpbrk(s, ",\"\r\n")) {
        sbuf_adds(out, s);
        return;
    }
    sbuf_addc(out, '"');
    if (risky)
        sbuf_addc(out, '\'');
    for (; *s; s++) {
        if (*s == '"')
            sbuf_addc(out, '"');
        sbuf_addc(out, *s);
    }
    sbuf_addc(out, '"');
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

void out_csv(struct app *a, const struct row_set *rs)
{
    struct sbuf *out = out_buf(&a->out);
    char at[TIME_TEXT_MAX];

    for (size_t c = 0; c < rs->ncols; c++) {
        if (c)
            sbuf_addc(out, ',');
        csv_cell(out, rs->cols[c], true);
    }
    sbuf_addc(out, '\n');
    for (size_t i = 0; i < rs->nrows; i++) {
        for (size_t c = 0; c < rs->ncols; c++) {
            const struct cell *cell = row_set_at(rs, i, (int)c);
            bool is_time = cell->type == CELL_INT && is_time_column(rs->cols[c]);
            if (c)
                sbuf_addc(out, ',');
            csv_cell(out, is_time ? time_iso(cell->i, at) : cell->text, cell->type == CELL_TEXT);
        }
        sbuf_addc(out, '\n');
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

static void add_padded(struct sbuf *out, const char *s, int width, bool is_last)
{
    int used;
    size_t n = utf8_prefix(s, width, &used);

    sbuf_add(out, s, n);
    for (int i = used; !is_last && i < width + 2; i++)
        sbuf_addc(out, ' ');
}

void out_table(struct app *a, const struct row_set *rs, const struct out_column *cols, size_t ncols)
{
    int width[TABLE_COLS_MAX];
    int64_t now = a->at_ms ? a->at_ms : clock_wall_ms(a->clock);
    struct sbuf sb, *out = out_buf(&a->out);
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
        add_padded(out, cols[c].title, width[c], c + 1 == ncols);
    if (rs->nrows)
        sbuf_addc(out, '\n');
    for (size_t i = 0; i < rs->nrows; i++) {
        for (size_t c = 0; c < ncols; c++)
            add_padded(out, cell_text(rs, i, &cols[c], now, &sb), width[c], c + 1 == ncols);
        sbuf_addc(out, '\n');
    }
    sbuf_release(&sb);
}

void out_rows(struct app *a, const struct row_set *rs)
{
    static const struct out_column cols[] = {
        { "status", "STATUS", AS_STATUS }, { "kind", "KIND", AS_TEXT },
        { "key", "KEY", AS_TEXT },         { "summary", "SUMMARY", AS_TEXT },
        { "observed_at", "SEEN", AS_AGE }, { "source", "SOURCE", AS_TEXT },
    };

    if (a->o.out == OUT_CSV) {
        out_csv(a, rs);
        return;
    }
    if (a->o.out == OUT_TEXT) {
        out_table(a, rs, cols, ARRAY_LEN(cols));
        return;
    }
    struct json j = out_document(&a->out);
    json_rows(&j, NULL, rs);
    out_add(&a->out, "\n");
}

static void checks_json(struct app *a, const struct row_set *rs, bool ok)
{
    struct json j = out_document(&a->out);

    json_object(&j, NULL);
    json_bool(&j, "ok", ok);
    json_array(&j, "checks");
    for (size_t i = 0; i < rs->nrows; i++) {
        json_object(&j, NULL);
        json_text(&j, "name", row_set_text(rs, i, "name"));
        json_bool(&j, "ok", row_set_int(rs, i, "ok", 0) != 0);
        json_text(&j, "detail", row_set_text(rs, i, "detail"));
        json_cell_of(&j, rs, i, "place");
        json_close(&j);
    }
    json_close(&j);
    json_close(&j);
    out_add(&a->out, "\n");
}

bool out_checks(struct app *a, const struct row_set *rs)
{
    bool ok = true;

    for (size_t i = 0; i < rs->nrows; i++)
        ok &= row_set_int(rs, i, "ok", 0) != 0;
    if (a->o.out == OUT_CSV) {
        out_csv(a, rs);
        return ok;
    }
    if (a->o.out == OUT_JSON) {
        checks_json(a, rs, ok);
        return ok;
    }
    for (size_t i = 0; i < rs->nrows; i++) {
        const char *place = row_set_text(rs, i, "place");
        out_addf(&a->out, "%-4s %s: %s%s%s%s\n", row_set_int(rs, i, "ok", 0) ? "ok" : "FAIL",
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
