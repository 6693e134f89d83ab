/*
 * What the blue/green files share: the facts of one judgement with what is derived from them once,
 * and the tables of names. The order of work is bg_judge()'s: environments, link, state, roles,
 * evidence, steps; each part reads only what stands before it.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_MODEL_BLUEGREEN_PRIV_H
#define OPSDECK_MODEL_BLUEGREEN_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/model/bluegreen.h"

enum {
    BG_FUNCTIONS_EACH = 10, /* of one environment */
    BG_QUEUES_EACH = 4,
    BG_STUCK_LOCK_S = 35 * 60, /* a build ends after 30 minutes */
};

/* Whether an environment belongs to the shared environment. */
enum bg_pair {
    BG_PAIR_UNKNOWN,
    BG_PAIR_NO,
    BG_PAIR_YES
};

struct bg_env {
    const char *name;
    enum bg_pair pair;      /* by fresh facts only */
    enum bg_pair pair_hint; /* also by old ones: enough to list it, not to judge it */
    bool is_foreign;        /* named like a shared environment, paired with another */
    int nfunctions, nqueues;
    int64_t created_ms; /* 0: not known */
    int64_t waiting;    /* -1: not known */
    const char *version;
    bool is_mixed, is_undecryptable, is_unhealthy;
};

struct bg_case {
    struct arena *mem;
    const struct bg_facts *f;
    const struct bg_runbook *runbook;
    struct bg_result *out;
    const char *queue, *dlq; /* names of the change-event queue and its dead letters */
    struct bg_env *envs;     /* of the account, in the order met */
    size_t nenvs;

    /* The mappings of the queue, without what EXTRA_DISABLED ignores. */
    const struct bg_mapping **m;
    size_t nm;
    size_t ntargets;                   /* different functions in m */
    bool has_extra_disabled;           /* a Disabled mapping beside another */
    const struct bg_mapping *deleting; /* NULL: none */
    const struct bg_lock *lock;        /* L: of the link stack */
    const struct bg_build *build;      /* B: moves the link now */
    const struct bg_build *ended;      /* the newest such build that has ended */
    const char *last_consumer;         /* NULL while an environment is linked */
};

/* bluegreen_names.c */
extern const char *const bg_function_names[BG_FUNCTIONS_EACH];
extern const char *const bg_lookup_names[4]; /* what the link stack looks up */
bool bg_same(const char *a, const char *b);  /* NULL equals nothing */
bool bg_is_name(const char *s);              /* not NULL, empty or "NA" */
bool bg_is_safe(const char *s);              /* only [A-Za-z0-9._=-], at least one */
bool bg_is_hex(const char *s, size_t min, size_t max);
bool bg_is_env_name(const char *bg, const char *profile);
bool bg_is_shared_name(const char *shared);
bool bg_is_task_name(const char *name);
bool bg_is_profile(const char *profile);
bool bg_is_shared_title(const char *title, bool *is_waf);
enum bg_pair bg_same_key(const char *a, const char *b);
bool bg_alarm_fields(const struct bg_case *c, const char *name, char **env, const char **title);
const char *bg_env_of_mapping(const struct bg_case *c, const struct bg_mapping *m);
const struct bg_queue *bg_find_queue(const struct bg_case *c, const char *name);
const struct bg_queue *bg_private_queue(const struct bg_case *c, const char *env, size_t i);
const struct bg_function *bg_find_function(const struct bg_case *c, const char *env,
                                           const char *fn);
const struct bg_secret *bg_find_secret(const struct bg_case *c, const char *name);
const char *bg_shared_topic(const struct bg_case *c, bool is_r2);
const char *bg_env_topic(const struct bg_case *c, const char *env, bool is_r2);
bool bg_is_subscribed(const struct bg_case *c, const char *topic, bool is_r2);
bool bg_has_locks(const struct bg_facts *f); /* the lock table is read and fresh */
const struct bg_lock *bg_find_lock(const struct bg_case *c, const char *env, const char *stack);
bool bg_tag_names(const char *ref, const char *shared, bool *is_known);
const char *bg_ago(const struct bg_case *c, int64_t ms); /* "21 min" since then */
int64_t bg_age_s(const struct bg_facts *f, enum bg_family family);

/* bluegreen_envs.c: environments of the account and what each is. */
void bg_find_envs(struct bg_case *c);
const struct bg_env *bg_find_env(const struct bg_case *c, const char *name);

/* bluegreen_state.c */
void bg_find_link(struct bg_case *c);
void bg_find_state(struct bg_case *c);
bool bg_is_linked_state(enum bg_state s); /* S12 to S15 */
/* A build that touches this shared environment; is_link: one that moves the link. */
enum bg_pair bg_build_touches(const struct bg_facts *f, const struct bg_build *b, bool is_link);

/* bluegreen_roles.c */
void bg_find_roles(struct bg_case *c);
const struct bg_slot *bg_find_slot(const struct bg_case *c, const char *name);
const char *bg_dashboard_previous(const struct bg_case *c); /* NULL: none, "NA" or not known */

/* bluegreen_evidence.c */
void bg_find_blind(struct bg_case *c);
void bg_find_evidence(struct bg_case *c);
void bg_find_summary(struct bg_case *c);

/* bluegreen_checks.c */
enum bg_link_need {
    BG_ANY_LINK,
    BG_MUST_BE_LINKED,    /* one, to `target` where it is named, and by its own state key */
    BG_MUST_BE_UNLINKED,  /* nothing linked, nothing on its way */
    BG_TARGET_UNLINKED,   /* no mapping of whatever state to the target */
    BG_ONLY_OWN_IS_LINKED /* nothing, or the environment of the same name */
};

/* What one step for one target asks, and the values of its placeholders. */
struct bg_ask {
    const struct bg_step_rule *rule;
    const char *target, *env; /* env: a blue/green environment; NULL: the step is about none */
    const char *now_needed;   /* the environment C3 looks at */
    const char *new_env, *old_env, *previous, *version, *commit;
};

struct bg_step_rule {
    const char *step, *title, *what; /* what: what it will do */
    enum bg_link_need link;
    const char *stacks[3]; /* whose locks must be free (C6) */
    bool is_env_stack;     /* state key of the target, not of the shared environment */
    bool is_lookup;        /* C3: only what the link stack looks up must exist */
    const char *guard;     /* C8: this pipeline refuses a start while it waits, too */
    const char *checks;    /* " C1 C2 ", all that is shown */
    const char *optional;  /* unknown is no reason to withhold, a failure is */
    const char *advisory;  /* neither is */
    const char *(*refuse)(const struct bg_case *c, const struct bg_ask *a); /* NULL: nothing */
};

void bg_run_checks(const struct bg_case *c, const struct bg_ask *a, struct bg_step *out);
void bg_check_say(const struct bg_case *c, struct bg_check *k, enum bg_check_result result,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* True when all of `set` (bits 1 << family) are fresh; else the check is unknown by the first that
 * is not. */
bool bg_check_needs(const struct bg_case *c, struct bg_check *k, unsigned set);
/* bluegreen_checks_env.c */
void bg_c2_link(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k);
void bg_c3_complete(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k);
void bg_c4_pair(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k);
void bg_c10_drained(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k);
void bg_c11_previous(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k);
void bg_c12_names(const struct bg_case *c, const struct bg_ask *a, struct bg_check *k);

/* bluegreen_steps.c */
void bg_find_steps(struct bg_case *c);
/* bluegreen_command.c: the command, or NULL and why not. */
const char *bg_expand(const struct bg_case *c, const struct bg_ask *a, const char *template,
                      const char **why);

#endif
