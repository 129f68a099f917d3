#include "cli/nll_images.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/mem.h"
#include "base/shared_work.h"
#include "base/term.h"
#include "base/text.h"
#include "cli/run_data.h"
#include "data/image.h"
#include "model/class_labels.h"

const char *const part_words[] = {[PART_TRAIN] = "train", [PART_TEST] = "test", NULL};

/* ERR_USAGE for a folder in the place of an image file: says what was probably meant. */
static bool check_image_file(const char *path, Err *err)
{
    char inner[PATH_BYTES];
    bool model = path_join(inner, path, "model", NULL) && path_is_folder(inner);
    model = model || (path_join(inner, path, "model_index.json", NULL) && path_exists(inner));
    return !path_is_folder(path) ||
           err_set(err, ERR_USAGE, "%s: is a %s, not an image; did you mean --%s %s?", path,
                   model ? "model" : "folder", model ? "model" : "data", path);
}

bool nll_images_choose(NllImages *images, const Arguments *a, int row, const char *verb, Err *err)
{
    const OptionValue *v = a->values + row;
    bool data = v[IMAGES_DATA].given;
    if (data && a->word_count > 0)
        return err_set(err, ERR_USAGE, "an image and --data are given; one of them is enough");
    if (!data && a->word_count == 0)
        return err_set(err, ERR_USAGE, "there is nothing to %s: name an image or give --data",
                       verb);
    if (!data && (v[IMAGES_COUNT].given || v[IMAGES_PART].given))
        return err_set(err, ERR_USAGE, "--%s belongs to --data",
                       v[IMAGES_COUNT].given ? "count" : "part");
    *images =
        (NllImages){.resize = v[IMAGES_RESIZE].given,
                    .paths = a->words,
                    .data_path = v[IMAGES_DATA].text,
                    .part = v[IMAGES_PART].given ? (DataPart)v[IMAGES_PART].integer : PART_AUTO,
                    .count = (size_t)(data ? v[IMAGES_COUNT].integer : a->word_count)};
    return a->word_count != 1 || check_image_file(a->words[0], err);
}

static bool refuse(const NllImages *images, const char *name, int H, int W, int C, Err *err)
{
    Shape w = images->want;
    return err_set(err, ERR_USAGE,
                   "%s: %s %s image%s of %dx%d, but the model's are %s images of %dx%d; --resize "
                   "makes them fit",
                   name, images->data_path ? "has" : "is a", image_colour(C),
                   images->data_path ? "s" : "", H, W, image_colour(w.C), w.H, w.W);
}

static Shape file_shape(const char *path, Err *reason)
{
    Image image;
    if (path_is_folder(path) || !image_load(path, IMAGE_AS_STORED, &image, reason))
        return (Shape){.H = 0};
    Shape shape = {.H = image.height, .W = image.width, .C = image.channels};
    image_free(&image);
    /* Alpha is blended or kept, as the model wants it. */
    if (image_has_alpha(shape.C)) shape.C = 0;
    return shape;
}

static bool wants_test_part(const NllImages *images, bool *wants, Err *err)
{
    *wants = images->part == PART_TEST;
    return images->part != PART_AUTO || dataset_has_test_part(images->data_path, wants, err);
}

/* The rest of nll_images_shape; *reason says why nothing is known. */
static Shape find_shape(const NllImages *images, Err *reason)
{
    Shape shape = {.H = 0};
    Dataset one;
    if (images->resize) return shape;
    for (size_t i = 0; !images->data_path && i < images->count && shape.H == 0; i++) {
        if (reason->kind == ERR_MEMORY) return shape;
        shape = file_shape(images->paths[i], reason);
    }
    if (!images->data_path) return shape;
    DataOptions options = {.path = images->data_path, .config.limit = 1};
    if (!wants_test_part(images, &options.test_part, reason) ||
        !dataset_open(&one, &options, NULL, NULL, reason))
        return shape;
    shape = (Shape){.H = one.height, .W = one.width};
    dataset_close(&one);
    return shape;
}

bool nll_images_shape(const NllImages *images, Shape *shape, Err *err)
{
    Err reason = {0};
    *shape = find_shape(images, &reason);
    return shape->H > 0 || reason.kind != ERR_MEMORY ||
           err_set(err, reason.kind, "%s", reason.text);
}

