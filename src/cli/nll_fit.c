#include "cli/nll_fit.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/term.h"
#include "cli/nll_images.h"
#include "diffusion/step_costs.h"
#include "io/config.h"
#include "model/method.h"

enum { FIT_CALLS = 200 };

/* The data that the run was trained on. */
static bool find_data(const NllFit *fit, char *path, Err *err)
{
    char file[PATH_BYTES];
    Config c;
    if (fit->path) {
        snprintf(path, PATH_BYTES, "%s", fit->path);
        return true;
    }
    const char *run = fit->model->run;
    if (!run[0])
        return err_set(err, ERR_USAGE,
                       "%s: is not in a run that says its training data; what is measured on them "
                       "needs --fit-data PATH",
                       fit->model->folder);
    config_defaults(&c);
    bool ok = path_join(file, run, "config.json", err) && config_load(&c, file, err);
    if (ok) snprintf(path, PATH_BYTES, "%s", c.data.path);
    config_free(&c);
    return ok;
}

static bool go_on(void *context, long predictions)
{
    const long *total = context;
    term_progress("measuring the model's errors, %ld of %ld predictions", predictions, *total);
    return !interrupt_requested();
}

/* The images that are measured, and their noise. */
typedef struct {
    int count;
    double *x0; /* [count, dims] */
    uint64_t *seed;
    ImageSeeds seeds;
    NoiseSource noise;
} FitImages;

static void images_close(FitImages *f)
{
    mem_free(f->x0);
    mem_free(f->seed);
}

static bool read_images(const NllFit *fit, const NllImages *images, size_t dims, FitImages *f,
                        Err *err)
{
    unsigned char *pixels = mem_alloc(dims, 1);
    f->x0 = mem_doubles(images->count * dims);
    f->seed = mem_alloc(images->count, sizeof *f->seed);
    bool ok = pixels && f->x0 && f->seed;
    if (!ok) err_set(err, ERR_MEMORY, "there is no memory for %zu images", images->count);
    for (size_t i = 0; i < images->count && ok; i++) {
        ok = nll_images_read(images, i, pixels, err);
        f->seed[i] = likelihood_seed(fit->seed, pixels, dims);
        for (size_t k = 0; k < dims; k++)
            f->x0[i * dims + k] = pixel_value(&model_pixels, pixels[k]);
    }
    mem_free(pixels);
    f->count = (int)images->count;
    f->seeds.seeds = f->seed;
    f->noise = likelihood_noise(&f->seeds);
    return ok;
}

static bool images_open(const NllFit *fit, size_t dims, FitImages *f, Err *err)
{
    char path[PATH_BYTES];
    *f = (FitImages){0};
    if (!find_data(fit, path, err)) return false;
    /* As in training, images are made to fit. */
    NllImages images = {.want = fit->model->image,
                        .resize = true,
                        .data_path = path,
                        .part = PART_TRAIN,
                        .count = (size_t)fit->count};
    if (!nll_images_open(&images, err)) return false;
    bool ok = read_images(fit, &images, dims, f, err);
    nll_images_close(&images);
    if (!ok) images_close(f);
    return ok;
}

static bool measure(const FitImages *f, const Denoiser *denoiser, const BoundRun *run,
                    double *variances, Err *err)
{
    long total = (long)f->count * FIT_CALLS;
    BoundRun fitted = *run;
    fitted.calls = FIT_CALLS;
    fitted.progress = go_on;
    fitted.progress_context = &total;
    return bound_fit_variances(&fitted, denoiser, &f->noise, f->count, f->x0, variances, err);
}

bool nll_fit_variances(const NllFit *fit, const Denoiser *denoiser, BoundRun *run,
                       double **variances, Err *err)
{
    FitImages f;
    if (!images_open(fit, denoiser->dims, &f, err)) return false;
    *variances = mem_doubles((size_t)run->process->T);
    bool ok = *variances || err_set(err, ERR_MEMORY, "there is no memory for the variances");
    ok = ok && measure(&f, denoiser, run, *variances, err);
    images_close(&f);
    if (ok) run->variances = *variances;
    return ok;
}

/* The error of x0 that a fitted variance was made of. */
static double error_of(const Process *p, int t, double variance)
{
    PosteriorStep q = posterior_step(process_level(p, t), process_level(p, t - 1));
    return (variance - q.variance_small) / (q.c_x0 * q.c_x0);
}

/* What the decoder costs from step t with variance `error`, measured by the chain of t and T-1. */
static bool measure_decoder(const NllFit *fit, const FitImages *f, const Denoiser *denoiser,
                            const BoundRun *run, int t, double error, StepErrors *errors, Err *err)
{
    size_t n = (size_t)f->count;
    int T = run->process->T;
    Process chain;
    double *terms = mem_doubles(3 * n), variances[2] = {error, 1}, sum = 0;
    Likelihood *results = mem_alloc(n, sizeof *results);
    unsigned char *m = mem_alloc((size_t)T, 1);
    bool ok = terms && results && m;
    if (!ok) err_set(err, ERR_MEMORY, "there is no memory for %zu images", n);
    ok = ok && method_process(&fit->model->config, &chain, err);
    if (ok) {
        m[t] = m[T - 1] = 1;
        BoundRun two = *run;
        two.process = &chain;
        two.variances = variances;
        two.calls = 0;
        two.progress = NULL;
        ok = process_keep(&chain, ALPHAS_MERGED, m, err) &&
             bound_run(&two, denoiser, &f->noise, f->count, f->x0, results, terms, err);
        process_free(&chain);
    }
    for (size_t i = 0; i < n && ok; i++) sum += terms[3 * i] / (double)(n * denoiser->dims);
    if (ok) step_errors_add_decoder(errors, process_level(run->process, t), sum, error);
    mem_free(terms);
    mem_free(results);
    mem_free(m);
    return ok;
}

bool nll_fit_steps(const NllFit *fit, const Denoiser *denoiser, const BoundRun *run, int K,
                   unsigned char *m, Err *err)
{
    /* Beyond this noise no step goes to the image itself. */
    static const double NEAR = 0.5;
    const Process *p = run->process;
    FitImages f;
    StepErrors errors;
    ErrorCurve curve;
    step_errors_open(&errors, level_logsnr(process_level(p, p->T - 1)),
                     level_logsnr(process_level(p, 0)));
    if (!images_open(fit, denoiser->dims, &f, err)) return false;
    double *variances = mem_doubles((size_t)p->T);
    bool ok = variances || err_set(err, ERR_MEMORY, "there is no memory for the variances");
    ok = ok && measure(&f, denoiser, run, variances, err);
    for (int t = 0; t < p->T && ok; t++)
        step_errors_add(&errors, process_level(p, t), error_of(p, t, variances[t]));
    for (int t = 0; t < p->T - 1 && ok; t += 1 + t / 3) {
        NoiseLevel level = process_level(p, t);
        if (level.sigma > NEAR * level.alpha) break;
        if (interrupt_requested())
            ok = err_set(err, ERR_INTERRUPTED, "interrupted while measuring the model's errors");
        ok = ok &&
             measure_decoder(fit, &f, denoiser, run, t, error_of(p, t, variances[t]), &errors, err);
    }
    error_curve_make(&curve, &errors);
    ok = ok && steps_optimum_merged(&curve, p->schedule.alpha_bar, p->T, K, m, NULL, err);
    mem_free(variances);
    images_close(&f);
    return ok;
}
