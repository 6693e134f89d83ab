/* Pane files: a table, or the detail of one row. See ui_files.h; the queries are the store's to
 * judge. */
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/config/ui_files.h"

#include "config_priv.h"

#define NOWHERE .offset = KEY_NO_OFFSET
#define PANE(member) .offset = offsetof(struct pane_def, member)
#define COLUMN(member) .offset = offsetof(struct column_def, member)
#define FIELD(member) .offset = offsetof(struct field_def, member)
#define LIST(member) .offset = offsetof(struct list_def, member)

static const char *const types[] = { "table", "detail", NULL };
/* In the order of enum column_as. */
static const char *const forms[] = { "text",   "status", "age",      "time",
                                     "number", "bytes",  "duration", NULL };
_Static_assert(ARRAY_LEN(forms) == COL_DURATION + 2, "a word for each, and the end");

#define COLUMN_KEYS(prefix)                                                                        \
    { prefix ".from", KEY_TEXT, .flags = KEY_REQUIRED, COLUMN(from),                               \
      .help = "column of the query" },                                                             \
        { prefix ".title", KEY_TEXT, COLUMN(title), .help = "its heading" }, { prefix ".as",       \
                                                                               KEY_CHOICE_NO,      \
                                                                               .dflt = "text",     \
                                                                               .choices = forms,   \
                                                                               COLUMN(as),         \
                                                                               .help = "form" },   \
        { prefix ".min", KEY_INT,     .dflt = "0",          .min = 0,                              \
          .max = 200,    COLUMN(min), .help = "least width" },                                     \
        { prefix ".max",                                                                           \
          KEY_INT,                                                                                 \
          .dflt = "0",                                                                             \
          .min = 0,                                                                                \
          .max = 500,                                                                              \
          COLUMN(max),                                                                             \
          .help = "greatest width, 0: any" },                                                      \
        { prefix ".grow",                                                                          \
          KEY_INT,                                                                                 \
          .dflt = "0",                                                                             \
          .min = 0,                                                                                \
          .max = 10,                                                                               \
          COLUMN(grow),                                                                            \
          .help = "share of spare room" },                                                         \
        { prefix ".priority",         KEY_INT, .dflt = "0", .min = 0, .max = 9, COLUMN(priority),  \
          .help = "higher goes first" },                                                           \
    {                                                                                              \
        prefix ".middle_cut", KEY_BOOL, .dflt = "false", COLUMN(middle_cut),                       \
                                        .help = "cut in the middle"                                \
    }

static const struct key_def rows[] = {
    { "pane", KEY_NAME, .flags = KEY_REQUIRED, PANE(name), .help = "its name" },
    { "title", KEY_TEXT, PANE(title), .help = "heading" },
    { "help", KEY_TEXT, PANE(help), .help = "line of the help screen" },
    { "type", KEY_CHOICE, .dflt = "table", .choices = types, NOWHERE, .help = "table or detail" },
    { "kind", KEY_TEXT, PANE(kind), .help = "kind of row a detail shows" },
    { "number", KEY_INT, .dflt = "0", .min = 0, .max = 9, PANE(number), .help = "its key 1 to 9" },
    { "query", KEY_TEXT, NOWHERE, .help = "SELECT" },
    { "fields", KEY_MAPS, NOWHERE, .help = "fields of a detail" },
    { "fields.label", KEY_TEXT, .flags = KEY_REQUIRED, FIELD(label), .help = "label" },
    { "fields.from", KEY_TEXT, .flags = KEY_REQUIRED, FIELD(from), .help = "column of the query" },
    { "fields.as", KEY_CHOICE_NO, .dflt = "text", .choices = forms, FIELD(as), .help = "form" },
    { "columns", KEY_MAPS, NOWHERE, .help = "columns of a table" },
    COLUMN_KEYS("columns"),
    { "sort", KEY_TEXTS, NOWHERE, .help = "columns, - in front for the greatest first" },
    { "open", KEY_TEXT, NOWHERE, .help = "pane that Enter opens" },
    { "empty", KEY_TEXT, NOWHERE, .help = "what to say when there is nothing" },
    { "list", KEY_MAP, NOWHERE, .help = "the list below a detail" },
    { "list.title", KEY_TEXT, LIST(title), .help = "heading" },
    { "list.query", KEY_TEXT, .flags = KEY_REQUIRED, LIST(sql), .help = "SELECT" },
    { "list.columns", KEY_MAPS, .flags = KEY_REQUIRED, NOWHERE, .help = "columns" },
    COLUMN_KEYS("list.columns"),
    { "list.sort", KEY_TEXTS, NOWHERE, .help = "columns, - in front for the greatest first" },
    { "list.open", KEY_TEXT, LIST(open), .help = "pane that Enter opens" },
    { "list.empty", KEY_TEXT, LIST(empty), .help = "what to say when there is nothing" },
};

static const struct key_table table = { rows, ARRAY_LEN(rows), NULL };

static const char *text_at(const struct cfg_node *map, const char *key)
{
    const struct cfg_node *n = cfg_get(map, key);

    return n && n->kind == CFG_SCALAR && !n->is_null ? n->text : NULL;
}

static bool read_sort(struct list_def *l, const struct cfg_node *list, const char *shown,
                      struct cfg_problems *ps)
{
    if (!list || list->is_null)
        return true;
    if (list->kind != CFG_SEQ || list->n > ARRAY_LEN(l->sort)) {
        cfg_problem_add(ps, list->pos, shown, NULL, "expected a list of at most %zu columns",
                        ARRAY_LEN(l->sort));
        return false;
    }
    for (size_t i = 0; i < list->n; i++) {
        const char *text = list->items[i]->text;
        bool down = *text == '-';
        l->sort[l->nsort++] = (struct sort_def){ text + down, down };
    }
    return true;
}

