#include "train/new_model.h"

#include <string.h>

#include "base/first_failure.h"
#include "base/mem.h"
#include "diffusion/smld_levels.h"
#include "methods/method.h"

/* The number of points of a toy that the largest distance is computed from. */
enum { TOY_WIDTH_POINTS = 4096 };

/* The training images as points, which are read by several threads. */
typedef struct {
    const Dataset *data;
    FirstFailure failure; /* of an image that could not be read */
} TrainingPoints;

static void training_point(void *context, size_t i, float *x)
{
    TrainingPoints *p = context;
    Err bad = {0};
    if (dataset_train_image(p->data, i, x, &bad)) return;
    size_t dims = (size_t)p->data->height * (size_t)p->data->width * (size_t)p->data->channels;
    memset(x, 0, dims * sizeof *x);
    first_failure_add(&p->failure, (int)i, &bad);
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

bool new_model_method(const Config *c, const PointSet *data, ModelConfig *m, Err *err)
{
    NoiseConfig *n = &m->noise;
    m->method = c->method.type;
    *n = c->method.noise;
    const MethodSettings *settings = method_settings(m->method, n->sde);
    n->kind = settings->process;
    m->dequantised = method_of(m->method)->classifies_noise && c->method.dequantise;
    m->alphas = c->method.mask.alphas;
    m->sample = c->sample;
    if (c->method.learn_variance) m->sample.variance = VARIANCE_LEARNED;
    m->sample.clip = c->sample.clip && c->data.toy == TOY_NONE;
    m->clip_range = 1;
    if (!(settings->reads & KEYS_SIGMAS)) return true;
    if (!choose_sigma_max(data, m, err)) return false;
    if (settings->reads & KEYS_LEVELS && n->levels == 0)
        n->levels = smld_levels(n->sigma_max, n->sigma_min, data->dims);
    return true;
}

/* The configuration's list of betas is copied; a schedule even in ln SNR is kept as betas, in the model
 * folder too. */
static bool own_betas(NoiseConfig *n, Err *err)
{
    const double *given = n->betas;
    n->betas = NULL;
    if (n->schedule != SCHEDULE_LOGSNR && !given) return true;
    n->betas = mem_doubles((size_t)n->T);
    if (!n->betas) return err_set(err, ERR_MEMORY, "not enough memory for %d betas", n->T);
    if (n->schedule == SCHEDULE_LOGSNR)
        schedule_logsnr_betas(n->betas, n->T, n->logsnr_start, n->logsnr_end);
    else
        memcpy(n->betas, given, (size_t)n->T * sizeof *given);
    n->schedule = SCHEDULE_BETAS;
    return true;
}

static bool check_classes(const Dataset *data, Err *err)
{
    static const char told[] = "model.class_conditional is true, but";
    int used = 0;
    for (int k = 0; k < data->classes; k++) used += data->class_images[k] > 0;
    if (data->toy != TOY_NONE) return err_set(err, ERR_USAGE, "%s points have no classes", told);
    if (data->classes == 0)
        return err_set(err, ERR_USAGE, "%s the data has no class labels: %s", told,
                       data->no_labels);
    return used >= 2 || err_set(err, ERR_USAGE, "%s all training images have one class", told);
}

static bool name_classes(const Dataset *data, ModelConfig *m, Err *err)
{
    size_t count = (size_t)data->classes;
    if (!data->class_names) return true;
    m->class_names = mem_alloc(count, sizeof *m->class_names);
    if (!m->class_names)
        return err_set(err, ERR_MEMORY, "not enough memory for the names of %zu classes", count);
    memcpy(m->class_names, data->class_names, count * sizeof *m->class_names);
    return true;
}

bool new_model_config(const Config *c, const Dataset *data, ModelConfig *m, Err *err)
{
    Shape image = {.H = data->height, .W = data->width, .C = data->channels};
    TrainingPoints training = {.data = data};
    PointSet points = {.context = &training,
                       .count = data->toy != TOY_NONE ? TOY_WIDTH_POINTS : data->train_count,
                       .dims = shape_values(image),
                       .point = training_point,
                       .sampled = data->toy != TOY_NONE};
    *m = (ModelConfig){0};
    if (c->model.class_conditional && !check_classes(data, err)) return false;
    for (int k = 0; c->model.class_conditional && k < data->classes; k++)
        m->untrained[k] = data->class_images[k] == 0;
    bool ok = (!c->model.class_conditional || name_classes(data, m, err)) &&
              network_from_config(c, image, data->classes, m, err) &&
              new_model_method(c, &points, m, err);
    ok = first_failure_none(&training.failure, err) && ok;
    if (ok && own_betas(&m->noise, err)) return true;
    if (!ok) m->noise.betas = NULL; /* the configuration's */
    model_config_free(m);
    return false;
}

bool new_model_open(Model *m, const Config *c, const Dataset *data, Err *err)
{
    Config resolved = *c;
    memset(m, 0, sizeof *m);
    config_resolve(&resolved);
    m->image = (Shape){.H = data->height, .W = data->width, .C = data->channels};
    if (!new_model_config(&resolved, data, &m->config, err) || !model_make_parts(m, err)) {
        model_close(m);
        return false;
    }
    params_init(&m->table, m->weights, c->train.seed);
    return true;
}
