/* The Frechet distance of Gaussians: closed forms, values of SciPy, and its standard error. */

#include "base/fsio.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "io/npz.h"
#include "math/double_matrix.h"
#include "math/product_blas.h"
#include "model/frechet_distance.h"
#include "test.h"

static bool starts(void)
{
    Err err = {0};
    if (!product_blas_is_built()) {
        test_skip("built without a BLAS");
        return false;
    }
    return EXPECT_OK(double_matrix_start("the test", &err), err);
}

/* Of Gaussians of which mean and covariance are given. */
static double distance_of(int dims, double *mean1, double *covariance1, double *mean2,
                          double *covariance2)
{
    FeatureMoments a = {.dims = dims, .mean = mean1, .covariance = covariance1};
    FeatureMoments b = {.dims = dims, .mean = mean2, .covariance = covariance2};
    FrechetSet reference = {&a, NULL}, other = {&b, NULL};
    FrechetDistance d = {.distance = (double)NAN};
    Err err = {0};
    EXPECT_OK(frechet_distances(&reference, &other, 1, NULL, &d, &err), err);
    EXPECT(isnan(d.standard_error));
    return d.distance;
}

/* |mu1 - mu2|^2 + sum (s1 - s2)^2 for independent features. */
TEST(independent_features_have_the_closed_distance)
{
    double mean1[] = {1, 2, 3}, mean2[] = {1, 0, 3.5};
    double s1[9] = {4, 0, 0, 0, 9, 0, 0, 0, 0.25}, s2[9] = {1, 0, 0, 0, 9, 0, 0, 0, 0};
    if (!starts()) return;
    EXPECT_NEAR(distance_of(3, mean1, s1, mean2, s2), 4.25 + 1 + 0 + 0.25, 1e-13);
    EXPECT_NEAR(distance_of(3, mean2, s2, mean1, s1), 4.25 + 1 + 0 + 0.25, 1e-13);
}

/* Covariances with the same eigenvectors: the same sum over the roots of their eigenvalues. */
TEST(commuting_covariances_have_the_closed_distance)
{
    double zero[2] = {0}, c = cos(0.7), s = sin(0.7);
    double s1[4] = {9 * c * c + s * s, (9 - 1) * c * s, (9 - 1) * c * s, 9 * s * s + c * c};
    double s2[4] = {4 * c * c + 25 * s * s, (4 - 25) * c * s, (4 - 25) * c * s,
                    4 * s * s + 25 * c * c};
    if (!starts()) return;
    EXPECT_NEAR(distance_of(2, zero, s1, zero, s2), 1 + 16, 1e-13);
}

/* In two dimensions tr M^(1/2) = (tr M + 2 det(M)^(1/2))^(1/2), here for M = S1 S2, which is not symmetric. */
TEST(correlated_covariances_have_the_closed_distance)
{
    double mean1[] = {0.5, -1}, mean2[] = {0, 1};
    double s1[4] = {2, 1.2, 1.2, 1}, s2[4] = {1, -0.6, -0.6, 3};
    double trace = 2 * 1 - 2 * 1.2 * 0.6 + 1 * 3;
    double det = (2 * 1 - 1.2 * 1.2) * (1 * 3 - 0.6 * 0.6);
    if (!starts()) return;
    EXPECT_NEAR(distance_of(2, mean1, s1, mean2, s2),
                4.25 + 3 + 4 - 2 * sqrt(trace + 2 * sqrt(det)), 1e-13);
}

/* Covariances of one direction each, a a^T and b b^T: |a|^2 + |b|^2 - 2 |a b|. */
TEST(singular_covariances_have_the_closed_distance)
{
    enum { D = 40 };
    static double s1[D * D], s2[D * D], nothing[D * D], zero[D];
    double a[D], b[D], aa = 0, bb = 0, ab = 0;
    if (!starts()) return;
    for (int i = 0; i < D; i++) {
        a[i] = i % 7 - 2;
        b[i] = i % 5 - 3;
        aa += a[i] * a[i];
        bb += b[i] * b[i];
        ab += a[i] * b[i];
    }
    for (int i = 0; i < D * D; i++) {
        s1[i] = a[i / D] * a[i % D];
        s2[i] = b[i / D] * b[i % D];
    }
    EXPECT_NEAR(distance_of(D, zero, s1, zero, s2), aa + bb - 2 * fabs(ab), 1e-10);
    EXPECT_NEAR(distance_of(D, zero, s1, zero, nothing), aa, 1e-10);
    EXPECT_NEAR(distance_of(D, zero, nothing, zero, s2), bb, 1e-10);
}