static void read_columns(struct arena *mem, struct list_def *l, const struct cfg_node *list,
                         const char *prefix)
{
    if (!list || list->kind != CFG_SEQ)
        return;
    l->cols = arena_array(mem, list->n, sizeof *l->cols);
    for (size_t i = 0; i < list->n; i++) {
        struct column_def *c = &l->cols[l->ncols++];
        key_fill(&table, prefix, list->items[i], c, mem);
        if (!c->title)
            c->title = c->from;
    }
}

static bool check_widths(const struct list_def *l, const struct cfg_node *list, const char *shown,
                         struct cfg_problems *ps)
{
    bool ok = true;

    for (size_t i = 0; i < l->ncols; i++) {
        if (!l->cols[i].max || l->cols[i].min <= l->cols[i].max)
            continue;
        cfg_problem_add(ps, list->items[i]->pos, arena_printf(ps->mem, "%s[%zu]", shown, i), NULL,
                        "min: %d is more than max: %d", l->cols[i].min, l->cols[i].max);
        ok = false;
    }
    return ok;
}

/* A key that the other type of pane has would do nothing here, and say nothing. */
static bool check_misplaced(const struct cfg_node *root, bool is_detail, struct cfg_problems *ps)
{
    static const char *const of_table[] = { "columns", "sort", "open", "empty", "number" };
    static const char *const of_detail[] = { "fields", "list", "kind" };
    const char *const *keys = is_detail ? of_table : of_detail;
    size_t n = is_detail ? ARRAY_LEN(of_table) : ARRAY_LEN(of_detail);
    bool ok = true;

    for (size_t i = 0; i < n; i++) {
        if (!cfg_get(root, keys[i]))
            continue;
        cfg_problem_add(ps, cfg_key_pos(root, keys[i]), keys[i],
                        is_detail ? "write it below list:" : "add type: detail, or remove it",
                        is_detail ? "belongs to a table, but this pane is a detail"
                                  : "belongs to a detail, but this pane is a table");
        ok = false;
    }
    return ok;
}

/* A table is the list itself; a detail has fields, and perhaps a list below them. */
static bool read_table(struct arena *mem, struct pane_def *p, const struct cfg_node *root,
                       struct cfg_problems *ps)
{
    const struct cfg_node *query = cfg_get(root, "query"), *columns = cfg_get(root, "columns");

    if (!query || query->is_null || !columns || !columns->n) {
        cfg_problem_add(ps, root->pos, "", NULL, "a table pane needs query: and columns:");
        return false;
    }
    p->list.sql = query->text;
    p->list.pos = query->pos;
    p->list.title = p->title;
    p->list.open = text_at(root, "open");
    p->list.empty = text_at(root, "empty");
    read_columns(mem, &p->list, columns, "columns");
    bool ok = check_widths(&p->list, columns, "columns", ps);
    return read_sort(&p->list, cfg_get(root, "sort"), "sort", ps) && ok;
}

static bool read_detail(struct arena *mem, struct pane_def *p, const struct cfg_node *root,
                        struct cfg_problems *ps)
{
    const struct cfg_node *fields = cfg_get(root, "fields"), *list = cfg_get(root, "list");

    p->is_detail = true;
    p->head_sql = text_at(root, "query");
    if (!p->head_sql) {
        cfg_problem_add(ps, root->pos, "", NULL, "a detail pane needs query:");
        return false;
    }
    if (fields && fields->kind == CFG_SEQ) {
        p->fields = arena_array(mem, fields->n, sizeof *p->fields);
        for (size_t i = 0; i < fields->n; i++)
            key_fill(&table, "fields", fields->items[i], &p->fields[p->nfields++], mem);
    }
    if (!list || list->kind != CFG_MAP)
        return true;
    key_fill(&table, "list", list, &p->list, mem);
    p->list.pos = cfg_get(list, "query")->pos;
    read_columns(mem, &p->list, cfg_get(list, "columns"), "list.columns");
    bool ok = check_widths(&p->list, cfg_get(list, "columns"), "list.columns", ps);
    return read_sort(&p->list, cfg_get(list, "sort"), "list.sort", ps) && ok;
}

struct pane_def *pane_load(struct arena *mem, const char *path, struct cfg_problems *ps)
{
    size_t len = 0;
    const char *text = cfg_slurp_data(mem, path, &len, ps);

    return text ? pane_parse(mem, path, text, len, ps) : NULL;
}

struct pane_def *pane_parse(struct arena *mem, const char *path, const char *text, size_t len,
                            struct cfg_problems *ps)
{
    struct pane_def *p = arena_alloc(mem, sizeof *p);
    const struct cfg_node *root = cfg_read_data_text(mem, path, text, len, ps);

    if (!root || !key_check(&table, "", root, "", ps))
        return NULL;
    p->file = arena_strdup(mem, path);
    p->pos = root->pos;
    key_fill(&table, "", root, p, mem);
    if (!p->title)
        p->title = p->name;
    if (!p->help)
        p->help = "";
    const char *type = text_at(root, "type");
    bool is_detail = type && !strcmp(type, "detail");
    bool ok = check_misplaced(root, is_detail, ps);
    return (is_detail ? read_detail : read_table)(mem, p, root, ps) && ok ? p : NULL;
}

size_t pane_list(struct arena *mem, const struct data_dirs *dirs, char ***paths)
{
    return data_list(mem, dirs, "panes", paths);
}
