/* The multi-scale sliced Wasserstein distance: closed forms, and NumPy's values. */

#include "base/rng.h"
#include "model/multiscale_distance.h"
#include "test.h"

static SlicedDistance distance_of(const float *a, const float *b, size_t count, int dims)
{
    SlicedPoints p = {
        .count = count, .dims = dims, .together = 1, .reference = a, .other = {b}, .others = 1};
    SlicedDistance d = {.distance = -1};
    EXPECT(sliced_distances(&p, NULL, &d, NULL));
    return d;
}

static void expect_levels(int H, int W, int count, int last_height, int last_width)
{
    PyramidShape p = pyramid_shape((Shape){.H = H, .W = W, .C = 3});
    EXPECT_INT(p.count, count);
    EXPECT_INT(p.level[p.count - 1].H, last_height);
    EXPECT_INT(p.level[p.count - 1].W, last_width);
    EXPECT_INT(p.level[p.count - 1].C, 3);
}

TEST(levels_end_near_16_pixels)
{
    expect_levels(64, 64, 3, 16, 16);
    expect_levels(32, 32, 2, 16, 16);
    expect_levels(28, 28, 2, 14, 14);
    expect_levels(100, 100, 4, 13, 13);
    expect_levels(24, 49, 2, 12, 25);
    expect_levels(22, 400, 1, 22, 400);
    expect_levels(1, 1, 1, 1, 1);
}

TEST(a_plain_image_is_all_in_the_last_level)
{
    PyramidShape p = pyramid_shape((Shape){.H = 53, .W = 48, .C = 2});
    unsigned char pixels[53 * 48 * 2];
    float *levels = test_floats(pyramid_floats(&p)), *scratch = test_floats(sizeof pixels);
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = i % 2 ? 200 : 31;
    pyramid_make(&p, pixels, levels, scratch);
    size_t last = pyramid_offset(&p, p.count - 1);
    for (size_t i = 0; i < pyramid_floats(&p); i++) {
        double want = i < last ? 0 : i % 2 ? 200 : 31;
        EXPECT_NEAR((double)levels[i], want, 1e-4);
    }
}

TEST(equal_sets_have_no_distance)
{
    float *a = test_random(300 * 5, 1, 1);
    SlicedDistance d = distance_of(a, a, 300, 5);
    EXPECT_NEAR(d.distance, 0, 0);
    EXPECT_NEAR(sliced_standard_error(&d), 0, 0);
}

TEST(a_shift_in_one_dimension_is_the_distance)
{
    enum { N = 1000 };
    float *a = test_random(N, 1, 1), *b = test_floats(N);
    for (int i = 0; i < N; i++) b[N - 1 - i] = a[i] + 0.75f;
    EXPECT_NEAR(distance_of(a, b, N, 1).distance, 0.75, 1e-6);
}

/* W_1 of N(0, 1) and N(m, 1) is |m|. The jackknife's error is that of the difference of two means. */
TEST(gaussians_of_two_draws_have_the_distance_of_their_means)
{
    enum { N = 20000 };
    float *a = test_random(N, 1, 1), *b = test_random(N, 2, 1);
    for (int i = 0; i < N; i++) b[i] -= 2.5f;
    SlicedDistance d = distance_of(a, b, N, 1);
    double error = sqrt(2.0 / N), found = sliced_standard_error(&d);
    EXPECT_NEAR(d.distance, 2.5, 5 * error);
    EXPECT(found > 0.5 * error && found < 2 * error);
}

/* N(0, 1) and N(0, s^2): W_1 = |s - 1| sqrt(2 / pi). */
TEST(gaussians_of_two_widths_have_the_closed_distance)
{
    enum { N = 40000 };
    float *a = test_random(N, 1, 1), *b = test_random(N, 2, 3);
    EXPECT_NEAR(distance_of(a, b, N, 1).distance, 2 * sqrt(2 / 3.14159265358979), 0.05);
}

/* A shift by v in D dimensions: |v| E|u_1| for a random u of length 1, which in three dimensions is 1/2; the
 * variance of |u_1| is 1/12. */
TEST(a_shift_in_space_is_seen_from_all_directions)
{
    enum { N = 64, D = 3 };
    float *a = test_random(N * D, 1, 1), *b = test_floats(N * D);
    for (int i = 0; i < N * D; i++) b[i] = a[i] + (i % D == 1 ? 4.0f : 0);
    double error = 4 * sqrt(1.0 / 12 / SLICED_DIRECTIONS);
    EXPECT_NEAR(distance_of(a, b, N, D).distance, 2, 4 * error);
}

TEST(negative_and_positive_values_are_sorted_alike)
{
    const float a[] = {-3, 7, 0, -0.5f}, b[] = {0.25f, -4, 1e-20f, 6};
    EXPECT_NEAR(distance_of(a, b, 4, 1).distance, (1 + 0.5 + 0.25 + 1) / 4, 1e-7);
}

/* ---- sets of images ---- */

