#include "io/diffusers/scheduler_class.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static bool is_chain(const ModelConfig *m)
{
    return m->network == NETWORK_UNET && m->unet.time_kind == TIME_POSITIONAL;
}

static bool gives_score(const ModelConfig *m)
{
    return m->noise.prediction == PREDICT_SCORE;
}

static bool is_literal(const ModelConfig *m)
{
    return m->kept && m->alphas == ALPHAS_LITERAL;
}

static bool is_rescaled(const ModelConfig *m)
{
    return m->kept && m->alphas == ALPHAS_RESCALED;
}

static void heun_standard(ModelConfig *m)
{
    m->noise.beta_start = 0.00085;
    m->noise.beta_end = 0.012;
}

static void ve_standard(ModelConfig *m)
{
    m->noise.T = 2000;
    m->noise.time_min = 1e-5;
    m->noise.sigma_min = 0.01;
    m->noise.sigma_max = 1348;
    m->sample.corrector_steps = 1;
    m->sample.snr = 0.15;
}

static void v_standard(ModelConfig *m)
{
    m->noise.prediction = PREDICT_V;
}

static void ve_v_standard(ModelConfig *m)
{
    ve_standard(m);
    v_standard(m);
}

static void old_vp_standard(ModelConfig *m)
{
    m->noise.T = 2000;
    m->noise.time_min = 1e-3;
    m->noise.beta_min = 0.1;
    m->noise.beta_max = 20;
}

enum {
    CHAIN = HAS_BETAS | HAS_SAMPLE,
    DENOISER = CHAIN | HAS_KEPT | HAS_DENOISER,
    CLIPPING = DENOISER | HAS_CLIP,
    VE = HAS_SCORE | HAS_TIMES | HAS_SIGMAS | HAS_CORRECTOR,
    SMLD = HAS_SCORE | HAS_LEVELS | HAS_SIGMAS | HAS_CORRECTOR,
    SMLD_NEEDS = HAS_LEVELS | HAS_SIGMAS,
    VP_NEEDS = HAS_TIMES | HAS_BETA_RANGE,
    VP = HAS_SCORE | VP_NEEDS,
};
#define STEPS                                                                                      \
    {                                                                                              \
        SPACING_LEADING, SPACING_EVEN, SPACING_TRAILING                                            \
    }
#define TIMES                                                                                      \
    {                                                                                              \
        SPACING_LEADING, SPACING_UNIFORM, SPACING_TRAILING                                         \
    }
/* Solvers in lambda take the last of n + 1 away, which only "trailing" does not. */
#define LAMBDA                                                                                     \
    {                                                                                              \
        SPACING_AUTO, SPACING_AUTO, SPACING_TRAILING                                               \
    }

