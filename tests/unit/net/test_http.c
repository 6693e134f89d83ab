/* The HTTP client against a real server on loopback: requests, groups, redirects, limits. */
#include "net_test.h"

#include "opsdeck/base/sbuf.h"

static struct server srv, trap_srv;
static struct ev_loop *loop;
static struct http *client;

static int start_all(void **state)
{
    (void)state;
    faultd_start(&srv);
    faultd_start(&trap_srv);
    loop = ev_loop_new(EVFLAG_AUTO);
    struct http_opts o = { .loop = loop };
    struct err e = { 0 };
    setenv("SSLKEYLOGFILE", "keylog-must-not-exist", 1);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    client = http_new(&o, &e);
    assert_non_null(client);
    assert_null(getenv("SSLKEYLOGFILE"));
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    http_free(client);
    ev_loop_destroy(loop);
    server_end(&srv);
    server_end(&trap_srv);
    return 0;
}

static void a_get_brings_status_headers_and_body(void **state)
{
    (void)state;
    struct http_response *r = get(client, loop, &srv, "/ok");
    assert_int_equal(r->err.code, ERR_NONE);
    assert_int_equal(r->status, 200);
    assert_string_equal(r->version, "1.1");
    assert_string_equal(http_response_header(r, "content-type"), "application/json");
    assert_null(http_response_header(r, "Content-Type")); /* names are lower case */
    assert_true(r->date_ms > 1600000000000);
    assert_true(r->body_len > 1000);
    assert_int_equal(r->body[r->body_len], '\0');
    assert_int_equal(strlen(r->body), r->body_len);
    assert_true(r->wire_bytes > (int64_t)r->body_len);
    assert_null(r->redirect);
    assert_int_equal(http_in_flight(client), 0);
    http_response_free(r);
}

static void the_request_has_our_headers_and_no_others(void **state)
{
    (void)state;
    char url[512];
    struct http_header hs[] = { { "Accept", "application/json" },
                                { "X-Test", "v 1" },
                                { "User-Agent", "probe/1" } };
    struct http_request req = { .url = local_url(&srv, "/echo?a=b%2Fc", url),
                                .headers = hs,
                                .nheaders = 3 };
    struct http_response *r = ask(client, loop, &req);
    assert_non_null(strstr(r->body, "[\"Accept\", \"application/json\"]"));
    assert_null(strstr(r->body, "*/*"));
    assert_non_null(strstr(r->body, "[\"X-Test\", \"v 1\"]"));
    assert_non_null(strstr(r->body, "[\"User-Agent\", \"probe/1\"]"));
    assert_non_null(strstr(r->body, "[\"Accept-Encoding\", \"gzip\"]"));
    assert_non_null(strstr(r->body, "/echo?a=b%2Fc"));
    assert_null(strstr(r->body, "Expect"));
    http_response_free(r);
}

static void a_post_sends_its_bytes_as_they_are(void **state)
{
    (void)state;
    char url[512];
    struct http_header hs[] = { { "Content-Type", "application/json" } };
    struct http_request req = { .method = "POST",
                                .url = local_url(&srv, "/echo", url),
                                .headers = hs,
                                .nheaders = 1,
                                .body = "{\"a\":1}",
                                .body_len = 7 };
    struct http_response *r = ask(client, loop, &req);
    assert_non_null(strstr(r->body, "\"method\": \"POST\""));
    assert_non_null(strstr(r->body, "{\\\"a\\\":1}"));
    assert_null(strstr(r->body, "x-www-form-urlencoded"));
    http_response_free(r);
    req.nheaders = 0;
    r = ask(client, loop, &req);
    assert_null(strstr(r->body, "x-www-form-urlencoded"));
    http_response_free(r);
}

static void a_big_post_does_not_wait_for_a_100(void **state)
{
    (void)state;
    char url[512], *big = xmalloc(2 << 20);
    memset(big, 'x', 2 << 20);
    struct http_request req = {
        .method = "POST", .url = local_url(&srv, "/ok", url), .body = big, .body_len = 2 << 20
    };
    struct http_response *r = ask(client, loop, &req);
    assert_int_equal(r->status, 200);
    assert_true(r->total_ms < 900);
    http_response_free(r);
    free(big);
}

