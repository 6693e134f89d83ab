/*
 * One token command: argv without a shell, its own session, an environment built from an allow
 * list, no descriptor but its three, killed with its process group when it takes too long or
 * says too much. Needs libev's default loop, which is the one that reaps children.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/redact.h"

#include "token_priv.h"

extern char **environ;

struct token_run {
    struct ev_loop *loop;
    char *name;
    pid_t pid;
    int out_fd, err_fd;
    ev_io out_io, err_io;
    ev_child child;
    ev_timer limit;
    struct sbuf out, err_text;
    bool is_too_long;
    double limit_s;
    token_run_fn *done;
    void *ctx;
};

/* The tools that print tokens need these; everything else, above all other tokens, stays here. */
static const char *const ENV_ALLOWED[] = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "TERM",
    "SSH_AUTH_SOCK",
    "DBUS_SESSION_BUS_ADDRESS",
    "GNUPGHOME",
    "GPG_AGENT_INFO",
    "PASSWORD_STORE_DIR",
    "KUBECONFIG",
    "GH_CONFIG_DIR",
    "GH_HOST",
    "VAULT_ADDR",
    "VAULT_NAMESPACE",
    "VAULT_CACERT",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CA_BUNDLE",
    "AWS_DEFAULT_PROFILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_SDK_LOAD_CONFIG",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
};
static const char *const ENV_PREFIXES[] = { "LC_", "XDG_", "AWS_ENDPOINT_URL" };
/* Only without a password inside. */
static const char *const ENV_PROXIES[] = { "HTTPS_PROXY=", "https_proxy=", "http_proxy=",
                                           "ALL_PROXY=", "all_proxy=" };

static bool is_allowed(const char *entry)
{
    size_t n = strcspn(entry, "=");

    for (size_t i = 0; i < ARRAY_LEN(ENV_ALLOWED); i++)
        if (strlen(ENV_ALLOWED[i]) == n && strncmp(entry, ENV_ALLOWED[i], n) == 0)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(ENV_PREFIXES); i++)
        if (strncmp(entry, ENV_PREFIXES[i], strlen(ENV_PREFIXES[i])) == 0)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(ENV_PROXIES); i++)
        if (strncmp(entry, ENV_PROXIES[i], strlen(ENV_PROXIES[i])) == 0)
            return !strchr(entry, '@');
    return false;
}

static char **clean_environ(void)
{
    size_t n = 0, count = 0;

    while (environ && environ[count])
        count++;
    char **env = xcalloc(count + 1, sizeof *env);
    for (size_t i = 0; i < count; i++)
        if (is_allowed(environ[i]))
            env[n++] = environ[i];
    return env;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Reads what is there; at its end or on a fault the descriptor is closed. */
static void drain(struct token_run *r, ev_io *io, int *fd, struct sbuf *to)
{
    char buf[4096];

    while (*fd >= 0) {
        ssize_t n = read(*fd, buf, sizeof buf);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n <= 0) {
            ev_io_stop(r->loop, io);
            close_fd(fd);
            break;
        }
        if (!sbuf_add(to, buf, (size_t)n) && to == &r->out) {
            r->is_too_long = true;
            kill(-r->pid, SIGKILL);
            ev_io_stop(r->loop, io);
            close_fd(fd);
        }
    }
    explicit_bzero(buf, sizeof buf);
}

static void release(struct token_run *r)
{
    ev_io_stop(r->loop, &r->out_io);
    ev_io_stop(r->loop, &r->err_io);
    ev_child_stop(r->loop, &r->child);
    ev_timer_stop(r->loop, &r->limit);
    close_fd(&r->out_fd);
    close_fd(&r->err_fd);
    explicit_bzero(r->out.buf, r->out.cap);
    explicit_bzero(r->err_text.buf, r->err_text.cap);
    sbuf_release(&r->out);
    sbuf_release(&r->err_text);
    free(r->name);
    free(r);
}

void token_run_free(struct token_run *r)
{
    if (!r)
        return;
    kill(-r->pid, SIGKILL);
    waitpid(r->pid, NULL, WNOHANG); /* what is not gone yet is left to libev or to init */
    release(r);
}

/* The last line it wrote to stderr, for the message; a tool may well print its token there. */
static const char *last_words(struct token_run *r)
{
    struct sbuf *sb = &r->err_text;

    if (r->out.len > 0) {
        size_t n = r->out.len;
        while (n > 0 && strchr("\r\n", r->out.buf[n - 1]))
            n--;
        redact_add(r->out.buf, n);
        redact_text(sb);
        redact_remove(r->out.buf, n);
    } else {
        redact_text(sb);
    }
    while (sb->len > 0 && strchr(" \t\r\n", sb->buf[sb->len - 1]))
        sb->buf[--sb->len] = '\0';
    const char *nl = strrchr(sb->buf, '\n');
    return nl ? nl + 1 : sb->buf;
}

