/*
 * What is sent: checks a request and sets up its curl handle. All rules that keep credentials
 * where they belong stand here: no plain http with one, no redirect with one, no proxy, netrc,
 * cookie or session reuse that the caller did not ask for.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "net_priv.h"

static bool is_token(const char *s)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    if (!s || !*s)
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr(others, *s))
            return false;
    return true;
}

static bool is_field_value(const char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return false;
    return true;
}

/* Headers that libcurl writes itself, or that would change where a message ends. */
static bool is_refused_header(const char *name)
{
    static const char *const refused[] = {
        "Content-Length", "Transfer-Encoding", "Connection", "Proxy-Authorization", "TE", "Upgrade"
    };

    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (strcasecmp(name, refused[i]) == 0)
            return true;
    return false;
}

/* Headers that are credentials whatever the caller says about them. */
static bool is_credential_header(const char *name)
{
    static const char *const known[] = {
        "Authorization",        "Cookie",      "X-Api-Key", "Private-Token",
        "X-Amz-Security-Token", "X-Auth-Token"
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcasecmp(name, known[i]) == 0)
            return true;
    return false;
}

static const char *header_of(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->nheaders; i++)
        if (strcasecmp(req->headers[i].name, name) == 0)
            return req->headers[i].value;
    return NULL;
}

static bool has_credential(const struct http_request *req)
{
    if (req->auth.kind != HTTP_AUTH_NONE || req->headers_are_secret)
        return true;
    for (size_t i = 0; i < req->nheaders; i++)
        if (req->headers[i].name && is_credential_header(req->headers[i].name))
            return true;
    return false;
}

static void wipe_free(char *s, size_t n)
{
    if (s)
        explicit_bzero(s, n);
    free(s);
}

static void add_header(struct request *r, const char *name, const char *value, size_t n)
{
    size_t size = strlen(name) + 2 + n + 1;
    char *line = xmalloc(size);

    snprintf(line, size, "%s: %.*s", name, (int)n, value);
    struct curl_slist *l = curl_slist_append(r->headers, line);
    wipe_free(line, size);
    if (!l)
        bug("out of memory for a request header");
    r->headers = l;
}

static char *base64(const char *in, size_t n)
{
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = xmalloc((n + 2) / 3 * 4 + 1), *p = out;

    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)(unsigned char)in[i] << 16;
        if (i + 1 < n)
            v |= (unsigned)(unsigned char)in[i + 1] << 8;
        if (i + 2 < n)
            v |= (unsigned char)in[i + 2];
        *p++ = abc[v >> 18 & 63];
        *p++ = abc[v >> 12 & 63];
        *p++ = i + 1 < n ? abc[v >> 6 & 63] : '=';
        *p++ = i + 2 < n ? abc[v & 63] : '=';
    }
    *p = '\0';
    return out;
}

static bool add_basic(struct request *r, const struct http_request *req, struct err *e)
{
    const struct secret *s = req->auth.secret;
    const char *user = req->auth.user ? req->auth.user : "";

    if (strchr(user, ':') || !is_field_value(user))
        return err_set(e, ERR_CONFIG, 0,
                       "%s: a user name for basic auth cannot hold ':' or control characters",
                       r->place);
    size_t plain_len = strlen(user) + 1 + s->len;
    char *plain = xmalloc(plain_len + 1);
    memcpy(plain, user, strlen(user));
    plain[strlen(user)] = ':';
    memcpy(plain + strlen(user) + 1, s->bytes, s->len);
    char *b64 = base64(plain, plain_len), *value = xmalloc(strlen(b64) + 7);
    snprintf(value, strlen(b64) + 7, "Basic %s", b64);
    add_header(r, "Authorization", value, strlen(value));
    wipe_free(plain, plain_len);
    wipe_free(value, strlen(value));
    wipe_free(b64, strlen(b64));
    return true;
}

