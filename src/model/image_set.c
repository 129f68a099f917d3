#include "model/image_set.h"

void pixel_features(const ImageSet *s, size_t first, size_t count, float *out)
{
    size_t dims = image_set_dims(s);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *pixels = image_set_pixels(s, first + i);
        for (size_t k = 0; k < dims; k++) out[i * dims + k] = (float)pixels[k] / 255.0f;
    }
}

bool work_goes_on(const WorkProgress *progress, double part, Err *err)
{
    if (!progress || !progress->report || progress->report(progress->context, part)) return true;
    return err_set(err, ERR_INTERRUPTED, "interrupted");
}
