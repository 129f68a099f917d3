/* The learning rate and the optimisers against their formulas. */
#include "base/rng.h"
#include "train_case.h"

TEST(learning_rate_warms_up_from_above_zero_and_follows_the_cosine)
{
    OptimizerConfig warm = {.schedule = RATE_CONSTANT, .lr = 2e-4, .warmup = 100};
    EXPECT_NEAR(learning_rate(&warm, 0, 0), 2e-6, 1e-18);
    EXPECT_NEAR(learning_rate(&warm, 99, 0.9), 2e-4, 1e-18);
    OptimizerConfig cosine = {.schedule = RATE_COSINE, .lr = 1};
    EXPECT_NEAR(learning_rate(&cosine, 10, 0), 1, 1e-15);
    EXPECT_NEAR(learning_rate(&cosine, 10, 0.5), 0.5, 1e-15);
    EXPECT_NEAR(learning_rate(&cosine, 10, 1), 0, 1e-15);
}

/* A table of two tensors, the second not trainable. */
static ParamInfo two_infos[2] = {
    {.name = "a", .rank = 1, .shape = {70000}, .trainable = true, .offset = 0, .count = 70000},
    {.name = "b", .rank = 1, .shape = {5}, .trainable = false, .offset = 70000, .count = 5}};
static const ParamTable two_tensors = {
    .info = two_infos, .count = 2, .block_floats = 70016, .parameters = 70005, .sealed = true};

/* The formulas of Kingma & Ba 2015 and Loshchilov & Hutter 2019 in double, element by element. */
static void check_optimizer(OptimizerKind kind, double decay, double clip)
{
    OptimizerConfig config = {.kind = kind,
                              .beta1 = 0.9,
                              .beta2 = 0.99,
                              .eps = 1e-8,
                              .weight_decay = decay,
                              .clip = clip,
                              .ema = 0.6};
    Optimizer o;
    Err err = {0};
    if (!EXPECT(optimizer_open(&o, &two_tensors, &config, 4, &err))) return;
    enum { N = 70005 };
    static double w[N], m[N], v[N], ema[N];
    test_normals(o.weights, N, 1, 1);
    memcpy(o.ema, o.weights, N * sizeof(float));
    for (int i = 0; i < N; i++) {
        w[i] = ema[i] = (double)o.weights[i];
        m[i] = v[i] = 0;
    }
    for (int step = 0; step < 4; step++) {
        static float sums[70000];
        double squares = 0;
        float *const *block = o.gradients.buffer;
        for (int b = 0; b < 4; b++)
            test_normals(block[b], 70000, 10 + 4 * (unsigned)step + (unsigned)b, 0.06f);
        for (int i = 0; i < 70000; i++) {
            sums[i] = (block[0][i] + block[1][i]) + (block[2][i] + block[3][i]);
            squares += (double)sums[i] * (double)sums[i];
        }
        double norm = optimizer_sum_gradients(&o);
        EXPECT_SAME(o.grads, sums, sizeof sums);
        for (int b = 1; b < 4; b++)
            for (int i = 0; i < 70000; i++) EXPECT(block[b][i] == 0);
        EXPECT_NEAR(norm, sqrt(squares), 1e-9 * norm);
        double scale = clip > 0 && norm > clip ? clip / norm : 1;
        double lr = 0.01, n = step + 1, average = fmin(0.6, (1.0 + step) / (10.0 + step));
        for (int i = 0; i < 70000; i++) {
            double g = scale * (double)o.grads[i] + (kind == OPTIMIZER_ADAM ? decay * w[i] : 0);
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.99 * v[i] + 0.01 * g * g;
            w[i] -= lr * (m[i] / (1 - pow(0.9, n)) / (sqrt(v[i] / (1 - pow(0.99, n))) + 1e-8) +
                          (kind == OPTIMIZER_ADAMW ? decay * w[i] : 0));
            ema[i] = average * ema[i] + (1 - average) * w[i];
        }
        optimizer_update(&o, lr, norm);
    }
    double worst_w = 0, worst_ema = 0;
    for (int i = 0; i < N; i++) {
        worst_w = test_larger(worst_w, fabs((double)o.weights[i] - w[i]));
        worst_ema = test_larger(worst_ema, fabs((double)o.ema[i] - ema[i]));
    }
    EXPECT_NEAR(worst_w, 0, 5e-6);
    EXPECT_NEAR(worst_ema, 0, 5e-6);
    EXPECT(o.grads[0] == 0 && o.grads[69999] == 0);
    EXPECT_INT(o.step, 4);
    optimizer_close(&o);
}

TEST(optimizer_adam_equals_the_formula_in_double)
{
    check_optimizer(OPTIMIZER_ADAM, 0, 0);
}
TEST(optimizer_adam_with_l2_and_clipping_equals_the_formula)
{
    check_optimizer(OPTIMIZER_ADAM, 0.1, 1);
}
TEST(optimizer_adamw_decays_apart_from_the_gradient)
{
    check_optimizer(OPTIMIZER_ADAMW, 0.1, 1);
}

/* The decay grows as (1 + n) / (10 + n) up to train.ema, and then is train.ema. */
TEST(the_moving_average_decays_by_train_ema_once_it_is_warm)
{
    OptimizerConfig config = {
        .kind = OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .ema = 0.75};
    Optimizer o;
    Err err = {0};
    if (!EXPECT(optimizer_open(&o, &two_tensors, &config, 1, &err))) return;
    for (int64_t step = 0; step < 2000; step += step < 40 ? 1 : 650) {
        o.step = step;
        o.weights[0] = 3;
        o.ema[0] = 1;
        optimizer_update(&o, 0, 1); /* a rate of 0 keeps the weights */
        double decay = fmin(0.75, (1.0 + (double)step) / (10.0 + (double)step));
        EXPECT_NEAR((double)o.ema[0], decay * 1 + (1 - decay) * 3, 1e-6);
    }
    optimizer_close(&o);
}
