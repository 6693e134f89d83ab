/*
 * The files settings come from: one config.yaml with what it includes, read in order, each
 * checked against the key table. Which file wins is settled in settings.c.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/config/settings.h"

#include "config_priv.h"

enum {
    INCLUDE_DEPTH_MAX = 8,
    FILES_MAX = 64
};

static void read_one(struct layers *ls, struct arena *mem, const char *path, bool is_site,
                     unsigned depth, struct cfg_problems *ps);

static bool is_read_already(const struct layers *ls, const char *path)
{
    struct stat a, b;

    if (stat(path, &a))
        return false;
    for (size_t i = 0; i < ls->n; i++)
        if (!stat(ls->v[i].name, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
            return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void include_one(struct layers *ls, struct arena *mem, const struct cfg_node *item,
                        bool is_site, unsigned depth, struct cfg_problems *ps)
{
    char *pattern = NULL;
    glob_t found = { 0 };
    struct err e = { 0 };

    if (!path_expand(mem, item->text, path_dir(mem, item->pos.file), &pattern, &e)) {
        cfg_problem_add(ps, item->pos, "include", NULL, "%s", e.text);
        return;
    }
    int rc = glob(pattern, GLOB_NOSORT, NULL, &found);
    if (rc == GLOB_NOMATCH && !strpbrk(item->text, "*?["))
        cfg_problem_add(ps, item->pos, "include", "correct the path, or remove the line",
                        "there is no file %s", pattern);
    else if (rc && rc != GLOB_NOMATCH)
        cfg_problem_add(ps, item->pos, "include", "check the modes of the folder",
                        "%s cannot be searched", pattern);
    /* The order must not depend on the locale. */
    if (!rc)
        qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_text);
    for (size_t i = 0; !rc && i < found.gl_pathc; i++) {
        if (is_read_already(ls, found.gl_pathv[i]))
            cfg_problem_add(ps, item->pos, "include", "include it once", "%s is read already",
                            found.gl_pathv[i]);
        else if (depth == INCLUDE_DEPTH_MAX || ls->n == FILES_MAX)
            cfg_problem_add(ps, item->pos, "include", NULL,
                            "more than %d files, or %d deep, refused", FILES_MAX,
                            INCLUDE_DEPTH_MAX);
        else
            read_one(ls, mem, arena_strdup(mem, found.gl_pathv[i]), is_site, depth + 1, ps);
    }
    globfree(&found);
}

static void read_one(struct layers *ls, struct arena *mem, const char *path, bool is_site,
                     unsigned depth, struct cfg_problems *ps)
{
    const struct cfg_node *root = cfg_read_file(mem, path, ps);
    const struct cfg_node *locked = cfg_get(root, "locked"), *include = cfg_get(root, "include");

    if (!root)
        return;
    VEC_GROW(ls->v, ls->n, ls->cap);
    ls->v[ls->n++] = (struct layer){ path, root, is_site };
    key_check(settings_table(), "", root, "", ps);
    if (locked && !is_site)
        cfg_problem_add(ps, cfg_key_pos(root, "locked"), "locked", "remove it here",
                        "only %s/config.yaml can lock keys", path_etc());
    for (size_t i = 0; include && include->kind == CFG_SEQ && i < include->n; i++)
        if (include->items[i]->kind == CFG_SCALAR && include->items[i]->text[0])
            include_one(ls, mem, include->items[i], is_site, depth, ps);
}

void layers_read(struct layers *ls, struct arena *mem, const char *path, bool is_site,
                 struct cfg_problems *ps)
{
    read_one(ls, mem, path, is_site, 0, ps);
}
