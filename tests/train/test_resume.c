/* Resuming: what a run is stays what it is, and what changes is said. */
#include <unistd.h>

#include "base/mem.h"
#include "io/config_fields.h"
#include "resume_case.h"

/* ---- what was computed at the start ---- */

/* The brightest pixel of one image makes the widest distance; labels and sizes stay. */
static void check_computed(const char *settings, double *(*of)(Trainer *))
{
    Config c = tiny_config(settings);
    const char *run = test_path("%s", settings);
    Err err = {0};
    Trainer *t;
    Watch w = {.count = 0};
    TrainCallbacks callbacks = callbacks_of(&w);
    must_train(&c, run, false, NULL);
    if (!EXPECT(trainer_resume(&t, run, &c, &callbacks, &err))) return;
    double recorded = *of(t);
    int levels = t->plan.model.noise.levels;
    trainer_close(t);
    make_data(c.data.path, 255);
    if (!EXPECT(trainer_open(&t, &c, NULL, &err))) return;
    EXPECT(*of(t) != recorded);
    trainer_close(t);
    if (!EXPECT(trainer_resume(&t, run, &c, &callbacks, &err))) return;
    EXPECT(recorded > 0 && *of(t) == recorded);
    EXPECT_INT(t->plan.model.noise.levels, levels);
    trainer_close(t);
    c.train.steps = 3;
    must_train(&c, run, true, NULL);
    if (!EXPECT(trainer_resume(&t, run, &c, &callbacks, &err))) return;
    EXPECT(*of(t) == recorded);
    trainer_close(t);
    make_data(c.data.path, 10);
}

static double *sigma_of(Trainer *t)
{
    return &t->plan.model.noise.sigma_max;
}
static double *square_of(Trainer *t)
{
    return &t->masks.learner.mean_square;
}

TEST(what_was_computed_from_the_data_at_the_start_is_read_back_from_the_run)
{
    check_computed("method.type=smld", sigma_of);
    check_computed("method.type=sde method.sde=ve", sigma_of);
    check_computed("method.type=eddpm method.keep=3", square_of);
}

/* ---- data ---- */

TEST(other_data_are_refused_and_data_that_moved_are_not)
{
    Config c = tiny_config("");
    const char *run = test_path("run");
    Err err = {0};
    Watch w = {.count = 0};
    write_labels(test_folder(), 0);
    must_train(&c, run, false, NULL);
    FileBytes before = content(run, "config.json");
    c.train.steps++; /* it goes on */
    write_labels(test_folder(), 1);
    EXPECT_REFUSED(reopens(&c, run, &w, &err), err, ERR_USAGE,
                   "the checksum of labels and sizes is ");
    c.data.limit = 20;
    EXPECT_FAILS(reopens(&c, run, &w, &err), err,
                 "the number of images is 24 in the run, but 20 in these");
    c.data.limit = 0;
    c.data.height = c.data.width = 4;
    EXPECT_FAILS(reopens(&c, run, &w, &err), err,
                 "data.size is [8,8] in the run, but [4,4] in these");
    c.data.height = c.data.width = 0;
    EXPECT_TEXT(w.notes, "");
    expect_config(run, &before);
    const char *moved = test_path("moved");
    EXPECT(folder_make(moved, &err));
    write_labels(moved, 0);
    snprintf(c.data.path, sizeof c.data.path, "%s/images-idx3-ubyte", moved);
    make_data(c.data.path, 10);
    EXPECT_OK(reopens(&c, run, &w, &err), err);
    EXPECT_CONTAINS(w.notes, "data.path: ");
    file_free(&before);
}

