/* Every way a server can misbehave: what the answer says, in which words, and how soon. */
#include "net_test.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "opsdeck/net/retry.h"

static struct server srv;
static struct ev_loop *loop;
static struct http *client;

static int start_all(void **state)
{
    (void)state;
    faultd_start(&srv);
    loop = ev_loop_new(EVFLAG_AUTO);
    struct http_opts o = { .loop = loop };
    client = http_new(&o, NULL);
    return client ? 0 : -1;
}

static int end_all(void **state)
{
    (void)state;
    http_free(client);
    ev_loop_destroy(loop);
    server_end(&srv);
    return 0;
}

struct fault {
    const char *query; /* behind /fault?fault= */
    enum err_code code;
    const char *says; /* part of the message */
    enum retry_class retry;
};

static void check_faults(const struct fault *f, size_t n)
{
    char path[256], place[64];

    snprintf(place, sizeof place, "127.0.0.1:%d: ", srv.port);
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "/fault?fault=%s", f[i].query);
        struct http_response *r = get(client, loop, &srv, path);
        if (r->err.code != f[i].code || !strstr(r->err.text, f[i].says))
            fail_msg("%s: %s \"%s\" instead of %s \"%s\"", f[i].query, err_word(r->err.code),
                     r->err.text, err_word(f[i].code), f[i].says);
        if (strncmp(r->err.text, place, strlen(place)) != 0)
            fail_msg("%s: \"%s\" does not name the server", f[i].query, r->err.text);
        assert_int_equal(retry_class_of(r), f[i].retry);
        assert_int_equal(r->body[r->body_len], '\0');
        http_response_free(r);
    }
}

static void broken_framing_is_an_error(void **state)
{
    (void)state;
    static const struct fault cases[] = {
        { "cut", ERR_NET, "cut off", RETRY_BACKOFF },
        { "cuthead", ERR_NET, "cut off inside its headers", RETRY_BACKOFF },
        { "empty", ERR_NET, "closed without an answer", RETRY_BACKOFF },
        { "reset", ERR_NET, "reset", RETRY_BACKOFF },
        { "reset&body=1", ERR_NET, "reset", RETRY_BACKOFF },
        { "longlength", ERR_NET, "cut off", RETRY_BACKOFF },
        { "twolengths", ERR_PARSE, "Content-Length", RETRY_NO },
        { "neglength", ERR_PARSE, "Content-Length", RETRY_NO },
        { "hexlength", ERR_PARSE, "Content-Length", RETRY_NO },
        { "badchunk", ERR_NET, "chunk", RETRY_BACKOFF },
        { "nolastchunk", ERR_NET, "", RETRY_BACKOFF },
        { "http09", ERR_PARSE, "not HTTP", RETRY_NO },
        { "garbage", ERR_PARSE, "not HTTP", RETRY_NO },
    };
    check_faults(cases, ARRAY_LEN(cases));
}

static void broken_gzip_is_an_error(void **state)
{
    (void)state;
    static const struct fault cases[] = {
        { "gzipcut", ERR_NET, "gzip stream has no end", RETRY_BACKOFF },
        { "gzipcrc", ERR_PARSE, "gzip", RETRY_NO },
        { "gziplie", ERR_PARSE, "gzip", RETRY_NO },
        { "gziptail", ERR_PARSE, "gzip", RETRY_NO },
        { "gzipgzip", ERR_PARSE, "content coding", RETRY_NO },
        { "encunknown", ERR_PARSE, "content coding \"br\"", RETRY_NO },
    };
    check_faults(cases, ARRAY_LEN(cases));
}

static void limits_end_what_is_too_much(void **state)
{
    (void)state;
    static const struct fault cases[] = {
        { "big&mb=2", ERR_LIMIT, "larger than 1MiB", RETRY_NO },
        { "endless", ERR_LIMIT, "larger than 1MiB", RETRY_NO },
        { "gzipbomb&mb=64", ERR_LIMIT, "larger than 1MiB", RETRY_NO },
        { "bigheader", ERR_PARSE, "header", RETRY_NO },
        { "manyheaders", ERR_PARSE, "header", RETRY_NO },
        { "informational", ERR_PARSE, "header", RETRY_NO },
    };
    check_faults(cases, ARRAY_LEN(cases));
}

static void a_body_of_exactly_the_cap_is_taken(void **state)
{
    (void)state;
    char url[512];
    struct http_request req = { .url = local_url(&srv, "/fault?fault=slow&ms=0&bytes=1000", url),
                                .body_max = 1000 };
    struct http_response *r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_NONE);
    assert_int_equal(r->body_len, 1000);
    http_response_free(r);
    req.body_max = 999;
    r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_LIMIT);
    assert_true(r->body_len <= 999);
    http_response_free(r);
}