static bool add_auth(struct request *r, const struct http_request *req, struct err *e)
{
    const struct secret *s = req->auth.secret;

    if (req->auth.kind == HTTP_AUTH_NONE)
        return true;
    if (!s || !s->bytes || s->len == 0)
        return err_set(e, ERR_AUTH, 0, "%s: the credential for it is empty", r->place);
    if (strlen(s->bytes) != s->len || !is_field_value(s->bytes))
        return err_set(e, ERR_AUTH, 0,
                       "%s: the credential for it holds control characters (several lines?)",
                       r->place);
    if (req->auth.kind == HTTP_AUTH_BASIC)
        return add_basic(r, req, e);
    if (req->auth.kind == HTTP_AUTH_HEADER) {
        if (!is_token(req->auth.header) || is_refused_header(req->auth.header))
            return err_set(e, ERR_CONFIG, 0, "%s: \"%s\" cannot be the header of a credential",
                           r->place, req->auth.header ? req->auth.header : "");
        add_header(r, req->auth.header, s->bytes, s->len);
        return true;
    }
    char *value = xmalloc(s->len + 8);
    snprintf(value, s->len + 8, "Bearer %s", s->bytes);
    add_header(r, "Authorization", value, s->len + 7);
    wipe_free(value, s->len + 7);
    return true;
}

static bool add_headers(struct request *r, const struct http_request *req, struct err *e)
{
    for (size_t i = 0; i < req->nheaders; i++) {
        const char *name = req->headers[i].name, *value = req->headers[i].value;
        if (!is_token(name) || is_refused_header(name))
            return err_set(e, ERR_CONFIG, 0, "%s: \"%s\" is not a header that can be set", r->place,
                           name ? name : "");
        if (!value || !is_field_value(value))
            return err_set(e, ERR_CONFIG, 0, "%s: the value of header %s holds control characters",
                           r->place, name);
        add_header(r, name, value, strlen(value));
    }
    if (!header_of(req, "Accept-Encoding"))
        add_header(r, "Accept-Encoding", "gzip", 4);
    add_header(r, "Expect", "", 0); /* an empty one keeps libcurl's away: no waiting for a 100 */
    if (req->body && !header_of(req, "Content-Type"))
        add_header(r, "Content-Type", "", 0); /* nor a form type that nobody meant */
    return add_auth(r, req, e);
}