static void head_has_headers_and_no_body(void **state)
{
    (void)state;
    char url[512];
    struct http_request req = { .method = "HEAD", .url = local_url(&srv, "/ok", url) };
    struct http_response *r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_NONE);
    assert_int_equal(r->status, 200);
    assert_int_equal(r->body_len, 0);
    assert_non_null(http_response_header(r, "content-length"));
    http_response_free(r);
}

static void every_status_is_an_answer(void **state)
{
    (void)state;
    static const int codes[] = { 204, 304, 400, 401, 403, 404, 429, 500, 503 };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        char path[64];
        snprintf(path, sizeof path, "/status/%d", codes[i]);
        struct http_response *r = get(client, loop, &srv, path);
        assert_int_equal(r->err.code, ERR_NONE);
        assert_int_equal(r->status, codes[i]);
        http_response_free(r);
    }
}

static void connections_are_kept_inside_a_group_and_never_shared_between_groups(void **state)
{
    (void)state;
    static const char *const groups[] = { NULL, "a", "b" };
    char url[512], want[64];
    int conns[3] = { 0 };
    struct secret s = { (char *)(uintptr_t) "canary-one", 10 };
    log_clear(client, loop, &srv);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            snprintf(want, sizeof want, "/ok?g=%zu", i);
            struct http_request req = { .url = local_url(&srv, want, url), .group = groups[i] };
            if (i > 0) {
                req.auth.kind = HTTP_AUTH_BEARER;
                req.auth.secret = &s;
            }
            http_response_free(ask(client, loop, &req));
        }
    }
    struct http_response *r = get(client, loop, &srv, "/_log");
    const char *at = r->body;
    for (int n = 0; (at = strstr(at, "\"conn\": ")) && n < 6; n++, at++) {
        int conn = 0;
        assert_int_equal(sscanf(at, "\"conn\": %d", &conn), 1);
        if (n < 3)
            conns[n] = conn;
        else
            assert_int_equal(conn, conns[n - 3]); /* kept */
    }
    assert_int_not_equal(conns[0], conns[1]);
    assert_int_not_equal(conns[0], conns[2]);
    assert_int_not_equal(conns[1], conns[2]);
    http_response_free(r);
}

static void a_credential_without_a_group_shares_with_nobody(void **state)
{
    (void)state;
    char url[512];
    int conns[2];
    struct secret s = { (char *)(uintptr_t) "canary-one", 10 };
    struct http_request req = { .url = local_url(&srv, "/ok", url),
                                .auth = { .kind = HTTP_AUTH_BEARER, .secret = &s } };
    log_clear(client, loop, &srv);
    for (int i = 0; i < 2; i++)
        http_response_free(ask(client, loop, &req));
    struct http_response *r = get(client, loop, &srv, "/_log");
    const char *at = strstr(r->body, "\"conn\": ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\"conn\": %d", &conns[0]), 1);
    at = strstr(at + 1, "\"conn\": ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\"conn\": %d", &conns[1]), 1);
    assert_int_not_equal(conns[0], conns[1]);
    http_response_free(r);
}

static void dropped_connections_are_not_used_again(void **state)
{
    (void)state;
    int a = 0, b = 0;
    log_clear(client, loop, &srv);
    http_response_free(get(client, loop, &srv, "/ok"));
    http_drop_connections(client);
    http_response_free(get(client, loop, &srv, "/ok"));
    struct http_response *r = get(client, loop, &srv, "/_log");
    const char *at = strstr(r->body, "\"conn\": ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\"conn\": %d", &a), 1);
    at = strstr(at + 1, "\"conn\": ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\"conn\": %d", &b), 1);
    assert_int_not_equal(a, b);
    http_response_free(r);
}

static void each_kind_of_credential_arrives_as_its_header(void **state)
{
    (void)state;
    static const struct {
        enum http_auth_kind kind;
        const char *header, *user, *want;
    } cases[] = {
        { HTTP_AUTH_HEADER, "X-API-KEY", NULL, "[\"X-API-KEY\", \"canary-one\"]" },
        { HTTP_AUTH_BEARER, NULL, NULL, "[\"Authorization\", \"Bearer canary-one\"]" },
        { HTTP_AUTH_BASIC, NULL, "ann", "[\"Authorization\", \"Basic YW5uOmNhbmFyeS1vbmU=\"]" },
    };
    struct secret s = { (char *)(uintptr_t) "canary-one", 10 };
    char url[512];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_request req = { .url = local_url(&srv, "/echo", url),
                                    .group = "auth",
                                    .auth = { .kind = cases[i].kind,
                                              .header = cases[i].header,
                                              .user = cases[i].user,
                                              .secret = &s } };
        struct http_response *r = ask(client, loop, &req);
        assert_non_null(strstr(r->body, cases[i].want));
        http_response_free(r);
    }
}

