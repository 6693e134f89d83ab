/* The UI as a whole: questions, navigation, messages, time; and 20,000 random keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake.h"

#define HEAD                                                                                       \
    "source|kind|key|name|status|last_status|stale|summary|since|url|attrs|observed_at|severity|"  \
    "rank\n"
static const char problems[] =
    HEAD "reports|repository|a|alpha|crit|crit|0|3 of 8 checks "
         "fail|@-2h|https://a.example|{\"team\":\"x\"}|@-3m|4|1\n"
         "reports|repository|b|beta|warn|warn|0|slow|@-5h|-|{}|@-3m|2|2\n"
         "other|source|other|other|unknown|unknown|0|failing|@-5h|-|{}|@-3m|3|3\n";
static const char counts[] = "crit|unknown|warn\n1|1|1\n";
static const char states[] = "name|state|last_success|failing_since|error|warning\n"
                             "reports|ok|@-3m|-|-|-\nother|failing|@-1h|@-50m|no route to host|-\n";

/* A UI over the rows above, not yet answered. */
static void begin(struct fake *f)
{
    fake_init(f);
    fake_put(f, "FROM top ORDER BY rank", fake_rows(f, problems), NULL);
    fake_put(f, "coalesce(sum", fake_rows(f, counts), NULL);
    fake_put(f, "SELECT name, state, last_success", fake_rows(f, states), NULL);
    fake_start(f, (struct ui_opts){ 0 });
}

static void draw(struct fake *f)
{
    struct canvas *cv = canvas_new(24, 80, false);

    ui_draw(f->ui, cv);
    canvas_free(cv);
}

static void the_first_frame_needs_no_answer(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    assert_true(ui_is_dirty(f.ui));
    assert_true(fake_screen_has(&f, 24, 80, "reading the store..."));
    assert_int_equal(f.nquestions, 3);
    assert_false(ui_is_dirty(f.ui));
    fake_pump(&f);
    assert_true(ui_is_dirty(f.ui));
    assert_true(fake_screen_has(&f, 24, 80, "alpha"));
    fake_release(&f);
}

static void the_same_answer_again_draws_nothing(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    draw(&f);
    ui_data_changed(f.ui, "reports");
    fake_pump(&f);
    assert_false(ui_is_dirty(f.ui));
    fake_put(&f, "coalesce(sum", fake_rows(&f, "crit|unknown|warn\n2|1|1\n"), NULL);
    ui_data_changed(f.ui, "reports");
    fake_pump(&f);
    assert_true(ui_is_dirty(f.ui));
    fake_release(&f);
}

static void changes_while_a_question_is_under_way_lead_to_one_more(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    for (int i = 0; i < 100; i++)
        ui_data_changed(f.ui, "reports");
    assert_int_equal(f.asked, 3);
    fake_pump(&f);
    assert_int_equal(f.asked, 6);
    fake_release(&f);
}

static void an_answer_nobody_waits_for_is_dropped(void **state)
{
    struct fake f;
    struct query_answer a = { .id = 999 };

    (void)state;
    begin(&f);
    fake_pump(&f);
    draw(&f);
    a.rows = fake_rows(&f, HEAD "x|y|z|wrong|crit|crit|0|-|-|-|{}|-|4|1\n");
    ui_answer(f.ui, &a);
    assert_null(a.rows);
    assert_false(ui_is_dirty(f.ui));
    assert_false(fake_screen_has(&f, 24, 80, "wrong"));
    fake_release(&f);
}

static void going_back_cancels_what_the_pane_had_asked(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_key(&f, "d");
    assert_int_equal(f.nquestions, 2);
    fake_key(&f, "q");
    assert_int_equal(f.cancelled, 2);
    assert_int_equal(f.nquestions, 0);
    fake_release(&f);
}

