/*
 * What the AWS command line is set up with: environment, ~/.aws/config, ~/.aws/credentials
 * (AWS SDKs and Tools Reference Guide, "Shared config and credentials files"). Read once, small
 * local files, refused over 1 MiB; everything else here is pure. Read-only afterwards; any thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_AWS_CONFIG_H
#define OPSDECK_NET_AWS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"

struct arena;
struct aws_config;

/* Tests give their own; NULL is getenv(). */
typedef const char *aws_getenv_fn(void *ctx, const char *name);

/*
 * Never NULL. A file that cannot be read or parsed is kept as a fault: every profile asked for
 * later gives that fault (file, line and what to do); a file that does not exist is empty.
 */
struct aws_config *aws_config_load(aws_getenv_fn *env, void *ctx);
void aws_config_free(struct aws_config *c);

const char *aws_config_env(const struct aws_config *c, const char *name); /* NULL: unset or empty */
/* AWS_PROFILE, then AWS_DEFAULT_PROFILE, then "default". */
const char *aws_config_default_profile(const struct aws_config *c);
/* True when the default profile was named by somebody (it must exist then). */
bool aws_config_is_profile_named(const struct aws_config *c);
/* False when there is none (the nearest name is in the text), or the files are at fault. */
MUST_CHECK bool aws_config_has_profile(const struct aws_config *c, const char *profile,
                                       struct err *e);
/* Value of a key of a profile, credentials file before config file; NULL: absent. */
const char *aws_config_get(const struct aws_config *c, const char *profile, const char *key);
/* Only in the credentials file, or only in the config file. */
const char *aws_config_get_in(const struct aws_config *c, bool in_credentials_file,
                              const char *profile, const char *key);
/* Key of `[sso-session NAME]`; NULL: absent. */
const char *aws_config_sso(const struct aws_config *c, const char *session, const char *key);
/* Names of profiles, sorted, for messages and `doctor`. */
size_t aws_config_profiles(const struct aws_config *c, struct arena *mem, const char ***names);
/* ~ of the user, for caches; NULL when there is no home. */
const char *aws_config_home(const struct aws_config *c);
/* AWS_REGION, AWS_DEFAULT_REGION, then the profile's region; NULL: IMDS may know. An explicit
 * profile does not beat the environment here (as in the AWS CLI v2). */
const char *aws_config_region(const struct aws_config *c, const char *profile);

/* The environment's proxy for this URL (HTTPS_PROXY, http_proxy, ALL_PROXY, NO_PROXY); NULL: none.
 */
const char *aws_config_proxy(const struct aws_config *c, const char *url);

/* Where one service is, and how to sign for it. Texts in the arena given. */
struct aws_endpoint {
    const char *url;          /* scheme://host[:port][/prefix], no trailing slash */
    const char *signing_name; /* "monitoring" for cloudwatch */
    const char *region;       /* to sign for: us-east-1 for the global ones */
    const char *ca_file;      /* AWS_CA_BUNDLE, profile ca_bundle; NULL: the system's */
};

/*
 * `service` is the SDK's name ("cloudwatch", "elbv2", "sso-oidc"); `region` may be NULL for the
 * global ones only. `own_url` is the source's endpoint_url (NULL: none) and wins; then
 * AWS_ENDPOINT_URL_<ID>, AWS_ENDPOINT_URL, services section, profile endpoint_url, unless ignored;
 * then the rules of the partition, FIPS and dual-stack included. An unknown service is
 * `<service>.<region>.<suffix>`, signed by its own name.
 */
MUST_CHECK bool aws_endpoint_find(const struct aws_config *c, const char *profile,
                                  const char *service, const char *region, const char *own_url,
                                  struct arena *mem, struct aws_endpoint *out, struct err *e);
/* "aws", "aws-cn", "aws-us-gov", from a region's name. */
const char *aws_partition(const char *region);
/* Requests a minute that leave 90 % of the account's quota to others; 0: no figure known. */
int64_t aws_service_rate(const char *service);

#endif
