/* diffc restore: fills in what is missing from an image with what a model draws. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/restore_known.h"
#include "cli/sample_make.h"
#include "cli/sample_plan.h"
#include "model/model_use.h"

enum {
    OUT = SAMPLE_PLAN_ROWS,
    OUT_DIR,
    RESIZE,
    MASK,
    GREY,
    SCALE,
    SIGMA,
    BY,
    THREADS,
    JSON,
    QUIET,
    ROWS
};

enum { USUAL_COUNT = 4, MOST_COLUMNS = 8 };

static const Option options[ROWS + 1] = {
    SAMPLE_PLAN_OPTIONS("4"),
    [OUT] = OPTION(
        "out", TEXT, "Images", .letter = 'o', .metavar = "FILE",
        .otherwise = "the image's name with -restored-1, or the next free number, when nothing "
                     "else is asked for",
        .help = "one PNG picture: what is known, the whole image where it is given, then the "
                "restored ones"),
    [OUT_DIR] = OPTION("out-dir", TEXT, "Images", .metavar = "DIR",
                       .help = "one PNG file per restored image, named by its seed: 000007.png"),
    [RESIZE] = OPTION_ROW_RESIZE,
    [MASK] = OPTION(
        "mask", TEXT, "What is known", .metavar = "MASK.png",
        .help = "the pixels where a picture of the model's size (with --resize, of the image's) is "
                "black; where it is white they are filled in"),
    [GREY] = OPTION("grey", FLAG, "What is known",
                    .help = "the mean of each pixel's colours; IMAGE can be grey itself"),
    [SCALE] =
        OPTION("scale", INT, "What is known", .low = 2, .high = IMAGE_MAX_SIDE,
               .help = "the means of blocks of N x N pixels; IMAGE can have one pixel a block"),
    [SIGMA] = OPTION(
        "sigma", REAL, "What is known", .low = 0, .high = 1e6, .otherwise = "0",
        .help = "what is known has noise of this standard deviation, in levels of grey (of 256); "
                "alone: all pixels are known with it"),
    [BY] = OPTION(
        "by", CHOICE, "What is known", .words = restore_words, .fallback = "gradient",
        .help =
            "gradient: the network's gradient pulls the image to what is known (three times the "
            "work, with --guidance four times); replace: what is known is put in at each noise "
            "level"),
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

static bool check_options(const OptionValue *v, KnownOptions *o, Err *err)
{
    int given = v[MASK].given + v[GREY].given + v[SCALE].given;
    o->mask = v[MASK].text;
    o->grey = v[GREY].given;
    o->scale = (int)v[SCALE].integer;
    o->sigma = v[SIGMA].real;
    o->resize = v[RESIZE].given;
    if (given > 1)
        return err_set(
            err, ERR_USAGE,
            "--mask, --grey and --scale each say what is known of the image; give one of them");
    return given == 1 || o->sigma > 0 ||
           err_set(err, ERR_USAGE,
                   "nothing says what is known of the image; give --mask MASK.png, --grey, --scale "
                   "N or, for an image with noise, --sigma S above 0");
}

/* What the images are made from, for their files and the report. */
static void name_sources(SamplePlan *p, const KnownOptions *o, const KnownImage *k, RestoreWay way)
{
    sample_plan_add_source(p, "restored", "%s", o->path);
    if (o->mask) sample_plan_add_source(p, "mask", "%s", o->mask);
    if (o->grey) sample_plan_add_source(p, "known", "grey");
    if (o->scale) sample_plan_add_number(p, "scale", o->scale);
    if (o->sigma > 0) sample_plan_add_number(p, "sigma", o->sigma);
    sample_plan_add_source(p, "by", "%s", restore_words[way]);
    p->source_hash = bytes_hash(BYTES_HASH_START, k->y, operator_known(&k->a) * sizeof *k->y);
    if (k->kept)
        p->source_hash =
            bytes_hash(p->source_hash, k->kept, operator_dims(&k->a) / (size_t)k->a.channels);
}

/* NAME-restored of the image's file, in the current folder. */
static void name_after_image(const char *image, char *stem)
{
    const char *slash = strrchr(image, '/'), *base = slash ? slash + 1 : image;
    const char *dot = strrchr(base, '.');
    int length = (int)(dot && dot != base ? (size_t)(dot - base) : strlen(base));
    snprintf(stem, PATH_BYTES, "%.*s-restored", length, base);
}

