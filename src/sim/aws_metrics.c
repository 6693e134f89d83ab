/* CloudWatch metrics (ages, depths, invocations) and the dashboards that name what is linked. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "aws_call.h"
#include "aws_ops.h"
#include "aws_story.h"
#include "estate.h"

enum {
    QUERIES_MAX = 500,
    POINTS_MAX = 1440
};

static const struct aws_paging DASHBOARD_PAGES = { "NextToken", NULL, "NextToken",
                                                   1000,        1000, "InvalidParameterValue" };

static const char *member(const cJSON *o, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
}

static const char *dimension(const cJSON *metric, const char *name)
{
    const cJSON *d;

    cJSON_ArrayForEach (d, cJSON_GetObjectItemCaseSensitive(metric, "Dimensions")) {
        const char *n = member(d, "Name");
        if (n && strcmp(n, name) == 0)
            return member(d, "Value");
    }
    return NULL;
}

/* The shared environment whose change event queue that is. */
static const struct aws_shared *queue_owner(const struct aws_call *c, const char *queue)
{
    char name[128];

    for (size_t i = 0; queue && i < c->es->nshared; i++) {
        const struct aws_shared *s = &c->es->shared[i];
        snprintf(name, sizeof name, "uec-dos-int-%s-change-event-queue.fifo", s->name);
        if (s->account == c->account && strcmp(queue, name) == 0)
            return s;
    }
    return NULL;
}

/* The private queue of a blue/green environment: how much it holds, and for how long. */
static bool private_depth(const struct aws_call *c, const char *queue, struct aws_depth *out)
{
    char name[128];

    for (size_t i = 0; queue && i < c->es->nbg; i++)
        for (int k = 0; k < AWS_BG_QUEUES; k++) {
            const struct aws_bg *bg = &c->es->bg[i];
            int n = bg->depth[k];
            snprintf(name, sizeof name, "uec-dos-int-%s-%s.fifo", bg->name, aws_bg_queue_names[k]);
            if (bg->account != c->account || strcmp(queue, name) != 0)
                continue;
            *out = (struct aws_depth){ n, 0,
                                       k >= AWS_Q_HOLDING_DEAD ? bg->dead_age_s
                                       : n                     ? 2 + n
                                                               : 0 };
            return true;
        }
    return false;
}

/* Its environment was linked at some moment of that time. */
static bool is_at_work(const struct aws_call *c, const char *function, int64_t from, int64_t to)
{
    char prefix[80];

    for (size_t i = 0; function && i < c->es->nbg; i++) {
        snprintf(prefix, sizeof prefix, "uec-dos-int-%s-", c->es->bg[i].name);
        if (c->es->bg[i].account == c->account && aws_has_prefix(function, prefix) &&
            aws_bg_consumed(c->es, c->es->bg[i].name, from, to))
            return true;
    }
    return false;
}

static bool is_drained(const struct aws_call *c, const char *shared, int64_t from, int64_t to)
{
    for (size_t i = 0; i < c->es->nbg; i++)
        if (strcmp(c->es->bg[i].shared, shared) == 0 &&
            aws_bg_consumed(c->es, c->es->bg[i].name, from, to))
            return true;
    return false;
}

static double errors_of(const struct aws_call *c, const char *function, int64_t from, int64_t to)
{
    const struct aws_span *f = &c->es->failing;

    if (strcmp(f->what, function) == 0 && f->from < to && f->to > from)
        return 7;
    return strstr(function, "ds-4012-ingest") && aws_story_now(c) - to < 900 ? 3 : 0;
}

/* The value of that time of the story's calendar; NAN: no point there. */
static double value_of(const struct aws_call *c, const cJSON *metric, int64_t from, int64_t to)
{
    const char *name = member(metric, "MetricName"), *queue = dimension(metric, "QueueName");
    const char *function = dimension(metric, "FunctionName");
    const struct aws_shared *s = queue_owner(c, queue);
    double dice = (double)(sim_hash(17, (uint64_t)(to / 60)) % 10);
    int64_t ago_s = aws_story_now(c) - to;
    struct aws_depth d = { 0, 0, 0 };

    if (!name)
        return NAN;
    if (s)
        d = aws_story_depth(c->es, s, ago_s);
    if ((s || private_depth(c, queue, &d)) && strcmp(name, "ApproximateAgeOfOldestMessage") == 0)
        return d.oldest_age_s;
    if (queue && strcmp(name, "ApproximateNumberOfMessagesVisible") == 0)
        return d.visible;
    if (s && strcmp(name, "NumberOfMessagesDeleted") == 0)
        return is_drained(c, s->name, from, to) ? 20 + dice : 0;
    if (!function || !is_at_work(c, function, from, to))
        return NAN;
    return strcmp(name, "Invocations") == 0 ? 20 + dice
           : strcmp(name, "Errors") == 0    ? errors_of(c, function, from, to)
                                            : NAN;
}

/* A point tells of the time it begins; that of the newest one ends now. */
static void put_points(const struct aws_call *c, cJSON *r, const cJSON *stat, int64_t from,
                       int64_t to)
{
    const cJSON *metric = cJSON_GetObjectItemCaseSensitive(stat, "Metric");
    const cJSON *p = cJSON_GetObjectItemCaseSensitive(stat, "Period");
    int64_t period = cJSON_IsNumber(p) && p->valuedouble >= 1 ? (int64_t)p->valuedouble : 60;
    cJSON *times = aws_put_array(r, "Timestamps"), *values = aws_put_array(r, "Values");
    int n = 0;

    for (int64_t t = (to - 1) / period * period; t >= from && n < POINTS_MAX; t -= period, n++) {
        int64_t end = t + period < c->now_s ? t + period : c->now_s;
        double v =
            t > c->now_s ? NAN : value_of(c, metric, t - c->es->shift_s, end - c->es->shift_s);
        if (isnan(v))
            continue;
        aws_put_time(c, times, NULL, t - c->es->shift_s);
        cJSON_AddItemToArray(values, cJSON_CreateNumber(v));
    }
    aws_put(r, "StatusCode", "Complete");
}

