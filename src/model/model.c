#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/checkpoint_model.h"

static bool holds(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    return path_join(path, folder, name, NULL) && path_exists(path);
}

/* The chain of a model's kept steps. */
static bool keep_steps(const ModelConfig *m, Process *p, Err *err)
{
    unsigned char *mask = mem_alloc((size_t)p->T, 1);
    bool ok = mask || err_set(err, ERR_MEMORY, "no memory for %d kept steps", m->kept_count);
    for (int i = 0; i < m->kept_count && ok; i++) mask[m->kept[i]] = 1;
    ok = ok && process_keep(p, m->alphas, mask, err);
    mem_free(mask);
    if (!ok) process_free(p);
    return ok;
}

bool model_process(const ModelConfig *m, Process *p, Err *err)
{
    return process_make(p, &m->noise, err) && (!m->kept || keep_steps(m, p, err));
}

/* A run folder keeps its model in "model", whose index is written last; any other folder must be a
 * model folder itself. */
static bool find_folder(Model *m, const char *path, Err *err)
{
    char inner[PATH_BYTES], model[PATH_BYTES], current[PATH_BYTES];
    if (!path_join(inner, path, "model", err)) return false;
    bool run = model_folder_current(inner, model);
    if (!run && !model_folder_current(path, current)) {
        if (path_exists(path))
            return err_set(err, ERR_USAGE,
                           "%s: is a file, expected a run folder or a model folder%s", path,
                           text_ends(path, ".safetensors")
                               ? "; a checkpoint is opened in its run, as RUN/checkpoints/NAME"
                               : "");
        bool below = path_join(inner, "runs", path, NULL) && path_is_folder(inner);
        return err_set(err, ERR_IO, "%s: no such run or model folder%s%.500s%s", path,
                       below ? "; did you mean " : "", below ? inner : "", below ? "?" : "");
    }
    if (run ? !holds(model, "model_index.json")
            : holds(current, "stats.jsonl") && !holds(current, "unet") && !holds(current, "mlp"))
        return err_set(err, ERR_IO,
                       "%s: this run has not saved a model yet (it is written at each checkpoint)",
                       path);
    if (!run && !holds(current, "model_index.json") && !holds(current, "unet") &&
        !holds(current, "unet_ema") && !holds(current, "mlp") && !holds(current, "config.json"))
        return err_set(err, ERR_IO,
                       "%s: is neither a run folder nor a model folder; it holds no model, no "
                       "model_index.json and no unet",
                       path);
    snprintf(m->folder, sizeof m->folder, "%s", run ? model : current);
    snprintf(m->run, sizeof m->run, "%s", run ? path : "");
    return true;
}

bool model_is_folder(const char *path)
{
    static const char *const signs[] = {"model_index.json", "stats.jsonl", "unet",
                                        "unet_ema",         "mlp",         "config.json"};
    char inner[PATH_BYTES], folder[PATH_BYTES];
    if (path_join(inner, path, "model", NULL) && model_folder_current(inner, folder) &&
        holds(folder, "model_index.json"))
        return true;
    bool there = model_folder_current(path, folder), found = false;
    for (size_t i = 0; i < sizeof signs / sizeof *signs && there; i++)
        found = found || holds(folder, signs[i]);
    return found;
}

/* The side of images for which a model without a size of its own is declared by MODEL_ANY_SIZE. */
enum { STAND_IN_SIDE = 64 };

static bool choose_shape(Model *m, int height, int width, Err *err)
{
    m->image = network_shape(&m->config);
    if (m->config.network == NETWORK_MLP)
        return height <= 0 || err_set(err, ERR_USAGE,
                                      "%s: the model gives points, which have no size; "
                                      "leave --size out",
                                      m->folder);
    if (height == MODEL_ANY_SIZE) {
        height = width = 0;
        if (m->image.H <= 0) m->image.H = m->image.W = STAND_IN_SIDE;
    }
    if (height) m->image.H = height;
    if (width) m->image.W = width;
    if (m->image.H <= 0 || m->image.W <= 0)
        return err_set(err, ERR_USAGE,
                       "%s: the model does not say its image size (sample_size is null); give one, "
                       "as in sample --size 32",
                       m->folder);
    Err reason = {0};
    if (unet_config_check(&m->config.unet, m->image.H, m->image.W, &reason)) return true;
    /* An asked-for size is the caller's mistake, the model's own size the file's. */
    return err_set(err, height || width ? ERR_USAGE : ERR_FORMAT, "%.300s: %.700s", m->folder,
                   reason.text);
}

