/* Which run this is: the numbers and names of its classes, which stay those of the run that is resumed or of the model
 * that it starts from, and the record of its configuration and data. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/class_labels.h"
#include "train/train_internal.h"

static const DataIdentity *known_data(const Trainer *t)
{
    return t->known ? &t->known->data : NULL;
}

/* The classes of train.init, whose weights are taken. Whether it can be used is found out with these. */
static bool order_of_init(Trainer *t, DataOptions *options, Err *err)
{
    Model m;
    Err reason = {0};
    const char *init = t->config.train.init;
    if (!init[0] || !t->config.model.class_conditional) return true;
    if (!model_open(&m, init, MODEL_ANY_SIZE, MODEL_ANY_SIZE, &reason))
        return reason.kind != ERR_MEMORY || err_set(err, reason.kind, "%s", reason.text);
    bool ok = model_find_class_names(&m, err);
    t->init_names = m.config.class_names;
    m.config.class_names = NULL;
    options->class_order = t->init_names;
    options->class_count = t->init_classes = m.config.unet.classes;
    /* Of a folder, this version would have written their names. */
    options->bytes_order = !t->init_names && m.config.unet.classes > 0;
    model_close(&m);
    return ok;
}

bool identity_class_order(Trainer *t, DataOptions *options, Err *err)
{
    const DataIdentity *run = known_data(t);
    if (!run && !t->resumed) return order_of_init(t, options, err);
    options->class_order = run ? run->class_names : NULL;
    options->class_count = run ? run->classes : 0;
    options->bytes_order = !run;
    return true;
}

/* What was before, and what is now, of a class that both name. */
static void note_new_names(Trainer *t, ClassName *before, const char *whose)
{
    char was[80], is[80];
    for (int i = 0; i < t->data.classes; i++) {
        if (strcmp(before[i], t->data.class_names[i]) == 0) continue;
        text_escape(was, sizeof was, before[i]);
        text_escape(is, sizeof is, t->data.class_names[i]);
        run_note(t, "note: class %d%s is called %s, and is called %s now", i, whose, was, is);
        return;
    }
}

static bool take_names(Dataset *d, ClassName *names, Err *err)
{
    size_t count = (size_t)d->classes;
    d->class_names = mem_alloc(count, sizeof *d->class_names);
    if (!d->class_names)
        return err_set(err, ERR_MEMORY, "not enough memory for the names of %zu classes", count);
    memcpy(d->class_names, names, count * sizeof *names);
    return true;
}

static bool keep_names(Trainer *t, Err *err)
{
    const DataIdentity *run = known_data(t);
    Dataset *d = &t->data;
    if (t->init_names && d->class_names && d->classes == t->init_classes)
        note_new_names(t, t->init_names, " of train.init");
    if (!run || d->classes != run->classes || d->kind == DATA_FOLDER) return true;
    if (d->class_names && run->class_names) note_new_names(t, run->class_names, " of the run");
    return d->class_names || !run->class_names || take_names(d, run->class_names, err);
}

static DataIdentity data_identity(const Dataset *d)
{
    return (DataIdentity){.kind = d->kind,
                          .toy = d->toy,
                          .count = d->count,
                          .height = d->height,
                          .width = d->width,
                          .channels = d->channels,
                          .classes = d->classes,
                          .class_names = d->class_names,
                          .checksum = d->checksum,
                          .file_names = d->file_names};
}

/* The order of the names decides which images are held out. */
static void note_new_files(Trainer *t, const DataIdentity *now)
{
    uint32_t was = t->known ? t->known->data.file_names : 0;
    if (was && now->file_names && was != now->file_names)
        run_note(t, "note: the files of the data have other names than before; images that were "
                    "trained on may be held out now, and others trained on");
}

/* A run of a version before may have taken what this one leaves out. */
static bool other_data(const Trainer *t, size_t now, const Err *reason, Err *err)
{
    const Dataset *d = &t->data;
    bool less = now < t->known->data.count && d->runs + d->repeated > 0;
    if (!less) return err_set(err, reason->kind, "%s", reason->text);
    return err_set(err, reason->kind, "%s; these are %s, which earlier versions took", reason->text,
                   d->description);
}

bool identity_record(Trainer *t, Err *err)
{
    if (!keep_names(t, err)) return false;
    DataIdentity data = data_identity(&t->data);
    Err reason = {0};
    if (t->known && !run_record_check_data(t->known, &data, t->run, &reason))
        return other_data(t, data.count, &reason, err);
    note_new_files(t, &data);
    return run_record_set(&t->record, &t->config, &data, err);
}
