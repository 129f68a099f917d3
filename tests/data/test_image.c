/* Images: PNG out and in, JPEG in, orientation, resize, grid. Damaged files: test_image_gate.c. */
#include "data/image.h"

#include "base/fsio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "test.h"

#define IMAGES "tests/golden/images/"

static Image noise_image(int height, int width, int channels)
{
    Image image = {.height = height, .width = width, .channels = channels};
    size_t n = (size_t)height * (size_t)width * (size_t)channels;
    image.pixels = mem_alloc(n, 1);
    for (size_t i = 0; i < n; i++)
        image.pixels[i] = (unsigned char)rng_below(1, rng_stream(RNG_TEST, n), i, 256);
    return image;
}

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

TEST(resizing_counts_colours_by_their_alpha)
{
    /* A transparent pixel's colour is not seen: half of red beside nothing is red of half alpha. */
    unsigned char pixels[] = {200, 0, 0, 255, 0, 100, 0, 0, 200, 0, 0, 255, 0, 100, 0, 0};
    const unsigned char want[] = {200, 0, 0, 128};
    Image in = {.height = 2, .width = 2, .channels = 4, .pixels = pixels}, out;
    Err err;
    if (EXPECT(image_resize_crop(&in, 1, 1, &out, &err))) {
        EXPECT_SAME(out.pixels, want, sizeof want);
        image_free(&out);
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

TEST(resize_of_a_constant_image_is_constant)
{
    static const int sizes[][4] = {
        {5, 9, 32, 32}, {100, 77, 13, 7}, {1, 1, 4, 4}, {33, 33, 32, 32}, {3, 1000, 1, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int value = 0; value < 256; value += 51) {
            Image in = noise_image(sizes[i][0], sizes[i][1], 3), out;
            memset(in.pixels, value, (size_t)in.height * (size_t)in.width * 3);
            if (EXPECT(image_resize_crop(&in, sizes[i][2], sizes[i][3], &out, NULL))) {
                for (int k = 0; k < out.height * out.width * 3; k++)
                    if (!EXPECT_INT(out.pixels[k], value)) break;
                image_free(&out);
            }
            image_free(&in);
        }
}

TEST(resize_to_the_same_size_changes_nothing)
{
    Image in = noise_image(19, 23, 3), out;
    if (EXPECT(image_resize_crop(&in, 19, 23, &out, NULL))) {
        EXPECT_SAME(out.pixels, in.pixels, 19 * 23 * 3);
        image_free(&out);
    }
    image_free(&in);
}

TEST(shrinking_a_checkerboard_by_two_or_three_halves_gives_area_means)
{
    Image in = noise_image(12, 12, 1), out;
    for (int i = 0; i < 144; i++) in.pixels[i] = (i / 12 + i % 12) % 2 ? 200 : 100;
    if (EXPECT(image_resize_crop(&in, 6, 6, &out, NULL))) {
        for (int i = 0; i < 36; i++) EXPECT_INT(out.pixels[i], 150);
        image_free(&out);
    }
    /* 1.5 pixels each way: the corner holds 100 + 200/2 + 200/2 + 100/4 over 2.25, 144.4. */
    if (EXPECT(image_resize_crop(&in, 8, 8, &out, NULL))) {
        EXPECT_INT(out.pixels[0], 144);
        EXPECT_INT(out.pixels[2], 156); /* 350 / 2.25 */
        image_free(&out);
    }
    image_free(&in);
}

TEST(enlarging_interpolates_between_pixel_centres)
{
    unsigned char pixels[2] = {0, 200};
    Image in = {.height = 1, .width = 2, .channels = 1, .pixels = pixels}, out;
    if (EXPECT(image_resize_crop(&in, 4, 8, &out, NULL))) {
        /* Centres lie at (i + 0.5) / 4: 0.125 0.375 0.625 0.875 1.125 ... of pixels at 0.5, 1.5. */
        EXPECT_SAME(out.pixels, "\0\0\31\113\175\257\310\310", 8);
        EXPECT_SAME(out.pixels + 24, out.pixels, 8);
        image_free(&out);
    }
}

TEST(resize_keeps_the_aspect_and_crops_the_centre)
{
    /* 60 wide, 20 high: the left, middle and right 20 columns are 0, 100, 200. */
    Image in = noise_image(20, 60, 1), out;
    for (int i = 0; i < 1200; i++) in.pixels[i] = (unsigned char)(i % 60 / 20 * 100);
    if (EXPECT(image_resize_crop(&in, 10, 10, &out, NULL))) {
        for (int i = 0; i < 100; i++) EXPECT_INT(out.pixels[i], 100);
        image_free(&out);
    }
    if (EXPECT(image_resize_crop(&in, 10, 12, &out, NULL))) { /* one more column on each side */
        for (int i = 0; i < 120; i++)
            EXPECT_INT(out.pixels[i], i % 12 == 0 ? 0 : i % 12 == 11 ? 200 : 100);
        image_free(&out);
    }
    image_free(&in);
}

TEST(bytes_of_values_are_clamped_and_rounded_half_to_even)
{
    EXPECT_INT(image_byte(-1), 0);
    EXPECT_INT(image_byte(1), 255);
    EXPECT_INT(image_byte(-7), 0);
    EXPECT_INT(image_byte(7), 255);
    EXPECT_INT(image_byte(0), 128); /* 127.5 */
    EXPECT_INT(image_byte(NAN), 0);
    EXPECT_INT(image_byte(INFINITY), 255);
    EXPECT_INT(image_byte(-INFINITY), 0);
    for (int u = 0; u < 256; u++) EXPECT_INT(image_byte((float)u / 127.5f - 1.0f), u);
    EXPECT_INT(image_byte(-0.5f), 64); /* 63.75 */
}

TEST(grid_places_images_row_by_row_with_white_gaps)
{
    unsigned char pixels[5 * 2 * 3];
    Image grid;
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 6; k++) pixels[6 * i + k] = (unsigned char)(10 * i + k);
    if (!EXPECT(image_grid(pixels, 5, 2, 3, 1, 0, 1, &grid, NULL))) return;
    EXPECT_INT(grid.width, 3 * 3 + 2); /* near square: 3 columns, 2 rows */
    EXPECT_INT(grid.height, 2 * 2 + 1);
    for (int y = 0; y < grid.height; y++)
        for (int x = 0; x < grid.width; x++) {
            bool gap = y == 2 || x % 4 == 3;
            int i = y / 3 * 3 + x / 4, expected = 10 * i + y % 3 * 3 + x % 4;
            EXPECT_INT(grid.pixels[y * grid.width + x], gap || i >= 5 ? 255 : expected);
        }
    image_free(&grid);
    if (EXPECT(image_grid(pixels, 5, 1, 2, 3, 5, 0, &grid, NULL))) {
        EXPECT_INT(grid.width, 10);
        EXPECT_INT(grid.height, 1);
        EXPECT_INT(grid.pixels[6], 10); /* the second image starts at value 6 */
        image_free(&grid);
    }
}

TEST(grid_over_the_pixel_limit_is_refused_in_words)
{
    Err err = {0};
    Image grid;
    unsigned char value = 0;
    EXPECT_REFUSED(image_grid(&value, 10000, 1000, 1000, 3, 100, 2, &grid, &err), err, ERR_USAGE,
                   "100198x100198 pixels, more than the limit of 67108864");
    EXPECT(grid.pixels == NULL);
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
