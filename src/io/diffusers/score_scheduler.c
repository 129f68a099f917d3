#include "io/diffusers/score_scheduler.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { VE = 1, VP = 2, SUBVP = 4, SMLD = 8, OLD_VP = 16 };

/* A model is written as the first row that fits it; the last OLD rows are of older folders. */
static const ScoreClass classes[] = {
    {NULL, "diffusers", "ScoreSdeVeScheduler", "ScoreSdeVePipeline", METHOD_SDE, SDE_VE, VE, false},
    {"smld", "diffusers", "ScoreSdeVeScheduler", "ScoreSdeVePipeline", METHOD_SMLD, SDE_VE, SMLD,
     false},
    {"vp", "diffusers", "DDPMScheduler", "DDPMPipeline", METHOD_SDE, SDE_VP, VP, true},
    {NULL, "diffc", "DiffcVpScheduler", "DiffcVpPipeline", METHOD_SDE, SDE_VP, VP, false},
    {NULL, "diffc", "DiffcSubVpScheduler", "DiffcSubVpPipeline", METHOD_SDE, SDE_SUBVP, SUBVP,
     false},
    {NULL, "diffusers", "ScoreSdeVpScheduler", "ScoreSdeVpPipeline", METHOD_SDE, SDE_VP, OLD_VP,
     false},
    {NULL, "diffc", "DiffcSmldScheduler", "DiffcSmldPipeline", METHOD_SMLD, SDE_VE, SMLD, false},
};
enum { CLASSES = sizeof classes / sizeof *classes, OLD = 2 };

/* In the order of their names, as files have them. */
typedef struct {
    const char *key;
    size_t offset;
    unsigned readers;
    bool whole; /* int, else double */
    double low; /* excluded unless whole */
    double high;
    double standard[2]; /* what an absent key means to ScoreSdeVe and ScoreSdeVp */
} ScoreKey;

static const ScoreKey keys[] = {
    {"beta_max",
     offsetof(ModelConfig, noise.beta_max),
     VP | OLD_VP | SUBVP,
     false,
     0,
     SDE_BETA_LIMIT,
     {0, 20}},
    {"beta_min",
     offsetof(ModelConfig, noise.beta_min),
     VP | OLD_VP | SUBVP,
     false,
     0,
     SDE_BETA_LIMIT,
     {0, 0.1}},
    {"correct_steps",
     offsetof(ModelConfig, sample.corrector_steps),
     VE | SMLD,
     true,
     0,
     CORRECTOR_STEPS_MAX,
     {1, 0}},
    {"num_train_timesteps",
     offsetof(ModelConfig, noise.T),
     VE | VP | OLD_VP | SUBVP,
     true,
     1,
     STEPS_MAX,
     {2000, 2000}},
    {"num_train_timesteps", offsetof(ModelConfig, noise.levels), SMLD, true, 1, STEPS_MAX, {0, 0}},
    {"sampling_eps",
     offsetof(ModelConfig, noise.time_min),
     VE | VP | OLD_VP | SUBVP,
     false,
     0,
     TIME_MIN_LIMIT,
     {1e-5, 1e-3}},
    {"sigma_max",
     offsetof(ModelConfig, noise.sigma_max),
     VE | SMLD,
     false,
     0,
     SIGMA_LIMIT,
     {1348, 0}},
    {"sigma_min",
     offsetof(ModelConfig, noise.sigma_min),
     VE | SMLD,
     false,
     0,
     SIGMA_LIMIT,
     {0.01, 0}},
    {"snr", offsetof(ModelConfig, sample.snr), VE | SMLD, false, 0, SNR_LIMIT, {0.15, 0}},
};
enum { KEYS = sizeof keys / sizeof *keys };

/* A chain has 1000 steps whatever num_train_timesteps says, which nothing of VP depends on. */
static bool has_key(const ScoreClass *kind, const ScoreKey *k)
{
    return k->readers & kind->bit && !(kind->chain && k->offset == offsetof(ModelConfig, noise.T));
}

static bool is_corrector(const ScoreKey *k)
{
    return k->offset == offsetof(ModelConfig, sample.snr) ||
           k->offset == offsetof(ModelConfig, sample.corrector_steps);
}

static void key_name(char out[48], const ScoreClass *kind, const ScoreKey *k)
{
    snprintf(out, 48, "%s%s", kind->chain ? "_diffc_" : "", k->key);
}

const ScoreClass *score_class_named(const char *name, const char *own)
{
    for (int i = 0; i < CLASSES; i++) {
        const ScoreClass *kind = &classes[i];
        /* diffusers keeps the own keys when it saves a chain under another of its schedulers. */
        if (own && kind->own && strcmp(kind->own, own) == 0 &&
            (kind->chain || strcmp(kind->name, name) == 0))
            return kind;
        if (!own && !kind->own && strcmp(kind->name, name) == 0) return kind;
    }
    return NULL;
}

const ScoreClass *score_class_of(const ModelConfig *m)
{
    bool chain = m->network == NETWORK_UNET && m->unet.time_kind == TIME_POSITIONAL;
    for (int i = 0; i < CLASSES; i++)
        if (classes[i].method == m->method &&
            (m->method != METHOD_SDE || classes[i].sde == m->noise.sde) &&
            (!classes[i].chain || chain))
            return &classes[i];
    return NULL;
}

