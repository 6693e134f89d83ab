/* The INI dialect of the AWS files: what is read, what is refused and on which line. */
#include "net_test.h"

/* The seam of src/net/aws_ini.h, repeated here since tests see public headers only. */
struct aws_ini_section;
struct aws_ini {
    char *text;
    size_t len;
    struct aws_ini_section *sections;
    size_t nsections, cap;
};
bool aws_ini_parse(struct aws_ini *ini, char *text, size_t len, struct err *e);
void aws_ini_release(struct aws_ini *ini);
const struct aws_ini_section *aws_ini_find(const struct aws_ini *ini, const char *section);
const char *aws_ini_value(const struct aws_ini_section *s, const char *key);
const char *aws_ini_mapped(const struct aws_ini_section *s, const char *key, const char *sub);
const char *aws_ini_name_after(struct arena *mem, const char *section, const char *kind);

static struct aws_ini ini;

static int tear_down(void **state)
{
    (void)state;
    aws_ini_release(&ini);
    return 0;
}

static bool parse_bytes(const char *text, size_t len, struct err *e)
{
    char *copy = xmalloc(len + 1);

    memcpy(copy, text, len);
    aws_ini_release(&ini);
    return aws_ini_parse(&ini, copy, len, e);
}

static void parse(const char *text)
{
    struct err e = { 0 };

    if (!parse_bytes(text, strlen(text), &e))
        fail_msg("%s", e.text);
}

static const char *value(const char *section, const char *key)
{
    return aws_ini_value(aws_ini_find(&ini, section), key);
}

static const char *mapped(const char *section, const char *key, const char *sub)
{
    return aws_ini_mapped(aws_ini_find(&ini, section), key, sub);
}

/* The fault must name the line and say `part`; nothing of the text is kept. */
static void refused(const char *text, size_t len, const char *part)
{
    struct err e = { 0 };

    if (parse_bytes(text, len, &e))
        fail_msg("accepted, without \"%s\"", part);
    if (!strstr(e.text, part))
        fail_msg("\"%s\" lacks \"%s\"", e.text, part);
    assert_null(ini.text);
    assert_int_equal(ini.nsections, 0);
}

static void empty_text_has_no_sections(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "\n", "\n\n  \n", "# only\n; comments",
                                         "\xef\xbb\xbf" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        parse(texts[i]);
        assert_int_equal(ini.nsections, 0);
    }
}

static void values_are_found_by_section_and_key(void **state)
{
    (void)state;
    parse("[default]\nregion = eu-west-2\noutput=json\n[profile live]\nregion : us-east-1");
    assert_string_equal(value("default", "region"), "eu-west-2");
    assert_string_equal(value("default", "output"), "json");
    assert_string_equal(value("profile live", "region"), "us-east-1");
    assert_null(value("profile live", "output"));
    assert_null(value("profile dead", "region"));
}

static void keys_match_whatever_their_case(void **state)
{
    (void)state;
    parse("[a]\nAWS_Access_Key_Id = AKIDEXAMPLE\n");
    assert_string_equal(value("a", "aws_access_key_id"), "AKIDEXAMPLE");
    assert_string_equal(value("a", "AWS_ACCESS_KEY_ID"), "AKIDEXAMPLE");
}

static void section_names_match_exactly(void **state)
{
    (void)state;
    parse("[ Live ]\nregion = x\n");
    assert_string_equal(value("Live", "region"), "x");
    assert_null(value("live", "region"));
}

static void only_the_first_separator_counts(void **state)
{
    (void)state;
    parse("[a]\nrole_arn = arn:aws:iam::1:role/x=y\ncolon : b = c\n");
    assert_string_equal(value("a", "role_arn"), "arn:aws:iam::1:role/x=y");
    assert_string_equal(value("a", "colon"), "b = c");
}

static void a_hash_inside_a_value_belongs_to_it(void **state)
{
    (void)state;
    parse("[a] # why\nsecret = ab # cd ; ef\n  # a comment\n; another\nnext = 1\n");
    assert_string_equal(value("a", "secret"), "ab # cd ; ef");
    assert_string_equal(value("a", "next"), "1");
}

static void blanks_around_are_cut_and_inside_kept(void **state)
{
    (void)state;
    parse("[a]\n  k \t=  one  two \t \n");
    assert_string_equal(value("a", "k"), "one  two");
}

static void an_empty_value_is_no_value(void **state)
{
    (void)state;
    parse("[a]\nregion =\noutput = json\n");
    assert_null(value("a", "region"));
    assert_string_equal(value("a", "output"), "json");
}

