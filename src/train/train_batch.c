#include <string.h>

#include "diffc/denoiser.h"
#include "diffc/mem.h"
#include "diffc/method.h"
#include "diffc/rng.h"
#include "train_internal.h"

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
                      .loss = mem_floats((size_t)size)};
    if (b->xt && b->target && b->noise && b->t && b->label && b->weight && b->loss) return true;
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
    memset(b, 0, sizeof *b);
}

/* Turns place i, whose xt holds x0 and whose noise is drawn, into network input and target. */
static void diffuse(const Trainer *t, TrainBatch *b, int i, NoiseLevel level)
{
    Prediction kind = t->plan.model.prediction;
    float *x = b->xt + (size_t)i * b->dims, *target = b->target + (size_t)i * b->dims;
    const float *noise = b->noise + (size_t)i * b->dims;
    for (size_t k = 0; k < b->dims; k++) {
        double x0 = (double)x[k], eps = (double)noise[k];
        target[k] = (float)target_of_prediction(kind, level, x0, eps);
        x[k] = (float)(level.alpha * x0 + level.sigma * eps);
    }
    b->t[i] = (float)level.t;
    b->weight[i] = (float)method_weight(&t->process, kind, level, t->config.method.weighting,
                                        t->config.method.min_snr_gamma);
}

/* The level of a training sample. */
static NoiseLevel drawn_level(const Trainer *t, uint64_t sample)
{
    const Process *p = &t->process;
    if (t->masks.on) return masks_level(t, sample);
    uint64_t seed = t->config.train.seed, stream = rng_stream(RNG_TIMESTEP, sample);
    if (t->config.method.times == TIMES_EVEN) {
        uint64_t batch = (uint64_t)t->config.train.batch;
        double u = rng_uniform(seed, rng_stream(RNG_TIMESTEP, sample / batch), 0) +
                   (double)(sample % batch) / (double)batch;
        return process_quantile(p, u < 1 ? u : u - 1);
    }
    if (process_is_discrete(p)) return process_level(p, rng_below(seed, stream, 0, (uint32_t)p->T));
    return process_quantile(p, rng_uniform(seed, stream, 0));
}

NoiseLevel validation_level(const Trainer *t, int image, int n)
{
    return process_quantile(sampled_process(t), ((double)image + 0.5) / n);
}

void batch_fill_train(Trainer *t, TrainBatch *b, uint64_t first)
{
    uint64_t seed = t->config.train.seed;
    for (int i = 0; i < b->size; i++) {
        int label;
        dataset_train_sample(&t->data, first + (uint64_t)i, b->xt + (size_t)i * b->dims, &label);
        b->label[i] = (float)label;
    }
#pragma omp parallel for
    for (int i = 0; i < b->size; i++) {
        uint64_t sample = first + (uint64_t)i;
        rng_normals_float(b->noise + (size_t)i * b->dims, b->dims, seed,
                          rng_stream(RNG_NOISE, sample), 0);
        diffuse(t, b, i, drawn_level(t, sample));
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
        diffuse(t, b, i, validation_level(t, image, n));
        if (first + i >= n) b->weight[i] = 0;
    }
}
