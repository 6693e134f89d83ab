/* Roles, chains of them, MFA and web identity. */
#include "aws_cred_test.h"

#define ROLE_CACHE ".aws/cli/cache/ea59851431663580804bde88e01ce551c080886c.json"

/* ---- roles */

static void a_role_is_assumed_with_the_keys_of_its_source(void **state)
{
    (void)state;
    begin(LIVE_ROLE "external_id = e/1\nduration_seconds = 1800\n", BASE_KEYS);
    answer_sts("AssumeRole", NULL, "ASIALIVE", T0 + 60 * MINUTE);
    struct got g = good("live", "ASIALIVE");
    assert_string_equal(g.secret, "secret-of-ASIALIVE");
    assert_string_equal(g.token, "token-of-ASIALIVE");
    assert_string_equal(g.role, ROLE_ARN);
    assert_string_equal(g.account, "210987654321");
    assert_int_equal(g.expires_ms, T0 + 60 * MINUTE);
    assert_non_null(strstr(g.source, "live"));
    assert_non_null(strstr(g.source, ROLE_ARN));
    assert_non_null(strstr(g.source, "from profile base"));
    assert_true(last_has("Credential=AKIABASE/20260607/eu-west-2/sts/aws4_request"));
    assert_true(last_has("Action=AssumeRole&Version=2011-06-15"));
    assert_true(last_has("RoleSessionName=opsdeck-1780833600"));
    assert_true(last_has("ExternalId=e%2F1"));
    assert_true(last_has("DurationSeconds=1800"));
    good("live", "ASIALIVE");
    assert_int_equal(asked(), 1);
}

static void a_session_is_left_where_the_cli_finds_it(void **state)
{
    (void)state;
    begin(LIVE_ROLE, BASE_KEYS);
    answer_sts("AssumeRole", NULL, "ASIALIVE", T0 + 60 * MINUTE);
    good("live", "ASIALIVE");
    assert_non_null(strstr(read_home(ROLE_CACHE), "\"SessionToken\":\"token-of-ASIALIVE\""));
    assert_true(is_private(ROLE_CACHE));
    begin(NULL, NULL); /* a new start */
    struct got g = good("live", "ASIALIVE");
    assert_string_equal(g.account, "210987654321");
    assert_int_equal(asked(), 1);
    now_ms += 46 * MINUTE; /* less than a quarter of an hour is left */
    begin(NULL, NULL);
    good("live", "ASIALIVE");
    assert_int_equal(asked(), 2);
}

static void a_session_name_that_is_set_is_part_of_the_name_in_the_cache(void **state)
{
    (void)state;
    begin(LIVE_ROLE "role_session_name = opsdeck\n", BASE_KEYS);
    answer_sts("AssumeRole", "RoleSessionName=opsdeck", "ASIALIVE", T0 + 60 * MINUTE);
    good("live", "ASIALIVE");
    assert_true(is_private(".aws/cli/cache/3e451a257e82852834b8392ff788811bb07fbd8d.json"));
}

static void a_refused_role_is_asked_again_after_a_minute(void **state)
{
    (void)state;
    begin(LIVE_ROLE, BASE_KEYS);
    answer_sts_error(403, "AccessDenied", "User: u is not authorized to perform: sts:AssumeRole");
    struct got g = bad("live", "role " ROLE_ARN " from profile base", "AccessDenied (403)");
    assert_int_equal(g.e.code, ERR_AUTH);
    assert_non_null(strstr(g.e.text, "trust policy"));
    assert_non_null(strstr(g.e.text, "127.0.0.1"));
    now_ms += MINUTE - 1;
    bad("live", "AccessDenied", "");
    assert_int_equal(asked(), 1);
    now_ms += 1;
    bad("live", "AccessDenied", "");
    assert_int_equal(asked(), 2);
}

static void a_role_can_come_from_a_role(void **state)
{
    (void)state;
    begin(LIVE_ROLE "[profile deep]\nrole_arn = arn:aws:iam::111122223333:role/deep\n"
                    "source_profile = live\n",
          BASE_KEYS);
    answer_sts("AssumeRole", "role%2Fdeep", "ASIADEEP", T0 + 60 * MINUTE);
    answer_sts("AssumeRole", "Credential=AKIABASE", "ASIALIVE", T0 + 60 * MINUTE);
    good("deep", "ASIADEEP");
    assert_true(last_has("Credential=ASIALIVE"));
    assert_true(last_has("token-of-ASIALIVE"));
    good("live", "ASIALIVE"); /* got on the way */
    assert_int_equal(asked(), 2);
}

