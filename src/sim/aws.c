/* From a signed request to its operation. See aws.h. */
#include "aws.h"

#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "answers.h"
#include "aws_call.h"
#include "aws_story.h"
#include "routes.h"

bool aws_init(struct aws *a, int64_t start_ms, double speed, const struct aws_step *variant)
{
    *a = (struct aws){ 0 };
    aws_estate_init(&a->estate, start_ms);
    a->estate.speed = speed;
    a->estate.variant = variant;
    aws_keys_init(&a->keys);
    a->answers = answers_load();
    return a->answers != NULL;
}

void aws_release(struct aws *a)
{
    aws_estate_release(&a->estate);
    aws_keys_release(&a->keys);
    answers_free(a->answers);
}

bool aws_is_request(const struct sim_request *rq)
{
    const char *auth = sim_header(rq, "Authorization");

    return (auth && strncmp(auth, "AWS4-HMAC-SHA256", 16) == 0) || sim_header(rq, "X-Amz-Target");
}

static const struct aws_service *find_service(const char *name, const char *target)
{
    for (size_t i = 0; i < aws_nservices; i++) {
        const struct aws_service *s = &aws_services[i];
        size_t n = s->target ? strlen(s->target) : 0;
        if (name ? strcmp(s->name, name) == 0
                 : n && strncmp(target, s->target, n) == 0 && target[n] == '.')
            return s;
    }
    return NULL;
}

/* The template's "{}" take one segment each; the path is as on the wire. */
static bool matches(const char *route, const struct sim_request *rq, char args[2][256])
{
    size_t nmethod = strcspn(route, " "), narg = 0;
    const char *t = route + nmethod + 1, *p = rq->target, *end = p + strcspn(p, "?");

    if (strlen(rq->method) != nmethod || strncmp(route, rq->method, nmethod) != 0)
        return false;
    if (end > p + 1 && end[-1] == '/')
        end--; /* older clients end some paths in a slash */
    while (*t) {
        if (strncmp(t, "{}", 2) != 0) {
            if (p == end || *p++ != *t++)
                return false;
            continue;
        }
        size_t n = 0;
        while (p + n < end && p[n] != '/')
            n++;
        if (n == 0 || narg == 2 || !aws_unescape(p, n, false, args[narg++], 256))
            return false;
        p += n;
        t += 2;
    }
    return p == end;
}

/* What an X-Amz-Target or Action says; NULL: nothing. */
static const char *spoken_name(const struct aws_call *c, const struct sim_request *rq)
{
    const char *target = sim_header(rq, "X-Amz-Target");
    size_t n = c->service->target ? strlen(c->service->target) : 0;

    if (c->service->protocol == AWS_QUERY)
        return aws_in(c, "Action");
    if (c->service->protocol != AWS_JSON || !c->service->target || !target)
        return NULL;
    return strncmp(target, c->service->target, n) == 0 && target[n] == '.' ? target + n + 1 : NULL;
}

/* For the log, even when there is no such operation: there it matters what was asked for. */
static void note_asked(struct aws_call *c, const struct sim_request *rq)
{
    const char *name = spoken_name(c, rq);

    if (name)
        snprintf(c->asked, sizeof c->asked, "%s", name);
    else
        snprintf(c->asked, sizeof c->asked, "%s %.*s", rq->method, (int)strcspn(rq->target, "?"),
                 rq->target);
}

static const struct aws_op *find_op(struct aws_call *c, const struct sim_request *rq,
                                    const struct aws_op *ops, size_t n)
{
    const char *name = spoken_name(c, rq);

    for (size_t i = 0; i < n; i++) {
        const struct aws_op *op = &ops[i];
        if (strcmp(op->service, c->service->name) != 0)
            continue;
        if (op->route ? matches(op->route, rq, c->args) : name && strcmp(op->name, name) == 0)
            return op;
    }
    return NULL;
}

/* The same refusals have other codes and statuses in each protocol. */
static void refuse(struct aws_call *c, enum aws_verdict v, const char *text)
{
    static const struct {
        const char *json, *xml;
    } codes[] = {
        [AWS_UNSIGNED] = { "MissingAuthenticationTokenException", "MissingAuthenticationToken" },
        [AWS_INCOMPLETE] = { "IncompleteSignatureException", "IncompleteSignature" },
        [AWS_UNKNOWN_KEY] = { "UnrecognizedClientException", "InvalidClientTokenId" },
        [AWS_EXPIRED_TOKEN] = { "ExpiredTokenException", "ExpiredToken" },
        [AWS_SKEWED] = { "InvalidSignatureException", "SignatureDoesNotMatch" },
        [AWS_MISSIGNED] = { "InvalidSignatureException", "SignatureDoesNotMatch" },
    };
    enum aws_protocol p = c->service->protocol;
    bool is_json = p == AWS_JSON || p == AWS_REST_JSON;

    aws_fail(c, p == AWS_JSON ? 400 : 403, is_json ? codes[v].json : codes[v].xml, "%s", text);
}

