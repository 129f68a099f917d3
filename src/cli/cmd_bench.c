/* diffc bench: the speed of training and sampling for the network of a configuration. The images
 * are noise: the speed does not depend on what they show. */
#include <math.h>
#include <stdio.h>

#include "bench_layers.h"
#include "cli.h"
#include "diffc/cdm_network.h"
#include "diffc/clock.h"
#include "diffc/config.h"
#include "diffc/dataset.h"
#include "diffc/fsio.h"
#include "diffc/gemm.h"
#include "diffc/mem.h"
#include "diffc/network.h"
#include "diffc/optimizer.h"
#include "diffc/parallel.h"
#include "diffc/rng.h"
#include "diffc/term.h"
#include "diffc/toy.h"
#include "diffc/vec.h"
#include "summary.h"

enum { BATCH, SECONDS, REPEAT, TASK, LAYERS, SET, THREADS, JSON, QUIET, ROWS };
enum { TASK_BOTH, TASK_TRAIN, TASK_SAMPLE };
enum { MAX_TIMINGS = 100000 };

static const char *task_name(int task)
{
    static const char *const names[] = {"both", "train", "sample"};
    return task <= TASK_SAMPLE ? names[task] : NULL;
}

static const Option options[ROWS + 1] = {
    [BATCH] = {.name = "batch",
               .letter = 'b',
               .type = OPTION_INT,
               .metavar = "N",
               .low = 1,
               .high = 65536,
               .otherwise = "train.batch",
               .group = "Measurement",
               .help = "images per update, and per call of the network when sampling"},
    [SECONDS] = {.name = "seconds",
                 .type = OPTION_REAL,
                 .metavar = "S",
                 .low = 0,
                 .high = 3600,
                 .fallback = "5",
                 .group = "Measurement",
                 .help = "time for each of the two measurements"},
    [REPEAT] = {.name = "repeat",
                .type = OPTION_INT,
                .metavar = "N",
                .low = 1,
                .high = MAX_TIMINGS,
                .fallback = "3",
                .group = "Measurement",
                .help = "repetitions at least, however long they take; one more before them is "
                        "not counted"},
    [TASK] = {.name = "task",
              .type = OPTION_CHOICE,
              .metavar = "KIND",
              .choice = task_name,
              .fallback = "both",
              .group = "Measurement",
              .help = "what is measured; one alone shows its own memory"},
    [LAYERS] = {.name = "layers",
                .type = OPTION_FLAG,
                .group = "Measurement",
                .help = "also time, FLOPs, bytes and rates by kind of operation; with --json the "
                        "array \"layers\""},
    [SET] = {.name = "set",
             .type = OPTION_TEXT,
             .repeatable = true,
             .metavar = "KEY=VALUE",
             .group = "Measurement",
             .help = "change a key of the configuration"},
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

static const char default_config[] = "configs/bench-tiny.json";
/* The same, for where that file is not at hand. */
static const char *const default_settings[] = {
    "data.size=32",   "data.channels=1",     "model.channels=32", "model.multipliers=[1,2,2]",
    "model.blocks=1", "model.attention=[8]", "model.groups=32",   "train.batch=32",
};
enum { DEFAULT_SETTINGS = sizeof default_settings / sizeof default_settings[0] };

enum { CLASSES = 10 /* of noise images for a network with classes */ };

typedef struct {
    Config config;
    ModelConfig model; /* its network */
    Shape image;
    int batch, pass;     /* images per update and per pass */
    int sample_pass;     /* of the batch when sampling */
    int side_by_side[2]; /* passes that run so, in training and in sampling */
    ParamTable table;
    Optimizer optimizer;
    double *timings;
    double seconds; /* per measurement */
    int repeat;     /* timings at least */
    bool layers;
    LayerTimes layer_times[2]; /* of training and of sampling, where they are measured */
    int profiles;
    double forward_flop;
    double train_images_per_s, sample_forwards_per_s;
} Bench;

static bool read_config(Bench *b, const Arguments *a, Err *err)
{
    const char *path = a->word_count > 0 ? a->words[0] : default_config;
    config_defaults(&b->config);
    if (a->word_count > 0 || path_exists(path)) {
        if (!config_load(&b->config, path, err)) return false;
    } else {
        for (int i = 0; i < DEFAULT_SETTINGS; i++) {
            if (!config_set(&b->config, default_settings[i], err)) return false;
        }
    }
    for (int i = 0; i < a->repeated_count; i++) {
        if (!config_set(&b->config, a->repeated[i], err)) return false;
    }
    return config_check(&b->config, err);
}

/* The images' shape: as configured; what is left open, the data tell. */
static bool find_shape(Bench *b, int *classes, Err *err)
{
    const Config *c = &b->config;
    *classes = CLASSES;
    b->image = (Shape){.H = c->data.height, .W = c->data.width, .C = c->data.channels};
    if (c->data.toy != TOY_NONE) b->image = (Shape){.H = 1, .W = 1, .C = TOY_DIMS};
    if (b->image.H > 0 && b->image.C > 0) return true;
    if (!c->data.path[0]) {
        return err_set(err, ERR_USAGE,
                       "data.size and data.channels are not set and there is no data.path to "
                       "learn them from; give them with --set data.size=32 --set data.channels=3");
    }
    DataOptions from = {.path = c->data.path,
                        .kind = c->data.kind,
                        .height = c->data.height,
                        .width = c->data.width,
                        .channels = c->data.channels,
                        .limit = 1,
                        .skip_bad = c->data.skip_bad};
    Dataset d;
    if (!dataset_open(&d, &from, NULL, NULL, err)) return false;
    b->image = (Shape){.H = d.height, .W = d.width, .C = d.channels};
    if (d.classes > 0) *classes = d.classes;
    dataset_close(&d);
    return true;
}

typedef bool (*Work)(Bench *b, void *context, Err *err);

/* Repeats the work until the time is over; the median of the seconds that it took. One repetition
 * before the first touches the memory and fills the caches. */
static bool measure(Bench *b, const char *what, Work work, void *context, double *seconds, Err *err)
{
    if (!work(b, context, err)) return false;
    double start = clock_seconds(), now = start;
    int n = 0;
    while (n < b->repeat || (now - start < b->seconds && n < MAX_TIMINGS)) {
        double before = now;
        if (!work(b, context, err)) return false;
        now = clock_seconds();
        b->timings[n++] = now - before;
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED, "interrupted while measuring %s", what);
        term_progress("%s: repetition %d, %.0f of %.0f s", what, n, now - start, b->seconds);
    }
    *seconds = median(b->timings, n);
    return true;
}