static void judge(struct token_run *r, int status, bool is_late, struct err *e)
{
    const char *said = last_words(r), *sep = *said ? ": " : "";

    if (is_late)
        err_set(e, ERR_TIMEOUT, 0, "token command %s did not end within %g s and was killed",
                r->name, r->limit_s);
    else if (r->is_too_long)
        err_set(e, ERR_LIMIT, 0, "token command %s printed over 64 KiB: not a token", r->name);
    else if (WIFSIGNALED(status))
        err_set(e, ERR_AUTH, 0, "token command %s was ended by signal %d%s%.160s", r->name,
                WTERMSIG(status), sep, said);
    else if (WEXITSTATUS(status) != 0)
        err_set(e, ERR_AUTH, 0, "token command %s failed with exit status %d%s%.160s", r->name,
                WEXITSTATUS(status), sep, said);
}

static void finish(struct token_run *r, int status, bool is_late)
{
    struct err e = { 0 };

    judge(r, status, is_late, &e);
    r->done(r->ctx, r->out.buf, r->out.len, &e);
    release(r);
}

static void on_out(struct ev_loop *loop, ev_io *w, int revents)
{
    struct token_run *r = w->data;

    (void)loop;
    (void)revents;
    if (w == &r->out_io)
        drain(r, &r->out_io, &r->out_fd, &r->out);
    else
        drain(r, &r->err_io, &r->err_fd, &r->err_text);
}

/* Its end is the command's end, also when a grandchild still holds the pipe open. */
static void on_child(struct ev_loop *loop, ev_child *w, int revents)
{
    struct token_run *r = w->data;

    (void)loop;
    (void)revents;
    drain(r, &r->out_io, &r->out_fd, &r->out);
    drain(r, &r->err_io, &r->err_fd, &r->err_text);
    finish(r, w->rstatus, false);
}

static void on_limit(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct token_run *r = w->data;

    (void)loop;
    (void)revents;
    kill(-r->pid, SIGKILL);
    finish(r, 0, true);
}

static bool open_pipe(int fds[2], struct err *e)
{
    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_errno(e, errno, "making a pipe for a token command");
    if (fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0)
        return err_errno(e, errno, "preparing a pipe for a token command");
    return true;
}

static int set_actions(posix_spawn_file_actions_t *fa, int out, int err)
{
    int rc = posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0);

    rc = rc ? rc : posix_spawn_file_actions_adddup2(fa, out, 1);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(fa, err, 2);
    return rc ? rc : posix_spawn_file_actions_addclosefrom_np(fa, 3);
}

static int set_attributes(posix_spawnattr_t *at)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_setflags(at, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    rc = rc ? rc : posix_spawnattr_setsigmask(at, &none);
    return rc ? rc : posix_spawnattr_setsigdefault(at, &all);
}

static bool spawn(struct token_run *r, char *const *argv, int out, int err, struct err *e)
{
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t at;
    char **env = clean_environ();
    int rc = posix_spawn_file_actions_init(&fa);

    if (rc == 0) {
        rc = posix_spawnattr_init(&at);
        if (rc == 0) {
            rc = set_actions(&fa, out, err);
            rc = rc ? rc : set_attributes(&at);
            rc = rc ? rc : posix_spawnp(&r->pid, argv[0], &fa, &at, argv, env);
            posix_spawnattr_destroy(&at);
        }
        posix_spawn_file_actions_destroy(&fa);
    }
    free(env);
    return rc == 0 || err_errno(e, rc, "starting token command %s", argv[0]);
}

static void watch(struct token_run *r)
{
    ev_io_init(&r->out_io, on_out, r->out_fd, EV_READ);
    ev_io_init(&r->err_io, on_out, r->err_fd, EV_READ);
    ev_child_init(&r->child, on_child, r->pid, 0);
    ev_timer_init(&r->limit, on_limit, r->limit_s, 0.0);
    r->out_io.data = r->err_io.data = r->child.data = r->limit.data = r;
    ev_io_start(r->loop, &r->out_io);
    ev_io_start(r->loop, &r->err_io);
    ev_child_start(r->loop, &r->child);
    ev_now_update(r->loop);
    ev_timer_start(r->loop, &r->limit);
}

struct token_run *token_run_start(struct ev_loop *loop, char *const *argv, double limit_s,
                                  token_run_fn *done, void *ctx, struct err *e)
{
    require(loop && argv && argv[0]);
    require(limit_s > 0 && done);
    struct token_run *r = xcalloc(1, sizeof *r);
    int out[2] = { -1, -1 }, err[2] = { -1, -1 };

    r->loop = loop;
    r->name = xstrdup(argv[0]);
    r->done = done;
    r->ctx = ctx;
    r->limit_s = limit_s;
    bool ok = open_pipe(out, e) && open_pipe(err, e) && spawn(r, argv, out[1], err[1], e);
    close_fd(&out[1]);
    close_fd(&err[1]);
    if (!ok) {
        close_fd(&out[0]);
        close_fd(&err[0]);
        free(r->name);
        free(r);
        return NULL;
    }
    r->out_fd = out[0];
    r->err_fd = err[0];
    sbuf_init(&r->out, TOKEN_MAX_BYTES);
    sbuf_init(&r->err_text, 4096);
    watch(r);
    return r;
}