static void authenticate(struct aws_call *c, const struct sim_request *rq, enum aws_verdict v)
{
    char text[400] = "Missing Authentication Token";

    if (v == AWS_SIGNED)
        v = aws_caller_check(&c->who, c->keys, rq, c->now_s, text, sizeof text);
    else if (v == AWS_INCOMPLETE)
        snprintf(text, sizeof text, "Authorization header is not complete");
    if (v != AWS_SIGNED) {
        refuse(c, v, text);
        return;
    }
    c->account = c->who.key->account;
    if (c->service->is_global && strcmp(c->region, "us-east-1") != 0) {
        snprintf(text, sizeof text, "Credential should be scoped to a valid region, not '%s'.",
                 c->region);
        refuse(c, AWS_MISSIGNED, text);
    }
}

static void deny(struct aws_call *c, const struct aws_op *op)
{
    enum aws_protocol p = c->service->protocol;

    aws_fail(c, p == AWS_JSON ? 400 : 403,
             p == AWS_JSON || p == AWS_REST_JSON ? "AccessDeniedException" : "AccessDenied",
             "User: %s is not authorized to perform: %s:%s on resource: * because no "
             "identity-based policy allows the %s:%s action",
             c->who.key->arn, op->service, op->name, op->service, op->name);
}

static bool is_json_request(const struct sim_request *rq)
{
    return rq->content_type && strncmp(rq->content_type, "application/x-amz-json-1.", 25) == 0;
}

static void run(struct aws *a, struct aws_call *c, const struct sim_request *rq)
{
    size_t n;
    const struct aws_op *data = answers_ops(a->answers, &n);

    aws_wire_read(c, rq);
    note_asked(c, rq);
    const struct aws_op *op = c->status ? NULL : find_op(c, rq, aws_ops, aws_nops);
    if (c->status)
        return;
    if (!op)
        op = find_op(c, rq, data, n);
    if (!op || (c->service->protocol == AWS_JSON && !is_json_request(rq))) {
        bool is_xml = c->service->protocol == AWS_QUERY || c->service->protocol == AWS_REST_XML;
        aws_fail(c, is_xml ? 400 : 404, is_xml ? "InvalidAction" : "UnknownOperationException",
                 "The demo does not know this operation.");
        if (c->service->protocol == AWS_JSON)
            c->status = 400;
        return;
    }
    c->op = op->name;
    if (c->es->denied && strcmp(c->es->denied, op->name) == 0)
        deny(c, op);
    else if (op->run)
        op->run(c);
    else
        answers_run(a->answers, c, op);
}

/* Made by cJSON: key ids and names come from outside. */
static void write_log(FILE *log, const struct aws_call *c, int status)
{
    cJSON *o = cJSON_CreateObject();

    aws_put(o, "service", c->service->name);
    aws_put(o, "operation", *c->op ? c->op : c->asked);
    aws_put(o, "key", c->who.key_id);
    aws_put(o, "region", c->region);
    aws_put_int(o, "status", status);
    if (c->status)
        aws_put(o, "error", c->code);
    char *line = cJSON_PrintUnformatted(o);
    fprintf(log, "%s\n", line ? line : "{}");
    fflush(log);
    cJSON_free(line);
    cJSON_Delete(o);
}

void aws_answer(struct aws *a, const struct sim_request *rq, int64_t now_ms, double story_s,
                struct sim_reply *out)
{
    static const struct aws_service unknown = {
        .name = "unknown", .protocol = AWS_JSON, .minor = "1", .bad_request = "ValidationException"
    };
    const char *target = sim_header(rq, "X-Amz-Target");
    struct aws_call c = { .es = &a->estate,
                          .keys = &a->keys,
                          .op = "",
                          .now_s = now_ms / 1000,
                          .in = cJSON_CreateObject(),
                          .out = cJSON_CreateObject() };
    enum aws_verdict v = aws_caller_read(&c.who, rq);

    aws_story_tell(&a->estate, story_s);
    c.region = c.who.region;
    c.service = find_service(v == AWS_SIGNED ? c.who.service : NULL, target ? target : "");
    if (!c.service)
        c.service = &unknown;
    authenticate(&c, rq, v);
    if (!c.status)
        run(a, &c, rq);
    aws_wire_answer(&c, a->serial++, out);
    if (a->log)
        write_log(a->log, &c, out->status);
    cJSON_Delete(c.in);
    cJSON_Delete(c.out);
}
