/*
 * Between the files that obtain AWS credentials. aws_credentials.c keeps one entry a profile and
 * starts one job to fill it; the plan (aws_cred_chain.c) says which source the job asks; each
 * source ends its job with cred_job_done() or cred_job_fail(), at once or later, and does not
 * touch it after that.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_AWS_CRED_PRIV_H
#define OPSDECK_NET_AWS_CRED_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <ev.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"
#include "opsdeck/base/secret.h"
#include "opsdeck/net/aws_credentials.h"
#include "opsdeck/net/http.h"

struct arena;
struct aws_config;
struct aws_error;
struct aws_signer;
struct cred_clocks;
struct cred_job;
struct sbuf;
struct token_run;

enum {
    CRED_FRESH_MS = 15 * 60 * 1000, /* what a file cache holds counts as expired below this */
    CRED_FILE_MAX = 256 * 1024,
    CRED_NAME_MAX = 600
};

/* What an entry is filled from: a profile, a profile as another's source, a credential_source. */
enum cred_want {
    CRED_CHAIN, /* no --profile: the environment comes first */
    CRED_PROFILE,
    CRED_AS_SOURCE, /* its static keys before its role; no container, no instance metadata */
    CRED_WANT_ENV,
    CRED_WANT_CONTAINER,
    CRED_WANT_IMDS
};

enum cred_kind {
    CRED_ENV,
    CRED_ROLE,
    CRED_WEB,
    CRED_SSO,
    CRED_FILE,
    CRED_LOGIN,
    CRED_PROCESS,
    CRED_CONTAINER,
    CRED_IMDS,
    CRED_NKINDS
};

/* Texts live as long as the config. */
struct cred_plan {
    enum cred_kind kind;
    bool is_in_credentials_file; /* CRED_FILE: of the two */
    bool is_web_from_env;        /* CRED_WEB */
    enum cred_want source_want;  /* CRED_ROLE: whose keys sign AssumeRole */
    const char *source_profile;  /* NULL: a credential_source */
    const char *source_name;     /* for messages: profile or credential_source */
    const char *sso_session;     /* CRED_SSO; NULL: the old form */
    const char *start_url, *sso_region, *sso_account, *sso_role;
};

/* One obtained set; counted, so that a callback may drop it while it is being given out. */
struct cred_set {
    int uses;
    char *access_key_id, *role_arn, *account, *region, *source;
    struct secret secret_key, session_token;
    int64_t expires_ms; /* by our clock; 0: never */
};

/* What a source's answer holds; the strings belong to the answer. */
struct cred_fields {
    const char *id, *secret, *token, *account, *expiration;
};

struct cred_job {
    struct aws_creds *c;
    struct aws_creds_opts o;
    void *entry;
    const char *profile; /* lives with the config or the entry */
    char *region;        /* NULL: none known */
    enum cred_want want;
    struct cred_plan plan;
    char *dropped_id;         /* keys that the service calls expired; NULL: none */
    struct arena *mem;        /* nothing secret goes in here */
    char what[CRED_NAME_MAX]; /* "profile live: role arn:... from profile base" */
    uint64_t http_id;
    struct token_run *run;
    ev_timer timer;
    void (*on_http)(struct cred_job *job, struct http_response *r);
    char *url, *host, *found_region;
    int64_t skew_ms;
    int tries;
    bool is_second_try, is_clock_changed;
    struct secret token; /* IMDS token, MFA code, SSO access token */
    char *source_id;     /* CRED_ROLE: which keys signed */
    struct cred_mfa *mfa;
    bool is_refreshing, is_parked, has_tried_refresh; /* CRED_SSO and CRED_LOGIN: token files */
    char *file;                                       /* of tokens, or of a cached session */
    char note[256];                                   /* CRED_SSO: why its token was not renewed */
};

/* aws_credentials.c */
void cred_job_done(struct cred_job *job, struct cred_set *set);
/* Puts the source's name before the text and takes every known secret out of it. */
void cred_job_fail(struct cred_job *job, const struct err *e);
void cred_get(struct aws_creds *c, enum cred_want want, const char *profile, const char *region,
              aws_keys_fn *done, void *ctx);
void cred_drop(struct aws_creds *c, enum cred_want want, const char *profile,
               const char *access_key_id);
struct aws_signer *cred_signer(struct aws_creds *c);
/* True when another job refreshes the same token file: this one is started anew after that. */
bool cred_park(struct cred_job *job);
void cred_unpark(struct cred_job *job);
/* The redactor knows it from now on. */
void cred_known(struct aws_creds *c, const char *bytes);
int64_t cred_now(const struct cred_job *job);
struct cred_clocks *cred_clocks_of(const struct aws_creds *c);

