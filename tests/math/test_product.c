/* The products: values against a plain loop in double, and what product.h promises of an element's bits:
 * of our own levels that they depend on nothing but its row of A and its column of B, of a BLAS that
 * they depend neither on threads and packing nor on the other images of a batch. */

#include "base/parallel.h"
#include "math/product.h"
#include "math/vec.h"
#include "test.h"

/* A product with operands of its own, rows longer than they need be. */
typedef struct {
    Product p;
    float *a, *b, *c, *d, *bias;
    size_t c_floats;
} Case;

enum { TRANSPOSE_A = 1, TRANSPOSE_B = 2, BIAS = 4, RESIDUAL = 8, SCALED = 16, FORMS = 32 };

static Case case_make(int M, int N, int K, int form)
{
    Case t = {.p = {.M = M, .N = N, .K = K, .alpha = form & SCALED ? -0.25f : 1}};
    Product *p = &t.p;
    p->transpose_a = form & TRANSPOSE_A, p->transpose_b = form & TRANSPOSE_B;
    p->lda = (p->transpose_a ? M : K) + 3, p->ldb = p->transpose_b ? K + 1 : N + 2;
    p->ldc = N + 5, p->ldd = N + 1;
    p->a = t.a = test_random((size_t)(p->transpose_a ? K : M) * (size_t)p->lda + 1, 1, 1);
    p->b = t.b = test_random((size_t)(p->transpose_b ? N : K) * (size_t)p->ldb + 1, 2, 1);
    t.d = test_random((size_t)M * (size_t)p->ldd + 1, 3, 1);
    t.bias = test_random((size_t)N + 1, 4, 1);
    if (form & BIAS) p->bias = t.bias;
    if (form & RESIDUAL) p->d = t.d, p->beta = form & SCALED ? 0.5f : 1;
    t.c_floats = (size_t)M * (size_t)p->ldc + 1;
    p->c = t.c = test_floats(t.c_floats);
    for (size_t i = 0; i < t.c_floats; i++) t.c[i] = NAN;
    return t;
}

/* With exactly the scratch that is promised to be enough: a sanitizer sees any reach beyond. */
static void run(const Product *p)
{
    float *scratch = test_random(product_scratch_floats(p->N, p->K, parallel_threads()), 5, 1);
    product_run(p, scratch);
}

static void run_here(const Product *p)
{
    float *scratch = test_random(product_scratch_here_floats(p->N, p->K), 5, 1);
    product_run_here(p, scratch);
}

/* [M,N] without gaps, by the formula. */
static float *expected_of(const Product *p)
{
    size_t N = (size_t)p->N;
    float *y = test_floats((size_t)p->M * N + 1);
    for (size_t at = 0; at < (size_t)p->M * N; at++) {
        int i = (int)(at / N), j = (int)(at % N);
        double sum = 0;
        for (int k = 0; k < p->K; k++)
            sum += (double)p->a[p->transpose_a ? k * p->lda + i : i * p->lda + k] *
                   (double)p->b[p->transpose_b ? j * p->ldb + k : k * p->ldb + j];
        sum = (double)p->alpha * sum + (p->bias ? (double)p->bias[j] : 0);
        if (p->beta != 0) sum += (double)p->beta * (double)p->d[i * p->ldd + j];
        y[at] = (float)sum;
    }
    return y;
}

/* C without its gaps, which must still be NaN. */
static float *result_of(const Case *t)
{
    size_t M = (size_t)t->p.M, N = (size_t)t->p.N, ldc = (size_t)t->p.ldc, touched = 0;
    float *y = test_floats(M * N + 1);
    for (size_t i = 0; i < t->c_floats; i++) {
        if (i / ldc < M && i % ldc < N)
            y[i / ldc * N + i % ldc] = t->c[i];
        else
            touched += !isnan(t->c[i]);
    }
    EXPECT_INT((long long)touched, 0);
    return y;
}

static void check(int M, int N, int K, int form)
{
    Case t = case_make(M, N, K, form);
    float *expected = expected_of(&t.p);
    run(&t.p);
    float *y = result_of(&t);
    if (!EXPECT_CLOSE(y, expected, (size_t)M * (size_t)N, 2e-6))
        printf("  %s: M %d N %d K %d, form %d\n", vec_level(), M, N, K, form);
}

