/* Sampling a model: the settings that it comes with, and its images by seed; and scoring images with it by a
 * protocol. */
#ifndef DIFFC_MODEL_USE_H
#define DIFFC_MODEL_USE_H

#include "diffusion/protocol.h"
#include "diffusion/sampler.h"
#include "io/config.h"
#include "model/model.h"

/* c->sample: the settings of the run that the model lies in, else what its folder says, over the defaults.
 * Free with config_free. */
bool model_sample_settings(const Model *m, Config *c, Err *err);

/* The sampler `name` or, for NULL, that of the settings. c->sample.steps becomes `steps`. For steps 0 it stays as
 * it is with the sampler of the settings, and becomes 0, the sampler's own number, with another. */
bool model_choose_sampler(const Model *m, const char *name, int steps, Config *c,
                          const Sampler **out, Err *err);
/* ERR_USAGE for a name that is neither a sampler nor "auto"; `file` is where it stands. */
bool check_sampler_name(const char *file, const char *name, Err *err);

/* *label: a class of the model or negative, none. Where the images must have one (`needed`), none becomes the label of no
 * class in a model that was trained without classes too (model_no_class), and is ERR_USAGE in another with classes. So
 * is a class that the model has not or that no training image had; `name` is what gives it: "--label". */
bool model_check_label(const ModelConfig *m, const char *name, bool needed, int *label, Err *err);

/* ERR_USAGE for guidance of a model that was not trained without classes too, or whose settings do not go
 * together; other settings of guidance have no effect while guidance is 1. */
bool model_check_guidance(const ModelConfig *m, const SampleConfig *c, Err *err);

/* A run with these settings; grid and progress are the caller's to set. */
SampleRun model_sample_run(const Model *m, const Config *c);

/* Images of a call, for `count` images in all. */
int model_sample_batch(const Model *m, int count);

/* model_prepare for model_sample with the settings of the run. A guided run, which model_check_guidance must allow,
 * plans for two rows an image. */
bool model_prepare_sampling(Model *m, const SampleRun *run, int batch, int label, Denoiser *out,
                            Err *err);

/* Images (points) of the seeds first_seed .. first_seed + count - 1. x [count, dims]; scratch as in
 * sampler.h. Without a label, an image's class goes by its seed.
 * With run->between: images first_seed .. of that way. */
bool model_sample(Model *m, const Sampler *s, SampleRun *run, const Denoiser *denoiser,
                  uint64_t first_seed, int count, double *x, double *scratch, Err *err);

/* ---- scoring ---- */

/* The protocol by default. */
const Protocol *model_usual_protocol(const Model *m);
/* The protocol `name` or, for NULL, the one by default. ERR_USAGE for no protocol, and for one that cannot
 * score this model, which is called `path`. */
bool model_choose_protocol(const Model *m, const char *name, const char *path, const Protocol **out,
                           Err *err);

/* The defaults of a protocol for a model; files: image files are scored, not a data set. */
LikelihoodRun model_likelihood_run(const Model *m, const Protocol *p, bool files);

/* Plans the network for so many images scored together by a protocol that model_choose_protocol has given. label:
 * as model_prepare. */
bool model_prepare_protocol(Model *m, const Protocol *p, const LikelihoodRun *run, int images,
                            int label, LikelihoodModel *out, Err *err);

#endif
