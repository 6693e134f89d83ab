/*
 * Secrets from environment, file and command. This file keeps what is known and who waits for
 * it; a command is run by token_run.c. Every value obtained is known to the redactor for as
 * long as the struct tokens lives, also after it was forgotten.
 */
#include "opsdeck/net/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/redact.h"

#include "token_priv.h"

enum {
    CACHE_MS = 300 * 1000
};

struct waiter {
    struct waiter *next;
    token_done_fn *done;
    void *ctx;
    unsigned run_no; /* which run of the command it waits for */
};

/* One environment variable or one command. */
struct entry {
    struct entry *next;
    struct tokens *owner;
    char *env;
    char **argv;
    struct secret value;
    int64_t got_ms;
    struct token_run *run; /* NULL when no command is under way */
    unsigned run_no;
    struct waiter *waiters;
};

struct tokens {
    struct ev_loop *loop;
    const struct clock *clock;
    double run_limit_s;
    struct entry *entries;
    struct secret *known; /* all values told to the redactor */
    size_t nknown, cap;
};

struct tokens *tokens_new(struct ev_loop *loop)
{
    struct tokens *t = xcalloc(1, sizeof *t);

    t->loop = loop;
    t->clock = clock_system();
    t->run_limit_s = TOKEN_RUN_S;
    return t;
}

void tokens_use_clock(struct tokens *t, const struct clock *c, double run_limit_s)
{
    require(t && c);
    require(run_limit_s > 0);
    t->clock = c;
    t->run_limit_s = run_limit_s;
}

static void free_waiters(struct entry *n)
{
    while (n->waiters) {
        struct waiter *w = n->waiters;
        n->waiters = w->next;
        free(w);
    }
}

void tokens_free(struct tokens *t)
{
    if (!t)
        return;
    while (t->entries) {
        struct entry *n = t->entries;
        t->entries = n->next;
        token_run_free(n->run);
        free_waiters(n);
        secret_release(&n->value);
        for (char **a = n->argv; a && *a; a++)
            free(*a);
        free(n->argv);
        free(n->env);
        free(n);
    }
    for (size_t i = 0; i < t->nknown; i++) {
        redact_remove(t->known[i].bytes, t->known[i].len);
        secret_release(&t->known[i]);
    }
    free(t->known);
    free(t);
}

static void tell_redactor(struct tokens *t, const char *bytes, size_t len)
{
    for (size_t i = 0; i < t->nknown; i++)
        if (t->known[i].len == len && memcmp(t->known[i].bytes, bytes, len) == 0)
            return;
    VEC_GROW(t->known, t->nknown, t->cap);
    t->known[t->nknown] = (struct secret){ 0 };
    secret_set(&t->known[t->nknown++], bytes, len);
    redact_add(bytes, len);
}

/* Line ends around the value go; what is left must be one line a header can carry. */
static bool take_value(struct tokens *t, const char *bytes, size_t len, struct secret *out,
                       const char *what, struct err *e)
{
    while (len > 0 && strchr(" \t\r\n", bytes[len - 1]))
        len--;
    while (len > 0 && strchr(" \t\r\n", *bytes)) {
        bytes++;
        len--;
    }
    if (len == 0)
        return err_set(e, ERR_AUTH, 0, "%s is empty", what);
    tell_redactor(t, bytes, len);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f)
            return err_set(e, ERR_AUTH, 0,
                           "%s is more than one line of text (a token is a single line)", what);
    secret_set(out, bytes, len);
    return true;
}

static bool same_argv(char *const *a, const char *const *b)
{
    for (; *a && *b; a++, b++)
        if (strcmp(*a, *b) != 0)
            return false;
    return !*a && !*b;
}

static struct entry *find(const struct tokens *t, const struct token_ref *ref)
{
    for (struct entry *n = t->entries; n; n = n->next) {
        if (ref->env ? n->env && strcmp(n->env, ref->env) == 0
                     : ref->argv && n->argv && same_argv(n->argv, ref->argv))
            return n;
    }
    return NULL;
}

static struct entry *get_entry(struct tokens *t, const struct token_ref *ref)
{
    struct entry *n = find(t, ref);

    if (n)
        return n;
    n = xcalloc(1, sizeof *n);
    n->owner = t;
    if (ref->env) {
        n->env = xstrdup(ref->env);
    } else {
        size_t argc = 0;
        while (ref->argv[argc])
            argc++;
        n->argv = xcalloc(argc + 1, sizeof *n->argv);
        for (size_t i = 0; i < argc; i++)
            n->argv[i] = xstrdup(ref->argv[i]);
    }
    n->next = t->entries;
    t->entries = n;
    return n;
}

/*
 * The variable is wiped in place and removed after the first reading, so that neither
 * /proc/PID/environ nor a child shows it; later calls are answered from the entry.
 */
static void from_env(struct tokens *t, const struct token_ref *ref, token_done_fn *done, void *ctx)
{
    struct entry *n = get_entry(t, ref);
    struct err e = { 0 };

    if (!n->value.bytes) {
        char what[128], *value = getenv(ref->env);
        snprintf(what, sizeof what, "environment variable %s", ref->env);
        if (!value)
            err_set(&e, ERR_AUTH, 0, "%s is not set", what);
        else if (take_value(t, value, strlen(value), &n->value, what, &e)) {
            explicit_bzero(value, strlen(value));
            unsetenv(ref->env);
        }
    }
    done(ctx, n->value.bytes ? &n->value : NULL, &e);
}

