/*
 * Files and texts to checked trees: who may write the file, size, UTF-8 and invisible characters
 * come before the YAML parser (reader.c). Also the small questions about nodes: get, JSON.
 */
#include "opsdeck/config/tree.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/json_text.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"

#include "config_priv.h"

static void *no_file(struct cfg_problems *ps, const char *path, const char *hint, const char *text)
{
    cfg_problem_add(ps, (struct cfg_pos){ path, 0, 0 }, "", hint, "%s", text);
    return NULL;
}

static bool may_trust(const char *path, const struct stat *st, enum read_trust trust,
                      struct cfg_problems *ps)
{
    mode_t others = trust == READ_CONFIG ? S_IWGRP | S_IWOTH : S_IWOTH;

    if (!S_ISREG(st->st_mode)) {
        no_file(ps, path, "name a regular file", "is not a regular file");
        return false;
    }
    if (st->st_mode & others) {
        const char *hint = arena_printf(ps->mem, "chmod go-w '%s'", path);

        cfg_problem_add(ps, (struct cfg_pos){ path, 0, 0 }, "", hint,
                        "refused: others may write it (mode %04o), and what it says is believed",
                        (unsigned)st->st_mode & 07777);
        return false;
    }
    if (trust == READ_CONFIG && st->st_uid != 0 && st->st_uid != geteuid()) {
        cfg_problem_add(ps, (struct cfg_pos){ path, 0, 0 }, "",
                        "copy it, or have its owner changed to you or root",
                        "refused: it belongs to user %u, neither you nor root",
                        (unsigned)st->st_uid);
        return false;
    }
    return true;
}

static char *read_all(int fd, struct arena *mem, size_t max, size_t *len, int *errnum)
{
    char *buf = arena_alloc(mem, max + 2);
    size_t n = 0;

    while (n <= max) {
        ssize_t got = read(fd, buf + n, max + 1 - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            *errnum = errno;
            return NULL;
        }
        if (got == 0)
            break;
        n += (size_t)got;
    }
    buf[n] = 0;
    *len = n;
    return buf;
}

char *cfg_slurp(struct arena *mem, const char *path, size_t max, enum read_trust trust, size_t *len,
                struct cfg_problems *ps)
{
    /* Non-blocking: a FIFO of that name must not stop the program. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), errnum = 0;
    struct stat st;
    char *buf = NULL, size[TIME_TEXT_MAX];
    struct err e = { 0 };

    if (fd < 0 || fstat(fd, &st)) {
        err_errno(&e, errno, "cannot be read");
        no_file(ps, path, "check the path and its modes", e.text);
    } else if (may_trust(path, &st, trust, ps)) {
        /* One byte more than allowed is read, so that a file that grows meanwhile is noticed too.
         */
        size_t room = st.st_size > 0 && (size_t)st.st_size < max ? (size_t)st.st_size : max;

        buf = read_all(fd, mem, room, len, &errnum);
        if (!buf) {
            err_errno(&e, errnum, "cannot be read");
            no_file(ps, path, NULL, e.text);
        } else if (*len > max) {
            cfg_problem_add(ps, (struct cfg_pos){ path, 0, 0 }, "", "split it into several files",
                            "is larger than %s, refused", size_format((int64_t)max, size));
            buf = NULL;
        } else if (*len > room) {
            buf = no_file(ps, path, "try again", "grew while it was read");
        }
    }
    if (fd >= 0)
        close(fd);
    return buf;
}

/* Column of the first byte that is not clean text; 0 when only the line as a whole is not. */
static int dirty_col(const char *line, size_t len)
{
    size_t at = 0;

    for (int col = 1; at < len; col++) {
        uint32_t cp;
        size_t n;

        if (line[at] >= ' ' && line[at] <= '~') {
            at++;
            continue;
        }
        n = utf8_decode(line + at, len - at, &cp);
        if (!utf8_is_valid(line + at, n) ||
            (line[at] != '\t' && line[at] != '\r' && n == 1 && iscntrl((unsigned char)line[at])))
            return col;
        if (n > 1 && !utf8_is_clean(line + at, n, UTF8_LINE)) {
            char with_base[8] = "x";

            /* A combining mark is fine after a letter. */
            memcpy(with_base + 1, line + at, n);
            if (!utf8_is_clean(with_base, n + 1, UTF8_LINE))
                return col;
        }
        at += n;
    }
    return 0;
}

