/* scheduler/scheduler_config.json: the noise levels and the prediction type of the variance-preserving
 * schedulers. Those of score models go to score_scheduler.c, what is said of sampling to
 * scheduler_sampling.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/diffusers/model_files.h"
#include "io/diffusers/score_scheduler.h"

typedef struct {
    const char *name;
    bool whole; /* DDPM, DDIM and our own: clip_sample is read, and true when absent */
    double beta_start, beta_end; /* when the keys are absent */
} SchedulerClass;

static const SchedulerClass classes[] = {
    {"DDPMScheduler", true, 1e-4, 0.02},
    {CDM_SCHEDULER, true, 1e-4, 0.02},
    {"DDIMScheduler", true, 1e-4, 0.02},
    {EDDPM_SCHEDULER, true, 1e-4, 0.02},
    {"PNDMScheduler", false, 1e-4, 0.02},
    {"DPMSolverMultistepScheduler", false, 1e-4, 0.02},
    {"DPMSolverSinglestepScheduler", false, 1e-4, 0.02},
    {"DEISMultistepScheduler", false, 1e-4, 0.02},
    {"UniPCMultistepScheduler", false, 1e-4, 0.02},
    {"EulerDiscreteScheduler", false, 1e-4, 0.02},
    {"EulerAncestralDiscreteScheduler", false, 1e-4, 0.02},
    {"HeunDiscreteScheduler", false, 0.00085, 0.012},
    {"LMSDiscreteScheduler", false, 1e-4, 0.02},
};

static const SchedulerClass *find_class(const char *name)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(classes[i].name, name) == 0) return &classes[i];
    return NULL;
}

/* sigmoid is DDPM's alone; its betas become given ones. */
static bool make_sigmoid(const ModelReader *r)
{
    ModelConfig *m = r->m;
    m->noise.betas = mem_doubles((size_t)m->noise.T);
    if (!m->noise.betas)
        return err_set(r->err, ERR_MEMORY, "%s: not enough memory for betas", r->path);
    for (int i = 0; i < m->noise.T; i++) {
        double x = m->noise.T > 1 ? -6 + 12.0 * i / (m->noise.T - 1) : -6;
        m->noise.betas[i] =
            (m->noise.beta_end - m->noise.beta_start) / (1 + exp(-x)) + m->noise.beta_start;
    }
    m->noise.schedule = SCHEDULE_BETAS;
    return true;
}

static bool read_trained_betas(const ModelReader *r, const Json *v)
{
    ModelConfig *m = r->m;
    size_t count = json_type(v) == JSON_ARRAY ? json_count(v) : 0;
    if (count != (size_t)m->noise.T) {
        char expected[96];
        snprintf(expected, sizeof expected, "null or a list of num_train_timesteps (%d) numbers",
                 m->noise.T);
        return model_wrong(r, "trained_betas", v, expected);
    }
    m->noise.betas = mem_doubles(count);
    if (!m->noise.betas)
        return err_set(r->err, ERR_MEMORY, "%s: not enough memory for betas", r->path);
    size_t i = 0;
    for (const Json *item = json_first(v); item; item = json_next(item))
        if (!model_read_number(r, "trained_betas", item, 0, 1, true, true, &m->noise.betas[i++]))
            return false;
    m->noise.schedule = SCHEDULE_BETAS;
    return true;
}

