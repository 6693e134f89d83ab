/*
 * Keys to actions. See keymap.h. A file's bindings of an action replace that action's default
 * keys, and a key taken by the file is taken from whoever had it by default; only two
 * bindings of the same rank can conflict.
 */
#include "keymap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"

struct key_name {
    const char *name;
    uint32_t code;
};

static const struct key_name key_names[] = {
    { "Up", UI_KEY_UP },
    { "Down", UI_KEY_DOWN },
    { "Left", UI_KEY_LEFT },
    { "Right", UI_KEY_RIGHT },
    { "shift-Left", UI_KEY_SLEFT },
    { "shift-Right", UI_KEY_SRIGHT },
    { "PgUp", UI_KEY_PGUP },
    { "PgDn", UI_KEY_PGDN },
    { "Home", UI_KEY_HOME },
    { "End", UI_KEY_END },
    { "Enter", UI_KEY_ENTER },
    { "Esc", UI_KEY_ESC },
    { "Tab", UI_KEY_TAB },
    { "shift-Tab", UI_KEY_BTAB },
    { "Backspace", UI_KEY_BACKSPACE },
    { "Delete", UI_KEY_DELETE },
    { "Space", ' ' },
    { "PageUp", UI_KEY_PGUP }, /* other spellings: read, never written */
    { "PageDown", UI_KEY_PGDN },
    { "Escape", UI_KEY_ESC },
    { "Return", UI_KEY_ENTER },
};

/* Bindings that hold in one class of panes only. */
static const struct {
    const char *view, *action, *keys;
} class_keys[] = {
    { "text", "page-down", "Space" },
    { "text", "page-up", "b" },
};

bool key_parse(const char *name, struct ui_key *out)
{
    require(name && out);
    size_t n = strlen(name);
    uint32_t cp;

    *out = (struct ui_key){ 0 };
    if (!n)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(key_names); i++)
        if (!strcasecmp(name, key_names[i].name)) {
            out->code = key_names[i].code;
            return true;
        }
    if ((name[0] == 'F' || name[0] == 'f') && n >= 2 && n <= 3 && name[1] >= '1' &&
        name[1] <= '9') {
        int f = name[1] - '0';
        if (n == 3)
            f = name[2] >= '0' && name[2] <= '9' ? f * 10 + name[2] - '0' : 99;
        out->code = UI_KEY_F1 + (uint32_t)f - 1;
        return f >= 1 && f <= 12;
    }
    if (!strncasecmp(name, "ctrl-", 5) && n == 6) {
        char c = name[5];
        out->is_ctrl = true;
        out->code = (uint32_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        return out->code >= 'a' && out->code <= 'z';
    }
    if (utf8_decode(name, n, &cp) != n || !utf8_is_clean(name, n, UTF8_LINE))
        return false;
    out->code = cp;
    return cp != ' ';
}

bool chord_parse(const char *text, struct chord *out, struct err *e)
{
    require(text && out);
    const char *s = text;

    *out = (struct chord){ 0 };
    while (*s) {
        char word[KEY_TEXT_MAX];
        size_t n = strcspn(s, " ");

        if (n >= sizeof word || out->n == CHORD_MAX)
            return err_set(e, ERR_CONFIG, 0, "\"%.60s\" is no key: at most %d keys in a row", text,
                           CHORD_MAX);
        memcpy(word, s, n);
        word[n] = '\0';
        if (n && !key_parse(word, &out->k[out->n++]))
            return err_set(
                e, ERR_CONFIG, 0,
                "\"%s\" is no key name: write one character, ctrl-x, F1-F12, Enter, Esc, "
                "Tab, shift-Tab, Space, PgUp, PgDn, Home, End, Up, Down, Left or Right",
                word);
        s += n + (s[n] == ' ');
    }
    return out->n > 0 || err_set(e, ERR_CONFIG, 0, "an empty key cannot be bound");
}