static void an_error_of_the_store_stands_where_rows_would_and_old_rows_stay(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_put(&f, "FROM top ORDER BY rank", NULL, "disk I/O error");
    fake_pump(&f);
    assert_true(fake_screen_has(&f, 24, 80, "The store could not be read: disk I/O error"));
    fake_put(&f, "FROM top ORDER BY rank", fake_rows(&f, problems), NULL);
    ui_data_changed(f.ui, "reports");
    fake_pump(&f);
    fake_put(&f, "FROM top ORDER BY rank", NULL, "disk I/O error");
    ui_data_changed(f.ui, "reports");
    fake_pump(&f);
    assert_true(fake_screen_has(&f, 24, 80, "alpha"));
    assert_true(fake_screen_has(&f, 24, 80, "store: disk I/O error"));
    fake_release(&f);
}

static void a_paste_into_a_table_does_nothing_but_a_message(void **state)
{
    struct fake f;
    char *big = xmalloc(1 << 20);

    (void)state;
    begin(&f);
    fake_pump(&f);
    ui_paste(f.ui, "q\nQ\n", 4);
    assert_true(fake_screen_has(&f, 24, 80, "Pasted text is never run as keys"));
    memset(big, 'Q', 1 << 20);
    ui_paste(f.ui, big, 1 << 20);
    assert_int_equal(f.quits, 0);
    fake_key(&f, "/");
    ui_paste(f.ui, big, 1 << 20);
    assert_true(fake_screen_has(&f, 24, 80, "alpha"));
    ui_paste(f.ui, "be\nta", 5);
    assert_true(fake_screen_has(&f, 24, 80, "/be ta"));
    assert_false(fake_screen_has(&f, 24, 80, "alpha"));
    assert_int_equal(f.quits, 0);
    free(big);
    fake_release(&f);
}

static void control_c_cancels_and_twice_in_two_seconds_leaves(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_keys(&f, "/ 'alpha ctrl-c");
    assert_true(fake_screen_has(&f, 24, 80, "beta"));
    assert_int_equal(f.quits, 0);
    fake_key(&f, "ctrl-c");
    f.mono_ms += 2500;
    fake_key(&f, "ctrl-c");
    assert_int_equal(f.quits, 0);
    f.mono_ms += 1500;
    fake_key(&f, "ctrl-c");
    assert_int_equal(f.quits, 1);
    fake_release(&f);
}

static void back_undoes_the_filter_first_and_only_q_leaves(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_keys(&f, "d / q ? q"); /* d: a detail page without rows below it */
    fake_keys(&f, "Esc Esc Esc Esc");
    fake_keys(&f, "/ 'beta Enter");
    assert_false(fake_screen_has(&f, 24, 80, "alpha"));
    fake_keys(&f, "Esc");
    assert_true(fake_screen_has(&f, 24, 80, "alpha"));
    fake_keys(&f, "Esc");
    assert_true(fake_screen_has(&f, 24, 80, "first pane; Q leaves"));
    assert_int_equal(f.quits, 0);
    fake_keys(&f, "q");
    assert_int_equal(f.quits, 1);
    fake_release(&f);
}

static void a_filter_and_the_cursor_survive_other_views(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_keys(&f, "/ 'beta Enter 3 -");
    assert_true(fake_screen_has(&f, 24, 80, "/beta"));
    assert_true(fake_screen_has(&f, 24, 80, "Problems"));
    fake_release(&f);
}

static void places_are_walked_back_and_forth(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_keys(&f, "W 3 ?");
    assert_true(fake_screen_has(&f, 24, 80, "Sources > Help"));
    fake_keys(&f, "[");
    assert_true(fake_screen_has(&f, 24, 80, "Sources  0/0"));
    fake_keys(&f, "[");
    assert_true(fake_screen_has(&f, 24, 80, "> alpha"));
    fake_keys(&f, "[");
    assert_true(fake_screen_has(&f, 24, 80, "Problems  1/3"));
    fake_keys(&f, "[");
    assert_true(fake_screen_has(&f, 24, 80, "first place"));
    fake_keys(&f, "] ]");
    assert_true(fake_screen_has(&f, 24, 80, "Sources  0/0"));
    fake_release(&f);
}

static void enter_opens_by_kind_and_unknown_kinds_open_generically(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_key(&f, "Enter");
    assert_non_null(strstr(f.last_sql, "parent = :kind"));
    fake_keys(&f, "q G");
    fake_key(&f, "Enter");
    assert_non_null(strstr(f.last_sql, "GROUP BY kind"));
    fake_release(&f);
}

