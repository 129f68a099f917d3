/* Score matching at many noise levels (Song & Ermon 2019, 2020). */
#include "methods/method.h"

const Method method_smld = {.trains_as = METHOD_SMLD,
                            .loss = score_loss,
                            .update_passes = score_update_passes,
                            .predict_passes = 1,
                            .denoiser = timed_denoiser};
