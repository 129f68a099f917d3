/* Losses, time features and class embeddings: passes against plain loops in double. */
#include "base/parallel.h"
#include "ops/ops.h"
#include "passes.h"

/* ---- losses: values and gradients against the formula in double */

/* One loss with its inputs; an image of x has `size` values. */
typedef struct {
    int N;
    size_t size;
    float *x, *target, *weight; /* weight NULL: 1 */
    int *class;                 /* xent; NULL: mse */
} Loss;

static double loss_formula(const Loss *l, int n, const double *x)
{
    double sum = 0;
    const float *target = l->target + (size_t)n * l->size;
    for (size_t i = 0; i < l->size; i++)
        sum += l->class ? exp(x[i]) : (x[i] - (double)target[i]) * (x[i] - (double)target[i]);
    if (l->class) return log(sum) - x[l->class[n]];
    return (l->weight ? (double)l->weight[n] : 1) * sum / (double)l->size;
}

static void loss_passes(const Loss *l, float *loss, float *dx, float dloss)
{
    XentDims xent = {l->N, (int)l->size};
    PointDims point = {l->N, l->size};
    if (l->class) {
        xent_forward(&xent, loss, l->x, l->class);
        xent_backward(&xent, dx, dloss, l->x, l->class);
    } else {
        mse_forward(&point, loss, l->x, l->target, l->weight);
        mse_backward(&point, dx, dloss, l->x, l->target, l->weight);
    }
}

/* Forward overwrites, backward adds; nothing is written beside them; one and three threads give the
 * same bits. */
static void check_loss(const Loss *l)
{
    const double dloss = 0.75, h = 1e-4;
    size_t n = (size_t)l->N * l->size;
    float *loss = check_scratch((size_t)l->N), *again = check_scratch((size_t)l->N);
    float *dx = check_alloc(n), *same = check_alloc(n), *expected = test_floats(n);
    double *row = calloc(l->size, sizeof *row);
    if (!row) abort();
    for (int image = 0; image < l->N; image++) {
        size_t at = (size_t)image * l->size;
        for (size_t i = 0; i < l->size; i++) row[i] = (double)l->x[at + i];
        expected[image] = (float)loss_formula(l, image, row);
    }
    int threads = parallel_threads();
    parallel_set_threads(1);
    loss_passes(l, again, same, (float)dloss);
    parallel_set_threads(3);
    loss_passes(l, loss, dx, (float)dloss);
    parallel_set_threads(threads);
    EXPECT_CLOSE(loss, expected, (size_t)l->N, 2e-6);
    EXPECT_SAME(loss, again, (size_t)l->N * sizeof *loss);
    EXPECT_SAME(dx, same, n * sizeof *dx);
    for (size_t k = 0; k < n; k++) {
        int image = (int)(k / l->size);
        size_t i = k % l->size;
        for (size_t j = 0; j < l->size; j++) row[j] = (double)l->x[k - i + j];
        row[i] = (double)l->x[k] + h;
        double up = loss_formula(l, image, row);
        row[i] = (double)l->x[k] - h;
        expected[k] = (float)(dloss * (up - loss_formula(l, image, row)) / (2 * h));
    }
    EXPECT_CLOSE(dx, expected, n, 2e-6);
    float *twice = check_alloc(n);
    for (int k = 0; k < 2; k++) loss_passes(l, loss, twice, (float)dloss);
    for (size_t k = 0; k < n; k++) EXPECT(twice[k] == 2 * dx[k]);
    free(row);
}

static void check_xent(int N, int C)
{
    int class[8];
    for (int n = 0; n < N; n++) class[n] = (n * 7 + C - 1) % C;
    Loss l = {.N = N, .size = (size_t)C, .class = class};
    l.x = l.target = check_random((size_t)(N * C), 10, 3);
    check_loss(&l);
}

TEST(xent_passes_agree_with_the_formula)
{
    check_xent(1, 2);
    check_xent(5, 10);
    check_xent(3, 201);
}

TEST(xent_of_one_class_is_zero_with_zero_gradient)
{
    XentDims d = {2, 1};
    float x[2] = {3, -50}, loss[2], dx[2] = {0};
    int target[2] = {0, 0};
    xent_forward(&d, loss, x, target);
    xent_backward(&d, dx, 1, x, target);
    for (int n = 0; n < 2; n++) EXPECT(loss[n] == 0 && dx[n] == 0);
}

TEST(xent_of_uniform_logits_is_the_logarithm_of_the_number_of_classes)
{
    XentDims d = {2, 100};
    float x[200], loss[2];
    int target[2] = {0, 99};
    for (int i = 0; i < 200; i++) x[i] = i < 100 ? 0 : -321.5f;
    xent_forward(&d, loss, x, target);
    EXPECT_NEAR((double)loss[0], log(100), 3e-7);
    EXPECT_NEAR((double)loss[1], log(100), 3e-7);
}

