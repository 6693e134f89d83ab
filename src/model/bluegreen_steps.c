/*
 * The life cycle of a shared environment as steps: which checks each needs (docs/blue-green.md),
 * whether it is allowed, and its command. One needed check that failed or is not known withholds
 * the command.
 */
#include "opsdeck/model/bluegreen.h"

#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "bluegreen_priv.h"

/* ---- reasons that no check gives */

static bool is_at_work(const struct bg_case *c)
{
    enum bg_state s = c->out->state;

    return s == BG_SWITCHING || s == BG_LINKING || s == BG_UNLINKING;
}

static bool has_link(const struct bg_case *c, const char *env)
{
    for (size_t i = 0; i < c->nm; i++)
        if (bg_same(bg_env_of_mapping(c, c->m[i]), env))
            return true;
    return false;
}

static const char *refuse_deploy(const struct bg_case *c, const struct bg_ask *a)
{
    const struct bg_slot *s = a->target ? bg_find_slot(c, a->target) : NULL;
    const struct bg_env *e = bg_find_env(c, a->target);

    if (!a->target)
        return "no new version is named";
    if (is_at_work(c))
        return "a switch is at work: it may be about this very environment";
    if (has_link(c, a->target))
        return arena_printf(c->mem, "%s is linked: this would change it under the consumer",
                            a->target);
    if (s && s->role == BG_PREVIOUS)
        return arena_printf(c->mem,
                            "%s is what a rollback would go back to, and the deployment's last "
                            "step would delete what it has linked",
                            a->target);
    /* Without the pipelines C8 says what is missing. */
    if (!a->version && bg_is_fresh(c->f, BG_PIPELINES))
        return arena_printf(c->mem, "which image belongs to %s is not known",
                            a->commit ? a->commit : a->target);
    if (!e || !e->nfunctions || !a->version || bg_same(e->version, a->version))
        return NULL;
    return e->version
               ? arena_printf(c->mem, "%s exists and runs %s", a->target, e->version)
               : arena_printf(c->mem, "%s exists: which version it runs is not known", a->target);
}

/* The link goes with all that says where it stands and what was before it. */
static const char *refuse_unlink(const struct bg_case *c, const struct bg_ask *a)
{
    const struct bg_facts *f = c->f;

    if (!bg_is_linked_state(c->out->state))
        return NULL;
    if (!bg_is_fresh(f, BG_DASHBOARD))
        return "under which state key the link stands is not known: needs cloudwatch GetDashboard";
    if (f->has_dashboard && bg_same(f->dashboard_current, a->target))
        return NULL;
    return arena_printf(c->mem,
                        "no dashboard names %s: the link may stand under another state key, and "
                        "the name of the previous environment would be lost",
                        a->target);
}

static const char *refuse_link(const struct bg_case *c, const struct bg_ask *a)
{
    if (!a->target)
        return "which environment to link is not known";
    if (!a->old_env)
        return arena_printf(c->mem,
                            "the environment before %s is not known: without its name there "
                            "would be no way back",
                            a->target);
    return NULL;
}

static const char *refuse_undeploy(const struct bg_case *c, const struct bg_ask *a)
{
    const struct bg_slot *s = a->target ? bg_find_slot(c, a->target) : NULL;
    enum bg_role role = s ? s->role : BG_ROLE_UNKNOWN;

    if (role == BG_PREVIOUS)
        return arena_printf(c->mem, "%s is what a rollback would go back to", a->target);
    if (bg_same(a->target, c->last_consumer))
        return arena_printf(c->mem, "%s was linked last", a->target);
    if (role == BG_ROLE_UNKNOWN)
        return "whether it is still wanted is not known: dashboard, queues or functions are not";
    /* An incomplete environment may be the previous one, too. */
    if (!bg_is_fresh(c->f, BG_DASHBOARD))
        return "whether it is the previous one is not known: needs cloudwatch GetDashboard";
    if (bg_same(a->target, bg_dashboard_previous(c)) || bg_same(a->target, c->out->previous))
        return arena_printf(c->mem, "%s is what a rollback would go back to", a->target);
    if (is_at_work(c))
        return "a switch is at work: it may be about this very environment";
    if (s->flags & BG_FOREIGN_PAIR)
        return arena_printf(c->mem, "%s is named like a shared environment of its own", a->target);
    return c->out->is_previous_known ? NULL
                                     : "which environment a rollback would go back to is not known";
}

