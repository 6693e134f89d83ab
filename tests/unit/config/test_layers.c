/* Which file wins: includes, the site's file, locks, the environment; and how sources log in. */
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
#include "opsdeck/base/sbuf.h"
#include "opsdeck/config/settings.h"

struct site {
    char dir[64];
    struct arena *mem;
    struct cfg_problems ps;
    struct settings *s;
    struct sbuf told; /* all problems as people see them */
};

static const char *const files[] = { "opsdeck/config.yaml", "opsdeck/conf.d/a.yaml",
                                     "opsdeck/conf.d/b.yaml", "etc/config.yaml",
                                     "opsdeck/loop.yaml" };
static const char *const folders[] = { "etc", "opsdeck/conf.d", "opsdeck", "" };

static const char *at(struct site *t, const char *name)
{
    return arena_printf(t->mem, "%s/%s", t->dir, name);
}

static int setup(void **state)
{
    struct site *t = xcalloc(1, sizeof *t);

    t->mem = arena_new();
    t->ps.mem = t->mem;
    sbuf_init(&t->told, 1 << 20);
    snprintf(t->dir, sizeof t->dir, "/tmp/opsdeck-unit-XXXXXX");
    if (!mkdtemp(t->dir))
        return -1;
    for (size_t i = ARRAY_LEN(folders); i-- > 0;)
        mkdir(at(t, folders[i]), 0700);
    setenv("OPSDECK_ETC", at(t, "etc"), 1);
    setenv("HOME", t->dir, 1);
    setenv("XDG_CONFIG_HOME", t->dir, 1);
    unsetenv("XDG_STATE_HOME");
    unsetenv("OPSDECK_UI_THEME");
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct site *t = *state;

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        unlink(at(t, files[i]));
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        rmdir(at(t, folders[i]));
    settings_free(t->s);
    cfg_problems_release(&t->ps);
    sbuf_release(&t->told);
    arena_free(t->mem);
    free(t);
    return 0;
}

