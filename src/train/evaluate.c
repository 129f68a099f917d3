#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/world.h"
#include "data/image.h"
#include "data/scatter.h"
#include "data/toy.h"
#include "diffusion/sampler.h"
#include "train/train_internal.h"

enum { LEVEL_BINS = 10 };

/* The tenth of the times that a level belongs to; the clean and the noise class of a classifier lie
 * just outside. */
static int level_bin(const Trainer *t, double time)
{
    const Process *p = t->sampled;
    double span = process_is_discrete(p) ? p->T : 1;
    int bin = (int)(time * LEVEL_BINS / span);
    if (bin < 0) return 0;
    return bin < LEVEL_BINS ? bin : LEVEL_BINS - 1;
}

/* The losses of held-out images first .. end-1 of n; ERR_INTERRUPTED, and errors of reading them. */
static bool score_images(Trainer *t, int first, int end, int n, ImageLoss *losses, Err *err)
{
    TrainBatch *b = &t->eval_batch;
    net_hold(t->eval_network.net, t->optimizer.ema);
    for (; first < end; first += b->size) {
        if (interrupt_requested()) return err_set(err, ERR_INTERRUPTED, "interrupted");
        if (!batch_fill_validation(t, b, first, n, err)) return false;
        batch_loss(t, b);
        for (int i = 0; i < b->size && first + i < end; i++) losses[first + i] = image_loss(b, i);
    }
    return true;
}

/* Of n images; each process scores its share. */
static bool score_held_out(Trainer *t, int n, ImageLoss *losses, Err *err)
{
    size_t first = 0, end = (size_t)n;
    if (t->processes > 1) world_share((size_t)n, &first, &end);
    bool ok =
        losses || err_set(err, ERR_MEMORY, "not enough memory for the losses of %d images", n);
    ok = ok && score_images(t, (int)first, (int)end, n, losses, err);
    if (t->processes == 1) return ok;
    if (!world_agree(ok, err)) return false;
    world_gather(losses, (size_t)n, sizeof *losses);
    return true;
}

bool evaluate_validation(Trainer *t, Err *err)
{
    int n = t->config.train.validate;
    if (n > (int)t->data.validation_count) n = (int)t->data.validation_count;
    if (n == 0 || t->saved.validation == t->state.step) return true;
    LossSum all = {0}, bins[LEVEL_BINS] = {{0}};
    int T = t->sampled->T;
    ImageLoss *losses = mem_alloc((size_t)n, sizeof *losses);
    bool scored = score_held_out(t, n, losses, err);
    for (int i = 0; i < n && scored; i++) {
        loss_sum_add(&all, &losses[i]);
        loss_sum_add(&bins[level_bin(t, validation_level(t, i, n).time)], &losses[i]);
    }
    mem_free(losses);
    if (!scored) return false;
    double loss = loss_sum_mean(&all, t);
    if (!isfinite(loss))
        return err_set(err, ERR_DIVERGED,
                       "step %lld: the validation loss is not finite; the moving average of the "
                       "weights is damaged",
                       (long long)t->state.step);
    JsonWriter w = run_line(t, "validation");
    json_put_number(&w, "loss", loss);
    for (int i = 0; i < 2 && t->method->part_names[i]; i++)
        json_put_number(&w, t->method->part_names[i], t->method->mean_part(&all, i));
    json_put_int(&w, "images", n);
    json_begin_array(&w, "levels");
    for (int k = 0; k < LEVEL_BINS; k++) {
        if (bins[k].images == 0) continue;
        json_begin_object(&w, NULL);
        if (T > 0) {
            json_put_int(&w, "t_from", (k * T + LEVEL_BINS - 1) / LEVEL_BINS);
            json_put_int(&w, "t_to", ((k + 1) * T + LEVEL_BINS - 1) / LEVEL_BINS - 1);
        } else {
            json_put_number(&w, "t_from", (double)k / LEVEL_BINS);
            json_put_number(&w, "t_to", (double)(k + 1) / LEVEL_BINS);
        }
        json_put_number(&w, "loss", loss_sum_mean(&bins[k], t));
        json_put_int(&w, "images", bins[k].images);
        json_end_object(&w);
    }
    json_end_array(&w);
    run_log(t, &w);
    t->saved.validation = t->state.step;
    run_note(t, "step %lld: validation loss %.4f (%d held-out image%s)", (long long)t->state.step,
             loss, n, n == 1 ? "" : "s");
    return true;
}

