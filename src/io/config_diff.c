/* Where two configurations differ, by the table of keys. */
#include <stdio.h>
#include <string.h>

#include "io/config_fields.h"

static const char *value_text(JsonWriter *w, const Config *c, const Field *f)
{
    json_write_init(w, 0);
    config_put_field(w, NULL, c, f);
    return json_text(w);
}

/* Element `place` of a list written as JSON; NULL after the last. */
static const char *element(const char *list, int place, size_t *length)
{
    for (; place > 0 && list; place--) list = strchr(list + 1, ',');
    if (!list) return NULL;
    list += 1 + strspn(list + 1, " ");
    *length = strcspn(list, ",]");
    return *length > 0 ? list : NULL;
}

/* The first place in which lists of one length differ; -1 for everything else. */
static int first_place(const Field *f, const char *a, const char *b)
{
    size_t n, m;
    int differ = -1;
    if (f->type != FIELD_INTS && f->type != FIELD_NUMBERS) return -1;
    for (int i = 0;; i++) {
        const char *x = element(a, i, &n), *y = element(b, i, &m);
        if (!x || !y) return !x && !y ? differ : -1;
        if (differ < 0 && (n != m || memcmp(x, y, n) != 0)) differ = i;
    }
}

enum { SHOWN = sizeof((ConfigDifference *)0)->before };

static void show(char out[SHOWN], const char *text, int place)
{
    size_t length = strlen(text);
    if (place >= 0) text = element(text, place, &length);
    json_cut(out, SHOWN, text, length);
}

bool config_diff(const Config *before, const Config *after, ConfigDifferenceUse use, void *context,
                 Err *err)
{
    bool ok = true;
    unsigned read = config_method(before)->reads | config_method(after)->reads;
    for (const Field *f = config_fields; f->key && ok; f++) {
        if (f->group && !(f->group & read)) continue;
        JsonWriter a, b;
        const char *x = value_text(&a, before, f), *y = value_text(&b, after, f);
        ok = (x && y) || err_set(err, ERR_MEMORY, "not enough memory to compare configurations");
        if (ok && strcmp(x, y) != 0) {
            ConfigDifference d = {.row = (int)(f - config_fields),
                                  .identity = config_is_identity(f)};
            CHECK(d.row < CONFIG_MAX_KEYS);
            int place = first_place(f, x, y);
            if (place >= 0)
                snprintf(d.name, sizeof d.name, "%s.%s[%d]", f->section, f->key, place);
            else
                snprintf(d.name, sizeof d.name, "%s.%s", f->section, f->key);
            show(d.before, x, place);
            show(d.after, y, place);
            use(context, &d);
        }
        json_write_free(&a);
        json_write_free(&b);
    }
    return ok;
}
