/*
 * From a request to its answer: signed requests go to AWS (aws.h), the rest to the routes of the
 * reports application and of its successor, with the rare bad moments of the story. Called with
 * the estate locked. No I/O but the log of AWS calls.
 */
#ifndef OPSDECK_SIM_ROUTES_H
#define OPSDECK_SIM_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "opsdeck/base/sbuf.h"

#include "aws.h"
#include "estate.h"

enum {
    SIM_HEADERS_MAX = 64,
    SIM_REPLY_HEADERS_MAX = 4
};

struct sim_header {
    const char *name, *value;
};

struct sim_request {
    const char *method, *path; /* path percent-decoded */
    const char *target;        /* path and query as they came on the wire */
    struct sim_header headers[SIM_HEADERS_MAX];
    size_t nheaders;
    const char *content_type; /* NULL: none */
    const char *body;
    size_t body_len;
    const char *q, *dialect; /* of the query; NULL: none */
};

struct sim_reply {
    int status;
    const char *content_type;
    const char *location; /* NULL: none */
    struct {
        const char *name;
        char value[120];
    } headers[SIM_REPLY_HEADERS_MAX];
    size_t nheaders;
    struct sbuf body;
    double delay_s; /* before it is sent */
};

struct sim {
    struct estate estate;
    struct aws aws;
    bool is_successor;
    bool has_trouble; /* false: no slow or failing moments */
    unsigned troubles_had;
    double recent[100]; /* story seconds of the latest requests, for the successor's limit */
    size_t nrecent;
};

/* `now_s` since the program started, `wall_ms` of the machine's clock. */
void sim_answer(struct sim *sim, const struct sim_request *rq, double now_s, double story_s,
                int64_t wall_ms, struct sim_reply *out);
/* NULL: none. Any case; the first of several. */
const char *sim_header(const struct sim_request *rq, const char *name);
void sim_reply_header(struct sim_reply *out, const char *name, const char *value);

#endif