static void a_redirect_with_a_credential_is_never_followed(void **state)
{
    (void)state;
    static const int codes[] = { 301, 302, 303, 307, 308 };
    struct secret s = { (char *)(uintptr_t) "canary-one", 10 };
    struct http_header secret_header = { "X-Amz-Security-Token", "canary-two" };
    char url[512], path[256], place[64];
    snprintf(place, sizeof place, "127.0.0.1:%d", trap_srv.port);
    log_clear(client, loop, &trap_srv);
    for (size_t i = 0; i < ARRAY_LEN(codes) * 4; i++) {
        snprintf(path, sizeof path, "/fault?fault=redirect&status=%d&to=http://%s/trap",
                 codes[i / 4], place);
        struct http_request req = { .url = local_url(&srv, path, url),
                                    .follow_redirects = true,
                                    .group = "r" };
        if (i % 4 == 0) {
            req.auth.kind = HTTP_AUTH_BEARER;
            req.auth.secret = &s;
        } else if (i % 4 == 1) {
            req.auth.kind = HTTP_AUTH_HEADER;
            req.auth.header = "X-Api-Key";
            req.auth.secret = &s;
        } else {
            req.headers = &secret_header;
            req.nheaders = 1;
            req.headers_are_secret = i % 4 == 2; /* also when nobody says so */
        }
        struct http_response *r = ask(client, loop, &req);
        assert_int_equal(r->err.code, ERR_NONE);
        assert_int_equal(r->status, codes[i / 4]);
        assert_string_equal(r->redirect, place);
        http_response_free(r);
    }
    assert_int_equal(log_count(client, loop, &trap_srv, "/trap"), 0);
}

static void redirects_are_followed_only_when_asked_and_only_five_times(void **state)
{
    (void)state;
    char url[512];
    struct http_request req = { .url = local_url(&srv, "/fault?fault=redirect&to=/echo", url) };
    struct http_response *r = ask(client, loop, &req);
    assert_int_equal(r->status, 302);
    assert_non_null(r->redirect);
    http_response_free(r);
    req.follow_redirects = true;
    r = ask(client, loop, &req);
    assert_int_equal(r->status, 200);
    assert_null(r->redirect);
    assert_non_null(strstr(r->url, "/echo"));
    http_response_free(r);
    req.url = local_url(&srv, "/fault?fault=loop", url);
    r = ask(client, loop, &req);
    assert_int_equal(r->err.code, ERR_PARSE);
    assert_non_null(strstr(r->err.text, "redirects"));
    http_response_free(r);
}

static void a_redirect_to_another_protocol_is_refused(void **state)
{
    (void)state;
    static const char *const targets[] = { "file:///etc/passwd", "https://127.0.0.1:1/",
                                           "gopher://127.0.0.1:1/" };
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        char url[512], path[256];
        snprintf(path, sizeof path, "/fault?fault=redirect&to=%s", targets[i]);
        struct http_request req = { .url = local_url(&srv, path, url), .follow_redirects = true };
        struct http_response *r = ask(client, loop, &req);
        assert_int_equal(r->err.code, ERR_PARSE);
        assert_int_equal(r->body_len, 0);
        http_response_free(r);
    }
}

static void cookies_and_upgrades_planted_by_a_server_are_forgotten(void **state)
{
    (void)state;
    struct http_response *r = get(client, loop, &srv, "/fault?fault=cookies");
    assert_null(http_response_header(r, "set-cookie"));
    http_response_free(r);
    r = get(client, loop, &srv, "/echo");
    assert_null(strstr(r->body, "planted"));
    http_response_free(r);
}

