/*
 * For the tests of AWS credentials: a real HTTP server in a thread that answers by script and
 * counts, a home directory with real files, an environment of its own, a clock that stands still,
 * and one ask with its answer on libev's default loop.
 */
#ifndef OPSDECK_TESTS_AWS_CRED_TEST_H
#define OPSDECK_TESTS_AWS_CRED_TEST_H

#include "net_test.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/aws_credentials.h"
#include "opsdeck/net/redact.h"

enum {
    ROUTES_MAX = 16,
    VARS_MAX = 32,
    REQUEST_MAX = 16 * 1024
};

#define T0 INT64_C(1780833600000) /* 2026-06-07T12:00:00Z */
#define ROLE_ARN "arn:aws:iam::210987654321:role/opsdeck-readonly"
#define BASE_KEYS "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = base-secret-1\n"
#define LIVE_ROLE "[profile live]\nrole_arn = " ROLE_ARN "\nsource_profile = base\n"
#define MINUTE INT64_C(60000)

struct route {
    const char *start;        /* of the request line: "POST / " */
    const char *holds;        /* somewhere in the request; NULL: any */
    int status, count, times; /* times: answers so often, 0: for ever */
    char body[2048], header[128];
};

static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t released;
    int fd, port, count;
    bool is_held, has_ended;
    struct route routes[ROUTES_MAX];
    size_t nroutes;
    char last[REQUEST_MAX];
} web = { .lock = PTHREAD_MUTEX_INITIALIZER, .released = PTHREAD_COND_INITIALIZER };

static struct ev_loop *loop;
static struct http *client;
static struct aws_config *config;
static struct aws_creds *creds;
static char home[64];
static char vars[VARS_MAX][2][512];
static size_t nvars;
static int64_t now_ms = T0;

/* ---- the server */

static inline struct route *find_route(const char *request)
{
    for (size_t i = 0; i < web.nroutes; i++) {
        struct route *r = &web.routes[i];
        if (strncmp(request, r->start, strlen(r->start)) == 0 &&
            (!r->holds || strstr(request, r->holds)) && (r->times == 0 || r->count < r->times))
            return r;
    }
    return NULL;
}

static inline void read_request(int fd, char *buf)
{
    size_t n = 0, want = REQUEST_MAX - 1;

    while (n < want) {
        ssize_t got = read(fd, buf + n, REQUEST_MAX - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
        buf[n] = '\0';
        const char *end = strstr(buf, "\r\n\r\n"), *length = strcasestr(buf, "content-length:");
        if (end)
            want = (size_t)(end + 4 - buf) +
                   (length && length < end ? (size_t)strtol(length + 15, NULL, 10) : 0);
    }
    buf[n] = '\0';
}

static inline void serve_one(int fd)
{
    static char request[REQUEST_MAX], answer[4096];

    read_request(fd, request);
    if (!*request)
        return;
    pthread_mutex_lock(&web.lock);
    web.count++;
    memcpy(web.last, request, sizeof web.last);
    while (web.is_held && !web.has_ended)
        pthread_cond_wait(&web.released, &web.lock);
    struct route *r = find_route(request);
    if (r)
        r->count++;
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n%s",
                     r ? r->status : 599, r ? strlen(r->body) : 0, r ? r->header : "",
                     r ? r->body : "");
    pthread_mutex_unlock(&web.lock);
    if (write(fd, answer, (size_t)n) != n)
        perror("answering");
}

static inline void *serve(void *unused)
{
    for (;;) {
        int fd = accept(web.fd, NULL, NULL);
        pthread_mutex_lock(&web.lock);
        bool has_ended = web.has_ended;
        pthread_mutex_unlock(&web.lock);
        if (fd < 0 || has_ended) {
            if (fd >= 0)
                close(fd);
            return unused;
        }
        serve_one(fd);
        close(fd);
    }
}

static inline void web_start(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t n = sizeof at;

    web.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(web.fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(web.fd, 16), 0);
    assert_int_equal(getsockname(web.fd, (struct sockaddr *)&at, &n), 0);
    web.port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&web.thread, NULL, serve, NULL), 0);
}

static inline void web_hold(bool is_held)
{
    pthread_mutex_lock(&web.lock);
    web.is_held = is_held;
    pthread_cond_broadcast(&web.released);
    pthread_mutex_unlock(&web.lock);
}

