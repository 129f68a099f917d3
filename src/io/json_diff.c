#include "io/json_diff.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

void json_cut(char *out, size_t size, const char *text, size_t length)
{
    char cut[256];
    size_t most = (size < sizeof cut ? size : sizeof cut) - 1;
    bool whole = length <= most;
    snprintf(cut, sizeof cut, "%.*s%s", (int)(whole ? length : most - 3), text, whole ? "" : "...");
    text_escape(out, size, cut);
}

static bool among(const char *key, const char *const *list)
{
    for (; list && *list; list++)
        if (strcmp(key, *list) == 0) return true;
    return false;
}

static const char *value_text(JsonWriter *w, const Json *v)
{
    json_write_init(w, 0);
    if (!v) return "absent";
    json_put_value(w, NULL, v);
    return json_text(w);
}

/* Fills *out when the values (NULL: absent) differ. */
static bool compare(const char *key, const Json *a, const Json *b, JsonDifference *out, Err *err)
{
    JsonWriter wa, wb;
    const char *x = value_text(&wa, a), *y = value_text(&wb, b);
    bool ok = x && y;
    if (!ok) err_set(err, ERR_MEMORY, "not enough memory to compare \"%.63s\"", key);
    out->found = ok && strcmp(x, y) != 0;
    if (out->found) {
        snprintf(out->key, sizeof out->key, "%.63s", key);
        json_cut(out->a, sizeof out->a, x, strlen(x));
        json_cut(out->b, sizeof out->b, y, strlen(y));
    }
    json_write_free(&wa);
    json_write_free(&wb);
    return ok;
}

bool json_differ(const char *a, const char *b, const char *const *ignored, JsonDifference *out,
                 Err *err)
{
    memset(out, 0, sizeof *out);
    Json *x = json_parse(a, strlen(a), "first", false, err);
    Json *y = x ? json_parse(b, strlen(b), "second", false, err) : NULL;
    bool ok = y != NULL;
    for (const Json *v = ok ? json_first(x) : NULL; v && ok && !out->found; v = json_next(v))
        if (!among(json_key(v), ignored))
            ok = compare(json_key(v), v, json_get(y, json_key(v)), out, err);
    for (const Json *v = ok ? json_first(y) : NULL; v && ok && !out->found; v = json_next(v))
        if (!among(json_key(v), ignored) && !json_get(x, json_key(v)))
            ok = compare(json_key(v), NULL, v, out, err);
    json_free(x);
    json_free(y);
    return ok;
}
