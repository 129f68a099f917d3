/* The kernel distance: plain double loops, its expectation, its standard error. */

#include "base/parallel.h"
#include "model/kernel_distance.h"
#include "test.h"

static double kernel(const float *x, const float *y, int dims)
{
    double dot = 0;
    for (int k = 0; k < dims; k++) dot += (double)x[k] * (double)y[k];
    double k = dot / dims + 1;
    return k * k * k;
}

/* The unbiased estimate without vectors whose place is in part `without` of ten; -1: of all. */
static double plain(const Features *a, const Features *b, int without)
{
    const Features *pairs[3][2] = {{a, a}, {b, b}, {a, b}};
    double result = 0;
    for (int p = 0; p < 3; p++) {
        const Features *x = pairs[p][0], *y = pairs[p][1];
        double sum = 0, count = 0;
        for (int i = 0; i < (int)x->count; i++)
            for (int j = 0; j < (int)y->count; j++) {
                if (i * 10 / (int)x->count == without || j * 10 / (int)y->count == without)
                    continue;
                if (x == y && i == j) continue;
                sum += kernel(x->values + i * x->dims, y->values + j * y->dims, x->dims);
                count++;
            }
        result += (p == 2 ? -2 : 1) * sum / count;
    }
    return result;
}

static KernelDistance distance_of(const Features *a, const Features *b)
{
    KernelDistance d = {.distance = (double)NAN};
    Err err = {0};
    EXPECT_OK(kernel_distances(a, b, 1, NULL, &d, &err), err);
    return d;
}

TEST(a_distance_by_hand)
{
    /* d = 1: k = (x y + 1)^3. k(1,-1) = 0, k(2,0) = 1; k(1,2) = 27, k(1,0) = 1, k(-1,2) = -1, k(-1,0) = 1. */
    const float x[] = {1, -1}, y[] = {2, 0};
    Features a = {.count = 2, .dims = 1, .values = x}, b = {.count = 2, .dims = 1, .values = y};
    KernelDistance d = distance_of(&a, &b);
    EXPECT_NEAR(d.distance, 0 + 1 - 2 * (27 + 1 - 1 + 1) / 4.0, 1e-12);
    EXPECT(isnan(d.standard_error));
    EXPECT_INT(d.subsets, 1);
    EXPECT_INT(d.vectors, 2);
}

TEST(whole_sets_agree_with_plain_loops)
{
    enum { N = 47, D = 19 };
    Features a = {.count = N, .dims = D, .values = test_random(N * D, 1, 1)};
    Features b = {.count = N, .dims = D, .values = test_random(N * D, 2, 1.3f)};
    KernelDistance d = distance_of(&a, &b);
    double mean = 0, square = 0, without[10];
    for (int g = 0; g < 10; g++) mean += (without[g] = plain(&a, &b, g)) / 10;
    for (int g = 0; g < 10; g++) square += (without[g] - mean) * (without[g] - mean);
    EXPECT_NEAR(d.distance, plain(&a, &b, -1), 1e-6);
    EXPECT_NEAR(d.standard_error, sqrt(0.9 * square), 1e-6);
}

TEST(two_sets_are_compared_as_each_alone)
{
    enum { N = 31, D = 5 };
    Features a = {.count = N, .dims = D, .values = test_random(N * D, 1, 1)};
    Features b[] = {{.count = N, .dims = D, .values = test_random(N * D, 2, 1)},
                    {.count = N, .dims = D, .values = test_random(N * D, 3, 2)}};
    KernelDistance both[2];
    EXPECT(kernel_distances(&a, b, 2, NULL, both, NULL));
    for (int i = 0; i < 2; i++) {
        KernelDistance one = distance_of(&a, &b[i]);
        EXPECT_NEAR(both[i].distance, one.distance, 0);
        EXPECT_NEAR(both[i].standard_error, one.standard_error, 0);
    }
}

/* The estimate is unbiased: of two draws of one distribution it is 0 but for its error, whatever their number. */
TEST(draws_of_one_distribution_have_no_distance)
{
    enum { D = 8 };
    static const size_t counts[] = {30, 300, 2000};
    for (unsigned k = 0; k < 3; k++) {
        size_t n = counts[k];
        Features a = {.count = n, .dims = D, .values = test_random(n * D, 10 + k, 1)};
        Features b = {.count = n, .dims = D, .values = test_random(n * D, 20 + k, 1)};
        KernelDistance d = distance_of(&a, &b);
        EXPECT(fabs(d.distance) < 4 * d.standard_error);
        EXPECT_INT(d.subsets, n > 1000 ? 100 : 1);
        EXPECT_INT(d.vectors, n > 1000 ? 1000 : (int)n);
    }
}

/* Subsets of sets of 1500 and 1200 have the distance of the sets; without repetition the error is near that of all
 * pairs. */
TEST(subsets_have_the_distance_of_the_sets)
{
    enum { N = 1500, M = 1200, D = 3 };
    Features a = {.count = N, .dims = D, .values = test_random(N * D, 1, 1)};
    Features b = {.count = M, .dims = D, .values = test_random(M * D, 2, 1.4f)};
    KernelDistance d = distance_of(&a, &b);
    double whole = plain(&a, &b, -1);
    EXPECT(d.standard_error > 0.01 * whole && d.standard_error < 0.5 * whole);
    EXPECT_NEAR(d.distance, whole, 0.5 * d.standard_error);
}

TEST(the_standard_error_is_the_spread_of_other_draws)
{
    enum { N = 100, D = 6, TIMES = 200 };
    float *x = test_floats(N * D), *y = test_floats(N * D);
    Features a = {.count = N, .dims = D, .values = x}, b = {.count = N, .dims = D, .values = y};
    double sum = 0, square = 0, said = 0;
    for (unsigned k = 0; k < TIMES; k++) {
        test_normals(x, N * D, 100 + 2 * k, 1);
        test_normals(y, N * D, 101 + 2 * k, 1.5f);
        KernelDistance d = distance_of(&a, &b);
        sum += d.distance / TIMES;
        square += d.distance * d.distance / TIMES;
        said += d.standard_error / TIMES;
    }
    double spread = sqrt((square - sum * sum) * TIMES / (TIMES - 1));
    EXPECT_NEAR(said / spread, 1, 0.25);
}

TEST(threads_change_no_bit)
{
    enum { N = 1300, D = 20 };
    Features a = {.count = N, .dims = D, .values = test_random(N * D, 1, 1)};
    Features b = {.count = N, .dims = D, .values = test_random(N * D, 2, 1.2f)};
    parallel_set_threads(1);
    KernelDistance first = distance_of(&a, &b);
    FOR_THREADS(threads)
    {
        parallel_set_threads(threads);
        KernelDistance d = distance_of(&a, &b);
        EXPECT_SAME(&d, &first, sizeof d);
    }
}
