/* Training a classification diffusion model from a configuration to a folder, and using it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "diffusion/cdm.h"
#include "diffusion/sampler.h"
#include "model/cdm_network.h"
#include "model/model.h"
#include "test.h"
#include "train/train_internal.h"

enum { SIDE = 8, DIMS = SIDE * SIDE, STEPS = 20 };

/* An IDX file of n images: a bright square on dark ground, placed by the number. */
static void make_data(const char *path, int n)
{
    size_t size = 16 + (size_t)n * DIMS;
    unsigned char *bytes = calloc(size, 1);
    bytes[2] = 8;
    bytes[3] = 3;
    bytes[7] = (unsigned char)n;
    bytes[11] = bytes[15] = SIDE;
    for (int i = 0; i < n * DIMS; i++) {
        int image = i / DIMS, y = i % DIMS / SIDE, x = i % SIDE;
        bool inside =
            y - image % 5 >= 0 && y - image % 5 < 4 && x - image % 3 >= 1 && x - image % 3 < 5;
        bytes[16 + i] = inside ? 220 : 10;
    }
    Err err = {0};
    if (!file_write(path, bytes, size, &err)) abort();
    free(bytes);
}

static Config tiny_config(void)
{
    Config c;
    Err err = {0};
    config_defaults(&c);
    snprintf(c.data.path, sizeof c.data.path, "%s/images-idx3-ubyte", test_folder());
    if (!path_exists(c.data.path)) make_data(c.data.path, 40);
    static const char *const settings[] = {
        "data.validation=8", "model.channels=8", "model.multipliers=[1,2]",  "model.attention=[4]",
        "model.groups=4",    "method.type=cdm",  "method.steps=20",          "method.beta_end=0.4",
        "train.steps=6",     "train.batch=8",    "train.micro_batch=4",      "train.warmup=2",
        "train.lr=0.002",    "train.validate=8", "train.checkpoint_every=0", "train.log_every=1",
        "sample.count=4",    "train.seed=11"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (!EXPECT(config_set(&c, settings[i], &err))) printf("%s\n", err.text);
    return c;
}

static bool train(const Config *c, const char *run, bool resume, Err *err)
{
    Trainer *t;
    if (!(resume ? trainer_resume(&t, run, c, NULL, err) : trainer_open(&t, c, NULL, err)))
        return false;
    bool ok = trainer_run(t, resume ? NULL : run, err);
    trainer_close(t);
    if (!ok) printf("  %s\n", err->text);
    return ok;
}

static bool same_file(const char *a, const char *b, const char *name)
{
    char path[PATH_BYTES];
    FileBytes x, y;
    Err err = {0};
    bool ok = path_join(path, a, name, &err) && file_read(path, 1 << 24, &x, &err);
    ok = ok && path_join(path, b, name, &err) && file_read(path, 1 << 24, &y, &err);
    if (!EXPECT(ok)) return false;
    bool same = x.size == y.size && memcmp(x.bytes, y.bytes, x.size) == 0;
    file_free(&x);
    file_free(&y);
    return same;
}

static const char weights_file[] = "model/unet/diffusion_pytorch_model.safetensors";

TEST(batches_hold_every_level_and_clean_images_are_continuous)
{
    enum { SIZE = 256 };
    Config c = tiny_config();
    Err err = {0};
    for (int dequantise = 0; dequantise < 2; dequantise++) {
        Trainer *t;
        TrainBatch b;
        c.method.dequantise = dequantise;
        if (!EXPECT(trainer_open(&t, &c, NULL, &err))) return;
        EXPECT(batch_open(&b, SIZE, DIMS, &err));
        batch_read_train(t, &b, 0), batch_diffuse_train(t, &b, 0);
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
        trainer_close(t);
    }
}

TEST(training_lowers_both_losses_and_the_log_tells_them)
{
    Config c = tiny_config();
    Err err = {0};
    double loss[2], ce[2], mse[2];
    c.train.steps = 60;
    c.train.ema = 0;
    c.method.ce_weight = 0.05;
    for (int k = 0; k < 2; k++) {
        Trainer *t;
        Config now = c;
        if (k == 0) now.train.steps = 1, now.train.lr = 1e-9;
        if (!EXPECT(trainer_open(&t, &now, NULL, &err))) return;
        const char *run = test_path(k ? "long" : "short");
        if (!EXPECT(trainer_run(t, run, &err))) printf("  %s\n", err.text);
        char path[PATH_BYTES];
        FileBytes log;
        EXPECT(path_join(path, run, "stats.jsonl", &err) && file_read(path, 1 << 20, &log, &err));
        const char *line = strstr((const char *)log.bytes, "\"validation\"");
        const char *first = line ? strstr(line, "\"cross_entropy\":") : NULL;
        const char *second = line ? strstr(line, "\"squared_error\":") : NULL;
        const char *sum = line ? strstr(line, "\"loss\":") : NULL;
        if (!EXPECT(first && second && sum)) return;
        loss[k] = strtod(sum + 7, NULL);
        ce[k] = strtod(first + 16, NULL);
        mse[k] = strtod(second + 16, NULL);
        file_free(&log);
        EXPECT_NEAR(loss[k], 0.05 * ce[k] + mse[k], 1e-4);
        trainer_close(t);
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

static double number_after(const char *line, const char *key)
{
    const char *at = line ? strstr(line, key) : NULL;
    return at ? strtod(at + strlen(key), NULL) : (double)NAN;
}

TEST(the_mean_squared_error_is_over_images_with_noise_in_training_and_validation)
{
    enum { CLASSES = 4, IMAGES = 8 };
    Config c = tiny_config();
    Err err = {0};
    Trainer *t;
    c.method.steps = CLASSES - 2;
    c.method.beta_end = 0.9;
    c.method.ce_weight = 0.25;
    c.method.mse_weight = 2;
    c.train.steps = 1;
    c.train.lr = 1e-30;
    if (!EXPECT(trainer_open(&t, &c, NULL, &err))) return;
    memset(t->optimizer.weights, 0, t->table.block_floats * sizeof(float));
    memset(t->optimizer.ema, 0, t->table.block_floats * sizeof(float));
    TrainBatch b;
    EXPECT(batch_open(&b, IMAGES, DIMS, &err));
    batch_read_train(t, &b, 0), batch_diffuse_train(t, &b, 0);
    Means trained = means_of_a_zero_network(&b, IMAGES, CLASSES);
    batch_fill_validation(t, &b, 0, IMAGES);
    Means held_out = means_of_a_zero_network(&b, IMAGES, CLASSES);
    EXPECT(trained.clean > 0 && trained.noisy > 0);
    EXPECT_INT(held_out.clean, 2);
    const char *run = test_path("zeros");
    char path[PATH_BYTES];
    FileBytes log = {0};
    if (!EXPECT(trainer_run(t, run, &err))) printf("  %s\n", err.text);
    EXPECT(path_join(path, run, "stats.jsonl", &err) && file_read(path, 1 << 20, &log, &err));
    const char *step = strstr((const char *)log.bytes, "\"event\":\"step\"");
    const char *line = strstr((const char *)log.bytes, "\"validation\"");
    EXPECT_NEAR(number_after(step, "\"loss\":"), 0.25 * trained.ce + 2 * trained.mse, 1e-5);
    EXPECT_NEAR(number_after(line, "\"cross_entropy\":"), held_out.ce, 1e-5);
    EXPECT_NEAR(number_after(line, "\"squared_error\":"), held_out.mse, 1e-5);
    EXPECT_NEAR(number_after(line, "\"loss\":"), 0.25 * held_out.ce + 2 * held_out.mse, 1e-5);
    file_free(&log);
    batch_close(&b);
    trainer_close(t);
}

TEST(an_update_of_clean_images_alone_has_the_cross_entropy_as_its_loss)
{
    Config c = tiny_config();
    Err err = {0};
    Trainer *t;
    c.method.ce_weight = 0.25;
    if (!EXPECT(trainer_open(&t, &c, NULL, &err))) return;
    LossSum sum = {.ce = 6, .images = 3};
    EXPECT_NEAR(loss_sum_mean(&sum, t), 0.5, 0);
    trainer_close(t);
}

TEST(so_few_levels_that_clean_is_a_tenth_below_the_first_are_validated_too)
{
    Config c = tiny_config();
    Err err = {0};
    c.method.steps = 2;
    c.method.beta_end = 0.9;
    c.train.steps = 2;
    const char *run = test_path("few");
    if (!EXPECT(train(&c, run, false, &err))) return;
    char path[PATH_BYTES];
    FileBytes log;
    EXPECT(path_join(path, run, "stats.jsonl", &err) && file_read(path, 1 << 20, &log, &err));
    const char *line = strstr((const char *)log.bytes, "\"validation\"");
    int images = 0;
    if (EXPECT(line != NULL)) {
        const char *end = strchr(line, '\n'), *at = strstr(line, "\"levels\"");
        while (at && (at = strstr(at, "\"images\":")) != NULL && at < end) images += atoi(at += 9);
    }
    EXPECT_INT(images, 8);
    file_free(&log);
}

TEST(resume_and_threads_change_no_bit)
{
    Config c = tiny_config(), half = c;
    Err err = {0};
    c.train.schedule = half.train.schedule = RATE_CONSTANT;
    c.model.dropout = half.model.dropout = 0.1;
    half.train.steps = 3;
    parallel_set_threads(1);
    const char *straight = test_path("straight"), *halves = test_path("halves");
    EXPECT(train(&c, straight, false, &err));
    EXPECT(train(&half, halves, false, &err) && train(&c, halves, true, &err));
    EXPECT(same_file(straight, halves, weights_file));
    FOR_THREADS(threads)
    {
        char name[32];
        snprintf(name, sizeof name, "threads%d", threads);
        const char *run = test_path(name);
        EXPECT(train(&c, run, false, &err));
        EXPECT(same_file(straight, run, weights_file));
    }
}

TEST(the_folder_has_classes_of_its_own_and_reads_back_to_a_model_that_every_sampler_serves)
{
    Config c = tiny_config();
    Err err = {0};
    c.method.schedule = SCHEDULE_UNIF;
    c.method.beta_end = 0.02; /* the default: nobody reads it */
    c.model.classifier_channels = 12;
    const char *run = test_path("folder");
    if (!EXPECT(train(&c, run, false, &err))) return;
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
        char path[PATH_BYTES];
        FileBytes file;
        EXPECT(path_join(path, run, says[i].file, &err) && file_read(path, 1 << 20, &file, &err));
        EXPECT_CONTAINS((const char *)file.bytes, says[i].text);
        EXPECT(!strstr((const char *)file.bytes, "time_embedding"));
        file_free(&file);
    }
    Model m;
    if (!EXPECT(model_open(&m, run, 0, 0, &err))) return;
    EXPECT_INT(m.config.warning_count, 0);
    EXPECT(m.config.method == METHOD_CDM && m.config.dequantised && m.process.T == STEPS);
    EXPECT(m.config.schedule == SCHEDULE_UNIF && m.config.unet.noise_classes == STEPS + 2);
    for (const Sampler *s = samplers; s->name; s++) {
        enum { COUNT = 3, CALLS = 8 };
        Denoiser d;
        LevelGrid grid = {0};
        SampleRun sample;
        static double x[COUNT * DIMS], scratch[COUNT * DIMS * SAMPLER_SCRATCH];
        sample_run_defaults(&sample);
        sample.process = &m.process;
        sample.langevin_steps = 1;
        sample.tolerance = 1e-2;
        SeedNoise seeds = {.first_seed = 5};
        NoiseSource noise = seed_noise(&seeds);
        bool ok = EXPECT(model_prepare(&m, 2, -1, &d, &err)) &&
                  EXPECT(sampler_grid(s, &sample, SPACING_AUTO, s->reads & SAMPLE_ODE ? 0 : CALLS,
                                      &grid, &err));
        sample.grid = &grid;
        ok = ok && EXPECT(s->run(&sample, &d, &noise, COUNT, x, scratch, &err));
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
         "for a cdm tells all its levels apart"},
        {"{\"_class_name\":\"UNet2DModel\"}",
         "{\"_class_name\":\"DDPMScheduler\",\"beta_schedule\":\"unif\"}",
         "beta_schedule is \"unif\""},
        {"{\"_class_name\":\"DiffcCdmUNet\",\"noise_classes\":1002}",
         "{\"_class_name\":\"DiffcCdmScheduler\"}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[PATH_BYTES];
        ModelConfig m;
        Err err = {0};
        const char *folder = test_path(i % 2 ? "odd" : "even");
        EXPECT(path_join(path, folder, "unet", &err) && folder_make(path, &err));
        EXPECT(path_join(path, folder, "scheduler", &err) && folder_make(path, &err));
        EXPECT(path_join(path, folder, "unet/config.json", &err) &&
               file_write(path, cases[i].unet, strlen(cases[i].unet), &err));
        EXPECT(path_join(path, folder, "scheduler/scheduler_config.json", &err) &&
               file_write(path, cases[i].scheduler, strlen(cases[i].scheduler), &err));
        bool ok = model_folder_read_config(folder, &m, &err);
        EXPECT(ok == (cases[i].part == NULL));
        if (ok)
            model_config_free(&m);
        else if (cases[i].part)
            EXPECT_CONTAINS(err.text, cases[i].part);
    }
}
