/*
 * Signs requests given as JSON, one a line, with the program's own signer, and prints the
 * Authorization header of each: for comparing with another signer. `--bench N` signs one
 * request N times and prints how many a second of processor time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/net/aws_sign.h"

enum {
    HEADERS_MAX = 64
};

static const char *text(const cJSON *o, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

    return s ? s : "";
}

static bool sign_line(struct aws_signer *signer, const cJSON *doc, struct arena *mem)
{
    struct http_header v[HEADERS_MAX], out[AWS_SIGN_HEADERS_MAX];
    struct secret secret = { 0 }, token = { 0 };
    struct err e = { 0 };
    size_t n = 0, nout;
    const cJSON *h, *at = cJSON_GetObjectItemCaseSensitive(doc, "at");

    cJSON_ArrayForEach (h, cJSON_GetObjectItemCaseSensitive(doc, "headers"))
        if (n < HEADERS_MAX)
            v[n++] = (struct http_header){ text(h, "name"), text(h, "value") };
    secret_set(&secret, text(doc, "secret"), strlen(text(doc, "secret")));
    secret_set(&token, text(doc, "token"), strlen(text(doc, "token")));
    const struct aws_signing in = {
        .method = text(doc, "method"),
        .host = text(doc, "host"),
        .path = text(doc, "path"),
        .query = text(doc, "query"),
        .headers = v,
        .nheaders = n,
        .body = text(doc, "body"),
        .body_len = strlen(text(doc, "body")),
        .access_key_id = text(doc, "key"),
        .secret_key = &secret,
        .session_token = &token,
        .region = text(doc, "region"),
        .service = text(doc, "service"),
        .at_ms = cJSON_IsNumber(at) ? (int64_t)at->valuedouble : 0,
    };
    bool ok = aws_sign(signer, &in, mem, out, &nout, &e);
    puts(ok ? out[nout - 1].value : e.text);
    secret_release(&secret);
    secret_release(&token);
    return ok;
}

static int sign_lines(void)
{
    struct aws_signer *signer = aws_signer_new();
    char *line = NULL;
    size_t cap = 0;
    int bad = 0;

    while (getline(&line, &cap, stdin) > 0) {
        struct arena *mem = arena_new();
        cJSON *doc = cJSON_Parse(line);
        bad += !doc || !sign_line(signer, doc, mem);
        cJSON_Delete(doc);
        arena_free(mem);
    }
    free(line);
    aws_signer_free(signer);
    return bad != 0;
}

/* What a poll of functions signs: a GET with a marker, a session token, two headers. */
static int bench(long n)
{
    static const struct http_header v[] = { { "Accept", "application/json" },
                                            { "Content-Type", "application/x-amz-json-1.1" } };
    struct aws_signer *signer = aws_signer_new();
    struct secret secret = { 0 }, token = { 0 };
    char words[1200];
    struct err e = { 0 };
    struct timespec from, to;

    memset(words, 'k', sizeof words);
    secret_set(&secret, words, 40);
    secret_set(&token, words, sizeof words);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (long i = 0; i < n; i++) {
        struct arena *mem = arena_new();
        struct http_header out[AWS_SIGN_HEADERS_MAX];
        size_t nout;
        const struct aws_signing in = { .method = "GET",
                                        .host = "lambda.eu-west-2.amazonaws.com",
                                        .path = "/2015-03-31/functions",
                                        .query = "MaxItems=50&Marker=abcdefghijklmnop%2Fqrst%3D",
                                        .headers = v,
                                        .nheaders = 2,
                                        .access_key_id = "ASIAEXAMPLEEXAMPLE00",
                                        .secret_key = &secret,
                                        .session_token = &token,
                                        .region = "eu-west-2",
                                        .service = "lambda",
                                        .at_ms = 1795226683000 + i };
        if (!aws_sign(signer, &in, mem, out, &nout, &e)) {
            fprintf(stderr, "awssign: %s\n", e.text);
            return 1;
        }
        arena_free(mem);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double s = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("%.0f\n", (double)n / s);
    secret_release(&secret);
    secret_release(&token);
    aws_signer_free(signer);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--bench"))
        return bench(strtol(argv[2], NULL, 10));
    return sign_lines();
}
