/* DDPM that learns which of its steps to keep (Zhang et al. 2024): its networks are DDPM's; what is learnt
 * of the steps is diffusion/mask_learner.h, within a run train/train_masks.c. */
#include "methods/method.h"

const Method method_eddpm = {.trains_as = METHOD_DDPM,
                             .learns_steps = true,
                             .loss = ddpm_loss,
                             .update_passes = ddpm_update_passes,
                             .predict_passes = 1,
                             .denoiser = timed_denoiser};
