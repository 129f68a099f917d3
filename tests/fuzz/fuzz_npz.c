/* Fuzz target: .npz files, as images and as statistics of features. */
#include <math.h>

#include "base/mem.h"
#include "fuzz/fuzz_file.h"
#include "io/npz.h"
#include "model/feature_moments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_images(const char *path)
{
    NpzImages images;
    if (!npz_read_images(path, &images, NULL)) return;
    if (images.count == 0 || images.H < 1 || images.W < 1 || images.C < 1 || images.C > 4) abort();
    size_t bytes = images.count * (size_t)images.H * (size_t)images.W * (size_t)images.C;
    unsigned sum = 0;
    for (size_t i = 0; i < bytes; i++) sum += images.pixels[i];
    if (sum > 255 * bytes) abort();
    mem_free(images.pixels);
}

static void read_statistics(const char *path)
{
    FeatureMoments m;
    if (!feature_moments_read(path, &m, NULL)) return;
    if (m.dims < 1) abort();
    size_t dims = (size_t)m.dims;
    for (size_t i = 0; i < dims; i++)
        if (!isfinite(m.mean[i]) || !(m.covariance[i * (dims + 1)] >= 0)) abort();
    feature_moments_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    read_images(path);
    read_statistics(path);
    return 0;
}
