/* scheduler/scheduler_config.json: the noise levels and the prediction type of the variance-preserving
 * schedulers. Those of score models are in score_scheduler.c, what is said of sampling in
 * scheduler_sampling.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/diffusers/model_keys.h"
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

const char *scheduler_class(const ModelConfig *m)
{
    const ScoreClass *score = score_class_of(m);
    if (score) return score->name;
    if (m->method == METHOD_CDM) return CDM_SCHEDULER;
    return model_has_own_noise(m) ? EDDPM_SCHEDULER : "DDPMScheduler";
}

/* VP as a chain of a DDPMScheduler, whose betas are computed. */
static bool is_vp_chain(const ModelConfig *m)
{
    const ScoreClass *score = score_class_of(m);
    return score && score->chain;
}

static int steps(const ModelConfig *m)
{
    return is_vp_chain(m) ? VP_CHAIN : m->noise.T;
}

/* ---- values that only this file has ---- */

static bool make_betas(const ModelReader *r)
{
    NoiseConfig *n = &r->m->noise;
    n->schedule = SCHEDULE_BETAS;
    n->betas = mem_doubles((size_t)n->T);
    return n->betas || err_set(r->err, ERR_MEMORY, "%s: not enough memory for betas", r->path);
}

/* After num_train_timesteps. */
static bool read_betas(const ModelReader *r, const ModelKey *k, const Json *v)
{
    NoiseConfig *n = &r->m->noise;
    double *beta;
    if (json_type(v) == JSON_NULL) return true;
    if (json_type(v) != JSON_ARRAY || json_count(v) != (size_t)n->T) {
        char expected[96];
        snprintf(expected, sizeof expected, "null or a list of num_train_timesteps (%d) numbers",
                 n->T);
        return model_wrong(r, k->name, v, expected);
    }
    if (!make_betas(r)) return false;
    beta = n->betas;
    for (const Json *item = json_first(v); item; item = json_next(item))
        if (!model_read_number(r, k->name, item, 0, 1, true, true, beta++)) return false;
    return true;
}

static void put_betas(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    bool chain = is_vp_chain(m);
    if (!chain && m->noise.schedule != SCHEDULE_BETAS) {
        json_put_null(w, k->name);
        return;
    }
    json_begin_array(w, k->name);
    for (int i = 0; i < steps(m); i++)
        json_put_float(w, NULL, chain ? vp_chain_beta(m, i) : m->noise.betas[i]);
    json_end_array(w);
}

/* After the numbers and the list of betas, which it gives way to. sigmoid is DDPM's alone; its betas become
 * given ones. */
static bool read_schedule(const ModelReader *r, const ModelKey *k, const Json *v)
{
    NoiseConfig *n = &r->m->noise;
    if (n->schedule == SCHEDULE_BETAS) return true;
    const char *name = model_read_text(r, k->name, v);
    if (!name) return false;
    for (int i = SCHEDULE_LINEAR; i <= SCHEDULE_UNIF; i++) {
        bool stands = i != SCHEDULE_UNIF || r->m->method == METHOD_CDM;
        if (!stands || strcmp(k->words[i], name) != 0) continue;
        n->schedule = (ScheduleKind)i;
        return true;
    }
    if (strcmp(name, "sigmoid") != 0) return model_unsupported(r, k->name, v, k->instead);
    if (!make_betas(r)) return false;
    for (int i = 0; i < n->T; i++) {
        double x = n->T > 1 ? -6 + 12.0 * i / (n->T - 1) : -6;
        n->betas[i] = (n->beta_end - n->beta_start) / (1 + exp(-x)) + n->beta_start;
    }
    return true;
}

static void put_schedule(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_put_string(w, k->name, k->words[m->noise.schedule]);
}

static void put_steps(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_put_int(w, k->name, steps(m));
}

/* null is small, and a variance by its logarithm the same. */
static bool read_variance(const ModelReader *r, const ModelKey *k, const Json *v)
{
    static const char *const logs[] = {"fixed_small_log", "fixed_large_log"};
    for (int i = 0; i < 2; i++) {
        bool same = json_type(v) == JSON_STRING && strcmp(json_string(v), logs[i]) == 0;
        if (!same && (i > 0 || json_type(v) != JSON_NULL)) continue;
        r->m->sample.variance = (VarianceKind)i;
        return true;
    }
    return value_word.read(r, k, v);
}

/* The first releases had this instead of prediction_type. */
static bool read_epsilon(const ModelReader *r, const ModelKey *k, const Json *v)
{
    bool eps = true;
    if (!model_read_bool(r, k->name, v, &eps)) return false;
    r->m->noise.prediction = eps ? PREDICT_EPS : PREDICT_X0;
    return true;
}

