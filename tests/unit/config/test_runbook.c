/* Runbooks: the shipped one loads, and each mistake is told with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/config/runbook.h"

static void the_shipped_runbook_has_every_step_of_the_life_cycle(void **state)
{
    static const char *const steps[] = { "start-deploy", "start-shared",  "deploy",
                                         "unlink",       "link",          "rollback",
                                         "undeploy",     "update-shared", "undeploy-shared",
                                         "remove-task" };
    struct arena *mem = arena_new();
    struct cfg_problems ps = { .mem = mem };
    struct runbook *rb = runbook_load(mem, "config/runbooks/dos-integration.yaml", &ps);

    (void)state;
    assert_non_null(rb);
    assert_int_equal(rb->nsteps, ARRAY_LEN(steps));
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        bool is_there = false;
        for (size_t k = 0; k < rb->nsteps; k++)
            is_there |= !strcmp(rb->steps[k].step, steps[i]);
        if (!is_there)
            fail_msg("no step %s", steps[i]);
    }
    assert_non_null(strstr(rb->json, "\"step\":\"link\""));
    cfg_problems_release(&ps);
    arena_free(mem);
}

static void refused(const char *text, const char *says)
{
    char path[] = "/tmp/opsdeck-runbook-XXXXXX.yaml";
    struct arena *mem = arena_new();
    struct cfg_problems ps = { .mem = mem };
    int fd = mkstemps(path, 5);

    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    assert_null(runbook_load(mem, path, &ps));
    unlink(path);
    bool is_said = false;
    for (size_t i = 0; i < ps.n; i++)
        is_said |= strstr(ps.v[i].text, says) != NULL;
    if (!is_said)
        fail_msg("\"%s\" is not said of: %s", says, text);
    cfg_problems_release(&ps);
    arena_free(mem);
}

#define HEAD "runbook: x\nsteps:\n"
#define LINK "  - {step: link, title: Link, command: \"make link\"}\n"

static void each_mistake_is_told(void **state)
{
    (void)state;
    refused(HEAD LINK LINK, "stands there twice");
    refused(HEAD "  - {step: a, title: A, command: \"make {x\"}\n", "brace");
    refused(HEAD "  - {step: a, title: A, command: \"make x}\"}\n", "brace");
    refused(HEAD "  - {step: a, title: A, command: \"make {{x}}\"}\n", "brace");
    refused(HEAD "  - {step: a, title: A, command: \"make\\nrm\"}\n", "one line");
    refused(HEAD "  - {step: a, title: A}\n", "missing");
    refused("runbook: x\n", "missing");
    refused("runbook: x\nsteps: 5\n", "expected");
    refused(HEAD LINK "more: 1\n", "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_runbook_has_every_step_of_the_life_cycle),
        cmocka_unit_test(each_mistake_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