static const char *refuse_undeploy_shared(const struct bg_case *c, const struct bg_ask *a)
{
    (void)a;
    return bg_same(c->f->profile, "live") || bg_same(c->f->shared_env, "live")
               ? "live is never removed: its table is protected against it"
               : NULL;
}

/* Mappings of other shared queues are not in the facts: key and variable must speak for it. */
static const char *refuse_task(const struct bg_case *c, const struct bg_ask *a)
{
    const struct bg_env *own = bg_find_env(c, a->target);
    bool is_elsewhere = c->out->flags & BG_FOREIGN_PAIR || (own && own->pair == BG_PAIR_NO);

    if (!bg_is_fresh(c->f, BG_QUEUES))
        return "where its application belongs is not known: needs sqs GetQueueAttributes";
    for (size_t i = 0; i < BG_FUNCTIONS_EACH; i++) {
        const struct bg_function *fn = bg_find_function(c, a->target, bg_function_names[i]);

        if (fn && fn->shared_env && !bg_same(fn->shared_env, c->f->shared_env))
            is_elsewhere = true;
    }
    if (is_elsewhere)
        return "its application now works for another shared environment";
    return own && own->pair == BG_PAIR_YES
               ? NULL
               : "where its application belongs is not known: neither key nor variable tells";
}

#define BLUE_GREEN "-cicd-blue-green-deployment-pipeline"
#define SHARED "-cicd-shared-resources-deployment-pipeline"

/*
 * C8 stands where two runs would take the link from each other; C4 where an environment of another
 * would be removed. C9 and C17 inform. C5 and C16 read what many roles may not: unknown lets pass.
 * C7 fails by itself as soon as nothing is linked, so it informs, too.
 */
static const struct bg_step_rule rules[] = {
    { .step = "start-deploy",
      .title = "Start the blue/green pipeline",
      .what = "tags the commit; the pipeline stops before live for approval",
      .guard = BLUE_GREEN,
      .checks = "C8 C12 C15" },
    { .step = "start-shared",
      .title = "Start the shared-resources pipeline",
      .what = "tags the commit; each environment is unlinked while its shared resources change",
      .guard = SHARED,
      .checks = "C8 C12" },
    { .step = "deploy",
      .title = "Deploy green",
      .what = "creates the environment; nothing is linked to it",
      .link = BG_TARGET_UNLINKED,
      .stacks = { "application" },
      .is_env_stack = true,
      .checks = "C1 C2 C5 C6 C8 C12 C15 C16",
      .optional = "C5 C16",
      .refuse = refuse_deploy },
    { .step = "unlink",
      .title = "Unlink",
      .what = "events wait and nobody is alerted until the next link: write down the current and "
              "the previous name first",
      .link = BG_MUST_BE_LINKED,
      .stacks = { "blue-green-link" },
      .is_lookup = true,
      .checks = "C2 C3 C6 C7 C8 C9 C12",
      .advisory = "C7 C9",
      .refuse = refuse_unlink },
    { .step = "link",
      .title = "Link",
      .what = "makes it the consumer, with its alarms and alert path",
      .link = BG_MUST_BE_UNLINKED,
      .stacks = { "blue-green-link" },
      .checks = "C2 C3 C4 C6 C8 C9 C12",
      .advisory = "C9",
      .refuse = refuse_link },
    { .step = "update-shared",
      .title = "Update the shared resources",
      .what = "changes gateway, queue, table and keys; link again afterwards",
      .link = BG_MUST_BE_UNLINKED,
      .stacks = { "shared-resources", "api-key" },
      .checks = "C2 C6 C8 C9 C12 C16 C17",
      .optional = "C16",
      .advisory = "C9 C17" },
    { .step = "rollback",
      .title = "Roll back",
      .what =
          "links the previous environment; run twice it comes back. Events already consumed are "
          "not run again",
      .link = BG_MUST_BE_LINKED,
      .stacks = { "blue-green-link" },
      .checks = "C2 C3 C6 C7 C8 C9 C11 C12",
      .advisory = "C7 C9" },
    { .step = "undeploy",
      .title = "Remove a blue/green environment",
      .what = "deletes its functions, queues and logs",
      .link = BG_TARGET_UNLINKED,
      .stacks = { "application" },
      .is_env_stack = true,
      .checks = "C2 C4 C6 C8 C10 C12",
      .refuse = refuse_undeploy },
    { .step = "undeploy-shared",
      .title = "Remove the shared environment",
      .what = "deletes gateway, queue, table and API key; the sender needs a new key afterwards",
      .link = BG_MUST_BE_UNLINKED,
      .stacks = { "shared-resources", "api-key" },
      .checks = "C2 C6 C12 C13 C14",
      .refuse = refuse_undeploy_shared },
    { .step = "remove-task",
      .title = "Remove a task environment",
      .what = "look again afterwards: a build that reports success may have removed nothing",
      .link = BG_ONLY_OWN_IS_LINKED,
      .stacks = { "blue-green-link", "application", "shared-resources" },
      .checks = "C2 C6 C8 C12",
      .refuse = refuse_task },
};

