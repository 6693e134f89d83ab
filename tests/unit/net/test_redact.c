/* Secrets do not show: by value in every disguise, and by shape. */
#include "net_test.h"

#include "opsdeck/base/sbuf.h"
#include "opsdeck/net/redact.h"

static void check(const char *in, const char *want)
{
    struct sbuf sb;

    sbuf_init(&sb, 64 * 1024);
    sbuf_adds(&sb, in);
    redact_text(&sb);
    if (strcmp(sb.buf, want) != 0)
        fail_msg("\"%s\"\n became \"%s\"\n instead of \"%s\"", in, sb.buf, want);
    redact_text(&sb); /* once is enough */
    assert_string_equal(sb.buf, want);
    sbuf_release(&sb);
}

static const char CANARY[] = "c4n@ry/+ token=é";

static int know(void **state)
{
    (void)state;
    redact_add(CANARY, strlen(CANARY));
    return 0;
}

static int forget(void **state)
{
    (void)state;
    redact_remove(CANARY, strlen(CANARY));
    return 0;
}

static void a_known_secret_is_hidden_as_it_is(void **state)
{
    (void)state;
    check("sent c4n@ry/+ token=é to x", "sent *** to x");
    check("c4n@ry/+ token=é", "***");
    check("c4n@ry/+ token=éc4n@ry/+ token=é", "******");
    check("c4n@ry/+ tok", "c4n@ry/+ tok");
    check("", "");
}

static void percent_encoding_does_not_help_it(void **state)
{
    (void)state;
    check("u=c4n%40ry%2F%2B%20token%3D%C3%A9&b", "u=***&b");
    check("u=c4n%40ry%2f%2b%20token%3d%c3%a9&b", "u=***&b");
    check("u=c4n%40ry/%2B+token%3D%C3%A9&b", "u=***&b");
    check("u=%63%34%6e%40ry%2F%2B%20token%3D%C3%A9", "u=***");
}

static void escapes_of_json_do_not_help_it(void **state)
{
    (void)state;
    check("{\"a\":\"c4n@ry\\/+ token=\\u00e9\"}", "{\"a\":\"***\"}");
    check("[\"\\u0063\\u0034n@ry\\u002f\\u002B token=\\u00E9\"]", "[\"***\"]");
    check("\\u0063\\u0034n@ry", "\\u0063\\u0034n@ry");
}

static void a_large_text_is_searched_across_its_parts(void **state)
{
    enum {
        PART = 64 * 1024
    };
    size_t len = strlen(CANARY), n = 3 * PART;

    (void)state;
    for (size_t at = PART - len - 2; at < PART + 3; at++) {
        char *s = malloc(n + 1);
        memset(s, '.', n);
        memcpy(s + at, CANARY, len);
        memcpy(s + n - len, CANARY, len);
        size_t left = redact_values(s, n);
        assert_int_equal(left, n - 2 * (len - 3));
        assert_int_equal(s[left], 0);
        assert_memory_equal(s + at - 1, ".***.", 5);
        assert_memory_equal(s + left - 4, ".***", 4);
        assert_null(memmem(s, n, "c4n", 3));
        free(s);
    }
}

static void hex_does_not_help_it(void **state)
{
    (void)state;
    check("dump 63346e4072792f2b20746f6b656e3dc3a9.", "dump ***.");
    check("dump 63346E4072792F2B20746F6B656E3DC3A9.", "dump ***.");
}

