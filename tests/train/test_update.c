/* One update of training: what `diffc bench` measures and tests call is what `diffc train` repeats. */
#include "train_case.h"

enum { IMAGES = 24, STEPS = 3 };

/* Every method and objective; of images unless a toy is named. */
static const char *const rows[] = {
    "method.type=ddpm method.times=even train.accumulate=2",
    "method.type=ddpm method.learn_variance=true model.dropout=0.1",
    "method.type=eddpm method.keep=10",
    "method.type=cdm",
    "method.type=smld",
    "method.type=sde method.sde=ve",
    "method.type=sde method.sde=vp",
    "method.type=sde method.sde=subvp model.time=fourier",
    "data.toy=two-modes method.type=smld method.objective=exact",
    "data.toy=two-modes method.type=smld method.objective=sliced",
};

static void must(bool ok, const Err *err)
{
    if (EXPECT(ok)) return;
    printf("  %s\n", err->text);
    abort();
}

static Config row_config(const char *row)
{
    Config c = config_of("data.validation=0 train.batch=8 train.micro_batch=4 train.warmup=2 "
                         "train.log_every=1 train.checkpoint_every=0 train.validate=0 "
                         "sample.count=1 train.seed=11 method.steps=50 train.steps=3",
                         row);
    if (c.data.toy == TOY_NONE)
        set_all(&c, "model.channels=8 model.multipliers=[1,2] model.attention=[4] model.groups=4 "
                    "data.path=images-idx3-ubyte");
    return c;
}

static void open_noise(Dataset *d)
{
    const DataOptions options = {.config.height = SIDE,
                                 .config.width = SIDE,
                                 .config.channels = 1,
                                 .config.limit = IMAGES,
                                 .seed = 11};
    Err err = {0};
    must(dataset_open_noise(d, &options, 0, &err), &err);
}

/* The noise as a file, which `train` reads. */
static void write_noise(Config *c)
{
    enum { HEAD = 16, BYTES = IMAGES * SIDE * SIDE };
    unsigned char file[HEAD + BYTES] = {[2] = 8, [3] = 3, [7] = IMAGES, [11] = SIDE, [15] = SIDE};
    Dataset d;
    Err err = {0};
    open_noise(&d);
    memcpy(file + HEAD, d.pixels, BYTES);
    dataset_close(&d);
    snprintf(c->data.path, sizeof c->data.path, "%.900s/images-idx3-ubyte", test_folder());
    must(file_write(c->data.path, file, sizeof file, &err), &err);
}

/* What `diffc bench` trains on. */
static Trainer *open_for_bench(const Config *config)
{
    Config without = *config, *c = &without;
    without.data.path[0] = '\0'; /* no file is needed */
    Trainer *t;
    Dataset d;
    Err err = {0};
    const DataOptions toy = {.config.toy = c->data.toy, .seed = c->train.seed};
    if (c->data.toy == TOY_NONE)
        open_noise(&d);
    else
        must(dataset_open(&d, &toy, NULL, NULL, &err), &err);
    must(trainer_open_on(&t, c, &d, &err), &err);
    return t;
}

static void expect_same_updates(Config *c, const char *run)
{
    Trainer *trained, *measured;
    Watch seen = {.count = 0};
    const TrainCallbacks callbacks = callbacks_of(&seen);
    Err err = {0};
    must(trainer_open(&trained, c, &callbacks, &err), &err);
    must(trainer_run(trained, run, &err), &err);
    measured = open_for_bench(c);
    EXPECT_INT(seen.count, STEPS);
    for (int i = 0; i < STEPS; i++) {
        TrainUpdate u;
        must(trainer_update(measured, &u, &err), &err);
        EXPECT(u.loss == seen.seen[i].loss && u.grad_norm == seen.seen[i].grad_norm);
        EXPECT(u.lr == seen.seen[i].lr && u.images == seen.seen[0].images);
    }
    const Optimizer *a = &measured->optimizer, *b = &trained->optimizer;
    size_t bytes = trained->table.block_floats * sizeof(float);
    EXPECT_SAME(a->weights, b->weights, bytes);
    EXPECT_SAME(a->ema, b->ema, bytes);
    EXPECT_SAME(a->m, b->m, bytes);
    EXPECT(measured->state.step == STEPS && measured->state.samples == trained->state.samples);
    trainer_close(measured);
    trainer_close(trained);
}

