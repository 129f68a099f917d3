/* The score objectives learn the score. */
#include "score_bench.h"
#include "train/optimizer.h"

/* ---- learning ---- */

/* E|s - exact|^2 / E|exact|^2 over noisy points at one level. */
static double score_error(Bench *b, double sigma)
{
    ToyMixture m;
    EXPECT(toy_mixture(TOY_TWO_MODES, &m));
    MixtureData data = {D, m.modes, m.weights, m.means, m.stds};
    Denoiser exact = mixture_denoiser(&data);
    NoiseLevel level = {.alpha = 1, .sigma = sigma, .t = sigma};
    double wrong = 0, whole = 0;
    Err err = {0};
    for (int batch = 0; batch < 20; batch++) {
        uint64_t first = 1000000 + (uint64_t)(batch * b->nw.batch);
        float *points = test_floats((size_t)b->nw.batch * D);
        toy_points(TOY_TWO_MODES, 4, true, first, (size_t)b->nw.batch, points);
        bench_fill(b, points, &sigma, 1, first);
        network_forward(&b->nw, b->weights, b->xt, b->t, NULL);
        const float *s = net_value(b->nw.net, b->nw.y);
        for (int n = 0; n < b->nw.batch; n++) {
            double x[D], eps[D];
            for (int d = 0; d < D; d++) x[d] = (double)b->xt[D * n + d];
            EXPECT(exact.predict(exact.context, 1, x, &level, 0, eps, &err));
            for (int d = 0; d < D; d++) {
                double score = score_from_eps(level, eps[d]), e = (double)s[D * n + d] - score;
                wrong += e * e;
                whole += score * score;
            }
        }
    }
    return wrong / whole;
}

/* Noise that leaves the modes apart but joins their tails. */
TEST(every_objective_learns_the_exact_score_of_noisy_two_modes)
{
    enum { BATCH = 64, STEPS = 1000 };
    static const double most[KINDS] = {0.01, 0.02, 0.02}, sigma = 1.5;
    for (int k = 0; k < KINDS; k++) {
        MlpConfig mlp = small_mlp();
        mlp.width = 32;
        mlp.zero_init = true;
        Bench b;
        bench_open(&b, &mlp, BATCH);
        OptimizerConfig settings = {.kind = OPTIMIZER_ADAM,
                                    .beta1 = 0.9,
                                    .beta2 = 0.999,
                                    .eps = 1e-8,
                                    .clip = 1,
                                    .ema = 0.99,
                                    .schedule = RATE_COSINE,
                                    .lr = 5e-3,
                                    .warmup = 20};
        Optimizer o;
        Err err = {0};
        EXPECT(optimizer_open(&o, &b.table, &settings, 1, &err));
        params_init(&b.table, o.weights, 5);
        memcpy(o.ema, o.weights, b.table.block_floats * sizeof(float));
        float points[BATCH * D];
        for (int step = 0; step < STEPS; step++) {
            uint64_t first = (uint64_t)step * BATCH;
            toy_points(TOY_TWO_MODES, 4, false, first, BATCH, points);
            bench_fill(&b, points, &sigma, 1, first);
            memcpy(b.weights, o.weights, b.table.block_floats * sizeof(float));
            bench_run(&b, kinds[k], o.grads, 1.0 / BATCH);
            double rate = learning_rate(&settings, step, (double)step / STEPS);
            optimizer_update(&o, rate, optimizer_sum_gradients(&o));
        }
        memcpy(b.weights, o.ema, b.table.block_floats * sizeof(float));
        double error = score_error(&b, sigma);
        EXPECT(error < most[k]);
        optimizer_close(&o);
        bench_close(&b);
    }
}

TEST(directions_are_signs_of_their_own_for_each_sample_and_slice)
{
    enum { N = 300 };
    float v[N], w[N];
    double sum = 0;
    for (int slice = 0; slice < 20; slice++) {
        score_slice(1, 7, slice, N, v);
        score_slice(1, 7, slice, N, w);
        EXPECT_SAME(v, w, sizeof v);
        score_slice(1, 8, slice, N, w);
        double product = 0, next = 0;
        for (int d = 0; d < N; d++) {
            EXPECT(fabsf(v[d]) == 1.0f);
            sum += (double)v[d];
            product += (double)v[d] * (double)w[d];
        }
        score_slice(1, 7, slice + 1, N, w);
        for (int d = 0; d < N; d++) next += (double)v[d] * (double)w[d];
        EXPECT(fabs(product) < 5 * sqrt((double)N) && fabs(next) < 5 * sqrt((double)N));
    }
    EXPECT(fabs(sum) < 5 * sqrt(20.0 * N));
}
