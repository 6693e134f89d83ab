/* JSON lines, XML, Prometheus text and charsets to JSON and UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/decode/decode.h"

typedef bool decoder(const char *s, size_t n, struct sbuf *out, struct err *e);

static struct sbuf out;
static struct err e;

static void fresh(size_t max)
{
    sbuf_release(&out);
    sbuf_init(&out, max);
    e = (struct err){ 0 };
}

static void gives(decoder *f, const char *in, const char *want)
{
    struct sbuf again;

    fresh(1 << 20);
    if (!f(in, strlen(in), &out, &e))
        fail_msg("%s: %s", in, e.text);
    assert_string_equal(out.buf, want);
    sbuf_init(&again,
              1 << 20); /* whatever a decoder writes is JSON that the door lets through as it is */
    assert_true(json_door(out.buf, out.len, &again, &e));
    assert_string_equal(again.buf, want);
    sbuf_release(&again);
}

static void refuses(decoder *f, const char *in, const char *why)
{
    fresh(1 << 20);
    if (f(in, strlen(in), &out, &e))
        fail_msg("accepted: %s", in);
    if (!strstr(e.text, why))
        fail_msg("\"%s\" is not in: %s", why, e.text);
}

static void json_lines_become_an_array(void **state)
{
    (void)state;
    gives(jsonl_to_json, "{\"a\":1}\n\n  \r\n[2]\r\n3", "[{\"a\":1},[2],3]");
    gives(jsonl_to_json, "", "[]");
    refuses(jsonl_to_json, "{\"a\":1}\n{\"a\":\n", "line 2 of JSON lines");
    refuses(jsonl_to_json, "1 2\n", "the end after one document");
}

static void xml_elements_become_objects_arrays_and_strings(void **state)
{
    (void)state;
    gives(xml_to_json, "<a/>", "{\"a\":\"\"}");
    gives(xml_to_json, "<a>x &amp; &#65;</a>", "{\"a\":\"x & A\"}");
    gives(xml_to_json, "<a><b>1</b><c>2</c><b>3</b></a>",
          "{\"a\":{\"b\":[\"1\",\"3\"],\"c\":\"2\"}}");
    gives(xml_to_json, "<a id='7' n:x='y' xmlns:n='u'> <b/> t </a>",
          "{\"a\":{\"@id\":\"7\",\"@x\":\"y\",\"b\":\"\",\"#text\":\"t\"}}");
    gives(xml_to_json, "<n:a xmlns:n='u'><n:b>1</n:b></n:a>", "{\"a\":{\"b\":\"1\"}}");
    gives(xml_to_json, "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xc3\xa9</a>",
          "{\"a\":\"\xc3\xa9\"}");
    gives(xml_to_json, "<a><![CDATA[<x>]]></a>", "{\"a\":\"<x>\"}");
}

static void xml_with_a_doctype_or_cut_is_refused(void **state)
{
    struct sbuf deep;

    (void)state;
    refuses(xml_to_json, "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "DOCTYPE");
    refuses(xml_to_json, "<a><b></a>", "mismatched");
    refuses(xml_to_json, "<a>", "not XML");
    refuses(xml_to_json, "", "not XML");
    refuses(xml_to_json, "<a>&undefined;</a>", "not XML");
    sbuf_init(&deep, 1 << 16);
    for (int i = 0; i < 65; i++)
        sbuf_adds(&deep, "<a>");
    refuses(xml_to_json, deep.buf, "deeper than 64");
    sbuf_release(&deep);
}

static void prometheus_samples_become_objects(void **state)
{
    (void)state;
    gives(prom_to_json,
          "# HELP up is it\n# TYPE up gauge\nup{job=\"a\\\"b\\\\c\\nd\",x=\"\"} 1 "
          "1700000000000\nup 0\r\n\nreq_total{le=\"+Inf\",} 1.5e+06\n",
          "[{\"name\":\"up\",\"labels\":{\"job\":\"a\\\"b\\\\c\\nd\",\"x\":\"\"},\"value\":1,"
          "\"ts\":1700000000000},"
          "{\"name\":\"up\",\"labels\":{},\"value\":0,\"ts\":null},"
          "{\"name\":\"req_total\",\"labels\":{\"le\":\"+Inf\"},\"value\":1.5e+06,\"ts\":null}]");
    gives(prom_to_json, "a NaN\nb -Inf\nc +Inf\n",
          "[{\"name\":\"a\",\"labels\":{},\"value\":\"NaN\",\"ts\":null},{\"name\":\"b\","
          "\"labels\":{},\"value\":\"-Inf\",\"ts\":null},"
          "{\"name\":\"c\",\"labels\":{},\"value\":\"+Inf\",\"ts\":null}]");
    gives(prom_to_json, "", "[]");
}

static void odd_prometheus_numbers_become_json_numbers(void **state)
{
    static const char *const pairs[][2] = {
        { "+1", "1" }, { ".5", "0.5" }, { "5.", "5" }, { "-007.25", "-7.25" }, { "1e5", "1e5" }
    };
    char in[32], want[96];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        snprintf(in, sizeof in, "m %s", pairs[i][0]);
        snprintf(want, sizeof want, "[{\"name\":\"m\",\"labels\":{},\"value\":%s,\"ts\":null}]",
                 pairs[i][1]);
        gives(prom_to_json, in, want);
    }
}