bool model_make_parts(Model *m, Err *err)
{
    if (!model_process(&m->config, &m->process, err)) return false;
    /* Declaring once, without a plan, fills the parameter table. */
    if (!network_declare(&m->network, &m->table, &m->config, m->image, 1, false, err)) return false;
    m->weights = mem_floats(m->table.block_floats);
    return m->weights ||
           err_set(err, ERR_MEMORY, "not enough memory for %zu parameters", m->table.parameters);
}

/* Of a folder that is no run. */
static bool check_weights(const Model *m, Err *err)
{
    if (m->weights_kind == WEIGHTS_AVERAGE || holds(m->folder, "unet_ema")) return true;
    return err_set(
        err, ERR_USAGE,
        "%s: holds one set of weights; the last ones beside the averaged ones are in the "
        "checkpoints of a run, and in folders with unet and unet_ema",
        m->folder);
}

static bool read_weights(Model *m, const Checkpoint *c, Err *err)
{
    if (!m->is_checkpoint)
        return model_folder_read_weights(m->folder, &m->table, m->weights, &m->config, err);
    m->checkpoint = c->state;
    return checkpoint_read_weights(c, &m->table, m->weights_kind == WEIGHTS_AVERAGE, m->weights,
                                   err);
}

/* run: "", or that of the checkpoint at `path`. */
static bool open_once(Model *m, const char *path, const char *run, WeightsKind weights, int height,
                      int width, Err *err)
{
    Checkpoint c = {0};
    *m = (Model){.weights_kind = weights};
    bool ok = find_folder(m, run[0] ? run : path, err) &&
              model_folder_read_config_of(m->folder, weights, &m->config, err);
    m->is_checkpoint = run[0] || (m->run[0] && weights == WEIGHTS_LAST);
    if (ok && m->is_checkpoint)
        ok = checkpoint_model_open(&c, run[0] ? path : NULL, m->run, &m->config, err);
    else
        ok = ok && check_weights(m, err);
    ok = ok && choose_shape(m, height, width, err) && model_make_parts(m, err) &&
         read_weights(m, &c, err);
    checkpoint_close(&c);
    if (!ok) model_close(m);
    return ok;
}

/* What may be replaced while it is read: the model of a run, or the folder itself. */
static FolderStamp stamp_of(const char *path)
{
    char inner[PATH_BYTES];
    FolderStamp stamp = {0};
    if (path_join(inner, path, "model", NULL)) stamp = model_folder_stamp(inner);
    return stamp.path[0] && stamp.inode ? stamp : model_folder_stamp(path);
}

bool model_open(Model *m, const char *path, int height, int width, Err *err)
{
    return model_open_weights(m, path, WEIGHTS_AVERAGE, height, width, err);
}

bool model_open_weights(Model *m, const char *path, WeightsKind weights, int height, int width,
                        Err *err)
{
    enum { MOST_TRIES = 100 };
    char run[PATH_BYTES];
    if (!checkpoint_path_run(path, run)) run[0] = '\0';
    FolderStamp before = stamp_of(run[0] ? run : path);
    for (int i = 1;; i++) {
        bool ok = open_once(m, path, run, weights, height, width, err);
        FolderStamp after = stamp_of(run[0] ? run : path);
        if (folder_stamp_same(&before, &after)) return ok;
        if (ok) model_close(m);
        if (i == MOST_TRIES)
            return err_set(err, ERR_IO,
                           "%s: the model was replaced each of the %d times that it was read; wait "
                           "until its training saves less often",
                           path, MOST_TRIES);
        before = after;
    }
}

void model_close(Model *m)
{
    guidance_close(&m->guidance);
    network_close(&m->network);
    mem_free(m->weights);
    params_free(&m->table);
    process_free(&m->process);
    model_config_free(&m->config);
    memset(m, 0, sizeof *m);
}

bool model_prepare(Model *m, int batch, int label, bool vjp, Denoiser *out, Err *err)
{
    guidance_close(&m->guidance);
    network_close(&m->network);
    if (!network_open_denoiser(&m->network, &m->table, &m->config, m->image, batch, vjp, err))
        return false;
    m->denoiser = (NetworkDenoiser){.network = &m->network, .weights = m->weights, .label = label};
    net_hold(m->network.net, m->weights);
    *out = network_denoiser(&m->denoiser);
    return true;
}

