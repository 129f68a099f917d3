/* Every kind of PNG: colour, depth, interlace, filter and transparency, written here from random samples
 * and decoded to exactly the pixels that the samples mean. */
#include "base/rng.h"
#include "image_draft.h"

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGBA = 6 };
enum { MOST_WIDE = 13, MOST_HIGH = 11, ROW = MOST_WIDE * 4 * 2, MIXED_FILTERS = 5 };

typedef struct {
    int width, height, depth, colour, channels;
    bool interlaced, transparent;
    int filter; /* 0..4, or each in turn */
    unsigned samples[MOST_HIGH][MOST_WIDE][4];
    unsigned char palette[256][3], alpha[256];
} Picture;

static unsigned random_bits(unsigned bits)
{
    static uint64_t index;
    return rng_below(7, 1, index++, 1u << bits);
}

static int stored_channels(int colour)
{
    return colour == RGB ? 3 : colour == GREY_ALPHA ? 2 : colour == RGBA ? 4 : 1;
}

/* The samples of every `dx`th pixel of row y, from x0, packed from the highest bit down. */
static size_t pack_row(const Picture *p, int y, int x0, int dx, unsigned char *row)
{
    size_t bit = 0;
    memset(row, 0, ROW);
    for (int x = x0; x < p->width; x += dx)
        for (int c = 0; c < p->channels; c++)
            for (int b = p->depth - 1; b >= 0; b--, bit++)
                row[bit / 8] |= (unsigned char)((p->samples[y][x][c] >> b & 1) << (7 - bit % 8));
    return (bit + 7) / 8;
}

