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

static void put_list(JsonWriter *w, const char *key, const Config *c, const Field *f)
{
    const void *at = (const char *)c + f->offset;
    int count = f->most;
    if (f->type != FIELD_SIZE) memcpy(&count, (const char *)c + f->count_offset, sizeof count);
    json_begin_row(w, key);
    for (int i = 0; i < count; i++)
        if (f->type == FIELD_NUMBERS)
            json_put_number(w, NULL, (*(double *const *)at)[i]);
        else
            json_put_int(w, NULL, ((const int *)at)[i]);
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

void config_put_field(JsonWriter *w, const char *key, const Config *c, const Field *f)
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
    config_put_field(&w, NULL, c, f);
    const char *text = json_text(&w) ? json_text(&w) : "?";
    json_cut(out, size, text, strlen(text));
    json_write_free(&w);
}

void config_put(JsonWriter *w, const Config *c)
{
    for (int s = 0; config_sections[s]; s++) {
        json_begin_object(w, config_sections[s]);
        for (const Field *f = config_fields; f->key; f++)
            if (strcmp(f->section, config_sections[s]) == 0) config_put_field(w, f->key, c, f);
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
