#include "io/diffusers/model_keys.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "io/config_fields.h"

enum { SHOWN = 80 };

_Static_assert((int)KEY_LIST_MOST == (int)INPUT_FOURIER_MAX, "both lists have room for 8");

static const void *member(const ModelConfig *m, const ModelKey *k)
{
    return (const char *)m + k->at;
}

static void add_warning(ModelConfig *m, bool is_note, const char *format, va_list arguments)
{
    enum { ROOM = sizeof m->warnings / sizeof *m->warnings };
    bool full = m->warning_count == ROOM;
    int at = full ? ROOM - 1 : m->warning_count++;
    m->is_note[at] = is_note && !full;
    if (full)
        snprintf(m->warnings[at], sizeof *m->warnings, "there are more warnings");
    else
        vsnprintf(m->warnings[at], sizeof *m->warnings, format, arguments);
}

void model_warn(ModelConfig *m, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_warning(m, false, format, arguments);
    va_end(arguments);
}

void model_note(ModelConfig *m, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_warning(m, true, format, arguments);
    va_end(arguments);
}

bool model_wrong(const ModelReader *r, const char *key, const Json *v, const char *expected)
{
    char shown[SHOWN];
    json_show(v, shown, sizeof shown);
    return err_set(r->err, ERR_FORMAT, "%s: %s must be %s, got %s", r->path, key, expected, shown);
}

bool model_unsupported(const ModelReader *r, const char *key, const Json *v, const char *instead)
{
    char shown[SHOWN];
    json_show(v, shown, sizeof shown);
    return err_set(r->err, ERR_FORMAT, "%s: %s is %s, which diffc cannot run; it runs %s", r->path,
                   key, shown, instead);
}

/* Not of NaN. */
static bool in_range(const ModelKey *k, double x)
{
    return (k->flags & KEY_OPEN_LOW ? x > k->low : x >= k->low) &&
           (k->flags & KEY_OPEN_HIGH ? x < k->high : x <= k->high);
}

static bool out_of_range(const ModelReader *r, const ModelKey *k, const Json *v, const char *what)
{
    char range[RANGE_BYTES], expected[RANGE_BYTES + 16];
    range_words(range, k->low, k->high, k->flags & KEY_OPEN_LOW, k->flags & KEY_OPEN_HIGH);
    snprintf(expected, sizeof expected, "%s %s", what, range);
    return model_wrong(r, k->name, v, expected);
}

bool model_read_number(const ModelReader *r, const ModelKey *k, const Json *v, double *out)
{
    if (json_type(v) != JSON_NUMBER || !in_range(k, json_number(v)))
        return out_of_range(r, k, v, "a number");
    *out = json_number(v);
    return true;
}

bool model_read_int(const ModelReader *r, const ModelKey *k, const Json *v, int *out)
{
    double x = json_type(v) == JSON_NUMBER ? json_number(v) : (double)NAN;
    if (!in_range(k, x) || x != floor(x)) return out_of_range(r, k, v, "an integer");
    *out = (int)x;
    return true;
}

bool model_read_bool(const ModelReader *r, const char *key, const Json *v, bool *out)
{
    if (json_type(v) != JSON_BOOL) return model_wrong(r, key, v, "true or false");
    *out = json_bool(v);
    return true;
}

const char *model_read_text(const ModelReader *r, const char *key, const Json *v)
{
    if (json_type(v) == JSON_STRING) return json_string(v);
    model_wrong(r, key, v, "a string");
    return NULL;
}

bool model_word_in(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0) return true;
    return false;
}

static bool read_bool(const ModelReader *r, const ModelKey *k, const Json *v)
{
    return model_read_bool(r, k->name, v, model_member(r->m, k->at));
}

static void put_bool(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_put_bool(w, k->name, *(const bool *)member(m, k));
}

static bool read_int(const ModelReader *r, const ModelKey *k, const Json *v)
{
    return model_read_int(r, k, v, model_member(r->m, k->at));
}

