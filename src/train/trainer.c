#include "train/trainer.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/world.h"
#include "diffusion/sampler.h"
#include "methods/method.h"
#include "train/new_model.h"
#include "train/train_internal.h"

enum { PREVIEW_IMAGES = 16, PREVIEW_POINTS = 2000, USUAL_SIDE = 64 };

/* Whether the configuration says everything that a plan needs, where the data are missing. */
static bool plans_without_data(const Config *c)
{
    const MethodSettings *settings = method_settings(c->method.type, c->method.noise.sde);
    bool estimated = settings->reads & KEYS_SIGMAS && !(c->method.noise.sigma_max > 0);
    return c->data.height > 0 && c->data.channels > 0 && !c->model.class_conditional &&
           !estimated && !path_exists(dataset_place(c->data.path));
}

/* Images that are not of a size of their own need one from data.size. `side`: how large it should be at
 * most. False where no size would do, which is the network's fault. */
static bool size_advice(const Config *c, int side, char *out, size_t size)
{
    int channels = c->data.channels ? c->data.channels : 3;
    side = network_size_that_fits(c, channels, side);
    snprintf(out, size,
             "set data.size, such as data.size=%d: each image is then resized to cover %dx%d and "
             "cropped in the middle",
             side, side, side);
    return side > 0;
}

/* Whether the network takes the size that the images are stored in; asked before they are read. */
static bool size_fits(void *context, int height, int width, Err *err)
{
    const Config *c = context;
    ModelConfig m = {0};
    Err reason = {0};
    char advice[200];
    Shape image = {.H = height, .W = width, .C = c->data.channels ? c->data.channels : 3};
    if (network_from_config(c, image, 2, &m, &reason)) return true;
    if (!size_advice(c, height < width ? height : width, advice, sizeof advice))
        return err_set(err, reason.kind, "%s", reason.text);
    return err_set(err, reason.kind, "%.300s: %.500s; %s", c->data.path, reason.text, advice);
}

/* Where the decoded images of a folder are kept. A plan writes nothing. */
static DataCachePlace cache_place(const Trainer *t, bool plan_only)
{
    const char *word = t->config.data.cache;
    bool automatic = strcmp(word, DATA_CACHE_AUTO) == 0;
    if (strcmp(word, DATA_CACHE_OFF) == 0) return (DataCachePlace){0};
    return (DataCachePlace){.folder = automatic ? t->callbacks.runs : word,
                            .least_bytes = automatic ? DATA_CACHE_BYTES : 0,
                            .read_only = plan_only,
                            .named_by = &t->config.data};
}

static void note_cache(Trainer *t)
{
    const Dataset *d = &t->data;
    if (d->cache_failed)
        run_problem(t, "%s", d->cache_note);
    else if (d->cache_note[0])
        run_note(t, "note: %s", d->cache_note);
}

/* Of several processes the first comes before the others, which find the file of decoded images that it has made.
 * ready: what belongs before it has not failed here. */
static bool open_in_turn(Trainer *t, const DataOptions *o, bool ready, Err *err)
{
    const TrainCallbacks *c = &t->callbacks;
    bool first = t->rank == 0 || !o->cache.folder;
    bool ok = ready && (!first || dataset_open(&t->data, o, c->reading, c->context, err));
    if (t->processes > 1 && !world_agree(ok, err)) return false;
    return first ? ok : dataset_open(&t->data, o, NULL, NULL, err);
}

static bool open_data(Trainer *t, bool plan_only, Err *err)
{
    const Config *c = &t->resolved;
    if (t->data.height > 0) return true; /* trainer_open_on */
    if (plan_only && plans_without_data(c)) {
        t->data = (Dataset){
            .height = c->data.height, .width = c->data.width, .channels = c->data.channels};
        snprintf(t->data.description, sizeof t->data.description, "not there (%.200s)",
                 c->data.path[0] ? c->data.path : "no data.path");
        return true;
    }
    bool toy = c->data.toy != TOY_NONE;
    if (!toy && !c->data.path[0])
        return err_set(
            err, ERR_USAGE,
            "data.path is missing: it names the file or folder with the training images");
    char advice[200];
    bool advised = size_advice(&t->resolved, USUAL_SIDE, advice, sizeof advice);
    DataOptions options = {.path = c->data.path,
                           .config = c->data,
                           .cache = cache_place(t, plan_only),
                           .seed = c->train.seed,
                           .size_fits = size_fits,
                           .size_context = &t->resolved,
                           .size_advice = advised ? advice : "set data.size",
                           .can_skip = true};
    bool ready = identity_class_order(t, &options, err);
    if (!open_in_turn(t, &options, ready, err)) return false;
    note_cache(t);
    return true;
}

