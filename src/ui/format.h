/*
 * Cells as people read them: ages, local times, thousands, and the status cell with its
 * glyph and role. A `struct paint` is one drawing: where to, with which clock, and when the
 * first of the ages drawn will read differently. Pure.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_FORMAT_H
#define OPSDECK_UI_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opsdeck/base/row_set.h"
#include "opsdeck/config/ui_files.h"
#include "opsdeck/model/status.h"
#include "opsdeck/ui/canvas.h"

struct sbuf;

struct paint {
    struct canvas *cv;
    const struct theme *theme;
    int64_t now_ms;
    int64_t next_ms; /* wall time at which an age on this screen changes; INT64_MAX: never */
};

/* "<1m" "12m" "3h" "2d" of the time since `then_ms`; notes when it changes. */
const char *format_age(struct paint *pt, int64_t then_ms, char out[48]);
const char *format_count(int64_t n, char out[48]); /* 1,000,000 */

/* What is known of a row's status. */
struct row_status {
    enum status shown;
    bool is_stale;
    const char *last; /* the word last said by the source; "" when it is the shown one */
};
struct row_status format_row_status(const struct row_set *rs, size_t row);
/* Never the look of a better state than the evidence: stale ok is `~`, unknown is `?`. */
enum role format_status_role(const struct row_status *st);

/*
 * The cell (row, column `from`) as text, appended to `out`; the role it is drawn with. The
 * column summary of a row whose status is unknown begins with what it was.
 */
enum role format_cell(struct paint *pt, const struct row_set *rs, size_t row, int col,
                      enum column_as as, struct sbuf *out);
/* A status as a field of a detail page: glyph, word, what it was, stale. */
void format_status_long(struct paint *pt, const struct row_set *rs, size_t row, struct sbuf *out);
bool format_is_right(enum column_as as);

#endif
