/*
 * The help pane: every action with its keys, every pane and every command, as a table that
 * can be filtered; Enter runs what the cursor is on in the pane help was called from.
 */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"

#include "../ui_priv.h"
#include "panes_priv.h"

static void add(struct row_set *rs, const char *kind, const char *name, const char *keys,
                const char *help)
{
    struct cell *c = row_set_add(rs);

    cell_set_text(&c[0], rs, "help");
    cell_set_text(&c[1], rs, kind);
    cell_set_text(&c[2], rs, name);
    cell_set_text(&c[3], rs, keys);
    cell_set_text(&c[4], rs, name);
    cell_set_text(&c[5], rs, help);
}

static void add_panes(struct row_set *rs, const struct ui *ui)
{
    for (size_t i = 0; i < ui->nviews; i++) {
        const struct pane_def *d = ui_find_def(ui, ui->views[i].name);
        char keys[KEY_TEXT_MAX + 8] = "", typed[128];

        snprintf(typed, sizeof typed, ":%s", ui->views[i].name);
        if (ui->views[i].number) {
            char one[KEY_TEXT_MAX];
            enum action a = (enum action)(ACT_VIEW_1 + ui->views[i].number - 1);
            if (keymap_first_key(&ui->keys, a, one))
                snprintf(keys, sizeof keys, "%s", one);
        }
        add(rs, "pane", typed, keys, d && d->help ? d->help : "");
    }
}

static bool help_open(struct pane *p, struct err *e)
{
    static const char *const cols[] = { "source", "kind", "key", "keys", "name", "help" };
    struct row_set *rs = row_set_new(cols, ARRAY_LEN(cols));
    const struct ui *ui = p->ui;
    char keys[200], name[64];
    const char *word, *help;
    size_t n;
    const struct action_row *rows = ui_actions(&n);

    (void)e;
    add_panes(rs, ui);
    for (size_t i = 0; i < n; i++) {
        /* The panes above stand for the keys of views. */
        if (!strncmp(rows[i].name, "view-", 5))
            continue;
        keymap_keys(&ui->keys, (enum action)(i + 1), keys, sizeof keys);
        add(rs, "action", rows[i].name, keys[0] ? keys : "(unbound)", rows[i].help);
    }
    for (size_t i = 0; ui_command_row(i, &word, &help); i++) {
        snprintf(name, sizeof name, ":%s", word);
        add(rs, "command", name, "", help);
    }
    p->own_rows = rs;
    table_set_rows(&p->table, rs);
    return true;
}

static void help_layout(struct pane *p, struct paint *pt, int rows, int cols)
{
    (void)pt;
    (void)cols;
    table_layout(&p->table, rows - 1);
}

static void help_draw(const struct pane *p, struct paint *pt, int row, int rows, int cols)
{
    table_draw(&p->table, pt, row, rows, cols);
    if (!p->table.n)
        canvas_text(pt->cv, row + 1, 0, cols, ROLE_DIM,
                    "No action matches; Esc clears the filter.");
}

/* Runs it where help was called from, so help goes first; a command may need words behind it. */
static void run(struct ui *ui, const char *kind, const char *name)
{
    struct pane *p = ui_pane(ui);

    table_set_filter(&p->table, "");
    ui_back(ui);
    if (!strcmp(kind, "action")) {
        ui_act(ui, action_by_name(name));
        return;
    }
    if (!strcmp(kind, "pane")) {
        ui_command(ui, name);
        return;
    }
    char line[80];
    snprintf(line, sizeof line, "%s ", name + 1);
    prompt_open(&ui->prompt, PROMPT_COMMAND, line);
}

static bool help_act(struct pane *p, enum action a)
{
    long row = table_row(&p->table);
    char kind[16], name[64];

    if (a == ACT_HELP)
        return true; /* it is open already */
    if (a != ACT_OPEN)
        return table_act(&p->table, a);
    if (row < 0)
        return true;
    /* Copied, since running it frees this pane. */
    snprintf(kind, sizeof kind, "%s", row_set_text(p->own_rows, (size_t)row, "kind"));
    snprintf(name, sizeof name, "%s", row_set_text(p->own_rows, (size_t)row, "key"));
    run(p->ui, kind, name);
    return true;
}

const struct pane_ops pane_help_ops = {
    .name = "help",
    .view_class = "table",
    .open = help_open,
    .layout = help_layout,
    .draw = help_draw,
    .act = help_act,
};
