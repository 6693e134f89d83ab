/*
 * Screen goldens: walks tests/screen/<pane>/<case>.txt. A case names its size, the rows the
 * store answers with, the keys pressed, and the text and roles expected. UPDATE_GOLDEN=1
 * writes what is drawn; the diff is then reviewed by a person.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <glob.h>

#include "opsdeck/base/sbuf.h"
#include "opsdeck/config/ui_files.h"

#include "fake.h"

enum {
    PLANE_MAX_BYTES = 4 << 20
};

static char *read_file(const char *path)
{
    FILE *in = fopen(path, "r");
    struct sbuf sb;
    char buf[4096];
    size_t n;

    assert_non_null(in);
    sbuf_init(&sb, PLANE_MAX_BYTES);
    while ((n = fread(buf, 1, sizeof buf, in)) > 0)
        sbuf_add(&sb, buf, n);
    fclose(in);
    char *text = sbuf_detach(&sb, NULL);
    sbuf_release(&sb);
    return text;
}

/* Panes as shipped, read by the loader of the program itself. */
struct shipped {
    struct arena *mem;
    const struct pane_def *defs[64];
    size_t n;
};

static void shipped_load(struct shipped *s)
{
    struct cfg_problems ps = { 0 };
    const char *root = getenv("OPSDECK_DATA");
    char pattern[512];
    glob_t g;

    s->mem = ps.mem = arena_new();
    s->n = 0;
    snprintf(pattern, sizeof pattern, "%s/config/panes/*.yaml", root ? root : ".");
    assert_int_equal(glob(pattern, 0, NULL, &g), 0);
    for (size_t i = 0; i < g.gl_pathc && s->n < ARRAY_LEN(s->defs); i++) {
        s->defs[s->n] = pane_load(s->mem, g.gl_pathv[i], &ps);
        if (!s->defs[s->n] || cfg_problems_errors(&ps))
            fail_msg("%s: %s", g.gl_pathv[i], ps.n ? ps.v[0].text : "not loaded");
        s->n++;
    }
    globfree(&g);
    cfg_problems_release(&ps);
}

static char role_letter(int role)
{
#define X(id, name, parent, letter) letter,
    static const char letters[] = { ROLES(X) };
#undef X
    return letters[role];
}

/* "|" begins each line, so that blanks at either end are seen; ">" one with selected cells. */
static void add_planes(struct sbuf *out, const struct canvas *cv)
{
    sbuf_adds(out, "# text\n");
    for (int r = 0; r < cv->rows; r++) {
        char *line = fake_line(cv, r);
        sbuf_addf(out, "|%s\n", line);
        free(line);
    }
    sbuf_adds(out, "# roles\n");
    for (int r = 0; r < cv->rows; r++) {
        struct sbuf line;
        bool is_selected = false;
        sbuf_init(&line, 1 << 16);
        for (int c = 0; c < cv->cols; c++) {
            const struct canvas_cell *cell = &cv->cells[(size_t)r * (size_t)cv->cols + (size_t)c];
            is_selected |= cell->is_selected;
            sbuf_addc(&line, role_letter(cell->role));
        }
        while (line.len > 0 && line.buf[line.len - 1] == '.')
            line.buf[--line.len] = '\0';
        sbuf_addf(out, "%c%s\n", is_selected ? '>' : '|', line.buf);
        sbuf_release(&line);
    }
}

struct screen_case {
    int rows, cols;
    bool ascii, is_demo;
    int64_t at_ms;
    char start[64], keys[2000];
};

/* A section's heading is "# word rest"; its body the lines behind it up to the next one. */
static void take_section(struct fake *f, struct screen_case *c, char *head, const char *body)
{
    char *rest = head + strcspn(head, " ");

    if (*rest)
        *rest++ = '\0';
    if (!strcmp(head, "size")) {
        assert_int_equal(sscanf(rest, "%dx%d", &c->cols, &c->rows), 2);
    } else if (!strcmp(head, "ascii")) {
        c->ascii = true;
    } else if (!strcmp(head, "demo")) {
        c->is_demo = true;
    } else if (!strcmp(head, "at")) {
        assert_true(time_parse_rfc3339(rest, &c->at_ms));
    } else if (!strcmp(head, "start")) {
        snprintf(c->start, sizeof c->start, "%s", rest);
    } else if (!strcmp(head, "keys")) {
        snprintf(c->keys, sizeof c->keys, "%s", rest);
    } else if (!strcmp(head, "rows")) {
        fake_put(f, rest, fake_rows(f, body), NULL);
    } else if (!strcmp(head, "error")) {
        char text[500];
        snprintf(text, sizeof text, "%.*s", (int)strcspn(body, "\n"), body);
        fake_put(f, rest, NULL, text);
    } else if (strncmp(head, "about", 5) != 0) {
        fail_msg("unknown section # %s", head);
    }
}