/* ---- one step */

static const char *withheld(const struct bg_case *c, const struct bg_step *s)
{
    for (size_t i = 0; i < s->nchecks; i++) {
        const struct bg_check *k = &s->checks[i];

        if (k->result != BG_CHECK_PASS && !k->is_advisory)
            return arena_printf(c->mem, "%s %s: %s", k->id,
                                k->result == BG_CHECK_FAIL ? "failed" : "not known", k->detail);
    }
    return NULL;
}

static const struct bg_command *find_command(const struct bg_case *c, const char *step)
{
    for (size_t i = 0; c->runbook && i < c->runbook->n; i++)
        if (bg_same(c->runbook->v[i].step, step))
            return &c->runbook->v[i];
    return NULL;
}

static void add_step(struct bg_case *c, const char *step, struct bg_ask *a)
{
    struct bg_step *s = &c->out->steps[c->out->nsteps++];
    const struct bg_command *command = find_command(c, step);
    const char *why = NULL;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (bg_same(rules[i].step, step))
            a->rule = &rules[i];
    s->step = a->rule->step;
    s->title = command && command->title ? command->title : a->rule->title;
    s->target = a->target;
    bg_run_checks(c, a, s);
    if (c->out->state == BG_STATE_UNKNOWN)
        why = arena_printf(c->mem, "what is linked is not known: %s", c->out->summary);
    if (!why && a->rule->refuse)
        why = a->rule->refuse(c, a);
    if (!why)
        why = withheld(c, s);
    s->is_allowed = !why;
    s->reason = why ? why : a->rule->what;
    if (why || !command || !command->command)
        return;
    s->command = bg_expand(c, a, command->command, &why);
    if (!s->command)
        s->reason = arena_printf(c->mem, "no command: %s", why);
}

/* ---- which steps, for whom */

static const char *commit_of(const struct bg_case *c, const char *env)
{
    return env && strlen(env) >= 7 ? arena_strndup(c->mem, env, 7) : NULL;
}

/*
 * The tag a deployment would use, when nobody names one: of the newest execution, whose image is
 * that of the parameter's commit only if the parameter has not been written since it started.
 */
static const char *wanted_tag(const struct bg_case *c)
{
    const struct bg_facts *f = c->f;
    const struct bg_execution *newest = NULL;

    if (f->wanted.tag || f->wanted.env)
        return f->wanted.tag;
    for (size_t i = 0; bg_is_fresh(f, BG_PIPELINES) && i < f->nexecutions; i++)
        if (f->executions[i].pipeline && strstr(f->executions[i].pipeline, BLUE_GREEN) &&
            (!newest || f->executions[i].start_ms > newest->start_ms))
            newest = &f->executions[i];
    return newest && f->parameter_modified_ms > 0 && f->parameter_modified_ms < newest->start_ms
               ? newest->revision
               : NULL;
}

static void add_releases(struct bg_case *c)
{
    const struct bg_facts *f = c->f;
    const char *env = f->wanted.env;

    if (!env && f->profile && bg_is_fresh(f, BG_PARAMETER) && bg_is_name(f->new_version))
        env = arena_printf(c->mem, "%s-%s", f->new_version, f->profile);
    if (f->wanted.commit && f->keeps_previous) {
        const char *release = commit_of(c, f->wanted.commit);

        release = release && f->profile ? arena_printf(c->mem, "%s-%s", release, f->profile) : NULL;
        add_step(c, "start-deploy",
                 &(struct bg_ask){
                     .target = f->shared_env, .new_env = release, .commit = f->wanted.commit });
        add_step(c, "start-shared",
                 &(struct bg_ask){ .target = f->shared_env, .commit = f->wanted.commit });
    }
    if (f->wanted.env || f->keeps_previous)
        add_step(c, "deploy",
                 &(struct bg_ask){ .target = env,
                                   .env = env,
                                   .new_env = env,
                                   .version = wanted_tag(c),
                                   .commit = commit_of(c, env) });
}

