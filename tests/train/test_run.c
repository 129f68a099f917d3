/* A run and its folder: saves that fail, what a killed process left out, interruptions, the lock. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/last_lines.h"
#include "train_case.h"

/* Points of a ring, so that a run of some steps takes no time. */
static Config ring(const char *more)
{
    return config_of(
        "data.toy=ring method.type=ddpm method.steps=20 train.steps=4 train.batch=8 train.warmup=0 "
        "train.checkpoint_every=0 train.validate=8 train.log_every=1 sample.count=4",
        more);
}

static void put(const char *path, const char *text)
{
    Err err = {0};
    EXPECT_OK(file_write(path, text, strlen(text), &err), err);
}

/* A file in the place of a folder: nothing can be written there, whoever the user is. */
static void block(const char *run, const char *name)
{
    EXPECT(folder_make(run, NULL));
    put(in(run, name), "in the way");
}

/* How many lines of the log hold both texts. */
static int log_lines(const char *run, const char *a, const char *b)
{
    FileBytes file;
    int n = 0;
    if (!EXPECT(file_read(in(run, "stats.jsonl"), 1 << 20, &file, NULL))) return -1;
    for (char *line = strtok((char *)file.bytes, "\n"); line; line = strtok(NULL, "\n"))
        n += strstr(line, a) && strstr(line, b);
    file_free(&file);
    return n;
}

static uint64_t hash(const char *run, const char *name)
{
    FileBytes file = content(run, name);
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < file.size; i++) hash = (hash ^ file.bytes[i]) * 1099511628211u;
    file_free(&file);
    return hash;
}

/* ---- saves that fail ---- */

static void block_at_1_until_3(Watch *w, int64_t step)
{
    if (step == 1) block(w->run, "checkpoints");
    w->model_seen |= step == 2 && path_exists(in(w->run, "model"));
    if (step == 3) EXPECT(unlink(in(w->run, "checkpoints")) == 0);
}

TEST(a_failed_save_on_the_way_is_said_and_logged_and_training_goes_on_without_a_newer_model)
{
    Config c = ring("train.checkpoint_every=1");
    Watch w = {.on_step = block_at_1_until_3};
    const char *run = test_path("run");
    must_train(&c, run, false, &w);
    EXPECT_CONTAINS(w.problems, "step 1: not saved: ");
    EXPECT_CONTAINS(w.problems, "step 2: not saved: ");
    EXPECT_CONTAINS(w.problems, "checkpoints: exists and is not a folder; training goes on");
    EXPECT(!strstr(w.problems, "step 3") && !strstr(w.notes, "not saved"));
    EXPECT_INT(log_lines(run, "\"event\":\"save_failed\"", "exists and is not a folder"), 2);
    EXPECT_INT(log_lines(run, "\"event\":\"save_failed\"", "\"part\":\"checkpoint\""), 2);
    EXPECT_INT(log_lines(run, "\"event\":\"checkpoint\"", ""), 2);
    EXPECT(!w.model_seen); /* the checkpoint is written before the model */
}

static void block_at_1(Watch *w, int64_t step)
{
    if (step == 1) block(w->run, "checkpoints");
}

static void block_and_interrupt_at_1(Watch *w, int64_t step)
{
    block_at_1(w, step);
    interrupt_set(true);
}

TEST(a_failed_last_save_is_an_error_that_says_what_is_lost_also_after_an_interruption)
{
    Config c = ring(""), every = ring("train.checkpoint_every=1");
    Watch blocked = {.on_step = block_at_1}, interrupted = {.on_step = block_and_interrupt_at_1};
    Err err;
    const char *none = test_path("none"), *stopped = test_path("stopped");
    EXPECT_REFUSED(train(&c, none, false, &blocked, &err), err, ERR_IO, "step 4 is not saved: ");
    EXPECT_CONTAINS(err.text, "there is no checkpoint, and all updates are lost");
    EXPECT_INT(log_lines(none, "\"event\":\"save_failed\",\"step\":4", ""), 1);
    EXPECT_REFUSED(train(&every, stopped, false, &interrupted, &err), err, ERR_IO,
                   "interrupted, and step 1 is not saved: ");
}

static void block_at_3(Watch *w, int64_t step)
{
    if (step != 3) return;
    EXPECT(rename(in(w->run, "checkpoints"), in(w->run, "moved")) == 0);
    block(w->run, "checkpoints");
}

