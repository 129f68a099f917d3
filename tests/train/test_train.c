/* The training loop: optimiser, batches, resume, divergence, interruption, models. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/rng.h"
#include "model/model.h"
#include "train_case.h"

TEST(batches_depend_on_the_sample_number_only)
{
    Config c = image_config("");
    Err err = {0};
    TrainBatch one, four;
    Trainer *t = must_open(&c);
    size_t dims = t->train_network.dims;
    EXPECT(batch_open(&one, 1, dims, &err) && batch_open(&four, 4, dims, &err));
    batch_read_train(t, &four, 30, NULL), batch_diffuse_train(t, &four, 30);
    batch_read_train(t, &one, 32, NULL), batch_diffuse_train(t, &one, 32);
    EXPECT_SAME(one.xt, four.xt + 2 * dims, dims * sizeof(float));
    EXPECT_SAME(one.target, four.target + 2 * dims, dims * sizeof(float));
    EXPECT_SAME(one.t, four.t + 2, sizeof(float));
    /* x_t - sigma eps = alpha x0, and x0 is one of two grey levels. */
    double abar = schedule_alpha_bar(&t->process.schedule, (int)one.t[0]);
    for (size_t i = 0; i < dims; i++) {
        double x0 = ((double)one.xt[i] - sqrt(1 - abar) * (double)one.target[i]) / sqrt(abar);
        if (!EXPECT(fabs(x0 - (220 / 127.5 - 1)) < 1e-4 || fabs(x0 - (10 / 127.5 - 1)) < 1e-4))
            break;
    }
    batch_close(&one);
    batch_close(&four);
}

/* The levels of train.batch samples, made in passes of `size`. */
static void drawn_times(const Config *c, uint64_t first, int size, double *times)
{
    TrainBatch b;
    Err err = {0};
    Trainer *t = must_open(c);
    EXPECT(batch_open(&b, size, t->train_network.dims, &err));
    for (int done = 0; done < c->train.batch; done += size) {
        batch_read_train(t, &b, first + (uint64_t)done, NULL),
            batch_diffuse_train(t, &b, first + (uint64_t)done);
        for (int i = 0; i < size; i++) times[done + i] = (double)b.t[i];
    }
    batch_close(&b);
}

TEST(even_times_take_one_level_from_each_part_of_the_chain_however_the_batch_is_split)
{
    enum { BATCH = 8, PART = 1000 };
    Config c = image_config("");
    set_all(&c, "method.times=even method.steps=8000");
    double whole[BATCH], parts[BATCH], next[BATCH];
    drawn_times(&c, 16, 8, whole);
    drawn_times(&c, 16, 2, parts);
    drawn_times(&c, 24, 8, next);
    EXPECT_SAME(parts, whole, sizeof whole);
    EXPECT(memcmp(next, whole, sizeof whole) != 0);
    int seen = 0;
    for (int i = 0; i < BATCH; i++) {
        EXPECT(whole[i] >= 0 && whole[i] < BATCH * PART);
        seen |= 1 << (int)(whole[i] / PART);
    }
    EXPECT_INT(seen, (1 << BATCH) - 1);
}

TEST(an_even_schedule_trains_and_its_folder_keeps_the_betas)
{
    Config c = image_config("");
    Err err = {0};
    set_all(&c, "method.schedule=logsnr method.logsnr_start=11 method.learn_variance=true "
                "model.input_fourier=[6] method.times=even train.steps=2 train.schedule=constant");
    const char *run = test_path("even");
    if (!must_train(&c, run, false, NULL)) return;
    Model m;
    if (!EXPECT(model_open(&m, run, 0, 0, &err))) return;
    EXPECT_INT(m.config.noise.schedule, SCHEDULE_BETAS);
    EXPECT_INT(m.config.sample.variance, VARIANCE_LEARNED);
    EXPECT_INT(m.config.unet.input_fouriers, 1);
    EXPECT_NEAR(2 * level_logsnr(process_level(&m.process, 0)), 11, 1e-9);
    EXPECT_NEAR(2 * level_logsnr(process_level(&m.process, 49)), -8, 1e-9);
    model_close(&m);
    c.train.steps = 4;
    must_train(&c, run, true, NULL);
    c.train.steps = 4;
    must_train(&c, test_path("straight"), false, NULL);
    expect_same_run(run, test_path("straight"));
}

