#include "model/method.h"

#include <math.h>

#include "base/mem.h"

ProcessKind method_process_kind(MethodKind method, SdeKind sde)
{
    static const ProcessKind of_sde[] = {
        [SDE_VE] = PROCESS_VE, [SDE_VP] = PROCESS_VP, [SDE_SUBVP] = PROCESS_SUBVP};
    if (method == METHOD_SDE) return of_sde[sde];
    return method == METHOD_SMLD ? PROCESS_SMLD : PROCESS_DDPM;
}

Prediction method_prediction(ProcessKind kind, Prediction chosen)
{
    if (kind == PROCESS_DDPM) return chosen;
    return kind == PROCESS_SMLD || kind == PROCESS_VE ? PREDICT_SCORE : PREDICT_EPS;
}

const char *method_sampler(ProcessKind kind)
{
    static const char *const names[] = {[PROCESS_DDPM] = "ddpm",
                                        [PROCESS_SMLD] = "langevin",
                                        [PROCESS_VE] = "pc",
                                        [PROCESS_VP] = "reverse-sde",
                                        [PROCESS_SUBVP] = "reverse-sde"};
    return names[kind];
}

static bool choose_sigma_max(const PointSet *data, ModelConfig *m, Err *err)
{
    WidestPair widest;
    if (m->sigma_max > 0) {
        /* Only to see whether it is far too small. */
        PointSet some = *data;
        if (some.count > WIDEST_POINTS) some.count = WIDEST_POINTS;
        if (!widest_pair(&some, &widest, err)) return false;
        m->widest = widest.distance;
        return true;
    }
    if (!widest_pair(data, &widest, err)) return false;
    m->sigma_max = widest.distance;
    m->sigma_max_at_least = !widest.exact;
    if (m->sigma_max > m->sigma_min) return true;
    return err_set(err, ERR_USAGE,
                   "method.sigma_max cannot be estimated: no two training images are further apart "
                   "than method.sigma_min, %g",
                   m->sigma_min);
}

bool method_from_config(const Config *c, const PointSet *data, ModelConfig *m, Err *err)
{
    ProcessKind kind = method_process_kind(c->method.type, c->method.sde);
    m->method = c->method.type;
    m->prediction = method_prediction(kind, c->method.prediction);
    m->variance = c->method.learn_variance ? VARIANCE_LEARNED : c->sample.variance;
    m->clip = c->sample.clip && c->data.toy == TOY_NONE;
    m->clip_range = 1;
    m->T = c->method.steps;
    if (kind == PROCESS_DDPM) {
        m->schedule = c->method.schedule;
        m->beta_start = c->method.beta_start;
        m->beta_end = c->method.beta_end;
        m->betas = c->method.betas;
        m->alphas = c->method.alphas;
        m->dequantised = c->method.type == METHOD_CDM && c->method.dequantise;
        return true;
    }
    m->sde = c->method.sde;
    m->time_min = c->method.time_min;
    m->snr = c->sample.snr;
    m->corrector_steps = c->sample.corrector_steps;
    if (kind == PROCESS_VP || kind == PROCESS_SUBVP) {
        m->beta_min = c->method.beta_min;
        m->beta_max = c->method.beta_max;
        return true;
    }
    m->sigma_min = c->method.sigma_min;
    m->sigma_max = c->method.sigma_max;
    if (!choose_sigma_max(data, m, err)) return false;
    if (kind == PROCESS_SMLD) {
        int levels = smld_levels(m->sigma_max, m->sigma_min, data->dims);
        m->T = c->method.levels > 0 ? c->method.levels : levels;
    }
    return true;
}

/* The chain of a model's kept steps. */
static bool keep_steps(const ModelConfig *m, Process *p, Err *err)
{
    unsigned char *mask = mem_alloc((size_t)p->T, 1);
    bool ok = mask || err_set(err, ERR_MEMORY, "no memory for %d kept steps", m->kept_count);
    for (int i = 0; i < m->kept_count && ok; i++) mask[m->kept[i]] = 1;
    ok = ok && process_keep(p, m->alphas, mask, err);
    mem_free(mask);
    if (!ok) process_free(p);
    return ok;
}

bool method_process(const ModelConfig *m, Process *p, Err *err)
{
    ProcessConfig config = {.kind = method_process_kind(m->method, m->sde),
                            .T = m->T,
                            .schedule = m->schedule,
                            .beta_start = m->beta_start,
                            .beta_end = m->beta_end,
                            .betas = m->betas,
                            .sigma_min = m->sigma_min,
                            .sigma_max = m->sigma_max,
                            .beta_min = m->beta_min,
                            .beta_max = m->beta_max,
                            .time_min = m->time_min};
    return process_make(p, &config, err) && (!m->kept || keep_steps(m, p, err));
}

double method_weight(const Process *p, Prediction kind, NoiseLevel level, LossWeighting weighting,
                     double min_snr_gamma)
{
    double weight = objective_weight(kind, level, min_snr_gamma);
    if (weighting == WEIGHTING_SIMPLE) return weight;
    return weight * process_drift(p, level.time).g2 / (level.sigma * level.sigma);
}
