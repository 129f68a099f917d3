/* The score in continuous time: VE, VP, sub-VP (Song et al. 2021). */
#include "methods/method.h"

const Method method_sde = {.trains_as = METHOD_SDE,
                           .loss = score_loss,
                           .update_passes = score_update_passes,
                           .predict_passes = 1,
                           .denoiser = timed_denoiser};
