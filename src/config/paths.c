/*
 * Where files are: ~ and $XDG_* in paths, the user's config file, and the folders in which
 * recipes, panes, keymaps and themes are looked for.
 */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/utf8.h"

#include "config_priv.h"

/* The XDG base directories and what they are when unset or, against the standard, relative. */
static const struct {
    const char *name, *below_home;
} xdg_dirs[] = {
    { "XDG_CONFIG_HOME", ".config" },
    { "XDG_STATE_HOME", ".local/state" },
    { "XDG_DATA_HOME", ".local/share" },
    { "XDG_CACHE_HOME", ".cache" },
};

static const char *home_dir(struct arena *mem)
{
    const char *home = getenv("HOME");
    struct passwd pw, *found = NULL;
    char buf[4096];

    if (home && home[0] == '/' && utf8_is_clean(home, strlen(home), UTF8_LINE))
        return home;
    if (!getpwuid_r(geteuid(), &pw, buf, sizeof buf, &found) && found && found->pw_dir &&
        found->pw_dir[0] == '/')
        return arena_strdup(mem, found->pw_dir);
    return "/";
}

/* Value of $NAME at the beginning of a path, or NULL when it is none that is expanded. */
static const char *variable(struct arena *mem, const char *name, size_t len)
{
    if (len == 4 && !strncmp(name, "HOME", 4))
        return home_dir(mem);
    for (size_t i = 0; i < ARRAY_LEN(xdg_dirs); i++) {
        if (strlen(xdg_dirs[i].name) != len || strncmp(name, xdg_dirs[i].name, len))
            continue;
        const char *v = getenv(xdg_dirs[i].name);
        if (v && v[0] == '/' && utf8_is_clean(v, strlen(v), UTF8_LINE))
            return v;
        return arena_printf(mem, "%s/%s", home_dir(mem), xdg_dirs[i].below_home);
    }
    return NULL;
}

static bool expand_variable(struct arena *mem, const char *text, char **out, struct err *e)
{
    size_t brace = text[1] == '{', n = 0;
    const char *name = text + 1 + brace;

    while (isalnum((unsigned char)name[n]) || name[n] == '_')
        n++;
    const char *rest = name + n + (brace && name[n] == '}');
    const char *v = variable(mem, name, n);
    if (!v || (brace && name[n] != '}') || (*rest && *rest != '/'))
        return err_set(
            e, ERR_CONFIG, 0,
            "only ~, $HOME and $XDG_{CONFIG,STATE,DATA,CACHE}_HOME are expanded in \"%s\"", text);
    *out = arena_printf(mem, "%s%s", v, rest);
    return true;
}

bool path_expand(struct arena *mem, const char *text, const char *base, char **out, struct err *e)
{
    char cwd[PATH_MAX];

    if (!*text)
        return err_set(e, ERR_CONFIG, 0, "a path is empty");
    if (text[0] == '$')
        return expand_variable(mem, text, out, e);
    if (text[0] == '~' && text[1] && text[1] != '/')
        return err_set(e, ERR_CONFIG, 0, "write the home directory of \"%s\" out", text);
    if (text[0] == '~')
        *out = arena_printf(mem, "%s%s", home_dir(mem), text + 1);
    else if (text[0] == '/')
        *out = arena_strdup(mem, text);
    else if (base && base[0] == '/')
        *out = arena_printf(mem, "%s/%s", base, text);
    else if (getcwd(cwd, sizeof cwd))
        *out = base ? arena_printf(mem, "%s/%s/%s", cwd, base, text)
                    : arena_printf(mem, "%s/%s", cwd, text);
    else
        return err_set(e, ERR_IO, 0, "\"%s\" is relative, but the current directory cannot be told",
                       text);
    return true;
}

char *path_dir(struct arena *mem, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return arena_strdup(mem, ".");
    return slash == path ? arena_strdup(mem, "/")
                         : arena_strndup(mem, path, (size_t)(slash - path));
}