/* Logits of 1e4: the gap itself is the loss, the gradient is a difference of unit vectors. */
TEST(xent_of_huge_logits_is_finite_and_right)
{
    XentDims d = {3, 3};
    float x[9] = {1e4f, -1e4f, 0, 1e4f, -1e4f, 0, -3e38f, 3e38f, 1e4f}, loss[3], dx[9] = {0};
    int target[3] = {0, 1, 1};
    xent_forward(&d, loss, x, target);
    EXPECT(loss[0] == 0 && loss[1] == 2e4f && loss[2] == 0);
    xent_backward(&d, dx, 1, x, target);
    const float gradient[9] = {0, 0, 0, 1, -1, 0, 0, 0, 0};
    for (int i = 0; i < 9; i++) EXPECT(dx[i] == gradient[i]);
}

static void check_mse(int N, size_t size, bool weighted)
{
    size_t n = (size_t)N * size;
    Loss l = {.N = N, .size = size, .x = check_random(n, 10, 1), .target = check_random(n, 11, 1)};
    if (weighted) l.weight = check_random((size_t)N, 12, 1);
    check_loss(&l);
}

TEST(mse_passes_agree_with_the_formula_with_and_without_weights)
{
    for (int weighted = 0; weighted < 2; weighted++) {
        check_mse(1, 1, weighted);
        check_mse(5, 49, weighted);
        check_mse(2, 2500, weighted);
    }
}

TEST(losses_let_a_nan_through)
{
    float x[4] = {1, NAN, 2, 3}, target[4] = {0}, loss[2];
    int class[2] = {0, 0};
    PointDims point = {2, 2};
    mse_forward(&point, loss, x, target, NULL);
    EXPECT(isnan(loss[0]) && loss[1] == 6.5f);
    XentDims xent = {2, 2};
    xent_forward(&xent, loss, x, class);
    EXPECT(isnan(loss[0]) && isfinite(loss[1]));
}

/* ---- time features; the frequencies of fourier are a parameter without derivative */

static void time_prepare(const PassCase *c, float **x)
{
    const TimeDims *d = c->dims;
    for (int n = 0; n < c->N; n++) x[0][n] = 0.5f + fabsf(x[0][n]) * 2;
    /* Slow enough that the differences' truncation, of the order of a'^2, stays out of sight. */
    for (int i = 0; i < d->F / 2; i++)
        if (d->kind == TIME_FOURIER_LINEAR) x[WEIGHTS][i] *= 0.2f;
}

static void time_formula(const PassCase *c, double *y, double **x)
{
    const TimeDims *d = c->dims;
    int half = d->F / 2;
    const double *w = x[WEIGHTS];
    for (int n = 0; n < c->N; n++) {
        for (int i = 0; i < half; i++) {
            double angle = x[0][n] * pow(10000, -i / fmax(half - d->freq_shift, 1e-9));
            if (d->kind == TIME_FOURIER) angle = 2 * acos(-1) * log(x[0][n]) * w[i];
            if (d->kind == TIME_FOURIER_LINEAR) angle = 2 * acos(-1) * x[0][n] * w[i];
            y[n * d->F + i] = d->flip_sin_to_cos ? cos(angle) : sin(angle);
            y[n * d->F + half + i] = d->flip_sin_to_cos ? sin(angle) : cos(angle);
        }
    }
}

static void check_time(TimeDims d)
{
    PassCase c = {.op = &op_time_features, .dims = &d, .N = d.N, .inputs = 1, .active = 1};
    c.per[0] = 1, c.per[WEIGHTS] = (size_t)d.F / 2, c.out = (size_t)d.F;
    c.frozen = true;
    c.prepare = time_prepare;
    c.formula = time_formula;
    check_passes(&c);
}

TEST(time_features_passes_agree_with_the_formula)
{
    check_time((TimeDims){3, 8, TIME_POSITIONAL, false, 1});
    check_time((TimeDims){2, 33, TIME_POSITIONAL, true, 0});
    check_time((TimeDims){1, 2, TIME_POSITIONAL, true, 1}); /* one frequency: 1, not 0/0 */
    check_time((TimeDims){4, 6, TIME_FOURIER, false, 0});
    check_time((TimeDims){2, 17, TIME_FOURIER, true, 0});
    check_time((TimeDims){4, 6, TIME_FOURIER_LINEAR, false, 0});
    check_time((TimeDims){2, 17, TIME_FOURIER_LINEAR, true, 0});
}

