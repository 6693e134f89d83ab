/* What is kept for deployments: secrets (never their values), names of keys, container images. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"

enum {
    NAME_SIZE = 128,
    IMAGES_MAX = 100,
    DAY_S = 86400
};

static const struct aws_paging SECRET_PAGES = { "NextToken", "MaxResults",
                                                "NextToken", 100,
                                                100,         "InvalidNextTokenException" };
static const struct aws_paging ALIAS_PAGES = { "Marker", "Limit", "NextMarker",
                                               50,       100,     "InvalidMarkerException" };
static const struct aws_paging IMAGE_PAGES = { "nextToken", "maxResults",
                                               "nextToken", 100,
                                               1000,        "InvalidParameterException" };

static bool is_main(const struct aws_call *c)
{
    return strcmp(c->region, "eu-west-2") == 0;
}

/* ---- Secrets Manager */

/* clang-format off */
static const struct {
    const char *name;
    enum aws_account account;
    int64_t changed;
} SECRETS[] = {
    { "uec-dos-int-tools/deployment", AWS_MGMT, 1750000000 },
    { "uec-dos-int-dev/deployment", AWS_NONPROD, 1760000000 },
    { "uec-dos-int-dev-ip-addresses-allowlist", AWS_NONPROD, 1764000000 },
    { "core-dos-dev/deployment", AWS_NONPROD, 1755000000 },
    { "uec-pu-updater/deployment", AWS_NONPROD, 1755000000 },
    { "uec-dos-int-live/deployment", AWS_PROD, 1760000000 },
    { "uec-dos-int-demo/deployment", AWS_PROD, 1760000000 },
    { "uec-dos-int-live-ip-addresses-allowlist", AWS_PROD, 1770112200 },
    { "uec-dos-int-demo-ip-addresses-allowlist", AWS_PROD, 1764000000 },
    { "core-dos/deployment", AWS_PROD, 1755000000 },
    { "core-dos-uet-database-upgrade/deployment", AWS_PROD, 1755000000 },
};
/* clang-format on */

/* The i-th secret of the account: those of profiles, then the shared environments' API keys. */
static bool secret_at(const struct aws_call *c, size_t i, char name[NAME_SIZE], int64_t *changed)
{
    for (size_t k = 0; k < ARRAY_LEN(SECRETS); k++) {
        if (SECRETS[k].account != c->account || i-- > 0)
            continue;
        snprintf(name, NAME_SIZE, "%s", SECRETS[k].name);
        *changed = SECRETS[k].changed;
        return true;
    }
    for (size_t k = 0; k < c->es->nshared; k++) {
        if (c->es->shared[k].account != c->account || i-- > 0)
            continue;
        snprintf(name, NAME_SIZE, "uec-dos-int-%s-api-key", c->es->shared[k].name);
        *changed = c->es->shared[k].stage_updated - 300 * DAY_S;
        return true;
    }
    return false;
}

static void secret_arn(const struct aws_call *c, const char *name, char *out, size_t size)
{
    aws_arn(c, out, size, "secretsmanager", "secret:%s-d3M0aB", name);
}

static void put_secret(const struct aws_call *c, cJSON *o, const char *name, int64_t changed)
{
    char arn[256];

    secret_arn(c, name, arn, sizeof arn);
    aws_put(o, "ARN", arn);
    aws_put(o, "Name", name);
    aws_put_bool(o, "RotationEnabled", false);
    aws_put_time(c, o, "CreatedDate", 1650000000);
    aws_put_time(c, o, "LastChangedDate", changed);
    aws_put_time(c, o, "LastAccessedDate", aws_story_now(c) / DAY_S * DAY_S);
}

void aws_secret_list(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    char name[NAME_SIZE];
    int64_t changed;

    for (size_t i = 0; is_main(c) && secret_at(c, i, name, &changed); i++)
        put_secret(c, aws_put_object(all, NULL), name, changed);
    aws_put_page(c, "SecretList", all, &SECRET_PAGES);
}

void aws_secret_describe(struct aws_call *c)
{
    const char *asked = aws_need(c, "SecretId");
    char name[NAME_SIZE], arn[256];
    int64_t changed;

    for (size_t i = 0; asked && is_main(c) && secret_at(c, i, name, &changed); i++) {
        secret_arn(c, name, arn, sizeof arn);
        if (strcmp(asked, name) != 0 && strcmp(asked, arn) != 0)
            continue;
        put_secret(c, c->out, name, changed);
        cJSON *stages = aws_put_object(c->out, "VersionIdsToStages");
        aws_put(aws_put_array(stages, "0de05ec2-0000-4000-8000-000000000001"), NULL, "AWSCURRENT");
        return;
    }
    if (asked)
        aws_fail(c, 400, "ResourceNotFoundException",
                 "Secrets Manager can't find the specified secret.");
}

/* ---- KMS */

static void add_alias(const struct aws_call *c, cJSON *all, const char *name, const char *key)
{
    const char *asked = aws_in(c, "KeyId");
    char arn[256];

    aws_arn(c, arn, sizeof arn, "kms", "key/%s", key);
    if (asked && strcmp(asked, key) != 0 && strcmp(asked, arn) != 0)
        return;
    cJSON *o = aws_put_object(all, NULL);
    aws_put(o, "AliasName", name);
    aws_arn(c, arn, sizeof arn, "kms", "%s", name);
    aws_put(o, "AliasArn", arn);
    aws_put(o, "TargetKeyId", key);
    aws_put_time(c, o, "CreationDate", 1650000000);
    aws_put_time(c, o, "LastUpdatedDate", 1650000000);
}

