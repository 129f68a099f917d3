/* DDPM that learns which of its steps to keep (Zhang et al., "Efficient denoising diffusion via
 * probabilistic masking", ICML 2024). Its networks are DDPM's. Step t has a score s_t, the probability
 * that a mask m keeps it. The paper's equations, each a function of diffusion/mask.h:
 *   6   alpha_bar_t(m) = prod_{i<=t} (1 - beta_i m_i)                  mask_alpha_bar
 *   9   gradient = loss(m) * d ln p(m|s) / ds                          mask_add_score_gradient
 *   10  the share of steps to keep falls from 1 to K / T as a cube     mask_kept_share
 *   11  s <- the point of {0 <= s <= 1, sum s <= that share * T}
 *            nearest to s - eta * gradient                             mask_project
 * diffusion/mask_learner.h puts them together, by the rules of diffusion/mask_config.c: Algorithm 1 of the
 * paper, or what works better here. train/train_masks.c keeps its state in a run. */
#include <math.h>

#include "methods/method.h"

/* With more noise than this, sigma over alpha, no chain steps directly to the image. */
static const double NEAR = 0.5;

/* Of image i, whose noise was predicted from y; sampling clips what it predicts. */
static PredictionError prediction_error(const LossPass *p, int i, const float *y)
{
    const TrainBatch *b = p->batch;
    NoiseLevel level = mask_learner_level(p->learner, p->first + (uint64_t)i);
    double sum = 0, nats = 0, range = p->clip ? p->clip_range : (double)INFINITY;
    double std = sqrt(mask_learner_expected_error(p->learner, level));
    bool near = level.sigma < NEAR * level.alpha;
    size_t at = (size_t)i * b->dims;
    for (size_t k = at; k < at + b->dims; k++) {
        double x = (double)b->xt[k], x0 = x0_from_eps(level, x, (double)b->noise[k]);
        double eps = eps_from_prediction(p->network->noise->prediction, level, x, (double)y[k]);
        double guess = fmin(fmax(x0_from_eps(level, x, eps), -range), range);
        sum += (x0 - guess) * (x0 - guess);
        if (near) nats -= decoder_log_probability(&model_pixels, x0, guess, std);
    }
    return (PredictionError){sum / (double)b->dims, near ? nats / (double)b->dims : (double)NAN};
}

/* DDPM's, and what the learner observes of it. */
static void eddpm_loss(const LossPass *p)
{
    ddpm_loss(p);
    if (!p->grads) return;
    const float *y = net_value(p->network->net, p->network->y);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < p->batch->size; i++) p->batch->seen[i] = prediction_error(p, i, y);
}

static bool check(const MethodCheck *c, Err *err)
{
    const MaskConfig *mask = &c->method->mask;
    int masks = mask_recipes[mask->recipe].masks;
    if (!ddpm_check(c, err)) return false;
    if (mask->keep > c->method->noise.T)
        return err_set(err, ERR_USAGE, "method.keep is %d, more than method.steps (%d)", mask->keep,
                       c->method->noise.T);
    if (c->sample->steps > mask->keep)
        return err_set(err, ERR_USAGE, "sample.steps is %d, more than method.keep (%d)",
                       c->sample->steps, mask->keep);
    if (masks > c->images)
        return err_set(
            err, ERR_USAGE,
            "method.recipe \"%s\" tries %d masks in each update, which share its images, "
            "but an update has only %d; set train.batch or train.accumulate higher",
            mask_recipe_words[mask->recipe], masks, c->images);
    return true;
}

const Method method_eddpm = {
    .settings = {{.process = PROCESS_DDPM,
                  .sampler = "ddpm",
                  .reads = KEYS_STEPS | KEYS_PREDICTION | KEYS_MIN_SNR | KEYS_MASKS,
                  .time = TIME_CHOICE_POSITIONAL,
                  .check = check}},
    .trains_as = METHOD_DDPM,
    .learns_steps = true,
    .loss = eddpm_loss,
    .update_passes = ddpm_update_passes,
    .predict_passes = 1,
    .predict = timed_predict};
