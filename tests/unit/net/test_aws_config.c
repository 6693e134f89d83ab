/* The environment and the two shared files: where they are, which profile is what, what is said. */
#include "net_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "opsdeck/net/aws_config.h"

struct var {
    const char *name, *value;
};

static char home[] = "/tmp/opsdeck-awsconfig-XXXXXX";
static struct var vars[16];
static size_t nvars;
static struct aws_config *c;
static struct arena *mem;

static const char *fake_env(void *ctx, const char *name)
{
    (void)ctx;
    for (size_t i = 0; i < nvars; i++)
        if (strcmp(vars[i].name, name) == 0)
            return vars[i].value;
    return NULL;
}

static void set(const char *name, const char *value)
{
    assert_true(nvars < ARRAY_LEN(vars));
    vars[nvars++] = (struct var){ name, value };
}

static const char *in_home(const char *name)
{
    return arena_printf(mem, "%s/%s", home, name);
}

static void write_bytes(const char *name, const char *text, size_t len)
{
    int fd = open(in_home(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
}

static void write_file(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static void load(void)
{
    aws_config_free(c);
    c = aws_config_load(fake_env, NULL);
    assert_non_null(c);
}

static void load_config(const char *text)
{
    write_file(".aws/config", text);
    load();
}

static int start_all(void **state)
{
    (void)state;
    return mkdtemp(home) ? 0 : -1;
}

static int end_all(void **state)
{
    (void)state;
    return rmdir(home);
}

static int set_up(void **state)
{
    (void)state;
    mem = arena_new();
    nvars = 0;
    c = NULL;
    vars[nvars++] = (struct var){ "HOME", home };
    return mkdir(in_home(".aws"), 0700);
}

static int tear_down(void **state)
{
    static const char *const names[] = { ".aws/config", ".aws/credentials", "other" };

    (void)state;
    aws_config_free(c);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (unlink(in_home(names[i])) != 0)
            rmdir(in_home(names[i]));
    rmdir(in_home(".aws"));
    arena_free(mem);
    return 0;
}

static void has_profile(const char *profile)
{
    struct err e = { 0 };

    if (!aws_config_has_profile(c, profile, &e))
        fail_msg("%s", e.text);
}

static void lacks_profile(const char *profile, enum err_code code, const char *text)
{
    struct err e = { 0 };

    assert_false(aws_config_has_profile(c, profile, &e));
    assert_int_equal(e.code, code);
    assert_string_equal(e.text, text);
}

static void get_is(const char *profile, const char *key, const char *want)
{
    const char *v = aws_config_get(c, profile, key);

    assert_non_null(v);
    assert_string_equal(v, want);
}

/* ---- where the files are */

static void without_files_nothing_is_set(void **state)
{
    (void)state;
    load();
    assert_null(aws_config_get(c, "default", "region"));
    assert_null(aws_config_region(c, "default"));
    lacks_profile("live", ERR_NOT_FOUND,
                  "no profile \"live\": ~/.aws/config is not there; run: aws configure --profile "
                  "live");
}

static void without_a_home_there_are_no_files(void **state)
{
    (void)state;
    nvars = 0;
    load();
    assert_null(aws_config_home(c));
    assert_null(aws_config_get(c, "default", "region"));
}

static void the_home_comes_from_the_environment_given(void **state)
{
    (void)state;
    load();
    assert_string_equal(aws_config_home(c), home);
}

static void the_path_variables_are_expanded(void **state)
{
    (void)state;
    static const char *const paths[] = { "~/other", "$HOME/other", "${HOME}/$NAME",
                                         "${HOME}/${NAME}" };
    write_file("other", "[default]\nregion = moved\n");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        nvars = 1;
        set("NAME", "other");
        set("AWS_CONFIG_FILE", paths[i]);
        load();
        get_is("default", "region", "moved");
        nvars = 1;
        set("NAME", "other");
        set("AWS_SHARED_CREDENTIALS_FILE", paths[i]);
        load();
        assert_string_equal(aws_config_get_in(c, true, "default", "region"), "moved");
    }
}

static void what_cannot_be_expanded_stays(void **state)
{
    (void)state;
    static const char *const paths[] = { "$UNSET/x", "${UNSET/x", "~someone/x", "a$" };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        nvars = 1;
        set("AWS_CONFIG_FILE", paths[i]);
        load();
        lacks_profile("p", ERR_NOT_FOUND,
                      arena_printf(mem,
                                   "no profile \"p\": %s is not there; run: aws configure "
                                   "--profile p",
                                   paths[i]));
    }
}

static void dev_null_stands_for_no_file(void **state)
{
    (void)state;
    write_file(".aws/config", "[default]\nregion = x\n");
    set("AWS_CONFIG_FILE", "/dev/null");
    load();
    assert_null(aws_config_get(c, "default", "region"));
    lacks_profile("p", ERR_NOT_FOUND,
                  "no profile \"p\": /dev/null is not there; run: aws configure --profile p");
}

/* ---- faults */

static void a_file_that_does_not_parse_faults_every_profile(void **state)
{
    (void)state;
    load_config("[default]\nregion = a\nregion = b\n");
    for (int i = 0; i < 2; i++)
        lacks_profile(i ? "live" : "default", ERR_PARSE,
                      "~/.aws/config: line 3: region is in [default] already, on line 2: delete "
                      "one of them");
}

static void a_fault_of_the_credentials_file_is_told_too(void **state)
{
    (void)state;
    write_file(".aws/credentials", "nonsense\n");
    load_config("[default]\nregion = a\n");
    lacks_profile("default", ERR_PARSE,
                  "~/.aws/credentials: line 1: a line before the first [section]: put [default] "
                  "above it");
}

static void a_directory_is_a_fault(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_home(".aws/config"), 0700), 0);
    load();
    lacks_profile("default", ERR_IO, "~/.aws/config: is a directory: name a file, or remove it");
}

