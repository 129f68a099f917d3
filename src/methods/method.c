#include "methods/method.h"

const Method *method_of(MethodKind kind)
{
    static const Method *const rows[] = {[METHOD_DDPM] = &method_ddpm,
                                         [METHOD_EDDPM] = &method_eddpm,
                                         [METHOD_SMLD] = &method_smld,
                                         [METHOD_SDE] = &method_sde,
                                         [METHOD_CDM] = &method_cdm};
    return rows[kind];
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

double method_weight(const Process *p, Prediction kind, NoiseLevel level, LossWeighting weighting,
                     double min_snr_gamma)
{
    double weight = objective_weight(kind, level, min_snr_gamma);
    if (weighting == WEIGHTING_SIMPLE) return weight;
    return weight * process_drift(p, level.time).g2 / (level.sigma * level.sigma);
}
