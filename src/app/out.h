/*
 * What a command answers: built whole in memory, written to stdout once, at its end (or, by poll,
 * line by line). What went wrong on the way stays: a document is there as a whole, or an error and
 * its exit status are. Main thread.
 */
#ifndef OPSDECK_APP_OUT_H
#define OPSDECK_APP_OUT_H

#include <stdbool.h>

#include "opsdeck/base/json_text.h"
#include "opsdeck/base/require.h"
#include "opsdeck/base/sbuf.h"

struct out {
    struct sbuf text; /* not written yet */
    int failed;       /* errno of the first write that failed; 0: none */
};

/* Zeroed is good. */
void out_release(struct out *o);
struct sbuf *out_buf(struct out *o);
void out_add(struct out *o, const char *s);
void out_addf(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The document that the whole of the answer is; json_close() it, then out_addf() a line end. */
struct json out_document(struct out *o);
/* Forget what is not written yet: an error takes its place. */
void out_drop(struct out *o);
/* Write what there is. False: something was lost, by now or earlier; out_end() tells it. */
bool out_flush(struct out *o);
/* The same at the end of the program, with all of stdio: `status`, or 74 after a word on stderr.
 * A reader that went away is no error. */
MUST_CHECK int out_end(struct out *o, int status);

#endif
