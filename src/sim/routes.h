/*
 * From a request to its answer: the routes of the reports application and of its successor,
 * and the rare bad moments of the story. Called with the estate locked. No I/O.
 */
#ifndef OPSDECK_SIM_ROUTES_H
#define OPSDECK_SIM_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "opsdeck/base/sbuf.h"

#include "estate.h"

struct sim_request {
    const char *method, *path; /* path percent-decoded */
    const char *content_type;  /* NULL: none */
    const char *body;
    size_t body_len;
    const char *q, *dialect; /* of the query; NULL: none */
};

struct sim_reply {
    int status;
    const char *content_type;
    const char *location; /* NULL: none */
    struct sbuf body;
    double delay_s; /* before it is sent */
};

struct sim {
    struct estate estate;
    bool is_successor;
    bool has_trouble; /* false: no slow or failing moments */
    unsigned troubles_had;
    double recent[100]; /* story seconds of the latest requests, for the successor's limit */
    size_t nrecent;
};

void sim_answer(struct sim *sim, const struct sim_request *rq, double now_s, double story_s,
                struct sim_reply *out);

#endif
