#include "io/run_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/mem.h"
#include "io/config_fields.h"

void run_record_free(RunRecord *r)
{
    config_free(&r->config);
    mem_free(r->data.class_names);
    memset(r, 0, sizeof *r);
}

static bool name_classes(DataIdentity *d, ClassName *names, Err *err)
{
    size_t count = (size_t)d->classes;
    d->class_names = NULL;
    if (!names) return true;
    d->class_names = mem_alloc(count, sizeof *names);
    if (!d->class_names)
        return err_set(err, ERR_MEMORY, "not enough memory for the names of %zu classes", count);
    if (count) memcpy(d->class_names, names, count * sizeof *names);
    return true;
}

bool run_record_set(RunRecord *r, const Config *config, const DataIdentity *data, Err *err)
{
    *r = (RunRecord){.data = *data};
    r->data.class_names = NULL;
    if (config_copy(&r->config, config, err) && name_classes(&r->data, data->class_names, err)) return true;
    run_record_free(r);
    return false;
}

void run_record_resolve(const RunRecord *r, Config *c)
{
    const DataIdentity *d = &r->data;
    bool images = d->toy == TOY_NONE && d->height > 0;
    if (images && c->data.height == 0) {
        c->data.height = d->height;
        c->data.width = d->width;
    }
    if (images && c->data.channels == 0) c->data.channels = d->channels;
    if (images && c->data.kind == DATA_AUTO) c->data.kind = d->kind;
    if (!(c->method.noise.sigma_max > 0)) c->method.noise.sigma_max = r->sigma_max;
    if (c->method.noise.levels == 0) c->method.noise.levels = r->levels;
    config_resolve(c);
}

/* What the data are, in the order of the file: the keys, and how messages call them. */
typedef enum {
    KIND,
    TOY,
    COUNT,
    SIZE,
    CHANNELS,
    CLASSES,
    CLASS_NAMES,
    CHECKSUM,
    MEMBERS
} DataMember;
static const struct {
    const char *key, *words;
} members[] = {
    [KIND] = {"kind", "data.kind"},
    [TOY] = {"toy", "data.toy"},
    [COUNT] = {"count", "the number of images"},
    [SIZE] = {"size", "data.size"},
    [CHANNELS] = {"channels", "data.channels"},
    [CLASSES] = {"classes", "the number of classes"},
    [CLASS_NAMES] = {"class_names", "the classes' names"},
    [CHECKSUM] = {"checksum", "the checksum of labels and sizes"},
};

static void put_member(JsonWriter *w, const char *key, DataMember member, const DataIdentity *d)
{
    char digits[12];
    snprintf(digits, sizeof digits, "%08lx", (unsigned long)d->checksum);
    switch (member) {
    case KIND:
        json_put_string(w, key, data_kind_words[d->kind]);
        break;
    case TOY:
        json_put_string(w, key, toy_words[d->toy]);
        break;
    case COUNT:
        json_put_uint(w, key, d->count);
        break;
    case SIZE:
        json_begin_row(w, key);
        json_put_int(w, NULL, d->height);
        json_put_int(w, NULL, d->width);
        json_end_array(w);
        break;
    case CHANNELS:
        json_put_int(w, key, d->channels);
        break;
    case CLASSES:
        json_put_int(w, key, d->classes);
        break;
    case CLASS_NAMES:
        if (!d->class_names) break;
        json_begin_row(w, key);
        for (int i = 0; i < d->classes; i++) json_put_string(w, NULL, d->class_names[i]);
        json_end_array(w);
        break;
    default:
        json_put_string(w, key, digits);
    }
}

/* The first class whose names differ. */
static bool check_names(const DataIdentity *a, const DataIdentity *b, const char *run, Err *err)
{
    bool both = a->class_names && b->class_names && a->classes == b->classes;
    for (int i = 0; both && i < a->classes; i++)
        if (strcmp(a->class_names[i], b->class_names[i]) != 0)
            return err_set(err, ERR_USAGE,
                           "%s: belongs to other data: class %d is \"%.80s\" in the run, but "
                           "\"%.80s\" in these; a run is resumed with its own data, wherever they "
                           "lie",
                           run, i, a->class_names[i], b->class_names[i]);
    return true;
}

bool run_record_check_data(const RunRecord *r, const DataIdentity *data, const char *run, Err *err)
{
    for (DataMember i = 0; i < MEMBERS; i++) {
        JsonWriter a, b;
        JsonDifference d;
        json_write_init(&a, 0);
        json_write_init(&b, 0);
        put_member(&a, NULL, i, &r->data);
        put_member(&b, NULL, i, data);
        if (!json_differ(&a, &b, &d, err)) return false;
        if (!d.found) continue;
        if (i == CLASS_NAMES && !check_names(&r->data, data, run, err)) return false;
        return err_set(err, ERR_USAGE,
                       "%s: belongs to other data: %s is %s in the run, but %s in these; a run is "
                       "resumed with its own data, wherever they lie",
                       run, members[i].words, d.a, d.b);
    }
    return true;
}