const char *key_text(const struct ui_key *k, char out[KEY_TEXT_MAX])
{
    require(k && out);
    char b[5] = "";

    for (size_t i = 0; !k->is_ctrl && i < ARRAY_LEN(key_names); i++)
        if (key_names[i].code == k->code) {
            snprintf(out, KEY_TEXT_MAX, "%s", key_names[i].name);
            return out;
        }
    if (k->code >= UI_KEY_F1 && k->code <= UI_KEY_F12)
        snprintf(out, KEY_TEXT_MAX, "F%u", (unsigned)(k->code - UI_KEY_F1 + 1));
    else if (k->code >= 0x110000)
        snprintf(out, KEY_TEXT_MAX, "that key");
    else {
        b[utf8_encode(k->code < 0x20 ? 0xfffd : k->code, b)] = '\0';
        snprintf(out, KEY_TEXT_MAX, "%s%s", k->is_ctrl ? "ctrl-" : "", b);
    }
    return out;
}

const char *chord_text(const struct chord *c, char out[KEY_TEXT_MAX])
{
    require(c && out);
    size_t used = 0;

    out[0] = '\0';
    for (int i = 0; i < c->n; i++) {
        char one[KEY_TEXT_MAX];
        int n = snprintf(out + used, KEY_TEXT_MAX - used, "%s%s", i ? " " : "",
                         key_text(&c->k[i], one));
        used += n > 0 ? (size_t)n : 0;
        if (used >= KEY_TEXT_MAX)
            break;
    }
    return out;
}

/* 0: different, 1: the shorter is a beginning of the longer, 2: the same. */
static int chord_overlap(const struct chord *a, const struct chord *b)
{
    int n = a->n < b->n ? a->n : b->n;

    for (int i = 0; i < n; i++)
        if (a->k[i].code != b->k[i].code || a->k[i].is_ctrl != b->k[i].is_ctrl)
            return 0;
    return a->n == b->n ? 2 : 1;
}

static const char *place_text(const struct binding *b, char *out, size_t max)
{
    if (b->pos.file)
        snprintf(out, max, "%s:%d:%d (%s)", b->pos.file, b->pos.line, b->pos.col,
                 action_name(b->act));
    else
        snprintf(out, max, "the default of %s", action_name(b->act));
    return out;
}

/* Add one; a clash within the same rank is an error naming both places. */
static bool binding_add(struct keymap *km, const struct binding *b, struct err *e)
{
    for (size_t i = 0; i < km->n; i++) {
        const struct binding *o = &km->v[i];
        char key[KEY_TEXT_MAX], here[160], there[160];

        if (strcmp(o->view, b->view) != 0 || !chord_overlap(&o->chord, &b->chord))
            continue;
        if (o->act == b->act && chord_overlap(&o->chord, &b->chord) == 2)
            return true;
        return err_set(e, ERR_CONFIG, 0,
                       "key %s has two meanings in view %s: %s and %s; keep one of them",
                       chord_text(&b->chord, key), b->view, place_text(o, there, sizeof there),
                       place_text(b, here, sizeof here));
    }
    VEC_GROW(km->v, km->n, km->cap);
    km->v[km->n] = *b;
    km->v[km->n++].view = arena_strdup(km->mem, b->view);
    return true;
}

/* Is this default overruled by what the file has put into the map already? */
static bool is_overruled(const struct keymap *km, size_t nfile, const struct binding *b)
{
    for (size_t i = 0; i < nfile; i++) {
        const struct binding *f = &km->v[i];

        if (strcmp(f->view, b->view) != 0)
            continue;
        if (f->act == b->act || chord_overlap(&f->chord, &b->chord))
            return true;
    }
    return false;
}

static bool add_defaults(struct keymap *km, size_t nfile, const char *view, enum action act,
                         const char *keys, struct err *e)
{
    while (*keys) {
        struct binding b = { .view = view, .act = act };
        char word[KEY_TEXT_MAX];
        size_t n = strcspn(keys, " ");

        snprintf(word, sizeof word, "%.*s", (int)n, keys);
        if (n && (!chord_parse(word, &b.chord, e) ||
                  (!is_overruled(km, nfile, &b) && !binding_add(km, &b, e))))
            return err_ctx(e, "default keys of %s", action_name(act));
        keys += n + (keys[n] == ' ');
    }
    return true;
}

