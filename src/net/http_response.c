/*
 * The answer, built once a transfer has ended: headers through the text door, the body moved
 * into the answer's arena, and the checks libcurl does not make: a length that is not a number,
 * two lengths that differ, a gzip stream without its end.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/hide.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/time_scan.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

#include "net_priv.h"

enum {
    HEADER_VALUE_MAX = 16 * 1024
};

static char *lower_dup(struct arena *mem, const char *s)
{
    char *low = utf8_clean_dup(mem, s, strlen(s), 256, UTF8_LINE);

    for (char *p = low; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return low;
}

/* What a server says back of our own secrets goes no further than this. */
static const char *hidden_dup(struct arena *mem, const char *s, size_t max)
{
    size_t n = strlen(s);
    char *own = arena_strndup(mem, s, n);

    return utf8_clean_dup(mem, own, hide_values(own, n), max, UTF8_LINE);
}

/* Set-Cookie is a credential nobody here uses, so it goes no further than this. */
static void take_headers(struct http_response *resp, CURL *easy)
{
    struct curl_header *h = NULL;
    struct http_header *list = NULL;
    size_t n = 0, cap = 0;

    while ((h = curl_easy_nextheader(easy, CURLH_HEADER, -1, h))) {
        char *name = lower_dup(resp->mem, h->name);
        if (strcmp(name, "set-cookie") == 0)
            continue;
        VEC_GROW(list, n, cap);
        list[n].name = name;
        list[n++].value = hidden_dup(resp->mem, h->value, HEADER_VALUE_MAX);
    }
    struct http_header *kept = arena_array(resp->mem, n, sizeof *kept);
    if (n)
        memcpy(kept, list, n * sizeof *kept);
    resp->headers = kept;
    resp->nheaders = n;
    free(list);
}

static void take_body(struct http_response *resp, struct body_sink *s)
{
    resp->body = arena_alloc(resp->mem, s->bytes.len + 1);
    memcpy(resp->body, s->bytes.buf, s->bytes.len + 1);
    resp->body_len = s->bytes.len;
}

static const char *version_text(long v)
{
    return v == CURL_HTTP_VERSION_1_0   ? "1.0"
           : v == CURL_HTTP_VERSION_2_0 ? "2"
           : v == CURL_HTTP_VERSION_3   ? "3"
                                        : "1.1";
}

/* The host of a Location not followed; with its port unless that is the scheme's own. */
static void take_redirect(struct http_response *resp, CURL *easy)
{
    char *to = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &to) != CURLE_OK || !to)
        return;
    CURLU *u = curl_url();
    char *host = NULL, *port = NULL;
    if (u && curl_url_set(u, CURLUPART_URL, to, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        host = http_url_part(u, CURLUPART_HOST, 0);
        port = http_url_part(u, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
    }
    curl_url_cleanup(u);
    const char *text =
        arena_printf(resp->mem, "%s%s%s", host && *host ? host : "an unreadable address",
                     port ? ":" : "", port ? port : "");
    resp->redirect = hidden_dup(resp->mem, text, 300);
    free(host);
    free(port);
}

static void take_facts(struct http_response *resp, CURL *easy)
{
    long status = 0, version = 0, head = 0;
    curl_off_t us = 0, down = 0;
    char *url = NULL;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &head);
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &us);
    curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
    resp->status = (int)status;
    resp->version = version_text(version);
    resp->wire_bytes = down + head;
    resp->total_ms = us / 1000;
    resp->url = utf8_clean_dup(resp->mem, url ? url : "", url ? strlen(url) : 0, 8192, UTF8_LINE);
}

/* Content-Length as RFC 9110 8.6 has it: digits, and the same in every copy. */
static bool check_length(const struct http_response *resp, const struct request *r, struct err *e)
{
    int64_t length = -1;

    for (size_t i = 0; i < resp->nheaders; i++) {
        int64_t v;
        const char *value = resp->headers[i].value;
        if (strcmp(resp->headers[i].name, "content-length") != 0)
            continue;
        if (!str_to_i64(value, 0, INT64_MAX, &v))
            return err_set(e, ERR_PARSE, 0, "%s: bad response: Content-Length \"%s\"", r->place,
                           value);
        if (length >= 0 && v != length)
            return err_set(e, ERR_PARSE, 0, "%s: bad response: two different Content-Lengths",
                           r->place);
        length = v;
    }
    curl_off_t got = 0;
    curl_easy_getinfo(r->easy, CURLINFO_SIZE_DOWNLOAD_T, &got);
    bool has_body = !r->is_head && resp->status != 204 && resp->status != 304 &&
                    !http_response_header(resp, "transfer-encoding");
    if (length >= 0 && has_body && got != length)
        return err_set(e, ERR_NET, CURLE_PARTIAL_FILE,
                       "%s: bad response: %lld bytes, its Content-Length says %lld", r->place,
                       (long long)got, (long long)length);
    return true;
}

static bool check_whole(const struct http_response *resp, const struct request *r, struct err *e)
{
    if (!r->sink.is_head_whole) /* libcurl takes a connection closed amid the headers for an end */
        return err_set(e, ERR_NET, CURLE_PARTIAL_FILE,
                       "%s: the answer was cut off inside its headers", r->place);
    if (resp->status < 200)
        return err_set(e, ERR_PARSE, 0, "%s: bad response: nothing after a status %d", r->place,
                       resp->status);
    if (body_sink_is_cut(&r->sink))
        return err_set(e, ERR_NET, CURLE_PARTIAL_FILE,
                       "%s: the answer was cut off (its gzip stream has no end)", r->place);
    return check_length(resp, r, e);
}

struct http_response *http_response_build(struct request *r)
{
    require(r && r->easy);
    struct arena *mem = arena_new();
    struct http_response *resp = arena_alloc(mem, sizeof *resp);

    resp->mem = mem;
    take_facts(resp, r->easy);
    take_headers(resp, r->easy);
    take_redirect(resp, r->easy);
    const char *date = http_response_header(resp, "date");
    if (!date ||
        !time_scan(date, strlen(date), TIME_HTTP, clock_wall_ms(clock_system()), &resp->date_ms))
        resp->date_ms = 0;
    if (r->rc != CURLE_OK || r->sink.fault != BODY_GOOD)
        http_words(r, &resp->err);
    else
        check_whole(resp, r, &resp->err);
    take_body(resp, &r->sink);
    return resp;
}

void http_response_free(struct http_response *r)
{
    if (r)
        arena_free(r->mem); /* the response itself lives in it */
}

const char *http_response_header(const struct http_response *r, const char *lower_name)
{
    require(r && lower_name);
    for (size_t i = 0; i < r->nheaders; i++)
        if (strcmp(r->headers[i].name, lower_name) == 0)
            return r->headers[i].value;
    return NULL;
}
