/* Versions, threads, errors and models of the library. */
#include "api/api.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "data/image.h"
#include "io/config.h"
#include "math/thread_gain.h"

/* ---- errors and options ---- */

static const DiffcErrorKind kinds[] = {
    [ERR_NONE] = DIFFC_ERROR_FORMAT,    [ERR_IO] = DIFFC_ERROR_FILE,
    [ERR_FORMAT] = DIFFC_ERROR_FORMAT,  [ERR_MEMORY] = DIFFC_ERROR_MEMORY,
    [ERR_USAGE] = DIFFC_ERROR_ARGUMENT, [ERR_DIVERGED] = DIFFC_ERROR_DIVERGED,
    [ERR_LIMIT] = DIFFC_ERROR_LIMIT,    [ERR_INTERRUPTED] = DIFFC_ERROR_INTERRUPTED,
};

int api_result(bool ok, const Err *err, DiffcError *out)
{
    int kind = ok ? DIFFC_OK : kinds[err->kind];
    if (out) {
        out->kind = kind;
        snprintf(out->text, sizeof out->text, "%s", ok ? "" : err->text);
    }
    return kind;
}

int api_refuse(DiffcError *out, const char *what)
{
    Err err;
    return api_result(err_set(&err, ERR_USAGE, "%s", what), &err, out);
}

bool api_take_options(void *own, size_t own_size, const void *given, const char *name, Err *err)
{
    size_t size;
    if (!given) return true;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size)
        return err_set(err, ERR_USAGE, "%s: size is %zu; fill the options with %s_defaults first",
                       name, size, name);
    for (size_t i = own_size; i < size; i++)
        if (((const unsigned char *)given)[i])
            return err_set(err, ERR_USAGE,
                           "%s: an option is set that version " DIFFC_VERSION
                           " of the library does not have",
                           name);
    memcpy(own, given, size < own_size ? size : own_size);
    return true;
}

void api_give(void *out, size_t size, const void *own, size_t own_size)
{
    memset(out, 0, size);
    memcpy(out, own, size < own_size ? size : own_size);
    if (size >= sizeof size) memcpy(out, &size, sizeof size);
}

/* ---- the process ---- */

const char *diffc_version(void)
{
    return DIFFC_VERSION;
}

int diffc_set_threads(int threads, int bind)
{
    if (threads <= 0) thread_gain_decide();
    parallel_set_threads(threads > 0 ? threads : 0);
    if (bind) parallel_bind_threads();
    return parallel_threads();
}

/* ---- models ---- */

DiffcModel *diffc_open(const char *path, int height, int width, DiffcError *error)
{
    Err err = {0};
    if (!path || height < 0 || width < 0 || height > IMAGE_MAX_SIDE || width > IMAGE_MAX_SIDE) {
        api_refuse(error, path ? "diffc_open: height and width must be from 0 to 8192"
                               : "diffc_open: path is NULL");
        return NULL;
    }
    DiffcModel *m = mem_alloc(1, sizeof *m);
    bool ok = m || err_set(&err, ERR_MEMORY, "%s: not enough memory to open it", path);
    ok = ok && model_open(&m->model, path, height, width, &err);
    if (!ok) mem_free(m);
    api_result(ok, &err, error);
    return ok ? m : NULL;
}

void diffc_close(DiffcModel *m)
{
    if (m) model_close(&m->model);
    mem_free(m);
}

static const char *own_sampler(const DiffcModel *m)
{
    Config c;
    const Sampler *sampler = NULL;
    bool ok = model_sample_settings(&m->model, &c, NULL) &&
              model_choose_sampler(&m->model, NULL, 0, &c, &sampler, NULL);
    config_free(&c);
    return ok ? sampler->name : NULL;
}

int diffc_describe(const DiffcModel *m, DiffcDescription *out, size_t size)
{
    if (!m || !out) return DIFFC_ERROR_ARGUMENT;
    const ModelConfig *c = &m->model.config;
    const Process *p = &m->model.process;
    Shape image = m->model.image;
    DiffcDescription own = {
        .method = method_words[c->method],
        .points = c->network == NETWORK_MLP,
        .height = image.H,
        .width = image.W,
        .channels = image.C,
        .values = shape_values(image),
        .classes = c->unet.classes,
        .steps = p->T,
        .time_min = process_time_end(p),
        .time_max = process_time_noisy(p),
        .parameters = m->model.table.parameters,
        .sampler = own_sampler(m),
        .protocol = c->network == NETWORK_MLP ? NULL : model_usual_protocol(&m->model)->name,
        .warnings = c->warning_count,
    };
    api_give(out, size, &own, sizeof own);
    return DIFFC_OK;
}

const char *diffc_warning(const DiffcModel *m, int index)
{
    bool there = m && index >= 0 && index < m->model.config.warning_count;
    return there ? m->model.config.warnings[index] : NULL;
}

const char *diffc_class_name(const DiffcModel *m, int label)
{
    return m ? model_class_name(&m->model.config, label) : NULL;
}

bool api_check_images(const DiffcModel *m, Err *err)
{
    return m->model.config.network != NETWORK_MLP ||
           err_set(err, ERR_USAGE, "%s: the model gives points of the plane, not images",
                   m->model.folder);
}

/* ---- bytes ---- */

void diffc_to_bytes(const float *x, size_t n, unsigned char *bytes)
{
    image_bytes(bytes, x, n);
}

void diffc_from_bytes(const unsigned char *bytes, size_t n, float *x)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)bytes[i] / 127.5F - 1;
}