/* The text door for files: nothing is repaired in silence, the place is named. */
static bool check_text(const char *name, const char *text, size_t len, struct cfg_problems *ps)
{
    const char *end = text + len;
    int no = 1;

    for (const char *line = text; line < end; no++) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        size_t n = (size_t)((lf ? lf : end) - line);
        int col = dirty_col(line, n);

        if (col > 0) {
            cfg_problem_add(ps, (struct cfg_pos){ name, no, col }, "",
                            "save the file as UTF-8 and remove that character",
                            "invalid UTF-8, or a control, bidirectional or invisible character");
            return false;
        }
        line += n + 1;
    }
    return true;
}

struct cfg_node *cfg_read_text_max(struct arena *mem, const char *name, const char *text,
                                   size_t len, size_t max, struct cfg_problems *ps)
{
    const char *own_name = arena_strdup(mem, name);
    char size[TIME_TEXT_MAX];

    if (len > max) {
        cfg_problem_add(ps, (struct cfg_pos){ name, 0, 0 }, "", "split it into several files",
                        "is larger than %s, refused", size_format((int64_t)max, size));
        return NULL;
    }
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        text += 3;
        len -= 3;
    }
    cfg_problems_know(ps, own_name, text, len);
    if (!check_text(own_name, text, len, ps))
        return NULL;
    return cfg_parse(mem, own_name, text, len, ps);
}

struct cfg_node *cfg_read_text(struct arena *mem, const char *name, const char *text, size_t len,
                               struct cfg_problems *ps)
{
    return cfg_read_text_max(mem, name, text, len, CFG_FILE_MAX, ps);
}

struct cfg_node *cfg_read_file(struct arena *mem, const char *path, struct cfg_problems *ps)
{
    size_t len = 0;
    const char *text = cfg_slurp(mem, path, CFG_FILE_MAX, READ_CONFIG, &len, ps);

    return text ? cfg_read_text_max(mem, path, text, len, CFG_FILE_MAX, ps) : NULL;
}

char *cfg_slurp_data(struct arena *mem, const char *path, size_t *len, struct cfg_problems *ps)
{
    return cfg_slurp(mem, path, CFG_BIG_FILE_MAX, READ_DATA, len, ps);
}

struct cfg_node *cfg_read_data_text(struct arena *mem, const char *path, const char *text,
                                    size_t len, struct cfg_problems *ps)
{
    return cfg_read_text_max(mem, path, text, len, CFG_BIG_FILE_MAX, ps);
}

struct cfg_node *cfg_read_data_file(struct arena *mem, const char *path, struct cfg_problems *ps)
{
    size_t len = 0;
    const char *text = cfg_slurp_data(mem, path, &len, ps);

    return text ? cfg_read_data_text(mem, path, text, len, ps) : NULL;
}

struct cfg_node *cfg_new_scalar(struct arena *mem, struct cfg_pos pos, const char *text)
{
    struct cfg_node *n = arena_alloc(mem, sizeof *n);

    n->kind = CFG_SCALAR;
    n->pos = pos;
    n->text = utf8_clean_dup(mem, text, strlen(text), CFG_FILE_MAX, UTF8_LINE);
    n->is_null = !strcmp(text, "null");
    return n;
}

int cfg_index(const struct cfg_node *map, const char *key)
{
    if (!map || map->kind != CFG_MAP)
        return -1;
    for (size_t i = 0; i < map->n; i++)
        if (!strcmp(map->keys[i], key))
            return (int)i;
    return -1;
}

const struct cfg_node *cfg_get(const struct cfg_node *map, const char *key)
{
    int i = cfg_index(map, key);

    return i < 0 ? NULL : map->items[i];
}

