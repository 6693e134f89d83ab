/*
 * What the files of src/net share and other rooms do not see. The HTTP client is split by
 * concern: http.c (requests, queue, groups), http_loop.c (libev glue), http_request.c (what is
 * sent), http_body.c (what arrives), http_response.c (the answer), http_words.c (faults in words).
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_PRIV_H
#define OPSDECK_NET_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>
#include <ev.h>
#include <zlib.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/net/http.h"

enum {
    HTTP_BODY_DEFAULT = 8 * 1024 * 1024,
    HTTP_TIMEOUT_MS = 20 * 1000,
    HTTP_CONNECT_TIMEOUT_MS = 5 * 1000,
    HTTP_REDIRECTS_MAX = 5,
    HTTP_HEADERS_MAX = 500,
    HTTP_HEADER_BYTES_MAX = 256 * 1024,
    HTTP_STALL_BYTES_S = 100,
    HTTP_STALL_S = 10,
};

/* Why our own callbacks stopped a transfer; libcurl only knows "write error". */
enum body_fault {
    BODY_GOOD,
    BODY_OVER_CAP,
    BODY_CODING,  /* a Content-Encoding that was not asked for */
    BODY_GZIP,    /* not gzip, damaged, or data behind its end */
    BODY_HEADERS, /* too many or too large */
};

/* Decoded bytes of one answer under a cap. libcurl's own decoder hides a cut gzip stream. */
struct body_sink {
    struct sbuf bytes;
    enum body_fault fault;
    bool is_head_whole, is_started, is_gzip, has_zlib, is_gzip_ended;
    z_stream z;
    size_t nheaders, header_bytes;
    char coding[40]; /* the refused coding, for the message */
};

struct group {
    struct group *next;
    struct http *http;
    char *name; /* NULL: requests without a group */
    CURLM *multi;
    ev_timer timer;
    size_t nrunning;
    bool is_retired; /* takes no new requests; freed when the last one ends */
};

struct request;

struct request_list {
    struct request *head, *tail;
    size_t n;
};

struct request {
    struct request *prev, *next;
    struct request_list *list;
    uint64_t id;
    struct group *group; /* NULL until it runs */
    char *group_name;
    CURL *easy;
    struct curl_slist *headers; /* wiped when freed */
    char *body;                 /* wiped when freed */
    size_t body_len;
    char *place;  /* "host:port" for messages */
    char *scheme; /* "http" or "https" */
    char *proxy;  /* "host:port" of the proxy, NULL without */
    bool has_credential, is_head, is_connected;
    int64_t timeout_ms, connect_timeout_ms;
    struct body_sink sink;
    char curl_text[CURL_ERROR_SIZE];
    CURLcode rc;
    http_done_fn *done;
    void *ctx;
};

struct sock {
    ev_io io;
    struct group *group;
};

struct http {
    struct ev_loop *loop;
    size_t running_max;
    char *user_agent;
    uint64_t last_id;
    struct group *groups;
    struct request_list queued, running, finished;
    struct sock **socks; /* by descriptor: one descriptor belongs to one multi at a time */
    size_t nsocks;
    bool is_delivering;
};

/* http_loop.c */
struct group *http_group_new(struct http *h, const char *name, struct err *e);
void http_group_free(struct group *g);
MUST_CHECK bool http_group_start(struct group *g, struct request *r, struct err *e);
void http_group_stop(struct request *r);

/* http.c: called by the loop glue after curl has worked. */
void http_turn(struct http *h);
void http_finished(struct http *h, struct request *r, CURLcode rc);

/* http_request.c: check a request and turn it into a curl handle; NULL and *e when refused. */
struct request *http_request_new(const struct http *h, const struct http_request *req,
                                 struct err *e);
void http_request_free(struct request *r);

/* http_body.c */
void body_sink_init(struct body_sink *s, size_t max);
void body_sink_release(struct body_sink *s);
void body_sink_reset(struct body_sink *s); /* another answer begins (redirect, 1xx) */
size_t body_on_header(char *line, size_t size, size_t n, void *request);
size_t body_on_data(char *data, size_t size, size_t n, void *request);
/* After the transfer: what only the end can tell. */
bool body_sink_is_cut(const struct body_sink *s);

/* http_response.c */
struct http_response *http_response_build(struct request *r);

/* http_words.c */
void http_words(const struct request *r, struct err *e);
/* Once a process, at the first http_new(): libcurl costs more than a frame to start. */
CURLcode http_global_init(void);

/* http_url.c. Parse with the rules all requests obey: http or https, a host, no user info. */
CURLU *http_url_parse(const char *url, struct err *e);
char *http_url_place(CURLU *u);              /* "host:port", heap */
bool http_url_is_loopback(const char *host); /* localhost, 127.0.0.0/8, ::1 */
/* Link-local addresses of the machine's own container agent, which speaks plain http (AWS SDKs
 * Reference Guide, "Container credential provider"). */
bool http_url_is_metadata(const char *host);
char *http_url_part(CURLU *u, CURLUPart part, unsigned flags); /* heap copy or NULL */

/* token.c: tests replace the clock and the time a command has. */
struct clock;
struct tokens;
void tokens_use_clock(struct tokens *t, const struct clock *c, double run_limit_s);

#endif
