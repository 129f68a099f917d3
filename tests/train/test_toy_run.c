/* Training on toys: runs are as exact as those on images, and their folders hold the network. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/rng.h"
#include "data/dataset.h"
#include "data/image.h"
#include "data/toy.h"
#include "model/model.h"
#include "test.h"
#include "train/train_internal.h"

static Config toy_config(const char *toy, const char *const *settings)
{
    static const char *const common[] = {"model.width=16",
                                         "model.layers=2",
                                         "train.batch=24",
                                         "train.micro_batch=8",
                                         "train.warmup=3",
                                         "train.steps=6",
                                         "train.checkpoint_every=0",
                                         "train.validate=16",
                                         "data.validation=16",
                                         "sample.count=40",
                                         NULL};
    Config c;
    Err err = {0};
    char data[64];
    config_defaults(&c);
    snprintf(data, sizeof data, "data.toy=%s", toy);
    bool ok = config_set(&c, data, &err);
    for (int i = 0; ok && common[i]; i++) ok = config_set(&c, common[i], &err);
    for (int i = 0; ok && settings[i]; i++) ok = config_set(&c, settings[i], &err);
    if (!EXPECT(ok)) printf("  %s\n", err.text), abort();
    return c;
}

/* Every method, every objective. */
static const struct {
    const char *toy, *settings[5];
} runs[] = {
    {"two-modes", {"method.type=smld", "method.sigma_max=10", "method.sigma_min=0.1", NULL}},
    {"two-modes", {"method.type=smld", "method.objective=exact", "method.sigma_min=0.1", NULL}},
    {"ring", {"method.type=sde", "method.sde=ve", "method.objective=sliced", "method.slices=2"}},
    {"ring", {"method.type=sde", "method.sde=vp", NULL}},
    {"swiss-roll", {"method.type=ddpm", "method.steps=50", "method.prediction=v", NULL}},
    {"checkerboard", {"method.type=sde", "method.sde=subvp", NULL}},
};
enum { RUNS = sizeof runs / sizeof *runs };

static const char *in_folder(char path[PATH_BYTES], const char *run, const char *file)
{
    snprintf(path, PATH_BYTES, "%.1000s/%s%s%s", test_folder(), run, file[0] ? "/" : "", file);
    return path;
}

static void train(const Config *c, const char *run, bool resume)
{
    char path[PATH_BYTES];
    Trainer *t;
    Err err = {0};
    in_folder(path, run, "");
    bool ok =
        (resume ? trainer_resume(&t, path, c, NULL, &err) : trainer_open(&t, c, NULL, &err)) &&
        trainer_run(t, resume ? NULL : path, &err);
    if (!EXPECT(ok)) printf("  %s: %s\n", run, err.text);
    trainer_close(t);
}

static FileBytes weights_of(const char *run)
{
    char path[PATH_BYTES];
    FileBytes file = {0};
    Err err = {0};
    in_folder(path, run, "model/mlp/diffusion_pytorch_model.safetensors");
    if (!EXPECT(file_read(path, 1 << 24, &file, &err))) printf("  %s\n", err.text), abort();
    return file;
}

static void expect_same_weights(const char *a, const char *b)
{
    FileBytes of_a = weights_of(a), of_b = weights_of(b);
    EXPECT(of_a.size == of_b.size && of_a.size > 4000);
    if (of_a.size == of_b.size) EXPECT_SAME(of_a.bytes, of_b.bytes, of_a.size);
    file_free(&of_a);
    file_free(&of_b);
}

TEST(toys_resume_to_the_same_bits_with_every_method_and_objective)
{
    for (int i = 0; i < RUNS; i++) {
        char straight[32], halves[32];
        snprintf(straight, sizeof straight, "straight%d", i);
        snprintf(halves, sizeof halves, "halves%d", i);
        Config c = toy_config(runs[i].toy, runs[i].settings);
        train(&c, straight, false);
        c.train.steps = 3;
        train(&c, halves, false);
        c.train.steps = 6;
        train(&c, halves, true);
        expect_same_weights(halves, straight);
        config_free(&c);
    }
}

TEST(threads_change_no_bit_of_a_toy_with_exact_and_sliced_objectives)
{
    for (int i = 1; i <= 2; i++) {
        Config c = toy_config(runs[i].toy, runs[i].settings);
        FOR_THREADS(threads)
        {
            char run[32], first[32];
            snprintf(run, sizeof run, "run%d-%d", i, threads);
            snprintf(first, sizeof first, "run%d-1", i);
            train(&c, run, false);
            if (threads > 1) expect_same_weights(run, first);
        }
        config_free(&c);
    }
}

TEST(micro_batches_draw_the_slices_of_the_whole_batch)
{
    Config c = toy_config(runs[2].toy, runs[2].settings);
    float *grads[2];
    for (int k = 0; k < 2; k++) {
        char path[PATH_BYTES];
        Trainer *t;
        Err err = {0};
        c.train.micro_batch = k ? 8 : 24;
        c.train.steps = 1;
        EXPECT(trainer_open(&t, &c, NULL, &err));
        EXPECT(trainer_run(t, in_folder(path, k ? "micro" : "whole", ""), &err));
        /* After one step of Adam the first moment is a tenth of the gradient. */
        grads[k] = test_floats(t->table.block_floats);
        memcpy(grads[k], t->optimizer.m, t->table.block_floats * sizeof(float));
        if (k) EXPECT_CLOSE(grads[1], grads[0], t->table.block_floats, 1e-5);
        trainer_close(t);
    }
    free(grads[0]);
    free(grads[1]);
    config_free(&c);
}