/* A model is written as the first row that fits it, and a name is that of its first row. */
/* clang-format off */
static const SchedulerClass classes[] = {
    {"DDPMScheduler", "diffusers", "DDPMPipeline", METHOD_DDPM, .has = CLIPPING | HAS_SOLVER, .clips = true, .spacing = STEPS},
    {"DDIMScheduler", "diffusers", "DDIMPipeline", METHOD_DDPM, .has = CLIPPING | HAS_SOLVER, .clips = true, .sampler = "ddim",
     .spacing = STEPS},
    {"PNDMScheduler", "diffusers", "PNDMPipeline", METHOD_DDPM, .has = DENOISER | HAS_FOREIGN},
    {"DPMSolverMultistepScheduler", "diffusers", NULL, METHOD_DDPM, .has = DENOISER | HAS_SOLVER, .sampler = "dpm++2m",
     .spacing = LAMBDA},
    {"DPMSolverSinglestepScheduler", "diffusers", NULL, METHOD_DDPM, .has = DENOISER | HAS_FOREIGN},
    {"DEISMultistepScheduler", "diffusers", NULL, METHOD_DDPM, .has = DENOISER | HAS_FOREIGN},
    {"UniPCMultistepScheduler", "diffusers", NULL, METHOD_DDPM, .has = DENOISER | HAS_SOLVER, .sampler = "unipc", .spacing = LAMBDA},
    {"EulerDiscreteScheduler", "diffusers", NULL, METHOD_DDPM, .has = DENOISER | HAS_FOREIGN},
    {"EulerAncestralDiscreteScheduler", "diffusers", NULL, METHOD_DDPM, .has = DENOISER | HAS_FOREIGN},
    {"HeunDiscreteScheduler", "diffusers", NULL, METHOD_DDPM, .has = CLIPPING | HAS_SOLVER, .standard = heun_standard,
     .sampler = "heun", .spacing = TIMES},
    {"LMSDiscreteScheduler", "diffusers", NULL, METHOD_DDPM, .has = DENOISER | HAS_FOREIGN},
    {"DiffcEddpmScheduler", "diffc", "DiffcEddpmPipeline", METHOD_EDDPM, .has = CLIPPING, .needs = HAS_KEPT, .clips = true,
     .fits = is_literal, .lacks = "it has no scheduler for kept steps with literal noise"},
    {"DiffcEddpmScheduler", "diffc", "DiffcEddpmPipeline", METHOD_EDDPM, .has = CLIPPING, .needs = HAS_KEPT, .clips = true,
     .fits = is_rescaled, .lacks = "it has no scheduler for kept steps with rescaled noise"},
    /* Kept steps with merged noise are steps of the whole chain. */
    {"DDPMScheduler", "diffusers", "DDPMPipeline", METHOD_EDDPM, .has = CLIPPING, .clips = true},
    {"DiffcCdmScheduler", "diffc", "DiffcCdmPipeline", METHOD_CDM, .has = CHAIN | HAS_CDM | HAS_CLIP, .clips = true,
     .lacks = "it has no classifier of noise levels"},
    {"ScoreSdeVeScheduler", "diffusers", "ScoreSdeVePipeline", METHOD_SDE, SDE_VE, VE, .standard = ve_standard, .fits = gives_score},
    {"ScoreSdeVeScheduler", "diffusers", "ScoreSdeVePipeline", METHOD_SMLD, SDE_VE, SMLD, SMLD_NEEDS, .own = "smld",
     .fits = gives_score},
    {"DiffcVeScheduler", "diffc", "DiffcVePipeline", METHOD_SDE, SDE_VE, VE, .standard = ve_v_standard,
     .lacks = "its ScoreSdeVeScheduler needs a network that gives the score"},
    {"DiffcVeScheduler", "diffc", "DiffcVePipeline", METHOD_SMLD, SDE_VE, SMLD, SMLD_NEEDS, .own = "smld", .standard = v_standard,
     .lacks = "its ScoreSdeVeScheduler needs a network that gives the score"},
    {"DDPMScheduler", "diffusers", "DDPMPipeline", METHOD_SDE, SDE_VP, HAS_VP_CHAIN | HAS_SAMPLE | HAS_CLIP, HAS_VP_CHAIN,
     .own = "vp", .fits = is_chain},
    {"DiffcVpScheduler", "diffc", "DiffcVpPipeline", METHOD_SDE, SDE_VP, VP, VP_NEEDS,
     .lacks = "its UNet2DModel has no Fourier features of the time itself, only of its logarithm"},
    {"DiffcSubVpScheduler", "diffc", "DiffcSubVpPipeline", METHOD_SDE, SDE_SUBVP, VP, VP_NEEDS,
     .lacks = "it has no scheduler for sub-VP"},
    {"ScoreSdeVpScheduler", "diffusers", "ScoreSdeVpPipeline", METHOD_SDE, SDE_VP, VP, .standard = old_vp_standard, .old = true},
    {"DiffcSmldScheduler", "diffc", "DiffcSmldPipeline", METHOD_SMLD, SDE_VE, SMLD, SMLD_NEEDS, .old = true},
};
/* clang-format on */
enum { CLASSES = sizeof classes / sizeof *classes };

