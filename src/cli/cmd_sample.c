/* diffc sample: images, or points, from a trained model. The settings that decide them are options, then those
 * of the run, then the defaults. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/sample_make.h"
#include "io/config.h"
#include "model/model_use.h"

#define SETTING_ROW(member, ...) ROW_##member,
enum {
    MODEL,
    SIZE,
    LABEL,
    SAMPLER,
    STEPS,
    SPACING,
    FIT_DATA,
    SAMPLE_SETTINGS(SETTING_ROW, SETTING_ROW, SETTING_ROW, SETTING_ROW, SETTING_ROW, SETTING_ROW)
        COUNT,
    SEED,
    BATCH,
    OUT,
    OUT_DIR,
    NPZ,
    CSV,
    CONTINUE,
    THREADS,
    JSON,
    QUIET,
    ROWS
};
enum { FIT_IMAGES = 32 };

static const char *sampler_name(const void *context, int index)
{
    (void)context;
    return samplers[index].name;
}

/* clang-format off */
/* The lines of SAMPLE_SETTINGS as options, ... */
#define SETTING(m, option, kind, h, ...) [ROW_##m] = OPTION(option, kind, "Sampler", .otherwise = "the run's", .help = h, __VA_ARGS__),
#define SWITCH_OPTION(m, option, reads, d, h, a) SETTING(m, option, SWITCH, h, .low = 0)
#define REAL_OPTION(m, option, reads, lo, open, hi, d, h, a) SETTING(m, option, REAL, h, .low = lo, .high = hi)
#define AUTO_OPTION(m, option, reads, hi, h, a) SETTING(m, option, REAL, h, .low = 0, .high = hi)
#define INT_OPTION(m, option, reads, lo, hi, d, h, a) SETTING(m, option, INT, h, .low = lo, .high = hi)
#define CHOICE_OPTION(m, option, reads, set, d, h, a) SETTING(m, option, CHOICE, h, .words = set)
#define FIRST_OPTION(m, option, reads, set, n, d, h, a) SETTING(m, option, CHOICE, h, .words = set)
/* ... as members that an option sets, and by whom they are read. */
#define TAKE(m, value) if (v[ROW_##m].given) r->m = (__typeof__(r->m))v[ROW_##m].value;
#define TAKE_INTEGER(m, ...) TAKE(m, integer)
#define TAKE_REAL(m, ...) TAKE(m, real)
#define OWNER(m, option, reader, ...) {ROW_##m, reader},
/* clang-format on */

static const Option options[ROWS + 1] = {
    [MODEL] = OPTION_ROW_MODEL,
    [SIZE] = OPTION("size", TEXT, "Model", .metavar = "N|HxW", .otherwise = "the model's own",
                    .help = "height and width of the images"),
    [LABEL] = OPTION("label", INT, "Model", .low = 0, .high = 1e6,
                     .otherwise = "seed modulo the number of classes that had training images",
                     .help = "class of every image, for models with classes"),
    [SAMPLER] = OPTION("sampler", CHOICE, "Sampler", .metavar = "NAME", .word = sampler_name,
                       .otherwise = "the run's", .help = "see below"),
    [STEPS] = OPTION("steps", INT, "Sampler", .letter = 's', .low = 1, .high = 1e6,
                     .otherwise = "the run's",
                     .help = "network calls per image, as near below as the sampler can"),
    [SPACING] = OPTION(
        "spacing", CHOICE, "Sampler", .words = spacing_words, .otherwise = "the run's",
        .help = "where the steps lie; the first four take trained steps only, and dp those with "
                "the smallest bound for the model's errors on training images"),
    [FIT_DATA] = OPTION("fit-data", TEXT, "Sampler", .metavar = "PATH",
                        .otherwise = "the run's training data",
                        .help = "where the images for --spacing dp are"),
    SAMPLE_SETTINGS(SWITCH_OPTION, REAL_OPTION, AUTO_OPTION, INT_OPTION, CHOICE_OPTION,
                    FIRST_OPTION)[COUNT] =
        OPTION("count", INT, "Images", .letter = 'n', .low = 1, .high = 1e7,
               .otherwise = "the run's", .help = "images to make"),
    [SEED] = OPTION("seed", SEED, "Images", .otherwise = "the run's",
                    .help = "seed of the first image; image k has seed N + k and is the same image "
                            "whatever the batch, the count and the threads"),
    [BATCH] = OPTION("batch", INT, "Images", .letter = 'b', .low = 1, .high = 65536,
                     .otherwise = "what suits the cache", .help = "images made together"),
    [OUT] = OPTION("out", TEXT, "Images", .letter = 'o', .metavar = "FILE",
                   .otherwise = "the run's name and the next free number, NAME-1.png, when "
                                "nothing else is asked for",
                   .help = "one PNG picture of all images; of points a scatter plot"),
    [OUT_DIR] = OPTION("out-dir", TEXT, "Images", .metavar = "DIR",
                       .help = "one PNG file per image, named by its seed: 000007.png"),
    [NPZ] = OPTION("npz", TEXT, "Images", .metavar = "FILE",
                   .help = "all images as bytes arr_0 [N,H,W,C], for evaluation programs"),
    [CSV] = OPTION("csv", TEXT, "Images", .metavar = "FILE",
                   .help = "of models of points: a table x,y"),
    [CONTINUE] = OPTION("continue", FLAG, "Images",
                        .help = "finish an --out-dir or --npz that was interrupted or killed; "
                                "the files are the same as without the interruption"),
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

/* Which option goes with which setting of a sampler. */
static const struct {
    int row;
    unsigned reads;
} owners[] = {SAMPLE_SETTINGS(OWNER, OWNER, OWNER, OWNER, OWNER, OWNER)};

/* Refuses an option that the chosen sampler would ignore, and names those that read it. */
static bool check_owners(const OptionValue *v, const Sampler *chosen, Err *err)
{
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        if (!v[owners[i].row].given || (chosen->reads & owners[i].reads)) continue;
        char names[128] = "";
        int count = 0;
        for (const Sampler *s = samplers; s->name; s++) {
            if (!(s->reads & owners[i].reads)) continue;
            text_add(names, sizeof names, ", ", s->name);
            count++;
        }
        return err_set(err, ERR_USAGE, "--%s belongs to the sampler%s %s; %s does not use it",
                       options[owners[i].row].name, count == 1 ? "" : "s", names, chosen->name);
    }
    return true;
}

