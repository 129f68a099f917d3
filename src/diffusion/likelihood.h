/* Likelihoods: how probable an image is under a model, in bits per dimension (-log2 P / dims).
 * There are several ways to compute it, the protocols (protocol.h), whose numbers must never be mixed.
 *
 * All randomness is a function of the image's seed, so an image's figures depend neither on the
 * images scored with it nor on the number of threads. */
#ifndef DIFFC_LIKELIHOOD_H
#define DIFFC_LIKELIHOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diffusion/denoiser.h"
#include "diffusion/process.h"
#include "diffusion/sampler.h"

/* The result for one image. */
typedef struct {
    double nats;           /* -ln P, or its bound */
    double bits_per_dim;   /* nats / (dims ln 2) */
    double standard_error; /* of that, by the draws of this run; NaN when there was but one */
    size_t dims;           /* height * width * channels of the image */
    long network_calls;    /* predictions; of ode each with one backward pass */
} Likelihood;
/* The mean of n >= 1 independent values, and the variance of that mean: NaN for one value. */
typedef struct {
    double mean, variance;
} Estimate;
Estimate estimate_of(const double *values, int n);
/* From an estimate of -ln P. */
Likelihood likelihood_of(Estimate nats, size_t dims, long network_calls);

/* The values that `levels` levels of grey have in a model: evenly from low to high. */
typedef struct {
    int levels;
    double low, high;
} PixelRange;
extern const PixelRange model_pixels; /* 256 levels in [-1, 1] */

/* log2(levels / (high - low)), what turns bits per dimension of a density into those of the levels:
 * 7 for 256 levels in [-1, 1], 8 in [0, 1]. */
double pixel_bits(const PixelRange *range);
/* The value of a level: low + (high - low) pixel / (levels - 1). */
double pixel_value(const PixelRange *range, int pixel);
/* x[i] = low + (high - low) (pixels[i] + u) / levels, u uniform; another u for each draw. */
void pixels_dequantise(const PixelRange *range, const unsigned char *pixels, size_t n,
                       uint64_t seed, uint64_t draw, double *x);
/* x[i] as the noise of a level leaves the pixel's value, level.alpha value + level.sigma z, z normal, but
 * only within what rounding takes for that pixel: half the way to its neighbours, and at the two ends
 * without end (truncated normal dequantisation, Zheng et al. 2023). Returns ln q(x), its density, so that
 * ln p(x) - ln q(x) is on average at most ln P(pixels), as with the uniform noise. */
double pixels_with_noise(const PixelRange *range, const unsigned char *pixels, size_t n,
                         NoiseLevel level, uint64_t seed, uint64_t draw, double *x);
/* e[n] of random signs, +1 or -1; other signs for each draw and probe. */
void probe_signs(double *e, size_t n, uint64_t seed, uint64_t draw, int probe);
/* -ln P of the image from the log density of the dequantised one. */
double pixel_nats(const PixelRange *range, double log_density, size_t dims);

/* KL(N(m1, v1) || N(m2, v2)) in nats; v are variances. */
double gaussian_kl(double m1, double v1, double m2, double v2);
/* ln N(x; 0, std^2 I). */
double gaussian_log_density(const double *x, size_t n, double std);
/* sum_i KL(q(x_T | x0[i]) || prior) in nats at the process's noisiest level. */
double prior_kl(const Process *p, const double *x0, size_t n);

/* ---- the decoder of the last step ---- */

/* ln of the probability that N(mean, std^2) falls into the bin of value x, half the way to its
 * neighbours; the bins of the lowest and the highest level reach to infinity, so that all levels
 * together have probability 1. Accurate in the tails. */
double decoder_log_probability(const PixelRange *range, double x, double mean, double std);
/* The same with its derivative by ln std. */
double decoder_log_probability_slope(const PixelRange *range, double x, double mean, double std,
                                     double *slope);
/* Of N(value, std^2) within the bin of value: the z for which value + std z has the share u of it below. */
double decoder_quantile(const PixelRange *range, double value, double std, double u);
/* What the model's step from t to t-1 costs for one value, in nats, and how that changes with the
 * variance: KL(N(c_x0 x0, small) || N(c_x0 guess, variance)), which both have c_x x in the mean; at
 * step 0 -ln P(x0) by the decoder. */
typedef struct {
    bool decoder;    /* step 0 */
    PosteriorStep q; /* of step 0 with the small variance of step 1, for its own is zero */
} ChainStep;
/* Of a discrete process of two or more steps. */
ChainStep chain_step(const Process *p, int t);
/* *slope, unless NULL, is the derivative by ln variance. */
double chain_step_cost(const ChainStep *s, double x0, double guess, double variance, double *slope);

/* The seed of an image's draws, by the user's seed and the image itself. */
uint64_t likelihood_seed(uint64_t seed, const unsigned char *pixels, size_t n);

/* ---- a run of a protocol ---- */

/* The noise of image i's draw d is noise.normals(context, i, d, dims, z). The usual source. */
typedef struct {
    const uint64_t *seeds; /* of each image */
} ImageSeeds;
NoiseSource likelihood_noise(ImageSeeds *seeds);

/* A model that knows its density: log_p[i] = ln p(x[i]) at a noise level, in nats. */
typedef struct {
    void *context;
    size_t dims;
    bool (*log_density)(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, double *log_p, Err *err);
} DensityModel;

/* What ode adds to the pixels, of which it takes the density: uniform noise of one level of grey, or the
 * model's own least noise (pixels_with_noise). */
typedef enum { DEQUANT_UNIFORM, DEQUANT_NORMAL } DequantKind;
extern const char *const dequant_words[];

