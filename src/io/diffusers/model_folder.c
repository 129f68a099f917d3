#include "io/diffusers/model_folder.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "base/mem.h"
#include "io/config.h"
#include "io/diffusers/scheduler_class.h"

enum { SHOWN = 80 };

void model_config_free(ModelConfig *m)
{
    mem_free(m->noise.betas);
    mem_free(m->kept);
    memset(m, 0, sizeof *m);
}

bool model_folder_current(const char *path, char out[PATH_BYTES])
{
    return folder_current(path, MODEL_INDEX, out);
}

FolderStamp model_folder_stamp(const char *path)
{
    return folder_stamp(path, MODEL_INDEX);
}

TimeFeatureKind model_time_kind(const ModelConfig *m)
{
    return m->network == NETWORK_MLP ? m->mlp.time_kind : m->unet.time_kind;
}

/* "fourier_linear" is what earlier versions wrote for VP and sub-VP. They trained these networks on 999 t
 * and sampled on t; here such a folder is used on 999 t. */
static const char *const time_words[] = {[TIME_POSITIONAL] = "positional",
                                         [TIME_FOURIER] = "fourier",
                                         [TIME_FOURIER_LINEAR] = "fourier_time",
                                         [TIME_FOURIER_LINEAR_999] = "fourier_linear"};
static const int time_word_count = sizeof time_words / sizeof *time_words;

const char *model_time_word(TimeFeatureKind kind)
{
    CHECK(kind > TIME_UNSET && (int)kind < time_word_count);
    return time_words[kind];
}

bool model_read_time(const ModelReader *r, const char *key, const Json *v, TimeFeatureKind *kind)
{
    const char *text = model_read_text(r, key, v);
    if (!text) return false;
    for (int i = TIME_POSITIONAL; i < time_word_count; i++) {
        if (strcmp(text, time_words[i]) != 0) continue;
        *kind = (TimeFeatureKind)i;
        if (i == TIME_FOURIER_LINEAR_999)
            model_warn(
                r->m,
                "an earlier version trained this model on the time label 999 t instead of t; it is "
                "used as it was trained, but a newly trained one is better");
        return true;
    }
    return model_unsupported(r, key, v, "positional, fourier, fourier_time and fourier_linear");
}

void model_warn(ModelConfig *m, const char *format, ...)
{
    enum { ROOM = sizeof m->warnings / sizeof *m->warnings };
    if (m->warning_count == ROOM) {
        snprintf(m->warnings[ROOM - 1], sizeof *m->warnings, "there are more warnings");
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(m->warnings[m->warning_count++], sizeof *m->warnings, format, arguments);
    va_end(arguments);
}

bool model_wrong(const ModelReader *r, const char *key, const Json *v, const char *expected)
{
    char shown[SHOWN];
    json_show(v, shown, sizeof shown);
    return err_set(r->err, ERR_FORMAT, "%s: %s must be %s, got %s", r->path, key, expected, shown);
}

bool model_unsupported(const ModelReader *r, const char *key, const Json *v, const char *instead)
{
    char shown[SHOWN];
    json_show(v, shown, sizeof shown);
    return err_set(r->err, ERR_FORMAT, "%s: %s is %s, which diffc cannot run; it runs %s", r->path,
                   key, shown, instead);
}

bool model_read_number(const ModelReader *r, const char *key, const Json *v, double low,
                       double high, bool open_low, bool open_high, double *out)
{
    char expected[SHOWN];
    double x = json_type(v) == JSON_NUMBER ? json_number(v) : (double)NAN;
    if ((open_low ? x > low : x >= low) && (open_high ? x < high : x <= high)) {
        *out = x;
        return true;
    }
    if (open_low || open_high)
        snprintf(expected, sizeof expected, "a number %s %.15g and %s %.15g",
                 open_low ? "above" : "from", low, open_high ? "below" : "up to", high);
    else
        snprintf(expected, sizeof expected, "a number in %.15g..%.15g", low, high);
    return model_wrong(r, key, v, expected);
}

bool model_read_int(const ModelReader *r, const char *key, const Json *v, int low, int high,
                    int *out)
{
    char expected[SHOWN];
    double x = json_type(v) == JSON_NUMBER ? json_number(v) : (double)NAN;
    if (x >= low && x <= high && x == floor(x)) {
        *out = (int)x;
        return true;
    }
    snprintf(expected, sizeof expected, "an integer in %d..%d", low, high);
    return model_wrong(r, key, v, expected);
}

bool model_read_bool(const ModelReader *r, const char *key, const Json *v, bool *out)
{
    if (json_type(v) != JSON_BOOL) return model_wrong(r, key, v, "true or false");
    *out = json_bool(v);
    return true;
}

const char *model_read_text(const ModelReader *r, const char *key, const Json *v)
{
    if (json_type(v) == JSON_STRING) return json_string(v);
    model_wrong(r, key, v, "a string");
    return NULL;
}

bool model_word_in(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0) return true;
    return false;
}

