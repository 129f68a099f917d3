/* What the tests of training share: small configurations and their data, runs in the scratch folder,
 * what a run says, and its files. */
#ifndef DIFFC_TESTS_TRAIN_CASE_H
#define DIFFC_TESTS_TRAIN_CASE_H

#include "base/clock.h"
#include "io/safetensors.h"
#include "test.h"
#include "train/train_internal.h"

enum { SIDE = 8 };
#define UNET_WEIGHTS "model/unet/diffusion_pytorch_model.safetensors"
#define MLP_WEIGHTS  "model/mlp/diffusion_pytorch_model.safetensors"

/* ---- data and configurations ---- */

/* An IDX file of grey images, SIDE x SIDE: a bright square on dark ground, placed by the number. The
 * first pixel of all has a value of its own. */
static inline void write_squares(const char *path, int images, int bright, int first)
{
    unsigned char bytes[16 + 64 * SIDE * SIDE] = {0, 0, 8, 3,    0, 0, 0, (unsigned char)images,
                                                  0, 0, 0, SIDE, 0, 0, 0, SIDE};
    for (int i = 0; i < images; i++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                bool inside = y >= i % 5 && y < i % 5 + 4 && x > i % 3 && x < i % 3 + 5;
                bytes[16 + (i * SIDE + y) * SIDE + x] = (unsigned char)(inside ? bright : 10);
            }
    bytes[16] = (unsigned char)first;
    Err err = {0};
    if (EXPECT(file_write(path, bytes, (size_t)(16 + images * SIDE * SIDE), &err))) return;
    printf("  %s\n", err.text);
    abort();
}

static inline void set(Config *c, const char *assignment)
{
    Err err = {0};
    EXPECT_OK(config_set(c, assignment, &err), err);
}

/* "key=value key=value ..." */
static inline void set_all(Config *c, const char *settings)
{
    char one[128];
    for (int n; sscanf(settings, "%127s%n", one, &n) == 1; settings += n) set(c, one);
}

/* The defaults with these settings, then those of `more`. method.steps counts only where the method has
 * a chain of steps. */
static inline Config config_of(const char *settings, const char *more)
{
    Config c, standard;
    config_defaults(&standard);
    c = standard;
    set_all(&c, settings);
    set_all(&c, more);
    if (c.method.type == METHOD_SMLD || c.method.type == METHOD_SDE)
        c.method.noise.T = standard.method.noise.T;
    return c;
}

/* A network that is small enough for a test, on squares in the scratch folder. */
static inline Config image_config(const char *more)
{
    Config c =
        config_of("data.validation=8 model.channels=8 model.multipliers=[1,2] model.attention=[4] "
                  "model.groups=4 method.steps=50 train.steps=10 train.batch=8 train.micro_batch=4 "
                  "train.warmup=3 train.lr=0.002 train.schedule=cosine train.checkpoint_every=0 "
                  "train.log_every=2 train.validate=8 sample.count=4 train.seed=11",
                  more);
    snprintf(c.data.path, sizeof c.data.path, "%s/images-idx3-ubyte", test_folder());
    if (!path_exists(c.data.path)) write_squares(c.data.path, 40, 220, 10);
    return c;
}

/* ---- runs ---- */

typedef struct Watch Watch;
struct Watch {
    int64_t stop_at;          /* interrupt after this step; 0: never */
    const char *interrupt_at; /* interrupt at a line of the log that holds this text */
    void (*on_step)(Watch *w, int64_t step);
    const char *run;
    bool model_seen;
    TrainStatus seen[64]; /* the logged steps */
    int count;
    char notes[4096], problems[4096];
};

static inline void watch_add(char *to, size_t size, const char *text)
{
    size_t used = strlen(to);
    snprintf(to + used, size - used, "%s\n", text);
}

static inline void watch_note(void *context, const char *text)
{
    Watch *w = context;
    watch_add(w->notes, sizeof w->notes, text);
}

static inline void watch_problem(void *context, const char *text)
{
    Watch *w = context;
    watch_add(w->problems, sizeof w->problems, text);
}

static inline void watch_line(void *context, const char *json)
{
    const Watch *w = context;
    if (w->interrupt_at && strstr(json, w->interrupt_at)) interrupt_set(true);
}

static inline void watch_status(void *context, const TrainStatus *s)
{
    Watch *w = context;
    if (s->logged && w->count < 64) w->seen[w->count++] = *s;
    if (w->on_step) w->on_step(w, s->step);
    if (w->stop_at && s->step == w->stop_at) interrupt_set(true);
}

static inline TrainCallbacks callbacks_of(Watch *w)
{
    return (TrainCallbacks){.context = w,
                            .status = watch_status,
                            .line = watch_line,
                            .note = watch_note,
                            .problem = watch_problem};
}

