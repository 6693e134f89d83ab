/*
 * The invented AWS accounts of the demo: what is deployed where, what is linked to what, what
 * the pipelines did. Plain data, all times in seconds of the story's own calendar (its "now" is
 * AWS_STORY_NOW); a story may change any of it under the simulator's lock. No I/O.
 */
#ifndef OPSDECK_SIM_AWS_ESTATE_H
#define OPSDECK_SIM_AWS_ESTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AWS_STORY_NOW = 1770113700,
    AWS_FNS = 10, /* functions of one blue/green environment */
    AWS_SHARED_MAX = 16,
    AWS_BG_MAX = 32,
    AWS_LINKS_MAX = 64,
    AWS_ODD_MAX = 32,
    AWS_EXECS_MAX = 256,
    AWS_LOCKS_MAX = 8,
    AWS_SPANS_MAX = 8,
    AWS_CHANGES_MAX = 8,
    AWS_VERSIONS = 3,
    AWS_QUERIES = 4096 /* log queries told apart */
};

enum aws_account {
    AWS_MGMT,
    AWS_NONPROD,
    AWS_PROD,
    AWS_ACCOUNTS
};

/* A shared environment: gateway, change event queue and its dead letters, table. */
struct aws_shared {
    const char *name;
    enum aws_account account;
    const char *kms; /* key that pairs blue/green environments with it */
    int visible, in_flight, oldest_age_s, dead;
    const char *current, *previous; /* as the dashboard says; NULL: no dashboard */
    const char *r2_kms;
    int64_t stage_updated;
};

enum aws_bg_queue {
    AWS_Q_HOLDING,
    AWS_Q_UPDATE,
    AWS_Q_HOLDING_DEAD,
    AWS_Q_UPDATE_DEAD,
    AWS_BG_QUEUES
};

struct aws_depth {
    int visible, in_flight, oldest_age_s;
};

/* A blue/green environment: ten functions, four queues. */
struct aws_bg {
    const char *name;
    enum aws_account account;
    const char *shared; /* whose key it uses */
    const char *tag;    /* of its images */
    int64_t created;
    int depth[AWS_BG_QUEUES];
    unsigned functions;         /* bit per row of aws_fns */
    const char *send_email_tag; /* NULL: as the others */
    int dead_age_s;             /* of the oldest in its dead-letter queues */
};

/* A mapping of the link stack: a shared queue feeds a function. */
struct aws_link {
    const char *uuid;
    const char *shared, *bg;
    bool is_dead_letter;
    const char *state;
    int64_t modified;
    int64_t applied; /* when its alarms were made; 0: as modified */
};

/* An alarm that is not in its resting state. */
struct aws_odd_alarm {
    const char *name, *state; /* state NULL: it does not exist */
    enum aws_account account;
    int64_t since;
    int flips;    /* changes in its history */
    bool is_over; /* it was deleted: made again, it rests */
};

/* A change of an alarm that its history tells beside those of odd alarms. */
struct aws_change {
    const char *alarm, *from, *to;
    enum aws_account account;
    int64_t at;
};

/* A time in which something was so, and is no more. */
struct aws_span {
    const char *what;
    int64_t from, to;
};

/* Terraform holds the state of that stack of that environment. */
struct aws_lock {
    const char *env, *stack;
    enum aws_account account;
    int64_t created;
};

/* A value the parameter of the next version has had. */
struct aws_version {
    const char *value;
    int number;
    int64_t modified;
};

struct aws_exec {
    char id[40];
    int pipeline; /* row of aws_pipelines */
    const char *status;
    int64_t start, end;
    const char *revision;
    int stop_stage;          /* the last stage it entered */
    const char *stop_action; /* NULL: all of that stage is done */
    const char *stop_status;
    int64_t asked, approved; /* the approval; asked 0: not worth a time of its own */
};

struct aws_build {
    const char *project; /* behind uec-dos-int-dev- */
    char uuid[40];
    const char *status;
    int64_t start, end; /* end 0: it runs */
    const char *source, *resolved;
    const char *profile, *shared; /* its variables; NULL: none */
    const char *failed_phase, *note;
    const char *bg; /* BLUE_GREEN_ENVIRONMENT; NULL: none */
    int number;
};

struct aws_step;

