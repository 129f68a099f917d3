/* Training a classification diffusion model from a configuration to a folder, and using it. */
#include "diffusion/noise_classes.h"
#include "diffusion/sampler.h"
#include "methods/method.h"
#include "model/model.h"
#include "sample_defaults.h"
#include "train_case.h"

enum { DIMS = SIDE * SIDE, STEPS = 20 };

static Config tiny_config(void)
{
    return image_config("method.type=cdm method.steps=20 method.beta_end=0.4 train.steps=6 "
                        "train.warmup=2 train.schedule=constant train.log_every=1");
}

TEST(batches_hold_every_level_and_clean_images_are_continuous)
{
    enum { SIZE = 256 };
    Config c = tiny_config();
    Err err = {0};
    for (int dequantise = 0; dequantise < 2; dequantise++) {
        TrainBatch b;
        c.method.dequantise = dequantise;
        Trainer *t = must_open(&c);
        EXPECT(batch_open(&b, SIZE, DIMS, &err));
        batch_read_train(t, &b, 0, NULL), batch_diffuse_train(t, &b, 0);
        int seen[STEPS + 2] = {0};
        double off = 0;
        for (int i = 0; i < SIZE; i++) {
            NoiseLevel l = cdm_level(&t->process, b.classes[i]);
            const float *x = b.xt + i * DIMS, *eps = b.target + i * DIMS;
            EXPECT(b.sigma[i] == (float)l.sigma);
            seen[b.classes[i]]++;
            for (int k = 0; k < DIMS; k++) {
                if (b.classes[i] == STEPS + 1 && !EXPECT(x[k] == eps[k])) break;
                if (b.classes[i] > 0) continue;
                /* Level 10 or 220 of 256, as it stands or somewhere in its own width. */
                double pixel = ((double)x[k] + 1) * (dequantise ? 128 : 127.5);
                double into = pixel - (pixel > 100 ? 220 : 10);
                off = test_larger(off, into);
                EXPECT(into > -1e-4 && into < (dequantise ? 1.0001 : 1e-4));
            }
        }
        for (int k = 0; k < STEPS + 2; k++) EXPECT(seen[k] > 1 && seen[k] < 40);
        EXPECT(dequantise ? off > 0.9 : off < 1e-4);
        batch_close(&b);
    }
}

TEST(training_lowers_both_losses_and_the_log_tells_them)
{
    Config c = tiny_config();
    Err err = {0};
    double loss[2], ce[2], mse[2];
    c.train.steps = 60;
    c.train.optimizer.ema = 0;
    c.method.ce_weight = 0.05;
    for (int k = 0; k < 2; k++) {
        Config now = c;
        if (k == 0) now.train.steps = 1, now.train.optimizer.lr = 1e-9;
        Trainer *t = must_open(&now);
        const char *run = test_path(k ? "long" : "short");
        EXPECT_OK(trainer_run(t, run, &err), err);
        loss[k] = logged(run, "validation", (int)now.train.steps, "\"loss\":");
        ce[k] = logged(run, "validation", (int)now.train.steps, "\"cross_entropy\":");
        mse[k] = logged(run, "validation", (int)now.train.steps, "\"squared_error\":");
        EXPECT_NEAR(loss[k], 0.05 * ce[k] + mse[k], 1e-4);
    }
    EXPECT(ce[1] < ce[0] - 0.2);
    EXPECT(mse[1] < 0.8 * mse[0]);
}

/* A network of zeros gives no gradient and even odds: eps_hat = sigma x, cross-entropy ln(classes). */
typedef struct {
    double ce, mse;
    int clean, noisy;
} Means;

static Means means_of_a_zero_network(const TrainBatch *b, int images, int classes)
{
    Means m = {.ce = log(classes)};
    for (int i = 0; i < images; i++) {
        const float *x = b->xt + (size_t)i * DIMS, *eps = b->target + (size_t)i * DIMS;
        double sigma = (double)b->sigma[i];
        if (b->classes[i] == 0) {
            m.clean++;
            continue;
        }
        m.noisy++;
        for (int k = 0; k < DIMS; k++)
            m.mse += pow(sigma * (double)x[k] - (double)eps[k], 2) / DIMS;
    }
    m.mse /= m.noisy;
    return m;
}

