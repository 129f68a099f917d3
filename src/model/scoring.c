#include "model/scoring.h"

#include <string.h>

#include "diffusion/noise_classes.h"
#include "methods/method.h"

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
    if (p->needs & PROTOCOL_DENSITY) return model_prepare_density(m, batch, &out->density, err);
    if (p->needs & PROTOCOL_VJP) return model_prepare_vjp(m, batch, label, &out->denoiser, err);
    return model_prepare(m, batch, label, &out->denoiser, err);
}
