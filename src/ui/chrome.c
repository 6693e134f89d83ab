/*
 * What stands around every pane: header (counts, sources, freshness), crumbs with the age of
 * the data or the error of its source, hints, message line; and the summary that replaces it
 * all on a screen too small for a pane. Only ui.c calls this.
 */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

#include "theme.h"
#include "ui_priv.h"

const char chrome_counts_sql[] = PROBLEMS_TOP
    "SELECT coalesce(sum(status = 'crit'), 0) AS crit,"
    " coalesce(sum(status = 'unknown'), 0) AS unknown,"
    " coalesce(sum(status = 'warn'), 0) AS warn,"
    " (SELECT group_concat(who, ', ') FROM (SELECT DISTINCT name || ' ' ||"
    "  (attrs->>'account') AS who FROM entity WHERE kind = 'aws-identity' ORDER BY 1)) AS who,"
    " (SELECT count(*) FROM entity WHERE kind = 'aws-identity') AS nwho FROM top";
const char chrome_states_sql[] =
    "SELECT name, state, last_success, failing_since, error, warning FROM source_state "
    "ORDER BY name";

struct line {
    struct paint *pt;
    int row, at, end;
};

static void put(struct line *l, enum role role, const char *text)
{
    if (l->at < l->end)
        l->at += canvas_text(l->pt->cv, l->row, l->at, l->end - l->at, role, text);
}

/* Whole or not at all: half a number is worse than none. */
static void put_whole(struct line *l, enum role role, const char *text)
{
    if (l->at + utf8_width(text) <= l->end)
        put(l, role, text);
}

/* ---- header */

static const struct {
    const char *col, *word;
    enum role role;
} severities[] = {
    { "crit", "crit", ROLE_CRIT },
    { "unknown", "unknown", ROLE_UNKNOWN },
    { "warn", "warn", ROLE_WARN },
};

static void put_counts(struct line *l, const struct ui *ui)
{
    for (size_t i = 0; i < ARRAY_LEN(severities); i++) {
        int64_t n = row_set_int(ui->counts.rows, 0, severities[i].col, 0);
        char text[64], count[48];

        snprintf(text, sizeof text, "%s %s",
                 theme_glyph(l->pt->theme, severities[i].role, l->pt->cv->ascii),
                 format_count(n, count));
        if (l->at + 2 + utf8_width(text) > l->end)
            return;
        put(l, ROLE_TEXT, "  ");
        put(l, n ? severities[i].role : ROLE_DIM, text);
    }
}

static void put_sources(struct line *l, const struct ui *ui)
{
    const struct row_set *rs = ui->states.rows;
    size_t ok = 0;
    int64_t oldest = INT64_MAX;
    char text[80], age[48];

    for (size_t r = 0; r < rs->nrows; r++) {
        int64_t at = row_set_int(rs, r, "last_success", 0);
        const char *state = row_set_text(rs, r, "state");
        ok += !strcmp(state, "ok") || !strcmp(state, "idle");
        if (at > 0 && at < oldest)
            oldest = at;
    }
    put(l, ROLE_TEXT, "  ");
    if (!rs->nrows) {
        put(l, ROLE_DIM, "no sources");
        return;
    }
    snprintf(text, sizeof text, "src %zu/%zu ok", ok, rs->nrows);
    put_whole(l, ok == rs->nrows ? ROLE_TEXT : ROLE_ERROR, text);
    if (oldest != INT64_MAX) {
        snprintf(text, sizeof text, "  oldest %s", format_age(l->pt, oldest, age));
        put_whole(l, ROLE_DIM, text);
    }
}

/* As whom AWS is asked, at the right end; names when they fit, else how many. */
static void put_identity(struct line *l, const struct ui *ui)
{
    int64_t n = row_set_int(ui->counts.rows, 0, "nwho", 0);
    const char *who = row_set_text(ui->counts.rows, 0, "who");
    char many[48];

    if (n <= 0 || !*who)
        return;
    snprintf(many, sizeof many, "%lld AWS identities", (long long)n);
    if (l->at + 2 + utf8_width(who) > l->end && n > 1)
        who = many;
    int from = l->end - utf8_width(who);
    if (from < l->at + 2)
        return;
    l->at = from;
    put(l, ROLE_DIM, who);
}

