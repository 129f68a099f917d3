/* Models of earlier states of a run, opened from its checkpoints, and of the checkpoints of diffusers' trainer. */

#include "model/model.h"
#include "train_case.h"

#define EDDPM "method.type=eddpm method.keep=10 train.checkpoint_every=3 train.steps=9 train.keep=3"

static const char *checkpoint_of(const char *run, int step)
{
    static char path[4][PATH_BYTES];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], PATH_BYTES, "%.3000s/checkpoints/step-%08d.safetensors", run, step);
    return path[turn];
}

static void expect_same_model(const Model *a, const Model *b)
{
    EXPECT_INT((long long)a->table.block_floats, (long long)b->table.block_floats);
    EXPECT_SAME(a->weights, b->weights, a->table.block_floats * sizeof(float));
    EXPECT_INT(a->config.kept_count, b->config.kept_count);
    for (int i = 0; i < a->config.kept_count && i < b->config.kept_count; i++)
        EXPECT_INT(a->config.kept[i], b->config.kept[i]);
    EXPECT_INT(a->process.T, b->process.T);
}

/* The runs differ in nothing but that the second ended at step 3, where it saved its model. */
static void expect_earlier_state(const char *name, const char *settings, bool keeps_steps)
{
    Config c = image_config(settings);
    const char *whole = test_path("%s-whole", name), *part = test_path("%s-part", name);
    Watch stop = {.stop_at = 3};
    Err err = {0};
    if (!must_train(&c, whole, false, NULL)) return;
    EXPECT(!train(&c, part, false, &stop, &err) && err.kind == ERR_INTERRUPTED);
    Model then, earlier, now, newest;
    EXPECT_OK(model_open(&then, part, 0, 0, &err), err);
    EXPECT_OK(model_open(&earlier, checkpoint_of(whole, 3), 0, 0, &err), err);
    EXPECT_OK(model_open(&now, whole, 0, 0, &err), err);
    EXPECT_OK(model_open(&newest, checkpoint_of(whole, 9), 0, 0, &err), err);
    expect_same_model(&earlier, &then);
    expect_same_model(&newest, &now);
    EXPECT(memcmp(earlier.weights, now.weights, now.table.block_floats * sizeof(float)) != 0);
    EXPECT(earlier.is_checkpoint && !now.is_checkpoint);
    EXPECT_INT(earlier.checkpoint.step, 3);
    EXPECT_TEXT(earlier.run, whole);
    EXPECT((earlier.config.kept_count > now.config.kept_count) == keeps_steps);
    model_close(&then), model_close(&earlier), model_close(&now), model_close(&newest);
    config_free(&c);
}

TEST(a_checkpoint_opens_as_the_model_that_its_run_had_at_that_step)
{
    expect_earlier_state("ddpm", "train.checkpoint_every=3 train.steps=9 train.keep=3", false);
}

TEST(a_checkpoint_of_eddpm_has_the_steps_that_were_kept_at_that_step)
{
    expect_earlier_state("eddpm", EDDPM, true);
}

TEST(the_last_weights_are_those_that_training_goes_on_with)
{
    Config c = image_config("");
    const char *run = test_path("run");
    Err err = {0};
    if (!must_train(&c, run, false, NULL)) return;
    Trainer *t;
    c.train.steps = 20;
    EXPECT_OK(trainer_resume(&t, run, &c, NULL, &err), err);
    size_t bytes = t->table.block_floats * sizeof(float);
    Model file, folder, average;
    EXPECT_OK(model_open_weights(&file, checkpoint_of(run, 10), WEIGHTS_LAST, 0, 0, &err), err);
    EXPECT_OK(model_open_weights(&folder, run, WEIGHTS_LAST, 0, 0, &err), err);
    EXPECT_OK(model_open_weights(&average, run, WEIGHTS_AVERAGE, 0, 0, &err), err);
    EXPECT_SAME(file.weights, t->optimizer.weights, bytes);
    EXPECT_SAME(folder.weights, t->optimizer.weights, bytes);
    EXPECT_SAME(average.weights, t->optimizer.ema, bytes);
    EXPECT(memcmp(file.weights, average.weights, bytes) != 0);
    EXPECT(folder.is_checkpoint && folder.checkpoint.step == 10);
    model_close(&file), model_close(&folder), model_close(&average);
    trainer_close(t);
}

static bool refused(const char *path, WeightsKind weights, Err *err)
{
    Model m;
    *err = (Err){0};
    if (!model_open_weights(&m, path, weights, 0, 0, err)) return true;
    model_close(&m);
    return false;
}

static void copy_file(const char *from, const char *to)
{
    FileBytes file;
    Err err = {0};
    EXPECT_OK(file_read(from, (size_t)1 << 28, &file, &err), err);
    EXPECT_OK(file_write(to, file.bytes, file.size, &err), err);
    file_free(&file);
}