/* eps has unit variance and a network that starts at zero answers zero. */
TEST(a_fresh_network_has_loss_one)
{
    Config c = image_config("");
    Watch w = {0};
    c.train.steps = 1;
    c.train.batch = 256;
    c.train.micro_batch = 64;
    must_train(&c, test_path("fresh"), false, &w);
    EXPECT_NEAR(w.seen[0].loss, 1, 5 * sqrt(2.0 / (256 * SIDE * SIDE)));
}

TEST(training_lowers_the_loss_on_a_small_set)
{
    Config c = image_config("");
    Watch w = {0};
    c.data.limit = 12;
    c.data.validation = 4;
    c.train.steps = 200;
    c.train.optimizer.lr = 0.005;
    c.train.log_every = 20;
    must_train(&c, test_path("fit"), false, &w);
    EXPECT_INT(w.count, 11);
    EXPECT(w.seen[10].loss < 0.35 * w.seen[0].loss);
}

/* Ten updates in one go equal k updates, a stop, and the rest: weights, moments, EMA and every
 * logged loss, through epoch ends, gradient accumulation, dropout, flips and the cosine. */
TEST(resume_is_bit_exact)
{
    for (int variant = 0; variant < 2; variant++) {
        Config c = image_config("");
        Err err = {0};
        if (variant == 1) {
            c.train.accumulate = 2;
            c.model.unet.dropout = 0.2;
            c.data.flip = true;
            c.method.noise.prediction = PREDICT_V;
            c.method.min_snr_gamma = 5;
            c.train.optimizer.kind = OPTIMIZER_ADAMW;
            c.train.optimizer.weight_decay = 0.01;
        }
        Watch whole = {0};
        const char *straight = test_path(variant ? "straight1" : "straight0");
        must_train(&c, straight, false, &whole);
        for (int stop = 3; stop <= 7; stop += 2) {
            const char *parts = test_path("parts%d-%d", variant, stop);
            Watch first = {.stop_at = stop}, second = {0};
            EXPECT(!train(&c, parts, false, &first, &err));
            EXPECT_INT(err.kind, ERR_INTERRUPTED);
            must_train(&c, parts, true, &second);
            expect_same_run(straight, parts);
            EXPECT_INT(first.count + second.count, whole.count);
            for (int i = 0; i < second.count; i++)
                EXPECT(second.seen[i].loss == whole.seen[first.count + i].loss);
        }
    }
}

/* Lines at 1, 4, 8 and the end; a run that was made longer has the same ones and that of its first
 * end. */
TEST(the_last_step_is_logged_and_changes_no_other_line)
{
    Config c = image_config("");
    c.train.optimizer.schedule = RATE_CONSTANT;
    c.train.log_every = 4;
    Watch whole = {0}, first = {0}, second = {0};
    must_train(&c, test_path("whole"), false, &whole);
    EXPECT_INT(whole.count, 4);
    const char *longer = test_path("longer");
    c.train.steps = 6;
    must_train(&c, longer, false, &first);
    EXPECT_INT(first.count, 3);
    c.train.steps = 10;
    must_train(&c, longer, true, &second);
    EXPECT_INT(second.count, 2);
    EXPECT(second.seen[0].loss == whole.seen[2].loss && second.seen[1].loss == whole.seen[3].loss);
}