/* ---- features ---- */

static bool moments_of(const Features *f, FeatureMoments *out)
{
    Err err = {0};
    return EXPECT_OK(feature_moments(f, NULL, out, &err), err);
}

TEST(moments_are_those_of_plain_loops_for_any_number_of_threads)
{
    enum { N = 700, D = 300 };
    FeatureMoments first;
    Features f = {.count = N, .dims = D, .values = test_random(N * D, 1, 2)};
    if (!starts()) return;
    parallel_set_threads(1);
    if (!moments_of(&f, &first)) return;
    for (int a = 0; a < D; a += 13)
        for (int b = 0; b < D; b += 7) {
            double sum = 0, mean_a = 0, mean_b = 0;
            for (int i = 0; i < N; i++) {
                mean_a += (double)f.values[i * D + a] / N;
                mean_b += (double)f.values[i * D + b] / N;
            }
            for (int i = 0; i < N; i++)
                sum +=
                    ((double)f.values[i * D + a] - mean_a) * ((double)f.values[i * D + b] - mean_b);
            EXPECT_NEAR(first.mean[a], mean_a, 1e-13);
            EXPECT_NEAR(first.covariance[a * D + b], sum / (N - 1), 1e-12);
        }
    FOR_THREADS(threads)
    {
        FeatureMoments m;
        parallel_set_threads(threads);
        if (!moments_of(&f, &m)) continue;
        EXPECT_SAME(m.mean, first.mean, D * sizeof(double));
        EXPECT_SAME(m.covariance, first.covariance, D * D * sizeof(double));
        feature_moments_free(&m);
    }
    feature_moments_free(&first);
}

static bool compare(const Features *reference, const Features *others, int count,
                    FrechetDistance *out)
{
    FeatureMoments m[3];
    FrechetSet sets[3];
    Err err = {0};
    bool ok = true;
    for (int i = 0; i <= count; i++) {
        const Features *f = i < count ? &others[i] : reference;
        ok = moments_of(f, &m[i]) && ok;
        sets[i] = (FrechetSet){&m[i], f};
    }
    ok = ok && EXPECT_OK(frechet_distances(&sets[count], sets, count, NULL, out, &err), err);
    for (int i = 0; i <= count; i++) feature_moments_free(&m[i]);
    return ok;
}

TEST(equal_sets_have_no_distance_also_fewer_vectors_than_features)
{
    Features many = {.count = 90, .dims = 20, .values = test_random(90 * 20, 1, 1)};
    Features few = {.count = 15, .dims = 20, .values = many.values};
    FrechetDistance d;
    if (!starts()) return;
    if (compare(&many, &many, 1, &d)) EXPECT_NEAR(d.distance, 0, 1e-12);
    EXPECT_NEAR(d.standard_error, 0, 1e-9);
    if (compare(&few, &few, 1, &d)) EXPECT_NEAR(d.distance, 0, 1e-5);
    EXPECT_NEAR(d.standard_error, 0, 1e-5);
}

TEST(threads_change_no_bit)
{
    enum { N = 300, D = 40 };
    Features a = {.count = N, .dims = D, .values = test_random(N * D, 1, 1)};
    Features others[] = {{.count = N, .dims = D, .values = test_random(N * D, 2, 1.5f)},
                         {.count = 30, .dims = D, .values = test_random(N * D, 3, 1)}};
    FrechetDistance first[2], d[2];
    if (!starts()) return;
    parallel_set_threads(1);
    if (!compare(&a, others, 2, first)) return;
    FOR_THREADS(threads)
    {
        parallel_set_threads(threads);
        if (compare(&a, others, 2, d)) EXPECT_SAME(d, first, sizeof d);
    }
}

/* Two sets of N vectors are drawn anew 200 times: the spread of the distances is what their standard errors say.
 * The spread of a spread of 200 is 5 %. */
