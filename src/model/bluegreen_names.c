/*
 * Names of the DoS Integration estate: which environment a function, a queue, an alarm or a tag
 * belongs to, and which names are fit for a command. Tables only; nothing here judges.
 */
#include "opsdeck/model/bluegreen.h"

#include <inttypes.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "bluegreen_priv.h"

const char *const bg_function_names[BG_FUNCTIONS_EACH] = {
    "change-event-dlq-handler",
    "dos-db-handler",
    "dos-db-update-dlq-handler",
    "event-replay",
    "ingest-change-event",
    "quality-checker",
    "send-email",
    "service-matcher",
    "service-sync",
    "slack-messenger",
};

const char *const bg_lookup_names[4] = {
    "change-event-dlq-handler",
    "ingest-change-event",
    "quality-checker",
    "slack-messenger",
};

/* The first decides the pair and the age of an environment. */
static const char *const queue_names[BG_QUEUES_EACH] = {
    "holding-queue.fifo",
    "holding-queue-dead-letter-queue.fifo",
    "update-request-queue.fifo",
    "update-request-dead-letter-queue.fifo",
};

static const char *const shared_titles[] = {
    "DI 4XX Endpoint Errors",
    "DI 5XX Endpoint Errors",
    "Change Events DLQ'd",
    "Change Events Waiting",
    "DI Endpoint Route 53 Health Checks Failing",
};

static const char *const profiles[] = {
    "dev", "demo", "live", "perf", "perf2", "pen", "tools", "local",
};

bool bg_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

bool bg_is_name(const char *s)
{
    return s && *s && strcmp(s, "NA") != 0;
}

bool bg_is_safe(const char *s)
{
    return s && *s &&
           s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._=-")] ==
               '\0';
}

bool bg_is_hex(const char *s, size_t min, size_t max)
{
    require(min <= max);
    size_t n = s ? strspn(s, "0123456789abcdef") : 0;

    return s && n >= min && n <= max && s[n] == '\0';
}

/* Check C12: a commit of seven digits, alone or with the profile that it is run with. */
bool bg_is_env_name(const char *bg, const char *profile)
{
    static const char *const suffixes[] = { "dev", "demo", "live" };

    if (!bg || strspn(bg, "0123456789abcdef") != 7)
        return false;
    if (bg[7] == '\0')
        return true;
    if (bg[7] != '-' || !bg_same(bg + 8, profile))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (bg_same(bg + 8, suffixes[i]))
            return true;
    return false;
}

