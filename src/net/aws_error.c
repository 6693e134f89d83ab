/* Error codes of AWS answers in all their shapes, and what each asks for. See aws_error.h. */
#include "opsdeck/net/aws_error.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"
#include "opsdeck/decode/decode.h"
#include "opsdeck/net/redact.h"

#include "net_priv.h"

enum {
    MESSAGE_BYTES = 400,
    BODY_LOOKED_AT = 64 * 1024,
    WAIT_MAX_MS = 15 * 60 * 1000
};

static const struct {
    const char *code;
    enum aws_fault fault;
} codes[] = {
    { "Throttling", AWS_THROTTLED },
    { "ThrottlingException", AWS_THROTTLED },
    { "ThrottledException", AWS_THROTTLED },
    { "RequestThrottledException", AWS_THROTTLED },
    { "RequestThrottled", AWS_THROTTLED },
    { "TooManyRequestsException", AWS_THROTTLED },
    { "ProvisionedThroughputExceededException", AWS_THROTTLED },
    { "TransactionInProgressException", AWS_THROTTLED },
    { "RequestLimitExceeded", AWS_THROTTLED },
    { "BandwidthLimitExceeded", AWS_THROTTLED },
    { "LimitExceededException", AWS_THROTTLED },
    { "SlowDown", AWS_THROTTLED },
    { "PriorRequestNotComplete", AWS_THROTTLED },
    { "EC2ThrottledException", AWS_THROTTLED },
    { "KmsThrottled", AWS_THROTTLED },
    { "RequestTimeout", AWS_TRANSIENT },
    { "RequestTimeoutException", AWS_TRANSIENT },
    { "IDPCommunicationError", AWS_TRANSIENT },
    { "ExpiredToken", AWS_EXPIRED },
    { "ExpiredTokenException", AWS_EXPIRED },
    { "RequestTimeTooSkewed", AWS_SKEWED },
    { "RequestExpired", AWS_SKEWED },
    { "RequestInTheFuture", AWS_SKEWED },
    { "InvalidSignatureException", AWS_SKEWED },
    { "SignatureDoesNotMatch", AWS_SKEWED },
    { "AuthFailure", AWS_SKEWED },
    { "AccessDenied", AWS_DENIED },
    { "AccessDeniedException", AWS_DENIED },
    { "UnauthorizedOperation", AWS_DENIED },
    { "AuthorizationError", AWS_DENIED },
    { "AuthorizationErrorException", AWS_DENIED },
    { "NotAuthorized", AWS_DENIED },
    { "UnrecognizedClientException", AWS_BAD_KEYS },
    { "InvalidClientTokenId", AWS_BAD_KEYS },
    { "InvalidAccessKeyId", AWS_BAD_KEYS },
    { "MissingAuthenticationToken", AWS_BAD_KEYS },
    { "MissingAuthenticationTokenException", AWS_BAD_KEYS },
    { "IncompleteSignature", AWS_BAD_KEYS },
    { "IncompleteSignatureException", AWS_BAD_KEYS },
    { "InvalidSecurity", AWS_BAD_KEYS },
    { "SubscriptionRequiredException", AWS_UNAVAILABLE },
    { "OptInRequired", AWS_UNAVAILABLE },
    { "RegionDisabledException", AWS_UNAVAILABLE },
};

/* ---- the three places a code can be */

/* "com.amazonaws.x#Name", "Name:http://...": what is between the last # and the first colon. */
static char *bare_code(struct arena *mem, const char *s)
{
    size_t n = strcspn(s, ":");
    char *cut = arena_strndup(mem, s, n), *hash = strrchr(cut, '#');

    return utf8_clean_dup(mem, hash ? hash + 1 : cut, strlen(hash ? hash + 1 : cut), 100,
                          UTF8_LINE);
}

static const char *text_of(const cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

    return cJSON_IsString(v) && *v->valuestring ? v->valuestring : NULL;
}

static const char *first_text(const cJSON *o, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *s = text_of(o, names[i]);
        if (s)
            return s;
    }
    return NULL;
}

static void take(struct arena *mem, const cJSON *o, struct aws_error *out)
{
    static const char *const code_names[] = { "__type", "code", "Code" };
    static const char *const message_names[] = { "message", "Message", "errorMessage" };
    const char *code = first_text(o, code_names, ARRAY_LEN(code_names));
    const char *message = first_text(o, message_names, ARRAY_LEN(message_names));

    if (code && !out->code)
        out->code = bare_code(mem, code);
    if (message)
        out->message = message; /* cleaned before the document goes */
}

