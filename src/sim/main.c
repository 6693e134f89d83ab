/*
 * opsdeck-sim: the demo estate. A small HTTP server on loopback that speaks the MoJ reports
 * API over invented repositories and AWS over invented accounts. Options, clock, signals and
 * libmicrohttpd are here; what it answers is in routes.c, pages.c, estate.c and aws*.c.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <getopt.h>
#include <microhttpd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"

#include "aws_story.h"
#include "routes.h"

enum {
    REQUEST_MAX = 4 * 1024 * 1024,
    EXIT_USAGE = 64
};

struct options {
    int64_t port, repositories, seed;
    double speed, at;               /* at < 0: the story runs */
    const struct aws_step *variant; /* NULL: none */
    const char *port_file, *aws_log;
    bool is_successor, as_flask, once_ready, with_parent;
};

struct app {
    struct options o;
    struct sim sim;
    int64_t start_mono_ms;
    pthread_mutex_t lock;
    pthread_cond_t stopping;
    bool is_stopping;
};

struct upload {
    struct sbuf body;
    char *target;  /* path and query as on the wire */
    bool is_known; /* its head was seen */
};

static double seconds(const struct app *app)
{
    return (double)(clock_mono_ms(clock_system()) - app->start_mono_ms) / 1000.0;
}

/* Waits as asked, or until the program ends. Called with the lock held; others go on meanwhile. */
static void wait_s(struct app *app, double s)
{
    struct timespec until;

    clock_deadline((int64_t)(s * 1000), &until);
    while (!app->is_stopping &&
           pthread_cond_clockwait(&app->stopping, &app->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
}

static enum MHD_Result send_reply(struct app *app, struct MHD_Connection *conn,
                                  struct sim_reply *reply)
{
    size_t len = 0;
    char *body = sbuf_detach(&reply->body, &len);
    struct MHD_Response *resp = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);

    sbuf_release(&reply->body);
    if (!resp) {
        free(body);
        return MHD_NO;
    }
    MHD_add_response_header(resp, "Content-Type", reply->content_type);
    for (size_t i = 0; i < reply->nheaders; i++)
        MHD_add_response_header(resp, reply->headers[i].name, reply->headers[i].value);
    if (reply->location)
        MHD_add_response_header(resp, "Location", reply->location);
    if (app->o.as_flask) {
        MHD_add_response_header(resp, "Server", "gunicorn");
        MHD_add_response_header(resp, "Connection", "close");
    }
    enum MHD_Result ok = MHD_queue_response(conn, (unsigned)reply->status, resp);
    MHD_destroy_response(resp);
    return ok;
}

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    struct sim_request *rq = cls;

    (void)kind;
    if (rq->nheaders == SIM_HEADERS_MAX)
        return MHD_NO;
    rq->headers[rq->nheaders++] = (struct sim_header){ key, value ? value : "" };
    return MHD_YES;
}

static enum MHD_Result answer(struct app *app, struct MHD_Connection *conn, const char *url,
                              const char *method, const struct upload *up)
{
    struct sim_request rq = {
        .method = method,
        .path = url,
        .target = up->target,
        .content_type = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Content-Type"),
        .body = up->body.buf,
        .body_len = up->body.len,
        .q = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "q"),
        .dialect = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "dialect"),
    };
    struct sim_reply reply;

    MHD_get_connection_values(conn, MHD_HEADER_KIND, take_header, &rq);
    pthread_mutex_lock(&app->lock);
    double now_s = seconds(app), story_s = app->o.at >= 0 ? app->o.at : now_s * app->o.speed;
    sim_answer(&app->sim, &rq, now_s, story_s, clock_wall_ms(clock_system()), &reply);
    if (reply.delay_s > 0)
        wait_s(app, reply.delay_s);
    pthread_mutex_unlock(&app->lock);
    return send_reply(app, conn, &reply);
}

/* The one place that sees the path before it is decoded; what it returns is *state later on. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *conn)
{
    struct upload *up = xcalloc(1, sizeof *up);

    (void)cls;
    (void)conn;
    sbuf_init(&up->body, REQUEST_MAX);
    up->target = xstrdup(target);
    return up;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    struct upload *up = *state;

    (void)version;
    if (!up->is_known) {
        up->is_known = true;
        return MHD_YES;
    }
    if (*size > 0) {
        /* A body over the cap is read to its end and then refused as what it is: cut JSON. */
        sbuf_add(&up->body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    return answer(cls, conn, url, method, up);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct upload *up = *state;

    (void)cls;
    (void)conn;
    (void)code;
    if (up) {
        sbuf_release(&up->body);
        free(up->target);
    }
    free(up);
    *state = NULL;
}

