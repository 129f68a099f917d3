/* The score objectives: exact gradients, one optimum, which is the score. */
#include "methods/method.h"

#include "base/rng.h"
#include "data/toy.h"
#include "exact_denoiser.h"
#include "net/networks.h"
#include "net_case.h"
#include "train/optimizer.h"

enum { D = TOY_DIMS, SLICES = 3, KINDS = 3 };
static const ScoreObjective kinds[KINDS] = {OBJECTIVE_DENOISING, OBJECTIVE_EXACT, OBJECTIVE_SLICED};

/* ---- a network and a batch of noisy points for it ---- */

typedef struct {
    ParamTable table;
    Network nw;
    float *weights, *grads;
    float *xt, *target, *t, *weight, *loss;
    MethodConfig config;
    uint64_t first;
} Bench;

/* mlp NULL: one linear layer, s = A x + b whatever the level. */
static void bench_open(Bench *b, const MlpConfig *mlp, int batch)
{
    Err err = {0};
    *b = (Bench){0};
    Net *net = net_new(&b->table, batch);
    b->nw = (Network){
        .net = net, .label = -1, .batch = batch, .image = {1, 1, D}, .dims = D, .outputs = D};
    b->nw.x = net_input(net, 1, 1, D, true);
    b->nw.t = net_input(net, 1, 1, 1, false);
    b->nw.y = mlp ? mlp_declare(net, mlp, b->nw.x, b->nw.t)
                  : net_linear(net, b->nw.x, D, false, "affine");
    net_set_output(net, b->nw.y);
    if (!EXPECT(net_plan(net, NET_SECOND, &err))) abort();
    b->weights = test_floats(b->table.block_floats);
    b->grads = test_floats(b->table.block_floats);
    params_init(&b->table, b->weights, 5);
    size_t n = (size_t)batch;
    b->xt = test_floats(n * D);
    b->target = test_floats(n * D);
    b->t = test_floats(n);
    b->weight = test_floats(n);
    b->loss = test_floats(n);
    b->config.slices = SLICES;
}

static void bench_close(Bench *b)
{
    net_free(b->nw.net);
    params_free(&b->table);
}

/* xt = points + sigma eps, with the weight sigma^2; the levels go round among `levels`. */
static void bench_fill(Bench *b, const float *points, const double *sigmas, int levels,
                       uint64_t first)
{
    for (int n = 0; n < b->nw.batch; n++) {
        double sigma = sigmas[n % levels], eps[D];
        rng_normals(eps, D, 3, rng_stream(RNG_NOISE, first + (uint64_t)n), 0);
        for (int d = 0; d < D; d++) {
            b->xt[D * n + d] = (float)((double)points[D * n + d] + sigma * eps[d]);
            b->target[D * n + d] = (float)(-eps[d] / sigma);
        }
        b->t[n] = (float)sigma;
        b->weight[n] = (float)(sigma * sigma);
    }
    b->first = first;
}

static void bench_run(Bench *b, ScoreObjective kind, float *grads, double dloss)
{
    TrainBatch batch = {
        .xt = b->xt, .target = b->target, .t = b->t, .weight = b->weight, .loss = b->loss};
    LossPass pass = {.config = &b->config,
                     .seed = 8,
                     .network = &b->nw,
                     .weights = b->weights,
                     .grads = grads,
                     .batch = &batch,
                     .first = b->first,
                     .dloss = (float)dloss};
    b->config.objective = kind;
    if (kind == OBJECTIVE_DENOISING)
        denoising_loss(&pass);
    else
        score_trace_loss(&pass);
}

static double bench_loss(Bench *b, ScoreObjective kind)
{
    bench_run(b, kind, NULL, 0);
    double sum = 0;
    for (int n = 0; n < b->nw.batch; n++) sum += (double)b->loss[n];
    return sum;
}

static MlpConfig small_mlp(void)
{
    MlpConfig m;
    mlp_config_defaults(&m);
    m.dims = D;
    m.width = 16;
    m.layers = 2;
    m.time_kind = TIME_FOURIER;
    m.zero_init = false;
    return m;
}

static const double SIGMAS[] = {0.5, 1.3, 4};

/* ---- gradients ---- */

/* Along a random direction of every tensor, the difference of fourth order. Its rounding is about 1e-3
 * of the smallest gradients and 1e-5 of the whole one. */