static void put(struct site *t, const char *name, const char *text)
{
    FILE *f = fopen(at(t, name), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(at(t, name), 0600);
}

static struct settings *load(struct site *t)
{
    settings_free(t->s);
    cfg_problems_release(&t->ps);
    sbuf_reset(&t->told);
    t->s = settings_load(NULL, &t->ps);
    for (size_t i = 0; i < t->ps.n; i++)
        cfg_problem_format(&t->ps.v[i], &t->told);
    return t->s;
}

static void assert_told(struct site *t, const char *words)
{
    if (!strstr(t->told.buf, words))
        fail_msg("nothing about \"%s\" in:\n%s", words, t->told.buf);
}

static void no_file_at_all_gives_the_defaults(void **state)
{
    struct site *t = *state;

    assert_non_null(load(t));
    assert_null(t->s->file);
    assert_int_equal(t->s->nsources, 0);
    assert_int_equal(t->ps.n, 0);
    assert_string_equal(t->s->store.dir, at(t, ".local/state/opsdeck"));
}

static void includes_are_read_after_their_file_in_sorted_order(void **state)
{
    struct site *t = *state;

    put(t, files[0],
        "include: [conf.d/*.yaml]\nui: {theme: mono, start: x}\nsources: [{name: one, recipe: "
        "r}]\n");
    put(t, files[2], "ui: {theme: light256}\nsources: [{name: three, recipe: r}]\n");
    put(t, files[1], "ui: {theme: dark256, keymap: k9s}\nsources: [{name: two, recipe: r}]\n");
    assert_non_null(load(t));
    assert_string_equal(t->s->ui.theme, "light256");
    assert_string_equal(t->s->ui.keymap, "k9s");
    assert_string_equal(t->s->ui.start, "x");
    assert_int_equal(t->s->nsources, 3);
    assert_string_equal(t->s->sources[1].name, "two");
    put(t, files[2], "sources: [{name: one, recipe: r}]\n");
    assert_null(load(t));
    assert_told(t, "b.yaml:1:18: sources[0].name: the name \"one\" is used twice, first in ");
    put(t, files[0], "include: [conf.d/c.yaml, loop.yaml]\n");
    put(t, files[4], "include: [config.yaml]\n");
    assert_null(load(t));
    assert_told(t, "config.yaml:1:11: include: there is no file");
    assert_told(t, "loop.yaml:1:11: include: ");
    assert_told(t, "is read already");
}

static void the_users_source_stands_in_place_of_the_sites(void **state)
{
    struct site *t = *state;

    put(t, files[3],
        "ui: {theme: mono, keymap: k9s}\nsources: [{name: a, recipe: site}, {name: b, recipe: "
        "site}]\n");
    put(t, files[0], "ui: {theme: deutan}\nsources: [{name: b, recipe: mine}]\n");
    assert_non_null(load(t));
    assert_string_equal(t->s->ui.theme, "deutan");
    assert_string_equal(t->s->ui.keymap, "k9s");
    assert_int_equal(t->s->nsources, 2);
    assert_string_equal(t->s->sources[0].recipe, "site");
    assert_string_equal(t->s->sources[1].recipe, "mine");
}

static void what_the_site_locked_wins_and_is_told(void **state)
{
    struct site *t = *state;

    put(t, files[3],
        "ui: {theme: mono}\nnetwork: {timeout: 9s}\nlocked: [network, ui.theme, sources]\n"
        "sources: [{name: a, recipe: site}]\n");
    put(t, files[0],
        "network: {timeout: 1m, concurrency: 2}\nui: {theme: deutan}\n"
        "sources: [{name: b, recipe: mine}]\n");
    setenv("OPSDECK_UI_THEME", "dark256", 1);
    assert_non_null(load(t));
    assert_string_equal(t->s->ui.theme, "mono");
    assert_int_equal(t->s->network.timeout_ms, 9000);
    assert_int_equal(t->s->network.concurrency, 16); /* locked to its default */
    assert_int_equal(t->s->nsources, 1);
    assert_string_equal(t->s->sources[0].name, "a");
    assert_told(t, "OPSDECK_UI_THEME: warning: ui.theme: ignored: locked by ");
    assert_told(t, "config.yaml:1:20: warning: network.timeout: ignored: locked by ");
    assert_told(t, "config.yaml:3:1: warning: sources: ignored: locked by ");
    put(t, files[3], "locked: [ui.them, sources.url]\n");
    assert_null(load(t));
    assert_told(t, "locked[0]: there is no key \"ui.them\"");
    assert_told(t, "locked[1]: keys of single entries cannot be locked");
}

static void a_named_file_is_the_only_one_but_for_locks(void **state)
{
    struct site *t = *state;
    struct settings_flags flags = { .config = at(t, files[0]) };

    put(t, files[3],
        "ui: {theme: mono, keymap: k9s}\nlocked: [ui.keymap, sources]\nsources: [{name: a, recipe: "
        "site}]\n"
        "environments: [{name: live}]\n");
    put(t, files[0], "ui: {start: here}\n");
    t->s = settings_load(&flags, &t->ps);
    assert_non_null(t->s);
    assert_string_equal(t->s->ui.theme, "terminal");
    assert_string_equal(t->s->ui.keymap, "k9s");
    assert_int_equal(t->s->nsources, 1);
    assert_int_equal(t->s->nenvironments, 0);
}

static void only_the_site_shares_a_store_or_locks(void **state)
{
    struct site *t = *state;

    put(t, files[0], "store: {shared: true}\nlocked: [ui]\n");
    assert_null(load(t));
    assert_told(t, "config.yaml:1:17: store.shared: only ");
    assert_told(t, "config.yaml:2:1: locked: only ");
    put(t, files[0], "ui: {theme: mono}\n");
    put(t, files[3], "store: {shared: true}\n");
    assert_null(load(t));
    assert_told(t, "a shared store needs its folder");
    put(t, files[3], "store: {shared: true, dir: /var/lib/opsdeck}\n");
    assert_non_null(load(t));
    assert_true(t->s->store.is_shared);
}

static void the_environment_is_checked_like_a_file(void **state)
{
    struct site *t = *state;

    setenv("OPSDECK_NETWORK_TIMEOUT", "soon", 1);
    setenv("OPSDECK_UI_THEM", "mono", 1);
    assert_null(load(t));
    assert_told(t, "OPSDECK_NETWORK_TIMEOUT: network.timeout: expected a duration");
    assert_told(t, "did you mean OPSDECK_UI_THEME?");
    setenv("OPSDECK_NETWORK_TIMEOUT", "7s", 1);
    assert_non_null(load(t));
    assert_int_equal(t->s->network.timeout_ms, 7000);
    unsetenv("OPSDECK_NETWORK_TIMEOUT");
    unsetenv("OPSDECK_UI_THEM");
}

static void each_way_to_log_in_is_read(void **state)
{
    struct site *t = *state;

    put(t, files[0],
        "sources:\n"
        "  - {name: a, recipe: r, auth: {header: X-API-KEY, token_file: ~/key}}\n"
        "  - {name: b, recipe: r, auth: {bearer: {token_cmd: [pass, show, it]}}}\n"
        "  - {name: c, recipe: r, url: \"http://[::1]:9/x\", auth: {basic: {user: u, password_env: "
        "PW}}}\n");
    assert_non_null(load(t));
    assert_string_equal(t->s->sources[0].auth.secret.file, at(t, "key"));
    assert_int_equal(t->s->sources[1].auth.kind, AUTH_BEARER);
    assert_string_equal(t->s->sources[1].auth.secret.argv[2], "it");
    assert_null(t->s->sources[1].auth.secret.argv[3]);
    assert_int_equal(t->s->sources[2].auth.kind, AUTH_BASIC);
    assert_string_equal(t->s->sources[2].auth.user, "u");
    assert_string_equal(t->s->sources[2].auth.secret.env, "PW");
}

static void no_secret_is_taken_or_shown(void **state)
{
    static const char *const bad[] = {
        "auth: {header: X-API-KEY, token: s3cr3tvalue}",
        "auth: {bearer: {tokn: s3cr3tvalue}}",
        "auth: {bearer: s3cr3tvalue}",
        "auth: s3cr3tvalue",
        "auth: {header: X-API-KEY, token_cmd: s3cr3tvalue}",
        "auth: {basic: {user: u, password: 's3cr3tvalue'}}",
        "auth: {header: \"X-API-KEY: s3cr3tvalue\", token_env: A}",
        "auth: {header: X-API-KEY, token_env: ghp_s3cr3tvalue00000000000000}",
        "auth: {header: X-API-KEY, token_env: s3cr3tvalue-with-dashes}",
        "params: {a: {b: [ghp_s3cr3tvalue00000000000000]}}",
        "params: {token: s3cr3tvalue}",
        "labels: {k: AKIAs3cr3tvalue000000}",
        "url: \"https://u:s3cr3tvalue@h.example/\"",
        "url: \"https://h.example/x?token=s3cr3tvalue\"",
        "aws: {secret_access_key: s3cr3tvalue}",
        "token: s3cr3tvalue",
        "auth: {bearer: {token: s3cr3tvalue}",
        "auth: {bearer: {token: \"s3cr3tvalue}}",
    };
    struct site *t = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        put(t, files[0], arena_printf(t->mem, "sources:\n  - {name: a, recipe: r, %s}\n", bad[i]));
        if (load(t))
            fail_msg("taken: %s", bad[i]);
        if (strstr(t->told.buf, "s3cr3tvalue"))
            fail_msg("shown: %s", t->told.buf);
        put(t, files[0],
            arena_printf(t->mem, "sources:\n  - name: a\n    recipe: r\n    %s\n", bad[i]));
        if (load(t))
            fail_msg("taken: %s", bad[i]);
        if (strstr(t->told.buf, "s3cr3tvalue"))
            fail_msg("shown: %s", t->told.buf);
    }
}

