/* SSO tokens and login sessions: used, renewed, ended. */
#include "aws_cred_test.h"

#include <cjson/cJSON.h>
#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define SSO                                                                                        \
    "[sso-session my-sso]\nsso_start_url = https://s.example/start\nsso_region = eu-west-1\n"      \
    "[profile sso]\nsso_session = my-sso\nsso_account_id = 123456789012\n"                         \
    "sso_role_name = ReadOnly\n"                                                                   \
    "[profile two]\nsso_session = my-sso\nsso_account_id = 123456789012\nsso_role_name = Other\n"
#define OLD_SSO                                                                                    \
    "[profile old]\nsso_start_url = https://my-sso-portal.awsapps.com/start\n"                     \
    "sso_region = eu-west-1\nsso_account_id = 123456789012\nsso_role_name = ReadOnly\n"
#define SSO_TOKEN ".aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json"
#define OLD_TOKEN ".aws/sso/cache/c7aaaf71fcc8777ae2475525ed049d39fe16c484.json"
#define SSO_KEYS ".aws/cli/cache/31b260dab331b2af063485cea75f7b8b3cf54c71.json"

/* ---- SSO */

static void put_token(const char *file, int64_t ends_ms, const char *more)
{
    char text[1024];

    snprintf(text, sizeof text,
             "{\"startUrl\":\"https://s.example/start\",\"region\":\"eu-west-1\","
             "\"accessToken\":\"sso-access-1\",\"expiresAt\":\"%s\"%s}",
             iso(ends_ms), more);
    put_file(file, text);
}

static const char RENEWABLE[] =
    ",\"clientId\":\"client-1\",\"clientSecret\":\"client-secret-1\",\"refreshToken\":"
    "\"refresh-1\",\"registrationExpiresAt\":\"2026-07-01T00:00:00UTC\"";

static struct route *answer_sso(const char *holds, const char *id)
{
    struct route *r = answer_with(
        "GET /federation/credentials?account_id=123456789012&role_name=", holds, 200, "");

    snprintf(r->body, sizeof r->body,
             "{\"roleCredentials\":{\"accessKeyId\":\"%s\",\"secretAccessKey\":\"sso-secret\","
             "\"sessionToken\":\"sso-session-token\",\"expiration\":%lld}}",
             id, (long long)(T0 + 60 * MINUTE));
    return r;
}

static void an_sso_token_buys_the_keys_of_its_role(void **state)
{
    (void)state;
    put_token(SSO_TOKEN, T0 + 60 * MINUTE, "");
    begin(SSO, "");
    answer_sso("x-amz-sso_bearer_token: sso-access-1", "ASIASSO");
    struct got g = good("sso", "ASIASSO");
    assert_string_equal(g.account, "123456789012");
    assert_string_equal(g.token, "sso-session-token");
    assert_int_equal(g.expires_ms, T0 + 60 * MINUTE);
    assert_true(last_has("role_name=ReadOnly"));
    assert_false(last_has("Authorization:"));
    good("sso", "ASIASSO");
    assert_true(is_private(SSO_KEYS));
    assert_non_null(strstr(read_home(SSO_KEYS), "\"ProviderType\":\"sso\""));
    begin(NULL, NULL);
    good("sso", "ASIASSO");
    assert_int_equal(asked(), 1);
}

static void the_old_form_finds_its_token_by_the_start_url(void **state)
{
    (void)state;
    put_token(OLD_TOKEN, T0 + MINUTE, RENEWABLE); /* the old form is never renewed */
    begin(OLD_SSO, "");
    answer_sso("sso-access-1", "ASIAOLDSSO");
    good("old", "ASIAOLDSSO");
    assert_int_equal(asked(), 1);
}

static void an_sso_token_that_has_ended_says_what_to_run(void **state)
{
    (void)state;
    begin(SSO OLD_SSO, "");
    bad("sso", "nobody has signed in", "aws sso login --sso-session my-sso");
    put_token(OLD_TOKEN, T0 - MINUTE, "");
    struct got g = bad("old", "ended at 2026-06-07T11:59:00Z", "aws sso login --profile old");
    assert_int_equal(g.e.code, ERR_AUTH);
    assert_non_null(strstr(g.e.text, OLD_TOKEN));
    assert_int_equal(asked(), 0);
}

static void a_refused_sso_token_says_what_to_run_and_is_not_sent_again(void **state)
{
    (void)state;
    put_token(SSO_TOKEN, T0 + 60 * MINUTE, "");
    begin(SSO, "");
    answer_with("GET /federation", NULL, 401,
                "{\"__type\":\"UnauthorizedException\",\"message\":\"Session token not found\"}");
    bad("sso", "UnauthorizedException (401)", "aws sso login --sso-session my-sso");
    bad("sso", "Session token not found", "");
    assert_int_equal(asked(), 1);
}