bool bg_is_shared_name(const char *shared)
{
    return shared && shared[0] >= 'a' && shared[0] <= 'z' &&
           shared[strspn(shared, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

bool bg_is_task_name(const char *name)
{
    size_t n;

    if (!name || strncmp(name, "ds-", 3) != 0)
        return false;
    n = strspn(name + 3, "0123456789");
    return n >= 1 && n <= 5 && name[3 + n] == '\0';
}

bool bg_is_profile(const char *profile)
{
    for (size_t i = 0; i < ARRAY_LEN(profiles); i++)
        if (bg_same(profile, profiles[i]))
            return true;
    return false;
}

bool bg_is_shared_title(const char *title, bool *is_waf)
{
    require(title && is_waf);
    *is_waf = strncmp(title, "WAF ", 4) == 0;
    for (size_t i = 0; i < ARRAY_LEN(shared_titles); i++)
        if (strcmp(title, shared_titles[i]) == 0)
            return true;
    return *is_waf;
}

/* Keys come as ids, ARNs or aliases; an alias says nothing about an id. */
enum bg_pair bg_same_key(const char *a, const char *b)
{
    const char *x, *y;

    if (!a || !b || !*a || !*b || !strstr(a, "alias/") != !strstr(b, "alias/"))
        return BG_PAIR_UNKNOWN;
    x = strrchr(a, '/');
    y = strrchr(b, '/');
    return strcmp(x ? x + 1 : a, y ? y + 1 : b) == 0 ? BG_PAIR_YES : BG_PAIR_NO;
}

/* "<project>-<env>-<suffix>", the longest suffix that fits. */
static bool env_by_suffix(const char *project, const char *name, const char *const *suffixes,
                          size_t n, const char **env, size_t *len)
{
    size_t plen = project ? strlen(project) : 0, nlen = name ? strlen(name) : 0, best = 0;

    if (!plen || nlen <= plen + 1 || strncmp(name, project, plen) != 0 || name[plen] != '-')
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t slen = strlen(suffixes[i]);

        if (slen > best && nlen > plen + 1 + slen + 1 &&
            strcmp(name + nlen - slen, suffixes[i]) == 0 && name[nlen - slen - 1] == '-')
            best = slen;
    }
    if (!best)
        return false;
    *env = name + plen + 1;
    *len = nlen - plen - best - 2;
    return true;
}

bool bg_env_of_function(const char *project, const char *function, const char **env, size_t *len)
{
    require(project && env && len);
    return env_by_suffix(project, function, bg_function_names, ARRAY_LEN(bg_function_names), env,
                         len);
}

bool bg_env_of_queue(const char *project, const char *queue, const char **env, size_t *len)
{
    require(project && env && len);
    return env_by_suffix(project, queue, queue_names, ARRAY_LEN(queue_names), env, len);
}

/* "uec-dos-int | live | DI 4XX Endpoint Errors" */
bool bg_alarm_fields(const struct bg_case *c, const char *name, char **env, const char **title)
{
    require(c && env && title);
    const char *a = name ? strchr(name, '|') : NULL, *b = a ? strchr(a + 1, '|') : NULL;
    size_t plen = strlen(c->f->project), n;

    if (!b || strncmp(name, c->f->project, plen) != 0 ||
        name[plen + strspn(name + plen, " ")] != '|')
        return false;
    a += 1 + strspn(a + 1, " ");
    n = a < b ? (size_t)(b - a) : 0;
    while (n && a[n - 1] == ' ')
        n--;
    *env = arena_strndup(c->mem, a, n);
    *title = b + 1 + strspn(b + 1, " ");
    return true;
}

/* A foreign function stands for itself: it consumes the queue all the same. */
const char *bg_env_of_mapping(const struct bg_case *c, const struct bg_mapping *m)
{
    require(c && m);
    const char *env;
    size_t len;

    if (!bg_env_of_function(c->f->project, m->function, &env, &len))
        return m->function ? m->function : "?";
    return arena_strndup(c->mem, env, len);
}

const struct bg_queue *bg_find_queue(const struct bg_case *c, const char *name)
{
    require(c);
    for (size_t i = 0; i < c->f->nqueues; i++)
        if (bg_same(c->f->queues[i].name, name))
            return &c->f->queues[i];
    return NULL;
}

const struct bg_queue *bg_private_queue(const struct bg_case *c, const char *env, size_t i)
{
    require(c && env);
    return bg_find_queue(c, arena_printf(c->mem, "%s-%s-%s", c->f->project, env, queue_names[i]));
}

const struct bg_function *bg_find_function(const struct bg_case *c, const char *env, const char *fn)
{
    require(c && env && fn);
    const char *name = arena_printf(c->mem, "%s-%s-%s", c->f->project, env, fn);

    for (size_t i = 0; i < c->f->nfunctions; i++)
        if (bg_same(c->f->functions[i].name, name))
            return &c->f->functions[i];
    return NULL;
}

const struct bg_secret *bg_find_secret(const struct bg_case *c, const char *name)
{
    require(c);
    for (size_t i = 0; i < c->f->nsecrets; i++)
        if (bg_same(c->f->secrets[i].name, name))
            return &c->f->secrets[i];
    return NULL;
}

static const char *topic_end(bool is_r2)
{
    return is_r2 ? "topic-app-alerts-for-slack-route53-health-check-alarm-region"
                 : "topic-app-alerts-for-slack-default-region";
}

const char *bg_shared_topic(const struct bg_case *c, bool is_r2)
{
    return arena_printf(c->mem, "%s-%s-shared-resources-%s", c->f->project, c->f->shared_env,
                        topic_end(is_r2));
}

const char *bg_env_topic(const struct bg_case *c, const char *env, bool is_r2)
{
    require(c && env);
    return arena_printf(c->mem, "%s-%s-%s", c->f->project, env, topic_end(is_r2));
}

bool bg_is_subscribed(const struct bg_case *c, const char *topic, bool is_r2)
{
    require(c && topic);
    const char *region = is_r2 ? "us-east-1" : c->f->region;

    for (size_t i = 0; i < c->f->nsubscriptions; i++)
        if (bg_same(c->f->subscriptions[i].topic, topic) &&
            bg_same(c->f->subscriptions[i].region, region))
            return true;
    return false;
}

bool bg_has_locks(const struct bg_facts *f)
{
    require(f);
    return f->has_other_locks && bg_is_fresh(f, BG_LOCKS);
}

const struct bg_lock *bg_find_lock(const struct bg_case *c, const char *env, const char *stack)
{
    require(c && env && stack);
    const char *key = arena_printf(c->mem, "%s/%s/%s/terraform.state", c->f->project, env, stack);
    const struct bg_lock *best = NULL;

    for (size_t i = 0; i < c->f->nlocks; i++)
        if (bg_same(c->f->locks[i].key, key) &&
            (!best || c->f->locks[i].created_ms < best->created_ms))
            best = &c->f->locks[i];
    return best;
}

/* Rollback tags, "<ts>_<profile>_<shared>_blue_green_rollback"; any other text tells nothing. */
bool bg_tag_names(const char *ref, const char *shared, bool *is_known)
{
    require(shared && is_known);
    const char *a = ref ? strchr(ref, '_') : NULL, *b = a ? strchr(a + 1, '_') : NULL;
    const char *end = b ? strstr(b, "_blue_green_rollback") : NULL;
    size_t n = strlen(shared);

    *is_known = end && end > b;
    return *is_known && (size_t)(end - b - 1) == n && strncmp(b + 1, shared, n) == 0;
}

const char *bg_ago(const struct bg_case *c, int64_t ms)
{
    int64_t s = c->f->now_ms > ms ? (c->f->now_ms - ms) / 1000 : 0;

    if (s < 120)
        return arena_printf(c->mem, "%" PRId64 " s", s);
    if (s < 3 * 3600)
        return arena_printf(c->mem, "%" PRId64 " min", s / 60);
    if (s < 48 * 3600)
        return arena_printf(c->mem, "%" PRId64 " h", s / 3600);
    return arena_printf(c->mem, "%" PRId64 " days", s / 86400);
}

int64_t bg_age_s(const struct bg_facts *f, enum bg_family family)
{
    require(f && family >= 0 && family < BG_FAMILIES);
    int64_t read = f->known[family].read_ms;

    if (read <= 0)
        return -1;
    return f->now_ms > read ? (f->now_ms - read) / 1000 : 0;
}
