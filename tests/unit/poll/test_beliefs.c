/* Preconditions of the room that a mistake of ours would break: each ends the program by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ev.h>

#include "../trips.h"
#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/poll/connector.h"
#include "opsdeck/poll/engine.h"
#include "opsdeck/poll/plan.h"

#include "../../../src/poll/file_read.h"
#include "../../../src/poll/governor.h"

static void engine_without_a_plan(void *arg)
{
    engine_new(&(struct engine_opts){ .loop = arg }, NULL);
}

static void poll_of_no_engine(void *arg)
{
    engine_poll_now(arg, NULL);
}

static void connector_without_a_name(void *arg)
{
    (void)connector_find(arg);
}

static void plan_without_settings(void *arg)
{
    (void)plan_build(arg, NULL, NULL);
}

static void param_without_a_value(void *arg)
{
    (void)!plan_set(arg, "a", NULL, NULL);
}

static void nobody_may_send(void *arg)
{
    (void)governor_new(arg, clock_system(), 0);
}

static void turn_for_no_host(void *arg)
{
    governor_ask(arg, NULL, (struct governor_rate){ 0 }, NULL, NULL);
}

static void files_without_a_loop(void *arg)
{
    (void)file_reader_new(arg);
}

static void preconditions_end_the_program_by_name(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(0);
    struct governor *g = governor_new(loop, clock_system(), 1);

    assert_true(trips(engine_without_a_plan, loop, "engine_new"));
    assert_true(trips(poll_of_no_engine, NULL, "engine_poll_now"));
    assert_true(trips(connector_without_a_name, NULL, "connector_find"));
    assert_true(trips(plan_without_settings, NULL, "plan_build"));
    assert_true(trips(param_without_a_value, NULL, "plan_set"));
    assert_true(trips(nobody_may_send, loop, "governor_new"));
    assert_true(trips(turn_for_no_host, g, "governor_ask"));
    assert_true(trips(files_without_a_loop, NULL, "file_reader_new"));
    governor_free(g);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preconditions_end_the_program_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
