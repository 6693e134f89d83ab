/* What connectors over HTTP share: templates, query pairs, paging tokens, an answer in one line. */
#include "parts.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "opsdeck/base/hide.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"
#include "opsdeck/config/recipe.h"
#include "opsdeck/poll/plan.h"

enum {
    SAID_BYTES = 160,
    SAID_LOOKED_AT = 8192
};

/* Expand with the `for` row first, then params. */
bool part_expand(struct arena *mem, const struct plan_source *src, const struct request_item *item,
                 const char *tmpl, bool encode, char **out, struct err *e)
{
    require(mem && src && item);
    require(tmpl && out);
    const struct bind *sets[] = { item->extra, src->params };
    const size_t counts[] = { item->nextra, src->nparams };

    return template_expand(mem, tmpl, sets, counts, 2, encode, out, e);
}

char *part_percent(struct arena *mem, const char *s)
{
    require(mem && s);
    struct bind one = { .name = "v", .type = CELL_TEXT, .text = s };
    const struct bind *sets[] = { &one };
    const size_t counts[] = { 1 };
    char *out = NULL;

    if (!template_expand(mem, "{v}", sets, counts, 1, true, &out, NULL))
        bug("a template does not know its only name");
    return out;
}

void part_add_pair(struct sbuf *q, const char *name, const char *value)
{
    require(q && name && value);
    sbuf_addf(q, "%s%s=%s", q->len ? "&" : "", name, value);
}

/* The token goes into the body's top object, as PAGE_NEXT_BODY says. */
bool part_body_with_token(struct arena *mem, const struct page_def *pg, const char *body,
                          const char *token, const char **out, struct err *e)
{
    require(mem && pg && token && out);
    cJSON *doc = cJSON_Parse(body && *body ? body : "{}");

    if (!cJSON_IsObject(doc)) {
        cJSON_Delete(doc);
        return err_set(e, ERR_CONFIG, 0, "page: {body: %s} needs a JSON object as request body",
                       pg->into);
    }
    cJSON_DeleteItemFromObjectCaseSensitive(doc, pg->into);
    /* Some tokens are objects (DynamoDB's keys); all others are opaque texts. */
    cJSON *object = *token == '{' ? cJSON_Parse(token) : NULL;
    if (cJSON_IsObject(object))
        cJSON_AddItemToObject(doc, pg->into, object);
    else
        cJSON_AddStringToObject(doc, pg->into, token);
    char *text = cJSON_PrintUnformatted(doc);
    *out = arena_strdup(mem, text);
    cJSON_free(text);
    cJSON_Delete(doc);
    return true;
}

/* What the body says, in one short clean line: HTML pages are only named. */
const char *part_what_it_said(struct arena *mem, const struct http_response *r)
{
    require(mem && r);
    const char *s = r->body ? r->body : "";

    s += strspn(s, " \t\r\n");
    if (*s == '<')
        return "an HTML page";
    if (!*s)
        return "an empty body";
    /* Secrets go before the cut: half of one would not be known any more. */
    struct sbuf sb;
    size_t n = strlen(s);
    sbuf_init(&sb, n);
    sbuf_add(&sb, s, n);
    sb.len = hide_values(sb.buf, sb.len);
    if (sb.len > SAID_LOOKED_AT) {
        sb.len = SAID_LOOKED_AT;
        sb.buf[sb.len] = '\0';
    }
    sb.max = sb.len * 4;
    hide_text(&sb);
    const char *said = utf8_clean_dup(mem, sb.buf, sb.len, SAID_BYTES, UTF8_LINE);
    sbuf_release(&sb);
    return said;
}
