/* What reading the answers and giving them share. Not for other files. */
#ifndef OPSDECK_SIM_ANSWERS_PRIV_H
#define OPSDECK_SIM_ANSWERS_PRIV_H

#include <sqlite3.h>

#include "answers.h"
#include "aws_call.h"

struct answer {
    const char *root; /* of an XML answer; NULL: by the operation's name */
    const char *list; /* member that is paged; NULL: none */
    struct aws_paging page;
    bool is_sized;         /* a token comes only to those who gave a size */
    const char *truncated; /* member that says whether more follows; NULL: none */
    const char **needs;    /* members that must be there */
    size_t nneeds;
    sqlite3_stmt **fails; /* the first that gives a row ends the call */
    size_t nfails;
    sqlite3_stmt *select; /* one row, one column: the answer as JSON text */
};

struct answers {
    struct arena *mem; /* names, and the tables below */
    sqlite3 *db;
    struct aws_op *ops; /* heap; ops[i] is answered by answers[i] */
    struct answer *answers;
    size_t n, cap, answers_cap;
    struct aws_call *call; /* that is being answered, for the functions of SQL */
    int told;              /* how far the story was when its tables were last filled */
};

/* Register what SQL may call: arn(), has(), moment(), wall(), later(), and the story's tables. */
bool answers_open(struct answers *a);
/* The tables of what the story changes, when it went on since the last call. */
void answers_tell(struct answers *a, const struct aws_estate *es);

#endif