static bool read_betas(const ModelReader *r, const Json *object, const SchedulerClass *kind)
{
    ModelConfig *m = r->m;
    const Json *steps = json_get(object, "num_train_timesteps");
    const Json *start = json_get(object, "beta_start"), *end = json_get(object, "beta_end");
    const Json *schedule = json_get(object, "beta_schedule");
    const Json *trained = json_get(object, "trained_betas");
    m->noise.T = 1000;
    m->noise.beta_start = kind->beta_start;
    m->noise.beta_end = kind->beta_end;
    m->noise.schedule = SCHEDULE_LINEAR;
    if ((steps && !model_read_int(r, "num_train_timesteps", steps, 1, STEPS_MAX, &m->noise.T)) ||
        (start &&
         !model_read_number(r, "beta_start", start, 0, 1, true, true, &m->noise.beta_start)) ||
        (end && !model_read_number(r, "beta_end", end, 0, 1, true, true, &m->noise.beta_end)))
        return false;
    if (trained && json_type(trained) != JSON_NULL) return read_trained_betas(r, trained);
    if (!schedule) return true;
    const char *name = model_read_text(r, "beta_schedule", schedule);
    if (!name) return false;
    if (strcmp(name, "sigmoid") == 0) return make_sigmoid(r);
    if (strcmp(name, "scaled_linear") == 0)
        m->noise.schedule = SCHEDULE_SCALED_LINEAR;
    else if (strcmp(name, "squaredcos_cap_v2") == 0)
        m->noise.schedule = SCHEDULE_COSINE;
    else if (strcmp(name, "unif") == 0 && strcmp(kind->name, CDM_SCHEDULER) == 0)
        m->noise.schedule = SCHEDULE_UNIF;
    else if (strcmp(name, "linear") != 0)
        return model_unsupported(r, "beta_schedule", schedule,
                                 "linear, scaled_linear, squaredcos_cap_v2, sigmoid and "
                                 "trained_betas");
    return true;
}

static bool read_prediction(const ModelReader *r, const Json *object)
{
    const Json *type = json_get(object, "prediction_type");
    const Json *legacy = json_get(object, "predict_epsilon");
    r->m->noise.prediction = PREDICT_EPS;
    if (type) {
        const char *name = model_read_text(r, "prediction_type", type);
        if (!name) return false;
        if (strcmp(name, "sample") == 0)
            r->m->noise.prediction = PREDICT_X0;
        else if (strcmp(name, "v_prediction") == 0)
            r->m->noise.prediction = PREDICT_V;
        else if (strcmp(name, "epsilon") != 0)
            return model_unsupported(r, "prediction_type", type,
                                     "epsilon, sample and v_prediction");
        return true;
    }
    bool eps = true;
    if (legacy && !model_read_bool(r, "predict_epsilon", legacy, &eps)) return false;
    if (!eps) r->m->noise.prediction = PREDICT_X0;
    return true;
}

static bool read_variance(const ModelReader *r, const Json *object)
{
    const Json *type = json_get(object, "variance_type");
    r->m->sample.variance = VARIANCE_SMALL;
    if (!type || json_type(type) == JSON_NULL) return true;
    const char *name = model_read_text(r, "variance_type", type);
    if (!name) return false;
    if (strcmp(name, "fixed_large") == 0 || strcmp(name, "fixed_large_log") == 0)
        r->m->sample.variance = VARIANCE_LARGE;
    else if (strcmp(name, "learned_range") == 0)
        r->m->sample.variance = VARIANCE_LEARNED;
    else if (strcmp(name, "fixed_small") != 0 && strcmp(name, "fixed_small_log") != 0)
        return model_unsupported(r, "variance_type", type,
                                 "fixed_small, fixed_large and learned_range");
    return true;
}

/* clip_sample, its range, and thresholding, which at sample_max_value 1 is plain clipping. */
static bool read_clipping(const ModelReader *r, const Json *object, const SchedulerClass *kind)
{
    ModelConfig *m = r->m;
    const Json *clip = json_get(object, "clip_sample");
    const Json *range = json_get(object, "clip_sample_range");
    const Json *dynamic = json_get(object, "thresholding");
    const Json *largest = json_get(object, "sample_max_value");
    bool thresholding = false;
    double max_value = 1;
    bool reads = kind->whole || strcmp(kind->name, "HeunDiscreteScheduler") == 0;
    m->sample.clip = kind->whole;
    m->clip_range = 1;
    if (reads && ((clip && !model_read_bool(r, "clip_sample", clip, &m->sample.clip)) ||
                  (range && !model_read_number(r, "clip_sample_range", range, 0, 1e6, true, true,
                                               &m->clip_range))))
        return false;
    if ((dynamic && !model_read_bool(r, "thresholding", dynamic, &thresholding)) ||
        (largest &&
         !model_read_number(r, "sample_max_value", largest, 0, 1e6, false, false, &max_value)))
        return false;
    if (!thresholding) return true;
    if (max_value > 1)
        return model_unsupported(r, "sample_max_value", largest,
                                 "thresholding with 1, which is plain clipping");
    m->sample.clip = true;
    m->clip_range = 1;
    return true;
}

