/*
 * Blue/green judgement: from facts about one shared environment to its state, the role of every
 * blue/green environment, the evidence, and the next steps with their pre-flight checks. Pure
 * functions over what was read; no I/O, no clock. The rules of DoS Integration stand in
 * docs/blue-green.md; a fact that was refused, throttled or is old is unknown, never absent.
 * Any thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_MODEL_BLUEGREEN_H
#define OPSDECK_MODEL_BLUEGREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/model/status.h"

struct arena;

/* ---- facts: texts are the caller's and outlive the result */

/* Families of facts: one call each. Every family is known or not, with the moment it was read. */
enum bg_family {
    BG_MAPPINGS,      /* E1 of this shared environment's two queues */
    BG_FUNCTIONS,     /* E2 and E3 */
    BG_QUEUES,        /* E4, E5 */
    BG_DASHBOARD,     /* E6 */
    BG_ALARMS,        /* E7 */
    BG_SUBSCRIPTIONS, /* E8 */
    BG_PIPELINES,     /* E9 */
    BG_BUILDS,        /* E10 */
    BG_PARAMETER,     /* E11 */
    BG_LOCKS,         /* E12 */
    BG_RULES,         /* E13 */
    BG_TABLE,         /* DescribeTable and KMS alias */
    BG_IMAGES,        /* ECR DescribeImages */
    BG_SECRETS,       /* DescribeSecret */
    BG_STAGE,         /* E16 */
    BG_METRICS,       /* E14: invocations of ingest, messages deleted */
    BG_FAMILIES
};

struct bg_known {
    bool is_known;    /* the last call succeeded, all pages */
    int64_t read_ms;  /* UTC of the last success; 0: never */
    int64_t every_ms; /* its interval: older than two is stale and counts as not known */
    const char *why;  /* why it is not known: "AccessDenied: ...", NULL */
};

struct bg_mapping {
    const char *queue;    /* name of the event source queue */
    const char *function; /* name of the target */
    const char *state;    /* as AWS says it */
    int64_t modified_ms;
    bool is_target_missing; /* the function is known not to exist */
};

struct bg_queue {
    const char *name, *kms_key; /* kms_key: as read, NULL none; compare what follows the last "/" */
    int64_t visible, in_flight, oldest_s, created_ms; /* -1: not known */
};

struct bg_function {
    const char *name;
    const char *version;     /* image tag, NULL: not known */
    const char *state;       /* Active, ...; NULL: not known */
    const char *last_update; /* Successful, Failed, InProgress; NULL */
    const char *shared_env;  /* SHARED_ENVIRONMENT; NULL: not readable */
    const char *env_error;   /* Environment.Error.ErrorCode; NULL: none */
    const char *kms_key;     /* NULL: none */
};

struct bg_alarm {
    const char *name, *state, *region;
};

/* Of the shared topics and of each environment's own two: a topic without one counts as absent. */
struct bg_subscription {
    const char *topic, *region, *endpoint; /* names, not ARNs */
};

struct bg_build {
    const char *id, *project, *status;                     /* project without "<p>-dev-" */
    const char *shared_env, *environment, *source_version; /* NULL: none */
    int64_t start_ms, end_ms;                              /* 0: none */
};

struct bg_execution {
    const char *pipeline, *id, *status, *revision;
    const char *waiting_stage; /* an approval waits there; NULL */
    int64_t start_ms, waiting_since_ms;
};

struct bg_lock {
    const char *key; /* "<p>/<env>/<stack>/terraform.state" behind the bucket */
    const char *who; /* NULL */
    int64_t created_ms;
};

struct bg_secret {
    const char *name;
    int64_t changed_ms, deleted_ms; /* 0: none */
};

#define BG_LIST(type, name)                                                                        \
    const struct type *name;                                                                       \
    size_t n##name

