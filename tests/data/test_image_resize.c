/* Images of another size, grids of images, and bytes of values. */
#include "base/mem.h"
#include "data/image.h"
#include "image_draft.h"
#include "test.h"

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
