/*
 * A pane's life: made by name (a pane file, or code from the registry), its questions and
 * answers, the sources its rows come from. What it draws and does stands in src/ui/panes.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/base/require.h"

#include "attrs.h"
#include "ui_priv.h"

static const struct code_pane *registered(const char *name)
{
    for (size_t i = 0; i < pane_registry_n; i++)
        if (!strcmp(pane_registry[i].ops ? pane_registry[i].ops->name : pane_registry[i].def->name,
                    name))
            return &pane_registry[i];
    return NULL;
}

const struct pane_def *ui_find_def(const struct ui *ui, const char *name)
{
    require(ui && name);
    const struct code_pane *c = registered(name);

    /* A file wins over a shipped definition, never over code. */
    if (c && c->ops)
        return c->def;
    for (size_t i = 0; i < ui->ndefs; i++)
        if (!strcmp(ui->defs[i]->name, name))
            return ui->defs[i];
    return c ? c->def : NULL;
}

const struct pane_def *ui_def_of_kind(const struct ui *ui, const char *kind)
{
    require(ui && kind);
    for (size_t i = 0; i < ui->ndefs; i++)
        if (ui->defs[i]->is_detail && ui->defs[i]->kind && !strcmp(ui->defs[i]->kind, kind))
            return ui->defs[i];
    for (size_t i = 0; i < pane_registry_n; i++) {
        const struct pane_def *d = pane_registry[i].def;
        if (!pane_registry[i].ops && d->is_detail && d->kind && !strcmp(d->kind, kind))
            return d;
    }
    return NULL;
}

struct pane *pane_new(struct ui *ui, const char *name, const struct pane_arg *arg, struct err *e)
{
    require(ui && name);
    const struct code_pane *c = registered(name);
    const struct pane_def *def = ui_find_def(ui, name);
    const struct pane_ops *ops = c && c->ops ? c->ops : def ? &pane_file_ops : NULL;
    static const struct pane_arg none = { "", "", "", "" };

    if (!ops) {
        err_set(e, ERR_NOT_FOUND, 0, "there is no pane \"%s\"; ? lists the panes", name);
        return NULL;
    }
    struct pane *p = xcalloc(1, sizeof *p);
    p->ops = ops;
    p->ui = ui;
    p->def = def;
    p->mem = arena_new();
    arg = arg ? arg : &none;
    p->arg.source = arena_strdup(p->mem, arg->source ? arg->source : "");
    p->arg.kind = arena_strdup(p->mem, arg->kind ? arg->kind : "");
    p->arg.key = arena_strdup(p->mem, arg->key ? arg->key : "");
    p->arg.name = arena_strdup(p->mem, arg->name ? arg->name : "");
    pane_set_old(p);
    if (def)
        table_init(&p->table, &def->list);
    text_init(&p->text);
    if (ops->open && !ops->open(p, e)) {
        pane_free(p);
        return NULL;
    }
    return p;
}

void pane_free(struct pane *p)
{
    if (!p)
        return;
    slot_release(p->ui, &p->head);
    slot_release(p->ui, &p->list);
    table_release(&p->table);
    text_release(&p->text);
    row_set_free(p->own_rows);
    arena_free(p->sources_mem);
    arena_free(p->page.mem);
    arena_free(p->mem);
    free(p);
}

bool pane_has_table(const struct pane *p)
{
    require(p);
    return p->def && p->def->list.ncols > 0 && !p->page.is_full;
}

void pane_set_old(struct pane *p)
{
    require(p);
    p->head.is_old = p->list.is_old = true;
}

/* Does the text use the parameter :name? The store refuses a value that goes nowhere. */
static bool uses(const char *sql, const char *name)
{
    size_t n = strlen(name);

    for (const char *s = strchr(sql, ':'); s; s = strchr(s + 1, ':'))
        if (!strncmp(s + 1, name, n) && !isalnum((unsigned char)s[n + 1]) && s[n + 1] != '_')
            return true;
    return false;
}