/* The settings of all protocols; each reads its own. */
typedef struct {
    const Process *process; /* bound, ode: of two or more steps */
    /* bound: variances of the model's steps; step 0 has the small variance of step 1. Learned needs a
     * denoiser with predict_variance. */
    VarianceKind variance;
    const double *variances; /* bound: [T] instead of those; NULL: by kind */
    bool clip;               /* bound: clamp the predicted x0 to +-clip_range, as sampling does */
    double clip_range;
    /* bound: predictions per image: 0 sums all T terms, a few more than T (bound_calls), for the early
     * ones are drawn several times; 4 or more estimate the sum without bias. */
    int calls;
    int batch;           /* bound: predictions made together */
    int probes;          /* ode: directions e of each solve, averaged; exact where J is diagonal */
    double tolerance;    /* ode: relative and absolute, of each image's root mean square error */
    long call_limit;     /* ode: evaluations that one solve may take */
    int draws;           /* ode, exact: of dequantisation or noise, of each image, 1 or more */
    DequantKind dequant; /* ode */
    NoiseLevel level;    /* exact: at which the density is taken */
    bool dequantise;     /* exact: clean images; without effect at a level with noise */
    /* Called after each group of predictions with how many have been made; false stops with
     * ERR_INTERRUPTED. May be NULL. */
    bool (*progress)(void *context, long predictions);
    void *progress_context;
} LikelihoodRun;

/* What a protocol reads of a run, apart from the process. */
enum {
    LIKELIHOOD_STEPS = 1 << 0, /* the process may be a chain of some of the model's steps */
    LIKELIHOOD_CALLS = 1 << 1,
    LIKELIHOOD_VARIANCE = 1 << 2, /* variance, variances */
    LIKELIHOOD_CLIP = 1 << 3,     /* clip, clip_range */
    LIKELIHOOD_TERMS = 1 << 4,    /* it has a table of terms, which calls 0 fills */
    LIKELIHOOD_PROBES = 1 << 5,
    LIKELIHOOD_DRAWS = 1 << 6,
    LIKELIHOOD_SOLVER = 1 << 7, /* tolerance, call_limit */
    LIKELIHOOD_LEVEL = 1 << 8,  /* level, dequantise */
    LIKELIHOOD_DEQUANT = 1 << 9,
};

/* clang-format off */
/* The settings of protocols that are one number, a line each: options of `diffc nll` (cli/cmd_nll.c) and
 * their defaults are made from them. A line: the member, the option's name, who reads it, the range, the
 * default, the help. OWN: an int whose default is the protocol's own, in words. */
#define LIKELIHOOD_SETTINGS(SWITCH, INT, REAL, OWN) \
    OWN(calls, "calls", LIKELIHOOD_CALLS, 4, 1e6, "100", "network calls per image, from which the sum of all terms is estimated without bias") \
    SWITCH(clip, "clip", LIKELIHOOD_CLIP, true, "keep the predicted image within [-1, 1]") \
    INT(probes, "probes", LIKELIHOOD_PROBES, 1, 1000, 1, "directions that estimate the trace of the Jacobian") \
    OWN(draws, "dequant", LIKELIHOOD_DRAWS, 1, 1000, "by the protocol, 1 or 4", "draws of the noise that --dequant-by names (exact: of uniform noise, or above --level 0 of that level's noise), each scored on its own; two or more give a standard error") \
    REAL(tolerance, "tolerance", LIKELIHOOD_SOLVER, 1e-12, 0.1, 3e-7, "error allowed in each step, relative and absolute") \
    INT(call_limit, "call-limit", LIKELIHOOD_SOLVER, 8, 1e9, 10000, "network calls that one solve may take")
/* clang-format on */

/* ---- bound: the variational bound of a chain of discrete steps (Ho et al. 2020, eq. 5), an upper bound
 * of -log2 P of the image as it stands, all its levels of grey ---- */

/* Predictions per image that a run will make. */
long bound_calls(const LikelihoodRun *run);

/* x0 [count, dims] at the values of model_pixels. results [count]. terms [count, T+1] or NULL: with
 * calls 0 the terms of steps 0 .. T-1 (step 0: the decoder) and of the prior, in nats. ERR_USAGE for
 * a process in continuous time or options out of range, ERR_MEMORY, ERR_DIVERGED, ERR_INTERRUPTED. */
bool bound_run(const LikelihoodRun *run, const Denoiser *denoiser, const NoiseSource *noise,
               int count, const double *x0, Likelihood *results, double *terms, Err *err);

/* variances[T] for a LikelihoodRun: of each step what minimises the expected term, the small variance plus
 * c_x0^2 times the mean squared error of the predicted x0, measured on images x0 [count, dims] that
 * should be of the training set (Bao et al. 2022 find the same from the norm of the score). Uses
 * run's process, clipping, calls (of each image) and batch. */
bool bound_fit_variances(const LikelihoodRun *run, const Denoiser *denoiser,
                         const NoiseSource *noise, int count, const double *x0, double *variances,
                         Err *err);

/* ---- ode: the density of the probability flow (protocol_ode.c) ---- */

/* log_p [count, probes] = ln p(x) with each probe; x becomes the latent. calls
 * [count] or NULL: evaluations. seeds [count] and draws [count] choose the probes. The denoiser needs
 * predict_vjp. ERR_USAGE for options out of range, ERR_LIMIT for a tolerance that cannot be met
 * within the limit, ERR_MEMORY, ERR_DIVERGED, ERR_INTERRUPTED. */
bool flow_log_density(const LikelihoodRun *run, const Denoiser *denoiser, int count, double *x,
                      const uint64_t *seeds, const uint64_t *draws, double *log_p, long *calls,
                      Err *err);

#endif
