/* Addresses and Link headers: joining, origins, the target of rel=next. */
#include "net_test.h"

static struct arena *mem;

static int set_up(void **state)
{
    (void)state;
    mem = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(mem);
    return 0;
}

static void base_and_path_are_joined_with_one_slash(void **state)
{
    (void)state;
    static const struct {
        const char *base, *path, *query, *want;
    } cases[] = {
        { "https://h.example", "/a/b", NULL, "https://h.example/a/b" },
        { "https://h.example/", "/a/b", NULL, "https://h.example/a/b" },
        { "https://h.example", "a/b", NULL, "https://h.example/a/b" },
        { "https://h.example//", "//a", NULL, "https://h.example/a" },
        { "https://h.example/api", "/v2/x", NULL, "https://h.example/api/v2/x" },
        { "https://h.example/api/", NULL, NULL, "https://h.example/api/" },
        { "https://h.example", "", NULL, "https://h.example" },
        { "https://h.example", "/", NULL, "https://h.example/" },
        { "https://h.example/api", "/", "q=1", "https://h.example/api/?q=1" },
        { "https://h.example", "/a", "q=1&r=2", "https://h.example/a?q=1&r=2" },
        { "https://h.example", "/a?x=1", "q=1", "https://h.example/a?x=1&q=1" },
        { "https://h.example", "/a", "", "https://h.example/a" },
        { "https://h.example", "?x=1", NULL, "https://h.example?x=1" },
        { "https://h.example", "/a/.../b", NULL, "https://h.example/a/.../b" },
        { "https://h.example", "/.github", NULL, "https://h.example/.github" },
        { "https://h.example", "/a%2Fb", NULL, "https://h.example/a%2Fb" },
        { "https://h.example", "/x?p=../y", NULL, "https://h.example/x?p=../y" },
        { "http://[::1]:8080", "/a", NULL, "http://[::1]:8080/a" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *url = NULL;
        struct err e = { 0 };
        if (!http_url_join(mem, cases[i].base, cases[i].path, cases[i].query, &url, &e))
            fail_msg("case %zu: %s", i, e.text);
        assert_string_equal(url, cases[i].want);
    }
}

static void joins_that_would_go_elsewhere_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *base, *path, *query;
    } cases[] = {
        { NULL, "/a", NULL },
        { "", "/a", NULL },
        { "h.example", "/a", NULL },
        { "file:///etc", "/passwd", NULL },
        { "https://ann:pw@h.example", "/a", NULL },
        { "https://h.example", "/..", NULL },
        { "https://h.example", "/a/../b", NULL },
        { "https://h.example", "/a/./b", NULL },
        { "https://h.example", "/%2e%2E/b", NULL },
        { "https://h.example", "/.%2e", NULL },
        { "https://h.example", "..", NULL },
        { "https://h.example", "/a/..?x", NULL },
        { "https://h.example", "/a b", NULL },
        { "https://h.example", "/a\nb", NULL },
        { "https://h.example", "/a#b", NULL },
        { "https://h.example#x", "/a", NULL },
        { "https://h.example", "/a", "q=1#f" },
        { "https://h.example?x=1", "/a", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *url = NULL;
        struct err e = { 0 };
        if (http_url_join(mem, cases[i].base, cases[i].path, cases[i].query, &url, &e))
            fail_msg("case %zu gave %s", i, url);
        assert_int_equal(e.code, ERR_CONFIG);
        assert_int_not_equal(e.text[0], '\0');
        assert_null(strstr(e.text, "pw"));
    }
}