#define SET(option, value)                                                                         \
    do {                                                                                           \
        CURLcode set_rc = curl_easy_setopt(r->easy, (option), (value));                            \
        if (set_rc != CURLE_OK)                                                                    \
            return err_set(e, ERR_NET, (int)set_rc, "%s: libcurl refuses %s: %s", r->place,        \
                           #option, curl_easy_strerror(set_rc));                                   \
    } while (0)

static bool set_method(struct request *r, const struct http_request *req, struct err *e)
{
    const char *method = req->method ? req->method : "GET";

    if (!is_token(method))
        return err_set(e, ERR_CONFIG, 0, "%s: \"%s\" is not an HTTP method", r->place, method);
    r->is_head = strcmp(method, "HEAD") == 0;
    if (r->is_head) {
        SET(CURLOPT_NOBODY, 1L);
        return true;
    }
    if (req->body || strcmp(method, "POST") == 0) {
        r->body_len = req->body ? req->body_len : 0;
        r->body = xmalloc(r->body_len + 1);
        memcpy(r->body, req->body ? req->body : "", r->body_len);
        r->body[r->body_len] = '\0';
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        SET(CURLOPT_POSTFIELDS, r->body);
        if (strcmp(method, "POST") != 0)
            SET(CURLOPT_CUSTOMREQUEST, method);
        return true;
    }
    SET(CURLOPT_HTTPGET, 1L);
    if (strcmp(method, "GET") != 0)
        SET(CURLOPT_CUSTOMREQUEST, method);
    return true;
}

/* Redirects: only without a credential, only for reading, never to another protocol. */
static bool set_redirects(struct request *r, const struct http_request *req, struct err *e)
{
    const char *method = req->method ? req->method : "GET";
    bool follow = req->follow_redirects && !r->has_credential && !req->body &&
                  (strcmp(method, "GET") == 0 || r->is_head);

    SET(CURLOPT_FOLLOWLOCATION, follow ? 1L : 0L);
    SET(CURLOPT_MAXREDIRS, (long)HTTP_REDIRECTS_MAX);
    SET(CURLOPT_REDIR_PROTOCOLS_STR, r->scheme);
    return true;
}

static bool set_proxy(struct request *r, const struct http_request *req, bool is_local,
                      struct err *e)
{
    SET(CURLOPT_NOPROXY, "");
    /* An empty name, unlike none, also keeps the environment's proxy variables out. */
    SET(CURLOPT_PROXY, req->proxy && !is_local ? req->proxy : "");
    if (!req->proxy || is_local)
        return true;
    CURLU *u = curl_url();
    if (u && curl_url_set(u, CURLUPART_URL, req->proxy,
                          CURLU_DEFAULT_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
        r->proxy = http_url_place(u);
    curl_url_cleanup(u);
    return r->proxy ||
           err_set(e, ERR_CONFIG, 0, "%s: the proxy's address cannot be read", r->place);
}

/* The system's bundle of trusted roots is one readable file. */
static bool has_bundle(void)
{
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

    return v->age >= CURLVERSION_SEVENTH && v->cainfo && access(v->cainfo, R_OK) == 0;
}

static bool set_trust(struct request *r, const struct http_request *req, struct err *e)
{
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (req->ca_file) { /* in place of the system's authorities, so their folder goes as well */
        SET(CURLOPT_CAINFO, req->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    } else if (has_bundle()) {
        /*
         * libcurl keeps the parsed authorities for the next connection only when no folder of
         * them is set; parsing the bundle anew took 15 ms of the loop for each connection.
         */
        SET(CURLOPT_CAPATH, NULL);
    }
    if (r->has_credential && !req->group) { /* shared by no credential means: by nobody */
        SET(CURLOPT_FRESH_CONNECT, 1L);
        SET(CURLOPT_FORBID_REUSE, 1L);
        SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    }
    return true;
}

static bool set_limits(struct request *r, const struct http_request *req, struct err *e)
{
    r->timeout_ms = req->timeout_ms > 0 ? req->timeout_ms : HTTP_TIMEOUT_MS;
    r->connect_timeout_ms =
        req->connect_timeout_ms > 0 ? req->connect_timeout_ms : HTTP_CONNECT_TIMEOUT_MS;
    SET(CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_timeout_ms);
    body_sink_init(&r->sink, req->body_max ? req->body_max : HTTP_BODY_DEFAULT);
    SET(CURLOPT_WRITEFUNCTION, body_on_data);
    SET(CURLOPT_WRITEDATA, r);
    SET(CURLOPT_HEADERFUNCTION, body_on_header);
    SET(CURLOPT_HEADERDATA, r);
    return true;
}

static bool set_up(const struct http *h, struct request *r, const struct http_request *req,
                   bool is_local, struct err *e)
{
    SET(CURLOPT_PRIVATE, r);
    SET(CURLOPT_ERRORBUFFER, r->curl_text);
    SET(CURLOPT_PROTOCOLS_STR, r->scheme);
    SET(CURLOPT_URL, req->url);
    SET(CURLOPT_PATH_AS_IS, 1L); /* what was signed is what is sent */
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_USERAGENT, h->user_agent);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    if (req->unix_socket)
        SET(CURLOPT_UNIX_SOCKET_PATH, req->unix_socket);
    if (!set_method(r, req, e) || !set_redirects(r, req, e) || !set_proxy(r, req, is_local, e) ||
        !set_trust(r, req, e) || !set_limits(r, req, e) || !add_headers(r, req, e))
        return false;
    SET(CURLOPT_HTTPHEADER, r->headers);
    return true;
}

struct request *http_request_new(const struct http *h, const struct http_request *req,
                                 struct err *e)
{
    require(h && req);
    CURLU *u = http_url_parse(req->url, e);

    if (!u)
        return NULL;
    struct request *r = xcalloc(1, sizeof *r);
    r->place = http_url_place(u);
    r->scheme = http_url_part(u, CURLUPART_SCHEME, 0);
    char *host = http_url_part(u, CURLUPART_HOST, 0);
    curl_url_cleanup(u);
    bool ok = false,
         is_local = http_url_is_loopback(host) || http_url_is_metadata(host) || req->unix_socket;
    free(host);
    r->has_credential = has_credential(req);
    r->group_name = req->group ? xstrdup(req->group) : NULL;
    r->easy = curl_easy_init();
    if (!r->easy)
        err_set(e, ERR_NET, CURLE_FAILED_INIT, "%s: curl_easy_init failed", r->place);
    else if (r->has_credential && !is_local && strcmp(r->scheme, "https") != 0)
        err_set(e, ERR_CONFIG, 0,
                "%s: a credential is never sent over plain http (write https:// in the url)",
                r->place);
    else
        ok = set_up(h, r, req, is_local, e);
    if (ok)
        return r;
    http_request_free(r);
    return NULL;
}

static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *l = headers; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(headers);
}

void http_request_free(struct request *r)
{
    if (!r)
        return;
    curl_easy_cleanup(r->easy);
    free_headers(r->headers);
    wipe_free(r->body, r->body_len);
    body_sink_release(&r->sink);
    free(r->group_name);
    free(r->place);
    free(r->scheme);
    free(r->proxy);
    free(r);
}