TEST(what_is_no_checkpoint_of_the_run_is_refused_by_name)
{
    Config c = image_config(""), wide = image_config("model.channels=16"),
           masks = image_config(EDDPM);
    const char *run = test_path("run"), *other = test_path("other"), *steps = test_path("steps");
    Err err;
    if (!must_train(&c, run, false, NULL) || !must_train(&wide, other, false, NULL) ||
        !must_train(&masks, steps, false, NULL))
        return;
    EXPECT(refused(checkpoint_of(run, 4), WEIGHTS_AVERAGE, &err) && err.kind == ERR_IO);
    EXPECT_CONTAINS(err.text, "step-00000004.safetensors: there is no such checkpoint; the newest");
    EXPECT_CONTAINS(err.text, "step-00000010.safetensors");
    copy_file(checkpoint_of(other, 10), checkpoint_of(run, 11));
    EXPECT(refused(checkpoint_of(run, 11), WEIGHTS_AVERAGE, &err) && err.kind == ERR_FORMAT);
    EXPECT_CONTAINS(err.text, "belongs to another run: model.channels is 16 there, but 8 in ");
    copy_file(checkpoint_of(steps, 9), checkpoint_of(run, 12));
    EXPECT(refused(checkpoint_of(run, 12), WEIGHTS_LAST, &err) && err.kind == ERR_FORMAT);
    EXPECT_CONTAINS(err.text, "belongs to another run: method.type is \"eddpm\" there");
    EXPECT(remove(in(run, "config.json")) == 0);
    EXPECT(refused(checkpoint_of(run, 11), WEIGHTS_AVERAGE, &err) && err.kind == ERR_FORMAT);
    EXPECT_CONTAINS(err.text, "belongs to another network");
    EXPECT(remove(in(steps, "config.json")) == 0);
    copy_file(checkpoint_of(run, 10), checkpoint_of(steps, 10));
    EXPECT(refused(checkpoint_of(steps, 10), WEIGHTS_AVERAGE, &err) && err.kind == ERR_FORMAT);
    EXPECT_CONTAINS(err.text, "belongs to a run of another method or number of steps");
    const char *outside = test_path("step-00000010.safetensors");
    copy_file(checkpoint_of(run, 10), outside);
    EXPECT(refused(outside, WEIGHTS_AVERAGE, &err) && err.kind == ERR_USAGE);
    EXPECT_CONTAINS(err.text, "a checkpoint is opened in its run");
    EXPECT(refused(in(run, "model"), WEIGHTS_LAST, &err) && err.kind == ERR_USAGE);
    EXPECT_CONTAINS(err.text, "holds one set of weights");
    copy_file(in(run, UNET_WEIGHTS), checkpoint_of(run, 13));
    EXPECT(refused(checkpoint_of(run, 13), WEIGHTS_AVERAGE, &err) && err.kind == ERR_FORMAT);
    EXPECT_CONTAINS(err.text, "is not a checkpoint");
}

/* What diffusers' example trainer leaves: unet and unet_ema in checkpoint-7, the scheduler above. */
static const char *diffusers_folder(const char *run, const char *name, bool scheduler)
{
    const char *top = test_path("%s", name), *folder = in(top, "checkpoint-7");
    static char kept[PATH_BYTES];
    Model last;
    Err err = {0};
    snprintf(kept, sizeof kept, "%s", folder);
    EXPECT_OK(model_open_weights(&last, run, WEIGHTS_LAST, 0, 0, &err), err);
    EXPECT_OK(model_folder_write(kept, &last.config, &last.table, last.weights, &err), err);
    model_close(&last);
    EXPECT(remove(in(kept, "model_index.json")) == 0);
    EXPECT_OK(folder_make(in(kept, "unet_ema"), &err) && folder_make(in(top, "scheduler"), &err),
              err);
    copy_file(in(run, "model/unet/config.json"), in(kept, "unet_ema/config.json"));
    copy_file(in(run, UNET_WEIGHTS), in(kept, "unet_ema/diffusion_pytorch_model.safetensors"));
    if (scheduler)
        copy_file(in(kept, "scheduler/scheduler_config.json"),
                  in(top, "scheduler/scheduler_config.json"));
    EXPECT(remove(in(kept, "scheduler/scheduler_config.json")) == 0);
    EXPECT(remove(in(kept, "scheduler")) == 0);
    return kept;
}

TEST(unet_ema_of_the_trainer_of_diffusers_is_used_and_said_with_the_scheduler_above_it)
{
    Config c = image_config("");
    const char *run = test_path("run");
    Err err = {0};
    if (!must_train(&c, run, false, NULL)) return;
    const char *folder = diffusers_folder(run, "output", true);
    Model average, last, own, own_last;
    EXPECT_OK(model_open(&own, run, 0, 0, &err), err);
    EXPECT_OK(model_open_weights(&own_last, run, WEIGHTS_LAST, 0, 0, &err), err);
    EXPECT_OK(model_open(&average, folder, 0, 0, &err), err);
    EXPECT_OK(model_open_weights(&last, folder, WEIGHTS_LAST, 0, 0, &err), err);
    expect_same_model(&average, &own);
    expect_same_model(&last, &own_last);
    EXPECT_INT(average.config.warning_count, 2);
    EXPECT_CONTAINS(average.config.warnings[0], "those of unet_ema");
    EXPECT_CONTAINS(average.config.warnings[1], "the folder above");
    EXPECT(average.config.is_note[0] && average.config.is_note[1]);
    EXPECT_INT(last.config.warning_count, 1);
    EXPECT_INT(average.process.T, 50);
    model_close(&average), model_close(&last), model_close(&own), model_close(&own_last);
    folder = diffusers_folder(run, "without", false);
    EXPECT(refused(folder, WEIGHTS_AVERAGE, &err) && err.kind == ERR_IO);
    EXPECT_CONTAINS(err.text, "has no scheduler, nor has the folder above");
}
