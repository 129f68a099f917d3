/* .npz files: a zip whose members are arrays of NumPy's (NEP 1). Images as guided-diffusion's evaluation has
 * them: stored members arr_0.npy, an array of unsigned bytes [count, H, W, C] in C order, and of images with classes
 * arr_1.npy, their labels as int64 [count]. */
#ifndef DIFFC_NPZ_H
#define DIFFC_NPZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* ERR_USAGE above 4 GiB, the most that the plain zip format holds; for before the work. */
bool npz_check_size(const char *path, size_t count, size_t image_bytes, Err *err);
/* What a label adds to the bytes of an image. */
enum { NPZ_LABEL_BYTES = sizeof(int64_t) };
/* Writes through fsio: the old file or the whole new one. labels [count], or NULL: no classes. */
bool npz_write_images(const char *path, const unsigned char *pixels, const int64_t *labels,
                      size_t count, int H, int W, int C, Err *err);

typedef struct {
    unsigned char *pixels; /* [count, H, W, C]; free with mem_free */
    size_t count;
    int H, W, C;
} NpzImages;

/* Reads arr_0 of such a file, also one that NumPy wrote, with other members beside it, deflated, or
 * [count, H, W]. At least one image, C up to 4. */
bool npz_read_images(const char *path, NpzImages *out, Err *err);

enum { NPZ_MOST_ARRAYS = 4 };

/* Numbers of float64, in C order. */
typedef struct {
    const char *name; /* without ".npy" */
    int dims;         /* 1 or 2 */
    size_t shape[2];  /* each above 0 */
    double *values;
} NpzNumbers;

/* Writes the arrays as stored members. */
bool npz_write_numbers(const char *path, const NpzNumbers *arrays, int count, Err *err);

/* Reads the arrays that have these names and so many dimensions, in C's or Fortran's order: fills in shape and values,
 * which npz_free_numbers frees, also after a failure (values of others: NULL). `expected` ends the sentence about an
 * array that is missing: "statistics are expected". */
bool npz_read_numbers(const char *path, const char *expected, NpzNumbers *arrays, int count,
                      Err *err);
void npz_free_numbers(NpzNumbers *arrays, int count);

#endif
