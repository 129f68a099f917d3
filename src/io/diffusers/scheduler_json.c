/* scheduler/scheduler_config.json: noise, prediction, and what diffusers does when it samples. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/diffusers/scheduler_class.h"

/* ---- values that only this file has ---- */

static void put_class(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_put_string(w, k->name, scheduler_class_of(m)->name);
}

static void put_own_method(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    const char *own = scheduler_class_of(m)->own;
    if (own) json_put_string(w, k->name, own);
}

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
        if (!model_read_number(r, k, item, beta++)) return false;
    return true;
}

static void put_betas(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    if (m->noise.schedule != SCHEDULE_BETAS) {
        json_put_null(w, k->name);
        return;
    }
    json_begin_array(w, k->name);
    for (int i = 0; i < m->noise.T; i++) json_put_float(w, NULL, m->noise.betas[i]);
    json_end_array(w);
}

static void put_chain_betas(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_begin_array(w, k->name);
    for (int i = 0; i < VP_CHAIN; i++) json_put_float(w, NULL, vp_chain_beta(m, i));
    json_end_array(w);
}

static void put_chain_steps(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    (void)m;
    json_put_int(w, k->name, VP_CHAIN);
}

/* After the numbers and the list of betas, which it gives way to. The betas of diffusers' sigmoid become
 * given ones. */