static void draw_header(const struct ui *ui, struct paint *pt)
{
    struct line l = { .pt = pt, .row = 0, .end = pt->cv->cols };
    char text[96], at[TIME_TEXT_MAX];

    put(&l, ROLE_HEADER, "opsdeck");
    if (ui->is_demo)
        put(&l, ROLE_ENV_DEMO, " [DEMO]");
    if (ui->at_ms) {
        snprintf(text, sizeof text, " AT %s ", time_local(ui->at_ms, clock_wall_ms(ui->clock), at));
        put(&l, ROLE_ENV_LIVE, text);
    }
    if (ui->counts.err.code != ERR_NONE) {
        put(&l, ROLE_ERROR, "  store: ");
        put(&l, ROLE_ERROR, ui->counts.err.text);
        return;
    }
    if (!ui->counts.rows || !ui->states.rows) {
        put(&l, ROLE_DIM, "  reading the store...");
        return;
    }
    put_counts(&l, ui);
    put_sources(&l, ui);
    if (ui->in_flight) {
        snprintf(text, sizeof text, "  polling %zu", ui->in_flight);
        put_whole(&l, ROLE_DIM, text);
    }
    if (ui->is_paused)
        put_whole(&l, ROLE_WARN, "  PAUSED");
    put_identity(&l, ui);
}

/* ---- crumbs, and how fresh this pane is */

struct freshness_note {
    char text[700];
    enum role role;
};

static bool is_of_pane(const struct pane *p, const char *source)
{
    for (size_t i = 0; i < p->nsources; i++)
        if (!strcmp(p->sources[i], source))
            return true;
    return p->nsources == 0;
}

/* The worst thing to say of one source; 0 is nothing but its age. */
static int note_source(const struct row_set *rs, size_t r, struct paint *pt, char *out, size_t max,
                       enum role *role)
{
    const char *name = row_set_text(rs, r, "name"), *state = row_set_text(rs, r, "state");
    const char *warning = row_set_text(rs, r, "warning");
    int64_t at = row_set_int(rs, r, "last_success", 0);
    int64_t since = row_set_int(rs, r, "failing_since", 0);
    char time[TIME_TEXT_MAX];

    *role = ROLE_WARN;
    if (!strcmp(state, "failing")) {
        *role = ROLE_ERROR;
        snprintf(out, max, "%s failing%s%s: %s", name, since ? " since " : "",
                 since ? time_local(since, pt->now_ms, time) : "", row_set_text(rs, r, "error"));
        return 4;
    }
    if (!strcmp(state, "doubtful")) {
        snprintf(out, max, "%s doubtful: %s", name,
                 warning[0] ? warning : "a second poll must agree");
        return 3;
    }
    if (!strcmp(state, "late")) {
        snprintf(out, max, "%s late, %s old", name, at ? format_age(pt, at, time) : "never");
        return 2;
    }
    *role = ROLE_DIM;
    if (!strcmp(state, "idle"))
        return 0; /* nobody has asked it anything */
    if (!strcmp(state, "never") || !at) {
        snprintf(out, max, "%s not polled yet", name);
        return 1;
    }
    return 0;
}

static void note_make(const struct ui *ui, const struct pane *p, struct paint *pt,
                      struct freshness_note *note)
{
    const struct row_set *rs = ui->states.rows;
    int64_t oldest = INT64_MAX;
    int worst = 0;

