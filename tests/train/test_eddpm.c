/* Runs that learn which steps to keep: training, resume, model folders, starting weights. */
#include "diffusion/sampler.h"
#include "model/model.h"
#include "sample_defaults.h"
#include "train_case.h"

enum { KEEP = 6, STEPS = 50 };

static Config tiny_config(void)
{
    return image_config("model.attention=[] method.type=eddpm method.keep=6 train.steps=40");
}

/* The same on points of the plane. */
static Config points_config(void)
{
    return config_of("data.toy=ring model.width=16 model.layers=2 method.type=eddpm "
                     "method.steps=50 method.keep=6 train.steps=30 train.batch=16 "
                     "train.validate=16 train.log_every=10 sample.count=4",
                     "");
}

TEST(a_run_ends_with_a_model_that_samples_with_as_many_calls_as_it_keeps_steps)
{
    for (MaskAlphas alphas = ALPHAS_MERGED; alphas <= ALPHAS_RESCALED; alphas++) {
        Config c = tiny_config();
        Err err = {0};
        Model m;
        c.method.mask.alphas = alphas;
        const char *run = test_path("run%d", (int)alphas);
        must_train(&c, run, false, NULL);
        if (!EXPECT_OK(model_open(&m, run, 0, 0, &err), err)) return;
        EXPECT(m.config.method == METHOD_EDDPM && m.config.alphas == alphas);
        EXPECT_INT(m.config.noise.T, STEPS);
        EXPECT_INT(m.config.kept_count, KEEP);
        EXPECT_INT(m.config.warning_count, 0);
        EXPECT_INT(m.process.T, KEEP);
        if (alphas == ALPHAS_MERGED) EXPECT_INT(m.config.kept[KEEP - 1], STEPS - 1);
        static const char *const samplers_of_steps[] = {"ddpm", "ddim"};
        for (int i = 0; i < 2; i++) {
            const Sampler *sampler = sampler_find(samplers_of_steps[i]);
            SampleRun sample;
            LevelGrid grid;
            Denoiser denoiser;
            sample_run_defaults(&sample);
            sample.process = &m.process;
            sample.grid = &grid;
            double x[SIDE * SIDE], scratch[SAMPLER_SCRATCH * SIDE * SIDE];
            SeedNoise seeds = {.first_seed = 1};
            NoiseSource noise = seed_noise(&seeds);
            EXPECT(sampler_grid(sampler, &sample, SPACING_AUTO, 0, &grid, &err) &&
                   model_prepare(&m, 1, 0, false, &denoiser, &err) &&
                   sampler_run(sampler, &sample, &denoiser, &noise, 1, x, scratch, &err));
            EXPECT_INT(sample.network_calls, KEEP);
            for (int k = 0; k < KEEP; k++) EXPECT(grid.level[k].t == m.config.kept[KEEP - 1 - k]);
            level_grid_free(&grid);
        }
        FileBytes index = content(run, "model/model_index.json");
        EXPECT_CONTAINS((const char *)index.bytes,
                        alphas == ALPHAS_MERGED ? "\"DDPMScheduler\"" : "\"DiffcEddpmScheduler\"");
        file_free(&index);
        model_close(&m);
    }
}

TEST(the_algorithm_of_the_paper_moves_scores_from_the_first_update_and_ends_with_their_sum_at_keep)
{
    Config c = tiny_config();
    Err err = {0};
    Model m;
    set_all(&c, "method.recipe=paper train.log_every=1 train.steps=101");
    const char *run = test_path("paper");
    must_train(&c, run, false, NULL);
    /* One mask of all steps: each score moves by the step size times the loss. */
    double loss = logged(run, "step", 1, "\"loss\":");
    EXPECT_NEAR(logged(run, "step", 1, "\"scores_sum\":"),
                STEPS * (1 - mask_recipes[RECIPE_PAPER].rate * loss), 1e-9);
    EXPECT_NEAR(logged(run, "step", 101, "\"scores_sum\":"), KEEP, 1e-9);
    if (!EXPECT(model_open(&m, run, 0, 0, &err))) return;
    EXPECT_INT(m.config.kept_count, KEEP);
    EXPECT(m.config.alphas == ALPHAS_LITERAL);
    model_close(&m);
}

