/* Preconditions of the room that a mistake of ours would break: each ends the program by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../trips.h"
#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/store/ingest.h"
#include "opsdeck/store/query.h"
#include "opsdeck/store/sandbox.h"
#include "opsdeck/store/store.h"

#include "../../../src/store/store_priv.h"

#include "../../../src/store/fn_priv.h"
#include "../../../src/store/sandbox_rules.h"

static void doctor_without_a_clock(void *arg)
{
    (void)arg;
    store_doctor(&(struct store_opts){ .dir = "/nowhere" });
}

static void statement_without_a_text(void *arg)
{
    db_stmt(arg, NULL, NULL);
}

static void a_closed_handle_is_hardened(void *arg)
{
    (void)!store_harden(arg, NULL);
}

static void open_without_a_folder(void *arg)
{
    bool is_missing;

    (void)!store_open_reader(&(struct store_opts){ 0 }, arg, &is_missing, NULL);
}

static void ingest_without_a_clock(void *arg)
{
    (void)arg;
    ingest_new(&(struct ingest_opts){ .store = { .dir = "/nowhere" } }, NULL, NULL);
}

static void submit_to_nobody(void *arg)
{
    ingest_submit(arg, NULL);
}

static void query_with_a_loop_and_nobody_to_tell(void *arg)
{
    (void)arg;
    query_new(&(struct query_opts){ .store = { .dir = "/nowhere" }, .loop = (void *)1 }, NULL);
}

static void ask_without_a_question(void *arg)
{
    query_submit(arg, NULL);
}

static void check_without_a_select(void *arg)
{
    (void)!sandbox_check(arg, NULL, NULL, 0, false, NULL);
}

static void map_without_a_step(void *arg)
{
    struct row_set *out;

    (void)!sandbox_map(arg, NULL, NULL, 0, "", 0, 0, NULL, NULL, 0, NULL, &out, NULL, NULL, NULL);
}

static void number_into_nothing(void *arg)
{
    (void)number_parse("1", 1, arg);
}

static void no_function_by_no_name(void *arg)
{
    (void)rules_may_call(arg);
}

static void cut_to_nothing(void *arg)
{
    (void)text_cut(arg, "x", 1, 0, 0);
}

static void preconditions_end_the_program_by_name(void **state)
{
    (void)state;
    struct db closed = { 0 };
    struct sandbox *sb = sandbox_new();
    struct arena *mem = arena_new();

    assert_true(trips(doctor_without_a_clock, NULL, "store_doctor"));
    assert_true(trips(statement_without_a_text, &closed, "db_stmt"));
    assert_true(trips(a_closed_handle_is_hardened, &closed, "store_harden"));
    assert_true(trips(open_without_a_folder, &closed, "store_open_reader"));
    assert_true(trips(ingest_without_a_clock, NULL, "ingest_new"));
    assert_true(trips(submit_to_nobody, NULL, "ingest_submit"));
    assert_true(trips(query_with_a_loop_and_nobody_to_tell, NULL, "query_new"));
    assert_true(trips(ask_without_a_question, NULL, "query_submit"));
    assert_true(trips(check_without_a_select, sb, "sandbox_check"));
    assert_true(trips(map_without_a_step, sb, "sandbox_map"));
    assert_true(trips(number_into_nothing, NULL, "number_parse"));
    assert_true(trips(no_function_by_no_name, NULL, "rules_may_call"));
    assert_true(trips(cut_to_nothing, mem, "text_cut"));
    arena_free(mem);
    sandbox_free(sb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preconditions_end_the_program_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