static void encode(const char *plain, bool is_url, char *out)
{
    const char *abc = is_url ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                             : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(plain), o = 0;

    for (size_t i = 0; i < n; i += 3) {
        unsigned v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < n ? (unsigned char)plain[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            out[o++] = k <= n - i || k < 2 ? abc[v >> (18 - 6 * k) & 63] : '=';
    }
    out[o] = '\0';
}

static void base64_at_any_alignment_does_not_help_it(void **state)
{
    (void)state;
    static const char *const before[] = { "", "u", "us", "usr", "user:" };
    static const char *const after[] = { "", "x", "xy", "xyz" };
    char core[64];
    for (size_t b = 0; b < ARRAY_LEN(before); b++) {
        for (size_t a = 0; a < ARRAY_LEN(after) * 2; a++) {
            char plain[128], text[256];
            snprintf(plain, sizeof plain, "%s%s%s", before[b], CANARY, after[a / 2]);
            encode(plain, a % 2, text);
            struct sbuf sb;
            sbuf_init(&sb, 1024);
            sbuf_adds(&sb, text);
            redact_text(&sb);
            if (!strstr(sb.buf, "***"))
                fail_msg("%s: \"%s\" stayed", plain, sb.buf);
            /* What is left cannot hold more than the neighbours and a few bits. */
            assert_true(sb.len <= 3 + 4 + (strlen(before[b]) + 2) / 3 * 4 +
                                      (strlen(after[a / 2]) + 2) / 3 * 4 + 4);
            sbuf_release(&sb);
        }
    }
    encode(CANARY, false, core);
    assert_true(strlen(core) > 20);
}

static void the_longer_of_two_secrets_goes_whole(void **state)
{
    (void)state;
    redact_add("prefix-one", 10);
    redact_add("prefix-one-and-more", 19);
    check("a prefix-one-and-more b prefix-one c", "a *** b *** c");
    redact_remove("prefix-one", 10);
    redact_remove("prefix-one-and-more", 19);
}

static void secrets_are_counted_and_short_ones_ignored(void **state)
{
    (void)state;
    redact_add("twice-told", 10);
    redact_add("twice-told", 10);
    redact_remove("twice-told", 10);
    check("twice-told", "***");
    redact_remove("twice-told", 10);
    check("twice-told", "twice-told");
    redact_remove("twice-told", 10);
    redact_add("abcde", 5);
    check("abcde", "abcde");
    redact_remove("abcde", 5);
    redact_add(NULL, 9);
    redact_remove(NULL, 9);
}

static void well_known_shapes_are_hidden(void **state)
{
    (void)state;
    check("key AKIAIOSFODNN7EXAMPLE used", "key AKIA*** used");
    check("key ASIAIOSFODNN7EXAMPLE.", "key ASIA***.");
    check("AKIA is a prefix, AKIASHORT not a key", "AKIA is a prefix, AKIASHORT not a key");
    check("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_***");
    check("github_pat_11AAAAAAA0abcdefghijkl_mnopqrstuv", "github_pat_***");
    check("Authorization: Bearer abc.def-123", "Authorization: Bearer ***");
    check("authorization: basic YW5uOmNhbmFyeQ==", "authorization: basic ***");
    check("X-Amz-Security-Token: IQoJb3JpZ2luX2VjE/+=", "X-Amz-Security-Token: ***");
    check("GET /x?a=1&token=abc123&b=2", "GET /x?a=1&token=***&b=2");
    check("GET /x?access_token=abc123 HTTP", "GET /x?access_token=*** HTTP");
    check("https://b.example/o?X-Amz-Credential=AKIA%2F2026&X-Amz-Signature=deadbeef&x=1",
          "https://b.example/o?X-Amz-Credential=***&X-Amz-Signature=***&x=1");
    check("{\"SecretAccessKey\" : \"abc/def+1\", \"n\": 1}",
          "{\"SecretAccessKey\" : \"***\", \"n\": 1}");
    check("x-api-key: 12345", "x-api-key: ***");
    check("password=hunter2; user=ann", "password=***; user=ann");
}

static void ordinary_text_stays(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "127.0.0.1:4567: connection refused",
        "the token command pass failed with exit status 2",
        "a basic idea, a bearer of news",
        "status=ok name=tokens key=row",
        "GET /api/v2/compliant-repository/secret-plans 200",
        "tokenizer=3 secretary=ann",
        "eyJ is short",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        check(texts[i], texts[i]);
}

static void a_full_line_loses_its_end_not_its_whole(void **state)
{
    (void)state;
    struct sbuf sb;
    sbuf_init(&sb, 20);
    sbuf_adds(&sb, "x?sig=a&b=1 and more");
    redact_text(&sb);
    assert_string_equal(sb.buf, "x?sig=***&b=1 and mo");
    sbuf_release(&sb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_secret_is_hidden_as_it_is),
        cmocka_unit_test(percent_encoding_does_not_help_it),
        cmocka_unit_test(escapes_of_json_do_not_help_it),
        cmocka_unit_test(a_large_text_is_searched_across_its_parts),
        cmocka_unit_test(hex_does_not_help_it),
        cmocka_unit_test(base64_at_any_alignment_does_not_help_it),
        cmocka_unit_test(the_longer_of_two_secrets_goes_whole),
        cmocka_unit_test(secrets_are_counted_and_short_ones_ignored),
        cmocka_unit_test(well_known_shapes_are_hidden),
        cmocka_unit_test(ordinary_text_stays),
        cmocka_unit_test(a_full_line_loses_its_end_not_its_whole),
    };
    return cmocka_run_group_tests(tests, know, forget);
}
