#include "model/pyramid_patches.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"

PatchShape patch_shape(Shape level, size_t images)
{
    PatchShape p = {.H = level.H < PATCH_SIDE ? level.H : PATCH_SIDE,
                    .W = level.W < PATCH_SIDE ? level.W : PATCH_SIDE,
                    .C = level.C,
                    .per_image = PATCHES_PER_IMAGE};
    if (p.per_image * images > PATCHES_MOST) p.per_image = PATCHES_MOST / images;
    if (p.per_image == 0 || (p.H == level.H && p.W == level.W)) p.per_image = 1;
    p.count = p.per_image * images;
    p.dims = p.H * p.W * p.C;
    return p;
}

/* x [H, W, C]: a level of image number `image`; out [per_image, dims] */
static void cut(const float *x, Shape shape, int level, const PatchShape *p, size_t image,
                float *out)
{
    uint64_t stream = rng_stream(RNG_COMPARE, (uint64_t)level);
    size_t row = (size_t)p->W * (size_t)p->C;
    for (size_t i = image * p->per_image; i < (image + 1) * p->per_image; i++) {
        size_t top = rng_below(0, stream, 2 * i, (uint32_t)(shape.H - p->H + 1));
        size_t left = rng_below(0, stream, 2 * i + 1, (uint32_t)(shape.W - p->W + 1));
        for (size_t y = 0; y < (size_t)p->H; y++, out += row) {
            size_t from = ((top + y) * (size_t)shape.W + left) * (size_t)shape.C;
            memcpy(out, x + from, row * sizeof *out);
        }
    }
}

/* x [n, C], of each channel mean 0 and variance 1; a channel without variance becomes 0. */
static void normalise(float *x, size_t n, size_t C)
{
    for (size_t c = 0; c < C; c++) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < n; i++) sum += (double)x[i * C + c];
        double mean = sum / (double)n;
        for (size_t i = 0; i < n; i++) {
            double d = (double)x[i * C + c] - mean;
            square += d * d;
        }
        double scale = square > 0 ? 1 / sqrt(square / (double)n) : 0;
        for (size_t i = 0; i < n; i++)
            x[i * C + c] = (float)(((double)x[i * C + c] - mean) * scale);
    }
}

bool pyramid_patches(const ImageSet *images, const PyramidShape *pyramid, int level, float *out,
                     Err *err)
{
    PatchShape p = patch_shape(pyramid->level[level], images->count);
    size_t floats = pyramid_floats(pyramid), each = floats + image_set_dims(images);
    float *scratch = mem_floats((size_t)parallel_threads() * each);
    if (!scratch) return err_set(err, ERR_MEMORY, "not enough memory for the pyramids of images");
#pragma omp parallel for num_threads(parallel_threads()) schedule(static)
    for (size_t i = 0; i < images->count; i++) {
        float *levels = scratch + (size_t)parallel_thread() * each;
        pyramid_make(pyramid, image_set_pixels(images, i), levels, levels + floats);
        cut(levels + pyramid_offset(pyramid, level), pyramid->level[level], level, &p, i,
            out + i * p.per_image * (size_t)p.dims);
    }
    mem_free(scratch);
    normalise(out, p.count * (size_t)(p.H * p.W), (size_t)p.C);
    return true;
}