static bool read_rescale(const ModelReader *r, const ModelKey *k, const Json *v)
{
    bool rescaled = false;
    return model_read_bool(r, k->name, v, &rescaled) &&
           (!rescaled || model_unsupported(r, k->name, v, k->instead));
}

/* The steps that a model keeps, rising. After num_train_timesteps. */
static bool read_kept(const ModelReader *r, const ModelKey *k, const Json *v)
{
    ModelConfig *m = r->m;
    size_t count = json_type(v) == JSON_ARRAY ? json_count(v) : 0;
    int least = 0;
    if (m->method == METHOD_CDM) return model_unsupported(r, k->name, v, k->instead);
    if (count < 1 || count > (size_t)m->noise.T) {
        char expected[96];
        snprintf(expected, sizeof expected, "a list of 1 to num_train_timesteps (%d) integers",
                 m->noise.T);
        return model_wrong(r, k->name, v, expected);
    }
    m->kept = mem_alloc(count, sizeof *m->kept);
    if (!m->kept) return err_set(r->err, ERR_MEMORY, "%s: not enough memory for steps", r->path);
    m->method = METHOD_EDDPM;
    for (const Json *item = json_first(v); item; item = json_next(item)) {
        int *step = &m->kept[m->kept_count++];
        if (!model_read_int(r, k->name, item, least, m->noise.T - 1, step)) return false;
        least = *step + 1;
    }
    return true;
}

static void put_kept(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_begin_row(w, k->name);
    for (int i = 0; i < m->kept_count; i++) json_put_int(w, NULL, m->kept[i]);
    json_end_array(w);
}

static void put_one(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    (void)m;
    json_put_float(w, k->name, 1);
}

static void put_true(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    (void)m;
    json_put_bool(w, k->name, true);
}

/* ---- the keys, and when they are written ---- */

static bool has_betas(const ModelConfig *m)
{
    return !is_vp_chain(m);
}

static bool has_range(const ModelConfig *m)
{
    return m->clip_range < 1 || m->clip_range > 1;
}

static bool is_cdm(const ModelConfig *m)
{
    return m->method == METHOD_CDM;
}

static bool keeps_steps(const ModelConfig *m)
{
    return m->kept != NULL;
}

/* Solvers of diffusers that have no clip_sample clip by thresholding. At a largest value of 1 it is plain
 * clipping to [-1, 1], also where both keys are read. */
static bool clips_to_one(const ModelConfig *m)
{
    return m->sample.clip && !has_range(m) && !is_cdm(m);
}

static const char *const schedules[] = {[SCHEDULE_LINEAR] = "linear",
                                        [SCHEDULE_SCALED_LINEAR] = "scaled_linear",
                                        [SCHEDULE_COSINE] = "squaredcos_cap_v2",
                                        [SCHEDULE_BETAS] = "linear",
                                        [SCHEDULE_LOGSNR] = "linear", /* kept as betas */
                                        [SCHEDULE_UNIF] = "unif"};
static const char *const predictions[] = {"epsilon", "sample", "v_prediction", NULL};
static const char *const variances[] = {[VARIANCE_SMALL] = "fixed_small",
                                        [VARIANCE_LARGE] = "fixed_large",
                                        [VARIANCE_LEARNED] = "learned_range",
                                        NULL};

enum { OPEN = KEY_OPEN_LOW | KEY_OPEN_HIGH };
#define AT(member) offsetof(ModelConfig, member)
/* clang-format off */
static const ModelKey keys[] = {
    {"beta_end", &value_float, AT(noise.beta_end), 0, 1, OPEN, .stands = has_betas},
    {"beta_schedule", .read = read_schedule, .put = put_schedule, .stands = has_betas, .words = schedules,
     .instead = "linear, scaled_linear, squaredcos_cap_v2, sigmoid and trained_betas"},
    {"beta_start", &value_float, AT(noise.beta_start), 0, 1, OPEN, .stands = has_betas},
    {"clip_sample", &value_bool, .at = AT(sample.clip)},
    {"clip_sample_range", &value_float, AT(clip_range), 0, 1e6, OPEN, .stands = has_range},
    {"dequantised", &value_bool, .at = AT(dequantised), .stands = is_cdm},
    {"kept_timesteps", .read = read_kept, .put = put_kept, .stands = keeps_steps,
     .instead = "a scheduler without it, because a cdm uses all its levels"},
    {"masked_alphas", &value_word, .at = AT(alphas), .stands = keeps_steps, .words = mask_alphas_words,
     .instead = "merged, literal and rescaled"},
    {"num_train_timesteps", &value_int, AT(noise.T), 1, STEPS_MAX, .put = put_steps},
    {"predict_epsilon", .read = read_epsilon},
    {"prediction_type", &value_word, .at = AT(noise.prediction), .words = predictions,
     .instead = "epsilon, sample and v_prediction"},
    {"rescale_betas_zero_snr", .read = read_rescale, .instead = "betas as they are (false)"},
    {"sample_max_value", .put = put_one, .stands = clips_to_one},
    {"thresholding", .put = put_true, .stands = clips_to_one},
    {"trained_betas", .read = read_betas, .put = put_betas},
    {"variance_type", &value_word, .read = read_variance, .at = AT(sample.variance), .words = variances,
     .instead = "fixed_small, fixed_large and learned_range"},
    {0}};
