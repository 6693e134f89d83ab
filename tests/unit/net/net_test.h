/*
 * For the tests of src/net: start and end a fault server (tests/tools/faultd.py) or another
 * program, ask one request and wait for its answer on a loop, read the server's request log.
 */
#ifndef OPSDECK_TESTS_NET_TEST_H
#define OPSDECK_TESTS_NET_TEST_H

#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "opsdeck/base/err.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/net/http.h"

extern char **environ;

struct server {
    pid_t pid;
    int port;
};

/* Start argv, which prints "PORT n" on its first line of output. */
static inline void server_start(struct server *s, const char *const *argv)
{
    int out[2];
    posix_spawn_file_actions_t fa;
    char line[128] = "";

    assert_int_equal(pipe(out), 0);
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_adddup2(&fa, out[1], 1);
    posix_spawn_file_actions_addclose(&fa, out[0]);
    posix_spawn_file_actions_addclose(&fa, out[1]);
    assert_int_equal(
        posix_spawnp(&s->pid, argv[0], &fa, NULL, (char *const *)(uintptr_t)argv, environ), 0);
    posix_spawn_file_actions_destroy(&fa);
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_int_equal(sscanf(line, "PORT %d", &s->port), 1);
    fclose(f);
}

static inline void server_end(struct server *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    s->pid = 0;
}

static inline void faultd_start(struct server *s)
{
    const char *argv[] = { "python3", "tests/tools/faultd.py", "--parent-dies", NULL };

    server_start(s, argv);
}

struct answer {
    struct ev_loop *loop;
    struct http_response *resp;
    int calls;
};

static inline void on_answer(void *ctx, struct http_response *resp)
{
    struct answer *a = ctx;

    a->calls++;
    http_response_free(a->resp);
    a->resp = resp;
    ev_break(a->loop, EVBREAK_ALL);
}

static inline void on_watchdog(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)w;
    (void)revents;
    ev_break(loop, EVBREAK_ALL);
}

/* Run the loop until something breaks it, or for `seconds`; false when the time ran out. */
static inline bool run_loop(struct ev_loop *loop, double seconds)
{
    ev_timer dog;

    ev_now_update(loop);
    ev_timer_init(&dog, on_watchdog, seconds, 0.0);
    ev_timer_start(loop, &dog);
    ev_run(loop, 0);
    bool was_active = ev_is_active(&dog);
    ev_timer_stop(loop, &dog);
    return was_active;
}

/* The answer to `req`; the caller frees it. Fails the test when none comes in 20 s. */
static inline struct http_response *ask(struct http *h, struct ev_loop *loop,
                                        const struct http_request *req)
{
    struct answer a = { .loop = loop };
    struct err e = { 0 };
    uint64_t id = http_send(h, req, on_answer, &a, &e);

    if (!id)
        fail_msg("http_send: %s", e.text);
    assert_int_equal(a.calls, 0); /* never from inside http_send() */
    assert_true(run_loop(loop, 20.0));
    assert_int_equal(a.calls, 1);
    assert_non_null(a.resp);
    return a.resp;
}

static inline const char *local_url(const struct server *s, const char *path, char out[512])
{
    snprintf(out, 512, "http://127.0.0.1:%d%s", s->port, path);
    return out;
}

/* GET a path of the server with the defaults of these tests. */
static inline struct http_response *get(struct http *h, struct ev_loop *loop,
                                        const struct server *s, const char *path)
{
    char url[512];
    struct http_request req = { .url = local_url(s, path, url),
                                .timeout_ms = 5000,
                                .body_max = 1 << 20 };

    return ask(h, loop, &req);
}

static inline void post(struct http *h, struct ev_loop *loop, const struct server *s,
                        const char *path, const char *body)
{
    char url[512];
    struct http_request req = {
        .method = "POST", .url = local_url(s, path, url), .body = body, .body_len = strlen(body)
    };
    struct http_response *r = ask(h, loop, &req);

    assert_int_equal(r->status, 200);
    http_response_free(r);
}

/* How often `text` stands in the server's log of requests. */
static inline size_t log_count(struct http *h, struct ev_loop *loop, const struct server *s,
                               const char *text)
{
    struct http_response *r = get(h, loop, s, "/_log");
    size_t n = 0;

    assert_int_equal(r->status, 200);
    for (const char *at = r->body; (at = strstr(at, text)); at += strlen(text))
        n++;
    http_response_free(r);
    return n;
}

static inline void log_clear(struct http *h, struct ev_loop *loop, const struct server *s)
{
    post(h, loop, s, "/_log/clear", "");
}

#endif
