/*
 * Sending an AWS request: keys of its profile (asynchronously), endpoint of its service, signature
 * of this moment, then HTTP. Retries come through here again, so they are signed anew. Connections
 * are shared inside one profile only.
 */
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/aws_config.h"
#include "opsdeck/net/aws_credentials.h"
#include "opsdeck/net/aws_sign.h"

#include "engine_priv.h"

enum {
    SKEW_MS = 4 * 60 * 1000
};

struct aws_link {
    struct aws_config *config;
    struct aws_creds *creds;
    struct aws_signer *signer;
};

/* One request on its way to the wire; lives in the item's arena. */
struct aws_sending {
    struct item *it;
    http_done_fn *answered;       /* of the request, or */
    void (*ready)(struct item *); /* there are keys */
    void (*failed)(struct item *, struct err *);
};

struct aws_link *aws_link_new(struct engine *en)
{
    require(en && en->o.settings);
    struct aws_link *a = xcalloc(1, sizeof *a);
    const struct settings *s = en->o.settings;

    a->config = aws_config_load(NULL, NULL);
    a->signer = aws_signer_new();
    const struct aws_creds_opts o = { .loop = en->o.loop,
                                      .http = en->http,
                                      .clock = en->o.clock,
                                      .config = a->config,
                                      .ask_mfa = en->o.hooks.ask_mfa,
                                      .ask_ctx = en->o.hooks.ctx,
                                      .ca_file = s->network.ca_file,
                                      .proxy = s->network.proxy };
    a->creds = aws_creds_new(&o);
    return a;
}

void aws_link_free(struct aws_link *a)
{
    if (!a)
        return;
    aws_creds_free(a->creds);
    aws_config_free(a->config);
    aws_signer_free(a->signer);
    free(a);
}

static struct engine *engine_of(const struct item *it)
{
    return it->run->slot->en;
}

static const struct source_cfg *cfg_of(const struct item *it)
{
    return run_source(it->run)->cfg;
}

static const char *profile_of(const struct item *it)
{
    const char *profile = cfg_of(it)->aws.profile;

    return profile && *profile ? profile : NULL;
}

/* "host:port" of a URL as libcurl sends it, and the path prefix behind it. */
static const char *split_url(struct arena *mem, const char *url, const char **prefix)
{
    const char *host = strstr(url, "://");

    host = host ? host + 3 : url;
    size_t n = strcspn(host, "/?#");
    *prefix = arena_strdup(mem, host + n);
    bool is_https = !strncmp(url, "https:", 6);
    const char *port = is_https ? ":443" : ":80";
    size_t np = strlen(port);
    if (n > np && !strncmp(host + n - np, port, np))
        n -= np;
    return arena_strndup(mem, host, n);
}

static bool sign(struct item *it, const struct aws_keys *keys, const struct aws_endpoint *ep,
                 struct err *e)
{
    struct engine *en = engine_of(it);
    struct request_plan *plan = &it->plan;
    struct http_request *rq = &plan->http;
    const char *prefix, *host = split_url(it->mem, ep->url, &prefix);
    const char *path = arena_printf(it->mem, "%s%s", prefix, plan->aws.path);
    int64_t now = clock_wall_ms(en->o.clock);
    const struct aws_signing in = {
        .method = rq->method,
        .host = host,
        .path = path,
        .query = plan->aws.query,
        .headers = rq->headers,
        .nheaders = rq->nheaders,
        .body = rq->body,
        .body_len = rq->body_len,
        .access_key_id = keys->access_key_id,
        .secret_key = keys->secret_key,
        .session_token = keys->session_token,
        .region = ep->region,
        .service = ep->signing_name,
        .at_ms = now + aws_clock_offset_ms(en->aws->creds, host),
    };
    it->signed_offset_ms = in.at_ms - now;
    struct http_header *all =
        arena_array(it->mem, rq->nheaders + AWS_SIGN_HEADERS_MAX, sizeof *all);
    size_t added;

