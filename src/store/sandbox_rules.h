/*
 * What recipes may do in SQL; asked by sandbox.c and foreign.c.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_STORE_SANDBOX_RULES_H
#define OPSDECK_STORE_SANDBOX_RULES_H

#include <stdbool.h>
#include <stddef.h>

/* `column` "" : the table is named without any column; `view` NULL: not through a view. */
bool rules_may_read(const char *table, const char *column, const char *view);
bool rules_may_call(const char *function);
/* Where a label of -> or ->> stands that SQLite 3.40 would take apart at its dots, or -1. */
int rules_split_label(const char *sql);
/* The next header('NAME') from *sql on, which moves behind it: 1 with the name, not terminated; 0
 * there is none; -1 its argument is not one text in quotes. */
int rules_next_header(const char **sql, const char **name, size_t *n);

#endif
