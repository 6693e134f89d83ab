/*
 * The SQL functions of recipes and of `opsdeck query`: registering the
 * tables that fn_times.c, fn_patterns.c, fn_texts.c, fn_states.c and fn_bounded.c fill. All are
 * innocuous: they read their arguments and an environment, nothing else.
 */
#include "store_priv.h"

#include "opsdeck/base/clock.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

static const struct fn_def *const tables[] = { fn_times, fn_patterns, fn_texts, fn_states,
                                               fn_bounded };

int64_t mono_now_ms(void)
{
    return clock_mono_ms(clock_system());
}

struct fn_env *fn_env_of(sqlite3_context *ctx)
{
    return sqlite3_user_data(ctx);
}

const char *fn_text(sqlite3_value *v, size_t *n)
{
    require(v && n);
    const char *t;

    if (sqlite3_value_type(v) == SQLITE_NULL) {
        *n = 0;
        return NULL;
    }
    t = (const char *)sqlite3_value_text(v);
    *n = (size_t)sqlite3_value_bytes(v);
    return t ? t : "";
}

bool fn_register(struct db *db, struct fn_env *env, struct err *e)
{
    require(db && db->h && env);
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (const struct fn_def *f = tables[t]; f->name; f++) {
            int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS;
            if (!f->is_varying)
                flags |= SQLITE_DETERMINISTIC;
            if (sqlite3_create_function_v2(db->h, f->name, f->nargs, flags, env, f->call, f->step,
                                           f->final, NULL) != SQLITE_OK)
                return db_fail(db, e, "register the SQL function %s()", f->name);
        }
    }
    return true;
}

bool fn_is_ours(const char *name)
{
    require(name);
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct fn_def *f = tables[t]; f->name; f++)
            if (!sqlite3_stricmp(f->name, name))
                return true;
    return false;
}