TEST(gradients_match_central_differences_of_the_loss)
{
    MlpConfig mlp = small_mlp();
    Bench b;
    bench_open(&b, &mlp, 24);
    float *points = test_random(24 * D, 1, 2.0f);
    bench_fill(&b, points, SIGMAS, 3, 70);
    for (int k = 0; k < KINDS; k++) {
        memset(b.grads, 0, b.table.block_floats * sizeof(float));
        bench_run(&b, kinds[k], b.grads, 1);
        double whole = sqrt(test_dot(b.grads, b.grads, b.table.block_floats));
        for (int i = 0; i < b.table.count; i++) {
            const ParamInfo *p = &b.table.info[i];
            if (!p->trainable) continue;
            float *w = b.weights + p->offset, *g = b.grads + p->offset;
            float *direction = test_random(p->count, 500u + (unsigned)i, 1.0f);
            float *before = test_floats(p->count);
            memcpy(before, w, p->count * sizeof *w);
            static const double at[4] = {1, -1, 2, -2}, factor[4] = {8, -8, -1, 1};
            double slope = 0, h = 0.02 / sqrt((double)p->count);
            for (int s = 0; s < 4; s++) {
                for (size_t j = 0; j < p->count; j++)
                    w[j] = (float)((double)before[j] + at[s] * h * (double)direction[j]);
                slope += factor[s] * bench_loss(&b, kinds[k]) / (12 * h);
            }
            memcpy(w, before, p->count * sizeof *w);
            double norm = sqrt(test_dot(g, g, p->count));
            if (!EXPECT_NEAR(test_dot(g, direction, p->count), slope, 1e-3 * norm + 1e-5 * whole))
                EXPECT_TEXT("the gradient above", p->name);
        }
    }
    bench_close(&b);
}

/* With s = A x + b the loss of a sample is w/D (|s|^2 + 2 tr A), sliced 2/M sum_m v^T A v. */
TEST(losses_and_gradients_of_an_affine_score_are_those_of_the_formula)
{
    enum { N = 40 };
    for (int k = 1; k < KINDS; k++) {
        Bench b;
        bench_open(&b, NULL, N);
        float *points = test_random(N * D, 2, 1.5f);
        bench_fill(&b, points, SIGMAS, 3, 1000);
        const float *A = b.weights + b.table.info[0].offset;    /* [in, out] in memory */
        const float *bias = b.weights + b.table.info[1].offset; /* [out] */
        bench_run(&b, kinds[k], b.grads, 0.25);
        double dA[D][D] = {{0}}, db[D] = {0};
        float expected[N];
        for (int n = 0; n < N; n++) {
            double s[D], loss = 0, factor = (double)b.weight[n] / D;
            const float *x = b.xt + D * n;
            for (int o = 0; o < D; o++) {
                s[o] = (double)bias[o];
                for (int i = 0; i < D; i++) s[o] += (double)A[D * i + o] * (double)x[i];
                loss += factor * s[o] * s[o];
                db[o] += 0.25 * factor * 2 * s[o];
                for (int i = 0; i < D; i++) dA[i][o] += 0.25 * factor * 2 * s[o] * (double)x[i];
            }
            for (int m = 0; m < SLICES; m++) {
                float v[D];
                score_slice(8, 1000 + (uint64_t)n, m, D, v);
                for (int i = 0; i < D; i++)
                    for (int o = 0; o < D; o++) {
                        double vv =
                            kinds[k] == OBJECTIVE_EXACT ? i == o : (double)v[i] * (double)v[o];
                        loss += 2 * factor * vv / SLICES * (double)A[D * i + o];
                        dA[i][o] += 0.25 * 2 * factor * vv / SLICES;
                    }
            }
            expected[n] = (float)loss;
        }
        EXPECT_CLOSE(b.loss, expected, N, 1e-6);
        float wanted[D * D], wanted_bias[D];
        for (int i = 0; i < D; i++) {
            wanted_bias[i] = (float)db[i];
            for (int o = 0; o < D; o++) wanted[D * i + o] = (float)dA[i][o];
        }
        EXPECT_CLOSE(b.grads + b.table.info[0].offset, wanted, D * D, 1e-6);
        EXPECT_CLOSE(b.grads + b.table.info[1].offset, wanted_bias, D, 1e-6);
        bench_close(&b);
    }
}

TEST(gradients_are_added_and_losses_without_gradients_are_the_same)
{
    MlpConfig mlp = small_mlp();
    Bench b;
    bench_open(&b, &mlp, 6);
    float *points = test_random(6 * D, 1, 2.0f), loss[6];
    bench_fill(&b, points, SIGMAS, 3, 0);
    for (int k = 0; k < KINDS; k++) {
        size_t n = b.table.block_floats;
        float *once = test_floats(n), *twice = test_floats(n);
        bench_run(&b, kinds[k], once, 1);
        memcpy(loss, b.loss, sizeof loss);
        bench_run(&b, kinds[k], twice, 1);
        bench_run(&b, kinds[k], twice, 1);
        for (size_t i = 0; i < n; i++) once[i] *= 2;
        EXPECT_CLOSE(twice, once, n, 1e-6);
        bench_run(&b, kinds[k], NULL, 1);
        EXPECT_SAME(b.loss, loss, sizeof loss);
    }
    bench_close(&b);
}

