#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/config.h"
#include "io/config_fields.h"

static int load_int(const Config *c, size_t offset)
{
    int value;
    memcpy(&value, (const char *)c + offset, sizeof value);
    return value;
}

static bool is_automatic(const Config *c, const Field *f)
{
    if (!f->automatic) return false;
    if (f->type == FIELD_NUMBER)
        return *(const double *)((const char *)c + f->offset) == f->automatic_value;
    return load_int(c, f->offset) == f->automatic_value;
}

void config_put_field(JsonWriter *w, const char *key, const Config *c, const Field *f)
{
    const void *at = (const char *)c + f->offset;
    char digits[32];
    if (is_automatic(c, f)) {
        json_put_string(w, key, "auto");
        return;
    }
    switch (f->type) {
    case FIELD_INT:
        json_put_int(w, key, load_int(c, f->offset));
        break;
    case FIELD_INT64:
        json_put_int(w, key, *(const int64_t *)at);
        break;
    case FIELD_SEED:
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)*(const uint64_t *)at);
        if (*(const uint64_t *)at <= CONFIG_SAFE_INTEGER)
            json_put_uint(w, key, *(const uint64_t *)at);
        else
            json_put_string(w, key, digits);
        break;
    case FIELD_NUMBER:
        json_put_number(w, key, *(const double *)at);
        break;
    case FIELD_BOOL:
        json_put_bool(w, key, *(const bool *)at);
        break;
    case FIELD_CHOICE:
        json_put_string(w, key, f->choices[load_int(c, f->offset)]);
        break;
    case FIELD_TEXT:
        json_put_string(w, key, at);
        break;
    case FIELD_SIZE: {
        int height = load_int(c, f->offset), width = load_int(c, f->count_offset);
        if (height == width) {
            json_put_int(w, key, height);
            break;
        }
        json_begin_row(w, key);
        json_put_int(w, NULL, height);
        json_put_int(w, NULL, width);
        json_end_array(w);
        break;
    }
    case FIELD_INTS:
    case FIELD_NUMBERS:
        json_begin_row(w, key);
        for (int i = 0; i < load_int(c, f->count_offset); i++) {
            if (f->type == FIELD_INTS)
                json_put_int(w, NULL, load_int(c, f->offset + sizeof(int) * (size_t)i));
            else
                json_put_number(w, NULL, (*(double *const *)at)[i]);
        }
        json_end_array(w);
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