struct aws_estate {
    int64_t shift_s;                /* from the story's calendar to the clock of the machine */
    double speed;                   /* seconds of the story in one of the machine */
    int told;                       /* how far the story has been told; -1: not at all */
    const struct aws_step *variant; /* that stands instead of the story; NULL: none */
    struct aws_shared shared[AWS_SHARED_MAX];
    size_t nshared;
    struct aws_bg bg[AWS_BG_MAX];
    size_t nbg;
    struct aws_link links[AWS_LINKS_MAX];
    size_t nlinks;
    struct aws_odd_alarm odd[AWS_ODD_MAX];
    size_t nodd;
    struct aws_change changes[AWS_CHANGES_MAX]; /* oldest first */
    size_t nchanges;
    struct aws_span consumed[AWS_SPANS_MAX]; /* environments that were linked */
    size_t nconsumed;
    struct aws_span failing; /* of a function; "to" in the future while it is so */
    struct aws_lock locks[AWS_LOCKS_MAX];
    size_t nlocks;
    struct aws_version versions[AWS_VERSIONS]; /* oldest first */
    const char *denied;                        /* an operation nobody may call; NULL: none */
    bool has_no_decrypt;                       /* nobody may read variables of functions */
    struct aws_exec execs[AWS_EXECS_MAX];      /* newest first within a pipeline */
    size_t nexecs;
    bool was_asked[AWS_QUERIES]; /* for the results of that query */
    unsigned nqueries;
    struct aws_build *builds;
    size_t nbuilds, builds_cap;
};

struct aws_fn {
    const char *name;
    int timeout_s, memory_mb, reserved; /* reserved 0: none */
    bool in_vpc;
};

struct aws_action {
    const char *stage, *name;
    int order;
    const char *project;          /* NULL: no CodeBuild action */
    const char *profile, *shared; /* variables of a deploy; NULL: none */
};

struct aws_pipeline {
    const char *name;
    const struct aws_action *actions;
    size_t nactions;
};

enum {
    AWS_PIPE_DEVELOPMENT,
    AWS_PIPE_BLUE_GREEN,
    AWS_PIPE_SHARED,
    AWS_PIPELINES
};

extern const char *const aws_account_ids[AWS_ACCOUNTS];
extern const struct aws_fn aws_fns[AWS_FNS];
extern const char *const aws_bg_queue_names[AWS_BG_QUEUES];
extern const struct aws_pipeline aws_pipelines[AWS_PIPELINES];

/* `start_ms`: the machine's time of the story's beginning, which is AWS_STORY_NOW in it. */
void aws_estate_init(struct aws_estate *es, int64_t start_ms);
/* So many seconds of the story after a moment of its calendar, which goes as the machine's clock.
 */
int64_t aws_later(const struct aws_estate *es, int64_t from, int64_t story_s);
/* Back to the first second; the clock and the queries stay. */
void aws_estate_reset(struct aws_estate *es);
void aws_estate_release(struct aws_estate *es);
/* After the last one comes aws_builds_number(), which sorts them, too. */
void aws_builds_add(struct aws_estate *es, const struct aws_build *b);
void aws_builds_number(struct aws_estate *es);
/* Of that shared environment, all. */
void aws_links_remove(struct aws_estate *es, const char *shared);
void aws_consumed_add(struct aws_estate *es, const char *bg, int64_t from, int64_t to);
/* Both return what can be changed, and end the program when there is none of that name. */
struct aws_shared *aws_shared_get(struct aws_estate *es, const char *name);
struct aws_bg *aws_bg_get(struct aws_estate *es, const char *name);
const struct aws_shared *aws_shared_find(const struct aws_estate *es, const char *name);
const struct aws_bg *aws_bg_find(const struct aws_estate *es, const char *name);
/* The link that makes its alarms, rule and subscriptions: of a shared queue to it; NULL: none. */
const struct aws_link *aws_bg_link(const struct aws_estate *es, const char *bg);
/* Events of a shared environment were taken by it at some moment of that time. */
bool aws_bg_consumed(const struct aws_estate *es, const char *bg, int64_t from, int64_t to);
/* The number of a stage in its pipeline, by action. */
int aws_stage_of(const struct aws_pipeline *p, size_t action);
/* What became of an action in an execution; NULL: it did not run. `at` is when it ended. */
const char *aws_action_status(const struct aws_estate *es, const struct aws_exec *x, size_t action,
                              int64_t *at);
/* When an action began that ended, or was last heard of, at `at`. */
int64_t aws_action_began(const struct aws_estate *es, const struct aws_exec *x, size_t action,
                         int64_t at);
/* The build an execution started for an action. */
void aws_action_build(const struct aws_exec *x, size_t action, char uuid[40]);
/* Demo, live and performance environments have a firewall; development ones have not. */
bool aws_shared_has_waf(const struct aws_shared *s);

#endif
