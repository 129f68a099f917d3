#include "model/model_use.h"

#include <string.h>

#include "base/choice.h"
#include "diffusion/noise_classes.h"
#include "methods/method.h"
#include "model/class_labels.h"

bool model_sample_settings(const Model *m, Config *c, Err *err)
{
    char path[PATH_BYTES];
    config_defaults(c);
    c->sample = m->config.sample;
    bool ok = !m->run[0] || (path_join(path, m->run, "config.json", err) &&
                             (!path_exists(path) || config_load(c, path, err)));
    /* A learned variance belongs to the model; it wins over a fixed one in the settings of the run. */
    if (m->config.sample.variance == VARIANCE_LEARNED) c->sample.variance = VARIANCE_LEARNED;
    /* Points are not bound to [-1, 1]. */
    if (m->config.network == NETWORK_MLP) c->sample.clip = false;
    return ok;
}

static const char *setting_name(const void *context, int index)
{
    (void)context;
    return index == 0 ? "auto" : samplers[index - 1].name;
}

bool check_sampler_name(const char *file, const char *name, Err *err)
{
    if (choice_find(setting_name, NULL, name) >= 0) return true;
    char hint[80];
    choice_hint(setting_name, NULL, "", name, hint, sizeof hint);
    return err_set(err, ERR_USAGE, "%s: sample.sampler is '%s', which is not a sampler%s", file,
                   name, hint[0] ? hint : "; 'diffc sample --help' lists them");
}

bool model_choose_sampler(const Model *m, const char *name, int steps, Config *c,
                          const Sampler **out, Err *err)
{
    const char *own = c->sample.sampler;
    char file[PATH_BYTES];
    if (strcmp(own, "auto") == 0)
        own = method_settings(m->config.method, m->config.noise.sde)->sampler;
    if (!name || strcmp(name, "auto") == 0) name = own;
    if (!path_join(file, m->run, "config.json", err) || !check_sampler_name(file, name, err))
        return false;
    *out = sampler_find(name);
    if (steps > 0 && ((*out)->reads & SAMPLE_ODE))
        return err_set(err, ERR_USAGE,
                       "steps are given, but %s takes as many network calls as its tolerance "
                       "needs and its call limit allows",
                       name);
    /* The run's number of steps belongs to the run's sampler. */
    if (steps > 0 || strcmp(name, own) != 0) c->sample.steps = steps;
    return true;
}

bool model_check_label(const ModelConfig *m, const char *name, bool needed, int *label, Err *err)
{
    int classes = m->unet.classes;
    char list[CLASS_LIST_BYTES], shown[CLASS_TEXT_BYTES];
    if (*label < 0) {
        if (needed) *label = model_no_class(m);
        return *label >= 0 || !needed || classes == 0 ||
               err_set(err, ERR_USAGE,
                       "the model has classes: %s must say which class the images have: %s", name,
                       model_class_list(m, list));
    }
    if (classes == 0)
        return err_set(err, ERR_USAGE, "%s is given, but the model has no classes", name);
    if (*label >= classes)
        return err_set(err, ERR_USAGE, "%s is %d; the model's classes are %s", name, *label,
                       model_class_list(m, list));
    return model_class_is_trained(m, *label) ||
           err_set(err, ERR_USAGE,
                   "%s is %s, but no training image had this class, so the model cannot draw it",
                   name, model_class_text(m, *label, shown));
}

bool model_check_guidance(const ModelConfig *m, const SampleConfig *c, Err *err)
{
    if (!guidance_is_on(c)) return true;
    if (m->unet.null_class) return guidance_check(c, err);
    if (m->unet.classes == 0)
        return err_set(err, ERR_USAGE,
                       "guidance is %g, but the model has no classes; guidance is towards a class "
                       "and needs a model trained with train.label_dropout",
                       c->guidance);
    return err_set(err, ERR_USAGE,
                   "guidance is %g, but the model was trained without train.label_dropout, so it "
                   "cannot predict without a class; train one with it, such as "
                   "train.label_dropout=0.1",
                   c->guidance);
}