    if (rq->nheaders)
        memcpy(all, rq->headers, rq->nheaders * sizeof *all);
    if (!aws_sign(en->aws->signer, &in, it->mem, all + rq->nheaders, &added, e))
        return false;
    rq->headers = all;
    rq->nheaders += added;
    rq->url = arena_printf(it->mem, "%s%s%s%s", ep->url, plan->aws.path, plan->aws.query ? "?" : "",
                           plan->aws.query ? plan->aws.query : "");
    return true;
}

static bool send_signed(const struct aws_sending *s, const struct aws_keys *keys, struct err *e)
{
    struct item *it = s->it;
    struct engine *en = engine_of(it);
    struct http_request *rq = &it->plan.http;
    const struct source_cfg *cfg = cfg_of(it);
    const char *region = it->plan.aws.region ? it->plan.aws.region
                         : cfg->aws.region   ? cfg->aws.region
                                             : keys->region;
    struct aws_endpoint ep;

    if (!aws_endpoint_find(en->aws->config, profile_of(it), it->plan.aws.service, region,
                           cfg->aws.endpoint_url, it->mem, &ep, e) ||
        !sign(it, keys, &ep, e) || !item_may_send(it, e))
        return false;
    if (ep.ca_file && !cfg->ca_file)
        rq->ca_file = ep.ca_file;
    if (!rq->proxy)
        rq->proxy = aws_config_proxy(en->aws->config, ep.url);
    rq->group = arena_printf(it->mem, "aws %s", profile_of(it) ? profile_of(it) : "");
    free(it->key_id);
    it->key_id = xstrdup(keys->access_key_id);
    it->http_id = http_send(en->http, rq, s->answered, it, e);
    return it->http_id != 0;
}

static void on_keys(void *ctx, const struct aws_keys *keys, const struct err *e)
{
    const struct aws_sending *s = ctx;
    struct err err = { 0 };

    s->it->sending = NULL;
    if (keys && s->ready) {
        s->ready(s->it);
        return;
    }
    if (!keys)
        err = *e;
    else if (send_signed(s, keys, &err))
        return;
    if (!err.code)
        err.code = ERR_AUTH;
    s->failed(s->it, &err);
}

static void ask_keys(const struct aws_sending *what)
{
    struct item *it = what->it;
    struct engine *en = engine_of(it);
    const struct source_cfg *cfg = cfg_of(it);
    struct aws_sending *s = arena_alloc(it->mem, sizeof *s);

    *s = *what;
    it->sending = s;
    aws_creds_get(en->aws->creds, profile_of(it), cfg->aws.region, on_keys, s);
}

void aws_wait_keys(struct item *it, void (*ready)(struct item *),
                   void (*failed)(struct item *, struct err *))
{
    require(it && ready && failed);
    ask_keys(&(struct aws_sending){ .it = it, .ready = ready, .failed = failed });
}

void aws_send(struct item *it, http_done_fn *answered, void (*failed)(struct item *, struct err *))
{
    require(it && answered && failed);
    ask_keys(&(struct aws_sending){ .it = it, .answered = answered, .failed = failed });
}

void aws_send_cancel(struct item *it)
{
    require(it);
    if (it->sending)
        aws_creds_cancel(engine_of(it)->aws->creds, it->sending);
    it->sending = NULL;
}

bool aws_clock_was_wrong(struct item *it, const struct http_response *r)
{
    require(it && r);
    struct engine *en = engine_of(it);
    const char *rest, *host = split_url(it->mem, it->plan.http.url, &rest);

    aws_clock_learn(en->aws->creds, host, r, clock_wall_ms(en->o.clock));
    /* A sister may have learned it a moment ago: what counts is the clock this one was signed by.
     */
    int64_t off = aws_clock_offset_ms(en->aws->creds, host) - it->signed_offset_ms;
    return off >= SKEW_MS || off <= -SKEW_MS;
}

void aws_keys_ended(struct item *it)
{
    require(it);
    aws_creds_expired(engine_of(it)->aws->creds, profile_of(it), it->key_id ? it->key_id : "");
}