static void refused_requests_say_why_and_send_nothing(void **state)
{
    (void)state;
    struct secret s = { (char *)(uintptr_t) "canary-one", 10 },
                  lines = { (char *)(uintptr_t) "a\r\nX: 1", 7 };
    struct http_header crlf = { "X-Test", "a\r\nInjected: 1" }, name = { "Bad Name", "v" },
                       len = { "Content-Length", "3" };
    const struct {
        struct http_request req;
        const char *says;
    } cases[] = {
        { { .url = NULL }, "address" },
        { { .url = "" }, "address" },
        { { .url = "not a url" }, "address" },
        { { .url = "file:///etc/passwd" }, "file://" },
        { { .url = "gopher://127.0.0.1/" }, "gopher" },
        { { .url = "http://ann:pw@127.0.0.1/" }, "user or password" },
        { { .url = "http://127.0.0.1/a b" }, "address" },
        { { .url = "http://127.0.0.1/\r\nx" }, "address" },
        { { .url = "http://host.example/", .auth = { .kind = HTTP_AUTH_BEARER, .secret = &s } },
          "plain http" },
        { { .url = "http://127.0.0.1.example/",
            .auth = { .kind = HTTP_AUTH_BEARER, .secret = &s } },
          "plain http" },
        { { .url = "http://host.example/", .headers_are_secret = true }, "plain http" },
        { { .url = "https://127.0.0.1/", .auth = { .kind = HTTP_AUTH_BEARER } }, "empty" },
        { { .url = "https://127.0.0.1/", .auth = { .kind = HTTP_AUTH_BEARER, .secret = &lines } },
          "control" },
        { { .url = "https://127.0.0.1/",
            .auth = { .kind = HTTP_AUTH_BASIC, .user = "a:b", .secret = &s } },
          "':'" },
        { { .url = "https://127.0.0.1/",
            .auth = { .kind = HTTP_AUTH_HEADER, .header = "A B", .secret = &s } },
          "A B" },
        { { .url = "http://127.0.0.1/", .headers = &crlf, .nheaders = 1 }, "control" },
        { { .url = "http://127.0.0.1/", .headers = &name, .nheaders = 1 }, "Bad Name" },
        { { .url = "http://127.0.0.1/", .headers = &len, .nheaders = 1 }, "Content-Length" },
        { { .url = "http://127.0.0.1/", .method = "GET /x" }, "method" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct answer a = { .loop = loop };
        assert_int_equal(http_send(client, &cases[i].req, on_answer, &a, &e), 0);
        assert_int_not_equal(e.code, ERR_NONE);
        if (!strstr(e.text, cases[i].says))
            fail_msg("case %zu: \"%s\" lacks \"%s\"", i, e.text, cases[i].says);
        assert_null(strstr(e.text, "canary"));
        assert_null(strstr(e.text, "pw"));
    }
    assert_int_equal(http_in_flight(client), 0);
}

static void more_requests_than_connections_wait_their_turn(void **state)
{
    (void)state;
    struct http_opts o = { .loop = loop, .max_connections = 2 };
    struct http *h = http_new(&o, NULL);
    struct answer a[6] = { { 0 } };
    char url[512];
    struct http_request req = { .url = local_url(&srv, "/fault?fault=delay&ms=50", url) };
    for (size_t i = 0; i < 6; i++) {
        a[i].loop = loop;
        assert_int_not_equal(http_send(h, &req, on_answer, &a[i], NULL), 0);
    }
    assert_int_equal(http_in_flight(h), 6);
    while (http_in_flight(h) > 0)
        assert_true(run_loop(loop, 5.0));
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(a[i].calls, 1);
        assert_int_equal(a[i].resp->status, 200);
        http_response_free(a[i].resp);
    }
    http_free(h);
}

static void a_cancelled_request_calls_nobody(void **state)
{
    (void)state;
    struct http_opts o = { .loop = loop, .max_connections = 1 };
    struct http *h = http_new(&o, NULL);
    struct answer hang = { .loop = loop }, queued = { .loop = loop }, last = { .loop = loop };
    char url[512], url2[512];
    struct http_request slow = { .url = local_url(&srv, "/fault?fault=hang&s=2", url) };
    struct http_request quick = { .url = local_url(&srv, "/ok", url2) };
    uint64_t id = http_send(h, &slow, on_answer, &hang, NULL);
    uint64_t id2 = http_send(h, &quick, on_answer, &queued, NULL);
    http_send(h, &quick, on_answer, &last, NULL);
    assert_false(run_loop(loop, 0.1));
    http_cancel(h, id2);
    http_cancel(h, id);
    http_cancel(h, id);
    http_cancel(h, 0);
    http_cancel(h, 99999);
    assert_true(run_loop(loop, 5.0));
    assert_int_equal(hang.calls + queued.calls, 0);
    assert_int_equal(last.calls, 1);
    http_response_free(last.resp);
    http_free(h);
}

