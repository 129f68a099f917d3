/* The noise of images between two seeds. */

#include "diffusion/noise_source.h"

#include "test.h"

enum { DIMS = 1000, COUNT = 5 };

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < DIMS; i++) sum += a[i] * b[i];
    return sum;
}

static double angle(const double *a, const double *b)
{
    return acos(dot(a, b) / sqrt(dot(a, a) * dot(b, b)));
}

TEST(the_way_between_two_seeds_has_their_draws_at_its_ends_and_even_angles)
{
    static double z[COUNT][DIMS], a[DIMS], b[DIMS];
    for (uint64_t draw = 0; draw < 3; draw++) {
        SeedPath path = {.from = 3, .to = 8, .count = COUNT};
        SeedNoise first = {.first_seed = 3}, last = {.first_seed = 8};
        NoiseSource between = path_noise(&path), from = seed_noise(&first), to = seed_noise(&last);
        for (int k = 0; k < COUNT; k++) between.normals(between.context, k, draw, DIMS, z[k]);
        from.normals(from.context, 0, draw, DIMS, a);
        to.normals(to.context, 0, draw, DIMS, b);
        EXPECT_SAME(z[0], a, sizeof a);
        EXPECT_SAME(z[COUNT - 1], b, sizeof b);
        /* The two draws are not of quite the same length, which bends the angles a little. */
        for (int k = 1; k < COUNT; k++) {
            EXPECT_NEAR(angle(z[0], z[k]), k * angle(a, b) / (COUNT - 1), 0.06);
            EXPECT_NEAR(dot(z[k], z[k]) / DIMS, 1, 5 * sqrt(2.0 / DIMS));
        }
        /* An image of a later call is the same. */
        static double alone[DIMS];
        path.first = 2;
        between.normals(between.context, 0, draw, DIMS, alone);
        EXPECT_SAME(alone, z[2], sizeof alone);
    }
}

TEST(a_seed_and_itself_have_one_image_between_them)
{
    static double a[DIMS], z[DIMS];
    SeedPath path = {.from = 3, .to = 3, .count = 3};
    SeedNoise first = {.first_seed = 3};
    NoiseSource between = path_noise(&path), from = seed_noise(&first);
    between.normals(between.context, 1, 0, DIMS, z);
    from.normals(from.context, 0, 0, DIMS, a);
    for (int i = 0; i < DIMS; i++) EXPECT_NEAR(z[i], a[i], 1e-14);
}
