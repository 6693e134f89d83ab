/* HTML and JSON of the reports application. See pages.h. */
#include "pages.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"

static void frame_start(struct sbuf *out, const char *title)
{
    sbuf_addf(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\" class=\"govuk-template\">\n<head>\n  <meta "
        "charset=\"utf-8\">\n"
        "  <title>%s - Operations Engineering Reports</title>\n"
        "  <link rel=\"stylesheet\" href=\"/static/stylesheets/application.css\">\n</head>\n"
        "<body class=\"govuk-template__body\">\n<header class=\"moj-header\" role=\"banner\">\n"
        "  <a class=\"moj-header__link\" href=\"/home\">Operations Engineering "
        "Reports</a>\n</header>\n"
        "<div class=\"govuk-width-container\">\n<main class=\"govuk-main-wrapper\" "
        "id=\"main-content\">\n",
        title);
}

static void frame_end(struct sbuf *out)
{
    sbuf_adds(out, "</main>\n</div>\n<footer class=\"govuk-footer\" role=\"contentinfo\">\n"
                   "  <p class=\"govuk-body\">An invented estate, served by "
                   "opsdeck-sim</p>\n</footer>\n</body>\n</html>\n");
}

/* "DD-MM-YYYY HH:MM:SS", UTC, as the application stores it. */
static const char *stored_at(int64_t ms, char out[64])
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;

    gmtime_r(&s, &tm);
    strftime(out, 64, "%d-%m-%Y %H:%M:%S", &tm);
    return out;
}

void page_totals(const struct estate *es, struct sbuf *out)
{
    size_t good = 0;
    char at[64];

    for (size_t i = 0; i < es->n; i++)
        good += sim_repo_passes(&es->repos[i]);
    frame_start(out, "Home");
    sbuf_addf(out, "<h2 class=\"govuk-heading-m\">Last updated: %s</h2>\n",
              stored_at(es->n ? es->repos[0].stored_ms : es->start_ms, at));
    sbuf_addf(out,
              "<p class=\"govuk-body\"><b>Total reports:</b> %zu</p>\n"
              "<p class=\"govuk-body\"><b>Compliant reports:</b> %zu</p>\n"
              "<p class=\"govuk-body\"><b>Non-compliant reports:</b> %zu</p>\n",
              es->n, good, es->n - good);
    frame_end(out);
}

static void card(const struct sim_repo *r, struct sbuf *out)
{
    bool ok = sim_repo_passes(r);

    sbuf_addf(
        out,
        "<div class=\"govuk-grid-column-one-third\">\n  <div class=\"moj-ticket-panel app-card\">\n"
        "    <section class=\"moj-ticket-panel__content\" aria-label=\"%s\">\n"
        "      <h3 class=\"govuk-heading-s\"><a class=\"govuk-link\" "
        "href=\"/public-report/%s\">%s</a></h3>\n"
        "      <p class=\"govuk-body govuk-tag govuk-tag--%s\">\n        %s\n      </p>\n"
        "      <p class=\"govuk-body-s\"><a class=\"govuk-link\" "
        "href=\"https://github.com/ministryofjustice/%s\">GitHub</a></p>\n"
        "    </section>\n  </div>\n</div>\n",
        r->name, r->name, r->name, ok ? "green" : "red", ok ? "Compliant" : "Non-Compliant",
        r->name);
}

static void row_compliant(const struct sim_repo *r, struct sbuf *out)
{
    sbuf_addf(out,
              "<tr class=\"govuk-table__row\">\n<td class=\"govuk-table__cell\">%s</td>\n"
              "<td class=\"govuk-table__cell\"><a "
              "href=\"https://github.com/ministryofjustice/%s\">GitHub Link</a></td>\n</tr>\n",
              r->name, r->name);
}

