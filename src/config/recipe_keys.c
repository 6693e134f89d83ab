/* Every key of a recipe file: type, default, limits, help. The reader is recipe.c. */
#include "recipe_priv.h"

#include "opsdeck/base/mem.h"

#define MIB ((int64_t)1024 * 1024)
#define MINUTE ((int64_t)60000)
#define NOWHERE .offset = KEY_NO_OFFSET
#define REC(member) .offset = offsetof(struct recipe, member)
#define STEP(member) .offset = offsetof(struct step_def, member)
#define REQ(member) .offset = offsetof(struct request_def, member)

static const char *const methods[] = { "GET", "POST", NULL };
static const char *const on_errors[] = { "fail", "next", NULL };
static const char *const json_versions[] = { "1.0", "1.1", NULL };
static const char *const formats[] = { "json", "jsonl", "xml", "prom", "text", NULL };
_Static_assert(ARRAY_LEN(formats) == FORMAT_TEXT + 2, "a word for each, and the end");
static const char *const expects[] = { "any", "array", "object", "string", "number", NULL };
_Static_assert(ARRAY_LEN(expects) == EXPECT_NUMBER + 2, "a word for each, and the end");
const char *const recipe_param_types[] = { "string",   "int",  "number", "bool",
                                           "duration", "list", "map",    NULL };
_Static_assert(ARRAY_LEN(recipe_param_types) == PARAM_MAP + 2, "a word for each, and the end");

