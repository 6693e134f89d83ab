/*
 * The demo's release: what the live environment goes through in the story's first minutes, and the
 * moments and test variants of it that --at knows by name. Changes the estate and nothing else.
 * Called with the simulator's lock held. No I/O.
 */
#ifndef OPSDECK_SIM_AWS_STORY_H
#define OPSDECK_SIM_AWS_STORY_H

#include <stdbool.h>
#include <stddef.h>

#include "aws_estate.h"

struct aws_step {
    const char *name;
    int second; /* of the story */
    const char *help;
    void (*change)(struct aws_estate *es); /* what a variant has otherwise; NULL: a moment */
};

extern const struct aws_step aws_steps[];
extern const size_t aws_nsteps;

/* NULL: no such name. */
const struct aws_step *aws_step_find(const char *name);
/* Make the estate what it is at that second: any second can follow any other. */
void aws_story_tell(struct aws_estate *es, double second);
/* What the queue of a shared environment held that long ago. */
struct aws_depth aws_story_depth(const struct aws_estate *es, const struct aws_shared *s,
                                 int64_t ago_s);

#endif