static void a_named_pipe_is_a_fault_and_does_not_block(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_home(".aws/config"), 0600), 0);
    load();
    lacks_profile("default", ERR_IO,
                  "~/.aws/config: is not a regular file: name one, or remove it");
}

/* A link to itself cannot be opened by root either. */
static void a_file_that_cannot_be_opened_is_a_fault(void **state)
{
    struct err e = { 0 };

    (void)state;
    assert_int_equal(symlink(in_home(".aws/config"), in_home(".aws/config")), 0);
    load();
    assert_false(aws_config_has_profile(c, "default", &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.text, "~/.aws/config: cannot be opened"));
    assert_non_null(strstr(e.text, "chmod 600"));
}

static void a_file_over_one_mebibyte_is_a_fault(void **state)
{
    size_t len = 1024 * 1024;
    char *text = xmalloc(len + 1);

    (void)state;
    memset(text, '\n', len + 1);
    memcpy(text, "[profile a]", 11);
    write_bytes(".aws/config", text, len);
    load();
    has_profile("a");
    write_bytes(".aws/config", text, len + 1);
    load();
    lacks_profile("a", ERR_LIMIT, "~/.aws/config: is larger than 1 MiB: is this the right file?");
    free(text);
}

/* ---- profiles */

static void profiles_are_named_differently_in_the_two_files(void **state)
{
    (void)state;
    write_file(".aws/credentials", "[default]\nk = 1\n[live]\nk = 2\n[profile odd]\nk = 3\n");
    load_config("[default]\nc = 1\n[profile live]\nc = 2\n[profile \"my own\"]\nc = 3\n");
    get_is("default", "k", "1");
    get_is("default", "c", "1");
    get_is("live", "k", "2");
    get_is("live", "c", "2");
    get_is("my own", "c", "3");
    assert_null(aws_config_get(c, "odd", "k"));
}

static void the_credentials_file_wins_key_by_key(void **state)
{
    (void)state;
    write_file(".aws/credentials", "[live]\nregion = one\n");
    load_config("[profile live]\nregion = two\noutput = text\n");
    get_is("live", "region", "one");
    get_is("live", "output", "text");
    assert_string_equal(aws_config_get_in(c, false, "live", "region"), "two");
    assert_null(aws_config_get_in(c, true, "live", "output"));
}

static void profile_default_beats_the_bare_section(void **state)
{
    (void)state;
    load_config("[profile default]\nregion = one\n[default]\nregion = two\n");
    get_is("default", "region", "one");
}

static void the_default_profile_follows_the_environment(void **state)
{
    (void)state;
    load();
    assert_string_equal(aws_config_default_profile(c), "default");
    assert_false(aws_config_is_profile_named(c));
    set("AWS_DEFAULT_PROFILE", "second");
    assert_string_equal(aws_config_default_profile(c), "second");
    assert_true(aws_config_is_profile_named(c));
    set("AWS_PROFILE", "first");
    assert_string_equal(aws_config_default_profile(c), "first");
}

static void an_empty_variable_is_unset(void **state)
{
    (void)state;
    set("AWS_PROFILE", "");
    load();
    assert_null(aws_config_env(c, "AWS_PROFILE"));
    assert_string_equal(aws_config_default_profile(c), "default");
    assert_false(aws_config_is_profile_named(c));
}

static void no_profile_named_means_the_default_one(void **state)
{
    (void)state;
    set("AWS_PROFILE", "live");
    load_config("[default]\nregion = a\n[profile live]\nregion = b\n");
    get_is(NULL, "region", "b");
    has_profile(NULL);
}

static void a_profile_in_either_file_is_there(void **state)
{
    (void)state;
    write_file(".aws/credentials", "[keys]\nk = 1\n");
    load_config("[profile live]\n[sso-session corp]\n[services local]\n");
    has_profile("live");
    has_profile("keys");
    assert_false(aws_config_has_profile(c, "corp", NULL));
    assert_false(aws_config_has_profile(c, "local", NULL));
}