/* Exact and sliced score matching differentiate the score by the point. */
static NetMode train_mode(const Trainer *t)
{
    return t->config.method.objective == OBJECTIVE_DENOISING ? NET_TRAIN : NET_SECOND;
}

static bool fill_plan(Trainer *t, Err *err)
{
    TrainPlan *p = &t->plan;
    p->config = &t->config;
    p->parameters = t->table.parameters;
    p->forward_flop = net_forward_flop(t->train_network.net);
    p->updates_per_epoch =
        (double)t->data.train_count / ((double)t->config.train.batch * t->config.train.accumulate);
    p->process = &t->process;
    p->data = &t->data;
    return plan_memory(t, err);
}

static bool open_model(Trainer *t, Err *err)
{
    TrainPlan *p = &t->plan;
    const Dataset *d = &t->data;
    p->image = (Shape){.H = d->height, .W = d->width, .C = d->channels};
    return new_model_config(&t->resolved, d, &p->model, err) &&
           model_process(&p->model, &t->process, err);
}

static bool open_networks(Trainer *t, Err *err)
{
    const Config *c = &t->config;
    TrainPlan *p = &t->plan;
    p->micro_batch = network_pass_size(&t->table, &p->model, p->image, c->train.batch,
                                       c->train.micro_batch, err);
    if (!p->micro_batch) return false;
    if (!network_pass_allowed(&t->table, &p->model, p->image, c->train.batch, c->train.micro_batch,
                              2 * p->micro_batch + 1, &p->short_passes, err))
        return false;
    if (!network_open(&t->train_network, &t->table, &p->model, p->image, p->micro_batch,
                      train_mode(t), err))
        return false;
    t->blocks = gradient_blocks(passes_of_update(t));
    if (!processes_divide(t, p->micro_batch, err) || !update_open(t, err) ||
        !optimizer_open(&t->optimizer, &t->table, &c->train.optimizer, t->blocks / t->processes,
                        err))
        return false;
    if (t->processes > 1) optimizer_share(&t->optimizer);
    int together = t->optimizer.gradients.together;
    network_open_copies(&t->train_network, &t->table, &p->model, together);
    if (!network_open_denoiser(&t->eval_network, &t->table, &p->model, p->image,
                               network_sample_batch(&p->model), false, err))
        return false;
    size_t dims = t->train_network.dims;
    for (int b = 0; b < together; b++)
        if (!batch_open(&t->train_batch[b], p->micro_batch, dims, err)) return false;
    if (!batch_open(&t->eval_batch, t->eval_network.batch, dims, err)) return false;
    int most = p->model.network == NETWORK_MLP ? PREVIEW_POINTS : PREVIEW_IMAGES;
    t->sample_count = c->sample.count < most ? c->sample.count : most;
    t->sample_state = mem_doubles((size_t)t->sample_count * dims * (1 + SAMPLER_SCRATCH));
    return t->sample_state ||
           err_set(err, ERR_MEMORY, "not enough memory for %d samples", t->sample_count);
}

static void record_computed(Trainer *t)
{
    const ModelConfig *m = &t->plan.model;
    t->record.sigma_max = m->noise.sigma_max;
    t->record.levels = m->noise.levels;
    t->record.mean_square = t->masks.learner.mean_square;
}

/* A trainer is opened in two parts: its configuration, then everything made of that and of the data. */
static Trainer *new_trainer(const Config *config, const TrainCallbacks *callbacks, Err *err)
{
    Trainer *t = mem_alloc(1, sizeof *t);
    if (!t) {
        err_set(err, ERR_MEMORY, "not enough memory to start training");
        return NULL;
    }
    if (callbacks && world_rank() == 0) t->callbacks = *callbacks;
    if (callbacks) t->callbacks.runs = callbacks->runs;
    t->rank = world_rank();
    t->processes = world_size();
    if (config_copy(&t->config, config, err)) return t;
    trainer_close(t);
    return NULL;
}

