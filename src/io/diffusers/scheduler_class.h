/* The classes of schedulers, one row each: which model a file of the class describes, which groups of keys it
 * holds, and how diffusers samples with it. Where diffusers has a class with the same noise levels and labels,
 * the folder names that class, and keys that begin with _diffc_, which diffusers passes over in silence, say
 * what the model is here:
 *   SMLD, VE    ScoreSdeVeScheduler: both have geometric sigmas, and the label is sigma
 *   VP          DDPMScheduler, with trained_betas at the times whose labels are whole (vp_chain_beta), where
 *               the time features are positional
 * The others (sub-VP, VP with Fourier features, CDM, kept steps with noise of their own) have classes of ours. */
#ifndef DIFFC_IO_SCHEDULER_CLASS_H
#define DIFFC_IO_SCHEDULER_CLASS_H

#include "io/diffusers/model_keys.h"

/* Groups of keys in a scheduler's file. */
enum {
    HAS_BETAS = 1 << 0,    /* a chain of steps: their number, betas and prediction */
    HAS_KEPT = 1 << 1,     /* the steps that a model keeps */
    HAS_CDM = 1 << 2,      /* a classifier of noise levels */
    HAS_CLIP = 1 << 3,     /* clip_sample and its range */
    HAS_SAMPLE = 1 << 4,   /* variance and thresholding */
    HAS_SOLVER = 1 << 5,   /* those of diffusers' solvers that diffc has */
    HAS_FOREIGN = 1 << 6,  /* those of its other solvers */
    HAS_VP_CHAIN = 1 << 7, /* VP as a chain */
    HAS_SCORE = 1 << 8,    /* score models in classes of their own */
    HAS_TIMES = 1 << 9,    /* continuous time */
    HAS_LEVELS = 1 << 10,  /* noise levels that have numbers */
    HAS_SIGMAS = 1 << 11,  /* the smallest and largest sigma */
    HAS_BETA_RANGE = 1 << 12,
    HAS_CORRECTOR = 1 << 13,
    HAS_DENOISER = 1 << 14, /* a network that is given its step */
};

typedef struct {
    const char *name, *library;
    const char *pipeline; /* with this scheduler; NULL: none that diffc writes or reads */
    MethodKind method;
    SdeKind sde;
    unsigned has, needs; /* groups of keys: those of the file, and those that must be in it */
    const char *own;     /* its "_diffc_method"; NULL: the name alone says what the model is */
    bool (*fits)(const ModelConfig *m); /* which models of the method are written so; NULL: all */
    void (*standard)(ModelConfig *m);   /* sets what absent keys mean; NULL: as DDPMScheduler */
    const char *lacks;                  /* what diffusers has no class for; NULL: nothing */
    bool clips;                         /* clip_sample is true when absent */
    bool old;                           /* of older versions: read, not written */
    const char *sampler;    /* HAS_SOLVER: the same sampler here; NULL: the method's own */
    SpacingKind spacing[3]; /* HAS_SOLVER: of timestep_spacing "leading", "linspace" and "trailing";
                               SPACING_AUTO: there is none like it */
} SchedulerClass;

/* NULL: none has this name. `own` is the file's "_diffc_method", or NULL. */
const SchedulerClass *scheduler_class_named(const char *name, const char *own);
/* The class that a model is written as. */
const SchedulerClass *scheduler_class_of(const ModelConfig *m);
bool scheduler_pipeline_known(const char *pipeline);
/* A key of which diffc does one or some of the values: `words`, as JSON. Others are refused, or named in a
 * warning where the row has no `instead`. */
bool scheduler_read_done(const ModelReader *r, const ModelKey *k, const Json *v);
#define DOES(...) .read = scheduler_read_done, ONLY(__VA_ARGS__)
/* Reads what a file of the class says of sampling, once its other keys are read. */
bool scheduler_solver_read(const ModelReader *r, const SchedulerClass *c);

/* VP as a chain of VP_CHAIN steps. The network is trained on the label 999 t, so step i is the time
 * i / 999: alpha_bar_i = alpha(i/999)^2 and beta_i = 1 - alpha_bar_i / alpha_bar_{i-1}. At time 0 there
 * is no noise and a chain would divide by 0; step 0 is the smallest time of training instead, or the
 * time whose noise variance is 1e-6, which float32 still resolves. */
enum { VP_CHAIN = 1000 };
double vp_chain_beta(const ModelConfig *m, int i);

#endif