static void a_near_name_is_offered(void **state)
{
    (void)state;
    static const struct {
        const char *asked, *near;
    } cases[] = {
        { "liv", "live" }, { "LIVE", "live" }, { "lvie", "live" }, { "stagin", "staging" }
    };

    load_config("[profile live]\n[profile staging]\n");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        lacks_profile(cases[i].asked, ERR_NOT_FOUND,
                      arena_printf(mem, "no profile \"%s\" in ~/.aws/config; did you mean \"%s\"?",
                                   cases[i].asked, cases[i].near));
}

static void without_a_near_name_all_are_listed(void **state)
{
    (void)state;
    write_file(".aws/credentials", "[alpha]\n");
    load_config("[profile live]\n[profile beta]\n");
    lacks_profile("unheard", ERR_NOT_FOUND,
                  "no profile \"unheard\" in ~/.aws/config; there are: alpha, beta, live");
}

static void many_profiles_are_cut_in_the_message(void **state)
{
    (void)state;
    load_config("[profile p1]\n[profile p2]\n[profile p3]\n[profile p4]\n[profile p5]\n"
                "[profile p6]\n[profile p7]\n[profile p8]\n[profile p9]\n");
    lacks_profile("unheard", ERR_NOT_FOUND,
                  "no profile \"unheard\" in ~/.aws/config; there are: p1, p2, p3, p4, p5, p6, p7, "
                  "p8 ...");
}

static void a_section_without_the_word_profile_is_pointed_at(void **state)
{
    (void)state;
    load_config("[default]\n[live]\nregion = x\n");
    lacks_profile("live", ERR_NOT_FOUND,
                  "no profile \"live\" in ~/.aws/config; line 2 has [live]: write [profile live]");
}

static void a_very_long_name_is_only_refused(void **state)
{
    char name[300];
    struct err e = { 0 };

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    load_config("[profile live]\n");
    assert_false(aws_config_has_profile(c, name, &e));
    assert_null(strstr(e.text, "did you mean"));
}

static void profiles_are_listed_once_and_sorted(void **state)
{
    const char **names;

    (void)state;
    write_file(".aws/credentials", "[live]\n[alpha]\n");
    load_config("[profile live]\n[profile \"b c\"]\n[default]\n[sso-session corp]\n[preview]\n");
    assert_int_equal(aws_config_profiles(c, mem, &names), 4);
    assert_string_equal(names[0], "alpha");
    assert_string_equal(names[1], "b c");
    assert_string_equal(names[2], "default");
    assert_string_equal(names[3], "live");
}

static void sso_sessions_are_found_by_name(void **state)
{
    (void)state;
    load_config("[sso-session corp]\nsso_region = eu-west-2\n[profile corp]\nsso_region = no\n");
    assert_string_equal(aws_config_sso(c, "corp", "sso_region"), "eu-west-2");
    assert_null(aws_config_sso(c, "corp", "sso_start_url"));
    assert_null(aws_config_sso(c, "other", "sso_region"));
    assert_null(aws_config_sso(c, NULL, "sso_region"));
}

static void the_region_comes_from_the_environment_first(void **state)
{
    (void)state;
    load_config("[profile live]\nregion = three\n");
    assert_string_equal(aws_config_region(c, "live"), "three");
    set("AWS_DEFAULT_REGION", "two");
    assert_string_equal(aws_config_region(c, "live"), "two");
    set("AWS_REGION", "one");
    assert_string_equal(aws_config_region(c, "live"), "one");
}

static void no_config_is_freed_quietly(void **state)
{
    (void)state;
    aws_config_free(NULL);
    load();
    assert_null(aws_config_get(c, "x", "y"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_files_nothing_is_set),
        TEST(without_a_home_there_are_no_files),
        TEST(the_home_comes_from_the_environment_given),
        TEST(the_path_variables_are_expanded),
        TEST(what_cannot_be_expanded_stays),
        TEST(dev_null_stands_for_no_file),
        TEST(a_file_that_does_not_parse_faults_every_profile),
        TEST(a_fault_of_the_credentials_file_is_told_too),
        TEST(a_directory_is_a_fault),
        TEST(a_named_pipe_is_a_fault_and_does_not_block),
        TEST(a_file_that_cannot_be_opened_is_a_fault),
        TEST(a_file_over_one_mebibyte_is_a_fault),
        TEST(profiles_are_named_differently_in_the_two_files),
        TEST(the_credentials_file_wins_key_by_key),
        TEST(profile_default_beats_the_bare_section),
        TEST(the_default_profile_follows_the_environment),
        TEST(an_empty_variable_is_unset),
        TEST(no_profile_named_means_the_default_one),
        TEST(a_profile_in_either_file_is_there),
        TEST(a_near_name_is_offered),
        TEST(without_a_near_name_all_are_listed),
        TEST(many_profiles_are_cut_in_the_message),
        TEST(a_section_without_the_word_profile_is_pointed_at),
        TEST(a_very_long_name_is_only_refused),
        TEST(profiles_are_listed_once_and_sorted),
        TEST(sso_sessions_are_found_by_name),
        TEST(the_region_comes_from_the_environment_first),
        TEST(no_config_is_freed_quietly),
    };

    return cmocka_run_group_tests(tests, start_all, end_all);
}
