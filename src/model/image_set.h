/* What comparing sets of images shares: the images, the vectors that stand for them, and progress. */
#ifndef DIFFC_IMAGE_SET_H
#define DIFFC_IMAGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/net.h"

/* Images of one shape, as bytes. */
typedef struct {
    Shape shape;
    size_t count;
    const unsigned char *pixels; /* [any number, H, W, C] */
    const uint32_t *order;       /* [count]: image i is number order[i] of these; NULL: number i */
} ImageSet;

static inline size_t image_set_dims(const ImageSet *s)
{
    return shape_values(s->shape);
}

static inline const unsigned char *image_set_pixels(const ImageSet *s, size_t i)
{
    return s->pixels + (s->order ? s->order[i] : i) * image_set_dims(s);
}

/* `count` images from `first` on; of sets with an order. */
static inline ImageSet image_set_part(const ImageSet *s, size_t first, size_t count)
{
    CHECK(s->order && first <= s->count && count <= s->count - first);
    return (ImageSet){s->shape, count, s->pixels, s->order + first};
}

/* Vectors that stand for images: pixels, or what a network makes of them. Row-major. */
typedef struct {
    size_t count;
    int dims;
    const float *values; /* [count, dims], finite */
} Features;

/* Images first .. first + count - 1 as vectors of their pixels in [0, 1]: out [count, H W C]. */
void pixel_features(const ImageSet *s, size_t first, size_t count, float *out);

/* Called with the part of the work that is done, 0 to 1; false stops it. report may be NULL. */
typedef struct {
    void *context;
    bool (*report)(void *context, double part);
} WorkProgress;

/* ERR_INTERRUPTED when the work is to stop. */
bool work_goes_on(const WorkProgress *progress, double part, Err *err);

#endif
