#include "model/best_steps.h"

#include "base/mem.h"
#include "io/config.h"

static bool optimum(Model *model, int K, const MeasuredImages *images, int label, bool clip,
                    unsigned char *m, Err *err)
{
    const ModelConfig *c = &model->config;
    Denoiser denoiser;
    LikelihoodRun run = {.process = &model->process,
                         .clip = clip,
                         .clip_range = c->clip_range > 0 ? c->clip_range : 1,
                         .batch = network_sample_batch(c)};
    return model_prepare(model, run.batch, label, &denoiser, err) &&
           measure_steps(images, c, &denoiser, &run, K, m, err);
}

static bool spaced(const Model *model, SpacingKind spacing, int K, unsigned char *m, Err *err)
{
    StepGrid g;
    if (!step_grid_make(&g, spacing, model->process.T, K, err)) return false;
    for (int i = 0; i < K; i++) m[g.t[i]] = 1;
    step_grid_free(&g);
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
                   "%s: has chosen %d steps itself, which are all taken; leave --steps and "
                   "--spacing out",
                   model->folder, T);
}

bool choose_steps(Model *model, SpacingKind spacing, int K, const MeasuredImages *images, int label,
                  bool clip, Err *err)
{
    size_t T = (size_t)model->process.T;
    if (!check_steps(model, spacing, K, err)) return false;
    unsigned char *m = mem_alloc(T, 1);
    bool ok = m || err_set(err, ERR_MEMORY, "not enough memory for %zu steps", T);
    if (ok && spacing == SPACING_DP) ok = optimum(model, K, images, label, clip, m, err);
    if (ok && spacing != SPACING_DP) ok = spaced(model, spacing, K, m, err);
    ok = ok && process_keep(&model->process, ALPHAS_MERGED, m, err);
    mem_free(m);
    return ok;
}
