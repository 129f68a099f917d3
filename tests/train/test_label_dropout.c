/* train.label_dropout: which samples are trained without their class, and what the model folder says of it. */
#include <diffc.h>

#include "model/model_use.h"
#include "train_case.h"

enum { IMAGES = 40, CLASSES = 3 };

static Config labelled_config(const char *more)
{
    unsigned char bytes[8 + IMAGES] = {0, 0, 8, 1, 0, 0, 0, IMAGES};
    Err err = {0};
    for (int i = 0; i < IMAGES; i++) bytes[8 + i] = (unsigned char)(i % CLASSES);
    EXPECT_OK(file_write(test_path("labels-idx1-ubyte"), bytes, sizeof bytes, &err), err);
    Config c = image_config("model.class_conditional=true");
    set_all(&c, more);
    return c;
}

TEST(the_share_of_dropped_labels_is_that_of_the_key_and_the_others_are_the_images_own)
{
    enum { BATCHES = 2000 };
    Config c = labelled_config("train.label_dropout=0.2 train.batch=8 train.micro_batch=8");
    Config whole = labelled_config("train.batch=8 train.micro_batch=8");
    Trainer *t = must_open(&c), *all = must_open(&whole);
    int dropped = 0, wrong = 0, samples = 0;
    for (int k = 0; k < BATCHES; k++) {
        TrainBatch *b = &t->train_batch[0], *a = &all->train_batch[0];
        uint64_t first = (uint64_t)k * 8;
        batch_read_train(t, b, first, NULL);
        batch_read_train(all, a, first, NULL);
        for (int i = 0; i < b->size; i++, samples++) {
            bool none = b->label[i] == CLASSES;
            dropped += none;
            wrong += !none && b->label[i] != a->label[i];
        }
        EXPECT_SAME(b->xt, a->xt, (size_t)b->size * b->dims * sizeof *b->xt);
    }
    EXPECT_INT(wrong, 0);
    EXPECT_NEAR((double)dropped / samples, 0.2, 5 * sqrt(0.2 * 0.8 / samples));
    batch_fill_validation(t, &t->eval_batch, 0, 8, NULL);
    for (int i = 0; i < 8; i++) EXPECT(t->eval_batch.label[i] < CLASSES);
}

TEST(whether_a_label_is_dropped_depends_on_the_number_of_the_sample_alone)
{
    Config c = labelled_config("train.label_dropout=0.5 train.micro_batch=8");
    Config small = labelled_config("train.label_dropout=0.5 train.micro_batch=2");
    Trainer *t = must_open(&c), *s = must_open(&small);
    batch_read_train(t, &t->train_batch[0], 32, NULL);
    for (int i = 0; i < 8; i += 2) {
        batch_read_train(s, &s->train_batch[0], 32 + (uint64_t)i, NULL);
        EXPECT_SAME(s->train_batch[0].label, t->train_batch[0].label + i, 2 * sizeof(float));
    }
}

TEST(training_with_dropped_labels_is_the_same_for_any_threads_and_resumes_to_the_same_bits)
{
    Config c = labelled_config("train.label_dropout=0.3");
    const char *whole = test_path("whole"), *parts = test_path("parts");
    Watch stop = {.stop_at = 4};
    Err err = {0};
    expect_threads_change_nothing(&c);
    must_train(&c, whole, false, NULL);
    EXPECT(!train(&c, parts, false, &stop, &err) && err.kind == ERR_INTERRUPTED);
    must_train(&c, parts, true, NULL);
    expect_same_run(whole, parts);
}

TEST(the_model_folder_has_one_row_more_and_says_what_it_is_for)
{
    Config c = labelled_config("train.label_dropout=0.3"), plain = labelled_config("");
    const char *run = test_path("run"), *other = test_path("plain");
    Err err = {0};
    Model m;
    if (!must_train(&c, run, false, NULL) || !must_train(&plain, other, false, NULL)) return;
    FileBytes json = content(run, "model/unet/config.json");
    EXPECT_CONTAINS((const char *)json.bytes, "\"null_class\": true,\n  \"num_class_embeds\": 4,");
    file_free(&json);
    json = content(other, "model/unet/config.json");
    EXPECT_CONTAINS((const char *)json.bytes, "\"num_class_embeds\": 3,");
    EXPECT(!strstr((const char *)json.bytes, "null_class"));
    file_free(&json);
    EXPECT_OK(model_open(&m, run, 0, 0, &err), err);
    EXPECT(m.config.unet.classes == CLASSES && m.config.unet.null_class);
    EXPECT_INT(m.config.warning_count, 0);
    SampleConfig guided = {.guidance = 2}, off = {.guidance = 1};
    EXPECT(model_check_guidance(&m.config, &guided, &err));
    int label = CLASSES;
    EXPECT(!model_check_label(&m.config, "--label", false, &label, &err));
    label = -1;
    EXPECT_OK(model_check_label(&m.config, "--label", false, &label, &err), err);
    EXPECT_INT(label, -1);
    EXPECT_OK(model_check_label(&m.config, "--label", true, &label, &err), err);
    EXPECT_INT(label, CLASSES); /* no class */
    model_close(&m);
    EXPECT_OK(model_open(&m, other, 0, 0, &err), err);
    EXPECT_REFUSED(model_check_guidance(&m.config, &guided, &err), err, ERR_USAGE,
                   "was trained without train.label_dropout");
    EXPECT(model_check_guidance(&m.config, &off, &err));
    label = -1;
    EXPECT_REFUSED(model_check_label(&m.config, "--label", true, &label, &err), err, ERR_USAGE,
                   "--label must say which class");
    model_close(&m);
    plain.train.steps = 1;
    snprintf(plain.train.init, sizeof plain.train.init, "%.900s", run);
    EXPECT_REFUSED(train(&plain, test_path("third"), false, NULL, &err), err, ERR_USAGE,
                   "train.label_dropout (null_class in a model folder) is ");
}