/* What --layers shows. */
static bool profile(Bench *b, Network *nw, const char *what, Work work, void *context, Err *err)
{
    enum { TIMES = 5 };
    for (int i = 0; i < nw->copies; i++) net_profile(nw->copy[i], true);
    double start = clock_seconds();
    for (int i = 0; i < TIMES; i++)
        if (!work(b, context, err)) return false;
    double seconds = clock_seconds() - start;
    layer_times_read(&b->layer_times[b->profiles++], what, nw, seconds, (double)TIMES * b->batch);
    for (int i = 0; i < nw->copies; i++) net_profile(nw->copy[i], false);
    return true;
}

typedef struct {
    Bench *bench;
    Network network;
    float *xt, *target;        /* [pass, dims] */
    float *t, *label, *weight; /* [pass] */
    float *loss, *other_loss;  /* [batch] */
    int *classes;              /* [pass], of a classifier of noise levels */
    uint64_t passes;           /* so far: each has its dropout */
} TrainWork;

static void train_pass(void *context, int pass, int copy)
{
    TrainWork *w = context;
    const Bench *b = w->bench;
    Network network = network_copy(&w->network, copy);
    const float *weights = b->optimizer.weights;
    float *grads = b->optimizer.grad_block[pass], dloss = 1.0f / (float)b->batch;
    size_t at = (size_t)pass * (size_t)b->pass;
    net_set_dropout(network.net, true, 0, w->passes + (uint64_t)pass);
    const CdmBatch cdm = {.xt = w->xt,
                          .eps = w->target,
                          .classes = w->classes,
                          .sigma = w->weight,
                          .ce_weight = b->config.method.ce_weight,
                          .mse_weight = b->config.method.mse_weight,
                          .ce = w->loss + at,
                          .mse = w->other_loss + at};
    if (b->model.unet.noise_classes)
        cdm_train_pass(&network, weights, grads, &cdm, (double)dloss);
    else
        network_train_pass(&network, weights, grads, w->xt, w->t,
                           network.label >= 0 ? w->label : NULL, w->target, w->weight, dloss,
                           w->loss + at);
}

static bool train_update(Bench *b, void *context, Err *err)
{
    TrainWork *w = context;
    int passes = b->batch / b->pass, blocks = b->optimizer.grad_blocks;
    net_hold(w->network.net, b->optimizer.weights);
    for (int done = 0; done < passes; done += blocks) {
        int count = passes - done < blocks ? passes - done : blocks;
        parallel_side_by_side(count, w->network.copies, train_pass, w);
        w->passes += (uint64_t)count;
    }
    double norm = optimizer_sum_gradients(&b->optimizer);
    if (!(norm >= 0 && norm < 1e30)) {
        return err_set(err, ERR_DIVERGED, "the gradient norm is %g after update %lld", norm,
                       (long long)b->optimizer.step);
    }
    optimizer_update(&b->optimizer, b->config.train.lr, norm);
    return true;
}