/* clang-format off */
static const char HELP[] =
    "opsdeck-sim: the MoJ reports API over invented repositories, and signed AWS calls over\n"
    "invented accounts, on loopback\n"
    "  --port N          port of 127.0.0.1; 0 (default): any free one\n"
    "  --port-file F     write the port there\n"
    "  --repositories N  how many (default 1000, at most 3000)\n"
    "  --seed S          another seed, another estate (default 1)\n"
    "  --speed X         the story runs X times as fast (default 1)\n"
    "  --at SECONDS      the story stands still at that second, and nothing is slow or fails\n"
    "  --at STEP         the same at a step of the release, or with a variant of it; see below\n"
    "  --aws-log FILE    one JSON line there for each AWS call\n"
    "  --successor       answer like github-community, which has badges only\n"
    "  --as-flask        close every connection, as the application does\n"
    "  --once-ready      say nothing but \"listening on http://127.0.0.1:PORT\" on stdout\n"
    "  --with-parent     end when the starting process ends\n";

static const struct option LONG[] = {
    { "port", required_argument, NULL, 'p' },       { "port-file", required_argument, NULL, 'f' },
    { "repositories", required_argument, NULL, 'n' }, { "seed", required_argument, NULL, 's' },
    { "speed", required_argument, NULL, 'x' },      { "at", required_argument, NULL, 'a' },
    { "aws-log", required_argument, NULL, 'l' },
    { "successor", no_argument, NULL, 'S' },        { "as-flask", no_argument, NULL, 'F' },
    { "once-ready", no_argument, NULL, 'r' },       { "with-parent", no_argument, NULL, 'w' },
    { "help", no_argument, NULL, 'h' },             { NULL, 0, NULL, 0 },
};
/* clang-format on */

static void print_help(void)
{
    fputs(HELP, stdout);
    fputs("steps of the release (second, what AWS then says), and variants for tests:\n", stdout);
    for (size_t i = 0; i < aws_nsteps; i++)
        printf("  %-13s %4d  %s\n", aws_steps[i].name, aws_steps[i].second, aws_steps[i].help);
}

static bool to_double(const char *s, double *out)
{
    char *end;

    errno = 0;
    *out = strtod(s, &end);
    return errno == 0 && end != s && !*end && *out >= 0 && *out < 1e9;
}

static bool take_at(struct options *o, const char *s)
{
    const struct aws_step *step = aws_step_find(s);

    o->variant = step && step->change ? step : NULL;
    if (!step)
        return to_double(s, &o->at);
    o->at = step->second;
    return true;
}

static bool take_option(struct options *o, int c)
{
    switch (c) {
    case 'p':
        return str_to_i64(optarg, 0, 65535, &o->port);
    case 'n':
        return str_to_i64(optarg, 0, SIM_REPOS_MAX, &o->repositories);
    case 's':
        return str_to_i64(optarg, 0, INT64_MAX, &o->seed);
    case 'x':
        return to_double(optarg, &o->speed);
    case 'a':
        return take_at(o, optarg);
    case 'f':
        o->port_file = optarg;
        return true;
    case 'l':
        o->aws_log = optarg;
        return true;
    default:
        o->is_successor |= c == 'S';
        o->as_flask |= c == 'F';
        o->once_ready |= c == 'r';
        o->with_parent |= c == 'w';
        return true;
    }
}

