/*
 * Rows: what a question to the store answers with, what panes draw and the command line
 * prints. Columns have the names of the SELECT; text in cells is clean and lives in the
 * row set's arena. Handed on whole between threads.
 */
#ifndef OPSDECK_BASE_ROW_SET_H
#define OPSDECK_BASE_ROW_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum cell_type {
    CELL_NULL,
    CELL_INT,
    CELL_REAL,
    CELL_TEXT
};

struct cell {
    enum cell_type type;
    int64_t i;        /* CELL_INT (CELL_REAL: truncated) */
    double d;         /* CELL_REAL, and CELL_INT as double */
    const char *text; /* never NULL: "" for CELL_NULL, decimal text for numbers */
};

struct row_set {
    struct arena *mem; /* owns everything below */
    size_t ncols, nrows, cap;
    const char **cols;
    struct cell *cells; /* nrows * ncols, row after row */
    bool is_truncated;  /* there were more rows than asked for */
};

struct row_set *row_set_new(const char *const *cols, size_t ncols);
void row_set_free(struct row_set *rs); /* with its arena; NULL is fine */
/* A new row of NULL cells; the pointer is good until the next call. */
struct cell *row_set_add(struct row_set *rs);
void cell_set_int(struct cell *c, struct row_set *rs, int64_t v);
void cell_set_real(struct cell *c, struct row_set *rs, double v);
void cell_set_text(struct cell *c, struct row_set *rs, const char *s); /* copies; s is clean */
/* Column number or -1. */
int row_set_col(const struct row_set *rs, const char *name);
/* The cell; an empty one (CELL_NULL) when row or col is out of range. */
const struct cell *row_set_at(const struct row_set *rs, size_t row, int col);
/* Shorthands by column name; "" and `dflt` when the column or value is absent. */
const char *row_set_text(const struct row_set *rs, size_t row, const char *col);
int64_t row_set_int(const struct row_set *rs, size_t row, const char *col, int64_t dflt);

/* A value bound to :name in SQL. */
struct bind {
    const char *name; /* without the colon */
    enum cell_type type;
    int64_t i;
    double d;
    const char *text; /* CELL_TEXT; NULL binds NULL */
};

#endif