/* As in tests/golden/sliced_distance.py. */
static void draw_images(unsigned char *out, Shape s, int count, int which)
{
    for (int i = 0; i < count; i++)
        for (int y = 0; y < s.H; y++)
            for (int x = 0; x < s.W; x++)
                for (int c = 0; c < s.C; c++) {
                    int first =
                        3 * y * y + 5 * x * x + 2 * x * y + i * (11 * x + 13 * y) + 29 * c + 17 * i;
                    int second = 7 * y * x + 4 * x + i * (5 * x + 3 * y) + 41 * c + 23 * i;
                    *out++ = (unsigned char)((which == 0 ? first : second) % 256);
                }
}

enum { MOST = 1 << 16 };
static unsigned char pixels[2][MOST];

static MultiscaleDistance distance_of_images(Shape shape, int count)
{
    MultiscaleDistance d = {.patches.count = 0};
    ImageSet sets[2];
    for (int which = 0; which < 2; which++) {
        if (!EXPECT(shape.H * shape.W * shape.C * count <= MOST)) return d;
        draw_images(pixels[which], shape, count, which);
        sets[which] = (ImageSet){shape, (size_t)count, pixels[which], NULL};
    }
    EXPECT(multiscale_distance(&sets[0], &sets[1], 1, NULL, &d, NULL));
    return d;
}

static void expect_values(const SlicedDistance *d, double distance, double error)
{
    EXPECT_NEAR(d->distance, distance, 2e-5 * distance);
    EXPECT_NEAR(sliced_standard_error(d), error, 1e-3 * error);
}

TEST(distances_are_those_of_numpy)
{
    FILE *file = fopen("tests/golden/sliced_distance.txt", "r");
    int H, W, C, count, cases = 0, height, width;
    double distance, error;
    if (!EXPECT(file != NULL)) return;
    while (fscanf(file, " case %d %d %d %d", &H, &W, &C, &count) == 4) {
        MultiscaleDistance d = distance_of_images((Shape){.H = H, .W = W, .C = C}, count);
        EXPECT_INT(d.pyramid.count, 2);
        for (int l = 0; l < d.pyramid.count; l++) {
            EXPECT_INT(fscanf(file, "%d %d %lf %lf", &height, &width, &distance, &error), 4);
            EXPECT_INT(d.pyramid.level[l].H, height);
            EXPECT_INT(d.pyramid.level[l].W, width);
            expect_values(&d.level[0][l], distance, error);
        }
        EXPECT_INT(fscanf(file, "%lf %lf", &distance, &error), 2);
        expect_values(&d.mean[0], distance, error);
        cases++;
    }
    EXPECT_INT(cases, 2);
    fclose(file);
}

TEST(threads_change_no_bit)
{
    double first[2 + SLICED_PARTS];
    bool begun = false;
    FOR_THREADS(threads)
    {
        MultiscaleDistance d = distance_of_images((Shape){.H = 28, .W = 28, .C = 1}, 40);
        double found[2 + SLICED_PARTS] = {threads > 0, d.mean[0].distance};
        memcpy(found + 2, d.mean[0].without, sizeof d.mean[0].without);
        if (!begun) memcpy(first, found, sizeof first);
        EXPECT_SAME(found, first, sizeof found);
        begun = true;
    }
}

TEST(images_smaller_than_a_patch_are_one_patch)
{
    MultiscaleDistance d = distance_of_images((Shape){.H = 3, .W = 5, .C = 1}, 12);
    EXPECT_INT((long long)d.patches.per_image, 1);
    EXPECT_INT(d.patches.dims, 15);
    EXPECT(d.mean[0].distance > 0);
}

TEST(many_images_have_fewer_patches_each)
{
    Shape s = {.H = 28, .W = 28, .C = 1};
    EXPECT_INT((long long)patch_shape(s, 1000).per_image, 128);
    EXPECT_INT((long long)patch_shape(s, 10000).per_image, 13);
    EXPECT_INT((long long)patch_shape(s, 1000000).per_image, 1);
}

TEST(black_images_have_a_distance_that_is_a_number)
{
    Shape s = {.H = 14, .W = 14, .C = 1};
    static unsigned char black[20 * 14 * 14];
    MultiscaleDistance d;
    draw_images(pixels[0], s, 20, 0);
    ImageSet a = {s, 20, pixels[0], NULL}, b = {s, 20, black, NULL};
    EXPECT(multiscale_distance(&a, &b, 1, NULL, &d, NULL));
    EXPECT(d.mean[0].distance > 0.1 && d.mean[0].distance < 2);
}

static bool stop_late(void *context, double part)
{
    EXPECT(part >= 0 && part <= 1);
    return ++*(int *)context < 20;
}

TEST(an_interruption_ends_the_comparison)
{
    Shape s = {.H = 28, .W = 28, .C = 1};
    int calls = 0;
    WorkProgress progress = {&calls, stop_late};
    MultiscaleDistance d;
    Err err = {0};
    draw_images(pixels[0], s, 4, 0);
    ImageSet a = {s, 4, pixels[0], NULL};
    EXPECT_REFUSED(multiscale_distance(&a, &a, 1, &progress, &d, &err), err, ERR_INTERRUPTED,
                   "interrupted");
    EXPECT_INT(calls, 20);
}