static void parse_case(struct fake *f, struct screen_case *c, const char *text)
{
    const char *end = strstr(text, "# text\n");
    char *copy = xstrndup(text, end ? (size_t)(end - text) : strlen(text));

    *c = (struct screen_case){ .rows = 24, .cols = 80 };
    for (char *s = copy; s && *s;) {
        assert_true(s[0] == '#' && s[1] == ' ');
        char *head = s + 2, *body = strchr(s, '\n');
        if (body)
            *body++ = '\0';
        char *next = body ? (body[0] == '#' ? body : strstr(body, "\n# ")) : NULL;
        if (next && next != body)
            *next++ = '\0';
        char *own = xstrdup(body && next != body ? body : "");
        take_section(f, c, head, own);
        free(own);
        s = next;
    }
    free(copy);
}

static void check_golden(const char *path, const char *text, const struct sbuf *drawn)
{
    const char *want = strstr(text, "# text\n");

    if (getenv("UPDATE_GOLDEN")) {
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        fwrite(text, 1, want ? (size_t)(want - text) : strlen(text), out);
        fwrite(drawn->buf, 1, drawn->len, out);
        assert_int_equal(fclose(out), 0);
        return;
    }
    if (!want)
        fail_msg("%s has no # text section: run with UPDATE_GOLDEN=1 and review it", path);
    if (strcmp(want, drawn->buf) != 0) {
        print_message("%s: expected\n%s\ndrawn\n%s\n", path, want, drawn->buf);
        fail_msg("%s: the screen differs", path);
    }
}

static void a_screen_is_drawn_as_its_golden_says(void **state)
{
    const char *path = *state;
    char *text = read_file(path);
    struct shipped panes;
    struct screen_case c;
    struct fake f;
    struct sbuf drawn;

    shipped_load(&panes);
    fake_init(&f);
    parse_case(&f, &c, text);
    fake_start(&f, (struct ui_opts){ .panes = panes.defs,
                                     .npanes = panes.n,
                                     .start = c.start[0] ? c.start : NULL,
                                     .ascii = c.ascii,
                                     .is_demo = c.is_demo,
                                     .at_ms = c.at_ms });
    struct canvas *cv = canvas_new(c.rows, c.cols, c.ascii);
    ui_resize(f.ui, c.rows, c.cols);
    /* "early" as the first key word: drawn before the store has answered. */
    if (strncmp(c.keys, "early", 5) != 0) {
        fake_pump(&f);
        ui_draw(f.ui, cv);
        fake_keys(&f, c.keys);
    }
    ui_draw(f.ui, cv);
    sbuf_init(&drawn, PLANE_MAX_BYTES);
    add_planes(&drawn, cv);
    check_golden(path, text, &drawn);
    sbuf_release(&drawn);
    canvas_free(cv);
    fake_release(&f);
    arena_free(panes.mem);
    free(text);
}

int main(void)
{
    const char *root = getenv("OPSDECK_DATA");
    char pattern[512];
    glob_t g;

    snprintf(pattern, sizeof pattern, "%s/tests/screen/*/*.txt", root ? root : ".");
    if (glob(pattern, 0, NULL, &g) != 0)
        bug("no golden screens under %s", pattern);
    struct CMUnitTest *tests = xcalloc(g.gl_pathc, sizeof *tests);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        char *name = xstrdup(strstr(g.gl_pathv[i], "tests/screen/") + strlen("tests/screen/"));
        for (char *s = name; *s; s++)
            if (!isalnum((unsigned char)*s))
                *s = '_';
        tests[i] = (struct CMUnitTest){ name, a_screen_is_drawn_as_its_golden_says, NULL, NULL,
                                        g.gl_pathv[i] };
    }
    int rc = _cmocka_run_group_tests("screens", tests, g.gl_pathc, NULL, NULL);
    for (size_t i = 0; i < g.gl_pathc; i++)
        free((char *)(uintptr_t)tests[i].name);
    free(tests);
    globfree(&g);
    return rc;
}
