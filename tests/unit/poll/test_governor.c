/* Turns per host: concurrency, rate, pauses the server asked for, cancelled waits. A real loop, a
 * clock of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ev.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/net/http.h"

#include "../../../src/poll/governor.h"

static const char HOST[] = "https://a.example:443";

static void count(void *ctx)
{
    ++*(int *)ctx;
}

/* A turn given back starts the next one from the loop. */
static void give_back(struct governor *g, const char *host, const struct http_response *r)
{
    struct governor_news news = { 0 };

    if (r)
        news = governor_read(r, clock_wall_ms(clock_system()));
    governor_done(g, host, r && r->status ? &news : NULL);
    ev_run(ev_default_loop(EVFLAG_AUTO), EVRUN_NOWAIT);
}

static struct governor *fresh(int total)
{
    return governor_new(ev_default_loop(EVFLAG_AUTO), clock_system(), total);
}

static struct http_response answer(int status, const struct http_header *h, size_t n)
{
    return (struct http_response){ .status = status, .headers = h, .nheaders = n };
}

static void a_host_gets_so_many_turns_and_then_waits(void **state)
{
    (void)state;
    struct governor *g = fresh(100);
    int turns[GOVERNOR_PER_HOST + 2] = { 0 }, given = 0, other = 0;

    for (size_t i = 0; i < ARRAY_LEN(turns); i++)
        governor_ask(g, HOST, (struct governor_rate){ .per_min = 0 }, count, &turns[i]);
    for (size_t i = 0; i < ARRAY_LEN(turns); i++)
        given += turns[i];
    assert_int_equal(given, GOVERNOR_PER_HOST);
    governor_ask(g, "https://b.example:443", (struct governor_rate){ .per_min = 0 }, count, &other);
    assert_int_equal(other, 1); /* another host is not held back */
    give_back(g, HOST, NULL);
    assert_int_equal(turns[GOVERNOR_PER_HOST], 1); /* in the order of asking */
    assert_int_equal(turns[GOVERNOR_PER_HOST + 1], 0);
    governor_free(g);
}

static void all_hosts_together_have_a_limit(void **state)
{
    (void)state;
    struct governor *g = fresh(2);
    int a = 0, b = 0, c = 0;

    governor_ask(g, "http://a:1", (struct governor_rate){ .per_min = 0 }, count, &a);
    governor_ask(g, "http://b:1", (struct governor_rate){ .per_min = 0 }, count, &b);
    governor_ask(g, "http://c:1", (struct governor_rate){ .per_min = 0 }, count, &c);
    assert_int_equal(a + b, 2);
    assert_int_equal(c, 0);
    give_back(g, "http://a:1", NULL);
    assert_int_equal(c, 1);
    governor_free(g);
}

static void a_cancelled_wait_gets_no_turn(void **state)
{
    (void)state;
    struct governor *g = fresh(1);
    int a = 0, b = 0, c = 0;

    governor_ask(g, HOST, (struct governor_rate){ .per_min = 0 }, count, &a);
    governor_ask(g, HOST, (struct governor_rate){ .per_min = 0 }, count, &b);
    governor_ask(g, HOST, (struct governor_rate){ .per_min = 0 }, count, &c);
    governor_cancel(g, &b);
    give_back(g, HOST, NULL);
    assert_int_equal(b, 0);
    assert_int_equal(c, 1);
    /* The list is whole after its last one was taken out. */
    governor_ask(g, HOST, (struct governor_rate){ .per_min = 0 }, count, &b);
    governor_cancel(g, &b);
    governor_ask(g, HOST, (struct governor_rate){ .per_min = 0 }, count, &a);
    give_back(g, HOST, NULL);
    assert_int_equal(a, 2);
    governor_free(g);
}

static void a_429_stops_the_host_for_as_long_as_it_says(void **state)
{
    (void)state;
    struct governor *g = fresh(10);
    const struct http_header h[] = { { "retry-after", "120" } };
    struct http_response r = answer(429, h, 1);
    int a = 0, b = 0, c = 0;

    governor_ask(g, HOST, (struct governor_rate){ .per_min = 0 }, count, &a);
    give_back(g, HOST, &r);
    governor_ask(g, HOST, (struct governor_rate){ .per_min = 0 }, count, &b);
    assert_int_equal(b, 0);
    assert_in_range(governor_wait_ms(g, HOST), 115000, 120000);
    governor_ask(g, "http://other:1", (struct governor_rate){ .per_min = 0 }, count, &c);
    assert_int_equal(c, 1);
    governor_free(g);
}