static void a_role_may_name_its_own_profile_for_its_keys(void **state)
{
    (void)state;
    begin("", "[self]\naws_access_key_id = AKIASELF\naws_secret_access_key = self-secret\n"
              "role_arn = " ROLE_ARN "\nsource_profile = self\n");
    answer_sts("AssumeRole", "Credential=AKIASELF", "ASIASELF", T0 + 60 * MINUTE);
    good("self", "ASIASELF");
}

static void a_role_can_come_from_the_environment(void **state)
{
    (void)state;
    set_var("AWS_ACCESS_KEY_ID", "AKIAENV");
    set_var("AWS_SECRET_ACCESS_KEY", "env-secret");
    begin("[profile r]\nrole_arn = " ROLE_ARN "\ncredential_source = Environment\n", "");
    answer_sts("AssumeRole", "Credential=AKIAENV", "ASIAENV", T0 + 60 * MINUTE);
    good("r", "ASIAENV");
}

static void roles_that_mean_nothing_are_errors_without_a_request(void **state)
{
    (void)state;
    begin("[profile a]\nrole_arn = r\nsource_profile = b\n"
          "[profile b]\nrole_arn = r\nsource_profile = a\n"
          "[profile both]\nrole_arn = r\nsource_profile = base\ncredential_source = Environment\n"
          "[profile none]\nrole_arn = r\n"
          "[profile odd]\nrole_arn = r\ncredential_source = Moon\n"
          "[profile lost]\nrole_arn = r\nsource_profile = nowhere\n"
          "[profile bare]\nregion = eu-west-2\n"
          "[profile onbare]\nrole_arn = r\nsource_profile = bare\n",
          BASE_KEYS);
    bad("a", "circle", "b names a again");
    bad("both", "both source_profile and credential_source", "remove one");
    bad("none", "neither source_profile nor credential_source", ".aws/config");
    bad("odd", "credential_source Moon", "Ec2InstanceMetadata");
    bad("lost", "nowhere", "source_profile of profile lost");
    bad("onbare", "profile bare", "no credentials");
    assert_int_equal(asked(), 0);
}

static void a_source_whose_keys_have_expired_is_asked_anew_once(void **state)
{
    char text[1024];

    (void)state;
    put_file("keys.sh", /* another id at each run */
             "echo x >>\"$1\"\nn=$(wc -l <\"$1\")\necho \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":"
             "\\\"AKIARUN$n\\\",\\\"SecretAccessKey\\\":\\\"run-secret\\\"}\"\n");
    snprintf(text, sizeof text,
             "[profile p]\ncredential_process = sh %s %s\n"
             "[profile r]\nrole_arn = " ROLE_ARN "\nsource_profile = p\n",
             home_path("keys.sh"), home_path("runs"));
    begin(text, "");
    answer_sts("AssumeRole", "Credential=AKIARUN2/", "ASIANEW", T0 + 60 * MINUTE);
    answer_sts_error(403, "ExpiredToken", "The security token included in the request is expired");
    good("r", "ASIANEW");
    assert_int_equal(asked(), 2);
}

static void a_clock_that_is_off_is_corrected_and_the_role_asked_again(void **state)
{
    (void)state;
    begin(LIVE_ROLE, BASE_KEYS);
    answer_sts("AssumeRole", "X-Amz-Date: 20260607T123", "ASIALIVE", T0 + 90 * MINUTE);
    answer_sts_error(403, "SignatureDoesNotMatch", "Signature expired: 1 is now earlier than 2");
    for (int i = 0; i < 2; i++)
        snprintf(web.routes[i].header, sizeof web.routes[i].header,
                 "Date: Sun, 07 Jun 2026 12:30:00 GMT\r\n");
    struct got g = good("live", "ASIALIVE");
    assert_int_equal(asked(), 2);
    assert_int_equal(g.expires_ms, T0 + 60 * MINUTE); /* by our own clock */
}

/* ---- MFA */

static int times_asked;
static const char *code_given;

static void ask_person(void *ctx, const char *profile, const char *serial, aws_mfa_reply_fn *reply,
                       void *reply_ctx)
{
    (void)ctx;
    times_asked++;
    assert_string_equal(profile, "live");
    assert_string_equal(serial, "arn:aws:iam::1:mfa/me");
    reply(reply_ctx, code_given);
}

static void a_person_is_asked_once_for_a_code_and_the_session_is_kept(void **state)
{
    (void)state;
    mfa_hook = ask_person;
    times_asked = 0;
    code_given = "123456";
    begin(LIVE_ROLE "mfa_serial = arn:aws:iam::1:mfa/me\n", BASE_KEYS);
    answer_sts("AssumeRole", "&TokenCode=123456", "ASIAMFA", T0 + 60 * MINUTE);
    good("live", "ASIAMFA");
    assert_true(last_has("SerialNumber=arn%3Aaws%3Aiam%3A%3A1%3Amfa%2Fme"));
    good("live", "ASIAMFA");
    begin(NULL, NULL);
    good("live", "ASIAMFA"); /* from ~/.aws/cli/cache */
    now_ms += 50 * MINUTE;   /* no refresh ahead: that would ask again */
    good("live", "ASIAMFA");
    assert_int_equal(times_asked, 1);
    assert_int_equal(asked(), 1);
}