static bool add_file(struct keymap *km, const struct keymap_file *f, struct err *e)
{
    for (size_t i = 0; f && i < f->n; i++) {
        const struct key_binding *kb = &f->v[i];
        struct binding b = { .view = kb->view, .pos = kb->pos };

        b.act = action_by_name(kb->action);
        if (b.act == ACT_NONE)
            return err_set(e, ERR_CONFIG, 0, "%s:%d:%d: there is no action \"%s\"",
                           kb->pos.file ? kb->pos.file : "keymap", kb->pos.line, kb->pos.col,
                           kb->action);
        if (!chord_parse(kb->keys, &b.chord, e))
            return err_ctx(e, "%s:%d:%d: %s", kb->pos.file ? kb->pos.file : "keymap", kb->pos.line,
                           kb->pos.col, kb->action);
        if (!binding_add(km, &b, e))
            return false;
    }
    return true;
}

bool keymap_build(struct keymap *km, const struct keymap_file *f, struct err *e)
{
    require(km);
    *km = (struct keymap){ .mem = arena_new() };
    km->name = arena_strdup(km->mem, f && f->name ? f->name : "default");
    if (!add_file(km, f, e))
        goto fail;
    size_t nfile = km->n;
    for (int a = ACT_NONE + 1; a < ACT_COUNT; a++)
        if (!add_defaults(km, nfile, "global", (enum action)a, action_default_keys((enum action)a),
                          e))
            goto fail;
    for (size_t i = 0; i < ARRAY_LEN(class_keys); i++)
        if (!add_defaults(km, nfile, class_keys[i].view, action_by_name(class_keys[i].action),
                          class_keys[i].keys, e))
            goto fail;
    return true;
fail:
    keymap_release(km);
    return false;
}

void keymap_release(struct keymap *km)
{
    if (!km)
        return;
    free(km->v);
    arena_free(km->mem);
    *km = (struct keymap){ 0 };
}

static enum keymap_hit find_in(const struct keymap *km, const char *view, const struct chord *c,
                               enum action *out)
{
    enum keymap_hit hit = KEYMAP_NONE;

    for (size_t i = 0; i < km->n; i++) {
        const struct binding *b = &km->v[i];

        if (strcmp(b->view, view) != 0 || b->chord.n < c->n)
            continue;
        int over = chord_overlap(&b->chord, c);
        if (over == 2) {
            *out = b->act;
            return KEYMAP_ACTION;
        }
        if (over == 1)
            hit = KEYMAP_PREFIX;
    }
    return hit;
}

enum keymap_hit keymap_resolve(const struct keymap *km, const char *const *views,
                               const struct chord *c, enum action *out)
{
    require(km && c && out);
    *out = ACT_NONE;
    for (size_t i = 0; views && views[i]; i++) {
        enum keymap_hit hit = find_in(km, views[i], c, out);
        if (hit != KEYMAP_NONE)
            return hit;
    }
    return find_in(km, "global", c, out);
}

const char *keymap_keys(const struct keymap *km, enum action a, char *out, size_t max)
{
    require(km && out && max > 0);
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < km->n; i++) {
        const struct binding *b = &km->v[i];
        char one[KEY_TEXT_MAX];

        if (b->act != a || used >= max)
            continue;
        bool is_local = strcmp(b->view, "global") != 0;
        int n = snprintf(out + used, max - used, "%s%s%s%s%s", used ? "  " : "",
                         chord_text(&b->chord, one), is_local ? " (" : "", is_local ? b->view : "",
                         is_local ? ")" : "");
        used += n > 0 ? (size_t)n : 0;
    }
    return out;
}

bool keymap_first_key(const struct keymap *km, enum action a, char out[KEY_TEXT_MAX])
{
    require(km && out);
    for (size_t i = 0; i < km->n; i++)
        if (km->v[i].act == a && !strcmp(km->v[i].view, "global")) {
            chord_text(&km->v[i].chord, out);
            return true;
        }
    return false;
}