static bool measure_training(Bench *b, Err *err)
{
    TrainWork w = {.bench = b};
    if (!network_open(&w.network, &b->table, &b->model, b->image, b->pass, NET_TRAIN, err))
        return false;
    int blocks = optimizer_gradient_blocks(&b->table, b->batch / b->pass);
    network_open_copies(&w.network, &b->table, &b->model, blocks);
    b->side_by_side[0] = w.network.copies;
    const OptimizerConfig o = optimizer_config(&b->config);
    size_t n = (size_t)b->pass, values = n * w.network.dims;
    w.xt = mem_floats(values);
    w.target = mem_floats(values);
    w.t = mem_floats(3 * n);
    w.loss = mem_floats(2 * (size_t)b->batch);
    w.classes = mem_alloc(n, sizeof *w.classes);
    bool ok = optimizer_open(&b->optimizer, &b->table, &o, blocks, err);
    if (ok && (!w.xt || !w.target || !w.t || !w.loss || !w.classes))
        ok = err_set(err, ERR_MEMORY, "there is no memory for %d noise images", b->pass);
    if (ok) {
        w.label = w.t + n;
        w.weight = w.t + 2 * n;
        w.other_loss = w.loss + b->batch;
        params_init(&b->table, b->optimizer.weights, 0);
        rng_normals_float(w.xt, values, 0, rng_stream(RNG_NOISE, 0), 0);
        rng_normals_float(w.target, values, 0, rng_stream(RNG_NOISE, 1), 0);
        for (size_t i = 0; i < n; i++) {
            w.t[i] = (float)(i * (size_t)b->config.method.steps / n);
            w.classes[i] = (int)w.t[i];
            w.weight[i] = 1;
        }
        double seconds = 0;
        b->forward_flop = net_forward_flop(w.network.net);
        ok = measure(b, "training", train_update, &w, &seconds, err);
        if (ok) b->train_images_per_s = b->batch / seconds;
        if (ok && b->layers) ok = profile(b, &w.network, "training", train_update, &w, err);
    }
    network_close(&w.network);
    mem_free(w.xt);
    mem_free(w.target);
    mem_free(w.t);
    mem_free(w.loss);
    mem_free(w.classes);
    return ok;
}

typedef struct {
    Denoiser denoiser;
    double *x, *eps;
    int batch;
} SampleWork;

static bool sample_forward(Bench *b, void *context, Err *err)
{
    SampleWork *w = context;
    int step = b->config.method.steps / 2;
    const NoiseLevel level = {.alpha = 0.8, .sigma = 0.6, .t = step, .time = step};
    return w->denoiser.predict(w->denoiser.context, w->batch, w->x, &level, 0, w->eps, err);
}

static bool measure_sampling(Bench *b, Err *err)
{
    Network network;
    int batch = b->batch;
    if (!network_open_denoiser(&network, &b->table, &b->model, b->image, batch, false, err))
        return false;
    b->sample_pass = network.batch;
    b->side_by_side[1] = network.copies;
    b->forward_flop = net_forward_flop(network.net);
    float *weights = mem_floats(b->table.block_floats);
    NetworkDenoiser context = {.network = &network, .weights = weights};
    size_t values = (size_t)batch * network.dims;
    SampleWork w = {.denoiser = network_denoiser(&context),
                    .x = mem_doubles(values),
                    .eps = mem_doubles(values),
                    .batch = batch};
    bool ok = (w.x && w.eps && weights) ||
              err_set(err, ERR_MEMORY, "there is no memory for %d noise images", batch);
    if (ok) {
        double seconds = 0;
        params_init(&b->table, weights, 0);
        net_hold(network.net, weights);
        rng_normals(w.x, values, 0, rng_stream(RNG_SAMPLE, 0), 0);
        ok = measure(b, "sampling", sample_forward, &w, &seconds, err);
        if (ok) b->sample_forwards_per_s = batch / seconds;
        if (ok && b->layers) ok = profile(b, &network, "sampling", sample_forward, &w, err);
    }
    network_close(&network);
    mem_free(weights);
    mem_free(w.x);
    mem_free(w.eps);
    return ok;
}

/* Of an image. An update is a pass forward and twice as much backward; that of a classifier of noise
 * levels is forward, backward to the image, tangent, and three times as much for the second backward;
 * it predicts by a pass forward and one back to the image. */
static double train_flop(const Bench *b)
{
    return (b->model.unet.noise_classes ? 6 : 3) * b->forward_flop;
}

static double sample_flop(const Bench *b)
{
    return (b->model.unet.noise_classes ? 2 : 1) * b->forward_flop;
}

