/*
 * What went wrong, in words for a person at 03:00: always host:port, what happened, and where
 * it helps what to do. libcurl's own texts are used only for faults this table does not know.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509_vfy.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "net_priv.h"

struct words {
    int number; /* CURLcode, errno or X509_V_ERR_* */
    enum err_code code;
    const char *text;
};

/* clang-format off */
static const struct words BY_CURL[] = {
    { CURLE_COULDNT_RESOLVE_HOST,   ERR_NET,   "name not found" },
    { CURLE_COULDNT_RESOLVE_PROXY,  ERR_NET,   "name of the proxy not found" },
    { CURLE_COULDNT_CONNECT,        ERR_NET,   "cannot connect" },
    { CURLE_PROXY,                  ERR_NET,   "the proxy refused" },
    { CURLE_GOT_NOTHING,            ERR_NET,   "connection closed without an answer" },
    { CURLE_PARTIAL_FILE,           ERR_NET,   "the answer was cut off" },
    { CURLE_SEND_ERROR,             ERR_NET,   "connection lost while sending" },
    { CURLE_RECV_ERROR,             ERR_NET,   "connection lost while reading the answer" },
    { CURLE_SSL_CONNECT_ERROR,      ERR_NET,   "TLS: no handshake (is this an https port?)" },
    { CURLE_PEER_FAILED_VERIFICATION, ERR_NET, "TLS: certificate refused" },
    { CURLE_SSL_CACERT_BADFILE,     ERR_NET,   "TLS: the ca_file cannot be read" },
    { CURLE_SSL_CERTPROBLEM,        ERR_NET,   "TLS: certificate refused" },
    { CURLE_SSL_CIPHER,             ERR_NET,   "TLS: no common cipher" },
    { CURLE_SSL_SHUTDOWN_FAILED,    ERR_NET,   "TLS: closed badly" },
    { CURLE_HTTP2,                  ERR_NET,   "bad response: broken HTTP/2" },
    { CURLE_HTTP2_STREAM,           ERR_NET,   "bad response: HTTP/2 stream broken off" },
    { CURLE_TOO_MANY_REDIRECTS,     ERR_PARSE, "more than 5 redirects" },
    { CURLE_UNSUPPORTED_PROTOCOL,   ERR_PARSE, "bad response: not HTTP, or a redirect to another protocol" },
    { CURLE_WEIRD_SERVER_REPLY,     ERR_PARSE, "bad response: not HTTP" },
    { CURLE_BAD_CONTENT_ENCODING,   ERR_PARSE, "bad response: unknown content coding" },
    { CURLE_FILESIZE_EXCEEDED,      ERR_LIMIT, "the answer is too large" },
};

static const struct words BY_ERRNO[] = {
    { ECONNREFUSED, ERR_NET, "connection refused" },
    { ECONNRESET,   ERR_NET, "connection reset" },
    { EPIPE,        ERR_NET, "connection reset" },
    { ENETUNREACH,  ERR_NET, "network unreachable" },
    { EHOSTUNREACH, ERR_NET, "no route to host" },
    { ETIMEDOUT,    ERR_TIMEOUT, "no answer to the connection attempt" },
    { EMFILE,       ERR_NET, "too many open files (ulimit -n)" },
    { ENFILE,       ERR_NET, "too many open files on this machine" },
    { EACCES,       ERR_NET, "connection not permitted" },
    { EPERM,        ERR_NET, "connection not permitted" },
    { ENOENT,       ERR_NET, "no such socket file" },
};

