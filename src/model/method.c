#include "model/method.h"

#include <math.h>

#include "base/mem.h"

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
    if (m->noise.sigma_max > 0) {
        /* Only to see whether it is far too small. */
        PointSet some = *data;
        if (some.count > WIDEST_POINTS) some.count = WIDEST_POINTS;
        if (!widest_pair(&some, &widest, err)) return false;
        m->widest = widest.distance;
        return true;
    }
    if (!widest_pair(data, &widest, err)) return false;
    m->noise.sigma_max = widest.distance;
    m->sigma_max_at_least = !widest.exact;
    if (m->noise.sigma_max > m->noise.sigma_min) return true;
    return err_set(err, ERR_USAGE,
                   "method.sigma_max cannot be estimated: no two training images are further apart "
                   "than method.sigma_min, %g",
                   m->noise.sigma_min);
}

bool method_from_config(const Config *c, const PointSet *data, ModelConfig *m, Err *err)
{
    NoiseConfig *n = &m->noise;
    m->method = c->method.type;
    *n = c->method.noise;
    n->kind = method_process_kind(m->method, n->sde);
    n->prediction = method_prediction(n->kind, n->prediction);
    m->dequantised = m->method == METHOD_CDM && c->method.dequantise;
    m->alphas = c->method.mask.alphas;
    m->sample = c->sample;
    if (c->method.learn_variance) m->sample.variance = VARIANCE_LEARNED;
    m->sample.clip = c->sample.clip && c->data.toy == TOY_NONE;
    m->clip_range = 1;
    if (n->kind != PROCESS_SMLD && n->kind != PROCESS_VE) return true;
    if (!choose_sigma_max(data, m, err)) return false;
    if (n->kind == PROCESS_SMLD && n->levels == 0)
        n->levels = smld_levels(n->sigma_max, n->sigma_min, data->dims);
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
    return process_make(p, &m->noise, err) && (!m->kept || keep_steps(m, p, err));
}

double method_weight(const Process *p, Prediction kind, NoiseLevel level, LossWeighting weighting,
                     double min_snr_gamma)
{
    double weight = objective_weight(kind, level, min_snr_gamma);
    if (weighting == WEIGHTING_SIMPLE) return weight;
    return weight * process_drift(p, level.time).g2 / (level.sigma * level.sigma);
}