static void broken_prometheus_text_is_refused_with_its_line(void **state)
{
    (void)state;
    refuses(prom_to_json, "ok 1\nbad\n", "line 2");
    refuses(prom_to_json, "<html>", "HTML page");
    refuses(prom_to_json, "m{a=\"1\",a=\"2\"} 1", "not there before");
    refuses(prom_to_json, "m{a=\"1} 1", "closing quote");
    refuses(prom_to_json, "m x", "a number");
    refuses(prom_to_json, "m . 1", "a number");
    refuses(prom_to_json, "m 1 2 3", "end of the line");
}

struct charset_case {
    const char *in;
    size_t n;
    const char *content_type, *want;
};

static void bodies_become_utf8_by_mark_then_header(void **state)
{
    static const struct charset_case cases[] = {
        { "\xef\xbb\xbf{}", 5, NULL, "{}" },
        { "\xff\xfe{\0}\0", 6, "application/json;charset=utf-8", "{}" },
        { "\xfe\xff\0{\0}", 6, NULL, "{}" },
        { "\xff\xfe\0\0{\0\0\0", 8, NULL, "{" },
        { "\xe9", 1, "text/plain; charset=ISO-8859-1", "\xc3\xa9" },
        { "\x80", 1, "text/plain; charset=\"Windows-1252\"", "\xe2\x82\xac" },
        { "\0{\0}", 4, "application/json;charset=utf-16", "{}" },
        { "a\xff"
          "b",
          3, NULL,
          "a\xef\xbf\xbd"
          "b" },
        { "\xff\xfe{\0\x00\xd8", 6, NULL, "{\xef\xbf\xbd" },
        { "\xc3\xa9", 2, "text/html", "\xc3\xa9" },
        { "", 0, NULL, "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fresh(1000);
        if (!charset_to_utf8(cases[i].in, cases[i].n, cases[i].content_type, &out, &e))
            fail_msg("case %zu: %s", i, e.text);
        assert_string_equal(out.buf, cases[i].want);
    }
}

static void unknown_charsets_and_full_buffers_are_errors(void **state)
{
    (void)state;
    fresh(1000);
    assert_false(charset_to_utf8("x", 1, "text/plain; charset=klingon", &out, &e));
    assert_non_null(strstr(e.text, "klingon"));
    fresh(3);
    assert_false(charset_to_utf8("abcd", 4, NULL, &out, &e));
    assert_int_equal(e.code, ERR_LIMIT);
    fresh(3);
    assert_false(charset_to_utf8("abcd", 4, "a/b; charset=latin1", &out, &e));
    assert_int_equal(e.code, ERR_LIMIT);
}

static int release(void **state)
{
    (void)state;
    sbuf_release(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_lines_become_an_array),
        cmocka_unit_test(xml_elements_become_objects_arrays_and_strings),
        cmocka_unit_test(xml_with_a_doctype_or_cut_is_refused),
        cmocka_unit_test(prometheus_samples_become_objects),
        cmocka_unit_test(odd_prometheus_numbers_become_json_numbers),
        cmocka_unit_test(broken_prometheus_text_is_refused_with_its_line),
        cmocka_unit_test(bodies_become_utf8_by_mark_then_header),
        cmocka_unit_test(unknown_charsets_and_full_buffers_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