const SchedulerClass *scheduler_class_named(const char *name, const char *own)
{
    for (const SchedulerClass *c = classes; c < classes + CLASSES; c++) {
        bool named = strcmp(c->name, name) == 0;
        /* diffusers keeps the own keys when it saves a chain under another of its schedulers. */
        if (own ? c->own && strcmp(c->own, own) == 0 && (named || c->has & HAS_VP_CHAIN)
                : !c->own && named)
            return c;
    }
    return NULL;
}

const SchedulerClass *scheduler_class_of(const ModelConfig *m)
{
    ProcessKind process = method_settings(m->method, m->noise.sde)->process;
    for (const SchedulerClass *c = classes; c < classes + CLASSES; c++)
        if (c->method == m->method && method_settings(c->method, c->sde)->process == process &&
            (!c->fits || c->fits(m)))
            return c;
    CHECK(!"every method has a class without fits");
    return NULL;
}

bool scheduler_pipeline_known(const char *pipeline)
{
    for (int i = 0; i < CLASSES; i++)
        if (classes[i].pipeline && strcmp(classes[i].pipeline, pipeline) == 0) return true;
    return false;
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

/* ---- what the solvers of diffusers do ----
 *
 * It becomes the default of `sample` where diffc can do the same; the rest is named in a warning, unless it
 * is what diffc does anyway. */

enum { SHOWN = 40 };

/* As it stands in the file; of lists only whether they are empty. */
static void show(const Json *v, char out[SHOWN])
{
    if (json_type(v) == JSON_STRING) {
        char text[SHOWN - 2];
        text_escape(text, sizeof text, json_string(v));
        snprintf(out, SHOWN, "\"%s\"", text);
    } else if (json_type(v) == JSON_ARRAY) {
        snprintf(out, SHOWN, json_count(v) ? "[...]" : "[]");
    } else {
        json_show(v, out, SHOWN);
    }
}

static bool do_without(const ModelReader *r, const ModelKey *k, const Json *v)
{
    char shown[SHOWN];
    show(v, shown);
    text_append(r->missing, MISSING_ROOM, "%s%s %s", *r->missing ? ", " : "", k->name, shown);
    return true;
}

bool scheduler_read_done(const ModelReader *r, const ModelKey *k, const Json *v)
{
    char shown[SHOWN];
    show(v, shown);
    if (model_word_in(shown, k->words)) return true;
    return k->instead ? model_unsupported(r, k->name, v, k->instead) : do_without(r, k, v);
}

/* Noise levels that are even in a scale of their own come before timestep_spacing. */
static bool read_scale(const ModelReader *r, const ModelKey *k, const Json *v)
{
    SampleConfig *s = &r->m->sample;
    if (s->spacing == SPACING_AUTO && json_type(v) == JSON_BOOL && json_bool(v))
        s->spacing = (SpacingKind)k->low;
    return true;
}

/* Where timestep_spacing lays the trained steps as one of ours does. */
static bool read_spacing(const ModelReader *r, const ModelKey *k, const Json *v)
{
    SampleConfig *s = &r->m->sample;
    if (s->spacing != SPACING_AUTO || json_type(v) == JSON_NULL) return true;
    for (int i = 0; json_type(v) == JSON_STRING && k->words[i]; i++)
        if (strcmp(json_string(v), k->words[i]) == 0) s->spacing = r->spacing[i];
    return s->spacing != SPACING_AUTO || do_without(r, k, v);
}

enum { SOLVERS = HAS_SOLVER | HAS_FOREIGN };
static const ModelKey solver_keys[] = {
    {"use_karras_sigmas", .read = read_scale, .low = SPACING_KARRAS, .of = HAS_SOLVER},
    {"use_exponential_sigmas", .read = read_scale, .low = SPACING_LOGSNR, .of = HAS_SOLVER},
    {"timestep_spacing", .read = read_spacing, .of = HAS_SOLVER,
     ONLY("leading", "linspace", "trailing")},
    {"use_flow_sigmas", DOES("false"), .of = SOLVERS, .instead = "false"},
    {"timestep_type", DOES("\"discrete\""), .of = SOLVERS, .instead = "\"discrete\""},
    {"use_dynamic_shifting", DOES("false"), .of = SOLVERS, .instead = "false"},
    {"steps_offset", DOES("0"), .of = HAS_SOLVER},
    {"set_alpha_to_one", DOES("true"), .of = HAS_SOLVER},
    {"use_beta_sigmas", DOES("false"), .of = HAS_SOLVER},
    {"use_lu_lambdas", DOES("false"), .of = HAS_SOLVER},
    {"algorithm_type", DOES("\"dpmsolver++\""), .of = HAS_SOLVER},
    {"solver_order", DOES("2"), .of = HAS_SOLVER},
    {"solver_type", DOES("\"midpoint\"", "\"bh2\""), .of = HAS_SOLVER},
    {"predict_x0", DOES("true"), .of = HAS_SOLVER},
    {"solver_p", DOES("null"), .of = HAS_SOLVER},
    {"disable_corrector", DOES("[]"), .of = HAS_SOLVER},
    {"lower_order_final", DOES("true"), .of = HAS_SOLVER},
    {"euler_at_final", DOES("false"), .of = HAS_SOLVER},
    {"final_sigmas_type", DOES("\"zero\""), .of = HAS_SOLVER},
    {"lambda_min_clipped", DOES("-inf"), .of = HAS_SOLVER},
    {"interpolation_type", DOES("\"linear\""), .of = HAS_SOLVER},
    {"sigma_min", DOES("null"), .of = HAS_SOLVER},
    {"sigma_max", DOES("null"), .of = HAS_SOLVER},
    {"shift_terminal", DOES("null"), .of = HAS_SOLVER},
    {0}};

bool scheduler_solver_read(const ModelReader *r, const SchedulerClass *c)
{
    char missing[MISSING_ROOM] = "";
    ModelReader reader = *r;
    reader.missing = missing;
    reader.spacing = c->spacing;
    if (c->has & HAS_FOREIGN) text_add(missing, sizeof missing, ", ", c->name);
    if (c->has & HAS_SOLVER && c->sampler)
        snprintf(r->m->sample.sampler, sizeof r->m->sample.sampler, "%s", c->sampler);
    if (c->has & HAS_SOLVER) r->m->sample.spacing = SPACING_AUTO;
    if (!model_keys_read(&reader, solver_keys, c->has)) return false;
    if (missing[0]) model_warn(r->m, "%.80s: sample does without its %s", r->path, missing);
    return true;
}

/* ---- which models diffusers can open ---- */

/* Checked against diffusers 0.42 by tests/golden/compare_diffusers.py. What it has no class for; NULL:
 * nothing is missing. */
static const char *lacking(const ModelConfig *m, const SchedulerClass *c)
{
    if (m->network == NETWORK_MLP) return "it has no network of points";
    if (c->lacks) return c->lacks;
    if (m->unet.input_fouriers > 0) return "its UNet2DModel has no Fourier features of the image";
    if (m->old_class)
        return "its scheduler is of an older diffc and unknown there; trained on, it is saved anew";
    return NULL;
}

/* What the pipeline that opens does otherwise than diffc; NULL: nothing. */
static const char *difference(const ModelConfig *m, const SchedulerClass *c)
{
    const UNetConfig *unet = &m->unet;
    bool score = c->has & HAS_SCORE;
    if (score && (unet->in_channels != 3 || unet->sample_height <= 0 ||
                  unet->sample_height != unet->sample_width))
        return "that makes square images of 3 channels only; its unet and scheduler open alone";
    if (score && !unet->center_input)
        return "that shows values from 0 to 1, and these images lie in -1 to 1";
    if (unet->classes > 0) return "that gives its unet no class; its unet and scheduler open alone";
    if (m->kept) return "that takes all steps, not only those kept";
    return NULL;
}

DiffusersSupport model_diffusers_support(const ModelConfig *m)
{
    const SchedulerClass *c = scheduler_class_of(m);
    const char *lacks = lacking(m, c);
    return lacks ? (DiffusersSupport){.pipeline = NULL, .but = lacks}
                 : (DiffusersSupport){.pipeline = c->pipeline, .but = difference(m, c)};
}
