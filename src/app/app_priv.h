/* What the files of this room share: options, the opened context, output, commands. */
#ifndef OPSDECK_APP_PRIV_H
#define OPSDECK_APP_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"
#include "opsdeck/base/row_set.h"
#include "opsdeck/config/settings.h"
#include "opsdeck/poll/plan.h"
#include "opsdeck/store/query.h"
#include "opsdeck/store/store.h"

#include "out.h"

struct clock;

/* sysexits.h where it has a word for it (docs/commands.md). */
enum {
    EXIT_GOOD = 0,
    EXIT_SOME = 1,
    EXIT_USAGE = 64,
    EXIT_UNREACHABLE = 69,
    EXIT_SOFTWARE = 70,
    EXIT_IO = 74,
    EXIT_PERMISSION = 77,
    EXIT_CONFIG = 78,
};

enum output {
    OUT_TEXT,
    OUT_JSON,
    OUT_CSV
};

enum {
    SOURCES_MAX = 256
};

struct options {
    /* before or after a subcommand */
    const char *config, *store_dir, *theme, *color, *at;
    bool is_demo, ascii, linear, help, version;
    /* of commands */
    enum output out;
    const char *sources[SOURCES_MAX];
    size_t nsources;
    const char *sets[SOURCES_MAX]; /* --set NAME=VALUE */
    size_t nsets;
    const char *filter, *since, *around, *limit, *fixtures;
    bool force;
    /* what is left: the command's own words */
    const char *const *args;
    size_t nargs;
};

/* Everything a command needs, opened as far as it asked for. */
struct app {
    struct options o;
    struct out out;
    struct arena *mem;
    const struct clock *clock;
    struct settings *settings;
    struct data_dirs dirs;
    struct plan *plan;
    struct store_opts store;
    int64_t at_ms; /* --at; 0: now */
    struct demo *demo;
    struct reader *reader; /* of app_ask(), one for all questions of a command; NULL: not yet */
    char *notice;          /* one line to tell: no config, demo ... */
};

struct command {
    const char *name, *args, *help;
    size_t max_args;
    const char *options; /* letters of OPTIONS rows it takes, besides the global ones */
    int (*run)(struct app *a);
};
extern const struct command commands[];
extern const size_t ncommands;

/* options.c */
enum option_id {
    OPT_CONFIG = 1000,
    OPT_STORE,
    OPT_DEMO,
    OPT_AT,
    OPT_THEME,
    OPT_COLOR,
    OPT_ASCII,
    OPT_LINEAR,
    OPT_HELP,
    OPT_VERSION,
    OPT_JSON,
    OPT_CSV,
    OPT_SOURCE,
    OPT_FILTER,
    OPT_SINCE,
    OPT_AROUND,
    OPT_LIMIT,
    OPT_FIXTURES,
    OPT_SET,
    OPT_FORCE,
};
struct option_row {
    enum option_id id;
    const char *name, *arg, *help;
    char letter; /* 'g': global; else named in struct command.options */
};
extern const struct option_row option_rows[];
extern const size_t noption_rows;
/* NULL command: the dashboard. False: *e says what is wrong. */
MUST_CHECK bool options_parse(struct arena *mem, int argc, char **argv, struct options *o,
                              const struct command **cmd, struct err *e);
bool command_takes(const struct command *c, const struct option_row *row);
void print_usage(FILE *f, const struct command *cmd);
int cmd_help(struct app *a);
int cmd_completion(struct app *a);
int cmd_man(struct app *a);

/* memory.c: before any library is used */
void memory_policy(void);

/* context.c: each returns an exit status, 0 when good; problems and errors are told already. */
int app_settings(struct app *a);
int app_plan(struct app *a);
void app_release(struct app *a);
void app_print_problems(const struct cfg_problems *ps);
int exit_of(const struct err *e);
/* Tell an error on stderr, and as {"error"} on stdout with --json; returns the exit status. */
int fail(struct app *a, const struct err *e);
/* Answer a question from the store on this thread. NULL: told, *status says which exit. */
struct row_set *app_ask(struct app *a, const char *sql, const struct bind *binds, size_t nbinds,
                        int *status);

/* demo.c: the demo estate as a child process, its config and a store of its own. */
struct demo;
MUST_CHECK bool demo_start(struct app *a, struct err *e);
void demo_stop(struct demo *d);
const char *demo_config(const struct demo *d);
const char *demo_store(const struct demo *d);

/* output.c */
struct out_column {
    const char *from, *title;
    enum {
        AS_TEXT,
        AS_STATUS,
        AS_AGE,
        AS_TIME
    } as;
};
/* Values of a document; keys as in json_text.h. */
void json_row(struct json *j, const struct row_set *rs, size_t row);       /* members of {row} */
void json_rows(struct json *j, const char *key, const struct row_set *rs); /* [{row}, ...] */
void json_time(struct json *j, const char *key, int64_t ms); /* RFC 3339 or null for 0 */
void json_cell(struct json *j, const char *key, const struct cell *c);
void json_attrs(struct json *j, const char *key, const char *text);
void out_objects(struct app *a, const struct row_set *rs); /* a list of objects, columns as are */
void out_csv(struct app *a, const struct row_set *rs);
void out_table(struct app *a, const struct row_set *rs, const struct out_column *cols,
               size_t ncols);
/* Rows of the contract in the format asked for. */
void out_rows(struct app *a, const struct row_set *rs);
/* {"ok":bool,"checks":[...]} from columns name ok detail place; returns whether all are ok. */
bool out_checks(struct app *a, const struct row_set *rs);
struct row_set *filter_rows(struct row_set *rs, const char *expr); /* takes rs */

int cmd_poll(struct app *a);
int cmd_collect(struct app *a);
int cmd_status(struct app *a);
int cmd_list(struct app *a);
int cmd_show(struct app *a);
int cmd_changes(struct app *a);
int cmd_query(struct app *a);
int cmd_config(struct app *a);
int cmd_recipe(struct app *a);
int cmd_doctor(struct app *a);
int cmd_bluegreen(struct app *a);
int cmd_dashboard(struct app *a);
/* Poll every source once, quietly; for --demo in front of a reading command. */
int poll_quietly(struct app *a);

/* doctor_aws.c: one line for each profile that sources name; runs the loop until all have answered.
 */
struct ev_loop;
struct http;
typedef void doctor_add_fn(void *ctx, const char *name, bool ok, const char *text);
void doctor_aws(struct app *a, struct ev_loop *loop, struct http *http, doctor_add_fn *add,
                void *ctx);

/* runbooks.c: the runbook as JSON, in the app's arena; NULL: there is none, or it is wrong
 * (problems say so). */
struct cfg_problems;
const char *app_runbook(struct app *a, struct cfg_problems *ps);

#endif