static bool build(Trainer *t, bool plan_only, Err *err)
{
    const TrainConfig *train = &t->config.train;
    /* What the network's size changes in this is asked again when that is known (open_networks). */
    if (!config_check(&t->config, err) ||
        !processes_divide(t, network_shortest_pass(train->batch, train->micro_batch), err))
        return false;
    t->method = method_of(t->config.method.type);
    t->resolved = t->config;
    if (t->known)
        run_record_resolve(t->known, &t->resolved);
    else
        config_resolve(&t->resolved);
    if (!open_data(t, plan_only, err) || !identity_record(t, err) || !open_model(t, err))
        return false;
    if (!open_networks(t, err) || !masks_open(t, err)) {
        if (err && err->kind == ERR_MEMORY) {
            Err said = *err;
            err_set(err, said.kind,
                    "%.700s (smaller train.micro_batch, train.batch, model.channels or data.size "
                    "need less)",
                    said.text);
        }
        return false;
    }
    record_computed(t);
    if (!distance_check(t, err) || !fill_plan(t, err)) return false;
    t->state.seed = t->config.train.seed;
    params_init(&t->table, t->optimizer.weights, t->config.train.seed);
    memcpy(t->optimizer.ema, t->optimizer.weights, t->table.block_floats * sizeof(float));
    return true;
}

/* Of several processes none trains where one cannot. */
static bool give(Trainer **out, Trainer *t, bool ok, Err *err)
{
    if (!t || t->processes > 1) ok = world_agree(ok, err);
    if (!ok) trainer_close(t);
    *out = ok ? t : NULL;
    return ok;
}

bool trainer_open(Trainer **out, const Config *config, const TrainCallbacks *callbacks, Err *err)
{
    Trainer *t = new_trainer(config, callbacks, err);
    return give(out, t, t && build(t, false, err), err);
}

bool trainer_open_on(Trainer **out, const Config *config, Dataset *data, Err *err)
{
    Trainer *t = new_trainer(config, NULL, err);
    *out = NULL;
    if (!t) {
        dataset_close(data);
        return false;
    }
    t->data = *data;
    t->rank = 0;
    t->processes = 1;
    return give(out, t, build(t, false, err), err);
}

bool trainer_open_plan(Trainer **out, const Config *config, const TrainCallbacks *callbacks,
                       Err *err)
{
    Trainer *t = new_trainer(config, callbacks, err);
    return give(out, t, t && build(t, true, err), err);
}

bool trainer_resume(Trainer **out, const char *run, const Config *config,
                    const TrainCallbacks *callbacks, Err *err)
{
    Trainer *t = new_trainer(config, callbacks, err);
    bool ok = t && resume_open(t, run, err);
    if (!t || t->processes > 1) ok = world_agree(ok, err);
    return give(out, t, ok && build(t, false, err) && resume_state(t, err), err);
}

const TrainPlan *trainer_plan(const Trainer *t)
{
    return &t->plan;
}

void trainer_close(Trainer *t)
{
    if (!t) return;
    if (t->locked) run_unlock(&t->lock);
    checkpoint_close(&t->checkpoint);
    run_record_free(&t->record);
    run_record_free(&t->before);
    masks_close(t);
    update_close(t);
    for (int b = 0; b < GRADIENT_BLOCKS; b++) batch_close(&t->train_batch[b]);
    batch_close(&t->eval_batch);
    network_close(&t->train_network);
    network_close(&t->eval_network);
    optimizer_close(&t->optimizer);
    params_free(&t->table);
    process_free(&t->process);
    dataset_close(&t->data);
    mem_free(t->sample_state);
    mem_free(t->plan.model.noise.betas);
    mem_free(t->plan.model.class_names);
    mem_free(t->init_names);
    config_free(&t->config);
    mem_free(t);
}

double progress_of(const Trainer *t)
{
    return config_progress(&t->config, t->state.step, t->state.seconds);
}

bool finished(const Trainer *t)
{
    return (t->config.train.steps > 0 && t->state.step >= t->config.train.steps) ||
           (t->config.train.minutes > 0 && t->state.seconds >= 60 * t->config.train.minutes);
}

Network *trainer_network(Trainer *t)
{
    return &t->train_network;
}