static bool open_data(NllImages *images, Err *err)
{
    Shape want = images->want;
    const char *path = images->data_path;
    bool fit = images->resize;
    DataOptions options = {.path = path,
                           .config = {.height = fit ? want.H : 0,
                                      .width = fit ? want.W : 0,
                                      .channels = fit || image_has_alpha(want.C) ? want.C : 0,
                                      .limit = (int)images->count,
                                      .skip_bad = images->skip_bad},
                           .size_advice = "--resize makes them fit"};
    if (!wants_test_part(images, &options.test_part, err) ||
        !dataset_open(&images->data, &options, NULL, NULL, err))
        return false;
    const Dataset *d = &images->data;
    term_note("%s: %s%s", path, d->description, options.test_part ? ", test part" : "");
    images->count = d->count;
    if (d->height != want.H || d->width != want.W || d->channels != want.C)
        return refuse(images, path, d->height, d->width, d->channels, err);
    return work_same("images of the data set", d->pixels, d->count * shape_values(want), err);
}

bool nll_images_open(NllImages *images, Err *err)
{
    if (images->want.C > IMAGE_MAX_CHANNELS)
        return err_set(err, ERR_USAGE,
                       "the model's images have %d channels, but image files hold 1 to %d",
                       images->want.C, IMAGE_MAX_CHANNELS);
    if (!images->data_path) return true;
    if (open_data(images, err)) return true;
    nll_images_close(images);
    return false;
}

void nll_images_close(NllImages *images)
{
    if (images->data_path) dataset_close(&images->data);
    mem_free(images->labels);
    images->labels = NULL;
}

/* ---- labels ---- */

static bool no_such_class(const NllImages *images, const Model *m, int class, Err *err)
{
    const Dataset *d = &images->data;
    char number[16], name[160], text[CLASS_TEXT_BYTES];
    snprintf(number, sizeof number, "%d", class);
    text_escape(name, sizeof name, d->class_names ? d->class_names[class] : number);
    int label = model_match_class(&m->config, d->class_names, class);
    if (label >= 0)
        return err_set(
            err, ERR_USAGE,
            "%s: has images of the class %s, but no training image had this class, so the model "
            "knows nothing of it; leave them out, or give the class of all images with --label",
            images->data_path, model_class_text(&m->config, label, text));
    if (d->class_names && !m->config.class_names)
        return err_set(err, ERR_USAGE,
                       "%s: its classes have names, such as '%s', but those of %.300s have none, "
                       "so they cannot be matched; give the class of all images with --label",
                       images->data_path, name, m->folder);
    return err_set(err, ERR_USAGE,
                   "%s: has images of the class %s, which is no class of the model; leave them "
                   "out, or give the class of all images with --label",
                   images->data_path, name);
}

bool nll_images_match(NllImages *images, Model *m, Err *err)
{
    int match[DATA_MAX_CLASSES];
    const Dataset *d = &images->data;
    if (m->config.unet.classes == 0) return true;
    int none = model_no_class(&m->config);
    if (d->classes == 0 && none < 0)
        return err_set(err, ERR_USAGE,
                       "%.300s: the model has classes, but these images have no class labels: %s; "
                       "give the class of all of them with --label",
                       images->data_path, d->no_labels);
    if (d->classes > 0 && !model_match_classes(m, d->class_names, d->classes, match, err))
        return false;
    images->labels = mem_alloc(d->count, sizeof *images->labels);
    if (!images->labels)
        return err_set(err, ERR_MEMORY, "not enough memory for the labels of %zu images", d->count);
    for (size_t i = 0; i < d->count; i++) {
        images->labels[i] = d->classes > 0 ? match[d->labels[i]] : none;
        if (images->labels[i] < 0) return no_such_class(images, m, d->labels[i], err);
    }
    if (d->classes == 0)
        term_note("%s: its images have no class labels and are taken as of no class",
                  images->data_path);
    else
        term_note("%s: each image is taken under its own label, matched with the model's classes "
                  "by %s",
                  images->data_path, d->class_names ? "name" : "number");
    return true;
}

void nll_images_name(const NllImages *images, size_t i, char *out, size_t size)
{
    char path[PATH_BYTES];
    if (!images->data_path)
        snprintf(out, size, "%s", images->paths[i]);
    else if (images->data.files && path_join(path, images->data_path, images->data.files[i], NULL))
        snprintf(out, size, "%s", path);
    else
        snprintf(out, size, "%s#%zu", images->data_path, i);
}

