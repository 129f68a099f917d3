/* diffc nll: how likely images are under a model. */
#include <stdio.h>

#include "base/mem.h"
#include "base/term.h"
#include "cli/cli.h"
#include "cli/fit_images.h"
#include "cli/nll_options.h"
#include "cli/nll_score.h"
#include "diffusion/noise_classes.h"
#include "model/best_steps.h"
#include "model/model.h"
#include "model/sampling.h"
#include "model/scoring.h"

typedef struct {
    char path[PATH_BYTES];
    Model model;
    NllJob job;
    const char *variance; /* in words */
    bool fitted;
    MeasuredImages fit; /* what errors are measured on */
    double *variances;  /* fitted, or NULL */
} Work;

static bool choose_protocol(const OptionValue *v, Work *w, Err *err)
{
    int T = w->model.process.T;
    const char *name =
        v[NLL_ROW_PROTOCOL].given ? protocols[v[NLL_ROW_PROTOCOL].integer]->name : NULL;
    if (!model_choose_protocol(&w->model, name, w->path, &w->job.protocol, err) ||
        !nll_check_options(v, w->job.protocol, err))
        return false;
    return v[NLL_ROW_LEVEL].integer <= T + 1 ||
           err_set(err, ERR_USAGE,
                   "--level is %lld; the levels of %s are 0 (clean) to %d (noise alone)",
                   (long long)v[NLL_ROW_LEVEL].integer, w->path, T + 1);
}

static void fill_run(const OptionValue *v, Work *w)
{
    const ModelConfig *c = &w->model.config;
    const Protocol *p = w->job.protocol;
    LikelihoodRun *run = &w->job.run;
    int variance =
        v[NLL_ROW_VARIANCE].given ? (int)v[NLL_ROW_VARIANCE].integer : (int)c->sample.variance;
    w->fitted = variance == NLL_VARIANCE_FITTED;
    w->variance = nll_variance_name(NULL, variance);
    *run = model_likelihood_run(&w->model, p, !v[NLL_ROW_DATA].given);
    run->variance = w->fitted ? c->sample.variance : (VarianceKind)variance;
    nll_take_settings(v, run);
    run->dequantise |= v[NLL_ROW_draws].given;
    if (v[NLL_ROW_EXACT].given || v[NLL_ROW_PER_STEP].given) run->calls = 0;
    if (p->reads & LIKELIHOOD_LEVEL)
        run->level = cdm_level(run->process, (int)v[NLL_ROW_LEVEL].integer);
    w->job.seed = v[NLL_ROW_SEED].seed;
    w->job.batch = v[NLL_ROW_BATCH].given ? (int)v[NLL_ROW_BATCH].integer : p->images;
}

static void narrate(const Work *w)
{
    const Protocol *p = w->job.protocol;
    const ProtocolWords *words = &w->job.report.words;
    bool variance = p->reads & LIKELIHOOD_VARIANCE;
    term_note("%s: protocol %s, %s%s%s", w->path, p->name, words->what,
              variance ? ", variance " : "", variance ? w->variance : "");
    if (words->warning[0]) term_note("warning: %s", words->warning);
}

/* The images that errors are measured on, read when the first measurement needs them. */
static bool open_fit(Work *w, const OptionValue *v, Err *err)
{
    return w->fit.x0 ||
           fit_images_open(&w->fit, &w->model, v[NLL_ROW_FIT_DATA].text,
                           (int)v[NLL_ROW_FIT_COUNT].integer, v[NLL_ROW_SEED].seed, err);
}

/* --steps makes the model a chain of fewer steps. */
static bool choose_chain(Work *w, const OptionValue *v, int label, Err *err)
{
    SpacingKind spacing = (SpacingKind)v[NLL_ROW_SPACING].integer;
    int K = (int)v[NLL_ROW_STEPS].integer;
    bool clip = v[NLL_ROW_clip].given ? v[NLL_ROW_clip].integer : true;
    if (!v[NLL_ROW_STEPS].given) return true;
    return check_steps(&w->model, spacing, K, err) &&
           (spacing != SPACING_DP || open_fit(w, v, err)) &&
           choose_steps(&w->model, spacing, K, &w->fit, label, clip, err);
}