/* ---- the newest run ---- */

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/* When a run was worked on last; false for a folder that is none. */
static bool run_time(const char *run, struct timespec *time)
{
    static const char *const files[] = {"model/model_index.json", "stats.jsonl", "config.json"};
    char path[PATH_BYTES];
    struct stat st;
    bool found = false;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!path_join(path, run, files[i], NULL) || stat(path, &st) != 0) continue;
        struct timespec t = file_time(&st);
        if (!found || is_later(t, *time)) *time = t;
        found = true;
    }
    return found;
}

static int newest_first(const void *a, const void *b)
{
    const FoundRun *x = a, *y = b;
    if (is_later(x->time, y->time)) return -1;
    return is_later(y->time, x->time) ? 1 : strcmp(x->name, y->name);
}

bool run_list_open(RunList *l, const char *root, Err *err)
{
    char path[PATH_BYTES];
    *l = (RunList){.count = 0};
    if (!folder_list(root, &l->names, err)) return false;
    l->run = mem_alloc(l->names.count + 1, sizeof *l->run);
    for (size_t i = 0; l->run && i < l->names.count; i++) {
        FoundRun found = {.name = l->names.names[i]};
        if (path_join(path, root, found.name, NULL) && run_time(path, &found.time))
            l->run[l->count++] = found;
    }
    if (l->count) qsort(l->run, l->count, sizeof *l->run, newest_first);
    if (l->run) return true;
    names_free(&l->names);
    return err_set(err, ERR_MEMORY, "%s: not enough memory for its list of runs", root);
}

void run_list_close(RunList *l)
{
    mem_free(l->run);
    names_free(&l->names);
}

static bool run_serves(const char *run, bool *has_model, ModelServes *serves, const void *context,
                       Err *lack)
{
    char model[PATH_BYTES], folder[PATH_BYTES];
    ModelConfig config;
    Err unreadable = {0};
    *has_model = path_join(model, run, "model", NULL) && model_folder_current(model, folder) &&
                 holds(folder, "model_index.json");
    if (!*has_model) return err_set(lack, ERR_USAGE, "has no model yet");
    if (!model_folder_read_config(folder, &config, &unreadable))
        return unreadable.kind == ERR_MEMORY
                   ? err_set(lack, ERR_MEMORY, "%s", unreadable.text)
                   : err_set(lack, ERR_USAGE, "cannot be read (%.700s)", unreadable.text);
    bool ok = serves(context, &config, lack);
    model_config_free(&config);
    return ok;
}

static bool no_run(const char *root, bool models, const NewestRun *newest, Err *err)
{
    if (!models)
        return err_set(err, ERR_IO,
                       "no run under %s has a model yet; train one first or give --model PATH",
                       root);
    if (newest->passed == 1)
        return err_set(err, ERR_USAGE, "%.300s %.500s; it is the only run, so give --model PATH",
                       newest->passed_path, newest->lack.text);
    return err_set(
        err, ERR_USAGE,
        "none of the %d runs under %s can do this: the newest, %.300s, %.500s; give --model PATH",
        newest->passed, root, newest->passed_path, newest->lack.text);
}

bool model_newest_run(const char *root, ModelServes *serves, const void *context, NewestRun *out,
                      Err *err)
{
    RunList l;
    Err lack = {0};
    bool found = false, models = false;
    *out = (NewestRun){.passed = 0};
    if (!path_is_folder(root))
        return err_set(err, ERR_IO,
                       "there is no folder %s here; train a model first or give --model PATH",
                       root);
    if (!run_list_open(&l, root, err)) return false;
    /* Another run must not take the place of one that could not be looked at for lack of memory. */
    for (size_t i = 0; i < l.count && !found && lack.kind != ERR_MEMORY; i++) {
        bool has_model;
        path_join(out->path, root, l.run[i].name, NULL);
        found = run_serves(out->path, &has_model, serves, context, &lack);
        models = models || has_model;
        if (found || out->passed++ > 0) continue;
        snprintf(out->passed_path, PATH_BYTES, "%s", out->path);
        out->lack = lack;
    }
    run_list_close(&l);
    if (found) return true;
    if (lack.kind == ERR_MEMORY) return err_set(err, lack.kind, "%s", lack.text);
    return no_run(root, models, out, err);
}