static void a_role_that_sso_does_not_give_is_named(void **state)
{
    (void)state;
    put_token(SSO_TOKEN, T0 + 60 * MINUTE, "");
    begin(SSO, "");
    answer_with("GET /federation", NULL, 403,
                "{\"__type\":\"ForbiddenException\",\"message\":\"No access\"}");
    bad("sso", "SSO role ReadOnly of account 123456789012", "sso_role_name");
}

static void an_sso_token_near_its_end_is_renewed_once_for_two_profiles(void **state)
{
    struct got a = { 0 }, b = { 0 };

    (void)state;
    put_token(SSO_TOKEN, T0 + 5 * MINUTE, RENEWABLE);
    begin(SSO, "");
    struct route *renewal = answer_with("POST /token ", "\"refreshToken\":\"refresh-1\"", 200,
                                        "{\"accessToken\":\"sso-access-2\",\"expiresIn\":28800,"
                                        "\"refreshToken\":\"refresh-2\",\"tokenType\":\"Bearer\"}");
    answer_sso("sso-access-2", "ASIASSO");
    aws_creds_get(creds, "sso", NULL, on_keys, &a);
    aws_creds_get(creds, "two", NULL, on_keys, &b);
    wait_for(&a);
    wait_for(&b);
    assert_string_equal(a.id, "ASIASSO");
    assert_string_equal(b.id, "ASIASSO");
    assert_int_equal(renewal->count, 1);
    const char *kept = read_home(SSO_TOKEN);
    assert_non_null(strstr(kept, "\"accessToken\":\"sso-access-2\""));
    assert_non_null(strstr(kept, "\"refreshToken\":\"refresh-2\""));
    assert_non_null(strstr(kept, "\"expiresAt\":\"2026-06-07T20:00:00Z\""));
    assert_non_null(strstr(kept, "\"clientId\":\"client-1\""));
    assert_true(is_private(SSO_TOKEN));
}

static void a_renewal_that_fails_matters_only_when_the_token_has_ended(void **state)
{
    (void)state;
    put_token(SSO_TOKEN, T0 + 5 * MINUTE, RENEWABLE);
    begin(SSO, "");
    answer_with("POST /token ", NULL, 400, "{\"error\":\"invalid_grant\"}");
    answer_sso("sso-access-1", "ASIASSO");
    good("sso", "ASIASSO");
    put_token(SSO_TOKEN, T0 - MINUTE, RENEWABLE);
    struct got g = bad("two", "cannot be renewed", "aws sso login");
    assert_null(strstr(g.e.text, "refresh-1"));
    assert_null(strstr(g.e.text, "client-secret-1"));
}

static void sso_settings_that_are_not_whole_are_errors(void **state)
{
    (void)state;
    begin("[profile a]\nsso_session = none\nsso_account_id = 1\nsso_role_name = r\n"
          "[profile b]\nsso_start_url = u\nsso_region = r\nsso_role_name = r\n",
          "");
    bad("a", "no [sso-session none]", ".aws/config");
    bad("b", "sso_account_id", "aws configure sso --profile b");
}

/* ---- login sessions */

#define LOGIN "[profile l]\nlogin_session = my-login\nregion = eu-west-2\n"

static EVP_PKEY *login_key;

static const char *login_file(void)
{
    static char path[128];
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n;

    assert_int_equal(EVP_Digest("my-login", 8, raw, &n, EVP_sha256(), NULL), 1);
    int at = snprintf(path, sizeof path, ".aws/login/cache/");
    for (unsigned i = 0; i < n; i++)
        at += snprintf(path + at, sizeof path - (size_t)at, "%02x", raw[i]);
    snprintf(path + at, sizeof path - (size_t)at, ".json");
    return path;
}

