/*
 * Any value of a file may be missing or of another kind: the loaders answer with problems, never
 * with a crash. Each shipped file is loaded with each of its values replaced, one at a time.
 */
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
#include "opsdeck/config/recipe.h"
#include "opsdeck/config/ui_files.h"

enum {
    FILE_MAX_BYTES = 64 * 1024
};

static const char *const roles[] = { "ok", "crit", "text", "dim" };
static const char *const actions[] = { "copy", "wide", "raw" };

static void write_whole(const char *path, const struct sbuf *sb)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fwrite(sb->buf, 1, sb->len, f);
    fclose(f);
    chmod(path, 0600);
}

/* Loads the text as the file `path`; true when the loader was content. */
typedef bool load_fn(struct arena *mem, const char *path, const struct sbuf *text,
                     struct cfg_problems *ps);

static bool load_recipe(struct arena *mem, const char *path, const struct sbuf *text,
                        struct cfg_problems *ps)
{
    return recipe_parse(mem, path, text->buf, text->len, ps) != NULL;
}

static bool load_pane(struct arena *mem, const char *path, const struct sbuf *text,
                      struct cfg_problems *ps)
{
    return pane_parse(mem, path, text->buf, text->len, ps) != NULL;
}

static bool load_theme(struct arena *mem, const char *path, const struct sbuf *text,
                       struct cfg_problems *ps)
{
    write_whole(path, text);
    return theme_load(mem, path, roles, ARRAY_LEN(roles), ps) != NULL;
}

static bool load_keymap(struct arena *mem, const char *path, const struct sbuf *text,
                        struct cfg_problems *ps)
{
    write_whole(path, text);
    return keymap_load(mem, path, actions, ARRAY_LEN(actions), ps) != NULL;
}

static bool load_config(struct arena *mem, const char *path, const struct sbuf *text,
                        struct cfg_problems *ps)
{
    (void)mem;
    write_whole(path, text);
    struct settings_flags flags = { .config = path };
    struct settings *s = settings_load(&flags, ps);

    if (s)
        row_set_free(settings_dump(s));
    settings_free(s);
    return s != NULL;
}

static char *read_whole(struct arena *mem, const char *path, size_t *len)
{
    char *buf = arena_alloc(mem, FILE_MAX_BYTES);
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    *len = fread(buf, 1, FILE_MAX_BYTES - 1, f);
    fclose(f);
    return buf;
}

/* Where the value that begins at `from` ends: before the next separator, or with its line. */
static size_t value_end(const char *text, size_t len, size_t from, bool whole_line)
{
    while (from < len && text[from] != '\n' && (whole_line || !strchr(",}]", text[from])))
        from++;
    return from;
}

/* A refusal says why; a success tells no error. */
static void load_one(load_fn *load, const char *path, const struct sbuf *sb)
{
    struct arena *mem = arena_new();
    struct cfg_problems ps = { .mem = mem };

    bool ok = load(mem, path, sb, &ps);
    if (ok != (cfg_problems_errors(&ps) == 0)) {
        print_message("%s\n", sb->buf);
        fail_msg("loaded: %d, problems: %zu", ok, ps.n);
    }
    cfg_problems_release(&ps);
    arena_free(mem);
}

static void mutate(load_fn *load, const char *text, size_t len, const char *path)
{
    static const char *const values[] = {
        "", " []", " {}", " x", " -1", " [x]", " {x: y}", " [[x]]"
    };
    size_t n = 0;
    struct sbuf sb;

    sbuf_init(&sb, FILE_MAX_BYTES * 2);
    for (size_t at = 0; at + 1 < len; at++) {
        if (text[at] != ':' || !strchr(" \n", text[at + 1]))
            continue;
        size_t ends[] = { value_end(text, len, at + 1, false), value_end(text, len, at + 1, true) };
        for (size_t i = 0; i < 2 * ARRAY_LEN(values); i++) {
            size_t end = ends[i % 2];

            if (i % 2 && end == ends[0])
                continue; /* the same text once more */
            sbuf_reset(&sb);
            sbuf_add(&sb, text, at + 1);
            sbuf_adds(&sb, values[i / 2]);
            sbuf_add(&sb, text + end, len - end);
            load_one(load, path, &sb);
            n++;
        }
    }
    assert_true(n > 0);
    sbuf_release(&sb);
}