/* <ErrorResponse><Error>, <Response><Errors><Error>, <Error>. */
static const cJSON *xml_error(const cJSON *doc)
{
    static const char *const steps[] = { "ErrorResponse", "Response", "Errors", "Error" };
    const cJSON *at = doc;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        const cJSON *next = cJSON_GetObjectItemCaseSensitive(at, steps[i]);
        if (cJSON_IsArray(next))
            next = cJSON_GetArrayItem(next, 0);
        if (cJSON_IsObject(next))
            at = next;
    }
    return at;
}

static char *clean_message(struct arena *mem, const char *s)
{
    struct sbuf sb;

    sbuf_init(&sb, BODY_LOOKED_AT * 8);
    const char *more = strstr(s, "\n\n"); /* a refused signature goes on with all that was signed */
    sbuf_add(&sb, s, more ? (size_t)(more - s) : strnlen(s, BODY_LOOKED_AT));
    redact_text(&sb);
    char *out = utf8_clean_dup(mem, sb.buf, sb.len, MESSAGE_BYTES, UTF8_LINE);
    sbuf_release(&sb);
    return out;
}

static void read_body(struct arena *mem, const struct http_response *r, struct aws_error *out)
{
    const char *s = r->body + strspn(r->body, " \t\r\n\xef\xbb\xbf");
    size_t left = r->body_len - (size_t)(s - r->body);
    struct sbuf json;
    struct err ignored = { 0 };

    if (!left || left > BODY_LOOKED_AT)
        return;
    sbuf_init(&json, BODY_LOOKED_AT * 8);
    bool is_xml = *s == '<';
    bool ok = is_xml ? xml_to_json(s, left, &json, &ignored) : json_door(s, left, &json, &ignored);
    cJSON *doc = ok ? cJSON_ParseWithLength(json.buf, json.len) : NULL;
    if (cJSON_IsObject(doc))
        take(mem, is_xml ? xml_error(doc) : doc, out);
    if (*out->message)
        out->message = clean_message(mem, out->message);
    cJSON_Delete(doc);
    sbuf_release(&json);
}

/* ---- who may not do what */

char *aws_arn_account(struct arena *mem, const char *arn)
{
    int colons = 0;

    for (const char *p = arn; p && *p; p++) {
        colons += *p == ':';
        if (*p == ':' && colons == 4)
            return strspn(p + 1, "0123456789") == 12 ? arena_strndup(mem, p + 1, 12) : NULL;
    }
    return NULL;
}

/* "User: ARN is not authorized to perform: ACTION on resource: ...": AWS's own sentence. */
static void read_denial(struct arena *mem, struct aws_error *out)
{
    static const char who[] = "User: ", what[] = "not authorized to perform: ";
    const char *u = strstr(out->message, who), *a = strstr(out->message, what);

    if (u) {
        u += sizeof who - 1;
        out->principal = arena_strndup(mem, u, strcspn(u, " "));
        out->account = aws_arn_account(mem, out->principal);
    }
    if (a) {
        a += sizeof what - 1;
        out->action = arena_strndup(mem, a, strcspn(a, " ,"));
    }
}

static enum aws_fault fault_of(const struct aws_error *err, const struct http_response *r)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (!strcmp(err->code, codes[i].code))
            return codes[i].fault;
    if (r->status == 429)
        return AWS_THROTTLED;
    if (r->status == 500 || (r->status >= 502 && r->status <= 504))
        return AWS_TRANSIENT;
    return AWS_FINAL;
}

void aws_error_read(struct arena *mem, const struct http_response *r, struct aws_error *out)
{
    require(mem && r && out);
    *out = (struct aws_error){ .message = "" };
    if (r->err.code) {
        out->code = err_word(r->err.code);
        out->message = arena_strdup(mem, r->err.text);
        out->fault = retry_class_of(r) == RETRY_BACKOFF ? AWS_TRANSIENT : AWS_FINAL;
        return;
    }
    if (r->status >= 200 && r->status < 300)
        return;
    const char *type = http_response_header(r, "x-amzn-errortype");
    const char *query = http_response_header(r, "x-amzn-query-error");
    if (type && *type)
        out->code = bare_code(mem, type);
    read_body(mem, r, out);
    if (query)
        out->legacy = arena_strndup(mem, query, strcspn(query, ";"));
    if (!out->code || !*out->code)
        out->code = arena_printf(mem, "HTTP %d", r->status);
    out->fault = fault_of(out, r);
    read_denial(mem, out);
}

enum retry_class aws_retry_class(enum aws_fault f)
{
    require(f >= 0);
    return f == AWS_THROTTLED ? RETRY_THROTTLE : f == AWS_TRANSIENT ? RETRY_BACKOFF : RETRY_NO;
}

int64_t aws_retry_after_ms(const struct http_response *r, int64_t now_ms)
{
    require(r);
    const char *own = http_response_header(r, "x-amz-retry-after");
    int64_t ms;

    if (own && str_to_i64(own, 0, WAIT_MAX_MS, &ms))
        return ms;
    return retry_after_ms(r, now_ms);
}
