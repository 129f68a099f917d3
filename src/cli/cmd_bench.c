/* diffc bench: the speed of the updates that `train` makes and of the network calls that `sample` makes,
 * for a configuration. The images are noise: the speed does not depend on what they show. */
#include <math.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/term.h"
#include "base/text.h"
#include "cli/bench_layers.h"
#include "cli/cli.h"
#include "cli/summary.h"
#include "data/dataset.h"
#include "io/config.h"

#include "math/vec.h"
#include "methods/method.h"
#include "model/model.h"
#include "train/new_model.h"
#include "train/trainer.h"

enum { BATCH, SECONDS, REPEAT, TASK, LAYERS, SET, THREADS, JSON, QUIET, ROWS };
enum { TASK_BOTH, TASK_TRAIN, TASK_SAMPLE };
enum { MAX_TIMINGS = 100000 };

static const char *const task_words[] = {
    [TASK_BOTH] = "both", [TASK_TRAIN] = "train", [TASK_SAMPLE] = "sample", NULL};

static const Option options[ROWS + 1] = {
    [BATCH] = OPTION("batch", INT, "Measurement", .letter = 'b', .low = 1, .high = 65536,
                     .otherwise = "train.batch",
                     .help = "images per update, and per call of the network when sampling"),
    [SECONDS] = OPTION("seconds", REAL, "Measurement", .metavar = "S", .low = 0, .high = 3600,
                       .fallback = "5", .help = "time for each of the two measurements"),
    [REPEAT] =
        OPTION("repeat", INT, "Measurement", .low = 1, .high = MAX_TIMINGS, .fallback = "3",
               .help = "repetitions at least, however long they take; one more before them is "
                       "not counted"),
    [TASK] = OPTION("task", CHOICE, "Measurement", .words = task_words, .fallback = "both",
                    .help = "what is measured; one alone shows its own memory"),
    [LAYERS] =
        OPTION("layers", FLAG, "Measurement",
               .help = "also time, FLOPs, bytes, rates and share of the machine's roof by kind of "
                       "operation; with --json the array \"layers\""),
    [SET] = OPTION("set", TEXT, "Measurement", .repeatable = true, .metavar = "KEY=VALUE",
                   .help = "change a key of the configuration"),
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

/* configs/bench-tiny.json */
static const char *const default_settings[] = {
    "data.size=32",   "data.channels=1",     "model.channels=32", "model.multipliers=[1,2,2]",
    "model.blocks=1", "model.attention=[8]", "model.groups=32",   "train.batch=32",
};
enum { DEFAULT_SETTINGS = sizeof default_settings / sizeof default_settings[0] };

/* Of the noise: classes for a network with classes, and images. */
enum { CLASSES = 10, IMAGES = 64 };

typedef struct {
    Config config;
    int batch;         /* images per update, and per call of the network in sampling */
    ModelConfig model; /* as measured last, without its arrays */
    Shape image;
    size_t parameters;
    double forward_flop;
    int pass[2];         /* images per pass, in training and in sampling */
    int side_by_side[2]; /* passes that run so */
    double *timings;
    double seconds; /* per measurement */
    int repeat;     /* timings at least */
    bool layers;
    Roof roof;                 /* measured where layers are shown */
    LayerTimes layer_times[2]; /* of training and of sampling, where they are measured */
    int profiles;
    double train_images_per_s, sample_forwards_per_s;
    char threads[400];
    double thread_gain; /* NAN: one thread, or not known */
} Bench;

static bool read_config(Bench *b, const Arguments *a, Err *err)
{
    const char *path = a->words[0];
    config_defaults(&b->config);
    if (path && (!check_config_file(path, "", err) || !config_load(&b->config, path, err)))
        return false;
    for (int i = 0; i < DEFAULT_SETTINGS && !path; i++)
        if (!config_set(&b->config, default_settings[i], err)) return false;
    for (int i = 0; i < a->repeated_count; i++)
        if (!config_set(&b->config, a->repeated[i], err)) return false;
    return config_check(&b->config, err);
}

/* Height, width and channels of *shape that are not configured are those of the data. */
static bool find_shape(DataConfig *shape, int *classes, Err *err)
{
    *classes = CLASSES;
    if (shape->height > 0 && shape->channels > 0) return true;
    if (!shape->path[0])
        return err_set(err, ERR_USAGE,
                       "data.size and data.channels are not set and there is no data.path to "
                       "learn them from; give them with --set data.size=32 --set data.channels=3");
    DataOptions one = {.path = shape->path, .config = *shape};
    one.config.limit = 1;
    one.config.validation = 0;
    Dataset d;
    if (!dataset_open(&d, &one, NULL, NULL, err)) return false;
    shape->height = d.height;
    shape->width = d.width;
    shape->channels = d.channels;
    if (d.classes > 0) *classes = d.classes;
    dataset_close(&d);
    return true;
}

/* What is trained on: a toy's points, or images of noise. */
static bool open_data(const Config *c, Dataset *d, Err *err)
{
    DataOptions wanted = {.config = c->data, .seed = c->train.seed};
    int classes;
    wanted.config.validation = 0;
    if (c->data.toy != TOY_NONE) return dataset_open(d, &wanted, NULL, NULL, err);
    if (!find_shape(&wanted.config, &classes, err)) return false;
    wanted.config.limit = IMAGES;
    return dataset_open_noise(d, &wanted, c->model.class_conditional ? classes : 0, err);
}

typedef bool (*Work)(Bench *b, void *context, Err *err);

static bool do_once(Bench *b, const char *what, Work work, void *context, Err *err)
{
    if (!work(b, context, err)) return false;
    return !interrupt_requested() ||
           err_set(err, ERR_INTERRUPTED, "interrupted while measuring %s", what);
}

/* Repeats the work until the time is over; the median of the seconds that it took. One repetition
 * before the first touches the memory and fills the caches. */
static bool measure(Bench *b, const char *what, Work work, void *context, double *seconds, Err *err)
{
    if (!do_once(b, what, work, context, err)) return false;
    double start = clock_seconds(), now = start;
    int n = 0;
    while (n < b->repeat || (now - start < b->seconds && n < MAX_TIMINGS)) {
        double before = now;
        if (!do_once(b, what, work, context, err)) return false;
        now = clock_seconds();
        b->timings[n++] = now - before;
        term_progress("%s: repetition %d, %.1f of %g s", what, n, now - start, b->seconds);
    }
    *seconds = median(b->timings, n);
    return true;
}

/* What --layers shows. */
static bool profile(Bench *b, Network *nw, const char *what, Work work, void *context, int images,
                    Err *err)
{
    enum { TIMES = 5 };
    for (int i = 0; i < nw->copies; i++) net_profile(network_copy(nw, i).net, true);
    double start = clock_seconds();
    for (int i = 0; i < TIMES; i++)
        if (!do_once(b, what, work, context, err)) return false;
    double seconds = clock_seconds() - start;
    layer_times_read(&b->layer_times[b->profiles++], what, nw, &b->roof, seconds,
                     (double)TIMES * images);
    for (int i = 0; i < nw->copies; i++) net_profile(network_copy(nw, i).net, false);
    return true;
}

static void note_network(Bench *b, int task, const ModelConfig *m, const Network *nw,
                         size_t parameters)
{
    b->model = *m;
    b->model.noise.betas = NULL;
    b->model.kept = NULL;
    b->image = nw->image;
    b->parameters = parameters;
    b->forward_flop = net_forward_flop(nw->net);
    b->pass[task] = nw->batch;
    b->side_by_side[task] = nw->copies;
}

static bool train_update(Bench *b, void *context, Err *err)
{
    TrainUpdate update;
    (void)b;
    return trainer_update(context, &update, err);
}

static bool measure_training(Bench *b, Err *err)
{
    Dataset data;
    Trainer *t;
    Config c = b->config;
    c.train.batch = b->batch;
    c.train.minutes = 0;
    c.train.steps = INT32_MAX;                  /* every update is one of the first */
    int images = b->batch * c.train.accumulate; /* of an update */
    if (!open_data(&c, &data, err) || !trainer_open_on(&t, &c, &data, err)) return false;
    Network *network = trainer_network(t);
    const TrainPlan *plan = trainer_plan(t);
    double seconds = 0;
    note_network(b, 0, &plan->model, network, plan->parameters);
    bool ok = measure(b, "training", train_update, t, &seconds, err);
    if (ok) b->train_images_per_s = images / seconds;
    if (ok && b->layers) ok = profile(b, network, "training", train_update, t, images, err);
    trainer_close(t);
    return ok;
}

typedef struct {
    Denoiser denoiser;
    NoiseLevel level;
    double *x, *eps;
} SampleWork;

static bool sample_forward(Bench *b, void *context, Err *err)
{
    const SampleWork *w = context;
    return w->denoiser.predict(w->denoiser.context, b->batch, w->x, &w->level, 0, w->eps, err);
}

static bool measure_sampling(Bench *b, Err *err)
{
    Dataset data;
    Model m;
    SampleWork w = {.x = NULL};
    if (!open_data(&b->config, &data, err)) return false;
    bool ok = new_model_open(&m, &b->config, &data, err);
    dataset_close(&data);
    if (!ok) return false;
    ok = model_prepare(&m, b->batch, -1, false, &w.denoiser, err);
    size_t values = ok ? (size_t)b->batch * m.network.dims : 0;
    if (ok) {
        w.level = process_quantile(&m.process, 0.5);
        w.x = mem_doubles(values);
        w.eps = mem_doubles(values);
        ok = (w.x && w.eps) ||
             err_set(err, ERR_MEMORY, "not enough memory for %d noise images", b->batch);
    }
    if (ok) {
        double seconds = 0;
        note_network(b, 1, &m.config, &m.network, m.table.parameters);
        rng_normals(w.x, values, 0, rng_stream(RNG_SAMPLE, 0), 0);
        ok = measure(b, "sampling", sample_forward, &w, &seconds, err);
        if (ok) b->sample_forwards_per_s = b->batch / seconds;
    }
    if (ok && b->layers) ok = profile(b, &m.network, "sampling", sample_forward, &w, b->batch, err);
    mem_free(w.x);
    mem_free(w.eps);
    model_close(&m);
    return ok;
}

/* Of an image. */
static double train_flop(const Bench *b)
{
    const Method *method = method_of(b->model.method);
    return method->update_passes(&b->config.method, shape_values(b->image)) * b->forward_flop;
}

static double sample_flop(const Bench *b)
{
    return method_of(b->model.method)->predict_passes * b->forward_flop;
}

static bool report_json(const Bench *b, Err *err)
{
    JsonWriter w;
    output_begin(&w);
    network_json(&w, &b->model, b->image, b->parameters, b->forward_flop);
    json_put_number(&w, "train_images_per_s", b->train_images_per_s);
    json_put_number(&w, "sample_forwards_per_s", b->sample_forwards_per_s);
    json_put_number(&w, "train_gflops", 1e-9 * train_flop(b) * b->train_images_per_s);
    json_put_number(&w, "sample_gflops", 1e-9 * sample_flop(b) * b->sample_forwards_per_s);
    json_put_int(&w, "threads", parallel_threads());
    json_put_int(&w, "batch", b->batch);
    json_put_int(&w, "micro_batch", b->pass[isnan(b->train_images_per_s)]);
    json_put_number(&w, "thread_gain", b->thread_gain);
    json_put_string(&w, "level", vec_describe());
    json_put_int(&w, "peak_memory_bytes", (int64_t)mem_peak_bytes());
    if (b->layers) {
        roof_json(&w, &b->roof);
        json_begin_array(&w, "layers");
        for (int i = 0; i < b->profiles; i++) layer_times_json(&w, &b->layer_times[i]);
        json_end_array(&w);
    }
    return output_json(&w, err);
}

/* " in passes of 8, 2 side by side" */
static void describe_passes(char *out, size_t size, int batch, int pass, int side_by_side)
{
    out[0] = '\0';
    if (pass != batch) text_append(out, size, " in passes of %d", pass);
    if (pass != batch && side_by_side > 1)
        text_append(out, size, ", %d side by side", side_by_side);
}

static void report_lines(const Bench *b)
{
    char memory[16];
    for (int i = 0; i < b->profiles; i++) layer_times_lines(&b->layer_times[i]);
    term_format_bytes(memory, (double)mem_peak_bytes());
    network_lines(output_line, &b->model, b->image, b->parameters, b->forward_flop);
    char passes[64];
    if (!isnan(b->train_images_per_s)) {
        describe_passes(passes, sizeof passes, b->batch, b->pass[0], b->side_by_side[0]);
        output_line("  training     %.4g images/s, %.4g GFLOP/s (batch %d%s)",
                    b->train_images_per_s, 1e-9 * train_flop(b) * b->train_images_per_s, b->batch,
                    passes);
    }
    if (!isnan(b->sample_forwards_per_s)) {
        describe_passes(passes, sizeof passes, b->batch, b->pass[1], b->side_by_side[1]);
        output_line("  sampling     %.4g forwards/s, %.4g GFLOP/s (batch %d%s)",
                    b->sample_forwards_per_s, 1e-9 * sample_flop(b) * b->sample_forwards_per_s,
                    b->batch, passes);
    }
    output_line("  threads      %s", b->threads);
    output_line("  level        %s", vec_describe());
    if (b->layers) roof_line(&b->roof);
    output_line("  peak memory  %s", memory);
}

static bool bench(Bench *b, const OptionValue *v, Err *err)
{
    b->batch = v[BATCH].given ? (int)v[BATCH].integer : b->config.train.batch;
    b->seconds = v[SECONDS].real;
    b->repeat = (int)v[REPEAT].integer;
    b->layers = v[LAYERS].given;
    b->timings = mem_doubles(MAX_TIMINGS);
    if (!b->timings) return err_set(err, ERR_MEMORY, "not enough memory for the timings");
    int64_t task = v[TASK].integer;
    b->train_images_per_s = b->sample_forwards_per_s = (double)NAN;
    b->thread_gain = describe_threads(b->threads, sizeof b->threads);
    if (!(b->thread_gain > 0)) b->thread_gain = (double)NAN;
    if (b->layers && !roof_measure(&b->roof, err)) return false;
    if (b->layers) mem_forget_peak(); /* the roof's own memory */
    if (task != TASK_SAMPLE && !measure_training(b, err)) return false;
    if (task != TASK_TRAIN && !measure_sampling(b, err)) return false;
    if (v[JSON].given) return report_json(b, err);
    report_lines(b);
    return true;
}

static bool run_bench(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    begin_work(&v[QUIET], &v[THREADS]);
    Bench b = {.seconds = 0};
    bool ok = read_config(&b, a, err) && bench(&b, v, err);
    mem_free(b.timings);
    config_free(&b.config);
    return ok;
}

const Command command_bench = {
    .name = "bench",
    .summary = "Measure the speed of training and sampling",
    .words = "[CONFIG.json]",
    .words_max = 1,
    .examples = {"diffc bench", "diffc bench configs/cifar10-ddpm.json --batch 16 --json"},
    .options = options,
    .notes =
        "Without a configuration, that of configs/bench-tiny.json. The images are noise, the "
        "figures "
        "medians. Training is the update that train makes, sampling the network call that "
        "sample makes. A training image counts its data, forward, backward and its share of the "
        "update; "
        "GFLOP/s count three forward passes for it (six for a cdm and for each direction of the "
        "exact and sliced objectives). An interruption ends it after the repetition at hand, a "
        "second one at "
        "once. With --layers, \"of roof\" is the least time that the arithmetic and the memory of "
        "this machine, measured first, allow for the work, as a share of the time taken. \"bound "
        "by\" is what most of that least time goes to: arithmetic, or the smallest of L2, L3 and "
        "memory that holds the inputs, output and parameters of one operation. It is an estimate, "
        "which does not see what else is in the cache. Transforms of fast convolutions, packing of "
        "weights and what is outside the network, such as the optimizer, have no least time, so "
        "100% cannot be reached.",
    .run = run_bench,
};
