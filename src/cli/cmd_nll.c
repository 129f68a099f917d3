/* diffc nll: how likely images are under a model. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/term.h"
#include "cli/cli.h"
#include "cli/fit_images.h"
#include "cli/nll_images.h"
#include "cli/nll_options.h"
#include "cli/nll_report.h"
#include "diffusion/cdm.h"
#include "diffusion/likelihood.h"
#include "model/best_steps.h"
#include "model/model.h"

enum { BOUND_CALLS = 100, BOUND_IMAGES = 4, FLOW_IMAGES = 16, FILE_DRAWS = 4 };

typedef struct {
    char path[PATH_BYTES];
    Model model;
    Denoiser denoiser;
    DensityModel density; /* of exact, instead of the denoiser */
    size_t dims;
    LikelihoodProtocol protocol;
    BoundRun bound;
    FlowRun flow;
    ExactRun exact;
    const char *variance; /* of the bound, by name */
    bool fitted;
    MeasuredImages fit; /* what errors are measured on */
    double *variances;  /* fitted, or NULL */
    uint64_t seed;
    int batch;
    NllImages images;
    NllReport report;
    size_t done;   /* images looked at, in finished groups */
    size_t failed; /* could not be scored */
    Err failure;   /* the first of them */
    double start;
    int group; /* images in the running group */
} Job;

/* The last level of exact, at which the image has no part in what is scored. */
static bool is_noise_alone(const Job *job)
{
    return job->protocol == PROTOCOL_EXACT && job->exact.level.alpha <= 0;
}

static bool choose_protocol(const OptionValue *v, Job *job, Err *err)
{
    bool ddpm = job->model.process.kind == PROCESS_DDPM;
    bool cdm = job->model.config.method == METHOD_CDM;
    job->protocol = v[NLL_ROW_PROTOCOL].given ? (LikelihoodProtocol)v[NLL_ROW_PROTOCOL].integer
                    : cdm                     ? PROTOCOL_EXACT
                    : ddpm                    ? PROTOCOL_BOUND
                                              : PROTOCOL_ODE;
    if (job->protocol == PROTOCOL_EXACT && !cdm)
        return err_set(err, ERR_USAGE,
                       "the protocol exact needs a model that knows its density, as classification "
                       "diffusion does; %s has bound and ode",
                       job->path);
    if (job->protocol == PROTOCOL_BOUND && !process_is_discrete(&job->model.process))
        return err_set(err, ERR_USAGE,
                       "the protocol bound needs a chain of discrete steps; the noise of %s is "
                       "continuous in time and has ode",
                       job->path);
    if (cdm && v[NLL_ROW_LEVEL].integer > job->model.process.T + 1)
        return err_set(err, ERR_USAGE,
                       "--level is %lld; the levels of %s are 0 (clean) to %d (noise alone)",
                       (long long)v[NLL_ROW_LEVEL].integer, job->path, job->model.process.T + 1);
    return nll_check_options(v, job->protocol, err);
}

static bool report_progress(void *context, long predictions)
{
    const Job *job = context;
    size_t count = job->images.count;
    char left[24], mean[64] = "";
    if (job->done > 0) {
        double each = (clock_seconds() - job->start) / (double)job->done;
        term_format_duration(left, each * (double)(count - job->done));
        snprintf(mean, sizeof mean, ", mean %.4f bits/dim, %s left", nll_report_mean(&job->report),
                 left);
    }
    term_progress("%zu of %zu image%s, %ld prediction%s for the next %d%s", job->done, count,
                  count == 1 ? "" : "s", predictions, predictions == 1 ? "" : "s", job->group,
                  mean);
    return !interrupt_requested();
}

