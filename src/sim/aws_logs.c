/* CloudWatch Logs (groups, events, Insights queries) and X-Ray traces. */
#include <stdio.h>
#include <string.h>

#include "opsdeck/base/mem.h"

#include "aws_call.h"
#include "aws_ops.h"
#include "estate.h"

enum {
    NAME_SIZE = 160,
    EVENT_EVERY_S = 45,
    EVENTS_MAX = 2000,
    ROWS = 5,
    TRACES = 12
};

static const struct aws_paging GROUP_PAGES = { "nextToken", "limit", "nextToken",
                                               50,          50,      "InvalidParameterException" };
static const struct aws_paging EVENT_PAGES = { "nextToken", "limit", "nextToken",
                                               10000,       10000,   "InvalidParameterException" };
static const struct aws_paging TRACE_PAGES = { "NextToken", NULL, "NextToken",
                                               5,           5,    "InvalidRequestException" };

/* The i-th log group of the account; false past the last. */
static bool group_at(const struct aws_call *c, size_t i, char name[NAME_SIZE])
{
    for (size_t b = 0; b < c->es->nbg; b++)
        for (unsigned k = 0; k < AWS_FNS; k++) {
            const struct aws_bg *bg = &c->es->bg[b];
            if (bg->account != c->account || !(bg->functions & 1u << k) || i-- > 0)
                continue;
            snprintf(name, NAME_SIZE, "/aws/lambda/uec-dos-int-%s-%s", bg->name, aws_fns[k].name);
            return true;
        }
    for (size_t s = 0; s < c->es->nshared; s++) {
        if (c->es->shared[s].account != c->account || i-- > 0)
            continue;
        snprintf(name, NAME_SIZE, "/aws/api-gateway/uec-dos-int-%s-di-endpoint",
                 c->es->shared[s].name);
        return true;
    }
    if (c->account != AWS_MGMT || i > 0)
        return false;
    snprintf(name, NAME_SIZE, "/aws/codebuild/uec-dos-int-dev-deploy-stage");
    return true;
}

void aws_logs_groups(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    char name[NAME_SIZE], arn[256];

    for (size_t i = 0; strcmp(c->region, "eu-west-2") == 0 && group_at(c, i, name); i++) {
        if (!aws_has_prefix(name, aws_in(c, "logGroupNamePrefix")))
            continue;
        cJSON *o = aws_put_object(all, NULL);
        aws_put(o, "logGroupName", name);
        aws_put_int(o, "creationTime", aws_time_ms(c, 1764670800));
        aws_put_int(o, "retentionInDays", 30);
        aws_arn(c, arn, sizeof arn, "logs", "log-group:%s:*", name);
        aws_put(o, "arn", arn);
        aws_put_int(o, "storedBytes", 1048576 + (int64_t)i * 4096);
    }
    aws_put_page(c, "logGroups", all, &GROUP_PAGES);
}

static bool has_group(struct aws_call *c, const char *asked)
{
    char name[NAME_SIZE];

    for (size_t i = 0; asked && strcmp(c->region, "eu-west-2") == 0 && group_at(c, i, name); i++)
        if (strcmp(name, asked) == 0)
            return true;
    aws_fail(c, 400, "ResourceNotFoundException", "The specified log group does not exist.");
    return false;
}

/* Lines as a function writes them; the fourth shows what a terminal must not be given as it is. */
static void line_at(int64_t t, char *out, size_t size)
{
    static const char *const texts[] = {
        "Change event received",     "Updated the service",
        "No changes needed",         "\\u001b[31mOpening times are not valid\\u001b[0m",
        "Sent to the holding queue",
    };
    uint64_t dice = sim_hash(31, (uint64_t)t);
    size_t k = dice % ARRAY_LEN(texts);

    snprintf(out, size,
             "{\"level\":\"%s\",\"message\":\"%s\",\"correlation_id\":\"demo-%06llx\","
             "\"ods_code\":\"FD%03d\"}",
             k == 3 ? "ERROR" : "INFO", texts[k], (unsigned long long)(dice >> 40),
             (int)(dice / 16 % 1000));
}

/* A bare or quoted term must be in the line; patterns over JSON match their last quoted word. */
static bool matches(const char *line, const char *pattern)
{
    char term[128];
    const char *end, *at = pattern ? pattern : "";
    size_t n = strlen(at);

    if (n == 0)
        return true;
    end = strrchr(at, '"');
    if (end) {
        const char *p = end;
        while (p > at && p[-1] != '"')
            p--;
        n = (size_t)(end - p);
        at = p;
    }
    snprintf(term, sizeof term, "%.*s", (int)n, at);
    return strstr(line, term) != NULL;
}