static inline void web_end(void)
{
    pthread_mutex_lock(&web.lock);
    web.has_ended = true;
    pthread_cond_broadcast(&web.released);
    pthread_mutex_unlock(&web.lock);
    shutdown(web.fd, SHUT_RDWR);
    pthread_join(web.thread, NULL);
    close(web.fd);
}

static inline struct route *answer_with(const char *start, const char *holds, int status,
                                        const char *body)
{
    pthread_mutex_lock(&web.lock);
    struct route *r = &web.routes[web.nroutes++];
    *r = (struct route){ .start = start, .holds = holds, .status = status };
    snprintf(r->body, sizeof r->body, "%s", body);
    pthread_mutex_unlock(&web.lock);
    return r;
}

static inline void web_forget(void)
{
    pthread_mutex_lock(&web.lock);
    web.nroutes = 0;
    web.count = 0;
    web.last[0] = '\0';
    pthread_mutex_unlock(&web.lock);
}

static inline int asked(void)
{
    pthread_mutex_lock(&web.lock);
    int n = web.count;
    pthread_mutex_unlock(&web.lock);
    return n;
}

static inline bool last_has(const char *text)
{
    pthread_mutex_lock(&web.lock);
    bool has = strstr(web.last, text);
    pthread_mutex_unlock(&web.lock);
    return has;
}

static inline const char *iso(int64_t ms)
{
    static char out[4][TIME_TEXT_MAX];
    static size_t next;

    return time_iso(ms, out[next++ % 4]);
}

/* What STS says: keys that end at `ends_ms`. */
static inline struct route *answer_sts(const char *action, const char *holds, const char *id,
                                       int64_t ends_ms)
{
    struct route *r = answer_with("POST / ", holds, 200, "");

    snprintf(r->body, sizeof r->body,
             "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult>"
             "<AssumedRoleUser><Arn>arn:aws:sts::210987654321:assumed-role/x/y</Arn>"
             "</AssumedRoleUser><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>"
             "secret-of-%s</SecretAccessKey><SessionToken>token-of-%s</SessionToken>"
             "<Expiration>%s</Expiration></Credentials></%sResult></%sResponse>",
             action, action, id, id, id, iso(ends_ms), action, action);
    return r;
}

static inline void answer_sts_error(int status, const char *code, const char *message)
{
    struct route *r = answer_with("POST / ", NULL, status, "");

    snprintf(r->body, sizeof r->body,
             "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message>"
             "</Error><RequestId>r-1</RequestId></ErrorResponse>",
             code, message);
}

/* ---- the machine */

static inline int64_t fake_ms(void *ctx)
{
    (void)ctx;
    return now_ms;
}

static const struct clock CLOCK = { fake_ms, fake_ms, NULL };

static inline const char *fake_env(void *ctx, const char *name)
{
    (void)ctx;
    for (size_t i = 0; i < nvars; i++)
        if (strcmp(vars[i][0], name) == 0)
            return vars[i][1];
    return NULL;
}

__attribute__((format(printf, 2, 3))) static inline void set_var(const char *name, const char *fmt,
                                                                 ...)
{
    va_list ap;

    assert_true(nvars < VARS_MAX);
    snprintf(vars[nvars][0], sizeof vars[0][0], "%s", name);
    va_start(ap, fmt);
    vsnprintf(vars[nvars++][1], sizeof vars[0][1], fmt, ap);
    va_end(ap);
}

static inline const char *home_path(const char *relative)
{
    static char out[4][512];
    static size_t next;
    char *p = out[next++ % 4];

    snprintf(p, sizeof out[0], "%s/%s", home, relative);
    return p;
}