static const struct key_def rows[] = {
    { "recipe", KEY_NAME, .flags = KEY_REQUIRED, REC(name), .help = "its name in config.yaml" },
    { "system", KEY_TEXT, .flags = KEY_REQUIRED, REC(system), .help = "the system's own name" },
    { "connector", KEY_TEXT, .flags = KEY_REQUIRED, REC(connector), .help = "the way of talking" },
    { "help", KEY_TEXT, REC(help), .help = "what its rows are" },
    { "every", KEY_DURATION, .dflt = "1m", .min = 5000, .max = 7 * 24 * 60 * MINUTE, REC(every_ms),
      .help = "interval" },
    { "timeout", KEY_DURATION, .dflt = "20s", .min = 1000, .max = 10 * MINUTE, REC(timeout_ms),
      .help = "of one request" },
    { "body_max", KEY_SIZE, .dflt = "8MiB", .min = 1024, .max = 64 * MIB, REC(body_max),
      .help = "decoded bytes of one answer" },
    { "pages_max", KEY_INT64, .dflt = "200", .min = 1, .max = 10000, REC(page_max),
      .help = "pages of one request" },
    { "concurrency", KEY_INT, .dflt = "2", .min = 1, .max = 16, REC(concurrency),
      .help = "requests at once" },
    { "rate_per_minute", KEY_INT64, .dflt = "0", .min = 0, .max = 100000, REC(rate_per_min),
      .help = "requests a minute, 0: no limit" },
    { "on_demand", KEY_BOOL, .dflt = "false", REC(is_on_demand),
      .help = "polled only when a person asks" },
    { "params", KEY_MAP, NOWHERE, .help = "what a source may set" },
    { "params.*", KEY_MAP, NOWHERE, .help = "a param" },
    { "params.*.type", KEY_CHOICE, .choices = recipe_param_types, .flags = KEY_REQUIRED, NOWHERE,
      .help = "type" },
    { "params.*.default", KEY_ANY, NOWHERE, .help = "value when a source says nothing" },
    { "params.*.required", KEY_BOOL, .dflt = "false", NOWHERE, .help = "a source must say it" },
    { "params.*.help", KEY_TEXT, NOWHERE, .help = "what it does" },
    { "steps", KEY_MAPS, .flags = KEY_REQUIRED, NOWHERE, .help = "what to ask, in order" },
    { "steps.name", KEY_NAME, .flags = KEY_REQUIRED, STEP(name), .help = "its name" },
    { "steps.when", KEY_TEXT, NOWHERE,
      .help = "SQL: the step is skipped when it gives nothing, NULL or 0" },
    { "steps.for", KEY_TEXT, NOWHERE, .help = "SQL: one request a row" },
    { "steps.for_max", KEY_INT64, .dflt = "200", .min = 1, .max = 100000, STEP(fan_max),
      .help = "more rows of `for` are an error" },
    { "steps.on_error", KEY_CHOICE_NO, .dflt = "fail", .choices = on_errors, STEP(on_error),
      .help = "fail the poll, or go on with the next step" },
    { "steps.rate_per_minute", KEY_INT64, .dflt = "0", .min = 0, .max = 100000, STEP(rate_per_min),
      .help = "requests a minute of this step" },
    { "steps.needs", KEY_TEXTS, NOWHERE,
      .help =
          "steps above that it builds on; when one fails its rows do not end; all, if not said" },
    { "steps.format", KEY_CHOICE_NO, .dflt = "json", .choices = formats, STEP(format),
      .help = "of the answer" },
    { "steps.sensitive", KEY_BOOL, .dflt = "false", STEP(is_sensitive),
      .help = "answers are not kept" },
    { "steps.request", KEY_MAP, .flags = KEY_REQUIRED, NOWHERE, .help = "what is sent" },
    { "steps.request.method", KEY_CHOICE, .dflt = "GET", .choices = methods, REQ(method),
      .help = "opsdeck only reads: POST needs read_only: true" },
    { "steps.request.read_only", KEY_BOOL, .dflt = "false", REQ(is_read_only),
      .help = "this POST changes nothing" },
    { "steps.request.path", KEY_TEXT, REQ(path), .help = "below the source's url; {templates}" },
    { "steps.request.service", KEY_NAME, REQ(service), .help = "aws: the SDK's name of a service" },
    { "steps.request.target", KEY_TEXT, REQ(target),
      .help = "aws: X-Amz-Target of a JSON service" },
    { "steps.request.json", KEY_CHOICE, .choices = json_versions, .dflt = "1.1", REQ(json_version),
      .help = "aws: version of its JSON protocol" },
    { "steps.request.action", KEY_TEXT, REQ(action), .help = "aws: Action of a query service" },
    { "steps.request.version", KEY_TEXT, REQ(version), .help = "aws: Version of a query service" },
    { "steps.request.region", KEY_TEXT, REQ(region),
      .help = "aws: another region than the source's; {templates}" },
    { "steps.request.url", KEY_TEXT, REQ(url),
      .help = "aws: an unsigned public answer; {templates}" },
    { "steps.request.accept_error", KEY_TEXTS, NOWHERE, .help = "aws: error codes that are data" },
    { "steps.request.query", KEY_MAP, NOWHERE, .help = "query parameters" },
    { "steps.request.query.*", KEY_TEXT, NOWHERE, .help = "value; {templates}" },
    { "steps.request.headers", KEY_MAP, NOWHERE, .help = "request headers" },
    { "steps.request.headers.*", KEY_TEXT, NOWHERE, .help = "value; {templates}" },
    { "steps.request.body", KEY_ANY, NOWHERE, .help = "text with {templates}, or {sql: SELECT}" },
    { "steps.request.content_type", KEY_TEXT, REQ(content_type), .help = "of the body" },
    { "steps.request.accept_status", KEY_ANY, NOWHERE, .help = "statuses that are data" },
    { "steps.request.follow_redirects", KEY_BOOL, .dflt = "false", REQ(follow_redirects),
      .help = "never with a credential" },
    { "steps.expect", KEY_MAP, NOWHERE, .help = "what a whole answer looks like" },
    { "steps.expect.path", KEY_TEXT, .dflt = "$", STEP(expect_path), .help = "SQLite JSON path" },
    { "steps.expect.type", KEY_CHOICE_NO, .dflt = "any", .choices = expects, STEP(expect),
      .help = "JSON type there" },
    { "steps.wait", KEY_MAP, NOWHERE, .help = "ask again until the answer is whole" },
    { "steps.wait.until", KEY_TEXT, .flags = KEY_REQUIRED, NOWHERE,
      .help = "SQL over :body: 1 when it is" },
    { "steps.wait.every", KEY_DURATION, .dflt = "1s", .min = 500, .max = MINUTE,
      STEP(wait_every_ms), .help = "pause between two" },
    { "steps.wait.limit", KEY_DURATION, .dflt = "1m", .min = 1000, .max = 10 * MINUTE,
      STEP(wait_limit_ms), .help = "in all; past it the step fails" },
    { "steps.page", KEY_MAP, NOWHERE, .help = "paging" },
    { "steps.page.link", KEY_TEXT, NOWHERE, .help = "next: the Link header's rel=next" },
    { "steps.page.offset", KEY_TEXT, NOWHERE, .help = "query parameter of the offset" },
    { "steps.page.limit", KEY_TEXT, NOWHERE, .help = "query parameter of the size" },
    { "steps.page.size", KEY_INT64, .dflt = "100", .min = 1, .max = 100000, NOWHERE,
      .help = "rows a page" },
    { "steps.page.total", KEY_TEXT, NOWHERE, .help = "SQL: rows in all" },
    { "steps.page.next", KEY_TEXT, NOWHERE, .help = "SQL: token or URL of the next page" },
    { "steps.page.into", KEY_MAP, NOWHERE, .help = "where the token goes" },
    { "steps.page.into.query", KEY_TEXT, NOWHERE, .help = "query parameter" },
    { "steps.page.into.body", KEY_TEXT, NOWHERE, .help = "member of the body's object" },
    { "steps.page.body", KEY_TEXT, NOWHERE, .help = "short for into: {body: NAME}" },
    { "steps.rows", KEY_MAPS, NOWHERE, .help = "how the answer becomes rows" },
    { "steps.rows.kind", KEY_TEXT, .flags = KEY_REQUIRED, NOWHERE,
      .help = "a-z, 0-9 and -; with _ in front: staged only" },
    { "steps.rows.complete", KEY_BOOL, .dflt = "false", NOWHERE,
      .help = "all rows of the kind: what is missing has ended" },
    { "steps.rows.volatile", KEY_TEXTS, NOWHERE, .help = "columns that are no change" },
    { "steps.rows.sql", KEY_TEXT, .flags = KEY_REQUIRED, NOWHERE, .help = "SELECT over :body" },
};

const struct key_table recipe_table = { rows, ARRAY_LEN(rows), NULL };