TEST(a_folder_whose_table_has_no_row_to_spare_for_no_class_is_refused)
{
    Config c = labelled_config("train.label_dropout=0.3");
    const char *run = test_path("run");
    Err err = {0};
    ModelConfig m;
    if (!must_train(&c, run, false, NULL)) return;
    FileBytes json = content(run, "model/unet/config.json");
    char *at = strstr((char *)json.bytes, "\"num_class_embeds\": 4");
    if (!EXPECT(at)) return;
    at[strlen("\"num_class_embeds\": ")] = '1';
    EXPECT_OK(file_write(in(run, "model/unet/config.json"), json.bytes, json.size, &err), err);
    file_free(&json);
    EXPECT_REFUSED(model_folder_read_config(in(run, "model"), &m, &err), err, ERR_FORMAT,
                   "null_class must be false where num_class_embeds is below 2, got true");
}

/* The same bits whichever batch; what comes after a guided call is not guided. */
TEST(the_library_guides_by_its_settings_and_only_the_call_that_has_them)
{
    enum { COUNT = 3, VALUES = COUNT * SIDE * SIDE };
    Config c = labelled_config("train.label_dropout=0.3 train.steps=30 train.lr=0.02");
    const char *run = test_path("run"), *guidance[] = {"guidance=3", NULL};
    static float plain[VALUES], guided[VALUES], again[VALUES], clean[VALUES], later[VALUES];
    DiffcSampleOptions o;
    DiffcError error;
    if (!must_train(&c, run, false, NULL)) return;
    DiffcModel *m = diffc_open(run, 0, 0, &error);
    diffc_sample_defaults(&o, sizeof o);
    o.steps = 5;
    o.sampler = "ddim";
    EXPECT(diffc_sample(m, &o, COUNT, plain, &error) == DIFFC_OK);
    EXPECT(diffc_denoise(m, COUNT, plain, 0.5, 1, clean, &error) == DIFFC_OK);
    o.settings = guidance;
    EXPECT(diffc_sample(m, &o, COUNT, guided, &error) == DIFFC_OK);
    EXPECT(diffc_denoise(m, COUNT, plain, 0.5, 1, later, &error) == DIFFC_OK);
    EXPECT_SAME(later, clean, sizeof clean);
    o.batch = 2;
    EXPECT(diffc_sample(m, &o, COUNT, again, &error) == DIFFC_OK);
    EXPECT_SAME(again, guided, sizeof guided);
    EXPECT(memcmp(guided, plain, sizeof plain) != 0);
    o.settings = NULL;
    EXPECT(diffc_sample(m, &o, COUNT, again, &error) == DIFFC_OK);
    EXPECT_SAME(again, plain, sizeof plain);
    diffc_close(m);
}

TEST(keys_of_guidance_that_could_not_act_are_refused)
{
    Err err = {0};
    Config c = labelled_config("train.label_dropout=0.1 sample.guidance=2 sample.guidance_high=3");
    EXPECT_OK(config_check(&c, &err), err);
    set(&c, "sample.guidance_low=3");
    EXPECT_REFUSED(config_check(&c, &err), err, ERR_USAGE, "leaves no level");
    c = labelled_config("sample.guidance=2");
    EXPECT_REFUSED(config_check(&c, &err), err, ERR_USAGE, "train.label_dropout is 0");
    c = labelled_config("train.label_dropout=0.1 model.class_conditional=false");
    EXPECT_REFUSED(config_check(&c, &err), err, ERR_USAGE, "model.class_conditional is false");
    c = labelled_config("train.label_dropout=0.1 sample.guidance_low=1");
    EXPECT_REFUSED(config_check(&c, &err), err, ERR_USAGE, "guidance is 1, which is off");
}