TEST(the_mean_squared_error_is_over_images_with_noise_in_training_and_validation)
{
    enum { CLASSES = 4, IMAGES = 8 };
    Config c = tiny_config();
    Err err = {0};
    c.method.noise.T = CLASSES - 2;
    c.method.noise.beta_end = 0.9;
    c.method.ce_weight = 0.25;
    c.method.mse_weight = 2;
    c.train.steps = 1;
    c.train.optimizer.lr = 1e-30;
    Trainer *t = must_open(&c);
    memset(t->optimizer.weights, 0, t->table.block_floats * sizeof(float));
    memset(t->optimizer.ema, 0, t->table.block_floats * sizeof(float));
    TrainBatch b;
    EXPECT(batch_open(&b, IMAGES, DIMS, &err));
    batch_read_train(t, &b, 0, NULL), batch_diffuse_train(t, &b, 0);
    Means trained = means_of_a_zero_network(&b, IMAGES, CLASSES);
    batch_fill_validation(t, &b, 0, IMAGES, NULL);
    Means held_out = means_of_a_zero_network(&b, IMAGES, CLASSES);
    EXPECT(trained.clean > 0 && trained.noisy > 0);
    EXPECT_INT(held_out.clean, 2);
    const char *run = test_path("zeros");
    EXPECT_OK(trainer_run(t, run, &err), err);
    EXPECT_NEAR(logged(run, "step", 1, "\"loss\":"), 0.25 * trained.ce + 2 * trained.mse, 1e-5);
    EXPECT_NEAR(logged(run, "validation", 1, "\"cross_entropy\":"), held_out.ce, 1e-5);
    EXPECT_NEAR(logged(run, "validation", 1, "\"squared_error\":"), held_out.mse, 1e-5);
    EXPECT_NEAR(logged(run, "validation", 1, "\"loss\":"), 0.25 * held_out.ce + 2 * held_out.mse,
                1e-5);
    batch_close(&b);
}

TEST(an_update_of_clean_images_alone_has_the_cross_entropy_as_its_loss)
{
    Config c = tiny_config();
    c.method.ce_weight = 0.25;
    Trainer *t = must_open(&c);
    LossSum sum = {.part = {6}, .images = 3};
    EXPECT_NEAR(loss_sum_mean(&sum, t), 0.5, 0);
}

TEST(so_few_levels_that_clean_is_a_tenth_below_the_first_are_validated_too)
{
    Config c = tiny_config();
    c.method.noise.T = 2;
    c.method.noise.beta_end = 0.9;
    c.train.steps = 2;
    const char *run = test_path("few");
    if (!must_train(&c, run, false, NULL)) return;
    int images = 0;
    const char *at = strstr(log_line(run, "validation", 2), "\"levels\"");
    while (at && (at = strstr(at, "\"images\":")) != NULL) images += atoi(at += 9);
    EXPECT_INT(images, 8);
}

TEST(resume_and_threads_change_no_bit)
{
    Config c = tiny_config(), half = c;
    c.model.unet.dropout = half.model.unet.dropout = 0.1;
    half.train.steps = 3;
    const char *straight = test_path("straight"), *halves = test_path("halves");
    must_train(&c, straight, false, NULL);
    must_train(&half, halves, false, NULL);
    must_train(&c, halves, true, NULL);
    expect_same_run(straight, halves);
    expect_threads_change_nothing(&c);
}