TEST(the_update_that_bench_measures_gives_the_losses_and_weights_of_train_bit_for_bit)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Config c = row_config(rows[i]);
        if (c.data.toy == TOY_NONE) write_noise(&c);
        expect_same_updates(&c, test_path("%zu", i));
        config_free(&c);
    }
}

static float *copy_floats(const float *values, size_t count)
{
    float *copy = malloc(count * sizeof *copy);
    if (copy) memcpy(copy, values, count * sizeof *copy);
    return copy;
}

/* An update with a damaged number in `place` must fail and leave what is trained as it was. */
static void expect_refused(Trainer *t, float *place, float damage, const char *what)
{
    const Optimizer *o = &t->optimizer;
    float *const blocks[] = {o->weights, o->ema, o->m, o->v};
    size_t floats = t->table.block_floats, bytes = floats * sizeof(float);
    float *before[4], kept = *place;
    int64_t step = t->state.step;
    TrainUpdate u;
    Err err = {0};
    *place = damage;
    for (int b = 0; b < 4; b++) {
        before[b] = copy_floats(blocks[b], floats);
        if (!before[b]) abort();
    }
    if (!EXPECT(!trainer_update(t, &u, &err)))
        printf("  %s: %g went through\n", what, (double)damage);
    EXPECT_INT(err.kind, ERR_DIVERGED);
    EXPECT(t->state.step == step);
    for (int b = 0; b < 4; b++) {
        EXPECT_SAME(before[b], blocks[b], bytes);
        free(before[b]);
    }
    *place = kept;
    for (int b = 0; b < o->gradients.buffers; b++) memset(o->gradients.buffer[b], 0, bytes);
}

/* In a sixteenth of every method's tensors: a weight, or its gradient in the block that is summed last. (A weight of
 * -inf can hide: silu of it is 0. No checkpoint is written with it, test_checkpoint.c.) */
TEST(a_weight_or_gradient_that_is_not_finite_stops_the_update_and_changes_nothing)
{
    static const float damages[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Config c = row_config(rows[i]);
        Trainer *t = open_for_bench(&c);
        TrainUpdate u;
        Err err = {0};
        must(trainer_update(t, &u, &err), &err);
        for (int p = 0; p < t->table.count; p++) {
            const ParamInfo *info = &t->table.info[p];
            if (!info->trainable || (size_t)p % 16 != i) continue;
            size_t at = info->offset + info->count - 1;
            float damage = damages[p / 16 % 3],
                  *last = t->optimizer.gradients.buffer[t->optimizer.gradients.buffers - 1];
            expect_refused(t, t->optimizer.weights + at, damage < 0 ? NAN : damage, info->name);
            expect_refused(t, last + at, damage, info->name);
        }
        must(trainer_update(t, &u, &err), &err);
        trainer_close(t);
        config_free(&c);
    }
}

TEST(noise_needs_no_file_and_has_the_wanted_shape_and_classes)
{
    const DataOptions options = {.config.height = 3,
                                 .config.width = 5,
                                 .config.channels = 3,
                                 .config.limit = 7,
                                 .config.validation = 2,
                                 .seed = 4};
    Dataset a, b;
    Err err = {0};
    float x[45];
    int label, counts[4] = {0};
    double sum = 0, square = 0;
    must(dataset_open_noise(&a, &options, 4, &err), &err);
    must(dataset_open_noise(&b, &options, 4, &err), &err);
    EXPECT(a.height == 3 && a.width == 5 && a.channels == 3 && a.classes == 4);
    EXPECT(a.count == 7 && a.train_count == 5 && a.validation_count == 2);
    EXPECT_SAME(a.pixels, b.pixels, 7 * sizeof x / sizeof *x);
    for (size_t i = 0; i < 7; i++) {
        if (i < 5)
            dataset_train_sample(&a, i, x, &label, NULL);
        else
            dataset_validation_sample(&a, i - 5, x, &label, NULL);
        counts[label]++;
        for (int k = 0; k < 45; k++) sum += (double)x[k], square += (double)(x[k] * x[k]);
    }
    for (int k = 0; k < 4; k++) EXPECT_INT(counts[k], k < 3 ? 2 : 1);
    /* Of 315 uniform values in [-1, 1]; 4 sigma. */
    EXPECT_NEAR(sum / 315, 0, 4 * 0.577 / 17.7);
    EXPECT_NEAR(square / 315, 1.0 / 3, 4 * 0.298 / 17.7);
    dataset_close(&a);
    dataset_close(&b);
}