static void fill_runs(const OptionValue *v, Job *job)
{
    const ModelConfig *c = &job->model.config;
    bool all = v[NLL_ROW_EXACT].given || v[NLL_ROW_PER_STEP].given;
    bool discrete = process_is_discrete(&job->model.process);
    job->bound = (BoundRun){
        .process = &job->model.process,
        .variance = c->variance,
        .clip = v[NLL_ROW_CLIP].given ? v[NLL_ROW_CLIP].integer : true,
        .clip_range = c->clip_range > 0 ? c->clip_range : 1,
        .calls = all                      ? 0
                 : v[NLL_ROW_CALLS].given ? (int)v[NLL_ROW_CALLS].integer
                                          : BOUND_CALLS,
        .batch = network_sample_batch(c),
        .progress = report_progress,
        .progress_context = job,
    };
    int variance = v[NLL_ROW_VARIANCE].given ? (int)v[NLL_ROW_VARIANCE].integer : (int)c->variance;
    job->fitted = variance == NLL_VARIANCE_FITTED;
    if (!job->fitted) job->bound.variance = (VarianceKind)variance;
    job->variance = nll_variance_name(variance);
    /* A short chain is summed. */
    if (discrete && !v[NLL_ROW_CALLS].given && job->model.process.T <= BOUND_CALLS)
        job->bound.calls = 0;
    job->flow = (FlowRun){
        .process = &job->model.process,
        .probes = (int)v[NLL_ROW_PROBES].integer,
        .dequant = v[NLL_ROW_DEQUANT].given ? (int)v[NLL_ROW_DEQUANT].integer
                   : v[NLL_ROW_DATA].given  ? 1
                                            : FILE_DRAWS,
        .tolerance = v[NLL_ROW_TOLERANCE].real,
        .call_limit = (long)v[NLL_ROW_CALL_LIMIT].integer,
        .progress = report_progress,
        .progress_context = job,
    };
    /* A model of images as they are is asked about images as they are, in one call unless draws are
     * asked for. */
    job->exact = (ExactRun){
        .dequantise = c->dequantised || v[NLL_ROW_DEQUANT].given,
        .draws = v[NLL_ROW_DEQUANT].given ? (int)v[NLL_ROW_DEQUANT].integer : 1,
    };
    if (job->protocol == PROTOCOL_EXACT)
        job->exact.level = cdm_level(&job->model.process, (int)v[NLL_ROW_LEVEL].integer);
    job->seed = v[NLL_ROW_SEED].seed;
    int own = job->protocol == PROTOCOL_BOUND ? BOUND_IMAGES : FLOW_IMAGES;
    job->batch = v[NLL_ROW_BATCH].given ? (int)v[NLL_ROW_BATCH].integer : own;
}

/* One group's images, of which some may not have been read. */
typedef struct {
    int count;
    unsigned char *pixels; /* [count, dims] */
    double *x0;            /* [count, dims] */
    uint64_t *seeds;
    size_t *number;
    Likelihood *results;
    double *terms; /* [count, T+1] or NULL */
} Group;

static bool group_open(Group *g, const Job *job, Err *err)
{
    size_t n = (size_t)job->batch, dims = job->dims;
    bool terms = job->report.per_step != NULL;
    *g = (Group){.pixels = mem_alloc(n, dims),
                 .x0 = mem_doubles(n * dims),
                 .seeds = mem_alloc(n, sizeof *g->seeds),
                 .number = mem_alloc(n, sizeof *g->number),
                 .results = mem_alloc(n, sizeof *g->results)};
    if (terms) g->terms = mem_doubles(n * ((size_t)job->model.process.T + 1));
    return (g->pixels && g->x0 && g->seeds && g->number && g->results && (!terms || g->terms)) ||
           err_set(err, ERR_MEMORY, "there is no memory for a batch of %d images", job->batch);
}

static void group_close(Group *g)
{
    mem_free(g->pixels);
    mem_free(g->x0);
    mem_free(g->seeds);
    mem_free(g->number);
    mem_free(g->results);
    mem_free(g->terms);
}

/* An image that cannot be scored does not keep the others from it. */
static void note_failure(Job *job, const Err *why)
{
    if (job->failed++ == 0) job->failure = *why;
    if (job->images.count == 1) return; /* main says it */
    term_progress_end();
    fprintf(stderr, "diffc nll: %s\n", why->text);
}

static void group_fill(Group *g, Job *job, size_t first, size_t end)
{
    size_t dims = job->dims;
    g->count = 0;
    for (size_t i = first; i < end; i++) {
        size_t at = (size_t)g->count * dims;
        Err why = {0};
        if (!nll_images_read(&job->images, i, g->pixels + at, &why)) {
            note_failure(job, &why);
            continue;
        }
        for (size_t k = 0; k < dims; k++)
            g->x0[at + k] = pixel_value(&model_pixels, g->pixels[at + k]);
        g->seeds[g->count] = likelihood_seed(job->seed, g->pixels + at, dims);
        g->number[g->count++] = i;
    }
}

