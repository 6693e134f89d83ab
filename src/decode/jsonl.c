/* JSON lines: one document a line becomes one array. Each line passes the door on its own. */
#include "opsdeck/decode/decode.h"

#include <string.h>

#include "opsdeck/base/sbuf.h"

#include "decode_priv.h"

static bool is_blank(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r')
            return false;
    return true;
}

bool jsonl_to_json(const char *s, size_t n, struct sbuf *out, struct err *e)
{
    size_t line = 0;
    bool is_first = true;

    if (!sbuf_addc(out, '['))
        return too_large(out, "JSON lines", e);
    for (size_t i = 0; i < n; line++) {
        const char *lf = memchr(s + i, '\n', n - i);
        size_t len = lf ? (size_t)(lf - s) - i : n - i;
        if (!is_blank(s + i, len)) {
            if (!is_first && !sbuf_addc(out, ','))
                return too_large(out, "JSON lines", e);
            if (!json_door(s + i, len, out, e))
                return err_ctx(e, "line %zu of JSON lines", line + 1);
            is_first = false;
        }
        i += len + 1;
    }
    return sbuf_addc(out, ']') || too_large(out, "JSON lines", e);
}
