/* config check | dump | explain | init | path. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/ui/ui.h"

#include "app_priv.h"

/* Columns of out_checks(). */
static const char *const check_cols[] = { "name", "ok", "detail", "place" };

static void add_problems(struct row_set *rs, const struct cfg_problems *ps)
{
    for (size_t i = 0; i < ps->n; i++) {
        const struct cfg_problem *p = &ps->v[i];
        struct cell *c = row_set_add(rs);
        char place[512];
        snprintf(place, sizeof place, "%s:%d:%d", p->pos.file ? p->pos.file : "", p->pos.line,
                 p->pos.col);
        cell_set_text(&c[0], rs, p->path && *p->path ? p->path : "config");
        cell_set_int(&c[1], rs, p->is_warning);
        cell_set_text(&c[2], rs,
                      p->hint ? arena_printf(rs->mem, "%s; %s", p->text, p->hint) : p->text);
        if (p->pos.file)
            cell_set_text(&c[3], rs, place);
    }
}

/* Panes, theme and keymap are checked too: a typo there must not wait for 03:00. */
static void check_ui_files(const struct app *a, struct cfg_problems *ps)
{
    char **paths;
    size_t nactions, nroles;
    const char *const *actions = ui_action_names(&nactions);
    const char *const *roles = ui_role_names(&nroles);

    for (size_t i = 0, n = pane_list(a->mem, &a->dirs, &paths); i < n; i++)
        pane_load(a->mem, paths[i], ps);
    char *theme = theme_find(a->mem, &a->dirs, a->settings->ui.theme);
    if (!theme)
        cfg_problem_add(ps, (struct cfg_pos){ 0 }, "ui.theme", NULL,
                        "no theme \"%s\" in the data folders", a->settings->ui.theme);
    else
        theme_load(a->mem, theme, roles, nroles, ps);
    char *keymap = keymap_find(a->mem, &a->dirs, a->settings->ui.keymap);
    if (!keymap && strcmp(a->settings->ui.keymap, "default") != 0)
        cfg_problem_add(ps, (struct cfg_pos){ 0 }, "ui.keymap", NULL,
                        "no keymap \"%s\" in the data folders", a->settings->ui.keymap);
    if (keymap)
        keymap_load(a->mem, keymap, actions, nactions, ps);
}

static int config_check(struct app *a)
{
    struct cfg_problems ps = { .mem = a->mem };
    struct settings_flags flags = { .config = a->o.config, .store_dir = a->o.store_dir };
    struct row_set *rs = row_set_new(check_cols, ARRAY_LEN(check_cols));

    a->settings = settings_load(&flags, &ps);
    if (a->settings) {
        data_dirs_find(a->mem, a->settings, &a->dirs);
        a->plan = plan_build(a->settings, &a->dirs, &ps);
        check_ui_files(a, &ps);
    }
    bool ok = cfg_problems_errors(&ps) == 0;
    if (a->o.out == OUT_TEXT) {
        app_print_problems(&ps);
        if (ok)
            out_addf(&a->out, "ok: %s, %zu sources\n",
                     a->settings->file ? a->settings->file : "no config file", a->plan->nsources);
    } else {
        add_problems(rs, &ps);
        out_checks(a, rs);
    }
    row_set_free(rs);
    cfg_problems_release(&ps);
    return ok ? EXIT_GOOD : EXIT_CONFIG;
}

static void print_rows(struct app *a, struct row_set *rs, const struct out_column *cols, size_t n)
{
    if (a->o.out == OUT_JSON)
        out_objects(a, rs);
    else if (a->o.out == OUT_CSV)
        out_csv(a, rs);
    else
        out_table(a, rs, cols, n);
    row_set_free(rs);
}

static int config_dump(struct app *a)
{
    static const struct out_column cols[] = { { "key", "KEY", AS_TEXT },
                                              { "value", "VALUE", AS_TEXT },
                                              { "origin", "FROM", AS_TEXT } };
    int status = app_settings(a);

    if (!status)
        print_rows(a, settings_dump(a->settings), cols, ARRAY_LEN(cols));
    return status;
}

static int config_explain(struct app *a)
{
    static const struct out_column cols[] = {
        { "key", "KEY", AS_TEXT },           { "type", "TYPE", AS_TEXT },
        { "default", "DEFAULT", AS_TEXT },   { "limits", "LIMITS", AS_TEXT },
        { "reload", "CHANGED BY", AS_TEXT }, { "help", "HELP", AS_TEXT },
    };
    const char *near = NULL, *key = a->o.nargs > 1 ? a->o.args[1] : NULL;
    struct row_set *rs = settings_explain(key, &near);
    struct err e;

    if (!rs) {
        err_set(&e, ERR_USAGE, 0, "no config key \"%s\"%s%s (opsdeck config explain lists all)",
                key, near ? ", did you mean " : "", near ? near : "");
        return fail(a, &e);
    }
    print_rows(a, rs, cols, ARRAY_LEN(cols));
    return EXIT_GOOD;
}

static bool make_parents(char *path, struct err *e)
{
    for (char *s = path + 1; *s; s++) {
        if (*s != '/')
            continue;
        *s = '\0';
        bool ok = mkdir(path, 0700) == 0 || errno == EEXIST;
        int saved = errno;
        *s = '/';
        if (!ok)
            return err_errno(e, saved, "create the folder of %s", path);
    }
    return true;
}

static bool write_new(const char *path, const char *text, bool force, struct err *e)
{
    int fd =
        open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (force ? O_TRUNC : O_EXCL), 0600);
    size_t len = strlen(text);

    if (fd < 0 && errno == EEXIST)
        return err_set(e, ERR_USAGE, EEXIST, "%s is there already: --force writes over it", path);
    if (fd < 0)
        return err_errno(e, errno, "create %s", path);
    bool ok = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    int saved = errno;
    close(fd);
    return ok || err_errno(e, saved, "write %s", path);
}

static int config_init(struct app *a)
{
    struct err e = { 0 };
    char *path = a->o.config ? arena_strdup(a->mem, a->o.config) : settings_user_path(a->mem);

    if (!path) {
        err_set(&e, ERR_CONFIG, 0, "neither HOME nor XDG_CONFIG_HOME is set: say --config FILE");
        return fail(a, &e);
    }
    if (!make_parents(path, &e) || !write_new(path, settings_example(a->mem), a->o.force, &e))
        return fail(a, &e);
    out_addf(&a->out, "wrote %s: name your sources there, then: opsdeck config check\n", path);
    return EXIT_GOOD;
}

static int config_path(struct app *a)
{
    char *path = settings_user_path(a->mem);

    if (a->o.out == OUT_JSON) {
        struct json j = out_document(&a->out);
        json_object(&j, NULL);
        json_text(&j, "path", path ? path : "");
        json_bool(&j, "exists", path && access(path, F_OK) == 0);
        json_close(&j);
    } else {
        out_add(&a->out, path ? path : "");
    }
    out_add(&a->out, "\n");
    return EXIT_GOOD;
}

int cmd_config(struct app *a)
{
    static const struct {
        const char *name;
        int (*run)(struct app *a);
    } verbs[] = {
        { "check", config_check }, { "dump", config_dump }, { "explain", config_explain },
        { "init", config_init },   { "path", config_path },
    };
    const char *verb = a->o.nargs ? a->o.args[0] : "";
    struct err e;

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (!strcmp(verbs[i].name, verb))
            return verbs[i].run(a);
    err_set(&e, ERR_USAGE, 0, "config %s: expected check, dump, explain [KEY], init or path", verb);
    return fail(a, &e);
}
