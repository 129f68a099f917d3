/* train.eval_every: the samples' distance from the data, measured in the middle of a run. */

#include "train_case.h"

static Config measured_config(const char *more)
{
    Config c = image_config("model.attention=[] train.steps=6 train.eval_every=2 train.ema=0.5");
    set_all(&c, more);
    return c;
}

static int distance_lines(const char *run)
{
    int count = 0;
    FileBytes log = content(run, "stats.jsonl");
    for (const char *at = (const char *)log.bytes; (at = strstr(at, "\"event\":\"distance\""));
         at++)
        count++;
    file_free(&log);
    return count;
}

/* The lines about a step are the same text. */
static void expect_same_line(const char *a, const char *b, int step)
{
    char first[1 << 14];
    snprintf(first, sizeof first, "%s", log_line(a, "distance", step));
    EXPECT(first[0]);
    EXPECT_TEXT(log_line(b, "distance", step), first);
}

TEST(a_distance_is_logged_and_said_so_many_updates_apart_and_changes_nothing_else)
{
    Config c = measured_config(""), without = measured_config("train.eval_every=0");
    Watch w = {0};
    const char *run = test_path("run"), *plain = test_path("plain");
    must_train(&c, run, false, &w);
    must_train(&without, plain, false, NULL);
    EXPECT_INT(distance_lines(run), 3);
    EXPECT_INT(distance_lines(plain), 0);
    for (int step = 2; step <= 6; step += 2) {
        EXPECT(logged(run, "distance", step, "\"sliced_wasserstein\":") > 0);
        EXPECT(logged(run, "distance", step, "\"standard_error\":") > 0);
        EXPECT(logged(run, "distance", step, "\"other_data\":") > 0);
        EXPECT(logged(run, "distance", step, "\"images\":") == 16); /* half of 32 */
        EXPECT(logged(run, "step", step, "\"loss\":") == logged(plain, "step", step, "\"loss\":"));
    }
    EXPECT_CONTAINS(w.notes, "step 4: sliced Wasserstein distance x 1000 of 16 samples: ");
    EXPECT_TEXT(w.problems, "");
    expect_same_run(run, plain);
}

/* Squares are far from what an untrained network makes, and other squares are near. */
TEST(samples_of_an_untrained_network_are_farther_than_other_training_images)
{
    Config c = measured_config("train.steps=2");
    const char *run = test_path("run");
    must_train(&c, run, false, NULL);
    EXPECT(logged(run, "distance", 2, "\"sliced_wasserstein\":") >
           2 * logged(run, "distance", 2, "\"other_data\":"));
}

TEST(threads_change_no_digit)
{
    Config c = measured_config("train.steps=2");
    const char *first = test_path("1-thread");
    FOR_THREADS(threads)
    {
        const char *run = threads == 1 ? first : test_path("%d-threads", threads);
        must_train(&c, run, false, NULL);
        expect_same_line(first, run, 2);
    }
}

TEST(an_interrupted_measurement_is_made_on_resume_and_a_resumed_run_has_the_same_lines)
{
    Config c = measured_config("");
    Err err;
    const char *straight = test_path("straight");
    must_train(&c, straight, false, NULL);
    for (int stop = 1; stop <= 5; stop++) {
        Watch w = {.stop_at = stop};
        const char *run = test_path("stop%d", stop);
        EXPECT(!train(&c, run, false, &w, &err));
        EXPECT_INT(err.kind, ERR_INTERRUPTED);
        EXPECT_INT(distance_lines(run), (stop - 1) / 2);
        must_train(&c, run, true, NULL);
        EXPECT_INT(distance_lines(run), 3);
        for (int step = 2; step <= 6; step += 2) expect_same_line(straight, run, step);
        expect_same_run(straight, run);
    }
}

TEST(a_measurement_interrupted_at_the_last_step_is_missing_until_resume)
{
    Config c = measured_config("");
    Watch w = {.stop_at = 6};
    Err err;
    const char *run = test_path("run");
    EXPECT(!train(&c, run, false, &w, &err));
    EXPECT_CONTAINS(err.text, "interrupted at step 6, the last");
    EXPECT_INT(distance_lines(run), 2);
    must_train(&c, run, true, NULL);
    EXPECT_INT(distance_lines(run), 3);
}

TEST(every_method_is_measured)
{
    static const char *const methods[] = {"method.type=eddpm method.keep=5",
                                          "method.type=sde method.sde=vp",
                                          "method.type=sde method.sde=ve",
                                          "method.type=smld method.levels=8",
                                          "method.type=cdm method.steps=12",
                                          "method.steps=7",
                                          "method.prediction=v method.steps=50",
                                          "method.learn_variance=true",
                                          "model.class_conditional=false method.steps=50"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        Config c = image_config("model.attention=[] train.eval_every=2");
        Config standard;
        config_defaults(&standard);
        set_all(&c, methods[i]);
        set_all(&c, "train.steps=2");
        if (c.method.type == METHOD_SMLD || c.method.type == METHOD_SDE)
            c.method.noise.T = standard.method.noise.T;
        if (c.method.type == METHOD_CDM) set_all(&c, "method.beta_end=0.4");
        Watch w = {0};
        const char *run = test_path("run%d", (int)i);
        must_train(&c, run, false, &w);
        EXPECT_TEXT(w.problems, "");
        EXPECT_INT(distance_lines(run), 1);
    }
}

TEST(what_cannot_be_measured_is_refused_before_anything_is_written)
{
    Config toy = config_of("data.toy=ring train.steps=4 train.eval_every=2", "");
    Config few = image_config("train.eval_every=2 data.limit=12 data.validation=5");
    Err err;
    EXPECT_REFUSED(train(&toy, test_path("toy"), false, NULL, &err), err, ERR_USAGE,
                   "train.eval_every is 2, but data.toy gives points");
    EXPECT_REFUSED(train(&few, test_path("few"), false, NULL, &err), err, ERR_USAGE,
                   "7 training images are too few");
    EXPECT(!path_exists(test_path("toy")) && !path_exists(test_path("few")));
}
