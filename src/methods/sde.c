/* The score in continuous time: VE, VP, sub-VP (Song et al. 2021). */
#include "methods/method.h"

static bool preserving_check(const MethodCheck *c, Err *err)
{
    const NoiseConfig *n = &c->method->noise;
    if (n->beta_min <= n->beta_max) return true;
    return err_set(err, ERR_USAGE,
                   "method.beta_min (%g) is above method.beta_max (%g); noise must grow",
                   n->beta_min, n->beta_max);
}

/* The network of VE gives the score: its output is divided by sigma (diffusers' fourier time embedding), and
 * it gets ln sigma. Those of VP and sub-VP give eps, the score times -std, and get a time in 0 .. 1. */
const Method method_sde = {.settings = {[SDE_VE] = {.process = PROCESS_VE,
                                                    .sampler = "pc",
                                                    .reads = KEYS_SDE | KEYS_SIGMAS | KEYS_TIMES,
                                                    .prediction = PREDICT_SCORE,
                                                    .time = TIME_CHOICE_FOURIER,
                                                    .fourier = TIME_FOURIER,
                                                    .check = exploding_check},
                                        [SDE_VP] = {.process = PROCESS_VP,
                                                    .sampler = "reverse-sde",
                                                    .reads = KEYS_SDE | KEYS_BETAS | KEYS_TIMES,
                                                    .prediction = PREDICT_EPS,
                                                    .time = TIME_CHOICE_POSITIONAL,
                                                    .fourier = TIME_FOURIER_LINEAR,
                                                    .check = preserving_check},
                                        [SDE_SUBVP] = {.process = PROCESS_SUBVP,
                                                       .sampler = "reverse-sde",
                                                       .reads = KEYS_SDE | KEYS_BETAS | KEYS_TIMES,
                                                       .prediction = PREDICT_EPS,
                                                       .time = TIME_CHOICE_POSITIONAL,
                                                       .fourier = TIME_FOURIER_LINEAR,
                                                       .check = preserving_check}},
                           .trains_as = METHOD_SDE,
                           .loss = score_loss,
                           .update_passes = score_update_passes,
                           .predict_passes = 1,
                           .denoiser = timed_denoiser};