static void put_login(int64_t ends_ms)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;

    EVP_PKEY_free(login_key);
    login_key = EVP_EC_gen("P-256");
    assert_int_equal(
        PEM_write_bio_PrivateKey_traditional(bio, login_key, NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(bio, &pem);
    cJSON *root = cJSON_CreateObject(), *keys = cJSON_AddObjectToObject(root, "accessToken");
    cJSON_AddStringToObject(keys, "accessKeyId", "ASIALOGIN");
    cJSON_AddStringToObject(keys, "secretAccessKey", "login-secret");
    cJSON_AddStringToObject(keys, "sessionToken", "login-token");
    cJSON_AddStringToObject(keys, "accountId", "123456789012");
    cJSON_AddStringToObject(keys, "expiresAt", iso(ends_ms));
    cJSON_AddStringToObject(root, "clientId", "arn:aws:signin:::devtools/same-device");
    cJSON_AddStringToObject(root, "refreshToken", "login-refresh-1");
    char *copy = xstrndup(pem, (size_t)n);
    cJSON_AddStringToObject(root, "dpopKey", copy);
    char *text = cJSON_PrintUnformatted(root);
    put_file(login_file(), text);
    free(copy);
    cJSON_free(text);
    cJSON_Delete(root);
    BIO_free(bio);
}

static int end_login(void **state)
{
    EVP_PKEY_free(login_key);
    login_key = NULL;
    return tear_down(state);
}

static void a_login_session_that_lives_is_used(void **state)
{
    (void)state;
    put_login(T0 + 14 * MINUTE);
    begin(LOGIN, "");
    struct got g = good("l", "ASIALOGIN");
    assert_string_equal(g.account, "123456789012");
    good("l", "ASIALOGIN");
    assert_int_equal(asked(), 0);
}

static void a_login_session_that_is_gone_says_what_to_run(void **state)
{
    (void)state;
    begin(LOGIN, "");
    bad("l", "nobody has signed in", "aws login --profile l");
    put_login(T0 - MINUTE);
    answer_with("POST /v1/token ", NULL, 401,
                "{\"error\":\"TOKEN_EXPIRED\",\"message\":\"The session is over\"}");
    now_ms += MINUTE;
    struct got g = bad("l", "the session has ended", "aws login --profile l");
    assert_null(strstr(g.e.text, "login-refresh-1"));
    bad("l", "the session has ended", "");
    assert_int_equal(asked(), 1);
}

static size_t unbase64(const char *s, size_t n, unsigned char *out)
{
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0, have = 0;
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        bits = bits << 6 | (unsigned)(strchr(abc, s[i]) - abc);
        have += 6;
        if (have >= 8)
            out[len++] = (unsigned char)(bits >> (have -= 8) & 0xff);
    }
    return len;
}

/* The proof in the last request is signed by the session's key and meant for this URL. */
static void check_proof(void)
{
    static unsigned char sig[512], body[2048];
    unsigned char der[256], *p = der;
    const char *proof = strcasestr(web.last, "\r\nDPoP: ");

    assert_non_null(proof);
    proof += 8;
    size_t head = strcspn(proof, "."), claims = strcspn(proof + head + 1, ".");
    const char *last = proof + head + claims + 2;
    assert_int_equal(unbase64(last, strcspn(last, "\r\n"), sig), 64);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, BN_bin2bn(sig, 32, NULL), BN_bin2bn(sig + 32, 32, NULL));
    int n = i2d_ECDSA_SIG(pair, &p);
    ECDSA_SIG_free(pair);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, login_key), 1);
    assert_int_equal(
        EVP_DigestVerify(ctx, der, (size_t)n, (const unsigned char *)proof, head + 1 + claims), 1);
    EVP_MD_CTX_free(ctx);
    body[unbase64(proof + head + 1, claims, body)] = '\0';
    assert_non_null(strstr((char *)body, "\"htm\":\"POST\""));
    assert_non_null(strstr((char *)body, "/v1/token\""));
    assert_non_null(strstr((char *)body, "\"iat\":1780833600"));
}

static void a_login_session_near_its_end_is_renewed_with_a_proof(void **state)
{
    (void)state;
    put_login(T0 + 4 * MINUTE);
    begin(LOGIN, "");
    answer_with(
        "POST /v1/token ", "\"refreshToken\":\"login-refresh-1\"", 200,
        "{\"accessToken\":{\"accessKeyId\":\"ASIANEXT\",\"secretAccessKey\":\"next-secret\","
        "\"sessionToken\":\"next-token\"},\"tokenType\":\"aws_sigv4\",\"expiresIn\":900,"
        "\"refreshToken\":\"login-refresh-2\"}");
    struct got g = good("l", "ASIANEXT");
    assert_string_equal(g.account, "123456789012");
    assert_int_equal(g.expires_ms, T0 + 15 * MINUTE);
    check_proof();
    assert_non_null(strstr(read_home(login_file()), "login-refresh-2"));
    assert_true(is_private(login_file()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_sso_token_buys_the_keys_of_its_role),
        TEST(the_old_form_finds_its_token_by_the_start_url),
        TEST(an_sso_token_that_has_ended_says_what_to_run),
        TEST(a_refused_sso_token_says_what_to_run_and_is_not_sent_again),
        TEST(a_role_that_sso_does_not_give_is_named),
        TEST(an_sso_token_near_its_end_is_renewed_once_for_two_profiles),
        TEST(a_renewal_that_fails_matters_only_when_the_token_has_ended),
        TEST(sso_settings_that_are_not_whole_are_errors),
        cmocka_unit_test_setup_teardown(a_login_session_that_lives_is_used, set_up, end_login),
        cmocka_unit_test_setup_teardown(a_login_session_that_is_gone_says_what_to_run, set_up,
                                        end_login),
        cmocka_unit_test_setup_teardown(a_login_session_near_its_end_is_renewed_with_a_proof,
                                        set_up, end_login),
    };

    return cmocka_run_group_tests(tests, start_all, end_all);
}