/* clang-format on */

/* Keys of DDPM and DDIM that concern only how diffusers samples, or that the first releases wrote. */
static const char *const ignored[] = {"dynamic_thresholding_ratio",
                                      "timestep_spacing",
                                      "steps_offset",
                                      "set_alpha_to_one",
                                      "tensor_format",
                                      "timestep_values",
                                      NULL};

static bool read_keys(const ModelReader *r, const Json *object, const char *const *names)
{
    for (; *names; names++)
        if (!model_key_read(r, object, keys, *names)) return false;
    return true;
}

/* clip_sample, its range, and thresholding, which at sample_max_value 1 is plain clipping. */
static bool read_clipping(const ModelReader *r, const Json *object, const SchedulerClass *kind)
{
    static const char *const names[] = {"clip_sample", "clip_sample_range", NULL};
    ModelConfig *m = r->m;
    const Json *dynamic = json_get(object, "thresholding");
    const Json *largest = json_get(object, "sample_max_value");
    bool thresholding = false;
    double max_value = 1;
    bool reads = kind->whole || strcmp(kind->name, "HeunDiscreteScheduler") == 0;
    m->sample.clip = kind->whole;
    m->clip_range = 1;
    if ((reads && !read_keys(r, object, names)) ||
        (dynamic && !model_read_bool(r, "thresholding", dynamic, &thresholding)) ||
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

/* In the order in which they depend on each other. */
static bool read_chain(const ModelReader *r, const Json *object, const SchedulerClass *kind)
{
    static const char *const noise[] = {
        "num_train_timesteps", "beta_start",     "beta_end", "trained_betas",
        "beta_schedule",       "kept_timesteps", NULL};
    NoiseConfig *n = &r->m->noise;
    n->T = 1000;
    n->beta_start = kind->beta_start;
    n->beta_end = kind->beta_end;
    n->schedule = SCHEDULE_LINEAR;
    n->prediction = PREDICT_EPS;
    if (!read_keys(r, object, noise)) return false;
    if (!r->m->kept && strcmp(kind->name, EDDPM_SCHEDULER) == 0)
        return err_set(r->err, ERR_FORMAT, "%s: has no kept_timesteps, which %s needs", r->path,
                       EDDPM_SCHEDULER);
    bool legacy = !json_get(object, "prediction_type");
    return (!r->m->kept || model_key_read(r, object, keys, "masked_alphas")) &&
           model_key_read(r, object, keys, legacy ? "predict_epsilon" : "prediction_type");
}

/* What a chain of VP has too. */
static bool read_rest(const ModelReader *r, const Json *object, const SchedulerClass *kind)
{
    r->m->sample.variance = VARIANCE_SMALL;
    return model_key_read(r, object, keys, "variance_type") && read_clipping(r, object, kind) &&
           scheduler_sampling_read(r, object, kind->name);
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
        if (score) return score_scheduler_read(r, object, score) && read_rest(r, object, kind);
        if (!kind)
            return model_unsupported(r, "_class_name", class_name,
                                     "DDPM, DDIM, PNDM, DPMSolver, DEIS, UniPC, Euler, Heun, LMS, "
                                     "ScoreSde, DiffcEddpm and DiffcCdm schedulers");
    } else {
        model_warn(r->m, "%.120s: has no _class_name and is read as a DDPMScheduler", r->path);
    }
    if (strcmp(kind->name, CDM_SCHEDULER) == 0) {
        r->m->method = METHOD_CDM;
        if (!model_key_read(r, object, keys, "dequantised")) return false;
    }
    if (!model_key_read(r, object, keys, "rescale_betas_zero_snr")) return false;
    if (kind->whole) model_keys_warn(r, object, keys, ignored);
    return read_chain(r, object, kind) && read_rest(r, object, kind);
}

/* timestep_spacing and steps_offset are left out on purpose: standing in the file they would
 * override the defaults of every other scheduler built from it. */
void scheduler_config_put(JsonWriter *w, const ModelConfig *m)
{
    const ScoreClass *score = score_class_of(m);
    json_put_string(w, "_class_name", scheduler_class(m));
    if (score) score_scheduler_put_own(w, m);
    json_put_string(w, "_diffusers_version", DIFFUSERS_VERSION);
    if (score && !score->chain)
        score_scheduler_put(w, m);
    else
        model_keys_put(w, keys, m);
}
