/*
 * Asking: what all sources that speak HTTP share. A request for a job with the proxy and the
 * authorities that are set, the way to the endpoint of a service, and the text a failed answer
 * becomes. Secrets in a body or a header keep the request off plain http (see http.h).
 */
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/aws_error.h"

#include "aws_cred_priv.h"

cJSON *cred_json_parse(const char *s, size_t n)
{
    require(s);
    cJSON *json = cJSON_ParseWithLength(s, n);

    if (json && !cJSON_IsObject(json)) {
        cred_json_free(json);
        return NULL;
    }
    return json;
}

static void on_answer(void *ctx, struct http_response *r)
{
    struct cred_job *job = ctx;

    job->http_id = 0;
    if (job->host) {
        job->is_clock_changed = aws_clock_learn(job->c, job->host, r, cred_now(job));
        int64_t off = aws_clock_offset_ms(job->c, job->host);
        job->skew_ms = llabs(off) >= 60000 ? off : 0;
    }
    job->on_http(job, r);
}

bool cred_send(struct cred_job *job, const struct http_request *req,
               void (*on_http)(struct cred_job *, struct http_response *))
{
    require(job && req && on_http);
    struct err e = { 0 };

    job->on_http = on_http;
    job->http_id = http_send(job->o.http, req, on_answer, job, &e);
    if (job->http_id)
        return true;
    cred_job_fail(job, &e);
    return false;
}

bool cred_answer_ok(struct cred_job *job, const struct http_response *r, struct aws_error *ae,
                    struct err *e)
{
    require(job && r && ae);
    const char *place = job->host ? job->host : r->url;

    *ae = (struct aws_error){ .fault = AWS_TRANSIENT, .code = "", .message = "" };
    if (r->err.code != ERR_NONE) {
        if (e) {
            *e = r->err;
            err_ctx(e, "asking %s", job->url);
        }
        return false;
    }
    aws_error_read(job->mem, r, ae);
    if (r->status >= 200 && r->status < 300)
        return true;
    enum err_code code = ae->fault == AWS_THROTTLED                       ? ERR_THROTTLED
                         : ae->fault == AWS_TRANSIENT || r->status >= 500 ? ERR_HTTP
                         : ae->fault == AWS_FINAL && r->status != 401 && r->status != 403
                             ? ERR_HTTP
                             : ERR_AUTH;
    return err_set(e, code, r->status, "%s said %s (%d)%s%s", place ? place : job->url, ae->code,
                   r->status, *ae->message ? ": " : "", ae->message);
}

/* "host[:port]" of an absolute URL as its Host header has it. */
static char *host_of(const char *url)
{
    const char *at = strstr(url, "://"), *start = at ? at + 3 : url;
    size_t n = strcspn(start, "/?#");
    const char *own = strncmp(url, "https:", 6) == 0 ? ":443" : ":80";
    size_t own_len = strlen(own);

    if (n > own_len && strncmp(start + n - own_len, own, own_len) == 0)
        n -= own_len;
    return xstrndup(start, n);
}

void cred_set_url(struct cred_job *job, const char *url)
{
    require(job && url);
    free(job->url);
    free(job->host);
    job->url = xstrdup(url);
    job->host = host_of(url);
}

bool cred_endpoint(struct cred_job *job, const char *service, const char *region, const char *path,
                   struct http_request *req, const char **signing_region)
{
    require(job && service && req);
    struct aws_endpoint ep = { 0 };
    struct err e = { 0 };

    if (!aws_endpoint_find(job->o.config, job->profile, service, region, NULL, job->mem, &ep, &e)) {
        cred_job_fail(job, &e);
        return false;
    }
    const char *base = ep.url;
    char *sign_in = arena_printf(job->mem, "https://signin.%s.amazonaws.", region);
    if (strcmp(service, "signin") == 0 && strncmp(base, sign_in, strlen(sign_in)) == 0) {
        /* The one service whose host begins with the region. */
        const char *tail = strcmp(aws_partition(region), "aws-cn") == 0 ? "signin.amazonaws.cn"
                           : strcmp(aws_partition(region), "aws-us-gov") == 0
                               ? "signin.amazonaws-us-gov.com"
                               : "signin.aws.amazon.com";
        base = arena_printf(job->mem, "https://%s.%s", region, tail);
    }
    cred_set_url(job, arena_printf(job->mem, "%s%s", base, path));
    *req = (struct http_request){ .method = "POST",
                                  .url = job->url,
                                  .ca_file = ep.ca_file ? ep.ca_file : job->o.ca_file,
                                  .proxy = job->o.proxy ? job->o.proxy
                                                        : aws_config_proxy(job->o.config, job->url),
                                  .body_max = CRED_FILE_MAX,
                                  .headers_are_secret = true };
    if (signing_region)
        *signing_region = ep.region;
    return true;
}
