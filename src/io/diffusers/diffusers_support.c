/* Which models diffusers can open, and what it lacks for the others. Checked against diffusers 0.42 by
 * tests/golden/compare_diffusers.py. */
#include "io/diffusers/model_files.h"
#include "io/diffusers/score_scheduler.h"

bool model_has_own_noise(const ModelConfig *m)
{
    return m->kept && m->alphas != ALPHAS_MERGED;
}

/* What diffusers has no class for; NULL: nothing is missing. */
static const char *missing(const ModelConfig *m)
{
    const ScoreClass *score = score_class_of(m);
    if (m->network == NETWORK_MLP) return "it has no network of points";
    if (m->method == METHOD_CDM) return "it has no classifier of noise levels";
    if (score && score->sde == SDE_SUBVP) return "it has no scheduler for sub-VP";
    if (score && score->sde == SDE_VP && !score->chain)
        return "its UNet2DModel has no Fourier features of the time itself, only of its logarithm";
    if (m->unet.input_fouriers > 0) return "its UNet2DModel has no Fourier features of the image";
    if (model_has_own_noise(m) && m->alphas == ALPHAS_LITERAL)
        return "it has no scheduler for kept steps with literal noise";
    if (model_has_own_noise(m)) return "it has no scheduler for kept steps with rescaled noise";
    if (m->old_class)
        return "its scheduler is of an older diffc and unknown there; trained on, it is saved anew";
    return NULL;
}

/* What the pipeline that opens does otherwise than diffc; NULL: nothing. */
static const char *difference(const ModelConfig *m)
{
    const ScoreClass *score = score_class_of(m);
    const UNetConfig *unet = &m->unet;
    if (score && !score->chain &&
        (unet->in_channels != 3 || unet->sample_height <= 0 ||
         unet->sample_height != unet->sample_width))
        return "that makes square images of 3 channels only; its unet and scheduler open alone";
    if (score && !score->chain && !unet->center_input)
        return "that shows values from 0 to 1, and these images lie in -1 to 1";
    if (unet->classes > 0) return "that gives its unet no class; its unet and scheduler open alone";
    if (m->kept) return "that takes all steps, not only those kept";
    return NULL;
}

DiffusersSupport model_diffusers_support(const ModelConfig *m)
{
    const ScoreClass *score = score_class_of(m);
    const char *lacks = missing(m);
    if (lacks) return (DiffusersSupport){.pipeline = NULL, .but = lacks};
    return (DiffusersSupport){.pipeline = score ? score->pipeline : "DDPMPipeline",
                              .but = difference(m)};
}
