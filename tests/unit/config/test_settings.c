/* config.yaml: values with their origin, layers, and ten mistakes told at once. */
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
#include "opsdeck/config/settings.h"

static char dir[64], etc[80];

static const char *put(const char *folder, const char *name, const char *text)
{
    static char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(path, 0600);
    return path;
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/opsdeck-unit-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(etc, sizeof etc, "%s/etc", dir);
    mkdir(etc, 0700);
    setenv("OPSDECK_ETC", etc, 1);
    setenv("HOME", dir, 1);
    setenv("XDG_CONFIG_HOME", dir, 1);
    unsetenv("XDG_STATE_HOME");
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = { "c.yaml", "etc/config.yaml", "part.yaml", "etc", "" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        if (unlink(path) != 0)
            rmdir(path);
    }
    return 0;
}

static struct settings *load(const char *text, struct cfg_problems *ps, const char *theme)
{
    struct settings_flags flags = { .config = put(dir, "c.yaml", text), .theme = theme };

    return settings_load(&flags, ps);
}

static void a_good_file_gives_typed_values_with_defaults(void **state)
{
    (void)state;
    struct cfg_problems ps = { .mem = arena_new() };
    struct settings *s =
        load("store: {keep: 7d, max_size: 1GiB}\nui: {theme: mono, escape_delay: 25ms}\n"
             "environments: [{name: live, mark: danger}]\n"
             "sources:\n  - name: reports\n    recipe: moj-reports\n    url: "
             "https://reports.example\n    every: 5m\n"
             "    params: {repositories: [a, b]}\n    auth: {header: X-API-KEY, token_env: "
             "REPORTS_KEY}\n"
             "    labels: {env: live, team: platform}\n"
             "  - {name: f, recipe: x, path: ./data/*.json}\n",
             &ps, NULL);

    for (size_t i = 0; i < ps.n; i++)
        print_message("%d: %s %s\n", ps.v[i].pos.line, ps.v[i].path, ps.v[i].text);
    assert_non_null(s);
    assert_int_equal(s->store.keep_ms, 7LL * 86400000);
    assert_int_equal(s->store.max_bytes, 1LL << 30);
    assert_string_equal(s->ui.theme, "mono");
    assert_string_equal(s->ui.keymap, "default");
    assert_int_equal(s->ui.escape_delay_ms, 25);
    assert_int_equal(s->network.timeout_ms, 20000);
    assert_true(s->environments[0].is_danger);
    assert_int_equal(s->nsources, 2);
    assert_int_equal(s->sources[0].every_ms, 300000);
    assert_int_equal(s->sources[0].auth.kind, AUTH_HEADER);
    assert_string_equal(s->sources[0].auth.secret.env, "REPORTS_KEY");
    assert_string_equal(s->sources[0].labels_json, "{\"env\":\"live\",\"team\":\"platform\"}");
    /* "./" may stay or go; the folder is the config's. */
    assert_true(strstr(s->sources[1].path, "data/*.json") &&
                !strncmp(s->sources[1].path, dir, strlen(dir)));
    settings_free(s);
    cfg_problems_release(&ps);
    arena_free(ps.mem);
}

struct want {
    int line;
    const char *word;
};

static void expect_told(const struct cfg_problems *ps, const struct want *w)
{
    for (size_t i = 0; i < ps->n; i++)
        if (ps->v[i].pos.line == w->line &&
            (strstr(ps->v[i].text, w->word) || (ps->v[i].hint && strstr(ps->v[i].hint, w->word))))
            return;
    for (size_t i = 0; i < ps->n; i++)
        print_message("  %d:%d %s: %s (%s)\n", ps->v[i].pos.line, ps->v[i].pos.col, ps->v[i].path,
                      ps->v[i].text, ps->v[i].hint ? ps->v[i].hint : "");
    fail_msg("line %d: nothing about %s", w->line, w->word);
}

static void ten_mistakes_are_told_at_once(void **state)
{
    (void)state;
    static const struct want wants[] = {
        { 1, "duration" }, { 1, "size" },    { 2, "did you mean `theme`?" }, { 3, "number" },
        { 6, "duration" }, { 7, "user" },    { 10, "plain text" },           { 12, "reports" },
        { 13, "http" },    { 15, "source" },
    };
    struct cfg_problems ps = { .mem = arena_new() };
    struct settings *s = load(
        "store: {keep: soon, max_size: 5 parsecs}\nui: {them: mono}\nnetwork: {concurrency: many}\n"
        "sources:\n  - name: reports\n    every: 5\n    url: https://me:pw@reports.example\n    "
        "recipe: moj-reports\n    auth:\n"
        "      {header: X-API-KEY, token: abc}\n  - recipe: moj-reports\n    name: reports\n    "
        "url: ftp://x.example\n\nsauces: []\n",
        &ps, NULL);
    assert_null(s);
    for (size_t i = 0; i < ARRAY_LEN(wants); i++)
        expect_told(&ps, &wants[i]);
    for (size_t i = 0; i < ps.n; i++) {
        assert_null(strstr(ps.v[i].text, "abc"));
        assert_true(!ps.v[i].excerpt || !strstr(ps.v[i].excerpt, "abc"));
        assert_true(!ps.v[i].excerpt || !strstr(ps.v[i].excerpt, "me:pw"));
    }
    cfg_problems_release(&ps);
    arena_free(ps.mem);
}