static bool report_json(const Bench *b, Err *err)
{
    JsonWriter w;
    json_write_init(&w, 0);
    json_begin_object(&w, NULL);
    network_json(&w, &b->model, b->image, b->table.parameters, b->forward_flop);
    json_put_number(&w, "train_images_per_s", b->train_images_per_s);
    json_put_number(&w, "sample_forwards_per_s", b->sample_forwards_per_s);
    json_put_number(&w, "train_gflops", 1e-9 * train_flop(b) * b->train_images_per_s);
    json_put_number(&w, "sample_gflops", 1e-9 * sample_flop(b) * b->sample_forwards_per_s);
    json_put_int(&w, "threads", parallel_threads());
    json_put_int(&w, "batch", b->batch);
    json_put_int(&w, "micro_batch", b->pass);
    json_put_string(&w, "blas", gemm_describe());
    json_put_string(&w, "level", vec_level());
    json_put_int(&w, "peak_memory_bytes", (int64_t)mem_peak_bytes());
    if (b->layers) {
        json_begin_array(&w, "layers");
        for (int i = 0; i < b->profiles; i++) layer_times_json(&w, &b->layer_times[i]);
        json_end_array(&w);
    }
    json_end_object(&w);
    return output_json(&w, err);
}

/* " in passes of 8, 2 side by side" */
static void describe_passes(char *out, size_t size, int batch, int pass, int side_by_side)
{
    out[0] = '\0';
    if (pass == batch) return;
    int used = snprintf(out, size, " in passes of %d", pass);
    if (side_by_side > 1)
        snprintf(out + used, size - (size_t)used, ", %d side by side", side_by_side);
}

static void report_lines(const Bench *b)
{
    char memory[16];
    for (int i = 0; i < b->profiles; i++) layer_times_lines(&b->layer_times[i]);
    term_format_bytes(memory, (double)mem_peak_bytes());
    network_lines(output_line, &b->model, b->image, b->table.parameters, b->forward_flop);
    char passes[64];
    if (!isnan(b->train_images_per_s)) {
        describe_passes(passes, sizeof passes, b->batch, b->pass, b->side_by_side[0]);
        output_line("  training     %.4g images/s, %.4g GFLOP/s (batch %d%s)",
                    b->train_images_per_s, 1e-9 * train_flop(b) * b->train_images_per_s, b->batch,
                    passes);
    }
    if (!isnan(b->sample_forwards_per_s)) {
        describe_passes(passes, sizeof passes, b->batch, b->sample_pass, b->side_by_side[1]);
        output_line("  sampling     %.4g forwards/s, %.4g GFLOP/s (batch %d%s)",
                    b->sample_forwards_per_s, 1e-9 * sample_flop(b) * b->sample_forwards_per_s,
                    b->batch, passes);
    }
    output_line("  threads      %d", parallel_threads());
    output_line("  blas         %s", gemm_describe());
    output_line("  level        %s", vec_level());
    output_line("  peak memory  %s", memory);
}

static bool bench(Bench *b, const OptionValue *v, Err *err)
{
    int classes;
    if (!find_shape(b, &classes, err) ||
        !network_from_config(&b->config, b->image, classes, &b->model, err))
        return false;
    b->batch = v[BATCH].given ? (int)v[BATCH].integer : b->config.train.batch;
    b->pass =
        network_pass_size(&b->table, &b->model, b->image, b->batch, b->config.train.micro_batch);
    b->seconds = v[SECONDS].real;
    b->repeat = (int)v[REPEAT].integer;
    b->layers = v[LAYERS].given;
    b->timings = mem_doubles(MAX_TIMINGS);
    if (!b->timings) return err_set(err, ERR_MEMORY, "there is no memory for the timings");
    int64_t task = v[TASK].integer;
    b->train_images_per_s = b->sample_forwards_per_s = (double)NAN;
    if (task != TASK_SAMPLE && !measure_training(b, err)) return false;
    if (task != TASK_TRAIN && !measure_sampling(b, err)) return false;
    if (v[JSON].given) return report_json(b, err);
    report_lines(b);
    return true;
}

static bool run_bench(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    if (v[THREADS].given) parallel_set_threads((int)v[THREADS].integer);
    term_set_quiet(v[QUIET].given);
    note_instructions();
    Bench b = {.seconds = 0};
    bool ok = read_config(&b, a, err) && bench(&b, v, err);
    mem_free(b.timings);
    optimizer_close(&b.optimizer);
    params_free(&b.table);
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
    .notes = "Without a configuration, configs/bench-tiny.json. The images are noise, the figures "
             "medians. A training image counts forward, backward and its share of the update; "
             "GFLOP/s count three forward passes for it.",
    .run = run_bench,
};
