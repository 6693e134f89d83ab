/*
 * Roles to looks. See theme.h. The built-in theme names ANSI colours only, so that it follows
 * whatever palette the person has chosen, light or dark.
 */
#include "theme.h"

#include <stddef.h>
#include <stdlib.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

enum {
    BOLD = THEME_ATTR_BOLD,
    DIM = THEME_ATTR_DIM,
    REV = THEME_ATTR_REVERSE,
    UL = THEME_ATTR_UNDERLINE
};

struct builtin_role {
    bool is_set;
    int fg; /* ANSI 0-7, -1 default */
    unsigned attrs, mono;
    const char *sym, *sym_ascii;
};

/* clang-format off */
static const struct builtin_role builtin[ROLE_COUNT] = {
    [ROLE_TEXT]      = { true, -1, 0,          0,          " ", " " },
    [ROLE_DIM]       = { true, -1, DIM,        DIM,        NULL, NULL },
    [ROLE_TITLE]     = { true, -1, BOLD,       BOLD,       NULL, NULL },
    [ROLE_SELECTION] = { true, -1, REV,        REV,        NULL, NULL },
    [ROLE_MARK]      = { true, -1, BOLD | UL,  BOLD | UL,  NULL, NULL },
    [ROLE_HEADER]    = { true, -1, BOLD,       BOLD,       NULL, NULL },
    [ROLE_OK]        = { true,  2, 0,          0,          "\xe2\x9c\x94", "." },
    [ROLE_INFO]      = { true,  6, 0,          0,          "i", "i" },
    [ROLE_WARN]      = { true,  3, BOLD,       BOLD,       "!", "!" },
    [ROLE_CRIT]      = { true,  1, BOLD,       REV | BOLD, "\xe2\x9c\x98", "X" },
    [ROLE_UNKNOWN]   = { true,  5, UL,         UL,         "?", "?" },
    [ROLE_STALE]     = { true, -1, DIM,        DIM,        "~", "~" },
    [ROLE_LINK]      = { true, -1, UL,         UL,         NULL, NULL },
    [ROLE_PROMPT]    = { true, -1, BOLD,       BOLD,       NULL, NULL },
    [ROLE_ERROR]     = { true,  1, BOLD,       BOLD,       NULL, NULL },
    [ROLE_ENV_LIVE]  = { true,  1, BOLD | REV, REV,        NULL, NULL },
};

static const uint8_t parents[ROLE_COUNT] = {
#define X(id, name, parent, letter) [ROLE_##id] = ROLE_##parent,
    ROLES(X)
#undef X
};
/* clang-format on */

enum role theme_parent(enum role role)
{
    return role < ROLE_COUNT ? (enum role)parents[role] : ROLE_TEXT;
}

static const struct theme_role *role_in(const struct theme *theme, enum role role)
{
    return theme && (size_t)role < theme->nroles ? &theme->roles[role] : NULL;
}

static struct style builtin_style(enum role role, bool is_mono)
{
    struct style st = { .fg = { .kind = THEME_DEFAULT }, .bg = { .kind = THEME_DEFAULT } };

    while (!builtin[role].is_set && role != theme_parent(role))
        role = theme_parent(role);
    st.attrs = is_mono ? builtin[role].mono : builtin[role].attrs;
    if (!is_mono && builtin[role].fg >= 0) {
        st.fg.kind = THEME_INDEX;
        st.fg.index = builtin[role].fg;
    }
    return st;
}

struct style theme_style(const struct theme *theme, enum role role, bool is_mono)
{
    struct style st = { .fg = { .kind = THEME_DEFAULT }, .bg = { .kind = THEME_DEFAULT } };
    bool has_fg = false, has_bg = false, has_attrs = false;

    if (role >= ROLE_COUNT)
        role = ROLE_TEXT;
    /* Without colour the states must differ by attribute whatever the theme says. */
    if (!theme || is_mono)
        return builtin_style(role, is_mono);
    for (enum role r = role;; r = theme_parent(r)) {
        const struct theme_role *tr = role_in(theme, r);

        if (tr && !has_fg && tr->fg.kind != THEME_UNSET) {
            st.fg = tr->fg;
            has_fg = true;
        }
        if (tr && !has_bg && tr->bg.kind != THEME_UNSET) {
            st.bg = tr->bg;
            has_bg = true;
        }
        if (tr && !has_attrs && tr->has_attrs) {
            st.attrs = tr->attrs;
            has_attrs = true;
        }
        if (r == theme_parent(r))
            break;
    }
    /* A theme that says nothing of the cursor still shows it. */
    if (role == ROLE_SELECTION && !has_bg && !has_attrs)
        st.attrs = THEME_ATTR_REVERSE;
    return st;
}