/* Images first .. first+count-1 of the group. */
static bool score(Job *job, Group *g, int first, int count, Err *err)
{
    size_t at = (size_t)first * job->dims;
    Likelihood *results = g->results + first;
    if (job->protocol == PROTOCOL_ODE)
        return flow_likelihood(&job->flow, &job->denoiser, count, g->pixels + at, g->seeds + first,
                               results, err);
    if (job->protocol == PROTOCOL_EXACT)
        return exact_run(&job->exact, &job->density, count, g->pixels + at, g->seeds + first,
                         results, err);
    ImageSeeds seeds = {.seeds = g->seeds + first};
    NoiseSource noise = likelihood_noise(&seeds);
    double *terms = g->terms ? g->terms + (size_t)first * ((size_t)job->model.process.T + 1) : NULL;
    return bound_run(&job->bound, &job->denoiser, &noise, count, g->x0 + at, results, terms, err);
}

static bool report_results(Job *job, const Group *g, int first, int count, Err *err)
{
    int T = job->model.process.T;
    for (int i = first; i < first + count; i++) {
        char name[PATH_BYTES + 32];
        nll_images_name(&job->images, g->number[i], name, sizeof name);
        const double *terms = g->terms ? g->terms + (size_t)i * ((size_t)T + 1) : NULL;
        if (!nll_report_image(&job->report, name, &g->results[i], terms, T, err)) return false;
    }
    return true;
}

/* An image's own failure: the others may do better. */
static bool is_own(const Err *err)
{
    return err->kind == ERR_LIMIT || err->kind == ERR_DIVERGED;
}

static bool score_group(Job *job, Group *g, Err *err)
{
    job->group = g->count;
    if (g->count == 0) return true;
    if (score(job, g, 0, g->count, err)) return report_results(job, g, 0, g->count, err);
    if (!is_own(err)) return false;
    /* One of them failed: each alone. */
    job->group = 1;
    for (int i = 0; i < g->count; i++) {
        if (score(job, g, i, 1, err)) {
            if (!report_results(job, g, i, 1, err)) return false;
            continue;
        }
        if (!is_own(err)) return false;
        char name[PATH_BYTES + 32];
        Err why = {0};
        nll_images_name(&job->images, g->number[i], name, sizeof name);
        err_set(&why, err->kind, "%.300s: %.700s", name, err->text);
        note_failure(job, &why);
    }
    return true;
}

static bool score_all(Job *job, Group *g, Err *err)
{
    job->start = clock_seconds();
    while (job->done < job->images.count) {
        size_t end = job->done + (size_t)job->batch;
        if (end > job->images.count) end = job->images.count;
        group_fill(g, job, job->done, end);
        if (interrupt_requested()) return err_set(err, ERR_INTERRUPTED, "interrupted");
        if (!score_group(job, g, err)) return false;
        job->done = end;
    }
    return true;
}

/* What was scored is told, whether or not all of it was; but tables that a failure cut short are
 * dropped, for they would look whole. */
static bool conclude(Job *job, bool scored, Err *err)
{
    Err end = {0};
    bool told = !job->images.data_path || nll_report_summary(&job->report, &end);
    if (scored || err->kind == ERR_INTERRUPTED)
        told = nll_report_finish(&job->report, &end) && told;
    if (!scored && err->kind == ERR_INTERRUPTED)
        return err_set(err, ERR_INTERRUPTED, "interrupted after %zu of %zu images%s",
                       job->report.count, job->images.count,
                       job->report.count > 0 ? "; their figures are told" : "");
    if (!scored) return false;
    if (!told) return err_set(err, end.kind, "%s", end.text);
    if (job->failed == 0) return true;
    if (job->images.count == 1) return err_set(err, job->failure.kind, "%s", job->failure.text);
    return err_set(err, job->failure.kind, "%zu of %zu images could not be scored", job->failed,
                   job->images.count);
}

static void narrate_exact(const Job *job)
{
    const ExactRun *e = &job->exact;
    if (is_noise_alone(job)) {
        term_note("%s: protocol exact, the density of noise alone (level %d): that of the standard "
                  "normal distribution, whatever the image and the model",
                  job->path, (int)cdm_class_at(e->level));
        return;
    }
    bool noisy = e->level.sigma > 0;
    term_note("%s: protocol exact, the density of %s at noise level %d: %d network call%s an image",
              job->path,
              noisy           ? "images with noise"
              : e->dequantise ? "dequantised images"
                              : "images as they stand",
              (int)cdm_class_at(e->level), e->draws, e->draws == 1 ? "" : "s");
    term_note("warning: the figure is a learnt density ratio, not a bound: nothing holds it above "
              "the true -log2 P%s",
              noisy ? " of the noisy image"
              : e->dequantise
                  ? ""
                  : ", and a model of the 256 levels of grey can raise it without limit");
}

