/* Secrets from environment, file and command: what is accepted, what is refused, what leaks. */
#include "net_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/net/redact.h"
#include "opsdeck/net/token.h"

/* The seam of src/net/net_priv.h, repeated here since tests see public headers only. */
void tokens_use_clock(struct tokens *t, const struct clock *c, double run_limit_s);

static struct ev_loop *loop;
static struct tokens *tokens;
static char dir[] = "/tmp/opsdeck-token-XXXXXX", path[64];
static int64_t now_ms = 1000;

static int64_t fake_ms(void *ctx)
{
    (void)ctx;
    return now_ms;
}

static const struct clock CLOCK = { fake_ms, fake_ms, NULL };

static int start_all(void **state)
{
    (void)state;
    loop = ev_default_loop(0); /* the loop that reaps children */
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/token", dir);
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    unlink(path);
    ev_loop_destroy(loop);
    return rmdir(dir);
}

static int set_up(void **state)
{
    (void)state;
    tokens = tokens_new(loop);
    tokens_use_clock(tokens, &CLOCK, 0.3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tokens_free(tokens);
    unlink(path);
    return 0;
}

struct got {
    int calls;
    char secret[128];
    struct err e;
};

static void on_token(void *ctx, const struct secret *s, const struct err *e)
{
    struct got *g = ctx;

    g->calls++;
    g->e = *e;
    snprintf(g->secret, sizeof g->secret, "%s", s ? s->bytes : "");
    ev_break(loop, EVBREAK_ALL);
}

static struct got get_token(const struct token_ref *ref)
{
    struct got g = { 0 };

    tokens_get(tokens, ref, on_token, &g);
    if (g.calls == 0)
        assert_true(run_loop(loop, 10.0));
    assert_int_equal(g.calls, 1);
    return g;
}

static struct got run_sh(const char *script)
{
    const char *argv[] = { "sh", "-c", script, NULL };

    return get_token(&(struct token_ref){ .argv = argv });
}

static void write_file(const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    assert_int_equal(chmod(path, mode), 0);
}

static void hidden(const char *secret, bool is_hidden)
{
    struct sbuf sb;

    sbuf_init(&sb, 256);
    sbuf_adds(&sb, secret);
    redact_text(&sb);
    assert_string_equal(sb.buf, is_hidden ? "***" : secret);
    sbuf_release(&sb);
}

static void a_variable_is_read_once_and_wiped(void **state)
{
    (void)state;
    struct token_ref ref = { .env = "OPSDECK_TEST_TOKEN" };
    setenv(ref.env, "canary-env-1\n", 1);
    char *place = getenv(ref.env);
    struct got g = get_token(&ref);
    assert_string_equal(g.secret, "canary-env-1");
    assert_null(getenv(ref.env));
    assert_int_equal(place[0], '\0'); /* also in the memory that /proc/PID/environ shows */
    hidden("canary-env-1", true);
    g = get_token(&ref); /* from memory */
    assert_string_equal(g.secret, "canary-env-1");
    tokens_forget(tokens, &ref);
    g = get_token(&ref); /* there is no other value to be had */
    assert_string_equal(g.secret, "canary-env-1");
    tokens_free(tokens);
    hidden("canary-env-1", false);
    tokens = tokens_new(loop);
}

static void a_missing_or_broken_variable_is_named(void **state)
{
    (void)state;
    struct token_ref ref = { .env = "OPSDECK_TEST_TOKEN" };
    struct got g = get_token(&ref);
    assert_int_equal(g.e.code, ERR_AUTH);
    assert_non_null(strstr(g.e.text, "OPSDECK_TEST_TOKEN is not set"));
    setenv(ref.env, " \n", 1);
    g = get_token(&ref);
    assert_non_null(strstr(g.e.text, "is empty"));
    setenv(ref.env, "line-one\nline-two", 1);
    g = get_token(&ref);
    assert_non_null(strstr(g.e.text, "more than one line"));
    assert_null(strstr(g.e.text, "line-one"));
    unsetenv(ref.env);
}

static void a_private_file_is_read_anew_each_time(void **state)
{
    (void)state;
    struct token_ref ref = { .file = path };
    write_file("canary-file-1\r\n", 0600);
    struct got g = get_token(&ref);
    assert_string_equal(g.secret, "canary-file-1");
    write_file("canary-file-2", 0400);
    g = get_token(&ref);
    assert_string_equal(g.secret, "canary-file-2");
    hidden("canary-file-1", true); /* also the one that was replaced */
    hidden("canary-file-2", true);
}

static void a_file_that_others_can_read_is_refused_with_the_remedy(void **state)
{
    (void)state;
    static const mode_t modes[] = { 0644, 0640, 0604, 0620, 0602, 0601 };
    struct token_ref ref = { .file = path };
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        write_file("canary-file-3", modes[i]);
        struct got g = get_token(&ref);
        assert_int_equal(g.e.code, ERR_PERM);
        assert_string_equal(g.secret, "");
        assert_non_null(strstr(g.e.text, "chmod 600"));
        assert_non_null(strstr(g.e.text, path));
        assert_null(strstr(g.e.text, "canary"));
    }
}

