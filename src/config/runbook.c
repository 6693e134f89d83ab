/* Runbook files. See runbook.h. */
#include "opsdeck/config/runbook.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/mem.h"

#include "config_priv.h"

#define REC(member) .offset = offsetof(struct runbook, member)
#define STEP(member) .offset = offsetof(struct runbook_step, member)
#define NOWHERE .offset = KEY_NO_OFFSET

static const struct key_def rows[] = {
    { "runbook", KEY_NAME, .flags = KEY_REQUIRED, REC(name), .help = "its name" },
    { "help", KEY_TEXT, REC(help), .help = "what it is for" },
    { "steps", KEY_MAPS, .flags = KEY_REQUIRED, NOWHERE, .help = "the steps that have a command" },
    { "steps.step", KEY_NAME, .flags = KEY_REQUIRED, STEP(step), .help = "the step's name" },
    { "steps.title", KEY_TEXT, .flags = KEY_REQUIRED, STEP(title), .help = "what a person reads" },
    { "steps.command", KEY_TEXT, .flags = KEY_REQUIRED, STEP(command),
      .help = "one line; {profile} {shared} {new} {old} {previous} {target} {version} {commit}" },
};

static const struct key_table table = { rows, ARRAY_LEN(rows), NULL };

/* {name} in pairs, on one line. */
static const char *command_fault(const char *s)
{
    bool is_open = false;

    for (; *s; s++) {
        if ((unsigned char)*s < 0x20)
            return "a command stands on one line";
        if ((*s == '{' && is_open) || (*s == '}' && !is_open))
            return "a brace without its pair";
        is_open = *s == '{' || (is_open && *s != '}');
    }
    return is_open ? "a brace without its pair" : NULL;
}

static bool check_step(const struct runbook *rb, size_t i, const struct cfg_node *n,
                       struct cfg_problems *ps)
{
    const struct runbook_step *st = &rb->steps[i];
    const char *shown = arena_printf(ps->mem, "steps[%zu]", i);
    const char *fault = st->command ? command_fault(st->command) : NULL;

    if (fault)
        cfg_problem_add(ps, cfg_get(n, "command")->pos, arena_printf(ps->mem, "%s.command", shown),
                        NULL, "%s", fault);
    for (size_t k = 0; k < i && st->step; k++)
        if (rb->steps[k].step && !strcmp(rb->steps[k].step, st->step)) {
            cfg_problem_add(ps, n->pos, shown, NULL, "the step %s stands there twice", st->step);
            return false;
        }
    return !fault;
}

static const char *json_of(struct arena *mem, const struct runbook *rb)
{
    cJSON *doc = cJSON_CreateObject(), *steps = cJSON_AddArrayToObject(doc, "steps");

    for (size_t i = 0; i < rb->nsteps; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "step", rb->steps[i].step);
        cJSON_AddStringToObject(o, "title", rb->steps[i].title);
        cJSON_AddStringToObject(o, "command", rb->steps[i].command);
        cJSON_AddItemToArray(steps, o);
    }
    char *text = cJSON_PrintUnformatted(doc);
    const char *out = arena_strdup(mem, text);
    cJSON_free(text);
    cJSON_Delete(doc);
    return out;
}

struct runbook *runbook_load(struct arena *mem, const char *path, struct cfg_problems *ps)
{
    size_t before = cfg_problems_errors(ps);
    const struct cfg_node *root = cfg_read_data_file(mem, path, ps);
    struct runbook *rb = arena_alloc(mem, sizeof *rb);

    if (!root || !key_check(&table, "", root, "", ps))
        return NULL;
    key_fill(&table, "", root, rb, mem);
    rb->file = arena_strdup(mem, path);
    const struct cfg_node *list = cfg_get(root, "steps");
    rb->steps = arena_array(mem, list->n + 1, sizeof *rb->steps);
    for (size_t i = 0; i < list->n; i++) {
        key_fill(&table, "steps", list->items[i], &rb->steps[i], mem);
        rb->nsteps++;
        check_step(rb, i, list->items[i], ps);
    }
    if (cfg_problems_errors(ps) != before)
        return NULL;
    rb->json = json_of(mem, rb);
    return rb;
}

char *runbook_find(struct arena *mem, const struct data_dirs *dirs, const char *name)
{
    return data_find(mem, dirs, "runbooks", name);
}
