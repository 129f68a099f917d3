/* Losses, time features and class embeddings: passes against plain loops in double. */
#include "ops/ops.h"
#include "passes.h"

/* ---- xent, as a row of its own whose targets travel as a second input without derivative */

static int *targets(const OpCall *c)
{
    const XentDims *d = c->dims;
    int *target = calloc((size_t)d->N, sizeof *target);
    if (!target) abort();
    for (int n = 0; n < d->N; n++) target[n] = (int)c->x[1][n];
    return target;
}

static void xent_run(const OpCall *c)
{
    int *target = targets(c);
    xent_forward(c->dims, c->y, c->x[0], target);
    free(target);
}

static void xent_dot(const OpCall *c)
{
    int *target = targets(c);
    xent_tangent(c->dims, c->ydot, c->x[0], c->xdot[0], target);
    free(target);
}

static void xent_back(const OpCall *c)
{
    int *target = targets(c);
    xent_backward(c->dims, c->dx[0], c->dy, c->x[0], target);
    free(target);
}

static void xent_back2(const OpCall *c)
{
    int *target = targets(c);
    xent_backward2(c->dims, c->mx[0], c->my, c->dy, c->x[0], c->xdot[0], target);
    free(target);
}

static void xent_prepare(const PassCase *c, float **x)
{
    int C = (int)c->per[0];
    for (int n = 0; n < c->N; n++) x[1][n] = (float)((n * 7 + C - 1) % C);
}

static void xent_formula(const PassCase *c, double *y, double **x)
{
    int C = (int)c->per[0];
    for (int n = 0; n < c->N; n++) {
        double sum = 0;
        for (int i = 0; i < C; i++) sum += exp(x[0][n * C + i]);
        y[n] = log(sum) - x[0][n * C + (int)x[1][n]];
    }
}

