#include "model/scoring.h"

#include "diffusion/noise_classes.h"

LikelihoodRun model_likelihood_run(const Model *m, const Protocol *p, bool files)
{
    const ModelConfig *c = &m->config;
    LikelihoodRun run = {.process = &m->process,
                         .variance = c->sample.variance,
                         .clip = true,
                         .clip_range = c->clip_range > 0 ? c->clip_range : 1,
                         .batch = network_sample_batch(c),
                         .probes = 1,
                         .tolerance = 3e-7,
                         .call_limit = 10000,
                         .dequantise = c->dequantised};
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