enum role theme_status_role(enum status s)
{
    require(s >= 0);
    static const uint8_t roles[] = {
        [STATUS_OK] = ROLE_OK,           [STATUS_INFO] = ROLE_INFO, [STATUS_WARN] = ROLE_WARN,
        [STATUS_UNKNOWN] = ROLE_UNKNOWN, [STATUS_CRIT] = ROLE_CRIT,
    };
    _Static_assert(ARRAY_LEN(roles) == STATUS_CRIT + 1, "a role for each status");
    return (size_t)s < ARRAY_LEN(roles) ? (enum role)roles[s] : ROLE_UNKNOWN;
}

const char *theme_glyph(const struct theme *theme, enum role role, bool ascii)
{
    for (enum role r = role < ROLE_COUNT ? role : ROLE_TEXT;; r = theme_parent(r)) {
        const struct theme_role *tr = role_in(theme, r);
        const char *own = tr ? (ascii ? tr->sym_ascii : tr->sym) : NULL;
        const char *built = ascii ? builtin[r].sym_ascii : builtin[r].sym;

        if (own || built)
            return own ? own : built;
        if (r == theme_parent(r))
            return " ";
    }
}

/* The 16 ANSI colours as xterm draws them; the other 240 are a cube and a grey ramp. */
static void index_to_rgb(int i, int rgb[3])
{
    static const unsigned char ansi[16][3] = {
        { 0, 0, 0 },       { 205, 0, 0 },   { 0, 205, 0 },   { 205, 205, 0 },
        { 0, 0, 238 },     { 205, 0, 205 }, { 0, 205, 205 }, { 229, 229, 229 },
        { 127, 127, 127 }, { 255, 0, 0 },   { 0, 255, 0 },   { 255, 255, 0 },
        { 92, 92, 255 },   { 255, 0, 255 }, { 0, 255, 255 }, { 255, 255, 255 },
    };
    static const int level[6] = { 0, 95, 135, 175, 215, 255 };

    if (i < 16) {
        for (int k = 0; k < 3; k++)
            rgb[k] = ansi[i][k];
    } else if (i < 232) {
        rgb[0] = level[(i - 16) / 36];
        rgb[1] = level[(i - 16) / 6 % 6];
        rgb[2] = level[(i - 16) % 6];
    } else {
        rgb[0] = rgb[1] = rgb[2] = 8 + (i - 232) * 10;
    }
}

static int nearest(const int want[3], int first, int end)
{
    long best = -1;
    int at = first;

    for (int i = first; i < end; i++) {
        int have[3];
        long d = 0;

        index_to_rgb(i, have);
        for (int k = 0; k < 3; k++)
            d += (long)(have[k] - want[k]) * (have[k] - want[k]);
        if (best < 0 || d < best) {
            best = d;
            at = i;
        }
    }
    return at;
}

int theme_color_index(const struct theme_color *c, int colors)
{
    require(c);
    int rgb[3];

    if (c->kind == THEME_UNSET || c->kind == THEME_DEFAULT || colors < 8)
        return -1;
    if (c->kind == THEME_RGB) {
        if (colors > 256) /* direct colour: the number is the colour */
            return c->r << 16 | c->g << 8 | c->b;
        rgb[0] = c->r;
        rgb[1] = c->g;
        rgb[2] = c->b;
    } else {
        /* A direct-colour terminal keeps only the first eight indexes as a palette. */
        if (c->index < 8 || (colors <= 256 && c->index < colors))
            return c->index;
        if (colors == 8 && c->index < 16)
            return c->index - 8;
        index_to_rgb(c->index, rgb);
        if (colors > 256)
            return rgb[0] << 16 | rgb[1] << 8 | rgb[2];
    }
    /* The first 16 differ from terminal to terminal, so 256 colours match the fixed ones only. */
    return colors >= 256 ? nearest(rgb, 16, 256) : nearest(rgb, 0, colors < 16 ? 8 : 16);
}
