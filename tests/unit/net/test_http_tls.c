/* TLS with certificates made by openssl(1): one is accepted, four are refused; HTTP/2 by ALPN. */
#include "net_test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>
#include <time.h>

#include "opsdeck/net/retry.h"

static struct ev_loop *loop;
static struct http *client;
static char dir[] = "/tmp/opsdeck-tls-XXXXXX";

static int run(const char *const *argv)
{
    pid_t pid;
    int status = -1;

    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        return -1;
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static int start_all(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    const char *argv[] = { "tests/tools/certs.sh", dir, NULL };
    if (run(argv) != 0)
        return -1;
    loop = ev_loop_new(EVFLAG_AUTO);
    struct http_opts o = { .loop = loop };
    client = http_new(&o, NULL);
    return client ? 0 : -1;
}

static int end_all(void **state)
{
    (void)state;
    const char *argv[] = { "rm", "-rf", dir, NULL };
    http_free(client);
    ev_loop_destroy(loop);
    return run(argv);
}

static const char *in_dir(const char *name, const char *ext, char out[128])
{
    snprintf(out, 128, "%s/%s.%s", dir, name, ext);
    return out;
}

static void tls_start(struct server *s, const char *name)
{
    char cert[128], key[128];
    const char *argv[] = { "python3", "tests/tools/faultd.py",   "--parent-dies",
                           "--tls",   in_dir(name, "pem", cert), in_dir(name, "key", key),
                           NULL };

    server_start(s, argv);
}

static struct http_response *ask_tls(const char *name, const char *host, bool has_ca)
{
    struct server s = { 0 };
    char url[128], ca[128];

    tls_start(&s, name);
    snprintf(url, sizeof url, "https://%s:%d/echo", host, s.port);
    struct http_request req = { .url = url,
                                .timeout_ms = 5000,
                                .ca_file = has_ca ? in_dir("ca", "pem", ca) : NULL };
    struct http_response *r = ask(client, loop, &req);
    server_end(&s);
    return r;
}

static void a_good_certificate_is_accepted(void **state)
{
    (void)state;
    struct http_response *r = ask_tls("good", "127.0.0.1", true);
    assert_string_equal(r->err.text, "");
    assert_int_equal(r->status, 200);
    http_response_free(r);
    r = ask_tls("good", "localhost", true);
    assert_int_equal(r->status, 200);
    http_response_free(r);
}

static void a_bad_certificate_is_refused_in_words_and_not_tried_again(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
        bool has_ca;
    } cases[] = {
        { "expired", "certificate expired", true },
        { "othername", "for another name", true },
        { "self", "self-signed", true },
        { "stranger", "unknown CA", true },
        { "good", "unknown CA", false }, /* the system's authorities do not know it */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_response *r = ask_tls(cases[i].name, "127.0.0.1", cases[i].has_ca);
        assert_int_equal(r->err.code, ERR_NET);
        if (!strstr(r->err.text, "TLS: certificate") || !strstr(r->err.text, cases[i].says))
            fail_msg("%s: \"%s\"", cases[i].name, r->err.text);
        assert_int_equal(r->status, 0);
        assert_int_equal(r->body_len, 0);
        assert_int_equal(retry_class_of(r), RETRY_NO);
        http_response_free(r);
    }
}

static void an_unreadable_ca_file_is_named_as_the_cause(void **state)
{
    (void)state;
    struct server s = { 0 };
    char url[128];
    tls_start(&s, "good");
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", s.port);
    struct http_request req = { .url = url, .timeout_ms = 5000, .ca_file = "/nonexistent/ca.pem" };
    struct http_response *r = ask(client, loop, &req);
    assert_non_null(strstr(r->err.text, "ca_file"));
    assert_int_equal(retry_class_of(r), RETRY_NO);
    http_response_free(r);
    server_end(&s);
}

static void session_keys_are_never_written(void **state)
{
    (void)state;
    char path[128];
    setenv("SSLKEYLOGFILE", in_dir("keys", "log", path),
           1); /* after the start: too late to count */
    struct http_response *r = ask_tls("good", "127.0.0.1", true);
    assert_int_equal(r->status, 200);
    http_response_free(r);
    unsetenv("SSLKEYLOGFILE");
    assert_int_not_equal(access(path, F_OK), 0);
}

static int free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static pid_t start_nghttpx(int front, int back)
{
    char f[64], b[64], cert[128], key[128];
    pid_t pid;

    snprintf(f, sizeof f, "--frontend=127.0.0.1,%d", front);
    snprintf(b, sizeof b, "--backend=127.0.0.1,%d", back);
    const char *argv[] = { "nghttpx",
                           "--conf=/dev/null",
                           "--single-process",
                           "--workers=1",
                           "--no-ocsp",
                           "--errorlog-file=/dev/null",
                           f,
                           b,
                           in_dir("good", "key", key),
                           in_dir("good", "pem", cert),
                           NULL };
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        return -1;
    return pid;
}

static void http2_is_spoken_where_it_is_offered(void **state)
{
    (void)state;
    struct server back = { 0 };
    char url[128], ca[128];
    faultd_start(&back);
    int port = free_port();
    struct server front = { .pid = start_nghttpx(port, back.port) };
    if (front.pid < 0) {
        server_end(&back);
        skip(); /* nghttpx is not installed */
    }
    snprintf(url, sizeof url, "https://127.0.0.1:%d/fault?fault=gzip", port);
    struct http_request req = { .url = url,
                                .timeout_ms = 5000,
                                .ca_file = in_dir("ca", "pem", ca) };
    struct http_response *r = NULL;
    for (int i = 0; i < 100; i++) { /* until it listens */
        const struct timespec pause = { .tv_nsec = 50000000 };
        http_response_free(r);
        r = ask(client, loop, &req);
        if (r->err.code == ERR_NONE)
            break;
        nanosleep(&pause, NULL);
    }
    assert_string_equal(r->err.text, "");
    assert_int_equal(r->status, 200);
    assert_string_equal(r->version, "2");
    assert_true(r->body_len > 1000);
    assert_string_equal(http_response_header(r, "content-type"), "application/json");
    http_response_free(r);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/fault?fault=cut", port);
    r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_NET);
    http_response_free(r);
    server_end(&front);
    server_end(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_certificate_is_accepted),
        cmocka_unit_test(a_bad_certificate_is_refused_in_words_and_not_tried_again),
        cmocka_unit_test(an_unreadable_ca_file_is_named_as_the_cause),
        cmocka_unit_test(session_keys_are_never_written),
        cmocka_unit_test(http2_is_spoken_where_it_is_offered),
    };
    return cmocka_run_group_tests(tests, start_all, end_all);
}