static void refresh_polls_the_sources_shown(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_keys(&f, "r");
    assert_int_equal(f.refreshed, 2);
    fake_keys(&f, ": 'refresh_reports Enter");
    assert_string_equal(f.last_refresh, "reports");
    fake_keys(&f, ": 'refresh_nosuch Enter");
    assert_string_equal(f.last_refresh, "reports");
    assert_true(fake_screen_has(&f, 24, 80, "There is no source \"nosuch\""));
    fake_keys(&f, "R");
    assert_string_equal(f.last_refresh, "(all)");
    fake_release(&f);
}

static void copying_takes_key_url_or_the_row_as_json(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_keys(&f, "c");
    assert_string_equal(f.last_copy, "a");
    fake_keys(&f, "o");
    assert_string_equal(f.last_copy, "https://a.example");
    fake_keys(&f, "C");
    assert_non_null(strstr(f.last_copy, "\"team\": \"x\""));
    fake_keys(&f, "j o");
    assert_int_equal(f.copies, 3);
    assert_true(fake_screen_has(&f, 24, 80, "no URL to copy"));
    fake_release(&f);
}

static void commands_name_panes_and_actions_and_near_misses(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_keys(&f, ": 'sources Enter");
    assert_true(fake_screen_has(&f, 24, 80, "Sources  0/0"));
    fake_keys(&f, ": 'sourcse Enter");
    assert_true(fake_screen_has(&f, 24, 80, "did you mean :sources"));
    fake_keys(&f, ": 'repository Enter"); /* a detail page needs a row */
    assert_true(fake_screen_has(&f, 24, 80, "There is no command"));
    fake_keys(&f, ": 'reload Enter");
    assert_int_equal(f.reloads, 1);
    assert_true(fake_screen_has(&f, 24, 80, "sorces"));
    fake_keys(&f, ": 'q Enter");
    assert_int_equal(f.quits, 1);
    fake_release(&f);
}

static void help_lists_every_action_of_the_table(void **state)
{
    struct fake f;
    size_t n;
    const struct action_row *rows = ui_actions(&n);

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_keys(&f, "?");
    for (size_t i = 0; i < n; i++)
        if (strncmp(rows[i].name, "view-", 5) != 0 && !fake_screen_has(&f, 200, 200, rows[i].name))
            fail_msg("help lacks %s", rows[i].name);
    fake_keys(&f, "/ 'refresh-all Enter Enter");
    assert_string_equal(f.last_refresh, "(all)");
    fake_release(&f);
}

static void an_unbound_key_says_how_to_bind_it(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_keys(&f, "ctrl-x");
    assert_true(fake_screen_has(&f, 24, 120, "ctrl-x is not bound"));
    assert_true(fake_screen_has(&f, 24, 120, "keymaps/default.yaml"));
    fake_release(&f);
}

static void every_action_is_built(void **state)
{
    size_t n;

    (void)state;
    ui_actions(&n);
    for (size_t i = 0; i < n; i++) {
        struct fake f;
        begin(&f);
        fake_pump(&f);
        char line[64];
        snprintf(line, sizeof line, "'%s", ui_action_names(&n)[i]);
        fake_keys(&f, ":");
        fake_keys(&f, line);
        fake_keys(&f, "Enter");
        if (fake_screen_has(&f, 24, 80, "does nothing in this pane") ||
            fake_screen_has(&f, 24, 80, "There is no command"))
            fail_msg("nothing is behind %s", ui_action_names(&n)[i]);
        fake_release(&f);
    }
}

static void ages_change_by_the_minute_and_not_before(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_put(
        &f, "SELECT name, state, last_success",
        fake_rows(&f,
                  "name|state|last_success|failing_since|error|warning\nreports|ok|@-3m|-|-|-\n"),
        NULL);
    fake_pump(&f);
    draw(&f);
    f.wall_ms += 59 * 1000; /* all ages stand at whole minutes in the rows */
    f.mono_ms += 59 * 1000;
    assert_int_equal(ui_tick(f.ui), 1000);
    assert_false(ui_is_dirty(f.ui));
    f.wall_ms += 1000;
    ui_tick(f.ui);
    assert_true(ui_is_dirty(f.ui));
    fake_release(&f);
}

