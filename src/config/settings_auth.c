/*
 * auth: of a source: one way to log in, one place the secret comes from. The key table has
 * checked names and types; here is what they mean together.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/config/settings.h"

#include "config_priv.h"

/* Places a secret may come from, by the word before the underscore. */
struct secret_keys {
    const char *env, *file, *cmd;
};

static const struct secret_keys token_keys = { "token_env", "token_file", "token_cmd" };
static const struct secret_keys password_keys = { "password_env", "password_file", "password_cmd" };

static bool complain(struct cfg_problems *ps, struct cfg_pos pos, const char *shown,
                     const char *hint, const char *text)
{
    cfg_problem_add(ps, pos, shown, hint, "%s", text);
    return false;
}

static const struct cfg_node *given(const struct cfg_node *map, const char *key)
{
    const struct cfg_node *n = cfg_get(map, key);

    return n && !n->is_null ? n : NULL;
}

static bool read_cmd(struct secret_ref *out, const struct cfg_node *n, const char *shown,
                     struct arena *mem, struct cfg_problems *ps)
{
    if (n->kind != CFG_SEQ)
        return false; /* the key table has complained */
    if (!n->n || !n->items[0]->text[0])
        return complain(ps, n->pos, shown, "write it as a list: [program, argument]",
                        "the command is empty");
    const char **argv = arena_array(mem, n->n + 1, sizeof *argv);
    for (size_t i = 0; i < n->n; i++)
        argv[i] = n->items[i]->text;
    out->argv = argv;
    return true;
}

/* Exactly one of the three; the value of an unknown variable is found out when it is used. */
static bool read_secret(struct secret_ref *out, const struct cfg_node *map,
                        const struct secret_keys *keys, const char *shown, struct arena *mem,
                        struct cfg_problems *ps)
{
    const struct cfg_node *env = given(map, keys->env), *file = given(map, keys->file),
                          *cmd = given(map, keys->cmd);
    int n = (env != NULL) + (file != NULL) + (cmd != NULL);
    char *path = NULL;

    if (n != 1) {
        cfg_problem_add(ps, map->pos, shown, NULL, "%s %s, %s or %s",
                        n ? "give only one of" : "the secret is missing: add", keys->env,
                        keys->file, keys->cmd);
        return false;
    }
    out->pos = env ? env->pos : file ? file->pos : cmd->pos;
    if (cmd)
        return read_cmd(out, cmd, shown, mem, ps);
    if (env && !cfg_is_identifier(env->text)) {
        /* Not repeated, and placed at the key: somebody may have put the secret itself here. */
        cfg_problem_add(ps, cfg_key_pos(map, keys->env), shown,
                        "letters, digits and _ only, such as REPORTS_KEY",
                        "%s wants the name of an environment variable", keys->env);
        return false;
    }
    out->env = env ? env->text : NULL;
    if (file && path_expand(mem, file->text, path_dir(mem, file->pos.file), &path, NULL))
        out->file = path;
    return env || path;
}

/* Headers that frame the message: whoever sets them breaks it (RFC 9112 6). */
static bool is_framing(const char *header)
{
    static const char *const names[] = { "host", "content-length", "transfer-encoding",
                                         "connection", "upgrade" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcasecmp(header, names[i]))
            return true;
    return false;
}

static bool read_header(struct auth_cfg *out, const struct cfg_node *auth,
                        const struct cfg_node *header, const char *shown, struct arena *mem,
                        struct cfg_problems *ps)
{
    if (header->kind != CFG_SCALAR || !cfg_is_token(header->text) || is_framing(header->text))
        return complain(ps, cfg_key_pos(auth, "header"), shown,
                        "the name only, such as X-API-KEY; the value comes from token_env, "
                        "token_file or token_cmd",
                        "header: wants the name of a header that can carry a token");
    out->kind = AUTH_HEADER;
    out->header = header->text;
    return read_secret(&out->secret, auth, &token_keys, shown, mem, ps);
}

static bool no_token_beside(const struct cfg_node *auth, const char *shown, struct cfg_problems *ps)
{
    const char *const keys[] = { token_keys.env, token_keys.file, token_keys.cmd };

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (given(auth, keys[i]))
            return complain(
                ps, cfg_key_pos(auth, keys[i]), shown,
                "write auth: {bearer: {token_env: V}} or auth: {header: NAME, token_env: V}",
                "a token here needs header: beside it, or belongs below bearer:");
    return true;
}

bool auth_load(struct auth_cfg *out, const struct cfg_node *auth, const char *shown,
               struct arena *mem, struct cfg_problems *ps)
{
    const struct cfg_node *bearer = given(auth, "bearer"), *basic = given(auth, "basic"),
                          *header = given(auth, "header");
    int n = (header != NULL) + (bearer != NULL) + (basic != NULL);

    if (n > 1)
        return complain(ps, auth->pos, shown, "keep the one that the server wants",
                        "give only one of header, bearer and basic");
    if (header)
        return read_header(out, auth, header, shown, mem, ps);
    if (!no_token_beside(auth, shown, ps) || (bearer && bearer->kind != CFG_MAP) ||
        (basic && basic->kind != CFG_MAP))
        return false;
    if (bearer) {
        out->kind = AUTH_BEARER;
        return read_secret(&out->secret, bearer, &token_keys, arena_printf(mem, "%s.bearer", shown),
                           mem, ps);
    }
    if (!basic)
        return complain(ps, auth->pos, shown, "for example auth: {bearer: {token_env: V}}",
                        "says no way to log in: add header, bearer or basic");
    out->kind = AUTH_BASIC;
    out->user = cfg_get(basic, "user") ? cfg_get(basic, "user")->text : "";
    if (strchr(out->user, ':'))
        return complain(ps, cfg_get(basic, "user")->pos, shown, NULL,
                        "a user name cannot hold a colon (RFC 7617 2)");
    return read_secret(&out->secret, basic, &password_keys, arena_printf(mem, "%s.basic", shown),
                       mem, ps);
}
