/* The variants of the fixture. See aws_variants.h. */
#include "aws_variants.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"

static const char LIVE[] = "live";
static const char LINKED[] = "9f3c1ab-live";

/* The dashboard stays, as when mappings are deleted by hand: it alone tells the previous one. */
void aws_variant_outage(struct aws_estate *es)
{
    struct aws_shared *live = aws_shared_get(es, LIVE);

    aws_links_remove(es, LIVE);
    live->visible = 240;
    live->in_flight = 0;
    live->oldest_age_s = 1260;
    aws_consumed_add(es, LINKED, 0, AWS_STORY_NOW - 1260);
}

void aws_variant_switching(struct aws_estate *es)
{
    aws_variant_outage(es);
    es->locks[es->nlocks++] =
        (struct aws_lock){ LIVE, "blue-green-link", AWS_PROD, AWS_STORY_NOW - 90 };
    aws_builds_add(es, &(struct aws_build){ .project = "deploy-blue-green-environment-stage",
                                            .uuid = "e2v2",
                                            .status = "IN_PROGRESS",
                                            .start = AWS_STORY_NOW - 1500,
                                            .profile = LIVE,
                                            .shared = LIVE });
    aws_builds_number(es);
}

/* Both of live's mappings, or the one of its queue alone. */
static void set_state(struct aws_estate *es, const char *state, bool even_dead_letters)
{
    for (size_t i = 0; i < es->nlinks; i++) {
        struct aws_link *l = &es->links[i];
        if (strcmp(l->shared, LIVE) != 0 || (l->is_dead_letter && !even_dead_letters))
            continue;
        l->applied = l->modified;
        l->modified = AWS_STORY_NOW - 20;
        l->state = state;
    }
}

void aws_variant_unlinking(struct aws_estate *es)
{
    set_state(es, "Deleting", true);
    aws_consumed_add(es, LINKED, 0, AWS_STORY_NOW - 20);
}

/* The dashboard is written while the mappings are still being made. */
void aws_variant_linking(struct aws_estate *es)
{
    static const char *const uuids[] = { "f4b29c37-b3dd-4533-83e9-04d7e02c0001",
                                         "f4b29c37-b3dd-4533-83e9-04d7e02c0002" };
    struct aws_shared *live = aws_shared_get(es, LIVE);

    aws_links_remove(es, LIVE);
    for (int i = 0; i < 2; i++)
        es->links[es->nlinks++] = (struct aws_link){
            .uuid = uuids[i],
            .shared = LIVE,
            .bg = "4d7e02c-live",
            .is_dead_letter = i > 0,
            .state = "Creating",
            .modified = AWS_STORY_NOW - 5,
        };
    live->current = "4d7e02c-live";
    live->previous = LINKED;
    aws_consumed_add(es, LINKED, 0, AWS_STORY_NOW - 60);
}

void aws_variant_disabled(struct aws_estate *es)
{
    set_state(es, "Disabled", false);
    aws_consumed_add(es, LINKED, 0, AWS_STORY_NOW - 20);
}

void aws_variant_orphan(struct aws_estate *es)
{
    aws_bg_get(es, LINKED)->functions = 0;
}

void aws_variant_no_rollback(struct aws_estate *es)
{
    aws_shared_get(es, LIVE)->previous = "NA";
}

void aws_variant_denied(struct aws_estate *es)
{
    es->denied = "ListEventSourceMappings";
}

void aws_variant_no_decrypt(struct aws_estate *es)
{
    es->has_no_decrypt = true;
}

void aws_variant_partial(struct aws_estate *es)
{
    static const char *const gone[] = { "uec-dos-int | 9f3c1ab-live | Failed Emails",
                                        "uec-dos-int | 9f3c1ab-live | Invalid Postcode",
                                        "uec-dos-int | 9f3c1ab-live | Send Email Error Rate" };

    for (size_t i = 0; i < es->nlinks; i++)
        if (es->links[i].is_dead_letter && strcmp(es->links[i].shared, LIVE) == 0)
            es->links[i] = es->links[--es->nlinks];
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        es->odd[es->nodd++] = (struct aws_odd_alarm){ .name = gone[i], .account = AWS_PROD };
}

void aws_variant_redeploy(struct aws_estate *es)
{
    es->versions[AWS_VERSIONS - 1].value = "5e20d84";
}

void aws_variant_draining(struct aws_estate *es)
{
    aws_bg_get(es, "5e20d84-live")->depth[AWS_Q_UPDATE] = 7;
}
