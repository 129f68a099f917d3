/* Score matching at many noise levels (Song & Ermon 2019, 2020). */
#include "methods/method.h"

bool exploding_check(const MethodCheck *c, Err *err)
{
    const MethodConfig *m = c->method;
    char name[32];
    method_name(m->type, m->noise.sde, name, sizeof name);
    Prediction gives = m->noise.prediction;
    if (gives == PREDICT_EPS || gives == PREDICT_X0)
        return err_set(err, ERR_USAGE,
                       "method.prediction is \"%s\", but the network of %s gives the \"score\" or "
                       "\"v\"",
                       prediction_words[gives], name);
    if (gives == PREDICT_V && c->model->time == TIME_CHOICE_FOURIER)
        return err_set(err, ERR_USAGE,
                       "model.time is \"fourier\", with which the network of %s gives a score; to "
                       "predict v it needs \"positional\"",
                       name);
    if (gives != PREDICT_V && c->model->time == TIME_CHOICE_POSITIONAL)
        return err_set(err, ERR_USAGE,
                       "model.time is \"positional\", but the network of %s divides its output by "
                       "sigma and gets ln(sigma), which needs \"fourier\"",
                       name);
    if (gives == PREDICT_V && m->objective != OBJECTIVE_DENOISING)
        return err_set(err, ERR_USAGE,
                       "method.objective is \"%s\", whose loss is one of the score, but "
                       "method.prediction is \"v\"",
                       objective_words[m->objective]);
    if (m->objective != OBJECTIVE_DENOISING && !c->points)
        return err_set(err, ERR_USAGE,
                       "method.objective is \"%s\", which needs derivatives of the score that only "
                       "the mlp of a data.toy can afford; images need \"denoising\"",
                       objective_words[m->objective]);
    return true;
}

const Method method_smld = {
    .settings = {{.process = PROCESS_SMLD,
                  .sampler = "langevin",
                  .reads = KEYS_SIGMAS | KEYS_LEVELS | KEYS_TIMES | KEYS_PREDICTION,
                  .prediction = PREDICT_SCORE,
                  .time = TIME_CHOICE_FOURIER,
                  .fourier = TIME_FOURIER,
                  .check = exploding_check}},
    .trains_as = METHOD_SMLD,
    .loss = score_loss,
    .update_passes = score_update_passes,
    .predict_passes = 1,
    .predict = timed_predict};
