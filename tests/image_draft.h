/* Image files that tests write byte by byte. */
#ifndef DIFFC_TESTS_IMAGE_DRAFT_H
#define DIFFC_TESTS_IMAGE_DRAFT_H

#include <zlib.h>

#include "base/fsio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/image.h"
#include "test.h"

#define IMAGES "tests/golden/images/"

/* A file being written by a test. */
typedef struct {
    unsigned char bytes[8192];
    size_t size;
} Draft;

static inline void put(Draft *d, const void *bytes, size_t size)
{
    if (!EXPECT(d->size + size <= sizeof d->bytes)) abort();
    if (size) memcpy(d->bytes + d->size, bytes, size);
    d->size += size;
}

static inline void put_be32(Draft *d, unsigned long value)
{
    unsigned char b[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
                          (unsigned char)(value >> 8), (unsigned char)value};
    put(d, b, 4);
}

static inline void put_chunk(Draft *d, const char *type, const void *body, size_t size)
{
    put_be32(d, size);
    size_t start = d->size;
    put(d, type, 4);
    put(d, body, size);
    put_be32(d, crc32(0, d->bytes + start, (uInt)(4 + size)));
}

static inline void put_start(Draft *d, unsigned width, unsigned height, int depth, int colour,
                             int interlace)
{
    Draft header = {.size = 0};
    put_be32(&header, width);
    put_be32(&header, height);
    unsigned char rest[5] = {(unsigned char)depth, (unsigned char)colour, 0, 0,
                             (unsigned char)interlace};
    put(&header, rest, 5);
    d->size = 0;
    put(d, "\x89PNG\r\n\x1A\n", 8);
    put_chunk(d, "IHDR", header.bytes, header.size);
}

static inline void put_data(Draft *d, const void *rows, size_t size)
{
    unsigned char packed[4096];
    uLongf packed_size = sizeof packed;
    EXPECT(compress2(packed, &packed_size, rows, size, 9) == Z_OK);
    put_chunk(d, "IDAT", packed, packed_size);
}

static inline void put_end(Draft *d)
{
    put_chunk(d, "IEND", NULL, 0);
}

static inline void put_png(Draft *d, unsigned width, unsigned height, int depth, int colour,
                           int interlace, const void *rows, size_t size)
{
    put_start(d, width, height, depth, colour, interlace);
    put_data(d, rows, size);
    put_end(d);
}

/* The file is refused, as a matter of format, with these words. */
static inline void expect_refused(const unsigned char *bytes, size_t size, const char *words)
{
    Image image;
    Err err = {0};
    if (!EXPECT(!image_decode(bytes, size, "file", 0, &image, &err))) image_free(&image);
    EXPECT_INT(err.kind, ERR_FORMAT);
    EXPECT_CONTAINS(err.text, "file: ");
    EXPECT_CONTAINS(err.text, words);
    EXPECT(image.pixels == NULL);
}

/* The same of the file with another byte at one place. */
static inline void expect_damage_refused(Draft d, size_t at, int value, const char *words)
{
    d.bytes[at] = (unsigned char)value;
    expect_refused(d.bytes, d.size, words);
}

static inline Draft read_draft(const char *path)
{
    Draft d = {.size = 0};
    FileBytes file;
    if (EXPECT(file_read(path, sizeof d.bytes, &file, NULL))) {
        put(&d, file.bytes, file.size);
        file_free(&file);
    }
    return d;
}

/* Offset of the first segment FF `marker`, behind the start. */
static inline size_t find_segment(const Draft *d, int marker)
{
    for (size_t i = 2; i + 4 < d->size; i += 2 + (size_t)(d->bytes[i + 2] << 8 | d->bytes[i + 3]))
        if (d->bytes[i + 1] == marker) return i;
    EXPECT(!"the segment is there");
    return 0;
}

static inline Image noise_image(int height, int width, int channels)
{
    Image image = {.height = height, .width = width, .channels = channels};
    size_t n = (size_t)height * (size_t)width * (size_t)channels;
    image.pixels = mem_alloc(n, 1);
    for (size_t i = 0; i < n; i++)
        image.pixels[i] = (unsigned char)rng_below(1, rng_stream(RNG_TEST, n), i, 256);
    return image;
}

#endif