bool model_component_path(char *out, const char *root, const char *name, const char *file, Err *err)
{
    char folder[PATH_BYTES];
    if (!path_join(folder, root, name, err)) return false;
    return path_join(out, path_is_folder(folder) ? folder : root, file, err);
}

typedef bool (*ReadFile)(const ModelReader *r);

static bool read_file(const char *path, ReadFile read, ModelConfig *m, Err *err)
{
    Json *object = json_load(path, MODEL_JSON_BYTES, true, err);
    if (!object) return false;
    ModelReader r = {.path = path, .object = object, .m = m, .err = err};
    bool ok = json_type(object) == JSON_OBJECT ? read(&r)
                                               : model_wrong(&r, "the file", object, "one object");
    json_free(object);
    return ok;
}

/* It may be absent. */
static bool read_index(const char *root, ModelConfig *m, Err *err)
{
    char path[PATH_BYTES];
    return path_join(path, root, MODEL_INDEX, err) &&
           (!path_exists(path) || read_file(path, model_index_read, m, err));
}

static bool read_component(const char *root, const char *name, const char *file, ReadFile read,
                           ModelConfig *m, Err *err)
{
    char path[PATH_BYTES];
    return model_component_path(path, root, name, file, err) && read_file(path, read, m, err);
}

/* A classifier of noise levels has one class for each step of its scheduler, and two more. */
static bool check_classifier(const char *path, const ModelConfig *m, Err *err)
{
    int classes = m->unet.noise_classes;
    if (((scheduler_class_of(m)->has & HAS_CDM) != 0) != (classes > 0))
        return err_set(err, ERR_FORMAT,
                       "%s: " CDM_UNET " goes with DiffcCdmScheduler only; this folder has one "
                       "without the other",
                       path);
    if (classes > 0 && classes != m->noise.T + 2)
        return err_set(err, ERR_FORMAT,
                       "%s: noise_classes is %d, but a classifier of num_train_timesteps %d has %d",
                       path, classes, m->noise.T, m->noise.T + 2);
    return true;
}

/* Twice the channels and a learned variance belong together. */
static bool check_variance(const char *path, const ModelConfig *m, Err *err)
{
    if (m->network == NETWORK_MLP && m->sample.variance == VARIANCE_LEARNED)
        return err_set(err, ERR_FORMAT,
                       "%s: the scheduler's variance_type is learned_range, but a model of points "
                       "gives no variance",
                       path);
    if (m->network == NETWORK_MLP) return true;
    bool twice = m->unet.out_channels > m->unet.in_channels;
    if (twice && m->sample.variance != VARIANCE_LEARNED)
        return err_set(
            err, ERR_FORMAT,
            "%s: out_channels (%d) is twice in_channels, which means a learned variance, "
            "but the scheduler's variance_type is not learned_range",
            path, m->unet.out_channels);
    if (!twice && m->sample.variance == VARIANCE_LEARNED)
        return err_set(err, ERR_FORMAT,
                       "%s: the scheduler's variance_type is learned_range, for which out_channels "
                       "must be %d, twice in_channels, not %d",
                       path, 2 * m->unet.in_channels, m->unet.out_channels);
    if (twice && m->noise.T < 2)
        return err_set(
            err, ERR_FORMAT,
            "%s: the scheduler's variance_type is learned_range, which needs two or more "
            "steps; num_train_timesteps is %d",
            path, m->noise.T);
    return true;
}

/* The mlp has a folder of its own, so that nobody else takes it for a U-Net. */
static bool find_network(const char *root, ModelConfig *m, Err *err)
{
    char folder[PATH_BYTES];
    if (!path_join(folder, root, "mlp", err)) return false;
    m->network = path_is_folder(folder) ? NETWORK_MLP : NETWORK_UNET;
    return true;
}

bool model_folder_read_config(const char *path, ModelConfig *m, Err *err)
{
    Config standard;
    config_defaults(&standard);
    *m = (ModelConfig){.noise = standard.method.noise, .sample = standard.sample};
    m->sample.clip = false;
    bool ok = read_index(path, m, err) && find_network(path, m, err);
    bool mlp = m->network == NETWORK_MLP;
    ok = ok &&
         read_component(path, mlp ? "mlp" : "unet", NETWORK_CONFIG,
                        mlp ? mlp_config_read : unet_config_read, m, err) &&
         read_component(path, "scheduler", SCHEDULER_CONFIG, scheduler_config_read, m, err) &&
         check_classifier(path, m, err) && check_variance(path, m, err);
    m->noise.kind = method_settings(m->method, m->noise.sde)->process;
    if (!ok) model_config_free(m);
    return ok;
}