static void narrate(const Job *job)
{
    if (job->protocol == PROTOCOL_EXACT) {
        narrate_exact(job);
        return;
    }
    const BoundRun *b = &job->bound;
    const FlowRun *f = &job->flow;
    const char *because = job->protocol == PROTOCOL_BOUND ? "an upper bound of -log2 P"
                                                          : "the density of dequantised images";
    if (job->protocol == PROTOCOL_BOUND)
        term_note("%s: protocol bound, %s: %s %d terms, %ld network calls an image, variance %s",
                  job->path, because, b->calls ? "estimate of" : "all", job->model.process.T,
                  bound_calls(b), job->variance);
    else
        term_note("%s: protocol ode, %s: tolerance %g, %d probe%s, %d draw%s an image", job->path,
                  because, f->tolerance, f->probes, f->probes == 1 ? "" : "s", f->dequant,
                  f->dequant == 1 ? "" : "s");
}

/* Images that the network is given at once. */
static int rows_of_call(const Job *job)
{
    int most = network_sample_batch(&job->model.config);
    double rows = job->bound.batch;
    if (job->protocol == PROTOCOL_EXACT) rows = job->exact.draws;
    if (job->protocol == PROTOCOL_ODE)
        rows =
            (double)job->batch * job->flow.dequant * (job->flow.probes > 0 ? job->flow.probes : 1);
    return rows < most ? (int)rows : most;
}

static bool prepare(Job *job, int label, Err *err)
{
    Shape s = job->model.image;
    int batch = rows_of_call(job);
    job->dims = (size_t)s.H * (size_t)s.W * (size_t)s.C;
    if (job->protocol == PROTOCOL_EXACT)
        return model_prepare_density(&job->model, batch, &job->density, err);
    if (job->protocol == PROTOCOL_ODE)
        return model_prepare_vjp(&job->model, batch, label, &job->denoiser, err);
    return model_prepare(&job->model, batch, label, &job->denoiser, err);
}

/* The images that errors are measured on, read when the first measurement needs them. */
static bool open_fit(Job *job, const OptionValue *v, Err *err)
{
    return job->fit.x0 ||
           fit_images_open(&job->fit, &job->model, v[NLL_ROW_FIT_DATA].text,
                           (int)v[NLL_ROW_FIT_COUNT].integer, v[NLL_ROW_SEED].seed, err);
}

/* --steps makes the model a chain of fewer steps. */
static bool choose_chain(Job *job, const OptionValue *v, int label, Err *err)
{
    SpacingKind spacing = (SpacingKind)v[NLL_ROW_SPACING].integer;
    int K = (int)v[NLL_ROW_STEPS].integer;
    bool clip = v[NLL_ROW_CLIP].given ? v[NLL_ROW_CLIP].integer : true;
    if (!v[NLL_ROW_STEPS].given) return true;
    return check_steps(&job->model, spacing, K, err) &&
           (spacing != SPACING_DP || open_fit(job, v, err)) &&
           choose_steps(&job->model, spacing, K, &job->fit, label, clip, err);
}

static bool run_job(Job *job, const OptionValue *v, Err *err)
{
    int label;
    if (!choose_label(&v[NLL_ROW_LABEL], &job->model.config, &label, err)) return false;
    if (!choose_protocol(v, job, err)) return false;
    job->images.want = job->model.image;
    job->report = (NllReport){.protocol = job->protocol,
                              .level = (int)v[NLL_ROW_LEVEL].integer,
                              .json = v[NLL_ROW_JSON].given,
                              .each = !v[NLL_ROW_DATA].given,
                              .csv = v[NLL_ROW_CSV].text,
                              .per_step = v[NLL_ROW_PER_STEP].text};
    /* What can be wrong with the files is found before the work. */
    if (!nll_images_open(&job->images, err)) return false;
    Group group = {0};
    bool ok = nll_report_open(&job->report, err) && choose_chain(job, v, label, err);
    if (ok) {
        fill_runs(v, job);
        job->report.noise_alone = is_noise_alone(job);
        if ((size_t)job->batch > job->images.count) job->batch = (int)job->images.count;
        ok = prepare(job, label, err);
    }
    if (ok && job->fitted)
        ok = open_fit(job, v, err) &&
             measure_variances(&job->fit, &job->denoiser, &job->bound, &job->variances, err);
    ok = ok && group_open(&group, job, err);
    if (ok) {
        narrate(job);
        ok = conclude(job, score_all(job, &group, err), err);
    }
    group_close(&group);
    nll_report_close(&job->report);
    nll_images_close(&job->images);
    fit_images_close(&job->fit);
    mem_free(job->variances);
    return ok;
}

