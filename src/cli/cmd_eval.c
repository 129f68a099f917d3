/* diffc eval: how much images, or those that a model makes, are like a data set. */
#include <stdio.h>

#include "base/clock.h"
#include "base/term.h"
#include "base/world.h"
#include "cli/cli.h"
#include "cli/eval_data.h"
#include "cli/eval_features.h"
#include "cli/eval_pictures.h"
#include "cli/eval_report.h"
#include "cli/eval_statistics.h"
#include "math/double_matrix.h"

/* The rows of a table of `sample` come first. */
enum {
    DATA = SAMPLE_PLAN_ROWS,
    PART,
    RESIZE,
    FEATURES,
    STATS,
    SAVE_STATS,
    OUT,
    THREADS,
    JSON,
    QUIET,
    ROWS
};

enum { USUAL_COUNT = 1000, LEAST_COUNT = EVAL_NEIGHBOURS + 1 };

const Option eval_options[ROWS + 1] = {
    SAMPLE_PLAN_OPTIONS("of a model 1000, of a file or folder all"),
    [DATA] = OPTION("data", TEXT, "Comparison", .metavar = "PATH",
                    .otherwise = "what the model's run was trained on, less the images held out",
                    .help = "data set (IDX, CIFAR-10) or folder of images that is compared with"),
    [PART] = OPTION("part", CHOICE, "Comparison", .metavar = "NAME", .words = part_words,
                    .fallback = "train", .help = "part of the data set"),
    [RESIZE] = OPTION("resize", FLAG, "Comparison",
                      .help = "make data of another size or another number of channels fit"),
    [FEATURES] =
        OPTION("features", TEXT, "Comparison", .metavar = "FILE",
               .help = "safetensors file of the weights of pytorch-fid's Inception v3 (see below): "
                       "precision, recall, density and coverage are computed in its features too, "
                       "and FID and KID"),
    [STATS] = OPTION("stats", TEXT, "Comparison", .metavar = "FILE.npz",
                     .help = "instead of data: mean and covariance of a data set's features, as "
                             "--save-stats or pytorch-fid has saved them; only FID is computed"),
    [SAVE_STATS] = OPTION("save-stats", TEXT, "Comparison", .metavar = "FILE.npz",
                          .help = "compare nothing: write mean and covariance of the images' "
                                  "features, as pytorch-fid reads them"),
    [OUT] =
        OPTION("out", TEXT, "Comparison", .letter = 'o', .metavar = "FILE",
               .help = "PNG picture of the images that come closest to images of the data, each "
                       "with the three nearest at its right"),
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

typedef struct {
    EvalPictures pictures;
    EvalData data;
    EvalResult result;
    ImageSet reference, others, rest; /* of the data: compared with, compared, all but others */
    Inception inception;              /* with --features */
    EvalFeatures features;            /* likewise */
    EvalStatistics statistics;        /* with --stats and --save-stats */
    EvalStage stage;
} Job;

/* Cuts the data into what the images are compared with and as many others. */
static bool divide(Job *job, Err *err)
{
    const ImageSet *all = &job->data.all;
    size_t most = all->count / 2, count = job->pictures.count;
    char counted[EVAL_COUNT_BYTES];
    eval_pictures_counted(&job->pictures, counted);
    if (count < LEAST_COUNT)
        return err_set(err, ERR_USAGE, "%s %s too few to compare; at least %d are needed", counted,
                       count == 1 ? "is" : "are", LEAST_COUNT);
    if (most < LEAST_COUNT)
        return err_set(err, ERR_USAGE,
                       "%s: %zu image%s too few to compare with; at least %d are needed, which "
                       "are cut into two parts",
                       job->data.path, all->count, all->count == 1 ? " is" : "s are",
                       2 * LEAST_COUNT);
    if (count > most) {
        term_note("%s: %zu images are cut into two parts, so %zu are compared instead of %zu",
                  job->data.path, all->count, most, count);
        count = most;
    }
    job->result.count = count;
    job->reference = image_set_part(all, 0, count);
    job->others = image_set_part(all, all->count - count, count);
    job->rest = image_set_part(all, 0, all->count - count);
    return true;
}

static bool compare_patches(Job *job, Err *err)
{
    const ImageSet sets[EVAL_SETS] = {job->pictures.set, job->others};
    WorkProgress progress = eval_stage_begin(&job->stage, "sliced distance");
    return multiscale_distance(&job->reference, sets, EVAL_SETS, &progress, &job->result.distance,
                               err);
}

static bool compare_balls(Job *job, const EvalFeatures *f, PrecisionRecall balls[EVAL_SETS],
                          Err *err)
{
    WorkProgress progress = eval_stage_begin(&job->stage, "precision and recall");
    return precision_recall(&f->reference, f->sets, EVAL_SETS, EVAL_NEIGHBOURS, &progress, balls,
                            err);
}

static bool compare_pixels(Job *job, Err *err)
{
    EvalFeatures pixels;
    bool ok = eval_features_open(&pixels, job->result.count, image_set_dims(&job->reference), err);
    if (ok) {
        pixel_features(&job->reference, 0, job->result.count, pixels.of_reference);
        pixel_features(&job->pictures.set, 0, job->result.count, pixels.of_sets[EVAL_PICTURES]);
        pixel_features(&job->others, 0, job->result.count, pixels.of_sets[EVAL_OTHERS]);
        ok = compare_balls(job, &pixels, job->result.pixels, err);
    }
    eval_features_close(&pixels);
    return ok;
}

/* With --features: what its file makes of all images. */
static bool make_features(Job *job, Err *err)
{
    EvalFeatures *f = &job->features;
    if (!job->result.features.weights) return true;
    if (!eval_features_open(f, job->result.count, INCEPTION_FEATURES, err)) return false;
    WorkProgress of_pictures = eval_stage_begin(&job->stage, "features of the images");
    if (!inception_features(&job->inception, &job->pictures.set, &of_pictures,
                            f->of_sets[EVAL_PICTURES], err))
        return false;
    WorkProgress of_data = eval_stage_begin(&job->stage, "features of the data");
    if (!inception_features(&job->inception, &job->reference, &of_data, f->of_reference, err))
        return false;
    WorkProgress of_others = eval_stage_begin(&job->stage, "features of other data");
    return inception_features(&job->inception, &job->others, &of_others, f->of_sets[EVAL_OTHERS],
                              err);
}

static bool compare_features(Job *job, Err *err)
{
    FeatureFigures *figures = &job->result.features;
    return !figures->weights ||
           (compare_balls(job, &job->features, figures->balls, err) &&
            eval_features_distances(&job->features, &job->stage, figures, err));
}

static bool find_nearest(Job *job, Err *err)
{
    NearestImages *n = job->result.nearest;
    WorkProgress of_pictures = eval_stage_begin(&job->stage, "nearest images");
    if (!nearest_images_find(&job->pictures.set, &job->data.all, EVAL_NEIGHBOURS, &of_pictures,
                             &n[EVAL_PICTURES], err))
        return false;
    WorkProgress of_others = eval_stage_begin(&job->stage, "nearest images of the data");
    return nearest_images_find(&job->others, &job->rest, EVAL_NEIGHBOURS, &of_others,
                               &n[EVAL_OTHERS], err);
}

static bool compare(Job *job, Err *err)
{
    double start = clock_seconds();
    bool ok = make_features(job, err) &&
              (world_rank() > 0 || (compare_patches(job, err) && compare_pixels(job, err) &&
                                    compare_features(job, err) && find_nearest(job, err)));
    term_progress_end();
    job->result.seconds = clock_seconds() - start;
    if (!ok && err->kind == ERR_INTERRUPTED)
        return err_set(err, ERR_INTERRUPTED, "interrupted in the comparison; nothing is reported");
    return ok;
}

/* Reads FILE of --features, before any work. */
static bool open_inception(Job *job, const char *file, Err *err)
{
    const EvalPictures *p = &job->pictures;
    FeatureFigures *figures = &job->result.features;
    figures->weights = file;
    if (!file) return true;
    if (!inception_takes(p->shape, p->name, err) || !inception_open(&job->inception, file, err))
        return false;
    Err lack = {0};
    figures->has_frechet = double_matrix_start("FID", &lack);
    if (!figures->has_frechet) term_note("note: %s", lack.text);
    return true;
}

/* What has no meaning without images of the data. */
static bool check_statistics_options(const OptionValue *v, Err *err)
{
    static const int needless[] = {DATA, PART, RESIZE, OUT};
    const char *own = eval_options[v[STATS].given ? STATS : SAVE_STATS].name;
    for (size_t i = 0; i < sizeof needless / sizeof *needless; i++)
        if (v[needless[i]].given)
            return err_set(err, ERR_USAGE, "--%s and --%s are given; with --%s no data are read",
                           own, eval_options[needless[i]].name, own);
    return true;
}

static bool run_statistics(Job *job, const Arguments *a, Err *err)
{
    enum { LEAST = 2 };
    const OptionValue *v = a->values;
    EvalStatistics *s = &job->statistics;
    EvalPictures *p = &job->pictures;
    char counted[EVAL_COUNT_BYTES];
    s->weights = v[FEATURES].text;
    s->stats = v[STATS].text;
    s->save = v[SAVE_STATS].text;
    if (!check_statistics_options(v, err) || !eval_statistics_open(s, err) ||
        !eval_pictures_open(p, a, USUAL_COUNT, err))
        return false;
    eval_pictures_counted(p, counted);
    if (p->count < LEAST)
        return err_set(err, ERR_USAGE, "%s has no covariance; at least %d are needed", counted,
                       LEAST);
    return inception_takes(p->shape, p->name, err) &&
           inception_open(&job->inception, s->weights, err) &&
           double_matrix_start(s->stats ? "--stats" : "--save-stats", err) &&
           eval_pictures_take(p, a, p->count, err) &&
           eval_statistics_run(s, p, &job->inception, &job->stage, v[JSON].given, err);
}

static bool run_job(Job *job, const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    EvalResult *r = &job->result;
    r->pictures = &job->pictures;
    r->data = &job->data;
    r->out = v[OUT].text;
    return check_output_file("out", r->out, "png", err) &&
           eval_pictures_open(&job->pictures, a, USUAL_COUNT, err) &&
           (job->pictures.made || check_not_among("out", r->out, job->pictures.name,
                                                  job->pictures.data.kind == DATA_FOLDER, err)) &&
           eval_data_open(&job->data, &job->pictures, v[DATA].text, v[PART].integer == PART_TEST,
                          v[RESIZE].given, err) &&
           check_not_among("out", r->out, job->data.path, job->data.data.kind == DATA_FOLDER,
                           err) &&
           divide(job, err) && open_inception(job, v[FEATURES].text, err) &&
           eval_pictures_take(&job->pictures, a, r->count, err) && compare(job, err) &&
           (world_rank() > 0 ||
            ((!r->out || eval_write_nearest(r, err)) && eval_report(r, v[JSON].given, err)));
}

static bool run_eval(const Arguments *a, Err *err)
{
    Job job = {.stage.name = ""};
    const OptionValue *v = a->values;
    const NamedOutput files[] = {{.option = "out", .path = v[OUT].text},
                                 {.option = "save-stats", .path = v[SAVE_STATS].text}};
    const char *inputs[] = {a->word_count > 0 ? a->words[0] : NULL, v[DATA].text, v[FEATURES].text};
    if (!check_outputs(files, 2, inputs, 3, err)) return false;
    begin_work(&v[QUIET], &v[THREADS]);
    bool statistics = v[STATS].given || v[SAVE_STATS].given;
    bool ok = statistics ? run_statistics(&job, a, err) : run_job(&job, a, err);
    eval_statistics_close(&job.statistics);
    for (int s = 0; s < EVAL_SETS; s++) nearest_images_free(&job.result.nearest[s]);
    eval_features_close(&job.features);
    inception_close(&job.inception);
    eval_data_close(&job.data);
    eval_pictures_close(&job.pictures);
    return ok;
}

static void more_help(FILE *out)
{
    fputs("\nFILE of --features, made by Python from the weights that pytorch-fid publishes:\n"
          "  import torch, safetensors.torch\n"
          "  w = torch.load(\"pt_inception-2015-12-05-6726825d.pth\", map_location=\"cpu\")\n"
          "  w = {name: tensor.contiguous() for name, tensor in w.items()}\n"
          "  safetensors.torch.save_file(w, \"inception.safetensors\")\n",
          out);
    list_samplers(out);
}

const Command command_eval = {
    .name = "eval",
    .summary = "Compare images, or those that a model makes, with a data set",
    .words = "[MODEL|FOLDER|FILE.npz]",
    .words_min = 0,
    .words_max = 1,
    .examples = {"diffc eval --sampler dpm++2m --steps 20 --count 500",
                 "diffc eval images --data /usr/share/datasets/fashion-mnist --out nearest.png"},
    .options = eval_options,
    .notes =
        "Without an argument the images are made by --model. They are compared with as many images "
        "of the data. All figures depend on the number of images; so the second column shows those "
        "of as many other images of the data, which is what perfect images get. The sliced "
        "Wasserstein distance (Karras et al. 2018) compares patches at each level of the Laplacian "
        "pyramid, which is halved while the shorter side of the half is at least 12. Its standard "
        "error is that of the jackknife over ten parts of the images; less is better. Patches and "
        "directions are the same in every call. Precision is the share of the images that lie as "
        "close to an image of the data as its third nearest neighbour does, recall the share of "
        "the "
        "data that lie so close to one of the images (Kynkaanniemi et al. 2019); density and "
        "coverage are those of Naeem et al. (2020). All four compare pixels, which favours smooth "
        "images; with --features they are computed in the features of Inception v3 as well, as the "
        "program pytorch-fid makes them, and so are FID (Heusel et al. 2017; its standard error is "
        "that of the infinitesimal jackknife) and KID (Binkowski et al. 2018; of up to 1000 images "
        "that of all, of more the mean over 100 subsets of 1000; its standard error is that of the "
        "jackknife over ten parts of the images). FID is biased upwards, the more so the fewer "
        "images there are; KID is not. FID, --stats and --save-stats need LAPACK, which OpenBLAS "
        "has; programs built with BLAS=none or BLIS lack it. The last count is a sign of memorised "
        "images when it is "
        "well above that of the "
        "other data. With --label only data of that class are compared. Training can "
        "measure the sliced distance itself: train.eval_every.",
    .more_help = more_help,
    .run = run_eval,
    .shared = true,
};
