/* DDPM that learns which of its steps to keep (Zhang et al. 2024): its networks are DDPM's; what is learnt
 * of the steps is diffusion/mask_learner.h, within a run train/train_masks.c. */
#include "methods/method.h"

static bool check(const MethodCheck *c, Err *err)
{
    const MaskConfig *mask = &c->method->mask;
    if (!ddpm_check(c, err)) return false;
    if (mask->keep > c->method->noise.T)
        return err_set(err, ERR_USAGE, "method.keep is %d, more than method.steps (%d)", mask->keep,
                       c->method->noise.T);
    if (c->sample->steps > mask->keep)
        return err_set(err, ERR_USAGE, "sample.steps is %d, more than method.keep (%d)",
                       c->sample->steps, mask->keep);
    if (mask->full >= mask->ramp)
        return err_set(err, ERR_USAGE,
                       "method.full (%g) is not below method.ramp (%g): all steps are kept until "
                       "the first share of the run, and K from the second on",
                       mask->full, mask->ramp);
    if (mask->ramp > mask->settle)
        return err_set(err, ERR_USAGE,
                       "method.ramp (%g) is above method.settle (%g): the steps can be fixed only "
                       "when their number has fallen to K",
                       mask->ramp, mask->settle);
    if (mask->masks < 2 && mask->baseline == BASELINE_OTHERS)
        return err_set(err, ERR_USAGE,
                       "method.masks is 1, but the baseline \"others\" compares a mask with the "
                       "others of its update; set method.baseline to \"running\" or \"none\"");
    if (mask->masks > c->images)
        return err_set(err, ERR_USAGE,
                       "method.masks is %d, more than the %d images of an update, which the masks "
                       "share",
                       mask->masks, c->images);
    if (mask->extract == EXTRACT_OPTIMUM && mask->alphas != ALPHAS_MERGED)
        return err_set(err, ERR_USAGE,
                       "method.extract is \"optimum\", which needs steps whose noise depends on no "
                       "other step, as with method.alphas \"merged\"");
    return true;
}

const Method method_eddpm = {.settings = {{.process = PROCESS_DDPM,
                                           .sampler = "ddpm",
                                           .reads = KEYS_STEPS | KEYS_PREDICTION | KEYS_MASKS,
                                           .time = TIME_CHOICE_POSITIONAL,
                                           .check = check}},
                             .trains_as = METHOD_DDPM,
                             .learns_steps = true,
                             .loss = ddpm_loss,
                             .update_passes = ddpm_update_passes,
                             .predict_passes = 1,
                             .denoiser = timed_denoiser};
