/* The row of a method: what distinguishes it from the others, for whoever trains, opens or describes a
 * model. Its noise process is chosen by its settings (noise_config.h). */
#ifndef DIFFC_METHOD_H
#define DIFFC_METHOD_H

#include "diffusion/likelihood.h"
#include "diffusion/mask_learner.h"
#include "diffusion/noise_classes.h"
#include "methods/network.h"

/* One micro-batch as the network takes it. */
typedef struct {
    int size;
    size_t dims;
    float *xt, *target;               /* [size, dims] */
    float *noise;                     /* [size, dims] */
    float *t, *label, *weight, *loss; /* [size] */
    int *classes;                     /* [size]: of noise levels (noise_classes.h) */
    float *sigma;                     /* [size] */
    float *part[2];                   /* [size]: the parts of the loss, where the method has them */
    PredictionError *seen;            /* [size]: where the method learns steps */
} TrainBatch;

/* One pass over a batch: loss[n], and grads += dloss sum_n d loss[n] / d parameters. */
typedef struct {
    const MethodConfig *config;
    const Process *process;
    bool clip; /* predicted images, as sampling does */
    double clip_range;
    uint64_t seed;
    Network *network;
    const float *weights;
    float *grads; /* NULL: only the losses of denoising (validation) */
    TrainBatch *batch;
    uint64_t first; /* number of the batch's first sample in the run */
    float dloss;
    const MaskLearner *learner; /* of a run that learns which steps to keep, else NULL */
} LossPass;

/* For the mean loss of some images: what training, validation and their logs report. */
typedef struct {
    double loss, part[2];   /* sums */
    int images, with_noise; /* sigma above 0 */
} LossSum;

typedef struct Method {
    MethodSettings settings[SDE_COUNT]; /* one, or one for each SdeKind */
    MethodKind trains_as; /* the method whose networks it trains: its own, or ddpm of eddpm */
    bool learns_steps;    /* a run learns which steps to keep (train/train_masks.c) */
    /* The network is a classifier of noise levels that predicts by its input gradient: it is given no
     * time, predicts with a backward pass, and trains with a second one. */
    bool classifies_noise;
    int (*noise_classes)(int T); /* NULL: none */
    /* Which level the network is trained at for number k of noise_classes. NULL: the process's own. */
    NoiseLevel (*level)(const Process *p, int k);
    void (*loss)(const LossPass *pass);
    const char *part_names[2];                                        /* in the log; NULL: none */
    double (*mean_part)(const LossSum *sum, int part);                /* NULL: no parts */
    double (*mean_loss)(const MethodConfig *config, const LossSum *); /* NULL: of the images */
    /* Passes forward that an update takes as long as, for an image, and a prediction. */
    double (*update_passes)(const MethodConfig *config, size_t dims);
    double predict_passes;
    NetworkWork predict; /* eps of a part of a call, and what else the call asks for */
    DensityModel (*density)(NetworkDenoiser *context);       /* NULL: it knows no density */
    NoiseClassifier (*classifier)(NetworkDenoiser *context); /* NULL: it cannot find the noise */
} Method;

#define METHOD_ROW(place, word) extern const Method method_##word;
METHODS(METHOD_ROW)
const Method *method_of(MethodKind kind);

/* Weight of one sample's squared error. likelihood: g^2 |score + eps/sigma|^2 (Song et al. 2021b),
 * else objective_weight. */
double method_weight(const Process *p, Prediction kind, NoiseLevel level, LossWeighting weighting,
                     double min_snr_gamma);

/* `predict` of networks that are given a time and predict by their output. */
bool timed_predict(const NetworkPart *p, const NetworkCall *call, Err *err);

/* loss[n] = weight[n] / dims * |y_n - target_n|^2; of a learned variance, without gradients, nothing is in it. */
void denoising_loss(const LossPass *pass);
/* That of networks that give a score, by method.objective, and its passes (score_objective.c). */
void score_loss(const LossPass *pass);
double score_update_passes(const MethodConfig *config, size_t dims);
/* Its exact or sliced form. Needs a plan NET_SECOND and an x that wants its gradient, costs dims or `slices`
 * times the four passes, and does not read target; pass->first numbers the samples whose directions are
 * drawn. */
void score_trace_loss(const LossPass *pass);
/* Signs v[dims] of direction `slice` of a sample. */
void score_slice(uint64_t seed, uint64_t sample, int slice, size_t dims, float *v);
/* The rules between the keys of exploding noise: smld and ve. */
bool exploding_check(const MethodCheck *c, Err *err);
/* That of ddpm and eddpm, the hybrid loss with learned variances, and its passes: forward and twice as much
 * backward. */
void ddpm_loss(const LossPass *pass);
double ddpm_update_passes(const MethodConfig *config, size_t dims);
/* The hybrid loss (ddpm.c); t[n] is the step, and `noise` what xt was made with. */
void hybrid_loss(const LossPass *pass);
/* Its vlb_weight T L_t for one value, and the derivative by v (unless NULL). `guess` is the predicted image. Of
 * pass only the process, of two or more discrete steps, and the configuration count. */
double hybrid_value(const LossPass *pass, const ChainStep *step, size_t dims, double x0,
                    double guess, double v, double *dv);
/* The rules between the keys of a chain of steps, and those of a network that is given its step beside. */
bool steps_check(const MethodCheck *c, Err *err);
bool ddpm_check(const MethodCheck *c, Err *err);
/* Of methods whose network does not give the score. */
bool no_score_check(const MethodCheck *c, Err *err);

#endif