static void freeing_the_client_cancels_what_is_under_way(void **state)
{
    (void)state;
    struct http_opts o = { .loop = loop, .max_connections = 1 };
    struct http *h = http_new(&o, NULL);
    struct answer a = { .loop = loop };
    char url[512];
    struct http_request req = { .url = local_url(&srv, "/fault?fault=hang&s=2", url) };
    http_send(h, &req, on_answer, &a, NULL);
    http_send(h, &req, on_answer, &a, NULL);
    assert_false(run_loop(loop, 0.05));
    http_free(h);
    http_free(NULL);
    assert_false(run_loop(loop, 0.05));
    assert_int_equal(a.calls, 0);
}

struct chain {
    struct http *h;
    struct ev_loop *loop;
    const char *url;
    int left, got;
    uint64_t other;
};

static void ask_again(void *ctx, struct http_response *resp)
{
    struct chain *c = ctx;
    struct http_request req = { .url = c->url };
    c->got += resp->status == 200;
    http_response_free(resp);
    http_cancel(c->h, c->other);
    c->other = 0;
    http_drop_connections(c->h);
    if (--c->left > 0)
        assert_int_not_equal(http_send(c->h, &req, ask_again, c, NULL), 0);
    else
        ev_break(c->loop, EVBREAK_ALL);
}

static void a_callback_may_send_cancel_and_drop(void **state)
{
    (void)state;
    char url[512], slow[512];
    struct chain c = { .h = client, .loop = loop, .url = local_url(&srv, "/ok", url), .left = 5 };
    struct answer never = { .loop = loop };
    struct http_request req = { .url = local_url(&srv, "/fault?fault=hang&s=2", slow) };
    c.other = http_send(client, &req, on_answer, &never, NULL);
    req.url = url;
    http_send(client, &req, ask_again, &c, NULL);
    assert_true(run_loop(loop, 10.0));
    assert_int_equal(c.got, 5);
    assert_int_equal(never.calls, 0);
    assert_int_equal(http_in_flight(client), 0);
}

static void an_idle_client_does_not_wake_the_loop(void **state)
{
    (void)state;
    struct answer a = { .loop = loop };
    char url[512];
    struct http_request req = { .url = local_url(&srv, "/fault?fault=delay&ms=400", url),
                                .timeout_ms = 5000 };
    http_send(client, &req, on_answer, &a, NULL);
    unsigned before = ev_iteration(loop);
    assert_true(run_loop(loop, 5.0));
    /* An integer division of milliseconds would make this hundreds of thousands. */
    assert_true(ev_iteration(loop) - before < 100);
    http_response_free(a.resp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_get_brings_status_headers_and_body),
        cmocka_unit_test(the_request_has_our_headers_and_no_others),
        cmocka_unit_test(a_post_sends_its_bytes_as_they_are),
        cmocka_unit_test(a_big_post_does_not_wait_for_a_100),
        cmocka_unit_test(head_has_headers_and_no_body),
        cmocka_unit_test(every_status_is_an_answer),
        cmocka_unit_test(connections_are_kept_inside_a_group_and_never_shared_between_groups),
        cmocka_unit_test(a_credential_without_a_group_shares_with_nobody),
        cmocka_unit_test(dropped_connections_are_not_used_again),
        cmocka_unit_test(each_kind_of_credential_arrives_as_its_header),
        cmocka_unit_test(a_redirect_with_a_credential_is_never_followed),
        cmocka_unit_test(redirects_are_followed_only_when_asked_and_only_five_times),
        cmocka_unit_test(a_redirect_to_another_protocol_is_refused),
        cmocka_unit_test(cookies_and_upgrades_planted_by_a_server_are_forgotten),
        cmocka_unit_test(refused_requests_say_why_and_send_nothing),
        cmocka_unit_test(more_requests_than_connections_wait_their_turn),
        cmocka_unit_test(a_cancelled_request_calls_nobody),
        cmocka_unit_test(freeing_the_client_cancels_what_is_under_way),
        cmocka_unit_test(a_callback_may_send_cancel_and_drop),
        cmocka_unit_test(an_idle_client_does_not_wake_the_loop),
    };
    return cmocka_run_group_tests(tests, start_all, end_all);
}