static void expect_honest_error(int N, int D, float scale, float shift, double slack)
{
    enum { TIMES = 200 };
    size_t numbers = (size_t)N * (size_t)D;
    float *x = test_floats(numbers), *y = test_floats(numbers);
    Features a = {.count = (size_t)N, .dims = D, .values = x}, b = a;
    double sum = 0, square = 0, said = 0;
    b.values = y;
    for (unsigned k = 0; k < TIMES; k++) {
        FrechetDistance d;
        test_normals(x, numbers, 100 + 2 * k, 1);
        test_normals(y, numbers, 101 + 2 * k, scale);
        for (size_t i = 0; i < numbers; i++) y[i] += shift;
        if (!compare(&a, &b, 1, &d)) return;
        sum += d.distance / TIMES;
        square += d.distance * d.distance / TIMES;
        said += d.standard_error / TIMES;
    }
    double spread = sqrt((square - sum * sum) * TIMES / (TIMES - 1));
    EXPECT_NEAR(said / spread, 1, slack);
}

TEST(the_standard_error_is_the_spread_of_other_draws)
{
    if (!starts()) return;
    expect_honest_error(400, 3, 2, 0.5f, 0.2);
    expect_honest_error(300, 20, 1.5f, 0, 0.2);
}

TEST(vectors_of_one_set_alone_give_its_part_of_the_error)
{
    enum { N = 400, D = 4 };
    Features f[] = {{.count = N, .dims = D, .values = test_random(N * D, 1, 1)},
                    {.count = N, .dims = D, .values = test_random(N * D, 2, 3)}};
    FeatureMoments m[2];
    FrechetDistance both, first, second;
    if (!starts() || !moments_of(&f[0], &m[0]) || !moments_of(&f[1], &m[1])) return;
    FrechetSet known[] = {{&m[0], &f[0]}, {&m[1], &f[1]}}, bare[] = {{&m[0], NULL}, {&m[1], NULL}};
    EXPECT(frechet_distances(&known[0], &known[1], 1, NULL, &both, NULL));
    EXPECT(frechet_distances(&known[0], &bare[1], 1, NULL, &first, NULL));
    EXPECT(frechet_distances(&bare[0], &known[1], 1, NULL, &second, NULL));
    EXPECT_NEAR(hypot(first.standard_error, second.standard_error), both.standard_error,
                1e-12 * both.standard_error);
    EXPECT(first.standard_error > 0 && second.standard_error > 2 * first.standard_error);
    for (int i = 0; i < 2; i++) feature_moments_free(&m[i]);
}

/* ---- SciPy ---- */

/* As in tests/golden/frechet_distance.py: whole numbers over 64, exact in float32. */
static void draw(float *out, int count, int dims, int which)
{
    for (int i = 0; i < count; i++)
        for (int k = 0; k < dims; k++) {
            int first = i * i * 3 + 7 * i * k + 5 * k * k + 11 * i, second = first + 13 * i * k;
            int number = which == 0 ? first % 97 : second % 89 + k % 5;
            *out++ = (float)number / 64;
        }
}

TEST(distances_are_those_of_scipy)
{
    FILE *file = fopen("tests/golden/frechet_distance.txt", "r");
    int count, dims, cases = 0;
    double distance, means;
    if (!starts() || !EXPECT(file != NULL)) return;
    while (fscanf(file, "%d %d %lf %lf", &count, &dims, &distance, &means) == 4) {
        Features f[2];
        FrechetDistance d = {.distance = (double)NAN};
        for (int which = 0; which < 2; which++) {
            float *values = test_floats((size_t)count * (size_t)dims);
            draw(values, count, dims, which);
            f[which] = (Features){.count = (size_t)count, .dims = dims, .values = values};
        }
        compare(&f[0], &f[1], 1, &d);
        EXPECT_NEAR(d.distance, distance, 1e-6 * distance);
        EXPECT_NEAR(d.means, means, 1e-9 * means);
        cases++;
    }
    EXPECT_INT(cases, 3);
    fclose(file);
}

/* ---- files ---- */

TEST(statistics_are_read_as_they_were_written)
{
    Features f = {.count = 50, .dims = 6, .values = test_random(300, 1, 1)};
    FeatureMoments m, again;
    Err err = {0};
    const char *path = test_path("s.npz");
    if (!starts() || !moments_of(&f, &m)) return;
    EXPECT_OK(feature_moments_write(path, &m, &err), err);
    if (EXPECT_OK(feature_moments_read(path, &again, &err), err)) {
        EXPECT_INT(again.dims, 6);
        EXPECT_INT((long long)again.count, 0);
        EXPECT_SAME(again.mean, m.mean, 6 * sizeof(double));
        EXPECT_SAME(again.covariance, m.covariance, 36 * sizeof(double));
        feature_moments_free(&again);
    }
    feature_moments_free(&m);
}

