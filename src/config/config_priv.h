/*
 * What the files of this room share: limits, the key tables that drive check, dump, explain and
 * example, path expansion, and the judgement of what looks like a secret. Not for other rooms.
 */
#ifndef OPSDECK_CONFIG_CONFIG_PRIV_H
#define OPSDECK_CONFIG_CONFIG_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/config/settings.h"
#include "opsdeck/config/tree.h"

enum {
    CFG_FILE_MAX = 256 * 1024,      /* config.yaml and its includes */
    CFG_BIG_FILE_MAX = 1024 * 1024, /* recipes, panes: they carry SQL */
    CFG_NODES_MAX = 20000,
    CFG_DEPTH_MAX = 64,
    CFG_PROBLEMS_MAX = 100,
};

/* ---- reading (tree.c, reader.c) */

enum read_trust {
    READ_CONFIG, /* ours or root's, writable by nobody else */
    READ_DATA,   /* recipes, panes ...: not writable by everybody */
};

/* The bytes of a file in `mem`, NUL terminated; NULL with a problem. */
char *cfg_slurp(struct arena *mem, const char *path, size_t max, enum read_trust trust, size_t *len,
                struct cfg_problems *ps);
struct cfg_node *cfg_read_text_max(struct arena *mem, const char *name, const char *text,
                                   size_t len, size_t max, struct cfg_problems *ps);
/* As cfg_read_data_file(), of text that is there already. */
struct cfg_node *cfg_read_data_text(struct arena *mem, const char *path, const char *text,
                                    size_t len, struct cfg_problems *ps);
/* The bytes of such a file in `mem`; NULL with a problem. */
char *cfg_slurp_data(struct arena *mem, const char *path, size_t *len, struct cfg_problems *ps);
/* bytes of valid, clean text -> nodes (reader.c); `text` has no byte order mark. */
struct cfg_node *cfg_parse(struct arena *mem, const char *name, const char *text, size_t len,
                           struct cfg_problems *ps);
struct cfg_node *cfg_new_scalar(struct arena *mem, struct cfg_pos pos, const char *text);
/* Pairs of a map: index of key or -1. */
int cfg_index(const struct cfg_node *map, const char *key);
struct cfg_pos cfg_key_pos(const struct cfg_node *map,
                           const char *key); /* the map's own when absent */

/* ---- problems (problems.c) */

void cfg_problems_know(struct cfg_problems *ps, const char *name, const char *text, size_t len);
void cfg_problems_sort(struct cfg_problems *ps, size_t first);
/* What a person wrote, short, for "got ..."; never a secret. In ps->mem. */
const char *cfg_show(struct cfg_problems *ps, const struct cfg_node *n);

/* ---- words and secrets (words.c) */

bool cfg_looks_secret(const char *s);    /* ghp_..., AKIA..., a JWT, a private key */
bool cfg_is_secret_key(const char *key); /* token, password ...: a key that would hold one */
/* Replace secrets in a line by ***; *caret is a byte offset, moved along. */
struct sbuf;
void cfg_mask_line(struct sbuf *out, const char *line, size_t len, size_t *caret);
bool cfg_is_name(const char *s);       /* [A-Za-z0-9._-]{1,64}, not beginning with a dot */
bool cfg_is_identifier(const char *s); /* [A-Za-z_][A-Za-z0-9_]{0,63} */
bool cfg_is_token(const char *s);      /* RFC 9110 5.6.2 */

/* ---- key tables (keys.c) */

enum key_type {
    KEY_TEXT,
    KEY_NAME, /* cfg_is_name() */
    KEY_BOOL,
    KEY_INT, /* int */
    KEY_INT64,
    KEY_DURATION,  /* ms */
    KEY_SIZE,      /* bytes */
    KEY_CHOICE,    /* stored as text */
    KEY_CHOICE_NO, /* stored as the number of the choice, an int */
    KEY_PATH,      /* expanded, made absolute from the file it stands in */
    KEY_URL,       /* choices: the schemes */
    KEY_TEXTS,     /* list of text, NULL terminated */
    KEY_MAP,
    KEY_MAPS, /* list of maps */
    KEY_ANY,  /* the reader of the key checks it */
};

enum key_reload {
    RELOAD_LIVE,
    RELOAD_RECONNECT,
    RELOAD_RESTART
};