static void put_int(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_put_int(w, k->name, *(const int *)member(m, k));
}

static bool read_int_or_null(const ModelReader *r, const ModelKey *k, const Json *v)
{
    int *out = model_member(r->m, k->at);
    *out = 0;
    return json_type(v) == JSON_NULL || model_read_int(r, k, v, out);
}

static void put_int_or_null(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    if (*(const int *)member(m, k))
        put_int(w, k, m);
    else if (!(k->flags & KEY_OPTIONAL))
        json_put_null(w, k->name);
}

static bool read_number(const ModelReader *r, const ModelKey *k, const Json *v)
{
    return model_read_number(r, k, v, model_member(r->m, k->at));
}

static void put_float(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_put_float(w, k->name, *(const double *)member(m, k));
}

static void put_number(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_put_number(w, k->name, *(const double *)member(m, k));
}

static bool read_ints(const ModelReader *r, const ModelKey *k, const Json *v)
{
    int *out = model_member(r->m, k->at), *count = model_member(r->m, k->count_at);
    bool empty = k->flags & KEY_OPTIONAL;
    *count = 0;
    if (json_type(v) != JSON_ARRAY || (json_count(v) < 1 && !empty) ||
        json_count(v) > KEY_LIST_MOST)
        return model_wrong(r, k->name, v,
                           empty ? "a list of up to 8 integers" : "a list of 1 to 8 integers");
    for (const Json *item = json_first(v); item; item = json_next(item))
        if (!model_read_int(r, k, item, &out[(*count)++])) return false;
    return true;
}

static void put_ints(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    const int *list = member(m, k);
    int count = *(const int *)((const char *)m + k->count_at);
    if (count == 0) return;
    if (k->flags & KEY_OPTIONAL)
        json_begin_row(w, k->name);
    else
        json_begin_array(w, k->name);
    for (int i = 0; i < count; i++) json_put_int(w, NULL, list[i]);
    json_end_array(w);
}

/* The place of v's word in the list; -1 with the error set. */
static int find_word(const ModelReader *r, const ModelKey *k, const Json *v)
{
    const char *text = model_read_text(r, k->name, v);
    if (!text) return -1;
    for (int i = 0; k->words[i]; i++)
        if (k->flags & KEY_ANY_CASE ? strcasecmp(text, k->words[i]) == 0
                                    : strcmp(text, k->words[i]) == 0)
            return i;
    model_unsupported(r, k->name, v, k->instead);
    return -1;
}

static bool read_word(const ModelReader *r, const ModelKey *k, const Json *v)
{
    int found = find_word(r, k, v);
    if (found >= 0) memcpy(model_member(r->m, k->at), &found, sizeof found);
    return found >= 0;
}

static void put_word(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_put_string(w, k->name, k->words[*(const int *)member(m, k)]);
}

static bool read_fixed(const ModelReader *r, const ModelKey *k, const Json *v)
{
    return find_word(r, k, v) >= 0;
}

static void put_fixed(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    (void)m;
    json_put_string(w, k->name, k->words[0]);
}

static bool read_null(const ModelReader *r, const ModelKey *k, const Json *v)
{
    return json_type(v) == JSON_NULL || model_unsupported(r, k->name, v, k->instead);
}

void model_put_first(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    (void)m;
    json_put_raw(w, k->name, k->words[0]);
}

/* "fourier_linear" is what earlier versions wrote for VP and sub-VP. They trained these networks on 999 t
 * and sampled on t; here such a folder is used on 999 t. */
static const char *const time_words[] = {[TIME_POSITIONAL] = "positional",
                                         [TIME_FOURIER] = "fourier",
                                         [TIME_FOURIER_LINEAR] = "fourier_time",
                                         [TIME_FOURIER_LINEAR_999] = "fourier_linear"};
enum { TIME_WORDS = sizeof time_words / sizeof *time_words };

