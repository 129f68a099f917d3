#include "io/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/fsio.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/config_fields.h"
#include "io/json.h"
#include "io/json_scan.h"

/* STEPS_MAX betas with 17 digits each are about half of this. */
enum { CONFIG_FILE_BYTES = 4 << 20, SHOWN = 80, WORDS = 200 };

static void *place(Config *c, size_t offset)
{
    return (char *)c + offset;
}

static void store_int(Config *c, size_t offset, int value)
{
    memcpy(place(c, offset), &value, sizeof value);
}

static void store_number(Config *c, const Field *f, double value)
{
    int64_t whole = f->type == FIELD_INT64 ? (int64_t)value : 0;
    if (f->type == FIELD_INT || f->type == FIELD_CHOICE)
        store_int(c, f->offset, (int)value);
    else if (f->type == FIELD_INT64)
        memcpy(place(c, f->offset), &whole, sizeof whole);
    else
        memcpy(place(c, f->offset), &value, sizeof value);
}

static void store_text(Config *c, const Field *f, const char *text)
{
    memset(place(c, f->offset), 0, f->size);
    memcpy(place(c, f->offset), text, strlen(text));
}

/* Defaults stand in the table as they would in a file; this reads them without allocating. */
static void store_standard(Config *c, const Field *f)
{
    const char *text = f->standard;
    if (f->automatic) {
        store_number(c, f, f->automatic_value);
        return;
    }
    switch (f->type) {
    case FIELD_INT:
    case FIELD_INT64:
    case FIELD_NUMBER:
        store_number(c, f, strtod(text, NULL));
        break;
    case FIELD_TEXT:
        store_text(c, f, text);
        break;
    case FIELD_BOOL:
        *(bool *)place(c, f->offset) = text[0] == 't';
        break;
    case FIELD_CHOICE:
        store_int(c, f->offset, choice_find(config_word, f, text));
        break;
    case FIELD_INTS: {
        int count = 0;
        char *end = NULL;
        for (const char *p = text + 1; *p && *p != ']'; p = *end == ',' ? end + 1 : end)
            store_int(c, f->offset + sizeof(int) * (size_t)count++, (int)strtol(p, &end, 10));
        store_int(c, f->count_offset, count);
        break;
    }
    case FIELD_SEED:
    case FIELD_SIZE:
    case FIELD_NUMBERS:
        break; /* their default is the zero that is there */
    }
}

void config_defaults(Config *c)
{
    memset(c, 0, sizeof *c);
    for (const Field *f = config_fields; f->key; f++) store_standard(c, f);
}

void config_free(Config *c)
{
    mem_free(c->method.noise.betas);
    c->method.noise.betas = NULL;
    c->method.noise.beta_count = 0;
}

/* index -1: the whole value, otherwise an element of a list. */
static bool wrong_value(const Field *f, int index, const Json *v, const char *name, Err *err)
{
    char expected[WORDS], shown[SHOWN], at[24] = "";
    config_expected(f, index >= 0, expected, sizeof expected);
    json_show(v, shown, sizeof shown);
    if (index >= 0) snprintf(at, sizeof at, "[%d]", index);
    return err_set(err, ERR_USAGE, "%s: %s.%s%s must be %s, got %s", name, f->section, f->key, at,
                   expected, shown);
}

static bool in_range(const Field *f, const Json *v, bool whole)
{
    if (json_type(v) != JSON_NUMBER) return false;
    double x = json_number(v);
    if (whole && x != floor(x)) return false;
    return (f->open_min ? x > f->min : x >= f->min) && (f->open_max ? x < f->max : x <= f->max);
}

static bool read_int(Config *c, const Field *f, const Json *v, const char *name, Err *err)
{
    if (!f->choices) {
        if (!in_range(f, v, true)) return wrong_value(f, -1, v, name, err);
        store_number(c, f, json_number(v));
        return true;
    }
    char text[32] = "";
    if (json_type(v) == JSON_NUMBER) snprintf(text, sizeof text, "%.15g", json_number(v));
    if (choice_find(config_word, f, text) < 0) return wrong_value(f, -1, v, name, err);
    store_number(c, f, json_number(v));
    return true;
}