enum key_flags {
    KEY_REQUIRED = 1,
    KEY_SITE_ONLY = 2, /* only the site's file in /etc may say it */
};

#define KEY_NO_OFFSET ((size_t)-1)

struct key_def {
    const char *path; /* "sources.every": lists are passed through; "*" is any key */
    enum key_type type;
    const char *dflt;           /* as written in the file; NULL: none */
    int64_t min, max;           /* KEY_INT, KEY_DURATION (ms), KEY_SIZE (bytes); both 0: no limit */
    const char *const *choices; /* NULL terminated */
    const char *help;
    enum key_reload reload;
    unsigned flags;
    size_t offset;       /* where key_store() puts the value */
    const char *example; /* for the example file where there is no default */
};

struct key_table {
    const struct key_def *v;
    size_t n;
    const char *explain; /* "opsdeck config explain": begins the hint; NULL: none */
};

/* Row for a path such as "sources[2].every" or "sources.every"; NULL if there is none. */
const struct key_def *key_find(const struct key_table *t, const char *path);
/* Child row `key` of `prefix` ("" for the top), a "*" row else. */
const struct key_def *key_child(const struct key_table *t, const char *prefix, const char *key);
bool key_is_child(const struct key_def *k, const char *prefix);
const char *key_leaf(const struct key_def *k);
const char *key_limits(const struct key_def *k,
                       struct arena *mem); /* "1s to 7d", "a, b or c", "" */
const char *key_type_name(enum key_type t);
/*
 * Check `node` against the rows below `prefix`: unknown keys, missing ones, types and limits.
 * `shown` is the path for messages ("sources[2]"). False when there was an error.
 */
bool key_check(const struct key_table *t, const char *prefix, const struct cfg_node *node,
               const char *shown, struct cfg_problems *ps);
bool key_check_value(const struct key_table *t, const struct key_def *k,
                     const struct cfg_node *node, const char *shown, struct cfg_problems *ps);
/* Put the value (NULL: the default) at base + offset. False: not valid, nothing stored. */
bool key_store(const struct key_def *k, const struct cfg_node *node, void *base, struct arena *mem);
/* key_store() for all rows directly below `prefix` that have an offset. */
void key_fill(const struct key_table *t, const char *prefix, const struct cfg_node *map, void *base,
              struct arena *mem);

/* ---- paths (paths.c) */

/* ~, $HOME and $XDG_*_HOME at the beginning; relative paths from `base`. */
MUST_CHECK bool path_expand(struct arena *mem, const char *text, const char *base, char **out,
                            struct err *e);
char *path_dir(struct arena *mem, const char *path);
const char *path_etc(void); /* /etc/opsdeck, or OPSDECK_ETC for tests */
/* FOLDER/NAME.yaml of the first data folder that has it, or NULL. */
char *data_find(struct arena *mem, const struct data_dirs *dirs, const char *folder,
                const char *name);
size_t data_list(struct arena *mem, const struct data_dirs *dirs, const char *folder,
                 char ***paths);

/* ---- settings (settings*.c) */

struct url_parts {
    const char *scheme; /* lower case */
    const char *host;   /* without brackets */
    bool is_loopback;
};

/* Why the URL cannot be a base URL, or NULL. Never echoes it. */
const char *url_fault(struct arena *mem, const char *url, const char *const *schemes,
                      struct url_parts *out);

const struct key_table *settings_table(void);

/* One layer of settings: a file (already checked) with its rank. */
struct layer {
    const char *name; /* path of the file */
    const struct cfg_node *root;
    bool is_site;
};

struct layers {
    struct layer *v;
    size_t n, cap;       /* heap */
    bool is_locked_only; /* --config: the site's values count only where it locked them */
};

/* Read a file and what it includes, in order; problems for all of them. */
void layers_read(struct layers *ls, struct arena *mem, const char *path, bool is_site,
                 struct cfg_problems *ps);
void sources_load(struct settings *s, const struct layers *ls, const struct cfg_node *locked,
                  struct cfg_problems *ps);
bool auth_load(struct auth_cfg *out, const struct cfg_node *auth, const char *shown,
               struct arena *mem, struct cfg_problems *ps);
/* Is `path` ("ui.theme") locked, itself or by its section? The list item, or NULL. */
const struct cfg_node *locked_by(const struct cfg_node *locked, const char *path);

#endif