TEST(a_failed_last_save_names_the_step_from_which_updates_are_lost)
{
    Config c = ring("train.checkpoint_every=2 train.steps=3");
    Watch w = {.on_step = block_at_3};
    Err err;
    EXPECT_REFUSED(train(&c, test_path("run"), false, &w, &err), err, ERR_IO,
                   "step 3 is not saved: ");
    EXPECT_CONTAINS(err.text,
                    "the newest checkpoint is that of step 2, and the updates after it are lost");
}

TEST(a_failed_last_model_says_that_the_checkpoint_is_there_and_resume_makes_the_model)
{
    Config c = ring("");
    Err err;
    const char *run = test_path("run");
    block(run, "model");
    EXPECT_REFUSED(train(&c, run, false, NULL, &err), err, ERR_IO,
                   "the model of step 4 is not saved, but its checkpoint is: ");
    EXPECT_INT(log_lines(run, "\"part\":\"model\"", "save_failed"), 1);
    EXPECT(unlink(in(run, "model")) == 0);
    must_train(&c, run, true, NULL);
    EXPECT(path_exists(in(run, MLP_WEIGHTS)) && path_exists(in(run, "samples/step-00000004.png")));
}

static void block_log(Watch *w, int64_t step)
{
    const char *log = in(w->run, "stats.jsonl");
    if (step == 1) EXPECT(unlink(log) == 0 && mkdir(log, 0777) == 0);
    if (step == 3) EXPECT(rmdir(log) == 0);
}

TEST(a_log_that_cannot_be_written_stops_nothing_and_is_said_once)
{
    Config c = ring("");
    Watch w = {.on_step = block_log};
    const char *run = test_path("run");
    must_train(&c, run, false, &w);
    const char *first = strstr(w.problems, "lines of its log are lost");
    if (EXPECT(first)) EXPECT(!strstr(first + 1, "lines of its log are lost"));
    EXPECT_CONTAINS(w.problems, "stats.jsonl is written again; lines before are missing");
    EXPECT_INT(log_lines(run, "\"event\":\"step\"", ""), 2);
}

/* ---- what a killed process left out ---- */

/* The first kept step for which there is room becomes the one before. */
static void keep_another_step(const char *model, const char *scheduler)
{
    FileBytes file;
    ModelConfig m;
    Err err = {0};
    char text[8192];
    if (!EXPECT(model_folder_read_config(model, &m, &err))) return;
    int k = 0;
    while (k < m.kept_count && m.kept[k] == (k ? m.kept[k - 1] + 1 : 0)) k++;
    if (EXPECT(k < m.kept_count)) m.kept[k]--;
    EXPECT(file_read(scheduler, sizeof text, &file, &err));
    const char *list = strstr((char *)file.bytes, "\"kept_timesteps\"");
    if (EXPECT(list)) {
        int n = snprintf(text, sizeof text, "%.*s\"kept_timesteps\": [%d",
                         (int)(list - (char *)file.bytes), (char *)file.bytes, m.kept[0]);
        for (int i = 1; i < m.kept_count; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, ", %d", m.kept[i]);
        snprintf(text + n, sizeof text - (size_t)n, "%s", strchr(list, ']'));
        put(scheduler, text);
    }
    file_free(&file);
    model_config_free(&m);
    EXPECT(model_folder_read_config(model, &m, &err));
    model_config_free(&m);
}

