/* diffc nll: how likely images are under a model. */
#include <stdio.h>

#include "base/mem.h"
#include "base/shared_work.h"
#include "base/term.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/nll_report.h"
#include "diffusion/noise_classes.h"
#include "model/model_use.h"

#define SETTING_ROW(m, ...) ROW_##m,
enum {
    MODEL,
    WEIGHTS,
    LABEL,
    PROTOCOL,
    STEPS,
    SPACING,
    EXACT,
    VARIANCE,
    FIT_DATA,
    FIT_COUNT,
    PER_STEP,
    DEQUANT_BY,
    LEVEL,
    LIKELIHOOD_SETTINGS(SETTING_ROW, SETTING_ROW, SETTING_ROW, SETTING_ROW) DATA,
    PART,
    COUNT,
    RESIZE,
    SEED,
    BATCH,
    CSV,
    THREADS,
    JSON,
    QUIET,
    ROWS
};

/* variance_words, and one more. */
enum { VARIANCE_FITTED = VARIANCE_LEARNED + 1 };
static const char *variance_name(const void *context, int kind)
{
    (void)context;
    if (kind < VARIANCE_FITTED) return variance_words[kind];
    return kind == VARIANCE_FITTED ? "fitted" : NULL;
}

/* clang-format off */
#define SETTING(m, option, owners, kind, meta, says, h, ...) \
    [ROW_##m] = {.name = option, .type = kind, .metavar = meta, .otherwise = says, .group = "Protocol", .reads = owners, .help = h, __VA_ARGS__},
#define SWITCH_OPTION(m, option, reads, d, h) SETTING(m, option, reads, OPTION_SWITCH, NULL, (d) ? "yes" : "no", h, .low = 0)
#define INT_OPTION(m, option, reads, lo, hi, d, h) SETTING(m, option, reads, OPTION_INT, "N", #d, h, .low = lo, .high = hi)
#define REAL_OPTION(m, option, reads, lo, hi, d, h) SETTING(m, option, reads, OPTION_REAL, "X", #d, h, .low = lo, .high = hi)
#define OWN_OPTION(m, option, reads, lo, hi, says, h) SETTING(m, option, reads, OPTION_INT, "N", says, h, .low = lo, .high = hi)
#define TAKE(m, value) if (v[ROW_##m].given) run->m = (__typeof__(run->m))v[ROW_##m].value;
#define TAKE_INTEGER(m, ...) TAKE(m, integer)
#define TAKE_REAL(m, ...) TAKE(m, real)
/* clang-format on */

static const Option options[ROWS + 1] = {
    [MODEL] = OPTION_ROW_MODEL,
    [WEIGHTS] = OPTION_ROW_WEIGHTS,
    [LABEL] = OPTION_ROW_LABEL("class under which the images are scored"),
    [PROTOCOL] =
        OPTION("protocol", CHOICE, "Protocol", .metavar = "NAME", .word = protocol_name,
               .otherwise = "by the method",
               .help = "what is computed, see below; numbers of different protocols do not "
                       "compare"),
    [STEPS] = OPTION("steps", INT, "Protocol", .low = 2, .high = 1e6, .otherwise = "all",
                     .reads = LIKELIHOOD_STEPS,
                     .help = "of the chain of so many of a ddpm or cdm model's steps"),
    [SPACING] = OPTION("spacing", CHOICE, "Protocol", .words = spacing_words, .fallback = "even",
                       .reads = LIKELIHOOD_STEPS,
                       .help = "which steps these are: even, leading, trailing, quadratic, "
                               "or dp, the best ones for the model's errors on training images"),
    [EXACT] = OPTION("exact", FLAG, "Protocol", .reads = LIKELIHOOD_CALLS,
                     .help = "sum all terms, with a few more calls than the model has steps"),
    [VARIANCE] = OPTION("variance", CHOICE, "Protocol", .word = variance_name,
                        .otherwise = "the model's", .reads = LIKELIHOOD_VARIANCE,
                        .help = "variance of the model's steps; fitted measures on training "
                                "images what makes the bound smallest"),
    [FIT_DATA] = OPTION("fit-data", TEXT, "Protocol", .metavar = "PATH",
                        .otherwise = "the run's training data",
                        .reads = LIKELIHOOD_STEPS | LIKELIHOOD_VARIANCE,
                        .help = "where the images for --variance fitted and --spacing dp are"),
    [FIT_COUNT] = OPTION("fit-count", INT, "Protocol", .low = 1, .high = 100000, .fallback = "32",
                         .reads = LIKELIHOOD_STEPS | LIKELIHOOD_VARIANCE,
                         .help = "how many of them are measured"),
    [PER_STEP] = OPTION("per-step", TEXT, "Protocol", .metavar = "FILE", .reads = LIKELIHOOD_TERMS,
                        .help = "the terms of all steps as a table (CSV); asks for --exact"),
    [DEQUANT_BY] =
        OPTION("dequant-by", CHOICE, "Protocol", .words = dequant_words, .fallback = "uniform",
               .reads = LIKELIHOOD_DEQUANT,
               .help = "noise that is added to the pixels, because ode scores a density: uniform "
                       "over one level of grey; or normal, the model's least noise, cut to what "
                       "rounds to the same image, which takes fewer bits where it is narrower"),
    [LEVEL] = OPTION("level", INT, "Protocol", .metavar = "T", .low = 0, .high = 1e6,
                     .fallback = "0", .reads = LIKELIHOOD_LEVEL,
                     .help = "noise level at which the density is taken, 0 for the clean "
                             "image; above 0 noise of that level is drawn and added, and the "
                             "figure is of the noisy image; up to the number of steps + 1, noise "
                             "alone"),
    LIKELIHOOD_SETTINGS(SWITCH_OPTION, INT_OPTION, REAL_OPTION, OWN_OPTION)[DATA] =
        OPTION("data", TEXT, "Images", .metavar = "PATH",
               .help = "score a data set (IDX, CIFAR-10) or a folder of images and give the mean"),
    [PART] = OPTION_ROW_PART,
    [COUNT] = OPTION_ROW_SCORED(": of IDX and CIFAR-10 the first, of a folder evenly"),
    [RESIZE] = OPTION_ROW_RESIZE,
    [SEED] =
        OPTION("seed", SEED, "Images", .fallback = "0",
               .help = "seed of all draws; an image's figures depend on it and on the image alone"),
    [BATCH] = OPTION("batch", INT, "Images", .letter = 'b', .low = 1, .high = 65536,
                     .otherwise = "by the protocol, 4 or 16", .help = "images scored together"),
    [CSV] = OPTION("csv", TEXT, "Images", .metavar = "FILE",
                   .help = "the figures of all images as a table"),
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

typedef struct {
    char path[PATH_BYTES];
    Model model;
    NllJob job;
    const char *variance; /* in words */
    bool fitted;
    MeasuredImages fit; /* what errors are measured on */
    double *variances;  /* fitted, or NULL */
} Work;

/* Refuses options that the protocol would ignore, and options that contradict each other. */
static bool check_options(const OptionValue *v, const Protocol *protocol, Err *err)
{
    for (int i = 0; i < ROWS; i++) {
        const Option *o = &options[i];
        if (v[i].given && o->reads && !protocol_takes(protocol, "--", o->name, o->reads, err))
            return false;
    }
    bool fitted = (v[VARIANCE].given && v[VARIANCE].integer == VARIANCE_FITTED) ||
                  (v[SPACING].given && v[SPACING].integer == SPACING_DP);
    if (v[SPACING].given && !v[STEPS].given)
        return err_set(err, ERR_USAGE,
                       "--spacing says which steps are taken; how many is for --steps");
    if ((v[FIT_DATA].given || v[FIT_COUNT].given) && !fitted)
        return err_set(err, ERR_USAGE, "--%s belongs to --variance fitted and --spacing dp",
                       options[v[FIT_DATA].given ? FIT_DATA : FIT_COUNT].name);
    if (v[ROW_calls].given && (v[EXACT].given || v[PER_STEP].given))
        return err_set(err, ERR_USAGE, "--calls estimates what --%s sums; give one of them",
                       options[v[EXACT].given ? EXACT : PER_STEP].name);
    return true;
}

static bool choose_protocol(const OptionValue *v, Work *w, Err *err)
{
    int T = w->model.process.T;
    if (!model_choose_protocol(&w->model, v[PROTOCOL].text, w->path, &w->job.protocol, err) ||
        !check_options(v, w->job.protocol, err))
        return false;
    return v[LEVEL].integer <= T + 1 ||
           err_set(err, ERR_USAGE,
                   "--level is %lld; the levels of %s are 0 (clean) to %d (noise alone)",
                   (long long)v[LEVEL].integer, w->path, T + 1);
}

static void fill_run(const OptionValue *v, Work *w)
{
    const ModelConfig *c = &w->model.config;
    const Protocol *p = w->job.protocol;
    LikelihoodRun *run = &w->job.run;
    int variance = v[VARIANCE].given ? (int)v[VARIANCE].integer : (int)c->sample.variance;
    w->fitted = variance == VARIANCE_FITTED;
    w->variance = variance_name(NULL, variance);
    *run = model_likelihood_run(&w->model, p, !v[DATA].given);
    run->variance = w->fitted ? c->sample.variance : (VarianceKind)variance;
    LIKELIHOOD_SETTINGS(TAKE_INTEGER, TAKE_INTEGER, TAKE_REAL, TAKE_INTEGER)
    run->dequantise |= v[ROW_draws].given;
    run->dequant = (DequantKind)v[DEQUANT_BY].integer;
    if (v[EXACT].given || v[PER_STEP].given) run->calls = 0;
    if (p->reads & LIKELIHOOD_LEVEL) run->level = cdm_level(run->process, (int)v[LEVEL].integer);
    w->job.seed = v[SEED].seed;
    w->job.batch = v[BATCH].given ? (int)v[BATCH].integer : p->images;
}

static void narrate(const Work *w)
{
    const Protocol *p = w->job.protocol;
    const ProtocolWords *words = &w->job.words;
    bool variance = p->reads & LIKELIHOOD_VARIANCE;
    term_note("%s: protocol %s, %s%s%s", w->path, p->name, words->what,
              variance ? ", variance " : "", variance ? w->variance : "");
    if (words->warning[0]) term_note("warning: %s", words->warning);
}

/* What is wrong with a bound that promises less than no model at all. */
static void doubt(const Work *w, const OptionValue *v)
{
    enum { RAW_BITS = 8 };
    bool few = v[STEPS].given, dp = v[SPACING].given && v[SPACING].integer == SPACING_DP;
    double mean = nll_report_mean(&w->job);
    char helps[80] = "";
    if (!(w->job.protocol->reads & LIKELIHOOD_VARIANCE) || !(mean > RAW_BITS)) return;
    if (!w->fitted) text_add(helps, sizeof helps, ", ", "--variance fitted");
    if (few && !dp) text_add(helps, sizeof helps, ", ", "--spacing dp");
    if (few) text_add(helps, sizeof helps, " or ", "more --steps");
    term_note("warning: %.4g bits/dim are more than the %d of raw pixels: %s%s%s", mean, RAW_BITS,
              few ? "the errors of so few steps exceed the model's variances"
                  : "the model predicts these images badly",
              helps[0] ? "; try " : "", helps);
}

/* Neither table may replace the other, or what is scored or measured on. */
static bool check_tables(const NllJob *job, const OptionValue *v, Err *err)
{
    const NllImages *images = &job->images;
    const NamedOutput tables[] = {{.option = "csv", .path = job->csv.path},
                                  {.option = "per-step", .path = job->per_step.path}};
    const char *data[] = {images->data_path, v[FIT_DATA].text};
    return check_outputs(tables, 2, data, 2, err) &&
           (images->data_path || check_outputs(tables, 2, images->paths, images->count, err));
}

/* The images that errors are measured on, read when the first measurement needs them. */
static bool open_fit(Work *w, const OptionValue *v, Err *err)
{
    return w->fit.x0 || fit_images_open(&w->fit, &w->model, v[FIT_DATA].text,
                                        (int)v[FIT_COUNT].integer, v[SEED].seed, w->job.label, err);
}

static bool measure_fit(Work *w, const OptionValue *v, Err *err)
{
    NllJob *job = &w->job;
    if (!open_fit(w, v, err)) return false;
    job->network->labels = w->fit.labels;
    bool ok = measure_variances(&w->fit, &job->model.denoiser, &job->run, &w->variances, err);
    job->network->labels = NULL;
    return ok;
}

/* --steps makes the model a chain of fewer steps. */
static bool choose_chain(Work *w, const OptionValue *v, int label, Err *err)
{
    SpacingKind spacing = (SpacingKind)v[SPACING].integer;
    int K = (int)v[STEPS].integer;
    bool clip = v[ROW_clip].given ? v[ROW_clip].integer : true;
    if (!v[STEPS].given) return true;
    return check_steps(&w->model, spacing, K, err) &&
           (spacing != SPACING_DP || open_fit(w, v, err)) &&
           choose_steps(&w->model, spacing, K, &w->fit, label, clip, err);
}

static bool run_job(Work *w, const OptionValue *v, Err *err)
{
    int label;
    NllJob *job = &w->job;
    if (!take_label(&w->model, &v[LABEL], !v[DATA].given, &label, err) ||
        !choose_protocol(v, w, err))
        return false;
    job->images.want = w->model.image;
    job->level = (int)v[LEVEL].integer;
    job->json = v[JSON].given;
    job->csv.path = v[CSV].text;
    job->per_step.path = v[PER_STEP].text;
    /* Finds what is wrong with the files before the work begins. */
    if (!check_tables(job, v, err) || !nll_images_open(&job->images, err)) return false;
    job->config = &w->model.config;
    job->network = &w->model.denoiser;
    job->label = label;
    bool ok = (!v[DATA].given || label >= 0 || nll_images_match(&job->images, &w->model, err)) &&
              nll_open_tables(job, err) && choose_chain(w, v, label, err);
    if (ok) {
        fill_run(v, w);
        job->protocol->describe(&job->run, &job->words);
        size_t share = work_share_most(job->images.count);
        if ((size_t)job->batch > share) job->batch = (int)share;
        job->dims = shape_values(w->model.image);
        ok = model_prepare_protocol(&w->model, job->protocol, &job->run, job->batch, label,
                                    &job->model, err);
    }
    if (ok && w->fitted) ok = measure_fit(w, v, err);
    if (ok) {
        narrate(w);
        ok = nll_score_all(job, err);
        if (job->count > 0) doubt(w, v);
    }
    nll_close_tables(job);
    nll_images_close(&job->images);
    fit_images_close(&w->fit);
    mem_free(w->variances);
    return ok;
}

static bool find_model(Work *w, const OptionValue *v, Err *err)
{
    const OptionValue *given = &v[PROTOCOL];
    unsigned asked = given->given ? protocols[given->integer]->needs : 0;
    ModelNeeds needs = {.images = true,
                        .scored = &w->job.images,
                        .classes = v[LABEL].given,
                        .no_classes = !v[LABEL].given && !v[DATA].given,
                        .weights = (WeightsKind)v[WEIGHTS].integer,
                        .density = given->given ? asked & PROTOCOL_DENSITY : v[LEVEL].given,
                        .levels = asked & PROTOCOL_STEPS};
    return open_model(&w->model, w->path, &v[MODEL], &needs, 0, 0, err);
}

static bool run_nll(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    Work w = {0};
    if (!nll_images_choose(&w.job.images, a, DATA, "score", err)) return false;
    begin_work(&v[QUIET], &v[THREADS]);
    if (!find_model(&w, v, err)) return false;
    bool ok = run_job(&w, v, err);
    model_close(&w.model);
    return ok;
}

static void list_protocols(FILE *out)
{
    fputs("\nProtocols:\n", out);
    for (int i = 0; protocols[i]; i++) {
        int at = fprintf(out, "  %s", protocols[i]->name);
        help_wrap(out, at, 16, protocols[i]->help);
    }
}

const Command command_nll = {
    .name = "nll",
    .summary = "Score images under a model, in bits per dimension",
    .words = "IMAGE... | --data PATH",
    .words_max = 1000000,
    .examples = {"diffc nll data/boot.png",
                 "diffc nll -m runs/demo --data /usr/share/datasets/fashion-mnist --count 1000"},
    .options = options,
    .notes =
        "Fewer bits are more likely; 8 bits per dimension are what an unpacked image takes. A "
        "dimension is one channel of one pixel. The standard error of an image is that of "
        "its random draws; that of a data set is over its images. Of images named one by one those "
        "that can be scored are, also where others fail; the exit code then says so. Where a table "
        "goes to stdout, the lines of the results are left out.",
    .more_help = list_protocols,
    .run = run_nll,
    .shared = true,
};