/* The first anchor is never closed upstream either: readers must cope with it. */
static void row_failing(const struct sim_repo *r, struct sbuf *out)
{
    sbuf_addf(out,
              "<tr class=\"govuk-table__row\">\n<td class=\"govuk-table__cell\"><a "
              "href=\"/public-report/%s\">%s</td>\n"
              "<td class=\"govuk-table__cell\"><a "
              "href=\"https://github.com/ministryofjustice/%s\">GitHub</a></td>\n"
              "<td class=\"govuk-table__cell\"><ul><li>%s equalling False is not "
              "compliant</li></ul></td>\n</tr>\n",
              r->name, r->name, r->name, sim_repo_infraction(r));
}

void page_list(const struct estate *es, enum page_list which, struct sbuf *out)
{
    static const char *const titles[] = { "All public repositories",
                                          "Compliant public repositories",
                                          "Non-compliant public repositories" };

    frame_start(out, titles[which]);
    sbuf_addf(out, "<h1 class=\"govuk-heading-l\">%s</h1>\n", titles[which]);
    for (size_t i = 0; i < es->n; i++) {
        const struct sim_repo *r = &es->repos[i];
        if (r->is_private)
            continue;
        if (which == PAGE_ALL)
            card(r, out);
        else if (which == PAGE_COMPLIANT && sim_repo_passes(r))
            row_compliant(r, out);
        else if (which == PAGE_NON_COMPLIANT && !sim_repo_passes(r))
            row_failing(r, out);
    }
    frame_end(out);
}

void page_report(const struct sim_repo *r, struct sbuf *out)
{
    char at[64];

    frame_start(out, r->name);
    sbuf_addf(out, "<h1 class=\"govuk-heading-l\">%s</h1>\n<table class=\"govuk-table\">\n",
              r->name);
    for (unsigned i = 0; i < SIM_CHECKS; i++) {
        bool ok = r->passes & 1u << i;
        const char *style = ok ? "" : " style=\"background-color: #fddcdc;\"";
        sbuf_addf(out,
                  "<tr class=\"govuk-table__row\"%s>\n<td class=\"govuk-table__cell\">%s</td>\n"
                  "<td class=\"govuk-table__cell\">%s</td>\n</tr>\n",
                  style, sim_check_names[i], ok ? "True" : "False");
    }
    sbuf_addf(out, "</table>\n<p class=\"govuk-body\">This report was generated on %s UTC.</p>\n",
              stored_at(r->stored_ms, at));
    if (!sim_repo_passes(r))
        sbuf_addf(out,
                  "<div class=\"govuk-inset-text\">%s equalling False is not compliant</div>\n",
                  sim_repo_infraction(r));
    frame_end(out);
}

void page_search(const struct estate *es, const char *query, struct sbuf *out)
{
    size_t found = 0;
    struct sbuf hits;

    sbuf_init(&hits, SIM_BODY_MAX);
    for (size_t i = 0; i < es->n; i++) {
        const struct sim_repo *r = &es->repos[i];
        if (r->is_private || !strcasestr(r->name, query))
            continue;
        found++;
        sbuf_addf(&hits, "<p><a href=\"/public-report/%s\">%s</a></p>\n", r->name, r->name);
    }
    sbuf_addf(out, "<p class=\"govuk-body\">%zu results found</p>\n", found);
    sbuf_add(out, hits.buf, hits.len);
    sbuf_release(&hits);
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } known[] = { { 400, "Bad Request" },
                  { 403, "Forbidden" },
                  { 404, "Not Found" },
                  { 405, "Method Not Allowed" },
                  { 413, "Request Entity Too Large" },
                  { 415, "Unsupported Media Type" },
                  { 429, "Too Many Requests" },
                  { 500, "Internal Server Error" } };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].status == status)
            return known[i].text;
    return "Error";
}

