/* Images: PNG out and in, JPEG in, orientation, resize, grid. Damaged files: test_image_gate.c. */
#include "data/image.h"

#include "base/fsio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "image_draft.h"
#include "test.h"

#define IMAGES "tests/golden/images/"

TEST(png_encode_then_decode_gives_the_same_pixels)
{
    static const int sizes[][2] = {{1, 1}, {1, 7}, {7, 1}, {13, 17}, {64, 33}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int channels = 1; channels <= IMAGE_MAX_CHANNELS; channels++) {
            Image in = noise_image(sizes[i][0], sizes[i][1], channels), out;
            unsigned char *png;
            size_t size;
            Err err;
            if (!EXPECT(image_encode_png(&in, i % 2 ? "text" : NULL, "PNG", &png, &size, &err)))
                continue;
            if (EXPECT(image_decode(png, size, "test", IMAGE_AS_STORED, &out, &err))) {
                EXPECT_INT(out.height, in.height);
                EXPECT_INT(out.width, in.width);
                EXPECT_INT(out.channels, channels);
                EXPECT_SAME(out.pixels, in.pixels,
                            (size_t)in.height * (size_t)in.width * (size_t)channels);
                image_free(&out);
            }
            image_free(&in);
            mem_free(png);
        }
}

/* The bytes of a text chunk's body in a PNG; NULL when there is none of that type. */
static const unsigned char *find_chunk(const unsigned char *png, size_t size, const char *type)
{
    for (size_t i = 8; i + 8 <= size; i++)
        if (memcmp(png + i, type, 4) == 0) return png + i + 4;
    return NULL;
}

TEST(png_keeps_text_as_a_chunk_that_passes_the_checksum)
{
    static const struct {
        const char *text, *type;
        size_t start;
    } cases[] = {{"seed 7, steps 50", "tEXt", 11}, {"K\xC3\xA4se", "iTXt", 15}};
    for (int i = 0; i < 2; i++) {
        Image in = noise_image(3, 4, 3), out;
        unsigned char *png;
        size_t size;
        Err err;
        if (!EXPECT(image_encode_png(&in, cases[i].text, "PNG", &png, &size, &err))) continue;
        const unsigned char *body = find_chunk(png, size, cases[i].type);
        if (EXPECT(body != NULL)) {
            EXPECT_SAME(body, "parameters", 11);
            EXPECT_SAME(body + cases[i].start, cases[i].text, strlen(cases[i].text));
        }
        if (EXPECT(image_decode(png, size, "test", 0, &out, &err))) image_free(&out);
        image_free(&in);
        mem_free(png);
    }
}

TEST(png_is_saved_whole_and_loaded_by_path)
{
    char path[PATH_BYTES];
    Err err = {0};
    Image in = noise_image(5, 6, 1), out;
    path_join(path, test_folder(), "a.png", NULL);
    EXPECT(image_save_png(path, &in, NULL, &err));
    if (EXPECT(image_load(path, 0, &out, &err))) {
        EXPECT_SAME(out.pixels, in.pixels, 30);
        image_free(&out);
    }
    EXPECT_FAILS(image_save_png("/nowhere/at/all.png", &in, NULL, &err), err,
                 "/nowhere/at/all.png");
    EXPECT_FAILS(image_load(test_folder(), 0, &out, &err), err, "is a folder");
    image_free(&in);
}

TEST(decoding_converts_between_grey_and_colour)
{
    unsigned char colour[6] = {255, 0, 0, 10, 200, 30}, *png;
    Image in = {.height = 1, .width = 2, .channels = 3, .pixels = colour}, out;
    size_t size;
    Err err;
    EXPECT(image_encode_png(&in, NULL, "PNG", &png, &size, &err));
    if (EXPECT(image_decode(png, size, "test", 1, &out, &err))) {
        EXPECT_INT(out.channels, 1);
        EXPECT_INT(out.pixels[0], 76);  /* 0.299 * 255 = 76.2 */
        EXPECT_INT(out.pixels[1], 124); /* 2.99 + 117.4 + 3.42 = 123.8 */
        image_free(&out);
    }
    mem_free(png);
    in.channels = 1;
    EXPECT(image_encode_png(&in, NULL, "PNG", &png, &size, &err));
    if (EXPECT(image_decode(png, size, "test", 3, &out, &err))) {
        EXPECT_SAME(out.pixels, "\377\377\377\0\0\0", 6);
        image_free(&out);
    }
    mem_free(png);
}

