/* The entropy-coded data of one JPEG scan (ITU T.81, annexes F and G), read before stb decodes it. stb
 * 2.27 goes on with zeros where the data ends early, sums DC differences without bound, and writes
 * coefficients beyond a scan's band: each is undefined behaviour or a picture with a part missing. */
#ifndef DIFFC_IMAGE_GATE_SCAN_H
#define DIFFC_IMAGE_GATE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JPEG_FAST_BITS = 9 };

/* Codes of up to JPEG_FAST_BITS bits stand in a table by their first bits (length 0: none). Longer
 * ones: those of n bits, moved left to 16, lie below end[n]; value index = code + offset[n]. */
typedef struct {
    unsigned char fast_length[1 << JPEG_FAST_BITS], fast_value[1 << JPEG_FAST_BITS];
    uint32_t end[17];
    int offset[17];
    unsigned char values[256];
} JpegHuffman;

typedef struct {
    const JpegHuffman *dc, *ac;
    const uint16_t *quantiser; /* 64, in zigzag order */
    int blocks;                /* in one unit */
    uint64_t *nonzero; /* progressive AC: for each block, a bit per coefficient; in and out */
} JpegScanComponent;

typedef struct {
    const unsigned char *bytes; /* up to the next marker that is not a restart */
    size_t size;
    uint64_t units;
    uint32_t restart; /* units between restart markers; 0: none */
    bool progressive;
    int first, last, high, low;
    int count;
    JpegScanComponent component[4];
} JpegScan;

/* lengths[i] codes of i + 1 bits, which fit; their values in order, at most 256. */
void jpeg_huffman_build(JpegHuffman *h, const unsigned char lengths[16],
                        const unsigned char *values);

/* NULL when every unit is there, each code is in its table, no coefficient lies outside the band, and
 * each fits 16 bits (baseline: times its quantiser). Otherwise what is wrong. */
const char *jpeg_scan_check(const JpegScan *scan);

#endif
