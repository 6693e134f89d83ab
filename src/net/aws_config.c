/*
 * What the AWS command line is set up with: the environment, ~/.aws/config and
 * ~/.aws/credentials. This file reads the two files, knows which section is which profile, and
 * says what is wrong with them; the dialect is aws_ini.c, endpoints are aws_endpoint.c.
 */
#include "opsdeck/net/aws_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/require.h"

#include "aws_ini.h"

enum {
    FILE_BYTES_MAX = 1024 * 1024,
    PATH_BYTES_MAX = 4096,
    NEAR_BYTES_MAX = 64, /* names longer than this are not compared */
    NAMES_SHOWN = 8,
};

/* A section that means something: [profile x], [default], [sso-session x], [services x]. */
struct named {
    const char *kind, *name;
    const struct aws_ini_section *section;
};

struct aws_file {
    const char *path;  /* NULL: no home, no file */
    const char *shown; /* the path with ~ for the home, for messages */
    bool is_there, has_fault;
    struct err fault;
    struct aws_ini ini;
    struct named *names;
    size_t n;
};

struct aws_config {
    aws_getenv_fn *env;
    void *ctx;
    struct arena *mem;
    struct aws_file config, credentials;
};

static const char PROFILE[] = "profile", SSO[] = "sso-session", SERVICES[] = "services";

static const char *program_env(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

const char *aws_config_env(const struct aws_config *c, const char *name)
{
    require(c && name);
    const char *v = c->env(c->ctx, name);

    return v && *v ? v : NULL;
}

const char *aws_config_home(const struct aws_config *c)
{
    return aws_config_env(c, "HOME");
}

/* ---- where the files are */

static size_t name_len(const char *s)
{
    size_t n = 0;

    while ((s[n] >= 'A' && s[n] <= 'Z') || (s[n] >= 'a' && s[n] <= 'z') || s[n] == '_' ||
           (s[n] >= '0' && s[n] <= '9'))
        n++;
    return n;
}

/* $NAME or ${NAME} at *s; what is not set stays as it is written. */
static void expand_var(const struct aws_config *c, struct arena *mem, const char **s,
                       struct sbuf *out)
{
    bool is_braced = (*s)[1] == '{';
    const char *name = *s + (is_braced ? 2 : 1);
    size_t n = name_len(name);
    const char *end = name + n + (is_braced ? 1 : 0);
    const char *v = NULL;

    if (n > 0 && (!is_braced || name[n] == '}'))
        v = aws_config_env(c, arena_strndup(mem, name, n));
    if (v) {
        sbuf_adds(out, v);
        *s = end;
    } else {
        sbuf_addc(out, *(*s)++);
    }
}

const char *aws_config_path(const struct aws_config *c, struct arena *mem, const char *raw)
{
    require(c && mem && raw);
    const char *home = aws_config_home(c), *s = raw;
    struct sbuf out;

    sbuf_init(&out, PATH_BYTES_MAX);
    if (s[0] == '~' && (s[1] == '/' || s[1] == '\0') && home) {
        sbuf_adds(&out, home);
        s++;
    }
    while (*s) {
        if (*s == '$')
            expand_var(c, mem, &s, &out);
        else
            sbuf_addc(&out, *s++);
    }
    const char *path = arena_strdup(mem, out.is_full ? raw : out.buf);
    sbuf_release(&out);
    return path;
}

static void place_file(const struct aws_config *c, struct aws_file *f, const char *variable,
                       const char *usual)
{
    const char *home = aws_config_home(c), *given = aws_config_env(c, variable);
    size_t n = home ? strlen(home) : 0;

    f->shown = arena_printf(c->mem, "~/.aws/%s", usual);
    if (given)
        f->path = aws_config_path(c, c->mem, given);
    else if (home)
        f->path = arena_printf(c->mem, "%s/.aws/%s", home, usual);
    if (f->path && n > 1 && strncmp(f->path, home, n) == 0 && f->path[n] == '/')
        f->shown = arena_printf(c->mem, "~%s", f->path + n);
    else if (f->path)
        f->shown = f->path;
}

/* ---- reading them */

/* A device such as /dev/null stands for "no file", as with the AWS CLI. */
static bool read_open(struct aws_file *f, int fd, struct err *e)
{
    struct stat st;
    struct sbuf text;

    if (fstat(fd, &st) != 0)
        return err_errno(e, errno, "looking at it");
    if (S_ISCHR(st.st_mode))
        return true;
    if (S_ISDIR(st.st_mode))
        return err_set(e, ERR_IO, EISDIR, "is a directory: name a file, or remove it");
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_IO, 0, "is not a regular file: name one, or remove it");
    sbuf_init(&text, FILE_BYTES_MAX);
    if (!sbuf_add_fd(&text, fd)) {
        text.is_full ? err_set(e, ERR_LIMIT, 0, "is larger than 1 MiB: is this the right file?")
                     : err_errno(e, errno, "reading it");
        explicit_bzero(text.buf, text.len);
        sbuf_release(&text);
        return false;
    }
    f->is_there = true;
    size_t len = text.len;
    return aws_ini_parse(&f->ini, text.buf, len, e);
}

