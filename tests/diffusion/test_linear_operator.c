/* What is known of an image: each operator's transpose and pseudo-inverse are those of its A. */

#include "diffusion/linear_operator.h"

#include "base/rng.h"
#include "test.h"

enum { H = 4, W = 6, MOST = H * W * 4 };

static const unsigned char kept[H * W] = {1, 0, 0, 1, 1, 0, 0, 255, 1, 0, 0, 0,
                                          1, 1, 1, 1, 0, 0, 0, 0,   1, 0, 1, 1};

/* Every operator on every number of channels that it takes. */
static const LinearOperator cases[] = {
    {.kind = OPERATOR_IDENTITY, .channels = 1},
    {.kind = OPERATOR_IDENTITY, .channels = 3},
    {.kind = OPERATOR_MASK, .channels = 1, .kept = kept},
    {.kind = OPERATOR_MASK, .channels = 4, .kept = kept},
    {.kind = OPERATOR_COLOUR_MEAN, .channels = 3, .colours = 3},
    {.kind = OPERATOR_COLOUR_MEAN, .channels = 4, .colours = 3},
    {.kind = OPERATOR_COLOUR_MEAN, .channels = 1, .colours = 1},
    {.kind = OPERATOR_BLOCK_MEAN, .channels = 1, .block = 2},
    {.kind = OPERATOR_BLOCK_MEAN, .channels = 3, .block = 2},
    {.kind = OPERATOR_BLOCK_MEAN, .channels = 2, .block = 1},
};
enum { CASES = sizeof cases / sizeof *cases };

static LinearOperator sized(int i)
{
    LinearOperator a = cases[i];
    a.height = H;
    a.width = W;
    return a;
}

static void normals(double *x, size_t n, uint64_t number)
{
    rng_normals(x, n, 20, rng_stream(RNG_TEST, number), 0);
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

TEST(the_cases_have_every_operator)
{
    bool met[OPERATOR_KINDS] = {false};
    for (int i = 0; i < CASES; i++) met[cases[i].kind] = true;
    for (int k = 0; k < OPERATOR_KINDS; k++) EXPECT(met[k]);
}

/* <A x, y> = <x, A^T y> */
TEST(the_transpose_is_the_adjoint)
{
    double x[MOST], y[MOST], ax[MOST], aty[MOST];
    for (int i = 0; i < CASES; i++) {
        LinearOperator a = sized(i);
        size_t dims = operator_dims(&a), known = operator_known(&a);
        normals(x, dims, 1);
        normals(y, known, 2);
        operator_apply(&a, x, ax);
        operator_transpose(&a, y, aty);
        double scale = sqrt(dot(ax, ax, known) * dot(y, y, known));
        EXPECT(scale > 1);
        EXPECT_NEAR(dot(ax, y, known), dot(x, aty, dims), 1e-14 * scale);
    }
}

/* Column by column: A A^T e_k = g_k e_k. */
TEST(the_rows_are_orthogonal_with_the_stated_squares)
{
    double e[MOST], x[MOST], back[MOST];
    for (int i = 0; i < CASES; i++) {
        LinearOperator a = sized(i);
        size_t known = operator_known(&a);
        EXPECT(known >= 1 && known <= operator_dims(&a));
        for (size_t k = 0; k < known; k++) {
            for (size_t j = 0; j < known; j++) e[j] = j == k;
            operator_transpose(&a, e, x);
            operator_apply(&a, x, back);
            for (size_t j = 0; j < known; j++)
                EXPECT_NEAR(back[j], j == k ? operator_gram(&a, k) : 0, 1e-15);
        }
    }
}

/* The four conditions of Moore and Penrose: A A^+ = I (so the first two and the third), and A^+ A symmetric. */
TEST(the_pseudo_inverse_is_that_of_moore_and_penrose)
{
    double y[MOST], copy[MOST], x[MOST], back[MOST], u[MOST], v[MOST], pu[MOST], pv[MOST];
    for (int i = 0; i < CASES; i++) {
        LinearOperator a = sized(i);
        size_t dims = operator_dims(&a), known = operator_known(&a);
        normals(y, known, 3);
        memcpy(copy, y, known * sizeof *y);
        operator_pseudo_inverse(&a, copy, x);
        operator_apply(&a, x, back);
        for (size_t k = 0; k < known; k++) EXPECT_NEAR(back[k], y[k], 1e-14);
        normals(u, dims, 4);
        normals(v, dims, 5);
        operator_apply(&a, u, copy);
        operator_pseudo_inverse(&a, copy, pu);
        operator_apply(&a, v, copy);
        operator_pseudo_inverse(&a, copy, pv);
        EXPECT_NEAR(dot(pu, v, dims), dot(u, pv, dims), 1e-13 * dims);
    }
}

TEST(what_is_known_is_what_the_operator_is_called)
{
    double x[MOST], y[MOST];
    LinearOperator a = {
        .kind = OPERATOR_MASK, .height = 1, .width = 3, .channels = 2, .kept = kept + 2};
    for (size_t i = 0; i < MOST; i++) x[i] = (double)i;
    EXPECT_INT((long long)operator_known(&a), 4);
    operator_apply(&a, x, y); /* pixels 1 and 2 of 0, 1, 1 */
    EXPECT(y[0] == 2 && y[1] == 3 && y[2] == 4 && y[3] == 5);
    a = (LinearOperator){
        .kind = OPERATOR_COLOUR_MEAN, .height = 1, .width = 1, .channels = 4, .colours = 3};
    operator_apply(&a, x, y);
    EXPECT_NEAR(y[0], 1, 1e-15);
    EXPECT_NEAR(y[1], 3, 0);
    a = (LinearOperator){
        .kind = OPERATOR_BLOCK_MEAN, .height = 4, .width = 2, .channels = 1, .block = 2};
    EXPECT_INT((long long)operator_known(&a), 2);
    operator_apply(&a, x, y);
    EXPECT_NEAR(y[0], 1.5, 1e-15);
    EXPECT_NEAR(y[1], 5.5, 1e-15);
}