TEST(a_finished_run_whose_model_or_picture_is_missing_or_older_is_completed_on_resume)
{
    static const char *const parts[] = {"model", "samples/step-00000004.png", MLP_WEIGHTS,
                                        "model/scheduler/scheduler_config.json"};
    Config four = ring("method.type=eddpm method.keep=5"), two = four;
    two.train.steps = 2;
    const char *run = test_path("run");
    must_train(&two, run, false, NULL);
    EXPECT(rename(in(run, "model"), test_path("older")) == 0);
    must_train(&four, run, true, NULL);
    uint64_t weights = hash(run, MLP_WEIGHTS), picture = hash(run, parts[1]);
    uint64_t steps = hash(run, parts[3]);
    EXPECT(weights && picture && steps);
    FileBytes older;
    EXPECT(file_read(in(test_path("older"), "mlp/diffusion_pytorch_model.safetensors"), 1 << 24,
                     &older, NULL));
    for (int i = 0; i < 7; i++) {
        Watch w = {0};
        struct stat before, after;
        if (i < 4) EXPECT(test_remove_tree(in(run, parts[i])));
        /* Another model of the same run in its place, other kept steps beside the same weights, other
         * weights beside the same kept steps. */
        if (i == 4) EXPECT(test_remove_tree(in(run, "model")));
        if (i == 4) EXPECT(rename(test_path("older"), in(run, "model")) == 0);
        if (i == 5) keep_another_step(in(run, "model"), in(run, parts[3]));
        if (i == 6) EXPECT(file_write(in(run, MLP_WEIGHTS), older.bytes, older.size, NULL));
        must_train(&four, run, true, &w);
        EXPECT(!strstr(w.notes, "is finished"));
        EXPECT(hash(run, MLP_WEIGHTS) == weights);
        EXPECT(hash(run, parts[1]) == picture);
        EXPECT(hash(run, parts[3]) == steps);
        /* Once complete it is finished, and nothing is written anew. */
        Watch again = {0};
        EXPECT(stat(in(run, MLP_WEIGHTS), &before) == 0);
        must_train(&four, run, true, &again);
        EXPECT_CONTAINS(again.notes, "is finished");
        EXPECT(stat(in(run, MLP_WEIGHTS), &after) == 0 && before.st_ino == after.st_ino);
        EXPECT_INT(log_lines(run, "\"event\":\"validation\",\"step\":4", ""), 1);
    }
    file_free(&older);
}

static void interrupt_at_3(Watch *w, int64_t step)
{
    if (step != 3) return;
    w->model_seen = path_exists(in(w->run, MLP_WEIGHTS));
    interrupt_set(true);
}

TEST(an_unfinished_run_gets_model_validation_and_picture_of_its_checkpoint_on_resume)
{
    Config c = ring("train.checkpoint_every=2 train.steps=6");
    Watch first = {.interrupt_at = "\"event\":\"checkpoint\""}, then = {.on_step = interrupt_at_3};
    Err err;
    const char *run = test_path("run");
    EXPECT(!train(&c, run, false, &first, &err));
    EXPECT_INT(err.kind, ERR_INTERRUPTED);
    EXPECT_INT(log_lines(run, "\"event\":\"validation\"", ""), 0);
    EXPECT(test_remove_tree(in(run, "model")));
    EXPECT(!train(&c, run, true, &then, &err));
    EXPECT(then.model_seen && path_exists(in(run, "samples/step-00000002.png")));
    EXPECT_INT(log_lines(run, "\"event\":\"validation\",\"step\":2", ""), 1);
}

/* ---- interruptions ---- */

TEST(validation_and_pictures_end_when_interrupted_and_resume_makes_them)
{
    static const char *const parts[] = {"\"event\":\"checkpoint\"", "\"event\":\"validation\""};
    Config c = ring("");
    for (int i = 0; i < 2; i++) {
        Watch w = {.interrupt_at = parts[i]}, rest = {0};
        Err err;
        const char *run = test_path(i ? "in_pictures" : "in_validation");
        EXPECT(!train(&c, run, false, &w, &err));
        EXPECT_INT(err.kind, ERR_INTERRUPTED);
        EXPECT_CONTAINS(err.text, "interrupted at step 4, the last; everything is saved but");
        EXPECT_INT(log_lines(run, "\"event\":\"validation\"", ""), i);
        EXPECT(!path_exists(in(run, "samples/step-00000004.png")));
        must_train(&c, run, true, &rest);
        EXPECT_INT(log_lines(run, "\"event\":\"validation\"", ""), 1);
        EXPECT(path_exists(in(run, "samples/step-00000004.png")));
    }
}

TEST(looking_for_the_widest_pair_ends_when_interrupted)
{
    Config c = ring("method.type=sde method.sde=ve");
    Trainer *t;
    Err err = {0};
    interrupt_set(true);
    EXPECT(!trainer_open(&t, &c, NULL, &err));
    interrupt_set(false);
    EXPECT_INT(err.kind, ERR_INTERRUPTED);
    EXPECT_CONTAINS(err.text, "interrupted while looking for the largest distance");
}

/* ---- one process ---- */

