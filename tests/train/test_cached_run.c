/* Training on a folder whose decoded images lie in a file: the same bits as from memory, and what happens when the file
 * is cut in the middle of a run. */
#include <unistd.h>

#include "train_case.h"

enum { PICTURES = 40 };

static void write_pictures(void)
{
    unsigned char pixels[SIDE * SIDE * 3];
    Err err = {0};
    EXPECT_OK(folder_make(in(test_folder(), "pictures"), &err), err);
    for (int i = 0; i < PICTURES; i++) {
        char name[32];
        for (int k = 0; k < (int)sizeof pixels; k++)
            pixels[k] = (unsigned char)(i * 31 + k * (1 + i % 7));
        Image image = {.height = SIDE, .width = SIDE, .channels = 3, .pixels = pixels};
        snprintf(name, sizeof name, "pictures/%d.png", i);
        EXPECT_OK(image_save_png(in(test_folder(), name), &image, NULL, &err), err);
    }
}

static Config pictures_config(const char *more)
{
    char settings[256];
    snprintf(settings, sizeof settings,
             "data.flip=true train.steps=12 train.eval_every=6 sample.steps=5 %s", more);
    Config c = image_config(settings);
    snprintf(c.data.path, sizeof c.data.path, "%s", in(test_folder(), "pictures"));
    return c;
}

static void keep_in(Config *c, const char *folder)
{
    snprintf(c->data.cache, sizeof c->data.cache, "%s", in(test_folder(), folder));
}

/* What the log says of validation and of the samples' distance. */
static void copy_measured(const char *run, char *out, size_t size)
{
    FileBytes log = content(run, "stats.jsonl");
    out[0] = '\0';
    for (char *line = (char *)log.bytes, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (strstr(line, "\"validation\"") || strstr(line, "\"distance\""))
            watch_add(out, size, line);
    }
    file_free(&log);
}

TEST(a_run_gives_the_same_bits_from_memory_and_from_a_file_that_is_made_or_there)
{
    static const char *const methods[] = {"", "method.type=eddpm method.keep=10",
                                          "method.type=smld method.levels=10"};
    char measured[4096], again[4096];
    write_pictures();
    for (int i = 0; i < 3; i++) {
        const char *memory = test_path("memory%d", i), *cold = test_path("cold%d", i),
                   *warm = test_path("warm%d", i);
        Config c = pictures_config(methods[i]);
        set(&c, "data.cache=off");
        if (!must_train(&c, memory, false, NULL)) return;
        char kept[16];
        snprintf(kept, sizeof kept, "kept%d", i);
        keep_in(&c, kept);
        if (!must_train(&c, cold, false, NULL) || !must_train(&c, warm, false, NULL)) return;
        expect_same_run(memory, cold);
        expect_same_run(memory, warm);
        copy_measured(memory, measured, sizeof measured);
        copy_measured(warm, again, sizeof again);
        EXPECT_CONTAINS(measured, "distance");
        EXPECT_TEXT(again, measured);
    }
}

static void cut_the_file(Watch *w, int64_t step)
{
    Names names;
    (void)w;
    if (step != 5 || !EXPECT(folder_list(in(test_folder(), "kept"), &names, NULL))) return;
    if (EXPECT_INT(names.count, 1))
        EXPECT(truncate(in(in(test_folder(), "kept"), names.names[0]), 100) == 0);
    names_free(&names);
}

TEST(a_file_that_is_cut_in_the_middle_ends_the_run_saved_and_resuming_goes_on_to_the_same_bits)
{
    const char *whole = test_path("whole"), *cut = test_path("cut");
    Watch w = {.on_step = cut_the_file}, after = {0};
    Err err;
    write_pictures();
    Config c = pictures_config("");
    keep_in(&c, "kept");
    if (!must_train(&c, whole, false, NULL)) return;
    EXPECT(!train(&c, cut, false, &w, &err));
    EXPECT_INT(err.kind, ERR_IO);
    EXPECT_CONTAINS(err.text, "was cut short while it was in use");
    if (!must_train(&c, cut, true, &after)) return;
    EXPECT_CONTAINS(after.notes, "step 5");
    EXPECT_CONTAINS(after.notes, "is damaged; it is made anew");
    expect_same_run(whole, cut);
    EXPECT_INT(test_count_names(test_path("kept")), 1);
}

TEST(the_plan_counts_no_images_that_lie_in_a_file)
{
    write_pictures();
    Config c = pictures_config("data.cache=off");
    const TrainPlan *memory = trainer_plan(must_open(&c));
    keep_in(&c, "kept");
    const TrainPlan *file = trainer_plan(must_open(&c));
    EXPECT_INT(memory->data_bytes, PICTURES * SIDE * SIDE * 3);
    EXPECT_INT(file->data_bytes, 0);
    EXPECT_INT(memory->memory_bytes - file->memory_bytes, PICTURES * (SIDE * SIDE * 3 - 4));
    /* A plan says the same where the file is not there yet, and makes none. */
    Trainer *t;
    Err err = {0};
    keep_in(&c, "none");
    if (!EXPECT_OK(trainer_open_plan(&t, &c, NULL, &err), err)) return;
    EXPECT_INT(trainer_plan(t)->memory_bytes, file->memory_bytes);
    EXPECT(!path_exists(c.data.cache));
    trainer_close(t);
}
