/*
 * The AWS half of opsdeck-sim: from a signed request to its answer, and a log of them. Called
 * with the simulator's lock held.
 */
#ifndef OPSDECK_SIM_AWS_H
#define OPSDECK_SIM_AWS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "aws_auth.h"
#include "aws_estate.h"

struct answers;
struct sim_reply;
struct sim_request;

struct aws {
    struct aws_estate estate;
    struct aws_keys keys;
    struct answers *answers; /* of the operations whose answers are data */
    FILE *log;               /* NULL: none; the caller's */
    uint64_t serial;
};

struct aws_step;

/*
 * `speed`: of the story; `variant`: what stands instead of it, or NULL. False when the answers
 * cannot be read, which is told on stderr; aws_release() is due in any case.
 */
bool aws_init(struct aws *a, int64_t start_ms, double speed, const struct aws_step *variant);
void aws_release(struct aws *a);
bool aws_is_request(const struct sim_request *rq);
void aws_answer(struct aws *a, const struct sim_request *rq, int64_t now_ms, double story_s,
                struct sim_reply *out);

#endif