/* Largest difference between an image and expected(y, x, c). */
static int worst_difference(const Image *image, int (*expected)(int y, int x, int c))
{
    int worst = 0;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++)
            for (int c = 0; c < image->channels; c++) {
                int value = image->pixels[(y * image->width + x) * image->channels + c];
                int difference = abs(value - expected(y, x, c));
                if (difference > worst) worst = difference;
            }
    return worst;
}

static int ramp(int y, int x, int c)
{
    return c == 0 ? 8 + 12 * x : c == 1 ? 20 + 14 * y : 128;
}

static int grey_ramp(int y, int x, int c)
{
    return 16 + 20 * x + 5 * y + 0 * c;
}

static int wide_ramp(int y, int x, int c)
{
    return c == 0 ? 6 * x : c == 1 ? 128 : 10 * y;
}

TEST(alpha_is_kept_blended_over_black_or_added_as_the_channels_ask)
{
    static const struct {
        int stored, wanted;
        unsigned char in[4], out[4];
    } cases[] = {{4, 4, {10, 20, 40, 51}, {10, 20, 40, 51}},
                 {4, 0, {10, 20, 40, 51}, {2, 4, 8}},
                 {4, 3, {10, 20, 40, 51}, {2, 4, 8}},
                 {4, 2, {10, 20, 40, 51}, {19, 51}},
                 {4, 1, {10, 20, 40, 51}, {4}},
                 {2, 2, {100, 51}, {100, 51}},
                 {2, 0, {100, 51}, {20}},
                 {2, 4, {100, 51}, {100, 100, 100, 51}},
                 {3, 4, {10, 20, 40}, {10, 20, 40, 255}},
                 {1, 2, {7}, {7, 255}},
                 {1, 4, {7}, {7, 7, 7, 255}},
                 {3, IMAGE_AS_STORED, {1, 2, 3}, {1, 2, 3}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char pixel[4], *png;
        memcpy(pixel, cases[i].in, sizeof pixel);
        Image in = {.height = 1, .width = 1, .channels = cases[i].stored, .pixels = pixel}, out;
        size_t size;
        Err err;
        if (!EXPECT(image_encode_png(&in, NULL, "PNG", &png, &size, &err))) continue;
        if (EXPECT(image_decode(png, size, "test", cases[i].wanted, &out, &err))) {
            if (cases[i].wanted > 0) EXPECT_INT(out.channels, cases[i].wanted);
            EXPECT_SAME(out.pixels, cases[i].out, (size_t)out.channels);
            image_free(&out);
        }
        mem_free(png);
    }
}

TEST(jpeg_baseline_progressive_grey_and_with_restarts_decode_close_to_the_source)
{
    static const struct {
        const char *path;
        int height, width, channels, tolerance;
        int (*expected)(int, int, int);
    } cases[] = {{IMAGES "progressive.jpg", 13, 17, 3, 24, ramp}, /* chroma at half size */
                 {IMAGES "grey.jpg", 7, 9, 1, 3, grey_ramp},
                 {IMAGES "restart.jpg", 24, 40, 3, 24, wide_ramp}};
    for (int i = 0; i < 3; i++) {
        Image image;
        Err err = {0};
        if (!EXPECT(image_load(cases[i].path, 0, &image, &err))) continue;
        EXPECT_INT(image.height, cases[i].height);
        EXPECT_INT(image.width, cases[i].width);
        EXPECT_INT(image.channels, cases[i].channels);
        EXPECT_NEAR(worst_difference(&image, cases[i].expected), 0, cases[i].tolerance);
        image_free(&image);
    }
}

/* quadrants.jpg with an APP1 segment behind its start marker. */
static unsigned char *with_orientation(int value, bool big, size_t *size)
{
    static const unsigned char intel[] = {0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0,    0, 'I', 'I',
                                          42,   0,    8, 0,  0,   0,   1,   0,   0x12, 1, 3,   0,
                                          1,    0,    0, 0,  0,   0,   0,   0,   0,    0, 0,   0};
    static const unsigned char motorola[] = {
        0xFF, 0xE1, 0, 34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
        0,    1,    1, 0x12, 0,   3,   0,   0,   0, 1, 0,   0,   0, 0,  0, 0, 0, 0};
    FileBytes file;
    if (!EXPECT(file_read(IMAGES "quadrants.jpg", 65536, &file, NULL))) return NULL;
    *size = file.size + sizeof intel;
    unsigned char *bytes = malloc(*size);
    memcpy(bytes, file.bytes, 2);
    memcpy(bytes + 2, big ? motorola : intel, sizeof intel);
    bytes[2 + 28 + (big ? 1 : 0)] = (unsigned char)value;
    memcpy(bytes + 2 + sizeof intel, file.bytes + 2, file.size - 2);
    file_free(&file);
    return bytes;
}

/* 'r', 'g', 'b' or 'w' at a quarter or three quarters of the image. */
static char quadrant(const Image *image, int down, int right)
{
    int y = image->height * (1 + 2 * down) / 4, x = image->width * (1 + 2 * right) / 4;
    const unsigned char *p = image->pixels + (y * image->width + x) * 3;
    bool r = p[0] > 200, g = p[1] > 200, b = p[2] > 200;
    return r && g && b ? 'w' : r ? 'r' : g ? 'g' : b ? 'b' : '?';
}

TEST(exif_orientations_1_to_8_turn_the_image_upright)
{
    /* Stored: r g above b w. EXIF names where row 0 (r g) and column 0 (r b) belong. Read out:
     * above left, above right, below left, below right. */
    static const char *const upright[] = {"",     "rgbw", "grwb", "wbgr", "bwrg",
                                          "rbgw", "brwg", "wgbr", "gwrb"};
    for (int big = 0; big < 2; big++)
        for (int value = 1; value <= 8; value++) {
            size_t size;
            unsigned char *bytes = with_orientation(value, big, &size);
            if (!bytes) return;
            Image image;
            Err err = {0};
            if (EXPECT(image_decode(bytes, size, "test", 0, &image, &err))) {
                char got[5] = {quadrant(&image, 0, 0), quadrant(&image, 0, 1),
                               quadrant(&image, 1, 0), quadrant(&image, 1, 1), 0};
                EXPECT_TEXT(got, upright[value]);
                EXPECT_INT(image.height, value >= 5 ? 24 : 16);
                EXPECT_INT(image.width, value >= 5 ? 16 : 24);
                image_free(&image);
            }
            free(bytes);
        }
}

TEST(exif_with_a_senseless_orientation_or_offset_is_ignored)
{
    size_t size;
    unsigned char *bytes = with_orientation(9, false, &size);
    if (!bytes) return;
    for (int i = 0; i < 2; i++) {
        Image image;
        if (i == 1) memset(bytes + 2 + 14, 0xFF, 4); /* the offset of the first directory */
        if (EXPECT(image_decode(bytes, size, "test", 0, &image, NULL))) {
            EXPECT_INT(quadrant(&image, 0, 0), 'r');
            image_free(&image);
        }
    }
    free(bytes);
}

TEST(every_failing_allocation_of_stb_is_an_error_and_leaks_nothing)
{
    static const char *const paths[] = {IMAGES "progressive.jpg", IMAGES "quadrants.jpg",
                                        IMAGES "grey.jpg"};
    Image image;
    for (int i = 0; i < 3; i++) {
        image_test_allocations(0);
        if (!EXPECT(image_load(paths[i], 0, &image, NULL))) continue;
        image_free(&image);
        long made = image_test_allocations(0);
        EXPECT(made > 2);
        for (long n = 1; n <= made; n++) {
            Err err = {0};
            image_test_allocations(n);
            EXPECT_REFUSED(image_load(paths[i], 0, &image, &err), err, ERR_MEMORY,
                           "not enough memory to decode");
        }
    }
    Image in = noise_image(20, 20, 3);
    unsigned char *png;
    size_t size;
    image_test_allocations(0);
    EXPECT(image_encode_png(&in, NULL, "PNG", &png, &size, NULL));
    long made = image_test_allocations(0);
    EXPECT(made > 2);
    for (long n = 1; n <= made; n++) {
        Err err = {0};
        unsigned char *none;
        size_t no_size;
        image_test_allocations(n);
        EXPECT(!image_encode_png(&in, NULL, "PNG", &none, &no_size, &err));
        EXPECT_INT(err.kind, ERR_MEMORY);
    }
    image_test_allocations(0);
    EXPECT(image_decode(png, size, "test", 0, &image, NULL));
    image_free(&image);
    made = image_test_allocations(0);
    for (long n = 1; n <= made; n++) {
        Err err = {0};
        image_test_allocations(n);
        EXPECT(!image_decode(png, size, "test", 0, &image, &err));
        EXPECT_INT(err.kind, ERR_MEMORY);
    }
    image_test_allocations(0);
    mem_free(png);
    image_free(&in);
}