static void the_budget_is_what_the_server_told_last(void **state)
{
    (void)state;
    struct governor *g = fresh(10);
    const struct http_header h[] = { { "x-ratelimit-remaining", "41" } };
    struct http_response r = answer(200, h, 1);
    int a = 0;

    assert_int_equal(governor_budget(g, HOST), -1);
    governor_ask(g, HOST, (struct governor_rate){ .per_min = 0 }, count, &a);
    give_back(g, HOST, &r);
    assert_int_equal(governor_budget(g, HOST), 41);
    assert_int_equal(governor_wait_ms(g, HOST), 0);
    governor_free(g);
}

static int64_t fake_now;

static int64_t fake_ms(void *ctx)
{
    (void)ctx;
    return fake_now;
}

static void a_rate_spreads_turns(void **state)
{
    (void)state;
    static const struct clock fake = { fake_ms, fake_ms, NULL };
    fake_now = 1000000;
    struct governor *g = governor_new(ev_default_loop(EVFLAG_AUTO), &fake, 10);
    int a = 0, b = 0, c = 0;

    governor_ask(g, HOST, (struct governor_rate){ .per_min = 60 }, count, &a); /* one a second */
    governor_ask(g, HOST, (struct governor_rate){ .per_min = 60 }, count, &b);
    assert_int_equal(a, 1);
    assert_int_equal(b, 0);
    fake_now += 999;
    give_back(g, HOST, NULL);
    assert_int_equal(b, 0);
    fake_now += 1;
    governor_ask(g, HOST, (struct governor_rate){ .per_min = 60 }, count,
                 &c); /* asking looks at the queue again */
    assert_int_equal(b, 1);
    assert_int_equal(c, 0);
    governor_free(g);
}

static void a_burst_runs_ahead_of_the_rate_once(void **state)
{
    (void)state;
    struct governor *g = fresh(100);
    const struct governor_rate rate = { .per_min = 60, .burst = 4 };
    int turns = 0;

    for (int i = 0; i < 6; i++)
        governor_ask(g, HOST, rate, count, &turns);
    assert_int_equal(turns, 4); /* the rest comes one a second */
    governor_free(g);
}

static void a_free_source_has_no_gaps_but_waits_when_told_to(void **state)
{
    (void)state;
    struct governor *g = fresh(100);
    const struct governor_rate rate = { .per_min = 1, .is_free = true };
    const struct http_header h[] = { { "retry-after", "120" } };
    struct http_response r = answer(503, h, 1);
    int turns = 0, paced = 0;

    for (int i = 0; i < 40; i++) {
        governor_ask(g, HOST, rate, count, &turns);
        assert_int_equal(turns, i + 1);
        give_back(g, HOST, NULL);
    }
    /* Nor does it push back who keeps to a rate at the same host. */
    governor_ask(g, HOST, (struct governor_rate){ .per_min = 1 }, count, &paced);
    assert_int_equal(paced, 1);
    give_back(g, HOST, &r);
    governor_ask(g, HOST, rate, count, &turns);
    assert_int_equal(turns, 40);
    assert_in_range(governor_wait_ms(g, HOST), 115000, 120000);
    governor_free(g);
}

static void a_throttled_poll_doubles_and_three_clean_ones_halve(void **state)
{
    (void)state;
    struct governor *g = fresh(100);
    const struct governor_news slow_down = { .is_throttled = true, .wait_ms = 0, .budget = -1 };
    int turns = 0;

    assert_int_equal(governor_poll_ended(g, HOST), 1);
    for (int factor = 2; factor <= 64; factor *= 2) {
        governor_ask(g, HOST, (struct governor_rate){ .per_min = 0 }, count, &turns);
        governor_done(g, HOST, &slow_down);
        assert_int_equal(governor_poll_ended(g, HOST), factor < 16 ? factor : 16);
    }
    for (int i = 0; i < 9; i++) /* 16 -> 8 -> 4 -> 2 */
        governor_poll_ended(g, HOST);
    for (int i = 0; i < 5; i++)
        assert_int_equal(governor_poll_ended(g, HOST), i < 2 ? 2 : 1);
    governor_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_gets_so_many_turns_and_then_waits),
        cmocka_unit_test(all_hosts_together_have_a_limit),
        cmocka_unit_test(a_cancelled_wait_gets_no_turn),
        cmocka_unit_test(a_429_stops_the_host_for_as_long_as_it_says),
        cmocka_unit_test(the_budget_is_what_the_server_told_last),
        cmocka_unit_test(a_rate_spreads_turns),
        cmocka_unit_test(a_burst_runs_ahead_of_the_rate_once),
        cmocka_unit_test(a_free_source_has_no_gaps_but_waits_when_told_to),
        cmocka_unit_test(a_throttled_poll_doubles_and_three_clean_ones_halve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