static void ask_one(struct pane *p, struct slot *s, const char *sql)
{
    const struct bind all[] = {
        { .name = "source", .type = CELL_TEXT, .text = p->arg.source },
        { .name = "kind", .type = CELL_TEXT, .text = p->arg.kind },
        { .name = "key", .type = CELL_TEXT, .text = p->arg.key },
        { .name = "name", .type = CELL_TEXT, .text = p->arg.name },
        /* What was safe then is not safe now: the past prints no command. */
        { .name = "runbook",
          .type = p->ui->runbook && !p->ui->at_ms ? CELL_TEXT : CELL_NULL,
          .text = p->ui->runbook },
    };
    struct bind used[ARRAY_LEN(all)];
    size_t n = 0;

    if (!sql)
        return;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (uses(sql, all[i].name))
            used[n++] = all[i];
    slot_ask(p->ui, s, sql, used, n);
}

void pane_ask(struct pane *p)
{
    require(p);
    if (!p->def)
        return;
    ask_one(p, &p->head, p->def->head_sql);
    ask_one(p, &p->list, p->def->list.sql);
}

struct name_list {
    const char **v;
    size_t n, cap;
};

/* Rows of one source stand together more often than not, so the name before is tried first. */
static void collect(struct pane *p, const struct row_set *rs, struct name_list *l)
{
    int col = row_set_col(rs, "source");
    const char *last = NULL;

    for (size_t r = 0; col >= 0 && r < rs->nrows; r++) {
        const char *s = row_set_at(rs, r, col)->text;
        bool known = last && !strcmp(last, s);

        for (size_t i = 0; !known && i < l->n; i++)
            known = !strcmp(l->v[i], s);
        last = s;
        if (known || !s[0])
            continue;
        VEC_GROW(l->v, l->n, l->cap);
        l->v[l->n++] = arena_strdup(p->sources_mem, s);
    }
}

static void find_sources(struct pane *p)
{
    struct name_list l = { 0 };

    arena_free(p->sources_mem);
    p->sources_mem = arena_new();
    collect(p, p->head.rows, &l);
    collect(p, p->list.rows, &l);
    const char **v = arena_array(p->sources_mem, l.n + 1, sizeof *v);
    for (size_t i = 0; i < l.n; i++)
        v[i] = l.v[i];
    free(l.v);
    p->sources = v;
    p->nsources = l.n;
}

bool pane_answer(struct pane *p, struct query_answer *a)
{
    require(p && a);
    struct slot *s = p->head.id == a->id ? &p->head : p->list.id == a->id ? &p->list : NULL;
    struct row_set *drop;

    if (!s)
        return false;
    if (slot_answer(s, a, &drop)) {
        if (s == &p->list && drop != s->rows && s->rows)
            table_set_rows(&p->table, s->rows);
        find_sources(p);
        if (p->ops->rows_changed)
            p->ops->rows_changed(p);
        p->ui->is_dirty = true;
    }
    row_set_free(drop);
    return true;
}

const char *pane_title(const struct pane *p)
{
    require(p);
    if (p->arg.name[0])
        return p->arg.name;
    if (p->arg.key[0])
        return p->arg.key;
    return p->def && p->def->title ? p->def->title : p->ops->name;
}

bool pane_row(const struct pane *p, const struct row_set **rs, size_t *row)
{
    require(p && rs && row);
    long at = pane_has_table(p) ? table_row(&p->table) : -1;

    if (at >= 0) {
        *rs = p->table.rs;
        *row = (size_t)at;
        return true;
    }
    *rs = p->head.rows;
    *row = 0;
    return p->head.rows && p->head.rows->nrows > 0;
}

bool row_value(const struct row_set *rs, size_t row, const char *name, struct sbuf *out)
{
    require(rs && row < rs->nrows);
    require(name && out);
    int col = row_set_col(rs, name);

    sbuf_reset(out);
    if (col >= 0) {
        sbuf_adds(out, row_set_at(rs, row, col)->text);
        return out->len > 0;
    }
    return attrs_get(row_set_text(rs, row, "attrs"), name, out) && out->len > 0;
}
