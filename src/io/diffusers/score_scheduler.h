/* The schedulers of score models, in one table of classes and keys for reading, writing and
 * model_index.json. Where diffusers has a class that gives the same noise levels and labels the folder
 * names that class, and keys that begin with _diffc_, which diffusers passes over in silence, say
 * what the model is here:
 *   SMLD, VE    ScoreSdeVeScheduler: both have geometric sigmas, and the label is sigma
 *   VP          DDPMScheduler, with trained_betas at the times whose labels are whole (vp_chain_beta),
 *               where the time features are positional
 * For the rest (sub-VP, VP with Fourier features) there are classes of our own. */
#ifndef DIFFC_IO_SCORE_SCHEDULER_H
#define DIFFC_IO_SCORE_SCHEDULER_H

#include "io/diffusers/model_files.h"

typedef struct {
    const char *own; /* "_diffc_method", NULL where the class says it */
    const char *library, *name, *pipeline;
    MethodKind method;
    SdeKind sde;
    unsigned bit; /* in the keys' lists of readers */
    bool chain;   /* a DDPMScheduler: the own keys begin with _diffc_, the others are a chain's */
} ScoreClass;

/* NULL: not one of these. `own` is the file's "_diffc_method", or NULL. */
const ScoreClass *score_class_named(const char *name, const char *own);
/* The class that a model is written as. */
const ScoreClass *score_class_of(const ModelConfig *m);
bool score_pipeline_known(const char *pipeline);

bool score_scheduler_read(const ModelReader *r, const Json *object, const ScoreClass *kind);
/* The keys between _class_name and _diffusers_version, and those after them, which a chain lacks. */
void score_scheduler_put_own(JsonWriter *w, const ModelConfig *m);
void score_scheduler_put(JsonWriter *w, const ModelConfig *m);

/* VP as a chain of VP_CHAIN steps. The network is trained on the label 999 t, so step i is the time
 * i / 999: alpha_bar_i = alpha(i/999)^2 and beta_i = 1 - alpha_bar_i / alpha_bar_{i-1}. At time 0 there
 * is no noise and a chain would divide by 0; step 0 is the smallest time of training instead, or the
 * time whose noise variance is 1e-6, which float32 still resolves. */
enum { VP_CHAIN = 1000 };
double vp_chain_beta(const ModelConfig *m, int i);

#endif