static void mutate_all(load_fn *load, size_t (*list)(struct arena *, char ***))
{
    struct arena *mem = arena_new();
    char dir[] = "/tmp/opsdeck-unit-XXXXXX", **paths;
    size_t n = list(mem, &paths);

    assert_true(n > 0);
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < n; i++) {
        const char *copy = arena_printf(mem, "%s%s", dir, strrchr(paths[i], '/'));
        size_t len;
        const char *text = read_whole(mem, paths[i], &len);
        mutate(load, text, len, copy);
        unlink(copy);
    }
    rmdir(dir);
    arena_free(mem);
}

static size_t recipes(struct arena *mem, char ***paths)
{
    return recipe_list(mem, &(struct data_dirs){ .v = { "config" }, .n = 1 }, paths);
}

static size_t panes(struct arena *mem, char ***paths)
{
    return pane_list(mem, &(struct data_dirs){ .v = { "config" }, .n = 1 }, paths);
}

static size_t one(struct arena *mem, char ***paths, char *path)
{
    *paths = arena_array(mem, 1, sizeof **paths);
    (*paths)[0] = arena_strdup(mem, path);
    return 1;
}

static size_t a_theme(struct arena *mem, char ***paths)
{
    return one(mem, paths, (char[]){ "themes/terminal.yaml" });
}

static size_t a_keymap(struct arena *mem, char ***paths)
{
    return one(mem, paths, (char[]){ "config/keymaps/lazygit.yaml" });
}

static const char config_text[] =
    "include: [conf.d/*.yaml]\nlocked: [ui]\n"
    "store: {dir: /tmp/x, shared: false, keep: 7d, max_size: 1GiB}\n"
    "ui: {theme: mono, keymap: k9s, start: x, ascii: auto, mouse: true, clipboard: off}\n"
    "network: {timeout: 9s, ca_file: /tmp/ca.pem, proxy: \"http://p.example:1\", concurrency: 2}\n"
    "environments:\n  - {name: live, mark: danger}\n  - name: dev\n"
    "sources:\n  - name: a\n    recipe: r\n    url: \"https://h.example\"\n    every: 5m\n"
    "    params: {list: [a, b], map: {k: v}}\n    labels: {env: live}\n    disabled: true\n"
    "    auth: {header: X-API-KEY, token_cmd: [pass, show, it]}\n"
    "  - name: b\n    recipe: r\n    path: ./data/*.json\n    aws: {profile: p, region: "
    "eu-west-2}\n"
    "    auth:\n      basic: {user: u, password_file: ~/pw}\n"
    "  - {name: c, recipe: r, auth: {bearer: {token_env: T}}}\n";

static void recipes_survive(void **state)
{
    (void)state;
    mutate_all(load_recipe, recipes);
}

static void panes_survive(void **state)
{
    (void)state;
    mutate_all(load_pane, panes);
}

static void themes_survive(void **state)
{
    (void)state;
    mutate_all(load_theme, a_theme);
}

static void keymaps_survive(void **state)
{
    (void)state;
    mutate_all(load_keymap, a_keymap);
}

static void configs_survive(void **state)
{
    (void)state;
    char dir[] = "/tmp/opsdeck-unit-XXXXXX", path[64];

    assert_non_null(mkdtemp(dir));
    setenv("OPSDECK_ETC", dir, 1); /* so the file is read as the user's and as the site's */
    snprintf(path, sizeof path, "%s/config.yaml", dir);
    mutate(load_config, config_text, sizeof config_text - 1, path);
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_survive), cmocka_unit_test(panes_survive),
        cmocka_unit_test(themes_survive),  cmocka_unit_test(keymaps_survive),
        cmocka_unit_test(configs_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