static void a_secret_goes_to_an_encrypted_or_local_host_only(void **state)
{
    static const struct {
        const char *url;
        bool is_good;
    } urls[] = {
        { "https://reports.example", true },
        { "http://reports.example", false },
        { "http://localhost:8080", true },
        { "http://127.0.0.1:1", true },
        { "http://127.9.9.9/x", true },
        { "http://127.0.0.1.example/", false },
        { "HTTP://reports.example", false },
        { "http://localhost.example", false },
        { "http://[::1]", true },
        { "http://[::2]", false },
        { "http://0.0.0.0", false },
        { "http://reports.example\\\\@localhost", false },
        { "http://localhost@evil.example", false },
        { "https://:443/", false },
        { "https://h.example:99999", false },
        { "file:///etc/passwd", false },
    };
    struct site *t = *state;

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        put(t, files[0],
            arena_printf(
                t->mem,
                "sources: [{name: a, recipe: r, url: \"%s\", auth: {bearer: {token_env: T}}}]\n",
                urls[i].url));
        if ((load(t) != NULL) != urls[i].is_good)
            fail_msg("%s: %s", urls[i].url, t->told.buf);
    }
}

/* The example with every # removed must be good too, or people uncomment mistakes. */
static void the_example_holds_when_uncommented(void **state)
{
    struct site *t = *state;
    struct sbuf sb;

    sbuf_init(&sb, 1 << 20);
    for (const char *line = settings_example(t->mem); *line;) {
        size_t n = strcspn(line, "\n"), lead = strspn(line, " ");
        bool is_key = line[lead] == '#' && line[lead + 1] &&
                      !(line[lead + 1] == ' ' && line[lead + 2] != ' ');
        bool is_site_only =
            !strncmp(line + lead, "#locked", 7) || !strncmp(line + lead, "#shared: false\n", 15);

        if (!is_site_only) {
            sbuf_add(&sb, line, lead);
            sbuf_add(&sb, line + lead + is_key, n - lead - is_key);
            sbuf_addc(&sb, '\n');
        }
        line += n + (line[n] == '\n');
    }
    put(t, files[0], sb.buf);
    sbuf_release(&sb);
    if (!load(t) || t->ps.n)
        fail_msg("%s", t->told.buf);
    assert_int_equal(t->s->nsources, 1);
    assert_string_equal(t->s->sources[0].recipe, "moj-reports");
    assert_int_equal(t->s->nenvironments, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_file_at_all_gives_the_defaults),
        TEST(includes_are_read_after_their_file_in_sorted_order),
        TEST(the_users_source_stands_in_place_of_the_sites),
        TEST(what_the_site_locked_wins_and_is_told),
        TEST(a_named_file_is_the_only_one_but_for_locks),
        TEST(only_the_site_shares_a_store_or_locks),
        TEST(the_environment_is_checked_like_a_file),
        TEST(each_way_to_log_in_is_read),
        TEST(no_secret_is_taken_or_shown),
        TEST(a_secret_goes_to_an_encrypted_or_local_host_only),
        TEST(the_example_holds_when_uncommented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