static bool find_model(Job *job, const OptionValue *v, Err *err)
{
    const OptionValue *protocol = &v[NLL_ROW_PROTOCOL];
    ModelNeeds needs = {.images = true,
                        .scored = &job->images,
                        .classes = v[NLL_ROW_LABEL].given,
                        .density = protocol->given ? protocol->integer == PROTOCOL_EXACT
                                                   : v[NLL_ROW_LEVEL].given,
                        .levels = protocol->given && protocol->integer == PROTOCOL_BOUND};
    return open_model(&job->model, job->path, &v[NLL_ROW_MODEL], &needs, 0, 0, err);
}

static bool run_nll(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    Job job = {0};
    if (v[NLL_ROW_DATA].given && a->word_count > 0)
        return err_set(err, ERR_USAGE, "images and --data are given; one of them is enough");
    if (!v[NLL_ROW_DATA].given && a->word_count == 0)
        return err_set(err, ERR_USAGE, "there is nothing to score: name images or give --data");
    if (!v[NLL_ROW_DATA].given && (v[NLL_ROW_COUNT].given || v[NLL_ROW_PART].given))
        return err_set(err, ERR_USAGE, "--%s belongs to --data",
                       nll_options[v[NLL_ROW_COUNT].given ? NLL_ROW_COUNT : NLL_ROW_PART].name);
    if (a->word_count == 1 && !check_image_file(a->words[0], err)) return false;
    begin_work(&v[NLL_ROW_QUIET], &v[NLL_ROW_THREADS]);
    job.images = (NllImages){
        .resize = v[NLL_ROW_RESIZE].given,
        .paths = a->words,
        .data_path = v[NLL_ROW_DATA].text,
        .part = v[NLL_ROW_PART].given ? (DataPart)v[NLL_ROW_PART].integer : PART_AUTO,
        .count = v[NLL_ROW_DATA].given ? (size_t)v[NLL_ROW_COUNT].integer : (size_t)a->word_count};
    if (!find_model(&job, v, err)) return false;
    bool ok = run_job(&job, v, err);
    model_close(&job.model);
    return ok;
}

static void list_protocols(FILE *out)
{
    static const char *const rows[][2] = {
        {"bound", "variational bound of the chain of steps: an upper bound of -log2 P of the image "
                  "as it stands (ddpm, smld, eddpm, cdm)"},
        {"ode",
         "density of the probability flow at the image plus uniform noise of one grey level: "
         "on average an upper bound of -log2 P too (every method)"},
        {"exact",
         "density that the model itself gives, in one network call, at the image plus "
         "uniform noise of one grey level, or with --level at the image plus that level's noise: "
         "a learnt ratio, not a bound; at the last level, noise alone, the standard normal "
         "density (cdm)"},
    };
    fputs("\nProtocols:\n", out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int at = fprintf(out, "  %s", rows[i][0]);
        help_wrap(out, at, 16, rows[i][1]);
    }
}

const Command command_nll = {
    .name = "nll",
    .summary = "Tell how likely images are under a model, in bits per dimension",
    .words = "IMAGE... | --data PATH",
    .words_min = 0,
    .words_max = 1000000,
    .examples = {"diffc nll data/boot.png",
                 "diffc nll -m runs/demo --data /usr/share/datasets/fashion-mnist --count 1000"},
    .options = nll_options,
    .notes = "Fewer bits are more likely; 8 bits per dimension are what an unpacked image takes. A "
             "dimension is one channel of one pixel. The standard error of an image is that of "
             "its random draws; that of a data set is over its images. Images that can be scored "
             "are, also where others fail; the exit code then says so.",
    .more_help = list_protocols,
    .run = run_nll,
};