/* Before, in and after the ramp, and where the steps are fixed. */
TEST(resume_is_bit_exact_at_every_stage)
{
    Config c = tiny_config();
    Err err = {0};
    const char *straight = test_path("straight");
    must_train(&c, straight, false, NULL);
    static const int stops[] = {4, 13, 26, 28, 35};
    for (int i = 0; i < 5; i++) {
        const char *parts = test_path("parts%d", stops[i]);
        Watch first = {.stop_at = stops[i]};
        EXPECT(!train(&c, parts, false, &first, &err));
        EXPECT_INT(err.kind, ERR_INTERRUPTED);
        must_train(&c, parts, true, NULL);
        expect_same_run(straight, parts);
    }
}

TEST(the_statistics_tell_how_the_scores_settle)
{
    Config c = tiny_config();
    c.train.log_every = 1;
    const char *run = test_path("stats");
    must_train(&c, run, false, NULL);
    FileBytes log = content(run, "stats.jsonl");
    const char *lines = (const char *)log.bytes;
    EXPECT_CONTAINS(lines, "\"scores_sum\":50,\"scores_entropy\":0,\"mask_steps\":50");
    EXPECT_CONTAINS(lines, "\"scores_sum\":6,\"scores_entropy\":0,\"mask_steps\":6");
    /* A curve after each of the 40 updates; a place is a step here. */
    EXPECT_CONTAINS(lines, "{\"event\":\"scores\",\"step\":1,\"means\":[1,1,1,");
    const char *last = strstr(lines, "{\"event\":\"scores\",\"step\":40,\"means\":[");
    if (!EXPECT(last != NULL)) return;
    int kept = 0;
    for (const char *at = strchr(last, '['); *at != ']'; at++) kept += *at == '1';
    EXPECT_INT(kept, KEEP);
    file_free(&log);
}

TEST(a_run_of_masks_has_the_same_bits_for_any_number_of_threads)
{
    Config c = tiny_config();
    c.train.steps = 12;
    expect_threads_change_nothing(&c);
}

TEST(images_are_shared_out_among_the_masks)
{
    Config c = tiny_config();
    Err err = {0};
    Trainer *t = must_open(&c);
    MaskLearner *l = &t->masks.learner;
    for (int step = 0; step < STEPS - 1; step++) l->s[step] = 0.3;
    t->state.samples = 80;
    EXPECT(mask_learner_draw(t->learner, progress_of(t), t->state.samples, &err));
    for (uint64_t i = 0; i < 8; i++) {
        const Mask *mask = &l->masks[i % 4];
        NoiseLevel level = mask_learner_level(l, 80 + i);
        EXPECT_INT(mask->m[(int)level.t], 1);
    }
    batch_read_train(t, &t->train_batch[0], 84, NULL),
        batch_diffuse_train(t, &t->train_batch[0], 84);
    for (int i = 0; i < 4; i++)
        EXPECT((double)t->train_batch[0].t[i] == mask_learner_level(l, 84 + (uint64_t)i).t);
}

/* The error that the bound is made of, against the definition: a network that answers zero predicts
 * x0 = x / alpha, clipped. */
TEST(the_measured_error_is_that_of_the_clipped_prediction)
{
    Config c = tiny_config();
    Err err = {0};
    Trainer *t = must_open(&c);
    TrainBatch *b = &t->train_batch[0];
    EXPECT(mask_learner_draw(t->learner, progress_of(t), t->state.samples, &err));
    batch_read_train(t, b, 0, NULL), batch_diffuse_train(t, b, 0);
    memset(t->optimizer.weights, 0, t->table.block_floats * sizeof(float));
    batch_train(t, &t->train_network, b, 0, gradient_tree_block(&t->optimizer.gradients, 0), 1);
    ImageLoss losses[64];
    for (int i = 0; i < b->size && i < 64; i++) losses[i] = image_loss(b, i);
    masks_observe(t, losses, b->size, 0);
    StepErrors expected = t->masks.learner.errors;
    step_errors_open(&expected, expected.low, expected.high);
    for (int i = 0; i < b->size; i++) {
        NoiseLevel level = mask_learner_level(&t->masks.learner, (uint64_t)i);
        double sum = 0;
        for (size_t k = (size_t)i * b->dims; k < ((size_t)i + 1) * b->dims; k++) {
            double x = (double)b->xt[k], guess = fmin(fmax(x / level.alpha, -1), 1);
            double x0 = (x - level.sigma * (double)b->noise[k]) / level.alpha;
            sum += (x0 - guess) * (x0 - guess);
        }
        step_errors_add(&expected, level, sum / (double)b->dims);
    }
    for (int i = 0; i < ERROR_PLACES; i++)
        EXPECT_NEAR(t->masks.learner.errors.error.sum[i], expected.error.sum[i],
                    1e-9 * (1 + expected.error.sum[i]));
}

