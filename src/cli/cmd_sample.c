/* diffc sample: images, or points, from a trained model. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/restore_known.h"
#include "cli/sample_film.h"
#include "cli/sample_make.h"
#include "cli/sample_plan.h"
#include "cli/terminal_picture.h"
#include "model/checkpoint_model.h"

enum {
    PER_CLASS = SAMPLE_PLAN_ROWS,
    OUT,
    OUT_DIR,
    NPZ,
    CSV,
    CONTINUE,
    FILM,
    FRAMES,
    MOMENTS,
    SHOW,
    FROM,
    STRENGTH,
    RESIZE,
    BETWEEN,
    THREADS,
    JSON,
    QUIET,
    ROWS
};

/* ONE_ROW: so many images between two seeds are shown in a row. */
enum { NO_STRENGTH_PERCENT = 50, USUAL_BETWEEN = 8, ONE_ROW = 12 };

static const Option options[ROWS + 1] = {
    SAMPLE_PLAN_OPTIONS("the run's"),
    [PER_CLASS] = OPTION("per-class", INT, "Images", .low = 1, .high = 1e7,
                         .help = "make so many images of each class that had training images; the "
                                 "picture has a row for each class"),
    [OUT] = OPTION("out", TEXT, "Images", .letter = 'o', .metavar = "FILE",
                   .otherwise = "the run's name and the next free number, NAME-1.png, when "
                                "nothing else is asked for",
                   .help = "one PNG picture of all images; of points a scatter plot"),
    [OUT_DIR] = OPTION("out-dir", TEXT, "Images", .metavar = "DIR",
                       .help = "one PNG file per image, named by its seed: 000007.png"),
    [NPZ] = OPTION(
        "npz", TEXT, "Images", .metavar = "FILE",
        .help = "all images as bytes arr_0 [N,H,W,C], for evaluation programs; of models with "
                "classes also their labels arr_1 [N]"),
    [CSV] = OPTION("csv", TEXT, "Images", .metavar = "FILE",
                   .help = "of models of points: a table x,y"),
    [CONTINUE] = OPTION("continue", FLAG, "Images",
                        .help = "finish an --out-dir or --npz that was interrupted or killed; "
                                "the files are the same as without the interruption"),
    [FILM] = OPTION("film", TEXT, "Watching", .metavar = "FILE",
                    .help = "PNG picture of how each image forms: its row shows what the network "
                            "takes the finished image to be, at even calls, and the image itself"),
    [FRAMES] = OPTION("frames", TEXT, "Watching", .metavar = "DIR",
                      .help = "the same of all images together, one picture a call: "
                              "frame-0001.png and so on, see below"),
    [MOMENTS] = OPTION("moments", INT, "Watching", .low = 1, .high = MOMENTS_MOST,
                       .otherwise = "10 in a film, at most 120 frames",
                       .help = "calls that --film and --frames show, at most those there are"),
    [SHOW] = OPTION("show", FLAG, "Watching",
                    .help = "draw the picture of all images in the terminal too"),
    [FROM] = OPTION("from", TEXT, "Start", .metavar = "IMAGE",
                    .help = "begin with this image, noised, instead of noise alone"),
    [STRENGTH] =
        OPTION("strength", REAL, "Start", .low = 0, .high = 1, .otherwise = "0.5",
               .help = "with --from: how much of the noise process is added and taken off again, 1 "
                       "for all; the steps noisier than that are left out"),
    [RESIZE] = OPTION("resize", FLAG, "Start",
                      .help = "with --from: make an image of another size or another "
                              "number of channels fit"),
    [BETWEEN] =
        OPTION("between", SEEDS, "Start",
               .help = "--count images on the way from the image of seed A to that of seed B; a "
                       "model that cannot do without a class needs --label"),
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

/* NAME of the pictures NAME-1.png, NAME-2.png ...: the run's or the model folder's; of a checkpoint RUN-step-N. */
static void name_after_model(const char *path, char *stem)
{
    static const char end[] = ".safetensors";
    char real[PATH_MAX], run[PATH_BYTES];
    snprintf(stem, PATH_BYTES, "model");
    if (!realpath(path, real)) return;
    if (checkpoint_path_run(real, run)) {
        const char *name = strrchr(real, '/') + 1, *slash = strrchr(run, '/');
        snprintf(stem, PATH_BYTES, "%.200s-%.*s", slash ? slash + 1 : run,
                 (int)(strlen(name) - strlen(end)), name);
        return;
    }
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
    bool elsewhere =
        v[OUT_DIR].given || v[NPZ].given || v[CSV].given || v[FILM].given || v[FRAMES].given;
    *o = (SampleOutput){.grid = v[OUT].text,
                        .folder = v[OUT_DIR].text,
                        .npz = v[NPZ].text,
                        .csv = v[CSV].text,
                        .film = v[FILM].text,
                        .frames = v[FRAMES].text,
                        .moments = (int)v[MOMENTS].integer,
                        .show = v[SHOW].given && terminal_picture_wanted(stdout),
                        .go_on = v[CONTINUE].given,
                        .part = {.fd = -1},
                        .points = m->config.network == NETWORK_MLP,
                        .toy = m->config.toy,
                        .image = m->image,
                        .count = p->count,
                        .columns = p->per_class,
                        .model = &m->config,
                        .first_seed = p->seed,
                        .between = p->run.between.count > 0};
    if (o->between && p->count <= ONE_ROW) o->in_row = p->count;
    if (!o->grid && !elsewhere) name_after_model(p->path, o->stem);
    const NamedOutput files[] = {{.option = "out", .path = o->grid},
                                 {.option = "npz", .path = o->npz},
                                 {.option = "csv", .path = o->csv},
                                 {.option = "film", .path = o->film},
                                 sample_output_folder(o),
                                 sample_film_frames(o)};
    return check_outputs(files, sizeof files / sizeof *files, &v[FROM].text, 1, err) &&
           sample_output_check(o, err) && sample_film_check(o, err);
}

/* Each line of --json is an object. */
static bool check_show(const OptionValue *v, Err *err)
{
    if (!v[SHOW].given) return true;
    if (v[JSON].given)
        return err_set(err, ERR_USAGE,
                       "--show draws on the standard output, where --json writes one object a "
                       "line; give one of them");
    return terminal_picture_check(stdout, err);
}

static bool check_start(const OptionValue *v, Err *err)
{
    if (v[BETWEEN].given && v[SAMPLE_ROW_SEED].given)
        return err_set(err, ERR_USAGE, "--between has its seeds; leave --seed out");
    if (v[BETWEEN].given && v[SAMPLE_ROW_COUNT].given && v[SAMPLE_ROW_COUNT].integer < 2)
        return err_set(err, ERR_USAGE,
                       "--between begins and ends with an image; --count must be 2 or more");
    if (v[FROM].given || (!v[STRENGTH].given && !v[RESIZE].given)) return true;
    return err_set(err, ERR_USAGE, "--%s belongs to --from",
                   v[STRENGTH].given ? "strength" : "resize");
}

static bool check_points(const OptionValue *v, const Model *m, const char *path, Err *err)
{
    return !v[FROM].given || m->config.network != NETWORK_MLP ||
           err_set(err, ERR_USAGE, "--from is an image, but %s gives points of the plane", path);
}

/* Images between two seeds are numbered from 0. */
static bool take_path(const OptionValue *v, const Model *m, SamplePlan *p, Err *err)
{
    if (!v[BETWEEN].given) return true;
    if (v[PER_CLASS].given)
        return err_set(
            err, ERR_USAGE,
            "--between and --per-class both say which images are drawn; give one of them");
    if (p->label < 0 && m->config.unet.classes > 0)
        return err_set(err, ERR_USAGE,
                       "--between needs --label, because the two seeds may be of two classes");
    p->run.between =
        (SeedPath){.from = v[BETWEEN].seed, .to = v[BETWEEN].second, .count = p->count};
    p->seed = 0;
    SampleSource *s = sample_plan_add_source(p, "between", "%" PRIu64 " and %" PRIu64,
                                             v[BETWEEN].seed, v[BETWEEN].second);
    snprintf(s->json, sizeof s->json, "[%" PRIu64 ",%" PRIu64 "]", v[BETWEEN].seed,
             v[BETWEEN].second);
    return true;
}

/* The image that sampling begins with. */
static bool take_start(const OptionValue *v, const Model *m, SamplePlan *p, KnownImage *start,
                       Err *err)
{
    KnownOptions all = {.path = v[FROM].text, .resize = v[RESIZE].given};
    if (!v[FROM].given) return true;
    if (!known_image_open(start, &all, m->image, err)) return false;
    p->strength = v[STRENGTH].given ? v[STRENGTH].real : NO_STRENGTH_PERCENT / 100.0;
    if (!(p->strength > 0))
        return err_set(err, ERR_USAGE,
                       "--strength is 0, so the images would be %s itself; it must be above 0",
                       all.path);
    p->run.start = start->y;
    sample_plan_add_source(p, "from", "%s", all.path);
    sample_plan_add_number(p, "strength", p->strength);
    p->source_hash =
        bytes_hash(BYTES_HASH_START, start->y, operator_known(&start->a) * sizeof *start->y);
    return true;
}

static bool run_sample(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    SamplePlan plan = {.label = -1,
                       .per_class = (int)v[PER_CLASS].integer,
                       .count = v[BETWEEN].given ? USUAL_BETWEEN : 0};
    Model model;
    SampleOutput output;
    KnownImage start = {0};
    int height = 0, width = 0;
    if (!check_start(v, err)) return false;
    if (v[SAMPLE_ROW_SIZE].given &&
        !parse_image_size(v[SAMPLE_ROW_SIZE].text, &height, &width, err))
        return false;
    if (!check_show(v, err)) return false;
    begin_work(&v[QUIET], &v[THREADS]);
    bool classes = v[SAMPLE_ROW_LABEL].given || v[PER_CLASS].given;
    ModelNeeds needs = {
        .points = v[CSV].given,
        .images = height > 0 || v[OUT_DIR].given || v[NPZ].given || classes || v[FROM].given,
        .classes = classes,
        .as_large_as = v[FROM].given && !v[RESIZE].given && height == 0 ? v[FROM].text : NULL,
        .guidance = v[SAMPLE_ROW_guidance].given && v[SAMPLE_ROW_guidance].real != 1,
        .weights = (WeightsKind)v[SAMPLE_ROW_WEIGHTS].integer};
    if (!open_model(&model, plan.path, &v[SAMPLE_ROW_MODEL], &needs, height, width, err))
        return false;
    bool ok = check_points(v, &model, plan.path, err) && sample_plan_make(v, &model, &plan, err);
    if (v[FROM].given || v[BETWEEN].given) sample_plan_leave_class(v, &model, &plan);
    ok = ok && take_path(v, &model, &plan, err) && take_start(v, &model, &plan, &start, err) &&
         plan_output(v, &plan, &model, &output, err) &&
         sample_plan_take_steps(v, &plan, &model, err) &&
         sample_make(&plan, &model, &output, v[JSON].given, err);
    known_image_close(&start);
    model_close(&model);
    return ok;
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
        "of the configuration. Paths of written files go to stdout, unless a file goes there. "
        "The network calls that are "
        "reported are those of one image, whatever the batch (ode: of the one that took most). "
        "--film and --frames change no image; of ode, which takes each image by steps of its own, "
        "they show the calls nearest to even angles atan(sigma / alpha). Frames become a film "
        "with: ffmpeg -framerate 12 -i DIR/frame-%04d.png -vf scale=2*iw:2*ih:flags=neighbor "
        "-pix_fmt yuv420p film.mp4. --show takes the protocols of kitty and iTerm2 where the "
        "terminal announces them, and coloured characters elsewhere; it shows nothing where the "
        "standard output is no terminal.",
    .more_help = list_samplers,
    .run = run_sample,
    .shared = true,
};