TEST(a_run_that_another_process_works_on_is_neither_begun_nor_resumed)
{
    Config c = ring("");
    Err err = {0};
    Trainer *holder, *second;
    RunLock lock;
    const char *run = test_path("run"), *fresh = test_path("fresh");
    must_train(&c, run, false, NULL);
    EXPECT(trainer_resume(&holder, run, &c, NULL, &err));
    EXPECT_REFUSED(trainer_resume(&second, run, &c, NULL, &err), err, ERR_IO, "is in use by");
    trainer_close(holder);
    EXPECT(trainer_open(&holder, &c, NULL, &err) && folder_make(fresh, &err) &&
           run_lock(&lock, fresh, &err));
    EXPECT_FAILS(trainer_run(holder, fresh, &err), err, "is in use by");
    EXPECT(!path_exists(in(fresh, "config.json")));
    trainer_close(holder);
    run_unlock(&lock);
    /* A trainer holds its lock until it is closed. */
    EXPECT(trainer_open(&holder, &c, NULL, &err) && trainer_run(holder, fresh, &err));
    EXPECT(!run_lock(&lock, fresh, &err));
    trainer_close(holder);
}

/* ---- sums ---- */

TEST(accumulated_passes_give_the_loss_and_gradient_of_one_large_batch)
{
    TrainUpdate u[2];
    for (int k = 0; k < 2; k++) {
        Config c = ring(k ? "train.batch=2 train.accumulate=4" : "train.batch=8");
        Trainer *t;
        Err err = {0};
        if (!EXPECT(trainer_open(&t, &c, NULL, &err) && trainer_update(t, &u[k], &err))) return;
        trainer_close(t);
    }
    EXPECT_INT((long long)u[1].images, 8);
    EXPECT_NEAR(u[1].loss, u[0].loss, 1e-6 * u[0].loss);
    EXPECT_NEAR(u[1].grad_norm, u[0].grad_norm, 1e-5 * u[0].grad_norm);
}

/* Draws are a function of the sample's whole number. */
TEST(a_sample_beyond_four_thousand_million_is_not_the_one_32_bits_below)
{
    Config c = ring("");
    Trainer *t = must_open(&c);
    TrainBatch *b = &t->train_batch[0];
    size_t bytes = (size_t)b->size * sizeof(float);
    float *noise = test_floats((size_t)b->size * b->dims), *times = test_floats((size_t)b->size);
    float *x = test_floats((size_t)b->size * b->dims);
    batch_read_train(t, b, 5, NULL);
    memcpy(x, b->xt, bytes * b->dims);
    batch_diffuse_train(t, b, 5);
    memcpy(noise, b->noise, bytes * b->dims);
    memcpy(times, b->t, bytes);
    batch_read_train(t, b, (UINT64_C(1) << 32) + 5, NULL);
    EXPECT(memcmp(x, b->xt, bytes * b->dims) != 0);
    batch_diffuse_train(t, b, (UINT64_C(1) << 32) + 5);
    for (int i = 0; i < b->size; i++)
        EXPECT(noise[(size_t)i * b->dims] != b->noise[(size_t)i * b->dims]);
    EXPECT(memcmp(times, b->t, bytes) != 0);
}

TEST(a_resumed_run_cuts_the_end_of_a_log_of_any_size)
{
    Config c = ring(""), longer = ring("train.steps=5");
    const char *run = test_path("run"), *log = in(run, "stats.jsonl");
    off_t hole = (off_t)3 << 30;
    struct stat st;
    Err err = {0};
    must_train(&c, run, false, NULL);
    EXPECT(truncate(log, hole) == 0 && file_append_line(log, "", &err));
    EXPECT(file_append_line(log, "{\"event\":\"step\",\"step\":4,\"loss\":1}", &err));
    EXPECT(stat(log, &st) == 0);
    off_t kept = st.st_size;
    for (int step = 5; step < 2000; step++) {
        char line[64];
        snprintf(line, sizeof line, "{\"event\":\"step\",\"step\":%d,\"loss\":9}", step);
        EXPECT(file_append_line(log, line, &err));
    }
    EXPECT(file_append_line(log, "{\"event\":\"st", &err) && stat(log, &st) == 0);
    EXPECT(truncate(log, st.st_size - 1) == 0);
    must_train(&longer, run, true, NULL);
    LastLines l;
    bool found = false;
    int lines = 0;
    EXPECT(last_lines_open(&l, log, &err));
    while (last_lines_next(&l, &found, &err) && found && l.start >= kept) {
        lines++;
        char line[1000];
        snprintf(line, sizeof line, "%.*s", (int)l.length, l.text);
        EXPECT_CONTAINS(line, "\"step\":5");
    }
    EXPECT_INT((long long)l.end, (long long)kept);
    EXPECT_INT(lines, 4); /* step, checkpoint, validation, samples */
    last_lines_close(&l);
}
