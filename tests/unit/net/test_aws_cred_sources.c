/* credential_process, the container and instance metadata, each good and bad. */
#include "aws_cred_test.h"

/* ---- credential_process */

static void put_script(const char *text)
{
    put_file("creds.sh", text);
}

static void use_script(const char *arguments)
{
    char text[512];

    snprintf(text, sizeof text, "[profile p]\ncredential_process = sh \"%s\" %s\n",
             home_path("creds.sh"), arguments);
    begin(text, "");
}

static void a_command_gives_keys_and_is_not_run_again(void **state)
{
    (void)state;
    put_script(
        "echo run >>\"$2\"\n[ \"$1\" = \"a b\\c\" ] || exit 9\n"
        "echo '{\"Version\":1,\"AccessKeyId\":\"ASIARUN\",\"SecretAccessKey\":\"run-secret\","
        "\"SessionToken\":\"run-token\",\"Expiration\":\"2026-06-07T13:00:00Z\","
        "\"AccountId\":\"123456789012\"}'\n");
    char arguments[256];
    snprintf(arguments, sizeof arguments, "'a b\\c' \"%s\"", home_path("runs"));
    use_script(arguments);
    struct got g = good("p", "ASIARUN");
    assert_string_equal(g.token, "run-token");
    assert_string_equal(g.account, "123456789012");
    assert_int_equal(g.expires_ms, T0 + 60 * MINUTE);
    good("p", "ASIARUN");
    assert_string_equal(read_home("runs"), "run\n");
}

static void what_a_failing_command_says_is_not_shown(void **state)
{
    (void)state;
    put_script("echo canary-out; echo canary-err >&2; exit 3\n");
    use_script("");
    struct got g = bad("p", "credential_process", "exit status 3");
    assert_null(strstr(g.e.text, "canary"));
    assert_non_null(strstr(g.e.text, "by hand"));
}

static void an_answer_of_a_command_that_is_no_answer_is_not_shown(void **state)
{
    static const struct {
        const char *script, *says;
    } cases[] = {
        { "echo canary", "did not print one JSON object" },
        { "echo '[\"canary\"]'", "did not print one JSON object" },
        { "echo '{\"Version\":\"1\",\"AccessKeyId\":\"canary\"}'", "no \"Version\": 1" },
        { "echo '{\"Version\":1,\"AccessKeyId\":\"canary\"}'", "no secret access key" },
        { "echo '{\"Version\":1,\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"canary s\"}'",
          "hold blanks" },
        { "echo '{\"Version\":1,\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"canary\","
          "\"Expiration\":\"canary\"}'",
          "not a time" },
        { "echo '{\"Version\":1,\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"canary\","
          "\"Expiration\":\"2026-06-07T11:00:00Z\"}'",
          "ended at 2026-06-07T11:00:00Z" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        put_script(cases[i].script);
        use_script("");
        struct got g = bad("p", cases[i].says, "by hand");
        assert_null(strstr(g.e.text, "canary"));
    }
}

static void a_command_that_cannot_be_split_or_started_is_named(void **state)
{
    (void)state;
    begin("[profile q]\ncredential_process = sh 'open\n"
          "[profile n]\ncredential_process = /no/such/command x\n",
          "");
    bad("q", "credential_process", "inside quotes");
    bad("n", "/no/such/command", "No such file");
}

/* ---- container */

static void the_container_gives_keys_for_its_token(void **state)
{
    (void)state;
    put_file("auth", "container-auth-1");
    set_var("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:%d/creds?a=b", web.port);
    set_var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "%s", home_path("auth"));
    begin("", "");
    answer_with("GET /creds?a=b ", "Authorization: container-auth-1", 200,
                "{\"AccessKeyId\":\"ASIABOX\",\"SecretAccessKey\":\"box-secret\","
                "\"Token\":\"box-token\",\"Expiration\":\"2026-06-07T18:00:00Z\"}");
    struct got g = good(NULL, "ASIABOX");
    assert_string_equal(g.token, "box-token");
    good(NULL, "ASIABOX");
    assert_int_equal(asked(), 1);
}

static void a_container_that_fails_is_asked_three_times_or_once(void **state)
{
    (void)state;
    set_var("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:%d/creds", web.port);
    begin("", "");
    struct route *busy = answer_with("GET /creds ", NULL, 500, "");
    busy->times = 2;
    answer_with("GET /creds ", NULL, 404, "{\"code\":\"NoRole\",\"message\":\"no such task\"}");
    bad(NULL, "from the container", "404");
    assert_int_equal(asked(), 3);
    bad(NULL, "task's role", "/creds");
    assert_int_equal(asked(), 3);
}

static void the_containers_address_and_token_are_checked(void **state)
{
    (void)state;
    set_var("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://198.51.100.1/creds");
    begin("", "");
    bad(NULL, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "plain http to another machine");
    snprintf(vars[nvars - 1][1], sizeof vars[0][1], "http://127.0.0.1:%d/creds", web.port);
    set_var("AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary\r\nX: y");
    begin("", "");
    struct got g = bad(NULL, "more than one line", "container");
    assert_null(strstr(g.e.text, "canary"));
    assert_int_equal(asked(), 0);
}

