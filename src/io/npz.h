/* Images as the .npz file of guided-diffusion's evaluation: a zip with one stored member,
 * arr_0.npy, an array of unsigned bytes [count, H, W, C] in C order. */
#ifndef DIFFC_NPZ_H
#define DIFFC_NPZ_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* ERR_USAGE above 4 GiB, the most that the plain zip format holds; for before the work. */
bool npz_check_size(const char *path, size_t count, size_t image_bytes, Err *err);
/* Writes through fsio: the old file or the whole new one. */
bool npz_write_images(const char *path, const unsigned char *pixels, size_t count, int H, int W,
                      int C, Err *err);

typedef struct {
    unsigned char *pixels; /* [count, H, W, C]; free with mem_free */
    size_t count;
    int H, W, C;
} NpzImages;

/* Reads arr_0 of such a file, also one that NumPy wrote, with other members beside it, deflated, or
 * [count, H, W]. At least one image, C up to 4. */
bool npz_read_images(const char *path, NpzImages *out, Err *err);

#endif
