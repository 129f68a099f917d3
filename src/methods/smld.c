/* Score matching at many noise levels (Song & Ermon 2019, 2020). */
#include "methods/method.h"

bool exploding_check(const MethodCheck *c, Err *err)
{
    const MethodConfig *m = c->method;
    char name[32];
    method_name(m->type, m->noise.sde, name, sizeof name);
    if (c->model->time == TIME_CHOICE_POSITIONAL)
        return err_set(err, ERR_USAGE,
                       "model.time is \"positional\", but the network of %s divides its output by "
                       "sigma and gets ln(sigma), which needs \"fourier\"",
                       name);
    if (m->objective != OBJECTIVE_DENOISING && !c->points)
        return err_set(err, ERR_USAGE,
                       "method.objective is \"%s\", which needs derivatives of the score that only "
                       "the mlp of a data.toy can afford; images need \"denoising\"",
                       objective_words[m->objective]);
    return true;
}

const Method method_smld = {.settings = {{.process = PROCESS_SMLD,
                                          .sampler = "langevin",
                                          .reads = KEYS_SIGMAS | KEYS_LEVELS | KEYS_TIMES,
                                          .prediction = PREDICT_SCORE,
                                          .time = TIME_CHOICE_FOURIER,
                                          .fourier = TIME_FOURIER,
                                          .check = exploding_check}},
                            .trains_as = METHOD_SMLD,
                            .loss = score_loss,
                            .update_passes = score_update_passes,
                            .predict_passes = 1,
                            .denoiser = timed_denoiser};
