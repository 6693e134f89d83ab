/* Files off the loop: bodies come whole and in order, faults are named, a cancelled read is silent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "opsdeck/base/mem.h"

#include "../../../src/poll/file_read.h"

struct seen {
    size_t n, len[4];
    char first[16];
    struct err err;
    bool is_done;
    struct ev_loop *loop;
    struct file_reader *reader;
};

static void on_done(void *ctx, struct file_bodies *b)
{
    struct seen *s = ctx;

    s->is_done = true;
    s->err = b->err;
    s->n = b->n;
    for (size_t i = 0; i < b->n && i < ARRAY_LEN(s->len); i++)
        s->len[i] = b->v[i].len;
    if (b->n && b->v[0].len)
        snprintf(s->first, sizeof s->first, "%.*s", (int)b->v[0].len, b->v[0].bytes);
    ev_break(s->loop, EVBREAK_ALL);
}

static void open_reader(struct seen *s)
{
    *s = (struct seen){ .loop = ev_loop_new(EVFLAG_AUTO) };
    s->reader = file_reader_new(s->loop);
}

static void close_reader(struct seen *s)
{
    file_reader_free(s->reader);
    ev_loop_destroy(s->loop);
}

static void read_pattern(const char *pattern, size_t max, struct seen *s)
{
    open_reader(s);
    file_read_start(s->reader, pattern, max, 60000, on_done, s);
    ev_run(s->loop, 0);
    close_reader(s);
}

static char dir[] = "/tmp/opsdeck-unit-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static const char *in_dir(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static int make_files(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    write_file("a.json", "[1]");
    write_file("b.json", "[1,2]");
    return mkfifo(in_dir("fifo"), 0600);
}

static int remove_files(void **state)
{
    static const char *const names[] = { "a.json", "b.json", "fifo" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(in_dir(names[i]));
    return rmdir(dir);
}

static void a_glob_gives_every_file_in_order(void **state)
{
    (void)state;
    struct seen s;

    read_pattern(in_dir("*.json"), 1000, &s);
    assert_int_equal(s.err.code, ERR_NONE);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.len[0], 3);
    assert_int_equal(s.len[1], 5);
    assert_string_equal(s.first, "[1]");
}

static void faults_are_named(void **state)
{
    (void)state;
    struct seen s;

    read_pattern(in_dir("none*"), 1000, &s);
    assert_int_equal(s.err.code, ERR_NOT_FOUND);
    read_pattern(in_dir("b.json"), 4, &s);
    assert_int_equal(s.err.code, ERR_LIMIT);
    assert_non_null(strstr(s.err.text, "b.json"));
    read_pattern(in_dir("fifo"), 1000, &s); /* must not hang */
    assert_int_equal(s.err.code, ERR_IO);
    assert_non_null(strstr(s.err.text, "not a regular file"));
}

static void a_cancelled_read_is_silent(void **state)
{
    (void)state;
    struct seen s, other = { 0 };

    open_reader(&s);
    other.loop = s.loop;
    struct file_read *fr = file_read_start(s.reader, in_dir("a.json"), 1000, 60000, on_done, &s);
    file_read_start(s.reader, in_dir("b.json"), 1000, 60000, on_done, &other);
    file_read_cancel(fr);
    ev_run(s.loop, 0);
    assert_true(other.is_done);
    assert_false(s.is_done);
    file_read_cancel(NULL);
    close_reader(&s);
}

static int count_threads(void)
{
    char line[128];
    int n = -1;
    FILE *f = fopen("/proc/self/status", "r");

    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "Threads: %d", &n) == 1)
            break;
    fclose(f);
    return n;
}

struct many {
    size_t left;
    int most_threads;
    struct ev_loop *loop;
};

static void on_one_of_many(void *ctx, struct file_bodies *b)
{
    struct many *m = ctx;
    int threads = count_threads();

    assert_int_equal(b->err.code, ERR_NONE);
    if (threads > m->most_threads)
        m->most_threads = threads;
    if (--m->left == 0)
        ev_break(m->loop, EVBREAK_ALL);
}

static void two_thousand_reads_share_four_threads(void **state)
{
    (void)state;
    struct seen s;
    int before = count_threads();

    open_reader(&s);
    struct many m = { .left = 2000, .loop = s.loop };
    for (int i = 0; i < 2000; i++)
        file_read_start(s.reader, in_dir("a.json"), 1000, 60000, on_one_of_many, &m);
    ev_run(s.loop, 0);
    assert_int_equal(m.left, 0);
    assert_in_range(m.most_threads - before, 1, FILE_READ_THREADS);
    close_reader(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_glob_gives_every_file_in_order),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(a_cancelled_read_is_silent),
        cmocka_unit_test(two_thousand_reads_share_four_threads),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
