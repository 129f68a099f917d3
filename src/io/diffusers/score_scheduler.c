#include "io/diffusers/score_scheduler.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/diffusers/model_keys.h"

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
    ModelKey key;
    unsigned readers;
    double standard[2]; /* what an absent key means to ScoreSdeVe and ScoreSdeVp */
} ScoreKey;

#define AT(member) offsetof(ModelConfig, member)
/* clang-format off */
#define REAL(name, member, most) {name, &value_float, AT(member), 0, most, .flags = KEY_OPEN_LOW}
#define WHOLE(name, member, least, most) {name, &value_int, AT(member), least, .high = most}
static const ScoreKey keys[] = {
    {REAL("beta_max", noise.beta_max, SDE_BETA_LIMIT), VP | OLD_VP | SUBVP, {0, 20}},
    {REAL("beta_min", noise.beta_min, SDE_BETA_LIMIT), VP | OLD_VP | SUBVP, {0, 0.1}},
    {WHOLE("correct_steps", sample.corrector_steps, 0, CORRECTOR_STEPS_MAX), VE | SMLD, {1, 0}},
    {WHOLE("num_train_timesteps", noise.T, 1, STEPS_MAX), VE | VP | OLD_VP | SUBVP, {2000, 2000}},
    {WHOLE("num_train_timesteps", noise.levels, 1, STEPS_MAX), SMLD, {0, 0}},
    {REAL("sampling_eps", noise.time_min, TIME_MIN_LIMIT), VE | VP | OLD_VP | SUBVP, {1e-5, 1e-3}},
    {REAL("sigma_max", noise.sigma_max, SIGMA_LIMIT), VE | SMLD, {1348, 0}},
    {REAL("sigma_min", noise.sigma_min, SIGMA_LIMIT), VE | SMLD, {0.01, 0}},
    {REAL("snr", sample.snr, SNR_LIMIT), VE | SMLD, {0.15, 0}},
};
/* clang-format on */
enum { KEYS = sizeof keys / sizeof *keys };

/* A chain has 1000 steps whatever num_train_timesteps says, which nothing of VP depends on. */
static bool has_key(const ScoreClass *kind, const ScoreKey *k)
{
    return k->readers & kind->bit && !(kind->chain && k->key.at == AT(noise.T));
}

static bool is_corrector(const ScoreKey *k)
{
    return k->key.at == AT(sample.snr) || k->key.at == AT(sample.corrector_steps);
}

/* The key as a file of this class has it. */
static ModelKey key_of(char name[48], const ScoreClass *kind, const ScoreKey *k)
{
    ModelKey key = k->key;
    snprintf(name, 48, "%s%s", kind->chain ? "_diffc_" : "", key.name);
    key.name = name;
    return key;
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

static void set_standard(ModelConfig *m, const ScoreKey *k, double value)
{
    if (k->key.value == &value_int)
        *(int *)model_member(m, k->key.at) = (int)value;
    else
        *(double *)model_member(m, k->key.at) = value;
}

static bool read_key(const ModelReader *r, const Json *object, const ScoreClass *kind,
                     const ScoreKey *k)
{
    char name[48];
    ModelKey key = key_of(name, kind, k);
    const Json *v = json_get(object, name);
    if (v) return key.value->read(r, &key, v);
    if (kind->bit & (VE | OLD_VP)) {
        set_standard(r->m, k, k->standard[kind->bit == OLD_VP]);
        return true;
    }
    return is_corrector(k) || err_set(r->err, ERR_FORMAT, "%s: has no %s, which a %s must have",
                                      r->path, name, kind->chain ? "chain of VP" : kind->name);
}

/* Keys of the file that the class does not have. */
static void warn_unknown(const ModelReader *r, const Json *object, const ScoreClass *kind)
{
    static const ModelKey none = {0};
    unsigned readers = kind->bit == SMLD ? SMLD | VE : kind->bit;
    const char *known[KEYS + 1] = {NULL};
    for (int i = 0, n = 0; i < KEYS; i++)
        if (keys[i].readers & readers) known[n++] = keys[i].key.name;
    model_keys_warn(r, object, &none, known);
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
    for (const ScoreKey *k = keys; k < keys + KEYS; k++) {
        char name[48];
        ModelKey key = key_of(name, kind, k);
        if (!has_key(kind, k) || (is_corrector(k) && m->sample.snr <= 0)) continue;
        /* The own method stands between them by its name. */
        if (!kind->chain || before == (strcmp(k->key.name, "method") < 0))
            key.value->put(w, &key, m);
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
