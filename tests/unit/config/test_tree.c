/* The YAML reader: places, limits, and what is refused before it costs anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/config/tree.h"

struct read {
    struct arena *mem;
    struct cfg_problems ps;
    const struct cfg_node *root;
};

static void begin(struct read *r, const char *text, size_t len)
{
    *r = (struct read){ .mem = arena_new() };
    r->ps.mem = r->mem;
    r->root = cfg_read_text(r->mem, "t.yaml", text, len, &r->ps);
}

static void end(struct read *r)
{
    cfg_problems_release(&r->ps);
    arena_free(r->mem);
}

static void nodes_know_their_place(void **state)
{
    (void)state;
    struct read r;
    const char text[] = "a: 1\nlist:\n  - x\n  - {k: \"v v\"}\n";

    begin(&r, text, sizeof text - 1);
    assert_non_null(r.root);
    const struct cfg_node *list = cfg_get(r.root, "list");
    assert_int_equal(list->kind, CFG_SEQ);
    assert_int_equal(list->n, 2);
    assert_int_equal(list->items[0]->pos.line, 3);
    assert_int_equal(list->items[0]->pos.col, 5);
    const struct cfg_node *v = cfg_get(list->items[1], "k");
    assert_string_equal(v->text, "v v");
    assert_true(v->is_quoted);
    assert_string_equal(cfg_to_json(r.mem, r.root), "{\"a\":1,\"list\":[\"x\",{\"k\":\"v v\"}]}");
    end(&r);
}

static void texts_are_what_was_written(void **state)
{
    (void)state;
    struct read r;
    const char text[] =
        "{a: 012345678901, b: 1.10, c: no, d: 12:30, e: [0x1F, true, ~], f: \"g\\u00a0h\"}";

    begin(&r, text, sizeof text - 1);
    assert_non_null(r.root);
    assert_string_equal(cfg_to_json_texts(r.mem, r.root),
                        "{\"a\":\"012345678901\",\"b\":\"1.10\",\"c\":\"no\",\"d\":\"12:30\","
                        "\"e\":[\"0x1F\",\"true\",null],\"f\":\"g\u00a0h\"}");
    end(&r);
}

static void expect_refused(const char *text, size_t len, const char *word, int line)
{
    struct read r;

    begin(&r, text, len);
    assert_null(r.root);
    assert_true(cfg_problems_errors(&r.ps) >= 1);
    if (word && !strstr(r.ps.v[0].text, word))
        fail_msg("expected \"%s\" in: %s", word, r.ps.v[0].text);
    if (line)
        assert_int_equal(r.ps.v[0].pos.line, line);
    end(&r);
}

#define REFUSED(text, word, line) expect_refused(text, sizeof(text) - 1, word, line)

static void what_can_surprise_is_refused_with_its_place(void **state)
{
    (void)state;
    REFUSED("a: &x 1\nb: *x\n", "nchor", 1);
    REFUSED("b: *x\n", "lias", 1);
    REFUSED("a: !!int 5\n", "tag", 1);
    REFUSED("a: 1\nb: 2\na: 3\n", "a", 3);
    REFUSED("labels:\n  env:\u00a0live\n", "no-break", 2);
    REFUSED("labels: {env: \u00a0live}\n", "no-break", 1);
    REFUSED("a: 1\nna\u3000me: x\n", "no-break", 2);
    REFUSED("a: [1, 2\nb: 3\n", NULL, 0);
    REFUSED("a: \xff\xfe\n", NULL, 1);
    REFUSED("a:\n\tb: 1\n", NULL, 2);
}

static double seconds_to_refuse(const char *text, size_t len)
{
    clock_t start = clock();

    expect_refused(text, len, NULL, 0);
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void bombs_are_refused_before_they_grow(void **state)
{
    (void)state;
    struct sbuf sb;

    sbuf_init(&sb, 1 << 20);
    for (int i = 0; i < 5000; i++)
        sbuf_addc(&sb, '[');
    /* Generous: the point is milliseconds against minutes and gigabytes. */
    assert_true(seconds_to_refuse(sb.buf, sb.len) < 0.5);
    sbuf_reset(&sb);
    sbuf_adds(&sb, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 12; i++)
        sbuf_addf(&sb, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1,
                  i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_true(seconds_to_refuse(sb.buf, sb.len) < 0.5);
    sbuf_reset(&sb);
    for (int i = 0; i < 25000; i++)
        sbuf_addf(&sb, "k%d: 1\n", i);
    assert_true(seconds_to_refuse(sb.buf, sb.len) < 2);
    sbuf_reset(&sb);
    while (sb.len < 300 * 1024)
        sbuf_adds(&sb, "# a comment that fills the file\n");
    sbuf_adds(&sb, "a: 1\n");
    assert_true(seconds_to_refuse(sb.buf, sb.len) < 0.5);
    sbuf_release(&sb);
}

static void an_excerpt_points_at_the_mistake(void **state)
{
    (void)state;
    struct read r;
    struct sbuf sb;
    const char text[] = "ui:\n  theme: x\n";

    begin(&r, text, sizeof text - 1);
    cfg_problem_add(&r.ps, cfg_get(cfg_get(r.root, "ui"), "theme")->pos, "ui.theme",
                    "did you mean `y`?", "no theme \"x\"");
    sbuf_init(&sb, 4096);
    cfg_problem_format(&r.ps.v[0], &sb);
    assert_non_null(strstr(sb.buf, "t.yaml:2:10: ui.theme: no theme \"x\""));
    assert_non_null(strstr(sb.buf, "  theme: x"));
    assert_non_null(strstr(sb.buf, "^"));
    assert_non_null(strstr(sb.buf, "did you mean `y`?"));
    sbuf_release(&sb);
    end(&r);
}

static void near_misses_are_within_two_edits(void **state)
{
    (void)state;
    const char *const words[] = { "every", "timeout", "url" };

    assert_string_equal(cfg_nearest("evry", words, 3), "every");
    assert_string_equal(cfg_nearest("timeuot", words, 3), "timeout");
    assert_null(cfg_nearest("completely-else", words, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_know_their_place),
        cmocka_unit_test(texts_are_what_was_written),
        cmocka_unit_test(what_can_surprise_is_refused_with_its_place),
        cmocka_unit_test(bombs_are_refused_before_they_grow),
        cmocka_unit_test(an_excerpt_points_at_the_mistake),
        cmocka_unit_test(near_misses_are_within_two_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
