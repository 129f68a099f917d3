/* Sampling a model: the settings that it comes with, and its images by seed. */
#ifndef DIFFC_SAMPLING_H
#define DIFFC_SAMPLING_H

#include "diffusion/sampler.h"
#include "io/config.h"
#include "model/model.h"

/* c->sample: the settings of the run that the model lies in, else what its folder says, over the defaults.
 * Free with config_free. */
bool model_sample_settings(const Model *m, Config *c, Err *err);

/* The sampler `name` or, for NULL, that of the settings. c->sample.steps become `steps` or, for 0, what they
 * were for the sampler of the settings and 0, its own number, for another. */
bool model_choose_sampler(const Model *m, const char *name, int steps, Config *c,
                          const Sampler **out, Err *err);
/* ERR_USAGE for a name that is neither a sampler nor "auto"; `file` is where it stands. */
bool check_sampler_name(const char *file, const char *name, Err *err);

/* ERR_USAGE for a class that the model has not or that no training image had, and for none (negative) where
 * a model with classes needs one; `name` is what gives it: "--label". */
bool model_check_label(const ModelConfig *m, const char *name, int label, bool needed, Err *err);

/* A run with these settings; grid and progress are the caller's to set. */
SampleRun model_sample_run(const Model *m, const Config *c);

/* Images of a call, for `count` images in all. */
int model_sample_batch(const Model *m, int count);

/* Images (points) of the seeds first_seed .. first_seed + count - 1. x [count, dims]; scratch as in
 * sampler.h. Without a label, an image's class goes by its seed. */
bool model_sample(Model *m, const Sampler *s, SampleRun *run, const Denoiser *denoiser,
                  uint64_t first_seed, int count, double *x, double *scratch, Err *err);

#endif