static void without_a_code_the_text_says_so(void **state)
{
    (void)state;
    mfa_hook = ask_person;
    code_given = NULL;
    begin(LIVE_ROLE "mfa_serial = arn:aws:iam::1:mfa/me\n", BASE_KEYS);
    bad("live", "nobody gave the code", "arn:aws:iam::1:mfa/me");
    code_given = "12x456";
    now_ms += MINUTE;
    bad("live", "that is no code", "6 digits");
    assert_int_equal(asked(), 0);
}

static void where_nobody_can_be_asked_the_text_says_what_to_run(void **state)
{
    (void)state;
    begin(LIVE_ROLE "mfa_serial = arn:aws:iam::1:mfa/me\n", BASE_KEYS);
    bad("live", "arn:aws:iam::1:mfa/me", "aws sts get-caller-identity --profile live");
    assert_int_equal(asked(), 0);
}

/* ---- web identity */

static void a_web_identity_of_the_environment_is_sent_unsigned(void **state)
{
    (void)state;
    put_file("token", "eyJ.web+token/1\n");
    set_var("AWS_WEB_IDENTITY_TOKEN_FILE", "%s", home_path("token"));
    set_var("AWS_ROLE_ARN", ROLE_ARN);
    begin("", BASE_KEYS);
    answer_sts("AssumeRoleWithWebIdentity", NULL, "ASIAWEB", T0 + 60 * MINUTE);
    struct got g = good(NULL, "ASIAWEB");
    assert_string_equal(g.role, ROLE_ARN);
    assert_true(last_has("&WebIdentityToken=eyJ.web%2Btoken%2F1"));
    assert_false(last_has("Authorization:"));
    good(NULL, "ASIAWEB");
    assert_int_equal(asked(), 1);
    good("base", "AKIABASE"); /* a profile that is asked for does not see it */
}

static void a_web_identity_of_a_profile_reads_its_token_at_each_refresh(void **state)
{
    char text[512];

    (void)state;
    put_file("token", "first-token");
    snprintf(text, sizeof text, "[profile w]\nrole_arn = %s\nweb_identity_token_file = %s\n",
             ROLE_ARN, home_path("token"));
    begin(text, "");
    answer_sts("AssumeRoleWithWebIdentity", "first-token", "ASIAONE", T0 + 60 * MINUTE);
    answer_sts("AssumeRoleWithWebIdentity", "other-token", "ASIATWO", T0 + 120 * MINUTE);
    good("w", "ASIAONE");
    put_file("token", "other-token");
    now_ms += 51 * MINUTE;
    good("w", "ASIATWO");
}

static void a_web_identity_that_fails_names_its_file_or_the_answer(void **state)
{
    (void)state;
    set_var("AWS_WEB_IDENTITY_TOKEN_FILE", "%s", home_path("no-token"));
    set_var("AWS_ROLE_ARN", ROLE_ARN);
    begin("", "");
    bad(NULL, "no-token does not exist", "web identity");
    put_file("no-token", "canary-token");
    answer_sts_error(400, "InvalidIdentityToken", "No provider for canary-token");
    now_ms += MINUTE;
    struct got g = bad(NULL, "InvalidIdentityToken (400)", ROLE_ARN);
    assert_null(strstr(g.e.text, "canary"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_role_is_assumed_with_the_keys_of_its_source),
        TEST(a_session_is_left_where_the_cli_finds_it),
        TEST(a_session_name_that_is_set_is_part_of_the_name_in_the_cache),
        TEST(a_refused_role_is_asked_again_after_a_minute),
        TEST(a_role_can_come_from_a_role),
        TEST(a_role_may_name_its_own_profile_for_its_keys),
        TEST(a_role_can_come_from_the_environment),
        TEST(roles_that_mean_nothing_are_errors_without_a_request),
        TEST(a_source_whose_keys_have_expired_is_asked_anew_once),
        TEST(a_clock_that_is_off_is_corrected_and_the_role_asked_again),
        TEST(a_person_is_asked_once_for_a_code_and_the_session_is_kept),
        TEST(without_a_code_the_text_says_so),
        TEST(where_nobody_can_be_asked_the_text_says_what_to_run),
        TEST(a_web_identity_of_the_environment_is_sent_unsigned),
        TEST(a_web_identity_of_a_profile_reads_its_token_at_each_refresh),
        TEST(a_web_identity_that_fails_names_its_file_or_the_answer),
    };

    return cmocka_run_group_tests(tests, start_all, end_all);
}