TEST(product_agrees_with_the_reference_for_every_form_and_tile)
{
    static const int rows[] = {1, 2, 3, 5, 6, 7, 13, 14, 15, 17, 100}, columns[] = {1, 16, 17, 49},
                     sums[] = {1, 3, 4, 21};
    for (int form = 0; form < FORMS; form++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            for (size_t j = 0; j < sizeof columns / sizeof *columns; j++)
                for (size_t k = 0; k < sizeof sums / sizeof *sums; k++)
                    check(rows[i], columns[j], sums[k], form);
}

TEST(product_agrees_with_the_reference_where_it_is_packed_and_shared_out)
{
    static const int shapes[][3] = {{1, 300, 120}, {3, 512, 64},  {49, 64, 64}, {96, 64, 64},
                                    {97, 33, 100}, {230, 96, 32}, {40, 130, 70}};
    FOR_THREADS(threads)
    {
        parallel_set_threads(threads);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            for (int form = 0; form < FORMS; form += 7)
                check(shapes[i][0], shapes[i][1], shapes[i][2], form);
    }
}

/* The rows and columns from (row, column) on, of a product whose operands stay where they are. */
static Product part_of(const Product *p, int row, int rows, int column, int columns)
{
    Product part = *p;
    size_t r = (size_t)row, c = (size_t)column;
    part.M = rows, part.N = columns;
    part.a += p->transpose_a ? r : r * (size_t)p->lda;
    part.b += p->transpose_b ? c * (size_t)p->ldb : c;
    part.c += r * (size_t)p->ldc + c;
    if (p->bias) part.bias += c;
    if (p->beta != 0) part.d += r * (size_t)p->ldd + c;
    return part;
}

/* What product.h promises of an element, whatever the compiler fuses or makes vectors of. */
TEST(product_has_the_bits_of_one_chain_of_multiply_adds_per_element)
{
    enum { M = 31, N = 37, K = 21 };
    if (vec_uses_blas()) return; /* its bits follow the shape of a product */
    for (int form = 0; form < FORMS; form++) {
        Case t = case_make(M, N, K, form);
        const Product *p = &t.p;
        float *expected = test_floats(M * N);
        for (int i = 0; i < M; i++) {
            for (int j = 0; j < N; j++) {
                float sum = 0;
                for (int k = 0; k < K; k++)
                    sum = test_multiply_add(p->a[p->transpose_a ? k * p->lda + i : i * p->lda + k],
                                            p->b[p->transpose_b ? j * p->ldb + k : k * p->ldb + j],
                                            sum);
                float y = test_multiply_add(p->alpha, sum, p->bias ? p->bias[j] : 0);
                if (p->beta != 0) y = test_multiply_add(p->beta, p->d[i * p->ldd + j], y);
                expected[i * N + j] = y;
            }
        }
        run(p);
        float *y = result_of(&t);
        if (!EXPECT_SAME(y, expected, M * N * sizeof *y))
            printf("  %s, form %d\n", vec_level(), form);
    }
}

TEST(product_bits_do_not_depend_on_the_split_of_rows_or_columns)
{
    enum { M = 110, N = 80, K = 57 };
    if (vec_uses_blas()) return; /* its bits follow the shape of a product */
    for (int form = 0; form < FORMS; form++) {
        Case t = case_make(M, N, K, form);
        run(&t.p);
        float *whole = result_of(&t);
        memset(t.c, 0xff, t.c_floats * sizeof *t.c);
        for (int row = 0, rows = 1; row < M; row += rows, rows = rows % 16 + 1) {
            for (int column = 0, columns = 3; column < N; column += columns, columns += 7) {
                int left = N - column < columns ? N - column : columns;
                Product part = part_of(&t.p, row, M - row < rows ? M - row : rows, column, left);
                run_here(&part);
            }
        }
        float *parts = result_of(&t);
        if (!EXPECT_SAME(parts, whole, M * N * sizeof *parts))
            printf("  %s, form %d\n", vec_level(), form);
    }
}

TEST(product_bits_do_not_depend_on_threads_or_packing)
{
    static const int shapes[][3] = {{5, 200, 300}, {64, 96, 64}, {300, 64, 40}, {33, 50, 600}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (int form = 0; form < FORMS; form += 3) {
            int M = shapes[i][0], N = shapes[i][1], K = shapes[i][2];
            size_t bytes = (size_t)M * (size_t)N * sizeof(float);
            Case t = case_make(M, N, K, form);
            float *packed = test_floats(product_packed_floats(N, K));
            run_here(&t.p);
            float *alone = result_of(&t);
            FOR_THREADS(threads)
            {
                parallel_set_threads(threads);
                run(&t.p);
                float *y = result_of(&t);
                EXPECT_SAME(y, alone, bytes);
                product_pack(&t.p, packed);
                Product p = t.p;
                p.b = NULL, p.packed = packed;
                memset(t.c, 0xff, t.c_floats * sizeof *t.c);
                product_run(&p, NULL);
                float *z = result_of(&t);
                EXPECT_SAME(z, alone, bytes);
            }
        }
    }
}

/* What a network promises of each image rests on this, whatever multiplies. */
TEST(product_of_an_image_alone_has_its_bits_in_a_batch)
{
    enum { IMAGES = 5 };
    static const int shapes[][3] = {{1, 96, 64},    {4, 128, 256},  {16, 64, 128}, {49, 64, 64},
                                    {64, 384, 128}, {256, 130, 96}, {300, 33, 200}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (int form = 0; form < FORMS; form += 2) {
            int rows = shapes[i][0], N = shapes[i][1], K = shapes[i][2];
            Case t = case_make(IMAGES * rows, N, K, form);
            t.p.image_rows = rows;
            run(&t.p);
            float *batch = result_of(&t);
            float *packed = test_floats(product_packed_floats(N, K));
            product_pack(&t.p, packed);
            FOR_THREADS(threads)
            {
                parallel_set_threads(threads);
                memset(t.c, 0xff, t.c_floats * sizeof *t.c);
                for (int k = 0; k < IMAGES; k++) {
                    Product image = part_of(&t.p, k * rows, rows, 0, N);
                    if (threads > 1) image.packed = packed;
                    run(&image);
                }
                float *alone = result_of(&t);
                if (!EXPECT_SAME(alone, batch, (size_t)(IMAGES * rows * N) * sizeof *alone))
                    printf("  %s, %d rows, form %d\n", vec_describe(), rows, form);
            }
        }
    }
}

/* The rows of A from `column` on, in a matrix of their own. */
static float *rest_of(const Product *p, int column)
{
    int K = p->K - column;
    float *rest = test_floats((size_t)p->M * (size_t)K);
    for (int i = 0; i < p->M; i++)
        memcpy(rest + i * K, p->a + i * p->lda + column, (size_t)K * sizeof *rest);
    return rest;
}

TEST(product_of_two_parts_of_a_has_the_bits_of_one)
{
    enum { M = 130, N = 72, K = 57 };
    static const int borders[] = {1, 16, 30, 56};
    if (vec_uses_blas()) return; /* its bits follow the shape of a product */
    for (int form = 0; form < FORMS; form++) {
        if (form & TRANSPOSE_A) continue;
        Case t = case_make(M, N, K, form);
        run(&t.p);
        float *whole = result_of(&t);
        for (int i = 0; i < 4; i++) {
            Product p = t.p;
            float *rest = rest_of(&p, borders[i]);
            p.a_rest = rest, p.K_a = borders[i], p.lda_rest = K - borders[i];
            memset(t.c, 0xff, t.c_floats * sizeof *t.c);
            run(&p);
            float *parts = result_of(&t);
            if (!EXPECT_SAME(parts, whole, M * N * sizeof *parts))
                printf("  %s, form %d, border %d\n", vec_level(), form, borders[i]);
        }
    }
}

TEST(product_adds_to_its_own_output)
{
    Case t = case_make(20, 37, 9, BIAS | RESIDUAL | SCALED);
    for (int i = 0; i < 20; i++)
        for (int j = 0; j < 37; j++) t.c[i * t.p.ldc + j] = t.d[i * t.p.ldd + j];
    float *expected = expected_of(&t.p);
    t.p.d = t.p.c, t.p.ldd = t.p.ldc;
    run(&t.p);
    float *y = result_of(&t);
    EXPECT_CLOSE(y, expected, 20 * 37, 1e-6);
}

TEST(product_of_nothing_is_bias_and_residual)
{
    Case t = case_make(4, 18, 0, BIAS | RESIDUAL);
    run(&t.p);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 18; j++)
            EXPECT(t.c[i * t.p.ldc + j] == t.bias[j] + t.d[i * t.p.ldd + j]);
    Product none = t.p;
    none.M = 0, none.c = NULL;
    run(&none);
    none.M = 4, none.N = 0;
    run(&none);
}

TEST(product_passes_nan_on_to_its_row_or_column_alone)
{
    for (int form = 0; form < 4; form++) {
        Case t = case_make(15, 35, 6, form);
        t.a[form & TRANSPOSE_A ? 2 * t.p.lda + 9 : 9 * t.p.lda + 2] = NAN;
        t.b[form & TRANSPOSE_B ? 33 * t.p.ldb + 4 : 4 * t.p.ldb + 33] = NAN;
        run(&t.p);
        for (int i = 0; i < 15; i++)
            for (int j = 0; j < 35; j++)
                EXPECT(!!isnan(t.c[i * t.p.ldc + j]) == (i == 9 || j == 33));
    }
}
