#include "io/diffusers/scheduler_class.h"

#include <math.h>
#include <string.h>

static bool is_chain(const ModelConfig *m)
{
    return m->network == NETWORK_UNET && m->unet.time_kind == TIME_POSITIONAL;
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
    {"ScoreSdeVeScheduler", "diffusers", "ScoreSdeVePipeline", METHOD_SDE, SDE_VE, VE, .standard = ve_standard},
    {"ScoreSdeVeScheduler", "diffusers", "ScoreSdeVePipeline", METHOD_SMLD, SDE_VE, SMLD, SMLD_NEEDS, .own = "smld"},
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
