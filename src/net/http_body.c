/*
 * What arrives, byte by byte: header lines are counted, body bytes are decoded and capped.
 * gzip is undone here and not by libcurl, which delivers a cut stream as a whole one. Called
 * by libcurl from inside curl_multi_socket_action(), so nothing here calls a multi function.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net_priv.h"
#include "opsdeck/base/require.h"

void body_sink_init(struct body_sink *s, size_t max)
{
    require(s && max > 0);
    *s = (struct body_sink){ 0 };
    sbuf_init(&s->bytes, max);
}

static void end_zlib(struct body_sink *s)
{
    if (s->has_zlib)
        inflateEnd(&s->z);
    s->has_zlib = false;
}

void body_sink_release(struct body_sink *s)
{
    end_zlib(s);
    sbuf_release(&s->bytes);
}

void body_sink_reset(struct body_sink *s)
{
    require(s);
    end_zlib(s);
    sbuf_reset(&s->bytes);
    s->fault = BODY_GOOD;
    s->is_head_whole = s->is_started = s->is_gzip = s->is_gzip_ended = false;
}

bool body_sink_is_cut(const struct body_sink *s)
{
    return s->is_gzip && !s->is_gzip_ended;
}

static bool fail(struct body_sink *s, enum body_fault why)
{
    s->fault = why;
    return false;
}

/* The one coding asked for is gzip; anything else, also gzip in gzip, is refused by name. */
static bool start_body(struct body_sink *s, CURL *easy)
{
    struct curl_header *h;

    s->is_started = true;
    if (curl_easy_header(easy, "Content-Encoding", 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return true;
    if (!*h->value || strcasecmp(h->value, "identity") == 0)
        return true;
    if (h->amount > 1 ||
        (strcasecmp(h->value, "gzip") != 0 && strcasecmp(h->value, "x-gzip") != 0)) {
        snprintf(s->coding, sizeof s->coding, "%s%s", h->value, h->amount > 1 ? ", ..." : "");
        return fail(s, BODY_CODING);
    }
    s->is_gzip = true;
    if (inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK)
        return fail(s, BODY_GZIP);
    s->has_zlib = true;
    return true;
}

static bool keep(struct body_sink *s, const void *data, size_t n)
{
    return sbuf_add(&s->bytes, data, n) || fail(s, BODY_OVER_CAP);
}

/* RFC 1952 allows several members in a row; a member's end needs its CRC to be right. */
static bool gunzip(struct body_sink *s, char *data, size_t n)
{
    unsigned char out[16 * 1024];

    s->z.next_in = (unsigned char *)data;
    s->z.avail_in = (unsigned)n;
    do {
        if (s->is_gzip_ended) {
            if (s->z.avail_in == 0)
                return true;
            if (inflateReset(&s->z) != Z_OK)
                return fail(s, BODY_GZIP);
            s->is_gzip_ended = false;
        }
        s->z.next_out = out;
        s->z.avail_out = sizeof out;
        int rc = inflate(&s->z, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return fail(s, BODY_GZIP);
        if (!keep(s, out, sizeof out - s->z.avail_out))
            return false;
        s->is_gzip_ended = rc == Z_STREAM_END;
    } while (s->z.avail_in > 0 || s->z.avail_out == 0);
    return true;
}

size_t body_on_data(char *data, size_t size, size_t n, void *request)
{
    struct request *r = request;
    struct body_sink *s = &r->sink;
    size_t bytes = size * n;

    if (!s->is_started && !start_body(s, r->easy))
        return CURL_WRITEFUNC_ERROR;
    bool ok = s->is_gzip ? gunzip(s, data, bytes) : keep(s, data, bytes);
    return ok ? bytes : CURL_WRITEFUNC_ERROR;
}

size_t body_on_header(char *line, size_t size, size_t n, void *request)
{
    struct request *r = request;
    struct body_sink *s = &r->sink;
    size_t bytes = size * n;

    if (bytes > 5 && strncmp(line, "HTTP/", 5) == 0)
        body_sink_reset(s); /* counts go on: endless redirects and 1xx answers are bounded too */
    s->header_bytes += bytes;
    if (++s->nheaders > HTTP_HEADERS_MAX || s->header_bytes > HTTP_HEADER_BYTES_MAX) {
        s->fault = BODY_HEADERS;
        return CURL_WRITEFUNC_ERROR;
    }
    if (bytes <= 2 && (*line == '\r' || *line == '\n')) {
        s->is_head_whole = true;
        /*
         * Only a body is held to a speed: how long a server may think before it answers is the
         * request's timeout, which is often longer than the stall limit.
         */
        curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_LIMIT, (long)HTTP_STALL_BYTES_S);
        curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_TIME, (long)HTTP_STALL_S);
    }
    return bytes;
}
