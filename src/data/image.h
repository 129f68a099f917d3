/* Images: 8-bit, row-major, interleaved channels: grey (1), grey and alpha (2), colour (3), colour
 * and alpha (4). Colours are not multiplied by alpha. src/data/image.c is the one file that sees
 * stb; it never gives stb anything that has not passed the gate in image_gate.c. */
#ifndef DIFFC_IMAGE_H
#define DIFFC_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/limits.h"

typedef struct {
    int height, width, channels;
    unsigned char *pixels; /* [height, width, channels] */
} Image;

enum {
    IMAGE_MAX_PIXELS = 64 * 1024 * 1024,
    IMAGE_MAX_BYTES = 512 * 1024 * 1024,
    IMAGE_AS_STORED = -1
};
/* Whether the last of an image's channels is alpha: an even number of channels means so everywhere. */
static inline bool image_has_alpha(int channels)
{
    return channels % 2 == 0;
}
/* "grey", "grey with alpha", "colour" or "colour with alpha". */
const char *image_colour(int channels);

/* Decodes PNG or JPEG (chosen by content). channels: 0 keeps grey (1) or colour (3) as stored with
 * alpha blended over black, IMAGE_AS_STORED keeps alpha too; 1 to 4 converts: to 1 and 3 by blending,
 * to 2 and 4 by keeping alpha (255 where the file has none). EXIF orientation is applied. ERR_FORMAT
 * messages start with `name`. image_free releases. */
bool image_decode(const unsigned char *bytes, size_t size, const char *name, int channels,
                  Image *out, Err *err);
bool image_load(const char *path, int channels, Image *out, Err *err);
void image_free(Image *image);
/* Zeroed pixels; false without memory. */
bool image_alloc(Image *image, int height, int width, int channels);

/* Resizes with area averaging (enlarging: bilinear) so that the image covers height x width, then
 * crops the centre. Colours count by their alpha, as in a picture seen. */
bool image_resize_crop(const Image *in, int height, int width, Image *out, Err *err);

/* PNG of an image in memory (free with mem_free; messages start with `name`) or written to a file (fsio's
 * guarantees). text, if not NULL, is kept as a text chunk "parameters": tEXt when it is ASCII, else
 * iTXt (UTF-8). */
bool image_encode_png(const Image *image, const char *text, const char *name, unsigned char **bytes,
                      size_t *size, Err *err);
bool image_save_png(const char *path, const Image *image, const char *text, Err *err);

/* The byte of a value in [-1,1]: 255 (x+1)/2, clamped and rounded to nearest, half to even. */
unsigned char image_byte(float value);
void image_bytes(unsigned char *bytes, const float *x, size_t n);

/* pixels [count,H,W,C] as one picture, `columns` per row (0: near square), `gap` pixels of white between.
 * _size: of that picture, and ERR_USAGE when it has more than IMAGE_MAX_PIXELS. */
bool image_grid_size(int count, int H, int W, int columns, int gap, int *height, int *width,
                     Err *err);
bool image_grid(const unsigned char *pixels, int count, int H, int W, int C, int columns, int gap,
                Image *out, Err *err);

/* For tests: the n-th allocation that stb makes from now on fails (0: none). Returns how many it
 * has made since the last call. */
long image_test_allocations(long fail_at);

#endif