/* ---- one optimum ---- */

/* For every network and data: E denoising - E exact = 1 at the weight sigma^2, E sliced = E exact. */
TEST(the_objectives_agree_up_to_one_in_expectation)
{
    enum { N = 500, BATCHES = 40 };
    for (int which = 0; which < 2; which++) {
        MlpConfig mlp = small_mlp();
        Bench b;
        bench_open(&b, which ? &mlp : NULL, N);
        double sum[2] = {0}, square[2] = {0};
        for (int batch = 0; batch < BATCHES; batch++) {
            float points[N * D], loss[KINDS][N];
            uint64_t first = (uint64_t)batch * N;
            toy_points(which ? TOY_TWO_MODES : TOY_RING, 4, false, first, N, points);
            bench_fill(&b, points, SIGMAS, 3, first);
            for (int k = 0; k < KINDS; k++) {
                bench_run(&b, kinds[k], NULL, 0);
                memcpy(loss[k], b.loss, sizeof loss[k]);
            }
            for (int n = 0; n < N; n++)
                for (int k = 0; k < 2; k++) {
                    double difference = (double)loss[k ? 2 : 0][n] - (double)loss[1][n];
                    sum[k] += difference;
                    square[k] += difference * difference;
                }
        }
        double count = (double)N * BATCHES;
        for (int k = 0; k < 2; k++) {
            double mean = sum[k] / count;
            double error = sqrt((square[k] / count - mean * mean) / count);
            EXPECT(error < 0.1);
            EXPECT_NEAR(mean, k ? 0 : 1, 5 * error);
        }
        bench_close(&b);
    }
}

/* On N(mean, C) with noise sigma the best affine score is A = -(C + sigma^2 I)^-1, b = -A mean: there
 * every objective's gradient is zero in expectation, and nowhere near it. */
TEST(the_optimum_on_a_gaussian_is_its_score)
{
    enum { N = 1000, BATCHES = 50 };
    static const double mean[D] = {0.7, -0.4}, sigma[1] = {0.6};
    /* x = mean + L z */
    static const double L[D][D] = {{1.1, 0}, {-0.5, 0.8}};
    double C[D][D], determinant;
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            C[i][j] = L[i][0] * L[j][0] + L[i][1] * L[j][1] + (i == j ? sigma[0] * sigma[0] : 0);
    determinant = C[0][0] * C[1][1] - C[0][1] * C[1][0];
    for (int k = 0; k < KINDS; k++)
        for (int off = 0; off < 2; off++) {
            Bench b;
            bench_open(&b, NULL, N);
            float *A = b.weights + b.table.info[0].offset,
                  *bias = b.weights + b.table.info[1].offset;
            A[0] = (float)(-C[1][1] / determinant);
            A[3] = (float)(-C[0][0] / determinant);
            A[1] = A[2] = (float)(C[0][1] / determinant);
            for (int o = 0; o < D; o++)
                bias[o] = (float)(-(double)A[o] * mean[0] - (double)A[D + o] * mean[1]);
            if (off) A[1] += 0.1f;
            double sum[6] = {0}, square[6] = {0};
            for (int batch = 0; batch < BATCHES; batch++) {
                float points[N * D];
                for (int n = 0; n < N; n++) {
                    double z[D];
                    uint64_t number = (uint64_t)(batch * N + n);
                    rng_normals(z, D, 6, rng_stream(RNG_TEST, number), 0);
                    for (int i = 0; i < D; i++)
                        points[D * n + i] = (float)(mean[i] + L[i][0] * z[0] + L[i][1] * z[1]);
                }
                bench_fill(&b, points, sigma, 1, (uint64_t)batch * N);
                memset(b.grads, 0, b.table.block_floats * sizeof(float));
                bench_run(&b, kinds[k], b.grads, 1.0 / N);
                for (int i = 0; i < 6; i++) {
                    double g = (double)(i < 4 ? b.grads[b.table.info[0].offset + (size_t)i]
                                              : b.grads[b.table.info[1].offset + (size_t)i - 4]);
                    sum[i] += g / BATCHES;
                    square[i] += g * g / BATCHES;
                }
            }
            double worst = 0;
            for (int i = 0; i < 6; i++) {
                double error = sqrt((square[i] - sum[i] * sum[i]) / (BATCHES - 1));
                worst = test_larger(worst, fabs(sum[i]) / error);
            }
            EXPECT(off ? worst > 8 : worst < 5);
            bench_close(&b);
        }
}

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