static void other_things_in_place_of_a_file_are_refused(void **state)
{
    (void)state;
    struct token_ref ref = { .file = path };
    struct got g = get_token(&ref);
    assert_int_equal(g.e.code, ERR_IO);
    assert_int_equal(g.e.detail, ENOENT);
    assert_int_equal(mkfifo(path, 0600), 0);
    g = get_token(&ref); /* and does not wait for a writer */
    assert_non_null(strstr(g.e.text, "not a regular file"));
    ref.file = dir;
    g = get_token(&ref);
    assert_int_not_equal(g.e.code, ERR_NONE);
    ref.file = "/dev/zero";
    g = get_token(&ref);
    assert_int_equal(g.e.code, ERR_PERM);
    unlink(path);
    write_file("", 0600);
    ref.file = path;
    g = get_token(&ref);
    assert_non_null(strstr(g.e.text, "is empty"));
    char *big = xmalloc(70000);
    memset(big, 'x', 69999);
    big[69999] = '\0';
    write_file(big, 0600);
    free(big);
    g = get_token(&ref);
    assert_int_equal(g.e.code, ERR_LIMIT);
}

static void a_commands_output_is_the_secret_and_kept_for_five_minutes(void **state)
{
    (void)state;
    char script[256];
    snprintf(script, sizeof script, "echo x >> %s; echo canary-cmd-$(wc -l < %s)", path, path);
    struct got g = run_sh(script);
    assert_string_equal(g.secret, "canary-cmd-1");
    hidden("canary-cmd-1", true);
    now_ms += 299 * 1000;
    g = run_sh(script);
    assert_string_equal(g.secret, "canary-cmd-1");
    now_ms += 2 * 1000;
    g = run_sh(script);
    assert_string_equal(g.secret, "canary-cmd-2");
    const char *argv[] = { "sh", "-c", script, NULL };
    tokens_forget(tokens, &(struct token_ref){ .argv = argv });
    g = run_sh(script);
    assert_string_equal(g.secret, "canary-cmd-3");
}

static void who_asks_at_the_same_time_shares_one_run(void **state)
{
    (void)state;
    char script[256];
    snprintf(script, sizeof script, "echo x >> %s; echo canary-cmd-$(wc -l < %s)", path, path);
    const char *argv[] = { "sh", "-c", script, NULL };
    struct token_ref ref = { .argv = argv };
    struct got a = { 0 }, b = { 0 }, c = { 0 };
    tokens_get(tokens, &ref, on_token, &a);
    tokens_get(tokens, &ref, on_token, &b);
    tokens_get(tokens, &ref, on_token, &c);
    tokens_cancel(tokens, &b);
    assert_true(run_loop(loop, 10.0));
    assert_int_equal(a.calls, 1);
    assert_int_equal(b.calls, 0);
    assert_int_equal(c.calls, 1);
    assert_string_equal(a.secret, "canary-cmd-1");
    assert_string_equal(c.secret, "canary-cmd-1");
}

static void a_command_gets_a_clean_environment_and_three_descriptors(void **state)
{
    (void)state;
    setenv("OPSDECK_TEST_OTHER", "canary-env-9", 1);
    int extra = fcntl(STDOUT_FILENO, F_DUPFD, 77); /* without O_CLOEXEC */
    assert_int_equal(extra, 77);
    struct got g = run_sh("env | grep -c canary");
    assert_non_null(strstr(g.e.text, "exit status 1")); /* grep found none */
    g = run_sh("test -e /proc/$$/fd/77 && echo leaked; test -e /proc/$$/fd/2 && echo closed");
    assert_string_equal(g.secret, "closed");
    g = run_sh("test \"$(cut -d' ' -f6 /proc/$$/stat)\" = $$ && echo own-session");
    assert_string_equal(g.secret, "own-session");
    g = run_sh("echo \"path:$PATH\" | cut -c1-5");
    assert_string_equal(g.secret, "path:");
    g = run_sh("cat; echo read-nothing");
    assert_string_equal(g.secret, "read-nothing");
    close(extra);
    unsetenv("OPSDECK_TEST_OTHER");
}

