/*
 * How far the clocks of AWS hosts are from ours, one offset a host, learned from Date headers.
 * Signatures are made for the server's time, since it refuses those that are minutes off.
 */
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "aws_cred_priv.h"

enum {
    CHANGE_MS = 4 * 60 * 1000,    /* what makes a refused signature worth another try */
    EXCHANGE_MS = 15 * 60 * 1000, /* a slower exchange says nothing about now */
    HOSTS_MAX = 512
};

struct offset {
    char *host;
    int64_t ms;
};

struct cred_clocks {
    struct offset *v;
    size_t n, cap;
};

struct cred_clocks *cred_clocks_new(void)
{
    return xcalloc(1, sizeof(struct cred_clocks));
}

void cred_clocks_free(struct cred_clocks *clocks)
{
    if (!clocks)
        return;
    for (size_t i = 0; i < clocks->n; i++)
        free(clocks->v[i].host);
    free(clocks->v);
    free(clocks);
}

static struct offset *find(const struct cred_clocks *clocks, const char *host)
{
    for (size_t i = 0; i < clocks->n; i++)
        if (strcmp(clocks->v[i].host, host) == 0)
            return &clocks->v[i];
    return NULL;
}

int64_t aws_clock_offset_ms(const struct aws_creds *c, const char *host)
{
    require(c && host);
    const struct offset *known = find(cred_clocks_of(c), host);

    return known ? known->ms : 0;
}

bool aws_clock_learn(struct aws_creds *c, const char *host, const struct http_response *r,
                     int64_t now_ms)
{
    require(c && host && r);
    struct cred_clocks *clocks = cred_clocks_of(c);
    struct offset *known = find(clocks, host);

    /* A cached answer carries the time it was made at. */
    if (r->date_ms == 0 || r->total_ms > EXCHANGE_MS || http_response_header(r, "age"))
        return false;
    if (!known) {
        if (clocks->n == HOSTS_MAX)
            return false;
        VEC_GROW(clocks->v, clocks->n, clocks->cap);
        known = &clocks->v[clocks->n++];
        *known = (struct offset){ .host = xstrdup(host) };
    }
    int64_t before = known->ms;
    known->ms = r->date_ms - now_ms;
    return llabs(known->ms - before) >= CHANGE_MS;
}
