/* train.eval_every: how far samples are from the training images, in the middle of a run. */
#include "base/clock.h"
#include "base/mem.h"
#include "data/image.h"
#include "diffusion/sampler.h"
#include "model/multiscale_distance.h"
#include "train/train_internal.h"

enum { MOST_IMAGES = 256, LEAST_IMAGES = 8, CALLS = 20, SETS = 3 };

static bool is_due(const Trainer *t)
{
    int64_t every = t->config.train.eval_every;
    return every > 0 && t->state.step > 0 && t->state.step % every == 0;
}

bool distance_missing(const Trainer *t)
{
    return is_due(t) && t->saved.distance != t->state.step;
}

/* Half of the training images, and 256 at most: the samples are compared with so many of them, and other
 * training images too. */
static size_t distance_images(const Trainer *t)
{
    size_t half = t->data.train_count / 2;
    return half < MOST_IMAGES ? half : MOST_IMAGES;
}

static size_t distance_batch(const Trainer *t)
{
    size_t batch = (size_t)t->eval_network.batch, count = distance_images(t);
    return batch < count ? batch : count;
}

bool distance_check(const Trainer *t, Err *err)
{
    size_t there = t->data.train_count;
    /* 0: a plan whose data are missing. */
    if (t->config.train.eval_every == 0 || there == 0 || there >= LEAST_IMAGES) return true;
    return err_set(err, ERR_USAGE,
                   "train.eval_every is %lld, but %zu training image%s too few to compare "
                   "samples with; at least %d are needed",
                   (long long)t->config.train.eval_every, there, there == 1 ? " is" : "s are",
                   LEAST_IMAGES);
}

size_t distance_bytes(const Trainer *t)
{
    size_t count = distance_images(t), dims = t->eval_network.dims;
    if (t->config.train.eval_every == 0 || count == 0) return 0;
    size_t state = distance_batch(t) * dims * (1 + SAMPLER_SCRATCH) * sizeof(double);
    PyramidShape pyramid = pyramid_shape(t->plan.image);
    PatchShape patches = patch_shape(pyramid.level[0], count);
    size_t compared = SETS * patches.count * (size_t)patches.dims * sizeof(float) +
                      sliced_bytes(patches.count, patches.dims, SETS - 1);
    return SETS * count * dims + (state > compared ? state : compared);
}

/* ---- samples ---- */

static bool go_on(void *context, double part)
{
    (void)context;
    (void)part;
    return !interrupt_requested();
}

/* As bytes [count, dims]. */
static bool sample(Trainer *t, unsigned char *pixels, Err *err)
{
    size_t count = distance_images(t), batch = distance_batch(t), dims = t->eval_network.dims;
    int T = t->sampled->T, calls = T > 0 && T < CALLS ? T : CALLS;
    double *state = mem_doubles(batch * dims * (1 + SAMPLER_SCRATCH));
    bool ok = state || err_set(err, ERR_MEMORY, "not enough memory for %zu samples", batch);
    for (size_t first = 0; ok && first < count; first += batch) {
        size_t now = count - first < batch ? count - first : batch;
        ok = draw_images(t, "dpm++2m", calls, (int)first, (int)now, state, err);
        for (size_t i = 0; ok && i < now * dims; i++)
            pixels[first * dims + i] = image_byte((float)state[i]);
    }
    mem_free(state);
    return ok;
}

/* ---- the distance ---- */

enum { SAMPLES, OTHERS };

/* Training images from `first` on. */
static bool read_training(const Trainer *t, size_t first, unsigned char *pixels, Err *err)
{
    for (size_t i = 0; i < distance_images(t); i++)
        if (!dataset_train_bytes(&t->data, first + i, pixels + i * t->eval_network.dims, err))
            return false;
    return true;
}

/* pixels [SETS, count, dims]: those of the samples come first. */
static bool compare(const Trainer *t, unsigned char *pixels, MultiscaleDistance *out, Err *err)
{
    size_t count = distance_images(t), bytes = count * t->eval_network.dims;
    unsigned char *training = pixels + bytes, *others = training + bytes;
    const WorkProgress progress = {NULL, go_on};
    const ImageSet reference = {t->plan.image, count, training, NULL};
    const ImageSet sets[] = {[SAMPLES] = {t->plan.image, count, pixels, NULL},
                             [OTHERS] = {t->plan.image, count, others, NULL}};
    return read_training(t, 0, training, err) &&
           read_training(t, t->data.train_count - count, others, err) &&
           multiscale_distance(&reference, sets, SETS - 1, &progress, out, err);
}

static void report(Trainer *t, const MultiscaleDistance *d)
{
    double error = sliced_standard_error(&d->mean[SAMPLES]);
    JsonWriter w = run_line(t, "distance");
    json_put_int(&w, "images", (int64_t)distance_images(t));
    json_put_number(&w, "sliced_wasserstein", d->mean[SAMPLES].distance);
    json_put_number(&w, "standard_error", error);
    json_put_number(&w, "other_data", d->mean[OTHERS].distance);
    run_log(t, &w);
    run_note(t,
             "step %lld: sliced Wasserstein distance x 1000 of %zu samples: %.2f +- %.2f (other "
             "training images: %.2f)",
             (long long)t->state.step, distance_images(t), 1000 * d->mean[SAMPLES].distance,
             1000 * error, 1000 * d->mean[OTHERS].distance);
}

bool evaluate_distance(Trainer *t, Err *err)
{
    if (t->rank > 0 || !distance_missing(t)) return true;
    MultiscaleDistance d;
    unsigned char *pixels = mem_alloc(SETS * distance_images(t), t->eval_network.dims);
    bool ok = (pixels ||
               err_set(err, ERR_MEMORY, "not enough memory for %zu samples", distance_images(t))) &&
              sample(t, pixels, err) && compare(t, pixels, &d, err);
    if (ok) report(t, &d);
    if (ok) t->saved.distance = t->state.step;
    mem_free(pixels);
    return ok;
}