static void a_failing_command_says_how_without_its_secret(void **state)
{
    (void)state;
    struct got g =
        run_sh("echo canary-cmd-8; echo first >&2; echo 'denied for canary-cmd-8' >&2; exit 3");
    assert_int_equal(g.e.code, ERR_AUTH);
    assert_non_null(strstr(g.e.text, "token command sh failed with exit status 3: denied for ***"));
    assert_null(strstr(g.e.text, "canary"));
    g = run_sh("kill -9 $$");
    assert_non_null(strstr(g.e.text, "signal 9"));
    g = run_sh("exit 0");
    assert_non_null(strstr(g.e.text, "is empty"));
    const char *none[] = { "/nonexistent/tool", NULL };
    g = get_token(&(struct token_ref){ .argv = none });
    assert_int_equal(g.e.code, ERR_IO);
    assert_non_null(strstr(g.e.text, "/nonexistent/tool"));
    g = get_token(&(struct token_ref){ 0 });
    assert_int_equal(g.e.code, ERR_CONFIG);
}

static bool is_gone(pid_t pid)
{
    const struct timespec pause = { .tv_nsec = 10000000 };

    for (int i = 0; i < 300; i++) {
        char stat[64], line[256] = "";
        snprintf(stat, sizeof stat, "/proc/%d/stat", (int)pid);
        FILE *f = fopen(stat, "r");
        if (!f)
            return true;
        bool is_zombie = fgets(line, sizeof line, f) && strstr(line, ") Z ");
        fclose(f);
        if (is_zombie)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

static void a_command_that_hangs_is_killed_with_its_children(void **state)
{
    (void)state;
    char script[256];
    int pid = 0;
    snprintf(script, sizeof script, "sleep 100 & echo $! > %s; wait", path);
    struct got g = run_sh(script);
    assert_int_equal(g.e.code, ERR_TIMEOUT);
    assert_non_null(strstr(g.e.text, "was killed"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    fclose(f);
    assert_true(pid > 1 && is_gone(pid));
}

static void a_command_that_floods_is_killed(void **state)
{
    (void)state;
    struct got g = run_sh("yes");
    assert_int_equal(g.e.code, ERR_LIMIT);
    assert_non_null(strstr(g.e.text, "64 KiB"));
    g = run_sh(
        "head -c 1000000 /dev/zero | tr '\\0' x >&2; echo quiet-enough"); /* stderr is only cut */
    assert_string_equal(g.secret, "quiet-enough");
}

static void a_grandchild_that_keeps_the_pipe_does_not_hold_us_up(void **state)
{
    (void)state;
    struct got g = run_sh("(sleep 5 >&1 &) ; echo canary-cmd-7");
    assert_string_equal(g.secret, "canary-cmd-7");
}

static void freeing_ends_a_run_without_its_callback(void **state)
{
    (void)state;
    char script[256];
    const char *argv[] = { "sh", "-c", script, NULL };
    struct got g = { 0 };
    snprintf(script, sizeof script, "echo $$ > %s; exec sleep 100", path);
    tokens_get(tokens, &(struct token_ref){ .argv = argv }, on_token, &g);
    assert_false(run_loop(loop, 0.15));
    tokens_free(tokens);
    tokens_free(NULL);
    int pid = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    fclose(f);
    assert_true(pid > 1 && is_gone(pid));
    assert_false(run_loop(loop, 0.05));
    assert_int_equal(g.calls, 0);
    tokens = tokens_new(loop);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_variable_is_read_once_and_wiped),
        TEST(a_missing_or_broken_variable_is_named),
        TEST(a_private_file_is_read_anew_each_time),
        TEST(a_file_that_others_can_read_is_refused_with_the_remedy),
        TEST(other_things_in_place_of_a_file_are_refused),
        TEST(a_commands_output_is_the_secret_and_kept_for_five_minutes),
        TEST(who_asks_at_the_same_time_shares_one_run),
        TEST(a_command_gets_a_clean_environment_and_three_descriptors),
        TEST(a_failing_command_says_how_without_its_secret),
        TEST(a_command_that_hangs_is_killed_with_its_children),
        TEST(a_command_that_floods_is_killed),
        TEST(a_grandchild_that_keeps_the_pipe_does_not_hold_us_up),
        TEST(freeing_ends_a_run_without_its_callback),
    };
    return cmocka_run_group_tests(tests, start_all, end_all);
}