static bool parse_digits(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (!*text) return false;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9') return false;
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool read_seed(Config *c, const Field *f, const Json *v, const char *name, Err *err)
{
    uint64_t seed;
    if (json_type(v) == JSON_STRING) {
        if (!parse_digits(json_string(v), &seed)) return wrong_value(f, -1, v, name, err);
    } else {
        double x = json_type(v) == JSON_NUMBER ? json_number(v) : -1;
        if (!(x >= 0 && x <= (double)CONFIG_SAFE_INTEGER) || x != floor(x))
            return wrong_value(f, -1, v, name, err);
        seed = (uint64_t)x;
    }
    memcpy(place(c, f->offset), &seed, sizeof seed);
    return true;
}

static bool read_size(Config *c, const Field *f, const Json *v, const char *name, Err *err)
{
    if (json_type(v) == JSON_NUMBER && (in_range(f, v, true) || json_number(v) == 0)) {
        store_int(c, f->offset, (int)json_number(v));
        store_int(c, f->count_offset, (int)json_number(v));
        return true;
    }
    if (json_type(v) != JSON_ARRAY || json_count(v) != 2) return wrong_value(f, -1, v, name, err);
    const Json *height = json_first(v), *width = json_next(height);
    if (!in_range(f, height, true)) return wrong_value(f, 0, height, name, err);
    if (!in_range(f, width, true)) return wrong_value(f, 1, width, name, err);
    store_int(c, f->offset, (int)json_number(height));
    store_int(c, f->count_offset, (int)json_number(width));
    return true;
}

static bool check_list(const Field *f, const Json *v, const char *name, Err *err)
{
    size_t count = json_type(v) == JSON_ARRAY ? json_count(v) : SIZE_MAX;
    if (count < (size_t)f->least || count > (size_t)f->most)
        return wrong_value(f, -1, v, name, err);
    int i = 0;
    for (const Json *item = json_first(v); item; item = json_next(item), i++)
        if (!in_range(f, item, f->type == FIELD_INTS)) return wrong_value(f, i, item, name, err);
    return true;
}

static bool read_list(Config *c, const Field *f, const Json *v, const char *name, Err *err)
{
    if (!check_list(f, v, name, err)) return false;
    size_t count = json_count(v), i = 0;
    if (f->type == FIELD_INTS) {
        memset(place(c, f->offset), 0, f->size);
        for (const Json *item = json_first(v); item; item = json_next(item))
            store_int(c, f->offset + sizeof(int) * i++, (int)json_number(item));
    } else {
        double *values = count ? mem_doubles(count) : NULL, **slot = place(c, f->offset);
        if (count && !values)
            return err_set(err, ERR_MEMORY, "%s: not enough memory for %zu numbers", name, count);
        for (const Json *item = json_first(v); item; item = json_next(item))
            values[i++] = json_number(item);
        mem_free(*slot);
        *slot = values;
    }
    store_int(c, f->count_offset, (int)count);
    return true;
}

static bool read_field(Config *c, const Field *f, const Json *v, const char *name, Err *err)
{
    int found;
    if (f->automatic && json_type(v) == JSON_STRING && strcmp(json_string(v), "auto") == 0) {
        store_number(c, f, f->automatic_value);
        return true;
    }
    switch (f->type) {
    case FIELD_INT:
    case FIELD_INT64:
        return read_int(c, f, v, name, err);
    case FIELD_SEED:
        return read_seed(c, f, v, name, err);
    case FIELD_SIZE:
        return read_size(c, f, v, name, err);
    case FIELD_INTS:
    case FIELD_NUMBERS:
        return read_list(c, f, v, name, err);
    case FIELD_NUMBER:
        if (!in_range(f, v, false)) return wrong_value(f, -1, v, name, err);
        store_number(c, f, json_number(v));
        return true;
    case FIELD_BOOL:
        if (json_type(v) != JSON_BOOL) return wrong_value(f, -1, v, name, err);
        *(bool *)place(c, f->offset) = json_bool(v);
        return true;
    case FIELD_CHOICE:
        found = json_type(v) == JSON_STRING ? choice_find(config_word, f, json_string(v)) : -1;
        if (found < 0) return wrong_value(f, -1, v, name, err);
        store_int(c, f->offset, found);
        return true;
    case FIELD_TEXT:
        if (json_type(v) != JSON_STRING || strlen(json_string(v)) >= f->size)
            return wrong_value(f, -1, v, name, err);
        store_text(c, f, json_string(v));
        return true;
    }
    return true;
}

/* section may be unknown, key may be NULL for a whole unknown section. */
static bool unknown_key(const char *section, const char *key, const char *name, Err *err)
{
    char hint[512], shown[SHOWN], shown_key[SHOWN] = "";
    config_suggest(section, key, hint, sizeof hint);
    text_escape(shown, sizeof shown, section);
    if (key) text_escape(shown_key, sizeof shown_key, key);
    return err_set(err, ERR_USAGE, "%s: %s%s%s is not a known %s; %s", name, shown, key ? "." : "",
                   shown_key, key ? "key" : "section", hint);
}

/* Raised and written (as "format" beside the sections) when another release would misread a
 * configuration; format 1 is not written. */
enum { CONFIG_FORMAT = 1 };

static bool read_section(Config *c, const Json *section, const char *name, Err *err)
{
    const char *title = json_key(section);
    if (choice_find(choice_word, config_sections, title) < 0) {
        const char *dot = strchr(title, '.');
        if (dot && config_find(title, (size_t)(dot - title), dot + 1))
            return err_set(err, ERR_USAGE,
                           "%s: %s is at the top level; write it as \"%.*s\": { \"%s\": ... }",
                           name, title, (int)(dot - title), title, dot + 1);
        return unknown_key(title, NULL, name, err);
    }
    if (json_type(section) != JSON_OBJECT) {
        char shown[SHOWN];
        json_show(section, shown, sizeof shown);
        return err_set(err, ERR_USAGE, "%s: %s must be an object with keys, got %s", name, title,
                       shown);
    }
    bool older = config_has_removed(section);
    for (const Json *v = json_first(section); v; v = json_next(v)) {
        const Field *f = config_find(title, strlen(title), json_key(v));
        if (!f && older && config_removed(title, json_key(v), NULL, 0)) continue;
        if (!f) return unknown_key(title, json_key(v), name, err);
        if (!read_field(c, f, v, name, err)) return false;
    }
    return !older || config_migrate(c, section, name, err);
}

bool config_read(Config *c, const Json *root, const char *name, Err *err)
{
    if (json_type(root) != JSON_OBJECT)
        return err_set(err, ERR_USAGE, "%s: the configuration must be one object, got %s", name,
                       json_type_name(root));
    /* Before any key, of which another release may have others. */
    bool ok = json_check_format(json_get(root, "format"), CONFIG_FORMAT, name, err);
    for (const Json *v = json_first(root); ok && v; v = json_next(v))
        if (strcmp(json_key(v), "format") != 0) ok = read_section(c, v, name, err);
    return ok;
}

bool config_parse(Config *c, const char *text, size_t size, const char *name, Err *err)
{
    Json *root = json_parse(text, size, name, false, err);
    if (!root) {
        if (err && err->kind == ERR_FORMAT) err->kind = ERR_USAGE;
        return false;
    }
    bool ok = config_read(c, root, name, err);
    json_free(root);
    return ok;
}

bool config_load(Config *c, const char *path, Err *err)
{
    FileBytes file;
    if (!json_read_file(path, CONFIG_FILE_BYTES, &file, err)) {
        if (err && err->kind == ERR_FORMAT) err->kind = ERR_USAGE;
        return false;
    }
    bool ok = config_parse(c, (const char *)file.bytes, file.size, path, err);
    file_free(&file);
    return ok;
}

/* The value of an assignment as JSON. What is not JSON is a string, and for texts and seeds so is
 * anything that is not written as a JSON string: a path may be called 12, and a seed of 20 digits
 * must not pass through a double. NULL with *err set. */
static Json *assigned_value(const Field *f, const char *text, const char *name, Err *err)
{
    Err reason = {0};
    Json *v = json_parse(text, strlen(text), name, false, &reason);
    bool as_text = f->type == FIELD_TEXT || f->type == FIELD_SEED;
    if (v && (!as_text || json_type(v) == JSON_STRING)) return v;
    json_free(v);
    if (reason.kind == ERR_MEMORY) {
        err_set(err, ERR_MEMORY, "%s", reason.text);
        return NULL;
    }
    for (const char *p = text; *p;) {
        int length = utf8_sequence((const unsigned char *)p, strlen(p));
        if (length == 0 || (unsigned char)*p < 0x20) {
            err_set(
                err, ERR_USAGE,
                "%s: the value must be UTF-8 text without control characters, found byte 0x%02x",
                name, (unsigned char)*p);
            return NULL;
        }
        p += length;
    }
    JsonWriter w;
    json_write_init(&w, 0);
    json_put_string(&w, NULL, text);
    const char *quoted = json_text(&w);
    v = quoted ? json_parse(quoted, strlen(quoted), name, false, err) : NULL;
    if (!quoted) err_set(err, ERR_MEMORY, "%s: not enough memory", name);
    json_write_free(&w);
    return v;
}

bool config_set(Config *c, const char *assignment, Err *err)
{
    char name[160], shown[120], section[64], key[64];
    text_escape(shown, sizeof shown, assignment);
    snprintf(name, sizeof name, "--set %s", shown);
    const char *equals = strchr(assignment, '=');
    const char *dot = strchr(assignment, '.');
    if (!equals || equals == assignment)
        return err_set(err, ERR_USAGE, "%s: expected section.key=value, such as train.lr=1e-3",
                       name);
    size_t length =
        dot && dot < equals ? (size_t)(dot - assignment) : (size_t)(equals - assignment);
    snprintf(section, sizeof section, "%.*s", (int)(length < 60 ? length : 60), assignment);
    if (!dot || dot > equals) return unknown_key(section, NULL, name, err);
    size_t key_length = (size_t)(equals - dot) - 1;
    snprintf(key, sizeof key, "%.*s", (int)(key_length < 60 ? key_length : 60), dot + 1);
    const Field *f = config_find(section, strlen(section), key);
    if (!f) return unknown_key(section, key, name, err);
    Json *v = assigned_value(f, equals + 1, name, err);
    bool ok = v && read_field(c, f, v, name, err);
    json_free(v);
    return ok;
}
