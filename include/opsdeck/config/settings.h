/*
 * config.yaml as the program uses it: typed values with their origin. Every key stands once in
 * the table behind settings_keys(): name, type, default, limits, help; `config explain`,
 * `config dump`, docs and the checker all come from it.
 * Built by the loop thread; read-only afterwards; all memory in the settings' arena.
 */
#ifndef OPSDECK_CONFIG_SETTINGS_H
#define OPSDECK_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/row_set.h"
#include "opsdeck/config/tree.h"

enum auth_kind {
    AUTH_NONE,
    AUTH_HEADER,
    AUTH_BEARER,
    AUTH_BASIC
};

/* Where a secret comes from; the secret itself is never here. Exactly one of the three is set. */
struct secret_ref {
    const char *env;         /* token_env, password_env */
    const char *file;        /* token_file, password_file; ~ expanded */
    const char *const *argv; /* token_cmd, password_cmd: NULL terminated, no shell */
    struct cfg_pos pos;
};

struct auth_cfg {
    enum auth_kind kind;
    const char *header; /* AUTH_HEADER: its name, e.g. "X-API-KEY" */
    const char *user;   /* AUTH_BASIC */
    struct secret_ref secret;
};

/* sources.rate, in the order of its choices. */
enum source_rate {
    RATE_RECIPE,
    RATE_NONE /* no gaps between requests; checked: never for a host that is not this machine */
};

struct source_cfg {
    const char *name;   /* unique, [A-Za-z0-9._-]{1,64} */
    const char *recipe; /* name of a recipe */
    const char *url;    /* base URL for http, NULL for others; no user info, no query */
    const char *path;   /* connector file: path or glob, ~ expanded; relative to the config file */
    int64_t every_ms, timeout_ms; /* 0: the recipe's */
    int rate;                     /* enum source_rate */
    bool is_disabled;
    struct auth_cfg auth;
    const char *ca_file, *proxy; /* NULL: the network section's */
    struct {
        const char *profile, *region, *endpoint_url; /* NULL: as the AWS command line decides */
    } aws;
    const struct cfg_node
        *params; /* map or NULL; checked against the recipe by recipe_bind_params() */
    const struct cfg_node
        *node;               /* the whole source, for connector-specific keys (aws:, exec: ...) */
    const char *labels_json; /* JSON object, "{}" when none */
    struct cfg_pos pos;
};

enum ui_ascii {
    UI_ASCII_AUTO,
    UI_ASCII_YES,
    UI_ASCII_NO
};

struct settings_value;

struct settings {
    struct arena *mem;
    struct {
        const char *dir; /* absolute, ~ expanded */
        bool is_shared;
        int64_t keep_ms, max_bytes;
    } store;
    struct {
        const char *theme, *keymap, *start, *clipboard;
        enum ui_ascii ascii;
        bool mouse;
        int64_t escape_delay_ms;
    } ui;
    struct {
        int64_t timeout_ms, connect_timeout_ms;
        const char *ca_file, *proxy; /* NULL: none */
        int concurrency;             /* requests at once to all hosts together */
    } network;
    struct environment_cfg {
        const char *name;
        bool is_danger; /* mark: danger */
        struct cfg_pos pos;
    } * environments;
    size_t nenvironments;
    struct source_cfg *sources;
    size_t nsources;
    const char *file;              /* the user's config file, NULL when there was none */
    struct settings_value *values; /* for settings_dump() */
    size_t nvalues;
};

/* What the command line adds: flags win over OPSDECK_* over files. */
struct settings_flags {
    const char *config; /* --config FILE: then no other file but /etc's `locked:` is read */
    const char *store_dir, *theme;
    bool ascii;
};

/*
 * Load /etc/opsdeck/config.yaml, the user's config.yaml with its includes, OPSDECK_<SECTION>_<KEY>
 * and flags. No file at all is not an error (file = NULL, no sources). NULL when there were
 * errors; problems hold all of them. Refuses files that others may write. The result is freed with
 * settings_free().
 */
struct settings *settings_load(const struct settings_flags *flags, struct cfg_problems *ps);
void settings_free(struct settings *s);

/* One row of `config dump`: path, value as text (*** for secrets), origin "file:line", "default",
 * "OPSDECK_UI_THEME", "--theme". */
struct row_set *settings_dump(const struct settings *s); /* columns: key value origin */
/* One row of the key table, or all with key NULL: columns key type default limits help reload. NULL
 * with near-miss hint in *nearest when unknown. */
struct row_set *settings_explain(const char *key, const char **nearest);
/* Path of the user's config file (whether it exists or not), in `mem`. */
char *settings_user_path(struct arena *mem);
/* A commented example config, as shipped in config/config.yaml (text made from the key table). */
char *settings_example(struct arena *mem);

/*
 * Folders to look for recipes/, panes/, keymaps/, themes/ in, the first that has a file wins:
 * beside the user config, /etc/opsdeck, then OPSDECK_DATA (both X and X/config), or the tree the
 * binary stands in when it has config/recipes, or OPSDECK_DATADIR.
 */
struct data_dirs {
    const char *v[6];
    size_t n;
};
void data_dirs_find(struct arena *mem, const struct settings *s, struct data_dirs *out);

#endif
