/* An update of training. Its passes belong to blocks (gradient_tree.h), of which each process computes its share, and
 * the blocks of a group are computed side by side. */
#include <math.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/world.h"
#include "train/train_internal.h"

bool update_open(Trainer *t, Err *err)
{
    int passes = passes_of_update(t);
    t->block_passes = (passes + t->blocks - 1) / t->blocks;
    size_t images = update_losses(t);
    t->losses = mem_alloc(images, sizeof *t->losses);
    return t->losses ||
           err_set(err, ERR_MEMORY, "not enough memory for the losses of %zu images", images);
}

void update_close(Trainer *t)
{
    mem_free(t->losses);
}

size_t update_losses(const Trainer *t)
{
    return (size_t)t->blocks * (size_t)t->block_passes * (size_t)t->plan.micro_batch;
}

int passes_of_update(const Trainer *t)
{
    return t->config.train.batch / t->plan.micro_batch * t->config.train.accumulate;
}

/* The n-th pass of a block; its last are missing where passes do not divide. */
static bool find_pass(const Trainer *t, int block, int n, int *pass)
{
    int passes = passes_of_update(t);
    *pass = gradient_first_pass(passes, t->blocks, block) + n;
    return *pass < gradient_first_pass(passes, t->blocks, block + 1);
}

static ImageLoss *losses_of_pass(const Trainer *t, int block, int n)
{
    return t->losses + (size_t)(block * t->block_passes + n) * (size_t)t->plan.micro_batch;
}

static uint64_t first_sample(const Trainer *t, int pass)
{
    return t->state.samples + (uint64_t)pass * (uint64_t)t->plan.micro_batch;
}

/* Passes that run side by side, the n-th of each block of a group: each has a batch and gradients of its own. */
typedef struct {
    Trainer *t;
    float dloss;
    int n, count;
    int place[GRADIENT_BLOCKS]; /* of the block in its group */
    int block[GRADIENT_BLOCKS];
    int pass[GRADIENT_BLOCKS];
} Round;

static void train_pass(void *context, int item, int copy)
{
    const Round *r = context;
    Trainer *t = r->t;
    int place = r->place[item];
    TrainBatch *b = &t->train_batch[place];
    uint64_t first = first_sample(t, r->pass[item]);
    Network network = network_copy(&t->train_network, copy);
    batch_diffuse_train(t, b, first);
    net_set_dropout(network.net, true, t->config.train.seed, first / (uint64_t)t->plan.micro_batch);
    batch_train(t, &network, b, first, gradient_tree_block(&t->optimizer.gradients, place),
                r->dloss);
}

static bool run_round(Round *r, Err *err)
{
    Trainer *t = r->t;
    for (int i = 0; i < r->count; i++)
        if (!batch_read_train(t, &t->train_batch[r->place[i]], first_sample(t, r->pass[i]), err))
            return false;
    parallel_side_by_side(r->count, t->train_network.copies, NULL, train_pass, r);
    for (int i = 0; i < r->count; i++) {
        ImageLoss *losses = losses_of_pass(t, r->block[i], r->n);
        for (int k = 0; k < t->plan.micro_batch; k++)
            losses[k] = image_loss(&t->train_batch[r->place[i]], k);
    }
    return true;
}

/* Of the group that begins at block `first`. */
static void choose_round(Round *r, int first, int n)
{
    const Trainer *t = r->t;
    r->count = 0;
    r->n = n;
    for (int place = 0; place < t->optimizer.gradients.together; place++) {
        int pass;
        if (!find_pass(t, first + place, n, &pass)) continue;
        r->place[r->count] = place;
        r->block[r->count] = first + place;
        r->pass[r->count++] = pass;
    }
}

/* Takes the losses in the order in which one process alone would compute them. */
static double add_up_losses(Trainer *t)
{
    LossSum sum = {0};
    int together = gradient_together(t->table.block_floats, t->blocks);
    for (int first = 0; first < t->blocks; first += together)
        for (int n = 0; n < t->block_passes; n++)
            for (int block = first; block < first + together; block++) {
                int pass;
                if (!find_pass(t, block, n, &pass)) continue;
                const ImageLoss *losses = losses_of_pass(t, block, n);
                masks_observe(t, losses, t->plan.micro_batch, first_sample(t, pass));
                for (int k = 0; k < t->plan.micro_batch; k++) loss_sum_add(&sum, &losses[k]);
            }
    return loss_sum_mean(&sum, t);
}

/* The passes of the group that begins at block `first`. */
static bool run_group(Round *r, int first, Err *err)
{
    int n = 0;
    for (choose_round(r, first, n); r->count > 0; choose_round(r, first, ++n))
        if (!run_round(r, err)) return false;
    return true;
}

/* Gradients of one update: accumulate * batch images in micro-batches. Sets the mean loss and the norm. A process that
 * has failed says so before the last group is summed, which is where all meet. */
static bool accumulate_gradients(Trainer *t, double *loss, double *norm, Err *err)
{
    const GradientTree *tree = &t->optimizer.gradients;
    int images = passes_of_update(t) * t->plan.micro_batch;
    int first = t->rank * tree->blocks;
    Round round = {.t = t, .dloss = 1.0f / (float)images};
    net_hold(t->train_network.net, t->optimizer.weights);
    for (int block = first; block < first + tree->blocks; block += tree->together) {
        bool ok = run_group(&round, block, err);
        if (t->processes > 1 && (!ok || gradient_tree_is_last(tree))) ok = world_agree(ok, err);
        if (!ok) return false;
        *norm = optimizer_sum_gradients(&t->optimizer);
    }
    if (t->processes > 1)
        world_gather(t->losses, (size_t)t->blocks,
                     (size_t)(t->block_passes * t->plan.micro_batch) * sizeof *t->losses);
    *loss = add_up_losses(t);
    t->state.samples += (uint64_t)images;
    return true;
}

bool trainer_update(Trainer *t, TrainUpdate *u, Err *err)
{
    const Config *c = &t->config;
    uint64_t samples = t->state.samples;
    u->lr = learning_rate(&c->train.optimizer, t->state.step, progress_of(t));
    if (t->learner && !mask_learner_draw(t->learner, progress_of(t), samples, err)) return false;
    if (!accumulate_gradients(t, &u->loss, &u->grad_norm, err)) return false;
    if (!isfinite(u->loss) || !isfinite(u->grad_norm))
        return err_set(err, ERR_DIVERGED,
                       "step %lld: the loss is %g and the gradient norm %g at learning rate %g; "
                       "the weights were not changed "
                       "and the last good checkpoint stays (a lower train.lr or a longer "
                       "train.warmup may help)",
                       (long long)t->state.step + 1, u->loss, u->grad_norm, u->lr);
    optimizer_update(&t->optimizer, u->lr, u->grad_norm);
    if (t->learner) mask_learner_update(t->learner);
    t->state.step = t->optimizer.step;
    t->state.loss_sum += u->loss;
    t->state.loss_count++;
    u->images = t->state.samples - samples;
    return true;
}