static const struct words BY_X509[] = {
    { X509_V_ERR_CERT_HAS_EXPIRED,                 ERR_NET, "TLS: certificate expired" },
    { X509_V_ERR_CERT_NOT_YET_VALID,               ERR_NET, "TLS: certificate not valid yet (clock?)" },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,      ERR_NET, "TLS: certificate is self-signed (ca_file?)" },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,        ERR_NET, "TLS: certificate of an unknown CA (ca_file?)" },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, ERR_NET, "TLS: certificate of an unknown CA (ca_file?)" },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,        ERR_NET, "TLS: certificate of an unknown CA (ca_file?)" },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,  ERR_NET, "TLS: certificate chain is incomplete" },
    { X509_V_ERR_CERT_REVOKED,                     ERR_NET, "TLS: certificate revoked" },
    { X509_V_ERR_HOSTNAME_MISMATCH,                ERR_NET, "TLS: certificate is for another name" },
    { X509_V_ERR_IP_ADDRESS_MISMATCH,              ERR_NET, "TLS: certificate is for another address" },
    { X509_V_ERR_INVALID_PURPOSE,                  ERR_NET, "TLS: certificate is not one for servers" },
    { X509_V_ERR_CERT_SIGNATURE_FAILURE,           ERR_NET, "TLS: certificate signature is wrong" },
};
/* clang-format on */

static const struct words *look_up(const struct words *table, size_t n, long number)
{
    for (size_t i = 0; i < n; i++)
        if (table[i].number == number)
            return &table[i];
    return NULL;
}

/* ---- whether libcurl ran out of memory, since its code 27 also means "headers too large" */

static atomic_bool memory_failed;
static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_rc;

static void *noted(void *p)
{
    if (!p)
        atomic_store(&memory_failed, true);
    return p;
}

static void *hook_malloc(size_t n)
{
    return noted(malloc(n));
}

static void *hook_realloc(void *p, size_t n)
{
    return noted(realloc(p, n));
}

static void *hook_calloc(size_t n, size_t size)
{
    return noted(calloc(n, size));
}

static char *hook_strdup(const char *s)
{
    return noted(strdup(s));
}

static void global_start(void)
{
    /* The first would make libcurl write TLS session keys to a file, the second choose a backend.
     */
    unsetenv("SSLKEYLOGFILE");
    unsetenv("CURL_SSL_BACKEND");
    global_rc = curl_global_init_mem(CURL_GLOBAL_DEFAULT, hook_malloc, free, hook_realloc,
                                     hook_strdup, hook_calloc);
}

CURLcode http_global_init(void)
{
    pthread_once(&global_once, global_start);
    return global_rc;
}

/* ---- faults with more to say than a table row */

static bool says(const struct request *r, const char *text)
{
    return strstr(r->curl_text, text) != NULL;
}

static bool is_time_spent(const struct request *r, CURLINFO info)
{
    curl_off_t us = 0;

    return curl_easy_getinfo(r->easy, info, &us) == CURLE_OK && us > 0;
}

static void timeout_words(const struct request *r, struct err *e)
{
    bool is_tls = strcmp(r->scheme, "https") == 0;
    char limit[TIME_TEXT_MAX];
    int64_t ms = r->connect_timeout_ms;
    const char *doing = "connecting";

    if (says(r, "Operation too slow")) {
        err_set(e, ERR_TIMEOUT, (int)r->rc, "%s: the answer stalled (under %d B/s for %d s)",
                r->place, HTTP_STALL_BYTES_S, HTTP_STALL_S);
        return;
    }
    if (is_time_spent(r, CURLINFO_STARTTRANSFER_TIME_T)) {
        doing = "the answer did not end";
        ms = r->timeout_ms;
    } else if (is_time_spent(r, CURLINFO_PRETRANSFER_TIME_T)) {
        doing = "connected, nothing came";
        ms = r->timeout_ms;
    } else if (is_tls && r->is_connected) {
        doing = "TLS handshake";
    } else if (!is_time_spent(r, CURLINFO_NAMELOOKUP_TIME_T)) {
        doing = "looking up its name";
    }
    if (ms > r->timeout_ms)
        ms = r->timeout_ms;
    err_set(e, ERR_TIMEOUT, (int)r->rc, "%s: timeout after %s (%s)", r->place,
            dur_format(ms, limit), doing);
}