static void the_store_is_asked_again_each_minute_since_freshness_passes(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    draw(&f);
    size_t asked = f.asked;
    f.mono_ms += 30 * 1000;
    ui_tick(f.ui);
    assert_int_equal(f.asked, asked);
    f.mono_ms += 31 * 1000;
    ui_tick(f.ui);
    assert_int_equal(f.asked, asked + 3);
    fake_release(&f);
}

static void paused_takes_in_nothing_until_resumed(void **state)
{
    struct fake f;

    (void)state;
    begin(&f);
    fake_pump(&f);
    fake_keys(&f, "=");
    fake_put(&f, "FROM top ORDER BY rank",
             fake_rows(&f, HEAD "r|k|n|news|crit|crit|0|-|-|-|{}|-|4|1\n"), NULL);
    ui_data_changed(f.ui, "reports");
    fake_pump(&f);
    assert_false(fake_screen_has(&f, 24, 80, "news"));
    assert_true(fake_screen_has(&f, 24, 80, "PAUSED"));
    fake_keys(&f, "=");
    assert_true(fake_screen_has(&f, 24, 80, "news"));
    fake_release(&f);
}

static void nothing_is_green_when_unknown(void **state)
{
    static const char *const words[] = { "unknown", "OK", "green", "pass", "", "ok\xe2\x80\x8b" };
    struct fake f;

    (void)state;
    begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        char rows[400];
        struct canvas *cv = canvas_new(24, 80, false);
        snprintf(rows, sizeof rows, HEAD "r|k|n|thing|%s|ok|0|-|-|-|{}|-|3|1\n", words[i]);
        fake_put(&f, "FROM top ORDER BY rank", fake_rows(&f, rows), NULL);
        ui_data_changed(f.ui, "r");
        fake_pump(&f);
        ui_draw(f.ui, cv);
        assert_string_equal(cv->cells[3 * 80].text, "?");
        assert_int_equal(cv->cells[3 * 80].role, ROLE_UNKNOWN);
        for (int c = 2 * 80; c < 22 * 80; c++)
            assert_int_not_equal(cv->cells[c].role, ROLE_OK);
        canvas_free(cv);
    }
    fake_release(&f);
}

static void a_start_that_does_not_exist_and_equal_numbers_are_refused(void **state)
{
    static struct column_def col[] = { { .from = "name", .title = "Name", .min = 4 } };
    struct pane_def a = { .name = "one",
                          .title = "One",
                          .number = 5,
                          .file = "panes/one.yaml",
                          .list = { .sql = "SELECT name FROM entity", .cols = col, .ncols = 1 } };
    struct pane_def b = a;
    const struct pane_def *both[] = { &a, &b };
    struct fake f;
    struct err e = { 0 };
    struct ui_opts o = { .panes = both, .npanes = 2 };

    (void)state;
    fake_init(&f);
    b.name = "two";
    b.file = "panes/two.yaml";
    o.port = &f.port;
    o.clock = &f.clock;
    assert_null(ui_new(&o, &e));
    assert_non_null(strstr(e.text, "panes/two.yaml"));
    assert_non_null(strstr(e.text, "panes/one.yaml"));
    b.number = 0;
    o.start = "nonsense";
    assert_null(ui_new(&o, &e));
    assert_non_null(strstr(e.text, "nonsense"));
    o.start = "two"; /* a list without a number can still be first */
    f.ui = ui_new(&o, &e);
    assert_non_null(f.ui);
    fake_release(&f);
}

/* ---- 20,000 random keys */

static uint32_t next_random(uint32_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 17;
    *s ^= *s << 5;
    return *s;
}

static struct ui_key random_key(uint32_t *s)
{
    static const char often[] = "jkgGnNeE/:!dylWcCo?@[]-=1234IOS";
    uint32_t r = next_random(s);

