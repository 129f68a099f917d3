/* The gate: the checks that a file must pass before stb reads a byte of it. stb (2.27 in Debian 12)
 * checks no CRC, trusts Huffman tables, and allocates whatever a header asks for. */
#ifndef DIFFC_IMAGE_GATE_H
#define DIFFC_IMAGE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct {
    const struct ImageFormat *format;
    int height, width; /* as stored, before the orientation is applied */
    int channels;      /* 1 or 3, without alpha */
    bool alpha;
    int orientation;     /* EXIF 1..8 */
    size_t budget_bytes; /* what decoding may hold at once */
    unsigned char *copy; /* what is decoded instead of the file; NULL: the file itself */
    size_t copy_bytes;
} ImageGate;

/* A format of image files: the row at the end of the file that checks it. image_formats (image_gate.c)
 * lists the rows. */
typedef struct ImageFormat {
    const char *name;
    const char *endings[4]; /* of file names, in lower case; NULL after the last */
    unsigned char signature[8];
    size_t signature_bytes;
    /* Fills the rest of gate, whose orientation is 1, or says what is wrong with the file. */
    bool (*check)(const unsigned char *bytes, size_t size, const char *name, ImageGate *gate,
                  Err *err);
    /* The checked file (or its copy) as [height, width, channels + alpha] bytes in the arena of
     * image.c, and the size that it found; NULL where it cannot be decoded. */
    const unsigned char *(*decode)(const unsigned char *bytes, size_t size, int *width, int *height,
                                   int stored_channels);
} ImageFormat;
extern const ImageFormat image_png, image_jpeg;

/* Bytes at the start of a file that tell its format, and the format; NULL: none. */
enum { IMAGE_SIGNATURE_BYTES = 8 };
const ImageFormat *image_format(const unsigned char *bytes, size_t size);
/* Whether the name of a file ends as those of an image do, in any case. */
bool image_named(const char *name);
/* "PNG or JPEG". */
void image_formats_list(char *out, size_t size);

/* Fills gate, or says what is wrong with the file; image_gate_free releases the copy. */
bool image_gate(const unsigned char *bytes, size_t size, const char *name, ImageGate *gate,
                Err *err);
void image_gate_free(ImageGate *gate);

/* Decodes by stb (image.c), as the rows of PNG and JPEG do. */
const unsigned char *image_stb_decode(const unsigned char *bytes, size_t size, int *width,
                                      int *height, int stored_channels);

/* Checks height x width against IMAGE_MAX_PIXELS and stb's side limit. */
bool image_gate_size(uint64_t height, uint64_t width, const char *name, Err *err);

/* The orientation (1..8) in a TIFF structure as EXIF has it; 1 when there is none. */
int image_exif_orientation(const unsigned char *tiff, size_t size);

/* One pixel as grey or colour (grey of a colour by Rec. 601, rounded). in: in_channels (1 or 3) and, where it
 * has `alpha`, that. Alpha is kept where `out` has it, 255 where `in` has none; else it is blended over black. */
void image_put_pixel(unsigned char *out, int out_channels, const unsigned char *in, int in_channels,
                     bool alpha);

/* Big-endian numbers. */
uint32_t image_be16(const unsigned char *p);
uint32_t image_be32(const unsigned char *p);
void image_put_be32(unsigned char *p, uint32_t value);

#endif
