/*
 * HTTP on the event loop: curl multi with socket and timer callbacks, no thread of ours,
 * connections kept and never shared between credential groups. Never follows a redirect with
 * a credential; caps decoded bytes in the write callback. Loop thread only.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_HTTP_H
#define OPSDECK_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"
#include "opsdeck/base/secret.h"

struct ev_loop;
struct arena;
struct http;

struct http_opts {
    struct ev_loop *loop;
    int max_connections;    /* requests at once, all hosts together; 0: 16. The rest waits */
    const char *user_agent; /* NULL: "opsdeck/VERSION" */
};

struct http_header {
    const char *name, *value;
};

enum http_auth_kind {
    HTTP_AUTH_NONE,
    HTTP_AUTH_HEADER,
    HTTP_AUTH_BEARER,
    HTTP_AUTH_BASIC
};

/*
 * Copied by http_send(); the secrets in it are wiped when the request ends. With a credential
 * (auth, headers_are_secret, or a header such as Authorization) plain http is refused unless the
 * host is loopback or the container agent's metadata address, and no redirect is followed.
 */
struct http_request {
    const char *method; /* "GET", "POST", "HEAD"; NULL: "GET" */
    const char *url;    /* http or https, no user info */
    const struct http_header *headers;
    size_t nheaders;
    const char *body; /* NULL: none */
    size_t body_len;
    struct {
        enum http_auth_kind kind;
        const char *header, *user;
        const struct secret *secret;
    } auth;
    int64_t timeout_ms, connect_timeout_ms; /* 0: 20 s, 5 s; waiting for a turn does not count */
    size_t body_max;         /* decoded bytes, 0: 8 MiB; past it the answer is ERR_LIMIT */
    bool follow_redirects;   /* GET and HEAD without a credential, same protocol, five at most */
    const char *ca_file;     /* in place of the system's authorities */
    const char *proxy;       /* NULL: none, whatever the environment says; not used for loopback */
    const char *group;       /* connections stay inside it; a credential without one shares none */
    const char *unix_socket; /* NULL: none */
    bool headers_are_secret; /* further headers carry credentials (signed requests) */
};

/*
 * Owned by the callback's receiver: http_response_free(). err.code is ERR_NONE when an answer
 * came, whatever its status, and is whole as far as HTTP and gzip can tell; else `body` is only
 * a part and no data.
 */
struct http_response {
    struct arena *mem;
    struct err err;
    int status; /* 0: none */
    const char *url;
    const char *version;               /* "1.1", "2" */
    const struct http_header *headers; /* of the last answer; names lower case, values clean */
    size_t nheaders;
    char *body; /* decoded bytes, NUL terminated behind body_len, never NULL */
    size_t body_len;
    int64_t total_ms, wire_bytes, date_ms; /* date_ms: its Date header, 0 when none */
    const char *redirect;                  /* host of a Location that was not followed, or NULL */
};

typedef void http_done_fn(void *ctx, struct http_response *resp);

struct http *http_new(const struct http_opts *opts, struct err *e);
/* Cancels what is under way: no callback is called. */
void http_free(struct http *h);
/*
 * Start a request; `done` is called once, from the loop, never from inside http_send(). It may
 * send, cancel and drop connections, but not free the client.
 * Returns an id for http_cancel(); 0 and *e when it cannot even start (bad URL, refused
 * credential).
 */
uint64_t http_send(struct http *h, const struct http_request *req, http_done_fn *done, void *ctx,
                   struct err *e);
void http_cancel(struct http *h, uint64_t id); /* no callback any more; unknown ids are fine */
size_t http_in_flight(const struct http *h);
/* Forget pooled connections (after a suspend of the machine, or a changed credential). */
void http_drop_connections(struct http *h);

void http_response_free(struct http_response *r);
const char *http_response_header(const struct http_response *r,
                                 const char *lower_name); /* first, NULL if none */
/* URL of Link rel=next (RFC 8288; several headers, commas, quoted parameters), resolved against
 * resp->url; NULL if none. */
char *http_link_next(struct arena *mem, const struct http_response *r);
/* The URL's host is this machine: localhost, 127.0.0.0/8 or ::1, written out. */
bool http_is_loopback(const char *url);
/* Same scheme, host and port. */
bool http_same_origin(const char *url_a, const char *url_b);
/* base + path: exactly one "/" between, dot segments refused. `query` is appended with ? or &. */
MUST_CHECK bool http_url_join(struct arena *mem, const char *base, const char *path,
                              const char *query, char **out, struct err *e);

#endif
