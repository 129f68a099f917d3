#include "methods/method.h"

#include <math.h>
#include <stdio.h>

#include "base/text.h"

#define WORD(place, word) #word,
const char *const method_words[] = {METHODS(WORD) NULL};
const char *const weighting_words[] = {
    [WEIGHTING_SIMPLE] = "simple", [WEIGHTING_LIKELIHOOD] = "likelihood", NULL};
const char *const time_draw_words[] = {
    [TIMES_INDEPENDENT] = "independent", [TIMES_EVEN] = "even", NULL};
const char *const objective_words[] = {[OBJECTIVE_DENOISING] = "denoising",
                                       [OBJECTIVE_EXACT] = "exact",
                                       [OBJECTIVE_SLICED] = "sliced",
                                       NULL};

const Method *method_of(MethodKind kind)
{
#define ROW(place, word) &method_##word,
    static const Method *const rows[] = {METHODS(ROW)};
    return rows[kind];
}

static bool has_sdes(const Method *method)
{
    return method->settings[1].sampler != NULL;
}

const MethodSettings *method_settings(MethodKind method, SdeKind sde)
{
    const Method *m = method_of(method);
    return &m->settings[has_sdes(m) ? sde : 0];
}

void method_name(MethodKind method, SdeKind sde, char *out, size_t size)
{
    snprintf(out, size, "%s", method_words[method]);
    if (has_sdes(method_of(method))) text_add(out, size, " ", sde_words[sde]);
}

void method_readers(unsigned keys, char *out, size_t size)
{
    out[0] = '\0';
    for (MethodKind m = 0; m < METHOD_COUNT; m++) {
        int sdes = has_sdes(method_of(m)) ? SDE_COUNT : 1, readers = 0;
        char name[32];
        for (int k = 0; k < sdes; k++) readers += (method_settings(m, k)->reads & keys) != 0;
        for (int k = 0; k < sdes && readers < sdes; k++) {
            method_name(m, k, name, sizeof name);
            if (method_settings(m, k)->reads & keys) text_add(out, size, ", ", name);
        }
        if (readers == sdes) text_add(out, size, ", ", method_words[m]);
    }
}

double method_weight(const Process *p, Prediction kind, NoiseLevel level, LossWeighting weighting,
                     double min_snr_gamma)
{
    if (weighting == WEIGHTING_SIMPLE) return objective_weight(kind, level, min_snr_gamma);
    /* Without a cap the weight makes the loss that of eps. */
    return objective_weight(kind, level, HUGE_VAL) * process_drift(p, level.time).g2 /
           (level.sigma * level.sigma);
}
