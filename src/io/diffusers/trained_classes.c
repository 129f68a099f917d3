/* Classes of a model that no training image had: labels that start at 1, a limit, a split. They are in
 * its folder, so that sampling leaves them out. */
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
