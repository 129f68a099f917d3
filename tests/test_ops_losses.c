/* Losses, time features and class embeddings: four passes against plain loops in double. */
#include "diffc/ops.h"
#include "four_passes.h"

/* ---- xent. The targets travel as a second input without derivative. */

static XentDims xent_dims(const OpCase *op)
{
    return (XentDims){op->N, (int)op->per[0]};
}

static int *xent_targets(const OpCase *op, float **x)
{
    int *target = calloc((size_t)op->N, sizeof *target);
    for (int n = 0; n < op->N; n++) target[n] = (int)x[1][n];
    return target;
}

static void xent_prepare(const OpCase *op, float **x)
{
    int C = (int)op->per[0];
    for (int i = 0; i < op->N * C; i++) x[0][i] *= 3;
    for (int n = 0; n < op->N; n++) x[1][n] = (float)((n * 7 + C - 1) % C);
}

static void xent_run(const OpCase *op, float *y, float **x)
{
    XentDims d = xent_dims(op);
    int *target = xent_targets(op, x);
    xent_forward(&d, y, x[0], target);
    free(target);
}

static void xent_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    XentDims d = xent_dims(op);
    int *target = xent_targets(op, x);
    xent_tangent(&d, ydot, x[0], xdot[0], target);
    free(target);
}

static void xent_back(const OpCase *op, float **dx, float *dy, float **x)
{
    XentDims d = xent_dims(op);
    int *target = xent_targets(op, x);
    xent_backward(&d, dx[0], dy, x[0], target);
    free(target);
}

static void xent_back2(const OpCase *op, float **mx, float *my, float *ly, float **x, float **xdot)
{
    XentDims d = xent_dims(op);
    int *target = xent_targets(op, x);
    xent_backward2(&d, mx[0], my, ly, x[0], xdot[0], target);
    free(target);
}

static void xent_formula(const OpCase *op, double *y, double **x)
{
    int C = (int)op->per[0];
    for (int n = 0; n < op->N; n++) {
        double sum = 0;
        for (int c = 0; c < C; c++) sum += exp(x[0][n * C + c]);
        y[n] = log(sum) - x[0][n * C + (int)x[1][n]];
    }
}

static void check_xent(int N, size_t C)
{
    OpCase op = {
        .name = "xent",
        .N = N,
        .inputs = 2,
        .active = 1,
        .per = {C, 1},
        .out = 1,
        .prepare = xent_prepare,
        .forward = xent_run,
        .tangent = xent_dot,
        .backward = xent_back,
        .backward2 = xent_back2,
        .reference = xent_formula,
    };
    check_four_passes(&op);
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

/* ---- mse: x, target and weight; without weights when there are two inputs */

static PointDims mse_dims(const OpCase *op)
{
    return (PointDims){op->N, op->per[0]};
}

static float *mse_weight(const OpCase *op, float **x)
{
    return op->inputs == 3 ? x[2] : NULL;
}

static void mse_run(const OpCase *op, float *y, float **x)
{
    PointDims d = mse_dims(op);
    mse_forward(&d, y, x[0], x[1], mse_weight(op, x));
}

static void mse_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    PointDims d = mse_dims(op);
    mse_tangent(&d, ydot, x[0], xdot[0], x[1], mse_weight(op, x));
}

static void mse_back(const OpCase *op, float **dx, float *dy, float **x)
{
    PointDims d = mse_dims(op);
    mse_backward(&d, dx[0], dy, x[0], x[1], mse_weight(op, x));
}

static void mse_back2(const OpCase *op, float **mx, float *my, float *ly, float **x, float **xdot)
{
    PointDims d = mse_dims(op);
    mse_backward2(&d, mx[0], my, ly, x[0], xdot[0], x[1], mse_weight(op, x));
}

static void mse_formula(const OpCase *op, double *y, double **x)
{
    size_t size = op->per[0];
    for (size_t i = 0; i < (size_t)op->N * size; i++) {
        double r = x[0][i] - x[1][i];
        y[i / size] += (op->inputs == 3 ? x[2][i / size] : 1) * r * r / (double)size;
    }
}

static void check_mse(int N, size_t size, bool weighted)
{
    OpCase op = {
        .name = weighted ? "weighted mse" : "mse",
        .N = N,
        .inputs = weighted ? 3 : 2,
        .active = 1,
        .per = {size, size, 1},
        .out = 1,
        .forward = mse_run,
        .tangent = mse_dot,
        .backward = mse_back,
        .backward2 = mse_back2,
        .reference = mse_formula,
    };
    check_four_passes(&op);
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

/* ---- time features. Inputs t and, for fourier, the frequencies w, which have no derivative. */

static TimeDims time_dims(const OpCase *op)
{
    TimeDims d = *(const TimeDims *)op->shape;
    d.N = op->N;
    return d;
}

static void time_prepare(const OpCase *op, float **x)
{
    TimeDims d = time_dims(op);
    for (int n = 0; n < op->N; n++) x[0][n] = 0.5f + fabsf(x[0][n]) * 2;
    /* Slow enough that the differences' truncation, of the order of a'^2, stays out of sight. */
    for (int i = 0; i < d.F / 2; i++)
        if (d.kind == TIME_FOURIER_LINEAR) x[1][i] *= 0.2f;
}

static void time_run(const OpCase *op, float *y, float **x)
{
    TimeDims d = time_dims(op);
    time_features_forward(&d, y, x[0], x[1]);
}

static void time_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    TimeDims d = time_dims(op);
    time_features_tangent(&d, ydot, x[0], xdot[0], x[1]);
}

