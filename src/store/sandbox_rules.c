/*
 * What the SELECT of a recipe may read and call, as lists; and one trap of SQLite that the
 * loader points out. sandbox.c asks here while it prepares a statement.
 */
#include "sandbox_rules.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

#include "store_priv.h"

static const char *const tables_allowed[] = { "json_each", "json_tree", "row" };

/* SQLite's own functions that a recipe may call; nothing that reaches out or differs by chance. */
/* clang-format off */
static const char *const functions_allowed[] = {
    "->", "->>", "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "avg", "ceil",
    "ceiling", "char", "coalesce", "cos", "cosh", "count", "cume_dist", "date", "datetime",
    "degrees", "dense_rank", "exp", "first_value", "floor", "format", "glob", "group_concat",
    "hex", "ifnull", "iif", "instr", "json", "json_array", "json_array_length", "json_extract",
    "json_group_array", "json_group_object", "json_insert", "json_object", "json_patch",
    "json_quote", "json_remove", "json_replace", "json_set", "json_type", "json_valid",
    "julianday", "lag", "last_value", "lead", "length", "like", "likelihood", "likely", "ln",
    "log", "log10", "log2", "lower", "ltrim", "max", "min", "mod", "nth_value", "ntile", "nullif",
    "percent_rank", "pi", "pow", "power", "printf", "quote", "radians", "rank", "replace",
    "round", "row_number", "rtrim", "sign", "sin", "sinh", "sqrt", "strftime", "substr",
    "substring", "sum", "tan", "tanh", "time", "total", "trim", "trunc", "typeof", "unicode",
    "unixepoch", "unlikely", "upper",
};
/* clang-format on */

static int compare_name(const void *name, const void *entry)
{
    return sqlite3_stricmp(name, *(const char *const *)entry);
}

bool rules_may_call(const char *name)
{
    require(name);
    return fn_is_ours(name) || bsearch(name, functions_allowed, ARRAY_LEN(functions_allowed),
                                       sizeof *functions_allowed, compare_name);
}

/* What the view `row` shows. A WITH may have its name, so what it does not show is never read. */
static bool is_shown_of_staged(const char *column)
{
    static const char *const shown[] = { "source", "kind",   "key",   "name",
                                         "status", "parent", "attrs", "" };

    for (size_t i = 0; i < ARRAY_LEN(shown); i++)
        if (!sqlite3_stricmp(column, shown[i]))
            return true;
    return false;
}

bool rules_may_read(const char *table, const char *column, const char *view)
{
    for (size_t i = 0; i < ARRAY_LEN(tables_allowed); i++)
        if (!sqlite3_stricmp(table, tables_allowed[i]))
            return true;
    if (!sqlite3_stricmp(table, "staged"))
        return view && !sqlite3_stricmp(view, "row") && is_shown_of_staged(column);
    /* Without a column it is a WITH or a subquery counted as a whole, or a real table. */
    return !*column && sqlite3_strnicmp(table, "sqlite_", 7) != 0 &&
           sqlite3_strnicmp(table, "pragma_", 7) != 0 && sqlite3_strnicmp(table, "json", 4) != 0;
}

int rules_split_label(const char *sql)
{
    require(sql);
    char quote = 0;

    for (const char *p = sql; *p; p++) {
        if (quote) {
            if (*p == quote)
                quote = 0;
            continue;
        }
        if (*p == '\'' || *p == '"') {
            quote = *p;
            continue;
        }
        if ((p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '*')) {
            const char *end = *p == '-' ? strchr(p, '\n') : strstr(p + 2, "*/");
            if (!end)
                break;
            p = *p == '-' ? end : end + 1;
            continue;
        }
        if (p[0] != '-' || p[1] != '>')
            continue;
        const char *label = p + 2 + (p[2] == '>');
        label += strspn(label, " \t\n");
        if (*label++ == '\'' && *label != '$' && *label != '"' &&
            (isdigit((unsigned char)*label) || label[strcspn(label, "'.[]")] != '\''))
            return (int)(label - 1 - sql);
    }
    return -1;
}

/* Behind a text in quotes, a comment or nothing of the kind; NULL when it has no end. */
static const char *skip_quiet(const char *p)
{
    const char *end;

    if (*p == '\'' || *p == '"') {
        end = strchr(p + 1, *p);
        return end ? end + 1 : NULL;
    }
    if (p[0] == '-' && p[1] == '-')
        return strchr(p, '\n');
    if (p[0] == '/' && p[1] == '*') {
        end = strstr(p + 2, "*/");
        return end ? end + 2 : NULL;
    }
    return p;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

int rules_next_header(const char **sql, const char **name, size_t *n)
{
    static const char blanks[] = " \t\r\n";
    const char *p = *sql;

    while (p && *p) {
        const char *next = skip_quiet(p);
        if (next != p || !is_name(*p)) {
            p = next == p ? p + 1 : next;
            continue;
        }
        const char *end = p;
        while (is_name(*end))
            end++;
        const char *call = end + strspn(end, blanks);
        bool is_ours = end - p == 6 && !sqlite3_strnicmp(p, "header", 6) && *call == '(';
        p = end;
        if (!is_ours)
            continue;
        const char *text = call + 1 + strspn(call + 1, blanks);
        *sql = call + 1;
        end = *text == '\'' ? strchr(text + 1, '\'') : NULL;
        if (!end || end[1 + strspn(end + 1, blanks)] != ')')
            return -1;
        *name = text + 1;
        *n = (size_t)(end - *name);
        return 1;
    }
    return 0;
}
