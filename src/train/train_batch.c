#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "diffusion/cdm.h"
#include "diffusion/denoiser.h"
#include "model/cdm_network.h"
#include "model/method.h"
#include "train/hybrid_loss.h"
#include "train/score_objective.h"
#include "train/train_internal.h"

bool batch_open(TrainBatch *b, int size, size_t dims, Err *err)
{
    size_t values = (size_t)size * dims;
    *b = (TrainBatch){.size = size,
                      .dims = dims,
                      .xt = mem_floats(values),
                      .target = mem_floats(values),
                      .noise = mem_floats(values),
                      .t = mem_floats((size_t)size),
                      .label = mem_floats((size_t)size),
                      .weight = mem_floats((size_t)size),
                      .loss = mem_floats((size_t)size),
                      .classes = mem_alloc((size_t)size, sizeof *b->classes),
                      .sigma = mem_floats((size_t)size),
                      .ce = mem_floats((size_t)size),
                      .mse = mem_floats((size_t)size)};
    if (b->xt && b->target && b->noise && b->t && b->label && b->weight && b->loss && b->classes &&
        b->sigma && b->ce && b->mse)
        return true;
    batch_close(b);
    return err_set(err, ERR_MEMORY, "not enough memory for a batch of %d images", size);
}

void batch_close(TrainBatch *b)
{
    mem_free(b->xt);
    mem_free(b->target);
    mem_free(b->noise);
    mem_free(b->t);
    mem_free(b->label);
    mem_free(b->weight);
    mem_free(b->loss);
    mem_free(b->classes);
    mem_free(b->sigma);
    mem_free(b->ce);
    mem_free(b->mse);
    memset(b, 0, sizeof *b);
}

/* Levels that a classifier tells apart; 0: the network is none. */
static int noise_classes(const Trainer *t)
{
    return t->plan.model.unet.noise_classes;
}

/* Turns place i, whose xt holds x0 and whose noise is drawn, into network input and target. */
static void diffuse(const Trainer *t, TrainBatch *b, int i, NoiseLevel level)
{
    Prediction kind = t->plan.model.noise.prediction;
    float *x = b->xt + (size_t)i * b->dims, *target = b->target + (size_t)i * b->dims;
    const float *noise = b->noise + (size_t)i * b->dims;
    for (size_t k = 0; k < b->dims; k++) {
        double x0 = (double)x[k], eps = (double)noise[k];
        target[k] = (float)target_of_prediction(kind, level, x0, eps);
        x[k] = (float)(level.alpha * x0 + level.sigma * eps);
    }
    b->t[i] = network_label(&t->train_network, level);
    if (noise_classes(t)) b->classes[i] = (int)cdm_class_at(level);
    b->sigma[i] = (float)level.sigma;
    b->weight[i] = (float)method_weight(&t->process, kind, level, t->config.method.weighting,
                                        t->config.method.min_snr_gamma);
}

/* Clean images of a classifier have values of any size, not only those of the 256 levels of grey,
 * which it would recognise: pixels_dequantise. */
static void dequantise(const Trainer *t, TrainBatch *b, int i, NoiseLevel level, uint64_t draw)
{
    if (!t->plan.model.dequantised || level.sigma > 0) return;
    float *x = b->xt + (size_t)i * b->dims;
    double range = model_pixels.high - model_pixels.low;
    for (size_t k = 0; k < b->dims; k++) {
        double pixel = ((double)x[k] - model_pixels.low) / range * (model_pixels.levels - 1);
        double u = rng_uniform(t->config.train.seed, rng_stream(RNG_DEQUANTISE, draw), k);
        x[k] = (float)(model_pixels.low + range * (pixel + u) / model_pixels.levels);
    }
}

/* The level at a quantile u of those of a process, with the clean and the noise class of a
 * classifier. */
static NoiseLevel level_at(const Trainer *t, const Process *p, double u)
{
    if (noise_classes(t)) return cdm_level(p, (int)(u * noise_classes(t)));
    return process_quantile(p, u);
}

NoiseLevel training_level(const Trainer *t, uint64_t sample)
{
    const Process *p = &t->process;
    if (t->masks.on) return masks_level(t, sample);
    uint64_t seed = t->config.train.seed, stream = rng_stream(RNG_TIMESTEP, sample);
    if (t->config.method.times == TIMES_EVEN) {
        uint64_t batch = (uint64_t)t->config.train.batch;
        double u = rng_uniform(seed, rng_stream(RNG_TIMESTEP, sample / batch), 0) +
                   (double)(sample % batch) / (double)batch;
        return level_at(t, p, u < 1 ? u : u - 1);
    }
    if (noise_classes(t))
        return cdm_level(p, (int)rng_below(seed, stream, 0, (uint32_t)noise_classes(t)));
    if (process_is_discrete(p)) return process_level(p, rng_below(seed, stream, 0, (uint32_t)p->T));
    return process_quantile(p, rng_uniform(seed, stream, 0));
}