/* Options over the settings of the model. */
static void take_options(const OptionValue *v, SampleConfig *r)
{
    SAMPLE_SETTINGS(TAKE_INTEGER, TAKE_REAL, TAKE_REAL, TAKE_INTEGER, TAKE_INTEGER, TAKE_INTEGER)
}

static bool choose_images(const OptionValue *v, const Model *m, const Config *c, SamplePlan *p,
                          Err *err)
{
    p->count = v[COUNT].given ? (int)v[COUNT].integer : c->sample.count;
    p->batch = v[BATCH].given ? (int)v[BATCH].integer : c->sample.batch;
    p->seed = v[SEED].given ? v[SEED].seed : c->sample.seed;
    p->label = v[LABEL].given ? (int)v[LABEL].integer : -1;
    p->noun = m->config.network == NETWORK_MLP ? "point" : "image";
    if (p->batch == 0) p->batch = model_sample_batch(m, p->count);
    if (p->batch > p->count) p->batch = p->count;
    if (m->config.network == NETWORK_MLP && v[ROW_clip].given && v[ROW_clip].integer)
        return err_set(err, ERR_USAGE,
                       "--clip keeps images within [-1, 1], but the model gives points, which lie "
                       "anywhere");
    return model_check_label(&m->config, "--label", p->label, false, err);
}

/* ERR_USAGE for an option that the sampler does not read, a label that the model has not, a sampler
 * that is unknown. */
static bool make_plan(const OptionValue *v, const Model *m, SamplePlan *p, Err *err)
{
    Config c;
    bool ok =
        model_sample_settings(m, &c, err) &&
        model_choose_sampler(m, v[SAMPLER].text, (int)v[STEPS].integer, &c, &p->sampler, err) &&
        check_owners(v, p->sampler, err) && choose_images(v, m, &c, p, err);
    if (ok) {
        p->calls = c.sample.steps;
        p->run = model_sample_run(m, &c);
        take_options(v, &p->run.config);
        bool given = v[SPACING].given;
        p->spacing = given ? (SpacingKind)v[SPACING].integer : c.sample.spacing;
    }
    config_free(&c);
    if (ok && v[FIT_DATA].given && p->spacing != SPACING_DP)
        return err_set(err, ERR_USAGE, "--fit-data belongs to --spacing dp");
    if (ok && p->spacing == SPACING_DP && p->calls == 0)
        return err_set(err, ERR_USAGE, "--spacing dp chooses steps; how many is for --steps");
    return ok;
}

