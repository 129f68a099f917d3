/* A network that gives scores, and a batch of noisy points for it. */
#ifndef DIFFC_TESTS_SCORE_BENCH_H
#define DIFFC_TESTS_SCORE_BENCH_H

#include "base/rng.h"
#include "data/toy.h"
#include "exact_denoiser.h"
#include "methods/method.h"
#include "net/networks.h"
#include "net_case.h"

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
static inline void bench_open(Bench *b, const MlpConfig *mlp, int batch)
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

static inline void bench_close(Bench *b)
{
    net_free(b->nw.net);
    params_free(&b->table);
}

/* xt = points + sigma eps, with the weight sigma^2; the levels go round among `levels`. */
static inline void bench_fill(Bench *b, const float *points, const double *sigmas, int levels,
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

static inline void bench_run(Bench *b, ScoreObjective kind, float *grads, double dloss)
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

static inline double bench_loss(Bench *b, ScoreObjective kind)
{
    bench_run(b, kind, NULL, 0);
    double sum = 0;
    for (int n = 0; n < b->nw.batch; n++) sum += (double)b->loss[n];
    return sum;
}

static inline MlpConfig small_mlp(void)
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

#endif
