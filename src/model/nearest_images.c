#include "model/nearest_images.h"

#include <string.h>

#include "base/mem.h"

enum { BLOCK_VALUES = 1 << 22 }; /* of training images that are vectors at a time */

/* The progress of two searches, of which this is number `search`. */
typedef struct {
    const WorkProgress *progress;
    int search;
} Stage;

static bool search_all(NeighbourSearch *s, const ImageSet *training, Stage stage, Err *err)
{
    size_t dims = image_set_dims(training), block = BLOCK_VALUES / dims + 1;
    if (block > training->count) block = training->count;
    float *values = mem_floats(block * dims);
    bool ok = values || err_set(err, ERR_MEMORY, "not enough memory for %zu images", block);
    for (size_t first = 0; first < training->count && ok; first += block) {
        size_t count = training->count - first < block ? training->count - first : block;
        double part = (double)first / (double)training->count;
        ok = work_goes_on(stage.progress, (stage.search + part) / 2, err);
        if (!ok) break;
        pixel_features(training, first, count, values);
        Features points = {.count = count, .dims = (int)dims, .values = values};
        ok = neighbours_add(s, &points, first, err);
    }
    mem_free(values);
    return ok;
}

/* The own nearest neighbours of the training images in out->nearest; x [images, dims] is overwritten with
 * these. */
static bool find_own(size_t count, const ImageSet *training, Stage stage, float *x,
                     NearestImages *out, Err *err)
{
    size_t dims = image_set_dims(training);
    NeighbourSearch s = {.best = NULL};
    size_t *itself = mem_alloc(count, sizeof *itself);
    if (!itself) return err_set(err, ERR_MEMORY, "not enough memory for %zu images", count);
    for (size_t i = 0; i < count; i++) {
        itself[i] = out->nearest[i * (size_t)out->k].index;
        pixel_features(training, itself[i], 1, x + i * dims);
    }
    Features near = {.count = count, .dims = (int)dims, .values = x};
    bool ok = neighbours_open(&s, &near, 1, itself, err) && search_all(&s, training, stage, err);
    for (size_t i = 0; i < count && ok; i++) out->own[i] = s.best[i].squared;
    neighbours_close(&s);
    mem_free(itself);
    return ok;
}

bool nearest_images_is_nearer(const NearestImages *n, size_t i)
{
    return n->nearest[i * (size_t)n->k].squared < n->own[i];
}

bool nearest_images_find(const ImageSet *images, const ImageSet *training, int k,
                         const WorkProgress *progress, NearestImages *out, Err *err)
{
    size_t dims = image_set_dims(images), count = images->count;
    CHECK(training->count > (size_t)k);
    *out = (NearestImages){.k = k, .own = mem_doubles(count)};
    float *x = mem_floats(count * dims);
    NeighbourSearch s = {.best = NULL};
    Features made = {.count = count, .dims = (int)dims, .values = x};
    bool ok =
        (x && out->own) || err_set(err, ERR_MEMORY, "not enough memory for %zu images", count);
    if (ok) pixel_features(images, 0, count, x);
    ok = ok && neighbours_open(&s, &made, k, NULL, err) &&
         search_all(&s, training, (Stage){progress, 0}, err);
    out->nearest = s.best; /* nearest_images_free releases it */
    ok = ok && find_own(count, training, (Stage){progress, 1}, x, out, err);
    for (size_t i = 0; i < count && ok; i++) out->nearer += nearest_images_is_nearer(out, i);
    mem_free(x);
    return ok;
}

void nearest_images_free(NearestImages *n)
{
    mem_free(n->nearest);
    mem_free(n->own);
    *n = (NearestImages){0};
}