/* Each piece of state that a checkpoint holds matters: without it the result is another one. */
TEST(resume_without_any_one_piece_of_state_is_noticed)
{
    Config c = image_config("");
    Err err = {0};
    const char *straight = test_path("straight");
    must_train(&c, straight, false, NULL);
    for (int piece = 0; piece < 5; piece++) {
        const char *run = test_path("without%d", piece);
        Watch first = {.stop_at = 5};
        EXPECT(!train(&c, run, false, &first, &err));
        Trainer *t;
        EXPECT(trainer_open(&t, &c, NULL, &err));
        CheckpointBlocks blocks = {.weights = t->optimizer.weights,
                                   .ema = t->optimizer.ema,
                                   .m = t->optimizer.m,
                                   .v = t->optimizer.v};
        char notes[256];
        Checkpoint newest;
        EXPECT(checkpoint_open_newest(&newest, run, notes, sizeof notes, &err) &&
               checkpoint_read(&newest, &t->table, &blocks, &err));
        t->state = newest.state;
        checkpoint_close(&newest);
        size_t bytes = t->table.block_floats * sizeof(float);
        if (piece == 0) memset(blocks.m, 0, bytes);
        if (piece == 1) memset(blocks.v, 0, bytes);
        if (piece == 2) memcpy(blocks.ema, blocks.weights, bytes);
        if (piece == 3) t->state.samples = 0;
        if (piece == 4) t->state.step = 6;
        EXPECT(checkpoint_save(run, &t->table, &blocks, &t->state, 2, &err));
        trainer_close(t);
        must_train(&c, run, true, NULL);
        EXPECT(!same_state(straight, run));
    }
}

TEST(training_has_the_same_bits_for_any_number_of_threads)
{
    Config c = image_config("");
    c.train.steps = 4;
    expect_threads_change_nothing(&c);
}

/* More passes than blocks of gradients, more threads than passes, and what is left over of both. */
TEST(passes_side_by_side_have_the_same_bits_for_any_number_of_threads)
{
    Config c = image_config("");
    c.train.steps = 3;
    c.train.batch = 9;
    c.train.micro_batch = 1;
    c.model.unet.dropout = 0.1;
    c.train.accumulate = 2;
    expect_threads_change_nothing(&c);
    FOR_THREADS(threads)
    {
        Trainer *t = must_open(&c);
        EXPECT_INT(t->optimizer.gradients.blocks, 8);
        EXPECT_INT(t->train_network.copies, threads);
    }
}

/* The first moment after one update is (1 - beta1) times the gradient. */
TEST(micro_batches_give_the_gradient_of_the_whole_batch)
{
    Config c = image_config("");
    Err err = {0};
    float *gradient[2];
    size_t floats = 0;
    c.train.optimizer.clip = 0;
    for (int k = 0; k < 2; k++) {
        Trainer *t;
        TrainUpdate u;
        c.train.micro_batch = k ? 2 : 8;
        if (!EXPECT(trainer_open(&t, &c, NULL, &err) && trainer_update(t, &u, &err))) return;
        EXPECT_INT(t->train_batch[0].size, c.train.micro_batch);
        floats = t->table.block_floats;
        gradient[k] = test_floats(floats);
        memcpy(gradient[k], t->optimizer.m, floats * sizeof(float));
        trainer_close(t);
    }
    EXPECT_CLOSE(gradient[1], gradient[0], floats, 1e-5);
}

TEST(divergence_stops_with_its_own_error_and_keeps_the_last_good_checkpoint)
{
    Config c = image_config("");
    Err err = {0};
    c.train.optimizer.lr = 1e30;
    c.train.optimizer.clip = 0;
    c.train.optimizer.warmup = 0;
    c.train.optimizer.schedule = RATE_CONSTANT;
    c.train.checkpoint_every = 1;
    c.train.validate = 0;
    const char *run = test_path("diverged");
    EXPECT_REFUSED(train(&c, run, false, NULL, &err), err, ERR_DIVERGED, "last good checkpoint");
    Safetensors st = newest_state(run);
    for (size_t i = 0; i < st.data_bytes / sizeof(float); i++) {
        float value;
        memcpy(&value, st.data + i * sizeof value, sizeof value);
        if (!EXPECT(isfinite(value))) break;
    }
    safetensors_close(&st);
}

