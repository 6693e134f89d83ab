/* doctor, AWS: for each profile that a source names, whether it gives keys, from where, and until
 * when. */
#include <stdlib.h>
#include <string.h>

#include <ev.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/aws_credentials.h"
#include "opsdeck/poll/connector.h"

#include "app_priv.h"

struct asking {
    struct app *app;
    struct ev_loop *loop;
    doctor_add_fn *add;
    void *add_ctx;
    size_t left;
    bool is_running;
};

struct question_of_profile {
    struct asking *asking;
    const char *name; /* of the check */
};

static void on_keys(void *ctx, const struct aws_keys *keys, const struct err *e)
{
    struct question_of_profile *q = ctx;
    struct asking *as = q->asking;
    struct arena *mem = as->app->mem;
    char end[TIME_TEXT_MAX];

    if (!keys)
        as->add(as->add_ctx, q->name, false, e->text);
    else if (!keys->region)
        as->add(as->add_ctx, q->name, false,
                arena_printf(mem, "%s, but no region: set region: of the sources, or AWS_REGION",
                             keys->source));
    else if (!keys->expires_ms)
        as->add(as->add_ctx, q->name, true,
                arena_printf(mem, "%s, %s", keys->source, keys->region));
    else
        as->add(as->add_ctx, q->name, true,
                arena_printf(mem, "%s, %s, until %s", keys->source, keys->region,
                             time_local(keys->expires_ms, clock_wall_ms(as->app->clock), end)));
    if (--as->left == 0 && as->is_running)
        ev_break(as->loop, EVBREAK_ALL);
}

static bool is_first_of_profile(const struct plan *plan, size_t i)
{
    const char *profile = plan->sources[i].cfg->aws.profile;

    for (size_t k = 0; k < i; k++) {
        const char *other = plan->sources[k].cfg->aws.profile;
        if (plan->sources[k].connector == &connector_aws &&
            !strcmp(other ? other : "", profile ? profile : ""))
            return false;
    }
    return true;
}

void doctor_aws(struct app *a, struct ev_loop *loop, struct http *http, doctor_add_fn *add,
                void *ctx)
{
    const struct settings *s = a->settings;
    struct asking as = { .app = a, .loop = loop, .add = add, .add_ctx = ctx };
    struct aws_config *config = aws_config_load(NULL, NULL);
    const struct aws_creds_opts o = { .loop = loop,
                                      .http = http,
                                      .clock = a->clock,
                                      .config = config,
                                      .ca_file = s->network.ca_file,
                                      .proxy = s->network.proxy };
    struct aws_creds *creds = aws_creds_new(&o);

    for (size_t i = 0; i < a->plan->nsources; i++) {
        const struct source_cfg *src = a->plan->sources[i].cfg;
        const char *profile = src->aws.profile && *src->aws.profile ? src->aws.profile : NULL;
        if (a->plan->sources[i].connector != &connector_aws || !is_first_of_profile(a->plan, i))
            continue;
        struct question_of_profile *q = arena_alloc(a->mem, sizeof *q);
        *q = (struct question_of_profile){ &as,
                                           profile ? arena_printf(a->mem, "AWS profile %s", profile)
                                                   : "AWS credentials" };
        as.left++;
        aws_creds_get(creds, profile, src->aws.region, on_keys, q);
    }
    as.is_running = true;
    if (as.left)
        ev_run(loop, 0);
    aws_creds_free(creds);
    aws_config_free(config);
}
