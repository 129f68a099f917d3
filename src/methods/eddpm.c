/* DDPM that learns which of its steps to keep (Zhang et al., "Efficient denoising diffusion via
 * probabilistic masking", ICML 2024). Its networks are DDPM's. Step t has a score s_t, the probability
 * that a mask m keeps it. The paper's equations, each a function of diffusion/mask.h:
 *   6   alpha_bar_t(m) = prod_{i<=t} (1 - beta_i m_i)                  mask_alpha_bar
 *   9   gradient = loss(m) * d ln p(m|s) / ds                          mask_add_score_gradient
 *   10  the share of steps to keep falls from 1 to K / T as a cube     mask_kept_share
 *   11  s <- the point of {0 <= s <= 1, sum s <= that share * T}
 *            nearest to s - eta * gradient                             mask_project
 * diffusion/mask_learner.h puts them together, by the rules of diffusion/mask_config.c: Algorithm 1 of the
 * paper, or what works better here. train/train_masks.c connects that with a run. */
#include "methods/method.h"

static bool check(const MethodCheck *c, Err *err)
{
    const MaskConfig *mask = &c->method->mask;
    int masks = mask_recipes[mask->recipe].masks;
    if (!ddpm_check(c, err)) return false;
    if (mask->keep > c->method->noise.T)
        return err_set(err, ERR_USAGE, "method.keep is %d, more than method.steps (%d)", mask->keep,
                       c->method->noise.T);
    if (c->sample->steps > mask->keep)
        return err_set(err, ERR_USAGE, "sample.steps is %d, more than method.keep (%d)",
                       c->sample->steps, mask->keep);
    if (masks > c->images)
        return err_set(
            err, ERR_USAGE,
            "method.recipe \"%s\" tries %d masks in each update, which share its images, "
            "but an update has only %d; set train.batch or train.accumulate higher",
            mask_recipe_words[mask->recipe], masks, c->images);
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