static void make_image(const char *folder, const char *name)
{
    /* A PNG of one black pixel. */
    static const unsigned char png[] = {
        0x89, 'P',  'N',  'G',  0x0D, 0x0A, 0x1A, 0x0A, 0,    0,    0,    13,   'I',  'H',
        'D',  'R',  0,    0,    0,    1,    0,    0,    0,    1,    8,    0,    0,    0,
        0,    0x3A, 0x7E, 0x9B, 0x55, 0,    0,    0,    10,   'I',  'D',  'A',  'T',  0x78,
        0x9C, 0x63, 0x60, 0,    0,    0,    2,    0,    1,    0x48, 0xAF, 0xA4, 0x71, 0,
        0,    0,    0,    'I',  'E',  'N',  'D',  0xAE, 0x42, 0x60, 0x82};
    char path[PATH_BYTES];
    Err err = {0};
    EXPECT(folder_make(folder, &err) && path_join(path, folder, name, &err) &&
           file_write(path, png, sizeof png, &err));
}

TEST(a_class_of_another_name_is_other_data)
{
    Config c = tiny_config("");
    const char *run = test_path("run");
    char ant[PATH_BYTES], bee[PATH_BYTES], cow[PATH_BYTES];
    Err err = {0};
    Watch w = {.count = 0};
    Trainer *t;
    snprintf(c.data.path, sizeof c.data.path, "%s", test_path("folder"));
    EXPECT(path_join(ant, c.data.path, "ant", &err) && path_join(bee, c.data.path, "bee", &err) &&
           path_join(cow, c.data.path, "cow", &err));
    make_image(ant, "1.png");
    make_image(ant, "2.png");
    make_image(bee, "1.png");
    make_image(bee, "2.png");
    set(&c, "data.size=8");
    set(&c, "data.validation=1");
    must_train(&c, run, false, NULL);
    TrainCallbacks callbacks = callbacks_of(&w);
    if (!EXPECT(trainer_resume(&t, run, &c, &callbacks, &err))) return;
    EXPECT_INT(t->record.data.classes, 2);
    EXPECT_TEXT(t->record.data.class_names[1], "bee");
    trainer_close(t);
    EXPECT(rename(ant, cow) == 0);
    EXPECT_REFUSED(reopens(&c, run, &w, &err), err, ERR_USAGE,
                   "class 0 is \"ant\" in the run, but \"bee\" in these");
}

/* ---- the start ---- */

static void remove_checkpoints(const char *run)
{
    char folder[PATH_BYTES], path[PATH_BYTES];
    Names names;
    Err err = {0};
    if (!EXPECT(path_join(folder, run, "checkpoints", &err) && folder_list(folder, &names, &err)))
        return;
    for (size_t i = 0; i < names.count; i++)
        EXPECT(path_join(path, folder, names.names[i], &err) && unlink(path) == 0);
    names_free(&names);
}

/* What a run that was killed before its first checkpoint lacks. */
static void remove_saves(const char *run)
{
    char model[PATH_BYTES];
    EXPECT(path_join(model, run, "model", NULL) && test_remove_tree(model));
    remove_checkpoints(run);
}

TEST(a_run_whose_checkpoints_are_gone_keeps_its_model)
{
    Config c = tiny_config("");
    const char *run = test_path("run");
    Err err = {0};
    Watch refused = {.count = 0};
    must_train(&c, run, false, NULL);
    remove_checkpoints(run);
    EXPECT_REFUSED(reopens(&c, run, &refused, &err), err, ERR_IO, "its checkpoints are gone");
}

TEST(a_run_resumed_before_its_first_checkpoint_starts_as_it_did_from_the_weights_of_train_init)
{
    Config c = tiny_config("");
    const char *base = test_path("base"), *run = test_path("run");
    Err err = {0};
    Watch first = {.count = 0}, again = {.count = 0}, refused = {.count = 0};
    c.train.steps = 100;
    c.train.optimizer.lr = 0.01;
    must_train(&c, base, false, NULL);
    c.train.steps = 2;
    snprintf(c.train.init, sizeof c.train.init, "%s", base);
    must_train(&c, run, false, &first);
    EXPECT_CONTAINS(first.notes, "starting from the weights of");
    remove_saves(run);
    c.train.optimizer.lr = 0.02;
    must_train(&c, run, true, &again);
    EXPECT_CONTAINS(again.notes, "has no checkpoint yet: starting from the beginning");
    EXPECT_CONTAINS(again.notes, "starting from the weights of");
    EXPECT_CONTAINS(again.notes, "train.lr: 0.01 -> 0.02");
    EXPECT(again.seen[0].loss == first.seen[0].loss && first.seen[0].loss < 0.9);
    remove_saves(run);
    again = (Watch){.count = 0};
    c.train.init[0] = '\0';
    must_train(&c, run, true, &again);
    EXPECT(again.seen[0].loss == first.seen[0].loss);
    remove_saves(run);
    set(&c, "method.prediction=v");
    EXPECT_REFUSED(reopens(&c, run, &refused, &err), err, ERR_USAGE,
                   "method.prediction is \"eps\" in the run, but \"v\" here");
}