static bool parse_size(const char *text, int *height, int *width, Err *err)
{
    char *end;
    long h = strtol(text, &end, 10), w = h;
    bool ok = end != text;
    if (ok && *end == 'x') {
        const char *second = end + 1;
        w = strtol(second, &end, 10);
        ok = end != second;
    }
    if (!ok || *end || h < 1 || w < 1 || h > IMAGE_MAX_SIDE || w > IMAGE_MAX_SIDE) {
        return err_set(err, ERR_USAGE,
                       "--size is '%.40s'; it must be like 64 or 48x64, each from 1 to %d", text,
                       IMAGE_MAX_SIDE);
    }
    *height = (int)h;
    *width = (int)w;
    return true;
}

/* NAME of the pictures NAME-1.png, NAME-2.png ...: the run's or the model folder's. */
static void name_after_model(const char *path, char *stem)
{
    char real[PATH_MAX];
    snprintf(stem, PATH_BYTES, "model");
    if (!realpath(path, real)) return;
    char *slash = strrchr(real, '/');
    /* runs/demo/model is called demo. */
    if (slash && slash != real && strcmp(slash, "/model") == 0) {
        *slash = '\0';
        slash = strrchr(real, '/');
    }
    if (slash && slash[1]) snprintf(stem, PATH_BYTES, "%s", slash + 1);
}

/* Where the images go, checked. */
static bool plan_output(const OptionValue *v, const SamplePlan *p, const Model *m, SampleOutput *o,
                        Err *err)
{
    bool elsewhere = v[OUT_DIR].given || v[NPZ].given || v[CSV].given;
    *o = (SampleOutput){.grid = v[OUT].text,
                        .folder = v[OUT_DIR].text,
                        .npz = v[NPZ].text,
                        .csv = v[CSV].text,
                        .go_on = v[CONTINUE].given,
                        .part = {.fd = -1},
                        .points = m->config.network == NETWORK_MLP,
                        .toy = m->config.toy,
                        .image = m->image,
                        .count = p->count,
                        .first_seed = p->seed};
    if (!o->grid && !elsewhere) name_after_model(p->path, o->stem);
    return sample_output_check(o, err);
}

/* The spacing dp: the model becomes the chain of the chosen steps, which are then all taken. */
static bool take_best_steps(const OptionValue *v, const SamplePlan *plan, Model *model, Err *err)
{
    MeasuredImages images;
    if (!check_steps(model, SPACING_DP, plan->calls, err)) return false;
    bool ok = fit_images_open(&images, model, v[FIT_DATA].text, FIT_IMAGES, 0, err) &&
              choose_steps(model, SPACING_DP, plan->calls, &images,
                           plan->label < 0 ? 0 : plan->label, plan->run.config.clip, err);
    fit_images_close(&images);
    return ok;
}

static bool run_sample(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    SamplePlan plan = {.label = -1};
    Model model;
    SampleOutput output;
    int height = 0, width = 0;
    if (v[SIZE].given && !parse_size(v[SIZE].text, &height, &width, err)) return false;
    begin_work(&v[QUIET], &v[THREADS]);
    ModelNeeds needs = {.points = v[CSV].given,
                        .images = height > 0 || v[OUT_DIR].given || v[NPZ].given || v[LABEL].given,
                        .classes = v[LABEL].given};
    if (!open_model(&model, plan.path, &v[MODEL], &needs, height, width, err)) return false;
    bool ok = make_plan(v, &model, &plan, err) && plan_output(v, &plan, &model, &output, err) &&
              (plan.spacing != SPACING_DP || take_best_steps(v, &plan, &model, err)) &&
              sample_make(&plan, &model, &output, v[JSON].given, err);
    model_close(&model);
    return ok;
}

static void list_samplers(FILE *out)
{
    fputs("\nSamplers:\n", out);
    for (const Sampler *s = samplers; s->name; s++) {
        int at = fprintf(out, "  %s", s->name);
        help_wrap(out, at, 16, s->summary);
    }
}

const Command command_sample = {
    .name = "sample",
    .summary = "Make images with a trained model",
    .words = "",
    .examples = {"diffc sample --out grid.png",
                 "diffc sample -m runs/demo --sampler ddim --steps 50 --out-dir images"},
    .options = options,
    .notes =
        "Files are written whole or not at all; a file that --out, --out-dir, --npz or --csv names "
        "is replaced, with a note; a device or a pipe is written as it is. What is finished of an "
        "--out-dir or --npz is noted in a file that ends in .part, in the folder or beside the "
        "file, until all is done; with it the same command and --continue goes on after an "
        "interruption. 'The run's' is what the configuration of the run says under \"sample\"; a "
        "folder without one takes what its scheduler file says of sampling, and else the defaults "
        "of the configuration. Paths of written files go to stdout. The network calls that are "
        "reported are those of one image, whatever the batch (ode: of the one that took most).",
    .more_help = list_samplers,
    .run = run_sample,
};
