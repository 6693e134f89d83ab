/*
 * One set of keys: made from what a source answered, counted, wiped when the last user is gone.
 * Also how JSON, answers and times that hold or surround secrets are handled.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/redact.h"

#include "aws_cred_priv.h"

char *cred_dup(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

/* Key ids are shown and signed, the others go into headers: printable, without blanks. */
static bool is_word(const char *s, size_t max)
{
    size_t n = 0;

    for (; *s; s++, n++)
        if (!isgraph((unsigned char)*s) || n >= max)
            return false;
    return n > 0;
}

static bool check_fields(const struct cred_fields *f, int64_t *expires_ms, struct err *e)
{
    if (!f->id || !f->secret)
        return err_set(e, ERR_PARSE, 0, "the answer has no %s",
                       f->id ? "secret access key" : "access key id");
    if (!is_word(f->id, 128) || !is_word(f->secret, 1024) ||
        (f->token && !is_word(f->token, 64 * 1024)))
        return err_set(e, ERR_PARSE, 0, "the answer has keys that hold blanks, or nothing");
    *expires_ms = 0;
    if (f->expiration && !cred_time(f->expiration, expires_ms))
        return err_set(e, ERR_PARSE, 0, "the answer's expiration is not a time");
    return true;
}

struct cred_set *cred_set_new(struct cred_job *job, const struct cred_fields *f, struct err *e)
{
    require(job && f);
    int64_t expires_ms;

    cred_known(job->c, f->secret);
    cred_known(job->c, f->token);
    if (!check_fields(f, &expires_ms, e))
        return NULL;
    struct cred_set *set = xcalloc(1, sizeof *set);
    const char *region = aws_config_region(job->o.config, job->profile);
    set->uses = 1;
    set->access_key_id = xstrdup(f->id);
    secret_set(&set->secret_key, f->secret, strlen(f->secret));
    redact_add(set->secret_key.bytes, set->secret_key.len);
    if (f->token) {
        secret_set(&set->session_token, f->token, strlen(f->token));
        redact_add(set->session_token.bytes, set->session_token.len);
    }
    set->account = cred_dup(f->account);
    set->region = cred_dup(region ? region : job->found_region);
    set->source = xstrdup(job->what);
    /* Its moment is the server's; ours is compared with our own clock. */
    set->expires_ms = expires_ms ? expires_ms - job->skew_ms : 0;
    return set;
}

struct cred_set *cred_set_use(struct cred_set *set)
{
    require(set && set->uses > 0);
    set->uses++;
    return set;
}

void cred_set_release(struct cred_set *set)
{
    if (!set || --set->uses > 0)
        return;
    redact_remove(set->secret_key.bytes, set->secret_key.len);
    redact_remove(set->session_token.bytes, set->session_token.len);
    secret_release(&set->secret_key);
    secret_release(&set->session_token);
    free(set->access_key_id);
    free(set->role_arn);
    free(set->account);
    free(set->region);
    free(set->source);
    free(set);
}

const char *cred_json_text(const cJSON *object, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(v) && *v->valuestring ? v->valuestring : NULL;
}

static void wipe_json(cJSON *json)
{
    for (; json; json = json->next) {
        if (cJSON_IsString(json) && json->valuestring)
            explicit_bzero(json->valuestring, strlen(json->valuestring));
        wipe_json(json->child);
    }
}

void cred_json_free(cJSON *json)
{
    wipe_json(json);
    cJSON_Delete(json);
}

void cred_json_text_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    cJSON_free(text);
}

void cred_response_free(struct http_response *r)
{
    if (r && r->body)
        explicit_bzero(r->body, r->body_len);
    http_response_free(r);
}

bool cred_time(const char *s, int64_t *ms)
{
    require(ms);
    return s && time_parse_rfc3339(s, ms);
}