struct bg_facts {
    const char *project;    /* "uec-dos-int" */
    const char *shared_env; /* "live" */
    const char *profile;    /* "live"; NULL: not configured, then no command is printed */
    const char *region;     /* R1, "eu-west-2" */
    bool is_live;           /* severity of conflicts and outages; live, demo, cicd-release */
    bool keeps_previous;    /* live, cicd-release, cicd-test: the cicd pipelines release it, so that
                               a lost previous is NO_ROLLBACK and their executions are about it */
    bool has_waf;           /* 8 more shared alarms are expected */
    bool has_other_locks;   /* reading the lock table is configured at all */
    int64_t now_ms;
    struct bg_known known[BG_FAMILIES];
    bool is_queue_absent;            /* QueueDoesNotExist of the change-event queue */
    BG_LIST(bg_mapping, mappings);   /* of both shared queues */
    BG_LIST(bg_queue, queues);       /* of the account: shared and private ones */
    BG_LIST(bg_function, functions); /* of the account */
    BG_LIST(bg_alarm, alarms);
    BG_LIST(bg_subscription, subscriptions);
    BG_LIST(bg_build, builds);
    BG_LIST(bg_execution, executions);
    BG_LIST(bg_lock, locks);
    /* State keys whose lock was asked for, as in bg_lock; NULL terminated; NULL: not told, then all
     * count as asked for. */
    const char *const *lock_keys;
    BG_LIST(bg_secret, secrets);
    bool has_dashboard;
    const char *dashboard_current, *dashboard_previous; /* NULL or "NA": none */
    const char *new_version;                            /* the parameter's value; NULL */
    int64_t parameter_modified_ms;                      /* when it was written; 0: not known */
    bool has_table;                                     /* table and KMS alias */
    int64_t stage_updated_ms;                           /* gateway stage; 0: not known */
    const char *const *images; /* repositories that have wanted.tag; NULL terminated; NULL */
    const char *rule;         /* the weekly rule that exists, "<p>-<bg>-quality-checker-schedule" */
    const char *last_invoked; /* whose ingest ran last in the window looked at; NULL: none did */
    int64_t drained;          /* messages deleted in the last 5 min; -1: not known */

    /* What was seen before the link went, from the history of links or a deploy build's log: not a
     * reading, it only names who was linked last. last_linked_ms: when that link was seen to be
     * gone; 0: not known. */
    const char *last_linked, *last_previous;
    int64_t last_linked_ms;

    /* What a person means to release; texts NULL when nobody asked. */
    struct bg_wanted {
        const char *env;    /* NULL: new_version and the profile make the name */
        const char *tag;    /* NULL: of the newest blue/green execution; the images are about it */
        const char *commit; /* for the steps that start a pipeline */
    } wanted;
};

/* ---- judgement */

/* In the order of the decision table: the first that matches; S2 comes before S1, as a queue known
 * not to exist has no mappings. */
enum bg_state {
    BG_STATE_UNKNOWN,   /* S1 */
    BG_SHARED_ABSENT,   /* S2 */
    BG_CONFLICT,        /* S3 */
    BG_ORPHAN_LINK,     /* S4 */
    BG_LINK_DISABLED,   /* S5 */
    BG_LINKING,         /* S6 */
    BG_UNLINKING,       /* S7, S8 */
    BG_SWITCHING,       /* S9 */
    BG_SHARED_ONLY,     /* S10 */
    BG_NONE_LINKED,     /* S11 */
    BG_LINKED_PARTIAL,  /* S12 */
    BG_LINKED_DEGRADED, /* S13 */
    BG_LINKED_DRIFT,    /* S14 */
    BG_LINKED,          /* S15 */
    BG_STATES
};
const char *bg_state_word(enum bg_state s); /* "CONFLICT" */

enum bg_role {
    BG_ROLE_UNKNOWN,
    BG_NOT_DEPLOYED,
    BG_PARTIAL,
    BG_BLUE,
    BG_ROLE_LINKING,
    BG_ROLE_UNLINKING,
    BG_PREVIOUS,
    BG_GREEN,
    BG_LEAKED,
    BG_ROLES
};
const char *bg_role_word(enum bg_role r); /* "BLUE", "LINKING" */