static void features_at(TimeDims d, float *y, const float *t, const float *w)
{
    op_time_features.forward(&(OpCall){.dims = &d, .x = {t}, .w = w, .y = y});
}

/* Values of diffusers for t = 10, width 8. */
TEST(time_features_have_the_values_of_diffusers)
{
    const double plain[8] = {-0.5440211, 0.4476708, 0.0215427, 0.0010000,
                             -0.8390715, 0.8941984, 0.9997680, 0.9999995};
    const double flipped[8] = {-0.8390715, 0.5403023, 0.9950042, 0.9999500,
                               -0.5440211, 0.8414710, 0.0998334, 0.0099998};
    float t = 10, y[8];
    features_at((TimeDims){1, 8, TIME_POSITIONAL, false, 1}, y, &t, NULL);
    for (int i = 0; i < 8; i++) EXPECT_NEAR((double)y[i], plain[i], 1e-7);
    features_at((TimeDims){1, 8, TIME_POSITIONAL, true, 0}, y, &t, NULL);
    for (int i = 0; i < 8; i++) EXPECT_NEAR((double)y[i], flipped[i], 1e-7);
}

/* Frequencies of scale 16 and t up to 1000 make angles in the hundreds: still rounded once. */
TEST(time_features_of_large_angles_are_rounded_once)
{
    float t[2] = {999.5f, 0.002f}, w[3] = {16, -31.7f, 0.01f}, y[12];
    features_at((TimeDims){2, 6, TIME_FOURIER, false, 0}, y, t, w);
    for (int n = 0; n < 2; n++) {
        for (int i = 0; i < 3; i++) {
            double angle = 2 * acos(-1) * log((double)t[n]) * (double)w[i];
            EXPECT_NEAR((double)y[n * 6 + i], sin(angle), 7e-8);
            EXPECT_NEAR((double)y[n * 6 + 3 + i], cos(angle), 7e-8);
        }
    }
    features_at((TimeDims){2, 6, TIME_FOURIER_LINEAR, false, 0}, y, t, w);
    for (int i = 0; i < 3; i++)
        EXPECT_NEAR((double)y[i], sin(2 * acos(-1) * 999.5 * (double)w[i]), 7e-8);
    features_at((TimeDims){1, 2, TIME_POSITIONAL, false, 0}, y, t, NULL);
    EXPECT_NEAR((double)y[0], sin(999.5), 7e-8);
}

/* The start of a VP process has time 0, where the logarithm would not be finite. */
TEST(time_features_of_time_zero_are_finite_without_the_logarithm)
{
    float t = 0, w[2] = {16, -3}, y[4], dt = 0, dy[4] = {1, 1, 1, 1};
    TimeDims d = {1, 4, TIME_FOURIER_LINEAR, false, 0};
    features_at(d, y, &t, w);
    EXPECT(y[0] == 0 && y[1] == 0 && y[2] == 1 && y[3] == 1);
    op_time_features.backward(&(OpCall){.dims = &d, .x = {&t}, .w = w, .dy = dy, .dx = {&dt}});
    EXPECT_NEAR((double)dt, 2 * acos(-1) * 13, 1e-4);
}

/* ---- class embedding: labels have no derivative */

static void class_prepare(const PassCase *c, float **x)
{
    const ClassDims *d = c->dims;
    for (int n = 0; n < c->N; n++) x[0][n] = (float)(n * 2 % d->classes);
}

static void class_formula(const PassCase *c, double *y, double **x)
{
    const ClassDims *d = c->dims;
    for (int i = 0; i < c->N * d->F; i++) y[i] = x[WEIGHTS][(int)x[0][i / d->F] * d->F + i % d->F];
}

static void check_class(ClassDims d)
{
    PassCase c = {.op = &op_class_embed, .dims = &d, .N = d.N, .inputs = 1};
    c.per[0] = 1, c.per[WEIGHTS] = (size_t)(d.classes * d.F), c.out = (size_t)d.F;
    c.prepare = class_prepare;
    c.formula = class_formula;
    check_passes(&c);
}

TEST(class_embed_passes_agree_with_the_formula_and_repeated_labels_add_up)
{
    check_class((ClassDims){1, 1, 1});
    check_class((ClassDims){9, 5, 3});
    check_class((ClassDims){4, 33, 11});
}

TEST(class_embed_clamps_labels_to_the_table)
{
    ClassDims d = {5, 1, 3};
    float w[3] = {10, 20, 30}, label[5] = {-4, 7, NAN, 1e30f, 1}, y[5];
    op_class_embed.forward(&(OpCall){.dims = &d, .x = {label}, .w = w, .y = y});
    EXPECT_SAME(y, ((float[5]){10, 30, 10, 30, 20}), sizeof y);
}