/* Each shared environment has a key in either region. */
void aws_kms_aliases(struct aws_call *c)
{
    bool is_other = strcmp(c->region, "us-east-1") == 0;
    cJSON *all = cJSON_CreateArray();
    char name[NAME_SIZE];

    for (size_t i = 0; (is_main(c) || is_other) && i < c->es->nshared; i++) {
        const struct aws_shared *s = &c->es->shared[i];
        snprintf(name, sizeof name, "alias/uec-dos-int-%s-%ssigning-key-alias", s->name,
                 is_other ? "alarm-region-" : "");
        if (s->account == c->account)
            add_alias(c, all, name, is_other ? s->r2_kms : s->kms);
    }
    aws_put_page(c, "Aliases", all, &ALIAS_PAGES);
    aws_put_bool(c->out, "Truncated", cJSON_HasObjectItem(c->out, "NextMarker"));
}

/* ---- ECR */

static const struct aws_fn *repository(const struct aws_call *c, const char *name)
{
    static const char prefix[] = "uec-dos/int/";

    for (size_t i = 0; i < AWS_FNS; i++)
        if (c->account == AWS_MGMT && is_main(c) && aws_has_prefix(name, prefix) &&
            strcmp(name + sizeof prefix - 1, aws_fns[i].name) == 0)
            return &aws_fns[i];
    return NULL;
}

/* What an environment runs of a function. */
static const char *tag_of(const struct aws_bg *bg, const struct aws_fn *fn)
{
    return bg->send_email_tag && strcmp(fn->name, "send-email") == 0 ? bg->send_email_tag : bg->tag;
}

static bool is_first_of_tag(const struct aws_estate *es, const struct aws_fn *fn, size_t bg)
{
    for (size_t i = 0; i < bg; i++)
        if (strcmp(tag_of(&es->bg[i], fn), tag_of(&es->bg[bg], fn)) == 0)
            return false;
    return true;
}

static void put_image(const struct aws_call *c, cJSON *o, const char *name, const char *tag,
                      const struct aws_bg *bg)
{
    aws_put(o, "registryId", aws_account_ids[c->account]);
    aws_put(o, "repositoryName", name);
    aws_putf(o, "imageDigest", "sha256:%032llx%032llx", (unsigned long long)bg->created,
             (unsigned long long)strlen(name));
    aws_put(aws_put_array(o, "imageTags"), NULL, tag);
    aws_put_int(o, "imageSizeInBytes", 152043520 + (int64_t)strlen(name) * 4096);
    aws_put_time(c, o, "imagePushedAt", bg->created - 900);
}

/* Every id is a tag, and all of them must be there. */
static bool has_images(struct aws_call *c, const cJSON *ids, const cJSON *all, const char *name)
{
    const cJSON *id, *image;

    cJSON_ArrayForEach (id, ids) {
        const char *tag = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(id, "imageTag"));
        bool is_found = false;
        cJSON_ArrayForEach (image, all)
            is_found |= tag && aws_in_list(cJSON_GetObjectItem(image, "imageTags"), tag);
        if (is_found)
            continue;
        aws_fail(c, 400, "ImageNotFoundException",
                 "The image with imageId {imageDigest:'null', imageTag:'%s'} does not exist within "
                 "the repository with name '%s' in the registry with id '%s'",
                 tag ? tag : "null", name, aws_account_ids[c->account]);
        return false;
    }
    return true;
}

static bool is_asked(const cJSON *ids, const char *tag)
{
    const cJSON *id;

    cJSON_ArrayForEach (id, ids) {
        const char *t = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(id, "imageTag"));
        if (t && strcmp(t, tag) == 0)
            return true;
    }
    return cJSON_GetArraySize(ids) == 0;
}

void aws_ecr_images(struct aws_call *c)
{
    const char *name = aws_need(c, "repositoryName");
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(c->in, "imageIds");
    const struct aws_fn *fn = name ? repository(c, name) : NULL;

    if (name && !fn)
        aws_fail(c, 400, "RepositoryNotFoundException",
                 "The repository with name '%s' does not exist in the registry with id '%s'", name,
                 aws_account_ids[c->account]);
    else if (cJSON_GetArraySize(ids) > IMAGES_MAX)
        aws_fail(c, 400, "InvalidParameterException", "imageIds: at most 100");
    if (!fn || c->status)
        return;
    cJSON *all = cJSON_CreateArray();
    for (size_t i = 0; i < c->es->nbg; i++) {
        const struct aws_bg *bg = &c->es->bg[i];
        if (is_first_of_tag(c->es, fn, i) && is_asked(ids, tag_of(bg, fn)))
            put_image(c, aws_put_object(all, NULL), name, tag_of(bg, fn), bg);
    }
    if (has_images(c, ids, all, name))
        aws_put_page(c, "imageDetails", all, &IMAGE_PAGES);
    else
        cJSON_Delete(all);
}