static void time_back(const OpCase *op, float **dx, float *dy, float **x)
{
    TimeDims d = time_dims(op);
    time_features_backward(&d, dx[0], dy, x[0], x[1]);
}

static void time_back2(const OpCase *op, float **mx, float *my, float *ly, float **x, float **xdot)
{
    TimeDims d = time_dims(op);
    time_features_backward2(&d, mx[0], my, ly, x[0], xdot[0], x[1]);
}

static void time_formula(const OpCase *op, double *y, double **x)
{
    TimeDims d = time_dims(op);
    int half = d.F / 2;
    for (int n = 0; n < d.N; n++) {
        for (int i = 0; i < half; i++) {
            double angle = x[0][n] * pow(10000, -i / fmax(half - d.freq_shift, 1e-9));
            if (d.kind == TIME_FOURIER) angle = 2 * acos(-1) * log(x[0][n]) * x[1][i];
            if (d.kind == TIME_FOURIER_LINEAR) angle = 2 * acos(-1) * x[0][n] * x[1][i];
            y[n * d.F + i] = d.flip_sin_to_cos ? cos(angle) : sin(angle);
            y[n * d.F + half + i] = d.flip_sin_to_cos ? sin(angle) : cos(angle);
        }
    }
}

static void check_time(TimeDims d)
{
    static const char *const names[] = {[TIME_POSITIONAL] = "positional features",
                                        [TIME_FOURIER] = "fourier features",
                                        [TIME_FOURIER_LINEAR] = "linear fourier features"};
    OpCase op = {
        .name = names[d.kind],
        .shape = &d,
        .N = d.N,
        .inputs = 2,
        .active = 1,
        .per = {1, (size_t)d.F / 2},
        .shared = {false, true},
        .out = (size_t)d.F,
        .prepare = time_prepare,
        .forward = time_run,
        .tangent = time_dot,
        .backward = time_back,
        .backward2 = time_back2,
        .reference = time_formula,
    };
    check_four_passes(&op);
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

/* ---- class embedding: inputs w (shared) and labels */

static ClassDims class_dims(const OpCase *op)
{
    ClassDims d = *(const ClassDims *)op->shape;
    d.N = op->N;
    return d;
}

static void class_prepare(const OpCase *op, float **x)
{
    ClassDims d = class_dims(op);
    for (int n = 0; n < d.N; n++) x[1][n] = (float)(n * 2 % d.classes);
}

static void class_run(const OpCase *op, float *y, float **x)
{
    ClassDims d = class_dims(op);
    class_embed_forward(&d, y, x[1], x[0]);
}

static void class_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    ClassDims d = class_dims(op);
    class_embed_tangent(&d, ydot, x[1], xdot[0]);
}

static void class_back(const OpCase *op, float **dx, float *dy, float **x)
{
    ClassDims d = class_dims(op);
    class_embed_backward(&d, dx[0], dy, x[1]);
}

static void class_back2(const OpCase *op, float **mx, float *my, float *ly, float **x, float **xdot)
{
    ClassDims d = class_dims(op);
    (void)ly, (void)xdot;
    class_embed_backward2(&d, mx[0], my, x[1]);
}

static void class_formula(const OpCase *op, double *y, double **x)
{
    ClassDims d = class_dims(op);
    for (int i = 0; i < d.N * d.F; i++) y[i] = x[0][(int)x[1][i / d.F] * d.F + i % d.F];
}

static void check_class(ClassDims d)
{
    OpCase op = {
        .name = "class embedding",
        .shape = &d,
        .N = d.N,
        .inputs = 2,
        .active = 1,
        .per = {(size_t)(d.classes * d.F), 1},
        .shared = {true, false},
        .out = (size_t)d.F,
        .prepare = class_prepare,
        .forward = class_run,
        .tangent = class_dot,
        .backward = class_back,
        .backward2 = class_back2,
        .reference = class_formula,
    };
    check_four_passes(&op);
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
    float w[3] = {10, 20, 30}, label[5] = {-4, 7, NAN, 1e30f, 1}, y[5], none[5] = {0};
    class_embed_forward(&d, y, label, w);
    EXPECT_SAME(y, ((float[5]){10, 30, 10, 30, 20}), sizeof y);
    class_embed_tangent(&d, y, label, NULL);
    EXPECT_SAME(y, none, sizeof y);
}