const char *path_etc(void)
{
    const char *v = getenv("OPSDECK_ETC");

    return v && v[0] == '/' ? v : "/etc/opsdeck";
}

char *settings_user_path(struct arena *mem)
{
    return arena_printf(mem, "%s/opsdeck/config.yaml",
                        variable(mem, "XDG_CONFIG_HOME", strlen("XDG_CONFIG_HOME")));
}

static bool is_dir(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* Root of the source tree that the running binary stands in, or NULL. */
static const char *build_tree(struct arena *mem)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    size_t tree_len = strlen(OPSDECK_BUILDTREE);

    if (n <= 0)
        return NULL;
    exe[n] = 0;
    const char *dir = path_dir(mem, exe);
    if (is_dir(arena_printf(mem, "%s/config/recipes", dir)))
        return dir;
    if (!strncmp(exe, OPSDECK_BUILDTREE "/", tree_len + 1) &&
        is_dir(OPSDECK_BUILDTREE "/config/recipes"))
        return OPSDECK_BUILDTREE;
    return NULL;
}

void data_dirs_find(struct arena *mem, const struct settings *s, struct data_dirs *out)
{
    const char *data = getenv("OPSDECK_DATA");
    const char *user = s && s->file ? s->file : settings_user_path(mem);
    char *user_dir = NULL;

    *out = (struct data_dirs){ 0 };
    if (path_expand(mem, path_dir(mem, user), NULL, &user_dir, NULL))
        out->v[out->n++] = user_dir;
    out->v[out->n++] = arena_strdup(mem, path_etc());
    if (!data || data[0] != '/')
        data = build_tree(mem);
    if (!data) {
        out->v[out->n++] = OPSDECK_DATADIR;
        return;
    }
    out->v[out->n++] = arena_strdup(mem, data);
    out->v[out->n++] = arena_printf(mem, "%s/config", data);
}

char *data_find(struct arena *mem, const struct data_dirs *dirs, const char *folder,
                const char *name)
{
    if (!cfg_is_name(name))
        return NULL;
    for (size_t i = 0; i < dirs->n; i++) {
        char *path = arena_printf(mem, "%s/%s/%s.yaml", dirs->v[i], folder, name);

        if (!access(path, F_OK))
            return path;
    }
    return NULL;
}

static int by_base_name(const void *a, const void *b)
{
    const char *pa = *(const char *const *)a, *pb = *(const char *const *)b;

    return strcmp(strrchr(pa, '/') + 1, strrchr(pb, '/') + 1);
}

static bool has_base_name(char *const *v, size_t n, const char *base)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(strrchr(v[i], '/') + 1, base))
            return true;
    return false;
}

size_t data_list(struct arena *mem, const struct data_dirs *dirs, const char *folder, char ***paths)
{
    size_t n = 0, cap = 0;
    char **v = NULL;

    for (size_t i = 0; i < dirs->n; i++) {
        const char *dir = arena_printf(mem, "%s/%s", dirs->v[i], folder);
        DIR *d = opendir(dir); /* an absent folder is an empty one */
        struct dirent *de;

        while (d && (de = readdir(d))) {
            const char *dot = strrchr(de->d_name, '.');
            const char *base =
                dot ? arena_strndup(mem, de->d_name, (size_t)(dot - de->d_name)) : "";

            if (!dot || strcmp(dot, ".yaml") || !cfg_is_name(base) ||
                has_base_name(v, n, de->d_name))
                continue;
            VEC_GROW(v, n, cap);
            v[n++] = arena_printf(mem, "%s/%s", dir, de->d_name);
        }
        if (d)
            closedir(d);
    }
    if (n)
        qsort(v, n, sizeof *v, by_base_name);
    *paths = arena_array(mem, n + 1, sizeof **paths);
    if (n)
        memcpy(*paths, v, n * sizeof *v);
    free(v);
    return n;
}
