/* The newest run that can do what is asked. */
#include <fcntl.h>
#include <sys/stat.h>

#include "model/model.h"
#include "train_case.h"

static bool has_classes(const void *context, const ModelConfig *config, Err *lack)
{
    (void)context;
    return config->unet.classes > 0 || err_set(lack, ERR_USAGE, "has no classes");
}

static bool anything(const void *context, const ModelConfig *config, Err *lack)
{
    (void)context;
    (void)config;
    (void)lack;
    return true;
}

/* A file of a run under `root`, changed `days` from now. */
static void put_dated(const char *root, const char *folder, const char *name, int days)
{
    struct timespec at = {.tv_sec = time(NULL) + 86400 * days};
    EXPECT(utimensat(AT_FDCWD, put_file(root, folder, name, "{"), (struct timespec[]){at, at}, 0) ==
           0);
}

TEST(the_newest_run_that_serves_is_found_and_what_the_newer_ones_lack_is_said)
{
    char root[PATH_BYTES], run[PATH_BYTES];
    Config c = image_config("");
    Err err = {0};
    NewestRun newest;
    Trainer *t = NULL;
    snprintf(root, sizeof root, "%s", test_path("newest"));
    EXPECT_FAILS(model_newest_run(root, anything, NULL, &newest, &err), err, "there is no folder");
    EXPECT(folder_make(root, &err) && !model_newest_run(root, anything, NULL, &newest, &err));
    EXPECT_CONTAINS(err.text, "has a model yet");
    EXPECT(path_join(run, root, "good", &err) && trainer_open(&t, &c, NULL, &err) &&
           trainer_run(t, run, &err));
    trainer_close(t);
    EXPECT(model_newest_run(root, anything, NULL, &newest, &err));
    EXPECT_TEXT(newest.path, run);
    EXPECT_INT(newest.passed, 0);
    EXPECT_FAILS(model_newest_run(root, has_classes, NULL, &newest, &err), err,
                 "good has no classes; it is the only run");
    /* A damaged one and one without a model are newer. */
    put_dated(root, "damaged/model", "model_index.json", 1);
    put_dated(root, "begun", "config.json", 2);
    EXPECT(model_newest_run(root, anything, NULL, &newest, &err));
    EXPECT_TEXT(newest.path, run);
    EXPECT_INT(newest.passed, 2);
    EXPECT_CONTAINS(newest.passed_path, "begun");
    EXPECT_TEXT(newest.lack.text, "has no model yet");
    EXPECT_FAILS(model_newest_run(root, has_classes, NULL, &newest, &err), err,
                 "none of the 3 runs");
}