static bool read_file(struct aws_file *f, struct err *e)
{
    if (!f->path)
        return true;
    /* Without O_NONBLOCK a named pipe would hold the start up for ever. */
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return true;
    if (fd < 0)
        return err_errno(e, errno,
                         "cannot be opened (it must be a file that you may read: chmod 600)");
    bool ok = read_open(f, fd, e);
    close(fd);
    return ok;
}

/* ---- which section is what */

static struct named name_of(struct arena *mem, const struct aws_ini_section *s)
{
    static const char *const kinds[] = { PROFILE, SSO, SERVICES };
    struct named d = { .section = s };

    for (size_t i = 0; i < ARRAY_LEN(kinds) && !d.name; i++) {
        d.kind = kinds[i];
        d.name = aws_ini_name_after(mem, s->name, kinds[i]);
    }
    if (!d.name && strcmp(s->name, "default") == 0) {
        d.kind = PROFILE;
        d.name = "default";
    }
    return d;
}

/* In the credentials file the brackets hold nothing but the name. */
static void name_sections(struct aws_config *c, struct aws_file *f, bool is_plain)
{
    f->names = arena_array(c->mem, f->ini.nsections, sizeof *f->names);
    for (size_t i = 0; i < f->ini.nsections; i++) {
        const struct aws_ini_section *s = &f->ini.sections[i];
        struct named d = is_plain ? (struct named){ PROFILE, s->name, s } : name_of(c->mem, s);

        if (d.name)
            f->names[f->n++] = d;
    }
}

/* `[profile default]` beats `[default]`; else the last one counts, as in the AWS CLI. */
static const struct aws_ini_section *find(const struct aws_file *f, const char *kind,
                                          const char *name)
{
    const struct aws_ini_section *bare = NULL;

    for (size_t i = f->n; i > 0; i--) {
        const struct named *d = &f->names[i - 1];

        if (strcmp(d->kind, kind) != 0 || strcmp(d->name, name) != 0)
            continue;
        if (strcmp(d->section->name, "default") != 0)
            return d->section;
        bare = d->section;
    }
    return bare;
}

static void load_file(struct aws_config *c, struct aws_file *f, bool is_plain)
{
    struct err e = { 0 };

    if (read_file(f, &e)) {
        name_sections(c, f, is_plain);
        return;
    }
    err_ctx(&e, "%s", f->shown);
    f->has_fault = true;
    f->fault = e;
}

struct aws_config *aws_config_load(aws_getenv_fn *env, void *ctx)
{
    struct aws_config *c = xcalloc(1, sizeof *c);

