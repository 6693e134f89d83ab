/*
 * Which problem comes first. The order is written once, as a list of
 * ranks from most to least weighty; the key is its text form, for SQL that sorts by it.
 */
#include "opsdeck/model/status.h"

#include <inttypes.h>
#include <stdio.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

enum {
    RANKS = 6
};

static int64_t clamp(int64_t v)
{
    return v < 0 ? 0 : v;
}

/* Greater is weightier, in each place. */
static void ranks_of(const struct problem_rank *p, int64_t r[RANKS])
{
    /* A crit that is no longer seen counts as crit: not seeing it does not make it better. */
    r[0] = !p->is_acked;
    r[1] = status_worst(p->status, p->last);
    r[2] = p->is_live;
    /* The youngest first: it is what changed; an unknown start counts as old. */
    r[3] = clamp(p->since_ms > p->now_ms ? p->now_ms : p->since_ms);
    r[4] = clamp(p->blast);
    r[5] = p->is_flapping;
}

int problem_compare(const struct problem_rank *a, const struct problem_rank *b)
{
    require(a && b);
    int64_t x[RANKS], y[RANKS];

    ranks_of(a, x);
    ranks_of(b, y);
    for (int i = 0; i < RANKS; i++)
        if (x[i] != y[i])
            return x[i] > y[i] ? -1 : 1;
    return 0;
}

const char *problem_key(const struct problem_rank *p, char out[PROBLEM_KEY_MAX])
{
    require(p && out);
    int64_t r[RANKS];

    ranks_of(p, r);
    /* Fixed width and counted down, so that comparing bytes ascending is comparing ranks
     * descending. */
    snprintf(out, PROBLEM_KEY_MAX, "%d%d%d%016" PRIx64 "%016" PRIx64 "%d", (int)(1 - r[0]),
             (int)(9 - r[1]), (int)(1 - r[2]), (uint64_t)(INT64_MAX - r[3]),
             (uint64_t)(INT64_MAX - r[4]), (int)(1 - r[5]));
    return out;
}
