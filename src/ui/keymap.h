/*
 * Keys to actions: parses key names and chords, merges a keymap file over the defaults of the
 * ACTIONS table, refuses two actions on one key in one view, and answers what a key means.
 * Loop thread.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_KEYMAP_H
#define OPSDECK_UI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"
#include "opsdeck/config/ui_files.h"
#include "opsdeck/ui/term.h"

#include "actions.h"

enum {
    CHORD_MAX = 3,
    KEY_TEXT_MAX = 48
};

struct chord {
    struct ui_key k[CHORD_MAX];
    int n;
};

struct binding {
    const char *view; /* "global", "text", "table" or a pane name */
    enum action act;
    struct chord chord;
    struct cfg_pos pos; /* file NULL: a default */
};

struct keymap {
    struct arena *mem;
    struct binding *v;
    size_t n, cap;
    const char *name; /* of the file, or "default" */
};

enum keymap_hit {
    KEYMAP_NONE,
    KEYMAP_PREFIX,
    KEYMAP_ACTION
};

/* One key name ("j", "ctrl-u", "PgUp", "shift-Tab", "Space", "F5"), or a chord of up to three,
 * spaces between. */
bool key_parse(const char *name, struct ui_key *out);
MUST_CHECK bool chord_parse(const char *text, struct chord *out, struct err *e);
const char *key_text(const struct ui_key *k, char out[KEY_TEXT_MAX]);
const char *chord_text(const struct chord *c, char out[KEY_TEXT_MAX]);

/* `f` may be NULL. On failure nothing is kept. Release with keymap_release(). */
MUST_CHECK bool keymap_build(struct keymap *km, const struct keymap_file *f, struct err *e);
void keymap_release(struct keymap *km);
/* The first view that knows the chord wins; `views` ends with NULL and "global" is tried last. */
enum keymap_hit keymap_resolve(const struct keymap *km, const char *const *views,
                               const struct chord *c, enum action *out);
/* All keys of an action, "Esc q"; "" when unbound. */
const char *keymap_keys(const struct keymap *km, enum action a, char *out, size_t max);
/* The first key of an action for hints; false when it has none. */
bool keymap_first_key(const struct keymap *km, enum action a, char out[KEY_TEXT_MAX]);

#endif
