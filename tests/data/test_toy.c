/* Toys: the points follow their formulas and depend on nothing but (seed, k). */
#include "data/toy.h"

#include "diffusion/denoiser.h"
#include "exact_denoiser.h"
#include "test.h"

enum { POINTS = 40000 };

static const ToyKind kinds[] = {TOY_TWO_MODES, TOY_RING, TOY_SWISS_ROLL, TOY_CHECKERBOARD};

static float *points_of(ToyKind kind, uint64_t seed)
{
    float *xy = test_floats(TOY_DIMS * POINTS);
    toy_points(kind, seed, false, 0, POINTS, xy);
    return xy;
}

/* Models and pictures in other people's hands come from these numbers. */
TEST(first_points_are_those_of_every_version)
{
    static const double expected[4][2] = {{4.462273121, 5.664247513},
                                          {-1.49487257, -1.314576387},
                                          {0.4695454538, -2.117906094},
                                          {1.691616416, 1.248484254}};
    for (int i = 0; i < 4; i++) {
        float xy[2];
        toy_point(kinds[i], 7, false, 3, xy);
        EXPECT_NEAR((double)xy[0], expected[i][0], 1e-6);
        EXPECT_NEAR((double)xy[1], expected[i][1], 1e-6);
    }
}

TEST(a_point_depends_on_seed_and_number_only)
{
    for (int i = 0; i < 4; i++) {
        float all[2 * 300], some[2 * 7], other[2];
        FOR_THREADS(threads)
        {
            EXPECT(threads > 0);
            toy_points(kinds[i], 5, false, 0, 300, all);
            toy_points(kinds[i], 5, false, 120, 7, some);
            EXPECT_SAME(all + 2 * 120, some, sizeof some);
        }
        toy_point(kinds[i], 6, false, 120, other);
        EXPECT(other[0] != some[0] && other[1] != some[1]);
        toy_point(kinds[i], 5, true, 120, other);
        EXPECT(other[0] != some[0] && other[1] != some[1]);
        /* Held-out points are no later training points. */
        for (int k = 0; k < 300; k++) EXPECT(all[2 * k] != other[0]);
    }
}

TEST(coordinates_have_the_stated_spread_within_the_stated_reach)
{
    static const double std[] = {4.1231, 1.4221, 1.39, 1.1547};
    for (int i = 0; i < 4; i++) {
        float *xy = points_of(kinds[i], 1);
        double square = 0;
        int outside = 0;
        for (int k = 0; k < 2 * POINTS; k++) {
            square += (double)xy[k] * (double)xy[k];
            outside += fabs((double)xy[k]) > toy_reach(kinds[i]);
        }
        /* The root mean square; two-modes has a mean as well. */
        double mean = kinds[i] == TOY_TWO_MODES ? 3 : 0;
        EXPECT_NEAR(sqrt(square / (2 * POINTS) - mean * mean), std[i], 0.02 * std[i]);
        EXPECT(outside < POINTS / 1000);
    }
}

TEST(two_modes_have_weights_4_to_1_and_unit_spread)
{
    float *xy = points_of(TOY_TWO_MODES, 2);
    double first = 0, square = 0, product = 0;
    for (int k = 0; k < POINTS; k++) {
        double centre = xy[2 * k] + xy[2 * k + 1] > 0 ? 5 : -5;
        double x = (double)xy[2 * k] - centre, y = (double)xy[2 * k + 1] - centre;
        first += centre > 0;
        square += x * x + y * y;
        product += x * y;
    }
    EXPECT_NEAR(first / POINTS, 0.8, 5 * sqrt(0.16 / POINTS));
    EXPECT_NEAR(square / (2 * POINTS), 1, 5 / sqrt((double)POINTS));
    EXPECT_NEAR(product / POINTS, 0, 5 / sqrt((double)POINTS));
}

TEST(swiss_roll_lies_along_its_spiral)
{
    float *xy = points_of(TOY_SWISS_ROLL, 3);
    double square = 0;
    for (int k = 0; k < 4000; k++) {
        double nearest = HUGE_VAL;
        for (int i = 0; i <= 2000; i++) {
            double a = 1.5 * 3.14159265358979 * (1 + 2 * i / 2000.0);
            nearest = fmin(nearest, hypot((double)xy[2 * k] - a * cos(a) / 5,
                                          (double)xy[2 * k + 1] - a * sin(a) / 5));
        }
        square += nearest * nearest;
    }
    /* Only the part of the noise across the curve is left: a standard deviation of 0.1. */
    EXPECT_NEAR(sqrt(square / 4000), 0.1, 0.007);
}

TEST(checkerboard_fills_eight_cells_evenly)
{
    float *xy = points_of(TOY_CHECKERBOARD, 4);
    int cells[4][4] = {{0}};
    for (int k = 0; k < POINTS; k++) {
        int i = (int)floor((double)xy[2 * k] + 2), j = (int)floor((double)xy[2 * k + 1] + 2);
        if (EXPECT(i >= 0 && i < 4 && j >= 0 && j < 4)) cells[i][j]++;
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            if ((i + j) % 2)
                EXPECT_INT(cells[i][j], 0);
            else
                EXPECT_NEAR(cells[i][j], POINTS / 8.0, 5 * sqrt(POINTS / 8.0));
}

/* Stein's identity: E[score(x)] = 0 and E[x score(x)^T] = -I hold for points of the mixture itself
 * and of no other distribution with other weights, places or widths. */
TEST(exact_score_of_the_mixture_belongs_to_the_points)
{
    for (int i = 0; i < 2; i++) {
        ToyMixture m;
        EXPECT(toy_mixture(kinds[i], &m));
        double sum = 0;
        for (int k = 0; k < m.modes; k++) sum += m.weights[k];
        EXPECT_NEAR(sum, 1, 1e-15);
        MixtureData data = {TOY_DIMS, m.modes, m.weights, m.means, m.stds};
        Denoiser exact = mixture_denoiser(&data);
        float *xy = points_of(kinds[i], 5);
        double *x = malloc(2 * POINTS * sizeof *x), *eps = malloc(2 * POINTS * sizeof *eps);
        for (int k = 0; k < 2 * POINTS; k++) x[k] = (double)xy[k];
        NoiseLevel level = {.alpha = 1, .sigma = 1e-6};
        Err err = {0};
        EXPECT(exact.predict(exact.context, POINTS, x, &level, 0, eps, &err));
        double moment[3][2] = {{0}}, square[3][2] = {{0}};
        for (int k = 0; k < POINTS; k++)
            for (int d = 0; d < 2; d++) {
                double s = score_from_eps(level, eps[2 * k + d]);
                double terms[3] = {s, x[2 * k] * s, x[2 * k + 1] * s};
                for (int r = 0; r < 3; r++) {
                    moment[r][d] += terms[r] / POINTS;
                    square[r][d] += terms[r] * terms[r] / POINTS;
                }
            }
        for (int r = 0; r < 3; r++)
            for (int d = 0; d < 2; d++)
                EXPECT_NEAR(moment[r][d], r == d + 1 ? -1 : 0, 5 * sqrt(square[r][d] / POINTS));
        free(x);
        free(eps);
    }
    ToyMixture m;
    EXPECT(!toy_mixture(TOY_SWISS_ROLL, &m));
    EXPECT(!toy_mixture(TOY_CHECKERBOARD, &m));
}
