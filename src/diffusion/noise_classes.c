#include "diffusion/noise_classes.h"

#include <math.h>

#include "base/err.h"
#include "diffusion/likelihood.h"

int cdm_classes(const Process *p)
{
    CHECK(p->kind == PROCESS_DDPM);
    return p->T + 2;
}

NoiseLevel cdm_level(const Process *p, int class_index)
{
    CHECK(class_index >= 0 && class_index < cdm_classes(p));
    if (class_index <= p->T) return process_level(p, class_index - 1);
    return (NoiseLevel){.alpha = 0, .sigma = 1, .time = p->T, .t = p->T};
}

double cdm_class_at(NoiseLevel level)
{
    double above = level.t + 1; /* of the step, or below the first of the first */
    return level.time < 0 ? (1 + level.time) * above : above;
}

/* The class below, and the weight of the one above it. */
static int class_below(int classes, double class_at, double *part)
{
    int below = (int)floor(class_at);
    CHECK(below >= 0 && below < classes);
    *part = below + 1 < classes ? class_at - below : 0;
    return below;
}

double cdm_ratio(const float *logits, int classes, double class_at)
{
    double part, last = (double)logits[classes - 1];
    int below = class_below(classes, class_at, &part);
    double ratio = last - (double)logits[below];
    return part > 0 ? (1 - part) * ratio + part * (last - (double)logits[below + 1]) : ratio;
}

void cdm_seed(float *seed, int classes, double class_at, double scale)
{
    double part;
    int below = class_below(classes, class_at, &part);
    seed[classes - 1] += (float)scale;
    seed[below] -= (float)(scale * (1 - part));
    if (part > 0) seed[below + 1] -= (float)(scale * part);
}

double cdm_squared_error(double sigma, size_t dims, const float *x, const float *gradient,
                         const float *eps, double dloss, float *r)
{
    double sum = 0, factor = dloss * 2 * sigma / (double)dims;
    if (sigma <= 0) {
        for (size_t i = 0; i < dims && r; i++) r[i] = 0;
        return 0;
    }
    for (size_t i = 0; i < dims; i++) {
        double error = cdm_eps(sigma, (double)x[i], (double)gradient[i]) - (double)eps[i];
        sum += error * error;
        if (r) r[i] = (float)(factor * error);
    }
    return sum / (double)dims;
}

int cdm_likeliest_class(const float *logits, int classes)
{
    int likeliest = 0;
    for (int k = 0; k < classes; k++) {
        if (!isfinite(logits[k])) return -1;
        if (logits[k] > logits[likeliest]) likeliest = k;
    }
    return likeliest;
}

bool cdm_find_level(const Process *p, const NoiseClassifier *classifier, const double *y,
                    size_t dims, double *scratch, NoiseLevel *level, int *calls, Err *err)
{
    /* Scaled for too clean a level the image still holds more noise than that level has. */
    int low = -1, high = p->T;
    for (*calls = 0; high - low > 1; ++*calls) {
        int middle = low + (high - low) / 2;
        int found;
        double alpha = cdm_level(p, middle).alpha;
        for (size_t i = 0; i < dims; i++) scratch[i] = alpha * y[i];
        if (!classifier->classify(classifier->context, scratch, &found, err)) return false;
        if (found > middle)
            low = middle;
        else
            high = middle;
    }
    *level = cdm_level(p, high);
    return true;
}

double cdm_log_density(const float *logits, int classes, double class_at, const double *x,
                       size_t dims)
{
    return gaussian_log_density(x, dims, 1) - cdm_ratio(logits, classes, class_at);
}