static void sink_words(const struct request *r, struct err *e)
{
    char size[TIME_TEXT_MAX];

    switch (r->sink.fault) {
    case BODY_OVER_CAP:
        err_set(e, ERR_LIMIT, (int)r->rc, "%s: the answer is larger than %s, reading stopped",
                r->place, size_format((int64_t)r->sink.bytes.max, size));
        return;
    case BODY_CODING:
        err_set(e, ERR_PARSE, (int)r->rc,
                "%s: bad response: content coding \"%s\" (asked for gzip)", r->place,
                r->sink.coding);
        return;
    case BODY_GZIP:
        err_set(e, ERR_PARSE, (int)r->rc, "%s: bad response: its gzip stream is damaged", r->place);
        return;
    default:
        err_set(e, ERR_PARSE, (int)r->rc, "%s: bad response: too many headers", r->place);
    }
}

static const struct words *find_words(const struct request *r)
{
    long number = 0;
    const struct words *w = NULL;

    if (r->rc == CURLE_PEER_FAILED_VERIFICATION) {
        curl_easy_getinfo(r->easy, CURLINFO_SSL_VERIFYRESULT, &number);
        if (says(r, "subject name")) /* libcurl's own name check, which leaves no number */
            number = X509_V_ERR_HOSTNAME_MISMATCH;
        w = look_up(BY_X509, ARRAY_LEN(BY_X509), number);
    } else if (r->rc == CURLE_COULDNT_CONNECT || r->rc == CURLE_RECV_ERROR ||
               r->rc == CURLE_SEND_ERROR) {
        curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &number);
        w = look_up(BY_ERRNO, ARRAY_LEN(BY_ERRNO), number);
    }
    return w ? w : look_up(BY_CURL, ARRAY_LEN(BY_CURL), r->rc);
}

/* What libcurl reports with a code that says less than its text. */
static const struct words *find_by_text(const struct request *r)
{
    static const struct {
        const char *part;
        struct words words;
    } known[] = {
        { "Too large response headers", { 0, ERR_PARSE, "bad response: too many headers" } },
        { "Too many response headers", { 0, ERR_PARSE, "bad response: too many headers" } },
        { "unexpected eof", { 0, ERR_NET, "TLS: connection cut off" } },
        { "SSL_connect: Connection reset",
          { 0, ERR_NET, "TLS: connection reset in the handshake" } },
        { "Connection reset by peer", { 0, ERR_NET, "connection reset" } },
        { "wrong version number", { 0, ERR_NET, "TLS: the server does not speak TLS here" } },
        { "Illegal or missing hexadecimal", { 0, ERR_NET, "bad response: broken chunk" } },
        { "hunk", { 0, ERR_NET, "bad response: broken chunk" } },
        { "Invalid Content-Length", { 0, ERR_PARSE, "bad response: Content-Length" } },
        { "Received HTTP/0.9", { 0, ERR_PARSE, "bad response: not HTTP" } },
        { "Lookup timed out", { 0, ERR_TIMEOUT, "timeout looking up its name" } },
    };

    if (r->rc == CURLE_PEER_FAILED_VERIFICATION)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (says(r, known[i].part))
            return &known[i].words;
    return NULL;
}

void http_words(const struct request *r, struct err *e)
{
    require(r && e);
    if (r->sink.fault != BODY_GOOD) {
        sink_words(r, e);
        return;
    }
    if (r->rc == CURLE_OPERATION_TIMEDOUT) {
        timeout_words(r, e);
        return;
    }
    if (r->rc == CURLE_OUT_OF_MEMORY) {
        bool is_real = atomic_exchange(&memory_failed, false);
        err_set(e, is_real ? ERR_LIMIT : ERR_PARSE, (int)r->rc, "%s: %s", r->place,
                is_real ? "out of memory" : "bad response: a header is too large");
        return;
    }
    const struct words *w = find_by_text(r);
    if (!w)
        w = find_words(r);
    const char *text = w ? w->text : r->curl_text[0] ? r->curl_text : curl_easy_strerror(r->rc);
    enum err_code code = w ? w->code : ERR_NET;
    if (r->proxy)
        err_set(e, code, (int)r->rc, "%s: %s (through the proxy %s)", r->place, text, r->proxy);
    else
        err_set(e, code, (int)r->rc, "%s: %s", r->place, text);
}