NoiseLevel validation_level(const Trainer *t, int image, int n)
{
    return level_at(t, sampled_process(t), ((double)image + 0.5) / n);
}

void batch_read_train(Trainer *t, TrainBatch *b, uint64_t first)
{
    for (int i = 0; i < b->size; i++) {
        int label;
        dataset_train_sample(&t->data, first + (uint64_t)i, b->xt + (size_t)i * b->dims, &label);
        b->label[i] = (float)label;
    }
}

void batch_diffuse_train(const Trainer *t, TrainBatch *b, uint64_t first)
{
    uint64_t seed = t->config.train.seed;
#pragma omp parallel for
    for (int i = 0; i < b->size; i++) {
        uint64_t sample = first + (uint64_t)i;
        rng_normals_float(b->noise + (size_t)i * b->dims, b->dims, seed,
                          rng_stream(RNG_NOISE, sample), 0);
        NoiseLevel level = training_level(t, sample);
        dequantise(t, b, i, level, 2 * sample);
        diffuse(t, b, i, level);
    }
}

void batch_fill_validation(Trainer *t, TrainBatch *b, int first, int n)
{
    for (int i = 0; i < b->size; i++) {
        int image = first + i < n ? first + i : n - 1, label;
        dataset_validation_sample(&t->data, (size_t)image, b->xt + (size_t)i * b->dims, &label);
        b->label[i] = (float)label;
        rng_normals_float(b->noise + (size_t)i * b->dims, b->dims, t->config.train.seed,
                          rng_stream(RNG_VALIDATION, (uint64_t)image), 0);
        NoiseLevel level = validation_level(t, image, n);
        dequantise(t, b, i, level, 2 * (uint64_t)image + 1);
        diffuse(t, b, i, level);
        if (first + i >= n) b->weight[i] = 0;
    }
}

static CdmBatch cdm_batch(const Trainer *t, TrainBatch *b)
{
    return (CdmBatch){.xt = b->xt,
                      .eps = b->target,
                      .classes = b->classes,
                      .sigma = b->sigma,
                      .ce_weight = t->config.method.ce_weight,
                      .mse_weight = t->config.method.mse_weight,
                      .ce = b->ce,
                      .mse = b->mse};
}

static void sum_cdm_losses(TrainBatch *b, const CdmBatch *c)
{
    for (int i = 0; i < b->size; i++)
        b->loss[i] = (float)(c->ce_weight * (double)c->ce[i] + c->mse_weight * (double)c->mse[i]);
}

void loss_sum_add(LossSum *sum, const TrainBatch *b, int image)
{
    sum->loss += (double)b->loss[image];
    sum->ce += (double)b->ce[image];
    sum->mse += (double)b->mse[image];
    sum->images++;
    sum->with_noise += b->sigma[image] > 0;
}

double loss_sum_cross_entropy(const LossSum *sum)
{
    return sum->ce / sum->images;
}

double loss_sum_squared_error(const LossSum *sum)
{
    return sum->with_noise > 0 ? sum->mse / sum->with_noise : 0;
}

double loss_sum_mean(const LossSum *sum, const Trainer *t)
{
    const Config *c = &t->config;
    if (!noise_classes(t)) return sum->loss / sum->images;
    return c->method.ce_weight * loss_sum_cross_entropy(sum) +
           c->method.mse_weight * loss_sum_squared_error(sum);
}

void batch_loss(Trainer *t, TrainBatch *b)
{
    Network *network = &t->eval_network;
    const float *weights = t->optimizer.ema;
    if (!noise_classes(t)) {
        network_loss(network, weights, b->xt, b->t, b->label, b->target, b->weight, b->loss);
        return;
    }
    CdmBatch c = cdm_batch(t, b);
    cdm_loss(network, weights, &c);
    sum_cdm_losses(b, &c);
}

void batch_train(const Trainer *t, Network *nw, TrainBatch *b, uint64_t first, float *grads,
                 float dloss)
{
    const float *weights = t->optimizer.weights;
    if (noise_classes(t)) {
        CdmBatch c = cdm_batch(t, b);
        cdm_train_pass(nw, weights, grads, &c, (double)dloss);
        sum_cdm_losses(b, &c);
        return;
    }
    if (t->plan.model.sample.variance == VARIANCE_LEARNED) {
        HybridLoss hybrid = {.process = &t->process,
                             .prediction = t->plan.model.noise.prediction,
                             .vlb_weight = t->config.method.vlb_weight,
                             .clip = t->plan.model.sample.clip,
                             .clip_range = t->plan.model.clip_range};
        hybrid_pass(nw, &hybrid, weights, grads, b->xt, b->noise, b->t, b->label, b->target,
                    b->weight, dloss, b->loss);
        return;
    }
    ScoreMatching objective = {.kind = t->config.method.objective,
                               .slices = t->config.method.slices,
                               .seed = t->config.train.seed,
                               .sample = first};
    score_matching_pass(nw, &objective, weights, grads, b->xt, b->t, b->label, b->target, b->weight,
                        dloss, b->loss);
}
