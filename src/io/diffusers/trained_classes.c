/* Classes of a model that no training image had: labels that start at 1, a limit, a split. They are in
 * its folder, so that sampling leaves them out. */
#include <stdio.h>

#include "io/diffusers/model_files.h"

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

void untrained_classes_put(JsonWriter *w, const ModelConfig *m)
{
    if (model_trained_classes(m) == m->unet.classes) return;
    json_begin_row(w, "untrained_classes");
    for (int k = 0; k < m->unet.classes; k++)
        if (!model_class_is_trained(m, k)) json_put_int(w, NULL, k);
    json_end_array(w);
}

bool untrained_classes_read(const ModelReader *r, const char *key, const Json *v)
{
    if (json_type(v) != JSON_ARRAY || json_count(v) > DATA_MAX_CLASSES)
        return model_wrong(r, key, v, "a list of up to 256 classes");
    for (const Json *item = json_first(v); item; item = json_next(item)) {
        int label;
        if (!model_read_int(r, key, item, 0, DATA_MAX_CLASSES - 1, &label)) return false;
        r->m->untrained[label] = true;
    }
    return true;
}
