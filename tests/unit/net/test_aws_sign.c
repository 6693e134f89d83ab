/* Signature Version 4 against the official vectors, and the path rules they leave out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/net/aws_sign.h"

static const int64_t AT_MS = 1440938160000; /* 2015-08-30T12:36:00Z */
static struct secret secret, token;

static struct aws_signing base(const char *path, const char *query)
{
    return (struct aws_signing){ .method = "GET",
                                 .host = "example.amazonaws.com",
                                 .path = path,
                                 .query = query,
                                 .access_key_id = "AKIDEXAMPLE",
                                 .secret_key = &secret,
                                 .region = "us-east-1",
                                 .service = "service",
                                 .at_ms = AT_MS };
}

static int setup(void **state)
{
    static const char words[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    (void)state;
    secret_set(&secret, words, sizeof words - 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    secret_release(&secret);
    secret_release(&token);
    return 0;
}

/* ---- the official vectors */

static cJSON *vectors(void)
{
    FILE *f = fopen("tests/unit/net/aws_sign_vectors.json", "re");
    char *text = calloc(1, 1 << 20);

    assert_non_null(f);
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    cJSON *doc = cJSON_Parse(text);
    assert_true(cJSON_IsArray(doc));
    free(text);
    return doc;
}

static const char *text(const cJSON *o, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
}

static bool flag(const cJSON *o, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, name));
}

static size_t headers_of(const cJSON *row, struct http_header *v, size_t max)
{
    size_t n = 0;
    const cJSON *h;

    cJSON_ArrayForEach (h, cJSON_GetObjectItemCaseSensitive(row, "headers")) {
        const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(h, 0));
        if (!strcmp(name, "Host"))
            continue;
        assert_true(n < max);
        v[n++] = (struct http_header){ name, cJSON_GetStringValue(cJSON_GetArrayItem(h, 1)) };
    }
    return n;
}

static struct aws_signing request_of(const cJSON *row, struct arena *mem, struct http_header *v,
                                     size_t max)
{
    const char *target = text(row, "target");
    size_t n = strcspn(target, "?");
    struct aws_signing in =
        base(arena_strndup(mem, target, n), target[n] ? arena_strdup(mem, target + n + 1) : NULL);

    in.method = text(row, "method");
    in.body = text(row, "body");
    in.body_len = strlen(in.body);
    in.headers = v;
    in.nheaders = headers_of(row, v, max);
    in.is_every_header_signed = true;
    in.has_content_sha256 = flag(row, "sign_body");
    in.is_path_kept = !flag(row, "normalize");
    in.is_token_unsigned = flag(row, "omit_token");
    secret_set(&token, text(row, "token"), strlen(text(row, "token")));
    in.session_token = &token;
    return in;
}

static void every_official_vector_gives_its_header_signature(void **state)
{
    struct aws_signer *s = aws_signer_new();
    cJSON *doc = vectors();
    const cJSON *row;
    int n = 0;

    (void)state;
    cJSON_ArrayForEach (row, doc) {
        struct arena *mem = arena_new();
        struct http_header v[16], out[AWS_SIGN_HEADERS_MAX];
        struct aws_signing in = request_of(row, mem, v, 16);
        struct err e = { 0 };
        size_t nout;

        assert_true(aws_sign(s, &in, mem, out, &nout, &e));
        assert_string_equal(out[nout - 1].name, "Authorization");
        const char *sig = strstr(out[nout - 1].value, "Signature=");
        if (!sig || strcmp(sig + 10, text(row, "header")) != 0)
            fail_msg("%s: %s", text(row, "name"), out[nout - 1].value);
        arena_free(mem);
        n++;
    }
    assert_int_equal(n, 38);
    cJSON_Delete(doc);
    aws_signer_free(s);
}

static void every_official_vector_gives_its_query_signature(void **state)
{
    struct aws_signer *s = aws_signer_new();
    cJSON *doc = vectors();
    const cJSON *row;

    (void)state;
    cJSON_ArrayForEach (row, doc) {
        struct arena *mem = arena_new();
        struct http_header v[16];
        struct aws_signing in = request_of(row, mem, v, 16);
        struct err e = { 0 };
        char *query;

        in.has_content_sha256 = false;
        assert_true(aws_presign(s, &in, 3600, mem, &query, &e));
        const char *sig = strstr(query, "X-Amz-Signature=");
        if (!sig || strcmp(sig + 16, text(row, "query")) != 0)
            fail_msg("%s: %s", text(row, "name"), query);
        arena_free(mem);
    }
    cJSON_Delete(doc);
    aws_signer_free(s);
}

/* ---- paths that are encoded already */

static void check_path(const char *service, const char *path, const char *want)
{
    struct arena *mem = arena_new();
    struct aws_signing in = base(path, NULL);
    struct err e = { 0 };
    char *canonical, *to_sign;

    in.service = service;
    assert_true(aws_canonical(&in, mem, &canonical, &to_sign, &e));
    char *line = strchr(canonical, '\n') + 1;
    *strchr(line, '\n') = '\0';
    assert_string_equal(line, want);
    arena_free(mem);
}