/* Keys of DDPM and DDIM that are read above, that concern only how diffusers samples, or that the
 * first releases wrote. */
static void warn_unknown(const ModelReader *r, const Json *object)
{
    static const char *const known[] = {"num_train_timesteps",
                                        "beta_start",
                                        "beta_end",
                                        "beta_schedule",
                                        "trained_betas",
                                        "prediction_type",
                                        "predict_epsilon",
                                        "variance_type",
                                        "dequantised",
                                        "clip_sample",
                                        "clip_sample_range",
                                        "thresholding",
                                        "dynamic_thresholding_ratio",
                                        "sample_max_value",
                                        "rescale_betas_zero_snr",
                                        "timestep_spacing",
                                        "steps_offset",
                                        "set_alpha_to_one",
                                        "tensor_format",
                                        "timestep_values",
                                        "kept_timesteps",
                                        "masked_alphas",
                                        NULL};
    for (const Json *v = json_first(object); v; v = json_next(v)) {
        if (json_key(v)[0] == '_' || model_word_in(json_key(v), known)) continue;
        char shown[80];
        text_escape(shown, sizeof shown, json_key(v));
        model_warn(r->m, "%.120s: the key %s is not known and is ignored", r->path, shown);
    }
}

bool scheduler_config_read(const ModelReader *r, const Json *object)
{
    const Json *class_name = json_get(object, "_class_name");
    const SchedulerClass *kind = &classes[0];
    if (class_name) {
        const char *name = model_read_text(r, "_class_name", class_name);
        if (!name) return false;
        const Json *own = json_get(object, "_diffc_method");
        const char *method = own ? model_read_text(r, "_diffc_method", own) : NULL;
        if (own && !method) return false;
        const ScoreClass *score = score_class_named(name, method);
        if (own && !score)
            return model_unsupported(r, "_diffc_method", own, "smld and vp of its own folders");
        kind = find_class(name);
        if (score && !(score->chain && kind)) return score_scheduler_read(r, object, score);
        if (score)
            return score_scheduler_read(r, object, score) && read_variance(r, object) &&
                   read_clipping(r, object, kind) && scheduler_sampling_read(r, object, name);
        if (!kind)
            return model_unsupported(r, "_class_name", class_name,
                                     "DDPM, DDIM, PNDM, DPMSolver, DEIS, UniPC, Euler, Heun, LMS, "
                                     "ScoreSde, DiffcEddpm and DiffcCdm schedulers");
    } else {
        model_warn(r->m, "%.120s: has no _class_name and is read as a DDPMScheduler", r->path);
    }
    const Json *dequantised = json_get(object, "dequantised");
    if (strcmp(kind->name, CDM_SCHEDULER) == 0) {
        r->m->method = METHOD_CDM;
        if (dequantised && !model_read_bool(r, "dequantised", dequantised, &r->m->dequantised))
            return false;
    }
    const Json *rescale = json_get(object, "rescale_betas_zero_snr");
    bool rescaled = false;
    if (rescale && !model_read_bool(r, "rescale_betas_zero_snr", rescale, &rescaled)) return false;
    if (rescaled)
        return model_unsupported(r, "rescale_betas_zero_snr", rescale, "betas as they are (false)");
    if (kind->whole) warn_unknown(r, object);
    bool own = strcmp(kind->name, EDDPM_SCHEDULER) == 0;
    return read_betas(r, object, kind) && kept_steps_read(r, object, own) &&
           read_prediction(r, object) && read_variance(r, object) &&
           read_clipping(r, object, kind) && scheduler_sampling_read(r, object, kind->name);
}
