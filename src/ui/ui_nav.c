/*
 * Getting about: views (numbered panes, each with a stack of its own), opening and going
 * back, the places visited. Panes below the top keep their rows, cursor, order and filter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/require.h"

#include "ui_priv.h"

/* ---- views */

static struct view *view_by_number(struct ui *ui, int number)
{
    for (size_t i = 0; number && i < ui->nviews; i++)
        if (ui->views[i].number == number)
            return &ui->views[i];
    return NULL;
}

static bool view_add(struct ui *ui, const struct pane_def *d, struct err *e)
{
    struct view *other = view_by_number(ui, d->number);

    if (other && d->file) {
        const struct pane_def *o = ui_find_def(ui, other->name);
        return err_set(e, ERR_CONFIG, 0,
                       "%s: pane %s has number %d, which %s (%s) has too; give one of them another",
                       d->file, d->name, d->number, other->name,
                       o && o->file ? o->file : "built in");
    }
    if (ui->nviews == VIEWS_MAX)
        return err_set(e, ERR_LIMIT, 0, "there are more than %d views; pane %s is one too many",
                       VIEWS_MAX, d->name);
    ui->views[ui->nviews++] =
        (struct view){ .name = d->name, .title = d->title, .number = other ? 0 : d->number };
    return true;
}

static int cmp_views(const void *a, const void *b)
{
    const struct view *va = a, *vb = b;

    /* Views without a number come last. */
    return (va->number ? va->number : 99) - (vb->number ? vb->number : 99);
}

bool ui_views_build(struct ui *ui, struct err *e)
{
    for (size_t i = 0; i < ui->ndefs; i++)
        if (ui->defs[i]->number && !ui->defs[i]->is_detail && !view_add(ui, ui->defs[i], e))
            return false;
    for (size_t i = 0; i < pane_registry_n; i++) {
        const struct pane_def *d = pane_registry[i].def;
        if (d && d->number && ui_find_def(ui, d->name) == d && !view_add(ui, d, e))
            return false;
    }
    qsort(ui->views, ui->nviews, sizeof *ui->views, cmp_views);
    return true;
}

static long view_by_name(const struct ui *ui, const char *name)
{
    for (size_t i = 0; i < ui->nviews; i++)
        if (!strcmp(ui->views[i].name, name))
            return (long)i;
    return -1;
}

/* ---- places */

static void place_free(struct place *pl)
{
    free(pl->name);
    free(pl->source);
    free(pl->kind);
    free(pl->key);
    free(pl->title);
    *pl = (struct place){ 0 };
}

void ui_places_release(struct ui *ui)
{
    for (size_t i = 0; i < ui->nplaces; i++)
        place_free(&ui->places[i]);
    ui->nplaces = 0;
}

static const char *name_of(const struct pane *p)
{
    return p->def ? p->def->name : p->ops->name;
}

static bool is_place(const struct place *pl, const struct pane *p)
{
    return !strcmp(pl->name, name_of(p)) && !strcmp(pl->source, p->arg.source) &&
           !strcmp(pl->kind, p->arg.kind) && !strcmp(pl->key, p->arg.key);
}

static void place_record(struct ui *ui)
{
    const struct pane *p = ui_pane(ui);

    if (ui->nplaces && is_place(&ui->places[ui->place], p))
        return;
    while (ui->nplaces > ui->place + 1)
        place_free(&ui->places[--ui->nplaces]);
    if (ui->nplaces == PLACES_MAX) {
        place_free(&ui->places[0]);
        memmove(ui->places, ui->places + 1, (PLACES_MAX - 1) * sizeof *ui->places);
        ui->nplaces--;
    }
    ui->place = ui->nplaces;
    ui->places[ui->nplaces++] =
        (struct place){ xstrdup(name_of(p)), xstrdup(p->arg.source), xstrdup(p->arg.kind),
                        xstrdup(p->arg.key), xstrdup(p->arg.name) };
}

/* ---- showing */

struct pane *ui_pane(const struct ui *ui)
{
    require(ui && ui->view < ui->nviews);
    const struct view *v = &ui->views[ui->view];

    return v->stack[v->depth - 1];
}

static void shown(struct ui *ui)
{
    ui->pending.n = 0;
    ui->is_dirty = true;
    ui_ask_shown(ui);
}

bool ui_show_view(struct ui *ui, size_t view)
{
    require(ui && view < ui->nviews);
    struct view *v = &ui->views[view];
    struct err e = { 0 };

    if (!v->depth) {
        v->stack[0] = pane_new(ui, v->name, NULL, &e);
        if (!v->stack[0]) {
            ui_say(ui, true, "%s", e.text);
            return false;
        }
        v->depth = 1;
    }
    if (view != ui->view)
        ui->last_view = ui->view;
    ui->view = view;
    place_record(ui);
    shown(ui);
    return true;
}

static void pop(struct ui *ui)
{
    struct view *v = &ui->views[ui->view];

    pane_free(v->stack[--v->depth]);
    v->stack[v->depth] = NULL;
}

