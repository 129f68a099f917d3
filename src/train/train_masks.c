/* Learning which steps to keep: connects a training run with the mask learner (mask_learner.h), and
 * saves its state. */
#include <math.h>

#include "base/mem.h"
#include "model/model.h"
#include "train/train_internal.h"

/* Images from which the mean square of the data is taken; curves of the scores in a run, their places
 * and the fineness of their values. */
enum { SQUARE_IMAGES = 64, CURVES = 50, CURVE_PLACES = 50, CURVE_UNIT = 10000 };

static bool mean_square(const Dataset *d, float *x, size_t dims, double *mean, Err *err)
{
    size_t count = d->train_count < SQUARE_IMAGES ? d->train_count : SQUARE_IMAGES;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (!dataset_train_image(d, i * d->train_count / count, x, err)) return false;
        for (size_t k = 0; k < dims; k++) sum += (double)x[k] * (double)x[k];
    }
    *mean = count > 0 ? sum / (double)(count * dims) : 0;
    return true;
}

bool masks_open(Trainer *t, Err *err)
{
    t->sampled = &t->process;
    if (!t->method->learns_steps) return true;
    size_t dims = t->train_network.dims;
    double square = t->known ? t->known->mean_square : 0;
    if (!t->known && !mean_square(&t->data, t->train_batch[0].xt, dims, &square, err)) return false;
    MaskTraining *m = &t->masks;
    if (!mask_learner_open(&m->learner, &t->resolved.method.mask, square, t->config.train.seed,
                           &t->process.schedule, err) ||
        !model_process(&t->plan.model, &m->chain, err))
        return false;
    t->learner = &m->learner;
    t->sampled = &m->chain;
    m->state_count = mask_learner_state_count(&m->learner);
    m->state = mem_doubles(m->state_count);
    m->kept = mem_alloc((size_t)t->process.T, 1);
    m->steps = mem_alloc((size_t)t->process.T, sizeof *m->steps);
    if (!m->state || !m->kept || !m->steps)
        return err_set(err, ERR_MEMORY, "not enough memory for the masks of %d steps",
                       t->process.T);
    return true;
}

void masks_close(Trainer *t)
{
    MaskTraining *m = &t->masks;
    mask_learner_close(&m->learner);
    process_free(&m->chain);
    mem_free(m->state);
    mem_free(m->kept);
    mem_free(m->steps);
}

void masks_observe(Trainer *t, const ImageLoss *losses, int count, uint64_t first)
{
    for (int i = 0; t->learner && i < count; i++)
        mask_learner_observe(t->learner, first + (uint64_t)i, losses[i].seen,
                             (double)losses[i].loss);
}

bool masks_refresh_model(Trainer *t, Err *err)
{
    MaskTraining *m = &t->masks;
    ModelConfig *model = &t->plan.model;
    Process chain;
    int count = 0;
    if (!t->learner) return true;
    if (!mask_learner_extract(t->learner, progress_of(t), m->kept, err)) return false;
    for (int step = 0; step < t->process.T; step++)
        if (m->kept[step]) m->steps[count++] = step;
    model->kept = count < t->process.T ? m->steps : NULL;
    model->kept_count = model->kept ? count : 0;
    if (!model_process(model, &chain, err)) return false;
    process_free(&m->chain);
    m->chain = chain;
    return true;
}

bool masks_restore(Trainer *t, Err *err)
{
    if (!t->learner || mask_learner_restore(t->learner, t->masks.state)) return true;
    return err_set(err, ERR_FORMAT,
                   "%s: the scores in its newest checkpoint must be finite and from 0 to 1",
                   t->run);
}

void masks_put_summary(const Trainer *t, JsonWriter *w)
{
    const MaskLearner *l = t->learner;
    if (!l) return;
    MaskSummary all = mask_summary(l->s, l->T);
    json_put_number(w, "scores_sum", all.sum);
    json_put_number(w, "scores_entropy", all.entropy);
    json_put_int(w, "mask_steps", l->masks[0].kept);
}

/* Mean scores of CURVE_PLACES parts of the time axis. */
void masks_log_curve(Trainer *t)
{
    const MaskLearner *l = t->learner;
    if (!l || floor(CURVES * progress_of(t)) <= floor(CURVES * l->progress)) return;
    int places = l->T < CURVE_PLACES ? l->T : CURVE_PLACES;
    JsonWriter w = run_line(t, "scores");
    json_begin_row(&w, "means");
    for (int i = 0; i < places; i++) {
        int from = i * l->T / places, to = (i + 1) * l->T / places;
        double sum = 0;
        for (int step = from; step < to; step++) sum += l->s[step];
        json_put_number(&w, NULL, rint(CURVE_UNIT * sum / (to - from)) / CURVE_UNIT);
    }
    json_end_array(&w);
    run_log(t, &w);
}