/* Written by numpy.savez_compressed (tests/golden/npz_seeds.py). */
TEST(statistics_of_numpy_are_read)
{
    FeatureMoments m;
    Err err = {0};
    if (!EXPECT_OK(feature_moments_read("tests/fuzz/seeds/npz/statistics.npz", &m, &err), err))
        return;
    EXPECT_INT(m.dims, 2);
    EXPECT_NEAR(m.mean[0], 0.5, 0);
    EXPECT_NEAR(m.mean[1], -2, 0);
    EXPECT_NEAR(m.covariance[0], 1.5, 0);
    EXPECT_NEAR(m.covariance[1], 0.25, 0);
    EXPECT_NEAR(m.covariance[3], 2, 0);
    feature_moments_free(&m);
}

TEST(statistics_in_fortran_order_are_read)
{
    const char *path = "tests/fuzz/seeds/npz/statistics_fortran.npz";
    static const double table[] = {1, 2, 3, 4, 5, 6};
    NpzNumbers array = {.name = "table", .dims = 2};
    FeatureMoments m;
    Err err = {0};
    if (EXPECT_OK(npz_read_numbers(path, "a table is expected", &array, 1, &err), err)) {
        EXPECT_INT(array.shape[0], 2);
        EXPECT_INT(array.shape[1], 3);
        EXPECT_SAME(array.values, table, sizeof table);
    }
    npz_free_numbers(&array, 1);
    if (!EXPECT_OK(feature_moments_read(path, &m, &err), err)) return;
    EXPECT_NEAR(m.covariance[0], 1.5, 0);
    EXPECT_NEAR(m.covariance[1], 0.25, 0);
    EXPECT_NEAR(m.covariance[3], 2, 0);
    feature_moments_free(&m);
}

static void expect_refused(double *mean, double *covariance, const char *words)
{
    FeatureMoments m = {.dims = 2, .mean = mean, .covariance = covariance}, out;
    Err err = {0};
    const char *path = test_path("bad.npz");
    EXPECT_OK(feature_moments_write(path, &m, &err), err);
    EXPECT_REFUSED(feature_moments_read(path, &out, &err), err, ERR_FORMAT, words);
    EXPECT_CONTAINS(err.text, path);
}

TEST(numbers_that_are_no_statistics_are_refused)
{
    double mean[] = {1, 2}, endless[] = {1, (double)INFINITY};
    double good[] = {1, 0, 0, 1}, missing[] = {1, 0, 0, (double)NAN}, skew[] = {1, 0.5, 0, 1};
    double negative[] = {1, 0, 0, -1};
    expect_refused(endless, good, "mu holds a number that is not finite");
    expect_refused(mean, missing, "sigma holds a number that is not finite");
    expect_refused(mean, skew, "sigma is not symmetric");
    expect_refused(mean, negative, "sigma has a negative variance");
}

TEST(other_arrays_are_refused)
{
    static const char *const files[][2] = {
        {"statistics_float32", "mu is of the type '<f4'; expected '<f8' (float64)"},
        {"statistics_other_size", "mu has 2 numbers, but sigma is 3 x 3"},
        {"statistics_flat", "sigma is no array of 2 dimensions"},
        {"statistics_half", "holds no array sigma, where the statistics mu and sigma"},
        {"stored", "holds no array mu, where the statistics mu and sigma"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64];
        FeatureMoments m;
        Err err = {0};
        snprintf(path, sizeof path, "tests/fuzz/seeds/npz/%s.npz", files[i][0]);
        EXPECT_REFUSED(feature_moments_read(path, &m, &err), err, ERR_FORMAT, files[i][1]);
        EXPECT_CONTAINS(err.text, path);
    }
}

TEST(a_file_cut_at_any_byte_is_refused)
{
    FileBytes file;
    const char *path = test_path("cut.npz");
    if (!EXPECT(file_read("tests/fuzz/seeds/npz/statistics.npz", 1 << 20, &file, NULL))) return;
    for (size_t size = 0; size < file.size; size++) {
        FeatureMoments m;
        Err err = {0};
        if (!EXPECT(file_write(path, (const char *)file.bytes, size, NULL))) break;
        EXPECT_REFUSED(feature_moments_read(path, &m, &err), err, ERR_FORMAT, path);
    }
    file_free(&file);
}