static bool plan_output(const OptionValue *v, const SamplePlan *p, const Model *m,
                        const KnownImage *k, const KnownOptions *known, SampleOutput *o, Err *err)
{
    int shown = p->count + k->shown;
    *o = (SampleOutput){.grid = v[OUT].text,
                        .folder = v[OUT_DIR].text,
                        .part = {.fd = -1},
                        .image = m->image,
                        .count = p->count,
                        .first_seed = p->seed,
                        .beside = k->pictures,
                        .beside_count = k->shown,
                        .in_row = shown < MOST_COLUMNS ? shown : MOST_COLUMNS,
                        .model = &m->config};
    if (!o->grid && !o->folder) name_after_image(known->path, o->stem);
    const NamedOutput files[] = {{.option = "out", .path = o->grid}, sample_output_folder(o)};
    const char *inputs[] = {known->path, known->mask};
    return check_outputs(files, 2, inputs, 2, err) && sample_output_check(o, err);
}

static bool check_class(const OptionValue *v, const Model *m, SamplePlan *p, Err *err)
{
    sample_plan_leave_class(v, m, p);
    if (p->label < 0 && guidance_is_on(&p->run.config))
        return err_set(err, ERR_USAGE,
                       "guidance is towards a class; give that of the image with --label");
    return p->label >= 0 || model_check_label(&m->config, "--label", true, &p->label, err);
}

static bool restore(const OptionValue *v, const KnownOptions *o, Model *m, SamplePlan *p, Err *err)
{
    KnownImage known = {0};
    SampleOutput output;
    p->count = USUAL_COUNT;
    bool ok = sample_plan_make(v, m, p, err) && check_class(v, m, p, err) &&
              known_image_open(&known, o, m->image, err) &&
              plan_output(v, p, m, &known, o, &output, err) && sample_plan_take_steps(v, p, m, err);
    if (ok) {
        Restore how = {.a = known.a,
                       .y = known.y,
                       .noise = known.noise,
                       .way = (RestoreWay)v[BY].integer,
                       .spread = 1,
                       .range = m->config.clip_range > 0 ? m->config.clip_range : 1};
        name_sources(p, o, &known, how.way);
        p->run.restore = &how;
        ok = sample_make(p, m, &output, v[JSON].given, err);
    }
    known_image_close(&known);
    return ok;
}

static bool run_restore(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    KnownOptions known = {.path = a->words[0]};
    SamplePlan plan = {.label = -1};
    Model model;
    int height = 0, width = 0;
    if (v[SAMPLE_ROW_SIZE].given &&
        !parse_image_size(v[SAMPLE_ROW_SIZE].text, &height, &width, err))
        return false;
    if (!check_options(v, &known, err)) return false;
    begin_work(&v[QUIET], &v[THREADS]);
    ModelNeeds needs = {
        .images = true,
        .classes = v[SAMPLE_ROW_LABEL].given,
        .no_classes = !v[SAMPLE_ROW_LABEL].given,
        .as_large_as = height > 0 || known.resize || known.scale > 0 ? NULL : known.path,
        .guidance = v[SAMPLE_ROW_guidance].given && v[SAMPLE_ROW_guidance].real != 1,
        .weights = (WeightsKind)v[SAMPLE_ROW_WEIGHTS].integer};
    if (!open_model(&model, plan.path, &v[SAMPLE_ROW_MODEL], &needs, height, width, err))
        return false;
    bool ok =
        (model.config.network != NETWORK_MLP ||
         err_set(err, ERR_USAGE, "%s: the model gives points of the plane, not images of 8 bits",
                 plan.path)) &&
        restore(v, &known, &model, &plan, err);
    model_close(&model);
    return ok;
}

const Command command_restore = {
    .name = "restore",
    .summary = "Fill in what is missing from an image with a trained model",
    .words = "IMAGE",
    .words_min = 1,
    .words_max = 1,
    .examples = {"diffc restore data/boot.png --mask data/boot-mask.png --out restored.png",
                 "diffc restore data/boot.png -m runs/demo --scale 4 --count 6"},
    .options = options,
    .notes =
        "IMAGE has the size of the model's images. What is known of it is kept, and the rest is "
        "drawn "
        "anew for each seed, by any sampler. By gradient (Song et al. 2023) the noise that the "
        "network predicts is corrected by the gradient of how well its image agrees with what is "
        "known, so that both parts fit together; replacing (Song et al. 2021) is faster and fits "
        "less well. Without noise (--sigma) what is known is put back exactly at the end; the "
        "report "
        "says how far it had been missed.",
    .more_help = list_samplers,
    .run = run_restore,
    .shared = true,
};
