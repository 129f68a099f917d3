/* The classes of a run keep their numbers and names when it is resumed. */
#include <diffc.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/image.h"
#include "io/checkpoint_files.h"
#include "model/class_labels.h"
#include "train_case.h"

static Config tiny_config(const char *more)
{
    return config_of("data.validation=1 data.size=8 model.channels=8 model.multipliers=[1] "
                     "model.class_conditional=true method.steps=4 train.steps=2 train.batch=2 "
                     "train.warmup=0 train.validate=0 sample.count=1 train.log_every=1",
                     more);
}

static void write_class(const char *root, const char *name, int value)
{
    unsigned char pixels[64];
    char folder[PATH_BYTES], path[PATH_BYTES], file[16];
    Err err = {0};
    memset(pixels, value, sizeof pixels);
    Image image = {.height = 8, .width = 8, .channels = 1, .pixels = pixels};
    EXPECT(path_join(folder, root, name, &err) && folder_make(folder, &err));
    for (int i = 0; i < 3; i++) {
        snprintf(file, sizeof file, "%d.png", i);
        EXPECT(path_join(path, folder, file, &err) && image_save_png(path, &image, NULL, &err));
    }
}

/* A folder of classes 1, 2 and 10. */
static Config folder_config(const char *root)
{
    Config c = tiny_config("");
    snprintf(c.data.path, sizeof c.data.path, "%s", root);
    write_class(root, "1", 10);
    write_class(root, "2", 100);
    write_class(root, "10", 200);
    return c;
}

static Trainer *must_resume(const Config *c, const char *run, Watch *w)
{
    Trainer *t;
    Err err = {0};
    TrainCallbacks callbacks = callbacks_of(w);
    if (!EXPECT_OK(trainer_resume(&t, run, c, &callbacks, &err), err)) abort();
    return t;
}

static void expect_names(ClassName *const *names, const char *const *expected)
{
    for (int i = 0; i < 3 && EXPECT(*names != NULL); i++) EXPECT_TEXT((*names)[i], expected[i]);
}

/* A run as earlier versions left it: classes in the order of bytes, no names in the model folder. */
static void begin_old_run(const Config *c, const char *run)
{
    static ClassName bytes_order[] = {"1", "10", "2"};
    Trainer *t;
    Dataset d;
    Err err = {0};
    DataOptions options = {.path = c->data.path,
                           .config = c->data,
                           .seed = c->train.seed,
                           .class_order = bytes_order,
                           .class_count = 3};
    if (!EXPECT_OK(dataset_open(&d, &options, NULL, NULL, &err), err)) abort();
    if (!EXPECT_OK(trainer_open_on(&t, c, &d, &err), err)) abort();
    mem_free(t->plan.model.class_names);
    t->plan.model.class_names = NULL;
    EXPECT_OK(trainer_run(t, run, &err), err);
    trainer_close(t);
}

TEST(a_resumed_run_keeps_the_order_in_which_an_earlier_version_numbered_its_classes)
{
    static const char *const old[] = {"1", "10", "2"}, *const natural[] = {"1", "2", "10"};
    Config c = folder_config(test_path("set"));
    const char *run = test_path("run");
    Watch w = {.count = 0};
    begin_old_run(&c, run);
    Trainer *t = must_open(&c);
    expect_names(&t->data.class_names, natural);
    /* The model's names are those of its run's record. */
    Model m;
    Err err = {0};
    if (!EXPECT_OK(model_open(&m, run, 0, 0, &err), err)) return;
    EXPECT(m.config.class_names == NULL);
    int label = -1;
    EXPECT_OK(model_choose_label(&m, "--label", "10", true, &label, &err), err);
    EXPECT_INT(label, 1);
    expect_names(&m.config.class_names, old);
    model_close(&m);
    t = must_resume(&c, run, &w);
    expect_names(&t->data.class_names, old);
    expect_names(&t->plan.model.class_names, old);
    for (size_t i = 0; i < t->data.count; i++) {
        int value = t->data.pixels[64 * i];
        EXPECT_INT(t->data.labels[i], value == 10 ? 0 : value == 200 ? 1 : 2);
    }
    trainer_close(t);
    c.train.steps = 4;
    must_train(&c, run, true, NULL);
    if (!EXPECT_OK(model_open(&m, run, 0, 0, &err), err)) return;
    expect_names(&m.config.class_names, old);
    model_close(&m);
}