static bool read_schedule(const ModelReader *r, const ModelKey *k, const Json *v)
{
    NoiseConfig *n = &r->m->noise;
    if (n->schedule == SCHEDULE_BETAS) return true;
    if (json_type(v) != JSON_STRING || strcmp(json_string(v), "sigmoid") != 0)
        return value_word.read(r, k, v);
    if (!make_betas(r)) return false;
    for (int i = 0; i < n->T; i++) {
        double x = n->T > 1 ? -6 + 12.0 * i / (n->T - 1) : -6;
        n->betas[i] = (n->beta_end - n->beta_start) / (1 + exp(-x)) + n->beta_start;
    }
    return true;
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

/* The first releases had "predict_epsilon" instead. */
static bool read_prediction(const ModelReader *r, const ModelKey *k, const Json *v)
{
    bool eps = true;
    if (strcmp(json_key(v), k->name) == 0) return value_word.read(r, k, v);
    if (!model_read_bool(r, k->old, v, &eps)) return false;
    r->m->noise.prediction = eps ? PREDICT_EPS : PREDICT_X0;
    return true;
}

/* The steps that a model keeps, rising. After num_train_timesteps. */
static bool read_kept(const ModelReader *r, const ModelKey *k, const Json *v)
{
    ModelConfig *m = r->m;
    size_t count = json_type(v) == JSON_ARRAY ? json_count(v) : 0;
    ModelKey rising = *k;
    if (count < 1 || count > (size_t)m->noise.T) {
        char expected[96];
        snprintf(expected, sizeof expected, "a list of 1 to num_train_timesteps (%d) integers",
                 m->noise.T);
        return model_wrong(r, k->name, v, expected);
    }
    m->kept = mem_alloc(count, sizeof *m->kept);
    if (!m->kept) return err_set(r->err, ERR_MEMORY, "%s: not enough memory for steps", r->path);
    m->method = METHOD_EDDPM;
    rising.high = m->noise.T - 1;
    for (const Json *item = json_first(v); item; item = json_next(item)) {
        int *step = &m->kept[m->kept_count++];
        if (!model_read_int(r, &rising, item, step)) return false;
        rising.low = *step + 1;
    }
    return true;
}

static void put_kept(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_begin_row(w, k->name);
    for (int i = 0; i < m->kept_count; i++) json_put_int(w, NULL, m->kept[i]);
    json_end_array(w);
}

/* After kept_timesteps, without which it means nothing. */
static bool read_alphas(const ModelReader *r, const ModelKey *k, const Json *v)
{
    return !r->m->kept || value_word.read(r, k, v);
}

static bool read_largest(const ModelReader *r, const ModelKey *k, const Json *v)
{
    double largest;
    return model_read_number(r, k, v, &largest);
}

/* Thresholding at a largest value of 1 is plain clipping to [-1, 1]. */
static bool read_thresholding(const ModelReader *r, const ModelKey *k, const Json *v)
{
    bool thresholding = false;
    const Json *largest = json_get(r->object, "sample_max_value");
    if (!model_read_bool(r, k->name, v, &thresholding)) return false;
    if (!thresholding) return true;
    if (largest && json_number(largest) > 1)
        return model_unsupported(r, "sample_max_value", largest, k->instead);
    r->m->sample.clip = true;
    r->m->clip_range = 1;
    return true;
}

/* ---- the keys, and when they are written ---- */

/* A chain of VP writes clip_sample; this key is only read there. */
static bool clips_as_score(const ModelConfig *m)
{
    return m->sample.clip && scheduler_class_of(m)->has & HAS_SCORE;
}

static bool has_range(const ModelConfig *m)
{
    return m->clip_range < 1 || m->clip_range > 1;
}

static bool keeps_steps(const ModelConfig *m)
{
    return m->kept != NULL;
}

/* Solvers of diffusers that have no clip_sample clip by thresholding. */
static bool clips_to_one(const ModelConfig *m)
{
    return m->sample.clip && !has_range(m) && m->unet.noise_classes == 0;
}

/* A chain says it always, as diffusers reads it; classes of ours are eps without the key. */
static bool names_prediction(const ModelConfig *m)
{
    return m->noise.prediction != PREDICT_EPS || scheduler_class_of(m)->has & HAS_VP_CHAIN;
}

static bool corrects(const ModelConfig *m)
{
    return m->sample.snr > 0;
}

#define SCHEDULES                                                                                  \
    [SCHEDULE_LINEAR] = "linear", [SCHEDULE_SCALED_LINEAR] = "scaled_linear",                      \
    [SCHEDULE_COSINE] = "squaredcos_cap_v2", [SCHEDULE_BETAS] = "linear",                          \
    [SCHEDULE_LOGSNR] = "linear" /* kept as betas */
static const char *const schedules[] = {SCHEDULES, NULL};
static const char *const cdm_schedules[] = {SCHEDULES, [SCHEDULE_UNIF] = "unif", NULL};
static const char *const predictions[] = {"epsilon", "sample", "v_prediction", NULL};
static const char *const variances[] = {[VARIANCE_SMALL] = "fixed_small",
                                        [VARIANCE_LARGE] = "fixed_large",
                                        [VARIANCE_LEARNED] = "learned_range",
                                        NULL};
#define RUN_SCHEDULES   "linear, scaled_linear, squaredcos_cap_v2, sigmoid and trained_betas"
#define RUN_PREDICTIONS "epsilon, sample and v_prediction"

enum { OPEN = KEY_OPEN_LOW | KEY_OPEN_HIGH };
#define AT(member) offsetof(ModelConfig, member)
#define REAL(key, member, most)                                                                    \
    .name = key, .value = &value_float, .at = AT(member), .high = most, .flags = KEY_OPEN_LOW
#define WHOLE(key, member, least, most)                                                            \
    .name = key, .value = &value_int, .at = AT(member), .low = least, .high = most
/* clang-format off */
const ModelKey scheduler_keys[] = {
    {"_class_name", .put = put_class},
    {REAL("_diffc_beta_max", noise.beta_max, SDE_BETA_LIMIT), .of = HAS_VP_CHAIN},
    {REAL("_diffc_beta_min", noise.beta_min, SDE_BETA_LIMIT), .of = HAS_VP_CHAIN},
    {"_diffc_clip", &value_bool, .at = AT(sample.clip), .of = HAS_SCORE | HAS_VP_CHAIN, .flags = KEY_OPTIONAL,
     .stands = clips_as_score},
    {"_diffc_method", .put = put_own_method},
    {REAL("_diffc_sampling_eps", noise.time_min, TIME_MIN_LIMIT), .of = HAS_VP_CHAIN},
    {"_diffusers_version", .put = model_put_first, ONLY("\"" DIFFUSERS_VERSION "\"")},
    {"beta_end", &value_float, AT(noise.beta_end), 0, 1, OPEN, .of = HAS_BETAS},
    {REAL("beta_max", noise.beta_max, SDE_BETA_LIMIT), .of = HAS_BETA_RANGE},
    {REAL("beta_min", noise.beta_min, SDE_BETA_LIMIT), .of = HAS_BETA_RANGE},
    {"beta_schedule", &value_word, .read = read_schedule, .at = AT(noise.schedule), .of = HAS_DENOISER, .flags = KEY_LATE,
     .words = schedules, .instead = RUN_SCHEDULES},
    {"beta_schedule", &value_word, .read = read_schedule, .at = AT(noise.schedule), .of = HAS_CDM, .flags = KEY_LATE,
     .words = cdm_schedules, .instead = RUN_SCHEDULES},
    {"beta_start", &value_float, AT(noise.beta_start), 0, 1, OPEN, .of = HAS_BETAS},
    {"clip_sample", &value_bool, .at = AT(sample.clip), .of = HAS_CLIP},
    {"clip_sample_range", &value_float, AT(clip_range), 0, 1e6, OPEN, .of = HAS_CLIP, .stands = has_range},
    {WHOLE("correct_steps", sample.corrector_steps, 0, CORRECTOR_STEPS_MAX), .of = HAS_CORRECTOR, .stands = corrects},
    {"dequantised", &value_bool, .at = AT(dequantised), .of = HAS_CDM},
    {"dynamic_thresholding_ratio", .of = HAS_BETAS},
    {"kept_timesteps", .read = read_kept, .put = put_kept, .of = HAS_KEPT, .flags = KEY_LATE, .stands = keeps_steps},
    {"kept_timesteps", DOES(NULL), .of = HAS_CDM, .instead = "a scheduler without it, because a cdm uses all its levels"},
    {"masked_alphas", &value_word, .read = read_alphas, .at = AT(alphas), .of = HAS_BETAS, .flags = KEY_LATE,
     .stands = keeps_steps, .words = mask_alphas_words, .instead = "merged, literal and rescaled"},
    {WHOLE("num_train_timesteps", noise.T, 1, STEPS_MAX), .of = HAS_BETAS | HAS_TIMES},
    {WHOLE("num_train_timesteps", noise.levels, 1, STEPS_MAX), .of = HAS_LEVELS},
    {"num_train_timesteps", .put = put_chain_steps, .of = HAS_VP_CHAIN},
    {"prediction_type", &value_word, .read = read_prediction, .at = AT(noise.prediction), .of = HAS_BETAS,
     .old = "predict_epsilon", .words = predictions, .instead = RUN_PREDICTIONS},
    {"prediction_type", &value_word, .at = AT(noise.prediction), .of = HAS_VP_CHAIN | HAS_BETA_RANGE, .flags = KEY_OPTIONAL,
     .stands = names_prediction, .words = predictions, .instead = RUN_PREDICTIONS},
    {"rescale_betas_zero_snr", DOES("false"), .of = HAS_BETAS, .instead = "betas as they are (false)"},
    {"sample_max_value", .read = read_largest, .put = model_put_first, ONLY("1.0"), .high = 1e6, .of = HAS_SAMPLE, .stands = clips_to_one},
    {REAL("sampling_eps", noise.time_min, TIME_MIN_LIMIT), .of = HAS_TIMES},
    {"sampling_eps", .of = HAS_LEVELS},
    {"set_alpha_to_one", .of = HAS_BETAS},
    {REAL("sigma_max", noise.sigma_max, SIGMA_LIMIT), .of = HAS_SIGMAS},
    {REAL("sigma_min", noise.sigma_min, SIGMA_LIMIT), .of = HAS_SIGMAS},
    {REAL("snr", sample.snr, SNR_LIMIT), .of = HAS_CORRECTOR, .stands = corrects},
    {"steps_offset", .of = HAS_BETAS},
    {"tensor_format", .of = HAS_BETAS},
    {"thresholding", .read = read_thresholding, .put = model_put_first, ONLY("true"), .of = HAS_SAMPLE, .stands = clips_to_one,
     .instead = "thresholding with 1, which is plain clipping"},
    {"timestep_spacing", .of = HAS_BETAS},
    {"timestep_values", .of = HAS_BETAS},
    {"trained_betas", .read = read_betas, .put = put_betas, .high = 1, .flags = OPEN, .of = HAS_BETAS},
    {"trained_betas", .put = put_chain_betas, .of = HAS_VP_CHAIN},
    {"variance_type", &value_word, .read = read_variance, .at = AT(sample.variance), .of = HAS_SAMPLE,
     .words = variances, .instead = "fixed_small, fixed_large and learned_range"},
    {0}};
/* clang-format on */

/* ---- the file ---- */

static bool check_growth(const ModelReader *r, const SchedulerClass *c)
{
    const NoiseConfig *n = &r->m->noise;
    if (c->has & HAS_LEVELS && n->levels < 2)
        return err_set(r->err, ERR_FORMAT,
                       "%s: num_train_timesteps is %d; a %s needs two levels, sigma_min and "
                       "sigma_max",
                       r->path, n->levels, c->name);
    if (c->has & HAS_SIGMAS && n->sigma_min >= n->sigma_max)
        return err_set(r->err, ERR_FORMAT,
                       "%s: sigma_min (%g) is not below sigma_max (%g); noise must grow", r->path,
                       n->sigma_min, n->sigma_max);
    if (c->has & (HAS_BETA_RANGE | HAS_VP_CHAIN) && n->beta_min > n->beta_max)
        return err_set(r->err, ERR_FORMAT,
                       "%s: beta_min (%g) is above beta_max (%g); noise must grow", r->path,
                       n->beta_min, n->beta_max);
    return true;
}

/* The row of the file's class, and in *solver that of its name: diffusers saves a chain under the names of
 * its other schedulers too. */
static const SchedulerClass *find_class(const ModelReader *r, const SchedulerClass **solver)
{
    const Json *class_name = json_get(r->object, "_class_name");
    if (!class_name)
        model_warn(r->m, "%.120s: has no _class_name and is read as a DDPMScheduler", r->path);
    const char *name = class_name ? model_read_text(r, "_class_name", class_name) : "DDPMScheduler";
    const Json *own = class_name ? json_get(r->object, "_diffc_method") : NULL;
    const char *method = own && name ? model_read_text(r, "_diffc_method", own) : NULL;
    if (!name || (own && !method)) return NULL;
    const SchedulerClass *c = scheduler_class_named(name, method);
    *solver = method ? scheduler_class_named(name, NULL) : c;
    if (!c && own)
        model_unsupported(r, "_diffc_method", own, "smld and vp of its own folders");
    else if (!c)
        model_unsupported(r, "_class_name", class_name,
                          "DDPM, DDIM, PNDM, DPMSolver, DEIS, UniPC, Euler, Heun, LMS, "
                          "ScoreSde, DiffcEddpm and DiffcCdm schedulers");
    return c;
}

bool scheduler_config_read(const ModelReader *r)
{
    ModelConfig *m = r->m;
    const SchedulerClass *solver = NULL, *c = find_class(r, &solver);
    if (!c) return false;
    unsigned groups = c->has;
    if (c->has & HAS_VP_CHAIN)
        groups = HAS_VP_CHAIN | (solver ? solver->has & (HAS_CLIP | HAS_SAMPLE) : 0);
    m->method = c->method;
    if (c->has & (HAS_SCORE | HAS_VP_CHAIN)) m->noise.sde = c->sde;
    m->old_class = c->old;
    m->noise.T = 1000;
    m->noise.prediction = c->has & HAS_SIGMAS ? PREDICT_SCORE : PREDICT_EPS;
    m->sample.clip = solver && solver->clips;
    m->clip_range = 1;
    if (groups & HAS_SAMPLE) m->sample.variance = VARIANCE_SMALL;
    if (c->standard) c->standard(m);
    if (c->clips || c->has & HAS_SCORE) model_keys_warn(r, scheduler_keys, groups);
    return model_keys_need(r, scheduler_keys, c->needs,
                           c->has & HAS_VP_CHAIN ? "chain of VP" : c->name) &&
           model_keys_read(r, scheduler_keys, groups) && check_growth(r, c) &&
           (!solver || scheduler_solver_read(r, solver));
}
