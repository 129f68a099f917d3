#include "model/measured_errors.h"

#include "base/clock.h"
#include "base/mem.h"
#include "diffusion/step_costs.h"

enum { CALLS = 200 /* predictions of an image */ };

long measured_predictions(const MeasuredImages *images)
{
    return (long)images->count * CALLS;
}

static bool measure(const MeasuredImages *images, const Denoiser *denoiser,
                    const LikelihoodRun *run, double *variances, Err *err)
{
    ImageSeeds seeds = {.seeds = images->seeds};
    NoiseSource noise = likelihood_noise(&seeds);
    LikelihoodRun fitted = *run;
    fitted.calls = CALLS;
    fitted.progress = images->progress;
    fitted.progress_context = images->context;
    return bound_fit_variances(&fitted, denoiser, &noise, images->count, images->x0, variances,
                               err);
}

bool measure_variances(const MeasuredImages *images, const Denoiser *denoiser, LikelihoodRun *run,
                       double **variances, Err *err)
{
    *variances = mem_doubles((size_t)run->process->T);
    bool ok = *variances || err_set(err, ERR_MEMORY, "not enough memory for the variances");
    ok = ok && measure(images, denoiser, run, *variances, err);
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
static bool measure_decoder(const ModelConfig *model, const MeasuredImages *images,
                            const Denoiser *denoiser, const LikelihoodRun *run, int t, double error,
                            StepErrors *errors, Err *err)
{
    size_t n = (size_t)images->count;
    ImageSeeds seeds = {.seeds = images->seeds};
    NoiseSource noise = likelihood_noise(&seeds);
    int T = run->process->T;
    Process chain;
    double *terms = mem_doubles(3 * n), variances[2] = {error, 1}, sum = 0;
    Likelihood *results = mem_alloc(n, sizeof *results);
    unsigned char *m = mem_alloc((size_t)T, 1);
    bool ok = terms && results && m;
    if (!ok) err_set(err, ERR_MEMORY, "not enough memory for %zu images", n);
    ok = ok && model_process(model, &chain, err);
    if (ok) {
        m[t] = m[T - 1] = 1;
        LikelihoodRun two = *run;
        two.process = &chain;
        two.variances = variances;
        two.calls = 0;
        two.progress = NULL;
        ok = process_keep(&chain, ALPHAS_MERGED, m, err) &&
             bound_run(&two, denoiser, &noise, images->count, images->x0, results, terms, err);
        process_free(&chain);
    }
    for (size_t i = 0; i < n && ok; i++) sum += terms[3 * i] / (double)(n * denoiser->dims);
    if (ok) step_errors_add_decoder(errors, process_level(run->process, t), sum, error);
    mem_free(terms);
    mem_free(results);
    mem_free(m);
    return ok;
}

/* Which K steps of the model's process, merged, have the smallest bound (steps_optimum_merged) at the errors
 * measured on the images. m[T] out. */
static bool measure_steps(Model *model, int K, const MeasuredImages *images, int label, bool clip,
                          unsigned char *m, Err *err)
{
    /* Beyond this noise no step goes to the image itself. */
    static const double NEAR = 0.5;
    const ModelConfig *c = &model->config;
    const Process *p = &model->process;
    StepErrors errors;
    ErrorCurve curve;
    Denoiser denoiser;
    LikelihoodRun run = {.process = p,
                         .clip = clip,
                         .clip_range = c->clip_range > 0 ? c->clip_range : 1,
                         .batch = network_sample_batch(c)};
    if (!model_prepare(model, run.batch, label, false, &denoiser, err)) return false;
    model->denoiser.labels = images->labels;
    step_errors_open(&errors, level_logsnr(process_level(p, p->T - 1)),
                     level_logsnr(process_level(p, 0)));
    double *variances = mem_doubles((size_t)p->T);
    bool ok = variances || err_set(err, ERR_MEMORY, "not enough memory for the variances");
    ok = ok && measure(images, &denoiser, &run, variances, err);
    for (int t = 0; t < p->T && ok; t++)
        step_errors_add(&errors, process_level(p, t), error_of(p, t, variances[t]));
    for (int t = 0; t < p->T - 1 && ok; t += 1 + t / 3) {
        NoiseLevel level = process_level(p, t);
        if (level.sigma > NEAR * level.alpha) break;
        if (interrupt_requested())
            ok = err_set(err, ERR_INTERRUPTED, "interrupted while measuring the model's errors");
        ok = ok && measure_decoder(c, images, &denoiser, &run, t, error_of(p, t, variances[t]),
                                   &errors, err);
    }
    model->denoiser.labels = NULL;
    error_curve_make(&curve, &errors);
    ok = ok && steps_optimum_merged(&curve, p->schedule.alpha_bar, p->T, K, m, err);
    mem_free(variances);
    return ok;
}

/* ---- a model restricted to some of its steps ---- */

static bool spaced(const Model *model, SpacingKind spacing, int K, unsigned char *m, Err *err)
{
    LevelGrid g;
    if (!level_grid_make(&g, &model->process, spacing, K, err)) return false;
    for (int i = 0; i < K; i++) m[(int)g.level[i].time] = 1;
    level_grid_free(&g);
    return true;
}

bool check_steps(const Model *model, SpacingKind spacing, int K, Err *err)
{
    int T = model->process.T;
    if (model->process.kind != PROCESS_DDPM)
        return err_set(err, ERR_USAGE,
                       "%s: only a ddpm, eddpm or cdm model has steps of which some can be chosen",
                       model->folder);
    if (spacing > SPACING_QUADRATIC && spacing != SPACING_DP)
        return err_set(
            err, ERR_USAGE,
            "the spacing %s has levels between the trained steps; for a chain of some of "
            "them it must be even, leading, trailing, quadratic or dp",
            spacing_words[spacing]);
    if (spacing == SPACING_DP && model->config.network == NETWORK_MLP)
        return err_set(err, ERR_USAGE,
                       "%s: gives points, but the spacing dp is measured on images; even, leading, "
                       "trailing and quadratic do not measure",
                       model->folder);
    if (K > T) return err_set(err, ERR_USAGE, "cannot choose %d steps: the model has %d", K, T);
    return !model->config.kept ||
           err_set(err, ERR_USAGE,
                   "%s: has chosen %d step%s itself, which are all taken; leave --steps and "
                   "--spacing out",
                   model->folder, T, T == 1 ? "" : "s");
}

bool choose_steps(Model *model, SpacingKind spacing, int K, const MeasuredImages *images, int label,
                  bool clip, Err *err)
{
    size_t T = (size_t)model->process.T;
    unsigned char *m = mem_alloc(T, 1);
    bool ok = m || err_set(err, ERR_MEMORY, "not enough memory for %zu steps", T);
    if (ok && spacing == SPACING_DP) ok = measure_steps(model, K, images, label, clip, m, err);
    if (ok && spacing != SPACING_DP) ok = spaced(model, spacing, K, m, err);
    ok = ok && process_keep(&model->process, ALPHAS_MERGED, m, err);
    mem_free(m);
    return ok;
}
