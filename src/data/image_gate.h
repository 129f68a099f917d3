/* The gate: the checks that a file must pass before stb reads a byte of it. stb (2.27 in Debian 12)
 * checks no CRC, trusts Huffman tables, and allocates whatever a header asks for. */
#ifndef DIFFC_IMAGE_GATE_H
#define DIFFC_IMAGE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct {
    int height, width; /* as stored, before the orientation is applied */
    int channels;      /* 1 or 3, without alpha */
    bool alpha;
    int orientation;     /* EXIF 1..8 */
    size_t budget_bytes; /* what decoding may hold at once */
    unsigned char *png;  /* PNG: a minimal copy with the image alone, which is what stb gets */
    size_t png_size;     /* 0 for JPEG, which stb reads as it is */
} ImageGate;

/* True for the exact 8-byte PNG signature or FF D8 FF. */
bool image_signature(const unsigned char *bytes, size_t size);

/* Fills gate, or says what is wrong with the file; image_gate_free releases the copy. */
bool image_gate(const unsigned char *bytes, size_t size, const char *name, ImageGate *gate,
                Err *err);
void image_gate_free(ImageGate *gate);

/* The two halves. PNG: chunk order, CRCs, the exact length and checksum of the inflated data.
 * JPEG: markers, one frame header, Huffman tables, scans, restart markers, the end marker. */
bool image_gate_png(const unsigned char *bytes, size_t size, const char *name, ImageGate *gate,
                    Err *err);
bool image_gate_jpeg(const unsigned char *bytes, size_t size, const char *name, ImageGate *gate,
                     Err *err);

/* Checks height x width against IMAGE_MAX_PIXELS and stb's side limit. */
bool image_gate_size(uint64_t height, uint64_t width, const char *name, Err *err);

/* The orientation (1..8) in a TIFF structure as EXIF has it; 1 when there is none. */
int image_exif_orientation(const unsigned char *tiff, size_t size);

/* Grey of a colour (Rec. 601), rounded. */
unsigned char image_grey(unsigned red, unsigned green, unsigned blue);

/* Big-endian numbers. */
uint32_t image_be16(const unsigned char *p);
uint32_t image_be32(const unsigned char *p);

#endif