TEST(a_run_that_starts_from_a_model_numbers_its_classes_as_that_model_does)
{
    static const char *const old[] = {"1", "10", "2"}, *const others[] = {"2", "4", "10"};
    Config c = folder_config(test_path("set"));
    const char *run = test_path("run");
    begin_old_run(&c, run);
    snprintf(c.train.init, sizeof c.train.init, "%s", run);
    Trainer *t = must_open(&c);
    expect_names(&t->data.class_names, old);
    /* The folder alone has no names: an earlier version wrote it, which ordered them by bytes. */
    snprintf(c.train.init, sizeof c.train.init, "%s", in(run, "model"));
    t = must_open(&c);
    expect_names(&t->data.class_names, old);
    /* Other classes have an order of their own, and that is said. */
    Watch w = {.count = 0};
    Err err = {0};
    TrainCallbacks callbacks = callbacks_of(&w);
    EXPECT(rename(in(c.data.path, "1"), in(c.data.path, "4")) == 0);
    snprintf(c.train.init, sizeof c.train.init, "%s", run);
    if (!EXPECT_OK(trainer_open(&t, &c, &callbacks, &err), err)) return;
    expect_names(&t->data.class_names, others);
    EXPECT_CONTAINS(w.notes, "note: class 0 of train.init is called 1, and is called 2 now");
    trainer_close(t);
}

/* The state of the newest checkpoint without its record, as the first releases wrote it. */
static void drop_record(const char *run, const Config *c)
{
    Trainer *t;
    Watch w = {.count = 0};
    Err err = {0};
    t = must_resume(c, run, &w);
    CheckpointBlocks blocks = state_blocks(t);
    t->state.record = NULL;
    EXPECT_OK(checkpoint_save(run, &t->table, &blocks, &t->state, 1, &err), err);
    trainer_close(t);
}

TEST(a_run_without_a_record_of_its_data_is_of_a_version_that_ordered_classes_by_bytes)
{
    static const char *const old[] = {"1", "10", "2"};
    Config c = folder_config(test_path("set"));
    const char *run = test_path("run");
    Watch w = {.count = 0};
    begin_old_run(&c, run);
    drop_record(run, &c);
    Trainer *t = must_resume(&c, run, &w);
    EXPECT_CONTAINS(w.notes, "an older release saved it without a record");
    expect_names(&t->data.class_names, old);
    trainer_close(t);
}

/* Squares with labels 0, 1, 2 in turn. */
static Config idx_config(const char *names)
{
    enum { IMAGES = 12 };
    Config c = tiny_config("");
    unsigned char labels[8 + IMAGES] = {0, 0, 8, 1, 0, 0, 0, IMAGES};
    Err err = {0};
    for (int i = 0; i < IMAGES; i++) labels[8 + i] = (unsigned char)(i % 3);
    snprintf(c.data.path, sizeof c.data.path, "%s/images-idx3-ubyte", test_folder());
    write_squares(c.data.path, IMAGES, 200, 10);
    EXPECT(file_write(in(test_folder(), "labels-idx1-ubyte"), labels, sizeof labels, &err));
    snprintf(c.data.class_names, sizeof c.data.class_names, "%s", names);
    return c;
}

TEST(names_of_numbered_classes_can_be_given_and_changed_when_a_run_is_resumed)
{
    static const char *const first[] = {"x", "y", "z"}, *const last[] = {"x", "why", "z"};
    Config none = idx_config(""), named = idx_config("x,y,z"), other = idx_config("x,why,z");
    const char *run = test_path("run");
    Watch w = {.count = 0};
    must_train(&none, run, false, NULL);
    /* Only a run that goes on takes them. */
    named.train.steps = 3;
    Trainer *t = must_resume(&named, run, &w);
    expect_names(&t->record.data.class_names, first);
    trainer_close(t);
    must_train(&named, run, true, NULL);
    DiffcModel *model = diffc_open(run, 0, 0, NULL);
    EXPECT_TEXT(diffc_class_name(model, 2), "z");
    EXPECT(!diffc_class_name(model, 3) && !diffc_class_name(model, -1));
    diffc_close(model);
    /* Without names now, the run's stay. */
    t = must_resume(&none, run, &w);
    expect_names(&t->plan.model.class_names, first);
    trainer_close(t);
    other.train.steps = 4;
    t = must_resume(&other, run, &w);
    EXPECT_CONTAINS(w.notes, "note: class 1 of the run is called y, and is called why now");
    expect_names(&t->plan.model.class_names, last);
    trainer_close(t);
}
