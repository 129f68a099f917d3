/* PNG (W3C, third edition). Everything that stb takes on trust is checked here, and stb then gets
 * a copy of the image chunks alone: header, palette filled up to 256 entries (an index beyond a
 * shorter one would read memory that was never set), transparency, and one data chunk. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "data/image_gate.h"

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGB_ALPHA = 6 };
enum { CHUNK_EXTRA = 12 }; /* length, type, CRC */

typedef struct {
    const unsigned char *bytes;
    size_t size;
    const char *name;
    Err *err;
    uint32_t width, height;
    int depth, colour, interlace;
    const unsigned char *palette, *transparency;
    size_t palette_bytes, transparency_bytes;
    size_t first_data; /* offset of the first IDAT chunk, 0: none yet */
    uint64_t data_bytes;
    bool data_ended;
    int orientation;
} Png;

static bool damaged(Png *p, const char *what)
{
    return err_set(p->err, ERR_FORMAT, "%s: damaged PNG: %s", p->name, what);
}

static bool read_header(Png *p, const unsigned char *d, size_t length)
{
    if (length != 13) return damaged(p, "its header chunk does not have 13 bytes");
    p->width = image_be32(d);
    p->height = image_be32(d + 4);
    p->depth = d[8];
    p->colour = d[9];
    p->interlace = d[12];
    if (!image_gate_size(p->height, p->width, p->name, p->err)) return false;
    int depth = p->depth;
    bool whole = depth == 8 || depth == 16;
    bool small = depth == 1 || depth == 2 || depth == 4;
    bool ok = p->colour == GREY      ? whole || small
              : p->colour == PALETTE ? small || depth == 8
              : p->colour == RGB || p->colour == GREY_ALPHA || p->colour == RGB_ALPHA ? whole
                                                                                      : false;
    if (!ok || d[10] != 0 || d[11] != 0 || p->interlace > 1)
        return err_set(p->err, ERR_FORMAT,
                       "%s: damaged PNG: colour type %d with %d bits, compression %d, filter %d, "
                       "interlace %d does not exist",
                       p->name, p->colour, depth, d[10], d[11], p->interlace);
    return true;
}

static bool read_palette(Png *p, const unsigned char *d, size_t length)
{
    if (p->palette) return damaged(p, "it has two palettes");
    if (p->first_data) return damaged(p, "its palette follows the image data");
    if (p->colour == GREY || p->colour == GREY_ALPHA) return damaged(p, "grey with a palette");
    if (length == 0 || length % 3 != 0 || length > 3 * 256)
        return damaged(p, "its palette does not hold 1 to 256 colours");
    p->palette = d;
    p->palette_bytes = length;
    return true;
}

static bool read_transparency(Png *p, const unsigned char *d, size_t length)
{
    if (p->transparency) return damaged(p, "it has two transparency chunks");
    if (p->first_data) return damaged(p, "its transparency follows the image data");
    bool ok = p->colour == GREY      ? length == 2
              : p->colour == RGB     ? length == 6
              : p->colour == PALETTE ? length > 0 && length <= p->palette_bytes / 3
                                     : false;
    if (!ok) return damaged(p, "its transparency does not fit its colour type");
    p->transparency = d;
    p->transparency_bytes = length;
    return true;
}

/* One chunk whose CRC is right; *end is set by the end chunk. */
static bool read_chunk(Png *p, size_t at, const char *type, const unsigned char *d, size_t length,
                       bool *end)
{
    bool data = memcmp(type, "IDAT", 4) == 0;
    bool first = at == 8;
    if (first != (memcmp(type, "IHDR", 4) == 0))
        return damaged(p, first ? "its first chunk is not the header" : "it has two headers");
    if (first) return read_header(p, d, length);
    if (p->first_data && !data) p->data_ended = true;
    if (data) {
        if (p->data_ended) return damaged(p, "its image data is not in one piece");
        if (p->colour == PALETTE && !p->palette) return damaged(p, "its palette is missing");
        if (!p->first_data) p->first_data = at;
        p->data_bytes += length;
        return true;
    }
    if (memcmp(type, "PLTE", 4) == 0) return read_palette(p, d, length);
    if (memcmp(type, "tRNS", 4) == 0) return read_transparency(p, d, length);
    if (memcmp(type, "IEND", 4) == 0) {
        *end = true;
        return length == 0 || damaged(p, "its end chunk is not empty");
    }
    if (memcmp(type, "eXIf", 4) == 0) p->orientation = image_exif_orientation(d, length);
    if (type[0] & 0x20) return true; /* a lower-case first letter: not needed for the image */
    return err_set(p->err, ERR_FORMAT, "%s: PNG chunk %s is not known, but needed to decode",
                   p->name, type);
}