    *note = (struct freshness_note){ .role = ROLE_DIM };
    if (!p->def || (!p->def->list.sql && !p->def->head_sql))
        return;
    const struct err *e = p->list.err.code != ERR_NONE ? &p->list.err : &p->head.err;
    if (e->code != ERR_NONE) {
        note->role = ROLE_ERROR;
        snprintf(note->text, sizeof note->text, "store: %s", e->text);
        return;
    }
    for (size_t r = 0; rs && r < rs->nrows; r++) {
        char text[sizeof note->text];
        enum role role;
        int64_t at = row_set_int(rs, r, "last_success", 0);

        if (!is_of_pane(p, row_set_text(rs, r, "name")))
            continue;
        oldest = at > 0 && at < oldest ? at : oldest;
        int weight = note_source(rs, r, pt, text, sizeof text, &role);
        if (weight > worst) {
            worst = weight;
            memcpy(note->text, text, sizeof text);
            note->role = role;
        }
    }
    if (!worst && oldest != INT64_MAX) {
        char age[48];
        snprintf(note->text, sizeof note->text, "%s old", format_age(pt, oldest, age));
    }
}

static void put_crumbs(struct line *l, const struct ui *ui)
{
    const struct view *v = &ui->views[ui->view];
    const struct pane *p = ui_pane(ui);
    char at[160];

    for (int i = 0; i < v->depth; i++) {
        bool is_last = i == v->depth - 1;
        /* On the way to here a long name is cut, here it is not. */
        int room = is_last ? l->end - l->at : 24;
        const char *title = pane_title(v->stack[i]);
        int w = utf8_width(title);
        int cols = w < room ? w : room;

        if (i)
            put(l, ROLE_DIM, " > ");
        if (cols > l->end - l->at)
            cols = l->end - l->at;
        if (cols > 0)
            canvas_field(l->pt->cv, l->row, l->at, cols, is_last ? ROLE_TITLE : ROLE_DIM, title,
                         false, true);
        l->at += cols > 0 ? cols : 0;
    }
    if (!pane_has_table(p))
        return;
    if (!p->def->is_detail) {
        put(l, ROLE_TEXT, "  ");
        put(l, ROLE_DIM, table_position(&p->table, at));
    }
    if (p->table.filter_text) {
        put(l, ROLE_TEXT, "  ");
        put(l, ROLE_PROMPT, "/");
        put(l, ROLE_PROMPT, p->table.filter_text);
    }
    if (p->table.is_problems_only)
        put(l, ROLE_PROMPT, "  problems only");
}

static void draw_crumbs(const struct ui *ui, struct paint *pt)
{
    int cols = pt->cv->cols;
    struct line l = { .pt = pt, .row = 1, .end = cols };
    struct freshness_note note;

    note_make(ui, ui_pane(ui), pt, &note);
    int want = utf8_width(note.text);
    /* The note may push a long crumb aside, down to two thirds of the line. */
    if (want && want <= cols / 3)
        l.end = cols - want - 2;
    else if (want)
        l.end = cols - cols / 3 - 2;
    put_crumbs(&l, ui);
    int room = cols - l.at - 2;
    if (!want || room < 4)
        return;
    want = want < room ? want : room;
    canvas_field(pt->cv, 1, cols - want, want, note.role, note.text, false, false);
}

/* ---- foot */

