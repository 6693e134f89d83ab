/* Opening what a command needs, and telling what went wrong on the way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"

#include "app_priv.h"

enum {
    PROBLEMS_SHOWN = 20
};

int exit_of(const struct err *e)
{
    switch (e->code) {
    case ERR_NONE:
        return EXIT_GOOD;
    case ERR_USAGE:
        return EXIT_USAGE;
    case ERR_CONFIG:
        return EXIT_CONFIG;
    case ERR_PERM:
        return EXIT_PERMISSION;
    case ERR_NET:
    case ERR_TIMEOUT:
        return EXIT_UNREACHABLE;
    case ERR_NOT_FOUND:
        return EXIT_SOME;
    default:
        return EXIT_IO;
    }
}

/* {"error":{"code","text"}} in place of what was to be said. */
static void error_json(struct app *a, const struct err *e)
{
    out_drop(&a->out);
    if (a->o.out != OUT_JSON)
        return;
    struct json j = out_document(&a->out);
    json_object(&j, NULL);
    json_object(&j, "error");
    json_text(&j, "code", err_word(e->code));
    json_text(&j, "text", e->text);
    json_close(&j);
    json_close(&j);
    out_add(&a->out, "\n");
}

int fail(struct app *a, const struct err *e)
{
    error_json(a, e);
    fprintf(stderr, "opsdeck: %s\n", e->text);
    return exit_of(e);
}

void app_print_problems(const struct cfg_problems *ps)
{
    struct sbuf sb;

    sbuf_init(&sb, 1 << 20);
    for (size_t i = 0; i < ps->n && i < PROBLEMS_SHOWN; i++)
        cfg_problem_format(&ps->v[i], &sb);
    if (ps->n > PROBLEMS_SHOWN)
        sbuf_addf(&sb, "... and %zu more\n", ps->n - PROBLEMS_SHOWN);
    fputs(sb.buf, stderr);
    sbuf_release(&sb);
}

/* Problems on stderr, one error document on stdout when JSON was asked for. */
static int config_failed(struct app *a, const struct cfg_problems *ps)
{
    struct err e = { 0 };
    const struct cfg_problem *first = NULL;
    int status = EXIT_CONFIG;

    for (size_t i = 0; i < ps->n && !first; i++)
        if (!ps->v[i].is_warning)
            first = &ps->v[i];
    app_print_problems(ps);
    if (a->o.out != OUT_JSON)
        return status;
    err_set(&e, ERR_CONFIG, 0, "%s:%d:%d: %s%s%s (%zu in all)",
            first && first->pos.file ? first->pos.file : "config", first ? first->pos.line : 0,
            first ? first->pos.col : 0, first && first->path ? first->path : "",
            first && first->path && *first->path ? ": " : "", first ? first->text : "wrong",
            cfg_problems_errors(ps));
    error_json(a, &e);
    return status;
}

static int parse_at(struct app *a)
{
    struct err e = { 0 };

    if (a->o.at && !time_parse_moment(a->o.at, clock_wall_ms(a->clock), &a->at_ms, &e)) {
        err_ctx(&e, "--at");
        return fail(a, &e);
    }
    return EXIT_GOOD;
}

int app_settings(struct app *a)
{
    struct cfg_problems ps = { .mem = a->mem };
    struct settings_flags flags = {
        .config = a->o.config, .store_dir = a->o.store_dir, .theme = a->o.theme, .ascii = a->o.ascii
    };
    struct err e = { 0 };

    if (a->settings)
        return EXIT_GOOD;
    if (a->o.is_demo) {
        if (!demo_start(a, &e))
            return fail(a, &e);
        flags.config = demo_config(a->demo);
        if (!flags.store_dir)
            flags.store_dir = demo_store(a->demo);
    }
    a->settings = settings_load(&flags, &ps);
    int status = a->settings ? EXIT_GOOD : config_failed(a, &ps);
    if (a->settings)
        app_print_problems(&ps); /* warnings */
    cfg_problems_release(&ps);
    if (status)
        return status;
    data_dirs_find(a->mem, a->settings, &a->dirs);
    a->store = (struct store_opts){
        .dir = a->settings->store.dir,
        .is_shared = a->settings->store.is_shared,
        .keep_ms = a->settings->store.keep_ms,
        .max_bytes = a->settings->store.max_bytes,
        .clock = a->clock,
    };
    return parse_at(a);
}

int app_plan(struct app *a)
{
    struct cfg_problems ps = { .mem = a->mem };
    int status = app_settings(a);

    if (status || a->plan)
        return status;
    a->plan = plan_build(a->settings, &a->dirs, &ps);
    if (!a->plan)
        status = config_failed(a, &ps);
    cfg_problems_release(&ps);
    return status;
}

void app_release(struct app *a)
{
    reader_free(a->reader);
    plan_free(a->plan);
    settings_free(a->settings);
    demo_stop(a->demo);
    free(a->notice);
    out_release(&a->out);
    arena_free(a->mem);
    *a = (struct app){ 0 };
}

struct row_set *app_ask(struct app *a, const char *sql, const struct bind *binds, size_t nbinds,
                        int *status)
{
    struct row_set *rs = NULL;
    struct err e = { 0 };
    if ((*status = app_settings(a)))
        return NULL;
    /* --at is known only now. */
    struct question q = { .sql = sql, .binds = binds, .nbinds = nbinds, .at_ms = a->at_ms };
    if (a->o.is_demo && (*status = poll_quietly(a)))
        return NULL;
    if ((!a->reader && !reader_open(&a->store, true, &a->reader, &e)) ||
        !reader_ask(a->reader, &q, &rs, &e))
        *status = fail(a, &e);
    return rs;
}