static bool walk_chunks(Png *p)
{
    size_t at = 8;
    for (bool end = false; !end;) {
        size_t left = p->size - at;
        if (left < CHUNK_EXTRA) return damaged(p, "it ends without the end chunk (cut?)");
        uint32_t length = image_be32(p->bytes + at);
        char type[5] = {0};
        memcpy(type, p->bytes + at + 4, 4);
        for (int i = 0; i < 4; i++) {
            char lower = (char)(type[i] | 0x20);
            if (lower < 'a' || lower > 'z') return damaged(p, "a chunk type is not four letters");
        }
        if (length > left - CHUNK_EXTRA)
            return err_set(p->err, ERR_FORMAT,
                           "%s: damaged PNG: chunk %s at byte %zu declares %u bytes, but only %zu "
                           "follow (cut?)",
                           p->name, type, at, length, left - CHUNK_EXTRA);
        const unsigned char *data = p->bytes + at + 8;
        uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), data - 4, length + 4);
        if (crc != image_be32(data + length))
            return err_set(p->err, ERR_FORMAT,
                           "%s: damaged PNG: the checksum of chunk %s at byte %zu is wrong",
                           p->name, type, at);
        if (!read_chunk(p, at, type, data, length, &end)) return false;
        at += CHUNK_EXTRA + length;
    }
    return p->first_data || damaged(p, "it has no image data");
}

static int stored_channels(const Png *p)
{
    return (p->colour & RGB && p->colour != PALETTE ? 3 : 1) + (p->colour & GREY_ALPHA ? 1 : 0);
}

/* Bytes of the rows with their filter bytes, over the seven passes of an interlaced image. */
static uint64_t inflated_bytes(const Png *p)
{
    static const uint32_t x0[7] = {0, 4, 0, 2, 0, 1, 0}, y0[7] = {0, 0, 4, 0, 2, 0, 1};
    static const uint32_t dx[7] = {8, 8, 4, 4, 2, 2, 1}, dy[7] = {8, 8, 8, 4, 4, 2, 2};
    uint64_t bits = (uint64_t)stored_channels(p) * (unsigned)p->depth;
    if (!p->interlace) return p->height * (1 + (p->width * bits + 7) / 8);
    uint64_t sum = 0;
    for (int pass = 0; pass < 7; pass++) {
        if (p->width <= x0[pass] || p->height <= y0[pass]) continue;
        uint64_t w = (p->width - x0[pass] + dx[pass] - 1) / dx[pass];
        uint64_t h = (p->height - y0[pass] + dy[pass] - 1) / dy[pass];
        sum += h * (1 + (w * bits + 7) / 8);
    }
    return sum;
}

/* The data inflates to exactly `expected` bytes with the right checksum; nothing is kept. */
static bool verify_data(Png *p, unsigned char *data, size_t size, uint64_t expected)
{
    unsigned char window[32768];
    z_stream z = {.next_in = data, .avail_in = (uInt)size};
    if (inflateInit(&z) != Z_OK)
        return err_set(p->err, ERR_MEMORY, "%s: not enough memory to inflate", p->name);
    uint64_t total = 0;
    int status;
    do {
        z.next_out = window;
        z.avail_out = sizeof window;
        status = inflate(&z, Z_NO_FLUSH);
        total += sizeof window - z.avail_out;
    } while (status == Z_OK && total <= expected);
    inflateEnd(&z);
    if (status == Z_MEM_ERROR)
        return err_set(p->err, ERR_MEMORY, "%s: not enough memory to inflate", p->name);
    if (status == Z_BUF_ERROR || (status == Z_STREAM_END && total < expected))
        return damaged(p, "its image data ends early");
    if (total > expected) return damaged(p, "it holds more image data than its header declares");
    return status == Z_STREAM_END || damaged(p, "its compressed data is corrupt");
}

