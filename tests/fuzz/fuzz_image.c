/* Fuzz target: PNG and JPEG decoding. The first byte chooses: the rest as it is; the rest as a PNG
 * whose chunk checksums are put right (else they hide everything behind them); the rest as the
 * header and the rows of a PNG that is well packed. Decoding twice must give the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "data/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const uint8_t *bytes, size_t size, int channels)
{
    Image a, b;
    if (!image_decode(bytes, size, "file", channels, &a, NULL)) return;
    if (!image_decode(bytes, size, "file", channels, &b, NULL)) abort();
    size_t n = (size_t)a.height * (size_t)a.width * (size_t)a.channels;
    if (memcmp(a.pixels, b.pixels, n) != 0) abort();
    image_free(&b);
    if (image_resize_crop(&a, 7, 5, &b, NULL)) image_free(&b);
    image_free(&a);
}

static void put_be32(uint8_t *out, size_t value)
{
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void repair_checksums(uint8_t *bytes, size_t size)
{
    size_t at = 8;
    while (at + 12 <= size) {
        size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 |
                        (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (length > size - at - 12) return;
        put_be32(bytes + at + 8 + length, crc32(0, bytes + at + 4, (uInt)(4 + length)));
        at += 12 + length;
    }
}

static uint8_t *put_chunk(uint8_t *out, const char *type, const uint8_t *body, size_t size)
{
    put_be32(out, size);
    memcpy(out + 4, type, 4);
    if (size) memcpy(out + 8, body, size);
    put_be32(out + 8 + size, crc32(0, out + 4, (uInt)(4 + size)));
    return out + 12 + size;
}

/* Width, height, depth, colour, interlace, palette colours, transparent entries, then rows. */
static void decode_packed(const uint8_t *data, size_t size, int channels)
{
    if (size < 7) return;
    size_t palette = data[5], alpha = data[6];
    const uint8_t *rest = data + 7;
    size -= 7;
    if (size < 3 * palette + alpha) return;
    uLongf room = compressBound(size);
    uint8_t *packed = malloc(room), *png = malloc(size + room + 256), *out = png;
    const uint8_t *rows = rest + 3 * palette + alpha;
    if (packed && png && compress2(packed, &room, rows, size - 3 * palette - alpha, 1) == Z_OK) {
        uint8_t header[13] = {0, 0, 0, data[0], 0, 0, 0, data[1], data[2], data[3], 0, 0, data[4]};
        memcpy(out, "\x89PNG\r\n\x1A\n", 8);
        out = put_chunk(out + 8, "IHDR", header, sizeof header);
        if (palette) out = put_chunk(out, "PLTE", rest, 3 * palette);
        if (alpha) out = put_chunk(out, "tRNS", rest + 3 * palette, alpha);
        out = put_chunk(out, "IDAT", packed, room);
        out = put_chunk(out, "IEND", NULL, 0);
        decode(png, (size_t)(out - png), channels);
    }
    free(packed);
    free(png);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int asked[4] = {0, 1, 3, 0};
    if (size < 1) return 0;
    int channels = asked[data[0] >> 2 & 3];
    if (data[0] % 4 == 1) {
        uint8_t *copy = malloc(size);
        if (!copy) return 0;
        memcpy(copy, data + 1, size - 1);
        repair_checksums(copy, size - 1);
        decode(copy, size - 1, channels);
        free(copy);
    } else if (data[0] % 4 == 2) {
        decode_packed(data + 1, size - 1, channels);
    } else if (data[0] % 4 == 3) {
        decode(data, size, 0); /* a whole file as it lies in a folder */
    } else {
        decode(data + 1, size - 1, channels);
    }
    return 0;
}
