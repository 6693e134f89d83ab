/*
 * Recipes: what to ask one system, and the SELECTs that turn answers into rows
 * (docs/recipes.md). This room checks shape, types, names and templates; the SQL itself is
 * compiled by the store's sandbox (sandbox_check), called by whoever loads recipes.
 * Read-only after loading, in the arena given.
 */
#ifndef OPSDECK_CONFIG_RECIPE_H
#define OPSDECK_CONFIG_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/config/settings.h"
#include "opsdeck/config/tree.h"

enum param_type {
    PARAM_STRING,
    PARAM_INT,
    PARAM_NUMBER,
    PARAM_BOOL,
    PARAM_DURATION,
    PARAM_LIST,
    PARAM_MAP
};

struct param_def {
    const char *name, *help;
    enum param_type type;
    bool is_required;
    struct bind dflt; /* as it binds: bool 0/1, duration in ms, list and map as JSON text */
    struct cfg_pos pos;
};

/* A text with {name} templates; `{{` and `}}` stand for braces. SQL scalars carry their place. */
struct sql_text {
    const char *sql; /* NULL: absent */
    struct cfg_pos pos;
};

struct name_value {
    const char *name, *value; /* value may hold {templates} */
    struct cfg_pos pos;
};

enum body_format {
    FORMAT_JSON,
    FORMAT_JSONL,
    FORMAT_XML,
    FORMAT_PROM,
    FORMAT_TEXT
};

struct request_def {
    const char *method; /* GET default; POST needs read_only: true; others refused */
    bool is_read_only;
    const char *path; /* template, begins with "/"; joined to the source's url */
    struct name_value *query;
    size_t nquery;
    struct name_value *headers;
    size_t nheaders;
    struct sql_text body_sql; /* body: {sql: "..."} */
    const char *body_text;    /* body: "text with {templates}" */
    const char *content_type; /* default application/json when there is a body */
    int accept_status[16];    /* 0 terminated; default {200} */
    bool follow_redirects;    /* default false */
    /* connector aws: a service and one of target (JSON), action (query) or path (REST); or url */
    const char *service, *target, *json_version, *action, *version;
    const char *region, *url;        /* templates; NULL: the source's region; signed requests */
    const char *const *accept_error; /* NULL terminated, never NULL */
};

enum page_kind {
    PAGE_NONE,
    PAGE_LINK,
    PAGE_OFFSET,
    PAGE_NEXT_QUERY,
    PAGE_NEXT_BODY
};

struct page_def {
    enum page_kind kind;
    const char *offset_param, *limit_param; /* PAGE_OFFSET */
    int64_t size;
    struct sql_text total; /* PAGE_OFFSET */
    struct sql_text next;  /* PAGE_NEXT_*: NULL or '' ends. An http(s) URL or /path is followed on
                              the same origin only */
    const char *into;      /* name of the query parameter or body member */
};

enum expect_type {
    EXPECT_ANY,
    EXPECT_ARRAY,
    EXPECT_OBJECT,
    EXPECT_STRING,
    EXPECT_NUMBER
};

struct rows_def {
    const char *kind;
    bool is_complete;
    const char *const *volatile_cols; /* NULL terminated */
    struct sql_text sql;
    struct cfg_pos pos;
};

enum step_on_error {
    STEP_FAIL,
    STEP_NEXT
};

struct step_def {
    const char *name;
    struct sql_text when; /* step is skipped when this gives 0, NULL or no row; sees params and
                             row() of this poll */
    struct sql_text fan;  /* for: one request per row; its columns are {templates} and binds */
    int64_t fan_max;      /* for_max, default 200 */
    enum step_on_error on_error; /* next: a failure here is told, and the steps after go on */
    struct request_def request;
    enum body_format format;
    struct page_def page;
    const char *expect_path; /* SQLite JSON path, default "$" */
    enum expect_type expect; /* array object string number */
    struct rows_def *rows;
    size_t nrows;
    int64_t rate_per_min;       /* rate_per_minute: of this step; 0: the recipe's */
    struct sql_text wait_until; /* the answer is asked for again until this gives 1 */
    int64_t wait_every_ms, wait_limit_ms;
    bool is_sensitive;
    bool has_needs;           /* needs: was written; else all steps above are needed */
    const char *const *needs; /* names of steps above whose rows this one builds on; NULL ended */
    struct cfg_pos pos;
};

struct recipe {
    const char *name, *system, *connector, *help;
    int64_t every_ms, timeout_ms; /* timeout_ms 0: it says nothing, network.timeout holds */
    int64_t body_max;             /* decoded bytes, default 8 MiB, at most 64 MiB */
    int64_t page_max;             /* default 200 */
    int concurrency;              /* requests in flight of one source, default 2, at most 16 */
    int64_t rate_per_min;         /* 0: no limit of its own */
    bool is_on_demand;            /* only when a person asks */
    struct param_def *params;
    size_t nparams;
    struct step_def *steps;
    size_t nsteps;
    const char *file;
    uint64_t fingerprint; /* of the file's bytes: a changed recipe asks anew */
};

/*
 * One recipe: its file, or its text, which `path` names in problems. NULL and problems when
 * anything is wrong. The recipe and a copy of what it needs of the text live in `mem`.
 */
struct recipe *recipe_load(struct arena *mem, const char *path, struct cfg_problems *ps);
struct recipe *recipe_parse(struct arena *mem, const char *path, const char *text, size_t len,
                            struct cfg_problems *ps);
/* Find NAME.yaml in the recipes/ folders. *path NULL in the result means: not there. */
char *recipe_find(struct arena *mem, const struct data_dirs *dirs, const char *name);
/* All recipe files, shipped ones hidden by user's of the same name; sorted by name. */
size_t recipe_list(struct arena *mem, const struct data_dirs *dirs, char ***paths);
/*
 * Values of a source's params checked against the recipe: unknown names, wrong types and
 * missing required ones are problems with place. binds[] has recipe->nparams entries.
 */
bool recipe_bind_params(struct arena *mem, const struct recipe *r, const struct source_cfg *src,
                        struct bind **binds, struct cfg_problems *ps);
/* One param from text, as a person types it: lists as "a,b". False: no such param, or wrong type.
 */
MUST_CHECK bool recipe_bind_text(struct arena *mem, const struct recipe *r, const char *name,
                                 const char *text, struct bind *out, struct err *e);
/* Generic form for tests: params from any map node. */
bool recipe_bind_map(struct arena *mem, const struct recipe *r, const struct cfg_node *map,
                     struct cfg_pos pos, struct bind **binds, struct cfg_problems *ps);
/*
 * Expand {name} from binds (the first match wins). Percent-encodes each value's bytes outside
 * unreserved (RFC 3986 2.3) when `encode`. False: unknown name.
 */
MUST_CHECK bool template_expand(struct arena *mem, const char *tmpl, const struct bind *const *sets,
                                const size_t *counts, size_t nsets, bool encode, char **out,
                                struct err *e);

#endif