    if (r % 8 < 4)
        return (struct ui_key){ (uint32_t)often[r / 8 % (sizeof often - 1)], false };
    if (r % 8 == 4)
        return (struct ui_key){ 'a' + r / 8 % 26, true };
    if (r % 8 == 5)
        return (struct ui_key){ 0x20 + r / 8 % 0x2fff, false };
    return (struct ui_key){ UI_KEY_UP + r / 8 % (UI_KEY_OTHER - UI_KEY_UP + 1), false };
}

static void random_keys_at_all_sizes_break_nothing(void **state)
{
    static const int sizes[][2] = { { 24, 80 }, { 1, 1 },   { 40, 120 }, { 3, 19 }, { 9, 39 },
                                    { 10, 40 }, { 12, 50 }, { 60, 200 }, { 4, 20 } };
    struct canvas *cv = canvas_new(24, 80, false);
    uint32_t s = 20261121;
    struct fake f;

    (void)state;
    begin(&f);
    fake_put(&f, "SELECT", fake_rows(&f, problems), NULL); /* every pane has rows */
    for (int i = 0; i < 20000; i++) {
        struct ui_key k = random_key(&s);
        ui_key(f.ui, &k);
        uint32_t r = next_random(&s);
        if (r % 3 == 0)
            fake_pump(&f);
        if (r % 97 == 0) {
            const int *size = sizes[r / 97 % ARRAY_LEN(sizes)];
            canvas_resize(cv, size[0], size[1]);
            ui_resize(f.ui, size[0], size[1]);
        }
        if (r % 31 == 0)
            ui_data_changed(f.ui, "reports");
        if (r % 53 == 0)
            ui_paste(f.ui, "paste\x1b[A\xff", 9);
        if (r % 11 == 0) {
            f.wall_ms += 700;
            f.mono_ms += 700;
            assert_true(ui_tick(f.ui) >= 1000);
        }
        if (r % 5 == 0)
            ui_draw(f.ui, cv);
    }
    fake_pump(&f);
    ui_draw(f.ui, cv);
    for (int i = 0; i < cv->rows * cv->cols; i++)
        assert_true(utf8_is_valid(cv->cells[i].text, strlen(cv->cells[i].text)));
    canvas_free(cv);
    fake_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_frame_needs_no_answer),
        cmocka_unit_test(the_same_answer_again_draws_nothing),
        cmocka_unit_test(changes_while_a_question_is_under_way_lead_to_one_more),
        cmocka_unit_test(an_answer_nobody_waits_for_is_dropped),
        cmocka_unit_test(going_back_cancels_what_the_pane_had_asked),
        cmocka_unit_test(an_error_of_the_store_stands_where_rows_would_and_old_rows_stay),
        cmocka_unit_test(a_paste_into_a_table_does_nothing_but_a_message),
        cmocka_unit_test(control_c_cancels_and_twice_in_two_seconds_leaves),
        cmocka_unit_test(back_undoes_the_filter_first_and_only_q_leaves),
        cmocka_unit_test(a_filter_and_the_cursor_survive_other_views),
        cmocka_unit_test(places_are_walked_back_and_forth),
        cmocka_unit_test(enter_opens_by_kind_and_unknown_kinds_open_generically),
        cmocka_unit_test(refresh_polls_the_sources_shown),
        cmocka_unit_test(copying_takes_key_url_or_the_row_as_json),
        cmocka_unit_test(commands_name_panes_and_actions_and_near_misses),
        cmocka_unit_test(help_lists_every_action_of_the_table),
        cmocka_unit_test(an_unbound_key_says_how_to_bind_it),
        cmocka_unit_test(every_action_is_built),
        cmocka_unit_test(ages_change_by_the_minute_and_not_before),
        cmocka_unit_test(the_store_is_asked_again_each_minute_since_freshness_passes),
        cmocka_unit_test(paused_takes_in_nothing_until_resumed),
        cmocka_unit_test(nothing_is_green_when_unknown),
        cmocka_unit_test(a_start_that_does_not_exist_and_equal_numbers_are_refused),
        cmocka_unit_test(random_keys_at_all_sizes_break_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