static bool run_job(Work *w, const OptionValue *v, Err *err)
{
    int label = v[NLL_ROW_LABEL].given ? (int)v[NLL_ROW_LABEL].integer : -1;
    NllJob *job = &w->job;
    if (!model_check_label(&w->model.config, "--label", label, true, err) ||
        !choose_protocol(v, w, err))
        return false;
    job->images.want = w->model.image;
    job->report = (NllReport){.protocol = job->protocol,
                              .run = &job->run,
                              .level = (int)v[NLL_ROW_LEVEL].integer,
                              .json = v[NLL_ROW_JSON].given,
                              .each = !v[NLL_ROW_DATA].given,
                              .csv = v[NLL_ROW_CSV].text,
                              .per_step = v[NLL_ROW_PER_STEP].text};
    /* Finds what is wrong with the files before the work begins. */
    if (!nll_images_open(&job->images, err)) return false;
    bool ok = nll_report_open(&job->report, err) && choose_chain(w, v, label, err);
    if (ok) {
        fill_run(v, w);
        job->protocol->describe(&job->run, &job->report.words);
        if ((size_t)job->batch > job->images.count) job->batch = (int)job->images.count;
        Shape image = w->model.image;
        job->dims = (size_t)image.H * (size_t)image.W * (size_t)image.C;
        ok = model_prepare_protocol(&w->model, job->protocol, &job->run, job->batch, label,
                                    &job->model, err);
    }
    if (ok && w->fitted)
        ok = open_fit(w, v, err) &&
             measure_variances(&w->fit, &job->model.denoiser, &job->run, &w->variances, err);
    if (ok) {
        narrate(w);
        ok = nll_score_all(job, err);
    }
    nll_report_close(&job->report);
    nll_images_close(&job->images);
    fit_images_close(&w->fit);
    mem_free(w->variances);
    return ok;
}

static bool find_model(Work *w, const OptionValue *v, Err *err)
{
    const OptionValue *given = &v[NLL_ROW_PROTOCOL];
    unsigned asked = given->given ? protocols[given->integer]->needs : 0;
    ModelNeeds needs = {.images = true,
                        .scored = &w->job.images,
                        .classes = v[NLL_ROW_LABEL].given,
                        .density = given->given ? asked & PROTOCOL_DENSITY : v[NLL_ROW_LEVEL].given,
                        .levels = asked & PROTOCOL_STEPS};
    return open_model(&w->model, w->path, &v[NLL_ROW_MODEL], &needs, 0, 0, err);
}

static bool run_nll(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    Work w = {0};
    if (v[NLL_ROW_DATA].given && a->word_count > 0)
        return err_set(err, ERR_USAGE, "images and --data are given; one of them is enough");
    if (!v[NLL_ROW_DATA].given && a->word_count == 0)
        return err_set(err, ERR_USAGE, "there is nothing to score: name images or give --data");
    if (!v[NLL_ROW_DATA].given && (v[NLL_ROW_COUNT].given || v[NLL_ROW_PART].given))
        return err_set(err, ERR_USAGE, "--%s belongs to --data",
                       nll_options[v[NLL_ROW_COUNT].given ? NLL_ROW_COUNT : NLL_ROW_PART].name);
    if (a->word_count == 1 && !check_image_file(a->words[0], err)) return false;
    begin_work(&v[NLL_ROW_QUIET], &v[NLL_ROW_THREADS]);
    w.job.images = (NllImages){
        .resize = v[NLL_ROW_RESIZE].given,
        .paths = a->words,
        .data_path = v[NLL_ROW_DATA].text,
        .part = v[NLL_ROW_PART].given ? (DataPart)v[NLL_ROW_PART].integer : PART_AUTO,
        .count = v[NLL_ROW_DATA].given ? (size_t)v[NLL_ROW_COUNT].integer : (size_t)a->word_count};
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
    .words_min = 0,
    .words_max = 1000000,
    .examples = {"diffc nll data/boot.png",
                 "diffc nll -m runs/demo --data /usr/share/datasets/fashion-mnist --count 1000"},
    .options = nll_options,
    .readers = protocol_readers,
    .notes = "Fewer bits are more likely; 8 bits per dimension are what an unpacked image takes. A "
             "dimension is one channel of one pixel. The standard error of an image is that of "
             "its random draws; that of a data set is over its images. Images that can be scored "
             "are, also where others fail; the exit code then says so.",
    .more_help = list_protocols,
    .run = run_nll,
};