static bool keep_going(void *context, long calls)
{
    (void)context;
    (void)calls;
    return !interrupt_requested();
}

/* A scatter plot with the axes of the toy, so that the pictures of a run compare. */
static bool draw_picture(const Trainer *t, const float *values, int count, unsigned char *pixels,
                         Image *picture, Err *err)
{
    enum { PICTURE_SIDE = 512 };
    Shape s = t->plan.image;
    if (t->data.toy == TOY_NONE) {
        image_bytes(pixels, values, (size_t)count * t->eval_network.dims);
        return image_grid(pixels, count, s.H, s.W, s.C, 0, 2, picture, err);
    }
    ScatterView view = {.reach = toy_reach(t->data.toy)};
    return scatter_plot(values, (size_t)count, &view, PICTURE_SIDE, picture, NULL, err);
}

bool draw_images(Trainer *t, const char *sampler, int calls, int first, int count, double *state,
                 Err *err)
{
    const Sampler *s = sampler_find(sampler);
    LevelGrid grid = {0};
    SampleRun run = {.process = t->sampled,
                     .config.clip = t->data.toy == TOY_NONE,
                     .clip_range = 1,
                     .progress = keep_going};
    if (!sampler_grid(s, &run, SPACING_AUTO, calls, &grid, err)) return false;
    NetworkDenoiser context = {.network = &t->eval_network,
                               .weights = t->optimizer.ema,
                               .label = -1,
                               .first_image = first};
    net_hold(t->eval_network.net, t->optimizer.ema);
    Denoiser denoiser = network_denoiser(&context);
    SeedNoise seeds = {.first_seed = t->config.sample.seed + (uint64_t)first};
    NoiseSource noise = seed_noise(&seeds);
    run.grid = &grid;
    bool ok = sampler_run(s, &run, &denoiser, &noise, count, state,
                          state + (size_t)count * t->eval_network.dims, err);
    level_grid_free(&grid);
    return ok;
}

/* Draws the samples into *picture with DDIM from the configured seeds. */
static bool draw_samples(Trainer *t, Image *picture, Err *err)
{
    int count = t->sample_count;
    size_t dims = t->eval_network.dims;
    float *values = mem_floats((size_t)count * dims);
    unsigned char *pixels = mem_alloc((size_t)count, dims);
    bool ok =
        (values && pixels) || err_set(err, ERR_MEMORY, "not enough memory for %d samples", count);
    ok = ok && draw_images(t, "ddim", 0, 0, count, t->sample_state, err);
    if (ok) {
        for (size_t i = 0; i < (size_t)count * dims; i++) values[i] = (float)t->sample_state[i];
        ok = draw_picture(t, values, count, pixels, picture, err);
    }
    mem_free(pixels);
    mem_free(values);
    return ok;
}

void samples_name(char out[SAMPLES_NAME_BYTES], int64_t step)
{
    snprintf(out, SAMPLES_NAME_BYTES, "step-%08lld.png", (long long)step);
}

bool samples_path(const Trainer *t, char path[PATH_BYTES], Err *err)
{
    char folder[PATH_BYTES], name[SAMPLES_NAME_BYTES];
    samples_name(name, t->state.step);
    return path_join(folder, t->run, "samples", err) && path_join(path, folder, name, err);
}

bool evaluate_samples(Trainer *t, Err *err)
{
    char folder[PATH_BYTES], path[PATH_BYTES];
    Image picture = {0};
    if (t->rank > 0 || t->saved.samples == t->state.step) return true;
    if (!samples_path(t, path, err)) return false;
    path_parent(folder, path);
    if (!folder_make(folder, err)) return false;
    if (!draw_samples(t, &picture, err)) return false;
    bool ok = image_save_png(path, &picture, NULL, err);
    if (ok && t->callbacks.picture)
        t->callbacks.picture(t->callbacks.context, t->state.step, &picture);
    image_free(&picture);
    if (!ok) return false;
    t->saved.samples = t->state.step;
    JsonWriter w = run_line(t, "samples");
    json_put_string(&w, "path", path);
    run_log(t, &w);
    return true;
}
