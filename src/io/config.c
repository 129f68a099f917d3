#include "io/config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/config_fields.h"
#include "io/json.h"

/* STEPS_MAX betas with 17 digits each are about half of this. */
enum { CONFIG_FILE_BYTES = 4 << 20, SHOWN = 80, WORDS = 200 };

static void store_number(Config *c, const Field *f, double x)
{
    void *at = (char *)c + f->offset;
    if (f->type == FIELD_NUMBER)
        *(double *)at = x;
    else if (f->type == FIELD_INT64)
        *(int64_t *)at = (int64_t)x;
    else if (f->type == FIELD_BOOL)
        *(bool *)at = x != 0;
    else
        *(int *)at = (int)x;
}

static void store_text(Config *c, const Field *f, const char *text)
{
    memset((char *)c + f->offset, 0, f->size);
    memcpy((char *)c + f->offset, text, strlen(text));
}

/* An array of ints, and its length where it is not fixed. */
static void store_int(Config *c, const Field *f, int index, double x)
{
    ((int *)(void *)((char *)c + f->offset))[index] = (int)x;
}

static void store_count(Config *c, const Field *f, int count)
{
    if (f->type != FIELD_SIZE) *(int *)(void *)((char *)c + f->count_offset) = count;
}

/* Defaults stand in the table as they would in a file; this reads them without allocating. Of seeds, sizes
 * and lists of numbers the default is the zero that is there. */