/* Trains to the end, or until `w` (may be NULL) interrupts. */
static inline bool train(const Config *c, const char *run, bool resume, Watch *w, Err *err)
{
    Watch unused = {0};
    Trainer *t;
    *err = (Err){0};
    if (!w) w = &unused;
    w->run = run;
    TrainCallbacks callbacks = callbacks_of(w);
    bool ok = (resume ? trainer_resume(&t, run, c, &callbacks, err)
                      : trainer_open(&t, c, &callbacks, err)) &&
              trainer_run(t, resume ? NULL : run, err);
    trainer_close(t);
    interrupt_set(false);
    return ok;
}

static inline bool must_train(const Config *c, const char *run, bool resume, Watch *w)
{
    Err err;
    if (EXPECT(train(c, run, resume, w, &err))) return true;
    printf("  %s: %s\n", run, err.text);
    return false;
}

static inline void close_trainer(void *what)
{
    trainer_close(what);
}

/* A trainer that lives until the case ends. */
static inline Trainer *must_open(const Config *c)
{
    Trainer *t;
    Err err = {0};
    if (!EXPECT_OK(trainer_open(&t, c, NULL, &err), err)) abort();
    test_at_end(close_trainer, t);
    return t;
}

/* ---- files ---- */

/* A path, until the eighth call after. */
static inline const char *in(const char *folder, const char *name)
{
    static char paths[8][PATH_BYTES];
    static int turn;
    char *path = paths[turn++ % 8];
    EXPECT(path_join(path, folder, name, NULL));
    return path;
}

/* The bytes end with 0, so that a text can be searched. */
static inline FileBytes content(const char *folder, const char *name)
{
    FileBytes file = {0};
    Err err = {0};
    if (EXPECT(file_read(in(folder, name), (size_t)1 << 28, &file, &err))) return file;
    printf("  %s\n", err.text);
    abort();
}

/* Writes root/folder/name; returns its path as `in` does. */
static inline const char *put_file(const char *root, const char *folder, const char *name,
                                   const char *text)
{
    const char *inner = in(root, folder), *path = in(inner, name);
    Err err = {0};
    EXPECT_OK(folder_make(inner, &err) && file_write(path, text, strlen(text), &err), err);
    return path;
}

static inline void expect_same_file(const char *a, const char *b, const char *name)
{
    FileBytes x = content(a, name), y = content(b, name);
    EXPECT_INT((long long)x.size, (long long)y.size);
    if (x.size == y.size) EXPECT_SAME(x.bytes, y.bytes, x.size);
    file_free(&x);
    file_free(&y);
}

/* The data of the newest checkpoint's tensors. */
static inline Safetensors newest_state(const char *run)
{
    char folder[PATH_BYTES], path[PATH_BYTES];
    Names names;
    Err err = {0};
    Safetensors st = {0};
    if (!path_join(folder, run, "checkpoints", &err) || !folder_list(folder, &names, &err) ||
        names.count == 0 || !path_join(path, folder, names.names[names.count - 1], &err) ||
        !safetensors_open(&st, path, (size_t)1 << 30, &err)) {
        printf("%s\n", err.text);
        abort();
    }
    names_free(&names);
    return st;
}

static inline bool same_state(const char *a, const char *b)
{
    Safetensors x = newest_state(a), y = newest_state(b);
    bool same = x.data_bytes == y.data_bytes && memcmp(x.data, y.data, x.data_bytes) == 0;
    safetensors_close(&x);
    safetensors_close(&y);
    return same;
}

/* Two runs left the same checkpoint and the same model. */
static inline void expect_same_run(const char *a, const char *b)
{
    EXPECT(same_state(a, b));
    expect_same_file(a, b, "model/scheduler/scheduler_config.json");
    expect_same_file(a, b, path_exists(in(a, MLP_WEIGHTS)) ? MLP_WEIGHTS : UNET_WEIGHTS);
}

static inline void expect_threads_change_nothing(const Config *c)
{
    const char *first = test_path("1-thread");
    FOR_THREADS(threads)
    {
        const char *run = threads == 1 ? first : test_path("%d-threads", threads);
        must_train(c, run, false, NULL);
        expect_same_run(first, run);
    }
}

/* A copy of the log's first line of this event and step; "" if there is none. */
static inline const char *log_line(const char *run, const char *event, int step)
{
    static char line[1 << 14];
    char head[64];
    FileBytes log = content(run, "stats.jsonl");
    snprintf(head, sizeof head, "{\"event\":\"%s\",\"step\":%d,", event, step);
    const char *at = strstr((const char *)log.bytes, head);
    snprintf(line, sizeof line, "%.*s", at ? (int)strcspn(at, "\n") : 0, at ? at : "");
    file_free(&log);
    return line;
}

/* The number after `key` in that line; NAN if there is none. */
static inline double logged(const char *run, const char *event, int step, const char *key)
{
    const char *line = log_line(run, event, step), *at = strstr(line, key);
    return at ? strtod(at + strlen(key), NULL) : (double)NAN;
}

#endif