static void crlf_and_a_byte_order_mark_are_accepted(void **state)
{
    (void)state;
    parse(
        "\xef\xbb\xbf[default]\r\nregion = eu-west-2\r\ns3 =\r\n  a = b\r\n\r\noutput = json\r\n");
    assert_string_equal(value("default", "region"), "eu-west-2");
    assert_string_equal(mapped("default", "s3", "a"), "b");
    assert_string_equal(value("default", "output"), "json");
}

static void an_indented_line_continues_the_value(void **state)
{
    (void)state;
    parse("[a]\ncommand = run\n    --one\n\n  # not this\n\t--two = 2\nnext = 1\n");
    assert_string_equal(value("a", "command"), "run\n--one\n--two = 2");
    assert_string_equal(value("a", "next"), "1");
}

static void keys_indented_alike_do_not_continue_each_other(void **state)
{
    (void)state;
    parse("[a]\n  one = 1\n  two = 2\nthree = 3\n");
    assert_string_equal(value("a", "one"), "1");
    assert_string_equal(value("a", "two"), "2");
    assert_string_equal(value("a", "three"), "3");
}

static void lines_under_an_empty_value_are_a_map(void **state)
{
    (void)state;
    parse("[services local]\ns3 =\n  endpoint_url = http://localhost:1\n  Other=2\nlambda =\n"
          "  endpoint_url = http://localhost:2\n");
    assert_string_equal(mapped("services local", "s3", "endpoint_url"), "http://localhost:1");
    assert_string_equal(mapped("services local", "S3", "other"), "2");
    assert_string_equal(mapped("services local", "lambda", "endpoint_url"), "http://localhost:2");
    assert_null(mapped("services local", "s3", "absent"));
    assert_null(value("services local", "s3"));
}

static void the_last_of_equal_keys_in_a_map_counts(void **state)
{
    (void)state;
    parse("[a]\ns3 =\n  k = 1\n  k = 2\n");
    assert_string_equal(mapped("a", "s3", "k"), "2");
}

static void a_scalar_is_no_map(void **state)
{
    (void)state;
    parse("[a]\nregion = x\n");
    assert_null(mapped("a", "region", "x"));
}

static void a_continued_value_never_loses_bytes_of_the_next_key(void **state)
{
    (void)state;
    parse("[a]\nk=v\n w\nn=1");
    assert_string_equal(value("a", "k"), "v\nw");
    assert_string_equal(value("a", "n"), "1");
}

static void faults_name_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "[a]\nk = 1\nK = 2\n", "line 3: k is in [a] already, on line 2" },
        { "# c\nregion = x\n", "line 2: a line before the first [section]" },
        { "\n[a]\nnonsense\n", "line 3: neither key = value" },
        { "[a\nk = 1\n", "line 1: the section has no \"]\"" },
        { "[a]\n[b = c\n", "line 2: the section has no \"]\"" },
        { "[]\n", "line 1: the section has no name" },
        { "[a]\n[b]\n[ a ]\n", "line 3: [a] is there already, on line 1" },
        { "[a]\n= v\n", "line 2: no key before" },
        { "[a]\ns3 =\n  nonsense\n", "line 3: an indented line under \"s3 =\"" },
        { "[a]\ns3 =\n  = x\n", "line 3: an indented line under \"s3 =\"" },
        { "[a]\nk = a\x1b[2J\n", "line 2: a control character" },
        { "[a]\nk = a\rb\n", "line 2: a control character" },
        { "[a]\nk = \xc3(\n", "line 2: not UTF-8" },
        { "[a\xe2\x80\xae]\n", "line 1: the section's name has characters" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        refused(cases[i].text, strlen(cases[i].text), cases[i].part);
}

static void a_nul_byte_is_refused(void **state)
{
    (void)state;
    static const char value_nul[] = "[a]\nk = v\0w\n", wide[] = "[\0a\0]\0\n\0";
    refused(value_nul, sizeof value_nul - 1, "line 2: a NUL byte");
    refused(wide, sizeof wide - 1, "line 1: a NUL byte");
}

static void a_refused_line_is_not_quoted(void **state)
{
    (void)state;
    struct err e = { 0 };
    static const char text[] = "[a]\nwJalrXUtnFEMI\n";

    assert_false(parse_bytes(text, sizeof text - 1, &e));
    assert_null(strstr(e.text, "wJalr"));
}

