#include "io/run_record.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/checkpoint_files.h"
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
    if (config_copy(&r->config, config, err) && name_classes(&r->data, data->class_names, err))
        return true;
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

#define PLACE(type, member) offsetof(type, member), .size = sizeof((type *)0)->member
/* What the data are. `height` is followed by the width. */
static const Member data_members[] = {
    {"kind", MEMBER_WORD, PLACE(DataIdentity, kind), .words = data_kind_words,
     .means = "data.kind"},
    {"toy", MEMBER_WORD, PLACE(DataIdentity, toy), .words = toy_words, .means = "data.toy"},
    {"count", MEMBER_COUNT, PLACE(DataIdentity, count), .means = "the number of images"},
    {"size", MEMBER_PAIR, PLACE(DataIdentity, height), .means = "data.size"},
    {"channels", MEMBER_INT, PLACE(DataIdentity, channels), .means = "data.channels"},
    {"classes", MEMBER_INT, PLACE(DataIdentity, classes), .means = "the number of classes"},
    {"checksum", MEMBER_HEX, PLACE(DataIdentity, checksum),
     .means = "the checksum of labels and sizes"},
    {.key = NULL}};

static const Member file_members[] = {{"file_names", MEMBER_HEX, PLACE(DataIdentity, file_names)},
                                      {.key = NULL}};

static const Member computed_members[] = {
    {"sigma_max", MEMBER_AMOUNT, PLACE(RunRecord, sigma_max)},
    {"levels", MEMBER_INT, PLACE(RunRecord, levels)},
    {"mean_square", MEMBER_AMOUNT, PLACE(RunRecord, mean_square)},
    {.key = NULL}};

static bool other_data(const char *run, const char *what, const char *there, const char *here,
                       Err *err)
{
    return err_set(err, ERR_USAGE,
                   "%s: belongs to other data: %s is %s in the run, but %s in these; a run is "
                   "resumed with its own data, wherever they lie",
                   run, what, there, here);
}

/* The first class of a folder whose names differ. As many in both. */
static bool check_names(const DataIdentity *a, const DataIdentity *b, const char *run, Err *err)
{
    for (int i = 0; (a->class_names || b->class_names) && i < a->classes; i++) {
        const char *x = a->class_names ? a->class_names[i] : "";
        const char *y = b->class_names ? b->class_names[i] : "";
        char class_i[32], there[96], here[96];
        if (strcmp(x, y) == 0) continue;
        snprintf(class_i, sizeof class_i, "class %d", i);
        snprintf(there, sizeof there, "\"%.80s\"", x);
        snprintf(here, sizeof here, "\"%.80s\"", y);
        return other_data(run, class_i, there, here, err);
    }
    return true;
}

bool run_record_check_data(const RunRecord *r, const DataIdentity *data, const char *run, Err *err)
{
    for (const Member *row = data_members; row->key; row++) {
        JsonWriter a, b;
        JsonDifference d;
        json_write_init(&a, 0);
        json_write_init(&b, 0);
        member_put(&a, NULL, row, &r->data);
        member_put(&b, NULL, row, data);
        if (!json_differ(&a, &b, &d, err)) return false;
        if (d.found) return other_data(run, row->means, d.a, d.b, err);
    }
    /* In other files classes are numbers, and their names may change. */
    return data->kind != DATA_FOLDER || check_names(&r->data, data, run, err);
}

static void put_names(JsonWriter *w, const DataIdentity *d)
{
    if (!d->class_names) return;
    json_begin_row(w, "class_names");
    for (int i = 0; i < d->classes; i++) json_put_string(w, NULL, d->class_names[i]);
    json_end_array(w);
}

void run_record_put(JsonWriter *w, const RunRecord *r)
{
    json_begin_object(w, "config");
    config_put(w, &r->config);
    json_end_object(w);
    json_begin_object(w, "data");
    members_put(w, data_members, &r->data);
    put_names(w, &r->data);
    if (r->data.file_names) members_put(w, file_members, &r->data);
    json_end_object(w);
    json_begin_object(w, "computed");
    members_put(w, computed_members, r);
    json_end_object(w);
}

static bool get_class_names(const Json *o, const char *name, DataIdentity *d, Err *err)
{
    const Json *v = json_get(o, "class_names");
    if (!v) return true;
    if (json_type(v) != JSON_ARRAY || json_count(v) != (size_t)d->classes)
        return member_bad(name, "class_names", err);
    d->class_names = mem_alloc((size_t)d->classes, sizeof *d->class_names);
    if (!d->class_names)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for the names of classes", name);
    int i = 0;
    for (const Json *e = json_first(v); e; e = json_next(e), i++) {
        if (json_type(e) != JSON_STRING || strlen(json_string(e)) >= sizeof(ClassName))
            return member_bad(name, "class_names", err);
        memcpy(d->class_names[i], json_string(e), strlen(json_string(e)) + 1);
    }
    return true;
}

static const Json *member(const Json *o, const char *key, const char *name, Err *err)
{
    const Json *v = json_get(o, key);
    if (v && json_type(v) == JSON_OBJECT) return v;
    member_bad(name, key, err);
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
    ok = ok && members_read(data, data_members, &r->data, name, err) &&
         get_class_names(data, name, &r->data, err) &&
         (!json_get(data, "file_names") || members_read(data, file_members, &r->data, name, err)) &&
         members_read(computed, computed_members, r, name, err);
    if (!ok) run_record_free(r);
    return ok;
}
