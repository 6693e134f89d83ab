/*
 * What recipes may do in SQL; asked by sandbox.c only.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_STORE_SANDBOX_RULES_H
#define OPSDECK_STORE_SANDBOX_RULES_H

#include <stdbool.h>

/* `column` "" : the table is named without any column; `view` NULL: not through a view. */
bool rules_may_read(const char *table, const char *column, const char *view);
bool rules_may_call(const char *function);
/* Where a label of -> or ->> stands that SQLite 3.40 would take apart at its dots, or -1. */
int rules_split_label(const char *sql);

#endif
