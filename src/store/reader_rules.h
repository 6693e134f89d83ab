/*
 * What a question may read and call. SQLite tells the authorizer the name of a view alone, and a
 * WITH can carry any; so a view of ours is known by a name that nobody can guess. Asked by
 * reader.c only, on the reader's thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_STORE_READER_RULES_H
#define OPSDECK_STORE_READER_RULES_H

#include <stdbool.h>

#include "opsdeck/base/require.h"

struct db;
struct err;

struct reader_rules {
    char owner[40]; /* what the secret names begin with */
    char *tables;   /* the file's own names, each between two LF; NULL before the first sealing */
};

void reader_rules_release(struct reader_rules *rules); /* NULL and zeroed are fine */
/*
 * Give the TEMP views of views_create() their owners: each becomes a view of a secret name, and one
 * of its own name that reads it. After every views_create() of a connection.
 */
MUST_CHECK bool reader_rules_seal(struct reader_rules *rules, struct db *db, struct err *e);
/* The arguments of an authorizer call; SQLITE_OK or SQLITE_DENY. */
int reader_rules_allow(const struct reader_rules *rules, int action, const char *a, const char *b,
                       const char *schema, const char *view);

#endif
