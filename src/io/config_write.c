#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/config.h"
#include "io/config_fields.h"

double config_number(const Config *c, const Field *f)
{
    const void *at = (const char *)c + f->offset;
    if (f->type == FIELD_NUMBER) return *(const double *)at;
    if (f->type == FIELD_INT64) return (double)*(const int64_t *)at;
    return f->type == FIELD_BOOL ? *(const bool *)at : *(const int *)at;
}

bool config_is_automatic(const Config *c, const Field *f)
{
    return f->automatic && config_number(c, f) == f->automatic_value;
}

static int list_count(const Config *c, const Field *f)
{
    int count = f->most;
    if (f->type != FIELD_SIZE) memcpy(&count, (const char *)c + f->count_offset, sizeof count);
    return count;
}

static double list_number(const Config *c, const Field *f, int place)
{
    const void *at = (const char *)c + f->offset;
    return f->type == FIELD_NUMBERS ? (*(double *const *)at)[place] : ((const int *)at)[place];
}

static void put_list(JsonWriter *w, const char *key, const Config *c, const Field *f)
{
    json_begin_row(w, key);
    for (int i = 0; i < list_count(c, f); i++) json_put_number(w, NULL, list_number(c, f, i));
    json_end_array(w);
}

static void put_seed(JsonWriter *w, const char *key, uint64_t seed)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRIu64, seed);
    if (seed <= CONFIG_SAFE_INTEGER)
        json_put_uint(w, key, seed);
    else
        json_put_string(w, key, digits);
}

/* Without `key`, the value alone. */
static void put_field(JsonWriter *w, const char *key, const Config *c, const Field *f)
{
    const void *at = (const char *)c + f->offset;
    const int *side = at;
    if (config_is_automatic(c, f)) {
        json_put_string(w, key, "auto");
        return;
    }
    switch (f->type) {
    case FIELD_INT:
    case FIELD_INT64:
        json_put_int(w, key, (int64_t)config_number(c, f));
        break;
    case FIELD_SEED:
        put_seed(w, key, *(const uint64_t *)at);
        break;
    case FIELD_NUMBER:
        json_put_number(w, key, config_number(c, f));
        break;
    case FIELD_BOOL:
        json_put_bool(w, key, *(const bool *)at);
        break;
    case FIELD_CHOICE:
        json_put_string(w, key, f->choices[(int)config_number(c, f)]);
        break;
    case FIELD_TEXT:
        json_put_string(w, key, at);
        break;
    case FIELD_SIZE:
    case FIELD_INTS:
    case FIELD_NUMBERS:
        if (f->type == FIELD_SIZE && side[0] == side[1])
            json_put_int(w, key, side[0]);
        else
            put_list(w, key, c, f);
        break;
    }
}

void config_show(const Config *c, const Field *f, char *out, size_t size)
{
    JsonWriter w;
    json_write_init(&w, 0);
    put_field(&w, NULL, c, f);
    const char *text = json_text(&w) ? json_text(&w) : "?";
    json_cut(out, size, text, strlen(text));
    json_write_free(&w);
}

void config_put(JsonWriter *w, const Config *c)
{
    for (int s = 0; config_sections[s]; s++) {
        json_begin_object(w, config_sections[s]);
        for (const Field *f = config_fields; f->key; f++)
            if (strcmp(f->section, config_sections[s]) == 0) put_field(w, f->key, c, f);
        json_end_object(w);
    }
}

char *config_to_json(const Config *c)
{
    JsonWriter w;
    json_write_init(&w, 2);
    json_begin_object(&w, NULL);
    config_put(&w, c);
    json_end_object(&w);
    const char *text = json_text(&w);
    size_t length = text ? strlen(text) : 0;
    char *copy = text ? mem_alloc(length + 2, 1) : NULL;
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\n';
    }
    json_write_free(&w);
    return copy;
}

/* The first place in which lists of one length differ; -1 for everything else. */
static int first_place(const Config *a, const Config *b, const Field *f)
{
    bool list = f->type == FIELD_INTS || f->type == FIELD_NUMBERS;
    if (!list || list_count(a, f) != list_count(b, f)) return -1;
    for (int i = 0; i < list_count(a, f); i++)
        if (list_number(a, f, i) != list_number(b, f, i)) return i;
    return -1;
}

/* The value, or the element of a list at `place`. */
static void put_part(JsonWriter *w, const Config *c, const Field *f, int place)
{
    json_write_init(w, 0);
    if (place < 0)
        put_field(w, NULL, c, f);
    else
        json_put_number(w, NULL, list_number(c, f, place));
}

bool config_diff(const Config *before, const Config *after, ConfigDifferenceUse use, void *context,
                 Err *err)
{
    unsigned read = config_method(before)->reads | config_method(after)->reads;
    for (const Field *f = config_fields; f->key; f++) {
        if (f->group && !(f->group & read)) continue;
        ConfigDifference d = {.row = (int)(f - config_fields), .identity = config_is_identity(f)};
        JsonWriter a, b;
        int place = first_place(before, after, f);
        put_part(&a, before, f, place);
        put_part(&b, after, f, place);
        if (!json_differ(&a, &b, &d.values, err)) return false;
        if (place >= 0)
            snprintf(d.name, sizeof d.name, "%s.%s[%d]", f->section, f->key, place);
        else
            snprintf(d.name, sizeof d.name, "%s.%s", f->section, f->key);
        CHECK(d.row < CONFIG_MAX_KEYS);
        if (d.values.found) use(context, &d);
    }
    return true;
}

bool config_describe(size_t field, char *out, size_t size)
{
    const Field *f = config_fields;
    for (size_t i = 0; i < field && f->key; i++) f++;
    if (!f->key) return false;
    char name[64], expected[200], methods[64];
    snprintf(name, sizeof name, "%s.%s", f->section, f->key);
    config_expected(f, false, expected, sizeof expected);
    bool word = f->type == FIELD_TEXT || f->type == FIELD_CHOICE || f->automatic;
    method_readers(f->group, methods, sizeof methods);
    snprintf(out, size, "%-26s %s%s%s; default %s%s%s (%s)", name, methods, f->group ? ": " : "",
             f->help, word ? "\"" : "", f->standard, word ? "\"" : "", expected);
    return true;
}
