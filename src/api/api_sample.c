/* Images from noise. */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/mem.h"
#include "base/parallel.h"

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
        return err_set(err, ERR_MEMORY, "not enough memory for a batch of %d images", job->batch);
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
              model_check_label(&m->model.config, "label", job.o.label, false, &err) &&
              model_sample_settings(&m->model, &job.config, &err) && choose_settings(&job, &err);
    job.batch = job.o.batch > 0 ? job.o.batch : api_batch(m, count);
    if (job.batch > count && count > 0) job.batch = count;
    ok = ok && api_prepare(m, job.batch, job.o.label, &err) && make_images(&job, images, &err);
    mem_free(job.x);
    mem_free(job.scratch);
    level_grid_free(&job.grid);
    config_free(&job.config);
    parallel_flush_subnormals(flushed);
    return api_result(ok, &err, error);
}