bool ui_open_pane(struct ui *ui, const char *name, const struct pane_arg *arg, bool keep_place)
{
    require(ui && name);
    struct view *v = &ui->views[ui->view];
    struct err e = { 0 };
    struct pane *p;

    if (v->depth == STACK_MAX) {
        ui_say(ui, true, "%d panes are open one over the other; q goes back", STACK_MAX);
        return false;
    }
    p = pane_new(ui, name, arg, &e);
    if (!p) {
        ui_say(ui, true, "%s", e.text);
        return false;
    }
    v->stack[v->depth++] = p;
    if (keep_place)
        place_record(ui);
    shown(ui);
    return true;
}

/* The pane that shows a row: of its kind, or the one that shows anything. */
static const char *pane_for_kind(const struct ui *ui, const char *kind)
{
    const struct pane_def *d = ui_def_of_kind(ui, kind);

    if (!d)
        d = ui_find_def(ui, kind);
    return d && d->is_detail ? d->name : "entity";
}

void ui_open_row(struct ui *ui, const char *target)
{
    const struct row_set *rs;
    size_t row;

    if (!pane_row(ui_pane(ui), &rs, &row)) {
        ui_say(ui, false, "There is no row here to open");
        return;
    }
    struct pane_arg arg = { row_set_text(rs, row, "source"), row_set_text(rs, row, "kind"),
                            row_set_text(rs, row, "key"), row_set_text(rs, row, "name") };
    if (!arg.kind[0] || !arg.key[0]) {
        ui_say(ui, false, "This row is no object that can be opened: it has no kind and key");
        return;
    }
    bool is_source = !strcmp(arg.kind, "source");
    if (!strcmp(target, "{kind}"))
        target = pane_for_kind(ui, arg.kind);
    else if (!strcmp(target, "raw") && is_source)
        target = "raw-source";
    else if (!strcmp(target, "entity") && is_source)
        target = "source";
    ui_open_pane(ui, target, &arg, true);
}

/* Esc and q undo one thing at a time, the newest first. */
bool ui_back(struct ui *ui)
{
    struct pane *p = ui_pane(ui);

    ui->is_dirty = true;
    if (p->page.is_full) {
        p->page.is_full = false;
    } else if (pane_has_table(p) && p->table.filter_text) {
        table_set_filter(&p->table, "");
    } else if (pane_has_table(p) && p->table.is_problems_only) {
        table_act(&p->table, ACT_PROBLEMS);
    } else if (ui->views[ui->view].depth > 1) {
        pop(ui);
        place_record(ui);
        shown(ui);
    } else {
        return false;
    }
    return true;
}

bool ui_goto_name(struct ui *ui, const char *name)
{
    require(ui && name);
    long view = view_by_name(ui, name);
    const struct pane_def *d = ui_find_def(ui, name);

    if (view >= 0) {
        bool is_here = (size_t)view == ui->view;
        while (is_here && ui->views[view].depth > 1)
            pop(ui);
        return ui_show_view(ui, (size_t)view);
    }
    /* A detail page needs a row to be about, so it cannot be named alone. */
    if (d && (d->is_detail || (d->list.sql && strstr(d->list.sql, ":key"))))
        return false;
    for (size_t i = 0; i < pane_registry_n; i++)
        if (pane_registry[i].ops && !strcmp(pane_registry[i].ops->name, name) &&
            !(d && d->head_sql))
            return ui_open_pane(ui, name, NULL, true);
    return d && ui_open_pane(ui, name, NULL, true);
}

static void go_place(struct ui *ui, const struct place *pl)
{
    long view = pl->key[0] ? -1 : view_by_name(ui, pl->name);
    struct pane_arg arg = { pl->source, pl->kind, pl->key, pl->title };

    if (view >= 0) {
        if ((size_t)view != ui->view)
            ui->last_view = ui->view;
        ui->view = (size_t)view;
        while (ui->views[view].depth > 1)
            pop(ui);
        if (ui->views[view].depth)
            shown(ui);
        else
            ui_show_view(ui, (size_t)view);
        return;
    }
    for (int i = ui->views[ui->view].depth - 1; i >= 0; i--)
        if (is_place(pl, ui->views[ui->view].stack[i])) {
            while (ui->views[ui->view].depth > i + 1)
                pop(ui);
            shown(ui);
            return;
        }
    ui_open_pane(ui, pl->name, &arg, false);
}

void ui_walk_places(struct ui *ui, int step)
{
    require(ui && step != 0);
    if ((step < 0 && ui->place == 0) || (step > 0 && ui->place + 1 >= ui->nplaces)) {
        ui_say(ui, false,
               step < 0 ? "This is the first place visited" : "This is the newest place");
        return;
    }
    ui->place = step < 0 ? ui->place - 1 : ui->place + 1;
    go_place(ui, &ui->places[ui->place]);
}