void aws_logs_filter(struct aws_call *c)
{
    const char *group = aws_in(c, "logGroupName"), *pattern = aws_in(c, "filterPattern");
    int64_t to = aws_in_int(c, "endTime", c->now_s * 1000) / 1000;
    int64_t from = aws_in_int(c, "startTime", (c->now_s - 3600) * 1000) / 1000;
    int64_t first = (from + EVENT_EVERY_S - 1) / EVENT_EVERY_S * EVENT_EVERY_S;
    char line[400];

    if (!has_group(c, group))
        return;
    if (to > c->now_s)
        to = c->now_s;
    if (first < to - EVENTS_MAX * EVENT_EVERY_S)
        first = (to / EVENT_EVERY_S - EVENTS_MAX) * EVENT_EVERY_S;
    cJSON *all = cJSON_CreateArray();
    for (int64_t t = first; t <= to; t += EVENT_EVERY_S) {
        line_at(t, line, sizeof line);
        if (!matches(line, pattern))
            continue;
        cJSON *o = aws_put_object(all, NULL);
        aws_put(o, "logStreamName", "2026/02/03/[$LATEST]0123456789abcdef0123456789abcdef");
        aws_put_int(o, "timestamp", t * 1000 + 123);
        aws_put(o, "message", line);
        aws_put_int(o, "ingestionTime", t * 1000 + 900);
        aws_putf(o, "eventId", "3%055lld", (long long)t);
    }
    aws_put_page(c, "events", all, &EVENT_PAGES);
    aws_put_array(c->out, "searchedLogStreams");
}

/* The newest events of one stream, the oldest of them first. */
void aws_logs_get(struct aws_call *c)
{
    int64_t limit = aws_in_int(c, "limit", EVENTS_MAX);
    int64_t last = c->now_s / EVENT_EVERY_S;
    char line[400];

    if (!aws_need(c, "logStreamName") || !has_group(c, aws_in(c, "logGroupName")))
        return;
    if (limit < 1 || limit > EVENTS_MAX)
        limit = EVENTS_MAX;
    cJSON *all = aws_put_array(c->out, "events");
    for (int64_t i = last - limit + 1; i <= last; i++) {
        line_at(i * EVENT_EVERY_S, line, sizeof line);
        cJSON *o = aws_put_object(all, NULL);
        aws_put_int(o, "timestamp", i * EVENT_EVERY_S * 1000 + 123);
        aws_put(o, "message", line);
        aws_put_int(o, "ingestionTime", i * EVENT_EVERY_S * 1000 + 900);
    }
    aws_put(c->out, "nextBackwardToken", "b/0");
    aws_put(c->out, "nextForwardToken", "f/0");
}

void aws_logs_start(struct aws_call *c)
{
    const cJSON *groups = cJSON_GetObjectItemCaseSensitive(c->in, "logGroupNames"), *g;
    const char *group = aws_in(c, "logGroupName"), *text = aws_need(c, "queryString");

    if (!text)
        return;
    if (!cJSON_HasObjectItem(c->in, "startTime") || !cJSON_HasObjectItem(c->in, "endTime")) {
        aws_fail(c, 400, "InvalidParameterException", "startTime and endTime are needed");
        return;
    }
    if (text[strspn(text, " |\n\t")] == '\0') {
        aws_fail(c, 400, "MalformedQueryException", "unexpected end of the query");
        return;
    }
    if (!cJSON_IsArray(groups) && !has_group(c, group))
        return;
    cJSON_ArrayForEach (g, groups)
        if (!has_group(c, cJSON_GetStringValue(g)))
            return;
    unsigned k = c->es->nqueries++ % AWS_QUERIES;
    c->es->was_asked[k] = false;
    aws_putf(c->out, "queryId", "0de0a5c5-0000-4000-8%03x-%012llx", k,
             (unsigned long long)c->now_s);
}

