#include "diffusion/noise_config.h"

#include <stddef.h>

const char *const sde_words[] = {[SDE_VE] = "ve", [SDE_VP] = "vp", [SDE_SUBVP] = "subvp", NULL};
const char *const schedule_words[] = {[SCHEDULE_LINEAR] = "linear",
                                      [SCHEDULE_SCALED_LINEAR] = "scaled_linear",
                                      [SCHEDULE_COSINE] = "cosine",
                                      [SCHEDULE_BETAS] = "betas",
                                      [SCHEDULE_LOGSNR] = "logsnr",
                                      [SCHEDULE_UNIF] = "unif",
                                      NULL};
const char *const prediction_words[] = {
    [PREDICT_EPS] = "eps", [PREDICT_X0] = "x0", [PREDICT_V] = "v", [PREDICT_SCORE] = "score", NULL};
