#include "model/multiscale_distance.h"

#include "base/mem.h"

/* A level's part of the progress of all. */
typedef struct {
    const WorkProgress *whole;
    int level, levels;
} LevelProgress;

static bool report_level(void *context, double part)
{
    const LevelProgress *p = context;
    return work_goes_on(p->whole, (p->level + part) / p->levels, NULL);
}

static bool compare_level(const ImageSet *reference, const ImageSet *other, int others, int level,
                          const WorkProgress *progress, MultiscaleDistance *out, Err *err)
{
    PatchShape p = patch_shape(out->pyramid.level[level], reference->count);
    size_t floats = p.count * (size_t)p.dims;
    float *values = mem_alloc((size_t)others + 1, floats * sizeof *values);
    if (!values)
        return err_set(err, ERR_MEMORY, "not enough memory for %zu patches of %d images", p.count,
                       (int)reference->count);
    SlicedPoints points = {.count = p.count,
                           .dims = p.dims,
                           .together = p.per_image,
                           .reference = values,
                           .others = others};
    bool ok = pyramid_patches(reference, &out->pyramid, level, values, err);
    for (int s = 0; s < others && ok; s++) {
        float *to = values + (size_t)(s + 1) * floats;
        points.other[s] = to;
        ok = pyramid_patches(&other[s], &out->pyramid, level, to, err);
    }
    LevelProgress part = {progress, level, out->pyramid.count};
    WorkProgress within = {&part, report_level};
    SlicedDistance found[SLICED_OTHERS];
    ok = ok && sliced_distances(&points, &within, found, err);
    for (int s = 0; s < others && ok; s++) out->level[s][level] = found[s];
    mem_free(values);
    return ok;
}

bool multiscale_distance(const ImageSet *reference, const ImageSet *other, int others,
                         const WorkProgress *progress, MultiscaleDistance *out, Err *err)
{
    CHECK(others >= 1 && others <= SLICED_OTHERS);
    *out = (MultiscaleDistance){.pyramid = pyramid_shape(reference->shape),
                                .patches = patch_shape(reference->shape, reference->count)};
    for (int level = 0; level < out->pyramid.count; level++)
        if (!compare_level(reference, other, others, level, progress, out, err)) return false;
    for (int s = 0; s < others; s++) out->mean[s] = sliced_mean(out->level[s], out->pyramid.count);
    return true;
}