struct cfg_pos cfg_key_pos(const struct cfg_node *map, const char *key)
{
    int i = cfg_index(map, key);

    return i < 0 ? map->pos : map->key_pos[i];
}

/* Decimal numbers of the YAML 1.2 core schema, rewritten as JSON wants them: 007, .5, +1. */
static bool json_number(struct sbuf *out, const char *s)
{
    const char *sign = *s == '-' ? "-" : "";

    s += *s == '-' || *s == '+';
    size_t whole = strspn(s, "0123456789");
    const char *rest = s + whole;
    size_t frac = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
    const char *exp = rest + (*rest == '.') + frac;
    if (!whole && !frac)
        return false;
    if (*exp) {
        size_t mark = *exp == 'e' || *exp == 'E',
               expsign = mark && (exp[1] == '-' || exp[1] == '+');
        size_t digits = mark ? strspn(exp + 1 + expsign, "0123456789") : 0;

        if (!digits || exp[1 + expsign + digits])
            return false;
    }
    while (whole > 1 && *s == '0')
        s++, whole--;
    sbuf_addf(out, "%s%.*s", sign, whole ? (int)whole : 1, whole ? s : "0");
    if (frac)
        sbuf_addf(out, ".%.*s", (int)frac, rest + 1);
    return sbuf_adds(out, exp);
}

static bool json_radix(struct sbuf *out, const char *s)
{
    int base = !strncmp(s, "0x", 2) ? 16 : !strncmp(s, "0o", 2) ? 8 : 0;
    char *end = NULL;

    if (!base || !isxdigit((unsigned char)s[2]))
        return false;
    errno = 0;
    long long v = strtoll(s + 2, &end, base);
    return !*end && !errno && sbuf_addf(out, "%lld", v);
}

static void json_scalar(struct sbuf *out, const struct cfg_node *n)
{
    static const char *const words[] = { "true", "True", "TRUE", "false", "False", "FALSE" };

    if (n->is_null) {
        sbuf_adds(out, "null");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(words) && !n->is_quoted; i++) {
        if (!strcmp(n->text, words[i])) {
            sbuf_adds(out, i < 3 ? "true" : "false");
            return;
        }
    }
    if (n->is_quoted || (!json_radix(out, n->text) && !json_number(out, n->text)))
        json_put(out, n->text, strlen(n->text));
}

static void json_written(struct sbuf *out, const struct cfg_node *n)
{
    if (n->is_null)
        sbuf_adds(out, "null");
    else
        json_put(out, n->text, strlen(n->text));
}

/* The depth is that of the file, at most CFG_DEPTH_MAX. */
static void json_node(struct sbuf *out, const struct cfg_node *n,
                      void (*scalar)(struct sbuf *, const struct cfg_node *))
{
    if (n->kind == CFG_SCALAR) {
        scalar(out, n);
        return;
    }
    sbuf_addc(out, n->kind == CFG_MAP ? '{' : '[');
    for (size_t i = 0; i < n->n; i++) {
        if (i)
            sbuf_addc(out, ',');
        if (n->kind == CFG_MAP) {
            json_put(out, n->keys[i], strlen(n->keys[i]));
            sbuf_addc(out, ':');
        }
        json_node(out, n->items[i], scalar);
    }
    sbuf_addc(out, n->kind == CFG_MAP ? '}' : ']');
}

static char *to_json(struct arena *mem, const struct cfg_node *n,
                     void (*scalar)(struct sbuf *, const struct cfg_node *))
{
    struct sbuf sb;

    sbuf_init(&sb, (size_t)8 * CFG_BIG_FILE_MAX); /* a byte of a file becomes at most six of JSON */
    json_node(&sb, n, scalar);
    char *text = arena_strndup(mem, sb.buf, sb.len);
    sbuf_release(&sb);
    return text;
}

char *cfg_to_json(struct arena *mem, const struct cfg_node *n)
{
    return to_json(mem, n, json_scalar);
}

char *cfg_to_json_texts(struct arena *mem, const struct cfg_node *n)
{
    return to_json(mem, n, json_written);
}
