/* Several processes that train together: each computes its share of the gradient blocks of every update (train_update.c)
 * and moves its share of the weights (optimizer.h). Gradients, weights, losses and the clock go between them. */
#include <stdio.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/world.h"
#include "train/train_internal.h"

/* ---- the division ---- */

static bool is_power_of_two(int n)
{
    return (n & (n - 1)) == 0;
}

bool trainer_check_processes(int processes, Err *err)
{
    return (is_power_of_two(processes) && processes <= GRADIENT_BLOCKS) ||
           err_set(err, ERR_USAGE,
                   "%d processes cannot train together: they add gradients in pairs, and in pairs "
                   "of pairs, so there must be 2, 4 or %d of them",
                   processes, GRADIENT_BLOCKS);
}

/* The setting that gives an update as many passes as there are processes: passes shorter than `micro`, or more batches. */
static void advise_passes(const Trainer *t, int micro, char *out, size_t size)
{
    const TrainConfig *c = &t->config.train;
    while (micro > 1 && (c->batch % micro != 0 || c->batch / micro * c->accumulate < t->processes))
        micro--;
    if (c->batch / micro * c->accumulate >= t->processes)
        snprintf(out, size, "train.micro_batch=%d", micro);
    else
        snprintf(out, size, "train.accumulate=%d", (t->processes + c->batch - 1) / c->batch);
}

bool processes_divide(const Trainer *t, int micro, Err *err)
{
    const TrainConfig *c = &t->config.train;
    int passes = c->batch / micro * c->accumulate, most = gradient_blocks(passes);
    char advice[64] = "";
    if (most % t->processes == 0) return true;
    if (!trainer_check_processes(t->processes, err)) return false;
    advise_passes(t, micro, advice, sizeof advice);
    return err_set(
        err, ERR_USAGE,
        "%d processes cannot share an update of %d pass%s (train.batch %d in passes of %d, "
        "train.accumulate "
        "%d); start at most %d, or give it more passes, such as with %s (with other last bits)",
        t->processes, passes, passes == 1 ? "" : "es", c->batch, micro, c->accumulate, most,
        advice);
}

/* ---- the comparison ---- */

/* All pixels, labels and sizes. */
static uint64_t digest_data(const Dataset *d)
{
    const uint64_t numbers[] = {d->count,
                                d->train_count,
                                d->validation_count,
                                d->checksum,
                                dataset_pixels_checksum(d),
                                (uint64_t)d->toy,
                                (uint64_t)d->height,
                                (uint64_t)d->width,
                                (uint64_t)d->channels,
                                (uint64_t)d->classes};
    return bytes_hash(BYTES_HASH_START, numbers, sizeof numbers);
}

static uint64_t digest_state(const Trainer *t)
{
    const Optimizer *o = &t->optimizer;
    float *const blocks[] = {o->weights, o->ema, o->m, o->v};
    const uint64_t numbers[] = {(uint64_t)t->state.step, t->state.samples};
    uint64_t sum = bytes_hash(BYTES_HASH_START, numbers, sizeof numbers);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        sum = bytes_hash(sum, blocks[i], t->table.block_floats * sizeof(float));
    if (!t->learner) return sum;
    mask_learner_save(t->learner, t->masks.state);
    return bytes_hash(sum, t->masks.state, t->masks.state_count * sizeof(double));
}

bool processes_compare(const Trainer *t, Err *err)
{
    char name[WORLD_NAME_BYTES];
    if (t->processes == 1) return true;
    uint64_t data = digest_data(&t->data), state = digest_state(t);
    int other = world_first_other(&data, sizeof data);
    if (other >= 0)
        return err_set(err, ERR_USAGE,
                       "%s has other data than process 0 at %.300s: the images, their order or "
                       "their labels differ; "
                       "every machine needs the same files there",
                       world_name(other, name), t->config.data.path);
    other = world_first_other(&state, sizeof state);
    return other < 0 ||
           err_set(
               err, ERR_USAGE, "%s starts from other weights than process 0: %s",
               world_name(other, name),
               t->resumed
                   ? "its checkpoint of the run is another; every machine needs the same run folder"
               : t->config.train.init[0]
                   ? "train.init is another model there; every machine needs the same files"
                   : "its mathematical library rounds otherwise; every machine needs the same "
                     "system");
}

void processes_agree(Trainer *t)
{
    bool here = interrupt_requested();
    if (t->processes == 1) {
        t->stopping = here;
        return;
    }
    double now[] = {t->rank == 0 ? t->state.seconds : 0, here};
    world_greatest_reals(now, 2);
    t->state.seconds = now[0];
    t->stopping = now[1] > 0;
}