void page_error(int status, struct sbuf *out)
{
    frame_start(out, reason(status));
    sbuf_addf(out,
              "<h1 class=\"govuk-heading-l\">%s</h1>\n"
              "<p class=\"govuk-body\">%s</p>\n",
              status == 500   ? "Sorry, there is a problem with the service"
              : status == 404 ? "Page not found"
                              : reason(status),
              status == 403 ? "You do not have access to this report." : "Try again later.");
    frame_end(out);
}

void page_bare_error(int status, struct sbuf *out)
{
    const char *text =
        status == 400
            ? "The browser (or proxy) sent a request that this server could not understand."
        : status == 405 ? "The method is not allowed for the requested URL."
                        : "The request could not be answered.";

    sbuf_addf(out,
              "<!doctype html>\n<html lang=en>\n<title>%d %s</title>\n<h1>%s</h1>\n<p>%s</p>\n",
              status, reason(status), reason(status), text);
}

void badge_flask(const struct sim_repo *r, struct sbuf *out)
{
    if (sim_repo_passes(r))
        sbuf_adds(out, "{\"color\":\"005ea5\",\"label\":\"MoJ "
                       "Compliant\",\"labelColor\":\"231f20\",\"message\":\"PASS\","
                       "\"schemaVersion\":1,\"style\":\"for-the-badge\"}\n");
    else
        sbuf_adds(out, "{\"color\":\"d4351c\",\"isError\":\"true\",\"label\":\"MoJ "
                       "Compliant\",\"message\":\"FAIL\","
                       "\"schemaVersion\":1,\"style\":\"for-the-badge\"}\n");
}

void badge_successor(const struct sim_repo *r, struct sbuf *out)
{
    const char *message = !r || r->is_private ? "Not Found" : sim_repo_passes(r) ? "Pass" : "Fail";

    sbuf_addf(out,
              "{\"color\":\"%s\",\"label\":\"MoJ "
              "Compliant\",\"labelColor\":\"0b0c0c\",\"message\":\"%s\","
              "\"schemaVersion\":1,\"style\":\"for-the-badge\"}\n",
              strcmp(message, "Pass") == 0 ? "005ea5" : "cc0000", message);
}

/* Marks the repositories that are asked for by name. */
static void mark_list(const struct estate *es, const cJSON *names, bool *wanted)
{
    const cJSON *item;

    cJSON_ArrayForEach (item, names) {
        const struct sim_repo *r = cJSON_IsString(item) ? estate_find(es, item->valuestring) : NULL;
        if (r)
            wanted[r - es->repos] = true;
    }
}

static int bulk_names(const struct estate *es, const cJSON *names, struct sbuf *out)
{
    bool wanted[SIM_REPOS_MAX] = { false };
    bool is_first = true;

    if (cJSON_IsArray(names))
        mark_list(es, names, wanted);
    else if (cJSON_IsString(names)) /* the application asks whether a name is "in" it: substrings */
        for (size_t i = 0; i < es->n; i++)
            wanted[i] = strstr(names->valuestring, es->repos[i].name) != NULL;
    else if (!cJSON_IsNull(names))
        return 500;
    sbuf_adds(out, "{");
    for (size_t i = 0; i < es->n; i++) {
        if (!wanted[i] || es->repos[i].is_private)
            continue;
        sbuf_addf(out, "%s\"%s\":\"%s\"", is_first ? "" : ",", es->repos[i].name,
                  sim_repo_passes(&es->repos[i]) ? "PASS" : "FAIL");
        is_first = false;
    }
    sbuf_adds(out, "}\n");
    return 200;
}

int bulk_answer(const struct estate *es, const char *body, size_t len, struct sbuf *out)
{
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(body, len, &end, 0);
    int status = 400;

    while (json && end < body + len && isspace((unsigned char)*end))
        end++;
    if (json && end == body + len) {
        const cJSON *names = cJSON_GetObjectItemCaseSensitive(json, "repository_names");
        status = cJSON_IsObject(json) && names ? bulk_names(es, names, out) : 500;
    }
    cJSON_Delete(json);
    return status;
}