    c->env = env ? env : program_env;
    c->ctx = ctx;
    c->mem = arena_new();
    place_file(c, &c->config, "AWS_CONFIG_FILE", "config");
    place_file(c, &c->credentials, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
    load_file(c, &c->config, false);
    load_file(c, &c->credentials, true);
    return c;
}

void aws_config_free(struct aws_config *c)
{
    if (!c)
        return;
    aws_ini_release(&c->config.ini);
    aws_ini_release(&c->credentials.ini);
    arena_free(c->mem);
    free(c);
}

/* ---- what is asked of them */

bool aws_config_check(const struct aws_config *c, struct err *e)
{
    require(c);
    const struct aws_file *f = c->config.has_fault ? &c->config : &c->credentials;

    if (f->has_fault && e)
        *e = f->fault;
    return !f->has_fault;
}

const char *aws_config_default_profile(const struct aws_config *c)
{
    const char *name = aws_config_env(c, "AWS_PROFILE");

    if (!name)
        name = aws_config_env(c, "AWS_DEFAULT_PROFILE");
    return name ? name : "default";
}

bool aws_config_is_profile_named(const struct aws_config *c)
{
    return aws_config_env(c, "AWS_PROFILE") || aws_config_env(c, "AWS_DEFAULT_PROFILE");
}

const char *aws_config_get_in(const struct aws_config *c, bool in_credentials_file,
                              const char *profile, const char *key)
{
    require(c && key);
    const struct aws_file *f = in_credentials_file ? &c->credentials : &c->config;

    if (!profile)
        profile = aws_config_default_profile(c);
    return aws_ini_value(find(f, PROFILE, profile), key);
}

const char *aws_config_get(const struct aws_config *c, const char *profile, const char *key)
{
    const char *v = aws_config_get_in(c, true, profile, key);

    return v ? v : aws_config_get_in(c, false, profile, key);
}

const char *aws_config_sso(const struct aws_config *c, const char *session, const char *key)
{
    require(c && key);
    return session ? aws_ini_value(find(&c->config, SSO, session), key) : NULL;
}

const char *aws_config_region(const struct aws_config *c, const char *profile)
{
    const char *region = aws_config_env(c, "AWS_REGION");

    if (!region)
        region = aws_config_env(c, "AWS_DEFAULT_REGION");
    return region ? region : aws_config_get(c, profile, "region");
}

bool aws_config_service_url(const struct aws_config *c, const char *profile, const char *id,
                            const char **url, struct err *e)
{
    require(c && id && url);
    const char *name = aws_config_get(c, profile, "services");
    const struct aws_ini_section *s = name ? find(&c->config, SERVICES, name) : NULL;

    *url = NULL;
    if (name && !s)
        return err_set(e, ERR_CONFIG, 0,
                       "profile \"%s\" says services = %s, but %s has no [services %s]: add it, or "
                       "delete the key",
                       profile ? profile : aws_config_default_profile(c), name, c->config.shown,
                       name);
    *url = aws_ini_mapped(s, id, "endpoint_url");
    return true;
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

size_t aws_config_profiles(const struct aws_config *c, struct arena *mem, const char ***names)
{
    require(c && mem && names);
    const struct aws_file *files[] = { &c->config, &c->credentials };
    const char **out = arena_array(mem, c->config.n + c->credentials.n, sizeof *out);
    size_t n = 0, kept = 0;

    for (size_t k = 0; k < ARRAY_LEN(files); k++)
        for (size_t i = 0; i < files[k]->n; i++)
            if (strcmp(files[k]->names[i].kind, PROFILE) == 0)
                out[n++] = arena_strdup(mem, files[k]->names[i].name);
    if (n > 1)
        qsort(out, n, sizeof *out, by_name);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || strcmp(out[kept - 1], out[i]) != 0)
            out[kept++] = out[i];
    *names = out;
    return kept;
}

/* ---- a profile that is not there */

static char fold(char ch)
{
    return ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
}

/* Letters to add, drop or change until a is b, capitals apart. */
static size_t distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b), row[NEAR_BYTES_MAX + 1];

    if (na > NEAR_BYTES_MAX || nb > NEAR_BYTES_MAX)
        return NEAR_BYTES_MAX;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = corner + (fold(a[i - 1]) != fold(b[j - 1]));

            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[nb];
}

static const char *nearest(const char *profile, const char *const *names, size_t n)
{
    size_t best = strlen(profile) < 4 ? 2 : 3; /* one slip in a short name, two in a longer one */
    const char *near = NULL;

    for (size_t i = 0; i < n; i++) {
        size_t d = distance(profile, names[i]);

        if (d < best && d < strlen(names[i])) {
            best = d;
            near = names[i];
        }
    }
    return near;
}

static bool no_profile(const struct aws_config *c, const char *profile, struct arena *mem,
                       struct err *e)
{
    const struct aws_ini_section *bare = aws_ini_find(&c->config.ini, profile);
    const char **names, *where = c->config.shown;
    size_t n = aws_config_profiles(c, mem, &names);
    const char *near = nearest(profile, names, n), *list = "";

    if (bare)
        return err_set(e, ERR_NOT_FOUND, 0,
                       "no profile \"%s\" in %s; line %d has [%s]: write [profile %s]", profile,
                       where, bare->line, profile, profile);
    if (near)
        return err_set(e, ERR_NOT_FOUND, 0, "no profile \"%s\" in %s; did you mean \"%s\"?",
                       profile, where, near);
    if (n == 0)
        return err_set(e, ERR_NOT_FOUND, 0,
                       "no profile \"%s\": %s %s; run: aws configure --profile %s", profile, where,
                       c->config.is_there ? "has no profiles" : "is not there", profile);
    for (size_t i = 0; i < n && i < NAMES_SHOWN; i++)
        list = arena_printf(mem, "%s%s%s", list, i ? ", " : "", names[i]);
    return err_set(e, ERR_NOT_FOUND, 0, "no profile \"%s\" in %s; there are: %s%s", profile, where,
                   list, n > NAMES_SHOWN ? " ..." : "");
}

bool aws_config_has_profile(const struct aws_config *c, const char *profile, struct err *e)
{
    require(c);
    if (!aws_config_check(c, e))
        return false;
    if (!profile)
        profile = aws_config_default_profile(c);
    if (find(&c->config, PROFILE, profile) || find(&c->credentials, PROFILE, profile))
        return true;
    struct arena *mem = arena_new();
    no_profile(c, profile, mem, e);
    arena_free(mem);
    return false;
}