static void an_origin_is_scheme_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        { "https://h.example/a", "https://h.example/b?c", true },
        { "https://h.example", "https://h.example:443/", true },
        { "http://h.example:80", "http://h.example", true },
        { "https://H.Example", "https://h.eXample", true },
        { "https://[::1]/", "https://[::1]:443/", true },
        { "https://h.example", "http://h.example", false },
        { "https://h.example", "https://h.example:444", false },
        { "https://h.example", "https://h.example.", false },
        { "https://h.example", "https://x.h.example", false },
        { "https://h.example", "https://h.example.evil.example", false },
        { "https://h.example", "https://evil.example/h.example", false },
        { "https://h.example", "https://h.example@evil.example/", false },
        { "https://h.example", "https://evil.example\\@h.example/", false },
        { "https://h.example", "//h.example/", false },
        { "https://h.example", "", false },
        { "https://h.example", NULL, false },
        { "ftp://h.example", "ftp://h.example", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (http_same_origin(cases[i].a, cases[i].b) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
        assert_int_equal(http_same_origin(cases[i].b, cases[i].a), cases[i].same);
    }
}

static char *link_of(const char *one, const char *two)
{
    struct http_header hs[] = { { "link", one }, { "link", two } };
    struct http_response r = { .url = "https://h.example/list?page=1",
                               .headers = hs,
                               .nheaders = two   ? 2
                                           : one ? 1
                                                 : 0 };

    return http_link_next(mem, &r);
}

static void the_next_page_is_found_in_every_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *link, *want;
    } cases[] = {
        { "<https://h.example/list?page=2>; rel=\"next\"", "https://h.example/list?page=2" },
        { "<https://h.example/a>; rel=next", "https://h.example/a" },
        { "<https://h.example/a>;rel=NEXT", "https://h.example/a" },
        { "<https://h.example/a> ; REL = \"next\"", "https://h.example/a" },
        { "<https://h.example/1>; rel=\"prev\", <https://h.example/3>; rel=\"next\", "
          "<https://h.example/9>; rel=\"last\"",
          "https://h.example/3" },
        { "<https://h.example/a,b;c>; rel=\"next\"", "https://h.example/a,b;c" },
        { "<https://h.example/1>; title=\"a, b; rel=\\\"next\\\"\"; rel=prev, "
          "<https://h.example/2>; rel=next",
          "https://h.example/2" },
        { "<https://h.example/a>; rel=\"last next\"", "https://h.example/a" },
        { "<?page=2>; rel=next", "https://h.example/list?page=2" },
        { "</other>; rel=next", "https://h.example/other" },
        { ", ,<https://h.example/a>; rel=next", "https://h.example/a" },
        { "<https://other.example/a>; rel=next",
          "https://other.example/a" }, /* judged by the caller */
        { "<https://h.example/a>; rel=\"nextish\"", NULL },
        { "<https://h.example/a>; rel=prev; rel=next", NULL }, /* only the first counts */
        { "<https://h.example/a>; rel=next; anchor=\"#x\"", NULL },
        { "<https://h.example/a>", NULL },
        { "<https://h.example/a; rel=next", NULL },
        { "https://h.example/a; rel=next", NULL },
        { "<>; rel=next", NULL },
        { "<file:///etc/passwd>; rel=next", NULL },
        { "<https://ann:pw@h.example/>; rel=next", NULL },
        { "garbage, <https://h.example/a>; rel=next", NULL },
        { "", NULL },
        { "<", NULL },
        { "<https://h.example/a>; rel=\"next", "https://h.example/a" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = link_of(cases[i].link, NULL);
        if (!cases[i].want != !got || (got && strcmp(got, cases[i].want) != 0))
            fail_msg("%s: %s", cases[i].link, got ? got : "none");
    }
    assert_null(link_of(NULL, NULL));
    assert_string_equal(
        link_of("<https://h.example/1>; rel=prev", "<https://h.example/2>; rel=next"),
        "https://h.example/2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_and_path_are_joined_with_one_slash),
        cmocka_unit_test(joins_that_would_go_elsewhere_are_refused),
        cmocka_unit_test(an_origin_is_scheme_host_and_port),
        cmocka_unit_test(the_next_page_is_found_in_every_spelling),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
