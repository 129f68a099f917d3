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

/* The first place in which lists of one length differ; -1 for everything else. */
static int first_place(const Config *a, const Config *b, const Field *f)
{
    if (f->type != FIELD_INTS && f->type != FIELD_NUMBERS) return -1;
    const Config *configs[2] = {a, b};
    const char *list[2];
    int count[2];
    for (int i = 0; i < 2; i++) {
        const char *member = (const char *)configs[i] + f->offset;
        memcpy(&count[i], (const char *)configs[i] + f->count_offset, sizeof count[i]);
        list[i] =
            f->type == FIELD_INTS ? member : (const char *)*(double *const *)(const void *)member;
    }
    size_t size = f->type == FIELD_INTS ? sizeof(int) : sizeof(double);
    for (int i = 0; count[0] == count[1] && i < count[0]; i++)
        if (memcmp(list[0] + (size_t)i * size, list[1] + (size_t)i * size, size) != 0) return i;
    return -1;
}

/* Element `place` of a list written as JSON. */
static const char *element(const char *text, int place, size_t *length)
{
    text++;
    for (; place > 0; place--) text = strchr(text, ',') + 1;
    text += strspn(text, " ");
    *length = strcspn(text, ",]");
    return text;
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
            int place = first_place(before, after, f);
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
