/* Training on toys: runs are as exact as those on images, and their folders hold the network. */
#include "data/dataset.h"
#include "data/image.h"
#include "data/toy.h"
#include "model/model.h"
#include "train_case.h"

static Config toy_config(const char *settings)
{
    return config_of("model.width=16 model.layers=2 train.batch=24 train.micro_batch=8 "
                     "train.warmup=3 train.steps=6 train.checkpoint_every=0 train.validate=16 "
                     "data.validation=16 sample.count=40",
                     settings);
}

/* Every method, every objective. */
static const char *const runs[] = {
    "data.toy=two-modes method.type=smld method.sigma_max=10 method.sigma_min=0.1",
    "data.toy=two-modes method.type=smld method.objective=exact method.sigma_min=0.1",
    "data.toy=ring method.type=sde method.sde=ve method.objective=sliced method.slices=2",
    "data.toy=ring method.type=sde method.sde=vp",
    "data.toy=swiss-roll method.type=ddpm method.steps=50 method.prediction=v",
    "data.toy=checkerboard method.type=sde method.sde=subvp",
};
enum { RUNS = sizeof runs / sizeof *runs };

TEST(toys_resume_to_the_same_bits_with_every_method_and_objective)
{
    for (int i = 0; i < RUNS; i++) {
        const char *straight = test_path("straight%d", i), *halves = test_path("halves%d", i);
        Config c = toy_config(runs[i]);
        must_train(&c, straight, false, NULL);
        c.train.steps = 3;
        must_train(&c, halves, false, NULL);
        c.train.steps = 6;
        must_train(&c, halves, true, NULL);
        expect_same_run(halves, straight);
        config_free(&c);
    }
}

TEST(threads_change_no_bit_of_a_toy_with_exact_objectives)
{
    Config c = toy_config(runs[1]);
    expect_threads_change_nothing(&c);
    config_free(&c);
}

TEST(threads_change_no_bit_of_a_toy_with_sliced_objectives)
{
    Config c = toy_config(runs[2]);
    expect_threads_change_nothing(&c);
    config_free(&c);
}

TEST(micro_batches_draw_the_slices_of_the_whole_batch)
{
    Config c = toy_config(runs[2]);
    float *grads[2];
    for (int k = 0; k < 2; k++) {
        Err err = {0};
        c.train.micro_batch = k ? 8 : 24;
        c.train.steps = 1;
        Trainer *t = must_open(&c);
        EXPECT(trainer_run(t, test_path(k ? "micro" : "whole"), &err));
        /* After one step of Adam the first moment is a tenth of the gradient. */
        grads[k] = test_floats(t->table.block_floats);
        memcpy(grads[k], t->optimizer.m, t->table.block_floats * sizeof(float));
        if (k) EXPECT_CLOSE(grads[1], grads[0], t->table.block_floats, 1e-5);
    }
    config_free(&c);
}

TEST(the_folder_of_a_toy_is_opened_again_as_it_was)
{
    for (int i = 0; i < RUNS; i++) {
        const char *run = test_path("run%d", i);
        Config c = toy_config(runs[i]);
        must_train(&c, run, false, NULL);
        Model m;
        Err err = {0};
        if (!EXPECT(model_open(&m, run, 0, 0, &err))) printf("  %s\n", err.text), abort();
        EXPECT(m.config.network == NETWORK_MLP && m.config.toy == c.data.toy);
        EXPECT(m.config.mlp.width == 16 && m.config.mlp.layers == 2 && m.config.mlp.dims == 2);
        EXPECT(m.config.method == c.method.type && !m.config.sample.clip);
        EXPECT_INT(m.config.warning_count, 0);
        Denoiser d, other;
        double x[2 * 3] = {0.3, -1, 2, 0.5, -0.2, 4}, eps[6], one[2];
        NoiseLevel level = process_quantile(&m.process, 0.4);
        EXPECT(model_prepare(&m, 3, -1, false, &d, &err) && d.dims == 2);
        EXPECT(d.predict(d.context, 3, x, &level, 0, eps, &err));
        EXPECT(model_prepare(&m, 1, -1, false, &other, &err));
        for (int k = 0; k < 3; k++) {
            EXPECT(other.predict(other.context, 1, x + 2 * k, &level, 0, one, &err));
            EXPECT_SAME(one, eps + 2 * k, sizeof one);
        }
        model_close(&m);
        EXPECT_FAILS(model_open(&m, run, 8, 8, &err), err,
                     "the model gives points, which have no size");
        config_free(&c);
    }
}

/* A fresh toy model, of which `file` then holds `text`. */
static void expect_refused(const char *run, const char *file, const char *text, const char *part)
{
    Model m;
    Err err = {0};
    EXPECT(file_write(in(run, file), text, strlen(text), &err));
    EXPECT_REFUSED(model_open(&m, run, 0, 0, &err), err, ERR_FORMAT, part);
}

#define KEYS "\"_class_name\":\"DiffcMlp\",\"layers\":2,\"time_embedding_type\":\"fourier\""

TEST(a_folder_with_a_network_for_points_that_is_not_right_is_refused)
{
    Config c = toy_config(runs[0]);
    const char *run = test_path("run"), *file = "model/mlp/config.json";
    must_train(&c, run, false, NULL);
    expect_refused(run, file, "{" KEYS ",\"dims\":2}",
                   "config.json: has no width, which a DiffcMlp must have");
    expect_refused(run, file, "{" KEYS ",\"dims\":3,\"width\":16}",
                   "dims must be an integer in 2..2, got 3");
    expect_refused(run, file, "{" KEYS ",\"dims\":2,\"width\":0}",
                   "width must be an integer in 1..4096, got 0");
    expect_refused(run, file, "{" KEYS ",\"dims\":2,\"width\":16,\"toy\":\"moons\"}",
                   "toy is \"moons\" (a string), which diffc cannot run; it runs two-modes");
    expect_refused(run, file,
                   "{\"_class_name\":\"UNet2DModel\",\"dims\":2,\"width\":16,\"layers\":2,"
                   "\"time_embedding_type\":\"fourier\"}",
                   "which diffc cannot run; it runs DiffcMlp");
    expect_refused(run, file, "{" KEYS ",\"dims\":2,\"width\":17}", "has shape [");
    expect_refused(run, "model/model_index.json",
                   "{\"_class_name\":\"DiffcPointPipeline\",\"mlp\":[\"diffc\",\"Other\"]}",
                   "which diffc cannot run; it runs DiffcMlp");
    config_free(&c);
}

TEST(a_toy_as_data_gives_its_points_and_holds_others_out)
{
    DataOptions options = {.config.toy = TOY_SWISS_ROLL, .config.validation = 5, .seed = 6};
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
        dataset_train_sample(&d, k, x, &label, NULL);
        toy_point(TOY_SWISS_ROLL, 6, false, k, expected);
        EXPECT_SAME(x, expected, sizeof x);
        EXPECT_INT(label, 0);
    }
    dataset_validation_sample(&d, 4, x, &label, NULL);
    toy_point(TOY_SWISS_ROLL, 6, true, 4, expected);
    EXPECT_SAME(x, expected, sizeof x);
    dataset_close(&d);
}

TEST(the_pictures_of_a_toy_are_scatter_plots)
{
    Config c = toy_config(runs[3]);
    const char *run = test_path("run");
    Image picture;
    Err err = {0};
    must_train(&c, run, false, NULL);
    EXPECT(image_load(in(run, "samples/step-00000006.png"), 0, &picture, &err));
    EXPECT(picture.width == 512 && picture.height == 512 && picture.channels == 3);
    image_free(&picture);
    config_free(&c);
}