/* ---- schedules that follow the length ---- */

TEST(a_length_that_moves_the_learning_rate_is_said_with_both_rates)
{
    Config c = tiny_config("");
    Watch w = {.stop_at = 3};
    Err err = {0};
    set(&c, "train.schedule=cosine");
    set(&c, "train.lr=1e-3");
    c.train.steps = 4;
    EXPECT(!train(&c, test_path("run"), false, &w, &err));
    w = (Watch){.count = 0};
    EXPECT(reopens(&c, test_path("run"), &w, &err));
    EXPECT(!strstr(w.notes, "learning rate"));
    c.train.steps = 6;
    EXPECT(reopens(&c, test_path("run"), &w, &err));
    EXPECT_CONTAINS(w.notes, "train.steps: 4 -> 6");
    EXPECT_CONTAINS(w.notes,
                    "the learning rate goes from 0.0005 at the last update to 0.0005 at the next");
    c.train.steps = 12;
    EXPECT(reopens(&c, test_path("run"), &w, &err));
    EXPECT_CONTAINS(
        w.notes, "the learning rate goes from 0.0005 at the last update to 0.000854 at the next");
    c.train.steps = 0;
    c.train.minutes = 1e7;
    EXPECT(reopens(&c, test_path("run"), &w, &err));
    EXPECT_CONTAINS(w.notes, "train.minutes: 0 -> 10000000");
    EXPECT_CONTAINS(w.notes,
                    "the learning rate goes from 0.0005 at the last update to 0.001 at the next");
}

/* ---- runs of older releases ---- */

/* The newest checkpoint without what the run is, as releases before this one wrote it. */
static void forget_record(const Config *c, const char *run)
{
    Trainer *t;
    Err err = {0};
    Watch w = {.count = 0};
    TrainCallbacks callbacks = callbacks_of(&w);
    if (!EXPECT(trainer_resume(&t, run, c, &callbacks, &err))) return;
    CheckpointBlocks blocks = state_blocks(t);
    t->state.record = NULL;
    EXPECT(checkpoint_save(run, &t->table, &blocks, &t->state, 1, &err));
    trainer_close(t);
}

TEST(a_run_of_an_older_release_is_compared_with_its_config_json)
{
    Config c = tiny_config("");
    const char *run = test_path("old");
    Err err = {0};
    Watch w = {.count = 0};
    char path[PATH_BYTES];
    must_train(&c, run, false, NULL);
    forget_record(&c, run);
    EXPECT_OK(reopens(&c, run, &w, &err), err);
    EXPECT_CONTAINS(w.notes, "an older release saved it");
    set(&c, "method.prediction=v");
    EXPECT_FAILS(reopens(&c, run, &w, &err), err,
                 "method.prediction is \"eps\" in the run, but \"v\" here");
    set(&c, "method.prediction=eps");
    EXPECT(path_join(path, run, "config.json", &err) && unlink(path) == 0);
    EXPECT_REFUSED(reopens(&c, run, &w, &err), err, ERR_FORMAT, "there is no config.json");
}