void run_record_put(JsonWriter *w, const RunRecord *r)
{
    json_begin_object(w, "config");
    config_put(w, &r->config);
    json_end_object(w);
    json_begin_object(w, "data");
    for (DataMember i = 0; i < MEMBERS; i++) put_member(w, members[i].key, i, &r->data);
    json_end_object(w);
    json_begin_object(w, "computed");
    json_put_number(w, "sigma_max", r->sigma_max);
    json_put_int(w, "levels", r->levels);
    json_put_number(w, "mean_square", r->mean_square);
    json_end_object(w);
}

static bool bad(const char *name, const char *key, Err *err)
{
    return err_set(err, ERR_FORMAT, "%s: the record of the run has no usable \"%s\"", name, key);
}

/* A number from 0 to `most`, whole where that is asked for. */
static bool get_number(const Json *o, const char *key, bool whole, double most, const char *name,
                       double *out, Err *err)
{
    const Json *v = json_get(o, key);
    if (!v || json_type(v) != JSON_NUMBER) return bad(name, key, err);
    *out = json_number(v);
    if (*out >= 0 && *out <= most && (!whole || *out == floor(*out))) return true;
    return bad(name, key, err);
}

static bool get_int(const Json *o, const char *key, const char *name, int *out, Err *err)
{
    double x = 0;
    if (!get_number(o, key, true, 1 << 30, name, &x, err)) return false;
    *out = (int)x;
    return true;
}

static bool get_word(const Json *o, const char *key, const char *const *words, const char *name,
                     int *out, Err *err)
{
    const Json *v = json_get(o, key);
    *out = v && json_type(v) == JSON_STRING ? choice_find(choice_word, words, json_string(v)) : -1;
    return *out >= 0 || bad(name, key, err);
}

static bool get_size(const Json *o, const char *name, DataIdentity *d, Err *err)
{
    const Json *v = json_get(o, "size");
    if (!v || json_type(v) != JSON_ARRAY || json_count(v) != 2) return bad(name, "size", err);
    const Json *sides[] = {json_first(v), json_next(json_first(v))};
    int *out[] = {&d->height, &d->width};
    for (int i = 0; i < 2; i++) {
        if (json_type(sides[i]) != JSON_NUMBER) return bad(name, "size", err);
        double x = json_number(sides[i]);
        if (!(x >= 0 && x <= 1 << 30) || x != floor(x)) return bad(name, "size", err);
        *out[i] = (int)x;
    }
    return true;
}

static bool get_class_names(const Json *o, const char *name, DataIdentity *d, Err *err)
{
    const Json *v = json_get(o, "class_names");
    if (!v) return true;
    if (json_type(v) != JSON_ARRAY || json_count(v) != (size_t)d->classes)
        return bad(name, "class_names", err);
    d->class_names = mem_alloc((size_t)d->classes, sizeof *d->class_names);
    if (!d->class_names)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for the names of classes", name);
    int i = 0;
    for (const Json *e = json_first(v); e; e = json_next(e), i++) {
        if (json_type(e) != JSON_STRING || strlen(json_string(e)) >= sizeof(ClassName))
            return bad(name, "class_names", err);
        memcpy(d->class_names[i], json_string(e), strlen(json_string(e)) + 1);
    }
    return true;
}

static bool read_data(DataIdentity *d, const Json *o, const char *name, Err *err)
{
    int kind = 0, toy = 0;
    double count = 0;
    const Json *v = json_get(o, "checksum");
    char *end = NULL;
    if (!get_word(o, "kind", data_kind_words, name, &kind, err) ||
        !get_word(o, "toy", toy_words, name, &toy, err) ||
        !get_number(o, "count", true, 9007199254740991.0, name, &count, err) ||
        !get_size(o, name, d, err) || !get_int(o, "channels", name, &d->channels, err) ||
        !get_int(o, "classes", name, &d->classes, err) || !get_class_names(o, name, d, err))
        return false;
    d->kind = (DataKind)kind;
    d->toy = (ToyKind)toy;
    d->count = (uint64_t)count;
    if (!v || json_type(v) != JSON_STRING || strlen(json_string(v)) != 8)
        return bad(name, "checksum", err);
    d->checksum = (uint32_t)strtoul(json_string(v), &end, 16);
    return *end == '\0' || bad(name, "checksum", err);
}

static const Json *member(const Json *o, const char *key, const char *name, Err *err)
{
    const Json *v = json_get(o, key);
    if (v && json_type(v) == JSON_OBJECT) return v;
    bad(name, key, err);
    return NULL;
}

bool run_record_read(RunRecord *r, const Json *object, const char *name, Err *err)
{
    memset(r, 0, sizeof *r);
    config_defaults(&r->config);
    const Json *config = member(object, "config", name, err);
    const Json *data = config ? member(object, "data", name, err) : NULL;
    const Json *computed = data ? member(object, "computed", name, err) : NULL;
    Err reason = {0};
    bool ok = computed != NULL;
    if (ok && !config_read(&r->config, config, "its configuration", &reason))
        ok = err_set(err, reason.kind == ERR_MEMORY ? ERR_MEMORY : ERR_FORMAT,
                     "%s: was written by another release of diffc: %.700s", name, reason.text);
    ok = ok && read_data(&r->data, data, name, err) &&
         get_number(computed, "sigma_max", false, 1e300, name, &r->sigma_max, err) &&
         get_int(computed, "levels", name, &r->levels, err) &&
         get_number(computed, "mean_square", false, 1e300, name, &r->mean_square, err);
    if (!ok) run_record_free(r);
    return ok;
}
