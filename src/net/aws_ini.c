/*
 * The INI dialect of ~/.aws/config and ~/.aws/credentials. Names and values are cut out of the
 * text in place, so that secrets are in one buffer which aws_ini_release() wipes. Called by
 * aws_config.c; reads no file itself.
 */
#include "aws_ini.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

struct parser {
    struct aws_ini *ini;
    struct aws_ini_section *section; /* NULL before the first one */
    struct aws_ini_key *key;         /* what an indented line continues; NULL: nothing */
    char *value_end;                 /* the NUL of the value of `key` */
    size_t indent;                   /* of the line of `key` */
    int line;
};

/* One line without the blanks around it; `end` may be overwritten by a NUL. */
struct span {
    char *at, *end;
};

static bool is_blank(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r';
}

static struct span trim(char *at, char *end)
{
    while (at < end && is_blank(*at))
        at++;
    while (end > at && is_blank(end[-1]))
        end--;
    return (struct span){ at, end };
}

static void lower(char *s)
{
    for (; *s; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
}

static bool check_bytes(const struct parser *p, const struct span *t, struct err *e)
{
    for (const char *s = t->at; s < t->end; s++) {
        if (*s == '\0')
            return err_set(e, ERR_PARSE, 0,
                           "line %d: a NUL byte: save the file as UTF-8 text (not UTF-16)",
                           p->line);
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return err_set(e, ERR_PARSE, 0, "line %d: a control character: delete it", p->line);
    }
    if (!utf8_is_valid(t->at, (size_t)(t->end - t->at)))
        return err_set(e, ERR_PARSE, 0, "line %d: not UTF-8: save the file as UTF-8", p->line);
    return true;
}

/* What follows the bracket is ignored, as configparser does: people put comments there. */
static bool take_section(struct parser *p, struct span t, struct err *e)
{
    struct aws_ini *ini = p->ini;
    char *close = memchr(t.at, ']', (size_t)(t.end - t.at));

    if (!close)
        return err_set(e, ERR_PARSE, 0, "line %d: the section has no \"]\": add it", p->line);
    struct span name = trim(t.at + 1, close);
    *name.end = '\0';
    if (name.at == name.end)
        return err_set(e, ERR_PARSE, 0, "line %d: the section has no name", p->line);
    if (!utf8_is_clean(name.at, (size_t)(name.end - name.at), UTF8_LINE))
        return err_set(e, ERR_PARSE, 0,
                       "line %d: the section's name has characters that cannot be shown: "
                       "rename it",
                       p->line);
    const struct aws_ini_section *other = aws_ini_find(ini, name.at);
    if (other)
        return err_set(e, ERR_PARSE, 0,
                       "line %d: [%s] is there already, on line %d: make one section of both",
                       p->line, name.at, other->line);
    if (ini->nsections == AWS_INI_SECTIONS_MAX)
        return err_set(e, ERR_LIMIT, 0, "line %d: more than %d sections", p->line,
                       AWS_INI_SECTIONS_MAX);
    VEC_GROW(ini->sections, ini->nsections, ini->cap);
    p->section = &ini->sections[ini->nsections++];
    *p->section = (struct aws_ini_section){ .name = name.at, .line = p->line };
    p->key = NULL;
    return true;
}

static struct aws_ini_key *find_key(const struct aws_ini_section *s, const char *name)
{
    for (size_t i = 0; s && i < s->nkeys; i++)
        if (strcasecmp(s->keys[i].name, name) == 0)
            return &s->keys[i];
    return NULL;
}

static bool take_key(struct parser *p, struct span t, struct err *e)
{
    struct aws_ini_section *s = p->section;
    char *sep = t.at;

    if (!s)
        return err_set(e, ERR_PARSE, 0,
                       "line %d: a line before the first [section]: put [default] above it",
                       p->line);
    while (sep < t.end && *sep != '=' && *sep != ':')
        sep++;
    if (sep == t.end)
        return err_set(e, ERR_PARSE, 0,
                       "line %d: neither key = value, nor [section], nor comment: correct or "
                       "delete it",
                       p->line);
    struct span name = trim(t.at, sep), value = trim(sep + 1, t.end);
    *name.end = *value.end = '\0';
    if (name.at == name.end)
        return err_set(e, ERR_PARSE, 0, "line %d: no key before the \"=\"", p->line);
    lower(name.at);
    const struct aws_ini_key *other = find_key(s, name.at);
    if (other)
        return err_set(e, ERR_PARSE, 0,
                       "line %d: %s is in [%s] already, on line %d: delete one of them", p->line,
                       name.at, s->name, other->line);
    if (s->nkeys == AWS_INI_KEYS_MAX)
        return err_set(e, ERR_LIMIT, 0, "line %d: more than %d keys in [%s]", p->line,
                       AWS_INI_KEYS_MAX, s->name);
    VEC_GROW(s->keys, s->nkeys, s->cap);
    p->key = &s->keys[s->nkeys++];
    *p->key = (struct aws_ini_key){ .name = name.at, .value = value.at, .line = p->line };
    p->value_end = value.end;
    return true;
}

/* An indented line under an empty value: `k = v` of its map. */
static bool take_mapped(struct parser *p, struct span t, struct err *e)
{
    struct aws_ini_key *k = p->key;
    char *sep = memchr(t.at, '=', (size_t)(t.end - t.at));

    if (!sep || sep == t.at)
        return err_set(e, ERR_PARSE, 0,
                       "line %d: an indented line under \"%s =\" must read key = value", p->line,
                       k->name);
    struct span name = trim(t.at, sep), value = trim(sep + 1, t.end);
    *name.end = *value.end = '\0';
    lower(name.at);
    VEC_GROW(k->map, k->nmap, k->cap);
    k->map[k->nmap++] = (struct aws_ini_pair){ name.at, value.at };
    return true;
}

/* The value grows towards its next line, which lies at least one LF further on. */
static void join(struct parser *p, struct span t)
{
    size_t n = (size_t)(t.end - t.at);

    *p->value_end++ = '\n';
    memmove(p->value_end, t.at, n);
    p->value_end += n;
    *p->value_end = '\0';
}

static bool take_line(struct parser *p, char *at, char *end, struct err *e)
{
    struct span t = trim(at, end);
    size_t indent = (size_t)(t.at - at);

    if (t.at == t.end)
        return true;
    if (!check_bytes(p, &t, e))
        return false;
    if (*t.at == '#' || *t.at == ';')
        return true;
    if (p->key && indent > p->indent) {
        if (*p->key->value == '\0')
            return take_mapped(p, t, e);
        join(p, t);
        return true;
    }
    p->indent = indent;
    return *t.at == '[' ? take_section(p, t, e) : take_key(p, t, e);
}

bool aws_ini_parse(struct aws_ini *ini, char *text, size_t len, struct err *e)
{
    require(ini && (text || len == 0));
    struct parser p = { .ini = ini };
    char *at = text, *end = text + len;

    *ini = (struct aws_ini){ .text = text, .len = len };
    text[len] = '\0';
    if (len >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    while (at < end) {
        char *lf = memchr(at, '\n', (size_t)(end - at));
        char *stop = lf ? lf : end;

        p.line++;
        if (!take_line(&p, at, stop, e)) {
            aws_ini_release(ini);
            return false;
        }
        at = stop + 1;
    }
    return true;
}

void aws_ini_release(struct aws_ini *ini)
{
    if (!ini)
        return;
    for (size_t i = 0; i < ini->nsections; i++) {
        struct aws_ini_section *s = &ini->sections[i];

        for (size_t j = 0; j < s->nkeys; j++)
            free(s->keys[j].map);
        free(s->keys);
    }
    free(ini->sections);
    if (ini->text)
        explicit_bzero(ini->text, ini->len);
    free(ini->text);
    *ini = (struct aws_ini){ 0 };
}

const struct aws_ini_section *aws_ini_find(const struct aws_ini *ini, const char *section)
{
    require(ini && section);
    for (size_t i = 0; i < ini->nsections; i++)
        if (strcmp(ini->sections[i].name, section) == 0)
            return &ini->sections[i];
    return NULL;
}

const char *aws_ini_value(const struct aws_ini_section *s, const char *key)
{
    require(key);
    const struct aws_ini_key *k = find_key(s, key);

    return k && *k->value ? k->value : NULL;
}

const char *aws_ini_mapped(const struct aws_ini_section *s, const char *key, const char *sub)
{
    require(key && sub);
    const struct aws_ini_key *k = find_key(s, key);

    for (size_t i = k ? k->nmap : 0; i > 0; i--)
        if (strcasecmp(k->map[i - 1].key, sub) == 0)
            return *k->map[i - 1].value ? k->map[i - 1].value : NULL;
    return NULL;
}

/* One word of a section's name after the rules of a shell; NULL: a quote is left open. */
static const char *shell_word(const char *s, struct sbuf *out)
{
    char quote = '\0';

    for (; *s && (quote || (*s != ' ' && *s != '\t')); s++) {
        if (*s == quote) {
            quote = '\0';
        } else if (!quote && (*s == '\'' || *s == '"')) {
            quote = *s;
        } else {
            if (*s == '\\' && s[1] && (!quote || (quote == '"' && strchr("\\\"", s[1]))))
                s++;
            sbuf_addc(out, *s);
        }
    }
    return quote ? NULL : s;
}

const char *aws_ini_name_after(struct arena *mem, const char *section, const char *kind)
{
    require(mem && section && kind);
    size_t n = strlen(kind);
    const char *s = section + n, *name = NULL;
    struct sbuf word;

    if (strncmp(section, kind, n) != 0 || (*s != ' ' && *s != '\t'))
        return NULL;
    s += strspn(s, " \t");
    sbuf_init(&word, strlen(s) + 1);
    const char *end = shell_word(s, &word);
    if (end && *end == '\0' && word.len > 0)
        name = arena_strdup(mem, word.buf);
    sbuf_release(&word);
    return name;
}
