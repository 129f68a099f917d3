/* Images from noise, and the noise in images. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/mem.h"
#include "base/parallel.h"

/* Images of a call, for `count` in all. */
static int batch_for(const DiffcModel *m, int count)
{
    return count > 0 ? model_sample_batch(&m->model, count) : 1;
}

/* Plans the denoiser, unless it is planned so, for calls of `batch` images by this number of threads. run: of
 * sampling, may be NULL; guided, it is planned for this call alone. label: class of every image; negative: none
 * or, in sampling, by its number. */
static bool prepare(DiffcModel *m, const SampleRun *run, int batch, int label, Err *err)
{
    int threads = parallel_threads();
    bool guided = run && guidance_is_on(&run->config);
    if (guided || m->batch != batch || m->threads != threads) {
        m->batch = 0;
        bool ok = guided ? model_prepare_sampling(&m->model, run, batch, label, &m->denoiser, err)
                         : model_prepare(&m->model, batch, label, false, &m->denoiser, err);
        if (!ok) return false;
        m->batch = guided ? 0 : batch;
        m->threads = threads;
    }
    m->model.denoiser.label = label;
    m->model.denoiser.first_image = 0;
    return true;
}

/* ---- images from noise ---- */

typedef struct {
    DiffcModel *m;
    DiffcSampleOptions o;
    const Sampler *sampler;
    Config config;
    SampleRun run;
    LevelGrid grid;
    double *x, *scratch;
    int count, batch;
    int done, images; /* finished, and in the running batch */
} Job;

void diffc_sample_defaults(DiffcSampleOptions *options, size_t size)
{
    DiffcSampleOptions own = {.label = -1};
    api_give(options, size, &own, sizeof own);
}

static bool report_progress(void *context, long calls)
{
    const Job *job = context;
    double expected = (double)job->run.expected_calls, part = -1;
    if (expected > 0) part = ((double)calls / expected * job->images + job->done) / job->count;
    return job->o.progress(job->o.context, part < 1 ? part : 1) == 0;
}

/* Settings that have a member of their own. */
static bool is_member(const char *setting)
{
    static const char *const members[] = {"sampler=", "steps=", "seed=", "count=", "batch="};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strncmp(setting, members[i], strlen(members[i])) == 0) return true;
    return false;
}

static bool choose_settings(Job *job, Err *err)
{
    const Model *m = &job->m->model;
    const DiffcSampleOptions *o = &job->o;
    Config *c = &job->config;
    for (const char *const *s = o->settings; s && *s; s++) {
        char key[256];
        snprintf(key, sizeof key, "sample.%s", *s);
        if (is_member(*s))
            return err_set(
                err, ERR_USAGE,
                "settings: %s has a member or an argument of its own, which must be used", *s);
        if (!config_set(c, key, err)) return false;
    }
    if (o->steps < 0 || o->batch < 0)
        return err_set(err, ERR_USAGE, "%s is %d; it must be 0 or more",
                       o->steps < 0 ? "steps" : "batch", o->steps < 0 ? o->steps : o->batch);
    if (!model_check_guidance(&m->config, &c->sample, err)) return false;
    if (!model_choose_sampler(m, o->sampler, o->steps, c, &job->sampler, err)) return false;
    if (c->sample.spacing == SPACING_DP)
        return err_set(err, ERR_USAGE,
                       "the spacing dp is measured on training images, which only the program "
                       "diffc does; set another, such as \"spacing=auto\"");
    job->run = model_sample_run(m, c);
    job->run.grid = &job->grid;
    if (o->progress) job->run.progress = report_progress;
    job->run.progress_context = job;
    return sampler_grid(job->sampler, &job->run, c->sample.spacing, c->sample.steps, &job->grid,
                        err);
}

static bool make_images(Job *job, float *images, Err *err)
{
    size_t dims = job->m->denoiser.dims, values = (size_t)job->batch * dims;
    job->x = mem_doubles(values);
    job->scratch = mem_doubles(SAMPLER_SCRATCH * values);
    if (!job->x || !job->scratch)
        return err_set(err, ERR_MEMORY, "not enough memory for a batch of %d", job->batch);
    for (; job->done < job->count; job->done += job->images) {
        int left = job->count - job->done;
        job->images = left < job->batch ? left : job->batch;
        if (!model_sample(&job->m->model, job->sampler, &job->run, &job->m->denoiser,
                          job->o.seed + (uint64_t)job->done, job->images, job->x, job->scratch,
                          err))
            return false;
        float *at = images + (size_t)job->done * dims;
        for (size_t i = 0; i < (size_t)job->images * dims; i++) at[i] = (float)job->x[i];
    }
    return true;
}

int diffc_sample(DiffcModel *m, const DiffcSampleOptions *options, int count, float *images,
                 DiffcError *error)
{
    if (!m || !images || count < 0)
        return api_refuse(error,
                          "diffc_sample: the model or images are NULL, or count is negative");
    Job job = {.m = m, .count = count};
    Err err = {0};
    bool flushed = parallel_flush_subnormals(true);
    diffc_sample_defaults(&job.o, sizeof job.o);
    bool ok = api_take_options(&job.o, sizeof job.o, options, "diffc_sample", &err) &&
              model_check_label(&m->model.config, "label", false, &job.o.label, &err) &&
              model_sample_settings(&m->model, &job.config, &err) && choose_settings(&job, &err);
    job.batch = job.o.batch > 0 ? job.o.batch : batch_for(m, count);
    if (job.batch > count && count > 0) job.batch = count;
    ok =
        ok && prepare(m, &job.run, job.batch, job.o.label, &err) && make_images(&job, images, &err);
    mem_free(job.x);
    mem_free(job.scratch);
    level_grid_free(&job.grid);
    config_free(&job.config);
    parallel_flush_subnormals(flushed);
    return api_result(ok, &err, error);
}

/* ---- the noise in images ---- */

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
    int batch = batch_for(m, count);
    bool flushed = parallel_flush_subnormals(true);
    bool ok = model_check_label(&m->model.config, "label", true, &label, err) &&
              prepare(m, NULL, batch, label, err);
    size_t dims = m->denoiser.dims, values = (size_t)batch * dims;
    double *x = mem_doubles(2 * values), *eps = x ? x + values : NULL;
    NoiseLevel *levels = mem_alloc((size_t)batch, sizeof *levels);
    ok = ok &&
         ((x && levels) || err_set(err, ERR_MEMORY, "not enough memory for a batch of %d", batch));
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
    size_t values = (size_t)count * shape_values(m->model.image);
    bool ok = api_check_images(m, &err);
    if (ok && noise == 0)
        memcpy(clean, noisy, values * sizeof *clean);
    else
        ok = ok && time_of_noise(m, noise, &time, &err) &&
             predict(m, count, noisy, NULL, time, label, clean, &err);
    return api_result(ok, &err, error);
}