static void a_path_is_encoded_once_more_but_for_s3(void **state)
{
    (void)state;
    check_path("lambda", "/2017-03-31/tags/arn%3Aaws%3Alambda",
               "/2017-03-31/tags/arn%253Aaws%253Alambda");
    check_path("lambda", "/functions/a:$LATEST", "/functions/a%3A%24LATEST");
    check_path("lambda", "/a%2Fb%20c", "/a%252Fb%2520c");
    check_path("lambda", "//a/./b/../c/", "/a/c/");
    check_path("lambda", "", "/");
    check_path("s3", "/bucket/a%20b%3D%2Fc", "/bucket/a%20b%3D/c");
    check_path("s3", "/bucket/a=b:c", "/bucket/a%3Db%3Ac");
    check_path("s3", "/bucket//x/../y", "/bucket//x/../y");
    check_path("s3", "/bucket/100%", "/bucket/100%25");
}

static void a_query_is_sorted_decoded_and_encoded_anew(void **state)
{
    struct arena *mem = arena_new();
    struct aws_signing in = base("/", "b=2&a=x%2fy&a=&a-b=1&c&&d=a=b&e=%zz");
    struct err e = { 0 };
    char *canonical, *to_sign;

    (void)state;
    assert_true(aws_canonical(&in, mem, &canonical, &to_sign, &e));
    assert_non_null(strstr(canonical, "\na=&a=x%2Fy&a-b=1&b=2&c=&d=a%3Db&e=%25zz\n"));
    arena_free(mem);
}

static void headers_are_sorted_by_name_and_others_left_out(void **state)
{
    static const struct http_header v[] = { { "X-Amz-Meta-Test-Two", " b  c " },
                                            { "X-Amz-Meta-Test", "a" },
                                            { "Accept", "x" },
                                            { "Content-Type", "t" },
                                            { "X-Amz-Meta-Test", "z" } };
    struct arena *mem = arena_new();
    struct aws_signing in = base("/", NULL);
    struct err e = { 0 };
    char *canonical, *to_sign;

    (void)state;
    in.headers = v;
    in.nheaders = 5;
    assert_true(aws_canonical(&in, mem, &canonical, &to_sign, &e));
    assert_non_null(strstr(canonical, "\ncontent-type:t\nhost:example.amazonaws.com\n"
                                      "x-amz-date:20150830T123600Z\nx-amz-meta-test:a,z\n"
                                      "x-amz-meta-test-two:b c\n\ncontent-type;host;x-amz-date;"
                                      "x-amz-meta-test;x-amz-meta-test-two\n"));
    arena_free(mem);
}

static void nothing_is_signed_without_key_region_or_service(void **state)
{
    struct arena *mem = arena_new();
    struct aws_signer *s = aws_signer_new();
    struct http_header out[AWS_SIGN_HEADERS_MAX];
    struct err e = { 0 };
    size_t n = 9;

    (void)state;
    struct aws_signing in = base("/", NULL);
    in.region = "";
    assert_false(aws_sign(s, &in, mem, out, &n, &e));
    assert_int_equal(n, 0);
    assert_int_equal(e.code, ERR_CONFIG);
    in = base("/", NULL);
    in.access_key_id = "";
    assert_false(aws_sign(s, &in, mem, out, &n, &e));
    assert_int_equal(e.code, ERR_AUTH);
    in = base("/", NULL);
    struct secret none = { 0 };
    in.secret_key = &none;
    assert_false(aws_sign(s, &in, mem, out, &n, &e));
    aws_signer_free(s);
    arena_free(mem);
}

/* The cache of derived keys must tell apart what differs in one thing only. */
static void another_day_region_service_or_secret_is_another_key(void **state)
{
    struct aws_signer *s = aws_signer_new();
    struct arena *mem = arena_new();
    struct secret other = { 0 };
    char *seen[5];

    (void)state;
    secret_set(&other, "another", 7);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5; i++) {
            struct aws_signing in = base("/", NULL);
            struct http_header out[AWS_SIGN_HEADERS_MAX];
            struct err e = { 0 };
            size_t n;
            in.at_ms += i == 1 ? 86400000 : 0;
            in.region = i == 2 ? "eu-west-2" : in.region;
            in.service = i == 3 ? "sqs" : in.service;
            in.secret_key = i == 4 ? &other : in.secret_key;
            assert_true(aws_sign(s, &in, mem, out, &n, &e));
            char *sig = strstr(out[n - 1].value, "Signature=");
            if (round)
                assert_string_equal(sig, seen[i]);
            seen[i] = sig;
            for (int k = 0; k < i; k++)
                assert_string_not_equal(sig, seen[k]);
        }
    }
    secret_release(&other);
    arena_free(mem);
    aws_signer_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_official_vector_gives_its_header_signature),
        cmocka_unit_test(every_official_vector_gives_its_query_signature),
        cmocka_unit_test(a_path_is_encoded_once_more_but_for_s3),
        cmocka_unit_test(a_query_is_sorted_decoded_and_encoded_anew),
        cmocka_unit_test(headers_are_sorted_by_name_and_others_left_out),
        cmocka_unit_test(nothing_is_signed_without_key_region_or_service),
        cmocka_unit_test(another_day_region_service_or_secret_is_another_key),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
