/* The noise in images. */
#include <math.h>
#include <string.h>

#include "api/api.h"
#include "base/mem.h"
#include "base/parallel.h"

static bool level_at(const DiffcModel *m, double time, NoiseLevel *level, Err *err)
{
    const Process *p = &m->model.process;
    double low = process_time_end(p), high = process_time_noisy(p);
    if (!(time >= low && time <= high))
        return err_set(err, ERR_USAGE, "the time is %g; the times of %s are %g to %g", time,
                       m->model.folder, low, high);
    *level = process_level(p, time);
    return true;
}

/* Clamped to the times of the model. */
static bool time_of_noise(const DiffcModel *m, double noise, double *time, Err *err)
{
    if (!(noise > 0 && isfinite(noise)))
        return err_set(err, ERR_USAGE, "noise is %g; it must be above 0", noise);
    *time = process_time_of_logsnr(&m->model.process, -log(noise));
    return true;
}

int diffc_level(const DiffcModel *m, double time, double *alpha, double *sigma, DiffcError *error)
{
    Err err = {0};
    NoiseLevel level = {0};
    if (!m || !alpha || !sigma)
        return api_refuse(error, "diffc_level: model, alpha or sigma is NULL");
    bool ok = level_at(m, time, &level, &err);
    *alpha = level.alpha;
    *sigma = level.sigma;
    return api_result(ok, &err, error);
}

int diffc_time(const DiffcModel *m, double noise, double *time, DiffcError *error)
{
    Err err = {0};
    if (!m || !time) return api_refuse(error, "diffc_time: model or time is NULL");
    return api_result(time_of_noise(m, noise, time, &err), &err, error);
}

/* Image i of out: the noise of input, at the level of times[i], or with times NULL the clean image behind
 * input = x / alpha, all at `time`. */
static bool predict(DiffcModel *m, int count, const float *input, const double *times, double time,
                    int label, float *out, Err *err)
{
    int batch = api_batch(m, count);
    bool flushed = parallel_flush_subnormals(true);
    bool ok = model_check_label(&m->model.config, "label", label, true, err) &&
              api_prepare(m, batch, label, err);
    size_t dims = m->denoiser.dims, values = (size_t)batch * dims;
    double *x = mem_doubles(2 * values), *eps = x ? x + values : NULL;
    NoiseLevel *levels = mem_alloc((size_t)batch, sizeof *levels);
    ok = ok && ((x && levels) ||
                err_set(err, ERR_MEMORY, "not enough memory for a batch of %d images", batch));
    for (int first = 0, n; ok && first < count; first += n) {
        size_t at = (size_t)first * dims;
        n = count - first < batch ? count - first : batch;
        for (int i = 0; ok && i < n; i++)
            ok = level_at(m, times ? times[first + i] : time, &levels[i], err);
        for (size_t i = 0; ok && i < (size_t)n * dims; i++)
            x[i] = (double)input[at + i] * (times ? 1 : levels[i / dims].alpha);
        ok = ok && m->denoiser.predict(m->denoiser.context, n, x, levels, 1, eps, err);
        for (size_t i = 0; ok && i < (size_t)n * dims; i++)
            out[at + i] = (float)(times ? eps[i] : x0_from_eps(levels[i / dims], x[i], eps[i]));
    }
    mem_free(levels);
    mem_free(x);
    parallel_flush_subnormals(flushed);
    return ok;
}

int diffc_predict_noise(DiffcModel *m, int count, const float *x, const double *times, int label,
                        float *eps, DiffcError *error)
{
    Err err = {0};
    if (!m || !x || !times || !eps || count < 0)
        return api_refuse(error,
                          "diffc_predict_noise: a pointer is NULL, or the count is negative");
    return api_result(predict(m, count, x, times, 0, label, eps, &err), &err, error);
}

int diffc_denoise(DiffcModel *m, int count, const float *noisy, double noise, int label,
                  float *clean, DiffcError *error)
{
    Err err = {0};
    double time = 0;
    if (!m || !noisy || !clean || count < 0)
        return api_refuse(error, "diffc_denoise: a pointer is NULL, or the count is negative");
    Shape s = m->model.image;
    size_t values = (size_t)count * (size_t)s.H * (size_t)s.W * (size_t)s.C;
    bool ok = api_check_images(m, &err);
    if (ok && noise == 0)
        memcpy(clean, noisy, values * sizeof *clean);
    else
        ok = ok && time_of_noise(m, noise, &time, &err) &&
             predict(m, count, noisy, NULL, time, label, clean, &err);
    return api_result(ok, &err, error);
}