static void store_standard(Config *c, const Field *f)
{
    const char *text = f->standard;
    int count = 0;
    if (f->automatic)
        store_number(c, f, f->automatic_value);
    else if (f->type == FIELD_TEXT)
        store_text(c, f, text);
    else if (f->type == FIELD_CHOICE)
        store_number(c, f, choice_find(config_word, f, text));
    else if (f->type == FIELD_BOOL)
        store_number(c, f, text[0] == 't');
    else if (f->type == FIELD_INT || f->type == FIELD_INT64 || f->type == FIELD_NUMBER)
        store_number(c, f, strtod(text, NULL));
    else if (f->type == FIELD_INTS) {
        char *end = NULL;
        for (const char *p = text + 1; *p && *p != ']'; p = *end == ',' ? end + 1 : end)
            store_int(c, f, count++, (double)strtol(p, &end, 10));
        store_count(c, f, count);
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

bool config_copy(Config *to, const Config *from, Err *err)
{
    size_t count = (size_t)from->method.noise.beta_count;
    const double *betas = from->method.noise.betas;
    *to = *from;
    if (!betas) return true;
    to->method.noise.betas = mem_doubles(count);
    if (!to->method.noise.betas)
        return err_set(err, ERR_MEMORY, "not enough memory for %zu betas", count);
    memcpy(to->method.noise.betas, betas, count * sizeof *betas);
    return true;
}

/* A value, or element `index` of a list. */
typedef struct {
    const Json *value;
    int index; /* -1: the whole value */
} Part;

static bool wrong_value(const Field *f, const Part *part, const char *name, Err *err)
{
    char expected[WORDS], shown[SHOWN], at[24] = "";
    config_expected(f, part->index >= 0, expected, sizeof expected);
    json_show(part->value, shown, sizeof shown);
    if (part->index >= 0) snprintf(at, sizeof at, "[%d]", part->index);
    return err_set(err, ERR_USAGE, "%s: %s.%s%s must be %s, got %s", name, f->section, f->key, at,
                   expected, shown);
}

static double number_of(const Json *v)
{
    return json_type(v) == JSON_NUMBER ? json_number(v) : (double)NAN;
}

static bool in_range(const Field *f, double x)
{
    bool whole = f->type != FIELD_NUMBER && f->type != FIELD_NUMBERS;
    if (whole && x != floor(x)) return false;
    return (f->open_min ? x > f->min : x >= f->min) && (f->open_max ? x < f->max : x <= f->max);
}

static bool read_seed(Config *c, const Field *f, const Json *v)
{
    uint64_t *seed = (void *)((char *)c + f->offset);
    double x = number_of(v);
    if (json_type(v) != JSON_STRING) {
        bool exact = x >= 0 && x <= (double)CONFIG_SAFE_INTEGER && x == floor(x);
        if (exact) *seed = (uint64_t)x;
        return exact;
    }
    const char *digits = json_string(v);
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(digits, &end, 10);
    if (!*digits || digits[strspn(digits, "0123456789")] || errno == ERANGE) return false;
    *seed = value;
    return true;
}

/* Whether v is a list as the field wants it; else *wrong is what is not right. */
static bool is_list(const Field *f, const Json *v, Part *wrong)
{
    size_t count = json_type(v) == JSON_ARRAY ? json_count(v) : SIZE_MAX;
    if (count < (size_t)f->least || count > (size_t)f->most) return false;
    for (const Json *item = json_first(v); item; item = json_next(item)) {
        *wrong = (Part){item, wrong->index + 1};
        if (!in_range(f, number_of(item))) return false;
    }
    return true;
}

static bool store_list(Config *c, const Field *f, const Json *v, const char *name, Err *err)
{
    int count = (int)json_count(v), i = 0;
    if (f->type == FIELD_NUMBERS) {
        double *values = count ? mem_doubles((size_t)count) : NULL;
        double **slot = (void *)((char *)c + f->offset);
        if (count && !values)
            return err_set(err, ERR_MEMORY, "%s: not enough memory for %d numbers", name, count);
        for (const Json *item = json_first(v); item; item = json_next(item))
            values[i++] = json_number(item);
        mem_free(*slot);
        *slot = values;
    } else {
        memset((char *)c + f->offset, 0, f->size);
        for (const Json *item = json_first(v); item; item = json_next(item))
            store_int(c, f, i++, json_number(item));
    }
    store_count(c, f, count);
    return true;
}

static bool read_field(Config *c, const Field *f, const Json *v, const char *name, Err *err)
{
    const char *word = json_type(v) == JSON_STRING ? json_string(v) : NULL;
    double x = number_of(v);
    Part wrong = {v, -1};
    bool ok = false;
    switch (f->type) {
    case FIELD_INT:
    case FIELD_INT64:
    case FIELD_NUMBER:
        ok = in_range(f, x);
        break;
    case FIELD_BOOL:
        ok = json_type(v) == JSON_BOOL;
        x = ok && json_bool(v);
        break;
    case FIELD_CHOICE:
        x = word ? choice_find(config_word, f, word) : -1;
        ok = x >= 0;
        break;
    case FIELD_TEXT:
        ok = word && strlen(word) < f->size;
        if (ok) store_text(c, f, word);
        return ok || wrong_value(f, &wrong, name, err);
    case FIELD_SEED:
        return read_seed(c, f, v) || wrong_value(f, &wrong, name, err);
    case FIELD_SIZE:
        ok = x == 0 || in_range(f, x);
        if (ok) store_int(c, f, 1, x);
        if (ok || !is_list(f, v, &wrong)) break;
        return store_list(c, f, v, name, err);
    case FIELD_INTS:
    case FIELD_NUMBERS:
        return is_list(f, v, &wrong) ? store_list(c, f, v, name, err)
                                     : wrong_value(f, &wrong, name, err);
    }
    if (f->automatic && word && strcmp(word, "auto") == 0) {
        x = f->automatic_value;
        ok = true;
    }
    if (!ok) return wrong_value(f, &wrong, name, err);
    store_number(c, f, x);
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

/* Older versions wrote "eps", then the default, into the runs of methods that had no choice. */
static void forget_old_prediction(Config *c)
{
    const MethodSettings *m = config_method(c);
    bool choice = m->reads & KEYS_PREDICTION && m->prediction == PREDICT_EPS;
    if (!choice && c->method.noise.prediction == PREDICT_EPS)
        c->method.noise.prediction = PREDICT_AUTO;
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
    forget_old_prediction(c);
    return ok;
}

/* Takes the root over. */
static bool read_root(Config *c, Json *root, const char *name, Err *err)
{
    bool ok = root && config_read(c, root, name, err);
    if (!root && err && err->kind == ERR_FORMAT) err->kind = ERR_USAGE;
    json_free(root);
    return ok;
}

bool config_parse(Config *c, const char *text, size_t size, const char *name, Err *err)
{
    return read_root(c, json_parse(text, size, name, false, err), name, err);
}

bool config_load(Config *c, const char *path, Err *err)
{
    return read_root(c, json_load(path, CONFIG_FILE_BYTES, false, err), path, err);
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
    for (const char *p = text; *p; p += utf8_sequence(p, strlen(p)))
        if (utf8_sequence(p, strlen(p)) == 0 || (unsigned char)*p < 0x20) {
            err_set(
                err, ERR_USAGE,
                "%s: the value must be UTF-8 text without control characters, found byte 0x%02x",
                name, (unsigned char)*p);
            return NULL;
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

/* An assignment without a dot. */
static bool no_key(const char *section, const char *name, Err *err)
{
    char keys[512];
    if (choice_find(choice_word, config_sections, section) < 0)
        return unknown_key(section, NULL, name, err);
    config_suggest(section, "", keys, sizeof keys);
    return err_set(err, ERR_USAGE, "%s: %s is a section, which has no value of its own; %s", name,
                   section, keys);
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
    if (!dot || dot > equals) return no_key(section, name, err);
    size_t key_length = (size_t)(equals - dot) - 1;
    snprintf(key, sizeof key, "%.*s", (int)(key_length < 60 ? key_length : 60), dot + 1);
    const Field *f = config_find(section, strlen(section), key);
    if (!f) return unknown_key(section, key, name, err);
    Json *v = assigned_value(f, equals + 1, name, err);
    bool ok = v && read_field(c, f, v, name, err);
    json_free(v);
    return ok;
}
