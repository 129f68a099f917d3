/* What commands begin with: the number of threads, the notes when the level or the threads are less than they
 * could be, and the model. */
#include <math.h>
#include <stdio.h>

#include "base/shared_work.h"
#include "base/term.h"
#include "base/text.h"
#include "base/world.h"
#include "cli/cli.h"
#include "math/product_blas.h"
#include "math/thread_gain.h"
#include "math/vec.h"
#include "methods/method.h"
#include "model/class_labels.h"

static bool lowered_by_others; /* this process computes at the level of another, which has less */

static void note_instructions(void)
{
    SimdLevel best = vec_best_level();
    if (vec_uses_blas() && product_blas_low_core())
        term_note("note: %s, multiplies for an older CPU than this one, which has %s: set "
                  "OPENBLAS_CORETYPE to a newer core, or leave it unset",
                  product_blas_name(), vec_level_name(vec_cpu_level()));
    if (vec_chosen_level() < best && !lowered_by_others)
        term_note("note: DIFFC_CPU holds diffc at %s, below this CPU's %s: it runs slower than it "
                  "could, and the last bits of its results differ",
                  vec_level(), vec_level_name(best));
}

bool share_level(Err *err)
{
    char name[WORLD_NAME_BYTES], own[128] = ""; /* compared whole */
    if (world_size() == 1) return true;
    SimdLevel chosen = vec_chosen_level(), least = (SimdLevel)world_least((int)chosen);
    bool lowered = !world_all(chosen == least);
    if (!world_all(vec_set_level(least)))
        return err_set(
            err, ERR_USAGE,
            "one of the processes cannot compute at the level %s that another one has; set "
            "DIFFC_CPU for all of them to a level that all have",
            vec_level_name(least));
    lowered_by_others = chosen > least;
    if (lowered)
        term_note("note: all processes compute at %s, the lowest of their levels",
                  vec_level_name(least));
    snprintf(own, sizeof own, "%s", vec_describe());
    int other = world_first_other(own, sizeof own);
    return other < 0 || err_set(err, ERR_USAGE,
                                "%s does not compute matrix products as process 0 does (--version "
                                "shows the level and the "
                                "library); set DIFFC_CPU to one level for all processes",
                                world_name(other, name));
}

void choose_threads(const OptionValue *asked)
{
    char text[256];
    bool given = asked && asked->given;
    if (!given) thread_gain_decide();
    parallel_set_threads(given ? (int)asked->integer : 0);
    parallel_bind_threads();
    parallel_flush_subnormals(true);
    if (!parallel_describe(text, sizeof text)) term_note("note: threads: %s", text);
}

double describe_threads(char *out, size_t size)
{
    enum { ROUNDS = 8 };
    const double never_enough = (double)INFINITY;
    int threads = parallel_threads();
    double gain = 0;
    if (threads > 1 && parallel_may_place())
        gain = thread_gain(threads, ROUNDS, never_enough, parallel_run_in_place);
    parallel_describe(out, size);
    if (gain > 0) text_append(out, size, "; together they compute %.2f times as much as one", gain);
    return gain;
}

void begin_work(const OptionValue *quiet, const OptionValue *threads)
{
    term_set_quiet(quiet->given || world_rank() > 0);
    note_instructions();
    choose_threads(threads);
}

/* The words for what a model lacks follow its name. */
static bool check_image(Shape want, Shape made, Err *lack)
{
    bool known = want.C <= IMAGE_MAX_CHANNELS && made.C > 0 && made.C <= IMAGE_MAX_CHANNELS;
    if (want.H > 0 && made.H > 0 && (made.H != want.H || made.W != want.W))
        return err_set(lack, ERR_USAGE, "makes images of %dx%d, not %dx%d", made.H, made.W, want.H,
                       want.W);
    if (want.C == 0 || made.C == want.C) return true;
    if (!known)
        return err_set(lack, ERR_USAGE, "makes images of %d channel%s, not %d", made.C,
                       made.C == 1 ? "" : "s", want.C);
    return err_set(lack, ERR_USAGE, "makes %s images, not %s ones", image_colour(made.C),
                   image_colour(want.C));
}