TEST(a_run_is_never_overwritten_without_being_asked)
{
    Config c = image_config("");
    Err err = {0};
    c.train.steps = 2;
    const char *run = test_path("kept");
    must_train(&c, run, false, NULL);
    EXPECT_REFUSED(train(&c, run, false, NULL, &err), err, ERR_USAGE, "already holds a run");
    EXPECT_FAILS(train(&c, test_path("absent"), true, NULL, &err), err, "no run to resume");
    c.train.seed = 12;
    EXPECT_FAILS(train(&c, run, true, NULL, &err), err, "train.seed is 11 in the run, but 12 here");
}

TEST(statistics_after_the_checkpoint_are_dropped_on_resume)
{
    Config c = image_config("");
    Err err = {0};
    c.train.log_every = 1;
    Watch first = {.stop_at = 4};
    const char *run = test_path("trim");
    EXPECT(!train(&c, run, false, &first, &err));
    char path[PATH_BYTES];
    EXPECT(path_join(path, run, "stats.jsonl", &err));
    EXPECT(file_append_line(path, "{\"event\":\"step\",\"step\":5,\"loss\":9}", &err));
    EXPECT(file_append_line(path, "{\"event\":\"st", &err));
    must_train(&c, run, true, NULL);
    FileBytes file;
    EXPECT(file_read(path, 1 << 20, &file, &err));
    int steps = 0, bad = 0;
    for (char *line = strtok((char *)file.bytes, "\n"); line; line = strtok(NULL, "\n")) {
        Json *json = json_parse(line, strlen(line), "line", false, &err);
        if (!json) {
            bad++;
            continue;
        }
        if (strcmp(json_string(json_get(json, "event")), "step") == 0)
            EXPECT_INT((long long)json_number(json_get(json, "step")), ++steps);
        json_free(json);
    }
    EXPECT_INT(steps, 10);
    EXPECT_INT(bad, 0);
    file_free(&file);
}

TEST(the_model_folder_holds_the_moving_average_and_samples_like_it)
{
    Config c = image_config("");
    Err err = {0};
    Trainer *t;
    const char *run = test_path("model");
    if (!EXPECT(trainer_open(&t, &c, NULL, &err) && trainer_run(t, run, &err))) return;
    Model m;
    EXPECT_OK(model_open(&m, run, 0, 0, &err), err);
    EXPECT_INT((long long)m.table.parameters, (long long)t->table.parameters);
    EXPECT_SAME(m.weights, t->optimizer.ema, m.table.block_floats * sizeof(float));
    Denoiser whole, alone;
    enum { D = SIDE * SIDE };
    double x[3 * D], eps[3 * D], one[D];
    rng_normals(x, 3 * D, 1, rng_stream(RNG_TEST, 3), 0);
    NoiseLevel level = {.alpha = 0.8, .sigma = 0.6, .t = 20};
    EXPECT(model_prepare(&m, 2, 0, false, &whole, &err) &&
           whole.predict(whole.context, 3, x, &level, 0, eps, &err));
    EXPECT(model_prepare(&m, 1, 0, false, &alone, &err) &&
           alone.predict(alone.context, 1, x + 2 * D, &level, 0, one, &err));
    EXPECT_SAME(one, eps + 2 * D, sizeof one);
    model_close(&m);
    trainer_close(t);
}

TEST(a_configuration_that_cannot_be_built_says_which_value)
{
    Config c = image_config("");
    Err err = {0};
    Trainer *t;
    c.model.attention[0] = 5;
    EXPECT_REFUSED(trainer_open(&t, &c, NULL, &err), err, ERR_USAGE,
                   "no level of this network has height 5");
    c = image_config("");
    c.model.unet.levels = 5;
    for (int i = 0; i < 5; i++) c.model.multipliers[i] = 1;
    EXPECT(!trainer_open(&t, &c, NULL, &err));
    EXPECT_INT(err.kind, ERR_USAGE);
    c = image_config("");
    c.data.path[0] = '\0';
    EXPECT_FAILS(trainer_open(&t, &c, NULL, &err), err, "data.path is missing");
}

TEST(an_unwritable_run_folder_is_one_sentence)
{
    Config c = image_config("");
    Err err = {0};
    EXPECT_REFUSED(train(&c, "/proc/nowhere/run", false, NULL, &err), err, ERR_IO, "/proc/nowhere");
}