/* Flags, of a slot or of the shared environment, as bits; words by bg_flag_word(). */
enum bg_flag {
    BG_DRAINING = 1 << 0,
    BG_MIXED_VERSION = 1 << 1,
    BG_NO_DECRYPT = 1 << 2,
    BG_UNHEALTHY = 1 << 3,
    BG_DEPLOYING = 1 << 4,
    BG_STUCK_LOCK = 1 << 5,
    BG_FOREIGN_PAIR = 1 << 6,
    BG_NO_ROLLBACK = 1 << 7,
    BG_EXTRA_DISABLED = 1 << 8,
    BG_ROLLED_BACK = 1 << 9,
    BG_DELETED_YET_PRESENT = 1 << 10, /* a build reported it deleted */
    BG_FLAGS = 11
};
const char *bg_flag_word(enum bg_flag f);

enum bg_check_result {
    BG_CHECK_FAIL,
    BG_CHECK_UNKNOWN,
    BG_CHECK_PASS
};

struct bg_check {
    char id[4];       /* "C1" ... "C17" */
    const char *name; /* what is checked */
    enum bg_check_result result;
    bool is_advisory;   /* shown, but this result does not withhold the command */
    const char *detail; /* the value seen, or the call that would settle it */
    int64_t age_s;      /* of the oldest fact used; -1: none */
};

struct bg_evidence {
    const char *fact;     /* "E1: change-event queue -> 9f3c1ab-live, Enabled" */
    const char *strength; /* "strong", "medium", "weak" */
    int64_t age_s;
};

struct bg_step {
    const char *step; /* "link": a key of the runbook */
    const char *title;
    const char *target; /* the environment it is about; NULL: not known */
    bool is_allowed;
    const char *reason;  /* why not, or what it will do */
    const char *command; /* NULL unless allowed, every placeholder has a safe value, and the
                            runbook has it */
    struct bg_check *checks;
    size_t nchecks;
};

struct bg_slot {
    const char *name;
    enum bg_role role;
    unsigned flags;
    const char *version; /* NULL: not known; the one most functions have */
    int64_t created_ms;  /* 0: not known */
    int nfunctions, nqueues;
    int64_t waiting; /* messages in its private queues; -1: not known */
};

struct bg_blind { /* monitoring that is not there: expected alarms against those that exist */
    int expected, present; /* present -1: the alarms are not known */
    int64_t since_ms;      /* 0: no blind window, or its begin is not known */
};

/* Commands by step, with {profile} {shared} {new} {old} {previous} {target} {version} {commit}. */
struct bg_runbook {
    struct bg_command {
        const char *step, *title, *command;
    } * v;
    size_t n;
};

struct bg_result {
    enum bg_state state;
    unsigned also; /* bits 1 << state of the LINKED_* rows that hold besides `state` */
    enum status severity;
    const char *summary; /* one line: what is the matter */
    unsigned flags;      /* of the shared environment */
    int64_t since_ms;    /* of the state, for the running clock; 0: not known */
    const char **linked; /* names, of Enabled mappings */
    size_t nlinked;
    struct bg_slot *slots;
    size_t nslots;
    struct bg_evidence *evidence;
    size_t nevidence;
    struct bg_step *steps;
    size_t nsteps;
    struct bg_blind blind;
    int64_t waiting, oldest_s, dead; /* change-event queue and its DLQ; -1: not known */
    const char *last_consumer;       /* who was linked last when nobody is; NULL */
    /* What a rollback would go back to, by the dashboard where that names the link, else by the
     * history; NULL: none or not known. Not known: whoever is not linked may be it. */
    const char *previous;
    bool is_previous_known;
};

/*
 * Everything in `mem`. `runbook` NULL: steps without commands. The steps are keyed start-deploy,
 * start-shared, deploy, unlink, link, update-shared, rollback, undeploy, undeploy-shared and
 * remove-task; one of them may come for several targets.
 */
void bg_judge(struct arena *mem, const struct bg_facts *f, const struct bg_runbook *runbook,
              struct bg_result *out);
/* "uec-dos-int-9f3c1ab-live-ingest-change-event" -> "9f3c1ab-live"; false: not one of them. */
bool bg_env_of_function(const char *project, const char *function, const char **env, size_t *len);
/* Same for private queues ("-holding-queue.fifo" ...). */
bool bg_env_of_queue(const char *project, const char *queue, const char **env, size_t *len);
/* A family counts as known: read, and not older than two of its intervals. */
bool bg_is_fresh(const struct bg_facts *f, enum bg_family family);

#endif
