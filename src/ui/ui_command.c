/*
 * The command line of `:`. A word is a command of the table below, the name of a pane, or the
 * name of an action; everything a key does can be typed.
 */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/require.h"
#include "opsdeck/config/tree.h"

#include "ui_priv.h"

static void cmd_quit(struct ui *ui, const char *arg)
{
    (void)arg;
    ui->port.quit(ui->port.ctx);
}

static bool is_source(const struct ui *ui, const char *name)
{
    for (size_t r = 0; ui->states.rows && r < ui->states.rows->nrows; r++)
        if (!strcmp(row_set_text(ui->states.rows, r, "name"), name))
            return true;
    return false;
}

static void cmd_refresh(struct ui *ui, const char *arg)
{
    if (!arg[0]) {
        ui_act(ui, ACT_REFRESH);
    } else if (ui->states.rows && !is_source(ui, arg)) {
        ui_say(ui, true, "There is no source \"%s\"; :sources lists them", arg);
    } else {
        ui->port.refresh(ui->port.ctx, arg);
        ui_say(ui, false, "Polling %s", arg);
    }
}

/* Recipes that are asked on demand take what the person wants to know. */
static void cmd_ask(struct ui *ui, const char *arg)
{
    char source[80];
    size_t n = strcspn(arg, " ");
    struct err e = { 0 };

    snprintf(source, sizeof source, "%.*s", (int)n, arg);
    if (!ui->port.ask_source)
        ui_say(ui, true, "Sources cannot be asked here; use opsdeck poll --source %s", source);
    else if (ui->port.ask_source(ui->port.ctx, source, arg + n + strspn(arg + n, " "), &e))
        ui_say(ui, false, "Asking %s", source);
    else
        ui_say(ui, true, "%s", e.text);
}

static void cmd_filter(struct ui *ui, const char *arg)
{
    struct pane *p = ui_pane(ui);

    if (pane_has_table(p))
        table_set_filter(&p->table, arg);
    else
        ui_say(ui, true, "There is no list here to filter");
}

static void cmd_sort(struct ui *ui, const char *arg)
{
    struct pane *p = ui_pane(ui);

    if (!pane_has_table(p))
        ui_say(ui, true, "There is no list here to sort");
    else if (!table_sort_by(&p->table, arg))
        ui_say(ui, true, "There is no column \"%s\" here; Tab lists them", arg);
}

static void cmd_theme(struct ui *ui, const char *arg)
{
    struct err e = { 0 };

    if (!ui->port.theme)
        ui_say(ui, true, "The theme cannot be changed here; start with --theme %s", arg);
    else if (ui->port.theme(ui->port.ctx, arg, &e))
        ui_say(ui, false, "Theme %s", arg);
    else
        ui_say(ui, true, "The theme stays as it was: %s", e.text);
}

static const struct command {
    const char *name, *help;
    void (*run)(struct ui *ui, const char *arg);
    bool needs_arg;
} commands[] = {
    { "q", "Leave opsdeck", cmd_quit, false },
    { "quit", "Leave opsdeck", cmd_quit, false },
    { "refresh", "Poll the sources of this pane, or :refresh SOURCE", cmd_refresh, false },
    { "ask", ":ask SOURCE NAME=VALUE; NAME=VALUE ...: poll it with these params", cmd_ask, true },
    { "filter", ":filter TERMS as with /; without terms it is cleared", cmd_filter, false },
    { "sort", ":sort COLUMN", cmd_sort, true },
    { "theme", ":theme NAME", cmd_theme, true },
};

/* Everything that can stand first on the line. */
static size_t first_words(const struct ui *ui, const char **out, size_t max)
{
    size_t n = 0, nact;
    const char *const *acts = ui_action_names(&nact);

    for (size_t i = 0; i < ARRAY_LEN(commands) && n < max; i++)
        out[n++] = commands[i].name;
    for (size_t i = 0; i < ui->nviews && n < max; i++)
        out[n++] = ui->views[i].name;
    for (size_t i = 0; i < nact && n < max; i++)
        if (strcmp(acts[i], "refresh") != 0 && strcmp(acts[i], "filter") != 0 &&
            strcmp(acts[i], "quit") != 0)
            out[n++] = acts[i];
    return n;
}

void ui_command(struct ui *ui, const char *line)
{
    require(ui && line);
    char word[64];
    const char *words[256];

    line += strspn(line, " :");
    size_t n = strcspn(line, " ");
    if (!n)
        return;
    snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), line);
    const char *arg = line + n + strspn(line + n, " ");
    char arg_text[PROMPT_MAX_BYTES];
    snprintf(arg_text, sizeof arg_text, "%s", arg);
    for (size_t end = strlen(arg_text); end > 0 && arg_text[end - 1] == ' ';)
        arg_text[--end] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!strcmp(commands[i].name, word)) {
            if (commands[i].needs_arg && !arg_text[0])
                ui_say(ui, true, "%s: %s", commands[i].name, commands[i].help);
            else
                commands[i].run(ui, arg_text);
            return;
        }
    if (ui_goto_name(ui, word))
        return;
    if (action_by_name(word) != ACT_NONE) {
        ui_act(ui, action_by_name(word));
        return;
    }
    size_t nwords = first_words(ui, words, ARRAY_LEN(words));
    const char *near = cfg_nearest(word, words, nwords);
    ui_say(ui, true, "There is no command, pane or action \"%s\"%s%s; ? lists them all", word,
           near ? "; did you mean :" : "", near ? near : "");
}

static size_t arg_words(const struct ui *ui, const char *line, const char **out, size_t max)
{
    const struct pane *p = ui_pane(ui);
    size_t n = 0;

    if (!strncmp(line, "sort ", 5) && pane_has_table(p)) {
        for (size_t i = 0; i < p->def->list.ncols && n < max; i++)
            out[n++] = p->def->list.cols[i].from;
    } else if (!strncmp(line, "refresh ", 8) || !strncmp(line, "ask ", 4)) {
        for (size_t r = 0; ui->states.rows && r < ui->states.rows->nrows && n < max; r++)
            out[n++] = row_set_text(ui->states.rows, r, "name");
    }
    return n;
}

void ui_command_complete(struct ui *ui)
{
    struct prompt *p = &ui->prompt;
    const char *words[256];
    char all[400] = "";
    size_t used = 0;
    bool is_first = !memchr(p->text, ' ', p->pos);
    size_t n = is_first ? first_words(ui, words, ARRAY_LEN(words))
                        : arg_words(ui, p->text, words, ARRAY_LEN(words));
    size_t from = p->pos;

    while (from > 0 && p->text[from - 1] != ' ')
        from--;
    size_t found = prompt_complete(p, words, n);
    for (size_t i = 0; found > 1 && i < n; i++) {
        int len = 0;
        if (!strncmp(words[i], p->text + from, p->pos - from))
            len = snprintf(all + used, sizeof all - used, "%s%s", used ? " " : "", words[i]);
        used += len > 0 ? (size_t)len : 0;
        if (used >= sizeof all)
            break;
    }
    if (found != 1)
        ui_say(ui, false, "%s", found ? all : "Nothing begins so");
}

bool ui_command_row(size_t i, const char **name, const char **help)
{
    if (i >= ARRAY_LEN(commands))
        return false;
    *name = commands[i].name;
    *help = commands[i].help;
    return true;
}