static inline void put_file(const char *relative, const char *text)
{
    char path[512];

    snprintf(path, sizeof path, "%s", home_path(relative));
    for (char *at = strchr(path + strlen(home) + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static inline const char *read_home(const char *relative)
{
    static char out[8192];
    FILE *f = fopen(home_path(relative), "r");

    if (!f)
        return NULL;
    out[fread(out, 1, sizeof out - 1, f)] = '\0';
    fclose(f);
    return out;
}

static inline bool is_private(const char *relative)
{
    struct stat st;

    return stat(home_path(relative), &st) == 0 && (st.st_mode & 0777) == 0600;
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

/* ---- set-up of a test */

static inline void stop(void)
{
    aws_creds_free(creds);
    aws_config_free(config);
    creds = NULL;
    config = NULL;
}

static aws_mfa_ask_fn *mfa_hook;

/* Start anew with these files; what the caches hold stays. */
static inline void begin(const char *config_text, const char *credentials_text)
{
    stop();
    if (config_text)
        put_file(".aws/config", config_text);
    if (credentials_text)
        put_file(".aws/credentials", credentials_text);
    config = aws_config_load(fake_env, NULL);
    struct aws_creds_opts o = {
        .loop = loop, .http = client, .clock = &CLOCK, .config = config, .ask_mfa = mfa_hook
    };
    creds = aws_creds_new(&o);
}

static inline int start_all(void **state)
{
    struct http_opts o = { 0 };
    struct err e = { 0 };

    (void)state;
    loop = o.loop = ev_default_loop(0); /* the loop that reaps children */
    client = http_new(&o, &e);
    assert_non_null(client);
    web_start();
    return 0;
}

static inline int end_all(void **state)
{
    (void)state;
    http_free(client);
    web_end();
    ev_loop_destroy(loop);
    return 0;
}

static inline int set_up(void **state)
{
    (void)state;
    now_ms = T0;
    nvars = 0;
    mfa_hook = NULL;
    web_forget();
    snprintf(home, sizeof home, "/tmp/opsdeck-aws-XXXXXX");
    assert_non_null(mkdtemp(home));
    set_var("HOME", "%s", home);
    set_var("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:%d", web.port);
    set_var("AWS_ENDPOINT_URL_SSO", "http://127.0.0.1:%d", web.port);
    set_var("AWS_ENDPOINT_URL_SSO_OIDC", "http://127.0.0.1:%d", web.port);
    set_var("AWS_ENDPOINT_URL_SIGNIN", "http://127.0.0.1:%d", web.port);
    set_var("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:%d", web.port);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    web_hold(false);
    stop();
    return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- asking */

struct got {
    int calls;
    bool has_keys;
    char id[128], secret[128], token[128], source[700], role[200], account[32], region[32];
    int64_t expires_ms;
    struct err e;
};

static inline void on_keys(void *ctx, const struct aws_keys *k, const struct err *e)
{
    struct got *g = ctx;

    g->calls++;
    g->e = *e;
    g->has_keys = k;
    if (k) {
        snprintf(g->id, sizeof g->id, "%s", k->access_key_id);
        snprintf(g->secret, sizeof g->secret, "%s", k->secret_key->bytes);
        snprintf(g->token, sizeof g->token, "%s", k->session_token ? k->session_token->bytes : "");
        snprintf(g->source, sizeof g->source, "%s", k->source);
        snprintf(g->role, sizeof g->role, "%s", k->role_arn ? k->role_arn : "");
        snprintf(g->account, sizeof g->account, "%s", k->account ? k->account : "");
        snprintf(g->region, sizeof g->region, "%s", k->region ? k->region : "");
        g->expires_ms = k->expires_ms;
    }
    ev_break(loop, EVBREAK_ALL);
}

static inline void wait_for(struct got *g)
{
    while (g->calls == 0)
        assert_true(run_loop(loop, 15.0));
    assert_int_equal(g->calls, 1);
}

static inline struct got keys_of(const char *profile)
{
    struct got g = { 0 };

    aws_creds_get(creds, profile, "eu-west-2", on_keys, &g);
    wait_for(&g);
    return g;
}

static inline struct got good(const char *profile, const char *id)
{
    struct got g = keys_of(profile);

    if (!g.has_keys)
        fail_msg("no keys: %s", g.e.text);
    assert_string_equal(g.id, id);
    assert_int_equal(g.e.code, ERR_NONE);
    return g;
}

/* No keys, and a text that has both of these. */
static inline struct got bad(const char *profile, const char *says, const char *also)
{
    struct got g = keys_of(profile);

    assert_false(g.has_keys);
    assert_int_not_equal(g.e.code, ERR_NONE);
    if (!strstr(g.e.text, says) || !strstr(g.e.text, also))
        fail_msg("\"%s\" and \"%s\" are not both in: %s", says, also, g.e.text);
    return g;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