static bool meets_needs(const void *context, const ModelConfig *c, Err *lack)
{
    const ModelNeeds *needs = context;
    bool points = c->network == NETWORK_MLP;
    if (needs->images && points) return err_set(lack, ERR_USAGE, "makes points, not images");
    if (needs->points && !points) return err_set(lack, ERR_USAGE, "makes images, not points");
    if (needs->density && !method_of(c->method)->density)
        return err_set(lack, ERR_USAGE, "is not a cdm, so it has no density of its own");
    if (needs->finds_noise && !method_of(c->method)->classifier)
        return err_set(lack, ERR_USAGE,
                       "is not a cdm, so it cannot find out how strong the noise is");
    if (needs->levels && !noise_is_discrete(c->noise.kind))
        return err_set(lack, ERR_USAGE, "is an sde, so its noise levels have no numbers");
    if (needs->classes && c->unet.classes == 0) return err_set(lack, ERR_USAGE, "has no classes");
    if (needs->no_classes && c->unet.classes > 0 && model_no_class(c) < 0)
        return err_set(lack, ERR_USAGE, "has classes, and there is no --label");
    if (needs->guidance && !c->unet.null_class)
        return err_set(lack, ERR_USAGE, "was trained without train.label_dropout");
    return !needs->images || check_image(needs->image, network_shape(c), lack);
}

static void note_choice(const NewestRun *newest)
{
    if (newest->passed == 0)
        term_note("model: %s (the newest run)", newest->path);
    else if (newest->passed == 1)
        term_note("model: %s (the newest run that can do this; %s %s)", newest->path,
                  newest->passed_path, newest->lack.text);
    else
        term_note(
            "model: %s (the newest run that can do this; %s, the newest of %d passed over, %s)",
            newest->path, newest->passed_path, newest->passed, newest->lack.text);
}

bool choose_model(const OptionValue *given, const ModelNeeds *needs, char *path, Err *err)
{
    /* What options can make up for is asked for first and given up first. */
    const ModelNeeds tries[] = {
        *needs,
        {.images = needs->images, .points = needs->points, .image = needs->image},
        {.images = needs->images, .points = needs->points}};
    enum { TRIES = sizeof tries / sizeof *tries };
    NewestRun newest;
    bool found = false;
    if (given->given) {
        snprintf(path, PATH_BYTES, "%s", given->text);
        return true;
    }
    for (int i = 0; i < TRIES && !found; i++)
        found = model_newest_run("runs", meets_needs, &tries[i], &newest, err);
    if (!found) return false;
    snprintf(path, PATH_BYTES, "%s", newest.path);
    note_choice(&newest);
    return true;
}

/* A file that is no image is the command's to explain. */
static void take_size(ModelNeeds *needs)
{
    Image image;
    if (!image_load(needs->as_large_as, IMAGE_AS_STORED, &image, NULL)) return;
    needs->image.H = image.height;
    needs->image.W = image.width;
    image_free(&image);
}

bool open_model(Model *m, char *path, const OptionValue *given, ModelNeeds *needs, int height,
                int width, Err *err)
{
    if (needs->scored && !given->given && !nll_images_shape(needs->scored, &needs->image, err))
        return false;
    if (needs->as_large_as && !given->given) take_size(needs);
    if (!choose_model(given, needs, path, err) ||
        !model_open_weights(m, path, needs->weights, height, width, err))
        return false;
    for (int i = 0; i < m->config.warning_count; i++)
        term_note("%s: %s", m->config.is_note[i] ? "note" : "warning", m->config.warnings[i]);
    if (!work_same("weights of the model", m->weights, m->table.block_floats * sizeof *m->weights,
                   err)) {
        model_close(m);
        return false;
    }
    if (!needs->scored || m->config.network != NETWORK_MLP) return true;
    model_close(m);
    return err_set(err, ERR_USAGE, "%s: the model gives points of the plane, not images of 8 bits",
                   path);
}

bool check_config_file(const char *path, const char *alternative, Err *err)
{
    char file[PATH_BYTES];
    if (!path_is_folder(path)) return true;
    if (!path_join(file, path, "config.json", NULL) || !path_exists(file))
        return err_set(err, ERR_USAGE, "%s: is a folder, expected a configuration (CONFIG.json)",
                       path);
    return err_set(err, ERR_USAGE, "%s: is a run, expected a configuration; did you mean %s%s%s?",
                   path, alternative, *alternative ? path : "", *alternative ? "" : file);
}

bool take_label(Model *m, const OptionValue *given, bool needed, int *label, Err *err)
{
    const ModelConfig *c = &m->config;
    char shown[CLASS_TEXT_BYTES], other[CLASS_TEXT_BYTES];
    int number;
    if (!model_choose_label(m, "--label", given->text, needed, label, err)) return false;
    if (given->text && label_number(given->text, &number) && number != *label &&
        number < c->unet.classes)
        term_note("note: --label %s is class %s by its name; class %s is another", given->text,
                  model_class_text(c, *label, shown), model_class_text(c, number, other));
    return true;
}