static void no_rate_is_for_this_machine_only_and_never_the_default(void **state)
{
    (void)state;
    static const struct {
        const char *where;
        bool is_here;
    } cases[] = {
        { "url: http://127.0.0.1:8080", true },
        { "url: http://127.255.0.9/api", true },
        { "url: http://localhost", true },
        { "url: https://LOCALHOST:1", true },
        { "url: \"http://[::1]:99\"", true },
        { "aws: {endpoint_url: \"http://127.0.0.1:5000\"}", true },
        { "aws: {profile: live}", true }, /* not known yet: the engine looks before it sends */
        { "url: https://reports.example", false },
        { "url: http://127.0.0.1.reports.example", false },
        { "url: http://localhost.example", false },
        { "url: http://128.0.0.1", false },
        { "url: http://10.0.0.1", false },
        { "url: http://0.0.0.0", false },
        { "url: \"http://[::2]\"", false },
        { "url: \"http://[::ffff:127.0.0.1]\"", false },
        { "aws: {endpoint_url: \"https://sqs.eu-west-2.amazonaws.com\"}", false },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cfg_problems ps = { .mem = arena_new() };
        const char *text =
            arena_printf(ps.mem,
                         "sources:\n  - {name: a, recipe: moj-reports, %s}\n"
                         "  - name: b\n    recipe: moj-reports\n    rate: none\n    %s\n",
                         cases[i].where, cases[i].where);
        struct settings *s = load(text, &ps, NULL);
        if (cases[i].is_here) {
            assert_non_null(s);
            assert_int_equal(s->sources[0].rate, RATE_RECIPE);
            assert_int_equal(s->sources[1].rate, RATE_NONE);
        } else {
            assert_null(s);
            assert_int_equal(ps.n, 1);
            expect_told(&ps, &(struct want){ 5, "this machine" });
        }
        settings_free(s);
        cfg_problems_release(&ps);
        arena_free(ps.mem);
    }
}

static const char *origin_of(const struct settings *s, const char *key, const char **value)
{
    static char origin[256], text[256];
    struct row_set *rs = settings_dump(s);

    origin[0] = '\0';
    for (size_t i = 0; i < rs->nrows; i++) {
        if (strcmp(row_set_text(rs, i, "key"), key) != 0)
            continue;
        snprintf(origin, sizeof origin, "%s", row_set_text(rs, i, "origin"));
        snprintf(text, sizeof text, "%s", row_set_text(rs, i, "value"));
    }
    row_set_free(rs);
    *value = text;
    return origin;
}

static void flags_win_over_environment_over_files_and_locks_over_all(void **state)
{
    (void)state;
    struct cfg_problems ps = { .mem = arena_new() };
    const char *value;

    setenv("OPSDECK_UI_THEME", "dark256", 1);
    struct settings *s = load("ui: {theme: mono}\n", &ps, NULL);
    assert_non_null(s);
    assert_string_equal(s->ui.theme, "dark256");
    assert_string_equal(origin_of(s, "ui.theme", &value), "OPSDECK_UI_THEME");
    assert_string_equal(value, "dark256");
    assert_string_equal(origin_of(s, "ui.keymap", &value), "default");
    settings_free(s);
    s = load("ui: {theme: mono}\n", &ps, "deutan");
    assert_string_equal(s->ui.theme, "deutan");
    assert_string_equal(origin_of(s, "ui.theme", &value), "--theme");
    settings_free(s);
    put(etc, "config.yaml", "ui: {theme: terminal-hc}\nlocked: [ui.theme]\n");
    s = load("ui: {theme: mono}\n", &ps, "deutan");
    if (s)
        assert_string_equal(s->ui.theme, "terminal-hc");
    else
        assert_true(ps.n > 0); /* refusing what cannot be is as good as overriding it */
    settings_free(s);
    unlink(put(etc, "config.yaml", ""));
    unsetenv("OPSDECK_UI_THEME");
    cfg_problems_release(&ps);
    arena_free(ps.mem);
}

static void a_file_that_others_may_write_is_refused(void **state)
{
    (void)state;
    struct cfg_problems ps = { .mem = arena_new() };
    struct settings_flags flags = { .config = put(dir, "c.yaml", "ui: {theme: mono}\n") };

    chmod(flags.config, 0666);
    assert_null(settings_load(&flags, &ps));
    assert_non_null(strstr(ps.v[0].text, "writ"));
    cfg_problems_release(&ps);
    arena_free(ps.mem);
}

static void every_key_is_explained_and_the_example_is_good(void **state)
{
    (void)state;
    struct cfg_problems ps = { .mem = arena_new() };
    const char *near = NULL;
    struct row_set *rs = settings_explain(NULL, &near);

    assert_true(rs->nrows > 20);
    for (size_t i = 0; i < rs->nrows; i++)
        assert_true(strlen(row_set_text(rs, i, "help")) > 3);
    row_set_free(rs);
    rs = settings_explain("sources.every", &near);
    assert_int_equal(rs->nrows, 1);
    row_set_free(rs);
    assert_null(settings_explain("ui.thme", &near));
    assert_string_equal(near, "ui.theme");
    struct settings *s = load(settings_example(ps.mem), &ps, NULL);
    assert_non_null(s);
    settings_free(s);
    cfg_problems_release(&ps);
    arena_free(ps.mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_file_gives_typed_values_with_defaults, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ten_mistakes_are_told_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(no_rate_is_for_this_machine_only_and_never_the_default,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(flags_win_over_environment_over_files_and_locks_over_all,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_others_may_write_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(every_key_is_explained_and_the_example_is_good, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
