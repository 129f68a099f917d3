/* Levels and steps of NCSNv2 against the values of its authors and of the specification, and the
 * widest pair of a set of points against the comparison of all pairs. */

#include "base/rng.h"
#include "diffusion/smld_levels.h"
#include "diffusion/widest_pair.h"
#include "test.h"

TEST(ratio_of_levels_solves_technique_2)
{
    EXPECT_NEAR(smld_ratio(784), 1.08197, 5e-6);
    EXPECT_NEAR(smld_ratio(3072), 1.0398, 5e-5);
    for (size_t dims = 32; dims < 200000; dims *= 3) {
        double g = smld_ratio(dims), shift = sqrt(2.0 * (double)dims) * (g - 1);
        double share = (erf((shift + 3 * g) / sqrt(2)) - erf((shift - 3 * g) / sqrt(2))) / 2;
        EXPECT_NEAR(share, 0.5, 1e-12);
    }
}

TEST(ratio_in_few_dimensions_is_that_of_ten_levels_over_two_decades)
{
    for (size_t dims = 1; dims <= 25; dims++) EXPECT_NEAR(smld_ratio(dims), 1.6681005, 1e-7);
    EXPECT_INT(smld_levels(10, 0.1, 2), 10);
}

TEST(number_of_levels_is_the_least_that_keeps_the_ratio)
{
    EXPECT_INT(smld_levels(10, 0.01, 784), 89);
    EXPECT_INT(smld_levels(15, 0.01, 784), 94);
    EXPECT_INT(smld_levels(20, 0.01, 784), 98);
    EXPECT_INT(smld_levels(28, 0.01, 784), 102);
    EXPECT_INT(smld_levels(0.0101, 0.01, 784), 2);
}

TEST(langevin_step_is_the_published_one)
{
    double cifar = pow(50 / 0.01, 1.0 / 231);
    EXPECT_NEAR(langevin_step_size(5, 0.01, cifar), 6.18e-6, 5e-9);
    EXPECT_NEAR(langevin_step_size(5, 0.01, 1.08197), 1.11e-5, 5e-8);
    EXPECT_NEAR(langevin_step_size(3, 0.01, 1.08197), 1.26e-5, 5e-8);
    EXPECT_NEAR(langevin_step_size(10, 0.01, 1.08197), 8.6e-6, 5e-8);
    /* It scales as the variance of the level. */
    EXPECT_NEAR(langevin_step_size(5, 3, 1.08197) / langevin_step_size(5, 0.01, 1.08197), 9e4,
                1e-3);
}

/* No step does better: the quantity of technique 4, in the paper's form, is least there. */
TEST(langevin_step_minimises_technique_4)
{
    static const int steps[] = {1, 2, 5, 100, 1000};
    static const double ratios[] = {1.0001, 1.04, 1.668, 30};
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 4; k++) {
            double best = langevin_step_size(steps[i], 0.1, ratios[k]), value[3];
            for (int j = 0; j < 3; j++) {
                double e = best * (0.99 + 0.01 * j), left = 1 - e / 0.01;
                double q = pow(left, 2 * steps[i]), b = 2 * e / (0.01 - 0.01 * left * left);
                value[j] = fabs(q * (ratios[k] * ratios[k] - b) + b - 1);
            }
            EXPECT(best > 0 && best <= 0.01);
            EXPECT(value[1] <= value[0] && value[1] <= value[2]);
        }
    }
}

/* ---- the widest pair ---- */

typedef struct {
    const float *x;
    size_t dims;
} Points;

static void point_of(void *context, size_t i, float *x)
{
    const Points *p = context;
    for (size_t d = 0; d < p->dims; d++) x[d] = p->x[i * p->dims + d];
}

static double widest(const float *x, size_t count, size_t dims)
{
    Points points = {x, dims};
    PointSet set = {.context = &points, .count = count, .dims = dims, .point = point_of};
    WidestPair found = {.distance = -1};
    Err err = {0};
    EXPECT(widest_pair(&set, &found, &err));
    EXPECT_TEXT(err.text, "");
    EXPECT(found.exact);
    return found.distance;
}

static double widest_of_all_pairs(const float *x, size_t count, size_t dims)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            double square = 0;
            for (size_t d = 0; d < dims; d++) {
                double difference = (double)x[i * dims + d] - (double)x[j * dims + d];
                square += difference * difference;
            }
            largest = fmax(largest, square);
        }
    return sqrt(largest);
}