/* ---- instance metadata */

#define ROLES "/latest/meta-data/iam/security-credentials/"

static void answer_imds(const char *holds)
{
    answer_with("GET " ROLES " ", holds, 200, "node-role");
    answer_with("GET /latest/meta-data/placement/availability-zone/ ", holds, 200, "eu-south-2b");
    answer_with(
        "GET " ROLES "node-role ", holds, 200,
        "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIANODE\",\"SecretAccessKey\":"
        "\"node-secret\",\"Token\":\"node-token\",\"Expiration\":\"2026-06-07T18:00:00Z\"}");
}

static void an_instance_gives_keys_and_its_region(void **state)
{
    (void)state;
    begin("", "");
    answer_with("PUT /latest/api/token ", "x-aws-ec2-metadata-token-ttl-seconds: 21600", 200,
                "imds-token-1");
    answer_imds("x-aws-ec2-metadata-token: imds-token-1");
    struct got g = good(NULL, "ASIANODE");
    assert_string_equal(g.region, "eu-south-2");
    assert_string_equal(g.token, "node-token");
    good(NULL, "ASIANODE");
    assert_int_equal(asked(), 4);
}

static void an_instance_with_version_1_only_serves_unless_that_is_off(void **state)
{
    (void)state;
    begin("[default]\nregion = eu-west-2\n", "");
    answer_with("PUT /latest/api/token ", NULL, 404, "");
    answer_imds(NULL);
    good(NULL, "ASIANODE");
    set_var("AWS_EC2_METADATA_V1_DISABLED", "true");
    begin(NULL, NULL);
    bad(NULL, "version 1", "turned off");
}

static void an_instance_that_does_not_answer_means_no_credentials_at_all(void **state)
{
    (void)state;
    int closed = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t n = sizeof at;
    assert_int_equal(bind(closed, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(closed, (struct sockaddr *)&at, &n), 0);
    for (size_t i = 0; i < nvars; i++)
        if (strcmp(vars[i][0], "AWS_EC2_METADATA_SERVICE_ENDPOINT") == 0)
            snprintf(vars[i][1], sizeof vars[0][1], "http://127.0.0.1:%d", ntohs(at.sin_port));
    begin("", "");
    struct got g = bad(NULL, "no AWS credentials", "aws configure");
    assert_non_null(strstr(g.e.text, "instance metadata at http://127.0.0.1"));
    assert_int_equal(g.e.code, ERR_AUTH);
    close(closed);
}

static void instance_metadata_can_be_turned_off(void **state)
{
    (void)state;
    set_var("AWS_EC2_METADATA_DISABLED", "true");
    begin("", "");
    bad(NULL, "AWS_EC2_METADATA_DISABLED", "no AWS credentials");
    assert_int_equal(asked(), 0);
}

static void an_answer_that_is_no_success_is_a_failure(void **state)
{
    (void)state;
    begin("[profile i]\nrole_arn = " ROLE_ARN "\ncredential_source = Ec2InstanceMetadata\n"
          "region = eu-west-2\n",
          "");
    answer_with("PUT /latest/api/token ", NULL, 200, "imds-token-1");
    answer_with("GET " ROLES " ", NULL, 200, "node-role");
    answer_with("GET " ROLES "node-role ", NULL, 200, "{\"Code\":\"Failed\"}");
    answer_with("GET /latest/meta-data/placement/availability-zone/ ", NULL, 404, "");
    bad("i", "AWS profile i: AWS keys from instance metadata", "Failed");
    int before = asked();
    bad("i", "Failed", "");
    assert_int_equal(asked(), before);
}

static void stale_keys_of_an_instance_stay_in_use(void **state)
{
    (void)state;
    now_ms = T0 + 361 * MINUTE; /* a minute after their end */
    begin("[default]\nregion = eu-west-2\n", "");
    answer_with("PUT /latest/api/token ", NULL, 200, "imds-token-1");
    answer_imds(NULL);
    good(NULL, "ASIANODE");
    good(NULL, "ASIANODE");
    assert_int_equal(asked(), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_command_gives_keys_and_is_not_run_again),
        TEST(what_a_failing_command_says_is_not_shown),
        TEST(an_answer_of_a_command_that_is_no_answer_is_not_shown),
        TEST(a_command_that_cannot_be_split_or_started_is_named),
        TEST(the_container_gives_keys_for_its_token),
        TEST(a_container_that_fails_is_asked_three_times_or_once),
        TEST(the_containers_address_and_token_are_checked),
        TEST(an_instance_gives_keys_and_its_region),
        TEST(an_instance_with_version_1_only_serves_unless_that_is_off),
        TEST(an_instance_that_does_not_answer_means_no_credentials_at_all),
        TEST(instance_metadata_can_be_turned_off),
        TEST(an_answer_that_is_no_success_is_a_failure),
        TEST(stale_keys_of_an_instance_stay_in_use),
    };

    return cmocka_run_group_tests(tests, start_all, end_all);
}