#define OLD_KEYS(alphas, reward, masks, baseline, precondition, ramp, settle, extract)             \
    "\"alphas\":\"" alphas "\",\"reward\":\"" reward "\",\"masks\":" masks                         \
    ",\"baseline\":\"" baseline "\",\"score_rate\":0.03,\"precondition\":" precondition            \
    ",\"full\":0.16,\"ramp\":" ramp ",\"settle\":" settle ",\"extract\":\"" extract "\""

/* The run's config.json with these keys in the place of the recipe's. */
static void write_old_keys(const char *run, const char *keys)
{
    Err err = {0};
    FileBytes now = content(run, "config.json");
    const char *text = (const char *)now.bytes, *from = strstr(text, "\"recipe\"");
    const char *after = strstr(from, "\"auto\"") + strlen("\"auto\"");
    char old[8192];
    int n = snprintf(old, sizeof old, "%.*s%s%s", (int)(from - text), text, keys, after);
    EXPECT(file_write(in(run, "config.json"), old, (size_t)n, &err));
    file_free(&now);
}

/* Older versions had a key for each setting of a recipe. */
TEST(an_old_run_of_eddpm_goes_on_with_the_recipe_that_has_its_settings)
{
    static const struct {
        const char *set, *keys, *mixed, *says;
    } rows[] = {{"", OLD_KEYS("merged", "bound", "4", "others", "true", "0.6", "0.7", "moves"),
                 OLD_KEYS("merged", "bound", "2", "others", "true", "0.6", "0.7", "moves"),
                 "method.masks is 2, written by an older version; this one has two recipes and no "
                 "mixture of them: \"tuned\" has 4, \"paper\" 1"},
                {" method.recipe=paper",
                 OLD_KEYS("literal", "loss", "1", "none", "false", "0.99", "1", "draw"),
                 OLD_KEYS("literal", "loss", "1", "none", "false", "0.99", "1", "moves"),
                 "method.extract is moves, written by an older version"}};
    for (int i = 0; i < 2; i++) {
        char settings[96];
        snprintf(settings, sizeof settings, "method.type=eddpm method.keep=3%s", rows[i].set);
        Config c = tiny_config(settings), own;
        const char *straight = test_path("straight%d", i), *run = test_path("older%d", i);
        Err err = {0};
        Watch w = {.stop_at = 1};
        c.train.steps = 4;
        must_train(&c, straight, false, NULL);
        EXPECT(!train(&c, run, false, &w, &err));
        forget_record(&c, run);
        FileBytes now = content(run, "config.json");
        write_old_keys(run, rows[i].keys);
        config_defaults(&own);
        EXPECT_OK(trainer_run_config(run, &own, &err), err);
        EXPECT(own.method.mask.recipe == c.method.mask.recipe &&
               own.method.mask.alphas == ALPHAS_AUTO);
        must_train(&own, run, true, NULL);
        expect_same_run(straight, run);
        EXPECT(file_write(in(run, "config.json"), now.bytes, now.size, &err));
        write_old_keys(run, rows[i].mixed);
        config_defaults(&own);
        EXPECT_REFUSED(trainer_run_config(run, &own, &err), err, ERR_USAGE, rows[i].says);
        file_free(&now);
    }
}

TEST(a_run_goes_on_with_its_own_configuration_where_none_is_given)
{
    Config c = tiny_config(""), own;
    const char *run = test_path("run");
    Err err = {0};
    char path[PATH_BYTES], *before = config_to_json(&c), *text;
    must_train(&c, run, false, NULL);
    for (int from_checkpoint = 0; from_checkpoint < 2; from_checkpoint++) {
        config_defaults(&own);
        EXPECT_OK(trainer_run_config(run, &own, &err), err);
        text = config_to_json(&own);
        EXPECT_TEXT(text, before);
        mem_free(text);
        EXPECT(path_join(path, run, "config.json", &err));
        unlink(path);
        must_train(&own, run, true, NULL);
        unlink(path);
    }
    mem_free(before);
    EXPECT(!trainer_run_config(test_path("nothing"), &own, &err));
    EXPECT_INT(err.kind, ERR_IO);
}