static bool check_file(int fd, const char *path, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_errno(e, errno, "looking at token file %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_PERM, 0, "token file %s is not a regular file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return err_set(e, ERR_PERM, 0, "token file %s belongs to another user (uid %ld)", path,
                       (long)st.st_uid);
    if (st.st_mode & 077)
        return err_set(
            e, ERR_PERM, 0,
            "token file %s can be read or written by others (mode %04o): run chmod 600 %s", path,
            (unsigned)(st.st_mode & 07777), path);
    return true;
}

static bool read_file(int fd, struct sbuf *out, const char *path, struct err *e)
{
    if (sbuf_add_fd(out, fd))
        return true;
    return out->is_full
               ? err_set(e, ERR_LIMIT, 0, "token file %s is over 64 KiB: not a token", path)
               : err_errno(e, errno, "reading token file %s", path);
}

static void from_file(struct tokens *t, const char *path, token_done_fn *done, void *ctx)
{
    struct secret value = { 0 };
    struct err e = { 0 };
    struct sbuf sb;
    char what[256];
    /* Not blocking, so that a FIFO put there does not stop the loop. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool ok = false;

    snprintf(what, sizeof what, "token file %s", path);
    sbuf_init(&sb, TOKEN_MAX_BYTES);
    if (fd < 0)
        err_errno(&e, errno, "opening %s", what);
    else
        ok = check_file(fd, path, &e) && read_file(fd, &sb, path, &e) &&
             take_value(t, sb.buf, sb.len, &value, what, &e);
    if (fd >= 0)
        close(fd);
    explicit_bzero(sb.buf, sb.cap);
    sbuf_release(&sb);
    done(ctx, ok ? &value : NULL, &e);
    secret_release(&value);
}

/*
 * A callback may ask again, which starts the next run and waits for that one, or cancel others:
 * so one waiter at a time is taken off, and only those of the run that has ended.
 */
static void answer(struct entry *n, const struct err *e)
{
    struct secret value = { 0 };
    unsigned run_no = n->run_no;

    if (e->code == ERR_NONE)
        secret_set(&value, n->value.bytes, n->value.len);
    while (n->waiters && n->waiters->run_no == run_no) {
        struct waiter *w = n->waiters;
        n->waiters = w->next;
        w->done(w->ctx, value.bytes ? &value : NULL, e);
        free(w);
    }
    secret_release(&value);
}

static void on_run(void *ctx, const char *out, size_t len, const struct err *fault)
{
    struct entry *n = ctx;
    struct err e = *fault;
    char what[160];

    n->run = NULL; /* it frees itself after this call */
    snprintf(what, sizeof what, "the output of token command %s", n->argv[0]);
    if (e.code == ERR_NONE && take_value(n->owner, out, len, &n->value, what, &e))
        n->got_ms = clock_mono_ms(n->owner->clock);
    answer(n, &e);
}

static void add_waiter(struct entry *n, token_done_fn *done, void *ctx)
{
    struct waiter **at = &n->waiters, *w = xcalloc(1, sizeof *w);

    w->done = done;
    w->ctx = ctx;
    w->run_no = n->run_no;
    while (*at)
        at = &(*at)->next;
    *at = w;
}

static void from_command(struct tokens *t, const struct token_ref *ref, token_done_fn *done,
                         void *ctx)
{
    struct entry *n = get_entry(t, ref);
    struct err e = { 0 };

    if (n->value.bytes && clock_mono_ms(t->clock) - n->got_ms < CACHE_MS) {
        done(ctx, &n->value, &e);
        return;
    }
    secret_release(&n->value);
    if (!n->run) {
        n->run = token_run_start(t->loop, n->argv, t->run_limit_s, on_run, n, &e);
        n->run_no++;
    }
    if (!n->run) {
        done(ctx, NULL, &e);
        return;
    }
    add_waiter(n, done, ctx);
}

void tokens_get(struct tokens *t, const struct token_ref *ref, token_done_fn *done, void *ctx)
{
    require(t && ref && done);
    struct err e = { 0 };

    if (ref->env) {
        from_env(t, ref, done, ctx);
    } else if (ref->file) {
        from_file(t, ref->file, done, ctx);
    } else if (ref->argv && ref->argv[0]) {
        from_command(t, ref, done, ctx);
    } else {
        err_set(&e, ERR_CONFIG, 0, "a credential without token_env, token_file or token_cmd");
        done(ctx, NULL, &e);
    }
}

void tokens_cancel(struct tokens *t, void *ctx)
{
    require(t);
    for (struct entry *n = t->entries; n; n = n->next) {
        for (struct waiter **at = &n->waiters; *at;) {
            struct waiter *w = *at;
            if (w->ctx != ctx) {
                at = &w->next;
                continue;
            }
            *at = w->next;
            free(w);
        }
    }
}

void tokens_forget(struct tokens *t, const struct token_ref *ref)
{
    require(t && ref);
    struct entry *n = ref->argv && !ref->env ? find(t, ref) : NULL;

    if (n) /* a file is read anew anyway; a variable has no other value to offer */
        secret_release(&n->value);
}