static void draw_hints(const struct ui *ui, struct paint *pt, int row)
{
    static const struct {
        enum action a;
        const char *word;
    } hints[] = {
        { ACT_OPEN, "open" },  { ACT_BACK, "back" },       { ACT_FILTER, "filter" },
        { ACT_WHY, "why" },    { ACT_RAW, "json" },        { ACT_REFRESH, "poll" },
        { ACT_HELP, "help" },  { ACT_COMMAND, "command" }, { ACT_NEXT_VIEW, "next view" },
        { ACT_QUIT, "leave" },
    };
    struct line l = { .pt = pt, .row = row, .end = pt->cv->cols };

    if (ui->prompt.mode != PROMPT_NONE) {
        bool is_answer = ui->prompt.mode == PROMPT_ANSWER;
        put(&l, ROLE_DIM,
            is_answer ? "Enter answer  Esc go on without"
                      : "Enter keep  Esc cancel  Up/Down history  ctrl-u clear");
        if (ui->prompt.mode == PROMPT_COMMAND)
            put(&l, ROLE_DIM, "  Tab complete");
        if (ui->prompt.mode == PROMPT_FILTER)
            put(&l, ROLE_DIM, "  words  key:value  !not");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
        char key[KEY_TEXT_MAX];
        int cols;

        if (!keymap_first_key(&ui->keys, hints[i].a, key))
            continue;
        cols = utf8_width(key) + 1 + utf8_width(hints[i].word) + 2;
        if (l.at + cols - 2 > l.end)
            break;
        put(&l, ROLE_TEXT, key);
        put(&l, ROLE_DIM, " ");
        put(&l, ROLE_DIM, hints[i].word);
        put(&l, ROLE_DIM, "  ");
    }
}

static void draw_message(const struct ui *ui, struct paint *pt, int row)
{
    char keys[KEY_TEXT_MAX], text[80];

    if (ui->prompt.mode != PROMPT_NONE) {
        prompt_draw(&ui->prompt, pt->cv, row);
        return;
    }
    if (ui->pending.n) {
        snprintf(text, sizeof text, "%s ...", chord_text(&ui->pending, keys));
        canvas_text(pt->cv, row, 0, pt->cv->cols, ROLE_PROMPT, text);
    } else if (ui->message) {
        canvas_field(pt->cv, row, 0, pt->cv->cols, ui->is_message_error ? ROLE_ERROR : ROLE_TEXT,
                     ui->message, false, false);
    }
}

void chrome_draw(struct ui *ui, struct paint *pt)
{
    require(ui && pt && pt->cv);
    draw_header(ui, pt);
    draw_crumbs(ui, pt);
    draw_hints(ui, pt, pt->cv->rows - 2);
    draw_message(ui, pt, pt->cv->rows - 1);
}

/* ---- too small */

static void put_short(struct line *l, const struct ui *ui)
{
    for (size_t i = 0; i < ARRAY_LEN(severities); i++) {
        char text[64];

        snprintf(text, sizeof text, "%s%lld ",
                 theme_glyph(l->pt->theme, severities[i].role, l->pt->cv->ascii),
                 (long long)row_set_int(ui->counts.rows, 0, severities[i].col, 0));
        put(l, severities[i].role, text);
    }
}

void chrome_small(struct ui *ui, struct paint *pt)
{
    require(ui && pt && pt->cv);
    struct canvas *cv = pt->cv;
    struct line l = { .pt = pt, .end = cv->cols };
    bool is_ready = ui->counts.rows && ui->states.rows;

    if (cv->cols < 20 || cv->rows < 4) {
        if (ui->prompt.mode != PROMPT_NONE)
            prompt_draw(&ui->prompt, cv, 0);
        else if (!is_ready)
            put(&l, ROLE_DIM, "reading...");
        else
            put_short(&l, ui);
        return;
    }
    draw_header(ui, pt);
    for (size_t i = 0; is_ready && i < ARRAY_LEN(severities) && (int)i + 1 < cv->rows - 1; i++) {
        int64_t n = row_set_int(ui->counts.rows, 0, severities[i].col, 0);
        char text[96], count[48];

        snprintf(text, sizeof text, "%s %s %s",
                 theme_glyph(pt->theme, severities[i].role, cv->ascii), format_count(n, count),
                 severities[i].word);
        canvas_text(cv, (int)i + 1, 0, cv->cols, n ? severities[i].role : ROLE_DIM, text);
    }
    if (cv->rows > 5) {
        l.row = 4;
        l.at = 0;
        put_crumbs(&l, ui);
    }
    if (cv->rows > 6)
        canvas_text(cv, 5, 0, cv->cols, ROLE_DIM, "40x10 shows the rows");
    draw_message(ui, pt, cv->rows - 1);
}