double vp_chain_beta(const ModelConfig *m, int i)
{
    enum { LABELS = VP_CHAIN - 1 }; /* 0 .. 999 */
    static const double LEAST_VARIANCE = 1e-6;
    double first = 2 * vp_log_alpha(m->noise.beta_min, m->noise.beta_max, 1.0 / LABELS);
    double zero = 2 * vp_log_alpha(m->noise.beta_min, m->noise.beta_max, m->noise.time_min);
    if (zero > log1p(-LEAST_VARIANCE)) zero = log1p(-LEAST_VARIANCE);
    if (zero < 0.5 * first) zero = 0.5 * first; /* it must stay below that of step 1 */
    if (i == 0) return -expm1(zero);
    double here = 2 * vp_log_alpha(m->noise.beta_min, m->noise.beta_max, (double)i / LABELS);
    double before =
        2 * vp_log_alpha(m->noise.beta_min, m->noise.beta_max, (double)(i - 1) / LABELS);
    return -expm1(here - (i == 1 ? zero : before));
}

bool score_pipeline_known(const char *pipeline)
{
    for (int i = 0; i < CLASSES; i++)
        if (strcmp(classes[i].pipeline, pipeline) == 0) return true;
    return false;
}

static void store(ModelConfig *m, const ScoreKey *k, double value)
{
    int whole = (int)value;
    char *at = (char *)m + k->offset;
    if (k->whole)
        memcpy(at, &whole, sizeof whole);
    else
        memcpy(at, &value, sizeof value);
}

static bool read_key(const ModelReader *r, const Json *object, const ScoreClass *kind,
                     const ScoreKey *k)
{
    char name[48];
    key_name(name, kind, k);
    const Json *v = json_get(object, name);
    if (!v && kind->bit & (VE | OLD_VP)) {
        store(r->m, k, k->standard[kind->bit == OLD_VP]);
        return true;
    }
    if (!v && is_corrector(k)) return true;
    if (!v)
        return err_set(r->err, ERR_FORMAT, "%s: has no %s, which a %s must have", r->path, name,
                       kind->chain ? "chain of VP" : kind->name);
    int whole = 0;
    double value = 0;
    if (k->whole ? !model_read_int(r, name, v, (int)k->low, (int)k->high, &whole)
                 : !model_read_number(r, name, v, k->low, k->high, true, false, &value))
        return false;
    store(r->m, k, k->whole ? whole : value);
    return true;
}

/* Keys of the file that the class does not have. */
static void warn_unknown(const ModelReader *r, const Json *object, const ScoreClass *kind)
{
    unsigned readers = kind->bit == SMLD ? SMLD | VE : kind->bit;
    for (const Json *v = json_first(object); v; v = json_next(v)) {
        bool known = json_key(v)[0] == '_';
        for (int i = 0; i < KEYS; i++)
            known = known || (keys[i].readers & readers && strcmp(keys[i].key, json_key(v)) == 0);
        if (known) continue;
        char shown[80];
        text_escape(shown, sizeof shown, json_key(v));
        model_warn(r->m, "%.120s: the key %s is not known and is ignored", r->path, shown);
    }
}

bool score_scheduler_read(const ModelReader *r, const Json *object, const ScoreClass *kind)
{
    ModelConfig *m = r->m;
    m->method = kind->method;
    m->noise.sde = kind->sde;
    m->old_class = kind >= classes + CLASSES - OLD;
    bool exploding = kind->bit & (VE | SMLD);
    m->noise.prediction = exploding ? PREDICT_SCORE : PREDICT_EPS;
    m->clip_range = 1;
    const Json *clip = json_get(object, "_diffc_clip");
    if (clip && !model_read_bool(r, "_diffc_clip", clip, &m->sample.clip)) return false;
    if (kind->chain)
        m->noise.T = VP_CHAIN;
    else
        warn_unknown(r, object, kind);
    for (int i = 0; i < KEYS; i++)
        if (has_key(kind, &keys[i]) && !read_key(r, object, kind, &keys[i])) return false;
    if (kind->bit == SMLD && m->noise.levels < 2)
        return err_set(r->err, ERR_FORMAT,
                       "%s: num_train_timesteps is %d; a %s needs two levels, sigma_min and "
                       "sigma_max",
                       r->path, m->noise.levels, kind->name);
    if (exploding && m->noise.sigma_min >= m->noise.sigma_max)
        return err_set(r->err, ERR_FORMAT,
                       "%s: sigma_min (%g) is not below sigma_max (%g); noise must grow", r->path,
                       m->noise.sigma_min, m->noise.sigma_max);
    if (!exploding && m->noise.beta_min > m->noise.beta_max)
        return err_set(r->err, ERR_FORMAT,
                       "%s: beta_min (%g) is above beta_max (%g); noise must grow", r->path,
                       m->noise.beta_min, m->noise.beta_max);
    return true;
}

static void put_keys(JsonWriter *w, const ModelConfig *m, const ScoreClass *kind, bool before)
{
    for (int i = 0; i < KEYS; i++) {
        const ScoreKey *k = &keys[i];
        char name[48];
        if (!has_key(kind, k) || (is_corrector(k) && m->sample.snr <= 0)) continue;
        /* The own method stands between them by its name. */
        if (kind->chain && before != (strcmp(k->key, "method") < 0)) continue;
        key_name(name, kind, k);
        const char *at = (const char *)m + k->offset;
        if (k->whole)
            json_put_int(w, name, *(const int *)at);
        else
            json_put_float(w, name, *(const double *)at);
    }
}

void score_scheduler_put_own(JsonWriter *w, const ModelConfig *m)
{
    const ScoreClass *kind = score_class_of(m);
    if (!kind->chain && m->sample.clip) json_put_bool(w, "_diffc_clip", true);
    if (!kind->own) return;
    if (kind->chain) put_keys(w, m, kind, true);
    json_put_string(w, "_diffc_method", kind->own);
    if (kind->chain) put_keys(w, m, kind, false);
}

void score_scheduler_put(JsonWriter *w, const ModelConfig *m)
{
    put_keys(w, m, score_class_of(m), true);
}
