#include "cli/eval_data.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/shared_work.h"
#include "base/term.h"
#include "cli/run_data.h"
#include "model/class_labels.h"

static bool refuse_shape(const EvalData *d, const EvalPictures *p, Err *err)
{
    const Dataset *data = &d->data;
    return err_set(err, ERR_USAGE,
                   "%s: has %s images of %dx%d, but those of %s are %s images of %dx%d; --resize "
                   "makes the data fit",
                   d->path, image_colour(data->channels), data->height, data->width, p->name,
                   image_colour(p->shape.C), p->shape.H, p->shape.W);
}

static bool open_given(EvalData *d, const EvalPictures *p, bool test_part, bool resize, Err *err)
{
    Shape want = p->shape;
    DataOptions options = {.path = d->path,
                           .config = {.height = resize ? want.H : 0,
                                      .width = resize ? want.W : 0,
                                      .channels = resize || image_has_alpha(want.C) ? want.C : 0},
                           .test_part = test_part,
                           .size_advice = "--resize makes them fit"};
    return dataset_open(&d->data, &options, eval_reading, d->path, err);
}

/* As training reads them, but for the size that --size says. */
static bool read_own(EvalData *d, const RunData *run, Shape want, bool test_part, Err *err)
{
    const Config *c = &run->config;
    const DataIdentity *was = &run->record.data; /* zeros where it is not known */
    DataOptions options = {.path = d->path,
                           .config = c->data,
                           .seed = c->train.seed,
                           .test_part = test_part,
                           .class_order = was->class_names,
                           .class_count = was->classes};
    snprintf(d->path, sizeof d->path, "%s", c->data.path);
    options.config.height = want.H;
    options.config.width = want.W;
    options.config.channels = want.C;
    if (test_part) options.config.limit = options.config.validation = 0;
    if (!dataset_open(&d->data, &options, eval_reading, d->path, err)) return false;
    if (!test_part)
        run_data_compare(run, d->path, &d->data, true,
                         "; which images it held out is not known any more");
    return true;
}

static bool open_own(EvalData *d, const EvalPictures *p, bool test_part, Err *err)
{
    RunData run;
    if (!p->made)
        return err_set(err, ERR_USAGE,
                       "--data is missing: it names the data set with which %s is compared",
                       p->name);
    if (!p->model.run[0])
        return err_set(err, ERR_USAGE,
                       "%s: is not in a run that says its training data; name a data set with "
                       "--data PATH",
                       p->path);
    bool ok = run_data_open(&run, p->model.run, err) && read_own(d, &run, p->shape, test_part, err);
    run_data_close(&run);
    return ok;
}

/* serves[k]: images of class k of the data are compared, those whose class is that of --label, or all. */
static bool choose_classes(const EvalData *d, EvalPictures *p, bool *serves, Err *err)
{
    const Dataset *data = &d->data;
    int label = p->made ? p->plan.label : -1, match[DATA_MAX_CLASSES];
    char text[CLASS_TEXT_BYTES];
    if (label == model_no_class(&p->model.config)) label = -1; /* guidance 0 */
    bool any = label < 0;
    for (int k = 0; k < DATA_MAX_CLASSES; k++) serves[k] = true;
    if (label < 0) return true;
    if (!data->labels) {
        term_note("note: %s: all images are compared, whatever their class: %s", d->path,
                  data->no_labels);
        return true;
    }
    if (!model_match_classes(&p->model, data->class_names, data->classes, match, err)) return false;
    for (int k = 0; k < data->classes; k++) {
        serves[k] = match[k] == label;
        any = any || serves[k];
    }
    return any || err_set(err, ERR_USAGE, "%s: has no images of class %s, which --label gives",
                          d->path, model_class_text(&p->model.config, label, text));
}

/* The order of the training images, with a label of those that have it. */
static bool take_order(EvalData *d, EvalPictures *p, Err *err)
{
    const Dataset *data = &d->data;
    bool serves[DATA_MAX_CLASSES];
    if (!choose_classes(d, p, serves, err)) return false;
    d->order = mem_alloc(data->train_count, sizeof *d->order);
    if (!d->order)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for the order of %zu images",
                       d->path, data->train_count);
    size_t count = 0;
    for (size_t i = 0; i < data->train_count; i++)
        if (!data->labels || serves[data->labels[data->split[i]]])
            d->order[count++] = data->split[i];
    d->all =
        (ImageSet){.shape = p->shape, .count = count, .pixels = data->pixels, .order = d->order};
    char number[32];
    term_format_count(number, count);
    term_note("%s: %s; %s of them serve", d->path, data->description, number);
    return true;
}

bool eval_data_open(EvalData *d, EvalPictures *p, const char *given, bool test_part, bool resize,
                    Err *err)
{
    memset(d, 0, sizeof *d);
    snprintf(d->path, sizeof d->path, "%s", given ? given : "");
    if (!(given ? open_given(d, p, test_part, resize, err) : open_own(d, p, test_part, err)))
        return false;
    if (d->data.height != p->shape.H || d->data.width != p->shape.W ||
        d->data.channels != p->shape.C)
        return refuse_shape(d, p, err);
    return work_same("images of the data set", d->data.pixels,
                     d->data.count * shape_values(p->shape), err) &&
           take_order(d, p, err);
}

void eval_data_close(EvalData *d)
{
    dataset_close(&d->data);
    mem_free(d->order);
}