TEST(widest_pair_of_few_points_is_exact)
{
    static const size_t counts[] = {2, 3, 17, 200, WIDEST_POINTS}, dims[] = {1, 2, 7, 784, 33};
    for (int k = 0; k < 5; k++) {
        float *x = test_random(counts[k] * dims[k], 1, 1);
        double all = widest_of_all_pairs(x, counts[k], dims[k]);
        EXPECT_NEAR(widest(x, counts[k], dims[k]), all, 1e-6 * all);
    }
    float one[3] = {1, 2, 3};
    EXPECT_NEAR(widest(one, 1, 3), 0, 0);
    EXPECT_NEAR(widest(one, 0, 3), 0, 0);
    float same[9] = {1, 2, 3, 1, 2, 3, 1, 2, 3};
    EXPECT_NEAR(widest(same, 3, 3), 0, 0);
}

/* Clouds, a ring and a filled square, of more points than are compared with each other. */
TEST(widest_pair_of_many_points_is_exact)
{
    enum { COUNT = 3000 };
    for (int shape = 0; shape < 4; shape++) {
        size_t dims = shape == 3 ? 50 : 2;
        float *x = test_random(COUNT * dims, 2, 1);
        for (size_t i = 0; i < COUNT; i++) {
            double u = rng_uniform(1, 2, i), v = rng_uniform(3, 4, i);
            if (shape == 1) {
                x[2 * i] = (float)cos(6.283185307 * u);
                x[2 * i + 1] = (float)sin(6.283185307 * u);
            } else if (shape == 2) {
                x[2 * i] = (float)u;
                x[2 * i + 1] = (float)v;
            }
        }
        double all = widest_of_all_pairs(x, COUNT, dims), found = widest(x, COUNT, dims);
        EXPECT_NEAR(found, all, 1e-6 * all);
    }
}

/* Wherever the two ends lie among the points, no start is one of them. */
TEST(widest_pair_of_two_outliers_is_found)
{
    enum { COUNT = 5000, DIMS = 3 };
    for (size_t at = 1; at < COUNT - 7; at += 311) {
        float *x = test_random(COUNT * DIMS, 4, 1);
        x[at * DIMS] = 100;
        x[(at + 6) * DIMS] = -90;
        double all = 190, found = widest(x, COUNT, DIMS);
        EXPECT(found >= all && found < all + 0.5);
    }
}

/* Points on a sphere allow no pair to be left out: past the limit the distance is a lower bound. */
TEST(widest_pair_of_more_than_the_limit_of_work_is_called_a_lower_bound)
{
    enum { COUNT = WIDEST_POINTS + 1, DIMS = 20000 };
    float *x = test_random((size_t)COUNT * DIMS, 6, 1);
    for (size_t i = 0; i < COUNT; i++) {
        double square = 0;
        for (size_t d = 0; d < DIMS; d++)
            square += (double)x[i * DIMS + d] * (double)x[i * DIMS + d];
        for (size_t d = 0; d < DIMS; d++) x[i * DIMS + d] /= (float)sqrt(square);
    }
    Points points = {x, DIMS};
    WidestPair found;
    for (size_t count = WIDEST_POINTS; count <= COUNT; count += COUNT - WIDEST_POINTS) {
        PointSet set = {.context = &points, .count = count, .dims = DIMS, .point = point_of};
        EXPECT(widest_pair(&set, &found, NULL));
        EXPECT(found.exact == (count <= WIDEST_POINTS));
        EXPECT(found.distance > 1.414 && found.distance < 1.44);
    }
}

TEST(widest_pair_of_a_sample_is_a_lower_bound)
{
    float x[4] = {1, 2, 4, 6};
    Points points = {x, 2};
    PointSet set = {.context = &points, .count = 2, .dims = 2, .point = point_of, .sampled = true};
    WidestPair found;
    EXPECT(widest_pair(&set, &found, NULL));
    EXPECT(!found.exact);
    EXPECT_NEAR(found.distance, 5, 1e-12);
}

TEST(widest_pair_does_not_depend_on_threads)
{
    enum { COUNT = 2000, DIMS = 37 };
    float *x = test_random(COUNT * DIMS, 5, 1);
    double first = widest(x, COUNT, DIMS);
    FOR_THREADS(threads)
    {
        double again = widest(x, COUNT, DIMS);
        if (!EXPECT_SAME(&again, &first, sizeof first)) fprintf(stderr, "%d threads\n", threads);
    }
}
