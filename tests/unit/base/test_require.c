/* Preconditions stay in the release build, and name the function whose caller broke them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opsdeck/base/require.h"

#include "../trips.h"

static void half(void *arg)
{
    const int *n = arg;

    require(*n % 2 == 0);
}

static void a_broken_precondition_ends_the_program_by_name(void **state)
{
    int n = 3;

    (void)state;
    assert_true(trips(half, &n, "half"));
    assert_false(trips(half, &n, "third"));
}

static void a_kept_one_is_silent(void **state)
{
    int n = 4;

    (void)state;
    assert_false(trips(half, &n, "half"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_precondition_ends_the_program_by_name),
        cmocka_unit_test(a_kept_one_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