/* `n` lines such as "[s1]" or "k1 =". */
static char *numbered(bool is_section, int n, size_t *len)
{
    size_t size = 16 + (size_t)n * 16;
    char *text = xmalloc(size);

    *len = (size_t)snprintf(text, size, "%s", is_section ? "" : "[a]\n");
    for (int i = 0; i < n; i++)
        *len += (size_t)snprintf(text + *len, size - *len, is_section ? "[s%d]\n" : "k%d =\n", i);
    return text;
}

static void limit_is(bool is_section, int most, const char *part)
{
    struct err e = { 0 };
    size_t len;
    char *text = numbered(is_section, most, &len);

    if (!parse_bytes(text, len, &e))
        fail_msg("%s", e.text);
    free(text);
    text = numbered(is_section, most + 1, &len);
    refused(text, len, part);
    free(text);
}

static void a_file_has_at_most_ten_thousand_sections(void **state)
{
    (void)state;
    limit_is(true, 10000, "line 10001: more than 10000 sections");
}

static void a_section_has_at_most_a_thousand_keys(void **state)
{
    (void)state;
    limit_is(false, 1000, "line 1002: more than 1000 keys in [a]");
}

static void every_cut_of_a_file_is_read_or_refused(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf[default]\r\nregion = x\n  y\n# c\n[profile \"a b\"]\n"
                               "s3 =\n  k = v\n\n  l = w\nrole : arn\n";
    size_t read = 0;

    for (size_t n = 0; n < sizeof text; n++) {
        struct err e = { 0 };
        bool ok = parse_bytes(text, n, &e);

        read += ok;
        assert_int_equal(ok, e.code == ERR_NONE);
        assert_int_equal(ok, e.text[0] == '\0');
    }
    assert_in_range(read, 20, sizeof text - 10);
}

static void names_behind_a_kind_follow_the_shell(void **state)
{
    (void)state;
    static const struct {
        const char *section, *name;
    } cases[] = {
        { "profile live", "live" },
        { "profile \t live", "live" },
        { "profile \"my own\"", "my own" },
        { "profile 'my own'", "my own" },
        { "profile my\\ own", "my own" },
        { "profile \"a\\\"b\"", "a\"b" },
        { "profile a'b'c", "abc" },
        { "profile a b", NULL },
        { "profile \"open", NULL },
        { "profile ''", NULL },
        { "profile", NULL },
        { "profilelive", NULL },
        { "live", NULL },
        { "sso-session live", NULL },
    };
    struct arena *mem = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *name = aws_ini_name_after(mem, cases[i].section, "profile");

        if (cases[i].name)
            assert_string_equal(name, cases[i].name);
        else
            assert_null(name);
    }
    arena_free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(empty_text_has_no_sections, tear_down),
        cmocka_unit_test_teardown(values_are_found_by_section_and_key, tear_down),
        cmocka_unit_test_teardown(keys_match_whatever_their_case, tear_down),
        cmocka_unit_test_teardown(section_names_match_exactly, tear_down),
        cmocka_unit_test_teardown(only_the_first_separator_counts, tear_down),
        cmocka_unit_test_teardown(a_hash_inside_a_value_belongs_to_it, tear_down),
        cmocka_unit_test_teardown(blanks_around_are_cut_and_inside_kept, tear_down),
        cmocka_unit_test_teardown(an_empty_value_is_no_value, tear_down),
        cmocka_unit_test_teardown(crlf_and_a_byte_order_mark_are_accepted, tear_down),
        cmocka_unit_test_teardown(an_indented_line_continues_the_value, tear_down),
        cmocka_unit_test_teardown(keys_indented_alike_do_not_continue_each_other, tear_down),
        cmocka_unit_test_teardown(lines_under_an_empty_value_are_a_map, tear_down),
        cmocka_unit_test_teardown(the_last_of_equal_keys_in_a_map_counts, tear_down),
        cmocka_unit_test_teardown(a_scalar_is_no_map, tear_down),
        cmocka_unit_test_teardown(a_continued_value_never_loses_bytes_of_the_next_key, tear_down),
        cmocka_unit_test_teardown(faults_name_their_line, tear_down),
        cmocka_unit_test_teardown(a_nul_byte_is_refused, tear_down),
        cmocka_unit_test_teardown(a_refused_line_is_not_quoted, tear_down),
        cmocka_unit_test_teardown(a_file_has_at_most_ten_thousand_sections, tear_down),
        cmocka_unit_test_teardown(a_section_has_at_most_a_thousand_keys, tear_down),
        cmocka_unit_test_teardown(every_cut_of_a_file_is_read_or_refused, tear_down),
        cmocka_unit_test(names_behind_a_kind_follow_the_shell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