TEST(a_checkpoint_of_another_method_is_refused)
{
    Config c = tiny_config();
    Err err = {0};
    const char *run = test_path("other");
    Watch w = {.stop_at = 5};
    EXPECT(!train(&c, run, false, &w, &err));
    c.method.type = METHOD_DDPM;
    Config standard;
    config_defaults(&standard);
    c.method.mask.keep = standard.method.mask.keep;
    EXPECT_REFUSED(train(&c, run, true, NULL, &err), err, ERR_USAGE,
                   "method.type is \"eddpm\" in the run, but \"ddpm\" here");
}

TEST(scores_that_no_run_writes_are_refused_and_stay_where_they_are)
{
    Config c = tiny_config();
    Err err = {0};
    Trainer *t;
    char path[PATH_BYTES];
    const char *run = test_path("scores");
    Watch w = {.stop_at = 5};
    EXPECT(!train(&c, run, false, &w, &err));
    if (!EXPECT(trainer_open(&t, &c, NULL, &err))) return;
    t->masks.learner.s[3] = 7;
    t->state.step = 6;
    snprintf(t->run, sizeof t->run, "%s", run);
    EXPECT(run_save_checkpoint(t, &err));
    trainer_close(t);
    EXPECT_REFUSED(train(&c, run, true, NULL, &err), err, ERR_FORMAT, run);
    EXPECT_CONTAINS(err.text, "the scores in its newest checkpoint must be finite");
    for (int step = 5; step <= 6; step++) {
        char name[64];
        snprintf(name, sizeof name, "checkpoints/step-%08d.safetensors", step);
        EXPECT(path_join(path, run, name, &err) && path_exists(path));
    }
}

TEST(a_run_starts_from_the_weights_of_a_trained_model)
{
    Config c = tiny_config(), ddpm = tiny_config(), standard;
    Err err = {0};
    config_defaults(&standard);
    ddpm.method.type = METHOD_DDPM;
    ddpm.method.mask.keep = standard.method.mask.keep;
    ddpm.train.steps = 5;
    const char *trained = test_path("trained");
    must_train(&ddpm, trained, false, NULL);
    snprintf(c.train.init, sizeof c.train.init, "%s", trained);
    Trainer *t;
    Model m;
    EXPECT(trainer_open(&t, &c, NULL, &err) && init_weights(t, &err));
    EXPECT(model_open(&m, trained, 0, 0, &err));
    EXPECT_SAME(t->optimizer.weights, m.weights, m.table.block_floats * sizeof(float));
    EXPECT_SAME(t->optimizer.ema, m.weights, m.table.block_floats * sizeof(float));
    model_close(&m);
    trainer_close(t);
    must_train(&c, test_path("from"), false, NULL);
    /* Another noise, another network, no model. */
    Config wrong = c;
    wrong.method.noise.beta_end = 0.03;
    EXPECT_FAILS(train(&wrong, test_path("noise"), false, NULL, &err), err,
                 "method.beta_end is 0.02 there, but 0.03 here");
    wrong = c;
    wrong.method.noise.prediction = PREDICT_V;
    EXPECT_FAILS(train(&wrong, test_path("v"), false, NULL, &err), err,
                 "method.prediction is \"eps\" there, but \"v\" here");
    wrong = c;
    wrong.model.channels = 16;
    EXPECT_FAILS(train(&wrong, test_path("wide"), false, NULL, &err), err, "another network");
    wrong = c;
    snprintf(wrong.train.init, sizeof wrong.train.init, "%s/nowhere", test_folder());
    const char *none = test_path("none");
    EXPECT_FAILS(train(&wrong, none, false, NULL, &err), err, "no such run or model folder");
    EXPECT(!path_exists(none));
}