SampleRun model_sample_run(const Model *m, const Config *c)
{
    return (SampleRun){
        .process = &m->process, .config = c->sample, .clip_range = m->config.clip_range};
}

/* Makes batches of about the same size, because the network computes a short last batch as a whole. */
int model_sample_batch(const Model *m, int count)
{
    int most = network_sample_batch(&m->config), batches = (count + most - 1) / most;
    return (count + batches - 1) / batches;
}

bool model_prepare_sampling(Model *m, const SampleRun *run, int batch, int label, Denoiser *out,
                            Err *err)
{
    Denoiser plain;
    bool gradient = run->restore && run->restore->way == RESTORE_GRADIENT;
    if (!guidance_is_on(&run->config)) return model_prepare(m, batch, label, gradient, out, err);
    if (!model_prepare(m, 2 * batch, label, gradient, &plain, err) ||
        !guidance_open(&m->guidance, &plain, &run->config, batch, err))
        return false;
    *out = guidance_denoiser(&m->guidance);
    return true;
}

bool model_sample(Model *m, const Sampler *s, SampleRun *run, const Denoiser *denoiser,
                  uint64_t first_seed, int count, double *x, double *scratch, Err *err)
{
    SeedNoise seeds = {.first_seed = first_seed};
    SeedPath path = run->between;
    NoiseSource noise = path.count > 0 ? path_noise(&path) : seed_noise(&seeds);
    path.first = (int)first_seed;
    int classes = model_trained_classes(&m->config);
    /* The class goes by the seed, so that an image made alone keeps it. */
    if (classes > 0) m->denoiser.first_image = (int)(first_seed % (uint64_t)classes);
    return sampler_run(s, run, denoiser, &noise, count, x, scratch, err);
}

/* ---- scoring ---- */

static bool has_density(const Model *m)
{
    return method_of(m->config.method)->density != NULL;
}

const Protocol *model_usual_protocol(const Model *m)
{
    return protocol_usual(&m->process, has_density(m));
}

bool model_choose_protocol(const Model *m, const char *name, const char *path, const Protocol **out,
                           Err *err)
{
    char all[128];
    *out = name ? NULL : model_usual_protocol(m);
    for (int i = 0; name && protocols[i]; i++)
        if (strcmp(protocols[i]->name, name) == 0) *out = protocols[i];
    protocol_readers(~0U, ", ", all, sizeof all);
    if (!*out)
        return err_set(err, ERR_USAGE, "the protocol is '%.40s'; it must be one of %s", name, all);
    return protocol_check(*out, path, &m->process, has_density(m), err);
}

#define DEFAULT(m, option, reads, d, h)                  .m = d,
#define DEFAULT_IN_RANGE(m, option, reads, lo, hi, d, h) .m = d,
#define NONE(m, ...)
LikelihoodRun model_likelihood_run(const Model *m, const Protocol *p, bool files)
{
    const ModelConfig *c = &m->config;
    LikelihoodRun run = {.process = &m->process,
                         .variance = c->sample.variance,
                         .clip_range = c->clip_range > 0 ? c->clip_range : 1,
                         .batch = network_sample_batch(c),
                         .dequantise = c->dequantised,
                         LIKELIHOOD_SETTINGS(DEFAULT, DEFAULT_IN_RANGE, DEFAULT_IN_RANGE, NONE)};
    if (p->reads & LIKELIHOOD_LEVEL) run.level = cdm_level(run.process, 0);
    p->set_defaults(&run, files);
    return run;
}

bool model_prepare_protocol(Model *m, const Protocol *p, const LikelihoodRun *run, int images,
                            int label, LikelihoodModel *out, Err *err)
{
    int most = network_sample_batch(&m->config);
    double rows = p->rows(run, images);
    int batch = rows < most ? (int)rows : most;
    if (!model_prepare(m, batch, label, p->needs & PROTOCOL_VJP, &out->denoiser, err)) return false;
    if (p->needs & PROTOCOL_DENSITY)
        out->density = method_of(m->config.method)->density(&m->denoiser);
    return true;
}
