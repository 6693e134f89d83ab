/* Requests taken apart and answers written, in the four protocols. See aws_call.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"

#include "aws_call.h"
#include "pages.h"
#include "routes.h"

enum {
    VALUE_MAX = 16 * 1024
};

/* ---- in */

static int hex_digit(char c)
{
    c = (char)tolower((unsigned char)c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool aws_unescape(const char *s, size_t n, bool is_form, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        if (len + 1 >= size)
            return false;
        if (s[i] == '%' && i + 2 < n && hex_digit(s[i + 1]) >= 0 && hex_digit(s[i + 2]) >= 0) {
            out[len++] = (char)(hex_digit(s[i + 1]) * 16 + hex_digit(s[i + 2]));
            i += 2;
        } else {
            out[len++] = s[i] == '+' && is_form ? ' ' : s[i];
        }
    }
    out[len] = '\0';
    return true;
}

/* name=value pairs as members; what is too long is left out. */
static void read_pairs(cJSON *in, const char *s, size_t n, bool is_form)
{
    char name[256], *value = xmalloc(VALUE_MAX);

    for (size_t i = 0; i < n;) {
        const char *amp = memchr(s + i, '&', n - i);
        size_t len = amp ? (size_t)(amp - s) - i : n - i;
        const char *eq = memchr(s + i, '=', len);
        size_t nname = eq ? (size_t)(eq - s) - i : len;
        if (nname && aws_unescape(s + i, nname, is_form, name, sizeof name) &&
            aws_unescape(eq ? eq + 1 : "", eq ? len - nname - 1 : 0, is_form, value, VALUE_MAX))
            cJSON_AddStringToObject(in, name, value);
        i += len + 1;
    }
    free(value);
}

void aws_wire_read(struct aws_call *c, const struct sim_request *rq)
{
    enum aws_protocol p = c->service->protocol;
    const char *query = strchr(rq->target, '?');

    if (rq->body_len && (p == AWS_JSON || p == AWS_REST_JSON)) {
        const char *end = NULL;
        cJSON *in = cJSON_ParseWithLengthOpts(rq->body, rq->body_len, &end, 0);
        if (!cJSON_IsObject(in)) {
            cJSON_Delete(in);
            aws_fail(c, 400, "SerializationException", "the body is no JSON object");
            return;
        }
        cJSON_Delete(c->in);
        c->in = in;
    }
    if (p == AWS_QUERY)
        read_pairs(c->in, rq->body, rq->body_len, true);
    else if (query)
        read_pairs(c->in, query + 1, strlen(query + 1), false);
}

/* ---- out: XML */

/* Lists whose elements have a name of their own. */
static const struct {
    const char *list, *element;
} ELEMENTS[] = {
    { "DBInstances", "DBInstance" },
    { "HealthChecks", "HealthCheck" },
    { "HealthCheckObservations", "HealthCheckObservation" },
    { "DistributionSummaries", "DistributionSummary" },
};

static void xml_text(struct sbuf *out, const char *s)
{
    for (; *s; s++) {
        const char *entity = *s == '&'   ? "&amp;"
                             : *s == '<' ? "&lt;"
                             : *s == '>' ? "&gt;"
                             : *s == '"' ? "&quot;"
                                         : NULL;
        if (entity)
            sbuf_adds(out, entity);
        else
            sbuf_addc(out, *s);
    }
}

static void xml_member(struct sbuf *out, const char *name, const cJSON *v);

static void xml_children(struct sbuf *out, const char *name, const cJSON *v)
{
    const char *element = "member";
    const cJSON *item;

    for (size_t i = 0; i < ARRAY_LEN(ELEMENTS); i++)
        if (strcmp(ELEMENTS[i].list, name) == 0)
            element = ELEMENTS[i].element;
    cJSON_ArrayForEach (item, v)
        xml_member(out, cJSON_IsArray(v) ? element : item->string, item);
}

static void xml_member(struct sbuf *out, const char *name, const cJSON *v)
{
    /* CloudFront calls the list of its distributions Items, as it calls all its lists. */
    const char *tag = strcmp(name, "DistributionSummaries") == 0 ? "Items" : name;

    sbuf_addf(out, "<%s>", tag);
    if (cJSON_IsObject(v) || cJSON_IsArray(v)) {
        xml_children(out, name, v);
    } else if (cJSON_IsString(v)) {
        xml_text(out, v->valuestring);
    } else {
        char *text = cJSON_PrintUnformatted(v);
        sbuf_adds(out, text ? text : "");
        cJSON_free(text);
    }
    sbuf_addf(out, "</%s>", tag);
}

static void xml_answer(const struct aws_call *c, const char *id, struct sbuf *out)
{
    char root[96];

    snprintf(root, sizeof root, "%s%s", c->root ? c->root : c->op, c->root ? "" : "Response");
    if (c->service->protocol == AWS_REST_XML)
        sbuf_adds(out, "<?xml version=\"1.0\"?>\n");
    sbuf_addf(out, "<%s xmlns=\"%s\">", root, c->service->space);
    if (c->service->protocol == AWS_QUERY)
        sbuf_addf(out, "<%sResult>", c->op);
    xml_children(out, root, c->out);
    if (c->service->protocol == AWS_QUERY)
        sbuf_addf(out, "</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>",
                  c->op, id);
    sbuf_addf(out, "</%s>", root);
}

static void xml_error(const struct aws_call *c, const char *id, struct sbuf *out)
{
    sbuf_addf(out, "<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type><Code>", c->service->space,
              c->status < 500 ? "Sender" : "Receiver");
    xml_text(out, c->code);
    sbuf_adds(out, "</Code><Message>");
    xml_text(out, c->message);
    sbuf_addf(out, "</Message></Error><RequestId>%s</RequestId></ErrorResponse>", id);
}

/* ---- out */

static void json_error(const struct aws_call *c, struct sim_reply *out)
{
    bool is_lambda = strcmp(c->service->name, "lambda") == 0;
    cJSON *o = cJSON_CreateObject();

    if (c->service->protocol == AWS_REST_JSON) {
        sim_reply_header(out, "x-amzn-ErrorType", c->code);
        if (is_lambda)
            aws_put(o, "Type", c->status < 500 ? "User" : "Service");
    } else {
        aws_putf(o, "__type", "%s%s%s", c->service->space ? c->service->space : "",
                 c->service->space ? "#" : "", c->code);
    }
    aws_put(o, is_lambda ? "Message" : "message", c->message);
    if (c->legacy[0]) {
        char value[120];
        snprintf(value, sizeof value, "%s;Sender", c->legacy);
        sim_reply_header(out, "x-amzn-query-error", value);
    }
    char *text = cJSON_PrintUnformatted(o);
    sbuf_adds(&out->body, text ? text : "");
    cJSON_free(text);
    cJSON_Delete(o);
}

static void json_answer(const struct aws_call *c, struct sim_reply *out)
{
    char *text = cJSON_PrintUnformatted(c->out);

    sbuf_adds(&out->body, text ? text : "");
    cJSON_free(text);
}

void aws_wire_answer(const struct aws_call *c, uint64_t serial, struct sim_reply *out)
{
    enum aws_protocol p = c->service->protocol;
    uint64_t h = sim_hash(serial, 7), l = sim_hash(serial, 8);
    char id[40];

    snprintf(id, sizeof id, "%08x-%04x-4%03x-9%03x-%012llx", (unsigned)(h >> 32),
             (unsigned)(h & 0xffff), (unsigned)(h >> 16 & 0xfff), (unsigned)(l >> 52),
             (unsigned long long)(l & 0xffffffffffff));
    sim_reply_header(out, "x-amzn-RequestId", id);
    out->status = c->status ? c->status : 200;
    if (p == AWS_JSON || p == AWS_REST_JSON) {
        out->content_type = p == AWS_REST_JSON                    ? "application/json"
                            : strcmp(c->service->minor, "0") == 0 ? "application/x-amz-json-1.0"
                                                                  : "application/x-amz-json-1.1";
        if (c->status)
            json_error(c, out);
        else
            json_answer(c, out);
        return;
    }
    out->content_type = "text/xml";
    if (c->status)
        xml_error(c, id, &out->body);
    else
        xml_answer(c, id, &out->body);
}