static void whole_answers_in_unusual_frames_are_good(void **state)
{
    (void)state;
    static const char *const good[] = { "chunked",   "gzip",      "gzipmembers",
                                        "closebody", "headeresc", "encunknown&coding=identity",
                                        "html200",   "okerror",   "emptylist",
                                        "utf16",     "badutf8",   "delay&ms=10" };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char path[128];
        snprintf(path, sizeof path, "/fault?fault=%s", good[i]);
        struct http_response *r = get(client, loop, &srv, path);
        if (r->err.code != ERR_NONE)
            fail_msg("%s: %s", good[i], r->err.text);
        assert_int_equal(r->status, 200);
        assert_true(r->body_len > 0);
        http_response_free(r);
    }
}

static void gzip_is_undone(void **state)
{
    (void)state;
    struct http_response *plain = get(client, loop, &srv, "/ok"),
                         *zip = get(client, loop, &srv, "/fault?fault=gzip"),
                         *two = get(client, loop, &srv, "/fault?fault=gzipmembers");
    assert_int_equal(plain->body_len, zip->body_len);
    assert_string_equal(plain->body, zip->body);
    assert_string_equal(plain->body, two->body);
    assert_true(zip->wire_bytes < plain->wire_bytes);
    http_response_free(plain);
    http_response_free(zip);
    http_response_free(two);
}

static void header_values_come_through_the_text_door(void **state)
{
    (void)state;
    struct http_response *r = get(client, loop, &srv, "/fault?fault=headeresc");
    const char *v = http_response_header(r, "x-evil");
    assert_non_null(v);
    for (; *v; v++)
        assert_true((unsigned char)*v >= 0x20 && *v != 0x7f);
    http_response_free(r);
}

static void timeouts_say_what_was_being_waited_for(void **state)
{
    (void)state;
    char url[512];
    struct http_request req = { .url = local_url(&srv, "/fault?fault=hang", url),
                                .timeout_ms = 200 };
    struct http_response *r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_TIMEOUT);
    assert_non_null(strstr(r->err.text, "timeout after 200ms (connected, nothing came)"));
    assert_int_equal(retry_class_of(r), RETRY_BACKOFF);
    assert_true(r->total_ms >= 190 && r->total_ms < 2000);
    http_response_free(r);
    req.url = local_url(&srv, "/fault?fault=stallbody", url);
    r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_TIMEOUT);
    assert_non_null(strstr(r->err.text, "did not end"));
    http_response_free(r);
    req.url = local_url(&srv, "/fault?fault=slow&ms=20", url);
    r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_TIMEOUT);
    http_response_free(r);
}

/* A listening socket nobody accepts from: the kernel connects, nobody answers. */
static int listen_deaf(int *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void a_stalled_handshake_ends_at_the_connect_limit(void **state)
{
    (void)state;
    char url[512];
    int port, fd = listen_deaf(&port);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", port);
    struct http_request req = { .url = url, .timeout_ms = 5000, .connect_timeout_ms = 300 };
    struct http_response *r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_TIMEOUT);
    if (!strstr(r->err.text, "timeout after 300ms (TLS handshake)"))
        fail_msg("\"%s\"", r->err.text);
    assert_true(r->total_ms < 2000);
    http_response_free(r);
    close(fd);
}

static void plain_http_on_an_https_address_is_told_apart(void **state)
{
    (void)state;
    char url[512];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", srv.port);
    struct http_request req = { .url = url, .timeout_ms = 5000, .connect_timeout_ms = 300 };
    struct http_response *r = ask(client, loop, &req);
    assert_true(r->err.code == ERR_NET || r->err.code == ERR_TIMEOUT);
    assert_non_null(strstr(r->err.text, "TLS"));
    http_response_free(r);
}

static void no_connection_has_three_different_words(void **state)
{
    (void)state;
    struct http_request req = { .url = "http://127.0.0.1:1/", .timeout_ms = 2000 };
    struct http_response *r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_NET);
    assert_string_equal(r->err.text, "127.0.0.1:1: connection refused");
    assert_int_equal(retry_class_of(r), RETRY_BACKOFF);
    http_response_free(r);
    req.url = "http://no-such-host.invalid/";
    req.connect_timeout_ms = 3000;
    req.timeout_ms = 4000;
    r = ask(client, loop, &req);
    assert_non_null(strstr(r->err.text, "no-such-host.invalid:80: "));
    assert_true(strstr(r->err.text, "name not found") ||
                strstr(r->err.text, "looking up its name"));
    http_response_free(r);
    r = get(client, loop, &srv, "/fault?fault=reset");
    assert_non_null(strstr(r->err.text, "connection reset"));
    http_response_free(r);
    req.url = "http://localhost/";
    req.unix_socket = "/nonexistent/socket";
    r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_NET);
    assert_non_null(strstr(r->err.text, "localhost:80"));
    http_response_free(r);
}

