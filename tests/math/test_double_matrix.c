/* Products and eigenvectors in double, by the library of the build. */

#include "base/parallel.h"
#include "math/double_matrix.h"
#include "math/product_blas.h"
#include "test.h"

/* A build without a library, or with one that has no LAPACK, skips the case. */
static bool starts(void)
{
    Err err = {0};
    if (double_matrix_start("the test", &err)) return true;
    test_skip("no LAPACK");
    EXPECT_INT(err.kind, ERR_IO);
    EXPECT_CONTAINS(err.text, "the test needs ");
    return false;
}

static double *random_numbers(size_t n, unsigned tag)
{
    double *x = (double *)test_floats(2 * n);
    float *from = test_random(n, tag, 1);
    for (size_t i = 0; i < n; i++) x[i] = (double)from[i];
    return x;
}

static void expect_product(int M, int N, int K, bool transpose_a, bool transpose_b, double beta)
{
    size_t m = (size_t)M, n = (size_t)N, k = (size_t)K;
    double *a = random_numbers(m * k, 1), *b = random_numbers(k * n, 2);
    double *c = random_numbers(m * n, 3), *before = random_numbers(m * n, 3), worst = 0;
    DoubleProduct p = {.M = M,
                       .N = N,
                       .K = K,
                       .a = a,
                       .lda = transpose_a ? M : K,
                       .transpose_a = transpose_a,
                       .b = b,
                       .ldb = transpose_b ? K : N,
                       .transpose_b = transpose_b,
                       .beta = beta,
                       .c = c,
                       .ldc = N};
    double_product(&p);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = beta * before[i * n + j];
            for (size_t l = 0; l < k; l++)
                sum += (transpose_a ? a[l * m + i] : a[i * k + l]) *
                       (transpose_b ? b[j * k + l] : b[l * n + j]);
            worst = test_larger(worst, fabs(c[i * n + j] - sum));
        }
    EXPECT_NEAR(worst, 0, 1e-12 * K);
}

TEST(products_agree_with_plain_loops)
{
    if (!starts()) return;
    expect_product(3, 5, 7, false, false, 0);
    expect_product(300, 270, 40, true, false, 0);
    expect_product(257, 5, 31, false, true, 1);
    expect_product(4, 600, 9, true, true, 0.5);
}

TEST(threads_change_no_bit_of_a_product_of_which_the_upper_part_is_made)
{
    enum { N = 300, K = 77 };
    if (!starts()) return;
    double *x = random_numbers(K * N, 1), *first = random_numbers(N * N, 2);
    double *c = random_numbers(N * N, 2);
    DoubleProduct p = {.M = N,
                       .N = N,
                       .K = K,
                       .a = x,
                       .lda = N,
                       .transpose_a = true,
                       .b = x,
                       .ldb = N,
                       .c = first,
                       .ldc = N,
                       .upper = true};
    parallel_set_threads(1);
    double_product(&p);
    double_mirror(first, N);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < K; k++) sum += x[k * N + i] * x[k * N + j];
            EXPECT_NEAR(first[i * N + j], sum, 1e-10);
        }
    p.c = c;
    FOR_THREADS(threads)
    {
        parallel_set_threads(threads);
        double_product(&p);
        double_mirror(c, N);
        EXPECT_SAME(c, first, N * N * sizeof *c);
    }
}

/* Of the second differences: 2 - 2 cos(pi k / (n + 1)). */
TEST(eigenvalues_of_a_known_matrix_are_found)
{
    enum { N = 50 };
    double a[N * N] = {0}, values[N];
    Err err = {0};
    if (!starts()) return;
    for (int i = 0; i < N; i++) {
        a[i * N + i] = 2;
        if (i + 1 < N) a[i * N + i + 1] = -1;
    }
    EXPECT_OK(symmetric_eigen(a, N, values, &err), err);
    for (int k = 0; k < N; k++)
        EXPECT_NEAR(values[k], 2 - 2 * cos(3.14159265358979323846 * (k + 1) / (N + 1)), 1e-13);
}

TEST(eigenvectors_are_orthogonal_rows_that_make_the_matrix)
{
    enum { N = 91 };
    static double a[N * N], v[N * N], values[N];
    Err err = {0};
    if (!starts()) return;
    double *x = random_numbers(N * N, 5);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) a[i * N + j] = x[i > j ? i * N + j : j * N + i];
    for (int i = 0; i < N; i++) /* what lies below the diagonal is not read */
        for (int j = 0; j < N; j++) v[i * N + j] = j >= i ? a[i * N + j] : 1e9;
    EXPECT_OK(symmetric_eigen(v, N, values, &err), err);
    double worst = 0, skew = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0, inner = 0;
            for (int k = 0; k < N; k++) {
                sum += values[k] * v[k * N + i] * v[k * N + j];
                inner += v[i * N + k] * v[j * N + k];
            }
            worst = test_larger(worst, fabs(sum - a[i * N + j]));
            skew = test_larger(skew, fabs(inner - (i == j)));
        }
    EXPECT_NEAR(worst, 0, 1e-12);
    EXPECT_NEAR(skew, 0, 1e-13);
    for (int k = 1; k < N; k++) EXPECT(values[k] >= values[k - 1]);
}

TEST(a_build_without_a_library_says_what_to_build)
{
    Err err = {0};
    if (product_blas_is_built()) {
        if (starts()) EXPECT_OK(double_matrix_start("the test", &err), err);
        return;
    }
    EXPECT_REFUSED(double_matrix_start("the test", &err), err, ERR_IO, "make BLAS=openblas");
}