TEST(points_keep_steps_as_images_do)
{
    Config c = points_config();
    Err err = {0};
    const char *first = test_path("points");
    must_train(&c, first, false, NULL);
    snprintf(c.train.init, sizeof c.train.init, "%s", first);
    c.method.mask.alphas = ALPHAS_RESCALED;
    const char *second = test_path("points2");
    must_train(&c, second, false, NULL);
    for (int i = 0; i < 2; i++) {
        Model m;
        if (!EXPECT_OK(model_open(&m, i ? second : first, 0, 0, &err), err)) return;
        EXPECT(m.config.network == NETWORK_MLP && m.config.method == METHOD_EDDPM);
        EXPECT(m.config.alphas == (i ? ALPHAS_RESCALED : ALPHAS_MERGED));
        EXPECT_INT(m.process.T, KEEP);
        model_close(&m);
    }
    c.model.mlp.width = 32;
    EXPECT_FAILS(train(&c, test_path("points3"), false, NULL, &err), err, "another network");
    Config other = tiny_config();
    snprintf(other.train.init, sizeof other.train.init, "%s", first);
    EXPECT_FAILS(train(&other, test_path("images"), false, NULL, &err), err,
                 "the model gives points, which have no size");
}

static bool read_scheduler(const char *text, ModelConfig *m, Err *err)
{
    char folder[PATH_BYTES], path[PATH_BYTES];
    static const char unet[] =
        "{\"_class_name\":\"UNet2DModel\",\"sample_size\":8,\"in_channels\":1,\"out_channels\":1,"
        "\"block_out_channels\":[32],\"down_block_types\":[\"DownBlock2D\"],"
        "\"up_block_types\":[\"UpBlock2D\"],\"norm_num_groups\":8}";
    return path_join(folder, test_folder(), "m", err) && folder_make(folder, err) &&
           path_join(path, folder, "config.json", err) &&
           file_write(path, unet, sizeof unet - 1, err) &&
           path_join(path, folder, "scheduler_config.json", err) &&
           file_write(path, text, strlen(text), err) && model_folder_read_config(folder, m, err);
}

TEST(kept_steps_of_a_damaged_model_are_refused_in_a_sentence)
{
#define DDPM "{\"_class_name\":\"DDPMScheduler\",\"num_train_timesteps\":10,"
    static const struct {
        const char *text, *says;
    } cases[] = {
        {DDPM "\"kept_timesteps\":[0,3,9]}", NULL},
        {DDPM "\"kept_timesteps\":[0,3,9],\"masked_alphas\":\"literal\"}", NULL},
        {DDPM "\"kept_timesteps\":[]}", "kept_timesteps must be a list of 1 to"},
        {DDPM "\"kept_timesteps\":3}", "kept_timesteps must be a list of 1 to"},
        {DDPM "\"kept_timesteps\":[0,1,2,3,4,5,6,7,8,9,9]}", "(10) integers"},
        {DDPM "\"kept_timesteps\":[3,3]}", "kept_timesteps must be an integer in 4..9, got 3"},
        {DDPM "\"kept_timesteps\":[3,10]}", "kept_timesteps must be an integer in 4..9, got 10"},
        {DDPM "\"kept_timesteps\":[-1]}", "kept_timesteps must be an integer in 0..9"},
        {DDPM "\"kept_timesteps\":[0.5]}", "kept_timesteps must be an integer in 0..9"},
        {DDPM "\"kept_timesteps\":[3],\"masked_alphas\":\"half\"}", "merged, literal and rescaled"},
        {DDPM "\"kept_timesteps\":[3],\"masked_alphas\":1}", "masked_alphas must be a string"},
        {"{\"_class_name\":\"DiffcEddpmScheduler\"}", "has no kept_timesteps"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ModelConfig m;
        Err err = {0};
        bool ok = read_scheduler(cases[i].text, &m, &err);
        EXPECT(ok == (cases[i].says == NULL));
        if (cases[i].says) {
            EXPECT_CONTAINS(err.text, cases[i].says);
            continue;
        }
        EXPECT(m.method == METHOD_EDDPM && m.kept_count == 3 && m.kept[2] == 9);
        EXPECT_INT(m.warning_count, 0);
        model_config_free(&m);
    }
}
