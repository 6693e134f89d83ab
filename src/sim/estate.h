/*
 * The invented repositories of the demo: names, eight checks, visibility, and the story in
 * which some of them change while one looks. The same seed tells the same story. No I/O.
 */
#ifndef OPSDECK_SIM_ESTATE_H
#define OPSDECK_SIM_ESTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIM_CHECKS = 8,
    SIM_ALL_PASS = 0xff,
    SIM_REPOS_MAX = 3000
};

struct sim_repo {
    char name[80];
    unsigned passes; /* bit per check, in the order of sim_check_names */
    bool is_private;
    int64_t stored_ms; /* when the report was written, UTC */
};

struct estate {
    uint64_t seed;
    struct sim_repo *repos; /* sorted by name, so that answers and look-ups can be */
    size_t n;
    int64_t start_ms;     /* wall time of story second 0 */
    unsigned events_told; /* how far the story has been told */
    size_t *broken;       /* what each event broke, for the event that mends it */
};

extern const char *const sim_check_names[SIM_CHECKS];

void estate_init(struct estate *es, size_t n, uint64_t seed, int64_t start_ms);
void estate_release(struct estate *es);
/* Tell the story up to this second. Time that goes back changes nothing. */
void estate_advance(struct estate *es, double story_s);
const struct sim_repo *estate_find(const struct estate *es, const char *name);
bool sim_repo_passes(const struct sim_repo *r);
/* The first check that fails, as the generator upstream reports it; NULL when all pass. */
const char *sim_repo_infraction(const struct sim_repo *r);
/* A number that depends on these two alone. */
uint64_t sim_hash(uint64_t seed, uint64_t n);

#endif
