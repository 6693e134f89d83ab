/*
 * The demo estate: opsdeck-sim as a child on a free loopback port, a config made from
 * demo/config.yaml of the data folders, and a store of its own that goes away with it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"

#include "app_priv.h"
#include "recipe_case.h"

enum {
    START_MS = 5000,
    PATH_BYTES = 4096
};

struct demo {
    pid_t pid;
    char *dir, *config, *store, *url;
};

const char *demo_config(const struct demo *d)
{
    return d->config;
}

const char *demo_store(const struct demo *d)
{
    return d->store;
}

/* The folder is ours alone and flat but for the store: two levels are enough. */
static void remove_tree(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *de;

    while (d && (de = readdir(d))) {
        char path[PATH_BYTES];
        if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
            continue;
        if (snprintf(path, sizeof path, "%s/%s", dir, de->d_name) >= (int)sizeof path)
            continue;
        if (unlink(path) != 0)
            remove_tree(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
}

/* It ends by itself in a moment; a person who has left must not wait for one that does not. */
static void end_child(pid_t pid)
{
    const struct timespec moment = { .tv_nsec = 20 * 1000000 };

    kill(pid, SIGTERM);
    for (int i = 0; i < 25; i++) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return;
        nanosleep(&moment, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

void demo_stop(struct demo *d)
{
    if (!d)
        return;
    if (d->pid > 0) {
        end_child(d->pid);
    }
    if (d->dir)
        remove_tree(d->dir);
    free(d->dir);
    free(d->config);
    free(d->store);
    free(d->url);
    free(d);
}

/* Beside our own binary first, so that a build tree uses its own. */
static char *sim_path(struct arena *mem)
{
    char self[PATH_BYTES];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (n > 0) {
        self[n] = '\0';
        char *slash = strrchr(self, '/');
        if (slash) {
            *slash = '\0';
            char *path = arena_printf(mem, "%s/opsdeck-sim", self);
            if (access(path, X_OK) == 0)
                return path;
        }
    }
    return arena_strdup(mem, "opsdeck-sim");
}

/* What the estate needs of our environment: not the person's credentials. */
static char **sim_environ(struct arena *mem)
{
    static const char *const names[] = { "PATH",   "TZ",           "LANG",         "OPSDECK_DATA",
                                         "LC_ALL", "ASAN_OPTIONS", "UBSAN_OPTIONS" };
    char **env = arena_array(mem, ARRAY_LEN(names) + 1, sizeof *env);
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (getenv(names[i]))
            env[n++] = arena_printf(mem, "%s=%s", names[i], getenv(names[i]));
    return env;
}

static bool spawn_sim(struct arena *mem, int out, pid_t *pid, struct err *e)
{
    char *argv[] = { sim_path(mem), arena_strdup(mem, "--with-parent"), NULL };
    posix_spawn_file_actions_t fa;

    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&fa, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int rc = posix_spawnp(pid, argv[0], &fa, NULL, argv, sim_environ(mem));
    posix_spawn_file_actions_destroy(&fa);
    return rc == 0 ||
           err_errno(e, rc, "start %s (the demo estate; it is built and installed with opsdeck)",
                     argv[0]);
}

/* "listening on URL" on its standard output. */
static bool read_url(struct demo *d, int fd, struct err *e)
{
    char line[256];
    size_t n = 0;
    int64_t until = clock_mono_ms(clock_system()) + START_MS;

    while (n < sizeof line - 1) {
        struct pollfd pfd = { .fd = fd, .events = POLLIN };
        int64_t left = until - clock_mono_ms(clock_system());
        if (left <= 0 || poll(&pfd, 1, (int)left) <= 0)
            return err_set(e, ERR_TIMEOUT, 0, "the demo estate said nothing within %d s",
                           START_MS / 1000);
        ssize_t got = read(fd, line + n, 1);
        if (got <= 0)
            return err_set(e, ERR_IO, 0, "the demo estate ended before it listened");
        if (line[n] == '\n')
            break;
        n++;
    }
    line[n] = '\0';
    char *url = strstr(line, "http://");
    if (!url)
        return err_set(e, ERR_PARSE, 0, "the demo estate said \"%s\"", line);
    d->url = xstrdup(url);
    return true;
}

static bool start_sim(struct app *a, struct demo *d, struct err *e)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_errno(e, errno, "pipe");
    bool ok = spawn_sim(a->mem, fds[1], &d->pid, e);
    close(fds[1]);
    ok = ok && read_url(d, fds[0], e);
    close(fds[0]);
    return ok;
}

static char *template_path(struct app *a, const char *name)
{
    struct data_dirs dirs;

    data_dirs_find(a->mem, NULL, &dirs);
    for (size_t i = 0; i < dirs.n; i++) {
        char *path = arena_printf(a->mem, "%s/demo/%s", dirs.v[i], name);
        if (access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

/* @URL@ and @DIR@ (of the template) are filled in. */
static bool write_filled(struct app *a, struct demo *d, const char *name, const char *to,
                         struct err *e)
{
    char *path = template_path(a, name);
    size_t len;

    if (!path)
        return err_set(e, ERR_CONFIG, 0,
                       "demo/%s is in none of the data folders: is opsdeck installed whole?", name);
    char *text = read_whole_file(path, &len, e);
    if (!text)
        return false;
    char *dir = arena_strndup(a->mem, path, (size_t)(strrchr(path, '/') - path));
    struct sbuf sb;
    sbuf_init(&sb, 1 << 20);
    for (const char *s = text; *s;) {
        bool is_url = !strncmp(s, "@URL@", 5), is_dir = !strncmp(s, "@DIR@", 5);
        if (is_url || is_dir)
            sbuf_adds(&sb, is_url ? d->url : dir);
        else
            sbuf_addc(&sb, *s);
        s += is_url || is_dir ? 5 : 1;
    }
    free(text);
    FILE *f = fopen(to, "wxe");
    bool ok = f && fwrite(sb.buf, 1, sb.len, f) == sb.len;
    ok = f && fclose(f) == 0 && ok;
    sbuf_release(&sb);
    return ok || err_errno(e, errno, "write %s", to);
}

/* The demo's own accounts and nothing of the person's: profiles, keys and endpoints of the
 * environment are put aside for this process. */
static bool write_aws(struct app *a, struct demo *d, struct err *e)
{
    static const char *const aside[] = { "AWS_PROFILE",
                                         "AWS_DEFAULT_PROFILE",
                                         "AWS_ACCESS_KEY_ID",
                                         "AWS_SECRET_ACCESS_KEY",
                                         "AWS_SESSION_TOKEN",
                                         "AWS_SECURITY_TOKEN",
                                         "AWS_REGION",
                                         "AWS_DEFAULT_REGION",
                                         "AWS_USE_FIPS_ENDPOINT",
                                         "AWS_USE_DUALSTACK_ENDPOINT" };
    char *path = arena_printf(a->mem, "%s/aws", d->dir);

    for (size_t i = 0; i < ARRAY_LEN(aside); i++)
        unsetenv(aside[i]);
    setenv("AWS_CONFIG_FILE", path, 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    return write_filled(a, d, "aws", path, e);
}

static bool make_dir(struct demo *d, struct err *e)
{
    const char *base = getenv("XDG_RUNTIME_DIR");
    char path[PATH_BYTES];

    if (!base || *base != '/' || access(base, W_OK) != 0)
        base = "/tmp";
    snprintf(path, sizeof path, "%s/opsdeck-demo-XXXXXX", base);
    if (!mkdtemp(path))
        return err_errno(e, errno, "create a folder in %s for the demo", base);
    d->dir = xstrdup(path);
    if (asprintf(&d->config, "%s/config.yaml", path) < 0 ||
        asprintf(&d->store, "%s/store", path) < 0)
        bug("asprintf");
    return true;
}

bool demo_start(struct app *a, struct err *e)
{
    struct demo *d = xcalloc(1, sizeof *d);

    a->demo = d; /* app_release() stops it, also half started */
    if (make_dir(d, e) && start_sim(a, d, e) && write_filled(a, d, "config.yaml", d->config, e) &&
        write_aws(a, d, e))
        return true;
    return err_ctx(e, "demo estate");
}