/* Running when its results are asked for the first time, then complete. */
void aws_logs_results(struct aws_call *c)
{
    const char *id = aws_need(c, "queryId");
    unsigned long long began = 0;
    unsigned query = 0;
    char line[400];

    if (!id)
        return;
    if (sscanf(id, "0de0a5c5-0000-4000-8%3x-%12llx", &query, &began) != 2 || query >= AWS_QUERIES) {
        aws_fail(c, 400, "ResourceNotFoundException", "Query does not exist: %s", id);
        return;
    }
    bool is_running = !c->es->was_asked[query];
    c->es->was_asked[query] = true;
    int rows = is_running ? 1 : ROWS;
    aws_put(c->out, "status", is_running ? "Running" : "Complete");
    cJSON *all = aws_put_array(c->out, "results");
    for (int i = 0; i < rows; i++) {
        int64_t t = (int64_t)began - 60 * (i + 1);
        char when[48];
        cJSON *row = aws_put_array(all, NULL);
        const char *names[] = { "@timestamp", "@message", "@ptr" };
        line_at(t, line, sizeof line);
        aws_time_text(c, t - c->es->shift_s, when);
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            cJSON *f = aws_put_object(row, NULL);
            aws_put(f, "field", names[k]);
            if (k == 0)
                aws_putf(f, "value", "%.10s %.8s.000", when, when + 11);
            else if (k == 1)
                aws_put(f, "value", line);
            else
                aws_putf(f, "value", "demo-pointer-%d", i);
        }
    }
    cJSON *s = aws_put_object(c->out, "statistics");
    aws_put_int(s, "recordsMatched", rows);
    aws_put_int(s, "recordsScanned", rows * 100);
    aws_put_int(s, "bytesScanned", rows * 40960);
}

/* ---- X-Ray */

static void trace_id(int64_t t, size_t i, char out[48])
{
    snprintf(out, 48, "1-%08x-%024llx", (unsigned)t,
             (unsigned long long)sim_hash(41, (uint64_t)t + i));
}

void aws_xray_summaries(struct aws_call *c)
{
    int64_t from = aws_in_int(c, "StartTime", -1), to = aws_in_int(c, "EndTime", -1);
    char id[48];

    if (from < 0 || to <= from || to - from > 6 * 3600) {
        aws_fail(c, 400, "InvalidRequestException",
                 "StartTime and EndTime are needed, at most six hours apart");
        return;
    }
    cJSON *all = cJSON_CreateArray();
    for (size_t i = 0; i < TRACES; i++) {
        int64_t t = to - (to - from) * (int64_t)(i + 1) / (TRACES + 1);
        cJSON *o = aws_put_object(all, NULL);
        trace_id(t, i, id);
        aws_put(o, "Id", id);
        cJSON_AddNumberToObject(o, "Duration", 0.25 + (double)i / 8);
        cJSON_AddNumberToObject(o, "ResponseTime", 0.2 + (double)i / 8);
        aws_put_bool(o, "HasFault", i == 2);
        aws_put_bool(o, "HasError", i % 5 == 4);
        aws_put_bool(o, "HasThrottle", false);
        aws_put_bool(o, "IsPartial", false);
        cJSON *h = aws_put_object(o, "Http");
        aws_put(h, "HttpURL",
                "https://uec-dos-integration-live.k8s-prod.texasplatform.uk"
                "/v1/change-event");
        aws_put_int(h, "HttpStatus", i == 2 ? 500 : 200);
        aws_put(h, "HttpMethod", "POST");
    }
    aws_put_page(c, "TraceSummaries", all, &TRACE_PAGES);
    aws_put_time(c, c->out, "ApproximateTime", aws_story_now(c));
    aws_put_int(c->out, "TracesProcessedCount", TRACES);
}

static bool is_trace_id(const char *id)
{
    return strlen(id) == 35 && id[0] == '1' && id[1] == '-' && id[10] == '-' &&
           strspn(id + 2, "0123456789abcdef") == 8 && strspn(id + 11, "0123456789abcdef") == 24;
}

void aws_xray_traces(struct aws_call *c)
{
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(c->in, "TraceIds"), *id;
    int n = cJSON_GetArraySize(ids);

    if (n < 1 || n > 5) {
        aws_fail(c, 400, "InvalidRequestException", "TraceIds: 1 to 5 are needed");
        return;
    }
    cJSON *all = aws_put_array(c->out, "Traces");
    cJSON *missing = aws_put_array(c->out, "UnprocessedTraceIds");
    cJSON_ArrayForEach (id, ids) {
        const char *text = cJSON_IsString(id) ? id->valuestring : "";
        unsigned start = 0;
        if (!is_trace_id(text) || sscanf(text + 2, "%8x", &start) != 1) {
            aws_put(missing, NULL, text);
            continue;
        }
        cJSON *t = aws_put_object(all, NULL);
        aws_put(t, "Id", text);
        cJSON_AddNumberToObject(t, "Duration", 0.75);
        cJSON *s = aws_put_object(aws_put_array(t, "Segments"), NULL);
        aws_putf(s, "Id", "%.16s", text + 11);
        aws_putf(s, "Document",
                 "{\"id\":\"%.16s\",\"trace_id\":\"%s\",\"name\":\"uec-dos-int-9f3c1ab-live-"
                 "ingest-change-event\",\"start_time\":%u.125,\"end_time\":%u.875,"
                 "\"origin\":\"AWS::Lambda\"}",
                 text + 11, text, start, start);
    }
}
