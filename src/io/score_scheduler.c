#include "score_scheduler.h"

#include <stdio.h>
#include <string.h>

#include "diffc/text.h"

enum { VE = 1, VP = 2, SUBVP = 4, SMLD = 8, MAX_STEPS = 100000, MAX_CORRECTOR = 1000 };

static const ScoreClass classes[] = {
    {"diffusers", "ScoreSdeVeScheduler", "ScoreSdeVePipeline", METHOD_SDE, SDE_VE, VE},
    {"diffusers", "ScoreSdeVpScheduler", "ScoreSdeVpPipeline", METHOD_SDE, SDE_VP, VP},
    {"diffc", "DiffcSubVpScheduler", "DiffcSubVpPipeline", METHOD_SDE, SDE_SUBVP, SUBVP},
    {"diffc", "DiffcSmldScheduler", "DiffcSmldPipeline", METHOD_SMLD, SDE_VE, SMLD},
};
enum { CLASSES = sizeof classes / sizeof *classes };

/* In the order of their names, as files have them. */
typedef struct {
    const char *key;
    size_t offset;
    unsigned readers;
    bool whole;         /* int, else double */
    double low;         /* excluded unless whole */
    double high;        /* excluded unless whole */
    double standard[2]; /* what an absent key means to VE and VP; our own classes must have all */
} ScoreKey;

static const ScoreKey keys[] = {
    {"beta_max", offsetof(ModelConfig, beta_max), VP | SUBVP, false, 0, 1e6, {0, 20}},
    {"beta_min", offsetof(ModelConfig, beta_min), VP | SUBVP, false, 0, 1e6, {0, 0.1}},
    {"correct_steps", offsetof(ModelConfig, corrector_steps), VE, true, 0, MAX_CORRECTOR, {1, 0}},
    {"num_train_timesteps",
     offsetof(ModelConfig, T),
     VE | VP | SUBVP | SMLD,
     true,
     1,
     MAX_STEPS,
     {2000, 2000}},
    {"sampling_eps", offsetof(ModelConfig, time_min), VE | VP | SUBVP, false, 0, 1, {1e-5, 1e-3}},
    {"sigma_max", offsetof(ModelConfig, sigma_max), VE | SMLD, false, 0, 1e9, {1348, 0}},
    {"sigma_min", offsetof(ModelConfig, sigma_min), VE | SMLD, false, 0, 1e9, {0.01, 0}},
    {"snr", offsetof(ModelConfig, snr), VE, false, 0, 1e3, {0.15, 0}},
};
enum { KEYS = sizeof keys / sizeof *keys };

const ScoreClass *score_class_named(const char *name)
{
    for (int i = 0; i < CLASSES; i++)
        if (strcmp(classes[i].name, name) == 0) return &classes[i];
    return NULL;
}

const ScoreClass *score_class_of(const ModelConfig *m)
{
    for (int i = 0; i < CLASSES; i++)
        if (classes[i].method == m->method && (m->method != METHOD_SDE || classes[i].sde == m->sde))
            return &classes[i];
    return NULL;
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
    const Json *v = json_get(object, k->key);
    if (!v && kind->bit & (VE | VP)) {
        store(r->m, k, k->standard[kind->bit == VP]);
        return true;
    }
    if (!v)
        return err_set(r->err, ERR_FORMAT, "%s: has no %s, which a %s must have", r->path, k->key,
                       kind->name);
    int whole = 0;
    double value = 0;
    if (k->whole ? !model_read_int(r, k->key, v, (int)k->low, (int)k->high, &whole)
                 : !model_read_number(r, k->key, v, k->low, k->high, true, &value))
        return false;
    store(r->m, k, k->whole ? whole : value);
    return true;
}

/* Keys of the file that the class does not read. */
static void warn_unknown(const ModelReader *r, const Json *object, const ScoreClass *kind)
{
    for (const Json *v = json_first(object); v; v = json_next(v)) {
        bool known = json_key(v)[0] == '_';
        for (int i = 0; i < KEYS; i++)
            known = known || (keys[i].readers & kind->bit && strcmp(keys[i].key, json_key(v)) == 0);
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
    m->sde = kind->sde;
    bool exploding = kind->bit & (VE | SMLD);
    m->prediction = exploding ? PREDICT_SCORE : PREDICT_EPS;
    m->clip_range = 1;
    warn_unknown(r, object, kind);
    for (int i = 0; i < KEYS; i++)
        if (keys[i].readers & kind->bit && !read_key(r, object, kind, &keys[i])) return false;
    if (kind->bit == SMLD && m->T < 2)
        return err_set(r->err, ERR_FORMAT,
                       "%s: num_train_timesteps is %d; a %s needs two levels, sigma_min and "
                       "sigma_max",
                       r->path, m->T, kind->name);
    if (exploding && m->sigma_min >= m->sigma_max)
        return err_set(r->err, ERR_FORMAT,
                       "%s: sigma_min (%g) is not below sigma_max (%g); noise must grow", r->path,
                       m->sigma_min, m->sigma_max);
    if (!exploding && m->beta_min > m->beta_max)
        return err_set(r->err, ERR_FORMAT,
                       "%s: beta_min (%g) is above beta_max (%g); noise must grow", r->path,
                       m->beta_min, m->beta_max);
    return true;
}

void score_scheduler_put(JsonWriter *w, const ModelConfig *m)
{
    const ScoreClass *kind = score_class_of(m);
    for (int i = 0; i < KEYS; i++) {
        const ScoreKey *k = &keys[i];
        bool corrector = k->offset == offsetof(ModelConfig, snr) ||
                         k->offset == offsetof(ModelConfig, corrector_steps);
        if (!(k->readers & kind->bit) || (corrector && m->snr <= 0)) continue;
        const char *at = (const char *)m + k->offset;
        if (k->whole)
            json_put_int(w, k->key, *(const int *)at);
        else
            json_put_float(w, k->key, *(const double *)at);
    }
}
