#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "diffusion/denoiser.h"
#include "diffusion/noise_classes.h"
#include "methods/method.h"
#include "train/train_internal.h"

/* All arrays lie in one block, which begins with xt. */
bool batch_open(TrainBatch *b, int size, size_t dims, Err *err)
{
    float **values[] = {&b->xt, &b->target, &b->noise};
    float **numbers[] = {&b->t,     &b->label,   &b->weight, &b->loss,
                         &b->sigma, &b->part[0], &b->part[1]};
    enum { VALUES = sizeof values / sizeof *values, NUMBERS = sizeof numbers / sizeof *numbers };
    enum { CLASS = 1, SEEN = sizeof *b->seen / sizeof(float) };
    size_t of_values = mem_whole_lines((size_t)size * dims);
    size_t of_numbers = mem_whole_lines((size_t)size);
    float *at = mem_floats(VALUES * of_values + (NUMBERS + CLASS + SEEN) * of_numbers);
    *b = (TrainBatch){.size = size, .dims = dims};
    if (!at) return err_set(err, ERR_MEMORY, "not enough memory for a batch of %d", size);
    for (int i = 0; i < VALUES; i++, at += of_values) *values[i] = at;
    for (int i = 0; i < NUMBERS; i++, at += of_numbers) *numbers[i] = at;
    b->classes = (int *)(void *)at;
    b->seen = (PredictionError *)(void *)(at + of_numbers);
    return true;
}

void batch_close(TrainBatch *b)
{
    mem_free(b->xt);
    memset(b, 0, sizeof *b);
}

/* Makes the input and the target of image i, whose x0 is in xt and whose noise is drawn. */
static void diffuse(const Trainer *t, TrainBatch *b, int i, NoiseLevel level)
{
    Prediction kind = t->plan.model.noise.prediction;
    float *x = b->xt + (size_t)i * b->dims, *target = b->target + (size_t)i * b->dims;
    const float *noise = b->noise + (size_t)i * b->dims;
    double scale = input_scale(kind, level);
    for (size_t k = 0; k < b->dims; k++) {
        double x0 = (double)x[k], eps = (double)noise[k];
        target[k] = (float)target_of_prediction(kind, level, x0, eps);
        x[k] = (float)(scale * (level.alpha * x0 + level.sigma * eps));
    }
    b->t[i] = network_label(&t->train_network, level);
    b->classes[i] = (int)cdm_class_at(level);
    b->sigma[i] = (float)level.sigma;
    b->weight[i] = (float)method_weight(&t->process, kind, level, t->config.method.weighting,
                                        t->config.method.min_snr_gamma);
}

/* Gives the clean images of a classifier values between the 256 levels of grey (pixels_dequantise);
 * otherwise it would recognise them by their values. */
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

/* The level at quantile u of the levels that the network is trained at. */
static NoiseLevel level_at(const Trainer *t, const Process *p, double u)
{
    if (t->method->level) return t->method->level(p, (int)(u * t->train_network.noise_classes));
    return process_quantile(p, u);
}

NoiseLevel training_level(const Trainer *t, uint64_t sample)
{
    const Process *p = &t->process;
    if (t->learner) return mask_learner_level(t->learner, sample);
    uint64_t seed = t->config.train.seed, stream = rng_stream(RNG_TIMESTEP, sample);
    if (t->config.method.times == TIMES_EVEN) {
        uint64_t batch = (uint64_t)t->config.train.batch;
        double u = rng_uniform(seed, rng_stream(RNG_TIMESTEP, sample / batch), 0) +
                   (double)(sample % batch) / (double)batch;
        return level_at(t, p, u < 1 ? u : u - 1);
    }
    if (t->method->level)
        return t->method->level(
            p, (int)rng_below(seed, stream, 0, (uint32_t)t->train_network.noise_classes));
    if (process_is_discrete(p)) return process_level(p, rng_below(seed, stream, 0, (uint32_t)p->T));
    return process_quantile(p, rng_uniform(seed, stream, 0));
}

NoiseLevel validation_level(const Trainer *t, int image, int n)
{
    return level_at(t, t->sampled, ((double)image + 0.5) / n);
}

/* The label of a training sample: its class or, for a share of the samples, that of no class. */
static int training_label(const Trainer *t, uint64_t sample, int label)
{
    double share = t->config.train.label_dropout;
    bool dropped =
        share > 0 && rng_uniform(t->config.train.seed, rng_stream(RNG_LABEL, sample), 0) < share;
    return dropped ? t->train_network.classes : label;
}

bool batch_read_train(Trainer *t, TrainBatch *b, uint64_t first, Err *err)
{
    for (int i = 0; i < b->size; i++) {
        int label;
        if (!dataset_train_sample(&t->data, first + (uint64_t)i, b->xt + (size_t)i * b->dims,
                                  &label, err))
            return false;
        b->label[i] = (float)training_label(t, first + (uint64_t)i, label);
    }
    return true;
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

bool batch_fill_validation(Trainer *t, TrainBatch *b, int first, int n, Err *err)
{
    for (int i = 0; i < b->size; i++) {
        int image = first + i < n ? first + i : n - 1, label;
        if (!dataset_validation_sample(&t->data, (size_t)image, b->xt + (size_t)i * b->dims, &label,
                                       err))
            return false;
        b->label[i] = (float)label;
        rng_normals_float(b->noise + (size_t)i * b->dims, b->dims, t->config.train.seed,
                          rng_stream(RNG_VALIDATION, (uint64_t)image), 0);
        NoiseLevel level = validation_level(t, image, n);
        dequantise(t, b, i, level, 2 * (uint64_t)image + 1);
        diffuse(t, b, i, level);
        if (first + i >= n) b->weight[i] = 0;
    }
    return true;
}

ImageLoss image_loss(const TrainBatch *b, int i)
{
    return (ImageLoss){.loss = b->loss[i],
                       .part = {b->part[0][i], b->part[1][i]},
                       .sigma = b->sigma[i],
                       .seen = b->seen[i]};
}

void loss_sum_add(LossSum *sum, const ImageLoss *image)
{
    sum->loss += (double)image->loss;
    for (int i = 0; i < 2; i++) sum->part[i] += (double)image->part[i];
    sum->images++;
    sum->with_noise += image->sigma > 0;
}

double loss_sum_mean(const LossSum *sum, const Trainer *t)
{
    if (t->method->mean_loss) return t->method->mean_loss(&t->config.method, sum);
    return sum->loss / sum->images;
}

static LossPass loss_pass(const Trainer *t, Network *nw, const float *weights, TrainBatch *b)
{
    return (LossPass){.config = &t->config.method,
                      .process = &t->process,
                      .clip = t->plan.model.sample.clip,
                      .clip_range = t->plan.model.clip_range,
                      .seed = t->config.train.seed,
                      .network = nw,
                      .weights = weights,
                      .batch = b,
                      .learner = t->learner};
}

void batch_loss(Trainer *t, TrainBatch *b)
{
    LossPass pass = loss_pass(t, &t->eval_network, t->optimizer.ema, b);
    t->method->loss(&pass);
}

void batch_train(const Trainer *t, Network *nw, TrainBatch *b, uint64_t first, float *grads,
                 float dloss)
{
    LossPass pass = loss_pass(t, nw, t->optimizer.weights, b);
    pass.grads = grads;
    pass.first = first;
    pass.dloss = dloss;
    t->method->loss(&pass);
}
