#include "model/inception_weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/safetensors.h"

/* The published files hold 27 million values at most; a stop for what is no such file. */
#define FILE_LIMIT         ((size_t)1 << 30)
#define BATCH_NORM_EPSILON 1e-3

enum { GAMMA, BETA, MEAN, VARIANCE, NORM_TENSORS };
static const char *const norm_suffixes[NORM_TENSORS] = {"bn.weight", "bn.bias", "bn.running_mean",
                                                        "bn.running_var"};

typedef struct {
    const char *path;
    Safetensors st;
    const ParamTable *table;
    float *kernel;             /* the largest convolution's, in disk layout */
    float *norm[NORM_TENSORS]; /* of as many channels as any convolution has */
    Err *err;
} Reader;

/* Ends the sentence about a file of other weights. */
#define EXPECTED                                                                                   \
    "expected the Inception v3 of pytorch-fid (\"diffc help eval\" shows how its file is made)"

/* torchvision's network of the same names and shapes was trained on 1000 classes and has a second classifier,
 * AuxLogits. pytorch-fid's has neither; a file without a classifier may hold its weights. */
static bool check_classifier(const Safetensors *st, const char *path, Err *err)
{
    enum { CLASSES = 1008 };
    char has[SHAPE_TEXT_BYTES];
    for (size_t i = 0; i < st->count; i++) {
        const TensorInfo *t = &st->tensors[i];
        if (strncmp(t->name, "AuxLogits.", 10) == 0)
            return err_set(err, ERR_FORMAT,
                           "%s: tensor \"%s\" belongs to another Inception v3, such as that of "
                           "torchvision: " EXPECTED,
                           path, t->name);
        if (strcmp(t->name, "fc.weight") != 0 && strcmp(t->name, "fc.bias") != 0) continue;
        if (t->rank > 0 && t->shape[0] == CLASSES) continue;
        tensor_shape_text(has, t);
        return err_set(err, ERR_FORMAT,
                       "%s: tensor \"%s\" has shape %s, which is not that of %d classes: " EXPECTED,
                       path, t->name, has, CLASSES);
    }
    return true;
}

/* Reads tensor NAME.suffix of the shape of `info`. */
static bool read_tensor(Reader *r, const char *name, const char *suffix, const ParamInfo *info,
                        float *out)
{
    char whole[2 * PARAM_NAME_BYTES], has[SHAPE_TEXT_BYTES], needs[SHAPE_TEXT_BYTES];
    snprintf(whole, sizeof whole, "%s.%s", name, suffix);
    const TensorInfo *t = safetensors_find(&r->st, whole);
    if (!t)
        return err_set(r->err, ERR_FORMAT, "%s: tensor \"%s\" is missing: " EXPECTED, r->path,
                       whole);
    bool fits = t->rank == info->rank;
    for (int i = 0; i < t->rank && fits; i++) fits = t->shape[i] == info->shape[i];
    tensor_shape_text(has, t);
    param_shape_text(needs, info);
    if (!fits)
        return err_set(r->err, ERR_FORMAT,
                       "%s: tensor \"%s\" has shape %s, but Inception v3 needs %s", r->path, whole,
                       has, needs);
    if (!safetensors_read_floats(&r->st, t, r->path, out, r->err)) return false;
    for (size_t i = 0; i < t->count; i++)
        if (!isfinite(out[i]))
            return err_set(r->err, ERR_FORMAT, "%s: tensor \"%s\" holds a value that is not finite",
                           r->path, whole);
    return true;
}

/* With s = gamma / sqrt(variance + epsilon) the batch norm of w x is (s w) x + beta - s mean. */
static bool fold(Reader *r, const char *name, const ParamInfo *weight, const ParamInfo *bias,
                 float *block)
{
    size_t K = (size_t)bias->count, rest = weight->count / K;
    for (size_t k = 0; k < K; k++) {
        double variance = (double)r->norm[VARIANCE][k] + BATCH_NORM_EPSILON;
        if (!(variance > 0))
            return err_set(r->err, ERR_FORMAT,
                           "%s: tensor \"%s.bn.running_var\" holds the negative variance %g",
                           r->path, name, (double)r->norm[VARIANCE][k]);
        double s = (double)r->norm[GAMMA][k] / sqrt(variance);
        for (size_t i = 0; i < rest; i++) {
            float *w = &r->kernel[k * rest + i];
            *w = (float)(s * (double)*w);
        }
        block[bias->offset + k] = (float)((double)r->norm[BETA][k] - s * (double)r->norm[MEAN][k]);
    }
    params_from_disk(weight, block + weight->offset, r->kernel);
    return true;
}

/* weight: NAME.weight, which NAME.bias follows in the table. */
static bool read_convolution(Reader *r, const ParamInfo *weight, float *block)
{
    const ParamInfo *bias = weight + 1;
    char name[PARAM_NAME_BYTES];
    int length = (int)(strrchr(weight->name, '.') - weight->name);
    snprintf(name, sizeof name, "%.*s", length, weight->name);
    bool ok = read_tensor(r, name, "conv.weight", weight, r->kernel);
    for (int i = 0; i < NORM_TENSORS && ok; i++)
        ok = read_tensor(r, name, norm_suffixes[i], bias, r->norm[i]);
    return ok && fold(r, name, weight, bias, block);
}

static bool read_all(Reader *r, float *block)
{
    size_t largest = params_largest(r->table);
    r->kernel = mem_floats(largest);
    bool ok = r->kernel != NULL;
    for (int i = 0; i < NORM_TENSORS; i++) {
        r->norm[i] = mem_floats(largest);
        ok = ok && r->norm[i];
    }
    if (!ok) err_set(r->err, ERR_MEMORY, "%s: not enough memory to read the weights", r->path);
    for (int i = 0; i < r->table->count && ok; i += 2)
        ok = read_convolution(r, &r->table->info[i], block);
    mem_free(r->kernel);
    for (int i = 0; i < NORM_TENSORS; i++) mem_free(r->norm[i]);
    return ok;
}

bool inception_weights_read(const char *path, const ParamTable *table, float *block, Err *err)
{
    Reader r = {.path = path, .table = table, .err = err};
    memset(block, 0, table->block_floats * sizeof *block);
    if (!safetensors_open(&r.st, path, FILE_LIMIT, err)) return false;
    bool ok = check_classifier(&r.st, path, err) && read_all(&r, block);
    safetensors_close(&r.st);
    return ok;
}