/* -1: go on; else the exit status. */
static int read_options(struct options *o, int argc, char **argv)
{
    int c, which = 0;

    *o = (struct options){ .repositories = 1000, .seed = 1, .speed = 1.0, .at = -1.0 };
    while ((c = getopt_long(argc, argv, "", LONG, &which)) != -1) {
        if (c == 'h') {
            print_help();
            return EXIT_SUCCESS;
        }
        if (c == '?')
            return EXIT_USAGE;
        if (!take_option(o, c)) {
            fprintf(stderr, "opsdeck-sim: --%s cannot be \"%s\"; see --help\n", LONG[which].name,
                    optarg);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "opsdeck-sim: unknown argument \"%s\"; see --help\n", argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

/* Complete or absent: a reader who polls for the file never sees half of it. */
static bool write_port(const char *path, unsigned port)
{
    char tmp[4096];
    int n = snprintf(tmp, sizeof tmp, "%s.new", path);
    FILE *f = n > 0 && (size_t)n < sizeof tmp ? fopen(tmp, "we") : NULL;

    bool ok = f && fprintf(f, "%u\n", port) > 0;
    if (f && fclose(f) != 0)
        ok = false;
    ok = ok && rename(tmp, path) == 0;
    if (!ok)
        fprintf(stderr, "opsdeck-sim: writing --port-file %s: %s\n", path, strerror(errno));
    return ok;
}

static struct MHD_Daemon *start(struct app *app)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)app->o.port) };

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0,
                            NULL, NULL, on_request, app, MHD_OPTION_SOCK_ADDR, &at,
                            MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                            MHD_OPTION_CONNECTION_LIMIT, 256u, MHD_OPTION_CONNECTION_TIMEOUT, 300u,
                            MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
}

static bool announce(const struct app *app, struct MHD_Daemon *d)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
    unsigned port = info ? info->port : 0;

    if (app->o.port_file && !write_port(app->o.port_file, port))
        return false;
    if (printf("listening on http://127.0.0.1:%u\n", port) < 0 || fflush(stdout) != 0) {
        fprintf(stderr, "opsdeck-sim: writing to stdout: %s\n", strerror(errno));
        return false;
    }
    if (!app->o.once_ready && isatty(STDERR_FILENO))
        fprintf(stderr, "opsdeck-sim: %d repositories, seed %d; Ctrl-C ends it\n",
                (int)app->o.repositories, (int)app->o.seed);
    return true;
}

static void stop(struct app *app, struct MHD_Daemon *d)
{
    pthread_mutex_lock(&app->lock);
    app->is_stopping = true;
    pthread_cond_broadcast(&app->stopping);
    pthread_mutex_unlock(&app->lock);
    MHD_stop_daemon(d);
}

static int run(struct app *app, const sigset_t *ends)
{
    struct MHD_Daemon *d = start(app);
    int sig, status = EXIT_SUCCESS;

    if (!d) {
        fprintf(stderr, "opsdeck-sim: listening on 127.0.0.1:%d: %s\n", (int)app->o.port,
                strerror(errno));
        return EXIT_FAILURE;
    }
    if (announce(app, d))
        sigwait(ends, &sig);
    else
        status = EXIT_FAILURE;
    stop(app, d);
    return status;
}

/* The estates, as they are at the story's beginning. */
static bool begin(struct app *app)
{
    int64_t told_ms = app->o.at > 0 ? (int64_t)(app->o.at * 1000) : 0;
    int64_t start_ms = clock_wall_ms(clock_system()) - told_ms;

    app->start_mono_ms = clock_mono_ms(clock_system());
    app->sim.is_successor = app->o.is_successor;
    app->sim.has_trouble = app->o.at < 0;
    estate_init(&app->sim.estate, (size_t)app->o.repositories, (uint64_t)app->o.seed, start_ms);
    /* Where the story stands still, as much of it has passed as of the clock. */
    if (!aws_init(&app->sim.aws, start_ms, app->o.at < 0 ? app->o.speed : 1.0, app->o.variant))
        return false;
    if (!app->o.aws_log)
        return true;
    app->sim.aws.log = fopen(app->o.aws_log, "ae");
    if (!app->sim.aws.log)
        fprintf(stderr, "opsdeck-sim: opening --aws-log %s: %s\n", app->o.aws_log, strerror(errno));
    return app->sim.aws.log != NULL;
}

int main(int argc, char **argv)
{
    struct app app = { .lock = PTHREAD_MUTEX_INITIALIZER, .stopping = PTHREAD_COND_INITIALIZER };
    pid_t parent = getppid();
    sigset_t ends;
    int status = read_options(&app.o, argc, argv);

    if (status >= 0)
        return status;
    /* Blocked before any thread exists, so that only sigwait() sees them. */
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (app.o.with_parent) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) /* it went before the line above */
            return EXIT_SUCCESS;
    }
    status = begin(&app) ? run(&app, &ends) : EXIT_FAILURE;
    if (app.sim.aws.log)
        fclose(app.sim.aws.log);
    aws_release(&app.sim.aws);
    estate_release(&app.sim.estate);
    return status;
}
