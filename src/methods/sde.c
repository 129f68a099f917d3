/* The score in continuous time: VE, VP, sub-VP (Song et al. 2021). */
#include "methods/method.h"

/* The network of VE gives the score: its output is divided by sigma (diffusers' fourier time embedding), and
 * it gets ln sigma. Those of VP and sub-VP give eps, the score times -std, and get a time in 0 .. 1.
 * Positional features are the default of these two because diffusers has no Fourier features of the time
 * itself; the Gaussian Fourier features of Song et al. 2021 learn them about as well (held-out loss above
 * t = 0.9 after 300 updates of configs/fashion-sde-vp.json at data.size 14 and model.multipliers [1,2], mean
 * of three seeds: positional 0.0032, fourier 0.0031). */
const Method method_sde = {
    .settings = {[SDE_VE] = {.process = PROCESS_VE,
                             .sampler = "pc",
                             .reads = KEYS_SDE | KEYS_SIGMAS | KEYS_TIMES | KEYS_PREDICTION,
                             .prediction = PREDICT_SCORE,
                             .time = TIME_CHOICE_FOURIER,
                             .fourier = TIME_FOURIER,
                             .check = exploding_check},
                 [SDE_VP] = {.process = PROCESS_VP,
                             .sampler = "reverse-sde",
                             .reads = KEYS_SDE | KEYS_BETAS | KEYS_TIMES | KEYS_PREDICTION,
                             .prediction = PREDICT_EPS,
                             .time = TIME_CHOICE_POSITIONAL,
                             .fourier = TIME_FOURIER_LINEAR,
                             .check = no_score_check},
                 [SDE_SUBVP] = {.process = PROCESS_SUBVP,
                                .sampler = "reverse-sde",
                                .reads = KEYS_SDE | KEYS_BETAS | KEYS_TIMES | KEYS_PREDICTION,
                                .prediction = PREDICT_EPS,
                                .time = TIME_CHOICE_POSITIONAL,
                                .fourier = TIME_FOURIER_LINEAR,
                                .check = no_score_check}},
    .trains_as = METHOD_SDE,
    .loss = score_loss,
    .update_passes = score_update_passes,
    .predict_passes = 1,
    .predict = timed_predict};
