/* Small runs to resume, and their data. */
#ifndef DIFFC_TESTS_RESUME_CASE_H
#define DIFFC_TESTS_RESUME_CASE_H

#include "train_case.h"

enum { IMAGES = 24 };

/* IMAGES squares, the brightest pixel of which is the first one or of 180. */
static inline void make_data(const char *path, int brightest)
{
    write_squares(path, IMAGES, 180, brightest);
}

static inline void write_labels(const char *folder, int label)
{
    unsigned char bytes[8 + IMAGES] = {0, 0, 8, 1, 0, 0, 0, IMAGES};
    char path[PATH_BYTES];
    Err err = {0};
    for (int i = 0; i < IMAGES; i++) bytes[8 + i] = (unsigned char)(i % 3);
    bytes[8] = (unsigned char)label;
    EXPECT(path_join(path, folder, "labels-idx1-ubyte", &err) &&
           file_write(path, bytes, sizeof bytes, &err));
}

static inline Config tiny_config(const char *more)
{
    Config c = config_of(
        "data.validation=4 model.channels=8 model.multipliers=[1,2] method.steps=6 train.steps=2 "
        "train.batch=4 train.warmup=0 train.checkpoint_every=0 train.validate=0 train.log_every=1 "
        "sample.count=1 sample.langevin_steps=1 train.seed=11",
        more);
    if (c.data.toy != TOY_NONE) return c;
    snprintf(c.data.path, sizeof c.data.path, "%s/images-idx3-ubyte", test_folder());
    if (!path_exists(c.data.path)) make_data(c.data.path, 10);
    return c;
}

/* Only opens the resumed run. */
static inline bool reopens(const Config *c, const char *run, Watch *w, Err *err)
{
    Trainer *t;
    TrainCallbacks callbacks = callbacks_of(w);
    bool ok = trainer_resume(&t, run, c, &callbacks, err);
    trainer_close(t);
    return ok;
}

static inline void expect_config(const char *run, const FileBytes *before)
{
    FileBytes now = content(run, "config.json");
    EXPECT(now.size == before->size && memcmp(now.bytes, before->bytes, now.size) == 0);
    file_free(&now);
}

#endif