static int paeth(int a, int b, int c)
{
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

static void filter_row(int filter, const unsigned char *row, const unsigned char *above, size_t n,
                       size_t pixel, unsigned char *out)
{
    for (size_t i = 0; i < n; i++) {
        int a = i >= pixel ? row[i - pixel] : 0, b = above[i],
            c = i >= pixel ? above[i - pixel] : 0;
        int by[5] = {0, a, b, (a + b) / 2, paeth(a, b, c)};
        out[i] = (unsigned char)(row[i] - by[filter]);
    }
}

static size_t put_pass(const Picture *p, int x0, int y0, int dx, int dy, unsigned char *out)
{
    unsigned char row[ROW], above[ROW] = {0};
    size_t used = 0, pixel = (size_t)(p->channels * p->depth + 7) / 8;
    for (int y = y0, k = 0; y < p->height && x0 < p->width; y += dy, k++) {
        size_t n = pack_row(p, y, x0, dx, row);
        int filter = p->filter == MIXED_FILTERS ? k % 5 : p->filter;
        out[used] = (unsigned char)filter;
        filter_row(filter, row, above, n, pixel, out + used + 1);
        memcpy(above, row, sizeof above);
        used += 1 + n;
    }
    return used;
}

static void write_png(const Picture *p, Draft *d)
{
    static const int adam7[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                    {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    unsigned char rows[4000], transparent[6];
    size_t used = 0;
    put_start(d, (unsigned)p->width, (unsigned)p->height, p->depth, p->colour, p->interlaced);
    if (p->colour == PALETTE) put_chunk(d, "PLTE", p->palette, (size_t)3 << p->depth);
    if (p->transparent && p->colour == PALETTE)
        put_chunk(d, "tRNS", p->alpha, ((size_t)1 << p->depth) - 1); /* the last one is opaque */
    if (p->transparent && p->colour != PALETTE) {
        for (int c = 0; c < p->channels; c++) { /* the colour of the first pixel */
            transparent[2 * c] = (unsigned char)(p->samples[0][0][c] >> 8);
            transparent[2 * c + 1] = (unsigned char)p->samples[0][0][c];
        }
        put_chunk(d, "tRNS", transparent, 2 * (size_t)p->channels);
    }
    for (int i = 0; p->interlaced && i < 7; i++)
        used += put_pass(p, adam7[i][0], adam7[i][1], adam7[i][2], adam7[i][3], rows + used);
    if (!p->interlaced) used = put_pass(p, 0, 0, 1, 1, rows);
    put_data(d, rows, used);
    put_end(d);
}

/* Eight bits of one sample. */
static unsigned char scaled(const Picture *p, unsigned sample)
{
    if (p->depth == 16) return (unsigned char)(sample >> 8);
    return (unsigned char)(sample * 255 / ((1u << p->depth) - 1));
}

static int expected_pixel(const Picture *p, int y, int x, unsigned char out[4])
{
    const unsigned *s = p->samples[y][x];
    int n = 0;
    if (p->colour == PALETTE) {
        memcpy(out, p->palette[s[0]], 3);
        n = 3;
        if (p->transparent) out[n++] = s[0] + 1 < 1u << p->depth ? p->alpha[s[0]] : 255;
        return n;
    }
    for (int c = 0; c < p->channels; c++) out[n++] = scaled(p, s[c]);
    if (p->transparent)
        out[n++] = memcmp(s, p->samples[0][0], sizeof *s * (size_t)p->channels) == 0 ? 0 : 255;
    return n;
}

static bool expect_decoded(const Picture *p)
{
    Draft d;
    Image image;
    Err err = {0};
    write_png(p, &d);
    if (!EXPECT_OK(image_decode(d.bytes, d.size, "file", IMAGE_AS_STORED, &image, &err), err))
        return false;
    unsigned char expected[MOST_HIGH * MOST_WIDE * 4];
    size_t used = 0;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) used += (size_t)expected_pixel(p, y, x, expected + used);
    bool ok = EXPECT_INT(image.height, p->height) && EXPECT_INT(image.width, p->width) &&
              EXPECT_INT(image.height * image.width * image.channels, (long long)used) &&
              EXPECT_SAME(image.pixels, expected, used);
    image_free(&image);
    return ok;
}

TEST(png_of_every_colour_depth_interlace_filter_and_transparency_decodes_exactly)
{
    static const int kinds[][2] = {{GREY, 1},        {GREY, 2},    {GREY, 4},    {GREY, 8},
                                   {GREY, 16},       {RGB, 8},     {RGB, 16},    {PALETTE, 1},
                                   {PALETTE, 2},     {PALETTE, 4}, {PALETTE, 8}, {GREY_ALPHA, 8},
                                   {GREY_ALPHA, 16}, {RGBA, 8},    {RGBA, 16}};
    static const int sizes[][2] = {{MOST_WIDE, MOST_HIGH}, {1, 1}, {2, 3}, {5, 1}, {1, 9}};
    int tried = 0;
    for (int i = 0; i < 15 * 5 * 2 * 2 * 6; i++) {
        static Picture p;
        int size = i / 15 % 5;
        memset(&p, 0, sizeof p);
        p.colour = kinds[i % 15][0];
        p.depth = kinds[i % 15][1];
        p.channels = stored_channels(p.colour);
        p.width = sizes[size][0];
        p.height = sizes[size][1];
        p.interlaced = i / 75 % 2;
        p.transparent = i / 150 % 2;
        p.filter = i / 300;
        if (p.transparent && p.colour >= GREY_ALPHA) continue;
        for (int y = 0; y < p.height; y++)
            for (int x = 0; x < p.width; x++)
                for (int c = 0; c < p.channels; c++)
                    p.samples[y][x][c] = random_bits((unsigned)p.depth);
        for (int k = 0; k < 256; k++) {
            for (int c = 0; c < 3; c++) p.palette[k][c] = (unsigned char)random_bits(8);
            p.alpha[k] = (unsigned char)random_bits(8);
        }
        tried++;
        if (expect_decoded(&p)) continue;
        printf("    colour %d, %d bits, %dx%d, interlaced %d, transparent %d, filter %d\n",
               p.colour, p.depth, p.width, p.height, p.interlaced, p.transparent, p.filter);
        return;
    }
    EXPECT_INT(tried, 15 * 5 * 2 * 6 + 11 * 5 * 2 * 6);
}