static void check_xent(int N, int C)
{
    static const Op op = {.name = "xent",
                          .dims_bytes = sizeof(XentDims),
                          .forward = xent_run,
                          .backward = xent_back,
                          .tangent = xent_dot,
                          .backward2 = xent_back2};
    XentDims d = {N, C};
    PassCase c = {.op = &op, .dims = &d, .N = N, .inputs = 2, .active = 1};
    c.per[0] = (size_t)C, c.per[1] = 1, c.out = 1;
    c.scale = 3;
    c.prepare = xent_prepare;
    c.formula = xent_formula;
    check_passes(&c);
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
    float x[2] = {3, -50}, loss[2], dloss[2] = {1, 1}, dx[2] = {0};
    int target[2] = {0, 0};
    xent_forward(&d, loss, x, target);
    xent_backward(&d, dx, dloss, x, target);
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
    float ones[3] = {1, 1, 1}, xdot[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, lossdot[3], mx[9] = {0};
    int target[3] = {0, 1, 1};
    xent_forward(&d, loss, x, target);
    EXPECT(loss[0] == 0 && loss[1] == 2e4f && loss[2] == 0);
    xent_backward(&d, dx, ones, x, target);
    xent_tangent(&d, lossdot, x, xdot, target);
    xent_backward2(&d, mx, ones, ones, x, xdot, target);
    const float gradient[9] = {0, 0, 0, 1, -1, 0, 0, 0, 0};
    EXPECT_SAME(lossdot, ((float[3]){0, -1, 0}), sizeof lossdot);
    for (int i = 0; i < 9; i++) EXPECT(dx[i] == gradient[i] && mx[i] == gradient[i]);
}

/* ---- mse: x, target and weight, NULL when there are two inputs */

static void mse_run(const OpCall *c)
{
    mse_forward(c->dims, c->y, c->x[0], c->x[1], c->x[2]);
}

static void mse_dot(const OpCall *c)
{
    mse_tangent(c->dims, c->ydot, c->x[0], c->xdot[0], c->x[1], c->x[2]);
}

static void mse_back(const OpCall *c)
{
    mse_backward(c->dims, c->dx[0], c->dy, c->x[0], c->x[1], c->x[2]);
}

static void mse_back2(const OpCall *c)
{
    mse_backward2(c->dims, c->mx[0], c->my, c->dy, c->x[0], c->xdot[0], c->x[1], c->x[2]);
}

static void mse_formula(const PassCase *c, double *y, double **x)
{
    size_t size = c->per[0];
    for (size_t i = 0; i < (size_t)c->N * size; i++) {
        double r = x[0][i] - x[1][i];
        y[i / size] += (c->inputs == 3 ? x[2][i / size] : 1) * r * r / (double)size;
    }
}

static void check_mse(int N, size_t size, bool weighted)
{
    static const Op op = {.name = "mse",
                          .dims_bytes = sizeof(PointDims),
                          .forward = mse_run,
                          .backward = mse_back,
                          .tangent = mse_dot,
                          .backward2 = mse_back2};
    PointDims d = {N, size};
    PassCase c = {.op = &op, .dims = &d, .N = N, .inputs = weighted ? 3 : 2, .active = 1};
    c.per[0] = c.per[1] = size, c.per[2] = 1, c.out = 1;
    c.formula = mse_formula;
    check_passes(&c);
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

/* Values of diffusers for t = 10, width 8. */
TEST(time_features_have_the_values_of_diffusers)
{
    const double plain[8] = {-0.5440211, 0.4476708, 0.0215427, 0.0010000,
                             -0.8390715, 0.8941984, 0.9997680, 0.9999995};
    const double flipped[8] = {-0.8390715, 0.5403023, 0.9950042, 0.9999500,
                               -0.5440211, 0.8414710, 0.0998334, 0.0099998};
    float t = 10, y[8];
    time_features_forward(&(TimeDims){1, 8, TIME_POSITIONAL, false, 1}, y, &t, NULL);
    for (int i = 0; i < 8; i++) EXPECT_NEAR((double)y[i], plain[i], 1e-7);
    time_features_forward(&(TimeDims){1, 8, TIME_POSITIONAL, true, 0}, y, &t, NULL);
    for (int i = 0; i < 8; i++) EXPECT_NEAR((double)y[i], flipped[i], 1e-7);
}

/* Frequencies of scale 16 and t up to 1000 make angles in the hundreds: still rounded once. */
TEST(time_features_of_large_angles_are_rounded_once)
{
    float t[2] = {999.5f, 0.002f}, w[3] = {16, -31.7f, 0.01f}, y[12];
    time_features_forward(&(TimeDims){2, 6, TIME_FOURIER, false, 0}, y, t, w);
    for (int n = 0; n < 2; n++) {
        for (int i = 0; i < 3; i++) {
            double angle = 2 * acos(-1) * log((double)t[n]) * (double)w[i];
            EXPECT_NEAR((double)y[n * 6 + i], sin(angle), 7e-8);
            EXPECT_NEAR((double)y[n * 6 + 3 + i], cos(angle), 7e-8);
        }
    }
    time_features_forward(&(TimeDims){2, 6, TIME_FOURIER_LINEAR, false, 0}, y, t, w);
    for (int i = 0; i < 3; i++)
        EXPECT_NEAR((double)y[i], sin(2 * acos(-1) * 999.5 * (double)w[i]), 7e-8);
    time_features_forward(&(TimeDims){1, 2, TIME_POSITIONAL, false, 0}, y, t, NULL);
    EXPECT_NEAR((double)y[0], sin(999.5), 7e-8);
}

/* The start of a VP process has time 0, where the logarithm would not be finite. */
TEST(time_features_of_time_zero_are_finite_without_the_logarithm)
{
    float t = 0, w[2] = {16, -3}, y[4], dt = 0, dy[4] = {1, 1, 1, 1};
    TimeDims d = {1, 4, TIME_FOURIER_LINEAR, false, 0};
    time_features_forward(&d, y, &t, w);
    EXPECT(y[0] == 0 && y[1] == 0 && y[2] == 1 && y[3] == 1);
    time_features_backward(&d, &dt, dy, &t, w);
    EXPECT_NEAR((double)dt, 2 * acos(-1) * 13, 1e-4);
}

TEST(time_features_take_a_missing_tangent_as_zero)
{
    TimeDims d = {2, 5, TIME_POSITIONAL, false, 0};
    float t[2] = {3, 4}, ydot[10], zeros[10] = {0}, my[10], ly[10], mt[2] = {0}, dt[2] = {0};
    test_normals(my, 10, 1, 1);
    test_normals(ly, 10, 2, 1);
    test_normals(ydot, 10, 3, 1);
    time_features_tangent(&d, ydot, t, NULL, NULL);
    EXPECT_SAME(ydot, zeros, sizeof ydot);
    time_features_backward(&d, dt, my, t, NULL);
    time_features_backward2(&d, mt, my, ly, t, NULL, NULL);
    EXPECT_SAME(mt, dt, sizeof mt);
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
    class_embed_forward(&d, y, label, w);
    EXPECT_SAME(y, ((float[5]){10, 30, 10, 30, 20}), sizeof y);
}