/* aws_cred_clock.c */
struct cred_clocks *cred_clocks_new(void);
void cred_clocks_free(struct cred_clocks *clocks);

/* aws_cred_life.c */
/* False: nobody can use these keys, and the text says what to do. */
MUST_CHECK bool cred_set_check(const struct cred_job *job, const struct cred_set *set,
                               const char *dropped_id, struct err *e);
/* Wall clock: refresh from `soft` on, no use from `hard` on; 0: never. */
void cred_set_limits(const struct cred_job *job, const struct cred_set *set, int64_t *soft_ms,
                     int64_t *hard_ms);

/* aws_cred_chain.c */
MUST_CHECK bool cred_plan_make(const struct aws_config *cfg, enum cred_want want,
                               const char *profile, struct cred_plan *out, struct err *e);
void cred_plan_describe(const struct aws_config *cfg, const struct cred_plan *plan,
                        enum cred_want want, const char *profile, char out[CRED_NAME_MAX]);
const char *cred_file_name(const struct aws_config *cfg, bool is_credentials_file);

/* aws_cred_set.c */
struct cred_set *cred_set_new(struct cred_job *job, const struct cred_fields *f, struct err *e);
struct cred_set *cred_set_use(struct cred_set *set);
void cred_set_release(struct cred_set *set);
/* NULL when absent, empty or no string. */
const char *cred_json_text(const cJSON *object, const char *name);
void cred_json_free(cJSON *json);                 /* wipes every string first */
void cred_json_text_free(char *text);             /* of cJSON_Print */
void cred_response_free(struct http_response *r); /* wipes the body first */
/* RFC 3339, or with "UTC" for the zone as old CLIs wrote it. */
bool cred_time(const char *s, int64_t *ms);
char *cred_dup(const char *s); /* NULL gives NULL */

/* aws_cred_cache.c: the files of the AWS CLI */
char *cred_cache_path(const struct aws_config *cfg, const char *dir, const char *hex);
void cred_sha1_hex(const char *s, char out[41]);
void cred_sha256_hex(const char *s, char out[65]);
/* NULL when it is not there; *e says why when it is but cannot be used. */
cJSON *cred_file_read(const char *path, struct err *e);
/* Mode 0600, by rename; missing directories are made. Failure is logged only. */
void cred_file_write(const char *path, const cJSON *json);
/* A set of ~/.aws/cli/cache that is good for 15 minutes and more, or NULL. */
struct cred_set *cred_cli_cache_get(struct cred_job *job, const char *path);
void cred_cli_cache_put(const char *path, const struct cred_fields *f, const char *provider,
                        const cJSON *user);
/* Appends the file's bytes; ERR_NOT_FOUND when there is none. */
MUST_CHECK bool cred_file_bytes(const char *path, struct sbuf *out, struct err *e);

/* aws_cred_ask.c */
cJSON *cred_json_parse(const char *s, size_t n); /* an object, or NULL */
/* Ends the job when the request cannot even start. */
bool cred_send(struct cred_job *job, const struct http_request *req,
               void (*on_http)(struct cred_job *, struct http_response *));
/* False with *e when it is no 2xx: "HOST said CODE (status): message". */
MUST_CHECK bool cred_answer_ok(struct cred_job *job, const struct http_response *r,
                               struct aws_error *ae, struct err *e);
void cred_set_url(struct cred_job *job, const char *url);
/* A POST to a service with what is set for it; ends the job and returns false when the service
 * has no address. `signing_region` may be NULL. */
bool cred_endpoint(struct cred_job *job, const char *service, const char *region, const char *path,
                   struct http_request *req, const char **signing_region);

/* The sources. */
void cred_static_start(struct cred_job *job);
void cred_process_start(struct cred_job *job);
void cred_container_start(struct cred_job *job);
void cred_imds_start(struct cred_job *job);
void cred_role_start(struct cred_job *job);
void cred_role_stop(struct cred_job *job);
void cred_web_start(struct cred_job *job);
void cred_sso_start(struct cred_job *job);
void cred_login_start(struct cred_job *job);
/* aws_cred_dpop.c. A proof of possession (RFC 9449) for one POST; NULL when the key cannot be used.
 */
char *cred_dpop(struct arena *mem, const char *pem, const char *url, int64_t at_ms);

#endif