static void add_link(struct bg_case *c, const char *env, const char *old)
{
    add_step(c, "link",
             &(struct bg_ask){ .target = env,
                               .env = env,
                               .now_needed = env,
                               .new_env = env,
                               .old_env = old,
                               .previous = old,
                               .commit = commit_of(c, env) });
}

/* What was before the last consumer. "NA" only where the dashboard itself says so. */
static const char *before_last(const struct bg_case *c)
{
    const struct bg_facts *f = c->f;
    bool is_same = bg_is_fresh(f, BG_DASHBOARD) && f->has_dashboard &&
                   bg_same(f->dashboard_current, c->last_consumer);
    const char *name = is_same && f->dashboard_previous            ? f->dashboard_previous
                       : bg_same(f->last_linked, c->last_consumer) ? f->last_previous
                                                                   : NULL;

    if (is_same && bg_same(f->dashboard_previous, "NA"))
        return name;
    return bg_is_name(name) && !bg_same(name, c->last_consumer) ? name : NULL;
}

/* First what restores service: the last consumer; then whoever stands ready. */
static void add_links(struct bg_case *c)
{
    const struct bg_result *out = c->out;
    const char *linked = c->nm ? bg_env_of_mapping(c, c->m[0]) : c->last_consumer;
    bool is_any = false;

    if (!c->nm && c->last_consumer) {
        add_link(c, c->last_consumer, before_last(c));
        is_any = true;
    }
    for (size_t i = 0; i < out->nslots; i++) {
        enum bg_role r = out->slots[i].role;
        bool is_ready = r == BG_GREEN || (!c->nm && (r == BG_PREVIOUS || r == BG_ROLE_UNKNOWN));

        if (!is_ready || bg_same(out->slots[i].name, c->last_consumer))
            continue;
        add_link(c, out->slots[i].name, linked);
        is_any = true;
    }
    if (!is_any && c->f->keeps_previous)
        add_link(c, NULL, linked);
}

static void add_link_changes(struct bg_case *c)
{
    const char *linked = c->nm ? bg_env_of_mapping(c, c->m[0]) : c->last_consumer;
    const char *previous = bg_dashboard_previous(c);

    add_step(c, "unlink",
             &(struct bg_ask){ .target = linked,
                               .env = linked,
                               .now_needed = linked,
                               .old_env = linked,
                               .previous = previous });
    add_links(c);
    add_step(c, "update-shared", &(struct bg_ask){ .target = c->f->shared_env });
    if (c->f->keeps_previous)
        add_step(c, "rollback",
                 &(struct bg_ask){ .target = previous,
                                   .env = previous,
                                   .now_needed = previous,
                                   .new_env = previous,
                                   .old_env = linked,
                                   .previous = previous,
                                   .commit = commit_of(c, previous) });
}

/* "20260203093412-2c4e6a8b" -> "2c4e6a8b": how task environments are tagged. */
static const char *commit_of_tag(const char *tag)
{
    const char *dash = tag && strspn(tag, "0123456789") == 14 && tag[14] == '-' ? tag + 15 : NULL;

    return bg_is_hex(dash, 7, 40) ? dash : NULL;
}

static void add_removals(struct bg_case *c)
{
    const struct bg_result *out = c->out;
    const struct bg_env *own = bg_find_env(c, c->f->shared_env);

    for (size_t i = 0; i < out->nslots; i++) {
        const char *env = out->slots[i].name;

        if (out->slots[i].role != BG_NOT_DEPLOYED)
            add_step(c, "undeploy",
                     &(struct bg_ask){
                         .target = env, .env = env, .old_env = env, .commit = commit_of(c, env) });
    }
    add_step(c, "undeploy-shared", &(struct bg_ask){ .target = c->f->shared_env });
    if (bg_is_task_name(c->f->shared_env))
        add_step(c, "remove-task",
                 &(struct bg_ask){ .target = c->f->shared_env,
                                   .commit = commit_of_tag(own ? own->version : NULL) });
}

void bg_find_steps(struct bg_case *c)
{
    require(c && c->out);
    c->out->steps =
        arena_array(c->mem, ARRAY_LEN(rules) + 2 * c->out->nslots + 2, sizeof *c->out->steps);
    add_releases(c);
    add_link_changes(c);
    add_removals(c);
}