static bool read_time(const ModelReader *r, const ModelKey *k, const Json *v)
{
    TimeFeatureKind *kind = model_member(r->m, k->at);
    const char *text = model_read_text(r, k->name, v);
    if (!text) return false;
    for (int i = TIME_POSITIONAL; i < TIME_WORDS; i++) {
        if (strcmp(text, time_words[i]) != 0) continue;
        *kind = (TimeFeatureKind)i;
        if (i == TIME_FOURIER_LINEAR_999)
            model_warn(
                r->m,
                "an earlier version trained this model on the time label 999 t instead of t; it is "
                "used as it was trained, but a newly trained one is better");
        return true;
    }
    return model_unsupported(r, k->name, v, "positional, fourier, fourier_time and fourier_linear");
}

static void put_time(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    TimeFeatureKind kind = *(const TimeFeatureKind *)member(m, k);
    CHECK(kind > TIME_UNSET && (int)kind < TIME_WORDS);
    json_put_string(w, k->name, time_words[kind]);
}

const ModelValue value_bool = {read_bool, put_bool}, value_int = {read_int, put_int},
                 value_float = {read_number, put_float}, value_number = {read_number, put_number},
                 value_int_or_null = {read_int_or_null, put_int_or_null},
                 value_ints = {read_ints, put_ints}, value_word = {read_word, put_word},
                 value_fixed = {read_fixed, put_fixed}, value_null = {read_null, model_put_first},
                 value_time = {read_time, put_time};

const Json *model_key_in(const ModelReader *r, const ModelKey *k)
{
    const Json *v = json_get(r->object, k->name);
    return v || !k->old ? v : json_get(r->object, k->old);
}

static bool belongs(const ModelKey *k, unsigned groups)
{
    return !k->of || k->of & groups;
}

static bool read_row(const ModelReader *r, const ModelKey *k, const Json *v)
{
    if (k->read) return k->read(r, k, v);
    return !k->value || k->value->read(r, k, v);
}

bool model_keys_read(const ModelReader *r, const ModelKey *keys, unsigned groups)
{
    for (unsigned late = 0; late <= KEY_LATE; late += KEY_LATE)
        for (const ModelKey *k = keys; k->name; k++) {
            const Json *v = model_key_in(r, k);
            if (v && belongs(k, groups) && (k->flags & KEY_LATE) == late && !read_row(r, k, v))
                return false;
        }
    return true;
}

bool model_keys_need(const ModelReader *r, const ModelKey *keys, unsigned groups, const char *owner)
{
    for (const ModelKey *k = keys; k->name; k++)
        if (k->of & groups && (k->value || k->read) && !(k->flags & KEY_OPTIONAL) &&
            !model_key_in(r, k))
            return err_set(r->err, ERR_FORMAT, "%s: has no %s, which a %s must have", r->path,
                           k->name, owner);
    return true;
}

void model_keys_warn(const ModelReader *r, const ModelKey *keys, unsigned groups)
{
    for (const Json *v = json_first(r->object); v; v = json_next(v)) {
        const char *name = json_key(v);
        const ModelKey *k = keys;
        char shown[SHOWN];
        while (k->name && !(belongs(k, groups) &&
                            (strcmp(k->name, name) == 0 || (k->old && strcmp(k->old, name) == 0))))
            k++;
        if (k->name || name[0] == '_') continue;
        text_escape(shown, sizeof shown, name);
        model_warn(r->m, "%.120s: the key %s is unknown and ignored", r->path, shown);
    }
}

void model_key_put(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    if (k->stands && !k->stands(m)) return;
    if (k->put)
        k->put(w, k, m);
    else if (k->value)
        k->value->put(w, k, m);
}

void model_keys_put(JsonWriter *w, const ModelKey *keys, unsigned groups, const ModelConfig *m)
{
    for (; keys->name; keys++)
        if (belongs(keys, groups)) model_key_put(w, keys, m);
}
