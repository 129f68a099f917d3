/* A small network as a denoiser, at five noise levels. */
#ifndef DIFFC_TESTS_NETWORK_CASE_H
#define DIFFC_TESTS_NETWORK_CASE_H

#include "base/mem.h"
#include "model/network_open.h"
#include "small_unet.h"
#include "test.h"

enum { CASE_IMAGES = 5 };

typedef struct {
    ModelConfig model;
    ParamTable table;
    Network network;
    NetworkDenoiser context;
    Denoiser denoiser;
    float *weights;
} NetworkCase;

/* Planned for calls of `images`; vjp: with predict_vjp. */
static inline void network_case_open(NetworkCase *c, const ModelConfig *model, Shape image,
                                     int images, bool vjp)
{
    Err err = {0};
    memset(c, 0, sizeof *c);
    c->model = *model;
    if (!EXPECT_OK(
            network_open_denoiser(&c->network, &c->table, &c->model, image, images, vjp, &err),
            err))
        abort();
    c->weights = mem_floats(c->table.block_floats);
    params_init(&c->table, c->weights, 3);
    c->context = (NetworkDenoiser){.network = &c->network, .weights = c->weights, .label = -1};
    c->denoiser = network_denoiser(&c->context);
    net_hold(c->network.net, c->weights);
}

static inline void network_case_close(NetworkCase *c)
{
    network_close(&c->network);
    params_free(&c->table);
    mem_free(c->weights);
}

static inline void network_case_levels(NoiseLevel levels[CASE_IMAGES])
{
    static const double alphas[CASE_IMAGES] = {0.995, 0.9, 0.6, 0.3, 0.05};
    for (int i = 0; i < CASE_IMAGES; i++)
        levels[i] = (NoiseLevel){.alpha = alphas[i],
                                 .sigma = sqrt(1 - alphas[i] * alphas[i]),
                                 .t = 30 + 200 * i,
                                 .time = 30 + 200 * i};
}

static inline void network_case_fill(double *y, int n, unsigned tag)
{
    float *z = test_random((size_t)n, tag, 1);
    for (int i = 0; i < n; i++) y[i] = (double)z[i];
}

/* Of x[n] along u[n] by a length h. */
static inline void network_case_move(double *moved, const double *x, const double *u, double h,
                                     int n)
{
    for (int i = 0; i < n; i++) moved[i] = x[i] + h * u[i];
}

static inline double network_case_dot(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* <u, J^T v> against the central difference of <v, eps> along u, image by image, and eps against predict. */
static inline void network_case_expect_vjp(const Denoiser *d)
{
    enum { MOST = CASE_IMAGES * 1024 };
    static double x[MOST], v[MOST], u[MOST], eps[MOST], jtv[MOST], up[MOST], down[MOST],
        moved[MOST];
    const double h = 3e-3;
    int dims = (int)d->dims, n = CASE_IMAGES * dims;
    NoiseLevel levels[CASE_IMAGES];
    Err err = {0};
    if (!EXPECT(n <= MOST)) return;
    network_case_levels(levels);
    network_case_fill(x, n, 1), network_case_fill(v, n, 2), network_case_fill(u, n, 3);
    EXPECT_OK(d->predict(d->context, CASE_IMAGES, x, levels, 1, up, &err), err);
    EXPECT_OK(d->predict_vjp(d->context, CASE_IMAGES, x, levels, 1, v, eps, jtv, &err), err);
    EXPECT_SAME(eps, up, (size_t)n * sizeof *eps);
    network_case_move(moved, x, u, h, n);
    EXPECT_OK(d->predict(d->context, CASE_IMAGES, moved, levels, 1, up, &err), err);
    network_case_move(moved, x, u, -h, n);
    EXPECT_OK(d->predict(d->context, CASE_IMAGES, moved, levels, 1, down, &err), err);
    for (int at = 0; at < n; at += dims) {
        double slope = network_case_dot(v + at, up + at, dims) / (2 * h) -
                       network_case_dot(v + at, down + at, dims) / (2 * h);
        double size = sqrt(network_case_dot(jtv + at, jtv + at, dims) *
                           network_case_dot(u + at, u + at, dims) / dims);
        EXPECT(size > 1e-3);
        EXPECT_NEAR(network_case_dot(u + at, jtv + at, dims), slope, 3e-3 * size);
    }
}

#endif
