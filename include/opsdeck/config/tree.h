/*
 * Checked YAML trees with the place of every node. The reader passes bytes through the UTF-8
 * door, refuses anchors, aliases, tags, merges and duplicate keys, files over 256 KiB, over 20,000
 * nodes or 64 deep, and copies libfyaml's document into plain nodes, so that no other room sees the
 * library. Loop thread at start and reload; nodes are read-only afterwards.
 */
#ifndef OPSDECK_CONFIG_TREE_H
#define OPSDECK_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct sbuf;
struct cfg_text;

/*
 * Line and column count from 1; both are 0 when the value does not come from a file. Of a quoted
 * text they are those of the first character inside the quotes, of a block (| or >) those of the
 * first line of its content.
 */
struct cfg_pos {
    const char *file; /* as shown to people */
    int line, col;
};

enum cfg_kind {
    CFG_SCALAR,
    CFG_SEQ,
    CFG_MAP
};

struct cfg_node {
    enum cfg_kind kind;
    struct cfg_pos pos;
    const char *text;        /* CFG_SCALAR; "" for an empty value */
    bool is_null;            /* plain null, ~ or nothing */
    bool is_quoted;          /* quoted or block: always a string */
    size_t n;                /* items of a sequence, pairs of a map */
    struct cfg_node **items; /* sequence items or map values */
    const char **keys;       /* CFG_MAP */
    struct cfg_pos *key_pos; /* CFG_MAP */
};

/* All mistakes found so far, each "file:line:col: path: text" with excerpt and caret below. */
struct cfg_problem {
    struct cfg_pos pos;
    const char *path;    /* "sources[2].every" */
    const char *text;    /* "expected a duration such as 30s, got \"soon\"" */
    const char *hint;    /* "did you mean `every`?" or NULL */
    const char *excerpt; /* the line and a caret line below it, or NULL */
    bool is_warning;     /* told, but does not fail the load */
};

struct cfg_problems {
    struct arena *mem; /* set by the caller before use; owns the texts */
    struct cfg_problem *v;
    size_t n, cap;          /* heap; cfg_problems_release() */
    struct cfg_text *texts; /* what was read, for excerpts; in `mem` */
};

void cfg_problems_release(struct cfg_problems *ps);
void cfg_problem_add(struct cfg_problems *ps, struct cfg_pos pos, const char *path,
                     const char *hint, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same, but told only: the load goes on. */
void cfg_problem_warn(struct cfg_problems *ps, struct cfg_pos pos, const char *path,
                      const char *hint, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
size_t cfg_problems_errors(const struct cfg_problems *ps); /* warnings not counted */
/* "file:line:col: path: text", excerpt and hint, each line ended by LF, appended to `out`. */
void cfg_problem_format(const struct cfg_problem *p, struct sbuf *out);
/* Place of byte `off` of a scalar's text: right for one-line and literal (|) scalars, the first
 * line else. */
struct cfg_pos cfg_pos_inside(struct cfg_pos start, const char *text, size_t off);

/*
 * Read one file or text. On failure problems are added and NULL returned (one syntax error,
 * or limits passed). The tree lives in `mem`.
 */
struct cfg_node *cfg_read_file(struct arena *mem, const char *path, struct cfg_problems *ps);
struct cfg_node *cfg_read_text(struct arena *mem, const char *name, const char *text, size_t len,
                               struct cfg_problems *ps);
/* A recipe, pane, theme, keymap or answers file: larger, and with the trust of data. */
struct cfg_node *cfg_read_data_file(struct arena *mem, const char *path, struct cfg_problems *ps);
const struct cfg_node *cfg_get(const struct cfg_node *map,
                               const char *key); /* NULL if absent or not a map */
/* The node as compact JSON text (plain scalars typed as YAML 1.2 core does; quoted ones are
 * strings). */
char *cfg_to_json(struct arena *mem, const struct cfg_node *n);
/* The same with every scalar a string as it was written: 012345678901, 1.10, no and 12:30 of a
 * label are names, not numbers, booleans or times. Null stays null. */
char *cfg_to_json_texts(struct arena *mem, const struct cfg_node *n);
/* The candidate nearest to `word` (edit distance <= 2), or NULL. */
const char *cfg_nearest(const char *word, const char *const *candidates, size_t n);

#endif
