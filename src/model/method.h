/* A method is a noise process, what its network predicts, and how levels are weighted: put together
 * from a configuration or a model folder. */
#ifndef DIFFC_METHOD_H
#define DIFFC_METHOD_H

#include "diffusion/process.h"
#include "diffusion/smld.h"
#include "diffusion/widest_pair.h"
#include "io/config.h"
#include "io/diffusers/model_folder.h"

/* SMLD's and VE's networks give the score: their output is divided by sigma (diffusers' fourier time
 * embedding). VP's and sub-VP's give eps, the score times -std. DDPM's is chosen. */
Prediction method_prediction(ProcessKind kind, Prediction chosen);

/* What sample.sampler "auto" means: ddpm, langevin (SMLD), pc (VE), reverse-sde (VP, sub-VP). */
const char *method_sampler(ProcessKind kind);

/* Fills what the configuration leaves to the data ("auto", 0): sigma_max is the largest distance
 * between two training images (widest_pair.h), or a lower bound of it (sigma_max_at_least), and SMLD's
 * number of levels follows the ratio rule (Song & Ermon 2020, techniques 1 and 2). m receives the
 * method; its network is left. The betas stay the configuration's. */
bool method_from_config(const Config *c, const PointSet *data, ModelConfig *m, Err *err);

/* The process of a model: of one with kept steps, their chain. */
bool method_process(const ModelConfig *m, Process *p, Err *err);

/* Weight of one sample's squared error. likelihood: g^2 |score + eps/sigma|^2 (Song et al. 2021b),
 * else objective_weight. */
double method_weight(const Process *p, Prediction kind, NoiseLevel level, LossWeighting weighting,
                     double min_snr_gamma);

#endif