void aws_cw_data(struct aws_call *c)
{
    const cJSON *queries = cJSON_GetObjectItemCaseSensitive(c->in, "MetricDataQueries"), *q;
    int64_t from = aws_in_int(c, "StartTime", -1), to = aws_in_int(c, "EndTime", -1);

    if (!cJSON_IsArray(queries) || cJSON_GetArraySize(queries) > QUERIES_MAX || from < 0 ||
        to <= from) {
        aws_fail(c, 400, "InvalidParameterValue",
                 "MetricDataQueries (at most 500), StartTime and a later EndTime are needed");
        return;
    }
    cJSON *results = aws_put_array(c->out, "MetricDataResults");
    cJSON_ArrayForEach (q, queries) {
        const char *id = member(q, "Id"), *label = member(q, "Label");
        const cJSON *stat = cJSON_GetObjectItemCaseSensitive(q, "MetricStat");
        const char *name = member(cJSON_GetObjectItemCaseSensitive(stat, "Metric"), "MetricName");
        if (!id || id[0] < 'a' || id[0] > 'z') {
            aws_fail(c, 400, "ValidationError", "an Id begins with a lower-case letter");
            return;
        }
        cJSON *r = aws_put_object(results, NULL);
        aws_put(r, "Id", id);
        aws_put(r, "Label", label ? label : name ? name : id);
        put_points(c, r, stat, from, to);
    }
    aws_put_array(c->out, "Messages");
}

static void dashboard_name(const struct aws_shared *s, char *out, size_t size)
{
    snprintf(out, size, "uec-dos-int-%s-monitoring-dashboard", s->name);
}

static bool has_dashboard(const struct aws_call *c, const struct aws_shared *s)
{
    return s->account == c->account && s->current;
}

static void put_body(struct aws_call *c, const struct aws_shared *s)
{
    cJSON *doc = cJSON_CreateObject();
    cJSON *v = aws_put_object(aws_put_array(doc, "variables"), NULL);
    const char *names[] = { s->current, s->previous };

    aws_put(v, "type", "pattern");
    aws_put(v, "pattern", s->current);
    aws_put(v, "inputType", "radio");
    aws_put(v, "id", "CloudWatchVersionVariable");
    aws_put(v, "label", "Version");
    aws_put(v, "defaultValue", s->current);
    cJSON *values = aws_put_array(v, "values");
    for (int i = 0; i < 2; i++) {
        cJSON *one = aws_put_object(values, NULL);
        aws_put(one, "value", names[i]);
        aws_put(one, "label", names[i]);
    }
    cJSON *w = aws_put_object(aws_put_array(doc, "widgets"), NULL);
    aws_put(w, "type", "text");
    aws_putf(aws_put_object(w, "properties"), "markdown", "# %s\n- Linked: %s\n- Previous: %s",
             s->name, s->current, s->previous);
    char *text = cJSON_PrintUnformatted(doc);
    aws_put(c->out, "DashboardBody", text);
    cJSON_free(text);
    cJSON_Delete(doc);
}

void aws_cw_dashboard(struct aws_call *c)
{
    const char *name = aws_need(c, "DashboardName");
    char own[128];

    for (size_t i = 0; name && i < c->es->nshared; i++) {
        const struct aws_shared *s = &c->es->shared[i];
        dashboard_name(s, own, sizeof own);
        if (!has_dashboard(c, s) || strcmp(own, name) != 0)
            continue;
        aws_putf(c->out, "DashboardArn", "arn:aws:cloudwatch::%s:dashboard/%s",
                 aws_account_ids[c->account], own);
        aws_put(c->out, "DashboardName", own);
        put_body(c, s);
        return;
    }
    if (!c->status) {
        snprintf(c->legacy, sizeof c->legacy, "ResourceNotFound");
        aws_fail(c, 404, "DashboardNotFoundError", "Dashboard %s does not exist", name);
    }
}

/* By the newest of its links. */
static int64_t written_at(const struct aws_call *c, const struct aws_shared *s)
{
    int64_t at = 0;

    for (size_t i = 0; i < c->es->nlinks; i++) {
        const struct aws_link *l = &c->es->links[i];
        int64_t applied = l->applied ? l->applied : l->modified;
        if (strcmp(l->shared, s->name) == 0 && applied > at)
            at = applied;
    }
    return at ? at : s->stage_updated;
}

void aws_cw_dashboards(struct aws_call *c)
{
    cJSON *all = cJSON_CreateArray();
    char name[128];

    for (size_t i = 0; i < c->es->nshared; i++) {
        const struct aws_shared *s = &c->es->shared[i];
        dashboard_name(s, name, sizeof name);
        if (!has_dashboard(c, s) || !aws_has_prefix(name, aws_in(c, "DashboardNamePrefix")))
            continue;
        cJSON *d = aws_put_object(all, NULL);
        aws_put(d, "DashboardName", name);
        aws_putf(d, "DashboardArn", "arn:aws:cloudwatch::%s:dashboard/%s",
                 aws_account_ids[c->account], name);
        aws_put_time(c, d, "LastModified", written_at(c, s));
        aws_put_int(d, "Size", 612);
    }
    aws_put_page(c, "DashboardEntries", all, &DASHBOARD_PAGES);
}