static unsigned char *put_chunk(unsigned char *out, const char *type, size_t length)
{
    image_put_be32(out, (uint32_t)length);
    memcpy(out + 4, type, 4);
    return out + 8;
}

/* Writes the copy for stb. Its CRC fields stay zero: stb skips them. */
static bool write_copy(Png *p, ImageGate *gate, unsigned char **data)
{
    size_t size = 8 + 4 * CHUNK_EXTRA + 13 + (size_t)p->data_bytes;
    if (p->palette) size += CHUNK_EXTRA + 3 * 256;
    size += p->transparency_bytes;
    gate->copy = mem_alloc(size, 1);
    if (!gate->copy)
        return err_set(p->err, ERR_MEMORY, "%s: not enough memory for %zu bytes", p->name, size);
    unsigned char *out = gate->copy;
    memcpy(out, p->bytes, 8);
    out = put_chunk(out + 8, "IHDR", 13);
    memcpy(out, p->bytes + 16, 13);
    out += 13 + 4;
    if (p->colour == PALETTE) {
        out = put_chunk(out, "PLTE", 3 * 256);
        memcpy(out, p->palette, p->palette_bytes);
        out += 3 * 256 + 4;
    }
    if (p->transparency) {
        out = put_chunk(out, "tRNS", p->transparency_bytes);
        memcpy(out, p->transparency, p->transparency_bytes);
        out += p->transparency_bytes + 4;
    }
    out = put_chunk(out, "IDAT", (size_t)p->data_bytes);
    *data = out;
    for (size_t at = p->first_data; memcmp(p->bytes + at + 4, "IDAT", 4) == 0;) {
        size_t length = image_be32(p->bytes + at);
        memcpy(out, p->bytes + at + 8, length);
        out += length;
        at += CHUNK_EXTRA + length;
    }
    out = put_chunk(out + 4, "IEND", 0) + 4;
    gate->copy_bytes = (size_t)(out - gate->copy);
    return true;
}

static bool check(const unsigned char *bytes, size_t size, const char *name, ImageGate *gate,
                  Err *err)
{
    enum { DEFLATE_RATIO = 1032, SLACK = 16 << 20 };
    Png p = {.bytes = bytes, .size = size, .name = name, .err = err, .orientation = 1};
    if (!walk_chunks(&p)) return false;
    uint64_t inflated = inflated_bytes(&p);
    if (inflated > (p.data_bytes + 1) * DEFLATE_RATIO)
        return err_set(err, ERR_FORMAT,
                       "%s: damaged PNG: %llu bytes of compressed data cannot hold %ux%u pixels",
                       name, (unsigned long long)p.data_bytes, p.width, p.height);
    gate->height = (int)p.height;
    gate->width = (int)p.width;
    gate->channels = p.colour & RGB ? 3 : 1;
    gate->alpha = p.transparency || (p.colour & GREY_ALPHA) != 0;
    gate->orientation = p.orientation;
    /* Four times the pixels as stb holds them (a palette grows to 4 channels, 16 bits are read
     * before they become 8), the compressed data and a little. */
    uint64_t pixel =
        p.colour == PALETTE ? 4 : (uint64_t)(stored_channels(&p) + (p.transparency != NULL));
    if (p.depth == 16) pixel *= 2;
    uint64_t raw = (uint64_t)p.height * p.width * pixel;
    gate->budget_bytes = (size_t)(4 * raw + p.data_bytes + SLACK);
    unsigned char *data = NULL;
    return write_copy(&p, gate, &data) && verify_data(&p, data, (size_t)p.data_bytes, inflated);
}

const ImageFormat image_png = {.name = "PNG",
                               .endings = {"png"},
                               .signature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'},
                               .signature_bytes = 8,
                               .check = check,
                               .decode = image_stb_decode};