static bool read_file(const NllImages *images, const char *path, unsigned char *pixels, Err *err)
{
    Shape want = images->want;
    Image image, fitted = {0};
    int channels = images->resize ? want.C : image_has_alpha(want.C) ? IMAGE_AS_STORED : 0;
    if (!check_image_file(path, err) || !image_load(path, channels, &image, err)) return false;
    bool same = image.height == want.H && image.width == want.W;
    bool ok = image.channels == want.C && (same || images->resize);
    if (!ok)
        refuse(images, path, image.height, image.width, image.channels, err);
    else if (!same)
        ok = image_resize_crop(&image, want.H, want.W, &fitted, err);
    if (ok) memcpy(pixels, same ? image.pixels : fitted.pixels, shape_values(want));
    image_free(&fitted);
    image_free(&image);
    return ok;
}

bool nll_images_read(const NllImages *images, size_t i, unsigned char *pixels, Err *err)
{
    size_t dims = shape_values(images->want);
    if (!images->data_path) return read_file(images, images->paths[i], pixels, err);
    memcpy(pixels, images->data.pixels + i * dims, dims);
    return true;
}

/* ---- the images that errors are measured on ---- */

/* The data that the run was trained on, unless others are given; *run stays zeros then. */
static bool find_data(const Model *m, const char *given, RunData *run, char *path, Err *err)
{
    if (given) {
        snprintf(path, PATH_BYTES, "%s", given);
        return true;
    }
    if (!m->run[0])
        return err_set(err, ERR_USAGE,
                       "%s: is not in a run that says its training data; what is measured on them "
                       "needs --fit-data PATH",
                       m->folder);
    if (!run_data_open(run, m->run, err)) return false;
    snprintf(path, PATH_BYTES, "%s", run->config.data.path);
    return true;
}

static bool report_progress(void *context, long predictions)
{
    term_progress("measuring the model's errors, %ld of %ld predictions", predictions,
                  measured_predictions(context));
    return !interrupt_requested();
}

void fit_images_close(MeasuredImages *f)
{
    mem_free(f->x0);
    mem_free(f->seeds);
    mem_free(f->labels);
}

static bool read_images(const NllImages *images, uint64_t seed, MeasuredImages *f, Err *err)
{
    size_t dims = shape_values(images->want);
    unsigned char *pixels = mem_alloc(dims, 1);
    f->x0 = mem_doubles(images->count * dims);
    f->seeds = mem_alloc(images->count, sizeof *f->seeds);
    bool ok = pixels && f->x0 && f->seeds;
    if (!ok) err_set(err, ERR_MEMORY, "not enough memory for %zu images", images->count);
    for (size_t i = 0; i < images->count && ok; i++) {
        ok = nll_images_read(images, i, pixels, err);
        f->seeds[i] = likelihood_seed(seed, pixels, dims);
        for (size_t k = 0; k < dims; k++)
            f->x0[i * dims + k] = pixel_value(&model_pixels, pixels[k]);
    }
    mem_free(pixels);
    f->count = (int)images->count;
    return ok;
}

static bool open_at(MeasuredImages *f, Model *m, const char *path, const RunData *run, int count,
                    uint64_t seed, int label, Err *err)
{
    /* As in training, images are made to fit, and of the run's own data those are left out that it left out. */
    NllImages images = {.want = m->image,
                        .resize = true,
                        .skip_bad = run->config.data.skip_bad,
                        .data_path = path,
                        .part = PART_TRAIN,
                        .count = (size_t)count};
    if (!nll_images_open(&images, err)) return false;
    run_data_compare(run, path, &images.data, false, "");
    bool ok =
        (label >= 0 || nll_images_match(&images, m, err)) && read_images(&images, seed, f, err);
    f->labels = images.labels;
    images.labels = NULL;
    nll_images_close(&images);
    return ok;
}

bool fit_images_open(MeasuredImages *f, Model *m, const char *data, int count, uint64_t seed,
                     int label, Err *err)
{
    char path[PATH_BYTES];
    RunData run = {0};
    *f = (MeasuredImages){.context = f, .progress = report_progress};
    bool ok =
        find_data(m, data, &run, path, err) && open_at(f, m, path, &run, count, seed, label, err);
    run_data_close(&run);
    return ok;
}