TEST(the_folder_of_a_toy_is_opened_again_as_it_was)
{
    for (int i = 0; i < RUNS; i++) {
        char path[PATH_BYTES], name[32];
        snprintf(name, sizeof name, "run%d", i);
        Config c = toy_config(runs[i].toy, runs[i].settings);
        train(&c, name, false);
        Model m;
        Err err = {0};
        if (!EXPECT(model_open(&m, in_folder(path, name, ""), 0, 0, &err)))
            printf("  %s\n", err.text), abort();
        EXPECT(m.config.network == NETWORK_MLP && m.config.toy == c.data.toy);
        EXPECT(m.config.mlp.width == 16 && m.config.mlp.layers == 2 && m.config.mlp.dims == 2);
        EXPECT(m.config.method == c.method.type && !m.config.clip);
        EXPECT_INT(m.config.warning_count, 0);
        Denoiser d, other;
        double x[2 * 3] = {0.3, -1, 2, 0.5, -0.2, 4}, eps[6], one[2];
        NoiseLevel level = process_quantile(&m.process, 0.4);
        EXPECT(model_prepare(&m, 3, -1, &d, &err) && d.dims == 2);
        EXPECT(d.predict(d.context, 3, x, &level, 0, eps, &err));
        EXPECT(model_prepare(&m, 1, -1, &other, &err));
        for (int k = 0; k < 3; k++) {
            EXPECT(other.predict(other.context, 1, x + 2 * k, &level, 0, one, &err));
            EXPECT_SAME(one, eps + 2 * k, sizeof one);
        }
        model_close(&m);
        EXPECT(!model_open(&m, path, 8, 8, &err));
        EXPECT_CONTAINS(err.text, "the model gives points, which have no size");
        config_free(&c);
    }
}

/* A fresh toy model, of which `file` then holds `text`. */
static void expect_refused(const char *file, const char *text, const char *part)
{
    char path[PATH_BYTES];
    Model m;
    Err err = {0};
    EXPECT(file_write(in_folder(path, "run", file), text, strlen(text), &err));
    EXPECT(!model_open(&m, in_folder(path, "run", ""), 0, 0, &err));
    EXPECT_INT(err.kind, ERR_FORMAT);
    EXPECT_CONTAINS(err.text, part);
}

#define KEYS "\"_class_name\":\"DiffcMlp\",\"layers\":2,\"time_embedding_type\":\"fourier\""

TEST(a_folder_with_a_network_for_points_that_is_not_right_is_refused)
{
    Config c = toy_config(runs[0].toy, runs[0].settings);
    train(&c, "run", false);
    const char *file = "model/mlp/config.json";
    expect_refused(file, "{" KEYS ",\"dims\":2}", "config.json: has no key width");
    expect_refused(file, "{" KEYS ",\"dims\":3,\"width\":16}",
                   "dims must be an integer in 2..2, got 3");
    expect_refused(file, "{" KEYS ",\"dims\":2,\"width\":0}",
                   "width must be an integer in 1..4096, got 0");
    expect_refused(file, "{" KEYS ",\"dims\":2,\"width\":16,\"toy\":\"moons\"}",
                   "toy is \"moons\" (a string), which diffc cannot run; it runs two-modes");
    expect_refused(file,
                   "{\"_class_name\":\"UNet2DModel\",\"dims\":2,\"width\":16,\"layers\":2,"
                   "\"time_embedding_type\":\"fourier\"}",
                   "which diffc cannot run; it runs DiffcMlp");
    expect_refused(file, "{" KEYS ",\"dims\":2,\"width\":17}", "has shape [");
    expect_refused("model/model_index.json",
                   "{\"_class_name\":\"DiffcPointPipeline\",\"mlp\":[\"diffc\",\"Other\"]}",
                   "which diffc cannot run; it runs DiffcMlp");
    config_free(&c);
}

TEST(a_toy_as_data_gives_its_points_and_holds_others_out)
{
    DataOptions options = {.toy = TOY_SWISS_ROLL, .validation = 5, .seed = 6};
    Dataset d;
    Err err = {0};
    float x[2], expected[2];
    int label = 3;
    EXPECT(dataset_open(&d, &options, NULL, NULL, &err));
    EXPECT(d.height == 1 && d.width == 1 && d.channels == 2 && d.classes == 0);
    EXPECT(d.train_count == 0 && d.validation_count == 5);
    EXPECT_CONTAINS(d.description, "points of swiss-roll: a spiral");
    EXPECT_CONTAINS(d.description, "; 5 held out");
    for (uint64_t k = 1; k < UINT64_MAX / 5; k *= 3) {
        dataset_train_sample(&d, k, x, &label);
        toy_point(TOY_SWISS_ROLL, 6, false, k, expected);
        EXPECT_SAME(x, expected, sizeof x);
        EXPECT_INT(label, 0);
    }
    dataset_validation_sample(&d, 4, x, &label);
    toy_point(TOY_SWISS_ROLL, 6, true, 4, expected);
    EXPECT_SAME(x, expected, sizeof x);
    dataset_close(&d);
}

TEST(the_pictures_of_a_toy_are_scatter_plots)
{
    Config c = toy_config("ring", runs[3].settings);
    char path[PATH_BYTES];
    Image picture;
    Err err = {0};
    train(&c, "run", false);
    EXPECT(image_load(in_folder(path, "run", "samples/step-00000006.png"), 0, &picture, &err));
    EXPECT(picture.width == 512 && picture.height == 512 && picture.channels == 3);
    image_free(&picture);
    config_free(&c);
}
