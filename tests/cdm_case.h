/* A small classifier of noise levels, with images at some of its levels. */
#ifndef DIFFC_TESTS_CDM_CASE_H
#define DIFFC_TESTS_CDM_CASE_H

#include "base/mem.h"
#include "diffusion/noise_classes.h"
#include "methods/method.h"
#include "model/network_open.h"
#include "small_unet.h"
#include "test.h"

enum { T = 5, CLASSES = T + 2, IMAGES = 5, SIDE = 8, DIMS = SIDE * SIDE, VALUES = IMAGES * DIMS };

typedef struct {
    ModelConfig model;
    ParamTable table;
    Network network;
    Process process;
    float *weights, *grads;
    float xt[VALUES], eps[VALUES], sigma[IMAGES], ce[IMAGES], mse[IMAGES];
    int classes[IMAGES];
    float loss[IMAGES];
    TrainBatch batch;
    MethodConfig config;
} Case;

static inline ModelConfig classifier(double dropout)
{
    ModelConfig m = {
        .network = NETWORK_UNET, .method = METHOD_CDM, .unet = two_level_unet(8, SIDE, 1)};
    m.unet.dropout = dropout;
    m.unet.noise_classes = CLASSES;
    return m;
}

/* A strong schedule, so that all levels of five steps differ; one image at each of the classes 0, 2,
 * 4, 5 and 6. */
static inline void fill_images(Case *c)
{
    static const int classes[IMAGES] = {0, 2, 4, 5, 6};
    float *x0 = test_random(VALUES, 1, 0.5f);
    test_normals(c->eps, VALUES, 2, 1);
    for (int n = 0; n < IMAGES; n++) {
        NoiseLevel level = cdm_level(&c->process, classes[n]);
        c->classes[n] = classes[n];
        c->sigma[n] = (float)level.sigma;
        for (int i = n * DIMS; i < (n + 1) * DIMS; i++)
            c->xt[i] =
                (float)(level.alpha * (double)x0[i] + (double)c->sigma[n] * (double)c->eps[i]);
    }
    c->batch = (TrainBatch){.xt = c->xt,
                            .target = c->eps,
                            .classes = c->classes,
                            .sigma = c->sigma,
                            .loss = c->loss,
                            .part = {c->ce, c->mse}};
    c->config.ce_weight = 0.7;
    c->config.mse_weight = 1.3;
}

static inline void run_pass(Case *c, TrainBatch *batch, float *grads)
{
    LossPass pass = {.config = &c->config,
                     .network = &c->network,
                     .weights = c->weights,
                     .grads = grads,
                     .batch = batch,
                     .dloss = 1.0f / IMAGES};
    method_cdm.loss(&pass);
}

/* The last layer is made strong, as training makes it: the input gradient is then as large as the
 * image, and its part of the loss well above the rounding of differences. */
static inline void draw_weights(Case *c)
{
    const ParamInfo *last = &c->table.info[params_find(&c->table, "classifier.linear.weight")];
    params_init(&c->table, c->weights, 7);
    for (int i = 0; i < c->table.count; i++) {
        const ParamInfo *p = &c->table.info[i];
        float *noise = test_random(p->count, 100u + (unsigned)i, 0.05f);
        for (size_t j = 0; j < p->count; j++) c->weights[p->offset + j] += noise[j];
    }
    for (size_t j = 0; j < last->count; j++) c->weights[last->offset + j] *= 30;
}

typedef bool (*OpenNetwork)(Network *, ParamTable *, const ModelConfig *, Shape, int, Err *);

static inline bool open_train(Network *nw, ParamTable *table, const ModelConfig *u, Shape s,
                              int batch, Err *err)
{
    return network_open(nw, table, u, s, batch, NET_TRAIN, err);
}

static inline bool open_predict(Network *nw, ParamTable *table, const ModelConfig *u, Shape s,
                                int batch, Err *err)
{
    return network_open(nw, table, u, s, batch, NET_INFER, err);
}

static inline bool open_vjp(Network *nw, ParamTable *table, const ModelConfig *u, Shape s,
                            int images, Err *err)
{
    return network_open_denoiser(nw, table, u, s, images, true, err);
}

static inline void case_open(Case *c, double dropout, int batch, OpenNetwork open)
{
    memset(c, 0, sizeof *c);
    NoiseConfig process = {.kind = PROCESS_DDPM,
                           .T = T,
                           .schedule = SCHEDULE_LINEAR,
                           .beta_start = 0.05,
                           .beta_end = 0.7};
    c->model = classifier(dropout);
    Err err = {0};
    if (!EXPECT(process_make(&c->process, &process, &err)) ||
        !EXPECT(open(&c->network, &c->table, &c->model, (Shape){SIDE, SIDE, 1}, batch, &err)))
        abort();
    c->weights = mem_floats(c->table.block_floats);
    c->grads = mem_floats(c->table.block_floats);
    draw_weights(c);
    fill_images(c);
    net_set_dropout(c->network.net, dropout > 0, 3, 4);
}

static inline void case_close(Case *c)
{
    network_close(&c->network);
    params_free(&c->table);
    process_free(&c->process);
    mem_free(c->weights);
    mem_free(c->grads);
}

#endif
