/*
 * Roles to looks: which colours and attributes a role has, with the fall-back to its parent
 * role, and the glyph of each state in UTF-8 and ASCII. Pure; called by term.c and widgets.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_THEME_H
#define OPSDECK_UI_THEME_H

#include <stdbool.h>

#include "opsdeck/config/ui_files.h"
#include "opsdeck/model/status.h"
#include "opsdeck/ui/canvas.h"

struct style {
    struct theme_color fg, bg; /* never THEME_UNSET */
    unsigned attrs;            /* THEME_ATTR_* */
};

/* `theme` NULL is the built-in one. `is_mono`: no colour, told apart by attributes only. */
struct style theme_style(const struct theme *theme, enum role role, bool is_mono);

enum role theme_parent(enum role role);

/* The role and the glyph of a state; `theme` may bring its own symbols. */
enum role theme_status_role(enum status s);
const char *theme_glyph(const struct theme *theme, enum role role, bool ascii);

/* The terminal's index (0..colors-1) nearest to a colour; -1 is the terminal's own default. */
int theme_color_index(const struct theme_color *c, int colors);

#endif