TEST(the_folder_has_classes_of_its_own_and_reads_back_to_a_model_that_every_sampler_serves)
{
    Config c = tiny_config();
    Err err = {0};
    c.method.noise.schedule = SCHEDULE_UNIF;
    c.method.noise.beta_end = 0.02; /* the default: nobody reads it */
    c.model.unet.classifier_channels = 12;
    const char *run = test_path("folder");
    if (!must_train(&c, run, false, NULL)) return;
    static const struct {
        const char *file, *text;
    } says[] = {{"model/model_index.json", "\"_class_name\": \"DiffcCdmPipeline\""},
                {"model/model_index.json", "\"diffc\",\n    \"DiffcCdmScheduler\"\n"},
                {"model/model_index.json", "\"diffc\",\n    \"DiffcCdmUNet\"\n"},
                {"model/unet/config.json", "\"_class_name\": \"DiffcCdmUNet\""},
                {"model/unet/config.json", "\"classifier_channels\": 12"},
                {"model/unet/config.json", "\"noise_classes\": 22"},
                {"model/scheduler/scheduler_config.json", "\"_class_name\": \"DiffcCdmScheduler\""},
                {"model/scheduler/scheduler_config.json", "\"beta_schedule\": \"unif\""},
                {"model/scheduler/scheduler_config.json", "\"dequantised\": true"}};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        FileBytes file = content(run, says[i].file);
        EXPECT_CONTAINS((const char *)file.bytes, says[i].text);
        EXPECT(!strstr((const char *)file.bytes, "time_embedding"));
        file_free(&file);
    }
    Model m;
    if (!EXPECT(model_open(&m, run, 0, 0, &err))) return;
    EXPECT_INT(m.config.warning_count, 0);
    EXPECT(m.config.method == METHOD_CDM && m.config.dequantised && m.process.T == STEPS);
    EXPECT(m.config.noise.schedule == SCHEDULE_UNIF && m.config.unet.noise_classes == STEPS + 2);
    for (const Sampler *s = samplers; s->name; s++) {
        enum { COUNT = 3, CALLS = 8 };
        Denoiser d;
        LevelGrid grid = {0};
        SampleRun sample;
        static double x[COUNT * DIMS], scratch[COUNT * DIMS * SAMPLER_SCRATCH];
        sample_run_defaults(&sample);
        sample.process = &m.process;
        sample.config.langevin_steps = 1;
        sample.config.tolerance = 1e-2;
        SeedNoise seeds = {.first_seed = 5};
        NoiseSource noise = seed_noise(&seeds);
        bool ok = EXPECT(model_prepare(&m, 2, -1, false, &d, &err)) &&
                  EXPECT(sampler_grid(s, &sample, SPACING_AUTO, s->reads & SAMPLE_ODE ? 0 : CALLS,
                                      &grid, &err));
        sample.grid = &grid;
        ok = ok && EXPECT(sampler_run(s, &sample, &d, &noise, COUNT, x, scratch, &err));
        if (!ok) printf("  %s: %s\n", s->name, err.text);
        for (int i = 0; i < COUNT * DIMS && ok; i++) ok = EXPECT(isfinite(x[i]));
        level_grid_free(&grid);
    }
    model_close(&m);
}

TEST(a_folder_whose_parts_do_not_belong_together_is_refused)
{
    static const struct {
        const char *unet, *scheduler, *part;
    } cases[] = {
        {"{\"_class_name\":\"DiffcCdmUNet\",\"noise_classes\":1002}",
         "{\"_class_name\":\"DDPMScheduler\"}", "DiffcCdmUNet goes with DiffcCdmScheduler only"},
        {"{\"_class_name\":\"UNet2DModel\"}", "{\"_class_name\":\"DiffcCdmScheduler\"}",
         "DiffcCdmUNet goes with DiffcCdmScheduler only"},
        {"{\"_class_name\":\"DiffcCdmUNet\",\"noise_classes\":1001}",
         "{\"_class_name\":\"DiffcCdmScheduler\"}",
         "noise_classes is 1001, but a classifier of num_train_timesteps 1000 has 1002"},
        {"{\"_class_name\":\"DiffcCdmUNet\"}", "{\"_class_name\":\"DiffcCdmScheduler\"}",
         "DiffcCdmUNet, which must say noise_classes"},
        {"{\"_class_name\":\"UNet2DModel\",\"noise_classes\":1002}",
         "{\"_class_name\":\"DDPMScheduler\"}", "UNet2DModel, which has no noise_classes"},
        {"{\"_class_name\":\"DiffcCdmUNet\",\"noise_classes\":1002}",
         "{\"_class_name\":\"DiffcCdmScheduler\",\"dequantised\":1}",
         "dequantised must be true or false"},
        {"{\"_class_name\":\"DiffcCdmUNet\",\"noise_classes\":1002}",
         "{\"_class_name\":\"DiffcCdmScheduler\",\"kept_timesteps\":[0,9]}",
         "because a cdm uses all its levels"},
        {"{\"_class_name\":\"UNet2DModel\"}",
         "{\"_class_name\":\"DDPMScheduler\",\"beta_schedule\":\"unif\"}",
         "beta_schedule is \"unif\""},
        {"{\"_class_name\":\"DiffcCdmUNet\",\"noise_classes\":1002}",
         "{\"_class_name\":\"DiffcCdmScheduler\"}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ModelConfig m;
        Err err = {0};
        const char *folder = test_path(i % 2 ? "odd" : "even");
        put_file(folder, "unet", "config.json", cases[i].unet);
        put_file(folder, "scheduler", "scheduler_config.json", cases[i].scheduler);
        bool ok = model_folder_read_config(folder, &m, &err);
        EXPECT(ok == (cases[i].part == NULL));
        if (ok)
            model_config_free(&m);
        else if (cases[i].part)
            EXPECT_CONTAINS(err.text, cases[i].part);
    }
}