static void a_proxy_is_used_only_when_given_and_named_in_faults(void **state)
{
    (void)state;
    struct http_request req = { .url = "http://somewhere.invalid/x",
                                .proxy = "http://127.0.0.1:1",
                                .timeout_ms = 2000 };
    struct http_response *r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_NET);
    assert_non_null(strstr(r->err.text, "somewhere.invalid:80"));
    assert_non_null(strstr(r->err.text, "through the proxy 127.0.0.1:1"));
    http_response_free(r);
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", srv.port);
    req.proxy = proxy;
    req.url = "http://somewhere.invalid/echo";
    r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_NONE);
    assert_non_null(strstr(r->body, "http://somewhere.invalid/echo"));
    http_response_free(r);
    char url[512]; /* loopback is never asked through a proxy */
    req.url = local_url(&srv, "/ok", url);
    req.proxy = "http://127.0.0.1:1";
    r = ask(client, loop, &req);
    assert_int_equal(r->status, 200);
    http_response_free(r);
}

static void conditional_answers_are_answers(void **state)
{
    (void)state;
    char url[512];
    struct http_header h = { "If-None-Match", "\"v1\"" };
    struct http_request req = { .url = local_url(&srv, "/fault?fault=etag", url),
                                .headers = &h,
                                .nheaders = 1 };
    struct http_response *r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_NONE);
    assert_int_equal(r->status, 304);
    assert_int_equal(r->body_len, 0);
    http_response_free(r);
    req.nheaders = 0;
    r = ask(client, loop, &req);
    assert_int_equal(r->status, 200);
    assert_string_equal(http_response_header(r, "etag"), "\"v1\"");
    http_response_free(r);
}

static void pages_are_found_by_link(void **state)
{
    (void)state;
    struct http_response *r = get(client, loop, &srv, "/fault?fault=page");
    int pages = 1;
    for (char *next; (next = http_link_next(r->mem, r)) && pages < 10; pages++) {
        struct http_request req = { .url = next };
        assert_true(http_same_origin(r->url, next));
        struct http_response *more = ask(client, loop, &req);
        http_response_free(r);
        r = more;
    }
    assert_int_equal(pages, 3);
    http_response_free(r);
    r = get(client, loop, &srv, "/fault?fault=page&kind=away");
    assert_false(http_same_origin(r->url, http_link_next(r->mem, r)));
    http_response_free(r);
}

static void servers_that_ask_for_patience_are_heard(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        enum retry_class class;
        int64_t least, most;
    } cases[] = {
        { "429&ra=7", RETRY_THROTTLE, 7000, 7000 },
        { "429&ra=date", RETRY_THROTTLE, 6000, 8000 },
        { "429&ra=rfc850", RETRY_THROTTLE, 6000, 8000 },
        { "429&ra=asctime", RETRY_THROTTLE, 6000, 8000 },
        { "429&ra=past", RETRY_THROTTLE, 1000, 1000 },
        { "429&ra=huge", RETRY_THROTTLE, 900000, 900000 },
        { "429&ra=far", RETRY_THROTTLE, 900000, 900000 },
        { "429&ra=float", RETRY_THROTTLE, 2000, 2000 },
        { "429&ra=junk", RETRY_THROTTLE, -1, -1 },
        { "429&ra=neg", RETRY_THROTTLE, -1, -1 },
        { "429&ra=empty", RETRY_THROTTLE, -1, -1 },
        { "429&ra=zero", RETRY_THROTTLE, 1000, 1000 },
        { "429", RETRY_THROTTLE, -1, -1 },
        { "503&ra=3", RETRY_THROTTLE, 3000, 3000 },
        { "503", RETRY_BACKOFF, -1, -1 },
        { "500", RETRY_BACKOFF, -1, -1 },
        { "401", RETRY_NO, -1, -1 },
        { "403", RETRY_NO, -1, -1 },
        { "ratelimit", RETRY_THROTTLE, 500000, 900000 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char path[64];
        snprintf(path, sizeof path, "/fault?fault=%s", cases[i].query);
        struct http_response *r = get(client, loop, &srv, path);
        int64_t ms = retry_after_ms(r, 0); /* the answer's own Date counts, not our clock */
        if (retry_class_of(r) != cases[i].class || ms < cases[i].least || ms > cases[i].most)
            fail_msg("%s: class %d, %lld ms", cases[i].query, (int)retry_class_of(r),
                     (long long)ms);
        http_response_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_framing_is_an_error),
        cmocka_unit_test(broken_gzip_is_an_error),
        cmocka_unit_test(limits_end_what_is_too_much),
        cmocka_unit_test(a_body_of_exactly_the_cap_is_taken),
        cmocka_unit_test(whole_answers_in_unusual_frames_are_good),
        cmocka_unit_test(gzip_is_undone),
        cmocka_unit_test(header_values_come_through_the_text_door),
        cmocka_unit_test(timeouts_say_what_was_being_waited_for),
        cmocka_unit_test(a_stalled_handshake_ends_at_the_connect_limit),
        cmocka_unit_test(plain_http_on_an_https_address_is_told_apart),
        cmocka_unit_test(no_connection_has_three_different_words),
        cmocka_unit_test(a_proxy_is_used_only_when_given_and_named_in_faults),
        cmocka_unit_test(conditional_answers_are_answers),
        cmocka_unit_test(pages_are_found_by_link),
        cmocka_unit_test(servers_that_ask_for_patience_are_heard),
    };
    return cmocka_run_group_tests(tests, start_all, end_all);
}
