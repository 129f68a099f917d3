/* The classes of a model: their names, and those that no training image had, so that sampling leaves them out. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/diffusers/model_keys.h"

bool model_class_is_trained(const ModelConfig *m, int label)
{
    return label >= DATA_MAX_CLASSES || !m->untrained[label];
}

int model_trained_classes(const ModelConfig *m)
{
    int count = m->unet.classes;
    for (int k = 0; k < m->unet.classes && k < DATA_MAX_CLASSES; k++) count -= m->untrained[k];
    return count;
}

int model_trained_class(const ModelConfig *m, int place)
{
    CHECK(place >= 0 && place < model_trained_classes(m));
    for (int k = 0;; k++)
        if (model_class_is_trained(m, k) && place-- == 0) return k;
}

int model_no_class(const ModelConfig *m)
{
    return m->unet.null_class ? m->unet.classes : -1;
}

const char *model_class_name(const ModelConfig *m, int label)
{
    return m->class_names && label >= 0 && label < m->unet.classes ? m->class_names[label] : NULL;
}

/* ---- their keys in unet/config.json ---- */

/* One for each class; num_class_embeds counts null_class too. */
static bool read_names(const ModelReader *r, const ModelKey *k, const Json *v)
{
    char expected[80];
    const Json *null = json_get(r->object, "null_class");
    bool null_class = null && json_type(null) == JSON_BOOL && json_bool(null);
    int classes = r->m->unet.classes - null_class;
    size_t count = json_type(v) == JSON_ARRAY ? json_count(v) : 0;
    snprintf(expected, sizeof expected, "a list of %d names, one for each class", classes);
    if (count == 0 || count != (size_t)classes) return model_wrong(r, k->name, v, expected);
    mem_free(r->m->class_names);
    ClassName *names = r->m->class_names = mem_alloc(count, sizeof *names);
    if (!names)
        return err_set(r->err, ERR_MEMORY, "%s: not enough memory for %zu names of classes",
                       r->path, count);
    for (const Json *item = json_first(v); item; item = json_next(item)) {
        const char *text = model_read_text(r, k->name, item);
        if (!text) return false;
        if (!*text || strlen(text) >= sizeof *names)
            return model_wrong(r, k->name, item, "a list of names of 1 to 255 bytes");
        memcpy(*names++, text, strlen(text) + 1);
    }
    return true;
}

static void put_names(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    if (!m->class_names) return;
    json_begin_row(w, k->name);
    for (int i = 0; i < m->unet.classes; i++) json_put_string(w, NULL, m->class_names[i]);
    json_end_array(w);
}

static bool read_untrained(const ModelReader *r, const ModelKey *k, const Json *v)
{
    if (json_type(v) != JSON_ARRAY || json_count(v) > DATA_MAX_CLASSES)
        return model_wrong(r, k->name, v, "a list of up to 256 classes");
    for (const Json *item = json_first(v); item; item = json_next(item)) {
        int label;
        if (!model_read_int(r, k, item, &label)) return false;
        r->m->untrained[label] = true;
    }
    return true;
}

static void put_untrained(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    if (model_trained_classes(m) == m->unet.classes) return;
    json_begin_row(w, k->name);
    for (int i = 0; i < m->unet.classes; i++)
        if (!model_class_is_trained(m, i)) json_put_int(w, NULL, i);
    json_end_array(w);
}

const ModelValue value_class_names = {read_names, put_names},
                 value_untrained = {read_untrained, put_untrained};
